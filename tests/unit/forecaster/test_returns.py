from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster import PanelError
from forecaster.returns import WINDOW_WEEKS, net_of_returns

START = pd.Timestamp("2026-01-04")


def weeks(*rows: tuple[str, str, int, float, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["store", "sku", "week", "sold", "returned"])
    return frame.assign(week=START + pd.to_timedelta(7 * frame["week"], unit="D"))


def units(*rows: tuple[str, str, int, float, float]) -> list[float]:
    return [pytest.approx(value) for value in net_of_returns(weeks(*rows))]


def test_without_returns_what_was_sold_stays_as_it_is():
    assert units(("PHX", "A", 0, 3, 0), ("PHX", "A", 1, 0, 0)) == [3, 0]


def test_a_return_reduces_the_weeks_before_it_in_proportion_and_its_own_only_by_its_share():
    assert units(("PHX", "A", 0, 6, 0), ("PHX", "A", 1, 2, 0), ("PHX", "A", 2, 2, 5)) == [3, 1, 1]


def test_sales_after_a_return_are_left_alone():
    assert units(("PHX", "A", 0, 4, 1), ("PHX", "A", 1, 4, 0)) == [3, 4]


def test_a_flood_of_returns_does_not_empty_the_week_in_which_it_comes():
    sold = [("PHX", "A", week, 10, 0) for week in range(7)]
    assert units(*sold, ("PHX", "A", 7, 10, 40))[-1] == 5


def test_a_return_is_not_held_against_the_store_that_takes_it():
    online, shop = ("WEB", "A", 0, 90, 0), ("PHX", "A", 0, 10, 0)
    assert units(online, shop, ("PHX", "A", 1, 0, 20)) == [72, 8, 0]


def test_another_sku_pays_nothing():
    assert units(("PHX", "A", 0, 4, 0), ("PHX", "B", 0, 4, 0), ("PHX", "A", 1, 0, 2)) == [2, 4, 0]


def test_returns_are_looked_for_in_the_window_first():
    inside, outside = WINDOW_WEEKS - 1, WINDOW_WEEKS
    assert units(("PHX", "A", 0, 9, 0), ("PHX", "A", 1, 4, 0), ("PHX", "A", outside, 0, 2)) == [9, 2, 0]
    assert units(("PHX", "A", 0, 9, 0), ("PHX", "A", 1, 3, 0), ("PHX", "A", inside, 0, 4)) == [6, 2, 0]


def test_what_exceeds_the_window_s_sales_comes_out_of_earlier_ones():
    assert units(("PHX", "A", 0, 9, 0), ("PHX", "A", 4, 3, 0), ("PHX", "A", WINDOW_WEEKS, 0, 6)) == [6, 0, 0]


def test_what_was_sold_before_the_first_week_is_left_out():
    assert units(("PHX", "A", 0, 2, 5), ("PHX", "A", 1, 8, 0)) == [0, 8]


def test_nothing_comes_back_twice():
    assert units(("PHX", "A", 0, 8, 0), ("PHX", "A", 1, 0, 4), ("PHX", "A", 2, 0, 4)) == [0, 0, 0]


def test_weeks_may_come_in_any_order_and_keep_their_index():
    frame = weeks(("PHX", "A", 1, 0, 2), ("PHX", "A", 0, 8, 0)).set_axis(["later", "first"])
    assert net_of_returns(frame).to_dict() == {"later": 0, "first": 6}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["PHX", "WEB"]),
            st.sampled_from("AB"),
            st.integers(0, 20),
            st.integers(0, 50),
            st.integers(0, 9),
        ),
        min_size=1,
        max_size=30,
        unique_by=lambda row: row[:3],
    )
)
def test_no_unit_is_made_or_lost_unless_more_came_back_than_was_sold(rows):
    frame = weeks(*rows)
    found = frame.assign(units=net_of_returns(frame))
    assert found["units"].between(0, found["sold"] + 1e-9).all()
    by_week = found.sort_values("week").groupby("sku")
    for _, sku in by_week:
        # What can be taken back is limited by what had been sold until then.
        left = 0.0
        for _, week in sku.groupby("week"):
            left = max(0.0, left + week["sold"].sum() - week["returned"].sum())
        assert sku["units"].sum() == pytest.approx(left, abs=1e-6)


@pytest.mark.parametrize(("column", "value"), [("sold", -1.0), ("returned", -1.0), ("sold", np.nan)])
def test_a_value_that_cannot_be_worked_with_is_refused(column, value):
    with pytest.raises(PanelError, match=rf"weeks\.{column}"):
        net_of_returns(weeks(("PHX", "A", 0, 2.0, 0.0)).assign(**{column: value}))


def test_a_missing_column_is_named():
    with pytest.raises(PanelError, match=r"weeks\.returned: missing"):
        net_of_returns(weeks(("PHX", "A", 0, 2, 0)).drop(columns="returned"))
