"""What became of each alert, the losses that nobody was told of, and how far customers had to go."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.records.assortment import MONEY
from data.records.base import Record, choice
from forecaster.codes import OutcomeVerdict


class AlertOutcome(Record):
    """What became of what one alert foretold, judged once, after its window (`forecaster.outcomes`).

    Units are pieces, customers are those pieces less what found a substitute, money is at regular price:
    `happened` was missed all the same, `recovered` was sold because somebody acted. `lead_days` lie between
    the day people were told and the first loss, below 0 when units were being lost already; null where
    nothing happened.
    """

    __tablename__ = "alert_outcomes"
    __table_args__ = (
        Index(None, "ended_on"),
        Index(None, "verdict", "ended_on"),
        Index(None, "rule", "ended_on"),
        Index(None, "store_id", "ended_on"),
        Index(None, "category", "ended_on"),
    )

    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.alert_id"), primary_key=True)
    # What the alert is about, which never changes, so that lists and sums need not read a hundred thousand
    # alerts; a blank store is the chain.
    rule: Mapped[str] = mapped_column(String(64))
    store_id: Mapped[str] = mapped_column(String(64))
    category: Mapped[str] = mapped_column(String(100))
    verdict: Mapped[OutcomeVerdict] = mapped_column(choice(OutcomeVerdict))
    judged_on: Mapped[date]
    # Last day of the window: the week and month that the outcome counts in.
    ended_on: Mapped[date]
    reason: Mapped[str] = mapped_column(Text, default="")
    units_happened: Mapped[float]
    units_recovered: Mapped[float]
    customers_happened: Mapped[float]
    customers_recovered: Mapped[float]
    money_happened: Mapped[Decimal] = mapped_column(MONEY)
    money_recovered: Mapped[Decimal] = mapped_column(MONEY)
    lead_days: Mapped[int | None]


class MissedLoss(Record):
    """Units that were missed and that no alert had foretold: what recall is counted against."""

    __tablename__ = "missed_losses"
    __table_args__ = (
        UniqueConstraint(
            "rule", "store_id", "style_id", "season_code", "ended_on", name="uq_missed_losses_place"
        ),
        Index(None, "ended_on"),
    )

    loss_id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(64))
    store_id: Mapped[str] = mapped_column(ForeignKey("stores.store_id"))
    style_id: Mapped[str] = mapped_column(String(64))
    season_code: Mapped[str] = mapped_column(String(64))
    category: Mapped[str] = mapped_column(String(100))
    ended_on: Mapped[date]
    units: Mapped[float]
    customers: Mapped[float]
    money: Mapped[Decimal] = mapped_column(MONEY)


class Counted(StrEnum):
    """What a row of the weekly sums adds up."""

    PLACE = "place"  # one rule of one category in one store
    CHAIN = "chain"  # one rule of one category in all stores and the chain
    STORE = "store"  # one store over everything


class OutcomeWeek(Record):
    """The outcomes and the unforetold losses of one week, added up by the night for the pages.

    A week counts what ended in it. A blank store, category or rule stands for all of them, by what is
    counted; a blank category under a rule, for alerts that are about none. What nobody can tell is counted in
    `cannot_tell` and in nothing else. `foretold` are the right ones of the rules of which recall can be told;
    `told_before` of the `leads` began no sooner than people were told, `lead_days` is their sum.
    """

    __tablename__ = "outcome_weeks"
    __table_args__ = (
        Index(None, "counted", "store_id", "week"),
        Index(None, "counted", "category", "week"),
    )

    counted: Mapped[Counted] = mapped_column(choice(Counted), primary_key=True)
    # First day of the chain's week.
    week: Mapped[date] = mapped_column(primary_key=True)
    store_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    category: Mapped[str] = mapped_column(String(100), primary_key=True)
    rule: Mapped[str] = mapped_column(String(64), primary_key=True)
    happened: Mapped[int]
    averted: Mapped[int]
    did_not_happen: Mapped[int]
    cannot_tell: Mapped[int]
    foretold: Mapped[int]
    missed: Mapped[int]
    told_before: Mapped[int]
    leads: Mapped[int]
    lead_days: Mapped[int]
    units_happened: Mapped[float]
    units_recovered: Mapped[float]
    units_missed: Mapped[float]
    customers_happened: Mapped[float]
    customers_recovered: Mapped[float]
    customers_missed: Mapped[float]
    money_happened: Mapped[Decimal] = mapped_column(MONEY)
    money_recovered: Mapped[Decimal] = mapped_column(MONEY)
    money_missed: Mapped[Decimal] = mapped_column(MONEY)


class StoreEffort(Record):
    """How far customers of a store had to go on one day until they found what they had come for.

    A blank store stands for the whole chain, a blank need for all needs. `stores_visited` and `miles` are
    means over the demand that was looked at (`units`), the own store counted; `found` is the share of it that
    some store had.
    """

    __tablename__ = "store_effort"
    __table_args__ = (
        UniqueConstraint("business_date", "store_id", "need"),
        Index(None, "store_id", "need", "business_date"),
    )

    effort_id: Mapped[int] = mapped_column(primary_key=True)
    business_date: Mapped[date]
    # No foreign key: the chain's own rows have none.
    store_id: Mapped[str] = mapped_column(String(64), default="")
    need: Mapped[str] = mapped_column(String(200), default="")
    stores_visited: Mapped[float]
    miles: Mapped[float]
    found: Mapped[float]
    units: Mapped[float]
