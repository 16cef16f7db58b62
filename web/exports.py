"""Lists as files for other programs, CSV or Excel: a spreadsheet shows them and never carries them out."""

from __future__ import annotations

import csv
import io
import math
import re
import tempfile
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Any, Final

from flask import Response, request

from web.rendering.locality import here
from web.services import keep_reading, services

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import ExitStack
    from zoneinfo import ZoneInfo

MOST_ROWS: Final = 100_000
"""A file holds so many rows; what is left out is said in its last line."""

# A cell that begins with one of these is a formula to a spreadsheet, whatever the file says; the second four
# are their full-width forms. What is not shown before them hides nothing.
_FORMULA: Final = "=+-@\uff1d\uff0b\uff0d\uff20"
_BREAKS: Final = "\t\r\n"
# Where a country writes decimals with a comma, a spreadsheet parts cells at semicolons, quoted or not.
_AFTER_A_BREAK: Final = re.compile(rf"([;\t\r\n]\s*)(?=[{re.escape(_FORMULA)}])")
_CHUNK: Final = 64 * 1024
_ROWS_AT_ONCE: Final = 500
_LONGEST_CELL: Final = 32_767
_NARROWEST, _WIDEST = 8, 48
_DATE_WIDTH, _INSTANT_WIDTH = 11, 17


class Kind(StrEnum):
    """A kind of file."""

    CSV = "csv"
    XLSX = "xlsx"

    @property
    def mimetype(self) -> str:
        """What the browser is told that it is."""
        if self is Kind.CSV:
            return "text/csv"
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def asked_kind() -> Kind | None:
    """The kind of file that the address asks for with `as`; None where it asks for the page."""
    asked = request.args.get("as", "")
    return Kind(asked) if asked in set(Kind) else None


def table_answer(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[object]], kind: Kind, *, most: int = MOST_ROWS
) -> Response:
    """A list as a file to download, sent while it is read.

    Args:
        name: what the file is called, before the day and its ending.
        columns: the headings.
        rows: as many values each; dates, numbers and amounts keep their type where the file knows types,
            instants are told by the reader's clock, None is an empty cell. May be read from a query of
            the request's session as it is sent.
        kind: of file.
        most: how many rows at most; a last line says so where there were more.

    Returns:
        The answer: CSV in UTF-8 with the mark that Excel asks for and all cells quoted (RFC 4180), or a
        workbook of one sheet. No text in it is ever taken for a formula or a link.
    """
    lines = iter(rows)
    # Read before anything is sent, so that a query that fails is an error and not half a file.
    first = list(islice(lines, _ROWS_AT_ONCE))
    every = _bounded(chain(first, lines), len(columns), most, here().zone)
    if kind is Kind.CSV:
        session = keep_reading()
        answer = Response(_read_while_sent(_csv(columns, every), session), mimetype=kind.mimetype)
        # Whoever hangs up before the first line has not begun to read.
        answer.call_on_close(session.close)
    else:
        answer = Response(_workbook(columns, every, first), mimetype=kind.mimetype)
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")
    named = f"{plain}-{services().today.isoformat()}.{kind}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{named}"'
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _read_while_sent(body: Iterable[bytes], session: ExitStack) -> Iterator[bytes]:
    """The parts of an answer; the session that they are read from is closed after the last."""
    with session:
        yield from body


def safe_cell(value: object) -> str:
    """A cell's text; what a spreadsheet would take for a formula is shown as text by a quote before it.

    >>> safe_cell("=1+1"), safe_cell("Marlin Trunk"), safe_cell(-3), safe_cell(None)
    ("'=1+1", 'Marlin Trunk', '-3', '')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        shown = f"'{value}" if _would_run(value) else value
        return _AFTER_A_BREAK.sub(r"\1'", shown)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.12g}" if math.isfinite(value) else ""
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return str(value)


def _would_run(text: str) -> bool:
    """Whether a spreadsheet would carry out a text that is typed into a cell."""
    shown = next((letter for letter in text if unicodedata.category(letter)[0] not in "CZ"), "")
    return bool(shown and shown in _FORMULA) or text[:1] in tuple(_BREAKS)


def _bounded(
    rows: Iterable[Sequence[object]], width: int, most: int, zone: ZoneInfo
) -> Iterator[Sequence[object]]:
    """The rows up to the most there may be, by the reader's clock, and a last line if there were more."""
    lines = iter(rows)
    for row in islice(lines, most):
        yield [_local(value, zone) for value in row]
    if next(lines, None) is not None:
        said = f"Only the first {most:,} rows are here: narrow the list with its filters to get the others."
        yield [said, *[None] * (width - 1)]


def _local(value: object, zone: ZoneInfo) -> object:
    return value.astimezone(zone) if isinstance(value, datetime) and value.tzinfo else value


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    yield "\ufeff".encode()
    lines = chain([columns], rows)
    while block := list(islice(lines, _ROWS_AT_ONCE)):
        text = io.StringIO(newline="")
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows(
            [safe_cell(value) for value in row] for row in block
        )
        yield text.getvalue().encode()


def _workbook(
    columns: Sequence[str], rows: Iterable[Sequence[object]], first: Sequence[Sequence[object]]
) -> Iterator[bytes]:
    """The file of a workbook in pieces; it lies on disk while it is sent."""
    # The file outlives this call: whoever sends the pieces closes it with the last of them.
    file = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        _write_workbook(file, columns, rows, first)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return _pieces(file)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_CHUNK):
            yield piece


def _write_workbook(
    file: IO[bytes],
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    first: Sequence[Sequence[object]],
) -> None:
    # Loaded by the first download: the app starts without it.
    from xlsxwriter import Workbook  # noqa: PLC0415

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with Workbook(file, options) as book:
        sheet = book.add_worksheet()
        write = _Cells(book, sheet)
        for place, heading in enumerate(columns):
            sheet.set_column(place, place, _width(heading, [row[place] for row in first]))
        sheet.freeze_panes(1, 0)
        write.row(0, columns, heading=True)
        last = 0
        for last, row in enumerate(rows, start=1):
            write.row(last, row)
        sheet.autofilter(0, 0, last, len(columns) - 1)


def _width(heading: str, values: Iterable[object]) -> int:
    """Of a column, in letters, by what stands in its first rows."""
    wide = len(heading) + 3
    for value in values:
        if isinstance(value, datetime):
            wide = max(wide, _INSTANT_WIDTH)
        elif isinstance(value, date):
            wide = max(wide, _DATE_WIDTH)
        elif value is not None:
            wide = max(wide, len(str(value)) + 1)
    return min(max(wide, _NARROWEST), _WIDEST)


class _Cells:
    """Writes values into a sheet, each as what it is."""

    def __init__(self, book: Any, sheet: Any) -> None:
        self._sheet = sheet
        self._bold = book.add_format({"bold": True})
        self._day = book.add_format({"num_format": "yyyy-mm-dd"})
        self._instant = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        self._amount = book.add_format({"num_format": "#,##0.00"})
        # Keeps a text a text when somebody goes into the cell and out again.
        self._quoted = book.add_format({"quote_prefix": True})

    def row(self, number: int, values: Sequence[object], *, heading: bool = False) -> None:
        """Write one row; headings are bold."""
        for place, value in enumerate(values):
            self._cell(number, place, value, heading)

    def _cell(self, row: int, column: int, value: object, heading: bool) -> None:
        sheet = self._sheet
        if value is None:
            return
        if isinstance(value, datetime):
            sheet.write_datetime(row, column, value.replace(tzinfo=None), self._instant)
        elif isinstance(value, date):
            sheet.write_datetime(row, column, value, self._day)
        elif isinstance(value, Decimal):
            sheet.write_number(row, column, float(value), self._amount)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            if math.isfinite(value):
                sheet.write_number(row, column, value)
        else:
            text = value if isinstance(value, str) else safe_cell(value)
            form = self._bold if heading else self._quoted if _would_run(text) else None
            sheet.write_string(row, column, str(text)[:_LONGEST_CELL], form)
