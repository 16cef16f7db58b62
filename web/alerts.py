"""Alerts: the list, worst first, and one alert with its chart, its stores and its history."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flask import Blueprint, Response, redirect, render_template, request, url_for
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import defer, selectinload

from data.records import (
    LIVE,
    Alert,
    AlertChart,
    Condition,
    Person,
    Product,
    Run,
    RunKind,
    Scope,
    Status,
    Store,
    ungrouped,
)
from web.access import current_person, one_or_404, visible_alerts, visible_stores
from web.addresses import Place, id_in, place_in
from web.decisions import actions_for
from web.rendering.chart_style import with_style
from web.rendering.drivers import certainty, reasons
from web.rendering.life import dismissals, frozen_because, line_of, place, standing_until
from web.rendering.sentences import Standing, rule_codes
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select
    from werkzeug.datastructures import MultiDict

Q = TypeVar("Q", bound="Select[*tuple[Any, ...]]")

alerts = Blueprint("alerts", __name__)

PAGE: Final = 25
SHOWN_STATUSES: Final = (
    Status.OPEN,
    Status.ACKNOWLEDGED,
    Status.SNOOZED,
    Status.PENDING,
    Status.RESOLVED,
    Status.DISMISSED,
    Status.EXPIRED,
)


@dataclass(frozen=True)
class Filters:
    """What the address asks for; what it does not know is ignored."""

    status: Status
    store: str
    category: str
    rule: str
    group: int

    @classmethod
    def of(cls, asked: MultiDict[str, str]) -> Filters:
        """Read the filters from an address."""
        status = asked.get("status", "")
        return cls(
            status=Status(status) if status in set(SHOWN_STATUSES) else Status.OPEN,
            store=asked.get("store", ""),
            category=asked.get("category", ""),
            rule=asked.get("rule", ""),
            group=asked.get("group", 0, type=id_in),
        )

    @property
    def narrow(self) -> bool:
        """Whether fewer than all alerts of a status are asked for."""
        return bool(self.store or self.category or self.rule or self.group)

    @property
    def in_address(self) -> dict[str, Any]:
        """The filters that are set, for a link."""
        given: dict[str, Any] = {"store": self.store, "category": self.category, "rule": self.rule}
        if self.group:
            given["group"] = self.group
        if self.status is not Status.OPEN:
            given["status"] = str(self.status)
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
        for column, value in (
            (Alert.store_id, self.store),
            (Alert.category, self.category),
            (Alert.rule, self.rule),
        ):
            if value:
                query = query.where(column == value)
        return query


@dataclass(frozen=True)
class LastNight:
    """When the last night ran, and for which date."""

    business_date: date
    state: str


@alerts.get("/")
def home() -> ResponseReturnValue:
    """The first page."""
    return redirect(url_for("alerts.index"))


@alerts.get("/alerts")
def index() -> ResponseReturnValue:
    """The alerts of the person's stores, worst first, a page at a time."""
    person, filters = current_person(), Filters.of(request.args)
    after = place_in(request.args.get("after", ""))
    rows = _page(filters, person, after)
    last = rows[PAGE - 1][0] if len(rows) > PAGE else None
    total, amount = _total(filters, person)
    return render_template(
        "alerts/list.html",
        rows=rows[:PAGE],
        filters=filters,
        total=total,
        amount=amount,
        after=str(Place(last.money_lost, last.units_lost, last.alert_id)) if last else "",
        continued=after is not None,
        standing=None if rows else _standing(person),
        stores=reading().execute(visible_stores(person)).all(),
        categories=_categories(person),
        rules=rule_codes(),
        statuses=SHOWN_STATUSES,
        can_choose=filters.status in LIVE,
        place_of=place,
        last_night=last_night(),
    )


@alerts.get("/alerts/<int:alert_id>")
def show(alert_id: int) -> ResponseReturnValue:
    """One alert: the sentence, why, how sure, what can be done, its stores or sizes, chart and history."""
    person = current_person()
    alert = one_or_404(_one(alert_id).options(selectinload(Alert.events)))
    names, today = _names(event.who for event in alert.events), services().today
    return render_template(
        "alerts/show.html",
        alert=alert,
        place=place(alert, _store_name(alert)),
        chart=_chart(alert_id),
        reasons=reasons(alert),
        certainty=certainty(alert),
        names=names,
        standing_until=standing_until(alert, today),
        frozen=frozen_because(alert),
        history=[(event, line_of(event, names, today)) for event in reversed(alert.events)],
        can_undo=alert.can_undo(person.email, services().clock.now()),
        dismissals=dismissals(),
        stores=_stores_of(alert, person),
        group=_group_of(alert, person),
        actions=actions_for(alert, person),
        back=url_for("alerts.index"),
    )


@alerts.get("/alerts/<int:alert_id>/chart.svg")
def chart_svg(alert_id: int) -> ResponseReturnValue:
    """The drawing of an alert, for whoever may see the alert."""
    one_or_404(_one(alert_id).options(defer(Alert.details)))
    chart = one_or_404(
        select(AlertChart).where(AlertChart.alert_id == alert_id).options(defer(AlertChart.table))
    )
    styled = with_style(chart.svg)
    answer = Response(styled.svg, mimetype="image/svg+xml")
    # Opened on its own, the drawing may use the style it carries and nothing else.
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src '{styled.style_hash}'; frame-ancestors 'none'; base-uri 'none'"
    )
    return answer


def last_night() -> LastNight | None:
    """The newest night that has been started, if any."""
    query = (
        select(Run.business_date, Run.state)
        .where(Run.kind == RunKind.NIGHT, Run.business_date.is_not(None))
        .order_by(Run.business_date.desc())
        .limit(1)
    )
    found = reading().execute(query).first()
    return LastNight(found[0], str(found[1])) if found and found[0] else None


def _one(alert_id: int) -> Select[Alert]:
    return visible_alerts(select(Alert).where(Alert.alert_id == alert_id), current_person())


def _store_name(alert: Alert) -> str | None:
    return reading().scalar(select(Store.name).where(Store.store_id == alert.store_id))


def _chart(alert_id: int) -> AlertChart | None:
    query = select(AlertChart).where(AlertChart.alert_id == alert_id).options(defer(AlertChart.svg))
    return reading().scalars(query).one_or_none()


def _stores_of(alert: Alert, person: Person) -> Sequence[tuple[Alert, str]]:
    """The alerts of the stores that a zone's alert gathers, worst first."""
    if alert.scope != Scope.ZONE:
        return []
    query = (
        select(Alert, Store.name)
        .join(Store, Store.store_id == Alert.store_id)
        .where(Alert.parent_id == alert.alert_id, Alert.status.in_(LIVE))
        .order_by(Alert.money_lost.desc(), Alert.alert_id)
        .options(defer(Alert.details), defer(Alert.drivers))
    )
    return [(each, name) for each, name in reading().execute(visible_alerts(query, person))]


def _group_of(alert: Alert, person: Person) -> int | None:
    """The alert of the zone that gathers this one, for whoever may see it."""
    if alert.parent_id is None:
        return None
    query = select(Alert.alert_id).where(Alert.alert_id == alert.parent_id)
    return reading().scalar(visible_alerts(query, person))


def _page(filters: Filters, person: Person, after: Place | None) -> Sequence[tuple[Alert, str | None]]:
    """One page of alerts with their stores' names, and one more row when there is a next page."""
    order = (Alert.money_lost, Alert.units_lost, Alert.alert_id)
    query = visible_alerts(
        filters.cut(select(Alert, Store.name).outerjoin(Store, Store.store_id == Alert.store_id), person),
        person,
    )
    if after is not None:
        query = query.where(tuple_(*order) < after)
    query = query.order_by(*(column.desc() for column in order)).limit(PAGE + 1)
    return [(alert, name) for alert, name in reading().execute(query)]


def _total(filters: Filters, person: Person) -> tuple[int, Decimal]:
    """How many alerts the filters leave, and the money at stake in them."""
    query = visible_alerts(filters.cut(select(func.count(), func.sum(Alert.money_lost)), person), person)
    found, amount = reading().execute(query).one()
    return found, Decimal(amount or 0)


def _standing(person: Person) -> Standing:
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


def _categories(person: Person) -> Sequence[str]:
    if (own := person.category_names) is not None:
        return sorted(own)
    return reading().scalars(select(Product.category).distinct().order_by(Product.category)).all()


def _names(emails: Any) -> dict[str, str]:
    """The names of the people in a history, by their e-mail."""
    known = sorted({email for email in emails if email})
    if not known:
        return {}
    query = select(Person.email, Person.name).where(Person.email.in_(known))
    return {row.email: row.name for row in reading().execute(query)}
