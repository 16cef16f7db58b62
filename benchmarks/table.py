"""One table for every benchmark: aligned text for people, and the same rows as JSON for programs."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def print_table(rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print rows under their column names; with ``as_json`` the last line is the list of row objects.

    Args:
        rows: values by column; what a method cannot tell is None (a NaN counts as None).
        columns: which values are printed, in this order.
        as_json: whether the JSON line follows the table.
    """
    told = [{name: _plain(row.get(name)) for name in columns} for row in rows]
    cells = [list(columns), *([_text(row[name]) for name in columns] for row in told)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    for line in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if as_json:
        print(json.dumps(told))


def _plain(value: object) -> object:
    """NumPy numbers as Python's; NaN and infinities, which JSON does not know, as None."""
    item = getattr(value, "item", None)
    plain = item() if callable(item) else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"  # noqa: PLR2004 - costs, not shares
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)  # noqa: PLR2004
