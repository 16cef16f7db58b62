from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from data.records import Status
from tests.unit.web.making import NIGHT, NOW, TODAY, make_alert, make_stockout, size
from web.rendering.details import Details
from web.rendering.sentences import (
    BESIDE_STORE,
    LONGEST_SUBJECT,
    Standing,
    closing,
    confidence,
    deadline,
    headline,
    naming,
    remedy,
    rule_name,
    sentence,
    stake,
    standing,
    status_name,
    subject,
    tally,
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
    assert headline(make_alert()) == "Swim trunks: 38 missed after 5 July"
    assert headline(make_stockout()) == "Tide Board Shorts: 6 missed in season"
    assert headline(make_alert(rule="phantom_stock")) == "Swim trunks: 38 missed"


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
    assert why(make_alert(rule="phantom_stock", details={"reason": "Count it."})) == "Count it."


def test_no_remedy_is_offered_when_its_day_has_passed() -> None:
    assert "Ask" not in remedy(make_alert(act_by=date(2026, 6, 1)), TODAY)


def test_evidence_is_said_in_words() -> None:
    for label in ("observed", "borrowed", "requested", "unknown"):
        assert confidence(label).sentence.startswith(label.capitalize())
    assert confidence("guessed").label == "guessed"


def test_every_rule_has_a_name_also_one_that_is_not_known_here() -> None:
    assert rule_name("exit_before_demand_ends") == "Leaves the floor too early"
    assert rule_name("markdown_before_peak") == "Markdown before peak"


def test_the_subject_says_how_much_and_where() -> None:
    told = subject(new=7, units=1240, amount=Decimal(12430), places=["Phoenix North"])
    assert told == "7 new, 1,240 units, $12.4k at risk: Phoenix North"


@pytest.mark.parametrize(
    ("places", "where"),
    [
        (["A", "B"], ": A and B"),
        (["A", "B", "C"], ": A and 2 more stores"),
        ([], ""),
    ],
)
def test_the_subject_names_many_stores_in_few_words(places: list[str], where: str) -> None:
    assert subject(new=1, units=1, amount=Decimal(0), places=places) == f"1 new, 1 unit at risk{where}"


def test_the_subject_of_a_night_that_only_brought_relief() -> None:
    assert subject(new=0, units=0, amount=Decimal(0), recovered=3) == "3 recovered"
    assert subject(new=0, units=5, amount=Decimal(90)) == "nothing new, 5 units, $90 at risk"


def test_the_subject_is_one_line_and_no_longer_than_is_shown() -> None:
    told = subject(new=1, units=1, amount=Decimal(0), places=["A" * 200, "B" * 200])
    assert len(told) == LONGEST_SUBJECT
    assert told.startswith("1 new, 1 unit at risk: AAA")
    assert told.endswith("A…")
    told = subject(
        new=1, units=1, amount=Decimal(0), places=["Phoenix\r\nBcc: x@example.com \t\x00\u2028 North"]
    )
    assert told == "1 new, 1 unit at risk: Phoenix Bcc: x@example.com North"


def test_an_alert_whose_season_is_over_has_not_recovered() -> None:
    resolved, expired = make_alert(), make_alert()
    resolved.clears(business_date=NIGHT, now=NOW)
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
