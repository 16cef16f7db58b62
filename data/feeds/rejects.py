"""The rows that were not taken, written where somebody can mend them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pandas as pd

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from data.feeds.reading import RawFeed

_NUMBER: Final = r"[+-]?[0-9.]+"
_LONGEST_STEM: Final = 80


def write_rejects(
    folder: Path, source: str, kind: str, *, raw: RawFeed, rejects: pd.DataFrame, now: datetime
) -> Path:
    """Write one row per rejected line: line, column, value, reason, then the file's columns as they were.

    The reasons of a row with several faults stand side by side. A value that a spreadsheet would take for a
    formula (it begins with =, +, - or @ and is no number) is written behind an apostrophe; the columns of the
    file itself are not touched, so that a mended row is the row that was meant.

    Args:
        folder: made when it is not there.
        source: the name of the file that was read.
        kind: the kind of feed.
        raw: the file as text.
        rejects: line, column, value and reason, one row per fault, in the order of the lines.
        now: for the name of the file.

    Returns:
        The path of a file that was not there before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Whoever brings a file chooses its name, so nothing but letters and digits of it is trusted.
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", source).strip(".-")[:_LONGEST_STEM]
    stem = stem.removesuffix(".gz").removesuffix(".csv")
    name = stem if stem.startswith(kind) else f"{stem}-{kind}"
    path = unused(folder / f"{name}-{now:%Y%m%dT%H%M%SZ}.csv")
    listed = _one_per_line(rejects)
    listed["value"] = _harmless(listed["value"])
    original = raw.cells.reindex(listed["line"]).fillna("")
    table = pd.concat([listed.set_index("line"), original], axis="columns")
    table.to_csv(path, index_label="line", encoding="utf-8", lineterminator="\n", mode="x")
    return path


def unused(path: Path) -> Path:
    """The path itself if nothing is there, else the same with a number before its ending."""
    stem, dot, ending = path.name.partition(".")
    number = 1
    while path.exists():
        number += 1
        path = path.with_name(f"{stem}-{number}{dot}{ending}")
    return path


def _one_per_line(rejects: pd.DataFrame) -> pd.DataFrame:
    several = rejects["line"].duplicated(keep=False)
    single, repeated = rejects[~several], rejects[several]
    if not len(repeated):
        return single.copy()
    joined = repeated.groupby("line", as_index=False, sort=False).agg(
        {"column": "; ".join, "value": "; ".join, "reason": "; ".join}
    )
    return pd.concat([single, joined]).sort_values("line", ignore_index=True)


def _harmless(values: pd.Series) -> pd.Series:
    risky = values.str.match(r"[=+\-@\t\r]") & ~values.str.fullmatch(_NUMBER)
    return values.where(~risky, "'" + values)
