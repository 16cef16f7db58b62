"""Alerts: today's, worst first, and one alert with its chart, its stores and its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import defer, selectinload

from data.nearby import nearest_of_each
from data.records import LIVE, Alert, AlertChart, AlertOutcome, Person, Scope, Severity, Store
from web.access import current_person, home_of, one_or_404, visible_alerts, visible_stores
from web.addresses import Place, place_in
from web.exports import asked_kind, table_answer
from web.lately import lately
from web.offers import actions_for, first_offers
from web.rendering import outcome_words
from web.rendering.chart_style import with_style
from web.rendering.details import Details
from web.rendering.drivers import certainty, reasons
from web.rendering.life import dismissals, frozen_because, line_of, place, standing_until
from web.rendering.sentences import rule_codes
from web.services import reading, services
from web.today import (
    FILE_COLUMNS,
    PAGE,
    SHOWN_STATUSES,
    Filters,
    categories_of,
    file_of,
    last_night,
    page_of,
    standing,
    tally,
    turned_away,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select

    from data.nearby import Nearby

alerts = Blueprint("alerts", __name__)

# Of a zone; the list has them all.
_MOST_STORES: Final = 50
# Of each size: the nearest may say no.
_NEAREST: Final = 2


@alerts.get("/")
def home() -> ResponseReturnValue:
    """The first page."""
    return redirect(url_for(home_of(current_person())))


@alerts.get("/alerts")
def index() -> ResponseReturnValue:
    """The alerts of the person's stores, worst first, a page at a time."""
    person, filters = current_person(), Filters.of(request.args)
    if kind := asked_kind():
        rows = reading().execute(file_of(filters, person).execution_options(yield_per=500))
        return table_answer("alerts", FILE_COLUMNS, rows, kind)
    after = place_in(request.args.get("after", ""))
    found = page_of(filters, person, after)
    last = found[PAGE - 1][0] if len(found) > PAGE else None
    shown = found[:PAGE]
    return render_template(
        "alerts/list.html",
        rows=shown,
        offers=first_offers((alert for alert, _ in shown), person),
        filters=filters,
        tally=tally(filters, person),
        turned_away=turned_away(filters, person),
        after=str(Place(last.money_lost, last.units_lost, last.alert_id)) if last else "",
        continued=after is not None,
        standing=None if shown or filters.narrow else standing(person),
        stores=reading().execute(visible_stores(person)).all(),
        categories=categories_of(person),
        rules=rule_codes(),
        statuses=SHOWN_STATUSES,
        severities=tuple(Severity),
        can_choose=filters.status in LIVE,
        place_of=place,
        last_night=last_night(),
        lately=lately(),
    )


@alerts.get("/alerts/<int:alert_id>")
def show(alert_id: int) -> ResponseReturnValue:
    """One alert: the sentence, why, how sure, what can be done, its stores or sizes, chart and history."""
    person = current_person()
    alert = one_or_404(_one(alert_id).options(selectinload(Alert.events)))
    names, today = _names(event.who for event in alert.events), services().today
    stores = _stores_of(alert, person)
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
        stores=stores[:_MOST_STORES],
        more_stores=len(stores) > _MOST_STORES,
        nearby=_nearby(alert),
        outcome=_outcome(alert_id),
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


def _one(alert_id: int) -> Select[Alert]:
    return visible_alerts(select(Alert).where(Alert.alert_id == alert_id), current_person())


def _store_name(alert: Alert) -> str | None:
    if alert.store_id is None:
        return None
    return reading().scalar(select(Store.name).where(Store.store_id == alert.store_id))


def _chart(alert_id: int) -> AlertChart | None:
    query = select(AlertChart).where(AlertChart.alert_id == alert_id).options(defer(AlertChart.svg))
    return reading().scalars(query).one_or_none()


def _stores_of(alert: Alert, person: Person) -> Sequence[tuple[Alert, str]]:
    """The worst of the alerts that a zone's gathers, and one more where there are more than are shown."""
    if alert.scope != Scope.ZONE:
        return []
    query = (
        select(Alert, Store.name)
        .join(Store, Store.store_id == Alert.store_id)
        .where(Alert.parent_id == alert.alert_id, Alert.status.in_(LIVE))
        .order_by(Alert.money_lost.desc(), Alert.alert_id)
        .options(defer(Alert.drivers))
        .limit(_MOST_STORES + 1)
    )
    return [(each, name) for each, name in reading().execute(visible_alerts(query, person))]


def _outcome(alert_id: int) -> str:
    """What became of it, once the night has judged it."""
    judged = reading().get(AlertOutcome, alert_id)
    return outcome_words.told(judged, services().today) if judged else ""


def _nearby(alert: Alert) -> Mapping[str, Sequence[Nearby]]:
    """The nearest stores that have the sizes that are missed, by sku, while somebody can still be helped."""
    missed = [size.sku for size in Details.of(alert).sizes if size.lost > 0]
    if alert.store_id is None or not alert.is_live or not missed:
        return {}
    now = services().clock.now()
    return nearest_of_each(reading(), missed, store_id=alert.store_id, now=now, limit=_NEAREST)


def _group_of(alert: Alert, person: Person) -> int | None:
    """The alert of the zone that gathers this one, for whoever may see it."""
    if alert.parent_id is None:
        return None
    query = select(Alert.alert_id).where(Alert.alert_id == alert.parent_id)
    return reading().scalar(visible_alerts(query, person))


def _names(emails: Any) -> dict[str, str]:
    """The names of the people in a history, by their e-mail."""
    known = sorted({email for email in emails if email})
    if not known:
        return {}
    query = select(Person.email, Person.name).where(Person.email.in_(known))
    return {row.email: row.name for row in reading().execute(query)}
