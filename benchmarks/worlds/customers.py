"""Who wants what in which store and week: the truth that the forecasts are held against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.worlds import seasons

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.worlds.seasons import Category

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]
    Days = NDArray[np.datetime64]

HISTORY_WEEKS: Final = 130
HORIZON_WEEKS: Final = 52
STORES, STYLES, SIZES = 40, 4, 4
SIZE_NAMES: Final = ("S", "M", "L", "XL")

_SIZE_CURVE: Final = np.array([0.16, 0.34, 0.31, 0.19])
_STYLE_SHARES: Final = np.array([0.42, 0.30, 0.18, 0.10])
_WEEKDAYS: Final = np.array([0.78, 0.74, 0.80, 0.90, 1.16, 1.50, 1.12]) / 7
_WEATHER_WEEK, _WEATHER_YEAR, _WEATHER_STORE = 4.5, 1.2, 1.0
_WEATHER_MEMORY = 0.45
_FORTUNE_ZONE, _FORTUNE_STORE = 0.08, 0.12
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)


@dataclass(frozen=True)
class Shops:
    """The stores of the chain, (stores,) each.

    Attributes:
        zone: position in `seasons.ZONES`.
        size: against the average store.
        shift: days by which its season is late.
        offset: degrees F by which it is warmer than its zone.
        growth: yearly, as a log.
        asking: share of its disappointed customers who are written down, against the chain's.
    """

    zone: NDArray[np.intp]
    size: Floats
    shift: Floats
    offset: Floats
    growth: Floats
    asking: Floats

    @classmethod
    def draw(cls, seed: int) -> Shops:
        """The stores of one seed, the same for every category."""
        rng = np.random.default_rng([seed, 0])
        return cls(
            zone=np.asarray(rng.permutation(np.arange(STORES) % len(seasons.ZONES)), dtype=np.intp),
            size=rng.lognormal(-0.08, 0.4, STORES),
            shift=rng.normal(0, 5, STORES),
            offset=rng.normal(0, 1.5, STORES),
            growth=rng.normal(0, 0.04, STORES),
            asking=rng.lognormal(-0.045, 0.3, STORES),
        )


@dataclass(frozen=True)
class Customers:
    """Demand of one category in all stores: n = stores x styles x sizes series, in that order.

    Attributes:
        category: the shape of its year, as these customers have it.
        number: of the category, for the draws.
        last_day: the last day of the history (a Sunday).
        days: (days,) of the history.
        weeks_ahead: (52,) first days of the coming weeks.
        wanted: (days, n) units wanted at regular price, as they came.
        rate: (days, n) their mean, given the weather and fortune that came.
        planned: (days, n) their mean in normal weather, by which a good buyer plans.
        share: (n,) of the store's demand for the category.
        expected: (n, 52) mean of the coming weeks at regular price, over all weather that may come.
        dispersion: size r of a week's demand about the mean of the weather and fortune that came.
    """

    category: Category
    number: int
    seed: int
    shops: Shops
    last_day: date
    days: Days
    weeks_ahead: Days
    wanted: Counts
    rate: Floats
    planned: Floats
    share: Floats
    expected: Floats
    dispersion: float
    _growth: float

    @classmethod
    def draw(cls, seed: int, number: int, last_day: date) -> Customers:
        """The customers of category `number` of one seed; the trade does not change them."""
        rng = np.random.default_rng([seed, 1, number])
        category = seasons.drawn(seasons.CATEGORIES[number], rng)
        shops = Shops.draw(seed)
        dispersion, growth = float(rng.uniform(3, 8)), float(rng.uniform(-0.04, 0.07))
        share = _shares(rng)
        days = _days(last_day - timedelta(days=7 * HISTORY_WEEKS - 1), HISTORY_WEEKS)
        ahead = _days(last_day + timedelta(days=1), HORIZON_WEEKS)
        level = _level(category, shops)
        size = _grown(days, last_day, growth, shops) * level * np.tile(_WEEKDAYS, HISTORY_WEEKS)[:, None]
        came = _season(category, shops, days, weather(rng, HISTORY_WEEKS, shops.zone))
        came *= np.repeat(fortune(rng, HISTORY_WEEKS, shops.zone), 7, axis=0) * size
        rate = _per_series(came, share)
        heat = np.repeat(rng.gamma(dispersion, 1 / dispersion, (HISTORY_WEEKS, len(share))), 7, axis=0)
        future = _expected_season(category, shops, ahead)
        future *= _grown(ahead, last_day, growth, shops) * level * np.tile(_WEEKDAYS, HORIZON_WEEKS)[:, None]
        return cls(
            category, number, seed, shops, last_day, days, ahead[::7], rng.poisson(rate * heat), rate,
            _per_series(_expected_season(category, shops, days) * size, share), share,
            _weekly(_per_series(future, share)).T, dispersion, growth,
        )  # fmt: skip

    def futures(self, draws: int, part: int) -> Counts:
        """Demand of the coming weeks at regular price as it may come, (draws, n, 52).

        Another `part` is another set of draws.
        """
        rng = np.random.default_rng([self.seed, 2, self.number, part])
        days = _days(self.last_day + timedelta(days=1), HORIZON_WEEKS)
        size = _grown(days, self.last_day, self._growth, self.shops) * _level(self.category, self.shops)
        size = size * np.tile(_WEEKDAYS, HORIZON_WEEKS)[:, None]
        found = np.empty((draws, len(self.share), HORIZON_WEEKS), dtype=np.int64)
        for draw in range(draws):
            season = _season(self.category, self.shops, days, weather(rng, HORIZON_WEEKS, self.shops.zone))
            by_store = (season * size).reshape(HORIZON_WEEKS, 7, STORES).sum(axis=1)
            rate = _per_series(by_store * fortune(rng, HORIZON_WEEKS, self.shops.zone), self.share).T
            found[draw] = rng.poisson(rate * rng.gamma(self.dispersion, 1 / self.dispersion, rate.shape))
        return found


def series_store() -> NDArray[np.intp]:
    """Store of every series, (n,)."""
    return np.repeat(np.arange(STORES), STYLES * SIZES)


def weather(rng: np.random.Generator, weeks: int, zone: NDArray[np.intp]) -> Floats:
    """Degrees F off the normal, (weeks, stores): by zone, with memory from week to week, and warm years."""
    shocks = rng.normal(0, 1, (weeks, len(seasons.ZONES)))
    zones = np.empty_like(shocks)
    zones[0] = shocks[0]
    for week in range(1, weeks):
        zones[week] = _WEATHER_MEMORY * zones[week - 1] + np.sqrt(1 - _WEATHER_MEMORY**2) * shocks[week]
    years = rng.normal(0, _WEATHER_YEAR, weeks // 52 + 1)[np.arange(weeks) // 52]
    own = rng.normal(0, _WEATHER_STORE, (weeks, len(zone)))
    return np.asarray(_WEATHER_WEEK * zones[:, zone] + years[:, None] + own, dtype=np.float64)


def fortune(rng: np.random.Generator, weeks: int, zone: NDArray[np.intp]) -> Floats:
    """What else makes a week good or bad, (weeks, stores), mean 1."""
    zones = rng.lognormal(-(_FORTUNE_ZONE**2) / 2, _FORTUNE_ZONE, (weeks, len(seasons.ZONES)))
    own = rng.lognormal(-(_FORTUNE_STORE**2) / 2, _FORTUNE_STORE, (weeks, len(zone)))
    return np.asarray(zones[:, zone] * own, dtype=np.float64)


def normals_by_week(shops: Shops) -> Floats:
    """Each store's normal temperature in the 52 weeks of a calendar year, (stores, 52)."""
    middle = np.datetime64("2025-01-01") + (np.arange(52) * 7 + 3).astype("timedelta64[D]")
    return np.asarray((seasons.normal_temperature(middle, shops.zone) + shops.offset).T, dtype=np.float64)


def _season(category: Category, shops: Shops, days: Days, anomaly: Floats) -> Floats:
    """Season as it came, (days, stores): `anomaly` in degrees F, (weeks, stores)."""
    temperature = seasons.normal_temperature(days, shops.zone) + shops.offset
    return _interest(category, shops, days) * seasons.invitation(
        category.comfort, temperature + np.repeat(anomaly, 7, axis=0), shops.zone
    )


def _expected_season(category: Category, shops: Shops, days: Days) -> Floats:
    """Mean of the season over all weather, by Gauss-Hermite quadrature, (days, stores)."""
    temperature = seasons.normal_temperature(days, shops.zone) + shops.offset
    spread = np.sqrt(_WEATHER_WEEK**2 + _WEATHER_YEAR**2 + _WEATHER_STORE**2)
    invited = seasons.invitation(
        category.comfort, temperature[None] + spread * _NODES[:, None, None], shops.zone
    )
    mean = np.tensordot(_WEIGHTS / _WEIGHTS.sum(), invited, axes=1)
    return np.asarray(_interest(category, shops, days) * mean, dtype=np.float64)


def _interest(category: Category, shops: Shops, days: Days) -> Floats:
    cold = np.array([zone.cold for zone in seasons.ZONES])[shops.zone]
    return seasons.interest(category, days, cold, shops.shift)


def _level(category: Category, shops: Shops) -> Floats:
    """Units a week at season 1, (stores,): a zone's best normal week brings an average store its peak."""
    zones = np.arange(len(seasons.ZONES))
    plain = Shops(zones, *(np.zeros(len(zones)) for _ in range(5)))
    year = _days(date(2025, 1, 6), 52)
    height = _weekly(_expected_season(category, plain, year)).max(axis=0) / 7
    units = category.peak_units * np.array(category.taste) / height
    return np.asarray(units[shops.zone] * shops.size, dtype=np.float64)


def _shares(rng: np.random.Generator) -> Floats:
    """Each series' share of its store's demand for the category, (n,): local tastes and local size curves."""
    styles = rng.permutation(_STYLE_SHARES) * rng.lognormal(0, 0.25, (STORES, STYLES))
    sizes = _SIZE_CURVE * rng.lognormal(0, 0.2, (STORES, SIZES))
    shares = styles[:, :, None] * sizes[:, None, :]
    return np.asarray((shares / shares.sum(axis=(1, 2), keepdims=True)).ravel(), dtype=np.float64)


def _grown(days: Days, last_day: date, growth: float, shops: Shops) -> Floats:
    """Growth against the last day of the history, (days, stores)."""
    years = (days - np.datetime64(last_day, "D")).astype(np.float64) / seasons.YEAR_DAYS
    return np.asarray(np.exp(years[:, None] * (growth + shops.growth)[None, :]), dtype=np.float64)


def _per_series(by_store: Floats, share: Floats) -> Floats:
    """(times, stores) to (times, n)."""
    return np.asarray(by_store[:, series_store()] * share, dtype=np.float64)


def _weekly(daily: Floats) -> Floats:
    """Sums of seven days, along the first axis."""
    return np.asarray(daily.reshape(-1, 7, *daily.shape[1:]).sum(axis=1), dtype=np.float64)


def _days(first: date, weeks: int) -> Days:
    return np.datetime64(first, "D") + np.arange(7 * weeks).astype("timedelta64[D]")
