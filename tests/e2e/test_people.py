"""People, accounts and policies at a phone and a desk, with and without a script; and the first account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from sqlalchemy import select

from data.database import Database
from data.records import Person, Store
from data.settings import load_settings
from data.setup_code import setup_code
from tests.e2e.conftest import Reader, served
from tests.e2e.test_mail_pages import SMALLEST_TARGET, at
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, World
from web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser

__all__ = ["at"]

SIZES = [(390, 844), (820, 1180), (1440, 900)]
CLOSED = ("/login", "/forgot", "/setup")
PAGES = (
    "/account",
    "/people",
    "/people/new",
    "/people/1",
    "/policies",
    "/policies/edit",
    "/policies?category=Swim+trunks",
)


@pytest.fixture
def many_stores(world: World) -> World:
    """The small retailer with three hundred stores more."""
    with world.database.write() as records:
        records.add_all(
            Store(store_id=f"S{n:03}", name=f"Store of {n}th street", climate_zone="cold") for n in range(300)
        )
    return world


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=["phone", "tablet", "desk"])
def test_the_pages_about_people_and_policies_are_open_to_everybody(
    size: tuple[int, int], scheme: str, at: Callable[..., Reader], many_stores: World
) -> None:
    reader, axe, reports = at(size, scheme), Axe(), {}

    def look(path: str) -> None:
        reader.open(path)
        reader.page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        found = axe.run(reader.page)
        if found.violations_count:
            reports[path] = found.generate_report()
        wide = reader.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size[0], f"{path} is {wide} px wide"

    for path in CLOSED:
        look(path)
    reader.log_in(ADMIN)
    for path in PAGES:
        look(path)
    assert reports == {}


def test_what_is_pressed_is_large_enough_for_a_thumb(at: Callable[..., Reader], many_stores: World) -> None:
    reader = at()
    for path in CLOSED:
        reader.open(path)
        assert small_targets(reader) == [], path
    reader.log_in(ADMIN)
    for path in PAGES:
        reader.open(path)
        assert small_targets(reader) == [], path


def test_a_store_is_found_among_three_hundred_while_it_is_typed(
    at: Callable[..., Reader], many_stores: World
) -> None:
    reader = at()
    reader.log_in(ADMIN)
    reader.open("/people/1")
    page = reader.page
    page.get_by_label("Find a store").fill("299TH")
    page.get_by_label("Find a store").press("Enter")
    boxes = page.locator(".picker input[type=checkbox]:visible")
    assert [box.get_attribute("value") for box in boxes.all()] == ["PHX1", "S299"]
    page.get_by_label("Store of 299th street").check()
    assert "2 of 302 ticked" in page.locator(".picker legend").inner_text()
    page.get_by_role("button", name="Keep the changes").click()
    page.get_by_text("Kept. It counts from now on.").wait_for()
    assert stores_of(many_stores, MANAGER) == {"PHX1", "S299"}


def test_a_store_is_found_without_a_script_too(browser: Browser, address: str, many_stores: World) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    reader = Reader(context.new_page(), address)
    reader.log_in(ADMIN)
    reader.open("/people/1")
    page = reader.page
    page.get_by_label("Find a store").fill("299th")
    page.get_by_label("Find a store").press("Enter")
    page.get_by_label("Store of 299th street").check()
    page.get_by_role("button", name="Keep the changes").click()
    page.get_by_text("Kept. It counts from now on.").wait_for()
    context.close()
    assert stores_of(many_stores, MANAGER) == {"PHX1", "S299"}


def test_only_what_the_role_has_use_for_is_asked(at: Callable[..., Reader], world: World) -> None:
    reader = at()
    reader.log_in(ADMIN)
    reader.open("/people/new")
    page = reader.page
    seen = {}
    for role in ("Store manager", "Merchandiser", "Admin"):
        page.get_by_label(role).check()
        seen[role] = [page.get_by_role("group", name=name).is_visible() for name in ("Stores", "Categories")]
    assert seen == {"Store manager": [True, False], "Merchandiser": [False, True], "Admin": [False, False]}


def test_an_admin_lowers_a_threshold_for_one_category_and_brings_the_old_one_back(
    at: Callable[..., Reader], world: World
) -> None:
    reader = at((1440, 900))
    reader.log_in(MERCHANDISER)
    reader.open("/policies")
    page = reader.page
    page.get_by_label("Category").select_option("Swim trunks")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_label("Least units").fill("many")
    page.get_by_label("Why it changes").fill("the pool shops are small")
    page.get_by_role("button", name="Keep as a new version").click()
    assert "is not a number" in page.locator("#min_units-problem").inner_text()
    assert page.get_by_label("Least units").input_value() == "many"
    page.get_by_label("Least units").fill("2")
    page.get_by_role("button", name="Keep as a new version").click()
    page.get_by_text("Least units: not set became 2 units").wait_for()
    # Saying 400 is said by the server, and the browser notes it.
    reader.complaints.clear()


def test_whoever_has_the_code_makes_the_first_account_and_lands_in_the_app(
    browser: Browser, migrated_sqlite_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bare.db"
    path.write_bytes(migrated_sqlite_file.read_bytes())
    settings, database = load_settings(var=tmp_path), Database(f"sqlite:///{path}")
    context = browser.new_context(viewport={"width": 390, "height": 844})
    with served(create_app(settings, database)) as address:
        reader = Reader(context.new_page(), address)
        reader.open("/alerts")
        page = reader.page
        page.get_by_label("Setup code").fill(setup_code(settings).lower())
        page.get_by_label("Your e-mail").fill("boss@shop.example")
        page.get_by_label("Your name").fill("The Boss")
        page.get_by_label("Password").fill("four words nobody says")
        page.get_by_label("The same again").fill("four words nobody says")
        page.get_by_role("button", name="Make the admin").click()
        page.get_by_text("InSeason is yours").wait_for()
        assert [text for text in reader.complaints if "404" not in text] == []
        context.close()
    database.dispose()


def small_targets(reader: Reader) -> list[str]:
    """What can be pressed and is too small for a thumb, but for links within a sentence."""
    found: list[str] = reader.page.evaluate(
        """least => [...document.querySelectorAll("a, button, summary, input, select, textarea, .form-check")]
            .filter(part => part.checkVisibility() && !part.closest(".skip, .visually-hidden, p:not(.below)"))
            .filter(part => !part.closest("td, th") && !part.matches(".form-check-input"))
            .filter(part => part.getBoundingClientRect().height < least - 0.5)
            .map(part => part.outerHTML.slice(0, 120))""",
        SMALLEST_TARGET,
    )
    return found


def stores_of(world: World, email: str) -> frozenset[str] | None:
    with world.database.read() as records:
        return records.scalars(select(Person).where(Person.email == email)).one().store_ids
