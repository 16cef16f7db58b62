"""Demand and loss by need: what a customer came for, which any of several styles can meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.credibility import sums_by
from forecaster.errors import PanelError
from forecaster.frames import days, numbers, require_columns
from forecaster.products import price_bands, read_products

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

NEED_COLUMNS = ["category", "gender_age", "size", "price_band"]
_IN_SEASON = "in_season"


def need_of(products: pd.DataFrame) -> pd.DataFrame:
    """The need that each sku meets: category x gender_age x size x price band.

    Args:
        products: as `read_products` takes, with category.

    Returns:
        sku, need (its parts joined by ' / ', blanks left out), category, gender_age, size, price_band; in the
        order of the products.
    """
    read = read_products(products)
    kind = (read["category"] + "\x1f" + read["gender_age"]).to_numpy(dtype=object)
    band = price_bands(
        read["style"].to_numpy(dtype=object), kind, read["regular_price"].to_numpy(dtype=np.float64)
    )
    parts = read[["category", "gender_age", "size"]].assign(price_band=band)
    rows = zip(*(parts[name] for name in NEED_COLUMNS), strict=True)
    need = [" / ".join(part for part in row if part) for row in rows]
    return pd.DataFrame({"sku": read["sku"], "need": need}).join(parts).reset_index(drop=True)


def demand_by_need(forecast: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Demand summed over the skus of each need, per store and week.

    A forecast is what customers want with everything on the shelf: each of them then takes what they came
    for, so the sum over a need counts every customer once. (Only where something is gone do the same people
    turn up at another sku; `customers_lost` sees to that.)

    Args:
        forecast: store, sku, week, mean, as `DemandModel.predict` returns them.
        products: as `need_of` takes; a sku it lacks is left out.

    Returns:
        store, need, category, gender_age, size, price_band, week, mean (units); sorted by store, need, week.
    """
    require_columns(forecast, "forecast", ["store", "sku", "week", "mean"])
    needs = need_of(products)
    code, known = _need_code(forecast["sku"], needs)
    summed = (
        pd.DataFrame(
            {
                "store": forecast["store"].array[known],
                "place": code[known],
                "week": forecast["week"].array[known],
                "mean": numbers(forecast, "forecast", "mean", low=0)[known],
            }
        )
        .groupby(["store", "place", "week"], sort=False)["mean"]
        .sum()
        .reset_index()
    )
    named = needs.drop(columns="sku").drop_duplicates("need", ignore_index=True)
    told = named.iloc[summed["place"].to_numpy()].reset_index(drop=True)
    told = told.assign(store=summed["store"], week=summed["week"], mean=summed["mean"])
    columns = ["store", "need", *NEED_COLUMNS, "week", "mean"]
    return told[columns].sort_values(["store", "need", "week"], ignore_index=True)


def customers_lost(
    gap_rows: pd.DataFrame, products: pd.DataFrame, substitution: float | Mapping[str, float]
) -> pd.DataFrame:
    """Units lost less those of customers who find another sku of the same need in the same store.

    Of those who do not find theirs a share `substitution` looks for another. They find it while one is on the
    floor with units to spare: what is left at a week's end and not wanted by its own customers in any later
    week. What one of them takes is gone for the next.

        found_t = min(sigma lost_t, spare_t - found before t),   spare_t = sum of min over u >= t of left_u

    Args:
        gap_rows: as `expected_gap` returns them.
        products: as `need_of` takes; a sku it lacks meets a need of its own.
        substitution: share in [0, 1], one for all or by category (others 0).

    Returns:
        gap_rows with found_elsewhere and customers_lost (both units of ``lost``; their sum is ``lost``).

    Raises:
        PanelError: a column is missing or a share lies outside [0, 1].
    """
    columns = ["store", "sku", "week", "phase", "demand", "lost", "available"]
    require_columns(gap_rows, "gap_rows", columns)
    grid = _Grid.of(gap_rows, products)
    share = _shares(substitution, gap_rows["sku"], products)
    lost = numbers(gap_rows, "gap_rows", "lost", low=0)
    wanted = grid.sums(share * lost)
    found = _found(grid, wanted, *_to_spare(grid, gap_rows, lost))
    part = np.divide(found, wanted, out=np.zeros_like(wanted), where=wanted > 0)
    elsewhere = part[grid.row, grid.column] * share * lost
    return gap_rows.assign(found_elsewhere=elsewhere, customers_lost=lost - elsewhere)


@dataclass(frozen=True)
class _Grid:
    """Gap rows laid out: n series by t weeks, and the group of each series that can serve each other.

    Attributes:
        row, column: (rows,) series and week of each row.
        group: (n,) index of the need in the store.
        shape: (n, t).
    """

    row: Indices
    column: Indices
    group: Indices
    shape: tuple[int, int]

    @classmethod
    def of(cls, gap_rows: pd.DataFrame, products: pd.DataFrame) -> _Grid:
        store, _ = pd.factorize(gap_rows["store"])
        sku, skus = pd.factorize(gap_rows["sku"].astype(str))
        pairs, row = np.unique(store * max(len(skus), 1) + sku, return_inverse=True)
        weeks, column = np.unique(days(gap_rows, "gap_rows", "week"), return_inverse=True)
        code, known = _need_code(pd.Series(skus), need_of(products))
        alone = code.max(initial=-1) + 1 + np.arange(len(skus))
        need = np.where(known, code, alone)[pairs % max(len(skus), 1)]
        shop = pairs // max(len(skus), 1)
        group = np.unique(shop * (need.max(initial=0) + 1) + need, return_inverse=True)[1]
        return cls(row, column, group, (len(pairs), len(weeks)))

    def sums(self, values: npt.ArrayLike) -> Floats:
        """Sums over the rows of each series and week, (n, t)."""
        n, t = self.shape
        return sums_by(self.row * t + self.column, values, n * t).reshape(n, t)


def _to_spare(grid: _Grid, gap_rows: pd.DataFrame, lost: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Units left that no later customer of their own wants, and whether they are on the floor, (n, t)."""
    shown = (gap_rows["phase"] == _IN_SEASON).to_numpy()
    floor = grid.sums(shown) > 0
    sold = grid.sums(np.where(shown, numbers(gap_rows, "gap_rows", "demand", low=0) - lost, 0.0))
    stock = np.zeros(grid.shape)
    stock[grid.row[shown], grid.column[shown]] = numbers(gap_rows, "gap_rows", "available")[shown]
    left = np.where(floor, np.maximum(stock - sold, 0.0), np.inf)
    unwanted = np.minimum.accumulate(left[:, ::-1], axis=1)[:, ::-1]
    return np.where(floor, unwanted, 0.0), floor


def _found(grid: _Grid, wanted: Floats, spare: Floats, floor: npt.NDArray[np.bool_]) -> Floats:
    """Units of `wanted` that others of the group can serve, week after week, (n, t)."""
    n_groups = int(grid.group.max(initial=-1)) + 1
    found, taken = np.zeros(grid.shape), np.zeros(n_groups)
    for week in range(grid.shape[1]):
        there = np.maximum(sums_by(grid.group, spare[:, week], n_groups) - taken, 0.0)
        asked = sums_by(grid.group, wanted[:, week], n_groups)
        served = np.divide(np.minimum(asked, there), asked, out=np.zeros(n_groups), where=asked > 0)
        own = np.where(floor[:, week], spare[:, week], 0.0)
        by_others = np.maximum(there[grid.group] - own, 0.0)
        found[:, week] = np.minimum(wanted[:, week] * served[grid.group], by_others)
        taken += sums_by(grid.group, found[:, week], n_groups)
    return found


def _need_code(sku: pd.Series[str], needs: pd.DataFrame) -> tuple[Indices, npt.NDArray[np.bool_]]:
    """Index of each sku's need, in order of first appearance in `needs`, and whether it has one."""
    code, _ = pd.factorize(needs["need"])
    place = pd.Index(needs["sku"]).get_indexer(pd.Index(sku.astype(str)))
    known = place >= 0
    return np.where(known, code[place] if len(code) else -1, -1).astype(np.intp), known


def _shares(substitution: float | Mapping[str, float], sku: pd.Series[str], products: pd.DataFrame) -> Floats:
    """Substitution share of each row."""
    if isinstance(substitution, (int, float)):
        shares = np.full(len(sku), float(substitution))
    else:
        read = read_products(products)["category"]
        shares = sku.astype(str).map(read).map(dict(substitution)).fillna(0.0).to_numpy(dtype=np.float64)
    if ((shares < 0) | (shares > 1)).any():
        raise PanelError("substitution", "share", "a share lies outside [0, 1]")
    return shares
