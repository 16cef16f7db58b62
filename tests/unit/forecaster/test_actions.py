from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecaster import expected_gap
from forecaster.action_goods import Moves, plan_moves
from forecaster.actions import ACTION_COLUMNS, propose_actions
from forecaster.codes import KINDS
from forecaster.terms import ActionTerms

AS_OF = date(2026, 6, 6)
WEEKS = pd.date_range("2026-06-07", periods=26, freq="7D")
FLOOR_SET, EXIT = pd.Timestamp("2026-02-15"), pd.Timestamp("2026-07-11")
SIZES = ("M", "L")
STORES = pd.DataFrame(
    {
        "store": ["a", "b", "dc"], "kind": ["store", "store", "dc"], "climate_zone": "hot",
        "latitude": [33.0, 33.1, np.nan], "longitude": -112.0, "closed_on": pd.NaT,
    }
)  # fmt: skip
PRODUCTS = pd.DataFrame(
    {
        "sku": SIZES, "style": "trunk", "color": "navy", "category": "swim", "size": SIZES,
        "gender_age": "men", "regular_price": 30.0, "unit_cost": 10.0, "pack_size": 2,
        "lead_time_days": 21.0, "buy_type": "one_buy",
    }
)  # fmt: skip
COST_OF_TERMS = ActionTerms()


@dataclass(frozen=True)
class World:
    """Stores a and b with two sizes, four of each wanted in every week until November."""

    stock: tuple[tuple[str, str, float], ...] = (
        ("a", "M", 4.0),
        ("a", "L", 4.0),
        ("b", "M", 90.0),
        ("b", "L", 20.0),
    )
    products: pd.DataFrame = None
    floor_set: pd.Timestamp = FLOOR_SET
    leaves: pd.Timestamp = EXIT
    terms: ActionTerms = COST_OF_TERMS
    plans: pd.DataFrame | None = None

    @property
    def goods(self) -> pd.DataFrame:
        return PRODUCTS if self.products is None else self.products

    def gap(self) -> pd.DataFrame:
        pairs = pd.MultiIndex.from_product([["a", "b"], SIZES], names=["store", "sku"]).to_frame(index=False)
        demand = np.where(WEEKS.month < 11, 4.0, 0.1)
        forecast = pairs.merge(pd.DataFrame({"week": WEEKS, "mean": demand}), how="cross")
        supply = pd.DataFrame(list(self.stock), columns=["store", "sku", "units"]).assign(week=WEEKS[0])
        window = pairs.assign(season_code="SS26", floor_set=self.floor_set, exit=self.leaves)
        return expected_gap(forecast.assign(evidence="observed"), self.series(), supply, window, as_of=AS_OF)

    def series(self) -> pd.DataFrame:
        pairs = pd.MultiIndex.from_product([["a", "b"], SIZES], names=["store", "sku"]).to_frame(index=False)
        return pairs.assign(level_shape=50.0, dispersion=50.0)

    def moves(self, findings: pd.DataFrame) -> Moves:
        stock = pd.DataFrame(list(self.stock), columns=["store", "sku", "on_hand"])
        return plan_moves(
            findings, self.gap(), self.series(), stock, self.goods, STORES, as_of=AS_OF, terms=self.terms
        )

    def actions(self, *findings: dict[str, object]) -> pd.DataFrame:
        rows = pd.DataFrame(list(findings))
        return propose_actions(
            rows, self.moves(rows), self.gap(), self.series(), self.goods,
            as_of=AS_OF, terms=self.terms, plans=self.plans,
        )  # fmt: skip

    def action(self, kind: str, *findings: dict[str, object]) -> pd.Series:
        told = self.actions(*findings)
        return told[told["kind"] == kind].iloc[0]


WORLD = World()


def finding(rule="stockout_in_season", **changes) -> dict[str, object]:
    return {
        "rule": rule, "scope": "store", "store": "a", "climate_zone": "hot", "style": "trunk",
        "category": "swim", "season_code": "SS26", "units_lost": 20.0, "recoverable_units": 15.0,
        "money_lost": 600.0, "margin_lost": 400.0, "horizon_ends": pd.NaT, "floor_set": FLOOR_SET,
        "demand_ends": pd.Timestamp("2026-10-31"), "exit": EXIT, "evidence": "observed",
        "sizes": [{"sku": "M", "lost": 10.0}, {"sku": "L", "lost": 10.0}],
    } | changes  # fmt: skip


def kinds(actions) -> list[str]:
    return actions["kind"].tolist()


def zone(rule, **changes) -> dict[str, object]:
    return finding(rule, scope="zone", store="", style="", sizes=[]) | changes


# Goods


def test_a_transfer_names_its_lines_from_the_store_that_can_spare_them():
    told = WORLD.action("transfer", finding())
    lines = told["details"]["lines"]
    assert {line["from_store"] for line in lines} == {"b"}
    assert told["units"] == sum(line["units"] for line in lines)
    assert told["cost"] == pytest.approx(sum(line["cost"] for line in lines), abs=0.02)
    assert set(lines[0]) >= {"from_store", "to_store", "sku", "units", "miles", "ships_by", "arrives_on"}
    assert lines[0]["arrives_on"] == "2026-06-11"


def test_a_transfer_helps_until_it_would_arrive_after_the_exit():
    assert WORLD.action("transfer", finding())["act_by"] == EXIT - pd.Timedelta(days=4)


def test_an_action_wins_no_more_than_it_moves_and_its_margin_is_that_of_what_it_wins():
    told = WORLD.action("transfer", finding())
    assert told["details"]["wins"] <= told["units"]
    assert told["benefit"] == pytest.approx(20 * told["details"]["wins"], abs=0.2)


def test_a_distribution_centre_is_asked_first_and_stores_for_the_rest_only():
    world = replace(WORLD, stock=(*WORLD.stock, ("dc", "M", 8.0)))
    told = world.actions(finding())
    assert kinds(told)[0] == "release_from_dc"
    alone, beside = WORLD.action("transfer", finding()), told[told["kind"] == "transfer"].iloc[0]
    sent = {
        kind: sum(x["units"] for x in row["details"]["lines"] if x["sku"] == "M")
        for kind, row in (("alone", alone), ("beside", beside))
    }
    assert sent["beside"] == sent["alone"] - 8


def test_what_is_sent_for_is_not_ordered_again():
    nothing = WORLD.moves(pd.DataFrame([finding()]).iloc[:0])
    rows = pd.DataFrame([finding()])
    frames = (WORLD.gap(), WORLD.series(), PRODUCTS)
    alone = propose_actions(rows, nothing, *frames, as_of=AS_OF)
    beside = propose_actions(rows, WORLD.moves(rows), *frames, as_of=AS_OF)
    ordered = [told.loc[told["kind"] == "reorder", "units"].sum() for told in (alone, beside)]
    assert ordered[1] < ordered[0]


def test_an_order_is_of_whole_packs_and_must_be_placed_a_lead_time_before_the_end():
    told = replace(WORLD, stock=()).action("reorder", finding())
    assert all(line["units"] == 2 * line["packs"] for line in told["details"]["sizes"])
    assert told["act_by"] == EXIT - pd.Timedelta(days=21)
    assert told["details"]["order_value"] == 10 * told["units"]


def test_what_would_arrive_after_the_season_is_not_ordered():
    goods = PRODUCTS.assign(lead_time_days=150.0)
    assert "reorder" not in kinds(replace(WORLD, stock=(), products=goods).actions(finding()))


def test_without_a_lead_time_nobody_can_count_on_an_order():
    goods = PRODUCTS.assign(lead_time_days=np.nan)
    assert "reorder" not in kinds(replace(WORLD, stock=(), products=goods).actions(finding()))


def test_the_last_pack_ordered_is_as_likely_to_sell_as_the_newsvendor_asks():
    # Over 10 + 0.5 - 4.5 = 6, under 30 - 4.5 - 6 = 19.5: the critical ratio is 6 / 25.5 = 0.235.
    told = replace(WORLD, stock=()).action("reorder", finding(sizes=[{"sku": "M", "lost": 10.0}]))
    units, wins = told["units"], told["details"]["wins"]
    # 14 days of 4 a week remain after the order: 9 to 11 pieces, of which the most sell.
    assert 8 <= units <= 12
    assert told["details"]["unsold"] == pytest.approx(units - wins, abs=0.01)
    assert told["cost"] == pytest.approx(0.5 * units + 5.5 * (units - wins), abs=0.05)


def test_what_is_ordered_for_after_the_exit_needs_the_exit_moved():
    told = replace(WORLD, stock=()).action("reorder", finding("exit_before_demand_ends"))
    assert told["details"]["together_with"] == "extend_exit"


def test_a_doubted_shelf_is_counted():
    told = WORLD.action("count_shelf", finding("phantom_stock", horizon_ends=pd.Timestamp("2026-07-01")))
    assert told["details"]["skus"] == ["M", "L"]
    assert (told["units"], told["cost"], told["benefit"]) == (15, 2, 300)


def test_a_margin_that_is_not_known_is_the_usual_share_of_the_money():
    told = WORLD.action("count_shelf", finding("phantom_stock", margin_lost=np.nan))
    assert told["benefit"] == pytest.approx(15 / 20 * 0.6 * 600)


def test_what_is_doubted_or_off_the_floor_is_not_sent_for():
    told = WORLD.actions(finding("phantom_stock"), finding("exit_before_demand_ends"))
    assert not {"transfer", "release_from_dc"} & set(kinds(told))


# Dates


EXIT_FINDING = finding("exit_before_demand_ends")
LEFT = replace(WORLD, stock=(("a", "M", 40.0), ("a", "L", 22.0)))


def test_an_exit_is_extended_for_the_sizes_that_have_stock_left_and_says_what_a_rail_must_earn():
    told = LEFT.action("extend_exit", EXIT_FINDING)
    details = told["details"]
    assert {line["sku"] for line in details["sizes"]} == {"M", "L"}
    assert told["units"] == pytest.approx(sum(line["wins"] for line in details["sizes"]), abs=0.02)
    assert told["cost"] == 0
    assert details["space_per_rail_week"] is None
    assert details["break_even_per_rail_week"] == pytest.approx(
        told["benefit"] / details["rail_weeks"], rel=0.02
    )
    assert told["act_by"] == EXIT - pd.Timedelta(days=14)


def test_where_a_rail_earns_more_than_a_size_brings_that_size_is_left_out():
    # Of M a few pieces are left at the exit and sell at once; of L so many that the rail is full for months.
    world = replace(WORLD, stock=(("a", "M", 24.0), ("a", "L", 400.0)))
    dear = replace(world, terms=ActionTerms(space_per_rail_week=40.0))
    free, paid = world.action("extend_exit", EXIT_FINDING), dear.action("extend_exit", EXIT_FINDING)
    assert {line["sku"] for line in free["details"]["sizes"]} == {"M", "L"}
    assert {line["sku"] for line in paid["details"]["sizes"]} == {"M"}
    assert paid["details"]["left_out"] == ["L"]
    assert paid["cost"] == pytest.approx(40 * paid["details"]["rail_weeks"], rel=0.02)
    assert paid["details"]["weeks"] <= free["details"]["weeks"]


def test_a_rail_that_earns_more_than_all_sizes_keeps_the_exit():
    world = replace(LEFT, terms=ActionTerms(space_per_rail_week=10_000.0))
    assert "extend_exit" not in kinds(world.actions(EXIT_FINDING))


def test_an_exit_without_stock_left_is_not_extended():
    assert "extend_exit" not in kinds(replace(WORLD, stock=()).actions(EXIT_FINDING))


NEAR = pd.Timestamp("2026-06-20")


@pytest.mark.parametrize(
    ("lock_days", "act_by", "locked"), [(13, "2026-06-07", False), (14, "2026-06-20", True)]
)
def test_once_the_calendar_is_locked_a_store_can_keep_its_goods_until_they_are_cleared(
    lock_days, act_by, locked
):
    world = replace(LEFT, leaves=NEAR, terms=ActionTerms(set_lock_days=lock_days))
    told = world.action("extend_exit", EXIT_FINDING | {"exit": NEAR})
    assert told["act_by"] == pd.Timestamp(act_by)
    assert told["details"]["calendar_locked"] is locked


def test_after_the_exit_what_still_hangs_there_is_kept_while_demand_lasts():
    gone = pd.Timestamp("2026-06-06")
    told = replace(LEFT, leaves=gone).action("extend_exit", EXIT_FINDING | {"exit": gone})
    assert told["act_by"] == EXIT_FINDING["demand_ends"]
    assert "extend_exit" not in kinds(
        replace(LEFT, leaves=gone).actions(EXIT_FINDING | {"exit": gone, "demand_ends": gone})
    )


FLOOR = pd.Timestamp("2026-07-12")
LATE = finding(
    "floor_set_after_demand_starts",
    floor_set=FLOOR,
    exit=pd.Timestamp("2026-12-05"),
    demand_ends=FLOOR - pd.Timedelta(days=1),
)
BACKROOM = replace(WORLD, stock=(("a", "M", 60.0),), floor_set=FLOOR, leaves=pd.Timestamp("2026-12-05"))


def test_a_floor_set_is_brought_forward_to_the_first_day_that_is_not_locked_for_what_is_in_the_back():
    told = BACKROOM.action("bring_floor_set_forward", LATE)
    assert told["details"]["new_floor_set"] == "2026-06-21"
    assert {line["sku"] for line in told["details"]["sizes"]} == {"M"}
    # Three weeks of four pieces.
    assert told["units"] == pytest.approx(12)
    assert told["act_by"] == FLOOR - pd.Timedelta(days=15)


def test_it_wins_no_more_than_the_season_does_not_need_itself():
    assert BACKROOM.action("bring_floor_set_forward", LATE | {"recoverable_units": 5.0})["units"] == 5
    assert "bring_floor_set_forward" not in kinds(BACKROOM.actions(LATE | {"recoverable_units": 0.0}))


def test_a_floor_set_without_anything_in_the_back_stays():
    assert "bring_floor_set_forward" not in kinds(replace(BACKROOM, stock=()).actions(LATE))


def plans(*rows) -> pd.DataFrame:
    """alternative, weeks, margin_won, customers_won."""
    told = pd.DataFrame(list(rows), columns=["alternative", "weeks", "margin_won", "customers_won"])
    return told.assign(
        store="a", style="trunk", season_code="summer", exit=EXIT, leftover_less=1.0,
        first_markdown=pd.Timestamp("2026-06-22"), peak_week=pd.Timestamp("2026-07-05"),
    )  # fmt: skip


TODAY = ("today", 0, 0.0, 0.0)
MARKDOWN = finding("markdown_before_peak")


def test_a_markdown_is_held_by_the_alternative_that_wins_most_until_its_price_file_is_locked():
    world = replace(
        WORLD,
        plans=plans(
            TODAY,
            ("hold_markdown", 2, 40.0, 3.0),
            ("after_peak", 3, 55.0, 4.0),
            ("extend_exit", 4, 99.0, 9.0),
        ),
    )
    told = world.action("hold_markdown", MARKDOWN)
    assert (told["units"], told["cost"], told["benefit"]) == (4, 0, 55)
    assert told["act_by"] == pd.Timestamp("2026-06-15")
    assert told["details"]["alternative"] == "after_peak"
    assert told["details"]["break_even_per_customer"] is None


def test_where_holding_costs_margin_what_a_customer_must_be_worth_is_told():
    world = replace(WORLD, plans=plans(TODAY, ("hold_markdown", 2, -30.0, 6.0)))
    told = world.action("hold_markdown", MARKDOWN)
    assert (told["cost"], told["benefit"]) == (30, 0)
    assert told["details"]["break_even_per_customer"] == 5


def test_a_markdown_whose_holding_wins_nobody_is_not_held():
    world = replace(WORLD, plans=plans(TODAY, ("hold_markdown", 2, -30.0, 0.0)))
    assert kinds(world.actions(MARKDOWN)) == []
    assert kinds(WORLD.actions(MARKDOWN)) == []


def test_a_longer_exit_says_what_the_plan_of_the_style_makes_of_it():
    world = replace(LEFT, plans=plans(TODAY, ("extend_exit", 2, 10.0, 3.0), ("extend_exit", 4, 44.0, 7.0)))
    assert world.action("extend_exit", EXIT_FINDING)["details"]["plan"]["margin_won"] == 44
    assert LEFT.action("extend_exit", EXIT_FINDING)["details"]["plan"] is None


def test_a_zone_has_the_sum_of_what_moving_a_date_does_for_its_stores():
    world = replace(WORLD, stock=(("a", "M", 40.0), ("b", "L", 35.0)))
    rows = [
        EXIT_FINDING,
        EXIT_FINDING | {"store": "b"},
        zone("exit_before_demand_ends"),
        zone("exit_before_demand_ends", climate_zone="cold"),
    ]
    told = world.actions(*rows)
    extended = told[told["kind"] == "extend_exit"].set_index("finding")
    assert extended.index.tolist() == [0, 1, 2]
    assert extended.loc[2, "benefit"] == pytest.approx(extended.loc[[0, 1], "benefit"].sum())
    assert [line["store"] for line in extended.loc[2, "details"]["stores"]] == ["a", "b"]
    # Goods go to a store, not to a zone.
    assert "reorder" in kinds(told)
    assert kinds(told[told["finding"] == 2]) == ["extend_exit"]


@pytest.mark.parametrize("evidence", ["borrowed", "unknown"])
def test_a_zone_whose_loss_nobody_has_seen_is_offered_a_test_with_the_money_at_stake(evidence):
    told = WORLD.action(
        "keep_open_test",
        zone("exit_before_demand_ends", evidence=evidence, margin_lost=4000.0, money_lost=6000.0),
    )
    assert told["details"]["money_at_stake"] == 6000
    assert (told["cost"], told["benefit"]) == (500, 4000)
    assert told["act_by"] == EXIT - pd.Timedelta(days=14)


def test_what_has_been_seen_or_is_worth_little_needs_no_test():
    rich = zone("exit_before_demand_ends", margin_lost=4000.0)
    poor = zone("exit_before_demand_ends", evidence="borrowed", margin_lost=300.0)
    assert kinds(WORLD.actions(rich, poor)) == []


# All together


def test_the_cheapest_unit_comes_first_and_no_day_has_passed():
    world = replace(WORLD, stock=(*WORLD.stock, ("dc", "M", 6.0)))
    rows = [
        finding(),
        EXIT_FINDING,
        finding("phantom_stock"),
        zone("exit_before_demand_ends", evidence="borrowed", margin_lost=900.0),
    ]
    told = world.actions(*rows)
    assert list(told.columns) == list(ACTION_COLUMNS)
    assert told["finding"].is_monotonic_increasing
    assert (told["act_by"] > pd.Timestamp(AS_OF)).all()
    assert set(kinds(told)) <= set(KINDS)
    own = told[(told["finding"] == 0) & told["kind"].isin(["release_from_dc", "transfer", "reorder"])]
    each = [row["cost"] / row["details"]["wins"] for row in own.to_dict("records")]
    assert each == sorted(each)
    assert len(each) >= 2


def test_details_are_plain_values_that_json_knows():
    world = replace(
        LEFT, stock=(*WORLD.stock, ("dc", "M", 6.0)), plans=plans(TODAY, ("hold_markdown", 2, -1.0, 2.0))
    )
    told = world.actions(
        finding(), EXIT_FINDING, MARKDOWN, finding("phantom_stock"), zone("exit_before_demand_ends")
    )
    for details in told["details"]:
        assert json.loads(json.dumps(details, allow_nan=False)) == details


def test_a_night_without_findings_offers_nothing():
    rows = pd.DataFrame([finding()]).iloc[:0]
    told = propose_actions(rows, WORLD.moves(rows), WORLD.gap(), WORLD.series(), PRODUCTS, as_of=AS_OF)
    assert told.empty
    assert list(told.columns) == list(ACTION_COLUMNS)


def test_a_finding_that_nothing_can_help_has_no_action():
    assert kinds(WORLD.actions(finding("feed_late", sizes=[]), finding("asked_not_found", sizes=[]))) == []


def test_a_unit_cost_that_is_not_known_is_taken_to_be_the_usual_share():
    goods = PRODUCTS.assign(unit_cost=np.nan)
    told = replace(WORLD, products=goods).action("transfer", finding())
    assert told["benefit"] == pytest.approx(18 * told["details"]["wins"], abs=0.2)
