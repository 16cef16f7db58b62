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
DRIVERS = {"weekly": 12.3, "times": 2.1}
EFFORT = pd.DataFrame({"stores": [1.567], "miles": [5.21], "found": [0.5], "stores_after": [np.nan]})


def row(**changes: Any) -> dict[str, Any]:
    """A row as the rules give it: frame types, not plain ones."""
    return {
        "rule": "exit_before_demand_ends",
        "store": "PHX-01",
        "style": "T",
        "category": "swim trunks",
        "season_code": "SS26",
        "scope": "store",
        "climate_zone": "hot_dry",
        "parent": "exit_before_demand_ends|zone:hot_dry|swim trunks|SS26",
        "weak": np.bool_(False),  # noqa: FBT003  # as a frame holds it
        "units_lost": np.float64(31.456),
        "customers_lost": np.float64(20.1),
        "customers_this_week": np.float64(4.25),
        "recoverable_units": np.float64(12.344),
        "reorderable_units": np.float64(9.0),
        "next_buy_units": np.float64(10.112),
        "before_units": np.float64(0.0),
        "in_season_units": np.float64(1.456),
        "after_units": np.float64(30.0),
        "money_lost": np.float64(786.4049),
        "margin_lost": np.float64(471.8),
        "demand_units": np.float64(60.005),
        "on_hand": np.float64(24.0),
        "in_transit": np.int64(3),
        "first_week": pd.Timestamp("2026-07-05"),
        "horizon_ends": pd.Timestamp("2026-09-05"),
        "demand_ends": pd.Timestamp("2026-09-05"),
        "floor_set": pd.Timestamp("2026-02-09"),
        "exit": pd.Timestamp("2026-07-05"),
        "act_by": pd.Timestamp("2026-07-03"),
        "severity": "high",
        "evidence": "borrowed",
        "reason": "exit_before_demand_ends:exit=2026-07-05",
        "figures": {},
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
    [finding] = to_findings(pd.DataFrame([row(**changes)]), products, [DRIVERS], EFFORT)
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


def test_the_way_of_a_customer_is_told_where_it_is_known() -> None:
    assert made().details["effort"] == {"stores": 1.57, "miles": 5.21, "found": 0.5}


def test_the_loss_keeps_its_parts_by_time_and_by_remedy() -> None:
    finding = made()

    assert [finding.details[name] for name in ("before_units", "in_season_units", "after_units")] == [
        0.0,
        1.46,
        30.0,
    ]
    assert (finding.reorderable_units, finding.next_buy_units) == (9.0, 10.11)
    assert (finding.customers_lost, finding.margin_lost) == (20.1, Decimal("471.80"))
    assert finding.customers_this_week == 4.25
    assert made(margin_lost=float("nan")).margin_lost is None


def test_a_zones_finding_is_called_by_its_category_and_gathers_those_that_name_it() -> None:
    zone = made(scope="zone", store="", style="", parent="")

    assert zone.details["style_name"] == "Swim trunks"
    assert zone.fingerprint == made().parent


def test_what_nobody_carries_is_called_what_customers_called_it() -> None:
    asked = made(style="asked:boots", figures={"words": "rain boots", "asks": 4})

    assert asked.details["style_name"] == "rain boots"
    assert asked.details["figures"]["asks"] == 4


def test_a_product_without_a_price_puts_no_money_at_stake() -> None:
    assert made(money_lost=float("nan")).money_lost == Decimal("0.00")


def test_what_sells_all_year_has_no_exit_and_its_demand_no_end() -> None:
    finding = made(floor_set=pd.NaT, exit=pd.NaT, demand_ends=pd.NaT, horizon_ends=pd.NaT, season_code="")

    assert finding.demand_ends is None
    assert [finding.details[name] for name in ("floor_set", "exit", "horizon_ends")] == [None] * 3
    json.dumps(finding.details, allow_nan=False)


def test_a_style_without_a_name_is_called_by_its_id() -> None:
    assert made(PRODUCTS.assign(style_name="")).details["style_name"] == "T"
    assert made(PRODUCTS.iloc[:0]).details["style_name"] == "T"


def test_the_same_figures_with_noise_make_the_same_finding() -> None:
    assert made(units_lost=31.4560001, money_lost=786.40490003) == made()


def test_nothing_found_is_no_finding() -> None:
    assert to_findings(pd.DataFrame([row()]).iloc[:0], PRODUCTS, [], EFFORT.iloc[:0]) == []
