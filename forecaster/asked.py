"""What customers asked for in words: which of it the chain carries, and the rest grouped by what it is."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from forecaster.frames import days, numbers, require_columns
from forecaster.words import COLORS, canonical_size, joined, people_of, read, suits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from forecaster.words import Read

MATCH_COLUMNS: Final = ["category", "gender_age", "style", "size"]
GROUP_COLUMNS: Final = ["key", "words", "store", "units", "asks", "first_on", "last_on", "sizes"]
_LONGEST_KEY: Final = 48
# Two of three words alike, or spellings that share seven letter triples of ten.
_SAME_WORDS: Final = 2 / 3
_SAME_SPELLING: Final = 0.7
_TRIPLE: Final = 3


def match_words(requests: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Which things of the assortment are meant by requests in words.

    A text means a category when it says the category's name and nothing else about the thing: "oven gloves"
    are no gloves. It means a style when it says the style's name, and that name stands for one style only.
    Sizes, colours and people are read apart (`forecaster.words.read`). A size in which the category does not
    come, or people whom it is not made for, make it another thing.

    Args:
        requests: text; any other columns.
        products: style, category, size, gender_age; style_name and color (blank if absent).

    Returns:
        category, gender_age, style, size, each as the products write it and missing where it is not said or
        not certain; all missing where nothing is matched; indexed as `requests`.
    """
    require_columns(requests, "requests", ["text"])
    code, texts = pd.factorize(requests["text"].fillna("").astype(str))
    assortment = _Assortment.of(products)
    matched = [assortment.meant_by(text) for text in texts]
    table = pd.DataFrame(matched, columns=MATCH_COLUMNS, dtype="str")
    return table.iloc[code].set_axis(requests.index)


def not_carried(requests: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """The rows of requests in words that mean nothing of the assortment; arguments as `match_words` takes."""
    return requests[match_words(requests, products)["category"].isna()]


def group_words(requests: pd.DataFrame, *, counted_from: date | None = None) -> pd.DataFrame:
    """Requests in words, grouped by what was asked for, per store.

    Two texts ask for the same when the words left after sizes, colours and phrases are taken off are, in any
    order, two thirds the same (Jaccard), or are spelled alike: written without spaces they share seven in ten
    letter triples (Dice). Each text is held against the groups' first members only, the earliest asked first,
    so that likeness is not handed on from text to text, and a group keeps its key from night to night.

    Args:
        requests: store, text, units, requested_on (days).
        counted_from: requests before that day only help to name the groups; None counts all.

    Returns:
        key (of the group, the same from night to night), words (as most often asked), store, units, asks
        (number of requests), first_on, last_on (datetime64), sizes (those named, joined by ", "); most units
        first. Texts that name no thing are left out.
    """
    require_columns(requests, "requests", ["store", "text", "units", "requested_on"])
    asked = pd.DataFrame(
        {
            "store": requests["store"].astype("str").array,
            "text": requests["text"].fillna("").astype("str").array,
            "units": numbers(requests, "requests", "units", low=0),
            "day": days(requests, "requests", "requested_on"),
        }
    ).sort_values(["day", "text"], ignore_index=True)
    code, texts = pd.factorize(asked["text"])
    reads = [read(text) for text in texts]
    group = pd.Series(_grouped([told.words for told in reads]), dtype="str")
    asked = asked.assign(
        key=group.iloc[code].array,
        words=pd.Series([" ".join(told.words) for told in reads], dtype="str").iloc[code].array,
        sizes=pd.Series([", ".join(told.sizes) for told in reads], dtype="str").iloc[code].array,
    ).dropna(subset="key")
    if counted_from is not None:
        asked = asked[asked["day"] >= pd.Timestamp(counted_from)]
    wording = asked.groupby("key")["words"].agg(_most_often)
    told = asked.groupby(["key", "store"], as_index=False).agg(
        units=("units", "sum"),
        asks=("units", "size"),
        first_on=("day", "min"),
        last_on=("day", "max"),
        sizes=("sizes", _distinct),
    )
    told = told.assign(words=told["key"].map(wording))
    return told.sort_values(["units", "key", "store"], ascending=[False, True, True], ignore_index=True)[
        GROUP_COLUMNS
    ]


def _most_often(words: Iterable[str]) -> str:
    return Counter(words).most_common(1)[0][0]


def _distinct(sizes: Iterable[str]) -> str:
    named = {size for told in sizes for size in told.split(", ") if size}
    return ", ".join(sorted(named))


def _grouped(wordings: Sequence[tuple[str, ...]]) -> list[str | None]:
    """The key of each wording's group, in the order given; none where there are no words."""
    leaders: list[_Leader] = []
    by_mark: defaultdict[str, list[int]] = defaultdict(list)
    known: dict[tuple[str, ...], str | None] = {(): None}
    for words in wordings:
        if words in known:
            continue
        own = _Leader.of(words)
        near = sorted({place for mark in own.marks for place in by_mark[mark]})
        leader = max((leaders[place] for place in near), key=own.likeness, default=None)
        if leader is None or own.likeness(leader) < 1:
            leader = own
            for mark in own.marks:
                by_mark[mark].append(len(leaders))
            leaders.append(own)
        known[words] = leader.key
    return [known[words] for words in wordings]


@dataclass(frozen=True)
class _Leader:
    """The first wording of a group, by which others are compared with it."""

    words: frozenset[str]
    triples: frozenset[str]

    @classmethod
    def of(cls, words: tuple[str, ...]) -> _Leader:
        spelled = joined(words)
        triples = {spelled[at : at + _TRIPLE] for at in range(max(len(spelled) - _TRIPLE + 1, 1))}
        return cls(frozenset(words), frozenset(triples))

    @property
    def key(self) -> str:
        return "-".join(sorted(self.words))[:_LONGEST_KEY]

    @property
    def marks(self) -> frozenset[str]:
        """What a wording must share with another one to be like it."""
        return self.words | self.triples

    def likeness(self, other: _Leader) -> float:
        """How alike two wordings are; at 1 they ask for the same."""
        shared, triples = len(self.words & other.words), len(self.triples & other.triples)
        words = shared / len(self.words | other.words) / _SAME_WORDS
        return max(words, 2 * triples / (len(self.triples) + len(other.triples)) / _SAME_SPELLING)


@dataclass(frozen=True)
class _Thing:
    """A name of the assortment, of a category or of a style, and what it stands for."""

    words: frozenset[str]
    colors: frozenset[str]
    people: frozenset[str]
    category: str
    styles: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Assortment:
    """What the chain carries, by the words of its names.

    Attributes:
        skus: style, category, gender_age, size and the size as sizes are compared.
        hues: the words that are colours.
        things: the names in which each word stands.
        words_of: the words of each category's name.
        compounds: words that may be written as one, by how they look then.
    """

    skus: pd.DataFrame
    hues: frozenset[str]
    things: dict[str, list[_Thing]]
    words_of: dict[str, frozenset[str]]
    compounds: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, products: pd.DataFrame) -> _Assortment:
        require_columns(products, "products", ["style", "category", "size", "gender_age"])
        blank = pd.Series("", index=products.index)
        columns = ("style", "style_name", "category", "gender_age", "size", "color")
        skus = pd.DataFrame(
            {name: products.get(name, blank).fillna("").astype("str").array for name in columns}
        )
        skus = skus.assign(canonical=skus["size"].map(lambda size: canonical_size(size) or size.casefold()))
        hues = COLORS | {color.strip().casefold() for color in skus["color"].unique()} - {""}
        names = {name: read(name, colors=hues) for name in {*skus["category"], *skus["style_name"]}}
        things: defaultdict[str, list[_Thing]] = defaultdict(list)
        for thing in _things(skus, names):
            for word in thing.words:
                things[word].append(thing)
        return cls(
            skus,
            hues,
            dict(things),
            {category: frozenset(names[category].words) for category in skus["category"].unique()},
            {word: (word,) for told in names.values() for word in told.words}
            | {joined(told.words): told.words for told in names.values() if told.words},
        )

    def meant_by(self, text: str) -> tuple[str | None, ...]:
        """Category, gender_age, style and size of a text, each None where it is not said."""
        told = read(text, colors=self.hues)
        content = self._content(told)
        things = [thing for thing in self._named_in(content) if self._explains(thing, content, told)]
        if not things:
            return (None,) * len(MATCH_COLUMNS)
        most = max(len(thing.words) + bool(thing.styles) for thing in things)
        best = [thing for thing in things if len(thing.words) + bool(thing.styles) == most]
        if len({thing.category for thing in best}) > 1:
            return (None,) * len(MATCH_COLUMNS)
        styles = frozenset().union(*(thing.styles for thing in best))
        return self._told(best[0].category, styles, told)

    def _content(self, told: Read) -> frozenset[str]:
        """The words of a text, with what was written in two words or one as the assortment writes it."""
        words = list(told.words)
        spoken: list[str] = []
        while words:
            pair = self.compounds.get(joined(words[:2])) if len(words) > 1 else None
            if pair:
                spoken.extend(pair)
                words = words[2:]
            else:
                spoken.extend(self.compounds.get(words[0], (words[0],)))
                words = words[1:]
        return frozenset(spoken)

    def _named_in(self, content: Collection[str]) -> list[_Thing]:
        found = {thing: None for word in content for thing in self.things.get(word, ())}
        return [thing for thing in found if thing.words <= frozenset(content)]

    def _explains(self, thing: _Thing, content: frozenset[str], told: Read) -> bool:
        """Whether nothing of the text is left over once it is taken to mean this."""
        left = content - thing.words - (self.words_of[thing.category] if thing.styles else frozenset())
        return not left and thing.colors <= set(told.colors) and suits(thing.people, told.people)

    def _told(self, category: str, styles: frozenset[str], told: Read) -> tuple[str | None, ...]:
        """What is certain of a text that means a category, and one of its styles where one is named."""
        skus = self.skus[self.skus["category"] == category]
        if styles:
            skus = skus[skus["style"].isin(styles)]
        skus = skus[[suits(people_of(made_for), told.people) for made_for in skus["gender_age"]]]
        sizes = skus["canonical"].drop_duplicates()
        asked = sizes[sizes.isin(told.sizes)]
        if skus.empty or (told.sizes and asked.empty):
            return (None,) * len(MATCH_COLUMNS)
        size = asked if told.sizes else sizes
        made_for = skus["gender_age"].unique()
        return (
            category,
            made_for[0] if len(made_for) == 1 and made_for[0] else None,
            next(iter(styles)) if len(styles) == 1 else None,
            skus.loc[size.index[0], "size"] if len(size) == 1 else None,
        )


def _things(skus: pd.DataFrame, names: Mapping[str, Read]) -> list[_Thing]:
    """The names of categories and of styles as they were read; a name that says no thing is left out."""
    of_styles: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for name, category, style in zip(skus["style_name"], skus["category"], skus["style"], strict=True):
        of_styles[name, category].add(style)
    named = [(category, category, frozenset[str]()) for category in skus["category"].unique()]
    named += [(name, category, frozenset(styles)) for (name, category), styles in of_styles.items()]
    return [
        _Thing(frozenset(told.words), frozenset(told.colors), told.people, category, styles)
        for name, category, styles in named
        if (told := names[name]).words
    ]
