"""The season of a category: one curve over the year, bent by zone and temperature, shared by its series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from forecaster.moving_holidays import holiday_days
from forecaster.penalised import Fit, Regression, Term
from forecaster.splines import TemperatureSpline, YearSpline
from forecaster.year import year_fraction

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]
    Days = npt.NDArray[np.datetime64]

YEAR_KNOTS: Final = 52
"""A knot a week can follow Christmas; where nothing so sharp happens the penalty irons it flat."""

ZONE_KNOTS: Final = 12
"""Zones differ by when and how much, not by single weeks."""

CALENDAR, ZONE, TEMPERATURE, HOLIDAYS = "calendar", "zone", "temperature", "holidays"

_YEAR = YearSpline(YEAR_KNOTS)
_YEAR_PENALTY = _YEAR.penalty()
_DEPARTURE = YearSpline(ZONE_KNOTS, ridge=3.0)
_DEPARTURE_PENALTY = _DEPARTURE.penalty()
_MIN_CELLS = 10
_MIN_TEMPERATURE_SPREAD = 5.0
_ROUNDS_FIRST, _ROUNDS_AGAIN = 8, 3
_REFERENCE_YEARS = 4


@dataclass(frozen=True)
class Response:
    """A covariate to which demand answers in proportion: units move with value ** exponent.

    Attributes:
        name: of the covariate.
        before: exponent expected before any sale is seen.
        spread: standard deviation round it.
        low, high: exponents beyond these are held there: demand does not rise with the price.
    """

    name: str
    before: float
    spread: float
    low: float
    high: float


PRICE: Final = Response("price", before=-1.76, spread=0.15, low=-5.0, high=0.0)
"""Exponent of price paid over regular price, minus the elasticity. Before: the mean of 367 published
elasticities (Tellis, The Price Elasticity of Selective Demand, Journal of Marketing Research 25, 1988).
Within a trade they may differ by 0.5, but the likelihood takes the weeks of one markdown, which comes at the
same time every year, for independent witnesses when they are one: three or four events seen as fifty weeks.
The narrower spread makes up for that; it is a judgement, not an estimate."""

FULLNESS: Final = Response("fullness", before=0.0, spread=0.1, low=0.0, high=0.5)
"""Exponent of min(1, on hand / presentation minimum): a broken assortment sells less than its demand (Smith
and Achabal, Clearance Pricing and Inventory Policies for Retail Chains, Management Science 44, 1998)."""

RESPONSES: Final = (PRICE, FULLNESS)
_MIN_RESPONSE_SPREAD = 0.02


@dataclass(frozen=True)
class SeasonCells:
    """What a category's season is fitted on: one entry per zone x week with exposure, and one with requests.

    Attributes:
        units: sold, or asked for and not found.
        base: units a flat season would have brought at the exponents in hand.
        slopes: (n, responses) base-weighted mean of each response's log covariate; 0 for requests.
        zone: index of the climate zone.
        week: first days of weeks, datetime64[D].
        asked: whether the entry counts requests.
    """

    units: Floats
    base: Floats
    slopes: Floats
    zone: Indices
    week: Days
    asked: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Climate:
    """What is known of zones by week of the calendar year: normal temperatures (zones, 52), degrees F."""

    normals: Floats

    def at(self, zone: Indices, fraction: Floats) -> Floats:
        """Its value (n,) at fractions of the year, by linear interpolation round the year."""
        positions = (np.arange(self.normals.shape[1]) + 0.5) / self.normals.shape[1]
        found = np.empty(np.broadcast(zone, fraction).shape)
        for index in np.unique(zone):
            rows = zone == index
            found[rows] = np.interp(fraction[rows], positions, self.normals[index], period=1.0)
        return found


@dataclass(frozen=True)
class SeasonLayout:
    """Which terms a season is made of, and their columns for any zones and weeks.

    Attributes:
        n_zones: zones of the category.
        climate, temperature: normals and the spline over them; None when temperature takes no part.
        kin: (zones, 52) log season of kindred categories, by week of the calendar year, from which this one
            departs; None for a category that knows itself.
    """

    n_zones: int
    climate: Climate | None = None
    temperature: TemperatureSpline | None = None
    kin: Floats | None = None

    def kin_at(self, zone: Indices, week: Days) -> Floats:
        """Log season of the kindred categories (n,), 0 without any."""
        if self.kin is None:
            return np.zeros(len(zone))
        return Climate(self.kin).at(zone, year_fraction(week))

    def terms(self, zone: Indices, week: Days) -> list[Term]:
        """The category's year, each zone's departure from it, the temperature, the moving holidays."""
        weeks, place = np.unique(week, return_inverse=True)
        year, departure, around = _bases(weeks.astype("datetime64[D]").astype(np.int64).tobytes())
        terms = [Term(CALENDAR, year[place], _YEAR_PENALTY)]
        if self.n_zones > 1:
            terms.append(self._departures(zone, departure[place]))
        if self.climate is not None and self.temperature is not None:
            terms.append(Term(TEMPERATURE, self._warmer(zone, weeks, place), self.temperature.penalty()))
        terms.append(Term(HOLIDAYS, around[place], np.eye(around.shape[1])))
        return terms

    def _warmer(self, zone: Indices, weeks: Days, place: Indices) -> Floats:
        """Temperature's columns, each less its mean over the zones at that time of year.

        What all zones have in common is the calendar's to tell: within one zone spring and warmth rise
        together, and a summer foretold from the warmth of spring came out twice too high.
        """
        assert self.climate is not None  # noqa: S101 - callers have looked
        assert self.temperature is not None  # noqa: S101
        every_zone, every_week = crossed(self.n_zones, weeks)
        columns = self.temperature.basis(self.climate.at(every_zone, year_fraction(every_week)))
        columns = columns.reshape(self.n_zones, len(weeks), -1)
        return np.asarray((columns - columns.mean(axis=0))[zone, place], dtype=np.float64)

    def _departures(self, zone: Indices, basis: Floats) -> Term:
        width = basis.shape[1]
        design = np.zeros((len(zone), self.n_zones * width))
        for index in range(self.n_zones):
            rows = zone == index
            design[np.ix_(rows, np.arange(index * width, (index + 1) * width))] = basis[rows]
        penalty = np.kron(np.eye(self.n_zones), _DEPARTURE_PENALTY)
        return Term(ZONE, design, np.asarray(penalty, dtype=np.float64))


@dataclass(frozen=True)
class Season:
    """A fitted season; ``at`` tells its height, ``uncertainty`` how well it is known.

    Attributes:
        layout: its terms.
        exponents: by response; demand is what they are taken out of.
        recording: log share of disappointed customers whose request is written down, None when unknown.
        fit: the regression, None while nothing could be learnt.
    """

    layout: SeasonLayout
    exponents: tuple[float, ...] = tuple(0.0 for _ in RESPONSES)
    recording: float | None = None
    fit: Fit | None = None
    _skip: int = 0
    _offsets: Floats | None = None
    _centres: Floats | None = None

    @property
    def elasticity(self) -> float:
        """Own-price elasticity beta >= 0: demand moves with price_ratio ** -beta."""
        return -self.exponents[RESPONSES.index(PRICE)]

    @property
    def assortment(self) -> float:
        """Exponent of a shelf's fullness, >= 0."""
        return self.exponents[RESPONSES.index(FULLNESS)]

    def at(self, zone: Indices, week: Days) -> Floats:
        """Season factors (n,): the mean over the years before as_of is 1 in every zone."""
        return np.asarray(np.exp(sum(self.contributions(zone, week).values())), dtype=np.float64)

    def curve(self, weeks: Days) -> Floats:
        """Season factors of all zones, (zones, t)."""
        n = self.layout.n_zones
        return self.at(*crossed(n, weeks)).reshape(n, -1)

    def contributions(self, zone: Indices, week: Days) -> dict[str, Floats]:
        """Log factor (n,) of each term; they add up to the log of the season.

        The level of the mean year is part of the calendar's.
        """
        if self.fit is None or self._offsets is None:
            return {CALENDAR: np.zeros(len(zone))}
        told, low = {}, self._skip
        for term in self.layout.terms(zone, week):
            high = low + term.design.shape[1]
            told[term.name] = np.asarray(term.design @ self.fit.coefficients[low:high], dtype=np.float64)
            low = high
        told[CALENDAR] = told[CALENDAR] - self._offsets[zone] + self.layout.kin_at(zone, week)
        return told

    def uncertainty(self, zone: Indices, week: Days) -> Floats:
        """Variance of the log factor (n,), relative to the weeks the zone's levels rest on."""
        if self.fit is None or self._centres is None:
            return np.zeros(len(zone))
        away = self._design(zone, week) - self._centres[zone]
        covariance = self.fit.covariance[self._skip :, self._skip :]
        return np.asarray(np.maximum(np.sum((away @ covariance) * away, axis=1), 0.0), dtype=np.float64)

    def _design(self, zone: Indices, week: Days) -> Floats:
        return np.hstack([term.design for term in self.layout.terms(zone, week)])

    def centred(self, cells: SeasonCells, as_of: np.datetime64) -> Season:
        """This season with a yearly mean of 1 per zone, its uncertainty counted from the cells' centre."""
        assert self.fit is not None  # noqa: S101 - called where one was just made
        n = self.layout.n_zones
        zone, weeks = crossed(n, reference_weeks(as_of))
        bend = self._design(zone, weeks) @ self.fit.coefficients[self._skip :]
        bend = (bend + self.layout.kin_at(zone, weeks)).reshape(n, -1)
        highest = bend.max(axis=1, keepdims=True)
        offsets = highest[:, 0] + np.log(np.exp(bend - highest).mean(axis=1))
        sold = ~cells.asked
        design, zone = self._design(cells.zone[sold], cells.week[sold]), cells.zone[sold]
        weight = cells.units[sold] + 1e-6
        centres = np.tile(np.average(design, axis=0, weights=weight), (n, 1))
        for index in np.unique(zone):
            rows = zone == index
            centres[index] = np.average(design[rows], axis=0, weights=weight[rows])
        return replace(self, _offsets=offsets, _centres=centres)


def crossed(n_zones: int, weeks: Days) -> tuple[Indices, Days]:
    """Every zone with every week, flat."""
    return np.repeat(np.arange(n_zones), len(weeks)), np.tile(weeks, n_zones)


@lru_cache(maxsize=32)
def _bases(first_days: bytes) -> tuple[Floats, Floats, Floats]:
    """Columns of the year, of a departure from it and of the holidays, of weeks given by their days' bytes.

    The same few sets of weeks are asked for at every turn of every category.
    """
    weeks = np.frombuffer(first_days, dtype=np.int64).astype("datetime64[D]")
    fraction = year_fraction(weeks)
    return _YEAR.basis(fraction), _DEPARTURE.basis(fraction), holiday_days(weeks)


def reference_weeks(as_of: np.datetime64) -> Days:
    """The weeks over which a season's mean is 1: whole years up to as_of."""
    n_weeks = round(_REFERENCE_YEARS * 365.25 / 7)
    return np.asarray(as_of - np.arange(n_weeks)[::-1] * np.timedelta64(7, "D"), dtype="datetime64[D]")


def fit_season(
    cells: SeasonCells, earlier: Season, climate: Climate | None, *, as_of: np.datetime64, least_scale: float
) -> Season:
    """Fit a category's season on its zone x week cells.

        log E[units] = log base + zone + calendar + zone departure + temperature + holidays
                       + sum over responses of (exponent - exponent in hand) * mean log covariate

    and for requests log base + the same season + log recording share.

    Args:
        cells: cells with base > 0.
        earlier: the season in hand, whose exponents are in the cells' base; its fit is where this one starts.
        climate: zone normals, or None.
        as_of: last day known.
        least_scale: dispersion of the category's clusters; the cells' own is not believed below it.

    Returns:
        The season; the earlier one where there is nothing to learn from.
    """
    sold = ~cells.asked
    if sold.sum() < _MIN_CELLS or cells.units[sold].sum() <= 0:
        return earlier
    climate, temperature = _temperature_term(cells, climate)
    layout = replace(earlier.layout, climate=climate, temperature=temperature)
    season = replace(earlier, layout=layout)
    fit, exponents, skip = _fit_with_responses(cells, season, least_scale)
    # The column of requests is the last of the unpenalised ones.
    recording = float(fit.coefficients[len(np.unique(cells.zone))]) if cells.asked.any() else None
    found = replace(season, exponents=exponents, recording=recording, fit=fit, _skip=skip)
    return found.centred(cells, as_of)


def converged_season(
    cells: SeasonCells, season: Season, *, as_of: np.datetime64, least_scale: float
) -> Season:
    """The season at its smoothing weights, taken to the end of the iteration.

    Args:
        cells: as for `fit_season`, with the season's own exponents in their base.
        season: as `fit_season` returned it.
        as_of: last day known.
        least_scale: as for `fit_season`.
    """
    if season.fit is None:
        return season
    held = {
        index: exponent
        for index, (exponent, response) in enumerate(zip(season.exponents, RESPONSES, strict=True))
        if exponent in {response.low, response.high}
    }
    regression, free = _regression(cells, season, held, least_scale)
    start = _matching(season, regression)
    if start is None:
        return season
    fit = regression.converged(start)
    first = regression.parametric.shape[1]
    exponents = _exponents(season, fit.coefficients[first:], free, held)
    return replace(season, fit=fit, exponents=exponents).centred(cells, as_of)


def _fit_with_responses(
    cells: SeasonCells, season: Season, least_scale: float
) -> tuple[Fit, tuple[float, ...], int]:
    """Fit with an exponent for every covariate that moves; one beyond its bound is held there.

    Returns:
        The fit, the exponents, and the number of columns before the season's.
    """
    held: dict[int, float] = {}
    while True:
        regression, free = _regression(cells, season, held, least_scale)
        start = _matching(season, regression)
        fit = regression.fit(start, rounds=_ROUNDS_AGAIN if start else _ROUNDS_FIRST)
        first = regression.parametric.shape[1]
        exponents = _exponents(season, fit.coefficients[first:], free, held)
        beyond = {
            index: float(np.clip(exponents[index], RESPONSES[index].low, RESPONSES[index].high))
            for index in free
            if not RESPONSES[index].low <= exponents[index] <= RESPONSES[index].high
        }
        if not beyond:
            return fit, exponents, first + len(free)
        held |= beyond


def _exponents(
    season: Season, coefficients: Floats, free: list[int], held: dict[int, float]
) -> tuple[float, ...]:
    """Exponents found, held, and (of covariates that do not move) as they were."""
    found = {index: RESPONSES[index].before + float(coefficients[place]) for place, index in enumerate(free)}
    return tuple((found | held).get(index, before) for index, before in enumerate(season.exponents))


def _regression(
    cells: SeasonCells, season: Season, held: dict[int, float], least_scale: float
) -> tuple[Regression, list[int]]:
    """The regression, and which responses have a column in it."""
    offset = np.log(cells.base) + season.layout.kin_at(cells.zone, cells.week)
    in_hand = season.exponents
    terms, free = [], []
    for index, response in enumerate(RESPONSES):
        slope = cells.slopes[:, index]
        if index in held:
            offset = offset + slope * (held[index] - in_hand[index])
        elif np.ptp(slope) >= _MIN_RESPONSE_SPREAD:
            offset = offset + slope * (response.before - in_hand[index])
            terms.append(Term(response.name, slope[:, None], np.eye(1), precision=response.spread**-2))
            free.append(index)
    terms += season.layout.terms(cells.zone, cells.week)
    return Regression(cells.units, _intercepts(cells), terms, offset, least_scale), free


def _n_columns(regression: Regression) -> int:
    return int(regression.parametric.shape[1]) + sum(int(term.design.shape[1]) for term in regression.terms)


def _matching(earlier: Season, regression: Regression) -> Fit | None:
    """The earlier fit if it has the same columns."""
    if earlier.fit is None:
        return None
    same = len(earlier.fit.weights) == len(regression.terms)
    return earlier.fit if same and len(earlier.fit.coefficients) == _n_columns(regression) else None


def _intercepts(cells: SeasonCells) -> Floats:
    """A column of ones, one per further zone that has cells, and one for requests: their recording share."""
    present = np.unique(cells.zone)
    columns = [np.ones(len(cells.zone))] + [(cells.zone == other).astype(float) for other in present[1:]]
    if cells.asked.any():
        columns.append(cells.asked.astype(float))
    return np.column_stack(columns)


def _temperature_term(
    cells: SeasonCells, climate: Climate | None
) -> tuple[Climate | None, TemperatureSpline | None]:
    """A spline over the temperatures that were seen with stock, if they differ enough to tell anything."""
    if climate is None or len(climate.normals) < 2:  # noqa: PLR2004 - one zone differs from nothing
        return None, None
    sold = ~cells.asked
    seen = climate.at(cells.zone[sold], year_fraction(cells.week[sold]))
    if np.ptp(seen) < _MIN_TEMPERATURE_SPREAD:
        return None, None
    return climate, TemperatureSpline(float(seen.min()), float(seen.max()))
