"""A small chain into which files are imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from data.clock import Clock
from data.facts import FactsStore
from data.feeds.inbox import ingest_waiting
from data.feeds.loading import import_feed
from data.settings import load_settings
from tests.ground.elsewhere import writing_elsewhere

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from data.database import Database
    from data.settings import Settings

STORES = (
    "store_id,name,timezone,climate_zone\n1,Phoenix,America/Phoenix,hot\n2,Seattle,America/Los_Angeles,mild\n"
)
PRODUCTS = (
    "sku,style_id,category,regular_price\nA-S,A,swim trunks,19.99\nA-M,A,swim trunks,19.99\nB,B,gloves,9.99\n"
)


@dataclass
class Chain:
    """Imports texts as files, and shows what came of them."""

    database: Database
    facts: FactsStore
    settings: Settings
    folder: Path

    def import_text(self, kind: str, text: str, **options: Any) -> Any:
        path = self.folder / f"{kind}.csv"
        path.write_text(text, encoding="utf-8")
        return self.import_file(kind, path, **options)

    def import_file(self, kind: str, path: Path, **options: Any) -> Any:
        facts = options.pop("facts", self.facts)
        return import_feed(
            kind,
            path,
            database=self.database,
            facts=facts,
            settings=self.settings,
            clock=Clock(self.settings),
            **options,
        )

    def ingest(self, **options: Any) -> Any:
        return ingest_waiting(
            self.settings.inbox,
            database=self.database,
            facts=self.facts,
            settings=self.settings,
            clock=Clock(self.settings),
            **options,
        )

    def fact_rows(self, table: str, columns: str) -> list[list[Any]]:
        frame: pd.DataFrame = self.facts.snapshot().query(f"SELECT {columns} FROM {table} ORDER BY {columns}")
        return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()

    def rows(self, statement: Any) -> list[tuple[Any, ...]]:
        with self.database.read() as session:
            return [tuple(row) for row in session.execute(statement)]


@pytest.fixture
def empty_chain(database, settings, tmp_path):
    del settings  # it makes the environment that load_settings reads
    standing = load_settings(today="2026-06-15")
    facts = FactsStore(standing.facts_uri, database)
    facts.prepare()
    return Chain(database, facts, standing, tmp_path)


@pytest.fixture
def chain(empty_chain):
    empty_chain.import_text("stores", STORES)
    empty_chain.import_text("products", PRODUCTS)
    return empty_chain


@pytest.fixture
def busy_elsewhere(database):
    """Another import runs, outside this test, for as long as the test does."""
    with writing_elsewhere(database):
        yield
