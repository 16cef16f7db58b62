"""The trade's calendar in the API: the version in force, its selling windows and its markdown steps."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

from apiflask import APIBlueprint
from flask import abort
from pydantic import ConfigDict, Field
from sqlalchemy import select

from data.calendar_versions import newest_version_id
from data.records import CalendarVersion, MarkdownStep, SellingWindow, TokenScope, WindowStatus
from web.access import current_person
from web.api.guard import operation
from web.api.models import Day, Instant, Model, Paged, Text
from web.api.paging import links, numbers_in, page_of
from web.services import reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute

calendar = APIBlueprint("api_calendar", __name__, url_prefix="/api/v1", tag="Calendar")

Row = TypeVar("Row", SellingWindow, MarkdownStep)

_VERSION: Final[dict[str, Any]] = {
    "version_id": 12,
    "created_at": "2026-05-04T13:00:00Z",
    "author": "Jonas Lind",
    "reason": "Swimwear stays until the end of August in the hot zones.",
}
_SCOPE: Final[dict[str, Any]] = {"climate_zone": "hot", "store_id": "", "style_id": ""}
_WINDOW: Final[dict[str, Any]] = {
    "window_id": 301,
    "category": "swim trunks",
    "season_code": "SS26",
    "floor_set": "2026-02-15",
    "exit": "2026-08-31",
    "status": "current",
} | _SCOPE
_STEP: Final[dict[str, Any]] = {
    "step_id": 77,
    "category": "swim trunks",
    "season_code": "SS26",
    "effective_from": "2026-08-03",
    "percent_off": 30.0,
} | _SCOPE
_OF_VERSION: Final = "The version of all pages of one reading."


class RowQuery(Paged):
    """Which rows of the calendar."""

    category: Text | None = Field(None, max_length=100, description="Only of this category.")
    season: Text | None = Field(None, max_length=32, description="Only of this season, by its code.")


class WindowQuery(RowQuery):
    """Which selling windows."""

    status: WindowStatus = Field(
        WindowStatus.CURRENT, description="Those in force, or those that are only proposed (`draft`)."
    )


class CalendarInForce(Model):
    """A version of the calendar."""

    model_config = ConfigDict(json_schema_extra={"examples": [_VERSION]})

    version_id: int
    created_at: Instant
    author: str
    reason: str


class SellingWindowRow(Model):
    """From floor-set to exit, both days on the floor; a blank scope means all."""

    window_id: int
    category: str
    season_code: str
    floor_set: Day
    exit: Day
    status: WindowStatus
    climate_zone: str
    store_id: str
    style_id: str


class MarkdownStepRow(Model):
    """A planned permanent price cut, in percent of the regular price; a blank scope means all."""

    step_id: int
    category: str
    season_code: str
    effective_from: Day
    percent_off: float = Field(ge=0, le=100)
    climate_zone: str
    store_id: str
    style_id: str


class WindowPage(Model):
    """Selling windows; of those that apply to a style in a store, the one naming most holds."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version_id": 12, "items": [_WINDOW], "next": None}]}
    )

    version_id: int | None = Field(description=_OF_VERSION)
    items: list[SellingWindowRow]
    next: str | None = Field(description="The address of the next page; None on the last.")


class StepPage(Model):
    """Markdown steps; of those that apply to a style in a store, the most specific rows hold."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version_id": 12, "items": [_STEP], "next": None}]}
    )

    version_id: int | None = Field(description=_OF_VERSION)
    items: list[MarkdownStepRow]
    next: str | None = Field(description="The address of the next page; None on the last.")


@calendar.get("/calendar")
@operation(
    calendar,
    "readCalendar",
    TokenScope.CALENDAR_READ,
    also={HTTPStatus.NOT_FOUND: "No calendar has been loaded yet"},
)
@calendar.output(CalendarInForce, description="The version in force")
def read_calendar() -> CalendarInForce:
    """Read which version of the calendar is in force, who made it and why."""
    version_id = newest_version_id(reading())
    if version_id is None:
        abort(HTTPStatus.NOT_FOUND)
    version = reading().get_one(CalendarVersion, version_id)
    return CalendarInForce(**{name: getattr(version, name) for name in CalendarInForce.model_fields})


@calendar.get("/calendar/windows")
@operation(calendar, "listWindows", TokenScope.CALENDAR_READ)
@calendar.input(WindowQuery, location="query", arg_name="asked")
@calendar.output(WindowPage, description="A page of selling windows")
def list_windows(asked: WindowQuery) -> ResponseReturnValue:
    """List the selling windows of your categories.

    All pages are of the version that was in force on the first, also when another comes meanwhile.
    """
    version_id, rows, following = _page(
        SellingWindow, SellingWindow.window_id, asked, SellingWindow.status == asked.status
    )
    items = [
        SellingWindowRow(**{name: getattr(row, name) for name in SellingWindowRow.model_fields})
        for row in rows
    ]
    page = WindowPage(version_id=version_id, items=items, next=following)
    return page, HTTPStatus.OK.value, links(following)  # type: ignore[return-value]  # written by `output`


@calendar.get("/calendar/markdowns")
@operation(calendar, "listMarkdowns", TokenScope.CALENDAR_READ)
@calendar.input(RowQuery, location="query", arg_name="asked")
@calendar.output(StepPage, description="A page of markdown steps")
def list_markdowns(asked: RowQuery) -> ResponseReturnValue:
    """List the markdown steps of your categories.

    All pages are of the version that was in force on the first, also when another comes meanwhile.
    """
    version_id, rows, following = _page(MarkdownStep, MarkdownStep.step_id, asked)
    items = [
        MarkdownStepRow(**{name: getattr(row, name) for name in MarkdownStepRow.model_fields}) for row in rows
    ]
    page = StepPage(version_id=version_id, items=items, next=following)
    return page, HTTPStatus.OK.value, links(following)  # type: ignore[return-value]  # written by `output`


def _page(
    table: type[Row], key: InstrumentedAttribute[int], asked: RowQuery, *more: ColumnElement[bool]
) -> tuple[int | None, Sequence[Row], str | None]:
    """A page of windows or steps of one version: the newest, or that of the page before."""
    last = numbers_in(asked, 2)
    version_id = newest_version_id(reading()) if last is None else last[0]
    query = select(table).where(table.version_id == version_id, *more).order_by(key)
    if last is not None:
        query = query.where(key > last[1])
    for column, value in ((table.category, asked.category), (table.season_code, asked.season)):
        if value is not None:
            query = query.where(column == value)
    if (own := current_person().category_names) is not None:
        query = query.where(table.category.in_(sorted(own)))
    found = reading().scalars(query.limit(asked.limit + 1)).all()
    rows, following = page_of(found, asked, lambda row: [row.version_id, getattr(row, key.key)])
    return version_id, rows, following
