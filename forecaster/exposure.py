"""How much of a week a customer could have bought an item: what turns sales back into demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.frames import numbers, require_columns

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

DAYS_PER_WEEK = 7
_SOLD_OUT_DAY = 0.5
"""A day that sold something but closed empty could, on average, be bought from for half of it."""

_COLUMNS = ("days", "days_open", "days_known", "days_available", "days_on_floor", "units", "stock_feed")


def weekly_exposure(weeks: pd.DataFrame) -> pd.Series[float]:
    """Share of a full week in which each row's item could be bought.

    Every count is of days of that week inside the observed period, so a week that began before the period,
    or has not ended, yields a small exposure and not a full one:

        e = min(available, days_on_floor) / 7
        available = days_available * days_open / days_known  (known stock; gaps filled at the week's own rate)
                  = days_open                                (no stock feed at all: assumed available)
                  = 0                                        (a stock feed that says nothing that week)

    Sales prove that an item was out: where e would be 0 in a week with units > 0 it is the days with stock
    (before the floor-set), half a day per unit up to half of the open days (books that show no stock), or
    all open days (stock unknown).

    ``days_open`` counts the days the store traded. For a store that never trades on some weekday, pass
    ``days`` minus extraordinary closures: the demand of that weekday comes on the others.

    Args:
        weeks: one row per store x sku x week. ``days`` (0..7, of that week in the observed period),
            ``days_open`` (<= days), ``days_known`` (days with a stock record; a weekly record counts 7),
            ``days_available`` (sum of day-level availability: stock at close 1, sold out at close with sales
            0.5, else 0; a weekly record counts 7 x its in-stock share), ``days_on_floor`` (days on which
            the calendar has it on the floor or the clearance rail; = days without a window), ``units``
            (sold, before what came back), ``stock_feed`` (bool: the series has any stock record at all).

    Returns:
        Floats in [0, 1], index of ``weeks``, named ``exposure``.

    Raises:
        PanelError: a column is missing or out of range.
    """
    require_columns(weeks, "weeks", _COLUMNS)
    days = numbers(weeks, "weeks", "days", low=0, high=DAYS_PER_WEEK)
    days_open = np.minimum(numbers(weeks, "weeks", "days_open", low=0, high=DAYS_PER_WEEK), days)
    on_floor = numbers(weeks, "weeks", "days_on_floor", low=0, high=DAYS_PER_WEEK)
    units = numbers(weeks, "weeks", "units")
    known = numbers(weeks, "weeks", "days_known", low=0, high=DAYS_PER_WEEK)
    stock_feed = weeks["stock_feed"].to_numpy(dtype=bool)

    traded = np.where(days_open > 0, days_open, days)
    available = np.where(stock_feed, _available_share(weeks, known), 1.0) * traded
    buyable = np.minimum(np.minimum(available, on_floor), days_open)

    proven = _proven_days(units, available, known, traded)
    buyable = np.where((units > 0) & (buyable <= 0), proven, buyable)
    return pd.Series(np.clip(buyable / DAYS_PER_WEEK, 0.0, 1.0), index=weeks.index, name="exposure")


def _proven_days(units: Floats, available: Floats, known: Floats, traded: Floats) -> Floats:
    """Days an item that sold must have been out, where stock, calendar and opening days say it was not."""
    # Books that say "nothing" beside sales: half a day for each unit, as for a day sold out at close.
    sold_out = np.minimum(_SOLD_OUT_DAY * units, _SOLD_OUT_DAY * traded)
    # Stock on the books, not yet on the floor: the sales say it was out while it was there.
    return np.where(available > 0, available, np.where(known > 0, sold_out, traded))


def _available_share(weeks: pd.DataFrame, known: Floats) -> Floats:
    """Share of its known days on which an item was there, which the unknown days of its week follow."""
    available = numbers(weeks, "weeks", "days_available", low=0, high=DAYS_PER_WEEK)
    share = np.divide(available, known, out=np.zeros_like(known), where=known > 0)
    return np.minimum(share, 1.0)
