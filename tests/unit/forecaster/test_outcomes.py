from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecaster.outcomes import (
    OUTCOME_COLUMNS,
    Aftermath,
    judge_outcomes,
    summarise_outcomes,
    windows_of,
)

RAISED = pd.Timestamp("2026-05-30")
EXIT = pd.Timestamp("2026-07-05")
STOCKOUT, LEAVES = "stockout_in_season", "exit_before_demand_ends"
NOBODY = pd.DataFrame(
    {"alert_id": [], "kind": [], "store": [], "sku": [], "units": [], "since": [], "until": [], "worth": []}
).astype({"units": float, "worth": float, "since": "datetime64[s]", "until": "datetime64[s]"})


def alert(rule: str = STOCKOUT, **changes: Any) -> dict[str, Any]:
    named = {
        "alert_id": 1, "rule": rule, "category": "swim trunks", "climate_zone": "hot", "raised_on": RAISED,
        "begins": pd.Timestamp("2026-05-31"), "ends": pd.Timestamp("2026-06-27"), "units": 12.0,
        "customers": 9.0, "least": 1.5, "left_out": False,
    }  # fmt: skip
    return named | changes


def weeks(first: str = "2026-05-31", n: int = 4, **columns: Any) -> pd.DataFrame:
    start = pd.date_range(first, periods=n, freq="7D").astype("datetime64[s]")
    usual = {
        "demand": 3.0, "exposure": 0.0, "units": 0.0, "price_ratio": 1.0, "requests": 0.0, "on_hand": 0.0,
    }  # fmt: skip
    return pd.DataFrame({"store": "phx", "sku": "m", "week": start, **(usual | columns)})


def judged(
    *alerts: dict[str, Any],
    came: pd.DataFrame | None = None,
    witnesses: pd.DataFrame | None = None,
    acts: pd.DataFrame = NOBODY,
    asks: float = 0.0,
    missing: pd.DataFrame | None = None,
    **more: Any,
) -> pd.Series[Any]:
    told = pd.DataFrame(list(alerts) or [alert()])
    after = Aftermath(
        as_of=date(2026, 10, 1),
        alerts=told,
        sizes=pd.DataFrame({"alert_id": told["alert_id"], "store": "phx", "sku": "m", "price": 30.0}),
        weeks=weeks() if came is None else came,
        witnesses=witnesses
        if witnesses is not None
        else pd.DataFrame({"category": [], "climate_zone": [], "week": [], "expected": [], "sold": []}),
        acts=acts,
        asked=pd.DataFrame({"alert_id": told["alert_id"], "asks": asks}),
        missing=pd.DataFrame({"alert_id": [], "missing": []}) if missing is None else missing,
        **more,
    )
    outcomes = judge_outcomes(after)
    assert list(outcomes.columns) == list(OUTCOME_COLUMNS)
    return outcomes.iloc[0]


def open_shelves(
    expected: float, sold: float, *, zone: str = "hot", week: str = "2026-07-12"
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "category": ["swim trunks"],
            "climate_zone": [zone],
            "week": [pd.Timestamp(week)],
            "expected": [expected],
            "sold": [sold],
        }
    )


def an_act(kind: str, *, since: str, units: float = np.inf, worth: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "alert_id": [1],
            "kind": [kind],
            "store": [""],
            "sku": [""],
            "units": [units],
            "since": [pd.Timestamp(since)],
            "until": [pd.NaT],
            "worth": [worth],
        }
    )


def after_the_exit(**changes: Any) -> dict[str, Any]:
    days = {"begins": EXIT + pd.Timedelta(days=1), "ends": pd.Timestamp("2026-08-01")}
    return alert(LEAVES, **(days | changes))


def test_a_shelf_that_stood_empty_while_people_wanted_it_happened() -> None:
    told = judged()

    assert told["verdict"] == "happened"
    assert told["units_happened"] == pytest.approx(12.0)
    assert told["customers_happened"] == pytest.approx(9.0)
    assert told["money_happened"] == pytest.approx(360.0)
    assert told["lead_days"] == 1


def test_a_shelf_that_never_ran_empty_did_not_happen() -> None:
    told = judged(came=weeks(exposure=1.0, units=3.0))

    assert told["verdict"] == "did_not_happen"
    assert told["units_happened"] == 0.0
    assert np.isnan(told["lead_days"])


def test_the_lead_runs_to_the_first_week_in_which_something_was_missed() -> None:
    told = judged(came=weeks(exposure=[1.0, 1.0, 0.0, 0.0], units=[3.0, 3.0, 0.0, 0.0]))

    assert told["units_happened"] == pytest.approx(6.0 * 11 / 11)
    assert told["lead_days"] == 15


def test_what_hung_there_sold_slowly_says_that_less_was_missed() -> None:
    slow = judged(came=weeks(exposure=[1.0, 1.0, 0.0, 0.0], units=0.0))

    assert slow["units_happened"] == pytest.approx(6.0 * 5 / 11)


def test_days_outside_the_window_do_not_count() -> None:
    told = judged(alert(ends=pd.Timestamp("2026-06-03")))

    assert told["units_happened"] == pytest.approx(3.0 * 4 / 7)


def test_a_transfer_that_sold_averts_the_stockout() -> None:
    came = weeks(exposure=[0.0, 1.0, 1.0, 1.0], units=[0.0, 3.0, 3.0, 3.0])
    told = judged(came=came, acts=an_act("transfer", since="2026-06-07", units=6))

    assert told["verdict"] == "averted"
    assert told["units_recovered"] == 6.0
    assert told["money_recovered"] == pytest.approx(180.0)
    assert told["customers_recovered"] == pytest.approx(4.5)


def test_a_transfer_that_nobody_bought_averts_nothing() -> None:
    told = judged(came=weeks(exposure=1.0, units=0.0), acts=an_act("transfer", since="2026-06-07", units=6))

    assert told["verdict"] == "did_not_happen"
    assert told["units_recovered"] == 0.0


def test_a_transfer_too_small_to_matter_is_counted_though_it_happened_all_the_same() -> None:
    came = weeks(exposure=[0.0, 0.0, 0.0, 1.0], units=[0.0, 0.0, 0.0, 2.0])
    told = judged(came=came, acts=an_act("transfer", since="2026-06-21", units=2))

    assert told["verdict"] == "happened"
    assert told["units_recovered"] == 2.0


def test_after_an_exit_with_no_open_store_and_no_request_nobody_can_tell() -> None:
    told = judged(after_the_exit(), came=weeks("2026-07-05"))

    assert told["verdict"] == "cannot_tell"
    assert "no_witness" in told["reason"]


def test_after_an_exit_an_open_store_of_the_zone_says_what_was_wanted() -> None:
    told = judged(after_the_exit(), came=weeks("2026-07-05"), witnesses=open_shelves(20.0, 20.0))

    assert told["verdict"] == "happened"
    assert told["units_happened"] == pytest.approx(3.0 * 27 / 7)


def test_an_open_store_that_sold_nothing_says_that_demand_had_ended() -> None:
    told = judged(after_the_exit(), came=weeks("2026-07-05"), witnesses=open_shelves(200.0, 0.0))

    assert told["verdict"] == "did_not_happen"


def test_an_open_store_of_another_zone_says_nothing() -> None:
    told = judged(after_the_exit(), came=weeks("2026-07-05"), witnesses=open_shelves(20.0, 20.0, zone="cold"))

    assert told["verdict"] == "cannot_tell"


def test_the_week_of_the_exit_itself_says_nothing_of_the_weeks_after_it() -> None:
    cleared = open_shelves(20.0, 20.0, week="2026-07-05")
    told = judged(after_the_exit(), came=weeks("2026-07-05"), witnesses=cleared)

    assert told["verdict"] == "cannot_tell"


def test_after_an_exit_requests_stand_for_the_open_store() -> None:
    told = judged(
        after_the_exit(),
        came=weeks("2026-07-05", requests=[1.0, 0.0, 0.0, 0.0]),
        recording={"swim trunks": 0.25},
    )

    assert told["verdict"] == "happened"
    assert told["units_happened"] == pytest.approx(4.0)


def test_requests_never_say_more_than_was_foretold() -> None:
    told = judged(after_the_exit(), came=weeks("2026-07-05", requests=9.0), recording={"swim trunks": 0.1})

    assert told["units_happened"] == pytest.approx(3.0 * 27 / 7)


def test_an_exit_that_was_put_off_and_sold_is_averted() -> None:
    told = judged(
        after_the_exit(),
        came=weeks("2026-07-05", exposure=1.0, units=3.0),
        acts=an_act("extend_exit", since="2026-07-06"),
    )

    assert told["verdict"] == "averted"
    assert told["units_recovered"] == 12.0


def test_only_what_sold_while_the_exit_was_put_off_was_won_by_it() -> None:
    put_off = an_act("extend_exit", since="2026-07-06").assign(until=pd.Timestamp("2026-07-18"))
    told = judged(after_the_exit(), came=weeks("2026-07-05", exposure=1.0, units=3.0), acts=put_off)

    assert told["units_recovered"] == 6.0


def test_what_sold_only_at_the_clearance_price_is_judged_at_that_price() -> None:
    cheap = {"price_ratio": 0.25, "exposure": [1.0, 1.0, 0.0, 0.0], "units": [12.0, 12.0, 0.0, 0.0]}
    plain = judged(came=weeks(**cheap))
    priced = judged(came=weeks(**cheap), elasticity={"swim trunks": 1.0})

    assert plain["units_happened"] == pytest.approx(6.0 * 29 / 11)
    assert priced["units_happened"] == pytest.approx(6.0)


def test_a_cut_before_the_peak_counts_what_was_sold_below_the_full_price() -> None:
    came = weeks(exposure=1.0, units=[4.0, 4.0, 0.0, 0.0], price_ratio=[1.0, 0.5, 0.5, 0.5])
    told = judged(alert("markdown_before_peak"), came=came, elasticity={"swim trunks": 1.0})

    assert told["verdict"] == "happened"
    assert told["units_happened"] == pytest.approx(2.0)


def test_a_cut_that_was_held_is_averted_and_wins_its_percentage() -> None:
    told = judged(
        alert("markdown_before_peak"),
        came=weeks(exposure=1.0, units=3.0),
        acts=an_act("hold_markdown", since="2026-05-31", worth=0.3),
    )

    assert told["verdict"] == "averted"
    assert told["money_recovered"] == pytest.approx(12 * 30 * 0.3)


def test_stock_left_at_the_exit_outlasted_its_season() -> None:
    day = {"begins": EXIT, "ends": EXIT}
    told = judged(alert("stock_outlasts_season", **day), came=weeks("2026-07-05", n=1, on_hand=7.0))
    gone = judged(alert("stock_outlasts_season", **day), came=weeks("2026-07-05", n=1, on_hand=1.0))
    moved = judged(
        alert("stock_outlasts_season", **day),
        came=weeks("2026-07-05", n=1, on_hand=1.0),
        acts=an_act("transfer", since="2026-06-20", units=11),
    )

    assert told["verdict"] == "happened"
    assert told["units_happened"] == 7.0
    assert gone["verdict"] == "did_not_happen"
    assert moved["verdict"] == "averted"
    assert moved["units_recovered"] == 11.0


def test_a_shelf_that_sells_by_itself_was_no_phantom() -> None:
    sold = judged(alert("phantom_stock"), came=weeks(exposure=1.0, units=[0.0, 1.0, 2.0, 2.0]))
    silent = judged(alert("phantom_stock"), came=weeks(exposure=1.0))

    assert sold["verdict"] == "did_not_happen"
    assert silent["verdict"] == "happened"
    assert silent["units_happened"] == pytest.approx(12.0)


def test_a_shelf_that_sells_after_somebody_counted_it_was_averted() -> None:
    told = judged(
        alert("phantom_stock"),
        came=weeks(exposure=1.0, units=[0.0, 1.0, 2.0, 2.0]),
        acts=an_act("count_shelf", since="2026-06-05"),
    )

    assert told["verdict"] == "averted"
    assert told["units_recovered"] == 5.0
    assert told["units_happened"] == pytest.approx(3.0)


def test_people_who_ask_again_make_the_alert_right() -> None:
    assert judged(alert("asked_not_found"), asks=2.0)["verdict"] == "happened"
    assert judged(alert("asked_not_found"), asks=1.0)["verdict"] == "did_not_happen"


def test_a_late_feed_is_a_fact_unless_its_store_had_closed() -> None:
    closed = pd.DataFrame({"alert_id": [1], "missing": [False]})

    assert judged(alert("feed_late"))["verdict"] == "happened"
    assert judged(alert("feed_late"), missing=closed)["verdict"] == "did_not_happen"


def test_without_the_store_s_figures_nobody_can_tell() -> None:
    told = judged(alert(left_out=True))

    assert told["verdict"] == "cannot_tell"
    assert "no_figures" in told["reason"]


def test_every_alert_gets_an_outcome_though_nothing_is_known_of_it() -> None:
    told = judged(alert(), came=weeks().iloc[:0])

    assert told["verdict"] == "did_not_happen"


def test_windows_are_those_of_the_rule() -> None:
    rows = pd.DataFrame(
        {
            "rule": [LEAVES, "floor_set_after_demand_starts", STOCKOUT, "markdown_before_peak",
                     "stock_outlasts_season", "asked_not_found", LEAVES],
            "raised_on": [RAISED] * 6 + [pd.Timestamp("2026-07-20")],
            "floor_set": pd.Timestamp("2026-06-10"),
            "exit": EXIT,
            "first_week": pd.Timestamp("2026-06-14"),
            "horizon_ends": [pd.NaT, pd.NaT, pd.Timestamp("2026-06-30"), pd.NaT, pd.NaT, pd.NaT, pd.NaT],
            "demand_ends": pd.Timestamp("2026-09-05"),
        }
    )  # fmt: skip
    told = windows_of(rows).map(lambda day: day.strftime("%m-%d")).to_numpy().tolist()

    assert told == [
        ["07-06", "09-05"],
        ["05-31", "06-09"],
        ["05-31", "06-30"],
        ["06-14", "07-05"],
        ["07-05", "07-05"],
        ["05-31", "06-27"],
        ["07-21", "09-05"],
    ]


def outcomes(*verdicts: str, rule: str = STOCKOUT) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rule": rule,
            "month": "2026-06",
            "verdict": list(verdicts),
            "units_happened": 4.0,
            "units_recovered": 2.0,
            "money_recovered": 60.0,
            "customers_happened": 3.0,
            "customers_recovered": 1.0,
            "lead_days": 14.0,
        }
    )


def test_what_cannot_be_told_counts_neither_for_nor_against() -> None:
    missed = pd.DataFrame({"rule": [STOCKOUT], "month": ["2026-06"], "customers": [5.0]})
    told = summarise_outcomes(
        outcomes("happened", "averted", "did_not_happen", "cannot_tell"), missed, "month"
    ).iloc[0]

    assert told["precision"] == pytest.approx(2 / 3)
    assert told["recall"] == pytest.approx(2 / 3)
    assert told["cannot_tell_share"] == pytest.approx(1 / 4)
    assert (told["judged"], told["missed"]) == (4, 1)
    assert told["customers_turned_away"] == pytest.approx(3 * 3 + 3 * 1 + 5)
    assert told["customers_won_back"] == pytest.approx(3)
    assert told["customers_lost"] == pytest.approx(14)


def test_a_rule_whose_misses_nobody_looks_for_has_no_recall() -> None:
    none = pd.DataFrame({"rule": [], "month": [], "customers": []})
    told = summarise_outcomes(outcomes("happened", rule="phantom_stock"), none, "rule").iloc[0]

    assert np.isnan(told["recall"])
    assert told["precision"] == 1.0


def test_a_month_in_which_only_unforetold_losses_came_is_told_too() -> None:
    missed = pd.DataFrame({"rule": [STOCKOUT], "month": ["2026-07"], "customers": [5.0]})
    told = summarise_outcomes(outcomes("happened"), missed, "month")

    assert told["month"].tolist() == ["2026-06", "2026-07"]
    assert told["recall"].tolist() == [1.0, 0.0]
