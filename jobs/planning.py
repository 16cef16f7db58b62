"""The markdown plans of a category, weighed on what the newest night knew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sqlalchemy import select

from data.assortment import products_frame, stores_frame
from data.errors import InSeasonError
from data.facts.store import Snapshot
from data.facts.supply import arrivals, stock_on, supply
from data.records import Run, RunKind, RunState
from data.selling_windows import calendar_frame, markdown_frame, markdown_steps, resolve
from forecaster import candidate_plans, plan_markdowns
from forecaster.plan_candidates import Span, Stay
from forecaster.plans import Markdown, Plan, Stakes
from web.rendering.words import count, listing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import numpy.typing as npt

    from data.database import Database
    from data.facts.store import FactsStore
    from forecaster import PlanReport, PlanRules

_SERIES: Final = ["store", "sku"]
_PAIR: Final = ["store_id", "style_id"]
# A week counts as demand while it has this share of the season's highest week.
_MATERIAL: Final = 0.10
_SEASON_AHEAD: Final = pd.Timedelta(weeks=40)
_HALF: Final = 0.5


@dataclass(frozen=True)
class Prices:
    """What is assumed of money where the records are silent, as shares of the regular price."""

    salvage_share: float = 0.15
    usual_cost_share: float = 0.4


@dataclass(frozen=True)
class Planned:
    """What came of a category's plans.

    `apart`: names of the stores and styles whose own window or markdowns are not those planned for.
    `notes`: what was assumed. `names`: of the stores.
    """

    category: str
    climate_zone: str | None
    as_of: date
    season_code: str
    today: Plan
    report: PlanReport
    stores: int
    apart: tuple[str, ...]
    notes: tuple[str, ...]
    names: Mapping[str, str]


@dataclass(frozen=True)
class _Facts:
    """The newest night's frames of one category: the forecaster's names, money in dollars."""

    as_of: date
    forecast: pd.DataFrame
    series: pd.DataFrame
    supply: pd.DataFrame
    windows: pd.DataFrame
    markdowns: pd.DataFrame
    elasticity: float
    substitution: float | None
    names: Mapping[str, str]
    notes: tuple[str, ...]


def plan_category(
    database: Database,
    facts: FactsStore,
    category: str,
    *,
    climate_zone: str | None,
    stakes: Stakes,
    rules: PlanRules,
    prices: Prices,
) -> Planned:
    """Weigh markdown plans for a category, of one climate zone or the chain.

    Planned is for the window and the markdowns that most of its pieces have; stores and styles with others
    stand apart.

    Raises:
        InSeasonError: no night has run, the category or zone is not known, or there is nothing to plan.
    """
    known = _read(database, facts, category, climate_zone, prices)
    rows, season_code, today, apart = _commonest(known, category)
    forecast = known.forecast.merge(rows[_SERIES], on=_SERIES)
    last = _last_material_day(forecast, today)
    plans = candidate_plans(
        today,
        as_of=known.as_of,
        rules=rules,
        span=Span(stays=_stays(forecast, rows, today, last)),
        regular_prices=rows["regular_price"].unique().tolist(),
        latest_exit=last,
    )
    report = plan_markdowns(
        forecast,
        rows,
        known.supply.merge(rows[_SERIES], on=_SERIES),
        plans,
        today=today,
        elasticity=known.elasticity,
        as_of=known.as_of,
        stakes=replace(stakes, substitution=known.substitution or 0.0),
        rules=rules,
    )
    if report.today()["stock"] <= 0:
        raise InSeasonError(
            f"Nothing of {category} is on hand or on order for season {season_code}, so no stock to plan."
        )
    stores = rows["store"].nunique()
    notes = (*known.notes, _taken_instead(known.substitution))
    return Planned(
        category,
        climate_zone,
        known.as_of,
        season_code,
        today,
        report,
        stores,
        apart,
        notes,
        known.names,
    )


def _read(
    database: Database, facts: FactsStore, category: str, climate_zone: str | None, prices: Prices
) -> _Facts:
    """Everything that the newest night knew of a category."""
    as_of, snapshot, details = _newest_night(database, facts)
    quoted = category.replace("'", "''")
    forecast = snapshot.query(
        "SELECT store_id AS store, sku, week, mean, evidence, level_shape, dispersion FROM forecasts "
        f"WHERE category = '{quoted}' AND as_of = DATE '{as_of}'"
    )
    if forecast.empty:
        known = snapshot.query(f"SELECT DISTINCT category FROM forecasts WHERE as_of = DATE '{as_of}'")
        named = listing(sorted(known["category"])) or "none"
        raise InSeasonError(f"No forecast of category {category!r}. Forecast categories are {named}.")
    with database.read() as session:
        products = products_frame(session, as_of=as_of)
        stores = stores_frame(session)
        calendar, steps = calendar_frame(session), markdown_frame(session)
    series = _series(forecast, products, stores, category, climate_zone)
    series, notes = _priced(series, prices)
    first_week = pd.Timestamp(forecast["week"].min()).date()
    coming = arrivals(snapshot, as_of=as_of, first_week=first_week)
    ranged = series[["store", "style_id", "category", "climate_zone"]].drop_duplicates()
    ranged = ranged.rename(columns={"store": "store_id"})
    elasticity = snapshot.query(
        f"SELECT max(elasticity) AS beta FROM seasons WHERE category = '{quoted}' AND as_of = DATE '{as_of}'"
    )["beta"].iloc[0]
    return _Facts(
        as_of=as_of,
        forecast=forecast[[*_SERIES, "week", "mean", "evidence"]],
        series=series,
        supply=supply(stock_on(snapshot, as_of=as_of), coming, first_week=first_week).rename(
            columns={"store_id": "store"}
        ),
        windows=resolve(calendar, ranged),
        markdowns=markdown_steps(steps, ranged),
        elasticity=0.0 if pd.isna(elasticity) else max(float(elasticity), 0.0),
        substitution=details.get("substitution", {}).get(category),
        names=dict(zip(stores["store_id"], stores["name"], strict=True)),
        notes=notes,
    )


def _taken_instead(substitution: float | None) -> str:
    if substitution is None:
        return "nobody takes another piece instead, since how many do has not been measured"
    return f"{substitution:.0%} of those turned away take another piece if there is one, as measured"


def _newest_night(database: Database, facts: FactsStore) -> tuple[date, Snapshot, Mapping[str, Any]]:
    """Business date of the newest night that succeeded, the facts as it saw them, and its details."""
    with database.read() as session:
        run = session.scalar(
            select(Run)
            .where(Run.kind == RunKind.NIGHT, Run.state == RunState.SUCCEEDED)
            .order_by(Run.business_date.desc())
            .limit(1)
        )
        if run is None or run.business_date is None:
            raise InSeasonError(
                "No night has run yet, so there is no forecast to plan on: run inseason nightly."
            )
        as_of, details = run.business_date, dict(run.details)
    now = facts.snapshot()
    return as_of, Snapshot(now.uri, {**now.versions, **details.get("inputs", {})}), details


def _series(
    forecast: pd.DataFrame, products: pd.DataFrame, stores: pd.DataFrame, category: str, zone: str | None
) -> pd.DataFrame:
    """The forecast series with what the records say of them, of one zone if asked."""
    shapes = forecast[[*_SERIES, "level_shape", "dispersion"]].drop_duplicates(_SERIES)
    described = shapes.merge(
        products[["sku", "style_id", "style_name", "category", "size", "regular_price", "unit_cost"]],
        on="sku",
    ).merge(stores[["store_id", "climate_zone"]].rename(columns={"store_id": "store"}), on="store")
    if zone is None:
        return described
    chosen = described[described["climate_zone"] == zone]
    if chosen.empty:
        zones = listing(sorted(set(described["climate_zone"]) - {""})) or "none"
        raise InSeasonError(f"No store of zone {zone!r} carries {category}. Zones that do are {zones}.")
    return chosen


def _priced(series: pd.DataFrame, prices: Prices) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Regular price, unit cost and salvage of every series that has a price; what was assumed."""
    priced = series[series["regular_price"] > 0]
    if priced.empty:
        raise InSeasonError("None of these products has a regular price, so no plan can be weighed in money.")
    notes = [f"a piece left over brings {prices.salvage_share:.0%} of its regular price"]
    if len(priced) < len(series):
        skus = count(series.loc[~(series["regular_price"] > 0), "sku"].nunique(), "sku")
        notes.append(f"{skus} without a regular price left out")
    unknown = priced["unit_cost"].isna()
    if unknown.any():
        skus = count(priced.loc[unknown, "sku"].nunique(), "sku")
        notes.append(f"{skus} without a unit cost taken to cost {prices.usual_cost_share:.0%} of the price")
    return priced.assign(
        unit_cost=priced["unit_cost"].fillna(priced["regular_price"] * prices.usual_cost_share),
        salvage=priced["regular_price"] * prices.salvage_share,
    ), tuple(notes)


def _commonest(known: _Facts, category: str) -> tuple[pd.DataFrame, str, Plan, tuple[str, ...]]:
    """The series of the plan in force for most pieces, its season, the plan, and the stores apart."""
    ahead = known.windows[known.windows["exit"] > pd.Timestamp(known.as_of)]
    first = ahead.sort_values(["exit", "floor_set"], kind="stable").drop_duplicates(_PAIR)
    if first.empty:
        raise InSeasonError(
            f"{category} has no selling window that ends after {known.as_of}: no exit or markdown to plan."
        )
    steps = known.markdowns
    cuts = steps.assign(cut=pd.Series(zip(steps["effective_from"], steps["percent_off"], strict=True)))
    own = cuts.merge(first, on=[*_PAIR, "season_code"])
    own = own[(own["effective_from"] >= own["floor_set"]) & (own["effective_from"] <= own["exit"])]
    series_cuts = own.groupby(_PAIR)["cut"].agg(tuple).rename("cuts").reset_index()
    planned = first.merge(series_cuts, on=_PAIR, how="left")
    planned["cuts"] = [cut if isinstance(cut, tuple) else () for cut in planned["cuts"]]
    rows = known.series.merge(planned.rename(columns={"store_id": "store"}), on=["store", "style_id"])
    pieces = known.supply.groupby(_SERIES, as_index=False)["units"].sum()
    rows = rows.merge(pieces, on=_SERIES, how="left").fillna({"units": 0.0})
    kind = rows.groupby(["season_code", "floor_set", "exit", "cuts"]).ngroup().to_numpy()
    # Without any stock the plan of most series is as good as another.
    weight = np.bincount(kind, rows["units"] + 1e-6)
    held = kind == int(weight.argmax())
    one = rows[held].iloc[0]
    markdowns = tuple(Markdown(start.date(), percent) for start, percent in one["cuts"])
    plan = Plan(one["floor_set"].date(), markdowns, one["exit"].date())
    return rows[held], str(one["season_code"]), plan, _apart(rows, held, known)


def _apart(rows: pd.DataFrame, held: npt.NDArray[np.bool_], known: _Facts) -> tuple[str, ...]:
    """Names of the stores of which nothing is planned for, and of the styles left out in the others."""
    here = set(rows.loc[held, "store"])
    left = rows[~held]
    stores = {known.names.get(store, store) for store in left["store"] if store not in here}
    styles = {
        name or style
        for name, style in left.loc[left["store"].isin(here), ["style_name", "style_id"]].to_numpy()
    }
    return (*sorted(stores), *sorted(styles))


def _last_material_day(forecast: pd.DataFrame, today: Plan) -> date:
    """The last day worth staying for: of the last week after the exit with a tenth of the peak's demand."""
    weekly = forecast.groupby("week")["mean"].sum()
    leaving = pd.Timestamp(today.exit)
    season = weekly[
        (weekly.index >= pd.Timestamp(today.floor_set)) & (weekly.index < leaving + _SEASON_AHEAD)
    ]
    if season.empty:
        return today.exit
    faint = season[(season.index > leaving) & (season < _MATERIAL * season.max())]
    ends = faint.index.min() if len(faint) else season.index.max() + pd.Timedelta(weeks=1)
    last: date = (ends - pd.Timedelta(days=1)).date()
    return max(today.exit, last)


def _stays(forecast: pd.DataFrame, rows: pd.DataFrame, today: Plan, last: date) -> tuple[Stay, ...]:
    """Partial extensions worth trying: the stores and the sizes with most demand after the exit, one rail."""
    after = forecast[(forecast["week"] > pd.Timestamp(today.exit)) & (forecast["week"] <= pd.Timestamp(last))]
    wanted = after.groupby(_SERIES, as_index=False)["mean"].sum().merge(rows[[*_SERIES, "size"]], on=_SERIES)
    stays = [Stay(rails=1.0)]
    for name in ("store", "size"):
        chosen = _most_of(wanted.groupby(name)["mean"].sum())
        if 0 < len(chosen) < wanted[name].nunique():
            stays.append(Stay(stores=chosen) if name == "store" else Stay(sizes=chosen))
    return tuple(stays)


def _most_of(demand: pd.Series[float]) -> frozenset[str]:
    """The fewest names that make up half of the demand."""
    ordered = demand[demand > 0].sort_values(ascending=False, kind="stable")
    before = ordered.cumsum() - ordered
    return frozenset(ordered.index[before < _HALF * ordered.sum()].astype(str))
