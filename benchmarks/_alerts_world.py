"""The demo retailer's files as they come in, week by week, with the faults that are put into them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from jobs.demo import write_feeds
from jobs.demo.reserve import CENTRE
from jobs.demo.trade import KNOWN_AHEAD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST_NIGHT: Final = date(2025, 4, 5)
"""A Saturday in the quiet weeks: the winter is cleared, and nothing of the summer leaves for three months."""

WEEKS: Final = 52
_YEARS: Final = 4
# The last alerts of the year are judged by what came after it.
_LAST_DAY: Final = FIRST_NIGHT + timedelta(weeks=WEEKS + 27)

_OUTAGE_DAYS: Final = 20
_OUTAGES: Final = 4
_OUTAGES_FROM: Final = 5
_PHANTOMS: Final = 40
_PHANTOM_WEEKS: Final = 10
# A shelf that sells this much a week: without a sale for weeks, somebody standing before it would wonder.
_PHANTOM_DEMAND: Final = 2.0
_PHANTOM_LEFT_WEEKS: Final = 4
_WISH_WEEKS: Final = 10
WISHES: Final = (
    "rash guard for toddlers", "hiking poles", "picnic blanket", "water shoes", "swim goggles",
    "beach umbrella", "baby sun hat", "yoga mat",
)  # fmt: skip
"""Things that the chain has never carried and that customers ask for, for some weeks, in several stores."""

STRAY_WISHES: Final = (
    "phone charger", "gift card", "coffee", "dog leash", "sewing kit", "map of the city", "postcards",
    "batteries", "chewing gum", "lighter", "newspaper", "umbrella stand", "piano", "flower pot",
)  # fmt: skip
"""Things that somebody asked for once."""

_WISHES_A_WEEK: Final = 4
_DAY: Final = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Faults:
    """What was put into the files, known to the judge only.

    outages: store_id, first, last: days of which a store's sales and stock never came.
    phantoms: store_id, sku, first, last: days on which a shelf was empty while the books went on showing
    the stock of the evening before.
    wishes: words, store_id, day: things asked for that nobody carries.
    """

    outages: pd.DataFrame
    phantoms: pd.DataFrame
    wishes: pd.DataFrame


@dataclass(frozen=True)
class World:
    """A retailer whose year is played: all of its files, what its customers wanted, and its faults.

    feeds: the frames of the feeds by kind, with the faults in them.
    demand: store_id, sku, week (first day, a Sunday), demand: mean units wanted at regular price.
    real_sales, real_stock: the feeds as they were before the faults.
    """

    feeds: dict[str, pd.DataFrame]
    demand: pd.DataFrame
    real_sales: pd.DataFrame
    real_stock: pd.DataFrame
    faults: Faults

    @property
    def last_day(self) -> date:
        """Last traded day of the files."""
        return _LAST_DAY - timedelta(days=1)

    def files(self, after: date | None, until: date) -> Iterator[tuple[str, pd.DataFrame]]:
        """What comes in after one evening and by another, in the order in which files are read.

        The first delivery (`after` None) holds the history too. Products, ranging, calendar and markdowns of
        a season come when it is bought; a receipt when it is ordered: its expected day less the lead time.
        """
        for kind, frame in self.feeds.items():
            known = _known_on(kind, frame)
            fresh = known <= pd.Timestamp(until)
            if after is not None:
                fresh &= known > pd.Timestamp(after)
            if kind in _COVERED and after is not None:
                fresh = _with_same_cover(frame, fresh, known <= pd.Timestamp(until), _COVERED[kind])
            if fresh.any():
                yield kind, frame[fresh].drop(columns=_KNOWN, errors="ignore")


_KNOWN: Final = "known_on"
# A file replaces all rows of what it covers, so what was told of that before is told again.
_COVERED: Final = {
    "receipts": ["expected_date", "store_id"],
    "calendar": ["category", "season_code"],
    "markdowns": ["category", "season_code"],
}
_ORDER: Final = (
    "stores", "products", "calendar", "markdowns", "ranging", "climate", "receipts", "sales", "stock",
    "requests",
)  # fmt: skip


def make_world(folder: Path, seed: int) -> World:
    """Generate the retailer into a folder and read it back, with the faults of that seed."""
    write_feeds(folder / "feeds", folder / "demand.csv.gz", seed=seed, today=_LAST_DAY, years=_YEARS)
    feeds = {kind: _read(folder / "feeds", kind) for kind in _ORDER}
    demand = pd.read_csv(folder / "demand.csv.gz", parse_dates=["week"], dtype={"store_id": str, "sku": str})
    rng = np.random.default_rng([seed, 7])
    real_sales, real_stock = feeds["sales"], feeds["stock"]
    faults = _draw_faults(rng, feeds, demand)
    feeds["sales"], feeds["stock"] = _with_faults(real_sales, real_stock, faults)
    feeds["requests"] = _with_wishes(feeds["requests"], faults.wishes)
    return World(_dated(feeds), demand, real_sales, real_stock, faults)


def _read(folder: Path, kind: str) -> pd.DataFrame:
    [path] = folder.glob(f"{kind}.csv*")
    days = {"sales": ["business_date"], "stock": ["business_date"], "receipts": ["expected_date"]}
    names = dict.fromkeys(("store_id", "sku", "style_id", "season_code", "size"), "str")
    return pd.read_csv(path, parse_dates=days.get(kind, []), dtype=names, keep_default_na=False, na_values="")


def _dated(feeds: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The feeds with the day on which each row became known where the row does not say it itself."""
    products, calendar = feeds["products"], feeds["calendar"]
    opens = pd.to_datetime(calendar["floor_set"]).groupby(calendar["season_code"]).min()
    bought = opens - pd.Timedelta(KNOWN_AHEAD)
    style = products.drop_duplicates("style_id").set_index("style_id")["season_code"]
    lead = products.set_index("sku")["lead_time_days"]
    receipts = feeds["receipts"]
    ordered = receipts["expected_date"] - pd.to_timedelta(receipts["sku"].map(lead), unit="D")
    season_of = {
        "products": products["season_code"],
        "calendar": calendar["season_code"],
        "markdowns": feeds["markdowns"]["season_code"],
        "ranging": feeds["ranging"]["style_id"].map(style),
    }
    known = {kind: season.map(bought).fillna(pd.Timestamp(0)) for kind, season in season_of.items()}
    # Nobody names a product before there is one.
    there = receipts["sku"].map(pd.Series(known["products"].to_numpy(), index=products["sku"]))
    known["receipts"] = ordered.where(ordered > there, there)
    dated = {kind: feeds[kind].assign(**{_KNOWN: day.to_numpy()}) for kind, day in known.items()}
    # Only what is bought is played: drafts are read by their own command.
    dated["calendar"] = dated["calendar"].assign(status="current")
    return feeds | dated


def _known_on(kind: str, frame: pd.DataFrame) -> pd.Series:
    if _KNOWN in frame:
        return frame[_KNOWN]
    if kind in ("sales", "stock"):
        return frame["business_date"]
    if kind == "requests":
        return pd.to_datetime(frame["requested_at"].str[:10])
    return pd.Series(pd.Timestamp(0), index=frame.index)


def _with_same_cover(frame: pd.DataFrame, fresh: pd.Series, known: pd.Series, cover: list[str]) -> pd.Series:
    touched = pd.MultiIndex.from_frame(frame.loc[fresh, cover].drop_duplicates())
    return known & pd.Series(pd.MultiIndex.from_frame(frame[cover]).isin(touched), index=frame.index)


def _draw_faults(rng: np.random.Generator, feeds: dict[str, pd.DataFrame], demand: pd.DataFrame) -> Faults:
    selling = np.array(sorted(set(feeds["stores"]["store_id"]) - {CENTRE["store_id"]}))
    silent = rng.choice(selling, _OUTAGES, replace=False)
    weeks = rng.choice(np.arange(_OUTAGES_FROM, WEEKS - _OUTAGES_FROM), _OUTAGES, replace=False)
    first = pd.Timestamp(FIRST_NIGHT) + pd.to_timedelta(weeks * 7 + rng.integers(1, 8, _OUTAGES), unit="D")
    outages = pd.DataFrame({"store_id": silent, "first": first, "last": first + (_OUTAGE_DAYS - 1) * _DAY})
    return Faults(outages, _draw_phantoms(rng, feeds, demand, set(silent)), _draw_wishes(rng, selling))


def _draw_phantoms(
    rng: np.random.Generator, feeds: dict[str, pd.DataFrame], demand: pd.DataFrame, silent: set[str]
) -> pd.DataFrame:
    """Shelves in season with stock on the books, in stores whose figures come, drawn anew for each month."""
    stock = feeds["stock"]
    chosen: list[tuple[str, str, pd.Timestamp, pd.Timestamp]] = []
    months = range(2, WEEKS - 4, 4)
    each = np.bincount(rng.integers(0, len(months), _PHANTOMS), minlength=len(months))
    for number, start in zip(each, months, strict=True):
        first = pd.Timestamp(FIRST_NIGHT) + pd.Timedelta(weeks=start, days=int(rng.integers(1, 8)))
        there = stock[(stock["business_date"] == first - _DAY) & (stock["on_hand"] >= 1)]
        later = stock.loc[
            stock["business_date"] == first + 7 * _PHANTOM_LEFT_WEEKS * _DAY, ["store_id", "sku"]
        ]
        wanted = demand[demand["week"].between(first, first + 7 * _PHANTOM_LEFT_WEEKS * _DAY)]
        rate = wanted.groupby(["store_id", "sku"])["demand"].mean()
        busy = rate[rate >= _PHANTOM_DEMAND].reset_index()
        shelves = there.merge(later, on=["store_id", "sku"]).merge(busy, on=["store_id", "sku"])
        shelves = shelves[~shelves["store_id"].isin({*silent, CENTRE["store_id"]})]
        taken = {(store, sku) for store, sku, _, _ in chosen}
        free = [pair for pair in zip(shelves["store_id"], shelves["sku"], strict=True) if pair not in taken]
        last = first + (7 * _PHANTOM_WEEKS - 1) * _DAY
        chosen += [(*free[place], first, last) for place in rng.permutation(len(free))[:number]]
    return pd.DataFrame(chosen, columns=["store_id", "sku", "first", "last"])


def _draw_wishes(rng: np.random.Generator, stores: np.ndarray) -> pd.DataFrame:
    rows = []
    for words in WISHES:
        start = int(rng.integers(4, WEEKS - _WISH_WEEKS - 4))
        where = rng.choice(stores, 5, replace=False)
        count = _WISHES_A_WEEK * _WISH_WEEKS
        day = pd.Timestamp(FIRST_NIGHT) + pd.to_timedelta(
            7 * start + rng.integers(0, 7 * _WISH_WEEKS, count), unit="D"
        )
        rows.append(pd.DataFrame({"words": words, "store_id": rng.choice(where, count), "day": day}))
    stray = pd.Timestamp(FIRST_NIGHT) + pd.to_timedelta(
        rng.integers(0, 7 * WEEKS, len(STRAY_WISHES)), unit="D"
    )
    rows.append(
        pd.DataFrame({"words": STRAY_WISHES, "store_id": rng.choice(stores, len(STRAY_WISHES)), "day": stray})
    )
    return pd.concat(rows, ignore_index=True)


def _with_faults(
    sales: pd.DataFrame, stock: pd.DataFrame, faults: Faults
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sales and stock as the retailer's systems would tell them."""
    for store, first, last in faults.outages.itertuples(index=False, name=None):
        sales, stock = (
            frame[(frame["store_id"] != store) | ~frame["business_date"].between(first, last)]
            for frame in (sales, stock)
        )
    spells = faults.phantoms
    sold = _spell_of(sales, spells)
    frozen = _spell_of(stock, spells)
    before = spells.assign(business_date=spells["first"] - _DAY).merge(
        stock[["business_date", "store_id", "sku", "on_hand"]], on=["business_date", "store_id", "sku"]
    )
    shown = before.set_index(["store_id", "sku"])["on_hand"]
    keys = pd.MultiIndex.from_frame(stock.loc[frozen, ["store_id", "sku"]])
    on_hand = stock["on_hand"].astype("float64")
    on_hand[frozen] = shown.reindex(keys).to_numpy()
    return sales[~sold].reset_index(drop=True), stock.assign(on_hand=on_hand).reset_index(drop=True)


def _spell_of(frame: pd.DataFrame, spells: pd.DataFrame) -> pd.Series:
    """Whether each row of daily facts lies in one of the spells of its store and sku."""
    place = pd.MultiIndex.from_frame(spells[["store_id", "sku"]]).get_indexer(
        pd.MultiIndex.from_frame(frame[["store_id", "sku"]])
    )
    first, last = (np.append(spells[name].to_numpy(), np.datetime64("NaT")) for name in ("first", "last"))
    day = frame["business_date"].to_numpy()
    return pd.Series((place >= 0) & (day >= first[place]) & (day <= last[place]), index=frame.index)


def _with_wishes(requests: pd.DataFrame, wishes: pd.DataFrame) -> pd.DataFrame:
    asked = pd.DataFrame(
        {
            "requested_at": wishes["day"].dt.strftime("%Y-%m-%dT12:00"),
            "store_id": wishes["store_id"],
            "text": wishes["words"],
            "units": 1,
            "source": "asked",
        }
    )
    return pd.concat([requests, asked], ignore_index=True)
