"""The morning mail: for each person one or none a night, and in both cases the reason."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, case, func, or_, select, update
from sqlalchemy.orm import defer

from data.outbox import Letter, cid_of, queue_mail
from data.records import (
    REACHED,
    Alert,
    AlertEvent,
    Happening,
    MailChoices,
    MailDecision,
    MailState,
    MailTold,
    OutboxMail,
    Person,
    Role,
    Run,
    RunKind,
    RunState,
    Section,
    Status,
    Store,
    ungrouped,
)
from jobs.mail_charts import MailCharts
from jobs.news import (
    ALL_CLEAR,
    DIGEST,
    GIVEN_UP,
    WEEK,
    Before,
    News,
    Told,
    Verdict,
    concerns,
    decide,
    decide_given_up,
    morning_after,
    news_for,
)
from web import create_app
from web.rendering import mails as told_as
from web.rendering.locality import locality_of, written_for
from web.rendering.mails import Chart, GivenUp, Reader, Rendered, Telling
from web.subscriptions import stop_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from jobs.service import Service
    from web.rendering.locality import Locality

_log = logging.getLogger(__name__)
# What was resolved longer ago is no news to somebody whose mails were off meanwhile.
_RECENT: Final = timedelta(days=14)
# Drawings are large, and nobody looks at them again.
_CHARTS_KEPT: Final = timedelta(days=60)
_RETURNS: Final = (Happening.WAKE, Happening.ACK_EXPIRES)


@dataclass(frozen=True)
class _Night:
    """What a night's mails are written from, the same for everybody."""

    service: Service
    business_date: date
    alerts: Sequence[Alert]
    store_names: Mapping[str, str]
    returns: Mapping[int, int]
    gathered: frozenset[int]
    nights: int
    charts: MailCharts

    @property
    def base_url(self) -> str:
        return self.service.settings.base_url


@dataclass(frozen=True)
class _Past:
    """What came before tonight for one person."""

    before: Before
    told: Mapping[int, Told]


def queue_digests(service: Service, business_date: date) -> int:
    """Decide for everybody whether that night brings a mail, and write those it brings; returns how many.

    Each mail is written in one transaction with what it tells and why it is sent. Who has a decision of that
    night keeps it, so doing it again changes nothing. Whose mail cannot be written stops nobody else's; the
    first such error is raised when all others are done.
    """
    people = _undecided(service, business_date)
    night = _night(service, business_date)
    app = create_app(service.settings, service.database, service.clock)
    written, errors = 0, []
    with app.app_context():
        for person, choices in people:
            tell = _tell_admin if person.role is Role.ADMIN else _tell
            try:
                with written_for(_place(service, person)):
                    written += tell(night, person, choices)
            except Exception as error:  # noqa: BLE001  # raised again below
                _log.exception("no mail could be written for person %s", person.person_id)
                errors.append(error)
    _forget_old_charts(service)
    if errors:
        raise errors[0]
    return written


def _place(service: Service, person: Person) -> Locality:
    with service.database.read() as session:
        return locality_of(person, session, service.settings)


def _undecided(service: Service, business_date: date) -> list[tuple[Person, MailChoices]]:
    decided = select(MailDecision.person_id).where(MailDecision.business_date == business_date)
    people = select(Person).where(Person.is_active, Person.person_id.not_in(decided))
    with service.database.read() as session:
        stored = {row.person_id: row for row in session.scalars(select(MailChoices))}
        return [
            (person, stored.get(person.person_id) or MailChoices.to_begin_with(person))
            for person in session.scalars(people.order_by(Person.person_id))
        ]


def _night(service: Service, business_date: date) -> _Night:
    concerned = _concerned(business_date)
    returns = (
        select(AlertEvent.alert_id, func.count())
        .join(Alert, Alert.alert_id == AlertEvent.alert_id)
        .where(concerned, AlertEvent.what.in_(_RETURNS))
        .group_by(AlertEvent.alert_id)
    )
    nights = select(func.count()).where(
        Run.kind == RunKind.NIGHT,
        Run.business_date > business_date - WEEK,
        Run.business_date < business_date,
        Run.state == RunState.SUCCEEDED,
    )
    with service.database.read() as session:
        return _Night(
            service=service,
            business_date=business_date,
            alerts=session.scalars(select(Alert).where(concerned).options(defer(Alert.drivers))).all(),
            store_names=dict(session.execute(select(Store.store_id, Store.name)).all()),
            returns=dict(session.execute(returns).all()),
            gathered=frozenset(session.scalars(select(Alert.alert_id).where(concerned, ~ungrouped()))),
            # The night that asks is one of them, and not over yet.
            nights=(session.scalar(nights) or 0) + 1,
            charts=MailCharts(service.database),
        )


def _concerned(business_date: date) -> ColumnElement[bool]:
    """The alerts that anybody may be told of: what is live and not put off, and what was resolved of late."""
    live = Alert.status.in_((Status.OPEN, Status.ACKNOWLEDGED))
    resolved = and_(Alert.status == Status.RESOLVED, Alert.closed_on > business_date - _RECENT)
    return or_(live, resolved)


def _tell(night: _Night, person: Person, choices: MailChoices) -> bool:
    """Decide for one reader, and write it down; True when that is a mail."""
    past = _past(night, person)
    news = news_for(
        [alert for alert in night.alerts if concerns(alert, person, choices, gathered=night.gathered)],
        past.told,
        pace=choices.pace,
        business_date=night.business_date,
        returns=night.returns,
    )
    verdict = decide(choices.pace, news, business_date=night.business_date, before=past.before)
    if not verdict.kind:
        _keep(night, person, verdict)
        return False
    reader = _reader(night, person, choices)
    if verdict.kind == ALL_CLEAR:
        mail = told_as.all_clear(
            reader,
            nights=night.nights,
            open_alerts=[*news.due, *news.open],
            frozen=news.frozen,
            store_names=night.store_names,
        )
        _queue(night, person, verdict, mail)
    else:
        _queue_digest(night, reader, verdict, news, past)
    return True


def _queue_digest(night: _Night, reader: Reader, verdict: Verdict, news: News, past: _Past) -> None:
    telling = Telling(
        new=news.new,
        worse=news.worse,
        due=news.due,
        open=news.open,
        recovered=news.recovered,
        newly_due=news.newly_due,
        frozen=news.frozen,
        before={alert.alert_id: past.told[alert.alert_id].units for alert in news.worse},
    )
    drawn = night.charts.worst_of(telling.ranked)
    cid = cid_of(DIGEST, _key(night, reader.person), night.service.settings)
    mail = told_as.digest(
        reader,
        telling,
        store_names=night.store_names,
        chart=Chart(cid, drawn[0]) if drawn else None,
    )
    _queue(night, reader.person, verdict, mail, _rows(night, news, mail), chart=drawn[1] if drawn else None)


def _rows(night: _Night, news: News, mail: Rendered) -> list[MailTold]:
    """What the mail tells: all that is news, if only as a number, and what is open by its line."""
    sections = {
        Section.NEW: news.new,
        Section.WORSE: news.worse,
        Section.DUE: news.due,
        Section.OPEN: [alert for alert in news.open if alert.alert_id in mail.listed],
        Section.RECOVERED: news.recovered,
    }
    return [
        MailTold(
            alert_id=alert.alert_id,
            section=section,
            units=alert.units_lost,
            severity=alert.severity,
            act_by=alert.act_by,
            returns=night.returns.get(alert.alert_id, 0),
        )
        for section, alerts in sections.items()
        for alert in alerts
    ]


def _tell_admin(night: _Night, admin: Person, choices: MailChoices) -> bool:
    with night.service.database.read() as session:
        lost = _given_up_since(session, admin)
    verdict = decide_given_up(choices.pace, len(lost))
    if not verdict.kind:
        _keep(night, admin, verdict)
        return False
    _queue(night, admin, verdict, told_as.given_up(_reader(night, admin, choices), lost))
    return True


def _given_up_since(session: Session, admin: Person) -> list[GivenUp]:
    """The mails given up since an admin was last told, the newest first; never those that told so."""
    last = select(func.max(OutboxMail.created_at)).where(
        OutboxMail.person_id == admin.person_id, OutboxMail.kind == GIVEN_UP, OutboxMail.state.in_(REACHED)
    )
    since = session.scalar(last)
    lost = (
        select(
            OutboxMail.mail_id,
            # A customer's address is to be forgotten, so it is copied nowhere.
            case((OutboxMail.person_id.is_(None), "a customer"), else_=OutboxMail.to_address),
            OutboxMail.subject,
            OutboxMail.last_error,
        )
        .where(OutboxMail.state == MailState.DEAD, OutboxMail.kind != GIVEN_UP)
        .order_by(OutboxMail.given_up_at.desc(), OutboxMail.mail_id.desc())
    )
    if since is not None:
        lost = lost.where(OutboxMail.given_up_at > since)
    return [GivenUp(*row) for row in session.execute(lost)]


def _past(night: _Night, person: Person) -> _Past:
    """What the mails that reached a person have told; one that waits or was given up has told nothing."""
    reached = (
        OutboxMail.person_id == person.person_id,
        OutboxMail.state.in_(REACHED),
        OutboxMail.business_date < night.business_date,
    )
    mine = (OutboxMail.kind.in_((DIGEST, ALL_CLEAR)), *reached)
    told = (
        select(MailTold, OutboxMail.business_date)
        .join(OutboxMail, OutboxMail.mail_id == MailTold.mail_id)
        .join(Alert, Alert.alert_id == MailTold.alert_id)
        .where(*reached, _concerned(night.business_date))
        .order_by(OutboxMail.business_date, OutboxMail.mail_id)
    )
    decided = select(func.max(MailDecision.business_date)).where(
        MailDecision.person_id == person.person_id, MailDecision.business_date < night.business_date
    )
    with night.service.database.read() as session:
        mail_on = session.scalar(select(func.max(OutboxMail.business_date)).where(*mine))
        decided_on = session.scalar(decided)
        return _Past(
            Before(mail_on, decided_on),
            # The last mail that told of an alert counts.
            {
                row.alert_id: Told(on, row.section, row.units, row.severity, row.act_by, row.returns)
                for row, on in session.execute(told)
            },
        )


def _reader(night: _Night, person: Person, choices: MailChoices) -> Reader:
    return Reader(
        person=person,
        pace=choices.pace,
        business_date=night.business_date,
        morning=morning_after(night.business_date),
        base_url=night.base_url,
        stop_url=stop_url(person.person_id, night.base_url),
    )


def _key(night: _Night, person: Person) -> str:
    return f"{night.business_date.isoformat()}.{person.person_id}"


def _queue(
    night: _Night,
    person: Person,
    verdict: Verdict,
    mail: Rendered,
    told: Sequence[MailTold] = (),
    *,
    chart: bytes | None = None,
) -> None:
    """Write a mail, what it tells and why it is sent, all or nothing."""
    letter = Letter(
        kind=verdict.kind,
        key=_key(night, person),
        business_date=night.business_date,
        to_address=person.email,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        person_id=person.person_id,
        chart=chart,
        unsubscribe_url=stop_url(person.person_id, night.base_url),
    )
    now = night.service.clock.machine_now()
    with night.service.database.write() as session:
        queued = queue_mail(session, letter, settings=night.service.settings, now=now)
        if queued is None:
            return
        for row in told:
            row.mail_id = queued.mail_id
        session.add_all(told)
        session.add(_decision(night, person, verdict, now, queued.mail_id))


def _keep(night: _Night, person: Person, verdict: Verdict) -> None:
    """Write down why there is no mail."""
    with night.service.database.write() as session:
        session.add(_decision(night, person, verdict, night.service.clock.machine_now()))


def _decision(
    night: _Night, person: Person, verdict: Verdict, now: datetime, mail_id: int | None = None
) -> MailDecision:
    return MailDecision(
        person_id=person.person_id,
        business_date=night.business_date,
        kind=verdict.kind,
        mail_id=mail_id,
        reason=verdict.reason,
        decided_at=now,
    )


def _forget_old_charts(service: Service) -> None:
    old = service.clock.machine_now() - _CHARTS_KEPT
    stale = (OutboxMail.created_at < old, OutboxMail.state.in_(REACHED), OutboxMail.chart.is_not(None))
    with service.database.write() as session:
        session.execute(update(OutboxMail).where(*stale).values(chart=None))
