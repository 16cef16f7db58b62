"""One mail per person and night, written into the outbox only when there is news for that person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from sqlalchemy import and_, or_, select

from data.records import Alert, Condition, MailState, OutboxMail, Person, Role, Status, Store
from web import create_app
from web.rendering.mails import Digest, digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from jobs.service import Service

KIND: Final = "digest"
# Admins look after the service, not after stock.
_READERS: Final = (Role.STORE_MANAGER, Role.MERCHANDISER)


@dataclass(frozen=True)
class News:
    """What a night brought, sorted: opened that night, open from before, resolved that night."""

    new: list[Alert]
    still_open: list[Alert]
    recovered: list[Alert]

    def of(self, person: Person) -> News:
        """The part of it that a person may see."""

        def seen(alerts: list[Alert]) -> list[Alert]:
            return [
                alert for alert in alerts if person.may_see(store_id=alert.store_id, category=alert.category)
            ]

        return News(seen(self.new), seen(self.still_open), seen(self.recovered))

    @property
    def is_news(self) -> bool:
        """Whether anything changed; what is only still open was told before."""
        return bool(self.new or self.recovered)


def queue_digests(service: Service, business_date: date) -> int:
    """Write the mail of everybody for whom that night brought news; returns how many were written.

    A person who has a mail of that night already gets no other, so doing it again changes nothing.
    """
    news = _news(service, business_date)
    if not news.is_news:
        return 0
    with service.database.read() as session:
        told = select(OutboxMail.person_id).where(
            OutboxMail.business_date == business_date, OutboxMail.kind == KIND
        )
        readers = select(Person).where(
            Person.is_active, Person.role.in_(_READERS), Person.person_id.not_in(told)
        )
        people = list(session.scalars(readers.order_by(Person.person_id)))
        names = dict(session.execute(select(Store.store_id, Store.name)).all())
    app = create_app(service.settings, service.database, service.clock)
    written = 0
    with app.app_context():
        for person in people:
            if (own := news.of(person)).is_news:
                _queue(service, person, business_date, _told(service, person, business_date, own, names))
                written += 1
    return written


def _news(service: Service, business_date: date) -> News:
    firing = and_(Alert.status == Status.OPEN, Alert.condition == Condition.FIRING)
    resolved = and_(Alert.status == Status.RESOLVED, Alert.evaluated_on == business_date)
    with service.database.read() as session:
        alerts = list(session.scalars(select(Alert).where(or_(firing, resolved))))
    live = [alert for alert in alerts if alert.status is Status.OPEN]
    return News(
        new=[alert for alert in live if alert.first_fired_on == business_date],
        still_open=[alert for alert in live if alert.first_fired_on < business_date],
        recovered=[alert for alert in alerts if alert.status is Status.RESOLVED],
    )


def _told(
    service: Service, person: Person, business_date: date, news: News, names: Mapping[str, str]
) -> Digest:
    return digest(
        person,
        business_date,
        new=news.new,
        still_open=news.still_open,
        recovered=news.recovered,
        store_names=names,
        base_url=service.settings.base_url,
        today=service.clock.now().date(),
    )


def _queue(service: Service, person: Person, business_date: date, written: Digest) -> None:
    now = service.clock.machine_now()
    host = urlsplit(service.settings.base_url).hostname
    has_server = bool(service.settings.smtp_url.get_secret_value())
    mail = OutboxMail(
        person_id=person.person_id,
        business_date=business_date,
        kind=KIND,
        to_address=person.email,
        subject=written.subject,
        text=written.text,
        html=written.html,
        message_id=f"<{KIND}.{business_date.isoformat()}.{person.person_id}@{host}>",
        state=MailState.PENDING if has_server else MailState.KEPT,
        created_at=now,
        due_at=now,
    )
    with service.database.write() as session:
        session.add(mail)
