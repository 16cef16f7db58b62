"""Accounts in the records: what fits a role, who is told when two change one, and what is written down."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from data.errors import ConflictError, FieldsError, InSeasonError
from data.people import (
    Account,
    add_person,
    change_password,
    deactivate,
    edit_person,
    end_other_sessions,
    first_admin,
    history_of,
    reactivate,
    rename,
)
from data.records import (
    AccountChange,
    MailChoices,
    Pace,
    Person,
    PersonEvent,
    PersonSession,
    Product,
    Role,
    Store,
)
from data.sessions import SESSION_LASTS, begin_session, end_session, find_session, sessions_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.database import Database

NOW = datetime(2026, 6, 14, 9, tzinfo=UTC)
ADA, BEA, MAYA = "ada@shop.example", "bea@shop.example", "maya@shop.example"


@pytest.fixture
def shop(database: Database) -> Database:
    """Two stores, two categories, two admins who can log in, and a store manager."""
    with database.write() as session:
        session.add_all([Store(store_id="1", name="Phoenix"), Store(store_id="2", name="Tucson")])
        session.add_all(Product(sku=name, style_id=name, category=name) for name in ("gloves", "swim trunks"))
    for email in (ADA, BEA):
        add(database, Account(email, email[:3].title(), Role.ADMIN), password_hash="kept")
    add(database, Account(MAYA, "Maya", Role.STORE_MANAGER, ("1",)))
    return database


def add(database: Database, account: Account, **more: Any) -> int:
    with database.write() as session:
        return add_person(session, account, by=ADA, now=NOW, **more).person_id


def person(database: Database, email: str) -> Person:
    with database.read() as session:
        return session.scalars(select(Person).where(Person.email == email)).one()


def edit(
    database: Database, whose: str, /, *, by: str = ADA, version: int | None = None, **changes: Any
) -> bool:
    before = person(database, whose)
    account = Account.of(before)
    account = Account(**(vars(account) | changes))
    with database.write() as session:
        return edit_person(
            session,
            before.person_id,
            account,
            version=before.version if version is None else version,
            by=by,
            now=NOW,
        )


def turn(database: Database, change: Callable[..., None], email: str, by: str = ADA) -> None:
    who = person(database, email)
    with database.write() as session:
        change(session, who.person_id, version=who.version, by=by, now=NOW)


def history(database: Database, email: str) -> list[tuple[str, str, dict[str, Any]]]:
    who = person(database, email)
    with database.read() as session:
        events = history_of(session, who.person_id, most=20)
        return [(str(event.what), event.who, event.details) for event in events]


def test_all_that_is_wrong_with_an_account_is_told_at_once(shop: Database) -> None:
    with pytest.raises(FieldsError) as refusal:
        add(shop, Account("nobody", "a\nb", Role.STORE_MANAGER, ("9",), ("hats",)))
    assert set(refusal.value.problems) == {"email", "name", "stores", "categories"}
    with pytest.raises(FieldsError, match="already a person") as refusal:
        add(shop, Account(f" {MAYA.upper()} ", "Maya", Role.ADMIN))
    assert set(refusal.value.problems) == {"email"}


def test_of_two_who_add_the_same_address_at_once_one_is_told(shop: Database) -> None:
    account = Account("new@shop.example", "New", Role.ADMIN)
    told = at_once(lambda _: add(shop, account), 4)
    assert sorted(type(each).__name__ for each in told) == ["FieldsError"] * 3 + ["int"]


def test_a_change_is_written_down_with_what_was_before(shop: Database) -> None:
    assert edit(shop, MAYA, name="Maya Ortiz", stores=("2", "1"))
    assert history(shop, MAYA)[0] == (
        "changed",
        ADA,
        {"name": ["Maya", "Maya Ortiz"], "stores": [["1"], ["1", "2"]]},
    )
    assert person(shop, MAYA).store_ids == {"1", "2"}
    assert history(shop, MAYA)[1][0] == "added"


def test_what_says_the_same_changes_nothing(shop: Database) -> None:
    before = person(shop, MAYA).version
    assert not edit(shop, MAYA)
    assert person(shop, MAYA).version == before
    assert len(history(shop, MAYA)) == 1


def test_whoever_changes_an_account_that_was_changed_meanwhile_is_told(shop: Database) -> None:
    seen = person(shop, MAYA).version
    edit(shop, MAYA, stores=("1", "2"))
    # Stores alone make another version too.
    assert person(shop, MAYA).version != seen
    with pytest.raises(ConflictError):
        edit(shop, MAYA, version=seen, name="Somebody else")
    assert person(shop, MAYA).name == "Maya"


def test_of_many_who_change_an_account_at_once_one_wins(shop: Database) -> None:
    seen = person(shop, MAYA).version
    told = at_once(lambda n: edit(shop, MAYA, version=seen, name=f"Maya {n}"), 5)
    assert sorted(type(each).__name__ for each in told) == ["ConflictError"] * 4 + ["bool"]
    assert len(history(shop, MAYA)) == 2


def test_an_address_can_be_mended_until_its_owner_has_come(shop: Database) -> None:
    edit(shop, MAYA, email="maya.ortiz@shop.example")
    with shop.write() as session:
        session.get_one(Person, person(shop, "maya.ortiz@shop.example").person_id).password_hash = "kept"
    with pytest.raises(FieldsError, match="history knows a person"):
        edit(shop, "maya.ortiz@shop.example", email="m@shop.example")


def test_nobody_takes_the_admins_role_from_themselves_or_closes_themselves(shop: Database) -> None:
    with pytest.raises(FieldsError, match="another admin has to do that"):
        edit(shop, ADA, by=ADA, role=Role.MERCHANDISER)
    with pytest.raises(InSeasonError, match="another admin has to do that"):
        turn(shop, deactivate, ADA, by=ADA)
    assert person(shop, ADA).is_active


def test_the_last_admin_who_can_log_in_stays(shop: Database) -> None:
    # Somebody who was invited and has no password cannot look after anything.
    add(shop, Account("invited@shop.example", "Invited", Role.ADMIN))
    turn(shop, deactivate, BEA)
    for by in (MAYA, "command line"):
        with pytest.raises(InSeasonError, match="last admin"):
            turn(shop, deactivate, ADA, by=by)
        with pytest.raises(InSeasonError, match="last admin"):
            edit(shop, ADA, by=by, role=Role.MERCHANDISER)


def test_two_admins_who_close_each_other_at_once_do_not_both_succeed(shop: Database) -> None:
    pairs = [(ADA, BEA), (BEA, ADA)]
    told = at_once(lambda n: turn(shop, deactivate, pairs[n][0], by=pairs[n][1]), 2)
    assert sorted(type(each).__name__ for each in told) == ["FieldsError", "NoneType"]


def test_a_closed_account_is_logged_out_at_once_and_keeps_its_history(shop: Database) -> None:
    with shop.write() as session:
        key = begin_session(session, person(shop, BEA), device="a phone", now=NOW)
    turn(shop, deactivate, BEA)
    turn(shop, reactivate, BEA)
    with shop.read() as session:
        assert find_session(session, key, NOW) is None
        assert session.scalar(select(func.count()).select_from(PersonSession)) == 0
    assert [what for what, *_ in history(shop, BEA)] == ["reactivated", "deactivated", "added"]
    with pytest.raises(ConflictError, match="open already"):
        turn(shop, reactivate, BEA)


@pytest.mark.parametrize(
    "statement", ["UPDATE person_events SET who = 'nobody'", "DELETE FROM person_events"]
)
def test_the_database_refuses_to_rewrite_the_history(shop: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match="never rewritten"), shop.write() as session:
        session.execute(text(statement))


def test_no_session_rewrites_the_history(shop: Database) -> None:
    def rewrite() -> None:
        with shop.write() as session:
            session.scalars(select(PersonEvent)).first().who = "nobody"

    with pytest.raises(InSeasonError, match="never rewritten"):
        rewrite()


def test_mails_follow_the_role_and_the_stores(shop: Database) -> None:
    maya = person(shop, MAYA)
    with shop.write() as session:
        choices = MailChoices.to_begin_with(maya)
        session.add(choices)
        choices.choose(Pace.ONLY_SEVERE, person=maya, stores=["1"], categories=[], by=MAYA, now=NOW)
    edit(shop, MAYA, stores=("2",))
    with shop.read() as session:
        assert MailChoices.of(session, maya).stores == []
        assert MailChoices.of(session, maya).pace is Pace.ONLY_SEVERE
    edit(shop, MAYA, role=Role.ADMIN, stores=())
    with shop.read() as session:
        assert MailChoices.of(session, person(shop, MAYA)).pace is Pace.GIVEN_UP


def test_a_category_that_is_no_longer_sold_can_stay(shop: Database) -> None:
    add(shop, Account("j@shop.example", "Jo", Role.MERCHANDISER, (), ("gloves",)))
    with shop.write() as session:
        session.delete(session.get_one(Product, "gloves"))
    assert edit(shop, "j@shop.example", categories=("gloves", "swim trunks"))
    with pytest.raises(FieldsError, match="No product has the category"):
        add(shop, Account("k@shop.example", "Ko", Role.MERCHANDISER, (), ("gloves",)))


def test_of_many_who_set_the_service_up_at_once_one_becomes_the_admin(database: Database) -> None:
    def begin(n: int) -> str:
        with database.write() as session:
            account = Account(f"a{n}@shop.example", "A", Role.ADMIN)
            return first_admin(session, account, password_hash="kept", now=NOW).email

    told = at_once(begin, 5)
    assert sorted(type(each).__name__ for each in told) == ["ConflictError"] * 4 + ["str"]
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 1
        assert session.scalars(select(PersonEvent.who)).all() == ["setup"]


def test_a_name_is_changed_by_its_owner(shop: Database) -> None:
    who = person(shop, MAYA)
    with shop.write() as session:
        assert rename(session, who.person_id, "  Maya   Ortiz ", now=NOW)
        assert not rename(session, who.person_id, "Maya Ortiz", now=NOW)
    assert person(shop, MAYA).name == "Maya Ortiz"
    with pytest.raises(FieldsError, match="at most 200"), shop.write() as session:
        rename(session, who.person_id, "M" * 201, now=NOW)


def begin(shop: Database, email: str = BEA) -> str:
    with shop.write() as session:
        return begin_session(session, person(shop, email), device="a phone", now=NOW)


def lasts(shop: Database, key: str, after: timedelta = timedelta(0)) -> bool:
    with shop.read() as session:
        return find_session(session, key, NOW + after) is not None


def test_a_session_lasts_a_shift_and_no_longer(shop: Database) -> None:
    key = begin(shop)
    assert lasts(shop, key, SESSION_LASTS - timedelta(seconds=1))
    assert not lasts(shop, key, SESSION_LASTS)
    assert not lasts(shop, "another key")
    assert person(shop, BEA).last_login_at == NOW


def test_the_key_of_a_session_stands_nowhere_in_the_records(shop: Database) -> None:
    key = begin(shop)
    with shop.read() as session:
        kept = session.scalars(select(PersonSession)).one()
        assert key not in {str(value) for value in vars(kept).values()}


def test_ending_one_session_leaves_the_others(shop: Database) -> None:
    one, other = begin(shop), begin(shop)
    with shop.write() as session:
        end_session(session, one)
    assert (lasts(shop, one), lasts(shop, other)) == (False, True)


def test_ending_all_others_leaves_the_one_that_asks_and_is_written_down(shop: Database) -> None:
    keys = [begin(shop) for _ in range(3)]
    of_ada = begin(shop, ADA)
    with shop.read() as session:
        found = find_session(session, keys[1], NOW)
        assert found
    with shop.write() as session:
        end_other_sessions(session, found[0], keep=found[1].session_id, now=NOW)
    assert [lasts(shop, key) for key in (*keys, of_ada)] == [False, True, False, True]
    assert history(shop, BEA)[0][0] == AccountChange.SESSIONS_ENDED


def test_another_password_ends_all_sessions_but_the_one_that_set_it(shop: Database) -> None:
    here, there = begin(shop), begin(shop)
    with shop.read() as session:
        found = find_session(session, here, NOW)
        assert found
    who, mine = found
    with shop.write() as session:
        change_password(
            session, who.person_id, before="kept", password_hash="new", keep=mine.session_id, now=NOW
        )
    assert (lasts(shop, here), lasts(shop, there)) == (True, False)
    with pytest.raises(ConflictError, match="changed meanwhile"), shop.write() as session:
        change_password(
            session, who.person_id, before="kept", password_hash="x", keep=mine.session_id, now=NOW
        )


def test_a_password_that_is_changed_by_any_other_way_ends_the_sessions_too(shop: Database) -> None:
    key = begin(shop)
    with shop.write() as session:
        session.get_one(Person, person(shop, BEA).person_id).set_password("correct horse battery")
    assert not lasts(shop, key)
    with shop.read() as session:
        assert sessions_of(session, person(shop, BEA), NOW) == []


def test_sessions_that_are_over_are_cleared_away(shop: Database) -> None:
    begin(shop)
    with shop.write() as session:
        begin_session(session, person(shop, ADA), device="", now=NOW + SESSION_LASTS)
    with shop.read() as session:
        assert session.scalar(select(func.count()).select_from(PersonSession)) == 1


def at_once(act: Callable[[int], Any], times: int) -> list[Any]:
    """What each of several threads got, or the refusal, when all begin at the same moment."""
    ready, told = threading.Barrier(times), [None] * times

    def run(n: int) -> None:
        ready.wait()
        try:
            told[n] = act(n)
        except InSeasonError as error:
            told[n] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told
