"""Changes of the forecast: what a merchandiser knows better, looked at first, and measured later."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select

from data.errors import InSeasonError, NotYoursError
from data.overrides import checked, override
from data.records import ForecastOverride, Measure, OverrideEffect, OverrideState, Product, Store
from web.access import current_person, visible_overrides
from web.calendar.plan_forms import UnreadableFormError, climate_zones, problems_of
from web.calendar.rooms import PAGE, calendar, id_after, names_of, people, require_category, text
from web.exports import asked_kind, table_answer
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select
    from werkzeug.datastructures import MultiDict

    from data.override_effects import Foretold
    from web.exports import Kind

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_FAR: Final = timedelta(days=2 * 366)
_HUNDRED: Final = 100.0
_COLUMNS: Final = (
    "change", "category", "climate_zone", "store_id", "style_id", "first_week", "last_week", "percent",
    "units_a_week", "reason", "author", "made_at", "withdrawn_by", "withdrawn_at", "weeks_measured",
    "error_with", "error_without",
)  # fmt: skip
_FIELDS: Final = (
    "category", "climate_zone", "store_id", "style_id", "first", "last", "says", "percent", "units", "reason",
)  # fmt: skip
# How the planner and an alert name what they are about in a link.
_SHORT: Final = {"zone": "climate_zone", "store": "store_id", "style": "style_id"}
MORE, LESS, UNITS = "more", "less", "units"


@dataclass(frozen=True)
class Form:
    """What was typed about a change, and a sentence for each field that is wrong."""

    typed: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, values: MultiDict[str, str], problems: Mapping[str, str] | None = None) -> Form:
        """Take up what was sent, or what a link asks for."""
        typed = {name: values.get(name, "").strip() for name in _FIELDS}
        for short, name in _SHORT.items():
            typed[name] = typed[name] or values.get(short, "").strip()
        return cls(typed, problems or {})

    def values(self) -> dict[str, Any]:
        """What was typed as `data.overrides.override` takes it.

        Raises:
            UnreadableFormError: with a sentence for each field that is wrong.
        """
        problems: dict[str, str] = {}
        weeks = {f"{name}_week": self._day(name, problems) for name in ("first", "last")}
        measure, amount = self._amount(problems)
        if not self.typed["reason"]:
            problems["reason"] = "Say why in a few words, so that the others know."
        if problems:
            raise UnreadableFormError(problems)
        named = ("category", "climate_zone", "store_id", "style_id", "reason")
        return {name: self.typed[name] for name in named} | weeks | {"measure": measure, "amount": amount}

    def _day(self, name: str, problems: dict[str, str]) -> date | None:
        typed = self.typed[name]
        try:
            day = date.fromisoformat(typed) if _DAY.fullmatch(typed) else None
        except ValueError:
            day = None
        if day is None:
            problems[name] = f"Choose the {name} day."
        elif abs(day - services().today) > _FAR:
            problems[name] = "That day is more than two years away."
        return day

    def _amount(self, problems: dict[str, str]) -> tuple[Measure, float]:
        if self.typed["says"] == UNITS:
            return Measure.UNITS, self._number("units", "Say how many pieces a week.", problems)
        percent = self._number("percent", "Say by how many percent.", problems)
        return Measure.FACTOR, 1 + (-percent if self.typed["says"] == LESS else percent) / _HUNDRED

    def _number(self, name: str, trouble: str, problems: dict[str, str]) -> float:
        try:
            number = float(self.typed[name].removesuffix("%").replace(",", ""))
        except ValueError:
            number = math.nan
        if not 0 < number < math.inf:
            problems[name] = trouble
            return 1.0
        return number


@calendar.get("/calendar/overrides")
def overrides() -> ResponseReturnValue:
    """The changes of the forecast, newest first, with what became of each."""
    person, after = current_person(), id_after()
    category = request.args.get("category", "")
    in_force = request.args.get("show", "") != "withdrawn"
    state = OverrideState.IN_FORCE if in_force else OverrideState.WITHDRAWN
    query = (
        visible_overrides(select(ForecastOverride, OverrideEffect), person)
        .outerjoin(OverrideEffect, OverrideEffect.override_id == ForecastOverride.override_id)
        .order_by(ForecastOverride.override_id.desc())
    )
    if category:
        query = query.where(ForecastOverride.category == category)
    if (kind := asked_kind()) is not None:
        return _file(query, kind)
    query = query.where(ForecastOverride.state == state)
    if after is not None:
        query = query.where(ForecastOverride.override_id < after)
    found = reading().execute(query.limit(PAGE + 1)).all()
    rows = found[:PAGE]
    made = [row for row, _ in rows]
    return render_template(
        "calendar/overrides.html",
        rows=rows,
        in_force=in_force,
        category=category,
        names=names_of((row.store_id for row in made), (row.style_id for row in made)),
        people=people(email for row in made for email in (row.author, row.withdrawn_by)),
        filters={"category": category} if category else {},
        after=made[-1].override_id if len(found) > PAGE else None,
        continued=after is not None,
    )


@calendar.get("/calendar/overrides/new")
def new_override() -> ResponseReturnValue:
    """The form of a change."""
    form = Form.of(request.args)
    if form.typed["category"]:
        require_category(form.typed["category"])
    return _form(form)


@calendar.post("/calendar/overrides")
def add_override() -> ResponseReturnValue:
    """Look at what a change would do, or make it."""
    form = Form.of(request.form)
    if form.typed["category"]:
        require_category(form.typed["category"])
    try:
        if "preview" in request.form:
            return _form(form, preview=_preview(form))
        with services().database.write() as records:
            made = override(records, form.values(), **_now())
            told = made.category
    except NotYoursError:
        raise
    except InSeasonError as refusal:
        return _form(Form(form.typed, problems_of(refusal))), HTTPStatus.BAD_REQUEST
    flash(f"Noted for {told}. It counts from the next night on, and in the planner at once.", "success")
    return redirect(url_for("calendar.overrides"), HTTPStatus.SEE_OTHER)


@calendar.post("/calendar/overrides/<int:override_id>/withdraw")
def withdraw_override(override_id: int) -> ResponseReturnValue:
    """Take a change back: from the next night on the forecast is the model's again."""
    with services().database.write() as records:
        query = select(ForecastOverride).where(ForecastOverride.override_id == override_id)
        found = records.scalars(visible_overrides(query, current_person()).with_for_update()).one_or_none()
        if found is None:
            abort(HTTPStatus.NOT_FOUND)
        found.withdraw(current_person(), services().clock.now(), on=services().today, reason=text("reason"))
    flash("Taken back. From the next night on the forecast is as it was.", "success")
    return redirect(url_for("calendar.overrides"), HTTPStatus.SEE_OTHER)


def _now() -> dict[str, Any]:
    """Who acts, and when."""
    return {
        "by": current_person(),
        "now": services().clock.now(),
        "on": services().today,
        "week_starts_on": services().settings.week_starts_on,
    }


def _preview(form: Form) -> tuple[ForecastOverride, Foretold | None]:
    """What a change would do to the newest night's forecast."""
    # The facts are opened for a look only, so that the app starts without them.
    from data.facts import FactsStore  # noqa: PLC0415
    from data.override_effects import foretold  # noqa: PLC0415

    made = checked(reading(), form.values(), **_now())
    facts = FactsStore(services().settings.facts_uri, services().database)
    return made, foretold(reading(), facts.snapshot(), made)


def _form(form: Form, preview: tuple[ForecastOverride, Foretold | None] | None = None) -> str:
    category = form.typed["category"]
    return render_template(
        "calendar/override.html",
        form=form,
        made=preview[0] if preview else None,
        preview=preview[1] if preview else None,
        categories=_categories(),
        zones=climate_zones(),
        stores=_stores(form.typed["climate_zone"]),
        styles=_styles(category),
        names=names_of([form.typed["store_id"]], [form.typed["style_id"]]),
    )


def _categories() -> Sequence[str]:
    """The categories that the person may speak of; one statement."""
    query = select(Product.category).distinct().order_by(Product.category)
    if (own := current_person().category_names) is not None:
        query = query.where(Product.category.in_(sorted(own)))
    return reading().scalars(query).all()


def _stores(zone: str) -> Sequence[tuple[str, str]]:
    """Id and name of the stores to choose from; one statement."""
    query = select(Store.store_id, Store.name).order_by(Store.name)
    if zone:
        query = query.where(Store.climate_zone == zone)
    return reading().execute(query).all()


def _styles(category: str) -> Sequence[tuple[str, str]]:
    """Id and name of the styles of a category; one statement."""
    if not category:
        return []
    query = select(Product.style_id, Product.style_name).where(Product.category == category)
    found = reading().execute(query.distinct().order_by(Product.style_name)).all()
    return [(style, name or style) for style, name in dict(found).items()]


def _file(query: Select[ForecastOverride, OverrideEffect], kind: Kind) -> ResponseReturnValue:
    rows = (
        (
            made.override_id, made.category, made.climate_zone, made.store_id, made.style_id, made.first_week,
            made.last_week, _HUNDRED * (made.amount - 1) if made.measure is Measure.FACTOR else None,
            made.amount if made.measure is Measure.UNITS else None, made.reason, made.author, made.made_at,
            made.withdrawn_by, made.withdrawn_at, effect and effect.weeks, effect and effect.error_with,
            effect and effect.error_without,
        )
        for made, effect in reading().execute(query.execution_options(yield_per=500))
    )  # fmt: skip
    return table_answer("forecast-changes", _COLUMNS, rows, kind)
