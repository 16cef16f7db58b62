from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecaster import fit_demand


@pytest.fixture
def department(retailer) -> pd.DataFrame:
    """Swimwear of three years beside goggles that came to the floor ten weeks ago."""
    swim = retailer.panel(n_stores=6)
    goggles = retailer.panel(category="goggles", n_stores=6, first_week=date(2026, 4, 6), seed=9)
    return pd.concat([swim, goggles], ignore_index=True)


@pytest.fixture
def products() -> pd.DataFrame:
    sizes = ["S", "M", "L"]
    skus = [f"{category}-{size}" for category in ("swim", "goggles") for size in sizes]
    return pd.DataFrame({"sku": skus, "department": "beach", "size": sizes * 2})


def winter_over_summer(model, weeks) -> float:
    season = model.season(weeks)
    curve = season[(season["category"] == "goggles") & (season["climate_zone"] == "south")].set_index("week")[
        "season"
    ]
    return float(curve["2026-12-01":"2027-02-28"].mean() / curve["2026-06-15":"2026-08-01"].mean())


def test_a_category_first_sold_last_month_takes_the_season_of_its_department(
    department, products, as_of, next_year
):
    alone = winter_over_summer(fit_demand(department, as_of=as_of), next_year)
    among_kin = winter_over_summer(fit_demand(department, as_of=as_of, products=products), next_year)
    assert among_kin < 0.1
    assert alone > 0.3


def test_kindred_seasons_may_come_from_elsewhere(department, as_of, next_year):
    swim = department[department["category"] == "swim"]
    kindred = fit_demand(swim, as_of=as_of).season(next_year)
    goggles = department[department["category"] == "goggles"]
    assert winter_over_summer(fit_demand(goggles, as_of=as_of, kindred=kindred), next_year) < 0.1


def test_a_grown_category_keeps_to_itself(department, products, as_of, next_year):
    plain = fit_demand(department, as_of=as_of)
    kin = fit_demand(department, as_of=as_of, products=products.drop(columns="size"))
    curves = [
        model.season(next_year).query("category == 'swim'")["season"].to_numpy() for model in (plain, kin)
    ]
    np.testing.assert_allclose(curves[0], curves[1], rtol=0.02)
