"""The pages that look back: for whom, when, what a figure rests on, and what is said where there is none."""

from __future__ import annotations

import csv
import io
import re
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from html import unescape
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from data.records import DismissReason, RunState
from tests.integration.web.past_world import (
    AVERTED,
    ENDED,
    FALSE,
    UNKNOWN,
    change_forecast,
    judge,
    miss,
    note,
    play_again,
    walk,
)
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, NEIGHBOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from data.database import Database

    Browser = Callable[[str], FlaskClient]

PAGES = ("/outcomes", "/outcomes/alerts", "/outcomes/missed", "/outcomes/buy-notes", "/outcomes/backtest")


def said(page: TestResponse) -> str:
    """What a page says, without its marks and on one line."""
    text = re.sub(r"<(script|style|head)\b.*?</\1>", " ", page.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))


def file_of(answer: TestResponse) -> list[dict[str, str]]:
    assert answer.mimetype == "text/csv"
    text = answer.get_data().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    asked: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", hear)
    yield asked
    event.remove(database.engine, "before_cursor_execute", hear)


@pytest.fixture
def past(world: object, database: Database) -> Database:
    """Phoenix: 12 right, 3 averted, 2 wrong, 1 unknown; Seattle: 4 right; 5 losses that nobody spoke of."""
    judge(database, 12)
    judge(
        database, 3, AVERTED, units_happened=0.0, customers_happened=0.0, money_happened=Decimal(0),
        units_recovered=6.0, customers_recovered=5.0, money_recovered=Decimal(180), lead_days=None,
    )  # fmt: skip
    judge(database, 2, FALSE, units_happened=0.5, customers_happened=0.2, money_happened=Decimal(15))
    judge(database, 1, UNKNOWN)
    judge(database, 4, store_id="SEA1", category="Snow boots", rule="exit_before_demand_ends")
    miss(database, 4)
    miss(database, 1, store_id="SEA1", category="Snow boots")
    return database


def test_a_store_manager_reads_in_words_how_right_the_own_alerts_were(
    past: Database, logged_in: Browser
) -> None:
    text = said(logged_in(MANAGER).get("/outcomes"))

    assert "Phoenix North · 22 March 2026 to 14 June 2026 15 of 17 alerts were right" in text
    assert (
        "Of 17 alerts whose time is over, 12 came true, 3 were averted by what somebody did and 2 did" in text
    )
    assert "Of 1 more nobody can tell." in text
    assert "4 losses came that no alert spoke of: 20 units ($600)." in text
    assert "Seen coming 15 of 19" in text
    assert "Won back 18 units $540 at regular price" in text
    assert "People were told 3 days ahead" in text


def test_customers_turned_away_are_those_lost_and_those_won_back(past: Database, logged_in: Browser) -> None:
    text = said(logged_in(MANAGER).get("/outcomes"))

    # 12 x 2 and 2 x 0.2 that were foretold, 4 x 3 that were not, and 3 x 5 won back.
    assert "51 customers were turned away: 15 won back by what people did, 36 lost." in text
    assert "24 May 2026: 36 lost, 15 won back" in text
    assert "24 May 2026 51 15 36 18" in text


def test_everybody_sees_the_outcomes_of_the_own_stores_and_categories_only(
    past: Database, logged_in: Browser
) -> None:
    headings = {
        email: re.search(r"<h1>(.*?)</h1>", logged_in(email).get("/outcomes").text, re.DOTALL)
        for email in (MANAGER, NEIGHBOUR, MERCHANDISER, ADMIN)
    }

    assert {email: found and found[1] for email, found in headings.items()} == {
        MANAGER: "15 of 17 alerts were right",
        NEIGHBOUR: "Too few to tell: 4 alerts",
        MERCHANDISER: "15 of 17 alerts were right",
        ADMIN: "19 of 21 alerts were right",
    }


@pytest.mark.parametrize("asked", ["store=SEA1", "category=Snow+boots", "store=SEA1&category=Snow+boots"])
def test_a_filter_never_widens_the_view(asked: str, past: Database, logged_in: Browser) -> None:
    for email in (MANAGER, MERCHANDISER):
        browser = logged_in(email)

        assert "No alert was judged in these weeks" in said(browser.get(f"/outcomes?{asked}"))
        assert "Tide Board Shorts" not in browser.get(f"/outcomes/alerts?{asked}").text
        assert "STYLE-" not in browser.get(f"/outcomes/missed?{asked}").text
        for path in ("/outcomes", "/outcomes/alerts", "/outcomes/missed"):
            assert file_of(browser.get(f"{path}?{asked}&as=csv")) == []


def test_the_admin_tells_stores_apart_and_what_happens_apart(past: Database, logged_in: Browser) -> None:
    browser = logged_in(ADMIN)

    stores = said(browser.get("/outcomes?by=store"))
    rules = said(browser.get("/outcomes?by=rule"))

    assert "Phoenix North 15 of 17 2 4 69 18 $540 3 days ahead" in stores
    assert "Seattle South too few to tell: 4 alerts 0 1 21 0 $0 too few to tell: 4 alerts" in stores
    assert "Sells out in season 15 of 17" in rules


def test_a_store_of_a_merchandiser_counts_the_own_categories_only(past: Database, logged_in: Browser) -> None:
    judge(past, 11, store_id="SEA1", category="Swim trunks")

    text = said(logged_in(MERCHANDISER).get("/outcomes?by=store"))

    assert "Seattle South 11 of 11 0 0 44 0" in text


def test_a_category_of_one_store_is_told_when_both_are_asked_for(past: Database, logged_in: Browser) -> None:
    text = said(logged_in(ADMIN).get("/outcomes?store=PHX1&category=Swim+trunks"))

    assert "15 of 17 alerts were right" in text


def test_each_number_leads_to_the_alerts_behind_it(past: Database, logged_in: Browser) -> None:
    browser = logged_in(ADMIN)
    links = re.findall(r'href="(/outcomes/(?:alerts|missed)\?[^"]+)"', browser.get("/outcomes").text)

    wrong = next(unescape(link) for link in links if "did_not_happen" in link)
    lost = next(unescape(link) for link in links if "missed" in link and "Swim" in link)

    assert said(browser.get(wrong)).count("Tide Board Shorts") == 2
    assert "Did not happen" in said(browser.get(wrong))
    assert said(browser.get(lost)).count("Phoenix North") >= 4


def test_a_judged_alert_says_what_became_of_it_and_what_that_rests_on(
    past: Database, logged_in: Browser
) -> None:
    text = said(logged_in(MANAGER).get("/outcomes/alerts?verdict=happened"))

    assert (
        "It happened: 4 units ($120) were missed, from 20 May on, 3 days after people were told. "
        "Judged by what the store's own shelves sold."
    ) in text
    assert "Averted" not in text.split("Filter", 1)[1].split("Show", 1)[1]


def test_the_weeks_are_chosen_in_the_address(past: Database, logged_in: Browser) -> None:
    browser = logged_in(MANAGER)

    assert "No alert was judged in these weeks" in said(
        browser.get("/outcomes?from=2026-01-01&to=2026-03-01")
    )
    assert "15 of 17" in said(browser.get("/outcomes?from=2026-05-30&to=2026-05-30"))
    assert "24 May 2026 to 30 May 2026" in said(browser.get("/outcomes?from=2026-05-30&to=2026-05-30"))
    assert "24 May 2026 to 14 June 2026" in said(browser.get("/outcomes?weeks=4"))


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ("from=2026-06-14&to=2026-06-01", "The first day comes after the last one."),
        ("from=yesterday", "A day is written like 2026-06-14."),
        ("to=2026-06-01", "Say from which day on."),
        ("from=0001-01-01&to=0001-01-02", "That is too long ago, or too far ahead."),
        ("from=2020-01-01&to=2026-01-01", "At most 104 weeks can be shown at once."),
    ],
)
def test_days_that_cannot_be_are_refused_in_words_and_kept(
    asked: str, error: str, past: Database, logged_in: Browser
) -> None:
    for path in PAGES[:3]:
        answer = logged_in(MANAGER).get(f"{path}?{asked}")

        assert answer.status_code == 400
        assert error in said(answer)
        assert f'value="{asked.partition("=")[2].partition("&")[0]}"' in answer.text


@pytest.mark.parametrize(
    "asked",
    [
        "weeks=none",
        "weeks=99999999999999",
        "by=moon",
        "verdict=x",
        "after=x_y",
        "after=2026-01-01_-4",
        "run=x",
    ],
)
def test_what_an_address_does_not_know_is_ignored(asked: str, past: Database, logged_in: Browser) -> None:
    for path in PAGES:
        assert logged_in(ADMIN).get(f"{path}?{asked}").status_code == 200


def test_before_anything_is_judged_the_page_says_when_it_will_be(logged_in: Browser) -> None:
    text = said(logged_in(MANAGER).get("/outcomes"))

    # The window of the one alert closes with its demand on 12 September, and its figures have eight days.
    assert "Nothing to judge yet" in text
    assert (
        "The first alerts are judged when their season is over, on 20 September 2026 at the earliest." in text
    )


def test_effort_is_told_as_it_is_now_and_as_it_was(past: Database, logged_in: Browser) -> None:
    walk(
        past,
        (date(2026, 4, 4), "PHX1", 1.6, 7.0), (date(2026, 6, 13), "PHX1", 1.3, 4.0),
        (date(2026, 6, 13), "SEA1", 2.0, 9.0), (date(2026, 6, 13), "", 1.5, 6.0),
    )  # fmt: skip

    own, chain = said(logged_in(MANAGER).get("/outcomes")), said(logged_in(ADMIN).get("/outcomes"))

    assert (
        "To find their size, customers now go to 1.3 stores and 4 miles; 3 of 100 look in vain. "
        "On 4 April it was 1.6 stores and 7 miles; 3 of 100 look in vain."
    ) in own
    assert "Seattle South" not in own
    assert "customers now go to 1.5 stores and 6 miles" in chain
    assert "Seattle South 2.00 9.0 97 of 100" in chain


def test_what_was_dismissed_is_counted_by_reason(past: Database, logged_in: Browser) -> None:
    judge(past, 2, FALSE, dismissed_as=DismissReason.DATA_ERROR)
    judge(past, 1, dismissed_as=DismissReason.ACCEPTED_RISK, store_id="SEA1", category="Snow boots")

    assert "2 alerts were dismissed: 2 as “The figures are wrong”." in said(
        logged_in(MANAGER).get("/outcomes")
    )
    assert "3 alerts were dismissed: 2 as “The figures are wrong” and 1 as “We take the risk”." in said(
        logged_in(ADMIN).get("/outcomes")
    )


def test_the_forecast_is_told_in_plain_words(past: Database, logged_in: Browser) -> None:
    play_again(past, "Swim trunks", "Snow boots")
    play_again(past, "Swim trunks", state=RunState.RUNNING)

    text = said(logged_in(ADMIN).get("/outcomes"))

    assert (
        "Swim trunks For every 100 sold the forecast was 54 off, on balance 3 too high. "
        "Of 100 weeks, 81 fell inside the likely range. As it should be 400 weeks"
    ) in text
    assert "Snow boots For every 100" in text
    assert "Snow boots For every 100" not in said(logged_in(MERCHANDISER).get("/outcomes"))


def test_changes_of_the_forecast_are_measured_for_whoever_may_make_them(
    past: Database, logged_in: Browser
) -> None:
    change_forecast(past, "Swim trunks", error_with=0.2, error_without=0.4)
    change_forecast(past, "Swim trunks", error_with=0.5, error_without=0.4)
    change_forecast(past, "Snow boots", error_with=0.1, error_without=0.4)
    change_forecast(past, "Snow boots", error_with=None, error_without=None)

    texts = {email: said(logged_in(email).get("/outcomes")) for email in (MANAGER, MERCHANDISER, ADMIN)}

    assert "change" not in texts[MANAGER].split("How good the forecast is")[1]
    assert "Of 2 changes that people made to the forecast" in texts[MERCHANDISER]
    assert "measured after the fact: 2 closer to what was sold and 1 farther from it." in texts[ADMIN]


def test_a_score_of_a_few_weeks_is_not_told(past: Database, logged_in: Browser) -> None:
    play_again(past, "Swim trunks", rows=31)

    for path in ("/outcomes", "/outcomes/backtest"):
        text = said(logged_in(ADMIN).get(path))
        assert "too few to tell: 31 weeks" in text
        assert "For every 100 sold the forecast" not in text


def test_a_backtest_is_told_by_category_season_and_weeks_ahead(past: Database, logged_in: Browser) -> None:
    run_id = play_again(past, "Swim trunks", "Snow boots")
    browser = logged_in(MERCHANDISER)

    text = said(browser.get("/outcomes/backtest"))
    chosen = said(browser.get(f"/outcomes/backtest?run={run_id}&category=Swim+trunks"))
    rows = file_of(browser.get("/outcomes/backtest?as=csv"))

    assert "was foretold 2 times, 13 weeks ahead each time" in text
    assert "In season As it should be 400 500 54 3 81 of 100 9 of 100" in text
    assert "1 week As it should be 400" in text
    assert "It rests on 400 weeks of single skus" in chosen
    assert "Snow boots" not in text
    assert {row["category"] for row in rows} == {"", "Swim trunks"}


def test_without_a_backtest_the_page_says_how_to_make_one(logged_in: Browser) -> None:
    assert "No backtest has been made yet" in said(logged_in(MANAGER).get("/outcomes/backtest"))


def test_buy_notes_are_for_whoever_buys(past: Database, logged_in: Browser) -> None:
    note(past, 2)
    note(past, 1, category="Snow boots", season_code="FW25", season_ends=date(2026, 2, 28))
    note(past, 1, category="Snow boots", season_code="ALL", season_ends=None)

    assert logged_in(MANAGER).get("/outcomes/buy-notes").status_code == 403
    own, every = (logged_in(email).get("/outcomes/buy-notes") for email in (MERCHANDISER, ADMIN))

    assert "81 units that nothing could serve 60 customers in 2 needs, worth $2,400" in said(own)
    assert "Snow boots" not in own.text
    assert re.findall(r"<td>(FW25|SS25|ALL)</td>", every.text) == ["FW25", "SS25", "SS25", "ALL"]
    assert "Swim trunks, men mid M hot dry SS25 41 90 10 30 30 $1,200 3 observed here" in said(own)


def test_buy_notes_are_filtered_and_turned_page_by_page(past: Database, logged_in: Browser) -> None:
    note(past, 55, season_code="FW25", season_ends=date(2026, 2, 28))
    note(past, 50)
    note(past, 3, season_code="ALL", season_ends=None)
    browser, path, seen = logged_in(ADMIN), "/outcomes/buy-notes", []

    while path:
        page = browser.get(path).text
        seen += re.findall(r"<td>(FW25|SS25|ALL)</td>", page)
        following = re.search(r'href="([^"]*after=[^"]*)"', page)
        path = unescape(following[1]) if following else ""

    assert seen == ["FW25"] * 55 + ["SS25"] * 50 + ["ALL"] * 3
    assert len(file_of(browser.get("/outcomes/buy-notes?as=csv&season=SS25"))) == 50


def test_judged_alerts_are_turned_page_by_page_and_none_is_lost(past: Database, logged_in: Browser) -> None:
    judge(past, 30, ended_on=date(2026, 5, 2))
    browser, path, seen = logged_in(MANAGER), "/outcomes/alerts", []

    while path:
        page = browser.get(path).text
        seen += re.findall(r'<h2><a href="/alerts/(\d+)"', page)
        following = re.search(r'href="([^"]*after=[^"]*)"', page)
        path = unescape(following[1]) if following else ""

    assert len(seen) == len(set(seen)) == 12 + 3 + 2 + 1 + 30


def test_every_list_can_be_taken_away_as_it_is_filtered(past: Database, logged_in: Browser) -> None:
    browser = logged_in(MANAGER)

    sums = file_of(browser.get("/outcomes?as=csv"))
    alerts = file_of(browser.get("/outcomes/alerts?as=csv&verdict=averted"))
    losses = file_of(browser.get("/outcomes/missed?as=csv"))

    assert [(row["name"], row["judged"], row["losses_not_foretold"]) for row in sums] == [
        ("Swim trunks", "18", "4")
    ]
    assert [(row["store"], row["units_won_back"], row["money_won_back"]) for row in alerts] == [
        ("PHX1", "6", "180.00")
    ] * 3
    assert [row["ended_on"] for row in losses] == [ENDED.isoformat()] * 4
    for path in ("/outcomes", "/outcomes/alerts", "/outcomes/missed"):
        assert browser.get(f"{path}?as=xlsx").get_data().startswith(b"PK")


def test_no_page_asks_more_the_more_there_is(past: Database, logged_in: Browser) -> None:
    play_again(past, "Swim trunks")
    note(past, 5)
    browser, few, many = logged_in(ADMIN), {}, {}

    for path in PAGES:
        with statements(past) as asked:
            browser.get(path)
        few[path] = len(asked)
    judge(past, 40)
    judge(past, 40, store_id="SEA1", category="Snow boots")
    miss_more = [date(2026, 6, day) for day in range(1, 13)]
    walk(past, *((night, "", 1.5, 6.0) for night in miss_more))
    note(past, 60, season_code="FW25")
    for path in PAGES:
        with statements(past) as asked:
            browser.get(path)
        many[path] = len(asked)

    # One more for the stores of the newest night, now that a night has walked.
    assert many == few | {"/outcomes": few["/outcomes"] + 1}
    assert max(many.values()) <= 17
