"""The name of a season in an alert's identity: the same every night, another every year."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

ALL_YEAR: Final = "all-year"
"""Season of what has no selling window: one live alert, not one per year."""


def season_identity(season_code: str, floor_set: pd.Timestamp | None, leaving: pd.Timestamp | None) -> str:
    """The season's name in a fingerprint: the same every night, another every year.

    Example:
        >>> season_identity("swim", pd.Timestamp("2026-02-01"), pd.Timestamp("2026-07-05"))
        'swim-2026'
        >>> season_identity("FW26", pd.Timestamp("2026-08-01"), pd.Timestamp("2027-01-31"))
        'FW26'
    """
    if floor_set is None or leaving is None:
        return season_code or ALL_YEAR
    years = {floor_set.year, leaving.year}
    named = any(str(year) in season_code or season_code.endswith(f"{year % 100:02d}") for year in years)
    return season_code if named and season_code else f"{season_code or 'season'}-{leaving.year}"


def seasons_of(rows: pd.DataFrame) -> pd.Categorical:
    """`season_identity` of every row with season_code, floor_set and exit, worked out once per season."""
    key = ["season_code", "floor_set", "exit"]
    season = rows.groupby(key, sort=False, dropna=False).ngroup().to_numpy()
    each = rows[key].drop_duplicates().itertuples(index=False, name=None)
    names = np.array(
        [season_identity(code, *(None if pd.isna(day) else day for day in window)) for code, *window in each],
        dtype=object,
    )
    code, distinct = pd.factorize(names)
    index: pd.Index[Any] = pd.Index(distinct)
    return pd.Categorical.from_codes(code[season], index)
