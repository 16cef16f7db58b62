"""What a night does with customers' requests: facts are made of them, and who waited for a thing is told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pandas as pd
from sqlalchemy import and_, bindparam, delete, insert, select
from sqlalchemy.orm import joinedload

from data.nearby import to_spare
from data.outbox import Letter, forget_addresses, queue_mail
from data.records import (
    CustomerRequest,
    NewestCount,
    NewestStock,
    RequestContact,
    RequestOutcome,
    Run,
    Store,
)
from data.requests import name_of
from web import create_app
from web.rendering.notices import back_in_stock
from web.rendering.words import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from sqlalchemy.orm import Session

    from data.records import Wanted
    from jobs.service import Service
    from jobs.tonight import Night

T = TypeVar("T")

KIND: Final = "back_in_stock"
# Rows that one transaction writes.
_CHUNK: Final = 500
# What could not be sent for so long is given up long before.
_NOTICE_LASTS: Final = timedelta(days=2)
_SERIES: Final = ["sku", "store_id"]


@dataclass(frozen=True)
class Collected:
    """Requests that went into the facts, and those that were taken out again."""

    added: int = 0
    removed: int = 0


def look_after_requests(night: Night) -> tuple[int, str]:
    """The step of a night: keep the newest counts for the page, tell who waited, delete what is over.

    Returns:
        How many customers were written to, and what came of it in words.
    """
    if not night.is_newest:
        return 0, "left as a later night set them"
    service = night.service
    keep_newest_stock(service, night.outlook.counted)
    told = tell_arrivals(service, night.business_date)
    forgotten = forget_contacts(service)
    customers, addresses = count(told, "customer"), count(forgotten, "address", "addresses")
    return told, f"{customers} told that a thing is back, {addresses} deleted"


def collect_requests(service: Service, *, run_id: int) -> Collected:
    """Bring the facts up to what was recorded in the app: each request once, undone and served ones never.

    The facts' own request numbers say what is there already, so doing it again changes nothing, whatever was
    killed before. Call it under the writer's lock; the version is published under the run.
    """
    counted = service.facts.snapshot().query("SELECT request_id FROM requests WHERE request_id > 0")
    there = {int(number) for number in counted["request_id"]}
    with service.database.read() as session:
        demand = set(session.scalars(_that_count()))
    fresh, gone = sorted(demand - there), there - demand
    if not fresh and not gone:
        return Collected()
    rows = _as_facts(service, fresh)
    version = service.facts.replace_recorded("requests", rows, gone=gone, run_id=run_id)
    with service.database.write() as session:
        service.facts.publish(session, session.get_one(Run, run_id), {"requests": version})
    return Collected(len(fresh), len(gone))


def keep_newest_stock(service: Service, stock: pd.DataFrame) -> int:
    """Keep the newest counts in the records, where the page looks up who has a thing.

    Only what differs is written, a few hundred rows at a time; a night that is killed between two of these is
    made whole by the next.

    Args:
        service: the stores.
        stock: store_id, sku, on_hand, counted_on, as `data.facts.supply.stock_on` gives it.

    Returns:
        How many rows were written or taken away.
    """
    held = stock.loc[stock["on_hand"] > 0, [*_SERIES, "on_hand"]]
    counts = stock.groupby("store_id", as_index=False)["counted_on"].max()
    counts = counts.assign(counted_on=counts["counted_on"].dt.date)
    return _replace(service, NewestStock, _SERIES, held) + _replace(
        service, NewestCount, ["store_id"], counts
    )


def tell_arrivals(service: Service, business_date: date) -> int:
    """Write to customers whose thing is back in their store, each once, and delete their addresses with it.

    A thing is back when a newer count has some of it after a count had none. Where fewer came than people
    wait, those who asked first are told first; the others wait for another night. Call it after
    `keep_newest_stock`.

    Returns:
        How many mails were written; none without a mail server, for then nobody would get them.
    """
    if not service.settings.smtp_url.get_secret_value():
        return 0
    waiting = _waiting(service)
    if not waiting:
        return 0
    told = 0
    spoken_for: Counter[tuple[str, Wanted]] = Counter()
    app = create_app(service.settings, service.database, service.clock)
    with app.app_context():
        for request_id in waiting:
            told += _tell_one(service, request_id, business_date, spoken_for)
    return told


def forget_contacts(service: Service) -> int:
    """Delete the addresses whose days are over, and those that stand on notices which have left or cannot.

    Returns:
        How many were deleted.
    """
    now = service.clock.machine_now()
    today = service.clock.now().astimezone(service.settings.timezone).date()
    with service.database.write() as session:
        over = session.scalars(
            delete(RequestContact)
            .where(RequestContact.expires_on <= today)
            .returning(RequestContact.request_id)
        ).all()
        return len(over) + forget_addresses(session, before=now - _NOTICE_LASTS, now=now)


def _that_count() -> Any:
    """The numbers of the requests that are demand at their store (`CustomerRequest.counts_as_demand`)."""
    return select(CustomerRequest.request_id).where(
        CustomerRequest.undone_at.is_(None), CustomerRequest.outcome != RequestOutcome.SAVED_SALE
    )


def _as_facts(service: Service, request_ids: Sequence[int]) -> pd.DataFrame:
    """Requests as rows of the facts, each on the day that it was in its store."""
    columns = ["request_id", "asked_at", "store_id", "sku", "style_id", "size", "text", "units", "source"]
    rows: list[Any] = []
    with service.database.read() as session:
        zones = dict(session.execute(select(Store.store_id, Store.timezone)).all())
        for some in _chunks(request_ids):
            asked = select(*(getattr(CustomerRequest, name) for name in columns))
            rows += session.execute(asked.where(CustomerRequest.request_id.in_(some))).all()
    frame = pd.DataFrame(rows, columns=columns)
    instants = pd.to_datetime(frame["asked_at"], utc=True).astype("datetime64[us, UTC]")
    zone = frame["store_id"].map(zones).fillna(service.settings.timezone.key)
    day = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us]")
    for name in zone.unique():
        here = zone == name
        day[here] = instants[here].dt.tz_convert(name).dt.tz_localize(None).dt.normalize()
    return frame.drop(columns="asked_at").assign(requested_at=instants, requested_on=day)


def _replace(
    service: Service, record: type[NewestStock | NewestCount], key: list[str], after: pd.DataFrame
) -> int:
    """Make a table's rows those of `after`; returns how many were written or taken away."""
    (value,) = (name for name in after.columns if name not in key)
    with service.database.read() as session:
        rows = session.execute(select(*(getattr(record, name) for name in after.columns))).all()
    before = pd.DataFrame(rows, columns=list(after.columns)).astype(dict.fromkeys(key, "str"))
    both = before.merge(after, on=key, how="outer", suffixes=("_before", ""), indicator="where")
    changed = both[(both["where"] != "both") | (both[f"{value}_before"] != both[value])]
    columns = [getattr(record, name) for name in key]
    of_key = and_(*(column == bindparam(f"of_{column.key}") for column in columns))
    for some in _chunks(changed.to_dict("records")):
        stale = [{f"of_{name}": row[name] for name in key} for row in some if row["where"] != "right_only"]
        fresh = [
            {name: row[name] for name in key} | {value: _plain(row[value])}
            for row in some
            if row["where"] != "left_only"
        ]
        with service.database.write() as session:
            if stale:
                session.connection().execute(delete(record).where(of_key), stale)
            if fresh:
                session.execute(insert(record), fresh)
    return len(changed)


def _plain(value: Any) -> Any:
    """A count as the database takes it: beside missing ones, a frame holds it as a float."""
    return int(value) if isinstance(value, (float, int)) else value


def _chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK))


def _waiting(service: Service) -> list[int]:
    """The requests whose customers wait for a mail, those who asked first before the others."""
    waiting = select(CustomerRequest.request_id).join(RequestContact)
    with service.database.read() as session:
        return list(session.scalars(waiting.order_by(CustomerRequest.asked_at, CustomerRequest.request_id)))


def _tell_one(
    service: Service, request_id: int, business_date: date, spoken_for: Counter[tuple[str, Wanted]]
) -> bool:
    """Look whether one customer's thing is back; write to them and delete the address if it is."""
    with service.database.write() as session:
        asked = session.get_one(CustomerRequest, request_id, options=[joinedload(CustomerRequest.contact)])
        counted_on = session.scalar(
            select(NewestCount.counted_on).where(NewestCount.store_id == asked.store_id)
        )
        if asked.contact is None or counted_on is None:
            return False
        there = to_spare(session, asked.wanted, store_id=asked.store_id, now=service.clock.now())
        if there <= 0:
            asked.contact.gone_on = counted_on
            return False
        thing = (asked.store_id, asked.wanted)
        was_gone = asked.contact.gone_on is not None and asked.contact.gone_on < counted_on
        if not was_gone or there <= spoken_for[thing]:
            return False
        spoken_for[thing] += asked.units
        _write_to(session, service, asked, business_date)
        asked.forget_contact()
        return True


def _write_to(session: Session, service: Service, asked: CustomerRequest, business_date: date) -> None:
    """Queue the one mail that a customer agreed to."""
    contact = asked.contact
    if contact is None:
        return
    notice = back_in_stock(
        thing=name_of(session, asked.wanted),
        store=session.get_one(Store, asked.store_id),
        asked_on=asked.asked_at.astimezone(service.settings.timezone).date(),
    )
    letter = Letter(
        kind=KIND,
        # Of this consent: whoever leaves an address again later is written to again.
        key=f"{asked.request_id}.{int(contact.consent_at.timestamp())}",
        business_date=business_date,
        to_address=contact.email,
        subject=notice.subject,
        text=notice.text,
        html=notice.html,
    )
    queue_mail(session, letter, settings=service.settings, now=service.clock.machine_now())
