"""Where facts are written and read: Delta tables, of which readers see published versions only.

A writer first takes a table back to its published version, so that what a killed run left behind is never
carried along; it then writes, and the caller publishes the new version in the SQL transaction that finishes
the run. Writers hold `data.locks.only_writer`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, QueryBuilder, write_deltalake
from deltalake import Field as DeltaField
from sqlalchemy import func, select

from data.facts.tables import BY_CATEGORY, TABLES, FactsTable
from data.records import Publication

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import date

    from sqlalchemy.orm import Session

    from data.database import Database
    from data.records import Run

    type_progress = Callable[[str, int, int], None]

_RETRIES = 20
# Whoever reads an older version, such as a night taken up again, has a week to finish.
_KEPT_HOURS = 7 * 24


@dataclass(frozen=True)
class Snapshot:
    """Published versions of all tables at one moment: what a reader opens, small enough for a worker."""

    uri: str
    versions: Mapping[str, int] = field(default_factory=dict)

    def query(self, statement: str) -> pd.DataFrame:
        """Answer a SQL statement over the tables it names (see `data.facts.tables`)."""
        frame: pd.DataFrame = self.arrow(statement).to_pandas(date_as_object=False)
        return frame

    def arrow(self, statement: str) -> pa.Table:
        """The same as an arrow table."""
        builder = QueryBuilder()
        for name, table in TABLES.items():
            if name in statement:
                _register(builder, table, self._open(name))
        return pa.table(builder.execute(statement))

    def _open(self, name: str) -> DeltaTable:
        return DeltaTable(table_uri(self.uri, name), version=self.versions.get(name, 0))


class FactsStore:
    """The facts under one folder or object-store address."""

    def __init__(self, uri: str, database: Database) -> None:
        self.uri = uri
        self._database = database

    def prepare(self) -> None:
        """Create the tables that are not there yet, empty, as version 0."""
        for table in TABLES.values():
            DeltaTable.create(
                table_uri(self.uri, table.name), table.schema, mode="ignore", partition_by=[table.partition]
            )

    def snapshot(self) -> Snapshot:
        """The newest published version of every table."""
        with self._database.read() as session:
            return Snapshot(self.uri, self._published(session))

    def publish(self, session: Session, run: Run, versions: Mapping[str, int]) -> None:
        """Make versions visible, inside the caller's transaction."""
        session.add_all(
            Publication(run_id=run.run_id, table_name=name, version=version)
            for name, version in versions.items()
        )

    def replace_pairs(
        self, name: str, frame: pd.DataFrame, *, run_id: int, progress: type_progress | None = None
    ) -> int:
        """Write rows in the place of exactly the (day, store_id) pairs that they cover.

        Whole months are rewritten, each with its other rows kept: one month at a time bounds the memory,
        and a rewrite by partition is many times cheaper than a MERGE.

        Args:
            name: a table with days: sales, stock, receipts or requests.
            frame: the rows, with the columns of `data.facts.tables`; the month is worked out here.
            run_id: kept in the metadata of each commit, and in `loaded_by` where the table has it.
            progress: told (what, done, of how many) after each month.

        Returns:
            The version written; not visible until it is published.
        """
        table = TABLES[name]
        if table.day is None:
            raise ValueError(f"{name} is not loaded by day")
        rows = _by_month(table, frame).assign(loaded_by=run_id)
        target = self._writable(name)
        here = {part["month"] for part in target.partitions()}
        months = sorted(rows["month"].unique())
        fresh = rows[~rows["month"].isin(here)]
        if len(fresh):
            self._write(table, fresh, run_id, mode="append")
        done = len(set(months) - here)
        for month in sorted(set(months) & here):
            covered = rows[rows["month"] == month]
            merged = pd.concat([_kept(target, table, month, covered), covered], ignore_index=True)
            self._write(table, merged, run_id, mode="overwrite", predicate=f"month = '{month}'")
            done += 1
            if progress:
                progress(f"writing {name}", done, len(months))
        return self._version(name)

    def replace_recorded(self, name: str, frame: pd.DataFrame, *, gone: Collection[int], run_id: int) -> int:
        """Write rows that people recorded in the app beside what deliveries brought, each number once.

        Args:
            name: a table with recorded rows: requests.
            frame: the rows, with the columns of `data.facts.tables`; those with their numbers are replaced.
            gone: numbers of rows to take away.
            run_id: kept in the metadata of each commit.

        Returns:
            The version written; not visible until it is published.
        """
        table = TABLES[name]
        rows = _by_month(table, frame)
        target = self._writable(name)
        present = _query(target, f"SELECT month, {table.recorded} FROM present WHERE {table.recorded} > 0")
        replaced = pd.Index([*rows[table.recorded], *gone])
        stale = present[present[table.recorded].isin(replaced)]
        for month in sorted({*rows["month"], *stale["month"]}):
            there = _query(target, f"SELECT * FROM present WHERE month = '{month}'")
            kept = there[~there[table.recorded].isin(replaced)]
            merged = pd.concat([kept, rows[rows["month"] == month]], ignore_index=True)
            self._write(table, merged, run_id, mode="overwrite", predicate=f"month = '{month}'")
        return self._version(name)

    def replace_all(self, name: str, frame: pd.DataFrame, *, run_id: int) -> int:
        """Write rows in the place of all rows of a table the service computes; returns the new version."""
        self._writable(name)
        self._write(TABLES[name], frame, run_id, mode="overwrite")
        return self._version(name)

    def begin_forecasts(self) -> dict[str, int]:
        """Take the tables of `BY_CATEGORY` back to what is published, before a night writes its own.

        Returns:
            Each table's version to write on.
        """
        return {name: int(self._writable(name).version()) for name in BY_CATEGORY}

    def forget(self) -> None:
        """Delete the files that no version of the last week needs; what is published always stays."""
        versions = self.snapshot().versions
        for name in TABLES:
            table = DeltaTable(table_uri(self.uri, name))
            # What a killed writer left on top of the published version, its successor clears away.
            if table.version() == versions.get(name, 0):
                table.vacuum(retention_hours=_KEPT_HOURS, dry_run=False, full=True)

    def version(self, name: str) -> int:
        """The newest version written, published or not."""
        return self._version(name)

    def _published(self, session: Session) -> dict[str, int]:
        newest = select(Publication.table_name, func.max(Publication.version)).group_by(
            Publication.table_name
        )
        return dict(session.execute(newest).all())

    def _writable(self, name: str) -> DeltaTable:
        """The table at its published state, whatever a killed writer left on top of it."""
        table = DeltaTable(table_uri(self.uri, name))
        with self._database.read() as session:
            published = self._published(session).get(name, 0)
        if table.version() > published:
            table.restore(published)
            table.update_incremental()
        if lacking := _lacking(TABLES[name], table):
            table.alter.add_columns([DeltaField.from_arrow(field) for field in lacking])
        return table

    def _write(self, table: FactsTable, rows: pd.DataFrame, run_id: int, **how: Any) -> None:
        write_rows(self.uri, table, rows, run_id=run_id, **how)

    def _version(self, name: str) -> int:
        return int(DeltaTable(table_uri(self.uri, name)).version())


def write_forecasts(
    uri: str, rows: pd.DataFrame, *, category: str, as_of: date, run_id: int, table: str = "forecasts"
) -> None:
    """Write what one night tells of one category in the place of what that night wrote before.

    Several processes may do so at once, each for its own category.

    Args:
        uri: where the facts are.
        rows: the rows, none among them; category and as_of are put in here.
        category: its code.
        as_of: the night's business date.
        run_id: kept in the metadata of the commit.
        table: one of `BY_CATEGORY`.
    """
    quoted = category.replace("'", "''")
    predicate = f"category = '{quoted}' AND as_of = DATE '{as_of.isoformat()}'"
    told = rows.assign(category=category, as_of=as_of)
    write_rows(uri, TABLES[table], told, run_id=run_id, mode="overwrite", predicate=predicate)


def write_rows(uri: str, table: FactsTable, rows: pd.DataFrame, *, run_id: int, **how: Any) -> None:
    """One commit of rows in the table's order, the run's id in its metadata."""
    ordered = rows.sort_values(list(table.order))
    missing = [field.name for field in table.schema if field.name not in ordered.columns]
    ordered = ordered.assign(**dict.fromkeys(missing))
    write_deltalake(
        table_uri(uri, table.name),
        pa.Table.from_pandas(ordered[table.schema.names], schema=table.schema, preserve_index=False),
        partition_by=[table.partition],
        commit_properties=CommitProperties(
            custom_metadata={"run_id": str(run_id)}, max_commit_retries=_RETRIES
        ),
        **how,
    )


def table_uri(uri: str, name: str) -> str:
    """Where a table lives."""
    return f"{uri.rstrip('/')}/{name}"


def _register(builder: QueryBuilder, table: FactsTable, stored: DeltaTable) -> None:
    """Let a query know a table, with every column that it has now, however old the version is."""
    lacking = _lacking(table, stored)
    if not lacking:
        builder.register(table.name, stored)
        return
    builder.register(f"{table.name}_stored", stored)
    added = ", ".join(f"{table.earlier[field.name]} AS {field.name}" for field in lacking)
    pa.table(builder.execute(f"CREATE VIEW {table.name} AS SELECT *, {added} FROM {table.name}_stored"))


def _lacking(table: FactsTable, stored: DeltaTable) -> list[pa.Field]:
    """The columns that a stored version was made without."""
    present = {column.name for column in stored.schema().fields}
    return [field for field in table.schema if field.name not in present]


def _by_month(table: FactsTable, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows with their days as instants, and the month that each belongs to."""
    days = pd.to_datetime(frame[table.day])
    return frame.assign(**{str(table.day): days}, month=days.dt.strftime("%Y-%m"))


def _kept(target: DeltaTable, table: FactsTable, month: str, covered: pd.DataFrame) -> pd.DataFrame:
    """The rows of a month that a delivery does not replace.

    Those are of other (day, store_id) pairs than it covers, or were recorded in the app.
    """
    present = _query(target, f"SELECT * FROM present WHERE month = '{month}'")
    pairs = pd.MultiIndex.from_arrays([pd.to_datetime(covered[table.day]), covered["store_id"]]).unique()
    of_present = pd.MultiIndex.from_arrays([pd.to_datetime(present[table.day]), present["store_id"]])
    kept = ~of_present.isin(pairs)
    if table.recorded:
        kept |= present[table.recorded].notna().to_numpy()
    return present[kept]


def _query(target: DeltaTable, statement: str) -> pd.DataFrame:
    """Answer a statement over one table, called `present`."""
    builder = QueryBuilder().register("present", target)
    frame: pd.DataFrame = pa.table(builder.execute(statement)).to_pandas(date_as_object=False)
    return frame
