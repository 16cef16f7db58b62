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

from data.errors import BusyError, ConflictError, InSeasonError, NightRefusedError
from data.locks import only_writer
from data.records import QueueState, Run, RunKind, RunRequest, RunState
from data.run_queue import BEATS_EVERY, beat, next_asked
from data.settings import secret_key
from jobs.night import last_closed_date, run_night
from jobs.outbox import deliver_due

if TYPE_CHECKING:
    from datetime import date

    from jobs.service import Service

LOOK_EVERY: Final = timedelta(minutes=5)
LOOK_AT_QUEUE_EVERY: Final = timedelta(seconds=20)
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
    # It tells of every look, and warns of each that waits for a night at work: both are as they should be.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    _log.info("scheduler started; looking for a night every %s", LOOK_EVERY)
    try:
        scheduler.start()
    except (KeyboardInterrupt, SystemExit):
        scheduler.shutdown()
        _log.info("scheduler stopped")


def make_scheduler(service: Service) -> BlockingScheduler:
    """The scheduler with its jobs, not yet started; nights run one at a time, whoever wants them."""
    scheduler = BlockingScheduler(
        timezone=UTC,
        executors={name: ThreadPoolExecutor(1) for name in ("default", "mail", "beat")},
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
        run_asked_nights, IntervalTrigger(seconds=int(LOOK_AT_QUEUE_EVERY.total_seconds())), [service]
    )
    scheduler.add_job(
        show_life,
        IntervalTrigger(seconds=int(BEATS_EVERY.total_seconds())),
        [service],
        executor="beat",
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


def run_asked_nights(service: Service) -> int:
    """Run the nights that people asked for, the first first; returns how many ran.

    What another process that holds the lock is at work on waits. A request whose runner died is taken up
    again.
    """
    with service.database.read() as session:
        if next_asked(session) is None:
            return 0
    ran = 0
    try:
        with only_writer(service.database):
            while request := _taken_up(service):
                ran += _run_asked(service, request)
    except BusyError:
        _log.info("what is asked for waits until another process is done")
    return ran


def show_life(service: Service) -> None:
    """Leave a sign of life, so that the app can say when nobody runs nights."""
    beat(service.database, service.clock.machine_now())


def send_due_mail(service: Service) -> int:
    """Send the mails that are due; returns how many left."""
    url = service.settings.smtp_url.get_secret_value()
    if not url:
        return 0
    return deliver_due(
        service.database,
        smtp_url=url,
        sender=service.settings.mail_from,
        key=secret_key(service.settings),
        clock=service.clock,
    ).sent


def _taken_up(service: Service) -> RunRequest | None:
    try:
        with service.database.write() as session:
            request = next_asked(session)
            if request is not None:
                request.begin(service.clock.machine_now())
            return request
    except ConflictError:
        # Withdrawn at this very moment; the next look finds what is left.
        return None


def _run_asked(service: Service, request: RunRequest) -> bool:
    """Run one night that was asked for, and write down what came of it; True when it ran."""
    try:
        report = run_night(service, request.business_date, again_since=request.asked_at)
    except NightRefusedError as error:
        _settle(service, request, QueueState.REFUSED, str(error))
        return False
    except InSeasonError as error:
        _settle(service, request, QueueState.FAILED, str(error))
        return False
    except Exception as error:  # noqa: BLE001  # it is written down, and the next request still gets its turn
        _log.exception("the night of %s, asked for by a person, failed", request.business_date)
        _settle(service, request, QueueState.FAILED, f"This was not foreseen ({type(error).__name__}).")
        return False
    _settle(service, request, QueueState.DONE, report.summary)
    return report.ran


def _settle(service: Service, request: RunRequest, state: QueueState, outcome: str) -> None:
    with service.database.write() as session:
        kept = session.get_one(RunRequest, request.request_id)
        of_night = select(Run.run_id).where(
            Run.kind == RunKind.NIGHT, Run.business_date == request.business_date
        )
        kept.end(state, service.clock.machine_now(), outcome=outcome, run_id=session.scalar(of_night))


def _is_due(service: Service, business_date: date) -> bool:
    with service.database.read() as session:
        run = session.scalar(select(Run).where(Run.kind == RunKind.NIGHT, Run.business_date == business_date))
    if run is None or run.state is RunState.RUNNING:
        return True
    failed_at = run.finished_at if run.state is RunState.FAILED else None
    # Runs are dated by the machine's time, so their age is, too.
    return failed_at is not None and failed_at + RETRY_FAILED_AFTER <= service.clock.machine_now()
