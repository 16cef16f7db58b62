"""People are added with what fits their role, and refused with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from data.account_links import person_of_link
from data.errors import InSeasonError
from data.people import history_of
from data.records import Person, Product, Role, Store
from data.setup_code import code_file, setup_code
from jobs.people import add_person, link_for, tell_setup

if TYPE_CHECKING:
    from jobs.service import Service

PASSWORD = "correct horse battery"


@pytest.fixture
def shop(service: Service) -> Service:
    """Two stores and one category."""
    with service.database.write() as session:
        session.add_all([Store(store_id="1", name="Phoenix"), Store(store_id="2", name="Tucson")])
        session.add(Product(sku="A", style_id="A", category="gloves"))
    return service


def add(service: Service, **changes: Any) -> Person:
    given: dict[str, Any] = {
        "email": "maya@shop.example",
        "name": "Maya Ortiz",
        "role": "store_manager",
        "stores": ["1"],
        "password": PASSWORD,
    }
    add_person(service, **(given | changes))
    with service.database.read() as session:
        return session.scalars(select(Person).order_by(Person.person_id.desc())).first()


def test_a_store_manager_has_her_stores_each_once(shop: Service) -> None:
    person = add(shop, stores=["1", "2", "1"])

    assert (person.role, person.store_ids) == (Role.STORE_MANAGER, {"1", "2"})
    assert person.is_active
    assert person.created_at == shop.clock.now()


def test_a_merchandiser_has_categories_or_all_of_them(shop: Service) -> None:
    one = add(shop, role="merchandiser", stores=(), categories=["gloves"])
    assert one.category_names == {"gloves"}
    assert add(shop, email="b@x.example", role="merchandiser", stores=()).category_names is None


def test_only_the_hash_of_a_password_is_kept(shop: Service) -> None:
    person = add(shop)

    assert PASSWORD not in person.password_hash
    assert person.password_hash.startswith("$argon2id$")
    assert person.has_password(PASSWORD)
    assert not person.has_password(PASSWORD + " ")


def test_an_address_is_one_however_it_is_written(shop: Service) -> None:
    assert add(shop, email="  Maya@Shop.Example ").email == "maya@shop.example"

    with pytest.raises(InSeasonError, match=r"already a person with the address maya@shop\.example"):
        add(shop, email="MAYA@shop.example")


def test_without_a_name_a_person_is_called_by_the_address(shop: Service) -> None:
    assert add(shop, name="  ").name == "maya@shop.example"


REFUSED = {
    "no address": ({"email": "maya"}, "'maya' is no e-mail address"),
    "two addresses": ({"email": "a@b.example c@d.example"}, "is no e-mail address"),
    "half a host": ({"email": "a@[b"}, "is no e-mail address; write one address and nothing else"),
    "a list": ({"email": "a,b@c.example"}, "is no e-mail address"),
    "brackets": ({"email": "<>@x.example"}, "is no e-mail address"),
    "a name with a line break": ({"name": "Maya\nBcc: x"}, "holds a line break or another control character"),
    "a name with a control character": ({"name": "Maya\x1b[2J"}, "holds a line break or another control"),
    "an address too long for a mail server": ({"email": "a" * 250 + "@b.example"}, "at most 254"),
    "a name too long": ({"name": "M" * 201}, "at most 200"),
    "an unknown store": ({"stores": ["1", "9"]}, "There is no store '9'; import the stores first"),
    "an unknown category": (
        {"role": "merchandiser", "stores": (), "categories": ["hats"]},
        "No product has the category 'hats'",
    ),
    "a store manager without a store": ({"stores": ()}, "needs at least one store"),
    "a merchandiser with a store": ({"role": "merchandiser"}, "only a store manager has them"),
    "an admin with a store": ({"role": "admin"}, "only a store manager has them"),
    "a store manager with a category": ({"categories": ["gloves"]}, "Only a merchandiser has categories"),
    "a short password": ({"password": "short"}, "at least 10 characters"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused_and_nobody_is_added(shop: Service, what: str) -> None:
    changes, sentence = REFUSED[what]

    with pytest.raises(InSeasonError, match=sentence) as refusal:
        add(shop, **changes)

    assert PASSWORD not in str(refusal.value)
    with shop.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 0


def test_a_password_that_would_be_guessed_is_refused(shop: Service) -> None:
    with pytest.raises(InSeasonError, match="own name"):
        add(shop, password="maya ortiz 2026")
    with pytest.raises(InSeasonError, match="tried first"):
        add(shop, password="password123")


def test_what_the_command_line_does_stands_in_the_history(shop: Service) -> None:
    person = add(shop)
    link_for(shop, "MAYA@shop.example ")
    with shop.database.read() as session:
        events = history_of(session, person.person_id, most=9)
    assert [(str(event.what), event.who) for event in events] == [
        ("link_shown", "command line"),
        ("added", "command line"),
    ]


def test_a_link_from_the_command_line_leads_to_the_page_that_sets_a_password(shop: Service) -> None:
    person = add(shop)
    address, _, token = link_for(shop, "maya@shop.example").rpartition("/")
    assert address == f"{shop.settings.base_url}/password"
    with shop.database.read() as session:
        assert person_of_link(session, token, shop.clock.machine_now())[0].person_id == person.person_id


def test_a_link_for_nobody_is_refused(shop: Service) -> None:
    with pytest.raises(InSeasonError, match="no open account with the address"):
        link_for(shop, "nobody@shop.example")


def test_the_setup_code_is_told_while_there_is_no_account(shop: Service) -> None:
    told: list[str] = []
    tell_setup(shop, told.append)
    assert setup_code(shop.settings) in told[0]
    assert str(code_file(shop.settings)) in told[0]
    add(shop)
    tell_setup(shop, told.append)
    assert len(told) == 1
