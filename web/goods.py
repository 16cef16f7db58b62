"""Skus as people know them, and the two lists of them that leave the app: to pick, and to order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from data.records import Product
from data.requests import in_run
from web.exports import Kind, table_answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flask import Response
    from sqlalchemy.orm import Session

    from data.records import Consignment, Decision

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


def pick_list_csv(session: Session, part: Consignment, kind: Kind = Kind.CSV) -> Response:
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
    return table_answer(f"pick-list-{part.decision_id}-{part.from_store}", _PICK_COLUMNS, rows, kind)


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


def order_csv(session: Session, decision: Decision, kind: Kind = Kind.CSV) -> Response:
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
    return table_answer(f"order-{decision.decision_id}", _ORDER_COLUMNS, rows, kind)


def _line(sku: str, units: int, received: int | None, product: Product | None) -> Line:
    if product is None:
        return Line(sku, sku, "", "", units, received, None)
    return Line(
        sku, product.style_name or product.style_id, product.color, product.size, units, received, product
    )
