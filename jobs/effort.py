"""How far customers had to go, night by night, for the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data.errors import InSeasonError
from data.outcomes.effort import effort_over_time
from data.records import Store

if TYPE_CHECKING:
    from data.database import Database

_CHAIN: Final = "the chain"


def effort_rows(database: Database, *, store: str | None) -> list[dict[str, Any]]:
    """The nights' efforts of a store, or of the whole chain, as plain JSON values, oldest first.

    Raises:
        InSeasonError: there is no such store.
    """
    with database.read() as session:
        if store is not None and session.get(Store, store) is None:
            raise InSeasonError(f"There is no store {store!r}.")
        return [
            {
                "business_date": row.business_date.isoformat(),
                "store": row.store_id or _CHAIN,
                "stores_visited": row.stores_visited,
                "miles": row.miles,
                "found": row.found,
                "customers": row.units,
            }
            for row in effort_over_time(session, store_id=store or "")
        ]


def print_effort(rows: list[dict[str, Any]]) -> None:
    """The same as a table for people."""
    console = Console()
    if not rows:
        console.print("No night has measured how far customers go yet.", highlight=False)
        return
    table = Table(box=None)
    for name in ("night", "of", "customers a week", "stores visited", "miles", "found"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(
            row["business_date"],
            escape(row["store"]),
            f"{row['customers']:,.0f}",
            f"{row['stores_visited']:.2f}",
            f"{row['miles']:.1f}",
            f"{row['found']:.0%}",
        )
    console.print(table)
