"""The calendar in force and its versions: who changed what and why, the dates as files, and the way back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import exists, func, select

from data.calendar_rows import HALF_A_YEAR, Scope, own_ladder
from data.calendar_versions import (
    calendar_of,
    categories_touched,
    differences,
    newest_version_id,
    roll_back,
    touches,
    version_before,
)
from data.errors import ConflictError, InSeasonError
from data.records import (
    CalendarTouch,
    CalendarVersion,
    Proposal,
    ProposalState,
    SellingWindow,
    WindowStatus,
)
from data.records.proposals import said
from web.access import current_person, visible_proposals
from web.addresses import id_in
from web.calendar.rooms import PAGE, calendar, id_after, names_in, names_of, people, require_category, text
from web.exports import Kind, asked_kind, table_answer
from web.rendering.calendar_words import told_changes
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select

    from data.calendar_rows import Calendar, Step, Window
    from data.records import Person

_MOST_LINES: Final = 200
# A version that touches more is shown category by category.
_MOST_AT_ONCE: Final = 12
_MOST_IN_A_FILE: Final = 1000
# A category has several seasons, each a table.
_CATEGORIES_A_PAGE: Final = 10
WINDOW_COLUMNS: Final = (
    "category", "season_code", "floor_set", "exit", "status", "climate_zone", "store_id", "style_id",
)  # fmt: skip
STEP_COLUMNS: Final = (
    "category", "season_code", "effective_from", "percent_off", "climate_zone", "store_id", "style_id",
)  # fmt: skip
_HISTORY_COLUMNS: Final = ("version", "made_at", "author", "reason", "categories")


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    category: str
    season: str

    @classmethod
    def of_request(cls) -> Asked:
        """Read it from the address."""
        return cls(request.args.get("category", ""), request.args.get("season", ""))

    @property
    def in_address(self) -> dict[str, str]:
        """What is set, for a link."""
        return {name: value for name, value in vars(self).items() if value}

    @property
    def narrow(self) -> bool:
        """Whether less than everything is asked for."""
        return bool(self.in_address)

    def categories(self, person: Person) -> frozenset[str] | None:
        """The categories that the person sees of those asked for; all of them if None."""
        own = person.category_names
        if not self.category:
            return own
        return frozenset({self.category}) if own is None or self.category in own else frozenset()


@dataclass(frozen=True)
class Season:
    """One season of a category in force: its rows, the widest first."""

    category: str
    season_code: str
    rows: Sequence[SeasonRow]

    @property
    def is_draft(self) -> bool:
        """Whether nothing of it is in force yet."""
        return all(row.is_draft for row in self.rows)


@dataclass(frozen=True)
class SeasonRow:
    """One window with its markdowns: `holds_in` is how many stores it rules, none for one about a style."""

    window: Window
    steps: tuple[tuple[Any, float], ...]
    holds_in: int | None

    @property
    def is_draft(self) -> bool:
        """Whether it is only a draft."""
        return self.window.status is WindowStatus.DRAFT


@calendar.get("/calendar")
def index() -> ResponseReturnValue:
    """The versions, newest first, and what waits for a decision."""
    person, asked, after = current_person(), Asked.of_request(), id_after()
    query = _versions(asked, person)
    if (kind := asked_kind()) is not None:
        return _history_file(query, person, kind)
    if after is not None:
        query = query.where(CalendarVersion.version_id < after)
    found = reading().scalars(query.limit(PAGE + 1)).all()
    rows, newest = found[:PAGE], newest_version_id(reading())
    return render_template(
        "calendar/versions.html",
        rows=rows,
        touched=touches(reading(), [row.version_id for row in rows], person.category_names),
        names=people(row.author for row in rows),
        newest=newest,
        asked=asked,
        choices=_choices(newest, person),
        waiting=_waiting(person),
        after=rows[-1].version_id if len(found) > PAGE else None,
        continued=after is not None,
    )


@calendar.get("/calendar/in-force")
def in_force() -> ResponseReturnValue:
    """The windows and markdowns of the calendar in force, by category."""
    person, asked, newest = current_person(), Asked.of_request(), newest_version_id(reading())
    seasons: list[Season] = []
    after = request.args.get("after", "")
    categories = _page_of_categories(newest, asked.categories(person), after)
    if newest is not None:
        seasons = _seasons(calendar_of(reading(), newest, categories[:_CATEGORIES_A_PAGE]), asked)
    rows = [row.window.scope for season in seasons for row in season.rows]
    return render_template(
        "calendar/in_force.html",
        seasons=seasons,
        names=names_of((scope.store_id for scope in rows), (scope.style_id for scope in rows)),
        version=reading().get(CalendarVersion, newest) if newest else None,
        asked=asked,
        choices=_choices(newest, person),
        after=categories[_CATEGORIES_A_PAGE - 1] if len(categories) > _CATEGORIES_A_PAGE else None,
        continued=bool(after),
    )


@calendar.get("/calendar/versions/<int:version_id>")
def version(version_id: int) -> ResponseReturnValue:
    """One version: who made it, why, and what it says otherwise than the one before."""
    person, asked = current_person(), Asked.of_request()
    made = _version(version_id)
    categories = _own(categories_touched(reading(), by=version_id))
    if not categories and person.category_names is not None:
        abort(HTTPStatus.NOT_FOUND)
    before, newest = version_before(reading(), version_id), newest_version_id(reading())
    shown = [asked.category] if asked.category in categories else categories
    rows = differences(reading(), before, version_id, shown) if len(shown) <= _MOST_AT_ONCE else []
    return render_template(
        "calendar/version.html",
        made=made,
        names=people([made.author]),
        changes=told_changes(rows[:_MOST_LINES], names_in(rows[:_MOST_LINES]), services().today),
        more=max(0, len(rows) - _MOST_LINES),
        categories=categories,
        asked=asked,
        too_many=len(shown) > _MOST_AT_ONCE,
        before=before,
        newest=newest,
        proposal=_proposal_behind(version_id, person),
    )


@calendar.get("/calendar/versions/<int:version_id>/roll-back")
def ask_back(version_id: int) -> ResponseReturnValue:
    """What going back would change, before it does."""
    return _back_page(version_id, request.args.get("category", ""))


@calendar.post("/calendar/versions/<int:version_id>/roll-back")
def back(version_id: int) -> ResponseReturnValue:
    """Make a version that says again what an older one said, of the person's categories."""
    person, category = current_person(), text("category")
    _version(version_id)
    categories = _to_go_back(category)
    try:
        with services().database.write() as records:
            made = roll_back(
                records,
                version_id,
                author=person.email,
                reason=said(text("reason")),
                now=services().clock.now(),
                based_on=request.form.get("based_on", None, type=id_in),
                categories=categories,
            ).version_id
    except ConflictError:
        raise
    except InSeasonError as refusal:
        return _back_page(version_id, category, trouble=str(refusal)), HTTPStatus.BAD_REQUEST
    flash("Gone back. The alerts follow in the next night.", "success")
    return redirect(url_for("calendar.version", version_id=made), HTTPStatus.SEE_OTHER)


@calendar.get("/calendar/calendar.csv")
def windows_file() -> ResponseReturnValue:
    """The windows in force as the calendar feed takes them."""
    return _file("calendar", WINDOW_COLUMNS)


@calendar.get("/calendar/markdowns.csv")
def steps_file() -> ResponseReturnValue:
    """The markdown steps in force as the markdowns feed takes them."""
    return _file("markdowns", STEP_COLUMNS)


def _file(name: str, columns: Sequence[str]) -> ResponseReturnValue:
    asked, newest = Asked.of_request(), newest_version_id(reading())
    rows: Sequence[Window | Step] = ()
    if newest is not None:
        whole = calendar_of(reading(), newest, asked.categories(current_person()))
        rows = whole.windows if name == "calendar" else whole.steps
    told = (
        [_cell(row, column) for column in columns]
        for row in rows
        if not asked.season or row.season_code == asked.season
    )
    return table_answer(name, columns, told, asked_kind() or Kind.CSV)


def _cell(row: Window | Step, column: str) -> object:
    return getattr(row.scope if column in Scope._fields else row, column)


def _history_file(query: Select[CalendarVersion], person: Person, kind: Kind) -> ResponseReturnValue:
    found = reading().scalars(query.limit(_MOST_IN_A_FILE)).all()
    numbers = [row.version_id for row in found]
    touched = touches(reading(), numbers, person.category_names, most=_MOST_IN_A_FILE)
    rows = (
        (
            row.version_id,
            row.created_at,
            row.author,
            row.reason,
            ", ".join(touch.category for touch in touched[row.version_id].first),
        )
        for row in found
    )
    return table_answer("calendar-versions", _HISTORY_COLUMNS, rows, kind)


def _versions(asked: Asked, person: Person) -> Select[CalendarVersion]:
    """The versions that touch what is asked for and the person may see, newest first."""
    query = select(CalendarVersion).order_by(CalendarVersion.version_id.desc())
    categories = asked.categories(person)
    if categories is None and not asked.season:
        return query
    touched = exists().where(CalendarTouch.version_id == CalendarVersion.version_id)
    if categories is not None:
        touched = touched.where(CalendarTouch.category.in_(sorted(categories)))
    if asked.season:
        touched = touched.where(CalendarTouch.season_code == asked.season)
    return query.where(touched)


def _own(categories: Sequence[str]) -> list[str]:
    """Those of some categories that are the person's."""
    own = current_person().category_names
    return [category for category in categories if own is None or category in own]


def _choices(newest: int | None, person: Person) -> Mapping[str, Sequence[str]]:
    """The categories and seasons to choose from; one statement."""
    query = select(SellingWindow.category, SellingWindow.season_code).where(
        SellingWindow.version_id == newest
    )
    if (own := person.category_names) is not None:
        query = query.where(SellingWindow.category.in_(sorted(own)))
    pairs = reading().execute(query.distinct()).all()
    return {"category": sorted({pair[0] for pair in pairs}), "season": sorted({pair[1] for pair in pairs})}


def _waiting(person: Person) -> int:
    """How many proposals wait for the person's word."""
    query = select(func.count()).select_from(Proposal).where(Proposal.state == ProposalState.PROPOSED)
    return reading().scalar(visible_proposals(query, person)) or 0


def _page_of_categories(newest: int | None, categories: Collection[str] | None, after: str) -> list[str]:
    """The categories of a page and one more, by name."""
    query = (
        select(SellingWindow.category)
        .where(SellingWindow.version_id == newest, SellingWindow.category > after)
        .distinct()
        .order_by(SellingWindow.category)
        .limit(_CATEGORIES_A_PAGE + 1)
    )
    if categories is not None:
        query = query.where(SellingWindow.category.in_(sorted(categories)))
    return list(reading().scalars(query))


def _seasons(whole: Calendar, asked: Asked) -> list[Season]:
    """The seasons of a calendar that are not over, and those asked for, with the rows that rule them."""
    today = services().today
    by_season: dict[tuple[str, str], list[Window]] = {}
    for window in whole.windows:
        if asked.season in ("", window.season_code):
            by_season.setdefault((window.category, window.season_code), []).append(window)
    return [
        Season(category, code, _season_rows(whole, windows))
        for (category, code), windows in sorted(by_season.items())
        if asked.season or max(window.exit for window in windows) >= today
    ]


def _season_rows(whole: Calendar, windows: Sequence[Window]) -> list[SeasonRow]:
    first = windows[0]
    steps = [
        step
        for step in whole.steps
        if (step.category, step.season_code) == (first.category, first.season_code)
    ]
    holds = _stores_ruled(windows, whole.zones)
    ordered = sorted(windows, key=lambda row: (row.status, row.scope.weight, row.scope, row.floor_set))
    return [
        SeasonRow(
            window,
            own_ladder(
                [step for step in steps if abs(step.effective_from - window.middle) <= HALF_A_YEAR],
                window.scope,
                whole.zones,
            ),
            None if window.scope.style_id else holds[window],
        )
        for window in ordered
    ]


def _stores_ruled(windows: Sequence[Window], zones: Mapping[str, str]) -> Counter[Window]:
    """In how many stores each window holds, styles with dates of their own left aside."""
    told: Counter[Window] = Counter()
    years: dict[tuple[WindowStatus, int], dict[tuple[str, str], Window]] = {}
    for row in windows:
        if not row.scope.style_id:
            named = (row.scope.store_id, "" if row.scope.store_id else row.scope.climate_zone)
            years.setdefault((row.status, row.middle.year), {})[named] = row
    for rows in years.values():
        for store, zone in zones.items():
            rules = rows.get((store, "")) or rows.get(("", zone)) or rows.get(("", ""))
            if rules is not None:
                told[rules] += 1
    return told


def _version(version_id: int) -> CalendarVersion:
    made = reading().get(CalendarVersion, version_id)
    if made is None:
        abort(HTTPStatus.NOT_FOUND)
    return made


def _proposal_behind(version_id: int, person: Person) -> Proposal | None:
    query = select(Proposal).where(Proposal.calendar_version_id == version_id)
    return reading().scalar(visible_proposals(query, person))


def _to_go_back(category: str) -> frozenset[str] | None:
    """The categories that go back: the one that is named, else all that are the person's (None is all)."""
    if category:
        require_category(category)
        return frozenset({category})
    return current_person().category_names


def _back_page(version_id: int, category: str, trouble: str = "") -> str:
    made, newest = _version(version_id), newest_version_id(reading()) or 0
    if version_id >= newest:
        abort(HTTPStatus.NOT_FOUND)
    categories = _to_go_back(category)
    touched = [category] if category else _own(categories_touched(reading(), since=version_id))
    few = len(touched) <= _MOST_AT_ONCE
    rows = differences(reading(), newest, version_id, touched) if few else []
    return render_template(
        "calendar/roll_back.html",
        made=made,
        newest=newest,
        category=category,
        own=categories,
        touched=touched,
        few=few,
        changes=told_changes(rows[:_MOST_LINES], names_in(rows[:_MOST_LINES]), services().today),
        more=max(0, len(rows) - _MOST_LINES),
        trouble=trouble,
        reason=text("reason"),
    )
