"""The documents say what the program does: every setting, command, option and column, and nothing else."""

from __future__ import annotations

import re
from datetime import time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
import pytest
from pydantic import SecretStr

from data.facts import TABLES
from data.feeds.specs import FEEDS
from data.records import Record
from data.settings import SECRET_NAMES, Settings, load_settings
from jobs.cli import main
from tests.ground.services import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def sections(page: str) -> dict[str, list[list[str]]]:
    """The rows of the table under each second-level heading whose title is code, cell by cell."""
    found: dict[str, list[list[str]]] = {}
    for part in re.split(r"^## ", (REPOSITORY / "docs" / "reference" / page).read_text(), flags=re.MULTILINE)[
        1:
    ]:
        title, _, body = part.partition("\n")
        if title.startswith("`"):
            lines = [line for line in body.splitlines() if line.startswith("| `")]
            found[title.strip("` ")] = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return found


def rows(page: str) -> dict[str, list[str]]:
    """The rows of all tables of a page by the code in their first cell."""
    lines = (REPOSITORY / "docs" / "reference" / page).read_text().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells}


def shown(value: Any) -> str:
    """A default as a person would write it into the environment."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, ZoneInfo):
        return value.key
    return "" if value is None else str(value)


def commands(group: click.Group, path: str = "inseason") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def parameters(command: click.Command) -> set[str]:
    """The arguments and options of a command as its page writes them."""
    options = {" ".join(p.opts + p.secondary_opts) for p in command.params if isinstance(p, click.Option)}
    arguments = {p.human_readable_name.upper() for p in command.params if isinstance(p, click.Argument)}
    return (options | arguments) - {"--help"}


def test_every_setting_is_documented_and_nothing_else():
    assert set(rows("settings.md")) == {f"INSEASON_{name.upper()}" for name in Settings.model_fields}


def test_the_defaults_of_the_settings_are_the_documented_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    documented = rows("settings.md")

    for name in Settings.model_fields:
        assert documented[f"INSEASON_{name.upper()}"][0].strip("`") == shown(getattr(settings, name)), name


def test_every_secret_is_documented_as_one_that_can_stand_in_a_file():
    text = (REPOSITORY / "docs" / "reference" / "settings.md").read_text()

    assert set(re.findall(r"`INSEASON_(\w+)_FILE`", text)) == {name.upper() for name in SECRET_NAMES}


def test_every_command_and_option_is_documented_and_nothing_else():
    documented = {
        title: {row[0].strip("`") for row in table} for title, table in sections("commands.md").items()
    }

    assert documented == {path: parameters(command) for path, command in commands(main)}


@pytest.mark.parametrize("path", [path for path, _ in commands(main)])
def test_every_command_and_option_helps(path):
    command = dict(commands(main))[path]

    assert command.help
    assert [p.name for p in command.params if isinstance(p, click.Option) and not p.help] == []


def test_every_feed_is_documented_and_nothing_else():
    assert set(sections("feeds.md")) == set(FEEDS)


@pytest.mark.parametrize("kind", FEEDS)
def test_every_column_of_a_feed_is_documented_and_nothing_else(kind):
    documented = {row[0].strip("`"): row[1] == "yes" for row in sections("feeds.md")[kind]}

    assert documented == {column.name: column.required for column in FEEDS[kind].columns}


@pytest.mark.parametrize("kind", FEEDS)
def test_every_choice_of_a_column_is_documented(kind):
    documented = {row[0].strip("`"): row[2] for row in sections("feeds.md")[kind]}

    for column in FEEDS[kind].columns:
        assert [choice for choice in column.choices if f"`{choice}`" not in documented[column.name]] == []


def test_every_table_is_documented_and_nothing_else():
    assert set(rows("records-and-facts.md")) == {*Record.metadata.tables, *TABLES}


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_the_columns_of_every_facts_table_are_documented(table):
    columns, partition = rows("records-and-facts.md")[table.name]

    assert columns.split(", ") == [name for name, _ in table.columns]
    assert partition == table.partition


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_link_to_a_file_leads_to_one(document):
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text())
    files = [target for target in targets if not target.startswith(("http://", "https://"))]

    assert [target for target in files if not (document.parent / target).exists()] == []


def test_what_the_readme_tells_people_to_make_can_be_made():
    told = set(
        re.findall(r"(?:^|`)make ([a-z]+)\b", (REPOSITORY / "README.md").read_text(), flags=re.MULTILINE)
    )
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), flags=re.MULTILINE))

    assert {"demo", "test"} <= told <= targets


def test_the_readme_shows_what_it_is_and_the_two_commands_on_its_first_screen():
    first_screen = "\n".join((REPOSITORY / "README.md").read_text().splitlines()[:40])

    assert re.search(r"!\[[^\]]+\]\(docs/pictures/\w+\.png\)", first_screen)
    assert "make demo" in first_screen
    assert "make test" in first_screen
