"""A retailer after a night in both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data.facts import FactsStore
from tests.ground.planned import write_facts, write_records

if TYPE_CHECKING:
    from pathlib import Path

    from data.database import Database


@pytest.fixture
def facts(database: Database, tmp_path: Path) -> FactsStore:
    """Empty facts beside the records."""
    facts = FactsStore(str(tmp_path / "facts"), database)
    facts.prepare()
    return facts


@pytest.fixture
def night(database: Database, facts: FactsStore) -> int:
    """Records and facts as a night leaves them; the night's number."""
    write_records(database)
    return write_facts(database, facts)
