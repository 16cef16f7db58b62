"""The API put together: its door, its rooms, its errors and its document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiflask.exceptions import HTTPError

from web.api.alerts import alerts
from web.api.calendar import calendar
from web.api.decisions import decisions
from web.api.feeds import feeds
from web.api.forecasts import forecasts
from web.api.guard import guard_api
from web.api.paging import answer_unchanged
from web.api.problems import problem_of_input
from web.api.requests import requests

if TYPE_CHECKING:
    from flask import Flask
    from flask_wtf import CSRFProtect


def attach_api(app: Flask, forms: CSRFProtect) -> None:
    """Give an app its API.

    Forms carry a token against what other sites make a browser send. The API takes no browser's session, so
    there is nothing to guard against: it is left out, and only there.
    """
    guard_api(app)
    for rooms in (alerts, decisions, forecasts, calendar, requests, feeds):
        app.register_blueprint(rooms)
        forms.exempt(rooms)
    app.register_error_handler(HTTPError, problem_of_input)
    answer_unchanged(app)
