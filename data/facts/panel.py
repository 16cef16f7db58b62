"""From daily and weekly facts to the weekly panel: one row per store, sku and week with its exposure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from data.facts.presence import known_weeks
from data.facts.weekly import weekly_facts
from data.selling_windows import floor_days, planned_price_ratio
from forecaster import weekly_exposure
from forecaster.returns import net_of_returns

if TYPE_CHECKING:
    from datetime import date

__all__ = ["Trade", "build_panel", "weekly_facts"]

_LOWEST_RATIO: Final = 0.05
_HIGHEST_RATIO: Final = 1.5
_COLUMNS: Final = [
    "store_id", "sku", "category", "climate_zone", "week", "units", "exposure", "price_ratio", "on_hand",
    "sold_out", "fullness", "stocked",
]  # fmt: skip


@dataclass(frozen=True)
class Trade:
    """What the records say about the series of a panel.

    `products`: sku, style_id, category, regular_price.
    `stores`: store_id, climate_zone, opened_on, closed_on.
    `calendar`, `markdowns`: as `data.selling_windows` gives them.
    `presentation`: as `data.assortment.presentation_frame` gives it.
    """

    products: pd.DataFrame
    stores: pd.DataFrame
    calendar: pd.DataFrame
    markdowns: pd.DataFrame
    presentation: pd.DataFrame

    @property
    def minimums(self) -> list[int]:
        """The presentation minimums that a stock above zero may fall short of."""
        minimums = self.presentation["presentation_minimum"]
        return sorted(int(level) for level in minimums[minimums > 1].unique())


def build_panel(facts: pd.DataFrame, trade: Trade, windows: pd.DataFrame, *, as_of: date) -> pd.DataFrame:
    """The panel of the whole chain from its weekly facts.

    Args:
        facts: as `weekly_facts` gives them, with `shown_N` for each N in `trade.minimums`.
        trade: what the records say.
        windows: as `data.selling_windows.resolve` gives them.
        as_of: last business date known.

    Returns:
        store_id, sku, category, climate_zone, week, units (that stayed sold, see `forecaster.returns`),
        exposure, price_ratio, on_hand; and sold_out (1 = the week ended sold out after the item had been
        there, for shares 1 - in_stock), fullness (mean of min(1, on hand / presentation minimum) over the
        days with stock, 1 where unknown), stocked (share of the week with stock on the books, whatever
        calendar and sales say). No week from before a series' launch.
    """
    rows = _of_the_records(facts, trade)
    if rows.empty:
        return rows.reindex(columns=_COLUMNS)
    rows = known_weeks(rows.assign(units=net_of_returns(rows)), as_of=as_of)
    rows = _described(rows, trade)
    ranged = rows[["store_id", "style_id", "category", "climate_zone"]].drop_duplicates().astype("str")
    weeks = sorted(rows["week"].unique())
    on_floor = floor_days(windows, ranged, weeks, observed_to=pd.Timestamp(as_of))
    rows = _joined(rows, on_floor.merge(trade.presentation, on=["store_id", "style_id"], how="left"))
    # Of what is not counted nobody knows whether anything is left after the exit: only sales prove it.
    allowed = rows["days_on_floor"].where(rows["stock_feed"], rows["days_in_window"])
    rows = rows.assign(days_open=_days_open(rows, as_of), days_on_floor=allowed)
    rows = rows.assign(
        # What was brought back later proves as well that it was there.
        exposure=weekly_exposure(rows.assign(units=rows["sold"])),
        price_ratio=_price_ratio(rows, trade, ranged, weeks),
        sold_out=_sold_out(rows),
        fullness=_fullness(rows, trade.minimums),
        stocked=_stocked(rows),
    )
    return rows[_COLUMNS].astype(dict.fromkeys(("store_id", "sku", "category", "climate_zone"), "str"))


def _of_the_records(facts: pd.DataFrame, trade: Trade) -> pd.DataFrame:
    """The rows of known stores and skus, these as categoricals: strings are slow to join and group by."""
    rows = facts.assign(store_id=facts["store_id"].astype("category"), sku=facts["sku"].astype("category"))
    known = rows["store_id"].isin(trade.stores["store_id"]) & rows["sku"].isin(trade.products["sku"])
    return rows if known.all() else rows[known]


def _described(rows: pd.DataFrame, trade: Trade) -> pd.DataFrame:
    """The rows with what the records say of each sku and store."""
    products = trade.products.set_index("sku")[["style_id", "category", "regular_price"]]
    stores = trade.stores.set_index("store_id")[["climate_zone", "opened_on", "closed_on"]]
    products = products.astype(dict.fromkeys(("style_id", "category"), "category"))
    stores = stores.astype({"climate_zone": "category"})
    sku, store = rows["sku"].cat, rows["store_id"].cat
    of_sku = products.reindex(sku.categories).take(sku.codes.to_numpy())
    of_store = stores.reindex(store.categories).take(store.codes.to_numpy())
    told = {str(name): frame[name].array for frame in (of_sku, of_store) for name in frame}
    return rows.assign(**told)


def _joined(rows: pd.DataFrame, of_styles: pd.DataFrame) -> pd.DataFrame:
    """The rows with what holds for their store, style and week."""
    keys = ["store_id", "style_id"]
    same = of_styles.astype({key: rows[key].dtype for key in keys} | {"week": rows["week"].dtype})
    return rows.merge(same, on=[*keys, "week"], how="left")


def _days_open(rows: pd.DataFrame, as_of: date) -> pd.Series:
    """Days of the week, of those whose sales are known, on which the store existed."""
    first = rows["week"].where(~(rows["opened_on"] > rows["week"]), rows["opened_on"])
    last = rows["week"] + pd.Timedelta(days=6)
    last = last.where(last < pd.Timestamp(as_of), pd.Timestamp(as_of))
    last = last.where(~(rows["closed_on"] < last), rows["closed_on"])
    existed = ((last - first).dt.days + 1).clip(lower=0)
    return existed.where(existed < rows["days"], rows["days"])


def _sold_out(rows: pd.DataFrame) -> pd.Series:
    """Share of the week's last record in which nothing was left, where the week had begun with something."""
    was_there = rows["stock_feed"] & ((rows["days_available"] > 0) | (rows["sold"] > 0))
    return (1.0 - rows["closing"]).where(was_there).fillna(0.0)


def _stocked(rows: pd.DataFrame) -> pd.Series:
    """Share of the week, while the store was open, in which the books showed stock."""
    share = rows["days_stocked"] / rows["days_known"]
    return (share * rows["days_open"] / 7).where(rows["stock_feed"]).fillna(0.0).clip(upper=1.0)


def _fullness(rows: pd.DataFrame, minimums: list[int]) -> pd.Series:
    """Mean of min(1, on hand / presentation minimum) over the days with stock, 1 where unknown."""
    full = np.ones(len(rows))
    minimum, held = rows["presentation_minimum"].to_numpy(), rows["days_held"].to_numpy()
    for level in minimums:
        counted = np.flatnonzero((minimum == level) & (held > 0))
        full[counted] = rows[f"shown_{level}"].to_numpy()[counted] / (level * held[counted])
    return pd.Series(full, index=rows.index)


def _price_ratio(
    rows: pd.DataFrame, trade: Trade, ranged: pd.DataFrame, weeks: list[pd.Timestamp]
) -> pd.Series:
    """Price paid over regular price: paid here, else as planned, else paid in the zone, else 1."""
    paid = rows["revenue"] / rows["priced_units"] / rows["regular_price"]
    paid = paid.where(np.isfinite(paid))
    at_regular = rows["priced_units"] * rows["regular_price"]
    # What has no regular price says nothing about the zone's ratio.
    told = rows.assign(
        revenue=rows["revenue"].where(paid.notna()), at_regular=at_regular.where(paid.notna())
    ).groupby(["category", "climate_zone", "week"], observed=True)
    zone = told["revenue"].transform("sum") / told["at_regular"].transform("sum")
    zone = zone.where(np.isfinite(zone) & (zone > 0))
    plan = planned_price_ratio(trade.markdowns, ranged, weeks)
    planned = _joined(rows[["store_id", "style_id", "week"]], plan)["planned_ratio"].set_axis(rows.index)
    return paid.fillna(planned).fillna(zone).fillna(1.0).clip(_LOWEST_RATIO, _HIGHEST_RATIO)
