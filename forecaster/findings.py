"""From the rows that make up a loss to findings: sums, sizes, evidence, severity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from forecaster.codes import EXIT_BEFORE_DEMAND_ENDS
from forecaster.evidence import STRONGEST_FIRST, Evidence

if TYPE_CHECKING:
    from forecaster.policy import RulePolicy

FINDING_COLUMNS = (
    "rule", "store", "style", "category", "season_code", "units_lost", "recoverable_units", "money_lost",
    "demand_units", "on_hand", "in_transit", "first_week", "horizon_ends", "demand_ends", "exit", "act_by",
    "severity", "evidence", "sizes", "reason",
)  # fmt: skip

_DAY = pd.Timedelta(days=1)
_BULK = 0.5
_SIZE_FIELDS = ("sku", "size", "color", "demand", "on_hand", "in_transit", "lost")

GROUP = ["store", "style", "season"]
"""What one finding is about; with the rule, its identity."""

Identity = tuple[str, str, str]


def findings(
    rows: pd.DataFrame, products: pd.DataFrame, rule: str, today: pd.Timestamp, policy: RulePolicy
) -> list[dict[str, object]]:
    """One finding per store, style and season whose loss is worth telling.

    Args:
        rows: store, style, season, sku, week, demand, lost, recoverable, regular_price, on_hand, in_transit,
            evidence, exit, last_week (first day of the last material week), act_by, first_loss, horizon_ends.
        products: category, size, color by sku.
        rule: code of the rule.
        today: as_of.
        policy: what is worth telling.
    """
    total = rows.groupby(GROUP, observed=True)[["lost", "demand"]].transform("sum")
    worth = (total["lost"] >= policy.min_units) & (total["lost"] >= policy.min_lost_share * total["demand"])
    kept = rows[worth]
    if kept.empty:
        return []
    weighed = kept.assign(
        money=kept["lost"] * kept["regular_price"], loss_week=kept["week"].where(kept["lost"] > 0)
    )
    summed = weighed.groupby(GROUP, observed=True).agg(
        lost=("lost", "sum"), demand=("demand", "sum"), recoverable=("recoverable", "sum"),
        money=("money", "sum"), first_week=("loss_week", "min"), first_loss=("first_loss", "min"),
        last_week=("last_week", "max"), exit=("exit", "first"), act_by=("act_by", "min"),
        horizon_ends=("horizon_ends", "max"),
    )  # fmt: skip
    sizes, shares = _sizes(kept, products), _lost_by_evidence(kept)
    return [
        _finding(rule, identity, sums, sizes[identity], weakest_bulk(shares[identity]), today, policy)
        for identity, sums in ((key, summed.loc[key]) for key in summed.index)
    ]


def _finding(
    rule: str,
    identity: Identity,
    sums: pd.Series[Any],
    sizes: list[dict[str, Any]],
    evidence: Evidence,
    today: pd.Timestamp,
    policy: RulePolicy,
) -> dict[str, object]:
    """One finding from the sums of its rows and its sizes."""
    store, style, season = identity
    # What has no window is wanted all year: its demand does not end.
    ends = sums["last_week"] + 6 * _DAY if pd.notna(sums["exit"]) else pd.NaT
    return {
        "rule": rule,
        "store": store,
        "style": style,
        "category": sizes[0]["category"],
        "season_code": season,
        "units_lost": float(sums["lost"]),
        "recoverable_units": float(sums["recoverable"]),
        "money_lost": float(sums["money"]),
        "demand_units": float(sums["demand"]),
        "on_hand": sum(line["on_hand"] for line in sizes),
        "in_transit": sum(line["in_transit"] for line in sizes),
        "first_week": sums["first_week"],
        "horizon_ends": sums["horizon_ends"],
        "demand_ends": ends,
        "exit": sums["exit"],
        "act_by": sums["act_by"],
        "severity": severity(sums["lost"], (sums["act_by"] - today).days, evidence, policy),
        "evidence": str(evidence),
        "sizes": [{name: line[name] for name in _SIZE_FIELDS} for line in sizes],
        "reason": _reason(rule, sums, ends),
    }


def _lost_by_evidence(kept: pd.DataFrame) -> dict[Identity, dict[str, float]]:
    """Units lost by evidence label, per store, style and season."""
    found: dict[Identity, dict[str, float]] = {}
    sums = kept.groupby([*GROUP, "evidence"], observed=True)["lost"].sum().reset_index()
    for store, style, season, label, lost in sums.itertuples(index=False, name=None):
        found.setdefault((store, style, season), {})[str(label)] = float(lost)
    return found


def weakest_bulk(lost: dict[str, float]) -> Evidence:
    """The label at which, counted from the strongest, more than half of the loss is reached."""
    total, so_far = sum(lost.values()), 0.0
    for label in STRONGEST_FIRST:
        so_far += lost.get(str(label), 0.0)
        if so_far > _BULK * total:
            return label
    return STRONGEST_FIRST[-1]


def severity(units: float, days_left: int, evidence: Evidence, policy: RulePolicy) -> str:
    """Low, one step up for many units, one for a near act_by; never high on borrowed evidence."""
    steps = int(units >= policy.high_units) + int(days_left <= policy.urgent_days)
    if evidence is not Evidence.OBSERVED:
        steps = min(steps, 1)
    return ("low", "medium", "high")[steps]


def _sizes(kept: pd.DataFrame, products: pd.DataFrame) -> dict[Identity, list[dict[str, Any]]]:
    """Per store, style and season, each sku with a loss, largest first: what is wanted, there and lost."""
    sums = kept.groupby([*GROUP, "sku"], observed=True).agg(
        demand=("demand", "sum"), on_hand=("on_hand", "first"), in_transit=("in_transit", "first"),
        lost=("lost", "sum"),
    )  # fmt: skip
    sums = sums[sums["lost"] > 0].sort_values("lost", ascending=False, kind="stable")
    known: dict[str, dict[Any, Any]] = {
        str(sku): row for sku, row in products[["category", "size", "color"]].to_dict("index").items()
    }
    found: dict[Identity, list[dict[str, Any]]] = {}
    for store, style, season, sku, *figures in sums.reset_index().itertuples(index=False, name=None):
        amounts = dict(zip(sums.columns, map(float, figures), strict=True))
        line: dict[str, Any] = {"sku": str(sku), **known[str(sku)], **amounts}
        found.setdefault((store, style, season), []).append(line)
    return found


def _reason(rule: str, sums: pd.Series[Any], ends: Any) -> str:
    """Code with its figures, for machines and tests: `rule:key=value;...`."""
    event, day = (
        ("exit", sums["exit"]) if rule == EXIT_BEFORE_DEMAND_ENDS else ("first_short", sums["first_loss"])
    )
    last = f"{ends:%Y-%m-%d}" if pd.notna(ends) else "never"
    figures = f"lost={sums['lost']:.1f};demand={sums['demand']:.1f}"
    return f"{rule}:{event}={day:%Y-%m-%d};demand_ends={last};{figures}"
