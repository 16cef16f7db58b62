"""A small retailer with people, alerts, runs and mails, written through the records."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from argon2 import PasswordHasher

from data.records import (
    Alert,
    AlertChart,
    ApiToken,
    CustomerRequest,
    MailState,
    OutboxMail,
    Person,
    PersonCategory,
    PersonStore,
    Product,
    Role,
    Run,
    RunKind,
    RunState,
    RunStep,
    Store,
    Wanted,
)
from tests.unit.web.making import NIGHT, NOW, make_alert, make_stockout

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from sqlalchemy.orm import Session
    from werkzeug.test import TestResponse

    from data.database import Database

PASSWORD = "a long enough password"
TODAY = date(2026, 6, 14)
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="5" height="5"/></svg>'
MAIL = '<html><head><title>x</title></head><body><p style="color: red">Hello</p></body></html>'

MANAGER = "maya@example.com"
NEIGHBOUR = "noor@example.com"
MERCHANDISER = "jonas@example.com"
ADMIN = "ada@example.com"


@dataclass(frozen=True)
class World:
    """The identities that tests ask for."""

    database: Database
    own_alert: int
    other_alert: int
    own_mail: int
    other_mail: int
    night: int
    own_request: int
    other_request: int
    own_token: int


def build_world(database: Database) -> World:
    """Two stores in two categories; Maya manages the first, Noor the second, Jonas buys swim trunks."""
    with database.write() as records:
        people = _people(records)
        own, other = _alerts(records)
        night = _runs(records)
        asked = _requests(records)
        token = _token(records, people[MANAGER])
        mails = [_mail(person) for person in (people[MANAGER], people[NEIGHBOUR])]
        records.add_all(mails)
        records.flush()
        own_mail, other_mail = (mail.mail_id for mail in mails)
    return World(database, own, other, own_mail, other_mail, night, *asked, token)


def log_in(client: FlaskClient, email: str, password: str = PASSWORD, onward: str = "") -> TestResponse:
    """Log in as a browser does: load the page, send its form."""
    page = client.get("/login")
    query = f"?next={onward}" if onward else ""
    form = {"email": email, "password": password, "csrf_token": form_token(page.text)}
    return client.post(f"/login{query}", data=form)


def form_token(html: str) -> str:
    """The token of a page's form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found, "the page has no form token"
    return found[1]


def press(client: FlaskClient, path: str) -> TestResponse:
    """Send a form with nothing but its token, as a button does."""
    return client.post(path, data={"csrf_token": form_token(client.get("/alerts").text)})


def _people(records: Session) -> dict[str, Person]:
    records.add_all(
        Store(store_id=store_id, name=name, climate_zone="hot")
        for store_id, name in (("PHX1", "Phoenix North"), ("SEA1", "Seattle South"))
    )
    records.add_all(
        Product(sku=f"SKU-{number}", style_id=f"STYLE-{number}", category=category)
        for number, category in enumerate(("Swim trunks", "Snow boots"))
    )
    records.flush()
    people = {
        MANAGER: _person(MANAGER, "Maya Ortiz", Role.STORE_MANAGER, stores=("PHX1",)),
        NEIGHBOUR: _person(NEIGHBOUR, "Noor Haddad", Role.STORE_MANAGER, stores=("SEA1",)),
        MERCHANDISER: _person(MERCHANDISER, "Jonas Lind", Role.MERCHANDISER, categories=("Swim trunks",)),
        ADMIN: _person(ADMIN, "Ada Okafor", Role.ADMIN),
    }
    records.add_all(people.values())
    records.flush()
    return people


def _person(
    email: str, name: str, role: Role, stores: tuple[str, ...] = (), categories: tuple[str, ...] = ()
) -> Person:
    return Person(
        email=email,
        name=name,
        role=role,
        password_hash=_hash(),
        created_at=NOW,
        stores=[PersonStore(store_id=store_id) for store_id in stores],
        categories=[PersonCategory(category=category) for category in categories],
    )


@cache
def _hash() -> str:
    # A real hash, of a kind that costs nothing to check.
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def _alerts(records: Session) -> tuple[int, int]:
    own = make_alert(None)
    other = make_stockout(
        alert_id=None,
        store_id="SEA1",
        category="Snow boots",
        money_lost=Decimal(90),
        details={"style_name": "Ridge Boot"},
    )
    records.add_all([own, other])
    records.flush()
    table = [{"week": "2026-06-14", "sales": None, "stock": None, "mean": 8.0, "p10": 4.0, "p90": 12.8}]
    records.add_all(
        AlertChart(alert_id=alert.alert_id, business_date=NIGHT, svg=DRAWING, table=table)
        for alert in (own, other)
    )
    return own.alert_id, other.alert_id


def add_alerts(database: Database, number: int, *, store_id: str = "PHX1") -> None:
    """More open alerts, each worth a dollar less than the one before, some of them worth the same."""
    with database.write() as records:
        records.add_all(
            make_alert(
                None,
                store_id=store_id,
                style_id=f"MORE-{n}",
                money_lost=Decimal(1000 - n // 3),
                units_lost=5.0 + n,
            )
            for n in range(number)
        )


def _runs(records: Session) -> int:
    steps = [
        RunStep(
            position=position,
            name=name,
            state=RunState.SUCCEEDED,
            started_at=NOW,
            finished_at=NOW + timedelta(seconds=4),
            rows=1200,
            outcome="done",
        )
        for position, name in enumerate(("ingest", "panel", "forecast"))
    ]
    night = Run(
        kind=RunKind.NIGHT,
        business_date=NIGHT,
        state=RunState.SUCCEEDED,
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=48),
        summary="2 alerts opened",
        steps=steps,
    )
    records.add_all([Run(kind=RunKind.IMPORT, started_at=NOW, summary="sales.csv: 10 rows loaded"), night])
    records.flush()
    return night.run_id


def _requests(records: Session) -> tuple[int, int]:
    asked = [
        CustomerRequest.asked(
            Wanted(sku=sku), store_id=store_id, person_id=person_id, units=1, now=NOW, form_key=sku
        )
        for person_id, (sku, store_id) in enumerate((("SKU-0", "PHX1"), ("SKU-1", "SEA1")), start=1)
    ]
    records.add_all(asked)
    records.flush()
    return asked[0].request_id, asked[1].request_id


def _token(records: Session, person: Person) -> int:
    token, _ = ApiToken.issue(person, name="Till", scopes=["alerts:read"], days=90, now=NOW)
    records.add(token)
    records.flush()
    return token.token_id


def _mail(person: Person) -> OutboxMail:
    now = datetime(2026, 6, 14, 7, tzinfo=UTC)
    return OutboxMail(
        person_id=person.person_id,
        business_date=NIGHT,
        kind="digest",
        dedup_key=f"{NIGHT}.{person.person_id}",
        to_address=person.email,
        subject=f"1 new, 38 units at risk for {person.name}",
        text="Swim trunks will leave the floor",
        html=MAIL,
        message_id=f"<{person.person_id}@example.com>",
        state=MailState.KEPT,
        created_at=now,
        due_at=now,
    )


def alert_of(database: Database, alert_id: int) -> Alert:
    """An alert as it is stored now."""
    with database.read() as records:
        alert = records.get(Alert, alert_id)
        assert alert
        return alert
