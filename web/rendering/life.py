"""The life of an alert in words: where it is, how it stands, and what happened to it by whom and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from data.records import Condition, DismissReason, Happening, How, Scope, Status
from web.rendering.acts import told_reason
from web.rendering.sentences import rule_name, zone_name
from web.rendering.words import day

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from data.records import Alert, AlertEvent

_DISMISSALS: Final = {
    DismissReason.NOT_RANGED: "Not carried here",
    DismissReason.END_OF_LIFE: "Going out for good",
    DismissReason.KNOWN_PROMOTION: "A promotion we know of",
    DismissReason.DATA_ERROR: "The figures are wrong",
    DismissReason.SUPPLIER_CONSTRAINT: "The supplier cannot deliver",
    DismissReason.ACCEPTED_RISK: "We take the risk",
    DismissReason.DUPLICATE: "Told elsewhere already",
    DismissReason.OTHER: "Another reason",
}
_HAPPENED: Final = {
    Happening.FIRES: "Found again",
    Happening.CLEARS: "Not found",
    Happening.BECOMES_UNKNOWN: "Frozen",
    Happening.SEASON_ENDS: "Expired",
    Happening.WAKE: "Open again",
    Happening.ACK_EXPIRES: "Open again",
    Happening.REOPEN: "Open again",
    Happening.ACKNOWLEDGE: "Taken on",
    Happening.SNOOZE: "Put off",
    Happening.DISMISS: "Dismissed",
    Happening.UNDO: "Taken back",
}
# What somebody did meanwhile, told to whoever comes second.
_FASTER: Final = {
    Happening.ACKNOWLEDGE: "has taken this on meanwhile",
    Happening.SNOOZE: "has put this off meanwhile",
    Happening.DISMISS: "has dismissed this meanwhile",
    Happening.REOPEN: "has opened this again meanwhile",
    Happening.UNDO: "has taken back what was done to this",
}
_STATES: Final = {
    Status.PENDING: "is not confirmed yet",
    Status.OPEN: "is open again",
    Status.ACKNOWLEDGED: "is taken on",
    Status.SNOOZED: "is put off",
    Status.RESOLVED: "is resolved",
    Status.DISMISSED: "is dismissed",
    Status.EXPIRED: "has expired",
}
_BY_WAY_OF: Final = {How.MAIL: " by mail", How.API: " through the interface"}


@dataclass(frozen=True)
class Line:
    """One line of a history: what happened, by whom, and why."""

    what: str
    by: str
    why: str


def dismissals() -> Mapping[DismissReason, str]:
    """Why an alert may be dismissed, in words, in the order they are offered."""
    return _DISMISSALS


def place(alert: Alert, store_name: str | None) -> str:
    """Where an alert is: its store, its zone, or the whole chain."""
    if alert.scope == Scope.ZONE:
        told = zone_name(alert.climate_zone)
        return told[:1].upper() + told[1:]
    if alert.scope == Scope.CHAIN:
        return "The whole chain"
    return store_name or alert.store_id or ""


def standing_until(alert: Alert, today: date) -> str:
    """Until when it stands as it does, or why it was dismissed; blank where nothing limits it."""
    if alert.status is Status.ACKNOWLEDGED and alert.acknowledged_until:
        return f"until {day(alert.acknowledged_until, today)}"
    if alert.status is Status.SNOOZED:
        return f"until {day(alert.snoozed_until, today)}" if alert.snoozed_until else "until it gets worse"
    if alert.status is Status.DISMISSED and alert.dismissed_as:
        return _DISMISSALS[alert.dismissed_as].lower()
    return ""


def frozen_because(alert: Alert) -> str:
    """Why nothing about it is known tonight; blank while something is. Needs its events."""
    if alert.condition is not Condition.UNKNOWN or not alert.is_live:
        return ""
    froze = (e.reason for e in reversed(alert.events) if e.what is Happening.BECOMES_UNKNOWN)
    return muting(next(froze, "figures are late"))


def line_of(event: AlertEvent, names: Mapping[str, str], today: date) -> Line:
    """One change of an alert as a line of its history.

    Args:
        event: the change.
        names: people's names by their e-mail.
        today: the day it is read.
    """
    if event.what is Happening.DECIDE:
        return Line(told_reason(event.reason), _by(event, names), "")
    return Line(_what(event), _by(event, names), _why(event, today))


def faster(alert: Alert, names: Mapping[str, str]) -> str:
    """Who was faster, and what they did, for somebody who acts on what is no longer so. Needs its events."""
    last = alert.events[-1]
    if last.who and last.what in _FASTER:
        return f"{names.get(last.who, last.who)} {_FASTER[last.what]}. Look at it again before you go on."
    return f"This alert {_STATES[alert.status]} meanwhile. Look at it again before you go on."


def _what(event: AlertEvent) -> str:
    moved = event.from_status is not event.to_status
    if event.what is Happening.FIRES and moved:
        return "Opened" if event.to_status is Status.OPEN else "Seen for the first time"
    if event.what is Happening.CLEARS and moved:
        return "Resolved"
    return _HAPPENED[event.what]


def _by(event: AlertEvent, names: Mapping[str, str]) -> str:
    if event.who:
        return f"by {names.get(event.who, event.who)}{_BY_WAY_OF.get(How(event.how), '')}"
    return "by the night" if event.how == How.NIGHT else ""


def _why(event: AlertEvent, today: date) -> str:
    """The reason, where the line does not say it already."""
    if event.what is Happening.SNOOZE:
        return (
            f"until {day(event.until, today)}, or until it gets worse"
            if event.until
            else "until it gets worse"
        )
    if event.what is Happening.ACKNOWLEDGE:
        return f"until {day(event.until, today)}" if event.until else ""
    if event.what is Happening.DISMISS:
        reason, _, note = event.reason.partition(": ")
        told = _DISMISSALS.get(DismissReason(reason), reason) if reason in set(DismissReason) else reason
        return f"{told.lower()}: {note}" if note else told.lower()
    if event.what is Happening.FIRES and event.to_status is Status.PENDING:
        return "it opens when the next night finds it too"
    return muting(event.reason) if event.what is Happening.BECOMES_UNKNOWN else _said_once(event)


def muting(reason: str) -> str:
    """Why nothing may be concluded tonight, from the code the rules give."""
    code, _, rest = reason.partition(":")
    given = dict(part.partition("=")[::2] for part in rest.split(";") if "=" in part)
    if code == "feed_late":
        return f"the {given['feed']} feed is late" if "feed" in given else "figures are late"
    if code == "store_closed":
        return "the store is closed"
    if code == "told_as":
        return f"it is told as: {rule_name(given.get('rule', '')).lower()}"
    return reason


def _said_once(event: AlertEvent) -> str:
    said = _what(event).lower()
    return "" if event.reason in ("", said, "found", "taken back", "opened again") else event.reason
