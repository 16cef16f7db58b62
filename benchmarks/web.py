"""How fast the pages of a full app are, while several people use it.

Usage: python -m benchmarks.web [--alerts 100000] [--stores 300] [--skus 1000] [--clients 8] [--seconds 40]
       [--pause 0.5] [--database URL] [--json]

A database is filled with so many alerts, and with as many series as there are stores times skus (300,000);
then one waitress process serves the app and the clients, each logged in as a store manager, a merchandiser or
an admin, open one page after another. Between two pages a client waits `--pause` seconds on average, as one
who presses much faster than anybody reads; with 0 nobody reads at all and pages wait for one another.

Columns: page, requests, median_ms and p95_ms (in the server, from the first line of the app to the last byte
handed over, waiting for other pages included), client_ms (median as a client sees it), kb (of the answer, not
compressed), statements (asked of the database). The last row, `healthz`, asks the database for nothing worth
mentioning: what every answer costs here while the others work.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from sqlalchemy import select

from benchmarks.table import print_table
from benchmarks.web_world import PASSWORD, Filled, fill
from data.database import Database
from data.migrate import upgrade
from data.records import Alert, AlertChart, Person, PersonCategory, PersonStore, Product, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COLUMNS = ("page", "requests", "median_ms", "p95_ms", "client_ms", "kb", "statements")
TIMING, ASKED = "X-Server-Ms", "X-Statements"
_STARTS_WITHIN = 60.0


@dataclass(frozen=True)
class Page:
    """A page under its name, and who opens it."""

    name: str
    path: str
    people: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What one answer took."""

    server_ms: float
    client_ms: float
    size: int
    statements: int


class Client:
    """Somebody with a browser that keeps its cookie and its connection."""

    def __init__(self, port: int, email: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookie = ""
        self.email = email
        page = self._send("GET", "/login")[1]
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        form = {"email": email, "password": PASSWORD, "csrf_token": found[1] if found else ""}
        status = self._send("POST", "/login", urlencode(form))[0]
        if status != 303:  # noqa: PLR2004 - see other
            raise SystemExit(f"{email} could not log in: status {status}")

    def open(self, path: str) -> Answer:
        """Open a page."""
        began = time.perf_counter()
        status, text, headers = self._send("GET", path)
        took = (time.perf_counter() - began) * 1000
        if status != 200:  # noqa: PLR2004 - ok
            raise SystemExit(f"{path} answered {status} to {self.email}")
        return Answer(float(headers[TIMING]), took, len(text.encode()), int(headers[ASKED]))

    def _send(self, method: str, path: str, form: str | None = None) -> tuple[int, str, dict[str, str]]:
        headers = {"Cookie": self._cookie} if self._cookie else {}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, form, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if cookie := answer.getheader("Set-Cookie"):
            self._cookie = cookie.partition(";")[0]
        return answer.status, text, dict(answer.getheaders())


@dataclass(frozen=True)
class Example:
    """What the pages are opened about."""

    alert_id: int
    category: str
    style: str
    manager: str

    @classmethod
    def of(cls, database: Database, filled: Filled) -> Example:
        """An open alert with a drawing in a category of the merchandiser, and the manager of its store."""
        buys = select(PersonCategory.category).join(Person).where(Person.email == filled.merchandiser)
        drawn = (
            select(Alert.alert_id, Alert.category, Person.email)
            .join(AlertChart, AlertChart.alert_id == Alert.alert_id)
            .join(PersonStore, PersonStore.store_id == Alert.store_id)
            .join(Person, Person.person_id == PersonStore.person_id)
            .where(Alert.status == Status.OPEN, Alert.category.in_(buys))
        )
        with database.read() as session:
            found = session.execute(drawn.order_by(Alert.alert_id).limit(1)).first()
            if found is None:
                raise SystemExit("no open alert of the merchandiser has a drawing; fill with more")
            alert_id, category, manager = found
            style = select(Product.style_name).where(Product.category == category).limit(1)
            return cls(alert_id, category, session.scalar(style) or "", manager)


def pages(filled: Filled, example: Example) -> Sequence[Page]:
    """Every page that people open, on what the database was filled with."""
    admin, deciders = (filled.admin,), (filled.merchandiser, filled.admin)
    everybody = (example.manager, *deciders)
    one, category = f"/alerts/{example.alert_id}", quote(example.category)
    asked = urlencode({"q": example.style})
    return (
        Page("today", "/alerts", everybody),
        Page("today, filtered", "/alerts?status=acknowledged&severity=high", everybody),
        Page("today, by category", f"/alerts?category={category}", everybody),
        Page("one alert", one, everybody),
        Page("its drawing", f"{one}/chart.svg", everybody),
        Page("season", "/season", deciders),
        Page("planner", f"/season/{category}", deciders),
        Page("calendar", "/calendar", deciders),
        Page("find", f"/find?{asked}", everybody),
        Page("ask", f"/ask?{asked}", everybody),
        Page("requests", "/decisions", everybody),
        Page("outcomes", "/outcomes", everybody),
        Page("runs", "/runs", deciders),
        Page("feeds", "/feeds", deciders),
        Page("people", "/people", admin),
        Page("policies", "/policies", deciders),
        Page("mails", "/mails", everybody),
        Page("account", "/account", everybody),
        Page("tokens", "/tokens", everybody),
        Page("healthz", "/healthz", everybody),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill, serve, ask, and print the table."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as folder:
        url = options.database or f"sqlite:///{folder}/inseason.db"
        database = Database(url)
        upgrade(database)
        filled = fill(database, alerts=options.alerts, stores=options.stores, skus=options.skus)
        example = Example.of(database, filled)
        database.dispose()
        with _Server(url, Path(folder)) as port:
            people = (example.manager, example.manager, filled.merchandiser, filled.admin)
            measured = _measure(port, pages(filled, example), people, options)
    print_table(list(_rows(measured)), COLUMNS, as_json=options.json)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web", description=__doc__.splitlines()[0])
    parser.add_argument("--alerts", type=int, default=100_000)
    parser.add_argument("--stores", type=int, default=300)
    parser.add_argument("--skus", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--pause", type=float, default=0.5)
    parser.add_argument("--database", default="", help="an empty database; SQLite in a folder when left out")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


class _Server:
    """The app in a process of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        command = [sys.executable, "-m", "benchmarks._web_server", url, str(folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own

    def __enter__(self) -> int:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.strip().isdigit():
            raise SystemExit("the server did not start")
        return int(line)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=_STARTS_WITHIN)


def _measure(
    port: int, asked: Sequence[Page], people: Sequence[str], options: argparse.Namespace
) -> dict[str, list[Answer]]:
    """Let the clients open pages for the time given; the first round of each person is not counted."""
    clients = [Client(port, people[number % len(people)]) for number in range(options.clients)]
    for client in {client.email: client for client in clients}.values():
        for page in _theirs(asked, client):
            client.open(page.path)
    measured: defaultdict[str, list[Answer]] = defaultdict(list)
    until = time.monotonic() + options.seconds
    threads = []
    for client in clients:
        browsing = (client, _theirs(asked, client), until, options.pause, measured)
        threads.append(threading.Thread(target=_browse, args=browsing))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {page.name: measured[page.name] for page in asked}


def _theirs(asked: Sequence[Page], client: Client) -> list[Page]:
    return [page for page in asked if client.email in page.people]


def _browse(
    client: Client, asked: Sequence[Page], until: float, pause: float, measured: dict[str, list[Answer]]
) -> None:
    """Open pages in an order of chance until the time is over."""
    chance = random.Random(f"{client.email}{id(client)}")  # noqa: S311 - not for secrets
    while time.monotonic() < until:
        for page in chance.sample(asked, len(asked)):
            if time.monotonic() >= until:
                return
            measured[page.name].append(client.open(page.path))
            time.sleep(chance.uniform(0, 2 * pause))


def _rows(measured: dict[str, list[Answer]]) -> Iterator[dict[str, object]]:
    for name, answers in measured.items():
        if not answers:
            continue
        server = sorted(answer.server_ms for answer in answers)
        yield {
            "page": name,
            "requests": len(answers),
            "median_ms": round(statistics.median(server), 1),
            "p95_ms": round(server[int(0.95 * (len(server) - 1))], 1),
            "client_ms": round(statistics.median(answer.client_ms for answer in answers), 1),
            "kb": round(max(answer.size for answer in answers) / 1024, 1),
            "statements": max(answer.statements for answer in answers),
        }


if __name__ == "__main__":
    main()
