"""A fortnight of two stores, night by night: what the alerts of five styles make of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from data.errors import TransitionError
from data.records import Alert, Condition, DismissReason, Status, Store
from jobs.raising import raise_alerts
from tests.ground.findings import silenced, trunks_leave_early

if TYPE_CHECKING:
    from data.database import Database
    from data.records import Finding

FIRST = date(2026, 6, 1)
MAYA, JONAS = "maya@shop.example", "jonas@shop.example"
DARK = range(6, 9)
"""Nights without Phoenix's stock feed."""


class Fortnight:
    """Two stores, the nights that pass over them, and what people do in the mornings."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.night = 0
        self.states: list[dict[str, str]] = []
        with database.write() as session:
            session.add_all(Store(store_id=store, name=store) for store in ("PHX-01", "SEA-01"))

    @property
    def today(self) -> date:
        return FIRST + timedelta(days=self.night)

    def passes(self, *findings: Finding, late: str = "") -> None:
        """A night finds something, twice, as if it had died at its end and been done again."""
        self.night += 1
        now = datetime(self.today.year, self.today.month, self.today.day, 23, tzinfo=UTC)
        for _ in range(2):
            muted = silenced(self.database, findings, late) if late else {}
            raise_alerts(self.database, findings, business_date=self.today, now=now, muted=muted)
        self.states.append({alert.style_id or alert.rule: str(alert.status) for alert in self.alerts()})

    def alerts(self) -> list[Alert]:
        with self.database.read() as session:
            query = select(Alert).order_by(Alert.alert_id).options(selectinload(Alert.events))
            return list(session.scalars(query))

    def of(self, style: str) -> Alert:
        [alert] = [alert for alert in self.alerts() if alert.style_id == style]
        return alert

    def does(self, style: str, what: str, *arguments: Any, by: str = MAYA) -> None:
        """Somebody does something about a style in the morning."""
        now = datetime(self.today.year, self.today.month, self.today.day, 9, tzinfo=UTC) + timedelta(days=1)
        with self.database.write() as session:
            query = select(Alert).where(Alert.style_id == style).options(selectinload(Alert.events))
            getattr(session.scalars(query.with_for_update()).one(), what)(by, now, *arguments)

    def states_of(self, style: str) -> list[str]:
        """Its status after every night since it was first seen."""
        return [state[style] for state in self.states if style in state]


@pytest.fixture
def fortnight(database: Database) -> Fortnight:
    """The nights have not begun."""
    return Fortnight(database)


def found(style: str, store: str = "PHX-01", **changes: Any) -> Finding:
    named = {"store_id": store, "style_id": style, "season_code": "SS26", "units_lost": 20.0}
    return trunks_leave_early(**(named | changes))


def late_stock() -> Finding:
    """That Phoenix sends no stock; a late feed belongs to no style, category or season of demand."""
    named = {"rule": "feed_late", "season_code": "stock", "category": "", "demand_ends": None}
    return found("", **named)


def test_a_fortnight_of_alerts(fortnight: Fortnight) -> None:
    for night in range(1, 15):
        dark = night in DARK
        units = 30.0 if night >= 12 else 20.0 + night / 3
        phoenix = [] if dark else [found("snoozed", units_lost=units), found("dismissed")]
        mended = [] if dark or night >= 5 else [found("mended")]
        fortnight.passes(
            *phoenix,
            *mended,
            *([late_stock()] if dark else []),
            found("elsewhere", "SEA-01"),
            late="PHX-01" if dark else "",
        )
        if night == 2:
            fortnight.does("snoozed", "snooze", fortnight.today + timedelta(days=60))
            fortnight.does("dismissed", "dismiss", DismissReason.ACCEPTED_RISK)

    # Put off at 20.7 units: silent through nights, also dark ones, until it was a quarter worse.
    assert fortnight.states_of("snoozed") == ["pending", "open", *["snoozed"] * 9, *["open"] * 3]
    assert fortnight.of("snoozed").events[-1].reason == "it got worse: 30 units, 21 when it was put off"
    # Dismissed: it stays away however often it is found.
    assert fortnight.states_of("dismissed") == ["pending", "open", *["dismissed"] * 12]
    # Mended on the fifth night; the dark nights resolve nothing, the next with figures does.
    assert fortnight.states_of("mended") == ["pending", *["open"] * 7, *["resolved"] * 6]
    assert fortnight.states_of("elsewhere") == ["pending", *["open"] * 13]
    # Three dark nights are one alert, and it is over when the feed is back for two.
    assert fortnight.states_of("feed_late") == ["pending", "open", "open", "open", *["resolved"] * 5]
    assert [alert.rule for alert in fortnight.alerts()].count("feed_late") == 1


def test_a_missing_stock_feed_resolves_nothing(fortnight: Fortnight) -> None:
    styles = [f"style {number}" for number in range(5)]
    for _ in range(2):
        fortnight.passes(*(found(style) for style in styles))
    for _ in range(12):
        fortnight.passes(late_stock(), late="PHX-01")

    told = {alert.style_id: (alert.status, alert.condition) for alert in fortnight.alerts()}
    assert {told[style] for style in styles} == {(Status.OPEN, Condition.UNKNOWN)}
    assert told[""] == (Status.OPEN, Condition.FIRING)
    assert len(told) == len(styles) + 1


def test_a_dismissed_alert_stays_away_until_next_season(fortnight: Fortnight) -> None:
    for _ in range(2):
        fortnight.passes(found("trunks"))
    fortnight.does("trunks", "dismiss", DismissReason.END_OF_LIFE)
    for _ in range(10):
        fortnight.passes(found("trunks", units_lost=500.0))
    assert [alert.status for alert in fortnight.alerts()] == [Status.DISMISSED]

    for _ in range(2):
        fortnight.passes(found("trunks", season_code="SS27", demand_ends=date(2027, 9, 18)))
    assert [alert.status for alert in fortnight.alerts()] == [Status.DISMISSED, Status.OPEN]


def test_two_people_who_take_an_alert_on_at_once_give_one_owner_and_one_refusal(
    fortnight: Fortnight,
) -> None:
    for _ in range(2):
        fortnight.passes(found("trunks"))
    together, refusals = Barrier(2), []

    def take_on(by: str) -> None:
        together.wait(10)
        try:
            fortnight.does("trunks", "acknowledge", by=by)
        except TransitionError as refusal:
            refusals.append((by, str(refusal)))

    threads = [Thread(target=take_on, args=(by,)) for by in (MAYA, JONAS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    [(loser, sentence)] = refusals
    owner = fortnight.of("trunks").owner
    assert {loser, owner} == {MAYA, JONAS}
    assert sentence == f"This alert is already taken on by {owner}."
