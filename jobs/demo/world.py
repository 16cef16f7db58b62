"""Where and when the demo retailer trades: its stores, their climate and the days that are generated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

WARM_UP_DAYS = 230  # the longest season and its clearance, so that the first published day is like any other
FORESIGHT_DAYS = 364  # the true demand is known this far beyond today, to score forecasts
WEEKS = 52


@dataclass(frozen=True)
class City:
    """A city with two stores; `school_start` is (month, day), `area_code` that of its telephones."""

    name: str
    code: str
    climate_zone: str
    timezone: str
    area_code: int
    latitude: float
    longitude: float
    school_start: tuple[int, int]
    districts: tuple[str, str]


CITIES = (
    City(
        "Charlotte",
        "CLT",
        "mixed_humid",
        "America/New_York",
        704,
        35.21,
        -80.84,
        (8, 25),
        ("Uptown", "Ballantyne"),
    ),
    City(
        "Los Angeles",
        "LAX",
        "warm_coast",
        "America/Los_Angeles",
        213,
        34.05,
        -118.29,
        (8, 14),
        ("Westwood", "Pico"),
    ),
    City(
        "Houston",
        "HOU",
        "hot_humid",
        "America/Chicago",
        713,
        29.75,
        -95.38,
        (8, 12),
        ("Midtown", "Katy Road"),
    ),
    City(
        "Indianapolis",
        "IND",
        "cold",
        "America/Indiana/Indianapolis",
        317,
        39.79,
        -86.16,
        (8, 5),
        ("Keystone", "Outlet"),
    ),
    City(
        "Jacksonville",
        "JAX",
        "hot_humid",
        "America/New_York",
        904,
        30.33,
        -81.63,
        (8, 11),
        ("Riverside", "Beaches"),
    ),
    City("Chicago", "CHI", "cold", "America/Chicago", 312, 41.86, -87.65, (8, 26), ("Loop", "Lincoln Park")),
    City(
        "New York",
        "NYC",
        "mixed_humid",
        "America/New_York",
        212,
        40.75,
        -73.97,
        (9, 6),
        ("Union Square", "Brooklyn"),
    ),
    City(
        "Philadelphia",
        "PHL",
        "mixed_humid",
        "America/New_York",
        215,
        39.96,
        -75.18,
        (9, 1),
        ("Center City", "Manayunk"),
    ),
    City(
        "Phoenix", "PHX", "hot_dry", "America/Phoenix", 602, 33.48, -112.05, (8, 5), ("Camelback", "Arcadia")
    ),
    City(
        "Seattle",
        "SEA",
        "marine",
        "America/Los_Angeles",
        206,
        47.61,
        -122.33,
        (9, 5),
        ("Ballard", "Capitol Hill"),
    ),
)
OUTLET = "IND-02"


@dataclass(frozen=True)
class Timeline:
    """The generated days, counted from `first`.

    `first` is a Sunday before the first published day `opens`; the last traded day is the day before
    `today`; the true demand reaches to `last`, a Saturday.
    """

    first: date
    opens: date
    today: date
    last: date

    @classmethod
    def around(cls, today: date, years: int) -> Timeline:
        """The timeline of a demo that publishes `years` years of trade before `today`."""
        opens = (pd.Timestamp(today) - pd.DateOffset(years=years)).date()
        first = opens - timedelta(days=WARM_UP_DAYS)
        last = today + timedelta(days=FORESIGHT_DAYS)
        return cls(sunday_on_or_before(first), opens, today, sunday_on_or_before(last) - timedelta(days=1))

    @property
    def days(self) -> int:
        """How many days the timeline has."""
        return (self.last - self.first).days + 1

    @property
    def traded_days(self) -> int:
        """How many days from `first` are traded: the last of them is the day before `today`."""
        return (self.today - self.first).days

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """Every day of the timeline."""
        return np.datetime64(self.first) + np.arange(self.days)

    def day(self, when: date) -> int:
        """The number of a date in this timeline; it may lie outside."""
        return (when - self.first).days


@dataclass(frozen=True)
class Stores:
    """The stores: `feed` as they are exported, and of each its city's number, size and yearly growth."""

    feed: pd.DataFrame
    city: NDArray[np.int64]
    size: NDArray[np.float64]
    growth: NDArray[np.float64]

    @property
    def ids(self) -> NDArray[np.object_]:
        """Store ids in order."""
        return self.feed["store_id"].to_numpy(dtype=object)

    @property
    def zones(self) -> list[str]:
        """Each store's climate zone."""
        return [CITIES[number].climate_zone for number in self.city]


def sunday_on_or_before(when: date) -> date:
    """The first day of the retail week that holds a date."""
    return when - timedelta(days=when.isoweekday() % 7)


def open_stores(rng: np.random.Generator) -> Stores:
    """Two stores in each city, one of the twenty an outlet."""
    rows = []
    for number, city in enumerate(CITIES):
        for position, district in enumerate(city.districts):
            store_id = f"{city.code}-{position + 1:02d}"
            north, east = rng.uniform(-0.08, 0.08, 2)
            rows.append(
                {
                    "store_id": store_id,
                    "name": f"{city.name} {district}",
                    "kind": "outlet" if store_id == OUTLET else "store",
                    "latitude": round(city.latitude + north, 4),
                    "longitude": round(city.longitude + east, 4),
                    "timezone": city.timezone,
                    "climate_zone": city.climate_zone,
                    "manager_email": f"manager.{store_id.lower()}@demo.example",
                    "phone": f"({city.area_code}) 555-{100 + 2 * number + position:04d}",
                    "opened_on": date(int(rng.integers(1998, 2020)), int(rng.integers(3, 11)), 1),
                    "closed_on": None,
                }
            )
    count = len(rows)
    return Stores(
        feed=pd.DataFrame(rows),
        city=np.repeat(np.arange(len(CITIES)), 2),
        size=rng.uniform(0.7, 1.45, count),
        growth=rng.uniform(-0.03, 0.07, count),
    )


def read_normals() -> NDArray[np.float64]:
    """Normal mean temperature in degrees F, cities x 52 weeks of the calendar year."""
    source = resources.files("jobs.demo") / "climate_normals.csv"
    with source.open(encoding="utf-8") as stream:
        table = pd.read_csv(stream, comment="#", index_col="week")
    return table[[city.name for city in CITIES]].to_numpy(dtype=float).T


def normal_temperature(normals: NDArray[np.float64], timeline: Timeline) -> NDArray[np.float64]:
    """Normal temperature of every day, days x cities, drawn smoothly between the middles of the weeks."""
    place = (day_of_year(timeline) - 0.5) / 7.0 - 0.5
    weeks = np.arange(-1, WEEKS + 1)
    around = np.column_stack([normals[:, -1], normals, normals[:, 0]])
    return np.column_stack([np.interp(place, weeks, city) for city in around])


def weather(rng: np.random.Generator, timeline: Timeline) -> NDArray[np.float64]:
    """Departures from the normal temperature, days x cities: spells of some weeks, partly shared."""
    weeks = timeline.days // 7 + 2
    shared = rng.normal(0, 1.6, (weeks, 1))
    spells = shared + rng.normal(0, 1.8, (weeks, len(CITIES)))
    for week in range(1, weeks):
        spells[week] += 0.6 * spells[week - 1]
    days = np.arange(timeline.days) / 7.0
    return np.column_stack([np.interp(days, np.arange(weeks), city) for city in spells.T])


def day_of_year(timeline: Timeline) -> NDArray[np.int64]:
    """1 for the first of January, for every day."""
    dates = timeline.dates
    number: NDArray[np.int64] = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(
        np.int64
    )
    return number + 1


def climate_feed(stores: Stores, normals: NDArray[np.float64]) -> pd.DataFrame:
    """The climate feed: one row per store and week of the year."""
    return pd.DataFrame(
        {
            "climate_zone": None,
            "store_id": np.repeat(stores.ids, WEEKS),
            "week": np.tile(np.arange(1, WEEKS + 1), len(stores.ids)),
            "normal_temperature": normals[stores.city].ravel(),
        }
    )
