"""People at a phone and at a desk, in light and in dark, on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.e2e.conftest import Reader
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, World, add_alerts, alert_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

PHONE, TABLET, DESK = (390, 844), (820, 1180), (1440, 900)
SMALLEST_TARGET = 44


@pytest.fixture
def at(browser: Browser, address: str) -> Iterator[Callable[..., Reader]]:
    """Seats somebody at a screen of a size and a colour scheme; at the end no browser may have complained."""
    readers = []

    def seat(size: tuple[int, int] = DESK, scheme: str = "light") -> Reader:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        context.set_default_timeout(15_000)
        readers.append(Reader(context.new_page(), address))
        return readers[-1]

    yield seat
    for reader in readers:
        reader.page.context.close()
    assert [complaint for reader in readers for complaint in reader.complaints] == []


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_store_manager_takes_the_worst_alert_on(
    size: tuple[int, int], at: Callable[..., Reader], world: World
) -> None:
    add_alerts(world.database, 3)
    reader = at(size)
    reader.log_in(MANAGER)
    page = reader.page
    worst = page.locator(".alert-row").first
    assert "Swim trunks will leave the floor on 5 July" in worst.inner_text()
    worst.click()
    page.wait_for_url(f"**/alerts/{world.own_alert}")
    assert page.get_by_role("heading", level=1).inner_text() == (
        "Swim trunks: 6 can still be served after 5 July"
    )
    page.get_by_text("The numbers", exact=True).click()
    assert page.get_by_role("rowheader", name="14 June 2026").is_visible()
    page.get_by_role("button", name="I take it on").click()
    page.get_by_text("You have taken it on").wait_for()
    assert page.get_by_text("Taken on by Maya Ortiz").first.is_visible()
    assert alert_of(world.database, world.own_alert).status == "acknowledged"
    page.get_by_role("link", name="Alerts").first.click()
    expect(page.locator(".alert-row")).to_have_count(3)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, TABLET, DESK], ids=["phone", "tablet", "desk"])
def test_every_page_is_open_to_everybody(
    size: tuple[int, int], scheme: str, at: Callable[..., Reader], world: World
) -> None:
    reader, axe = at(size, scheme), Axe()
    reader.open("/login")
    assert report(axe, reader) == ""
    reader.log_in(ADMIN)
    paths = (
        "/alerts",
        "/alerts?status=resolved",
        "/alerts?status=expired",
        "/alerts?status=snoozed",
        "/alerts?status=pending",
        "/alerts?status=dismissed",
        "/alerts?store=PHX1",
        f"/alerts/{world.own_alert}",
        "/runs",
        f"/runs/{world.night}",
        "/mails",
        f"/mails/{world.own_mail}",
    )
    for path in paths:
        reader.open(path)
        reader.page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        assert report(axe, reader) == "", path
        wide = reader.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size[0], f"{path} is {wide} px wide"


def report(axe: Axe, reader: Reader) -> str:
    found = axe.run(reader.page)
    return found.generate_report() if found.violations_count else ""


def test_the_page_follows_the_choice_of_light_or_dark(at: Callable[..., Reader]) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        reader = at(PHONE, scheme)
        reader.open("/login")
        shades[scheme] = reader.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert shades == {"light": "rgb(247, 247, 245)", "dark": "rgb(17, 21, 22)"}


def test_what_is_pressed_on_the_shop_floor_is_large_enough(at: Callable[..., Reader], world: World) -> None:
    reader = at(PHONE)
    reader.log_in(MANAGER)
    for path in ("/alerts", f"/alerts/{world.own_alert}", "/mails", f"/mails/{world.own_mail}"):
        reader.open(path)
        small = reader.page.evaluate(
            """least => [...document.querySelectorAll("a, button, summary, select, input:not([type=hidden])")]
                .filter(part => part.checkVisibility() && !part.matches(".skip, .alert-row a"))
                .filter(part => part.getBoundingClientRect().height < least)
                .map(part => part.outerHTML)""",
            SMALLEST_TARGET,
        )
        assert small == [], path


def test_the_keyboard_reaches_the_content_first_and_every_alert(
    at: Callable[..., Reader], world: World
) -> None:
    reader = at(DESK)
    reader.log_in(MERCHANDISER)
    page = reader.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    for _ in range(25):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.alert-row a')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/alerts/{world.own_alert}")


def test_the_drawing_is_shown_and_grows_its_letters_on_a_phone(
    at: Callable[..., Reader], world: World
) -> None:
    for size in (PHONE, DESK):
        reader = at(size)
        reader.log_in(MANAGER, f"/alerts/{world.own_alert}")
        drawn = reader.page.locator(".chart img").evaluate("image => [image.naturalWidth, image.clientWidth]")
        assert drawn[0] > 600
        assert 300 < drawn[1] <= size[0]


def test_a_mail_link_leads_through_the_door_to_its_alert(at: Callable[..., Reader], world: World) -> None:
    reader = at(PHONE)
    reader.log_in(MANAGER, f"/alerts/{world.own_alert}")
    assert reader.page.url.endswith(f"/alerts/{world.own_alert}")
    assert alert_of(world.database, world.own_alert).status == "open"


def test_a_mail_stands_in_its_frame_as_it_was_written(at: Callable[..., Reader], world: World) -> None:
    reader = at(DESK)
    reader.log_in(MANAGER, f"/mails/{world.own_mail}")
    letter = reader.page.frame_locator("iframe.letter").get_by_text("Hello")
    assert letter.evaluate("part => getComputedStyle(part).color") == "rgb(255, 0, 0)"
