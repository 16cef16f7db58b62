"""How fast markdown plans are weighed for a chain, against the same plans weighed one after the other.

Usage: python -m benchmarks.plans [--styles 200] [--stores 100] [--plans 200] [--seed 1] [--json]

One category of a chain that does not exist: every style in every store, a summer's demand in 39 weeks to
come, stock for three weeks to half a year, three in ten with a receipt still to come. The plans are those
that `forecaster.candidate_plans` finds around today's, those with a later exit also for a third of the
stores and for one rail a store. One process; the frames handed in are there already. Methods:

- inseason: `forecaster.plan_markdowns`, all plans and series at once.
- inseason_exact: the same with the closed form instead of the table, for a tenth of the plans.
- one_by_one: a loop over a twentieth of the plans and over the weeks, all series at once in each, with the
  closed form in every week, as one would write it down first. It knows no receipts: it is timed, and its
  errors are those that leaving out the receipts makes.

Columns: method, plans (weighed), series, seconds (on the wall), cpu_seconds (of the process: the wall's on
a machine with nothing else to do), ms_per_plan (of cpu_seconds), leftover_error and margin_error (furthest
from `inseason_exact` on the plans that both weighed, as a share of the stock and of the margin), ratio
(ms_per_plan against that of `inseason`).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.table import print_table
from forecaster import Markdown, Plan, candidate_plans, plan_markdowns
from forecaster.distribution import expected_shortfall, size_of_sum
from forecaster.plan_candidates import Span, Stay

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

COLUMNS = (
    "method", "plans", "series", "seconds", "cpu_seconds", "ms_per_plan", "leftover_error", "margin_error",
    "ratio",
)  # fmt: skip
AS_OF = date(2026, 4, 4)
FIRST_WEEK = pd.Timestamp(2026, 4, 5)
WEEKS = 39
ELASTICITY = 1.6
PRICE, COST, SALVAGE = 30.0, 12.0, 4.5
TODAY = Plan(
    date(2026, 2, 16),
    (Markdown(date(2026, 6, 15), 30.0), Markdown(date(2026, 6, 29), 50.0)),
    date(2026, 7, 5),
)
EXACT_LIMIT = "forecaster.plan_rolling._EXACT_UP_TO"


@dataclass(frozen=True)
class Chain:
    """What is handed to `plan_markdowns`, and the same demand as an array (series, weeks)."""

    forecast: pd.DataFrame
    series: pd.DataFrame
    supply: pd.DataFrame
    mean: Floats


def make_chain(styles: int, stores: int, seed: int) -> Chain:
    """A chain with every style in every store."""
    rng = np.random.default_rng(seed)
    week = FIRST_WEEK + pd.to_timedelta(7 * np.arange(WEEKS), unit="D")
    season = np.exp(1.5 * np.cos(2 * np.pi * (np.arange(WEEKS) - 14) / 52))
    level = np.outer(rng.gamma(4, 0.25, stores), rng.gamma(2, 1.5, styles)).ravel()
    mean = np.outer(level, season / season.mean())
    keys = pd.DataFrame(
        {
            "store": np.repeat([f"store-{number:04}" for number in range(stores)], styles),
            "sku": np.tile([f"style-{number:04}" for number in range(styles)], stores),
        }
    )
    series = keys.assign(
        level_shape=rng.uniform(8, 60, len(keys)),
        dispersion=4.0,
        regular_price=PRICE,
        unit_cost=COST,
        salvage=SALVAGE,
    )
    stock = keys.assign(week=week[0], units=np.round(level * rng.uniform(3, 25, len(keys))))
    some = rng.random(len(keys)) < 0.3  # noqa: PLR2004 - three in ten
    later = stock[some].assign(
        week=week[rng.integers(1, 5, int(some.sum()))], units=np.ceil(0.3 * stock.loc[some, "units"]) + 1
    )
    forecast = keys.loc[keys.index.repeat(WEEKS)].assign(week=np.tile(week, len(keys)), mean=mean.ravel())
    return Chain(
        forecast.reset_index(drop=True),
        series,
        pd.concat([stock, later], ignore_index=True),
        mean,
    )


def make_plans(stores: int, most: int) -> list[Plan]:
    """The candidates around today's plan, partial ones among them."""
    third = frozenset(f"store-{number:04}" for number in range(0, stores, 3))
    span = Span(stays=(Stay(stores=third), Stay(rails=1.0)), most=most)
    return candidate_plans(TODAY, as_of=AS_OF, span=span)


def weigh(chain: Chain, plans: Sequence[Plan]) -> pd.DataFrame:
    """Plans by `plan_markdowns`: leftover_units, margin and stock, by plan."""
    report = plan_markdowns(
        chain.forecast, chain.series, chain.supply, plans, today=TODAY, elasticity=ELASTICITY, as_of=AS_OF
    )
    figures = report.plans[["leftover_units", "margin", "stock"]]
    return figures.set_axis(pd.Index(report.tried, name="plan"), axis="index")


def weigh_exactly(chain: Chain, plans: Sequence[Plan]) -> pd.DataFrame:
    """The same by the closed form, however many there are."""
    with patch(EXACT_LIMIT, np.inf):
        return weigh(chain, plans)


def weigh_one_by_one(chain: Chain, plans: Sequence[Plan]) -> pd.DataFrame:
    """The same by a loop over plans and weeks; no receipts, and whole plans only."""
    stock = chain.supply[chain.supply["week"] == FIRST_WEEK].set_index(["store", "sku"])["units"]
    units = stock.loc[pd.MultiIndex.from_frame(chain.series[["store", "sku"]])].to_numpy(dtype=np.float64)
    rows = [_one_plan(chain, units, plan) for plan in plans]
    return pd.DataFrame(rows, columns=["leftover_units", "margin"], index=pd.Index(list(plans), name="plan"))


def _one_plan(chain: Chain, stock: Floats, plan: Plan) -> tuple[float, float]:
    total, squares, sold_before = (np.zeros(len(stock)) for _ in range(3))
    revenue = 0.0
    for week in range(WEEKS):
        first = FIRST_WEEK + pd.Timedelta(weeks=week)
        for day in range(7):
            today = (first + pd.Timedelta(days=day)).date()
            if not plan.floor_set <= today <= plan.exit:
                continue
            ratio = 1.0 - plan.percent_off(today) / 100.0
            wanted = chain.mean[:, week] / 7.0 * ratio**-ELASTICITY
            total = total + wanted
            squares = squares + 7.0 * wanted**2
            ends_here = day == 6 or plan.percent_off(today + pd.Timedelta(days=1)) != plan.percent_off(today)  # noqa: PLR2004
            if ends_here or today == plan.exit:
                size = size_of_sum(total, squares, chain.series["level_shape"], chain.series["dispersion"])
                sold = total - expected_shortfall(total, size, stock)
                revenue += float((sold - sold_before).sum()) * PRICE * ratio
                sold_before = sold
    left = float((stock - sold_before).sum())
    return left, revenue + SALVAGE * left - COST * float(stock.sum())


def timed(
    method: str,
    function: Callable[[Chain, Sequence[Plan]], pd.DataFrame],
    chain: Chain,
    plans: Sequence[Plan],
) -> tuple[dict[str, object], pd.DataFrame]:
    """A row of the table, and what was found."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = function(chain, plans)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    row: dict[str, object] = {
        "method": method,
        "plans": len(found),
        "series": len(chain.series),
        "seconds": wall,
        "cpu_seconds": cpu,
        "ms_per_plan": 1000.0 * cpu / len(found),
    }
    return row, found


def compare(chain: Chain, plans: Sequence[Plan]) -> list[dict[str, object]]:
    """All methods, and how far each is from the closed form."""
    whole = [plan for plan in plans if not plan.is_partial]
    exact_row, exact = timed("inseason_exact", weigh_exactly, chain, [*plans[::10], *whole[::20]])
    rows = []
    for row, found in (
        timed("inseason", weigh, chain, plans),
        (exact_row, exact),
        timed("one_by_one", weigh_one_by_one, chain, whole[::20]),
    ):
        both = exact.index.intersection(found.index)
        apart = (found.loc[both] - exact.loc[both])[["leftover_units", "margin"]].abs().max()
        row["leftover_error"] = apart["leftover_units"] / exact["stock"].iloc[0]
        row["margin_error"] = apart["margin"] / exact["margin"].abs().max()
        rows.append(row)
    first = rows[0]["ms_per_plan"]
    return [row | {"ratio": row["ms_per_plan"] / first} for row in rows]  # type: ignore[operator]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--styles", type=int, default=200)
    parser.add_argument("--stores", type=int, default=100)
    parser.add_argument("--plans", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args(arguments)
    chain = make_chain(options.styles, options.stores, options.seed)
    plans = make_plans(options.stores, options.plans)
    with threadpool_limits(limits=1):
        # What is loaded on first use is no part of the work.
        weigh(make_chain(2, 2, options.seed), plans[:2])
        print_table(compare(chain, plans), COLUMNS, as_json=options.as_json)


if __name__ == "__main__":
    main()
