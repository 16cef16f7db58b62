"""One category fitted and foretold: season and levels in turn, with what each week's forecast rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecaster.evidence import STRONGEST_FIRST, Evidence, labels, seen_exposure
from forecaster.level import fit_levels, settled_levels
from forecaster.season import Climate, Season, SeasonCells, fit_season
from forecaster.year import year_fraction

if TYPE_CHECKING:
    import numpy.typing as npt

    from forecaster.panel import CategoryBlock

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

_MAX_TURNS = 6
_SETTLED = 0.01
_GRID = (np.arange(52) + 0.5) / 52
_UNKNOWN_DOUBT = float(np.expm1(0.8**2))
_MAX_DOUBT = 4.0


@dataclass(frozen=True)
class Told:
    """What a category says about t weeks in each of its zones, all (zones, t).

    Attributes:
        season: factor on the level.
        doubt: relative variance added to every series' demand, because the season itself is uncertain.
        evidence: positions in ``STRONGEST_FIRST``.
    """

    season: Floats
    doubt: Floats
    evidence: npt.NDArray[np.int8]


@dataclass(frozen=True)
class CategoryModel:
    """A fitted category of n series."""

    category: str
    zones: tuple[str, ...]
    rows: Indices
    zone: Indices
    level: Floats
    level_shape: Floats
    dispersion: float
    discount: float
    season: Season
    week_fraction: Floats
    zone_exposure: Floats

    @property
    def inverse_size(self) -> Floats:
        """1 / size of a week's demand: level uncertainty and weekly dispersion, (n,)."""
        return 1.0 / self.level_shape + (1.0 + 1.0 / self.level_shape) / self.dispersion

    def tell(self, weeks: npt.NDArray[np.datetime64]) -> Told:
        """Season, doubt and evidence of weeks, with what nobody has seen capped at the season's peak."""
        fraction = year_fraction(weeks)
        factor, evidence = self._at(fraction)
        grid, grid_evidence = self._at(_GRID)
        seen = grid_evidence == STRONGEST_FIRST.index(Evidence.OBSERVED)
        own_peak = np.where(seen, grid, -np.inf).max(axis=1, keepdims=True)
        peak = own_peak.max(initial=-np.inf)
        peak = peak if np.isfinite(peak) else 1.0
        own_peak = np.where(np.isfinite(own_peak), own_peak, peak)
        unknown = evidence == STRONGEST_FIRST.index(Evidence.UNKNOWN)
        borrowed = evidence == STRONGEST_FIRST.index(Evidence.BORROWED)
        factor = np.where(unknown, np.minimum(factor, own_peak), factor)
        factor = np.where(borrowed, np.minimum(factor, peak), factor)
        zone, flat = _crossed(len(self.zones), fraction)
        doubt = np.expm1(np.minimum(self.season.uncertainty(zone, flat), 1.6)).reshape(factor.shape)
        doubt = np.where(unknown, np.maximum(doubt, _UNKNOWN_DOUBT), doubt)
        return Told(factor, np.minimum(doubt, _MAX_DOUBT), evidence)

    def _at(self, fraction: Floats) -> tuple[Floats, npt.NDArray[np.int8]]:
        zone, flat = _crossed(len(self.zones), fraction)
        shape = (len(self.zones), len(fraction))
        factor = self.season.at(zone, flat).reshape(shape)
        warm = np.zeros(shape, dtype=bool)
        if self.season.climate is not None and self.season.temperature is not None:
            normal = self.season.climate.at(zone, flat)
            spline = self.season.temperature
            warm = ((normal >= spline.low) & (normal <= spline.high)).reshape(shape)
        seen = seen_exposure(fraction, self.week_fraction, self.zone_exposure)
        words = labels(seen, warm)
        codes = np.zeros(shape, dtype=np.int8)
        for code, label in enumerate(STRONGEST_FIRST):
            codes[words == label] = code
        return factor, codes


def _crossed(n_zones: int, fraction: Floats) -> tuple[Indices, Floats]:
    """Every zone with every fraction, flat."""
    return np.repeat(np.arange(n_zones), len(fraction)), np.tile(fraction, n_zones)


def fit_category(block: CategoryBlock, normals: dict[str, Floats] | None) -> CategoryModel:
    """Fit one category: levels against a flat season, season against levels, until neither moves.

    Args:
        block: the category's history.
        normals: weekly normal temperatures (52,) by store, or None.
    """
    climate = _climate(block, normals)
    season = Season(len(block.zones))
    curve = _curve(block, season)
    for _ in range(_MAX_TURNS):
        levels = settled_levels(block.units, _base(block, season), block.sku, block.store)
        cells, age = _cells(block, levels)
        season = fit_season(cells, len(block.zones), climate, age=age, earlier=season)
        moved, curve = curve, _curve(block, season)
        if np.max(np.abs(np.log(curve / moved)), initial=0.0) < _SETTLED:
            break
    levels_now = fit_levels(block.units, _base(block, season), block.age, block.sku, block.store)
    return CategoryModel(
        category=block.category,
        zones=block.zones,
        rows=block.rows,
        zone=block.zone,
        level=levels_now.mean,
        level_shape=levels_now.shape,
        dispersion=levels_now.dispersion,
        discount=levels_now.discount,
        season=season,
        week_fraction=year_fraction(block.week),
        zone_exposure=_by_zone(block, block.exposure),
    )


def _curve(block: CategoryBlock, season: Season) -> Floats:
    """Season factors of the block's zones and weeks, (zones, t)."""
    zone, flat = _crossed(len(block.zones), year_fraction(block.week))
    return season.at(zone, flat).reshape(len(block.zones), -1)


def _base(block: CategoryBlock, season: Season) -> Floats:
    """Exposure x season x price_ratio ** -beta, (n, t): units a level of one would have sold."""
    price = np.exp(-season.elasticity * block.log_price) if season.elasticity > 0 else 1.0
    return np.asarray(block.exposure * _curve(block, season)[block.zone] * price, dtype=np.float64)


def _by_zone(block: CategoryBlock, values: Floats) -> Floats:
    """Sums over the series of each zone: (n, t) -> (zones, t)."""
    member = (block.zone[None, :] == np.arange(len(block.zones))[:, None]).astype(np.float64)
    return np.asarray(member @ values, dtype=np.float64)


def _cells(block: CategoryBlock, level: Floats) -> tuple[SeasonCells, Floats]:
    """Zone x week cells with anything exposed, and their ages."""
    weight = block.exposure * level[:, None]
    units, base = _by_zone(block, block.units), _by_zone(block, weight)
    log_price = _by_zone(block, weight * block.log_price)
    zone, column = np.nonzero(base > 0)
    cells = SeasonCells(
        units[zone, column],
        base[zone, column],
        log_price[zone, column] / base[zone, column],
        zone,
        block.week[column],
    )
    return cells, block.age[column]


def _climate(block: CategoryBlock, normals: dict[str, Floats] | None) -> Climate | None:
    """Mean normals of each zone's stores; None unless every zone has one."""
    if normals is None:
        return None
    rows = []
    for index in range(len(block.zones)):
        stores = {block.store_names[store] for store in np.unique(block.store[block.zone == index])}
        known = [normals[store] for store in sorted(stores) if store in normals]
        if not known:
            return None
        rows.append(np.mean(known, axis=0))
    return Climate(np.array(rows))
