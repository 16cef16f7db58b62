"""The dates in force as a calendar file (RFC 5545): floor-set, markdowns and exit by category and zone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from icalendar import Calendar as CalendarFile
from icalendar import Event
from icalendar.enums import TRANSP

from data.calendar_rows import HALF_A_YEAR, own_ladder
from data.records import WindowStatus
from web.rendering.rule_texts import zone_name
from web.rendering.words import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.calendar_rows import Calendar, Window
    from data.records import CalendarVersion

_MADE_BY: Final = "-//InSeason//Trade calendar//EN"
_ASK_AGAIN: Final = timedelta(hours=6)
_KEPT: Final = timedelta(weeks=52)
_A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Day:
    """One day of a season: `kind` is floor_set, exit, or markdown with its number."""

    window: Window
    kind: str
    on: date
    told: str

    @property
    def uid(self) -> str:
        """The same for the same thing in every version, wherever its day has gone."""
        window, year = self.window, str(self.window.middle.year)
        named = (window.category, window.season_code, year, window.scope.climate_zone, self.kind)
        whole = "/".join(quote(part, safe="") for part in named)
        return f"{uuid5(NAMESPACE_URL, f'inseason:{whole}')}@inseason"


def calendar_file(
    whole: Calendar | None, version: CalendarVersion | None, today: date, base_url: str
) -> bytes:
    """The calendar in force as a file that calendar programs read.

    Args:
        whole: the calendar, of the categories that its reader may see; None before the first.
        version: its version, by whose number and instant programs know what is newer.
        today: what was over a year before it is left out.
        base_url: of the app, for the link of each event; none without it.
    """
    file = CalendarFile.new(
        # The same in every answer, so that a program is told when nothing is new.
        uid=str(uuid5(NAMESPACE_URL, "inseason:calendar")),
        prodid=_MADE_BY,
        name="InSeason",
        method="PUBLISH",
        refresh_interval=_ASK_AGAIN,
        description="When each category comes to the floor, is marked down, and leaves.",
    )
    # The library leaves this out; the property has no kind of value without it (RFC 7986, section 5.7).
    file["REFRESH-INTERVAL"].params["VALUE"] = "DURATION"
    if whole is None or version is None:
        return bytes(file.to_ical())
    made = version.created_at.astimezone(UTC).replace(microsecond=0)
    apart = _apart(whole)
    for day in _days(whole, today):
        window = day.window
        event = Event.new(
            uid=day.uid,
            start=day.on,
            end=day.on + _A_DAY,
            stamp=made,
            last_modified=made,
            sequence=version.version_id,
            summary=f"{window.category}{_where(window)}: {day.told}",
            description=_described(window, version, apart[window.category, window.season_code]),
            categories=[window.category],
            transparency=TRANSP.TRANSPARENT,
            url=_link(base_url, window) if base_url else None,
        )
        file.add_component(event)
    return bytes(file.to_ical())


def _days(whole: Calendar, today: date) -> Iterator[Day]:
    """The days of the windows of zones and of the chain, in the order of their dates."""
    found: list[Day] = []
    for window in whole.windows:
        scope = window.scope
        if window.status is not WindowStatus.CURRENT or scope.store_id or scope.style_id:
            continue
        if window.exit < today - _KEPT:
            continue
        found.append(Day(window, "floor_set", window.floor_set, "on the floor from today"))
        found.append(Day(window, "exit", window.exit, "last day on the floor"))
        steps = [
            step
            for step in whole.steps
            if (step.category, step.season_code) == (window.category, window.season_code)
            and abs(step.effective_from - window.middle) <= HALF_A_YEAR
        ]
        for number, (day, percent) in enumerate(own_ladder(steps, scope, whole.zones), 1):
            found.append(Day(window, f"markdown-{number}", day, f"marked down to {percent:g}% off"))
    yield from sorted(found, key=lambda day: (day.on, day.window.category, day.window.scope, day.kind))


def _apart(whole: Calendar) -> Counter[tuple[str, str]]:
    """How many windows of each season are those of single stores and styles."""
    return Counter(
        (window.category, window.season_code)
        for window in whole.windows
        if window.status is WindowStatus.CURRENT and (window.scope.store_id or window.scope.style_id)
    )


def _where(window: Window) -> str:
    return f", {zone_name(window.scope.climate_zone)}" if window.scope.climate_zone else ""


def _described(window: Window, version: CalendarVersion, apart: int) -> str:
    told = f"Season {window.season_code}. Calendar version {version.version_id}: {version.reason}"
    if apart:
        which = "has dates of its own" if apart == 1 else "have dates of their own"
        told += f"\n{count(apart, 'store or style', 'stores or styles')} of this season {which}."
    return told


def _link(base_url: str, window: Window) -> str:
    zone = f"?zone={quote(window.scope.climate_zone)}" if window.scope.climate_zone else ""
    return f"{base_url.rstrip('/')}/season/{quote(window.category)}{zone}"
