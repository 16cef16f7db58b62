"""Writes what the demo retailer would export: the canonical feeds, and the true demand apart from them."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from jobs.demo import world
from jobs.demo.assortment import Assortment, make_assortment, products_feed
from jobs.demo.buying import OrderBook, Spells, place_season_orders, plan_spells
from jobs.demo.customers import Cells, Wishes, range_styles, true_demand, wish
from jobs.demo.floor import Day, Ledger, ShopFloor
from jobs.demo.reserve import CENTRE, reserve_feed
from jobs.demo.trade import calendar_feed, markdowns_feed, season_years

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from jobs.demo.world import Stores, Timeline

CENTS = 100
TEXT_SHARE, STYLE_SHARE = 0.3, 0.35  # how wishes are written down; the rest by sku
SOURCES = ("asked", "asked", "asked", "asked", "phone", "search")
WORDINGS = ("{what}, {size}", "do you have {what} in {size}?", "looking for {what}, {size}", "{what} {size}?")
PEOPLE = {"men": "men's ", "women": "women's ", "kids": "kids' ", "adult": ""}
COMPRESSION = 1  # the files are read once; a higher level costs seconds and saves little


@dataclass(frozen=True)
class DemoSummary:
    """What was written: the clock of the demo, and rows by feed; `truth` counts rows of the true demand."""

    folder: Path
    truth: Path
    today: date
    first_business_date: date
    last_business_date: date
    rows: dict[str, int]


@dataclass(frozen=True)
class Demo:
    """Everything that was generated, before it is written."""

    timeline: Timeline
    normals: NDArray[np.float64]
    stores: Stores
    assortment: Assortment
    cells: Cells
    wishes: Wishes
    spells: Spells
    orders: OrderBook
    ledger: Ledger


def write_feeds(folder: Path, truth: Path, *, seed: int, today: date, years: int = 3) -> DemoSummary:
    """Generate the demo retailer and write its feeds.

    Args:
        folder: where stores.csv, products.csv, calendar.csv, markdowns.csv, ranging.csv, receipts.csv,
            requests.csv, climate.csv, sales.csv.gz and stock.csv.gz are written; made if it is missing.
        truth: the file (gzip when it ends in .gz) for the true demand: store_id, sku, week (its first day, a
            Sunday), demand (mean units at regular price with everything on the shelf), until a year after
            `today`. For scoring only: it must lie outside `folder`.
        seed: the same seed, date and years give the same bytes.
        today: the demo's clock; sales and stock end the day before.
        years: how many years of sales and stock, at least one.

    Returns:
        The dates covered and the rows written.

    Raises:
        ValueError: `truth` lies inside `folder`, or `years` is less than one.
    """
    if truth.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"the true demand must not lie among the feeds: {truth} is inside {folder}")
    if years < 1:
        raise ValueError(f"years must be at least 1, not {years}")
    rng = np.random.default_rng(seed)
    demo = _generate(rng, world.Timeline.around(today, years))
    feeds = _tables(demo, rng)
    wanted = true_demand(demo.wishes, demo.cells, demo.stores, demo.assortment, demo.timeline)
    folder.mkdir(parents=True, exist_ok=True)
    truth.parent.mkdir(parents=True, exist_ok=True)
    for name, table in feeds.items():
        _write(table, folder / name)
    _write(wanted, truth)
    rows = {name.split(".")[0]: len(table) for name, table in feeds.items()} | {"truth": len(wanted)}
    return DemoSummary(folder, truth, today, demo.timeline.opens, today - timedelta(days=1), rows)


def _generate(rng: np.random.Generator, timeline: Timeline) -> Demo:
    normals = world.read_normals()
    stores = world.open_stores(rng)
    assortment = make_assortment(rng, season_years(timeline))
    cells = range_styles(rng, stores, assortment, timeline)
    wishes = wish(rng, stores, timeline, normals)
    spells = plan_spells(rng, cells, assortment, stores, timeline)
    orders = place_season_orders(rng, spells, cells, assortment, stores, wishes, timeline)
    prices = np.array([style.regular_price for style in assortment.styles])[cells.style]
    cents = np.rint(prices * CENTS).astype(np.int64)
    basic = assortment.is_basic[cells.style]
    ledger = ShopFloor(rng, cells, wishes, spells, orders, cents, basic, timeline).trade()
    return Demo(timeline, normals, stores, assortment, cells, wishes, spells, orders, ledger)


def _tables(demo: Demo, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Every feed by the name of its file."""
    return {
        "stores.csv": _stores(demo),
        "products.csv": products_feed(demo.assortment),
        "calendar.csv": calendar_feed(demo.timeline),
        "markdowns.csv": markdowns_feed(demo.timeline),
        "ranging.csv": _ranging(demo),
        "climate.csv": world.climate_feed(demo.stores, demo.normals),
        "receipts.csv": _receipts(demo),
        "requests.csv": _requests(demo, rng),
        "sales.csv.gz": _sales(demo),
        "stock.csv.gz": _stock(demo),
    }


def _stores(demo: Demo) -> pd.DataFrame:
    """The stores, and the distribution centre that serves them."""
    centre = pd.DataFrame([CENTRE], columns=demo.stores.feed.columns, dtype=object)
    return pd.concat([demo.stores.feed.astype(object), centre], ignore_index=True)


def _stock(demo: Demo) -> pd.DataFrame:
    frame = _published(demo, demo.ledger.stock, ("on_hand", "in_transit", "on_order"))
    reserve = reserve_feed(demo.spells, demo.orders, demo.cells, demo.assortment, demo.timeline)
    both = pd.concat([frame, reserve.assign(in_transit=0, on_order=0)], ignore_index=True)
    return both.assign(in_stock=None, period="day")


def _sales(demo: Demo) -> pd.DataFrame:
    frame = _published(demo, demo.ledger.sales, ("units", "cents"))
    frame["unit_price"] = frame.pop("cents") / CENTS
    return frame.assign(fulfilled_by=None, period="day")


def _published(demo: Demo, days: list[Day], names: tuple[str, ...]) -> pd.DataFrame:
    """The published days of a ledger as a frame: business_date, store_id, sku and the named columns."""
    opens = demo.timeline.day(demo.timeline.opens)
    kept = [entry for entry in days if entry.day >= opens and len(entry.cells)]
    cell = np.concatenate([entry.cells for entry in kept])
    day = np.repeat([entry.day for entry in kept], [len(entry.cells) for entry in kept])
    frame = pd.DataFrame({"business_date": demo.timeline.dates[day]} | _keys(demo, cell))
    for place, name in enumerate(names):
        frame[name] = np.concatenate([entry.columns[place] for entry in kept])
    return frame


def _keys(demo: Demo, cell: NDArray[np.int64]) -> dict[str, Any]:
    """Store and sku of cells, as categoricals: a million strings are slow."""
    stores, skus = pd.Index(demo.stores.ids, dtype=object), pd.Index(demo.assortment.sku_ids, dtype=object)
    return {
        "store_id": pd.Categorical.from_codes(demo.cells.store[cell], categories=stores),
        "sku": pd.Categorical.from_codes(demo.cells.sku[cell], categories=skus),
    }


def _receipts(demo: Demo) -> pd.DataFrame:
    """Deliveries expected since the first published day; one still to come has no received_date."""
    lines = pd.concat(demo.orders.lines, ignore_index=True)
    timeline = demo.timeline
    opens = timeline.day(timeline.opens)
    lines = lines[(lines["received"] >= opens) & (lines["ordered"] < timeline.traded_days)]
    cell = lines["cell"].to_numpy()
    first = np.datetime64(timeline.first)
    numbers = lines.assign(store=demo.cells.store[cell]).groupby(["ordered", "store", "expected"]).ngroup()
    frame = pd.DataFrame(
        {
            "expected_date": first + lines["expected"].to_numpy(),
            **_keys(demo, cell),
            "units": lines["units"].to_numpy(),
            "received_date": first + lines["received"].to_numpy(),
            "order_number": ("PO-" + (400000 + numbers).astype(str)).to_numpy(),
        }
    )
    frame["received_date"] = frame["received_date"].where(
        frame["received_date"] < np.datetime64(timeline.today)
    )
    return frame.sort_values(["expected_date", "order_number", "sku"], kind="stable", ignore_index=True)


def _ranging(demo: Demo) -> pd.DataFrame:
    """Which store carries which style, from when to when (open for basics)."""
    cells = demo.cells
    pairs = pd.DataFrame(
        {"store": cells.store, "style": cells.style, "born": cells.born, "gone": cells.gone}
    ).drop_duplicates(["store", "style"], ignore_index=True)
    style = pairs["style"].to_numpy()
    first = np.datetime64(demo.timeline.first)
    basic = demo.assortment.is_basic[style]
    return pd.DataFrame(
        {
            "store_id": demo.stores.ids[pairs["store"].to_numpy()],
            "style_id": [demo.assortment.styles[number].style_id for number in style],
            "from": pd.Series(first + pairs["born"].to_numpy()).mask(basic),
            "to": pd.Series(first + pairs["gone"].to_numpy()).mask(basic),
            "presentation_minimum": np.where(basic, 2, 1),
        }
    )


def _requests(demo: Demo, rng: np.random.Generator) -> pd.DataFrame:
    """Wishes written down: by sku, by style and size, or in words."""
    wishes = _published(demo, demo.ledger.wishes, ("units", "on_floor"))
    count = len(wishes)
    products = products_feed(demo.assortment).set_index("sku").loc[wishes["sku"].astype(object)]
    # Nobody reads out the id of a thing that hangs nowhere: those wishes are words or a style more often.
    chance = rng.random(count) * np.where(wishes["on_floor"], 1.0, 0.8)
    words, style = chance < TEXT_SHARE, (chance >= TEXT_SHARE) & (chance < TEXT_SHARE + STYLE_SHARE)
    size = products["size"].reset_index(drop=True)
    return pd.DataFrame(
        {
            "requested_at": _moments(demo, wishes, rng.integers(10 * 60, 20 * 60, count)),
            "store_id": wishes["store_id"].astype(object),
            "sku": wishes["sku"].astype(object).mask(words | style),
            "style_id": products["style_id"].reset_index(drop=True).where(style),
            "size": size.where(style),
            "text": _wording(products, rng.integers(0, len(WORDINGS), count)).where(words),
            "units": wishes["units"],
            "source": rng.choice(SOURCES, count),
        }
    )


def _moments(demo: Demo, wishes: pd.DataFrame, minutes: NDArray[np.int64]) -> list[str]:
    """ISO instants with each store's offset, `minutes` after its midnight."""
    zones = dict(zip(demo.stores.ids, (ZoneInfo(name) for name in demo.stores.feed["timezone"]), strict=True))
    return [
        datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zones[store]).isoformat()
        for day, store, minute in zip(
            wishes["business_date"].dt.date, wishes["store_id"], minutes.tolist(), strict=True
        )
    ]


def _wording(products: pd.DataFrame, choice: NDArray[np.int64]) -> pd.Series[str]:
    """A wish in a customer's words."""
    what = products["gender_age"].map(PEOPLE).add(products["category"]).to_numpy(dtype=object)
    sized = products["size"].map(lambda size: "any color" if size == "one size" else f"size {size}")
    sentences = [
        WORDINGS[which].format(what=thing, size=size)
        for which, thing, size in zip(choice, what, sized, strict=True)
    ]
    return pd.Series(sentences, dtype=object)


def _write(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as CSV, compressed when the name ends in .gz; the same frame gives the same bytes."""
    if path.suffix != ".gz":
        frame.to_csv(path, index=False, lineterminator="\n")
        return
    table = pa.Table.from_pandas(_dated(frame), preserve_index=False)
    sink = pa.BufferOutputStream()
    options = arrow_csv.WriteOptions(include_header=False, quoting_style="none")
    arrow_csv.write_csv(table, sink, options)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", COMPRESSION, raw, mtime=0) as stream:
        stream.write((",".join(frame.columns) + "\n").encode())
        stream.write(sink.getvalue())


def _dated(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its instants as plain dates, which Arrow writes without a time of day."""
    dated = frame.select_dtypes("datetime").columns
    return frame.astype(dict.fromkeys(dated, pd.ArrowDtype(pa.date32())))
