"""Which stores send what to which others, so that customers find it where they ask."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.credibility import sums_by
from forecaster.distances import StoreMap, nearest_with
from forecaster.frames import numbers, require_columns, require_unique
from forecaster.surplus import DC
from forecaster.terms import ActionTerms, pack_sizes, unit_margins
from forecaster.transport import Transport, solve_transport, won
from forecaster.unmet import further_packs

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]
    Flags = npt.NDArray[np.bool_]

LINE_COLUMNS: Final = (
    "from_store", "to_store", "sku", "units", "wins", "miles", "cost", "benefit", "ships_by", "arrives_on",
)  # fmt: skip


_MATTERS: Final = 0.02
"""Share of the units in shipments that are too small from which on it pays to solve once more. Measured by
`benchmarks.transfers`: it wins 2% more on 100 skus (share 0.15), 1% on 400 (0.04), 0.3% on 2,000 (0.007)."""

_DAYS_TO_NEXT_WEEK: Final = pd.Timedelta(days=6)


def arrival(as_of: date, terms: ActionTerms) -> date:
    """First day on which goods asked for after tonight are on another store's floor."""
    return as_of + timedelta(days=1 + terms.transit_days)


def plan_transfers(
    needs: pd.DataFrame,
    spare: pd.DataFrame,
    products: pd.DataFrame,
    stores: pd.DataFrame,
    *,
    as_of: date,
    terms: ActionTerms | None = None,
    late_stores: Collection[str] = (),
) -> pd.DataFrame:
    """What stores should send each other: per sku the transportation problem that wins the most.

    With L_t(x) = E[max(0, D - stock - x)] what taker t still lacks when it gets x units, m the margin of a
    unit, c_gt = handling + miles x freight what it costs to send one, the whole units (or packs) x are those
    that

        maximise    sum_t m (L_t(0) - L_t(sum_g x_gt)) - sum_gt c_gt x_gt
        subject to  sum_t x_gt <= spare_g,   x_gt = 0 but for the `givers` nearest with any to spare

    L is convex, so that each further pack wins less and the problem stays linear (`transport`). No pack is
    sent that sells with less than `least_chance`.

    Fewest units per shipment and its fixed cost couple the skus and are no linear constraints. They are met
    by steps:

    1. Solve without them. Where many units lie in shipments that are too small, solve once more with each
       unit charged its share of the shipment it was in (slope scaling: Kim and Pardalos, A solution approach
       to the fixed charge network flow problem, Operations Research Letters 24, 1999).
    2. Of each taker's shipments that are too small, or win less than they cost, leave out the smaller half.
       Whoever was to get something from them asks again for what nobody has been promised, from others.
    3. Repeat 2 until all shipments are large enough and pay.

    The answer obeys every limit, but another set of shipments could win a little more.

    A store with too little of a sku never gives it; nor does one that has closed or whose figures are late
    (`spare_units` leaves such nothing), and neither takes any.

    Args:
        needs: store, sku, mean, size, stock, ends, as `unmet_demand` gives them for goods that arrive on
            `arrival(as_of, terms)`. One row per store and sku.
        spare: store, sku, spare (whole units), as `spare_units` gives them.
        products: sku, regular_price, unit_cost, pack_size (NaN or absent: 1).
        stores: store, kind, latitude, longitude (NaN: gives and takes nothing), closed_on.
        as_of: last business date known.
        terms: costs and limits; the documented defaults if None.
        late_stores: stores whose figures are too old.

    Returns:
        One row per giver, taker and sku: from_store, to_store, sku, units, wins (units of them expected to be
        sold that would have been asked for and not found), miles, cost (money, with its share of the
        shipment's), benefit (margin of what it wins, before cost), ships_by (last day to ask for it so that
        it arrives while demand lasts), arrives_on (if asked for tomorrow); sorted by giver, taker and sku.
    """
    terms = terms or ActionTerms()
    board = _Board.of(needs, spare, products, stores, as_of, terms, late_stores)
    board = board.packed(np.where(terms.whole_packs, board.pack, 1.0))
    given = board.giver_kind != DC
    row, store = nearest_with(board.store_map, board.taker, board.taker_sku, board.has(given), terms.givers)
    arcs = board.arcs(row, store)
    unit = terms.handling_per_unit + terms.per_unit_mile * arcs.miles
    problem = board.problem(arcs, unit)
    return _lines(board, arcs, problem, _shipped(board, arcs, problem, terms), terms.per_shipment)


def plan_releases(
    needs: pd.DataFrame,
    spare: pd.DataFrame,
    products: pd.DataFrame,
    stores: pd.DataFrame,
    *,
    as_of: date,
    terms: ActionTerms | None = None,
    late_stores: Collection[str] = (),
) -> pd.DataFrame:
    """What the distribution centres should release: as `plan_transfers`, with all they hold to give.

    They send unopened packs with the next delivery: a unit costs `release_per_unit` wherever it goes, and no
    shipment is too small. A centre need not be on the map.

    Args and returns: as for `plan_transfers`; miles are NaN where a place is not known.
    """
    terms = terms or ActionTerms()
    board = _Board.of(needs, spare, products, stores, as_of, terms, late_stores)
    board = board.packed(board.pack)
    has = board.has(board.giver_kind == DC)
    row, store = np.nonzero(has[board.taker_sku]) if len(board.taker) else (board.taker, board.taker)
    arcs = board.arcs(row, store)
    problem = board.problem(arcs, np.full(len(arcs.row), terms.release_per_unit))
    return _lines(board, arcs, problem, solve_transport(problem), 0.0)


def needs_after(needs: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """The needs once the units of some lines have been sent for: they count as stock at the arrival."""
    coming = lines.groupby(["to_store", "sku"], as_index=False).agg({"units": "sum"})
    named = (
        needs[["store", "sku"]]
        .astype(str)
        .merge(coming, how="left", left_on=["store", "sku"], right_on=["to_store", "sku"])
    )
    got = named["units"].fillna(0.0).to_numpy(dtype=np.float64)
    return needs.assign(stock=needs["stock"].to_numpy(dtype=np.float64) + got)


def stock_after(stock: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """The stock on hand once the units of some lines have been moved: store, sku, on_hand."""
    columns = ["store", "sku", "on_hand"]
    sent = lines.assign(units=-lines["units"])[["from_store", "sku", "units"]]
    parts = [
        stock[columns],
        *(part.set_axis(columns, axis=1) for part in (sent, lines[["to_store", "sku", "units"]])),
    ]
    return pd.concat(parts).groupby(["store", "sku"], as_index=False).agg({"on_hand": "sum"})


def supply_after(supply: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """The supply once the units of some lines have been moved, for another look at the gap.

    Args:
        supply: store, sku, week, units, as `expected_gap` takes it.
        lines: as `plan_transfers` gives them.

    Returns:
        supply, with the units leaving at once, and there from the first whole week after their arrival.
    """
    arrives = pd.to_datetime(lines["arrives_on"]).astype(supply["week"].dtype)
    leaving = lines[["from_store", "sku"]].assign(
        week=min(supply["week"], default=None), units=-lines["units"]
    )
    coming = lines[["to_store", "sku"]].assign(week=arrives + _DAYS_TO_NEXT_WEEK, units=lines["units"])
    parts = [part.set_axis(["store", "sku", "week", "units"], axis=1) for part in (leaving, coming)]
    return pd.concat([supply[["store", "sku", "week", "units"]], *parts], ignore_index=True)


@dataclass(frozen=True)
class _Arcs:
    """Whom the arcs join: row of the need (a,), giver (row of the spare, a), miles (a,)."""

    row: Indices
    giver: Indices
    miles: Floats


@dataclass(frozen=True)
class _Board:
    """Needs and spare units by number: t needs, g givers, n stores, k skus.

    Attributes:
        store_map: of all stores.
        skus: (k,) that somebody needs and somebody can spare.
        pack: (k,) units in a pack.
        margin: (k,) money a unit sold wins.
        taker, taker_sku: (t,) store and sku of each need.
        needs: (t rows) mean, size, stock, ends.
        arrives_on: when goods asked for tomorrow arrive.
        transit: from then to their arrival.
        giver, giver_sku, spare: (g,) store, sku and units; sorted by sku and store.
        giver_kind: (g,) kind of the store.
        least_chance: below which nothing is sent.
    """

    store_map: StoreMap
    skus: pd.Index[str]
    pack: Floats
    margin: Floats
    taker: Indices
    taker_sku: Indices
    needs: pd.DataFrame
    arrives_on: pd.Timestamp
    transit: pd.Timedelta
    giver: Indices
    giver_sku: Indices
    spare: Floats
    giver_kind: npt.NDArray[np.object_]
    least_chance: float

    @classmethod
    def of(
        cls,
        needs: pd.DataFrame,
        spare: pd.DataFrame,
        products: pd.DataFrame,
        stores: pd.DataFrame,
        as_of: date,
        terms: ActionTerms,
        late_stores: Collection[str],
    ) -> _Board:
        """The board of what is needed by stores that can take it, and spared by somebody."""
        require_columns(needs, "needs", ["store", "sku", "mean", "size", "stock", "ends"])
        require_unique(needs, "needs", ["store", "sku"])
        require_columns(spare, "spare", ["store", "sku", "spare"])
        require_unique(spare, "spare", ["store", "sku"])
        store_map = StoreMap.of(stores)
        arrives_on = pd.Timestamp(arrival(as_of, terms))
        takes = _taking(stores, arrives_on, late_stores)
        margins = unit_margins(products, terms)
        given = spare[numbers(spare, "spare", "spare", low=0) >= 1]
        given = given[given["store"].astype(str).isin(store_map.names)]
        asked = needs[
            (needs["ends"] >= arrives_on)
            & needs["store"].astype(str).isin(takes)
            & needs["sku"].isin(margins.index[margins["margin"] > 0])
        ]
        skus = pd.Index(np.intersect1d(given["sku"].astype(str), asked["sku"].astype(str)))
        asked, given = asked[asked["sku"].isin(skus)], given[given["sku"].isin(skus)]
        # Whoever lacks a sku has none to give.
        both = pd.MultiIndex.from_frame(given[["store", "sku"]]).isin(
            pd.MultiIndex.from_frame(asked[["store", "sku"]])
        )
        given = given[~both]
        giver, giver_sku = _codes(given, store_map, skus)
        order = np.lexsort((giver, giver_sku))
        taker, taker_sku = _codes(asked, store_map, skus)
        return cls(
            store_map=store_map,
            skus=skus,
            pack=np.asarray(pack_sizes(products).reindex(skus), dtype=np.float64),
            margin=margins["margin"].reindex(skus).to_numpy(dtype=np.float64),
            taker=taker,
            taker_sku=taker_sku,
            needs=asked[["mean", "size", "stock", "ends"]].reset_index(drop=True),
            arrives_on=arrives_on,
            transit=pd.Timedelta(days=terms.transit_days),
            giver=giver[order],
            giver_sku=giver_sku[order],
            spare=np.floor(given["spare"].to_numpy(dtype=np.float64))[order],
            giver_kind=store_map.kind[giver[order]],
            least_chance=terms.least_chance,
        )

    def packed(self, pack: Floats) -> _Board:
        """The board in packs of these units, (k,)."""
        return replace(self, pack=np.broadcast_to(pack, self.pack.shape).astype(np.float64))

    def has(self, given: Flags) -> Flags:
        """Whether each store can spare a pack of each sku, of the givers that count, (k, n)."""
        has = np.zeros((len(self.skus), len(self.store_map.names)), dtype=bool)
        able = given & (self.spare >= self.pack[self.giver_sku])
        has[self.giver_sku[able], self.giver[able]] = True
        return has

    def arcs(self, row: Indices, store: Indices) -> _Arcs:
        """Arcs from stores to the needs of some rows."""
        n = len(self.store_map.names)
        code = self.giver_sku * n + self.giver
        giver = np.searchsorted(code, self.taker_sku[row] * n + store)
        miles = self.store_map.miles[self.taker[row], store]
        return _Arcs(row.astype(np.intp), giver.astype(np.intp), np.where(np.isfinite(miles), miles, np.nan))

    def problem(self, arcs: _Arcs, unit_cost: Floats) -> Transport:
        """The transportation problem in packs, each costing its units; (a,) money per unit."""
        pack = self.pack[self.taker_sku]
        row, wins = further_packs(self.needs, pack, self.least_chance)
        return Transport(
            giver=arcs.giver,
            taker=arcs.row,
            cost=unit_cost * pack[arcs.row],
            spare=np.floor(self.spare / self.pack[self.giver_sku]),
            step_taker=row,
            step_packs=np.ones(len(row)),
            step_worth=wins * self.margin[self.taker_sku[row]],
        )


def _shipped(board: _Board, arcs: _Arcs, problem: Transport, terms: ActionTerms) -> Floats:
    """Packs along each arc, such that every shipment is large enough and pays."""
    n = len(board.store_map.names)
    codes, shipment = np.unique(board.giver[arcs.giver] * n + board.taker[arcs.row], return_inverse=True)
    parcels = _Parcels(shipment, codes % n, board.pack[board.taker_sku[arcs.row]])
    allowed = np.ones(len(codes), dtype=bool)
    flow = solve_transport(problem)
    if parcels.share_too_small(flow, terms) > _MATTERS:
        # Each unit bears its share of the shipment it was in: it pays to send few large ones.
        whole = sums_by(shipment, flow * parcels.pack, len(codes))[shipment]
        charge = parcels.pack * terms.per_shipment / np.maximum(whole, 1.0)
        flow = solve_transport(replace(problem, cost=problem.cost + charge))
    while (poor := parcels.poor(problem, flow, terms)).any():
        allowed &= ~poor
        freed = np.zeros(problem.n_takers, dtype=bool)
        freed[problem.taker[poor[shipment] & (flow > 0)]] = True
        again = freed[problem.taker]
        flow = np.where(again, 0.0, flow)
        again = np.flatnonzero(again & allowed[shipment])
        # What opens a new shipment bears its share of one of the fewest units.
        opening = sums_by(shipment, flow, len(codes))[shipment[again]] == 0
        opens = parcels.pack[again] * terms.per_shipment / terms.minimum_units
        rest = problem.rest(flow).only(again)
        flow[again] += solve_transport(replace(rest, cost=rest.cost + np.where(opening, opens, 0.0)))
    return flow


@dataclass(frozen=True)
class _Parcels:
    """Shipments of arcs: shipment (a,) of each, taker (p,) of each shipment, units in a pack (a,)."""

    shipment: Indices
    taker: Indices
    pack: Floats

    def share_too_small(self, flow: Floats, terms: ActionTerms) -> float:
        """Share of the units that lie in shipments with too few of them."""
        units = sums_by(self.shipment, flow * self.pack, len(self.taker))
        return float(units[units < terms.minimum_units].sum() / max(units.sum(), 1.0))

    def poor(self, problem: Transport, flow: Floats, terms: ActionTerms) -> Flags:
        """The shipments to leave out: the smaller half of each taker's that are too small or do not pay."""
        n = len(self.taker)
        units = sums_by(self.shipment, flow * self.pack, n)
        gain = sums_by(self.shipment, _benefit(problem, flow) - flow * problem.cost, n) - terms.per_shipment
        poor = np.flatnonzero((units > 0) & ((units < terms.minimum_units) | (gain <= 0)))
        poor = poor[np.lexsort((gain[poor], units[poor], self.taker[poor]))]
        taker = self.taker[poor]
        rank = np.arange(len(poor)) - np.searchsorted(taker, taker)
        found = np.zeros(n, dtype=bool)
        found[poor[2 * rank < np.bincount(taker, minlength=1)[taker]]] = True
        return found


def _benefit(problem: Transport, flow: Floats) -> Floats:
    """Money each arc's packs win: its share of what its taker gets wins."""
    received = sums_by(problem.taker, flow, problem.n_takers)
    each = np.divide(won(problem, flow), received, out=np.zeros_like(received), where=received > 0)
    return np.asarray(flow * each[problem.taker], dtype=np.float64)


def _lines(board: _Board, arcs: _Arcs, problem: Transport, flow: Floats, per_shipment: float) -> pd.DataFrame:
    """The arcs along which something is sent, told as rows."""
    used = np.flatnonzero(flow > 0)
    row, giver = arcs.row[used], arcs.giver[used]
    sku = board.taker_sku[row]
    units = flow[used] * board.pack[sku]
    benefit = _benefit(problem, flow)[used]
    n = len(board.store_map.names)
    shipment = np.unique(board.giver[giver] * n + board.taker[row], return_inverse=True)[1]
    whole = sums_by(shipment, units, int(shipment.max(initial=-1)) + 1)[shipment]
    lines = pd.DataFrame(
        {
            "from_store": board.store_map.names.take(board.giver[giver]),
            "to_store": board.store_map.names.take(board.taker[row]),
            "sku": board.skus.take(sku),
            "units": units.astype(np.int64),
            "wins": benefit / board.margin[sku],
            "miles": arcs.miles[used],
            "cost": flow[used] * problem.cost[used] + per_shipment * units / whole,
            "benefit": benefit,
            "ships_by": board.needs["ends"].array.take(row) - board.transit,
            "arrives_on": board.arrives_on,
        },
        columns=list(LINE_COLUMNS),
    )
    return lines.sort_values(["from_store", "to_store", "sku"], ignore_index=True)


def _codes(frame: pd.DataFrame, store_map: StoreMap, skus: pd.Index[Any]) -> tuple[Indices, Indices]:
    """Store and sku of each row by number."""
    store = store_map.names.get_indexer(pd.Index(frame["store"].astype(str)))
    return store.astype(np.intp), skus.get_indexer(pd.Index(frame["sku"].astype(str))).astype(np.intp)


def _taking(stores: pd.DataFrame, arrives_on: pd.Timestamp, late: Collection[str]) -> pd.Index[str]:
    """Stores that can take goods: with customers, still open when they arrive, with figures in time."""
    sells = stores["kind"].astype(str) != DC if "kind" in stores.columns else True
    if "closed_on" in stores.columns:
        closed_on = pd.to_datetime(stores["closed_on"])
        sells &= closed_on.isna() | (closed_on > arrives_on)
    names = stores["store"].astype(str)
    return pd.Index(names[sells & ~names.isin(list(late))])
