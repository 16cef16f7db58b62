"""What a loss comes to: units, customers, money and margin, by time and by the remedy that is still left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from forecaster.credibility import sums_by
from forecaster.rules.muting import lasting_doubts, muted_stores
from forecaster.rules.reading import AFTER, BEFORE, IN_SEASON, codes
from forecaster.surplus import own_demand, spare_units

if TYPE_CHECKING:
    import numpy.typing as npt

    from forecaster.rules.reading import Reading
    from forecaster.rules.situation import Situation

    Floats = npt.NDArray[np.float64]

BY_TIME: Final = {"before_units": BEFORE, "in_season_units": IN_SEASON, "after_units": AFTER}
BY_REMEDY: Final = ("recoverable_units", "reorderable_units", "next_buy_units")


def with_remedies(
    claims: pd.DataFrame, reading: Reading, spare: pd.DataFrame, *, transit_days: int
) -> pd.DataFrame:
    """Divide each loss by the remedy that is left, the cheapest first.

        recoverable = own + g_k (lost - own) v_sent
        reorderable = (lost - recoverable) v_ordered
        next_buy    = lost - recoverable - reorderable

    own is what the store's own stock serves; v is the share of the week's days on which a piece sent or
    ordered tonight would be there; g_k the share of what can be sent of a sku that the chain has to spare.
    It is dealt in order of time: first to what is missed in season, where a piece is won before anybody can
    want it after an exit, though it would serve there; what is left to what is missed before a floor-set and
    after an exit, in its own store first. Within the same time all that miss the sku have the same share, so
    that no unit is counted for two stores, and no store's share jumps from night to night.

    Args:
        claims: store, sku, category (categoricals), phase, week, lost, own (units), lead_days; one row is
            claimed by one rule only.
        reading: whose thresholds hold.
        spare: store, sku, spare: units that can be given away, as `to_spare` tells them.
        transit_days: from tomorrow, when a piece is asked for, to the day it is on the floor.

    Returns:
        claims with recoverable_units, reorderable_units, next_buy_units (they sum to ``lost``), sent (units
        of recoverable_units that come from elsewhere) and own (less what serves another store sooner).
    """
    lost = claims["lost"].to_numpy(dtype=np.float64)
    own = np.minimum(claims["own"].to_numpy(dtype=np.float64), lost)
    today, week = np.datetime64(reading.today, "D"), claims["week"].to_numpy().astype("datetime64[D]")
    reaches = share_after(week, today, np.full(len(claims), 1.0 + transit_days))
    own, sent = _dealt(claims.assign(lost=lost, own=own), reaches, spare)
    rest = lost - own - sent
    ordered = rest * share_after(week, today, claims["lead_days"].to_numpy(dtype=np.float64))
    return claims.assign(
        own=own,
        sent=sent,
        recoverable_units=own + sent,
        reorderable_units=ordered,
        next_buy_units=rest - ordered,
    )


def share_after(week: npt.NDArray[np.datetime64], today: np.datetime64, wait: Floats) -> Floats:
    """Share of each week's days after today on which something that takes ``wait`` days is there.

    Args:
        week: (n,) first days.
        today: last day that has passed.
        wait: (n,) days from today; inf = never.

    Returns:
        (n,) in [0, 1].
    """
    left = np.clip((week - today).astype(np.float64) + 6, 0.0, 7.0)
    usable = np.clip((week - today).astype(np.float64) + 7 - wait, 0.0, left)
    return np.divide(usable, left, out=np.zeros_like(left), where=left > 0)


def share_within(week: npt.NDArray[np.datetime64], today: np.datetime64, days: int) -> Floats:
    """Share of each week's days after today that lie within so many days from now.

    Args:
        week: (n,) first days.
        today: last day that has passed.
        days: from tomorrow on.

    Returns:
        (n,) in [0, 1].
    """
    ahead = (week - today).astype(np.float64)
    left = np.clip(ahead + 6, 0.0, 7.0)
    soon = np.minimum(ahead + 6, float(days)) - np.maximum(ahead, 1.0) + 1
    return np.asarray(np.divide(np.clip(soon, 0.0, None), left, out=np.zeros_like(left), where=left > 0))


def _dealt(claims: pd.DataFrame, reaches: Floats, spare: pd.DataFrame) -> tuple[Floats, Floats]:
    """What the own stock serves and what is sent, of each row, in order of time."""
    sku, n = codes(claims["sku"]), len(claims["sku"].cat.categories)
    lost, own = claims["lost"].to_numpy(dtype=np.float64), claims["own"].to_numpy(dtype=np.float64)
    now = (claims["phase"] == IN_SEASON).to_numpy()
    # Only what a shelf could give away is to be had for another; the rest serves where it lies.
    there = _of_rows(claims, spare)
    own_now = _given_by(claims, np.where(now, own, 0.0), there)
    own_later = _given_by(claims, np.where(now, 0.0, own), there - own_now.of_pair)
    by_sku = spare.groupby("sku")["spare"].sum().reindex(claims["sku"].cat.categories).fillna(0.0)
    total = by_sku.to_numpy(dtype=np.float64) - sums_by(sku, own_now.units, n)
    kept = sums_by(sku, own_later.units, n)

    wanted = np.where(now, (lost - own) * reaches, 0.0)
    sooner = np.minimum(sums_by(sku, wanted, n), total)
    sent = wanted * _share(sooner, sums_by(sku, wanted, n))[sku]
    lent = np.maximum(sooner - (total - kept), 0.0)
    own = own - own_later.units * _share(lent, kept)[sku]
    wanted = np.where(now, 0.0, (lost - own) * reaches)
    later = np.minimum(sums_by(sku, wanted, n), np.maximum(total - kept - sooner, 0.0))
    return own, sent + wanted * _share(later, sums_by(sku, wanted, n))[sku]


class _Given(NamedTuple):
    """Units of each row that come out of what its shelf could give away, and those of all rows of a shelf."""

    units: Floats
    of_pair: Floats


def _given_by(claims: pd.DataFrame, own: Floats, there: Floats) -> _Given:
    """The part of what own stock serves that could be given away, the same share in all rows of a shelf."""
    pair = codes(claims["store"]) * len(claims["sku"].cat.categories) + codes(claims["sku"])
    served = sums_by(pair, own, int(pair.max(initial=-1)) + 1)[pair]
    share = _share(np.minimum(served, np.maximum(there, 0.0)), served)
    return _Given(own * share, served * share)


def _of_rows(claims: pd.DataFrame, spare: pd.DataFrame) -> Floats:
    """What the shelf of each row could give away."""
    table = np.zeros((len(claims["store"].cat.categories), len(claims["sku"].cat.categories)))
    row = claims["store"].cat.categories.get_indexer(pd.Index(spare["store"]))
    column = claims["sku"].cat.categories.get_indexer(pd.Index(spare["sku"]))
    used = (row >= 0) & (column >= 0)
    table[row[used], column[used]] = spare["spare"].to_numpy(dtype=np.float64)[used]
    return np.asarray(table[codes(claims["store"]), codes(claims["sku"])])


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def to_spare(reading: Reading, situation: Situation, claims: pd.DataFrame) -> pd.DataFrame:
    """What each store can give away, as `spare_units` tells it, of the skus that miss more than they hold.

    Args:
        reading: the night's rows.
        situation: its gap, stock, stores, products, phantoms, forecast and terms.
        claims: sku, lost, own: losses, and the stock that already serves them in its own store; only skus of
            which more is missed than that are looked at.

    Returns:
        store, sku, spare (units).
    """
    wanted = claims.loc[claims["lost"] > claims["own"], "sku"].astype("str").unique()
    gap = situation.gap[situation.gap["sku"].isin(wanted)]
    products = situation.products[situation.products["sku"].isin(wanted)]
    spare = spare_units(
        situation.stock[situation.stock["sku"].isin(wanted)],
        own_demand(gap, _series(situation, gap), products, as_of=situation.as_of, terms=situation.terms),
        products,
        situation.stores,
        as_of=situation.as_of,
        terms=situation.terms,
        minimums=situation.minimums,
        late_stores=list(muted_stores(situation)),
        doubted=lasting_doubts(situation.phantoms, reading.today),
    )
    return spare[["store", "sku", "spare"]]


def _series(situation: Situation, gap: pd.DataFrame) -> pd.DataFrame:
    """level_shape and dispersion of each store and sku; without a forecast, customers come as a Poisson."""
    if situation.forecast is None:
        return gap[["store", "sku"]].drop_duplicates().assign(level_shape=np.inf, dispersion=np.inf)
    return situation.forecast[["store", "sku", "level_shape", "dispersion"]].drop_duplicates(["store", "sku"])
