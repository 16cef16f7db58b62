"""A category's season by week: what customers want, what is and was sold, and at which price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.distribution import quantiles
from forecaster.plan_rolling import stock_ahead

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from data.planning.board import Board
    from data.planning.reading import Books, NightSeen

    Row = Mapping[Any, Any]

_BAND: Final = (0.1, 0.9)
_YEAR: Final = timedelta(weeks=52)
_WEEK: Final = timedelta(weeks=1)
_DAY: Final = timedelta(days=1)
_BEFORE, _AFTER, _LEAD = timedelta(weeks=8), timedelta(weeks=10), timedelta(weeks=4)
_LATELY: Final = 4
"""Weeks that tell how fast it sells now."""


@dataclass(frozen=True)
class SeasonWeeks:
    """The weeks of a category in some stores, added up, by their first days.

    `past`: sales, full_price, revenue (money, at the regular prices of now), paid (units times price ratio),
    on_hand, stores (that sold any); in order, none left out. `ahead`: demand, p10, p90, evidence.
    """

    past: Mapping[date, Row]
    ahead: Mapping[date, Row]
    as_of: date

    def shown(self, board: Board) -> list[dict[str, Any]]:
        """The weeks around a board's season: what `PlanSheet.details["weeks"]` holds, week as a date.

        Of weeks that have passed the demand is that of the same weeks of the coming year. `on_hand` of weeks
        ahead is what the board's plan leaves at their start, of weeks past what was counted at their end.
        """
        first = min(self.ahead)
        opens = min(board.today.floor_set - _BEFORE, self.as_of - _LEAD)
        ends = max(board.today.exit, board.last_day) + _AFTER
        back = min(max(-(-(first - opens).days // 7), 0), 52)
        n = min(-(-(ends - first).days // 7), len(self.ahead))
        left = stock_ahead(board.numbers.shelves, board.today, elasticity=board.numbers.elasticity)
        past = [self._past(first - place * _WEEK, board) for place in range(back, 0, -1)]
        return past + [
            self._ahead(first + place * _WEEK, board, float(units)) for place, units in enumerate(left[:n])
        ]

    def last_year(self, first_day: date, last_day: date) -> dict[str, Any] | None:
        """What the same days a year ago sold, by the weeks that they lie in; None where that is not known."""
        begin, end = first_day - _YEAR, last_day - _YEAR
        if not self.past or min(self.past) > begin or end < begin:
            return None
        rows = [row for week, row in self.past.items() if begin - _WEEK < week <= end]
        units, full, revenue, store_weeks = (
            sum(row[name] for row in rows) for name in ("sales", "full_price", "revenue", "stores")
        )
        return {
            "first_day": begin.isoformat(),
            "last_day": end.isoformat(),
            "units": round(units, 1),
            "full_price_units": round(full, 1),
            "markdown_units": round(units - full, 1),
            "revenue": round(revenue, 2),
            "stores": int(max((row["stores"] for row in rows), default=0)),
            "rate_of_sale": round(units / store_weeks, 4) if store_weeks else None,
        }

    def lately(self, stores: int) -> dict[str, float | None]:
        """How fast it sells now, by the last weeks: rate_of_sale, a store and week; weeks_of_supply."""
        rows = list(self.past.values())[-_LATELY:]
        if not rows or stores == 0:
            return {"rate_of_sale": None, "weeks_of_supply": None}
        a_week = sum(row["sales"] for row in rows) / len(rows)
        there = _number(rows[-1], "on_hand")
        return {
            "rate_of_sale": round(a_week / stores, 4),
            "weeks_of_supply": round(there / a_week, 1) if a_week > 0 and there is not None else None,
        }

    def _past(self, week: date, board: Board) -> dict[str, Any]:
        now, coming = self.past.get(week), self.ahead.get(week + _YEAR)
        started = week + 6 * _DAY >= board.today.floor_set
        return {
            "week": week,
            "demand": _number(coming, "demand"),
            "p10": None,
            "p90": None,
            "sales": _number(now, "sales"),
            "sales_last_year": _number(self.past.get(week - _YEAR), "sales"),
            "price_ratio": _ratio(now) if started else None,
            "on_hand": _number(now, "on_hand"),
            "evidence": "observed" if now and now["sales"] > 0 else _word(coming),
        }

    def _ahead(self, week: date, board: Board, left: float) -> dict[str, Any]:
        row = self.ahead[week]
        on_floor = board.today.floor_set <= week + 6 * _DAY and week <= board.today.exit
        return {
            "week": week,
            **{name: _number(row, name) for name in ("demand", "p10", "p90")},
            "sales": None,
            "sales_last_year": _number(self.past.get(week - _YEAR), "sales"),
            "price_ratio": _planned(board, week) if on_floor else None,
            "on_hand": round(left, 1) if np.isfinite(left) else None,
            "evidence": _word(row),
        }


def read_by_store(seen: NightSeen, books: Books, category: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The category's weeks by store: the past (`_past_statement`) and what is ahead (`_ahead_statement`)."""
    quoted = "'" + category.replace("'", "''") + "'"
    prices = books.products[["sku", "regular_price"]].fillna({"regular_price": 0.0}).to_numpy().tolist()
    return (
        seen.snapshot.query(_past_statement(quoted, seen.as_of, prices)),
        seen.snapshot.query(_ahead_statement(quoted, seen.as_of)),
    )


def season_weeks(
    past: pd.DataFrame, ahead: pd.DataFrame, stores: Collection[str], as_of: date
) -> SeasonWeeks:
    """The weeks of some stores, added up.

    The band is that of a sum of skus: a negative binomial with the sum's mean and variance. They are taken as
    independent, but for the doubt about their season, which they share.
    """
    mine = past[past["store"].isin(stores)]
    sold = mine.assign(stores=(mine["sales"] > 0).astype("float64")).drop(columns="store")
    by_week = sold.groupby("week").sum(min_count=1)
    if len(by_week):
        # A week of which no store tells anything sold nothing.
        weeks = pd.DatetimeIndex(by_week.index)
        by_week = by_week.set_axis(weeks).reindex(pd.date_range(weeks.min(), weeks.max(), freq="7D"))
        by_week = by_week.fillna({name: 0.0 for name in by_week.columns if name != "on_hand"})
    coming = ahead[ahead["store"].isin(stores)]
    weekly = coming.groupby("week")[["demand", "own", "doubt"]].sum()
    excess = weekly["own"] + weekly["doubt"] ** 2
    size = (weekly["demand"] ** 2 / excess.where(excess > 0)).fillna(np.inf)
    low, high = quantiles(weekly["demand"].to_numpy(), size.to_numpy(), _BAND)
    by_word = coming.groupby(["week", "evidence"])["demand"].sum().reset_index()
    word = by_word.sort_values("demand").drop_duplicates("week", keep="last").set_index("week")["evidence"]
    told = weekly[["demand"]].assign(p10=low, p90=high, evidence=word.reindex(weekly.index))
    return SeasonWeeks(_by_day(by_week), _by_day(told), as_of)


def _by_day(frame: pd.DataFrame) -> dict[date, Row]:
    rows = frame.sort_index()
    return {day.date(): row for day, row in zip(rows.index, rows.to_dict("records"), strict=True)}


def _past_statement(category: str, as_of: date, prices: list[list[Any]]) -> str:
    """Week by week what a store sold of it in the last two years."""
    listed = ", ".join(f"('{sku.replace(chr(39), 2 * chr(39))}', {price!r})" for sku, price in prices)
    return f"""
        WITH price (sku, regular) AS (VALUES {listed or "('', 0.0)"})
        SELECT store_id AS store, week, sum(units) AS sales,
               sum(CASE WHEN price_ratio >= 0.995 THEN units ELSE 0 END) AS full_price,
               sum(units * price_ratio * coalesce(regular, 0)) AS revenue,
               sum(units * price_ratio) AS paid, sum(on_hand) AS on_hand
        FROM panel LEFT JOIN price ON panel.sku = price.sku
        WHERE category = {category} AND week > DATE '{as_of - 2 * _YEAR}' AND week <= DATE '{as_of}'
        GROUP BY store_id, week
    """


def _ahead_statement(category: str, as_of: date) -> str:
    """Demand of the weeks ahead in a store, and what its variance is made of."""
    own = "(1 / level_shape + (1 + 1 / level_shape) / dispersion)"
    return f"""
        SELECT store_id AS store, week, max(evidence) AS evidence, sum(mean) AS demand,
               sum(mean * mean * {own}) AS own, sum(mean * sqrt(greatest(1 / size - {own}, 0))) AS doubt
        FROM forecasts WHERE category = {category} AND as_of = DATE '{as_of}'
        GROUP BY store_id, week
    """


def _planned(board: Board, week: date) -> float:
    """The mean of the planned price ratios over a week's days on the floor."""
    days = [week + place * _DAY for place in range(7)]
    open_days = [day for day in days if board.today.floor_set <= day <= board.today.exit]
    return round(1.0 - sum(board.today.percent_off(day) for day in open_days) / len(open_days) / 100.0, 4)


def _ratio(row: Row | None) -> float | None:
    """Price paid over regular price, of what was sold."""
    if row is None or not row["sales"] > 0:
        return None
    return round(float(row["paid"] / row["sales"]), 4)


def _number(row: Row | None, name: str) -> float | None:
    if row is None or not np.isfinite(row[name]):
        return None
    return round(float(row[name]), 1)


def _word(row: Row | None) -> str | None:
    return None if row is None else str(row["evidence"])
