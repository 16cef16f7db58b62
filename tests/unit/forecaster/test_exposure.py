from __future__ import annotations

import pandas as pd
import pytest

from forecaster import PanelError, weekly_exposure


def week(**changes: object) -> pd.DataFrame:
    full = {
        "days": 7,
        "days_open": 7,
        "days_known": 7,
        "days_available": 7.0,
        "days_on_floor": 7,
        "units": 3.0,
        "stock_feed": True,
    }
    return pd.DataFrame([full | changes])


def exposure(**changes: object) -> float:
    return float(weekly_exposure(week(**changes)).iloc[0])


def test_a_full_week_with_stock_is_fully_exposed():
    assert exposure() == 1.0


def test_days_sold_out_are_taken_off():
    assert exposure(days_available=3.5) == 0.5


def test_a_part_week_is_a_small_exposure_and_not_a_full_one():
    assert exposure(days=2, days_open=2, days_known=2, days_available=2.0, days_on_floor=2) == pytest.approx(
        2 / 7
    )


def test_half_of_a_part_week_is_half_of_its_days():
    assert exposure(days=2, days_open=2, days_known=2, days_available=1.0, days_on_floor=2) == pytest.approx(
        1 / 7
    )


def test_before_the_floor_set_stock_in_the_backroom_is_not_exposed():
    assert exposure(days_on_floor=0, units=0.0) == 0.0


def test_sales_before_the_floor_set_prove_that_it_was_out():
    assert exposure(days_on_floor=0, units=1.0) == 1.0


def test_a_boundary_week_counts_its_days_on_the_floor():
    assert exposure(days_on_floor=3) == pytest.approx(3 / 7)


def test_unknown_stock_in_a_series_with_a_stock_feed_is_not_exposed():
    assert exposure(days_known=0, days_available=0.0, units=0.0) == 0.0


def test_unknown_stock_with_sales_is_exposed_on_open_days():
    assert exposure(days_known=0, days_available=0.0, units=2.0, days_open=6) == pytest.approx(6 / 7)


def test_without_any_stock_feed_it_is_taken_to_be_there_on_its_floor_days():
    assert exposure(stock_feed=False, days_known=0, days_available=0.0, units=0.0, days_on_floor=5) == (
        pytest.approx(5 / 7)
    )


def test_unknown_days_of_a_known_week_follow_its_known_days():
    assert exposure(days_known=4, days_available=2.0) == pytest.approx(0.5)


def test_in_a_store_that_opened_in_mid_week_only_its_open_days_are_filled():
    assert exposure(days_open=4, days_known=4, days_available=2.0) == pytest.approx(2 / 7)


def test_days_before_the_opening_do_not_make_up_for_days_without_stock_after_it():
    assert exposure(days_open=4, days_known=7, days_available=3.5) == pytest.approx(2 / 7)


def test_without_a_stock_feed_it_is_there_while_the_store_is_open():
    blind = {"stock_feed": False, "days_known": 0, "days_available": 0.0}
    assert exposure(**blind, days_open=3) == pytest.approx(3 / 7)
    assert exposure(**blind, days=0, days_open=0, units=0.0) == 0


def test_sales_in_a_store_that_is_said_to_be_closed_are_believed():
    assert exposure(days_open=0) == 1


def test_books_that_say_nothing_beside_sales_count_half_a_day_for_each_unit():
    assert exposure(days_available=0.0, units=2.0) == pytest.approx(1 / 7)
    assert exposure(days_available=0.0, units=100.0) == pytest.approx(0.5)


def test_an_empty_shelf_without_sales_is_not_exposed():
    assert exposure(days_available=0.0, units=0.0) == 0.0


def test_the_index_of_the_rows_is_kept():
    frame = week()
    frame.index = pd.Index(["row"])
    assert list(weekly_exposure(frame).index) == ["row"]


def test_a_missing_column_is_named():
    with pytest.raises(PanelError, match=r"weeks\.days_open: missing"):
        weekly_exposure(week().drop(columns="days_open"))


def test_a_value_that_is_not_a_number_is_refused():
    with pytest.raises(PanelError, match=r"weeks\.units"):
        weekly_exposure(week(units=float("nan")))
