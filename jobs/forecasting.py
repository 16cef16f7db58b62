"""Forecast one category of the chain: the piece of a night that can run anywhere the facts can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd
from joblib import Parallel, delayed

from data.facts import Snapshot, write_forecasts
from forecaster import fit_demand

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

HORIZON_WEEKS: Final = 52


@dataclass(frozen=True)
class CategoryTask:
    """One category to forecast: where its facts are, for whom, and as known when.

    `carried`: store_id, sku, category, climate_zone of the series on offer in the coming year.
    `climate`: normal temperatures as `forecaster.fit_demand` takes them.
    `first_week`: first day of the first week to forecast.
    """

    snapshot: Snapshot
    category: str
    as_of: date
    first_week: date
    carried: pd.DataFrame
    climate: pd.DataFrame | None
    run_id: int


def forecast_all(tasks: Iterable[CategoryTask], *, workers: int) -> list[int]:
    """Forecast every category, in this process or several; returns the rows written by each."""
    return list(Parallel(n_jobs=workers)(delayed(forecast_category)(task) for task in tasks))


def forecast_category(task: CategoryTask) -> int:
    """Fit a category's demand and write its forecasts; returns the rows written."""
    panel = _panel(task)
    if panel.empty:
        return 0
    model = fit_demand(panel, as_of=task.as_of, climate=task.climate)
    weeks = [day.date() for day in pd.date_range(task.first_week, periods=HORIZON_WEEKS, freq="7D")]
    wanted = task.carried.rename(columns={"store_id": "store"})[["store", "sku"]]
    series = model.series[["store", "sku", "level_shape", "dispersion"]].merge(wanted)
    rows = model.predict(weeks).merge(series, on=["store", "sku"]).rename(columns={"store": "store_id"})
    rows = rows.assign(category=task.category, as_of=task.as_of)
    write_forecasts(task.snapshot.uri, rows, category=task.category, as_of=task.as_of, run_id=task.run_id)
    return len(rows)


def _panel(task: CategoryTask) -> pd.DataFrame:
    """The category's panel, with a row of no exposure for every series that has no history of its own."""
    quoted = task.category.replace("'", "''")
    panel = task.snapshot.query(
        "SELECT store_id AS store, sku, category, climate_zone, week, units, exposure, price_ratio "
        f"FROM panel WHERE category = '{quoted}'"
    )
    carried = task.carried.rename(columns={"store_id": "store"})
    known = carried.merge(panel[["store", "sku"]].drop_duplicates(), how="left", indicator="seen")
    unseen = known[known["seen"] == "left_only"].drop(columns="seen")
    if unseen.empty:
        return panel
    last = panel["week"].max() if len(panel) else pd.Timestamp(task.first_week) - pd.Timedelta(days=7)
    blank = unseen.assign(week=last, units=0.0, exposure=0.0, price_ratio=1.0)
    return pd.concat([panel, blank[panel.columns]], ignore_index=True) if len(panel) else blank
