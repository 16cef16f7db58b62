"""Where a thing is: the stores that have it by their newest counts, the nearest first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, and_, func, or_, select

from data.records import (
    Consignment,
    ConsignmentLine,
    CustomerRequest,
    NewestCount,
    NewestStock,
    Product,
    RequestOutcome,
    Store,
    StoreEffort,
    StoreKind,
    Wanted,
)
from data.records.decision_life import PROMISED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

MOST_STORES: Final = 3
# Who has set a piece aside for somebody keeps it about so long.
HOLD_LASTS: Final = timedelta(days=3)
VISITED: Final = (StoreKind.STORE, StoreKind.OUTLET)
"""Kinds of stores that a customer walks into."""


@dataclass(frozen=True)
class Nearby:
    """A place that has the thing by its newest whole count, and how much of that is spoken for.

    `held` is set aside there for customers, `promised` to other stores; both still stand in the books.
    """

    store_id: str
    name: str
    phone: str
    miles: float | None
    units: int
    held: int
    promised: int
    counted_on: date | None

    @property
    def free(self) -> int:
        """Pieces of which nobody else has been told that they are theirs."""
        return max(0, self.units - self.held - self.promised)


@dataclass(frozen=True)
class Whereabouts:
    """Where a thing is.

    `here` are the pieces in the asking store's own books; None where it sends no counts.
    """

    here: int | None
    counted_on: date | None
    stores: tuple[Nearby, ...]
    ships_from: tuple[Nearby, ...]


@dataclass(frozen=True)
class Search:
    """What a customer who looks alone goes through, from the own store to the nearest one left, and on.

    `visited` counts the own store; `found_at` is blank where none on the way has the thing.
    """

    visited: int
    miles: float
    found_at: str


def whereabouts(
    session: Session, wanted: Wanted, *, store_id: str, now: datetime, limit: int = MOST_STORES
) -> Whereabouts:
    """Where a thing is by the newest counts, the nearest store first.

    Stores whose place is not known come last. What is held for customers or promised to other stores is told
    beside the pieces, and a store whose pieces are all spoken for is left out.

    Args:
        session: a session that reads.
        wanted: a thing of the assortment; words are nowhere.
        store_id: the store that asks.
        now: the instant, by which a hold has lapsed or not.
        limit: how many stores, and as many places that ship, are told.
    """
    if not wanted.is_carried:
        return Whereabouts(None, None, (), ())
    pieces = dict(session.execute(_pieces(wanted)).all())
    places, counted = _places(session, [*pieces, store_id])
    here = places.pop(store_id, None)
    nearby = _nearby(session, wanted, here, _open(places.values(), now.date()), pieces, counted, now)
    visited = {place.store_id for place in places.values() if place.kind in VISITED}
    return Whereabouts(
        here=pieces.get(store_id, 0) if store_id in counted else None,
        counted_on=counted.get(store_id),
        stores=tuple(place for place in nearby if place.store_id in visited)[:limit],
        ships_from=tuple(place for place in nearby if place.store_id not in visited)[:limit],
    )


def nearest_with(
    session: Session,
    *,
    store_id: str,
    now: datetime,
    sku: str = "",
    style_id: str = "",
    size: str = "",
    limit: int = MOST_STORES,
) -> tuple[Nearby, ...]:
    """The nearest stores that have a sku, or a style in a size, and can give it away.

    Raises:
        InSeasonError: when neither or both are named.
    """
    wanted = Wanted(sku=sku, style_id=style_id, size=size)
    return whereabouts(session, wanted, store_id=store_id, now=now, limit=limit).stores


def nearest_of_each(
    session: Session, skus: Collection[str], *, store_id: str, now: datetime, limit: int = MOST_STORES
) -> dict[str, tuple[Nearby, ...]]:
    """The nearest stores that can give each of several skus away, by sku; those that nobody has are left out.

    Five statements, however many skus.
    """
    stocked = select(NewestStock.sku, NewestStock.store_id, NewestStock.on_hand).where(
        NewestStock.sku.in_(sorted(skus)), NewestStock.on_hand > 0, NewestStock.store_id != store_id
    )
    pieces: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for sku, place, on_hand in session.execute(stocked):
        pieces[sku][place] = on_hand
    places, counted = _places(session, {store_id, *(place for held in pieces.values() for place in held)})
    here = places.pop(store_id, None)
    doors = [place for place in _open(places.values(), now.date()) if place.kind in VISITED]
    miles = _miles(here, doors)
    held, promised = _held_of_skus(session, skus, now), _promised_of_skus(session, skus)
    return {
        sku: found
        for sku, units in pieces.items()
        if (found := tuple(_told(doors, miles, units, held[sku], promised[sku], counted)[:limit]))
    }


def search_of(
    session: Session, wanted: Wanted, *, store_id: str, today: date, most_stores: int = 10
) -> Search | None:
    """How far a customer goes who looks for a thing without being told where it is.

    They begin here and go on to the nearest store they have not seen, whether it carries the thing or not,
    at most to `most_stores`; see `forecaster.effort`. Miles are as the crow flies.

    Returns:
        Nothing where the place of the own store is not known.
    """
    columns = (Store.store_id, Store.name, Store.latitude, Store.longitude, Store.closed_on)
    doors = session.execute(
        select(*columns).where(
            Store.kind.in_(VISITED), Store.latitude.is_not(None), Store.longitude.is_not(None)
        )
    ).all()
    left = {door.store_id: door for door in doors if not (door.closed_on and door.closed_on < today)}
    if store_id not in left:
        return None
    there = dict(session.execute(_pieces(wanted)).all())
    at, gone, visited = left.pop(store_id), 0.0, 1
    while not there.get(at.store_id):
        if visited == most_stores or not left:
            return Search(visited, gone, "")
        rest = list(left.values())
        miles = _apart(at, rest)
        step = min(range(len(rest)), key=miles.__getitem__)
        gone, visited = gone + miles[step], visited + 1
        at = left.pop(rest[step].store_id)
    return Search(visited, gone, at.name)


def usual_effort(session: Session, *, store_id: str) -> StoreEffort | None:
    """How far this store's customers went for whatever they came for, by the newest night that knows."""
    query = select(StoreEffort).where(StoreEffort.store_id == store_id, StoreEffort.need == "")
    return session.scalars(query.order_by(StoreEffort.business_date.desc()).limit(1)).one_or_none()


def gone_on(session: Session, wanted: Wanted, *, store_id: str) -> date | None:
    """The day of the store's newest count, if that shows none of the thing."""
    counted_on = session.scalar(select(NewestCount.counted_on).where(NewestCount.store_id == store_id))
    pieces = dict(session.execute(_pieces(wanted).where(NewestStock.store_id == store_id)).all())
    return None if pieces.get(store_id) else counted_on


def to_spare(session: Session, wanted: Wanted, *, store_id: str, now: datetime) -> int:
    """Pieces of a thing in a store by its newest count, less those that it holds for others."""
    pieces = dict(session.execute(_pieces(wanted).where(NewestStock.store_id == store_id)).all())
    held = dict(session.execute(_held(wanted, now)).all())
    return int(pieces.get(store_id, 0)) - int(held.get(store_id, 0))


def is_thing(wanted: Wanted) -> tuple[ColumnElement[bool], ...]:
    """What must hold of a sku to be what was asked for."""
    if wanted.sku:
        return (Product.sku == wanted.sku,)
    return Product.style_id == wanted.style_id, Product.size == wanted.size


def _places(session: Session, store_ids: Collection[str]) -> tuple[dict[str, Store], Mapping[str, date]]:
    """Stores by their id, and the day of the newest count of each that counts."""
    query = (
        select(Store, NewestCount.counted_on)
        .outerjoin(NewestCount, NewestCount.store_id == Store.store_id)
        .where(Store.store_id.in_(store_ids))
    )
    rows = session.execute(query).all()
    counted = {store.store_id: day for store, day in rows if day is not None}
    return {store.store_id: store for store, _ in rows}, counted


def _open(stores: Collection[Store], today: date) -> list[Store]:
    return [store for store in stores if not (store.closed_on and store.closed_on < today)]


def _nearby(
    session: Session,
    wanted: Wanted,
    here: Store | None,
    others: Sequence[Store],
    pieces: Mapping[str, int],
    counted: Mapping[str, date],
    now: datetime,
) -> list[Nearby]:
    """The stores that have the thing, the nearest first."""
    held = dict(session.execute(_held(wanted, now)).all())
    promised = dict(session.execute(_promised(wanted)).all())
    return _told(others, _miles(here, others), pieces, held, promised, counted)


def _told(
    places: Sequence[Store],
    miles: Mapping[str, float | None],
    pieces: Mapping[str, int],
    held: Mapping[str, int],
    promised: Mapping[str, int],
    counted: Mapping[str, date],
) -> list[Nearby]:
    told = [
        Nearby(
            store_id=store.store_id,
            name=store.name,
            phone=store.phone or "",
            miles=miles[store.store_id],
            units=pieces[store.store_id],
            held=held.get(store.store_id, 0),
            promised=promised.get(store.store_id, 0),
            counted_on=counted.get(store.store_id),
        )
        for store in places
        if store.store_id in pieces
    ]
    free = [place for place in told if place.free]
    return sorted(free, key=lambda place: (place.miles is None, place.miles or 0.0, -place.units, place.name))


def _pieces(wanted: Wanted) -> Any:
    """Store and pieces of a thing, where there are any."""
    return (
        select(NewestStock.store_id, func.sum(NewestStock.on_hand).cast(Integer))
        .join(Product, Product.sku == NewestStock.sku)
        .where(*is_thing(wanted))
        .group_by(NewestStock.store_id)
    )


def _held(wanted: Wanted, now: datetime) -> Any:
    """Store and pieces of a thing that were set aside there lately."""
    skus = select(Product.sku).where(*is_thing(wanted))
    same: ColumnElement[bool] = CustomerRequest.sku.in_(skus)
    if wanted.style_id:
        style = and_(CustomerRequest.style_id == wanted.style_id, CustomerRequest.size == wanted.size)
        same = or_(same, style)
    return (
        select(CustomerRequest.holding_store_id, func.sum(CustomerRequest.units).cast(Integer))
        .where(same, *_set_aside(now))
        .group_by(CustomerRequest.holding_store_id)
    )


def _set_aside(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        CustomerRequest.outcome == RequestOutcome.HOLD,
        CustomerRequest.outcome_at >= now - HOLD_LASTS,
        CustomerRequest.undone_at.is_(None),
    )


def _promised(wanted: Wanted) -> Any:
    """Store and pieces of a thing that it has promised to other stores and still holds."""
    skus = select(Product.sku).where(*is_thing(wanted))
    return (
        select(Consignment.from_store, func.sum(ConsignmentLine.units).cast(Integer))
        .join(Consignment.lines)
        .where(ConsignmentLine.sku.in_(skus), Consignment.state.in_(PROMISED))
        .group_by(Consignment.from_store)
    )


def _held_of_skus(session: Session, skus: Collection[str], now: datetime) -> defaultdict[str, dict[str, int]]:
    """Pieces set aside, by sku and store; a style asked for in a size counts for each of its colours."""
    style = and_(CustomerRequest.style_id == Product.style_id, CustomerRequest.size == Product.size)
    query = (
        select(Product.sku, CustomerRequest.holding_store_id, func.sum(CustomerRequest.units).cast(Integer))
        .join(CustomerRequest, or_(CustomerRequest.sku == Product.sku, style))
        .where(Product.sku.in_(sorted(skus)), *_set_aside(now))
        .group_by(Product.sku, CustomerRequest.holding_store_id)
    )
    return _by_sku(session.execute(query).all())


def _promised_of_skus(session: Session, skus: Collection[str]) -> defaultdict[str, dict[str, int]]:
    query = (
        select(ConsignmentLine.sku, Consignment.from_store, func.sum(ConsignmentLine.units).cast(Integer))
        .join(Consignment, Consignment.consignment_id == ConsignmentLine.consignment_id)
        .where(ConsignmentLine.sku.in_(sorted(skus)), Consignment.state.in_(PROMISED))
        .group_by(ConsignmentLine.sku, Consignment.from_store)
    )
    return _by_sku(session.execute(query).all())


def _by_sku(rows: Sequence[Any]) -> defaultdict[str, dict[str, int]]:
    told: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for sku, store_id, units in rows:
        told[sku][store_id] = units
    return told


def _miles(here: Store | None, others: Sequence[Store]) -> dict[str, float | None]:
    """Miles from a store to each of others, by their id; None where a place is not known."""
    told: dict[str, float | None] = dict.fromkeys((store.store_id for store in others), None)
    placed = [store for store in others if store.latitude is not None and store.longitude is not None]
    if here is not None and here.latitude is not None and here.longitude is not None and placed:
        told |= dict(zip((store.store_id for store in placed), _apart(here, placed), strict=True))
    return told


def _apart(here: Any, others: Sequence[Any]) -> list[float]:
    """Miles from a place to each of others; all have a latitude and a longitude."""
    # Imported here: a page that looks nothing up need not wait for the numbers.
    from forecaster.distances import miles_apart  # noqa: PLC0415

    latitudes, longitudes = ([getattr(each, name) for each in others] for name in ("latitude", "longitude"))
    apart: list[float] = miles_apart(here.latitude, here.longitude, latitudes, longitudes).tolist()
    return apart
