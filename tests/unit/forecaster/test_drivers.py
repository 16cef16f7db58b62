"""Why a forecast is what it is, and what the past would have sold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecaster import fit_demand


def test_the_season_is_the_product_of_its_drivers(retailer, as_of, next_year):
    rows = fit_demand(retailer.panel(), as_of=as_of).drivers(next_year)
    product = rows["calendar"] * rows["temperature"] * rows["holidays"]
    np.testing.assert_allclose(rows["season"], product, rtol=1e-6)


def test_drivers_tell_the_elasticity_and_that_nobody_asked(retailer, as_of, next_year):
    rows = fit_demand(retailer.panel(elasticity=2.0, rate=20.0), as_of=as_of).drivers(next_year)
    assert rows["elasticity"].between(1.2, 2.5).all()
    assert rows["recording"].isna().all()
    assert (rows["requests"] == 0).all()


def test_temperature_tells_only_what_sets_zones_apart(retailer, as_of, next_year):
    panel = retailer.panel(n_stores=6)
    week = np.arange(1, 53)
    warm = 60 + 25 * np.cos(2 * np.pi * (week - 28) / 52)
    climate = pd.concat(
        pd.DataFrame({"store": f"store-{n}", "week": week, "normal_temperature": warm - 12 * (n % 2)})
        for n in range(6)
    )
    rows = fit_demand(panel, as_of=as_of, climate=climate).season(next_year)
    by_zone = np.log(rows.pivot_table(index="week", columns="climate_zone", values="temperature"))
    np.testing.assert_allclose(by_zone.mean(axis=1), 0.0, atol=1e-9)


def test_the_past_is_estimated_at_the_level_it_had(retailer, as_of):
    panel = retailer.panel()
    last_year = panel["week"] >= "2025-06-20"
    panel.loc[last_year, "units"] = (panel.loc[last_year, "units"] * 1.5).round()
    told = fit_demand(panel, as_of=as_of).estimate().merge(panel, on=["store", "sku", "week"])
    sums = told.groupby(told["week"] >= "2025-06-20")[["mean", "units"]].sum()
    assert (sums["mean"] / sums["units"]).to_numpy() == pytest.approx([1.0, 1.0], abs=0.05)


def test_weeks_that_were_not_shown_are_estimated_too(retailer, as_of):
    panel = retailer.panel(on_floor=(32, 187), always_open=("store-0", "store-1"), n_stores=8)
    told = fit_demand(panel, as_of=as_of).estimate()
    assert len(told) == len(panel)
    assert (told["mean"] > 0).all()
