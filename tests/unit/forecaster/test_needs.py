from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.errors import PanelError
from forecaster.needs import customers_lost, demand_by_need, need_of

PRODUCTS = pd.DataFrame(
    {
        "sku": ["a-m", "b-m", "b-l", "dear-m", "hers-m"],
        "style": ["a", "b", "b", "dear", "hers"],
        "category": "swim",
        "gender_age": ["men", "men", "men", "men", "women"],
        "size": ["M", "M", "L", "M", "M"],
        "regular_price": [30.0, 32.0, 32.0, 90.0, 30.0],
    }
)
WEEKS = pd.to_datetime(["2026-06-15", "2026-06-22", "2026-06-29"])


def gap(rows: dict[str, list[tuple[float, float, float]]], **more: object) -> pd.DataFrame:
    """Gap rows from (demand, lost, available) per sku and week."""
    told = [
        {
            "store": "1",
            "sku": sku,
            "week": week,
            "phase": "in_season",
            "demand": d,
            "lost": lost,
            "available": stock,
        }
        for sku, weeks in rows.items()
        for week, (d, lost, stock) in zip(WEEKS, weeks, strict=False)
    ]
    return pd.DataFrame(told).assign(**more)


def found(rows: pd.DataFrame, substitution: float | dict[str, float] = 0.5) -> dict[str, float]:
    told = customers_lost(rows, PRODUCTS, substitution)
    np.testing.assert_allclose(told["found_elsewhere"] + told["customers_lost"], told["lost"])
    return told.groupby("sku")["found_elsewhere"].sum().to_dict()


def test_a_need_is_category_gender_size_and_price_band():
    needs = need_of(PRODUCTS).set_index("sku")["need"]
    assert needs["a-m"] == needs["b-m"] == "swim / men / M / better"
    assert needs.nunique() == 4


def test_blanks_are_left_out_of_the_name():
    assert need_of(pd.DataFrame({"sku": ["1"], "category": ["bags"]}))["need"].tolist() == ["bags"]


def test_demand_is_summed_over_the_styles_that_meet_a_need():
    forecast = pd.DataFrame(
        {"store": "1", "sku": ["a-m", "b-m", "b-l", "a-m", "nobody"], "mean": [2.0, 3.0, 5.0, 7.0, 9.0]}
    ).assign(week=[WEEKS[0]] * 3 + [WEEKS[1]] * 2)
    told = demand_by_need(forecast, PRODUCTS)
    assert told.columns.tolist() == [
        "store",
        "need",
        "category",
        "gender_age",
        "size",
        "price_band",
        "week",
        "mean",
    ]
    assert told.set_index(["need", "week"])["mean"].to_dict() == {
        ("swim / men / L / better", WEEKS[0]): 5.0,
        ("swim / men / M / better", WEEKS[0]): 5.0,
        ("swim / men / M / better", WEEKS[1]): 7.0,
    }


def test_half_of_those_who_go_without_find_another_style_that_is_there():
    told = found(gap({"a-m": [(8, 8, 0)], "b-m": [(2, 0, 50)]}))
    assert told == {"a-m": 4.0, "b-m": 0.0}


def test_another_size_another_price_or_another_gender_helps_nobody():
    told = found(
        gap({"a-m": [(8, 8, 0)], "b-l": [(0, 0, 50)], "dear-m": [(0, 0, 50)], "hers-m": [(0, 0, 50)]})
    )
    assert told["a-m"] == 0


def test_nobody_finds_what_its_own_customers_take():
    assert found(gap({"a-m": [(8, 8, 0)], "b-m": [(20, 0, 21)]}))["a-m"] == pytest.approx(1.0)


def test_what_is_left_today_but_wanted_next_week_is_not_spare():
    told = found(gap({"a-m": [(8, 8, 0), (0, 0, 0)], "b-m": [(2, 0, 10), (8, 0, 8)]}))
    assert told["a-m"] == 0


def test_what_one_customer_took_is_gone_for_the_next():
    told = found(gap({"a-m": [(8, 8, 0)] * 3, "b-m": [(0, 0, 5)] * 3}))
    assert told["a-m"] == pytest.approx(5.0)


def test_a_sku_that_is_gone_for_part_of_a_week_is_no_substitute_for_itself():
    assert found(gap({"a-m": [(8, 4, 50)]}))["a-m"] == 0


def test_another_store_does_not_count():
    rows = pd.concat([gap({"a-m": [(8, 8, 0)]}), gap({"b-m": [(0, 0, 50)]}, store="2")])
    assert found(rows)["a-m"] == 0


def test_what_is_off_the_floor_serves_nobody_but_its_customers_may_be_served():
    off = gap({"b-m": [(3, 3, 50)]}, phase="after_exit")
    told = found(pd.concat([gap({"a-m": [(8, 8, 0)]}), off]))
    assert told["a-m"] == 0
    told = found(pd.concat([gap({"a-m": [(1, 0, 30)]}), off]))
    assert told["b-m"] == pytest.approx(1.5)


def test_a_share_may_be_given_by_category():
    rows = gap({"a-m": [(8, 8, 0)], "b-m": [(2, 0, 50)]})
    assert found(rows, {"swim": 0.25})["a-m"] == 2.0
    assert found(rows, {"coats": 0.25})["a-m"] == 0.0


def test_a_share_above_one_is_refused():
    with pytest.raises(PanelError, match=r"\[0, 1\]"):
        found(gap({"a-m": [(8, 8, 0)]}), 1.2)


def test_no_gap_is_no_loss():
    told = customers_lost(gap({"a-m": [(8, 8, 0)]}).iloc[:0], PRODUCTS, 0.4)
    assert told.empty
    assert "customers_lost" in told.columns


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**16), st.floats(0, 1))
def test_nobody_is_found_twice_and_more_stock_loses_no_more(seed, share):
    rng = np.random.default_rng(seed)
    skus = PRODUCTS["sku"].tolist()
    demand = rng.gamma(1, 5, (len(skus), 3))
    lost = demand * rng.uniform(size=demand.shape) * (rng.uniform(size=demand.shape) < 0.6)
    stock = (demand - lost) + rng.gamma(0.5, 6, demand.shape)

    def told(extra: float) -> pd.DataFrame:
        numbers = np.stack([demand, lost, stock + extra], axis=2)
        return customers_lost(
            gap({sku: [tuple(week) for week in numbers[k]] for k, sku in enumerate(skus)}), PRODUCTS, share
        )

    rows = told(0.0)
    assert (rows["found_elsewhere"] >= 0).all()
    assert (rows["found_elsewhere"] <= share * rows["lost"] + 1e-9).all()
    assert told(5.0)["customers_lost"].sum() <= rows["customers_lost"].sum() + 1e-9
