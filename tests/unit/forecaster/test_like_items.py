from __future__ import annotations

import pandas as pd
import pytest

from forecaster.like_items import LIKENESS, propose_like_items, replaced_by_size


def style(name: str, price: float | None = 30.0, sizes: str = "SML", **more: object) -> pd.DataFrame:
    rows = [{"sku": f"{name}-{size}", "style": name, "size": size} for size in sizes]
    told = {"category": "swim", "gender_age": "men", "color": "navy", "regular_price": price} | more
    return pd.DataFrame(rows).assign(**told)


def proposed(*styles: pd.DataFrame, known: tuple[str, ...], **more: object) -> pd.DataFrame:
    return propose_like_items(pd.concat(styles, ignore_index=True), known=known, **more)


def test_the_likest_style_comes_first_with_its_reasons():
    found = proposed(style("new"), style("near", 32.0), style("dear", 90.0), known=("near", "dear"))
    assert found["like_style"].tolist() == ["near", "dear"]
    assert found["score"].is_monotonic_decreasing
    assert "for men as well; price within 7%; 100% of sizes in common" in found["reasons"][0]
    assert "price" not in found["reasons"][1]


def test_whom_it_is_for_weighs_more_than_what_it_costs():
    found = proposed(
        style("new"), style("hers", gender_age="women"), style("dear", 60.0), known=("hers", "dear")
    )
    assert found["like_style"].tolist() == ["dear", "hers"]


def test_another_category_is_never_like_and_nothing_is_like_itself():
    assert proposed(
        style("new"), style("coat", category="coats"), known=("coat", "new"), styles=("new",)
    ).empty


def test_only_styles_that_sold_are_proposed():
    assert proposed(style("new"), style("newer"), known=()).empty


def test_a_style_that_replaces_a_known_one_needs_no_proposal():
    successor = style("new").assign(replaces_sku=["old-S", None, None])
    assert proposed(successor, style("old"), style("other"), known=("old", "other")).empty


def test_what_is_not_told_counts_half_and_is_no_reason():
    found = proposed(style("new", None, color=None), style("old", color=None), known=("old",))
    told = LIKENESS["gender_age"] + LIKENESS["sizes"]
    assert found["score"][0] == pytest.approx(told + 0.5 * (1 - told), abs=1e-3)
    assert found["reasons"][0] == "for men as well; 100% of sizes in common"


def test_at_most_as_many_as_asked_for():
    others = [style(f"old{number}") for number in range(9)]
    found = proposed(style("new"), *others, known=tuple(f"old{number}" for number in range(9)), most=3)
    assert found["like_style"].tolist() == ["old0", "old1", "old2"]


def test_a_confirmed_like_item_is_followed_size_by_size_in_the_same_color_where_there_is_one():
    products = pd.concat(
        [
            style("new", sizes=("s", "M", "XL")),
            style("old", color="black").assign(sku=lambda rows: rows["sku"] + "-black"),
            style("old"),
        ],
        ignore_index=True,
    )
    found = replaced_by_size(products, pd.DataFrame({"style": ["new"], "like_style": ["old"]}))
    assert dict(zip(found["sku"], found["replaces_sku"], strict=True)) == {"new-s": "old-S", "new-M": "old-M"}
