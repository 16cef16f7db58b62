"""A file as a table of texts, or one sentence why it cannot be taken at all."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from data.errors import FileRefusedError
from data.feeds.splitting import split

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from data.feeds.columns import FeedSpec

_GZIP_MAGIC: Final = b"\x1f\x8b"
_WORKBOOK: Final = b"PK\x03\x04"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# The columns with which a file of rejected rows begins.
REJECT_COLUMNS: Final = ("line", "column", "value", "reason")


@dataclass(frozen=True)
class RawFeed:
    """A file that can be read.

    `cells` holds one str column per column of the file, trimmed, blank where nothing is, indexed by line (the
    header stands on line 1; a row that spans several lines has its first). `misfits` holds the rows that do
    not fit the header: line, value and reason. Blank lines are in neither.
    """

    cells: pd.DataFrame
    misfits: pd.DataFrame

    @property
    def rows(self) -> int:
        """How many rows the file has."""
        return len(self.cells) + len(self.misfits)


def read_feed(spec: FeedSpec, path: Path) -> RawFeed:
    """Read a feed file, plain or compressed with gzip, as text.

    Raises:
        FileRefusedError: with the reason ("it is empty"), when the file is missing, empty, cut off, not
            UTF-8 or not a feed of that kind. A file must end with a line break: one without was cut off
            in its last line, and where the cut is in the last cell nothing else would tell.
    """
    content = _content(path)
    _check_text(content)
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not content.strip():
        raise FileRefusedError("it is empty")
    header, _, body = content.partition(b"\n")
    names = _header(spec, header.decode())
    if not body.strip(b", \t\n"):
        raise FileRefusedError("it has a header but no rows")
    _check_end(content)
    rows = split(b"\n" + body, names)
    if tuple(names[: len(REJECT_COLUMNS)]) != REJECT_COLUMNS:
        return RawFeed(rows.cells, rows.misfits)
    cells = rows.cells[names[len(REJECT_COLUMNS) :]]
    return RawFeed(cells[(cells != "").any(axis="columns")], rows.misfits)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise FileRefusedError(f"there is no such file ({path})") from error
    except IsADirectoryError as error:
        raise FileRefusedError("it is a folder") from error
    except OSError as error:
        raise FileRefusedError(f"it cannot be read ({error.strerror})") from error
    if content.startswith(_GZIP_MAGIC):
        try:
            content = gzip.decompress(content)
        except EOFError as error:
            raise FileRefusedError(
                "the gzip file ends early; it was cut off while it was written or copied"
            ) from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise FileRefusedError("the gzip file is damaged; copy it again") from error
    return content.removeprefix(_BYTE_ORDER_MARK)


def _check_text(content: bytes) -> None:
    if content.startswith(_WORKBOOK):
        raise FileRefusedError("it is a workbook or a zip file; save the sheet as CSV in UTF-8")
    if content.startswith(_UTF_16):
        raise FileRefusedError("it is UTF-16 text, as some spreadsheets save it; save it as CSV in UTF-8")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileRefusedError(f"it is not UTF-8 text (line {line}); export it as CSV in UTF-8") from error
    if (zero := content.find(b"\0")) >= 0:
        line = content.count(b"\n", 0, zero) + 1
        raise FileRefusedError(f"it holds zero bytes (line {line}), so it is no UTF-8 text or was damaged")


def _check_end(content: bytes) -> None:
    if content.endswith(b"\n"):
        return
    lines = content.count(b"\n") + 1
    last = content.rsplit(b"\n", 1)[-1].decode()[-40:]
    raise FileRefusedError(
        f"it ends within line {lines}, after '{last}' and without a line break, so it was cut off on its "
        "way; send it again, or end the last line if it is complete"
    )


def _header(spec: FeedSpec, line: str) -> list[str]:
    names = [name.strip().casefold() for name in next(csv.reader([line], skipinitialspace=True), [])]
    if not any(names):
        raise FileRefusedError("its first line is blank; it must hold the names of the columns")
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise FileRefusedError(
            "its columns are not separated by commas; where a spreadsheet writes semicolons, choose CSV with "
            "commas"
        )
    known = f"{spec.kind} knows {_listed(spec.names)}"
    if repeated := [name for name, count in Counter(names).items() if count > 1 and name]:
        raise FileRefusedError(f"its header names {_listed(repeated)} twice")
    if tuple(names[: len(REJECT_COLUMNS)]) == REJECT_COLUMNS:
        _check_mended(spec)
        names_of_feed = names[len(REJECT_COLUMNS) :]
    else:
        names_of_feed = names
    if "" in names_of_feed:
        raise FileRefusedError(f"column {names.index('') + 1} of its header has no name")
    if missing := [name for name in spec.required if name not in names_of_feed]:
        raise FileRefusedError(f"its header lacks {_listed(missing)}; {known}")
    if unknown := [name for name in names_of_feed if name not in spec.names]:
        raise FileRefusedError(f"its header has {_listed(unknown)}, which is no column of it; {known}")
    if spec.one_of and not any(set(group) <= set(names_of_feed) for group in spec.one_of):
        raise FileRefusedError(f"its header lacks {alternatives(spec)}; {known}")
    return names


def _check_mended(spec: FeedSpec) -> None:
    """A file of rejected rows, mended, may be loaded only where rows are changed one by one."""
    if spec.covers:
        covered = " and ".join(spec.covers)
        raise FileRefusedError(
            f"it lists rejected rows, and loading it would replace all other rows of the same {covered}; "
            "mend the rows in the file they came from and import that again"
        )


def alternatives(spec: FeedSpec) -> str:
    """The groups of columns of which one is needed, in words."""
    return " or ".join(" with ".join(group) for group in spec.one_of)


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
