"""Stores, products and who carries what, as frames for the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
from sqlalchemy import select

from data.records import BuyType, ClimateNormal, Price, PriceKind, Product, Ranging, Store

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

# Without a ranging feed, what has had stock is ranged. A basic that left the floor at its exit is still
# carried when its season comes round (a year and a little); a one-buy style is over after half a year.
_BASIC_WEEKS: Final = 60
_ONE_BUY_WEEKS: Final = 26
_PRODUCT_COLUMNS: Final = (
    "sku", "style_id", "style_name", "category", "department", "gender_age", "size", "color", "season_code",
    "buy_type", "replaces_sku", "regular_price", "unit_cost", "pack_size", "lead_time_days",
)  # fmt: skip
_STORE_COLUMNS: Final = (
    "store_id", "name", "kind", "latitude", "longitude", "timezone", "climate_zone", "phone", "opened_on",
    "closed_on",
)  # fmt: skip


def products_frame(session: Session, *, as_of: date) -> pd.DataFrame:
    """All products: the columns of the record, prices and costs as float dollars (NaN when unknown).

    A regular price of the whole chain that was in force on `as_of` stands above the product's own.
    """
    rows = session.execute(select(*(getattr(Product, name) for name in _PRODUCT_COLUMNS))).all()
    frame = pd.DataFrame(rows, columns=list(_PRODUCT_COLUMNS))
    in_force = (
        select(Price.sku, Price.price)
        .where(Price.kind == PriceKind.REGULAR, Price.climate_zone == "", Price.store_id == "")
        .where(Price.effective_from <= as_of)
        .order_by(Price.effective_from)
    )
    newest = {sku: float(price) for sku, price in session.execute(in_force)}
    own = frame["regular_price"].astype("float64")
    return frame.assign(
        regular_price=frame["sku"].map(newest).astype("float64").fillna(own),
        unit_cost=frame["unit_cost"].astype("float64"),
        lead_time_days=frame["lead_time_days"].astype("float64"),
        buy_type=frame["buy_type"].astype(str),
    )


def stores_frame(session: Session) -> pd.DataFrame:
    """All stores: the columns of the record; latitude and longitude in degrees (NaN), days (NaT)."""
    rows = session.execute(select(*(getattr(Store, name) for name in _STORE_COLUMNS))).all()
    frame = pd.DataFrame(rows, columns=list(_STORE_COLUMNS))
    return frame.assign(
        kind=frame["kind"].astype(str),
        latitude=frame["latitude"].astype("float64"),
        longitude=frame["longitude"].astype("float64"),
        opened_on=pd.to_datetime(frame["opened_on"]),
        closed_on=pd.to_datetime(frame["closed_on"]),
    )


def climate_frame(session: Session) -> pd.DataFrame | None:
    """Normal temperatures: store, week (1 to 52), normal_temperature in degrees F; None without any.

    A row for a store wins over the one for its zone.
    """
    columns = ["climate_zone", "store_id", "week", "normal_temperature"]
    normals = pd.DataFrame(
        session.execute(select(*(getattr(ClimateNormal, name) for name in columns))).all(), columns=columns
    )
    if normals.empty:
        return None
    stores = stores_frame(session)[["store_id", "climate_zone"]]
    by_zone = stores.merge(normals[normals["store_id"] == ""].drop(columns="store_id"), on="climate_zone")
    by_store = stores.merge(normals[normals["store_id"] != ""].drop(columns="climate_zone"), on="store_id")
    both = pd.concat([by_zone, by_store]).drop_duplicates(["store_id", "week"], keep="last")
    return both.rename(columns={"store_id": "store"})[["store", "week", "normal_temperature"]]


def presentation_frame(session: Session, *, as_of: date) -> pd.DataFrame:
    """How many pieces of each sku of a style a store should always have on the floor, as last ranged.

    Returns:
        store_id, style_id, presentation_minimum (int); only where one is known.
    """
    rows = session.execute(
        select(Ranging.store_id, Ranging.style_id, Ranging.presentation_minimum)
        .where(Ranging.presentation_minimum.is_not(None), Ranging.valid_from <= as_of)
        .order_by(Ranging.valid_from)
    ).all()
    frame = pd.DataFrame(rows, columns=["store_id", "style_id", "presentation_minimum"])
    newest = frame.drop_duplicates(["store_id", "style_id"], keep="last", ignore_index=True)
    return newest.astype({"store_id": "str", "style_id": "str", "presentation_minimum": "int64"})


def carried(
    session: Session, history: pd.DataFrame, products: pd.DataFrame, *, as_of: date, until: date
) -> pd.DataFrame:
    """The stores and skus that are on offer, or will be, at some time from `as_of` to `until`.

    With ranging records for a store and style, those decide. Elsewhere what has had stock lately is carried
    (see the module's constants), until a sku that replaces it has had stock in the same store.

    Args:
        session: an open session for reading.
        history: store_id, sku, last_stocked (datetime64): the last day on which each series had stock.
        products: as `products_frame` gives them.
        as_of: business date.
        until: the end of what is being planned.

    Returns:
        store_id, sku.
    """
    rows = session.execute(
        select(Ranging.store_id, Ranging.style_id, Ranging.valid_from, Ranging.valid_to)
    ).all()
    ranging = pd.DataFrame(rows, columns=["store_id", "style_id", "valid_from", "valid_to"])
    decided = ranging[["store_id", "style_id"]].drop_duplicates()
    current = ranging[
        (ranging["valid_from"].map(lambda day: day <= until))
        & (ranging["valid_to"].map(lambda day: day is None or day >= as_of))
    ]
    ranged = (
        current[["store_id", "style_id"]]
        .drop_duplicates()
        .merge(products[["sku", "style_id"]], on="style_id")
    )
    known = history.merge(products[["sku", "style_id", "buy_type"]], on="sku")
    weeks = known["buy_type"].map(lambda kind: _ONE_BUY_WEEKS if kind == BuyType.ONE_BUY else _BASIC_WEEKS)
    recent = known[known["last_stocked"] >= pd.Timestamp(as_of) - pd.to_timedelta(weeks * 7, unit="D")]
    successors = history.merge(products[["sku", "replaces_sku"]].dropna(), on="sku")
    replaced = (
        successors[["store_id", "replaces_sku"]].rename(columns={"replaces_sku": "sku"}).drop_duplicates()
    )
    undecided = recent.merge(decided, how="left", indicator="decided")
    undecided = undecided.merge(replaced, how="left", indicator="replaced")
    assumed = undecided[(undecided["decided"] == "left_only") & (undecided["replaced"] == "left_only")]
    return pd.concat([ranged[["store_id", "sku"]], assumed[["store_id", "sku"]]]).drop_duplicates(
        ignore_index=True
    )
