"""One night at work: what it was asked for, what it reads, and what its steps hand to one another."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from sqlalchemy import func, select, update

from data.assortment import carried, presentation_frame, products_frame, stores_frame
from data.facts.panel import Trade
from data.facts.requests import read_wordings
from data.facts.store import Snapshot
from data.facts.supply import last_stocked
from data.fiscal import week_start
from data.records import CalendarTouch, Finding, Run, RunKind, RunState, RunStep, StoreKind
from data.selling_windows import calendar_frame, markdown_frame
from jobs.outlook import Outlook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobs.service import Service

CALENDAR: Final = "calendar"
"""Under this name a night remembers the version of the calendar that it reads."""

HORIZON_WEEKS: Final = 52
"""How far ahead every night looks."""

_TELL_EVERY_SECONDS: Final = 2.0


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
    _told_at: float = 0.0

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
    def places(self) -> pd.DataFrame:
        """Every place that holds stock, as `data.assortment.stores_frame` gives them."""
        with self.service.database.read() as session:
            return stores_frame(session)

    @cached_property
    def trade(self) -> Trade:
        """What the records say of products, the calendar, and the stores that sell."""
        with self.service.database.read() as session:
            return Trade(
                products_frame(session, as_of=self.business_date),
                # A distribution centre holds stock, but nobody can want anything there.
                self.places[self.places["kind"] != StoreKind.DC],
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
    def wordings(self) -> pd.DataFrame:
        """What customers' own words mean of the assortment (`data.facts.requests.read_wordings`)."""
        return read_wordings(self.snapshot, self.trade.products, as_of=self.business_date)

    @cached_property
    def has_begun_before(self) -> bool:
        """Whether it was begun, or even done, before: what it wrote then may still stand."""
        with self.service.database.read() as session:
            return "resumed_at" in session.get_one(Run, self.run_id).details

    def tell(self, done: int, total: int) -> None:
        """Write down how far the step at work is, at most every few seconds, for whoever watches."""
        if (now := monotonic()) < self._told_at + _TELL_EVERY_SECONDS:
            return
        self._told_at = now
        at_work = (RunStep.run_id == self.run_id, RunStep.state == RunState.RUNNING)
        with self.service.database.write() as session:
            session.execute(update(RunStep).where(*at_work).values(done=done, total=total))

    @cached_property
    def replanned(self) -> frozenset[tuple[str, str]]:
        """Categories and season codes whose calendar people have changed since the night before."""
        nights = select(Run).where(Run.kind == RunKind.NIGHT, Run.state == RunState.SUCCEEDED)
        earlier = nights.where(Run.business_date < self.business_date).order_by(Run.business_date.desc())
        with self.service.database.read() as session:
            before = session.scalar(earlier.limit(1))
            if before is None or (version := before.details.get(CALENDAR)) is None:
                return frozenset()
            now = session.get_one(Run, self.run_id).details[CALENDAR]
            touched = select(CalendarTouch.category, CalendarTouch.season_code).where(
                CalendarTouch.version_id > version, CalendarTouch.version_id <= now
            )
            return frozenset((row.category, row.season_code) for row in session.execute(touched))

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
    def outlook(self) -> Outlook:
        """What the numbers see; once the night's forecasts are published."""
        return Outlook(self)
