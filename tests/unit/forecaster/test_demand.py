from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from forecaster import PanelError, fit_demand


@pytest.fixture
def panel(retailer) -> pd.DataFrame:
    return retailer.panel()


def means(panel, as_of, weeks) -> np.ndarray:
    return fit_demand(panel, as_of=as_of).predict(weeks)["mean"].to_numpy()


def test_the_forecast_has_its_columns_one_row_per_series_and_week(panel, as_of, next_year):
    forecast = fit_demand(panel, as_of=as_of).predict(next_year)
    assert list(forecast.columns) == ["store", "sku", "week", "mean", "p10", "p50", "p90", "size", "evidence"]
    assert len(forecast) == 12 * 52
    assert not forecast.duplicated(["store", "sku", "week"]).any()
    assert forecast["week"].dtype.kind == "M"


def test_the_series_have_level_shape_and_dispersion(panel, as_of):
    series = fit_demand(panel, as_of=as_of).series
    assert list(series.columns) == [
        "store", "sku", "category", "climate_zone", "level", "level_shape", "dispersion",
    ]  # fmt: skip
    assert (series[["level", "level_shape", "dispersion"]] > 0).all(axis=None)


def test_the_year_ahead_sums_to_what_customers_wanted(panel, as_of, next_year):
    expected = panel["units"].sum() / (panel["week"].nunique() / 52.18)
    assert means(panel, as_of, next_year).sum() == pytest.approx(expected, rel=0.12)


def test_demand_is_never_negative_and_quantiles_are_ordered(panel, as_of, next_year):
    forecast = fit_demand(panel, as_of=as_of).predict(next_year)
    assert (forecast["mean"] >= 0).all()
    assert (forecast["p10"] >= 0).all()
    assert (forecast["p10"] <= forecast["p50"]).all()
    assert (forecast["p50"] <= forecast["p90"]).all()


def test_nine_in_ten_weeks_stay_below_the_upper_quantile(panel, as_of):
    train_until = as_of - timedelta(weeks=12)
    later = panel[panel["week"] > pd.Timestamp(train_until)]
    weeks = [day.date() for day in later["week"].drop_duplicates()]
    told = fit_demand(panel, as_of=train_until).predict(weeks).merge(later, on=["store", "sku", "week"])
    assert 0.85 < (told["units"] <= told["p90"]).mean() <= 0.99


@pytest.mark.parametrize("factor", [3.0, 20.0])
def test_scaling_all_sales_scales_demand(panel, as_of, next_year, factor):
    base = means(panel, as_of, next_year)
    scaled = means(panel.assign(units=panel["units"] * factor), as_of, next_year)
    # Counts scaled up are noisier than counts, so that another memory may suit them.
    np.testing.assert_allclose(scaled.sum(), factor * base.sum(), rtol=0.05)


def test_rows_without_exposure_do_not_matter(retailer, as_of, next_year):
    panel = retailer.panel(on_floor=(32, 187))
    shown = panel[panel["exposure"] > 0]
    np.testing.assert_allclose(means(panel, as_of, next_year), means(shown, as_of, next_year), rtol=1e-3)


def test_units_in_a_week_without_exposure_do_not_matter(retailer, as_of, next_year):
    panel = retailer.panel(on_floor=(32, 187))
    noisy = panel.assign(units=panel["units"].where(panel["exposure"] > 0, 99.0))
    np.testing.assert_allclose(means(panel, as_of, next_year), means(noisy, as_of, next_year))


def test_adding_a_store_without_stock_changes_nothing_for_the_others(panel, as_of, next_year):
    empty = panel[panel["store"] == "store-0"].assign(store="store-x", units=0.0, exposure=0.0)
    model = fit_demand(pd.concat([panel, empty]), as_of=as_of)
    told = model.predict(next_year)
    np.testing.assert_allclose(told.loc[told["store"] != "store-x", "mean"], means(panel, as_of, next_year))
    assert (told.loc[told["store"] == "store-x", "mean"] > 0).all()


def test_the_order_of_rows_does_not_matter(panel, as_of, next_year):
    shuffled = panel.sample(frac=1.0, random_state=3)
    np.testing.assert_allclose(means(shuffled, as_of, next_year), means(panel, as_of, next_year), rtol=1e-6)


def test_weeks_that_end_after_as_of_are_not_used(panel, as_of, next_year):
    later = panel[panel["week"] == panel["week"].max()].assign(
        week=pd.Timestamp(as_of) - timedelta(days=5), units=1e4
    )
    np.testing.assert_allclose(
        means(pd.concat([panel, later]), as_of, next_year), means(panel, as_of, next_year)
    )


def test_sold_out_weeks_do_not_lower_demand_as_zeros_would(panel, as_of, next_year):
    rng = np.random.default_rng(8)
    out = rng.random(len(panel)) < 0.3
    known = panel.assign(units=panel["units"].where(~out, 0.0), exposure=np.where(out, 0.0, 1.0))
    taken_for_zero = known.assign(exposure=1.0)
    full = means(panel, as_of, next_year).sum()
    assert means(known, as_of, next_year).sum() == pytest.approx(full, rel=0.06)
    assert means(taken_for_zero, as_of, next_year).sum() < 0.8 * full


def test_a_category_of_a_handful_of_rows_is_foretold(panel, as_of, next_year):
    few = panel.head(3).assign(category="rare", sku="rare-M")
    told = fit_demand(few, as_of=as_of).predict(next_year)
    assert np.isfinite(told["mean"]).all()


def test_a_category_that_never_sold_is_foretold_as_next_to_nothing(panel, as_of, next_year):
    assert means(panel.assign(units=0.0), as_of, next_year).max() < 0.1


def test_a_category_never_on_the_shelf_is_unknown(panel, as_of, next_year):
    told = fit_demand(panel.assign(units=0.0, exposure=0.0), as_of=as_of).predict(next_year)
    assert set(told["evidence"]) == {"unknown"}
    assert (told["mean"] == 0).all()


def test_an_empty_panel_gives_an_empty_forecast(panel, as_of, next_year):
    model = fit_demand(panel.head(0), as_of=as_of)
    assert model.predict(next_year).empty
    assert model.season(next_year).empty


def test_unknown_weeks_have_wider_quantiles_than_observed_ones(retailer, as_of, next_year):
    model = fit_demand(retailer.panel(on_floor=(32, 187), swing=0.0, rate=30.0), as_of=as_of)
    told = model.predict(next_year)
    spread = (told["p90"] - told["p10"]) / told["mean"]
    dark = told["evidence"] == "unknown"
    assert spread[dark].median() > 1.5 * spread[~dark].median()


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("exposure", 1.2, "panel.exposure"),
        ("units", -1.0, "panel.units"),
        ("units", np.nan, "panel.units"),
        ("price_ratio", "cheap", "panel.price_ratio"),
        ("week", None, "panel.week"),
        ("store", None, "panel.store"),
    ],
)
def test_a_value_that_cannot_be_worked_with_is_named(panel, as_of, column, value, said):
    broken = panel.astype({column: object})
    broken.loc[3, column] = value
    with pytest.raises(PanelError, match=said):
        fit_demand(broken, as_of=as_of)


def test_a_missing_column_is_named(panel, as_of):
    with pytest.raises(PanelError, match=r"panel\.climate_zone: missing"):
        fit_demand(panel.drop(columns="climate_zone"), as_of=as_of)


def test_a_repeated_row_is_refused(panel, as_of):
    with pytest.raises(PanelError, match="1 repeated"):
        fit_demand(pd.concat([panel, panel.head(1)]), as_of=as_of)


def test_a_series_that_changes_its_zone_is_refused(panel, as_of):
    panel.loc[5, "climate_zone"] = "west"
    with pytest.raises(PanelError, match="climate_zone"):
        fit_demand(panel, as_of=as_of)


def test_novelty_wears_off_in_the_forecast_of_what_has_just_come(as_of, next_year):
    rng = np.random.default_rng(4)
    weeks = pd.date_range("2023-06-12", as_of, freq="7D", inclusive="left")
    launches = [*range(10, 140, 7), len(weeks) - 3]
    rows = []
    for style, first in enumerate(launches):
        for store in ("store-0", "store-1", "store-2"):
            age = np.arange(len(weeks)) - first
            mean = 20.0 * np.where(age < 6, 2.0, 1.0)
            rows.append(
                pd.DataFrame(
                    {"store": store, "sku": f"style-{style:02}", "week": weeks, "units": rng.poisson(mean)}
                )[age >= 0]
            )
    panel = pd.concat(rows).assign(category="tees", climate_zone="south", exposure=1.0, price_ratio=1.0)
    products = pd.DataFrame({"sku": [f"style-{n:02}" for n in range(len(launches))], "size": "one"})
    told = fit_demand(panel, as_of=as_of, products=products).predict(next_year)
    youngest = told[told["sku"] == f"style-{len(launches) - 1:02}"].groupby("week")["mean"].sum()
    assert youngest.iloc[0] / youngest.iloc[15:30].mean() == pytest.approx(2.0, abs=0.35)
    oldest = told[told["sku"] == "style-00"].groupby("week")["mean"].sum()
    assert oldest.iloc[0] / oldest.iloc[15:30].mean() == pytest.approx(1.0, abs=0.1)


def test_what_a_past_week_would_have_sold_is_its_demand_at_its_price(panel, as_of):
    model = fit_demand(panel, as_of=as_of)
    told = model.estimate()[["store", "sku", "week", "mean"]]
    rows = panel.merge(told, on=["store", "sku", "week"])
    elasticity = model.drivers([as_of])["elasticity"].iloc[0]
    halved = rows.assign(price_ratio=0.5)
    np.testing.assert_allclose(model.expected_at(halved), rows["mean"] * 0.5**-elasticity)


def test_a_series_or_week_that_the_model_has_not_seen_would_have_sold_nothing(panel, as_of):
    model = fit_demand(panel, as_of=as_of)
    strange = panel.head(2).assign(sku=["nobody's", panel["sku"].iloc[1]])
    strange.loc[strange.index[1], "week"] = pd.Timestamp("2040-01-01")
    assert model.expected_at(strange).tolist() == [0.0, 0.0]
