"""What goods can do about a finding: released by a centre, sent by other stores, ordered, or counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.claims import claims_of
from forecaster.codes import (
    BROKEN_SIZE_RUN,
    EXIT_BEFORE_DEMAND_ENDS,
    FLOOR_SET_AFTER_DEMAND_STARTS,
    PHANTOM_STOCK,
    STOCKOUT_IN_SEASON,
)
from forecaster.frames import require_columns
from forecaster.plain import as_column, listed, plain
from forecaster.surplus import own_demand, spare_units
from forecaster.terms import ActionTerms, pack_sizes, unit_margins
from forecaster.transfers import arrival, needs_after, plan_releases, plan_transfers
from forecaster.unmet import further_packs, unmet_demand

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

SHORT: Final = (STOCKOUT_IN_SEASON, BROKEN_SIZE_RUN)
"""Rules whose sizes other stores' goods can serve as the calendar stands."""

ORDERED: Final = (*SHORT, EXIT_BEFORE_DEMAND_ENDS, FLOOR_SET_AFTER_DEMAND_STARTS)
"""Rules whose sizes an order can serve."""

OFFER_COLUMNS: Final = ("finding", "kind", "units", "wins", "cost", "benefit", "act_by", "details")

_DAY = pd.Timedelta(days=1)
_LINE_FIELDS: Final = (
    "from_store", "to_store", "sku", "units", "miles", "cost", "ships_by", "arrives_on",
)  # fmt: skip


@dataclass(frozen=True)
class Moves:
    """Goods that should move tonight, one on top of the other; lines as `plan_transfers` gives them.

    Attributes:
        releases: from distribution centres.
        transfers: from stores, of what the centres cannot give.
        spare: what each place can spare, as `spare_units` tells it.
    """

    releases: pd.DataFrame
    transfers: pd.DataFrame
    spare: pd.DataFrame

    @property
    def lines(self) -> pd.DataFrame:
        """All of them."""
        filled = [part for part in (self.releases, self.transfers) if len(part)]
        return pd.concat(filled, ignore_index=True) if filled else self.transfers


def plan_moves(
    findings: pd.DataFrame,
    gap: pd.DataFrame,
    series: pd.DataFrame,
    stock: pd.DataFrame,
    products: pd.DataFrame,
    stores: pd.DataFrame,
    *,
    as_of: date,
    terms: ActionTerms | None = None,
    minimums: pd.DataFrame | None = None,
    late_stores: Collection[str] = (),
    doubted: pd.DataFrame | None = None,
) -> Moves:
    """The releases and transfers that serve the sizes which findings say will be missing on the floor.

    Centres are asked first, since that is cheapest; stores serve what is still lacking then. What is lost
    off the floor (before a floor-set, after an exit) is not sent for: first the date has to move.

    Args:
        findings: as the rules give them.
        gap: as `expected_gap` returns it.
        series: store, sku, level_shape, dispersion, as it takes them.
        stock: store, sku, on_hand: of stores and distribution centres.
        products: sku, style, color, regular_price, unit_cost, pack_size, buy_type, lead_time_days.
        stores: store, kind, latitude, longitude, closed_on.
        as_of: last business date known.
        terms: costs and limits; the documented defaults if None.
        minimums: store, style, presentation_minimum; none if None.
        late_stores: stores whose figures are too old: they give and take nothing.
        doubted: store, sku of shelves whose stock may stand in the books only; they give nothing.

    Returns:
        The moves.
    """
    terms = terms or ActionTerms()
    claims = claims_of(findings[findings["rule"].isin(SHORT)])
    claims = claims.assign(arrives=pd.Timestamp(arrival(as_of, terms)))
    needs = unmet_demand(claims, gap, series, as_of=as_of)
    # Of two seasons that miss one size the more pressing is sent for.
    needs = needs.sort_values("units", ascending=False, kind="stable").drop_duplicates(["store", "sku"])
    demand = own_demand(gap, series, products, as_of=as_of, terms=terms)
    spare = spare_units(
        stock, demand, products, stores,
        as_of=as_of, terms=terms, minimums=minimums, late_stores=late_stores, doubted=doubted,
    )  # fmt: skip
    board: dict[str, Any] = {"as_of": as_of, "terms": terms, "late_stores": late_stores}
    releases = plan_releases(needs, spare, products, stores, **board)
    transfers = plan_transfers(needs_after(needs, releases), spare, products, stores, **board)
    return Moves(releases, transfers, spare)


def moved(findings: pd.DataFrame, lines: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The lines that serve each finding, as one offer of this kind.

    Args:
        findings: as the rules give them.
        lines: as `plan_transfers` gives them.
        kind: ``release_from_dc`` or ``transfer``.
    """
    position = np.flatnonzero(findings["rule"].isin(SHORT))
    claims = claims_of(findings.iloc[position]).drop_duplicates(["store", "sku"])
    claims = claims.assign(finding=position[claims["finding"].to_numpy(dtype=np.intp)])
    named = claims.rename(columns={"store": "to_store"})[["finding", "to_store", "sku"]]
    return _offered(named.merge(lines, on=["to_store", "sku"]), kind)


def _offered(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """One offer per finding from its lines."""
    if rows.empty:
        return no_offers()
    sums = ["units", "wins", "cost", "benefit"]
    offers = rows.groupby("finding")[sums].sum().assign(act_by=rows.groupby("finding")["ships_by"].min())
    offers = offers.reset_index().assign(kind=kind)
    lines = listed(rows, "finding", _LINE_FIELDS)
    details = [
        {
            "lines": lines[finding],
            "wins": plain(wins),
            "from_stores": len({x["from_store"] for x in lines[finding]}),
        }
        for finding, wins in zip(offers["finding"], offers["wins"], strict=True)
    ]
    return offers.assign(details=as_column(details))[list(OFFER_COLUMNS)]


def reordered(
    findings: pd.DataFrame,
    moves: Moves,
    gap: pd.DataFrame,
    series: pd.DataFrame,
    products: pd.DataFrame,
    *,
    as_of: date,
    terms: ActionTerms,
) -> pd.DataFrame:
    """What is still worth ordering: whole packs that arrive in season and are likely enough to sell.

    A pack is ordered while what it wins pays for what it may leave over (the newsvendor's critical ratio,
    Arrow, Harris and Marschak, Optimal inventory policy, Econometrica 19, 1951):

        wins / pack >= (cost + receiving - salvage) / (price - salvage)

    Lead time decides: what is bought once with a long lead does not arrive, and a product without a lead
    time is not counted on. What moves already (`plan_moves`) counts as stock.

    Returns:
        `OFFER_COLUMNS`; cost is receiving, and what is expected to stay unsold at cost less salvage.
    """
    require_columns(products, "products", ["sku", "lead_time_days"])
    claims = claims_of(findings)
    named = products.set_index(products["sku"].astype(str))
    lead = pd.to_timedelta(claims["sku"].map(pd.to_numeric(named["lead_time_days"])), unit="D")
    asked = claims[np.isin(findings["rule"].to_numpy()[claims["finding"]], ORDERED)]
    asked = asked.assign(lead=lead, arrives=pd.Timestamp(as_of) + _DAY + lead).dropna(subset="lead")
    needs = needs_after(unmet_demand(asked, gap, series, as_of=as_of), moves.lines)
    needs = _with_money(needs, products, terms)
    needs = needs[needs["price"] > needs["salvage"]].reset_index(drop=True)
    row, wins = further_packs(needs, needs["pack"], needs["ratio"])
    needs = needs.assign(
        packs=np.bincount(row, minlength=len(needs)), wins=np.bincount(row, wins, minlength=len(needs))
    )
    return _orders(needs[needs["packs"] > 0], findings["rule"], terms)


def _with_money(needs: pd.DataFrame, products: pd.DataFrame, terms: ActionTerms) -> pd.DataFrame:
    """Needs with pack, price, unit_cost, margin, salvage and critical ratio (inside (0, 1)) of their sku."""
    pack = pack_sizes(products).reindex(needs["sku"]).to_numpy(dtype=np.float64)
    money = unit_margins(products, terms).reindex(needs["sku"]).reset_index(drop=True)
    salvage = terms.salvage_share * money["price"]
    over = money["unit_cost"] + terms.order_per_unit - salvage
    ratio = (over / (money["price"] - salvage).where(money["price"] > salvage)).clip(0.01, 0.99)
    return needs.join(money[["price", "unit_cost", "margin"]]).assign(
        salvage=salvage, ratio=ratio.fillna(0.99), pack=pack
    )


def _orders(needs: pd.DataFrame, rule: pd.Series[Any], terms: ActionTerms) -> pd.DataFrame:
    """One offer per finding from the packs of its sizes."""
    if needs.empty:
        return no_offers()
    units = needs["packs"] * needs["pack"]
    unsold = (units - needs["wins"]).clip(lower=0.0)
    rows = needs.assign(
        units=units,
        unsold=unsold,
        cost=units * terms.order_per_unit + unsold * (needs["unit_cost"] - needs["salvage"]).clip(lower=0.0),
        benefit=needs["wins"] * needs["margin"],
        order_value=units * needs["unit_cost"],
        order_by=needs["ends"] - needs["lead"],
        arrives_on=needs["arrives"],
        pack_size=needs["pack"],
    )
    sums = ["units", "wins", "cost", "benefit", "unsold", "order_value"]
    offers = rows.groupby("finding")[sums].sum().assign(act_by=rows.groupby("finding")["order_by"].min())
    offers = offers.reset_index().assign(kind="reorder")
    sizes = listed(rows, "finding", ("sku", "units", "packs", "pack_size", "arrives_on"))
    rules = rule.to_numpy()
    details = [
        {
            "sizes": sizes[row["finding"]],
            "wins": plain(row["wins"]),
            "unsold": plain(row["unsold"]),
            "order_value": plain(row["order_value"]),
            "together_with": _TOGETHER_WITH.get(rules[row["finding"]], ""),
        }
        for row in offers.to_dict("records")
    ]
    return offers.assign(details=as_column(details))[list(OFFER_COLUMNS)]


_TOGETHER_WITH: Final[Mapping[str, str]] = {
    EXIT_BEFORE_DEMAND_ENDS: "extend_exit",
    FLOOR_SET_AFTER_DEMAND_STARTS: "bring_floor_set_forward",
}
"""What must be done too for ordered goods to be on the floor when they are wanted."""


def counted(findings: pd.DataFrame, terms: ActionTerms) -> pd.DataFrame:
    """A count of each shelf whose stock is doubted: cheap, and it wins what only the books had."""
    found = findings.assign(finding=np.arange(len(findings)))
    found = found[(found["rule"] == PHANTOM_STOCK) & (found["sizes"].map(len) > 0)]
    if found.empty:
        return no_offers()
    wins = found["recoverable_units"].where(found["recoverable_units"] > 0, found["units_lost"])
    until = found["demand_ends"].fillna(found["horizon_ends"])
    skus = [[line["sku"] for line in sizes] for sizes in found["sizes"]]
    offers = pd.DataFrame(
        {
            "finding": found["finding"],
            "kind": "count_shelf",
            "units": wins,
            "wins": wins,
            "cost": terms.count_per_size * found["sizes"].map(len),
            "benefit": margin_of(found, wins, terms),
            "act_by": pd.to_datetime(until),
            "details": [{"skus": each} for each in skus],
        }
    )
    return offers.reset_index(drop=True)[list(OFFER_COLUMNS)]


def margin_of(found: pd.DataFrame, units: pd.Series[Any], terms: ActionTerms) -> pd.Series[Any]:
    """Margin of some of the units that findings lose; of the usual share of their price where unknown."""
    assumed = found["money_lost"] * (1.0 - terms.usual_cost_share)
    whole = found["margin_lost"].astype(np.float64).fillna(assumed)
    each = whole / found["units_lost"].where(found["units_lost"] > 0)
    return (each * units).fillna(0.0)


def no_offers() -> pd.DataFrame:
    """An empty frame of offers."""
    return pd.DataFrame(columns=list(OFFER_COLUMNS))
