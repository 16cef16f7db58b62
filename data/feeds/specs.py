"""The eleven feeds, column by column: what a file may hold, what it must hold, and which row is which."""

from __future__ import annotations

from datetime import date
from typing import Final

from data.feeds import rules
from data.feeds.columns import (
    FIRST_BUSINESS_DAY,
    FIRST_DAY,
    LAST_DAY,
    MOST_MONEY,
    MOST_UNITS,
    Column,
    ColumnKind,
    FeedSpec,
    choice_column,
    date_column,
    money_column,
    number_column,
    text_column,
    units_column,
)

_STORE: Final = text_column("store_id", "The store.", required=True, refers_to="store")
_SKU: Final = text_column("sku", "The sku: style x colour x size.", required=True, refers_to="sku")
_PERIOD: Final = choice_column(
    "period", "What a row covers; a week is named by its first day, the chain's own.", "day", "week"
)
_SCOPE: Final = (
    text_column("climate_zone", "Only for this zone; blank = all."),
    text_column("store_id", "Only for this store; blank = all.", refers_to="store"),
    text_column("style_id", "Only for this style; blank = all.", refers_to="style"),
)

_STORES: Final = FeedSpec(
    "stores",
    "Places that sell or hold stock. A column that the file lacks is left as it is; a blank cell clears.",
    (
        text_column("store_id", "Its id.", required=True),
        text_column("name", "What people call it; the id when blank.", length=200),
        choice_column("kind", "What it is.", "store", "dc", "online", "outlet"),
        number_column("latitude", "Degrees north.", -90, 90),
        number_column("longitude", "Degrees east.", -180, 180),
        Column("timezone", ColumnKind.TIMEZONE, "Such as America/Chicago; blank = the chain's.", length=64),
        Column(
            "locale",
            ColumnKind.LOCALE,
            "How dates and numbers are written there, such as en_US; blank = the chain's.",
            length=16,
        ),
        text_column("climate_zone", "Stores whose seasons run alike share one."),
        Column("manager_email", ColumnKind.EMAIL, "Address of its manager.", length=254),
        text_column("phone", "Its telephone.", length=40, default=None),
        date_column("opened_on", "Its first day.", first=FIRST_DAY),
        date_column("closed_on", "Its last day.", first=FIRST_DAY),
    ),
    key=("store_id",),
    rules=(rules.CLOSED_AFTER_OPENED, rules.LATITUDE_WITH_LONGITUDE, rules.LONGITUDE_WITH_LATITUDE),
)

_PRODUCTS: Final = FeedSpec(
    "products",
    "Skus. A column that the file lacks is left as it is; a blank cell clears.",
    (
        text_column("sku", "Its id.", required=True),
        text_column("style_id", "The style it is a colour and size of.", required=True),
        text_column("style_name", "What the style is called.", length=200),
        text_column("category", "Skus whose seasons run alike share one.", required=True, length=100),
        text_column("department", "Its department.", length=100),
        text_column("gender_age", "Whom it is made for."),
        text_column("size", "Its size.", length=32),
        text_column("color", "Its colour."),
        text_column("season_code", "The season it was bought for.", length=32),
        choice_column("buy_type", "How it is bought.", "replenished", "one_buy", "carry_over"),
        text_column("replaces_sku", "Last year's sku that it follows.", default=None),
        money_column("regular_price", "Price without any cut."),
        money_column("unit_cost", "What one costs the chain."),
        units_column("pack_size", "Pieces in the smallest pack.", minimum=1, default=1),
        Column("lead_time_days", ColumnKind.INTEGER, "Days from order to store.", minimum=0, maximum=1000),
    ),
    key=("sku",),
    rules=(rules.REPLACES_ANOTHER,),
)

_CALENDAR: Final = FeedSpec(
    "calendar",
    "Selling windows. All windows of each category and season_code in the file are replaced.",
    (
        text_column("category", "Whose window it is.", required=True, length=100),
        text_column("season_code", "The season.", required=True, length=32),
        date_column("floor_set", "First day on the floor.", required=True),
        date_column("exit", "Last day on the floor.", required=True),
        choice_column("status", "In force, or only proposed.", "current", "draft"),
        *_SCOPE,
    ),
    key=("category", "season_code", "floor_set", "status", "climate_zone", "store_id", "style_id"),
    covers=("category", "season_code"),
    rules=(rules.EXIT_AFTER_FLOOR_SET,),
)

_MARKDOWNS: Final = FeedSpec(
    "markdowns",
    "Planned markdown steps. All steps of each category and season_code in the file are replaced.",
    (
        text_column("category", "Whose step it is.", required=True, length=100),
        text_column("season_code", "The season.", required=True, length=32),
        date_column("effective_from", "First day of the lower price.", required=True),
        number_column(
            "percent_off", "Percent off the regular price; 30 is thirty percent.", 0, 100, required=True
        ),
        *_SCOPE,
    ),
    key=("category", "season_code", "effective_from", "climate_zone", "store_id", "style_id"),
    covers=("category", "season_code"),
    rules=(rules.PERCENT_NOT_SHARE,),
)

_PRICES: Final = FeedSpec(
    "prices",
    "Prices from a day on. All prices of each sku in the file are replaced.",
    (
        _SKU,
        date_column("effective_from", "First day of the price.", required=True),
        money_column("price", "The price.", required=True),
        choice_column("kind", "Why it holds.", "regular", "markdown", "promotion"),
        *_SCOPE[:2],
    ),
    key=("sku", "effective_from", "kind", "climate_zone", "store_id"),
    covers=("sku",),
)

_RANGING: Final = FeedSpec(
    "ranging",
    "Which store carries which style. All rows of each store and style in the file are replaced.",
    (
        _STORE,
        text_column("style_id", "The style.", required=True, refers_to="style"),
        date_column("from", "First day; blank = ever since.", default=date.min),
        date_column("to", "Last day; blank = until further notice."),
        units_column("presentation_minimum", "Pieces of each sku that should always be on the floor."),
    ),
    key=("store_id", "style_id", "from"),
    covers=("store_id", "style_id"),
    rules=(rules.TO_AFTER_FROM,),
)

_CLIMATE: Final = FeedSpec(
    "climate",
    "Normal temperatures by week of the year. All weeks of each zone or store in the file are replaced.",
    (
        text_column("climate_zone", "The zone that the row is about."),
        text_column("store_id", "Or the store that it is about.", refers_to="store"),
        Column("week", ColumnKind.INTEGER, "Week of the year.", required=True, minimum=1, maximum=52),
        number_column("normal_temperature", "Degrees Fahrenheit.", -100, 150, required=True),
    ),
    key=("climate_zone", "store_id", "week"),
    covers=("climate_zone", "store_id"),
    one_of=(("climate_zone",), ("store_id",)),
    rules=(rules.ZONE_OR_STORE,),
)

_RECEIPTS: Final = FeedSpec(
    "receipts",
    "Deliveries, expected and received. All rows of each expected_date and store in the file are replaced.",
    (
        date_column("expected_date", "The day it is due.", required=True),
        _STORE,
        _SKU,
        units_column("units", "Pieces.", required=True),
        date_column("received_date", "The day it came; blank = not yet."),
        text_column("order_number", "The order it belongs to.", default=None),
    ),
    covers=("expected_date", "store_id"),
    rules=(rules.RECEIVED_BY_TODAY,),
)

_SALES: Final = FeedSpec(
    "sales",
    "What was sold. All rows of each business_date and store in the file are replaced.",
    (
        date_column("business_date", "The trading day, or the first day of the week.", required=True),
        _STORE,
        _SKU,
        units_column("units", "Pieces sold; negative for returns.", minimum=-MOST_UNITS, required=True),
        number_column("unit_price", "Price paid for one.", 0, MOST_MONEY),
        text_column(
            "fulfilled_by", "The store whose stock left, if another.", default=None, refers_to="store"
        ),
        _PERIOD,
        date_column("sold_on", "Of a return, where the receipt tells: the day on which it was sold."),
        text_column(
            "sold_by",
            "Of such a return: who sold it, if another store.",
            default=None,
            refers_to="store",
        ),
    ),
    covers=("business_date", "store_id"),
    rules=(rules.SOLD_BY_TODAY, rules.SOLD_BEFORE_RETURNED),
)

_STOCK: Final = FeedSpec(
    "stock",
    "What was there. All rows of each business_date and store in the file are replaced.",
    (
        date_column("business_date", "The trading day, or the first day of the week.", required=True),
        _STORE,
        _SKU,
        units_column(
            "on_hand",
            "Pieces by the books, negative when these lag.",
            minimum=-MOST_UNITS,
        ),
        units_column("in_transit", "Pieces on their way."),
        units_column("on_order", "Pieces ordered."),
        number_column("in_stock", "Share of the period on the shelf, where no count exists.", 0, 1),
        _PERIOD,
    ),
    key=("business_date", "store_id", "sku", "period"),
    covers=("business_date", "store_id"),
    one_of=(("on_hand",), ("in_stock",)),
    rules=(rules.COUNTED_BY_TODAY,),
)

_REQUESTS: Final = FeedSpec(
    "requests",
    "What customers asked for and did not find. All rows of each day and store in the file are replaced.",
    (
        Column(
            "requested_at",
            ColumnKind.INSTANT,
            "When, such as 2025-06-01T14:30 in the store's own time, or with an offset (Z, +02:00).",
            required=True,
            minimum=FIRST_BUSINESS_DAY,
            maximum=LAST_DAY,
        ),
        _STORE,
        text_column("sku", "The sku asked for.", default=None, refers_to="sku"),
        text_column("style_id", "Or its style, with a size.", default=None, refers_to="style"),
        text_column("size", "The size asked for.", length=32, default=None),
        text_column("text", "Or what the customer said.", length=2000, default=None),
        units_column("units", "Pieces wanted.", minimum=1, default=1),
        text_column("source", "Who or what wrote it down.", default=None),
    ),
    covers=("requested_on", "store_id"),
    one_of=(("sku",), ("style_id", "size"), ("text",)),
    rules=(rules.ASKED_BY_TODAY,),
)

# In the order in which they depend on each other: who is named comes before who names.
FEEDS: Final[dict[str, FeedSpec]] = {
    spec.kind: spec
    for spec in (
        _STORES,
        _PRODUCTS,
        _CALENDAR,
        _MARKDOWNS,
        _PRICES,
        _RANGING,
        _CLIMATE,
        _RECEIPTS,
        _SALES,
        _STOCK,
        _REQUESTS,
    )
}
FACT_KINDS: Final = ("receipts", "sales", "stock", "requests")
