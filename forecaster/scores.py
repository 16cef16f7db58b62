"""How right forecasts and alerts were: errors, quantile losses, coverage, and alerts against losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.distribution import crps, pinball
from forecaster.frames import days, numbers, require_columns, require_unique

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

MEASURES = ("wape", "wpe", "pinball", "crps", "coverage", "beyond_p90")
"""What is told of a set of rows, in the order of tables."""

SUMS = ("rows", "actual", "error", "absolute_error", "pinball", "crps", "inside", "beyond")
"""What adds up over rows, and over sets of rows, so that any set's measures follow from its parts."""

_PROBABILITIES = (0.1, 0.5, 0.9)


def wape(actual: npt.ArrayLike, mean: npt.ArrayLike) -> float:
    """Weighted absolute percentage error: sum |mean - actual| / sum actual; NaN when nothing was wanted.

    Example:
        >>> wape([2, 0, 4], [3, 1, 4])
        0.3333333333333333
    """
    y, m = _floats(actual), _floats(mean)
    return _ratio(np.abs(m - y).sum(), y.sum())


def wpe(actual: npt.ArrayLike, mean: npt.ArrayLike) -> float:
    """Weighted percentage error: sum (mean - actual) / sum actual, above 0 for forecasts that are too high.

    Example:
        >>> wpe([2, 0, 4], [1, 0, 2])
        -0.5
    """
    y, m = _floats(actual), _floats(mean)
    return _ratio((m - y).sum(), y.sum())


def mean_pinball(
    actual: npt.ArrayLike, quantiles: Sequence[npt.ArrayLike], probabilities: Sequence[float] = _PROBABILITIES
) -> float:
    """Quantile loss in units, the mean over rows and quantiles (`distribution.pinball`).

    Args:
        actual: (n,) units.
        quantiles: one (n,) array of units per probability.
        probabilities: each in (0, 1).
    """
    return float(np.mean(_pinball(_floats(actual), quantiles, probabilities)))


def mean_crps(actual: npt.ArrayLike, mean: npt.ArrayLike, size: npt.ArrayLike) -> float:
    """Continuous ranked probability score in units, the mean over rows (`distribution.crps`).

    It is the absolute error of a whole distribution: of a forecast without doubt, it is |mean - actual|.
    """
    return float(np.mean(crps(mean, size, actual)))


def coverage(actual: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> float:
    """Share of rows with low <= actual <= high. Of whole numbers more than the nominal share lies inside."""
    y = _floats(actual)
    return float(np.mean((y >= _floats(low)) & (y <= _floats(high))))


def share_beyond(actual: npt.ArrayLike, high: npt.ArrayLike) -> float:
    """Share of rows with actual > high: for p90 at most about 0.1, and less of whole numbers."""
    return float(np.mean(_floats(actual) > _floats(high)))


def row_sums(
    actual: npt.ArrayLike, mean: npt.ArrayLike, size: npt.ArrayLike, quantiles: Sequence[npt.ArrayLike]
) -> pd.DataFrame:
    """What each row adds to the measures of any set it belongs to.

    Args:
        actual: (n,) units.
        mean: (n,) units foretold.
        size: (n,) of the negative binomial foretold, inf for Poisson.
        quantiles: its p10, p50 and p90, (n,) each.

    Returns:
        The columns ``SUMS``; add them up and give them to `rates`.
    """
    y, m = _floats(actual), _floats(mean)
    low, _, high = (_floats(q) for q in quantiles)
    return pd.DataFrame(
        {
            "rows": np.ones(len(y), dtype=np.int64),
            "actual": y,
            "error": m - y,
            "absolute_error": np.abs(m - y),
            "pinball": _pinball(y, quantiles, _PROBABILITIES),
            "crps": crps(m, size, y),
            "inside": ((y >= low) & (y <= high)).astype(np.float64),
            "beyond": (y > high).astype(np.float64),
        }
    )


def rates(sums: pd.DataFrame) -> pd.DataFrame:
    """The measures of sets of rows.

    Args:
        sums: one row per set, with the columns ``SUMS`` added up over its rows.

    Returns:
        The columns ``MEASURES``, one row per set: what the functions above give for its rows.
    """
    actual = sums["actual"].where(sums["actual"] > 0)
    rows = sums["rows"].where(sums["rows"] > 0)
    return pd.DataFrame(
        {
            "wape": sums["absolute_error"] / actual,
            "wpe": sums["error"] / actual,
            "pinball": sums["pinball"] / rows,
            "crps": sums["crps"] / rows,
            "coverage": sums["inside"] / rows,
            "beyond_p90": sums["beyond"] / rows,
        }
    )[list(MEASURES)]


@dataclass(frozen=True)
class AlertScore:
    """How right a set of alerts was.

    Attributes:
        raised: alerts.
        right: of these, the ones whose loss came, and was not over when they were raised.
        due: losses that ought to have been told.
        told: of these, the ones with a right alert.
        precision: right / raised; NaN when nothing was raised.
        recall: told / due; NaN when nothing was due.
        median_lead_days: from the alert to the first day of its loss, over right alerts; below 0 for an alert
            that came while units were already being lost; NaN without right alerts.
        units_wpe: (units foretold - units lost) / units lost, over right alerts.
    """

    raised: int
    right: int
    due: int
    told: int
    precision: float
    recall: float
    median_lead_days: float
    units_wpe: float


def score_alerts(
    raised: pd.DataFrame,
    happened: pd.DataFrame,
    *,
    on: Sequence[str] = ("store", "style"),
    least_units: float = 0.0,
) -> AlertScore:
    """Hold alerts against what came of them.

    An alert is right when a loss of its identity is in ``happened`` and was not over before the alert. A
    loss of at least ``least_units`` ought to have been told; a smaller one makes its alert right, but is not
    missed: a threshold of the rules is not a border between right and wrong.

    Args:
        raised: the identity, raised_on (day), units (foretold lost); when an alert was raised at several
            origins its first row counts.
        happened: the identity, begins, ends (first and last day on which units were lost), units; one row
            per identity.
        on: columns that are the identity: with a season's name among them years are told apart.
        least_units: units from which a loss ought to be told.

    Raises:
        PanelError: a frame lacks a column, holds a value that cannot be worked with, or a loss is repeated.
    """
    alerts = _alerts(raised, list(on))
    losses = _losses(happened, list(on))
    both = alerts.merge(losses, on=list(on), suffixes=("_foretold", ""))
    right = both[both["raised_on"] <= both["ends"]]
    due, told = (int((rows["units"] >= least_units).sum()) for rows in (losses, right))
    lead = (right["begins"] - right["raised_on"]).dt.days
    return AlertScore(
        raised=len(alerts),
        right=len(right),
        due=due,
        told=told,
        precision=_ratio(len(right), len(alerts)),
        recall=_ratio(told, due),
        median_lead_days=float(lead.median()),
        units_wpe=wpe(right["units"], right["units_foretold"]),
    )


def _alerts(raised: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    require_columns(raised, "raised", [*on, "raised_on", "units"])
    told = raised[on].assign(
        raised_on=days(raised, "raised", "raised_on").astype("datetime64[s]"),
        units=numbers(raised, "raised", "units", low=0),
    )
    return told.sort_values("raised_on", kind="stable").drop_duplicates(on)


def _losses(happened: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    require_columns(happened, "happened", [*on, "begins", "ends", "units"])
    require_unique(happened, "happened", on)
    spans = {name: days(happened, "happened", name).astype("datetime64[s]") for name in ("begins", "ends")}
    return happened[on].assign(**spans, units=numbers(happened, "happened", "units", low=0))


def _pinball(actual: Floats, quantiles: Sequence[npt.ArrayLike], probabilities: Sequence[float]) -> Floats:
    """The mean over the quantiles, per row."""
    losses = [pinball(q, actual, p) for q, p in zip(quantiles, probabilities, strict=True)]
    return np.asarray(np.mean(losses, axis=0), dtype=np.float64)


def _floats(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")
