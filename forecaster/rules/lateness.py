"""What late feeds and closed stores raise, and which alerts must be left as they are because of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from forecaster.codes import ASKED_NOT_FOUND, BROKEN_SIZE_RUN, FEED_LATE, STOCKOUT_IN_SEASON
from forecaster.findings import CHAIN, STORE, ZONE, made
from forecaster.grouping import identity_of
from forecaster.rules.muting import closed_stores, late_feeds, muted_stores
from forecaster.rules.reading import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from forecaster.rules.situation import Situation

_INDEPENDENT: Final = (FEED_LATE, ASKED_NOT_FOUND)
"""Rules that rest on no store's figures."""

_NAMED: Final = 5
_URGENT_DAYS: Final = 3
_MOST: Final = 0.5


def feed_late(situation: Situation) -> pd.DataFrame:
    """One finding per late feed: of the chain when most stores that send it are late, else per store."""
    late = late_feeds(situation)
    if late.empty or situation.newest_days is None:
        return made([])
    newest = situation.newest_days
    open_stores = newest[~newest["store"].isin(closed_stores(situation))]
    senders = open_stores.groupby("feed")["store"].nunique()
    return made(_late_findings(late, senders, situation))


def _late_findings(
    late: pd.DataFrame, senders: pd.Series[Any], situation: Situation
) -> Iterator[dict[str, Any]]:
    zones = situation.zone_of
    tomorrow = pd.Timestamp(situation.as_of) + DAY
    for feed, rows in late.groupby("feed", sort=True):
        whole = len(rows) > _MOST * senders[feed]
        for store, part in [("", rows)] if whole else list(rows.groupby("store")):
            days, last = int(part["days_late"].max()), pd.to_datetime(part["last_day"]).min()
            late_by = days - situation.policies.default.late_days
            yield {
                "rule": FEED_LATE,
                "scope": STORE if store else CHAIN,
                "store": store,
                "climate_zone": zones.get(str(store), ""),
                # The feed stands where others have their season, so that two late feeds are two alerts.
                "season_code": str(feed),
                "act_by": tomorrow,
                "severity": "high" if whole or late_by > _URGENT_DAYS else "medium",
                "figures": {
                    "feed": str(feed),
                    "last_day": f"{last:%Y-%m-%d}",
                    "days_late": days,
                    "stores": int((part["store"] != "").sum()),
                    "named": sorted(str(name) for name in part["store"] if name)[:_NAMED],
                },
                "reason": f"{FEED_LATE}:feed={feed};store={store};last_day={last:%Y-%m-%d};days={days}",
            }


def mutes(alerts: pd.DataFrame, situation: Situation, found: pd.DataFrame | None = None) -> pd.DataFrame:
    """Which alerts must be left as they are tonight, and why.

    What rests on a store's figures is muted when they are late or the store has closed; what is told of a
    zone or the chain when that is so of each of its stores. A stockout that tonight's findings tell as a
    broken size run, and the other way round, is muted as ``told_as``: it has not recovered, it has another
    name.

    Args:
        alerts: rule, scope, store, climate_zone, style, category, season_code: tonight's findings, or those
            that live.
        situation: tonight's.
        found: tonight's findings, to know what is told by another rule.

    Returns:
        identity (as `identity_of`), reason; one row per muted alert, under its index.
    """
    silent = muted_stores(situation)
    reason = pd.Series("", index=alerts.index, dtype=object)
    depends = ~alerts["rule"].isin(_INDEPENDENT)
    own = depends & (alerts["scope"] == STORE)
    reason[own] = alerts.loc[own, "store"].map(lambda name: silent.get(str(name), ""))
    sells = situation.stores[situation.stores["kind"] != "dc"]
    for scope, places in ((ZONE, sells.groupby("climate_zone")["store"]), (CHAIN, [("", sells["store"])])):
        for zone, stores in places:
            if len(stores) and stores.isin(list(silent)).all():
                here = (
                    depends
                    & (alerts["scope"] == scope)
                    & ((scope == CHAIN) | (alerts["climate_zone"] == zone))
                )
                reason[here] = silent[stores.iloc[0]]
    if found is not None:
        for rule, other in ((STOCKOUT_IN_SEASON, BROKEN_SIZE_RUN), (BROKEN_SIZE_RUN, STOCKOUT_IN_SEASON)):
            again = identity_of(found[found["rule"] == other].assign(rule=rule))
            reason[(reason == "") & identity_of(alerts).isin(again)] = f"told_as:rule={other}"
    told = pd.DataFrame({"identity": identity_of(alerts), "reason": reason})
    return told[reason != ""]
