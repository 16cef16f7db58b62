"""Files for spreadsheets: shown, never carried out."""

from __future__ import annotations

import csv
import io

import pytest
from flask import Flask

from web.exports import csv_answer, safe_cell


@pytest.mark.parametrize(
    "evil",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\uff1d1+1",
        "=HYPERLINK(0)",
        "\u200b=1",
        "\ufeff=1",
    ],
)
def test_what_a_spreadsheet_would_carry_out_is_text(evil: str) -> None:
    assert safe_cell(evil) == f"'{evil}"


@pytest.mark.parametrize(
    ("value", "text"),
    [("Marlin Trunk", "Marlin Trunk"), (-3, "-3"), (None, ""), ("", ""), ("3-4 years", "3-4 years")],
)
def test_what_is_harmless_stays_as_it_is(value: object, text: str) -> None:
    assert safe_cell(value) == text


def test_a_file_can_be_read_back_cell_by_cell() -> None:
    rows = [('Tide, the "old"', 3), ("=cmd|'/c calc'!A0", None)]
    with Flask(__name__).app_context():
        answer = csv_answer("pick list 1/../x.csv", ("name", "units"), rows)
    text = answer.get_data().decode("utf-8-sig")

    assert answer.get_data().startswith(b"\xef\xbb\xbf")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="pick-list-1-..-x.csv"'
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["name", "units"],
        ['Tide, the "old"', "3"],
        ["'=cmd|'/c calc'!A0", ""],
    ]
