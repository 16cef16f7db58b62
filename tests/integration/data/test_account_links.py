"""Links that set a password: good once, for a while, the newest alone, and to be read nowhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, select, text

from data.account_links import NewLink, make_link, person_of_link, words_to_send
from data.errors import InSeasonError
from data.people import deactivate, set_password_by_link
from data.records import AccountLink, LinkKind, OutboxMail, Person, Role
from data.sessions import begin_session, find_session
from tests.integration.data.test_people import at_once

if TYPE_CHECKING:
    from data.database import Database

NOW = datetime(2026, 6, 14, 9, tzinfo=UTC)
KEY = "k" * 48


@pytest.fixture
def maya(database: Database) -> Person:
    """Somebody with an account."""
    with database.write() as session:
        person = Person(email="maya@shop.example", name="Maya", role=Role.ADMIN, created_at=NOW)
        person.password_hash = "before"
        session.add(person)
    return person


def make(database: Database, person: Person, kind: LinkKind = LinkKind.RESET) -> NewLink:
    with database.write() as session:
        return make_link(session, session.merge(person, load=True), kind, key=KEY, now=NOW)


def use(database: Database, token: str, after: timedelta = timedelta(0), kept: str = "after") -> str:
    with database.write() as session:
        return set_password_by_link(session, token, password_hash=kept, now=NOW + after).email


def test_a_link_sets_the_password_once_and_ends_the_sessions(database: Database, maya: Person) -> None:
    with database.write() as session:
        key = begin_session(session, maya, device="", now=NOW)
    token = make(database, maya).token
    assert use(database, token) == "maya@shop.example"
    with database.read() as session:
        assert session.get_one(Person, maya.person_id).password_hash == "after"
        assert find_session(session, key, NOW) is None
    with pytest.raises(InSeasonError, match="used, out of date, or replaced"):
        use(database, token)


def test_of_many_who_use_a_link_at_once_one_sets_the_password(database: Database, maya: Person) -> None:
    token = make(database, maya).token
    told = at_once(lambda n: use(database, token, kept=f"kept {n}"), 5)
    assert sorted(type(each).__name__ for each in told) == ["InSeasonError"] * 4 + ["str"]


@pytest.mark.parametrize(
    ("kind", "lasts"), [(LinkKind.RESET, timedelta(hours=1)), (LinkKind.INVITATION, timedelta(days=7))]
)
def test_a_link_is_good_for_a_while(
    database: Database, maya: Person, kind: LinkKind, lasts: timedelta
) -> None:
    token = make(database, maya, kind).token
    with pytest.raises(InSeasonError), database.read() as session:
        person_of_link(session, token, NOW + lasts)
    use(database, token, lasts - timedelta(seconds=1))


def test_a_new_link_is_the_only_good_one(database: Database, maya: Person) -> None:
    old, new = make(database, maya).token, make(database, maya).token
    with pytest.raises(InSeasonError):
        use(database, old)
    use(database, new)


def test_a_closed_account_is_opened_by_no_link(database: Database, maya: Person) -> None:
    with database.write() as session:
        other = Person(email="b@shop.example", name="B", role=Role.ADMIN, password_hash="x", created_at=NOW)
        session.add(other)
    token = make(database, maya).token
    with database.write() as session:
        version = session.get_one(Person, maya.person_id).version
        deactivate(session, maya.person_id, version=version, by="b@shop.example", now=NOW)
    with pytest.raises(InSeasonError):
        use(database, token)


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "ä"])
def test_a_token_that_was_never_made_opens_nothing(database: Database, maya: Person, token: str) -> None:
    make(database, maya)
    with pytest.raises(InSeasonError):
        use(database, token)


def test_the_token_stands_nowhere_in_the_records_and_is_made_again_for_the_mail(
    database: Database, maya: Person
) -> None:
    made = make(database, maya)
    mail = OutboxMail(
        kind=str(LinkKind.RESET),
        dedup_key=str(made.link.link_id),
        text="https://x.example/password/only-in-the-mail-that-was-sent",
        html='<a href="https://x.example/password/only-in-the-mail-that-was-sent">',
    )
    with database.read() as session:
        for table in inspect(session.connection()).get_table_names():
            rows = session.execute(text(f'SELECT * FROM "{table}"')).all()
            assert made.token not in str(rows), table
        words = words_to_send(session, mail, key=KEY, now=NOW)
        assert words == (
            f"https://x.example/password/{made.token}",
            f'<a href="https://x.example/password/{made.token}">',
        )
        other = words_to_send(session, mail, key="another" * 8, now=NOW)
        assert other
        assert made.token not in other[0]
        assert words_to_send(session, mail, key=KEY, now=NOW + timedelta(hours=1)) is None


def test_another_mail_leaves_as_it_was_written(database: Database) -> None:
    mail = OutboxMail(kind="digest", dedup_key="a", text="only-in-the-mail-that-was-sent", html="<p>")
    with database.read() as session:
        assert words_to_send(session, mail, key=KEY, now=NOW) == ("only-in-the-mail-that-was-sent", "<p>")
        assert session.scalars(select(AccountLink)).all() == []
