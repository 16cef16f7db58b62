"""Text into rows and cells, fast, with the line on which each row stands in the file."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from data.errors import FileRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

LONGEST_ROW: Final = 100_000
_LINE_END, _COMMA, _QUOTE = 10, 44, 34


@dataclass(frozen=True)
class Rows:
    """The rows of a file.

    `cells` holds one str column per column of the header, indexed by line (the header stands on line 1);
    `misfits` the rows that have no such cells: line, value (the row's text) and reason.
    """

    cells: pd.DataFrame
    misfits: pd.DataFrame


@dataclass(frozen=True)
class _Layout:
    """Where the rows of a text are: first and one past the last byte, the line, and the number of cells."""

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    lines: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]


def split(body: bytes, names: Sequence[str]) -> Rows:
    """Split what follows the header.

    Args:
        body: UTF-8 with line feeds only; begins with the header's own line feed and ends with one.
        names: the columns of the header, in the order of the file.

    Raises:
        FileRefusedError: when a quotation mark is opened and never closed.
    """
    layout = _layout(np.frombuffer(body, np.uint8))
    # Quotation marks in odd places leave it to the eye of a slower reader where a row ends.
    rows = _at_once(body, layout, names) if layout else _one_by_one(body, names)
    cells = pd.DataFrame({name: rows.cells[name].str.strip() for name in names}, index=rows.cells.index)
    blank = np.logical_and.reduce([(cells[name] == "").to_numpy(dtype=bool) for name in names])
    misfits = rows.misfits[rows.misfits["value"].str.strip(", \t\n") != ""]
    return Rows(cells[~blank] if blank.any() else cells, misfits)


def _layout(text: npt.NDArray[np.uint8]) -> _Layout | None:
    """Find the rows by counting quotation marks, or None when these do not stand where they should."""
    quotes = np.flatnonzero(text == _QUOTE)
    if not _well_quoted(text, quotes):
        return None
    breaks = np.flatnonzero(text == _LINE_END)
    outside = np.flatnonzero(np.searchsorted(quotes, breaks) % 2 == 0)
    commas = np.flatnonzero(text == _COMMA)
    if len(quotes):
        commas = commas[np.searchsorted(quotes, commas) % 2 == 0]
    ends = breaks[outside]
    # The first break ends line 1, so a row that follows break i starts on line i + 2.
    return _Layout(ends[:-1] + 1, ends[1:], outside[:-1] + 2, np.diff(np.searchsorted(commas, ends)) + 1)


def _well_quoted(text: npt.NDArray[np.uint8], quotes: npt.NDArray[np.int64]) -> bool:
    """Whether every quotation mark opens a cell, closes one, or is doubled within one."""
    if len(quotes) % 2:
        return False
    opened = np.isin(text[quotes[0::2] - 1], (_LINE_END, _COMMA, _QUOTE))
    closed = np.isin(text[quotes[1::2] + 1], (_LINE_END, _COMMA, _QUOTE))
    return bool(opened.all() and closed.all())


def _at_once(body: bytes, layout: _Layout, names: Sequence[str]) -> Rows:
    lengths = layout.ends - layout.starts
    fitting = (layout.counts == len(names)) & (lengths <= LONGEST_ROW)
    misfits = [
        (line, body[start:end].decode(), _misfit(count, len(names)))
        for line, start, end, count in zip(
            *(part[~fitting].tolist() for part in (layout.lines, layout.starts, layout.ends, layout.counts)),
            strict=True,
        )
    ]
    text = np.frombuffer(body, np.uint8)[1:]
    if not fitting.all():
        text = text[np.repeat(fitting, lengths + 1)]
    cells = _parsed(text, names, quoted=b'"' in body)
    if len(cells) != fitting.sum():
        return _one_by_one(body, names)
    return Rows(cells.set_index(pd.Index(layout.lines[fitting], name="line")), _misfits(misfits))


def _parsed(text: npt.NDArray[np.uint8], names: Sequence[str], *, quoted: bool) -> pd.DataFrame:
    if not len(text):
        return pd.DataFrame({name: pd.Series(dtype="str") for name in names})
    table = pyarrow.csv.read_csv(
        pa.BufferReader(pa.py_buffer(np.ascontiguousarray(text))),
        read_options=pyarrow.csv.ReadOptions(column_names=list(names), block_size=1 << 24),
        parse_options=pyarrow.csv.ParseOptions(
            quote_char='"' if quoted else False, newlines_in_values=quoted, ignore_empty_lines=False
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _one_by_one(body: bytes, names: Sequence[str]) -> Rows:
    text = io.StringIO(body[1:].decode(), newline="\n").readlines()
    reader = csv.reader(text, strict=True, skipinitialspace=True)
    cells: list[list[str]] = []
    lines: list[int] = []
    misfits: list[tuple[int, str, str]] = []
    while True:
        line = reader.line_num + 2
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            unread = "".join(text[line - 2 : reader.line_num]).rstrip("\n")
            misfits.append((line, unread, _misquoted(error, line, reader.line_num + 1)))
            continue
        if len(row) == len(names):
            cells.append(row)
            lines.append(line)
        elif row:
            misfits.append((line, ",".join(row), _misfit(len(row), len(names))))
    columns = zip(*cells, strict=True) if cells else [()] * len(names)
    frame = pd.DataFrame(
        {name: pd.Series(list(column), dtype="str") for name, column in zip(names, columns, strict=True)}
    )
    return Rows(frame.set_index(pd.Index(lines, dtype="int64", name="line")), _misfits(misfits))


def _misfit(count: int, expected: int) -> str:
    if count == expected:
        return f"the row is longer than {LONGEST_ROW:,} characters"
    return f"the row has {count} cell{'s' if count != 1 else ''}, the header has {expected} columns"


def _misquoted(error: csv.Error, first: int, last: int) -> str:
    if "unexpected end of data" in str(error) or "field limit" in str(error):
        raise FileRefusedError(f"a quotation mark opened on line {first} is never closed")
    where = f"lines {first} to {last} are" if last > first else "the row is"
    return f"{where} not readable: a quotation mark within a cell must be doubled"


def _misfits(rows: list[tuple[int, str, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["line", "value", "reason"])
    return frame.astype({"line": "int64", "value": "str", "reason": "str"})
