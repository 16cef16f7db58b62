"""Whose season a young category starts from: the other categories of its department."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from forecaster.frames import require_columns
from forecaster.year import year_fraction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from forecaster.category import CategoryModel
    from forecaster.panel import CategoryBlock

    Floats = npt.NDArray[np.float64]

YOUNG_WEEKS: Final = 52
"""A category knows its own season when its first week on a shelf is a year ago."""

_WEEKS = 52
_NO_SEASON = 1e-6


def is_young(block: CategoryBlock) -> bool:
    """Whether the category was first on a shelf less than a year ago."""
    shown = (block.exposure > 0).any(axis=0)
    return bool(shown.any()) and float(block.age[shown].max(initial=0.0)) < YOUNG_WEEKS - 1


def mature_first(blocks: Iterable[CategoryBlock]) -> list[tuple[CategoryBlock, bool]]:
    """Categories with whether each is young, those that know their season first."""
    return sorted(((block, is_young(block)) for block in blocks), key=lambda pair: pair[1])


def kin_of(
    block: CategoryBlock,
    models: Mapping[str, CategoryModel],
    products: pd.DataFrame | None,
    kindred: pd.DataFrame | None,
) -> Floats | None:
    """Mean log season of a young category's kin.

    Args:
        block: the young category.
        models: fitted categories of the same panel.
        products: as returned by `read_products`; tells the departments.
        kindred: category, climate_zone, week, season of categories of the department from elsewhere, or None.

    Returns:
        (zones, 52) by week of the calendar year; a zone that no kin knows gets the mean of all zones. None
        without kin.
    """
    frames = [] if kindred is None else [kindred]
    frames += [
        _curves(model) for name, model in models.items() if _same_department(block, name, models, products)
    ]
    told = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    if told.empty:
        return None
    require_columns(told, "kindred", ("category", "climate_zone", "week", "season"))
    told = told[told["category"] != block.category]
    if told.empty:
        return None
    place = (year_fraction(told["week"].to_numpy()) * _WEEKS).astype(int) % _WEEKS
    height = np.log(np.maximum(told["season"].to_numpy(dtype=np.float64), _NO_SEASON))
    table = pd.DataFrame(
        {"zone": told["climate_zone"].astype(str).to_numpy(), "place": place, "height": height}
    )
    by_zone = table.pivot_table(index="zone", columns="place", values="height", aggfunc="mean")
    by_zone = by_zone.reindex(columns=range(_WEEKS)).interpolate(axis=1, limit_direction="both")
    chain = by_zone.mean(axis=0)
    rows = [by_zone.loc[zone] if zone in by_zone.index else chain for zone in block.zones]
    return np.array([row.to_numpy(dtype=np.float64) for row in rows])


def _same_department(
    block: CategoryBlock, other: str, models: Mapping[str, CategoryModel], products: pd.DataFrame | None
) -> bool:
    """Whether another fitted category is of the same, named, department."""
    if products is None or "department" not in products.columns:
        return False
    department = products.set_index("sku")["department"]
    own = department.reindex(list(block.sku_names)).dropna()
    own = own[own != ""]
    theirs = department.reindex(list(models[other].sku_names)).dropna()
    return bool(len(own)) and bool(theirs.isin(own.unique()).any())


def _curves(model: CategoryModel) -> pd.DataFrame:
    """A fitted category's season over the last year of its history."""
    first = model.week[-1] - np.timedelta64(7 * (_WEEKS - 1), "D")
    weeks = first + np.arange(_WEEKS) * np.timedelta64(7, "D")
    told = model.tell(weeks)
    return pd.DataFrame(
        {
            "category": model.category,
            "climate_zone": np.repeat(np.array(model.zones, dtype=object), _WEEKS),
            "week": np.tile(weeks.astype("datetime64[s]"), len(model.zones)),
            "season": told.season.ravel(),
        }
    )
