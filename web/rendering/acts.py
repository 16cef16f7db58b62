"""What can be done, what was decided and what became of it, told in few words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from data.decisions import proposed_day, stores_named
from data.records import Act, DecisionState
from data.records.decisions import DECISION_NAMES
from forecaster.codes import (
    BRING_FLOOR_SET_FORWARD,
    COUNT_SHELF,
    EXTEND_EXIT,
    HOLD_MARKDOWN,
    KEEP_OPEN_TEST,
    RELEASE_FROM_DC,
    REORDER,
    TRANSFER,
)
from web.rendering.words import count, day, listing, money, number, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from data.calendar_rows import Difference, Scope
    from data.records import AlertAction, Consignment, Decision

_STATES: Final = {
    DecisionState.REQUESTED: "Waits for approval",
    DecisionState.APPROVED: "Waits for the giving store",
    DecisionState.REFUSED: "Refused",
    DecisionState.ACCEPTED: "Accepted, to be shipped",
    DecisionState.DECLINED: "Declined",
    DecisionState.SHIPPED: "On its way",
    DecisionState.RECEIVED: "Received",
    DecisionState.DONE: "Done",
    DecisionState.WITHDRAWN: "Taken back",
}
_DONE: Final = {
    "request": "Asked for",
    Act.APPROVE: "Approved",
    Act.REFUSE: "Refused",
    Act.ACCEPT: "Accepted",
    Act.DECLINE: "Declined",
    Act.SHIP: "Shipped",
    Act.RECEIVE: "Received",
    Act.COMPLETE: "Done",
    Act.WITHDRAW: "Taken back",
    "undo": "Undone",
}
_KINDS: Final = {
    TRANSFER: "Transfer",
    RELEASE_FROM_DC: "Release from the distribution centre",
    REORDER: "Reorder",
    HOLD_MARKDOWN: "Hold the markdown",
    EXTEND_EXIT: "Keep it on the floor longer",
    BRING_FLOOR_SET_FORWARD: "Set it on the floor earlier",
    KEEP_OPEN_TEST: "Keep-open test",
    COUNT_SHELF: "Count the shelf",
}
_REASONS: Final = {
    "transfer_requested": "A transfer was asked for",
    "released_from_dc": "Stock was released from the distribution centre",
    "reordered": "It was ordered again",
    "markdown_held": "The markdown is held",
    "exit_extended": "It stays on the floor longer",
    "floor_set_moved": "It comes to the floor earlier",
    "test_kept_open": "Some stores keep it on the floor as a test",
    "shelf_counted": "The shelf was counted",
}
_WHAT_BECAME: Final = {
    "asked": "the merchandiser was asked",
    "refused": "the merchandiser refused",
    "taken back": "it was taken back",
    "lapsed": "nobody answered in time",
}
_ORDERS: Final = {
    TRANSFER: "Yes, ask the stores",
    RELEASE_FROM_DC: "Yes, release it",
    REORDER: "Yes, order it",
    HOLD_MARKDOWN: "Yes, hold the markdown",
    EXTEND_EXIT: "Yes, keep it on the floor",
    BRING_FLOOR_SET_FORWARD: "Yes, set it earlier",
    KEEP_OPEN_TEST: "Yes, run the test",
    COUNT_SHELF: "I have counted it",
}
# What must be done besides, for ordered goods to hang on the floor when they are wanted.
_NEEDED: Final = {
    EXTEND_EXIT: " Only with a later exit.",
    BRING_FLOOR_SET_FORWARD: " Only with an earlier floor-set.",
}
_DAYS: Final = {
    HOLD_MARKDOWN: "First markdown on",
    EXTEND_EXIT: "Last day on the floor",
    BRING_FLOOR_SET_FORWARD: "First day on the floor",
    KEEP_OPEN_TEST: "Last day of the test",
}
_DATES: Final = {"exit": "Leaves the floor", "floor_set": "On the floor from", "markdown": "Markdown"}


def kind_name(kind: str) -> str:
    """What a kind of action is called."""
    return _KINDS.get(kind) or kind.replace("_", " ").capitalize()


def state_name(state: DecisionState) -> str:
    """Where a decision stands, in a few words."""
    return _STATES[state]


def title(what: AlertAction | Decision, today: date) -> str:
    """What would be done, or was, as an order of a few words."""
    titled = _TITLES.get(what.kind)
    return titled(what.details, _pieces(what), _until(what, today)) if titled else kind_name(what.kind)


def press(action: AlertAction, today: date, names: Mapping[str, str], *, decides: bool) -> str:
    """What the button of a card says, which leads to the confirmation: whom to ask for how much, or what for.

    Args:
        action: the offer.
        today: the day it is read.
        names: of the stores that give, by their ids.
        decides: whether its reader may do it without asking the merchandiser.
    """
    givers = {line["from_store"] for line in action.lines if line.get("from_store")}
    if action.kind == TRANSFER and givers:
        whom = names.get(*givers, *givers) if len(givers) == 1 else count(len(givers), "store")
        return f"Ask {whom} for {number(sum(line.get('units', 0) for line in action.lines))}"
    told = title(action, today)
    return told if decides else f"Ask to {told[0].lower()}{told[1:]}"


def under_way(kind: str, state: DecisionState) -> str:
    """What somebody is at work on, and how far it is.

    >>> under_way(TRANSFER, DecisionState.SHIPPED)
    'Transfer: on its way'
    """
    return f"{kind_name(kind)}: {state_name(state)[0].lower()}{state_name(state)[1:]}"


def worth(what: AlertAction | Decision) -> str:
    """What it wins and what it costs, as a sentence; an amount nobody knows is left out."""
    wins = what.details.get("wins")
    units = what.units if wins is None else float(wins)
    told = [f"Wins {count(whole(units), 'unit')}"] if units > 0 else []
    if what.benefit is not None and what.benefit > 0:
        told.append(f"{money(what.benefit)} margin")
    if what.cost is not None and what.cost > 0:
        told.append(f"costs {money(what.cost)}")
    if not told:
        return ""
    sentence = f"{', '.join(told)}."
    needed = _NEEDED.get(what.details.get("together_with") or "", "")
    return f"{sentence[0].upper()}{sentence[1:]}{needed}"


def balance(what: AlertAction | Decision) -> str:
    """What it takes from others and when that pays, as a sentence; blank where it takes nothing.

    Nobody knows what a rail of the incoming set or a customer is worth, so the break-even is told.
    """
    weeks, pays = (what.details.get(name) for name in ("rail_weeks", "break_even_per_rail_week"))
    if weeks and pays:
        told = f"It takes {number(float(weeks), 1)} rail-weeks from the incoming set"
        return f"{told} and pays while that earns under {money(Decimal(str(pays)))} per rail-week."
    each = what.details.get("break_even_per_customer")
    return f"It pays if a customer is worth more than {money(Decimal(str(each)))}." if each else ""


def order(kind: str) -> str:
    """What the last button says to whoever may do it."""
    return _ORDERS.get(kind, "Do it")


def asks_for_day(kind: str) -> str:
    """The question for the day of a change of the calendar."""
    return _DAYS.get(kind, "Until when?")


def day_of(decision: Decision) -> str:
    """The day asked for, as a form's field takes it."""
    chosen = decision.until or proposed_day(decision.details)
    return chosen.isoformat() if chosen else ""


def what_happens(kind: str, decides: bool) -> str:
    """What follows from pressing the button."""
    if not decides:
        return "The merchandiser approves it or says why not. You see both under Requests."
    if kind in (TRANSFER, RELEASE_FROM_DC):
        return "Those who give are asked at once; what they promise is kept for you."
    if kind == REORDER:
        return "You then get the order file."
    if kind == COUNT_SHELF:
        return "It is written down that the shelf was counted; correct the books where they were wrong."
    return "This makes a new version of the calendar with your name; the old one stays."


def told_event(act: str) -> str:
    """What a turn of a decision was, in a word or two."""
    return _DONE.get(act) or act.capitalize()


def told_reason(reason: str) -> str:
    """What the history of an alert says of a decision, in words; any other reason as it is.

    >>> told_reason("exit_extended"), told_reason("refused: reorder: no money left")
    ('It stays on the floor longer', 'Reorder: the merchandiser refused: no money left')
    """
    name, _, rest = reason.partition(": ")
    if name in _REASONS:
        return f"{_REASONS[name]}: {rest}" if rest else _REASONS[name]
    if name in _WHAT_BECAME:
        kind, _, note = rest.partition(": ")
        if kind in DECISION_NAMES:
            told = f"{kind_name(kind)}: {_WHAT_BECAME[name]}"
            return f"{told}: {note}" if note else told
    return reason


def told_scope(scope: Scope, names: Mapping[str, str]) -> str:
    """For whom a row of the calendar speaks, by the names of its store and its style."""
    what = names.get(scope.style_id, scope.style_id)
    if scope.store_id:
        where = f"in {names.get(scope.store_id, scope.store_id)}"
    else:
        where = f"in the zone {scope.climate_zone}" if scope.climate_zone else "everywhere"
    told = f"{what} {where}" if what else where
    return told[0].upper() + told[1:]


def told_difference(row: Difference, today: date) -> tuple[str, str, str]:
    """A difference between two calendars: what, before, after."""
    return _DATES[row.what], _holds(row.before, today), _holds(row.after, today)


def received_told(part: Consignment) -> str:
    """What arrived, and how it differs from what was asked for."""
    asked, came = part.units, part.received_units
    if came == asked:
        return f"all {number(asked)} arrived"
    return f"{number(came)} of {number(asked)} arrived"


def _holds(value: date | tuple[tuple[date, float], ...] | None, today: date) -> str:
    if not value:
        return "nothing"
    if isinstance(value, date):
        return day(value, today)
    return listing([f"{percent:g}% off from {day(begins, today)}" for begins, percent in value])


def _until(what: AlertAction | Decision, today: date) -> str:
    chosen: date | None = getattr(what, "until", None) or proposed_day(what.details)
    return day(chosen, today) if chosen else ""


def _pieces(what: AlertAction | Decision) -> str:
    """The pieces that move, or what would be won where the offer names none."""
    lines = what.details.get("lines") or what.details.get("sizes") or ()
    moved = sum(line.get("units", 0) for line in lines)
    return count(moved or whole(what.units), "unit")


def _transfer(details: Mapping[str, Any], pieces: str, _until: str) -> str:
    givers = len({line["from_store"] for line in details.get("lines") or () if line.get("from_store")})
    return f"Transfer {pieces} from {count(givers, 'store')}" if givers else f"Transfer {pieces}"


def _longer(details: Mapping[str, Any], _pieces: str, until: str) -> str:
    stores = len(stores_named(details))
    where = f" in {count(stores, 'store')}" if stores > 1 else ""
    return f"Keep it on the floor {f'until {until}' if until else 'longer'}{where}"


def _test(details: Mapping[str, Any], _pieces: str, until: str) -> str:
    stores = len(stores_named(details))
    kept = f"keep {count(stores, 'store')} open" if stores else "keep some stores open"
    return f"Test it: {kept}{f' until {until}' if until else ''}"


_TITLES: Final[Mapping[str, Callable[[Mapping[str, Any], str, str], str]]] = {
    TRANSFER: _transfer,
    RELEASE_FROM_DC: lambda _details, pieces, _until: f"Release {pieces} from the distribution centre",
    REORDER: lambda _details, pieces, _until: f"Reorder {pieces}",
    HOLD_MARKDOWN: lambda _details, _pieces, until: f"Hold the markdown{f' until {until}' if until else ''}",
    EXTEND_EXIT: _longer,
    BRING_FLOOR_SET_FORWARD: lambda _details, _pieces, until: (
        f"Set it on the floor {f'on {until}' if until else 'earlier'}"
    ),
    KEEP_OPEN_TEST: _test,
}
