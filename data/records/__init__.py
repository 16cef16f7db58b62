"""The records: one SQL database, typed tables, entities that own their behaviour."""

from __future__ import annotations

from data.records.alerts import LIVE, Alert, AlertChart, AlertEvent, Condition, Finding, Severity, Status
from data.records.assortment import (
    BuyType,
    ClimateNormal,
    Price,
    PriceKind,
    Product,
    Ranging,
    Store,
    StoreKind,
)
from data.records.backtests import BacktestScore
from data.records.base import Record
from data.records.calendar import CalendarVersion, MarkdownStep, SellingWindow, WindowStatus
from data.records.outbox import LEASE, RETRY_AFTER, MailState, OutboxMail
from data.records.people import (
    LoginAttempt,
    Person,
    PersonCategory,
    PersonStore,
    Role,
    spend_a_password_check,
)
from data.records.runs import Publication, Run, RunKind, RunState, RunStep

__all__ = [
    "LEASE",
    "LIVE",
    "RETRY_AFTER",
    "Alert",
    "AlertChart",
    "AlertEvent",
    "BacktestScore",
    "BuyType",
    "CalendarVersion",
    "ClimateNormal",
    "Condition",
    "Finding",
    "LoginAttempt",
    "MailState",
    "MarkdownStep",
    "OutboxMail",
    "Person",
    "PersonCategory",
    "PersonStore",
    "Price",
    "PriceKind",
    "Product",
    "Publication",
    "Ranging",
    "Record",
    "Role",
    "Run",
    "RunKind",
    "RunState",
    "RunStep",
    "SellingWindow",
    "Severity",
    "Status",
    "Store",
    "StoreKind",
    "WindowStatus",
    "spend_a_password_check",
]
