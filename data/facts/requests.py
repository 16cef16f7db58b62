"""What customers asked for and did not find, by store, sku and week."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from data.fiscal import week_start

if TYPE_CHECKING:
    from datetime import date

    from data.facts.store import Snapshot
    from data.settings import Weekday


def weekly_requests(
    snapshot: Snapshot,
    products: pd.DataFrame,
    carried: pd.DataFrame,
    *,
    first_week: date,
    as_of: date,
    week_starts_on: Weekday,
) -> pd.DataFrame:
    """Units asked for by the chain's week, as `forecaster.fit_demand` takes them.

    A request that names a style and a size is shared evenly among the skus of that style and size that its
    store has carried, or among all of them where it has carried none. Requests in words only, for a style
    that does not come in the size, or for a sku that is not among `products`, are left out.

    Args:
        snapshot: the facts.
        products: sku, style_id, size of the skus that are asked about.
        carried: store_id, sku of the series that each store has carried, in any order and number.
        first_week: a day of the first week.
        as_of: last business date known.
        week_starts_on: first day of the chain's week.

    Returns:
        store, sku, week (datetime64, first day), units (shares are fractions); sorted by the first three.
    """
    anchor = week_start(first_week, week_starts_on)
    asked = snapshot.query(f"""
        SELECT store_id, sku, style_id, size, requested_on, sum(units) AS units FROM requests
        WHERE requested_on BETWEEN DATE '{anchor}' AND DATE '{as_of}'
          AND (sku IS NOT NULL OR (style_id IS NOT NULL AND size IS NOT NULL))
        GROUP BY 1, 2, 3, 4, 5
    """)
    start = pd.Timestamp(anchor).as_unit("us")
    weeks = (pd.to_datetime(asked["requested_on"]) - start).dt.days // 7
    asked = asked.assign(week=start + pd.to_timedelta(7 * weeks, unit="D").astype("timedelta64[us]"))
    named, known = asked["sku"].notna(), asked["sku"].isin(products["sku"])
    columns = ["store_id", "sku", "week", "units"]
    found = [asked.loc[known, columns], _shared(asked[~named], products, carried)[columns]]
    summed = pd.concat(found).groupby(columns[:3])["units"].sum().astype("float64")
    return summed.reset_index().rename(columns={"store_id": "store"})


def _shared(asked: pd.DataFrame, products: pd.DataFrame, carried: pd.DataFrame) -> pd.DataFrame:
    """Requests for a style and size as equal shares of requests for its skus."""
    sized = products[["sku", "style_id"]].assign(size=_plain(products["size"]))
    open_ = asked.drop(columns="sku").assign(size=_plain(asked["size"])).reset_index(names="request")
    wanted = open_.merge(sized, on=["style_id", "size"])
    known = carried[["store_id", "sku"]].drop_duplicates()
    here = wanted.merge(known, on=["store_id", "sku"], how="left", indicator="carried")["carried"] == "both"
    anywhere = ~here.groupby(wanted["request"]).transform("any")
    chosen = wanted[here | anywhere]
    return chosen.assign(units=chosen["units"] / chosen.groupby("request")["units"].transform("size"))


def _plain(sizes: pd.Series) -> pd.Series:
    """Sizes as they are compared: people write m for M."""
    return sizes.fillna("").str.strip().str.casefold()
