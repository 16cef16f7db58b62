"""Bring the tables of the records to the version this code was written for, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from data.errors import DatabaseNotReadyError

if TYPE_CHECKING:
    from data.database import Database

SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(database: Database, revision: str = "head") -> None:
    """Apply the migrations up to a revision, the newest by default."""
    command.upgrade(_config(database), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the migrations back to a revision; `base` is an empty database."""
    command.downgrade(_config(database), revision)


def require_current(database: Database) -> None:
    """Make sure that the tables are those of this code.

    Raises:
        DatabaseNotReadyError: with the command that mends it.
    """
    where = database.url.render_as_string(hide_password=True)
    if database.is_sqlite and not Path(database.url.database or "").exists():
        raise DatabaseNotReadyError(f"There is no database at {where} yet: run `inseason init`.")
    current, head = revisions(database)
    if current is None:
        raise DatabaseNotReadyError(f"The database {where} has no tables yet: run `inseason init`.")
    if current != head:
        raise DatabaseNotReadyError(
            f"The database {where} is at version {current}, this program needs {head}: run `inseason init`."
        )


def revisions(database: Database) -> tuple[str | None, str | None]:
    """The revision the database is at, and the newest there is."""
    head = ScriptDirectory.from_config(_config(database)).get_current_head()
    with database.read() as session:
        connection = session.connection()
        if not inspect(connection).has_table("alembic_version"):
            return None, head
        return MigrationContext.configure(connection).get_current_revision(), head


def _config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["database"] = database
    return config
