"""One alert for one decision: identities, calendar causes gathered by zone, and a store's daily measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.codes import CALENDAR_CAUSES
from forecaster.findings import SEVERITIES, STORE, ZONE, made, reason_of, weakest_bulk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from forecaster.policy import Policies

_GROUP: Final = ["rule", "climate_zone", "category", "season_code"]
_SUMMED: Final = (
    "units_lost", "customers_lost", "customers_this_week", "money_lost", "before_units", "in_season_units",
    "after_units", "recoverable_units", "reorderable_units", "next_buy_units", "winnable_money",
    "demand_units", "on_hand", "in_transit",
)  # fmt: skip
_FIRST: Final = ("first_week", "floor_set", "exit", "act_by")
_LAST: Final = ("horizon_ends", "demand_ends")
_LARGEST: Final = 5
_AMOUNTS: Final = ("demand", "on_hand", "in_transit", "lost")


def identity_of(found: pd.DataFrame) -> pd.Series[str]:
    """What each finding or alert is about: rule, where, what and season; never how bad it is.

    ``rule|store|style|season``, ``rule|zone:<zone>|<category>|season`` or ``rule|chain|<style>|season``.
    """
    scope = found["scope"]
    where = found["store"].astype("str").where(scope == STORE, "chain")
    where = where.where(scope != ZONE, "zone:" + found["climate_zone"].astype("str"))
    what = found["style"].astype("str").where(scope != ZONE, found["category"].astype("str"))
    return found["rule"].astype("str") + "|" + where + "|" + what + "|" + found["season_code"].astype("str")


def group_findings(found: pd.DataFrame) -> pd.DataFrame:
    """Gather calendar causes: one finding per rule, zone, category and season, above those of its stores.

    Args:
        found: `FINDING_COLUMNS`.

    Returns:
        The findings, then a row of scope ``zone`` per group, with identity and parent ('' or the identity of
        the row that gathers it). A zone row sums its stores; its days are their earliest (demand_ends their
        latest), its severity their highest, its evidence the weakest that carries the bulk; it is weak only
        if all of them are. Its figures hold stores, styles (numbers) and largest (five stores with their
        units); its sizes are summed over stores.
    """
    if found.empty:
        return found.assign(identity=pd.Series(dtype="str"), parent=pd.Series(dtype="str"))
    caused = found["rule"].isin(CALENDAR_CAUSES) & (found["scope"] == STORE)
    zones = made(_zone_rows(found[caused]))
    parents = pd.Series("", index=found.index, dtype="str")
    parents[caused] = identity_of(found[caused].assign(scope=ZONE))
    children = found.assign(identity=identity_of(found), parent=parents)
    if zones.empty:
        return children
    above = zones.assign(identity=identity_of(zones), parent="")
    return pd.concat([children, above], ignore_index=True)


def _zone_rows(caused: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for key, rows in caused.groupby(_GROUP, sort=True):
        by_label = rows.groupby("evidence")["units_lost"].sum()
        label = weakest_bulk({str(each): float(units) for each, units in by_label.items()})
        by_store = rows.groupby("store")["units_lost"].sum().sort_values(ascending=False, kind="stable")
        row: dict[str, Any] = {
            **dict(zip(_GROUP, map(str, key), strict=True)),
            "scope": ZONE,
            **{name: float(rows[name].sum()) for name in _SUMMED},
            "margin_lost": float(rows["margin_lost"].sum(skipna=False)),
            **{name: rows[name].min() for name in _FIRST},
            **{name: rows[name].max() for name in _LAST},
            "severity": SEVERITIES[max(SEVERITIES.index(each) for each in rows["severity"])],
            "evidence": str(label),
            "weak": bool(rows["weak"].all()),
            "sizes": _sizes(rows),
            "figures": {
                "stores": int(by_store.size),
                "styles": int(rows["style"].nunique()),
                "largest": [
                    {"store": str(store), "units": float(units)}
                    for store, units in by_store.head(_LARGEST).items()
                ],
            },
        }
        yield {**row, "reason": reason_of(row, stores=by_store.size, styles=rows["style"].nunique())}


def _sizes(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The sizes of several findings, summed by sku, largest loss first."""
    lines = pd.DataFrame([line for sizes in rows["sizes"] for line in sizes])
    if lines.empty:
        return []
    summed = lines.groupby(["sku", "size", "color"], as_index=False)[list(_AMOUNTS)].sum()
    ordered = summed.sort_values("lost", ascending=False, kind="stable").to_dict("records")
    return [{str(name): value for name, value in line.items()} for line in ordered]


def hold_over_cap(
    new: pd.DataFrame, policies: Policies, opened: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """Which of tonight's new findings wait for another night, so that no store is told more than it can do.

    Each store hears of its most winnable money first, up to the chain's daily cap; a category's own cap holds
    within that. What is told of a zone, of the chain or of a late feed is never held.

    Args:
        new: findings that would open tonight: scope, store, category, winnable_money, and identity (worked
            out where it is missing).
        policies: whose ``daily_cap`` holds.
        opened: alerts each store has been told of today already.

    Returns:
        new with held, in the order given.
    """
    identity = new["identity"] if "identity" in new.columns else identity_of(new)
    order = np.lexsort((identity.to_numpy(dtype=object).astype(str), -new["winnable_money"].to_numpy(float)))
    ranked = new.iloc[order]
    capped = (ranked["scope"] == STORE) & (ranked["category"] != "")
    own = ranked["category"].map(lambda category: policies.of(str(category)).daily_cap)
    within = capped.groupby([ranked["store"], ranked["category"]]).cumsum() > own
    rest = capped & ~within
    already = ranked["store"].map(dict(opened or {})).fillna(0)
    beyond = rest.groupby(ranked["store"]).cumsum() + already > policies.default.daily_cap
    held = capped & (within | beyond)
    return new.assign(held=held.reindex(new.index).to_numpy(dtype=bool))
