"""What acting costs and how long it takes: every figure of the computed actions that is not a forecast."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from forecaster.errors import ForecasterError
from forecaster.frames import require_columns, require_unique

_SHARES = ("keep_probability", "least_chance", "core_share", "salvage_share", "usual_cost_share")
_WHOLE = ("minimum_units", "givers", "units_per_rail")


@dataclass(frozen=True)
class ActionTerms:
    """Costs and limits of what can be done about an alert; money in the currency of the prices.

    The defaults are judgements about an apparel chain that sends cartons by road; a chain puts in its own.

    Attributes:
        handling_per_unit: to pick a unit in a store, pack, receive it and put it out.
        release_per_unit: the same from a distribution centre, where it rides with the next delivery.
        per_shipment: for each parcel from a store to another, whatever is in it.
        per_unit_mile: freight of a unit over a mile.
        minimum_units: fewest units, over all skus, for which a store makes up a parcel for another.
        whole_packs: whether stores send unopened packs only; a distribution centre always does.
        givers: how many of the nearest stores with units to spare a store may ask, per sku.
        transit_days: from the day after as_of, when it is asked for, to the day it is on the floor.
        keep_probability: a giver keeps what its own demand will not exceed with this probability.
        least_chance: a unit is sent only if it sells with at least this probability where it goes: twice that
            with which it would have sold where it was, to begin with.
        horizon_weeks: how far ahead a giver keeps for what can be ordered again, and for what is sold all
            year; for what is bought once, the rest of its season.
        core_share: the core sizes of a run are the fewest that make up this share of its demand.
        price_lock_days: a price must be in the price file this many days before it holds.
        set_lock_days: a floor-set or an exit can be moved until this many days before it.
        units_per_rail: pieces that hang on a rail.
        space_per_rail_week: what the incoming set would earn on a rail in a week; None where nobody knows.
        salvage_share: share of the regular price that what is left over brings in the end.
        usual_cost_share: unit cost as a share of the regular price where a product has none.
        order_per_unit: to receive an ordered unit and put it out.
        count_per_size: to count one size on a shelf.
        test_cost_cap: what a keep-open test may cost at most.
        least_wins: an offer that wins fewer units than this,
        least_benefit: and less margin than this, is not worth anybody's time.
    """

    handling_per_unit: float = 0.75
    release_per_unit: float = 0.40
    per_shipment: float = 6.00
    per_unit_mile: float = 0.002
    minimum_units: int = 4
    whole_packs: bool = False
    givers: int = 10
    transit_days: int = 4
    keep_probability: float = 0.8
    least_chance: float = 0.4
    horizon_weeks: int = 6
    core_share: float = 0.5
    price_lock_days: int = 7
    set_lock_days: int = 14
    units_per_rail: int = 40
    space_per_rail_week: float | None = None
    salvage_share: float = 0.15
    usual_cost_share: float = 0.4
    order_per_unit: float = 0.50
    count_per_size: float = 1.00
    test_cost_cap: float = 500.0
    least_wins: float = 3.0
    least_benefit: float = 30.0

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise ForecasterError(f"{name} is {value}: it must not be negative")
        for name in _SHARES:
            if not 0 < getattr(self, name) < 1:
                raise ForecasterError(f"{name} is {getattr(self, name)}: it must lie between 0 and 1")
        for name in _WHOLE:
            if getattr(self, name) < 1:
                raise ForecasterError(f"{name} is {getattr(self, name)}: it must be at least 1")


def unit_margins(products: pd.DataFrame, terms: ActionTerms) -> pd.DataFrame:
    """Money that a unit sold at its regular price wins, by sku.

    Args:
        products: sku, regular_price; unit_cost (NaN or absent where unknown: `usual_cost_share` of the
            price).
        terms: costs and limits.

    Returns:
        Indexed by sku: price, unit_cost, margin (never below 0), cost_assumed (bool). A sku without a price
        wins nothing.
    """
    require_columns(products, "products", ["sku", "regular_price"])
    require_unique(products, "products", ["sku"])
    price = pd.to_numeric(products["regular_price"]).fillna(0.0).to_numpy(dtype=np.float64)
    told = (
        pd.to_numeric(products["unit_cost"]).to_numpy(dtype=np.float64, na_value=np.nan)
        if "unit_cost" in products.columns
        else np.full(len(price), np.nan)
    )
    cost = np.where(np.isnan(told), terms.usual_cost_share * price, told)
    return pd.DataFrame(
        {
            "price": price,
            "unit_cost": cost,
            "margin": np.maximum(price - cost, 0.0),
            "cost_assumed": np.isnan(told),
        },
        index=pd.Index(products["sku"].astype(str), name="sku"),
    )


def pack_sizes(products: pd.DataFrame) -> pd.Series[float]:
    """Units in a pack, by sku; 1 where none is given."""
    packs = (
        pd.to_numeric(products["pack_size"]).to_numpy(dtype=np.float64, na_value=np.nan)
        if "pack_size" in products.columns
        else np.ones(len(products))
    )
    whole = np.maximum(np.nan_to_num(packs, nan=1.0), 1.0)
    return pd.Series(whole, index=pd.Index(products["sku"].astype(str), name="sku"))
