"""What moves a finding's demand: this store's average week, the weeks of the loss, and who has seen them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jobs.drivers import Background, drivers_of

WEEKS = pd.date_range("2026-06-07", periods=52, freq="7D")
HISTORY = pd.date_range("2024-06-02", periods=105, freq="7D")
FIRST, LAST = pd.Timestamp("2026-07-05"), pd.Timestamp("2026-08-01")
SUMMER = (WEEKS >= FIRST) & (WEEKS <= LAST)


def finding(**changes: Any) -> dict[str, Any]:
    return {
        "store": "PHX-01",
        "style": "T",
        "category": "trunks",
        "first_week": FIRST,
        "horizon_ends": pd.NaT,
        "demand_ends": LAST,
    } | changes


def curve(summer: float, rest: float) -> np.ndarray:
    return np.where(SUMMER, summer, rest)


def forecasts(store: str = "PHX-01", summer: float = 6.0, rest: float = 1.5) -> pd.DataFrame:
    """Two skus, the second of which sells half as much as the first."""
    mean = curve(summer, rest)
    one = pd.DataFrame({"store": store, "style": "T", "week": WEEKS, "mean": mean, "base_mean": mean})
    return pd.concat([one, one.assign(mean=mean / 2, base_mean=mean / 2)])


def seasons(zone: str = "hot", temperature: float = 1.0, evidence: Any = "observed") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "category": "trunks",
            "climate_zone": zone,
            "week": WEEKS,
            "temperature": curve(temperature, 1.0),
            "holidays": 1.0,
            "elasticity": 1.5,
            "evidence": evidence,
        }
    )


def shown(store: str, zone: str, *, in_summer: float, category: str = "trunks") -> pd.DataFrame:
    july = HISTORY.month == 7
    rows = {"category": category, "climate_zone": zone, "store": store, "week": HISTORY}
    return pd.DataFrame(rows | {"exposure": np.where(july, in_summer, 1.0)})


def asked(zone: str = "hot", week: str = "2025-07-13", units: float = 1.0) -> pd.DataFrame:
    row = {"category": "trunks", "climate_zone": zone, "week": pd.Timestamp(week), "units": units}
    return pd.DataFrame([row])


def drivers(*found: dict[str, Any], **known: Any) -> list[dict[str, Any]]:
    background = {
        "forecasts": forecasts(),
        "seasons": seasons(),
        "shown": shown("PHX-01", "hot", in_summer=1.0),
        "asked": asked(),
        "zones": pd.Series({"PHX-01": "hot", "PHX-02": "hot", "SEA-01": "cool"}),
    } | known
    return drivers_of(pd.DataFrame(found or [finding()]), Background(**background))


def test_an_average_week_is_that_of_all_sizes_over_the_coming_year() -> None:
    [told] = drivers()

    weekly = 1.5 * (4 * 6.0 + 48 * 1.5) / 52
    assert told["weekly"] == pytest.approx(weekly, abs=1e-3)
    assert told["times"] == pytest.approx(9.0 / weekly, abs=1e-3)
    assert told["elasticity"] == 1.5


def test_what_the_temperature_does_is_held_against_its_year_and_the_rest_is_the_time_of_year() -> None:
    [told] = drivers(seasons=seasons(temperature=2.0))

    warmth = 2.0 / ((4 * 2.0 + 48) / 52)
    assert told["warmth"] == pytest.approx(warmth, abs=1e-3)
    assert told["holidays"] == 1.0
    product = told["season"] * told["warmth"] * told["holidays"]
    assert product == pytest.approx(told["times"], abs=5e-3)


def test_the_evidence_is_weighed_by_what_is_wanted_in_the_weeks_of_the_loss() -> None:
    evidence = np.where(WEEKS == FIRST, "observed", "borrowed")

    [told] = drivers(seasons=seasons(evidence=evidence))

    assert told["evidence"] == {"observed": 0.25, "borrowed": 0.75}


def test_stores_count_that_have_shown_most_of_the_weeks_here_or_elsewhere() -> None:
    known = pd.concat(
        [
            shown("PHX-01", "hot", in_summer=0.0),
            shown("PHX-02", "hot", in_summer=1.0),
            shown("SEA-01", "cool", in_summer=1.0),
            shown("SEA-02", "cool", in_summer=0.0),
            shown("SEA-03", "cool", in_summer=1.0, category="sandals"),
        ]
    )

    [told] = drivers(shown=known)

    assert (told["stores_here"], told["stores_elsewhere"]) == (1, 1)


def test_requests_count_that_were_made_at_that_time_of_year_in_that_climate() -> None:
    known = pd.concat(
        [
            asked(units=3.0),
            asked(week="2024-07-21", units=2.0),
            asked(week="2025-10-05", units=50.0),
            asked("cool", units=70.0),
        ]
    )

    [told] = drivers(asked=known)

    assert told["asked"] == 5.0


def test_a_stockout_is_looked_at_up_to_its_horizon() -> None:
    short, long = drivers(
        finding(demand_ends=pd.NaT, horizon_ends=pd.Timestamp("2026-07-20")),
        finding(demand_ends=pd.NaT, horizon_ends=pd.Timestamp("2026-12-31")),
    )

    assert short["times"] > long["times"] > 1


def test_findings_keep_their_order_and_their_own_store_and_category() -> None:
    found = [finding(store="SEA-01", category="boots"), finding(), finding(store="PHX-02")]
    boots = seasons("cool").assign(category="boots", elasticity=0.5)
    far = forecasts("SEA-01", summer=1.0, rest=4.0)

    told = drivers(
        *found,
        forecasts=pd.concat([forecasts(), far, forecasts("PHX-02", summer=60.0, rest=15.0)]),
        seasons=pd.concat([seasons(), boots]),
    )

    assert [row["elasticity"] for row in told] == [0.5, 1.5, 1.5]
    assert told[0]["times"] < 1 < told[1]["times"]
    assert told[2]["weekly"] == pytest.approx(10 * told[1]["weekly"], rel=1e-3)
    assert told[0]["stores_elsewhere"] == told[0]["stores_here"] == told[0]["asked"] == 0


def test_what_is_not_foretold_has_no_drivers() -> None:
    assert drivers(finding(style="other"), finding())[0] == {}
    assert (
        drivers_of(pd.DataFrame([finding()]).iloc[:0], Background(*[pd.DataFrame()] * 4, pd.Series())) == []
    )


def test_drivers_are_plain_json() -> None:
    [told] = drivers()

    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_what_a_merchandiser_makes_of_the_forecast_is_told_apart_from_what_the_model_says() -> None:
    plain, more = forecasts(), forecasts().assign(mean=lambda rows: 1.2 * rows["mean"])
    [[before], [after]] = [drivers(forecasts=told) for told in (plain, more)]

    assert (before["said"], after["said"]) == (1.0, pytest.approx(1.2))
    assert {name: value for name, value in before.items() if name != "said"} == {
        name: value for name, value in after.items() if name != "said"
    }
