"""The composition root of commands and jobs: settings, clock and both stores, opened once."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deltalake.exceptions import DeltaError

from data.clock import Clock
from data.database import Database
from data.errors import SettingsError
from data.facts import FactsStore
from data.migrate import require_current, revisions, upgrade
from data.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Service:
    """What every command and job works with."""

    settings: Settings
    clock: Clock
    database: Database
    facts: FactsStore


@contextmanager
def open_service(*, create: bool = False, **overrides: Any) -> Iterator[Service]:
    """Open the stores that the settings name, and close them at the end.

    Args:
        create: make the tables of both stores where they are missing or of an older version.
        overrides: settings that win over the environment.

    Raises:
        SettingsError: a setting is wrong.
        DatabaseNotReadyError: the records are missing or of another version, and `create` is false.
    """
    settings = load_settings(**overrides)
    database = Database(settings.database_url.get_secret_value())
    try:
        service = Service(settings, Clock(settings), database, FactsStore(settings.facts_uri, database))
        if create:
            # Asked first, because a database that cannot be reached is refused in plain words here.
            revisions(database)
            upgrade(database)
            _prepare(service)
        else:
            require_current(database)
        yield service
    finally:
        database.dispose()


def _prepare(service: Service) -> None:
    try:
        service.facts.prepare()
    except DeltaError as error:
        why = str(error).partition(". ")[0]
        raise SettingsError(
            f"INSEASON_FACTS_URI: no facts can be kept at {service.facts.uri} ({why})."
        ) from error
