"""What it takes a customer to find a size: stores to visit, one after the other, and miles between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.claims import claimed_rows, claims_of
from forecaster.credibility import sums_by
from forecaster.distances import StoreMap
from forecaster.errors import ForecasterError
from forecaster.frames import numbers, require_columns
from forecaster.needs import need_of
from forecaster.surplus import DC

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]
    Flags = npt.NDArray[np.bool_]

ONLINE: Final = "online"
"""Kind of a store into which nobody can walk."""

EFFORT_COLUMNS: Final = ("stores", "miles", "found")

_BLOCK: Final = 1 << 18
"""Customers followed at once: few enough for their ways to stay near the processor."""


@dataclass(frozen=True)
class Search:
    """How long a customer goes on.

    Attributes:
        most_stores: stores visited at most, the home store counted.
        most_miles: miles gone at most; a store beyond them is not visited.
    """

    most_stores: int = 10
    most_miles: float = 100.0

    def __post_init__(self) -> None:
        if self.most_stores < 1 or not self.most_miles >= 0:
            raise ForecasterError(
                f"a search of {self.most_stores} stores and {self.most_miles} miles: "
                "it visits at least the home store, and no distance is negative"
            )


def shelf_chance(stock: pd.DataFrame, gap: pd.DataFrame | None = None) -> pd.DataFrame:
    """Whether a customer who comes today finds each sku: 1 where a piece is on the floor, else 0.

    Args:
        stock: store, sku, on_hand (units).
        gap: as `expected_gap` returns it; what its first week shows to be still before its floor-set lies in
            the back, where no customer finds it. None: all stock is on the floor.

    Returns:
        store, sku, chance (0 or 1).
    """
    require_columns(stock, "stock", ["store", "sku", "on_hand"])
    there = (numbers(stock, "stock", "on_hand") >= 1).astype(np.float64)
    told = stock[["store", "sku"]].astype(str).assign(chance=there)
    if gap is None or gap.empty:
        return told.reset_index(drop=True)
    first = gap[gap["week"] == gap["week"].min()]
    shown = first.loc[first["phase"] != "before_floor_set", ["store", "sku"]]
    back = first.loc[first["phase"] == "before_floor_set", ["store", "sku"]]
    pair, off, on = (pd.MultiIndex.from_frame(f[["store", "sku"]].astype(str)) for f in (told, back, shown))
    return told.assign(chance=np.where(pair.isin(off) & ~pair.isin(on), 0.0, there)).reset_index(drop=True)


def chance_ahead(gap: pd.DataFrame) -> pd.DataFrame:
    """The share of each coming week's customers who find each sku on the floor of each store.

        chance = sum of (demand - lost) in season / sum of demand

    Args:
        gap: store, sku, week, phase, demand, lost, as `expected_gap` returns them: the calendar taken at its
            word, nothing is found off the floor.

    Returns:
        store, sku, week, chance in [0, 1]; rows with demand only.
    """
    require_columns(gap, "gap", ["store", "sku", "week", "phase", "demand", "lost"])
    served = (gap["demand"] - gap["lost"]).where(gap["phase"] == "in_season", 0.0)
    rows = gap[["store", "sku", "week", "demand"]].assign(served=served)
    summed = rows[rows["demand"] > 0].groupby(["store", "sku", "week"], observed=True).sum().reset_index()
    chance = (summed["served"] / summed["demand"]).clip(0.0, 1.0)
    return summed[["store", "sku", "week"]].assign(chance=chance)


def wanted_now(gap: pd.DataFrame) -> pd.DataFrame:
    """What customers of the first week ahead come for, whether it is on the floor or not.

    Args:
        gap: store, sku, week, demand, as `expected_gap` returns them.

    Returns:
        store, sku, demand (units of that week); pairs with any.
    """
    require_columns(gap, "gap", ["store", "sku", "week", "demand"])
    first = gap[(gap["week"] == gap["week"].min()) & (gap["demand"] > 0)]
    summed: pd.DataFrame = first.groupby(["store", "sku"], as_index=False).agg({"demand": "sum"})
    return summed


def customer_effort(
    wanted: pd.DataFrame,
    chance: pd.DataFrame,
    products: pd.DataFrame,
    stores: pd.DataFrame,
    *,
    search: Search | None = None,
) -> pd.DataFrame:
    """How many stores customers visit, and how many miles they go, until they hold their size in their hands.

    A customer begins in the home store, which counts as the first store visited, at 0 miles. Who does not
    find it there goes on to the nearest store not visited yet, from there to the nearest one left, and so
    on: every store of the chain with a door is on the way, whether it carries the thing or not, for who
    knows? A store that has any sku of the same need (category x gender_age x size x price band) ends the
    search. Miles are great-circle miles from store to store; the way home is not counted. The search ends
    in vain after `most_stores`, or where the next store lies beyond `most_miles`.

    With p_j the chance to find it in the j-th store on the way (1 - product of 1 - chance over the skus of
    the need), d_j the miles to it from the one before, and the stores independent of each other:

        reach_j = product over i < j of (1 - p_i)
        stores = sum_j reach_j,   miles = sum_j reach_j d_j,   found = 1 - product over j of (1 - p_j)

    Where each chance is 0 or 1 this is one customer's way. Those who find nothing count with the stores and
    miles they went in vain, and are told apart by `found`; no figure is infinite.

    Args:
        wanted: store, sku; week too, if chance has it; other columns are kept.
        chance: store, sku, chance; week, if the chances differ by week. What has no row is not there.
        products: as `need_of` takes; a sku it lacks meets a need of its own.
        stores: those that trade: store, latitude, longitude; kind (``store`` if absent; distribution centres
            and online stores have no door).
        search: how long a customer goes on; the documented defaults if None.

    Returns:
        wanted with stores (visited), miles and found (share of the customers); NaN for a home that is not on
        the map or has no door.
    """
    search = search or Search()
    store_map = _doors(stores)
    when = ["week"] if "week" in chance.columns else []
    require_columns(wanted, "wanted", ["store", "sku", *when])
    require_columns(chance, "chance", ["store", "sku", "chance", *when])
    table = _chances(wanted, chance, products, store_map, when)
    home = store_map.names.get_indexer(pd.Index(wanted["store"].astype(str)))
    ways = store_map.walks(search.most_stores)
    told = np.full((3, len(wanted)), np.nan)
    inside = np.flatnonzero(home >= 0)
    # Customers who want the same, from the same store, go the same way.
    code = table.line[inside] * max(len(store_map.names), 1) + home[inside]
    once, back = np.unique(code, return_inverse=True)
    line, start = np.divmod(once, max(len(store_map.names), 1))
    parts = [
        _searched(table.chance, line[i : i + _BLOCK], start[i : i + _BLOCK], ways, search.most_miles)
        for i in range(0, len(once), _BLOCK)
    ]
    if parts:
        told[:, inside] = np.concatenate(parts, axis=1)[:, back]
    return wanted.assign(**dict(zip(EFFORT_COLUMNS, told, strict=True)))


def mean_effort(rows: pd.DataFrame, by: Sequence[str], weight: str = "demand") -> pd.DataFrame:
    """Effort weighted by demand, over groups of rows.

    Args:
        rows: as `customer_effort` returns them, with the weight (units, >= 0).
        by: columns that make a group, such as store or category; () for all together.
        weight: the column of the weight.

    Returns:
        One row per group: by, the weight summed, and the weighted means of stores, miles and found. Rows
        without effort or weight are left out.
    """
    require_columns(rows, "rows", [*by, weight, *EFFORT_COLUMNS])
    known = rows[rows["stores"].notna() & (rows[weight] > 0)]
    weighed = {name: known[name] * known[weight] for name in EFFORT_COLUMNS}
    parts = known[[*by, weight]].assign(**weighed)
    if not by:
        parts, by = parts.assign(all=""), ["all"]
    sums = parts.groupby(list(by), observed=True, sort=True).sum().reset_index()
    means = {name: sums[name] / sums[weight] for name in EFFORT_COLUMNS}
    return sums.assign(**means).drop(columns="all", errors="ignore")


def effort_of_findings(
    findings: pd.DataFrame,
    gap: pd.DataFrame,
    chance: pd.DataFrame,
    products: pd.DataFrame,
    stores: pd.DataFrame,
    *,
    search: Search | None = None,
) -> pd.DataFrame:
    """The effort of the customers that each finding speaks of, weighted by the demand for its sizes.

    Args:
        findings: as the rules give them; scope, climate_zone, category and season_code for those of zones.
        gap: as `expected_gap` returns it: whose demand counts, and in which weeks.
        chance: by week (`chance_ahead`), of the weeks that the finding is about; or of one day
            (`shelf_chance`).
        products: as `need_of` takes.
        stores: as `customer_effort` takes.
        search: how long a customer goes on; the documented defaults if None.

    Returns:
        finding (position in findings), demand (units), stores, miles, found; a finding of a zone has the mean
        of the findings of its stores by the same rule, category and season. None for findings without sizes.
    """
    claims = claims_of(findings)
    rows = claimed_rows(claims, gap)
    rows = rows.assign(finding=claims["finding"].to_numpy()[rows["claim"]])
    when = ["week"] if "week" in chance.columns else []
    wanted = rows.groupby(["finding", "store", "sku", *when], as_index=False).agg({"demand": "sum"})
    told = customer_effort(wanted, chance, products, stores, search=search)
    zones = _zones_of(findings)
    both = pd.concat([told, told.merge(zones, on="finding").assign(finding=lambda each: each["zone"])])
    return mean_effort(both, ["finding"])[["finding", "demand", *EFFORT_COLUMNS]]


_GROUP: Final = ["rule", "climate_zone", "category", "season_code"]


def _zones_of(findings: pd.DataFrame) -> pd.DataFrame:
    """The finding of a zone (zone) to which each finding of a store (finding) belongs."""
    if "scope" not in findings.columns:
        return pd.DataFrame({"finding": [], "zone": []}, dtype=np.int64)
    named = findings[[*_GROUP, "scope"]].reset_index(drop=True)
    of_store, of_zone = named[named["scope"] == "store"], named[named["scope"] == "zone"]
    pairs = (
        of_store[_GROUP]
        .assign(finding=of_store.index)
        .merge(of_zone[_GROUP].assign(zone=of_zone.index), on=_GROUP)
    )
    return pairs[["finding", "zone"]]


@dataclass(frozen=True)
class _Chances:
    """What can be found where: line (rows,) of each customer; chance (lines, n) of a need in each store."""

    line: Indices
    chance: Floats


def _doors(stores: pd.DataFrame) -> StoreMap:
    """The stores that a customer can walk into, of which the place is known."""
    store_map = StoreMap.of(stores)
    return store_map.only(np.isfinite(np.diag(store_map.miles)) & ~np.isin(store_map.kind, [DC, ONLINE]))


def _chances(
    wanted: pd.DataFrame, chance: pd.DataFrame, products: pd.DataFrame, store_map: StoreMap, when: list[str]
) -> _Chances:
    """Needs (of each week) as lines of a table of stores: 1 - product of 1 - chance over their skus."""
    need = need_of(products).set_index("sku")["need"]
    asked, there = (_lines(frame, need, when) for frame in (wanted, chance))
    names, line = np.unique(asked, return_inverse=True) if len(asked) else (asked, np.zeros(0, dtype=np.intp))
    place = pd.Index(names).get_indexer(pd.Index(there))
    store = store_map.names.get_indexer(pd.Index(chance["store"].astype(str)))
    used = (place >= 0) & (store >= 0)
    n = len(store_map.names)
    with np.errstate(divide="ignore"):
        missing = np.log1p(-numbers(chance, "chance", "chance", low=0, high=1)[used])
    total = sums_by(place[used] * n + store[used], missing, len(names) * n)
    return _Chances(line.astype(np.intp), 1.0 - np.exp(total).reshape(len(names), n))


def _lines(frame: pd.DataFrame, need: pd.Series[Any], when: list[str]) -> npt.NDArray[np.object_]:
    """The name of each row's need (and week); of a sku without one, its own."""
    sku = frame["sku"].astype(str)
    name = sku.map(need)
    name = name.where(name.notna(), "\x1f" + sku)
    if when:
        name = name + "\x1f" + frame["week"].astype("datetime64[s]").astype(str)
    return name.to_numpy(dtype=object)


def _searched(
    chance: Floats, line: Indices, home: Indices, ways: tuple[Indices, Floats], most_miles: float
) -> Floats:
    """Stores, miles and share found of customers by what they want and where they begin, (3, rows)."""
    order, gone = ways[0][home], ways[1][home]
    within = gone <= most_miles
    here = np.where(within, chance[line[:, None], order], 0.0)
    empty = np.cumprod(1.0 - here, axis=1)
    reach = np.where(within, np.concatenate([np.ones((len(home), 1)), empty[:, :-1]], axis=1), 0.0)
    leg = np.diff(np.where(within, gone, 0.0), axis=1, prepend=0.0)
    return np.stack([reach.sum(axis=1), (reach * np.where(within, leg, 0.0)).sum(axis=1), 1.0 - empty[:, -1]])
