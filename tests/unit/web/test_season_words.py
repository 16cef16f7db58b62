"""What the planner says of a season and of plans beside today's."""

from __future__ import annotations

from datetime import date

import pytest

from data.planning.details import plan_details
from forecaster.plans import Markdown, Plan, Stakes
from web.rendering import season_words as say
from web.rendering.season_words import MEASURES, Beside

TODAY = date(2026, 6, 14)
PLAN = Plan(date(2026, 2, 15), (Markdown(date(2026, 6, 22), 30.0),), date(2026, 7, 5))
LONGER = Plan(PLAN.floor_set, PLAN.markdowns, date(2026, 8, 31))
FIGURES = {
    "stock": 1000.0, "units": 500.0, "revenue": 12_000.0, "markdown_cost": 3_000.0, "salvage": 500.0,
    "margin": 2_500.0, "turned_away_after": 1240.0, "turned_away_before": 0.0, "turned_away_during": 12.0,
}  # fmt: skip
OF = {measure.figure: measure for measure in MEASURES}


def opening(
    zone: str = "hot", plan: Plan = PLAN, last_day: date = date(2026, 9, 12), **changed: float
) -> str:
    return say.opening("Swim trunks", zone, plan, FIGURES | changed, last_day, TODAY)


def test_the_opening_holds_both_seasons_and_what_lies_between_them() -> None:
    # A piece sells for 15,000 / 500 = $30 and cost (12,000 + 500 - 2,500) / 1,000 = $10.
    assert opening() == (
        "In the hot zone customers want swim trunks until 12 September. The trade stops on 5 July: "
        "1,240 customers leave without them, about $25,000 of margin."
    )


def test_the_opening_speaks_of_the_chain_and_of_what_is_past() -> None:
    past = Plan(PLAN.floor_set, (), date(2026, 6, 1))
    assert opening("", past, turned_away_after=1.0).startswith(
        "Across the chain customers want swim trunks until 12 September. The trade stopped on 1 June: "
        "1 customer leaves without them"
    )


@pytest.mark.parametrize("changed", [{"turned_away_after": 0.2}, {"last_day": date(2026, 7, 5)}])
def test_where_the_seasons_end_together_the_opening_says_so(changed: dict[str, object]) -> None:
    told = opening(**changed)  # type: ignore[arg-type]
    assert told.endswith("few customers want them later: the two seasons end together.")


def test_no_margin_is_told_where_nothing_has_been_sold_to_tell_it_by() -> None:
    assert opening(units=0.0).endswith("1,240 customers leave without them.")


def test_who_else_is_turned_away_is_told_after() -> None:
    assert say.other_losses(FIGURES, PLAN, TODAY) == (
        "Besides, 12 customers do not find theirs while it is on the floor."
    )
    both = FIGURES | {"turned_away_before": 3.0}
    assert say.other_losses(both, PLAN, TODAY).startswith(
        "Besides, 3 customers come before the floor-set on 15 February and 12 customers"
    )
    assert say.other_losses({}, PLAN, TODAY) == ""


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        (
            {"customers_won": 1032.0, "margin_won": 12_430.0, "leftover_less": 410.0, "rail_weeks": 120.0},
            (
                "1,032 more customers served, $12,430 more margin and 410 fewer pieces left over. "
                "It keeps 120 rail-weeks from the incoming set."
            ),
        ),
        (
            {"customers_won": -1.0, "margin_won": -50.0, "leftover_less": -1.0, "rail_weeks": -7.0},
            (
                "1 fewer customer served, $50 less margin and 1 more piece left over. "
                "It gives back 7 rail-weeks to the incoming set."
            ),
        ),
        ({"customers_won": 0.1, "margin_won": 0.2}, "the same as today's plan."),
    ],
)
def test_the_verdict_tells_more_and_less_in_words(figures: dict[str, float], told: str) -> None:
    assert say.verdict(figures, Stakes()) == told


def test_the_verdict_says_that_rails_are_paid_where_they_have_a_price() -> None:
    told = say.verdict({"margin_won": 10.0}, Stakes(rail_week_value=5.0))
    assert told == "$10 more margin after the rails are paid."


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        (
            {"customers_won": 10.0, "margin_won": -32.0, "customer_break_even": 3.2},
            "Pays while a customer who is not turned away is worth more than $3.20.",
        ),
        (
            {"customers_won": 10.0, "customer_break_even": 0.0},
            "Pays by itself, whatever a lost customer costs.",
        ),
        (
            {"customers_won": -10.0, "margin_won": 90.0, "customer_break_even": 9.0},
            "Pays only while a lost customer costs less than $9.",
        ),
        ({"customers_won": 0.0, "margin_won": -5.0}, "Does not pay at any price of a lost customer."),
        ({"customers_won": 0.0, "margin_won": 5.0}, ""),
    ],
)
def test_break_even_of_a_customer(figures: dict[str, float], told: str) -> None:
    assert say.customer_terms(figures) == told


def test_break_even_of_a_rail_turns_with_the_space() -> None:
    keeps = say.rail_terms({"rail_weeks": 40.0, "rail_week_break_even": 41.0})
    gives = say.rail_terms({"rail_weeks": -40.0, "rail_week_break_even": 141.26})
    assert keeps == "Pays while the incoming set earns less than $41 a week on a rail."
    assert gives == "Pays while the incoming set earns more than $141 a week on a rail."
    assert say.rail_terms({"rail_weeks": 40.0, "rail_week_break_even": None}) == ""


def test_what_is_given_is_not_asked_for_again() -> None:
    figures = {
        "customers_won": 10.0, "customer_break_even": 3.0, "rail_weeks": 4.0, "rail_week_break_even": 5.0,
    }  # fmt: skip
    assert "customer" not in say.terms(figures, Stakes(customer_value=1.0))
    assert "rail" not in say.terms(figures, Stakes(rail_week_value=1.0))


@pytest.mark.parametrize(
    ("figure", "value", "today", "told"),
    [
        ("units", 500.0, 341.0, Beside("500", "159 more", "better")),
        ("turned_away", 203.0, 345.0, Beside("203", "142 fewer", "better")),
        ("margin", 4346.0, 5000.0, Beside("$4,346", "$654 less", "worse")),
        ("sell_through", 0.94, 0.70, Beside("94%", "24 points more", "better")),
        ("rate_of_sale", 14.66, 22.06, Beside("14.7", "7.4 less", "")),
        ("margin", 5000.2, 5000.0, Beside("$5,000", "as today", "")),
        ("weeks_of_supply", None, 3.0, Beside("not known", "", "")),
        ("customers_won", 142.4, 0.0, Beside("+142", "", "better")),
        ("customers_won", -3.0, 0.0, Beside("\N{MINUS SIGN}3", "", "worse")),
    ],
)
def test_a_figure_beside_todays(figure: str, value: float | None, today: float, told: Beside) -> None:
    assert say.beside(OF[figure], {figure: value}, {figure: today}) == told


def test_a_ladder_names_the_span_of_every_plan() -> None:
    rows = [
        {"from_value": 0.0, "plan": plan_details(PLAN)},
        {"from_value": 4.5, "plan": plan_details(LONGER)},
    ]
    assert say.ladder(rows, customers=True) == [
        ("$0 to $4.50 a customer", PLAN),
        ("Over $4.50 a customer", LONGER),
    ]


def test_what_is_proposed_is_told_before_it_is() -> None:
    assert say.proposes(LONGER, PLAN, "hot", TODAY, {}) == "For the hot zone: exit 31 August."
    assert say.proposes(PLAN, PLAN, "hot", TODAY, {}).startswith("Move a date above")
    assert say.proposes(None, PLAN, "hot", TODAY, {}).startswith("Mend the plan above")
    some = Plan(PLAN.floor_set, PLAN.markdowns, LONGER.exit, rails=1.0)
    assert say.proposes(some, PLAN, "hot", TODAY, {}).startswith("The calendar has one exit for all")


def test_last_year_is_told_by_what_is_known_of_it() -> None:
    season = {"units": 340.0, "full_price_units": 255.0, "rate_of_sale": 2.4}
    assert say.last_year(season) == (
        "340 pieces sold last year in these days, 75% at full price, 2.4 a store and week."
    )
    assert say.last_year(None) == say.last_year({"units": 0.0}) == ""


@pytest.mark.parametrize(("value", "told"), [(0.0, "$0"), (3.2, "$3.20"), (41.0, "$41"), (1234.56, "$1,235")])
def test_cents_are_told_where_they_matter(value: float, told: str) -> None:
    assert say.cents(value) == told
