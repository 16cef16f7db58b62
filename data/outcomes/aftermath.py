"""What is known after the windows of some alerts: forecasts, sales, stock, requests, prices and acts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sqlalchemy import select

from data.outcomes.acts import acts_on
from data.records import Product, Store
from forecaster.codes import FEED_LATE
from forecaster.outcomes import HALF, Aftermath

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from data.facts.store import Snapshot
    from forecaster import Policies

_BEFORE: Final = timedelta(weeks=8)
_WEEKLY_FORECASTS: Final = """
    SELECT store_id AS store, sku, category, week, mean FROM (
        SELECT store_id, sku, category, week, mean,
               row_number() OVER (PARTITION BY store_id, sku, week ORDER BY as_of DESC) AS place
        FROM forecasts
        WHERE category IN ({names}) AND week BETWEEN DATE '{first}' AND DATE '{last}' AND as_of <= week
          AND as_of >= DATE '{oldest}'
    ) WHERE place = 1
"""
# A forecast as old as this is not asked what a week should have sold.
_OLDEST_FORECAST: Final = timedelta(weeks=26)


def aftermath(
    session: Session,
    snapshot: Snapshot,
    alerts: pd.DataFrame,
    sizes: pd.DataFrame,
    *,
    policies: Policies,
    business_date: date,
) -> Aftermath:
    """What is known after the windows of some alerts.

    Args:
        session: reads decisions and prices.
        snapshot: the night's facts: the panel, forecasts of earlier nights, requests.
        alerts: as `alerts_to_judge` gives them.
        sizes: alert_id, store, sku.
        policies: in force; half of their minimum makes an alert right.
        business_date: last day known.
    """
    first = (alerts["begins"].min() - pd.Timedelta(_BEFORE)).date()
    last = max(alerts["ends"].max().date(), first)
    weeks = _weeks(snapshot, sorted(set(alerts["category"]) - {""}), first, last)
    told = _by_category(snapshot)
    least = [
        HALF
        * (policies.of(category).min_asks if rule == "asked_not_found" else policies.of(category).min_units)
        for rule, category in zip(alerts["rule"], alerts["category"], strict=True)
    ]
    seen = pd.MultiIndex.from_frame(
        weeks.loc[weeks["in_panel"], ["store"]].drop_duplicates()
    ).get_level_values(0)
    blind = (alerts["store"] != "") & ~alerts["store"].isin(seen) & (alerts["rule"] != FEED_LATE)
    return Aftermath(
        as_of=business_date,
        alerts=alerts.assign(least=least, left_out=blind),
        sizes=sizes.assign(price=sizes["sku"].map(_prices(session, sizes["sku"]))),
        weeks=weeks,
        witnesses=_witnesses(weeks, told["elasticity"]),
        acts=acts_on(session, alerts),
        asked=_asked(snapshot, alerts),
        missing=_lacking(session, alerts[alerts["rule"] == FEED_LATE]),
        elasticity=told["elasticity"],
        recording=told["recording"],
    )


def _lacking(session: Session, late: pd.DataFrame) -> pd.DataFrame:
    """alert_id, missing: whether figures were lacking indeed; a store that had closed owed none."""
    closed = select(Store.store_id, Store.closed_on).where(Store.closed_on.is_not(None))
    days = {store: pd.Timestamp(day) for store, day in session.execute(closed) if day}
    owed = [
        not (store in days and days[store] <= raised)
        for store, raised in zip(late["store"], late["raised_on"], strict=True)
    ]
    return pd.DataFrame({"alert_id": late["alert_id"], "missing": owed}, columns=["alert_id", "missing"])


def _weeks(snapshot: Snapshot, categories: Sequence[str], first: date, last: date) -> pd.DataFrame:
    """What was foretold and what came of every series of some categories, week by week."""
    if not categories:
        return _no_weeks()
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in categories)
    start = first - timedelta(days=6)
    foretold = snapshot.query(
        _WEEKLY_FORECASTS.format(names=names, first=start, last=last, oldest=start - _OLDEST_FORECAST)
    ).rename(columns={"mean": "demand"})
    came = snapshot.query(
        "SELECT store_id AS store, sku, category, climate_zone, week, units, exposure, price_ratio, on_hand "
        f"FROM panel WHERE category IN ({names}) AND week BETWEEN DATE '{start}' AND DATE '{last}'"
    )
    asked = snapshot.query(
        "SELECT store_id AS store, sku, requested_on, sum(units) AS requests FROM requests "
        f"WHERE sku IS NOT NULL AND requested_on BETWEEN DATE '{start}' AND DATE '{last}' GROUP BY 1, 2, 3"
    )
    if foretold.empty and came.empty:
        return _no_weeks()
    key = ["store", "sku", "week"]
    foretold, came = (frame.assign(week=_stamps(frame["week"])) for frame in (foretold, came))
    rows = foretold.merge(came.drop(columns="category"), on=key, how="outer", indicator="in_panel")
    rows = rows.merge(_weekly(asked, rows["week"]), on=key, how="left")
    zones = dict(zip(came["store"], came["climate_zone"], strict=True))
    named = pd.concat([foretold[["sku", "category"]], came[["sku", "category"]]])
    kinds = dict(zip(named["sku"], named["category"], strict=True))
    filled = {"demand": 0.0, "exposure": 0.0, "units": 0.0, "requests": 0.0, "price_ratio": 1.0}
    return rows.fillna(filled).assign(
        in_panel=rows["in_panel"] != "left_only",
        climate_zone=[zones.get(store, "") for store in rows["store"]],
        category=[kinds[sku] for sku in rows["sku"]],
    )


def _no_weeks() -> pd.DataFrame:
    texts = dict.fromkeys(("store", "sku", "category", "climate_zone"), "str")
    figures = dict.fromkeys(("demand", "exposure", "units", "price_ratio", "requests", "on_hand"), "float64")
    kinds = {**texts, "week": "datetime64[s]", **figures, "in_panel": "bool"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def _weekly(asked: pd.DataFrame, weeks: pd.Series) -> pd.DataFrame:
    """Requests of days by the first day of the week they lie in."""
    starts = np.sort(weeks.unique())
    days = _stamps(asked["requested_on"])
    place = np.searchsorted(starts, days.to_numpy(), side="right") - 1
    known = place >= 0
    rows = asked[known].assign(week=starts[place[known]]) if len(starts) else asked.assign(week=days)
    sums: pd.DataFrame = rows.groupby(["store", "sku", "week"])[["requests"]].sum()
    return sums.reset_index()


def _stamps(days: pd.Series) -> pd.Series:
    return pd.to_datetime(days).astype("datetime64[s]")


def _witnesses(weeks: pd.DataFrame, elasticity: Mapping[str, float]) -> pd.DataFrame:
    """category, climate_zone, week, expected, sold of what hung in the stores of each zone."""
    beta = weeks["category"].map(dict(elasticity)).fillna(0.0).to_numpy(dtype=np.float64)
    shown = weeks.assign(
        expected=weeks["demand"]
        * weeks["exposure"]
        * weeks["price_ratio"].to_numpy(dtype=np.float64) ** -beta,
        sold=weeks["units"].where(weeks["exposure"] > 0, 0.0),
    )
    sums = shown.groupby(["category", "climate_zone", "week"])[["expected", "sold"]].sum()
    return sums.reset_index()


def _by_category(snapshot: Snapshot) -> dict[str, dict[str, float]]:
    """Elasticity and recording share by category, as the newest night that told them knew them."""
    rows = snapshot.query(
        "SELECT category, max(elasticity) AS elasticity, max(recording) AS recording FROM seasons "
        "WHERE as_of = (SELECT max(as_of) FROM seasons) GROUP BY category"
    )
    return {
        name: {
            str(category): float(value)
            for category, value in zip(rows["category"], rows[name], strict=True)
            if pd.notna(value)
        }
        for name in ("elasticity", "recording")
    }


def _asked(snapshot: Snapshot, alerts: pd.DataFrame) -> pd.DataFrame:
    """alert_id, asks: how many asked again for what an alert of asking was about."""
    rows = alerts[alerts["rule"] == "asked_not_found"]
    if rows.empty:
        return pd.DataFrame(columns=["alert_id", "asks"])
    first, last = rows["begins"].min().date(), rows["ends"].max().date()
    asked = snapshot.query(
        "SELECT store_id AS store, style_id AS style, text, requested_on, units FROM requests "
        f"WHERE requested_on BETWEEN DATE '{first}' AND DATE '{last}'"
    )
    asked = asked.assign(day=_stamps(asked["requested_on"]), text=asked["text"].fillna("").str.casefold())
    counted = [
        (row["alert_id"], float(asked.loc[_asks_for(asked, row), "units"].sum()))
        for row in rows.to_dict("records")
    ]
    return pd.DataFrame(counted, columns=["alert_id", "asks"])


def _asks_for(asked: pd.DataFrame, alert: Mapping[Any, Any]) -> pd.Series:
    here: pd.Series[bool] = asked["day"].between(alert["begins"], alert["ends"])
    if alert["store"]:
        here &= asked["store"] == alert["store"]
    words = str(alert["words"]).casefold().split()
    if words:
        said = [all(word in text for word in words) for text in asked["text"]]
        here &= pd.Series(said, index=asked.index, dtype=bool)
    else:
        here &= asked["style"] == alert["style"]
    return here


def _prices(session: Session, skus: Iterable[str]) -> dict[str, float]:
    rows = session.execute(
        select(Product.sku, Product.regular_price).where(Product.sku.in_(sorted(set(skus))))
    )
    return {sku: float("nan") if price is None else float(price) for sku, price in rows}
