"""Penalised spline bases with knots that stay put, whatever part of the year was observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import BSpline
from scipy.linalg import null_space

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_DEGREE = 3
_RIDGE = 1e-3
"""Share of plain ridge in every penalty: what no data and no neighbour speaks for goes to zero."""


@dataclass(frozen=True)
class YearSpline:
    """Cyclic cubic P-spline on [0, 1) with ``n_knots`` fixed, evenly spaced knots, summing to zero.

    Coefficients are penalised by their cyclic second differences (Eilers and Marx, Flexible smoothing with
    B-splines and penalties, Statistical Science 11, 1996). Knots come from the year, never from the rows:
    a window without stock stays a window and is bridged by the penalty.
    """

    n_knots: int

    @property
    def _constraint(self) -> Floats:
        """Directions whose coefficients sum to zero, shape (n_knots, n_knots - 1)."""
        return np.asarray(null_space(np.ones((1, self.n_knots))), dtype=np.float64)

    def basis(self, fraction: Floats) -> Floats:
        """Design matrix (n, n_knots - 1) at fractions of the year."""
        return self._uncentred(fraction) @ self._constraint

    def _uncentred(self, fraction: Floats) -> Floats:
        position = np.asarray(fraction, dtype=np.float64) * self.n_knots
        # One cardinal B-spline, wrapped round: knot j carries the distance to j modulo the year.
        bump = BSpline.basis_element(np.arange(-2.0, 3.0), extrapolate=False)
        distance = position[:, None] - np.arange(self.n_knots)[None, :]
        half = self.n_knots / 2
        wrapped = (distance + half) % self.n_knots - half
        return np.nan_to_num(bump(wrapped), nan=0.0)

    def penalty(self) -> Floats:
        """Penalty matrix (n_knots - 1, n_knots - 1), positive definite."""
        identity = np.eye(self.n_knots)
        bends = np.roll(identity, 1, axis=1) - 2 * identity + np.roll(identity, -1, axis=1)
        # Scaled by knots^3 so that one weight means one roughness, however many knots there are.
        rough = bends.T @ bends * (self.n_knots / 10.0) ** 3 + _RIDGE * identity
        return self._constraint.T @ rough @ self._constraint


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
