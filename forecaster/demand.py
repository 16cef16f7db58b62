"""The demand model: what customers would buy at regular price, were every item on every shelf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from forecaster.category import CategoryModel, fit_category
from forecaster.distribution import quantiles
from forecaster.evidence import STRONGEST_FIRST
from forecaster.frames import numbers, require_columns
from forecaster.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import numpy.typing as npt

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
            store, sku, week, mean, p10, p50, p90 (units), evidence (observed, borrowed, requested or
            unknown); sorted by store and sku, weeks in the order given.
        """
        ask = _asked(weeks)
        n, t = len(self.series), len(ask)
        mean, inverse_size = np.zeros((n, t)), np.zeros((n, t))
        evidence = np.zeros((n, t), dtype=np.int8)
        for model in self.categories.values():
            told = model.tell(ask)
            mean[model.rows] = model.level[:, None] * told.season[model.zone]
            inverse_size[model.rows] = model.inverse_size[:, None] + told.doubt[model.zone]
            evidence[model.rows] = told.evidence[model.zone]
        with np.errstate(divide="ignore"):
            p10, p50, p90 = quantiles(mean.ravel(), 1.0 / inverse_size.ravel(), QUANTILES)
        return pd.DataFrame(
            {
                "store": self.series["store"].repeat(t).array,
                "sku": self.series["sku"].repeat(t).array,
                "week": np.tile(ask.astype("datetime64[s]"), n),
                "mean": mean.ravel(),
                "p10": p10,
                "p50": p50,
                "p90": p90,
                "evidence": _words(evidence.ravel()),
            }
        )

    def season(self, weeks: Sequence[date]) -> pd.DataFrame:
        """Season curve of every category and zone.

        Args:
            weeks: first days of weeks.

        Returns:
            category, climate_zone, week, season (1 = an average week of the year), evidence.
        """
        ask = _asked(weeks)
        parts = []
        for model in self.categories.values():
            told = model.tell(ask)
            parts.append(
                pd.DataFrame(
                    {
                        "category": model.category,
                        "climate_zone": np.repeat(model.zones, len(ask)),
                        "week": np.tile(ask.astype("datetime64[s]"), len(model.zones)),
                        "season": told.season.ravel(),
                        "evidence": _words(told.evidence.ravel()),
                    }
                )
            )
        if not parts:
            columns = ["category", "climate_zone", "week", "season", "evidence"]
            return pd.DataFrame({name: [] for name in columns})
        return pd.concat(parts, ignore_index=True)


def fit_demand(
    panel: pd.DataFrame,
    *,
    as_of: date,
    climate: pd.DataFrame | None = None,
    requests: pd.DataFrame | None = None,
) -> DemandModel:
    """Fit demand to sales that were limited by stock.

        E[y_skt] = e_skt mu_skt rho_skt^-beta_g,   mu_skt = lambda_sk exp(season_gz(t))

    Category by category: season and levels in turn, until they agree (`forecaster.category`).

    Args:
        panel: one row per store x sku x week: store, sku, category, climate_zone, week (first day), units
            (>= 0), exposure in [0, 1], price_ratio > 0. Rows of exposure 0 do not matter, except that they
            announce their series.
        as_of: last business date known; weeks ending after it are not used.
        climate: store, week (1..52 of the calendar year), normal_temperature (degrees F).
        requests: store, sku, week, units asked for and not found. Not used yet.

    Returns:
        The model.

    Raises:
        PanelError: a frame lacks a column or holds a value that cannot be worked with.
    """
    read = Panel.read(panel, as_of=as_of)
    normals = _normals(climate)
    if requests is not None:
        require_columns(requests, "requests", ("store", "sku", "week", "units"))
    # The systems solved are tiny: threads of linear algebra cost more than they bring, and fight each other.
    with threadpool_limits(limits=1, user_api="blas"):
        models = {block.category: fit_category(block, normals) for block in read.categories()}
    series = read.series
    level, shape, dispersion = (np.zeros(len(series)) for _ in range(3))
    for model in models.values():
        level[model.rows], shape[model.rows] = model.level, model.level_shape
        dispersion[model.rows] = model.dispersion
    return DemandModel(series.assign(level=level, level_shape=shape, dispersion=dispersion), models)


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
    found: dict[str, Floats] = {}
    table = pd.DataFrame({"store": climate["store"].astype(str), "week": week, "normal": temperature})
    wide = table[table["week"] <= 52].pivot_table(index="store", columns="week", values="normal")  # noqa: PLR2004
    wide = wide.reindex(columns=range(1, 53)).interpolate(axis=1, limit_direction="both").dropna()
    for store, row in zip(wide.index, wide.to_numpy(), strict=True):
        found[str(store)] = row
    return found
