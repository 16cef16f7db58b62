"""Real figures through the same commands: 599 series of 67 stores, from the published files to alerts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from data.database import Database
from data.facts import FactsStore
from tests.ground.once import prepared_once, without_settings
from tests.ground.services import REPOSITORY

if TYPE_CHECKING:
    import pandas as pd

COMMAND = Path(sys.executable).with_name("inseason")
LAST_DAY = "2024-04-14"
FEEDS = ("stores.csv", "products.csv", "receipts.csv", "sales.csv.gz", "stock.csv.gz")


@dataclass(frozen=True)
class Chain:
    """The chain after its night."""

    folder: Path

    @property
    def told(self) -> str:
        """What the commands said."""
        return (self.folder / "told").read_text(encoding="utf-8")

    def alerts(self, *options: str) -> list[dict[str, Any]]:
        return list(json.loads(inseason(self.folder, "alerts", "--json", *options)))

    def facts(self, query: str) -> pd.DataFrame:
        var = self.folder / "var"
        database = Database(f"sqlite:///{var / 'inseason.db'}")
        rows = FactsStore(str(var / "facts"), database).snapshot().query(query)
        database.dispose()
        return rows


def run(folder: Path, *words: str | Path) -> str:
    environment = {"INSEASON_VAR": str(folder / "var"), "INSEASON_WEEK_STARTS_ON": "monday"}
    answer = subprocess.run(
        words,
        cwd=REPOSITORY,
        env=without_settings() | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def inseason(folder: Path, *arguments: str | Path) -> str:
    return run(folder, COMMAND, *arguments)


@pytest.fixture(scope="session")
def chain(shared_data: Path) -> Chain:
    """The chain, imported and its night run once in a test run."""

    def make(folder: Path) -> None:
        feeds = folder / "feeds"
        told = [run(folder, sys.executable, "-m", "benchmarks.vn2_feeds", shared_data / "vn2", feeds)]
        told.append(inseason(folder, "init"))
        told += [inseason(folder, "import", name.partition(".")[0], feeds / name) for name in FEEDS]
        told.append(inseason(folder, "nightly", "--as-of", LAST_DAY))
        (folder / "told").write_text("".join(told), encoding="utf-8")

    return Chain(prepared_once(Path(os.environ["TEST_RUN_FOLDER"]), "vn2", make))


def test_every_row_of_the_published_files_is_taken(chain: Chain) -> None:
    assert "rejected" not in chain.told
    assert f"Night of {LAST_DAY} done: " in chain.told


def test_all_599_series_of_67_stores_are_forecast_for_a_year(chain: Chain) -> None:
    forecasts = chain.facts("SELECT store_id, sku, week, mean FROM forecasts")

    assert len(forecasts[["store_id", "sku"]].drop_duplicates()) == 599
    assert forecasts["store_id"].nunique() == 67
    assert len(forecasts) == 599 * 52
    assert forecasts["week"].min().date() == date(2024, 4, 15)
    assert forecasts["mean"].notna().all()
    assert (forecasts["mean"] >= 0).all()


def test_the_alerts_are_about_stock_that_does_not_cover_what_is_expected(chain: Chain) -> None:
    alerts = chain.alerts("--rule", "stockout_in_season")

    assert 0 < len(alerts) < 599
    stock = chain.facts(
        "SELECT store_id, sku, on_hand, in_transit FROM stock WHERE business_date = DATE '2024-04-08'"
    ).set_index(["store_id", "sku"])
    for alert in alerts:
        for size in alert["details"]["sizes"]:
            assert size["on_hand"] + size["in_transit"] < size["demand"]
            known = stock.loc[(alert["store_id"], size["sku"])]
            assert (size["on_hand"], size["in_transit"]) == (known["on_hand"], known["in_transit"])


def test_without_a_calendar_nothing_leaves_too_early(chain: Chain) -> None:
    # Some shelves are full in the books and have sold nothing for months.
    assert {alert["rule"] for alert in chain.alerts("--all")} == {
        "stockout_in_season",
        "phantom_stock",
        "feed_late",
    }


def test_a_store_that_counts_its_stock_and_tells_no_sale_for_months_is_named(chain: Chain) -> None:
    (alert,) = chain.alerts("--all", "--rule", "feed_late")

    silent = chain.facts(
        "SELECT store_id, max(business_date) AS last_week FROM sales GROUP BY store_id ORDER BY last_week"
    )
    assert alert["store_id"] == silent["store_id"].iloc[0]
    assert alert["details"]["figures"]["last_day"] == "2024-01-14"
    assert silent["last_week"].iloc[0].date() == date(2024, 1, 8)


def test_the_night_again_changes_nothing(chain: Chain) -> None:
    before = chain.alerts("--all")

    told = inseason(chain.folder, "nightly", "--as-of", LAST_DAY)

    assert "was done before, nothing changed" in told
    assert chain.alerts("--all") == before
