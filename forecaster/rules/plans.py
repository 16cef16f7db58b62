"""Rules of the markdown plan: cuts that come before the peak, stock that will outlast its season."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.codes import MARKDOWN_BEFORE_PEAK, STOCK_OUTLASTS_SEASON
from forecaster.credibility import sums_by
from forecaster.evidence import STRONGEST_FIRST
from forecaster.frames import require_columns
from forecaster.rules.calendar import NO_DAY
from forecaster.rules.reading import AFTER, BEFORE, DAY, IN_SEASON, WEEK
from forecaster.rules.seasons import seasons_of

if TYPE_CHECKING:
    from forecaster.rules.reading import Reading
    from forecaster.terms import ActionTerms

TODAY: Final = "today"
LATER: Final = ("hold_markdown", "after_peak")
SOONER: Final = "advance_markdown"
LONGER: Final = "extend_exit"

_COLUMNS: Final = (
    "store", "style", "season_code", "alternative", "weeks", "floor_set", "exit", "first_markdown",
    "peak_week", "full_price_units", "leftover_units", "leftover_share", "margin_won", "customers_won",
    "leftover_less", "marked_down_before_peak",
)  # fmt: skip
_OF_BEST: Final = ["margin_won", "customers_won", "alternative", "weeks"]
_PLACE: Final = ["store", "style", "season", "floor_set", "exit"]


def plan_claims(reading: Reading, plans: pd.DataFrame | None, terms: ActionTerms) -> pd.DataFrame:
    """Seasons in which the markdown plan costs something, one row each: what is at stake, what can be won.

    Returns:
        rule, place, store, style, season, category, floor_set, exit, lost, own, margin, customers, demand,
        winnable_money, evidence, act_by, demand_ends, plan (the better alternative), plan_weeks, peak_week,
        first_markdown. Where no other plan wins anything the loss stands with nothing to be won. No row where
        `plans` is None.
    """
    if plans is None or plans.empty:
        return pd.DataFrame(columns=[*_PLACE, "rule", "place"])
    require_columns(plans, "plans", _COLUMNS)
    named = plans.assign(season=np.asarray(seasons_of(plans), dtype=object))
    told = named.merge(_wanted(reading), on=["store", "style", "season"])
    today = told[told["alternative"] == TODAY].set_index("place")
    lock = terms.price_lock_days * DAY
    parts = [_cut_too_soon(reading, told, today, lock), _left_over(reading, told, today, lock)]
    return pd.concat(parts, ignore_index=True)


def _cut_too_soon(
    reading: Reading, told: pd.DataFrame, today: pd.DataFrame, lock: pd.Timedelta
) -> pd.DataFrame:
    """A cut that takes effect by the end of the week of highest demand, where waiting earns more.

        lost = units at full price under the best later plan - units at full price under today's

    These pieces leave at a cut price, or are gone when somebody comes who would have paid in full. Where
    waiting no longer earns more, what is sold at a cut price up to the peak stands, with nothing to be won.
    Once the price file is closed nobody can wait any more: nothing is left to be told.
    """
    pair = _beside(today, told[told["alternative"].isin(LATER)], "full_price_units")
    cut, by = pair["first_markdown"], pair["first_markdown"] - lock
    near = cut <= reading.today + reading.limit("markdown_weeks_ahead", pair) * WEEK
    pair = pair[near & (cut < pair["peak_week"] + WEEK) & (by > reading.today)]
    won = pair["full_price_units_best"] - pair["full_price_units"]
    won = won.where((pair["margin_won_best"] > 0) & (won > 0), 0.0)
    return _claims(
        pair,
        MARKDOWN_BEFORE_PEAK,
        lost=won.where(won > 0, pair["marked_down_before_peak"]),
        own=won,
        customers=pair["customers_won_best"].clip(lower=0.0),
        act_by=by[pair.index],
        demand_ends=pair["peak_week"] + WEEK - DAY,
        phase=IN_SEASON,
    )


def _left_over(reading: Reading, told: pd.DataFrame, today: pd.DataFrame, lock: pd.Timedelta) -> pd.DataFrame:
    """Stock that nobody will have bought even if it hung until demand ends.

        lost = units left over under the plan that leaves least among today's and the later exits
        own  = of these, what the best sooner cut would sell, where it earns more than today's plan

    What sells once it may stay is the business of the exit.
    """
    kept = told[told["alternative"].isin((TODAY, LONGER))].groupby("place")["leftover_units"].min()
    sooner = told[told["alternative"] == SOONER]
    pair = _beside(today, sooner, "leftover_less", "first_markdown")
    lost = kept.reindex(pair.index)
    near = pair["exit"] <= reading.today + reading.limit("exit_weeks_ahead", pair) * WEEK
    much = reading.limit("min_leftover_share", pair) * reading.limit("keep_share", pair)
    share = pair["leftover_share"] * lost / pair["leftover_units"].where(pair["leftover_units"] > 0)
    told_of = near & (share >= much)
    pair, lost, share = pair[told_of], lost[told_of], share[told_of]
    helps = (pair["margin_won_best"] > 0) & (share >= reading.limit("min_leftover_share", pair))
    by = pair["first_markdown_best"] - lock
    return _claims(
        pair,
        STOCK_OUTLASTS_SEASON,
        lost=lost,
        own=pair["leftover_less_best"].where(helps, 0.0),
        customers=lost * 0.0,
        act_by=by.where(by > reading.today, reading.today + DAY).where(helps),
        demand_ends=pair["exit"],
        phase=AFTER,
    )


def _beside(today: pd.DataFrame, others: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Today's plans beside the best of the others, which earns most; blank where there is none."""
    order = others.sort_values("margin_won", ascending=False, kind="stable")
    best = order.drop_duplicates("place").set_index("place")
    told = today.join(best[[*columns, *_OF_BEST]].add_suffix("_best"))
    return told.fillna({"margin_won_best": 0.0, "customers_won_best": 0.0})


def _claims(pair: pd.DataFrame, rule: str, **columns: Any) -> pd.DataFrame:
    """One row per season with something at stake, in the columns that findings are made of."""
    phase = columns.pop("phase")
    lost = columns["lost"].clip(lower=0.0)
    own = columns.pop("own").fillna(0.0).clip(lower=0.0)
    own = own.where(own < lost, lost)
    won = pair["margin_won_best"].clip(lower=0.0).where(own > 0, 0.0)
    price = pair["price"].fillna(0.0)
    rows = pair.assign(**columns).assign(
        rule=rule,
        lost=lost,
        money=lost * price,
        margin=won,
        customers_won=pair["customers_won_best"],
        winnable=own,
        winnable_money=won,
        own=own,
        sent=0.0,
        recoverable_units=own,
        reorderable_units=0.0,
        next_buy_units=lost - own,
        before_units=lost * (phase == BEFORE),
        in_season_units=lost * (phase == IN_SEASON),
        after_units=lost * (phase == AFTER),
        plan=pair["alternative_best"],
        plan_weeks=pair["weeks_best"],
        first_week=pair["first_markdown"],
        horizon_ends=NO_DAY,
        priced=True,
    )
    told: pd.DataFrame = rows[lost > 0].reset_index()
    return told


def _wanted(reading: Reading) -> pd.DataFrame:
    """What is wanted on the floor and after it of each store, style and season, and how sure that is."""
    rows = reading.rows[reading.rows["phase"] != BEFORE]
    n = int(reading.rows["place"].max()) + 1 if len(reading.rows) else 0
    place, demand = rows["place"].to_numpy(), rows["demand"].to_numpy()
    by_label = [
        sums_by(place, np.where(rows["evidence"] == rank, demand, 0.0), n)
        for rank in range(len(STRONGEST_FIRST))
    ]
    so_far = np.cumsum(by_label, axis=0)
    first = rows.drop_duplicates("place").set_index("place")
    value = sums_by(place, demand * np.nan_to_num(rows["price"].to_numpy()), n)[first.index]
    total = so_far[-1][first.index]
    return pd.DataFrame(
        {
            "place": first.index,
            **{name: first[name].astype("str").array for name in ("store", "style", "season")},
            "category": first["category"].array,
            "demand": total,
            "price": np.divide(value, total, out=np.zeros_like(value), where=total > 0),
            "evidence": (so_far > so_far[-1] / 2).argmax(axis=0)[first.index],
            "demand_ends": first["demand_ends"].array,
        }
    )
