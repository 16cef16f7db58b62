"""Accounts: who may have which, how they are changed, and what is written down about it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import flag_modified

from data.account_links import close_links, person_of_link
from data.addresses import LONGEST_ADDRESS, is_address
from data.errors import ConflictError, FieldsError, InSeasonError
from data.records import (
    PACES,
    AccountChange,
    MailChoices,
    Person,
    PersonCategory,
    PersonEvent,
    PersonStore,
    Product,
    Role,
    Store,
)
from data.sessions import end_sessions, reseal
from data.turns import take_turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

LONGEST_NAME: Final = 200
SETUP: Final = "setup"
"""Who has made the first account."""

# Control characters, separators of lines and of paragraphs.
_BREAKING: Final = ("Cc", "Zl", "Zp")
_OVERTAKEN: Final = "Somebody else has changed this account meanwhile; look at it again first."


@dataclass(frozen=True)
class Account:
    """What an account says, as a form or a command gives it."""

    email: str
    name: str
    role: Role
    stores: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @classmethod
    def of(cls, person: Person) -> Account:
        """What a person's account says now."""
        return cls(
            email=person.email,
            name=person.name,
            role=person.role,
            stores=tuple(sorted(link.store_id for link in person.stores)),
            categories=tuple(sorted(link.category for link in person.categories)),
        )


def add_person(
    session: Session, account: Account, *, by: str, now: datetime, password_hash: str = ""
) -> Person:
    """Add an account; without a password its owner sets one with a link.

    Args:
        session: a writing session.
        account: what it says.
        by: e-mail of who adds it, or the name of what does.
        now: the instant.
        password_hash: of a password that was found good enough.

    Raises:
        FieldsError: what cannot be taken, by field (email, name, role, stores, categories).
    """
    account = _checked(session, account, before=None)
    person = Person(
        email=account.email,
        name=account.name,
        role=account.role,
        password_hash=password_hash,
        created_at=now,
        stores=[PersonStore(store_id=store) for store in account.stores],
        categories=[PersonCategory(category=category) for category in account.categories],
    )
    try:
        with session.begin_nested():
            session.add(person)
    except IntegrityError as error:
        if _is_taken(session, account.email):
            raise FieldsError({"email": _taken(account.email)}) from error
        raise
    _note(session, person, AccountChange.ADDED, by=by, now=now, details={"role": str(account.role)})
    return person


def first_admin(session: Session, account: Account, *, password_hash: str, now: datetime) -> Person:
    """Add the admin who sets the service up; of two who try at the same moment the second is told.

    Raises:
        ConflictError: there is an account already.
        FieldsError: what cannot be taken, by field.
    """
    take_turns(session, Person)
    if has_accounts(session):
        raise ConflictError("Somebody has set this service up already. Log in, or ask them for an account.")
    return add_person(session, account, by=SETUP, now=now, password_hash=password_hash)


def has_accounts(session: Session) -> bool:
    """Whether there is any account, open or not."""
    return bool(session.scalar(select(exists(select(Person.person_id)))))


def edit_person(
    session: Session, person_id: int, account: Account, *, version: int, by: str, now: datetime
) -> bool:
    """Change what an account says; False when it says that already.

    Args:
        session: a writing session that has done nothing yet.
        person_id: whose account it is.
        account: what it is to say.
        version: that which the changer has seen.
        by: e-mail of who changes it.
        now: the instant.

    Raises:
        ConflictError: it was changed since.
        FieldsError: what cannot be taken, by field.
    """
    person = _held(session, person_id, version)
    before = Account.of(person)
    account = _checked(session, account, before=person)
    changed = {
        name: [_plain(getattr(before, name)), _plain(getattr(account, name))]
        for name in ("email", "name", "role", "stores", "categories")
        if getattr(before, name) != getattr(account, name)
    }
    if not changed:
        return False
    if "email" in changed and person.has_come:
        raise FieldsError(
            {
                "email": "The address is by which the history knows a person. It can be changed until they "
                "have logged in; for another one, add an account and close this one."
            }
        )
    if person.role is Role.ADMIN and account.role is not Role.ADMIN:
        _require_another_admin(
            session, person, by, FieldsError({"role": _not_yourself("take this role from")})
        )
    person.email, person.name, person.role = account.email, account.name, account.role
    person.stores = _linked(person.stores, account.stores, "store_id", PersonStore)
    person.categories = _linked(person.categories, account.categories, "category", PersonCategory)
    # Stores alone are rows of another table: the account is another version all the same.
    flag_modified(person, "name")
    if "email" in changed:
        close_links(session, person_id, now)
    _fit_mails(session, person)
    _note(session, person, AccountChange.CHANGED, by=by, now=now, details=changed)
    session.flush()
    return True


def deactivate(session: Session, person_id: int, *, version: int, by: str, now: datetime) -> None:
    """Close an account: its sessions end at once, its links and mails stop, its history stays.

    Raises:
        ConflictError: it was changed since, or is closed.
        InSeasonError: it is the changer's own, or the last admin's.
    """
    person = _held(session, person_id, version)
    if not person.is_active:
        raise ConflictError("This account is closed already.")
    _require_another_admin(session, person, by, InSeasonError(_not_yourself("close")))
    person.is_active = False
    end_sessions(session, person_id)
    close_links(session, person_id, now)
    _note(session, person, AccountChange.DEACTIVATED, by=by, now=now)


def reactivate(session: Session, person_id: int, *, version: int, by: str, now: datetime) -> None:
    """Open a closed account again, as it was.

    Raises:
        ConflictError: it was changed since, or is open.
    """
    person = _held(session, person_id, version)
    if person.is_active:
        raise ConflictError("This account is open already.")
    person.is_active = True
    _note(session, person, AccountChange.REACTIVATED, by=by, now=now)


def rename(session: Session, person_id: int, name: str, *, now: datetime) -> bool:
    """Change the own name; False when it is that already.

    Raises:
        FieldsError: it cannot be taken.
    """
    take_turns(session, Person)
    person = session.get_one(Person, person_id)
    name = " ".join(name.split()) or person.email
    if problem := _problem_of_name(name):
        raise FieldsError({"name": problem})
    if name == person.name:
        return False
    details = {"name": [person.name, name]}
    person.name = name
    _note(session, person, AccountChange.CHANGED, by=person.email, now=now, details=details)
    return True


def change_password(
    session: Session, person_id: int, *, before: str, password_hash: str, keep: int, now: datetime
) -> None:
    """Set a new password; all sessions end but the one in which it was set, and all links close.

    Args:
        session: a writing session.
        person_id: whose it is.
        before: the hash of the password that was checked.
        password_hash: of the new one.
        keep: the session that goes on.
        now: the instant.

    Raises:
        ConflictError: the password was changed since it was checked.
    """
    take_turns(session, Person)
    person = session.get_one(Person, person_id)
    if person.password_hash != before:
        raise ConflictError("The password was changed meanwhile. Log in with the new one.")
    _take_password(session, person, password_hash, now)
    end_sessions(session, person_id, but=keep)
    reseal(session, keep, password_hash)


def set_password_by_link(session: Session, token: str, *, password_hash: str, now: datetime) -> Person:
    """Set a password with a link, which is good once; all sessions end.

    Args:
        session: a writing session.
        token: of the link.
        password_hash: of the new password.
        now: the machine's time.

    Raises:
        InSeasonError: the link is no longer good.
    """
    take_turns(session, Person)
    person, _link = person_of_link(session, token, now)
    _take_password(session, person, password_hash, now)
    end_sessions(session, person.person_id)
    return person


def note_link(session: Session, person: Person, *, shown: bool, by: str, now: datetime) -> None:
    """Write down that somebody was given a link that sets a password: by mail, or shown to who asked."""
    what = AccountChange.LINK_SHOWN if shown else AccountChange.LINK_SENT
    _note(session, person, what, by=by, now=now)


def end_other_sessions(session: Session, person: Person, *, keep: int, now: datetime) -> None:
    """End all sessions of a person but the one that asks."""
    end_sessions(session, person.person_id, but=keep)
    _note(session, person, AccountChange.SESSIONS_ENDED, by=person.email, now=now)


def history_of(session: Session, person_id: int, *, most: int) -> Sequence[PersonEvent]:
    """What was done to an account, newest first."""
    query = select(PersonEvent).where(PersonEvent.person_id == person_id)
    return session.scalars(query.order_by(PersonEvent.event_id.desc()).limit(most)).all()


def _held(session: Session, person_id: int, version: int) -> Person:
    """An account for changing, alone: whether one is the last admin rests on all the others."""
    take_turns(session, Person)
    person = session.get_one(Person, person_id)
    if person.version != version:
        raise ConflictError(_OVERTAKEN)
    return person


def _take_password(session: Session, person: Person, password_hash: str, now: datetime) -> None:
    person.password_hash = password_hash
    close_links(session, person.person_id, now)
    _note(session, person, AccountChange.PASSWORD_SET, by=person.email, now=now)
    session.flush()


def _require_another_admin(session: Session, person: Person, by: str, own: InSeasonError) -> None:
    """Make sure that somebody is left who can look after the accounts."""
    if person.email == by:
        raise own
    if person.role is not Role.ADMIN or not person.is_active:
        return
    others = select(Person.person_id).where(
        Person.role == Role.ADMIN,
        Person.is_active,
        Person.password_hash != "",
        Person.person_id != person.person_id,
    )
    if not session.scalar(select(exists(others))):
        sentence = f"{person.name} is the last admin who can log in. Make somebody else an admin first."
        raise FieldsError({"role": sentence})


def _not_yourself(what: str) -> str:
    return f"You cannot {what} your own account; another admin has to do that."


def _checked(session: Session, account: Account, *, before: Person | None) -> Account:
    """An account as it is kept, or everything that is wrong with it."""
    account = replace(
        account,
        email=account.email.strip().lower(),
        name=" ".join(account.name.split(" ")).strip() or account.email.strip().lower(),
        stores=tuple(sorted(set(account.stores))),
        categories=tuple(sorted(set(account.categories))),
    )
    found = {
        "email": _problem_of_email(session, account.email, before),
        "name": _problem_of_name(account.name),
        "stores": _problem_of_stores(session, account),
        "categories": _problem_of_categories(session, account, before),
    }
    if problems := {name: sentence for name, sentence in found.items() if sentence}:
        raise FieldsError(problems)
    return account


def _problem_of_email(session: Session, email: str, before: Person | None) -> str:
    if len(email) > LONGEST_ADDRESS:
        return f"An address has at most {LONGEST_ADDRESS} characters."
    if not is_address(email):
        return f"{email!r} is no e-mail address; write one address and nothing else, such as ann@example.com."
    if (before is None or before.email != email) and _is_taken(session, email):
        return _taken(email)
    return ""


def _problem_of_name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        return f"A name has at most {LONGEST_NAME} characters."
    if any(unicodedata.category(character) in _BREAKING for character in name):
        return f"The name {name!r} holds a line break or another control character."
    return ""


def _problem_of_stores(session: Session, account: Account) -> str:
    if (account.role is Role.STORE_MANAGER) != bool(account.stores):
        return "A store manager needs at least one store, and only a store manager has them."
    known = set(session.scalars(select(Store.store_id).where(Store.store_id.in_(account.stores))))
    unknown = [store for store in account.stores if store not in known]
    return f"There is no store {unknown[0]!r}; import the stores first." if unknown else ""


def _problem_of_categories(session: Session, account: Account, before: Person | None) -> str:
    if account.categories and account.role is not Role.MERCHANDISER:
        return "Only a merchandiser has categories."
    sold = set(
        session.scalars(select(Product.category).where(Product.category.in_(account.categories)).distinct())
    )
    # What somebody looks after already may have left the range since.
    known = sold | {link.category for link in before.categories} if before else sold
    missing = [category for category in account.categories if category not in known]
    return f"No product has the category {missing[0]!r}." if missing else ""


def _is_taken(session: Session, email: str) -> bool:
    return session.scalar(select(Person.person_id).where(Person.email == email)) is not None


def _taken(email: str) -> str:
    return f"There is already a person with the address {email}."


def _linked(links: Iterable[Any], wanted: Sequence[str], name: str, kind: type[Any]) -> list[Any]:
    """The links that stay, and new ones for what is wanted besides."""
    kept = {getattr(link, name): link for link in links}
    return [kept.get(value) or kind(**{name: value}) for value in wanted]


def _fit_mails(session: Session, person: Person) -> None:
    """Let nobody keep mails chosen for a role, stores or categories that are theirs no more."""
    choices = session.get(MailChoices, person.person_id)
    if choices is None:
        return
    if choices.pace not in PACES[person.role]:
        session.delete(choices)
        return
    for name, own in (("stores", person.store_ids), ("categories", person.category_names)):
        chosen = getattr(choices, name)
        setattr(choices, name, [each for each in chosen if own is None or each in own])


def _note(
    session: Session,
    person: Person,
    what: AccountChange,
    *,
    by: str,
    now: datetime,
    details: dict[str, Any] | None = None,
) -> None:
    session.add(PersonEvent(person_id=person.person_id, at=now, who=by, what=what, details=details or {}))


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    return list(value) if isinstance(value, tuple) else str(value)
