"""The gap map and the planner: what a merchandiser sees, moves and is told, and what is nobody else's."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete

from data.records import CalendarVersion, GapWeek, PlanSheet, Run
from tests.integration.web.season_world import FakeBoards, add_season, gap_weeks
from tests.integration.web.test_pages import statements
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, NOW, World
from web.season_forms import compact, plan_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

    from data.database import Database

TRUNKS = "/season/Swim%20trunks?zone=hot"
MOVED = f"{TRUNKS}&floor_set=2026-02-15&exit=2026-08-31&markdown_day_1=2026-06-22&percent_off_1=30"


@pytest.fixture
def boards(app: Flask) -> FakeBoards:
    """One real board, whatever is asked for."""
    boards = FakeBoards()
    app.extensions["inseason"].__dict__["boards"] = boards
    return boards


@pytest.fixture
def planned(database: Database, world: World, boards: FakeBoards) -> FakeBoards:
    """A night has prepared the season of swim trunks."""
    add_season(database)
    return boards


@pytest.fixture
def jonas(planned: FakeBoards, logged_in: Callable[[str], FlaskClient]) -> FlaskClient:
    """The merchandiser of swim trunks at his desk."""
    return logged_in(MERCHANDISER)


def words_of(page: str) -> str:
    """What stands on a page, without its marks."""
    main = page[page.find("<main") :]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", main)))


def links(page: str, text: str) -> list[str]:
    found = re.findall(rf'href="([^"]*)"[^>]*>\s*{re.escape(text)}', page)
    return [html.unescape(link) for link in found]


def weigh(path: str) -> str:
    return path.replace("/season/", "/season/weigh/", 1)


# The gap map


def test_the_map_shows_the_merchandisers_own_categories_only(jonas: FlaskClient) -> None:
    page = jonas.get("/season").text
    assert "Swim trunks" in page
    assert "Snow boots" not in page


def test_the_admin_sees_every_category_worst_first(
    planned: FakeBoards, database: Database, logged_in: Callable[[str], FlaskClient]
) -> None:
    with database.write() as records:
        records.add_all(gap_weeks("Sun hats", "", scale=500.0))
    page = logged_in(ADMIN).get("/season").text
    rows = re.findall(r'<th scope="row" class="name"><a href="[^"]*">([^<]+)', page)
    assert rows == ["Sun hats", "Snow boots", "Swim trunks"]


@pytest.mark.parametrize("path", ["/season", TRUNKS, weigh(TRUNKS), "/season/chart/Swim%20trunks?zone=hot"])
def test_store_managers_are_turned_away(
    path: str, planned: FakeBoards, logged_in: Callable[[str], FlaskClient]
) -> None:
    assert logged_in(MANAGER).get(path).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/season/Snow%20boots",
        "/season/weigh/Snow%20boots",
        "/season/chart/Snow%20boots",
        "/season/Nothing%20of%20the%20kind",
        "/season/Swim%20trunks?zone=nowhere",
        "/season/weigh/Swim%20trunks?zone=nowhere",
    ],
)
def test_what_is_not_the_merchandisers_is_not_there(path: str, jonas: FlaskClient) -> None:
    assert jonas.get(path).status_code == 404


def test_a_cell_says_in_words_what_its_shade_says(jonas: FlaskClient) -> None:
    page = jonas.get("/season?zone=hot").text
    told = re.search(r'<td class="(l5[^"]*)" data-n="(\d+)"><i>(26 July: [^<]+)</i>', page)
    assert told
    assert "f" not in told[1].split()
    assert told[3] == f"26 July: {told[2]} of {told[2]} missed, off the floor"
    assert re.search(r'<td class="d9 f"><i>12 July: 60 wanted, on the floor</i>', page)


def test_what_nobody_had_on_the_shelf_is_told_as_a_guess(jonas: FlaskClient) -> None:
    page = jonas.get("/season?zone=hot").text
    assert re.search(r'data-n="\d+\?"><i>20 September: \d+ of \d+ missed, off the floor, a guess<', page)


def test_the_map_opens_with_where_most_of_it_lies(jonas: FlaskClient) -> None:
    told = words_of(jonas.get("/season?zone=hot").text)
    assert re.search(r"customers want \d+ pieces that are off the floor\. Most of it: swim trunks", told)
    assert "from 26 July to" in told


def test_money_and_all_that_is_missed_can_be_asked_for(jonas: FlaskClient) -> None:
    inside = jonas.get("/season?zone=hot&show=missed").text
    assert "12 July: 6 of 60 missed, on the floor" in inside
    money = jonas.get("/season?zone=hot&in=money").text
    assert re.search(r"26 July: \$[\d.,k]+ of \$[\d.,k]+ missed", money)


def test_a_category_is_shown_zone_by_zone_without_the_chain_that_holds_them(jonas: FlaskClient) -> None:
    page = jonas.get("/season?category=Swim+trunks").text
    assert links(page, "Hot zone") == ["/season/Swim%20trunks?zone=hot"]
    assert links(page, "Cool zone") == ["/season/Swim%20trunks?zone=cool"]
    assert not links(page, "Whole chain")


def test_a_category_of_somebody_else_is_an_empty_map(jonas: FlaskClient) -> None:
    page = jonas.get("/season?category=Snow+boots")
    assert page.status_code == 200
    assert "None of your categories is sold there" in page.text


@pytest.mark.parametrize(
    "query", ["?from=nonsense", "?in=%00", "?from=9999-12-31", "?zone=' OR 1=1", "?show=x"]
)
def test_no_address_breaks_the_map(query: str, jonas: FlaskClient) -> None:
    assert jonas.get(f"/season{query}").status_code in {200, 404}


def test_earlier_and_later_weeks_are_a_link_away(jonas: FlaskClient) -> None:
    page = jonas.get("/season").text
    later = links(page, "Later weeks")
    assert later
    onward = jonas.get(later[0]).text
    assert links(onward, "Earlier weeks")
    assert not links(onward, "Later weeks")


def test_the_map_is_downloaded_as_it_is_cut(jonas: FlaskClient) -> None:
    answer = jonas.get("/season?zone=hot&as=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert len(rows) == 56
    assert {(row["category"], row["climate_zone"]) for row in rows} == {("Swim trunks", "hot")}
    assert jonas.get("/season?as=xlsx").status_code == 200


def test_without_a_night_the_map_says_when_it_comes(
    database: Database, boards: FakeBoards, logged_in: Callable[[str], FlaskClient]
) -> None:
    assert "The last nights have told nothing of Swim trunks" in words_of(
        logged_in(MERCHANDISER).get("/season").text
    )
    with database.write() as records:
        records.execute(delete(Run.__table__.metadata.tables["run_steps"]))
        records.execute(delete(Run))
    assert "No night has run yet" in logged_in(MERCHANDISER).get("/season").text


def test_where_nothing_is_missed_the_map_says_so(
    planned: FakeBoards, database: Database, logged_in: Callable[[str], FlaskClient]
) -> None:
    with database.write() as records:
        for week in records.query(GapWeek):
            week.after_units = week.lost_units = week.in_season_units = 0.0
    told = words_of(logged_in(MERCHANDISER).get("/season").text)
    assert "customers find on the floor what they want" in told


def test_forty_categories_of_a_year_fit_a_page(
    database: Database, boards: FakeBoards, logged_in: Callable[[str], FlaskClient]
) -> None:
    with database.write() as records:
        for number in range(40):
            records.add_all(gap_weeks(f"Category of goods {number}", "", scale=90_000.0))
    browser = logged_in(ADMIN)
    with statements(database) as asked:
        page = browser.get("/season")
    assert len(page.data) < 200_000
    assert page.text.count("<i>") > 40 * 53
    assert len(asked) <= 6


# The planner


def test_the_planner_opens_with_a_sentence_for_the_meeting(jonas: FlaskClient, planned: FakeBoards) -> None:
    told = words_of(jonas.get(TRUNKS).text)
    assert re.search(
        r"In the hot zone customers want swim trunks until 12 September\. The trade stops on 19 July: "
        r"\d+ customers leave without them, about \$[\d,]+ of margin\.",
        told,
    )
    # What the night has prepared needs no board.
    assert planned.asked == []


def test_the_planner_asks_few_questions(jonas: FlaskClient, database: Database) -> None:
    for path, most in ((TRUNKS, 10), (MOVED, 10), (weigh(MOVED), 7), ("/season", 6)):
        with statements(database) as asked:
            assert jonas.get(path).status_code == 200
        assert len(asked) <= most, path


def test_a_moved_exit_is_weighed_beside_todays_plan(jonas: FlaskClient, planned: FakeBoards) -> None:
    told = words_of(jonas.get(MOVED).text)
    assert re.search(
        r"30% off on 22 June, exit 31 August: \d+ more customers served, \$[\d,]+ more margin", told
    )
    assert re.search(r"It keeps \d+ rail-weeks from the incoming set\.", told)
    assert re.search(r"Pays while the incoming set earns less than \$[\d.,]+ a week on a rail\.", told)
    assert planned.asked == [("Swim trunks", "hot", "SS26")]


def test_the_part_of_the_page_says_the_same_as_the_page(jonas: FlaskClient) -> None:
    part = jonas.get(weigh(MOVED)).text
    assert part.strip().startswith('<div id="weighed"')
    whole = jonas.get(MOVED).text
    assert part.strip() in whole


def test_the_address_of_a_part_is_the_page_that_shows_it(jonas: FlaskClient) -> None:
    part = jonas.get(weigh(MOVED)).text
    address = re.search(r'data-address="([^"]+)"', part)
    assert address
    page = jonas.get(html.unescape(address[1])).text
    assert part.strip() in page


def test_differences_are_told_in_words(jonas: FlaskClient) -> None:
    part = jonas.get(weigh(MOVED)).text
    assert re.search(r'<small class="better">\d+ fewer</small>', part)
    assert re.search(r'<small class="worse">\d+ more</small>', part)
    assert "as today" in part


def test_up_to_three_plans_stand_beside_todays(jonas: FlaskClient) -> None:
    words = [f"2026-02-15~2026-08-{day:02d}~2026-06-22:30" for day in (2, 9, 16)]
    page = jonas.get(MOVED + "".join(f"&plan={word}" for word in words)).text
    heads = re.findall(r'<th scope="col" class="num[^"]*">(This plan|Plan \d|Today\'s plan)', page)
    assert heads == ["Today's plan", "This plan", "Plan 2", "Plan 3"]


def test_a_plan_is_put_beside_and_taken_away_again(jonas: FlaskClient) -> None:
    kept = jonas.get(f"{MOVED}&keep=1")
    assert kept.status_code == 302
    assert "keep" not in kept.location
    page = jonas.get(kept.location).text
    away = links(page, "Take away")
    assert len(away) == 1
    assert "plan=" not in away[0]
    assert not links(jonas.get(away[0]).text, "Take away")


def test_a_fourth_plan_is_not_put_beside(jonas: FlaskClient) -> None:
    full = f"{MOVED}&plan=2026-02-15~2026-08-02&plan=2026-02-15~2026-08-09"
    answer = jonas.get(f"{full}&keep=1")
    assert answer.status_code == 200
    assert "Three plans fit beside today's" in answer.text


def test_a_plan_that_breaks_a_rule_says_which(jonas: FlaskClient) -> None:
    path = f"{TRUNKS}&floor_set=2026-02-15&exit=2026-08-31&markdown_day_1=2026-07-10&percent_off_1=37"
    told = words_of(jonas.get(path).text)
    assert "The rules do not allow it: it takes 37% off on 2026-07-10" in told
    assert "not allowed" in told


def test_a_plan_beside_that_breaks_a_rule_leaves_the_others_standing(jonas: FlaskClient) -> None:
    page = jonas.get(f"{MOVED}&plan=2026-02-15~2026-08-31~2026-06-22:30~2026-06-24:50").text
    assert "lie between two cuts" in page
    assert re.search(r"\d+ more customers served", words_of(page))


def test_wrong_input_is_told_at_its_field_and_kept(jonas: FlaskClient, planned: FakeBoards) -> None:
    answer = jonas.get(f"{TRUNKS}&floor_set=2026-02-15&exit=soon&markdown_day_1=2026-07-10&percent_off_1=200")
    assert answer.status_code == 422
    page = answer.text
    assert re.search(r'id="exit" name="exit" value="soon"[^>]*aria-invalid="true"', page)
    assert 'id="exit-wrong">Choose a day for the exit.<' in page
    assert "The percent off of markdown 1 lies between 1 and 99." in page
    # The part that the script asks for is no page of its own.
    part = jonas.get(weigh(f"{TRUNKS}&exit=soon&floor_set=2026-02-15"))
    assert part.status_code == 200
    assert "This is no plan yet" in part.text


@pytest.mark.parametrize(
    "query",
    ["plan=broken", "plan=" + "~".join(["2026-02-15"] * 400), "customer_value=NaN", "exit=2027-12-31",
     "floor_set=2025-01-01&exit=2026-08-31", "season=no-such", "percent_off_9=x", "stores=,,,", "rails=1e9"],
)  # fmt: skip
def test_no_address_breaks_the_planner(query: str, jonas: FlaskClient) -> None:
    answer = jonas.get(f"{TRUNKS}&{query}")
    assert answer.status_code in {200, 422}
    assert jonas.get(weigh(f"{TRUNKS}&{query}")).status_code == 200


def test_stakes_decide_which_plan_is_recommended(jonas: FlaskClient) -> None:
    without = words_of(jonas.get(TRUNKS).text)
    dear = words_of(jonas.get(f"{TRUNKS}&customer_value=500").text)
    recommended = [re.search(r"Recommended (?=\S)(.*?) Take this plan", told) for told in (without, dear)]
    assert recommended[0]
    assert recommended[1]
    assert recommended[0][1] != recommended[1][1]


def test_the_recommended_plan_goes_into_the_form_with_one_press(jonas: FlaskClient) -> None:
    page = jonas.get(TRUNKS).text
    taken = jonas.get(links(page, "Take this plan into the form")[0])
    assert taken.status_code == 200
    assert "Take this plan into the form" not in taken.text


def test_every_mark_of_the_frontier_is_a_plan_with_a_label(jonas: FlaskClient) -> None:
    page = jonas.get(MOVED).text
    marks = re.findall(r'<a class="mark (\w+)" href="[^"]+" aria-label="([^"]+)"><title>', page)
    kinds = [kind for kind, _ in marks]
    assert {"frontier", "today", "recommended", "hand"} <= set(kinds)
    assert kinds.count("hand") == 1
    assert all(label for _, label in marks)


def test_what_was_taken_for_granted_and_left_out_is_said(jonas: FlaskClient) -> None:
    told = words_of(jonas.get(TRUNKS).text)
    assert "A piece left over brings 15% of its regular price." in told
    assert "2 skus without a unit cost taken to cost 40% of the price." in told
    assert "Not in these figures , with dates or markdowns of their own: Phoenix North." in told
    assert "340 pieces sold last year in these days, 75% at full price, 2.4 a store and week." in told


def test_the_drawing_is_handed_out_with_a_policy_of_its_own(jonas: FlaskClient) -> None:
    answer = jonas.get("/season/chart/Swim%20trunks?zone=hot")
    assert answer.mimetype == "image/svg+xml"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")


def test_a_newer_calendar_is_said_and_its_dates_are_today(
    jonas: FlaskClient, planned: FakeBoards, database: Database
) -> None:
    with database.write() as records:
        records.add(CalendarVersion(created_at=NOW, author="jonas@example.com", reason="later exit"))
    page = jonas.get(TRUNKS).text
    assert "The calendar has changed since the night of" in page
    assert planned.asked


def test_a_board_that_cannot_be_laid_out_is_a_sentence_on_the_page(
    jonas: FlaskClient, planned: FakeBoards
) -> None:
    planned.refusal = "No stock of Swim trunks to plan."
    answer = jonas.get(MOVED)
    assert answer.status_code == 200
    assert "No stock of Swim trunks to plan." in answer.text
    assert 'name="exit" value="2026-08-31"' in answer.text


def test_a_category_without_a_season_says_why(
    jonas: FlaskClient, planned: FakeBoards, database: Database
) -> None:
    with database.write() as records:
        records.execute(delete(PlanSheet))
    planned.refusal = "Swim trunks has no selling window that ends after 2026-06-13."
    page = jonas.get("/season/Swim%20trunks")
    assert page.status_code == 200
    assert "has no selling window" in page.text


def test_without_a_chain_the_first_zone_opens(
    database: Database, world: World, boards: FakeBoards, logged_in: Callable[[str], FlaskClient]
) -> None:
    add_season(database, zones=("cool", "hot"))
    page = logged_in(MERCHANDISER).get("/season/Swim%20trunks").text
    assert "Swim trunks, cool zone" in page


def test_dates_that_are_past_stand_fast(jonas: FlaskClient) -> None:
    page = jonas.get(TRUNKS).text
    assert re.search(r'id="floor_set"[^>]*readonly', page)
    assert not re.search(r'id="exit"[^>]*readonly', page)


def test_a_step_after_the_exit_is_said_to_fall_away(jonas: FlaskClient) -> None:
    path = f"{TRUNKS}&floor_set=2026-02-15&exit=2026-07-30&markdown_day_1=2026-08-05&percent_off_1=30"
    assert "lies after the exit, so it falls away" in words_of(jonas.get(path).text)


def test_what_is_proposed_is_the_plan_that_was_weighed(jonas: FlaskClient, app: Flask) -> None:
    if "calendar.propose" not in app.view_functions:
        pytest.skip("the calendar's pages are not there")
    page = jonas.get(MOVED).text
    sent: dict[str, Any] = dict(
        re.findall(r'<input type="hidden" form="propose" name="([^"]+)" value="([^"]*)">', page)
    )
    assert sent["exit"] == "2026-08-31"
    assert (sent["category"], sent["zone"], sent["season_code"]) == ("Swim trunks", "hot", "SS26")
    assert sent["percent_off_1"] == "30"
    assert "For the hot zone: 30% off on 22 June, exit 31 August." in words_of(page)


def test_a_category_with_a_slash_in_its_name_has_a_page(
    database: Database, planned: FakeBoards, logged_in: Callable[[str], FlaskClient]
) -> None:
    with database.write() as records:
        for row in records.query(PlanSheet).filter(PlanSheet.category == "Snow boots"):
            row.category = "Hats/caps"
        records.execute(
            GapWeek.__table__.update().where(GapWeek.category == "Snow boots").values(category="Hats/caps")
        )
        from data.records import Product

        product = records.query(Product).filter(Product.category == "Snow boots").one()
        product.category = "Hats/caps"
    browser = logged_in(ADMIN)
    link = links(browser.get("/season").text, "Hats/caps")[0]
    assert browser.get(link).status_code == 200
    assert browser.get(link.replace("/season/", "/season/weigh/")).status_code == 200


def test_a_plan_of_an_address_is_read_around_the_night() -> None:
    from tests.unit.web.making import NIGHT

    word = "2026-02-15~2026-08-31~2026-07-10:30"
    plan = plan_in(word, as_of=NIGHT)
    assert plan
    assert compact(plan) == word
    assert plan.exit - plan.floor_set == timedelta(days=197)
