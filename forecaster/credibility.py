"""What a part inherits from the whole it belongs to: gamma means shrunk rung by rung, spreads by moments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

SHAPES = (0.3, 100.0)
"""Parts differ from their whole by a standard deviation of between a tenth and nearly twice its mean."""

NO_SPREAD = 1e9
"""Shape of parts that do not differ."""

SHAPE_BEFORE = 2.0
"""Shape supposed before anything was seen, counted as one part that is known exactly."""

_LEAST = 1e-12


@dataclass(frozen=True)
class Rung:
    """The parts of one kind, settled.

    Attributes:
        mean: (parts,) rate.
        doubt: (parts,) relative variance of the mean.
        shape: gamma shape with which the parts lie round what they belong to.
    """

    mean: Floats
    doubt: Floats
    shape: float


def spread_shape(units: Floats, expected: Floats, leverage: Floats, guess: float) -> float:
    """Gamma shape of true rates round their expectation, by moments.

        E[(Y - mu)^2] = (1 - p) (mu + mu^2 / a),   each part weighted by 1 / (mu + a0)^2

    p is the share that the part itself had in its expectation. The weights are the best ones for a shape of
    a0, and bound what a single part can do (Buhlmann and Gisler, A Course in Credibility Theory and its
    Applications, 2005, section 4.8, for the estimator with other weights).

    Args:
        units: (parts,) Y, with the variance of a Poisson given their rates.
        expected: (parts,) mu, 0 where nothing was to be expected.
        leverage: (parts,) p in [0, 1].
        guess: a0.
    """
    weight = (expected > 0) / (expected + guess) ** 2
    excess = float(weight @ ((units - expected) ** 2 - (1.0 - leverage) * expected))
    seen = float(weight @ ((1.0 - leverage) * expected**2))
    relative = (excess + 1.0 / SHAPE_BEFORE) / (seen + 1.0)
    return min(max(1.0 / relative, SHAPES[0]), SHAPES[1]) if relative > 0 else SHAPES[1]


def sums_by(index: Indices, values: npt.ArrayLike, n: int) -> Floats:
    """Sums of values over the members of each of n groups."""
    return np.asarray(np.bincount(index, np.asarray(values, dtype=np.float64), n), dtype=np.float64)


def thinning(expected: Floats, shape: float) -> Floats:
    """How far a part speaks for its whole: omega = a / (a + mu).

    Units that are negative binomial with mean mu and size a have, thinned by omega, a variance equal to their
    mean, as a Poisson's have: so the same step serves every rung.
    """
    return np.asarray(shape / (shape + expected), dtype=np.float64)


def shrunk(units: Floats, base: Floats, mean: Floats, shape: float) -> Floats:
    """Posterior mean of a rate with a gamma prior: (a + Y) / (a / m + B)."""
    return np.asarray((units + shape) / (base + shape / np.maximum(mean, _LEAST)), dtype=np.float64)


def climb(
    units: Floats,
    base: Floats,
    parents: Sequence[Indices],
    *,
    top: float | None = None,
    before: tuple[Rung, ...] | None = None,
) -> tuple[Rung, ...]:
    """Settle a ladder of parts within wholes, such as styles within kinds within a category.

        Y_j ~ Poisson(m_j B_j),   m_j ~ Gamma(mean m_parent, shape a_rung)
        m_j = (Y_j + a) / (B_j + a / m_parent)

    upwards with every part thinned to what it says about its whole, then downwards: hierarchical credibility
    (Jewell, The use of collateral data in credibility theory: a hierarchical model, 1975). A part without
    base has its whole's mean and the widest doubt.

    Args:
        units: (parts,) of the lowest rung.
        base: (parts,) units at a rate of one; some of it positive when `top` is None.
        parents: for each rung, from the lowest, the index of each part's whole on the rung above; those of
            the highest are all 0.
        top: the mean above the highest rung; estimated when None.
        before: the same ladder settled on nearly the same numbers, to start from.

    Returns:
        The rungs, lowest first.
    """
    shapes = [rung.shape for rung in before] if before else _first_shapes(base, parents)
    above = _pooled(units, base, parents, shapes, top)
    if before:
        above[:-1] = [rung.mean for rung in before[1:]]
    sums = _upwards(units, base, parents, above, shapes, anchored=top is not None)
    return tuple(_downwards(sums, parents, shapes, top))


def _counts(parents: Sequence[Indices]) -> list[int]:
    """Number of wholes above each rung."""
    return [*(len(rung) for rung in parents[1:]), 1]


def _rate(units: Floats, base: Floats) -> float:
    """Units over base of everything, never quite 0."""
    return max(float(units.sum() / base.sum()), _LEAST)


def _first_shapes(base: Floats, parents: Sequence[Indices]) -> list[float]:
    """A shape for each rung; a whole that is the only one with base does not differ from what is above it."""
    shapes, seen = [SHAPE_BEFORE], base > 0
    for parent, count in zip(parents[:-1], _counts(parents), strict=False):
        seen = sums_by(parent, seen, count) > 0
        shapes.append(SHAPE_BEFORE if np.count_nonzero(seen) > 1 else NO_SPREAD)
    return shapes


def _pooled(
    units: Floats, base: Floats, parents: Sequence[Indices], shapes: list[float], top: float | None
) -> list[Floats]:
    """A first idea of the means above each rung: sums over sums, held by a unit to that of everything."""
    overall = np.full(1, top if top is not None else _rate(units, base))
    above, y, b = [], units, base
    for parent, count, shape in zip(parents[:-1], _counts(parents), shapes[1:], strict=False):
        y, b = sums_by(parent, y, count), sums_by(parent, b, count)
        above.append(shrunk(y, b, overall, 1.0 if shape < NO_SPREAD else shape))
    return [*above, overall]


def _upwards(
    units: Floats,
    base: Floats,
    parents: Sequence[Indices],
    above: list[Floats],
    shapes: list[float],
    *,
    anchored: bool,
) -> list[tuple[Floats, Floats]]:
    """Units and base of each rung and of the top; `shapes` are moved to what each rung shows."""
    sums = [(units, base)]
    for rung, (parent, count) in enumerate(zip(parents, _counts(parents), strict=True)):
        y, b = sums[-1]
        if shapes[rung] < NO_SPREAD:
            expected = b * above[rung][parent]
            told = thinning(expected, shapes[rung]) * expected
            everyone = sums_by(parent, told, count)[parent] + _held(shapes[rung + 1 :], anchored=anchored)
            leverage = np.divide(told, everyone, out=np.zeros_like(told), where=everyone > 0)
            # Half way: rungs of few parts cannot tell whose spread it is, and would pass it to and fro.
            shapes[rung] = math.sqrt(shapes[rung] * spread_shape(y, expected, leverage, shapes[rung]))
            speaks = thinning(expected, shapes[rung])
            y, b = speaks * y, speaks * b
        sums.append((sums_by(parent, y, count), sums_by(parent, b, count)))
    return sums


def _held(above: Sequence[float], *, anchored: bool) -> float:
    """Units' worth by which wholes are held to what is above them."""
    differing = [shape for shape in above if shape < NO_SPREAD]
    return differing[0] if differing else math.inf if anchored else 0.0


def _downwards(
    sums: list[tuple[Floats, Floats]], parents: Sequence[Indices], shapes: list[float], top: float | None
) -> list[Rung]:
    """Means and doubts of each rung, lowest first."""
    mean = np.full(1, _rate(*sums[-1]) if top is None else top)
    doubt = 1.0 / (1.0 + sums[-1][0]) if top is None else np.zeros(1)
    rungs: list[Rung] = []
    for (units, base), parent, shape in reversed(list(zip(sums, parents, shapes, strict=False))):
        before = mean[parent]
        inherited = thinning(base * before, shape)
        mean, doubt = shrunk(units, base, before, shape), 1.0 / (shape + units) + inherited**2 * doubt[parent]
        rungs.append(Rung(mean, doubt, shape))
    return rungs[::-1]
