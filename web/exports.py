"""Lists as files for other programs: CSV that a spreadsheet shows and never carries out."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask import Response
from sqlalchemy import select

from data.records import Product
from data.requests import in_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from data.records import Consignment, Decision

# A cell that begins with one of these is a formula to a spreadsheet, whatever the file says; the second four
# are their full-width forms. What is not shown before them hides nothing.
_FORMULA: Final = "=+-@\uff1d\uff0b\uff0d\uff20"
_BREAKS: Final = "\t\r\n"
_PICK_COLUMNS: Final = (
    "from_store", "to_store", "sku", "style", "color", "size", "units", "ship_by", "transfer",
)  # fmt: skip
_ORDER_COLUMNS: Final = (
    "deliver_to", "sku", "style", "color", "size", "units", "unit_cost", "pack_size", "order_by", "order",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One sku of a list, as people know it."""

    sku: str
    style: str
    color: str
    size: str
    units: int
    received: int | None
    product: Product | None


def safe_cell(value: object) -> str:
    """A cell's text; what a spreadsheet would take for a formula is shown as text by a quote before it.

    >>> safe_cell("=1+1"), safe_cell("Marlin Trunk"), safe_cell(-3), safe_cell(None)
    ("'=1+1", 'Marlin Trunk', '-3', '')
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    shown = next((letter for letter in value if unicodedata.category(letter)[0] not in "CZ"), "")
    is_formula = shown and shown in _FORMULA
    return f"'{value}" if is_formula or value[:1] in tuple(_BREAKS) else value


def csv_answer(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A CSV file to download: UTF-8 with the mark that spreadsheets ask for, all cells quoted."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    answer = Response(text.getvalue().encode("utf-8-sig"), mimetype="text/csv")
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)
    answer.headers["Content-Disposition"] = f'attachment; filename="{plain}"'
    return answer


def lines_of(session: Session, units: Iterable[tuple[str, int, int | None]]) -> list[Line]:
    """Skus with their names, style by style and in the order of the size run.

    Args:
        session: a session that reads.
        units: sku, units asked for, units received (None where nobody has said).
    """
    wanted = list(units)
    known = {
        product.sku: product
        for product in session.scalars(select(Product).where(Product.sku.in_([sku for sku, *_ in wanted])))
    }
    lines = [_line(sku, number, received, known.get(sku)) for sku, number, received in wanted]
    return sorted(lines, key=lambda line: (line.style, line.color, in_run(line.size), line.sku))


def pick_list(session: Session, part: Consignment) -> list[Line]:
    """What a giving store takes from its shelves for a consignment."""
    return lines_of(session, ((line.sku, line.units, line.received) for line in part.lines))


def pick_list_csv(session: Session, part: Consignment) -> Response:
    """The pick list of a consignment as a file."""
    rows = (
        (
            part.giver.name,
            part.taker.name,
            line.sku,
            line.style,
            line.color,
            line.size,
            line.units,
            part.ships_by,
            part.decision_id,
        )
        for line in pick_list(session, part)
    )
    name = f"pick-list-{part.decision_id}-{part.from_store}.csv"
    return csv_answer(name, _PICK_COLUMNS, rows)


def order_lines(session: Session, details: Mapping[str, Any]) -> list[Line]:
    """What a reorder orders, by sku; nothing for what orders nothing.

    Args:
        session: a session that reads.
        details: of the offer or the decision.
    """
    units: dict[str, int] = {}
    for size in details.get("sizes") or ():
        units[size["sku"]] = units.get(size["sku"], 0) + round(size["units"])
    return lines_of(session, ((sku, number, None) for sku, number in units.items()))


def order_csv(session: Session, decision: Decision) -> Response:
    """The order file of a reorder, with what a unit costs and how it is packed."""
    rows = (
        (
            decision.store_id or decision.climate_zone,
            line.sku,
            line.style,
            line.color,
            line.size,
            line.units,
            line.product and line.product.unit_cost,
            line.product and line.product.pack_size,
            decision.act_by,
            decision.decision_id,
        )
        for line in order_lines(session, decision.details)
    )
    return csv_answer(f"order-{decision.decision_id}.csv", _ORDER_COLUMNS, rows)


def _line(sku: str, units: int, received: int | None, product: Product | None) -> Line:
    if product is None:
        return Line(sku, sku, "", "", units, received, None)
    return Line(
        sku, product.style_name or product.style_id, product.color, product.size, units, received, product
    )
