"""Turns the files of the VN2 Inventory Planning Challenge into canonical feeds: 599 real series of 67 stores.

Usage: python -m benchmarks.vn2_feeds SRC OUT [--category DepartmentGroup]

SRC holds sales.csv, in_stock.csv, master.csv and initial_state.csv; OUT receives stores.csv, products.csv,
receipts.csv, sales.csv.gz and stock.csv.gz. There is no calendar: every product sells all year.

How the files are read:

- A week is named by its Monday. The last one with sales, 2024-04-08, ends on Sunday 2024-04-14; the start
  state is that evening's: `End Inventory` is on hand, `In Transit W+1` and `W+2` arrive in the first and the
  second week after. The in-stock flags run eight weeks further: those are not history, and are left out.
- A product without any sale yet that is flagged out of stock is not launched in that store: such weeks get no
  row, while later weeks out of stock get in_stock 0. Sales of zero get no row; the stock rows say that
  the week was traded.
- The category, within which seasons are pooled, is the department group. With the smoothed season of two
  years used on the third, groups, departments and divisions explain the weekly sales equally well (Poisson
  deviance 65,919, 65,943 and 65,870; 66,031 with one season for all), but every group has at least six
  series, where 13 of the 47 divisions have one or two. `--category` chooses another level.
"""

from __future__ import annotations

import argparse
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

KEYS = ["Store", "Product"]
LEVELS = ("DepartmentGroup", "Department", "Division", "ProductGroup")
NEEDED = {
    "sales.csv": KEYS,
    "in_stock.csv": KEYS,
    "master.csv": [*KEYS, *LEVELS],
    "initial_state.csv": [*KEYS, "End Inventory", "In Transit W+1", "In Transit W+2"],
}
LEAD_TIME_DAYS = 14
FEEDS = ("stores", "products", "receipts", "sales", "stock")


class SourceError(Exception):
    """The source folder is not the VN2 data; the message says what is missing."""


def read_source(source: Path) -> dict[str, pd.DataFrame]:
    """The four files, by name, with stores and products as text.

    Raises:
        SourceError: a file or a column is missing.
    """
    missing = [name for name in NEEDED if not (source / name).is_file()]
    if missing:
        raise SourceError(f"{source} lacks {', '.join(missing)}; it must hold {', '.join(NEEDED)}")
    tables = {}
    for name, columns in NEEDED.items():
        table = pd.read_csv(source / name, dtype=dict.fromkeys(KEYS, str))
        absent = [column for column in columns if column not in table.columns]
        if absent:
            raise SourceError(f"{source / name} lacks the columns {', '.join(absent)}")
        tables[name] = table
    return tables


def make_feeds(source: Path, category: str = "DepartmentGroup") -> dict[str, pd.DataFrame]:
    """The canonical feeds by kind, made from the VN2 files in `source`.

    Args:
        source: the folder with the VN2 files.
        category: the level of the hierarchy that becomes the category, one of `LEVELS`.

    Returns:
        stores, products, receipts, sales and stock, each with the columns of its feed.

    Raises:
        SourceError: a file or a column is missing.
    """
    tables = read_source(source)
    weekly = _weekly(tables)
    return {
        "stores": _stores(tables["master.csv"]),
        "products": _products(tables["master.csv"], category),
        "receipts": _receipts(tables["initial_state.csv"], weekly["week"].max()),
        "sales": _sales(weekly),
        "stock": _stock(weekly, tables["initial_state.csv"]),
    }


def write_feeds(feeds: dict[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write the feeds as CSV, the two long ones compressed; returns the files in the order to import."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for kind in FEEDS:
        long = kind in {"sales", "stock"}
        path = folder / (f"{kind}.csv.gz" if long else f"{kind}.csv")
        compression = {"method": "gzip", "compresslevel": 1, "mtime": 0} if long else None
        feeds[kind].to_csv(path, index=False, lineterminator="\n", compression=compression)
        paths.append(path)
    return paths


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert, and print what was written and what to run next."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.vn2_feeds", description=__doc__.splitlines()[0]
    )
    parser.add_argument("source", metavar="SRC", type=Path, help="the folder with the VN2 files")
    parser.add_argument("out", metavar="OUT", type=Path, help="the folder to write the feeds to")
    parser.add_argument(
        "--category", choices=LEVELS, default=LEVELS[0], help="the level that becomes the category"
    )
    given = parser.parse_args(arguments)
    try:
        feeds = make_feeds(given.source, given.category)
    except SourceError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    paths = write_feeds(feeds, given.out)
    for path, kind in zip(paths, FEEDS, strict=True):
        print(f"{len(feeds[kind]):>8,} rows  {path}")
    last = feeds["stock"]["business_date"].max() + timedelta(days=6)
    print("\nNext:\n  export INSEASON_VAR=var/vn2 INSEASON_WEEK_STARTS_ON=monday\n  inseason init")
    for path, kind in zip(paths, FEEDS, strict=True):
        print(f"  inseason import {kind} {path}")
    print(f"  inseason nightly --as-of {last:%Y-%m-%d}")
    return 0


def _weekly(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per series and week since its launch: Store, Product, week, units, in_stock (0 or 1)."""
    sales, flags = tables["sales.csv"], tables["in_stock.csv"]
    weeks = [column for column in sales.columns if column not in KEYS]
    lacking = [week for week in weeks if week not in flags.columns]
    if lacking:
        raise SourceError(f"in_stock.csv lacks the weeks {', '.join(lacking[:3])}, which sales.csv has")
    units = sales.melt(KEYS, weeks, var_name="week", value_name="units")
    in_stock = flags.melt(KEYS, weeks, var_name="week", value_name="in_stock")
    weekly = units.merge(in_stock, on=[*KEYS, "week"], validate="one_to_one")
    weekly = weekly.assign(
        week=pd.to_datetime(weekly["week"], format="%Y-%m-%d"),
        units=weekly["units"].astype(int),
        in_stock=weekly["in_stock"].astype(int),
    ).sort_values([*KEYS, "week"], ignore_index=True)
    launched = (weekly["in_stock"] > 0) | (weekly.groupby(KEYS)["units"].cumsum() > 0)
    return weekly[launched].reset_index(drop=True)


def _stores(master: pd.DataFrame) -> pd.DataFrame:
    stores = sorted(master["Store"].unique(), key=int)
    return pd.DataFrame(
        {"store_id": stores, "name": [f"Store {number}" for number in stores], "kind": "store"}
    )


def _products(master: pd.DataFrame, category: str) -> pd.DataFrame:
    products = master.drop_duplicates("Product").sort_values("Product", key=lambda ids: ids.astype(int))
    return pd.DataFrame(
        {
            "sku": products["Product"],
            "style_id": products["Product"],
            "style_name": "Product " + products["Product"],
            "category": f"{category} " + products[category].astype(str),
            "department": products["Department"].astype(str),
            "buy_type": "replenished",
            "lead_time_days": LEAD_TIME_DAYS,
        }
    )


def _receipts(state: pd.DataFrame, last_week: pd.Timestamp) -> pd.DataFrame:
    """What is under way, expected on the Mondays of the first and the second week after the last."""
    waves = [
        pd.DataFrame(
            {
                "expected_date": last_week + timedelta(weeks=ahead),
                "store_id": state["Store"],
                "sku": state["Product"],
                "units": state[f"In Transit W+{ahead}"],
                "received_date": None,
                "order_number": f"W+{ahead}",
            }
        )
        for ahead in (1, 2)
    ]
    receipts = pd.concat(waves, ignore_index=True)
    return receipts[receipts["units"] > 0].reset_index(drop=True)


def _sales(weekly: pd.DataFrame) -> pd.DataFrame:
    sold = weekly[weekly["units"] != 0]
    return _keyed(sold).assign(units=sold["units"], period="week")


def _stock(weekly: pd.DataFrame, state: pd.DataFrame) -> pd.DataFrame:
    """In-stock shares of every week, and in the last one also the counts of the start state."""
    counts = state.set_index(KEYS)
    counts["on_way"] = counts["In Transit W+1"] + counts["In Transit W+2"]
    counted = weekly.join(counts[["End Inventory", "on_way"]].astype("Int64"), on=KEYS)
    last = counted["week"] == counted["week"].max()
    return _keyed(weekly).assign(
        on_hand=counted["End Inventory"].where(last),
        in_transit=counted["on_way"].where(last),
        in_stock=weekly["in_stock"],
        period="week",
    )


def _keyed(weekly: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {"business_date": weekly["week"], "store_id": weekly["Store"], "sku": weekly["Product"]}
    )


if __name__ == "__main__":
    raise SystemExit(main())
