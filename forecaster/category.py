"""A fitted category: what it says of any week, and what that rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from forecaster.departures import BLOCK_WEEKS, SWING_SPREAD
from forecaster.evidence import MIN_EXPOSURE, STRONGEST_FIRST, Evidence, labels, seen_near
from forecaster.season import crossed
from forecaster.year import year_fraction

if TYPE_CHECKING:
    import numpy.typing as npt

    from forecaster.departures import Departures
    from forecaster.level import Levels
    from forecaster.newness import Newness
    from forecaster.places import Places
    from forecaster.season import Season

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Indices = npt.NDArray[np.intp]
    Days = npt.NDArray[np.datetime64]

_UNKNOWN_DOUBT: Final = 0.8**2
_MAX_DOUBT: Final = 1.6


@dataclass(frozen=True)
class Told:
    """What a category says about t weeks.

    Attributes:
        season: (zones, t) factor on the level.
        evidence: (zones, t) positions in ``STRONGEST_FIRST``.
        doubt: (places, t) relative variance added to a series' demand, because the season itself, or the
            store's part in it, is uncertain.
    """

    season: Floats
    evidence: npt.NDArray[np.int8]
    doubt: Floats


@dataclass(frozen=True)
class CategoryModel:
    """A fitted category of n series in p places (stores).

    Attributes:
        category: its code.
        zones: codes of its climate zones.
        rows: (n,) positions of its series in the panel's.
        sku_names: its skus.
        places: which series and zones its stores are.
        levels: of the series at as_of.
        settled: (n,) levels of the whole history, and `years` (p, t) what each store's year made of them.
        season: its season.
        departures: how far stores stray from it.
        launched: (n,) first week on the floor, NaT where nobody saw it; `newness` is what that does.
        centre: (p,) mean log season of the weeks that each store's levels rest on.
        week: (t,) weeks of history.
        place_exposure: (p, t) series-weeks of exposure.
        zone_asked: (zones, t) requests, 0 where they cannot be read.
        phantom: (n, t) weeks in which stock stood in the books only.
        exposure: (n, t) with those weeks taken out.
    """

    category: str
    zones: tuple[str, ...]
    rows: Indices
    sku_names: tuple[str, ...]
    places: Places
    levels: Levels
    settled: Floats
    years: Floats
    season: Season
    departures: Departures
    centre: Floats
    launched: Days
    newness: Newness
    week: Days
    place_exposure: Floats
    zone_asked: Floats
    phantom: Flags
    exposure: Floats

    @property
    def inverse_size(self) -> Floats:
        """1 / size of a week's demand: level uncertainty and weekly dispersion, (n,)."""
        return 1.0 / self.levels.shape + (1.0 + 1.0 / self.levels.shape) / self.levels.dispersion

    def tell(self, weeks: Days) -> Told:
        """Season, doubt and evidence of weeks, with what nobody has seen capped at the season's peak."""
        n_zones = len(self.zones)
        factor, evidence = self._at(weeks)
        observed = STRONGEST_FIRST.index(Evidence.OBSERVED)
        grid, grid_evidence = self._at(self._history)
        own_peak = np.where(grid_evidence == observed, grid, -np.inf).max(axis=1, initial=-np.inf)
        peak = own_peak.max(initial=-np.inf)
        own_peak = np.where(np.isfinite(own_peak), own_peak, peak if np.isfinite(peak) else 1.0)
        if self.season.layout.kin is not None:
            # What the kin have seen counts as seen: a young category has no peak of its own yet.
            own_peak = np.maximum(own_peak, np.exp(self.season.layout.kin).max(axis=1))
        unknown = evidence == STRONGEST_FIRST.index(Evidence.UNKNOWN)
        borrowed = evidence == STRONGEST_FIRST.index(Evidence.BORROWED)
        factor = np.where(unknown, np.minimum(factor, own_peak[:, None]), factor)
        factor = np.where(borrowed, np.minimum(factor, own_peak.max(initial=1.0)), factor)
        zone, flat = crossed(n_zones, weeks)
        variance = self.season.uncertainty(zone, flat).reshape(factor.shape)
        witnesses = self._witnesses(weeks)
        # Temperature may lend a week a height; how sure that is, only a shelf or a customer can tell.
        nobody = unknown | (borrowed & (witnesses < 1.0))
        variance = np.where(nobody, np.maximum(variance, _UNKNOWN_DOUBT), variance)
        height = np.log(factor)[self.places.zone] - self.centre[:, None]
        own = self.departures.variance + (SWING_SPREAD * height) ** 2
        # A season told by few stores strays with them; and each store strays from it again.
        shared = 1.0 / np.maximum(witnesses, 1.0)
        by_place = variance[self.places.zone] + own * (shared + self._strays(weeks))
        return Told(factor, evidence, np.expm1(np.minimum(by_place, _MAX_DOUBT)))

    def _witnesses(self, weeks: Days) -> Floats:
        """How many stores, counted by what they can tell, have shown this time of year, (t,)."""
        seen = seen_near(year_fraction(weeks), year_fraction(self.week), self.place_exposure) >= MIN_EXPOSURE
        level = np.bincount(self.places.of_series, self.settled, minlength=len(self.places.zone))
        told, squared = level @ seen, level**2 @ seen
        return np.divide(told**2, squared, out=np.zeros(len(weeks)), where=squared > 0)

    def _strays(self, weeks: Days) -> Floats:
        """How often a store's departure from level and season counts in its weeks, (t,).

        Once: what it is now tells nothing of what it will be. Not in the weeks just ahead, which the level
        knows.
        """
        ahead = (weeks - self.week[-1]).astype(np.float64) / 7
        return np.where((ahead > 0) & (ahead <= BLOCK_WEEKS), 0.0, 1.0)

    @property
    def _history(self) -> Days:
        """The last weeks of history, a year at most."""
        return self.week[-52:]

    def _at(self, weeks: Days) -> tuple[Floats, npt.NDArray[np.int8]]:
        """Season and evidence of zones in weeks, (zones, t) each."""
        zone, flat = crossed(len(self.zones), weeks)
        shape = (len(self.zones), len(weeks))
        factor = self.season.at(zone, flat).reshape(shape)
        fraction, week_fraction = year_fraction(weeks), year_fraction(self.week)
        layout = self.season.layout
        warm = np.zeros(shape, dtype=bool)
        if layout.climate is not None and layout.temperature is not None:
            normal = layout.climate.at(zone, np.tile(fraction, len(self.zones)))
            warm = ((normal >= layout.temperature.low) & (normal <= layout.temperature.high)).reshape(shape)
        seen = seen_near(fraction, week_fraction, self.places.by_zone(self.place_exposure))
        return factor, labels(seen, self.asked_near(weeks), warm)

    def asked_near(self, weeks: Days) -> Floats:
        """Requests near the time of year of each week, all years together, (zones, t)."""
        return seen_near(year_fraction(weeks), year_fraction(self.week), self.zone_asked)

    def expected(self) -> Floats:
        """Demand of every series in every week of history at regular price, as its own year went, (n, t)."""
        curve = self.season.curve(self.week)
        return np.asarray(
            self.settled[:, None] * (curve[self.places.zone] * self.years)[self.places.of_series],
            dtype=np.float64,
        )
