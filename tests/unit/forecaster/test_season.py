from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecaster import fit_demand
from forecaster.splines import TemperatureSpline, YearSpline


def curve(model, weeks, zone="south"):
    season = model.season(weeks)
    return season[season["climate_zone"] == zone].set_index("week")


def climate(stores: int) -> pd.DataFrame:
    week = np.arange(1, 53)
    warm = 60 + 25 * np.cos(2 * np.pi * (week - 28) / 52)
    return pd.concat(
        [
            pd.DataFrame({"store": f"store-{n}", "week": week, "normal_temperature": warm})
            for n in range(stores)
        ]
    )


def test_the_shape_of_the_season_is_found(retailer, as_of, next_year):
    found = curve(fit_demand(retailer.panel(), as_of=as_of), next_year)["season"]
    true = retailer.season(pd.DatetimeIndex(pd.to_datetime(next_year)))
    assert np.corrcoef(found, true)[0, 1] > 0.99
    assert np.abs(found - true).max() < 0.25


def test_a_category_without_a_season_is_nearly_flat(retailer, as_of, next_year):
    found = curve(fit_demand(retailer.panel(swing=0.0), as_of=as_of), next_year)["season"]
    assert found.between(0.9, 1.1).all()


def test_a_dark_window_is_bridged_and_not_blown_up(retailer, as_of, next_year):
    panel = retailer.panel(on_floor=(32, 187))
    found = curve(fit_demand(panel, as_of=as_of), next_year)["season"]
    true = retailer.season(pd.DatetimeIndex(pd.to_datetime(next_year)))
    assert found.max() < 1.5 * true.max()
    late_summer = slice("2026-07-06", "2026-09-01")
    ratio = found[late_summer].sum() / pd.Series(true, index=found.index)[late_summer].sum()
    assert 0.5 < ratio < 1.6


def test_two_stores_that_stay_open_light_the_dark_window(retailer, as_of, next_year):
    panel = retailer.panel(on_floor=(32, 187), always_open=("store-0", "store-1"), n_stores=8)
    found = curve(fit_demand(panel, as_of=as_of), next_year)["season"]
    true = retailer.season(pd.DatetimeIndex(pd.to_datetime(next_year)))
    late_summer = slice("2026-07-06", "2026-09-01")
    ratio = found[late_summer].sum() / pd.Series(true, index=found.index)[late_summer].sum()
    assert 0.85 < ratio < 1.15


def test_one_year_of_history_is_enough_to_bend(retailer, as_of, next_year):
    found = curve(fit_demand(retailer.panel(first_week=date(2025, 6, 16)), as_of=as_of), next_year)["season"]
    assert found.max() / found.min() > 5


def test_evidence_says_who_has_seen_the_week(retailer, as_of, next_year):
    dark = retailer.panel(on_floor=(32, 187))
    nobody = curve(fit_demand(dark, as_of=as_of), next_year)["evidence"]
    assert nobody["2026-06-15"] == "observed"
    assert nobody["2026-10-05"] == "unknown"
    neighbour = retailer.panel(on_floor=(32, 187), always_open=("store-0",))
    model = fit_demand(neighbour, as_of=as_of)
    assert curve(model, next_year, "south")["evidence"]["2026-10-05"] == "observed"
    assert curve(model, next_year, "north")["evidence"]["2026-10-05"] == "borrowed"


def test_temperature_lends_evidence_to_weeks_as_warm_as_those_seen(retailer, as_of, next_year):
    panel = retailer.panel(on_floor=(32, 187))
    found = curve(fit_demand(panel, as_of=as_of, climate=climate(4)), next_year)["evidence"]
    assert found["2026-08-10"] == "borrowed"


def test_unknown_weeks_are_capped_at_the_peak_that_was_seen(retailer, as_of, next_year):
    rising = retailer.panel(on_floor=(90, 150), peak=230)
    found = curve(fit_demand(rising, as_of=as_of), next_year)
    seen = found.loc[found["evidence"] == "observed", "season"].max()
    assert found.loc[found["evidence"] == "unknown", "season"].max() <= seen * 1.05


def test_the_price_elasticity_is_found_and_kept_out_of_the_demand(retailer, as_of):
    model = fit_demand(retailer.panel(elasticity=2.0, rate=20.0, n_stores=6), as_of=as_of)
    assert model.categories["swim"].season.elasticity == pytest.approx(2.0, abs=0.5)


def test_a_price_that_seems_to_work_backwards_is_given_little_effect_and_never_a_wrong_one(retailer, as_of):
    panel = retailer.panel(elasticity=-2.0, rate=20.0)
    assert 0.0 <= fit_demand(panel, as_of=as_of).categories["swim"].season.elasticity < 0.5


def test_the_year_spline_closes_and_sums_to_zero():
    spline = YearSpline(12)
    ends = spline.basis(np.array([0.0, 1.0 - 1e-12]))
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-9)
    np.testing.assert_allclose(spline.basis((np.arange(1200) + 0.5) / 1200).mean(axis=0), 0.0, atol=1e-9)


def test_temperatures_beyond_those_fitted_count_as_the_nearest():
    spline = TemperatureSpline(40.0, 80.0)
    np.testing.assert_allclose(spline.basis(np.array([95.0])), spline.basis(np.array([80.0])))
    np.testing.assert_allclose(spline.basis(np.array([-5.0])), spline.basis(np.array([40.0])))
