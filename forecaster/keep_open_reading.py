"""What a keep-open test has told: the demand of a dark season, how surely, and which weeks are now seen."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.dark_ratio import Counts, RatioEstimate, estimate_ratio
from forecaster.evidence import Evidence
from forecaster.frames import days, numbers, require_columns, require_unique

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

    from forecaster.keep_open import KeepOpenTest

    Floats = npt.NDArray[np.float64]

FEWEST_READ = 2
"""One store tells of itself."""

REGULAR_PRICE = 0.9
"""Weeks sold below this share of the regular price say what a markdown moves, not what customers want."""

_ENOUGH, _OPEN, _ALL_SOLD, _ON_SHELF = 0.5, 0.05, 0.9, 0.5


class Verdict(StrEnum):
    """Whether customers wanted the category in its dark weeks."""

    THERE = "demand_is_there"
    NOT_THERE = "demand_is_not"
    CANNOT_TELL = "cannot_tell_yet"


@dataclass(frozen=True)
class KeepOpenReading:
    """What a test has told.

    Attributes:
        category: its code.
        verdict: and
        reason: ``code:key=value;...``. Codes: ``interval`` (the ratio's, against what is worthwhile),
            ``sold_out`` (what was sold before stock ran out is enough), ``no_design``, ``read_too_early``,
            ``not_open``, ``marked_down``, ``stock_ran_out``.
        ratio: the chain's dark demand over the forecast, trading level taken out; nan where nothing was read.
        low, high: its 80% interval.
        standard_error: of its log.
        by_store: store, control, climate_zone, planned (units forecast for the dark weeks, at the store's
            trading level), open_share (of it, what was on the shelf), units (sold), expected (of what was on
            the shelf), ratio (units over expected), cut_share (of planned, what was on the shelf below
            regular price and is left out), status (``read``, ``marked_down``, ``sold_out``, ``stock_gone``,
            ``not_open``).
        evidence: category, climate_zone, week, evidence: ``observed`` where a test store of the zone had it
            on the shelf, ``borrowed`` in the other zones of that week. Weeks nobody saw keep their label.
    """

    category: str
    verdict: Verdict
    reason: str
    ratio: float
    low: float
    high: float
    standard_error: float
    by_store: pd.DataFrame = field(compare=False, repr=False)
    evidence: pd.DataFrame = field(compare=False, repr=False)


def read_keep_open_test(
    test: KeepOpenTest, panel: pd.DataFrame, *, as_of: date, worthwhile: float = 0.5
) -> KeepOpenReading:
    """Read a test from the sales of its stores and their controls (`dark_ratio.estimate_ratio`).

    Sales are held against the forecast the test was designed on, never a later one that has learnt from them,
    thinned by exposure: a store that sold out or opened late counts for the weeks it had stock. Weeks below
    regular price are left out. The verdict waits for ``reads_on``: who looks every day stops at chance.

    Args:
        test: as designed.
        panel: store, sku, category, week, units, exposure, price_ratio (1 where absent).
        as_of: last business date known.
        worthwhile: ratio of dark demand to forecast from which staying open would have paid.

    Returns:
        The reading.

    Raises:
        PanelError: the panel lacks a column, repeats a row or holds a value that cannot be worked with.
    """
    if not test.stores or test.reads_on is None:
        nothing = RatioEstimate(math.nan, 0.0, math.inf, math.inf, np.zeros(0))
        verdict = Verdict.CANNOT_TELL, f"no_design:{test.reason}"
        return _reading(test, nothing, verdict, pd.DataFrame(), pd.DataFrame())
    sold = _sold(test, panel, as_of)
    tests = list(test.stores)
    controls = [control for _, control in test.controls]
    dark = _totals(sold[sold["dark"]], tests)
    seen = _totals(_together(sold[~sold["dark"]], test), [*tests, *controls])
    planned = _by_store(test.forecast[test.forecast["dark"]], "mean", test)
    read = np.flatnonzero(dark.expected > _OPEN * planned)
    estimate = _estimate(test, seen, dark, read)
    cut = _by_store(sold[sold["dark"]], "cut", test)
    table = _store_table(test, dark, planned, cut, _levels(estimate, read, len(tests)))
    verdict = _verdict(test, table, estimate, as_of, worthwhile)
    return _reading(test, estimate, verdict, table, _evidence(test, sold))


def _sold(test: KeepOpenTest, panel: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The test's forecast rows of weeks that have ended, with units sold and units expected on the shelf."""
    require_columns(panel, "panel", ["store", "sku", "category", "week", "units", "exposure"])
    rows = panel[((panel["category"].astype(str) == test.category) & _concerned(test, panel)).to_numpy()]
    exposure = numbers(rows, "panel", "exposure", low=0, high=1)
    price = numbers(rows, "panel", "price_ratio", low=0) if "price_ratio" in rows else np.ones(len(rows))
    regular = price >= REGULAR_PRICE
    counted = (exposure > 0) & regular
    given = rows[["store", "sku"]].astype(str).assign(
        week=days(rows, "panel", "week"),
        units=np.where(counted, numbers(rows, "panel", "units", low=0), 0.0),
        exposure=np.where(counted, exposure, 0.0),
        cut=np.where(regular, 0.0, exposure),
    )  # fmt: skip
    require_unique(given, "panel", ["store", "sku", "week"])
    keys = [name for name in ("store", "sku", "week") if name in test.forecast.columns]
    if "sku" not in keys:
        given = given.groupby(keys, as_index=False).agg({"units": "sum", "exposure": "mean", "cut": "mean"})
    ended = test.forecast["week"] + pd.Timedelta(days=6) <= pd.Timestamp(as_of)
    sold = test.forecast[ended].merge(given[[*keys, "units", "exposure", "cut"]], on=keys, how="left")
    sold = sold.fillna({"units": 0.0, "exposure": 0.0, "cut": 0.0})
    return sold.assign(expected=sold["mean"] * sold["exposure"], cut=sold["mean"] * sold["cut"])


def _concerned(test: KeepOpenTest, panel: pd.DataFrame) -> pd.Series[bool]:
    """Rows of test stores and controls."""
    return panel["store"].astype(str).isin({name for pair in test.controls for name in pair})


def _together(seen: pd.DataFrame, test: KeepOpenTest) -> pd.DataFrame:
    """Rows of weeks in which both stores of a pair had the category on the shelf."""
    pair_of = {name: place for place, pair in enumerate(test.controls) for name in pair}
    pair = seen["store"].map(pair_of)
    open_stores = seen["store"].where(seen["exposure"] > 0)
    both = open_stores.groupby([pair, seen["week"]]).transform("nunique")
    return seen[(both == len(("test", "control"))).to_numpy()]


def _totals(sold: pd.DataFrame, stores: list[str]) -> Counts:
    """Sums over the weeks of each store."""
    weekly = sold.groupby(["store", "week"])[["units", "expected"]].sum()
    squared = (weekly["expected"] ** 2).groupby("store").sum().reindex(stores, fill_value=0.0).to_numpy()
    total = weekly.groupby("store").sum().reindex(stores, fill_value=0.0)
    expected = total["expected"].to_numpy(dtype=np.float64)
    share = np.divide(squared, expected**2, out=np.zeros_like(expected), where=expected > 0)
    return Counts(total["units"].to_numpy(dtype=np.float64), expected, share)


def _estimate(test: KeepOpenTest, seen: Counts, dark: Counts, read: npt.NDArray[np.intp]) -> RatioEstimate:
    """The ratio told by the stores that were open."""
    if len(read) < FEWEST_READ:
        return RatioEstimate(math.nan, 0.0, math.inf, math.inf, np.ones(2 * len(read)))
    both = np.concatenate([read, read + len(test.stores)])
    return estimate_ratio(test.link.of(read), seen.of(both), dark.of(read), test.noise)


def _by_store(rows: pd.DataFrame, column: str, test: KeepOpenTest) -> Floats:
    """Sums over the rows of each test store, (n,)."""
    total = rows.groupby("store")[column].sum().reindex(list(test.stores), fill_value=0.0)
    return np.asarray(total, dtype=np.float64)


def _levels(estimate: RatioEstimate, read: npt.NDArray[np.intp], n: int) -> Floats:
    """Trading level of each test store, (n,); 1 where it was not read."""
    level = np.ones(n)
    level[read] = estimate.level[: len(read)]
    return level


def _store_table(
    test: KeepOpenTest, dark: Counts, planned: Floats, cut: Floats, level: Floats
) -> pd.DataFrame:
    """What each test store told."""
    share, cut_share = _quotient(dark.expected, planned), _quotient(cut, planned)
    expected = dark.expected * level
    wanted = _by_store(test.shipments, "units", test)
    kinds = {
        "read": share >= _ENOUGH,
        "marked_down": share + cut_share >= _ENOUGH,
        "not_open": share <= _OPEN,
        "sold_out": dark.units >= _ALL_SOLD * wanted,
    }
    return pd.DataFrame(
        {
            "store": list(test.stores),
            "control": [control for _, control in test.controls],
            "climate_zone": [test.zones[store] for store in test.stores],
            "planned": planned * level,
            "open_share": share,
            "units": dark.units,
            "expected": expected,
            "ratio": _quotient(dark.units, expected),
            "cut_share": cut_share,
            "status": np.select(list(kinds.values()), list(kinds), "stock_gone"),
        }
    )


def _quotient(above: Floats, below: Floats) -> Floats:
    """Quotients, nan where there is nothing below."""
    return np.asarray(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0))


def _verdict(
    test: KeepOpenTest, table: pd.DataFrame, estimate: RatioEstimate, as_of: date, worthwhile: float
) -> tuple[Verdict, str]:
    """The verdict and its reason."""
    # On the morning of that day the last business date known is the day before.
    if test.reads_on is not None and as_of < test.reads_on - timedelta(days=1):
        return Verdict.CANNOT_TELL, f"read_too_early:reads_on={test.reads_on}"
    planned = table["planned"].sum()
    seen, sold = table["expected"].sum() / planned, table["units"].sum() / planned
    if seen < _ENOUGH and sold >= worthwhile:
        return Verdict.THERE, f"sold_out:sold={sold:.2f};worthwhile={worthwhile:.2f}"
    if missing := _what_is_missing(table, seen):
        return Verdict.CANNOT_TELL, missing
    figures = f"interval:low={estimate.low:.2f};high={estimate.high:.2f};worthwhile={worthwhile:.2f}"
    if estimate.low >= worthwhile:
        return Verdict.THERE, figures
    return (Verdict.NOT_THERE if estimate.high <= worthwhile else Verdict.CANNOT_TELL), figures


def _what_is_missing(table: pd.DataFrame, seen: float) -> str:
    """Why the stores cannot be read, '' where they can."""
    short = f"open_share={seen:.2f};needed={_ENOUGH:.2f}"
    shut = int((table["open_share"] <= _OPEN).sum())
    cut = (table["cut_share"] * table["planned"]).sum() / table["planned"].sum()
    if seen < _ENOUGH <= seen + cut:
        return f"marked_down:{short}"
    if len(table) - shut < FEWEST_READ:
        return f"not_open:stores={shut}"
    return f"stock_ran_out:{short}" if seen < _ENOUGH else ""


def _evidence(test: KeepOpenTest, sold: pd.DataFrame) -> pd.DataFrame:
    """Labels of every zone in the weeks in which some test store had the category on the shelf."""
    dark = sold[sold["dark"]]
    shown = dark.assign(zone=dark["store"].map(test.zones)).pivot_table(
        index="zone", columns="week", values="exposure", aggfunc="sum"
    )
    observed = shown.reindex(sorted(set(test.zones.values()))).fillna(0.0) >= _ON_SHELF
    observed = observed.loc[:, observed.any(axis=0)]
    zones, weeks = observed.shape
    label = np.where(observed.to_numpy(), str(Evidence.OBSERVED), str(Evidence.BORROWED))
    return pd.DataFrame(
        {
            "category": test.category,
            "climate_zone": np.repeat(observed.index.to_numpy(), weeks),
            "week": np.tile(observed.columns.to_numpy(), zones),
            "evidence": label.ravel(),
        }
    )


def _reading(
    test: KeepOpenTest,
    estimate: RatioEstimate,
    verdict: tuple[Verdict, str],
    table: pd.DataFrame,
    evidence: pd.DataFrame,
) -> KeepOpenReading:
    """The reading's parts put together."""
    return KeepOpenReading(
        category=test.category,
        verdict=verdict[0],
        reason=verdict[1],
        ratio=estimate.ratio,
        low=estimate.low,
        high=estimate.high,
        standard_error=estimate.standard_error,
        by_store=table,
        evidence=evidence,
    )
