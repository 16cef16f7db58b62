"""Outcomes added up by week, so that a page of a year reads a few hundred rows and not every alert."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, insert, select

from data.fiscal import week_start
from data.outcomes.tallies import FIGURES, Tally
from data.records import AlertOutcome, Counted, MissedLoss, OutcomeWeek
from forecaster.codes import WATCHED, OutcomeVerdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from sqlalchemy.orm import Session

    from data.database import Database
    from data.settings import Weekday

_WEEK: Final = timedelta(days=6)
_ROWS_AT_ONCE: Final = 500
_NOTHING: Final = tuple(getattr(Tally(), name) for name in FIGURES)
_RIGHT: Final = (OutcomeVerdict.HAPPENED, OutcomeVerdict.AVERTED)
_Key = tuple[Counted, str, str, str]


def bring_up_to_date(database: Database, first_day: Weekday) -> int:
    """Add up again the weeks whose sums do not hold what has been judged; returns how many.

    That is the weeks of new verdicts, and every week where the chain's week begins on another day than when
    they were added up.
    """
    with database.read() as session:
        weeks = _weeks_behind(session, first_day)
    for week in weeks:
        with database.read() as session:
            # No week begins there any more: what it held is counted in others.
            rows = _rows_of(session, week) if week == week_start(week, first_day) else []
        with database.write() as session:
            session.execute(delete(OutcomeWeek).where(OutcomeWeek.week == week))
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                session.execute(insert(OutcomeWeek), rows[start : start + _ROWS_AT_ONCE])
    return len(weeks)


def _weeks_behind(session: Session, first_day: Weekday) -> list[date]:
    there: Counter[date] = Counter()
    for record in (AlertOutcome, MissedLoss):
        days = select(record.ended_on, func.count()).group_by(record.ended_on)
        for day, number in session.execute(days):
            there[week_start(day, first_day)] += number
    judged = [getattr(OutcomeWeek, str(verdict)) for verdict in OutcomeVerdict]
    added = select(OutcomeWeek.week, func.sum(sum(judged, OutcomeWeek.missed)))
    chain = added.where(OutcomeWeek.counted == Counted.CHAIN).group_by(OutcomeWeek.week)
    known: Counter[date] = Counter()
    for week, number in session.execute(chain):
        known[week] = number
    return sorted(week for week in there.keys() | known.keys() if there[week] != known[week])


def _rows_of(session: Session, week: date) -> list[dict[str, object]]:
    """The rows of a week, for an insert."""
    sums: defaultdict[_Key, list[Any]] = defaultdict(lambda: list(_NOTHING))
    for place, tally in _parts(session, week):
        figures = [getattr(tally, name) for name in FIGURES]
        for key in _keys(*place):
            row = sums[key]
            for position, figure in enumerate(figures):
                row[position] += figure
    return [
        {"counted": counted, "week": week, "store_id": store, "category": category, "rule": rule}
        | dict(zip(FIGURES, figures, strict=True))
        for (counted, store, category, rule), figures in sorted(sums.items())
    ]


def _keys(store: str, category: str, rule: str) -> Iterator[_Key]:
    yield Counted.CHAIN, "", category, rule
    if store:
        yield Counted.PLACE, store, category, rule
        yield Counted.STORE, store, "", ""


def _parts(session: Session, week: date) -> Iterator[tuple[tuple[str, str, str], Tally]]:
    """What ended in a week, one by one: (store, category, rule) and what it counts."""
    outcomes = select(AlertOutcome).where(AlertOutcome.ended_on.between(week, week + _WEEK))
    for outcome in session.scalars(outcomes):
        yield (outcome.store_id, outcome.category, outcome.rule), _tally(outcome)
    losses = select(MissedLoss).where(MissedLoss.ended_on.between(week, week + _WEEK))
    for loss in session.scalars(losses):
        tally = Tally(
            missed=1, units_missed=loss.units, customers_missed=loss.customers, money_missed=loss.money
        )
        yield (loss.store_id, loss.category, loss.rule), tally


def _tally(outcome: AlertOutcome) -> Tally:
    if outcome.verdict is OutcomeVerdict.CANNOT_TELL:
        return Tally(cannot_tell=1)
    led = outcome.lead_days
    return Tally(
        happened=int(outcome.verdict is OutcomeVerdict.HAPPENED),
        averted=int(outcome.verdict is OutcomeVerdict.AVERTED),
        did_not_happen=int(outcome.verdict is OutcomeVerdict.DID_NOT_HAPPEN),
        foretold=int(outcome.verdict in _RIGHT and outcome.rule in WATCHED),
        told_before=int(led is not None and led >= 0),
        leads=int(led is not None),
        lead_days=led or 0,
        units_happened=outcome.units_happened,
        units_recovered=outcome.units_recovered,
        customers_happened=outcome.customers_happened,
        customers_recovered=outcome.customers_recovered,
        money_happened=outcome.money_happened,
        money_recovered=outcome.money_recovered,
    )
