"""Today's plan of every store and style beside the few changes a rule or an action would propose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.errors import PanelError
from forecaster.frames import days, numbers, require_columns
from forecaster.plan_sales import ExactSales, Stretch, sold_by_stretch
from forecaster.plan_shelves import KEY, read_shelves

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import numpy.typing as npt

    from forecaster.plan_shelves import Days, Shelves

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]


class Change(StrEnum):
    """What an alternative changes in today's plan."""

    TODAY = "today"
    HOLD_MARKDOWN = "hold_markdown"
    AFTER_PEAK = "after_peak"
    ADVANCE_MARKDOWN = "advance_markdown"
    EXTEND_EXIT = "extend_exit"
    EXTEND_AND_HOLD = "extend_and_hold"


@dataclass(frozen=True)
class Alternative:
    """A change by so many weeks; `Change.AFTER_PEAK` finds its weeks by itself."""

    kind: Change
    weeks: int = 0


DEFAULT_ALTERNATIVES: Final = (
    Alternative(Change.HOLD_MARKDOWN, 2),
    Alternative(Change.HOLD_MARKDOWN, 4),
    Alternative(Change.AFTER_PEAK),
    Alternative(Change.ADVANCE_MARKDOWN, 2),
    Alternative(Change.EXTEND_EXIT, 2),
    Alternative(Change.EXTEND_EXIT, 4),
    Alternative(Change.EXTEND_EXIT, 6),
    Alternative(Change.EXTEND_EXIT, 8),
    Alternative(Change.EXTEND_AND_HOLD, 2),
    Alternative(Change.EXTEND_AND_HOLD, 4),
    Alternative(Change.EXTEND_AND_HOLD, 6),
    Alternative(Change.EXTEND_AND_HOLD, 8),
)
GROUP: Final = ["store", "style", "season_code"]
COMPARED_COLUMNS: Final = [
    *GROUP, "alternative", "weeks", "floor_set", "exit", "first_markdown", "peak_week", "season_ends",
    "stock", "full_price_units", "markdown_units", "leftover_units", "revenue", "markdown_cost", "salvage",
    "margin", "turned_away_before", "turned_away_during", "turned_away_after", "turned_away", "margin_won",
    "customers_won", "leftover_less", "full_price_share", "leftover_share", "marked_down_before_peak",
]  # fmt: skip
_SUMS: Final = (
    "stock", "full_price_units", "markdown_units", "leftover_units", "revenue", "markdown_cost", "salvage",
    "margin", "turned_away_before", "turned_away_during", "turned_away_after", "turned_away",
    "marked_down_before_peak",
)  # fmt: skip
_HALF_YEAR: Final = 40
_YEAR: Final = 52
_DAY: Final = np.timedelta64(1, "D")


@dataclass(frozen=True)
class _Plans:
    """One plan of each of n series: positions of its floor-set (n,), markdowns (n, k) and exit (n,).

    A series with fewer markdowns than k has its last ones at infinity. `ahead`: (n, k) whether they come
    after as_of.
    """

    floor_set: Floats
    markdowns: Floats
    percents: Floats
    exit: Floats
    ahead: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Groups:
    """The stores x styles x seasons: of each series its group, and of each group when its season is.

    `peak`, `ends`, `starts`: positions of the end of the week of highest demand of the whole window (before
    `Shelves.begins` where it lies behind us), of the week of least demand after the exit, and of that before
    a floor-set still ahead.
    """

    keys: pd.DataFrame
    member: Indices
    peak: Floats
    ends: Floats
    starts: Floats

    def sums(self, values: Floats) -> Floats:
        """Values of the series added up by group."""
        return np.bincount(self.member, values, minlength=len(self.keys)).astype(np.float64)


def compare_plans(
    forecast: pd.DataFrame,
    series: pd.DataFrame,
    supply: pd.DataFrame,
    windows: pd.DataFrame,
    markdowns: pd.DataFrame,
    *,
    as_of: date,
    alternatives: Sequence[Alternative] = DEFAULT_ALTERNATIVES,
    lock_days: int = 0,
) -> pd.DataFrame:
    """What today's plan comes to in every store and style, and what changing one thing would win.

    As `forecaster.plan_markdowns`, with a plan of its own for every series. Of several windows the first
    whose exit is ahead counts; markdowns that are in force or lie within the lock stay as they are.

    - ``hold_markdown``: the other markdowns come ``weeks`` later; one that then lies past the exit falls
      away.
    - ``after_peak``: they come later by the whole weeks that put the first of them past the week of highest
      demand from floor-set to exit; nothing where that week is behind us.
    - ``advance_markdown``: they come sooner, as far as the lock allows.
    - ``extend_exit``: the exit is ``weeks`` later, at the last price.
    - ``extend_and_hold``: the exit is ``weeks`` later, and the other markdowns with it.

    Args:
        forecast: store, sku, week, mean (units at regular price), maybe evidence: as for `plan_markdowns`.
        series: store, sku, style, level_shape, dispersion, regular_price, unit_cost, salvage (money a
            piece), elasticity (demand moves with rho ** -elasticity).
        supply: store, sku, week, units, as for `forecaster.expected_gap`.
        windows: store, sku, season_code, floor_set, exit, as for `forecaster.expected_gap`.
        markdowns: store, sku, season_code, effective_from, percent_off: today's plan; may be empty.
        as_of: last business date known.
        alternatives: what to try besides today's plan.
        lock_days: the price file is closed for so many days after as_of.

    Returns:
        One row per store x style x season x alternative, ``today`` first: store, style, season_code,
        alternative, weeks (what the change came to), floor_set, exit, first_markdown (the first ahead, NaT
        without), peak_week (first day of the week of highest demand from floor-set to exit; for weeks that
        have passed the same weeks of the coming year stand), season_ends (first day of the week of least
        demand after today's exit), the figures of `PlanReport.plans` without rail-weeks
        (customers are units of demand at regular price), margin_won, customers_won and leftover_less against
        today's plan, full_price_share (of the units sold), leftover_share (of the stock; both NaN of
        nothing), marked_down_before_peak (units sold below regular price up to the end of the peak week).
        No row where nothing would change; no store x style without a window whose exit is ahead.

    Raises:
        PanelError: a frame lacks a column, repeats a key or holds a value that cannot be worked with.
    """
    require_columns(series, "series", [*KEY, "style", "elasticity"])
    current = _current(windows, series, as_of)
    if current.empty:
        return pd.DataFrame(columns=COMPARED_COLUMNS)
    shelves = read_shelves(forecast, current, supply, as_of=as_of, needed=["style", "elasticity"])
    today = _today(shelves, markdowns, np.datetime64(as_of, "D"))
    groups = _groups(shelves, today)
    beta = numbers(shelves.series, "series", "elasticity", low=0)
    open_from = float(shelves.position(np.datetime64(as_of, "D") + (lock_days + 1) * _DAY))
    tried = [(Change.TODAY, today, np.zeros(len(groups.keys)))]
    tried += [(one.kind, *_changed(today, one, groups, open_from, shelves.ends)) for one in alternatives]
    furthest = np.maximum.reduce([plans.exit for _, plans, _ in tried])
    frames = []
    for kind, plans, weeks in tried:
        rows = _told(shelves, groups, plans, beta, np.maximum(furthest, groups.ends[groups.member]))
        differs = groups.sums(_differ(plans, today)) > 0
        rows = rows.assign(alternative=str(kind), weeks=weeks)
        frames.append(rows if kind is Change.TODAY else rows[differs])
    return _against_today(pd.concat(frames))


def _current(windows: pd.DataFrame, series: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The series that have a window whose exit is ahead, with the first such."""
    require_columns(windows, "windows", [*KEY, "season_code", "floor_set", "exit"])
    floor_set, leaving = days(windows, "windows", "floor_set"), days(windows, "windows", "exit")
    if (leaving < floor_set).any():
        raise PanelError(
            "windows", "exit", f"{int((leaving < floor_set).sum())} exits before their floor_set"
        )
    ahead = windows[leaving > np.datetime64(as_of, "D")].sort_values(["exit", "floor_set"], kind="stable")
    first = ahead.drop_duplicates(KEY)[[*KEY, "season_code", "floor_set", "exit"]]
    return series.merge(first, on=KEY)


def _today(shelves: Shelves, markdowns: pd.DataFrame, as_of: np.datetime64) -> _Plans:
    """Today's plan of every series."""
    require_columns(markdowns, "markdowns", [*KEY, "season_code", "effective_from", "percent_off"])
    named = shelves.series[[*KEY, "season_code", "floor_set", "exit"]].assign(row=range(len(shelves.series)))
    own = markdowns.merge(named, on=[*KEY, "season_code"])
    # A code such as "swim" comes back every year.
    inside = (own["effective_from"] >= own["floor_set"]) & (own["effective_from"] <= own["exit"])
    own = own[inside].sort_values(["row", "effective_from"], kind="stable")
    row = own["row"].to_numpy(dtype=np.intp)
    slot = np.arange(len(row)) - np.searchsorted(row, row)
    shape = (len(named), int(slot.max(initial=-1)) + 1)
    place, percents, ahead = np.full(shape, np.inf), np.zeros(shape), np.zeros(shape, dtype=bool)
    if len(row):
        starts = days(own, "markdowns", "effective_from")
        place[row, slot], ahead[row, slot] = shelves.position(starts), starts > as_of
        percents[row, slot] = numbers(own, "markdowns", "percent_off", low=0, high=99)
    return _Plans(
        shelves.position(days(named, "windows", "floor_set")),
        place,
        percents,
        shelves.position(days(named, "windows", "exit") + _DAY),
        ahead,
    )


def _groups(shelves: Shelves, today: _Plans) -> _Groups:
    """The groups and their seasons."""
    keys = shelves.series[GROUP].drop_duplicates(ignore_index=True)
    member = shelves.series[GROUP].merge(keys.assign(group=range(len(keys))), on=GROUP)["group"].to_numpy()
    order = np.argsort(member, kind="stable")
    starts = np.searchsorted(member[order], np.arange(len(keys)))
    weekly = np.add.reduceat(np.diff(shelves.wanted, axis=0)[:, order], starts, axis=1)
    week = np.arange(len(weekly))[:, None]
    leaving, opens = today.exit[order][starts], today.floor_set[order][starts]
    trough = _where_least(weekly, (week >= leaving) & (week < leaving + _HALF_YEAR), leaving)
    before = _where_least(
        weekly, (week >= shelves.begins) & (week < opens), np.full(len(keys), shelves.begins)
    )
    some = order[starts]
    set_on = days(shelves.series, "windows", "floor_set").astype("datetime64[D]")[some]
    opened = (set_on - shelves.week[0]).astype(np.float64) / 7.0
    return _Groups(keys, member, _peak(weekly, opened, leaving), trough, before)


def _peak(weekly: Floats, opened: Floats, leaving: Floats) -> Floats:
    """The end of the week of highest demand of each group's window, weeks that have passed included.

    Nothing is foretold of those: the same weeks of the coming year stand for them. Of a week that begins
    before the window or ends after it only the days within count.

    Args:
        weekly: (t, n) units of each week from now on.
        opened: (n,) positions of the floor-set, below 0 where it lies in the past.
        leaving: (n,) positions of the exit.
    """
    year = weekly[:_YEAR]
    gone = np.full((_YEAR, weekly.shape[1]), -1.0)
    gone[: len(year)] = year
    week = np.arange(-_YEAR, len(weekly))[:, None]
    within = np.clip(np.minimum(week + 1, leaving) - np.maximum(week, opened), 0.0, 1.0)
    both = np.where(within > 0, within * np.concatenate([gone, weekly]), -1.0)
    return np.asarray(both.argmax(axis=0) + 1.0 - _YEAR)


def _where_least(weekly: Floats, within: npt.NDArray[np.bool_], otherwise: Floats) -> Floats:
    """The week of least demand among some weeks of each group."""
    least = np.where(within, weekly, np.inf).argmin(axis=0).astype(np.float64)
    return np.where(within.any(axis=0), least, otherwise)


def _changed(
    today: _Plans, one: Alternative, groups: _Groups, open_from: float, ends: float
) -> tuple[_Plans, Floats]:
    """Today's plans with one change, and the weeks it came to in each group."""
    n_groups = len(groups.keys)
    if one.kind in {Change.EXTEND_EXIT, Change.EXTEND_AND_HOLD}:
        longer = replace(today, exit=np.minimum(today.exit + one.weeks, ends))
        if one.kind is Change.EXTEND_AND_HOLD:
            held = replace(one, kind=Change.HOLD_MARKDOWN)
            longer = replace(_changed(today, held, groups, open_from, ends)[0], exit=longer.exit)
        return longer, np.full(n_groups, float(one.weeks))
    movable = today.ahead & (today.markdowns >= open_from)
    first = np.full(n_groups, np.inf)
    np.minimum.at(
        first, groups.member, np.where(movable, today.markdowns, np.inf).min(axis=1, initial=np.inf)
    )
    weeks = _weeks(one, first, groups, open_from)
    moved = today.markdowns + np.where(movable, weeks[groups.member][:, None], 0.0)
    # Whole days, as they were before the weeks were added: a cut on the day after the exit is none.
    moved = np.rint(moved * 7.0) / 7.0
    return replace(today, markdowns=moved), weeks


def _weeks(one: Alternative, first: Floats, groups: _Groups, open_from: float) -> Floats:
    """By how many weeks the markdowns of each group come later, negative for sooner."""
    known = np.isfinite(first)
    start = np.where(known, first, 0.0)
    if one.kind is Change.AFTER_PEAK:
        return np.where(known, np.maximum(np.ceil(groups.peak - start), 0.0), 0.0)
    if one.kind is Change.ADVANCE_MARKDOWN:
        return np.where(known, -np.minimum(float(one.weeks), np.floor(start - open_from)), 0.0)
    return np.where(known, float(one.weeks), 0.0)


def _differ(plans: _Plans, today: _Plans) -> Floats:
    """1 where a series' plan sells otherwise than today's."""
    own, theirs = (np.minimum(some.markdowns, some.exit[:, None]) for some in (plans, today))
    differs: npt.NDArray[np.bool_] = (own != theirs).any(axis=1) | (plans.exit != today.exit)
    return differs.astype(np.float64)


def _told(shelves: Shelves, groups: _Groups, plans: _Plans, beta: Floats, ends: Floats) -> pd.DataFrame:
    """The figures of one plan of every series, by group."""
    peak = np.clip(groups.peak[groups.member], plans.floor_set, plans.exit)
    edges, percent = _segments(plans, peak)
    rho = 1.0 - percent / 100.0
    growth = rho ** -beta[:, None]
    stretches = [
        Stretch(start[None], end[None], lift[None])
        for start, end, lift in zip(edges.T[:-1], edges.T[1:], growth.T, strict=True)
    ]
    so_far = np.concatenate(sold_by_stretch(shelves, stretches, ExactSales(shelves)))
    units = np.diff(so_far, axis=0, prepend=0.0).T
    cut = percent > 0
    money = units * shelves.regular_price[:, None]
    left = shelves.stock - units.sum(axis=1)
    revenue, salvage = (money * rho).sum(axis=1), left * shelves.salvage
    opened, closed, ended, begun = (
        shelves.at(shelves.wanted, position[None])[0]
        for position in (
            plans.floor_set,
            plans.exit,
            ends,
            np.minimum(groups.starts[groups.member], plans.floor_set),
        )
    )
    before, after = opened - begun, ended - closed
    during = np.maximum(closed - opened - (units / growth).sum(axis=1), 0.0)
    sums = {
        "stock": shelves.stock,
        "full_price_units": (units * ~cut).sum(axis=1),
        "markdown_units": (units * cut).sum(axis=1),
        "leftover_units": left,
        "revenue": revenue,
        "markdown_cost": (money * (1.0 - rho)).sum(axis=1),
        "salvage": salvage,
        "margin": revenue + salvage - shelves.unit_cost * shelves.stock,
        "turned_away_before": before,
        "turned_away_during": during,
        "turned_away_after": after,
        "turned_away": before + during + after,
        "marked_down_before_peak": (units * (cut & (edges[:, 1:] <= peak[:, None]))).sum(axis=1),
    }
    told = groups.keys.assign(**{name: groups.sums(sums[name]) for name in _SUMS})
    return told.assign(**_dates(shelves, groups, plans))


def _segments(plans: _Plans, peak: Floats) -> tuple[Floats, Floats]:
    """Edges (n, k + 3) of the price segments, cut at the peak too, and what is off in each (n, k + 2)."""
    low, high = plans.floor_set[:, None], plans.exit[:, None]
    starts = np.hstack([low, np.clip(plans.markdowns, low, high), peak[:, None]])
    n = len(starts)
    percent = np.hstack([np.zeros((n, 1)), plans.percents, np.full((n, 1), np.nan)])
    # A stable order: of a floor-set and a markdown on one day the markdown holds.
    order = np.argsort(starts, axis=1, kind="stable")
    starts, percent = np.take_along_axis(starts, order, axis=1), np.take_along_axis(percent, order, axis=1)
    known = np.maximum.accumulate(np.where(np.isnan(percent), 0, np.arange(percent.shape[1])), axis=1)
    return np.hstack([starts, high]), np.take_along_axis(percent, known, axis=1)


def _dates(shelves: Shelves, groups: _Groups, plans: _Plans) -> dict[str, Any]:
    """When what happens, by group."""
    first = np.full(len(groups.keys), np.inf)
    ahead = np.where(plans.ahead & (plans.markdowns < plans.exit[:, None]), plans.markdowns, np.inf)
    np.minimum.at(first, groups.member, ahead.min(axis=1, initial=np.inf))
    at = np.searchsorted(np.sort(groups.member), np.arange(len(groups.keys)))
    some = np.argsort(groups.member, kind="stable")[at]
    return {
        "floor_set": pd.to_datetime(shelves.series["floor_set"].to_numpy()[some]).to_numpy(),
        "exit": _day(shelves, plans.exit[some]) - _DAY,
        "first_markdown": np.where(
            np.isfinite(first), _day(shelves, np.where(np.isfinite(first), first, 0)), np.datetime64("NaT")
        ),
        "peak_week": _day(shelves, groups.peak - 1.0),
        "season_ends": _day(shelves, groups.ends),
    }


def _day(shelves: Shelves, position: Floats) -> Days:
    """The day whose morning lies at a position."""
    day = shelves.week[0] + np.rint(position * 7.0).astype("timedelta64[D]")
    return np.asarray(day, dtype="datetime64[s]")


def _against_today(rows: pd.DataFrame) -> pd.DataFrame:
    """What every alternative wins, in order of store, style, season and as they were given."""
    base = rows[rows["alternative"] == Change.TODAY].set_index(GROUP)
    here = pd.MultiIndex.from_frame(rows[GROUP])
    today = base.loc[here, ["margin", "turned_away", "leftover_units"]].to_numpy()
    own = rows[["margin", "turned_away", "leftover_units"]].to_numpy()
    sold = rows["full_price_units"] + rows["markdown_units"]
    told = rows.assign(
        margin_won=own[:, 0] - today[:, 0],
        customers_won=today[:, 1] - own[:, 1],
        leftover_less=today[:, 2] - own[:, 2],
        full_price_share=rows["full_price_units"] / sold.where(sold > 0),
        leftover_share=rows["leftover_units"] / rows["stock"].where(rows["stock"] > 0),
    )
    return told.sort_values(GROUP, kind="stable", ignore_index=True)[COMPARED_COLUMNS]
