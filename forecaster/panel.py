"""The weekly panel, checked once and laid out as one dense block of arrays per category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.errors import PanelError
from forecaster.frames import days, numbers, require_columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

COLUMNS = ("store", "sku", "category", "climate_zone", "week", "units", "exposure", "price_ratio")
_LAST_DAY = np.timedelta64(6, "D")
_MAX_PRICE_RATIO = 10.0
LOWEST_PRICE_RATIO = 0.5
"""Deeper cuts count as half price: what hangs there is the end of a size run, which no price sells, so that a
constant elasticity stretched to it would take the empty rail for a weak season."""


@dataclass(frozen=True)
class CategoryBlock:
    """One category's history: n series by t weeks.

    Attributes:
        category: its code.
        rows: (n,) positions of its series in ``Panel.series``.
        zones: codes of its climate zones.
        zone, sku, store: (n,) indices within the category.
        week: (t,) first days of weeks in which anything was exposed, ascending, datetime64[D].
        age: (t,) weeks from each week's end to as_of.
        units, exposure: (n, t); units are 0 where exposure is 0.
        log_price: (n, t) log price_ratio.
    """

    category: str
    rows: Indices
    zones: tuple[str, ...]
    zone: Indices
    sku: Indices
    store: Indices
    store_names: tuple[str, ...]
    week: npt.NDArray[np.datetime64]
    age: Floats
    units: Floats
    exposure: Floats
    log_price: Floats


@dataclass(frozen=True)
class Panel:
    """A checked panel: its series, and its rows in coded form."""

    series: pd.DataFrame
    as_of: np.datetime64
    _row_series: Indices
    _week: npt.NDArray[np.datetime64]
    _units: Floats
    _exposure: Floats
    _log_price: Floats

    @classmethod
    def read(cls, panel: pd.DataFrame, *, as_of: date) -> Panel:
        """Check a panel frame and code its rows; weeks ending after as_of and unexposed rows are left out.

        Raises:
            PanelError: a column is missing or holds a value that cannot be worked with, a row is repeated, or
                a series changes its category or climate zone.
        """
        require_columns(panel, "panel", COLUMNS)
        week = days(panel, "panel", "week")
        units = numbers(panel, "panel", "units", low=0)
        exposure = numbers(panel, "panel", "exposure", low=0, high=1)
        price = numbers(panel, "panel", "price_ratio", low=0, high=_MAX_PRICE_RATIO)
        row_series, series = _series_of(panel)
        last = np.datetime64(as_of, "D")
        used = (exposure > 0) & (week + _LAST_DAY <= last)
        _refuse_repeats(row_series, week)
        log_price = np.log(np.maximum(price[used], LOWEST_PRICE_RATIO))
        return cls(series, last, row_series[used], week[used], units[used], exposure[used], log_price)

    def categories(self) -> Iterator[CategoryBlock]:
        """Each category's block, in order of its code."""
        codes, names = pd.factorize(self.series["category"], sort=True)
        order = np.argsort(codes[self._row_series], kind="stable")
        edges = np.searchsorted(codes[self._row_series][order], np.arange(len(names) + 1))
        for index, name in enumerate(names):
            yield self._block(
                str(name), np.flatnonzero(codes == index), order[edges[index] : edges[index + 1]]
            )

    def _block(self, category: str, rows: Indices, entries: Indices) -> CategoryBlock:
        members = self.series.iloc[rows]
        zone, zones = pd.factorize(members["climate_zone"], sort=True)
        sku, _ = pd.factorize(members["sku"], sort=True)
        store, stores = pd.factorize(members["store"], sort=True)
        place = np.full(len(self.series), -1)
        place[rows] = np.arange(len(rows))
        week, column = np.unique(self._week[entries], return_inverse=True)
        cell = (place[self._row_series[entries]], column)

        def dense(values: Floats) -> Floats:
            laid_out = np.zeros((len(rows), len(week)))
            laid_out[cell] = values[entries]
            return laid_out

        age = (self.as_of - (week + _LAST_DAY)).astype(np.float64) / 7
        return CategoryBlock(
            category, rows, tuple(map(str, zones)), zone, sku, store, tuple(map(str, stores)), week, age,
            dense(self._units), dense(self._exposure), dense(self._log_price),
        )  # fmt: skip


def _series_of(panel: pd.DataFrame) -> tuple[Indices, pd.DataFrame]:
    """Series index of every row, and the series, sorted by store and sku."""
    store, stores = _coded(panel, "store")
    sku, skus = _coded(panel, "sku")
    key = store * max(len(skus), 1) + sku
    _, first, row_series = np.unique(key, return_index=True, return_inverse=True)
    columns = {"store": stores.take(store[first]), "sku": skus.take(sku[first])}
    for name in ("category", "climate_zone"):
        code, names = _coded(panel, name)
        changed = code != code[first][row_series]
        if changed.any():
            example = panel.loc[changed, ["store", "sku", name]].iloc[0].to_dict()
            raise PanelError(
                "panel", name, f"a series has one only, but {example} differs from its first row"
            )
        columns[name] = names.take(code[first])
    return row_series, pd.DataFrame(columns)


def _coded(panel: pd.DataFrame, column: str) -> tuple[Indices, pd.Index[str]]:
    """Codes and sorted names of a text column without gaps."""
    codes, names = pd.factorize(panel[column], sort=True)
    if (codes < 0).any():
        raise PanelError("panel", column, f"{int((codes < 0).sum())} missing values")
    return codes, pd.Index(names.astype(str))


def _refuse_repeats(row_series: Indices, week: npt.NDArray[np.datetime64]) -> None:
    """One row per series and week."""
    if not len(week):
        return
    number = week.astype(np.int64)
    key = row_series * (number.max() - number.min() + 1) + (number - number.min())
    # Sorting is quick on a panel that comes in order; finding uniques by hashing is not.
    repeated = int((np.diff(np.sort(key, kind="stable")) == 0).sum())
    if repeated:
        raise PanelError("panel", "store+sku+week", f"{repeated} repeated rows")
