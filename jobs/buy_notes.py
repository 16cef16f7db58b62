"""The season-end notes for the next buy: kept by the night, listed by a command."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import select

from data.buy_notes import notes_of
from data.records import BuyNote
from forecaster import buy_notes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from data.database import Database
    from jobs.tonight import Night

_BATCH: Final = 200
_FILE_WIDTH: Final = 240
_TEXTS: Final = ("season_code", "category", "gender_age", "price_band", "need", "size", "climate_zone")
_UNITS: Final = ("units", "customers", "in_season_units", "after_units", "demand_units")
_SHOWN: Final = (*_TEXTS, "stores", *_UNITS, "money", "season_ends", "evidence", "noted_on")


def keep_notes(night: Night) -> int:
    """Keep tonight's notes where they say more than earlier ones; returns how many do.

    Doing it again for the same night changes nothing.
    """
    told = [_values(row) for row in buy_notes(night.outlook.situation).to_dict("records")]
    changed = 0
    for start in range(0, len(told), _BATCH):
        batch = told[start : start + _BATCH]
        needs = [row["need"] for row in batch]
        with night.service.database.write() as session:
            known = {
                _key(note): note for note in session.scalars(select(BuyNote).where(BuyNote.need.in_(needs)))
            }
            for row in batch:
                note = known.get((row["season_code"], row["need"], row["climate_zone"]))
                if note is not None and note.units >= row["units"]:
                    continue
                changed += 1
                if note is None:
                    session.add(BuyNote(**row, noted_on=night.business_date))
                else:
                    for name, value in (row | {"noted_on": night.business_date}).items():
                        setattr(note, name, value)
    return changed


def note_rows(database: Database, *, category: str | None = None) -> list[dict[str, Any]]:
    """The notes as plain JSON values, newest season first, most units first."""
    with database.read() as session:
        notes = session.scalars(notes_of(category)).all()
        return [{name: _plain(getattr(note, name)) for name in _SHOWN} for note in notes]


def print_notes(rows: list[dict[str, Any]]) -> None:
    """The notes as a table for people."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH)
    if not rows:
        console.print("No season has ended with something that nothing could serve.", highlight=False)
        return
    table = Table(box=None)
    for name in ("season", "need", "zone", "stores", "units", "customers", "money", "of wanted", "evidence"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(
            escape(row["season_code"]),
            escape(row["need"]),
            escape(row["climate_zone"]),
            f"{row['stores']}",
            f"{row['units']:,.0f}",
            f"{row['customers']:,.0f}",
            f"${row['money']:,.0f}",
            f"{row['demand_units']:,.0f}",
            row["evidence"],
        )
    console.print(table)


def _values(row: Mapping[Any, Any]) -> dict[str, Any]:
    ends = row["season_ends"]
    return {
        **{name: str(row[name]) for name in _TEXTS},
        **{name: round(float(row[name]), 2) for name in _UNITS},
        "stores": int(row["stores"]),
        "money": Decimal(f"{0.0 if pd.isna(row['money']) else float(row['money']):.2f}"),
        "season_ends": None if pd.isna(ends) else pd.Timestamp(ends).date(),
        "evidence": str(row["evidence"]),
    }


def _key(note: BuyNote) -> tuple[str, str, str]:
    return note.season_code, note.need, note.climate_zone


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if hasattr(value, "isoformat") else value
