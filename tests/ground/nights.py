"""Nights one after the other: what is found once waits for a second night before anybody hears of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from jobs.night import last_closed_date, run_night

if TYPE_CHECKING:
    from jobs.night import NightReport
    from jobs.service import Service


def run_two_nights(service: Service) -> NightReport:
    """The night before the newest that can run, and then that one; returns the report of the second."""
    newest = last_closed_date(service)
    run_night(service, newest - timedelta(days=1))
    return run_night(service, newest)
