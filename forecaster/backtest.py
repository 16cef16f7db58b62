"""The model played again at earlier dates, on what was known then, and scored on what came after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from forecaster.calendar_shares import Windows, phase_shares
from forecaster.demand import fit_demand
from forecaster.errors import ForecasterError
from forecaster.frames import days, numbers, require_columns, require_unique
from forecaster.panel import COLUMNS
from forecaster.policy import RulePolicy
from forecaster.scores import SUMS, rates, row_sums

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]
    Days = npt.NDArray[np.datetime64]
    Floats = npt.NDArray[np.float64]

PERIODS = ("before_floor_set", "in_season", "after_exit", "dead_season")
LONGEST_HORIZON = 52
FULL_EXPOSURE = 0.99
"""Share of a week on the shelf from which its sales are its demand."""

REGULAR_PRICE = (0.95, 1.05)
"""Price ratios within which customers are taken to have met the regular price."""

SCORE_KEY = ["category", "period", "first_ahead", "last_ahead"]
"""What tells the rows of a score table apart."""

_SERIES = ["store", "sku"]
_PLACE = ["category", "climate_zone", "week"]
_BAND_ENDS = np.array([1, 2, 3, 4, 8, 13, 26, LONGEST_HORIZON])
_LEAST_HISTORY_WEEKS = 26
_LAST_DAY = np.timedelta64(6, "D")
_AHEAD = ("first_ahead", "last_ahead")
_TOTALS = (
    (), _AHEAD, ("period",), ("period", *_AHEAD),
    ("category",), ("category", *_AHEAD), ("category", "period"), ("category", "period", *_AHEAD),
)  # fmt: skip


class Foretelling(Protocol):
    """What a backtest asks of a fitted model: a `DemandModel` has it, and a rival may."""

    @property
    def series(self) -> pd.DataFrame:
        """store, sku, category, climate_zone."""

    def predict(self, weeks: Sequence[date]) -> pd.DataFrame:
        """store, sku, week, mean, p10, p50, p90, size: series in their order, each with its weeks."""


def rolling_origins(first_week: date, *, as_of: date, count: int, every: int, horizon: int) -> list[date]:
    """Last days of weeks to foretell from, the earliest first; the last one's horizon is over at as_of.

    Args:
        first_week: first day of the first week of history.
        as_of: last business date known.
        count: origins wanted; there are fewer where less than half a year of history lies before one.
        every: weeks from one to the next.
        horizon: weeks foretold from each.

    Example:
        >>> from datetime import date
        >>> rolling_origins(date(2025, 1, 6), as_of=date(2026, 1, 4), count=2, every=4, horizon=8)
        [datetime.date(2025, 10, 12), datetime.date(2025, 11, 9)]
    """
    last = (as_of - first_week + timedelta(days=1)) // timedelta(weeks=1) - horizon
    ends = [last - every * back for back in range(count) if last - every * back >= _LEAST_HISTORY_WEEKS]
    return [first_week + timedelta(weeks=number, days=-1) for number in reversed(ends)]


def backtest(
    panel: pd.DataFrame,
    *,
    as_of: date,
    origins: Sequence[date],
    horizon: int,
    requests: pd.DataFrame | None = None,
    windows: pd.DataFrame | None = None,
    true_demand: pd.DataFrame | None = None,
    fit: Callable[..., Foretelling] = fit_demand,
    **facts: pd.DataFrame | None,
) -> pd.DataFrame:
    """Foretell demand from each origin on what was known then, and hold it against what came after.

    Fitted are the panel's rows and the requests of weeks that were over at the origin; a series without a
    row by then is not foretold. What does not change with time (``facts``) is given as it is.

    Without ``true_demand`` a row is scored when its sales were its demand: on the shelf all week
    (`FULL_EXPOSURE`), not sold out, at the regular price (`REGULAR_PRICE`), so that no fitted elasticity
    judges itself. Weeks that sold out are often those in which more was wanted: where there are many, the
    forecast looks higher than it is. Dark weeks cannot be scored. With ``true_demand`` every week that it
    tells of is scored.

    Periods: a week is ``dead_season`` when expected demand is under `RulePolicy.material_week_share` of its
    peak: the forecast's within a year of the origin or, with ``true_demand``, that of the whole category and
    zone (one series draws too few units to tell a low week from an unlucky one). Any other week is where
    ``windows`` puts most of its days, as in `expected_gap`; without windows it is ``after_exit`` where the
    panel has no exposure, and else ``in_season``.

    Args:
        panel: as `fit_demand` takes it.
        as_of: last business date known; later weeks of the panel are neither fitted nor scored.
        origins: business dates to foretell from; the first week foretold is the first to begin after one.
        horizon: weeks foretold from each, 1 to 52.
        requests: as `fit_demand` takes them.
        windows: store, sku, season_code, floor_set, exit, as `expected_gap` takes them.
        true_demand: store, sku, week, demand: units wanted at regular price. Coverage, pinball and CRPS mean
            something against counts only, not against expectations.
        fit: the method tested, called as ``fit(panel, as_of=origin, requests=..., **facts)``.
        facts: further arguments of ``fit``: climate, products, stores.

    Returns:
        The sums that `score_table` makes scores of: origin, category, period, first_ahead, last_ahead (weeks
        ahead), and the columns `scores.SUMS`; a row for each of which anything was scored.

    Raises:
        ForecasterError: the horizon is not 1 to 52 weeks.
        PanelError: a frame lacks a column or holds a value that cannot be worked with.

    Example:
        ``score_table(backtest(panel, as_of=as_of, origins=origins, horizon=13), horizon=13)``
    """
    if not 1 <= horizon <= LONGEST_HORIZON:
        raise ForecasterError(f"a horizon has 1 to {LONGEST_HORIZON} weeks, not {horizon}")
    past = _until(panel, "panel", as_of)
    came = _Came.of(past, true_demand)
    parts = []
    for origin in origins:
        known = _until(past, "panel", origin)
        if len(known):
            asked = None if requests is None else _until(requests, "requests", origin)
            model = fit(known, as_of=origin, requests=asked, **facts)
            parts.append(_held_against(came, model, _weeks_after(origin, past), horizon, windows))
    return _added_up(pd.concat(parts) if parts else pd.DataFrame(columns=["origin", *SCORE_KEY, *SUMS]))


def score_table(tallies: pd.DataFrame, *, horizon: int) -> pd.DataFrame:
    """Scores by category, period and weeks ahead, and over all of each.

    Args:
        tallies: as `backtest` gives them; several may be put together.
        horizon: weeks foretold from each origin, the same for all.

    Returns:
        category and period ('' for all of them), first_ahead, last_ahead (weeks; 1 to the horizon for all),
        rows (scored), demand (units in them) and the columns `scores.MEASURES`; totals before their parts.
    """
    whole: dict[str, str | int] = {"category": "", "period": "", "first_ahead": 1, "last_ahead": horizon}
    parts = [
        tallies.assign(**{name: whole[name] for name in over})
        .groupby(SCORE_KEY, as_index=False, observed=True)[list(SUMS)]
        .sum()
        for over in _TOTALS
    ]
    # A horizon of one week has one band, which is all of it.
    sums = pd.concat(parts, ignore_index=True).drop_duplicates(SCORE_KEY)
    order = sums[SCORE_KEY].assign(
        period=pd.Categorical(sums["period"], ["", *PERIODS]).codes,
        last_ahead=(sums["first_ahead"] > 1) | (sums["last_ahead"] < horizon),
    )
    order = order.sort_values(["category", "period", "last_ahead", "first_ahead"])
    sums = sums.loc[order.index].reset_index(drop=True)
    table = sums[[*SCORE_KEY, "rows"]].assign(demand=sums["actual"])
    return pd.concat([table, rates(sums)], axis=1)


@dataclass(frozen=True)
class _Came:
    """What came of the weeks foretold.

    Attributes:
        rows: store, sku, week, actual of every row that can be scored.
        exposed: store, sku, week of the panel's rows with any exposure.
        dead: category, climate_zone, week of the true dead season; None where the forecast must tell.
    """

    rows: pd.DataFrame
    exposed: pd.DataFrame
    dead: pd.DataFrame | None

    @classmethod
    def of(cls, panel: pd.DataFrame, true_demand: pd.DataFrame | None) -> _Came:
        key = _keys(panel, "panel")
        exposed = key[numbers(panel, "panel", "exposure", low=0, high=1) > 0]
        if true_demand is None:
            sold = key.assign(actual=numbers(panel, "panel", "units", low=0))
            return cls(sold[_sales_are_demand(panel)], exposed, None)
        require_columns(true_demand, "true_demand", [*_SERIES, "week", "demand"])
        wanted = _keys(true_demand, "true_demand").assign(
            actual=numbers(true_demand, "true_demand", "demand", low=0)
        )
        require_unique(wanted, "true_demand", [*_SERIES, "week"])
        places = panel[[*_SERIES, "category", "climate_zone"]].astype(str).drop_duplicates(_SERIES)
        pooled = wanted.merge(places, on=_SERIES).groupby(_PLACE, as_index=False)[["actual"]].sum()
        peak = pooled.groupby(_PLACE[:2])["actual"].transform("max")
        return cls(wanted, exposed, pooled[_is_dead(pooled["actual"], peak)][_PLACE])


def _held_against(
    came: _Came, model: Foretelling, weeks: pd.DatetimeIndex, horizon: int, windows: pd.DataFrame | None
) -> pd.DataFrame:
    """What each scored row of one origin adds to the sums, with the place in the table it belongs to."""
    told = model.predict([week.date() for week in weeks])
    n = len(model.series)
    mean = told["mean"].to_numpy(dtype=np.float64).reshape(n, len(weeks))
    on_floor = None if windows is None else _phases(mean, weeks, model.series, windows)
    columns = [*_SERIES, "category", "climate_zone"]
    rows = pd.concat(
        [
            told[["week", "mean", "p10", "p50", "p90", "size"]].reset_index(drop=True),
            model.series[columns].loc[model.series.index.repeat(len(weeks))].reset_index(drop=True),
        ],
        axis=1,
    ).assign(
        ahead=np.tile(np.arange(1, len(weeks) + 1), n),
        dead=_is_dead(mean, mean.max(axis=1, keepdims=True, initial=0.0)).ravel(),
        period="" if on_floor is None else on_floor.ravel(),
        week=lambda frame: frame["week"].astype("datetime64[s]"),
    )
    rows = rows[rows["ahead"] <= horizon].merge(came.rows, on=[*_SERIES, "week"])
    if came.dead is not None:
        rows["dead"] = _among(rows, came.dead, _PLACE)
    if on_floor is None:
        rows["period"] = np.where(_among(rows, came.exposed, [*_SERIES, "week"]), "in_season", "after_exit")
    rows["period"] = rows["period"].where(~rows["dead"], "dead_season")
    return _scored(rows, horizon).assign(origin=weeks[0] - pd.Timedelta(days=1))


def _scored(rows: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """category, period, band of weeks ahead, and what each row adds to the sums."""
    mean = rows["mean"].to_numpy(dtype=np.float64)
    sums = row_sums(
        rows["actual"], mean, rows["size"].to_numpy(), [rows[name] for name in ("p10", "p50", "p90")]
    )
    band = np.searchsorted(_BAND_ENDS, rows["ahead"].to_numpy())
    return sums.assign(
        category=rows["category"].to_numpy(),
        period=rows["period"].to_numpy(),
        first_ahead=np.concatenate([[1], _BAND_ENDS[:-1] + 1])[band],
        last_ahead=np.minimum(_BAND_ENDS, horizon)[band],
    )


def _added_up(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.groupby(["origin", *SCORE_KEY], as_index=False)[list(SUMS)].sum()


def _phases(
    mean: Floats, weeks: pd.DatetimeIndex, series: pd.DataFrame, windows: pd.DataFrame
) -> npt.NDArray[np.object_]:
    """The period in which most days of each series' weeks lie, (n, t)."""
    require_columns(windows, "windows", [*_SERIES, "season_code", "floor_set", "exit"])
    row = pd.MultiIndex.from_frame(series[_SERIES]).get_indexer(
        pd.MultiIndex.from_frame(windows[_SERIES].astype(str))
    )
    given = row >= 0
    slots = Windows.of(
        len(series),
        row[given],
        windows["season_code"].astype(str).to_numpy()[given],
        days(windows, "windows", "floor_set")[given],
        days(windows, "windows", "exit")[given],
    )
    week = weeks.to_numpy().astype("datetime64[D]")
    spent = np.zeros((3, *mean.shape))
    for share in phase_shares(week, mean, slots, as_of=week[0] - np.timedelta64(1, "D")):
        np.add.at(spent[PERIODS.index(share.phase)], (share.row, share.column), share.days)
    return np.asarray(np.array(PERIODS, dtype=object)[spent.argmax(axis=0)])


def _sales_are_demand(panel: pd.DataFrame) -> Bools:
    """Rows whose sales no stock and no price kept from being the demand."""
    price = numbers(panel, "panel", "price_ratio", low=0)
    at_price = (price >= REGULAR_PRICE[0]) & (price <= REGULAR_PRICE[1])
    sold_out = numbers(panel, "panel", "sold_out") > 0 if "sold_out" in panel else np.zeros(len(panel), bool)
    exposure = numbers(panel, "panel", "exposure", low=0, high=1)
    return np.asarray((exposure >= FULL_EXPOSURE) & at_price & ~sold_out)


def _is_dead(demand: npt.ArrayLike, peak: npt.ArrayLike) -> Bools:
    share = RulePolicy.material_week_share
    return np.asarray(np.asarray(demand) < share * np.asarray(peak))


def _until(frame: pd.DataFrame, name: str, day: date) -> pd.DataFrame:
    """Rows of weeks that were over at the end of a day."""
    require_columns(frame, name, COLUMNS if name == "panel" else (*_SERIES, "week"))
    return frame[days(frame, name, "week") + _LAST_DAY <= np.datetime64(day, "D")]


def _weeks_after(origin: date, panel: pd.DataFrame) -> pd.DatetimeIndex:
    """The year of weeks that begin after a day, on the panel's weekday."""
    some_week = days(panel, "panel", "week")[0]
    first = np.datetime64(origin, "D") + 1
    first = first + (some_week - first).astype(np.int64) % 7
    return pd.date_range(first, periods=LONGEST_HORIZON, freq="7D")


def _keys(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """store, sku as text and week of every row."""
    week = days(frame, name, "week").astype("datetime64[s]")
    return pd.DataFrame({"store": frame["store"].astype(str), "sku": frame["sku"].astype(str), "week": week})


def _among(rows: pd.DataFrame, those: pd.DataFrame, key: list[str]) -> Bools:
    """Whether each row's key is among those of another frame."""
    return np.asarray(rows[key].merge(those, how="left", on=key, indicator="found")["found"] == "both")
