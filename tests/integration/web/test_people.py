"""People, as the admin sees them: who is found, how somebody comes and goes, and what is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import event, func, select

from data.records import OutboxMail, Person, Role, Store
from data.settings import load_settings
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, NOW, PASSWORD, TODAY, form_token, log_in
from web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from data.database import Database
    from data.settings import Settings
    from tests.integration.web.world import World

NEW = "four words nobody says"


@pytest.fixture
def admin(logged_in: Callable[[str], FlaskClient]) -> FlaskClient:
    return logged_in(ADMIN)


def person(database: Database, email: str) -> Person:
    with database.read() as records:
        return records.scalars(select(Person).where(Person.email == email)).one()


def invite(browser: FlaskClient, **changes: Any) -> TestResponse:
    form: dict[str, Any] = {
        "email": "tom@example.com",
        "name": "Tom Reyes",
        "role": "store_manager",
        "store": ["SEA1"],
        "csrf_token": form_token(browser.get("/people/new").text),
    }
    return browser.post("/people/new", data=form | changes)


def edit(browser: FlaskClient, who: Person, **changes: Any) -> TestResponse:
    page = browser.get(f"/people/{who.person_id}").text
    form: dict[str, Any] = {
        "email": who.email,
        "name": who.name,
        "role": str(who.role),
        "store": sorted(who.store_ids or ()),
        "category": sorted(who.category_names or ()),
        "version": str(who.version),
        "csrf_token": form_token(page),
    }
    return browser.post(f"/people/{who.person_id}", data=form | changes)


def press(browser: FlaskClient, who: Person, what: str) -> TestResponse:
    token = form_token(browser.get("/people").text)
    return browser.post(
        f"/people/{who.person_id}/{what}", data={"csrf_token": token, "version": str(who.version)}
    )


def names(page: str) -> list[str]:
    return re.findall(r'<h2><a href="/people/\d+">([^<]+)</a>', page)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Ada Okafor", "Jonas Lind", "Maya Ortiz", "Noor Haddad"]),
        ("?q=maya", ["Maya Ortiz"]),
        ("?q=phoenix", ["Maya Ortiz"]),
        ("?q=SEA1", ["Noor Haddad"]),
        ("?q=%25", []),
        ("?q=_", []),
        ("?role=merchandiser", ["Jonas Lind"]),
        ("?role=emperor&state=unknown", ["Ada Okafor", "Jonas Lind", "Maya Ortiz", "Noor Haddad"]),
        ("?state=closed", []),
        ("?q=o&role=store_manager&state=all", ["Maya Ortiz", "Noor Haddad"]),
    ],
)
def test_people_are_found_by_name_address_store_role_and_state(
    admin: FlaskClient, query: str, found: list[str]
) -> None:
    page = admin.get(f"/people{query}")
    assert page.status_code == 200
    assert names(page.text) == found
    assert ("Nobody matches" in page.text) == (not found)


def test_a_long_list_is_turned_page_by_page_with_few_statements(
    admin: FlaskClient, database: Database
) -> None:
    with database.write() as records:
        records.add_all(
            Person(email=f"p{n}@example.com", name="Same Name", role=Role.ADMIN, created_at=NOW)
            for n in range(70)
        )
    seen, path, statements = [], "/people", 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    while path:
        statements = 0
        event.listen(admin.application.extensions["inseason"].database.engine, "before_cursor_execute", count)
        page = admin.get(path).text
        event.remove(admin.application.extensions["inseason"].database.engine, "before_cursor_execute", count)
        assert statements <= 14
        seen += re.findall(r'<h2><a href="/people/(\d+)">', page)
        onward = re.search(r'href="(/people\?after=[^"]+)">Next', page)
        path = onward[1].replace("&amp;", "&") if onward else ""
    assert len(seen) == len(set(seen)) == 74


def test_the_list_is_a_file_as_it_is_filtered(admin: FlaskClient) -> None:
    table = admin.get("/people?role=store_manager&as=csv")
    assert table.mimetype == "text/csv"
    lines = table.data.decode("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines] == ['"name"', '"Maya Ortiz"', '"Noor Haddad"']
    assert "password" not in table.text
    assert admin.get("/people?as=xlsx").status_code == 200


def test_without_a_mail_server_the_link_of_an_invitation_is_shown_once(
    app: Flask, admin: FlaskClient, database: Database
) -> None:
    shown = invite(admin)
    assert shown.status_code == 200
    found = re.search(r'value="(http[^"]+/password/[^"]+)"', shown.text)
    assert found
    assert found[1] not in admin.get(f"/people/{person(database, 'tom@example.com').person_id}").text
    assert log_in(app.test_client(), "tom@example.com", "").status_code == 401

    tom = app.test_client()
    tom.get(urlsplit(found[1]).path)
    page = tom.get("/password")
    assert "Choose your password" in page.text
    form = {"password": NEW, "again": NEW, "csrf_token": form_token(page.text)}
    assert tom.post("/password", data=form).location == "/login"
    assert log_in(tom, "tom@example.com", NEW).status_code == 303
    assert person(database, "tom@example.com").store_ids == {"SEA1"}


def test_with_a_mail_server_the_invitation_is_mailed_and_no_link_is_shown(
    settings: Settings, world: World
) -> None:
    given = load_settings(var=settings.var, today=TODAY, smtp_url="smtp://127.0.0.1:9")
    browser = create_app(given, world.database).test_client()
    log_in(browser, ADMIN)
    answer = invite(browser)
    assert answer.status_code == 303
    page = browser.get(answer.location).text
    assert "A mail with a link leaves for tom@example.com" in page
    assert "Invited, not come yet" in page
    with world.database.read() as records:
        mail = records.scalars(select(OutboxMail).where(OutboxMail.kind == "invitation")).one()
    assert (mail.to_address, "Tom Reyes" in mail.text) == ("tom@example.com", True)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"email": "tom"}, "is no e-mail address"),
        ({"email": MANAGER}, "already a person"),
        ({"store": []}, "needs at least one store"),
        ({"store": ["NOWHERE"]}, "There is no store"),
        ({"role": "merchandiser", "category": ["Hats"]}, "No product has the category"),
        ({"name": "T" * 201}, "at most 200"),
    ],
)
def test_what_cannot_be_taken_is_told_and_what_was_typed_stays(
    admin: FlaskClient, database: Database, changes: dict[str, Any], told: str
) -> None:
    refused = invite(admin, **({"name": "Tom Reyes"} | changes))
    assert refused.status_code == 400
    assert told in refused.text
    assert changes.get("name", "Tom Reyes") in refused.text
    with database.read() as records:
        assert records.scalar(select(func.count()).select_from(Person)) == 4


def test_what_is_ticked_for_another_role_does_not_count(admin: FlaskClient, database: Database) -> None:
    invite(admin, role="merchandiser", store=["SEA1"], category=["Swim trunks"])
    tom = person(database, "tom@example.com")
    assert (tom.store_ids, tom.category_names, tom.stores) == (None, {"Swim trunks"}, [])


def test_among_three_hundred_stores_one_is_found_without_a_script(
    admin: FlaskClient, database: Database
) -> None:
    with database.write() as records:
        records.add_all(
            Store(store_id=f"S{n:03}", name=f"Store of {n}th street", climate_zone="cold") for n in range(300)
        )
    page = admin.get("/people/new")
    assert len(page.data) < 200_000
    assert page.text.count('name="store"') == 302

    narrowed = invite(admin, store=["S007"], find="299th", narrow="1")
    assert narrowed.status_code == 200
    assert re.findall(r'name="store" id="[^"]+" value="([^"]+)"( checked)?', narrowed.text) == [
        ("S007", " checked"),
        ("S299", ""),
    ]
    assert 'value="tom@example.com"' in narrowed.text
    # Whoever presses Enter in the field means the search, too.
    assert invite(admin, store=["S007"], find="299th").status_code == 200
    kept = invite(admin, store=["S007", "S299"], find="299th", found="299th")
    assert "Hand this link to" in kept.text
    assert person(database, "tom@example.com").store_ids == {"S007", "S299"}


def test_a_change_counts_at_once_and_stands_in_the_history(
    admin: FlaskClient, database: Database, logged_in: Callable[[str], FlaskClient]
) -> None:
    maya = logged_in(MANAGER)
    assert "Ridge Boot" not in maya.get("/alerts").text
    changed = edit(admin, person(database, MANAGER), store=["SEA1"])
    assert changed.status_code == 303
    assert "Ridge Boot" in maya.get("/alerts").text
    page = admin.get(changed.location).text
    assert "Stores: Seattle South came to it; Phoenix North left it." in page
    assert "Ada Okafor" in page


def test_whoever_was_overtaken_is_told_and_keeps_what_was_typed(
    admin: FlaskClient, database: Database
) -> None:
    seen = person(database, MANAGER)
    edit(admin, seen, name="Maya the First")
    late = edit(admin, seen, name="Maya the Second")
    assert late.status_code == 409
    assert "Somebody else has changed this account meanwhile" in late.text
    assert 'value="Maya the Second"' in late.text
    assert person(database, MANAGER).name == "Maya the First"
    again = {"version": re.search(r'name="version" value="(\d+)"', late.text)[1]}
    assert edit(admin, seen, name="Maya the Second", **again).status_code == 303


def test_a_closed_account_is_logged_out_at_once_and_can_be_opened_again(
    app: Flask, admin: FlaskClient, database: Database, logged_in: Callable[[str], FlaskClient]
) -> None:
    maya = logged_in(MANAGER)
    press(admin, person(database, MANAGER), "close")
    assert maya.get("/alerts").location.startswith("/login")
    assert log_in(app.test_client(), MANAGER).status_code == 401
    assert names(admin.get("/people?state=closed").text) == ["Maya Ortiz"]
    assert press(admin, person(database, MANAGER), "link").status_code == 409
    press(admin, person(database, MANAGER), "open")
    assert maya.get("/alerts").location.startswith("/login")
    assert log_in(app.test_client(), MANAGER).status_code == 303


def test_an_admin_neither_closes_nor_demotes_themselves(admin: FlaskClient, database: Database) -> None:
    ada = person(database, ADMIN)
    assert "Close the account</button>" not in admin.get(f"/people/{ada.person_id}").text
    press(admin, ada, "close")
    assert "another admin has to do that" in admin.get(f"/people/{ada.person_id}").text
    refused = edit(admin, ada, role="merchandiser")
    assert refused.status_code == 400
    assert "another admin has to do that" in refused.text
    assert (person(database, ADMIN).is_active, person(database, ADMIN).role) == (True, Role.ADMIN)


def test_a_new_link_for_somebody_who_has_come_sets_a_new_password(
    app: Flask, admin: FlaskClient, database: Database
) -> None:
    shown = press(admin, person(database, MANAGER), "link")
    assert "within an hour" in shown.text
    link = re.search(r'value="(http[^"]+/password/[^"]+)"', shown.text)
    maya = app.test_client()
    maya.get(urlsplit(link[1]).path)
    page = maya.get("/password")
    assert "Choose a new password" in page.text
    # Until it is used, the password of before is good.
    assert log_in(app.test_client(), MANAGER, PASSWORD).status_code == 303


def test_the_page_of_a_person_leads_to_their_mails(admin: FlaskClient, database: Database) -> None:
    jonas = person(database, MERCHANDISER)
    page = admin.get(f"/people/{jonas.person_id}").text
    assert f'href="/mails/choices/{jonas.person_id}"' in page
    assert "On Mondays" in page
