"""Looking up what a customer asks for: the styles that words may mean, and the stores that have the thing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, and_, case, func, or_, select

from data.errors import InSeasonError
from data.records import (
    CustomerRequest,
    NewestCount,
    NewestStock,
    Product,
    RequestOutcome,
    Store,
    StoreKind,
    Wanted,
)
from forecaster.words import canonical_size, people_of, read, size_spellings, suits

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

MOST_STYLES: Final = 20
MOST_STORES: Final = 3
SHORTEST_WORD: Final = 3
# Who has set a piece aside for somebody keeps it about so long.
HOLD_LASTS: Final = timedelta(days=3)
_LETTERS: Final = ("xxs", "xs", "s", "m", "l", "xl", "2xl", "3xl", "4xl", "5xl")
# As `forecaster.words` writes it, and as assortments do.
_SPELLED: Final = {"tshirt": ("tshirt", "t-shirt", "t shirt", "tee")}
_VISITED: Final = (StoreKind.STORE, StoreKind.OUTLET)


@dataclass(frozen=True)
class SizeFound:
    """A size of a style: pieces by the newest stock in the store that asks, and in all others."""

    size: str
    here: int
    elsewhere: int
    is_asked: bool = False


@dataclass(frozen=True)
class StyleFound:
    """A style that the words may mean; `sku` only where exactly that sku was asked for."""

    style_id: str
    name: str
    category: str
    gender_age: str
    colors: tuple[str, ...]
    sizes: tuple[SizeFound, ...]
    sku: str = ""

    @property
    def asked_sizes(self) -> tuple[SizeFound, ...]:
        """The sizes that were named; all where none was."""
        return tuple(size for size in self.sizes if size.is_asked) or self.sizes

    @property
    def units(self) -> int:
        """Pieces of these in the whole chain."""
        return sum(size.here + size.elsewhere for size in self.asked_sizes)


@dataclass(frozen=True)
class Nearby:
    """A place that has the thing by its newest whole count."""

    store_id: str
    name: str
    phone: str
    miles: float | None
    units: int
    held: int
    counted_on: date | None


@dataclass(frozen=True)
class Whereabouts:
    """Where a thing is.

    `here` are the pieces in the asking store's own books; None where it sends no counts.
    """

    here: int | None
    counted_on: date | None
    stores: tuple[Nearby, ...]
    ships_from: tuple[Nearby, ...]


def find_styles(
    session: Session, words: str, *, store_id: str, categories: Collection[str] | None = None
) -> list[StyleFound]:
    """The styles that a few letters of a name, a sku, or a customer's words may mean.

    Every word must be found in the style's name, category, colour or ids, or be one of its sizes; words of
    fewer than three letters are looked for among the sizes only. What the chain has most of comes first.

    Args:
        session: an open session for reading.
        words: what was typed.
        store_id: the store that asks.
        categories: only these; None is all.

    Returns:
        At most `MOST_STYLES`.
    """
    meant = _meant(session, words)
    if not meant:
        return []
    if categories is not None:
        meant = [*meant, Product.category.in_(sorted(categories))]
    stocked = func.coalesce(func.sum(NewestStock.on_hand), 0)
    found = (
        select(Product.style_id, func.max(Product.style_name))
        .outerjoin(NewestStock, NewestStock.sku == Product.sku)
        .where(*meant)
        .group_by(Product.style_id)
        .order_by(stocked.desc(), func.max(Product.style_name), Product.style_id)
        .limit(MOST_STYLES)
    )
    styles = [style for style, _ in session.execute(found)]
    asked = select(Product.sku, Product.style_id, Product.size).where(Product.style_id.in_(styles), *meant)
    rows = session.execute(asked).all()
    return _told(session, styles, rows, _exact_sku(words, rows), store_id)


def name_of(session: Session, wanted: Wanted) -> str:
    """What to call a thing that was asked for, its size and, for a sku, its colour included."""
    if wanted.text:
        return wanted.text
    found = session.execute(
        select(Product.style_name, Product.style_id, Product.category, Product.color, Product.size)
        .where(*_is(wanted))
        .order_by(Product.sku)
        .limit(1)
    ).one_or_none()
    if found is None:
        return " ".join(part for part in (wanted.sku, wanted.style_id, wanted.size) if part)
    name = found.style_name or found.style_id
    color = found.color if wanted.sku else ""
    return ", ".join(part for part in (name, color, found.size) if part)


def whereabouts(session: Session, wanted: Wanted, *, store_id: str, now: datetime) -> Whereabouts:
    """Where a thing is by the newest counts, the nearest store first.

    Stores whose place is not known come last. What is held for others is told beside the pieces, and a store
    whose pieces are all held is left out.
    """
    if not wanted.is_carried:
        return Whereabouts(None, None, (), ())
    counted = dict(session.execute(select(NewestCount.store_id, NewestCount.counted_on)).all())
    pieces = dict(session.execute(_pieces(wanted)).all())
    held = dict(session.execute(_held(wanted, now)).all())
    places = list(session.scalars(select(Store).where(Store.store_id.in_([*pieces, store_id]))))
    here = next((store for store in places if store.store_id == store_id), None)
    today = now.date()
    others = [
        store for store in places if store is not here and not (store.closed_on and store.closed_on < today)
    ]
    miles = dict(zip((store.store_id for store in others), _miles(here, others), strict=True))
    nearby = [
        Nearby(
            store_id=store.store_id,
            name=store.name,
            phone=store.phone or "",
            miles=miles[store.store_id],
            units=pieces[store.store_id],
            held=held.get(store.store_id, 0),
            counted_on=counted.get(store.store_id),
        )
        for store in others
        if pieces[store.store_id] > held.get(store.store_id, 0)
    ]
    visited = {store.store_id for store in others if store.kind in _VISITED}
    nearby.sort(key=lambda place: (place.miles is None, place.miles or 0.0, -place.units, place.name))
    return Whereabouts(
        here=pieces.get(store_id, 0) if store_id in counted else None,
        counted_on=counted.get(store_id),
        stores=tuple(place for place in nearby if place.store_id in visited)[:MOST_STORES],
        ships_from=tuple(place for place in nearby if place.store_id not in visited)[:MOST_STORES],
    )


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


def recorded_by_form(session: Session, form_key: str) -> int | None:
    """The number of the request that a form made when it was sent before."""
    return session.scalar(select(CustomerRequest.request_id).where(CustomerRequest.form_key == form_key))


def require_known(session: Session, wanted: Wanted, *, categories: Collection[str] | None = None) -> None:
    """Refuse a thing that is not in the assortment, or not in these categories of it; None is all.

    Raises:
        InSeasonError: naming it.
    """
    if not wanted.is_carried:
        return
    query = select(Product.sku).where(*_is(wanted)).limit(1)
    if categories is not None:
        query = query.where(Product.category.in_(sorted(categories)))
    if session.scalar(query) is None:
        named = wanted.sku or f"{wanted.style_id} in size {wanted.size}"
        raise InSeasonError(f"{named} is not in your assortment; record the customer's words instead.")


def in_run(size: str) -> tuple[int, float, str]:
    """Where a size stands in its run: letters from small to large, then numbers, then all else."""
    canonical = canonical_size(size)
    if canonical in _LETTERS:
        return 0, _LETTERS.index(canonical), ""
    try:
        return 1, float(size), ""
    except ValueError:
        return 2, 0.0, size


def _meant(session: Session, words: str) -> list[ColumnElement[bool]]:
    """What must hold of a sku that is meant by words; nothing when they say too little."""
    coded = [word for word in words.split() if "-" in word and any(letter.isdigit() for letter in word)]
    told = read(" ".join(word for word in words.split() if word not in coded))
    short = [word for word in told.words if len(word) < SHORTEST_WORD]
    names = [word for word in told.words if len(word) >= SHORTEST_WORD]
    if not (coded or names):
        return []
    meant: list[ColumnElement[bool]] = [
        or_(Product.sku.icontains(code, autoescape=True), Product.style_id.icontains(code, autoescape=True))
        for code in coded
    ]
    meant += [_says(word) for word in names]
    meant += [or_(Product.color.icontains(color), Product.category.icontains(color)) for color in told.colors]
    meant += [func.lower(Product.size) == word for word in short]
    if told.people:
        made_for = session.scalars(select(Product.gender_age).distinct())
        meant.append(
            Product.gender_age.in_([kind for kind in made_for if suits(people_of(kind), told.people)])
        )
    if told.sizes:
        spelled = [spelling for size in told.sizes for spelling in size_spellings(size)]
        meant.append(func.lower(Product.size).in_(spelled))
    return meant


def _says(word: str) -> ColumnElement[bool]:
    columns = (Product.style_name, Product.category, Product.color, Product.style_id, Product.sku)
    spellings = _SPELLED.get(word, (word,))
    return or_(*(column.icontains(spelled, autoescape=True) for column in columns for spelled in spellings))


def _exact_sku(words: str, rows: Sequence[Any]) -> str:
    typed = words.strip().casefold()
    return next((row.sku for row in rows if row.sku.casefold() == typed), "")


def _told(
    session: Session, styles: Sequence[str], rows: Sequence[Any], sku: str, store_id: str
) -> list[StyleFound]:
    """The styles with all their sizes, those that were asked for marked."""
    at_hand = func.sum(case((NewestStock.store_id == store_id, NewestStock.on_hand), else_=0))
    whole = func.sum(NewestStock.on_hand)
    query = (
        select(
            Product.style_id, Product.style_name, Product.category, Product.gender_age, Product.color,
            Product.size, func.coalesce(at_hand, 0).cast(Integer), func.coalesce(whole, 0).cast(Integer),
        )
        .outerjoin(NewestStock, NewestStock.sku == Product.sku)
        .where(Product.style_id.in_(styles))
        .group_by(Product.sku)
    )  # fmt: skip
    of_style: defaultdict[str, list[Any]] = defaultdict(list)
    for row in session.execute(query):
        of_style[row.style_id].append(row)
    asked = {(row.style_id, row.size) for row in rows}
    return [_style(style, of_style[style], asked, sku) for style in styles if of_style[style]]


def _style(style_id: str, rows: Sequence[Any], asked: Collection[tuple[str, str]], sku: str) -> StyleFound:
    sizes: dict[str, tuple[int, int]] = {}
    for *_, size, here, whole in rows:
        before = sizes.get(size, (0, 0))
        sizes[size] = (before[0] + here, before[1] + whole - here)
    some = any((style_id, size) not in asked for size in sizes)
    first = rows[0]
    return StyleFound(
        style_id=style_id,
        name=first.style_name or style_id,
        category=first.category,
        gender_age=first.gender_age,
        colors=tuple(sorted({row.color for row in rows if row.color})),
        sizes=tuple(
            SizeFound(size, *sizes[size], is_asked=some and (style_id, size) in asked)
            for size in sorted(sizes, key=in_run)
        ),
        sku=sku,
    )


def _is(wanted: Wanted) -> tuple[ColumnElement[bool], ...]:
    if wanted.sku:
        return (Product.sku == wanted.sku,)
    return Product.style_id == wanted.style_id, Product.size == wanted.size


def _pieces(wanted: Wanted) -> Any:
    """Store and pieces of a thing, where there are any."""
    return (
        select(NewestStock.store_id, func.sum(NewestStock.on_hand).cast(Integer))
        .join(Product, Product.sku == NewestStock.sku)
        .where(*_is(wanted))
        .group_by(NewestStock.store_id)
    )


def _held(wanted: Wanted, now: datetime) -> Any:
    """Store and pieces of a thing that were set aside there lately."""
    skus = select(Product.sku).where(*_is(wanted))
    same: ColumnElement[bool] = CustomerRequest.sku.in_(skus)
    if wanted.style_id:
        style = and_(CustomerRequest.style_id == wanted.style_id, CustomerRequest.size == wanted.size)
        same = or_(same, style)
    return (
        select(CustomerRequest.holding_store_id, func.sum(CustomerRequest.units).cast(Integer))
        .where(
            same,
            CustomerRequest.outcome == RequestOutcome.HOLD,
            CustomerRequest.outcome_at >= now - HOLD_LASTS,
            CustomerRequest.undone_at.is_(None),
        )
        .group_by(CustomerRequest.holding_store_id)
    )


def _miles(here: Store | None, others: Sequence[Store]) -> list[float | None]:
    """Miles from a store to each of others; None where a place is not known."""
    # Imported here: a page that looks nothing up need not wait for the numbers.
    from forecaster.distances import miles_apart  # noqa: PLC0415

    placed = [store for store in others if store.latitude is not None and store.longitude is not None]
    if here is None or here.latitude is None or here.longitude is None or not placed:
        return [None for _ in others]
    latitudes, longitudes = ([getattr(s, name) for s in placed] for name in ("latitude", "longitude"))
    apart = miles_apart(here.latitude, here.longitude, latitudes, longitudes)
    found = {store.store_id: float(miles) for store, miles in zip(placed, apart, strict=True)}
    return [found.get(store.store_id) for store in others]
