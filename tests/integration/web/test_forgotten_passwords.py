"""A new password by mail: the answer tells nothing, the link is good once, its token stays out of sight."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from sqlalchemy import func, select, update

from data.clock import Clock
from data.records import AccountLink, MailState, OutboxMail, Person, PersonEvent
from data.settings import load_settings
from jobs.outbox import deliver_due
from tests.integration.web.world import ADMIN, MANAGER, PASSWORD, TODAY, form_token, log_in
from web import create_app
from web.auth import ANSWER_AFTER, MOST_LINKS_PER_ADDRESS, MOST_LINKS_PER_EMAIL

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from data.database import Database
    from data.settings import Settings
    from tests.ground.mail import MailServer
    from tests.integration.web.world import World

NEW = "four words nobody says"
AT = "2026-06-14 10:00Z"


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the answers would have been held back."""
    held: list[float] = []
    monkeypatch.setattr("web.auth.time.sleep", held.append)
    return held


@pytest.fixture
def mailing(settings: Settings, world: World, smtp_server: MailServer) -> Flask:
    """The app with a mail server."""
    given = load_settings(
        var=settings.var, today=TODAY, smtp_url=smtp_server.url, base_url="https://shop.example"
    )
    return create_app(given, world.database)


@pytest.fixture
def browser(mailing: Flask) -> FlaskClient:
    """A browser that nobody has logged in with."""
    return mailing.test_client()


def ask(browser: FlaskClient, email: str) -> TestResponse:
    page = browser.get("/forgot")
    return browser.post("/forgot", data={"email": email, "csrf_token": form_token(page.text)})


def mailed_links(app: Flask, database: Database, server: MailServer) -> list[str]:
    """The paths of the links in the mails that leave now."""
    deliver_due(
        database,
        smtp_url=server.url,
        sender="night@shop.example",
        key=app.config["SECRET_KEY"],
        clock=Clock(load_settings(today=TODAY)),
    )
    texts = [message.get_body(("plain",)).get_content() for message in server.messages]
    return [found for text in texts for found in re.findall(r"https://shop\.example(/password/\S+)", text)]


def choose(browser: FlaskClient, password: str = NEW, again: str | None = None) -> TestResponse:
    form = {
        "password": password,
        "again": password if again is None else again,
        "csrf_token": form_token(browser.get("/password").text),
    }
    return browser.post("/password", data=form)


def test_a_link_comes_by_mail_sets_the_password_once_and_ends_the_sessions(
    mailing: Flask, browser: FlaskClient, database: Database, smtp_server: MailServer
) -> None:
    logged_in = mailing.test_client()
    log_in(logged_in, MANAGER)
    assert ask(browser, f" {MANAGER.upper()} ").status_code == 200
    [link] = mailed_links(mailing, database, smtp_server)

    opened = browser.get(link)
    assert opened.location == "/password"
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    assert choose(browser).location == "/login"

    assert logged_in.get("/account").location.startswith("/login")
    assert log_in(browser, MANAGER, PASSWORD).status_code == 401
    assert log_in(browser, MANAGER, NEW).status_code == 303
    again = mailing.test_client()
    again.get(link)
    assert again.get("/password").status_code == 410


def test_no_page_that_is_shown_has_the_token_in_its_address_or_its_text(
    mailing: Flask, browser: FlaskClient, database: Database, smtp_server: MailServer
) -> None:
    ask(browser, MANAGER)
    [link] = mailed_links(mailing, database, smtp_server)
    browser.get(link)
    assert link.rpartition("/")[2] not in browser.get("/password").text


def test_the_admin_who_reads_the_mails_sees_no_token(
    mailing: Flask, browser: FlaskClient, database: Database, smtp_server: MailServer
) -> None:
    ask(browser, MANAGER)
    [link] = mailed_links(mailing, database, smtp_server)
    log_in(browser, ADMIN)
    with database.read() as records:
        mail = records.scalars(select(OutboxMail).where(OutboxMail.kind == "password_reset")).one()
    for path in (f"/mails/{mail.mail_id}", f"/mails/{mail.mail_id}/body"):
        page = browser.get(path)
        assert page.status_code == 200
        assert link.rpartition("/")[2] not in page.text
    assert mail.state is MailState.SENT


def test_the_answer_is_the_same_whether_there_is_an_account_or_not(
    browser: FlaskClient, database: Database, waits: list[float]
) -> None:
    told = {}
    with database.write() as records:
        records.execute(update(Person).where(Person.person_id == 2).values(is_active=False))
    for email in (MANAGER, "nobody@example.com", "noor@example.com", "no address at all"):
        answer = ask(browser, email)
        assert answer.status_code == 200
        told[email] = re.sub(r'value="[^"]+"', "", answer.text.replace(email, ""))
    assert len(set(told.values())) == 1
    # And it comes when all of the work would be done.
    assert len(waits) == 4
    assert all(0 < wait <= ANSWER_AFTER.total_seconds() for wait in waits)
    with database.read() as records:
        assert records.scalar(select(func.count()).select_from(AccountLink)) == 1


def test_asking_is_slowed_down_for_an_address_whether_it_has_an_account_or_not(browser: FlaskClient) -> None:
    with time_machine.travel(AT, tick=False) as clock:
        for email in (MANAGER, "nobody@example.com"):
            codes = [ask(browser, email).status_code for _ in range(MOST_LINKS_PER_EMAIL + 1)]
            assert codes == [200] * MOST_LINKS_PER_EMAIL + [429]
        assert "Wait 60 minutes" in ask(browser, MANAGER).text
        clock.shift(timedelta(minutes=61))
        assert ask(browser, MANAGER).status_code == 200


def test_asking_is_slowed_down_for_one_who_asks_for_many(browser: FlaskClient) -> None:
    codes = [ask(browser, f"n{n}@example.com").status_code for n in range(MOST_LINKS_PER_ADDRESS + 1)]
    assert codes == [200] * MOST_LINKS_PER_ADDRESS + [429]


def test_a_second_link_makes_the_first_one_good_no_more_and_only_one_mail_leaves(
    mailing: Flask, browser: FlaskClient, database: Database, smtp_server: MailServer
) -> None:
    ask(browser, MANAGER)
    [first] = mailed_links(mailing, database, smtp_server)
    ask(browser, MANAGER)
    ask(browser, MANAGER)
    links = mailed_links(mailing, database, smtp_server)
    assert len(links) == 2
    browser.get(first)
    assert browser.get("/password").status_code == 410
    browser.get(links[1])
    assert browser.get("/password").status_code == 200


def test_a_mail_whose_link_is_out_of_date_does_not_leave(
    mailing: Flask, browser: FlaskClient, database: Database, smtp_server: MailServer
) -> None:
    ask(browser, MANAGER)
    with database.write() as records:
        records.execute(update(AccountLink).values(expires_at=AccountLink.made_at))
    assert mailed_links(mailing, database, smtp_server) == []
    with database.read() as records:
        mail = records.scalars(select(OutboxMail).where(OutboxMail.kind == "password_reset")).one()
    assert (mail.state, "out of date" in mail.last_error) == (MailState.DEAD, True)


def test_a_password_that_would_be_guessed_leaves_the_link_good(
    mailing: Flask, browser: FlaskClient, database: Database, smtp_server: MailServer
) -> None:
    ask(browser, MANAGER)
    [link] = mailed_links(mailing, database, smtp_server)
    browser.get(link)
    for password, again, told in (
        ("password123", None, "tried first"),
        ("maya and others", None, "own name"),
        (NEW, NEW + "x", "not the same"),
        ("short", None, "at least 10"),
    ):
        refused = choose(browser, password, again)
        assert refused.status_code == 400
        assert told in refused.text
        assert password not in refused.text
    assert choose(browser).status_code == 303


def test_without_a_mail_server_one_is_told_whom_to_ask(client: FlaskClient, database: Database) -> None:
    page = client.get("/forgot").text
    assert "Ask your admin" in page
    assert "<form" not in page
    token = form_token(client.get("/login").text)
    assert client.post("/forgot", data={"email": MANAGER, "csrf_token": token}).location == "/forgot"
    with database.read() as records:
        assert records.scalar(select(func.count()).select_from(AccountLink)) == 0


def test_the_token_is_never_logged(
    mailing: Flask,
    browser: FlaskClient,
    database: Database,
    smtp_server: MailServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    ask(browser, MANAGER)
    [link] = mailed_links(mailing, database, smtp_server)
    browser.get(link)
    choose(browser)
    # The mail server of the test writes down what it is sent; that log is not ours.
    ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]
    assert not any(link.rpartition("/")[2] in line for line in ours)
    with database.read() as records:
        events = records.scalars(select(PersonEvent).order_by(PersonEvent.event_id)).all()
    assert [(str(event.what), event.who) for event in events] == [
        ("link_sent", "log-in page"),
        ("password_set", MANAGER),
    ]


@pytest.mark.parametrize("path", ["/password", "/password/nothing-that-was-made"])
def test_without_a_good_link_no_password_is_set(client: FlaskClient, path: str) -> None:
    answer = client.get(path, follow_redirects=True)
    assert answer.status_code == 410
    assert "no longer good" in answer.text
    token = form_token(client.get("/login").text)
    form = {"password": NEW, "again": NEW, "csrf_token": token}
    assert client.post("/password", data=form).status_code == 410


def test_overlong_fields_are_refused(browser: FlaskClient, logged_in: Callable[[str], FlaskClient]) -> None:
    del logged_in
    assert ask(browser, "a" * 300).status_code == 400
