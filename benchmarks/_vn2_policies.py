"""Who plays the VN2 game: the challenge's own benchmark, last year's sales, and ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks._vn2_game import AHEAD, HOLDING, SHORTAGE, Decision, Record, Stock
from forecaster import fit_demand

if TYPE_CHECKING:
    import numpy.typing as npt

    from forecaster import DemandModel

    Floats = npt.NDArray[np.float64]
    Weeks = npt.NDArray[np.datetime64]

COVERAGE, AVERAGED, YEAR = 4, 13, 52
"""Weeks of demand the challenge's benchmark orders up to, weeks of its moving average, weeks of a year."""

SERVICE = SHORTAGE / (SHORTAGE + HOLDING)
"""The critical ratio: share of weeks in which an order should suffice, were each week the last."""

HELD_WEEKS = 1.5
PATIENT_SERVICE = SHORTAGE / (SHORTAGE + HELD_WEEKS * HOLDING)
"""The critical ratio if a unit too many is held for more than the one week. Where missed sales are lost, the
next order is placed before it is known what is left, and the one-week ratio overstocks (Zipkin, Old and New
Methods for Lost-Sales Inventory Systems, Operations Research 56, 2008). In games drawn from the model itself,
with demand of 0.5 to 60 units a week and sizes 2 and 8, the cheapest ratio was 0.75 to 0.80, from 0% to 8%
under the cost of 0.833; 1.5 weeks makes 0.769."""

SCENARIOS, SEED = 1000, 2024


def challenge_benchmark(record: Record, stock: Stock) -> Decision:
    """The published benchmark: weekly seasonal factors x 13-week moving average, order up to four weeks.

    Weeks out of stock are missing. A week of the year's factor is the mean sale of all series in it over the
    mean of all weeks of the year; a series' level is the mean of its last 13 weeks over their factors.
    """
    known = np.where(record.in_stock, record.sales, np.nan)
    factors = _mean(known, axis=0)
    season = pd.Series(factors).groupby(_week_of_year(record.week)).mean()
    season /= season.mean()
    level = _mean(known / season.reindex(_week_of_year(record.week)).to_numpy(), axis=1, last=AVERAGED)
    ahead = season.reindex(_week_of_year(record.ahead(COVERAGE)), fill_value=1.0).to_numpy()
    return _order_up_to(level[:, None] * ahead, stock)


def seasonal_naive(record: Record, stock: Stock) -> Decision:
    """Sales of the same week a year before, ordered as the challenge's benchmark orders.

    A week that was out of stock then is told by the mean of the last 13 weeks in stock.
    """
    recent = _mean(np.where(record.in_stock, record.sales, np.nan), axis=1, last=AVERAGED)
    year_ago = slice(len(record.week) - YEAR, len(record.week) - YEAR + COVERAGE)
    forecast = np.where(record.in_stock[:, year_ago], record.sales[:, year_ago], recent[:, None])
    return _order_up_to(forecast, stock)


@dataclass(frozen=True)
class InSeason:
    """Ours: demand from sales and exposure, an order from simulated need.

    Attributes:
        series: store, sku, category, climate_zone of the n series, sorted by store and sku.
        service: the quantile of simulated need that is ordered.
    """

    series: pd.DataFrame
    service: float = SERVICE

    def __call__(self, record: Record, stock: Stock) -> Decision:
        """Fit what the shop knows; tell medians, which minimise absolute error; order for the third week."""
        model = fit_demand(self.panel(record), as_of=(record.week[-1] + np.timedelta64(6, "D")).item())
        told = model.predict([week.item() for week in record.ahead(AHEAD)])
        shape = (len(self.series), AHEAD)
        need = simulated_need(model, told["mean"].to_numpy().reshape(shape), stock)
        order = np.quantile(need, self.service, axis=0, method="inverted_cdf")
        return Decision(np.maximum(order, 0.0), told["p50"].to_numpy().reshape(shape))

    def panel(self, record: Record) -> pd.DataFrame:
        """The record as the forecaster's weekly panel."""
        n, t = record.sales.shape
        rows = self.series.loc[self.series.index.repeat(t)].reset_index(drop=True)
        return rows.assign(
            week=np.tile(record.week.astype("datetime64[s]"), n),
            units=record.sales.ravel(),
            exposure=record.exposure.ravel(),
            sold_out=record.sold_out.ravel().astype(np.float64),
            price_ratio=1.0,
        )


def simulated_need(model: DemandModel, mean: Floats, stock: Stock) -> Floats:
    """What the third week will ask for beyond what is then on hand, scenarios (1000, n).

    A series' level is uncertain but the same in all three weeks: it is drawn once, the weeks given it. In the
    two weeks before, arrivals are received and what is missed is lost, not owed.

        level ~ Gamma(shape a, mean 1),   D_t ~ NegativeBinomial(mean mu_t level, size r)
    """
    generator = np.random.default_rng(SEED)
    shape, size = (
        np.minimum(model.series[name].to_numpy(dtype=np.float64), 1e9)
        for name in ("level_shape", "dispersion")
    )
    level = generator.gamma(shape, 1.0 / shape, (SCENARIOS, len(shape)))
    on_hand = np.broadcast_to(stock.on_hand, level.shape)
    demand = np.zeros_like(level)
    for ahead in range(AHEAD):
        demand = generator.poisson(generator.gamma(size, mean[:, ahead] * level / size)).astype(np.float64)
        if ahead < AHEAD - 1:
            on_hand = np.maximum(on_hand + stock.coming[:, ahead] - demand, 0.0)
    return demand - on_hand


def _order_up_to(forecast: Floats, stock: Stock) -> Decision:
    """Order what four weeks of forecast ask for beyond what is on hand and coming."""
    order = np.round(forecast.sum(axis=1) - stock.position)
    return Decision(np.maximum(order, 0.0), forecast[:, :AHEAD])


def _mean(values: Floats, *, axis: int, last: int | None = None) -> Floats:
    """Mean of what is not missing, over the last weeks if told; 0 where nothing is known."""
    used = values if last is None else values[:, -last:]
    known = np.isfinite(used)
    count = known.sum(axis=axis)
    total = np.where(known, used, 0.0).sum(axis=axis)
    return np.asarray(np.divide(total, count, out=np.zeros(total.shape), where=count > 0), dtype=np.float64)


def _week_of_year(weeks: Weeks) -> npt.NDArray[np.int64]:
    return pd.DatetimeIndex(weeks).isocalendar()["week"].to_numpy(dtype=np.int64)
