"""Takes the pictures of the documentation anew: the mornings of three people on a demo retailer made for it.

Usage: python -m tests.pictures (or `make pictures`); takes the browser of the system, writes docs/pictures/.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.e2e import mornings
from tests.e2e.conftest import BROWSER_OPTIONS
from tests.e2e.test_mornings import link_in_the_mail
from tests.ground.demo import Demo, made_in
from tests.ground.services import REPOSITORY, find_chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

FOLDER = REPOSITORY / "docs" / "pictures"
PHONE, DESK = (390, 844), (1280, 860)


def take(page: Page, name: str) -> None:
    """Take a picture of what somebody sees on this page."""
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
    print(f"  {name}")


@contextmanager
def screen(browser: Browser, size: tuple[int, int]) -> Iterator[Page]:
    """A page on a screen of that size, in light colours."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="light", reduced_motion="reduce"
    )
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def walk(browser: Browser, demo: Demo, folder: Path) -> None:
    """Walk the three mornings one after the other."""

    def run_a_night() -> None:
        demo.run("nightly", "--as-of", "2026-06-07", today="2026-06-08")

    logins = demo.logins
    with demo.served() as address:
        link = link_in_the_mail(demo, logins["store_manager"][0], address)
        with screen(browser, PHONE) as page:
            mornings.of_the_store_manager(page, link, logins["store_manager"], take)
        with screen(browser, DESK) as page:
            mornings.of_the_merchandiser(page, address, logins["merchandiser"], run_a_night, take)
        with screen(browser, DESK) as page:
            mornings.of_the_admin(page, address, logins["admin"], folder, take)


def main() -> int:
    """Make the retailer, walk, and say what was taken."""
    chromium = find_chromium()
    if chromium is None:
        print("No Chromium here: apt-get install chromium", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        print("Making the demo retailer ...")
        demo = made_in(Path(made))
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_OPTIONS)
        print(f"Pictures in {FOLDER}:")
        walk(browser, demo, Path(made))
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
