"""The calendar as plain rows: for whom each speaks, which one rules where, and how two versions differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from data.records.calendar import SPECIFICITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from data.records import WindowStatus

HALF_A_YEAR: Final = timedelta(weeks=26)


class Scope(NamedTuple):
    """For whom a row speaks; blank is all."""

    climate_zone: str = ""
    store_id: str = ""
    style_id: str = ""

    @property
    def weight(self) -> int:
        """How specific it is: of two rows that apply, the heavier wins."""
        return sum(SPECIFICITY[name] for name, value in self._asdict().items() if value)


@dataclass(frozen=True)
class Window:
    """A selling window as the calendar holds it, both days on the floor."""

    category: str
    season_code: str
    scope: Scope
    status: WindowStatus
    floor_set: date
    exit: date

    @property
    def middle(self) -> date:
        """The day that says to which year's season it belongs."""
        return self.floor_set + (self.exit - self.floor_set) / 2


@dataclass(frozen=True)
class Step:
    """A planned markdown as the calendar holds it, in percent of the regular price."""

    category: str
    season_code: str
    scope: Scope
    effective_from: date
    percent_off: float


Row = TypeVar("Row", Window, Step)
Ladder = tuple[tuple[date, float], ...]


@dataclass(frozen=True)
class Calendar:
    """One version of the calendar; `zones` says in which climate zone each store lies."""

    version_id: int
    windows: tuple[Window, ...]
    steps: tuple[Step, ...]
    zones: Mapping[str, str]


@dataclass(frozen=True)
class Difference:
    """What holds differently in one scope: a date, or the markdowns from their days on; None is nothing."""

    category: str
    season_code: str
    scope: Scope
    what: str
    before: date | Ladder | None
    after: date | Ladder | None


def difference(old: Calendar, new: Calendar) -> list[Difference]:
    """What holds differently, scope by scope, the widest scope first."""
    found = [*_window_differences(old, new), *_step_differences(old, new)]
    return sorted(
        found, key=lambda row: (row.category, row.season_code, row.scope.weight, row.scope, row.what)
    )


def ladder(rows: Iterable[Step], scope: Scope, zones: Mapping[str, str]) -> Ladder:
    """The markdowns that rule in a scope, by day; of several on one day the most specific."""
    by_day: dict[date, Step] = {}
    for row in sorted(rows, key=lambda row: row.scope.weight):
        if within(scope, row.scope, zones):
            by_day[row.effective_from] = row
    return tuple((day, by_day[day].percent_off) for day in sorted(by_day))


def own_ladder(rows: Iterable[Step], scope: Scope, zones: Mapping[str, str]) -> Ladder:
    """The markdowns of the most specific rows that speak for a scope, as plans and alerts read them.

    Those rows stand together: a store with steps of its own has none of the chain's
    (`data.selling_windows.markdown_steps`), whereas `ladder` looks for the newest step of all that apply.
    """
    applying = [row for row in rows if within(scope, row.scope, zones)]
    most = max((row.scope.weight for row in applying), default=0)
    return moving(ladder([row for row in applying if row.scope.weight == most], scope, zones))


def moving(steps: Ladder) -> Ladder:
    """Markdowns without those to the price that holds already."""
    before = (0.0, *(percent for _, percent in steps))
    return tuple(step for was, step in zip(before, steps, strict=False) if step[1] != was)


def percent_on(steps: Ladder, day: date) -> float:
    """The percent off that holds on a day."""
    return next((percent for begins, percent in reversed(steps) if begins <= day), 0.0)


def ruling(rows: Iterable[Window], scope: Scope, zones: Mapping[str, str]) -> Window | None:
    """The row that rules in a scope as a whole: of those that contain it, the most specific."""
    applying = (row for row in rows if within(scope, row.scope, zones))
    return max(applying, key=lambda row: (row.scope.weight, -row.middle.toordinal()), default=None)


def cuts(target: Scope, rows: Sequence[Window | Step], zones: Mapping[str, str]) -> list[Scope]:
    """The target and every way in which rows cut it, the widest first.

    Inside each of these scopes, whatever no narrower one takes out is ruled by one row.
    """
    found = {target}
    for row in rows:
        cuts = (meet(scope, row.scope, zones) for scope in tuple(found))
        found.update(cut for cut in cuts if cut is not None)
    return sorted(found, key=lambda scope: (scope.weight, scope))


def meet(one: Scope, other: Scope, zones: Mapping[str, str]) -> Scope | None:
    """Whom both name; None when they have nobody in common. A store needs no zone beside it."""
    named = [(a or b) if not (a and b and a != b) else None for a, b in zip(one, other, strict=True)]
    if None in named:
        return None
    zone, store, style = (str(name) for name in named)
    if store and zone and zones.get(store, "") != zone:
        return None
    return Scope("" if store else zone, store, style)


def within(inner: Scope, outer: Scope, zones: Mapping[str, str]) -> bool:
    """Whether everybody that one scope names is named by the other too."""
    zone = inner.climate_zone or zones.get(inner.store_id, "")
    known = Scope(zone, inner.store_id, inner.style_id)
    return all(not named or named == own for named, own in zip(outer, known, strict=True))


def year_of(rows: Sequence[Window], near: date) -> Sequence[Window]:
    """Of one season code's windows, those of the year whose season lies nearest to a day."""
    years: list[list[Window]] = []
    for row in sorted(rows, key=lambda row: row.middle):
        if years and row.middle - years[-1][-1].middle <= HALF_A_YEAR:
            years[-1].append(row)
        else:
            years.append([row])
    return min(years, key=lambda year: min(_days_off(row, near) for row in year), default=[])


def _days_off(row: Window, day: date) -> int:
    return max(0, (row.floor_set - day).days, (day - row.exit).days)


def _window_differences(old: Calendar, new: Calendar) -> Iterable[Difference]:
    found: dict[tuple[Any, ...], Difference] = {}
    seasons = [_by_season(calendar.windows) for calendar in (old, new)]
    for row in _changed_rows(old.windows, new.windows):
        before, after = (
            _as_it_rules(by_season.get((row.category, row.season_code), []), row, calendar.zones)
            for by_season, calendar in zip(seasons, (old, new), strict=True)
        )
        for what in ("floor_set", "exit"):
            was, is_now = (None if rules is None else getattr(rules, what) for rules in (before, after))
            if was != is_now:
                found[row.category, row.season_code, row.scope, what, was, is_now] = Difference(
                    row.category, row.season_code, row.scope, what, was, is_now
                )
    return found.values()


def _by_season(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    """Rows by the season of the category that they are about."""
    seasons: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        seasons.setdefault((row.category, row.season_code), []).append(row)
    return seasons


def _as_it_rules(season: Iterable[Window], row: Window, zones: Mapping[str, str]) -> Window | None:
    """The window of a season that rules in a row's scope and year."""
    same = [window for window in season if window.status == row.status]
    return ruling(year_of(same, row.middle), row.scope, zones)


def _step_differences(old: Calendar, new: Calendar) -> Iterable[Difference]:
    rows = _by_season(_changed_rows(old.steps, new.steps))
    before_rows, after_rows = _by_season(old.steps), _by_season(new.steps)
    for (category, season), changed in sorted(rows.items()):
        for scope in sorted({row.scope for row in changed}):
            days = [row.effective_from for row in changed if row.scope == scope]
            near = (min(days) - HALF_A_YEAR, max(days) + HALF_A_YEAR)
            before = _markdowns(before_rows.get((category, season), []), scope, near, old.zones)
            after = _markdowns(after_rows.get((category, season), []), scope, near, new.zones)
            if before != after:
                yield Difference(category, season, scope, "markdown", before, after)


def _markdowns(
    steps: Iterable[Step], scope: Scope, near: tuple[date, date], zones: Mapping[str, str]
) -> Ladder:
    """The markdowns of a season that rule in a scope between two days, without those that change nothing."""
    return moving(ladder([row for row in steps if near[0] <= row.effective_from <= near[1]], scope, zones))


def _changed_rows(old: Iterable[Row], new: Iterable[Row]) -> list[Row]:
    """The rows that only one of the two has."""
    before: Counter[Row] = Counter(old)
    after: Counter[Row] = Counter(new)
    return list(((before - after) + (after - before)).elements())


def told(day: date) -> str:
    """A day as a person says it."""
    return f"{day.day} {day:%B} {day.year}"
