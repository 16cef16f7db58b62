"""Changes of the forecast in the records: who makes them, what they may name, which night knows them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from data.errors import InSeasonError, NotYoursError, TransitionError
from data.overrides import override, overrides_in_force, overrides_mark
from data.records import ForecastOverride, Measure, Person, PersonCategory, Product, Role, Store
from data.settings import Weekday

if TYPE_CHECKING:
    from data.database import Database

TODAY = date(2026, 6, 14)
NOW = datetime(2026, 6, 14, 12, tzinfo=UTC)


@pytest.fixture
def shop(database: Database) -> Database:
    with database.write() as records:
        records.add_all(
            Store(store_id=store, name=store, climate_zone=zone)
            for store, zone in (("PHX", "hot"), ("SEA", "cool"))
        )
        records.add_all([Product(sku="1", style_id="TIDE", category="swim")])
    return database


def person(role: Role = Role.MERCHANDISER, *categories: str) -> Person:
    return Person(
        email="jonas@shop.example",
        name="Jonas",
        role=role,
        password_hash="x",
        created_at=NOW,
        is_active=True,
        stores=[],
        categories=[PersonCategory(category=each) for each in categories],
    )


def makes(database: Database, by: Person | None = None, on: date = TODAY, **changes: Any) -> ForecastOverride:
    values = {
        "category": "swim", "climate_zone": "", "store_id": "", "style_id": "",
        "first_week": date(2026, 7, 8), "last_week": date(2026, 7, 20), "measure": Measure.FACTOR,
        "amount": 1.2, "reason": "the festival",
    } | changes  # fmt: skip
    with database.write() as records:
        return override(records, values, by=by or person(), now=NOW, on=on, week_starts_on=Weekday.SUNDAY)


def test_whole_weeks_count(shop: Database) -> None:
    made = makes(shop)

    assert (made.first_week, made.last_week) == (date(2026, 7, 5), date(2026, 7, 19))


def test_what_is_in_force_comes_as_a_frame(shop: Database) -> None:
    makes(shop, climate_zone="hot")
    makes(shop, measure=Measure.UNITS, amount=40.0)
    with shop.read() as records:
        frame = overrides_in_force(records)

    assert frame["climate_zone"].tolist() == ["hot", ""]
    assert frame["factor"].tolist()[0] == 1.2
    assert pd.isna(frame["factor"]).tolist() == [False, True]
    assert frame["units_a_week"].tolist()[1] == 40.0
    assert frame["first_week"].tolist() == [pd.Timestamp("2026-07-05")] * 2


def test_nothing_in_force_is_an_empty_frame_with_its_columns(shop: Database) -> None:
    with shop.read() as records:
        frame = overrides_in_force(records)

    assert frame.empty
    assert {"factor", "units_a_week", "first_week", "category"} <= set(frame.columns)


def test_a_night_knows_what_was_said_up_to_its_morning(shop: Database) -> None:
    made = makes(shop, on=TODAY)
    with shop.write() as records:
        found = records.get_one(ForecastOverride, made.override_id)
        found.withdraw(person(), NOW, on=TODAY + timedelta(days=3))
    with shop.read() as records:
        known = [len(overrides_in_force(records, TODAY + timedelta(days=days))) for days in range(-3, 4)]

    assert known == [0, 0, 1, 1, 1, 0, 0]


def test_the_mark_moves_with_every_change_and_every_withdrawal(shop: Database) -> None:
    marks = []

    def look() -> None:
        with shop.read() as records:
            marks.append(overrides_mark(records))

    look()
    made = makes(shop)
    look()
    with shop.write() as records:
        records.get_one(ForecastOverride, made.override_id).withdraw(person(), NOW, on=TODAY)
    look()

    assert marks[0] == (0, 0)
    assert len(set(marks)) == 3


def test_taken_back_it_says_by_whom_and_why(shop: Database) -> None:
    made = makes(shop)
    with shop.write() as records:
        found = records.get_one(ForecastOverride, made.override_id)
        found.withdraw(person(), NOW, on=TODAY, reason=" it was called  off ")
        with pytest.raises(TransitionError, match=r"jonas@shop\.example has taken this back already"):
            found.withdraw(person(), NOW, on=TODAY)
    with shop.read() as records:
        gone = records.get_one(ForecastOverride, made.override_id)

    assert (gone.withdrawn_by, gone.withdrawn_why, gone.withdrawn_on) == (
        "jonas@shop.example", "it was called off", TODAY,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"reason": " "}, "Say why"),
        ({"amount": 1.0}, "nothing would change"),
        ({"amount": 6.0}, "400% more"),
        ({"amount": 0.05}, "90% less"),
        ({"measure": Measure.UNITS, "amount": 0.0}, "above 0"),
        ({"measure": Measure.UNITS, "amount": 2e6}, "1,000,000"),
        ({"last_week": date(2026, 7, 1)}, "other way round"),
        ({"last_week": date(2027, 9, 1)}, "more than a year"),
        ({"first_week": date(2026, 5, 1), "last_week": date(2026, 5, 20)}, "past"),
        ({"category": "gloves"}, "No product is in the category 'gloves'"),
        ({"climate_zone": "nowhere"}, "No store lies in"),
        ({"store_id": "X"}, "There is no store 'X'"),
        ({"store_id": "SEA", "climate_zone": "hot"}, "does not lie in"),
        ({"style_id": "X"}, "There is no style 'X' in swim"),
    ],
)
def test_what_nobody_can_mean_is_refused(shop: Database, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InSeasonError, match=told):
        makes(shop, **changes)


@pytest.mark.parametrize("who", [person(Role.STORE_MANAGER), person(Role.MERCHANDISER, "boots")])
def test_a_category_is_changed_by_who_answers_for_it(shop: Database, who: Person) -> None:
    with pytest.raises(NotYoursError):
        makes(shop, by=who)
    made = makes(shop, by=person(Role.MERCHANDISER, "swim"))
    with shop.write() as records, pytest.raises(NotYoursError):
        records.get_one(ForecastOverride, made.override_id).withdraw(who, NOW, on=TODAY)
