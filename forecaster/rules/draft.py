"""The rules of the calendar on a draft of it, while every date can still be moved."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.codes import FLOOR_SET_AFTER_DEMAND_STARTS
from forecaster.findings import no_findings, together
from forecaster.frames import days, require_columns
from forecaster.gap import expected_gap
from forecaster.impact import with_remedies
from forecaster.plan_alternatives import DEFAULT_ALTERNATIVES, compare_plans
from forecaster.policy import Policies, RulePolicy
from forecaster.rules.calendar import exits, floor_sets
from forecaster.rules.plans import LATER, plan_claims
from forecaster.rules.reading import DAY, IN_SEASON, read
from forecaster.rules.situation import Situation
from forecaster.rules.summing import findings, plan_findings, worth_looking
from forecaster.terms import ActionTerms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from forecaster.rules.reading import Reading

DRAFT: Final = "draft"
PREFIX: Final = "draft:"
"""What the season of a finding begins with when a draft would cause it."""

_YEAR_WEEKS: Final = 52
_AFTER_EXIT_WEEKS: Final = 26
HORIZON_WEEKS: Final = 104


@dataclass(frozen=True, kw_only=True)
class DraftCalendar:
    """A draft of the calendar, and what is known of the demand it is made for.

    Attributes:
        as_of: last business date known.
        forecast: store, sku, week, mean (units), evidence, level_shape, dispersion; a year of weeks or more.
        windows: store, sku, season_code, floor_set, exit, and status (``current`` or ``draft``; without it
            all are drafts). Give current windows too: they tell whose demand the weeks before a draft are.
        markdowns: store, sku, season_code, effective_from, percent_off: the draft's price cuts, if any.
        elasticity: by category: demand moves with price ratio ** -elasticity (others as at full price).
        products, stores, substitution, policies, terms: as in `Situation`.
    """

    as_of: date
    forecast: pd.DataFrame
    windows: pd.DataFrame
    products: pd.DataFrame
    stores: pd.DataFrame
    markdowns: pd.DataFrame | None = None
    elasticity: Mapping[str, float] = field(default_factory=dict)
    substitution: float | Mapping[str, float] = 0.0
    policies: Policies = field(default_factory=Policies)
    terms: ActionTerms = field(default_factory=ActionTerms)


def check_calendar(calendar: DraftCalendar) -> pd.DataFrame:
    """What a draft calendar would turn away: exits too early, floor-sets too late, cuts before the peak.

    Nothing has been bought for a draft yet, so no stock is counted: what an order placed now can serve is
    ``reorderable``, what it comes too late for ``next_buy``; an unknown lead time is taken to be short
    enough. A price cut is weighed as if just what is wanted in the window had been bought; whether stock
    outlasts the season is not asked before there is any. The forecast's last year is repeated for the weeks
    after it: a year as this one. A date can be moved until ``set_lock_days`` before it (a price cut,
    ``price_lock_days``); one that is locked is not told.

    Args:
        calendar: the draft and its demand.

    Returns:
        `FINDING_COLUMNS`, with season_code ``draft:<season>`` and act_by the floor-set or exit less the lock.

    Raises:
        PanelError: a frame lacks a column, repeats a key or holds a value that cannot be worked with.
    """
    windows = _with_status(calendar.windows)
    drafts = windows[windows["status"] == DRAFT]
    if drafts.empty:
        return no_findings()
    forecast = _years_on(calendar, drafts)
    series = forecast[["store", "sku", "level_shape", "dispersion"]].drop_duplicates(["store", "sku"])
    nothing = forecast[["store", "sku", "week"]].iloc[:0].assign(units=0.0)
    gap = expected_gap(forecast, series, nothing, windows, as_of=calendar.as_of)
    held = forecast[["store", "sku"]].drop_duplicates().iloc[:0].assign(on_hand=0.0, in_transit=0.0)
    situation = Situation(
        as_of=calendar.as_of,
        gap=gap.merge(drafts[["store", "sku", "season_code", "floor_set", "exit"]].drop_duplicates()),
        products=calendar.products.fillna({"lead_time_days": 0.0}),
        stock=held,
        stores=calendar.stores,
        substitution=calendar.substitution,
        policies=_far(calendar.policies),
        terms=calendar.terms,
    )
    reading = read(situation)
    zones = situation.zone_of
    parts = [_told(reading, zones, calendar.terms), _cuts(reading, zones, calendar, forecast, drafts)]
    found = together(parts)
    figures: list[Any] = [{**told, "draft": True} for told in found["figures"]]
    return found.assign(
        season_code=PREFIX + found["season_code"].astype("str"),
        figures=figures,
    )


def _told(reading: Reading, zones: Mapping[str, str], terms: ActionTerms) -> pd.DataFrame:
    """Exits and floor-sets."""
    claims = pd.concat([exits(reading, terms), floor_sets(reading, terms)], ignore_index=True)
    nothing = pd.DataFrame({"store": [], "sku": [], "spare": []})
    claims = with_remedies(worth_looking(claims, reading), reading, nothing, transit_days=terms.transit_days)
    found = findings(claims, reading, zones, transit_days=terms.transit_days)
    moved = found["floor_set"].where(found["rule"] == FLOOR_SET_AFTER_DEMAND_STARTS, found["exit"])
    act_by = pd.to_datetime(moved) - terms.set_lock_days * DAY
    return found.assign(act_by=act_by)[(act_by > reading.today) & ~found["weak"].astype(bool)]


def _cuts(
    reading: Reading,
    zones: Mapping[str, str],
    calendar: DraftCalendar,
    forecast: pd.DataFrame,
    drafts: pd.DataFrame,
) -> pd.DataFrame:
    """Price cuts that take effect by the week of highest demand, of a buy of just what the window wants."""
    if calendar.markdowns is None or calendar.markdowns.empty:
        return no_findings()
    rows = reading.rows
    bought = rows[rows["phase"] == IN_SEASON].groupby("pair").agg(
        store=("store", "first"), sku=("sku", "first"), week=("week", "min"), units=("demand", "sum")
    ).astype({"store": "str", "sku": "str"})  # fmt: skip
    plans = compare_plans(
        forecast,
        _priced(forecast, calendar),
        bought,
        drafts,
        calendar.markdowns,
        as_of=calendar.as_of,
        alternatives=[each for each in DEFAULT_ALTERNATIVES if str(each.kind) in LATER],
        lock_days=calendar.terms.price_lock_days,
    )
    claims = plan_claims(reading, plans, calendar.terms)
    found = plan_findings(claims, reading, zones)
    return found[~found["weak"].astype(bool)]


def _priced(forecast: pd.DataFrame, calendar: DraftCalendar) -> pd.DataFrame:
    """The series that have a price, with cost, salvage and elasticity."""
    terms = calendar.terms
    product = calendar.products[calendar.products["regular_price"] > 0]
    price = product["regular_price"].astype(float)
    cost = product["unit_cost"].astype(float) if "unit_cost" in product.columns else price * np.nan
    told = product[["sku", "style"]].assign(
        regular_price=price,
        unit_cost=cost.fillna(price * terms.usual_cost_share),
        salvage=price * terms.salvage_share,
        elasticity=product["category"].map(dict(calendar.elasticity)).fillna(0.0).astype(float),
    )
    series = forecast[["store", "sku", "level_shape", "dispersion"]].drop_duplicates(["store", "sku"])
    return series.merge(told, on="sku")


def _with_status(windows: pd.DataFrame) -> pd.DataFrame:
    require_columns(windows, "windows", ["store", "sku", "season_code", "floor_set", "exit"])
    return windows if "status" in windows.columns else windows.assign(status=DRAFT)


def _far(policies: Policies) -> Policies:
    """The same thresholds, with every date in sight."""

    def far(policy: RulePolicy) -> RulePolicy:
        return replace(
            policy,
            exit_weeks_ahead=HORIZON_WEEKS,
            floor_set_weeks_ahead=HORIZON_WEEKS,
            markdown_weeks_ahead=HORIZON_WEEKS,
        )

    return Policies(far(policies.default), {name: far(own) for name, own in policies.by_category.items()})


def _years_on(calendar: DraftCalendar, drafts: pd.DataFrame) -> pd.DataFrame:
    """The forecast of the drafts' series, its last year repeated until demand after the last exit is over."""
    columns = ["store", "sku", "week", "mean", "evidence", "level_shape", "dispersion"]
    require_columns(calendar.forecast, "forecast", columns)
    asked = calendar.forecast[columns].merge(drafts[["store", "sku"]].drop_duplicates())
    week = days(asked, "forecast", "week").astype("datetime64[s]")
    asked = asked.assign(week=week)
    last = asked["week"].max()
    until = pd.to_datetime(drafts["exit"]).max() + pd.Timedelta(weeks=_AFTER_EXIT_WEEKS)
    year = pd.Timedelta(weeks=_YEAR_WEEKS)
    repeats = int(np.ceil(max(0, (until - last) / year)))
    newest = asked[asked["week"] > last - year]
    later = [newest.assign(week=newest["week"] + (n + 1) * year) for n in range(min(repeats, 2))]
    ahead: Any = pd.concat([asked, *later], ignore_index=True)
    return pd.DataFrame(ahead[ahead["week"] <= until])
