"""Gap rows as the rules read them: known weeks only, each with its product, stock, season and thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.credibility import sums_by
from forecaster.errors import PanelError
from forecaster.evidence import STRONGEST_FIRST, Evidence
from forecaster.frames import numbers, require_columns, require_unique
from forecaster.needs import customers_lost
from forecaster.rules.muting import lasting_doubts
from forecaster.rules.seasons import seasons_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from forecaster.policy import Policies
    from forecaster.rules.situation import Situation

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

DAY: Final = pd.Timedelta(days=1)
WEEK: Final = pd.Timedelta(days=7)
BEFORE, IN_SEASON, AFTER = "before_floor_set", "in_season", "after_exit"

_ONE_BUY: Final = "one_buy"
_GAP_COLUMNS = ("week", "floor_set", "exit", "phase", "demand", "lost", "available", "recoverable")
_KEYS = ("store", "sku", "season_code", "evidence")
_PRODUCT_COLUMNS = ("sku", "style", "category", "size", "color", "regular_price", "lead_time_days")


@dataclass(frozen=True)
class Limits:
    """Thresholds looked up for many rows at once."""

    policies: Policies
    categories: pd.Index[Any]

    def of(self, name: str, category: Indices) -> Floats:
        """A threshold of the policies, for each code of a category."""
        each = [getattr(self.policies.of(str(one)), name) for one in self.categories]
        return np.array(each, dtype=np.float64)[category]

    def weakest(self, category: Indices) -> Indices:
        """The weakest evidence that may fire, as a place in `STRONGEST_FIRST`."""
        each = [STRONGEST_FIRST.index(Evidence(self.policies.of(str(c)).confidence)) for c in self.categories]
        return np.array(each, dtype=np.intp)[category]


@dataclass(frozen=True)
class Reading:
    """The night's gap, coded: everything after works on whole columns of it.

    Attributes:
        today: as_of.
        rows: one per gap row whose evidence is known: store, style, season, sku, category (categoricals),
            place (code of store x style x season), pair (code of store x sku), week, floor_set, exit, phase,
            demand, lost, available, recoverable, share_lost (customers lost per unit lost), evidence (place
            in `STRONGEST_FIRST`), material, demand_ends (last day of the season's last material week in that
            store, NaT without a window: such demand does not end), doubted (whether its stock may stand in
            the books only), on_hand, in_transit, counted (whether its store counts stock), price, cost (NaN =
            unknown), lead_days (inf = unknown), bought_once (no word on it = it is).
        products: by sku code of ``rows``: sku, style, category, size, color, ...
        limits: thresholds by category code of ``rows``.
    """

    today: pd.Timestamp
    rows: pd.DataFrame
    products: pd.DataFrame
    limits: Limits

    def limit(self, name: str, rows: pd.DataFrame) -> Floats:
        """A threshold for each row."""
        return self.limits.of(name, codes(rows["category"]))


def codes(column: pd.Series[Any]) -> Indices:
    """Codes of a categorical column."""
    return column.cat.codes.to_numpy().astype(np.intp)


def read(situation: Situation) -> Reading:
    """Lay out a situation's gap.

    Raises:
        PanelError: a frame lacks a column, repeats a key or holds a value that cannot be worked with.
    """
    _check(situation)
    gap, products, policies = situation.gap, situation.products, situation.policies
    share_lost = _share_lost(gap, products, situation.substitution)
    known = (gap["evidence"] != Evidence.UNKNOWN).to_numpy()
    gap = gap[known]
    store, stores = pd.factorize(gap["store"])
    sku, skus = pd.factorize(gap["sku"])
    product = _product_of(products, skus)
    style, styles = pd.factorize(product["style"])
    category, categories = pd.factorize(product["category"])
    season = seasons_of(gap)
    limits = Limits(policies, pd.Index(categories))
    held = _held(situation.stock, store, stores, sku, skus)
    rows = pd.DataFrame(
        {
            "store": pd.Categorical.from_codes(store, stores),
            "style": pd.Categorical.from_codes(style[sku], styles),
            "season": season,
            "sku": pd.Categorical.from_codes(sku, skus),
            "category": pd.Categorical.from_codes(category[sku], categories),
            "place": _joint(_joint(store, style[sku]), season.codes),
            "pair": store * max(len(skus), 1) + sku,
            **{name: gap[name].array for name in _GAP_COLUMNS},
            "phase": pd.Categorical(gap["phase"], categories=[BEFORE, IN_SEASON, AFTER]),
            "share_lost": share_lost[known],
            "evidence": _ranks(gap["evidence"]),
            "doubted": _doubted(situation, store, stores, sku, skus),
            "on_hand": held["on_hand"],
            "in_transit": held["in_transit"],
            "counted": np.isin(np.asarray(stores, dtype=object), situation.stock["store"])[store],
            **{name: values[sku] for name, values in _figures(product).items()},
        }
    )
    rows = rows.assign(material=_material(rows, _joint(store, style[sku]), limits))
    return Reading(
        pd.Timestamp(situation.as_of), rows.assign(demand_ends=_demand_ends(rows)), product, limits
    )


def _check(situation: Situation) -> None:
    gap, products, stock, stores = situation.gap, situation.products, situation.stock, situation.stores
    require_columns(gap, "gap", [*_KEYS, *_GAP_COLUMNS])
    require_columns(products, "products", _PRODUCT_COLUMNS)
    require_unique(products, "products", ["sku"])
    require_columns(stock, "stock", ["store", "sku", "on_hand", "in_transit"])
    require_unique(stock, "stock", ["store", "sku"])
    require_columns(stores, "stores", ["store", "climate_zone", "kind", "closed_on"])
    require_unique(stores, "stores", ["store"])
    strange = ~pd.Series(gap["store"].unique()).isin(stores["store"])
    if strange.any():
        raise PanelError("stores", "store", f"no row for {int(strange.sum())} stores of the gap")


def _share_lost(
    gap: pd.DataFrame, products: pd.DataFrame, substitution: float | Mapping[str, float]
) -> Floats:
    """Customers lost per unit lost in every gap row."""
    if not substitution:
        return np.ones(len(gap))
    told = customers_lost(gap, products, substitution)
    lost = told["lost"].to_numpy(dtype=np.float64)
    customers = told["customers_lost"].to_numpy(dtype=np.float64)
    return np.asarray(np.divide(customers, lost, out=np.ones_like(lost), where=lost > 0), dtype=np.float64)


def _product_of(products: pd.DataFrame, skus: pd.Index[Any]) -> pd.DataFrame:
    place = pd.Index(products["sku"]).get_indexer(pd.Index(skus))
    if (place < 0).any():
        problem = f"no row for {int((place < 0).sum())} skus of the gap, such as {skus[place < 0][0]!r}"
        raise PanelError("products", "sku", problem)
    told: pd.DataFrame = products.iloc[place].reset_index(drop=True)
    return told


def _figures(product: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
    """price, cost, lead_days and bought_once by sku; NaN, NaN, inf and true where unknown."""
    nothing = np.full(len(product), np.nan)
    cost = product["unit_cost"].to_numpy(dtype=np.float64) if "unit_cost" in product.columns else nothing
    lead = product["lead_time_days"].to_numpy(dtype=np.float64)
    if (lead < 0).any():
        raise PanelError("products", "lead_time_days", f"{int((lead < 0).sum())} values below 0")
    return {
        "price": product["regular_price"].to_numpy(dtype=np.float64),
        "cost": cost,
        "lead_days": np.where(np.isnan(lead), np.inf, lead),
        "bought_once": _bought_once(product),
    }


def _bought_once(product: pd.DataFrame) -> npt.NDArray[np.bool_]:
    if "buy_type" not in product.columns:
        return np.ones(len(product), dtype=bool)
    return (product["buy_type"].astype("str") == _ONE_BUY).to_numpy()


def _doubted(
    situation: Situation, store: Indices, stores: pd.Index[Any], sku: Indices, skus: pd.Index[Any]
) -> npt.NDArray[np.bool_]:
    """Whether the books of each row's store and sku are doubted."""
    doubts = lasting_doubts(situation.phantoms, pd.Timestamp(situation.as_of))
    table = np.zeros((len(stores), len(skus)), dtype=bool)
    if doubts is not None:
        row = pd.Index(stores).get_indexer(pd.Index(doubts["store"]))
        column = pd.Index(skus).get_indexer(pd.Index(doubts["sku"]))
        used = (row >= 0) & (column >= 0)
        table[row[used], column[used]] = True
    return np.asarray(table[store, sku])


def _held(
    stock: pd.DataFrame, store: Indices, stores: pd.Index[Any], sku: Indices, skus: pd.Index[Any]
) -> dict[str, Floats]:
    """on_hand and in_transit of every row's store and sku, 0 where there is no record."""
    row_store = pd.Index(stores).get_indexer(pd.Index(stock["store"]))
    row_sku = pd.Index(skus).get_indexer(pd.Index(stock["sku"]))
    used = (row_store >= 0) & (row_sku >= 0)
    found = {}
    for name in ("on_hand", "in_transit"):
        table = np.zeros((len(stores), len(skus)))
        table[row_store[used], row_sku[used]] = numbers(stock, "stock", name)[used]
        found[name] = table[store, sku]
    return found


def _joint(first: Indices, second: npt.NDArray[Any]) -> Indices:
    """One code for two, dense from 0."""
    code, _ = pd.factorize(first.astype(np.int64) * (int(second.max(initial=0)) + 1) + second)
    return np.asarray(code, dtype=np.intp)


def _ranks(evidence: pd.Series[Any]) -> npt.NDArray[np.int8]:
    """Place of each label in `STRONGEST_FIRST`."""
    code, words = pd.factorize(evidence)
    rank = np.array([STRONGEST_FIRST.index(Evidence(word)) for word in words], dtype=np.int8)
    return rank[code] if len(rank) else np.empty(0, dtype=np.int8)


def _material(rows: pd.DataFrame, line: Indices, limits: Limits) -> npt.NDArray[np.bool_]:
    """Rows of weeks with at least a share of the demand of the style's highest week in that store."""
    week, weeks = pd.factorize(rows["week"])
    lines, n = int(line.max(initial=-1)) + 1, len(weeks)
    weekly = sums_by(line * n + week, rows["demand"], lines * n).reshape(lines, n)
    peak = weekly.max(axis=1, initial=0.0)
    share = limits.of("material_week_share", codes(rows["category"]))
    here = weekly[line, week]
    return np.asarray((here >= share * peak[line]) & (here > 0))


def _demand_ends(rows: pd.DataFrame) -> pd.Series[Any]:
    """Last day of the last material week of every row's store, style and season; NaT without a window."""
    last = rows["week"].where(rows["material"] & rows["exit"].notna()).groupby(rows["place"]).max()
    return last.reindex(rows["place"]).set_axis(rows.index) + 6 * DAY
