"""How well demand by week is told from a real feed in which goods come back without naming their sale.

Usage: python -m benchmarks.returns --data DIR [--json]

DIR holds transactions.csv.gz, the order lines of UCI's Online Retail (a year, one seller, 3,900 skus). Its
customers are known for 98% of what came back, so that most returns can be led back to an order of the same
customer: that is the truth. The methods see sku, day, units and price only. Each tells the units that stayed
sold by sku and week:

- gross: what was sold, returns left out.
- netted: less what came back in the same week, not below zero.
- inseason: as the night reads such a feed (`data.facts.weekly`, `forecaster.returns`).
- inseason_receipts: the same where each return that can be led back names its day of sale.

Columns: skus (the half that the window was chosen on, or the half never looked at), method, wape (units by
sku and week against the truth), bias (sum over sum of the truth, less 1), emptied (weeks with true demand
told as none), seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from benchmarks.table import print_table
from data.facts import TABLES, Snapshot
from data.facts.store import write_rows
from data.facts.weekly import weekly_facts
from data.settings import Weekday
from forecaster.returns import net_of_returns

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = ("skus", "method", "wape", "bias", "emptied", "seconds")
FIRST_WEEK, AS_OF = date(2010, 11, 28), date(2011, 12, 9)
START = pd.Timestamp(FIRST_WEEK)


def read_lines(source: Path) -> pd.DataFrame:
    """Order lines with a price, of goods: customer, sku, day, at (instant), units, price; in their order."""
    raw = pd.read_csv(source / "transactions.csv.gz", dtype={"InvoiceNo": str, "StockCode": str})
    at = pd.to_datetime(raw["InvoiceDate"])
    lines = pd.DataFrame(
        {
            "customer": raw["CustomerID"],
            "sku": raw["StockCode"].str.upper(),
            "day": at.dt.normalize(),
            "at": at,
            "units": raw["Quantity"],
            "price": raw["UnitPrice"],
        }
    )
    goods = lines["sku"].str.match(r"[0-9]{5}") & (lines["price"] > 0)
    return lines[goods].sort_values("at", kind="stable", ignore_index=True)


def lead_back(lines: pd.DataFrame) -> pd.DataFrame:
    """Returns led back to earlier orders of the same customer and sku: returned, sold (lines), units.

    To the newest order of the same number at the same price, else to the newest with anything left.
    """
    open_orders: dict[tuple[float, str], list[list[float]]] = defaultdict(list)
    found = []
    known = lines[lines["customer"].notna()]
    columns = ["customer", "sku", "units", "price"]
    for line, customer, sku, units, price in known[columns].itertuples(name=None):
        orders = open_orders[customer, sku]
        if units > 0:
            orders.append([line, units, price])
            continue
        newest = orders[::-1]
        same = [order for order in newest if order[1:] == [-units, price]][:1]
        left = -units
        for order in same or newest:
            taken = min(left, order[1])
            order[1] -= taken
            left -= taken
            if taken:
                found.append((line, int(order[0]), taken))
    return pd.DataFrame(found, columns=["returned", "sold", "units"])


def weeks_of(lines: pd.DataFrame) -> pd.DataFrame:
    """What the facts tell by sku and week of lines, read as one online store's feed."""
    feed = pd.DataFrame(
        {
            "business_date": lines["day"],
            "store_id": "WEB",
            "sku": lines["sku"],
            "units": lines["units"],
            "unit_price": lines["price"],
            "period": "day",
            "month": lines["day"].dt.strftime("%Y-%m"),
            "sold_on": lines.get("sold_on", pd.NaT),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        write_rows(folder, TABLES["sales"], feed, run_id=0, mode="overwrite")
        write_rows(folder, TABLES["stock"], feed[:0], run_id=0, mode="overwrite")
        return weekly_facts(
            Snapshot(folder), first_week=FIRST_WEEK, as_of=AS_OF, week_starts_on=Weekday.SUNDAY
        )


def with_receipts(lines: pd.DataFrame, led: pd.DataFrame) -> pd.DataFrame:
    """The lines, each return split into the part that names its day of sale and the rest."""
    named = lines.loc[led["returned"]].assign(
        units=-led["units"].to_numpy(), sold_on=lines.loc[led["sold"], "day"].to_numpy()
    )
    units = lines["units"].add(led.groupby("returned")["units"].sum(), fill_value=0).astype("int64")
    rest = lines.assign(units=units)[units != 0]
    return pd.concat([rest, named], ignore_index=True)


def by_week(lines: pd.DataFrame, units: pd.Series) -> pd.Series:
    """Units of lines by sku and week."""
    week = (lines["day"] - START).dt.days // 7
    return units.groupby([lines["sku"], START + pd.to_timedelta(7 * week, unit="D")]).sum()


def told_by_each(lines: pd.DataFrame, led: pd.DataFrame) -> dict[str, tuple[pd.Series, float]]:
    """Units by sku and week as each method tells them, and the seconds it took."""
    sold = by_week(lines, lines["units"].clip(lower=0))
    told = {"gross": (sold, 0.0), "netted": (by_week(lines, lines["units"]).clip(lower=0), 0.0)}
    for method, feed in (("inseason", lines), ("inseason_receipts", with_receipts(lines, led))):
        began = time.perf_counter()
        facts = weeks_of(feed)
        units = net_of_returns(facts).set_axis(pd.MultiIndex.from_frame(facts[["sku", "week"]]))
        told[method] = (units, time.perf_counter() - began)
    return told


def score(lines: pd.DataFrame) -> list[dict[str, object]]:
    """Every method on both halves of the skus."""
    led = lead_back(lines)
    back = by_week(lines.loc[led["sold"]].reset_index(drop=True), led["units"])
    truth = by_week(lines, lines["units"].clip(lower=0)).sub(back, fill_value=0)
    rows = []
    for method, (units, seconds) in told_by_each(lines, led).items():
        pair = pd.DataFrame({"truth": truth, "told": units}).fillna(0.0)
        looked_at = pair.index.get_level_values("sku").map(_looked_at).to_numpy(dtype=bool)
        for half, of_half in (("chosen_on", pair[looked_at]), ("unseen", pair[~looked_at])):
            total = of_half["truth"].sum()
            rows.append(
                {
                    "skus": half,
                    "method": method,
                    "wape": (of_half["told"] - of_half["truth"]).abs().sum() / total,
                    "bias": of_half["told"].sum() / total - 1,
                    "emptied": int(((of_half["truth"] > 0) & (of_half["told"] < 1e-9)).sum()),  # noqa: PLR2004
                    "seconds": seconds,
                }
            )
    return sorted(rows, key=lambda row: str(row["skus"]))


def _looked_at(sku: str) -> bool:
    """Whether a sku is of the half on which the window was chosen; colours of one article stay together."""
    return int(hashlib.md5(sku[:5].encode(), usedforsecurity=False).hexdigest(), 16) % 2 == 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Score, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.returns", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder with transactions.csv.gz")
    parser.add_argument("--json", action="store_true", help="print the table as JSON too")
    given = parser.parse_args(arguments)
    print_table(score(read_lines(given.data)), COLUMNS, as_json=given.json)


if __name__ == "__main__":
    main()
