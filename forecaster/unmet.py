"""What a store will still lack of a sku once goods could have arrived: the demand behind each claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.claims import claimed_rows
from forecaster.distribution import expected_shortfall, quantiles, size_of_sum
from forecaster.frames import require_columns

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

_RARE = 1e-6
_DAY = pd.Timedelta(days=1)
_LAST_DAY = pd.Timedelta(days=6)


def unmet_demand(
    claims: pd.DataFrame, gap: pd.DataFrame, series: pd.DataFrame, *, as_of: date
) -> pd.DataFrame:
    """Demand and stock of each claim from the day its goods could arrive, at its most pressing moment.

    With C_u the demand from the arrival up to week u, and S_u the stock expected at the arrival with all that
    is supplied from then up to u, what is lacking is, as in `expected_gap`,

        max over u of E[max(0, C_u - S_u)]

    The mean and size of C_u and the S_u of the week u at which that is largest are told, so that more stock
    at the arrival can be weighed: x units more leave E[max(0, C_u - S_u - x)]. What is lost before the
    arrival cannot be won and does not count. Stock at the arrival is taken to be what is expected.

    Args:
        claims: store, sku, phase (``in_season``, ``after_exit`` or ``before_floor_set``), exit (as in gap),
            arrives (first day on which goods can be sold), until (last day that counts, of the week that it
            lies in; NaT: as far as gap reaches). One row per store, sku, phase and exit.
        gap: as `expected_gap` returns it.
        series: store, sku, level_shape, dispersion.
        as_of: last business date known.

    Returns:
        The claims of which anything is lacking: their columns, mean (units), size, stock (units), units
        (expected to be lacking), ends (last day of the demand that counts).
    """
    rows = rows_after(claims, gap, as_of=as_of)
    claim = rows["claim"].to_numpy(dtype=np.intp)
    part = rows["share"].to_numpy()
    demand = rows["demand"].to_numpy(dtype=np.float64) * part
    sold = demand - rows["lost"].to_numpy(dtype=np.float64) * part
    wanted = _running(claim, demand)
    stock = rows["available"].to_numpy(dtype=np.float64) + _running(claim, sold) - sold
    keys = pd.MultiIndex.from_frame(series[["store", "sku"]].astype(str))
    place = keys.get_indexer(pd.MultiIndex.from_frame(rows[["store", "sku"]]))
    size = size_of_sum(
        wanted,
        _running(claim, demand**2),
        series["level_shape"].to_numpy(dtype=np.float64)[place],
        series["dispersion"].to_numpy(dtype=np.float64)[place],
    )
    units = expected_shortfall(wanted, size, stock)
    # The earliest of the most pressing weeks decides; the rows of a claim end with its last day.
    order = np.lexsort((-units, claim))
    pressing = order[np.flatnonzero(np.diff(claim[order], prepend=-1))]
    last = np.searchsorted(claim, claim[pressing], side="right") - 1
    told = claims.iloc[claim[pressing]].reset_index(drop=True)
    told = told.assign(
        mean=wanted[pressing], size=size[pressing], stock=stock[pressing], units=units[pressing],
        ends=rows["ends"].array.take(last),
    )  # fmt: skip
    return told[told["units"] > 0].reset_index(drop=True)


def further_packs(needs: pd.DataFrame, pack: npt.ArrayLike, least: npt.ArrayLike) -> tuple[Indices, Floats]:
    """What each further pack sent to a need wins, while it wins enough.

    With L(x) = E[max(0, D - stock - x)], pack j of q units wins L((j - 1) q) - L(j q): less than the one
    before, since L is convex.

    Args:
        needs: mean, size, stock (t rows), as `unmet_demand` gives them.
        pack: (t,) units in a pack.
        least: (t,) share of its units, in (0, 1), that a pack must win to be worth it.

    Returns:
        Row of needs and units won of each pack that is worth it, those of a row one after the other.
    """
    mean, size, stock = (needs[name].to_numpy(dtype=np.float64) for name in ("mean", "size", "stock"))
    pack, least = (np.broadcast_to(np.asarray(v, dtype=np.float64), mean.shape) for v in (pack, least))
    # Beyond this many units none sells often enough in any row.
    enough = quantiles(mean, size, [1.0 - float(least.min(initial=1.0 - _RARE))])[0]
    most = np.ceil(np.maximum(enough - stock, 0.0) / pack).astype(np.intp)
    row = np.repeat(np.arange(len(most)), most)
    before = stock[row] + (np.arange(len(row)) - np.repeat(np.cumsum(most) - most, most)) * pack[row]
    wins = expected_shortfall(mean[row], size[row], before)
    wins = wins - expected_shortfall(mean[row], size[row], before + pack[row])
    pays = wins >= least[row] * pack[row]
    return row[pays], wins[pays]


def rows_after(claims: pd.DataFrame, gap: pd.DataFrame, *, as_of: date) -> pd.DataFrame:
    """The rows of gap behind each claim that reach beyond its arrival, in order of claims and weeks.

    Args and raises: as for `unmet_demand`.

    Returns:
        As `claimed_rows`, with arrives, share (of the row's days that lie after the arrival) and ends (its
        last day).
    """
    require_columns(claims, "claims", ["arrives"])
    rows = claimed_rows(claims, gap)
    rows = rows.assign(arrives=pd.to_datetime(claims["arrives"]).array.take(rows["claim"].to_numpy()))
    begins, ends = _days_of(rows, pd.Timestamp(as_of))
    days = (ends - begins).dt.days + 1
    later = (ends - rows["arrives"].where(rows["arrives"] > begins, begins)).dt.days + 1
    share = (later / days.where(days > 0)).clip(0.0, 1.0).fillna(0.0)
    rows = rows.assign(share=share, ends=ends).loc[share.to_numpy() > 0]
    return rows.sort_values(["claim", "week"], ignore_index=True)


def _days_of(
    rows: pd.DataFrame, today: pd.Timestamp
) -> tuple[pd.Series[pd.Timestamp], pd.Series[pd.Timestamp]]:
    """First and last day of each row's part of its week."""
    begins = rows["week"].where(rows["week"] > today, today + _DAY)
    ends = rows["week"] + _LAST_DAY
    opens, leaves = rows["floor_set"], rows["exit"]
    in_season, after = rows["phase"] == "in_season", rows["phase"] == "after_exit"
    begins = begins.where(~in_season | ~(opens > begins), opens)
    begins = begins.where(~after | ~(leaves >= begins), leaves + _DAY)
    ends = ends.where(~in_season | ~(leaves < ends), leaves)
    ends = ends.where(in_season | after | ~(opens <= ends), opens - _DAY)
    return begins, ends


def _running(claim: Indices, values: Floats) -> Floats:
    """Sums of each claim's values so far, rows in order of claims."""
    so_far = np.cumsum(values)
    first = np.searchsorted(claim, claim)
    return np.asarray(so_far - (so_far[first] - values[first]), dtype=np.float64)
