"""Were the alerts right: what was won, how far customers go, how good the forecast is; for whom and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import render_template, request
from sqlalchemy import case, func, literal_column, select

from data.backtests import backtests, overall_scores
from data.outcomes.effort import effort_by_night, efforts_of_stores
from data.outcomes.tallies import (
    Tally,
    View,
    all_together,
    by_category,
    by_rule,
    by_store,
    by_week,
    categories_in,
)
from data.outcomes.waiting import first_judgement, told_alerts
from data.records import Alert, AlertOutcome, ForecastOverride, OverrideEffect, Role, Status
from web.access import (
    current_person,
    visible_alerts,
    visible_outcomes,
    visible_overrides,
    visible_stores,
)
from web.exports import asked_kind, table_answer
from web.periods import CHOICES, USUAL, Period
from web.rendering import backtest_words, outcome_words
from web.rendering.bars import Bars
from web.rendering.life import dismissals
from web.rendering.sentences import rule_name
from web.rendering.words import full_day, number
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from flask.typing import ResponseReturnValue
    from werkzeug.datastructures import MultiDict

    from data.backtests import Backtest
    from data.outcomes.effort import Effort
    from data.records import BacktestScore, DismissReason, Person
    from web.exports import Kind

MOST_LINES: Final = 104
"""So many lines are shown of a table; a file has them all."""

BY: Final = ("category", "store", "rule", "week")
"""What the table can be told by."""

# Written out, so that the database sees that its index of the dismissed answers this.
_DISMISSED: Final = Alert.status == literal_column(f"'{Status.DISMISSED}'")
_SUMS: Final = (
    "judged", "happened", "averted", "did_not_happen", "cannot_tell", "losses_not_foretold", "units_lost",
    "units_won_back", "customers_turned_away", "customers_won_back", "money_lost", "money_won_back",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What the address asks for; what it does not know is ignored."""

    period: Period
    store: str
    category: str
    by: str

    @classmethod
    def of(cls, asked: MultiDict[str, str]) -> Asked:
        """Read it from an address."""
        by = asked.get("by", "")
        return cls(
            period=Period.of(asked, services().today, services().settings.week_starts_on),
            store=asked.get("store", ""),
            category=asked.get("category", ""),
            by=by if by in BY else BY[0],
        )

    @property
    def narrow(self) -> bool:
        """Whether fewer than all of the person's outcomes are asked for."""
        return bool(self.store or self.category)

    @property
    def in_address(self) -> dict[str, Any]:
        """The same for a link."""
        given = {"store": self.store, "category": self.category, "by": self.by if self.by != BY[0] else ""}
        return self.period.in_address | {name: value for name, value in given.items() if value}

    def view(self, person: Person) -> View:
        """The outcomes that are asked for, as far as the person may see them."""
        return View(
            first=self.period.first_week,
            last=self.period.last_week,
            stores=_within(person.store_ids, self.store),
            categories=_within(_with_none(person.category_names), self.category),
        )


@dataclass(frozen=True)
class Line:
    """One line of the table: what it is about, in words and in an address, and what it comes to."""

    name: str
    about: dict[str, str]
    tally: Tally


def index() -> ResponseReturnValue:
    """Were the alerts right, what was won, how far customers go, how good the forecast is."""
    person, asked = current_person(), Asked.of(request.args)
    view = asked.view(person)
    names = names_of_stores(person)
    lines = _lines(view, asked.by, names)
    if kind := asked_kind():
        return _file(asked.by, lines, kind)
    weeks = by_week(reading(), view)
    total = all_together(weeks.values())
    nights = effort_by_night(reading(), first=asked.period.first, last=asked.period.last, stores=view.stores)
    spans = _by_span(asked.period, weeks)
    newest = {asked.period.span_of(night): effort for night, effort in nights.items()}
    page = render_template(
        "outcomes/index.html",
        asked=asked,
        period=asked.period,
        choices=CHOICES,
        usual=USUAL,
        total=total,
        lines=lines[:MOST_LINES],
        left_out=len(lines) - MOST_LINES,
        ways=[by for by in BY if by != "store" or len(names) > 1],
        spans=spans,
        customers=_drawn(spans),
        nights=newest,
        miles=_miles(newest),
        effort=outcome_words.effort(nights, services().today),
        efforts=_efforts(nights, view) if len(names) > 1 and not asked.store else [],
        dismissed=_dismissed(person, asked),
        forecasts=_forecasts(view),
        changes=_changes(person, asked),
        stores=names,
        categories=[(name, name) for name in _categories(view, asked)],
        first_judged=None if total.judged or total.missed else _first_judged(person),
        told=outcome_words,
        told_forecast=backtest_words,
        reasons=dismissals(),
    )
    return page, HTTPStatus.BAD_REQUEST if asked.period.error else HTTPStatus.OK


def names_of_stores(person: Person) -> dict[str, str]:
    """The stores that a person may see, by id, in the order of their names."""
    return {row.store_id: row.name for row in reading().execute(visible_stores(person))}


def _with_none(categories: frozenset[str] | None) -> frozenset[str] | None:
    """What is about no category is seen by whoever looks after any."""
    return None if categories is None else categories | {""}


def _within(own: frozenset[str] | None, asked: str) -> frozenset[str] | None:
    """The one that is asked for, where it is the person's own."""
    if not asked:
        return own
    return frozenset({asked}) if own is None else own & {asked}


def _lines(view: View, by: str, names: Mapping[str, str]) -> list[Line]:
    """The table: by name, by day, rules by how often, stores by what was lost."""
    if by == "store":
        sums = by_store(reading(), view)
        found = [Line(names[key], {"store": key}, tally) for key, tally in sums.items() if key in names]
        return sorted(found, key=lambda line: (-line.tally.units_lost, line.name))
    if by == "rule":
        found = [
            Line(rule_name(key), {"rule": key}, tally) for key, tally in by_rule(reading(), view).items()
        ]
        return sorted(found, key=lambda line: (-line.tally.judged, line.name))
    if by == "week":
        return [
            Line(full_day(week), {"from": week.isoformat(), "to": week.isoformat()}, tally)
            for week, tally in by_week(reading(), view).items()
        ]
    return [Line(key, {"category": key}, tally) for key, tally in by_category(reading(), view).items()]


def _file(by: str, lines: Sequence[Line], kind: Kind) -> ResponseReturnValue:
    rows = (
        (
            next(iter(line.about.values())),
            line.name,
            line.tally.judged,
            line.tally.happened,
            line.tally.averted,
            line.tally.did_not_happen,
            line.tally.cannot_tell,
            line.tally.missed,
            line.tally.units_lost,
            line.tally.units_recovered,
            line.tally.customers_turned_away,
            line.tally.customers_recovered,
            line.tally.money_lost,
            line.tally.money_recovered,
        )
        for line in lines
    )
    return table_answer(f"outcomes-by-{by}", (by, "name", *_SUMS), rows, kind)


def _by_span(period: Period, weeks: Mapping[date, Tally]) -> dict[date, Tally]:
    """The sums of what is drawn together; spans in which nothing ended are there as well."""
    spans = dict.fromkeys(period.spans, Tally())
    for week, tally in weeks.items():
        spans[period.span_of(week)] += tally
    return spans


def _drawn(spans: Mapping[date, Tally]) -> Bars:
    """Customers lost and won back, span by span."""
    rows = []
    for first, tally in spans.items():
        lost, won = tally.customers_lost, tally.customers_recovered
        rows.append((full_day(first), f"{number(lost)} lost, {number(won)} won back", (lost, won)))
    return Bars.of(rows)


def _miles(newest: Mapping[date, Effort]) -> Bars:
    rows = [(full_day(first), outcome_words.way(each), (each.miles,)) for first, each in newest.items()]
    return Bars.of(rows)


def _efforts(nights: Mapping[date, Effort], view: View) -> list[tuple[str, Effort]]:
    if not nights:
        return []
    return efforts_of_stores(reading(), max(nights), stores=view.stores, most=MOST_LINES)


def _dismissed(person: Person, asked: Asked) -> dict[DismissReason, int]:
    """How many alerts were dismissed in the period, by reason."""
    query = select(Alert.dismissed_as, func.count()).where(
        _DISMISSED, Alert.closed_on.between(asked.period.first, asked.period.last)
    )
    if asked.store:
        query = query.where(Alert.store_id == asked.store)
    if asked.category:
        query = query.where(Alert.category == asked.category)
    found = reading().execute(visible_alerts(query.group_by(Alert.dismissed_as), person))
    return {reason: number for reason, number in found if reason}


def _forecasts(view: View) -> tuple[Backtest, Sequence[BacktestScore]] | None:
    """The newest backtest and its scores by category, if there is one."""
    newest = next(iter(backtests(reading())), None)
    if newest is None:
        return None
    return newest, overall_scores(reading(), newest, categories=view.categories)


def _changes(person: Person, asked: Asked) -> tuple[int, int, int] | None:
    """Of the changes of the forecast that were measured: how many, better for it, worse for it.

    None for whoever makes none.
    """
    if person.role is Role.STORE_MANAGER:
        return None
    gain = OverrideEffect.error_without - OverrideEffect.error_with
    query = (
        select(func.count(), func.sum(case((gain > 0, 1), else_=0)), func.sum(case((gain < 0, 1), else_=0)))
        .join_from(OverrideEffect, ForecastOverride)
        .where(gain.is_not(None), ForecastOverride.first_week <= asked.period.last)
        .where(ForecastOverride.last_week >= asked.period.first)
    )
    if asked.category:
        query = query.where(ForecastOverride.category == asked.category)
    number, better, worse = reading().execute(visible_overrides(query, person)).one()
    return number, better or 0, worse or 0


def _categories(view: View, asked: Asked) -> list[str]:
    """What can be chosen: the categories of which there is something to tell, and the one that is chosen."""
    every = replace(view, categories=_with_none(current_person().category_names))
    return sorted({*categories_in(reading(), every), *([asked.category] if asked.category else [])})


def _first_judged(person: Person) -> str:
    """When the first alerts are judged, where none of the person's ever was; blank where some were."""
    if reading().scalar(visible_outcomes(select(AlertOutcome.alert_id), person).limit(1)) is not None:
        return ""
    first = first_judgement(reading(), visible_alerts(told_alerts(), person))
    if first is None:
        return "People have not been told of any alert yet."
    if first <= services().today:
        return "The first alerts are judged as soon as they are over."
    return f"The first alerts are judged when their season is over, on {full_day(first)} at the earliest."
