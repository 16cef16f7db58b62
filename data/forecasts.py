"""Forecasts as the last night published them: of one sku in one store, or summed over a category."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import func, select

from data.facts.store import FactsStore
from data.records import Run, RunKind, RunState
from forecaster.distribution import quantiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from data.database import Database

_PROBABILITIES: Final = (0.1, 0.5, 0.9)
_SERIES: Final = """
    SELECT week, mean, p10, p50, p90, evidence FROM forecasts
    WHERE category = {category} AND as_of = DATE '{as_of}' AND store_id = {store} AND sku = {sku}
      AND week BETWEEN DATE '{first}' AND DATE '{last}'
    ORDER BY week
"""
# What each series adds to the variance of the sum by itself, and the doubt about the season that all share.
_SUMS: Final = """
    SELECT week, sum(mean) AS mean, sum(mean * mean * own) AS own,
           sum(mean * sqrt(greatest(1 / size - own, 0))) AS doubt
    FROM (
        SELECT week, mean, size, 1 / level_shape + (1 + 1 / level_shape) / dispersion AS own FROM forecasts
        WHERE category = {category} AND as_of = DATE '{as_of}' AND store_id IN ({stores})
          AND week BETWEEN DATE '{first}' AND DATE '{last}'
    )
    GROUP BY week ORDER BY week
"""
_EVIDENCE: Final = """
    SELECT week, evidence FROM seasons
    WHERE category = {category} AND as_of = DATE '{as_of}' AND climate_zone = {zone}
      AND week BETWEEN DATE '{first}' AND DATE '{last}'
"""


@dataclass(frozen=True)
class Week:
    """Demand expected in one week, at regular price, in units: mean, quantiles, and what they rest on."""

    week: date
    mean: float
    p10: float
    p50: float
    p90: float
    evidence: str


@dataclass(frozen=True)
class Span:
    """Which forecasts: of the night `as_of`, of one category, in the weeks that begin between two days."""

    as_of: date
    category: str
    first: date
    last: date

    def fill(self, statement: str, **more: str) -> str:
        """A statement with these in it."""
        return statement.format(
            category=_quoted(self.category), as_of=self.as_of, first=self.first, last=self.last, **more
        )


def newest_night(session: Session) -> date | None:
    """The business date of the newest night that succeeded."""
    query = select(func.max(Run.business_date)).where(
        Run.kind == RunKind.NIGHT, Run.state == RunState.SUCCEEDED
    )
    return session.scalar(query)


def forecast_of(uri: str, database: Database, span: Span, *, store_id: str, sku: str) -> list[Week]:
    """The weeks of one sku in one store; none where nothing is foretold."""
    statement = span.fill(_SERIES, store=_quoted(store_id), sku=_quoted(sku))
    found = FactsStore(uri, database).snapshot().arrow(statement).to_pylist()
    return [Week(_day(row.pop("week")), **row) for row in found]


def forecast_of_category(
    uri: str, database: Database, span: Span, *, store_ids: Sequence[str], climate_zone: str
) -> list[Week]:
    """The weeks of a category, summed over its skus in some stores of one zone.

    The band is that of the sum: a negative binomial with the sum's mean and variance. Series are taken as
    independent, but for the doubt about their season, which they share: Var = sum mu + sum mu^2 own +
    (sum mu doubt)^2, where own is what `forecaster.distribution.size_of_sum` gives one week of one series.

    Args:
        uri: where the facts are.
        database: the records, which say what is published.
        span: night, category and weeks.
        store_ids: the stores, at least one.
        climate_zone: theirs, for what the forecast rests on.
    """
    snapshot = FactsStore(uri, database).snapshot()
    stores = ", ".join(_quoted(store_id) for store_id in store_ids)
    rows = snapshot.arrow(span.fill(_SUMS, stores=stores)).to_pydict()
    if not rows["week"]:
        return []
    told = snapshot.arrow(span.fill(_EVIDENCE, zone=_quoted(climate_zone))).to_pydict()
    rests_on = dict(zip(told["week"], told["evidence"], strict=True))
    mean, own, doubt = (np.asarray(rows[name], dtype=np.float64) for name in ("mean", "own", "doubt"))
    excess = own + doubt**2
    size = np.full_like(mean, np.inf)
    np.divide(mean**2, excess, out=size, where=excess > 0)
    columns = (mean, *quantiles(mean, size, _PROBABILITIES))
    return [
        Week(_day(week), mean, p10, p50, p90, rests_on.get(week, "unknown"))
        for week, (mean, p10, p50, p90) in zip(rows["week"], np.column_stack(columns).tolist(), strict=True)
    ]


def _quoted(text: str) -> str:
    """A text as SQL writes it: the query engine of the facts binds no values."""
    return "'" + text.replace("'", "''") + "'"


def _day(value: date | datetime) -> date:
    """A day, whether the engine gave a day or an instant."""
    return value.date() if isinstance(value, datetime) else value
