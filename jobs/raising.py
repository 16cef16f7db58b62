"""From a night's findings to alerts: open, update, resolve, or freeze where the facts are late."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from data.records import LIVE, Alert, Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import date, datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from data.database import Database

_BATCH: Final = 200
Key = TypeVar("Key")


@dataclass
class Raised:
    """How many alerts a night opened, found again, resolved, let expire or froze."""

    opened: int = 0
    again: int = 0
    resolved: int = 0
    expired: int = 0
    frozen: int = 0

    @property
    def sentence(self) -> str:
        """For the night's record."""
        return (
            f"{self.opened} opened, {self.again} again, {self.resolved} resolved, {self.expired} expired, "
            f"{self.frozen} frozen"
        )


def raise_alerts(
    database: Database,
    findings: Iterable[Finding],
    *,
    business_date: date,
    now: datetime,
    late_stores: Collection[str],
) -> Raised:
    """Bring the live alerts in line with what a night found.

    Each batch is a transaction of its own, and doing it again for the same night changes nothing, so a night
    that died half-way is simply done again.

    Args:
        database: the records.
        findings: one per fingerprint.
        business_date: the night's date.
        now: the instant to write into the history.
        late_stores: stores whose facts are late: their alerts are frozen, and no new ones open.
    """
    counts = Raised()
    by_fingerprint = {f.fingerprint: f for f in findings if f.store_id not in late_stores}
    for batch in _in_batches(by_fingerprint):
        with database.write() as session:
            _take(session, [by_fingerprint[key] for key in batch], business_date, now, counts)
    with database.read() as session:
        live = session.execute(select(Alert.alert_id, Alert.fingerprint).where(Alert.status.in_(LIVE))).all()
    gone = [alert_id for alert_id, fingerprint in live if fingerprint not in by_fingerprint]
    for ids in _in_batches(gone):
        with database.write() as session:
            _let_go(session, ids, business_date, now, late_stores, counts)
    return counts


def _take(session: Session, batch: list[Finding], business_date: date, now: datetime, counts: Raised) -> None:
    keys = [finding.fingerprint for finding in batch]
    live = {alert.fingerprint: alert for alert in session.scalars(_live().where(Alert.fingerprint.in_(keys)))}
    for finding in batch:
        alert = live.get(finding.fingerprint)
        if alert is None:
            session.add(Alert.opened(finding, business_date=business_date, now=now))
            counts.opened += 1
        else:
            counts.opened += alert.first_fired_on == business_date
            counts.again += alert.first_fired_on != business_date
            alert.fires_again(finding, business_date=business_date, now=now)


def _let_go(
    session: Session,
    ids: tuple[int, ...],
    business_date: date,
    now: datetime,
    late_stores: Collection[str],
    counts: Raised,
) -> None:
    for alert in session.scalars(_live().where(Alert.alert_id.in_(ids))):
        if alert.store_id in late_stores:
            alert.becomes_unknown(business_date=business_date, now=now, reason="the store's figures are late")
            counts.frozen += 1
        elif alert.season_is_over(business_date):
            alert.expires(business_date=business_date, now=now)
            counts.expired += 1
        else:
            alert.clears(business_date=business_date, now=now)
            counts.resolved += 1


def _live() -> Select[Alert]:
    # Locked where the database can: somebody may acknowledge one at this moment, and waits for the batch.
    return select(Alert).where(Alert.status.in_(LIVE)).options(selectinload(Alert.events)).with_for_update()


def _in_batches(things: Iterable[Key]) -> Iterator[tuple[Key, ...]]:
    rest = iter(things)
    while batch := tuple(islice(rest, _BATCH)):
        yield batch
