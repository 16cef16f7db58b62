"""Fitting one category: season and levels in turn, until they agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from forecaster.category import CategoryModel
from forecaster.censored import censored_levels, chronic, likeliest_dispersion
from forecaster.departures import Departures, measure_departures
from forecaster.evidence import MIN_EXPOSURE
from forecaster.level import DISPERSIONS, Levels, fit_levels, settled_levels
from forecaster.newness import Newness, fit_newness, launched_on, weeks_on_floor
from forecaster.phantom import phantom_stock
from forecaster.places import Places, year_factors
from forecaster.season import (
    FULLNESS,
    PRICE,
    RESPONSES,
    Climate,
    Season,
    SeasonCells,
    SeasonLayout,
    converged_season,
    fit_season,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from forecaster.kinship import Kinship
    from forecaster.panel import CategoryBlock

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]
    Flags = npt.NDArray[np.bool_]

_MAX_TURNS: Final = 8
_SETTLED: Final = 0.01
_LOOKS: Final = 2
"""How often phantom stock is looked for: it presses the levels down that the first look goes by."""

_ENOUGH_CHRONIC: Final = 30
_ENOUGH_REQUESTS: Final = 8.0
"""Customers who asked in weeks whose season is known from sales: what the recording share is read from."""

_RECORDING_BEFORE: Final = float(np.log(0.2))
_LIFE_WEEKS: Final = 52.0
_TINY: Final = 1e-9


def fit_category(
    block: CategoryBlock,
    normals: dict[str, Floats] | None,
    kin: Floats | None,
    kinship: Kinship | None,
    as_of: np.datetime64,
) -> CategoryModel:
    """Fit one category: levels against a flat season, season against levels, until neither moves.

    Stock that the season and the levels show to be in the books only is then taken out, and both are fitted
    again without it.

    Args:
        block: the category's history.
        normals: weekly normal temperatures (52,) by store, or None.
        kin: (zones, 52) log season of kindred categories for one too young to know its own, or None.
        kinship: the ladders of its skus and stores, or None.
        as_of: last day known.
    """
    books = _Fitting(block, _climate(block, normals), kinship, as_of)
    state = books.settle(books.first(kin))
    phantom = np.zeros(block.units.shape, dtype=bool)
    fitting, dispersion = books, books.recent_levels(state).dispersion
    for _ in range(_LOOKS):
        expected = books.expected(state) * fitting.lean_weeks(state)
        before, phantom = phantom, phantom_stock(block.units, expected, block.exposure, dispersion, phantom)
        if np.array_equal(before, phantom):
            break
        fitting = books.on(replace(block, exposure=np.where(phantom, 0.0, block.exposure)))
        state = fitting.settle(state)
        dispersion = fitting.recent_levels(state).dispersion
    state = fitting.converge(state)
    return fitting.model(state, fitting.with_bounds(fitting.recent_levels(state), state), phantom)


@dataclass(frozen=True)
class _State:
    """Where the alternation stands: season, settled levels (n,), years (places, t), departures."""

    season: Season
    levels: Floats
    years: Floats
    departures: Departures


class _Fitting:
    """The sums that season and levels are fitted on, kept by place wherever they need not be by series."""

    def __init__(
        self,
        block: CategoryBlock,
        climate: Climate | None,
        kinship: Kinship | None,
        as_of: np.datetime64,
    ) -> None:
        self.block, self.climate, self.kinship, self.as_of = block, climate, kinship, as_of
        self.places = Places.of(block.store, block.zone, len(block.zones))
        self.units = self.places.sums(block.units)
        self.place_exposure = self.places.sums(block.exposure)
        self._covariates = {PRICE.name: block.log_price, FULLNESS.name: block.log_fullness}
        self._bought: tuple[tuple[float, ...], Floats] | None = None
        self.launched = launched_on(block.exposure, block.week, self._launch())
        self.missed = self._missed()

    def first(self, kin: Floats | None) -> _State:
        """A flat season, or that of the kin."""
        season = Season(SeasonLayout(len(self.block.zones), kin=kin))
        flat = np.ones((len(self.places.zone), len(self.block.week)))
        state = _State(season, np.zeros(len(self.block.rows)), flat, Departures())
        return replace(state, levels=self._levels(state))

    def settle(self, state: _State) -> _State:
        """Take turns until the curve moves by less than 1%."""
        curve = state.season.curve(self.block.week)
        for _ in range(_MAX_TURNS):
            season = fit_season(
                self.cells(state), state.season, self.climate,
                as_of=self.as_of, least_scale=state.departures.scale,
            )  # fmt: skip
            state = self._updated(replace(state, season=season))
            moved, curve = curve, season.curve(self.block.week)
            if np.max(np.abs(np.log(curve / moved)), initial=0.0) < _SETTLED:
                break
        return state

    def expected(self, state: _State) -> Floats:
        """Units that the stock in the books should have sold, (n, t)."""
        return state.levels[:, None] * self.base(state)

    def lean_weeks(self, state: _State) -> Floats:
        """Sales over expectation of each series' zone and week, at most 1, (n, t).

        A shelf is suspected for selling less than others do, never for a week that was lean for all.
        """
        foretold = self.places.by_zone(self._expected_by_place(state.levels, state))
        sold = self.places.by_zone(self.units)
        ratio = np.minimum((sold + 1.0) / (foretold + 1.0), 1.0)
        return np.asarray(ratio[self.block.zone], dtype=np.float64)

    def on(self, block: CategoryBlock) -> _Fitting:
        """The same fit on other exposure of the same series."""
        return _Fitting(block, self.climate, self.kinship, self.as_of)

    def converge(self, state: _State) -> _State:
        """The season taken to the end of its iteration, and the levels with it."""
        season = converged_season(
            self.cells(state), state.season, as_of=self.as_of, least_scale=state.departures.scale
        )
        return self._updated(replace(state, season=season))

    def _updated(self, state: _State) -> _State:
        levels = self._levels(state)
        expected = self._expected_by_place(levels, state) / state.years
        years = year_factors(self.units, expected, self.block.age, state.departures.scale)
        departures = measure_departures(self.units, expected * years)
        return replace(state, levels=levels, years=years, departures=departures)

    def _answer(self, season: Season) -> Floats:
        """Customers' answer to price and to a broken assortment, (n, t) or (1, 1): 1 at regular price."""
        answer = sum(
            exponent * covariate
            for exponent, covariate in zip(season.exponents, self._covariates.values(), strict=True)
            if covariate is not None and exponent != 0.0
        )
        return np.ones((1, 1)) if isinstance(answer, int) else np.exp(answer)

    def bought(self, season: Season) -> Floats:
        """Exposure x the answer to price and fullness, (n, t): what a week of a level of one sells."""
        if self._bought is None or self._bought[0] != season.exponents:
            self._bought = (season.exponents, self.block.exposure * self._answer(season))
        return self._bought[1]

    def _full_week(self, state: _State) -> Floats:
        """Units a level of one would have sold in each week with stock all along, (n, t)."""
        return np.asarray(
            self._answer(state.season) * self._by_place(state)[self.places.of_series], dtype=np.float64
        )

    def base(self, state: _State) -> Floats:
        """Units a level of one sold in each week, (n, t)."""
        return np.asarray(
            self.bought(state.season) * self._by_place(state)[self.places.of_series], dtype=np.float64
        )

    def _by_place(self, state: _State) -> Floats:
        curve = state.season.curve(self.block.week)
        return np.asarray(curve[self.places.zone] * state.years, dtype=np.float64)

    def _levels(self, state: _State) -> Floats:
        return settled_levels(
            self.block.units, self.base(state), self.block.sku, self.block.store, kinship=self.kinship
        )

    def _expected_by_place(self, levels: Floats, state: _State) -> Floats:
        return self.places.sums(levels[:, None] * self.bought(state.season)) * self._by_place(state)

    def _centre(self, state: _State) -> Floats:
        """Mean log season of the weeks that the levels of each place rest on, (p,)."""
        height = np.log(state.season.curve(self.block.week))[self.places.zone]
        weight = self._expected_by_place(state.levels, state) + _TINY
        return np.asarray((weight * height).sum(axis=1) / weight.sum(axis=1), dtype=np.float64)

    def cells(self, state: _State) -> SeasonCells:
        """Zone x week cells with anything exposed, then those with unmet wants, if they can be read."""
        weighted = state.levels[:, None] * self.bought(state.season)
        base = self.places.by_zone(self.places.sums(weighted) * state.years)
        units = self.places.by_zone(self.units)
        zone, column = np.nonzero(base > 0)
        slopes = np.zeros((len(zone), len(RESPONSES)))
        for index, covariate in enumerate(self._covariates.values()):
            if covariate is not None:
                sums = self.places.by_zone(self.places.sums(weighted * covariate) * state.years)
                slopes[:, index] = sums[zone, column] / base[zone, column]
        cells = SeasonCells(
            units[zone, column], base[zone, column], slopes, zone, self.block.week[column],
            np.zeros(len(zone), dtype=bool),
        )  # fmt: skip
        return self._with_requests(cells, state)

    def _missed(self) -> Floats | None:
        """1 in each week in which nothing of an item's size hung in the store, (n, t); None if nobody asked.

        While something does, some take that and never ask, so that the recording share would come out too
        low; and of a week that sold out on the way more went without than the rest of it tells.
        """
        block, shown = self.block, self.block.exposure > 0
        if block.asked is None:
            return None
        needs = self._needs()
        hanging = np.zeros((int(needs.max(initial=-1)) + 1, shown.shape[1]))
        np.add.at(hanging, needs, shown)
        missed = (self._alive() & (hanging[needs] <= 0)).astype(np.float64)
        asked = self.places.by_zone(self.places.sums(np.where(missed > 0, block.asked, 0.0)))
        seen = self.places.by_zone(self.place_exposure) >= MIN_EXPOSURE
        return missed if float(asked[seen].sum()) >= _ENOUGH_REQUESTS else None

    def _alive(self) -> Flags:
        """Weeks in which customers come for an item: from its first on a shelf to a year after its last."""
        shown, age = self.block.exposure > 0, self.block.age
        first = np.where(shown.any(axis=1), shown.argmax(axis=1), len(age))
        last = len(age) - 1 - shown[:, ::-1].argmax(axis=1)
        begun = np.arange(len(age)) >= first[:, None]
        return np.asarray(begun & (age >= age[last][:, None] - _LIFE_WEEKS))

    def _needs(self) -> Indices:
        """What each series is bought for in its store: its size, or the category without sizes, (n,)."""
        block = self.block
        size = np.zeros(len(block.sku_names), dtype=np.intp) if self.kinship is None else self.kinship.size
        _, need = np.unique(block.store * (size.max() + 1) + size[block.sku], return_inverse=True)
        return np.asarray(need, dtype=np.intp)

    def _with_requests(self, cells: SeasonCells, state: _State) -> SeasonCells:
        """The cells with those of requests: customers who met an empty place, some of them recorded."""
        if self.missed is None or self.block.asked is None:
            return cells
        weighted = self.places.sums(state.levels[:, None] * self.missed) * state.years
        base = self.places.by_zone(weighted)
        asked = self.places.by_zone(self.places.sums(np.where(self.missed > 0, self.block.asked, 0.0)))
        zone, column = np.nonzero(base > 0)
        # A share q of what has the dispersion phi has 1 + q (phi - 1): such counts tell more than sales do.
        scale, share = state.departures.scale, np.exp(state.season.recording or _RECORDING_BEFORE)
        weight = scale / (1.0 + share * (scale - 1.0))
        return SeasonCells(
            np.concatenate([cells.units, weight * asked[zone, column]]),
            np.concatenate([cells.base, weight * base[zone, column]]),
            np.vstack([cells.slopes, np.zeros((len(zone), len(RESPONSES)))]),
            np.concatenate([cells.zone, zone]),
            np.concatenate([cells.week, self.block.week[column]]),
            np.concatenate([cells.asked, np.ones(len(zone), dtype=bool)]),
        )

    def recent_levels(self, state: _State) -> Levels:
        """Levels at as_of: recent weeks count for more."""
        block = self.block
        curve = state.season.curve(block.week)[block.zone]
        units, base = block.units, self.bought(state.season) * curve
        if self.missed is not None and state.season.recording is not None and block.asked is not None:
            base = base + np.exp(state.season.recording) * self.missed * curve
            units = units + np.where(self.missed > 0, block.asked, 0.0)
        base = base * self.newness(state).at(weeks_on_floor(self.launched, block.week))
        return fit_levels(units, base, block.age, block.sku, block.store, kinship=self.kinship)

    def newness(self, state: _State) -> Newness:
        """What the first weeks on the floor do to sales; nothing where the runs are not known."""
        block = self.block
        if self.kinship is None:
            return Newness.none()
        base = self.bought(state.season) * state.season.curve(block.week)[block.zone]
        return fit_newness(block.units, base, weeks_on_floor(self.launched, block.week), self._launch())

    def _launch(self) -> Indices:
        """What came to the floor together: the sizes of one run in one store, (n,)."""
        block = self.block
        run = block.sku if self.kinship is None else self.kinship.run[block.sku]
        _, launch = np.unique(run * len(block.store_names) + block.store, return_inverse=True)
        return np.asarray(launch, dtype=np.intp)

    def with_bounds(self, levels: Levels, state: _State) -> Levels:
        """Levels with those of chronically sold-out series read from their weeks as bounds."""
        block = self.block
        if block.sold_out is None:
            return levels
        rows = np.flatnonzero(chronic(block.sold_out, block.exposure))
        if len(rows) == 0:
            return levels
        full_week = (self._answer(state.season) * state.season.curve(block.week)[block.zone])[rows]
        weeks = (block.units[rows], full_week, block.exposure[rows], block.sold_out[rows])
        weight, prior = levels.discount**block.age, levels.prior
        dispersion = levels.dispersion
        if len(rows) >= _ENOUGH_CHRONIC:
            dispersion = likeliest_dispersion(*weeks, weight, prior.mean[rows], DISPERSIONS)
        mean, shape = censored_levels(*weeks, weight, prior.mean[rows], prior.shape[rows], dispersion)
        new_mean, new_shape = levels.mean.copy(), levels.shape.copy()
        new_mean[rows], new_shape[rows] = mean, shape
        return replace(levels, mean=new_mean, shape=new_shape)

    def model(self, state: _State, levels: Levels, phantom: Flags) -> CategoryModel:
        """What was fitted, ready to tell."""
        block = self.block
        asked = np.zeros((len(block.zones), len(block.week)))
        if self.missed is not None and block.asked is not None:
            asked = self.places.by_zone(self.places.sums(np.where(self.missed > 0, block.asked, 0.0)))
        return CategoryModel(
            category=block.category,
            zones=block.zones,
            rows=block.rows,
            sku_names=block.sku_names,
            places=self.places,
            levels=levels,
            settled=state.levels,
            years=state.years,
            season=state.season,
            departures=state.departures,
            centre=self._centre(state),
            launched=self.launched,
            newness=self.newness(state),
            week=block.week,
            place_exposure=self.place_exposure,
            zone_asked=asked,
            phantom=phantom,
            exposure=block.exposure,
        )


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
