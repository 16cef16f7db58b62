"""Stock that the books show and no shelf holds: runs without a sale that the model cannot believe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

CHANCE: Final = 0.01
"""A series is wrongly suspected with at most this probability, over its whole history."""

_FEWEST_WEEKS = 2
_NO_MEAN = 1e-12


def log_chance_of_none(expected: Floats, size: Floats | float) -> Floats:
    """Logarithm of P(D = 0) for a negative binomial: -r log(1 + m / r)."""
    return np.asarray(-size * np.log1p(expected / size), dtype=np.float64)


def phantom_stock(
    units: Floats, expected: Floats, exposure: Floats, dispersion: float, suspected: Flags | None = None
) -> Flags:
    """Weeks in which stock was on the books and nobody could have bought it.

    A run is a stretch of weeks without a sale, weeks without exposure passed over. Its probability is that
    of zeros alone, product of P(D = 0) over its exposed weeks. Every week could begin such a run, so at first
    a run counts when

        weeks exposed * P(run) < CHANCE

    and it has at least two exposed weeks; a busy item without a sale for one week may have stood in a box.
    Where many runs are suspected already, less proof is asked of the next: with rho the share of weeks in
    which a suspected run began, phantom stock is the likelier reason as soon as P(run) < rho.

    Args:
        units: (n, t) sold.
        expected: (n, t) expected units given exposure.
        exposure: (n, t) by the books.
        dispersion: size r of a week.
        suspected: (n, t) flags of an earlier look, whose fit `expected` comes from.

    Returns:
        (n, t) flags, only where exposure > 0.
    """
    shown = exposure > 0
    silent = shown & (units <= 0)
    log_chance = np.where(silent, log_chance_of_none(np.maximum(expected, _NO_MEAN), dispersion), 0.0)
    n, t = units.shape
    # Every week with a sale ends a run; runs are numbered through, series after series.
    run = np.cumsum((units > 0) & shown, axis=1) + np.arange(n)[:, None] * (t + 1)
    run_of = run.ravel()
    chance = np.bincount(run_of, log_chance.ravel(), minlength=n * (t + 1))
    weeks = np.bincount(run_of, silent.ravel().astype(np.float64), minlength=n * (t + 1))
    allowed = np.log(CHANCE / np.maximum(shown.sum(axis=1), 1))
    if suspected is not None and suspected.any():
        begun = len(np.unique(run_of[suspected.ravel()]))
        allowed = np.maximum(allowed, np.log(begun / max(int(shown.sum() - suspected.sum()), 1)))
    suspect = (chance[run] < allowed[:, None]) & (weeks[run] >= _FEWEST_WEEKS)
    return np.asarray(suspect & silent)
