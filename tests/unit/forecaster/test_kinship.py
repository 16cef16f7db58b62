from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecaster.errors import PanelError
from forecaster.kinship import Kinship, kinship
from forecaster.products import read_products


def product(sku: str, style: str, size: str = "", color: str = "navy", **more: object) -> dict[str, object]:
    return {"sku": sku, "style": style, "size": size, "color": color, "gender_age": "men"} | more


def kin(rows: list[dict[str, object]], skus: list[str] | None = None, **more: object) -> Kinship:
    names = [str(row["sku"]) for row in rows] if skus is None else skus
    return kinship(names, ["a", "b", "c"], products=read_products(pd.DataFrame(rows)), **more)


def test_sizes_of_one_style_and_color_are_one_run_and_colors_are_runs_of_one_style():
    found = kin([product("1", "A", "S"), product("2", "A", "M"), product("3", "A", "S", "red")])
    assert found.run[0] == found.run[1] != found.run[2]
    assert len(set(found.style[found.line[found.run]])) == 1


def test_a_mens_m_is_not_a_womens_m():
    found = kin([product("1", "A", "M"), product("2", "B", "m"), product("3", "C", "M", gender_age="women")])
    assert found.size[0] == found.size[1] != found.size[2]


def test_a_successor_goes_on_with_the_line_of_what_it_replaces():
    found = kin(
        [
            product("1", "A", "S"),
            product("2", "B", "S", replaces_sku="1"),
            product("3", "C", "S", replaces_sku="2"),
        ]
    )
    assert len(set(found.run)) == 3
    assert len(set(found.line[found.run])) == 1
    assert len(set(found.style[found.line[found.run]])) == 1


def test_a_chain_is_followed_through_skus_that_are_no_longer_sold():
    rows = [
        product("1", "A"), product("2", "B", replaces_sku="1"), product("3", "C", replaces_sku="2"),
        product("4", "D"),
    ]  # fmt: skip
    found = kin(rows, skus=["1", "3", "4"])
    assert found.run.shape == (3,)
    line = found.line[found.run]
    assert line[0] == line[1] != line[2]


def test_a_circle_of_successors_is_refused():
    rows = [
        product("1", "A", replaces_sku="3"),
        product("2", "B", replaces_sku="1"),
        product("3", "C", replaces_sku="2"),
    ]
    with pytest.raises(PanelError, match="circle"):
        kin(rows)


def test_a_sku_that_replaces_itself_is_refused():
    with pytest.raises(PanelError, match="circle"):
        kin([product("1", "A", replaces_sku="1")])


def test_a_predecessor_nobody_knows_joins_nothing():
    found = kin([product("1", "A", replaces_sku="gone"), product("2", "B", replaces_sku="gone")])
    assert found.line[found.run][0] != found.line[found.run][1]


def test_styles_alike_in_price_and_gender_are_of_a_kind():
    prices = {"1": 20.0, "2": 22.0, "3": 60.0, "4": 21.0}
    found = kin([product(sku, sku, regular_price=price) for sku, price in prices.items()])
    kind = found.kind[found.style[found.line[found.run]]]
    assert kind[0] == kind[1] == kind[3] != kind[2]


def test_stores_of_one_format_and_zone_stand_together_within_their_format():
    shops = pd.DataFrame({"store": ["a", "b", "c"], "format": ["mall", "mall", "outlet"]})
    found = kin([product("1", "A")], shops=shops, zones=["north", "south", "south"])
    assert len(set(found.format_zone)) == 3
    form = found.format[found.format_zone]
    assert form[0] == form[1] != form[2]


def test_a_store_without_a_format_is_of_none():
    shops = pd.DataFrame({"store": ["a", "b"], "format": ["mall", None]})
    found = kin([product("1", "A")], shops=shops)
    assert found.format_zone[1] == found.format_zone[2] != found.format_zone[0]


def test_a_sku_that_products_lack_is_a_style_of_its_own():
    found = kin([product("1", "A")], skus=["1", "new", "newer"])
    assert len(set(found.style[found.line[found.run]])) == 3


def test_names_alone_make_every_sku_a_style_and_all_stores_alike():
    named, none = kinship(["1", "2"], ["a"]), Kinship.none(2, 1)
    for name in ("run", "size", "line", "style", "format_zone", "format"):
        np.testing.assert_array_equal(getattr(named, name), getattr(none, name))
    assert len(named.of_lines) == 1
