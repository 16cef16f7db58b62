"""Accounts from the command line: add a person, and give one a link that sets a new password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from sqlalchemy import select

from data.account_links import make_link
from data.errors import InSeasonError
from data.passwords import hash_password, require_good_password
from data.people import Account, has_accounts, note_link
from data.people import add_person as add_account
from data.records import LinkKind, Person, Role
from data.settings import secret_key
from data.setup_code import code_file, setup_code

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobs.service import Service

COMMAND_LINE: Final = "command line"
"""Who has done what was done here, in the history of an account."""


def add_person(
    service: Service,
    *,
    email: str,
    name: str,
    role: str,
    password: str,
    stores: Sequence[str] = (),
    categories: Sequence[str] = (),
) -> None:
    """Add a person with a role, the stores of a store manager, the categories of a merchandiser.

    Raises:
        InSeasonError: the address is no address or taken, it or the name is too long, the password would be
            guessed, a store or category is unknown, or the role and what was given with it do not fit.
    """
    require_good_password(password, email=email, name=name)
    account = Account(email, name, Role(role), tuple(stores), tuple(categories))
    hashed = hash_password(password)
    with service.database.write() as session:
        add_account(session, account, by=COMMAND_LINE, now=service.clock.now(), password_hash=hashed)


def link_for(service: Service, email: str) -> str:
    """The address under which a person sets a new password, once.

    Raises:
        InSeasonError: nobody has that address, or the account is closed.
    """
    now = service.clock.machine_now()
    with service.database.write() as session:
        person = session.scalars(select(Person).where(Person.email == email.strip().lower())).one_or_none()
        if person is None or not person.is_active:
            raise InSeasonError(f"There is no open account with the address {email}.")
        kind = LinkKind.RESET if person.has_come else LinkKind.INVITATION
        made = make_link(session, person, kind, key=secret_key(service.settings), now=now)
        note_link(session, person, shown=True, by=COMMAND_LINE, now=now)
    return f"{service.settings.base_url}/password/{quote(made.token)}"


def tell_setup(service: Service, say: Callable[[str], None]) -> None:
    """Say where and with which code the first account is made, while there is none."""
    with service.database.read() as session:
        if has_accounts(session):
            return
    say(
        f"There is no account yet. Open {service.settings.base_url}/setup and type the code "
        f"{setup_code(service.settings)} (it stands in {code_file(service.settings)})."
    )
