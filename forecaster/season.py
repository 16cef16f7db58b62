"""The season of a category: one curve over the year, bent by zone and temperature, shared by its series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from forecaster.penalised import Fit, Term, fit_penalised
from forecaster.splines import TemperatureSpline, YearSpline
from forecaster.year import WEEKS_PER_YEAR, year_fraction

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

YEAR_KNOTS = 26
"""A knot every two weeks can follow Christmas; where nothing so sharp happens the penalty irons it flat."""

ZONE_KNOTS = 8
"""Zones differ by when and how much, not by single weeks."""

ELASTICITY_BEFORE, ELASTICITY_SPREAD = 1.76, 0.15
"""What is known of an elasticity before any sale: the mean of 367 published ones (Tellis, The Price
Elasticity of Selective Demand, Journal of Marketing Research 25, 1988). Within a trade they may differ by
0.5, but the likelihood takes the weeks of one markdown, which comes at the same time every year, for
independent witnesses when they are one: three or four events seen as fifty weeks. The narrower spread
makes up for that; it is a judgement, not an estimate."""

MAX_ELASTICITY = 5.0
_MIN_CELLS = 10
_MIN_PRICE_SPREAD = 0.02
_MIN_TEMPERATURE_SPREAD = 5.0
_GRID = (np.arange(104) + 0.5) / 104
_ROUNDS_FIRST, _ROUNDS_AGAIN = 6, 1


@dataclass(frozen=True)
class SeasonCells:
    """What a category's season is fitted on: one entry per zone x week with exposure.

    Attributes:
        units: sold.
        base: sum over series of exposure x level, the units a flat season would have sold at regular price.
        log_price: base-weighted mean of log price_ratio.
        zone: index of the climate zone.
        week: first days of weeks, datetime64[D].
    """

    units: Floats
    base: Floats
    log_price: Floats
    zone: Indices
    week: npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Climate:
    """Normal temperatures of a category's zones: (zones, 52), degrees F, by week of the calendar year."""

    normals: Floats

    def at(self, zone: Indices, fraction: Floats) -> Floats:
        """Temperature of zones at fractions of the year, by linear interpolation round the year."""
        positions = (np.arange(self.normals.shape[1]) + 0.5) / self.normals.shape[1]
        found = np.empty(np.broadcast(zone, fraction).shape)
        for index in np.unique(zone):
            rows = zone == index
            found[rows] = np.interp(fraction[rows], positions, self.normals[index], period=1.0)
        return found


@dataclass(frozen=True)
class Season:
    """A fitted season; ``at`` tells its height, ``uncertainty`` how well it is known.

    Attributes:
        n_zones: zones of the category.
        elasticity: beta >= 0, demand moves with price_ratio ** -beta.
        climate: normals used, None when temperature takes no part.
    """

    n_zones: int
    elasticity: float = 0.0
    climate: Climate | None = None
    temperature: TemperatureSpline | None = None
    fit: Fit | None = None
    _offsets: Floats | None = None
    _centres: Floats | None = None
    _skip: int = 0

    def at(self, zone: Indices, fraction: Floats) -> Floats:
        """Season factors (n,): the mean over the year is 1 in every zone."""
        if self.fit is None or self._offsets is None:
            return np.ones(len(zone))
        return np.asarray(np.exp(self._bend(zone, fraction) - self._offsets[zone]), dtype=np.float64)

    def uncertainty(self, zone: Indices, fraction: Floats) -> Floats:
        """Variance of the log factor (n,), relative to the weeks the zone's levels rest on."""
        if self.fit is None or self._centres is None:
            return np.zeros(len(zone))
        away = self._design(zone, fraction) - self._centres[zone]
        covariance = self.fit.covariance[self._skip :, self._skip :]
        return np.asarray(np.maximum(np.sum((away @ covariance) * away, axis=1), 0.0), dtype=np.float64)

    def _bend(self, zone: Indices, fraction: Floats) -> Floats:
        assert self.fit is not None  # noqa: S101 - callers have looked
        return np.asarray(
            self._design(zone, fraction) @ self.fit.coefficients[self._skip :], dtype=np.float64
        )

    def _design(self, zone: Indices, fraction: Floats) -> Floats:
        terms = season_terms(zone, fraction, self.n_zones, self.climate, self.temperature)
        return np.hstack([term.design for term in terms])

    def centred(self, cells: SeasonCells) -> Season:
        """This season with a yearly mean of 1 per zone, its uncertainty counted from the cells' centre."""
        zones = np.arange(self.n_zones)
        grid_zone = np.repeat(zones, len(_GRID))
        bend = self._bend(grid_zone, np.tile(_GRID, self.n_zones)).reshape(self.n_zones, -1)
        highest = bend.max(axis=1, keepdims=True)
        offsets = highest[:, 0] + np.log(np.exp(bend - highest).mean(axis=1))
        design = self._design(cells.zone, year_fraction(cells.week))
        centres = np.tile(np.average(design, axis=0, weights=cells.units + 1e-6), (self.n_zones, 1))
        for zone in np.unique(cells.zone):
            rows = cells.zone == zone
            centres[zone] = np.average(design[rows], axis=0, weights=cells.units[rows] + 1e-6)
        return replace(self, _offsets=offsets, _centres=centres)


def season_terms(
    zone: Indices,
    fraction: Floats,
    n_zones: int,
    climate: Climate | None,
    temperature: TemperatureSpline | None,
) -> list[Term]:
    """Design of the season: the category's year, each zone's departure from it, the temperature."""
    year = YearSpline(YEAR_KNOTS)
    terms = [Term(year.basis(fraction), year.penalty())]
    if n_zones > 1:
        departure = YearSpline(ZONE_KNOTS)
        basis, width = departure.basis(fraction), ZONE_KNOTS - 1
        design = np.zeros((len(zone), n_zones * width))
        for index in range(n_zones):
            rows = zone == index
            design[np.ix_(rows, np.arange(index * width, (index + 1) * width))] = basis[rows]
        # Ridge besides roughness: a zone without rows of its own departs by nothing.
        penalty = departure.penalty() + np.eye(width)
        terms.append(Term(design, np.asarray(np.kron(np.eye(n_zones), penalty), dtype=np.float64)))
    if climate is not None and temperature is not None:
        terms.append(Term(temperature.basis(climate.at(zone, fraction)), temperature.penalty()))
    return terms


def fit_season(
    cells: SeasonCells, n_zones: int, climate: Climate | None, *, age: Floats, earlier: Season | None = None
) -> Season:
    """Fit a category's season on its zone x week cells.

        log E[units] = log base + zone + f(year) + f_zone(year) + g(temperature) - beta log rho + years ago

    Args:
        cells: cells with base > 0.
        n_zones: zones of the category, with or without cells.
        climate: zone normals, or None.
        age: weeks between each cell and as_of (for the effect of whole years ago: growth, not season).
        earlier: a previous fit on the same cells with other levels, to start from.

    Returns:
        The season; flat where there is nothing to learn from.
    """
    if len(cells.units) < _MIN_CELLS or cells.units.sum() <= 0:
        return Season(n_zones)
    fraction = year_fraction(cells.week)
    temperature = _temperature_term(cells, climate, fraction)
    if temperature is None:
        climate = None
    years = _years_ago(age)
    terms = ([years] if years else []) + season_terms(cells.zone, fraction, n_zones, climate, temperature)
    n_years = years.design.shape[1] if years else 0
    fit, elasticity, n_before = _fit_with_price(cells, terms, earlier)
    season = Season(n_zones, elasticity, climate, temperature, fit, _skip=n_before + n_years)
    return season.centred(cells)


def _fit_with_price(cells: SeasonCells, terms: list[Term], earlier: Season | None) -> tuple[Fit, float, int]:
    """Fit with the own-price elasticity where prices moved; hold it at its bound where it would break it.

    Returns:
        The fit, the elasticity, and the number of columns before those of `terms`.
    """
    offset = np.log(cells.base)
    intercepts = _intercepts(cells.zone)
    n_intercepts = intercepts.shape[1]
    rounds = _ROUNDS_AGAIN if earlier and earlier.fit else _ROUNDS_FIRST
    bound = 0.0
    if np.ptp(cells.log_price) >= _MIN_PRICE_SPREAD:
        known = offset - ELASTICITY_BEFORE * cells.log_price
        price = Term(-cells.log_price[:, None], np.eye(1), precision=ELASTICITY_SPREAD**-2)
        start = _matching(earlier, n_intercepts, [price, *terms])
        fit = fit_penalised(cells.units, intercepts, [price, *terms], known, start=start, rounds=rounds)
        elasticity = ELASTICITY_BEFORE + float(fit.coefficients[n_intercepts])
        if 0.0 <= elasticity <= MAX_ELASTICITY:
            return fit, elasticity, n_intercepts + 1
        bound = float(np.clip(elasticity, 0.0, MAX_ELASTICITY))
        offset = offset - bound * cells.log_price
    start = _matching(earlier, n_intercepts, terms)
    fit = fit_penalised(cells.units, intercepts, terms, offset, start=start, rounds=rounds)
    return fit, bound, n_intercepts


def _matching(earlier: Season | None, n_parametric: int, terms: list[Term]) -> Fit | None:
    """The earlier fit if it has the same columns."""
    if earlier is None or earlier.fit is None:
        return None
    n_columns = n_parametric + sum(term.design.shape[1] for term in terms)
    same = len(earlier.fit.coefficients) == n_columns and len(earlier.fit.weights) == len(terms)
    return earlier.fit if same else None


def _intercepts(zone: Indices) -> Floats:
    """A column of ones, and one per further zone that has cells."""
    present = np.unique(zone)
    return np.column_stack([np.ones(len(zone))] + [(zone == other).astype(float) for other in present[1:]])


def _temperature_term(
    cells: SeasonCells, climate: Climate | None, fraction: Floats
) -> TemperatureSpline | None:
    """A spline over the temperatures that were seen with stock, if they differ enough to tell anything."""
    if climate is None:
        return None
    seen = climate.at(cells.zone, fraction)
    if np.ptp(seen) < _MIN_TEMPERATURE_SPREAD:
        return None
    return TemperatureSpline(float(seen.min()), float(seen.max()))


def _years_ago(age: Floats) -> Term | None:
    """Effects of whole years before as_of, shrunk to none: such a year holds every season once."""
    year = np.floor(age / WEEKS_PER_YEAR).astype(int)
    ages = np.unique(year)
    if len(ages) < 2:  # noqa: PLR2004 - one year cannot be told from its season
        return None
    design = np.column_stack([(year == value).astype(float) for value in ages])
    return Term(design, np.eye(len(ages)))
