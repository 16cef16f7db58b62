"""The records: one SQL database, typed tables, entities that own their behaviour."""

from __future__ import annotations

from data.records.alert_life import LIVE, Condition, DismissReason, Happening, Status
from data.records.alerts import Alert, AlertChart, AlertEvent, How, ungrouped
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
from data.records.buy_notes import BuyNote
from data.records.calendar import CalendarVersion, MarkdownStep, SellingWindow, WindowStatus
from data.records.decision_life import Act, DecisionState, Flow
from data.records.decisions import AlertAction, Consignment, ConsignmentLine, Decision, DecisionEvent
from data.records.findings import Finding, Scope, Severity
from data.records.keep_open import KeepOpenRecord, TestState
from data.records.mail_choices import PACES, MailChoices, Pace
from data.records.outbox import (
    LEASE,
    REACHED,
    RETRY_AFTER,
    MailDecision,
    MailState,
    MailTold,
    OutboxMail,
    Section,
)
from data.records.outcomes import AlertOutcome, MissedLoss, StoreEffort
from data.records.people import (
    LoginAttempt,
    Person,
    PersonCategory,
    PersonStore,
    Role,
    spend_a_password_check,
)
from data.records.policies import PolicyVersion
from data.records.requests import (
    CONTACT_LASTS,
    LONGEST_WORDS,
    MOST_UNITS,
    CustomerRequest,
    NewestCount,
    NewestStock,
    RequestContact,
    RequestOutcome,
    Wanted,
)
from data.records.runs import Publication, Run, RunKind, RunState, RunStep

__all__ = [
    "CONTACT_LASTS",
    "LEASE",
    "LIVE",
    "LONGEST_WORDS",
    "MOST_UNITS",
    "PACES",
    "REACHED",
    "RETRY_AFTER",
    "Act",
    "Alert",
    "AlertAction",
    "AlertChart",
    "AlertEvent",
    "AlertOutcome",
    "BacktestScore",
    "BuyNote",
    "BuyType",
    "CalendarVersion",
    "ClimateNormal",
    "Condition",
    "Consignment",
    "ConsignmentLine",
    "CustomerRequest",
    "Decision",
    "DecisionEvent",
    "DecisionState",
    "DismissReason",
    "Finding",
    "Flow",
    "Happening",
    "How",
    "KeepOpenRecord",
    "LoginAttempt",
    "MailChoices",
    "MailDecision",
    "MailState",
    "MailTold",
    "MarkdownStep",
    "MissedLoss",
    "NewestCount",
    "NewestStock",
    "OutboxMail",
    "Pace",
    "Person",
    "PersonCategory",
    "PersonStore",
    "PolicyVersion",
    "Price",
    "PriceKind",
    "Product",
    "Publication",
    "Ranging",
    "Record",
    "RequestContact",
    "RequestOutcome",
    "Role",
    "Run",
    "RunKind",
    "RunState",
    "RunStep",
    "Scope",
    "Section",
    "SellingWindow",
    "Severity",
    "Status",
    "Store",
    "StoreEffort",
    "StoreKind",
    "TestState",
    "Wanted",
    "WindowStatus",
    "spend_a_password_check",
    "ungrouped",
]
