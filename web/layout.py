"""What every template knows: the person, the navigation, the words, and fresh addresses of files."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import current_app, g, request
from markupsafe import Markup

from web.access import AT_HAND, navigation, person_or_none
from web.rendering import sentences, words
from web.rendering.details import Details
from web.rendering.locality import here, locality_of, written_for
from web.security import STATIC
from web.services import reading, services

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask


def attach_layout(app: Flask) -> None:
    """Give the templates their words."""
    app.before_request(_settle)
    app.teardown_request(_leave)
    app.context_processor(_for_pages)
    app.url_defaults(_stamp)
    app.jinja_env.globals.update(details_of=Details.of, tell=sentences, words=words)
    app.jinja_env.filters.update(
        day=_day, full_day=_full_day, instant=_instant, money=words.money, short_money=words.short_money,
        lasting=words.lasting, whole=words.whole, figure=_figure,
    )  # fmt: skip
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def _settle() -> None:
    """Write this answer as it is written where its reader works."""
    if request.endpoint in STATIC:
        return
    stack = ExitStack()
    place = locality_of(person_or_none(), reading(), services().settings)
    stack.enter_context(written_for(place))
    g.locality_stack = stack


def _leave(_error: BaseException | None) -> None:
    if (stack := g.pop("locality_stack", None)) is not None:
        stack.close()


def _for_pages() -> dict[str, Any]:
    person = person_or_none()
    return {
        "person": person,
        "navigation": navigation(person) if person else [],
        "at_hand": AT_HAND,
        "today": services().today,
        "clock_stands": services().settings.today is not None,
    }


def _stamp(endpoint: str, values: dict[str, Any]) -> None:
    """Put a file's fingerprint into its address, so that browsers may keep it for good."""
    if endpoint == "static" and "filename" in values:
        values.setdefault("v", _fingerprint(Path(current_app.static_folder or "") / values["filename"]))
    elif endpoint == "bootstrap.static":
        values.setdefault("v", version("bootstrap-flask"))


@cache
def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def _day(value: date) -> Markup:
    """A date for people, with the date for machines behind it."""
    told = words.day(value, services().today)
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), told)


def _full_day(value: date | str) -> str:
    """A date, or its ISO form, with its year."""
    return words.full_day(date.fromisoformat(value) if isinstance(value, str) else value)


def _instant(value: datetime) -> Markup:
    """An instant by the reader's clock, with the instant for machines behind it."""
    told = words.instant(value, here().zone)
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), told)


def _figure(value: float | None) -> str:
    """A quantity of units with one decimal where it is small."""
    if value is None:
        return ""
    return words.number(value, 1 if abs(value) < 10 and value != round(value) else 0)  # noqa: PLR2004
