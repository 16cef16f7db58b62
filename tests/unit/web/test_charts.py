from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import date
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from tests.unit.web.test_season_chart import draw as draw_season
from web.rendering.chart_style import with_style
from web.rendering.charts import alert_chart, alert_chart_png, chart_table

WINDOW = (date(2026, 2, 15), date(2026, 7, 5))
AS_OF = date(2026, 6, 13)


def history() -> pd.DataFrame:
    weeks = pd.date_range("2026-04-26", periods=7, freq="7D")
    stock = [40, 35, None, 25, 18, 12, 6]
    return pd.DataFrame({"week": weeks, "sales": [3.0, 5, 4, 6, 7, 6, 6], "stock": stock})


def forecast() -> pd.DataFrame:
    weeks = pd.date_range("2026-06-14", periods=10, freq="7D")
    mean = [float(8 - n / 2) for n in range(10)]
    return pd.DataFrame(
        {"week": weeks, "mean": mean, "p10": [m / 2 for m in mean], "p90": [m * 1.6 for m in mean]}
    )


def marks(svg: str, name: str) -> list[ET.Element]:
    return [
        shape
        for group in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g")  # noqa: S314  # our own drawing
        if name in group.get("class", "").replace("_", " ").split()
        for shape in group
    ]


def test_the_drawing_shows_demand_sales_stock_and_the_selling_window() -> None:
    svg = alert_chart(history(), forecast(), window=WINDOW, as_of=AS_OF)
    assert len(marks(svg, "sales")) == 7
    for name in ("band", "demand", "stock"):
        assert len(marks(svg, name)) == 1, name
    assert len(marks(svg, "window")) == 2
    assert [text.text for text in marks(svg, "edge")] == ["exit"]
    assert [text.text for text in marks(svg, "nowlabel")] == ["now"]


def test_the_drawing_is_a_picture_with_a_name_and_a_description() -> None:
    svg = alert_chart(history(), forecast(), window=WINDOW, as_of=AS_OF, title="Trunks <M> & more")
    picture = ET.fromstring(svg)  # noqa: S314  # our own drawing
    assert picture.get("role") == "img"
    assert picture.findtext("{http://www.w3.org/2000/svg}title") == "Trunks <M> & more"
    description = picture.findtext("{http://www.w3.org/2000/svg}desc") or ""
    assert "Sold in the weeks shown: 37 units." in description
    assert "Exit 5 July 2026." in description


def test_the_stored_drawing_carries_no_style_and_no_script() -> None:
    svg = alert_chart(history(), forecast(), window=WINDOW, as_of=AS_OF)
    assert not re.search(r"<style|<script|\sstyle=|\son\w+=|href=", svg)


def test_a_drawing_is_styled_when_it_is_handed_out() -> None:
    svg = alert_chart(history(), forecast(), window=WINDOW, as_of=AS_OF)
    styled = with_style(svg)
    assert styled.svg.count("<style>") == 1
    assert styled.style_hash.startswith("sha256-")
    names = set(re.findall(r'class\*="(\w+)_"', styled.svg))
    drawn = svg + draw_season()[0]
    assert names
    assert all(f" {name}_" in drawn for name in names), "the stylesheet names a mark that is not drawn"


def test_the_drawing_is_the_same_in_every_time_zone() -> None:
    code = (
        "from tests.unit.web.test_charts import *;"
        "import sys; sys.stdout.write(alert_chart(history(), forecast(), window=WINDOW, as_of=AS_OF))"
    )
    drawn = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for zone in ("Asia/Tokyo", "America/Los_Angeles")
    }
    assert len(drawn) == 1


def test_a_store_without_a_calendar_has_no_window() -> None:
    svg = alert_chart(history(), forecast(), window=(None, None), as_of=AS_OF)
    assert not marks(svg, "window")
    assert not marks(svg, "edge")


@pytest.mark.parametrize("empty", ["history", "forecast", "both"])
def test_a_drawing_without_data_is_still_a_drawing(empty: str) -> None:
    past = history().head(0) if empty in ("history", "both") else history()
    ahead = forecast().head(0) if empty in ("forecast", "both") else forecast()
    assert alert_chart(past, ahead, window=WINDOW, as_of=AS_OF).startswith("<svg")
    assert isinstance(chart_table(past, ahead), list)


def test_a_long_span_names_every_third_month_and_the_year() -> None:
    weeks = pd.date_range("2025-06-01", periods=54, freq="7D")
    past = pd.DataFrame({"week": weeks, "sales": 1.0, "stock": 5.0})
    told = re.findall(r">(\w+)</text>", alert_chart(past, forecast(), window=WINDOW, as_of=AS_OF))
    assert [label for label in told if label in {"Jul", "Oct", "2026", "Apr", "May"}] == [
        "Jul",
        "Oct",
        "2026",
        "Apr",
        "Jul",
    ]


def test_the_same_drawing_comes_as_png() -> None:
    assert alert_chart_png(history(), forecast(), window=WINDOW, as_of=AS_OF, scale=1).startswith(b"\x89PNG")


def test_the_table_has_every_week_once_with_what_is_known_of_it() -> None:
    rows = chart_table(history(), forecast())
    assert len(rows) == 17
    assert rows[0] == {
        "week": "2026-04-26",
        "sales": 3.0,
        "stock": 40.0,
        "mean": None,
        "p10": None,
        "p90": None,
    }
    assert rows[2]["stock"] is None
    assert rows[7] == {
        "week": "2026-06-14",
        "sales": None,
        "stock": None,
        "mean": 8.0,
        "p10": 4.0,
        "p90": 12.8,
    }
