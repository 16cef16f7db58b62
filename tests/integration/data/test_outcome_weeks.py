"""Outcomes added up by week: the sums are those of the outcomes, whatever happened to them meanwhile."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, func, select, update

from data.outcomes.tallies import Tally, View, all_together, by_category, by_rule, by_store, by_week
from data.outcomes.weeks import bring_up_to_date
from data.records import Alert, AlertOutcome, Counted, MissedLoss, OutcomeWeek, Store
from data.settings import Weekday
from forecaster.codes import OutcomeVerdict
from tests.ground.findings import trunks_leave_early
from tests.unit.web.making import NIGHT, NOW

if TYPE_CHECKING:
    from data.database import Database

SUNDAY = date(2026, 5, 24)
SATURDAY = date(2026, 5, 30)
EVER = View(date(2026, 1, 4), date(2026, 12, 27))


@pytest.fixture
def chain(database: Database) -> Database:
    with database.write() as session:
        session.add_all(Store(store_id=key, name=key, climate_zone="hot") for key in ("A", "B"))
    return database


def judge(database: Database, **changes: Any) -> None:
    """One outcome: 4 units missed, worth 100, 2 customers; in store A, told 3 days ahead."""
    about = {"rule": "stockout_in_season", "store_id": "A", "category": "trunks"}
    about |= {name: changes.pop(name) for name in about.keys() & changes.keys()}
    row = {
        "verdict": OutcomeVerdict.HAPPENED, "judged_on": SATURDAY, "ended_on": SATURDAY, "reason": "",
        "units_happened": 4.0, "units_recovered": 1.0, "customers_happened": 2.0, "customers_recovered": 0.5,
        "money_happened": Decimal(100), "money_recovered": Decimal(25), "lead_days": 3,
    } | changes  # fmt: skip
    with database.write() as session:
        number = session.scalar(select(func.count()).select_from(Alert))
        found = trunks_leave_early(**(about | {"style_id": f"style-{number}"}))
        alert = Alert.found(found, business_date=NIGHT, now=NOW)
        session.add(alert)
        session.flush()
        session.add(AlertOutcome(alert_id=alert.alert_id, **about, **row))


def miss(database: Database, **changes: Any) -> None:
    row = {
        "rule": "stockout_in_season", "store_id": "B", "style_id": "x", "season_code": "all-year",
        "category": "coats", "ended_on": SUNDAY, "units": 5.0, "customers": 3.0, "money": Decimal(150),
    } | changes  # fmt: skip
    with database.write() as session:
        session.add(MissedLoss(**row))


def sums(database: Database, view: View = EVER) -> dict[str, dict[Any, Tally]]:
    with database.read() as session:
        return {
            "week": by_week(session, view),
            "category": by_category(session, view),
            "rule": by_rule(session, view),
            "store": by_store(session, view),
        }


def test_the_weeks_hold_what_was_judged_and_what_nobody_foretold(chain: Database) -> None:
    judge(chain)
    judge(chain, verdict=OutcomeVerdict.AVERTED, lead_days=None, units_happened=0.0)
    judge(chain, verdict=OutcomeVerdict.DID_NOT_HAPPEN, lead_days=-1, store_id="B")
    judge(chain, rule="markdown_before_peak", ended_on=SUNDAY)
    miss(chain)

    assert bring_up_to_date(chain, Weekday.SUNDAY) == 1

    week = sums(chain)["week"]
    assert list(week) == [SUNDAY]
    tally = week[SUNDAY]
    assert (tally.happened, tally.averted, tally.did_not_happen, tally.missed) == (2, 1, 1, 1)
    assert (tally.right, tally.told, tally.judged) == (3, 4, 4)
    # The markdown was right, but nobody looks for markdowns that were not foretold.
    assert (tally.foretold, tally.losses) == (2, 3)
    assert (tally.leads, tally.told_before, tally.lead_days) == (3, 2, 5)
    assert tally.units_lost == 4 + 0 + 4 + 4 + 5
    assert tally.money_lost == 4 * 100 + 150
    assert tally.customers_turned_away == 4 * 2 + 4 * 0.5 + 3


def test_what_nobody_can_tell_counts_neither_as_lost_nor_as_won(chain: Database) -> None:
    judge(chain, verdict=OutcomeVerdict.CANNOT_TELL)
    bring_up_to_date(chain, Weekday.SUNDAY)

    assert sums(chain)["week"][SUNDAY] == Tally(cannot_tell=1)


def test_every_way_of_telling_comes_to_the_same_total(chain: Database) -> None:
    for store in ("A", "B"):
        for category in ("trunks", "coats"):
            for rule in ("stockout_in_season", "exit_before_demand_ends"):
                judge(chain, store_id=store, category=category, rule=rule)
    miss(chain)
    bring_up_to_date(chain, Weekday.SUNDAY)

    totals = {name: all_together(found.values()) for name, found in sums(chain).items()}

    assert set(totals["week"].__dict__.items()) == set(totals["store"].__dict__.items())
    assert totals["week"] == totals["category"] == totals["rule"]
    assert totals["week"].judged == 8


@pytest.mark.parametrize(
    ("stores", "categories", "judged"),
    [({"A"}, None, 2), (None, {"coats"}, 2), ({"A"}, {"coats"}, 1), (set(), None, 0), ({"C"}, None, 0)],
)
def test_a_view_is_cut_to_its_stores_and_categories_whatever_it_is_told_by(
    stores: set[str] | None, categories: set[str] | None, judged: int, chain: Database
) -> None:
    for store in ("A", "B"):
        for category in ("trunks", "coats"):
            judge(chain, store_id=store, category=category)
    bring_up_to_date(chain, Weekday.SUNDAY)
    view = View(
        EVER.first,
        EVER.last,
        None if stores is None else frozenset(stores),
        None if categories is None else frozenset(categories),
    )

    found = {name: all_together(each.values()).judged for name, each in sums(chain, view).items()}

    assert found == dict.fromkeys(("week", "category", "rule", "store"), judged)


def test_what_is_about_the_chain_or_no_category_is_in_the_total_only(chain: Database) -> None:
    judge(chain, store_id="", category="", rule="feed_late")
    judge(chain)
    bring_up_to_date(chain, Weekday.SUNDAY)

    found = sums(chain)

    assert found["week"][SUNDAY].judged == 2
    assert list(found["category"]) == ["trunks"]
    assert list(found["store"]) == ["A"]
    assert set(found["rule"]) == {"feed_late", "stockout_in_season"}


def test_only_weeks_with_news_are_added_up_again(chain: Database) -> None:
    judge(chain)
    judge(chain, ended_on=SATURDAY + timedelta(weeks=1))
    assert bring_up_to_date(chain, Weekday.SUNDAY) == 2
    assert bring_up_to_date(chain, Weekday.SUNDAY) == 0

    judge(chain)
    assert bring_up_to_date(chain, Weekday.SUNDAY) == 1

    assert [tally.judged for tally in sums(chain)["week"].values()] == [2, 1]


def test_outcomes_of_before_are_added_up_by_the_next_night(chain: Database) -> None:
    judge(chain)
    bring_up_to_date(chain, Weekday.SUNDAY)
    with chain.write() as session:
        session.execute(delete(OutcomeWeek))

    bring_up_to_date(chain, Weekday.SUNDAY)

    assert sums(chain)["week"][SUNDAY].judged == 1


def test_weeks_that_begin_on_another_day_are_added_up_anew(chain: Database) -> None:
    judge(chain, ended_on=SUNDAY)
    bring_up_to_date(chain, Weekday.SUNDAY)

    bring_up_to_date(chain, Weekday.MONDAY)

    assert list(sums(chain)["week"]) == [SUNDAY - timedelta(days=6)]


def test_an_outcome_that_ended_on_another_day_leaves_nothing_behind(chain: Database) -> None:
    judge(chain)
    bring_up_to_date(chain, Weekday.SUNDAY)
    with chain.write() as session:
        session.execute(update(AlertOutcome).values(ended_on=SATURDAY + timedelta(weeks=3)))

    bring_up_to_date(chain, Weekday.SUNDAY)

    with chain.read() as session:
        kept = session.execute(select(OutcomeWeek.counted, OutcomeWeek.week)).all()
    assert sorted(kept) == [(counted, SUNDAY + timedelta(weeks=3)) for counted in sorted(Counted)]
