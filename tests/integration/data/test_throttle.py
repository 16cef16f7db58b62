"""Tries are counted in the records: as many are let through as there may be, however many try at once."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from data.records import LoginAttempt
from data.throttle import count_try, forget_tries

if TYPE_CHECKING:
    from data.database import Database

NOW = datetime(2026, 6, 14, 9, tzinfo=UTC)
WINDOW = timedelta(minutes=15)
TRY_AT = """
import sys, time
from datetime import datetime, timedelta, UTC
from data.database import Database
from data.throttle import count_try
database = Database(sys.argv[1])
with database.read() as session:
    session.connection()
time.sleep(max(0, float(sys.argv[2]) - time.time()))
let = 0
for _ in range(4):
    with database.write() as session:
        found = count_try(session, {"email:a": 6, "address:b": 60}, now=datetime.now(UTC),
                          window=timedelta(minutes=15))
    let += found.wait is None
print(let)
"""


def tried(database: Database, *, after: timedelta = timedelta(0), most: int = 3) -> timedelta | None:
    with database.write() as session:
        return count_try(session, {"email:a": most, "address:b": 60}, now=NOW + after, window=WINDOW).wait


def test_so_many_are_let_through_and_the_next_is_told_how_long_to_wait(database: Database) -> None:
    assert [tried(database, after=timedelta(minutes=n)) for n in range(3)] == [None] * 3
    assert tried(database, after=timedelta(minutes=5)) == timedelta(minutes=10)
    # A try that was turned away does not make the wait longer.
    assert tried(database, after=timedelta(minutes=14)) == timedelta(minutes=1)
    assert tried(database, after=timedelta(minutes=15, seconds=1)) is None
    assert tried(database, after=timedelta(minutes=15, seconds=2)) == timedelta(seconds=58)


def test_a_limit_of_one_subject_does_not_hold_for_another(database: Database) -> None:
    for _ in range(4):
        tried(database)
    with database.write() as session:
        assert count_try(session, {"email:other": 3, "address:b": 60}, now=NOW, window=WINDOW).wait is None
        assert count_try(session, {"email:third": 3, "address:b": 4}, now=NOW, window=WINDOW).wait == WINDOW


def test_what_is_forgotten_counts_no_more(database: Database) -> None:
    tried(database)
    with database.write() as session:
        own = count_try(session, {"email:a": 3, "address:b": 60}, now=NOW, window=WINDOW)
        forget_tries(session, "email:a", own.attempts)
    with database.read() as session:
        left = session.execute(select(LoginAttempt.subject, func.count()).group_by(LoginAttempt.subject))
        assert [tuple(row) for row in left] == [("address:b", 1)]


def test_tries_are_kept_no_longer_than_they_count(database: Database) -> None:
    tried(database)
    tried(database, after=timedelta(hours=1, seconds=1))
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(LoginAttempt)) == 2


def test_of_many_threads_at_the_same_moment_only_so_many_are_let_through(database: Database) -> None:
    ready, waits = threading.Barrier(12), []

    def run() -> None:
        ready.wait()
        waits.append(tried(database, most=5))

    threads = [threading.Thread(target=run) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wait is None for wait in waits) == [False] * 7 + [True] * 5


def test_of_several_processes_at_the_same_moment_only_so_many_are_let_through(database: Database) -> None:
    url = database.url.render_as_string(hide_password=False)
    begin = str(time.time() + 4)
    processes = [
        subprocess.Popen([sys.executable, "-c", TRY_AT, url, begin], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert sum(int(process.communicate()[0]) for process in processes) == 6
