"""Files for spreadsheets: shown, never carried out."""

from __future__ import annotations

import csv
import io
import warnings
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from openpyxl import load_workbook

from data.clock import Clock
from data.database import Database
from data.settings import load_settings
from web.exports import Kind, asked_kind, safe_cell, table_answer
from web.rendering.locality import Locality, written_for
from web.services import Services, attach_services

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from werkzeug.test import TestResponse

DAY = date(2026, 7, 5)
EVIL = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1+1", "=HYPERLINK(0)", "\u200b=1",
    "\ufeff=1",
)  # fmt: skip


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """An app that knows its day."""
    app = Flask(__name__)
    settings = load_settings(var=tmp_path, today=DAY)
    attach_services(app, Services(settings, Database("sqlite://"), Clock(settings)))
    return app


def answer_of(
    app: Flask, columns: Sequence[str], rows: Iterable[Sequence[object]], kind: Kind, **options: Any
) -> TestResponse:
    """What a browser is given, read to its end."""

    @app.get("/file")
    def file() -> Any:
        with written_for(Locality(zone=ZoneInfo("America/Chicago"))):
            return table_answer("pick list 1/../x", columns, rows, kind, **options)

    return app.test_client().get("/file")


def lines_of(answer: TestResponse) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))


def sheet_of(answer: TestResponse) -> Any:
    with warnings.catch_warnings():
        # The reader of the test reads its own past.
        warnings.simplefilter("ignore", DeprecationWarning)
        return load_workbook(io.BytesIO(answer.get_data())).active


@pytest.mark.parametrize("evil", EVIL)
def test_what_a_spreadsheet_would_carry_out_is_text(evil: str) -> None:
    assert safe_cell(evil).startswith("'")
    assert safe_cell(evil).replace("'", "") == evil


@pytest.mark.parametrize(("text", "shown"), [("a;=1", "a;'=1"), ("a\n=1", "a\n'=1"), ("a; -1", "a; '-1")])
def test_what_begins_a_cell_elsewhere_is_text_too(text: str, shown: str) -> None:
    assert safe_cell(text) == shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Marlin Trunk", "Marlin Trunk"),
        (-3, "-3"),
        (Decimal("-3.50"), "-3.50"),
        (0.1 + 0.2, "0.3"),
        (float("nan"), ""),
        (True, "yes"),
        (DAY, "2026-07-05"),
        (None, ""),
        ("", ""),
        ("3-4 years", "3-4 years"),
    ],
)
def test_what_is_harmless_stays_as_it_is(value: object, text: str) -> None:
    assert safe_cell(value) == text


def test_a_csv_file_can_be_read_back_cell_by_cell(app: Flask) -> None:
    rows = [('Tide, the "old"', 3), ("=cmd|'/c calc'!A0", None)]
    answer = answer_of(app, ("name", "units"), rows, Kind.CSV)

    assert answer.get_data().startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in answer.get_data()
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="pick-list-1-x-2026-07-05.csv"'
    assert lines_of(answer) == [
        ["name", "units"],
        ['Tide, the "old"', "3"],
        ["'=cmd|'/c calc'!A0", ""],
    ]


@pytest.mark.parametrize("kind", Kind)
def test_a_file_is_kept_nowhere_and_taken_for_nothing_else(app: Flask, kind: Kind) -> None:
    answer = answer_of(app, ("name",), [], kind)

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].endswith(f'.{kind}"')


def test_an_instant_in_csv_says_its_zone(app: Flask) -> None:
    answer = answer_of(app, ("at",), [(datetime(2026, 7, 5, 3, 30, tzinfo=UTC),)], Kind.CSV)

    assert lines_of(answer)[1] == ["2026-07-04 22:30:00-05:00"]


def test_a_workbook_keeps_numbers_dates_and_texts_apart(app: Flask) -> None:
    instant = datetime(2026, 7, 5, 3, 30, tzinfo=UTC)
    row = ("00123", -3, 2.5, Decimal("1240.50"), DAY, instant, None, float("nan"), True)
    sheet = sheet_of(answer_of(app, tuple("abcdefghi"), [row], Kind.XLSX))

    assert [cell.value for cell in sheet[1]] == list("abcdefghi")
    # The evening before, by the clock of the reader.
    assert [cell.value for cell in sheet[2]] == [
        "00123", -3, 2.5, 1240.5, datetime(2026, 7, 5), datetime(2026, 7, 4, 22, 30), None, None, "yes",  # noqa: DTZ001
    ]  # fmt: skip
    assert [cell.data_type for cell in sheet[2]] == ["s", "n", "n", "n", "d", "d", "n", "n", "s"]
    assert sheet.freeze_panes == "A2"


@pytest.mark.parametrize("evil", [*EVIL, "https://example.com/", "mailto:a@example.com", "{=1}"])
def test_a_workbook_holds_no_formula_and_no_link(app: Flask, evil: str) -> None:
    sheet = sheet_of(answer_of(app, (evil,), [(evil,)], Kind.XLSX))

    for cell in (sheet["A1"], sheet["A2"]):
        assert cell.data_type == "s"
        assert cell.hyperlink is None
    assert bool(sheet["A2"].quotePrefix) is (evil in EVIL)


@pytest.mark.parametrize("kind", Kind)
def test_what_is_left_out_is_said_in_the_last_line(app: Flask, kind: Kind) -> None:
    answer = answer_of(app, ("a", "b"), ((n, n) for n in range(9)), kind, most=5)

    cells = (
        lines_of(answer) if kind is Kind.CSV else [[c.value for c in row] for row in sheet_of(answer).rows]
    )
    assert len(cells) == 1 + 5 + 1
    assert (
        cells[-1][0] == "Only the first 5 rows are here: narrow the list with its filters to get the others."
    )
    assert not cells[-1][1]


@pytest.mark.parametrize("kind", Kind)
def test_a_list_of_exactly_the_most_rows_is_whole(app: Flask, kind: Kind) -> None:
    answer = answer_of(app, ("a",), ((n,) for n in range(5)), kind, most=5)

    cells = lines_of(answer) if kind is Kind.CSV else list(sheet_of(answer).rows)
    assert len(cells) == 1 + 5


def test_a_long_list_is_sent_while_it_is_read(app: Flask) -> None:
    read = 0

    def rows() -> Iterator[tuple[int]]:
        nonlocal read
        for read in range(5000):
            yield (read,)

    with app.test_request_context():
        pieces = iter(table_answer("x", ("n",), rows(), Kind.CSV).response)
        for _ in range(2):
            next(pieces)
        assert read < 2000


def test_a_list_that_cannot_be_read_is_an_error_and_not_half_a_file(app: Flask) -> None:
    rows = (tuple(range(1 // number)) for number in (0,))

    with app.test_request_context(), pytest.raises(ZeroDivisionError):
        table_answer("x", ("n",), rows, Kind.CSV)


@pytest.mark.parametrize(
    ("address", "kind"),
    [("/", None), ("/?as=csv", Kind.CSV), ("/?as=xlsx", Kind.XLSX), ("/?as=exe", None), ("/?as=", None)],
)
def test_the_address_says_which_kind_of_file(app: Flask, address: str, kind: Kind | None) -> None:
    with app.test_request_context(address):
        assert asked_kind() is kind
