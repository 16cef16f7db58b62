"""Penalised spline bases with knots that stay put, whatever part of the year was observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import BSpline
from scipy.linalg import null_space

from forecaster.year import TROPICAL_YEAR_DAYS

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_DEGREE = 3
_RIDGE = 1e-3
"""Share of plain ridge in a penalty: what no data and no neighbour speaks for goes to zero."""

_DAYS = (np.arange(7) - 3.0) / TROPICAL_YEAR_DAYS


@dataclass(frozen=True)
class YearSpline:
    """Cyclic cubic P-spline on [0, 1) with ``n_knots`` fixed, evenly spaced knots, summing to zero.

    A week is told by the mean of the curve over its seven days, so that a peak of days (Christmas) moves
    rightly through weeks that begin on different days. Knots come from the year, never from the rows: a
    window without stock stays a window and is bridged by the penalty.

    Coefficients are penalised by their cyclic differences (Eilers and Marx, Flexible smoothing with
    B-splines and penalties, Statistical Science 11, 1996), of the first order and with a ridge: where nobody
    looked, the curve goes back to the year's mean. (Of the second order, it would go on as it rose: back-to-
    school demand hidden from its rise on came out many times too high.) ``ridge`` is its share: more for a
    departure from another curve, which is small wherever nothing speaks for it.
    """

    n_knots: int
    ridge: float = 0.1

    @property
    def _constraint(self) -> Floats:
        """Directions whose coefficients sum to zero, shape (n_knots, n_knots - 1)."""
        return np.asarray(null_space(np.ones((1, self.n_knots))), dtype=np.float64)

    def basis(self, fraction: Floats) -> Floats:
        """Design matrix (n, n_knots - 1) of weeks whose midpoints are at these fractions of the year."""
        days = np.asarray(fraction, dtype=np.float64)[:, None] + _DAYS
        by_day = self._uncentred(days.ravel()).reshape(*days.shape, self.n_knots)
        return np.asarray(by_day.mean(axis=1) @ self._constraint, dtype=np.float64)

    def _uncentred(self, fraction: Floats) -> Floats:
        position = fraction * self.n_knots
        # One cardinal B-spline, wrapped round: knot j carries the distance to j modulo the year.
        bump = BSpline.basis_element(np.arange(-2.0, 3.0), extrapolate=False)
        distance = position[:, None] - np.arange(self.n_knots)[None, :]
        half = self.n_knots / 2
        wrapped = (distance + half) % self.n_knots - half
        return np.nan_to_num(bump(wrapped), nan=0.0)

    def penalty(self) -> Floats:
        """Penalty matrix (n_knots - 1, n_knots - 1), positive definite: steepness, and a ridge."""
        identity = np.eye(self.n_knots)
        slopes = np.roll(identity, 1, axis=1) - identity
        # Scaled so that one weight means one steepness, however many knots there are.
        steep = slopes.T @ slopes * (self.n_knots / 10.0) + self.ridge * identity
        return np.asarray(self._constraint.T @ steep @ self._constraint, dtype=np.float64)


@dataclass(frozen=True)
class TemperatureSpline:
    """Cubic P-spline over [low, high] degrees; temperatures beyond the fitted range count as its end."""

    low: float
    high: float
    n_segments: int = 5

    @property
    def n_columns(self) -> int:
        """Number of basis functions."""
        return self.n_segments + _DEGREE

    def basis(self, temperature: Floats) -> Floats:
        """Design matrix (n, n_columns), centred on the middle of the range."""
        inside = np.clip(np.asarray(temperature, dtype=np.float64), self.low, self.high)
        step = (self.high - self.low) / self.n_segments
        knots = self.low + step * np.arange(-_DEGREE, self.n_segments + _DEGREE + 1)
        points = np.append(inside, (self.low + self.high) / 2)
        # The right end belongs to the last segment; half-open intervals would drop it.
        points = np.minimum(points, self.high - 1e-9 * step)
        dense = BSpline.design_matrix(points, knots, _DEGREE, extrapolate=False).toarray()
        return np.asarray(dense[:-1] - dense[-1:], dtype=np.float64)

    def penalty(self) -> Floats:
        """Penalty matrix on second differences, with enough ridge to leave no direction free."""
        bends = np.diff(np.eye(self.n_columns), n=2, axis=0)
        return np.asarray(bends.T @ bends + _RIDGE * 10 * np.eye(self.n_columns), dtype=np.float64)
