"""What a night knows when it looks for alerts: plain frames, and the thresholds in force."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from forecaster.policy import Policies
from forecaster.terms import ActionTerms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Situation:
    """One night, as the rules see it. Where a frame is None, the rules that need it are silent.

    Attributes:
        as_of: last business date known.
        gap: as `forecaster.expected_gap` returns it.
        products: sku, style, category, size, color, regular_price (NaN = unknown), lead_time_days (NaN =
            unknown, so that no order can be counted on); used when there: unit_cost, buy_type, gender_age.
        stock: store, sku, on_hand, in_transit (units), distribution centres among them; a pair without a row
            has none, and a store without any row does not count its stock.
        stores: store, climate_zone, kind (``dc`` for a distribution centre), closed_on (NaT = open).
        forecast: store, sku, week, mean (units), level_shape, dispersion.
        plans: today's plan beside the best, as `forecaster.compare_plans` returns it.
        phantoms: store, sku, first_week, last_week, weeks, expected (units that should have sold): runs in
            which stock was on the books and the model cannot believe that nobody bought.
        asked: key, words, store, units, asks, first_on, last_on: what customers asked for and their store
            does not carry, those who meant the same thing together.
        requests: store, sku, units, last_on: what customers asked for and did not find of what the store
            carries, in the last ``asked_weeks`` weeks.
        newest_days: feed, store ('' = the feed of the whole chain), last_day: the newest day that has come
            in, of every feed and store, late or not.
        substitution: share of those who do not find theirs who look for another of the same need; one for
            all, or by category.
        minimums: store, style, presentation_minimum: what a giver keeps for show.
        terms: how long a transfer takes, when prices and sets are locked, what a giver keeps.
        policies: thresholds in force.
    """

    as_of: date
    gap: pd.DataFrame
    products: pd.DataFrame
    stock: pd.DataFrame
    stores: pd.DataFrame
    forecast: pd.DataFrame | None = None
    plans: pd.DataFrame | None = None
    phantoms: pd.DataFrame | None = None
    asked: pd.DataFrame | None = None
    requests: pd.DataFrame | None = None
    newest_days: pd.DataFrame | None = None
    substitution: float | Mapping[str, float] = 0.0
    minimums: pd.DataFrame | None = None
    terms: ActionTerms = field(default_factory=ActionTerms)
    policies: Policies = field(default_factory=Policies)

    @property
    def zone_of(self) -> dict[str, str]:
        """Climate zone by store."""
        return dict(
            zip(self.stores["store"].astype("str"), self.stores["climate_zone"].astype("str"), strict=True)
        )
