"""What a finding is: its columns, its severity, and how the findings of all rules become one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.evidence import STRONGEST_FIRST, Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from forecaster.policy import RulePolicy

FINDING_COLUMNS: Final = (
    "rule", "scope", "store", "climate_zone", "style", "category", "season_code",
    "units_lost", "customers_lost", "customers_this_week", "money_lost", "margin_lost", "before_units",
    "in_season_units", "after_units", "recoverable_units", "reorderable_units", "next_buy_units",
    "winnable_money", "demand_units", "on_hand", "in_transit", "first_week", "horizon_ends", "demand_ends",
    "floor_set", "exit", "act_by", "severity", "evidence", "weak", "sizes", "figures", "reason",
)  # fmt: skip

STORE, ZONE, CHAIN = "store", "zone", "chain"
"""Scopes: whom a finding is about."""

SEVERITIES: Final = ("low", "medium", "high")

DAYS: Final = ("first_week", "horizon_ends", "demand_ends", "floor_set", "exit", "act_by")
_DAY_TYPES: Final = dict.fromkeys(DAYS, "datetime64[s]")
_TEXTS: Final = ("store", "climate_zone", "style", "category", "season_code")
_NOTHING: Final[dict[str, Any]] = {
    **dict.fromkeys(FINDING_COLUMNS, 0.0),
    **dict.fromkeys(DAYS, pd.NaT),
    **dict.fromkeys(_TEXTS, ""),
    "scope": STORE,
    "margin_lost": np.nan,
    "severity": SEVERITIES[0],
    "evidence": str(Evidence.OBSERVED),
    "weak": False,
    "sizes": [],
    "figures": {},
    "reason": "",
}
_BULK: Final = 0.5


def no_findings() -> pd.DataFrame:
    """An empty frame of findings."""
    return pd.DataFrame(columns=list(FINDING_COLUMNS))


def made(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Findings from rows that name only what they have; no units, no day and blank for the rest."""
    frame = pd.DataFrame([{**_NOTHING, **row} for row in rows], columns=list(FINDING_COLUMNS))
    return together([frame]) if len(frame) else no_findings()


def together(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Findings of several rules as one frame, days as datetime64."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return no_findings()
    frame = pd.concat([part.astype(_DAY_TYPES) for part in filled], ignore_index=True)
    return frame[list(FINDING_COLUMNS)]


def weakest_bulk(lost: Mapping[str, float]) -> Evidence:
    """The label at which, counted from the strongest, more than half of the loss is reached."""
    total, so_far = sum(lost.values()), 0.0
    for label in STRONGEST_FIRST:
        so_far += lost.get(str(label), 0.0)
        if so_far > _BULK * total:
            return label
    return STRONGEST_FIRST[-1]


def severity(units: float, money: float, days_left: float, evidence: str, policy: RulePolicy) -> str:
    """Low, one step up for much that can be won, one for a near act_by; never high on borrowed evidence.

    Args:
        units: that can still be won.
        money: the same at regular price.
        days_left: until act_by.
        evidence: label of the finding.
        policy: the category's.
    """
    much = units >= policy.high_units or money >= policy.high_money
    steps = int(much) + int(days_left <= policy.urgent_days)
    return SEVERITIES[min(steps, 1) if evidence != Evidence.OBSERVED else steps]


def reason_of(row: Mapping[Any, Any], **more: object) -> str:
    """Code with its figures, for machines and tests: ``rule:key=value;...``."""
    days = {
        name: row[name] for name in ("floor_set", "exit", "first_week", "demand_ends") if pd.notna(row[name])
    }
    told = {
        **{name: f"{day:%Y-%m-%d}" for name, day in days.items()},
        "lost": f"{row['units_lost']:.1f}",
        "demand": f"{row['demand_units']:.1f}",
        "recoverable": f"{row['recoverable_units']:.1f}",
        "reorderable": f"{row['reorderable_units']:.1f}",
        **more,
    }
    return f"{row['rule']}:{';'.join(f'{name}={value}' for name, value in told.items())}"


def iso_day(day: Any) -> str | None:
    """A day as text, None where there is none."""
    return None if pd.isna(day) else f"{pd.Timestamp(day):%Y-%m-%d}"
