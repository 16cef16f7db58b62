"""Writes what a night has prepared for the planner beside what readers still see, a little at a time."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select

from data.planning.sheets import newest_told
from data.records import GapWeek, PlanSheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    import pandas as pd

    from data.database import Database

_BATCH: Final = 500
_SHEETS: Final = 20


def keep_gap_weeks(database: Database, rows: pd.DataFrame, *, business_date: date) -> int:
    """Keep the gap of a night; readers see it, whole, when the night has succeeded.

    Args:
        database: the records.
        rows: as `data.planning.gap_weeks` gives them.
        business_date: of the night.

    Returns:
        How many rows there are.
    """
    _clear(database, GapWeek, business_date)
    weeks = [week.date() for week in rows["week"]]
    values = rows.assign(week=weeks, business_date=business_date).to_dict("records")
    for some in _batches(values, _BATCH):
        with database.write() as session:
            session.execute(insert(GapWeek), some)
    return len(values)


def keep_sheets(database: Database, sheets: Iterable[PlanSheet], *, business_date: date) -> int:
    """Keep the sheets of a night as they are made; readers see them when the night has succeeded."""
    _clear(database, PlanSheet, business_date)
    kept = 0
    for some in _batches(sheets, _SHEETS):
        with database.write() as session:
            session.add_all(some)
        kept += len(some)
    return kept


def _clear(database: Database, table: type[GapWeek | PlanSheet], business_date: date) -> None:
    """Take away all but what readers see now; of the night itself nothing is left to be in the way."""
    with database.read() as session:
        shown = session.scalar(select(newest_told(table)))
        told = select(table.business_date, table.category).distinct()
        parts = [part for part in session.execute(told) if part[0] != shown or shown == business_date]
    for day, category in parts:
        with database.write() as session:
            session.execute(delete(table).where(table.business_date == day, table.category == category))


def _batches(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    left = iter(rows)
    while some := list(islice(left, size)):
        yield some
