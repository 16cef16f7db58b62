"""The demo retailer keeps the books of a real one, and tells the story it is made for."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from jobs.demo import write_feeds
from jobs.demo.reserve import CENTRE

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.demo.feeds import DemoSummary

TODAY = date(2026, 6, 7)
COLUMNS = {
    "stores.csv": "store_id name kind latitude longitude timezone climate_zone manager_email phone opened_on "
    "closed_on",
    "products.csv": "sku style_id style_name category department gender_age size color season_code buy_type "
    "replaces_sku regular_price unit_cost pack_size lead_time_days",
    "calendar.csv": "category season_code floor_set exit status climate_zone store_id style_id",
    "markdowns.csv": "category season_code effective_from percent_off climate_zone store_id style_id",
    "ranging.csv": "store_id style_id from to presentation_minimum",
    "receipts.csv": "expected_date store_id sku units received_date order_number",
    "requests.csv": "requested_at store_id sku style_id size text units source",
    "climate.csv": "climate_zone store_id week normal_temperature",
    "sales.csv.gz": "business_date store_id sku units unit_price fulfilled_by period",
    "stock.csv.gz": "business_date store_id sku on_hand in_transit on_order in_stock period",
}
DATES = {
    "sales.csv.gz": ["business_date"],
    "stock.csv.gz": ["business_date"],
    "receipts.csv": ["expected_date", "received_date"],
    "calendar.csv": ["floor_set", "exit"],
    "truth.csv.gz": ["week"],
}
KEY = ["store_id", "sku"]


@cache
def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, parse_dates=DATES.get(path.name, []))


class Feeds:
    def __init__(self, summary: DemoSummary) -> None:
        self.summary = summary

    def __getitem__(self, name: str) -> pd.DataFrame:
        return read(self.summary.folder / name)

    @property
    def category(self) -> pd.Series:
        return self["products.csv"].set_index("sku")["category"]

    @property
    def truth(self) -> pd.DataFrame:
        return read(self.summary.truth)


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Feeds:
    folder = tmp_path_factory.mktemp("demo")
    return Feeds(write_feeds(folder / "feeds", folder / "truth.csv.gz", seed=11, today=TODAY, years=2))


@pytest.fixture(scope="module")
def books(feeds: Feeds) -> pd.DataFrame:
    """One row per stock row: on_hand, and the units sold, returned and received that day."""
    sales, receipts = feeds["sales.csv.gz"], feeds["receipts.csv"]
    kinds = sales["units"].gt(0).map({True: "sold", False: "returned"})
    moved = sales.groupby(["business_date", *KEY, kinds])["units"].sum().unstack(fill_value=0)  # noqa: PD010
    came = receipts.groupby(["received_date", *KEY])["units"].sum().rename("received")
    came.index.names = ["business_date", *KEY]
    stock = feeds["stock.csv.gz"].drop(columns=["in_stock", "period"])
    # The distribution centre keeps its own books.
    stock = stock[stock["store_id"] != CENTRE["store_id"]]
    joined = stock.set_index(["business_date", *KEY]).join(moved, how="outer").join(came, how="left")
    joined[["sold", "returned", "received"]] = joined[["sold", "returned", "received"]].fillna(0)
    return joined.reset_index().sort_values([*KEY, "business_date"], ignore_index=True)


@pytest.fixture(scope="module")
def windows(feeds: Feeds) -> pd.DataFrame:
    """Chain-wide windows of the fashion styles: sku, floor_set, exit."""
    calendar = feeds["calendar.csv"]
    chain = calendar[calendar[["climate_zone", "store_id", "style_id"]].isna().all(axis=1)]
    products = feeds["products.csv"][["sku", "category", "season_code"]]
    return products.merge(
        chain[["category", "season_code", "floor_set", "exit"]], on=["category", "season_code"]
    )


def test_every_feed_has_the_columns_of_its_kind(feeds: Feeds) -> None:
    written = {path.name: " ".join(feeds[path.name].columns) for path in feeds.summary.folder.iterdir()}

    assert written == COLUMNS


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    contents = []
    for number, seed in enumerate((3, 3, 4)):
        folder, truth = tmp_path / str(number), tmp_path / f"truth{number}.csv.gz"
        write_feeds(folder, truth, seed=seed, today=TODAY, years=1)
        contents.append([path.read_bytes() for path in [*sorted(folder.iterdir()), truth]])

    assert contents[0] == contents[1]
    assert contents[0][-2] != contents[2][-2]


def test_the_true_demand_is_never_among_the_feeds(feeds: Feeds, tmp_path: Path) -> None:
    assert all("demand" not in feeds[name].columns for name in COLUMNS)
    with pytest.raises(ValueError, match="must not lie among the feeds"):
        write_feeds(tmp_path, tmp_path / "truth.csv", seed=1, today=TODAY)


def test_sales_and_stock_end_on_the_day_before_today(feeds: Feeds) -> None:
    for name in ("sales.csv.gz", "stock.csv.gz"):
        days = feeds[name]["business_date"]
        assert (days.min().date(), days.max().date()) == (date(2024, 6, 7), date(2026, 6, 6))


def test_closing_stock_is_opening_stock_plus_receipts_minus_sales_plus_returns(books: pd.DataFrame) -> None:
    previous = books.groupby(KEY)[["business_date", "on_hand"]].shift()
    follows = books["business_date"] - previous["business_date"] == pd.Timedelta(days=1)
    change = books["received"] - books["sold"] - books["returned"]
    begins = ~follows & (books["business_date"] > pd.Timestamp("2024-06-07"))
    expected = np.where(follows, previous["on_hand"].fillna(0), 0) + change

    checked = books[follows | begins]
    assert len(checked) > 500_000
    assert (checked["on_hand"] == expected[follows | begins]).all()


def test_stock_is_never_negative_and_a_day_has_one_row_per_store_and_sku(feeds: Feeds) -> None:
    stock, sales = feeds["stock.csv.gz"], feeds["sales.csv.gz"]

    assert (stock[["on_hand", "in_transit", "on_order"]] >= 0).all(axis=None)
    assert not stock.duplicated(["business_date", *KEY]).any()
    assert not sales.duplicated(["business_date", *KEY]).any()


def test_nothing_sells_without_stock(books: pd.DataFrame) -> None:
    assert books["on_hand"].notna().all()
    sold = books[books["sold"] > 0]
    before = sold["on_hand"] + sold["sold"] + sold["returned"]
    assert (before >= sold["sold"]).all()


def test_nothing_sells_before_its_floor_set_though_the_backroom_is_full(
    feeds: Feeds, windows: pd.DataFrame
) -> None:
    sales = feeds["sales.csv.gz"].merge(windows, on="sku")
    stock = feeds["stock.csv.gz"].merge(windows, on="sku")

    assert (sales["business_date"] >= sales["floor_set"]).all()
    assert stock.loc[stock["business_date"] < stock["floor_set"], "on_hand"].sum() > 0


def test_what_is_left_after_the_exit_is_gone_after_some_weeks(feeds: Feeds, windows: pd.DataFrame) -> None:
    stock = feeds["stock.csv.gz"].merge(windows, on="sku")
    stores = stock[~stock["store_id"].isin(["IND-02", "JAX-02"]) & ~stock["store_id"].str.startswith("LAX")]
    late = (stores["business_date"] - stores["exit"]).dt.days

    assert 14 <= late.max() <= 28
    assert late[stores["on_hand"] > 0].gt(0).any()


def test_open_orders_are_the_receipts_still_to_come(feeds: Feeds) -> None:
    stock, receipts = feeds["stock.csv.gz"], feeds["receipts.csv"]
    last = stock[stock["business_date"] == stock["business_date"].max()].set_index(KEY)
    to_come = receipts[receipts["received_date"].isna()].groupby(KEY)["units"].sum()

    assert len(to_come) > 100
    assert ((last["in_transit"] + last["on_order"]) == to_come.reindex(last.index).fillna(0)).all()


def test_white_t_shirts_have_no_calendar_and_sell_all_year(feeds: Feeds) -> None:
    sales = feeds["sales.csv.gz"]
    shirts = sales[sales["sku"].map(feeds.category) == "white T-shirts"]

    assert "white T-shirts" not in set(feeds["calendar.csv"]["category"])
    assert shirts.groupby(shirts["business_date"].dt.to_period("M"))["units"].sum().iloc[1:-1].min() > 2000


def test_phoenix_wants_swim_trunks_in_august_and_finds_none(feeds: Feeds) -> None:
    category = feeds.category
    truth = feeds.truth
    wanted = truth[
        truth["store_id"].str.startswith("PHX")
        & (truth["sku"].map(category) == "swim trunks")
        & truth["week"].between("2025-08-03", "2025-08-24")
    ]
    sales = feeds["sales.csv.gz"]
    sold = sales[
        sales["store_id"].str.startswith("PHX")
        & (sales["sku"].map(category) == "swim trunks")
        & sales["business_date"].between("2025-08-03", "2025-08-30")
    ]

    assert wanted["demand"].sum() > 200
    assert sold["units"].sum() < 0.05 * wanted["demand"].sum()


def test_swim_trunks_hang_in_phoenix_in_june_and_some_sizes_are_gone(feeds: Feeds) -> None:
    stock = feeds["stock.csv.gz"]
    now = stock[
        (stock["business_date"] == pd.Timestamp("2026-06-06"))
        & stock["store_id"].str.startswith("PHX")
        & (stock["sku"].map(feeds.category) == "swim trunks")
    ]

    assert now["on_hand"].sum() > 100
    assert (now["on_hand"] == 0).any()


def test_seattle_wants_no_snow_boots_in_june(feeds: Feeds) -> None:
    truth = feeds.truth
    june = truth[truth["week"].between("2026-06-07", "2026-07-26") & truth["store_id"].str.startswith("SEA")]

    assert june.loc[june["sku"].map(feeds.category) == "snow boots", "demand"].sum() < 1


def test_next_years_calendar_is_a_draft_and_this_years_is_not(feeds: Feeds) -> None:
    status = feeds["calendar.csv"].groupby("season_code")["status"].unique().map(list)

    assert {"SS27", "FW27", "BTS27"} == {code for code, found in status.items() if found == ["draft"]}
    assert status["SS26"] == status["FW26"] == status["BTS26"] == ["current"]


def test_some_styles_name_the_one_they_replace_and_some_do_not(feeds: Feeds) -> None:
    products = feeds["products.csv"]
    newest = products[products["season_code"].isin(["SS26", "FW25", "BTS25"])]

    assert 0 < newest["replaces_sku"].notna().mean() < 1
    assert newest["replaces_sku"].dropna().isin(products["sku"]).all()


def test_the_distribution_centre_holds_whole_packs_of_basics_while_their_season_lasts(feeds: Feeds) -> None:
    stock = feeds["stock.csv.gz"]
    reserve = stock[stock["store_id"] == CENTRE["store_id"]].merge(feeds["products.csv"], on="sku")

    assert set(reserve["category"]) == set(feeds["products.csv"]["category"])
    assert (reserve["buy_type"] != "one_buy").all()
    assert (reserve["on_hand"] > 0).all()
    assert (reserve["on_hand"] % reserve["pack_size"] == 0).all()
    trunks = reserve[reserve["category"] == "swim trunks"]
    assert set(trunks["business_date"].dt.month) == set(range(2, 10))


def test_every_id_in_the_feeds_is_a_known_store_or_sku(feeds: Feeds) -> None:
    stores, products = feeds["stores.csv"], feeds["products.csv"]

    assert stores["store_id"].is_unique
    assert products["sku"].is_unique
    for name in ("sales.csv.gz", "stock.csv.gz", "receipts.csv"):
        assert set(feeds[name]["store_id"]) <= set(stores["store_id"])
        assert set(feeds[name]["sku"]) <= set(products["sku"])
    assert set(feeds["ranging.csv"]["style_id"]) == set(products["style_id"])


def test_every_request_says_what_was_wanted(feeds: Feeds) -> None:
    requests = feeds["requests.csv"]
    ways = requests["sku"].notna() * 1 + requests["style_id"].notna() * 1 + requests["text"].notna() * 1

    assert (ways == 1).all()
    assert requests["style_id"].notna().equals(requests["size"].notna())
    assert pd.to_datetime(requests["requested_at"], utc=True).max() < pd.Timestamp("2026-06-08", tz="UTC")
    assert requests["source"].value_counts().idxmax() == "asked"


def test_a_markdown_is_seen_in_the_price_paid(feeds: Feeds) -> None:
    sales = feeds["sales.csv.gz"]
    regular = feeds["products.csv"].set_index("sku")["regular_price"]
    paid = (
        sales[
            (sales["sku"].map(feeds.category) == "swim trunks")
            & sales["store_id"].str.startswith("PHX")
            & (sales["units"] > 0)
        ]
        .assign(ratio=lambda sold: sold["unit_price"] / sold["sku"].map(regular))
        .set_index("business_date")["ratio"]
        .sort_index()
    )

    assert paid.loc["2025-06-01":"2025-06-15"].to_numpy() == pytest.approx(1.0)
    assert paid.loc["2025-06-16":"2025-06-29"].to_numpy() == pytest.approx(0.7, abs=0.001)
    assert paid.loc["2025-06-30":"2025-07-06"].to_numpy() == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize("today", [date(2026, 1, 10), date(2024, 2, 29), date(2025, 9, 30)])
def test_the_demo_can_stand_on_any_day(tmp_path: Path, today: date) -> None:
    summary = write_feeds(tmp_path / "feeds", tmp_path / "truth.csv", seed=5, today=today, years=1)

    assert summary.last_business_date < today
    assert min(summary.rows.values()) > 0
