"""What a change of the forecast would do, and how well the forecast then did with it and without."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sqlalchemy import select

from data.overrides import SCOPES, factors, overrides_in_force
from data.records import Measure, OverrideEffect, Product, Run, RunKind, RunState, Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from data.facts.store import Snapshot
    from data.records import ForecastOverride

# A shelf tells what customers wanted when it was full for about the whole week.
_IN_STOCK: Final = 0.9
_WEEK: Final = timedelta(weeks=1)
_FRAME: Final = ("override_id", "category", *SCOPES, "first_week", "last_week")


@dataclass(frozen=True)
class WeekForetold:
    """Units foretold of what a change names: by the model, as it counts now, and with the change."""

    week: date
    model: float
    now: float
    after: float


@dataclass(frozen=True)
class Foretold:
    """The same for all its weeks that the newest night looks ahead to; `as_of` is that night's date."""

    as_of: date
    weeks: tuple[WeekForetold, ...]
    shelves: int

    @property
    def now(self) -> float:
        """Units of all its weeks as they count now."""
        return sum(week.now for week in self.weeks)

    @property
    def after(self) -> float:
        """Units of all its weeks with the change."""
        return sum(week.after for week in self.weeks)


def foretold(session: Session, snapshot: Snapshot, made: ForecastOverride) -> Foretold | None:
    """What a change that is not saved yet would make of the newest night's forecast; None before any night.

    Args:
        session: a session that reads.
        snapshot: the facts.
        made: the change, as `data.overrides.checked` gives it.
    """
    as_of = session.scalar(_nights().order_by(Run.business_date.desc()).limit(1))
    if as_of is None:
        return None
    rows = _described(session, _forecasts(snapshot, made.category, as_of, made.first_week, made.last_week))
    counted = overrides_in_force(session)
    mine = _as_frame(made).assign(override_id=counted["override_id"].max() + 1 if len(counted) else 1)
    both = pd.concat([counted, mine], ignore_index=True) if len(counted) else mine
    named = _named(rows, made)
    told = rows.assign(
        now=rows["base_mean"] * factors(rows, counted), after=rows["base_mean"] * factors(rows, both)
    )[named]
    sums = told.groupby("week")[["base_mean", "now", "after"]].sum()
    return Foretold(
        as_of,
        tuple(
            WeekForetold(week.date(), float(model), float(now), float(after))
            for week, model, now, after in sums.itertuples()
        ),
        len(told[["store_id", "sku"]].drop_duplicates()),
    )


def effect(
    session: Session, snapshot: Snapshot, made: ForecastOverride, *, as_of: date
) -> OverrideEffect | None:
    """How far off the forecast was with a change and without it, in its weeks that have passed.

    Each week is judged by the last night before it, over the shelves that were full for about the whole week:

        error = sum_w |sum_i e m rho^-beta - sum_i y| / sum_w sum_i y

    with the mean m as that night told it, or as the model alone had it.

    Args:
        session: a session that reads.
        snapshot: the facts.
        made: the change.
        as_of: last business date known.

    Returns:
        The effect, not saved; None while none of its weeks has passed.
    """
    nights = sorted(session.scalars(_nights().where(Run.business_date < as_of)))
    passed = [(week, _night_before(nights, week)) for week in _weeks(made, as_of)]
    counted = [(week, night) for week, night in passed if night is not None and _counts(made, night)]
    if not counted:
        return None
    sums = [
        sums
        for week, night in counted
        if (sums := _week_sums(session, snapshot, made, week, night))["rows"] > 0
    ]
    sold = np.array([row["sold"] for row in sums])
    errors = {}
    for name in ("with", "without"):
        told = np.array([row[name] for row in sums])
        errors[name] = float(np.abs(told - sold).sum() / sold.sum()) if sold.sum() > 0 else None
    return OverrideEffect(
        override_id=made.override_id,
        measured_on=as_of,
        passed=len(counted),
        weeks=len(sums),
        sold=float(sold.sum()),
        foretold_with=float(sum(row["with"] for row in sums)),
        foretold_without=float(sum(row["without"] for row in sums)),
        error_with=errors["with"],
        error_without=errors["without"],
    )


def weeks_passed(made: ForecastOverride, as_of: date) -> int:
    """How many of a change's weeks are over."""
    return len(_weeks(made, as_of))


def _weeks(made: ForecastOverride, as_of: date) -> list[date]:
    number = (made.last_week - made.first_week) // _WEEK + 1
    weeks = (made.first_week + place * _WEEK for place in range(number))
    return [week for week in weeks if week + timedelta(days=6) <= as_of]


def _counts(made: ForecastOverride, night: date) -> bool:
    """Whether the night of a business date knew the change."""
    morning = night + timedelta(days=1)
    return made.made_on <= morning and (made.withdrawn_on is None or made.withdrawn_on > morning)


def _night_before(nights: Sequence[date], week: date) -> date | None:
    """The last night that spoke before a week began."""
    return max((night for night in nights if night < week), default=None)


def _week_sums(
    session: Session, snapshot: Snapshot, made: ForecastOverride, week: date, night: date
) -> dict[str, float]:
    """Units sold in a week on full shelves, and foretold of them with the change and without."""
    rows = _described(session, _forecasts(snapshot, made.category, night, week, week))
    quoted = _quoted(made.category)
    shown = snapshot.query(
        "SELECT store_id, sku, units, exposure, price_ratio FROM panel "
        f"WHERE category = {quoted} AND week = DATE '{week}' AND exposure >= {_IN_STOCK}"
    )
    elasticity = snapshot.query(
        f"SELECT max(elasticity) AS beta FROM seasons WHERE category = {quoted} AND as_of = DATE '{night}'"
    )["beta"].iloc[0]
    beta = 0.0 if pd.isna(elasticity) else max(float(elasticity), 0.0)
    both = rows[_named(rows, made)].merge(shown, on=["store_id", "sku"])
    bought = both["exposure"] * both["price_ratio"].clip(lower=0.05) ** -beta
    return {
        "rows": float(len(both)),
        "sold": float(both["units"].sum()),
        "with": float((both["mean"] * bought).sum()),
        "without": float((both["base_mean"] * bought).sum()),
    }


def _nights() -> Select[Any]:
    """A query over the business dates of the nights that succeeded."""
    return select(Run.business_date).where(Run.kind == RunKind.NIGHT, Run.state == RunState.SUCCEEDED)


def _forecasts(snapshot: Snapshot, category: str, night: date, first: date, last: date) -> pd.DataFrame:
    return snapshot.query(
        "SELECT store_id, sku, category, week, mean, coalesce(base_mean, mean) AS base_mean FROM forecasts "
        f"WHERE category = {_quoted(category)} AND as_of = DATE '{night}' "
        f"AND week BETWEEN DATE '{first}' AND DATE '{last}'"
    )


def _described(session: Session, rows: pd.DataFrame) -> pd.DataFrame:
    """Forecast rows with the climate zone of their store and the style of their sku."""
    zones = dict(session.execute(select(Store.store_id, Store.climate_zone)).all())
    category = rows["category"].iloc[0] if len(rows) else ""
    styles = dict(
        session.execute(select(Product.sku, Product.style_id).where(Product.category == category)).all()
    )
    return rows.assign(
        climate_zone=rows["store_id"].map(zones).fillna(""), style_id=rows["sku"].map(styles).fillna("")
    )


def _named(rows: pd.DataFrame, made: ForecastOverride) -> pd.Series[bool]:
    """Which rows a change speaks of."""
    named = pd.Series(data=True, index=rows.index)
    for name in SCOPES:
        if getattr(made, name):
            named &= rows[name] == getattr(made, name)
    return named


def _as_frame(made: ForecastOverride) -> pd.DataFrame:
    """A change that is not saved as `overrides_in_force` gives those that are."""
    times = made.measure is Measure.FACTOR
    row = {name: getattr(made, name) for name in _FRAME} | {
        "author": made.author,
        "reason": made.reason,
        "factor": made.amount if times else np.nan,
        "units_a_week": np.nan if times else made.amount,
    }
    frame = pd.DataFrame([row])
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in ("first_week", "last_week")})


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
