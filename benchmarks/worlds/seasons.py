"""When customers of a category come, by the calendar and by the temperature: the shapes of the year."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Days = NDArray[np.datetime64]

YEAR_DAYS: Final = 365.25


@dataclass(frozen=True)
class Zone:
    """A climate: yearly mean and swing of the temperature in degrees F, and how cold it is, -1 to 1."""

    name: str
    mean: float
    swing: float
    cold: float


ZONES: Final = (
    Zone("desert", 74.0, 20.0, -1.0),
    Zone("gulf", 69.0, 16.0, -0.6),
    Zone("coast", 60.0, 8.0, 0.0),
    Zone("plains", 54.0, 24.0, 0.5),
    Zone("north", 46.0, 27.0, 1.0),
)


@dataclass(frozen=True)
class Hump:
    """Interest that comes around the day `rise` and goes around the day `fall`, faster or slower.

    Days of the year, a fall beyond 365 lying in the next. `rise_cold` and `fall_cold` are the days by which
    the coldest zone is later than the middle one (the warmest as much earlier).
    """

    rise: float
    rise_days: float
    fall: float
    fall_days: float
    height: float = 1.0
    rise_cold: float = 0.0
    fall_cold: float = 0.0


@dataclass(frozen=True)
class Pulse:
    """Interest around a feast that moves: `cold` tilts its height from warm (negative) to cold zones."""

    feast: Callable[[int], date]
    days: float
    height: float
    cold: float = 0.0


@dataclass(frozen=True)
class Comfort:
    """How the temperature invites: 'warm' or 'cold' from a turning point on, 'mild' around it.

    The turning point moves by `adapts` of what the zone's hottest (coldest, mean) normal differs from
    `usual`: people dress for where they live.
    """

    kind: str
    turn: float
    width: float
    adapts: float
    usual: float


@dataclass(frozen=True)
class Category:
    """What is bought when.

    `floor` is the interest that never goes; `peak_units` is what customers of an average store want of the
    category in its zone's best normal week, times the `taste` of the zone.
    """

    name: str
    floor: float
    humps: tuple[Hump, ...]
    pulses: tuple[Pulse, ...]
    comfort: Comfort | None
    peak_units: float
    taste: tuple[float, ...]


def _weekday_of(month: int, weekday: int, nth: int) -> Callable[[int], date]:
    """The nth weekday (0 = Monday) of a month, counted from its end when negative."""

    def on(year: int) -> date:
        if nth > 0:
            first = date(year, month, 1)
            return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
        last = date(year, month + 1, 1) - timedelta(days=1)
        return last - timedelta(days=(last.weekday() - weekday) % 7)

    return on


def _fixed(month: int, day: int) -> Callable[[int], date]:
    return lambda year: date(year, month, day)


_memorial, _labor = _weekday_of(5, 0, -1), _weekday_of(9, 0, 1)
_thanksgiving = _weekday_of(11, 3, 4)


def _black_friday(year: int) -> date:
    return _thanksgiving(year) + timedelta(days=1)


SWIM: Final = Category(
    "swim",
    0.015,
    (Hump(132, 16, 244, 8, 1.0, rise_cold=12, fall_cold=-9), Hump(195, 14, 226, 6, 0.25)),
    (
        Pulse(_fixed(3, 22), 13, 0.16, cold=-0.9),
        Pulse(_memorial, 6, 0.15),
        Pulse(_fixed(7, 2), 7, 0.20),
        Pulse(_labor, 5, 0.08, cold=-0.5),
    ),
    Comfort("warm", 66.0, 4.5, 0.45, 82.0),
    75.0,
    (1.4, 1.3, 0.8, 1.0, 0.9),
)
BOOTS: Final = Category(
    "boots",
    0.01,
    (Hump(292, 13, 430, 12, 1.0, rise_cold=-10, fall_cold=8), Hump(368, 7, 412, 9, 0.30)),
    (Pulse(_black_friday, 6, 0.30), Pulse(_fixed(12, 19), 7, 0.35)),
    Comfort("cold", 47.0, 6.0, 0.55, 34.0),
    80.0,
    (0.15, 0.3, 0.6, 1.2, 1.4),
)
RAIN: Final = Category(
    "rainwear",
    0.04,
    (
        Hump(58, 10, 152, 11, 1.0, rise_cold=10, fall_cold=8),
        Hump(240, 8, 327, 15, 0.72, rise_cold=-8, fall_cold=-8),
    ),
    (Pulse(_fixed(4, 14), 12, 0.18), Pulse(_black_friday, 5, 0.12)),
    Comfort("mild", 55.0, 15.0, 0.5, 58.0),
    70.0,
    (0.5, 1.0, 1.3, 1.1, 1.0),
)
FLAT: Final = Category("tees", 1.0, (), (), None, 50.0, (1.0, 1.0, 1.0, 1.0, 1.0))
CATEGORIES: Final = (SWIM, BOOTS, RAIN, FLAT)


def drawn(category: Category, rng: np.random.Generator) -> Category:
    """This category as one chain's customers have it: every figure of the shape a little off its centre."""
    humps = tuple(
        replace(
            hump,
            rise=hump.rise + rng.normal(0, 4),
            fall=hump.fall + rng.normal(0, 4),
            rise_days=hump.rise_days * rng.lognormal(0, 0.15),
            fall_days=hump.fall_days * rng.lognormal(0, 0.15),
            height=hump.height * rng.lognormal(0, 0.1),
        )
        for hump in category.humps
    )
    pulses = tuple(replace(pulse, height=pulse.height * rng.lognormal(0, 0.25)) for pulse in category.pulses)
    comfort = category.comfort and replace(category.comfort, turn=category.comfort.turn + rng.normal(0, 1.5))
    return replace(category, humps=humps, pulses=pulses, comfort=comfort)


def interest(category: Category, days: Days, cold: Floats, shift: Floats) -> Floats:
    """Interest by the calendar alone, (days, stores), from each store's `cold` and the days it is late."""
    day = day_of_year(days)[:, None] - shift[None, :]
    total = np.full(day.shape, category.floor)
    for hump in category.humps:
        rise, fall = hump.rise + hump.rise_cold * cold, hump.fall + hump.fall_cold * cold
        for year in (-1, 0, 1):
            at = day + year * YEAR_DAYS
            total += (
                hump.height * _sigmoid((at - rise) / hump.rise_days) * _sigmoid((fall - at) / hump.fall_days)
            )
    for pulse in category.pulses:
        height = pulse.height * np.maximum(1 + pulse.cold * cold, 0.0)
        away = _days_to_feast(days, pulse.feast)
        total += height[None, :] * np.exp(-0.5 * (away / pulse.days) ** 2)[:, None]
    return total


def invitation(comfort: Comfort | None, temperature: Floats, zone: NDArray[np.intp]) -> Floats:
    """Share of the interested whom the temperature brings, shaped like `temperature` (..., stores)."""
    if comfort is None:
        return np.ones_like(temperature)
    extreme = {"warm": 1.0, "cold": -1.0, "mild": 0.0}[comfort.kind]
    local = np.array([each.mean + extreme * each.swing for each in ZONES])[zone]
    away = temperature - (comfort.turn + comfort.adapts * (local - comfort.usual))
    if comfort.kind == "mild":
        return np.asarray(0.35 + 0.65 * np.exp(-((away / comfort.width) ** 2)), dtype=np.float64)
    return _sigmoid(extreme * away / comfort.width)


def normal_temperature(days: Days, zone: NDArray[np.intp]) -> Floats:
    """Normal mean temperature in degrees F, (days, stores): lowest in January, springs slower than falls."""
    turn = 2 * np.pi * (day_of_year(days) / YEAR_DAYS)[:, None]
    mean, swing = (np.array([getattr(each, name) for each in ZONES])[zone] for name in ("mean", "swing"))
    lag = 2 * np.pi * 203 / YEAR_DAYS
    return np.asarray(mean + swing * (np.cos(turn - lag) + 0.06 * np.cos(2 * turn - 1.1)), dtype=np.float64)


def day_of_year(days: Days) -> Floats:
    """Days since 1 January."""
    return np.asarray(days - days.astype("datetime64[Y]").astype("datetime64[D]"), dtype=np.float64)


def _days_to_feast(days: Days, feast: Callable[[int], date]) -> Floats:
    """Days to the nearest time the feast is held."""
    years = range(days[0].astype(object).year - 1, days[-1].astype(object).year + 2)
    held = np.array([feast(year) for year in years], dtype="datetime64[D]")
    return np.asarray(
        np.abs((days[:, None] - held[None, :]).astype(np.float64)).min(axis=1), dtype=np.float64
    )


def _sigmoid(value: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -50, 50))), dtype=np.float64)
