"""A service over fresh records and facts, and a small retailer whose files wait in its inbox."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from data.clock import Clock
from data.facts import FactsStore
from data.feeds.loading import import_feed
from data.settings import load_settings
from jobs.people import add_person
from jobs.service import Service
from tests.ground.retailer import write_feeds

if TYPE_CHECKING:
    from data.database import Database
    from data.settings import Settings

TODAY = date(2026, 6, 7)


@pytest.fixture
def service(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The service, empty, its clock at noon of a day in June."""
    monkeypatch.setenv("INSEASON_TODAY", TODAY.isoformat())
    settings = load_settings()
    facts = FactsStore(settings.facts_uri, database)
    facts.prepare()
    return Service(settings, Clock(settings), database, facts)


@pytest.fixture
def retailer(service: Service) -> Service:
    """The service of a small retailer whose files wait in the inbox."""
    write_feeds(service.settings.inbox)
    return service


@pytest.fixture
def people(retailer: Service) -> Service:
    """The same, its stores loaded, with a store manager, a merchandiser and an admin."""
    add_people(retailer)
    return retailer


def add_people(service: Service) -> None:
    """Load the stores that people are added for, then the people."""
    for kind in ("stores", "products"):
        import_feed(
            kind,
            service.settings.inbox / f"{kind}.csv",
            database=service.database,
            facts=service.facts,
            settings=service.settings,
            clock=service.clock,
        )
    secret = "correct horse battery"
    add_person(
        service, email="phx@shop.example", name="P", role="store_manager", stores=["PHX-01"], password=secret
    )
    add_person(service, email="plan@shop.example", name="M", role="merchandiser", password=secret)
    add_person(service, email="admin@shop.example", name="A", role="admin", password=secret)
