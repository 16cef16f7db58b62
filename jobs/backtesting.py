"""The forecast played again at earlier dates of a retailer's own history, its scores kept for the app."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from joblib import Parallel, delayed
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import insert, select

from data.assortment import climate_frame, products_frame
from data.errors import InSeasonError
from data.records import BacktestScore, Publication, Run, RunKind
from data.selling_windows import calendar_frame, resolve
from forecaster.backtest import backtest, rolling_origins, score_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from data.facts import Snapshot
    from jobs.service import Service

_ROWS_AT_ONCE: Final = 500
# In a file or a pipe a line has no edge of a screen to mind.
_FILE_WIDTH: Final = 200


@dataclass(frozen=True)
class BacktestTask:
    """One category to play again: where its panel is, from which dates, and how far ahead.

    `climate`, `windows`: as `forecaster.backtest.backtest` takes them.
    """

    snapshot: Snapshot
    category: str
    as_of: date
    origins: tuple[date, ...]
    horizon: int
    climate: pd.DataFrame | None
    products: pd.DataFrame
    windows: pd.DataFrame


@dataclass(frozen=True)
class BacktestReport:
    """What came of a backtest: its run (0 until kept), its night, its dates, and the scores.

    `business_date`: of the night whose panel was read.
    `scores`: as `forecaster.backtest.score_table` gives them.
    """

    run_id: int
    business_date: date
    origins: tuple[date, ...]
    horizon: int
    scores: pd.DataFrame

    @property
    def summary(self) -> str:
        """The scores over everything in one line."""
        total = self.scores.iloc[0]
        times = f"{len(self.origins)} time{'' if len(self.origins) == 1 else 's'}"
        side = "above" if total["wpe"] >= 0 else "below"
        return (
            f"foretold {times} from {self.origins[0]} to {self.origins[-1]}, {_weeks(self.horizon)} ahead; "
            f"{total['rows']:,} weeks of single skus scored: WAPE {total['wape']:.2f}, "
            f"{abs(total['wpe']):.0%} {side} sales, {total['coverage']:.0%} between p10 and p90"
        )


def run_backtest(
    service: Service,
    *,
    origins: int,
    horizon: int,
    every: int,
    category: str | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> BacktestReport:
    """Foretell the past of the newest night's panel from earlier dates, score it, and keep the scores.

    Args:
        service: the stores, settings and clock.
        origins: how many dates to foretell from; fewer where the history is short.
        horizon: weeks ahead.
        every: weeks from one date to the next.
        category: only this one.
        progress: told (what, done, of how many) after each category.

    Raises:
        InSeasonError: no night has published a panel, the category is not in it, its history is too short, or
            no week of it can be scored.
    """
    began = service.clock.machine_now()
    snapshot, business_date = _newest_panel(service)
    series = _series(snapshot, category)
    dates = _origins(series, business_date, count=origins, horizon=horizon, every=every)
    with service.database.read() as session:
        windows, climate = _windows(session, series, business_date), climate_frame(session)
        products = products_frame(session, as_of=business_date).rename(columns={"style_id": "style"})
    tasks = [
        BacktestTask(
            snapshot,
            str(name),
            business_date,
            dates,
            horizon,
            climate,
            products[products["category"] == name],
            _of(group, windows),
        )
        for name, group in series.groupby("category")
    ]
    working = Parallel(n_jobs=service.settings.workers, return_as="generator_unordered")
    tallies = []
    for tally in working(delayed(backtest_category)(task) for task in tasks):
        tallies.append(tally)
        progress("categories played again", len(tallies), len(tasks))
    scores = score_table(pd.concat(tallies, ignore_index=True), horizon=horizon)
    if scores.empty or not scores.iloc[0]["demand"]:
        raise InSeasonError(
            f"Nothing could be scored: after {dates[0]} nothing was sold of what was on the shelf all week "
            "at its regular price."
        )
    return _kept(service, BacktestReport(0, business_date, dates, horizon, scores), every, category, began)


def backtest_category(task: BacktestTask) -> pd.DataFrame:
    """Play one category again; the sums of which `forecaster.backtest.score_table` makes scores."""
    quoted = task.category.replace("'", "''")
    panel = task.snapshot.query(f"SELECT * FROM panel WHERE category = '{quoted}'")
    return backtest(
        panel.rename(columns={"store_id": "store"}),
        as_of=task.as_of,
        origins=task.origins,
        horizon=task.horizon,
        windows=task.windows,
        climate=task.climate,
        products=task.products,
    )


def score_rows(report: BacktestReport) -> list[dict[str, Any]]:
    """The scores as plain JSON values, null where there is none."""
    return _plain(report.scores)


def print_scores(report: BacktestReport) -> None:
    """The scores as a table: over everything by period and by weeks ahead, of each category by period."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH)
    table = Table(box=None)
    for name in ("category", "period"):
        table.add_column(name, overflow="fold")
    for name in ("weeks ahead", "rows", "units", "WAPE", "WPE", "pinball", "CRPS", "in p10-p90", "over p90"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in _plain(_shown(report)):
        table.add_row(*_cells(row))
    console.print(table)


def _shown(report: BacktestReport) -> pd.DataFrame:
    """The rows worth a line on a screen: none that tells again what another has told."""
    scores = report.scores
    several = scores["category"].nunique() > 2  # noqa: PLR2004  # the blank one and its only part
    fullest = "" if several else scores["category"].max()
    all_year = scores["period"] == ""
    all_ahead = (scores["first_ahead"] == 1) & (scores["last_ahead"] == report.horizon)
    named = several | (scores["category"] != "")
    only_part = scores["rows"] == scores.groupby("category")["rows"].transform("max")
    return scores[
        (all_year & (scores["category"] == fullest)) | (all_ahead & named & (all_year | ~only_part))
    ]


def _plain(scores: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = scores.astype(object).where(scores.notna(), None).to_dict("records")  # type: ignore[assignment]
    return rows


def _cells(row: dict[str, Any]) -> list[str]:
    first, last = row["first_ahead"], row["last_ahead"]
    return [
        # Names may hold square brackets, which the table would take for colours and drop.
        escape(row["category"] or "all"),
        (row["period"] or "all").replace("_", " "),
        f"{first}" if first == last else f"{first} to {last}",
        f"{row['rows']:,}",
        f"{row['demand']:,.0f}",
        "" if row["wape"] is None else f"{row['wape']:.3f}",
        "" if row["wpe"] is None else f"{row['wpe']:+.3f}",
        f"{row['pinball']:.3f}",
        f"{row['crps']:.3f}",
        f"{row['coverage']:.1%}",
        f"{row['beyond_p90']:.1%}",
    ]


def _newest_panel(service: Service) -> tuple[Snapshot, date]:
    """The facts as they are published, and the business date of the night that made their panel."""
    snapshot = service.facts.snapshot()
    made = (
        select(Run.business_date)
        .join(Publication, Publication.run_id == Run.run_id)
        .where(Publication.table_name == "panel", Publication.version == snapshot.versions.get("panel", 0))
    )
    with service.database.read() as session:
        business_date = session.scalar(made)
    if business_date is None:
        raise InSeasonError("There is no history to play again yet: run `inseason nightly` first.")
    return snapshot, business_date


def _series(snapshot: Snapshot, category: str | None) -> pd.DataFrame:
    """store_id, sku, category, climate_zone and first week of the series asked for."""
    series = snapshot.query(
        "SELECT store_id, sku, category, climate_zone, min(week) AS first_week FROM panel "
        "GROUP BY store_id, sku, category, climate_zone"
    )
    if series.empty:
        raise InSeasonError("The newest night's panel is empty: load sales and stock, then run a night.")
    if category is None:
        return series
    if category not in set(series["category"]):
        known = ", ".join(sorted(series["category"].unique()))
        raise InSeasonError(f"No series of category {category!r} has a history. There are: {known}.")
    return series[series["category"] == category]


def _origins(
    series: pd.DataFrame, business_date: date, *, count: int, horizon: int, every: int
) -> tuple[date, ...]:
    first = series["first_week"].min().date()
    dates = rolling_origins(first, as_of=business_date, count=count, every=every, horizon=horizon)
    if not dates:
        raise InSeasonError(
            f"The history from {first} to {business_date} is too short: it must hold half a year and then "
            f"{_weeks(horizon)} to foretell. Ask for a shorter --horizon."
        )
    return tuple(dates)


def _windows(session: Session, series: pd.DataFrame, business_date: date) -> pd.DataFrame:
    """The calendar's windows of every series: store, sku, season_code, floor_set, exit."""
    products = products_frame(session, as_of=business_date)[["sku", "style_id"]]
    ranged = series.merge(products, on="sku")
    resolved = resolve(calendar_frame(session), ranged)
    windows = ranged[["store_id", "sku", "style_id"]].merge(resolved, on=["store_id", "style_id"])
    return windows.rename(columns={"store_id": "store"}).drop(columns="style_id")


def _of(group: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    return windows[windows["sku"].isin(group["sku"])]


def _kept(
    service: Service, report: BacktestReport, every: int, category: str | None, began: datetime
) -> BacktestReport:
    """The report with its run: written when all is known, and done when its last score is in."""
    details = {
        "origins": [day.isoformat() for day in report.origins],
        "horizon": report.horizon,
        "every": every,
        "category": category,
    }
    with service.database.write() as session:
        run = Run(
            kind=RunKind.BACKTEST, business_date=report.business_date, started_at=began, details=details
        )
        session.add(run)
        session.flush()
        run_id = run.run_id
    rows = [row | {"run_id": run_id} for row in score_rows(report)]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        with service.database.write() as session:
            session.execute(insert(BacktestScore), rows[start : start + _ROWS_AT_ONCE])
    with service.database.write() as session:
        session.get_one(Run, run_id).succeed(service.clock.machine_now(), report.summary)
    return replace(report, run_id=run_id)


def _weeks(number: int) -> str:
    return f"{number} week{'' if number == 1 else 's'}"
