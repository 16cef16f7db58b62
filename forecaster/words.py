"""How a request in a customer's own words is read: what the thing is, in which size and colour, for whom."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Nothing of what is asked for stands in these; "not" is none of them, since it turns a wish round.
_SAID_BESIDE: Final = _listed(
    "a about all also am an and another any anything are as ask asked asking at available be been both "
    "but by can carry color colored colors colour coloured colours come could customer customers did do "
    "does dont else eu find fit fits for from get give gonna got guest had has have he hello her here hey "
    "hi him his how i id if im in instead is it its ive just kind know left let like look looked looking "
    "lot many may me might mine more my myself need needed needs new no of ok on one ones only or other "
    "our out pair pairs please pls really same sell she should size sized sizes so some somebody someone "
    "something sorry sort still sz stock such sure tell than thank thanks that the their them then there "
    "these they thing things think this those to today tomorrow too trip try uk us vacation wanna want "
    "wanted wanting wants was we week weekend were what when where which who why will with would yet you "
    "your yours"
)
_PEOPLE: Final = {
    word: kind
    for kind, words in {
        "men": "man men mens male males guy guys gentleman gentlemen gents husband dad father boyfriend",
        "women": "woman women womens lady ladies female females wife mom mum mother girlfriend",
        "kids": "kid kids child children childrens youth junior juniors boy boys girl girls son daughter "
        "teen teens teenager",
        "baby": "baby babies infant infants newborn newborns toddler toddlers",
        "adult": "adult adults unisex",
    }.items()
    for word in words.split()
}
COLORS: Final = _listed(
    "beige black blue brown burgundy charcoal coral cream gold gray green grey ivory khaki lavender maroon "
    "mint multicolor navy olive orange pink purple red silver tan teal turquoise white yellow"
)
_SHADES: Final = _listed("bright dark light neon pale")
_LETTER_SIZES: Final = {
    "xxs": "xxs", "xs": "xs", "s": "s", "small": "s", "m": "m", "med": "m", "medium": "m", "l": "l",
    "large": "l", "xl": "xl", "xxl": "2xl", "2xl": "2xl", "xxxl": "3xl", "3xl": "3xl", "4xl": "4xl",
    "5xl": "5xl", "onesize": "one size", "osfa": "one size",
}  # fmt: skip
# What is sized 2T or 32x34, or half a size: "10 1/2".
_NUMBER_SIZE: Final = re.compile(r"\d{1,2}(?:\.5)?(?:t|w|x\d{2})?")
_REWRITTEN: Final = tuple(
    (re.compile(pattern), written)
    for pattern, written in (
        (r"[\u2018\u2019\u02bc`]", "'"),
        (r"\b(\w+)'s\b|\b(\w+s)'(?!\w)", r"\1\2"),
        (r"'", ""),
        (r"\bt[\s-]?shirts?\b|\btees?(?:[\s-]?shirts?)?\b", "tshirt"),
        (r"\bone[\s-]size(?:\s+fits\s+(?:all|most))?\b", "onesize"),
        (r"\b(?:xx|extra\s+extra|double\s+extra|double)[\s-]?(small|large)\b", r"xx \1"),
        (r"\b(?:x|extra)[\s-]?(small|large)\b", r"x \1"),
        (r"\b(xx?) (s|l)(?:mall|arge)\b", r"\1\2"),
        (r"(\d)\s*(?:1/2|\u00bd|\u2044)", r"\1.5"),
        (r"\b(\d{2})\s*[x/\u00d7]\s*(\d{2})\b", r"\1x\2"),
        (r"[^\w.]+|_", " "),
        (r"\.(?!5\b)|(?<!\d)\.", " "),
    )
)
_SIZE_NAMED: Final = re.compile(r"\b(?:sizes?|sz)\s+(?:(?:us|uk|eu)\s+)?(\S+)(?:\s+(?:or|and)\s+(\S+))?")
# Their singular is another word, or there is none.
_NO_PLURAL: Final = _listed("clothes glasses jeans leggings shorts sunglasses tights")


@dataclass(frozen=True)
class Read:
    """A text as it was read.

    Attributes:
        words: what is left to say what the thing is, in the order spoken, each in its singular.
        sizes: the sizes named, as `canonical_size` writes them.
        colors: the colours named.
        people: for whom: any of men, women, kids, baby, adult.
    """

    words: tuple[str, ...]
    sizes: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    people: frozenset[str] = frozenset()


def read(text: str, *, colors: Collection[str] = COLORS) -> Read:
    """Take a customer's words apart.

    >>> read("Do you have men's swim trunks in navy, size M?")
    Read(words=('swim', 'trunk'), sizes=('m',), colors=('navy',), people=frozenset({'men'}))
    """
    plain = _plain(text)
    tokens = plain.split()
    named = _sizes(chain.from_iterable(_SIZE_NAMED.findall(plain)))
    hues = tuple(dict.fromkeys(token for token in tokens if token in colors))
    rest = [token for token in tokens if token not in colors and not (hues and token in _SHADES)]
    sizes = named or _sizes(rest)
    things = (
        singular(token)
        for token in rest
        if token not in _SAID_BESIDE and token not in _PEOPLE and not canonical_size(token)
    )
    people = frozenset(_PEOPLE[token] for token in rest if token in _PEOPLE)
    return Read(tuple(dict.fromkeys(things)), sizes, hues, people)


def canonical_size(size: str) -> str:
    """A size as sizes are compared, or nothing when it is none: m for Medium, 2xl for XXL, 9 for 9."""
    known = size.strip().casefold()
    if letters := _LETTER_SIZES.get(known.replace("-", "").replace(" ", "")):
        return letters
    return known if _NUMBER_SIZE.fullmatch(known) else ""


def size_spellings(size: str) -> tuple[str, ...]:
    """All the ways in which a canonical size may be written, in small letters."""
    same = [written for written, canonical in _LETTER_SIZES.items() if canonical == size]
    return tuple(dict.fromkeys([size, *same]))


def people_of(text: str) -> frozenset[str]:
    """For whom a thing is made, by its gender_age: any of men, women, kids, baby, adult."""
    return frozenset(_PEOPLE[token] for token in _plain(text).split() if token in _PEOPLE)


def suits(made_for: Collection[str], asked_for: Collection[str]) -> bool:
    """Whether what is made for some people is for those asked for; nobody named is everybody.

    What is made for adults suits men and women.
    """
    if not made_for or not asked_for:
        return True
    grown = {"men", "women"} if "adult" in made_for else set()
    of_asked = {"men", "women"} if "adult" in asked_for else set()
    return bool((set(made_for) | grown) & (set(asked_for) | of_asked))


def singular(word: str) -> str:
    """A word without the plural's ending: enough to compare words, no grammar.

    >>> [singular(word) for word in ("trunks", "sandals", "dresses", "bodies", "shorts", "dress")]
    ['trunk', 'sandal', 'dress', 'body', 'shorts', 'dress']
    """
    if word in _NO_PLURAL or len(word) <= 3 or word.endswith(("ss", "us", "is")):  # noqa: PLR2004
        return word
    if word.endswith("ies") and len(word) > 4:  # noqa: PLR2004
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word.removesuffix("s")


def _sizes(tokens: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(size for size in map(canonical_size, tokens) if size))


def joined(words: Iterable[str]) -> str:
    """Words without the spaces between them, for "rash guard" and "rashguard"."""
    return "".join(words)


def _plain(text: str) -> str:
    """Small letters without accents and marks, with the spellings of sizes made one."""
    bare = unicodedata.normalize("NFKD", text.replace("\u00bd", " 1/2")).casefold()
    written = "".join(letter for letter in bare if not unicodedata.combining(letter))
    for pattern, replacement in _REWRITTEN:
        written = pattern.sub(replacement, written)
    return written
