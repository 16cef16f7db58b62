"""What must hold between the columns of one row, each rule for all rows at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import pandas as pd

    Broken = Callable[[pd.DataFrame, date], "pd.Series[bool]"]


@dataclass(frozen=True)
class RowRule:
    """A rule across columns: where it is broken, which column is named, and what is said.

    `broken` takes the typed frame and today's date; a missing value breaks nothing. The rule is asked only
    when the file has all columns in `needs`.
    """

    column: str
    needs: tuple[str, ...]
    reason: str
    broken: Broken


def _until_today(column: str, reason: str) -> RowRule:
    return RowRule(column, (column,), reason, lambda frame, today: _after(frame[column], today))


def _after(days: Any, today: date) -> Any:
    return days > str(today)


def _ordered(first: str, last: str, reason: str) -> RowRule:
    return RowRule(last, (first, last), reason, lambda frame, _today: frame[last] < frame[first])


def _returned_before_sold(frame: pd.DataFrame, _today: date) -> pd.Series[bool]:
    last = frame["business_date"]
    if "period" in frame:
        last = last.mask(frame["period"] == "week", last + timedelta(days=6))
    return frame["sold_on"] > last


CLOSED_AFTER_OPENED: Final = _ordered("opened_on", "closed_on", "is before opened_on")
EXIT_AFTER_FLOOR_SET: Final = _ordered("floor_set", "exit", "is before floor_set")
TO_AFTER_FROM: Final = _ordered("from", "to", "is before from")
LATITUDE_WITH_LONGITUDE: Final = RowRule(
    "longitude",
    ("latitude", "longitude"),
    "is missing beside a latitude",
    lambda frame, _today: frame["longitude"].isna() & frame["latitude"].notna(),
)
LONGITUDE_WITH_LATITUDE: Final = RowRule(
    "latitude",
    ("latitude", "longitude"),
    "is missing beside a longitude",
    lambda frame, _today: frame["latitude"].isna() & frame["longitude"].notna(),
)
REPLACES_ANOTHER: Final = RowRule(
    "replaces_sku",
    ("sku", "replaces_sku"),
    "is the sku itself",
    lambda frame, _today: (frame["replaces_sku"] == frame["sku"]) & frame["sku"].notna(),
)
PERCENT_NOT_SHARE: Final = RowRule(
    "percent_off",
    ("percent_off",),
    "looks like a share; thirty percent is 30",
    lambda frame, _today: (frame["percent_off"] > 0) & (frame["percent_off"] < 1),
)
ZONE_OR_STORE: Final = RowRule(
    "store_id",
    ("climate_zone", "store_id"),
    "stands beside a climate_zone; a row is about one of them",
    lambda frame, _today: frame["climate_zone"].notna() & frame["store_id"].notna(),
)
RECEIVED_BY_TODAY: Final = _until_today("received_date", "is in the future; leave it blank until it has come")
SOLD_BY_TODAY: Final = _until_today("business_date", "is in the future")
SOLD_BEFORE_RETURNED: Final = RowRule(
    "sold_on",
    ("business_date", "sold_on"),
    "is after the business_date on which it came back",
    _returned_before_sold,
)
COUNTED_BY_TODAY: Final = _until_today("business_date", "is in the future")
ASKED_BY_TODAY: Final = RowRule(
    "requested_at",
    ("requested_at",),
    "is in the future",
    lambda frame, today: _after(frame["requested_on"], today),
)
