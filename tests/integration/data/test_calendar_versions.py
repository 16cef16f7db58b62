"""Versions of the calendar: what each has touched, and the way back for some categories only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from data import migrate
from data.calendar_changes import CalendarChange, ChangeKind, change_calendar
from data.calendar_rows import Calendar, Scope, Step, Window
from data.calendar_versions import (
    calendar_of,
    categories_touched,
    changed_since,
    differences,
    newest_calendar,
    roll_back,
    save_version,
    touches,
    version_before,
)
from data.errors import ConflictError, InSeasonError
from data.records import Store, WindowStatus

if TYPE_CHECKING:
    from data.database import Database

NOW = datetime(2026, 6, 14, 12, tzinfo=UTC)
TODAY = date(2026, 6, 14)
FLOOR_SET, EXIT, LATER = date(2026, 2, 16), date(2026, 7, 5), date(2026, 7, 19)


def window(category: str, **changes: object) -> Window:
    plain = Window(category, "SS26", Scope(), WindowStatus.CURRENT, FLOOR_SET, EXIT)
    return replace(plain, **changes)  # type: ignore[arg-type]


def saved(database: Database, *rows: Window | Step, reason: str = "a test") -> int:
    calendar = Calendar(
        0,
        tuple(row for row in rows if isinstance(row, Window)),
        tuple(row for row in rows if isinstance(row, Step)),
        {},
    )
    with database.write() as records:
        return save_version(records, calendar, author="jonas", reason=reason, now=NOW).version_id


def touched(database: Database, version: int) -> list[tuple[str, str]]:
    with database.read() as records:
        told = touches(records, [version])[version]
        assert told.categories == len(told.first)
        assert all(row.seasons == 1 for row in told.first)
        return [(row.category, row.season_code) for row in told.first]


def exits(database: Database) -> dict[str, date]:
    with database.read() as records:
        return {row.category: row.exit for row in newest_calendar(records).windows}


@pytest.fixture
def three(database: Database) -> Database:
    """Three versions: two categories, then a later exit of swim, then one of boots."""
    with database.write() as records:
        records.add(Store(store_id="PHX", name="PHX", climate_zone="hot"))
    saved(database, window("swim"), window("boots"))
    saved(database, window("swim", exit=LATER), window("boots"))
    saved(database, window("swim", exit=LATER), window("boots", exit=LATER))
    return database


def test_a_version_touches_the_seasons_whose_rows_differ(three: Database) -> None:
    assert touched(three, 1) == [("boots", "SS26"), ("swim", "SS26")]
    assert touched(three, 2) == [("swim", "SS26")]
    assert touched(three, 3) == [("boots", "SS26")]


def test_many_categories_are_counted_and_the_first_named(database: Database) -> None:
    made = saved(database, *(window(f"c{number:02d}") for number in range(20)))
    with database.read() as records:
        told = touches(records, [made])[made]
        assert touches(records, [made], {"c03"})[made].categories == 1
        assert categories_touched(records, by=made) == [f"c{number:02d}" for number in range(20)]
        assert categories_touched(records, since=made) == []

    assert [row.category for row in told.first] == [f"c{number:02d}" for number in range(8)]
    assert told.categories == 20


def test_a_step_that_goes_touches_its_season(three: Database) -> None:
    step = Step("gloves", "FW26", Scope(), date(2026, 12, 28), 30.0)
    rows = (window("swim", exit=LATER), window("boots", exit=LATER))
    made, gone = saved(three, *rows, step), saved(three, *rows)

    assert touched(three, made) == touched(three, gone) == [("gloves", "FW26")]


def test_a_moved_date_is_noted_too(three: Database) -> None:
    change = CalendarChange(ChangeKind.EXTEND_EXIT, "swim", "SS26", date(2026, 8, 2), climate_zones=("hot",))
    with three.write() as records:
        made = change_calendar(records, change, author="j", reason="r", now=NOW, today=TODAY).version_id

    assert touched(three, made) == [("swim", "SS26")]


def test_going_back_with_one_category_leaves_the_others(three: Database) -> None:
    with three.write() as records:
        roll_back(records, 1, author="jonas", reason="too late", now=NOW, categories={"swim"})

    assert exits(three) == {"swim": EXIT, "boots": LATER}
    assert touched(three, 4) == [("swim", "SS26")]


def test_going_back_with_all_makes_the_same_calendar_again(three: Database) -> None:
    with three.write() as records:
        roll_back(records, 2, author="ada", reason="too late", now=NOW)

    assert exits(three) == {"swim": LATER, "boots": EXIT}
    with three.read() as records:
        assert set(calendar_of(records, 2).windows) == set(newest_calendar(records).windows)


def test_going_back_to_what_is_in_force_already_is_refused(three: Database) -> None:
    with three.write() as records, pytest.raises(InSeasonError, match="Nothing would change"):
        roll_back(records, 2, author="jonas", reason="too late", now=NOW, categories={"swim"})


def test_nobody_goes_back_over_a_change_they_have_not_seen(three: Database) -> None:
    with three.write() as records, pytest.raises(ConflictError, match="jonas has changed the calendar"):
        roll_back(records, 1, author="ada", reason="too late", now=NOW, based_on=2)


def test_what_changed_since_a_version_is_told_of_one_season(three: Database) -> None:
    with three.read() as records:
        swim = changed_since(records, 1, category="swim", season_code="SS26")
        assert [(row.what, row.before, row.after) for row in swim] == [("exit", EXIT, LATER)]
        assert changed_since(records, 2, category="swim", season_code="SS26") == []
        assert changed_since(records, 1, category="swim", season_code="SS27") == []


def test_before_the_first_version_there_was_nothing(three: Database) -> None:
    with three.read() as records:
        assert version_before(records, 1) is None
        found = differences(records, None, 1, ["swim"])
    assert {(row.what, row.before, row.after) for row in found} == {
        ("floor_set", None, FLOOR_SET),
        ("exit", None, EXIT),
    }


def test_versions_from_before_there_were_touches_are_looked_at_once(empty_database: Database) -> None:
    migrate.upgrade(empty_database, "0011")
    with empty_database.write() as records:
        for number in (1, 2, 3):
            records.execute(
                text(
                    "INSERT INTO calendar_versions (version_id, created_at, author, reason) "
                    "VALUES (:number, '2026-06-14 12:00:00+00:00', 'a', 'r')"
                ),
                {"number": number},
            )
            for category, leaves in (
                ("swim", "2026-07-19" if number > 1 else "2026-07-05"),
                ("boots", "2026-07-19" if number > 2 else "2026-07-05"),
            ):
                records.execute(
                    text(
                        "INSERT INTO selling_windows (version_id, category, season_code, floor_set, exit, "
                        "status, climate_zone, store_id, style_id) VALUES (:number, :category, 'SS26', "
                        "'2026-02-16', :leaves, 'current', '', '', '')"
                    ),
                    {"number": number, "category": category, "leaves": leaves},
                )
    migrate.upgrade(empty_database, "0012")

    assert [touched(empty_database, version) for version in (1, 2, 3)] == [
        [("boots", "SS26"), ("swim", "SS26")],
        [("swim", "SS26")],
        [("boots", "SS26")],
    ]
