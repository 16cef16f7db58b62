from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecaster.substitution import DEFAULT_SHARE, MOST, substitution_share

STYLES, STORES, WEEKS = 4, 12, 90
PRODUCTS = pd.DataFrame(
    {
        "sku": [f"{style}" for style in range(STYLES)],
        "category": "swim",
        "size": "M",
        "regular_price": 30.0,
    }
)


def sold(share: float, *, gone: float = 0.2, level_off: float = 1.0, seed: int = 5) -> pd.DataFrame:
    """A panel in which a share of those whose style is gone takes one of the others."""
    rng = np.random.default_rng(seed)
    shape = (STORES, STYLES, WEEKS)
    season = np.exp(0.7 * np.cos(np.arange(WEEKS) / 52 * 2 * np.pi))
    mean = 3 * rng.gamma(4, 0.25, (STORES, STYLES, 1)) * season
    there = (rng.uniform(size=shape) >= gone).astype(float)
    there[:, :, [0, -1]] = 1.0
    missing = (mean * (1 - there)).sum(axis=1, keepdims=True)
    part = mean * there / np.maximum((mean * there).sum(axis=1, keepdims=True), 1e-9)
    units = rng.poisson(mean * there + share * missing * part)
    store, style, week = (index.ravel() for index in np.indices(shape))
    return pd.DataFrame(
        {
            "store": store,
            "sku": style.astype(str),
            "category": "swim",
            "week": pd.Timestamp("2024-01-01") + pd.to_timedelta(7 * week, "D"),
            "units": units.ravel().astype(float),
            "exposure": there.ravel(),
            "expected": level_off * mean.ravel(),
        }
    )


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_the_share_is_found_in_what_the_others_sold_beyond_expectation(share):
    told = substitution_share(sold(share), PRODUCTS).iloc[0]
    assert told["share"] == pytest.approx(share, abs=0.06)
    assert told["basis"] == "measured"
    assert told["weeks"] > 500
    assert told["standard_error"] < 0.05


def test_levels_that_are_off_do_not_pass_for_substitution():
    assert substitution_share(sold(0.0, level_off=0.7), PRODUCTS)["share"][0] < 0.08


def test_where_nothing_was_ever_gone_the_default_stands_and_says_so():
    told = substitution_share(sold(0.3, gone=0.0), PRODUCTS).iloc[0]
    assert (told["share"], told["basis"], told["weeks"]) == (DEFAULT_SHARE, "configured", 0)
    assert np.isnan(told["measured"])


def test_few_weeks_are_shrunk_to_the_default():
    panel = sold(0.0)
    few = panel[(panel["store"] == 0) & (panel["week"] < panel["week"].min() + pd.Timedelta(weeks=40))]
    told = substitution_share(few, PRODUCTS).iloc[0]
    assert told["basis"] == "measured"
    assert told["measured"] + 0.03 < told["share"] < DEFAULT_SHARE


def test_a_style_that_is_gone_for_good_is_no_longer_asked_for():
    panel = sold(0.0)
    ended = (panel["sku"] == "0") & (panel["week"] > panel["week"].min() + pd.Timedelta(weeks=30))
    panel.loc[ended, ["units", "exposure"]] = 0.0
    before = substitution_share(panel[~ended], PRODUCTS)
    pd.testing.assert_frame_equal(substitution_share(panel, PRODUCTS), before)


def test_a_share_is_never_beyond_its_bounds():
    panel = sold(0.7)
    panel["units"] *= np.where(panel["exposure"] > 0, 1.0, 0.0)
    crowded = panel.assign(
        units=panel["units"] + 3.0 * panel.groupby(["store", "week"])["exposure"].transform("min").eq(0)
    )
    assert substitution_share(crowded, PRODUCTS)["share"][0] == MOST


def test_a_sku_without_a_need_is_left_out():
    panel = pd.concat([sold(0.3), sold(0.3).assign(sku="stranger")])
    pd.testing.assert_frame_equal(
        substitution_share(panel, PRODUCTS), substitution_share(sold(0.3), PRODUCTS)
    )
