"""What customers asked for and did not find, as demand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecaster import PanelError, fit_demand

DARK = slice("2026-07-06", "2026-09-01")
PRODUCTS = pd.DataFrame({"sku": ["swim-S", "swim-M", "swim-L"], "size": ["S", "M", "L"]})


def asked(retailer, panel: pd.DataFrame, share: float, *, in_season: bool = True) -> pd.DataFrame:
    """Requests of a recorded share of the customers who met an empty shelf."""
    rng = np.random.default_rng(5)
    weeks = retailer.weeks()
    season = pd.Series(retailer.season(weeks), index=weeks)
    shown = panel[panel["exposure"] > 0]
    rate = (
        (shown["units"] / season.loc[shown["week"]].to_numpy()).groupby([shown["store"], shown["sku"]]).mean()
    )
    rows = panel[panel["exposure"] <= 0]
    if not in_season:
        rows = rows[(rows["week"].dt.day_of_year > 200) | (rows["week"].dt.day_of_year < 20)]
    mean = rate.loc[list(zip(rows["store"], rows["sku"], strict=True))].to_numpy()
    units = rng.poisson(share * mean * season.loc[rows["week"]].to_numpy())
    return rows[["store", "sku", "week"]].assign(units=units)[units > 0]


@pytest.fixture
def dark(retailer) -> pd.DataFrame:
    """Off the floor from July on; besides, each series is out of stock now and then in season."""
    panel = retailer.panel(on_floor=(32, 187), n_stores=8, rate=10.0)
    out = np.random.default_rng(2).random(len(panel)) < 0.15
    return panel.assign(
        exposure=np.where(out, 0.0, panel["exposure"]), units=np.where(out, 0.0, panel["units"])
    )


def share_of_truth(model, retailer, weeks) -> float:
    season = model.season(weeks)
    found = season[season["climate_zone"] == "south"].set_index("week")["season"]
    true = pd.Series(retailer.season(pd.DatetimeIndex(found.index)), index=found.index)
    return float(found[DARK].sum() / true[DARK].sum())


def test_requests_tell_the_dark_season_and_their_recording_share(retailer, dark, as_of, next_year):
    model = fit_demand(dark, as_of=as_of, requests=asked(retailer, dark, 0.2), products=PRODUCTS)
    assert np.exp(model.categories["swim"].season.recording) == pytest.approx(0.2, abs=0.04)
    assert share_of_truth(model, retailer, next_year) == pytest.approx(1.0, abs=0.15)
    late_july = model.season(next_year).set_index("week").loc["2026-07-27", "evidence"]
    assert set(late_july) == {"requested"}


def test_requests_that_nothing_calibrates_are_not_used(retailer, as_of, next_year):
    panel = retailer.panel(on_floor=(32, 187), n_stores=8, rate=10.0)
    wanted = asked(retailer, panel, 0.2, in_season=False)
    told = fit_demand(panel, as_of=as_of, requests=wanted)
    silent = fit_demand(panel, as_of=as_of)
    assert told.categories["swim"].season.recording is None
    pd.testing.assert_frame_equal(told.predict(next_year), silent.predict(next_year))


def test_who_could_take_another_style_of_the_size_does_not_set_the_recording_share(retailer, dark, as_of):
    # All three are of one size: whoever misses one finds another, and nobody is sure to have asked.
    one_size = PRODUCTS.assign(size="M")
    model = fit_demand(dark, as_of=as_of, requests=asked(retailer, dark, 0.2), products=one_size)
    assert model.categories["swim"].season.recording is None


def test_requests_of_the_future_are_not_known(retailer, dark, as_of, next_year):
    wanted = asked(retailer, dark, 0.2)
    late = wanted.assign(week=pd.Timestamp(as_of) + pd.Timedelta(days=1))
    plain = fit_demand(dark, as_of=as_of, requests=wanted, products=PRODUCTS)
    more = fit_demand(dark, as_of=as_of, requests=pd.concat([wanted, late]), products=PRODUCTS)
    pd.testing.assert_frame_equal(plain.predict(next_year), more.predict(next_year))


def test_requests_for_what_the_panel_lacks_are_left_out(retailer, dark, as_of, next_year):
    wanted = asked(retailer, dark, 0.2)
    stray = wanted.head(3).assign(sku="never-heard-of")
    plain = fit_demand(dark, as_of=as_of, requests=wanted, products=PRODUCTS)
    more = fit_demand(dark, as_of=as_of, requests=pd.concat([wanted, stray]), products=PRODUCTS)
    pd.testing.assert_frame_equal(plain.predict(next_year), more.predict(next_year))


def test_negative_requests_are_refused(retailer, dark, as_of):
    with pytest.raises(PanelError, match=r"requests\.units"):
        fit_demand(dark, as_of=as_of, requests=asked(retailer, dark, 0.2).assign(units=-1.0))
