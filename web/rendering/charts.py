"""An alert's drawing: what customers want, what was sold, what is there, and when the trade lets it be sold.

Only what runs at night imports this module; pages hand out what it has drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from html import escape
from typing import Any, Final

import altair as alt
import pandas as pd
import vl_convert

from web.rendering.words import full_day, number

Window = tuple[date | None, date | None]
Cuts = Sequence[tuple[date, float]]
"""Price cuts: the first day of each, and how many percent of the regular price are off from then on."""

Rows = list[dict[str, Any]]
# The library's own methods lose the type on the way.
Layer = Any

WIDTH: Final = 660
_UNITS_HEIGHT: Final = 270
_STOCK_HEIGHT: Final = 80
# Wide enough for a four-figure label in the larger letters of a narrow screen.
_AXIS_WIDTH: Final = 52
_DAY_MS: Final = 86_400_000
_WEEK_DAYS: Final = 7
_WEEK_MS: Final = _WEEK_DAYS * _DAY_MS
# Over a longer span the names of all months would meet on a narrow screen.
_WEEKS_BY_MONTH: Final = 56
_MONTHS_OF_A_QUARTER: Final = 3
_SMALL: Final = 10
_ROWS_OF_LABELS: Final = 4


@dataclass(frozen=True)
class Theme:
    """The colours of a drawing; a page puts its own in their place by the marks' names."""

    ink: str
    soft: str
    line: str
    demand: str
    sales: str
    stock: str
    window: str
    background: str = "transparent"


LIGHT: Final = Theme(
    ink="#1d2426",
    soft="#566266",
    line="#e4e8e7",
    demand="#0f6e78",
    sales="#aab4b6",
    stock="#1d2426",
    window="#f8edd6",
)


def alert_chart(
    history: pd.DataFrame,
    forecast: pd.DataFrame,
    *,
    window: Window,
    as_of: date,
    cuts: Cuts = (),
    title: str = "Demand, sales and stock by week",
    theme: Theme = LIGHT,
) -> str:
    """Draw an alert as SVG, without scripts and without styles of its own.

    Args:
        history: Columns week (first day), sales (units in the week), stock (pieces at its end, or missing).
        forecast: Columns week (first day), mean, p10, p90 (units in the week at regular price).
        window: Floor-set and exit, both days on the floor; None where there is none.
        as_of: The last business date known.
        cuts: Price cuts that are planned.
        title: What the drawing is called to people who cannot see it.
        theme: The colours.

    Returns:
        The SVG, with a title and a description for screen readers; over every week lies a mark that cannot
        be seen and carries the week's figures as its label.
    """
    spec = _spec(history, forecast, window=window, as_of=as_of, cuts=cuts, theme=theme)
    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    return accessible(svg, title, _description(history, forecast, window, as_of))


def alert_chart_png(
    history: pd.DataFrame,
    forecast: pd.DataFrame,
    *,
    window: Window,
    as_of: date,
    theme: Theme = LIGHT,
    width: int = WIDTH,
    scale: float = 2,
) -> bytes:
    """Draw the same as PNG, for a mail; `scale` is pixels per unit of the drawing.

    A picture cannot make its letters larger on a narrow screen: the smaller its `width`, the larger they are.
    """
    spec = _spec(history, forecast, window=window, as_of=as_of, theme=theme, width=width)
    return vl_convert.vegalite_to_png(spec, scale=scale, allowed_base_urls=[])


def chart_table(history: pd.DataFrame, forecast: pd.DataFrame) -> Rows:
    """The drawing's numbers, a row per week: week (ISO), sales, stock, mean, p10, p90; None if unknown."""
    before = history.set_index("week")[["sales", "stock"]]
    both = before.join(forecast.set_index("week")[["mean", "p10", "p90"]], how="outer").sort_index()
    return [
        {"week": _date(week).isoformat()}
        | {str(name): None if pd.isna(value) else round(float(value), 1) for name, value in row.items()}
        for week, row in zip(both.index, both.to_dict("records"), strict=True)
    ]


def _spec(
    history: pd.DataFrame,
    forecast: pd.DataFrame,
    *,
    window: Window,
    as_of: date,
    theme: Theme,
    cuts: Cuts = (),
    width: int = WIDTH,
) -> dict[str, Any]:
    """The specification of one drawing: the same for all, but for the data and the span of weeks."""
    weeks = [instant(week) for week in (*history["week"], *forecast["week"])] or [instant(as_of)]
    first, last = min(weeks), max(weeks) + _WEEK_MS
    datasets = _window_rows(window, first, last) | {
        "sales": _sales_rows(history),
        "stock": _stock_rows(history),
        "demand": _demand_rows(forecast),
        "cuts": _cut_rows(cuts, first, last),
        "weeks": _week_rows(history, forecast, cuts),
        "now": [{"at": at} for at in [instant(as_of) + _DAY_MS] if first <= at <= last],
    }
    params = [{"name": "first", "value": first}, {"name": "last", "value": last}]
    step = 1 if last - first <= _WEEKS_BY_MONTH * _WEEK_MS else _MONTHS_OF_A_QUARTER
    return _template(theme, step, width) | {"datasets": datasets, "params": params}


def _window_rows(window: Window, first: int, last: int) -> dict[str, Rows]:
    floor_set, leaves = window
    # The exit is the last day on the floor: the band ends when that day is over.
    end = instant(leaves) + _DAY_MS if leaves else None
    start = instant(floor_set) if floor_set else None
    band = {
        "at": max(start, first) if start is not None else first,
        "until": min(end, last) if end is not None else last,
    }
    edges: Rows = [
        {"at": at, "label": label}
        for at, label in ((start, "floor-set"), (end, "exit"))
        if at is not None and first <= at < last
    ]
    shown = window != (None, None) and band["at"] < band["until"]
    return {"window": [band] if shown else [], "edges": edges}


def _sales_rows(history: pd.DataFrame) -> Rows:
    # A day of air between two weeks' bars.
    return [
        {"at": instant(week), "until": instant(week) + _WEEK_MS - _DAY_MS, "units": float(units), "none": 0}
        for week, units in zip(history["week"], history["sales"], strict=True)
        if not pd.isna(units)
    ]


def _stock_rows(history: pd.DataFrame) -> Rows:
    rows = [
        {"at": instant(week), "units": float(pieces)}
        for week, pieces in zip(history["week"], history["stock"], strict=True)
        if not pd.isna(pieces)
    ]
    # The last week's stock holds to that week's end.
    return [*rows, rows[-1] | {"at": rows[-1]["at"] + _WEEK_MS}] if rows else []


def _demand_rows(forecast: pd.DataFrame) -> Rows:
    # A week's number stands at the week's middle.
    return [
        {"at": instant(week) + _WEEK_MS // 2, "units": float(mean), "low": float(low), "high": float(high)}
        for week, mean, low, high in zip(
            forecast["week"], forecast["mean"], forecast["p10"], forecast["p90"], strict=True
        )
        if not pd.isna(mean)
    ]


def _cut_rows(cuts: Cuts, first: int, last: int) -> Rows:
    shown = [(instant(begins), percent) for begins, percent in cuts]
    seen = [(at, percent) for at, percent in shown if first <= at < last]
    # Steps follow each other more closely than their labels are wide.
    return [
        {"at": at, "label": f"{percent:g}% off", "row": place % _ROWS_OF_LABELS}
        for place, (at, percent) in enumerate(seen)
    ]


def _week_rows(history: pd.DataFrame, forecast: pd.DataFrame, cuts: Cuts) -> Rows:
    rows = []
    for row in chart_table(history, forecast):
        week = date.fromisoformat(row["week"])
        off = [percent for begins, percent in cuts if 0 <= (begins - week).days < _WEEK_DAYS]
        told = week_told(row) + "".join(f", {percent:g}% off from here" for percent in off)
        rows.append({"at": instant(week), "until": instant(week) + _WEEK_MS, "label": told})
    return rows


def week_told(row: dict[str, Any]) -> str:
    """The figures of a week of `chart_table` in words; what is not known of it is left out.

    >>> week_told({"week": "2026-06-14", "sales": 3.0, "stock": 12.0, "mean": None, "p10": None, "p90": None})
    'Week of 14 June 2026: sold 3, stock 12'
    """
    told = [
        f"{name} {_few(row[key])}"
        for name, key in (("sold", "sales"), ("stock", "stock"))
        if _known(row[key])
    ]
    if _known(row["mean"]):
        between = f" ({_few(row['p10'])} to {_few(row['p90'])})" if _known(row["p10"]) else ""
        told.append(f"demand {_few(row['mean'])}{between}")
    return f"Week of {full_day(date.fromisoformat(row['week']))}: {', '.join(told) or 'nothing known'}"


def _known(value: float | None) -> bool:
    return value is not None


def _few(value: float) -> str:
    """A number of units with a decimal where it is small."""
    return number(value, 1 if abs(value) < _SMALL and value != round(value) else 0)


@cache
def _template(theme: Theme, months: int, width: int) -> dict[str, Any]:
    """Everything but the data. Made once: to make it takes ten times as long as to draw it."""
    units = [
        _window_band(theme),
        _window_edges(theme),
        _sales(theme),
        *_demand(theme),
        *_cuts(theme),
        *_now(theme),
        _weeks(),
    ]
    stock = [_window_band(theme, months), _stock(theme, months), *_now(theme, months)]
    chart = alt.vconcat(
        alt.layer(*units).properties(width=width, height=_UNITS_HEIGHT, title=_title("Units a week", theme)),
        alt.layer(*stock).properties(width=width, height=_STOCK_HEIGHT, title=_title("Stock, pieces", theme)),
        spacing=14,
        padding={"left": 4, "right": 16, "top": 14, "bottom": 6},
    )
    chart = (
        chart.configure(font="system-ui, sans-serif", background=theme.background)
        .configure_axis(labelColor=theme.soft, labelFontSize=12)
        .configure_text(fontSize=12)
        .configure_view(stroke=None)
    )
    spec: dict[str, Any] = chart.to_dict()
    return spec


def _window_band(theme: Theme, months: int = 0) -> Layer:
    mark = alt.Chart(alt.NamedData("window"), name="window").mark_rect(fill=theme.window, aria=False)
    return mark.encode(x=_time(theme, months), x2="until:T")


def _window_edges(theme: Theme) -> Layer:
    mark = alt.Chart(alt.NamedData("edges"), name="edge").mark_text(
        align="left", baseline="top", dx=4, dy=2, fill=theme.soft, aria=False
    )
    return mark.encode(x=_time(theme), y=alt.value(0), text="label:N")


def _sales(theme: Theme) -> Layer:
    mark = alt.Chart(alt.NamedData("sales"), name="sales").mark_rect(fill=theme.sales, aria=False)
    return mark.encode(x=_time(theme), x2="until:T", y=_units(theme), y2="none:Q")


def _demand(theme: Theme) -> Sequence[Layer]:
    data = alt.NamedData("demand")
    band = alt.Chart(data, name="band").mark_area(
        fill=theme.demand, opacity=0.22, interpolate="monotone", aria=False
    )
    line = alt.Chart(data, name="demand").mark_line(
        stroke=theme.demand, strokeWidth=2.5, interpolate="monotone", aria=False
    )
    return [
        band.encode(x=_time(theme), y=_units(theme, "low"), y2="high:Q"),
        line.encode(x=_time(theme), y=_units(theme)),
    ]


def _cuts(theme: Theme) -> Sequence[Layer]:
    data = alt.NamedData("cuts")
    rule = alt.Chart(data, name="cut").mark_rule(stroke=theme.soft, strokeDash=[1, 3], aria=False)
    told = alt.Chart(data, name="cutlabel").mark_text(
        align="left", baseline="top", dx=4, dy=alt.ExprRef("18 + 14 * datum.row"), fill=theme.soft, aria=False
    )
    return [rule.encode(x=_time(theme)), told.encode(x=_time(theme), y=alt.value(0), text="label:N")]


def _weeks() -> Layer:
    """What is pointed at: the whole height of each week, unseen, with its figures in words."""
    mark = alt.Chart(alt.NamedData("weeks"), name="week").mark_rect(opacity=0)
    return mark.encode(
        x=_time(LIGHT), x2="until:T", y=alt.value(0), y2=alt.value(_UNITS_HEIGHT), description="label:N"
    )


def _stock(theme: Theme, months: int) -> Layer:
    mark = alt.Chart(alt.NamedData("stock"), name="stock").mark_line(
        stroke=theme.stock, strokeWidth=1.8, interpolate="step-after", aria=False
    )
    return mark.encode(x=_time(theme, months), y=_units(theme, ticks=2))


def _now(theme: Theme, months: int = 0) -> Sequence[Layer]:
    data = alt.NamedData("now")
    rule = alt.Chart(data, name="now").mark_rule(stroke=theme.ink, strokeDash=[4, 3], aria=False)
    told = alt.Chart(data, name="nowlabel").mark_text(
        text="now", align="right", baseline="top", dx=-4, dy=2, fill=theme.ink, aria=False
    )
    marks = [rule.encode(x=_time(theme, months))]
    return marks if months else [*marks, told.encode(x=_time(theme), y=alt.value(0))]


def _time(theme: Theme, months: int = 0) -> alt.X:
    """The axis of time; every so many months are named, under the lower panel only."""
    plain: dict[str, Any] = {"title": None, "grid": False, "domainColor": theme.line}
    named: dict[str, Any] = {
        "tickCount": {"interval": "month", "step": max(months, 1)},
        "tickColor": theme.line,
        "labelPadding": 12,
        # With more than a year in view, January says which one begins.
        "labelExpr": f"utcFormat(datum.value, {months} > 1 && utcmonth(datum.value) == 0 ? '%Y' : '%b')",
    }
    axis = alt.Axis(**plain, **(named if months else {"labels": False, "ticks": False}))
    # The renderer reads dates in the zone of its process: instants as numbers on a UTC scale do not move.
    domain = [alt.ExprRef("first"), alt.ExprRef("last")]
    return alt.X("at:T", scale=alt.Scale(type="utc", domain=domain), axis=axis)


def _units(theme: Theme, column: str = "units", *, ticks: int = 4) -> alt.Y:
    axis = alt.Axis(
        title=None,
        tickCount=ticks,
        tickMinStep=1,
        format=",d",
        gridColor=theme.line,
        domain=False,
        ticks=False,
        labelPadding=8,
        minExtent=_AXIS_WIDTH,
        maxExtent=_AXIS_WIDTH,
    )
    return alt.Y(f"{column}:Q", axis=axis, scale=alt.Scale(zero=True, nice=True))


def _title(text: str, theme: Theme) -> alt.Title:
    return alt.Title(
        text, anchor="start", frame="bounds", color=theme.soft, fontSize=12, fontWeight="normal", offset=12
    )


def accessible(svg: str, title: str, description: str) -> str:
    """Name the drawing as one picture: its parts say nothing alone."""
    end_of_tag = svg.index(">")
    named = f'{svg[:end_of_tag]} role="img" aria-label="{escape(title)}">'
    return f"{named}<title>{escape(title)}</title><desc>{escape(description)}</desc>{svg[end_of_tag + 1 :]}"


def _description(history: pd.DataFrame, forecast: pd.DataFrame, window: Window, as_of: date) -> str:
    told = [f"As of {full_day(as_of)}."]
    if len(history):
        told.append(f"Sold in the weeks shown: {history['sales'].sum():,.0f} units.")
    if len(forecast):
        told.append(f"Expected demand in the weeks to come: {forecast['mean'].sum():,.0f} units.")
    for name, edge in zip(("Floor-set", "Exit"), window, strict=True):
        if edge:
            told.append(f"{name} {full_day(edge)}.")
    return " ".join(told)


def _date(day: Any) -> date:
    return date(day.year, day.month, day.day)


def instant(day: Any) -> int:
    """Midnight UTC of a day, in milliseconds."""
    return int(datetime.combine(_date(day), time(), UTC).timestamp() * 1000)
