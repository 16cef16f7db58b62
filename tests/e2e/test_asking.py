"""A customer asks for what is not there: recorded on a phone without scripts, by one thumb, by everybody."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from data.records import NewestCount, NewestStock, Product, Store
from tests.e2e.conftest import Reader
from tests.integration.web.world import MANAGER, World

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PHONE, DESK = (390, 844), (1440, 900)
SMALLEST_TARGET = 44


@pytest.fixture
def stocked(world: World) -> World:
    """The retailer with a second store nearby that has what the first one lacks."""
    with world.database.write() as records:
        phoenix = records.get_one(Store, "PHX1")
        phoenix.latitude, phoenix.longitude = 33.58, -112.07
        records.add(
            Store(store_id="TMP1", name="Tempe", latitude=33.43, longitude=-111.94, phone="(602) 555-0118")
        )
        records.add_all(
            Product(
                sku=f"MAR-{size}",
                style_id="MAR",
                style_name="Marlin Trunk",
                category="Swim trunks",
                size=size,
            )
            for size in ("S", "M", "L")
        )
        records.add(NewestStock(sku="MAR-M", store_id="TMP1", on_hand=3))
        records.add_all(NewestCount(store_id=name, counted_on=date(2026, 6, 13)) for name in ("PHX1", "TMP1"))
    return world


def too_small(reader: Reader) -> list[str]:
    """What can be pressed and is lower than a thumb."""
    found: list[str] = reader.page.evaluate(
        """least => [...document.querySelectorAll('main button, main .btn, main input, main summary')]
            .filter(one => one.offsetParent && one.type !== 'checkbox')
            .filter(one => one.getBoundingClientRect().height < least).map(one => one.outerHTML)""",
        SMALLEST_TARGET,
    )
    return found


def test_a_request_is_recorded_and_answered_without_any_script(
    browser: Browser, address: str, stocked: World
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    reader = Reader(context.new_page(), address)
    reader.log_in(MANAGER, onward="/ask")
    page = reader.page
    page.get_by_label("Three letters and a size").fill("mar m")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("button", name="M 3 elsewhere").click()
    page.get_by_role("heading", level=1, name="Marlin Trunk, M").wait_for()
    assert page.get_by_text("Recorded. Tempe has 3, 13 miles away.").is_visible()
    assert page.get_by_role("link", name="Call (602) 555-0118").get_attribute("href") == "tel:6025550118"
    page.get_by_role("button", name="Hold one").click()
    page.get_by_text("Held at Tempe").wait_for()
    page.get_by_role("link", name="Next customer").click()
    assert page.get_by_role("link", name="Marlin Trunk, M").is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_asking_is_open_to_everybody_and_to_thumbs(
    browser: Browser, address: str, stocked: World, size: tuple[int, int], scheme: str
) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    reader = Reader(context.new_page(), address)
    reader.log_in(MANAGER)
    for path in ("/ask", "/ask?q=mar", "/ask?q=mar+m", "/ask?q=umbrella", f"/ask/{stocked.own_request}"):
        reader.open(path)
        found = Axe().run(reader.page)
        assert found.violations_count == 0, found.generate_report()
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= size[0], path
        assert too_small(reader) == [], path
    assert reader.complaints == []
    context.close()
