"""From a night's findings to alerts: open, update, resolve, or freeze where the facts are late."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

import pandas as pd
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import defer, selectinload

from data.records import LIVE, Alert, Condition, Finding, Scope, Status
from data.records.alert_life import firings_needed
from forecaster.codes import FEED_LATE
from forecaster.grouping import hold_over_cap

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from data.database import Database
    from forecaster import Policies

_BATCH: Final = 200
# Generously more than an alert has to come back in: it says itself whether it still may.
_LONGEST_ABSENCE: Final = timedelta(days=60)
# As the rules begin the reason for muting what depends on a store that has closed for good.
_CLOSED: Final = "store_closed"
Key = TypeVar("Key")


@dataclass
class Raised:
    """How many alerts a night opened, found again, resolved, let expire or froze, and what it kept back.

    Kept back are those that wait for another night, those for which the night had no room, and those that
    somebody has dismissed.
    """

    opened: int = 0
    again: int = 0
    resolved: int = 0
    expired: int = 0
    frozen: int = 0
    back: int = 0
    woken: int = 0
    waiting: int = 0
    held: int = 0
    dismissed: int = 0

    @property
    def sentence(self) -> str:
        """For the night's record."""
        usual = ("opened", "again", "resolved", "expired", "frozen")
        counted = [(each.name, getattr(self, each.name)) for each in fields(self)]
        return ", ".join(f"{number} {name}" for name, number in counted if number or name in usual)


@dataclass(frozen=True)
class _Night:
    """What one night says: its date, what it found, and of what it may say nothing."""

    business_date: date
    now: datetime
    muted: Mapping[str, str]
    found: dict[str, Finding]
    dead: frozenset[str]
    replanned: Collection[tuple[str, str]]
    counts: Raised = field(default_factory=Raised)


def raise_alerts(
    database: Database,
    findings: Iterable[Finding],
    *,
    business_date: date,
    now: datetime,
    muted: Mapping[str, str] | None = None,
    policies: Policies | None = None,
    replanned: Collection[tuple[str, str]] = (),
) -> Raised:
    """Bring the live alerts in line with what a night found.

    Each batch is a transaction of its own, and doing it again for the same night changes nothing, so a night
    that died half-way is simply done again.

    Args:
        database: the records.
        findings: one per fingerprint.
        business_date: the night's date.
        now: the instant to write into the history.
        muted: reasons by the fingerprint of what may not change tonight, as `forecaster.mutes` words them.
            Figures that are late freeze everything, also the season's end; what was told of a store that has
            closed for good is over.
        replanned: categories and season codes whose calendar people have changed since the night before.
        policies: with how many new alerts a store may be told of in a night; any number if None.
    """
    night = _night(findings, business_date, now, muted or {}, replanned)
    held = _over_the_cap(database, night, policies) if policies is not None else frozenset()
    # A zone's alert stands before those of its stores, which point to it.
    zones_first = sorted(night.found.values(), key=lambda finding: finding.scope == Scope.STORE)
    for batch in _in_batches(zones_first):
        with database.write() as session:
            _take(session, batch, night, held)
    for ids in _in_batches(_gone(database, night)):
        with database.write() as session:
            _let_go(session, ids, night)
    return night.counts


def live_alerts(database: Database) -> pd.DataFrame:
    """The live alerts as the rules name what they find, to ask which of them may not change.

    Returns:
        rule, scope, store (blank unless of one store), climate_zone, style, category, season_code.
    """
    with database.read() as session:
        rows = session.execute(
            select(
                Alert.rule, Alert.scope, Alert.store_id, Alert.climate_zone, Alert.style_id, Alert.category,
                Alert.season_code,
            ).where(Alert.status.in_(LIVE))
        ).all()  # fmt: skip
    columns = ["rule", "scope", "store", "climate_zone", "style", "category", "season_code"]
    told = [(rule, str(scope), store or "", *rest) for rule, scope, store, *rest in rows]
    return pd.DataFrame(told, columns=columns)


def _night(
    findings: Iterable[Finding],
    business_date: date,
    now: datetime,
    muted: Mapping[str, str],
    replanned: Collection[tuple[str, str]],
) -> _Night:
    """What counts of the findings: nothing that is muted, and no season that is over."""
    heard = {finding.fingerprint: finding for finding in findings if finding.fingerprint not in muted}
    dead = frozenset(
        key for key, finding in heard.items() if finding.last_day and finding.last_day < business_date
    )
    found = {key: finding for key, finding in heard.items() if key not in dead}
    return _Night(business_date, now, muted, found, dead, replanned)


def _over_the_cap(database: Database, night: _Night, policies: Policies) -> frozenset[str]:
    """Fingerprints of what would open tonight, but for which its store has been told enough."""
    opening: list[Finding] = []
    with database.read() as session:
        for batch in _in_batches(night.found.values()):
            rows = _rows_of(session, batch, night, for_change=False)
            opening += [finding for finding in batch if _opens(finding, rows.get(finding.fingerprint), night)]
        told = func.count().label("told")
        tonight = or_(Alert.opened_on == night.business_date, Alert.reopened_on == night.business_date)
        counted = session.execute(
            select(Alert.store_id, told).where(tonight, Alert.store_id.is_not(None)).group_by(Alert.store_id)
        )
        opened = {str(store): int(number) for store, number in counted}
    if not opening:
        return frozenset()
    judged = hold_over_cap(_as_frame(opening), policies, opened)
    return frozenset(judged.loc[judged["held"], "identity"])


def _opens(finding: Finding, alert: Alert | None, night: _Night) -> bool:
    """Whether people would hear of it for the first time tonight, or again."""
    if alert is None:
        return finding.is_out_of_stock and not finding.weak
    return alert.opens_next(finding, business_date=night.business_date, now=night.now)


def _as_frame(findings: Sequence[Finding]) -> pd.DataFrame:
    rows = [
        {
            "identity": finding.fingerprint,
            "rule": finding.rule,
            "scope": str(finding.scope),
            "store": finding.store_id,
            "style": finding.style_id,
            "category": finding.category,
            "season_code": finding.season_code,
            "winnable_money": finding.winnable_money,
        }
        for finding in findings
    ]
    return pd.DataFrame(rows)


def _take(session: Session, batch: Sequence[Finding], night: _Night, held: Collection[str]) -> None:
    rows = _rows_of(session, batch, night)
    parents = _parents_of(session, batch)
    for finding in batch:
        alert = rows.get(finding.fingerprint)
        may_open = finding.fingerprint not in held
        if alert is not None and alert.status is Status.DISMISSED:
            night.counts.dismissed += 1
            continue
        if alert is None:
            if finding.weak:
                continue
            alert = _begun(finding, night, may_open=may_open)
            session.add(alert)
        else:
            before = alert.status
            alert.fires(finding, business_date=night.business_date, now=night.now, may_open=may_open)
            night.counts.woken += before is Status.SNOOZED and alert.status is Status.OPEN
        alert.parent_id = parents.get(finding.parent)
        _count(night, alert, finding)


def _begun(finding: Finding, night: _Night, *, may_open: bool) -> Alert:
    enough = firings_needed(is_out_of_stock=finding.is_out_of_stock, reopenings=0)
    return Alert.found(
        finding, business_date=night.business_date, now=night.now, enough=enough if may_open else None
    )


def _count(night: _Night, alert: Alert, finding: Finding) -> None:
    counts = night.counts
    if alert.reopened_on == night.business_date:
        counts.back += 1
    elif alert.opened_on == night.business_date:
        counts.opened += 1
    elif alert.status not in (Status.PENDING, Status.RESOLVED):
        counts.again += 1
    elif alert.fired_nights < alert.enough(finding, night.now):
        counts.waiting += 1
    else:
        counts.held += 1


def _rows_of(
    session: Session, batch: Sequence[Finding], night: _Night, *, for_change: bool = True
) -> dict[str, Alert]:
    """The alert that each finding belongs to, by fingerprint: live, dismissed, or resolved lately."""
    keys = [finding.fingerprint for finding in batch]
    recently = and_(
        Alert.status == Status.RESOLVED, Alert.closed_on >= night.business_date - _LONGEST_ABSENCE
    )
    concerned = or_(Alert.status.in_(LIVE), Alert.status == Status.DISMISSED, recently)
    query = _alerts(Alert.fingerprint.in_(keys), concerned).order_by(Alert.alert_id)
    query = _locked(query) if for_change else query.options(defer(Alert.details), defer(Alert.drivers))
    rows: dict[str, Alert] = {}
    for alert in session.scalars(query):
        finding = night.found[alert.fingerprint]
        there = rows.get(alert.fingerprint)
        if (there is None or not there.is_live) and alert.concerns(finding, night.business_date):
            rows[alert.fingerprint] = alert
    return rows


def _parents_of(session: Session, batch: Sequence[Finding]) -> dict[str, int]:
    """The alerts of zones that gather some of these, by fingerprint."""
    keys = {finding.parent for finding in batch if finding.parent}
    if not keys:
        return {}
    gathers = or_(Alert.status.in_(LIVE), Alert.status == Status.DISMISSED)
    query = select(Alert.fingerprint, Alert.alert_id).where(Alert.fingerprint.in_(keys), gathers)
    return dict(session.execute(query.order_by(Alert.alert_id)).all())


def _gone(database: Database, night: _Night) -> list[int]:
    """The live alerts that tonight did not find, and those that were on their way back."""
    returning = and_(Alert.status == Status.RESOLVED, Alert.condition != Condition.CLEAR)
    query = select(Alert.alert_id, Alert.fingerprint).where(or_(Alert.status.in_(LIVE), returning))
    with database.read() as session:
        rows = session.execute(query.order_by(Alert.alert_id)).all()
    return [alert_id for alert_id, fingerprint in rows if fingerprint not in night.found]


def _let_go(session: Session, ids: Sequence[int], night: _Night) -> None:
    blind = _blind_zones(session, ids, night)
    for alert in session.scalars(_locked(_alerts(Alert.alert_id.in_(ids)))):
        frozen = night.muted.get(alert.fingerprint) or blind.get(alert.alert_id, "")
        was_live = alert.is_live
        if was_live and (over := _why_over(alert, night, frozen)):
            alert.expires(business_date=night.business_date, now=night.now, reason=over)
            night.counts.expired += 1
        elif frozen:
            alert.becomes_unknown(now=night.now, reason=frozen)
            night.counts.frozen += was_live
        else:
            replanned = (alert.category, alert.season_code) in night.replanned
            alert.clears(business_date=night.business_date, now=night.now, replanned=replanned)
            night.counts.resolved += was_live and not alert.is_live


def _why_over(alert: Alert, night: _Night, frozen: str) -> str:
    """Why nothing can be won any more; blank while something can, and while late figures let nobody know."""
    if frozen.startswith(FEED_LATE):
        return ""
    if alert.scope == Scope.STORE and frozen.startswith(_CLOSED):
        return "the store has closed"
    over = alert.fingerprint in night.dead or alert.season_is_over(night.business_date)
    return "its season is over" if over else ""


def _blind_zones(session: Session, ids: Sequence[int], night: _Night) -> dict[int, str]:
    """The alerts of zones of which a store's figures are late: without them nothing is known to be over."""
    query = select(Alert.parent_id, Alert.fingerprint).where(Alert.parent_id.in_(ids), Alert.status.in_(LIVE))
    reasons = [(parent, night.muted.get(key, "")) for parent, key in session.execute(query)]
    return {parent: why for parent, why in reasons if parent is not None and why.startswith(FEED_LATE)}


def _alerts(*wanted: ColumnElement[bool]) -> Select[Alert]:
    return select(Alert).where(*wanted).options(selectinload(Alert.events))


def _locked(query: Select[Alert]) -> Select[Alert]:
    # Where the database can: somebody may acknowledge one at this moment, and waits for the batch.
    return query.with_for_update()


def _in_batches(things: Iterable[Key]) -> Iterator[tuple[Key, ...]]:
    rest = iter(things)
    while batch := tuple(islice(rest, _BATCH)):
        yield batch
