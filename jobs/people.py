"""Add the people who log in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from unicodedata import category

from sqlalchemy import select

from data.addresses import LONGEST_ADDRESS, is_address
from data.errors import InSeasonError
from data.records import Person, PersonCategory, PersonStore, Product, Role, Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from jobs.service import Service

_LONGEST_NAME: Final = 200
# Control characters, separators of lines and of paragraphs.
_BREAKING: Final = ("Cc", "Zl", "Zp")


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
        InSeasonError: the address is no address or taken, it or the name is too long, the password too short,
            a store or category is unknown, or the role and what was given with it do not fit.
    """
    address = email.strip().lower()
    if len(address) > LONGEST_ADDRESS or len(name.strip()) > _LONGEST_NAME:
        raise InSeasonError(
            f"An address has at most {LONGEST_ADDRESS} characters, a name at most {_LONGEST_NAME}."
        )
    if not is_address(address):
        raise InSeasonError(
            f"{email!r} is no e-mail address; write one address and nothing else, such as ann@example.com."
        )
    if any(category(character) in _BREAKING for character in name.strip()):
        raise InSeasonError(f"The name {name!r} holds a line break or another control character.")
    kind = Role(role)
    if (kind is Role.STORE_MANAGER) != bool(stores):
        raise InSeasonError("A store manager needs at least one --store, and only a store manager has them.")
    if categories and kind is not Role.MERCHANDISER:
        raise InSeasonError("Only a merchandiser has categories.")
    with service.database.read() as session:
        _require_known(session, address, stores, categories)
    person = Person(email=address, name=name.strip() or address, role=kind, created_at=service.clock.now())
    person.set_password(password)
    person.stores = [PersonStore(store_id=store) for store in dict.fromkeys(stores)]
    person.categories = [PersonCategory(category=category) for category in dict.fromkeys(categories)]
    with service.database.write() as session:
        session.add(person)


def _require_known(session: Session, address: str, stores: Sequence[str], categories: Sequence[str]) -> None:
    if session.scalar(select(Person.person_id).where(Person.email == address)):
        raise InSeasonError(f"There is already a person with the address {address}.")
    known = set(session.scalars(select(Store.store_id).where(Store.store_id.in_(stores))))
    if unknown := [store for store in stores if store not in known]:
        raise InSeasonError(f"There is no store {unknown[0]!r}; import the stores first.")
    sold = set(session.scalars(select(Product.category).where(Product.category.in_(categories)).distinct()))
    if missing := [category for category in categories if category not in sold]:
        raise InSeasonError(f"No product has the category {missing[0]!r}.")
