"""People at a phone and at a desk, in light and in dark, on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Reader
from tests.integration.web.world import MANAGER, MERCHANDISER, World, add_alerts, alert_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

PHONE, DESK = (390, 844), (1440, 900)


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
    worst.get_by_role("heading").click()
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
    page.locator(".back").get_by_role("link", name="Today").click()
    expect(page.locator(".alert-row")).to_have_count(3)


def test_the_page_follows_the_choice_of_light_or_dark(at: Callable[..., Reader]) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        reader = at(PHONE, scheme)
        reader.open("/login")
        shades[scheme] = reader.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert shades == {"light": "rgb(247, 247, 245)", "dark": "rgb(17, 21, 22)"}


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
        drawing = reader.page.locator(".chart svg.drawing")
        drawing.wait_for()
        wide, letters = drawing.evaluate(
            "part => [part.clientWidth, getComputedStyle(part.querySelector('text')).fontSize]"
        )
        assert 300 < wide <= size[0]
        assert letters == ("24px" if size == PHONE else "12px")


def test_a_week_tells_its_figures_when_it_is_pointed_at_or_reached_by_the_arrows(
    at: Callable[..., Reader], world: World
) -> None:
    reader = at(DESK)
    reader.log_in(MANAGER, f"/alerts/{world.own_alert}")
    page, told = reader.page, reader.page.locator(".told-week")
    drawing = page.locator(".chart svg.drawing")
    drawing.scroll_into_view_if_needed()
    expect(told).to_have_text("Point at a week, or go from week to week with the arrow keys.")
    weeks = drawing.locator('[class*="week_"] path')
    box = weeks.nth(1).bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 5)
    expect(told).to_have_text("Week of 3 May 2026: sold 5, stock 35")
    # The stock below belongs to the same week.
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] + 60)
    expect(told).to_have_text("Week of 3 May 2026: sold 5, stock 35")
    page.mouse.move(1, 1)
    expect(told).to_contain_text("Point at a week")
    drawing.locator('[tabindex="0"]').focus()
    expect(told).to_have_text("Week of 14 June 2026: demand 8 (4 to 13)")
    page.keyboard.press("ArrowLeft")
    expect(told).to_have_text("Week of 7 June 2026: sold 6, stock 6")
    page.keyboard.press("Home")
    expect(told).to_have_text("Week of 26 April 2026: sold 3, stock 40")
    assert drawing.locator('[tabindex="0"]').count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "The numbers"


def test_without_a_script_the_drawing_is_a_picture_and_the_cards_still_act(
    browser: Browser, address: str, world: World
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    reader = Reader(context.new_page(), address)
    reader.log_in(MANAGER)
    page = reader.page
    page.locator(".card-row").first.get_by_text("Put it off").click()
    page.locator(".card-row").first.get_by_role("button", name="Until it gets worse").click()
    page.get_by_text("Put off until it gets worse.").wait_for()
    assert alert_of(world.database, world.own_alert).status == "snoozed"
    page.get_by_role("button", name="Take that back").click()
    page.get_by_text("1 alert as before.").wait_for()
    assert alert_of(world.database, world.own_alert).status == "open"
    reader.open(f"/alerts/{world.own_alert}")
    picture = page.locator(".chart img")
    assert picture.evaluate("image => image.naturalWidth") > 600
    assert not page.locator(".told-week").is_visible()
    context.close()


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
