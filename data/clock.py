"""What time it is for the service: the machine's clock, or the date at which a demonstration stands still."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data.settings import Settings

_NOON: Final = time(12)


class Clock:
    """Answers `now`, and which business dates are over.

    Only a composition root (a command, the app factory) makes one; everything below is handed instants.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def now(self) -> datetime:
        """The instant, aware and in UTC; noon in the chain's time zone when the clock stands still."""
        if self._settings.today is None:
            return datetime.now(UTC)
        return datetime.combine(self._settings.today, _NOON, self._settings.timezone).astimezone(UTC)

    def machine_now(self) -> datetime:
        """The machine's own time, whatever the service's: for how long things take and for lock-outs."""
        return datetime.now(UTC)

    def last_closing(self, business_date: date, timezones: Iterable[str | None]) -> datetime:
        """The instant at which the last store has closed on that date.

        A closing time before noon is one of the next morning: a day that ends at 02:00 ends after midnight.
        """
        zones = {ZoneInfo(name) if name else self._settings.timezone for name in timezones}
        zones = zones or {self._settings.timezone}
        closing = self._settings.closing_time
        day = business_date + timedelta(days=closing < _NOON)
        return max(datetime.combine(day, closing, zone) for zone in zones).astimezone(UTC)

    def last_closed_date(self, timezones: Iterable[str | None]) -> date:
        """The newest business date on which every store has closed by now."""
        zones = list(timezones)
        day = self.now().date() + timedelta(days=1)
        while self.last_closing(day, zones) > self.now():
            day -= timedelta(days=1)
        return day
