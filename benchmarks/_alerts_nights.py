"""The year played: each week's files imported, and the night's own steps run on what is known by then."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from sqlalchemy import select

from benchmarks._alerts_world import FIRST_NIGHT, WEEKS
from data.facts.store import write_rows
from data.facts.tables import BY_CATEGORY, TABLES
from data.feeds.loading import import_feed
from data.records import (
    Alert,
    AlertEvent,
    MailDecision,
    Person,
    PersonStore,
    Role,
    Run,
    RunKind,
    Status,
    Store,
)
from forecaster import mutes
from jobs import steps
from jobs.digest import queue_digests
from jobs.findings import to_findings
from jobs.raising import live_alerts, raise_alerts
from jobs.service import open_service
from jobs.tonight import Night

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks._alerts_world import World
    from jobs.service import Service

REFIT_WEEKS: Final = 4
"""The demand model is fitted anew every so many weeks; in between the last fit's forecasts are held against
the new stock and the new orders."""

NIGHTS_A_STEP: Final = 2
"""What a week's facts say is found on each of these nights: most alerts open on the second."""

_SHOWN: Final = (Status.PENDING, Status.RESOLVED, Status.EXPIRED, Status.DISMISSED, None)


@dataclass
class Year:
    """What came of the year.

    raised: one dict per alert shown to people (opened, or opened again): see `_told`.
    closed, act_by: the day on which an alert was closed for the last time, and the last on which something
    could be done about it as it was last found, by its id.
    seconds: by part of the night. mails: (person's role, business date) of each mail written.
    """

    raised: list[dict[str, Any]] = field(default_factory=list)
    closed: dict[int, date] = field(default_factory=dict)
    act_by: dict[int, date] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    mails: list[tuple[str, date]] = field(default_factory=list)
    people: int = 0

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add the time spent to a part."""
        start = time.perf_counter()
        yield
        self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - start


def play(world: World, folder: Path, *, weeks: int = WEEKS, workers: int = 2) -> Year:
    """Play the year week by week, and gather what people were told."""
    year = Year()
    after: date | None = None
    last_fit: date | None = None
    today = world.last_day + timedelta(days=1)
    with open_service(create=True, var=folder / "var", today=today, workers=workers) as service:
        for week in range(weeks):
            day = FIRST_NIGHT + timedelta(weeks=week)
            with year.timed("import"):
                _import(service, world, folder, after, day)
            if week == 0:
                year.people = _add_people(service)
            night = _begin(service, day)
            with year.timed("forecast"):
                last_fit = _forecast(night, last_fit, fit=week % REFIT_WEEKS == 0)
            with year.timed("rules"):
                found = night.outlook.found
                nothing = pd.DataFrame(index=found.index)
                night.findings = to_findings(found, night.trade.products, [{}] * len(found), nothing)
            for number in range(NIGHTS_A_STEP):
                _tell(year, night, day + timedelta(days=number))
            after = day
        year.closed, year.act_by = _days_of(service, "closed_on"), _days_of(service, "act_by")
        year.mails = _mails(service)
    return year


def _days_of(service: Service, name: str) -> dict[int, date]:
    """A day of every alert that has one, by its id."""
    column = getattr(Alert, name)
    with service.database.read() as session:
        rows = session.execute(select(Alert.alert_id, column).where(column.is_not(None)))
        return dict(rows.tuples().all())


def _mails(service: Service) -> list[tuple[str, date]]:
    """Whom a mail was written to, by role, and for which night."""
    written = (
        select(Person.role, MailDecision.business_date)
        .join(Person, Person.person_id == MailDecision.person_id)
        .where(MailDecision.mail_id.is_not(None))
    )
    with service.database.read() as session:
        return [(str(role), day) for role, day in session.execute(written)]


def _import(service: Service, world: World, folder: Path, after: date | None, until: date) -> None:
    for kind, frame in world.files(after, until):
        path = folder / f"{kind}.csv"
        frame.to_csv(path, index=False)
        report = import_feed(
            kind,
            path,
            database=service.database,
            facts=service.facts,
            settings=service.settings,
            clock=service.clock,
        )
        if report.rows_rejected:
            raise RuntimeError(f"the demo's {kind} of {until} were not taken whole: {report.summary}")


def _add_people(service: Service) -> int:
    """A manager for every store that names one, and one merchandiser."""
    about: dict[str, Any] = {"password_hash": "", "created_at": _night_of(FIRST_NIGHT)}
    with service.database.write() as session:
        of_stores = session.execute(
            select(Store.store_id, Store.manager_email).where(Store.manager_email != "")
        )
        people = [
            Person(
                email=mail, name=store, role=Role.STORE_MANAGER, stores=[PersonStore(store_id=store)], **about
            )
            for store, mail in of_stores
        ]
        people.append(Person(email="m@demo.example", name="M", role=Role.MERCHANDISER, **about))
        session.add_all(people)
    return len(people)


def _begin(service: Service, day: date) -> Night:
    with service.database.write() as session:
        run = Run(kind=RunKind.NIGHT, business_date=day, started_at=_night_of(day))
        session.add(run)
        session.flush()
        return Night(service, day, run.run_id)


def _forecast(night: Night, last_fit: date | None, *, fit: bool) -> date:
    """Fit and forecast, or carry the last fit's forecasts over to this night."""
    if fit or last_fit is None:
        for work in (steps.panel, steps.forecast):
            work(night)
            _publish(night)
        return night.business_date
    for name in BY_CATEGORY:
        rows = night.snapshot.query(f"SELECT * FROM {name} WHERE as_of = DATE '{last_fit.isoformat()}'")
        rows = _still_silent(night, rows, last_fit) if name == "phantoms" else rows
        told = rows.assign(as_of=night.business_date)
        write_rows(night.service.facts.uri, TABLES[name], told, run_id=night.run_id, mode="append")
        night.written[name] = night.service.facts.version(name)
    _publish(night)
    return last_fit


def _still_silent(night: Night, phantoms: pd.DataFrame, last_fit: date) -> pd.DataFrame:
    """The shelves suspected at the last fit; those that have sold nothing since are suspected to this day."""
    sold = night.snapshot.query(
        "SELECT DISTINCT store_id, sku FROM sales WHERE units > 0 AND business_date BETWEEN "
        f"DATE '{last_fit + timedelta(days=1)}' AND DATE '{night.business_date}'"
    )
    keys = ["store_id", "sku"]
    silent = ~pd.MultiIndex.from_frame(phantoms[keys]).isin(pd.MultiIndex.from_frame(sold[keys]))
    lasting = pd.to_datetime(phantoms["last_week"]) > pd.Timestamp(last_fit) - pd.Timedelta(weeks=2)
    this_week = pd.Timestamp(night.business_date) - pd.Timedelta(days=6)
    last_week = pd.to_datetime(phantoms["last_week"]).mask(silent & lasting, this_week)
    return phantoms.assign(last_week=last_week)


def _publish(night: Night) -> None:
    with night.service.database.write() as session:
        night.service.facts.publish(session, session.get_one(Run, night.run_id), night.written)
    night.written.clear()


def _tell(year: Year, night: Night, day: date) -> None:
    """One night's alerts, and the mails about them."""
    database = night.service.database
    with year.timed("alerts"):
        muted = mutes(live_alerts(database), night.outlook.situation, night.outlook.found)
        raise_alerts(
            database,
            night.findings,
            business_date=day,
            now=_night_of(day),
            muted=dict(zip(muted["identity"], muted["reason"], strict=True)),
            policies=night.outlook.policies,
        )
    with year.timed("mails"):
        queue_digests(night.service, day)
    year.raised.extend(_told(database, day))


def _told(database: Any, day: date) -> list[dict[str, Any]]:
    """The alerts that people saw for the first time, or again, on this night."""
    shown = (
        select(Alert, AlertEvent.from_status)
        .join(AlertEvent, AlertEvent.alert_id == Alert.alert_id)
        .where(AlertEvent.at == _night_of(day), AlertEvent.to_status == Status.OPEN)
    )
    with database.read() as session:
        return [
            {
                "alert_id": alert.alert_id,
                "rule": alert.rule,
                "scope": str(alert.scope),
                "store": alert.store_id or "",
                "style": alert.style_id,
                "season": alert.season_code,
                "category": alert.category,
                "raised_on": pd.Timestamp(day),
                "again": before is not None and before is not Status.PENDING,
                "units": float(alert.units_lost),
                "demand_ends": pd.to_datetime(alert.demand_ends),
                "evidence": alert.evidence,
                "details": dict(alert.details),
            }
            for alert, before in session.execute(shown)
            if before in _SHOWN
        ]


def _night_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=27)
