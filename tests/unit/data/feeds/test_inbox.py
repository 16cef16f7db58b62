"""Which files wait in a folder, and in what order they are taken."""

from __future__ import annotations

from data.feeds.inbox import unknown_files, waiting_files


def test_files_are_found_by_name_in_the_order_in_which_they_depend_on_each_other(tmp_path):
    for name in ("sales_2.csv", "stock.csv.gz", "sales_10.csv", "Products.CSV", "stores_new_ones.csv"):
        (tmp_path / name).touch()

    assert [(kind, path.name) for kind, path in waiting_files(tmp_path)] == [
        ("stores", "stores_new_ones.csv"),
        ("products", "Products.CSV"),
        ("sales", "sales_10.csv"),
        ("sales", "sales_2.csv"),
        ("stock", "stock.csv.gz"),
    ]


def test_files_still_being_written_are_left_alone(tmp_path):
    for name in ("sales.csv.part", "sales.csv.tmp", ".sales.csv"):
        (tmp_path / name).touch()
    (tmp_path / "sales.csv").mkdir()

    assert waiting_files(tmp_path) == []
    assert unknown_files(tmp_path) == []


def test_names_that_say_no_kind_are_told_apart(tmp_path):
    for name in ("sale.csv", "sales.xlsx", "salesjune.csv", "notes.txt"):
        (tmp_path / name).touch()

    assert waiting_files(tmp_path) == []
    assert {path.name for path in unknown_files(tmp_path)} == {
        "sale.csv",
        "sales.xlsx",
        "salesjune.csv",
        "notes.txt",
    }


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert waiting_files(tmp_path / "inbox") == []
