"""The judge: a forecast and its alerts held against what the customers will want."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from benchmarks.worlds.customers import HORIZON_WEEKS, SIZES, STORES, STYLES
from benchmarks.worlds.records import keys, store_names, style_names
from benchmarks.worlds.trade import LOOK_AHEAD_WEEKS
from forecaster import Policies, RulePolicy, Situation, expected_gap, find_alerts
from forecaster.codes import EXIT_BEFORE_DEMAND_ENDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.worlds.customers import Customers
    from benchmarks.worlds.records import Records

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

# Units alone are judged: what a world's goods cost says nothing about a forecast.
POLICY: Final = RulePolicy(exit_weeks_ahead=LOOK_AHEAD_WEEKS, min_money=0.0)
DEAD_SHARE: Final = 0.03
"""A week with less than this share of the expected demand of its highest week is dead season."""

FINE_UNITS: Final = 3.0
"""Intervals are judged where at least so many units are expected in a week: below, counts are so coarse that
even a perfect 80% interval covers 95% and more."""

_HALF = 0.5
_REALISED_DRAWS, _ORACLE_DRAWS = 20, 99
_REALISED, _ORACLE = 0, 1

Alert = tuple[str, str, str]


@dataclass(frozen=True)
class Foretold:
    """One method's answer: forecast and series as `fit_demand`'s model gives them, and what it took."""

    forecast: pd.DataFrame
    series: pd.DataFrame
    seconds: float = 0.0


@dataclass(frozen=True)
class Score:
    """What one method is worth on one category of one world.

    Attributes:
        wpe: foretold over expected demand after the usual exits, less 1; NaN where nothing exits.
        profile_wape: see `profile_wape`.
        told, true, hit: alerts of the method, of the truth, and of both.
        covered, judged: realised weeks inside [p10, p90], and all judged.
        claimed, dead: dead store x style x weeks that an alert claims, and all.
        seconds: of processor time, for fit, forecast, gap and rules.
    """

    wpe: float
    profile_wape: float
    told: int
    true: int
    hit: int
    covered: float
    judged: float
    claimed: int
    dead: int
    seconds: float


@dataclass(frozen=True)
class Judge:
    """The truth about one category under one calendar, worked out once for all methods.

    Attributes:
        after_exit: days/7 of each series and week after its usual exit and before the trough, (n, 52).
        counted: weeks on the floor or after the exit whose intervals are judged, (n, 52).
        dead: dead weeks of each store and style, (stores, styles, 52).
        alerts: what is truly lost after the coming exits.
        realised: demand as it may come, (draws, n, 52).
    """

    customers: Customers
    after_exit: Floats
    counted: Flags
    dead: Flags
    alerts: frozenset[Alert]
    realised: NDArray[np.int64]

    @classmethod
    def of(cls, customers: Customers, known: Records, realised: NDArray[np.int64]) -> Judge:
        """Put the true expected demand through the gap and the rules of `known`'s calendar."""
        truth = true_answer(customers, known)
        usual = _gap(truth, known, known.usual)
        after = _shares_of_weeks(usual, "after_exit", customers)
        before = _shares_of_weeks(usual, "before_floor_set", customers)
        counted = (before < _HALF) & (customers.expected >= FINE_UNITS)
        weekly = by_style(customers.expected)
        dead = weekly < DEAD_SHARE * weekly.max(axis=2, keepdims=True)
        return cls(customers, after, counted, dead, _alerts(_findings(truth, known)), realised)

    def score(self, answer: Foretold, known: Records) -> Score:
        """Judge one method's answer to what it was told."""
        mean, low, high = in_order(answer.forecast, ("mean", "p10", "p90"), self.customers)
        start = time.process_time()
        found = _findings(answer, known)
        seconds = answer.seconds + time.process_time() - start
        alerts = _alerts(found)
        expected = float((self.customers.expected * self.after_exit).sum())
        inside = (self.realised >= low) & (self.realised <= high)
        return Score(
            wpe=float((mean * self.after_exit).sum()) / expected - 1 if expected else float("nan"),
            profile_wape=profile_wape(mean, self.customers),
            told=len(alerts),
            true=len(self.alerts),
            hit=len(alerts & self.alerts),
            covered=float(inside.mean(axis=0)[self.counted].sum()),
            judged=float(self.counted.sum()),
            claimed=self._claimed(found, mean),
            dead=int(self.dead.sum()),
            seconds=seconds,
        )

    def _claimed(self, found: pd.DataFrame, mean: Floats) -> int:
        """Dead weeks for which an alert says that customers still come."""
        weeks = self.customers.weeks_ahead
        weekly = by_style(mean)
        material = weekly >= POLICY.material_week_share * weekly.max(axis=2, keepdims=True)
        claimed = np.zeros_like(self.dead)
        store = pd.Index(store_names()).get_indexer(pd.Index(found["store"]))
        style = pd.Index(style_names(self.customers.category.name)).get_indexer(pd.Index(found["style"]))
        first, last = (found[name].to_numpy(dtype="datetime64[D]") for name in ("first_week", "demand_ends"))
        for row in range(len(found)):
            span = (weeks >= first[row]) & (weeks <= last[row])
            claimed[store[row], style[row]] |= span & material[store[row], style[row]]
        return int((claimed & self.dead).sum())


def realised_demand(customers: Customers) -> NDArray[np.int64]:
    """Years as they may come, for all methods and worlds the same, (draws, n, 52)."""
    return customers.futures(_REALISED_DRAWS, _REALISED)


def true_answer(customers: Customers, known: Records) -> Foretold:
    """The true expected demand as a forecast, without quantiles."""
    n = len(customers.expected)
    key = keys(customers.category.name)
    forecast = pd.DataFrame(
        {
            "store": key["store"].repeat(HORIZON_WEEKS).array,
            "sku": key["sku"].repeat(HORIZON_WEEKS).array,
            "week": np.tile(np.array(known.weeks, dtype="datetime64[s]"), n),
            "mean": customers.expected.ravel(),
            "evidence": "observed",
        }
    )
    return Foretold(forecast, key.assign(level_shape=1e6, dispersion=customers.dispersion))


def oracle_quantiles(customers: Customers) -> dict[str, Floats]:
    """p10, p50 and p90 of the years that may come, (n * 52,) each."""
    draws = np.sort(customers.futures(_ORACLE_DRAWS, _ORACLE), axis=0)
    # The smallest k with P(D <= k) >= q is an order statistic of the draws.
    place = {
        name: int(np.ceil(q * _ORACLE_DRAWS)) - 1 for name, q in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9))
    }
    return {name: draws[at].ravel().astype(np.float64) for name, at in place.items()}


def profile_wape(mean: Floats, customers: Customers) -> float:
    """How wrong the course of the year is, apart from its height, on average over the climate zones.

        sum over weeks |share foretold - share expected|,   share = week's part of the zone's 52 weeks

    0 is perfect, 2 is nothing in common.
    """
    zone = np.repeat(customers.shops.zone, STYLES * SIZES)
    wrong = []
    for each in np.unique(zone):
        told, true = (values[zone == each].sum(axis=0) for values in (mean, customers.expected))
        # A method that foretells nothing at all has no course: all of the year is missing.
        share = told / told.sum() if told.sum() > 0 else np.zeros_like(told)
        wrong.append(float(np.abs(share - true / true.sum()).sum()))
    return float(np.mean(wrong))


def by_style(values: Floats) -> Floats:
    """(n, 52) summed over sizes: (stores, styles, 52)."""
    return np.asarray(values.reshape(STORES, STYLES, SIZES, HORIZON_WEEKS).sum(axis=2), dtype=np.float64)


def in_order(forecast: pd.DataFrame, columns: tuple[str, ...], customers: Customers) -> list[Floats]:
    """Columns of a forecast as (n, 52) each, series and weeks in the customers' order.

    Raises:
        ValueError: a series or week is missing or told twice.
    """
    key = keys(customers.category.name)
    n = len(key)
    expected = {
        "store": key["store"].repeat(HORIZON_WEEKS).array,
        "sku": key["sku"].repeat(HORIZON_WEEKS).array,
        "week": np.tile(customers.weeks_ahead.astype("datetime64[s]"), n),
    }
    if not _same(forecast, expected):
        forecast = forecast.sort_values(list(expected))
        if not _same(forecast, expected):
            raise ValueError("a forecast must tell each series and week once")
    return [forecast[name].to_numpy(dtype=np.float64).reshape(n, HORIZON_WEEKS) for name in columns]


def _same(forecast: pd.DataFrame, expected: dict[str, Any]) -> bool:
    """Whether a forecast has just these rows."""
    return len(forecast) == len(expected["week"]) and all(
        bool((forecast[name].to_numpy() == np.asarray(values)).all()) for name, values in expected.items()
    )


def _shares_of_weeks(gap: pd.DataFrame, phase: str, customers: Customers) -> Floats:
    """Days/7 of each series and week that lie in a phase, (n, 52)."""
    rows = gap[gap["phase"] == phase]
    series = pd.MultiIndex.from_frame(keys(customers.category.name))
    row = series.get_indexer(pd.MultiIndex.from_frame(rows[["store", "sku"]]))
    week = pd.DatetimeIndex(customers.weeks_ahead.astype("datetime64[s]"))
    units = np.zeros_like(customers.expected)
    np.add.at(units, (row, week.get_indexer(pd.DatetimeIndex(rows["week"]))), rows["demand"].to_numpy())
    return np.asarray(units / customers.expected, dtype=np.float64)


def _gap(answer: Foretold, known: Records, windows: pd.DataFrame) -> pd.DataFrame:
    """The gap on an empty chain: what the exits cost does not depend on stock."""
    supply = pd.DataFrame({"store": [], "sku": [], "week": pd.to_datetime([]), "units": []})
    return expected_gap(answer.forecast, answer.series, supply, windows, as_of=known.as_of)


def _findings(answer: Foretold, known: Records) -> pd.DataFrame:
    """Alerts on the coming exits."""
    # Stock that never ends raises no stockouts, which are not judged here, and can serve every loss.
    stock = keys(str(known.products["category"].iloc[0])).assign(on_hand=1e9, in_transit=0.0)
    night = Situation(
        as_of=known.as_of,
        gap=_gap(answer, known, known.coming),
        products=known.products,
        stock=stock,
        stores=known.stores.assign(climate_zone="", kind="store", closed_on=np.datetime64("NaT", "s")),
        policies=Policies(POLICY),
    )
    found = find_alerts(night)
    return found[(found["rule"] == EXIT_BEFORE_DEMAND_ENDS) & ~found["weak"].astype(bool)]


def _alerts(found: pd.DataFrame) -> frozenset[Alert]:
    """Store, style and season of every alert."""
    return frozenset(found[["store", "style", "season_code"]].itertuples(index=False, name=None))
