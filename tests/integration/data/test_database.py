"""The records' database: transactions that are whole, writers that wait, instants that keep their zone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from threading import Barrier

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from data.database import Database
from data.errors import DatabaseNotReadyError
from data.records import Person, PersonStore, Price, Product, Role, Run, RunKind, Store


def make_store(store_id: str) -> Store:
    return Store(store_id=store_id, name=store_id)


def count_stores(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Store)) or 0


def test_what_a_block_writes_is_there_for_the_next_reader(database):
    with database.write() as session:
        session.add(make_store("one"))

    assert count_stores(database) == 1


def test_an_error_takes_back_the_whole_block(database):
    def fail_half_way() -> None:
        with database.write() as session:
            session.add(make_store("one"))
            session.flush()
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()

    assert count_stores(database) == 0


def test_a_reading_block_changes_nothing(database):
    with database.read() as session:
        session.add(make_store("one"))
        session.flush()

    assert count_stores(database) == 0


def test_what_was_read_stays_usable_after_its_block(database):
    with database.write() as session:
        session.add(made := make_store("one"))
    with database.read() as session:
        read = session.get_one(Store, "one")

    assert (made.name, read.name) == ("one", "one")


def test_a_row_that_points_nowhere_is_refused(database):
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(Price(sku="nothing", effective_from=date(2026, 6, 1), price=1))


def test_the_last_of_a_hundred_small_writers_in_eight_threads_gets_its_turn(database):
    def write(number: int) -> None:
        with database.write() as session:
            session.scalar(select(func.count()).select_from(Store))  # read first: what used to fail on SQLite
            session.add(make_store(f"store-{number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(100)))

    assert count_stores(database) == 100


def test_a_writer_that_reads_first_counts_what_the_other_writer_wrote(tmp_path, migrated_sqlite_file):
    path = tmp_path / "inseason.db"
    path.write_bytes(migrated_sqlite_file.read_bytes())
    database = Database(f"sqlite:///{path}")
    start = Barrier(2)

    def write_the_next(_: int) -> None:
        start.wait()
        for _round in range(10):
            with database.write() as session:
                number = session.scalar(select(func.count()).select_from(Store))
                session.add(make_store(f"store-{number}"))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write_the_next, range(2)))

    assert count_stores(database) == 20
    database.dispose()


def test_readers_are_not_held_up_by_a_writer(database):
    with database.write() as session:
        session.add(make_store("one"))
        session.flush()

        assert count_stores(database) == 0


@pytest.mark.parametrize("_attempt", range(3))
def test_processes_that_open_a_new_sqlite_file_together_all_get_it(tmp_path, _attempt):
    start = Barrier(6)

    def open_it(_: int) -> str:
        start.wait()
        database = Database(f"sqlite:///{tmp_path}/new/inseason.db")
        with database.read() as session:
            mode = session.scalar(text("PRAGMA journal_mode"))
        database.dispose()
        return mode

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(open_it, range(6))) == {"wal"}


def test_sqlite_is_patient_checks_its_keys_and_keeps_a_log(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/inseason.db")
    with database.read() as session:
        pragmas = {name: session.scalar(text(f"PRAGMA {name}")) for name in ("busy_timeout", "foreign_keys")}
        mode = session.scalar(text("PRAGMA journal_mode"))
    database.dispose()

    assert pragmas == {"busy_timeout": 15_000, "foreign_keys": 1}
    assert mode == "wal"


def test_an_instant_comes_back_aware_and_in_utc(database):
    in_denver = datetime(2026, 6, 14, 6, 30, tzinfo=timezone(timedelta(hours=-6)))
    with database.write() as session:
        session.add(Run(kind=RunKind.IMPORT, started_at=in_denver))
    with database.read() as session:
        run = session.scalars(select(Run)).one()

    assert run.started_at == in_denver
    assert run.started_at.tzinfo is UTC


def test_an_instant_is_found_by_itself_in_another_time_zone(database, noon):
    with database.write() as session:
        session.add(Run(kind=RunKind.IMPORT, started_at=noon))
    with database.read() as session:
        in_tokyo = noon.astimezone(timezone(timedelta(hours=9)))

        assert session.scalars(select(Run).where(Run.started_at == in_tokyo)).one_or_none() is not None
        assert session.scalars(select(Run).where(Run.started_at < in_tokyo)).one_or_none() is None


def test_an_instant_without_a_time_zone_is_refused(database, noon):
    with pytest.raises(StatementError, match="an instant needs a time zone"), database.write() as session:
        session.add(Run(kind=RunKind.IMPORT, started_at=noon.replace(tzinfo=None)))


def test_choices_and_money_come_back_as_what_they_were(database):
    with database.write() as session:
        session.add(Product(sku="trunks-m", style_id="trunks", category="swim trunks", regular_price="19.98"))
    with database.read() as session:
        product = session.get_one(Product, "trunks-m")
        stored = session.scalar(text("SELECT buy_type FROM products"))

    assert str(product.regular_price) == "19.98"
    assert stored == "replenished" == product.buy_type


def test_a_person_comes_with_the_stores_and_goes_with_them(database, store, noon):
    with database.write() as session:
        person = Person(email="ana@example.com", name="Ana", role=Role.STORE_MANAGER, created_at=noon)
        person.set_password("correct horse battery")
        person.stores.append(PersonStore(store_id=store))
        session.add(person)
    with database.write() as session:
        found = session.scalars(select(Person)).one()
        assert found.store_ids == {store}
        session.delete(found)

    with database.read() as session:
        assert session.scalars(select(PersonStore)).all() == []


def test_a_database_without_tables_says_what_to_run(empty_database):
    with pytest.raises(DatabaseNotReadyError, match="has no tables yet: run `inseason init`"):
        count_stores(empty_database)


def test_a_database_out_of_reach_says_so_and_keeps_the_password():
    database = Database("postgresql://me:hunter2@127.0.0.1:9/records?connect_timeout=2")

    with pytest.raises(DatabaseNotReadyError, match="cannot be reached") as refusal:
        count_stores(database)

    database.dispose()
    assert "hunter2" not in str(refusal.value)


def test_a_folder_that_cannot_hold_the_file_says_so(tmp_path):
    (tmp_path / "inseason.db").mkdir()
    database = Database(f"sqlite:///{tmp_path}/inseason.db")

    with pytest.raises(DatabaseNotReadyError, match="cannot be reached"):
        count_stores(database)

    database.dispose()
