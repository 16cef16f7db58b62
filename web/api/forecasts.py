"""Forecasts in the API: what customers are expected to want, week by week."""

from __future__ import annotations

from datetime import date, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

from apiflask import APIBlueprint
from flask import abort
from pydantic import ConfigDict, Field
from sqlalchemy import select

from data.records import Product, Store, StoreKind, TokenScope
from web.access import current_person, visible_stores
from web.api.guard import operation
from web.api.models import Day, Evidence, Model, Text, units
from web.api.problems import refuse
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data.forecasts import Week
    from data.records import Person

forecasts = APIBlueprint("api_forecasts", __name__, url_prefix="/api/v1", tag="Forecasts")

_MOST_WEEKS: Final = 53
_EXAMPLE: Final[dict[str, Any]] = {
    "as_of": "2026-06-13",
    "category": "swim trunks",
    "store_id": "PHX-01",
    "sku": "SWT-26-03-NAV-M",
    "climate_zone": "hot",
    "stores": 1,
    "items": [
        {"week": "2026-06-14", "mean": 3.4, "p10": 1.0, "p50": 3.0, "p90": 7.0, "evidence": "observed"}
    ],
}


class ForecastQuery(Model):
    """Of what: a store and a sku, or a store and a category, or a category and a climate zone."""

    store: Text | None = Field(None, max_length=64, description="A store, by its `store_id`.")
    sku: Text | None = Field(None, max_length=64, description="With `store`: of this sku.")
    category: Text | None = Field(
        None, max_length=100, description="With `store` or `zone`: the sum over its skus."
    )
    zone: Text | None = Field(
        None, max_length=64, description="With `category`: the sum over its stores; not for store managers."
    )
    from_: Day | None = Field(
        None, alias="from", description="Weeks that begin on or after this day; the night's first by default."
    )
    to: Day | None = Field(
        None, description="Weeks that begin on or before this day; a year after the first by default."
    )


class ForecastWeek(Model):
    """Demand at regular price in one week, in units."""

    week: Day = Field(description="The first day of the week.")
    mean: float
    p10: float = Field(description="Demand is at most this with a probability of a tenth.")
    p50: float
    p90: float
    evidence: Evidence = Field(description="What it rests on.")


class Forecast(Model):
    """Weeks of demand, as the newest night has foretold them."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    as_of: Day | None = Field(description="The night; None before the first.")
    category: str
    store_id: str | None
    sku: str | None
    climate_zone: str
    stores: int = Field(description="How many stores are summed.")
    items: list[ForecastWeek] = Field(description=f"At most {_MOST_WEEKS}; none where nothing is foretold.")


class _Asked:
    """What a query means, in records that the person may see."""

    def __init__(self, asked: ForecastQuery, person: Person) -> None:
        self.sku, self.zone = asked.sku, asked.zone or ""
        if (asked.store is None) == (asked.zone is None):
            raise refuse("store", "or zone is needed, and not both")
        if (asked.sku is None) == (asked.category is None):
            raise refuse("sku", "or category is needed, and not both")
        if asked.sku is not None and asked.zone is not None:
            raise refuse("sku", "goes with a store")
        if asked.zone is not None and person.store_ids is not None:
            # The sum would tell of the other stores of the zone.
            abort(HTTPStatus.FORBIDDEN)
        self.category = _category(asked, person)
        self.stores = self._stores(asked, person)
        if not self.stores:
            abort(HTTPStatus.NOT_FOUND)

    def _stores(self, asked: ForecastQuery, person: Person) -> Sequence[str]:
        mine = {store_id for store_id, _ in reading().execute(visible_stores(person))}
        query = select(Store.store_id, Store.climate_zone).where(Store.kind != StoreKind.DC)
        if asked.store is not None:
            found = reading().execute(query.where(Store.store_id == asked.store)).all()
            self.zone = found[0].climate_zone if found else ""
        else:
            found = reading().execute(query.where(Store.climate_zone == asked.zone)).all()
        return sorted(store_id for store_id, _ in found if store_id in mine)


@forecasts.get("/forecasts")
@operation(
    forecasts,
    "readForecast",
    TokenScope.FORECASTS_READ,
    also={HTTPStatus.NOT_FOUND: "There is no such store, sku, category or zone that is yours"},
)
@forecasts.input(ForecastQuery, location="query", arg_name="asked")
@forecasts.output(Forecast, description="The forecast")
def read_forecast(asked: ForecastQuery) -> Forecast:
    """Read a forecast.

    Demand at regular price, also in weeks in which the calendar has nothing on the floor. Means of several
    add up; quantiles do not, so ask for the sum that you need.
    """
    # Imported here: the app starts without the libraries of the facts.
    from data.forecasts import newest_night  # noqa: PLC0415

    wanted = _Asked(asked, current_person())
    as_of = newest_night(reading())
    return Forecast(
        as_of=as_of,
        category=wanted.category,
        store_id=asked.store,
        sku=asked.sku,
        climate_zone=wanted.zone,
        stores=len(wanted.stores),
        items=[_told(week) for week in _weeks(asked, wanted, as_of)] if as_of else [],
    )


def _weeks(asked: ForecastQuery, wanted: _Asked, as_of: date) -> Sequence[Week]:
    from data.forecasts import Span, forecast_of, forecast_of_category  # noqa: PLC0415

    uri, database = services().settings.facts_uri, services().database
    first = asked.from_ or as_of
    last = asked.to or first + timedelta(weeks=_MOST_WEEKS - 1)
    if not first <= last < first + timedelta(weeks=_MOST_WEEKS):
        raise refuse("to", f"must be on or after from, and less than {_MOST_WEEKS} weeks later")
    span = Span(as_of, wanted.category, first, last)
    if wanted.sku is not None:
        return forecast_of(uri, database, span, store_id=wanted.stores[0], sku=wanted.sku)
    return forecast_of_category(uri, database, span, store_ids=wanted.stores, climate_zone=wanted.zone)


def _category(asked: ForecastQuery, person: Person) -> str:
    """The category that is asked for, or that of the sku; not there for whoever does not look after it."""
    known = Product.sku == asked.sku if asked.sku is not None else Product.category == asked.category
    category = reading().scalar(select(Product.category).where(known).limit(1))
    own = person.category_names
    if category is None or (own is not None and category not in own):
        abort(HTTPStatus.NOT_FOUND)
    return category


def _told(week: Week) -> ForecastWeek:
    return ForecastWeek(
        week=week.week,
        mean=units(week.mean),
        p10=units(week.p10),
        p50=units(week.p50),
        p90=units(week.p90),
        evidence=cast("Evidence", week.evidence),
    )
