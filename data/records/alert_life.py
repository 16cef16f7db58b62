"""The life of an alert as a pure table: what may happen to it in each status, and what becomes of it then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final


class Condition(StrEnum):
    """What the machine sees."""

    FIRING = "firing"
    CLEAR = "clear"
    UNKNOWN = "unknown"


class Status(StrEnum):
    """What people have made of it."""

    PENDING = "pending"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    EXPIRED = "expired"


class Happening(StrEnum):
    """What can happen to an alert: the first six by the night, `reopen` by both, the rest by people.

    `decide` is somebody's decision about what to do (a transfer, an order): it changes no status.
    """

    FIRES = "fires"
    CLEARS = "clears"
    BECOMES_UNKNOWN = "becomes_unknown"
    SEASON_ENDS = "season_ends"
    WAKE = "wake"
    ACK_EXPIRES = "ack_expires"
    REOPEN = "reopen"
    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    DISMISS = "dismiss"
    UNDO = "undo"
    DECIDE = "decide"


class DismissReason(StrEnum):
    """Why somebody wants to hear no more of an alert this season."""

    NOT_RANGED = "not_ranged"
    END_OF_LIFE = "end_of_life"
    KNOWN_PROMOTION = "known_promotion"
    DATA_ERROR = "data_error"
    SUPPLIER_CONSTRAINT = "supplier_constraint"
    ACCEPTED_RISK = "accepted_risk"
    DUPLICATE = "duplicate"
    OTHER = "other"


LIVE: Final = (Status.PENDING, Status.OPEN, Status.ACKNOWLEDGED, Status.SNOOZED)
"""The statuses of an alert that still concerns somebody."""

FIRINGS_TO_OPEN: Final = 2
CLEARS_TO_RESOLVE: Final = 2
REOPENS_WITHIN: Final = timedelta(days=14)
"""What comes back so soon after it was resolved is the same alert; later it is a new one."""

ACKNOWLEDGED_FOR: Final = timedelta(days=14)
UNDO_WITHIN: Final = timedelta(minutes=1)
# Two returns in four weeks may be bad luck; from then on only a full week of the same says that it is there.
FLAPPING_WITHIN: Final = timedelta(days=28)
FLAPPING_REOPENINGS: Final = 2
FIRINGS_WHEN_FLAPPING: Final = 7
# A quarter more, and at least what makes a finding at all: expected units drift a little every night.
_WORSE_SHARE: Final = 1.25
_WORSE_UNITS: Final = 3.0

# What nobody asked for tonight: it waits while the figures it would rest on are missing.
_AUTOMATIC: Final = (Happening.SEASON_ENDS, Happening.WAKE, Happening.ACK_EXPIRES)


@dataclass(frozen=True)
class Life:
    """Where an alert stands: both states, and how many nights in a row have said the same."""

    status: Status
    condition: Condition
    fired_nights: int = 0
    clear_nights: int = 0


@dataclass(frozen=True)
class Goes:
    """The status it goes to; `counted` waits there until enough nights in a row have said the same."""

    to: Status
    counted: bool = False


@dataclass(frozen=True)
class GoesBack:
    """It goes back to where it stood before the last change."""


@dataclass(frozen=True)
class Refused:
    """That this cannot happen now, and why, as a sentence."""

    sentence: str


Cell = Goes | GoesBack | Refused

_NOT_SNOOZED: Final = Refused("This alert is not put off, so there is nothing to wake.")
_NOBODY: Final = Refused("Nobody has taken this alert on.")
_NOTHING: Final = Refused("There is nothing to take back.")
_NOT_OVER: Final = Refused("This alert is open already.")
_TAKEN: Final = Refused("This alert is already taken on.")
_RESOLVED: Final = Refused("This alert is resolved: the last nights found nobody who will miss it.")
_DISMISSED: Final = Refused("This alert is dismissed; open it again first.")
_EXPIRED: Final = Refused("This alert has expired: its season is over.")
_FROZEN: Final = Refused("The figures are late, so nothing changes by itself.")

_WHOEVER_ACTS: Final = (Happening.ACKNOWLEDGE, Happening.SNOOZE, Happening.DISMISS)
_NIGHT_LOOKS: Final = (Happening.FIRES, Happening.CLEARS, Happening.BECOMES_UNKNOWN)


def _live(status: Status, *, waiting: bool = False) -> dict[Happening, Cell]:
    """What all live statuses have in common; one that waits opens when it has fired often enough."""
    return {
        Happening.FIRES: Goes(Status.OPEN, counted=True) if waiting else Goes(status),
        Happening.CLEARS: Goes(Status.RESOLVED, counted=True),
        Happening.BECOMES_UNKNOWN: Goes(status),
        Happening.SEASON_ENDS: Goes(Status.EXPIRED),
        Happening.WAKE: _NOT_SNOOZED,
        Happening.ACK_EXPIRES: _NOBODY,
        Happening.REOPEN: _NOT_OVER,
        Happening.ACKNOWLEDGE: Goes(Status.ACKNOWLEDGED),
        Happening.SNOOZE: Goes(Status.SNOOZED),
        Happening.DISMISS: Goes(Status.DISMISSED),
        Happening.UNDO: _NOTHING,
        Happening.DECIDE: Goes(status),
    }


def _over(status: Status, sentence: Refused) -> dict[Happening, Cell]:
    """What all statuses of an alert that is over have in common: the night may look, nobody may act."""
    return {
        **dict.fromkeys((*_NIGHT_LOOKS, Happening.SEASON_ENDS, Happening.DECIDE), Goes(status)),
        **dict.fromkeys(_WHOEVER_ACTS, sentence),
        Happening.WAKE: _NOT_SNOOZED,
        Happening.ACK_EXPIRES: _NOBODY,
        Happening.REOPEN: Goes(Status.OPEN),
        Happening.UNDO: _NOTHING,
    }


TABLE: Final[dict[Status, dict[Happening, Cell]]] = {
    Status.PENDING: _live(Status.PENDING, waiting=True),
    Status.OPEN: _live(Status.OPEN),
    Status.ACKNOWLEDGED: _live(Status.ACKNOWLEDGED)
    | {
        Happening.ACKNOWLEDGE: _TAKEN,
        Happening.ACK_EXPIRES: Goes(Status.OPEN),
        Happening.REOPEN: Goes(Status.OPEN),
        Happening.UNDO: GoesBack(),
    },
    Status.SNOOZED: _live(Status.SNOOZED)
    | {
        Happening.WAKE: Goes(Status.OPEN),
        Happening.REOPEN: Goes(Status.OPEN),
        Happening.UNDO: GoesBack(),
    },
    Status.RESOLVED: _over(Status.RESOLVED, _RESOLVED),
    Status.DISMISSED: _over(Status.DISMISSED, _DISMISSED) | {Happening.UNDO: GoesBack()},
    Status.EXPIRED: {**dict.fromkeys(Happening, _EXPIRED), Happening.DECIDE: Goes(Status.EXPIRED)},
}
"""What happens in each status, cell by cell."""


def after(
    life: Life, what: Happening, *, enough: int | None = 1, back_to: Status | None = None
) -> Life | Refused:
    """Where an alert stands after something happened to it, or why that cannot happen.

    Missing figures prove nothing: what becomes `unknown` keeps its status and its nights, and nothing changes
    by itself while it is so, neither the end of a season, nor an acknowledgement's, nor a snooze's.

    Args:
        life: where it stands.
        what: what happens; nights that fire or clear are counted, and the others' count begins anew.
        enough: nights in a row that a counted change needs; None for one that may not come tonight.
        back_to: the status before the last change, for `undo`.
    """
    cell = TABLE[life.status][what]
    if isinstance(cell, Goes) and what in _AUTOMATIC and life.condition is Condition.UNKNOWN:
        return _FROZEN
    if isinstance(cell, Refused):
        return cell
    if isinstance(cell, GoesBack):
        return _NOTHING if back_to is None else replace(life, status=back_to)
    seen = _seen(life, what)
    nights = seen.clear_nights if what is Happening.CLEARS else seen.fired_nights
    waits = cell.counted and (enough is None or nights < enough)
    return seen if waits else replace(seen, status=cell.to)


def firings_needed(*, is_out_of_stock: bool, reopenings: int) -> int:
    """Nights in a row that must find something before people are told.

    Args:
        is_out_of_stock: nothing is left, so a second night would only lose a day.
        reopenings: how often it has come back within `FLAPPING_WITHIN`.
    """
    if reopenings >= FLAPPING_REOPENINGS:
        return FIRINGS_WHEN_FLAPPING
    return 1 if is_out_of_stock else FIRINGS_TO_OPEN


def clears_needed(*, is_replanned: bool) -> int:
    """Nights in a row that must not find something before it is resolved.

    Args:
        is_replanned: people have changed the dates it is about, so that it did not go by chance.
    """
    return 1 if is_replanned else CLEARS_TO_RESOLVE


def is_worse(units: float, baseline: float) -> bool:
    """Whether so much more is lost than when somebody put it off that they should hear of it now.

    >>> is_worse(12.0, 10.0), is_worse(13.0, 10.0), is_worse(3.0, 1.0), is_worse(125.0, 100.0)
    (False, True, False, True)
    """
    return units >= baseline * _WORSE_SHARE and units >= baseline + _WORSE_UNITS


def _seen(life: Life, what: Happening) -> Life:
    if what is Happening.FIRES:
        return replace(life, condition=Condition.FIRING, fired_nights=life.fired_nights + 1, clear_nights=0)
    if what is Happening.CLEARS:
        return replace(life, condition=Condition.CLEAR, fired_nights=0, clear_nights=life.clear_nights + 1)
    if what is Happening.BECOMES_UNKNOWN:
        return replace(life, condition=Condition.UNKNOWN)
    if what is Happening.SEASON_ENDS:
        return replace(life, condition=Condition.CLEAR)
    return life
