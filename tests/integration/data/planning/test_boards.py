"""Boards at hand: loaded once, shared by threads, made anew when something is known that they do not know."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from data.errors import InSeasonError
from data.planning import making, reading
from data.planning.boards import Boards
from data.records import CalendarVersion, ForecastOverride, Measure
from forecaster import Plan, Stakes
from tests.ground.planned import AS_OF, step, window, write_facts, write_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from unittest.mock import Mock

    from data.database import Database
    from data.facts import FactsStore

TRUNKS = "swim trunks"


@pytest.fixture
def boards(database: Database, facts: FactsStore, night: int) -> Boards:
    del night
    return Boards(database, facts.uri)


@pytest.fixture
def loads() -> Iterator[Mock]:
    """How often a category is read."""
    with patch.object(reading, "read_newest", side_effect=reading.read_newest) as reads:
        yield reads


def new_calendar(database: Database, leaving: date) -> None:
    with database.write() as session:
        session.add(
            CalendarVersion(
                created_at=datetime(2026, 6, 7, tzinfo=UTC),
                author="merchandiser",
                reason="later",
                windows=[window(TRUNKS, leaving)],
                markdown_steps=[step(date(2026, 6, 29), 30)],
            )
        )


def new_override(database: Database) -> ForecastOverride:
    with database.write() as session:
        made = ForecastOverride(
            category=TRUNKS,
            first_week=date(2026, 6, 7),
            last_week=date(2026, 8, 30),
            measure=Measure.FACTOR,
            amount=2.0,
            reason="a hot summer",
            author="merchandiser",
            made_at=datetime(2026, 6, 7, tzinfo=UTC),
            made_on=date(2026, 6, 7),
        )
        session.add(made)
    return made


def test_a_board_says_what_is_planned_for(boards: Boards) -> None:
    board = boards.of(TRUNKS)

    assert (board.as_of, board.season_code, board.stores, board.styles) == (AS_OF, "SS26", 3, 2)
    assert board.apart == ("Store LAX-01", "Board Short")
    assert board.today.exit == date(2026, 7, 5)
    assert board.stock == 30 * (3 * 2 - 1) * 3
    assert board.assumed.without_cost == 3
    assert board.today.exit < board.last_day < board.ends


def test_what_was_sold_since_the_floor_set_counts_in_the_sell_through(boards: Boards) -> None:
    board = boards.of(TRUNKS, "cool")

    # Sixteen weeks of two units from the week of 16 February on, of six series.
    assert board.sold_so_far == 16 * 2 * 6
    report = board.weigh([])
    told = board.told(report, report.today().to_dict())["figures"]
    sold = told["full_price_units"] + told["markdown_units"]
    assert told["units"] == pytest.approx(sold, abs=0.02)
    assert told["sell_through"] == pytest.approx((192 + sold) / (192 + told["stock"]), abs=1e-3)
    assert told["weeks"] == pytest.approx(29 / 7, abs=0.01)
    assert told["rate_of_sale"] == pytest.approx(sold / told["weeks"], rel=1e-3)
    assert told["weeks_of_supply"] == pytest.approx(told["stock"] / (sold / told["weeks"]), rel=1e-3)


def test_a_board_is_read_once(boards: Boards, loads: Mock) -> None:
    assert boards.of(TRUNKS) is boards.of(TRUNKS)
    assert loads.call_count == 1
    assert boards.of(TRUNKS, "hot") is not boards.of(TRUNKS)
    assert loads.call_count == 2


def test_many_who_ask_at_once_wait_for_one_load(boards: Boards, loads: Mock) -> None:
    together = Barrier(8)

    def ask(_number: int) -> object:
        together.wait(30)
        return boards.of(TRUNKS)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, range(8)))

    assert len({id(board) for board in found}) == 1
    assert loads.call_count == 1


def test_a_new_calendar_version_is_planned_with_at_once(boards: Boards, database: Database) -> None:
    before = boards.of(TRUNKS)

    new_calendar(database, date(2026, 8, 30))

    after = boards.of(TRUNKS)
    assert before.today.exit == date(2026, 7, 5)
    assert after.today.exit == date(2026, 8, 30)
    assert len(after.today.markdowns) == 1


def test_a_new_night_is_planned_on_at_once(boards: Boards, database: Database, facts: FactsStore) -> None:
    before = boards.of(TRUNKS)

    write_facts(database, facts, stock=60, as_of=AS_OF + timedelta(days=1))

    after = boards.of(TRUNKS)
    assert after.as_of == before.as_of + timedelta(days=1)
    assert after.stock == pytest.approx(2 * before.stock)


def test_an_override_counts_while_it_is_in_force(boards: Boards, database: Database) -> None:
    plain = boards.of(TRUNKS).weigh([]).today()["turned_away"]

    made = new_override(database)
    doubled = boards.of(TRUNKS).weigh([]).today()["turned_away"]
    with database.write() as session:
        withdrawn = session.get_one(ForecastOverride, made.override_id)
        withdrawn.withdrawn_at, withdrawn.withdrawn_on = datetime(2026, 6, 7, tzinfo=UTC), date(2026, 6, 7)
        withdrawn.withdrawn_by, withdrawn.withdrawn_why = "merchandiser", "a mistake"
        withdrawn.state = withdrawn.state.__class__.WITHDRAWN

    assert doubled > 1.5 * plain
    assert boards.of(TRUNKS).weigh([]).today()["turned_away"] == pytest.approx(plain)


def test_what_cannot_be_planned_is_asked_again_the_next_time(
    database: Database, facts: FactsStore, loads: Mock
) -> None:
    boards = Boards(database, facts.uri)
    with pytest.raises(InSeasonError, match="No night has run yet"):
        boards.of(TRUNKS)
    write_records(database)
    write_facts(database, facts)

    with pytest.raises(InSeasonError, match="No store of zone 'moon'"):
        boards.of(TRUNKS, "moon")
    with pytest.raises(InSeasonError, match="season SS99 of swim trunks has no selling window"):
        boards.of(TRUNKS, season_code="SS99")
    assert boards.of(TRUNKS).season_code == "SS26"
    assert loads.call_count == 4


def test_a_load_that_fails_fails_for_all_who_wait_and_for_nobody_after(boards: Boards) -> None:
    with (
        patch.object(making, "make_board", side_effect=OSError("the disk is gone")),
        pytest.raises(OSError, match="disk"),
    ):
        boards.of(TRUNKS)

    assert boards.of(TRUNKS).stores == 3


def test_the_board_not_used_for_longest_makes_room(
    database: Database, facts: FactsStore, night: int, loads: Mock
) -> None:
    del night
    size = Boards(database, facts.uri).of(TRUNKS).numbers.megabytes
    boards = Boards(database, facts.uri, most_megabytes=1.2 * size)
    loads.reset_mock()

    chain, hot = boards.of(TRUNKS), boards.of(TRUNKS, "hot")
    assert boards.of(TRUNKS, "hot") is hot
    assert boards.of(TRUNKS) is not chain

    assert loads.call_count == 3


def test_measured_substitution_is_part_of_what_is_weighed(boards: Boards) -> None:
    report = boards.of(TRUNKS).weigh([], stakes=Stakes(customer_value=3.0))

    assert (report.stakes.customer_value, report.stakes.substitution) == (3.0, 0.0)


def test_plans_that_break_a_rule_are_refused_with_a_reason(boards: Boards) -> None:
    board = boards.of(TRUNKS)
    gone = Plan(board.today.floor_set, board.today.markdowns, AS_OF)

    report = board.weigh([gone])

    assert [plan for plan, _ in report.refused] == [gone]


def test_without_markdowns_there_is_a_plan_too(database: Database, facts: FactsStore, night: int) -> None:
    del night
    with database.write() as session:
        session.add(
            CalendarVersion(
                created_at=datetime(2026, 6, 7, tzinfo=UTC),
                author="merchandiser",
                reason="no cuts",
                windows=[window(TRUNKS, date(2026, 7, 5))],
            )
        )

    board = Boards(database, facts.uri).of(TRUNKS)

    assert board.today.markdowns == ()
    assert board.apart == ()
