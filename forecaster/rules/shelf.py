"""Rules of the shelf: sizes that will run out, size runs that are broken, stock that only the books show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.codes import BROKEN_SIZE_RUN, PHANTOM_STOCK, STOCKOUT_IN_SEASON
from forecaster.credibility import sums_by
from forecaster.rules.calendar import NO_DAY, later
from forecaster.rules.muting import lasting_doubts
from forecaster.rules.reading import DAY, IN_SEASON, WEEK, codes

if TYPE_CHECKING:
    import numpy.typing as npt

    from forecaster.rules.reading import Reading

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Indices = npt.NDArray[np.intp]

_SMALLEST_RUN = 3


def shelves(reading: Reading, phantoms: pd.DataFrame | None) -> pd.DataFrame:
    """Rows of the sizes that run short, each told by one rule only.

    A shelf whose stock is doubted is told as ``phantom_stock``; the others of a store and style as
    ``broken_size_run`` where core sizes are gone while others remain, else as ``stockout_in_season``. Stores
    that do not count their stock are told nothing.
    """
    shown = reading.rows[(reading.rows["phase"] == IN_SEASON) & reading.rows["counted"]]
    doubted = _doubted(reading, shown, phantoms)
    rows = _within_horizon(reading, shown[~shown["pair"].isin(doubted["pair"])])
    short = _short(rows).merge(_broken(rows, reading), on="pair", how="left")
    is_broken = short["place"].isin(short.loc[short["core"].notna(), "place"])
    rule = np.where(is_broken, BROKEN_SIZE_RUN, STOCKOUT_IN_SEASON)
    return pd.concat([short.assign(rule=rule), _phantom(reading, shown, doubted)], ignore_index=True)


def _within_horizon(reading: Reading, shown: pd.DataFrame) -> pd.DataFrame:
    """Rows of the material weeks that each sku is looked ahead, with the day on which that ends.

    The lead time and a week: an order placed now serves the last of them. Of what is reordered as it sells
    only whole weeks of that count, since orders not yet placed will serve what comes later.
    """
    known = np.isfinite(shown["lead_days"].to_numpy())
    lead = np.where(known, shown["lead_days"], 0.0) / 7
    least, most = (reading.limit(f"{name}_stockout_weeks", shown) for name in ("min", "max"))
    once = shown["bought_once"].to_numpy() | ~known
    weeks = np.where(once, np.clip(np.ceil(lead) + 1, least, most), np.minimum(np.floor(lead) + 1, most))
    ends = reading.today + _weeks(weeks)
    return shown.assign(horizon_ends=ends)[(shown["week"] <= ends) & shown["material"]]


def _weeks(number: Floats) -> pd.TimedeltaIndex:
    return pd.to_timedelta(number * 7, unit="D").as_unit("s")


def _short(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of skus of which more is wanted over the horizon than is there and on its way."""
    wanted = rows.groupby("pair")["demand"].transform("sum")
    rows = rows[wanted > rows["on_hand"] + rows["in_transit"]]
    return rows.assign(
        own=0.0,
        first_loss=rows["week"].where(rows["lost"] > 0),
        last_week=rows.groupby("place")["week"].transform("max"),
        calendar_by=NO_DAY,
    )


def core_sizes(run: Indices, wanted: Floats, share: Floats) -> Flags:
    """The fewest sizes of each run, most wanted first, that make up a share of what is wanted of it.

    Args:
        run: (n,) code of each size's run.
        wanted: (n,) units of each size.
        share: (n,) the share asked for, the same within a run.

    Returns:
        (n,) whether it is core; nothing of a run that nobody wants.
    """
    order = np.lexsort((-wanted, run))
    so_far = np.cumsum(wanted[order])
    first = np.searchsorted(run[order], run[order])
    before = so_far - wanted[order] - (so_far - wanted[order])[first]
    total = sums_by(run, wanted, int(run.max(initial=-1)) + 1)[run]
    core = np.zeros(len(run), dtype=bool)
    core[order] = before < share[order] * total[order]
    return core & (wanted > 0)


def _broken(rows: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """The sizes of broken runs: three sizes or more of a colour, a core size gone, units of others there.

    Returns:
        pair, core (whether it is a core size), core_sizes (tuple of its run's), left_units (of the run); of
        the broken runs only.
    """
    each = rows.groupby("pair").agg(
        place=("place", "first"), sku=("sku", "first"), category=("category", "first"),
        wanted=("demand", "sum"), on_hand=("on_hand", "first"), in_transit=("in_transit", "first"),
    )  # fmt: skip
    color, _ = pd.factorize(reading.products["color"].to_numpy()[codes(each["sku"])])
    place = each["place"].to_numpy()
    run, _ = pd.factorize(place * (int(color.max(initial=0)) + 1) + color)
    n = int(run.max(initial=-1)) + 1
    there = (each["on_hand"] + each["in_transit"]).to_numpy(dtype=np.float64)
    core = core_sizes(run, each["wanted"].to_numpy(), reading.limit("core_share", each))
    left = sums_by(run, there, n)[run]
    broken = (
        (np.bincount(run, minlength=n) >= _SMALLEST_RUN)[run]
        & (sums_by(run, core & (there < 1), n) > 0)[run]
        & (left >= reading.limit("min_units", each))
    )
    size = reading.products["size"].to_numpy(dtype=object)[codes(each["sku"])]
    told = pd.DataFrame({"pair": each.index, "run": run, "core": core, "size": size, "left_units": left})[
        broken
    ]
    named = told[told["core"]].groupby("run")["size"].agg(tuple)
    return told.assign(core_sizes=told["run"].map(named))[["pair", "core", "core_sizes", "left_units"]]


def _doubted(reading: Reading, shown: pd.DataFrame, phantoms: pd.DataFrame | None) -> pd.DataFrame:
    """The shelves whose run without a sale lasts until now and that still show stock: pair, weeks, ..."""
    columns = ["pair", "quiet_weeks", "quiet_since", "unsold"]
    lasting = lasting_doubts(phantoms, reading.today)
    if lasting is None or lasting.empty or shown.empty:
        return pd.DataFrame(columns=columns).astype({"pair": "int64"})
    shelf = shown.loc[shown["on_hand"] > 0, ["store", "sku", "pair"]].drop_duplicates("pair")
    shelf = shelf.astype({"store": "str", "sku": "str"})
    found = lasting.merge(shelf, on=["store", "sku"])
    named = found.rename(columns={"weeks": "quiet_weeks", "first_week": "quiet_since", "expected": "unsold"})
    return named[columns]


def _phantom(reading: Reading, shown: pd.DataFrame, doubted: pd.DataFrame) -> pd.DataFrame:
    """Rows of doubted shelves: while nobody counts, all that is wanted is missed, at most for a quarter.

    What the books show may lie in the back: counting wins it, and the rest is ordered or sent as usual.
    """
    ends = reading.today + reading.limit("phantom_weeks", shown) * WEEK
    rows = shown.assign(horizon_ends=ends)[(shown["week"] <= ends) & shown["material"]]
    rows = rows.merge(doubted, on="pair")
    asked = rows.groupby("pair")["demand"].cumsum()
    in_books = rows["on_hand"]
    own = np.minimum(asked, in_books) - np.minimum(asked - rows["demand"], in_books)
    return rows.assign(
        rule=PHANTOM_STOCK,
        lost=rows["demand"],
        own=own,
        first_loss=later(rows["week"], reading.today + DAY),
        last_week=rows.groupby("place")["week"].transform("max"),
        calendar_by=reading.today + DAY,
    )
