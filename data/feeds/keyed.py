"""Rows that have a key of their own, brought into the records: only what differs is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, delete, insert, select, update

from data.feeds.columns import ColumnKind
from data.feeds.reports import Changes
from data.records import ClimateNormal, Price, Product, Ranging, Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd
    from sqlalchemy.orm import Session

    from data.database import Database
    from data.feeds.columns import Column, FeedSpec
    from data.feeds.reports import Progress
    from data.records import Record

    Row = dict[str, Any]
    Key = tuple[Any, ...]

# Rows per transaction, and keys asked for at once.
BATCH: Final = 300
CHANGES_TOLD: Final = 10


@dataclass(frozen=True)
class KeyedTable:
    """Where a kind of feed is kept.

    `renamed` maps columns of the feed to those of the record; `blank_as` columns to those they repeat when
    blank.
    """

    record: type[Record]
    renamed: Mapping[str, str] = field(default_factory=dict)
    blank_as: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the primary key."""
        return tuple(column.name for column in self.record.__table__.primary_key)

    def key_of(self, row: Mapping[str, Any]) -> Key:
        """The primary key of a row."""
        return tuple(row[name] for name in self.key)


TABLES: Final = {
    "stores": KeyedTable(Store, blank_as={"name": "store_id"}),
    "products": KeyedTable(Product),
    "prices": KeyedTable(Price),
    "ranging": KeyedTable(Ranging, renamed={"from": "valid_from", "to": "valid_to"}),
    "climate": KeyedTable(ClimateNormal),
}


@dataclass(frozen=True)
class Change:
    """How a file would change one record: which one, and of each column that differs what was and will be."""

    key: str
    columns: tuple[tuple[str, str, str], ...]


@dataclass
class _Group:
    """What is to be done for the rows that are replaced together (or for one row)."""

    inserts: list[Row] = field(default_factory=list)
    updates: list[Row] = field(default_factory=list)
    deletes: list[Row] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.inserts) + len(self.updates) + len(self.deletes)


def save_rows(
    database: Database, spec: FeedSpec, good: pd.DataFrame, *, progress: Progress | None = None
) -> Changes:
    """Make the records agree with checked rows, in transactions of a few hundred rows.

    Where the feed covers groups (the prices of a sku), rows of a group that the file does not have are
    removed, and each group is changed in one transaction unless it alone is larger than that. Else only the
    columns of the file are touched.
    """
    table = TABLES[spec.kind]
    rows = record_rows(spec, good, table)
    groups, changes = _plan(spec, table, rows, _existing(database, table, rows))
    total, done = sum(len(group) for group in groups), 0
    for batch in _batches(groups):
        with database.write() as session:
            _apply(session, table, batch)
        done += len(batch)
        if progress:
            progress(f"writing {spec.kind}", done, total)
    return changes


def planned_changes(database: Database, spec: FeedSpec, good: pd.DataFrame) -> tuple[Changes, list[Change]]:
    """What `save_rows` would do now, without doing it: the numbers, and the first changed records."""
    table = TABLES[spec.kind]
    rows = record_rows(spec, good, table)
    existing = _existing(database, table, rows)
    groups, changes = _plan(spec, table, rows, existing)
    updates = (row for group in groups for row in group.updates)
    return changes, [
        _change(table, row, existing[table.key_of(row)]) for row in islice(updates, CHANGES_TOLD)
    ]


def _change(table: KeyedTable, row: Row, before: Row) -> Change:
    feed_names = {kept: name for name, kept in table.renamed.items()}
    differs = [name for name, value in row.items() if before[name] != value]
    return Change(
        " ".join(str(row[name]) for name in table.key if row[name] not in ("", date.min)),
        tuple((feed_names.get(name, name), _shown(before[name]), _shown(row[name])) for name in differs),
    )


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def record_rows(spec: FeedSpec, good: pd.DataFrame, table: KeyedTable | None = None) -> list[Row]:
    """Checked rows as values of records, under the records' names.

    Columns that the file lacks are filled with their defaults where the feed replaces whole groups.
    """
    table = table or KeyedTable(Store)
    columns: dict[str, list[Any]] = {}
    for column in spec.columns:
        name = table.renamed.get(column.name, column.name)
        if column.name in good:
            columns[name] = _values(good[column.name], column)
        elif spec.covers:
            columns[name] = [column.default] * len(good)
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    for name, source in table.blank_as.items():
        for row in rows:
            if name in row:
                row[name] = row[name] or row[source]
    return rows


def _values(cells: pd.Series, column: Column) -> list[Any]:
    missing = cells.isna().to_list()
    match column.kind:
        case ColumnKind.DATE:
            values = cells.dt.date.to_list()
        case ColumnKind.MONEY:
            values = [Decimal(f"{cell:.2f}") for cell in cells.fillna(0)]
        case ColumnKind.INTEGER:
            values = [int(cell) for cell in cells.fillna(0)]
        case _:
            values = cells.to_list()
    return [column.default if gone else value for value, gone in zip(values, missing, strict=True)]


def _existing(database: Database, table: KeyedTable, rows: list[Row]) -> dict[Key, Row]:
    """The records that share the first column of the key with the rows."""
    columns = list(table.record.__table__.columns)
    first = table.key[0]
    found: dict[Key, Row] = {}
    with database.read() as session:
        for some in _chunks(sorted({row[first] for row in rows})):
            asked = select(*columns).where(table.record.__table__.columns[first].in_(some))
            for record in session.execute(asked).mappings():
                row = {column.name: record[column] for column in columns}
                found[table.key_of(row)] = row
    return found


def _plan(
    spec: FeedSpec, table: KeyedTable, rows: list[Row], existing: Mapping[Key, Row]
) -> tuple[list[_Group], Changes]:
    by = [table.renamed.get(name, name) for name in spec.covers] or list(table.key)
    groups: dict[Key, _Group] = {}
    unchanged = 0
    for row in rows:
        group = groups.setdefault(tuple(row[name] for name in by), _Group())
        known = existing.get(table.key_of(row))
        if known is None:
            group.inserts.append(_completed(spec, table, row))
        elif any(known[name] != value for name, value in row.items()):
            group.updates.append(row)
        else:
            unchanged += 1
    if spec.covers:
        told = {table.key_of(row) for row in rows}
        for key, row in existing.items():
            group_key = tuple(row[name] for name in by)
            if key not in told and group_key in groups:
                groups[group_key].deletes.append(dict(zip(table.key, key, strict=True)))
    planned = list(groups.values())
    changes = Changes(
        created=sum(len(group.inserts) for group in planned),
        changed=sum(len(group.updates) for group in planned),
        unchanged=unchanged,
        removed=sum(len(group.deletes) for group in planned),
    )
    return [group for group in planned if len(group)], changes


def _completed(spec: FeedSpec, table: KeyedTable, row: Row) -> Row:
    """A new record has every column, whatever the file has."""
    defaults = {table.renamed.get(column.name, column.name): column.default for column in spec.columns}
    for name, source in table.blank_as.items():
        defaults[name] = row[source]
    return defaults | row


def _batches(groups: list[_Group]) -> Iterator[_Group]:
    batch = _Group()
    for group in groups:
        if len(batch) and len(batch) + len(group) > BATCH:
            yield batch
            batch = _Group()
        batch.inserts += group.inserts
        batch.updates += group.updates
        batch.deletes += group.deletes
    if len(batch):
        yield batch


def _apply(session: Session, table: KeyedTable, group: _Group) -> None:
    if group.deletes:
        kept = table.record.__table__
        statement = delete(table.record).where(
            and_(*(kept.columns[name] == bindparam(f"the_{name}") for name in table.key))
        )
        doomed = [{f"the_{name}": value for name, value in row.items()} for row in group.deletes]
        session.connection().execute(statement, doomed)
    if group.inserts:
        session.execute(insert(table.record), group.inserts)
    if group.updates:
        session.execute(update(table.record), group.updates)


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    waiting = iter(values)
    while chunk := list(islice(waiting, BATCH)):
        yield chunk
