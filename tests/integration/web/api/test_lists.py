from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from data.records import Alert, CalendarVersion, MarkdownStep, SellingWindow, WindowStatus
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, World, add_alerts
from tests.unit.web.making import NOW, make_alert

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.database import Database
    from tests.integration.web.api.conftest import Program


def add_calendar(database: Database, weeks: int = 5) -> int:
    with database.write() as records:
        version = CalendarVersion(
            created_at=NOW, author="Jonas Lind", reason="test", windows=[], markdown_steps=[]
        )
        for number, category in enumerate(("Swim trunks", "Snow boots")):
            version.windows += [
                SellingWindow(
                    category=category,
                    season_code=f"S{season}",
                    floor_set=date(2026, 2, 15),
                    exit=date(2026, 7, 5),
                    status=WindowStatus.CURRENT,
                )
                for season in range(weeks)
            ]
            version.markdown_steps.append(
                MarkdownStep(
                    category=category,
                    season_code="S0",
                    effective_from=date(2026, 6, 1 + number),
                    percent_off=30,
                )
            )
        records.add(version)
        records.flush()
        return version.version_id


def ids(items: list[dict[str, Any]], name: str = "alert_id") -> list[int]:
    return [item[name] for item in items]


def test_the_pages_together_are_the_whole_list_newest_first(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    add_alerts(database, 20)
    with database.read() as records:
        everything = [alert.alert_id for alert in records.query(Alert) if alert.store_id == "PHX1"]

    caller = program(MANAGER)
    for limit in (1, 7, 200):
        assert ids(caller.pages(f"/alerts?limit={limit}")) == sorted(everything, reverse=True)


def test_what_is_added_meanwhile_disturbs_no_page(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    add_alerts(database, 10)
    caller = program(ADMIN)
    before = ids(caller.pages("/alerts?limit=200"))

    first = caller.get("/alerts?limit=4").json
    with database.write() as records:
        records.get_one(Alert, before[0]).money_lost += 1
    with database.write() as records:
        records.add_all(make_alert(None, style_id=f"LATE-{n}") for n in range(5))
    rest = caller.pages(first["next"])

    assert ids(first["items"]) + ids(rest) == before


def test_the_next_page_keeps_the_filters_and_stands_in_the_header_as_well(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    add_alerts(database, 3)

    answer = program(ADMIN).get("/alerts?store=PHX1&limit=2&severity=high")

    assert answer.json["next"].startswith("/api/v1/alerts?store=PHX1&limit=2&severity=high&cursor=")
    assert answer.headers["Link"] == f'<{answer.json["next"]}>; rel="next"'
    last = program(ADMIN).get("/alerts?limit=200")
    assert last.json["next"] is None
    assert "Link" not in last.headers


FILTERS = {
    "status=open": 2,
    "status=pending": 0,
    "status=dismissed": 0,
    "severity=high": 2,
    "severity=low": 0,
    "category=Snow+boots": 1,
    "rule=stockout_in_season": 1,
    "store=PHX1": 1,
    "zone=nowhere": 0,
    "store=PHX1&rule=stockout_in_season": 0,
}


def test_a_filter_leaves_what_it_says(world: World, program: Callable[..., Program]) -> None:
    caller = program(ADMIN)
    assert {query: len(caller.pages(f"/alerts?{query}")) for query in FILTERS} == FILTERS


WRONG = (
    "page=2", "status=new", "limit=0", "limit=201", "limit=ten", "limit=1&limit=2", "cursor=x", "cursor=",
    "cursor=W10", "cursor=WzEsMl0", "cursor=WzFlOTk5XQ", "cursor=WyItMSJd", "group=0", "group=1.5",
    "group=99999999999", "store=%00", f"store={'x' * 65}",
)  # fmt: skip


def test_a_query_that_is_wrong_is_refused_and_named(world: World, program: Callable[..., Program]) -> None:
    caller = program(ADMIN)
    for query in WRONG:
        answer = caller.get(f"/alerts?{query}")
        assert answer.status_code == 422, query
        assert answer.mimetype == "application/problem+json"
        assert [wrong["name"] for wrong in answer.json["errors"]] == [query.partition("=")[0]], query


def test_what_has_no_query_takes_none(world: World, program: Callable[..., Program]) -> None:
    answer = program(ADMIN).get(f"/alerts/{world.own_alert}?verbose=1")

    assert answer.status_code == 422
    assert answer.json["errors"] == [{"location": "query", "name": "verbose", "detail": "is not known here"}]


def test_an_answer_that_has_not_changed_is_not_sent_again(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    caller, path = program(MANAGER), f"/alerts/{world.own_alert}"
    tag = caller.get(path).headers["ETag"]

    same = caller.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.data) == (304, b"")
    caller.post(f"{path}/acknowledge", {"version": caller.get(path).json["version"]})
    assert caller.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_money_days_and_instants_are_written_as_the_document_says(
    world: World, program: Callable[..., Program]
) -> None:
    alert = program(MANAGER).get(f"/alerts/{world.own_alert}").json

    assert alert["money_lost"] == {"amount": "1298.80", "currency": "USD"}
    assert alert["margin_lost"] is None
    assert alert["act_by"] == "2026-07-01"
    assert alert["opened_at"] == "2026-06-14T06:30:00Z"
    assert alert["sentence"].startswith("Swim trunks will leave the floor on 5 July")
    assert [size["size"] for size in alert["sizes"]] == ["S", "M", "L"]
    assert [event["to_status"] for event in alert["events"]] == ["open"]


def test_a_merchandiser_reads_the_calendar_of_the_own_categories(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    version_id = add_calendar(database)
    caller = program(MERCHANDISER)

    assert caller.get("/calendar").json["version_id"] == version_id
    windows = caller.pages("/calendar/windows?limit=2")
    assert {window["category"] for window in windows} == {"Swim trunks"}
    assert len(windows) == 5
    assert [step["percent_off"] for step in caller.pages("/calendar/markdowns")] == [30.0]
    assert len(program(ADMIN).pages("/calendar/windows?limit=3")) == 10
    assert len(program(ADMIN).pages("/calendar/windows?season=S1")) == 2
    assert program(ADMIN).pages("/calendar/windows?status=draft") == []


def test_a_calendar_that_changes_while_it_is_read_is_read_to_its_end(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    old = add_calendar(database)
    caller = program(ADMIN)
    first = caller.get("/calendar/windows?limit=3").json

    new = add_calendar(database, weeks=1)
    rest = caller.get(first["next"]).json

    assert rest["version_id"] == first["version_id"] == old
    assert caller.get("/calendar").json["version_id"] == new


def test_before_any_calendar_there_is_none(world: World, program: Callable[..., Program]) -> None:
    caller = program(ADMIN)

    assert caller.get("/calendar").status_code == 404
    assert caller.get("/calendar/windows").json == {"items": [], "next": None, "version_id": None}


def test_runs_are_told_without_where_their_files_lie(world: World, program: Callable[..., Program]) -> None:
    caller = program(ADMIN)

    night = caller.get(f"/runs/{world.night}").json
    assert night["summary"] == "2 alerts opened"
    assert [step["name"] for step in night["steps"]] == ["ingest", "panel", "forecast"]
    assert "details" not in night
    assert [run["kind"] for run in caller.pages("/runs?limit=1")] == ["night", "import"]
    assert [run["run_id"] for run in caller.pages("/runs?kind=night")] == [world.night]
