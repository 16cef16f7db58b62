"""What the night prepares for the planner: the gap by week, and a sheet for every season in force or next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from joblib import Parallel, delayed

from data.errors import InSeasonError
from data.facts.supply import arrivals
from data.overrides import overrides_in_force
from data.planning.assumed import Prices
from data.planning.gap_weeks import weeks_ahead, weeks_past
from data.planning.keeping import keep_gap_weeks, keep_sheets
from data.planning.making import make_board, seasons_ahead
from data.planning.preparing import prepare_sheet
from data.planning.reading import Books, NightSeen, read_category
from data.planning.season_weeks import read_by_store, season_weeks
from data.planning.sheets import CHAIN
from data.records import Run
from data.selling_windows import newest_version
from web.rendering.season_chart import season_chart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from data.planning.reading import CategoryFacts
    from data.records import PlanSheet
    from jobs.tonight import Night


@dataclass(frozen=True)
class SheetTask:
    """One category whose sheets are to be made: small enough to be sent to another process."""

    category: str
    seen: NightSeen
    books: Books
    prices: Prices
    calendar_version: int | None


def prepare_plans(night: Night) -> tuple[int, str]:
    """Write the gap by week and the plan sheets of this night."""
    if not night.is_newest:
        return 0, "a later night has prepared the planner"
    database, day = night.service.database, night.business_date
    cells = keep_gap_weeks(database, _gap_weeks(night), business_date=day)
    made = Parallel(n_jobs=night.service.settings.workers, return_as="generator")(
        delayed(sheets_of_category)(task) for task in _tasks(night)
    )
    kept = keep_sheets(database, (sheet for sheets in made for sheet in sheets), business_date=day)
    return kept, f"{kept:,} plan sheets, the gap of {cells:,} weeks of categories and zones"


def sheets_of_category(task: SheetTask) -> list[PlanSheet]:
    """The sheets of a category: of the chain and of each zone, for each season that is in force or next."""
    try:
        known = read_category(task.seen, task.books, task.category, prices=task.prices)
    except InSeasonError:
        return []
    past, ahead = read_by_store(task.seen, task.books, task.category)
    return [
        sheet for zone, season in _seasons(known) for sheet in _sheet(task, known, zone, season, past, ahead)
    ]


def _seasons(known: CategoryFacts) -> Iterator[tuple[str, str]]:
    for zone in (CHAIN, *known.zones):
        for season in seasons_ahead(known, zone):
            yield zone, season


def _sheet(
    task: SheetTask, known: CategoryFacts, zone: str, season: str, past: pd.DataFrame, ahead: pd.DataFrame
) -> Iterable[PlanSheet]:
    """The sheet of a season, drawn; none where there is nothing to plan."""
    try:
        board = make_board(known, zone, season)
    except InSeasonError:
        return []
    weeks = season_weeks(past, ahead, set(known.of_zone(zone)["store"]), task.seen.as_of)
    shown = weeks.shown(board)
    sheet = prepare_sheet(board, weeks, shown, calendar_version=task.calendar_version)
    where = f"{task.category} in {zone}" if zone else task.category
    sheet.svg, geometry = season_chart(
        shown, board.today, as_of=board.as_of, title=f"{where}: demand by week and the time on the floor"
    )
    sheet.details = sheet.details | {"chart": geometry.details}
    return [sheet]


def _gap_weeks(night: Night) -> pd.DataFrame:
    outlook = night.outlook
    past = weeks_past(
        night.snapshot,
        outlook.products,
        night.trade.calendar,
        as_of=night.business_date,
        first_week=night.first_week,
    )
    coming = weeks_ahead(outlook.gap, outlook.products, outlook.stores)
    return pd.concat([part for part in (past, coming) if len(part)] or [coming], ignore_index=True)


def _tasks(night: Night) -> list[SheetTask]:
    """What each category's sheets need; the largest first, so that no process is left with it at the end."""
    outlook, trade, day = night.outlook, night.trade, night.business_date
    with night.service.database.read() as session:
        measured = session.get_one(Run, night.run_id).details.get("substitution", {})
        overrides = overrides_in_force(session, day)
        version = newest_version(session)
    prices = Prices(outlook.terms.salvage_share, outlook.terms.usual_cost_share)
    coming = arrivals(night.snapshot, as_of=day, first_week=night.first_week)
    snapshot = night.snapshot
    return [
        SheetTask(
            str(category),
            NightSeen(
                day,
                snapshot,
                measured,
                outlook.counted[outlook.counted["sku"].isin(products["sku"])],
                coming[coming["sku"].isin(products["sku"])],
            ),
            Books(products, night.places, trade.calendar, trade.markdowns, overrides),
            prices,
            version,
        )
        for category, products in _by_size(night, trade.products)
    ]


def _by_size(night: Night, products: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    sizes = night.carried["category"].value_counts()
    return [(str(name), products[products["category"] == name]) for name in sizes.index]
