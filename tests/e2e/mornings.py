"""The mornings of three people on the demo retailer: tests walk them, and pictures are taken on the way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

HOT_ZONES = ("hot_dry", "hot_humid")
NEW_EXIT = "2026-08-31"
REASON = "Customers here swim until October; the stores were sold out of trunks for weeks last year."
STORES = """store_id,name,kind,latitude,longitude,timezone,climate_zone
PHX-03,Phoenix Desert Ridge,store,33.68,-111.97,America/Phoenix,hot_dry
PHX-04,Phoenix Ahwatukee,store,{latitude},-111.98,America/Phoenix,hot_dry
PHX-05,Phoenix Laveen,shop,33.36,-112.15,America/Phoenix,hot_dry
"""
BAD_STORES, GOOD_STORES = (
    STORES.format(latitude="333.34"),
    STORES.format(latitude="33.34").replace(",shop,", ",store,"),
)


class Look(Protocol):
    """Looks at the page under a name: a picture is taken, or nothing happens."""

    def __call__(self, page: Page, name: str) -> None: ...


def no_picture(page: Page, name: str) -> None:
    """Look at nothing."""


def log_in(page: Page, login: tuple[str, str]) -> None:
    """Log in on the page that asks for it."""
    page.get_by_label("E-mail").fill(login[0])
    page.get_by_label("Password").fill(login[1])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_load_state("networkidle")


def of_the_store_manager(page: Page, link: str, login: tuple[str, str], look: Look = no_picture) -> None:
    """From the link in the mail to a customer who is sent to the right store."""
    page.goto(link)
    log_in(page, login)
    expect(page.get_by_role("heading", name="What you can do")).to_be_visible()
    look(page, "alert")

    page.get_by_role("link", name="Today").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("will leave without what they came for")
    look(page, "today")
    cards = page.locator(".card-row")
    worst = cards.first.get_by_role("heading").inner_text()
    cards.first.locator(".btn-primary").click()
    look(page, "confirm")
    page.locator("form.decide button").click()
    expect(page.get_by_role("status")).to_be_visible()

    page.get_by_role("link", name="Today").first.click()
    expect(cards.filter(has_text=worst)).to_have_count(0)
    next_one = cards.first.get_by_role("heading").inner_text()
    cards.first.get_by_text("Put it off").click()
    cards.first.get_by_role("button", name="A week").click()
    expect(cards.filter(has_text=next_one)).to_have_count(0)

    page.get_by_role("link", name="Ask", exact=True).click()
    page.get_by_label("Three letters and a size, or the customer's words").fill("mar m")
    page.get_by_role("button", name="Find").click()
    page.locator("ol.found form button").first.click()
    expect(page.get_by_role("heading", name="What was done")).to_be_visible()
    look(page, "asked")

    page.get_by_role("link", name="Find", exact=True).click()
    page.get_by_label("Three letters and a size, or a sku").fill("mar l")
    page.get_by_role("button", name="Find").click()
    page.locator(".sizes-asked a").first.click()
    expect(page.get_by_text(re.compile(r"\bmiles?\b")).first).to_be_visible()
    look(page, "find")


def of_the_merchandiser(
    page: Page, address: str, login: tuple[str, str], run_a_night: Callable[[], None], look: Look = no_picture
) -> None:
    """From the gap map to dates that customers can live with, and alerts that go."""
    page.goto(address)
    log_in(page, login)
    expect(page.get_by_role("heading", name="Where the two seasons part")).to_be_visible()
    look(page, "gap_map")
    assert told_of(page, address) == dict.fromkeys(HOT_ZONES, 1)

    for zone in HOT_ZONES:
        page.goto(f"{address}/season/swim%20trunks?zone={zone}")
        with page.expect_response(lambda answer: "/weigh" in answer.url):
            page.get_by_label("Exit, last day on the floor").fill(NEW_EXIT)
        expect(page.locator("#said")).to_contain_text("Exit 31 August")
        if zone == HOT_ZONES[0]:
            look(page, "planner")
        page.get_by_label("Why").fill(REASON)
        page.get_by_role("button", name="Propose it").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("on the floor until 31 August")
        if zone == HOT_ZONES[0]:
            look(page, "proposal")
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_text("Approved.").first).to_be_visible()

    page.goto(f"{address}/calendar")
    look(page, "calendar")
    run_a_night()
    assert told_of(page, address) == dict.fromkeys(HOT_ZONES, 0)


def told_of(page: Page, address: str) -> dict[str, int]:
    """Alerts that say of swim trunks in each hot zone that they leave on 5 July."""
    page.goto(f"{address}/alerts?category=swim+trunks&rule=exit_before_demand_ends")
    rows = page.locator(".alert-row").filter(has_text=re.compile(r"\b5 July\b"))
    return {
        zone: rows.filter(has_text=re.compile(zone.replace("_", " "), re.IGNORECASE)).count()
        for zone in HOT_ZONES
    }


def of_the_admin(
    page: Page, address: str, login: tuple[str, str], folder: Path, look: Look = no_picture
) -> None:
    """From a feed with bad rows to one that is loaded whole."""
    page.goto(address)
    log_in(page, login)
    page.get_by_role("link", name="Feeds").first.click()
    look(page, "feeds")
    page.get_by_role("link", name="stores", exact=False).first.click()

    bring(page, folder, "new stores.csv", BAD_STORES)
    expect(page.get_by_text("1 row would be loaded, 2 would not")).to_be_visible()
    expect(page.get_by_role("rowheader", name=re.compile("latitude"))).to_be_visible()
    expect(page.get_by_role("rowheader", name=re.compile("kind"))).to_be_visible()
    look(page, "upload")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the rejected rows").click()
    assert "333.34" in download.value.path().read_text(encoding="utf-8")
    page.get_by_role("button", name="Throw it away").click()
    expect(page.get_by_role("status").first).to_contain_text("thrown away")
    bring(page, folder, "new stores.csv", GOOD_STORES)
    expect(page.get_by_text("3 rows would be loaded.")).to_be_visible()
    page.get_by_role("button", name="Load it").click()
    expect(page.get_by_text("3 created").first).to_be_visible()
    look(page, "loaded")

    page.get_by_role("link", name="Runs").first.click()
    look(page, "runs")


def bring(page: Page, folder: Path, name: str, text: str) -> None:
    """Upload a file."""
    (folder / name).write_text(text, encoding="utf-8")
    page.get_by_label("CSV file").set_input_files(folder / name)
    page.get_by_role("button", name="Look at it").click()
    page.wait_for_load_state("networkidle")
