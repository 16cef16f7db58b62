from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.planning.gap_weeks import COLUMNS, weeks_ahead
from forecaster import expected_gap

AS_OF = date(2026, 6, 6)
WEEKS = pd.date_range("2026-06-07", periods=12, freq="7D")
STORES = pd.DataFrame({"store": ["A", "B", "C", "D"], "climate_zone": ["hot", "hot", "cool", ""]})
PRODUCTS = pd.DataFrame(
    {
        "sku": ["T-S", "T-M", "H-1"],
        "style": ["T", "T", "H"],
        "category": ["trunks", "trunks", "hats"],
        "regular_price": [30.0, 30.0, np.nan],
    }
)
PARTS = ["before_units", "in_season_units", "after_units"]


def gap(stock: float = 12.0, *, closing: str = "2026-07-01", evidence: str = "observed") -> pd.DataFrame:
    keys = STORES[["store"]].merge(PRODUCTS[["sku"]], how="cross")
    forecast = keys.merge(pd.DataFrame({"week": WEEKS}), how="cross")
    forecast = forecast.assign(mean=2.0 + np.arange(len(forecast)) % 5, evidence=evidence)
    windows = keys[keys["sku"] != "H-1"].assign(
        season_code="SS26", floor_set=pd.Timestamp("2026-02-09"), exit=pd.Timestamp(closing)
    )
    return expected_gap(
        forecast,
        keys.assign(level_shape=9.0, dispersion=4.0),
        keys.assign(week=WEEKS[0], units=stock),
        windows,
        as_of=AS_OF,
    )


def told(frame: pd.DataFrame, category: str, zone: str) -> pd.DataFrame:
    rows = frame[(frame["category"] == category) & (frame["climate_zone"] == zone)]
    return rows.set_index("week")


@given(st.floats(0, 60), st.sampled_from(["2026-06-10", "2026-07-01", "2026-08-02"]))
@settings(max_examples=10, deadline=None)
def test_the_chain_adds_up_to_the_gap(stock: float, closing: str) -> None:
    rows = gap(stock, closing=closing)
    price = rows["sku"].map(PRODUCTS.set_index("sku")["regular_price"]).fillna(0.0)

    found = weeks_ahead(rows, PRODUCTS, STORES)

    chain = found[found["climate_zone"] == ""]
    assert chain["demand_units"].sum() == pytest.approx(rows["demand"].sum())
    assert chain["lost_units"].sum() == pytest.approx(rows["lost"].sum())
    assert chain["demand_money"].sum() == pytest.approx((rows["demand"] * price).sum())
    assert chain["lost_money"].sum() == pytest.approx((rows["lost"] * price).sum())
    np.testing.assert_allclose(found[PARTS].sum(axis=1), found["lost_units"], atol=1e-9)
    assert list(found.columns) == COLUMNS


def test_each_zone_has_its_own_stores_and_those_without_a_zone_count_in_the_chain() -> None:
    rows = gap()

    found = weeks_ahead(rows, PRODUCTS, STORES)

    assert set(found["climate_zone"]) == {"", "hot", "cool"}
    for zone, stores in (("hot", ["A", "B"]), ("cool", ["C"]), ("", ["A", "B", "C", "D"])):
        mine = rows[rows["store"].isin(stores) & rows["sku"].str.startswith("T")]
        weekly = mine.groupby("week")["demand"].sum()
        np.testing.assert_allclose(told(found, "trunks", zone)["demand_units"], weekly)
    assert len(found.drop_duplicates(["category", "climate_zone", "week"])) == len(found) == 2 * 3 * 12


def test_demand_after_the_exit_is_told_as_such() -> None:
    found = weeks_ahead(gap(stock=1000.0, closing="2026-07-04"), PRODUCTS, STORES)

    trunks = told(found, "trunks", "hot")
    assert (trunks["in_season_units"] < 0.01).all()
    assert (trunks.loc[:"2026-06-28", "after_units"] == 0).all()
    away = trunks.loc["2026-07-05":]
    # Past the trough of the year it is the next season's that has not begun.
    np.testing.assert_allclose(away["after_units"] + away["before_units"], away["demand_units"])
    assert away["after_units"].iloc[0] > 0


def test_the_share_on_the_floor_counts_styles_of_stores_whatever_their_sizes() -> None:
    rows = gap(closing="2026-07-01")
    # In one of the two hot stores the style stays all summer, in one of its sizes only.
    stays = (rows["store"] == "A") & (rows["sku"] == "T-S")
    rows.loc[stays, "phase"] = "in_season"

    found = told(weeks_ahead(rows, PRODUCTS, STORES), "trunks", "hot")

    # 1 July is a Wednesday: its week has days on the floor.
    assert found["on_floor"].tolist() == [1.0] * 4 + [0.5] * 8
    assert (told(weeks_ahead(rows, PRODUCTS, STORES), "hats", "hot")["on_floor"] == 1.0).all()


def test_the_evidence_is_that_of_most_of_the_demand() -> None:
    rows = gap(evidence="borrowed")
    rows.loc[rows["store"].isin(["A", "B"]), "evidence"] = "observed"
    rows.loc[rows["store"] == "B", "demand"] /= 100.0

    found = weeks_ahead(rows, PRODUCTS, STORES)

    assert set(told(found, "trunks", "hot")["evidence"]) == {"observed"}
    assert set(told(found, "trunks", "cool")["evidence"]) == {"borrowed"}
    assert set(told(found, "trunks", "")["evidence"]) == {"borrowed"}


def test_without_series_there_is_nothing_to_tell() -> None:
    found = weeks_ahead(gap().iloc[:0], PRODUCTS, STORES)

    assert found.empty
    assert list(found.columns) == COLUMNS
