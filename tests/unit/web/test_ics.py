"""The dates as a calendar program reads them: whole days, the same names in every version."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from icalendar import Calendar as CalendarFile

from data.calendar_rows import Calendar, Scope, Step, Window
from data.records import CalendarVersion, WindowStatus
from web.ics import calendar_file

TODAY = date(2026, 6, 14)
CHAIN, HOT = Scope(), Scope(climate_zone="hot_dry")
FLOOR_SET, EXIT, LATER = date(2026, 2, 16), date(2026, 7, 5), date(2026, 8, 31)


def window(scope: Scope = CHAIN, **changes: object) -> Window:
    plain = Window("swim trunks", "SS26", scope, WindowStatus.CURRENT, FLOOR_SET, EXIT)
    return replace(plain, **changes)  # type: ignore[arg-type]


def step(day: date, percent: float, scope: Scope = CHAIN) -> Step:
    return Step("swim trunks", "SS26", scope, day, percent)


def events(
    *rows: Window | Step, version: int = 3, base_url: str = "https://shop.example/"
) -> dict[str, object]:
    """The events of a calendar by their summary, read back from the file."""
    whole = Calendar(
        version,
        tuple(row for row in rows if isinstance(row, Window)),
        tuple(row for row in rows if isinstance(row, Step)),
        {"P1": "hot_dry", "S1": "cool"},
    )
    made = CalendarVersion(
        version_id=version,
        created_at=datetime(2026, 6, 1, 9, version, tzinfo=UTC),
        author="jonas",
        reason="why",
    )
    file = CalendarFile.from_ical(calendar_file(whole, made, TODAY, base_url))
    return {str(event["SUMMARY"]): event for event in file.walk("VEVENT")}


def test_a_season_is_its_first_day_its_markdowns_and_its_last_day() -> None:
    told = events(window(), step(date(2026, 6, 15), 30.0), step(date(2026, 6, 29), 50.0))

    assert [(summary, event["DTSTART"].dt) for summary, event in told.items()] == [
        ("swim trunks: on the floor from today", FLOOR_SET),
        ("swim trunks: marked down to 30% off", date(2026, 6, 15)),
        ("swim trunks: marked down to 50% off", date(2026, 6, 29)),
        ("swim trunks: last day on the floor", EXIT),
    ]


def test_every_event_is_a_whole_day() -> None:
    for event in events(window()).values():
        assert type(event["DTSTART"].dt) is date
        assert (event["DTEND"].dt - event["DTSTART"].dt).days == 1


def test_a_moved_exit_is_the_same_event_and_a_newer_one() -> None:
    name = "swim trunks: last day on the floor"
    before, after = events(window(), version=3)[name], events(window(exit=LATER), version=4)[name]

    assert before["UID"] == after["UID"]
    assert (before["SEQUENCE"], after["SEQUENCE"]) == (3, 4)
    assert before["LAST-MODIFIED"].dt < after["LAST-MODIFIED"].dt


def test_zones_kinds_and_years_have_names_of_their_own() -> None:
    last = window(floor_set=date(2025, 8, 18), exit=date(2025, 12, 31))
    told = events(last, window(), window(HOT), step(date(2026, 6, 15), 30.0))

    assert len({event["UID"] for event in told.values()}) == len(told)


def test_a_zone_with_dates_of_its_own_is_told_beside_the_chain() -> None:
    told = events(window(), window(HOT, exit=LATER))

    assert told["swim trunks, the hot dry zone: last day on the floor"]["DTSTART"].dt == LATER
    assert told["swim trunks: last day on the floor"]["DTSTART"].dt == EXIT


def test_drafts_single_stores_and_old_years_are_left_out() -> None:
    draft = window(status=WindowStatus.DRAFT)
    old = window(floor_set=date(2024, 2, 12), exit=date(2024, 7, 7))

    assert events(draft, old, window(Scope(store_id="P1"))) == {}


def test_stores_with_dates_of_their_own_are_mentioned() -> None:
    [first, *_] = events(window(), window(Scope(store_id="P1"), exit=LATER)).values()

    assert "1 store or style of this season has dates of its own" in first["DESCRIPTION"]


def test_an_event_leads_to_the_planner() -> None:
    [event, *_] = events(window(HOT)).values()

    assert event["URL"] == "https://shop.example/season/swim%20trunks?zone=hot_dry"


def test_the_same_calendar_is_the_same_file_whenever_it_is_asked_for() -> None:
    assert calendar_file(None, None, TODAY, "") == calendar_file(None, None, TODAY, "")


def test_before_the_first_version_the_file_is_empty_and_whole() -> None:
    file = CalendarFile.from_ical(calendar_file(None, None, TODAY, ""))

    assert file["VERSION"] == "2.0"
    assert file.walk("VEVENT") == []
