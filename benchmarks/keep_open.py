"""Keeps a few stores open in a dark season whose demand is known: do they tell it, as surely as promised?

Usage: python -m benchmarks.keep_open [--chains 100] [--data DIR --departments 16 --exit-weeks 27]

Each case is a chain before an exit. A test is designed eight weeks before it, from sales that end there and
from the forecast; then the sales of the chosen stores after the exit, and of them and their controls before
it, are shown, the chain's dark over seen demand is read from them and held against what all stores sold.

Without ``--data``, cases are generated: chains of 60 stores in 5 climate zones that differ in size, and in
date and height of the peak by zone, by size and on their own; weeks are negative binomial; the forecast knows
the chain's curve, but is wrong in the dark weeks by a factor (log standard deviation 0.6) and in every
store's level. With it, they are departments of the Walmart Recruiting data, read as in
`benchmarks.truncation`: all sales after each exit week are hidden up to the end of the year, and
`forecaster.fit_demand` tells the ten weeks that follow from the rest, in every year that has a season before
it and ten weeks after it. Store sizes are not given; the forecast's volume stands for them.

Methods: ``inseason`` chooses from all stores, ``biggest`` may take the largest only, ``random`` only those
drawn (``--draws`` times). All are read the same way. A unit costs 10 and is salvaged for 3.

Columns: ``rmse`` of the log of the chain's ratio; ``promised``, the root mean square of the standard errors
told beforehand, and ``read``, of those told with the result; ``coverage`` of the 80% intervals; ``cost``
expected and ``units`` forecast, means per test.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.table import print_table
from benchmarks.truncation import department_panel, read_source
from forecaster import design_keep_open_test, fit_demand, read_keep_open_test

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    import numpy.typing as npt

    from forecaster.keep_open import KeepOpenTest

    Floats = npt.NDArray[np.float64]

COLUMNS = (
    "world", "method", "stores", "tests", "rmse", "promised", "read", "coverage", "cost", "units",
)  # fmt: skip
PRICES = pd.DataFrame({"regular_price": [10.0], "salvage": [3.0]})
CATEGORY = "category"
WEEKS_BEFORE, WEEKS_DARK = 8, 10
FEW, MANY = 3, 5
_TO_LAST_DAY = pd.Timedelta(days=6)


@dataclass(frozen=True)
class Case:
    """A chain before an exit, and what only the benchmark knows.

    Attributes:
        panel: what the design may see.
        forecast: store, sku, week, mean, evidence.
        stores: store, climate_zone.
        sales: the panel's columns for every store and week from as_of on, had all stayed open, and mean.
    """

    world: str
    panel: pd.DataFrame
    forecast: pd.DataFrame
    stores: pd.DataFrame
    sales: pd.DataFrame
    as_of: date
    exit_day: date


def generated(seed: int, level: float) -> Case:
    """A chain of 60 stores that sell ``level`` units a week each, as a median over stores."""
    rng = np.random.default_rng(seed)
    n, zones, first = 60, 5, pd.Timestamp("2024-01-01")
    week = first + pd.to_timedelta(7 * np.arange(3 * 52), unit="D")
    zone, size = rng.integers(zones, size=n), rng.normal(size=n)
    shift = 1.0 * rng.normal(size=zones)[zone] + 0.6 * size + 0.8 * rng.normal(size=n)
    swing = 1.4 * np.exp(0.08 * rng.normal(size=zones)[zone] + 0.08 * rng.normal(size=n))
    angle = 2 * np.pi * (np.arange(len(week))[None, :] - 25.0 - shift[:, None]) / 52
    curve = np.exp(swing[:, None] * (np.cos(angle) - 1))
    height = level * np.exp(0.6 * size)[:, None]
    mean = height * curve
    rhythm = (mean.sum(axis=0) / height.sum())[None, :]
    units = rng.poisson(mean * rng.gamma(6.0, 1 / 6.0, size=mean.shape))
    in_year = np.arange(len(week)) % 52
    exit_at = 2 * 52 + 27
    wrong = np.where(np.arange(len(week)) > exit_at, np.exp(rng.normal(0, 0.6)), 1.0)
    trading = np.exp(0.1 * rng.normal() + 0.1 * rng.normal(size=n))[:, None]
    forecast = height * rhythm * wrong / trading
    shown = (in_year >= 6) & (in_year <= 27)  # noqa: PLR2004 - the floor-set and the exit of every year
    rows = _rows(week, zone, units, np.broadcast_to(shown, units.shape), forecast)
    return _case(f"generated, {level:g} a week", rows, week[exit_at])


def _rows(
    week: pd.DatetimeIndex, zone: npt.NDArray[np.intp], units: Floats, shown: Floats, forecast: Floats
) -> pd.DataFrame:
    """Store x week rows of a generated chain."""
    store, column = (index.ravel() for index in np.indices(units.shape))
    return pd.DataFrame(
        {
            "store": pd.Series(store).map("store {:02}".format),
            "sku": CATEGORY,
            "category": CATEGORY,
            "climate_zone": pd.Series(zone[store]).map("zone {}".format),
            "week": week[column],
            "units": units.ravel().astype(float),
            "price_ratio": 1.0,
            "exposure": shown.ravel().astype(float),
            "mean": forecast.ravel(),
            "evidence": np.where(shown.ravel(), "observed", "unknown"),
        }
    )


def recorded(source: Path, departments: Sequence[int], exit_weeks: Sequence[int]) -> Iterator[Case]:
    """Departments of real stores in every year with a season before it and ten weeks after the exit."""
    data = read_source(source)
    for department in departments:
        panel = department_panel(data, department).assign(sku=CATEGORY, category=CATEGORY)
        last_day = panel["week"] + _TO_LAST_DAY
        number, year = last_day.dt.isocalendar().week, last_day.dt.isocalendar().year
        for exit_week in exit_weeks:
            hidden = number > exit_week
            for season in sorted(year.unique())[1:]:
                leaving = panel.loc[(number == exit_week) & (year == season), "week"]
                if leaving.empty or leaving.iloc[0] + pd.Timedelta(weeks=WEEKS_DARK) > panel["week"].max():
                    continue
                shown = panel.assign(exposure=panel["exposure"].where(~hidden, 0.0))
                rows = _with_forecast(shown, data.climate, leaving.iloc[0])
                yield _case(f"department {department}", rows, leaving.iloc[0])


def _with_forecast(panel: pd.DataFrame, climate: pd.DataFrame, leaving: pd.Timestamp) -> pd.DataFrame:
    """The panel with the forecast of the weeks about the exit, made eight weeks before it."""
    as_of = leaving - pd.Timedelta(weeks=WEEKS_BEFORE) + _TO_LAST_DAY
    ahead = pd.date_range(as_of + pd.Timedelta(days=1), periods=WEEKS_BEFORE + WEEKS_DARK, freq="7D")
    visible = panel.assign(units=panel["units"].where(panel["exposure"] > 0, 0.0))
    model = fit_demand(visible[visible["week"] < as_of], as_of=as_of.date(), climate=climate)
    told = model.predict([week.date() for week in ahead])[["store", "week", "mean", "evidence"]]
    return panel.merge(told, on=["store", "week"], how="left")


def _case(world: str, rows: pd.DataFrame, leaving: pd.Timestamp) -> Case:
    """The case of one exit: what was to be seen before it, what is known of it."""
    as_of = leaving - pd.Timedelta(weeks=WEEKS_BEFORE) + _TO_LAST_DAY
    ahead = rows[rows["week"].between(as_of, leaving + pd.Timedelta(weeks=WEEKS_DARK))]
    known = ahead[ahead["mean"].notna()]
    return Case(
        world=world,
        panel=rows[rows["week"] < as_of].assign(units=lambda row: row["units"] * (row["exposure"] > 0)),
        forecast=known[["store", "sku", "week", "mean", "evidence"]],
        stores=rows[["store", "climate_zone"]].drop_duplicates(),
        sales=ahead.assign(exposure=1.0),
        as_of=as_of.date(),
        exit_day=(leaving + _TO_LAST_DAY).date(),
    )


def true_ratio(case: Case, weeks: Sequence[date]) -> float:
    """Log of the chain's sales in the test's weeks over those before the exit, relative to the forecast's."""
    dark = case.sales["week"].isin(pd.to_datetime(list(weeks)))
    seen = case.sales["week"] <= pd.Timestamp(case.exit_day)
    sums = [case.sales.loc[kept, ["units", "mean"]].sum() for kept in (dark, seen)]
    return float(np.log(sums[0]["units"] / sums[0]["mean"]) - np.log(sums[1]["units"] / sums[1]["mean"]))


def design(case: Case, allowed: Sequence[str] | None, count: int) -> KeepOpenTest:
    """A test of three or five stores, of all or of the allowed ones."""
    able = case.stores["store"].isin(case.stores["store"] if allowed is None else allowed)
    return design_keep_open_test(
        case.forecast, case.panel, case.stores.assign(can_test=able), PRICES, category=CATEGORY,
        as_of=case.as_of, exit_day=case.exit_day, precision=0.0 if count == MANY else np.inf,
    )  # fmt: skip


def run(case: Case, method: str, allowed: Sequence[str] | None, count: int) -> dict[str, object]:
    """One test designed, carried out and read."""
    test = design(case, allowed, count)
    leaving = pd.Timestamp(case.exit_day)
    controls = {control for _, control in test.controls}
    stays = case.sales["store"].isin(test.stores)
    open_rows = stays | (case.sales["store"].isin(controls) & (case.sales["week"] <= leaving))
    if test.reads_on is None:
        raise ValueError(f"no test of {count} stores: {test.reason}")
    told = read_keep_open_test(test, case.sales[open_rows], as_of=test.reads_on + timedelta(days=1))
    truth = true_ratio(case, test.weeks)
    return {
        "world": case.world, "method": method, "stores": len(test.stores),
        "error": np.log(told.ratio) - truth, "promised": test.standard_error,
        "read": told.standard_error, "covered": told.low <= np.exp(truth) <= told.high,
        "cost": test.expected_cost, "units": test.expected_units,
    }  # fmt: skip


def compare(cases: Iterator[Case], draws: int) -> list[dict[str, object]]:
    """All methods on all cases, summed up by world, method and number of stores."""
    rows = []
    for number, case in enumerate(cases):
        volume = case.forecast.groupby("store")["mean"].sum().sort_values(ascending=False)
        sold = case.panel.groupby("store")["units"].sum()
        able = volume.index[volume.index.isin(sold.index[sold > 0])]
        rng = np.random.default_rng(number)
        for count in (FEW, MANY):
            rows.append(run(case, "inseason", None, count))
            rows.append(run(case, "biggest", able[:count].tolist(), count))
            drawn = (rng.choice(able.sort_values(), count, replace=False).tolist() for _ in range(draws))
            rows += [run(case, "random", allowed, count) for allowed in drawn]
    groups = pd.DataFrame(rows).groupby(["world", "method", "stores"])
    return [_summary(group) for _, group in groups]


def _summary(group: pd.DataFrame) -> dict[str, object]:
    """One row of the table."""
    first = group.iloc[0]
    root = {name: float(np.sqrt((group[name] ** 2).mean())) for name in ("error", "promised", "read")}
    return {
        "world": first["world"], "method": first["method"], "stores": int(first["stores"]),
        "tests": len(group),
        "rmse": root["error"], "promised": root["promised"], "read": root["read"],
        "coverage": float(group["covered"].mean()),
        "cost": float(group["cost"].mean()), "units": float(group["units"].mean()),
    }  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chains", type=int, default=100, help="generated chains of each level")
    parser.add_argument("--data", type=Path, help="folder of real sales; then nothing is generated")
    parser.add_argument("--departments", default="16", help="comma-separated")
    parser.add_argument("--exit-weeks", default="27", help="comma-separated ISO weeks")
    parser.add_argument("--draws", type=int, default=5, help="random choices of stores per case and number")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON, last")
    given = parser.parse_args()
    departments, exit_weeks = (
        [int(part) for part in text.split(",")] for text in (given.departments, given.exit_weeks)
    )
    cases = (
        (generated(seed, level) for level in (40.0, 4.0) for seed in range(given.chains))
        if given.data is None
        else recorded(given.data, departments, exit_weeks)
    )
    print_table(compare(cases, given.draws), COLUMNS, as_json=given.json)


if __name__ == "__main__":
    main()
