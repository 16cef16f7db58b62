"""What customers asked for and did not find: things not carried, and things carried but foretold too low."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.codes import ASKED_NOT_FOUND
from forecaster.distribution import quantiles, size_of_sum
from forecaster.evidence import STRONGEST_FIRST, Evidence
from forecaster.findings import CHAIN, STORE, made, reason_of, severity
from forecaster.frames import require_columns
from forecaster.rules.calendar import NO_DAY, later
from forecaster.rules.reading import DAY, WEEK
from forecaster.rules.seasons import ALL_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from forecaster.policy import RulePolicy
    from forecaster.rules.reading import Reading
    from forecaster.rules.situation import Situation

NOT_CARRIED: Final = "asked:"
"""What the style of a finding begins with when nothing the chain knows was asked for; the key follows."""

_SURPRISE: Final = 0.95
_SEVERAL_STORES: Final = 2


def asked_beyond(reading: Reading, situation: Situation) -> pd.DataFrame:
    """Rows of skus for which more customers asked in vain than were expected to come at all.

        lost = asked - m,   where asked > q95 of D,   D the demand foretold for as many weeks, m its mean

    Those who ask are some of those who come: more than the forecast's q95 says that the forecast is too low
    by about the rest, and will be in the weeks to come.
    """
    requests, forecast = situation.requests, situation.forecast
    if requests is None or requests.empty or forecast is None:
        return reading.rows.iloc[:0].assign(rule=ASKED_NOT_FOUND)
    require_columns(requests, "requests", ["store", "sku", "units", "last_on"])
    rows = reading.rows
    rows = rows[rows["week"] <= reading.today + reading.limit("asked_weeks", rows) * WEEK]
    pairs = rows[["store", "sku", "pair"]].drop_duplicates("pair").astype({"store": "str", "sku": "str"})
    asked = requests.groupby(["store", "sku"], as_index=False).agg(
        asked=("units", "sum"), last_on=("last_on", "max")
    )
    beyond = pairs.merge(asked, on=["store", "sku"])
    rows = rows[rows["pair"].isin(beyond["pair"])].merge(beyond[["pair", "asked", "last_on"]], on="pair")
    foretold = rows.groupby("pair")["demand"].transform("sum")
    excess = (rows["asked"] - foretold).where(rows["asked"] > _most_likely(rows, forecast), 0.0)
    part = rows["demand"] / foretold.where(foretold > 0)
    rows = rows.assign(foretold=foretold, lost=(excess.clip(lower=0.0) * part).fillna(0.0))
    rows = rows[rows["lost"] > 0]
    return rows.assign(
        rule=ASKED_NOT_FOUND,
        own=0.0,
        demand=rows["demand"] + rows["lost"],
        evidence=np.int8(STRONGEST_FIRST.index(Evidence.REQUESTED)),
        first_loss=later(rows["week"], reading.today + DAY),
        calendar_by=NO_DAY,
        horizon_ends=reading.today + reading.limit("asked_weeks", rows) * WEEK,
    )


def _most_likely(rows: pd.DataFrame, forecast: pd.DataFrame) -> pd.Series[Any]:
    """Upper quantile of what each row's sku was foretold to sell in these weeks."""
    each = rows.assign(square=rows["demand"] ** 2).groupby("pair")
    sums = each.agg(
        store=("store", "first"), sku=("sku", "first"), total=("demand", "sum"), square=("square", "sum")
    ).astype({"store": "str", "sku": "str"})
    series = forecast[["store", "sku", "level_shape", "dispersion"]].drop_duplicates(["store", "sku"])
    known = sums.reset_index().merge(series, on=["store", "sku"], how="left").set_index("pair")
    size = size_of_sum(
        known["total"],
        known["square"],
        known["level_shape"].fillna(np.inf),
        known["dispersion"].fillna(np.inf),
    )
    top = pd.Series(quantiles(known["total"], size, [_SURPRISE])[0], index=known.index)
    return top.reindex(rows["pair"]).set_axis(rows.index)


def not_carried(situation: Situation) -> pd.DataFrame:
    """Findings of what customers ask for and their store, or the chain, does not carry.

    The same words in several stores are one finding for the chain, in one store one for that store. Nobody
    knows a price, a supplier or a season: all of it counts as ``reorderable`` while customers go on asking.
    """
    asked = situation.asked
    if asked is None or asked.empty:
        return made([])
    require_columns(asked, "asked", ["key", "words", "store", "units", "asks", "first_on", "last_on"])
    policy = situation.policies.default
    recent = pd.to_datetime(asked["last_on"]) >= pd.Timestamp(situation.as_of) - policy.asked_weeks * WEEK
    return made(_not_carried(asked[recent], situation.zone_of, policy))


def _not_carried(
    asked: pd.DataFrame, zones: Mapping[str, str], policy: RulePolicy
) -> Iterator[dict[str, Any]]:
    for key, rows in asked.groupby("key", sort=True):
        stores = rows["store"].nunique()
        everywhere = stores >= _SEVERAL_STORES or (rows["store"] == "").any()
        parts = [("", rows)] if everywhere else list(rows.groupby("store"))
        for store, part in parts:
            asks, units = float(part["asks"].sum()), float(part["units"].sum())
            if asks < policy.keep_share * policy.min_asks:
                continue
            yield _asked_finding(str(key), str(store), part, asks, units, zones, policy)


def _asked_finding(
    key: str,
    store: str,
    part: pd.DataFrame,
    asks: float,
    units: float,
    zones: Mapping[str, str],
    policy: RulePolicy,
) -> dict[str, Any]:
    first, last = pd.to_datetime(part["first_on"]).min(), pd.to_datetime(part["last_on"]).max()
    row = {
        "rule": ASKED_NOT_FOUND,
        "scope": STORE if store else CHAIN,
        "store": store,
        "climate_zone": zones.get(store, ""),
        "style": f"{NOT_CARRIED}{key}",
        "season_code": ALL_YEAR,
        "units_lost": units,
        "customers_lost": asks,
        # They go on asking as they did.
        "customers_this_week": asks / policy.asked_weeks,
        "in_season_units": units,
        "reorderable_units": units,
        "demand_units": units,
        "first_week": first,
        "severity": severity(units, 0.0, np.inf, Evidence.REQUESTED, policy),
        "evidence": str(Evidence.REQUESTED),
        "weak": asks < policy.min_asks,
        "figures": {
            "words": str(part.sort_values("asks", ascending=False)["words"].iloc[0]),
            "asks": asks,
            "units": units,
            "stores": int(part["store"].nunique()),
            "first_on": f"{first:%Y-%m-%d}",
            "last_on": f"{last:%Y-%m-%d}",
        },
    }  # fmt: skip
    blank = {"recoverable_units": 0.0, "floor_set": pd.NaT, "exit": pd.NaT, "demand_ends": pd.NaT}
    return {**row, "reason": reason_of({**blank, **row}, asks=f"{asks:g}", last_on=f"{last:%Y-%m-%d}")}
