"""The trade's calendar on the merchandiser's desk: what is in force, what was changed, what is proposed."""

from __future__ import annotations

from web.calendar import feed, forecast_changes, proposals, versions
from web.calendar.rooms import calendar

__all__ = ["calendar", "feed", "forecast_changes", "proposals", "versions"]
