"""A night as the numbers see it: every frame that rules, plans and actions are given, each made once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

import pandas as pd

from data.facts.requests import asked_in_vain, lately_asked
from data.facts.supply import arrivals, last_stocked, newest_days, stock_on, supply
from data.policies import policies_in_force
from data.promises import coming_units, promised_units
from data.records import DecisionState, Run, WindowStatus
from data.selling_windows import calendar_frame, markdown_steps, resolve
from forecaster import (
    DraftCalendar,
    Situation,
    check_calendar,
    compare_plans,
    effort_of_findings,
    expected_gap,
    find_alerts,
    group_findings,
    plan_moves,
    propose_actions,
)
from forecaster.codes import EXIT_BEFORE_DEMAND_ENDS
from forecaster.effort import (
    EFFORT_COLUMNS,
    chance_ahead,
    customer_effort,
    mean_effort,
    shelf_chance,
    wanted_now,
)
from forecaster.findings import ZONE, no_findings
from forecaster.rules.muting import muted_stores
from forecaster.substitution import DEFAULT_SHARE
from forecaster.terms import ActionTerms
from forecaster.transfers import stock_after

if TYPE_CHECKING:
    from datetime import date

    from forecaster import Moves, Policies
    from jobs.tonight import Night

_SERIES: Final = ["store", "sku"]


@dataclass(frozen=True)
class Outlook:
    """What is wanted, there, coming and planned, as known that night; frames with the forecaster's names.

    Needs the night's forecasts published. `terms` are what acting costs.
    """

    night: Night
    terms: ActionTerms = field(default_factory=ActionTerms)

    @cached_property
    def forecast(self) -> pd.DataFrame:
        """store, sku, week, mean, base_mean (the model's own), evidence, size, level_shape, dispersion."""
        day = self.night.business_date.isoformat()
        return self.night.snapshot.query(
            "SELECT store_id AS store, sku, week, mean, base_mean, evidence, size, level_shape, dispersion "
            f"FROM forecasts WHERE as_of = DATE '{day}'"
        )

    @cached_property
    def series(self) -> pd.DataFrame:
        """store, sku, style, level_shape, dispersion, regular_price, unit_cost, salvage, elasticity."""
        shapes = self.forecast[[*_SERIES, "level_shape", "dispersion"]].drop_duplicates(_SERIES)
        columns = ["sku", "style", "category", "regular_price", "unit_cost"]
        described = shapes.merge(self.products[columns], on="sku")
        usual_cost = described["regular_price"] * self.terms.usual_cost_share
        elasticity = described["category"].map(self.elasticity).fillna(0.0)
        return described.assign(
            unit_cost=described["unit_cost"].fillna(usual_cost),
            salvage=described["regular_price"] * self.terms.salvage_share,
            elasticity=elasticity,
        )

    @cached_property
    def products(self) -> pd.DataFrame:
        """The assortment, `style_id` as style."""
        return self.night.trade.products.rename(columns={"style_id": "style"})

    @cached_property
    def stores(self) -> pd.DataFrame:
        """Every place that holds stock, distribution centres among them."""
        return self.night.places.rename(columns={"store_id": "store"})

    @cached_property
    def counted(self) -> pd.DataFrame:
        """store_id, sku, on_hand, in_transit, counted_on: the stock as the stores' books have it."""
        return stock_on(self.night.snapshot, as_of=self.night.business_date)

    @cached_property
    def stock(self) -> pd.DataFrame:
        """store, sku, on_hand, in_transit: the same, without what is promised to other stores."""
        with self.night.service.database.read() as session:
            promised = promised_units(session, as_of=self.night.business_date)
        stock = _as_series(self.counted).merge(promised, on=_SERIES, how="left")
        left = (stock["on_hand"] - stock["units"].fillna(0)).clip(lower=0)
        return stock.assign(on_hand=left.astype("int64")).drop(columns="units")

    @cached_property
    def supply(self) -> pd.DataFrame:
        """store, sku, week, units: what is there and what arrives, from suppliers and from other stores."""
        coming = arrivals(
            self.night.snapshot, as_of=self.night.business_date, first_week=self.night.first_week
        )
        there = self.stock.rename(columns={"store": "store_id"})
        bought = _as_series(supply(there, coming, first_week=self.night.first_week))
        both = pd.concat([bought, self._sent()], ignore_index=True)
        return both.groupby([*_SERIES, "week"])["units"].sum().reset_index()

    def _sent(self) -> pd.DataFrame:
        """What other stores have agreed to send, by the week in which it arrives."""
        with self.night.service.database.read() as session:
            coming = coming_units(session, as_of=self.night.business_date)
        agreed = coming[coming["state"] != DecisionState.REQUESTED].merge(
            self.stock[[*_SERIES, "in_transit"]], on=_SERIES, how="left"
        )
        # Books that tell of goods in transit have what was shipped in them already.
        told = (agreed["state"] == DecisionState.SHIPPED) & (agreed["in_transit"].fillna(0) > 0)
        start = pd.Timestamp(self.night.first_week)
        weeks = ((agreed["arrives_on"] - start).dt.days // 7).clip(lower=0).fillna(1)
        week = (start + pd.to_timedelta(weeks * 7, unit="D")).astype("datetime64[us]")
        return agreed.assign(week=week)[~told][[*_SERIES, "week", "units"]]

    @cached_property
    def ranged(self) -> pd.DataFrame:
        """store_id, sku, style_id, category, climate_zone of the series on offer."""
        return self.night.carried[["store_id", "sku", "style_id", "category", "climate_zone"]]

    @cached_property
    def windows(self) -> pd.DataFrame:
        """store, sku, season_code, floor_set, exit: the calendar in force."""
        return self.windows_of(self.night.trade.calendar)

    def windows_of(self, calendar: pd.DataFrame) -> pd.DataFrame:
        """The same of any calendar, as `data.selling_windows.calendar_frame` gives it."""
        pairs = self.ranged[["store_id", "sku", "style_id"]]
        return _as_series(pairs.merge(resolve(calendar, self.ranged)))[
            [*_SERIES, "season_code", "floor_set", "exit"]
        ]

    @cached_property
    def markdowns(self) -> pd.DataFrame:
        """store, sku, season_code, effective_from, percent_off: the cuts that are planned."""
        steps = markdown_steps(self.night.trade.markdowns, self.ranged)
        pairs = self.ranged[["store_id", "sku", "style_id"]]
        return _as_series(pairs.merge(steps, on=["store_id", "style_id"]))[
            [*_SERIES, "season_code", "effective_from", "percent_off"]
        ]

    @cached_property
    def elasticity(self) -> dict[str, float]:
        """By category."""
        told = self.night.snapshot.query(
            "SELECT category, max(elasticity) AS elasticity FROM seasons "
            f"WHERE as_of = DATE '{self.night.business_date.isoformat()}' GROUP BY category"
        )
        return {str(row["category"]): float(row["elasticity"]) for row in told.to_dict("records")}

    @cached_property
    def gap(self) -> pd.DataFrame:
        """Demand held against the calendar and the stock, as `forecaster.expected_gap` tells it."""
        return expected_gap(
            self.forecast[[*_SERIES, "week", "mean", "evidence"]],
            self.series[[*_SERIES, "level_shape", "dispersion"]],
            self.supply,
            self.windows,
            as_of=self.night.business_date,
        )

    @cached_property
    def plans(self) -> pd.DataFrame:
        """Today's plan of every store and style beside others, as `forecaster.compare_plans` tells it."""
        priced = self.series[self.series["regular_price"].notna()]
        return compare_plans(
            self.forecast[[*_SERIES, "week", "mean", "evidence"]].merge(priced[_SERIES]),
            priced.drop(columns="category"),
            self.supply,
            self.windows,
            self.markdowns,
            as_of=self.night.business_date,
            lock_days=self.terms.price_lock_days,
        )

    @cached_property
    def phantoms(self) -> pd.DataFrame:
        """store, sku, first_week, last_week, weeks, expected: shelves whose stock nobody believes."""
        return self.night.snapshot.query(
            "SELECT store_id AS store, sku, first_week, last_week, weeks, expected FROM phantoms "
            f"WHERE as_of = DATE '{self.night.business_date.isoformat()}'"
        )

    @property
    def doubted(self) -> pd.DataFrame:
        """store, sku of the shelves on which nothing sells."""
        return self.phantoms[_SERIES].drop_duplicates()

    @cached_property
    def newest_days(self) -> pd.DataFrame:
        """feed, store, last_day of every store that trades and has ever sent figures.

        A day without sales leaves no row, so a store counts among those whose sales are awaited only when it
        is silent for longer than it has been in the year before.
        """
        newest = newest_days(self.night.snapshot, as_of=self.night.business_date)
        newest = newest[newest["store_id"].isin(self.night.trading["store_id"])]
        silent = (pd.Timestamp(self.night.business_date) - newest["newest"]).dt.days
        usual = (newest["feed"] == "sales") & (silent > 0) & (silent <= newest["longest_gap"])
        awaited: pd.DataFrame = newest[~usual]
        return awaited.rename(columns={"store_id": "store", "newest": "last_day"})

    @cached_property
    def asked(self) -> pd.DataFrame:
        """What customers asked for lately and their store does not carry, grouped by their words."""
        had = last_stocked(self.night.snapshot, as_of=self.night.business_date)[["store_id", "sku"]]
        return asked_in_vain(
            self.night.snapshot,
            self.night.trade.products,
            pd.concat([had, self.night.carried[["store_id", "sku"]]], ignore_index=True),
            first_on=self._asked_from,
            as_of=self.night.business_date,
            wordings=self.night.wordings,
        )

    @cached_property
    def requests(self) -> pd.DataFrame:
        """store, sku, units, last_on: what customers asked for lately of what their store carries."""
        return lately_asked(
            self.night.snapshot,
            self.night.trade.products,
            self.night.carried,
            first_on=self._asked_from,
            as_of=self.night.business_date,
            wordings=self.night.wordings,
        )

    @property
    def _asked_from(self) -> date:
        return self.night.business_date - timedelta(weeks=self.policies.default.asked_weeks)

    @cached_property
    def minimums(self) -> pd.DataFrame:
        """store, style, presentation_minimum."""
        return self.night.trade.presentation.rename(columns={"store_id": "store", "style_id": "style"})

    @cached_property
    def substitution(self) -> dict[str, float]:
        """Share of customers who take another style, by category, as the night measured it."""
        with self.night.service.database.read() as session:
            measured: dict[str, float] = session.get_one(Run, self.night.run_id).details.get(
                "substitution", {}
            )
        categories = self.products["category"].unique()
        return {str(name): measured.get(str(name), DEFAULT_SHARE) for name in categories}

    @cached_property
    def policies(self) -> Policies:
        """The thresholds in force."""
        with self.night.service.database.read() as session:
            return policies_in_force(session)

    @cached_property
    def situation(self) -> Situation:
        """All of it, as the rules take it."""
        return Situation(
            as_of=self.night.business_date,
            gap=self.gap,
            products=self.products,
            stock=self.stock,
            stores=self.stores,
            forecast=self.forecast,
            plans=self.plans,
            phantoms=self.phantoms,
            asked=self.asked,
            requests=self.requests,
            newest_days=self.newest_days,
            minimums=self.minimums,
            substitution=self.substitution,
            policies=self.policies,
            terms=self.terms,
        )

    @cached_property
    def silent_stores(self) -> dict[str, str]:
        """Stores of which nothing may be concluded tonight, with the reason."""
        return muted_stores(self.situation)

    def checked(self, drafts: pd.DataFrame, around: pd.DataFrame | None = None) -> pd.DataFrame:
        """What a draft calendar would turn away, as `forecaster.check_calendar` tells it.

        Args:
            drafts: windows as `data.selling_windows.calendar_frame` gives them.
            around: the windows before and after them, alike; the calendar in force if None. Seasons that
                have a draft are left out of it.
        """
        if drafts.empty:
            return no_findings()
        known = self.night.trade.calendar if around is None else around
        season = ["category", "season_code"]
        drafted = pd.MultiIndex.from_frame(known[season]).isin(pd.MultiIndex.from_frame(drafts[season]))
        windows = pd.concat(
            [
                self.windows_of(drafts).assign(status=str(WindowStatus.DRAFT)),
                self.windows_of(known[~drafted]).assign(status=str(WindowStatus.CURRENT)),
            ],
            ignore_index=True,
        )
        return check_calendar(
            DraftCalendar(
                as_of=self.night.business_date,
                forecast=self.forecast,
                windows=windows,
                products=self.products,
                stores=self.stores,
                markdowns=self.markdowns,
                elasticity=self.elasticity,
                substitution=self.substitution,
                policies=self.policies,
                terms=self.terms,
            )
        )

    @cached_property
    def found(self) -> pd.DataFrame:
        """What is worth telling, of stores and of zones, as `forecaster.group_findings` gives it."""
        with self.night.service.database.read() as session:
            drafts = calendar_frame(session, WindowStatus.DRAFT)
        now, later = group_findings(find_alerts(self.situation)), group_findings(self.checked(drafts))
        # A draft is the merchandiser's: what its stores would miss is told in the zone's line.
        parts = [part for part in (now, later[later["scope"] == ZONE]) if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else now

    @cached_property
    def moves(self) -> Moves:
        """What other places could send to those that the findings speak of."""
        return plan_moves(
            self.found,
            self.gap,
            self.series,
            self.stock,
            self.products,
            self.stores,
            as_of=self.night.business_date,
            terms=self.terms,
            minimums=self.minimums,
            late_stores=list(self.silent_stores),
            doubted=self.doubted,
        )

    @cached_property
    def effort(self) -> pd.DataFrame:
        """Per finding, by its position: stores, miles, found now, and with _after once the moves are made.

        An exit turns away those who come after it, so theirs is the effort of the weeks ahead; no move of
        goods changes that.
        """
        moved = stock_after(self.stock, self.moves.lines)
        there, after = self._effort(self._on_shelf(self.stock)), self._effort(self._on_shelf(moved))
        told = there.join(after.add_suffix("_after"))
        leaving = (self.found["rule"] == EXIT_BEFORE_DEMAND_ENDS).to_numpy()
        told[leaving] = self._effort(chance_ahead(self.gap))[leaving].reindex(columns=told.columns)
        return told

    def _effort(self, chance: pd.DataFrame) -> pd.DataFrame:
        """Stores, miles and found of every finding, in order; NaN where nobody goes anywhere."""
        told = effort_of_findings(self.found, self.gap, chance, self.products, self.open)
        by_finding = told.set_index("finding")[list(EFFORT_COLUMNS)]
        return by_finding.reindex(range(len(self.found)))

    @cached_property
    def effort_of_stores(self) -> pd.DataFrame:
        """How far those go who come this week: store ('' = the chain), demand, stores, miles, found."""
        chance = self._on_shelf(self.stock)
        rows = customer_effort(wanted_now(self.gap), chance, self.products, self.open).dropna(subset="stores")
        return pd.concat(
            [mean_effort(rows, ["store"]), mean_effort(rows, []).assign(store="")], ignore_index=True
        )

    @property
    def open(self) -> pd.DataFrame:
        """The stores that have not closed for good, and the distribution centres."""
        closed = self.stores["closed_on"] <= pd.Timestamp(self.night.business_date)
        return self.stores[~closed]

    def _on_shelf(self, stock: pd.DataFrame) -> pd.DataFrame:
        return shelf_chance(stock, self.gap)

    @cached_property
    def actions(self) -> pd.DataFrame:
        """What can be done about the findings, as `forecaster.propose_actions` tells it."""
        return propose_actions(
            self.found,
            self.moves,
            self.gap,
            self.series,
            self.products,
            as_of=self.night.business_date,
            terms=self.terms,
            plans=self.plans,
        )


def _as_series(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns={"store_id": "store"})
