"""What can be done about each finding, cheapest first: units, cost, benefit and last day of every action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.action_calendar import brought_forward, extended, held, tested
from forecaster.action_goods import OFFER_COLUMNS, counted, moved, no_offers, reordered
from forecaster.codes import (
    BRING_FLOOR_SET_FORWARD,
    COUNT_SHELF,
    EXTEND_EXIT,
    HOLD_MARKDOWN,
    KEEP_OPEN_TEST,
    KINDS,
    RELEASE_FROM_DC,
    TRANSFER,
)
from forecaster.frames import require_columns
from forecaster.plain import as_column, plain
from forecaster.terms import ActionTerms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from forecaster.action_goods import Moves

IDENTITY: Final = ("rule", "scope", "store", "climate_zone", "style", "category", "season_code")

ACTION_COLUMNS: Final = ("finding", *IDENTITY, "kind", "units", "cost", "benefit", "act_by", "details")

_DATES: Final = (HOLD_MARKDOWN, EXTEND_EXIT, BRING_FLOOR_SET_FORWARD)
_ZONE: Final = ["rule", "climate_zone", "category", "season_code"]


def propose_actions(
    findings: pd.DataFrame,
    moves: Moves,
    gap: pd.DataFrame,
    series: pd.DataFrame,
    products: pd.DataFrame,
    *,
    as_of: date,
    terms: ActionTerms | None = None,
    plans: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The actions that help each finding, cheapest per unit won first; none whose last day has passed.

    What wins next to nothing is not offered, but for what only tells: a count, a test.

    Goods are offered one on top of the other (what a centre releases is not sent for again, what is sent for
    is not ordered again). Dates are offered each on its own. A finding of a zone has the sums of what moving
    a date does for its stores, and the test where nobody has seen its loss.

    Args:
        findings: as the rules give them.
        moves: as `plan_moves` gives them for the same findings.
        gap: as `expected_gap` returns it.
        series: store, sku, level_shape, dispersion, as it takes them.
        products: sku, style, regular_price, unit_cost, pack_size, lead_time_days.
        as_of: last business date known.
        terms: costs and limits; the documented defaults if None.
        plans: as `compare_plans` returns it; without it no markdown is held.

    Returns:
        finding (position in findings), rule, scope, store, climate_zone, style, category, season_code, kind,
        units (moved, ordered, or won by a date), cost (money), benefit (margin won, before cost), act_by
        (last day it helps, datetime64), details (plain JSON values; ``wins`` are units expected to be sold
        that would be missed otherwise). Rows of a finding stand together, cheapest first.
    """
    terms = terms or ActionTerms()
    require_columns(findings, "findings", [*IDENTITY, "units_lost", "recoverable_units", "money_lost"])
    rows = findings.reset_index(drop=True)
    stores = _together(
        [
            moved(rows, moves.releases, RELEASE_FROM_DC),
            moved(rows, moves.transfers, TRANSFER),
            reordered(rows, moves, gap, series, products, as_of=as_of, terms=terms),
            held(rows, plans, terms=terms),
            extended(rows, gap, products, plans, as_of=as_of, terms=terms),
            brought_forward(rows, gap, products, as_of=as_of, terms=terms),
            counted(rows, terms),
        ]
    )
    offers = _together([stores, _of_zones(stores, rows), tested(rows, terms=terms)])
    offers = offers[(offers["act_by"] > pd.Timestamp(as_of)) & _worth_it(offers, terms)]
    each = offers["cost"] / offers["wins"].where(offers["wins"] > 0)
    order = offers.assign(each=each.fillna(np.inf), rank=offers["kind"].map(KINDS.index))
    order = order.sort_values(["finding", "each", "rank"], kind="stable", ignore_index=True)
    named = rows[list(IDENTITY)].iloc[order["finding"].to_numpy(dtype=np.intp)].reset_index(drop=True)
    return named.join(order)[list(ACTION_COLUMNS)]


def _worth_it(offers: pd.DataFrame, terms: ActionTerms) -> pd.Series[bool]:
    """Whether an offer wins enough to be somebody's work."""
    tells = offers["kind"].isin((KEEP_OPEN_TEST, COUNT_SHELF))
    enough: pd.Series[bool] = (
        tells | (offers["wins"] >= terms.least_wins) | (offers["benefit"] >= terms.least_benefit)
    )
    return enough


def _of_zones(offers: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """What moving a date does for the stores of each zone that has a finding of its own."""
    named = findings[[*_ZONE, "scope"]].assign(position=np.arange(len(findings)))
    zones = named.loc[named["scope"] == "zone", [*_ZONE, "position"]]
    of_store = offers[offers["kind"].isin(_DATES)]
    keys = named[_ZONE].iloc[of_store["finding"].to_numpy(dtype=np.intp)].reset_index(drop=True)
    store = findings["store"].to_numpy()[of_store["finding"].to_numpy(dtype=np.intp)]
    rows = keys.join(of_store.reset_index(drop=True)).assign(store=store).merge(zones, on=_ZONE)
    if rows.empty:
        return no_offers()
    group = rows.groupby(["position", "kind"], sort=True)
    sums = group[["units", "wins", "cost", "benefit"]].sum()
    # The first store's last day binds them all.
    told = sums.assign(act_by=group["act_by"].min(), details=as_column([_of_zone(part) for _, part in group]))
    return told.reset_index().rename(columns={"position": "finding"})[list(OFFER_COLUMNS)]


def _of_zone(rows: pd.DataFrame) -> dict[str, Any]:
    """Details of a zone's offer: its stores with what each wins, and the break-even of them together."""
    by_store = rows.groupby("store")[["wins", "cost", "benefit"]].sum()
    weeks = sum(details.get("rail_weeks") or 0.0 for details in rows["details"])
    benefit = float(rows["benefit"].sum())
    days = sorted({details["until"] for details in rows["details"] if details.get("until")})
    return {
        "stores": [
            {"store": store, "wins": plain(wins), "cost": plain(cost), "benefit": plain(won)}
            for store, wins, cost, won in by_store.itertuples()
        ],
        "until": days[-1] if days else None,
        "rail_weeks": plain(float(weeks)),
        "break_even_per_rail_week": plain(benefit / weeks if weeks > 0 else np.nan),
    }


def _together(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Offers of several kinds as one frame."""
    filled = [part.astype(_TYPES) for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else no_offers().astype(_TYPES)


_TYPES: Final = {
    "finding": "int64",
    "units": "float64",
    "wins": "float64",
    "cost": "float64",
    "benefit": "float64",
    "act_by": "datetime64[s]",
}
