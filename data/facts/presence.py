"""What is known of each series' stock in each week, and what may be assumed where nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

    Codes = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

# A store that usually sells this many units a week does not pass a week without a sale: it was closed, or
# its figures are missing. Of a quieter one silence says nothing.
_BUSY_UNITS: Final = 30
# Nor is a busy one silent for longer than this at the end of its figures.
_QUIET_DAYS: Final = 3
_OF_A_WEEK_WITHOUT_RECORD: Final = dict.fromkeys(
    (
        "sold",
        "returned",
        "units",
        "days_known",
        "days_counted",
        "days_available",
        "days_stocked",
        "days_held",
    ),
    0.0,
)


@dataclass(frozen=True)
class _Chain:
    """Stores by weeks, and series by number, of n series in s stores over t weeks.

    `days` (s, t): days of the week of which the store's sales are known; `uncounted` (s, t): whether it sold
    something then and sent no count of its stock; `home` (n,): the store of each series; `has_books` (n,):
    whether the stock records of a series say something; `first` (n,): the week of its launch, t when it never
    was; `last` (n,): the last of its weeks that may have been.
    """

    days: Floats
    uncounted: Flags
    home: Codes
    has_books: Flags
    first: Codes
    last: Codes


def known_weeks(facts: pd.DataFrame, *, as_of: date) -> pd.DataFrame:
    """The weeks of each series since its launch, those without a record among them, with what is known.

    - A series without any record of stock has every week since its first sale. So has one that has sold out
      of empty books in more weeks than it has had stock on them: such books say nothing.
    - Before the first stock or sale there is no week: what has not been in the store yet is not sold out.
    - On days on which a store sent a whole count without the item, it was not there.
    - In a week in which a store sold things but sent no count, the item was there if it was before and
      after, a sale being as good as a count. Otherwise such a week is there only if it was sold in it.
    - Days count only while the store's sales are known: from its first to its last, and not in a week in
      which a busy store sold nothing at all.

    Args:
        facts: as `data.facts.weekly.weekly_facts` gives them, with `units` (net of returns).
        as_of: last business date known.

    Returns:
        The rows of `facts` and the added ones (units 0, prices and counts missing), with stock_feed (bool),
        days (of the week, whose sales are known), and days_known and days_available as they are to be read.
    """
    store, stores = pd.factorize(facts["store_id"])
    sku, skus = pd.factorize(facts["sku"])
    series, pairs = pd.factorize(store * len(skus) + sku)
    number = ((facts["week"] - facts["week"].min()).dt.days // 7).to_numpy(dtype=np.int64)
    rows = facts.assign(series=series, number=number)
    chain = _chain(rows, store, pairs // len(skus), len(stores), as_of)
    launched = number >= chain.first[series]
    rows = rows if launched.all() else rows[launched]
    rows = _with_missing(rows, chain)
    has_books = chain.has_books[rows["series"]]
    rows = rows.assign(
        stock_feed=has_books,
        days=chain.days[chain.home[rows["series"]], rows["number"]],
        days_known=np.maximum(rows["days_known"], np.where(has_books, rows["days_counted"], 0)),
    )
    return _bridged(rows, chain).drop(columns=["series", "number"])


def _chain(rows: pd.DataFrame, store: Codes, home: Codes, stores: int, as_of: date) -> _Chain:
    series, number = rows["series"].to_numpy(), rows["number"].to_numpy()
    end = (pd.Timestamp(as_of) - rows["week"].min()).days
    weeks = end // 7 + 1
    counted, sold = np.zeros((stores, weeks)), np.zeros((stores, weeks))
    np.maximum.at(counted, (store, number), np.maximum(rows["days_counted"], rows["days_known"]))
    np.add.at(sold, (store, number), rows["sold"])
    has_books = _has_books(rows, len(home))
    there = ((rows["sold"] > 0) | (rows["days_available"] > 0)).to_numpy()
    first, last = np.full(len(home), weeks), np.full(len(home), -1)
    np.minimum.at(first, series[there], number[there])
    np.maximum.at(last, series, number)
    # What nobody counts may hang there until today.
    last = np.where(has_books, last, weeks - 1)
    uncounted = (counted == 0) & (sold > 0)
    return _Chain(_days(rows, store, sold, end), uncounted, home, has_books, first, last)


def _days(rows: pd.DataFrame, store: Codes, sold: Floats, end: int) -> Floats:
    """Days of each week (s, t) of which a store's sales are known, the day `end` being the last."""
    traded = sold > 0
    busy = sold.sum(axis=1) >= _BUSY_UNITS * np.maximum(traded.sum(axis=1), 1)
    told = rows[["sold_from", "sold_to"]].groupby(store).first()
    since, until = ((told[name] - rows["week"].min()).dt.days.to_numpy(dtype=float) for name in told)
    opens = np.where(busy, since, 0.0)[:, None]
    ends = np.where(busy, np.minimum(until + _QUIET_DAYS, end), end)[:, None]
    start = np.arange(sold.shape[1]) * 7.0
    days = np.clip(np.minimum(start + 6, ends) - np.maximum(start, opens) + 1, 0, 7)
    return np.where(busy[:, None] & ~traded, 0.0, days)


def _has_books(rows: pd.DataFrame, count: int) -> Flags:
    """Whether stock records of each series exist, and can be believed (n,)."""
    series = rows["series"].to_numpy()
    named = np.bincount(series, weights=rows["days_known"], minlength=count) > 0
    stocked = (rows["days_stocked"] > 0).to_numpy()
    out_of_nothing = (rows["days_sold_empty"] > 0).to_numpy() & ~stocked
    weeks_stocked = np.bincount(series[stocked], minlength=count)
    return named & (weeks_stocked >= np.bincount(series[out_of_nothing], minlength=count))


def _with_missing(rows: pd.DataFrame, chain: _Chain) -> pd.DataFrame:
    """The rows, and one for each week of a series that no record names though it may have been there."""
    series, number = _unrecorded(chain)
    weeks = chain.days.shape[1]
    lacking = ~np.isin(series * weeks + number, rows["series"] * weeks + rows["number"])
    if not lacking.any():
        return rows
    series, number = series[lacking], number[lacking]
    place = np.full(len(chain.home), -1)
    place[rows["series"]] = np.arange(len(rows))
    start = rows["week"].iloc[0] - pd.Timedelta(days=7 * int(rows["number"].iloc[0]))
    added = rows[["store_id", "sku"]].iloc[place[series]].reset_index(drop=True)
    week = (start + pd.to_timedelta(7 * number, unit="D")).astype(rows["week"].dtype)
    added = added.assign(series=series, number=number, week=week, **_OF_A_WEEK_WITHOUT_RECORD)
    return pd.concat([rows, added], ignore_index=True)


def _unrecorded(chain: _Chain) -> tuple[Codes, Codes]:
    """Series and number of the weeks that may lack a record.

    Of a series without books these are all, of others those in which the store counted nothing.
    """
    gappy: Flags = np.logical_or.reduce(chain.uncounted, axis=1)
    concerned = ~chain.has_books | gappy[chain.home]
    of = np.flatnonzero(concerned & (chain.last >= chain.first))
    length = chain.last[of] - chain.first[of] + 1
    series = np.repeat(of, length)
    number = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length) + chain.first[series]
    home = chain.home[series]
    may_lack = np.where(chain.has_books[series], chain.uncounted[home, number], chain.days[home, number] > 0)
    return series[may_lack], number[may_lack]


def _bridged(rows: pd.DataFrame, chain: _Chain) -> pd.DataFrame:
    """Weeks in which a store counted nothing are given the stock that stood on both sides of them."""
    blank = chain.uncounted[chain.home[rows["series"]], rows["number"]] & rows["stock_feed"].to_numpy()
    if not blank.any():
        return rows
    concerned = np.flatnonzero(np.isin(rows["series"], rows["series"].to_numpy()[blank]))
    order = concerned[
        np.lexsort((rows["number"].to_numpy()[concerned], rows["series"].to_numpy()[concerned]))
    ]
    row = rows[["series", "sold", "closing", "days_available"]].iloc[order].assign(blank=blank[order])
    sold = row["sold"] > 0
    # What a week says of its end and of its beginning: 1 there, 0 not, nothing where nobody looked.
    says = sold | ~row["blank"]
    at_end = ((row["closing"] > 0) | (sold & row["blank"])).astype(float).where(says)
    at_start = ((row["days_available"] > 0) | sold).astype(float).where(says)
    before, after = at_end.groupby(row["series"]).ffill(), at_start.groupby(row["series"]).bfill()
    assumed = order[(row["blank"] & (before > 0) & (after > 0)).to_numpy()]
    known, available = rows["days_known"].to_numpy(copy=True), rows["days_available"].to_numpy(copy=True)
    known[assumed], available[assumed] = 7, 7
    return rows.assign(days_known=known, days_available=available)
