"""The truth that returns are scored against, and the scores."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.returns import lead_back, read_lines, score

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def lines(tmp_path, *rows):
    """Order lines from (sku, units, day and hour, price, customer)."""
    text = [
        f'1,{sku},"A THING, SMALL",{units},2011-{at}:00:00,{price},{customer},United Kingdom'
        for sku, units, at, price, customer in rows
    ]
    path = tmp_path / "transactions.csv.gz"
    pd.Series([HEADER.strip(), *text]).to_csv(path, index=False, header=False, sep="\t", quoting=3)
    return read_lines(tmp_path)


def test_lines_without_a_price_or_of_no_goods_are_left_out(tmp_path):
    rows = [
        ("84029g", 1, "02-01 10", 2.5, 7.0),
        ("POST", 1, "02-01 10", 9, 7.0),
        ("22423", -4, "02-01 10", 0, ""),
    ]
    assert lines(tmp_path, *rows)["sku"].tolist() == ["84029G"]


def test_a_return_is_led_back_to_the_same_number_at_the_same_price_and_else_to_the_newest_orders(tmp_path):
    made = lines(
        tmp_path,
        ("22423", 6, "02-01 10", 2.5, 7.0),
        ("22423", 4, "02-08 10", 2.5, 7.0),
        ("22423", 9, "02-09 10", 2.5, 8.0),
        ("22423", -6, "02-15 10", 2.5, 7.0),
        ("22423", -3, "02-16 10", 2.5, 7.0),
        ("22423", -5, "02-17 10", 2.5, 7.0),
    )
    assert lead_back(made).to_numpy().tolist() == [[3, 0, 6], [4, 1, 3], [5, 1, 1]]


def test_every_method_is_scored_on_both_halves(tmp_path):
    made = lines(
        tmp_path,
        *((sku, 8, f"02-0{day} 10", 2.5, 7.0) for sku in ("22423", "22424", "22425") for day in (1, 8)),
        *((sku, -8, "02-15 10", 2.5, 7.0) for sku in ("22423", "22424", "22425")),
    )
    scores = pd.DataFrame(score(made)).set_index(["skus", "method"])
    assert set(scores.index.get_level_values("skus")) == {"chosen_on", "unseen"}
    # Of two orders of eight one came back: who leaves it out is wrong by eight of eight.
    assert scores["wape"].xs("gross", level="method").tolist() == pytest.approx([1, 1])
    assert scores["wape"].xs("inseason_receipts", level="method").tolist() == pytest.approx([0, 0])
    assert scores["bias"].xs("inseason", level="method").tolist() == pytest.approx([0, 0])
    assert (scores["emptied"].xs("inseason", level="method") == 0).all()
