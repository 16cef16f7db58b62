"""What a store needs on its shelf to stay open, and what is lost if nobody comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecaster.distribution import expected_shortfall, quantiles
from forecaster.errors import PanelError
from forecaster.frames import numbers, require_columns, require_unique

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from forecaster.store_spread import Spread

    Floats = npt.NDArray[np.float64]

SERVICE = 0.9
"""A test store gets what its demand exceeds one time in ten, if the forecast is right: a test that sells out
tells little."""


def costed_series(
    dark: pd.DataFrame, prices: pd.DataFrame, spread: Spread, stock: pd.DataFrame | None
) -> pd.DataFrame:
    """What each series would need at the exit, and the expected cost of what stays unsold.

    Of q units, q - M + E[max(0, D - q)] stay unsold, with M the forecast of the dark weeks and D negative
    binomial about it, as wide as stores lie apart and as the forecast is in doubt; each loses the regular
    price less salvage.

    Args:
        dark: store, sku (may be absent), week, mean (units), doubt (log standard deviation of the forecast).
        prices: regular_price, salvage, by store, by sku, by both, or one row for all.
        spread: of the category's stores.
        stock: store, sku (as in ``dark``), units already there.

    Returns:
        store, sku (as given), units (wanted on the shelf), to_send, cost (money); series with demand only.

    Raises:
        PanelError: a series has no price, or a frame cannot be worked with.
    """
    keys = [name for name in ("store", "sku") if name in dark.columns]
    weighed = dark.assign(squared=dark["mean"] ** 2, variance=dark["mean"] * np.expm1(dark["doubt"] ** 2))
    series = weighed.groupby(keys)[["mean", "squared", "variance"]].sum().reset_index()
    series = series[series["mean"] > 0].reset_index(drop=True)
    mean, squared, variance = (
        series[name].to_numpy(dtype=np.float64) for name in ("mean", "squared", "variance")
    )
    # The negative binomial brings one count's own variance, 1 / mean, along.
    apart = spread.total + spread.noise.relative(mean, squared / mean**2) - 1.0 / mean
    units = quantiles(mean, 1.0 / apart, [SERVICE])[0]
    unsold = units - mean + expected_shortfall(mean, 1.0 / (apart + variance / mean), units)
    return series[keys].assign(
        units=units,
        to_send=np.maximum(units - _in_store(series[keys], stock), 0.0),
        cost=unsold * _loss_per_unit(series[keys], prices),
    )


def _in_store(series: pd.DataFrame, stock: pd.DataFrame | None) -> Floats:
    """Units of each series already in its store."""
    if stock is None:
        return np.zeros(len(series))
    keys = list(series.columns)
    require_columns(stock, "stock", [*keys, "units"])
    here = stock[keys].astype(str).assign(units=numbers(stock, "stock", "units", low=0))
    known = series.merge(here.groupby(keys, as_index=False).sum(), on=keys, how="left")
    return known["units"].fillna(0.0).to_numpy(dtype=np.float64)


def _loss_per_unit(series: pd.DataFrame, prices: pd.DataFrame) -> Floats:
    """Regular price less salvage of each series."""
    require_columns(prices, "prices", ["regular_price", "salvage"])
    loss = numbers(prices, "prices", "regular_price", low=0) - numbers(prices, "prices", "salvage", low=0)
    if (loss < 0).any():
        raise PanelError("prices", "salvage", f"{int((loss < 0).sum())} above the regular price")
    keys = [name for name in series.columns if name in prices.columns]
    if not keys:
        if len(loss) != 1:
            raise PanelError("prices", "sku", f"{len(loss)} rows without store or sku: one row tells all")
        return np.full(len(series), loss[0])
    given = prices[keys].astype(str).assign(loss=loss)
    require_unique(given, "prices", keys)
    found = series.merge(given, on=keys, how="left")["loss"].to_numpy(dtype=np.float64)
    if np.isnan(found).any():
        example = tuple(series[np.isnan(found)].iloc[0])
        missing = int(np.isnan(found).sum())
        raise PanelError("prices", "+".join(keys), f"no price for {missing} series, such as {example}")
    return found
