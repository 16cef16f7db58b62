"""How fast a date moves in the planner: plans weighed on a board that is at hand, and the board's first load.

Usage: python -m benchmarks.planner [--styles 200] [--stores 100] [--chain 300000] [--times 5] [--json]

The category of `benchmarks.plans` (every style in every store, 39 weeks to come, three in ten with a receipt)
is written to stores of records and facts in a temporary folder, as a night leaves them: its forecasts of that
night and of the six before, a year of its panel, and six weeks of daily counts of a chain of so many series.
One process; what is loaded on first use is on no clock. Methods:

- cold_load: `Boards.of` of a category that nobody has asked for: records and facts read, laid out as arrays.
- at_hand: the same when it has been loaded before: is anything newer known?
- move_a_date: `Board.weigh` of three plans beside today's, as the planner does when somebody moves a date.
- from_frames: `forecaster.plan_markdowns` of the same plans from frames that are in memory already.
- candidates: `Board.weigh` of all lawful plans around today's, as the night does for each sheet.

Columns: method, series, plans (weighed beside today's), ms (median of so many times), worst_ms, megabytes
(that the board takes), error (furthest margin from `from_frames`, as a share).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import date, timedelta
from datetime import datetime as instant
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.plans import AS_OF, COST, ELASTICITY, FIRST_WEEK, PRICE, SALVAGE, TODAY, Chain, make_chain
from benchmarks.table import print_table
from data.database import Database
from data.facts import TABLES, FactsStore, write_forecasts
from data.facts.store import write_rows
from data.migrate import upgrade
from data.planning.assumed import Prices
from data.planning.boards import Boards
from data.records import (
    CalendarVersion,
    MarkdownStep,
    Product,
    Run,
    RunKind,
    RunState,
    SellingWindow,
    Store,
)
from forecaster import Plan, plan_markdowns
from forecaster.plan_rules import PlanRules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from data.planning.board import Board

Found = TypeVar("Found")

COLUMNS = ("method", "series", "plans", "ms", "worst_ms", "megabytes", "error")
CATEGORY = "swim"
NIGHTS, COUNT_DAYS, PANEL_WEEKS = 7, 42, 52
_WRITTEN = ("forecasts", "seasons", "stock", "receipts", "panel")
NOW = instant(2026, 4, 5, 3, tzinfo=ZoneInfo("UTC"))


@dataclass(frozen=True)
class Stores:
    """Both stores of a retailer whose newest night is over, and the category as frames."""

    database: Database
    facts: FactsStore
    chain: Chain


def plans() -> list[Plan]:
    """Three plans as somebody tries them: held markdowns, a later exit, both."""
    later = tuple(replace(cut, day=cut.day + timedelta(weeks=3)) for cut in TODAY.markdowns)
    leaving = date(2026, 8, 30)
    return [
        replace(TODAY, markdowns=later, exit=date(2026, 7, 26)),
        replace(TODAY, exit=leaving),
        replace(TODAY, markdowns=later, exit=leaving),
    ]


def write_stores(folder: Path, chain: Chain, series: int) -> Stores:
    """Write what a night leaves behind."""
    database = Database(f"sqlite:///{folder / 'records.db'}")
    upgrade(database)
    facts = FactsStore(str(folder / "facts"), database)
    facts.prepare()
    run_id = _write_records(database, chain)
    _write_facts(facts, chain, series, run_id)
    with database.write() as session:
        versions = {name: facts.version(name) for name in _WRITTEN}
        facts.publish(session, session.get_one(Run, run_id), versions)
    return Stores(database, facts, chain)


def _write_records(database: Database, chain: Chain) -> int:
    """Stores, products, the calendar and a night; returns the night's number."""
    with database.write() as session:
        session.add_all(
            Store(store_id=store, name=store, climate_zone=f"zone-{number % 5}")
            for number, store in enumerate(chain.series["store"].unique())
        )
        session.add_all(
            Product(sku=sku, style_id=sku, category=CATEGORY, size="M", regular_price=PRICE, unit_cost=COST)
            for sku in chain.series["sku"].unique()
        )
        window = SellingWindow(
            category=CATEGORY, season_code="SS26", floor_set=TODAY.floor_set, exit=TODAY.exit
        )
        steps = [
            MarkdownStep(
                category=CATEGORY, season_code="SS26", effective_from=cut.day, percent_off=cut.percent_off
            )
            for cut in TODAY.markdowns
        ]
        session.add(
            CalendarVersion(
                created_at=NOW, author="benchmark", reason="season", windows=[window], markdown_steps=steps
            )
        )
        run = Run(kind=RunKind.NIGHT, business_date=AS_OF, state=RunState.SUCCEEDED, started_at=NOW)
        session.add(run)
        session.flush()
        return run.run_id


def _write_facts(facts: FactsStore, chain: Chain, series: int, run_id: int) -> None:
    shapes = chain.series[["store", "sku", "level_shape", "dispersion"]]
    told = chain.forecast.merge(shapes, on=["store", "sku"]).rename(columns={"store": "store_id"})
    told = told.assign(p10=0.0, p50=1.0, p90=2.0, size=3.0, evidence="observed", base_mean=told["mean"])
    for back in range(NIGHTS - 1, -1, -1):
        write_forecasts(facts.uri, told, category=CATEGORY, as_of=AS_OF - timedelta(days=back), run_id=run_id)
    season = pd.DataFrame({"week": told["week"].unique(), "elasticity": ELASTICITY, "climate_zone": "zone-0"})
    write_forecasts(facts.uri, season, category=CATEGORY, as_of=AS_OF, run_id=run_id, table="seasons")
    keys = chain.series[["store", "sku"]].rename(columns={"store": "store_id"})
    past = pd.DataFrame({"week": FIRST_WEEK - pd.to_timedelta(7 * np.arange(1, PANEL_WEEKS + 1), unit="D")})
    panel = keys.merge(past, how="cross").assign(category=CATEGORY, units=1.0, exposure=1.0)
    write_rows(facts.uri, TABLES["panel"], panel, run_id=run_id, mode="overwrite")
    _write_stock(facts, chain, series, run_id)


def _write_stock(facts: FactsStore, chain: Chain, series: int, run_id: int) -> None:
    """Six weeks of daily counts of the category and of the rest of the chain, and the receipts to come."""
    there = chain.supply[chain.supply["week"] == FIRST_WEEK]
    own = there.rename(columns={"store": "store_id", "units": "on_hand"})[["store_id", "sku", "on_hand"]]
    stores = own["store_id"].unique()
    others = max(series - len(own), 0)
    rest = pd.DataFrame(
        {
            "store_id": stores[np.arange(others) % len(stores)],
            "sku": [f"other-{number // len(stores):05}" for number in range(others)],
            "on_hand": 5,
        }
    )
    held = pd.concat([own, rest], ignore_index=True).astype({"on_hand": "int64"})
    for back in range(COUNT_DAYS):
        day = AS_OF - timedelta(days=back)
        rows = held.assign(business_date=day, in_transit=0, on_order=0, period="day", month=f"{day:%Y-%m}")
        write_rows(facts.uri, TABLES["stock"], rows, run_id=run_id, mode="append")
    coming = chain.supply[chain.supply["week"] > FIRST_WEEK].rename(columns={"store": "store_id"})
    coming = coming.assign(expected_date=coming["week"], loaded_by=run_id).drop(columns="week")
    coming = coming.assign(month=coming["expected_date"].dt.strftime("%Y-%m")).astype({"units": "int64"})
    write_rows(facts.uri, TABLES["receipts"], coming, run_id=run_id, mode="append")


def measured(stores: Stores, times: int) -> list[dict[str, object]]:
    """The rows of the table."""
    frames, tried = stores.chain, plans()
    cold = [_clocked(lambda: Boards(stores.database, stores.facts.uri).of(CATEGORY)) for _ in range(times)]
    boards = Boards(stores.database, stores.facts.uri, prices=Prices(salvage_share=SALVAGE / PRICE))
    board = boards.of(CATEGORY)
    warm = [_clocked(lambda: boards.of(CATEGORY)) for _ in range(times)]
    moved = [_clocked(lambda: board.weigh(tried)) for _ in range(times)]
    again = [
        _clocked(
            lambda: plan_markdowns(
                frames.forecast,
                frames.series,
                frames.supply,
                tried,
                today=TODAY,
                elasticity=ELASTICITY,
                as_of=AS_OF,
                rules=PlanRules(),
            )
        )
        for _ in range(times)
    ]
    around = board.candidates()
    all_of_them = [_clocked(lambda: board.weigh(around)) for _ in range(times)]
    margins = [last[-1][1].plans["margin"].to_numpy() for last in (again, moved)]
    error = float(np.abs(margins[1] / margins[0] - 1.0).max())
    size = board.numbers.megabytes
    return [
        _row("cold_load", cold, board, None, megabytes=size),
        _row("at_hand", warm, board, None),
        _row("move_a_date", moved, board, len(tried), error=error),
        _row("from_frames", again, board, len(tried)),
        _row("candidates", all_of_them, board, len(around) - 1),
    ]


def _clocked(work: Callable[[], Found]) -> tuple[float, Found]:
    started = time.perf_counter()
    found = work()
    return 1000.0 * (time.perf_counter() - started), found


def _row(
    method: str, runs: Sequence[tuple[float, object]], board: Board, weighed: int | None, **more: float
) -> dict[str, object]:
    spent = [ms for ms, _ in runs]
    return {
        "method": method,
        "series": len(board.numbers.shelves.stock),
        "plans": weighed,
        "ms": median(spent),
        "worst_ms": max(spent),
        **more,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--styles", type=int, default=200)
    parser.add_argument("--stores", type=int, default=100)
    parser.add_argument("--chain", type=int, default=300_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args(arguments)
    chain = make_chain(options.styles, options.stores, options.seed)
    with threadpool_limits(limits=1), tempfile.TemporaryDirectory() as folder:
        stores = write_stores(Path(folder), chain, options.chain)
        try:
            # What is loaded on first use is no part of the work.
            Boards(stores.database, stores.facts.uri).of(CATEGORY)
            print_table(measured(stores, options.times), COLUMNS, as_json=options.as_json)
        finally:
            stores.database.dispose()


if __name__ == "__main__":
    main()
