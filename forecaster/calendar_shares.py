"""The selling calendar as shares of weeks: which days belong to which season, on or off the floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]
    Days = npt.NDArray[np.datetime64]

_DAY = np.timedelta64(1, "D")
_WEEK_DAYS = 7
_YEAR_WEEKS = 52
_FLAT, _NEARLY = 0.02, 0.05
NO_SLOT = -1
"""Days of a season whose window was not given."""


@dataclass(frozen=True)
class Windows:
    """Selling windows of n series in up to k slots, each series' windows in order of their exit.

    Attributes:
        floor_set, exit: (n, k) first and last day on the floor; NaT in empty slots.
        season_code: (n, k) positions in ``codes``.
        codes: season codes; the first is ''.
        has_any: (n,) whether the series has a calendar at all.
    """

    floor_set: Days
    exit: Days
    season_code: Indices
    codes: pd.Index[str]
    has_any: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, n: int, row: Indices, season: npt.NDArray[Any], floor_set: Days, leaving: Days) -> Windows:
        """Windows of n series from one entry per window."""
        order = np.lexsort((leaving, floor_set, row))
        row, season, floor_set, leaving = row[order], season[order], floor_set[order], leaving[order]
        first = np.searchsorted(row, row)
        slot = np.arange(len(row)) - first
        k = int(slot.max(initial=-1)) + 1
        starts = np.full((n, k), np.datetime64("NaT", "D"))
        ends = starts.copy()
        starts[row, slot], ends[row, slot] = floor_set, leaving
        code, names = pd.factorize(np.asarray(season, dtype=object))
        codes = np.zeros((n, k), dtype=np.intp)
        codes[row, slot] = code + 1
        has_any = np.zeros(n, dtype=bool)
        has_any[row] = True
        return cls(starts, ends, codes, pd.Index(["", *map(str, names)]), has_any)

    @property
    def n_slots(self) -> int:
        """Most windows any series has."""
        return int(self.floor_set.shape[1])

    def names(self, row: Indices, slot: Indices) -> tuple[Any, Days, Days]:
        """season_code, floor_set and exit of slots; '' and NaT where there is none."""
        given = slot != NO_SLOT
        safe = np.where(given, slot, 0)
        if self.n_slots == 0:
            nothing = np.full(len(row), np.datetime64("NaT", "s"))
            return self.codes.array.take(np.zeros(len(row), dtype=np.intp)), nothing, nothing
        code = np.where(given, self.season_code[row, safe], 0)
        starts = np.where(given, self.floor_set[row, safe], np.datetime64("NaT", "D"))
        ends = np.where(given, self.exit[row, safe], np.datetime64("NaT", "D"))
        return self.codes.array.take(code), starts.astype("datetime64[s]"), ends.astype("datetime64[s]")


@dataclass(frozen=True)
class Share:
    """Days of weeks in one phase: entries (row = series, column = week, slot = window, days > 0)."""

    phase: str
    row: Indices
    column: Indices
    slot: Indices
    days: Floats


def days_ahead(week: Days, as_of: np.datetime64) -> Floats:
    """Days of each week after as_of, 0..7."""
    return np.clip((week + 6 * _DAY - as_of).astype(np.float64), 0.0, float(_WEEK_DAYS))


def phase_shares(week: Days, mean: Floats, windows: Windows, *, as_of: np.datetime64) -> list[Share]:
    """Split the days after as_of of every week between seasons and phases.

    Args:
        week: (t,) first days of consecutive weeks.
        mean: (n, t) expected demand of full weeks; its trough divides two seasons off the floor.
        windows: selling windows of the n series.
        as_of: last business date known.

    Returns:
        Shares whose days add up to the days after as_of of every series and week.
    """
    first = np.maximum(week, as_of + _DAY)
    last = week + 6 * _DAY
    total = days_ahead(week, as_of)
    left = np.tile(total, (len(mean), 1))
    shares = []
    always = np.flatnonzero(~windows.has_any)
    shares.append(_share("in_season", always, left, NO_SLOT))
    left[always] = 0.0
    for slot in range(windows.n_slots):
        rows = np.flatnonzero(~np.isnat(windows.floor_set[:, slot]))
        inside = _overlap(first, last, windows.floor_set[rows, slot], windows.exit[rows, slot])
        # Windows may overlap (the old season on the rail, the new one hung): a day is given out once.
        inside = np.minimum(inside, left[rows])
        left[rows] -= inside
        shares.append(_share("in_season", rows, _spread(inside, rows, left.shape), slot))
    shares += _off_floor(week, mean, windows, left, first)
    return [share for share in shares if len(share.row)] or shares[:1]


def _off_floor(week: Days, mean: Floats, windows: Windows, left: Floats, first: Days) -> list[Share]:
    """Give the days off the floor to the season before (up to the trough) or the one after it."""
    shares = []
    day = np.timedelta64(1, "D")
    for slot in range(NO_SLOT, windows.n_slots):
        rows = (
            np.flatnonzero(windows.has_any)
            if slot == NO_SLOT
            else np.flatnonzero(~np.isnat(windows.floor_set[:, slot]))
        )
        if not len(rows):
            continue
        opens = np.full(len(rows), week[0] - 400 * day) if slot == NO_SLOT else windows.exit[rows, slot] + day
        has_next = np.zeros(len(rows), dtype=bool)
        closes = np.full(len(rows), np.datetime64("2262-01-01", "D"))
        if slot + 1 < windows.n_slots:
            following = windows.floor_set[rows, slot + 1]
            has_next = ~np.isnat(following)
            closes = np.where(has_next, following - day, closes)
        # A week with its border inside is split by days, as windows are; what is left is off the floor.
        off = np.minimum(_overlap(first, week + 6 * day, opens, closes), left[rows])
        border = _trough(week, mean[rows], opens, closes, known_exit=slot != NO_SLOT)
        earlier = np.arange(len(week))[None, :] < border[:, None]
        before_slot = slot
        shares.append(
            _share("after_exit", rows, _spread(np.where(earlier, off, 0.0), rows, left.shape), before_slot)
        )
        later = _spread(np.where(earlier, 0.0, off), rows, left.shape)
        shares.append(_share("before_floor_set", rows[has_next], later, slot + 1))
        shares.append(_share("before_floor_set", rows[~has_next], later, NO_SLOT))
        left[rows] -= off
    return shares


def _trough(week: Days, mean: Floats, opens: Days, closes: Days, *, known_exit: bool) -> Indices:
    """First week that belongs to the next season: where expected demand is lowest between the two.

    The year after an exit is looked through, weeks already past at the height they will have a year on: a
    trough that is behind us leaves nothing to the old season, and its next peak is not its demand.
    """
    t = len(week)
    begin = np.floor((opens - week[0]).astype(np.float64) / _WEEK_DAYS).astype(int)
    end = np.floor((closes - week[0]).astype(np.float64) / _WEEK_DAYS).astype(int)
    begin = begin if known_exit else np.zeros_like(begin)
    position = begin[:, None] + np.arange(_YEAR_WEEKS)[None, :]
    seen = np.where(position < 0, position % _YEAR_WEEKS, position)
    usable = (seen < t) & (position <= end[:, None])
    height = np.take_along_axis(mean, np.where(usable, seen, 0), axis=1)
    bottom = np.where(usable, height, np.inf).min(axis=1, keepdims=True)
    top = np.where(usable, height, 0.0).max(axis=1, keepdims=True)
    # A flat bottom has no lowest week that means anything: take the middle of what is as good as lowest.
    low = usable & (height <= bottom + np.maximum(_FLAT * (top - bottom), _NEARLY * bottom))
    middle = (low * np.arange(_YEAR_WEEKS)).sum(axis=1) // np.maximum(low.sum(axis=1), 1)
    return np.where(usable.any(axis=1), begin + middle, 0)


def _overlap(first: Days, last: Days, starts: Days, ends: Days) -> Floats:
    """Days of [first, last] (t,) inside [starts, ends] (n,): (n, t)."""
    low = np.maximum(first[None, :], starts[:, None])
    high = np.minimum(last[None, :], ends[:, None])
    return np.maximum((high - low + _DAY).astype(np.float64), 0.0)


def _spread(values: Floats, rows: Indices, shape: tuple[int, ...]) -> Floats:
    """Values of some rows, laid into all rows."""
    full = np.zeros(shape)
    full[rows] = values
    return full


def _share(phase: str, rows: Indices, given: Floats, slot: int) -> Share:
    """Entries of ``given`` (n, t) above zero in ``rows``."""
    at, column = np.nonzero(given[rows] > 0)
    row = rows[at]
    return Share(phase, row, column, np.full(len(row), slot), given[row, column])
