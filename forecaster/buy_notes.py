"""What no remedy reaches any more: at a season's end, what the next buy should hold more of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from forecaster.evidence import STRONGEST_FIRST
from forecaster.findings import weakest_bulk
from forecaster.impact import BY_TIME, to_spare, with_remedies
from forecaster.needs import need_of
from forecaster.rules.calendar import own_stock
from forecaster.rules.reading import AFTER, BEFORE, WEEK, read

if TYPE_CHECKING:
    import pandas as pd

    from forecaster.rules.reading import Reading
    from forecaster.rules.situation import Situation

NOTE_COLUMNS: Final = (
    "season_code", "category", "gender_age", "price_band", "need", "size", "climate_zone", "stores", "units",
    "customers", "money", "margin", "before_units", "in_season_units", "after_units", "demand_units",
    "season_ends", "evidence",
)  # fmt: skip
_KEY: Final = ["season", "need", "climate_zone"]
_PIECE: Final = 0.5


def buy_notes(situation: Situation) -> pd.DataFrame:
    """Season-end notes for the next buy: per need, size and climate zone, what can no longer be served.

        units = sum over stores, skus of the need and weeks ahead of next_buy,
        next_buy = lost - recoverable - reorderable      (as `forecaster.impact.with_remedies` divides a loss)

    A season is noted from ``note_weeks_ahead`` weeks before its exit to ``exit_weeks_after`` weeks after it.
    Weeks that are immaterial or whose evidence is ``unknown`` do not count, nor does what has no season.

    Args:
        situation: what the night knows.

    Returns:
        `NOTE_COLUMNS`: stores (how many miss something), units, customers, money (regular price), margin (NaN
        where a cost is unknown), the units by time, demand_units (what they are part of), season_ends (last
        day of the last material week), evidence (the weakest that carries the bulk); most units first; notes
        of less than half a piece are left out.
    """
    reading = read(situation)
    rows = _ending(reading)
    spare = to_spare(reading, situation, rows)
    rows = with_remedies(rows, reading, spare, transit_days=situation.terms.transit_days)
    needs = need_of(situation.products).set_index("sku")
    rows = rows.assign(
        climate_zone=rows["store"].astype("str").map(situation.zone_of),
        need=rows["sku"].astype("str").map(needs["need"]),
        season=rows["season"].astype("str"),
    )
    named = needs.drop_duplicates("need").set_index("need")
    return _notes(_weighed(rows), named)


def _ending(reading: Reading) -> pd.DataFrame:
    """Material rows of the seasons that end about now, with the stock that serves them where it is."""
    rows, today = reading.rows, reading.today
    near = (rows["exit"] <= today + reading.limit("note_weeks_ahead", rows) * WEEK) & (
        rows["exit"] >= today - reading.limit("exit_weeks_after", rows) * WEEK
    )
    rows = rows[near & rows["material"] & (rows["phase"] != BEFORE)].reset_index(drop=True)
    return rows.assign(own=own_stock(rows).where(rows["phase"] == AFTER, 0.0))


def _weighed(rows: pd.DataFrame) -> pd.DataFrame:
    units = rows["next_buy_units"]
    return rows.assign(
        units=units,
        customers=units * rows["share_lost"],
        money=units * rows["price"].fillna(0.0),
        margin=units * (rows["price"] - rows["cost"]),
        missing=rows["store"].astype("str").where(units > 0),
        **{name: units.where(rows["phase"] == phase, 0.0) for name, phase in BY_TIME.items()},
        **{str(label): units.where(rows["evidence"] == rank, 0.0)
           for rank, label in enumerate(STRONGEST_FIRST)},
    )  # fmt: skip


def _notes(rows: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    labels = [str(label) for label in STRONGEST_FIRST]
    sums = dict.fromkeys(["units", "customers", "money", *BY_TIME, "demand", *labels], "sum")
    each = rows.groupby(_KEY, observed=True)
    told = each.agg(sums | {"missing": "nunique", "demand_ends": "max"})
    margin = each["margin"].agg(lambda values: values.sum(skipna=False))
    told = told.assign(margin=margin)[told["units"] >= _PIECE].reset_index()
    evidence = [
        str(weakest_bulk(dict(zip(labels, row, strict=True))))
        for row in told[labels].itertuples(index=False, name=None)
    ]
    parts: dict[str, Any] = {
        name: named[name].reindex(told["need"]).to_numpy(dtype=object)
        for name in ("category", "gender_age", "price_band", "size")
    }
    told = told.assign(evidence=evidence, **parts).rename(
        columns={"season": "season_code", "missing": "stores", "demand": "demand_units",
                 "demand_ends": "season_ends"}
    )  # fmt: skip
    order = np.lexsort((told["need"].to_numpy(dtype=object).astype(str), -told["units"].to_numpy()))
    return told.iloc[order].reset_index(drop=True)[list(NOTE_COLUMNS)]
