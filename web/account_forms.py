"""The form of an account: what it says, and the stores and categories that can be ticked in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from data.people import Account
from data.records import Product, Role, Store
from web.addresses import id_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session
    from werkzeug.datastructures import MultiDict

    from data.records import Person

MOST_SHOWN: Final = 400
"""More stores than this are found by narrowing."""


@dataclass(frozen=True)
class Tick:
    """One thing that can be ticked; `beside` helps to find it, and is part of what is searched."""

    value: str
    label: str
    beside: str
    ticked: bool


@dataclass(frozen=True)
class Choices:
    """What can be ticked: the stores that fit the search, with those that are ticked before all others."""

    stores: Sequence[Tick]
    categories: Sequence[Tick]
    all_stores: int


@dataclass(frozen=True)
class AccountForm:
    """What somebody has typed; `find` narrows the stores that are shown, and `found` did so before."""

    email: str
    name: str
    role: str
    stores: frozenset[str]
    categories: frozenset[str]
    version: int = 0
    find: str = ""
    found: str = ""
    narrow: bool = False

    @classmethod
    def blank(cls) -> AccountForm:
        """The form for somebody new: most are store managers."""
        return cls("", "", str(Role.STORE_MANAGER), frozenset(), frozenset())

    @classmethod
    def of(cls, person: Person) -> AccountForm:
        """The form with what an account says now."""
        account = Account.of(person)
        return cls(
            email=account.email,
            name=account.name,
            role=str(account.role),
            stores=frozenset(account.stores),
            categories=frozenset(account.categories),
            version=person.version,
        )

    @classmethod
    def sent(cls, form: MultiDict[str, str]) -> AccountForm:
        """What a form has sent; an unknown role is that of a store manager, who may see the least."""
        role = form.get("role", "")
        return cls(
            email=form.get("email", ""),
            name=form.get("name", ""),
            role=role if role in set(Role) else str(Role.STORE_MANAGER),
            stores=frozenset(form.getlist("store")),
            categories=frozenset(form.getlist("category")),
            version=form.get("version", 0, type=id_in),
            find=" ".join(form.get("find", "").split()),
            found=form.get("found", ""),
            narrow="narrow" in form,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether the stores are to be narrowed rather than the account kept.

        Whoever types a search and presses Enter sends the form: they mean the search.
        """
        return self.narrow or self.find != self.found

    @property
    def account(self) -> Account:
        """What the account is to say: what is ticked for another role does not count."""
        role = Role(self.role)
        return Account(
            email=self.email,
            name=self.name,
            role=role,
            stores=tuple(self.stores) if role is Role.STORE_MANAGER else (),
            categories=tuple(self.categories) if role is Role.MERCHANDISER else (),
        )

    def for_version(self, version: int) -> AccountForm:
        """The same, for an account that has been changed meanwhile."""
        return replace(self, version=version)

    def choices(self, records: Session, person: Person | None = None) -> Choices:
        """What can be ticked, what is ticked first."""
        query = select(Store.store_id, Store.name, Store.climate_zone).order_by(Store.name, Store.store_id)
        stores = [
            Tick(
                row.store_id,
                row.name,
                _beside(row.store_id, row.climate_zone),
                row.store_id in self.stores,
            )
            for row in records.execute(query)
        ]
        words = self.find.casefold().split()
        fits = [tick for tick in stores if not tick.ticked and _has(tick, words)]
        sold = set(records.scalars(select(Product.category).distinct()))
        sold |= {link.category for link in person.categories} if person else set()
        return Choices(
            stores=[*(tick for tick in stores if tick.ticked), *fits[:MOST_SHOWN]],
            categories=[Tick(name, name, "", name in self.categories) for name in sorted(sold)],
            all_stores=len(stores),
        )


def _beside(store_id: str, climate_zone: str) -> str:
    """What is told beside a store's name."""
    return f"{store_id} · {climate_zone.replace('_', ' ')}" if climate_zone else store_id


def _has(tick: Tick, words: Sequence[str]) -> bool:
    text = f"{tick.label} {tick.beside}".casefold()
    return all(word in text for word in words)
