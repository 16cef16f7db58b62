"""Rejected rows are written so that they can be mended."""

from __future__ import annotations

import csv
from datetime import UTC, datetime

import pandas as pd
import pytest

from data.feeds.reading import read_feed
from data.feeds.rejects import unused, write_rejects
from data.feeds.specs import FEEDS

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture
def written(tmp_path):
    def write(text, faults):
        path = tmp_path / "sales_june.csv"
        path.write_text(text)
        raw = read_feed(FEEDS["sales"], path)
        table = pd.DataFrame(faults, columns=["line", "column", "value", "reason"])
        table = table.astype(dict.fromkeys(("column", "value", "reason"), "str"))
        return write_rejects(tmp_path / "rejects", path.name, "sales", raw=raw, rejects=table, now=NOW)

    return write


TEXT = 'business_date,store_id,sku,units\n2026-06-01,1,A,x\n2026-06-01,1,"=A,1",\n2026-06-01,1\n'


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_rejected_line_is_one_row_with_its_reasons_and_its_cells(written):
    path = written(TEXT, [(2, "units", "x", "no number"), (2, "sku", "A", "unknown")])

    assert path.name == "sales_june-20260615T120000Z.csv"
    assert rows(path) == [
        {
            "line": "2",
            "column": "units; sku",
            "value": "x; A",
            "reason": "no number; unknown",
            "business_date": "2026-06-01",
            "store_id": "1",
            "sku": "A",
            "units": "x",
        }
    ]


def test_lines_stand_in_the_order_of_the_file(written):
    path = written(
        TEXT, [(2, "units", "x", "a"), (2, "sku", "A", "b"), (3, "sku", "y", "c"), (4, "", "z", "d")]
    )

    assert [row["line"] for row in rows(path)] == ["2", "3", "4"]
    assert rows(path)[2]["store_id"] == ""


def test_a_value_that_a_spreadsheet_would_run_is_made_harmless_and_the_cell_left_as_it_was(written):
    row = rows(written(TEXT, [(3, "sku", "=A,1", "unknown")]))[0]

    assert row["value"] == "'=A,1"
    assert row["sku"] == "=A,1"


def test_a_negative_number_is_no_formula(written):
    assert rows(written(TEXT, [(2, "units", "-4.99", "negative")]))[0]["value"] == "-4.99"


def test_an_older_file_is_never_overwritten(written):
    paths = {written(TEXT, [(2, "units", "x", "no number")]).name for _ in range(3)}

    assert paths == {
        "sales_june-20260615T120000Z.csv",
        "sales_june-20260615T120000Z-2.csv",
        "sales_june-20260615T120000Z-3.csv",
    }


def test_an_unused_name_keeps_its_whole_ending(tmp_path):
    (tmp_path / "sales.csv.gz").touch()

    assert unused(tmp_path / "sales.csv.gz").name == "sales-2.csv.gz"
    assert unused(tmp_path / "stock.csv").name == "stock.csv"
