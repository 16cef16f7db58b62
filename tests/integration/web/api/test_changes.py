from __future__ import annotations

from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

from data.records import Alert, AlertEvent, How
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, World
from tests.unit.web.making import make_alert

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.database import Database
    from tests.integration.web.api.conftest import Program


def events_of(database: Database, alert_id: int) -> list[AlertEvent]:
    with database.read() as records:
        query = records.query(AlertEvent).filter(AlertEvent.alert_id == alert_id)
        return query.order_by(AlertEvent.event_id).all()


def version_of(caller: Program, alert_id: int) -> int:
    return int(caller.get(f"/alerts/{alert_id}").json["version"])


def test_an_alert_is_taken_on_and_the_history_says_who_and_how(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    caller = program(MANAGER)

    answer = caller.post(f"/alerts/{world.own_alert}/acknowledge", {"version": 1})

    assert answer.status_code == 200, answer.text
    assert (answer.json["status"], answer.json["acknowledged_until"]) == ("acknowledged", "2026-06-28")
    last = answer.json["events"][-1]
    assert (last["who"], last["how"], last["what"]) == ("Maya Ortiz", "api", "acknowledge")
    stored = events_of(database, world.own_alert)[-1]
    assert (stored.who, stored.how) == (MANAGER, How.API)


PUT_AWAY: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("snooze", {"until": "2026-06-28"}, "snoozed"),
    ("snooze", {}, "snoozed"),
    ("dismiss", {"reason": "not_ranged"}, "dismissed"),
    ("dismiss", {"reason": "other", "note": "The shop is rebuilt."}, "dismissed"),
)


def test_an_alert_is_put_off_or_dismissed_and_that_is_taken_back(
    world: World, program: Callable[..., Program]
) -> None:
    caller, path = program(MANAGER), f"/alerts/{world.own_alert}"

    for act, body, status in PUT_AWAY:
        done = caller.post(f"{path}/{act}", {"version": version_of(caller, world.own_alert)} | body)
        assert (done.status_code, done.json["status"]) == (200, status)
        undone = caller.post(f"{path}/undo", {"version": done.json["version"]})
        assert (undone.status_code, undone.json["status"]) == (200, "open")


def test_what_was_dismissed_is_opened_again(world: World, program: Callable[..., Program]) -> None:
    caller, path = program(MANAGER), f"/alerts/{world.own_alert}"
    done = caller.post(f"{path}/dismiss", {"version": 1, "reason": "duplicate"})

    opened = caller.post(f"{path}/reopen", {"version": done.json["version"]})

    assert (opened.status_code, opened.json["status"]) == (200, "open")


def test_a_newer_alert_about_the_same_keeps_an_old_one_closed(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    caller, path = program(MANAGER), f"/alerts/{world.own_alert}"
    done = caller.post(f"{path}/dismiss", {"version": 1, "reason": "duplicate"})
    with database.write() as records:
        records.add(make_alert(None))

    answer = caller.post(f"{path}/reopen", {"version": done.json["version"]})

    assert answer.status_code == 409
    assert answer.json["detail"] == "There is a newer alert about the same; look at that one."


REFUSED: tuple[tuple[str, Any, int, str], ...] = (
    ("snooze", {"version": 1, "until": "2026-06-01"}, 422, "refused"),
    ("snooze", {"version": 1, "until": "next week"}, 422, "invalid"),
    ("snooze", {"version": 1, "until": 1781000000}, 422, "invalid"),
    ("dismiss", {"version": 1, "reason": "other"}, 422, "refused"),
    ("dismiss", {"version": 1, "reason": "because"}, 422, "invalid"),
    ("dismiss", {"version": 1, "reason": "other", "note": "a\0b"}, 422, "invalid"),
    ("reopen", {"version": 1}, 409, "not-now"),
    ("undo", {"version": 1}, 409, "not-now"),
    ("acknowledge", {"version": 2}, 409, "overtaken"),
    ("acknowledge", {}, 422, "invalid"),
    ("acknowledge", {"version": "1"}, 422, "invalid"),
    ("acknowledge", {"version": True}, 422, "invalid"),
    ("acknowledge", {"version": 1, "force": True}, 422, "invalid"),
    ("acknowledge", [1], 422, "invalid"),
)


def test_what_cannot_be_done_changes_nothing_and_says_why(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    caller, before = program(MANAGER), len(events_of(database, world.own_alert))

    for act, body, status, kind in REFUSED:
        answer = caller.post(f"/alerts/{world.own_alert}/{act}", body)
        assert answer.status_code == status, (act, body, answer.text)
        assert answer.json["type"] == f"urn:inseason:problem:{kind}"
        assert answer.json["detail"].endswith(".")

    assert len(events_of(database, world.own_alert)) == before


def test_whoever_comes_second_is_told_who_was_faster(world: World, program: Callable[..., Program]) -> None:
    program(MERCHANDISER).post(f"/alerts/{world.own_alert}/acknowledge", {"version": 1})

    answer = program(MANAGER).post(f"/alerts/{world.own_alert}/snooze", {"version": 1})

    assert answer.status_code == 409
    assert answer.json["type"] == "urn:inseason:problem:overtaken"
    assert answer.json["detail"].startswith("Jonas Lind has taken this on meanwhile.")


def test_a_night_in_between_is_a_change_as_well(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    caller = program(MANAGER)
    seen = version_of(caller, world.own_alert)
    with database.write() as records:
        records.get_one(Alert, world.own_alert).units_lost += 1

    assert caller.post(f"/alerts/{world.own_alert}/acknowledge", {"version": seen}).status_code == 409
    assert caller.post(f"/alerts/{world.own_alert}/acknowledge", {"version": seen + 1}).status_code == 200


def test_of_two_at_the_same_moment_one_is_told_to_look_again(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    callers, start, answers = [program(MANAGER), program(ADMIN)], Barrier(2), []

    def press(caller: Program) -> None:
        start.wait()
        answers.append(caller.post(f"/alerts/{world.own_alert}/snooze", {"version": 1}).status_code)

    threads = [Thread(target=press, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [200, 409]
    assert [event.what for event in events_of(database, world.own_alert)].count("snooze") == 1


def test_a_change_needs_no_form_token_because_no_browser_is_let_in(
    world: World, program: Callable[..., Program]
) -> None:
    answer = program(MANAGER).post(
        f"/alerts/{world.own_alert}/acknowledge",
        {"version": 1},
        headers={"Origin": "https://elsewhere.example"},
    )

    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Set-Cookie" not in answer.headers
