"""A night that is done again: what was corrected counts, no date counts twice, nobody is told twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from data.errors import ConflictError, InSeasonError, NightRefusedError, NotYoursError, TransitionError
from data.feeds.freshness import freshness
from data.feeds.loading import import_feed
from data.locks import only_writer
from data.records import (
    Alert,
    AlertEvent,
    AlertOutcome,
    MailChoices,
    MailDecision,
    OutboxMail,
    Pace,
    Person,
    QueueState,
    Role,
    Run,
    RunKind,
    RunRequest,
    RunState,
    StoreEffort,
)
from data.run_queue import SILENT_AFTER, ask_for_night, queue_of, withdraw
from jobs.night import run_night
from jobs.scheduler import run_asked_nights, show_life
from tests.ground.elsewhere import writing_elsewhere
from tests.ground.nights import run_two_nights
from tests.ground.retailer import AS_OF

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from data.records import Record
    from jobs.service import Service

BEFORE = AS_OF - timedelta(days=1)


@pytest.fixture
def everybody_wants_mail(people: Service) -> Service:
    """The retailer with its people; the merchandiser and the manager want mail every morning."""
    with people.database.write() as session:
        for person in session.scalars(select(Person)):
            choices = MailChoices.to_begin_with(person)
            choices.pace, choices.changed_by = Pace.NIGHTLY, person.email
            choices.changed_at = people.clock.now()
            session.add(choices)
    return people


def person(service: Service, role: Role = Role.ADMIN) -> Person:
    with service.database.read() as session:
        return session.scalars(select(Person).where(Person.role == role)).one()


def ask(
    service: Service, day: date = AS_OF, role: Role = Role.ADMIN, reason: str = "stock corrected"
) -> RunRequest:
    return ask_for_night(service.database, day, by=person(service, role), reason=reason, clock=service.clock)


def asked(service: Service) -> list[RunRequest]:
    with service.database.read() as session:
        return list(session.scalars(select(RunRequest).order_by(RunRequest.request_id)))


def the_night(service: Service, day: date = AS_OF) -> Run:
    with service.database.read() as session:
        return session.scalars(select(Run).where(Run.kind == RunKind.NIGHT, Run.business_date == day)).one()


def how_many(service: Service, record: type[Record]) -> int:
    with service.database.read() as session:
        return session.scalar(select(func.count()).select_from(record)) or 0


def alerts_as_told(service: Service) -> list[tuple[object, ...]]:
    """All that a night decides about alerts, counters among it."""
    columns = (
        Alert.fingerprint,
        Alert.status,
        Alert.condition,
        Alert.fired_nights,
        Alert.clear_nights,
        Alert.opened_on,
        Alert.evaluated_on,
        func.round(Alert.units_lost * 1_000_000),
    )
    with service.database.read() as session:
        rows = session.execute(select(*columns).order_by(Alert.fingerprint, Alert.alert_id))
        return [tuple(row) for row in rows]


def correct_stock(service: Service, change: Callable[[list[str]], list[str]]) -> None:
    """Load the last week of stock anew, each row as `change` has it."""
    done = next(
        path
        for path in (service.settings.inbox / "done", service.settings.inbox)
        if (path / "stock.csv").exists()
    )
    lines = (done / "stock.csv").read_text(encoding="utf-8").splitlines()
    newest = max(line.split(",")[0] for line in lines[1:])
    rows = [",".join(change(line.split(","))) for line in lines[1:] if line.startswith(newest)]
    load(service, "stock", done.parent / "corrected.txt", "\n".join([lines[0], *rows]) + "\n")


def load(service: Service, kind: str, path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    import_feed(
        kind,
        path,
        database=service.database,
        facts=service.facts,
        settings=service.settings,
        clock=service.clock,
    )
    path.unlink()


def sold_out(row: list[str]) -> list[str]:
    # Shares of the week on the shelf say the same as the count.
    return [*row[:3], "0", "0", row[5]] if row[2] == "TEE-M" else row


def test_done_again_on_the_same_figures_nothing_changes_and_nobody_is_told_twice(
    everybody_wants_mail: Service,
) -> None:
    service = everybody_wants_mail
    run_two_nights(service)
    before = alerts_as_told(service)
    counted = {record: how_many(service, record) for record in _KEPT}
    assert counted[OutboxMail] > 0
    first = the_night(service)

    ask(service)
    assert run_asked_nights(service) == 1

    assert alerts_as_told(service) == before
    assert {record: how_many(service, record) for record in _KEPT} == counted
    again = the_night(service)
    assert (again.run_id, again.state) == (first.run_id, RunState.SUCCEEDED)
    assert again.started_at > first.started_at
    assert [told["summary"] for told in again.details["earlier"]] == [first.summary]
    assert all(step.started_at >= again.started_at for step in again.steps)


_KEPT = (Alert, AlertEvent, AlertOutcome, StoreEffort, OutboxMail, MailDecision)


def test_a_correction_is_read_by_the_night_that_is_done_again(everybody_wants_mail: Service) -> None:
    service = everybody_wants_mail
    run_two_nights(service)
    rules_before = {(a[0]) for a in alerts_as_told(service)}
    mails = how_many(service, OutboxMail)
    correct_stock(service, sold_out)

    ask(service)
    run_asked_nights(service)

    found = [a for a in alerts_as_told(service) if a[0] not in rules_before and "TEE" in a[0]]
    assert found, "the shelves that are empty after the correction raise alerts"
    # The date has found them once, however often it is done.
    ask(service)
    run_asked_nights(service)
    assert {a[3] for a in alerts_as_told(service) if a in found} == {1}
    assert how_many(service, OutboxMail) == mails
    (request, _) = asked(service)
    assert request.state is QueueState.DONE
    assert request.run_id == the_night(service).run_id


def test_what_a_correction_takes_back_opens_again_with_the_next_one(everybody_wants_mail: Service) -> None:
    service = everybody_wants_mail
    run_two_nights(service)
    correct_stock(service, sold_out)
    ask(service)
    run_asked_nights(service)
    there = {a[0]: a for a in alerts_as_told(service)}

    correct_stock(service, lambda row: row)
    ask(service)
    run_asked_nights(service)
    back = {a[0]: a for a in alerts_as_told(service)}
    correct_stock(service, sold_out)
    ask(service)
    run_asked_nights(service)

    gone = [key for key in there if "TEE" in key]
    assert gone
    for key in gone:
        assert back[key][4] == 1, "one clear night, counted once"
    assert {a[0]: a for a in alerts_as_told(service)} == there


def test_a_night_that_a_later_one_followed_is_refused_with_the_reason(people: Service) -> None:
    run_two_nights(people)

    with pytest.raises(NightRefusedError, match="A later night, that of 2026-06-06, has run"):
        ask(people, BEFORE)
    with pytest.raises(NightRefusedError, match="A later night"):
        run_night(people, BEFORE, again_since=people.clock.machine_now())
    assert not asked(people)


def test_what_a_later_night_overtakes_while_it_waits_is_refused_by_the_scheduler(people: Service) -> None:
    run_night(people, BEFORE)
    ask(people, BEFORE)
    run_night(people, AS_OF)

    assert run_asked_nights(people) == 0

    (request,) = asked(people)
    assert request.state is QueueState.REFUSED
    assert request.outcome.startswith("A later night, that of 2026-06-06, has run")


def test_a_day_that_is_not_over_cannot_be_asked_for(people: Service) -> None:
    with pytest.raises(NightRefusedError, match="is not over in every store yet"):
        ask(people, AS_OF + timedelta(days=1))


def test_a_night_is_asked_for_once_while_it_waits_and_again_when_it_is_over(people: Service) -> None:
    run_night(people)
    ask(people)

    with pytest.raises(ConflictError, match="asked for already"):
        ask(people, role=Role.MERCHANDISER)
    run_asked_nights(people)
    ask(people, role=Role.MERCHANDISER)

    assert [request.state for request in asked(people)] == [QueueState.DONE, QueueState.WAITING]


def test_a_store_manager_asks_for_no_night_and_nobody_without_a_reason(people: Service) -> None:
    with pytest.raises(NotYoursError, match="Only an admin or a merchandiser"):
        ask(people, role=Role.STORE_MANAGER)
    with pytest.raises(InSeasonError, match="Say in a few words why"):
        ask(people, reason="  ")
    with pytest.raises(InSeasonError, match="at most 300 characters"):
        ask(people, reason="x" * 301)


def test_what_waits_can_be_withdrawn_by_who_asked_or_an_admin(people: Service) -> None:
    run_night(people)
    request = ask(people)
    now = people.clock.machine_now()
    with pytest.raises(NotYoursError, match="Somebody else asked"):
        withdraw(people.database, request.request_id, by=person(people, Role.MERCHANDISER), now=now)

    withdraw(people.database, request.request_id, by=person(people), now=now)

    assert run_asked_nights(people) == 0
    assert [asked_for.state for asked_for in asked(people)] == [QueueState.WITHDRAWN]
    with pytest.raises(TransitionError, match="has begun already"):
        withdraw(people.database, request.request_id, by=person(people), now=now)


def test_a_request_waits_while_another_process_is_at_work(people: Service) -> None:
    run_night(people)
    ask(people)

    with writing_elsewhere(people.database):
        assert run_asked_nights(people) == 0
        assert [request.state for request in asked(people)] == [QueueState.WAITING]
    assert run_asked_nights(people) == 1


def test_a_request_whose_runner_died_is_taken_up_by_the_next_look(people: Service) -> None:
    run_night(people)
    request = ask(people)
    with people.database.write() as session:
        session.get_one(RunRequest, request.request_id).begin(people.clock.machine_now())

    assert run_asked_nights(people) == 1

    assert [asked_for.state for asked_for in asked(people)] == [QueueState.DONE]


def test_a_night_that_began_after_it_was_asked_for_is_not_done_once_more(people: Service) -> None:
    run_night(people, BEFORE)
    ask(people, AS_OF)
    run_night(people, AS_OF)

    assert run_asked_nights(people) == 0

    (request,) = asked(people)
    assert request.state is QueueState.DONE
    assert "earlier" not in the_night(people).details


def test_a_night_that_fails_again_says_why_and_the_next_request_runs(
    people: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_night(people)
    ask(people)
    broken = pytest.MonkeyPatch()
    broken.setattr("jobs.forecasting.fit_demand", _break)
    assert run_asked_nights(people) == 0
    broken.undo()
    failed = the_night(people)
    assert failed.state is RunState.FAILED
    assert failed.summary.startswith("This was not foreseen (ZeroDivisionError: no season)")

    ask(people)
    assert run_asked_nights(people) == 1

    assert [request.state for request in asked(people)] == [QueueState.FAILED, QueueState.DONE]
    assert the_night(people).state is RunState.SUCCEEDED


def _break(*_arguments: object, **_options: object) -> None:
    raise ZeroDivisionError("no season")


def test_a_category_that_nothing_is_left_of_is_forecast_no_more(people: Service) -> None:
    run_night(people)
    folder = people.settings.inbox / "done"
    products = (folder / "products.csv").read_text(encoding="utf-8").replace("white T-shirts", "shirts")
    load(people, "products", folder.parent / "moved.txt", products)

    ask(people)
    run_asked_nights(people)

    told = people.facts.snapshot().query("SELECT category, count(*) AS n FROM forecasts GROUP BY category")
    assert dict(zip(told["category"], told["n"], strict=True)) == {"swim trunks": 12 * 52, "shirts": 12 * 52}


def test_the_scheduler_that_shows_no_life_is_told_of(people: Service) -> None:
    now = people.clock.machine_now()
    with people.database.read() as session:
        never = queue_of(session, now)
    assert (never.looked_at, never.is_silent) == (None, True)

    show_life(people)

    with people.database.read() as session:
        assert not queue_of(session, now).is_silent
        assert queue_of(session, now + SILENT_AFTER + timedelta(seconds=30)).is_silent


def test_the_night_keeps_how_fresh_the_feeds_are(retailer: Service) -> None:
    run_night(retailer)

    with retailer.database.read() as session:
        told = freshness(session)
    assert set(told) == {"sales", "stock"}
    assert told["stock"].newest == AS_OF
    assert (told["stock"].stores, told["stock"].late) == (4, ())


def test_a_store_whose_figures_are_late_is_named_with_its_newest_day(retailer: Service) -> None:
    for kind in ("sales", "stock"):
        path = retailer.settings.inbox / f"{kind}.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not (line[:7] == "2026-05" and line[11:17] == "SEA-01")]
        kept = [line for line in kept if not (line[:7] == "2026-06" or line[:10] == "2026-05-31")]
        path.write_text(
            "\n".join([*kept, *(line for line in lines if line[:10] == "2026-05-31" and "SEA" not in line)])
            + "\n"
        )
    run_night(retailer)

    with retailer.database.read() as session:
        late = freshness(session)["stock"].late
    assert [(store.store_id, store.name) for store in late] == [("SEA-01", "Seattle Pike")]
    assert late[0].newest.isoformat() < "2026-05-10"


def test_a_long_step_tells_how_far_it_is(retailer: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.tonight._TELL_EVERY_SECONDS", 0.0)
    run_night(retailer)

    steps = {step.name: step for step in the_night(retailer).steps}
    assert (steps["forecast"].done, steps["forecast"].total) == (2, 2)


def test_whoever_holds_the_lock_may_run_what_is_asked_for(people: Service) -> None:
    run_night(people)
    ask(people)

    with only_writer(people.database):
        assert run_asked_nights(replace(people)) == 1
