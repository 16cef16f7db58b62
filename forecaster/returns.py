"""Sets what came back against the weeks in which it was sold, where no receipt tells which these were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.frames import days, numbers, require_columns

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

WINDOW_WEEKS = 8
"""Returns are looked for in the week they came and the seven before it: most shops take goods back for a
month, and what comes later is spread over all that was sold before."""


def net_of_returns(weeks: pd.DataFrame) -> pd.Series[float]:
    """Units that stayed sold, of each row's week.

    A return says that something was not wanted after all, some weeks ago, perhaps in another store; it says
    nothing about this week's demand. So all sales of the sku in the chain during the `WINDOW_WEEKS` up to the
    return are reduced by one share, the rate at which they have come back:

        y_skt = sold_skt * (1 - r_kt),    sum of sold_skt r_kt over s and t = units returned of k

    Weeks are gone through in their order, so that nothing comes back twice. What exceeds the sales of the
    window is taken from all earlier ones, and what exceeds these too was sold before the first week: it is
    left out.

    Args:
        weeks: one row per store x sku x week: sku, week (first day), sold and returned (units, >= 0).

    Returns:
        Units in [0, sold], index of `weeks`, named ``units``; per sku they add up to sold - returned, unless
        more came back than had been sold.

    Raises:
        PanelError: a column is missing, a week is no date, or units are negative or no numbers.
    """
    require_columns(weeks, "weeks", ("sku", "week", "sold", "returned"))
    sold = numbers(weeks, "weeks", "sold", low=0)
    returned = numbers(weeks, "weeks", "returned", low=0)
    units = pd.Series(sold.copy(), index=weeks.index, name="units")
    came_back = returned > 0
    if not came_back.any():
        return units
    sku, _ = pd.factorize(weeks["sku"])
    concerned = np.isin(sku, np.unique(sku[came_back]))
    row = np.unique(sku[concerned], return_inverse=True)[1]
    week = days(weeks.loc[concerned], "weeks", "week")
    column = ((week - week.min()) // np.timedelta64(7, "D")).astype(np.int64)
    shape = (int(row.max()) + 1, int(column.max()) + 1)
    before = _summed(row, column, sold[concerned], shape)
    kept = _without(before, _summed(row, column, returned[concerned], shape))
    share = np.divide(kept, before, out=np.ones(shape), where=before > 0)
    units[concerned] = sold[concerned] * share[row, column]
    return units


def _summed(
    row: npt.NDArray[np.int64], column: npt.NDArray[np.int64], units: Floats, shape: tuple[int, int]
) -> Floats:
    """Units of (sku, week) cells, (n, t)."""
    summed = np.zeros(shape)
    np.add.at(summed, (row, column), units)
    return summed


def _without(sold: Floats, returned: Floats) -> Floats:
    """Units sold (n, t) less those returned in the same or a later week."""
    kept = sold.copy()
    for week in np.flatnonzero(returned.any(axis=0)):
        left = returned[:, week].copy()
        for first in (max(0, week + 1 - WINDOW_WEEKS), 0):
            there = kept[:, first : week + 1]
            total = there.sum(axis=1)
            taken = np.minimum(left, total)
            there *= 1 - np.divide(taken, total, out=np.zeros_like(total), where=total > 0)[:, None]
            left -= taken
    return kept
