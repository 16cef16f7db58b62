"""The clockwork: each night once, when its last store has closed, and again when it failed or died."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from data.clock import Clock
from data.feeds.loading import import_feed
from data.records import Run, RunKind, RunState
from jobs.night import last_closed_date, run_night
from jobs.scheduler import (
    LOOK_AT_QUEUE_EVERY,
    LOOK_EVERY,
    MISFIRE,
    make_scheduler,
    run_asked_nights,
    run_due_night,
    send_due_mail,
    show_life,
)
from tests.ground.elsewhere import writing_elsewhere
from tests.ground.retailer import write_feeds
from tests.integration.jobs.conftest import TODAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apscheduler.job import Job
    from apscheduler.schedulers.blocking import BlockingScheduler

    from jobs.service import Service
    from tests.ground.mail import MailServer

NIGHT = date(2026, 6, 6)
# At eleven in the evening of that day in New York, and in Honolulu.
NEW_YORK_CLOSES = datetime(2026, 6, 7, 3, tzinfo=UTC)
HONOLULU_CLOSES = datetime(2026, 6, 7, 9, tzinfo=UTC)


class StillClock(Clock):
    """A clock that stands where a test puts it, `machine` being what the machine's own says."""

    def __init__(self, service: Service, instant: datetime) -> None:
        super().__init__(service.settings)
        self.instant = self.machine = instant

    def now(self) -> datetime:
        return self.instant

    def machine_now(self) -> datetime:
        return self.machine

    def wait(self, span: timedelta) -> None:
        self.instant += span
        self.machine += span


def at(service: Service, instant: datetime = HONOLULU_CLOSES) -> tuple[Service, StillClock]:
    clock = StillClock(service, instant)
    return replace(service, clock=clock), clock


def nights(service: Service) -> dict[date, RunState]:
    with service.database.read() as session:
        rows = session.execute(select(Run.business_date, Run.state).where(Run.kind == RunKind.NIGHT)).all()
    return dict(map(tuple, rows))


@pytest.fixture
def far_apart(retailer: Service) -> Service:
    """The retailer with a store in New York and one in Honolulu; the others follow the chain, New York."""
    path = retailer.settings.inbox / "stores.csv"
    header, first, last, *rest = path.read_text(encoding="utf-8").splitlines()
    zoned = [f"{header},timezone", f"{first},America/New_York", f"{last},Pacific/Honolulu"]
    path.write_text("\n".join([*zoned, *(f"{row}," for row in rest)]) + "\n", encoding="utf-8")
    import_feed(
        "stores",
        path,
        database=retailer.database,
        facts=retailer.facts,
        settings=retailer.settings,
        clock=retailer.clock,
    )
    return retailer


def test_the_newest_closed_night_runs_once(retailer: Service) -> None:
    service, clock = at(retailer)

    assert run_due_night(service)
    clock.wait(LOOK_EVERY)
    assert not run_due_night(service)

    assert nights(service) == {NIGHT: RunState.SUCCEEDED}


def test_a_night_waits_until_the_last_store_has_closed(far_apart: Service) -> None:
    service, clock = at(far_apart, NEW_YORK_CLOSES)
    assert last_closed_date(service) == NIGHT - timedelta(days=1)
    clock.instant = HONOLULU_CLOSES - timedelta(seconds=1)
    run_due_night(service)
    assert NIGHT not in nights(service)

    clock.instant = HONOLULU_CLOSES
    assert run_due_night(service)

    assert nights(service)[NIGHT] is RunState.SUCCEEDED


def test_a_chain_without_far_stores_does_not_wait_for_them(retailer: Service) -> None:
    service, _ = at(retailer, NEW_YORK_CLOSES)

    assert run_due_night(service)
    assert set(nights(service)) == {NIGHT}


def test_after_a_long_sleep_only_the_newest_night_runs(retailer: Service) -> None:
    service, clock = at(retailer)
    run_due_night(service)

    clock.wait(timedelta(days=5))
    assert run_due_night(service)

    assert set(nights(service)) == {NIGHT, NIGHT + timedelta(days=5)}


def test_a_night_that_failed_is_tried_again_after_an_hour(service: Service) -> None:
    service, clock = at(service)
    assert not run_due_night(service)
    assert nights(service) == {NIGHT: RunState.FAILED}
    write_feeds(service.settings.inbox)

    clock.wait(timedelta(minutes=59))
    assert not run_due_night(service)
    assert nights(service) == {NIGHT: RunState.FAILED}
    clock.wait(timedelta(minutes=1))
    assert run_due_night(service)

    assert nights(service) == {NIGHT: RunState.SUCCEEDED}


def test_the_hour_passes_also_where_the_clock_stands_still(service: Service) -> None:
    service, clock = at(service)
    clock.machine = datetime(2027, 1, 1, tzinfo=UTC)
    assert not run_due_night(service)
    write_feeds(service.settings.inbox)

    assert not run_due_night(service)
    clock.machine += timedelta(hours=1)
    assert run_due_night(service)


def test_a_night_whose_process_died_is_taken_up_at_once(retailer: Service) -> None:
    service, clock = at(retailer)
    with service.database.write() as session:
        session.add(
            Run(
                kind=RunKind.NIGHT,
                business_date=NIGHT,
                state=RunState.RUNNING,
                started_at=clock.instant - timedelta(minutes=2),
                details={},
            )
        )

    assert run_due_night(service)
    assert nights(service) == {NIGHT: RunState.SUCCEEDED}


def test_while_another_process_is_at_work_no_night_runs_and_nothing_fails(retailer: Service) -> None:
    service, _ = at(retailer)

    with writing_elsewhere(service.database):
        assert not run_due_night(service)
        assert nights(service) == {}

    assert run_due_night(service)


def test_waiting_mail_is_sent_where_there_is_a_server(
    people: Service, smtp_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert send_due_mail(people) == 0
    settings = people.settings.model_copy(
        update={"smtp_url": type(people.settings.smtp_url)(smtp_server.url)}
    )
    service = replace(people, settings=settings)
    # What a night finds opens in the next; the planner reads on Mondays.
    run_night(service, last_closed_date(service) - timedelta(days=1))
    # The server is away while the night runs, and back when the clockwork looks again.
    smtp_server.go_down()
    service, clock = at(service)
    run_due_night(service)
    smtp_server.come_back()

    assert send_due_mail(service) < 2
    clock.wait(timedelta(minutes=1))
    send_due_mail(service)

    assert [message["To"] for message in smtp_server.messages] == ["phx@shop.example"]


@contextmanager
def paused(scheduler: BlockingScheduler) -> Iterator[list[Job]]:
    """The scheduler as it stands when it has started, without any job being run."""
    runner = Thread(target=scheduler.start, kwargs={"paused": True})
    runner.start()
    wait_until(lambda: scheduler.running)
    try:
        yield scheduler.get_jobs()
    finally:
        scheduler.shutdown()
        runner.join()


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up, "it did not come about in time"
        time.sleep(0.05)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_clockwork_looks_for_nights_and_mail_never_twice_at_once(service: Service) -> None:
    before = datetime.now(UTC)
    with paused(make_scheduler(service)) as jobs:
        assert {job.func for job in jobs} == {run_due_night, run_asked_nights, show_life, send_due_mail}
        assert {job.executor for job in jobs if job.func in (run_due_night, run_asked_nights)} == {"default"}
        for job in jobs:
            assert job.coalesce
            assert job.max_instances == 1
            assert timedelta(seconds=job.misfire_grace_time) == MISFIRE
        [looks] = [job for job in jobs if job.func is run_due_night]
        [asks] = [job for job in jobs if job.func is run_asked_nights]
        assert asks.trigger.interval == LOOK_AT_QUEUE_EVERY < timedelta(minutes=1)
        # The first look is at once, by the machine's clock, though the service's stands in June.
        assert service.settings.today == TODAY
        assert before <= looks.next_run_time <= datetime.now(UTC)


@contextmanager
def running_scheduler() -> Iterator[subprocess.Popen[str]]:
    """The real command, its settings those of the test."""
    command = Path(sys.executable).with_name("inseason")
    with subprocess.Popen(
        [command, "scheduler"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_process_runs_the_night_and_stops_when_interrupted(retailer: Service) -> None:
    with running_scheduler() as process:
        wait_until(lambda: nights(retailer) == {NIGHT: RunState.SUCCEEDED})
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)

    assert process.returncode == 0, told
    assert "Traceback" not in told
    assert "scheduler stopped" in told


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_told_to_stop_at_work_the_process_finishes_its_night_first(retailer: Service) -> None:
    with running_scheduler() as process:
        wait_until(lambda: nights(retailer) == {NIGHT: RunState.RUNNING})
        process.terminate()
        _, told = process.communicate(timeout=60)

    assert process.returncode == 0, told
    assert "Traceback" not in told
    assert nights(retailer) == {NIGHT: RunState.SUCCEEDED}
    with retailer.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Run).where(Run.kind == RunKind.NIGHT)) == 1
