"""What the retailer's records say of a world: the weekly panel and the other frames a forecaster is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from benchmarks.worlds import seasons
from benchmarks.worlds.customers import (
    HISTORY_WEEKS,
    SIZE_NAMES,
    SIZES,
    STORES,
    STYLES,
    normals_by_week,
    series_store,
)
from benchmarks.worlds.shelves import PRESENTATION_MINIMUM, trade_days
from benchmarks.worlds.trade import lay_out, windows_frame
from forecaster import weekly_exposure

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from benchmarks.worlds.customers import Customers
    from benchmarks.worlds.shelves import Days
    from benchmarks.worlds.trade import Floor, World

    Floats = NDArray[np.float64]

_SERIES: Final = STORES * STYLES * SIZES
_SOLD_OUT_DAY = 0.5


@dataclass(frozen=True)
class Records:
    """One category of one world, as its retailer knows it on the night of `as_of`.

    Attributes:
        panel: one row per store x sku x week, as `forecaster.fit_demand` takes it.
        climate, requests, products, stores: as `forecaster.fit_demand` takes them; products also with what
            `forecaster.find_alerts` asks for.
        usual, coming: selling windows as they used to be and as the draft calendar has them: store, sku,
            season_code, floor_set, exit.
        weeks: first days of the 52 weeks to foretell.
    """

    as_of: date
    panel: pd.DataFrame
    climate: pd.DataFrame
    requests: pd.DataFrame
    products: pd.DataFrame
    stores: pd.DataFrame
    usual: pd.DataFrame
    coming: pd.DataFrame
    weeks: list[date]


def write_down(world: World, customers: Customers) -> Records:
    """Let a category trade through its history in a world, and write down what its systems see."""
    floor = lay_out(world, customers)
    days = trade_days(world, customers, floor)
    stores, skus = store_names(), sku_names(customers.category.name)
    key = keys(customers.category.name)
    return Records(
        as_of=customers.last_day,
        panel=_panel(world, customers, floor, days),
        climate=_climate(customers, stores),
        requests=_requests(customers, days, key),
        products=_products(customers.category.name, skus),
        stores=pd.DataFrame({"store": stores, "format": "standard"}),
        usual=windows_frame(floor.usual, stores, skus),
        coming=windows_frame(floor.coming, stores, skus),
        weeks=list(customers.weeks_ahead.astype(object)),
    )


def store_names() -> list[str]:
    """Codes of the stores, in the order of the series."""
    return [f"S{number:02d}" for number in range(STORES)]


def style_names(category: str) -> list[str]:
    """Codes of a category's styles, in the order of the series."""
    return [f"{category}-{letter}" for letter in "ABCDEFGH"[:STYLES]]


def sku_names(category: str) -> list[str]:
    """Codes of a category's skus, sizes numbered so that sorted names keep the order of the series."""
    return [f"{style}-{size}" for style in style_names(category) for size in range(SIZES)]


def keys(category: str) -> pd.DataFrame:
    """Store and sku of every series, sorted."""
    skus = sku_names(category)
    return pd.DataFrame({"store": np.repeat(store_names(), len(skus)), "sku": np.tile(skus, STORES)})


def _panel(world: World, customers: Customers, floor: Floor, days: Days) -> pd.DataFrame:
    units = _weekly(days.sold)
    allowed = np.repeat(_weekly(_hangs_by_calendar(floor, customers)), STYLES * SIZES, axis=1)
    available = _weekly(_day_level(days))
    if world.flags:
        available = np.where(available > 0, 7.0, 0.0)
    weeks = pd.DataFrame(
        {
            "days": 7.0,
            "days_open": 7.0,
            "days_known": 7.0,
            "days_available": available.T.ravel(),
            "days_on_floor": allowed.T.ravel(),
            "units": units.T.ravel(),
            "stock_feed": True,
        }
    )
    key = keys(customers.category.name)
    zones = np.array([zone.name for zone in seasons.ZONES])[customers.shops.zone]
    panel = pd.DataFrame(
        {
            "store": key["store"].repeat(HISTORY_WEEKS).array,
            "sku": key["sku"].repeat(HISTORY_WEEKS).array,
            "category": customers.category.name,
            "climate_zone": zones[series_store()].repeat(HISTORY_WEEKS),
            "week": np.tile(customers.days[::7].astype("datetime64[s]"), _SERIES),
            "units": weeks["units"],
            "exposure": weekly_exposure(weeks),
            "price_ratio": _price_ratio(days).T.ravel(),
        }
    )
    if world.flags:
        return panel.assign(sold_out=0.0, fullness=1.0, stocked=available.T.ravel() / 7)
    return panel.assign(
        sold_out=np.where((days.books[6::7] == 0) & (available > 0), 1.0, 0.0).T.ravel(),
        fullness=_fullness(days).T.ravel(),
        stocked=(_weekly(days.books > 0) / 7).T.ravel(),
    )


def _day_level(days: Days) -> Floats:
    """Availability as a stock feed tells it: something left at close 1, sold out after sales one half."""
    return np.where(days.books > 0, 1.0, np.where(days.sold > 0, _SOLD_OUT_DAY, 0.0))


def _hangs_by_calendar(floor: Floor, customers: Customers) -> NDArray[np.bool_]:
    """Days on which the calendar lets it hang: floor-set to half way between its exit and the next one."""
    if not floor.usual:
        return floor.open
    hangs = np.zeros_like(floor.open)
    following = [window for _, window in floor.usual[1:]]
    for (_, window), after in zip(floor.usual[:-1], following, strict=True):
        pause = np.maximum((after[:, 0] - window[:, 1]).astype(np.int64), 0) // 2
        closes = window[:, 1] + pause.astype("timedelta64[D]")
        days = customers.days[:, None]
        hangs |= (days >= window[None, :, 0]) & (days <= closes[None, :])
    return hangs


def _price_ratio(days: Days) -> Floats:
    """Price paid by the units of a week; where none was sold, the week's mean of what the tags said."""
    units, paid = _weekly(days.sold), _weekly(days.sold * days.price)
    tags = _weekly(days.price) / 7
    return np.where(units > 0, paid / np.maximum(units, 1.0), tags)


def _fullness(days: Days) -> Floats:
    """Mean of min(1, on hand / presentation minimum) over the days with stock, 1 without any."""
    count = _weekly(days.books > 0)
    full = _weekly(np.minimum(days.books / PRESENTATION_MINIMUM, 1.0))
    return np.divide(full, count, out=np.ones_like(count), where=count > 0)


def _climate(customers: Customers, stores: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "store": np.repeat(stores, 52),
            "week": np.tile(np.arange(1, 53), STORES),
            "normal_temperature": normals_by_week(customers.shops).ravel(),
        }
    )


def _requests(customers: Customers, days: Days, key: pd.DataFrame) -> pd.DataFrame:
    asked = _weekly(days.asked).T
    series, week = np.nonzero(asked)
    named = key.iloc[series].reset_index(drop=True)
    first = customers.days[::7].astype("datetime64[s]")
    return named.assign(week=first[week], units=asked[series, week])


def _products(category: str, skus: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sku": skus,
            "style": np.repeat(style_names(category), SIZES),
            "category": category,
            "size": np.tile(SIZE_NAMES, STYLES),
            "color": "navy",
            "gender_age": "women",
            "department": "apparel",
            "season_code": "",
            "regular_price": 30.0,
            "lead_time_days": 28,
            "replaces_sku": "",
        }
    )


def _weekly(daily: NDArray[np.generic]) -> Floats:
    """Sums of the seven days of each week, (weeks, n)."""
    return np.asarray(daily.reshape(HISTORY_WEEKS, 7, -1).sum(axis=1), dtype=np.float64)
