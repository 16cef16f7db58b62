from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecaster.errors import PanelError
from forecaster.products import price_bands, read_products


def test_what_is_absent_or_blank_reads_as_blank_and_a_style_is_never_blank():
    read = read_products(pd.DataFrame({"sku": ["1", "2"], "style": ["A", None], "size": [" M ", None]}))
    assert read["style"].tolist() == ["A", "2"]
    assert read["size"].tolist() == ["M", ""]
    assert (read["replaces_sku"] == "").all()
    assert read["regular_price"].isna().all()
    assert read.index.tolist() == ["1", "2"]


def test_reading_twice_changes_nothing():
    once = read_products(pd.DataFrame({"sku": ["1"], "regular_price": ["19.90"], "gender_age": ["men"]}))
    pd.testing.assert_frame_equal(read_products(once), once)


def test_a_price_of_nothing_is_no_price():
    assert np.isnan(read_products(pd.DataFrame({"sku": ["1"], "regular_price": [0]}))["regular_price"]["1"])


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"style": ["A"]}), "sku"),
        (pd.DataFrame({"sku": ["1", "1"]}), "repeated"),
        (pd.DataFrame({"sku": ["1"], "regular_price": ["dear"]}), "not numeric"),
    ],
)
def test_products_that_cannot_be_worked_with_are_refused(frame, message):
    with pytest.raises(PanelError, match=message):
        read_products(frame)


def test_the_price_ladder_is_seen_beside_the_median_style_of_its_kind():
    style = np.array(["a", "b", "c", "d", "e"], dtype=object)
    kind = np.array(["men", "men", "men", "women", "men"], dtype=object)
    bands = price_bands(style, kind, np.array([10.0, 20.0, 40.0, 400.0, np.nan]))
    assert bands.tolist() == ["good", "better", "best", "better", ""]


def test_all_sizes_of_a_style_share_a_band():
    style = np.array(["a", "a", "b", "c"], dtype=object)
    bands = price_bands(style, np.full(4, "", dtype=object), np.array([28.0, 26.0, 20.0, 20.0]))
    assert bands[0] == bands[1]


def test_a_style_of_many_sizes_counts_once_on_the_price_ladder():
    style = np.array(["dear"] * 5 + ["a", "b"], dtype=object)
    price = np.array([60.0] * 5 + [20.0, 22.0])
    assert price_bands(style, np.full(7, "", dtype=object), price).tolist() == ["best"] * 5 + ["better"] * 2
