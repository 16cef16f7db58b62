from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster import Policies, RulePolicy, group_findings, hold_over_cap, identity_of
from forecaster.findings import made


def finding(store="s1", rule="exit_before_demand_ends", style="swim", **changes) -> dict[str, object]:
    return {
        "rule": rule, "store": store, "style": style, "category": "swimwear", "climate_zone": "south",
        "season_code": "SS26", "units_lost": 10.0, "customers_this_week": 2.0, "recoverable_units": 6.0,
        "next_buy_units": 4.0,
        "after_units": 10.0, "money_lost": 200.0, "margin_lost": 120.0, "winnable_money": 120.0,
        "act_by": pd.Timestamp("2026-07-05"), "demand_ends": pd.Timestamp("2026-08-30"),
        "sizes": [{"sku": f"{style}-M", "size": "M", "color": "", "demand": 12.0, "on_hand": 3.0,
                   "in_transit": 0.0, "lost": 10.0}],
    } | changes  # fmt: skip


def test_a_calendar_cause_is_gathered_into_one_finding_of_its_zone():
    found = made(
        [
            finding("s1"),
            finding("s2", act_by=pd.Timestamp("2026-06-30"), severity="high", units_lost=30.0),
            finding("s1", style="trunk", evidence="borrowed", demand_ends=pd.Timestamp("2026-09-13")),
        ]
    )
    grouped = group_findings(found)
    zone = grouped[grouped["scope"] == "zone"].iloc[0]
    assert zone["identity"] == "exit_before_demand_ends|zone:south|swimwear|SS26"
    assert set(grouped.loc[grouped["scope"] == "store", "parent"]) == {zone["identity"]}
    assert zone["parent"] == ""
    assert zone["units_lost"] == 50.0
    assert zone["customers_this_week"] == 2.0 * len(found)
    assert zone["money_lost"] == 600.0
    assert zone["act_by"] == pd.Timestamp("2026-06-30")
    assert zone["demand_ends"] == pd.Timestamp("2026-09-13")
    assert zone["severity"] == "high"
    assert zone["evidence"] == "observed"
    assert zone["figures"]["stores"] == 2
    assert zone["figures"]["styles"] == 2
    assert zone["figures"]["largest"] == [{"store": "s2", "units": 30.0}, {"store": "s1", "units": 20.0}]
    assert [(line["sku"], line["lost"]) for line in zone["sizes"]] == [("swim-M", 20.0), ("trunk-M", 10.0)]


def test_each_zone_rule_and_season_stands_alone():
    found = made(
        [
            finding("s1"),
            finding("s3", climate_zone="north"),
            finding("s1", rule="markdown_before_peak"),
            finding("s1", season_code="SS27"),
        ]
    )
    grouped = group_findings(found)
    assert (grouped["scope"] == "zone").sum() == 4
    assert grouped["identity"].is_unique


def test_a_stockout_belongs_to_its_store_alone():
    grouped = group_findings(made([finding(rule="stockout_in_season")]))
    assert grouped["scope"].tolist() == ["store"]
    assert grouped["parent"].tolist() == [""]


def test_a_zone_is_weak_only_if_all_of_its_stores_are():
    some = group_findings(made([finding("s1", weak=True), finding("s2")]))
    every = group_findings(made([finding("s1", weak=True), finding("s2", weak=True)]))
    assert not some.loc[some["scope"] == "zone", "weak"].item()
    assert every.loc[every["scope"] == "zone", "weak"].item()


def test_no_findings_are_grouped_into_none():
    grouped = group_findings(made([]))
    assert grouped.empty
    assert {"identity", "parent"} <= set(grouped.columns)


def test_identities_name_what_they_are_about_and_nothing_else():
    found = made(
        [
            finding(),
            finding(scope="zone", store="", style=""),
            finding(
                rule="asked_not_found",
                scope="chain",
                store="",
                style="asked:wet-suit",
                season_code="all-year",
            ),
        ]
    )
    assert identity_of(found).tolist() == [
        "exit_before_demand_ends|s1|swim|SS26",
        "exit_before_demand_ends|zone:south|swimwear|SS26",
        "asked_not_found|chain|asked:wet-suit|all-year",
    ]
    worse = found.assign(units_lost=99.0, severity="high", evidence="borrowed")
    assert identity_of(worse).tolist() == identity_of(found).tolist()


def test_a_store_hears_of_the_most_winnable_money_first_and_the_rest_waits():
    found = made([finding(style=f"style{n}", winnable_money=float(n)) for n in range(4)])
    told = hold_over_cap(found, Policies(RulePolicy(daily_cap=3)))
    assert told["held"].tolist() == [True, False, False, False]


def test_a_store_that_has_heard_of_some_today_hears_of_fewer():
    found = made([finding(style=f"style{n}", winnable_money=float(n)) for n in range(4)])
    told = hold_over_cap(found, Policies(RulePolicy(daily_cap=3)), {"s1": 2})
    assert told["held"].tolist() == [True, True, True, False]


def test_a_category_with_its_own_cap_leaves_room_for_the_others():
    swim = [finding(style=f"swim{n}", winnable_money=100.0 + n) for n in range(3)]
    boots = [finding(style=f"boot{n}", category="boots", winnable_money=1.0 + n) for n in range(3)]
    policies = Policies(RulePolicy(daily_cap=3), {"swimwear": RulePolicy(daily_cap=1)})
    told = hold_over_cap(made([*swim, *boots]), policies)
    assert told["held"].tolist() == [True, True, False, True, False, False]


def test_zones_the_chain_and_late_feeds_never_wait():
    zones = [finding(scope="zone", store="", style="", climate_zone=f"z{n}") for n in range(9)]
    feeds = [finding(rule="feed_late", category="", style="", season_code=f"feed{n}") for n in range(9)]
    assert not hold_over_cap(made([*zones, *feeds]), Policies(RulePolicy(daily_cap=1)))["held"].any()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 1e6)), min_size=1, max_size=30), st.integers(1, 6)
)
def test_no_store_hears_of_more_than_its_cap_and_nobody_waits_while_there_is_room(rows, cap):
    found = made(
        [finding(store, style=f"s{n}", winnable_money=money) for n, (store, money) in enumerate(rows)]
    )
    told = hold_over_cap(found, Policies(RulePolicy(daily_cap=cap)))
    for _, each in told.groupby("store"):
        assert (~each["held"]).sum() == min(cap, len(each))
        if each["held"].any():
            assert (
                each.loc[each["held"], "winnable_money"].max()
                <= each.loc[~each["held"], "winnable_money"].min()
            )
    assert told.index.tolist() == found.index.tolist()
