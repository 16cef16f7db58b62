"""What the demand behind each finding is made of, and who has seen such weeks: what an alert's page tells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from data.facts.requests import weekly_requests
from forecaster.evidence import MIN_EXPOSURE, STRONGEST_FIRST, seen_near
from forecaster.year import WEEKS_PER_YEAR, circular_distance, year_fraction

if TYPE_CHECKING:
    import numpy.typing as npt

    from jobs.tonight import Night

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Days = npt.NDArray[np.datetime64]
    Words = npt.NDArray[np.object_]

# A store has seen a loss's weeks if it has shown the category in those of more than half of the demand.
_BULK: Final = 0.5
_SAME_WEEK: Final = 0.5
_DECIMALS: Final = 3


@dataclass(frozen=True)
class Background:
    """What a night knows besides its findings.

    `forecasts`: store, style, week, mean and base_mean (units; the latter without what people know better), a
    row per sku; the same weeks for all.
    `seasons`: category, climate_zone, week, temperature, holidays, elasticity, evidence, of the same weeks.
    `shown`: category, climate_zone, store, week, exposure (series-weeks), of the history.
    `asked`: category, climate_zone, week, units asked for and not found, of the history.
    `zones`: climate zone by store.
    """

    forecasts: pd.DataFrame
    seasons: pd.DataFrame
    shown: pd.DataFrame
    asked: pd.DataFrame
    zones: pd.Series[Any]

    def of(self, category: str) -> Background:
        """The part about one category; the forecasts are those of all."""
        seasons, shown, asked = (
            frame[frame["category"] == category] for frame in (self.seasons, self.shown, self.asked)
        )
        return replace(self, seasons=seasons, shown=shown, asked=asked)


def background_of(night: Night, found: pd.DataFrame, forecasts: pd.DataFrame) -> Background:
    """What a night knows of what it has found.

    Args:
        night: the night, its forecasts published.
        found: store, style.
        forecasts: store, sku, week, mean, base_mean.
    """
    products, stores = night.trade.products, night.trade.stores
    styles = products[["sku", "style_id"]].rename(columns={"style_id": "style"})
    pairs = found[["store", "style"]].drop_duplicates().merge(styles)
    asked = weekly_requests(
        night.snapshot,
        products,
        night.carried,
        first_week=night.history_from,
        as_of=night.business_date,
        week_starts_on=night.service.settings.week_starts_on,
    )
    places = stores[["store_id", "climate_zone"]].rename(columns={"store_id": "store"})
    return Background(
        forecasts=forecasts[["store", "sku", "week", "mean", "base_mean"]].merge(pairs),
        seasons=night.snapshot.query(
            "SELECT category, climate_zone, week, temperature, holidays, elasticity, evidence FROM seasons "
            f"WHERE as_of = DATE '{night.business_date.isoformat()}'"
        ),
        shown=night.snapshot.query(
            "SELECT category, climate_zone, store_id AS store, week, sum(exposure) AS exposure FROM panel "
            "WHERE exposure > 0 GROUP BY 1, 2, 3, 4"
        ),
        asked=asked.merge(products[["sku", "category"]]).merge(places),
        zones=places.set_index("store")["climate_zone"],
    )


def drivers_of(found: pd.DataFrame, background: Background) -> list[dict[str, Any]]:
    """What moves the demand of each finding in the weeks of its loss.

    Args:
        found: store, style, category, first_week, horizon_ends, demand_ends (`forecaster.find_alerts`).
        background: what the night knows besides.

    Returns:
        For each finding, in order, plain JSON values: weekly (units in an average week of the coming year),
        times (what a week of the loss is to such a week: season x warmth x holidays), season (the time of
        year), warmth, holidays (factors), said (what people who know better make of that: a factor),
        elasticity (demand moves with price ** -elasticity), asked (units of the category that customers of
        the zone asked for in these weeks of earlier years), evidence (share of the demand in these weeks by
        label), stores_here, stores_elsewhere (of its zone and of others, that have shown the category in most
        of these weeks). Empty where nothing is foretold.
    """
    if found.empty:
        return []
    told: list[dict[str, Any]] = [{} for _ in range(len(found))]
    foretold = pd.MultiIndex.from_frame(background.forecasts[["store", "style"]]).unique()
    known = pd.MultiIndex.from_frame(found[["store", "style"]]).isin(foretold)
    for category, members in found[known].groupby("category").indices.items():
        places = np.flatnonzero(known)[members]
        rows = _of_category(found.iloc[places], background.of(str(category)))
        for place, row in zip(places, rows, strict=True):
            told[place] = row
    return told


def _of_category(found: pd.DataFrame, background: Background) -> list[dict[str, Any]]:
    """The drivers of one category's findings, n of them over f weeks."""
    weeks = np.sort(background.forecasts["week"].unique()).astype("datetime64[D]")
    zones = background.zones.reindex(found["store"]).to_numpy(dtype=object)
    mean, said = (_weekly_means(found, background.forecasts, weeks, of) for of in ("base_mean", "mean"))
    lost = _weeks_of_loss(found, weeks)
    total = (mean * lost).sum(axis=1)
    share = np.divide(mean * lost, total[:, None], out=np.zeros_like(mean), where=total[:, None] > 0)
    season = _Season(background.seasons, zones, weeks)
    warmth, holidays = season.factor("temperature", share), season.factor("holidays", share)
    known = (total > 0) & np.isfinite(warmth)
    weekly = mean.mean(axis=1)
    times = np.divide(total, lost.sum(axis=1) * weekly, out=np.ones_like(total), where=known)
    here, elsewhere = _stores(background.shown, zones, weeks, share)
    frame = pd.DataFrame(
        {
            "weekly": weekly,
            "times": times,
            "season": times / (warmth * holidays),
            "warmth": warmth,
            "holidays": holidays,
            "said": np.divide((said * lost).sum(axis=1), total, out=np.ones_like(total), where=known),
            "elasticity": season.elasticity,
            "asked": _asked(background.asked, zones, weeks, lost),
            "evidence": season.evidence(share),
            "stores_here": here,
            "stores_elsewhere": elsewhere,
        }
    )
    rows: list[dict[str, Any]] = frame.round(_DECIMALS).to_dict("records")  # type: ignore[assignment]
    return [row if sure else {} for row, sure in zip(rows, known, strict=True)]


def _weekly_means(found: pd.DataFrame, forecasts: pd.DataFrame, weeks: Days, of: str) -> Floats:
    """Foretold units of each finding's style in its store, (n, f)."""
    pairs = pd.MultiIndex.from_frame(found[["store", "style"]])
    distinct = pairs.unique()
    row = distinct.get_indexer(pd.MultiIndex.from_frame(forecasts[["store", "style"]]))
    column = np.searchsorted(weeks, forecasts["week"].to_numpy().astype("datetime64[D]"))
    table = np.zeros((len(distinct), len(weeks)))
    np.add.at(table, (row[row >= 0], column[row >= 0]), forecasts[of].to_numpy()[row >= 0])
    return np.asarray(table[distinct.get_indexer(pairs)], dtype=np.float64)


def _weeks_of_loss(found: pd.DataFrame, weeks: Days) -> Flags:
    """Whether a week lies between a finding's first loss and the end of its demand or horizon, (n, f)."""
    ends = found[["demand_ends", "horizon_ends"]].min(axis=1).fillna(pd.Timestamp(weeks[-1]))
    first = found["first_week"].to_numpy().astype("datetime64[D]")
    last = ends.to_numpy().astype("datetime64[D]")
    return np.asarray((weeks[None, :] >= first[:, None]) & (weeks[None, :] <= last[:, None]))


@dataclass(frozen=True)
class _Season:
    """A category's season laid out for n zones (one per finding) and f weeks."""

    rows: pd.DataFrame
    zones: Words
    weeks: Days

    def factor(self, name: str, share: Floats) -> Floats:
        """A factor in the weeks of each loss, against its mean over the year, (n,)."""
        values = self._wide(name).astype(np.float64)
        logs = np.log(values / values.mean(axis=1, keepdims=True))
        return np.asarray(np.exp((share * logs).sum(axis=1)), dtype=np.float64)

    def evidence(self, share: Floats) -> list[dict[str, float]]:
        """Share of each loss's demand by label, those without any left out."""
        labels = self._wide("evidence")
        parts = {
            str(label): (share * (labels == str(label))).sum(axis=1).round(_DECIMALS)
            for label in STRONGEST_FIRST
        }
        return [
            {label: float(part[row]) for label, part in parts.items() if part[row] > 0}
            for row in range(len(self.zones))
        ]

    @property
    def elasticity(self) -> float:
        """One for the whole category."""
        return float(self.rows["elasticity"].iloc[0]) if len(self.rows) else 0.0

    def _wide(self, name: str) -> npt.NDArray[Any]:
        wide = self.rows.pivot_table(index="climate_zone", columns="week", values=name, aggfunc="first")
        return np.asarray(wide.reindex(index=self.zones, columns=pd.DatetimeIndex(self.weeks)).to_numpy())


def _stores(shown: pd.DataFrame, zones: Words, weeks: Days, share: Floats) -> tuple[Floats, Floats]:
    """How many stores of each finding's zone, and of others, have shown the bulk of its weeks, (n,) each."""
    if shown.empty:
        return np.zeros(len(zones)), np.zeros(len(zones))
    wide = shown.pivot_table(
        index=["climate_zone", "store"], columns="week", values="exposure", aggfunc="sum", fill_value=0.0
    )
    own = wide.index.get_level_values(0).to_numpy(dtype=object)[None, :] == zones[:, None]
    seen = seen_near(year_fraction(weeks), year_fraction(wide.columns.to_numpy()), wide.to_numpy(np.float64))
    witness = share @ (seen >= MIN_EXPOSURE).T > _BULK
    return (witness & own).sum(axis=1), (witness & ~own).sum(axis=1)


def _asked(asked: pd.DataFrame, zones: Words, weeks: Days, lost: Flags) -> Floats:
    """Units asked for in each finding's zone in the weeks of its loss, in all years of the history, (n,)."""
    apart = circular_distance(year_fraction(weeks)[:, None], year_fraction(asked["week"].to_numpy())[None, :])
    same_time = lost @ (apart * WEEKS_PER_YEAR <= _SAME_WEEK)
    own = asked["climate_zone"].to_numpy(dtype=object)[None, :] == zones[:, None]
    return np.asarray((same_time & own) @ asked["units"].to_numpy(dtype=np.float64), dtype=np.float64)
