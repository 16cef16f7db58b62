"""The records: one SQL database, typed tables, entities that own their behaviour."""

from __future__ import annotations

from data.passwords import spend_a_password_check
from data.records.accounts import AccountChange, AccountLink, LinkKind, PersonEvent, PersonSession
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
from data.records.calendar import CalendarTouch, CalendarVersion, MarkdownStep, SellingWindow, WindowStatus
from data.records.calendar_addresses import CalendarAddress
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
from data.records.outcomes import AlertOutcome, Counted, MissedLoss, OutcomeWeek, StoreEffort
from data.records.overrides import ForecastOverride, Measure, OverrideEffect, OverrideState
from data.records.people import (
    LoginAttempt,
    Person,
    PersonCategory,
    PersonStore,
    Role,
)
from data.records.plan_sheets import GapWeek, PlanSheet
from data.records.policies import PolicyVersion
from data.records.proposals import OwnDates, Proposal, ProposalAct, ProposalEvent, ProposalState
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
from data.records.run_queue import LONGEST_REASON, UNDER_WAY, Heartbeat, QueueState, RunRequest
from data.records.runs import Publication, Run, RunKind, RunState, RunStep
from data.records.tokens import ApiToken, TokenScope
from data.records.uploads import UPLOAD_LASTS, FeedDay, Upload, UploadState

__all__ = [
    "CONTACT_LASTS",
    "LEASE",
    "LIVE",
    "LONGEST_REASON",
    "LONGEST_WORDS",
    "MOST_UNITS",
    "PACES",
    "REACHED",
    "RETRY_AFTER",
    "UNDER_WAY",
    "UPLOAD_LASTS",
    "AccountChange",
    "AccountLink",
    "Act",
    "Alert",
    "AlertAction",
    "AlertChart",
    "AlertEvent",
    "AlertOutcome",
    "ApiToken",
    "BacktestScore",
    "BuyNote",
    "BuyType",
    "CalendarAddress",
    "CalendarTouch",
    "CalendarVersion",
    "ClimateNormal",
    "Condition",
    "Consignment",
    "ConsignmentLine",
    "Counted",
    "CustomerRequest",
    "Decision",
    "DecisionEvent",
    "DecisionState",
    "DismissReason",
    "FeedDay",
    "Finding",
    "Flow",
    "ForecastOverride",
    "GapWeek",
    "Happening",
    "Heartbeat",
    "How",
    "KeepOpenRecord",
    "LinkKind",
    "LoginAttempt",
    "MailChoices",
    "MailDecision",
    "MailState",
    "MailTold",
    "MarkdownStep",
    "Measure",
    "MissedLoss",
    "NewestCount",
    "NewestStock",
    "OutboxMail",
    "OutcomeWeek",
    "OverrideEffect",
    "OverrideState",
    "OwnDates",
    "Pace",
    "Person",
    "PersonCategory",
    "PersonEvent",
    "PersonSession",
    "PersonStore",
    "PlanSheet",
    "PolicyVersion",
    "Price",
    "PriceKind",
    "Product",
    "Proposal",
    "ProposalAct",
    "ProposalEvent",
    "ProposalState",
    "Publication",
    "QueueState",
    "Ranging",
    "Record",
    "RequestContact",
    "RequestOutcome",
    "Role",
    "Run",
    "RunKind",
    "RunRequest",
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
    "TokenScope",
    "Upload",
    "UploadState",
    "Wanted",
    "WindowStatus",
    "spend_a_password_check",
    "ungrouped",
]
