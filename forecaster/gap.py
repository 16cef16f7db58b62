"""The gap: demand ahead held against stock, receipts and the selling calendar, week by week."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecaster.calendar_shares import Windows, days_ahead, phase_shares
from forecaster.distribution import expected_shortfall, size_of_sum
from forecaster.errors import PanelError
from forecaster.frames import days, numbers, require_columns, require_unique

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

    from forecaster.calendar_shares import Share

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

_KEY = ["store", "sku"]

GAP_COLUMNS = [
    "store", "sku", "week", "season_code", "floor_set", "exit", "phase", "demand", "lost", "available",
    "recoverable", "evidence",
]  # fmt: skip


@dataclass(frozen=True)
class _Ahead:
    """The forecast laid out: n series by t weeks, sorted by store and sku.

    Attributes:
        keys: store, sku of each series.
        mean: expected units of each full week.
        supply: units available from each week on.
    """

    keys: pd.DataFrame
    week: npt.NDArray[np.datetime64]
    mean: Floats
    evidence: npt.NDArray[np.int8]
    evidence_words: pd.Index[str]
    supply: Floats
    level_shape: Floats
    dispersion: Floats


def expected_gap(
    forecast: pd.DataFrame,
    series: pd.DataFrame,
    supply: pd.DataFrame,
    windows: pd.DataFrame,
    *,
    as_of: date,
) -> pd.DataFrame:
    """Expected units asked for and not found, per store x sku x week, by phase of the selling calendar.

    The calendar is taken at its word: outside [floor_set, exit] nothing is on the floor, so all demand is
    lost; a boundary week is split by its days. On the floor, with C_u the demand of the floor days up to
    week u and S_u the supply up to then, the units lost up to week T are (no backlog)

        max over u <= T of max(0, C_u - S_u),   told as   L_T = max over u <= T of E[max(0, C_u - S_u)]

    with C_u negative binomial (`distribution.size_of_sum`). L_T is exact when all supply is there at first;
    with later receipts it is a lower bound, since a maximum's expectation exceeds the expectations' maximum.
    A week's loss is L_T - L_{T-1}. Stock left at an exit is taken to stay in the store and to be put out
    again at the next floor-set.

    Args:
        forecast: store, sku, week (first day), mean (units of the full week), evidence; the same weeks, one
            after the other, for every series.
        series: store, sku, level_shape, dispersion (as in ``DemandModel.series``).
        supply: store, sku, week, units: becoming available from that week on. Units of the first forecast
            week, or earlier, are there from the start (on hand at as_of); units after the last are ignored.
        windows: store, sku, season_code, floor_set, exit: 0..n rows per store x sku. A store x sku without a
            row is always on the floor, with season_code ''. Give the last past window too: it tells whose
            demand the weeks after it are.
        as_of: last business date known; of a week already begun only the days after it count.

    Returns:
        One row per store, sku, week, season_code and phase with days in it: store, sku, week, season_code,
        floor_set, exit (NaT without), phase (``before_floor_set``, ``in_season``, ``after_exit``), demand,
        lost (units), available (expected stock at the start of the week), recoverable (units of ``lost``
        after an exit which the stock left at it could serve: the sum over a season is
        min(left at exit, demand after)), evidence. Between an exit and the next floor-set, demand up to the
        trough of the year is ``after_exit`` of the earlier season and demand from there on is
        ``before_floor_set`` of the later; where that neighbour is not given, its season_code is ''.

    Raises:
        PanelError: a frame lacks a column, repeats a key or holds a value that cannot be worked with.
    """
    ahead = _lay_out(forecast, series, supply)
    slots = _windows(windows, ahead.keys)
    shares = phase_shares(ahead.week, ahead.mean, slots, as_of=np.datetime64(as_of, "D"))
    whole = days_ahead(ahead.week, np.datetime64(as_of, "D")) / 7
    floor = np.zeros_like(ahead.mean)
    for share in shares:
        if share.phase == "in_season":
            np.add.at(floor, (share.row, share.column), share.days / 7)
    lost, start = _lost_on_floor(ahead, np.minimum(floor, whole[None, :]))
    frame = _rows(ahead, shares, slots, lost, start, floor)
    return _with_recoverable(frame)


def _lost_on_floor(ahead: _Ahead, floor: Floats) -> tuple[Floats, Floats]:
    """Units lost on the floor in each week, and expected stock at its start, both (n, t)."""
    wanted = ahead.mean * floor
    total = np.cumsum(wanted, axis=1)
    stock = np.cumsum(ahead.supply, axis=1)
    size = size_of_sum(
        total, np.cumsum(wanted**2, axis=1), ahead.level_shape[:, None], ahead.dispersion[:, None]
    )
    short = expected_shortfall(total, size, stock)
    so_far = np.maximum.accumulate(np.where(total > 0, short, 0.0), axis=1)
    # What a week loses is at most what it asked for: the closed form only bounds sums of receipts.
    lost = np.clip(np.diff(so_far, axis=1, prepend=0.0), 0.0, wanted)
    sold_before = np.cumsum(wanted - lost, axis=1) - (wanted - lost)
    return lost, np.maximum(stock - sold_before, 0.0)


def _rows(
    ahead: _Ahead, shares: list[Share], slots: Windows, lost: Floats, start: Floats, floor: Floats
) -> pd.DataFrame:
    """The shares told as rows, in order of store, sku and week."""
    row = np.concatenate([share.row for share in shares])
    column = np.concatenate([share.column for share in shares])
    slot = np.concatenate([share.slot for share in shares])
    phase = np.concatenate([np.full(len(share.row), index) for index, share in enumerate(shares)])
    order = np.lexsort((phase, slot, column, row))
    row, column, slot, phase = row[order], column[order], slot[order], phase[order]
    part = np.concatenate([share.days for share in shares])[order] / 7
    demand = ahead.mean[row, column] * part
    on_floor = np.array([share.phase == "in_season" for share in shares])[phase]
    of_floor = np.divide(part, floor[row, column], out=np.ones_like(part), where=floor[row, column] > 0)
    season, floor_set, leaving = slots.names(row, slot)
    return pd.DataFrame(
        {
            "store": ahead.keys["store"].array.take(row),
            "sku": ahead.keys["sku"].array.take(row),
            "week": ahead.week.astype("datetime64[s]")[column],
            "season_code": season,
            "floor_set": floor_set,
            "exit": leaving,
            "phase": pd.array(np.array([share.phase for share in shares]))[phase],
            "demand": demand,
            "lost": np.where(on_floor, lost[row, column] * of_floor, demand),
            "available": start[row, column],
            "evidence": ahead.evidence_words.array.take(ahead.evidence[row, column]),
        }
    )


def _with_recoverable(frame: pd.DataFrame) -> pd.DataFrame:
    """Spend the stock left at each exit on the demand after it, week by week."""
    after = (frame["phase"] == "after_exit").to_numpy()
    group = frame[after].groupby([*_KEY, "season_code"], sort=False)
    wanted_so_far = group["lost"].cumsum()
    left = group["available"].transform("first")
    served = np.minimum(wanted_so_far, left) - np.minimum(wanted_so_far - frame.loc[after, "lost"], left)
    recoverable = np.zeros(len(frame))
    recoverable[after] = np.maximum(np.asarray(served, dtype=np.float64), 0.0)
    return frame.assign(recoverable=recoverable)[GAP_COLUMNS]


def _lay_out(forecast: pd.DataFrame, series: pd.DataFrame, supply: pd.DataFrame) -> _Ahead:
    require_columns(forecast, "forecast", [*_KEY, "week", "mean", "evidence"])
    require_columns(series, "series", [*_KEY, "level_shape", "dispersion"])
    require_columns(supply, "supply", [*_KEY, "week", "units"])
    require_unique(series, "series", _KEY)
    week_of_row = days(forecast, "forecast", "week")
    mean_of_row = numbers(forecast, "forecast", "mean", low=0)
    row, found = _coded_keys(forecast)
    week, column = _coded_weeks(week_of_row)
    n, t = len(found), len(week)
    if len(forecast) != n * t or (np.bincount(row * t + column, minlength=n * t) != 1).any():
        problem = f"{len(forecast)} rows for {n} series of {t} weeks: need one each"
        raise PanelError("forecast", "week", problem)
    mean, evidence = np.zeros((n, t)), np.zeros((n, t), dtype=np.int8)
    codes, words = pd.factorize(forecast["evidence"].astype(str))
    mean[row, column] = mean_of_row
    evidence[row, column] = codes
    frame = pd.DataFrame({"store": found.get_level_values(0), "sku": found.get_level_values(1)})
    known = pd.MultiIndex.from_frame(series[_KEY].astype(str)).get_indexer(found)
    if (known < 0).any():
        missing = tuple(frame.iloc[int(np.argmax(known < 0))])
        raise PanelError(
            "series", "store+sku", f"no row for {int((known < 0).sum())} series, such as {missing}"
        )
    return _Ahead(
        keys=frame,
        week=week,
        mean=mean,
        evidence=evidence,
        evidence_words=pd.Index(words),
        supply=_supplied(supply, found, week),
        level_shape=numbers(series, "series", "level_shape", low=0)[known],
        dispersion=numbers(series, "series", "dispersion", low=0)[known],
    )


def _coded_keys(forecast: pd.DataFrame) -> tuple[Indices, pd.Index[Any]]:
    """Series index of every row, and the series as (store, sku), sorted."""
    store, stores = pd.factorize(forecast["store"].astype(str), sort=True)
    sku, skus = pd.factorize(forecast["sku"].astype(str), sort=True)
    row, pairs = pd.factorize(store * max(len(skus), 1) + sku, sort=True)
    arrays = [stores.take(pairs // max(len(skus), 1)), skus.take(pairs % max(len(skus), 1))]
    return row, pd.MultiIndex.from_arrays(arrays, names=_KEY)


def _coded_weeks(week_of_row: npt.NDArray[np.datetime64]) -> tuple[npt.NDArray[np.datetime64], Indices]:
    """The weeks in order, and the position of every row's week among them."""
    position, weeks = pd.factorize(week_of_row.astype(np.int64), sort=True)
    return weeks.astype("datetime64[D]"), position


def _supplied(supply: pd.DataFrame, found: pd.Index[Any], week: npt.NDArray[np.datetime64]) -> Floats:
    """Supply by series and week; earlier weeks count as the first."""
    units = np.zeros((len(found), len(week)))
    row = found.get_indexer(pd.MultiIndex.from_frame(supply[_KEY].astype(str)))
    arriving = days(supply, "supply", "week")
    amount = numbers(supply, "supply", "units")
    column = np.maximum(np.searchsorted(week, arriving, side="right") - 1, 0)
    used = (row >= 0) & (arriving < week[-1] + np.timedelta64(7, "D")) if len(week) else row >= len(row)
    np.add.at(units, (row[used], column[used]), amount[used])
    return units


def _windows(windows: pd.DataFrame, keys: pd.DataFrame) -> Windows:
    require_columns(windows, "windows", [*_KEY, "season_code", "floor_set", "exit"])
    index = pd.MultiIndex.from_frame(keys)
    row = index.get_indexer(pd.MultiIndex.from_frame(windows[_KEY].astype(str)))
    floor_set, leaving = days(windows, "windows", "floor_set"), days(windows, "windows", "exit")
    if (leaving < floor_set).any():
        raise PanelError(
            "windows", "exit", f"{int((leaving < floor_set).sum())} exits before their floor_set"
        )
    used = row >= 0
    return Windows.of(
        len(keys),
        row[used],
        windows["season_code"].astype(str).to_numpy()[used],
        floor_set[used],
        leaving[used],
    )
