"""Sales as they happen, day by day: customers take what hangs there, take another thing, or leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.worlds.customers import SIZES, STORES, STYLES, series_store
from benchmarks.worlds.trade import phantom_days

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.worlds.customers import Customers
    from benchmarks.worlds.trade import Floor, World

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]
    Flags = NDArray[np.bool_]

PRESENTATION_MINIMUM: Final = 2
_SHELF = (STORES, STYLES, SIZES)
_SEEN_WHEN_SPARSE = 0.85
"""Share of customers who notice what hangs on a rail that is all but empty; the others do not ask for it."""


@dataclass(frozen=True)
class Days:
    """What the shops' systems know of every day, (days, n).

    Attributes:
        sold: units.
        books: on hand at close, by the books.
        asked: units asked for, not found, and written down.
        price: price paid over regular price, of what hung there.
        hidden: the truth about phantom stock; no system knows it.
    """

    sold: Counts
    books: Counts
    asked: Counts
    price: Floats
    hidden: Flags


@dataclass(frozen=True)
class _Habits:
    """How customers of a category behave, drawn for each seed.

    `captured` is the share of the disappointed who are written down, `switches` the share of them who take
    another style of their size if one hangs there, `keen` (styles,) and `indifferent` the two kinds of
    customers a price meets.
    """

    captured: float
    switches: float
    indifferent: float
    keen: Floats

    @classmethod
    def draw(cls, rng: np.random.Generator) -> _Habits:
        keen = rng.uniform(1.8, 3.4) + rng.normal(0, 0.3, STYLES)
        return cls(rng.uniform(0.06, 0.22), rng.uniform(0.15, 0.4), rng.uniform(0.35, 0.65), keen)

    def more_customers(self, price: Floats) -> Floats:
        """Customers at a price over those at the regular price, (days, stores, styles)."""
        return np.asarray(self.indifferent + (1 - self.indifferent) * price**-self.keen, dtype=np.float64)


def trade_days(world: World, customers: Customers, floor: Floor) -> Days:
    """Run the history of one category in one world."""
    habits = _Habits.draw(np.random.default_rng([customers.seed, 5, customers.number]))
    rng = np.random.default_rng([customers.seed, 6, customers.number])
    bargain = np.repeat(habits.more_customers(floor.price) - 1, SIZES, axis=2).reshape(customers.rate.shape)
    shown = np.repeat(floor.open | floor.rail, STYLES * SIZES, axis=1)
    extra = rng.poisson(np.where(shown, customers.rate * np.maximum(bargain, 0.0), 0.0))
    hidden = phantom_days(world, customers, floor)
    orders = _Orders.draw(rng, world, customers, floor)
    captured = np.clip(habits.captured * customers.shops.asking, 0, 1)[series_store()].reshape(_SHELF)
    on_hand = np.zeros(_SHELF, dtype=np.int64)
    sold, books, asked = (np.zeros(customers.wanted.shape, dtype=np.int64) for _ in range(3))
    for day in range(len(customers.days)):
        empty = hidden[day].reshape(_SHELF)
        on_hand = orders.delivered(day, on_hand, empty, rng)
        hangs = floor.open[day] | floor.rail[day]
        if not floor.open[day].all():
            on_hand = np.where(_packed_away(floor, day)[:, None, None], 0, on_hand)
        buyable = np.where(empty | ~hangs[:, None, None], 0, on_hand)
        came = customers.wanted[day].reshape(_SHELF), extra[day].reshape(_SHELF)
        taken, missed = _serve(rng, *came, buyable)
        switched = _switch(rng, rng.binomial(missed, habits.switches), buyable - taken)
        on_hand = on_hand - taken - switched
        sold[day] = (taken + switched).ravel()
        asked[day] = rng.binomial(missed, captured).ravel()
        # The books of an empty shelf show what is not there.
        books[day] = np.where(empty & hangs[:, None, None], np.maximum(on_hand, 1), on_hand).ravel()
    price = np.repeat(floor.price, SIZES, axis=2).reshape(sold.shape)
    return Days(sold, books, asked, price, hidden)


@dataclass(frozen=True)
class _Orders:
    """Deliveries up to `target` units, on the days and of the series that `comes` tells, both (days, n).

    A buyer expects normal weather and is never quite right; the warehouse is sometimes out.
    """

    target: Floats
    comes: Flags

    @classmethod
    def draw(cls, rng: np.random.Generator, world: World, customers: Customers, floor: Floor) -> _Orders:
        days, series = customers.planned.shape
        # What is ordered on a day is for the seven that begin with it; the last week's tail repeats itself.
        ahead = np.vstack([customers.planned, np.repeat(customers.planned[-7:-6], 7, axis=0)])
        total = np.vstack([np.zeros(series), np.cumsum(ahead, axis=0)])
        week_ahead = total[7 : days + 7] - total[:days]
        years = np.arange(days) // 365
        shape = (years[-1] + 1, STORES, STYLES * SIZES)
        wrong = rng.lognormal(-0.04, 0.25, shape) * rng.lognormal(0, 0.12, (shape[0], 1, shape[2]))
        wrong = wrong.reshape(shape[0], series)
        times = np.repeat(floor.delivered, STYLES * SIZES, axis=1)
        target = np.maximum(world.cover * times * week_ahead * wrong[years], world.presented)
        out = np.repeat(_outages(rng, days // 7), 7, axis=0)
        comes = (times > 0) & ~np.tile(out, STORES)
        return cls(target, comes)

    def delivered(self, day: int, on_hand: Counts, empty: Flags, rng: np.random.Generator) -> Counts:
        """Stock after the day's deliveries; nobody orders for a shelf that the books show full."""
        comes = self.comes[day].reshape(_SHELF) & ~empty
        if not comes.any():
            return on_hand
        short = np.maximum(self.target[day].reshape(_SHELF) - on_hand, 0.0)
        return on_hand + np.where(comes, np.floor(short + rng.random(_SHELF)), 0).astype(np.int64)


def _outages(rng: np.random.Generator, weeks: int) -> Flags:
    """Weeks in which the warehouse is out of a sku, (weeks, styles x sizes): now and then, two to five."""
    out = np.zeros((weeks, STYLES * SIZES), dtype=bool)
    for sku in range(STYLES * SIZES):
        for start in rng.integers(0, weeks, size=3):
            out[start : start + rng.integers(2, 6), sku] = True
    return out


def _packed_away(floor: Floor, day: int) -> Flags:
    """Stores in which the rail has just gone, (stores,)."""
    if day == 0:
        return np.zeros(STORES, dtype=bool)
    hung = floor.open[day - 1] | floor.rail[day - 1]
    return np.asarray(hung & ~(floor.open[day] | floor.rail[day]))


def _serve(rng: np.random.Generator, wanted: Counts, extra: Counts, buyable: Counts) -> tuple[Counts, Counts]:
    """Units taken, and units that customers at regular price looked for and did not find."""
    if not buyable.any():
        return np.zeros_like(wanted), wanted
    came = wanted + extra
    full = np.minimum(1.0, buyable.sum(axis=2) / (PRESENTATION_MINIMUM * SIZES))[:, :, None]
    notice = _SEEN_WHEN_SPARSE + (1 - _SEEN_WHEN_SPARSE) * np.broadcast_to(full, came.shape)
    seen = rng.binomial(came, notice)
    taken = np.minimum(seen, buyable)
    # Bargain hunters who find nothing leave without a word: theirs was not demand at regular price.
    shares = np.divide(wanted, came, out=np.zeros(came.shape), where=came > 0)
    return taken, np.where(buyable > 0, rng.binomial(seen - taken, shares), wanted)


def _switch(rng: np.random.Generator, looking: Counts, left: Counts) -> Counts:
    """Units of other styles, in their size, taken by those who look for one."""
    taken = np.zeros_like(left)
    if not left.any():
        return taken
    rest = looking.sum(axis=1)
    draw = left.astype(np.float64)
    for style in range(STYLES):
        ahead = draw[:, style:].sum(axis=1)
        odds = np.divide(draw[:, style], ahead, out=np.zeros_like(ahead), where=ahead > 0)
        choose = rng.binomial(rest, odds)
        taken[:, style] = np.minimum(choose, left[:, style])
        rest = rest - choose
    return taken
