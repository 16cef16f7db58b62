"""The calendar as people read it: a version, a plan, a change of the forecast, and what became of it."""

from __future__ import annotations

from datetime import date

import pytest

from data.calendar_rows import Difference, Scope
from data.records import ForecastOverride, Measure, OverrideEffect, Proposal
from web.rendering.calendar_words import (
    spoken,
    title_of,
    told_against,
    told_changes,
    told_effect,
    told_figure,
    told_override,
    told_plan,
    told_whom,
)

TODAY = date(2026, 6, 14)
HOT = Scope(climate_zone="hot_dry")
JULY, AUGUST = date(2026, 7, 5), date(2026, 8, 31)


def row(what: str, before: object, after: object, scope: Scope = HOT) -> Difference:
    return Difference("swim trunks", "SS26", scope, what, before, after)  # type: ignore[arg-type]


def lines(*rows: Difference) -> tuple[str, ...]:
    [season] = told_changes(rows, {"P1": "Phoenix North", "TIDE": "Tide Trunk"}, TODAY)
    return season.lines


def test_a_moved_exit_says_both_days() -> None:
    assert lines(row("exit", JULY, AUGUST)) == (
        "The hot dry zone: leaves the floor 31 August instead of 5 July.",
    )


def test_dates_and_markdowns_of_one_scope_are_one_sentence() -> None:
    cut, later = ((JULY, 30.0),), ((AUGUST, 30.0),)

    assert lines(row("exit", JULY, AUGUST), row("markdown", cut, later)) == (
        (
            "The hot dry zone: leaves the floor 31 August instead of 5 July; 30% off from 31 August instead "
            "of 30% off from 5 July."
        ),
    )


def test_a_new_window_says_from_when_to_when() -> None:
    opens = row("floor_set", None, date(2026, 2, 16), Scope(store_id="P1", style_id="TIDE"))
    leaves = row("exit", None, JULY, Scope(store_id="P1", style_id="TIDE"))

    assert lines(opens, leaves) == (
        "Phoenix North, Tide Trunk: now on the floor from 16 February to 5 July.",
    )


def test_a_window_taken_away_says_what_it_was() -> None:
    opens, leaves = row("floor_set", date(2026, 2, 16), None, Scope()), row("exit", JULY, None, Scope())

    assert lines(opens, leaves) == ("Everywhere: no dates any more, 16 February to 5 July before.",)


def test_markdowns_that_go_are_named() -> None:
    assert lines(row("markdown", ((JULY, 30.0),), None)) == (
        "The hot dry zone: no markdown instead of 30% off from 5 July.",
    )


def plan(exit_day: str = "2026-07-05", **changes: object) -> dict[str, object]:
    return {"floor_set": "2026-02-16", "exit": exit_day, "markdowns": []} | changes


def test_a_proposal_is_called_by_what_it_moves() -> None:
    made = Proposal(
        category="swim trunks", zones=["hot_dry"], plan=plan("2026-08-31"), today={"hot_dry": plan()}
    )

    assert title_of(made, TODAY) == "Swim trunks in the hot dry zone: on the floor until 31 August"


def test_a_plan_says_what_it_departs_from() -> None:
    later = plan("2026-08-31", markdowns=[{"day": "2026-07-27", "percent_off": 30.0}])

    assert told_plan(later, plan(), TODAY) == (
        "leaves the floor 31 August instead of 5 July; 30% off from 27 July instead of no markdown"
    )
    assert told_plan(plan(), plan(), TODAY) == "as it is today"


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [(12.4, "units", "12"), (-0.2, "units", "0"), (1234.0, "money", "$1,234"), (0.614, "share", "61%")],
)
def test_a_figure_is_written_as_its_kind(value: float, kind: str, told: str) -> None:
    assert told_figure(value, kind) == told


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [(81.0, "units", "+81"), (-2038.0, "money", "-$2,038"), (0.2, "units", "the same"),
     (None, "money", "unknown"), (0.05, "share", "+5 points")],
)  # fmt: skip
def test_a_difference_has_its_sign(value: float | None, kind: str, told: str) -> None:
    assert told_against(value, kind) == told


def change(measure: Measure = Measure.FACTOR, amount: float = 1.2, **scope: str) -> ForecastOverride:
    named = dict.fromkeys(("climate_zone", "store_id", "style_id"), "") | scope
    return ForecastOverride(category="swim trunks", measure=measure, amount=amount, **named)


def test_a_change_of_the_forecast_says_how_much_and_of_what() -> None:
    assert told_override(change()) == "20% more"
    assert told_override(change(amount=0.75)) == "25% less"
    assert told_override(change(Measure.UNITS, 120.0)) == "120 pieces a week"
    assert told_whom(change(), {}) == "Swim trunks, the chain"
    assert told_whom(change(climate_zone="hot_dry"), {}) == "Swim trunks, the hot dry zone"
    assert told_whom(change(store_id="P1"), {"P1": "Phoenix North"}) == "Swim trunks, Phoenix North"


def effect(with_it: float | None, without: float | None, weeks: int = 4) -> OverrideEffect:
    return OverrideEffect(passed=weeks, weeks=weeks, error_with=with_it, error_without=without)


def test_what_a_change_did_is_said_with_it_and_without() -> None:
    assert told_effect(effect(0.12, 0.31)) == (
        "The last 4 weeks: with this change off by 12%, without it 31%. It helped."
    )
    assert told_effect(effect(0.31, 0.12, 1)) == (
        "The last week: with this change off by 31%, without it 12%. It did not help."
    )
    assert told_effect(effect(0.2, 0.201)).endswith("It made no difference.")


def test_where_nothing_was_on_the_shelves_that_is_said() -> None:
    assert told_effect(effect(None, None, 2)) == (
        "2 weeks have passed, but there was not enough on the shelves to tell."
    )
    assert told_effect(None) == ""


def test_a_day_in_a_refusal_is_said_as_people_say_it() -> None:
    assert spoken("This plan cuts on 2026-07-05.", TODAY) == "This plan cuts on 5 July."
    assert spoken("SKU 2026-99-05 stays", TODAY) == "SKU 2026-99-05 stays"
