"""What a night knew of a category, as plans are weighed on it: read from both stores in one go."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from sqlalchemy import select

from data.assortment import products_frame, stores_frame
from data.errors import InSeasonError
from data.facts.store import Snapshot
from data.facts.supply import arrivals, stock_on, supply
from data.overrides import factors, overrides_in_force
from data.planning.assumed import Assumed, Prices
from data.records import Run, RunKind, RunState
from data.selling_windows import calendar_frame, markdown_frame, markdown_steps, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sqlalchemy.orm import Session

    from data.database import Database
    from data.facts.store import FactsStore

_PAIR: Final = ["store_id", "style_id"]
_SERIES: Final = ["store", "sku"]
_RANGED: Final = ["store_id", "style_id", "category", "climate_zone"]


@dataclass(frozen=True)
class Books:
    """What the records say of a category: small enough to be sent to another process.

    `products`, `stores`: as `data.assortment` gives them, the products of the category only. `calendar`,
    `markdowns`: as `data.selling_windows` gives them. `overrides`: as `data.overrides` gives those in force.
    """

    products: pd.DataFrame
    stores: pd.DataFrame
    calendar: pd.DataFrame
    markdowns: pd.DataFrame
    overrides: pd.DataFrame


@dataclass(frozen=True)
class NightSeen:
    """A night: its business date, the facts as it saw them, and the substitution it measured by category.

    `stock`, `coming`: as `data.facts.supply.stock_on` and `arrivals` give them, where they have been read.
    """

    as_of: date
    snapshot: Snapshot
    substitution: Mapping[str, float] = field(default_factory=dict)
    stock: pd.DataFrame | None = None
    coming: pd.DataFrame | None = None


@dataclass(frozen=True)
class CategoryFacts:
    """A category as a night knew it: frames with the forecaster's names, money in dollars.

    `forecast`: store, sku, week, mean, evidence. `series`: store, sku, style_id, style_name, size,
    climate_zone, level_shape, dispersion, regular_price, unit_cost, cost_known, salvage. `supply`: store,
    sku, week, units. `windows`, `markdowns`: of each store_id and style_id. `names`: of the stores.
    `without_price`: skus left out since they have none.
    """

    category: str
    seen: NightSeen
    forecast: pd.DataFrame
    series: pd.DataFrame
    supply: pd.DataFrame
    windows: pd.DataFrame
    markdowns: pd.DataFrame
    elasticity: float
    prices: Prices
    without_price: pd.DataFrame
    names: Mapping[str, str]

    @property
    def as_of(self) -> date:
        """The last business date known."""
        return self.seen.as_of

    @cached_property
    def first_windows(self) -> pd.DataFrame:
        """Of each store and style_id the first window whose exit is ahead, and its cuts as codes.

        store, style_id, season_code, floor_set, exit, cut_0, cut_1, ... (which day and depth; NaN for none).
        """
        own = self.cuts_within[_PAIR].assign(
            code=self.cuts_within.groupby(["effective_from", "percent_off"]).ngroup(),
            slot="cut_" + self.cuts_within.groupby(_PAIR).cumcount().astype(str),
        )
        codes = own.pivot_table(index=_PAIR, columns="slot", values="code", aggfunc="first").reset_index()
        return self._windows_ahead.merge(codes, on=_PAIR, how="left").rename(columns={"store_id": "store"})

    @cached_property
    def cuts_within(self) -> pd.DataFrame:
        """store_id, style_id, effective_from, percent_off of the markdowns within those windows, by day."""
        own = self.markdowns.merge(self._windows_ahead, on=[*_PAIR, "season_code"])
        return own[(own["effective_from"] >= own["floor_set"]) & (own["effective_from"] <= own["exit"])]

    @cached_property
    def _windows_ahead(self) -> pd.DataFrame:
        ahead = self.windows[self.windows["exit"] > pd.Timestamp(self.as_of)]
        return ahead.sort_values(["exit", "floor_set"], kind="stable").drop_duplicates(_PAIR)

    @cached_property
    def pieces(self) -> pd.DataFrame:
        """store, sku, units: what is there and to come."""
        return self.supply.groupby(_SERIES)["units"].sum().reset_index()

    @property
    def zones(self) -> list[str]:
        """The climate zones whose stores carry it."""
        return sorted(set(self.series["climate_zone"]) - {""})

    def of_zone(self, climate_zone: str) -> pd.DataFrame:
        """The series of a zone; of the chain if ''.

        Raises:
            InSeasonError: no store of the zone carries it.
        """
        if not climate_zone:
            return self.series
        chosen = self.series[self.series["climate_zone"] == climate_zone]
        if chosen.empty:
            zones = ", ".join(self.zones) or "none"
            raise InSeasonError(
                f"No store of zone {climate_zone!r} carries {self.category}. Zones that do: {zones}."
            )
        return chosen

    def assumed_of(self, series: pd.DataFrame) -> Assumed:
        """What is taken for granted of some of its series."""
        zones = set(series["climate_zone"])
        bare = self.without_price[self.without_price["climate_zone"].isin(zones)]
        return Assumed(
            self.prices,
            without_price=bare["sku"].nunique(),
            without_cost=series.loc[~series["cost_known"], "sku"].nunique(),
            substitution=self.seen.substitution.get(self.category),
        )

    def sold_since(self, day: date, series: pd.DataFrame) -> float:
        """Units that some of its series have sold in the weeks from the one of a day on."""
        sold = self.seen.snapshot.query(
            "SELECT store_id AS store, sku, sum(units) AS units FROM panel "
            f"WHERE category = {_quoted(self.category)} AND week > DATE '{day}' - INTERVAL '7 days' "
            "GROUP BY store_id, sku"
        )
        return float(sold.merge(series[_SERIES], on=_SERIES)["units"].sum())


def newest_night(session: Session) -> Run:
    """The newest night that succeeded.

    Raises:
        InSeasonError: there is none.
    """
    run = session.scalar(
        select(Run)
        .where(Run.kind == RunKind.NIGHT, Run.state == RunState.SUCCEEDED)
        .order_by(Run.business_date.desc())
        .limit(1)
    )
    if run is None:
        raise InSeasonError("No night has run yet, so there is no forecast to plan on: run inseason nightly.")
    return run


def read_newest(database: Database, facts: FactsStore, category: str, *, prices: Prices) -> CategoryFacts:
    """A category as the newest night that succeeded knew it, with the calendar and overrides of now.

    Raises:
        InSeasonError: no night has run, or it told nothing of the category.
    """
    with database.read() as session:
        run = newest_night(session)
        as_of: date = run.business_date  # type: ignore[assignment]  # a night has one
        details: Mapping[str, Any] = dict(run.details)
        books = read_books(session, category, as_of=as_of)
    now = facts.snapshot()
    snapshot = Snapshot(now.uri, {**now.versions, **details.get("inputs", {})})
    seen = NightSeen(as_of, snapshot, details.get("substitution", {}))
    return read_category(seen, books, category, prices=prices)


def read_books(session: Session, category: str, *, as_of: date) -> Books:
    """What the records say of a category now."""
    products = products_frame(session, as_of=as_of)
    return Books(
        products[products["category"] == category],
        stores_frame(session),
        calendar_frame(session),
        markdown_frame(session),
        overrides_in_force(session),
    )


def read_category(seen: NightSeen, books: Books, category: str, *, prices: Prices) -> CategoryFacts:
    """A category as a night knew it.

    Raises:
        InSeasonError: the night told nothing of the category, or none of its products has a price.
    """
    forecast = _forecast(seen, category)
    series = _series(forecast, books)
    priced, without = _priced(series, prices)
    if priced.empty:
        raise InSeasonError("None of these products has a regular price, so no plan can be weighed in money.")
    ranged = priced.rename(columns={"store": "store_id"})[_RANGED].drop_duplicates()
    return CategoryFacts(
        category=category,
        seen=seen,
        forecast=_overridden(forecast, series, books),
        series=priced,
        supply=_supply(seen, forecast, priced),
        windows=resolve(books.calendar, ranged),
        markdowns=markdown_steps(books.markdowns, ranged),
        elasticity=_elasticity(seen, category),
        prices=prices,
        without_price=without,
        names=dict(zip(books.stores["store_id"], books.stores["name"], strict=True)),
    )


def _forecast(seen: NightSeen, category: str) -> pd.DataFrame:
    """The night's forecast: base_mean is what the model says, before anybody's overrides."""
    forecast = seen.snapshot.query(
        "SELECT store_id AS store, sku, week, coalesce(base_mean, mean) AS mean, evidence, level_shape, "
        f"dispersion FROM forecasts WHERE category = {_quoted(category)} AND as_of = DATE '{seen.as_of}'"
    )
    if forecast.empty:
        known = seen.snapshot.query(
            f"SELECT DISTINCT category FROM forecasts WHERE as_of = DATE '{seen.as_of}'"
        )
        named = ", ".join(sorted(known["category"])) or "none"
        raise InSeasonError(f"No forecast of category {category!r}. Forecast categories: {named}.")
    return forecast


def _series(forecast: pd.DataFrame, books: Books) -> pd.DataFrame:
    """The forecast series with what the records say of them."""
    # The night tells the same weeks of every series.
    first = forecast[forecast["week"] == forecast["week"].min()]
    columns = ["sku", "style_id", "style_name", "category", "size", "regular_price", "unit_cost"]
    zones = books.stores[["store_id", "climate_zone"]].rename(columns={"store_id": "store"})
    shapes = first[[*_SERIES, "level_shape", "dispersion"]]
    described: pd.DataFrame = shapes.merge(books.products[columns], on="sku").merge(zones, on="store")
    return described


def _priced(series: pd.DataFrame, prices: Prices) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The series that have a price, with unit cost and salvage; and those that have none."""
    has_price = series["regular_price"] > 0
    priced = series[has_price]
    return priced.assign(
        cost_known=priced["unit_cost"].notna(),
        unit_cost=priced["unit_cost"].fillna(priced["regular_price"] * prices.usual_cost_share),
        salvage=priced["regular_price"] * prices.salvage_share,
    ), series[~has_price]


def _overridden(forecast: pd.DataFrame, series: pd.DataFrame, books: Books) -> pd.DataFrame:
    """The forecast with what people have said of it since, and without what they have taken back."""
    told = forecast[[*_SERIES, "week", "mean", "evidence"]]
    mine = books.overrides[books.overrides["category"].isin({"", *series["category"]})]
    if mine.empty:
        return told
    described = forecast[[*_SERIES, "week", "mean"]].merge(
        series[[*_SERIES, "style_id", "category", "climate_zone"]], on=_SERIES, how="left"
    )
    rows = described.rename(columns={"style_id": "style", "mean": "base_mean"})
    moved: pd.DataFrame = told.assign(mean=told["mean"].to_numpy() * factors(rows, mine))
    return moved


def _supply(seen: NightSeen, forecast: pd.DataFrame, series: pd.DataFrame) -> pd.DataFrame:
    """What is on hand and to come."""
    first_week = pd.Timestamp(forecast["week"].min()).date()
    skus = series["sku"].unique().tolist()
    coming, there = seen.coming, seen.stock
    if coming is None:
        coming = arrivals(seen.snapshot, as_of=seen.as_of, first_week=first_week, skus=skus)
    if there is None:
        there = stock_on(seen.snapshot, as_of=seen.as_of, skus=skus)
    return supply(there, coming, first_week=first_week).rename(columns={"store_id": "store"})


def _elasticity(seen: NightSeen, category: str) -> float:
    told = seen.snapshot.query(
        f"SELECT max(elasticity) AS beta FROM seasons WHERE category = {_quoted(category)} "
        f"AND as_of = DATE '{seen.as_of}'"
    )["beta"].iloc[0]
    return 0.0 if pd.isna(told) else max(float(told), 0.0)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
