"""Every page is guarded, every change is a POST, and nothing comes from another origin."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import web
from data.database import Database
from data.settings import load_settings
from web import create_app
from web.access import API, PUBLIC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from werkzeug.routing import Rule

HOUSE = Path(web.__file__).parent
TEMPLATES = sorted((HOUSE / "templates").rglob("*.*"))
FILES = sorted((HOUSE / "static").iterdir())
SENDING = [path for path in TEMPLATES if 'method="post"' in path.read_text(encoding="utf-8")]
# A new page without a log-in is a decision: it is made here as well.
OPEN_PAGES = {
    # What the API is like is no secret; what it answers asks for a token.
    "openapi.spec",
    # A calendar program has an address with a secret in it, and no log-in.
    "calendar.feed",
    "auth.login",
    "auth.forgot",
    "auth.send_link",
    "auth.reset",
    "auth.new_password",
    "auth.set_password",
    "setup.index",
    "setup.begin",
    "health.healthz",
    "health.readyz",
    "static",
    "bootstrap.static",
    # Opened by the token in a mail, so that nobody needs a password to be left in peace.
    "subscriptions.ask_to_stop",
    "subscriptions.stop",
}
READING = {"GET", "HEAD", "OPTIONS"}
# The log-in page is the one page that also takes what it shows.
READS_AND_WRITES = {"auth.login"}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    database = Database(f"sqlite:///{tmp_path}/inseason.db")
    yield create_app(load_settings(var=tmp_path), database)
    database.dispose()


def rules(app: Flask) -> list[Rule]:
    """What people open; what programs ask for is held to `test_api`."""
    return [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith(API)]


def test_the_open_pages_are_the_ones_agreed() -> None:
    assert set(PUBLIC) == OPEN_PAGES


def test_every_other_page_sends_strangers_to_the_log_in(app: Flask) -> None:
    client = app.test_client()
    for rule in rules(app):
        if rule.endpoint in OPEN_PAGES or "GET" not in (rule.methods or set()):
            continue
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        answer = client.get(path)
        assert answer.status_code == 302, rule
        assert answer.location.startswith("/login"), rule


def test_what_changes_something_takes_posts_only(app: Flask) -> None:
    for rule in rules(app):
        methods = rule.methods or set()
        assert methods <= READING | {"POST"}, rule
        if rule.endpoint not in READS_AND_WRITES:
            assert methods <= READING or methods <= {"POST", "OPTIONS"}, rule


def test_no_post_is_taken_without_a_form_token(app: Flask) -> None:
    client = app.test_client()
    for rule in rules(app):
        if "POST" in (rule.methods or set()):
            assert client.post(re.sub(r"<[^>]+>", "1", rule.rule)).status_code == 400, rule


@pytest.mark.parametrize("path", TEMPLATES + FILES, ids=lambda path: path.name)
def test_nothing_names_another_origin(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?://|[\"'(]//", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_scripts_or_styles_of_its_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=\"|javascript:|\|\s*safe", text)
    if path.parent.name != "mail":
        assert not re.search(r"<style|\sstyle=[\"'{]", text)


@pytest.mark.parametrize(
    "path",
    [p for p in TEMPLATES if 'method="post"' in p.read_text(encoding="utf-8")],
    ids=lambda path: path.name,
)
def test_every_form_that_sends_carries_its_token(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count('method="post"') == text.count('name="csrf_token"')


def test_the_app_starts_without_the_heavy_libraries(tmp_path: Path) -> None:
    code = (
        "import sys; from data.settings import load_settings; from web import create_app;"
        f"create_app(load_settings(var={str(tmp_path)!r}));"
        "heavy = {'pandas', 'numpy', 'statsmodels', 'scipy', 'altair', 'vl_convert', 'deltalake', 'pyarrow'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    told = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert told.strip() == "[]"
