from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from data.errors import InSeasonError
from data.records import ApiToken, Person, PersonStore, Role, TokenScope
from data.records.tokens import GRANTABLE
from data.tokens import MOST_OPEN, give_token, mark_used, token_of
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, NEIGHBOUR, World, form_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient
    from sqlalchemy.orm import Session

    from data.database import Database
    from tests.integration.web.api.conftest import Program

NOW = datetime(2026, 6, 14, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def person_of(records: Session, email: str) -> Person:
    return records.scalars(select(Person).where(Person.email == email)).one()


def change_person(database: Database, email: str, **changes: object) -> None:
    with database.write() as records:
        person = person_of(records, email)
        for name, value in changes.items():
            setattr(person, name, value)


def used_at(database: Database, token_id: int) -> datetime | None:
    with database.read() as records:
        return records.get_one(ApiToken, token_id).last_used_at


def make_on_the_page(browser: FlaskClient, **form: object) -> str:
    """Make a token on its page and read the secret off it."""
    token = form_token(browser.get("/tokens").text)
    answer = browser.post("/tokens", data={"csrf_token": token, "days": "30"} | form)
    assert answer.status_code == 201, answer.text
    return answer.text.partition('aria-label="The token">')[2].partition("<")[0]


def test_a_person_makes_a_token_and_is_shown_it_once(
    client: FlaskClient, database: Database, logged_in: Callable[[str], FlaskClient]
) -> None:
    browser = logged_in(MANAGER)

    secret = make_on_the_page(browser, name="  Till  3 ", scope=["alerts:read"])

    assert client.get("/api/v1/alerts", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    page = browser.get("/tokens").text
    assert "Till 3" in page
    assert secret not in page
    with database.read() as records:
        stored = records.execute(text("SELECT * FROM api_tokens")).all()
    assert not any(secret in str(value) for row in stored for value in row)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"name": " ", "scope": "alerts:read"}, "Give the token a name"),
        ({"name": "Till"}, "Tick at least one thing"),
        ({"name": "Till", "scope": ["alerts:read", "feeds:write"]}, "Your role cannot grant feeds:write"),
        ({"name": "Till", "scope": "everything"}, "Your role cannot grant everything"),
        ({"name": "Till", "scope": "alerts:read", "days": "3650"}, "Choose how long the token lasts"),
    ],
)
def test_a_wrong_form_says_what_is_wrong_and_keeps_what_was_typed(
    form: dict[str, object], says: str, logged_in: Callable[[str], FlaskClient]
) -> None:
    browser = logged_in(MANAGER)
    token = form_token(browser.get("/tokens").text)

    answer = browser.post("/tokens", data={"csrf_token": token, "days": "30"} | form)

    assert answer.status_code == 422
    assert says in answer.text
    assert f'value="{form["name"]}"' in answer.text


def test_a_store_manager_is_offered_neither_feeds_nor_the_calendar(
    logged_in: Callable[[str], FlaskClient],
) -> None:
    page = logged_in(MANAGER).get("/tokens").text

    assert "alerts:write" in page
    assert "feeds:" not in page
    assert "calendar:read" not in page


def test_revoking_a_token_ends_it_at_once(
    program: Callable[..., Program], logged_in: Callable[[str], FlaskClient]
) -> None:
    caller, browser = program(MANAGER), logged_in(MANAGER)
    assert caller.get("/alerts").status_code == 200

    token = form_token(browser.get("/tokens").text)
    browser.post(f"/tokens/{caller.token_id}/revoke", data={"csrf_token": token})

    answer = caller.get("/alerts")
    assert answer.status_code == 401
    assert answer.json["type"] == "urn:inseason:problem:bad-token"
    assert "Revoked" in browser.get("/tokens").text


def test_an_admin_sees_and_revokes_everybodys_and_nobody_else_does(
    program: Callable[..., Program], logged_in: Callable[[str], FlaskClient]
) -> None:
    caller, admin = program(MANAGER), logged_in(ADMIN)

    assert "Maya Ortiz" in admin.get("/tokens").text
    assert "Maya Ortiz" not in logged_in(MERCHANDISER).get("/tokens").text.partition("<main")[2]
    token = form_token(admin.get("/tokens").text)
    admin.post(f"/tokens/{caller.token_id}/revoke", data={"csrf_token": token})

    assert caller.get("/alerts").status_code == 401


def test_a_token_acts_as_its_person_is_now(
    database: Database, program: Callable[..., Program], world: World
) -> None:
    caller = program(MANAGER)
    assert caller.get(f"/alerts/{world.other_alert}").status_code == 404

    change_person(database, MANAGER, stores=[PersonStore(store_id="SEA1")])

    assert caller.get(f"/alerts/{world.other_alert}").status_code == 200
    assert caller.get(f"/alerts/{world.own_alert}").status_code == 404


def test_a_closed_account_opens_nothing(database: Database, program: Callable[..., Program]) -> None:
    caller = program(MANAGER)

    change_person(database, MANAGER, is_active=False)

    assert caller.get("/alerts").status_code == 401


def test_what_a_role_may_no_longer_grant_its_tokens_no_longer_do(
    database: Database, program: Callable[..., Program]
) -> None:
    caller = program(ADMIN, "feeds:write", "feeds:read")
    assert caller.get("/feeds").status_code == 200

    change_person(database, ADMIN, role=Role.STORE_MANAGER)

    answer = caller.get("/feeds")
    assert answer.status_code == 403
    assert answer.json["type"] == "urn:inseason:problem:scope-lacking"


def test_a_token_does_only_what_was_ticked(program: Callable[..., Program], world: World) -> None:
    caller = program(MANAGER, "alerts:read")

    assert caller.get("/alerts").status_code == 200
    answer = caller.post(f"/alerts/{world.own_alert}/acknowledge", {"version": 1})
    assert answer.status_code == 403
    assert answer.headers["WWW-Authenticate"].endswith('error="insufficient_scope", scope="alerts:write"')
    assert caller.get("/requests").status_code == 403


def test_a_token_in_an_address_or_a_cookie_opens_nothing(
    client: FlaskClient, program: Callable[..., Program]
) -> None:
    secret = program(MANAGER).secret

    assert client.get(f"/api/v1/alerts?access_token={secret}").status_code == 401
    assert client.get("/api/v1/alerts", headers={"Cookie": f"token={secret}"}).status_code == 401
    assert client.get("/api/v1/alerts", headers={"Authorization": f"Basic {secret}"}).status_code == 401


def test_a_browsers_session_opens_nothing_in_the_api(
    logged_in: Callable[[str], FlaskClient], world: World
) -> None:
    browser = logged_in(ADMIN)

    assert browser.get("/api/v1/alerts").status_code == 401
    answer = browser.post(f"/api/v1/alerts/{world.own_alert}/acknowledge", json={"version": 1})
    assert answer.status_code == 401
    assert browser.get("/api/v1/nothing").status_code == 401


def test_a_token_opens_no_page(program: Callable[..., Program]) -> None:
    answer = program(ADMIN).get("/api/../alerts")
    assert answer.status_code in (302, 404)
    caller = program(ADMIN)
    page = caller.client.get("/alerts", headers={"Authorization": f"Bearer {caller.secret}"})
    assert page.location.startswith("/login")


def test_a_token_lasts_as_long_as_was_chosen(database: Database, world: World) -> None:
    with database.write() as records:
        person = person_of(records, MANAGER)
        _, secret = give_token(records, person, name="t", scopes=["alerts:read"], days=30, now=NOW)

    with database.read() as records:
        assert token_of(records, secret, NOW + timedelta(days=30) - MINUTE)
        assert token_of(records, secret, NOW + timedelta(days=30)) is None


def test_that_it_is_used_is_written_once_a_minute(
    database: Database, program: Callable[..., Program]
) -> None:
    token_id = program(MANAGER).token_id

    for at in (NOW, NOW + MINUTE / 2, NOW + MINUTE, NOW + MINUTE * 3 / 2):
        with database.read() as records:
            token = records.get_one(ApiToken, token_id)
        mark_used(database, token, at)
        assert used_at(database, token_id) == (NOW if at < NOW + MINUTE else NOW + MINUTE)


def test_an_older_reading_does_not_take_the_mark_back(
    database: Database, program: Callable[..., Program]
) -> None:
    token_id = program(MANAGER).token_id
    with database.read() as records:
        read_before = records.get_one(ApiToken, token_id)

    mark_used(database, read_before, NOW)
    mark_used(database, read_before, NOW + MINUTE / 2)

    assert used_at(database, token_id) == NOW


def test_using_the_api_marks_its_token(database: Database, program: Callable[..., Program]) -> None:
    caller = program(MANAGER)

    caller.get("/alerts")

    assert used_at(database, caller.token_id) is not None


def test_nobody_has_more_tokens_than_they_can_know(database: Database, world: World) -> None:
    def one_more(now: datetime) -> None:
        with database.write() as records:
            person = person_of(records, NEIGHBOUR)
            give_token(records, person, name="t", scopes=["alerts:read"], days=30, now=now)

    for _ in range(MOST_OPEN):
        one_more(NOW)
    with pytest.raises(InSeasonError, match="revoke one you no longer need"):
        one_more(NOW)
    one_more(NOW + timedelta(days=30))


def test_every_scope_can_be_granted_by_somebody_and_a_merchandiser_grants_no_less_than_a_store() -> None:
    assert set(GRANTABLE[Role.ADMIN]) == set(TokenScope)
    assert set(GRANTABLE[Role.STORE_MANAGER]) < set(GRANTABLE[Role.MERCHANDISER])


def test_a_token_never_shows_its_fingerprint_when_it_is_printed(database: Database, world: World) -> None:
    with database.read() as records:
        token = records.get_one(ApiToken, world.own_token)

    assert token.digest not in repr(token)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_list_is_a_file_as_well_and_holds_no_secret(
    kind: str, database: Database, logged_in: Callable[[str], FlaskClient], world: World
) -> None:
    answer = logged_in(MANAGER).get(f"/tokens?as={kind}")

    assert answer.status_code == 200
    with database.read() as records:
        assert records.get_one(ApiToken, world.own_token).digest.encode() not in answer.data
    if kind == "csv":
        assert "Till" in answer.text
