from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecaster import fit_demand
from forecaster.phantom import log_chance_of_none, phantom_stock


def shelf(weeks: int = 60, rate: float = 4.0, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    units = np.random.default_rng(seed).poisson(rate, (1, weeks)).astype(float)
    return units, np.full((1, weeks), rate)


def test_the_chance_of_no_sale_is_the_negative_binomials():
    # P(D = 0) = (r / (r + m)) ^ r
    found = log_chance_of_none(np.array([3.0]), 2.0)
    assert found[0] == pytest.approx(2.0 * np.log(2.0 / 5.0))


def test_a_long_silence_of_what_sells_every_week_is_suspected():
    units, expected = shelf()
    units[0, 20:26] = 0.0
    found = phantom_stock(units, expected, np.ones_like(units), 8.0)
    assert found[0, 20:26].all()
    assert not found[0, :20].any()
    assert not found[0, 26:].any()


def test_slow_sellers_may_stay_silent_for_weeks():
    units, expected = np.zeros((1, 60)), np.full((1, 60), 0.15)
    units[0, [5, 17, 30, 44]] = 1.0
    assert not phantom_stock(units, expected, np.ones_like(units), 8.0).any()


def test_a_single_silent_week_is_chance():
    units, expected = shelf(rate=12.0)
    units[0, 30] = 0.0
    assert not phantom_stock(units, expected, np.ones_like(units), 1e6).any()


def test_weeks_without_stock_on_the_books_neither_break_nor_lengthen_a_silence():
    units, expected = shelf()
    exposure = np.ones_like(units)
    units[0, 20:27] = 0.0
    exposure[0, 23] = 0.0
    found = phantom_stock(units, expected * exposure, exposure, 8.0)
    assert found[0, [20, 21, 22, 24, 25, 26]].all()
    assert not found[0, 23]


def test_where_many_shelves_are_suspected_less_proof_is_asked_of_the_next():
    units, expected = shelf(rate=2.0)
    units = np.vstack([units] * 20)
    expected = np.vstack([expected] * 20)
    units[:15, 20:32] = 0.0
    units[15, 40:43] = 0.0
    exposure = np.ones_like(units)
    first = phantom_stock(units, expected, exposure, 8.0)
    assert first[:15, 20:32].all()
    assert not first[15, 40:43].any()
    again = phantom_stock(units, expected, exposure, 8.0, first)
    assert again[15, 40:43].all()


def test_the_fit_takes_phantom_stock_out_and_names_it(retailer, as_of, next_year):
    honest = retailer.panel(rate=12.0, swing=0.3)
    books = honest.copy()
    empty = (books["store"] == "store-1") & books["week"].between("2025-02-01", "2025-06-30")
    books.loc[empty, "units"] = 0.0
    model = fit_demand(books, as_of=as_of)
    found = model.phantoms()
    assert set(found["store"]) == {"store-1"}
    assert len(found) == 3
    assert (found["weeks"] >= 18).all()
    assert (found["expected"] > 30).all()
    truth = fit_demand(honest, as_of=as_of).predict(next_year)["mean"].sum()
    assert model.predict(next_year)["mean"].sum() == pytest.approx(truth, rel=0.04)


def test_a_chain_wide_lean_week_makes_no_shelf_suspicious(retailer, as_of):
    panel = retailer.panel(rate=8.0, swing=0.3)
    storm = panel["week"].isin(pd.to_datetime(["2025-03-03", "2025-03-10"]))
    panel.loc[storm, "units"] = 0.0
    assert fit_demand(panel, as_of=as_of).phantoms().empty
