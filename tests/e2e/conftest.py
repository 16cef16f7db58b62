"""A real server on loopback and a real browser that notes everything it complains about."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright
from waitress import wasyncore
from waitress.server import create_server

from data.database import Database
from data.settings import load_settings
from tests.ground.demo import Demo, made_once
from tests.integration.web.world import PASSWORD, TODAY, World, build_world
from web import create_app
from web.rendering.charts import alert_chart, chart_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from playwright.sync_api import Browser, Page

# No graphics card, no calls home.
BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an app as in production, on a free port; gives its address."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    loop = threading.Thread(target=server.run, name="server")
    loop.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        # The loop ends when nothing is left for it to listen to.
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map, ignore_all=True))
        loop.join(timeout=10)
        server.task_dispatcher.shutdown()


@dataclass
class Reader:
    """A person at a browser; `complaints` is what the browser has held against our pages."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self._note("error", str(error)))
        self.page.on("requestfailed", lambda request: self._note("error", f"failed: {request.url}"))
        # What is saved as a file is given up as a page.
        self.page.on("download", lambda file: self._forgive(f"error: failed: {file.url}"))

    def open(self, path: str) -> None:
        """Go to a page of the app."""
        self.page.goto(f"{self.base}{path}", wait_until="networkidle")

    def log_in(self, email: str, onward: str = "/alerts") -> None:
        """Log in by hand."""
        self.open(onward)
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_load_state("networkidle")

    def _forgive(self, complaint: str) -> None:
        if complaint in self.complaints:
            self.complaints.remove(complaint)

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """The system's Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def demo() -> Demo:
    """The demo retailer, made once in a test run."""
    return made_once(Path(os.environ["TEST_RUN_FOLDER"]))


@pytest.fixture
def world(migrated_sqlite_file: Path, tmp_path: Path) -> Iterator[World]:
    """A small retailer with a real drawing for its first alert."""
    path = tmp_path / "inseason.db"
    path.write_bytes(migrated_sqlite_file.read_bytes())
    database = Database(f"sqlite:///{path}")
    world = build_world(database)
    draw(world)
    yield world
    database.dispose()


@pytest.fixture
def address(world: World, tmp_path: Path) -> Iterator[str]:
    """The address of the app on that retailer's records."""
    app = create_app(load_settings(var=tmp_path, today=TODAY), world.database)
    with served(app) as address:
        yield address


def draw(world: World) -> None:
    """Put a real drawing in the place of the stand-in."""
    from datetime import date

    from data.records import AlertChart
    from tests.unit.web.test_charts import forecast, history

    svg = alert_chart(
        history(), forecast(), window=(date(2026, 2, 15), date(2026, 7, 5)), as_of=date(2026, 6, 13)
    )
    with world.database.write() as records:
        chart = records.get(AlertChart, world.own_alert)
        assert chart
        chart.svg, chart.table = svg, chart_table(history(), forecast())
