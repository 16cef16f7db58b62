"""Which known styles a new one is like, by attributes: proposed with reasons, for a person to confirm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.frames import require_columns
from forecaster.products import read_products
from forecaster.succession import joined, succession_links

if TYPE_CHECKING:
    from collections.abc import Collection

LIKENESS = {"gender_age": 0.35, "price": 0.3, "sizes": 0.2, "colors": 0.15}
"""What makes a style like another, by weight: whom it is for first, then what it costs. A judgement; a person
confirms every proposal."""

_PRICE_STEP = 0.3
_UNTOLD = 0.5


@dataclass(frozen=True)
class _Style:
    """What a style is by its attributes; price NaN where unknown."""

    name: str
    category: str
    gender_age: str
    price: float
    sizes: frozenset[str]
    colors: frozenset[str]

    def like(self, other: _Style) -> dict[str, float]:
        """Likeness in each attribute, 0 to 1."""
        return {
            "gender_age": _same(self.gender_age, other.gender_age),
            "price": _near(self.price, other.price),
            "sizes": _in_common(self.sizes, other.sizes),
            "colors": _in_common(self.colors, other.colors),
        }


def propose_like_items(
    products: pd.DataFrame, *, known: Collection[str], styles: Collection[str] | None = None, most: int = 5
) -> pd.DataFrame:
    """Styles that new ones may be like, best first, each with its reasons: for a person to confirm.

        score = sum_a w_a likeness_a,   a over gender_age, price, sizes and colors

    within one category; weights stand in `LIKENESS`. Price likeness is exp(-|ln ratio| / 0.3), likeness of
    sizes and colours the share they have in common (Jaccard). What either side leaves blank counts half.

    Args:
        products: as `read_products` takes, with category.
        known: styles with sales to learn from.
        styles: styles to find likes for; all that are not known and replace none that is when None.
        most: proposals for each style.

    Returns:
        style, like_style, score in [0, 1], reasons (text); sorted by style, then score falling. Never a style
        itself.
    """
    read = read_products(products)
    by_name = _styles(read)
    wanted = _orphans(read, known) if styles is None else sorted(set(styles) & set(by_name))
    candidates = [by_name[name] for name in sorted(set(known) & set(by_name))]
    rows: list[tuple[str, str, float, str]] = []
    for own in (by_name[name] for name in wanted):
        others = [other for other in candidates if other.category == own.category and other != own]
        likes = [(other.name, own.like(other)) for other in others]
        scored = [(own.name, name, _score(like), _reasons(own, like)) for name, like in likes]
        rows += sorted(scored, key=lambda row: (-row[2], row[1]))[:most]
    return pd.DataFrame(rows, columns=["style", "like_style", "score", "reasons"])


def replaced_by_size(products: pd.DataFrame, confirmed: pd.DataFrame) -> pd.DataFrame:
    """Which sku each sku of a new style follows, once a person has confirmed which style it is like.

    The sku of the same size, of the same colour where there is one, else of the colour first in order. A size
    that the old style did not have follows none: it gets its share of the size curve.

    Args:
        products: as `read_products` takes.
        confirmed: style, like_style.

    Returns:
        sku, replaces_sku; sorted by sku.
    """
    require_columns(confirmed, "confirmed", ["style", "like_style"])
    read = read_products(products)[["sku", "style", "size", "color"]].reset_index(drop=True)
    read["size_key"] = read["size"].str.upper()
    new = read.merge(confirmed[["style", "like_style"]].astype(str), on="style")
    old = read.rename(columns={"sku": "replaces_sku", "style": "like_style", "color": "old_color"})
    pairs = new.merge(old.drop(columns="size"), on=["like_style", "size_key"])
    pairs = pairs.assign(other=pairs["color"] != pairs["old_color"])
    best = pairs.sort_values(["sku", "other", "old_color", "replaces_sku"]).drop_duplicates("sku")
    return best[["sku", "replaces_sku"]].reset_index(drop=True)


def _styles(read: pd.DataFrame) -> dict[str, _Style]:
    """Styles by name."""
    groups = read.groupby("style", sort=True)
    first, price = groups[["category", "gender_age"]].first(), groups["regular_price"].mean()
    sizes, colors = (
        {name: frozenset(values.str.upper()) - {""} for name, values in groups[column]}
        for column in ("size", "color")
    )
    return {
        str(name): _Style(str(name), category, gender_age, cost, sizes[name], colors[name])
        for name, category, gender_age, cost in zip(
            first.index, first["category"], first["gender_age"], price, strict=True
        )
    }


def _orphans(read: pd.DataFrame, known: Collection[str]) -> list[str]:
    """Styles that are not known and do not follow one that is."""
    lineage = _lineage_of_style(read)
    followed = set(lineage[lineage.index.isin(list(known))])
    return sorted(lineage.index[~lineage.isin(followed)])


def _lineage_of_style(read: pd.DataFrame) -> pd.Series[int]:
    links = succession_links(read["sku"].to_numpy(dtype=object), read["replaces_sku"].to_numpy(dtype=object))
    code, styles = pd.factorize(read["style"])
    return pd.Series(joined(*links, code.astype(np.intp), len(styles)), index=styles)


def _same(own: str, other: str) -> float:
    return float(own == other) if own and other else _UNTOLD


def _near(own: float, other: float) -> float:
    return math.exp(-abs(math.log(own / other)) / _PRICE_STEP) if own > 0 and other > 0 else _UNTOLD


def _in_common(own: frozenset[str], other: frozenset[str]) -> float:
    return len(own & other) / len(own | other) if own and other else _UNTOLD


def _score(likeness: dict[str, float]) -> float:
    return round(sum(weight * likeness[name] for name, weight in LIKENESS.items()), 3)


def _reasons(own: _Style, likeness: dict[str, float]) -> str:
    """What speaks for a proposal, in words."""
    told = {
        "gender_age": f"for {own.gender_age} as well",
        "price": f"price within {_percent(likeness['price'])}",
        "sizes": f"{likeness['sizes']:.0%} of sizes in common",
        "colors": f"{likeness['colors']:.0%} of colors in common",
    }
    speaks = [text for name, text in told.items() if likeness[name] > _UNTOLD]
    return "; ".join(speaks) or "the same category"


def _percent(near: float) -> str:
    return f"{math.expm1(-math.log(near) * _PRICE_STEP):.0%}"
