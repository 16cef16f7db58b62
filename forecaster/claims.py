"""Which customers a finding speaks of: the rows of the gap behind its sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.codes import EXIT_BEFORE_DEMAND_ENDS, FLOOR_SET_AFTER_DEMAND_STARTS
from forecaster.frames import require_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

CLAIM_COLUMNS: Final = ("finding", "store", "sku", "phase", "exit", "until", "lost")

PHASE_OF_RULE: Final[Mapping[str, str]] = {
    EXIT_BEFORE_DEMAND_ENDS: "after_exit",
    FLOOR_SET_AFTER_DEMAND_STARTS: "before_floor_set",
}
"""Of the rules that are about weeks off the floor; all others are about weeks on it."""

_JOIN: Final = ["store", "sku", "phase", "key"]
_NO_EXIT: Final = pd.Timestamp("1900-01-01")


def claims_of(findings: pd.DataFrame) -> pd.DataFrame:
    """The store, sku, part of the season and last day of every size that findings of stores name.

    Args:
        findings: rule, scope, store, exit, horizon_ends, demand_ends, sizes, as the rules give them.

    Returns:
        finding (position in findings), store, sku, phase, exit (NaT without), until (last day that counts;
        NaT: as far as is told), lost (units); one row per finding and size with a loss.
    """
    require_columns(findings, "findings", ["rule", "store", "exit", "horizon_ends", "demand_ends", "sizes"])
    # What a zone says is the sum of what its stores say.
    position = np.flatnonzero(findings["store"].astype(str) != "")
    rows = findings.iloc[position][["rule", "store", "exit", "horizon_ends", "demand_ends", "sizes"]]
    named = rows.assign(finding=position).explode("sizes").dropna(subset="sizes").reset_index(drop=True)
    line = pd.DataFrame(named["sizes"].tolist(), columns=["sku", "lost"])
    until = pd.to_datetime(named["horizon_ends"]).fillna(pd.to_datetime(named["demand_ends"]))
    claims = pd.DataFrame(
        {
            "finding": named["finding"],
            "store": named["store"].astype(str),
            "sku": line["sku"].astype(str),
            "phase": named["rule"].map(dict(PHASE_OF_RULE)).fillna("in_season"),
            "exit": pd.to_datetime(named["exit"]),
            "until": until,
            "lost": pd.to_numeric(line["lost"]),
        },
        columns=list(CLAIM_COLUMNS),
    )
    return claims[claims["lost"] > 0].reset_index(drop=True)


def claimed_rows(claims: pd.DataFrame, gap: pd.DataFrame) -> pd.DataFrame:
    """The rows of gap behind each claim: those of its store, sku, part of the season and exit, up to its end.

    Args:
        claims: store, sku, phase, exit, until.
        gap: store, sku, week, floor_set, exit, phase, demand, lost, available, as `expected_gap` tells it.

    Returns:
        claim (position in claims), store, sku, phase, exit, week, floor_set, demand, lost, available; rows
        with demand only.
    """
    require_columns(claims, "claims", ["store", "sku", "phase", "exit", "until"])
    columns = ["store", "sku", "week", "floor_set", "exit", "phase", "demand", "lost", "available"]
    require_columns(gap, "gap", columns)
    asked = claims[["store", "sku", "phase", "until"]].astype({"store": "str", "sku": "str"})
    asked = asked.assign(claim=np.arange(len(claims)), key=_key(claims["exit"]))
    wanted = gap.loc[gap["sku"].isin(asked["sku"].unique()) & (gap["demand"] > 0), columns]
    rows = asked.merge(wanted.assign(key=_key(wanted["exit"])), on=_JOIN).drop(columns="key")
    return rows[rows["until"].isna() | (rows["week"] <= rows["until"])].reset_index(drop=True)


def _key(leaving: pd.Series[Any]) -> pd.Series[Any]:
    """An exit by which rows can be joined, for what has none as well."""
    return pd.to_datetime(leaving).fillna(_NO_EXIT).astype("datetime64[s]")
