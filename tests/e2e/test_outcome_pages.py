"""Looking back in a browser: open to everybody, on a phone and a desk, with the keyboard alone."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.e2e.conftest import Reader
from tests.integration.web.past_world import AVERTED, FALSE, judge, miss, note, play_again, walk
from tests.integration.web.world import ADMIN, MANAGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from tests.integration.web.world import World

PHONE, TABLET, DESK = (390, 844), (820, 1180), (1440, 900)
PAGES = (
    "/outcomes", "/outcomes?weeks=52&by=store", "/outcomes?from=x", "/outcomes/alerts", "/outcomes/missed",
    "/outcomes/buy-notes", "/outcomes/backtest", "/outcomes/alerts?from=2020-01-01&to=2020-02-01",
)  # fmt: skip


@pytest.fixture
def at(browser: Browser, address: str) -> Iterator[Callable[..., Reader]]:
    """Seats somebody at a screen of a size and a colour scheme."""
    contexts = []

    def seat(size: tuple[int, int] = PHONE, scheme: str = "light") -> Reader:
        contexts.append(
            browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        )
        return Reader(contexts[-1].new_page(), address)

    yield seat
    for context in contexts:
        context.close()


@pytest.fixture
def past(world: World) -> World:
    """The small retailer with a spring behind it."""
    database = world.database
    judge(database, 12)
    judge(database, 2, AVERTED, units_recovered=6.0, customers_recovered=5.0)
    judge(database, 2, FALSE)
    miss(database, 3)
    walk(database, (date(2026, 4, 4), "", 1.6, 7.0), (date(2026, 6, 13), "", 1.3, 4.0))
    note(database, 3)
    play_again(database, "Swim trunks")
    return world


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, TABLET, DESK], ids=["phone", "tablet", "desk"])
def test_the_pages_that_look_back_are_open_to_everybody(
    size: tuple[int, int], scheme: str, past: World, at: Callable[..., Reader]
) -> None:
    reader, axe = at(size, scheme), Axe()
    reader.log_in(ADMIN)
    for path in PAGES:
        reader.open(path)
        reader.page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        found = axe.run(reader.page)
        assert not found.violations_count, (path, found.generate_report())
        assert reader.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_a_bar_says_its_numbers_to_the_keyboard_too(past: World, at: Callable[..., Reader]) -> None:
    reader = at()
    reader.log_in(MANAGER)
    reader.open("/outcomes")
    bar = reader.page.locator(".week-bars li").filter(has_text="24 May 2026")

    bar.focus()
    reader.page.keyboard.press("Tab")
    reader.page.keyboard.press("Shift+Tab")

    expect(bar).to_be_focused()
    assert bar.locator(".says").evaluate("part => getComputedStyle(part).clipPath") == "none"
    expect(bar).to_contain_text("lost, 10 won back")


def test_a_manager_finds_the_wrong_alerts_in_two_presses(past: World, at: Callable[..., Reader]) -> None:
    reader = at()
    reader.log_in(MANAGER)
    reader.open("/outcomes")

    reader.page.get_by_role("row", name="Swim trunks").first.get_by_role("link", name="2", exact=True).click()

    expect(reader.page.get_by_role("heading", level=1)).to_have_text("Did not happen")
    expect(reader.page.locator(".judged li")).to_have_count(2)
