"""What moving a date can do about a finding: a later exit or markdown, an earlier floor-set, a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.action_goods import OFFER_COLUMNS, margin_of, no_offers
from forecaster.claims import claimed_rows, claims_of
from forecaster.codes import (
    EXIT_BEFORE_DEMAND_ENDS,
    FLOOR_SET_AFTER_DEMAND_STARTS,
    MARKDOWN_BEFORE_PEAK,
)
from forecaster.evidence import Evidence
from forecaster.frames import require_columns
from forecaster.plain import as_column, listed, plain
from forecaster.terms import unit_margins
from forecaster.unmet import rows_after

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

    from forecaster.terms import ActionTerms

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]
    Flags = npt.NDArray[np.bool_]

UNSEEN: Final = (Evidence.BORROWED, Evidence.UNKNOWN)
"""Evidence that a keep-open test could settle."""

_DAY = pd.Timedelta(days=1)
_WEEK = pd.Timedelta(days=7)
_LAST_DAY = pd.Timedelta(days=6)
_NEARLY_ALL: Final = 0.9
_PLANNED: Final = ("weeks", "margin_won", "customers_won", "leftover_less")


@dataclass(frozen=True)
class _Rail:
    """Claims c by weeks t after their exit: what stays on the rail, and what it serves up to each week's end.

    Attributes:
        finding: (c,) position of the finding.
        sku: (c,) its sku.
        left: (c,) units left at the exit.
        served: (c, t) units served up to the end of each week.
        rail_weeks: (c, t) rails x weeks taken up to then.
        margin: (c,) money a unit served wins.
        first_week: (c,) first week with demand after the exit.
    """

    finding: Indices
    sku: npt.NDArray[np.object_]
    left: Floats
    served: Floats
    rail_weeks: Floats
    margin: Floats
    first_week: pd.Series[Any]


def extended(
    findings: pd.DataFrame,
    gap: pd.DataFrame,
    products: pd.DataFrame,
    plans: pd.DataFrame | None,
    *,
    as_of: date,
    terms: ActionTerms,
) -> pd.DataFrame:
    """The exit moved back for the sizes and weeks that are worth their rail.

    With m the margin of a unit, U_k(W) what size k's left stock serves up to W weeks after the exit, R_k(W)
    the rail-weeks it takes and c what a rail-week would earn otherwise, the extension W is the shortest that

        maximises sum over sizes of max(0, m U_k(W) - c R_k(W))

    and the sizes kept are those whose term is above 0. Where c is not given it is 0, W is the shortest that
    wins nine tenths of what could be won, and the break-even sum m U / sum R is told: the extension pays
    while the incoming set earns less than that per rail-week.

    Args:
        findings: as the rules give them.
        gap: as `expected_gap` returns it.
        products: sku, regular_price, unit_cost.
        plans: as `compare_plans` returns it; what the whole style would win is told beside it.
        as_of: last business date known.
        terms: costs and limits.
    """
    rail = _rail(findings, gap, products, terms)
    if not len(rail.finding):
        return no_offers()
    space = terms.space_per_rail_week or 0.0
    worth = rail.margin[:, None] * rail.served - space * rail.rail_weeks
    n = int(rail.finding.max()) + 1
    total = np.zeros((n, worth.shape[1]))
    np.add.at(total, rail.finding, np.maximum(worth, 0.0))
    enough = _NEARLY_ALL if terms.space_per_rail_week is None else 1.0
    best = (total >= enough * total.max(axis=1, keepdims=True)).argmax(axis=1)[rail.finding]
    row = np.arange(len(best))
    kept = (worth[row, best] > 0) & (rail.served[row, best] > 0)
    sizes = pd.DataFrame(
        {
            "finding": rail.finding,
            "sku": rail.sku,
            "kept": kept,
            "left": rail.left,
            "wins": rail.served[row, best],
            "rail_weeks": rail.rail_weeks[row, best],
            "weeks": best + 1.0,
            "benefit": rail.margin * rail.served[row, best],
            "until": rail.first_week + best * _WEEK + _LAST_DAY,
        }
    )
    return _extensions(sizes, findings, _planned(findings, plans, "extend_exit"), pd.Timestamp(as_of), terms)


def _rail(findings: pd.DataFrame, gap: pd.DataFrame, products: pd.DataFrame, terms: ActionTerms) -> _Rail:
    """What each size of findings about an exit has left at it, laid out by week after it."""
    claims = claims_of(findings)
    claims = claims[findings["rule"].to_numpy()[claims["finding"]] == EXIT_BEFORE_DEMAND_ENDS]
    ends = pd.to_datetime(findings["demand_ends"]).array.take(claims["finding"].to_numpy(dtype=np.intp))
    claims = claims.assign(until=ends).dropna(subset="exit").reset_index(drop=True)
    rows = claimed_rows(claims, gap).sort_values(["claim", "week"], ignore_index=True)
    claim, used = pd.factorize(rows["claim"])
    first = rows.groupby("claim")["week"].transform("min")
    column = ((rows["week"] - first).dt.days // 7).to_numpy(dtype=np.intp)
    demand = np.zeros((len(used), int(column.max(initial=0)) + 1))
    np.add.at(demand, (claim, column), rows["demand"].to_numpy(dtype=np.float64))
    start = rows.groupby("claim")[["available", "week"]].first()
    left = start["available"].to_numpy(dtype=np.float64)
    served = np.minimum(np.cumsum(demand, axis=1), left[:, None])
    hanging = left[:, None] - np.concatenate([np.zeros((len(used), 1)), served[:, :-1]], axis=1)
    sku = claims["sku"].to_numpy(dtype=object)[used]
    return _Rail(
        finding=claims["finding"].to_numpy(dtype=np.intp)[used],
        sku=sku,
        left=left,
        served=served,
        rail_weeks=np.cumsum(hanging, axis=1) / terms.units_per_rail,
        margin=unit_margins(products, terms)["margin"].reindex(sku).fillna(0.0).to_numpy(),
        first_week=start["week"].reset_index(drop=True),
    )


def _extensions(
    sizes: pd.DataFrame,
    findings: pd.DataFrame,
    planned: dict[int, dict[str, Any]],
    today: pd.Timestamp,
    terms: ActionTerms,
) -> pd.DataFrame:
    """One offer per finding from the sizes that stay."""
    kept = sizes[sizes["kept"]]
    sums = kept.groupby("finding")[["left", "wins", "rail_weeks", "benefit"]].sum()
    ends = kept.groupby("finding")[["weeks", "until"]].max()
    offers = sums.join(ends).reset_index()
    kept_by, locked = _kept_by(findings.iloc[offers["finding"].to_numpy(dtype=np.intp)], today, terms)
    named = listed(kept, "finding", ("sku", "left", "wins"))
    dropped = listed(sizes[~sizes["kept"]], "finding", ("sku",))
    details = [
        {
            "until": plain(row["until"]),
            "weeks": int(row["weeks"]),
            "sizes": named[row["finding"]],
            "left_out": [line["sku"] for line in dropped.get(row["finding"], [])],
            "rails": plain(row["left"] / terms.units_per_rail),
            "rail_weeks": plain(row["rail_weeks"]),
            "space_per_rail_week": plain(terms.space_per_rail_week),
            "break_even_per_rail_week": plain(row["benefit"] / row["rail_weeks"]),
            "calendar_locked": bool(fixed),
            "plan": planned.get(row["finding"]),
        }
        for row, fixed in zip(offers.to_dict("records"), locked, strict=True)
    ]
    return offers.assign(
        kind="extend_exit",
        units=offers["wins"],
        cost=(terms.space_per_rail_week or 0.0) * offers["rail_weeks"],
        act_by=kept_by.to_numpy(),
        details=as_column(details),
    )[list(OFFER_COLUMNS)]


def _kept_by(
    findings: pd.DataFrame, today: pd.Timestamp, terms: ActionTerms
) -> tuple[pd.Series[Any], pd.Series[bool]]:
    """The last day on which goods can be kept, and whether the calendar itself can no longer be moved.

    Before the calendar is locked; then, as an exception that the store asks for, before they are cleared; and
    after the exit while somebody asks for what still hangs there.
    """
    leaves = pd.to_datetime(findings["exit"])
    moved = leaves - terms.set_lock_days * _DAY
    cleared = leaves.where(leaves > today, pd.to_datetime(findings["demand_ends"]))
    return moved.where(moved > today, cleared), moved <= today


def brought_forward(
    findings: pd.DataFrame,
    gap: pd.DataFrame,
    products: pd.DataFrame,
    *,
    as_of: date,
    terms: ActionTerms,
) -> pd.DataFrame:
    """The floor-set moved to the first day it still can be, for what the backroom can serve before the old.

    With C_t what is asked for from the new date up to week t and A_t what has come by then,
    C_T - max over t of max(0, C_t - A_t) is served, at most what the season will not need itself
    (the finding's recoverable units).
    """
    opens = pd.Timestamp(as_of) + (1 + terms.set_lock_days) * _DAY
    claims = claims_of(findings)
    claims = claims[findings["rule"].to_numpy()[claims["finding"]] == FLOOR_SET_AFTER_DEMAND_STARTS]
    rows = rows_after(claims.assign(arrives=opens), gap, as_of=as_of)
    if rows.empty:
        return no_offers()
    rows = rows.assign(asked=rows["demand"] * rows["share"])
    asked = rows.groupby("claim")["asked"].cumsum()
    rows = rows.assign(asked=asked, short=(asked - rows["available"]).clip(lower=0.0))
    each = rows.groupby("claim").agg(
        asked=("asked", "max"), short=("short", "max"), here=("available", "min"), begins=("week", "min")
    )
    claim = claims.reset_index(drop=True).iloc[each.index]
    margin = unit_margins(products, terms)["margin"].reindex(claim["sku"]).fillna(0.0).to_numpy()
    wins = (each["asked"] - each["short"]).to_numpy(dtype=np.float64)
    sizes = pd.DataFrame(
        {
            "finding": claim["finding"].to_numpy(dtype=np.intp),
            "sku": claim["sku"].to_numpy(dtype=object),
            "wins": wins,
            "here": each["here"].to_numpy(dtype=np.float64),
            "benefit": wins * margin,
            "begins": each["begins"].to_numpy(),
        }
    )
    return _earlier(sizes[sizes["wins"] > 0], findings, opens, terms)


def _earlier(
    sizes: pd.DataFrame, findings: pd.DataFrame, opens: pd.Timestamp, terms: ActionTerms
) -> pd.DataFrame:
    """One offer per finding from the sizes that the backroom can serve."""
    if sizes.empty:
        return no_offers()
    sums = sizes.groupby("finding")[["wins", "here", "benefit"]].sum()
    offers = sums.join(sizes.groupby("finding")["begins"].min()).reset_index()
    place = offers["finding"].to_numpy(dtype=np.intp)
    most = findings["recoverable_units"].to_numpy(dtype=np.float64)[place]
    part = np.minimum(1.0, most / offers["wins"])
    floor_set = pd.Series(pd.to_datetime(findings["floor_set"]).array.take(place))
    begins = offers["begins"].where(offers["begins"] > opens, opens)
    rail_weeks = offers["here"] / terms.units_per_rail * ((floor_set - begins).dt.days / 7).clip(lower=0.0)
    named = listed(sizes, "finding", ("sku", "here", "wins"))
    benefit = offers["benefit"] * part
    details = [
        {
            "new_floor_set": plain(day),
            "sizes": named[finding],
            "rail_weeks": plain(weeks),
            "space_per_rail_week": plain(terms.space_per_rail_week),
            "break_even_per_rail_week": plain(won / weeks if weeks > 0 else np.nan),
        }
        for finding, day, weeks, won in zip(offers["finding"], begins, rail_weeks, benefit, strict=True)
    ]
    offers = offers.assign(
        kind="bring_floor_set_forward",
        units=offers["wins"] * part,
        wins=offers["wins"] * part,
        benefit=benefit,
        cost=(terms.space_per_rail_week or 0.0) * rail_weeks,
        act_by=floor_set - (terms.set_lock_days + 1) * _DAY,
        details=as_column(details),
    )
    return offers[(offers["units"] > 0) & (begins < floor_set)][list(OFFER_COLUMNS)]


def held(findings: pd.DataFrame, plans: pd.DataFrame | None, *, terms: ActionTerms) -> pd.DataFrame:
    """The markdown held, by the alternative to today's plan that wins most; never one that wins nobody.

    Where holding costs margin and wins customers, what a customer must be worth for it to pay is told.

    Args:
        findings: as the rules give them.
        plans: as `compare_plans` returns it; None: nothing is known to be won.
        terms: costs and limits.
    """
    if plans is None:
        return no_offers()
    found = findings.assign(finding=np.arange(len(findings)))
    found = found[found["rule"] == MARKDOWN_BEFORE_PEAK]
    held_ones = _alternatives(found, plans, ("hold_markdown", "after_peak"))
    order = held_ones.sort_values(["margin_won", "customers_won"], ascending=False, kind="stable")
    best = order.drop_duplicates("finding")
    best = best[((best["margin_won"] > 0) & (best["customers_won"] >= 0)) | (best["customers_won"] > 0)]
    if best.empty:
        return no_offers()
    loses = (-best["margin_won"]).clip(lower=0.0)
    worth = (loses / best["customers_won"].where(best["customers_won"] > 0)).where(loses > 0)
    planned = [dict(zip(_PLANNED, map(plain, row), strict=True)) for row in best[list(_PLANNED)].to_numpy()]
    details = [
        {
            "alternative": alternative,
            "markdown": plain(step),
            "peak_week": plain(peak),
            "break_even_per_customer": plain(each),
            **plan,
        }
        for alternative, step, peak, each, plan in zip(
            best["alternative"], best["step"], best["peak_week"], worth, planned, strict=True
        )
    ]
    return best.assign(
        kind="hold_markdown",
        units=best["customers_won"].clip(lower=0.0),
        wins=best["customers_won"].clip(lower=0.0),
        cost=loses,
        benefit=best["margin_won"].clip(lower=0.0),
        act_by=best["step"] - terms.price_lock_days * _DAY,
        details=as_column(details),
    )[list(OFFER_COLUMNS)]


def _alternatives(found: pd.DataFrame, plans: pd.DataFrame, kinds: tuple[str, ...]) -> pd.DataFrame:
    """The alternatives of these kinds to today's plan of each finding's store, style and exit."""
    columns = ["store", "style", "season_code", "alternative", "exit", "first_markdown", "peak_week"]
    require_columns(plans, "plans", [*columns, *_PLANNED])
    season = ["store", "style", "season_code"]
    today = plans.loc[plans["alternative"] == "today", [*season, "exit", "first_markdown"]]
    today = today.rename(columns={"first_markdown": "step"}).astype({"exit": "datetime64[s]"})
    named = found[["finding", "store", "style", "exit"]].astype({"exit": "datetime64[s]"})
    with_season = named.merge(today, on=["store", "style", "exit"])
    others = plans.loc[plans["alternative"].isin(kinds), [*season, "alternative", "peak_week", *_PLANNED]]
    return with_season.merge(others, on=season)


def _planned(findings: pd.DataFrame, plans: pd.DataFrame | None, kind: str) -> dict[int, dict[str, Any]]:
    """What the best alternative of a kind wins by the plan of the whole style, by finding."""
    if plans is None:
        return {}
    rows = _alternatives(findings.assign(finding=np.arange(len(findings))), plans, (kind,))
    best = rows.sort_values("margin_won", ascending=False, kind="stable").drop_duplicates("finding")
    return {finding: lines[0] for finding, lines in listed(best, "finding", _PLANNED).items()}


def tested(findings: pd.DataFrame, *, terms: ActionTerms) -> pd.DataFrame:
    """A keep-open test for each zone whose loss after an exit nobody has seen, where it is worth its cost.

    The units and the money are those at stake, not those the test itself would win.
    """
    found = findings.assign(finding=np.arange(len(findings)))
    unseen = found["evidence"].isin([str(label) for label in UNSEEN])
    found = found[(found["scope"] == "zone") & (found["rule"] == EXIT_BEFORE_DEMAND_ENDS) & unseen]
    at_stake = margin_of(found, found["units_lost"], terms)
    found, at_stake = found[at_stake > terms.test_cost_cap], at_stake[at_stake > terms.test_cost_cap]
    if found.empty:
        return no_offers()
    details = [
        {"evidence": evidence, "money_at_stake": plain(money), "cost_cap": plain(terms.test_cost_cap)}
        for evidence, money in zip(found["evidence"], found["money_lost"], strict=True)
    ]
    return found.assign(
        kind="keep_open_test",
        units=found["units_lost"],
        wins=found["units_lost"],
        cost=terms.test_cost_cap,
        benefit=at_stake,
        act_by=pd.to_datetime(found["exit"]) - terms.set_lock_days * _DAY,
        details=as_column(details),
    )[list(OFFER_COLUMNS)]
