"""Late feeds, closed stores, doubted shelves: what may not be built upon tonight, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from forecaster.codes import FEED_LATE
from forecaster.frames import require_columns

if TYPE_CHECKING:
    from forecaster.rules.situation import Situation

_RECENT: Final = pd.Timedelta(weeks=2)


def late_feeds(situation: Situation) -> pd.DataFrame:
    """The feeds whose newest day is too old: feed, store ('' = of the whole chain), last_day, days_late.

    A feed is late when its newest day lies more than ``late_days`` before as_of; of stores that have closed
    none is expected.
    """
    newest = situation.newest_days
    if newest is None:
        return pd.DataFrame(columns=["feed", "store", "last_day", "days_late"])
    require_columns(newest, "newest_days", ["feed", "store", "last_day"])
    today = pd.Timestamp(situation.as_of)
    newest = newest[~newest["store"].isin(closed_stores(situation))]
    days_late = (today - pd.to_datetime(newest["last_day"])).dt.days
    late = newest.assign(days_late=days_late)[days_late > situation.policies.default.late_days]
    return late[["feed", "store", "last_day", "days_late"]].reset_index(drop=True)


def closed_stores(situation: Situation) -> dict[str, pd.Timestamp]:
    """Stores that have closed for good, with the day."""
    stores = situation.stores
    closed = stores[stores["closed_on"].notna() & (stores["closed_on"] <= pd.Timestamp(situation.as_of))]
    return dict(zip(closed["store"], pd.to_datetime(closed["closed_on"]), strict=True))


def muted_stores(situation: Situation) -> dict[str, str]:
    """Stores about which nothing may be concluded tonight, each with the reason.

    Example of a reason: ``feed_late:feed=stock;last_day=2026-06-01``, ``store_closed:closed_on=2026-05-30``.
    """
    reasons = {}
    late = late_feeds(situation).sort_values("days_late")
    stores = situation.stores["store"]
    for feed, store, last in late[["feed", "store", "last_day"]].itertuples(index=False, name=None):
        for name in [store] if store else stores:
            reasons[str(name)] = f"{FEED_LATE}:feed={feed};last_day={pd.Timestamp(last):%Y-%m-%d}"
    for name, day in closed_stores(situation).items():
        reasons[name] = f"store_closed:closed_on={day:%Y-%m-%d}"
    return reasons


def lasting_doubts(phantoms: pd.DataFrame | None, today: pd.Timestamp) -> pd.DataFrame | None:
    """The runs without a sale that last until now."""
    if phantoms is None:
        return None
    return phantoms[pd.to_datetime(phantoms["last_week"]) >= today - _RECENT].drop_duplicates(
        ["store", "sku"]
    )
