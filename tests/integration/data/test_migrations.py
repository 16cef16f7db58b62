"""Migrations: up and down with rows in every table, never apart from the models, whole or not at all."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from data import migrate
from data.database import Database
from data.errors import DatabaseNotReadyError, InSeasonError
from data.records import Alert, AlertEvent, Record

if TYPE_CHECKING:
    from alembic.config import Config

VALUES = {
    sa.Integer: 1,
    sa.Boolean: True,
    sa.Float: 0.5,
    sa.Numeric: Decimal("9.99"),
    sa.Date: date(2026, 6, 14),
    sa.JSON: {"a": 1},
    sa.LargeBinary: b"a",
}
MIGRATE_AT = """
import sys, time
from data.database import Database
from data.migrate import upgrade
database = Database(sys.argv[1])
time.sleep(max(0, float(sys.argv[2]) - time.time()))
upgrade(database)
"""
A_STORE = "INSERT INTO stores (store_id, name, kind, climate_zone) VALUES ('a', 'a', 'store', '')"
AN_ALERT_OF_BEFORE = """
INSERT INTO alerts (alert_id, fingerprint, rule, store_id, style_id, season_code, category, condition, status,
    severity, units_lost, recoverable_units, money_lost, demand_ends, evidence, details, first_fired_on,
    evaluated_on, opened_at, closed_at, version)
VALUES (:id, :print, 'stockout_in_season', 'a', 'trunks', 'SS26', 'swim', 'firing', :status, 'high', 9.5, 3,
    99, '2026-09-19', 'observed', '{}', '2026-06-01', '2026-06-13', :at, :closed, 1)
"""
A_CHANGE_OF_BEFORE = """
INSERT INTO alert_events (alert_id, at, who, how, to_status, to_condition, reason)
VALUES (:id, :at, '', 'night', 'open', 'firing', :reason)
"""
REVISIONS = [script.revision for script in ScriptDirectory(str(migrate.SCRIPTS)).walk_revisions()]


def some_value(column: sa.Column) -> Any:
    """A value that the column takes, and to which other tables' rows can point."""
    if isinstance(column.type, sa.Enum):
        return next(iter(column.type.enum_class))
    if isinstance(column.type, sa.String):
        return "a"
    kinds = type(column.type).__mro__
    return next((VALUES[kind] for kind in kinds if kind in VALUES), datetime(2026, 6, 14, 12, tzinfo=UTC))


def fill_every_table(database: Database) -> None:
    with database.write() as session:
        for table in Record.metadata.sorted_tables:
            session.execute(
                table.insert().values({column.name: some_value(column) for column in table.columns})
            )


def rows_by_table(database: Database) -> dict[str, int]:
    with database.read() as session:
        present = sa.inspect(session.connection()).get_table_names()
        return {name: session.scalar(sa.text(f'SELECT count(*) FROM "{name}"')) for name in present}


def with_revision(tmp_path, database: Database, body: str) -> Config:
    """The project's migrations and one more, made for the test."""
    folder = tmp_path / "versions"
    folder.mkdir()
    (folder / "9999_for_the_test.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision, down_revision = '9999', {REVISIONS[0]!r}\n"
        f"def upgrade():\n    {body}\n"
        "def downgrade():\n    pass\n"
    )
    config = migrate._config(database)
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", f"{migrate.SCRIPTS / 'versions'}\n{folder}")
    return config


def test_the_migrations_make_exactly_the_tables_of_the_models(database):
    with database.engine.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            ),
            Record.metadata,
        )

    assert differences == []


def test_what_the_comparison_cannot_see_is_there_too(database):
    inspector = sa.inspect(database.engine)
    for table in Record.metadata.sorted_tables:
        checks = {check.name for check in table.constraints if isinstance(check, sa.CheckConstraint)}
        assert {check["name"] for check in inspector.get_check_constraints(table.name)} == checks
    partial = {
        index["name"]
        for name in ("alerts", "runs")
        for index in inspector.get_indexes(name)
        if any(key.endswith("_where") for key in index.get("dialect_options", {}))
    }
    assert partial == {"ix_alerts_dismissed", "uq_alerts_live_fingerprint", "uq_runs_night"}


def test_every_migration_goes_back_and_forth_with_rows_in_every_table(database):
    fill_every_table(database)
    assert set(rows_by_table(database).values()) == {1}

    for revision in [*REVISIONS[1:], "base"]:
        migrate.downgrade(database, revision)
    assert rows_by_table(database) == {"alembic_version": 0}

    for revision in reversed(REVISIONS):
        migrate.upgrade(database, revision)
    fill_every_table(database)
    assert len(rows_by_table(database)) == len(Record.metadata.sorted_tables) + 1


def test_migrating_again_changes_nothing(database):
    fill_every_table(database)

    migrate.upgrade(database)

    assert set(rows_by_table(database).values()) == {1}


def test_two_processes_that_migrate_a_new_database_at_once_both_succeed(empty_database):
    url = empty_database.url.render_as_string(hide_password=False)
    together = str(time.time() + 3)
    both = [subprocess.Popen([sys.executable, "-c", MIGRATE_AT, url, together]) for _ in range(2)]

    assert [process.wait(60) for process in both] == [0, 0]
    migrate.require_current(empty_database)


def test_rows_and_their_keys_survive_a_table_that_is_made_anew(database, tmp_path):
    fill_every_table(database)
    config = with_revision(
        tmp_path,
        database,
        "with op.batch_alter_table('stores', recreate='auto') as table:\n"
        "        table.alter_column('name', type_=sa.String(300), existing_type=sa.String(200))",
    )

    command.upgrade(config, "head")

    assert set(rows_by_table(database).values()) == {1}
    pointing = {key["referred_table"] for key in sa.inspect(database.engine).get_foreign_keys("alerts")}
    assert pointing == {"stores", "alerts"}
    with pytest.raises(sa.exc.IntegrityError), database.write() as session:
        session.execute(sa.text("DELETE FROM stores"))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            "op.add_column('stores', sa.Column('floor', sa.Integer())); raise ZeroDivisionError",
            ZeroDivisionError,
        ),
        ("op.add_column('stores', sa.Column('floor', sa.Integer())); op.execute('DELETE FROM stores')", None),
    ],
)
def test_a_migration_that_fails_leaves_nothing_behind(database, tmp_path, body, error):
    fill_every_table(database)
    expected = error or (InSeasonError if database.is_sqlite else sa.exc.IntegrityError)

    with pytest.raises(expected):
        command.upgrade(with_revision(tmp_path, database, body), "head")

    assert "floor" not in {column["name"] for column in sa.inspect(database.engine).get_columns("stores")}
    assert set(rows_by_table(database).values()) == {1}
    migrate.require_current(database)
    with pytest.raises(sa.exc.IntegrityError), database.write() as session:
        session.execute(sa.text("DELETE FROM stores"))


def test_a_database_without_tables_is_not_ready(empty_database):
    with pytest.raises(DatabaseNotReadyError, match="yet: run `inseason init`"):
        migrate.require_current(empty_database)


def test_a_file_that_is_not_there_is_not_made_by_asking(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/nowhere.db")

    with pytest.raises(DatabaseNotReadyError, match="There is no database at"):
        migrate.require_current(database)

    assert not (tmp_path / "nowhere.db").exists()


def test_a_database_of_another_version_says_which_and_what_to_run(database):
    with database.write() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))

    with pytest.raises(DatabaseNotReadyError, match=f"is at version 0000, this program needs {REVISIONS[0]}"):
        migrate.require_current(database)


def test_a_current_database_is_ready(database):
    migrate.require_current(database)
    current, head = migrate.revisions(database)
    assert current == head == REVISIONS[0]


def test_alerts_of_before_keep_their_history_and_get_the_days_of_their_life(database):
    migrate.downgrade(database, "0003")
    when = datetime(2026, 6, 14, 12, tzinfo=UTC)
    with database.write() as session:
        session.execute(sa.text(A_STORE))
        for alert_id, status, closed in ((1, "acknowledged", None), (2, "resolved", when)):
            values = {"id": alert_id, "print": f"p{alert_id}", "status": status, "at": when, "closed": closed}
            session.execute(sa.text(AN_ALERT_OF_BEFORE), values)
            for reason in ("opened", "the store's figures are late", "no longer found"):
                session.execute(sa.text(A_CHANGE_OF_BEFORE), {"id": alert_id, "at": when, "reason": reason})

    migrate.upgrade(database)

    with database.read() as session:
        taken, resolved = session.scalars(sa.select(Alert).order_by(Alert.alert_id)).all()
        events = session.scalars(sa.select(AlertEvent).where(AlertEvent.alert_id == 1)).all()
    assert [event.what for event in events] == ["fires", "becomes_unknown", "clears"]
    assert (taken.scope, taken.customers_lost, taken.opened_on) == ("store", 9.5, date(2026, 6, 1))
    assert (taken.closed_on, resolved.closed_on) == (None, date(2026, 6, 13))
    assert taken.season_ends == date(2026, 9, 19)
