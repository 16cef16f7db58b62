"""A calendar is checked while its dates can still be moved: from a file, and the drafts of the records."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from data.errors import FileRefusedError, InSeasonError
from data.records import Alert, CalendarVersion, Scope
from jobs.drafts import check_file, finding_rows, print_check
from jobs.night import run_night

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.service import Service

HEADER = "category,season_code,floor_set,exit,status"
EARLY = "swim trunks,SS27,2027-02-08,2027-07-04,draft"


def draft(folder: Path, *rows: str) -> Path:
    path = folder / "next_year.csv"
    path.write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    return path


def test_a_draft_that_takes_trunks_off_in_july_says_whom_it_turns_away(
    retailer: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_night(retailer)
    with retailer.database.read() as session:
        versions = session.scalar(select(func.count()).select_from(CalendarVersion))

    check = check_file(retailer, draft(tmp_path, EARLY))

    rows = finding_rows(check)
    json.dumps(rows, allow_nan=False)
    hot = next(row for row in rows if row["scope"] == "zone" and row["climate_zone"] == "hot")
    assert hot["rule"] == "exit_before_demand_ends"
    assert hot["exit"] == "2027-07-04"
    assert "2027-08-01" < hot["demand_ends"] < "2027-12-01"
    assert hot["units_lost"] > 50
    assert hot["act_by"] < hot["exit"]
    assert {row["store"] for row in rows if row["scope"] == "store"} >= {"PHX-01", "PHX-02"}
    print_check(check)
    told = capsys.readouterr().out
    assert "leaves too early" in told
    assert "1 windows, held against the forecasts of 2026-06-06" in told
    with retailer.database.read() as session:
        assert session.scalar(select(func.count()).select_from(CalendarVersion)) == versions


def test_a_draft_that_keeps_trunks_all_year_turns_nobody_away(
    retailer: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_night(retailer)

    check = check_file(retailer, draft(tmp_path, "swim trunks,SS27,2027-01-01,2027-12-31,draft"))

    print_check(check)
    assert "no date turns a material number of customers away" in capsys.readouterr().out
    assert finding_rows(check) == []


def test_a_season_that_the_file_leaves_out_stands_around_its_own(retailer: Service, tmp_path: Path) -> None:
    path = retailer.settings.inbox / "calendar.csv"
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    known = [f"{line}," for line in lines] + ["swim trunks,SS27,2027-02-08,2027-12-31,,draft"]
    path.write_text("\n".join([f"{header},status", *known, ""]), encoding="utf-8")
    run_night(retailer)

    rows = finding_rows(check_file(retailer, draft(tmp_path, "swim trunks,SS28,2028-01-01,2028-12-30,draft")))

    # The year before it is on the floor by the draft that is known, so nobody waits for the new one.
    assert [row for row in rows if row["rule"] == "floor_set_after_demand_starts"] == []


def test_an_exit_too_far_ahead_is_said_not_to_be_looked_at(
    retailer: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_night(retailer)

    print_check(check_file(retailer, draft(tmp_path, "swim trunks,SS29,2029-02-08,2029-07-04,draft")))

    assert "1 exit lies after 2028-06-03, too far ahead to be looked at." in capsys.readouterr().out


def test_bad_rows_are_told_and_the_others_checked(
    retailer: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_night(retailer)
    backwards = "swim trunks,SS28,2028-07-04,2028-02-08,draft"

    check = check_file(retailer, draft(tmp_path, EARLY, backwards))

    assert check.file.rows_rejected == 1
    assert len(check.file.windows) == 1
    print_check(check)
    assert "line 3" in capsys.readouterr().out


def test_a_file_without_a_good_row_is_refused_with_its_reason(retailer: Service, tmp_path: Path) -> None:
    run_night(retailer)

    with pytest.raises(FileRefusedError, match=r"none of its rows is good \(line 2: exit"):
        check_file(retailer, draft(tmp_path, "swim trunks,SS28,2028-07-04,2028-02-08,draft"))
    with pytest.raises(FileRefusedError, match="there is no such file"):
        check_file(retailer, tmp_path / "nowhere.csv")


def test_before_the_first_night_nothing_is_known_of_demand(retailer: Service, tmp_path: Path) -> None:
    with pytest.raises(InSeasonError, match="inseason nightly"):
        check_file(retailer, draft(tmp_path, EARLY))


def test_the_night_tells_the_merchandiser_of_a_draft_and_no_store(retailer: Service) -> None:
    with (retailer.settings.inbox / "calendar.csv").open("a", encoding="utf-8") as calendar:
        calendar.write("swim trunks,SS27,2027-02-08,2027-07-04,\n")
    path = retailer.settings.inbox / "calendar.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text(
        "\n".join(
            [f"{lines[0]},status", *[f"{line},{'draft' if 'SS27' in line else ''}" for line in lines[1:]], ""]
        ),
        encoding="utf-8",
    )

    run_night(retailer)

    with retailer.database.read() as session:
        drafts = list(session.scalars(select(Alert).where(Alert.season_code == "draft:SS27")))
    assert {alert.scope for alert in drafts} == {Scope.ZONE}
    assert {alert.climate_zone for alert in drafts} >= {"hot"}
    assert all(alert.details["exit"] == date(2027, 7, 4).isoformat() for alert in drafts)
