"""Rules of the calendar: exits that come before demand has ended, floor-sets that come after it has begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecaster.codes import EXIT_BEFORE_DEMAND_ENDS, FLOOR_SET_AFTER_DEMAND_STARTS
from forecaster.rules.reading import AFTER, BEFORE, DAY, IN_SEASON, WEEK

if TYPE_CHECKING:
    import numpy.typing as npt

    from forecaster.rules.reading import Reading
    from forecaster.terms import ActionTerms

    Floats = npt.NDArray[np.float64]
    Days = npt.NDArray[np.datetime64]

NO_DAY = np.datetime64("NaT", "s")


def exits(reading: Reading, terms: ActionTerms) -> pd.DataFrame:
    """Rows of seasons whose exit is near, with what is lost in material weeks after it.

        lost = sum over material weeks t after the exit, up to the trough of the year, of E[D_t]

    The store's own stock can serve what is left at the exit (``recoverable`` of the gap).
    """
    rows, today = reading.rows, reading.today
    near = (rows["exit"] <= today + reading.limit("exit_weeks_ahead", rows) * WEEK) & (
        rows["exit"] >= today - reading.limit("exit_weeks_after", rows) * WEEK
    )
    after = rows["phase"] == AFTER
    rows = rows[near & ((rows["phase"] == IN_SEASON) | (after & rows["material"]))].copy()
    missed = (rows["phase"] == AFTER).to_numpy()
    rows = rows.assign(lost=rows["lost"].where(missed, 0.0), own=own_stock(rows).where(missed, 0.0))
    rows = with_last_week(rows)
    return rows.assign(
        rule=EXIT_BEFORE_DEMAND_ENDS,
        first_loss=later(rows["week"], rows["exit"] + DAY).where(rows["lost"] > 0),
        calendar_by=_kept_by(rows, today, terms),
        horizon_ends=NO_DAY,
    )


def _kept_by(rows: pd.DataFrame, today: pd.Timestamp, terms: ActionTerms) -> pd.Series[Any]:
    """The last day on which goods can be kept: before the calendar is locked, else before they are cleared.

    After the exit, put back while somebody asks.
    """
    leaves, locked = rows["exit"], rows["exit"] - terms.set_lock_days * DAY
    cleared = leaves.where(leaves > today, rows["last_week"] + 6 * DAY)
    return locked.where(locked > today, cleared)


def floor_sets(reading: Reading, terms: ActionTerms) -> pd.DataFrame:
    """Rows of seasons whose floor-set is near, with what is lost in material weeks before it.

        lost = sum over material weeks t from the trough of the year to the floor-set of E[D_t]

    The store's own stock can serve what has come by then and the season will not need itself.
    """
    rows, today = reading.rows, reading.today
    near = (rows["floor_set"] > today + DAY) & (
        rows["floor_set"] <= today + reading.limit("floor_set_weeks_ahead", rows) * WEEK
    )
    before = rows["phase"] == BEFORE
    rows = rows[near & ((rows["phase"] == IN_SEASON) | (before & rows["material"]))].copy()
    missed = (rows["phase"] == BEFORE).to_numpy()
    rows = rows.assign(lost=rows["lost"].where(missed, 0.0))
    rows = with_last_week(rows.assign(own=_set_early(rows, missed, today)))
    first = later(rows["week"], today + DAY).where(rows["lost"] > 0)
    opening = first.groupby(rows["place"]).transform("min")
    return rows.assign(
        rule=FLOOR_SET_AFTER_DEMAND_STARTS,
        first_loss=first,
        calendar_by=opening - (terms.set_lock_days + 1) * DAY,
        demand_ends=rows["floor_set"] - DAY,
        horizon_ends=NO_DAY,
    )


def later(days: pd.Series[Any], others: pd.Series[Any] | pd.Timestamp) -> pd.Series[Any]:
    """The later of two days, row by row."""
    return days.where(~(days < others), others)


def with_last_week(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of places with a loss, with the first day of the last week that has one."""
    last = rows[rows["lost"] > 0].groupby("place")["week"].max().rename("last_week")
    return rows.merge(last, left_on="place", right_index=True, how="inner")


def own_stock(rows: pd.DataFrame) -> pd.Series[Any]:
    """What is left at an exit and serves the weeks after it; doubted stock serves nobody."""
    return rows["recoverable"].where(~rows["doubted"], 0.0)


def _set_early(rows: pd.DataFrame, missed: npt.NDArray[np.bool_], today: pd.Timestamp) -> Floats:
    """Units before the floor-set that stock already in the store by then could serve.

    With C_t what is asked for up to week t and A_t what has come by then, C_t - max over u <= t of
    max(0, C_u - A_u) is served. A unit that the season itself will need is no gain, unless an order placed
    now comes before the season ends.
    """
    key = [rows["pair"], rows["season"].cat.codes]
    asked = rows["lost"].where(missed, 0.0).groupby(key).cumsum()
    short = (asked - rows["available"]).where(missed, 0.0).clip(lower=0.0).groupby(key).cummax()
    served = asked - short
    left = (rows["available"] - rows["demand"] + rows["lost"]).where(~missed).groupby(key).transform("last")
    reordered = today + pd.to_timedelta(rows["lead_days"].clip(upper=9999), unit="D") < rows["exit"]
    needless = left.fillna(0.0).clip(lower=0.0).where(~reordered, np.inf)
    served = served.where(served < needless, needless)
    each = served.groupby(key).diff().fillna(served)
    return np.where(missed & ~rows["doubted"], np.clip(each.to_numpy(), 0.0, None), 0.0)
