"""From what is known of a category to the board of one of its seasons."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from data.errors import InSeasonError
from data.planning.board import Board
from forecaster import PlanBoard
from forecaster.plan_candidates import Stay
from forecaster.plans import Markdown, Plan

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt
    import pandas as pd

    from data.planning.reading import CategoryFacts
    from forecaster.plan_shelves import Shelves

    Floats = npt.NDArray[np.float64]

_SERIES: Final = ["store", "sku"]
_NUMBERS: Final = [
    "store", "sku", "size", "level_shape", "dispersion", "regular_price", "unit_cost", "salvage",
]  # fmt: skip
# A week counts as demand while it has this share of the season's highest week.
_MATERIAL: Final = 0.10
_SEASON_AHEAD: Final = 40
_HALF: Final = 0.5
_DAY: Final = timedelta(days=1)


def seasons_ahead(known: CategoryFacts, climate_zone: str = "") -> tuple[str, ...]:
    """Codes of the seasons that some store and style of a zone ('' = the chain) is in, or has next."""
    series = known.of_zone(climate_zone)
    pairs = series[["store", "style_id"]].drop_duplicates()
    return tuple(sorted(set(pairs.merge(known.first_windows, on=["store", "style_id"])["season_code"])))


def make_board(known: CategoryFacts, climate_zone: str = "", season_code: str = "") -> Board:
    """Lay a season out.

    Args:
        known: the category as a night knew it.
        climate_zone: of which zone; '' is the chain.
        season_code: of which season; '' is the one of most pieces.

    Raises:
        InSeasonError: the zone or season is not known, or there is nothing to plan.
    """
    rows, held, plan = _commonest(known, known.of_zone(climate_zone), season_code)
    mine = rows[held]
    season = str(mine["season_code"].iloc[0])
    numbers = PlanBoard.read(
        known.forecast, mine[_NUMBERS], known.supply, elasticity=known.elasticity, as_of=known.as_of
    )
    if numbers.shelves.stock.sum() <= 0:
        raise InSeasonError(
            f"Nothing of {known.category} is on hand or on order for season {season}, so no stock to plan."
        )
    last = _last_material_day(numbers.shelves, plan)
    return Board(
        as_of=known.as_of,
        category=known.category,
        climate_zone=climate_zone,
        season_code=season,
        today=plan,
        stores=mine["store"].nunique(),
        styles=mine["style_id"].nunique(),
        apart=_apart(rows, held, known),
        assumed=known.assumed_of(mine),
        names={store: known.names.get(store, store) for store in mine["store"].unique()},
        last_day=last,
        stays=_stays(numbers.shelves, plan, last),
        sold_so_far=known.sold_since(plan.floor_set, mine),
        on_hand=float(numbers.shelves.supplied[1].sum()),
        numbers=numbers,
    )


def _commonest(
    known: CategoryFacts, series: pd.DataFrame, season_code: str
) -> tuple[pd.DataFrame, npt.NDArray[np.bool_], Plan]:
    """The series with a window ahead, those of the plan in force for most pieces, and the plan."""
    named = known.first_windows
    if season_code:
        named = named[named["season_code"] == season_code]
    rows = series.merge(named, on=["store", "style_id"])
    if rows.empty:
        what = f"season {season_code} of {known.category}" if season_code else known.category
        raise InSeasonError(
            f"{what} has no selling window that ends after {known.as_of}: no exit or markdown to plan."
        )
    units = rows[_SERIES].merge(known.pieces, on=_SERIES, how="left")["units"].fillna(0.0).to_numpy()
    plan = [name for name in named.columns if name not in {"store", "style_id"}]
    kind = rows.groupby(plan, dropna=False).ngroup().to_numpy()
    # Without any stock the plan of most series is as good as another.
    weight = np.bincount(kind, units + 1e-6)
    held = kind == int(weight.argmax())
    one = rows[held].iloc[0]
    cuts = known.cuts_within
    own = cuts[(cuts["store_id"] == one["store"]) & (cuts["style_id"] == one["style_id"])]
    markdowns = tuple(
        Markdown(start.date(), percent)
        for start, percent in zip(own["effective_from"], own["percent_off"], strict=True)
    )
    return rows, held, Plan(one["floor_set"].date(), markdowns, one["exit"].date())


def _apart(rows: pd.DataFrame, held: npt.NDArray[np.bool_], known: CategoryFacts) -> tuple[str, ...]:
    """Names of the stores of which nothing is planned for, and of the styles left out in the others."""
    here = set(rows.loc[held, "store"])
    left = rows[~held].drop_duplicates(["store", "style_id"])
    stores = {known.names.get(store, store) for store in left["store"] if store not in here}
    styles = {
        name or style
        for name, style in left.loc[left["store"].isin(here), ["style_name", "style_id"]].to_numpy()
    }
    return (*sorted(stores), *sorted(styles))


def _last_material_day(shelves: Shelves, today: Plan) -> date:
    """The last day worth staying for: of the last week after the exit with a tenth of the peak's demand."""
    weekly = np.diff(shelves.wanted.sum(axis=1))
    opens = float(shelves.position(np.datetime64(today.floor_set, "D")))
    leaves = float(shelves.position(np.datetime64(today.exit + _DAY, "D")))
    week = np.arange(len(weekly))
    season = (week >= np.ceil(opens)) & (week < leaves + _SEASON_AHEAD)
    if not season.any():
        return today.exit
    faint = season & (week >= leaves) & (weekly < _MATERIAL * weekly[season].max())
    ends = int(np.argmax(faint)) if faint.any() else int(week[season].max()) + 1
    first: date = shelves.week[0].astype(object)
    return max(today.exit, first + timedelta(weeks=ends) - _DAY)


def _stays(shelves: Shelves, today: Plan, last: date) -> tuple[Stay, ...]:
    """Partial extensions worth trying: the stores and the sizes with most demand after the exit, one rail."""
    span = [shelves.position(np.datetime64(day + _DAY, "D")).reshape(1, 1) for day in (today.exit, last)]
    until, through = (shelves.at(shelves.wanted, position)[0] for position in span)
    wanted = shelves.series[["store", "size"]].assign(units=through - until)
    stays = [Stay(rails=1.0)]
    for name in ("store", "size"):
        chosen = _most_of(wanted.groupby(name)["units"].sum())
        if 0 < len(chosen) < wanted[name].nunique():
            stays.append(Stay(stores=chosen) if name == "store" else Stay(sizes=chosen))
    return tuple(stays)


def _most_of(demand: pd.Series[float]) -> frozenset[str]:
    """The fewest names that make up half of the demand."""
    ordered = demand[demand > 0].sort_values(ascending=False, kind="stable")
    before = ordered.cumsum() - ordered
    return frozenset(ordered.index[before < _HALF * ordered.sum()].astype(str))
