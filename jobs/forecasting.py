"""Forecast one category of the chain: the piece of a night that can run anywhere the facts can be read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pandas as pd
from joblib import Parallel, delayed

from data.facts import TABLES, Snapshot, write_forecasts
from data.facts.requests import weekly_requests
from data.facts.tables import BY_CATEGORY
from data.overrides import with_overrides
from forecaster import fit_demand, substitution_share
from forecaster.kindred import YOUNG_WEEKS
from forecaster.substitution import DEFAULT_SHARE
from jobs.tonight import HORIZON_WEEKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

    from data.settings import Weekday
    from forecaster.demand import DemandModel

# A shelf is suspected now if nothing has been sold from it up to the last few weeks.
_STILL_WEEKS: Final = 2
_PANEL: Final = (
    "store_id AS store, sku, category, climate_zone, week, units, exposure, price_ratio, sold_out, fullness, "
    "stocked"
)
_NOT_SHOWN: Final = {
    "units": 0.0, "exposure": 0.0, "price_ratio": 1.0, "sold_out": 0.0, "fullness": 1.0, "stocked": 0.0,
}  # fmt: skip
_PHANTOM_TYPES: Final = {
    "store": "str", "sku": "str", "first_week": "datetime64[s]", "last_week": "datetime64[s]",
    "weeks": "int64", "expected": "float64",
}  # fmt: skip
_KINDRED: Final = ["category", "climate_zone", "week", "season"]


@dataclass(frozen=True)
class CategoryTask:
    """One category to forecast: where its facts are, for whom, and as known when.

    `carried`: store_id, sku, category, climate_zone of the series on offer in the coming year.
    `products`: sku, style_id, size, color, gender_age, department, regular_price, replaces_sku.
    `stores`: store, format.
    `wordings`: what customers' words mean, as `data.facts.requests.read_wordings` gives it; None leaves out
    requests in words.
    `climate`: normal temperatures as `forecaster.fit_demand` takes them.
    `history_from`: a day of the first week of history; `first_week`: first day of the first week to forecast.
    `overrides`: what people know better, as `data.overrides.overrides_in_force` gives it; None is nothing.
    `young`: whether it was first on a shelf less than a year ago, or never; it leans on `kindred`, the
    seasons of other categories of its department, which `forecast_all` gives it.
    """

    snapshot: Snapshot
    category: str
    as_of: date
    history_from: date
    first_week: date
    week_starts_on: Weekday
    carried: pd.DataFrame
    products: pd.DataFrame
    stores: pd.DataFrame
    climate: pd.DataFrame | None
    run_id: int
    wordings: pd.DataFrame | None = None
    overrides: pd.DataFrame | None = None
    young: bool = False
    kindred: pd.DataFrame | None = None

    @property
    def departments(self) -> frozenset[str]:
        """The departments its products belong to, as far as they are named."""
        return frozenset(self.products["department"].dropna()) - {""}


@dataclass(frozen=True)
class CategoryForecast:
    """What came of a category.

    `rows` of forecasts written; `suspected` shelves now; `season` its curve; `substitution` the share of
    customers who take another sku of the same need when theirs is gone.
    """

    category: str
    rows: int
    suspected: int
    season: pd.DataFrame
    substitution: float


def forecast_all(
    tasks: Sequence[CategoryTask], *, workers: int, tell: Callable[[int, int], None] = lambda *_: None
) -> list[CategoryForecast]:
    """Forecast every category, in this process or several: the young ones last, with their kin's seasons.

    Args:
        tasks: one for each category.
        workers: how many processes share them.
        tell: told how many are done, and of how many, after each.
    """
    mature = [task for task in tasks if not task.young]
    told: list[CategoryForecast] = []
    for forecast in _forecast(mature, workers):
        told.append(forecast)
        tell(len(told), len(tasks))
    known = list(zip(mature, told, strict=True))
    young = [replace(task, kindred=_kindred(task, known)) for task in tasks if task.young]
    for forecast in _forecast(young, workers):
        told.append(forecast)
        tell(len(told), len(tasks))
    return told


def forget_other_categories(
    snapshot: Snapshot, told: Sequence[CategoryForecast], *, as_of: date, run_id: int
) -> None:
    """Take away what an earlier go of the same night told of categories that now have nothing to tell.

    Without this a sku that was moved to another category would be wanted in both.
    """
    kept = {category.category for category in told if category.rows or len(category.season)}
    for table in BY_CATEGORY:
        there = snapshot.query(f"SELECT DISTINCT category FROM {table} WHERE as_of = DATE '{as_of}'")
        nothing = pd.DataFrame(columns=TABLES[table].schema.names)
        for category in sorted(set(there["category"]) - kept):
            write_forecasts(snapshot.uri, nothing, category=category, as_of=as_of, run_id=run_id, table=table)


def forecast_category(task: CategoryTask) -> CategoryForecast:
    """Fit a category's demand; write its forecasts, what they rest on, and the stock that nobody believes."""
    panel = _panel(task)
    products = task.products.rename(columns={"style_id": "style"})
    if panel.empty:
        return CategoryForecast(task.category, 0, 0, pd.DataFrame(columns=_KINDRED), DEFAULT_SHARE)
    model = fit_demand(
        panel,
        as_of=task.as_of,
        climate=task.climate,
        requests=_requests(task, panel),
        products=products,
        stores=task.stores,
        kindred=task.kindred,
    )
    weeks = [day.date() for day in pd.date_range(task.first_week, periods=HORIZON_WEEKS, freq="7D")]
    rows, drivers, phantoms = _forecasts(task, model, weeks), model.drivers(weeks), _phantoms(model)
    for table, told in (("forecasts", rows), ("seasons", drivers), ("phantoms", phantoms)):
        write_forecasts(
            task.snapshot.uri, told, category=task.category, as_of=task.as_of, run_id=task.run_id, table=table
        )
    still = pd.Timestamp(task.as_of) - pd.Timedelta(weeks=_STILL_WEEKS)
    suspected = int((phantoms["last_week"] > still).sum())
    share = substitution_share(panel.assign(expected=model.expected_at(panel)), products)["share"].iloc[0]
    return CategoryForecast(task.category, len(rows), suspected, drivers[_KINDRED], float(share))


def young_categories(snapshot: Snapshot, categories: Sequence[str], *, as_of: date) -> frozenset[str]:
    """Those of the categories that were first on a shelf less than a year ago, or never."""
    first = snapshot.query(
        "SELECT category, min(week) AS week FROM panel WHERE exposure > 0 GROUP BY category"
    )
    old = first["week"] <= pd.Timestamp(as_of) - pd.Timedelta(weeks=YOUNG_WEEKS)
    return frozenset(categories) - frozenset(first.loc[old, "category"])


def _forecast(tasks: Sequence[CategoryTask], workers: int) -> Iterable[CategoryForecast]:
    """In the order of the tasks, each as soon as it is there."""
    if not tasks:
        return []
    at_once = Parallel(n_jobs=workers, return_as="generator")
    forecasts: Iterable[CategoryForecast] = at_once(delayed(forecast_category)(task) for task in tasks)
    return forecasts


def _kindred(
    task: CategoryTask, known: Sequence[tuple[CategoryTask, CategoryForecast]]
) -> pd.DataFrame | None:
    """The seasons told by the categories that share a department with it."""
    seasons = [told.season for other, told in known if other.departments & task.departments]
    return pd.concat(seasons, ignore_index=True) if seasons else None


def _panel(task: CategoryTask) -> pd.DataFrame:
    """The category's panel, with a row of no exposure for every series that has no history of its own."""
    quoted = task.category.replace("'", "''")
    panel = task.snapshot.query(f"SELECT {_PANEL} FROM panel WHERE category = '{quoted}'")
    carried = task.carried.rename(columns={"store_id": "store"})
    known = carried.merge(panel[["store", "sku"]].drop_duplicates(), how="left", indicator="seen")
    unseen = known[known["seen"] == "left_only"].drop(columns="seen")
    if unseen.empty:
        return panel
    last = panel["week"].max() if len(panel) else pd.Timestamp(task.first_week) - pd.Timedelta(days=7)
    blank = unseen.assign(week=last, **_NOT_SHOWN)
    return pd.concat([panel, blank[panel.columns]], ignore_index=True) if len(panel) else blank


def _requests(task: CategoryTask, panel: pd.DataFrame) -> pd.DataFrame | None:
    """What customers asked for and did not find in the weeks of history, if they ever did."""
    asked = weekly_requests(
        task.snapshot,
        task.products,
        _lives(panel),
        first_week=task.history_from,
        as_of=task.as_of,
        week_starts_on=task.week_starts_on,
        wordings=task.wordings,
    )
    return None if asked.empty else asked


def _lives(panel: pd.DataFrame) -> pd.DataFrame:
    """The series with the weeks between which each had stock: store_id, sku, first_on, last_on."""
    stocked = panel.assign(week=panel["week"].where(panel["stocked"] > 0))
    lives = stocked.groupby(["store", "sku"], as_index=False).agg(
        first_on=("week", "min"), last_on=("week", "max")
    )
    return lives.rename(columns={"store": "store_id"})


def _forecasts(task: CategoryTask, model: DemandModel, weeks: Sequence[date]) -> pd.DataFrame:
    """The forecasts of the series on offer, with what people know better."""
    wanted = task.carried.rename(columns={"store_id": "store"})[["store", "sku"]]
    series = model.series[["store", "sku", "level_shape", "dispersion"]].merge(wanted)
    told = model.predict(weeks).merge(series, on=["store", "sku"])
    if task.overrides is None or task.overrides.empty:
        return told.rename(columns={"store": "store_id"}).assign(base_mean=told["mean"])
    described = told.merge(
        task.carried.rename(columns={"store_id": "store"})[["store", "sku", "climate_zone", "category"]],
        on=["store", "sku"],
    ).merge(task.products[["sku", "style_id"]], on="sku")
    moved = with_overrides(described, task.overrides)
    return moved[[*told.columns, "base_mean"]].rename(columns={"store": "store_id"})


def _phantoms(model: DemandModel) -> pd.DataFrame:
    """The stock that nobody believes; without any, a frame whose columns still have their types."""
    return model.phantoms().astype(_PHANTOM_TYPES).rename(columns={"store": "store_id"})
