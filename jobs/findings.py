"""From the rules' frame to findings an alert can be made of: plain values, names, and what the page shows."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd

from data.records import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date


def to_findings(
    found: pd.DataFrame,
    products: pd.DataFrame,
    windows: pd.DataFrame,
    drivers: Sequence[Mapping[str, Any]],
) -> list[Finding]:
    """One finding per row.

    Args:
        found: as `forecaster.find_gaps` gives it.
        products: as `data.assortment.products_frame` gives them.
        windows: store_id, style_id, floor_set, exit, for the floor-set that belongs to a row's exit.
        drivers: of each row of `found`, as `jobs.drivers.drivers_of` gives them.
    """
    names = products.drop_duplicates("style_id").set_index("style_id")["style_name"].to_dict()
    floor_sets = (
        windows.drop_duplicates(["store_id", "style_id", "exit"])
        .set_index(["store_id", "style_id", "exit"])["floor_set"]
        .to_dict()
    )
    findings = []
    for row, moved_by in zip(_rows(found), drivers, strict=True):
        key = (row["store"], row["style"], row["exit"])
        name = names.get(row["style"]) or row["style"]
        floor_set = _day(floor_sets.get(key))
        findings.append(_finding(row, style_name=name, floor_set=floor_set, drivers=moved_by))
    return findings


def _rows(found: pd.DataFrame) -> Iterable[dict[str, Any]]:
    records: list[dict[str, Any]] = found.to_dict("records")  # type: ignore[assignment]
    return records


def _finding(
    row: dict[str, Any], *, style_name: str, floor_set: date | None, drivers: Mapping[str, Any]
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
        money_lost=Decimal(f"{_rounded(row['money_lost']):.2f}"),
        act_by=_day(row["act_by"]),
        demand_ends=_day(row["demand_ends"]),
        evidence=row["evidence"],
        details={
            "style_name": style_name,
            "floor_set": _text(floor_set),
            "exit": _text(_day(row["exit"])),
            "on_hand": int(row["on_hand"]),
            "in_transit": int(row["in_transit"]),
            "demand_units": _rounded(row["demand_units"]),
            "first_week": _text(_day(row["first_week"])),
            "horizon_ends": _text(_day(row["horizon_ends"])),
            "reason": row["reason"],
            "sizes": [_size(size) for size in row["sizes"]],
        },
        drivers=drivers,
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


def _day(value: Any) -> date | None:
    return None if pd.isna(value) else pd.Timestamp(value).date()


def _text(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
