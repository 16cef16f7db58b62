"""What came of an import, in figures and in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

LINES_NAMED: Final = 10
FAULTS_SHOWN: Final = 20


class Progress(Protocol):
    """Is told what is being done, how much of it is done, and of how much; both 0 when nobody knows."""

    def __call__(self, phase: str, done: int, total: int, /) -> None:
        """Take note."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a cell, or with a whole row where `column` is blank: one reason, and how often.

    `line` and `value` are those of the first of `rows` rows that have this fault.
    """

    line: int
    column: str
    value: str
    reason: str
    rows: int


@dataclass(frozen=True)
class Changes:
    """What became of the records that a file is about; None where only the loading itself could tell."""

    created: int | None = None
    changed: int | None = None
    unchanged: int | None = None
    removed: int | None = None

    def __str__(self) -> str:
        """Such as `3 created, 1 changed, 96 unchanged`; what there is none of is left out."""
        counts = {
            "created": self.created,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "removed": self.removed,
        }
        return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


@dataclass(frozen=True)
class Coverage:
    """How many days and stores together (pairs) a file of facts covers, and from when to when."""

    pairs: int
    first: date
    last: date

    def __str__(self) -> str:
        """Such as `60 store days from 2025-06-01 to 2025-06-30`."""
        span = f"on {self.first}" if self.first == self.last else f"from {self.first} to {self.last}"
        return f"{self.pairs:,} store day{'s' if self.pairs > 1 else ''} {span}"


@dataclass(frozen=True)
class ImportReport:
    """One imported file.

    `rows_rejected` counts lines; `faults` holds the most frequent reasons, the file at `rejects_path` every
    row. `run_id` is None for a dry run, which loads nothing: `rows_loaded` then says what would be loaded.
    """

    kind: str
    path: Path
    dry_run: bool
    rows_read: int
    rows_loaded: int
    rows_rejected: int
    rejects_path: Path | None
    faults: tuple[Fault, ...]
    rejected_lines: tuple[int, ...]
    notes: tuple[str, ...]
    changes: Changes
    coverage: Coverage | None
    run_id: int | None
    seconds: float

    @property
    def summary(self) -> str:
        """The whole of it in a sentence or two."""
        return summarise(self)


@dataclass(frozen=True)
class Refusal:
    """A waiting file that was not taken, why, and where it lies now."""

    path: Path
    reason: str
    moved_to: Path


def summarise(report: ImportReport) -> str:
    """Say what was read, loaded and rejected, and where to look."""
    would = "would be " if report.dry_run else ""
    of = "" if not report.rows_rejected else f" of {report.rows_read:,}"
    plural = "s" if report.rows_read != 1 else ""
    told = f"{report.kind} from {report.path.name}: {report.rows_loaded:,}{of} row{plural} {would}loaded"
    if details := str(report.coverage or report.changes):
        told += f" ({details})"
    if report.rows_rejected:
        told += f", {report.rows_rejected:,} rejected: {_named(report)}"
        told += f"; see {report.rejects_path}" if report.rejects_path else ""
    return told + "."


def _named(report: ImportReport) -> str:
    lines = [str(line) for line in report.rejected_lines[:LINES_NAMED]]
    if (more := report.rows_rejected - len(lines)) > 0:
        return f"lines {', '.join(lines)} and {more:,} more"
    if len(lines) == 1:
        return f"line {lines[0]}"
    return f"lines {', '.join(lines[:-1])} and {lines[-1]}"
