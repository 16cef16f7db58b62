"""The merchandiser at the map and the planner: by mouse, thumb and keyboard, and without a script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from data.settings import load_settings
from tests.e2e.conftest import Reader, served
from tests.integration.web.season_world import SEASON, TODAY_PLAN, FakeBoards, add_season
from tests.integration.web.world import MERCHANDISER, TODAY, World
from web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

PHONE, DESK = (390, 844), (1440, 900)
TRUNKS = "/season/Swim%20trunks?zone=hot"


@pytest.fixture
def desk_address(world: World, tmp_path: Path) -> Iterator[str]:
    """The address of the app with a season of swim trunks to plan."""
    add_season(world.database)
    draw(world)
    app = create_app(load_settings(var=tmp_path, today=TODAY), world.database)
    app.extensions["inseason"].__dict__["boards"] = FakeBoards()
    with served(app) as address:
        yield address


def draw(world: World) -> None:
    """Put a real drawing in the place of the stand-in."""
    from datetime import date

    from data.records import PlanSheet
    from web.rendering.season_chart import season_chart

    with world.database.write() as records:
        sheets = records.query(PlanSheet).all()
        weeks = [{**row, "week": date.fromisoformat(row["week"])} for row in sheets[0].table]
        svg, geometry = season_chart(weeks, TODAY_PLAN, as_of=date(2026, 6, 13), title="Swim trunks")
        for sheet in sheets:
            sheet.svg, sheet.details = svg, sheet.details | {"chart": geometry.details}


@pytest.fixture
def at(browser: Browser, desk_address: str) -> Iterator[Callable[..., Reader]]:
    """Seats the merchandiser at a screen; at the end no browser may have complained."""
    readers = []

    def seat(
        size: tuple[int, int] = DESK, scheme: str = "light", *, scripts: bool = True, path: str = TRUNKS
    ) -> Reader:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            java_script_enabled=scripts,
            has_touch=size == PHONE,
        )
        context.set_default_timeout(15_000)
        readers.append(Reader(context.new_page(), desk_address))
        readers[-1].log_in(MERCHANDISER, path)
        return readers[-1]

    yield seat
    for reader in readers:
        reader.page.context.close()
    assert [complaint for reader in readers for complaint in reader.complaints] == []


def handle(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name)


def verdict(page: Page) -> Locator:
    return page.locator("#said")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, (820, 1180), DESK], ids=["phone", "tablet", "desk"])
def test_the_pages_are_open_to_everybody(
    size: tuple[int, int], scheme: str, at: Callable[..., Reader]
) -> None:
    reader, axe = at(size, scheme), Axe()
    moved = f"{TRUNKS}&floor_set=2026-02-15&exit=2026-08-31&plan=2026-02-15~2026-08-02"
    wrong = f"{TRUNKS}&exit=2026-01-01"
    for path in ("/season?zone=hot", "/season?category=Swim+trunks&in=money", TRUNKS, moved, wrong):
        reader.open(path)
        if path == wrong:
            # The browser notes that the page was answered as one that cannot be read.
            assert "422" in reader.complaints.pop()
        reader.page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        found = axe.run(reader.page)
        assert not found.violations_count, f"{path}: {found.generate_report()}"
        wide = reader.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size[0], f"{path} is {wide} px wide"


def test_an_exit_is_dragged_and_weighed_at_once(at: Callable[..., Reader]) -> None:
    page = at().page
    exit_handle = handle(page, "Exit")
    # The upper part of the line is free of labels.
    box = exit_handle.bounding_box()
    assert box
    middle, height = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle, height)
    page.mouse.down()
    page.mouse.move(middle + 40, height, steps=6)
    page.mouse.up()
    expect(verdict(page)).to_contain_text("more customers served")
    field = page.get_by_label("Exit, last day on the floor")
    assert "2026-07-19" < field.input_value() < "2026-12-01"
    expect(exit_handle).to_be_focused()
    assert f"exit={field.input_value()}" in page.url
    # The address says what the page says.
    told = verdict(page).inner_text()
    page.reload()
    assert verdict(page).inner_text() == told


def test_an_exit_is_moved_by_the_arrow_keys(at: Callable[..., Reader]) -> None:
    page = at().page
    exit_handle, field = handle(page, "Exit"), page.get_by_label("Exit, last day on the floor")
    exit_handle.focus()
    page.keyboard.press("ArrowRight")
    assert field.input_value() == "2026-07-20"
    page.keyboard.press("PageUp")
    assert field.input_value() == "2026-07-27"
    page.keyboard.press("ArrowDown")
    assert field.input_value() == "2026-07-26"
    expect(exit_handle).to_have_attribute("aria-valuetext", re.compile("26 July"))
    expect(verdict(page)).to_contain_text("Exit 26 July")
    expect(exit_handle).to_be_focused()


def test_a_date_that_is_typed_moves_its_handle(at: Callable[..., Reader]) -> None:
    page = at().page
    before = handle(page, "Exit").bounding_box()
    page.get_by_label("Exit, last day on the floor").fill("2026-08-02")
    expect(verdict(page)).to_contain_text("Exit 2 August")
    after = handle(page, "Exit").bounding_box()
    assert before
    assert after
    assert after["x"] > before["x"]
    expect(page.get_by_label("Exit, last day on the floor")).to_be_focused()


def test_a_markdown_that_breaks_a_rule_says_so_while_it_is_moved(at: Callable[..., Reader]) -> None:
    page = at().page
    page.get_by_label("% off").first.fill("37")
    expect(verdict(page)).to_contain_text("The rules do not allow it")
    expect(verdict(page)).to_have_class(re.compile("refused"))
    page.get_by_label("% off").first.fill("40")
    expect(verdict(page)).not_to_have_class(re.compile("refused"))


def test_a_date_that_is_emptied_is_asked_for_and_nothing_is_lost(at: Callable[..., Reader]) -> None:
    page = at().page
    page.get_by_label("Exit, last day on the floor").fill("")
    expect(verdict(page)).to_contain_text("Choose a day for the exit.")
    assert page.get_by_label("% off").first.input_value() == "30"


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_without_a_script_fields_and_buttons_do_it_all(
    size: tuple[int, int], at: Callable[..., Reader]
) -> None:
    page = at(size, scripts=False).page
    page.get_by_label("Exit, last day on the floor").fill("2026-08-31")
    page.get_by_role("button", name="Weigh it").click()
    assert "more customers served" in verdict(page).inner_text()
    page.get_by_role("button", name="Put it beside").click()
    assert "plan=2026-02-15~2026-08-31" in page.url
    page.get_by_role("link", name="Take away").click()
    assert "plan=" not in page.url


def test_three_plans_stand_side_by_side(at: Callable[..., Reader]) -> None:
    page = at().page
    for day, told in (("2026-08-02", "2 August"), ("2026-08-16", "16 August")):
        page.get_by_label("Exit, last day on the floor").fill(day)
        expect(verdict(page)).to_contain_text(told)
        page.get_by_role("button", name="Put it beside").click()
        page.wait_for_url("**plan=**")
    page.get_by_label("Exit, last day on the floor").fill("2026-08-31")
    heads = page.locator(".plans thead th")
    expect(heads).to_have_count(5)
    expect(page.get_by_text("Three plans fit beside today's")).to_be_visible()


def test_a_mark_of_the_frontier_goes_into_the_form(at: Callable[..., Reader]) -> None:
    page = at().page
    mark = page.locator(".frontier .mark.frontier").last
    mark.focus()
    expect(page.locator(".told-mark")).to_contain_text("customers")
    page.keyboard.press("Enter")
    page.wait_for_url("**exit=*")
    assert page.get_by_label("Exit, last day on the floor").input_value() > TODAY_PLAN.exit.isoformat()
    assert f"season={SEASON}" in page.url


def test_the_map_tells_the_cell_under_the_pointer_and_the_focus(at: Callable[..., Reader]) -> None:
    page = at(path="/season?zone=hot").page
    readout = page.locator(".readout")
    page.locator("tbody td[data-n]").first.hover()
    expect(readout).to_contain_text("Swim trunks, 26 July:")
    page.locator('tbody td[tabindex="0"]').focus()
    expect(readout).to_contain_text("Swim trunks, 14 June:")
    page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text("Swim trunks, 21 June:")
    page.keyboard.press("End")
    assert page.locator('tbody td[tabindex="0"]').count() == 1


def test_the_map_without_a_script_tells_the_cell_as_well(at: Callable[..., Reader]) -> None:
    page = at(path="/season?zone=hot", scripts=False).page
    cell = page.locator("tbody td[data-n]").first
    told = cell.locator("i")
    cell.hover()
    box = told.bounding_box()
    assert box
    assert box["width"] > 100
    assert "26 July" in told.inner_text()


def test_a_phone_opens_the_map_at_this_week_with_its_names_in_sight(at: Callable[..., Reader]) -> None:
    page = at(PHONE, path="/season?zone=hot").page
    now = page.locator("thead th.n").bounding_box()
    name = page.locator("tbody .name").first.bounding_box()
    assert now
    assert name
    assert name["x"] >= 0
    assert name["x"] + name["width"] <= now["x"] + 1 < PHONE[0]


@pytest.mark.parametrize("path", ["/season?zone=hot", TRUNKS])
def test_what_is_pressed_is_large_enough(path: str, at: Callable[..., Reader]) -> None:
    reader = at(PHONE, path=path)
    small = reader.page.evaluate(
        """() => [...document.querySelectorAll("a, button, summary, textarea, input:not([type=hidden])")]
            .filter(part => part.closest("main"))
            .filter(part => part.checkVisibility() && !part.matches(".mark"))
            .filter(part => part.getBoundingClientRect().height < 43.5)
            .map(part => part.outerHTML)"""
    )
    assert small == []
