"""How fresh the feeds are: the newest day of each store, kept by the night so that a page has it at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from data.records import FeedDay, Store

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class LateStore:
    """A store whose figures are late, and the newest day of them."""

    store_id: str
    name: str
    newest: date


@dataclass(frozen=True)
class Freshness:
    """How fresh a feed was on the night of `business_date`: its newest day, its stores, and those late."""

    feed: str
    business_date: date
    newest: date
    stores: int
    late: tuple[LateStore, ...]


def keep_newest_days(
    session: Session, rows: Iterable[tuple[str, str, date, bool]], *, business_date: date
) -> None:
    """Put what a night saw in the place of what was kept.

    Args:
        session: of a write transaction.
        rows: feed, store, newest day, and whether that is late.
        business_date: the night.
    """
    told: list[dict[str, Any]] = [
        {"feed": feed, "store_id": store, "newest": newest, "is_late": late, "business_date": business_date}
        for feed, store, newest, late in rows
    ]
    session.execute(delete(FeedDay))
    if told:
        session.execute(insert(FeedDay), told)


def freshness(session: Session) -> dict[str, Freshness]:
    """How fresh each feed is that stores send every day or week, late stores longest late first.

    One statement.
    """
    query = (
        select(
            FeedDay.feed, FeedDay.store_id, Store.name, FeedDay.newest, FeedDay.is_late, FeedDay.business_date
        )
        .join(Store, Store.store_id == FeedDay.store_id)
        .order_by(FeedDay.feed, FeedDay.newest, FeedDay.store_id)
    )
    told = {}
    for feed, group in groupby(session.execute(query), key=lambda row: row.feed):
        rows = list(group)
        late = tuple(LateStore(row.store_id, row.name, row.newest) for row in rows if row.is_late)
        told[feed] = Freshness(feed, rows[0].business_date, rows[-1].newest, len(rows), late)
    return told
