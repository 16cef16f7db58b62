"""What holds for every page: open to everybody, no wider than the screen, and the keyboard gets there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from data.database import Database
from data.settings import load_settings
from tests.e2e.conftest import Reader, draw, served
from tests.e2e.test_season import draw as draw_season
from tests.ground.pages import PAGES, STRANGER
from tests.integration.web.house import House, build_house, more_of_everything
from tests.integration.web.season_world import FakeBoards
from tests.integration.web.world import MANAGER, MERCHANDISER, TODAY, build_world
from web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desk": (1440, 900)}
SMALLEST_TARGET = 44
FEWEST_STOPS, MOST_STOPS = 20, 250
# What is pressed and lower than it should be. A box to tick is pressed on its label; a link within a sentence
# is as high as its line.
SMALL_TARGETS = """least => {
  const inSentence = part => {
    const sentence = part.closest("p, dd");
    return part.matches("a") && sentence && sentence.textContent.trim() !== part.textContent.trim();
  };
  const target = part => part.matches("[type=checkbox], [type=radio]") ? part.labels[0] ?? part : part;
  const pressed = "a[href], button, summary, select, textarea, input:not([type=hidden])";
  return [...document.querySelectorAll(pressed)]
    .filter(part => part.checkVisibility() && !part.closest(".skip, .visually-hidden") && !inSentence(part))
    .filter(part => target(part).getBoundingClientRect().height < least - 0.5)
    .map(part => part.outerHTML.slice(0, 120));
}
"""
# What the keyboard should reach and has not; of the choices of a radio it stops at one.
LEFT_OUT = """() => [...document.querySelectorAll(
    "a[href], button, summary, select, textarea, input:not([type=hidden], [type=radio]), [tabindex='0']")]
  .filter(part => part.checkVisibility({visibilityProperty: true}) && part.tabIndex >= 0 && !part.disabled)
  .filter(part => !part.dataset.stop)
  .map(part => part.outerHTML.slice(0, 120))
"""
# Where the focus is, what it is called, and what is wrong with it: outside the screen, under something that
# stays in its place, or not marked.
FOCUS = """async () => {
  const frame = () => new Promise(done => requestAnimationFrame(done));
  // The browser moves to what it has put the focus on in the frames that follow.
  for (let before = -1; before !== scrollY; await frame()) { before = scrollY; await frame(); }
  const part = document.activeElement;
  if (!part || part === document.body) return [0, "", ""];
  part.dataset.stop ??= String(document.querySelectorAll("[data-stop]").length + 1);
  const box = part.getBoundingClientRect();
  const name = part.outerHTML.slice(0, 120);
  const told = trouble => [part.dataset.stop, name, trouble];
  if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) {
    return told("outside the screen");
  }
  const tall = box.height > innerHeight / 2;
  if (!tall && (box.top < 0 || box.bottom > innerHeight)) return told("partly outside the screen");
  const x = Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 1);
  for (const y of tall ? [] : [box.top + 2, box.bottom - 2]) {
    const above = document.elementFromPoint(x, y);
    if (above && !part.contains(above) && !above.contains(part)) {
      for (let each = above; each; each = each.parentElement) {
        if (["fixed", "sticky"].includes(getComputedStyle(each).position) && !each.contains(part)) {
          return told("under " + each.outerHTML.slice(0, 80));
        }
      }
    }
  }
  return told("");
}
"""


@pytest.fixture(scope="module")
def house(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The small retailer with something of every kind; here it is only looked at."""
    folder = tmp_path_factory.mktemp("house")
    path = folder / "inseason.db"
    path.write_bytes(migrated_sqlite_file.read_bytes())
    database = Database(f"sqlite:///{path}")
    world = build_world(database)
    draw(world)
    house = build_house(world, load_settings(var=folder, today=TODAY))
    more_of_everything(house, range(3))
    draw_season(world)
    yield house
    database.dispose()


@pytest.fixture(scope="module")
def address(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app on that retailer's records."""
    app = create_app(load_settings(var=tmp_path_factory.mktemp("var"), today=TODAY), house.world.database)
    app.extensions["inseason"].__dict__["boards"] = FakeBoards()
    with served(app) as address:
        yield address


@pytest.fixture
def at(browser: Browser, address: str) -> Iterator[Callable[..., Reader]]:
    """Seats somebody at a screen; at the end no browser may have complained."""
    readers = []

    def seat(who: str, size: tuple[int, int], scheme: str = "light") -> Reader:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        context.set_default_timeout(15_000)
        readers.append(Reader(context.new_page(), address))
        if who != STRANGER:
            readers[-1].log_in(who)
        return readers[-1]

    yield seat
    for reader in readers:
        reader.page.context.close()
    assert [complaint for reader in readers for complaint in reader.complaints] == []


def unfolded(reader: Reader, path: str) -> None:
    """Go to a page and open whatever opens there."""
    # Not until nothing is asked of the server for half a second, as elsewhere: there are many pages.
    reader.page.goto(f"{reader.base}{path}", wait_until="load")
    reader.page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")


@pytest.mark.parametrize("who", PAGES, ids=lambda who: who.partition("@")[0] or "stranger")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_every_page_is_open_to_everybody_and_fits_the_screen(
    size: tuple[int, int], scheme: str, who: str, house: House, at: Callable[..., Reader]
) -> None:
    reader, axe, found = at(who, size, scheme), Axe(), {}
    for pattern in PAGES[who]:
        unfolded(reader, house.path(pattern))
        answer = axe.run(reader.page)
        wide = reader.page.evaluate("document.documentElement.scrollWidth")
        if answer.violations_count or wide > size[0]:
            found[pattern] = (wide, answer.generate_report() if answer.violations_count else "")
    assert not found, "\n".join(f"{path}, {wide} px wide: {told}" for path, (wide, told) in found.items())


def test_what_a_store_manager_presses_is_large_enough_for_a_thumb(
    house: House, at: Callable[..., Reader]
) -> None:
    reader = at(MANAGER, SIZES["phone"])
    found = {}
    for pattern in PAGES[MANAGER]:
        unfolded(reader, house.path(pattern))
        if small := reader.page.evaluate(SMALL_TARGETS, SMALLEST_TARGET):
            found[pattern] = small
    assert not found, "\n".join(f"{path}: {small}" for path, small in found.items())


@pytest.mark.parametrize("size", [SIZES["phone"], SIZES["desk"]], ids=["phone", "desk"])
@pytest.mark.parametrize(
    ("who", "path"),
    [(MANAGER, "/alerts"), (MERCHANDISER, "/season"), (MERCHANDISER, "/season/Swim trunks?zone=hot")],
    ids=["today", "map", "planner"],
)
def test_the_focus_is_never_hidden(
    who: str, path: str, size: tuple[int, int], at: Callable[..., Reader]
) -> None:
    reader = at(who, size)
    reader.open(path)
    hidden, reached = set(), set()
    for _ in range(MOST_STOPS):
        reader.page.keyboard.press("Tab")
        place, name, trouble = reader.page.evaluate(FOCUS)
        if not name:
            break
        # A field for a date stops at the day, the month and the year.
        reached.add(place)
        if trouble:
            hidden.add(f"{trouble}: {name}")
    assert not hidden, "\n".join(hidden)
    assert len(reached) > FEWEST_STOPS
    assert reader.page.evaluate(LEFT_OUT) == []
