"""What is wrong with the rows of a file: one entry per fault, with its line, column, value and reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pandas as pd

from data.feeds.reports import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

FAULT_COLUMNS: Final = ("line", "column", "value", "reason")
LONGEST_VALUE: Final = 60
# Control characters that are no white space.
CONTROL: Final = "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]"
_UNSEEN: Final = "[\x00-\x1f\x7f-\x9f\u2028\u2029]"


@dataclass
class Faults:
    """Collects faults while a file is checked."""

    _parts: list[pd.DataFrame] = field(default_factory=list)

    def add(
        self, lines: Sequence[int] | pd.Index, column: str, values: pd.Series, reasons: pd.Series | str
    ) -> None:
        """Note faults of one column: their lines, the cells as they were, a reason each or one for all."""
        if len(lines):
            part = {"line": lines, "column": column, "value": values.to_numpy(), "reason": reasons}
            if isinstance(reasons, pd.Series):
                part["reason"] = reasons.to_numpy()
            self._parts.append(pd.DataFrame(part))

    def add_cells(self, cells: pd.Series, wrong: pd.Series, saying: str) -> None:
        """Note that the cells of a column (indexed by line) are wrong where `wrong` is true."""
        found = cells[wrong]
        name = str(cells.name)
        self.add(found.index, name, found, f"{name}: " + quoted(found) + f" {saying}")

    @property
    def lines(self) -> pd.Index:
        """The distinct lines that have any fault."""
        lines = [part["line"] for part in self._parts]
        return pd.Index(pd.concat(lines).unique()) if lines else pd.Index([], dtype="int64")

    def table(self) -> pd.DataFrame:
        """All faults, columns line, column, value, reason, in the order of the file."""
        empty = pd.DataFrame(columns=list(FAULT_COLUMNS))
        faults = pd.concat(self._parts, ignore_index=True) if self._parts else empty
        faults = faults.astype({name: "int64" if name == "line" else "str" for name in FAULT_COLUMNS})
        return faults.sort_values("line", kind="stable", ignore_index=True)


def frequent(faults: pd.DataFrame, most: int) -> tuple[Fault, ...]:
    """The most frequent reasons of a table of faults, each with its first line and the number of rows."""
    reasons = faults.groupby("reason", sort=False)
    firsts = reasons[["line", "column", "value"]].first().assign(rows=reasons.size()).reset_index()
    firsts = firsts.sort_values(["rows", "line"], ascending=[False, True]).head(most)
    ordered = firsts[["line", "column", "value", "reason", "rows"]]
    return tuple(Fault(*fault) for fault in ordered.to_numpy(dtype=object).tolist())


def quoted(values: pd.Series) -> pd.Series:
    """Texts as they are shown in a reason: in quotation marks, long ones cut, on one line.

    Control characters are shown as a mark, since a terminal would obey them.
    """
    long = values.str.len() > LONGEST_VALUE
    shown = values.where(~long, values.str.slice(0, LONGEST_VALUE) + "...")
    return "'" + shown.str.replace(_UNSEEN, "\ufffd", regex=True) + "'"
