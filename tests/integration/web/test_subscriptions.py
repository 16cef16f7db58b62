"""Who gets which mails: the page of choices, the link that stops them, and mails that were given up."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from itsdangerous import URLSafeSerializer
from sqlalchemy import select, update

from data.records import MailChoices, MailDecision, MailState, OutboxMail, Pace, Person, PersonStore
from tests.integration.web.world import (
    ADMIN,
    MANAGER,
    MERCHANDISER,
    NEIGHBOUR,
    NIGHT,
    NOW,
    World,
    form_token,
    press,
)
from web.subscriptions import stop_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

    from data.database import Database

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def person(database: Database, email: str) -> Person:
    with database.read() as session:
        return session.scalars(select(Person).where(Person.email == email)).one()


def choices(database: Database, email: str) -> MailChoices:
    with database.read() as session:
        return MailChoices.of(session, person(database, email))


def link(app: Flask, database: Database, email: str) -> str:
    """The path of the link that a person's mails carry."""
    with app.app_context():
        return urlsplit(stop_url(person(database, email).person_id, "https://shop.example")).path


def token_of(app: Flask, payload: object, salt: str = "inseason.stop-mails") -> str:
    return URLSafeSerializer(app.config["SECRET_KEY"], salt=salt).dumps(payload)


def choose(browser: FlaskClient, path: str = "/mails/choices", **form: object) -> int:
    data = {"csrf_token": form_token(browser.get(path).text)} | form
    return browser.post(path, data=data).status_code


def test_one_click_of_a_mail_program_stops_the_mails_without_a_log_in_or_a_form_token(
    app: Flask, client: FlaskClient, database: Database
) -> None:
    answer = client.post(link(app, database, MANAGER), data=ONE_CLICK)

    assert answer.status_code == 200
    assert choices(database, MANAGER).pace is Pace.OFF
    assert choices(database, NEIGHBOUR).pace is Pace.NIGHTLY
    # Twice is once.
    before = choices(database, MANAGER).changed_at
    assert client.post(link(app, database, MANAGER), data=ONE_CLICK).status_code == 200
    assert choices(database, MANAGER).changed_at == before


def test_looking_at_the_link_changes_nothing_and_shows_a_button(
    app: Flask, client: FlaskClient, database: Database
) -> None:
    path = link(app, database, MANAGER)
    for method in ("GET", "HEAD"):
        assert client.open(path, method=method).status_code == 200
    assert choices(database, MANAGER).pace is Pace.NIGHTLY
    page = client.get(path).text
    assert "Maya Ortiz" in page
    assert f'<form method="post" action="{path}">' in page
    client.post(path)
    assert "have stopped" in client.get(path).text


def test_the_link_stays_good_for_as_long_as_the_mail_is_kept(
    app: Flask, client: FlaskClient, database: Database
) -> None:
    assert link(app, database, MANAGER) == link(app, database, MANAGER)
    with database.write() as session:
        session.execute(update(Person).where(Person.email == MANAGER).values(is_active=False))
    assert client.post(link(app, database, MANAGER)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "forge",
    [
        lambda _: "1",
        lambda app: token_of(app, [1, "morning"])[:-4],
        lambda app: token_of(app, [1, "back_in_stock"]),
        lambda app: token_of(app, [999_999, "morning"]),
        lambda app: token_of(app, {"person": 1}),
        lambda app: token_of(app, [1, "morning"], salt="cookie-session"),
        lambda _: URLSafeSerializer("another key", salt="inseason.stop-mails").dumps([1, "morning"]),
    ],
    ids=["no token", "cut", "another purpose", "nobody", "another shape", "another use", "another key"],
)
def test_a_link_that_was_not_made_for_this_stops_nothing(
    app: Flask, client: FlaskClient, database: Database, forge: Callable[[Flask], str], method: str
) -> None:
    answer = client.open(f"/mails/stop/{forge(app)}", method=method)
    assert answer.status_code == 400
    assert choices(database, MANAGER).pace is Pace.NIGHTLY


def test_no_other_page_takes_a_form_without_its_token(client: FlaskClient, world: World) -> None:
    for path in (
        "/mails/choices",
        "/mails/choices/1",
        "/mails/given-up/again",
        f"/mails/{world.own_mail}/again",
    ):
        assert client.post(path, data=ONE_CLICK).status_code == 400


@pytest.mark.parametrize(
    ("email", "to_begin_with", "chosen"),
    [
        (MANAGER, Pace.NIGHTLY, Pace.ONLY_SEVERE),
        (MERCHANDISER, Pace.MONDAY, Pace.NIGHTLY),
        (ADMIN, Pace.GIVEN_UP, Pace.OFF),
    ],
)
def test_everybody_chooses_among_what_the_role_may_have(
    logged_in: Callable[[str], FlaskClient],
    database: Database,
    email: str,
    to_begin_with: Pace,
    chosen: Pace,
) -> None:
    browser = logged_in(email)
    assert f'value="{to_begin_with}" checked' in browser.get("/mails/choices").text
    assert choose(browser, pace=str(chosen)) == 303
    assert f'value="{chosen}" checked' in browser.get("/mails/choices").text
    assert choices(database, email).changed_by == email


def test_a_choice_that_the_role_does_not_have_is_refused(
    logged_in: Callable[[str], FlaskClient], database: Database
) -> None:
    assert choose(logged_in(MANAGER), pace="given_up") == 400
    assert choose(logged_in(ADMIN), pace="nightly") == 400
    assert choose(logged_in(MANAGER), pace="hourly") == 400
    assert choices(database, MANAGER).pace is Pace.NIGHTLY


def test_stores_and_categories_narrow_and_all_of_them_is_as_good_as_none(
    logged_in: Callable[[str], FlaskClient], database: Database
) -> None:
    with database.write() as session:
        session.add(PersonStore(person_id=person(database, MANAGER).person_id, store_id="SEA1"))
    browser = logged_in(MANAGER)
    choose(browser, pace="nightly", store=["SEA1"], category=["Snow boots"])
    kept = choices(database, MANAGER)
    assert (kept.stores, kept.categories) == (["SEA1"], ["Snow boots"])
    page = browser.get("/mails/choices").text
    assert "Stores: 1 of 2" in page
    assert 'value="SEA1" checked' in page
    choose(browser, pace="nightly", store=["SEA1", "PHX1"])
    kept = choices(database, MANAGER)
    assert (kept.stores, kept.categories) == ([], [])


def test_nobody_chooses_a_store_that_is_not_theirs(
    logged_in: Callable[[str], FlaskClient], database: Database
) -> None:
    browser = logged_in(MANAGER)
    assert "Seattle South" not in browser.get("/mails/choices").text
    choose(browser, pace="nightly", store=["SEA1"])
    assert choices(database, MANAGER).stores == []


def test_an_admin_chooses_for_others_and_it_says_who_did(
    logged_in: Callable[[str], FlaskClient], database: Database
) -> None:
    browser = logged_in(ADMIN)
    page = browser.get("/mails/choices").text
    assert "Maya Ortiz" in page
    path = f"/mails/choices/{person(database, MANAGER).person_id}"
    assert choose(browser, path, pace="monday") == 303
    kept = choices(database, MANAGER)
    assert (kept.pace, kept.changed_by) == (Pace.MONDAY, ADMIN)
    assert f"by {ADMIN}" in logged_in(MANAGER).get("/mails/choices").text
    assert "Maya Ortiz" not in logged_in(NEIGHBOUR).get("/mails/choices").text


def test_why_there_was_no_mail_is_told(logged_in: Callable[[str], FlaskClient], world: World) -> None:
    with world.database.write() as session:
        session.add_all(
            MailDecision(
                person_id=person(world.database, email).person_id,
                business_date=NIGHT + timedelta(days=1),
                reason=f"nothing new for {email}",
                decided_at=NOW,
            )
            for email in (MANAGER, NEIGHBOUR)
        )
        session.add(
            MailDecision(
                person_id=person(world.database, MANAGER).person_id,
                business_date=NIGHT,
                kind="digest",
                mail_id=world.own_mail,
                reason="1 new to tell",
                decided_at=NOW,
            )
        )
    browser = logged_in(MANAGER)
    for page in ("/mails", "/mails/choices"):
        told = browser.get(page).text
        assert f"nothing new for {MANAGER}" in told
        assert f"nothing new for {NEIGHBOUR}" not in told
    assert "Why: 1 new to tell." in browser.get(f"/mails/{world.own_mail}").text


def given_up(world: World, *mail_ids: int) -> None:
    with world.database.write() as session:
        for mail_id in mail_ids:
            mail = session.get_one(OutboxMail, mail_id)
            mail.state = MailState.PENDING
            mail.refused(NOW, "550 No such mailbox", final=True)


def test_an_admin_sees_what_was_given_up_and_has_it_tried_again(
    logged_in: Callable[[str], FlaskClient], world: World
) -> None:
    given_up(world, world.own_mail)
    browser = logged_in(ADMIN)
    assert "could not be delivered" in browser.get("/mails").text
    assert "550 No such mailbox" in browser.get("/mails/given-up").text
    assert "Try again" in browser.get(f"/mails/{world.own_mail}").text

    assert press(browser, f"/mails/{world.own_mail}/again").status_code == 303
    assert press(browser, f"/mails/{world.own_mail}/again").status_code == 409

    with world.database.read() as session:
        mail = session.get_one(OutboxMail, world.own_mail)
    assert (mail.state, mail.attempts, mail.unconfirmed, mail.given_up_at) == (MailState.PENDING, 0, 0, None)
    assert "Nothing was given up" in browser.get("/mails/given-up").text


def test_its_reader_sees_that_a_mail_was_given_up_and_cannot_send_it(
    logged_in: Callable[[str], FlaskClient], world: World
) -> None:
    given_up(world, world.own_mail)
    page = logged_in(MANAGER).get(f"/mails/{world.own_mail}").text
    assert "It was given up: 550 No such mailbox." in page
    assert "Try again" not in page


def test_all_are_tried_again_but_those_whose_address_was_deleted(
    logged_in: Callable[[str], FlaskClient], world: World
) -> None:
    given_up(world, world.own_mail, world.other_mail)
    with world.database.write() as session:
        session.get_one(OutboxMail, world.other_mail).forget_address(NOW)
    browser = logged_in(ADMIN)
    assert press(browser, "/mails/given-up/again").status_code == 303
    with world.database.read() as session:
        states = dict(session.execute(select(OutboxMail.mail_id, OutboxMail.state)).all())
    assert states == {world.own_mail: MailState.PENDING, world.other_mail: MailState.DEAD}
    assert press(browser, f"/mails/{world.other_mail}/again").status_code == 409


def test_a_customers_mail_is_shown_to_the_admin_alone(
    logged_in: Callable[[str], FlaskClient], world: World
) -> None:
    with world.database.write() as session:
        mail = session.get_one(OutboxMail, world.own_mail)
        mail.person_id, mail.to_address, mail.kind = None, "", "back_in_stock"
    for email, status in ((ADMIN, 200), (MANAGER, 404), (MERCHANDISER, 404)):
        assert logged_in(email).get(f"/mails/{world.own_mail}").status_code == status
    assert "A customer" in logged_in(ADMIN).get("/mails").text


def test_a_mails_picture_and_its_dark_colours_are_shown_in_its_frame(
    logged_in: Callable[[str], FlaskClient], world: World
) -> None:
    style = "@media (prefers-color-scheme: dark) { p { color: white !important; } }"
    with world.database.write() as session:
        mail = session.get_one(OutboxMail, world.own_mail)
        mail.chart = b"\x89PNG-and-more"
        mail.html = (
            f'<html><head><style>{style}</style></head><body><img src="cid:{mail.chart_cid}"></body></html>'
        )
    answer = logged_in(MANAGER).get(f"/mails/{world.own_mail}/body")
    picture = base64.b64encode(b"\x89PNG-and-more").decode()
    assert f'src="data:image/png;base64,{picture}"' in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.count("'sha256-") == 1
    assert "img-src data:;" in policy
