"""Draw each alert that fires, once a night, so that pages and mails only hand the drawing out."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sqlalchemy import delete, select

from data.records import LIVE, Alert, AlertChart, Condition
from forecaster.distribution import quantiles
from web.rendering.charts import Window, alert_chart, chart_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobs.steps import Night

_PAST_WEEKS: Final = 56
_COMING_WEEKS: Final = 26
_BATCH: Final = 100
_BAND: Final = (0.1, 0.9)


def draw_alerts(night: Night) -> int:
    """Draw the alerts that fired this night; returns how many."""
    with night.service.database.read() as session:
        firing = select(Alert).where(
            Alert.status.in_(LIVE),
            Alert.condition == Condition.FIRING,
            Alert.evaluated_on == night.business_date,
        )
        alerts = list(session.scalars(firing))
    if not alerts:
        return 0
    past, coming = _history(night), _forecast(night)
    empty = pd.DataFrame({"week": [], "sales": [], "stock": []})
    keys = [(alert.store_id, alert.style_id) for alert in alerts]
    drawings = Parallel(n_jobs=night.service.settings.workers, return_as="generator")(
        delayed(_drawn)(
            alert.alert_id, past.get(key, empty), coming[key], _window(alert.details), night.business_date
        )
        for alert, key in zip(alerts, keys, strict=True)
    )
    while batch := list(islice(drawings, _BATCH)):
        ids = [chart.alert_id for chart in batch]
        with night.service.database.write() as session:
            session.execute(delete(AlertChart).where(AlertChart.alert_id.in_(ids)))
            session.add_all(batch)
    return len(alerts)


def _history(night: Night) -> dict[tuple[str, str], pd.DataFrame]:
    """Weekly sales and closing stock of every store and style, for the past year."""
    since = (night.first_week - timedelta(weeks=_PAST_WEEKS)).isoformat()
    rows = night.snapshot.query(
        "SELECT store_id, sku, week, units AS sales, on_hand AS stock FROM panel "
        f"WHERE week >= DATE '{since}'"
    )
    styled = rows.merge(night.trade.products[["sku", "style_id"]], on="sku")
    weekly = styled.groupby(["store_id", "style_id", "week"], as_index=False)[["sales", "stock"]].sum(
        min_count=1
    )
    return _by_pair(weekly)


def _forecast(night: Night) -> dict[tuple[str, str], pd.DataFrame]:
    """Weekly demand of every store and style with its band, for the coming half-year.

    The band of a style is that of the sum of its skus: a negative binomial with the sum's mean and variance.
    The skus are taken as independent, but for the doubt about their season, which they share.
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
    styled = rows.merge(night.trade.products[["sku", "style_id"]], on="sku")
    of_style = styled.groupby(["store_id", "style_id", "week"], as_index=False)
    weekly = of_style[["mean", "own", "doubt"]].sum()
    excess = weekly["own"] + weekly["doubt"] ** 2
    size = (weekly["mean"] ** 2 / excess.where(excess > 0)).fillna(np.inf)
    low, high = quantiles(weekly["mean"].to_numpy(), size.to_numpy(), _BAND)
    return _by_pair(weekly.assign(p10=low, p90=high).drop(columns=["own", "doubt"]))


def _by_pair(frame: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    pairs = frame.sort_values("week").groupby(["store_id", "style_id"])
    return {(str(store), str(style)): rows for (store, style), rows in pairs}


def _drawn(
    alert_id: int, history: pd.DataFrame, forecast: pd.DataFrame, window: Window, business_date: date
) -> AlertChart:
    svg = alert_chart(history, forecast, window=window, as_of=business_date)
    return AlertChart(
        alert_id=alert_id, business_date=business_date, svg=svg, table=chart_table(history, forecast)
    )


def _window(details: Mapping[str, Any]) -> Window:
    return _day(details["floor_set"]), _day(details["exit"])


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
