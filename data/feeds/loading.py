"""A file on its way in: read, checked, and its good rows loaded under a run of their own."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import select

from data.errors import FileRefusedError
from data.feeds.calendars import plan_calendar, save_calendar
from data.feeds.checking import check
from data.feeds.faults import frequent
from data.feeds.keyed import TABLES, save_rows
from data.feeds.reading import read_feed
from data.feeds.references import load_references
from data.feeds.rejects import write_rejects
from data.feeds.reports import FAULTS_SHOWN, LINES_NAMED, Changes, Coverage, ImportReport
from data.feeds.specs import FACT_KINDS, FEEDS
from data.locks import only_writer
from data.records import Run, RunKind, RunState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from pathlib import Path

    import pandas as pd
    from sqlalchemy.orm import Session

    from data.clock import Clock
    from data.database import Database
    from data.feeds.checking import Checked
    from data.feeds.columns import FeedSpec, Reference
    from data.feeds.reading import RawFeed
    from data.feeds.references import References
    from data.feeds.reports import Progress
    from data.settings import Settings

WAIT_SECONDS: Final = 60.0
_COME_FIRST: Final[tuple[tuple[Reference, str], ...]] = (("store", "stores"), ("sku", "products"))


class FactsWriter(Protocol):
    """What an import needs of the facts (`data.facts.FactsStore` has it)."""

    def replace_pairs(
        self, name: str, frame: pd.DataFrame, *, run_id: int, progress: Progress | None = None
    ) -> int:
        """Write rows in the place of the (day, store_id) pairs they cover; returns the version."""

    def publish(self, session: Session, run: Run, versions: Mapping[str, int]) -> None:
        """Make versions visible, inside the caller's transaction."""


@dataclass(frozen=True)
class Door:
    """What every step of an import has to hand; `name` is what people call the file, `by` who brings it."""

    spec: FeedSpec
    path: Path
    database: Database
    facts: FactsWriter
    settings: Settings
    clock: Clock
    progress: Progress | None
    name: str
    by: str


def import_feed(
    kind: str,
    path: Path,
    *,
    database: Database,
    facts: FactsWriter,
    settings: Settings,
    clock: Clock,
    dry_run: bool = False,
    progress: Progress | None = None,
    wait_seconds: float = WAIT_SECONDS,
    name: str = "",
    by: str = "",
) -> ImportReport:
    """Import a file: load its good rows, write the others to a file of rejects.

    Loading a file again changes nothing: facts replace what they cover, and of the records only those that
    differ are written.

    Args:
        kind: one of `FEEDS`.
        path: the file, plain or compressed with gzip.
        database: the records.
        facts: where sales, stock, receipts and requests are kept.
        settings: for the var folder, the chain's time zone and the first day of its week.
        clock: for today's date, and the machine's own time for when the run was.
        dry_run: load nothing and leave no run; the file of rejects is written all the same.
        progress: told how far it is.
        wait_seconds: how long to wait for another import or night to end.
        name: what people call the file, where it lies under another name.
        by: e-mail of who loads it; blank for a command or a night.

    Raises:
        FileRefusedError: when the file as a whole cannot be taken; nothing is changed.
        BusyError: when another import or night does not end in time.
    """
    began = time.monotonic()
    door = Door(FEEDS[kind], path, database, facts, settings, clock, progress, name or path.name, by)
    raw, checked = sort_out(door)
    rejects_path = keep_rejects(door, raw, checked)
    run_id, changes = None, Changes()
    if not dry_run:
        with only_writer(database, wait_seconds=wait_seconds):
            run_id, changes = _load(door, raw, checked, rejects_path)
    lines = checked.rejects["line"].unique()
    return ImportReport(
        kind=kind,
        path=path,
        dry_run=dry_run,
        rows_read=raw.rows,
        rows_loaded=len(checked.good),
        rows_rejected=len(lines),
        rejects_path=rejects_path,
        faults=frequent(checked.rejects, FAULTS_SHOWN),
        rejected_lines=tuple(int(line) for line in lines[:LINES_NAMED]),
        notes=checked.notes,
        changes=changes,
        coverage=_coverage(door.spec, checked.good),
        run_id=run_id,
        seconds=time.monotonic() - began,
    )


def sort_out(door: Door) -> tuple[RawFeed, Checked]:
    """Read and check a file, and change nothing.

    Raises:
        FileRefusedError: when the file as a whole cannot be taken.
    """
    references = load_references(door.database)
    try:
        _require_known(door.spec, references)
        _tell(door, "reading")
        raw = read_feed(door.spec, door.path)
        _tell(door, "checking")
        today = _today(door, references)
        return raw, check(door.spec, raw, references, settings=door.settings, today=today)
    except FileRefusedError as error:
        raise FileRefusedError(f"{door.name} was not taken: {error}.") from error


def _require_known(spec: FeedSpec, references: References) -> None:
    """Before any store is known every row would be rejected, and that is not what is wrong."""
    for reference, kind in _COME_FIRST:
        needed = any(column.required and column.refers_to == reference for column in spec.columns)
        if needed and not references.known(reference):
            raise FileRefusedError(f"no {kind} are known yet; import {kind} first")


def _tell(door: Door, phase: str) -> None:
    if door.progress:
        door.progress(f"{phase} {door.name}", 0, 0)


def _today(door: Door, references: References) -> date:
    """Today's date where it is latest: a store far to the east may be a day ahead of the chain."""
    now = door.clock.now()
    zones = {ZoneInfo(zone) for zone in references.timezones.values() if zone} | {door.settings.timezone}
    return max(now.astimezone(zone).date() for zone in zones)


def keep_rejects(door: Door, raw: RawFeed, checked: Checked) -> Path | None:
    """Write the rows that are not taken to a file of their own, if there are any; where it is."""
    if not len(checked.rejects):
        return None
    folder = door.settings.var / "rejects"
    return write_rejects(
        folder, door.name, door.spec.kind, raw=raw, rejects=checked.rejects, now=door.clock.machine_now()
    )


def _load(door: Door, raw: RawFeed, checked: Checked, rejects_path: Path | None) -> tuple[int, Changes]:
    """Load under a run, which is marked as failed when anything goes wrong."""
    _close_dead_imports(door.database, door.clock.machine_now())
    details = {
        "feed": door.spec.kind,
        "file": door.name,
        "by": door.by,
        "rows_read": raw.rows,
        "rows_loaded": len(checked.good),
        "rows_rejected": int(checked.rejects["line"].nunique()),
        "rejects": str(rejects_path) if rejects_path else None,
        "faults": faults_told(checked.rejects),
        "notes": list(checked.notes),
    }
    began = door.clock.machine_now()
    with door.database.write() as session:
        run = Run(kind=RunKind.IMPORT, feed=door.spec.kind, started_at=began, details=details, steps=[])
        session.add(run)
        session.flush()
        run_id = run.run_id
    try:
        return run_id, _write(door, checked.good, run_id)
    except BaseException as error:
        with door.database.write() as session:
            session.get_one(Run, run_id).fail(door.clock.machine_now(), f"{type(error).__name__}: {error}")
        raise


def faults_told(rejects: pd.DataFrame) -> list[dict[str, Any]]:
    """The most frequent reasons as plain values: line, column, reason, rows; the reason quotes the value."""
    told = [asdict(fault) for fault in frequent(rejects, FAULTS_SHOWN)]
    return [{name: fault[name] for name in ("line", "column", "reason", "rows")} for fault in told]


def _write(door: Door, good: pd.DataFrame, run_id: int) -> Changes:
    """Write the good rows; the last transaction makes them visible and ends the run."""
    kind, changes = door.spec.kind, Changes()
    versions: dict[str, int] = {}
    plan = None
    if len(good) and kind in FACT_KINDS:
        frame = facts_frame(door.spec, good)
        versions[kind] = door.facts.replace_pairs(kind, frame, run_id=run_id, progress=door.progress)
    elif len(good) and kind in TABLES:
        changes = save_rows(door.database, door.spec, good, progress=door.progress)
    elif len(good):
        plan = plan_calendar(door.database, door.spec, good)
        changes = plan.changes
    now = door.clock.machine_now()
    with door.database.write() as session:
        run = session.get_one(Run, run_id)
        if plan:
            reason = f"{kind} from {door.name}"
            save_calendar(session, plan, author=door.by or "import", reason=reason, now=now)
        if versions:
            door.facts.publish(session, run, versions)
        coverage = _coverage(door.spec, good)
        run.details = run.details | {"told": str(coverage or changes)}
        run.succeed(now, _outcome(run.details, changes, coverage))
    return changes


def _outcome(details: Mapping[str, Any], changes: Changes, coverage: Coverage | None) -> str:
    told = f"{details['feed']} from {details['file']}: {details['rows_loaded']:,} rows loaded"
    told += f" ({coverage or changes})" if str(coverage or changes) else ""
    return told + (f", {details['rows_rejected']:,} rejected." if details["rows_rejected"] else ".")


def _close_dead_imports(database: Database, now: datetime) -> None:
    """Whoever is the only writer knows that an import which still runs is one whose process died."""
    dead = select(Run).where(Run.kind == RunKind.IMPORT, Run.state == RunState.RUNNING)
    with database.write() as session:
        for run in session.scalars(dead):
            run.fail(now, "Its process died before it was done; import the file again.")


def facts_frame(spec: FeedSpec, good: pd.DataFrame) -> pd.DataFrame:
    """Checked rows with all columns of their kind, blank cells as what they mean, numbered from 0."""
    frame = good.reset_index(drop=True)
    for column in spec.columns:
        if column.name not in frame:
            frame[column.name] = column.default
        elif column.default is not None:
            frame[column.name] = frame[column.name].fillna(column.default)
        if column.required and column.name == "units":
            frame[column.name] = frame[column.name].astype("int64")
    return frame


def _coverage(spec: FeedSpec, good: pd.DataFrame) -> Coverage | None:
    if spec.kind not in FACT_KINDS or not len(good):
        return None
    days = good[spec.covers[0]]
    pairs = len(good.drop_duplicates(list(spec.covers)))
    return Coverage(pairs, days.min().date(), days.max().date())
