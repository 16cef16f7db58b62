"""The demo retailer's trade calendar: when each category is set on the floor, marked down and cleared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from jobs.demo.assortment import CATEGORIES, season_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from jobs.demo.world import Timeline

KNOWN_AHEAD = timedelta(
    days=120
)  # a season is bought, and its calendar fixed, this long before its floor-set
MONDAY, SUNDAY = 0, 6
LONGEST_LOOK = 400  # days before and after an exit that the table of markdowns covers


@dataclass(frozen=True)
class Window:
    """One rule of the trade calendar: (month, day) of floor-set and exit, for all stores or for some."""

    category: str
    floor_set: tuple[int, int]
    exit: tuple[int, int]
    climate_zone: str | None = None
    store_id: str | None = None
    style_id: str | None = None

    @property
    def rank(self) -> int:
        """How specific the rule is; the most specific one wins."""
        return (
            4 * (self.style_id is not None)
            + 2 * (self.store_id is not None)
            + (self.climate_zone is not None)
        )

    def dates(self, year: int) -> tuple[date, date]:
        """Floor-set (a Monday) and exit (a Sunday) of the season that starts in `year`."""
        ends = year + (self.exit < self.floor_set)
        return _nearest(date(year, *self.floor_set), MONDAY), _nearest(date(ends, *self.exit), SUNDAY)

    def covers(self, store_id: str, climate_zone: str, style_id: str) -> bool:
        """Whether the rule speaks of this style in this store."""
        return (
            self.store_id in {None, store_id}
            and self.climate_zone in {None, climate_zone}
            and self.style_id in {None, style_id}
        )


WINDOWS = (
    Window("swim trunks", (2, 15), (7, 5)),
    Window("swim trunks", (2, 15), (8, 31), climate_zone="warm_coast"),
    Window("swim trunks", (2, 15), (8, 16), store_id="JAX-02"),
    Window("sandals", (2, 22), (7, 26)),
    Window("sandals", (2, 22), (8, 31), style_id="SAN-B1"),
    Window("shorts", (3, 1), (8, 9)),
    Window("winter coats", (8, 17), (2, 15)),
    Window("snow boots", (9, 14), (2, 8)),
    Window("gloves", (9, 21), (2, 8)),
    Window("school backpacks", (6, 22), (9, 13)),
)
# Steps as (days before the exit, percent off); the last one, after the exit, is for the clearance rail.
MARKDOWN_STEPS = {
    "swim trunks": ((20, 30), (6, 50), (-1, 70)),
    "sandals": ((20, 25), (6, 50), (-1, 70)),
    "shorts": ((20, 25), (6, 40), (-1, 60)),
    "winter coats": ((41, 25), (20, 40), (-1, 60)),
    "snow boots": ((27, 30), (6, 50), (-1, 65)),
    "gloves": ((34, 30), (6, 50), (-1, 70)),
    "school backpacks": ((13, 25), (-1, 50)),
}


def season_years(timeline: Timeline) -> dict[str, list[int]]:
    """The years of each season that the retailer has bought by today and that start within the timeline."""
    years: dict[str, list[int]] = {}
    for season, rules in _rules_by_season().items():
        found = [
            year
            for year in range(timeline.first.year, timeline.today.year + 2)
            if timeline.first + timedelta(days=30) < min(rule.dates(year)[0] for rule in rules)
            and min(rule.dates(year)[0] for rule in rules) - KNOWN_AHEAD <= timeline.today
        ]
        years[season] = found
    return years


def window(category: str, year: int, store_id: str, climate_zone: str, style_id: str) -> tuple[date, date]:
    """The selling window of one style in one store, by the most specific rule."""
    rules = [
        rule
        for rule in WINDOWS
        if rule.category == category and rule.covers(store_id, climate_zone, style_id)
    ]
    return max(rules, key=lambda rule: rule.rank).dates(year)


def life(season: str, year: int) -> tuple[date, date]:
    """The year in which customers want the styles of a season rather than their successors, in whole weeks.

    Wider than the selling window on both sides: demand does not know the trade calendar.
    """
    month = {"SS": 1, "FW": 7, "BTS": 4}[season]
    starts = _nearest(date(year, month, 1), SUNDAY)
    return starts, _nearest(date(year + 1, month, 1), SUNDAY) - timedelta(days=1)


def calendar_feed(timeline: Timeline) -> pd.DataFrame:
    """The calendar feed: the seasons bought so far as current, the next one of each kind as draft."""
    rows = [
        {
            "category": rule.category,
            "season_code": code,
            "floor_set": rule.dates(year)[0],
            "exit": rule.dates(year)[1],
            "status": status,
            "climate_zone": rule.climate_zone,
            "store_id": rule.store_id,
            "style_id": rule.style_id,
        }
        for rule, code, year, status in _published(timeline)
    ]
    return pd.DataFrame(rows)


def markdowns_feed(timeline: Timeline) -> pd.DataFrame:
    """The markdowns feed: one row for each step of each window."""
    rows = [
        {
            "category": rule.category,
            "season_code": code,
            "effective_from": rule.dates(year)[1] - timedelta(days=days),
            "percent_off": percent,
            "climate_zone": rule.climate_zone,
            "store_id": rule.store_id,
            "style_id": rule.style_id,
        }
        for rule, code, year, _ in _published(timeline)
        for days, percent in MARKDOWN_STEPS[rule.category]
    ]
    return pd.DataFrame(rows)


def markdown_table() -> NDArray[np.int64]:
    """Percent off, categories x days after the exit (shifted by `LONGEST_LOOK` to be an index)."""
    table = np.zeros((len(CATEGORIES), 2 * LONGEST_LOOK + 1), dtype=np.int64)
    for number, category in enumerate(CATEGORIES):
        for days, percent in MARKDOWN_STEPS.get(category.name, ()):
            table[number, LONGEST_LOOK - days :] = percent
    return table


def promotions(timeline: Timeline) -> NDArray[np.int64]:
    """Percent off for a few days, by day and category, whatever the markdown."""
    table = np.zeros((timeline.days, len(CATEGORIES)), dtype=np.int64)
    by_name = {category.name: number for number, category in enumerate(CATEGORIES)}
    for year in range(timeline.first.year, timeline.last.year + 1):
        memorial_day = _nearest(date(year, 5, 28), MONDAY)
        black_friday = date(year, 11, 1) + timedelta(days=(3 - date(year, 11, 1).weekday()) % 7 + 22)
        for start, days, names, percent in (
            (memorial_day - timedelta(days=3), 4, ("shorts", "sandals"), 20),
            (black_friday, 4, ("winter coats", "snow boots", "gloves"), 25),
            (_nearest(date(year, 3, 20), MONDAY), 7, ("white T-shirts",), 20),
            (_nearest(date(year, 10, 9), MONDAY), 7, ("white T-shirts",), 25),
        ):
            first = timeline.day(start)
            for name in names:
                table[max(first, 0) : max(first + days, 0), by_name[name]] = percent
    return table


def _published(timeline: Timeline) -> Iterator[tuple[Window, str, int, str]]:
    seasons = {category.name: category.season for category in CATEGORIES}
    bought = season_years(timeline)
    for rule in WINDOWS:
        season = seasons[rule.category]
        for year in bought[season]:
            yield rule, season_code(season, year), year, "current"
        following = max(bought[season]) + 1
        yield rule, season_code(season, following), following, "draft"


def _rules_by_season() -> dict[str, list[Window]]:
    seasons = {category.name: category.season for category in CATEGORIES}
    rules: dict[str, list[Window]] = {}
    for rule in WINDOWS:
        rules.setdefault(seasons[rule.category], []).append(rule)
    return rules


def _nearest(when: date, weekday: int) -> date:
    return when + timedelta(days=(weekday - when.weekday() + 3) % 7 - 3)
