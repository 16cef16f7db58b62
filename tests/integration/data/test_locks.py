"""One writer at a time: the lock shuts others out, and dies with the process that holds it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from data.errors import BusyError
from data.locks import only_writer

HOLDER = """
import sys, time
from data.database import Database
from data.locks import only_writer
with only_writer(Database(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def another_process_holding_the_lock(url):
    with subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_second_process_is_refused_with_a_sentence(database, database_url):
    with (
        another_process_holding_the_lock(database_url),
        pytest.raises(BusyError, match="Another import or night is running"),
        only_writer(database),
    ):
        pytest.fail("both hold the lock")


def test_the_lock_dies_with_a_process_that_is_killed(database, database_url):
    with another_process_holding_the_lock(database_url) as process:
        with pytest.raises(BusyError), only_writer(database):
            pass
        process.kill()
        process.wait()
        with only_writer(database, wait_seconds=10):
            assert process.returncode == -signal.SIGKILL


def test_who_waits_gets_the_lock_when_it_is_free(database, database_url):
    with another_process_holding_the_lock(database_url) as process:
        with pytest.raises(BusyError), only_writer(database, wait_seconds=0.5):
            pytest.fail("both hold the lock")
        process.kill()
        start = time.monotonic()
        with only_writer(database, wait_seconds=30):
            assert time.monotonic() - start < 20


def test_the_lock_is_free_again_after_an_error(database):
    with pytest.raises(RuntimeError), only_writer(database):
        raise RuntimeError

    with only_writer(database):
        pass


def test_two_threads_of_one_process_cannot_both_hold_it(database):
    def take_it() -> None:
        with only_writer(database):
            pytest.fail("both hold the lock")

    with only_writer(database), ThreadPoolExecutor(1) as pool:
        error = pool.submit(take_it).exception()

    assert isinstance(error, BusyError)


def test_who_holds_the_lock_may_enter_again_and_still_holds_it_afterwards(database, database_url):
    with only_writer(database):
        with only_writer(database):
            pass
        command = [sys.executable, "-c", HOLDER, database_url]
        asking = subprocess.run(command, check=False, capture_output=True, text=True)

    assert "BusyError" in asking.stderr


def test_records_can_be_written_while_the_lock_is_held(database, store):
    with only_writer(database), database.write() as session:
        assert session.connection() is not None
    assert store
