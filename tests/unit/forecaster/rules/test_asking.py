from __future__ import annotations

import pandas as pd
import pytest

from forecaster import identity_of


def asked(*rows: tuple[str, str, float, float, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["key", "store", "asks", "units", "last_on"])
    return frame.assign(words=frame["key"].str.replace("-", " "), first_on="2026-05-25")


@pytest.fixture
def calm(night, shelf):
    """Two stores with all that anybody wants, and a forecast of one a week."""
    shelves = tuple(
        shelf(store=name, season=(1.0,) * 8, available=(50.0,) * 8, window=None) for name in ("s1", "s2")
    )
    held = {("s1", "swim-M"): 50.0, ("s2", "swim-M"): 50.0}
    return night(shelves, held=held, products={"lead_time_days": 14.0})


def forecast() -> pd.DataFrame:
    pairs = pd.DataFrame([("s1", "swim-M"), ("s2", "swim-M")], columns=["store", "sku"])
    return pairs.assign(week="2026-06-15", mean=1.0, level_shape=1e9, dispersion=1e9)


def test_what_three_customers_of_one_store_ask_for_is_told_to_the_store(calm):
    told = calm.but(more={"asked": asked(("wet-suit", "s1", 3, 4, "2026-06-10"))}).only()
    assert told["rule"] == "asked_not_found"
    assert (told["scope"], told["store"], told["style"]) == ("store", "s1", "asked:wet-suit")
    assert told["units_lost"] == told["reorderable_units"] == 4.0
    assert told["customers_lost"] == 3.0
    # Three in four weeks.
    assert told["customers_this_week"] == 0.75
    assert told["evidence"] == "requested"
    assert told["figures"]["words"] == "wet suit"
    assert pd.isna(told["act_by"])


def test_the_same_words_in_two_stores_are_one_finding_for_the_chain(calm):
    rows = [("wet-suit", "s1", 2, 2, "2026-06-10"), ("wet-suit", "s2", 2, 3, "2026-06-12")]
    found = calm.but(more={"asked": asked(*rows)}).findings()
    assert identity_of(found).tolist() == ["asked_not_found|chain|asked:wet-suit|all-year"]
    assert found["units_lost"].iloc[0] == 5.0
    assert found["figures"].iloc[0]["stores"] == 2


def test_two_who_ask_are_not_yet_enough_and_are_told_as_weak_only_near_it(calm):
    assert calm.but(more={"asked": asked(("wet-suit", "s1", 2, 9, "2026-06-10"))}).findings().empty


def test_what_was_asked_for_long_ago_is_over(calm):
    assert calm.but(more={"asked": asked(("wet-suit", "s1", 9, 9, "2026-04-10"))}).findings().empty


def test_the_worked_example_of_more_asked_for_than_foretold_comes_out_as_on_paper(calm):
    # Four are foretold for four weeks; a Poisson of four stays at or below eight with 97.9%.
    requests = pd.DataFrame(
        [("s1", "swim-M", 12.0, "2026-06-13")], columns=["store", "sku", "units", "last_on"]
    )
    told = calm.but(more={"requests": requests, "forecast": forecast()}).only()
    assert told["rule"] == "asked_not_found"
    assert told["style"] == "swim"
    assert told["units_lost"] == pytest.approx(8.0)
    assert told["demand_units"] == pytest.approx(12.0)
    assert told["figures"]["asked"] == 12.0
    assert told["figures"]["foretold"] == pytest.approx(4.0)
    # The other store holds 50, of which it keeps what its own four customers take.
    assert told["recoverable_units"] > 6.0


@pytest.mark.parametrize(("units", "told"), [(8.0, 0), (9.0, 1)])
def test_no_more_asked_for_than_the_forecast_allows_is_no_news(calm, units, told):
    requests = pd.DataFrame(
        [("s1", "swim-M", units, "2026-06-13")], columns=["store", "sku", "units", "last_on"]
    )
    assert len(calm.but(more={"requests": requests, "forecast": forecast()}).findings()) == told
