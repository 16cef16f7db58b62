"""Draw each alert that fires, once a night, so that pages and mails only hand the drawing out."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sqlalchemy import delete, select

from data.records import Alert, AlertChart, Condition, Scope, Status
from forecaster.distribution import quantiles
from web.rendering.charts import Cuts, Window, alert_chart, chart_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobs.tonight import Night

_PAST_WEEKS: Final = 56
_COMING_WEEKS: Final = 26
_BATCH: Final = 100
_BAND: Final = (0.1, 0.9)
# What fewer of a zone's shelves have than this, beside its commonest day, is the exception.
_MANY: Final = 0.25
_GROUPS: Final = {Scope.STORE: ["store_id", "style_id"], Scope.ZONE: ["climate_zone", "category"]}

# Nobody sees one that waits for another night.
_SHOWN: Final = (Status.OPEN, Status.ACKNOWLEDGED, Status.SNOOZED)

Key = tuple[Scope, str, str]


def draw_alerts(night: Night) -> int:
    """Draw the alerts that fired this night; returns how many."""
    with night.service.database.read() as session:
        firing = select(Alert).where(
            Alert.status.in_(_SHOWN),
            Alert.condition == Condition.FIRING,
            Alert.evaluated_on == night.business_date,
        )
        alerts = list(session.scalars(firing))
    if not alerts:
        return 0
    past, coming, cuts = _history(night), _forecast(night), _cuts(night)
    empty = pd.DataFrame({"week": [], "sales": [], "stock": []})
    # Late figures, and what nobody carries, have no demand that could be drawn.
    alerts = [alert for alert in alerts if _key(alert) in coming]
    keys = [_key(alert) for alert in alerts]
    drawings = Parallel(n_jobs=night.service.settings.workers, return_as="generator")(
        delayed(_drawn)(
            alert.alert_id,
            past.get(key, empty),
            coming[key],
            _window(alert.details),
            cuts.get(key, ()),
            night.business_date,
        )
        for alert, key in zip(alerts, keys, strict=True)
    )
    drawn = 0
    while batch := list(islice(drawings, _BATCH)):
        ids = [chart.alert_id for chart in batch]
        drawn += len(batch)
        night.tell(drawn, len(alerts))
        with night.service.database.write() as session:
            session.execute(delete(AlertChart).where(AlertChart.alert_id.in_(ids)))
            session.add_all(batch)
    return len(alerts)


def _key(alert: Alert) -> Key:
    """What is drawn: a style in a store, or a category in a zone."""
    if alert.scope is Scope.ZONE:
        return Scope.ZONE, alert.climate_zone, alert.category
    return Scope.STORE, alert.store_id or "", alert.style_id


def _history(night: Night) -> dict[Key, pd.DataFrame]:
    """Weekly sales and closing stock of every store and style, and zone and category, for the past year."""
    since = (night.first_week - timedelta(weeks=_PAST_WEEKS)).isoformat()
    rows = night.snapshot.query(
        "SELECT store_id, sku, week, units AS sales, on_hand AS stock FROM panel "
        f"WHERE week >= DATE '{since}'"
    )
    told: dict[Key, pd.DataFrame] = {}
    for scope, keys in _GROUPS.items():
        summed = _placed(night, rows).groupby([*keys, "week"], as_index=False)[["sales", "stock"]]
        told |= _by_key(scope, keys, summed.sum(min_count=1))
    return told


def _placed(night: Night, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of store_id and sku with their style, category and zone."""
    return rows.merge(night.trade.products[["sku", "style_id", "category"]], on="sku").merge(
        night.places[["store_id", "climate_zone"]], on="store_id"
    )


def _forecast(night: Night) -> dict[Key, pd.DataFrame]:
    """Weekly demand with its band of every store and style, and zone and category, for the coming half-year.

    The band is that of the sum of skus: a negative binomial with the sum's mean and variance. They are taken
    as independent, but for the doubt about their season, which they share.
    """
    until = (night.first_week + timedelta(weeks=_COMING_WEEKS)).isoformat()
    rows = night.snapshot.query(
        "SELECT store_id, sku, week, mean, size, level_shape, dispersion FROM forecasts "
        f"WHERE as_of = DATE '{night.business_date.isoformat()}' AND week < DATE '{until}'"
    )
    shape, dispersion = rows["level_shape"], rows["dispersion"]
    own = 1 / shape + (1 + 1 / shape) / dispersion
    doubt = np.sqrt((1 / rows["size"] - own).clip(lower=0))
    rows = rows.assign(own=rows["mean"] ** 2 * own, doubt=rows["mean"] * doubt)
    told: dict[Key, pd.DataFrame] = {}
    for scope, keys in _GROUPS.items():
        weekly = _placed(night, rows).groupby([*keys, "week"], as_index=False)[["mean", "own", "doubt"]].sum()
        told |= _by_key(scope, keys, _with_band(weekly))
    return told


def _cuts(night: Night) -> dict[Key, Cuts]:
    """The price cuts of every store and style, and of zone and category those that hold for many of them."""
    steps = night.outlook.markdowns.rename(columns={"store": "store_id"})
    told: dict[Key, Cuts] = {}
    for scope, keys in _GROUPS.items():
        day = _placed(night, steps).groupby([*keys, "effective_from"])["percent_off"]
        each = day.agg(["median", "size"]).reset_index()
        many = each["size"] >= _MANY * each.groupby(keys)["size"].transform("max")
        for (place, what), rows in each[many].groupby(keys):
            days = [pd.Timestamp(begins).date() for begins in rows["effective_from"]]
            told[scope, str(place), str(what)] = list(zip(days, rows["median"].astype(float), strict=True))
    return told


def _with_band(weekly: pd.DataFrame) -> pd.DataFrame:
    excess = weekly["own"] + weekly["doubt"] ** 2
    size = (weekly["mean"] ** 2 / excess.where(excess > 0)).fillna(np.inf)
    low, high = quantiles(weekly["mean"].to_numpy(), size.to_numpy(), _BAND)
    return weekly.assign(p10=low, p90=high).drop(columns=["own", "doubt"])


def _by_key(scope: Scope, keys: list[str], frame: pd.DataFrame) -> dict[Key, pd.DataFrame]:
    groups = frame.sort_values("week").groupby(keys)
    return {(scope, str(place), str(what)): rows for (place, what), rows in groups}


def _drawn(
    alert_id: int,
    history: pd.DataFrame,
    forecast: pd.DataFrame,
    window: Window,
    cuts: Cuts,
    business_date: date,
) -> AlertChart:
    svg = alert_chart(history, forecast, window=window, as_of=business_date, cuts=cuts)
    return AlertChart(
        alert_id=alert_id, business_date=business_date, svg=svg, table=chart_table(history, forecast)
    )


def _window(details: Mapping[str, Any]) -> Window:
    return _day(details.get("floor_set")), _day(details.get("exit"))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
