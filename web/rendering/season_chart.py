"""The season chart: when customers want a category, against when and at which prices the trade sells it.

Only what runs at night imports this module; pages hand out what it has drawn. The plot has a fixed place in
the drawing, so that a page can lay handles over it: the morning of a day d lies at

    x = plot_left + plot_width * (d - first_day) / (last_day - first_day + 1 day)

in units of the drawing, whose viewBox is 0 0 width height (`Geometry`). An exit's line stands at the morning
after it, since the exit is the last day on the floor.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import altair as alt
import vl_convert

from web.rendering.charts import LIGHT, Layer, Rows, Theme, accessible, instant
from web.rendering.words import full_day, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from forecaster.plans import Plan

WIDTH: Final = 800
HEIGHT: Final = 320
# Room for a four-figure label in the larger letters of a narrow screen.
PLOT: Final = {"left": 72, "right": 16, "top": 48, "bottom": 44}

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(weeks=1)
_WEEK_MS: Final = 7 * 86_400_000
_LABEL_ROWS: Final = (-20, -7)
_EDGE_ROW: Final = -33
"""Labels of steps take turns in two rows above the plot; those of the floor-set and the exit stand above."""

# Over a longer span the names of all months would meet on a narrow screen.
_WEEKS_BY_MONTH: Final = 40
_SMALL: Final = 10
_A_CUT: Final = 0.005


@dataclass(frozen=True)
class Geometry:
    """Where the plot lies in the drawing, in its own units, and the days that it shows, both included."""

    first_day: date
    last_day: date
    width: int = WIDTH
    height: int = HEIGHT
    plot_left: int = PLOT["left"]
    plot_top: int = PLOT["top"]
    plot_width: int = WIDTH - PLOT["left"] - PLOT["right"]
    plot_height: int = HEIGHT - PLOT["top"] - PLOT["bottom"]

    def x(self, day: date) -> float:
        """Where the morning of a day lies."""
        return self.plot_left + self.plot_width * (day - self.first_day) / (
            self.last_day + _DAY - self.first_day
        )

    @property
    def details(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        days = {"first_day": self.first_day.isoformat(), "last_day": self.last_day.isoformat()}
        return asdict(self) | days


def season_chart(
    weeks: Sequence[Mapping[str, Any]],
    plan: Plan,
    *,
    as_of: date,
    title: str,
    theme: Theme = LIGHT,
) -> tuple[str, Geometry]:
    """Draw a category's season as SVG, without scripts and without styles of its own.

    Args:
        weeks: the weeks shown, one after the other: week (first day), demand, p10, p90, sales,
            sales_last_year (units in the week) and price_ratio; None where there is none.
        plan: today's: the floor-set, the markdowns and the exit.
        as_of: the last business date known.
        title: what the drawing is called to people who cannot see it.
        theme: the colours; a page puts its own in their place by the marks' names: window, edge, step,
            steplabel, lastyear, sales, band, demand, now, nowlabel, week.

    Returns:
        The SVG, with a title and a description for screen readers, and over every week a mark that cannot be
        seen and carries the week's figures as its label; and where its plot lies.
    """
    geometry = Geometry(weeks[0]["week"], weeks[-1]["week"] + _WEEK - _DAY)
    spec = _template(theme, 1 if len(weeks) <= _WEEKS_BY_MONTH else 2) | {
        "datasets": {
            **_plan_rows(plan, geometry),
            "weeks": [_week_row(week) for week in weeks],
            "now": _now_row(as_of, geometry),
        },
        "params": [
            {"name": "first", "value": instant(geometry.first_day)},
            {"name": "last", "value": instant(geometry.last_day + _DAY)},
        ],
    }
    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    return accessible(svg, title, _description(weeks, plan, as_of)), geometry


def _plan_rows(plan: Plan, geometry: Geometry) -> dict[str, Rows]:
    """The window as a band, its edges with their names, and the steps of its prices."""
    first, last = geometry.first_day, geometry.last_day + _DAY
    opens, leaves = max(plan.floor_set, first), min(plan.exit + _DAY, last)
    edges = [(plan.floor_set, "floor-set"), (plan.exit + _DAY, "exit")]
    starts = [*(cut.day for cut in plan.markdowns), plan.exit + _DAY]
    steps = [
        {
            "at": instant(max(cut.day, first)),
            "until": instant(min(until, last)),
            "label": f"{cut.percent_off:g}%",
            "row": _LABEL_ROWS[place % len(_LABEL_ROWS)],
            "percent": cut.percent_off,
        }
        for place, (cut, until) in enumerate(zip(plan.markdowns, starts[1:], strict=True))
        if until > first and cut.day < last
    ]
    return {
        "window": [{"at": instant(opens), "until": instant(leaves)}] if opens < leaves else [],
        "edges": [{"at": instant(day), "label": name} for day, name in edges if first <= day < last],
        "steps": steps,
    }


def _week_row(week: Mapping[str, Any]) -> dict[str, Any]:
    """A week's bars stand on its days with a day of air; its demand at its middle."""
    start = instant(week["week"])
    return {
        "at": start,
        "until": start + _WEEK_MS - _WEEK_MS // 7,
        "middle": start + _WEEK_MS // 2,
        "none": 0,
        "end": start + _WEEK_MS,
        "label": week_told(week),
        **{name: week[name] for name in ("demand", "p10", "p90", "sales", "sales_last_year")},
    }


def week_told(week: Mapping[str, Any]) -> str:
    """The figures of a week in words; what is not known of it is left out.

    >>> from datetime import date
    >>> known = {"demand": 26.4, "p10": 19.0, "p90": 34.0, "sales": None, "sales_last_year": 28.0}
    >>> week_told({"week": date(2026, 6, 14), **known, "price_ratio": 0.7})
    'Week of 14 June 2026: demand 26 (19 to 34), last year sold 28, 30% off'
    """
    parts = []
    if week["demand"] is not None:
        between = f" ({_few(week['p10'])} to {_few(week['p90'])})" if week["p10"] is not None else ""
        parts.append(f"demand {_few(week['demand'])}{between}")
    if week["sales"] is not None:
        parts.append(f"sold {_few(week['sales'])}")
    if week["sales_last_year"] is not None:
        parts.append(f"last year sold {_few(week['sales_last_year'])}")
    off = 1.0 - week["price_ratio"] if week["price_ratio"] is not None else 0.0
    if off >= _A_CUT:
        parts.append(f"{off:.0%} off")
    return f"Week of {full_day(week['week'])}: {', '.join(parts) or 'nothing known'}"


def _few(value: float) -> str:
    """A number of units, with a decimal where it is small."""
    return number(value, 1 if 0 < abs(value) < _SMALL else 0)


def _now_row(as_of: date, geometry: Geometry) -> Rows:
    there = geometry.first_day <= as_of + _DAY <= geometry.last_day
    return [{"at": instant(as_of + _DAY)}] if there else []


@cache
def _template(theme: Theme, months: int) -> dict[str, Any]:
    """Everything but the data. Made once: to make it takes ten times as long as to draw it."""
    chart = (
        alt.layer(
            *_window(theme, months),
            _sales(theme),
            _last_year(theme),
            *_demand(theme),
            *_steps(theme),
            *_now(theme),
            _weeks(theme),
        )
        .properties(
            width=Geometry.plot_width,
            height=Geometry.plot_height,
            padding=PLOT,
            # Nothing that is written may move the plot.
            autosize=alt.AutoSizeParams(type="none", contains="content"),
        )
        .configure(font="system-ui, sans-serif", background=theme.background)
        .configure_axis(labelColor=theme.soft, labelFontSize=12)
        .configure_text(fontSize=12)
        .configure_view(stroke=None)
    )
    spec: dict[str, Any] = chart.to_dict()
    return spec


def _window(theme: Theme, months: int) -> Sequence[Layer]:
    band = alt.Chart(alt.NamedData("window"), name="window").mark_rect(fill=theme.window, aria=False)
    edge = alt.Chart(alt.NamedData("edges"), name="edge").mark_text(
        align="center", baseline="middle", fill=theme.soft, aria=False
    )
    line = alt.Chart(alt.NamedData("edges"), name="edgeline").mark_rule(stroke=theme.soft, aria=False)
    return [
        band.encode(x=_time(theme, months=months), x2="until:T"),
        line.encode(x=_time(theme)),
        edge.encode(x=_time(theme), y=alt.value(_EDGE_ROW), text="label:N"),
    ]


def _steps(theme: Theme) -> Sequence[Layer]:
    """Each price cut as a line with what it takes off above it."""
    data = alt.NamedData("steps")
    line = alt.Chart(data, name="step").mark_rule(stroke=theme.soft, strokeDash=[2, 3], aria=False)
    labels = [
        alt.Chart(data, name=f"steplabel{place}")
        .mark_text(align="center", baseline="middle", fill=theme.soft, aria=False)
        .transform_filter(f"datum.row === {row}")
        .encode(x=_time(theme), y=alt.value(row), text="label:N")
        for place, row in enumerate(_LABEL_ROWS)
    ]
    return [line.encode(x=_time(theme)), *labels]


def _sales(theme: Theme) -> Layer:
    mark = alt.Chart(alt.NamedData("weeks"), name="sales").mark_rect(fill=theme.sales, aria=False)
    return mark.transform_filter("isValid(datum.sales)").encode(
        x=_time(theme), x2="until:T", y=_units(theme, "sales"), y2="none:Q"
    )


def _last_year(theme: Theme) -> Layer:
    """A broken line, so that it is told from the bars without its colour."""
    mark = alt.Chart(alt.NamedData("weeks"), name="lastyear").mark_line(
        stroke=theme.ink, strokeWidth=1.4, strokeDash=[5, 3], interpolate="step", aria=False
    )
    return mark.transform_filter("isValid(datum.sales_last_year)").encode(
        x=_time(theme, "middle"), y=_units(theme, "sales_last_year")
    )


def _demand(theme: Theme) -> Sequence[Layer]:
    data = alt.NamedData("weeks")
    band = alt.Chart(data, name="band").mark_area(
        fill=theme.demand, opacity=0.22, interpolate="monotone", aria=False
    )
    line = alt.Chart(data, name="demand").mark_line(
        stroke=theme.demand, strokeWidth=2.5, interpolate="monotone", aria=False
    )
    return [
        band.transform_filter("isValid(datum.p10)").encode(
            x=_time(theme, "middle"), y=_units(theme, "p10"), y2="p90:Q"
        ),
        line.transform_filter("isValid(datum.demand)").encode(
            x=_time(theme, "middle"), y=_units(theme, "demand")
        ),
    ]


def _now(theme: Theme) -> Sequence[Layer]:
    data = alt.NamedData("now")
    rule = alt.Chart(data, name="now").mark_rule(stroke=theme.ink, strokeDash=[4, 3], aria=False)
    told = alt.Chart(data, name="nowlabel").mark_text(
        text="now", align="left", baseline="top", dx=4, dy=2, fill=theme.ink, aria=False
    )
    return [rule.encode(x=_time(theme)), told.encode(x=_time(theme), y=alt.value(0))]


def _weeks(theme: Theme) -> Layer:
    """What is pointed at: the whole height of each week, unseen, with its figures in words."""
    mark = alt.Chart(alt.NamedData("weeks"), name="week").mark_rect(opacity=0)
    return mark.encode(
        x=_time(theme), x2="end:T", y=alt.value(0), y2=alt.value(Geometry.plot_height), description="label:N"
    )


def _time(theme: Theme, column: str = "at", *, months: int = 1) -> alt.X:
    """The axis of time. That of the first layer is drawn, every so many months named."""
    axis = alt.Axis(
        title=None,
        grid=False,
        domainColor=theme.line,
        tickColor=theme.line,
        tickCount={"interval": "month", "step": months},
        labelPadding=8,
        # January says which year begins.
        labelExpr="utcFormat(datum.value, utcmonth(datum.value) == 0 ? '%Y' : '%b')",
    )
    # The renderer reads dates in the zone of its process: instants as numbers on a UTC scale do not move.
    domain = [alt.ExprRef("first"), alt.ExprRef("last")]
    return alt.X(f"{column}:T", scale=alt.Scale(type="utc", domain=domain, nice=False), axis=axis)


def _units(theme: Theme, column: str) -> alt.Y:
    axis = alt.Axis(
        title=None,
        tickCount=4,
        tickMinStep=1,
        format=",d",
        gridColor=theme.line,
        domain=False,
        ticks=False,
        labelPadding=8,
    )
    return alt.Y(f"{column}:Q", axis=axis, scale=alt.Scale(zero=True, nice=True))


def _description(weeks: Sequence[Mapping[str, Any]], plan: Plan, as_of: date) -> str:
    ahead = [week for week in weeks if week["p10"] is not None]
    wanted = sum(week["demand"] or 0.0 for week in ahead)
    late = sum(week["demand"] or 0.0 for week in ahead if week["week"] > plan.exit)
    told = [
        f"As of {full_day(as_of)}.",
        f"On the floor from {full_day(plan.floor_set)} to {full_day(plan.exit)}.",
        *(f"{cut.percent_off:g}% off from {full_day(cut.day)}." for cut in plan.markdowns),
        f"Customers want {wanted:,.0f} units in the weeks ahead that are shown, {late:,.0f} after the exit.",
    ]
    return " ".join(told)
