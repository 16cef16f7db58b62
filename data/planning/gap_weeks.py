"""The gap of a night added up by category, climate zone and week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from data.selling_windows import resolve
from forecaster.evidence import Evidence

if TYPE_CHECKING:
    import numpy.typing as npt

    from data.facts.store import Snapshot

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.intp]

COLUMNS: Final = [
    "category", "climate_zone", "week", "demand_units", "demand_money", "lost_units", "lost_money",
    "before_units", "in_season_units", "after_units", "on_floor", "evidence",
]  # fmt: skip
_PHASES: Final = {
    "before_units": "before_floor_set", "in_season_units": "in_season", "after_units": "after_exit",
}  # fmt: skip
_EVIDENCE: Final = tuple(str(word) for word in Evidence)
_YEAR: Final = pd.Timedelta(weeks=52)
_WEEK_DAYS: Final = 7.0
_MOST_PAST_WEEKS: Final = 40
_EPOCH: Final = date(1970, 1, 1)


def weeks_ahead(gap: pd.DataFrame, products: pd.DataFrame, stores: pd.DataFrame) -> pd.DataFrame:
    """Add up what the coming weeks ask for and do not find.

    Args:
        gap: as `forecaster.expected_gap` tells it.
        products: sku, style, category, regular_price (money; nothing where it is missing).
        stores: store, climate_zone.

    Returns:
        The columns of `GapWeek` but for its date, a row per category, zone and week, and for the chain ('').
        Stores without a zone count in the chain only.
    """
    if gap.empty:
        return pd.DataFrame(columns=COLUMNS)
    store, stores_there = pd.factorize(gap["store"])
    sku, skus_there = pd.factorize(gap["sku"])
    of_sku = products.set_index("sku").loc[skus_there]
    zone = stores.set_index("store").loc[stores_there, "climate_zone"].to_numpy()[store]
    style, _ = pd.factorize(of_sku["style"])
    price = of_sku["regular_price"].fillna(0.0).to_numpy(dtype=np.float64)[sku]
    phase = gap["phase"].to_numpy()
    rows = _Rows.of(of_sku["category"].to_numpy()[sku], zone, gap["week"])
    lost, demand = gap["lost"].to_numpy(), gap["demand"].to_numpy()
    pair = pd.factorize(store * np.int64(style.max() + 1) + style[sku])[0]
    return rows.told(
        sums={
            "demand_units": demand,
            "demand_money": demand * price,
            "lost_units": lost,
            "lost_money": lost * price,
            **{name: np.where(phase == told, lost, 0.0) for name, told in _PHASES.items()},
        },
        evidence=gap["evidence"].to_numpy(),
        demand=demand,
        on_floor=rows.share_of(pair, phase == "in_season"),
    )


def weeks_past(
    snapshot: Snapshot,
    products: pd.DataFrame,
    calendar: pd.DataFrame,
    *,
    as_of: date,
    first_week: date,
) -> pd.DataFrame:
    """The same of the weeks since the floor-set of the seasons in force.

    Nothing was foretold of them, so the same weeks of the coming year say what they asked for; what found
    nothing is the share of the week in which it could not be bought.

    Args:
        snapshot: the facts with the panel and the forecasts of the night.
        products: sku, style, category, regular_price.
        calendar: as `data.selling_windows.calendar_frame` gives it.
        as_of: last business date known.
        first_week: first day of the first week ahead.
    """
    current = calendar[_in_force(calendar, as_of)]
    earliest = pd.Timestamp(first_week) - pd.Timedelta(weeks=_MOST_PAST_WEEKS)
    since = max(current["floor_set"].min(), earliest) if len(current) else pd.Timestamp(first_week)
    sums = snapshot.query(_past_statement(as_of, since.date(), first_week))
    if sums.empty:
        return pd.DataFrame(columns=COLUMNS)
    described = sums.merge(products[["sku", "style", "regular_price"]], on="sku")
    windows = _zone_windows(described, calendar, as_of)
    described = described.merge(windows, on=["style", "climate_zone"])
    return _told_past(described[described["week"] + pd.Timedelta(days=6) >= described["floor_set"]])


def _past_statement(as_of: date, since: date, first_week: date) -> str:
    """Demand of the same weeks of the coming year, and what of it was not there this year, by zone.

    A series without a row in a week was not there; before its first row it did not exist.
    """
    return f"""
        WITH coming AS (
            SELECT store_id, sku, category, arrow_cast(week, 'Int32') - 364 AS day, mean, evidence
            FROM forecasts WHERE as_of = DATE '{as_of}'
        ), lives AS (
            SELECT store_id, sku, max(climate_zone) AS climate_zone, arrow_cast(min(week), 'Int32') AS since
            FROM panel GROUP BY store_id, sku
        ), there AS (
            SELECT store_id, sku, arrow_cast(week, 'Int32') AS day,
                   least(greatest(exposure, 0), 1) AS exposure
            FROM panel WHERE week > DATE '{since}' - INTERVAL '7 days'
        )
        SELECT category, climate_zone, coming.sku, arrow_cast(coming.day, 'Date32') AS week, evidence,
               sum(mean) AS demand, sum(mean * (1 - coalesce(exposure, 0))) AS lost
        FROM coming
        JOIN lives ON coming.store_id = lives.store_id AND coming.sku = lives.sku
        LEFT JOIN there ON coming.store_id = there.store_id AND coming.sku = there.sku
                       AND coming.day = there.day
        WHERE coming.day >= lives.since AND coming.day > {_number(since)} - 7
          AND coming.day < {_number(first_week)}
        GROUP BY 1, 2, 3, 4, 5
    """


def _number(day: date) -> int:
    """Days since 1970."""
    return (day - _EPOCH).days


def _zone_windows(rows: pd.DataFrame, calendar: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """When the season in force of every style in every zone began: style, climate_zone, floor_set."""
    places = rows[["style", "category", "climate_zone"]].drop_duplicates()
    # A zone stands for its stores here: rows that name a store are no zone's.
    ranged = places.rename(columns={"style": "style_id"}).assign(store_id=places["climate_zone"])
    found = resolve(calendar[calendar["store_id"] == ""], ranged)
    now = found[_in_force(found, as_of)].sort_values("exit").drop_duplicates(["store_id", "style_id"])
    named = now.rename(columns={"style_id": "style", "store_id": "climate_zone"})
    return named[["style", "climate_zone", "floor_set"]]


def _in_force(windows: pd.DataFrame, as_of: date) -> pd.Series[bool]:
    day = pd.Timestamp(as_of)
    return (windows["floor_set"] <= day) & (windows["exit"] > day)


def _told_past(rows: pd.DataFrame) -> pd.DataFrame:
    if rows.empty:
        return pd.DataFrame(columns=COLUMNS)
    price = rows["regular_price"].fillna(0.0).to_numpy(dtype=np.float64)
    demand, lost = rows["demand"].to_numpy(), rows["lost"].to_numpy()
    days_before = (rows["floor_set"] - rows["week"]).dt.days.clip(0, 7).to_numpy()
    before = np.minimum(lost, demand * days_before / _WEEK_DAYS)
    place = pd.factorize(rows["style"])[0]
    cells = _Rows.of(rows["category"].to_numpy(), rows["climate_zone"].to_numpy(), rows["week"])
    return cells.told(
        sums={
            "demand_units": demand,
            "demand_money": demand * price,
            "lost_units": lost,
            "lost_money": lost * price,
            "before_units": before,
            "in_season_units": lost - before,
            "after_units": np.zeros(len(rows)),
        },
        evidence=rows["evidence"].to_numpy(),
        demand=demand,
        on_floor=cells.share_of(place, days_before < _WEEK_DAYS),
    )


@dataclass(frozen=True)
class _Rows:
    """Rows of one category, zone and week each.

    `cell`: the rows' cells of category x zone x week, `shape` many of each; `names`: what they are called.
    """

    cell: Codes
    shape: tuple[int, int, int]
    names: tuple[Any, Any, Any]

    @classmethod
    def of(cls, category: Any, zone: Any, week: pd.Series[Any]) -> _Rows:
        """Rows by their names."""
        coded = [pd.factorize(values, sort=True) for values in (category, zone, week)]
        shape = tuple(max(len(names), 1) for _, names in coded)
        cell = np.ravel_multi_index([codes for codes, _ in coded], shape)
        return cls(cell, shape, tuple(names for _, names in coded))  # type: ignore[arg-type]

    def told(self, sums: dict[str, Floats], evidence: Any, demand: Floats, on_floor: Floats) -> pd.DataFrame:
        """A row per cell with anything in it, and those of the chain.

        Args:
            sums: values of the rows to be added up, by column.
            evidence: what each row is told from.
            demand: units of each row.
            on_floor: (2, categories, zones, weeks) as `share_of` counts.
        """
        counted = self._summed(np.ones(len(self.cell)))
        tables = {name: self._with_chain(self._summed(values)) for name, values in sums.items()}
        label = np.stack([self._with_chain(self._summed(demand * (evidence == word))) for word in _EVIDENCE])
        there, all_of_them = (self._with_chain(counts) for counts in on_floor)
        known = self._with_chain(counted) > 0
        # Stores without a zone are the chain's only.
        known[:, 1:][:, np.asarray(self.names[1]) == ""] = False
        category, zone, week = np.nonzero(known)
        names = np.array(["", *self.names[1]], dtype=object)
        return pd.DataFrame(
            {
                "category": np.asarray(self.names[0], dtype=object)[category],
                "climate_zone": names[zone],
                "week": pd.DatetimeIndex(self.names[2])[week],
                **{name: table[known] for name, table in tables.items()},
                "on_floor": there[known] / np.maximum(all_of_them[known], 1.0),
                "evidence": np.array(_EVIDENCE, dtype=object)[label.argmax(axis=0)[known]],
            }
        )[COLUMNS]

    def share_of(self, place: Codes, there: npt.NDArray[np.bool_]) -> Floats:
        """How many of the places of each cell are there, and how many there are, (2, *shape).

        Args:
            place: the place of each row; several rows of a cell may be of one.
            there: whether it is, by what the row says; one row is enough.
        """
        key = self.cell * (np.int64(place.max(initial=0)) + 1) + place
        codes, unique = pd.factorize(key)
        any_there = np.zeros(len(unique), dtype=bool)
        any_there[codes[there]] = True
        cell = unique // (place.max(initial=0) + 1)
        size = int(np.prod(self.shape))
        counts = [np.bincount(cell, weights, size) for weights in (any_there, np.ones(len(cell)))]
        return np.stack(counts).astype(np.float64).reshape(2, *self.shape)

    def _summed(self, values: Floats) -> Floats:
        summed = np.bincount(self.cell, values, int(np.prod(self.shape))).reshape(self.shape)
        return np.asarray(summed, dtype=np.float64)

    def _with_chain(self, table: Floats) -> Floats:
        """A table (categories, zones, weeks) with the sum over the zones before them."""
        both = np.concatenate([table.sum(axis=1, keepdims=True), table], axis=1)
        return np.asarray(both, dtype=np.float64)
