"""From columns to the plain values that a record keeps as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_DECIMALS = 2


def plain(value: Any) -> Any:
    """A value as JSON knows it: whole numbers, others with two decimals, days as text, gaps as None."""
    if isinstance(value, (pd.Timestamp, np.datetime64)):
        return None if pd.isna(value) else f"{pd.Timestamp(value):%Y-%m-%d}"
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return round(float(value), _DECIMALS) if np.isfinite(value) else None
    return None if value is pd.NaT else value


def listed(rows: pd.DataFrame, by: str, fields: Sequence[str]) -> dict[Any, list[dict[str, Any]]]:
    """The rows of each group as plain values, in their order."""
    found: dict[Any, list[dict[str, Any]]] = {}
    for group, values in zip(rows[by], zip(*(rows[name] for name in fields), strict=True), strict=True):
        found.setdefault(group, []).append(dict(zip(fields, map(plain, values), strict=True)))
    return found


def as_column(values: Sequence[Any]) -> npt.NDArray[np.object_]:
    """Values of any kind as a column, one in each row."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
