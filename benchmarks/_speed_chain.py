"""A chain of any size for the clock: seasonal windows, sell-outs and markdowns, one category at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Weeks = npt.NDArray[np.datetime64]

CATEGORIES: Final = 30
SKUS: Final = 10
ZONES: Final = 5
HELD_OUT: Final = 13
LAST_WEEK: Final = np.datetime64("2025-12-22", "D")
"""First day of the history's last week; the held-out weeks follow it."""

_WEEK = np.timedelta64(7, "D")
_YEAR_WEEKS = 52.18
_BASIC_EVERY = 3
_BEFORE_PEAK, _AFTER_PEAK, _MARKED_DOWN = 11, 5, 4
_STAYS_OPEN_EVERY = 10
_ELASTICITY, _MARKDOWN_PRICES = 1.8, (0.8, 0.7, 0.6, 0.5)
_PRESENTATION_MINIMUM = 3.0


@dataclass(frozen=True)
class Shard:
    """One category as a night finds it, and the weeks after it.

    Attributes:
        panel: the weekly history, as ``forecaster.fit_demand`` takes it.
        supply, windows: what ``forecaster.expected_gap`` takes.
        units: (n, weeks) the same history, dense, series sorted by store and sku.
        ahead: (n, 13) units of the weeks after.
        scored: (n, 13) weeks at regular price that never lacked stock.
    """

    category: str
    panel: pd.DataFrame
    supply: pd.DataFrame
    windows: pd.DataFrame
    units: Floats
    ahead: Floats
    scored: npt.NDArray[np.bool_]


def weeks_before(weeks: int) -> Weeks:
    """First days of the history's weeks."""
    return np.asarray(LAST_WEEK + np.arange(1 - weeks, 1) * _WEEK)


def as_of() -> date:
    """Last day of the history."""
    last: date = (LAST_WEEK + np.timedelta64(6, "D")).item()
    return last


def n_stores(series: int) -> int:
    """Stores that hold so many series, ten skus of thirty categories in each."""
    return -(-series // (CATEGORIES * SKUS))


def climate(stores: int) -> pd.DataFrame:
    """Normal temperatures of every store by its zone: the warmer, the smaller its swing."""
    week = np.arange(1, 53)
    zone = np.arange(stores) % ZONES
    swing = -np.cos((week - 3.5) / 52 * 2 * np.pi)
    normal = 48.0 + 6.0 * zone[:, None] + (26.0 - 3.0 * zone[:, None]) * swing
    return pd.DataFrame(
        {
            "store": np.repeat(_codes("S", np.arange(stores)), 52),
            "week": np.tile(week, stores),
            "normal_temperature": normal.ravel(),
        }
    )


def make_shard(index: int, *, series: int, weeks: int, seed: int) -> Shard:
    """One of the thirty categories of a chain of ``series`` series.

    Every third category sells all year and is out of stock now and then. The others are hung eleven weeks
    before a peak and leave five weeks after it, marked down in the last four, bought once: what a store got
    for the season may not last. One store in ten keeps them. Demand is negative binomial.
    """
    generator = np.random.default_rng([seed, index])
    n = series // CATEGORIES + (index < series % CATEGORIES)
    store, sku = np.arange(n) // SKUS, np.arange(n) % SKUS
    week = weeks_before(weeks)[0] + np.arange(weeks + HELD_OUT) * _WEEK
    year = np.arange(weeks + HELD_OUT, dtype=np.float64) / _YEAR_WEEKS
    peak: Floats = generator.uniform(0.0, 1.0) - 0.02 * (store % ZONES).astype(np.float64)
    basic = index % _BASIC_EVERY == 0
    season = _season(year, peak, height=0.5 if basic else generator.uniform(1.5, 3.0))
    level = np.exp(generator.normal(0.0, 0.7, n) + generator.normal(0.0, 0.5, SKUS)[sku])
    mean = level[:, None] * season
    price = np.ones_like(mean) if basic else _prices(year, peak)
    wanted = generator.poisson(generator.gamma(3.0, mean * price**-_ELASTICITY / 3.0)).astype(np.float64)
    if basic:
        shelf = _replenished(wanted, generator)
    else:
        stays = (store + index) % _STAYS_OPEN_EVERY == 0
        shelf = _bought_once(wanted, mean, _on_floor(year, peak, stays=stays), year, peak, generator)
    keys = pd.DataFrame({"store": _codes("S", store), "sku": _codes(f"C{index:02d}-K", sku, width=2)})
    frame = keys.assign(category=f"C{index:02d}", climate_zone=_codes("Z", store % ZONES, width=1))
    supply = keys.assign(week=LAST_WEEK + _WEEK, units=shelf.left[:, weeks - 1])
    windows = keys.iloc[:0].assign(season_code="", floor_set=week[:0], exit=week[:0])
    if not basic:
        windows = _windows(keys, peak, week[0], weeks)
    regular = (shelf.exposure >= 1.0) & (price >= 1.0)
    return Shard(
        f"C{index:02d}",
        _panel(frame, week[:weeks], shelf, price),
        supply,
        windows,
        shelf.sold[:, :weeks],
        shelf.sold[:, weeks:],
        regular[:, weeks:],
    )


@dataclass(frozen=True)
class _Shelf:
    """What the shelves saw, all (n, t): units sold, exposure, stock at the start and the end of the week."""

    sold: Floats
    exposure: Floats
    start: Floats
    left: Floats


def _season(year: Floats, peak: Floats, *, height: float) -> Floats:
    """Demand over the year, (n, t), mean about 1: one wave round each series' peak."""
    wave = np.exp(2.0 * height * (np.cos(2 * np.pi * (year[None, :] - peak[:, None])) - 1.0))
    return np.asarray((0.1 + wave) / (0.1 + wave[:, :52].mean(axis=1, keepdims=True)), dtype=np.float64)


def _weeks_from_peak(year: Floats, peak: Floats) -> Floats:
    """Weeks from the nearest peak, negative before it, (n, t)."""
    turn = year[None, :] - peak[:, None] + 0.5
    return np.asarray((turn - np.floor(turn) - 0.5) * _YEAR_WEEKS, dtype=np.float64)


def _on_floor(year: Floats, peak: Floats, *, stays: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    away = _weeks_from_peak(year, peak)
    return np.asarray(((away >= -_BEFORE_PEAK) & (away < _AFTER_PEAK)) | stays[:, None])


def _prices(year: Floats, peak: Floats) -> Floats:
    """Price paid over regular price: a step down in each of the last four weeks on the floor."""
    step = np.floor(_weeks_from_peak(year, peak) - (_AFTER_PEAK - _MARKED_DOWN)).astype(int)
    steps = np.array([1.0, *_MARKDOWN_PRICES])
    return steps[np.where((step >= 0) & (step < _MARKED_DOWN), step + 1, 0)]


def _replenished(wanted: Floats, generator: np.random.Generator) -> _Shelf:
    """Goods that come every week; one week in twenty the lorry brings half of what is asked for."""
    short = generator.random(wanted.shape) < 0.05  # noqa: PLR2004 - told above
    start = np.where(short, np.ceil(wanted / 2), np.ceil(1.5 * wanted) + 2.0)
    sold = np.minimum(wanted, start)
    exposure = np.divide(sold, wanted, out=np.ones_like(sold), where=wanted > 0)
    return _Shelf(sold, exposure, start, start - sold)


def _bought_once(
    wanted: Floats,
    mean: Floats,
    on_floor: npt.NDArray[np.bool_],
    year: Floats,
    peak: Floats,
    generator: np.random.Generator,
) -> _Shelf:
    """Goods bought for a season: each series' stock is 0.6 to 1.4 times what the season will ask for."""
    season = np.floor(year[None, :] - peak[:, None] + 0.5).astype(int)
    season -= season.min()
    sold, exposure, start = (np.zeros_like(wanted) for _ in range(3))
    for number in range(season.max() + 1):
        mine = (season == number) & on_floor
        bought = np.round((mean * mine).sum(axis=1) * generator.uniform(0.6, 1.4, len(mean)))
        asked = np.where(mine, wanted, 0.0)
        before = np.maximum(bought[:, None] - (np.cumsum(asked, axis=1) - asked), 0.0)
        took = np.minimum(asked, before)
        served = np.divide(took, asked, out=(before > 0).astype(np.float64), where=asked > 0)
        sold[mine], exposure[mine], start[mine] = took[mine], served[mine], before[mine]
    return _Shelf(sold, exposure, start, start - sold)


def _panel(keys: pd.DataFrame, week: Weeks, shelf: _Shelf, price: Floats) -> pd.DataFrame:
    """The long panel of the history, with a row for every series and week."""
    n, t = len(keys), len(week)
    history = (slice(None), slice(0, t))
    rows = keys.loc[keys.index.repeat(t)].reset_index(drop=True)
    empty = (shelf.left[history] <= 0) & (shelf.sold[history] > 0)
    return rows.assign(
        week=np.tile(week.astype("datetime64[s]"), n),
        units=shelf.sold[history].ravel(),
        exposure=shelf.exposure[history].ravel(),
        price_ratio=price[history].ravel(),
        sold_out=empty.ravel().astype(np.float64),
        fullness=np.clip(shelf.start[history] / _PRESENTATION_MINIMUM, 0.01, 1.0).ravel(),
    )


def _windows(keys: pd.DataFrame, peak: Floats, first: np.datetime64, weeks: int) -> pd.DataFrame:
    """The last window before the history's end and the two after it, of every series."""
    now = weeks / _YEAR_WEEKS
    parts = []
    for ahead in (0, 1, 2):
        number = np.ceil(now - peak) - 1 + ahead
        middle = np.round((number + peak) * _YEAR_WEEKS)
        floor_set = first + ((middle - _BEFORE_PEAK) * 7).astype("timedelta64[D]")
        leaving = first + ((middle + _AFTER_PEAK) * 7 - 1).astype("timedelta64[D]")
        parts.append(keys.assign(season_code=f"N{ahead}", floor_set=floor_set, exit=leaving))
    return pd.concat(parts, ignore_index=True)


def _codes(prefix: str, number: npt.NDArray[np.int_], *, width: int = 4) -> npt.NDArray[np.object_]:
    return np.array([f"{prefix}{value:0{width}d}" for value in number], dtype=object)
