"""What can still be done about alerts, as one person may press it, and what was decided about them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from data import decisions as deciding
from data.records import Alert, AlertAction, Decision, DecisionState, Store
from data.records.decision_life import OPEN
from data.records.decisions import answers_for
from forecaster.codes import COUNT_SHELF
from web.access import visible_decisions
from web.goods import lines_of
from web.rendering import acts
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from data.records import Person
    from web.goods import Line

_ASKS: Final = "Ask the merchandiser"
_SETTLED: Final = (DecisionState.DONE, DecisionState.RECEIVED)


@dataclass(frozen=True)
class Offer:
    """One thing that can still be done, as its reader may press it."""

    action: AlertAction
    button: str

    @property
    def asks_first(self) -> bool:
        """Whether somebody else has to approve it."""
        return self.button == _ASKS


@dataclass(frozen=True)
class OfferedPart:
    """What one store would send to another, before anybody has asked for it."""

    giver: str
    taker: str
    miles: float | None
    lines: Sequence[Line]

    @property
    def units(self) -> int:
        """Pieces it would send."""
        return sum(line.units for line in self.lines)


@dataclass(frozen=True)
class Panel:
    """What can be done about an alert, and what was decided already, as one person may see it."""

    alert: Alert
    offers: Sequence[Offer]
    decided: Sequence[Decision]


@dataclass(frozen=True)
class Made:
    """A decision that somebody has made about an alert, as far as offers go by it."""

    kind: str
    state: DecisionState
    offered_on: date

    def settles(self, action: AlertAction) -> bool:
        """Whether it leaves nothing to press about an offer."""
        done = self.state in _SETTLED and self.offered_on == action.evaluated_on
        return self.kind == action.kind and (self.state in OPEN or done)


@dataclass(frozen=True)
class First:
    """The first offer of an alert as the button of its card, and the decision that somebody is at work on."""

    button: str = ""
    rank: int = 0
    under_way: str = ""


def actions_for(alert: Alert, person: Person) -> Panel:
    """What the alert's page shows of its actions; see `decisions/panel.html`.

    Offers whose day has passed are left out, and those about which somebody has decided since that night.
    """
    decided = reading().scalars(
        visible_decisions(deciding.whole_decisions(), person)
        .where(Decision.alert_id == alert.alert_id)
        .order_by(Decision.decision_id.desc())
    )
    found = decided.all()
    offers = reading().scalars(
        select(AlertAction).where(AlertAction.alert_id == alert.alert_id).order_by(AlertAction.rank)
    )
    made = [Made(decision.kind, decision.state, decision.offered_on) for decision in found]
    open_offers = [
        Offer(action, _button(action, alert, person))
        for action in offers
        if _stands(action, alert, services().today, made)
    ]
    return Panel(alert, open_offers, found)


def first_offers(alerts: Iterable[Alert], person: Person) -> dict[int, First]:
    """What each of several alerts offers first, by the alert's id: three statements for all of them."""
    by_id = {alert.alert_id: alert for alert in alerts if alert.is_live}
    if not by_id:
        return {}
    columns = (Decision.alert_id, Decision.kind, Decision.state, Decision.offered_on)
    asked = select(*columns).where(Decision.alert_id.in_(by_id), Decision.state.in_((*OPEN, *_SETTLED)))
    made: defaultdict[int, list[Made]] = defaultdict(list)
    for alert_id, kind, state, offered_on in reading().execute(asked.order_by(Decision.decision_id.desc())):
        made[alert_id].append(Made(kind, state, offered_on))
    today, first = services().today, dict[int, AlertAction]()
    offered = select(AlertAction).where(AlertAction.alert_id.in_(by_id))
    for action in reading().scalars(offered.order_by(AlertAction.alert_id, AlertAction.rank)):
        if _stands(action, by_id[action.alert_id], today, made[action.alert_id]):
            first.setdefault(action.alert_id, action)
    names = _names_of_givers(first.values())
    return {key: _first(first.get(key), alert, person, made[key], names) for key, alert in by_id.items()}


def offered_parts(action: AlertAction, alert: Alert) -> list[OfferedPart]:
    """The parts that an offer would be made of."""
    parts: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in action.lines:
        if line.get("from_store"):
            ends = (line["from_store"], line.get("to_store") or alert.store_id or "")
            parts.setdefault(ends, []).append(line)
    known = reading().scalars(select(Store).where(Store.store_id.in_({s for ends in parts for s in ends})))
    names = {store.store_id: store.name for store in known}
    return [
        OfferedPart(
            names.get(giver, giver),
            names.get(taker, taker),
            next((line["miles"] for line in lines if line.get("miles") is not None), None),
            lines_of(reading(), ((line["sku"], round(line["units"]), None) for line in lines)),
        )
        for (giver, taker), lines in sorted(parts.items())
    ]


def store_names(store_ids: Collection[str]) -> Sequence[str]:
    """The names of stores, in order."""
    if not store_ids:
        return ()
    query = select(Store.name).where(Store.store_id.in_(store_ids)).order_by(Store.name)
    return reading().scalars(query).all()


def _button(action: AlertAction, alert: Alert, person: Person) -> str:
    """What the button of an offer says; asking comes before doing for whoever may not decide."""
    return "Do it" if _decides(action, alert, person) else _ASKS


def _decides(action: AlertAction, alert: Alert, person: Person) -> bool:
    return answers_for(person, alert.category) or action.kind == COUNT_SHELF


def _stands(action: AlertAction, alert: Alert, today: date, made: Iterable[Made]) -> bool:
    """Whether there is anything to press about an offer: its day is ahead, and nobody has decided on it."""
    if not alert.is_live or (action.act_by is not None and action.act_by < today):
        return False
    return not any(decision.settles(action) for decision in made)


def _first(
    action: AlertAction | None, alert: Alert, person: Person, made: Iterable[Made], names: Mapping[str, str]
) -> First:
    at_work = next((decision for decision in made if decision.state in OPEN), None)
    under_way = acts.under_way(at_work.kind, at_work.state) if at_work else ""
    if action is None:
        return First(under_way=under_way)
    button = acts.press(action, services().today, names, decides=_decides(action, alert, person))
    return First(button, action.rank, under_way)


def _names_of_givers(actions: Iterable[AlertAction]) -> Mapping[str, str]:
    """The names of the stores that would give, where each offer has one."""
    givers = {line["from_store"] for action in actions for line in action.lines if line.get("from_store")}
    if not givers:
        return {}
    query = select(Store.store_id, Store.name).where(Store.store_id.in_(givers))
    return {row.store_id: row.name for row in reading().execute(query)}
