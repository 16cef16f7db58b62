"""What moves an alert and how sure that is, as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.web.making import make_alert
from web.rendering.drivers import certainty, reasons

if TYPE_CHECKING:
    from data.records import Alert

JARGON = ("elastic", "factor", "season_", "p90", "dispersion", "exposure", "model", "nan")


def moved(label: str = "observed", **changes: Any) -> Alert:
    """An alert with drivers, changed as the test wants."""
    drivers: dict[str, Any] = {
        "weekly": 12.3,
        "times": 2.16,
        "season": 1.8,
        "warmth": 1.2,
        "holidays": 1.0,
        "elasticity": 1.65,
        "asked": 0.0,
        "evidence": {label: 1.0},
        "stores_here": 4,
        "stores_elsewhere": 3,
    } | changes
    return make_alert(evidence=label, drivers=drivers)


def test_an_average_week_these_weeks_and_the_price_are_told_in_a_sentence_each() -> None:
    assert reasons(moved()) == [
        "Over the year, customers here want about 12 a week on average.",
        (
            "In these weeks they want 2.2 times that: 1.8 for the time of year "
            "and 1.2 for how warm it is here against other zones."
        ),
        "At a tenth off, they buy about 19% more.",
    ]


def test_what_sells_less_than_once_a_week_is_told_by_the_year() -> None:
    assert reasons(moved(weekly=0.3))[0] == "Over the year, customers here want about 16 a year."


def test_a_week_like_any_other_needs_no_number() -> None:
    told = reasons(moved(times=1.02, season=1.02, warmth=1.0))
    assert told[1] == "In these weeks they want about as much as in any other."


def test_what_comes_from_one_thing_alone_is_not_taken_apart() -> None:
    told = reasons(moved(times=0.4, season=0.4, warmth=1.01))[1]
    assert told == "In these weeks they want 0.4 times that, because of the time of year."
    assert reasons(moved(times=1.08, season=1.04, warmth=1.04))[1].endswith("1.1 times that.")


def test_customers_who_do_not_mind_the_price_are_told_nothing_of_it() -> None:
    assert len(reasons(moved(elasticity=0.0))) == 2


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        ("observed", "4 stores in this climate had styles like it on the shelf in these weeks."),
        (
            "borrowed",
            "nobody in this climate had styles like it on the shelf in these weeks; 3 stores elsewhere",
        ),
        ("requested", "customers asked for 23 of them."),
        ("unknown", "nobody can know yet."),
    ],
)
def test_how_sure_it_is_says_who_has_seen_it(evidence: str, told: str) -> None:
    [sentence] = certainty(moved(evidence, asked=23.0 if evidence == "requested" else 0.0))
    assert sentence.startswith(evidence.capitalize())
    assert told in sentence


def test_without_a_store_to_count_it_is_told_without_a_number() -> None:
    for evidence in ("observed", "borrowed", "requested"):
        [sentence] = certainty(moved(evidence, stores_here=0, stores_elsewhere=0))
        assert sentence.startswith(evidence.capitalize())
        assert " 0 " not in sentence


def test_a_single_store_is_one() -> None:
    assert "1 store in this climate" in certainty(moved(stores_here=1))[0]


def test_customers_who_asked_are_counted_beside_what_was_seen() -> None:
    assert (
        "customers in this climate asked for 23 like it and did not find them."
        in certainty(moved(asked=23))[1]
    )
    assert len(certainty(moved(asked=2))) == 1


def test_what_part_of_the_figure_rests_on_something_else_is_said() -> None:
    [told] = certainty(moved(evidence={"observed": 0.65, "borrowed": 0.35}))
    assert told.endswith("on the shelf in most of these weeks; the rest is borrowed from elsewhere.")
    [told] = certainty(
        moved("requested", asked=23, evidence={"observed": 0.4, "requested": 0.45, "borrowed": 0.15})
    )
    assert "on the shelf in many of these weeks; customers asked for 23 of them;" in told
    assert told.endswith("the rest is observed here and borrowed from elsewhere.")
    [told] = certainty(moved(evidence={"observed": 0.95, "borrowed": 0.05}))
    assert told.endswith("in these weeks.")


def test_an_alert_of_before_there_were_drivers_says_what_it_always_said() -> None:
    alert = make_alert()
    for nothing in ({}, None):
        alert.drivers = nothing
        assert reasons(alert) == []
        assert certainty(alert) == [
            "Observed: stores in this climate had it on the shelf in these weeks, and it sold."
        ]


def test_no_word_of_the_trade_of_forecasting_reaches_a_person() -> None:
    for evidence in ("observed", "borrowed", "requested", "unknown"):
        told = " ".join([*reasons(moved(evidence)), *certainty(moved(evidence, asked=9))]).lower()
        assert [word for word in JARGON if word in told] == []
