"""The VN2 files become feeds that say the same."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.__main__ import list_benchmarks
from benchmarks.vn2_feeds import SourceError, main, make_feeds, read_source

SHARED_DATA = Path(os.environ.get("INSEASON_SHARED_DATA") or Path(__file__).parents[4] / "shared" / "data")
SOURCE = SHARED_DATA / "vn2"
needs_data = pytest.mark.skipif(
    not SOURCE.is_dir(), reason=f"the VN2 files are not at {SOURCE}; INSEASON_SHARED_DATA names their parent"
)
KEY = ["business_date", "store_id", "sku"]


@pytest.fixture(scope="module")
def feeds() -> dict[str, pd.DataFrame]:
    return make_feeds(SOURCE)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("Store,Product,2021-04-12\n")

    with pytest.raises(SourceError, match=r"lacks in_stock\.csv, master\.csv, initial_state\.csv"):
        read_source(tmp_path)


def test_a_missing_source_ends_the_command_with_a_plain_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path / "nowhere"), str(tmp_path / "out")])

    assert stopped.value.code == 2
    assert "nowhere lacks sales.csv" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_list_of_benchmarks_names_this_one_with_its_usage() -> None:
    listed = {name: (purpose, usage) for name, purpose, usage in list_benchmarks()}

    assert "VN2" in listed["vn2_feeds"][0]
    assert listed["vn2_feeds"][1].startswith("python -m benchmarks.vn2_feeds SRC OUT")


@needs_data
def test_every_unit_sold_is_in_the_sales_feed(feeds: dict[str, pd.DataFrame]) -> None:
    source = pd.read_csv(SOURCE / "sales.csv").drop(columns=["Store", "Product"])

    assert feeds["sales"]["units"].sum() == source.to_numpy().sum()
    assert not feeds["sales"].duplicated(KEY).any()
    assert set(feeds["sales"]["business_date"].dt.day_of_week) == {0}


@needs_data
def test_all_stores_and_series_are_there_with_text_ids(feeds: dict[str, pd.DataFrame]) -> None:
    assert len(feeds["stores"]) == 67
    assert feeds["stores"]["store_id"].iloc[0] == "0"
    assert "126" in set(feeds["products"]["sku"])
    assert feeds["stock"][["store_id", "sku"]].drop_duplicates().shape[0] == 599


@needs_data
def test_weeks_before_the_launch_have_no_row_and_later_gaps_are_out_of_stock(
    feeds: dict[str, pd.DataFrame],
) -> None:
    stock = feeds["stock"]

    assert len(stock) == 599 * 157 - 6505
    assert (stock["in_stock"] == 0).sum() == 10517 - 6505


@needs_data
def test_the_start_state_stands_in_the_row_of_the_last_week(feeds: dict[str, pd.DataFrame]) -> None:
    stock = feeds["stock"]
    counted = stock[stock["on_hand"].notna()]
    state = pd.read_csv(SOURCE / "initial_state.csv")

    assert not stock.duplicated(KEY).any()
    assert set(counted["business_date"]) == {pd.Timestamp("2024-04-08")}
    assert (len(counted), counted["on_hand"].sum()) == (599, state["End Inventory"].sum())
    assert counted["in_transit"].sum() == feeds["receipts"]["units"].sum()


@needs_data
def test_goods_under_way_are_expected_in_the_two_weeks_after_the_last(feeds: dict[str, pd.DataFrame]) -> None:
    expected = set(feeds["receipts"]["expected_date"])

    assert expected <= {pd.Timestamp("2024-04-15"), pd.Timestamp("2024-04-22")}
    assert feeds["receipts"]["received_date"].isna().all()


@needs_data
def test_the_command_writes_the_files_and_says_what_to_run_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(SOURCE), str(tmp_path)]) == 0

    said = capsys.readouterr().out
    assert "inseason nightly --as-of 2024-04-14" in said
    for kind, name in {"stores": "stores.csv", "sales": "sales.csv.gz", "stock": "stock.csv.gz"}.items():
        assert f"inseason import {kind} {tmp_path / name}" in said
        assert (tmp_path / name).is_file()


@needs_data
def test_a_source_without_a_column_is_refused_by_its_name(tmp_path: Path) -> None:
    for path in SOURCE.glob("*.csv"):
        shutil.copy(path, tmp_path)
    pd.read_csv(SOURCE / "master.csv").drop(columns="Division").to_csv(tmp_path / "master.csv", index=False)

    with pytest.raises(SourceError, match=r"master\.csv lacks the columns Division"):
        make_feeds(tmp_path)
