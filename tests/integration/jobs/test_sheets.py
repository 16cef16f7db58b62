"""What a night prepares for the planner, on a small retailer."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from data.planning.assumed import Assumed, Prices
from data.planning.boards import Boards
from data.planning.details import FIGURES, plan_of
from data.planning.sheets import read_gap_map, read_sheet, sheets_of
from data.records import Run, RunKind
from forecaster import Plan
from jobs.night import run_night
from jobs.service import open_service
from jobs.sheets import prepare_plans
from jobs.tonight import Night
from tests.ground.retailer import AS_OF, STORES, write_feeds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.records import PlanSheet
    from jobs.service import Service

TRUNKS, TEES = "swim trunks", "white T-shirts"
FIRST_WEEK = date(2026, 6, 7)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The retailer after a night, for tests that only look at it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("INSEASON_VAR", str(tmp_path_factory.mktemp("planned")))
        environment.setenv("INSEASON_TODAY", FIRST_WEEK.isoformat())
        with open_service(create=True) as service:
            write_feeds(service.settings.inbox)
            run_night(service)
            yield service


def night_of(service: Service) -> Night:
    """The newest night, to look at its numbers again."""
    with service.database.read() as session:
        run = session.scalars(
            select(Run).where(Run.kind == RunKind.NIGHT).order_by(Run.business_date.desc())
        ).first()
    assert run is not None
    assert run.business_date is not None
    return Night(service, run.business_date, run.run_id)


def sheet_of(service: Service, zone: str = "hot") -> PlanSheet:
    with service.database.read() as session:
        found = read_sheet(session, TRUNKS, zone)
    assert found is not None
    return found


def test_the_map_adds_up_to_the_gap_of_the_night(planned: Service) -> None:
    night = night_of(planned)
    gap = night.outlook.gap.merge(night.outlook.products[["sku", "category", "regular_price"]], on="sku")
    gap = gap.assign(money=gap["lost"] * gap["regular_price"])

    with planned.database.read() as session:
        rows = read_gap_map(session, climate_zone="").rows
    assert {row.business_date for row in rows} == {AS_OF}
    for category in (TRUNKS, TEES):
        ahead = [row for row in rows if row.category == category and not row.is_past]
        own = gap[gap["category"] == category]
        assert [row.week for row in ahead] == [FIRST_WEEK + timedelta(weeks=week) for week in range(52)]
        assert sum(row.lost_units for row in ahead) == pytest.approx(own["lost"].sum())
        assert sum(row.lost_money for row in ahead) == pytest.approx(own["money"].sum())
        assert sum(row.demand_units for row in ahead) == pytest.approx(own["demand"].sum())
        for name, phase in (("before_units", "before_floor_set"), ("after_units", "after_exit")):
            told = own.loc[own["phase"] == phase, "lost"].sum()
            assert sum(getattr(row, name) for row in ahead) == pytest.approx(told)


def test_the_zones_add_up_to_the_chain(planned: Service) -> None:
    with planned.database.read() as session:
        rows = read_gap_map(session, category=TRUNKS).rows

    for week in {row.week for row in rows if not row.is_past}:
        here = [row for row in rows if row.week == week]
        chain = next(row for row in here if not row.climate_zone)
        assert len(here) == 1 + len({zone for _, zone, _ in STORES.values()})
        assert sum(row.lost_units for row in here) == pytest.approx(2 * chain.lost_units)


def test_the_weeks_since_the_floor_set_are_told_with_what_was_on_the_shelf(planned: Service) -> None:
    with planned.database.read() as session:
        rows = [row for row in read_gap_map(session, category=TRUNKS, climate_zone="hot").rows if row.is_past]

    # From the week of 9 February on; nothing was ever sold out but for the days before the floor-set.
    assert [row.week for row in rows] == [date(2026, 2, 8) + timedelta(weeks=week) for week in range(17)]
    assert sum(row.demand_units for row in rows) == pytest.approx(65, rel=0.25)
    assert sum(row.lost_units for row in rows[1:]) == pytest.approx(0.0, abs=0.01)
    assert rows[0].before_units > 0
    assert all(row.on_floor == 1.0 for row in rows)


def test_there_is_a_sheet_for_the_chain_and_for_each_zone_with_a_season(planned: Service) -> None:
    with planned.database.read() as session:
        found = sheets_of(session)

    told = [(sheet.category, sheet.climate_zone, sheet.season_code, sheet.exit) for sheet in found]
    early, late = date(2026, 7, 5), date(2026, 12, 31)
    assert told == [
        (TRUNKS, "", "SS26", early), (TRUNKS, "cool", "SS26", early),
        (TRUNKS, "hot", "SS26", early), (TRUNKS, "warm", "SS26", late),
    ]  # fmt: skip
    assert {sheet.calendar_version for sheet in found} == {1}


def test_a_sheet_says_what_a_board_says(planned: Service) -> None:
    details = sheet_of(planned).details
    board = Boards(planned.database, planned.facts.uri).of(TRUNKS, "hot")
    report = board.weigh(board.candidates())

    assert details["today"] == board.told(report, report.today().to_dict())
    assert details["recommended"] == board.told(report, report.recommended().to_dict())
    assert len(details["frontier"]) == len(report.frontier())
    assert details["plans_weighed"] == len(report.tried)
    assert plan_of(details["today"]["plan"]) == board.today == Plan(date(2026, 2, 9), (), date(2026, 7, 5))
    assert set(details["today"]["figures"]) == set(FIGURES)
    assert Assumed.of(details["assumed"]) == board.assumed
    assert board.assumed.prices == Prices()
    assert details["break_evens"]["rail_week"] > 0


def test_a_sheet_tells_last_year_and_how_it_sells_now(planned: Service) -> None:
    details = sheet_of(planned).details

    season, rest = details["last_year"]["season"], details["last_year"]["rest"]
    assert (season["first_day"], season["last_day"]) == ("2025-02-10", "2025-07-06")
    assert (rest["first_day"], rest["last_day"]) == ("2025-06-08", "2025-07-06")
    weeks = {week["week"]: week for week in details["weeks"]}
    touched = [week for week in weeks if "2026-02-08" <= week <= "2026-07-05"]
    assert season["units"] == sum(weeks[week]["sales_last_year"] for week in touched)
    assert season["full_price_units"] == season["units"]
    assert season["revenue"] == pytest.approx(25 * season["units"])
    lately = [weeks[f"2026-05-{day}"]["sales"] for day in (10, 17, 24, 31)]
    assert details["rate_of_sale"] == pytest.approx(sum(lately) / 4 / 2)
    assert details["weeks_of_supply"] == pytest.approx(2400 / (sum(lately) / 4), abs=0.1)
    assert details["sold_so_far"] == sum(weeks[week]["sales"] for week in touched if week < "2026-06-07")
    assert (details["on_hand"], details["to_come"]) == (2400, 0)


def test_the_weeks_of_a_sheet_go_from_before_the_floor_set_to_after_the_demand(planned: Service) -> None:
    sheet = sheet_of(planned)
    weeks, chart = sheet.table, sheet.details["chart"]

    days = [date.fromisoformat(week["week"]) for week in weeks]
    assert days == [days[0] + timedelta(weeks=place) for place in range(len(days))]
    assert days[0] < date(2026, 1, 1)
    assert days[-1] > date.fromisoformat(sheet.details["last_day"])
    assert (chart["first_day"], chart["last_day"]) == (
        weeks[0]["week"], (days[-1] + timedelta(days=6)).isoformat(),
    )  # fmt: skip
    ahead = [week for week in weeks if week["week"] >= "2026-06-07"]
    assert all(week["p10"] <= week["demand"] <= week["p90"] for week in ahead)
    assert all(week["sales"] is None for week in ahead)
    on_floor = [week for week in ahead if week["on_hand"] is not None]
    assert [week["week"] for week in on_floor] == [week["week"] for week in ahead if week["price_ratio"]]
    assert on_floor[0]["on_hand"] > on_floor[-1]["on_hand"]


def test_a_sheet_holds_its_drawing_and_plain_values(planned: Service) -> None:
    sheet = sheet_of(planned)

    assert sheet.svg.startswith("<svg")
    assert 'aria-label="swim trunks in hot: demand by week and the time on the floor"' in sheet.svg
    assert "NaN" not in json.dumps([sheet.details, sheet.table], allow_nan=False)


def test_only_the_newest_night_is_told_and_once_however_often_it_is_prepared(retailer: Service) -> None:
    run_night(retailer)
    run_night(retailer, AS_OF - timedelta(days=7))
    with retailer.database.read() as session:
        before = len(read_gap_map(session).rows), len(sheets_of(session))

    prepare_plans(night_of(retailer))

    with retailer.database.read() as session:
        assert read_gap_map(session).business_date == AS_OF
        assert {sheet.business_date for sheet in sheets_of(session)} == {AS_OF}
        assert (len(read_gap_map(session).rows), len(sheets_of(session))) == before
