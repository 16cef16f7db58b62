"""The alerts whose time is over with what became of each, and the losses that no alert spoke of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flask import render_template, request
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import defer

from data.records import Alert, AlertOutcome, MissedLoss, Product, Store
from forecaster.codes import OutcomeVerdict
from web.access import current_person, visible_losses, visible_outcomes
from web.addresses import id_in
from web.exports import asked_kind, table_answer
from web.looking_back import names_of_stores
from web.periods import Period
from web.rendering import outcome_words
from web.rendering.life import place
from web.rendering.sentences import rule_codes
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select
    from werkzeug.datastructures import MultiDict

    from data.records import Person
    from web.exports import Kind

Q = TypeVar("Q", bound="Select[*tuple[Any, ...]]")

PAGE: Final = 25
_AT_ONCE: Final = 500
_JUDGED_COLUMNS: Final = (
    "alert_id", "rule", "store", "store_name", "category", "style", "told_on", "ended_on", "verdict",
    "units_foretold", "units_lost", "units_won_back", "customers_lost", "customers_won_back", "money_lost",
    "money_won_back", "days_ahead", "dismissed_as",
)  # fmt: skip
_MISSED_COLUMNS: Final = (
    "rule", "store", "store_name", "category", "style", "ended_on", "units_lost", "customers_lost",
    "money_lost",
)  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """What of the judged alerts, or of the losses, the address asks for; what it does not know is ignored."""

    period: Period
    store: str
    category: str
    rule: str
    verdict: str

    @classmethod
    def of(cls, asked: MultiDict[str, str]) -> Filters:
        """Read it from an address."""
        verdict = asked.get("verdict", "")
        return cls(
            period=Period.of(asked, services().today, services().settings.week_starts_on),
            store=asked.get("store", ""),
            category=asked.get("category", ""),
            rule=asked.get("rule", ""),
            verdict=verdict if verdict in set(OutcomeVerdict) else "",
        )

    @property
    def narrow(self) -> bool:
        """Whether fewer than all of the period are asked for."""
        return bool(self.store or self.category or self.rule or self.verdict)

    @property
    def in_address(self) -> dict[str, Any]:
        """The same for a link."""
        given = {
            "store": self.store, "category": self.category, "rule": self.rule, "verdict": self.verdict,
        }  # fmt: skip
        return self.period.in_address | {name: value for name, value in given.items() if value}

    def cut(self, query: Q, record: type[AlertOutcome | MissedLoss]) -> Q:
        """Cut a query over outcomes or losses to what is asked for."""
        query = query.where(record.ended_on.between(self.period.first, self.period.last))
        for name in ("store_id", "category", "rule", "verdict"):
            value = getattr(self, name.removesuffix("_id"))
            if value and hasattr(record, name):
                query = query.where(getattr(record, name) == value)
        return query


def judged() -> ResponseReturnValue:
    """The alerts whose time is over, with what became of each, newest first, a page at a time."""
    person, filters = current_person(), Filters.of(request.args)
    if kind := asked_kind():
        return _judged_file(filters, person, kind)
    after = _place_in(request.args.get("after", ""))
    query = (
        select(AlertOutcome, Alert, Store.name)
        .join(Alert, Alert.alert_id == AlertOutcome.alert_id)
        .outerjoin(Store, Store.store_id == Alert.store_id)
        .options(defer(Alert.drivers))
    )
    query = visible_outcomes(filters.cut(query, AlertOutcome), person)
    rows = _page(query, (AlertOutcome.ended_on, AlertOutcome.alert_id), after)
    last = rows[PAGE - 1][0] if len(rows) > PAGE else None
    return _shown(
        "outcomes/judged.html",
        filters,
        rows=[(outcome, alert, place(alert, name)) for outcome, alert, name in rows[:PAGE]],
        after=f"{last.ended_on}_{last.alert_id}" if last else "",
        continued=after is not None,
        verdicts=tuple(OutcomeVerdict),
    )


def missed() -> ResponseReturnValue:
    """The losses that no alert spoke of, newest first, a page at a time."""
    person, filters = current_person(), Filters.of(request.args)
    query = select(MissedLoss, Store.name).join(Store, Store.store_id == MissedLoss.store_id)
    query = visible_losses(filters.cut(query, MissedLoss), person)
    if kind := asked_kind():
        return _missed_file(query, kind)
    after = _place_in(request.args.get("after", ""))
    rows = _page(query, (MissedLoss.ended_on, MissedLoss.loss_id), after)
    last = rows[PAGE - 1][0] if len(rows) > PAGE else None
    return _shown(
        "outcomes/missed.html",
        filters,
        rows=rows[:PAGE],
        styles=_style_names([loss.style_id for loss, _ in rows[:PAGE]]),
        after=f"{last.ended_on}_{last.loss_id}" if last else "",
        continued=after is not None,
    )


def _page(query: Any, order: tuple[Any, Any], after: tuple[date, int] | None) -> Sequence[Any]:
    """One page of rows, newest first, and one more when there is a next page."""
    if after is not None:
        query = query.where(tuple_(*order) < after)
    return reading().execute(query.order_by(*(column.desc() for column in order)).limit(PAGE + 1)).all()


def _shown(template: str, filters: Filters, **values: Any) -> ResponseReturnValue:
    stores = names_of_stores(current_person())
    page = render_template(
        template,
        filters=filters,
        period=filters.period,
        stores=stores,
        rules=rule_codes(),
        told=outcome_words,
        **values,
    )
    return page, HTTPStatus.BAD_REQUEST if filters.period.error else HTTPStatus.OK


def _place_in(text: str) -> tuple[date, int] | None:
    """Where a page ended: a day and an id; none when it is broken."""
    day, _, number = text.partition("_")
    try:
        return date.fromisoformat(day), id_in(number)
    except ValueError:
        return None


def _judged_file(filters: Filters, person: Person, kind: Kind) -> ResponseReturnValue:
    query = (
        select(
            AlertOutcome.alert_id, AlertOutcome.rule, AlertOutcome.store_id, Store.name,
            AlertOutcome.category, Alert.style_id, Alert.opened_on, AlertOutcome.ended_on,
            AlertOutcome.verdict, Alert.units_lost, AlertOutcome.units_happened,
            AlertOutcome.units_recovered, AlertOutcome.customers_happened, AlertOutcome.customers_recovered,
            AlertOutcome.money_happened, AlertOutcome.money_recovered, AlertOutcome.lead_days,
            Alert.dismissed_as,
        )
        .join(Alert, Alert.alert_id == AlertOutcome.alert_id)
        .outerjoin(Store, Store.store_id == AlertOutcome.store_id)
        .order_by(AlertOutcome.ended_on.desc(), AlertOutcome.alert_id.desc())
        .execution_options(yield_per=_AT_ONCE)
    )  # fmt: skip
    query = visible_outcomes(filters.cut(query, AlertOutcome), person)
    return table_answer("judged-alerts", _JUDGED_COLUMNS, reading().execute(query), kind)


def _missed_file(query: Select[MissedLoss, str], kind: Kind) -> ResponseReturnValue:
    columns = query.with_only_columns(
        MissedLoss.rule, MissedLoss.store_id, Store.name, MissedLoss.category, MissedLoss.style_id,
        MissedLoss.ended_on, MissedLoss.units, MissedLoss.customers, MissedLoss.money,
    ).order_by(MissedLoss.ended_on.desc(), MissedLoss.loss_id.desc())  # fmt: skip
    rows = reading().execute(columns.execution_options(yield_per=_AT_ONCE))
    return table_answer("losses-without-alert", _MISSED_COLUMNS, rows, kind)


def _style_names(style_ids: Sequence[str]) -> dict[str, str]:
    query = (
        select(Product.style_id, func.max(Product.style_name))
        .where(Product.style_id.in_(sorted(set(style_ids))))
        .group_by(Product.style_id)
    )
    return {style: name for style, name in reading().execute(query) if name} if style_ids else {}
