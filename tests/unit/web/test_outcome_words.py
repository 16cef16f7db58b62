"""How outcomes are told: counts, what a figure rests on, and silence where it rests on nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from data.backtests import Backtest
from data.outcomes.effort import Effort
from data.outcomes.tallies import Tally
from data.records import AlertOutcome, BacktestScore, DismissReason
from forecaster.codes import RULES, OutcomeVerdict
from tests.unit.web.making import NOW
from web.rendering import backtest_words, outcome_words
from web.rendering.life import dismissals

TODAY = date(2026, 6, 14)
MANY = Tally(
    happened=40, averted=5, did_not_happen=7, cannot_tell=3, foretold=45, missed=10, leads=45, lead_days=540,
    units_happened=300.0, units_recovered=60.0, units_missed=80.0, customers_happened=200.0,
    customers_recovered=40.0, customers_missed=60.0, money_happened=Decimal(9000),
    money_recovered=Decimal(1800), money_missed=Decimal(2400),
)  # fmt: skip


def outcome(verdict: str = "happened", rule: str = "stockout_in_season", **changes: Any) -> AlertOutcome:
    row = {
        "rule": rule, "store_id": "PHX1", "category": "trunks", "ended_on": date(2026, 5, 30),
        "reason": f"{verdict}:by=shelves;units=4.0;least=2.0;recovered=0.0;first=2026-05-20",
        "units_happened": 4.0, "units_recovered": 0.0, "money_happened": Decimal(120),
        "money_recovered": Decimal(0), "lead_days": 3,
    } | changes  # fmt: skip
    return AlertOutcome(verdict=OutcomeVerdict(verdict), **row)


def score(**changes: Any) -> BacktestScore:
    row = {
        "category": "trunks", "period": "", "first_ahead": 1, "last_ahead": 13, "rows": 400, "demand": 500.0,
        "wape": 0.54, "wpe": 0.03, "pinball": 0.4, "crps": 0.8, "coverage": 0.81, "beyond_p90": 0.09,
    } | changes  # fmt: skip
    return BacktestScore(**row)


def test_what_became_of_many_alerts_is_told_in_counts() -> None:
    assert outcome_words.headline(MANY) == "45 of 52 alerts were right"
    assert outcome_words.summary(MANY) == (
        "Of 52 alerts whose time is over, 40 came true, 5 were averted by what somebody did and 7 did not "
        "come true. Of 3 more nobody can tell."
    )
    assert outcome_words.share_foretold(MANY) == "45 of 55"
    assert outcome_words.missed(MANY) == "10 losses came that no alert spoke of: 80 units ($2,400)."
    assert outcome_words.ahead(MANY) == "12 days ahead"
    assert outcome_words.customers(MANY) == (
        "300 customers were turned away: 40 won back by what people did, 260 lost."
    )


@pytest.mark.parametrize(
    ("tally", "headline", "share"),
    [
        (Tally(), "No alert was judged in these weeks", "none judged"),
        (Tally(happened=3), "Too few to tell: 3 alerts", "too few to tell: 3 alerts"),
        (Tally(did_not_happen=1), "Too few to tell: 1 alert", "too few to tell: 1 alert"),
        (Tally(cannot_tell=12), "Nobody can tell of 12 alerts", "nobody can tell"),
        (Tally(happened=9), "Too few to tell: 9 alerts", "too few to tell: 9 alerts"),
        (Tally(happened=10), "10 of 10 alerts were right", "10 of 10"),
    ],
)
def test_of_too_few_alerts_no_share_is_told(tally: Tally, headline: str, share: str) -> None:
    assert outcome_words.headline(tally) == headline
    assert outcome_words.share_right(tally) == share


def test_what_never_was_is_not_told() -> None:
    nothing = Tally()

    assert outcome_words.summary(nothing) == ""
    assert outcome_words.missed(nothing) == ""
    assert outcome_words.ahead(nothing) == ""
    assert outcome_words.share_foretold(nothing) == ""
    assert outcome_words.customers(nothing) == (
        "No customer is known to have been turned away in these weeks."
    )


@pytest.mark.parametrize(
    ("days", "told"),
    [(-20, "2 days late"), (0, "on the day itself"), (10, "1 day ahead"), (120, "12 days ahead")],
)
def test_the_telling_is_ahead_or_late(days: int, told: str) -> None:
    assert outcome_words.ahead(Tally(leads=10, lead_days=days)) == told


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (
            outcome(),
            (
                "It happened: 4 units ($120) were missed, from 20 May on, 3 days after people were told. "
                "Judged by what the store's own shelves sold."
            ),
        ),
        (
            outcome(lead_days=-2, units_recovered=1.0, money_recovered=Decimal(30)),
            (
                "It happened: 4 units ($120) were missed, from 20 May on, 2 days before people were told. "
                "1 unit ($30) won back by what people did. Judged by what the store's own shelves sold."
            ),
        ),
        (
            outcome("averted", units_happened=0.0, units_recovered=6.0, money_recovered=Decimal(180)),
            "Averted: what people did sold 6 units ($180).",
        ),
        (
            outcome("did_not_happen", units_happened=0.2, reason="did_not_happen:by=witnesses"),
            (
                "It did not happen: nothing was missed, too little to count. "
                "Judged by shelves elsewhere in its climate and by customers who asked."
            ),
        ),
        (
            outcome("cannot_tell", reason="cannot_tell:by=no_figures"),
            "Nobody can tell: the store sent no figures of those weeks.",
        ),
        (outcome("cannot_tell", reason=""), "Nobody can tell: nothing shows it."),
        (
            outcome(rule="stock_outlasts_season", reason="", lead_days=None),
            "It happened: 4 units ($120) were left over.",
        ),
        (outcome(rule="feed_late"), "It happened: the figures were lacking."),
    ],
)
def test_one_outcome_says_what_came_and_what_that_rests_on(one: AlertOutcome, sentence: str) -> None:
    assert outcome_words.told(one, TODAY) == sentence


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("verdict", OutcomeVerdict)
def test_every_rule_has_a_sentence_for_every_verdict(rule: str, verdict: OutcomeVerdict) -> None:
    told = outcome_words.told(outcome(verdict, rule=rule), TODAY)

    assert told.endswith(".")
    assert "_" not in told
    assert "  " not in told
    assert outcome_words.verdict_name(verdict)


def test_effort_is_told_against_the_first_night() -> None:
    before, now = Effort(1.6, 7.2, 0.93, 100.0), Effort(1.3, 1.0, 1.0, 100.0)

    assert outcome_words.effort({date(2026, 3, 15): before, date(2026, 6, 13): now}, TODAY) == (
        "To find their size, customers now go to 1.3 stores and 1 mile. "
        "On 15 March it was 1.6 stores and 7 miles; 7 of 100 look in vain."
    )
    assert outcome_words.effort({TODAY: now}, TODAY) == (
        "To find their size, customers now go to 1.3 stores and 1 mile."
    )
    assert outcome_words.effort({}, TODAY) == ""


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((0, 0, 0), "No change that people made to the forecast in these weeks has been measured yet."),
        (
            (12, 8, 3),
            (
                "Of 12 changes that people made to the forecast, measured after the fact: 8 closer to what "
                "was sold, 3 farther from it and 1 neither."
            ),
        ),
        (
            (1, 1, 0),
            (
                "Of 1 change that people made to the forecast, measured after the fact: 1 closer to what "
                "was sold."
            ),
        ),
    ],
)
def test_changes_of_the_forecast_are_counted_by_what_they_did(
    counts: tuple[int, int, int], told: str
) -> None:
    assert outcome_words.changes(*counts) == told


def test_dismissals_are_counted_by_reason_in_their_order() -> None:
    numbers = {DismissReason.ACCEPTED_RISK: 1, DismissReason.DATA_ERROR: 2}

    assert outcome_words.dismissed(numbers, dismissals()) == (
        "3 alerts were dismissed: 2 as “The figures are wrong” and 1 as “We take the risk”."
    )
    assert outcome_words.dismissed({}, dismissals()) == "No alert was dismissed in these weeks."


@pytest.mark.parametrize(
    ("changes", "sentence", "verdict"),
    [
        (
            {},
            (
                "For every 100 sold the forecast was 54 off, on balance 3 too high. "
                "Of 100 weeks, 81 fell inside the likely range."
            ),
            "As it should be",
        ),
        (
            {"wpe": -0.2, "coverage": 0.9},
            (
                "For every 100 sold the forecast was 54 off, on balance 20 too low. "
                "Of 100 weeks, 90 fell inside the likely range."
            ),
            "Too low",
        ),
        (
            {"wpe": 0.001, "coverage": 0.7},
            (
                "For every 100 sold the forecast was 54 off, and neither too high nor too low on balance. "
                "Of 100 weeks, 70 fell inside the likely range."
            ),
            "Surer than it should be",
        ),
        (
            {"beyond_p90": 0.16, "coverage": 0.8},
            (
                "For every 100 sold the forecast was 54 off, on balance 3 too high. "
                "Of 100 weeks, 80 fell inside the likely range."
            ),
            "Surer than it should be",
        ),
        (
            {"coverage": 0.97},
            (
                "For every 100 sold the forecast was 54 off, on balance 3 too high. "
                "Of 100 weeks, 97 fell inside the likely range."
            ),
            "Less sure than it could be",
        ),
    ],
)
def test_a_score_is_told_in_plain_words_first(changes: dict[str, float], sentence: str, verdict: str) -> None:
    said = backtest_words.accuracy(score(**changes))

    assert said is not None
    assert (said.sentence, said.verdict) == (sentence, verdict)


def test_a_score_that_rests_on_little_is_not_told() -> None:
    assert backtest_words.accuracy(score(rows=49)) is None
    assert backtest_words.too_few(score(rows=49)) == "too few to tell: 49 weeks"
    assert backtest_words.accuracy(score(wape=None)) is None
    assert backtest_words.too_few(score(wape=None)) == "nothing was sold"


def test_a_backtest_says_what_it_did() -> None:
    made = Backtest(1, TODAY, NOW, origins=13, horizon=13, category="")

    assert backtest_words.played(made).startswith(
        "The history was foretold 13 times, 13 weeks ahead each time"
    )
    once = Backtest(1, TODAY, NOW, origins=1, horizon=1, category="trunks")
    assert backtest_words.played(once).startswith("The history of trunks was foretold once, 1 week ahead")
    assert backtest_words.weeks_ahead(score(first_ahead=5, last_ahead=8)) == "5 to 8 weeks"
    assert backtest_words.period_name("before_floor_set") == "Before the floor-set"
