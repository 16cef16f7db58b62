"""Demand: what every store and sku would have sold with stock all week, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from forecaster.distribution import quantiles
from forecaster.evidence import STRONGEST_FIRST
from forecaster.fitting import fit_category
from forecaster.frames import days, numbers, require_columns
from forecaster.kindred import kin_of, mature_first
from forecaster.kinship import kinship
from forecaster.newness import weeks_on_floor
from forecaster.panel import Panel
from forecaster.products import read_products
from forecaster.season import crossed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import numpy.typing as npt

    from forecaster.category import CategoryModel, Told
    from forecaster.kinship import Kinship
    from forecaster.panel import CategoryBlock

    Floats = npt.NDArray[np.float64]

QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class DemandModel:
    """A fitted model: levels of all series, seasons of all categories.

    Attributes:
        series: store, sku, category, climate_zone, level (units a week, averaged over the year, at regular
            price and full exposure), level_shape (gamma shape of the level, its uncertainty), dispersion
            (negative binomial size r of a week); sorted by store and sku.
        categories: the fitted categories, by code.
    """

    series: pd.DataFrame
    categories: dict[str, CategoryModel]

    def predict(self, weeks: Sequence[date]) -> pd.DataFrame:
        """Demand of every series in every week.

        Args:
            weeks: first days of weeks, in any order.

        Returns:
            store, sku, week, mean, p10, p50, p90 (units), size (of the negative binomial: level, weekly
            dispersion and doubt about the season together), evidence (observed, borrowed, requested or
            unknown); sorted by store and sku, weeks in the order given.
        """
        ask = _asked(weeks)
        n, t = len(self.series), len(ask)
        mean, inverse_size = np.zeros((n, t)), np.zeros((n, t))
        evidence = np.zeros((n, t), dtype=np.int8)
        for model in self.categories.values():
            told, place = model.tell(ask), model.places.of_series
            zone = model.places.zone[place]
            new = model.newness.at(weeks_on_floor(model.launched, ask))
            mean[model.rows] = model.levels.mean[:, None] * told.season[zone] * new
            inverse_size[model.rows] = model.inverse_size[:, None] + told.doubt[place]
            evidence[model.rows] = told.evidence[zone]
        return self._frame(ask, mean, inverse_size, evidence)

    def estimate(self) -> pd.DataFrame:
        """Demand of every series in every week of its category's history, shown or not.

        The season as fitted, at the level that the store had in that year: for what was missed in the past
        and for judging the fit, never for the future.

        Returns:
            As `predict`; the weeks are those of the panel.
        """
        frames = []
        for model in self.categories.values():
            told, place = model.tell(model.week), model.places.of_series
            inverse_size = model.inverse_size[:, None] + told.doubt[place]
            part = DemandModel(self.series.iloc[model.rows], {})
            mean, evidence = _past_mean(model, told), told.evidence[model.places.zone[place]]
            frames.append(part._frame(model.week, mean, inverse_size, evidence))
        return pd.concat(frames, ignore_index=True)

    def expected_at(self, panel: pd.DataFrame) -> Floats:
        """Units that each row of the panel would have sold with everything on the shelf all week.

        The mean of `estimate`, at the price of the week: mean * price_ratio ** -elasticity.

        Args:
            panel: store, sku, category, week, price_ratio; weeks of the fitted history.

        Returns:
            (rows,) units; 0 for a series or week that is not of the model.
        """
        expected = np.zeros(len(panel))
        row = pd.MultiIndex.from_frame(self.series[["store", "sku"]]).get_indexer(
            pd.MultiIndex.from_frame(panel[["store", "sku"]].astype(str))
        )
        week = days(panel, "panel", "week")
        price = numbers(panel, "panel", "price_ratio", low=0)
        for model in self.categories.values():
            place = np.full(len(self.series), -1)
            place[model.rows] = np.arange(len(model.rows))
            at = np.where(row >= 0, place[row], -1)
            column = np.clip(np.searchsorted(model.week, week), 0, len(model.week) - 1)
            known = (at >= 0) & (model.week[column] == week) & (price > 0)
            mean = _past_mean(model, model.tell(model.week))[at[known], column[known]]
            expected[known] = mean * price[known] ** -model.season.elasticity
        return expected

    def _frame(
        self,
        weeks: npt.NDArray[np.datetime64],
        mean: Floats,
        inverse_size: Floats,
        evidence: npt.NDArray[np.int8],
    ) -> pd.DataFrame:
        """Rows of all series and weeks from their (n, t) arrays."""
        with np.errstate(divide="ignore"):
            size = 1.0 / inverse_size.ravel()
        p10, p50, p90 = quantiles(mean.ravel(), size, QUANTILES)
        return pd.DataFrame(
            {
                "store": self.series["store"].repeat(len(weeks)).array,
                "sku": self.series["sku"].repeat(len(weeks)).array,
                "week": np.tile(weeks.astype("datetime64[s]"), len(self.series)),
                "mean": mean.ravel(),
                "p10": p10,
                "p50": p50,
                "p90": p90,
                "size": size,
                "evidence": _words(evidence.ravel()),
            }
        )

    def season(self, weeks: Sequence[date]) -> pd.DataFrame:
        """Season curve of every category and zone, and what it is made of.

        Args:
            weeks: first days of weeks.

        Returns:
            category, climate_zone, week, season (1 = an average week of the year), calendar, temperature,
            holidays (the factors it is the product of, before a cap on weeks that nobody has seen),
            evidence.
        """
        ask = _asked(weeks)
        parts = [_season_rows(model, ask) for model in self.categories.values()]
        if not parts:
            columns = ["category", "climate_zone", "week", "season", *_FACTORS, "evidence"]
            return pd.DataFrame({name: [] for name in columns})
        return pd.concat(parts, ignore_index=True)

    def drivers(self, weeks: Sequence[date]) -> pd.DataFrame:
        """Why demand is what it is: the rows of `season` with what moves the category's sales besides.

        Args:
            weeks: first days of weeks.

        Returns:
            As `season`, with elasticity (demand moves with price_ratio ** -elasticity), assortment (exponent
            of a shelf's fullness), recording (share of disappointed customers who were written down, NaN
            where requests cannot be read), requests (recorded near the week, all years).
        """
        rows = self.season(weeks)
        told = []
        for model in self.categories.values():
            asked = model.asked_near(_asked(weeks))
            recording = model.season.recording
            told.append(
                pd.DataFrame(
                    {
                        "elasticity": model.season.elasticity,
                        "assortment": model.season.assortment,
                        "recording": np.nan if recording is None else float(np.exp(recording)),
                        "requests": asked.ravel(),
                    }
                )
            )
        if not told:
            return rows.assign(elasticity=[], assortment=[], recording=[], requests=[])
        return pd.concat([rows, pd.concat(told, ignore_index=True)], axis=1)

    def phantoms(self) -> pd.DataFrame:
        """Series whose stock stood in the books only, by run of weeks.

        Returns:
            store, sku, first_week, last_week, weeks (exposed weeks without a sale), expected (units that a
            shelf with that stock would have sold); empty when none is suspected.
        """
        frames = []
        for model in self.categories.values():
            row, column = np.nonzero(model.phantom)
            if len(row) == 0:
                continue
            # A run is broken where a week in between is not suspected though the books show stock.
            starts = np.r_[True, (np.diff(row) != 0) | (np.diff(column) > _RUN_GAP_WEEKS)]
            edges = np.flatnonzero(starts)
            expected = model.expected()[row, column]
            keys = self.series.iloc[model.rows[row[edges]]]
            frames.append(
                pd.DataFrame(
                    {
                        "store": keys["store"].array,
                        "sku": keys["sku"].array,
                        "first_week": model.week[column[edges]].astype("datetime64[s]"),
                        "last_week": np.maximum.reduceat(model.week[column].astype("datetime64[s]"), edges),
                        "weeks": np.diff(np.append(edges, len(row))),
                        "expected": np.add.reduceat(expected, edges),
                    }
                )
            )
        columns = ["store", "sku", "first_week", "last_week", "weeks", "expected"]
        return (
            pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({name: [] for name in columns})
        )


def _past_mean(model: CategoryModel, told: Told) -> Floats:
    """Units of every series in every week of the history, at the level it had in that year, (n, t)."""
    place = model.places.of_series
    return np.asarray(model.settled[:, None] * told.season[model.places.zone[place]] * model.years[place])


_FACTORS = ("calendar", "temperature", "holidays")
_RUN_GAP_WEEKS = 4
_YEAR_WEEKS = 52


def _season_rows(model: CategoryModel, ask: npt.NDArray[np.datetime64]) -> pd.DataFrame:
    """One category's season by zone and week, with its factors."""
    told = model.tell(ask)
    zone, flat = crossed(len(model.zones), ask)
    logs = model.season.contributions(zone, flat)
    nothing = np.zeros(len(flat))
    return pd.DataFrame(
        {
            "category": model.category,
            "climate_zone": np.repeat(np.array(model.zones, dtype=object), len(ask)),
            "week": flat.astype("datetime64[s]"),
            "season": told.season.ravel(),
            "calendar": np.exp(logs["calendar"] + logs.get("zone", nothing)),
            "temperature": np.exp(logs.get("temperature", nothing)),
            "holidays": np.exp(logs.get("holidays", nothing)),
            "evidence": _words(told.evidence.ravel()),
        }
    )


def fit_demand(
    panel: pd.DataFrame,
    *,
    as_of: date,
    climate: pd.DataFrame | None = None,
    requests: pd.DataFrame | None = None,
    products: pd.DataFrame | None = None,
    stores: pd.DataFrame | None = None,
    kindred: pd.DataFrame | None = None,
) -> DemandModel:
    """Fit demand to sales that were limited by stock.

        E[y_skt] = e_skt mu_skt rho_skt^-beta_g,   mu_skt = lambda_sk exp(season_gz(t))

    Category by category: season and levels in turn, until they agree (`forecaster.fitting`).

    Args:
        panel: one row per store x sku x week: store, sku, category, climate_zone, week (first day), units
            (>= 0), exposure in [0, 1], price_ratio > 0. Rows of exposure 0 do not matter, except that they
            announce their series. May also have sold_out (share of the week; from a half on the units are
            taken for a lower bound where a series is nearly always sold out) and fullness (on hand over
            presentation minimum, at most 1).
        as_of: last business date known; weeks ending after it are not used.
        climate: store, week (1..52 of the calendar year), normal_temperature (degrees F).
        requests: store, sku, week, units asked for and not found.
        products: sku, and any of style, size, color, gender_age, department, regular_price, replaces_sku:
            whose level and size curve a series may lean on.
        stores: store, format: whom a new store may lean on.
        kindred: category, climate_zone, week, season (as `DemandModel.season` tells them) of other categories
            of the department, for a category too young to know its own season. Categories of the panel that
            share a department (by ``products``) serve each other without it.

    Returns:
        The model.

    Raises:
        PanelError: a frame lacks a column or holds a value that cannot be worked with.
    """
    read = Panel.read(panel, as_of=as_of, requests=requests)
    normals = _normals(climate)
    known = None if products is None else read_products(products)
    models: dict[str, CategoryModel] = {}
    # The systems solved are tiny: threads of linear algebra cost more than they bring, and fight each other.
    with threadpool_limits(limits=1, user_api="blas"):
        for block, young in mature_first(read.categories()):
            kin = kin_of(block, models, known, kindred) if young else None
            ladders = _kinship(block, known, stores)
            models[block.category] = fit_category(block, normals, kin, ladders, read.as_of)
    series = read.series
    level, shape, dispersion = (np.zeros(len(series)) for _ in range(3))
    for model in models.values():
        level[model.rows], shape[model.rows] = model.levels.mean, model.levels.shape
        dispersion[model.rows] = model.levels.dispersion
    ordered = {category: models[category] for category in sorted(models)}
    return DemandModel(series.assign(level=level, level_shape=shape, dispersion=dispersion), ordered)


def _kinship(
    block: CategoryBlock, products: pd.DataFrame | None, stores: pd.DataFrame | None
) -> Kinship | None:
    """The ladders of a category's skus and stores, if anything is known of them."""
    if products is None and stores is None:
        return None
    zone_of_store = np.zeros(len(block.store_names), dtype=np.intp)
    zone_of_store[block.store] = block.zone
    zones = [block.zones[zone] for zone in zone_of_store]
    return kinship(block.sku_names, block.store_names, products=products, shops=stores, zones=zones)


def _asked(weeks: Sequence[date]) -> npt.NDArray[np.datetime64]:
    return np.asarray(pd.to_datetime(list(weeks)).to_numpy(), dtype="datetime64[D]")


def _words(codes: npt.NDArray[np.int8]) -> pd.Series[str]:
    """Evidence labels of codes, built once per label and not once per row."""
    return pd.Series(pd.Index([str(label) for label in STRONGEST_FIRST]).take(codes.astype(np.intp)))


def _normals(climate: pd.DataFrame | None) -> dict[str, Floats] | None:
    """Weekly normal temperatures (52,) of each store."""
    if climate is None:
        return None
    require_columns(climate, "climate", ("store", "week", "normal_temperature"))
    week = numbers(climate, "climate", "week", low=1, high=53).astype(int)
    temperature = numbers(climate, "climate", "normal_temperature", low=-80, high=150)
    code, names = pd.factorize(climate["store"].astype(str))
    used = week <= _YEAR_WEEKS
    cell = code[used] * _YEAR_WEEKS + week[used] - 1
    count = np.bincount(cell, minlength=len(names) * _YEAR_WEEKS)
    total = np.bincount(cell, temperature[used], minlength=len(count))
    wide = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    wide = wide.reshape(len(names), _YEAR_WEEKS)
    if np.isnan(wide).any():
        wide = pd.DataFrame(wide).interpolate(axis=1, limit_direction="both").to_numpy()
    return {str(name): row for name, row in zip(names, wide, strict=True) if not np.isnan(row).any()}
