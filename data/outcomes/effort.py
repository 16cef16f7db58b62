"""How far customers had to go, night by night."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from data.records import Store, StoreEffort

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    import pandas as pd
    from sqlalchemy.orm import Session


def record_effort(session: Session, rows: pd.DataFrame, *, business_date: date) -> int:
    """Keep how far customers of a night had to go, in the place of what was kept of that night.

    Args:
        session: of a write transaction.
        rows: store ('' for the chain), stores, miles, found, demand; need ('' for all) if it is there.
        business_date: the night.

    Returns:
        How many rows were kept.
    """
    session.execute(delete(StoreEffort).where(StoreEffort.business_date == business_date))
    told = rows if "need" in rows.columns else rows.assign(need="")
    kept = [
        {
            "business_date": business_date,
            "store_id": str(row["store"]),
            "need": str(row["need"]),
            "stores_visited": round(float(row["stores"]), 4),
            "miles": round(float(row["miles"]), 4),
            "found": round(float(row["found"]), 4),
            "units": round(float(row["demand"]), 4),
        }
        for row in told.to_dict("records")
    ]
    if kept:
        session.execute(insert(StoreEffort), kept)
    return len(kept)


def effort_over_time(
    session: Session, *, store_id: str = "", need: str = "", since: date | None = None
) -> list[StoreEffort]:
    """The nights' efforts of a store, or of the whole chain, in order of their dates."""
    statement = select(StoreEffort).where(StoreEffort.store_id == store_id, StoreEffort.need == need)
    if since is not None:
        statement = statement.where(StoreEffort.business_date >= since)
    return list(session.scalars(statement.order_by(StoreEffort.business_date)))


@dataclass(frozen=True)
class Effort:
    """How far customers went on average until they found what they had come for, the own store counted.

    `found` is the share that some store had; `units` the weekly demand that was looked at.
    """

    stores: float
    miles: float
    found: float
    units: float


def effort_by_night(
    session: Session, *, first: date, last: date, stores: Collection[str] | None = None
) -> dict[date, Effort]:
    """The efforts of some nights over all needs, in order of their dates.

    Args:
        session: for reading.
        first: first night.
        last: last night.
        stores: of these stores together; None for the whole chain.
    """
    units = func.sum(StoreEffort.units)
    means = [
        func.sum(column * StoreEffort.units) / units
        for column in (StoreEffort.stores_visited, StoreEffort.miles, StoreEffort.found)
    ]
    query = (
        select(StoreEffort.business_date, *means, units)
        .where(StoreEffort.need == "", StoreEffort.store_id.in_([""] if stores is None else sorted(stores)))
        .where(StoreEffort.business_date.between(first, last))
        .group_by(StoreEffort.business_date)
        .having(units > 0)
        .order_by(StoreEffort.business_date)
    )
    return {night: Effort(*figures) for night, *figures in session.execute(query)}


def efforts_of_stores(
    session: Session, night: date, *, stores: Collection[str] | None = None, most: int
) -> list[tuple[str, Effort]]:
    """The stores of a night whose customers went farthest, farthest first.

    Args:
        session: for reading.
        night: the night.
        stores: only these; None for all.
        most: how many at most.
    """
    query = (
        select(
            Store.name, StoreEffort.stores_visited, StoreEffort.miles, StoreEffort.found, StoreEffort.units
        )
        .join(Store, Store.store_id == StoreEffort.store_id)
        .where(StoreEffort.business_date == night, StoreEffort.need == "", StoreEffort.units > 0)
        .order_by(StoreEffort.miles.desc(), StoreEffort.stores_visited.desc(), StoreEffort.store_id)
        .limit(most)
    )
    if stores is not None:
        query = query.where(StoreEffort.store_id.in_(sorted(stores)))
    return [(name, Effort(*figures)) for name, *figures in session.execute(query)]
