"""Known demand in a generated chain: what is foretold of the weeks after the exit, and which alerts.

Usage: python -m benchmarks.season_gap [--worlds a,b,c,d10,d30,e,f] [--methods inseason,...] [--seeds 3]
       [--first-seed 1000] [--by-category] [--json]

A chain of 40 stores in five climate zones sells swimwear, boots, rainwear (two peaks) and tees (no season),
16 skus each, for two and a half years; each category is foretold for 52 weeks, three weeks before its usual
exit. `benchmarks.worlds` makes the chain: it shares no code with the forecaster's model and is no draw of it.

Worlds (`benchmarks.worlds.trade.WORLDS`); in all of them an unknown share of the disappointed customers is
written down:

    a    one store in ten keeps the category after the exit
    b    totally dark after the exit, not even a clearance rail
    c    climate zones exit at different dates, over seven weeks
    d10  a, with 10% of the in-season shelf weeks empty while the books show stock
    d30  a, with 30%
    e    a, with one in-stock flag a week in place of daily stock
    f    a, with deliveries so short that most series are sold out in most weeks

Methods: `oracle` (the true expected demand through the same gap and rules), `inseason` (ours),
`inseason_no_requests` (ours, told of no requests), `naive` (mean of raw sales in the same weeks of the years
before) and `flat` (mean sales per week in stock: no season, the negative control).

Columns, over all categories and seeds:

    wpe               demand foretold over expected demand, from the usual exit to the year's trough, less 1.
                      Its size is the mean of the absolute errors of each seasonal category and seed, so that
                      none hides another; its sign is that of their sum. --by-category shows all signs.
    profile_wape      `benchmarks.worlds.judge.profile_wape` of the seasonal categories
    alert_precision, alert_recall
                      alerts of exit_before_demand_ends, per store x style x season, against those of the true
                      expected demand under the same rules. Judged is the draft of the coming calendar, in
                      which some styles stay longer than they ever did: some of them long enough.
    coverage          share of realised weeks within [p10, p90], on the floor and after the exit, where at
                      least 3 units are expected: counts below are too coarse for an 80% interval
    dead_season_rate  of the store x style x weeks with less than 3% of the highest week's expected demand,
                      the share in which an alert claims material demand
    seconds           of processor time: fit, forecast, gap and rules of all four categories once
"""

from __future__ import annotations

import argparse
import inspect
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.table import print_table
from benchmarks.worlds import seasons
from benchmarks.worlds.customers import HISTORY_WEEKS, HORIZON_WEEKS, Customers
from benchmarks.worlds.judge import Foretold, Judge, Score, oracle_quantiles, realised_demand, true_answer
from benchmarks.worlds.records import keys, write_down
from benchmarks.worlds.trade import RULES, WORLDS, last_day
from forecaster import fit_demand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from benchmarks.worlds.records import Records

    Floats = NDArray[np.float64]

COLUMNS: Final = (
    "method", "world", "wpe", "profile_wape", "alert_precision", "alert_recall", "coverage",
    "dead_season_rate", "seconds",
)  # fmt: skip
FIRST_SEED: Final = 1000
"""Seeds from here on are for reporting; develop on smaller ones."""

QUANTILES: Final = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
SEASONAL: Final = frozenset(name for name, rules in RULES.items() if rules)
Key = tuple[str, str, str, int]


def inseason(known: Records, *, with_requests: bool = True) -> Foretold:
    """Ours, given all that the retailer knows."""
    given = {
        "climate": known.climate,
        "requests": known.requests if with_requests else None,
        "products": known.products,
        "stores": known.stores,
    }
    takes = inspect.signature(fit_demand).parameters
    start = time.process_time()
    model = fit_demand(
        known.panel, as_of=known.as_of, **{name: given[name] for name in given if name in takes}
    )
    forecast = model.predict(known.weeks)
    return Foretold(forecast, model.series, time.process_time() - start)


def inseason_no_requests(known: Records) -> Foretold:
    """Ours in a chain that writes down no requests."""
    return inseason(known, with_requests=False)


def naive(known: Records) -> Foretold:
    """A learner of sales: mean of each week and its neighbours in the years before."""
    start = time.process_time()
    units = known.panel["units"].to_numpy(dtype=np.float64).reshape(-1, HISTORY_WEEKS)
    ahead = HISTORY_WEEKS + np.arange(HORIZON_WEEKS)
    back = [ahead - 52 * years + near for years in (1, 2) for near in (-1, 0, 1)]
    mean = np.mean([units[:, np.minimum(weeks, HISTORY_WEEKS - 1)] for weeks in back], axis=0)
    return _counted(known, mean, start)


def flat(known: Records) -> Foretold:
    """Mean sales per week in stock, all year round."""
    start = time.process_time()
    units, exposure = (
        known.panel[name].to_numpy(dtype=np.float64).reshape(-1, HISTORY_WEEKS).sum(axis=1)
        for name in ("units", "exposure")
    )
    level = np.divide(units, exposure, out=np.zeros_like(units), where=exposure > 0)
    return _counted(known, np.repeat(level[:, None], HORIZON_WEEKS, axis=1), start)


def _counted(known: Records, mean: Floats, start: float) -> Foretold:
    """Means as Poisson forecasts, sure of themselves."""
    key = keys(str(known.panel["category"].iloc[0]))
    value, place = np.unique(mean, return_inverse=True)
    tabled = {name: np.asarray(stats.poisson.ppf(q, value))[place.ravel()] for name, q in QUANTILES.items()}
    forecast = pd.DataFrame(
        {
            "store": key["store"].repeat(HORIZON_WEEKS).array,
            "sku": key["sku"].repeat(HORIZON_WEEKS).array,
            "week": np.tile(np.array(known.weeks, dtype="datetime64[s]"), len(key)),
            "mean": mean.ravel(),
            **tabled,
            "evidence": "observed",
        }
    )
    series = key.assign(level_shape=1e6, dispersion=1e6)
    return Foretold(forecast, series, time.process_time() - start)


METHODS: Final[dict[str, Callable[[Records], Foretold]]] = {
    "inseason": inseason,
    "inseason_no_requests": inseason_no_requests,
    "naive": naive,
    "flat": flat,
}
ORACLE: Final = "oracle"


def run(worlds: Sequence[str], methods: Sequence[str], seeds: Iterable[int]) -> dict[Key, Score]:
    """Scores by method, world, category and seed."""
    scores: dict[Key, Score] = {}
    for seed in seeds:
        for number, category in enumerate(seasons.CATEGORIES):
            customers = Customers.draw(seed, number, last_day(category.name))
            realised = realised_demand(customers)
            perfect = oracle_quantiles(customers) if ORACLE in methods else {}
            judges: dict[tuple[float, bool], Judge] = {}
            for code in worlds:
                world = WORLDS[code]
                known = write_down(world, customers)
                calendar = world.carriers, world.zones_differ
                judge = judges.get(calendar) or Judge.of(customers, known, realised)
                judges[calendar] = judge
                for method in methods:
                    answer = (
                        _oracle(customers, known, perfect) if method == ORACLE else METHODS[method](known)
                    )
                    scores[method, code, category.name, seed] = judge.score(answer, known)
    return scores


def _oracle(customers: Customers, known: Records, quantiles: dict[str, Floats]) -> Foretold:
    truth = true_answer(customers, known)
    return Foretold(truth.forecast.assign(**quantiles), truth.series)


def summed(
    scores: dict[Key, Score], worlds: Sequence[str], methods: Sequence[str]
) -> list[dict[str, object]]:
    """The table: one row per world and method, over categories and seeds."""
    return [
        {"method": method, "world": world, **_row(_chosen(scores, method, world))}
        for world in worlds
        for method in methods
    ]


def by_category(
    scores: dict[Key, Score], worlds: Sequence[str], methods: Sequence[str]
) -> list[dict[str, object]]:
    """The table by category, with the errors' signs: to see where a method errs."""
    rows = []
    for world in worlds:
        for category in (each.name for each in seasons.CATEGORIES):
            for method in methods:
                chosen = {
                    key: score for key, score in _chosen(scores, method, world).items() if key[2] == category
                }
                row = _row(chosen, seasonal=frozenset({category}))
                row["wpe"] = float(np.mean([score.wpe for score in chosen.values()]))
                rows.append({"method": method, "world": world, "category": category, **row})
    return rows


def _chosen(scores: dict[Key, Score], method: str, world: str) -> dict[Key, Score]:
    return {key: score for key, score in scores.items() if key[:2] == (method, world)}


def _row(scores: dict[Key, Score], seasonal: frozenset[str] = SEASONAL) -> dict[str, Any]:
    """One row of the table from the scores it is about."""
    seeds = {key[3] for key in scores}
    errors = np.array([score.wpe for key, score in scores.items() if key[2] in seasonal])
    profiles = [score.profile_wape for key, score in scores.items() if key[2] in seasonal]

    def total(name: str) -> float:
        return float(sum(getattr(score, name) for score in scores.values()))

    return {
        "wpe": float(np.copysign(np.abs(errors).mean(), errors.sum())),
        "profile_wape": float(np.mean(profiles)),
        "alert_precision": _share(total("hit"), total("told")),
        "alert_recall": _share(total("hit"), total("true")),
        "coverage": _share(total("covered"), total("judged")),
        "dead_season_rate": _share(total("claimed"), total("dead")),
        "seconds": total("seconds") / len(seeds),
    }


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worlds asked for and print their table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.season_gap", description=(__doc__ or "").splitlines()[0]
    )
    every = (ORACLE, *METHODS)
    parser.add_argument("--worlds", default=",".join(WORLDS), help=f"of {','.join(WORLDS)}; all if not given")
    parser.add_argument("--methods", default=",".join(every), help=f"of {','.join(every)}; all if not given")
    parser.add_argument("--seeds", type=int, default=3, help="how many chains are drawn")
    parser.add_argument(
        "--first-seed", type=int, default=FIRST_SEED, help="develop on others than the default"
    )
    parser.add_argument("--by-category", action="store_true", help="first the same by category, with signs")
    parser.add_argument("--json", action="store_true", help="print the table as JSON too, on the last line")
    given = parser.parse_args(arguments)
    worlds, methods = given.worlds.split(","), given.methods.split(",")
    for asked, known in ((worlds, tuple(WORLDS)), (methods, every)):
        for name in asked:
            if name not in known:
                parser.error(f"there is no {name!r}; choose from {', '.join(known)}")
    scores = run(worlds, methods, range(given.first_seed, given.first_seed + given.seeds))
    if given.by_category:
        rows = by_category(scores, worlds, methods)
        print_table(rows, ("method", "world", "category", *COLUMNS[2:]), as_json=False)
        print()
    print_table(summed(scores, worlds, methods), COLUMNS, as_json=given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
