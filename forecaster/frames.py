"""The one edge where frames are checked, so that everything inside may trust its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.errors import PanelError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt


def require_columns(frame: pd.DataFrame, name: str, columns: Iterable[str]) -> None:
    """Refuse a frame that lacks a column.

    Raises:
        PanelError: names the first missing column and the columns that are there.
    """
    for column in columns:
        if column not in frame.columns:
            raise PanelError(name, column, f"missing; columns are {', '.join(map(str, frame.columns))}")


def require_unique(frame: pd.DataFrame, name: str, key: list[str]) -> None:
    """Refuse a frame with two rows for one key.

    Raises:
        PanelError: with the number of repeated rows and one example.
    """
    repeated = frame.duplicated(key)
    if repeated.any():
        example = tuple(frame.loc[repeated, key].iloc[0])
        raise PanelError(name, "+".join(key), f"{int(repeated.sum())} repeated rows, for example {example}")


def numbers(
    frame: pd.DataFrame, name: str, column: str, *, low: float = -np.inf, high: float = np.inf
) -> npt.NDArray[np.float64]:
    """A column as finite floats within [low, high].

    Raises:
        PanelError: when a value is missing, not a number or out of range, with a count and an example.
    """
    try:
        values = frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise PanelError(name, column, f"not numeric: {error}") from error
    bad = ~np.isfinite(values) | (values < low) | (values > high)
    if bad.any():
        raise PanelError(
            name,
            column,
            f"{int(bad.sum())} values outside [{low:g}, {high:g}], for example {values[bad][0]!r}",
        )
    return values


def days(frame: pd.DataFrame, name: str, column: str) -> npt.NDArray[np.datetime64]:
    """A column of dates as datetime64[D].

    Raises:
        PanelError: when a value is missing or is not a date.
    """
    try:
        stamps = pd.to_datetime(frame[column])
    except (TypeError, ValueError) as error:
        raise PanelError(name, column, f"not dates: {error}") from error
    if stamps.isna().any():
        raise PanelError(name, column, f"{int(stamps.isna().sum())} missing dates")
    return stamps.to_numpy().astype("datetime64[D]")
