"""The commands as a person meets them: what they say, how they exit, and that they refuse in plain words."""

from __future__ import annotations

import csv
import gzip
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from data.database import Database
from data.facts import FactsStore
from data.feeds.loading import import_feed
from data.records import Alert, Finding, Person, Product, Run, Severity, Store
from data.settings import load_settings
from jobs.cli import main
from jobs.raising import raise_alerts
from tests.ground.elsewhere import writing_elsewhere
from tests.ground.once import without_settings
from tests.ground.retailer import write_feeds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

    from data.settings import Settings

COMMAND = Path(sys.executable).with_name("inseason")
PASSWORD = "correct horse battery"
STORES = "store_id,name,climate_zone\n1,Phoenix,hot\n2,Seattle,mild\n"
PRODUCTS = (
    "sku,style_id,category,regular_price\nA-S,A,swim trunks,19.99\nA-M,A,swim trunks,19.99\nB,B,gloves,9.99\n"
)
SALES = (
    "business_date,store_id,sku,units,unit_price\n"
    "2026-06-01,1,A-S,3,19.99\n"
    "2026-06-31,1,A-S,2,19.99\n"
    "2026-06-01,9,A-S,1,19.99\n"
    "2026-06-01,1,A-M,2,-5.00\n"
    "2026-06-01,2,A-S,three,19.99\n"
    "2026-06-02,2,B,1,9.99\n"
)
GOOD = "".join(line for number, line in enumerate(SALES.splitlines(keepends=True)) if number in {0, 1, 6})


class Shop:
    """A place where commands are run, and what they leave there."""

    def __init__(self, var: Path, **environment: str) -> None:
        self.var = var
        self.environment = {"INSEASON_VAR": str(var), "INSEASON_TODAY": "2026-06-07"} | environment

    def run(self, *arguments: str | Path, stdin: str | None = None, **environment: str) -> Result:
        """Run a command; whatever comes of it, nobody is shown a traceback."""
        result = CliRunner().invoke(
            main, [str(argument) for argument in arguments], input=stdin, env=self.environment | environment
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        assert PASSWORD not in result.output
        return result

    def file(self, name: str, content: str | bytes) -> Path:
        self.var.mkdir(parents=True, exist_ok=True)
        path = self.var.parent / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def feed(self, kind: str, text: str, *options: str) -> Result:
        return self.run("import", kind, self.file(f"{kind}.csv", text), *options)

    @property
    def url(self) -> str:
        return self.environment.get("INSEASON_DATABASE_URL") or f"sqlite:///{self.var / 'inseason.db'}"

    @contextmanager
    def database(self) -> Iterator[Database]:
        database = Database(self.url)
        yield database
        database.dispose()

    def count(self, record: Any) -> int:
        with self.database() as database, database.read() as session:
            return session.scalar(select(func.count()).select_from(record))

    def sales(self) -> list[list[Any]]:
        with self.database() as database:
            rows = FactsStore(str(self.var / "facts"), database).snapshot().query("SELECT * FROM sales")
        return sorted(rows.astype(str).to_numpy().tolist())


@pytest.fixture
def shop(tmp_path: Path, migrated_sqlite_file: Path) -> Shop:
    """A shop that is ready and knows two stores and three products."""
    var = tmp_path / "var"
    var.mkdir()
    (var / "inseason.db").write_bytes(migrated_sqlite_file.read_bytes())
    return stocked(Shop(var))


@pytest.fixture
def any_shop(settings: Settings, database_url: str) -> Shop:
    """The same on each kind of database."""
    return stocked(Shop(settings.var, INSEASON_DATABASE_URL=database_url))


@pytest.fixture(scope="module")
def after_a_night(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The small retailer of the tests after its first night, for tests that only look."""
    shop = Shop(tmp_path_factory.mktemp("retailer") / "var")
    assert shop.run("init").exit_code == 0
    write_feeds(shop.var / "inbox")
    assert shop.run("nightly").exit_code == 0
    return shop


def stocked(shop: Shop) -> Shop:
    assert shop.run("init").exit_code == 0
    for kind, text in (("stores", STORES), ("products", PRODUCTS)):
        assert shop.feed(kind, text).exit_code == 0
    return shop


def every_command(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", list(every_command()), ids=" ".join)
def test_every_command_answers_for_help(path: tuple[str, ...], tmp_path: Path) -> None:
    shop = Shop(tmp_path / "var")

    for option in ("--help", "-h"):
        result = shop.run(*path, option)
        assert result.exit_code == 0
        assert result.stdout.startswith("Usage: ")
    assert not shop.var.exists()


def test_init_makes_both_stores_and_a_second_time_changes_nothing(any_shop: Shop) -> None:
    assert any_shop.feed("sales", GOOD).exit_code == 0
    before = (any_shop.sales(), any_shop.count(Store), any_shop.count(Run))

    result = any_shop.run("init")

    assert result.exit_code == 0
    assert result.stdout.startswith("Ready: records in ")
    assert (any_shop.sales(), any_shop.count(Store), any_shop.count(Run)) == before


def test_init_on_a_fresh_machine_makes_its_folder(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "deep" / "var")

    assert shop.run("init").exit_code == 0
    assert shop.count(Store) == 0
    assert shop.run("alerts").stdout.strip() == "No alerts."


@pytest.mark.parametrize(
    "command",
    [
        ["import", "stores", "FILE"],
        ["nightly"],
        ["alerts", "--json"],
        ["user", "add", "a@b.example", "--name", "A", "--role", "admin", "--password-file", "FILE"],
        ["scheduler"],
        ["web"],
    ],
    ids=lambda command: command[0],
)
def test_before_init_every_command_says_to_run_it(command: list[str], tmp_path: Path) -> None:
    shop = Shop(tmp_path / "var")
    path = shop.file("stores.csv", STORES)

    result = shop.run(*(str(path) if word == "FILE" else word for word in command))

    assert result.exit_code == 1
    assert result.stdout == ""
    assert "run `inseason init`" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_good_file_is_loaded_and_told_in_one_line(any_shop: Shop) -> None:
    result = any_shop.feed("sales", GOOD)

    assert result.exit_code == 0
    assert result.stdout == (
        "sales from sales.csv: 2 rows loaded (2 store days from 2026-06-01 to 2026-06-02).\n"
    )
    assert result.stderr == ""
    assert not (any_shop.var / "rejects").exists()


def test_bad_rows_are_named_with_their_lines_and_the_rest_is_loaded(any_shop: Shop) -> None:
    result = any_shop.feed("sales", SALES)

    assert result.exit_code == 1
    assert "2 of 6 rows loaded" in result.stdout
    assert "4 rejected: lines 3, 4, 5 and 6; see " in result.stdout
    assert len(any_shop.sales()) == 2
    [path] = (any_shop.var / "rejects").iterdir()
    assert str(path) in result.stdout
    with path.open(encoding="utf-8") as file:
        rejects = {row["line"]: row for row in csv.DictReader(file)}
    assert {line: (row["column"], row["value"]) for line, row in rejects.items()} == {
        "3": ("business_date", "2026-06-31"),
        "4": ("store_id", "9"),
        "5": ("unit_price", "-5.00"),
        "6": ("units", "three"),
    }
    assert all(row["reason"] for row in rejects.values())
    assert rejects["6"]["sku"] == "A-S"


def test_a_file_with_bad_rows_loaded_again_changes_nothing(any_shop: Shop) -> None:
    first = any_shop.feed("sales", SALES)
    before = (any_shop.sales(), any_shop.count(Store), any_shop.count(Product))

    again = any_shop.feed("sales", SALES)

    assert again.exit_code == 1
    assert (any_shop.sales(), any_shop.count(Store), any_shop.count(Product)) == before
    assert first.stdout.partition("; see ")[0] == again.stdout.partition("; see ")[0]


def test_a_compressed_file_is_read_as_it_is(shop: Shop) -> None:
    path = shop.file("sales.csv.gz", gzip.compress(GOOD.encode()))

    assert shop.run("import", "sales", path).exit_code == 0
    assert len(shop.sales()) == 2


REFUSED = {
    "empty": b"",
    "header only": b"business_date,store_id,sku,units\n",
    "a column missing": b"business_date,store_id,units\n2026-06-01,1,3\n",
    "a column that nobody knows": b"business_date,store_id,sku,units,colour\n2026-06-01,1,A-S,3,red\n",
    "semicolons": b"business_date;store_id;sku;units\n2026-06-01;1;A-S;3\n",
    "another encoding": "business_date,store_id,sku,units\n2026-06-01,1,Größe,3\n".encode("latin-1"),
    "cut off": SALES[:-6].encode(),
    "cut off gzip": gzip.compress(SALES.encode())[:-20],
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_cannot_be_taken_is_refused_whole_in_one_sentence(shop: Shop, what: str) -> None:
    shop.feed("sales", GOOD)
    before = (shop.sales(), shop.count(Run))
    path = shop.file("broken.csv", REFUSED[what])

    result = shop.run("import", "sales", path)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert re.fullmatch(r"inseason: broken\.csv was not taken: .+\.\n", result.stderr)
    assert (shop.sales(), shop.count(Run)) == before
    assert not (shop.var / "rejects").exists()


def test_a_file_that_is_not_there_is_refused_by_its_name(shop: Shop) -> None:
    result = shop.run("import", "sales", "nowhere/sales.csv")

    assert result.exit_code == 1
    assert "there is no such file (nowhere/sales.csv)" in result.stderr


def test_a_kind_of_file_that_nobody_knows_is_a_wrong_command_line(shop: Shop) -> None:
    result = shop.run("import", "sails", "sales.csv")

    assert result.exit_code == 2
    assert "'sails' is not one of" in result.stderr


def test_the_real_command_refuses_without_a_traceback(shop: Shop) -> None:
    answer = subprocess.run(
        [COMMAND, "import", "sales", shop.file("empty.csv", "")],
        env=without_settings() | shop.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == "inseason: empty.csv was not taken: it is empty.\n"


def test_a_dry_run_says_what_would_happen_and_changes_nothing(shop: Shop) -> None:
    runs = shop.count(Run)

    good = shop.feed("sales", GOOD, "--dry-run")
    bad = shop.feed("sales", SALES, "--dry-run")
    stores = shop.feed("stores", STORES + "3,Tucson,hot\n", "--dry-run")

    assert [good.exit_code, bad.exit_code, stores.exit_code] == [0, 1, 0]
    assert "2 rows would be loaded" in good.stdout
    assert "lines 3, 4, 5 and 6" in bad.stdout
    assert shop.sales() == []
    assert (shop.count(Run), shop.count(Store)) == (runs, 2)


def test_an_import_beside_another_is_refused_as_busy(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    # A person's patience is a minute; the test's is not.
    monkeypatch.setitem(import_feed.__kwdefaults__, "wait_seconds", 0.0)

    with shop.database() as database, writing_elsewhere(database):
        result = shop.feed("sales", GOOD)

    assert result.exit_code == 75
    assert result.stderr == "inseason: Another import or night is running; try again when it is done.\n"
    assert shop.sales() == []


@pytest.mark.parametrize("day", ["2026-06-31", "yesterday", "06/06/2026"])
def test_a_date_that_is_none_is_a_wrong_command_line(shop: Shop, day: str) -> None:
    result = shop.run("nightly", "--as-of", day)

    assert result.exit_code == 2
    assert day in result.stderr


def test_a_night_of_the_future_is_refused(shop: Shop) -> None:
    result = shop.run("nightly", "--as-of", "2026-06-07")

    assert result.exit_code == 1
    assert result.stderr == (
        "inseason: The day 2026-06-07 is not over in every store yet; "
        "the newest night that can run is that of 2026-06-06.\n"
    )


def test_a_night_without_facts_is_refused_with_what_to_do(shop: Shop) -> None:
    result = shop.run("nightly")

    assert result.exit_code == 1
    assert "run `inseason import` first" in result.stderr


def test_a_night_beside_another_is_busy(shop: Shop) -> None:
    with shop.database() as database, writing_elsewhere(database):
        answer = subprocess.run(
            [COMMAND, "nightly"],
            env=without_settings() | shop.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert answer.returncode == 75
    assert answer.stderr == "inseason: Another import or night is running; try again when it is done.\n"


def test_a_night_that_is_done_says_so(after_a_night: Shop) -> None:
    alerts, runs = after_a_night.count(Alert), after_a_night.count(Run)

    result = after_a_night.run("nightly", "--as-of", "2026-06-06")

    assert result.exit_code == 0
    assert result.stdout.startswith("Night of 2026-06-06 was done before, nothing changed: ")
    assert (after_a_night.count(Alert), after_a_night.count(Run)) == (alerts, runs)


def listed(shop: Shop, *options: str) -> list[dict[str, Any]]:
    result = shop.run("alerts", "--json", *options)
    assert result.exit_code == 0
    assert result.stderr == ""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(result.stdout, parse_constant=refuse)


def test_the_alerts_are_one_json_list_with_most_money_first(after_a_night: Shop) -> None:
    rows = listed(after_a_night)

    assert len(rows) == after_a_night.count(Alert) > 1
    money = [row["money_lost"] for row in rows]
    assert money == sorted(money, reverse=True)
    phoenix = next(row for row in rows if row["store_id"] == "PHX-01")
    assert phoenix["store_name"] == "Phoenix Camelback"
    assert {size["size"] for size in phoenix["details"]["sizes"]} <= {"S", "M", "L"}


def test_the_alerts_are_filtered_by_store_category_and_rule(after_a_night: Shop) -> None:
    rows = listed(after_a_night)
    for option, name in (("--store", "store_id"), ("--category", "category"), ("--rule", "rule")):
        for value in {row[name] for row in rows if row[name]}:
            expected = [row for row in rows if row[name] == value]
            assert listed(after_a_night, option, value) == expected
    assert listed(after_a_night, "--store", "nowhere") == []
    both = listed(after_a_night, "--store", "PHX-01", "--rule", "exit_before_demand_ends")
    assert [(row["store_id"], row["rule"]) for row in both] == [("PHX-01", "exit_before_demand_ends")]


def test_closed_alerts_are_listed_only_when_asked_for(shop: Shop) -> None:
    with shop.database() as database:
        for days, styles in enumerate(("ABC", "AB", "B", "B")):
            raise_alerts(
                database,
                [found(style) for style in styles],
                business_date=date(2026, 6, 5) + timedelta(days=days),
                now=datetime(2026, 6, 7, tzinfo=UTC),
            )

    assert [row["style_id"] for row in listed(shop)] == ["B"]
    assert {row["style_id"]: row["status"] for row in listed(shop, "--all")} == {"A": "resolved", "B": "open"}


def test_a_name_in_square_brackets_is_shown_in_the_table(shop: Shop) -> None:
    with shop.database() as database:
        raise_alerts(
            database,
            [found("A", style_name="Trunk [red]")],
            business_date=date(2026, 6, 6),
            now=datetime(2026, 6, 7, tzinfo=UTC),
        )

    assert "Trunk [red]" in shop.run("alerts").stdout


def found(style: str, *, style_name: str = "") -> Finding:
    return Finding(
        rule="stockout_in_season",
        store_id="1",
        style_id=style,
        season_code="",
        category="gloves",
        severity=Severity.LOW,
        units_lost=1.0,
        recoverable_units=1.0,
        money_lost=Decimal("9.99"),
        act_by=None,
        demand_ends=None,
        evidence="observed",
        details={"style_name": style_name or style},
    )


def test_the_table_in_a_file_cuts_nothing_off(after_a_night: Shop) -> None:
    result = after_a_night.run("alerts")

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[-1] == f"{len(listed(after_a_night))} alerts"
    [line] = [text for text in lines if "PHX-01" in text and "exit_before_demand_ends" in text]
    for word in ("Phoenix Camelback (PHX-01)", "Marlin Trunk", "2026-06-21", "pending"):
        assert word in line
    assert "…" not in result.stdout


def add(shop: Shop, *options: str, password: str = PASSWORD) -> Result:
    path = shop.file("password", f"{password}\n")
    given = ["maya@shop.example", "--name", "Maya", "--role", "store_manager", "--store", "1"]
    return shop.run("user", "add", *(options or given), "--password-file", path)


def people(shop: Shop) -> list[Person]:
    with shop.database() as database, database.read() as session:
        return list(session.scalars(select(Person)))


def test_a_person_is_added_with_the_password_of_a_file(shop: Shop) -> None:
    result = add(shop)

    assert result.exit_code == 0
    assert result.stdout == "Added maya@shop.example as store_manager.\n"
    [person] = people(shop)
    assert person.has_password(PASSWORD)


def test_a_password_file_from_another_system_means_the_same_password(shop: Shop) -> None:
    assert add(shop, password=f"{PASSWORD}\r").exit_code == 0

    assert people(shop)[0].has_password(PASSWORD)


def test_a_password_comes_from_standard_input_or_is_asked_for_twice(shop: Shop) -> None:
    given = ["user", "add", "--name", "A", "--role", "admin"]

    piped = shop.run(*given, "a@shop.example", "--password-file", "-", stdin=f"{PASSWORD}\n")
    typed = shop.run(*given, "b@shop.example", stdin=f"{PASSWORD}\n{PASSWORD}\n")

    assert [piped.exit_code, typed.exit_code] == [0, 0]
    assert [person.has_password(PASSWORD) for person in people(shop)] == [True, True]


NOBODY = {
    "a store that is not there": (
        ["a@b.example", "--name", "A", "--role", "store_manager", "--store", "9"],
        "There is no store '9'",
    ),
    "a manager without a store": (["a@b.example", "--name", "A", "--role", "store_manager"], "at least one"),
    "no address": (["maya", "--name", "A", "--role", "admin"], "'maya' is no e-mail address"),
}


@pytest.mark.parametrize("what", NOBODY)
def test_a_person_who_does_not_fit_is_refused(shop: Shop, what: str) -> None:
    options, sentence = NOBODY[what]

    result = add(shop, *options)

    assert result.exit_code == 1
    assert result.stderr.startswith("inseason: ")
    assert sentence in result.stderr
    assert people(shop) == []


def test_nobody_is_added_twice(shop: Shop) -> None:
    add(shop)

    result = add(shop)

    assert result.exit_code == 1
    assert "already a person with the address maya@shop.example" in result.stderr
    assert len(people(shop)) == 1


@pytest.mark.parametrize("password", ["", "hunter2"])
def test_a_short_password_is_refused_and_not_repeated(shop: Shop, password: str) -> None:
    result = add(shop, password=password)

    assert result.exit_code == 1
    assert result.stderr == "inseason: A password needs at least 10 characters.\n"
    assert people(shop) == []


def test_a_password_file_that_is_no_text_is_a_wrong_command_line(shop: Shop) -> None:
    path = shop.file("key", b"\xff\xfe\x00secret\n")

    result = shop.run("user", "add", "a@b.example", "--name", "A", "--role", "admin", "--password-file", path)

    assert result.exit_code == 2
    assert "not UTF-8 text" in result.stderr
    assert "secret" not in result.stderr


WRONG = {
    "a port that is no number": {"INSEASON_PORT": "http"},
    "a name that is no setting": {"INSEASON_PROT": "80"},
    "a mail server without its scheme": {"INSEASON_SMTP_URL": "smpt://user:hunter2hunter2@mail.example"},
    "another kind of database": {"INSEASON_DATABASE_URL": "mysql://user:hunter2hunter2@db.example/x"},
    "a key that is too short": {"INSEASON_SECRET_KEY": "hunter2hunter2"},
    "a secret in a file that is not there": {"INSEASON_SMTP_URL_FILE": "/nowhere/smtp"},
    "a place for facts that nobody knows": {"INSEASON_FACTS_URI": "nosuch://facts"},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_setting_is_refused_with_its_name_and_no_secret(tmp_path: Path, what: str) -> None:
    [name] = WRONG[what]

    result = Shop(tmp_path / "var").run("init", **WRONG[what])

    assert result.exit_code == 1
    assert name in result.stderr
    assert result.stderr.startswith("inseason: ")
    assert "hunter2hunter2" not in result.output


def test_a_database_that_cannot_be_reached_is_said_without_its_password(
    tmp_path: Path, unused_port: int
) -> None:
    url = f"postgresql://user:hunter2hunter2@127.0.0.1:{unused_port}/inseason"

    for command in ("init", "alerts"):
        result = Shop(tmp_path / "var").run(command, INSEASON_DATABASE_URL=url)
        assert result.exit_code == 1
        assert "cannot be reached" in result.stderr
        assert "hunter2hunter2" not in result.output


def test_a_folder_that_is_a_file_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")

    result = Shop(tmp_path / "var").run("init")

    assert result.exit_code == 1
    assert result.stderr == f"inseason: {tmp_path / 'var'}: File exists\n"


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_app_is_served_until_interrupted(shop: Shop, unused_port: int) -> None:
    with subprocess.Popen(
        [COMMAND, "web", "--port", str(unused_port)],
        env=without_settings() | shop.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert answers(f"http://127.0.0.1:{unused_port}/healthz") == 200
            server.send_signal(signal.SIGINT)
            _, told = server.communicate(timeout=30)
        finally:
            server.kill()

    assert server.returncode == 0, told
    assert "Traceback" not in told


def answers(url: str) -> int:
    give_up = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310  # our own address
                return response.status
        except URLError:
            assert time.monotonic() < give_up, "nobody answers"
            time.sleep(0.1)


def test_a_port_that_is_taken_is_refused_with_what_to_do(shop: Shop) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        answer = subprocess.run(
            [COMMAND, "web", "--port", port],
            env=without_settings() | shop.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    assert answer.returncode == 1
    assert answer.stderr == f"inseason: Port {port} on 127.0.0.1 is taken; choose another with --port.\n"


@pytest.mark.parametrize("host", ["203.0.113.1", "no such host"])
def test_an_address_that_is_not_ours_is_refused(shop: Shop, host: str) -> None:
    answer = subprocess.run(
        [COMMAND, "web", "--host", host],
        env=without_settings() | shop.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert answer.returncode == 1
    assert answer.stderr.startswith(f"inseason: Cannot listen on {host}, port 8000: ")
    assert len(answer.stderr.splitlines()) == 1


def test_the_settings_of_the_var_folder_are_those_of_every_command(shop: Shop) -> None:
    (shop.var / "settings.env").write_text("INSEASON_TODAY=2025-01-02\n", encoding="utf-8")
    del shop.environment["INSEASON_TODAY"]

    result = shop.run("nightly", "--as-of", "2026-06-06")

    assert "the newest night that can run is that of 2025-01-01" in result.stderr
    assert load_settings(var=shop.var).today.isoformat() == "2025-01-02"
