"""Known demand in the demo retailer: a year of nights, which alerts people got, and which were right.

Usage: python -m benchmarks.alerts [--seed 1] [--weeks 52] [--workers 2] [--mistakes] [--json]

The demo retailer (`jobs.demo`, 20 stores, 8 categories) is made with four years of feeds. Its files are
imported week by week, each when it would have come: a receipt when it is ordered, a season's products,
ranging, calendar and markdown plan when it is bought. So no night can see what comes after it. From April to
March each Saturday's night runs as `inseason nightly` runs it, on the same functions: panel, demand model,
gap, rules, grouping, the alerts' life in the records, and the decision whom to send a mail; only what is
shown beside an alert (drawings, drivers, effort, actions) and drafts of calendars are left out. To keep it
short the demand model is fitted anew every four weeks, and in between the last forecasts are held against the
new stock (shelves on which the fit suspects phantom stock stay suspected until they sell); and each week's
findings are found on two nights, Saturday's and Sunday's, so that what needs two nights in a row opens on
Sunday, and mails are decided on these two. Nobody acts.

The judge knows the mean units that customers wanted of every sku in every store and week
(`jobs.demo.write_feeds` writes them beside the feeds), the real stock and sales, and the faults that were put
into the files: four stores of which no sales and stock came for 20 days; 40 shelves that were empty for ten
weeks while the books went on showing the stock of the evening before; eight things that nobody carries, each
asked for 40 times in ten weeks (and fourteen that were asked for once). Policies are the defaults. What was
missed on a day are the units wanted of a size that could not be bought then: half of them where it sold out
that day. Weeks count that are material (the policy's share of the style's highest day in that store). Each
rule's event, per store x style x season where not said otherwise:

    exit_before_demand_ends         missed after the exit, up to the trough of the year; what the clearance
                                    rail still had is not missed
    floor_set_after_demand_starts   wanted from the trough of the year to the floor-set
    stockout_in_season              missed on the calendar's floor, gathered into spells of weeks of at least
                                    a quarter of a unit, at most one such week apart; judged within the
                                    alert's horizon and of the sizes it named, due by the most of a spell
                                    within the lead time and a week
    markdown_before_peak            sold from the first price cut to the end of the week of highest demand;
                                    due as far as as many pieces were missed from the cut to the exit
    stock_outlasts_season           on hand on the evening of the exit, less what is wanted of the size after
                                    it; right from half the policy's share of the stock when it was told
    broken_size_run                 as stockout_in_season, on days on which a core size of a colour is gone
                                    and the others hold at least the minimum. What one of these two rules told
                                    counts as told for both
    asked_not_found                 the things put in, by their words; of things carried, what was missed
                                    of the style from four weeks before to four weeks after
    phantom_stock                   the shelves put in, while they are empty, per store x sku
    feed_late                       the outages put in, from the day on which the policy calls them late, per
                                    store and feed

An alert is right when at least half the policy's minimum of its event came after it was raised. An event is
due when it began after the first night and its units reach the policy's minimum (units and money) and, after
an exit and in season, so much of them could still be won: the pieces that the distribution centre
holds, or that other stores have beyond the 80th percentile of their own customers' wants until the exit and
one to show, shared among all who miss the size; and what can be ordered
within two months, in season counted from the first day of the loss, for nobody can foresee every surge.

Columns:

    raised                  alerts that people saw, each time they were shown anew; alerts of zones, which
                            gather those of stores, are not counted again
    precision               share of them that were right
    recall                  share of due events with an alert that was live before they were over (a plan's
                            alert may have left when it could no longer be changed)
    lead_days               median days from the first right alert of an event to its first unit
    per_store_week          of store alerts
    mails_per_person_week   20 store managers and a merchandiser, with the choices people begin with
    seconds                 of the whole year, by the clock
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from benchmarks._alerts_events import events_of
from benchmarks._alerts_judge import shelves_of
from benchmarks._alerts_nights import play
from benchmarks._alerts_scores import dead_season, flapping, judged, mistakes, raised_frame, table
from benchmarks._alerts_world import FIRST_NIGHT, WEEKS, make_world
from benchmarks.table import print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS: Final = (
    "rule", "raised", "precision", "recall", "lead_days", "per_store_week", "mails_per_person_week",
    "seconds",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the year of one seed and print its table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.alerts", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seed", type=int, default=1, help="develop on others than the default")
    parser.add_argument("--weeks", type=int, default=WEEKS, help="how much of the year is played")
    parser.add_argument("--workers", type=int, default=2, help="processes that fit the demand model")
    parser.add_argument("--mistakes", action="store_true", help="also say what kinds of mistakes were made")
    parser.add_argument("--json", action="store_true", help="print the table as JSON too, on the last line")
    given = parser.parse_args(arguments)
    if not 1 <= given.weeks <= WEEKS:
        parser.error(f"--weeks must lie between 1 and {WEEKS}")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        world = make_world(Path(name), given.seed)
        year = play(world, Path(name), weeks=given.weeks, workers=given.workers)
    shelves = shelves_of(world)
    last = pd.Timestamp(FIRST_NIGHT) + pd.Timedelta(weeks=given.weeks - 1)
    events = events_of(world, shelves, last)
    raised = raised_frame(year)
    alerts = judged(raised, events)
    rows = table(year, alerts, events, stores=shelves.pairs["store_id"].nunique(), weeks=given.weeks)
    rows[-1]["seconds"] = time.perf_counter() - began
    if given.mistakes:
        mistakes(alerts, events, shelves)
    dead = dead_season(alerts, shelves)
    parts = ", ".join(f"{part} {seconds:.0f} s" for part, seconds in year.seconds.items())
    print(f"seed {given.seed}: {len(raised) - len(alerts)} alerts of zones gather those of stores; {parts}")
    print(f"dead-season alerts: {len(dead)}; flapping pairs: {flapping(raised)}")
    print_table(rows, COLUMNS, as_json=given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
