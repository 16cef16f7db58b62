"""How a migration runs: in one transaction, with SQLite's foreign keys off meanwhile, then checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from alembic import context
from sqlalchemy import Enum, text

from data.errors import InSeasonError
from data.records import Record
from data.records.base import UtcDateTime

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from data.database import Database

# An arbitrary number, so that two processes that start together migrate one after the other.
_ADVISORY_KEY: Final = 4_540_455


def migrate(database: Database) -> None:
    """Run the asked-for migrations on the database."""
    with database.writing_connection() as connection:
        if database.is_sqlite:
            # The pragma does nothing inside a transaction, so it is set on the driver's connection.
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA foreign_keys=OFF")
            try:
                _run(connection)
            finally:
                connection.rollback()
                driver.execute("PRAGMA foreign_keys=ON")
        else:
            _run(connection)


def render_plainly(kind: str, item: Any, _autogenerate: Any) -> str | Literal[False]:
    """Write our own types as the database knows them: no migration imports the records of a later day."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Enum) and not item.native_enum:
        return f"sa.String(length={item.length})"
    return False


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Record.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_plainly,
        compare_type=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_KEY})
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise InSeasonError(f"The migration would leave {len(broken)} rows pointing nowhere; undone.")
    connection.commit()


migrate(context.config.attributes["database"])
