"""Times the transfers of a generated chain, and holds them against sending from the nearest store.

Usage: python -m benchmarks.transfers [--stores 200] [--skus 2000] [--seed 1] [--json]

Stores lie around twenty cities in a rectangle the size of the United States, and differ in size. Each sku is
wanted by all of them (negative binomial, means from 0.4 to 40 units over the rest of the season), and stock
is spread over them as badly as a buyer's guess with a log standard deviation of 0.8: about two pairs in five
are short, and as many have units to spare. Prices are 20 to 60, costs two fifths of them, costs of moving
those of `forecaster.terms`.

Rows: ``inseason`` is `forecaster.transfers.plan_transfers`; ``greedy`` serves stores in order of what they
lack, each from the nearest of its ten givers that still has any to spare, and then leaves out the shipments
that are too small or do not pay; ``bound`` is the linear programme without fewest units and fixed cost of a
shipment: no plan can win more. Surplus is told once and is not in the seconds.

Columns: ``needs`` store x sku pairs that lack something; ``units`` sent; ``wins`` expected to be sold that
would have been missed; ``net`` margin of these less all costs of moving; ``shipments``; ``of_bound`` net over
the bound's; ``seconds``.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.table import print_table
from forecaster.distances import StoreMap
from forecaster.distribution import expected_shortfall
from forecaster.surplus import spare_units
from forecaster.terms import ActionTerms, unit_margins
from forecaster.transfers import plan_transfers
from forecaster.unmet import further_packs

if TYPE_CHECKING:
    from collections.abc import Sequence

    Row = dict[str, object]

COLUMNS = (
    "method", "stores", "skus", "needs", "units", "wins", "net", "shipments", "of_bound", "seconds",
)  # fmt: skip
AS_OF = date(2026, 6, 6)
_CITIES = 20
_GUESS = 0.8
_LEAST_LACKING = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transfers", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--stores", type=int, default=200, help="stores of the chain")
    parser.add_argument("--skus", type=int, default=2000, help="skus that all of them sell")
    parser.add_argument("--seed", type=int, default=1, help="where chance begins")
    parser.add_argument("--json", action="store_true", help="also print the table as one line of JSON")
    given = parser.parse_args(arguments)
    rows = measure(given.stores, given.skus, given.seed)
    print_table(rows, COLUMNS, as_json=given.json)
    return 0


def measure(stores: int, skus: int, seed: int) -> list[Row]:
    """The rows of the table for one generated chain."""
    chain = make_chain(stores, skus, np.random.default_rng(seed))
    terms = ActionTerms()
    began = time.perf_counter()
    spare = spare_units(chain["stock"], chain["demand"], chain["products"], chain["stores"], as_of=AS_OF)
    short, able = chain["needs"], spare.loc[spare["spare"] > 0]
    print(
        f"surplus told in {time.perf_counter() - began:.1f} s: {int(able['spare'].sum()):,} units in "
        f"{len(able):,} pairs to spare; {short['units'].sum():,.0f} units lacking in {len(short):,} pairs"
    )
    found = {}
    for method, plan, by in (
        ("bound", plan_transfers, replace(terms, minimum_units=1, per_shipment=0.0)),
        ("inseason", plan_transfers, terms),
        ("greedy", greedy, terms),
    ):
        began, worked = time.perf_counter(), time.process_time()
        lines = plan(short, spare, chain["products"], chain["stores"], as_of=AS_OF, terms=by)
        found[method] = _row(method, lines, time.perf_counter() - began)
        print(f"{method}: {time.process_time() - worked:.1f} s of processor time")
    best = found["bound"]["net"]
    about: Row = {"stores": stores, "skus": skus, "needs": len(short)}
    return [
        {**row, **about, "of_bound": row["net"] / best if best else None}
        for row in (found[method] for method in ("inseason", "greedy", "bound"))
    ]


def make_chain(stores: int, skus: int, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Frames of a generated chain: stores, products, demand (of own customers), stock and needs."""
    city = rng.uniform((30.0, -120.0), (47.0, -75.0), (_CITIES, 2))
    place = city[rng.integers(0, _CITIES, stores)] + rng.normal(0.0, 0.25, (stores, 2))
    names = np.array([f"store-{number:04}" for number in range(stores)], dtype=object)
    codes = np.array([f"sku-{number:05}" for number in range(skus)], dtype=object)
    price = rng.uniform(20.0, 60.0, skus).round(2)
    level = np.exp(rng.normal(1.4, 0.7, skus)[:, None] + rng.normal(0.0, 0.4, stores)[None, :])
    mean = np.clip(level, 0.4, 40.0)
    stock = rng.poisson(mean * np.exp(rng.normal(0.0, _GUESS, mean.shape)))
    pairs = pd.DataFrame({"store": np.tile(names, skus), "sku": np.repeat(codes, stores)})
    demand = pairs.assign(mean=mean.ravel(), size=4.0)
    return {
        "stores": pd.DataFrame({"store": names, "latitude": place[:, 0], "longitude": place[:, 1]}),
        "products": pd.DataFrame(
            {
                "sku": codes,
                "style": [code[:-1] for code in codes],
                "regular_price": price,
                "unit_cost": (0.4 * price).round(2),
            }
        ),
        "demand": demand,
        "stock": pairs.assign(on_hand=stock.ravel().astype(np.float64)),
        "needs": _needs(demand, stock.ravel().astype(np.float64)),
    }


def _needs(demand: pd.DataFrame, stock: Any) -> pd.DataFrame:
    """The pairs of which at least half a unit is lacking."""
    needs = demand.assign(stock=stock, ends=pd.Timestamp(AS_OF) + pd.Timedelta(weeks=6))
    lacking = expected_shortfall(needs["mean"], needs["size"], needs["stock"])
    return needs.assign(units=lacking)[lacking >= _LEAST_LACKING].reset_index(drop=True)


def greedy(
    needs: pd.DataFrame,
    spare: pd.DataFrame,
    products: pd.DataFrame,
    stores: pd.DataFrame,
    *,
    as_of: date,  # noqa: ARG001 - it is called as the plan is
    terms: ActionTerms,
) -> pd.DataFrame:
    """Lines as a person would send them: who lacks most is served first, from the nearest that has any."""
    store_map = StoreMap.of(stores)
    names = store_map.names.to_numpy()
    taker = store_map.names.get_indexer(pd.Index(needs["store"]))
    codes, sku = np.unique(needs["sku"].to_numpy(dtype=object), return_inverse=True)
    known = spare[(spare["spare"] > 0) & spare["sku"].isin(codes)]
    left = np.zeros((len(codes), len(names)))
    place = pd.Index(codes).get_indexer(pd.Index(known["sku"]))
    left[place, store_map.names.get_indexer(pd.Index(known["store"]))] = known["spare"]
    row, wins = further_packs(needs, 1.0, terms.least_chance)
    first = np.searchsorted(row, np.arange(len(needs) + 1))
    margin = unit_margins(products, terms)["margin"].reindex(codes).to_numpy()
    lines = []
    for need in np.argsort(-needs["units"].to_numpy(), kind="stable"):
        store, code = taker[need], sku[need]
        steps, sent = wins[first[need] : first[need + 1]], 0
        order = store_map.nearest[store, 1:]
        for giver in order[left[code, order] > 0][: terms.givers]:
            units = int(min(left[code, giver], len(steps) - sent))
            if units <= 0:
                break
            won = float(steps[sent : sent + units].sum())
            cost = units * (terms.handling_per_unit + terms.per_unit_mile * store_map.miles[store, giver])
            lines.append((names[giver], names[store], codes[code], units, won, cost, won * margin[code]))
            left[code, giver] -= units
            sent += units
    columns = ["from_store", "to_store", "sku", "units", "wins", "cost", "benefit"]
    return _large_enough(pd.DataFrame(lines, columns=columns), terms)


def _large_enough(lines: pd.DataFrame, terms: ActionTerms) -> pd.DataFrame:
    """The lines of shipments that have their fewest units and pay."""
    shipment = lines.groupby(["from_store", "to_store"])
    units = shipment["units"].transform("sum")
    net = shipment["benefit"].transform("sum") - shipment["cost"].transform("sum") - terms.per_shipment
    kept = lines.assign(cost=lines["cost"] + terms.per_shipment * lines["units"] / units)
    return kept[(units >= terms.minimum_units) & (net > 0)]


def _row(method: str, lines: pd.DataFrame, seconds: float) -> dict[str, Any]:
    return {
        "method": method,
        "units": int(lines["units"].sum()),
        "wins": float(lines["wins"].sum()),
        "net": float(lines["benefit"].sum() - lines["cost"].sum()),
        "shipments": len(lines[["from_store", "to_store"]].drop_duplicates()),
        "seconds": seconds,
    }


if __name__ == "__main__":
    raise SystemExit(main())
