"""Every page of the app and who opens it, so that what holds for all pages is tried on all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

STRANGER: Final = ""
"""Who has not logged in."""

PAGES: Final[dict[str, tuple[str, ...]]] = {
    STRANGER: ("/login", "/forgot"),
    MANAGER: (
        "/alerts",
        "/alerts?status=snoozed",
        "/alerts/{own_alert}",
        "/alerts/{acted_alert}",
        "/alerts/{acted_alert}/act/3",
        "/find",
        "/find?q=marl",
        "/find?style=MAR&size=M",
        "/ask",
        "/ask?q=marl",
        "/ask/{own_request}",
        "/decisions",
        "/decisions/{own_decision}",
        "/consignments/{own_part}/pick-list",
        "/outcomes",
        "/outcomes/alerts",
        "/outcomes/missed",
        "/mails",
        "/mails/{own_mail}",
        "/mails/choices",
        "/account",
        "/tokens",
    ),
    MERCHANDISER: (
        "/alerts?category=Swim trunks",
        "/decisions/{own_order}",
        "/season",
        "/season?category=Swim trunks&in=money",
        "/season/Swim trunks?zone=hot",
        "/calendar",
        "/calendar/in-force",
        "/calendar/versions/{version}",
        "/calendar/versions/{version}/roll-back",
        "/calendar/proposals",
        "/calendar/proposals/new",
        "/calendar/proposals/new?category=Swim trunks&zone=hot",
        "/calendar/proposals/{own_proposal}",
        "/calendar/proposals/{own_draft}/edit",
        "/calendar/proposals/compare?ids={own_proposal}&ids={own_draft}",
        "/calendar/overrides",
        "/calendar/overrides/new?category=Swim trunks",
        "/calendar/addresses",
        "/outcomes/buy-notes",
        "/outcomes/backtest",
        "/policies",
    ),
    ADMIN: (
        "/alerts?status=resolved",
        "/alerts?status=pending",
        "/runs",
        "/runs/{night}",
        "/runs/{own_import}",
        "/feeds",
        "/feeds/calendar",
        "/feeds/uploads/{own_upload}",
        "/people",
        "/people/new",
        "/people/1",
        "/policies/edit?category=Swim trunks",
        "/mails/given-up",
        "/mails/choices/1",
    ),
}
"""Whole pages by who opens them; in their addresses stand the names of the records of a `House`."""

PARTS: Final[dict[str, tuple[str, ...]]] = {
    MANAGER: (
        "/alerts/{own_alert}/chart.svg",
        "/consignments/{own_part}/pick-list.csv",
        "/mails/{own_mail}/body",
    ),
    MERCHANDISER: (
        "/decisions/{own_order}/order.csv",
        "/season/weigh/Swim trunks?zone=hot",
        "/season/chart/Swim trunks?zone=hot",
        "/calendar/calendar.csv",
        "/calendar/markdowns.csv",
    ),
    ADMIN: (
        "/runs/now",
        "/runs/{night}/progress",
        "/runs/{own_import}/rejects",
        "/feeds/calendar/example",
        "/feeds/uploads/{own_upload}/rejects",
    ),
}
"""Drawings, files and pieces of pages."""

ELSEWHERE: Final = {
    # Sends everybody home.
    "alerts.home",
    # Open with what a mail or a terminal says: `test_people`, `test_mail_pages`, `test_forgotten_passwords`.
    "auth.reset",
    "auth.new_password",
    "setup.index",
    "subscriptions.ask_to_stop",
    # Read by programs: `test_calendar`, `test_health` and the tests of the API.
    "calendar.feed",
    "health.healthz",
    "health.readyz",
    "openapi.spec",
    "static",
    "bootstrap.static",
}
"""Endpoints whose pages are tried in tests of their own."""


def everything() -> Iterator[tuple[str, str]]:
    """Every page and part with who opens it."""
    for group in (PAGES, PARTS):
        for who, patterns in group.items():
            for pattern in patterns:
                yield who, pattern


def served(app: Flask) -> set[str]:
    """The endpoints that answer a GET, but for the API's."""
    rules = app.url_map.iter_rules()
    return {
        rule.endpoint
        for rule in rules
        if "GET" in (rule.methods or ()) and (not rule.rule.startswith("/api/") or rule.endpoint in ELSEWHERE)
    }


def listed(app: Flask, path: str) -> str:
    """The endpoint of an address."""
    return str(app.url_map.bind("").match(path.partition("?")[0])[0])
