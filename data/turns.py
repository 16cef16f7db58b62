"""Writers of one table one after the other, where what one of them may do rests on what the others did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from data.records import Record


def take_turns(session: Session, table: type[Record]) -> None:
    """Wait until no other transaction writes the table, and let none begin to before this one ends.

    Call it first in a short writing transaction. On SQLite a writer is alone anyway; PostgreSQL would let two
    count the same rows and both add one. Readers are never held up.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"LOCK TABLE {table.__tablename__} IN SHARE ROW EXCLUSIVE MODE"))
