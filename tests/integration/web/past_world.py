"""What the small retailer has behind it: judged alerts, losses nobody spoke of, effort, notes, a backtest."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from data.outcomes.weeks import bring_up_to_date
from data.records import (
    Alert,
    AlertOutcome,
    BacktestScore,
    BuyNote,
    Condition,
    DismissReason,
    ForecastOverride,
    Measure,
    MissedLoss,
    OverrideEffect,
    OverrideState,
    Run,
    RunKind,
    RunState,
    Status,
    StoreEffort,
)
from data.settings import Weekday
from forecaster.codes import OutcomeVerdict
from tests.unit.web.making import NOW, make_stockout

if TYPE_CHECKING:
    from data.database import Database

ENDED = date(2026, 5, 30)
HAPPENED, AVERTED = OutcomeVerdict.HAPPENED, OutcomeVerdict.AVERTED
FALSE, UNKNOWN = OutcomeVerdict.DID_NOT_HAPPEN, OutcomeVerdict.CANNOT_TELL


def judge(database: Database, number: int, verdict: OutcomeVerdict = HAPPENED, **changes: Any) -> list[int]:
    """So many alerts that are over, each with its outcome: 4 units missed at 30, 2 customers, 3 days ahead.

    `changes` go to the outcome, those of the alert are rule, store_id, category and dismissed_as.
    """
    about = {"rule": "stockout_in_season", "store_id": "PHX1", "category": "Swim trunks"}
    about |= {name: changes.pop(name) for name in about.keys() & changes.keys()}
    dismissed_as: DismissReason | None = changes.pop("dismissed_as", None)
    known = verdict is not UNKNOWN
    with database.write() as session:
        start = session.query(Alert).count()
        alerts = [make_stockout(alert_id=None, style_id=f"PAST-{start + n}", **about) for n in range(number)]
        for alert in alerts:
            alert.status = Status.DISMISSED if dismissed_as else Status.RESOLVED
            alert.condition, alert.dismissed_as = Condition.CLEAR, dismissed_as
            alert.opened_on, alert.opened_at = ENDED - timedelta(days=30), NOW
            alert.closed_on, alert.closed_at = changes.get("ended_on", ENDED), NOW
        session.add_all(alerts)
        session.flush()
        figures = {
            "ended_on": ENDED,
            "judged_on": ENDED + timedelta(days=8),
            "reason": f"{verdict}:by=shelves;units=4.0;least=2.0;recovered=0.0;first=2026-05-20",
            "units_happened": 4.0 if known else 0.0,
            "units_recovered": 0.0,
            "customers_happened": 2.0 if known else 0.0,
            "customers_recovered": 0.0,
            "money_happened": Decimal(120) if known else Decimal(0),
            "money_recovered": Decimal(0),
            "lead_days": 3 if known else None,
        } | changes
        session.add_all(
            AlertOutcome(alert_id=alert.alert_id, verdict=verdict, **about, **figures) for alert in alerts
        )
        session.flush()
        ids = [alert.alert_id for alert in alerts]
    bring_up_to_date(database, Weekday.SUNDAY)
    return ids


def miss(
    database: Database, number: int = 1, *, store_id: str = "PHX1", category: str = "Swim trunks"
) -> None:
    """So many losses that no alert spoke of: 5 units, 3 customers, 150 each."""
    with database.write() as session:
        session.add_all(
            MissedLoss(
                rule="stockout_in_season", store_id=store_id, style_id=f"STYLE-{n}", season_code="all-year",
                category=category, ended_on=ENDED, units=5.0, customers=3.0, money=Decimal(150),
            )
            for n in range(number)
        )  # fmt: skip
    bring_up_to_date(database, Weekday.SUNDAY)


def walk(database: Database, *nights: tuple[date, str, float, float]) -> None:
    """Nights with how far customers went: night, store ('' the chain), stores, miles; 3 of 100 in vain."""
    with database.write() as session:
        session.add_all(
            StoreEffort(
                business_date=night, store_id=store, need="", stores_visited=stores, miles=miles, found=0.97,
                units=100.0,
            )
            for night, store, stores, miles in nights
        )  # fmt: skip


def note(database: Database, number: int = 1, **changes: Any) -> None:
    """So many notes for the next buy, each of 40 units but for one more than the one before."""
    given = {
        "season_code": "SS25", "category": "Swim trunks", "gender_age": "men", "price_band": "mid",
        "size": "M", "climate_zone": "hot_dry", "stores": 3, "customers": 30.0, "money": Decimal(1200),
        "in_season_units": 10.0, "after_units": 30.0, "demand_units": 90.0,
        "season_ends": date(2025, 9, 12), "evidence": "observed", "noted_on": date(2025, 8, 1),
    } | changes  # fmt: skip
    with database.write() as session:
        session.add_all(
            BuyNote(need=f"need {given['season_code']} {given['category']} {n}", units=40.0 + n, **given)
            for n in range(number)
        )


def play_again(
    database: Database, *categories: str, rows: int = 400, state: RunState = RunState.SUCCEEDED
) -> int:
    """A backtest of some categories: 54 off and 3 too high for every 100, 81 of 100 inside."""
    with database.write() as session:
        run = Run(
            kind=RunKind.BACKTEST, business_date=date(2026, 6, 13), state=state,
            started_at=datetime(2026, 6, 14, 8, tzinfo=UTC),
            details={"origins": ["2025-12-13", "2026-03-07"], "horizon": 13, "every": 12, "category": None},
        )  # fmt: skip
        session.add(run)
        session.flush()
        session.add_all(
            BacktestScore(
                run_id=run.run_id, category=category, period=period, first_ahead=first, last_ahead=last,
                rows=rows, demand=500.0, wape=0.54, wpe=0.03, pinball=0.4, crps=0.8, coverage=0.81,
                beyond_p90=0.09,
            )
            for category in ("", *categories)
            for period in ("", "in_season", "dead_season")
            for first, last in ((1, 13), (1, 1))
        )  # fmt: skip
        return run.run_id


def change_forecast(
    database: Database, category: str, *, error_with: float | None, error_without: float | None
) -> None:
    """A change that somebody made to the forecast of May, and what it did."""
    with database.write() as session:
        made = ForecastOverride(
            category=category, climate_zone="", store_id="", style_id="", first_week=date(2026, 5, 3),
            last_week=date(2026, 5, 24), measure=Measure.FACTOR, amount=1.2, reason="A fair",
            state=OverrideState.IN_FORCE, author="jonas@example.com", made_at=NOW, made_on=date(2026, 5, 1),
        )  # fmt: skip
        session.add(made)
        session.flush()
        session.add(
            OverrideEffect(
                override_id=made.override_id, measured_on=ENDED, passed=4, weeks=4, sold=100.0,
                foretold_with=90.0, foretold_without=80.0, error_with=error_with,
                error_without=error_without,
            )
        )  # fmt: skip
