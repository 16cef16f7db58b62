"""The one drawing of a mail, as a picture that travels with it.

It is drawn here, in the process of the night and never in a child of it: the renderer hangs after a fork.
"""

from __future__ import annotations

import logging
import struct
import zlib
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import defer

from data.records import AlertChart
from web.rendering.charts import LIGHT, alert_chart_png

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from data.database import Database
    from data.records import Alert

# A mail's paper may be dark, and the picture cannot know: it brings its own.
_ON_PAPER: Final = replace(LIGHT, background="#ffffff")
# Read on a telephone: drawn so narrow, its letters are still letters there.
_WIDTH: Final = 340
_SCALE: Final = 1.6
# So narrow, a whole year would leave no room for the names of its days.
_PAST, _COMING = timedelta(weeks=26), timedelta(weeks=20)
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CANDIDATES: Final = 20
_log = logging.getLogger(__name__)


class MailCharts:
    """Draws alerts as PNG, each at most once however many people are told of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._drawn: dict[int, bytes | None] = {}

    def worst_of(self, alerts: Sequence[Alert]) -> tuple[Alert, bytes] | None:
        """The first of the alerts that the night has drawn, with its picture; none where there is none."""
        candidates = alerts[:_CANDIDATES]
        unknown = [alert.alert_id for alert in candidates if alert.alert_id not in self._drawn]
        with self._database.read() as session:
            rows = select(AlertChart).where(AlertChart.alert_id.in_(unknown)).options(defer(AlertChart.svg))
            charts = {chart.alert_id: chart for chart in session.scalars(rows)}
        for alert in candidates:
            if alert.alert_id not in self._drawn:
                chart = charts.get(alert.alert_id)
                self._drawn[alert.alert_id] = _drawn(alert, chart) if chart else None
            if (picture := self._drawn[alert.alert_id]) is not None:
                return alert, picture
        return None


def _drawn(alert: Alert, chart: AlertChart) -> bytes | None:
    """The picture; a mail without one is better than no mail."""
    rows = pd.DataFrame(chart.table, columns=["week", "sales", "stock", "mean", "p10", "p90"])
    rows["week"] = pd.to_datetime(rows["week"])
    figures = rows[["sales", "stock", "mean", "p10", "p90"]].astype(float)
    shown = rows["week"].between(
        pd.Timestamp(chart.business_date - _PAST), pd.Timestamp(chart.business_date + _COMING)
    )
    rows = rows.assign(**figures)[shown]
    known = rows[["sales", "stock"]].notna().any(axis=1)
    window = (_day(alert.details.get("floor_set")), _day(alert.details.get("exit")))
    try:
        picture = alert_chart_png(
            rows.loc[known, ["week", "sales", "stock"]],
            rows.loc[rows["mean"].notna(), ["week", "mean", "p10", "p90"]],
            window=window,
            as_of=chart.business_date,
            theme=_ON_PAPER,
            width=_WIDTH,
            scale=_SCALE,
        )
    except ValueError:
        _log.exception("alert %s could not be drawn for a mail", alert.alert_id)
        return None
    return _packed(picture)


def _packed(picture: bytes) -> bytes:
    """The same PNG in a third of its size: the renderer packs in haste, and a mail travels many times."""
    chunks = list(_chunks(picture))
    pixels = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    before = [chunk for chunk in chunks if chunk[0] not in (b"IDAT", b"IEND")]
    packed = [*before, (b"IDAT", zlib.compress(pixels, level=9)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in packed
    )


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The parts of a PNG, each with its kind (ISO/IEC 15948, section 5.3)."""
    at = len(_SIGNATURE)
    while at < len(picture):
        (length,) = struct.unpack_from(">I", picture, at)
        yield picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        at += length + 12


def _day(text: Any) -> date | None:
    return date.fromisoformat(text) if text else None
