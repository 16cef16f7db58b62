"""A night told by hand: a few weeks of one style, so that every figure can be worked out on paper."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecaster import Policies, RulePolicy, Situation, expected_gap, find_alerts

AS_OF = date(2026, 6, 14)
"""A Sunday; the weeks of these tests begin on Mondays."""

WINDOW = ("swim", "2026-02-02", "2026-07-05")


@dataclass(frozen=True)
class Shelf:
    """One sku in one store: demand, loss and stock of each week, in the order of its phases.

    `before`, `season`, `after`: units wanted in the weeks of each phase; the first week of the first phase is
    the one after AS_OF. `lost`, `available`, `recoverable`: of all weeks together; by default what is off the
    floor is lost, nothing is there.
    """

    sku: str = "swim-M"
    store: str = "s1"
    before: tuple[float, ...] = ()
    season: tuple[float, ...] = ()
    after: tuple[float, ...] = ()
    lost: tuple[float, ...] | None = None
    available: tuple[float, ...] | None = None
    recoverable: tuple[float, ...] | None = None
    evidence: str = "observed"
    window: tuple[str, str, str] | None = WINDOW

    def rows(self) -> pd.DataFrame:
        demand = np.array([*self.before, *self.season, *self.after], dtype=float)
        phase = ["before_floor_set"] * len(self.before) + ["in_season"] * len(self.season)
        phase += ["after_exit"] * len(self.after)
        code, opens, closes = self.window or ("", None, None)
        nothing = np.zeros_like(demand)
        on_floor = np.array([each == "in_season" for each in phase])
        return pd.DataFrame(
            {
                "store": self.store,
                "sku": self.sku,
                "week": pd.date_range("2026-06-15", periods=len(demand), freq="7D").as_unit("s"),
                "season_code": code,
                "floor_set": pd.Timestamp(opens) if opens else pd.NaT,
                "exit": pd.Timestamp(closes) if closes else pd.NaT,
                "phase": phase,
                "demand": demand,
                "lost": np.where(on_floor, 0.0, demand) if self.lost is None else np.array(self.lost),
                "available": nothing if self.available is None else np.array(self.available),
                "recoverable": nothing if self.recoverable is None else np.array(self.recoverable),
                "evidence": self.evidence,
            }
        ).astype({"floor_set": "datetime64[s]", "exit": "datetime64[s]"})


def product(sku: str, **changes: object) -> dict[str, object]:
    style, size = sku.split("-")
    return {
        "sku": sku, "style": style, "category": "swimwear", "size": size, "color": "navy",
        "regular_price": 20.0, "unit_cost": 8.0, "lead_time_days": 21.0, "buy_type": "one_buy",
    } | changes  # fmt: skip


def store(name: str, **changes: object) -> dict[str, object]:
    return {"store": name, "climate_zone": "south", "kind": "store", "closed_on": pd.NaT} | changes


@dataclass(frozen=True)
class Night:
    """Shelves, what stands on them, and what else the night knows; `held` is on_hand by (store, sku)."""

    shelves: tuple[Shelf, ...]
    held: dict[tuple[str, str], float] = field(default_factory=dict)
    products: dict[str, object] = field(default_factory=dict)
    stores: tuple[dict[str, object], ...] = ()
    policy: RulePolicy = field(default_factory=RulePolicy)
    more: dict[str, object] = field(default_factory=dict)

    def situation(self) -> Situation:
        pairs = {(shelf.store, shelf.sku): 0.0 for shelf in self.shelves} | self.held
        skus = sorted({sku for _, sku in pairs})
        names = sorted({name for name, _ in pairs} - {row["store"] for row in self.stores})
        stores = pd.DataFrame([*self.stores, *(store(name) for name in names)])
        return Situation(
            as_of=AS_OF,
            gap=pd.concat([shelf.rows() for shelf in self.shelves], ignore_index=True),
            products=pd.DataFrame([product(sku, **self.products) for sku in skus]),
            stock=pd.DataFrame(
                [(*key, units, 0.0) for key, units in pairs.items()],
                columns=["store", "sku", "on_hand", "in_transit"],
            ),
            stores=stores.astype({"closed_on": "datetime64[s]"}),
            policies=Policies(self.policy),
            **self.more,
        )

    def findings(self) -> pd.DataFrame:
        """What somebody is told; weak findings only keep what is open."""
        found = self.weak_or_not()
        return found[~found["weak"].astype(bool)].reset_index(drop=True)

    def weak_or_not(self) -> pd.DataFrame:
        return find_alerts(self.situation())

    def only(self) -> pd.Series:
        found = self.findings()
        assert len(found) == 1, found[["rule", "store", "style", "units_lost"]].to_string()
        return found.iloc[0]

    def but(self, **changes: object) -> Night:
        return replace(self, **changes)


@pytest.fixture
def shelf():
    return Shelf


@pytest.fixture
def night():
    return Night


@pytest.fixture
def leaving():
    """The worked example of `exit_before_demand_ends`: twelve wanted after the exit, four left at it."""
    shelf = Shelf(
        season=(6.0, 6.0, 5.0), after=(5.0, 4.0, 3.0, 0.2), available=(21.0, 15.0, 9.0, 4.0, 4.0, 4.0, 4.0),
        recoverable=(0, 0, 0, 4.0, 0, 0, 0),
    )  # fmt: skip
    return Night((shelf,), held={("s1", "swim-M"): 21.0}, products={"lead_time_days": 35.0})


@pytest.fixture
def year():
    """A whole year through `expected_gap`: a season's course, stock, a window, as one Situation."""

    def situation(
        *,
        course="summer",
        rate=8.0,
        on_hand=50.0,
        window=WINDOW,
        as_of=AS_OF,
        evidence="observed",
        stores=("s1",),
        policy=None,
        products=None,
    ):
        first = pd.Timestamp(as_of) + pd.Timedelta(days=1)
        weeks = pd.date_range(first, periods=52, freq="7D")
        peak = {"summer": 195, "winter": 12}[course]
        shape = np.exp(2 * (np.cos(2 * np.pi * (weeks.day_of_year - peak) / 365) - 1))
        pairs = pd.DataFrame(
            [(name, f"swim-{size}", share) for name in stores
             for size, share in {"S": 0.5, "M": 1.0, "L": 2.0}.items()],
            columns=["store", "sku", "share"],
        )  # fmt: skip
        forecast = pairs.merge(pd.DataFrame({"week": weeks.as_unit("s"), "shape": shape}), how="cross")
        forecast = forecast.assign(
            mean=rate * forecast["share"] * forecast["shape"],
            evidence=evidence,
            level_shape=8.0,
            dispersion=4.0,
        )
        held = on_hand if isinstance(on_hand, dict) else dict.fromkeys(stores, on_hand)
        stock = pairs[["store", "sku"]].assign(on_hand=pairs["store"].map(held), in_transit=0.0)
        supply = stock.assign(week=first, units=stock["on_hand"])
        code, opens, closes = window or ("", None, None)
        windows = pairs[["store", "sku"]].assign(
            season_code=code, floor_set=pd.Timestamp(opens), exit=pd.Timestamp(closes)
        )
        series = forecast[["store", "sku", "level_shape", "dispersion"]].drop_duplicates(["store", "sku"])
        gap = expected_gap(forecast, series, supply, windows if window else windows.iloc[:0], as_of=as_of)
        return Situation(
            as_of=as_of,
            gap=gap,
            products=pd.DataFrame([product(sku, **(products or {})) for sku in pairs["sku"].unique()]),
            stock=stock,
            stores=pd.DataFrame([store(name) for name in stores]).astype({"closed_on": "datetime64[s]"}),
            forecast=forecast,
            policies=Policies(policy or RulePolicy()),
        )

    return situation
