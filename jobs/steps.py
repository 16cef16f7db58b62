"""What the steps of a night do; `jobs.night` says when, and keeps the record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from sqlalchemy import func, select

from data.assortment import carried, climate_frame, presentation_frame, products_frame, stores_frame
from data.facts.panel import Trade, build_panel, weekly_facts
from data.facts.store import Snapshot
from data.facts.supply import STALE_AFTER, arrivals, last_stocked, newest_days, stock_on, supply
from data.feeds.inbox import ingest_waiting
from data.feeds.reports import ImportReport, Refusal
from data.fiscal import week_start
from data.records import Finding, Run, RunKind, RunState, StoreKind
from data.selling_windows import calendar_frame, markdown_frame, resolve
from forecaster import expected_gap, find_gaps
from forecaster.codes import STOCKOUT_IN_SEASON
from jobs.digest import queue_digests
from jobs.drawing import draw_alerts
from jobs.drivers import background_of, drivers_of
from jobs.findings import to_findings
from jobs.forecasting import HORIZON_WEEKS, CategoryTask, forecast_all, young_categories
from jobs.outbox import deliver_due
from jobs.raising import raise_alerts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jobs.service import Service

_MOST_NAMED: Final = 5
_INPUTS: Final = ("sales", "stock", "receipts", "requests")
_FORECAST_PRODUCTS: Final = [
    "sku", "style_id", "category", "department", "gender_age", "size", "color", "regular_price",
    "replaces_sku",
]  # fmt: skip


@dataclass
class Night:
    """One night at work: what it was asked for, and what its steps hand to one another.

    `written` holds table versions to publish with the step's end; `remembered` goes into the run's details
    with it, so that a night taken up again reads the same inputs. `trouble` is what was wrong with its files.
    """

    service: Service
    business_date: date
    run_id: int
    written: dict[str, int] = field(default_factory=dict)
    remembered: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    summary: str = ""

    @property
    def first_week(self) -> date:
        """First day of the week in which the day after the business date lies."""
        return week_start(self.business_date + timedelta(days=1), self.service.settings.week_starts_on)

    @property
    def history_from(self) -> date:
        """A day of the first week of history that counts."""
        return self.business_date - timedelta(weeks=self.service.settings.history_weeks)

    @property
    def snapshot(self) -> Snapshot:
        """What this night reads: its inputs as they were after the ingest, and what it has published."""
        now = self.service.facts.snapshot()
        with self.service.database.read() as session:
            inputs: Mapping[str, int] = session.get_one(Run, self.run_id).details.get("inputs", {})
        return Snapshot(now.uri, {**now.versions, **inputs})

    @cached_property
    def trade(self) -> Trade:
        """What the records say of products, the calendar, and the stores that sell."""
        with self.service.database.read() as session:
            stores = stores_frame(session)
            return Trade(
                products_frame(session, as_of=self.business_date),
                # A distribution centre holds stock, but nobody can want anything there.
                stores[stores["kind"] != StoreKind.DC],
                calendar_frame(session),
                markdown_frame(session),
                presentation_frame(session, as_of=self.business_date),
            )

    @cached_property
    def carried(self) -> pd.DataFrame:
        """The series on offer in the coming year: store_id, sku, style_id, category, climate_zone."""
        history = last_stocked(self.snapshot, as_of=self.business_date)
        until = self.business_date + timedelta(weeks=HORIZON_WEEKS)
        with self.service.database.read() as session:
            pairs = carried(session, history, self.trade.products, as_of=self.business_date, until=until)
        described = pairs.merge(self.trade.products[["sku", "style_id", "category"]])
        return described.merge(self.trading[["store_id", "climate_zone"]])

    @cached_property
    def trading(self) -> pd.DataFrame:
        """The stores that have not closed for good."""
        closed_on = self.trade.stores["closed_on"]
        return self.trade.stores[closed_on.isna() | (closed_on > pd.Timestamp(self.business_date))]

    @cached_property
    def is_newest(self) -> bool:
        """Whether no later night has set the alerts already."""
        with self.service.database.read() as session:
            latest = session.scalar(
                select(func.max(Run.business_date)).where(
                    Run.kind == RunKind.NIGHT, Run.state == RunState.SUCCEEDED
                )
            )
        return latest is None or latest <= self.business_date

    @cached_property
    def late_stores(self) -> frozenset[str]:
        """Stores whose newest figures are too old to say anything about tonight.

        Stock decides where a store sends any, else sales; one that never sent figures has none to be late.
        """
        newest = newest_days(self.snapshot, as_of=self.business_date).sort_values("feed")
        newest = newest[newest["store_id"].isin(self.trading["store_id"])]
        deciding = newest.drop_duplicates("store_id", keep="last")
        late = deciding[deciding["newest"] < pd.Timestamp(self.business_date - STALE_AFTER)]
        return frozenset(late["store_id"])


@dataclass(frozen=True)
class Step:
    """A step: its work gives (rows, outcome); one that leaves nothing behind is repeated on resuming."""

    name: str
    work: Callable[[Night], tuple[int, str]]
    repeat: bool = False


def ingest(night: Night) -> tuple[int, str]:
    """Load the files that wait in the inbox, then fix the versions of the facts this night reads."""
    service = night.service
    outcomes = ingest_waiting(
        service.settings.inbox,
        database=service.database,
        facts=service.facts,
        settings=service.settings,
        clock=service.clock,
    )
    versions = service.facts.snapshot().versions
    night.remembered["inputs"] = {name: versions.get(name, 0) for name in _INPUTS}
    taken = [outcome for outcome in outcomes if isinstance(outcome, ImportReport)]
    refused = [outcome.reason for outcome in outcomes if isinstance(outcome, Refusal)]
    faulty = [report.summary for report in taken if report.rows_rejected]
    if not outcomes:
        return 0, "no files were waiting"
    night.trouble = [*faulty, *refused]
    taken_in = f"{len(taken)} file{'' if len(taken) == 1 else 's'} taken"
    return sum(report.rows_loaded for report in taken), "; ".join([taken_in, *night.trouble])


def panel(night: Night) -> tuple[int, str]:
    """Build the weekly panel of the whole chain."""
    settings = night.service.settings
    facts = weekly_facts(
        night.snapshot,
        first_week=night.history_from,
        as_of=night.business_date,
        week_starts_on=settings.week_starts_on,
        minimums=night.trade.minimums,
    )
    sold = (
        facts[["store_id", "sku"]]
        .drop_duplicates()
        .merge(night.trade.products[["sku", "style_id", "category"]])
    )
    ranged = sold.merge(night.trade.stores[["store_id", "climate_zone"]])
    windows = resolve(night.trade.calendar, ranged)
    rows = build_panel(facts, night.trade, windows, as_of=night.business_date)
    night.written["panel"] = night.service.facts.replace_all("panel", rows, run_id=night.run_id)
    series = len(rows[["store_id", "sku"]].drop_duplicates())
    return len(
        rows
    ), f"{series:,} series in {rows['category'].nunique()} categories, {rows['week'].nunique()} weeks"


def forecast(night: Night) -> tuple[int, str]:
    """Forecast every category for the coming year."""
    facts = night.service.facts
    before = facts.begin_forecasts()
    told = forecast_all(_category_tasks(night), workers=night.service.settings.workers)
    after = {name: facts.version(name) for name in before}
    night.written.update({name: version for name, version in after.items() if version > before[name]})
    night.remembered["substitution"] = {category.category: category.substitution for category in told}
    outcome = f"{len(night.carried):,} series for {HORIZON_WEEKS} weeks"
    suspected = sum(category.suspected for category in told)
    if suspected:
        shelves = f"{suspected:,} {'shelf' if suspected == 1 else 'shelves'}"
        outcome += f"; on {shelves} nothing sells, so that stock may stand in the books only"
    return sum(category.rows for category in told), outcome


def _category_tasks(night: Night) -> list[CategoryTask]:
    """What each category's forecast needs, small enough to be sent to another process."""
    with night.service.database.read() as session:
        climate = climate_frame(session)
    products = night.trade.products[_FORECAST_PRODUCTS]
    stores = night.trade.stores.rename(columns={"store_id": "store", "kind": "format"})[["store", "format"]]
    series = night.carried.drop(columns="style_id")
    snapshot = night.snapshot
    young = young_categories(snapshot, sorted(series["category"].unique()), as_of=night.business_date)
    return [
        CategoryTask(
            snapshot=snapshot,
            category=str(name),
            as_of=night.business_date,
            history_from=night.history_from,
            first_week=night.first_week,
            week_starts_on=night.service.settings.week_starts_on,
            carried=group,
            products=products[products["category"] == name],
            stores=stores,
            climate=climate,
            run_id=night.run_id,
            young=name in young,
        )
        for name, group in series.groupby("category")
    ]


def gap(night: Night) -> tuple[int, str]:
    """Hold the forecasts against the calendar and the stock."""
    rows = forecasts_of(night)
    stock = stock_on(night.snapshot, as_of=night.business_date)
    coming = arrivals(night.snapshot, as_of=night.business_date, first_week=night.first_week)
    ranged = night.carried[["store_id", "sku", "style_id", "category", "climate_zone"]]
    windows = ranged[["store_id", "sku", "style_id"]].merge(resolve(night.trade.calendar, ranged))
    gaps = expected_gap(
        rows[["store", "sku", "week", "mean", "evidence"]],
        rows[["store", "sku", "level_shape", "dispersion"]].drop_duplicates(["store", "sku"]),
        _as_series(supply(stock, coming, first_week=night.first_week)),
        _as_series(windows)[["store", "sku", "season_code", "floor_set", "exit"]],
        as_of=night.business_date,
    )
    # Without a lead time the shortest horizon counts.
    products = night.trade.products.rename(columns={"style_id": "style"}).fillna({"lead_time_days": 0.0})
    found = find_gaps(gaps, products, _as_series(stock), as_of=night.business_date)
    # A store that does not count its stock cannot be told that it runs out.
    found = found[(found["rule"] != STOCKOUT_IN_SEASON) | found["store"].isin(stock["store_id"])]
    drivers = drivers_of(found, background_of(night, found, rows))
    night.findings = to_findings(found, night.trade.products, windows, drivers)
    lost = sum(finding.units_lost for finding in night.findings)
    return len(found), f"{len(found):,} findings, {lost:,.0f} units at risk"


def alerts(night: Night) -> tuple[int, str]:
    """Open, update and resolve alerts, and draw those that fire."""
    if not night.is_newest:
        night.summary = "a later night has run: forecasts written, alerts left as that night set them"
        return 0, night.summary
    raised = raise_alerts(
        night.service.database,
        night.findings,
        business_date=night.business_date,
        now=night.service.clock.now(),
        late_stores=night.late_stores,
    )
    drawn = draw_alerts(night)
    night.summary = raised.sentence + _late(sorted(night.late_stores))
    return drawn, night.summary


def _late(stores: list[str]) -> str:
    more = f" and {len(stores) - _MOST_NAMED:,} more stores" if len(stores) > _MOST_NAMED else ""
    return f"; figures are late of {', '.join(stores[:_MOST_NAMED])}{more}" if stores else ""


def digest(night: Night) -> tuple[int, str]:
    """Write one mail per person who has news."""
    if not night.is_newest:
        return 0, "no news from an earlier night"
    written = queue_digests(night.service, night.business_date)
    return written, f"{written} digests written"


def mail(night: Night) -> tuple[int, str]:
    """Send what waits in the outbox."""
    settings = night.service.settings
    url = settings.smtp_url.get_secret_value()
    if not url:
        return 0, "no mail server is set: mails are kept in the app"
    result = deliver_due(
        night.service.database, smtp_url=url, sender=settings.mail_from, clock=night.service.clock
    )
    return result.sent, f"{result.sent} sent, {result.delayed} delayed, {result.dead} given up"


def forecasts_of(night: Night) -> pd.DataFrame:
    """This night's forecasts, with the forecaster's column names."""
    day = night.business_date.isoformat()
    return night.snapshot.query(
        "SELECT store_id AS store, sku, week, mean, evidence, level_shape, dispersion "
        f"FROM forecasts WHERE as_of = DATE '{day}'"
    )


def _as_series(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns={"store_id": "store"})


STEPS: Final = (
    Step("ingest", ingest),
    Step("panel", panel),
    Step("forecast", forecast),
    Step("gap", gap, repeat=True),
    Step("alerts", alerts),
    Step("digest", digest),
    Step("mail", mail),
)
