"""Today: the alerts that a person may see, cut as the address asks, worst first, and what they come to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import defer

from data.records import (
    LIVE,
    Alert,
    Condition,
    Person,
    Product,
    Run,
    RunKind,
    Scope,
    Severity,
    Status,
    Store,
    ungrouped,
)
from web.access import visible_alerts
from web.addresses import Place, id_in
from web.rendering.sentences import Standing
from web.services import reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Select
    from werkzeug.datastructures import MultiDict

Q = TypeVar("Q", bound="Select[*tuple[Any, ...]]")

PAGE: Final = 25
MOST_COUNTED: Final = 1000
"""Beyond so many nobody counts on; the worst of them are summed up."""

SHOWN_STATUSES: Final = (
    Status.OPEN,
    Status.ACKNOWLEDGED,
    Status.SNOOZED,
    Status.PENDING,
    Status.RESOLVED,
    Status.DISMISSED,
    Status.EXPIRED,
)
# Of these people have been told and nothing has been mended: whoever they turn away leaves all the same.
_TURN_AWAY: Final = (Status.OPEN, Status.ACKNOWLEDGED, Status.SNOOZED)
_ORDER: Final = (Alert.money_lost, Alert.units_lost, Alert.alert_id)

FILE_COLUMNS: Final = (
    "alert", "status", "severity", "rule", "scope", "store", "store_name", "climate_zone", "category",
    "style_id", "style", "season_code", "units_lost", "customers_lost", "customers_this_week", "money_lost",
    "margin_lost", "recoverable_units", "reorderable_units", "next_buy_units", "act_by", "demand_ends",
    "evidence", "first_fired_on", "evaluated_on",
)  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """What the address asks for; what it does not know is ignored."""

    status: Status
    severity: Severity | None
    store: str
    category: str
    rule: str
    group: int

    @classmethod
    def of(cls, asked: MultiDict[str, str]) -> Filters:
        """Read the filters from an address."""
        status, severity = asked.get("status", ""), asked.get("severity", "")
        return cls(
            status=Status(status) if status in set(SHOWN_STATUSES) else Status.OPEN,
            severity=Severity(severity) if severity in set(Severity) else None,
            store=asked.get("store", ""),
            category=asked.get("category", ""),
            rule=asked.get("rule", ""),
            group=asked.get("group", 0, type=id_in),
        )

    @property
    def narrow(self) -> bool:
        """Whether fewer than all alerts of a status are asked for."""
        return bool(self.severity or self.store or self.category or self.rule or self.group)

    @property
    def in_address(self) -> dict[str, Any]:
        """The filters that are set, for a link."""
        given: dict[str, Any] = {
            "severity": self.severity and str(self.severity),
            "store": self.store,
            "category": self.category,
            "rule": self.rule,
            "group": self.group,
            "status": None if self.status is Status.OPEN else str(self.status),
        }
        return {name: value for name, value in given.items() if value}

    def cut(self, query: Q, person: Person) -> Q:
        """Cut a query over alerts to what is asked for.

        Whoever looks after all stores sees a zone's alert in place of those of its stores, unless a store or
        the zone's are asked for. What was never confirmed is shown while it waits, and not afterwards.
        """
        query = query.where(Alert.status == self.status)
        if self.status is not Status.PENDING:
            query = query.where(Alert.opened_on.is_not(None))
        if self.group:
            query = query.where(Alert.parent_id == self.group)
        elif person.store_ids is None and not self.store:
            query = query.where(ungrouped())
        if self.severity:
            query = query.where(Alert.severity == self.severity)
        return self.cut_to_place(query, rule=True)

    def cut_to_place(self, query: Q, *, rule: bool = False) -> Q:
        """Cut a query over alerts to the store and the category that are asked for, and to the rule."""
        asked = [(Alert.store_id, self.store), (Alert.category, self.category)]
        for column, value in [*asked, (Alert.rule, self.rule)] if rule else asked:
            if value:
                query = query.where(column == value)
        return query


@dataclass(frozen=True)
class Tally:
    """How many alerts the filters leave, and the money at stake in the worst `MOST_COUNTED` of them."""

    number: int
    amount: Decimal

    @property
    def most(self) -> int:
        """How many are counted at most."""
        return MOST_COUNTED

    @property
    def more(self) -> bool:
        """Whether there are more than anybody counts."""
        return self.number > self.most


@dataclass(frozen=True)
class LastNight:
    """When the last night ran, and for which date."""

    business_date: date
    state: str
    finished_at: datetime | None = None


def page_of(filters: Filters, person: Person, after: Place | None) -> Sequence[tuple[Alert, str | None]]:
    """One page of alerts with their stores' names, and one more row when there is a next page."""
    query = visible_alerts(
        filters.cut(select(Alert, Store.name).outerjoin(Store, Store.store_id == Alert.store_id), person),
        person,
    )
    if after is not None:
        query = query.where(tuple_(*_ORDER) < after)
    query = query.order_by(*_worst_first()).options(defer(Alert.drivers)).limit(PAGE + 1)
    return [(alert, name) for alert, name in reading().execute(query)]


def file_of(filters: Filters, person: Person) -> Select[*tuple[Any, ...]]:
    """A query over all that the filters leave, as `FILE_COLUMNS` tell it."""
    columns = (
        Alert.alert_id, Alert.status, Alert.severity, Alert.rule, Alert.scope, Alert.store_id, Store.name,
        Alert.climate_zone, Alert.category, Alert.style_id, Alert.details["style_name"].as_string(),
        Alert.season_code, Alert.units_lost, Alert.customers_lost, Alert.customers_this_week,
        Alert.money_lost, Alert.margin_lost, Alert.recoverable_units, Alert.reorderable_units,
        Alert.next_buy_units, Alert.act_by, Alert.demand_ends, Alert.evidence, Alert.first_fired_on,
        Alert.evaluated_on,
    )  # fmt: skip
    query: Select[*tuple[Any, ...]] = select(*columns).outerjoin(Store, Store.store_id == Alert.store_id)
    return visible_alerts(filters.cut(query, person), person).order_by(*_worst_first())


def tally(filters: Filters, person: Person) -> Tally:
    """How many alerts the filters leave, counted as far as anybody counts."""
    cut = visible_alerts(filters.cut(select(Alert.money_lost), person), person)
    worst = cut.order_by(*_worst_first()).limit(MOST_COUNTED + 1).subquery()
    number, amount = reading().execute(select(func.count(), func.sum(worst.c.money_lost))).one()
    return Tally(number, Decimal(amount or 0))


def turned_away(filters: Filters, person: Person) -> float | None:
    """Customers who will leave without what they came for in the seven days after the last night.

    Summed over the alerts of stores that people have been told of and that are not over, whatever their
    status; each loss is told by one alert only, so nobody counts twice. None where no night has told yet.
    """
    query = select(func.sum(Alert.customers_this_week)).where(
        Alert.status.in_(_TURN_AWAY), Alert.scope.in_((Scope.STORE, Scope.CHAIN))
    )
    found: float | None = reading().scalar(visible_alerts(filters.cut_to_place(query), person))
    return found


def standing(person: Person) -> Standing:
    """The live alerts that the person may see, whatever the filters say."""
    query = select(Alert.status, Alert.condition, func.count()).where(Alert.status.in_(LIVE))
    if person.store_ids is None:
        query = query.where(ungrouped())
    found = reading().execute(visible_alerts(query.group_by(Alert.status, Alert.condition), person)).all()
    numbers: Counter[Status] = Counter()
    for status, _condition, number in found:
        numbers[status] += number
    return Standing(
        numbers=numbers,
        frozen=sum(number for _, condition, number in found if condition is Condition.UNKNOWN),
    )


def last_night() -> LastNight | None:
    """The newest night that has been started, if any."""
    query = (
        select(Run.business_date, Run.state, Run.finished_at)
        .where(Run.kind == RunKind.NIGHT, Run.business_date.is_not(None))
        .order_by(Run.business_date.desc())
        .limit(1)
    )
    found = reading().execute(query).first()
    return LastNight(found[0], str(found[1]), found[2]) if found and found[0] else None


def categories_of(person: Person) -> Sequence[str]:
    """The categories among which a person may choose."""
    if (own := person.category_names) is not None:
        return sorted(own)
    return reading().scalars(select(Product.category).distinct().order_by(Product.category)).all()


def _worst_first() -> Sequence[Any]:
    return [column.desc() for column in _ORDER]
