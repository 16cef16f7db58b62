"""How many customers take another sku of the same need when theirs is gone, read off such weeks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.credibility import sums_by
from forecaster.frames import days, numbers, require_columns
from forecaster.needs import need_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]
    Flags = npt.NDArray[np.bool_]

MOST = 0.9
"""Nobody's every customer takes something else."""

DEFAULT_SHARE, DEFAULT_SPREAD = 0.4, 0.15
"""What is supposed before any sale, and how far a category may lie from it. Asked what they do, between 20%
(cosmetics) and 50% (paper towels) of customers in ten trades take another item of the same or another brand
(Gruen, Corsten and Bharadwaj, Retail Out of Stocks, Grocery Manufacturers of America, 2002); no such figures
are known for clothing, and the spread is a judgement."""

_FEWEST_WEEKS = 20
_CALM_UNITS = 5.0


def substitution_share(
    panel: pd.DataFrame, products: pd.DataFrame, *, default: float = DEFAULT_SHARE
) -> pd.DataFrame:
    """Substitution share of each category, measured where the data allow, shrunk to `default`.

    In a store and week in which skus of a need are gone, with M their expected demand, the others should sell
    their expectation and a share of M:

        E[Y_t] = c E_t + sigma M_t,   Var = phi c E_t

    c is how the same need sold in the same store against expectation in weeks with nothing gone, so that
    levels which are off do not pass for substitution. sigma is the weighted least squares estimate over all
    needs and stores of the category, combined with a prior of mean `default` and spread `DEFAULT_SPREAD`.
    A sku counts as gone in weeks without any exposure between its first and last week on the shelf. Weeks it
    sold out in are left aside: they sold out because many came.

    Args:
        panel: store, sku, category, week, units, exposure, expected (units of a full week at the price of the
            week, as the model tells them).
        products: as `need_of` takes; a sku it lacks is left out.
        default: share supposed without data.

    Returns:
        category, share in [0, `MOST`], standard_error, basis (``measured`` or ``configured``), weeks (store x
        need weeks with something gone and something left), missing (units M of those weeks), measured (the
        estimate before shrinkage, NaN without one); sorted by category.
    """
    require_columns(panel, "panel", ["store", "sku", "category", "week", "units", "exposure", "expected"])
    cells = _cells(panel, products)
    rows = [_of_category(str(name), part, default) for name, part in cells.groupby("category", sort=True)]
    columns = ["category", "share", "standard_error", "basis", "weeks", "missing", "measured"]
    return pd.DataFrame(rows, columns=columns)


def _cells(panel: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Store x need x week: units sold and expected of what is there, missing of what is not."""
    needs = need_of(products).set_index("sku")["need"]
    need = panel["sku"].astype(str).map(needs)
    week = days(panel, "panel", "week").astype(np.int64)
    exposure = numbers(panel, "panel", "exposure", low=0, high=1)
    expected = numbers(panel, "panel", "expected", low=0)
    units = numbers(panel, "panel", "units", low=0)
    gone = _gone(panel, week, exposure)
    table = pd.DataFrame(
        {
            "category": panel["category"].astype(str).to_numpy(),
            "store": panel["store"].to_numpy(),
            "need": need.to_numpy(),
            "week": week,
            "units": np.where(exposure > 0, units, 0.0),
            "expected": exposure * expected,
            "missing": np.where(gone, expected, 0.0),
            "there": exposure,
        }
    )
    known = table[need.notna().to_numpy()]
    sums = dict.fromkeys(("units", "expected", "missing"), "sum")
    cells = known.groupby(["category", "store", "need", "week"], sort=True)
    summed = cells.agg(sums | {"there": "max"}).reset_index()
    # Who comes while nothing of the need hangs there cannot take something else.
    summed = summed.assign(missing=summed["missing"] * summed["there"], calm=summed["missing"] == 0)
    return summed.assign(group=summed.groupby(["store", "need"]).ngroup())


def _gone(panel: pd.DataFrame, week: npt.NDArray[np.int64], exposure: Floats) -> Flags:
    """Rows without exposure between the first and the last exposed week of their series."""
    series = pd.MultiIndex.from_frame(panel[["store", "sku"]]).factorize()[0]
    n = int(series.max(initial=-1)) + 1
    shown = exposure > 0
    first, last = np.full(n, np.iinfo(np.int64).max), np.full(n, np.iinfo(np.int64).min)
    np.minimum.at(first, series[shown], week[shown])
    np.maximum.at(last, series[shown], week[shown])
    return np.asarray(~shown & (week > first[series]) & (week < last[series]), dtype=np.bool_)


def _of_category(category: str, cells: pd.DataFrame, default: float) -> dict[str, object]:
    """One category's row."""
    units, expected, missing = (
        cells[name].to_numpy(dtype=np.float64) for name in ("units", "expected", "missing")
    )
    group = cells["group"].to_numpy(dtype=np.intp)
    n = int(group.max(initial=-1)) + 1
    calm = cells["calm"].to_numpy(dtype=np.bool_) & (expected > 0)
    calm_units, calm_expected = (sums_by(group, np.where(calm, v, 0.0), n) for v in (units, expected))
    ratio = (calm_units + _CALM_UNITS) / (calm_expected + _CALM_UNITS)
    foreseen = ratio[group] * expected
    missing = ratio[group] * missing
    telling = (missing > 0) & (expected > 0) & (calm_expected[group] >= _CALM_UNITS)
    row: dict[str, object] = {
        "category": category, "share": min(default, MOST), "standard_error": DEFAULT_SPREAD,
        "basis": "configured", "weeks": int(telling.sum()), "missing": float(missing[telling].sum()),
        "measured": np.nan,
    }  # fmt: skip
    if telling.sum() < _FEWEST_WEEKS:
        return row
    dispersion = max(1.0, float(np.mean((units[calm] - foreseen[calm]) ** 2 / foreseen[calm])))
    weight = 1.0 / (dispersion * foreseen[telling])
    gone = missing[telling]
    information = float(weight @ gone**2)
    measured = float(weight @ (gone * (units[telling] - foreseen[telling]))) / information
    before = DEFAULT_SPREAD**-2
    share = (information * measured + before * default) / (information + before)
    return row | {
        "share": float(np.clip(share, 0.0, MOST)), "standard_error": (information + before) ** -0.5,
        "basis": "measured", "measured": measured,
    }  # fmt: skip
