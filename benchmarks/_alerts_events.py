"""Each rule's event, as it truly came about, and which alerts told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from benchmarks._alerts_judge import first_judged
from benchmarks._alerts_world import FIRST_NIGHT, WISHES
from forecaster import RulePolicy
from forecaster.codes import (
    ASKED_NOT_FOUND,
    BROKEN_SIZE_RUN,
    EXIT_BEFORE_DEMAND_ENDS,
    FEED_LATE,
    FLOOR_SET_AFTER_DEMAND_STARTS,
    MARKDOWN_BEFORE_PEAK,
    PHANTOM_STOCK,
    STOCK_OUTLASTS_SEASON,
    STOCKOUT_IN_SEASON,
)
from forecaster.rules.shelf import core_sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from benchmarks._alerts_judge import Shelves
    from benchmarks._alerts_world import World

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_POLICY: Final = RulePolicy()
_HALF: Final = 0.5
_GROUP: Final = ["store", "style"]
_CALENDAR: Final = [*_GROUP, "season"]
_FAR_DAYS: Final = 300
_NEARLY_LEAST: Final = 0.02
_WEEK: Final = 7
# Weeks with less are noise: at this rate the minimum would not be missed in the longest horizon.
_NOISE_UNITS: Final = 0.25
_PAUSE_WEEKS: Final = 2
_SMALLEST_RUN: Final = 3


@dataclass(frozen=True)
class Events:
    """What truly happened that a rule is there to tell.

    Attributes:
        rows: one per event: its identity (the columns ``on``), begins, ends (first day of the loss, and the
            last on which half the minimum or more was still to come), units, due (whether the rule promises
            to tell it).
        on: the columns that tie an alert to its events.
        came: units of the loss that came after each of some alerts was raised, within what it spoke of.
        least: units from which an alert was right, for each of those alerts.
    """

    rows: pd.DataFrame
    on: list[str]
    came: Callable[[pd.DataFrame], Floats]
    least: Callable[[pd.DataFrame], Floats]


def events_of(world: World, shelves: Shelves, last_night: pd.Timestamp) -> dict[str, Events]:
    """The events of every rule."""
    stockouts = _Stockouts.of(shelves)
    broken = _Stockouts.of(shelves, broken=_broken_days(shelves))
    found = {
        EXIT_BEFORE_DEMAND_ENDS: _exits(shelves),
        FLOOR_SET_AFTER_DEMAND_STARTS: _floor_sets(shelves),
        STOCKOUT_IN_SEASON: stockouts.events(),
        MARKDOWN_BEFORE_PEAK: _markdowns(shelves),
        STOCK_OUTLASTS_SEASON: _leftovers(shelves),
        BROKEN_SIZE_RUN: broken.events(),
        ASKED_NOT_FOUND: _asked(world, shelves),
        PHANTOM_STOCK: _phantoms(world, shelves),
        FEED_LATE: _outages(world),
    }
    night = pd.Timestamp(FIRST_NIGHT)
    for events in found.values():
        events.rows["due"] &= events.rows["begins"].between(night, last_night, inclusive="right")
    return found


def _half_the_minimum(alerts: pd.DataFrame) -> Floats:
    return np.full(len(alerts), _HALF * _POLICY.min_units)


def _dates(shelves: Shelves, numbers: Any) -> pd.Series:
    return pd.Series(pd.Timestamp(shelves.days[0]) + pd.to_timedelta(np.asarray(numbers), unit="D"))


def _numbers(shelves: Shelves, days: pd.Series) -> NDArray[np.intp]:
    number = (days.to_numpy().astype("datetime64[D]") - shelves.days[0]).astype(np.intp)
    return np.asarray(np.clip(number, -1, len(shelves.days) - 1))


def _spans(shelves: Shelves, daily: Floats) -> pd.DataFrame:
    """begins, ends and units of losses by day, (k, t); NaT where less than half the minimum is lost."""
    left = np.cumsum(daily[:, ::-1], axis=1)[:, ::-1]
    enough = left >= _HALF * _POLICY.min_units
    last = np.where(enough.any(axis=1), enough.shape[1] - 1 - np.argmax(enough[:, ::-1], axis=1), -1)
    first = np.argmax(daily > 0, axis=1)
    told = pd.DataFrame(
        {"begins": _dates(shelves, first), "ends": _dates(shelves, last), "units": daily.sum(axis=1)}
    )
    return told.where(pd.Series(last >= 0), np.nan).astype(
        {"begins": "datetime64[s]", "ends": "datetime64[s]"}
    )


def _worth_it(units: Floats, price: Floats) -> Flags:
    return (units >= _POLICY.min_units) & (units * price >= _POLICY.min_money)


def _identity(windows: pd.DataFrame) -> pd.DataFrame:
    return windows.rename(columns={"store_id": "store", "style_id": "style"})[_CALENDAR].reset_index(
        drop=True
    )


def _sums(place: NDArray[Any], values: Floats, n: int) -> Floats:
    return np.asarray(np.bincount(place, weights=values, minlength=n), dtype=np.float64)


def _after(daily: Floats) -> Floats:
    """(k, t + 1): what is lost from each day on, and 0 beyond the last."""
    return np.pad(np.cumsum(daily[:, ::-1], axis=1)[:, ::-1], ((0, 0), (0, 1)))


def _calendar_events(
    shelves: Shelves,
    daily: Floats,
    winnable: Floats,
    *,
    least: Callable[[pd.DataFrame], Floats] | None = None,
) -> Events:
    """Events of windows from their losses by day, (windows, t)."""
    windows = shelves.windows
    identity = _identity(windows)
    price = shelves.groups["price"].to_numpy()[windows["group"]]
    spans = _spans(shelves, daily)
    rows = pd.concat([identity, spans], axis=1)
    rows["due"] = rows["ends"].notna() & _worth_it(winnable, price)
    place = pd.MultiIndex.from_frame(identity)
    left = _after(daily)

    def came(alerts: pd.DataFrame) -> Floats:
        row = place.get_indexer(pd.MultiIndex.from_frame(alerts[_CALENDAR]))
        units = left[row, _numbers(shelves, alerts["raised_on"]) + 1]
        return np.where(row >= 0, units, 0.0)

    return Events(rows[rows["ends"].notna()].copy(), _CALENDAR, came, least or _half_the_minimum)


def _troughs(shelves: Shelves) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The days between which a window's demand lies: it has fallen to its least before, and again after it.

    Least is what comes within a fiftieth of the highest day of the least week between two windows.
    """
    t = len(shelves.days)
    smooth = np.cumsum(np.pad(shelves.group_wanted, ((0, 0), (1, 0))), axis=1)
    weekly = (smooth[:, _WEEK:] - smooth[:, :-_WEEK]) / _WEEK
    slack = _NEARLY_LEAST * shelves.group_wanted.max(axis=1)
    rows = shelves.windows.reset_index(drop=True)
    following = rows.groupby("group")["floor_set"].shift(-1).fillna(rows["exit"] + _FAR_DAYS).astype(int)
    leading = rows.groupby("group")["exit"].shift(1).fillna(rows["floor_set"] - _FAR_DAYS).astype(int)
    last = weekly.shape[1]
    before, after = np.zeros(len(rows), np.intp), np.zeros(len(rows), np.intp)
    for place, (group, opens, leaves) in enumerate(
        zip(rows["group"], rows["floor_set"], rows["exit"], strict=True)
    ):
        start, end = np.clip([leaves + 1, following[place]], 0, last)
        ahead = weekly[group, start:end]
        after[place] = start + _first_least(ahead, slack[group]) if end > start else start
        start, end = np.clip([leading[place] + 1, opens], 0, last)
        back = weekly[group, start:end][::-1]
        before[place] = end - _first_least(back, slack[group]) if end > start else end
    return before, np.where(rows["exit"] >= t, t, after)


def _first_least(weekly: Floats, slack: float) -> int:
    return int(np.argmax(weekly <= weekly.min() + slack))


def _exits(shelves: Shelves) -> Events:
    """Material weeks after the exit, up to the trough: wanted, and not served from the rail either."""
    windows = shelves.windows
    day = np.arange(len(shelves.days))[None, :]
    _, trough = _troughs(shelves)
    group = windows["group"].to_numpy()
    after = (day > windows["exit"].to_numpy()[:, None]) & (day < trough[:, None]) & shelves.material[group]
    daily = shelves.by_group(shelves.missed)[group] * after
    return _calendar_events(shelves, daily, _winnable(shelves, after))


def _floor_sets(shelves: Shelves) -> Events:
    """Material weeks from the trough to the floor-set: whatever is wanted, for nothing hangs there."""
    windows = shelves.windows
    day = np.arange(len(shelves.days))[None, :]
    trough, _ = _troughs(shelves)
    group = windows["group"].to_numpy()
    before = (day < windows["floor_set"].to_numpy()[:, None]) & (day >= trough[:, None])
    daily = shelves.group_wanted[group] * (before & shelves.material[group])
    return _calendar_events(shelves, daily, daily.sum(axis=1))


def _winnable(shelves: Shelves, during: Flags) -> Floats:
    """Units of each window's loss that stock which nobody else needs, or an order, could have served."""
    cells = shelves.pairs[["group", "sku", "reorderable"]].reset_index(names="cell")
    named = shelves.windows[["group", "season"]].reset_index(names="place")
    lines = named[during.any(axis=1)].merge(cells, on="group")
    place, cell = lines["place"].to_numpy(), lines["cell"].to_numpy()
    start = np.maximum(np.argmax(during, axis=1) - 1, 0)
    loss = (shelves.missed[cell] * during[place]).sum(axis=1)
    spare = shelves.reserve[cell, start[place]]
    asked = lines.assign(loss=loss).groupby(["sku", "season"])["loss"].transform("sum").to_numpy()
    share = np.minimum(np.divide(spare, asked, out=np.ones_like(spare), where=asked > 0), 1.0)
    won = loss * np.where(lines["reorderable"].to_numpy(), 1.0, share)
    return _sums(place, won, len(shelves.windows))


def _broken_days(shelves: Shelves) -> Flags:
    """(n shelves, t): empty sizes of a colour of three or more, a core one gone, enough of others there.

    The core sizes are the fewest that make up the policy's share of what is wanted of the colour in the year.
    """
    pairs = shelves.pairs
    run = pairs.groupby(["group", "color"], dropna=False).ngroup().to_numpy(dtype=np.intp)
    n = int(run.max()) + 1
    share = np.full(len(pairs), _POLICY.core_share)
    core = core_sizes(np.asarray(run, dtype=np.intp), shelves.wanted.sum(axis=1), share)
    gone = shelves.there == 0.0
    core_gone, held = np.zeros((n, len(shelves.days))), np.zeros((n, len(shelves.days)))
    np.add.at(core_gone, run, core[:, None] & gone)
    np.add.at(held, run, shelves.on_hand * ~gone)
    sizes = np.bincount(run, minlength=n) >= _SMALLEST_RUN
    broken = (core_gone > 0) & (held >= _POLICY.min_units) & sizes[:, None]
    return np.asarray(broken[run] & gone)


@dataclass(frozen=True)
class _Stockouts:
    """Losses on the calendar's floor, by shelf and day, and gathered into spells of weeks by store and style.

    A week with less than a quarter of a unit is no loss; two such weeks end a spell.
    """

    shelves: Shelves
    daily: Floats

    @classmethod
    def of(cls, shelves: Shelves, broken: Flags | None = None) -> _Stockouts:
        group = shelves.pairs["group"].to_numpy()
        daily = shelves.missed * (shelves.floor & shelves.material)[group]
        return cls(shelves, daily if broken is None else daily * broken)

    def events(self) -> Events:
        """A spell is due when the most that is lost of it within the rule's horizon is worth an alert."""
        return Events(self._spells(), _GROUP, self._came, _half_the_minimum)

    def _spells(self) -> pd.DataFrame:
        shelves, groups = self.shelves, self.shelves.groups
        begin = first_judged(shelves) % _WEEK
        daily = shelves.by_group(self.daily)[:, begin:]
        weeks = daily.shape[1] // _WEEK
        weekly = _weekly(daily, weeks)
        sent, any_how = self._winnable_weeks(begin, weeks)
        lead = np.ceil(groups["lead_days"].to_numpy() / _WEEK).astype(int)
        rows = []
        for group, start, end in _runs(weekly >= _NOISE_UNITS):
            loss = daily[group, start * _WEEK : end * _WEEK]
            left = np.cumsum(loss[::-1])[::-1]
            enough = np.flatnonzero(left >= _HALF * _POLICY.min_units)
            if len(enough) == 0:
                continue
            # What is ordered on the first day of the loss is there a lead time later.
            arrives = min(start + int(lead[group]), end)
            won = np.concatenate([sent[group, start:arrives], any_how[group, arrives:end]])
            horizon = int(groups["horizon"].iloc[group])
            rows.append(
                {
                    "store": groups["store_id"].iloc[group],
                    "style": groups["style_id"].iloc[group],
                    "begins": begin + start * _WEEK + int(np.argmax(loss > 0)),
                    "ends": begin + start * _WEEK + int(enough[-1]),
                    "units": _most_within(weekly[group, start:end], horizon),
                    "due": bool(
                        _worth_it(np.array(_most_within(won, horizon)), groups["price"].to_numpy()[group])
                    ),
                }
            )
        told = pd.DataFrame(rows, columns=["store", "style", "begins", "ends", "units", "due"])
        return told.assign(begins=_dates(shelves, told["begins"]), ends=_dates(shelves, told["ends"]))

    def _winnable_weeks(self, begin: int, weeks: int) -> tuple[Floats, Floats]:
        """(groups, weeks) units that stock which nobody needs could have served; and with orders besides."""
        shelves = self.shelves
        loss = _weekly(self.daily[:, begin:], weeks)
        spare = shelves.reserve[:, begin : begin + weeks * _WEEK : _WEEK]
        sku, skus = pd.factorize(shelves.pairs["sku"])
        claimed = np.zeros((len(skus), weeks))
        # Whoever claims a piece claims it for the whole horizon.
        ahead = np.cumsum(np.pad(loss, ((0, 0), (1, _POLICY.max_stockout_weeks))), axis=1)
        wanted = ahead[:, _POLICY.max_stockout_weeks :][:, :weeks] - ahead[:, :weeks]
        np.add.at(claimed, sku, wanted)
        share = np.divide(spare, claimed[sku], out=np.ones_like(spare), where=claimed[sku] > 0)
        reorderable = shelves.pairs["reorderable"].to_numpy()[:, None]
        sent = loss * np.minimum(share, 1.0)
        return shelves.by_group(sent), shelves.by_group(np.where(reorderable, loss, sent))

    def _came(self, alerts: pd.DataFrame) -> Floats:
        """Missed of the sizes that the alert named, from the day after it to the end of its horizon."""
        left = _after(self.daily)
        shelves = self.shelves
        index = pd.MultiIndex.from_frame(shelves.pairs[["store_id", "sku"]])
        lines = alerts[["store", "skus", "raised_on", "horizon_ends"]].reset_index(drop=True).explode("skus")
        row = index.get_indexer(pd.MultiIndex.from_frame(lines[["store", "skus"]]))
        start = _numbers(shelves, lines["raised_on"]) + 1
        end = np.maximum(_numbers(shelves, lines["horizon_ends"]) + 1, start)
        units = np.where(row >= 0, left[row, start] - left[row, end], 0.0)
        return _sums(lines.index.to_numpy(), units, len(alerts))


def _weekly(daily: Floats, weeks: int) -> Floats:
    """Sums of whole weeks, row by row."""
    whole = daily[:, : weeks * _WEEK].reshape(len(daily), weeks, _WEEK)
    return np.asarray(whole.sum(axis=2))


def _runs(lossy: Flags) -> list[tuple[int, int, int]]:
    """Row, first and past-the-last column of runs of True that at most one column at a time interrupts."""
    bridged = lossy.copy()
    bridged[:, 1:-1] |= lossy[:, :-2] & lossy[:, 2:]
    edges = np.diff(np.pad(bridged.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    row, start = np.nonzero(edges == 1)
    _, end = np.nonzero(edges == -1)
    return list(zip(row.tolist(), start.tolist(), end.tolist(), strict=True))


def _most_within(weekly: Floats, horizon: int) -> float:
    total = np.concatenate([[0.0], np.cumsum(weekly)])
    ends = np.minimum(np.arange(len(weekly)) + horizon, len(weekly))
    return float((total[ends] - total[:-1]).max(initial=0.0))


def _markdowns(shelves: Shelves) -> Events:
    """Sold from the first price cut to the end of the week of highest demand of the window.

    Due is what somebody missed for it: as many pieces as were missed from the cut to the exit.
    """
    windows = shelves.windows
    group, day = windows["group"].to_numpy(), np.arange(len(shelves.days))[None, :]
    opens, leaves, cut = (windows[name].to_numpy()[:, None] for name in ("floor_set", "exit", "cut"))
    on = (day >= opens) & (day <= leaves)
    wanted = np.where(on, shelves.group_wanted[group], -1.0)
    # A week has one rate: the last day of the highest ends it.
    peak = wanted.shape[1] - 1 - np.argmax(wanted[:, ::-1], axis=1)
    # A season that is not over by the last day has not had its peak for certain.
    known = (windows["exit"].to_numpy() < len(shelves.days)) & (windows["floor_set"].to_numpy() >= 0)
    at_cut = on & (day >= cut) & (day <= peak[:, None]) & known[:, None]
    daily = shelves.by_group(shelves.sold)[group] * at_cut
    # Whoever would have paid in full missed what had gone at the cut.
    missed = (shelves.by_group(shelves.missed)[group] * (on & (day >= cut))).sum(axis=1)
    return _calendar_events(shelves, daily, np.minimum(daily.sum(axis=1), missed))


def _leftovers(shelves: Shelves) -> Events:
    """On hand at closing of the exit, less what customers still want of each size until demand ends.

    An alert was right from half the policy's share of the stock that was there when it was told.
    """
    windows, t = shelves.windows, len(shelves.days)
    group, leaves = windows["group"].to_numpy(), windows["exit"].to_numpy()
    _, trough = _troughs(shelves)
    known = (leaves >= 0) & (leaves < t)
    cells = shelves.pairs[["group"]].reset_index(names="cell")
    lines = windows[["group"]].reset_index(names="place").merge(cells, on="group")
    lines = lines[known[lines["place"]]]
    place, cell = lines["place"].to_numpy(), lines["cell"].to_numpy()
    total = np.cumsum(np.pad(shelves.wanted, ((0, 0), (1, 0))), axis=1)
    wanted = total[cell, trough[place]] - total[cell, np.minimum(leaves[place] + 1, trough[place])]
    spare = np.maximum(shelves.on_hand[cell, leaves[place]] - wanted, 0.0)
    left = _sums(place, spare, len(windows))
    held = shelves.by_group(shelves.on_hand)[group]
    rows = np.arange(len(windows))
    daily = np.zeros((len(windows), t))
    daily[rows[known], leaves[known]] = left[known]
    earlier = np.clip(leaves - _WEEK * _POLICY.markdown_weeks_ahead, 0, t - 1)
    winnable = np.where(left >= _POLICY.min_leftover_share * held[rows, earlier], left, 0.0)
    identity = pd.MultiIndex.from_frame(_identity(windows))

    def least(alerts: pd.DataFrame) -> Floats:
        row = identity.get_indexer(pd.MultiIndex.from_frame(alerts[_CALENDAR]))
        stock = held[row, _numbers(shelves, alerts["raised_on"])]
        share = _HALF * _POLICY.min_leftover_share * stock
        return np.asarray(np.maximum(_half_the_minimum(alerts), share))

    return _calendar_events(shelves, daily, winnable, least=least)


def _phantoms(world: World, shelves: Shelves) -> Events:
    """The shelves that were emptied while the books went on showing their stock."""
    spells = world.faults.phantoms.merge(
        shelves.pairs[["store_id", "sku", "style_id"]], on=["store_id", "sku"]
    )
    index = pd.MultiIndex.from_frame(shelves.pairs[["store_id", "sku"]])
    row = index.get_indexer(pd.MultiIndex.from_frame(spells[["store_id", "sku"]]))
    on = (shelves.floor & shelves.material)[shelves.pairs["group"].to_numpy()[row]]
    day = shelves.days[None, :]
    first, last = (spells[name].to_numpy().astype("datetime64[D]")[:, None] for name in ("first", "last"))
    daily = shelves.wanted[row] * on * ((day >= first) & (day <= last))
    rows = spells.rename(columns={"store_id": "store", "style_id": "style"})[[*_GROUP, "sku"]]
    rows = pd.concat([rows, _spans(shelves, daily)], axis=1)
    rows["due"] = rows["ends"].notna()
    # The last row is of no shelf, for alerts of shelves that nobody emptied.
    left = np.vstack([_after(daily), np.zeros(len(shelves.days) + 1)])

    def came(alerts: pd.DataFrame) -> Floats:
        lines = alerts[["store", "skus", "raised_on"]].reset_index(drop=True).explode("skus")
        of = pd.MultiIndex.from_frame(spells[["store_id", "sku"]])
        found = of.get_indexer(pd.MultiIndex.from_frame(lines[["store", "skus"]]))
        now = _numbers(shelves, lines["raised_on"])
        begun = (
            lines["raised_on"].to_numpy()
            >= np.append(spells["first"].to_numpy(), np.datetime64("NaT"))[found]
        )
        units = np.where((found >= 0) & begun, left[found, now + 1], 0.0)
        return _sums(lines.index.to_numpy(), units, len(alerts))

    return Events(rows[rows["ends"].notna()].copy(), _GROUP, came, _half_the_minimum)


def _outages(world: World) -> Events:
    """The days on which a store's sales and stock were late by more than the policy allows."""
    outages = world.faults.outages.merge(pd.DataFrame({"season": ["sales", "stock"]}), how="cross")
    rows = outages.rename(columns={"store_id": "store"}).assign(
        begins=outages["first"] + pd.Timedelta(days=_POLICY.late_days),
        ends=outages["last"],
        units=_POLICY.min_units,
        due=True,
    )
    spans = rows.set_index(["store", "season"])

    def came(alerts: pd.DataFrame) -> Floats:
        place = spans.index.get_indexer(pd.MultiIndex.from_frame(alerts[["store", "season"]]))
        first, last = (
            np.append(spans[name].to_numpy(), np.datetime64("NaT"))[place] for name in ("begins", "ends")
        )
        night = alerts["raised_on"].to_numpy()
        late = (place >= 0) & (night >= first) & (night <= last + np.timedelta64(1, "D"))
        return np.where(late, _POLICY.min_units, 0.0)

    return Events(
        rows[["store", "season", "begins", "ends", "units", "due"]],
        ["store", "season"],
        came,
        _half_the_minimum,
    )


def _asked(world: World, shelves: Shelves) -> Events:
    """Things nobody carries that several customers asked for; of things carried, what was missed then."""
    wishes = world.faults.wishes
    asked = wishes[wishes["words"].isin(WISHES)]
    rows = asked.groupby("words").agg(begins=("day", "min"), ends=("day", "max"), units=("day", "size"))
    rows = rows.reset_index().astype({"words": "str"}).assign(due=True)
    missed = shelves.by_group(shelves.missed)
    left = _after(missed)
    place = pd.MultiIndex.from_frame(shelves.groups[["store_id", "style_id"]])
    spans = rows.set_index("words")

    def came(alerts: pd.DataFrame) -> Floats:
        words = alerts["words"].map(wish_of)
        known = words.isin(spans.index)
        live = alerts["raised_on"] <= words.map(spans["ends"]).fillna(pd.Timestamp(0)) + pd.Timedelta(weeks=4)
        group = place.get_indexer(pd.MultiIndex.from_frame(alerts[_GROUP]))
        now = _numbers(shelves, alerts["raised_on"])
        near = 7 * _POLICY.asked_weeks
        start, end = np.maximum(now - near, 0), np.minimum(now + near, len(shelves.days))
        carried = np.where(group >= 0, left[group, start] - left[group, end], 0.0)
        return np.where(known & live, _POLICY.min_units, carried)

    return Events(rows, ["words"], came, _half_the_minimum)


def wish_of(words: str) -> str:
    """The wish put in that an alert's words are about, or blank: each of them begins one of the wish's."""
    said = str(words).casefold().split()
    wishes = (
        wish for wish in WISHES if all(any(each.startswith(word) for each in wish.split()) for word in said)
    )
    return next(wishes, "") if said else ""
