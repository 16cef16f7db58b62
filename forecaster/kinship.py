"""Who is kin to whom within a category: skus in size runs, lines, styles and kinds; stores in formats."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.products import price_bands
from forecaster.succession import joined, succession_links

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Indices = npt.NDArray[np.intp]
    Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Kinship:
    """The ladders of one category, as indices of the next rung.

    Attributes:
        run: (skus,) the size run (style x colour) that each sku belongs to.
        size: (skus,) its size, within its own scale: a men's M is not a women's M.
        line: (runs,) the run with those it replaced: what goes on selling under a new number.
        style: (lines,) the style with those it replaced.
        kind: (styles,) gender_age x price band: styles that are alike by their attributes.
        format_zone: (stores,) format x climate zone.
        format: (format_zones,).
    """

    run: Indices
    size: Indices
    line: Indices
    style: Indices
    kind: Indices
    format_zone: Indices
    format: Indices

    @classmethod
    def none(cls, n_skus: int, n_stores: int) -> Kinship:
        """Nothing is known of skus and stores but their names: each sku is a style, all stores are alike."""
        each, one = np.arange(n_skus), np.zeros(1, dtype=np.intp)
        return cls(each, np.zeros(n_skus, np.intp), each, each, np.zeros(n_skus, np.intp),
                   np.zeros(n_stores, np.intp), one)  # fmt: skip

    @property
    def n_sizes(self) -> int:
        """Sizes of all scales together."""
        return int(self.size.max(initial=-1)) + 1

    @cached_property
    def of_lines(self) -> tuple[Indices, ...]:
        """The ladder line -> style -> kind -> category, as `credibility.climb` takes it."""
        return _rungs(self.style, self.kind)

    @cached_property
    def of_stores(self) -> tuple[Indices, ...]:
        """The ladder store -> format x zone -> format -> chain."""
        return _up_to_one(self.format_zone, self.format)

    @cached_property
    def of_sizes(self) -> tuple[Indices, ...]:
        """The ladder sku -> size of its style -> size of its scale -> all sizes."""
        style = self.style[self.line[self.run]]
        pairs, style_size = np.unique(style * self.n_sizes + self.size, return_inverse=True)
        return _rungs(style_size, pairs % self.n_sizes)


def _up_to_one(*parents: Indices) -> tuple[Indices, ...]:
    """A ladder that ends on the first rung above which all is one."""
    top = np.zeros(int(parents[-1].max(initial=-1)) + 1, dtype=np.intp)
    whole = [not parent.any() for parent in (*parents, top)].index(True)
    return (*parents, top)[: whole + 1]


def _rungs(*parents: Indices) -> tuple[Indices, ...]:
    """A ladder without rungs on which every part is a whole of its own: they tell nothing."""
    rungs: list[Indices] = []
    for parent in _up_to_one(*parents):
        if rungs and len(np.unique(rungs[-1])) == len(rungs[-1]):
            rungs[-1] = parent[rungs[-1]]
        else:
            rungs.append(parent)
    return tuple(rungs)


def kinship(
    skus: Sequence[str],
    stores: Sequence[str],
    *,
    products: pd.DataFrame | None = None,
    shops: pd.DataFrame | None = None,
    zones: Sequence[str] | None = None,
) -> Kinship:
    """Kinship of the skus and stores of one category.

    Args:
        skus: names, in the order of their indices.
        stores: names, in the order of their indices.
        products: as returned by `read_products`; skus it lacks are styles of their own.
        shops: store, format (may be absent); stores it lacks have the format ''.
        zones: climate zone of each store.

    Raises:
        PanelError: replaces_sku goes round in a circle.
    """
    items = _Items.of(skus, products)
    run, n_runs = _coded(items.style, items.color)
    links = succession_links(items.sku, items.replaces_sku)
    line = joined(*links, run, n_runs)
    style, n_styles = _coded(items.style)
    lineage = joined(*links, style, n_styles)
    # One category: the price ladder is its own, whatever the products call it.
    bands = price_bands(items.style, items.gender_age, items.regular_price)
    kind, _ = _coded(items.gender_age, bands)
    size, _ = _coded(items.gender_age, np.char.upper(items.size.astype(str)).astype(object))
    format_zone, form = _formats(stores, shops, zones)
    n = len(skus)
    return Kinship(
        run=run[:n],
        size=size[:n],
        line=line,
        style=lineage[style][_first(line[run])],
        kind=kind[_first(lineage[style])],
        format_zone=format_zone,
        format=form,
    )


@dataclass(frozen=True)
class _Items:
    """Skus of a category in their order, followed by those they replaced that are no longer sold."""

    sku: Texts
    style: Texts
    color: Texts
    size: Texts
    gender_age: Texts
    replaces_sku: Texts
    regular_price: npt.NDArray[np.float64]

    @classmethod
    def of(cls, skus: Sequence[str], products: pd.DataFrame | None) -> _Items:
        names = np.array(list(skus), dtype=object)
        if products is None:
            blank = np.full(len(names), "", dtype=object)
            return cls(names, names, blank, blank, blank, blank, np.full(len(names), np.nan))
        place = products.index.get_indexer(pd.Index(names))
        replaced = products["replaces_sku"].to_numpy(dtype=object)
        newest = place[place >= 0]
        while len(newest):
            before = np.unique(products.index.get_indexer(pd.Index(replaced[newest])))
            newest = before[(before >= 0) & ~np.isin(before, place)]
            place = np.append(place, newest)
        known = place >= 0
        names = np.append(names, products.index.to_numpy(dtype=object)[place[len(names) :]])

        def column(name: str) -> Texts:
            return np.where(known, products[name].to_numpy(dtype=object)[place], "")

        style = np.where(known, column("style"), names)
        price = np.where(known, products["regular_price"].to_numpy(dtype=np.float64)[place], np.nan)
        return cls(names, style, column("color"), column("size"), column("gender_age"),
                   column("replaces_sku"), price)  # fmt: skip


def _formats(
    stores: Sequence[str], shops: pd.DataFrame | None, zones: Sequence[str] | None
) -> tuple[Indices, Indices]:
    """Format x zone of each store, and format of each of those."""
    formats = np.full(len(stores), "", dtype=object)
    if shops is not None and "format" in shops.columns:
        named = dict(zip(shops["store"].astype(str), shops["format"].astype("str").fillna(""), strict=True))
        formats = np.array([named.get(store, "") for store in stores], dtype=object)
    zone = np.array(list(zones) if zones is not None else [""] * len(formats), dtype=object)
    form, _ = _coded(formats)
    format_zone, _ = _coded(formats, zone)
    return format_zone, form[_first(format_zone)]


def _coded(*columns: Texts) -> tuple[Indices, int]:
    """Index of each row's combination of values, and how many there are."""
    codes = np.zeros(len(columns[0]), dtype=np.intp)
    for column in columns:
        more, values = pd.factorize(column)
        codes = np.unique(codes * max(len(values), 1) + more, return_inverse=True)[1]
    return codes, int(codes.max(initial=-1)) + 1


def _first(index: Indices) -> Indices:
    """Position of the first member of each group."""
    first = np.zeros(int(index.max(initial=-1)) + 1, dtype=np.intp)
    first[index[::-1]] = np.arange(len(index))[::-1]
    return first
