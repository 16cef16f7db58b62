"""What each store can spare of each sku without turning its own customers away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.credibility import sums_by
from forecaster.distribution import quantiles, size_of_sum
from forecaster.frames import numbers, require_columns, require_unique
from forecaster.rules.shelf import core_sizes
from forecaster.terms import ActionTerms

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]
    Flags = npt.NDArray[np.bool_]

DC: Final = "dc"
"""Kind of a store that nobody can want anything in: a distribution centre."""

_PAIR = ["store", "sku"]
DAYS_A_WEEK: Final = 7
_WEEK = pd.Timedelta(days=DAYS_A_WEEK)
_STILL_SELLS: Final = 0.5
"""Units a style must still be asked for in a store for its size run to matter there."""


def own_demand(
    gap: pd.DataFrame,
    series: pd.DataFrame,
    products: pd.DataFrame,
    *,
    as_of: date,
    terms: ActionTerms | None = None,
) -> pd.DataFrame:
    """What each store still wants of each sku for itself: demand over the rest of its season.

    The season is the selling window that is open, or opens within `horizon_weeks`, up to its exit. Of what
    can be ordered again and comes within `horizon_weeks`, and of what has no selling window, only the coming
    `horizon_weeks` count. What comes after the exit is not kept for: the calendar says that it will be packed
    away by then.

    Args:
        gap: store, sku, week, floor_set, exit, phase, demand, as `expected_gap` returns them.
        series: store, sku, level_shape, dispersion, as it takes them.
        products: sku; buy_type (bought once where blank or absent), lead_time_days.
        as_of: last business date known.
        terms: costs and limits; the documented defaults if None.

    Returns:
        store, sku, mean (units) and size of the negative binomial of that demand; pairs with any.
    """
    terms = terms or ActionTerms()
    require_columns(gap, "gap", [*_PAIR, "week", "floor_set", "exit", "phase", "demand"])
    near = pd.Timestamp(as_of) + terms.horizon_weeks * _WEEK
    again = gap["sku"].isin(_ordered_again(products, terms)) | gap["exit"].isna()
    reaches = gap["week"].where(again, gap["floor_set"]) <= near
    opens = gap["floor_set"].isna() | (gap["floor_set"] <= near)
    rows = gap.loc[(gap["phase"] == "in_season") & (gap["demand"] > 0) & reaches & opens, [*_PAIR, "demand"]]
    summed = rows.assign(squared=rows["demand"] ** 2).groupby(_PAIR, observed=True).sum().reset_index()
    known = summed.merge(series[[*_PAIR, "level_shape", "dispersion"]], on=_PAIR)
    size = size_of_sum(known["demand"], known["squared"], known["level_shape"], known["dispersion"])
    return known[_PAIR].assign(mean=known["demand"], size=size)


def _ordered_again(products: pd.DataFrame, terms: ActionTerms) -> pd.Series[Any]:
    """Skus of which more comes, if ordered now, before a giver runs out of what it keeps."""
    if not {"buy_type", "lead_time_days"} <= set(products.columns):
        return products["sku"].iloc[:0]
    kind = products["buy_type"].fillna("").astype(str)
    soon = pd.to_numeric(products["lead_time_days"]) <= DAYS_A_WEEK * terms.horizon_weeks
    return products.loc[~kind.isin(["", "one_buy"]) & soon, "sku"]


def spare_units(
    stock: pd.DataFrame,
    demand: pd.DataFrame,
    products: pd.DataFrame,
    stores: pd.DataFrame,
    *,
    as_of: date,
    terms: ActionTerms | None = None,
    minimums: pd.DataFrame | None = None,
    late_stores: Collection[str] = (),
    doubted: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Whole units each store can give of each sku: on hand less what it keeps.

    A store keeps the greatest of three: what its own demand over the rest of its season will not exceed with
    `keep_probability` (p80); its presentation minimum, while the style still sells there; and one piece of
    each core size of a style and colour that still sells there, so that its size run stays whole. Core sizes
    are the fewest that together carry `core_share` of that demand. A style still sells where at least half a
    unit of it is wanted in the rest of the season. What is on its way to a store is not counted: it may be
    late. A distribution centre keeps nothing.

    A store that has closed, or whose figures are late, gives nothing; nor does a shelf whose stock is
    doubted.

    Args:
        stock: store, sku, on_hand (units).
        demand: store, sku, mean, size, as `own_demand` gives them; a pair without a row wants nothing.
        products: sku, style; color (one colour if absent).
        stores: store; kind (``store`` if absent), closed_on (NaT while open). A store without a row gives
            nothing.
        as_of: last business date known.
        terms: costs and limits; the documented defaults if None.
        minimums: store, style, presentation_minimum (pieces of each sku); none if None.
        late_stores: stores whose figures are too old.
        doubted: store, sku of the shelves whose stock may stand in the books only; none if None.

    Returns:
        The rows of stock with any units: store, sku, on_hand, keep, spare (units), kept_for (what decides
        keep: ``own_demand``, ``presentation_minimum``, ``size_run``, ``closed``, ``late_feed``, ``doubted``,
        or '' where nothing is kept).
    """
    terms = terms or ActionTerms()
    held = _held(stock, demand, products, stores)
    mean, size = held["mean"].to_numpy(), held["size"].to_numpy()
    least = _minimums(held, minimums)
    run = pd.MultiIndex.from_frame(held[["store", "style", "color"]]).factorize()[0]
    sells = sums_by(run, mean, int(run.max(initial=-1)) + 1)[run] >= _STILL_SELLS
    reasons = {
        "own_demand": quantiles(mean, size, [terms.keep_probability])[0],
        "presentation_minimum": np.where(sells, least, 0.0),
        "size_run": (sells & core_sizes(run, mean, np.full(len(run), terms.core_share))).astype(np.float64),
    }
    kept = np.stack(list(reasons.values()))
    # A distribution centre has no customers of its own.
    kept[:, (held["kind"] == DC).to_numpy()] = 0.0
    on_hand = held["on_hand"].to_numpy()
    keep, why = kept.max(axis=0), np.array(list(reasons), dtype=object)[kept.argmax(axis=0)]
    why = np.where(keep > 0, why, "")
    for reason, shut in (
        ("closed", ~(held["closed_on"] > pd.Timestamp(as_of)).to_numpy()),
        ("late_feed", held["store"].isin(list(late_stores)).to_numpy()),
        ("doubted", _named(held, doubted)),
    ):
        keep, why = np.where(shut, on_hand, keep), np.where(shut, reason, why)
    spare = np.floor(np.maximum(on_hand - keep, 0.0))
    told: pd.DataFrame = held[[*_PAIR, "on_hand"]].assign(keep=keep, spare=spare, kept_for=why)
    return told[on_hand > 0].reset_index(drop=True)


_NEVER = pd.Timestamp.max.floor("D")


def _held(
    stock: pd.DataFrame, demand: pd.DataFrame, products: pd.DataFrame, stores: pd.DataFrame
) -> pd.DataFrame:
    """Every pair with stock or own demand: on_hand, mean, size, style, color, kind, closed_on.

    Sizes that a store wants but has not (on_hand 0) count when its core sizes are told.
    """
    require_columns(stock, "stock", [*_PAIR, "on_hand"])
    require_unique(stock, "stock", _PAIR)
    require_columns(products, "products", ["sku", "style"])
    require_unique(products, "products", ["sku"])
    require_columns(stores, "stores", ["store"])
    here = stock[_PAIR].astype(str).assign(on_hand=numbers(stock, "stock", "on_hand", low=0))
    wanted = (
        demand[_PAIR]
        .astype(str)
        .assign(mean=numbers(demand, "demand", "mean", low=0), size=demand["size"].to_numpy(dtype=np.float64))
    )
    both = here[here["on_hand"] > 0].merge(wanted, on=_PAIR, how="outer")
    both = both.fillna({"on_hand": 0.0, "mean": 0.0, "size": np.inf})
    product = (
        products[["sku", "style"]]
        .astype(str)
        .assign(color=products["color"].fillna("").astype(str) if "color" in products.columns else "")
    )
    place = (
        stores[["store"]]
        .astype(str)
        .assign(
            kind=stores["kind"].astype(str) if "kind" in stores.columns else "store",
            closed_on=pd.to_datetime(stores["closed_on"]).fillna(_NEVER)
            if "closed_on" in stores.columns
            else _NEVER,
        )
    )
    # What is sold under no product, or held in no store that is known, is nobody's to give.
    known: pd.DataFrame = both.merge(product, on="sku").merge(place, on="store")
    return known.reset_index(drop=True)


def _named(held: pd.DataFrame, pairs: pd.DataFrame | None) -> Flags:
    """Whether each row's store and sku are among some pairs."""
    if pairs is None:
        return np.zeros(len(held), dtype=bool)
    known = pd.MultiIndex.from_frame(pairs[_PAIR].astype(str))
    return np.asarray(pd.MultiIndex.from_frame(held[_PAIR]).isin(known), dtype=bool)


def _minimums(held: pd.DataFrame, minimums: pd.DataFrame | None) -> Floats:
    """Presentation minimum of each row, 0 where there is none."""
    if minimums is None:
        return np.zeros(len(held))
    require_columns(minimums, "minimums", ["store", "style", "presentation_minimum"])
    require_unique(minimums, "minimums", ["store", "style"])
    least = (
        minimums[["store", "style"]]
        .astype(str)
        .assign(least=numbers(minimums, "minimums", "presentation_minimum", low=0))
    )
    found = held[["store", "style"]].merge(least, how="left")["least"]
    return found.fillna(0.0).to_numpy(dtype=np.float64)
