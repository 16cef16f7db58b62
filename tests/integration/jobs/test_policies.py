"""The policies on the command line: shown with where they come from, changed by name=value and a reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from data.records import Product
from jobs.cli import main

if TYPE_CHECKING:
    from click.testing import Result

    from data.database import Database
    from data.settings import Settings

BOOTS = "Snow boots"


@pytest.fixture
def shop(settings: Settings, database: Database) -> None:
    """Records with a product of one category, which the commands find through the environment."""
    with database.write() as session:
        session.add(Product(sku="SKU-1", style_id="ridge", category=BOOTS))


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["policy", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def shown(*arguments: str) -> dict[str, tuple[object, str]]:
    rows = json.loads(run("show", "--json", *arguments).stdout)
    return {row["name"]: (row["value"], row["from"]) for row in rows}


def test_what_is_set_for_a_category_holds_there_and_what_is_set_for_the_chain_everywhere_else(
    shop: None,
) -> None:
    assert run("set", "chain", "min_units=5", "daily_cap=3", "--reason", "too many").exit_code == 0
    told = run("set", BOOTS, "daily_cap=1", "--reason", "few people", "--by", "jonas@example.com")
    assert told.stdout == f"Version 1 of the policy of {BOOTS} holds from the next night on.\n"

    assert shown()["daily_cap"] == (3, "chain")
    own = shown(BOOTS)
    assert (own["daily_cap"], own["min_units"]) == ((1, "category"), (5.0, "chain"))
    assert own["late_days"][1] == "rules"
    page = run("show", BOOTS).stdout
    assert "jonas@example.com: daily_cap as the chain -> 1 (few people)" in page


def test_a_threshold_is_left_to_the_chain_again_by_an_empty_value(shop: None) -> None:
    run("set", BOOTS, "daily_cap=1", "min_units=4", "--reason", "a trial")
    run("set", BOOTS, "daily_cap=", "--reason", "the trial is over")

    assert (shown(BOOTS)["daily_cap"], shown(BOOTS)["min_units"]) == ((5, "rules"), (4.0, "category"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((BOOTS, "daily_cap", "--reason", "x"), "write name=value"),
        ((BOOTS, "cap=1", "--reason", "x"), "There is no threshold 'cap'"),
        ((BOOTS, "daily_cap=0", "--reason", "x"), "daily_cap"),
        (("Snow shoes", "daily_cap=1", "--reason", "x"), "No product is in the category"),
        ((BOOTS, "daily_cap=1", "--reason", " "), "Say in a few words why"),
    ],
)
def test_what_cannot_hold_is_refused_in_one_sentence(
    shop: None, arguments: tuple[str, ...], told: str
) -> None:
    result = run("set", *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("inseason: ")
    assert told in result.stderr
