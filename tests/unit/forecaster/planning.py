"""A category in a few stores to try markdown plans on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from forecaster import Markdown, Plan, plan_markdowns

AS_OF = date(2026, 6, 6)
FLOOR_SET = date(2026, 5, 4)
TODAY = Plan(
    FLOOR_SET, (Markdown(date(2026, 6, 15), 30.0), Markdown(date(2026, 6, 29), 50.0)), date(2026, 7, 5)
)


def summer(weeks: int = 40, peak: int = 5, height: float = 4.0) -> np.ndarray:
    """Demand of a size a week, with its peak in the middle of July."""
    return height * np.exp(-(((np.arange(weeks) - peak) / 7.0) ** 2))


@dataclass
class Category:
    """Every size in every store; `stock` pieces of each, `receipts` as (store, sku, week number, units)."""

    stores: tuple[str, ...] = ("north-1", "north-2", "south-1")
    sizes: tuple[str, ...] = ("S", "M", "L")
    mean: np.ndarray = field(default_factory=summer)
    stock: float = 20.0
    receipts: tuple[tuple[str, str, int, float], ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def weeks(self) -> pd.DatetimeIndex:
        return pd.date_range("2026-06-07", periods=len(self.mean), freq="7D")

    @property
    def series(self) -> pd.DataFrame:
        return pd.DataFrame(
            [
                {
                    "store": store,
                    "sku": f"trunk-{size}",
                    "style": "trunk",
                    "size": size,
                    "climate_zone": store.partition("-")[0],
                    "level_shape": 9.0,
                    "dispersion": 4.0,
                    "regular_price": 30.0,
                    "unit_cost": 12.0,
                    "salvage": 3.0,
                    "elasticity": 1.5,
                }
                for store in self.stores
                for size in self.sizes
            ]
        )

    @property
    def forecast(self) -> pd.DataFrame:
        weeks = pd.DataFrame({"week": self.weeks, "mean": self.mean})
        weeks["evidence"] = self.evidence or "observed"
        return self.series[["store", "sku"]].merge(weeks, how="cross")

    @property
    def supply(self) -> pd.DataFrame:
        there = self.series[["store", "sku"]].assign(week=self.weeks[0], units=self.stock)
        coming = [
            {"store": store, "sku": sku, "week": self.weeks[week], "units": units}
            for store, sku, week, units in self.receipts
        ]
        return pd.concat([there, pd.DataFrame(coming, columns=there.columns)], ignore_index=True)

    def weigh(self, *plans: Plan, today: Plan = TODAY, **options: Any):
        """The report of plans."""
        given = {"elasticity": 1.5, "as_of": AS_OF} | options
        return plan_markdowns(self.forecast, self.series, self.supply, plans, today=today, **given)
