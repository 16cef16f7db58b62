"""How far stores lie from each other, which is next, and the way from one to the next."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from forecaster.errors import PanelError
from forecaster.frames import require_columns, require_unique

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]
    Flags = npt.NDArray[np.bool_]

EARTH_RADIUS_MILES: Final = 3958.7613
"""Mean radius (IUGG)."""

_MOST_LATITUDE, _MOST_LONGITUDE = 90.0, 180.0


def miles_apart(
    latitude: npt.ArrayLike, longitude: npt.ArrayLike, to_latitude: npt.ArrayLike, to_longitude: npt.ArrayLike
) -> Floats:
    """Great-circle miles between points in degrees, broadcast.

        d = 2 R asin sqrt( sin^2(dphi / 2) + cos phi_1 cos phi_2 sin^2(dlambda / 2) )

    The haversine formula (Sinnott, Virtues of the haversine, Sky and Telescope 68, 1984). Roads are longer.
    """
    phi_1, lambda_1, phi_2, lambda_2 = (
        np.radians(np.asarray(v, dtype=np.float64)) for v in (latitude, longitude, to_latitude, to_longitude)
    )
    half = np.sin((phi_2 - phi_1) / 2) ** 2
    half = half + np.cos(phi_1) * np.cos(phi_2) * np.sin((lambda_2 - lambda_1) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_MILES * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))))


@dataclass(frozen=True)
class StoreMap:
    """Where n stores stand.

    Attributes:
        names: (n,) store.
        kind: (n,) ``store``, ``dc``, ``online`` or ``outlet``.
        miles: (n, n) from each to each; infinite where a place is not known.
    """

    names: pd.Index[str]
    kind: npt.NDArray[np.object_]
    miles: Floats

    @classmethod
    def of(cls, stores: pd.DataFrame) -> StoreMap:
        """The map of stores.

        Args:
            stores: store, latitude, longitude (degrees, NaN where unknown); kind (``store`` if absent).

        Raises:
            PanelError: a column is missing, a store repeated, or a place not on earth.
        """
        require_columns(stores, "stores", ["store", "latitude", "longitude"])
        require_unique(stores, "stores", ["store"])
        latitude = _degrees(stores, "latitude", _MOST_LATITUDE)
        longitude = _degrees(stores, "longitude", _MOST_LONGITUDE)
        miles = miles_apart(latitude[:, None], longitude[:, None], latitude[None, :], longitude[None, :])
        kind = stores["kind"].astype(str) if "kind" in stores.columns else pd.Series(["store"] * len(stores))
        return cls(
            pd.Index(stores["store"].astype(str)),
            kind.to_numpy(dtype=object),
            np.where(np.isnan(miles), np.inf, miles),
        )

    def only(self, kept: Flags) -> StoreMap:
        """The map of some of its stores, (n,)."""
        return StoreMap(self.names[kept], self.kind[kept], self.miles[np.ix_(kept, kept)])

    @cached_property
    def nearest(self) -> Indices:
        """(n, n) stores in order of their distance from each, itself first; ties in the order given."""
        from_itself = self.miles.copy()
        np.fill_diagonal(from_itself, -1.0)
        return np.argsort(from_itself, axis=1, kind="stable")

    def walks(self, most_stores: int) -> tuple[Indices, Floats]:
        """The way a customer goes from each store, always on to the nearest one not visited yet.

        Returns:
            (n, m) stores in order, the first one where the walk starts, and the (n, m) miles gone when each
            is reached, m = the smaller of n and most_stores. A store that cannot be reached is infinitely
            far.
        """
        n = len(self.names)
        length = min(n, max(most_stores, 1))
        start = np.arange(n)
        order, gone = np.zeros((n, length), dtype=np.intp), np.zeros((n, length))
        if not n:
            return order, gone
        order[:, 0] = start
        ahead = np.ones((n, n), dtype=bool)
        ahead[start, start] = False
        for step in range(1, length):
            leg = np.where(ahead, self.miles[order[:, step - 1]], np.inf)
            # Where nothing else can be reached, any store left will do: it is infinitely far.
            next_one = np.where(np.isfinite(leg).any(axis=1), leg.argmin(axis=1), ahead.argmax(axis=1))
            gone[:, step] = gone[:, step - 1] + leg[start, next_one]
            ahead[start, next_one] = False
            order[:, step] = next_one
        return order, gone


def nearest_with(
    store_map: StoreMap, rows: Indices, of_row: Indices, has: Flags, most: int
) -> tuple[Indices, Indices]:
    """The nearest stores that have something, for each of many rows.

    Args:
        store_map: of n stores.
        rows: (r,) store from which each row looks.
        of_row: (r,) which line of `has` each row looks at.
        has: (lines, n) whether a store has it.
        most: how many are looked for.

    Returns:
        Row and store of each one found: at most `most` per row, within reach, never the row's own store; the
        nearest first within a row.
    """
    n = len(store_map.names)
    block = max(_BLOCK // max(n, 1), 1)
    found = [
        _nearest_with(store_map, rows[start : start + block], of_row[start : start + block], has, most, start)
        for start in range(0, len(rows), block)
    ]
    if not found:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    row, store = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return row, store


_BLOCK: Final = 1 << 22
"""Row x store pairs looked at together: tens of megabytes."""


def _nearest_with(
    store_map: StoreMap, rows: Indices, of_row: Indices, has: Flags, most: int, start: int
) -> tuple[Indices, Indices]:
    order = store_map.nearest[rows, 1:]
    there = has[of_row[:, None], order] & np.isfinite(store_map.miles[rows[:, None], order])
    there &= np.cumsum(there, axis=1) <= most
    row, place = np.nonzero(there)
    return row + start, order[row, place]


def _degrees(stores: pd.DataFrame, column: str, most: float) -> Floats:
    try:
        values = pd.to_numeric(stores[column]).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise PanelError("stores", column, f"not numeric: {error}") from error
    if (np.abs(values) > most).any():
        raise PanelError("stores", column, f"{int((np.abs(values) > most).sum())} beyond {most:g} degrees")
    return values
