"""A small retailer whose true demand is known: a season, a selling window, a few stores and sizes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

AS_OF = date(2026, 6, 14)


@dataclass(frozen=True)
class Retailer:
    """Draws panels: ``peak`` is the day of the year of highest demand, ``swing`` its log amplitude."""

    n_stores: int = 4
    sizes: tuple[str, ...] = ("S", "M", "L")
    first_week: date = date(2023, 6, 12)
    peak: int = 190
    swing: float = 2.0
    rate: float = 6.0
    on_floor: tuple[int, int] = (0, 366)
    zones: tuple[str, ...] = ("south", "north")
    category: str = "swim"
    elasticity: float = 0.0
    seed: int = 7
    always_open: tuple[str, ...] = field(default=())

    def weeks(self) -> pd.DatetimeIndex:
        return pd.date_range(self.first_week, AS_OF, freq="7D", inclusive="left")

    def season(self, weeks: pd.DatetimeIndex) -> np.ndarray:
        middle = weeks.day_of_year.to_numpy() + 3
        shape = np.exp(self.swing * np.cos(2 * np.pi * (middle - self.peak) / 365.25))
        return shape / np.mean(np.exp(self.swing * np.cos(2 * np.pi * np.arange(365) / 365)))

    def panel(self, **changes: object) -> pd.DataFrame:
        if changes:
            return replace(self, **changes).panel()
        rng = np.random.default_rng(self.seed)
        weeks = self.weeks()
        open_, close = self.on_floor
        in_window = (weeks.day_of_year >= open_) & (weeks.day_of_year < close)
        parts = []
        for number in range(self.n_stores):
            store = f"store-{number}"
            shown = np.ones(len(weeks)) if store in self.always_open else in_window.astype(float)
            for size in self.sizes:
                price = (
                    np.where(rng.random(len(weeks)) < 0.2, 0.7, 1.0)
                    if self.elasticity
                    else np.ones(len(weeks))
                )
                mean = self.rate * rng.gamma(4, 0.25) * self.season(weeks) * price**-self.elasticity
                parts.append(
                    pd.DataFrame(
                        {
                            "store": store,
                            "sku": f"{self.category}-{size}",
                            "category": self.category,
                            "climate_zone": self.zones[number % len(self.zones)],
                            "week": weeks,
                            "units": rng.poisson(mean * shown).astype(float),
                            "exposure": shown,
                            "price_ratio": price,
                        }
                    )
                )
        return pd.concat(parts, ignore_index=True)


@pytest.fixture
def retailer() -> Retailer:
    return Retailer()


@pytest.fixture(scope="session")
def as_of() -> date:
    return AS_OF


@pytest.fixture(scope="session")
def next_year() -> list[date]:
    return [day.date() for day in pd.date_range("2026-06-15", periods=52, freq="7D")]
