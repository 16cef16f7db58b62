"""Which selling window holds for a style in a store, and on which days it lets a style hang on the floor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sqlalchemy import func, select

from data.records import CalendarVersion, MarkdownStep, SellingWindow, WindowStatus
from data.records.calendar import SPECIFICITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from sqlalchemy import Select
    from sqlalchemy.orm import Session


SCOPES: Final = ("climate_zone", "store_id", "style_id")
# A year as the trade counts it, so that a window copied to an earlier year keeps its weekday.
_TRADE_YEAR: Final = pd.Timedelta(weeks=52)


def newest_version(session: Session) -> int | None:
    """The version of the calendar that is in force."""
    return session.scalar(select(func.max(CalendarVersion.version_id)))


def calendar_frame(session: Session, status: WindowStatus = WindowStatus.CURRENT) -> pd.DataFrame:
    """The windows of the newest version.

    Returns:
        category, season_code, floor_set, exit (datetime64), climate_zone, store_id, style_id ('' = all).
    """
    columns = ("category", "season_code", "floor_set", "exit", *SCOPES)
    statement = select(*(getattr(SellingWindow, name) for name in columns)).where(
        SellingWindow.version_id == newest_version(session), SellingWindow.status == status
    )
    return _frame(session, statement, columns, days=("floor_set", "exit"))


def markdown_frame(session: Session) -> pd.DataFrame:
    """The markdown steps of the newest version.

    Returns:
        category, season_code, effective_from (datetime64), percent_off, climate_zone, store_id, style_id.
    """
    columns = ("category", "season_code", "effective_from", "percent_off", *SCOPES)
    statement = select(*(getattr(MarkdownStep, name) for name in columns)).where(
        MarkdownStep.version_id == newest_version(session)
    )
    frame = _frame(session, statement, columns, days=("effective_from",))
    return frame.assign(percent_off=frame["percent_off"].astype("float64"))


def resolve(calendar: pd.DataFrame, ranged: pd.DataFrame) -> pd.DataFrame:
    """The windows of each store and style: of the rows that apply, the most specific wins.

    A row applies when each of its zone, store and style is blank or matches. Of the rows of one season code
    and year (their middle days lie within half a year of each other, so that a winter is one), the one
    naming most fields wins; among equals a style is more specific than a store, and a store than a zone.

    Args:
        calendar: as `calendar_frame` gives it.
        ranged: one row per store and style: store_id, style_id, category, climate_zone.

    Returns:
        store_id, style_id, season_code, floor_set, exit; none for a style whose category has no rows.
    """
    middle = calendar["floor_set"] + (calendar["exit"] - calendar["floor_set"]) / 2
    rows = calendar.assign(middle=middle, weight=_specificity(calendar))
    matched = _applying(rows, ranged).sort_values("middle", kind="stable")
    season = ["store_id", "style_id", "season_code"]
    new_year = matched.groupby(season)["middle"].diff() > _TRADE_YEAR / 2
    matched = matched.assign(new_year=new_year)
    matched = matched.assign(year=matched.groupby(season)["new_year"].cumsum())
    order = matched.sort_values("weight", kind="stable", ascending=False)
    chosen = order.drop_duplicates([*season, "year"])
    columns = ["store_id", "style_id", "season_code", "floor_set", "exit"]
    return chosen[columns].sort_values(["store_id", "style_id", "floor_set"]).reset_index(drop=True)


def floor_days(
    windows: pd.DataFrame, ranged: pd.DataFrame, weeks: Sequence[pd.Timestamp], *, observed_to: pd.Timestamp
) -> pd.DataFrame:
    """Days of each week on which the calendar lets a style hang on the floor or the clearance rail.

    From its floor-set a style is on the floor; after the exit what is left hangs on the clearance rail until
    halfway to the next floor-set, when stock on the books is next season's, still in the back. Years before
    the calendar's first window are taken to be like that one.

    Args:
        windows: as `resolve` gives them.
        ranged: store_id, style_id of all pairs asked for.
        weeks: first days of the weeks.
        observed_to: last day that counts; a week reaching beyond it has fewer days.

    Returns:
        store_id, style_id, week, days_on_floor, and of these days_in_window (up to the exit, without the
        clearance rail); styles without a window are on the floor on all days.
    """
    week = pd.DatetimeIndex(list(weeks))
    days = np.clip(np.asarray((observed_to - week).days + 1, dtype=np.int64), 0, 7)
    spans = _floor_spans(windows, week.min() if len(week) else observed_to)
    pairs = ranged[["store_id", "style_id"]].drop_duplicates()
    repeated = pairs.loc[pairs.index.repeat(len(week))].reset_index(drop=True)
    return repeated.assign(
        week=np.tile(week, len(pairs)),
        days_on_floor=_counted(pairs, spans, "closes", week, days),
        days_in_window=_counted(pairs, spans, "leaves", week, days),
    )


def planned_price_ratio(
    steps: pd.DataFrame, ranged: pd.DataFrame, weeks: Sequence[pd.Timestamp]
) -> pd.DataFrame:
    """The price that the markdown plan gives a style, as a share of the regular price, at each week's end.

    Args:
        steps: as `markdown_frame` gives them; of the steps that apply, the newest holds, and of several on
            one day the most specific.
        ranged: store_id, style_id, category, climate_zone.
        weeks: first days of the weeks.

    Returns:
        store_id, style_id, week, planned_ratio; only weeks in which a step holds. A step holds for half a
        year at most: next season's goods begin at their regular price again.
    """
    matched = _applying(steps.assign(weight=_specificity(steps)), ranged)
    week = pd.DataFrame({"week": pd.DatetimeIndex(list(weeks))})
    crossed = matched.merge(week, how="cross")
    age = crossed["week"] + pd.Timedelta(days=6) - crossed["effective_from"]
    holding = crossed[(age >= pd.Timedelta(0)) & (age <= _TRADE_YEAR / 2)]
    newest = holding.sort_values(["effective_from", "weight"]).drop_duplicates(
        ["store_id", "style_id", "week"], keep="last"
    )
    ratio = 1 - newest["percent_off"] / 100
    return newest[["store_id", "style_id", "week"]].assign(planned_ratio=ratio).reset_index(drop=True)


def markdown_steps(steps: pd.DataFrame, ranged: pd.DataFrame) -> pd.DataFrame:
    """The markdown plan of each store and style: of the steps that apply, those of the most specific rows.

    As in `resolve`, the rows of one season code and year stand together: a store with steps of its own has
    none of the chain's. Steps more than half a year apart belong to different years. A step to the price that
    holds already is none: a store that is spared a cut of the chain's has such a row.

    Args:
        steps: as `markdown_frame` gives them.
        ranged: one row per store and style: store_id, style_id, category, climate_zone.

    Returns:
        store_id, style_id, season_code, effective_from, percent_off; in the order of their days.
    """
    season = ["store_id", "style_id", "season_code"]
    matched = _applying(steps.assign(weight=_specificity(steps)), ranged)
    matched = matched.sort_values([*season, "effective_from", "weight"], kind="stable", ignore_index=True)
    new_year = matched.groupby(season)["effective_from"].diff() > _TRADE_YEAR / 2
    year = [matched[name] for name in season] + [
        new_year.groupby([matched[name] for name in season]).cumsum()
    ]
    heaviest = matched["weight"] == matched.groupby(year)["weight"].transform("max")
    chosen = matched[heaviest]
    before = chosen.groupby([key[heaviest] for key in year])["percent_off"].shift(fill_value=0.0)
    moving = chosen[chosen["percent_off"] != before]
    return moving[[*season, "effective_from", "percent_off"]].reset_index(drop=True)


def _specificity(rows: pd.DataFrame) -> pd.Series:
    return sum(
        ((rows[name] != "") * weight for name, weight in SPECIFICITY.items()),
        start=pd.Series(0, index=rows.index),
    )


def _applying(rows: pd.DataFrame, ranged: pd.DataFrame) -> pd.DataFrame:
    """Rows joined to every store and style of their category to which they apply."""
    pairs = ranged[["store_id", "style_id", "category", "climate_zone"]].drop_duplicates()
    joined = pairs.merge(rows, on="category", suffixes=("", "_named"))
    applies = pd.Series(data=True, index=joined.index)
    for name in SCOPES:
        named = joined[f"{name}_named"]
        applies &= (named == "") | (named == joined[name])
    return joined[applies]


def _floor_spans(windows: pd.DataFrame, first: pd.Timestamp) -> pd.DataFrame:
    """Per store and style, each floor-set, the day after its exit, and that on which the rail is gone."""
    known = windows[["store_id", "style_id", "floor_set", "exit"]]
    earliest = known.groupby(["store_id", "style_id"])["floor_set"].transform("min")
    oldest = known[known["floor_set"] == earliest]
    years = int(np.ceil(max(0, (oldest["floor_set"].max() - first) / _TRADE_YEAR))) if len(oldest) else 0
    earlier = [
        oldest.assign(
            floor_set=oldest["floor_set"] - back * _TRADE_YEAR, exit=oldest["exit"] - back * _TRADE_YEAR
        )
        for back in range(1, years + 1)
    ]
    spans = pd.concat([known, *earlier]).sort_values(["store_id", "style_id", "floor_set"])
    pairs = spans.groupby(["store_id", "style_id"])
    following = pairs["floor_set"].shift(-1).fillna(spans["floor_set"] + _TRADE_YEAR)
    # What hangs in a window around this one stays on the floor until that one's exit.
    last = pairs["exit"].cummax()
    pause = (following - last).dt.days.clip(lower=0)
    closes = last + pd.to_timedelta(pause // 2 + 1, unit="D")
    return spans.assign(
        opens=_day_numbers(spans["floor_set"]),
        leaves=_day_numbers(spans["exit"]) + 1,
        closes=_day_numbers(closes),
    )


def _counted(
    pairs: pd.DataFrame, spans: pd.DataFrame, end: str, week: pd.DatetimeIndex, days: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Days of every pair's weeks from its floor-sets to the column `end`, pair after pair."""
    # Few different sets of spans are shared by many pairs: count days once per set.
    keyed = spans.assign(span=spans["opens"].astype(str) + ":" + spans[end].astype(str))
    sets = keyed.groupby(["store_id", "style_id"])["span"].agg(" ".join).reset_index()
    of_pair = pairs.merge(sets, how="left")["span"]
    counted = {key: _days_in_spans(key, week, days) for key in of_pair.dropna().unique()}
    if of_pair.empty:
        return np.empty(0)
    return np.concatenate([counted.get(key, days) for key in of_pair]).astype(np.float64)


def _days_in_spans(key: str, week: pd.DatetimeIndex, days: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Days of each week that lie in any of the spans, which come in the order of their floor-sets."""
    start = _day_numbers(week.to_series()).to_numpy()
    total = np.zeros(len(week), dtype=np.int64)
    counted_to = start
    for span in key.split(" "):
        opens, closes = (int(edge) for edge in span.split(":"))
        # Windows may overlap; a day counts once.
        total += np.clip(np.minimum(start + days, closes) - np.maximum(counted_to, opens), 0, None)
        counted_to = np.maximum(counted_to, closes)
    return total


def _day_numbers(days: pd.Series[Any]) -> pd.Series[int]:
    """Days since 1970."""
    return (days - pd.Timestamp(0)).dt.days.astype("int64")


def _frame(
    session: Session, statement: Select[Any], columns: tuple[str, ...], *, days: tuple[str, ...]
) -> pd.DataFrame:
    frame = pd.DataFrame(session.execute(statement).all(), columns=list(columns))
    for name in days:
        frame[name] = pd.to_datetime(frame[name])
    return frame
