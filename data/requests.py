"""Looking up what a customer asks for: the styles that a few letters, a sku or words may mean."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, and_, case, func, or_, select
from sqlalchemy.exc import IntegrityError

from data.errors import InSeasonError
from data.nearby import is_thing
from data.records import CustomerRequest, NewestStock, Product, Wanted
from forecaster.words import canonical_size, people_of, read, size_spellings, suits

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from data.database import Database

MOST_STYLES: Final = 12
SHORTEST_WORD: Final = 3
_LETTERS: Final = ("xxs", "xs", "s", "m", "l", "xl", "2xl", "3xl", "4xl", "5xl")
# As `forecaster.words` writes it, and as assortments do.
_SPELLED: Final = {"tshirt": ("tshirt", "t-shirt", "t shirt", "tee")}


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


def style_named(
    session: Session, style_id: str, *, store_id: str, categories: Collection[str] | None = None
) -> StyleFound | None:
    """One style with all its sizes; nothing when there is none in these categories (None is all)."""
    query = select(Product.sku).where(Product.style_id == style_id).limit(1)
    if categories is not None:
        query = query.where(Product.category.in_(sorted(categories)))
    if session.scalar(query) is None:
        return None
    return next(iter(_told(session, [style_id], [], "", store_id)), None)


def colors_of(session: Session, style_id: str, size: str) -> list[tuple[str, str]]:
    """The colours of a style in a size, with the sku of each, by name."""
    query = select(Product.color, Product.sku).where(Product.style_id == style_id, Product.size == size)
    return [(color, sku) for color, sku in session.execute(query.order_by(Product.color, Product.sku))]


def name_of(session: Session, wanted: Wanted) -> str:
    """What to call a thing that was asked for, its size and, for a sku, its colour included."""
    return names_of(session, [wanted])[wanted]


def names_of(session: Session, things: Collection[Wanted]) -> dict[Wanted, str]:
    """What to call each of a few things that were asked for, as `name_of` does; one statement."""
    named = {wanted: wanted.text or _by_its_codes(wanted) for wanted in things}
    carried = [wanted for wanted in named if wanted.is_carried]
    if not carried:
        return named
    columns = Product.sku, Product.style_name, Product.style_id, Product.color, Product.size
    query = select(*columns).where(or_(*(and_(*is_thing(wanted)) for wanted in carried)))
    # Of several skus the first names the style: it is the last to be written down.
    for row in session.execute(query.order_by(Product.sku.desc())):
        for wanted in carried:
            if row.sku == wanted.sku or (row.style_id, row.size) == (wanted.style_id, wanted.size):
                color = row.color if wanted.sku else ""
                told = (row.style_name or row.style_id, color, row.size)
                named[wanted] = ", ".join(part for part in told if part)
    return named


def _by_its_codes(wanted: Wanted) -> str:
    """What to call what no assortment knows."""
    return " ".join(part for part in (wanted.sku, wanted.style_id, wanted.size) if part)


def record_once(database: Database, asked: CustomerRequest) -> tuple[int, bool]:
    """Record a request unless its form was sent before.

    Returns:
        Its number, and whether it is new.
    """
    try:
        with database.write() as records:
            records.add(asked)
            records.flush()
            return asked.request_id, True
    except IntegrityError:
        # The same form, sent again; what the caller has read so far may be from before the first one.
        with database.read() as records:
            if before := recorded_by_form(records, asked.form_key):
                return before, False
        raise


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
    query = select(Product.sku).where(*is_thing(wanted)).limit(1)
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
