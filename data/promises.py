"""Stock that open transfers have promised away, and what they bring: no night may count it a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import false, func, or_, select

from data.records import Consignment, ConsignmentLine
from data.records.decision_life import OPEN, PROMISED

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session


def promised_units(session: Session, *, as_of: date | None = None) -> pd.DataFrame:
    """Units that stores have promised to others and that still stand in their books.

    Args:
        session: a session that reads.
        as_of: the day at whose end the stock was counted: what was shipped after it is still in that count.

    Returns:
        store, sku, units; one row per pair, in their order.
    """
    shipped_since = false() if as_of is None else Consignment.shipped_on > as_of
    rows = session.execute(
        select(Consignment.from_store, ConsignmentLine.sku, func.sum(ConsignmentLine.units))
        .join(Consignment.lines)
        .where(or_(Consignment.state.in_(PROMISED), shipped_since))
        .group_by(Consignment.from_store, ConsignmentLine.sku)
        .order_by(Consignment.from_store, ConsignmentLine.sku)
    ).all()
    return pd.DataFrame(rows, columns=["store", "sku", "units"]).astype(
        {"store": "str", "sku": "str", "units": "int64"}
    )


def coming_units(session: Session, *, as_of: date | None = None) -> pd.DataFrame:
    """Units that open transfers bring to stores, as far as they are not in the stores' books yet.

    Args:
        session: a session that reads.
        as_of: the day at whose end the stock was counted: what was received after it is not in that count.

    Returns:
        store, sku, units, arrives_on (datetime64; NaT where nobody knows), state: how sure it is, from
        ``requested`` to ``shipped``; one row per line. Stock files that tell goods in transit themselves
        have ``shipped`` ones in them already.
    """
    received_since = false() if as_of is None else Consignment.received_on > as_of
    rows = session.execute(
        select(
            Consignment.to_store,
            ConsignmentLine.sku,
            func.coalesce(ConsignmentLine.received, ConsignmentLine.units),
            Consignment.arrives_on,
            Consignment.state,
        )
        .join(Consignment.lines)
        .where(or_(Consignment.state.in_(OPEN), received_since))
        .order_by(Consignment.to_store, ConsignmentLine.sku, Consignment.consignment_id)
    ).all()
    frame = pd.DataFrame(rows, columns=["store", "sku", "units", "arrives_on", "state"])
    return frame.astype({"store": "str", "sku": "str", "units": "int64", "state": "str"}).assign(
        arrives_on=pd.to_datetime(frame["arrives_on"])
    )
