from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from data.facts import write_forecasts
from data.records import Product, Run, Store
from forecaster.distribution import quantiles
from tests.integration.web.world import ADMIN, MANAGER, NIGHT, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.database import Database
    from data.facts import FactsStore
    from data.settings import Settings
    from tests.integration.web.api.conftest import Program

FIRST = date(2026, 6, 14)
WEEKS = 60
TRUNKS = "store=PHX1&sku=SKU-0"


@pytest.fixture
def database(plain_database: Database) -> Database:
    """One kind of database is enough here: forecasts are facts."""
    return plain_database


def rows(series: list[tuple[str, str, float]], **more: float) -> pd.DataFrame:
    """Forecasts of series of store, sku and mean, the same in every week."""
    told = {"p10": 1.0, "p50": 2.0, "p90": 4.0, "evidence": "observed", "size": 2.0, "level_shape": 4.0,
            "dispersion": 10.0} | more  # fmt: skip
    return pd.DataFrame(
        [
            {"store_id": store, "sku": sku, "week": FIRST + timedelta(weeks=week), "mean": mean} | told
            for store, sku, mean in series
            for week in range(WEEKS)
        ]
    )


def publish(facts: FactsStore, database: Database, night: int, frame: pd.DataFrame, as_of: date) -> None:
    write_forecasts(facts.uri, frame, category="Swim trunks", as_of=as_of, run_id=night)
    seasons = pd.DataFrame(
        {
            "climate_zone": "hot",
            "week": [FIRST, FIRST + timedelta(weeks=1)],
            "evidence": ["borrowed", "unknown"],
        }
    )
    write_forecasts(facts.uri, seasons, category="Swim trunks", as_of=as_of, run_id=night, table="seasons")
    with database.write() as records:
        versions = {name: facts.version(name) for name in ("forecasts", "seasons")}
        facts.publish(records, records.get_one(Run, night), versions)


@pytest.fixture
def published(world: World, database: Database, facts: FactsStore, settings: Settings) -> World:
    """Two skus in two stores of one zone, and one in a store of another."""
    with database.write() as records:
        records.add(Product(sku="SKU-2", style_id="STYLE-0", category="Swim trunks"))
        records.add(Store(store_id="ANC1", name="Anchorage", climate_zone="cold"))
    series = [("PHX1", "SKU-0", 3.0), ("PHX1", "SKU-2", 1.0), ("SEA1", "SKU-0", 2.0), ("ANC1", "SKU-0", 9.0)]
    publish(facts, database, world.night, rows(series), NIGHT)
    return world


def test_one_sku_in_one_store_is_told_as_the_night_has_published_it(
    published: World, program: Callable[..., Program]
) -> None:
    told = program(MANAGER).get(f"/forecasts?{TRUNKS}").json

    assert (told["as_of"], told["category"], told["climate_zone"]) == ("2026-06-13", "Swim trunks", "hot")
    assert len(told["items"]) == 52
    assert told["items"][0] == {
        "week": "2026-06-14", "mean": 3.0, "p10": 1.0, "p50": 2.0, "p90": 4.0, "evidence": "observed",
    }  # fmt: skip


def test_the_means_of_a_sum_add_up_and_its_band_is_narrower_than_the_sum_of_bands(
    published: World, program: Callable[..., Program]
) -> None:
    caller = program(ADMIN)

    store = caller.get("/forecasts?store=PHX1&category=Swim+trunks").json
    zone = caller.get("/forecasts?zone=hot&category=Swim+trunks").json

    assert (store["items"][0]["mean"], store["stores"]) == (4.0, 1)
    assert (zone["items"][0]["mean"], zone["stores"]) == (6.0, 2)
    first = zone["items"][0]
    assert first["p10"] < first["p50"] < first["p90"]
    low, high = quantiles([3.0, 1.0, 2.0], [2.0, 2.0, 2.0], (0.1, 0.9))
    assert first["p90"] - first["p10"] < (high - low).sum()
    assert [week["evidence"] for week in zone["items"][:3]] == ["borrowed", "unknown", "unknown"]


def test_the_variance_of_a_sum_is_that_of_its_series_and_of_the_doubt_they_share(
    published: World, database: Database, facts: FactsStore, program: Callable[..., Program]
) -> None:
    # One series whose own variance is all there is: its sum has the very size that is stored.
    own = 1 / (1 / 4.0 + (1 + 1 / 4.0) / 10.0)
    publish(facts, database, published.night, rows([("PHX1", "SKU-0", 30.0)], size=own), NIGHT)

    told = program(ADMIN).get("/forecasts?store=PHX1&category=Swim+trunks").json["items"][0]

    expected = [float(value[0]) for value in quantiles([30.0], [own], (0.1, 0.5, 0.9))]
    assert [told["p10"], told["p50"], told["p90"]] == expected


def test_a_span_of_weeks_is_kept_to(published: World, program: Callable[..., Program]) -> None:
    caller = program(ADMIN)

    told = caller.get(f"/forecasts?{TRUNKS}&from=2026-07-01&to=2026-07-20").json["items"]
    assert [week["week"] for week in told] == ["2026-07-05", "2026-07-12", "2026-07-19"]
    for query in (
        "from=2026-07-20&to=2026-07-01", "from=2026-01-01&to=2027-06-01", "from=9999-12-31", "from=soon",
        "from=1781000000",
    ):  # fmt: skip
        assert caller.get(f"/forecasts?{TRUNKS}&{query}").status_code == 422, query


def test_what_no_night_has_published_is_not_told(
    published: World, database: Database, facts: FactsStore, program: Callable[..., Program]
) -> None:
    write_forecasts(facts.uri, rows([("PHX1", "SKU-0", 99.0)]), category="Swim trunks", as_of=NIGHT, run_id=1)

    assert program(ADMIN).get(f"/forecasts?{TRUNKS}").json["items"][0]["mean"] == 3.0


@pytest.mark.parametrize(
    "query",
    [
        "", "store=PHX1", "category=Swim+trunks", "sku=SKU-0", "zone=hot&sku=SKU-0", "zone=hot&store=PHX1",
        f"{TRUNKS}&category=Swim+trunks",
    ],
)  # fmt: skip
def test_a_question_that_means_nothing_is_refused(
    query: str, world: World, program: Callable[..., Program]
) -> None:
    assert program(ADMIN).get(f"/forecasts?{query}").status_code == 422


def test_a_quote_in_a_name_is_a_quote_in_a_name(published: World, program: Callable[..., Program]) -> None:
    caller = program(ADMIN)

    assert caller.get("/forecasts?store=PHX1&sku=SKU-0'+OR+'1'='1").status_code == 404
    assert caller.get("/forecasts?zone=hot')+--&category=Swim+trunks").status_code == 404


def test_before_the_first_night_there_is_nothing(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    with database.write() as records:
        records.delete(records.get_one(Run, world.night))

    told = program(ADMIN).get(f"/forecasts?{TRUNKS}").json

    assert (told["as_of"], told["items"]) == (None, [])
