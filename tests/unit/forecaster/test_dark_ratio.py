from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.dark_ratio import ChainLink, Counts, estimate_ratio, half_width, promised_error
from forecaster.store_spread import CountNoise

POISSON = CountNoise(1.0, 0.0)


def link(n: int, apart: float = 0.04) -> ChainLink:
    """Test stores of a chain so large that none of them is part of its mean."""
    between = tuple(tuple(apart * (row == column) for column in range(n)) for row in range(n))
    return ChainLink(0.0, (0.0,) * n, between, 0.0)


def counts(units, expected) -> Counts:
    units, expected = (np.asarray(values, dtype=float) for values in (units, expected))
    return Counts(units, expected, np.full(len(units), 0.1))


def test_stores_counted_without_end_leave_how_far_they_lie_apart_over_their_number():
    plenty = [1e12] * 4
    promised = promised_error(link(4), counts(plenty * 2, plenty * 2), counts(plenty, plenty), POISSON)
    assert promised == pytest.approx(np.sqrt(0.04 / 4), rel=1e-2)


def test_stores_that_are_all_alike_are_as_uncertain_as_their_counts():
    plenty = [1e12] * 4
    promised = promised_error(
        link(4, 1e-12), counts(plenty * 2, plenty * 2), counts([25] * 4, [25] * 4), POISSON
    )
    assert promised == pytest.approx(np.sqrt(1 / 100), rel=1e-2)


@settings(max_examples=50, deadline=None)
@given(
    dark=st.lists(st.floats(0.5, 500.0), min_size=4, max_size=4),
    more=st.lists(st.floats(1.0, 5.0), min_size=4, max_size=4),
)
def test_more_on_the_shelf_is_never_less_certain(dark, more):
    seen = counts([50.0] * 8, [50.0] * 8)
    larger = np.array(dark) * np.array(more)
    noise = CountNoise(1.3, 0.2)
    promised = promised_error(link(4), seen, counts(dark, dark), noise)
    assert promised_error(link(4), seen, counts(larger, larger), noise) <= promised + 1e-12


def test_four_stores_that_agree_are_read_as_what_they_say():
    told = estimate_ratio(link(4), counts([400] * 8, [400] * 8), counts([200] * 4, [400] * 4), POISSON)
    assert told.ratio == pytest.approx(0.5, rel=0.03)
    np.testing.assert_allclose(told.level, 1.0, atol=0.02)


def test_trade_that_doubled_before_and_after_is_level_and_not_season():
    told = estimate_ratio(link(4), counts([4e5] * 8, [2e5] * 8), counts([4e5] * 4, [2e5] * 4), POISSON)
    assert told.ratio == pytest.approx(1.0, rel=0.01)
    np.testing.assert_allclose(told.level, 2.0, rtol=0.01)


def test_a_store_listens_to_its_own_control_more_than_to_another_s():
    even = [20] * 8
    told = estimate_ratio(
        link(4), counts([20] * 4 + [60] + [20] * 3, even), counts([20] * 4, even[:4]), POISSON
    )
    assert told.level[0] > 1.01 * told.level[1]


def test_without_weeks_before_the_exit_the_forecast_s_level_stands_and_is_less_sure():
    nothing, dark = counts([0] * 8, [0] * 8), counts([200] * 4, [400] * 4)
    told = estimate_ratio(link(4), nothing, dark, POISSON)
    assert told.ratio == pytest.approx(0.5, rel=0.05)
    known = estimate_ratio(link(4), counts([400] * 8, [400] * 8), dark, POISSON)
    assert told.standard_error > 1.5 * known.standard_error


def test_stores_that_disagree_are_believed_less():
    seen = counts([1000] * 8, [1000] * 8)
    agreeing = estimate_ratio(link(4), seen, counts([500] * 4, [1000] * 4), POISSON)
    quarrel = estimate_ratio(link(4), seen, counts([150, 1500, 200, 1200], [1000] * 4), POISSON)
    assert quarrel.standard_error > 1.5 * agreeing.standard_error


def test_no_sales_give_a_small_ratio_with_an_upper_end():
    told = estimate_ratio(link(4), counts([100] * 8, [100] * 8), counts([0] * 4, [50] * 4), POISSON)
    assert 0 < told.ratio < 0.05
    assert told.high < 0.2


def test_the_mean_of_ratios_lies_above_the_ratio_of_a_middling_store():
    flat = estimate_ratio(link(4), counts([1e6] * 8, [1e6] * 8), counts([1e6] * 4, [1e6] * 4), POISSON)
    spread = ChainLink(0.0, (0.0,) * 4, link(4).between, 0.04)
    told = estimate_ratio(spread, counts([1e6] * 8, [1e6] * 8), counts([1e6] * 4, [1e6] * 4), POISSON)
    assert 1.0 < told.ratio / flat.ratio < np.exp(0.02)


def test_fewer_stores_need_a_wider_interval_for_the_same_standard_error():
    assert half_width(0.1, 3) > half_width(0.1, 5) > 1.2816 * 0.1
