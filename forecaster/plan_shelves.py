"""The shelves that plans are tried on: demand and supply of all series, added up over weeks.

Time is a position in weeks from the first day of the first week, so that a day is a seventh.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecaster.errors import PanelError
from forecaster.evidence import Evidence
from forecaster.frames import days, numbers, require_columns, require_unique

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]
    Days = npt.NDArray[np.datetime64]

KEY = ["store", "sku"]
MONEY = ["regular_price", "unit_cost", "salvage"]
_WEEK = 7.0
_SURE = (str(Evidence.OBSERVED), str(Evidence.REQUESTED))


@dataclass(frozen=True)
class Shelves:
    """Demand and supply of n series in t weeks.

    Attributes:
        series: the series as given, sorted by store and sku.
        week: (t,) first days of consecutive weeks.
        begins: position of the day after as_of.
        wanted: (t + 1, n) units wanted at regular price from `begins` up to the start of each week.
        squared: (t + 1, n) the same of the squares of the weekly means.
        supplied: (t + 1, n) units that have become available before the start of each week; of the week
            that starts there, nothing yet.
        sure: (t + 1, n) the part of `wanted` that was seen or asked for.
        level_shape, dispersion: (n,) as for `distribution.size_of_sum`.
        regular_price, unit_cost, salvage: (n,) money a piece.
    """

    series: pd.DataFrame
    week: Days
    begins: float
    wanted: Floats
    squared: Floats
    supplied: Floats
    sure: Floats
    level_shape: Floats
    dispersion: Floats
    regular_price: Floats
    unit_cost: Floats
    salvage: Floats

    @property
    def ends(self) -> float:
        """Position of the end of the last week."""
        return float(len(self.week))

    @property
    def stock(self) -> Floats:
        """Units of each series, there or to come, (n,)."""
        return np.asarray(self.supplied[-1], dtype=np.float64)

    def position(self, day: Days | np.datetime64) -> Floats:
        """Where the morning of a day lies, no earlier than `begins` and no later than `ends`."""
        weeks = (np.asarray(day, dtype="datetime64[D]") - self.week[0]).astype(np.float64) / _WEEK
        return np.asarray(np.clip(weeks, self.begins, self.ends), dtype=np.float64)

    def at(self, table: Floats, position: Floats, columns: slice | Indices = slice(None)) -> Floats:
        """A table (t + 1, n) between its weeks.

        Args:
            table: such as `wanted`.
            position: (p, 1) the same for all series, or (p, m) of each.
            columns: the m series.
        """
        below = np.minimum(position, self.ends - 1.0).astype(np.intp)
        part = position - below
        if position.shape[-1] == 1 and isinstance(columns, slice):
            # The same weeks of all series: whole rows, which is far quicker.
            low, high = table[below[:, 0], columns], table[below[:, 0] + 1, columns]
        else:
            column = np.arange(table.shape[1])[columns]
            low, high = table[below, column], table[below + 1, column]
        return np.asarray(low + part * (high - low), dtype=np.float64)


def read_shelves(
    forecast: pd.DataFrame,
    series: pd.DataFrame,
    supply: pd.DataFrame,
    *,
    as_of: date,
    needed: Iterable[str] = (),
) -> Shelves:
    """Lay frames out as arrays.

    Args:
        forecast: store, sku, week (first day), mean (units of the full week at regular price), maybe
            evidence; the same consecutive weeks for every series. Weeks of evidence ``unknown`` count as
            without demand: nobody can plan on them.
        series: store, sku, level_shape, dispersion, regular_price, unit_cost, salvage, and ``needed``.
        supply: store, sku, week, units, as for `forecaster.expected_gap`.
        as_of: last business date known.
        needed: more columns that the caller reads from `Shelves.series`.

    Raises:
        PanelError: a frame lacks a column, repeats a key or holds a value that cannot be worked with.
    """
    require_columns(forecast, "forecast", [*KEY, "week", "mean"])
    require_columns(series, "series", [*KEY, "level_shape", "dispersion", *MONEY, *needed])
    require_columns(supply, "supply", [*KEY, "week", "units"])
    named = series.assign(store=series["store"].astype(str), sku=series["sku"].astype(str))
    require_unique(named, "series", KEY)
    ordered = named.sort_values(KEY, ignore_index=True)
    if ordered.empty:
        raise PanelError("series", "store", "no rows: there is nothing to plan")
    week, mean, sure = _demand(forecast, ordered)
    begins = float((np.datetime64(as_of, "D") + 1 - week[0]).astype(np.float64)) / _WEEK
    if not 0 <= begins < len(week):
        raise PanelError(
            "forecast", "week", f"weeks from {week[0]} to {week[-1]} do not follow as_of {as_of}"
        )
    amounts = _supplied(supply, ordered, week)
    money = {name: numbers(ordered, "series", name, low=0) for name in MONEY}
    return Shelves(
        series=ordered,
        week=week,
        begins=begins,
        wanted=_counted_from(begins, _added_up(mean)),
        squared=_counted_from(begins, _added_up(mean**2)),
        supplied=_added_up(amounts),
        sure=_counted_from(begins, _added_up(sure)),
        level_shape=_shape(ordered, "level_shape"),
        dispersion=_shape(ordered, "dispersion"),
        **money,
    )


def _shape(series: pd.DataFrame, name: str) -> Floats:
    """A column of gamma shapes or sizes, where infinity is the Poisson."""
    values = series[name].to_numpy(dtype=np.float64, na_value=np.nan)
    if not (values > 0).all():
        raise PanelError("series", name, f"{int((~(values > 0)).sum())} values that are not above 0")
    return values


def _added_up(weekly: Floats) -> Floats:
    """Sums over the weeks before each, (t + 1, n)."""
    total = np.zeros((len(weekly) + 1, weekly.shape[1]))
    np.cumsum(weekly, axis=0, out=total[1:])
    return total


def _counted_from(begins: float, total: Floats) -> Floats:
    """The same sums without what lies before a position."""
    week = int(begins)
    so_far = total[week] + (begins - week) * (total[week + 1] - total[week])
    return np.asarray(total - so_far, dtype=np.float64)


def _demand(forecast: pd.DataFrame, series: pd.DataFrame) -> tuple[Days, Floats, Floats]:
    """The weeks; means (t, n) of the series, and the part of them that was seen or asked for."""
    row = _rows_of(forecast, series)
    code, weeks = pd.factorize(days(forecast, "forecast", "week").astype(np.int64), sort=True)
    week = weeks.astype("datetime64[D]")
    if len(week) == 0 or (np.diff(week) != np.timedelta64(7, "D")).any():
        raise PanelError("forecast", "week", "the weeks do not follow one another")
    used = row >= 0
    cell = code[used] * len(series) + row[used]
    if len(cell) != len(week) * len(series) or (np.bincount(cell, minlength=len(cell)) != 1).any():
        problem = f"{len(cell)} rows for {len(series)} series of {len(week)} weeks: need one each"
        raise PanelError("forecast", "week", problem)
    mean = np.zeros((len(week), len(series)))
    mean.flat[cell] = numbers(forecast, "forecast", "mean", low=0)[used]
    if "evidence" not in forecast.columns:
        return week, mean, mean
    label, words = pd.factorize(forecast["evidence"])
    known = np.array([str(word) != str(Evidence.UNKNOWN) for word in words])[label][used]
    seen = np.array([str(word) in _SURE for word in words])[label][used]
    mean.flat[cell] *= known
    sure = np.zeros_like(mean)
    sure.flat[cell] = mean.flat[cell] * seen
    return week, mean, sure


def _supplied(supply: pd.DataFrame, series: pd.DataFrame, week: Days) -> Floats:
    """Units by week of availability, (t, n); what is earlier counts as there at first."""
    units = np.zeros((len(week), len(series)))
    row = _rows_of(supply, series)
    arriving = days(supply, "supply", "week")
    amount = numbers(supply, "supply", "units", low=0)
    column = np.maximum(np.searchsorted(week, arriving, side="right") - 1, 0)
    used = (row >= 0) & (arriving < week[-1] + np.timedelta64(7, "D"))
    np.add.at(units, (column[used], row[used]), amount[used])
    return units


def _rows_of(frame: pd.DataFrame, series: pd.DataFrame) -> Indices:
    """Position of each row's series, -1 where it is none of them."""
    store, stores = pd.factorize(frame["store"])
    sku, skus = pd.factorize(frame["sku"])
    at_store = pd.Index(series["store"].unique())
    at_sku = pd.Index(series["sku"].unique())
    place = at_store.get_indexer(_texts(stores))[store] * len(at_sku)
    known = at_sku.get_indexer(_texts(skus))[sku]
    found = np.where((place >= 0) & (known >= 0), place + known, -1)
    position = np.full(len(at_store) * len(at_sku), -1, dtype=np.intp)
    own = at_store.get_indexer(series["store"]) * len(at_sku) + at_sku.get_indexer(series["sku"])
    position[own] = np.arange(len(series))
    return np.where(found >= 0, position[found], -1)


def _texts(values: Any) -> pd.Index[str]:
    return pd.Index([str(value) for value in values], dtype="str")
