"""What the planner opens with is of one night, whole, whatever another night is writing."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import event, func, select

from data.planning.keeping import keep_gap_weeks, keep_sheets
from data.planning.sheets import categories_of, read_gap_map, read_sheet, sheets_of, zones_of
from data.records import GapWeek, PlanSheet, Run, RunKind, RunState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.database import Database

FIRST, SECOND, THIRD = (date(2026, 6, 5) + timedelta(days=day) for day in range(3))
NOW = datetime(2026, 6, 7, 3, tzinfo=UTC)


def cells(units: float, categories: tuple[str, ...] = ("hats", "swim trunks")) -> pd.DataFrame:
    weeks = pd.date_range("2026-06-07", periods=4, freq="7D")
    keys = pd.MultiIndex.from_product(
        [categories, ["", "cool", "hot"], weeks], names=["category", "climate_zone", "week"]
    ).to_frame(index=False)
    names = ("demand_units", "demand_money", "lost_units", "lost_money")
    parts = ("before_units", "in_season_units", "after_units")
    return keys.assign(
        **dict.fromkeys(names, units), **dict.fromkeys(parts, units / 3), on_floor=0.5, evidence="observed"
    )


def sheet(day: date, zone: str = "", season: str = "SS26", leaving: date = date(2026, 7, 5)) -> PlanSheet:
    return PlanSheet(
        business_date=day,
        category="swim trunks",
        climate_zone=zone,
        season_code=season,
        calendar_version=1,
        floor_set=date(2026, 2, 9),
        exit=leaving,
        stores=2,
        styles=1,
        details={"as_of": day.isoformat()},
        svg="<svg></svg>",
        table=[],
    )


def night(database: Database, day: date, *, state: RunState = RunState.SUCCEEDED) -> None:
    with database.write() as session:
        session.add(Run(kind=RunKind.NIGHT, business_date=day, state=state, started_at=NOW, details={}))


def end(database: Database, day: date, state: RunState) -> None:
    with database.write() as session:
        run = session.scalars(select(Run).where(Run.business_date == day)).one()
        run.state = state


def seen(database: Database, **asked: Any) -> tuple[date | None, set[float]]:
    with database.read() as session:
        found = read_gap_map(session, **asked)
    return found.business_date, {row.demand_units for row in found.rows}


def test_before_any_night_the_map_is_empty(database: Database) -> None:
    assert seen(database) == (None, set())
    with database.read() as session:
        assert read_sheet(session, "swim trunks") is None
        assert sheets_of(session) == []
        assert zones_of(session) == categories_of(session) == ()


def test_readers_see_a_night_only_when_it_has_succeeded_and_then_whole(database: Database) -> None:
    night(database, FIRST)
    keep_gap_weeks(database, cells(1.0), business_date=FIRST)
    keep_sheets(database, [sheet(FIRST)], business_date=FIRST)
    night(database, SECOND, state=RunState.RUNNING)

    keep_gap_weeks(database, cells(2.0), business_date=SECOND)
    keep_sheets(database, [sheet(SECOND)], business_date=SECOND)
    assert seen(database) == (FIRST, {1.0})

    end(database, SECOND, RunState.SUCCEEDED)
    assert seen(database) == (SECOND, {2.0})
    with database.read() as session:
        told = read_sheet(session, "swim trunks")
        assert told is not None
        assert told.business_date == SECOND
        assert [one.business_date for one in sheets_of(session)] == [SECOND]


def test_a_night_that_was_cut_off_is_cleared_away_by_the_next(database: Database) -> None:
    night(database, FIRST)
    keep_gap_weeks(database, cells(1.0), business_date=FIRST)
    night(database, SECOND, state=RunState.FAILED)
    keep_gap_weeks(database, cells(2.0).head(5), business_date=SECOND)

    keep_gap_weeks(database, cells(2.5), business_date=SECOND)
    assert seen(database) == (FIRST, {1.0})
    night(database, THIRD)
    keep_gap_weeks(database, cells(3.0, ("hats",)), business_date=THIRD)

    assert seen(database) == (THIRD, {3.0})
    with database.read() as session:
        days = dict(
            session.execute(select(GapWeek.business_date, func.count()).group_by("business_date")).all()
        )
    assert days == {FIRST: 24, THIRD: 12}


def test_a_night_without_series_leaves_an_empty_map(database: Database) -> None:
    night(database, FIRST)

    assert keep_gap_weeks(database, cells(1.0).head(0), business_date=FIRST) == 0
    assert keep_gap_weeks(database, pd.DataFrame(columns=["week"]), business_date=FIRST) == 0
    assert keep_sheets(database, [], business_date=FIRST) == 0
    assert seen(database) == (None, set())


def test_rows_are_written_a_few_hundred_at_a_time(database: Database) -> None:
    night(database, FIRST)
    many = pd.concat([cells(1.0, (f"category {number:03}",)) for number in range(150)], ignore_index=True)
    sizes = []

    @event.listens_for(database.engine, "commit")
    def counted(_connection: object) -> None:
        sizes.append(1)

    assert keep_gap_weeks(database, many, business_date=FIRST) == 1800
    assert len(sizes) == 4
    sizes.clear()
    keep_gap_weeks(database, many, business_date=FIRST)
    assert len(sizes) == 150 + 4


def test_the_map_can_be_asked_for_a_zone_a_category_and_what_a_person_may_see(database: Database) -> None:
    night(database, FIRST)
    keep_gap_weeks(database, cells(1.0), business_date=FIRST)

    with database.read() as session:
        assert len(read_gap_map(session).rows) == 24
        hot = read_gap_map(session, climate_zone="hot")
        assert {row.climate_zone for row in hot.rows} == {"hot"}
        assert hot.weeks == tuple(date(2026, 6, 7) + timedelta(weeks=week) for week in range(4))
        assert {row.climate_zone for row in read_gap_map(session, climate_zone="").rows} == {""}
        assert {row.category for row in read_gap_map(session, category="hats").rows} == {"hats"}
        assert read_gap_map(session, categories=()).rows == ()
        mine = read_gap_map(session, categories={"hats"})
        assert {row.category for row in mine.rows} == {"hats"}
        assert zones_of(session) == zones_of(session, "hats") == ("cool", "hot")
        assert zones_of(session, "no such") == ()
        assert categories_of(session) == ("hats", "swim trunks")


def test_of_several_seasons_the_one_that_ends_first_is_shown(database: Database) -> None:
    night(database, FIRST)
    later = sheet(FIRST, season="AW26", leaving=date(2026, 12, 6))
    keep_sheets(database, [later, sheet(FIRST), sheet(FIRST, "hot")], business_date=FIRST)

    with database.read() as session:
        first, other = (read_sheet(session, "swim trunks", season_code=code) for code in (None, "AW26"))
        assert first is not None
        assert other is not None
        assert (first.season_code, other.season_code) == ("SS26", "AW26")
        assert read_sheet(session, "swim trunks", "cool") is None
        assert [(one.climate_zone, one.season_code) for one in sheets_of(session)] == [
            ("", "SS26"), ("", "AW26"), ("hot", "SS26"),
        ]  # fmt: skip
        assert sheets_of(session, categories={"hats"}) == []


def test_pages_ask_in_one_statement_each(database: Database) -> None:
    night(database, FIRST)
    keep_gap_weeks(database, cells(1.0), business_date=FIRST)
    keep_sheets(database, [sheet(FIRST)], business_date=FIRST)
    for ask in (
        lambda session: read_gap_map(session, climate_zone="hot"),
        lambda session: read_sheet(session, "swim trunks"),
        lambda session: [one.exit for one in sheets_of(session)],
    ):
        with statements(database) as asked, database.read() as session:
            ask(session)
        assert len(asked) == 1


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The questions that a block asks."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            found.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
