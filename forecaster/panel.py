"""The weekly panel, checked once and laid out as one dense block of arrays per category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

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
_EMPTIEST = 0.05
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
        week: (t,) first days of all weeks from the category's first to its last, ascending, datetime64[D].
        age: (t,) weeks from each week's end to as_of.
        units, exposure: (n, t); units are 0 where exposure is 0.
        log_price, log_fullness: (n, t) log price_ratio and log fullness; None where neither ever moved.
        sold_out: (n, t) share of the week; None where nothing is known of it.
        asked: (n, t) requests; None without any.
    """

    category: str
    rows: Indices
    zones: tuple[str, ...]
    zone: Indices
    sku: Indices
    sku_names: tuple[str, ...]
    store: Indices
    store_names: tuple[str, ...]
    week: npt.NDArray[np.datetime64]
    age: Floats
    units: Floats
    exposure: Floats
    log_price: Floats | None
    log_fullness: Floats | None
    sold_out: Floats | None
    asked: Floats | None


@dataclass(frozen=True)
class Panel:
    """A checked panel: its series, its rows in coded form, and what was asked for."""

    series: pd.DataFrame
    as_of: np.datetime64
    _row_series: Indices
    _week: npt.NDArray[np.datetime64]
    _columns: dict[str, Floats | None]
    _requests: pd.DataFrame | None

    @classmethod
    def read(cls, panel: pd.DataFrame, *, as_of: date, requests: pd.DataFrame | None = None) -> Panel:
        """Check a panel frame and code its rows; weeks ending after as_of are left out.

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
        used = week + _LAST_DAY <= last
        _refuse_repeats(row_series, week)
        columns = {
            "units": np.where(exposure > 0, units, 0.0)[used],
            "exposure": exposure[used],
            "log_price": _moving(np.log(np.maximum(price[used], LOWEST_PRICE_RATIO))),
            "log_fullness": _moving(np.log(np.maximum(_optional(panel, "fullness", 1.0)[used], _EMPTIEST))),
            "sold_out": _moving(_optional(panel, "sold_out", 0.0)[used]),
        }
        asked = None if requests is None else _read_requests(requests, series, last)
        return cls(series, last, row_series[used], week[used], columns, asked)

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
        sku, skus = pd.factorize(members["sku"], sort=True)
        store, stores = pd.factorize(members["store"], sort=True)
        place = np.full(len(self.series), -1)
        place[rows] = np.arange(len(rows))
        asked = self._asked_of(rows, place)
        own = self._week[entries]
        # The chain's own weeks only: a gap of a season without any row stays out of the arrays.
        week, column = np.unique(
            np.concatenate([own, asked[1]]) if asked is not None else own, return_inverse=True
        )
        cell = (place[self._row_series[entries]], column[: len(entries)])

        def dense(name: str) -> Floats | None:
            values = self._columns[name]
            if values is None:
                return None
            laid_out = np.zeros((len(rows), len(week)))
            laid_out[cell] = values[entries]
            return laid_out

        wanted = None
        if asked is not None and len(asked[0]):
            wanted = np.zeros((len(rows), len(week)))
            np.add.at(wanted, (asked[0], column[len(entries) :]), asked[2])
        return CategoryBlock(
            category=category,
            rows=rows,
            zones=tuple(map(str, zones)),
            zone=zone,
            sku=sku,
            sku_names=tuple(map(str, skus)),
            store=store,
            store_names=tuple(map(str, stores)),
            week=week,
            age=(self.as_of - (week + _LAST_DAY)).astype(np.float64) / 7,
            units=cast("Floats", dense("units")),
            exposure=cast("Floats", dense("exposure")),
            log_price=dense("log_price"),
            log_fullness=dense("log_fullness"),
            sold_out=dense("sold_out"),
            asked=wanted,
        )

    def _asked_of(
        self, rows: Indices, place: Indices
    ) -> tuple[Indices, npt.NDArray[np.datetime64], Floats] | None:
        """Requests for the series of these rows: position among them, week, units."""
        if self._requests is None:
            return None
        series = self._requests["series"].to_numpy()
        mine = np.isin(series, rows)
        week = self._requests["week"].to_numpy()[mine].astype("datetime64[D]")
        return place[series[mine]], week, self._requests["units"].to_numpy()[mine]


def _moving(values: Floats) -> Floats | None:
    """Values, or None where they never leave 0: what does not move costs nothing."""
    return values if values.size and bool(np.any(values != 0.0)) else None


def _optional(panel: pd.DataFrame, name: str, absent: float) -> Floats:
    """A share that a panel may lack."""
    if name not in panel.columns:
        return np.full(len(panel), absent)
    return numbers(panel, "panel", name, low=0, high=1)


def _read_requests(requests: pd.DataFrame, series: pd.DataFrame, last: np.datetime64) -> pd.DataFrame:
    """Requests up to `last`: series (position), week, units; those for unknown series are left out."""
    require_columns(requests, "requests", ("store", "sku", "week", "units"))
    week = days(requests, "requests", "week")
    units = numbers(requests, "requests", "units", low=0)
    known = pd.MultiIndex.from_frame(series[["store", "sku"]])
    wanted = pd.MultiIndex.from_arrays([requests["store"].astype(str), requests["sku"].astype(str)])
    position = known.get_indexer(wanted)
    used = (position >= 0) & (week + _LAST_DAY <= last)
    return pd.DataFrame(
        {"series": position[used], "week": week[used].astype("datetime64[s]"), "units": units[used]}
    )


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
