"""From gap to findings: which gaps are worth a person's time, told as one row per store, style and season."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecaster.codes import EXIT_BEFORE_DEMAND_ENDS, STOCKOUT_IN_SEASON
from forecaster.errors import PanelError
from forecaster.evidence import Evidence
from forecaster.findings import FINDING_COLUMNS, GROUP, findings
from forecaster.frames import numbers, require_columns, require_unique
from forecaster.policy import RulePolicy

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

    Indices = npt.NDArray[np.intp]

ALL_YEAR = "all-year"
"""Season of what has no selling window: one live alert, not one per year."""

_WEEK = pd.Timedelta(days=7)
_DAY = pd.Timedelta(days=1)
_GAP_COLUMNS = ("week", "exit", "phase", "demand", "lost", "recoverable", "evidence")
_PRODUCT_COLUMNS = ("sku", "style", "category", "size", "color", "regular_price", "lead_time_days")


def find_gaps(
    gap: pd.DataFrame,
    products: pd.DataFrame,
    stock: pd.DataFrame,
    *,
    as_of: date,
    policy: RulePolicy | None = None,
) -> pd.DataFrame:
    """Findings of the rules ``exit_before_demand_ends`` and ``stockout_in_season``.

    The season of a finding identifies it from night to night and tells the years apart: the season_code of
    its window, followed by the year of the exit unless the code names it already (``SS26`` stays, ``swim``
    becomes ``swim-2026``); ``all-year`` without a window. Weeks whose evidence is ``unknown`` count in no
    figure of a finding.

    Args:
        gap: as returned by `forecaster.expected_gap`.
        products: sku, style, category, size, color, season_code, regular_price, lead_time_days.
        stock: store, sku, on_hand, in_transit (units); a pair without a row has none.
        as_of: last business date known.
        policy: what is worth telling; the documented defaults if None.

    Returns:
        One row per rule x store x style x season: rule, store, style, category, season_code (the season as
        above), units_lost, recoverable_units (stock the chain owns that could serve them: what is left at
        the exit, or what other stores hold beyond their own season), money_lost (at regular price),
        demand_units (what the loss is part of: the rest of the season with what comes after its exit, or
        the stockout horizon), on_hand, in_transit (of the sizes named), first_week (first week with a loss),
        horizon_ends (last day looked at for a stockout, NaT for an exit), demand_ends (last day of the last
        material week, NaT without a window: such demand does not end), exit (NaT without a window), act_by
        (the exit, or the day before the first loss less the lead time; never before tomorrow; demand_ends
        once the exit has passed), severity (high, medium, low), evidence (the weakest that carries the bulk
        of the loss), sizes (list of dicts sku, size, color, demand, on_hand, in_transit, lost, largest loss
        first) and reason (code with its figures).

    Raises:
        PanelError: a frame lacks a column, repeats a key or holds a value that cannot be worked with.
    """
    policy = policy or RulePolicy()
    today = pd.Timestamp(as_of)
    told = _told(gap, products, stock, policy)
    named = products.set_index(products["sku"].astype(str))
    found = [
        *findings(_exits(told, today, policy), named, EXIT_BEFORE_DEMAND_ENDS, today, policy),
        *findings(_stockouts(told, today, policy), named, STOCKOUT_IN_SEASON, today, policy),
    ]
    return pd.DataFrame(found, columns=list(FINDING_COLUMNS))


def season_identity(season_code: str, floor_set: pd.Timestamp | None, leaving: pd.Timestamp | None) -> str:
    """The season's name in a fingerprint: the same every night, another every year.

    Example:
        >>> season_identity("swim", pd.Timestamp("2026-02-01"), pd.Timestamp("2026-07-05"))
        'swim-2026'
        >>> season_identity("FW26", pd.Timestamp("2026-08-01"), pd.Timestamp("2027-01-31"))
        'FW26'
    """
    if floor_set is None or leaving is None:
        return season_code or ALL_YEAR
    years = {floor_set.year, leaving.year}
    named = any(str(year) in season_code or season_code.endswith(f"{year % 100:02d}") for year in years)
    return season_code if named and season_code else f"{season_code or 'season'}-{leaving.year}"


def _told(gap: pd.DataFrame, products: pd.DataFrame, stock: pd.DataFrame, policy: RulePolicy) -> pd.DataFrame:
    """Gap rows with known evidence, with their product, stock, season name and whether the week is material.

    Names become categories: everything after groups by them, and a night has millions of rows.
    """
    _check(gap, products, stock)
    known = gap[gap["evidence"] != Evidence.UNKNOWN]
    store, stores = pd.factorize(known["store"])
    sku, skus = pd.factorize(known["sku"])
    place = pd.Index(products["sku"]).get_indexer(pd.Index(skus))
    if (place < 0).any():
        problem = f"no row for {int((place < 0).sum())} skus of the gap, such as {skus[place < 0][0]!r}"
        raise PanelError("products", "sku", problem)
    product = products.iloc[place].reset_index(drop=True)
    style, styles = pd.factorize(product["style"])
    held = _held(stock, store, stores, sku, skus)
    told = pd.DataFrame(
        {
            "store": pd.Categorical.from_codes(store, stores),
            "style": pd.Categorical.from_codes(style[sku], styles),
            "season": _seasons(known),
            "sku": pd.Categorical.from_codes(sku, skus),
            "lead_time_days": product["lead_time_days"].to_numpy(dtype=np.float64)[sku],
            "regular_price": product["regular_price"].to_numpy(dtype=np.float64)[sku],
            "on_hand": held["on_hand"],
            "in_transit": held["in_transit"],
            **{name: known[name].array for name in _GAP_COLUMNS},
        }
    )
    return told.assign(material=_material(told, policy.material_week_share))


def _check(gap: pd.DataFrame, products: pd.DataFrame, stock: pd.DataFrame) -> None:
    require_columns(gap, "gap", ["store", "sku", "season_code", "floor_set", *_GAP_COLUMNS])
    require_columns(products, "products", _PRODUCT_COLUMNS)
    require_unique(products, "products", ["sku"])
    require_columns(stock, "stock", ["store", "sku", "on_hand", "in_transit"])
    require_unique(stock, "stock", ["store", "sku"])
    numbers(products, "products", "lead_time_days", low=0)


def _held(
    stock: pd.DataFrame, store: Indices, stores: pd.Index[Any], sku: Indices, skus: pd.Index[Any]
) -> dict[str, npt.NDArray[np.float64]]:
    """on_hand and in_transit of every row's store and sku, 0 where there is no record."""
    row_store = pd.Index(stores).get_indexer(pd.Index(stock["store"]))
    row_sku = pd.Index(skus).get_indexer(pd.Index(stock["sku"]))
    used = (row_store >= 0) & (row_sku >= 0)
    found = {}
    for name in ("on_hand", "in_transit"):
        table = np.zeros((len(stores), len(skus)))
        table[row_store[used], row_sku[used]] = numbers(stock, "stock", name)[used]
        found[name] = table[store, sku]
    return found


def _seasons(known: pd.DataFrame) -> pd.Categorical:
    """season_identity of every row, worked out once per season."""
    key = ["season_code", "floor_set", "exit"]
    season = known.groupby(key, sort=False, dropna=False).ngroup().to_numpy()
    each = known[key].drop_duplicates().itertuples(index=False, name=None)
    names = np.array(
        [season_identity(code, *(None if pd.isna(day) else day for day in window)) for code, *window in each],
        dtype=object,
    )
    code, distinct = pd.factorize(names)
    return pd.Categorical.from_codes(code[season], pd.Index(distinct))


def _material(told: pd.DataFrame, share: float) -> pd.Series[bool]:
    """Rows of weeks with at least ``share`` of the demand of the style's highest week in that store."""
    weekly = told.groupby(["store", "style", "week"], sort=False, observed=True)["demand"].transform("sum")
    peak = weekly.groupby([told["store"], told["style"]], sort=False, observed=True).transform("max")
    return (weekly >= share * peak) & (weekly > 0)


def _last_week(rows: pd.DataFrame) -> pd.Series[Any]:
    """First day of the last week of each store, style and season."""
    return rows.groupby(GROUP, sort=False, observed=True)["week"].max().rename("last_week")


def _exits(told: pd.DataFrame, today: pd.Timestamp, policy: RulePolicy) -> pd.DataFrame:
    """Rows of seasons whose exit is near, with what is lost in material weeks after it."""
    near = (told["exit"] <= today + policy.exit_weeks_ahead * _WEEK) & (
        told["exit"] >= today - policy.exit_weeks_after * _WEEK
    )
    after = told["phase"] == "after_exit"
    rows = told[near & ((told["phase"] == "in_season") | (after & told["material"]))].copy()
    rows.loc[rows["phase"] != "after_exit", ["lost", "recoverable"]] = 0.0
    last = _last_week(rows[rows["lost"] > 0])
    rows = rows.merge(last, on=GROUP, how="inner")
    opening = rows["exit"] + _DAY
    # Before the exit, move it; after it, put the goods back while somebody asks.
    act_by = rows["exit"].where(rows["exit"] > today, rows["last_week"] + 6 * _DAY)
    first = rows["week"].where(rows["week"] >= opening, opening)
    return rows.assign(
        horizon_ends=np.datetime64("NaT", "s"), act_by=act_by, first_loss=first.where(rows["lost"] > 0)
    )


def _stockouts(told: pd.DataFrame, today: pd.Timestamp, policy: RulePolicy) -> pd.DataFrame:
    """Rows over each sku's horizon, of sizes whose expected demand exceeds what they have and get."""
    weeks = (np.ceil(told["lead_time_days"] / 7) + 1).clip(
        policy.min_stockout_weeks, policy.max_stockout_weeks
    )
    horizon_ends = today + weeks * _WEEK
    ahead = told["week"] <= horizon_ends
    rows: pd.DataFrame = told.assign(horizon_ends=horizon_ends)[ahead & (told["phase"] == "in_season")]
    wanted = rows.groupby(["store", "sku"], sort=False, observed=True)["demand"].transform("sum")
    rows = rows.loc[wanted > rows["on_hand"] + rows["in_transit"]]
    rows = rows.merge(_last_week(told[told["material"]]), on=GROUP, how="left")
    served = rows["sku"].map(_served_share(told, rows)).astype(np.float64)
    first = rows["week"].where(rows["lost"] > 0)
    act_by = first - _DAY - pd.to_timedelta(rows["lead_time_days"], unit="D")
    return rows.assign(
        recoverable=rows["lost"] * served,
        last_week=rows["last_week"].fillna(rows["week"]),
        act_by=act_by.where(act_by > today, today + _DAY),
        first_loss=first,
    )


def _served_share(told: pd.DataFrame, claims: pd.DataFrame) -> pd.Series[float]:
    """Per sku: share of the claimed loss that stores with more than their own floor asks for could give."""
    pair = ["sku", "store"]
    held = told.groupby(pair, sort=False, observed=True)["on_hand"].first()
    floor = told[told["phase"] == "in_season"].groupby(pair, sort=False, observed=True)["demand"].sum()
    surplus = (held - floor.reindex(held.index, fill_value=0.0)).clip(lower=0.0)
    given = surplus.groupby(level="sku", observed=True).sum()
    wanted = claims.groupby("sku", sort=False, observed=True)["lost"].sum()
    return (given.reindex(wanted.index) / wanted.where(wanted > 0)).clip(upper=1.0).fillna(0.0)
