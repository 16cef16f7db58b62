"""Hides real sales after an exit week and asks what was sold there: does the forecaster see past the exit?

Usage: python -m benchmarks.truncation --data DIR --departments 16 --exit-week 27 --open-stores 5,2,0

DIR holds weekly_sales.csv.gz (Store, Dept, Date, Weekly_Sales) and features.csv (Store, Date, Temperature) of
the Walmart Recruiting data. The sales of every store but the open ones are hidden from the exit week to the
end of every year; each method is given the rest and tells every hidden store x week, which is scored against
what was sold.

How the files are read:

- A week ends on the Friday it is dated by and is numbered by that Friday's ISO week, so that a week has the
  same number every year. The data's years end with week 52; a week 53 would be hidden too.
- Units are dollars over `DOLLARS_A_UNIT`, rounded: the model is one of counts. A week without a row was a
  week without sales; net returns (217 of the 36,815 rows) count as none.
- Stores are grouped into `ZONES` climate zones of equal size by their yearly mean temperature. The normals
  are the file's own temperatures by week of the calendar year; they hold no sales.

How it is scored, over the hidden weeks of all stores and years together, as shares of the units sold in them:
`wpe` is the sum of errors (positive: told too much); `wape` sums the absolute errors of the chain's weeks,
that is of the curve, `store_wape` those of each store's weeks; `coverage` is the share of store x weeks
within p10 and p90. The summary also tells `store_total_wape`: the absolute errors of each store's hidden
weeks together.

The methods beside ours:

- `last_year`: recorded sales 52 weeks before (after, in the first year); a hidden week was recorded as zero.
- `fourier_glm`: Poisson regression on store effects and six harmonics, no penalty, fitted to the shown weeks.
- `ets`: additive exponential smoothing with a 52 week season per store, hidden weeks recorded as zero.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from benchmarks.table import print_table
from forecaster import fit_demand

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Method = Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame], pd.DataFrame]
    Row = dict[str, object]

COLUMNS = (
    "method", "department", "exit_week", "open_stores", "seed",
    "wpe", "wape", "store_wape", "coverage", "seconds",
)  # fmt: skip
SUMMARY = (
    "method", "open_stores", "runs", "mean_abs_wpe", "wape", "store_wape", "store_total_wape", "coverage",
)  # fmt: skip
NEEDED = {
    "weekly_sales.csv.gz": ("Store", "Dept", "Date", "Weekly_Sales"),
    "features.csv": ("Store", "Date", "Temperature"),
}
DOLLARS_A_UNIT = 10.0
ZONES = 5
HARMONICS = 6
HIGHEST_LOG_UNITS = 50.0
LAST_WEEK = 52
SEASON = 52
KEY = ["store", "week"]
_TO_FRIDAY = pd.Timedelta(days=6)
_TO_MIDDLE = pd.Timedelta(days=3)
_NINE_IN_TEN = 1.2815515655446004
"""The standard normal's 90% quantile."""


class SourceError(Exception):
    """The folder or the question does not fit the data; the message says what is wrong."""


@dataclass(frozen=True)
class Source:
    """The data of the folder, in the forecaster's words.

    Attributes:
        sales: store, department, week (its first day), units.
        climate: store, week (1 to 52 of the calendar year), normal_temperature (degrees F).
        zones: climate zone by store.
        weeks: first days of all weeks from the file's first to its last.
    """

    sales: pd.DataFrame
    climate: pd.DataFrame
    zones: pd.Series[str]
    weeks: pd.DatetimeIndex


@dataclass(frozen=True)
class Truncation:
    """What the methods are shown of one department, and what they are not.

    Attributes:
        shown: the panel, a row per store x week; hidden weeks have no units and exposure 0.
        hidden: store, week of every hidden row.
        sold: units of the hidden rows, in their order.
    """

    shown: pd.DataFrame
    hidden: pd.DataFrame
    sold: Floats


def read_source(folder: Path) -> Source:
    """The sales and the climate of a folder.

    Raises:
        SourceError: a file or a column is missing, or there are less than two years of sales.
    """
    sales, features = (_read_table(folder / name, columns) for name, columns in NEEDED.items())
    weeks = pd.date_range(sales["week"].min(), sales["week"].max(), freq="7D")
    if len(weeks) < 2 * SEASON:
        raise SourceError(f"{folder} holds {len(weeks)} weeks of sales; a season needs two years")
    units = (sales["Weekly_Sales"].clip(lower=0) / DOLLARS_A_UNIT).round()
    told = sales[["Store", "Dept", "week"]].set_axis(["store", "department", "week"], axis=1)
    climate = normal_temperatures(features)
    return Source(told.assign(units=units), climate, climate_zones(climate), weeks)


def _read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A file with its stores as text and the first day of its weeks as ``week``."""
    if not path.is_file():
        raise SourceError(f"{path} is missing; the folder must hold {', '.join(NEEDED)}")
    table = pd.read_csv(path, dtype={"Store": str})
    absent = [column for column in columns if column not in table.columns]
    if absent:
        raise SourceError(f"{path} lacks the columns {', '.join(absent)}")
    return table.assign(week=pd.to_datetime(table["Date"]) - _TO_FRIDAY)


def normal_temperatures(features: pd.DataFrame) -> pd.DataFrame:
    """Mean temperature of each store by the calendar year's week in which the middle of a week lies.

    Args:
        features: Store, week (first day), Temperature (degrees F).

    Returns:
        store, week (1 to 52), normal_temperature.
    """
    day_of_year = (features["week"] + _TO_MIDDLE).dt.day_of_year
    week = ((day_of_year - 1) // 7 + 1).clip(upper=LAST_WEEK)
    means = features["Temperature"].groupby([features["Store"].rename("store"), week.rename("week")]).mean()
    return means.rename("normal_temperature").reset_index()


def climate_zones(climate: pd.DataFrame) -> pd.Series[str]:
    """Zone of each store: equal shares of the stores, from the coldest year to the warmest."""
    coldest_first = climate.groupby("store")["normal_temperature"].mean().rank(method="first")
    return ((coldest_first - 1) * ZONES // len(coldest_first)).astype(int).map("zone {}".format)


def department_panel(source: Source, department: int) -> pd.DataFrame:
    """One row per store x week for every store that ever sold the department, all of it on the shelf.

    Raises:
        SourceError: nobody sold it, or a store that did has no climate.
    """
    sales = source.sales[source.sales["department"] == department]
    stores = sorted(sales["store"].unique())
    if not stores:
        known = ", ".join(map(str, sorted(source.sales["department"].unique())))
        raise SourceError(f"department {department} has no sales; there are {known}")
    strangers = [store for store in stores if store not in source.zones.index]
    if strangers:
        raise SourceError(f"features.csv has no temperatures of stores {', '.join(strangers)}")
    every = pd.MultiIndex.from_product([stores, source.weeks], names=KEY)
    panel = sales.groupby(KEY)["units"].sum().reindex(every, fill_value=0.0).reset_index()
    return panel.assign(
        sku=str(department),
        category=str(department),
        climate_zone=panel["store"].map(source.zones),
        exposure=1.0,
        price_ratio=1.0,
    )


def draw_open_stores(stores: Sequence[str], count: int, seed: int) -> frozenset[str]:
    """Stores that stay open; with the same seed the larger draws hold the smaller ones.

    Raises:
        SourceError: no store would be left to hide.
    """
    if not 0 <= count < len(stores):
        raise SourceError(f"{count} of {len(stores)} stores cannot stay open: some must be hidden")
    return frozenset(np.random.default_rng(seed).permutation(sorted(stores))[:count].tolist())


def truncate(panel: pd.DataFrame, exit_week: int, open_stores: Collection[str]) -> Truncation:
    """Hide the sales of all but the open stores from the exit week to the end of every year.

    Raises:
        SourceError: nothing was sold in the weeks that would be hidden.
    """
    number = (panel["week"] + _TO_FRIDAY).dt.isocalendar().week
    dark = ((number >= exit_week) & ~panel["store"].isin(open_stores)).to_numpy(dtype=bool)
    sold = panel.loc[dark, "units"].to_numpy(dtype=float)
    if not sold.sum():
        raise SourceError(f"nothing was sold from week {exit_week} on: there is nothing to tell")
    shown = panel.assign(
        units=panel["units"].where(~dark, 0.0), exposure=panel["exposure"].where(~dark, 0.0)
    )  # fmt: skip
    return Truncation(shown, panel.loc[dark, KEY].reset_index(drop=True), sold)


def inseason(shown: pd.DataFrame, climate: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    """Our demand model, as of the last week's end."""
    model = fit_demand(shown, as_of=(shown["week"].max() + _TO_FRIDAY).date(), climate=climate)
    return model.estimate()


def last_year(shown: pd.DataFrame, _: pd.DataFrame, hidden: pd.DataFrame) -> pd.DataFrame:
    """The recorded sales of the year before, as uncertain as one year's records were for the next."""
    recorded = _recorded(shown)
    before = recorded.shift(SEASON)
    return _told(hidden, before.fillna(recorded.shift(-SEASON)), (recorded - before).std())


def fourier_glm(shown: pd.DataFrame, _: pd.DataFrame, hidden: pd.DataFrame) -> pd.DataFrame:
    """Store effects and harmonics of the year by Poisson regression without a penalty, on the shown weeks."""
    seen = shown[shown["exposure"] > 0]
    sellers = pd.Index(sorted(seen.loc[seen["units"] > 0, "store"].unique()))
    seen, asked = (rows[rows["store"].isin(sellers)] for rows in (seen, hidden))
    model = sm.GLM(seen["units"].to_numpy(), _terms(seen, sellers), family=sm.families.Poisson())
    fit = model.fit(scale="X2")
    # Far from what was shown the curve may reach any height; an astronomical one is told without overflow.
    mean = np.exp(np.minimum(fit.predict(_terms(asked, sellers), which="linear"), HIGHEST_LOG_UNITS))
    spread = np.sqrt(fit.scale * mean)
    return hidden.merge(_interval(asked.assign(mean=mean), spread), on=KEY, how="left").fillna(0.0)


def _terms(rows: pd.DataFrame, stores: pd.Index[str]) -> Floats:
    """A column for each store, and sine and cosine of each harmonic at the week's middle."""
    turns = (rows["week"] + _TO_MIDDLE).dt.day_of_year.to_numpy() / 365.25
    angle = 2 * np.pi * turns[:, None] * np.arange(1, HARMONICS + 1)
    own = rows["store"].to_numpy()[:, None] == stores.to_numpy()
    return np.hstack([own.astype(float), np.sin(angle), np.cos(angle)])


def ets(shown: pd.DataFrame, _: pd.DataFrame, hidden: pd.DataFrame) -> pd.DataFrame:
    """Exponential smoothing of each store's recorded sales, one week ahead at a time."""
    recorded = _recorded(shown)
    mean, spread = recorded * 0.0, recorded.iloc[0] * 0.0
    for store in recorded.columns[recorded.any()]:
        model = ETSModel(
            recorded[store].to_numpy(),
            seasonal="add",
            seasonal_periods=SEASON,
            initialization_method="heuristic",
        )
        fit = model.fit(disp=False)
        mean[store], spread[store] = fit.fittedvalues, np.std(fit.resid)
    return _told(hidden, mean, spread)


METHODS: dict[str, Method] = {
    "inseason": inseason,
    "last_year": last_year,
    "fourier_glm": fourier_glm,
    "ets": ets,
}


def _recorded(shown: pd.DataFrame) -> pd.DataFrame:
    """Units by week and store as the books have them: a hidden week is a week without sales."""
    return shown.pivot_table(index="week", columns="store", values="units")


def _told(hidden: pd.DataFrame, mean: pd.DataFrame, spread: pd.Series[float]) -> pd.DataFrame:
    """The hidden rows with their mean from a week x store table and their store's spread."""
    by_row = mean.clip(lower=0).melt(value_name="mean", ignore_index=False).reset_index()
    rows = hidden.merge(by_row, on=KEY, how="left")
    return _interval(rows, np.asarray(rows["store"].map(spread), dtype=np.float64))


def _interval(rows: pd.DataFrame, spread: Floats) -> pd.DataFrame:
    """Rows with a normal 80% interval around their mean, never below zero."""
    return rows.assign(
        p10=(rows["mean"] - _NINE_IN_TEN * spread).clip(lower=0), p90=rows["mean"] + _NINE_IN_TEN * spread
    )


def run(method: Method, truncation: Truncation, climate: pd.DataFrame) -> Row:
    """The scores and the time of a method that sees nothing but what is shown.

    Raises:
        ValueError: the method does not tell every hidden row once.
    """
    began = time.perf_counter()
    told = method(truncation.shown.copy(), climate.copy(), truncation.hidden.copy())
    seconds = time.perf_counter() - began
    rows = truncation.hidden.merge(told[[*KEY, "mean", "p10", "p90"]], on=KEY, how="left", validate="1:1")
    if rows.isna().to_numpy().any():
        raise ValueError("a method must tell mean, p10 and p90 of every hidden row")
    return {**score(rows, truncation.sold), "seconds": seconds}


def score(told: pd.DataFrame, sold: Floats) -> Row:
    """Errors and coverage of store, week, mean, p10, p90 against the units sold in these rows.

    With error E_sw of store s in week w and total sales T: wpe = sum E / T, wape = sum_w |sum_s E| / T,
    store_wape = sum_sw |E| / T, store_total_wape = sum_s |sum_w E| / T; coverage is the share of rows within
    [p10, p90].
    """
    error, total = told["mean"] - sold, float(sold.sum())
    return {
        "wpe": float(error.sum()) / total,
        "wape": float(error.groupby(told["week"]).sum().abs().sum()) / total,
        "store_wape": float(error.abs().sum()) / total,
        "store_total_wape": float(error.groupby(told["store"]).sum().abs().sum()) / total,
        "coverage": float(np.mean((told["p10"] <= sold) & (sold <= told["p90"]))),
    }


def compare(
    source: Source,
    *,
    departments: Sequence[int],
    exit_weeks: Sequence[int],
    open_stores: Sequence[int],
    seeds: int,
    methods: Sequence[str],
) -> list[Row]:
    """Every method on every department, exit week, number of open stores and seed.

    Draws that are the same stores (no store open is one draw for every seed) are scored once.
    """
    rows: list[Row] = []
    for department, exit_week in product(departments, exit_weeks):
        panel = department_panel(source, department)
        scored: dict[frozenset[str], list[Row]] = {}
        for count, seed in product(open_stores, range(seeds)):
            draw = draw_open_stores(panel["store"].unique().tolist(), count, seed)
            if draw not in scored:
                truncation = truncate(panel, exit_week, draw)
                scored[draw] = [
                    {"method": name, **run(METHODS[name], truncation, source.climate)} for name in methods
                ]
            asked = {"department": department, "exit_week": exit_week, "open_stores": count, "seed": seed}
            rows += [{**row, **asked} for row in scored[draw]]
    return rows


def summarise(rows: Sequence[Row]) -> list[Row]:
    """Means over departments, exit weeks and seeds, per method and number of open stores."""
    table = pd.DataFrame(rows)
    table["mean_abs_wpe"] = table["wpe"].abs()
    groups = table.groupby(["method", "open_stores"], sort=False)
    told = groups[["mean_abs_wpe", "wape", "store_wape", "store_total_wape", "coverage"]].mean()
    told.insert(0, "runs", groups.size())
    return [
        {str(name): value for name, value in row.items()} for row in told.reset_index().to_dict("records")
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the rows, their summary and, with --json, the rows as the last line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.truncation", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {' and '.join(NEEDED)}")
    parser.add_argument("--departments", type=_counts, required=True, help="for example 16 or 1,3")
    parser.add_argument(
        "--exit-week", type=_weeks, required=True, help="first hidden week, for example 27 or 18,20"
    )
    parser.add_argument(
        "--open-stores", type=_counts, default=[5, 2, 0], help="how many keep selling (5,2,0)"
    )
    parser.add_argument("--seeds", type=_at_least_one, default=6, help="draws of open stores (6)")
    parser.add_argument(
        "--methods", type=_methods, default=list(METHODS), help=f"of {', '.join(METHODS)} (all)"
    )
    parser.add_argument("--json", action="store_true", help="print the rows as JSON on the last line")
    asked = parser.parse_args(arguments)
    try:
        rows = compare(
            read_source(asked.data),
            departments=asked.departments,
            exit_weeks=asked.exit_week,
            open_stores=asked.open_stores,
            seeds=asked.seeds,
            methods=asked.methods,
        )
    except SourceError as refused:
        parser.error(str(refused))
    print_table(rows, COLUMNS, as_json=False)
    print()
    print_table(summarise(rows), SUMMARY, as_json=False)
    if asked.json:
        print(json.dumps([{name: _plain(row[name]) for name in COLUMNS} for row in rows]))


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _counts(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _at_least_one(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError("one draw at least")
    return int(text)


def _weeks(text: str) -> list[int]:
    weeks = _counts(text)
    if not 1 <= min(weeks) <= max(weeks) <= LAST_WEEK:
        raise argparse.ArgumentTypeError(f"weeks of the year run from 1 to {LAST_WEEK}")
    return weeks


def _methods(text: str) -> list[str]:
    names = text.split(",")
    if not set(names) <= set(METHODS):
        raise argparse.ArgumentTypeError(f"the methods are {', '.join(METHODS)}")
    return names


if __name__ == "__main__":
    main()
