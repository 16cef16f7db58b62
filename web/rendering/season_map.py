"""The gap map as it is drawn: weeks of the customer's season, and where the trade's leaves them alone."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from babel.dates import format_skeleton

from web.rendering.locality import here
from web.rendering.rule_texts import zone_name
from web.rendering.season_words import in_a_sentence, label
from web.rendering.words import day, money, number, short_money, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from data.planning.sheets import GapRow

MOST_WEEKS: Final = 53
"""So many weeks stand side by side: a year, and the week in which it closes."""

WEEKS_BEFORE: Final = 12
"""So many weeks of the past are shown unless others are asked for."""

_WEEK: Final = timedelta(weeks=1)
# What a cell's figure is of the map's largest, from which it takes the next darker shade.
_SHADES: Final = (0.0, 0.04, 0.15, 0.35, 0.65)
_BARS: Final = 9
_FAINT: Final = 0.03
_HALF: Final = 0.5
_UNKNOWN: Final = "unknown"
_WHOLLY: Final = 0.995
_LEAST: Final = 0.5
# A week belongs to a row's worst stretch while it misses this share of the worst week.
_WORTH_TELLING: Final = 0.05
_THOUSAND: Final = 1_000
_TEN_THOUSAND: Final = 9_950


@dataclass(frozen=True)
class View:
    """What of the gap is shown.

    `in_money`: at regular price, else in units. `all_missed`: also what sells out while it is on the floor,
    else only what is wanted outside the selling window.
    """

    in_money: bool = False
    all_missed: bool = False

    def wanted(self, week: GapRow) -> float:
        """What customers want in a week, units or money."""
        return week.demand_money if self.in_money else week.demand_units

    def missed(self, week: GapRow) -> float:
        """What of it they leave without, units or money."""
        units = week.lost_units if self.all_missed else week.before_units + week.after_units
        if not self.in_money:
            return units
        return week.lost_money * units / week.lost_units if week.lost_units > 0 else 0.0


class Cell(NamedTuple):
    """One week of one row.

    `shade` 0-5: how much is missed, of the map's largest; `bar` 0-9: how much is wanted, of the row's own
    peak; `figure`: what is missed, blank where nothing is; `told`: all of it in words.
    """

    shade: int = 0
    bar: int = 0
    on_floor: bool = False
    figure: str = ""
    told: str = ""
    when: str = ""

    @property
    def marks(self) -> str:
        """The classes of the cell: its shade, its bar, whether it is on the floor, past or this week's."""
        shade = f"l{self.shade} " if self.shade else ""
        bar = f"d{self.bar} " if self.bar else ""
        return f"{shade}{bar}{'f ' if self.on_floor else ''}{self.when}".rstrip()


@dataclass(frozen=True)
class Stretch:
    """Weeks on end in which a row misses something: the first and the last of them, and what they come to."""

    first_week: date
    last_week: date
    told: str


@dataclass(frozen=True)
class Row:
    """A category or a zone: what is still to be missed, its weeks, and the worst stretch of them."""

    name: str
    ahead: float
    told: str
    cells: tuple[Cell, ...]
    stretch: Stretch | None


@dataclass(frozen=True)
class Head:
    """One week's heading."""

    week: date
    number: str
    told: str
    is_past: bool
    is_now: bool

    @property
    def when(self) -> str:
        """The class of its cells."""
        return "p" if self.is_past else "n" if self.is_now else ""


@dataclass(frozen=True)
class GapTable:
    """The map: weeks by month, and rows, worst first."""

    months: tuple[tuple[str, int], ...]
    weeks: tuple[Head, ...]
    rows: tuple[Row, ...]
    ahead: float
    told: str
    earlier: date | None
    later: date | None
    by_zone: bool = False


def gap_table(
    found: Sequence[GapRow], *, view: View, by_zone: bool, today: date, start: date | None = None
) -> GapTable:
    """Lay out the gap.

    Args:
        found: the weeks of all categories of one zone, or of all zones of one category.
        view: units or money, outside the window or all that is missed.
        by_zone: whether a row is a zone; else it is a category.
        today: which week is marked, and from which on a row's total counts.
        start: first day shown; some weeks before today if left out.
    """
    named: dict[str, dict[date, _Seen]] = {}
    # The chain holds its zones: beside them it would count everything twice.
    zoned = by_zone and any(week.climate_zone for week in found)
    for week in found:
        if week.climate_zone or not zoned:
            row = named.setdefault(week.climate_zone if by_zone else week.category, {})
            row[week.week] = _Seen(view.missed(week), view.wanted(week), week.on_floor, str(week.evidence))
    weeks, earlier, later = _window(sorted({week for row in named.values() for week in row}), today, start)
    shown = {name: {week: row[week] for week in weeks if week in row} for name, row in named.items()}
    most = max((seen.missed for row in shown.values() for seen in row.values()), default=0.0)
    drawing = _Drawing(weeks, today, most, view.in_money)
    rows = [drawing.row(name, row) for name, row in shown.items()]
    ahead = sum(row.ahead for row in rows)
    return GapTable(
        months=_months(weeks),
        weeks=drawing.heads,
        rows=tuple(sorted(rows, key=lambda row: (-round(row.ahead, 2), row.name))),
        ahead=ahead,
        told=drawing.amount(ahead),
        earlier=earlier,
        later=later,
        by_zone=by_zone,
    )


def map_title(category: str) -> str:
    """The heading of the map."""
    return f"{label(category)}, zone by zone" if category else "Where the two seasons part"


def map_opening(table: GapTable, view: View, today: date) -> str:
    """What the map comes to, and where most of it lies.

    >>> map_opening(GapTable((), (), (), 0.0, "0", None, None), View(), date(2026, 6, 7))
    'In the weeks ahead customers find on the floor what they want.'
    """
    worst = next((row for row in table.rows if row.stretch), None)
    if worst is None or worst.stretch is None:
        return "In the weeks ahead customers find on the floor what they want."
    amount = f"goods for {table.told}" if view.in_money else f"{table.told} pieces"
    told = f"leave without {amount}" if view.all_missed else f"want {amount} that are off the floor"
    told = f"In the weeks ahead customers {told}"
    first = max(worst.stretch.first_week, today)
    last = worst.stretch.last_week + _WEEK - timedelta(days=1)
    where = zone_name(worst.name) if table.by_zone else in_a_sentence(worst.name)
    return (
        f"{told}. Most of it: {where}, {worst.stretch.told} from {day(first, today)} to {day(last, today)}."
    )


def _window(
    known: Sequence[date], today: date, start: date | None
) -> tuple[tuple[date, ...], date | None, date | None]:
    """The weeks shown, and where the earlier and the later ones begin, if there are any."""
    if not known:
        return (), None, None
    wanted = start or today - WEEKS_BEFORE * _WEEK
    first = next((place for place, week in enumerate(known) if week + _WEEK > wanted), len(known) - 1)
    # A page that would end before its place is full begins sooner.
    first = max(min(first, len(known) - MOST_WEEKS), 0)
    shown = tuple(known[first : first + MOST_WEEKS])
    earlier = known[max(first - MOST_WEEKS, 0)] if first else None
    after = first + MOST_WEEKS
    return shown, earlier, known[after] if after < len(known) else None


class _Seen(NamedTuple):
    """A week of a row, units or money."""

    missed: float
    wanted: float
    on_floor: float
    evidence: str


@dataclass(frozen=True)
class _Drawing:
    """What all cells of a map are drawn by: its weeks, this day, the most that a cell misses."""

    weeks: Sequence[date]
    today: date
    most: float
    in_money: bool

    def amount(self, value: float) -> str:
        """An amount in full."""
        return _amount(value, in_money=self.in_money)

    @cached_property
    def brief(self) -> Callable[[float], str]:
        """Writes amounts of a week."""
        return _brief(in_money=self.in_money)

    @cached_property
    def figure(self) -> Callable[[float], str]:
        """Writes the figures in the cells, where no currency fits."""
        return _brief(in_money=False)

    @cached_property
    def heads(self) -> tuple[Head, ...]:
        """The headings of the weeks."""
        return tuple(self._head(week) for week in self.weeks)

    def _head(self, week: date) -> Head:
        begun, over = week <= self.today, week + _WEEK <= self.today
        return Head(week, number(week.day), day(week, self.today), over, begun and not over)

    def row(self, name: str, row: Mapping[date, _Seen]) -> Row:
        """One row, by its weeks."""
        peak = max((seen.wanted for seen in row.values()), default=0.0)
        ahead = {
            head.week: row[head.week].missed
            for head in self.heads
            if not head.is_past and head.week in row and row[head.week].missed >= _LEAST
        }
        total = sum(ahead.values())
        cells = tuple(self._cell(row.get(head.week), head, peak) for head in self.heads)
        return Row(name, total, self.amount(total), cells, self._worst_stretch(ahead))

    def _worst_stretch(self, ahead: Mapping[date, float]) -> Stretch | None:
        """Of the weeks that miss something worth telling those on end that miss most."""
        runs: list[list[date]] = []
        least = _WORTH_TELLING * max(ahead.values(), default=0.0)
        for week in (week for week, missed in ahead.items() if missed >= least):
            if runs and week - runs[-1][-1] == _WEEK:
                runs[-1].append(week)
            else:
                runs.append([week])
        if not runs:
            return None
        missed, worst = max((sum(ahead[week] for week in run), run) for run in runs)
        return Stretch(worst[0], worst[-1], self.amount(missed))

    def _cell(self, seen: _Seen | None, head: Head, peak: float) -> Cell:
        if seen is None:
            return Cell(when=head.when)
        # A shop cannot miss half a piece: what rounds to nothing is nothing.
        missed = seen.missed if seen.missed >= _LEAST else 0.0
        share = seen.wanted / peak if peak > 0 else 0.0
        guess = seen.evidence == _UNKNOWN
        told = f"{_told(missed, seen.wanted, self.brief)}, {_where(seen.on_floor)}"
        return Cell(
            bisect_left(_SHADES, missed / self.most) if missed else 0,
            math.ceil(share * _BARS) if share >= _FAINT else 0,
            seen.on_floor >= _HALF,
            f"{self.figure(missed)}{'?' if guess else ''}" if missed else "",
            f"{head.told}: {told}{', a guess' if guess else ''}",
            head.when,
        )


def _told(missed: float, wanted: float, brief: Callable[[float], str]) -> str:
    if missed:
        return f"{brief(missed)} of {brief(max(wanted, missed))} missed"
    return f"{brief(wanted)} wanted" if wanted >= _LEAST else "nothing wanted"


def _where(share: float) -> str:
    if share >= _WHOLLY:
        return "on the floor"
    return "partly on the floor" if share > 1 - _WHOLLY else "off the floor"


def _amount(value: float, *, in_money: bool) -> str:
    rounded = whole(value)
    return money(Decimal(rounded)) if in_money else number(rounded)


def _brief(*, in_money: bool) -> Callable[[float], str]:
    """Writes figures in three signs or so, each only once: a map has thousands of them."""
    known: dict[float, str] = {}

    def written(value: float) -> str:
        told = _rounded(value)
        if told not in known:
            known[told] = short_money(Decimal(f"{told:g}")) if in_money else _short(told)
        return known[told]

    return written


def _rounded(value: float) -> float:
    """To whole pieces below a thousand, to hundreds below ten thousand, to thousands above."""
    if value < _THOUSAND - _LEAST:
        return float(whole(value))
    step = _THOUSAND / 10 if value < _TEN_THOUSAND else _THOUSAND
    return round(value / step) * step


def _short(value: float) -> str:
    if value < _THOUSAND:
        return number(value)
    return f"{number(value / _THOUSAND, 0 if value >= _TEN_THOUSAND else 1)}k"


def _months(weeks: Sequence[date]) -> tuple[tuple[str, int], ...]:
    """The months in which the weeks begin, with how many begin in each."""
    groups = [
        (first, len(list(some))) for first, some in groupby(weeks, key=lambda week: week.replace(day=1))
    ]
    years = {first.year for first, _ in groups}
    return tuple(
        (_month(first, with_year=len(years) > 1 and first.month == 1 and span > 2), span)  # noqa: PLR2004
        for first, span in groups
    )


def _month(first: date, *, with_year: bool) -> str:
    return format_skeleton("yMMM" if with_year else "MMM", first, locale=here().locale)
