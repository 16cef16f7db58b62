"""The experiment that settles a dark season: a few stores stay open, and the chain learns from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.dark_ratio import LEVEL_SPREADS, ChainLink, Counts, half_width, promised_error
from forecaster.errors import PanelError
from forecaster.evidence import Evidence
from forecaster.frames import days, numbers, require_columns, require_unique
from forecaster.keep_open_cost import costed_series
from forecaster.store_choice import Representation, affordable_sets, matched_controls
from forecaster.store_spread import CountNoise, History, measure_spread, read_history, standardised_log

if TYPE_CHECKING:
    import numpy.typing as npt

    from forecaster.store_spread import Spread

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

FEWEST_STORES, MOST_STORES = 3, 5

DOUBT = {Evidence.BORROWED: 0.4, Evidence.UNKNOWN: 0.8}
"""Log standard deviation of dark demand about its forecast; these labels are what a test can settle."""

_MATERIAL = 0.1
_WEEK, _LAST_DAY = np.timedelta64(7, "D"), np.timedelta64(6, "D")


@dataclass(frozen=True)
class KeepOpenTest:
    """A proposed test, or why there is none.

    Attributes:
        category: its code.
        stores: that keep the category on the floor; none when no design fits.
        controls: (test store, the store it is compared with), one pair per test store.
        weeks: first days of the weeks they stay open.
        reads_on: first day on which it can be read; None without a design.
        expected_units: sold by the test stores in those weeks, if the forecast is right.
        expected_cost: money: expected unsold units x (regular price - salvage) + floor space.
        standard_error: of the log of the chain's dark/seen demand, relative to the forecast; inf without
            design.
        reason: ``code:key=value;...``. Codes of a design: ``precise_enough``, ``most_stores``,
            ``most_affordable``, ``no_better_with_more``; of none: ``no_dark_weeks``, ``too_few_stores``,
            ``cap_too_low``.
        shipments: store, sku (where the forecast has it), units to have on the shelf at the exit, to_send (of
            these, not yet in the store).
        forecast: store, sku (where given), week, mean, dark: what the result will be held against.
        zones: climate zone of each store of the chain.
        link: how the chain's ratio hangs together with the test stores'.
        noise: of counts.
    """

    category: str
    stores: tuple[str, ...] = ()
    controls: tuple[tuple[str, str], ...] = ()
    weeks: tuple[date, ...] = ()
    reads_on: date | None = None
    expected_units: float = 0.0
    expected_cost: float = 0.0
    standard_error: float = math.inf
    reason: str = ""
    shipments: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False, repr=False)
    forecast: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False, repr=False)
    zones: dict[str, str] = field(default_factory=dict, repr=False)
    link: ChainLink = field(default_factory=lambda: ChainLink(0.0, (), (), 0.0), repr=False)
    noise: CountNoise = field(default_factory=lambda: CountNoise(1.0, 0.0), repr=False)

    @property
    def interval(self) -> tuple[float, float]:
        """Factors by which the true ratio may lie below and above the one read, four times in five."""
        half = half_width(self.standard_error, len(self.stores)) if self.stores else math.inf
        return math.exp(-half), math.exp(half)


@dataclass(frozen=True)
class _Chain:
    """What is known of the S stores that have dark demand.

    Attributes:
        names: (S,) sorted.
        zones: names of the climate zones.
        zone: (S,) index into zones.
        size: (S,) standardised log size.
        space: (S,) money per week for floor space.
        can_test: (S,) whether it may be a test store.
        dark, seen: (S,) forecast of the test's weeks, and of the weeks before the exit.
    """

    names: pd.Index[str]
    zones: tuple[str, ...]
    zone: Indices
    size: Floats
    space: Floats
    can_test: npt.NDArray[np.bool_]
    dark: Counts
    seen: Counts


def design_keep_open_test(
    forecast: pd.DataFrame,
    panel: pd.DataFrame,
    stores: pd.DataFrame,
    prices: pd.DataFrame,
    *,
    category: str,
    as_of: date,
    exit_day: date,
    stock: pd.DataFrame | None = None,
    cost_cap: float = math.inf,
    precision: float = 0.15,
    most_weeks: int = 10,
) -> KeepOpenTest:
    """Choose three to five stores that keep a category on the floor after its exit, and what to compare with.

    The stores are those whose ratios of actual to forecast dark demand tell the chain's with the smallest
    expected squared error, dear stores charged (`store_choice`), given how far stores lie apart by zone, size
    and on their own (`store_spread`) and how well each can be counted. The fewest that reach ``precision``
    are taken, else the most precise affordable number. Controls are matched on level and weekly profile in
    season.

    Args:
        forecast: store, sku (may be absent: one series per store), week (first day), mean (units of the full
            week at regular price), evidence; of the category only, the weeks from as_of to the end of the
            dark season. Its weeks before the exit serve to take out trading levels.
        panel: store, sku, category, week, units, exposure: history (`forecaster.panel`).
        stores: store, climate_zone; where given also size (any measure; else the forecast's volume),
            space_cost (money per week for the category's floor space; else 0), can_test (else True).
        prices: regular_price, salvage (money per unit), by store, by sku, by both, or one row for all.
        category: code.
        as_of: last business date known.
        exit_day: last day on the floor of the stores that leave first.
        stock: store, sku (as in forecast), units in the store that can stay: need not be sent.
        cost_cap: highest expected cost.
        precision: standard error of the log ratio wanted.
        most_weeks: longest test.

    Returns:
        The test; without stores, and with the reason, where none fits.

    Raises:
        PanelError: a frame lacks a column, a store or a price, or holds a value that cannot be worked with.
    """
    ahead = _read_forecast(forecast, as_of, exit_day)
    weeks = _test_weeks(ahead, most_weeks)
    if not len(weeks):
        return KeepOpenTest(category, reason=f"no_dark_weeks:exit={exit_day}")
    ahead = ahead[~ahead["dark"] | ahead["week"].isin(weeks)]
    chain = _chain(ahead, stores)
    history = _history(panel, category, chain, as_of)
    spread = measure_spread(history, chain.zone, chain.size, weeks=len(weeks))
    series = costed_series(ahead[ahead["dark"]], prices, spread, stock)
    cost = _by_store(series, chain) + chain.space * len(weeks)
    choice = _Choice(chain, history, _representation(chain, spread), cost)
    chosen, error, reason = choice.within(cost_cap, precision)
    if not len(chosen):
        return KeepOpenTest(category, reason=reason)
    names = tuple(map(str, chain.names[chosen]))
    pairs = tuple(zip(names, map(str, chain.names[choice.controls(chosen)]), strict=True))
    return KeepOpenTest(
        category=category,
        stores=names,
        controls=pairs,
        weeks=tuple(pd.Timestamp(week).date() for week in weeks),
        reads_on=pd.Timestamp(weeks[-1]).date() + timedelta(days=7),
        expected_units=float(chain.dark.expected[chosen].sum()),
        expected_cost=float(cost[chosen].sum()),
        standard_error=error,
        reason=reason,
        shipments=series[series["store"].isin(names)].drop(columns="cost").reset_index(drop=True),
        forecast=_held_against(ahead, pairs),
        zones={str(store): chain.zones[zone] for store, zone in zip(chain.names, chain.zone, strict=True)},
        link=choice.told.link(chosen),
        noise=spread.noise,
    )


@dataclass(frozen=True)
class _Choice:
    """What test stores are chosen by; cost (S,) is the expected cost of each store."""

    chain: _Chain
    history: History
    told: Representation
    cost: Floats

    @property
    def candidates(self) -> Indices:
        """Stores that may be chosen: those that sold the category in season."""
        return np.flatnonzero((self.history.level > 0) & self.chain.can_test)

    def controls(self, chosen: Indices) -> Indices:
        """The control of each chosen store."""
        others = np.setdiff1d(np.flatnonzero(self.history.level > 0), chosen)
        return matched_controls(self.history.rate, self.chain.zone, chosen, others)

    def promise(self, chosen: Indices) -> float:
        """Standard error of the log ratio that a test will have, both stores of a pair open till the exit."""
        both = np.concatenate([chosen, self.controls(chosen)])
        seen, dark = self.chain.seen.of(both), self.chain.dark.of(chosen)
        return promised_error(self.told.link(chosen), seen, dark, self.told.spread.noise)

    def within(self, cap: float, precision: float) -> tuple[Indices, float, str]:
        """Test stores, the standard error they promise, and why these."""
        best, error, tried = np.zeros(0, dtype=np.intp), math.inf, 0
        can_test, sold = len(self.candidates), int((self.history.level > 0).sum())
        most = min(MOST_STORES, can_test, sold // 2)
        if most < FEWEST_STORES:
            needed = f"needed={FEWEST_STORES}+{FEWEST_STORES}"
            return best, error, f"too_few_stores:can_test={can_test};sold={sold};{needed}"
        sizes = range(FEWEST_STORES, most + 1)
        for chosen in affordable_sets(self.told, self.candidates, self.cost, sizes, cap):
            tried = len(chosen)
            promise = self.promise(chosen)
            # Another store may cost precision only where the cap forces cheaper ones in: then keep the fewer.
            if promise < error:
                best, error = chosen, promise
            if error <= precision:
                break
        if not tried:
            cheapest = np.sort(self.cost[self.candidates])[:FEWEST_STORES].sum()
            return best, error, f"cap_too_low:cheapest={cheapest:.2f};cap={cap:.2f}"
        why = "most_stores" if tried == most else "most_affordable"
        why = why if len(best) == tried else "no_better_with_more"
        code = "precise_enough" if error <= precision else why
        return best, error, f"{code}:standard_error={error:.3f};wanted={precision:.3f};stores={len(best)}"


def _read_forecast(forecast: pd.DataFrame, as_of: date, exit_day: date) -> pd.DataFrame:
    """Store, sku, week, mean, doubt and dark of every row after as_of that is of use: seen or dark."""
    require_columns(forecast, "forecast", ["store", "week", "mean", "evidence"])
    keys = [name for name in ("store", "sku") if name in forecast.columns]
    require_unique(forecast, "forecast", [*keys, "week"])
    week = days(forecast, "forecast", "week")
    mean = numbers(forecast, "forecast", "mean", low=0)
    doubt = forecast["evidence"].astype(str).map({str(label): value for label, value in DOUBT.items()})
    unseen = doubt.notna().to_numpy()
    dark = unseen & (week > np.datetime64(exit_day, "D"))
    seen = ~unseen & (week + _LAST_DAY <= np.datetime64(exit_day, "D"))
    frame = forecast[keys].astype(str).assign(week=week, mean=mean, doubt=doubt.fillna(0.0), dark=dark)
    return frame[(week > np.datetime64(as_of, "D")) & (dark | seen)].sort_values([*keys, "week"])


def _test_weeks(ahead: pd.DataFrame, most: int) -> npt.NDArray[np.datetime64]:
    """The first run of dark weeks, from and up to where demand is a tenth of its height."""
    demand = ahead[ahead["dark"]].groupby("week")["mean"].sum()
    weeks = demand.index.to_numpy()
    first_run = np.cumsum(np.diff(weeks, prepend=weeks[:1]) > _WEEK) == 0
    units = demand.to_numpy()[first_run][:most]
    if not units.sum() > 0:
        return weeks[:0]
    material = np.flatnonzero(units >= _MATERIAL * units.max())
    return weeks[material[0] : material[-1] + 1]


def _chain(ahead: pd.DataFrame, stores: pd.DataFrame) -> _Chain:
    """The forecast by store, beside what the stores are."""
    require_columns(stores, "stores", ["store", "climate_zone"])
    require_unique(stores, "stores", ["store"])
    known = stores.set_index(stores["store"].astype(str))
    weekly = ahead.groupby(["store", "dark", "week"])["mean"].sum().reset_index()
    of_store = weekly[weekly["dark"]].groupby("store")["mean"].sum()
    names = pd.Index(of_store.index[of_store > 0].astype(str))
    if not names.isin(known.index).all():
        missing = names[~names.isin(known.index)]
        raise PanelError("stores", "store", f"no row for {len(missing)} stores, such as {missing[0]}")
    known = known.loc[names]
    zone, zones = pd.factorize(known["climate_zone"].astype(str), sort=True)
    dark, seen = (_forecast_counts(weekly[weekly["dark"] == kind], names) for kind in (True, False))
    size = numbers(known, "stores", "size", low=0) if "size" in known else dark.expected + seen.expected
    free = np.zeros(len(names))
    space = numbers(known, "stores", "space_cost", low=0) if "space_cost" in known else free
    can_test = known["can_test"].to_numpy(dtype=bool) if "can_test" in known else free == 0
    return _Chain(names, tuple(map(str, zones)), zone, standardised_log(size), space, can_test, dark, seen)


def _forecast_counts(weekly: pd.DataFrame, names: pd.Index[str]) -> Counts:
    """What each store is to sell in all weeks, were the forecast right."""
    place = names.get_indexer(pd.Index(weekly["store"]))
    mean = weekly["mean"].to_numpy(dtype=np.float64)[place >= 0]
    place = place[place >= 0]
    total = np.bincount(place, mean, minlength=len(names)).astype(np.float64)
    squared = np.bincount(place, mean**2, minlength=len(names))
    return Counts(total, total, np.divide(squared, total**2, out=np.zeros(len(names)), where=total > 0))


def _history(panel: pd.DataFrame, category: str, chain: _Chain, as_of: date) -> History:
    """The chain's history of the category in weeks that had ended."""
    require_columns(panel, "panel", ["store", "sku", "category", "week", "units", "exposure"])
    rows = panel[(panel["category"].astype(str) == category).to_numpy()]
    week = days(rows, "panel", "week")
    exposure = numbers(rows, "panel", "exposure", low=0, high=1)
    units = numbers(rows, "panel", "units", low=0)
    store = chain.names.get_indexer(pd.Index(rows["store"].astype(str)))
    used = (store >= 0) & (exposure > 0) & (week + _LAST_DAY <= np.datetime64(as_of, "D"))
    sku, _ = pd.factorize(rows["sku"].astype(str)[used], sort=True)
    return read_history(store[used], sku, week[used], units[used], exposure[used], len(chain.names))


def _by_store(series: pd.DataFrame, chain: _Chain) -> Floats:
    """Cost of the series of each store, (S,)."""
    place = chain.names.get_indexer(pd.Index(series["store"]))
    return np.bincount(place, series["cost"], minlength=len(chain.names)).astype(np.float64)


def _representation(chain: _Chain, spread: Spread) -> Representation:
    """The chain as the choice of stores sees it."""
    counted = spread.noise.information(chain.seen.expected, chain.seen.share)
    level = 1.0 / (1.0 / LEVEL_SPREADS[2] ** 2 + counted)
    noise = spread.noise.relative(chain.dark.expected, chain.dark.share) + level
    weight = chain.dark.expected / chain.dark.expected.sum()
    return Representation(weight, chain.zone, chain.size, noise, spread)


def _held_against(ahead: pd.DataFrame, pairs: tuple[tuple[str, str], ...]) -> pd.DataFrame:
    """The forecast of test stores and controls, dark weeks of the test stores only."""
    keys = [name for name in ("store", "sku") if name in ahead.columns]
    tests, controls = ({pair[place] for pair in pairs} for place in (0, 1))
    kept = ahead["store"].isin(tests) | (ahead["store"].isin(controls) & ~ahead["dark"])
    return (
        ahead.loc[kept, [*keys, "week", "mean", "dark"]].sort_values([*keys, "week"]).reset_index(drop=True)
    )
