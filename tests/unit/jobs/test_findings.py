"""What the rules found becomes plain values: nothing missing, nothing of a frame's own types, valid JSON."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data.records import Severity
from jobs.findings import to_findings

if TYPE_CHECKING:
    from data.records import Finding

PRODUCTS = pd.DataFrame({"sku": ["T-S", "T-M"], "style_id": ["T", "T"], "style_name": ["Marlin Trunk"] * 2})
WINDOWS = pd.DataFrame(
    {
        "store_id": ["PHX-01", "PHX-01"],
        "style_id": ["T", "T"],
        "floor_set": pd.to_datetime(["2025-02-10", "2026-02-09"]),
        "exit": pd.to_datetime(["2025-07-06", "2026-07-05"]),
    }
)

DRIVERS = {"weekly": 12.3, "times": 2.1}


def row(**changes: Any) -> dict[str, Any]:
    """A row as the rules give it: frame types, not plain ones."""
    return {
        "rule": "exit_before_demand_ends",
        "store": "PHX-01",
        "style": "T",
        "category": "swim trunks",
        "season_code": "SS26",
        "units_lost": np.float64(31.456),
        "recoverable_units": np.float64(12.344),
        "money_lost": np.float64(786.4049),
        "demand_units": np.float64(60.005),
        "on_hand": np.float64(24.0),
        "in_transit": np.int64(3),
        "first_week": pd.Timestamp("2026-07-05"),
        "horizon_ends": pd.Timestamp("2026-09-05"),
        "demand_ends": pd.Timestamp("2026-09-05"),
        "exit": pd.Timestamp("2026-07-05"),
        "act_by": pd.Timestamp("2026-07-03"),
        "severity": "high",
        "evidence": "borrowed",
        "reason": "exit_before_demand_ends:exit=2026-07-05",
        "sizes": [
            {
                "sku": "T-M",
                "size": "M",
                "color": "",
                "demand": np.float64(40.126),
                "on_hand": np.float64(20.0),
                "in_transit": np.float64(3.0),
                "lost": np.float64(17.126),
            }
        ],
    } | changes


def made(products: pd.DataFrame = PRODUCTS, **changes: Any) -> Finding:
    [finding] = to_findings(pd.DataFrame([row(**changes)]), products, WINDOWS, [DRIVERS])
    return finding


def test_figures_are_rounded_to_two_decimals_and_dates_are_plain_days() -> None:
    finding = made()

    assert (finding.units_lost, finding.recoverable_units) == (31.46, 12.34)
    assert finding.money_lost == Decimal("786.40")
    assert (finding.act_by, finding.demand_ends) == (date(2026, 7, 3), date(2026, 9, 5))
    assert type(finding.act_by) is date
    assert finding.severity is Severity.HIGH
    assert finding.details["first_week"] == "2026-07-05"


def test_details_are_the_json_that_the_page_reads() -> None:
    details = made().details

    assert json.loads(json.dumps(details, allow_nan=False)) == details
    assert details["sizes"] == [
        {
            "sku": "T-M",
            "size": "M",
            "color": "",
            "demand": 40.13,
            "on_hand": 20,
            "in_transit": 3,
            "lost": 17.13,
        }
    ]
    assert (details["on_hand"], details["in_transit"]) == (24, 3)


def test_what_moves_the_demand_goes_with_the_finding() -> None:
    assert made().drivers == DRIVERS


def test_the_floor_set_is_that_of_the_window_which_ends_with_the_exit() -> None:
    assert made().details["floor_set"] == "2026-02-09"
    assert made(exit=pd.Timestamp("2025-07-06")).details["floor_set"] == "2025-02-10"


def test_a_product_without_a_price_puts_no_money_at_stake() -> None:
    assert made(money_lost=float("nan")).money_lost == Decimal("0.00")


def test_what_sells_all_year_has_no_exit_and_its_demand_no_end() -> None:
    finding = made(exit=pd.NaT, demand_ends=pd.NaT, horizon_ends=pd.NaT, season_code="")

    assert finding.demand_ends is None
    assert [finding.details[name] for name in ("floor_set", "exit", "horizon_ends")] == [None] * 3
    json.dumps(finding.details, allow_nan=False)


def test_a_window_without_an_end_is_not_taken_for_the_missing_exit() -> None:
    found = pd.DataFrame([row(exit=pd.NaT)])
    open_ended = WINDOWS.assign(exit=pd.NaT, floor_set=pd.NaT).iloc[:1]

    [finding] = to_findings(found, PRODUCTS, open_ended, [DRIVERS])

    assert finding.details["floor_set"] is None


def test_a_style_without_a_name_is_called_by_its_id() -> None:
    assert made(PRODUCTS.assign(style_name="")).details["style_name"] == "T"
    assert made(PRODUCTS.iloc[:0]).details["style_name"] == "T"


def test_the_same_figures_with_noise_make_the_same_finding() -> None:
    assert made(units_lost=31.4560001, money_lost=786.40490003) == made()


def test_nothing_found_is_no_finding() -> None:
    assert to_findings(pd.DataFrame([row()]).iloc[:0], PRODUCTS, WINDOWS, []) == []
