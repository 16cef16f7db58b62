from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from data.records import Scope, Status
from forecaster.codes import RULES
from tests.unit.web.making import NIGHT, NOW, TODAY, make_alert, make_stockout, size
from web.rendering.details import Details
from web.rendering.sentences import (
    BESIDE_STORE,
    Standing,
    closing,
    confidence,
    customers,
    deadline,
    effort,
    headline,
    is_draft,
    naming,
    remedies,
    remedy,
    rule_codes,
    rule_name,
    season_name,
    sentence,
    stake,
    standing,
    status_name,
    tally,
    when_lost,
    why,
)


def test_an_early_exit_is_told_in_one_sentence() -> None:
    assert sentence(make_alert()) == (
        "Swim trunks will leave the floor on 5 July; "
        "customers here want 38 more by 12 September; you hold 6, none in M."
    )


def test_a_sell_out_is_told_in_one_sentence() -> None:
    assert sentence(make_stockout()) == (
        "Tide Board Shorts will sell out: customers want 12 in the next 3 weeks, "
        "you hold 4 and 2 are coming; M and L run out first."
    )


def test_a_sentence_that_stands_alone_names_its_store() -> None:
    assert sentence(make_alert(), naming("Phoenix North")) == (
        "Swim trunks will leave the floor on 5 July; "
        "customers of Phoenix North want 38 more by 12 September; the store holds 6, none in M."
    )
    assert "customers here want 12" in sentence(make_stockout(), BESIDE_STORE)


def test_a_sentence_begins_with_the_style_so_that_a_card_can_stress_it() -> None:
    for alert in (make_alert(), make_stockout(), make_alert(rule="broken_size_run")):
        assert sentence(alert).startswith(alert.details["style_name"])


def test_after_the_exit_the_sentence_looks_back() -> None:
    told = sentence(make_alert(details={"exit": "2026-06-01"}))
    assert told.startswith(
        "Swim trunks left the floor on 1 June; customers here still want 38 by 12 September"
    )


@pytest.mark.parametrize(
    ("on_hand", "in_transit", "held"),
    [
        (0, 0, "you hold none."),
        (0, 3, "you hold none and 3 are coming."),
        (4, 1, "you hold 4 and 1 is coming, none in M."),
        (1200, 0, "you hold 1,200, none in M."),
    ],
)
def test_what_is_held_is_said_in_the_right_number(on_hand: int, in_transit: int, held: str) -> None:
    assert sentence(make_alert(details={"on_hand": on_hand, "in_transit": in_transit})).endswith(held)


def test_only_the_most_wanted_missing_sizes_are_named_in_the_order_of_the_run() -> None:
    sizes = [size(name, demand=demand) for name, demand in (("S", 5), ("M", 9), ("L", 8), ("XL", 1))]
    told = sentence(make_alert(details={"sizes": [*sizes, size("XXL", demand=1, on_hand=6)]}))
    assert told.endswith("you hold 6, none in S, M or L.")


def test_sizes_stand_from_small_to_large_whatever_order_they_came_in() -> None:
    names = ["XL", "10", "S", "one size", "9.5", "M"]
    alert = make_alert(details={"sizes": [size(name, demand=1) for name in names]})
    assert [row.name for row in Details.of(alert).sizes] == ["S", "M", "XL", "9.5", "10", "one size"]


def test_a_size_that_is_there_in_another_colour_is_not_missing() -> None:
    sizes = [size("M", demand=9), size("M", demand=9, on_hand=6, color="red"), size("L", demand=2)]
    assert sentence(make_alert(details={"sizes": sizes})).endswith("you hold 6, none in L.")


def test_a_sell_out_of_one_size_says_runs() -> None:
    sizes = [size("S", demand=1, on_hand=2), size("M", demand=6, on_hand=1)]
    assert sentence(make_stockout(details={"sizes": sizes})).endswith("; M runs out first.")


def test_a_style_without_sizes_says_nothing_of_sizes() -> None:
    told = sentence(make_stockout(details={"sizes": [size("", demand=12, on_hand=4)]}))
    assert told.endswith("you hold 4 and 2 are coming.")


def test_with_nothing_there_and_nothing_coming_it_cannot_be_had() -> None:
    told = sentence(make_stockout(details={"on_hand": 0, "in_transit": 0, "horizon_ends": "2026-06-20"}))
    assert told == ("Tide Board Shorts cannot be had: customers want 12 in the next week, you hold none.")


def test_an_alert_without_details_is_still_told() -> None:
    alert = make_stockout()
    alert.details = {}
    alert.demand_ends = None
    assert sentence(alert) == "TIDE cannot be had: customers want 6 now, you hold none."
    alert.rule = "exit_before_demand_ends"
    assert sentence(alert) == "TIDE: customers here will miss 6; you hold none."


def test_a_date_of_another_year_says_its_year() -> None:
    told = sentence(make_alert(details={"exit": "2027-02-01"}, demand_ends=date(2027, 3, 6)))
    assert "on 1 February 2027" in told
    assert "by 6 March 2027" in told


def test_the_headline_says_how_many_and_when() -> None:
    assert headline(make_alert()) == "Swim trunks: 6 can still be served after 5 July"
    assert headline(make_alert(recoverable_units=0.0)) == "Swim trunks: 38 missed after 5 July"
    assert headline(make_stockout(reorderable_units=6.0)) == (
        "Tide Board Shorts: 6 can still be served in season"
    )
    assert headline(make_alert(rule="something_else")) == "Swim trunks: 6 can still be served"


@pytest.mark.parametrize(
    ("act_by", "told"),
    [
        (date(2026, 7, 1), "Act by 1 July (in 17 days)"),
        (date(2026, 6, 15), "Act by 15 June (tomorrow)"),
        (TODAY, "Act by 14 June (today)"),
        (date(2026, 6, 13), "The last day to act was 13 June"),
        (None, ""),
    ],
)
def test_the_deadline_is_seen_from_today(act_by: date | None, told: str) -> None:
    assert deadline(act_by, TODAY) == told


def test_the_remedy_says_what_the_chain_could_still_serve() -> None:
    assert remedy(make_alert(), TODAY) == (
        "Ask the merchandiser to keep it on the floor after 5 July. "
        "Stock the chain already owns could serve 6 of them."
    )
    assert "could serve all of them" in remedy(make_alert(recoverable_units=50.0), TODAY)
    assert remedy(make_stockout(recoverable_units=0.0), TODAY) == "Ask for a refill, M and L first."


def test_the_page_says_what_the_alert_rests_on() -> None:
    assert why(make_alert()) == (
        "The calendar takes it off the floor on 5 July; customers here want it until 12 September, "
        "10 weeks longer. Of the 44 still wanted, 38 will not be met."
    )
    assert why(make_stockout()) == (
        "Customers want 12 in the next 3 weeks; 6 of these sizes are here or on their way. "
        "The first is missed in the week of 14 June."
    )
    assert why(make_alert(rule="something_else", details={"reason": "Count it."})) == "Count it."


def test_no_remedy_is_offered_when_its_day_has_passed() -> None:
    assert "Ask" not in remedy(make_alert(act_by=date(2026, 6, 1)), TODAY)


def test_evidence_is_said_in_words() -> None:
    for label in ("observed", "borrowed", "requested", "unknown"):
        assert confidence(label).sentence.startswith(label.capitalize())
    assert confidence("guessed").label == "guessed"


def test_every_rule_has_a_name_also_one_that_is_not_known_here() -> None:
    assert rule_name("exit_before_demand_ends") == "Leaves the floor too early"
    assert rule_name("something_else") == "Something else"
    assert {rule_name(rule) for rule in RULES} == {rule_name(rule) for rule in rule_codes()}


def test_a_late_floor_set_says_what_is_wanted_before_it() -> None:
    alert = make_alert(rule="floor_set_after_demand_starts", details={"floor_set": "2026-07-12"})
    assert sentence(alert) == (
        "Swim trunks will come to the floor on 12 July; customers here want 38 before that; "
        "you hold 6, none in M."
    )
    assert "begin to want it in the week of 14 June" in why(alert)


def test_a_broken_run_names_the_sizes_that_are_gone() -> None:
    told = sentence(make_stockout(rule="broken_size_run", details={"sizes": [size("M", demand=6)]}))
    assert told.startswith("Tide Board Shorts hangs without M, the sizes most wanted; customers here want 12")


def test_a_cut_before_the_peak_says_when_both_are() -> None:
    figures = {"first_markdown": "2026-06-20", "peak_week": "2026-06-28", "plan_weeks": 2}
    alert = make_alert(
        rule="markdown_before_peak", margin_lost=Decimal("122.4"), details={"figures": figures}
    )
    assert sentence(alert).startswith(
        "Swim trunks will be cut in price on 20 June, and customers here want it most in the week of "
        "28 June; 38 more would sell at full price"
    )
    assert "2 weeks later earns $122 more" in why(alert)
    assert remedy(alert, TODAY) == "Ask the merchandiser to hold the price cut of 20 June."
    assert headline(alert) == "Swim trunks: 38 more at full price if the cut of 20 June waits"


def test_what_will_be_left_over_is_no_customer_who_is_missed() -> None:
    alert = make_alert(rule="stock_outlasts_season", details={"on_hand": 60})
    assert sentence(alert).startswith("Swim trunks: 38 will be left over when it leaves the floor on 5 July")
    assert headline(alert) == "Swim trunks: 38 left over at the exit of 5 July"
    assert "serve" not in remedy(alert, TODAY)


def test_what_is_not_carried_is_told_in_the_customers_words() -> None:
    figures = {"words": "kids rain boots", "asks": 5, "first_on": "2026-06-01", "stores": 4}
    alert = make_alert(rule="asked_not_found", scope=Scope.CHAIN, store_id="", details={"figures": figures})
    assert sentence(alert) == (
        "“kids rain boots”: 5 customers of 4 stores asked for it since 1 June, and it is not carried."
    )


def test_a_doubted_shelf_is_to_be_counted() -> None:
    figures = {"quiet_since": "2026-05-03", "unsold": 14.2}
    alert = make_alert(rule="phantom_stock", details={"on_hand": 12, "figures": figures})
    assert sentence(alert) == (
        "Swim trunks: the books show 12 here, and nothing has sold since 3 May, where about 14 should have; "
        "count the shelf."
    )


def test_late_figures_say_of_whom_and_since_when() -> None:
    figures = {"feed": "stock", "last_day": "2026-06-01", "stores": 1, "named": ["Phoenix North"]}
    alert = make_alert(rule="feed_late", units_lost=0.0, details={"figures": figures})
    assert sentence(alert).startswith(
        "The stock figures of Phoenix North are late: the newest are of 1 June."
    )
    assert headline(alert) == "Figures are late"


def test_a_zones_alert_speaks_of_its_stores_whoever_reads_it() -> None:
    alert = make_alert(
        scope=Scope.ZONE, climate_zone="hot_dry", store_id="", details={"figures": {"stores": 4}}
    )
    assert sentence(alert).startswith(
        "Swim trunks will leave the floor on 5 July; customers of 4 stores in the hot dry zone want 38 more"
    )
    assert "they hold 6" in sentence(alert, BESIDE_STORE)


def test_a_draft_says_that_its_dates_are_proposed_and_nothing_of_stock() -> None:
    alert = make_alert(season_code="draft:SS27", scope=Scope.ZONE, climate_zone="hot", store_id="")
    assert sentence(alert) == (
        "Swim trunks will leave the floor on 5 July by the draft calendar; "
        "customers of 1 store in the hot zone want 38 more by 12 September."
    )
    assert (is_draft(alert), season_name(alert)) == (True, "SS27, draft")
    assert (is_draft(make_alert()), season_name(make_alert())) == (False, "SS26")
    assert why(alert).startswith("The draft calendar takes it off the floor")


def test_who_decides_is_told_what_to_do_and_a_store_whom_to_ask() -> None:
    step = "eep it on the floor after 5 July."
    assert remedy(make_alert(), TODAY).startswith(f"Ask the merchandiser to k{step}")
    assert remedy(make_alert(), TODAY, BESIDE_STORE).startswith(f"K{step}")


def test_the_way_of_a_customer_is_told_before_and_after_the_transfers() -> None:
    way = {"stores": 1.56, "miles": 5.2, "found": 0.47}
    after = {"stores_after": 1.18, "miles_after": 1.4, "found_after": 1.0}
    assert effort(make_alert(details={"effort": way | after})) == (
        "To find their size, customers go to 1.6 stores and 5 miles, and 53% look in vain; "
        "with the proposed transfers, to 1.2 stores and 1 mile."
    )
    assert effort(make_alert(details={"effort": way})).endswith("and 53% look in vain.")
    same = {f"{name}_after": value for name, value in way.items()}
    assert effort(make_alert(details={"effort": way | same})).endswith("change nothing of that.")
    here = {"stores": 1.0, "miles": 0.0, "found": 1.0, "stores_after": 1.0}
    assert effort(make_alert(details={"effort": here})) == "Today customers find their size here."
    assert effort(make_alert()) == ""


def test_a_loss_is_split_by_time_and_by_remedy_where_it_splits() -> None:
    alert = make_alert(
        units_lost=38.0,
        recoverable_units=6.0,
        reorderable_units=20.0,
        next_buy_units=12.0,
        customers_lost=25.0,
        details={"in_season_units": 8.0, "after_units": 30.0},
    )
    assert when_lost(alert) == "Of these, 8 in season and 30 after the exit."
    assert remedies(alert) == (
        "To be served: 6 from stock the chain owns, 20 by an order placed now and 12 only by the next buy."
    )
    assert customers(alert) == "25 customers leave with nothing; the others take another style."
    whole_loss = make_alert(customers_lost=38.2, details={"after_units": 38.2})
    assert (when_lost(whole_loss), customers(whole_loss)) == ("", "")


def test_an_alert_whose_season_is_over_has_not_recovered() -> None:
    resolved, expired = make_alert(), make_alert()
    for nights in (1, 2):
        resolved.clears(business_date=NIGHT + timedelta(days=nights), now=NOW)
    expired.expires(business_date=NIGHT, now=NOW)
    assert "nobody here is expected to miss it any more" in closing(resolved)
    assert closing(expired) == "Swim trunks: its season is over; 38 were expected to be missed."
    assert status_name(expired.status) == "Expired"
    assert status_name(resolved.status) == "Resolved"


@pytest.mark.parametrize(
    ("alerts", "told"),
    [
        (Standing({Status.ACKNOWLEDGED: 1}), "1 is taken on."),
        (Standing({Status.ACKNOWLEDGED: 1200, Status.SNOOZED: 1}), "1,200 are taken on and 1 is put off."),
        (
            Standing({Status.ACKNOWLEDGED: 12}, frozen=3),
            "12 are taken on; the figures of 3 of them are late, so nobody knows whether it is still so.",
        ),
    ],
)
def test_what_is_live_is_counted_in_words(alerts: Standing, told: str) -> None:
    assert standing(alerts) == told


def test_no_money_is_told_where_no_price_is_known() -> None:
    assert stake(make_alert(money_lost=Decimal(0))) == "38 units"
    assert stake(make_alert()) == "38 units, $1,299"
    assert tally(0.3, Decimal(0)) == "1 unit at risk"
