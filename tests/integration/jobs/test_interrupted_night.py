"""A night whose process is killed: the next one finishes its work, with the same result and no mail twice."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from sqlalchemy import select

from data.clock import Clock
from data.database import Database
from data.facts import FactsStore
from data.records import (
    LEASE,
    Alert,
    AlertEvent,
    MailChoices,
    OutboxMail,
    Pace,
    Person,
    Role,
    Run,
    RunKind,
    RunState,
)
from data.settings import load_settings
from jobs.night import run_night
from jobs.outbox import deliver_due
from jobs.service import Service
from tests.ground.retailer import AS_OF, write_feeds
from tests.integration.jobs.conftest import TODAY, add_people

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ground.mail import MailServer

# Runs the real command, and kills its own process on the given call of the given function.
DYING = """
import importlib, os, signal, sys
module, name, fatal = sys.argv[1], sys.argv[2], int(sys.argv[3])
home = importlib.import_module(module)
real, calls = getattr(home, name), []
def dying(*args, **kwargs):
    calls.append(1)
    if len(calls) == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)
setattr(home, name, dying)
import jobs.raising
jobs.raising._BATCH = 2
from jobs.cli import main
main(["nightly"])
"""
NOW = datetime(2026, 6, 6, 12, tzinfo=UTC)
NIGHTLY = "from jobs.cli import main; main(['nightly'])"

POINTS = {
    "after the panel is written, before it is published": ("jobs.night", "_finish_step", 2),
    "in the forecast of the second category": ("jobs.forecasting", "fit_demand", 2),
    "between two batches of alerts": ("jobs.raising", "_take", 2),
    "while the alerts are drawn": ("jobs.drawing", "alert_chart", 2),
    "between two digests": ("jobs.digest", "_tell", 2),
    "after the first mail": ("jobs.outbox", "_hand_over", 2),
}


def told(service: Service) -> dict[str, Any]:
    """All that a night leaves behind, without ids and instants."""
    with service.database.read() as session:
        alerts = [
            (
                a.fingerprint,
                a.status,
                a.condition,
                a.units_lost,
                a.money_lost,
                a.act_by,
                a.evaluated_on,
                a.drivers,
            )
            for a in session.scalars(select(Alert).order_by(Alert.fingerprint))
        ]
        events = sorted(session.execute(select(Alert.fingerprint, AlertEvent.reason).join(AlertEvent)).all())
        mails = sorted(
            session.execute(select(OutboxMail.to_address, OutboxMail.subject, OutboxMail.state)).all()
        )
        run = session.scalar(select(Run).where(Run.kind == RunKind.NIGHT, Run.business_date == AS_OF))
        steps = [(step.name, step.rows, step.state) for step in run.steps if step.name != "ingest"]
    forecasts = service.facts.snapshot().query("SELECT count(*) AS n, sum(mean) AS units FROM forecasts")
    seasons = service.facts.snapshot().query("SELECT count(*) AS n, sum(season) AS total FROM seasons")
    return {
        "alerts": alerts,
        "events": events,
        "mails": mails,
        "state": run.state,
        "steps": steps,
        "forecasts": (int(forecasts["n"][0]), round(float(forecasts["units"][0]), 6)),
        "seasons": (int(seasons["n"][0]), round(float(seasons["total"][0]), 6)),
    }


def begin(service: Service) -> None:
    """Everybody wants mail every morning, and the night before has run: its findings open in the next."""
    with service.database.write() as session:
        for person in session.scalars(select(Person).where(Person.role == Role.MERCHANDISER)):
            choices = MailChoices.to_begin_with(person)
            choices.pace, choices.changed_at, choices.changed_by = Pace.NIGHTLY, NOW, person.email
            session.add(choices)
    run_night(service, AS_OF - timedelta(days=1))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite_file: Path) -> dict[str, Any]:
    """What a night leaves behind that nobody disturbs, for the same retailer in a place of its own."""
    place = tmp_path_factory.mktemp("undisturbed")
    shutil.copyfile(migrated_sqlite_file, place / "inseason.db")
    settings = load_settings(var=place, today=TODAY)
    database = Database(f"sqlite:///{place / 'inseason.db'}")
    facts = FactsStore(settings.facts_uri, database)
    facts.prepare()
    service = Service(settings, Clock(settings), database, facts)
    write_feeds(settings.inbox)
    add_people(service)
    begin(service)
    run_night(service)
    result = told(service)
    database.dispose()
    return result


def deliver_when_leases_are_over(service: Service, server: MailServer) -> None:
    """What the scheduler does a little later: a mail in a dead process's hands is free again."""
    later = service.clock.machine_now() + 2 * LEASE
    clock = Mock(machine_now=Mock(return_value=later))
    deliver_due(service.database, smtp_url=server.url, sender="night@shop.example", key="k" * 48, clock=clock)


@pytest.mark.parametrize("point", POINTS)
def test_the_next_night_finishes_what_a_killed_one_began(
    people: Service,
    undisturbed: dict[str, Any],
    point: str,
    smtp_server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin(people)
    monkeypatch.setenv("INSEASON_SMTP_URL", smtp_server.url)
    module, name, fatal = POINTS[point]
    killed = subprocess.run(
        [sys.executable, "-c", DYING, module, name, str(fatal)], capture_output=True, check=False, timeout=120
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()

    finished = subprocess.run([sys.executable, "-c", NIGHTLY], capture_output=True, check=False, timeout=120)

    assert finished.returncode == 0, finished.stderr.decode()
    after = told(people)
    assert after["state"] is RunState.SUCCEEDED
    left_behind = ("alerts", "events", "forecasts", "seasons")
    assert {k: after[k] for k in left_behind} == {k: undisturbed[k] for k in left_behind}
    deliver_when_leases_are_over(people, smtp_server)
    ids = [message["Message-ID"] for message in smtp_server.messages]
    assert len(ids) == len(set(ids)) == len(undisturbed["mails"]) == 2  # both readers
