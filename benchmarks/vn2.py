"""Plays the VN2 Inventory Planning Challenge: six weekly orders for 599 real series, their errors and cost.

Usage: python -m benchmarks.vn2 --data DIR [--actuals FILE] [--json]

DIR holds sales.csv, in_stock.csv, master.csv and initial_state.csv. FILE (Store, Product, week 1 to 8,
actual_demand) tells what was asked for in the eight weeks after the last; without it three earlier blocks of
eight weeks, the last of the history, are played.

The rules (datasource.ai, VN2 Inventory Planning Challenge, 2025): a unit left at a week's end costs 0.2, a
lost sale 1.0. An order placed at the end of week X arrives at the start of week X + 3. Six orders, at the end
of weeks 0 to 5, decide weeks 3 to 8; weeks 1 and 2 are served by the start state and cost the same for all.

What is ours to choose:

- Each method sees its own shop: past the history only its own sales, cut off by its own stock, and that a
  week ended sold out. The challenge also told what had been missed. On the seven blocks before those played
  here that would change no method's total by more than 0.6%, and no block's by more than 4%.
- True demand of an earlier block's weeks out of stock is not known. They are not scored; in the game they
  are weeks without demand, for all methods alike.
- An earlier block has no start state. It is made like the published one, from the mean m of a series' last
  13 weeks in stock: 1.2 m on hand, rounded up, nothing in week 1, 1.1 m in week 2, rounded (2,195 and 1,787
  units at the end of the history, where the published state has 2,225 and 1,699).
- Our forecast is the median, which minimises absolute error where the distribution is right, and all
  products share one season. Both were chosen on the seven blocks before those played here: WAPE 0.552 /
  0.560 / 0.567 with medians and 0.566 / 0.569 / 0.575 with means; cost 13.6% under the challenge's benchmark
  with one season, 10.6% with one for each department group.
- `inseason` orders the quantile cs / (cs + ch) of simulated need; `inseason_patient` counts that a unit too
  many is held longer than a week (`_vn2_policies.HELD_WEEKS`, from the model alone).

`wape_h` is scored over the six rounds' forecasts h weeks ahead, in weeks in stock; `seconds` are of
processor time, for the six rounds, reading the files apart.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks._vn2_game import AHEAD, WEEKS, Block, Record, Stock, play, wape
from benchmarks._vn2_policies import AVERAGED, PATIENT_SERVICE, InSeason, challenge_benchmark, seasonal_naive
from benchmarks.table import print_table
from benchmarks.vn2_feeds import KEYS, SourceError, read_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from benchmarks._vn2_game import Policy

    Floats = npt.NDArray[np.float64]

COLUMNS = ("method", "block", "wape_1", "wape_2", "wape_3", "cost", "seconds")
BASELINE = "challenge_benchmark"
EARLIER_BLOCKS = 3
PUBLISHED = (
    "Published totals of the challenge: benchmark 5,248, winner 4,677, best known after the event 4,487; "
    "the winner's WAPE 0.561 / 0.582 / 0.597"
)
_ON_HAND, _IN_WEEK_TWO = 1.2, 1.1


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vn2", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", metavar="DIR", type=Path, required=True, help="the folder with the VN2 files"
    )
    parser.add_argument(
        "--actuals", metavar="FILE", type=Path, help="demand of the eight weeks after the last"
    )
    parser.add_argument("--json", action="store_true", help="also print the table as one line of JSON")
    given = parser.parse_args(arguments)
    try:
        tables = _sorted(read_source(given.data))
        blocks = [actual_block(tables, given.actuals)] if given.actuals else earlier_blocks(tables)
    except SourceError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    rows = results(blocks, policies(tables["master.csv"]))
    print(summary(rows))
    if given.actuals:
        print(PUBLISHED)
    print_table(rows, COLUMNS, as_json=given.json)
    return 0


def policies(master: pd.DataFrame) -> dict[str, Policy]:
    """Who plays, by name."""
    series = pd.DataFrame(
        {"store": master["Store"], "sku": master["Product"], "category": "all", "climate_zone": "all"}
    )
    return {
        "inseason": InSeason(series),
        "inseason_patient": InSeason(series, PATIENT_SERVICE),
        BASELINE: challenge_benchmark,
        "seasonal_naive": seasonal_naive,
    }


def results(blocks: Sequence[Block], players: dict[str, Policy]) -> list[dict[str, object]]:
    """One row per block and method."""
    rows: list[dict[str, object]] = []
    for block in blocks:
        for name, policy in players.items():
            played = play(block, policy)
            errors = {f"wape_{ahead}": wape(played, block, ahead) for ahead in range(1, AHEAD + 1)}
            cost = round(float(played.costs.sum()), 1)
            rows.append(
                {"method": name, "block": block.name, **errors, "cost": cost, "seconds": played.seconds}
            )
    return rows


def summary(rows: Sequence[dict[str, object]]) -> str:
    """Total cost of every method over the blocks, held against the challenge's benchmark."""
    total = pd.DataFrame(rows).groupby("method", sort=False)["cost"].sum()
    told = [
        f"{method} {cost:,.0f} ({cost / total[BASELINE] - 1:+.1%})"
        if method != BASELINE
        else f"{method} {cost:,.0f}"
        for method, cost in total.items()
    ]
    return f"Total cost of {pd.DataFrame(rows)['block'].nunique()} x {WEEKS} weeks: " + ", ".join(told)


def earlier_blocks(tables: dict[str, pd.DataFrame]) -> list[Block]:
    """The last three blocks of the history, oldest first."""
    weeks, sales, in_stock = _history(tables)
    blocks = []
    for back in range(EARLIER_BLOCKS, 0, -1):
        first = len(weeks) - back * WEEKS
        known = _record(weeks[:first], sales[:, :first], in_stock[:, :first])
        played = slice(first, first + WEEKS)
        blocks.append(
            Block(
                str(weeks[first]), known, start_like_published(known), sales[:, played], in_stock[:, played]
            )
        )
    return blocks


def actual_block(tables: dict[str, pd.DataFrame], actuals: Path) -> Block:
    """The block of the challenge itself: its start state, and the demand told in a file."""
    weeks, sales, in_stock = _history(tables)
    known = _record(weeks, sales, in_stock)
    state = tables["initial_state.csv"]
    coming = state[["In Transit W+1", "In Transit W+2"]].to_numpy(dtype=np.float64)
    start = Stock(state["End Inventory"].to_numpy(dtype=np.float64), coming)
    demand = _actual_demand(actuals, state[KEYS])
    flags = tables["in_stock.csv"]
    ahead = [str(week) for week in known.ahead(WEEKS)]
    # The flags may run on into the weeks played; they decide what is scored, and no method sees them.
    scored = np.column_stack(
        [flags[week].to_numpy(dtype=bool) if week in flags else np.ones(len(flags), bool) for week in ahead]
    )
    return Block(ahead[0], known, start, demand, scored)


def start_like_published(record: Record) -> Stock:
    """A start state in proportion to recent sales, as the published one is."""
    used, known = record.sales[:, -AVERAGED:], record.in_stock[:, -AVERAGED:]
    mean = np.where(known, used, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return Stock(
        np.ceil(_ON_HAND * mean), np.column_stack([np.zeros(len(mean)), np.round(_IN_WEEK_TWO * mean)])
    )


def _sorted(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables with their series in one order, the forecaster's.

    Raises:
        SourceError: the tables do not hold the same series.
    """
    ordered = {name: table.sort_values(KEYS, ignore_index=True) for name, table in tables.items()}
    keys = ordered["sales.csv"][KEYS]
    for name, table in ordered.items():
        if not table[KEYS].equals(keys):
            raise SourceError(f"{name} does not hold the same Store x Product as sales.csv")
    return ordered


def _history(
    tables: dict[str, pd.DataFrame],
) -> tuple[npt.NDArray[np.datetime64], Floats, npt.NDArray[np.bool_]]:
    sales, flags = tables["sales.csv"].drop(columns=KEYS), tables["in_stock.csv"]
    weeks = pd.to_datetime(sales.columns, format="%Y-%m-%d").to_numpy().astype("datetime64[D]")
    return weeks, sales.to_numpy(dtype=np.float64), flags[sales.columns].to_numpy(dtype=bool)


def _record(weeks: npt.NDArray[np.datetime64], sales: Floats, in_stock: npt.NDArray[np.bool_]) -> Record:
    """History: a week flagged out of stock sold nothing and could not be bought from."""
    return Record(weeks, sales, in_stock.astype(np.float64), ~in_stock)


def _actual_demand(path: Path, keys: pd.DataFrame) -> Floats:
    """Demand (n, 8) from a file of one row per series and week.

    Raises:
        SourceError: the file lacks a column, a series or a week.
    """
    if not path.is_file():
        raise SourceError(f"{path} is not a file")
    rows = pd.read_csv(path, dtype=dict.fromkeys(KEYS, str))
    absent = [name for name in (*KEYS, "week", "actual_demand") if name not in rows.columns]
    if absent:
        raise SourceError(f"{path} lacks the columns {', '.join(absent)}")
    wide = rows.pivot_table(index=KEYS, columns="week", values="actual_demand", aggfunc="sum")
    demand = wide.reindex(index=pd.MultiIndex.from_frame(keys), columns=range(1, WEEKS + 1)).to_numpy()
    if np.isnan(demand).any():
        raise SourceError(f"{path} lacks {int(np.isnan(demand).sum())} of {demand.size} series x weeks")
    return np.asarray(demand, dtype=np.float64)


if __name__ == "__main__":
    raise SystemExit(main())
