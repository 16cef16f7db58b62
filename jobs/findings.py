"""From the rules' frame to findings an alert can be made of: plain values, names, and what the page shows."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from data.records import Finding, Scope, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

_UNITS: Final = ("before_units", "in_season_units", "after_units", "demand_units")
_EFFORT: Final = ("stores", "miles", "found", "stores_after", "miles_after", "found_after")
_DAYS: Final = ("floor_set", "exit", "first_week", "horizon_ends")


def to_findings(
    found: pd.DataFrame,
    products: pd.DataFrame,
    drivers: Sequence[Mapping[str, Any]],
    effort: pd.DataFrame,
) -> list[Finding]:
    """One finding per row.

    Args:
        found: as `forecaster.group_findings` gives it.
        products: as `data.assortment.products_frame` gives them.
        drivers: of each row of `found`, as `jobs.drivers.drivers_of` gives them.
        effort: of each row of `found`, as `jobs.outlook.Outlook.effort` gives it; NaN where there is none.
    """
    names = products.drop_duplicates("style_id").set_index("style_id")["style_name"].to_dict()
    ways = [_effort(row) for row in _rows(effort)]
    return [
        _finding(row, style_name=_name(row, names), drivers=moved_by, effort=way)
        for row, moved_by, way in zip(_rows(found), drivers, ways, strict=True)
    ]


def _rows(found: pd.DataFrame) -> Iterable[dict[str, Any]]:
    records: list[dict[str, Any]] = found.to_dict("records")  # type: ignore[assignment]
    return records


def _name(row: Mapping[str, Any], names: Mapping[Any, Any]) -> str:
    """What an alert calls the thing it is about: a style, a category, or what customers called it."""
    if row["scope"] == Scope.ZONE:
        category = str(row["category"])
        return f"{category[:1].upper()}{category[1:]}"
    return str(names.get(row["style"]) or row["figures"].get("words") or row["style"])


def _effort(row: Mapping[str, Any]) -> dict[str, float]:
    """Stores, miles and share found, now and after the moves; nothing where nobody goes anywhere."""
    return {str(name): _rounded(row[name]) for name in _EFFORT if name in row and pd.notna(row[name])}


def _finding(
    row: Mapping[str, Any], *, style_name: str, drivers: Mapping[str, Any], effort: Mapping[str, float]
) -> Finding:
    return Finding(
        rule=row["rule"],
        store_id=row["store"],
        style_id=row["style"],
        season_code=row["season_code"],
        category=row["category"],
        severity=Severity(row["severity"]),
        units_lost=_rounded(row["units_lost"]),
        recoverable_units=_rounded(row["recoverable_units"]),
        money_lost=_money(row["money_lost"]),
        act_by=_day(row["act_by"]),
        demand_ends=_day(row["demand_ends"]),
        evidence=row["evidence"],
        details={
            "style_name": style_name,
            "on_hand": int(row["on_hand"]),
            "in_transit": int(row["in_transit"]),
            **{name: _rounded(row[name]) for name in _UNITS},
            **{name: _text(_day(row[name])) for name in _DAYS},
            "reason": row["reason"],
            "sizes": [_size(size) for size in row["sizes"]],
            "figures": dict(row["figures"]),
            "effort": dict(effort),
        },
        drivers=drivers,
        scope=Scope(row["scope"]),
        climate_zone=row["climate_zone"],
        customers_lost=_rounded(row["customers_lost"]),
        customers_this_week=_rounded(row["customers_this_week"]),
        margin_lost=None if pd.isna(row["margin_lost"]) else _money(row["margin_lost"]),
        reorderable_units=_rounded(row["reorderable_units"]),
        next_buy_units=_rounded(row["next_buy_units"]),
        parent=row["parent"],
        weak=bool(row["weak"]),
    )


def _size(size: dict[str, Any]) -> dict[str, Any]:
    return {
        "sku": size["sku"],
        "size": size["size"],
        "color": size["color"],
        "demand": _rounded(size["demand"]),
        "on_hand": int(size["on_hand"]),
        "in_transit": int(size["in_transit"]),
        "lost": _rounded(size["lost"]),
    }


def _rounded(value: Any) -> float:
    # Two decimals: what is stored tonight compares equal to what is computed again after an interruption.
    return 0.0 if pd.isna(value) else round(float(value), 2)


def _money(value: Any) -> Decimal:
    return Decimal(f"{_rounded(value):.2f}")


def _day(value: Any) -> date | None:
    return None if pd.isna(value) else pd.Timestamp(value).date()


def _text(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
