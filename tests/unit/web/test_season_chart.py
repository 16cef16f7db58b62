from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from forecaster.plans import Markdown, Plan
from web.rendering.season_chart import Geometry, season_chart

AS_OF = date(2026, 6, 6)
PLAN = Plan(
    date(2026, 2, 16),
    (Markdown(date(2026, 6, 15), 30.0), Markdown(date(2026, 6, 29), 50.0)),
    date(2026, 7, 5),
)


def season(first: int = -20, last: int = 20) -> list[dict[str, Any]]:
    """Weeks around the first one ahead."""
    found = []
    for place in range(first, last):
        demand = 20.0 + 300.0 * math.exp(-(((place - 6) / 8) ** 2))
        ahead = place >= 0
        found.append(
            {
                "week": date(2026, 6, 7) + timedelta(weeks=place),
                "demand": demand,
                "p10": 0.7 * demand if ahead else None,
                "p90": 1.4 * demand if ahead else None,
                "sales": None if ahead else 0.8 * demand,
                "price_ratio": 0.7 if place == 2 else 1.0,
                "sales_last_year": 0.6 * demand if place < 4 else None,
            }
        )
    return found


def draw(weeks: list[dict[str, Any]] | None = None, plan: Plan = PLAN) -> tuple[str, Geometry]:
    return season_chart(weeks or season(), plan, as_of=AS_OF, title="Swim trunks & more")


def lines(svg: str, name: str) -> list[float]:
    """Where the upright lines of a mark stand, in units of the drawing."""
    group = re.search(rf'class="[^"]* {name}_marks"[^>]*[^/]>(.*?)</g>', svg, re.DOTALL)
    origin = re.search(r'<g [^>]*transform="translate\(([\d.]+),', svg)
    assert origin
    found = re.findall(r'<line transform="translate\(([\d.]+),', group[1]) if group else []
    return [float(origin[1]) + float(place) for place in found]


def test_the_plot_lies_where_it_says() -> None:
    svg, geometry = draw()

    assert f'viewBox="0 0 {geometry.width} {geometry.height}"' in svg
    assert f'translate({geometry.plot_left},{geometry.plot_top})"' in svg
    assert lines(svg, "edgeline") == pytest.approx(
        [geometry.x(PLAN.floor_set), geometry.x(PLAN.exit + timedelta(days=1))]
    )
    assert lines(svg, "step") == pytest.approx([geometry.x(cut.day) for cut in PLAN.markdowns])
    assert lines(svg, "now") == pytest.approx([geometry.x(AS_OF + timedelta(days=1))])


def test_the_plot_lies_there_whatever_is_drawn() -> None:
    large = [
        {name: 1000.0 * value if isinstance(value, float) else value for name, value in week.items()}
        for week in season(-45, 30)
    ]

    svg, geometry = draw(large, replace(PLAN, markdowns=()))

    small = draw()[1]
    assert (geometry.plot_left, geometry.plot_width) == (small.plot_left, small.plot_width)
    assert lines(svg, "edgeline") == pytest.approx(
        [geometry.x(PLAN.floor_set), geometry.x(PLAN.exit + timedelta(days=1))]
    )
    assert "300,000" in svg


def test_the_first_and_the_last_day_are_the_edges_of_the_plot() -> None:
    geometry = draw()[1]

    assert geometry.x(geometry.first_day) == geometry.plot_left
    assert geometry.x(geometry.last_day + timedelta(days=1)) == geometry.plot_left + geometry.plot_width
    assert geometry.details["first_day"] == "2026-01-18"
    assert geometry.details["plot_width"] == geometry.plot_width


def test_what_lies_outside_the_weeks_shown_is_not_drawn() -> None:
    plan = Plan(date(2025, 9, 1), (Markdown(date(2027, 1, 4), 30.0),), date(2027, 2, 1))

    svg, geometry = draw(plan=plan)

    assert lines(svg, "edgeline") == lines(svg, "step") == []
    assert f"h{geometry.plot_width}v" in svg


def test_weeks_without_numbers_leave_gaps_and_no_nan() -> None:
    weeks = season()
    for week in weeks[5:9]:
        week.update(dict.fromkeys(("demand", "sales", "sales_last_year")))

    svg, _ = draw(weeks)

    assert "NaN" not in svg
    assert "null" not in svg


def test_every_week_carries_its_figures_in_words() -> None:
    svg, _ = draw()

    labels = re.findall(r'aria-label="(Week of [^"]*)"', svg)
    assert len(labels) == 40
    assert "Week of 31 May 2026: demand 160, sold 128, last year sold 96" in labels
    assert "Week of 21 June 2026: demand 254 (178 to 355), last year sold 152, 30% off" in labels


def test_it_is_named_for_those_who_do_not_see_it() -> None:
    svg, _ = draw()

    assert 'role="img" aria-label="Swim trunks &amp; more"' in svg
    assert "<desc>As of 6 June 2026. On the floor from 16 February 2026 to 5 July 2026. 30% off from" in svg


def test_it_has_neither_scripts_nor_styles_nor_addresses() -> None:
    svg, _ = draw()

    assert not re.search(r"<script|<style|style=|href=|url\((?!#)", svg)
    assert set(re.findall(r"https?://[^\"]+", svg)) <= {
        "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink",
    }  # fmt: skip


def test_it_is_the_same_wherever_the_night_runs() -> None:
    program = (
        "from tests.unit.web.test_season_chart import *;import hashlib;"
        "print(hashlib.sha256(draw()[0].encode()).hexdigest())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program], env={"TZ": zone}, capture_output=True, text=True, check=True
        ).stdout
        for zone in ("UTC", "America/Los_Angeles")
    }
    assert len(told) == 1
