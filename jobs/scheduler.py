"""The service's own clockwork: look often, run a night when one is due, send what waits."""

from __future__ import annotations

import logging
import signal
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import select

from data.errors import BusyError, InSeasonError
from data.records import Run, RunKind, RunState
from jobs.night import last_closed_date, run_night
from jobs.outbox import deliver_due

if TYPE_CHECKING:
    from datetime import date

    from jobs.service import Service

LOOK_EVERY: Final = timedelta(minutes=5)
SEND_EVERY: Final = timedelta(minutes=1)
# A look that comes late (the machine slept) is still made, once, however many were missed.
MISFIRE: Final = timedelta(hours=12)
RETRY_FAILED_AFTER: Final = timedelta(hours=1)
_log = logging.getLogger(__name__)


def run_forever(service: Service) -> None:
    """Run until interrupted or told to stop; a night at work is finished first.

    Jobs are in memory; what has run is remembered by the runs.
    """
    scheduler = make_scheduler(service)
    # A service manager stops a process with SIGTERM: that is a stop like any other.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _log.info("scheduler started; looking for a night every %s", LOOK_EVERY)
    try:
        scheduler.start()
    except (KeyboardInterrupt, SystemExit):
        scheduler.shutdown()
        _log.info("scheduler stopped")


def make_scheduler(service: Service) -> BlockingScheduler:
    """The scheduler with its two jobs, not yet started."""
    scheduler = BlockingScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(1), "mail": ThreadPoolExecutor(1)},
        job_defaults={
            "coalesce": True,
            "max_instances": 1,
            "misfire_grace_time": int(MISFIRE.total_seconds()),
        },
    )
    scheduler.add_job(
        run_due_night,
        IntervalTrigger(seconds=int(LOOK_EVERY.total_seconds())),
        [service],
        # The clockwork goes by the machine's time, also where the service's clock stands still.
        next_run_time=service.clock.machine_now(),
    )
    scheduler.add_job(
        send_due_mail, IntervalTrigger(seconds=int(SEND_EVERY.total_seconds())), [service], executor="mail"
    )
    return scheduler


def run_due_night(service: Service) -> bool:
    """Run the night of the newest closed business date unless it is done; True when one ran.

    A night that failed is tried again after an hour, one whose process died at once. When another process
    holds the lock, that one is at work.
    """
    business_date = last_closed_date(service)
    if not _is_due(service, business_date):
        return False
    try:
        report = run_night(service, business_date)
    except BusyError:
        _log.info("the night of %s is run by another process", business_date)
        return False
    except InSeasonError as error:
        _log.warning("the night of %s did not run: %s", business_date, error)
        return False
    if report.ran:
        _log.info("night of %s: %s", business_date, report.summary)
    return report.ran


def send_due_mail(service: Service) -> int:
    """Send the mails that are due; returns how many left."""
    url = service.settings.smtp_url.get_secret_value()
    if not url:
        return 0
    return deliver_due(
        service.database, smtp_url=url, sender=service.settings.mail_from, clock=service.clock
    ).sent


def _is_due(service: Service, business_date: date) -> bool:
    with service.database.read() as session:
        run = session.scalar(select(Run).where(Run.kind == RunKind.NIGHT, Run.business_date == business_date))
    if run is None or run.state is RunState.RUNNING:
        return True
    failed_at = run.finished_at if run.state is RunState.FAILED else None
    # Runs are dated by the machine's time, so their age is, too.
    return failed_at is not None and failed_at + RETRY_FAILED_AFTER <= service.clock.machine_now()
