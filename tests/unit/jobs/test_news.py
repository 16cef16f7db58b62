"""What is news for whom, and whether a morning brings a mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from data.records import (
    Condition,
    MailChoices,
    Pace,
    Person,
    PersonCategory,
    PersonStore,
    Role,
    Scope,
    Section,
    Severity,
    Status,
)
from jobs.news import (
    ALL_CLEAR,
    DIGEST,
    GIVEN_UP,
    Before,
    News,
    Told,
    concerns,
    decide,
    decide_given_up,
    is_monday,
    news_for,
)
from tests.unit.web.making import make_alert

if TYPE_CHECKING:
    from data.records import Alert

# A Saturday: its mail is read on Sunday. The mail of the next night is Monday's.
SATURDAY = date(2026, 6, 13)
SUNDAY = SATURDAY + timedelta(days=1)
NOW = datetime(2026, 6, 13, 23, tzinfo=UTC)


def alert(
    alert_id: int = 1,
    status: Status = Status.OPEN,
    condition: Condition = Condition.FIRING,
    **changes: Any,
) -> Alert:
    made = make_alert(alert_id, **({"act_by": None} | changes))
    made.status, made.condition = status, condition
    return made


def told(**changes: Any) -> Told:
    """What the night before said of the alert that `alert` makes."""
    same = Told(SATURDAY - timedelta(days=1), Section.NEW, 38.2, Severity.HIGH, None)
    return replace(same, **changes)


def sorted_news(
    *alerts: Alert, known: Told | None = None, pace: Pace = Pace.NIGHTLY, returns: int = 0
) -> News:
    known_of = {one.alert_id: known for one in alerts} if known else {}
    counts = {one.alert_id: returns for one in alerts}
    return news_for(alerts, known_of, pace=pace, business_date=SATURDAY, returns=counts)


def heading(news: News) -> str:
    [name] = [name for name in ("new", "worse", "due", "open", "recovered") if getattr(news, name)]
    return name


def test_an_open_alert_that_no_mail_has_told_is_new() -> None:
    news = sorted_news(alert())
    assert heading(news) == "new"
    assert news.is_news


def test_what_was_told_and_has_not_changed_is_open_and_no_news() -> None:
    news = sorted_news(alert(), known=told())
    assert heading(news) == "open"
    assert not news.is_news


@pytest.mark.parametrize(
    ("units", "before", "expected"),
    [
        (12.0, 10.0, "open"),
        (13.0, 10.0, "worse"),
        (3.9, 1.0, "open"),
        (4.0, 1.0, "worse"),
        (120.0, 100.0, "open"),
        (125.0, 100.0, "worse"),
        (50.0, 100.0, "open"),
    ],
)
def test_worse_is_a_share_and_a_minimum_more_than_was_told(
    units: float, before: float, expected: str
) -> None:
    assert heading(sorted_news(alert(units_lost=units), known=told(units=before))) == expected


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (Severity.HIGH, Severity.MEDIUM, "worse"),
        (Severity.MEDIUM, Severity.LOW, "worse"),
        (Severity.MEDIUM, Severity.HIGH, "open"),
    ],
)
def test_a_severity_that_rose_is_worse(now: Severity, before: Severity, expected: str) -> None:
    assert heading(sorted_news(alert(severity=now), known=told(severity=before))) == expected


def test_growth_is_held_against_what_was_told_and_not_against_the_night_before() -> None:
    # Two more every night, none of which is much more than the one before.
    assert not sorted_news(alert(units_lost=24.0), known=told(units=20.0)).is_news
    assert sorted_news(alert(units_lost=26.0), known=told(units=20.0)).is_news


@pytest.mark.parametrize(
    ("pace", "days", "expected"),
    [
        (Pace.NIGHTLY, 3, "due"),
        (Pace.NIGHTLY, 4, "open"),
        (Pace.MONDAY, 7, "due"),
        (Pace.MONDAY, 8, "open"),
        (Pace.NIGHTLY, -1, "due"),
    ],
)
def test_a_day_is_due_when_nothing_later_would_remind_of_it(pace: Pace, days: int, expected: str) -> None:
    act_by = SUNDAY + timedelta(days=days)
    before = told(act_by=act_by, on=SATURDAY - timedelta(days=14))
    assert heading(sorted_news(alert(act_by=act_by), known=before, pace=pace)) == expected


def test_a_due_day_is_news_once_and_again_when_it_has_passed() -> None:
    act_by = SUNDAY + timedelta(days=2)
    first = sorted_news(alert(act_by=act_by), known=told(act_by=act_by, on=SATURDAY - timedelta(days=5)))
    again = sorted_news(alert(act_by=act_by), known=told(act_by=act_by, on=SATURDAY - timedelta(days=1)))
    passed = sorted_news(alert(act_by=SATURDAY), known=told(act_by=SATURDAY, on=SATURDAY - timedelta(days=1)))
    assert (first.newly_due, again.newly_due, passed.newly_due) == (1, 0, 1)
    assert [heading(news) for news in (first, again, passed)] == ["due"] * 3


def test_what_somebody_has_taken_on_is_told_only_when_it_is_due_or_worse() -> None:
    taken = {"status": Status.ACKNOWLEDGED}
    assert sorted_news(alert(**taken)) == News()
    assert sorted_news(alert(**taken), known=told()) == News()
    assert heading(sorted_news(alert(**taken, act_by=SUNDAY))) == "due"
    assert heading(sorted_news(alert(**taken, units_lost=80.0), known=told())) == "worse"


@pytest.mark.parametrize("status", [Status.PENDING, Status.SNOOZED, Status.DISMISSED, Status.EXPIRED])
def test_what_waits_is_put_off_dismissed_or_expired_is_not_told(status: Status) -> None:
    assert sorted_news(alert(status=status), known=told(units=1.0)) == News()


def test_what_comes_back_from_being_put_off_is_news_once() -> None:
    assert sorted_news(alert(), known=told(returns=0), returns=1).newly_due == 1
    assert sorted_news(alert(), known=told(returns=1), returns=1).newly_due == 0


def test_only_what_was_told_can_recover_and_that_is_told_once() -> None:
    over = {"status": Status.RESOLVED, "condition": Condition.CLEAR}
    assert heading(sorted_news(alert(**over), known=told())) == "recovered"
    assert sorted_news(alert(**over)) == News()
    assert sorted_news(alert(**over), known=told(section=Section.RECOVERED)) == News()


def test_what_comes_back_after_it_was_told_as_recovered_is_new() -> None:
    assert heading(sorted_news(alert(), known=told(section=Section.RECOVERED))) == "new"


def test_late_figures_are_counted_and_never_told_as_anything() -> None:
    news = sorted_news(alert(condition=Condition.UNKNOWN, act_by=SUNDAY), known=told(units=1.0))
    assert news == News(frozen=1)
    assert not news.is_news


def test_whoever_wants_only_what_is_severe_is_told_of_nothing_else() -> None:
    severe = {"pace": Pace.ONLY_SEVERE}
    assert sorted_news(alert(severity=Severity.MEDIUM), **severe) == News()
    assert sorted_news(alert(severity=Severity.HIGH), **severe).is_news
    over = alert(status=Status.RESOLVED, condition=Condition.CLEAR, severity=Severity.LOW)
    assert heading(sorted_news(over, known=told(severity=Severity.HIGH), **severe)) == "recovered"


NEWS = News(new=(make_alert(1),), newly_due=2)


@pytest.mark.parametrize(
    ("pace", "night", "news", "mail_on", "kind", "reason"),
    [
        (Pace.OFF, SUNDAY, NEWS, None, "", "mails are off by choice"),
        (Pace.MONDAY, SATURDAY, NEWS, None, "", "mails come on Mondays by choice"),
        (Pace.MONDAY, SUNDAY, NEWS, date(2026, 6, 7), DIGEST, "1 new and 2 due since the mail of 7 June"),
        (Pace.NIGHTLY, SATURDAY, NEWS, None, DIGEST, "1 new and 2 due to tell"),
        (Pace.NIGHTLY, SATURDAY, News(), date(2026, 6, 6), "", "nothing new since the mail of 6 June"),
        (Pace.NIGHTLY, SATURDAY, News(), None, "", "nothing new yet"),
        (Pace.NIGHTLY, SUNDAY, News(), date(2026, 6, 8), "", "nothing new since the mail of 8 June"),
        (
            Pace.NIGHTLY,
            SUNDAY,
            News(),
            date(2026, 6, 7),
            ALL_CLEAR,
            "nothing new since the mail of 7 June: the week's all-clear",
        ),
        (
            Pace.MONDAY,
            SUNDAY,
            News(),
            date(2026, 6, 7),
            ALL_CLEAR,
            "nothing new since the mail of 7 June: the week's all-clear",
        ),
        (Pace.ONLY_SEVERE, SUNDAY, News(), None, ALL_CLEAR, "nothing severe new yet: the week's all-clear"),
        (Pace.OFF, SUNDAY, News(), None, "", "mails are off by choice"),
    ],
)
def test_every_decision_is_a_reason(
    pace: Pace, night: date, news: News, mail_on: date | None, kind: str, reason: str
) -> None:
    verdict = decide(pace, news, business_date=night, before=Before(mail_on, night - timedelta(days=1)))
    assert (verdict.kind, verdict.reason) == (kind, reason)


def test_the_mail_of_sundays_night_is_mondays() -> None:
    week = [SATURDAY + timedelta(days=n) for n in range(8)]
    found = [night for night in week if is_monday(night, night - timedelta(days=1))]
    assert found == [SUNDAY]


def test_a_monday_whose_night_did_not_run_is_made_up_for_on_the_next_morning_and_only_then() -> None:
    monday, tuesday = SUNDAY + timedelta(days=1), SUNDAY + timedelta(days=2)
    assert is_monday(monday, decided_on=SATURDAY)
    assert not is_monday(tuesday, decided_on=monday)
    assert not is_monday(monday, decided_on=None)


@pytest.mark.parametrize(
    ("pace", "lost", "kind", "reason"),
    [
        (Pace.GIVEN_UP, 0, "", "no mail was given up"),
        (Pace.GIVEN_UP, 1, GIVEN_UP, "1 mail was given up"),
        (Pace.GIVEN_UP, 12, GIVEN_UP, "12 mails were given up"),
        (Pace.OFF, 12, "", "mails are off by choice"),
    ],
)
def test_an_admin_is_told_of_mails_that_were_given_up(pace: Pace, lost: int, kind: str, reason: str) -> None:
    verdict = decide_given_up(pace, lost)
    assert (verdict.kind, verdict.reason) == (kind, reason)


def person(role: Role, *, stores: tuple[str, ...] = (), categories: tuple[str, ...] = ()) -> Person:
    return Person(
        person_id=1,
        email="a@shop.example",
        name="A",
        role=role,
        created_at=NOW,
        stores=[PersonStore(store_id=store) for store in stores],
        categories=[PersonCategory(category=category) for category in categories],
    )


MANAGER = person(Role.STORE_MANAGER, stores=("PHX1", "PHX2"))
BUYER = person(Role.MERCHANDISER, categories=("Swim trunks",))
ALL_BUYER = person(Role.MERCHANDISER)
ZONE = {"scope": Scope.ZONE, "store_id": "", "style_id": "", "climate_zone": "hot"}
CHAIN = {"scope": Scope.CHAIN, "store_id": "", "category": ""}


@pytest.mark.parametrize(
    ("who", "changes", "expected"),
    [
        (MANAGER, {}, True),
        (MANAGER, {"store_id": "SEA1"}, False),
        (MANAGER, ZONE, False),
        (MANAGER, CHAIN, False),
        (BUYER, {"store_id": "SEA1"}, True),
        (BUYER, {"category": "Snow boots"}, False),
        (BUYER, ZONE, True),
        (BUYER, CHAIN, True),
        (ALL_BUYER, {"category": "Snow boots"}, True),
    ],
)
def test_an_alert_is_the_business_of_its_stores_manager_and_its_categorys_merchandiser(
    who: Person, changes: dict[str, Any], expected: bool
) -> None:
    assert concerns(alert(**changes), who, MailChoices.to_begin_with(who)) is expected


def test_what_a_zones_alert_gathers_is_told_to_the_stores_manager_and_not_to_the_merchandiser() -> None:
    child = alert(7)
    found = [concerns(child, who, MailChoices.to_begin_with(who), gathered={7}) for who in (MANAGER, BUYER)]
    assert found == [True, False]


def test_choices_narrow_what_is_told_and_never_widen_it() -> None:
    narrowed = MailChoices(pace=Pace.NIGHTLY, stores=["PHX2"], categories=["Swim trunks"])
    assert not concerns(alert(), MANAGER, narrowed)
    assert concerns(alert(store_id="PHX2"), MANAGER, narrowed)
    assert not concerns(alert(store_id="PHX2", category="Snow boots"), MANAGER, narrowed)
    wider = MailChoices(pace=Pace.NIGHTLY, stores=["SEA1"], categories=[])
    assert not concerns(alert(store_id="SEA1"), MANAGER, wider)
    # What is about no single store is not left out by a choice of stores.
    assert concerns(alert(**ZONE), BUYER, MailChoices(pace=Pace.MONDAY, stores=["PHX1"], categories=[]))
