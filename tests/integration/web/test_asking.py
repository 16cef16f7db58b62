"""Asked for, not found: found by three letters, recorded in one press, answered with the nearest store."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import joinedload

from data.errors import ConflictError
from data.records import (
    CustomerRequest,
    Product,
    RequestOutcome,
    Wanted,
)
from data.settings import load_settings
from tests.integration.web.shelves import COUNTED
from tests.integration.web.world import (
    ADMIN,
    MANAGER,
    MERCHANDISER,
    NEIGHBOUR,
    TODAY,
    World,
    form_token,
    log_in,
)
from web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from data.database import Database

NOW = datetime(2026, 6, 14, 16, tzinfo=UTC)


def press(browser: FlaskClient, path: str, **form: str) -> TestResponse:
    token = form_token(browser.get("/alerts").text)
    return browser.post(path, data={"csrf_token": token, **form})


def ask(browser: FlaskClient, **form: str) -> TestResponse:
    return press(browser, "/ask", **{"store": "PHX1", "style": "MAR", "size": "M"} | form)


def asked(database: Database) -> CustomerRequest:
    """What was recorded last."""
    newest = select(CustomerRequest).order_by(CustomerRequest.request_id.desc()).limit(1)
    with database.read() as records:
        return records.scalars(newest.options(joinedload(CustomerRequest.contact))).one()


def number(database: Database) -> int:
    """How many were recorded since the retailer was built with two."""
    with database.read() as records:
        return len(records.scalars(select(CustomerRequest.request_id)).all()) - 2


def told(page: str) -> str:
    """The text of a page's content."""
    main = page[page.index("<main") : page.index("</main")]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def buttons(page: str) -> list[str]:
    return re.findall(r'name="size" value="([^"]*)"', page)


def test_three_letters_find_the_style_with_its_sizes_in_order(maya: FlaskClient) -> None:
    page = maya.get("/ask?q=mar").text
    assert "Marlin Trunk" in page
    assert buttons(page) == ["S", "M", "L"]
    assert "S nowhere M 44 elsewhere L 4 here" in told(page)


@pytest.mark.parametrize(
    "words", ["mar m", "mar M", "Marlin trunks size M", "medium marlin", "trunks M men's"]
)
def test_a_size_among_the_words_leaves_that_size_to_press(maya: FlaskClient, words: str) -> None:
    assert buttons(maya.get("/ask", query_string={"q": words}).text) == ["M"]


def test_what_nobody_has_comes_after_what_somebody_has(maya: FlaskClient, stocked: World) -> None:
    with stocked.database.write() as records:
        records.add(
            Product(sku="ABA-M", style_id="ABA", style_name="Abalone", category="Swim trunks", size="M")
        )
    page = told(maya.get("/ask?q=swim+m").text)
    assert page.index("Marlin Trunk") < page.index("1 more style that nobody has now") < page.index("Abalone")
    assert "more style" not in told(maya.get("/ask?q=aba").text)


@pytest.mark.parametrize("words", ["ma", "m", "size M", "mar XXL", "women's marlin", "%%%", "umbrella"])
def test_what_says_too_little_or_is_not_carried_is_offered_as_words_only(
    maya: FlaskClient, words: str
) -> None:
    page = maya.get("/ask", query_string={"q": words}).text
    assert buttons(page) == []
    assert "Nothing like it is carried" in page
    assert 'name="text"' in page


def test_a_scanned_sku_is_recorded_as_that_sku(maya: FlaskClient, database: Database) -> None:
    page = maya.get("/ask?q=mar-nav-m").text
    assert buttons(page) == ["M"]
    assert 'name="sku" value="MAR-NAV-M"' in page
    ask(maya, sku="MAR-NAV-M")
    assert asked(database).sku == "MAR-NAV-M"
    assert asked(database).style_id is None


def test_one_press_records_the_request_and_shows_the_nearest_store_at_once(
    maya: FlaskClient, database: Database
) -> None:
    answer = ask(maya)
    assert answer.status_code == 303
    page = told(maya.get(answer.location).text)

    made = asked(database)
    assert (made.store_id, made.style_id, made.size, made.units) == ("PHX1", "MAR", "M", 1)
    assert (made.outcome, made.source, made.person_id) == ("none", "app", 1)
    assert "Recorded. Tempe has 1, 13 miles away." in page
    assert page.index("Tempe 13 miles · 1 by the count of 13 June") < page.index("Tucson 114 miles · 3 by")
    assert "Call (602) 555-TMP1" in page
    assert "Ships from Reno DC (40)" in page


def test_the_own_books_are_told_first_where_they_show_the_thing(maya: FlaskClient) -> None:
    page = told(maya.get(ask(maya, size="L").location).text)
    assert "The books show 4 here , counted 13 June . Look in the back first." in page
    assert "Nobody in the chain has it" in page


def test_words_are_recorded_as_they_were_said(maya: FlaskClient, database: Database) -> None:
    answer = press(maya, "/ask", store="PHX1", text="  a red\numbrella  ")
    assert asked(database).text == "a red umbrella"
    assert "in the customer's words" in maya.get(answer.location).text


def test_pressing_twice_is_once_and_pressing_another_size_is_another_request(
    maya: FlaskClient, database: Database
) -> None:
    first, again = ask(maya, once="a"), ask(maya, once="a")
    assert first.location == again.location
    assert ask(maya, once="a", size="S").location != first.location
    assert ask(maya, once="b").location != first.location
    assert number(database) == 3


@pytest.mark.parametrize(
    "form",
    [
        {"style": "", "size": "M"},
        {"style": "MAR", "size": "XXL"},
        {"style": "NO-SUCH"},
        {"sku": "NO-SUCH"},
        {"style": "", "text": "x" * 300, "sku": "MAR-NAV-M", "units": "1"},
        {"units": "0"},
        {"units": "100"},
    ],
)
def test_what_cannot_be_wanted_is_refused(
    maya: FlaskClient, database: Database, form: dict[str, str]
) -> None:
    assert ask(maya, **form).status_code == 400
    assert number(database) == 0


def test_a_hold_is_recorded_with_its_store_and_the_next_asker_sees_it(
    maya: FlaskClient, database: Database
) -> None:
    path = ask(maya, once="a").location
    assert press(maya, f"{path}/outcome", outcome="hold", holding_store="TUS1").status_code == 303
    assert "Held at Tucson" in told(maya.get(path).text)
    assert (asked(database).outcome, asked(database).holding_store_id) == ("hold", "TUS1")

    second = told(maya.get(ask(maya, once="b").location).text)
    assert "Tucson 114 miles · 3 by the count of 13 June · 1 held for customers" in second


def test_a_store_whose_pieces_are_all_held_is_not_offered(maya: FlaskClient) -> None:
    path = ask(maya, once="a").location
    press(maya, f"{path}/outcome", outcome="hold", holding_store="TMP1")
    assert "Tempe" not in told(maya.get(ask(maya, once="b").location).text)


def test_an_outcome_can_be_changed_and_taken_back(maya: FlaskClient, database: Database) -> None:
    path = ask(maya).location
    for outcome in ("ship_to_home", "saved_sale", "none"):
        press(maya, f"{path}/outcome", outcome=outcome)
        assert asked(database).outcome == outcome
    assert asked(database).outcome_at is None


@pytest.mark.parametrize(
    "form",
    [
        {"outcome": "sold"},
        {"outcome": "hold"},
        {"outcome": "hold", "holding_store": "PHX1"},
        {"outcome": "hold", "holding_store": "NOWHERE"},
    ],
)
def test_an_outcome_that_makes_no_sense_is_refused(
    maya: FlaskClient, database: Database, form: dict[str, str]
) -> None:
    path = ask(maya).location
    assert press(maya, f"{path}/outcome", **form).status_code == 400
    assert asked(database).outcome == "none"


def test_what_was_recorded_by_mistake_is_undone_and_stays_so(maya: FlaskClient, database: Database) -> None:
    path = ask(maya).location
    press(maya, f"{path}/undo")
    press(maya, f"{path}/undo")
    assert asked(database).is_undone
    assert "Undone" in told(maya.get(path).text)
    assert "Marlin Trunk" not in maya.get("/ask").text
    assert press(maya, f"{path}/outcome", outcome="saved_sale").status_code == 409


@pytest.fixture
def mailing(app: Flask, world: World, stocked: World) -> FlaskClient:
    """The manager's browser where a mail server is set."""
    settings = load_settings(today=TODAY, smtp_url="smtp://127.0.0.1:8025")
    browser = create_app(settings, world.database).test_client()
    log_in(browser, MANAGER)
    return browser


def test_no_address_is_asked_for_where_nobody_could_be_written_to(
    maya: FlaskClient, database: Database
) -> None:
    path = ask(maya).location
    assert "e-mail" not in maya.get(path).text
    refused = press(maya, f"{path}/contact", email="ann@example.com", consent="yes")
    assert refused.status_code == 400
    assert asked(database).contact is None


def test_an_address_is_kept_with_consent_and_never_shown_again(
    mailing: FlaskClient, database: Database
) -> None:
    path = ask(mailing).location
    press(mailing, f"{path}/contact", email="ann@example.com", consent="yes")
    contact = asked(database).contact
    assert contact
    assert (contact.email, contact.expires_on) == ("ann@example.com", date(2026, 8, 13))
    assert contact.gone_on == COUNTED
    page = mailing.get(path).text
    assert "ann@example.com" not in page
    assert "An address is kept" in page


def test_an_address_waits_for_a_count_without_the_thing_where_the_books_show_it(
    mailing: FlaskClient, database: Database
) -> None:
    path = ask(mailing, size="L").location
    press(mailing, f"{path}/contact", email="ann@example.com", consent="yes")
    contact = asked(database).contact
    assert contact
    assert contact.gone_on is None


@pytest.mark.parametrize(
    "form",
    [{"email": "ann@example.com"}, {"email": "ann", "consent": "yes"}, {"consent": "yes"}],
)
def test_without_consent_or_an_address_nothing_is_kept(
    mailing: FlaskClient, database: Database, form: dict[str, str]
) -> None:
    path = ask(mailing).location
    assert press(mailing, f"{path}/contact", **form).status_code == 400
    assert asked(database).contact is None


def test_no_address_is_kept_for_words(mailing: FlaskClient, database: Database) -> None:
    path = press(mailing, "/ask", store="PHX1", text="umbrella").location
    assert press(mailing, f"{path}/contact", email="ann@example.com", consent="yes").status_code == 400
    assert asked(database).contact is None


@pytest.mark.parametrize("ending", ["forget", "undo", "saved_sale"])
def test_an_address_is_deleted_when_it_is_no_longer_needed(
    mailing: FlaskClient, database: Database, ending: str
) -> None:
    path = ask(mailing).location
    press(mailing, f"{path}/contact", email="ann@example.com", consent="yes")
    if ending == "saved_sale":
        press(mailing, f"{path}/outcome", outcome=ending)
    else:
        press(mailing, f"{path}/{ending}")
    assert asked(database).contact is None


def test_a_merchandiser_chooses_a_store_which_is_remembered(
    stocked: World, logged_in: Callable[[str], FlaskClient], database: Database
) -> None:
    jonas = logged_in(MERCHANDISER)
    assert "Choose the store first" in jonas.get("/ask").text
    assert press(jonas, "/ask", style="MAR", size="M").status_code == 404
    assert "Marlin Trunk" in jonas.get("/ask?store=TUS1&q=mar").text
    assert press(jonas, "/ask", style="MAR", size="M").status_code == 303
    assert asked(database).store_id == "TUS1"
    assert 'value="DC"' not in jonas.get("/ask").text


def test_a_merchandiser_sees_and_records_own_categories_only(
    stocked: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    jonas = logged_in(MERCHANDISER)
    assert "Snow boots" not in jonas.get("/ask?store=PHX1&q=style").text
    assert ask(jonas, style="", sku="SKU-1").status_code == 400
    boots = ask(logged_in(ADMIN), style="", sku="SKU-1").location
    assert jonas.get(boots).status_code == 404
    assert jonas.get(ask(logged_in(MANAGER)).location).status_code == 200


def test_a_manager_records_and_sees_requests_of_own_stores_only(
    maya: FlaskClient, logged_in: Callable[[str], FlaskClient], database: Database
) -> None:
    assert ask(maya, store="SEA1").status_code == 404
    assert maya.get("/ask?store=SEA1&q=mar").status_code == 404
    path = ask(maya).location
    noor = logged_in(NEIGHBOUR)
    assert noor.get(path).status_code == 404
    for action in ("outcome", "undo", "contact", "forget"):
        assert press(noor, f"{path}/{action}", outcome="saved_sale").status_code == 404
    assert asked(database).counts_as_demand


def test_what_was_recorded_this_week_is_listed_with_what_came_of_it(maya: FlaskClient) -> None:
    press(maya, f"{ask(maya).location}/outcome", outcome="ship_to_home")
    page = told(maya.get("/ask").text)
    assert "Recorded this week Marlin Trunk, M" in page
    assert "ship to home" in page


def test_the_lookup_is_free_of_what_a_customer_typed_as_a_pattern(maya: FlaskClient) -> None:
    assert "Swim trunks" in maya.get("/ask", query_string={"q": "u-0"}).text
    for words in ("%-0", "_-0", "%"):
        assert "Swim trunks" not in maya.get("/ask", query_string={"q": words}).text


def test_requests_are_recorded_at_the_services_own_time(maya: FlaskClient, database: Database) -> None:
    ask(maya)
    assert asked(database).asked_at == NOW


def test_a_form_that_arrives_twice_at_the_same_moment_is_one_request(
    stocked: World, logged_in: Callable[[str], FlaskClient], database: Database
) -> None:
    browsers = [logged_in(MANAGER), logged_in(MANAGER)]
    tokens = [form_token(browser.get("/alerts").text) for browser in browsers]
    ready = Barrier(2)

    def send(browser: FlaskClient, token: str) -> str:
        ready.wait()
        form = {"csrf_token": token, "store": "PHX1", "style": "MAR", "size": "M", "once": "same"}
        return browser.post("/ask", data=form).location

    with ThreadPoolExecutor(2) as pool:
        paths = set(pool.map(send, browsers, tokens))
    assert len(paths) == 1
    assert number(database) == 1


def hold_what_was_changed_meanwhile(database: Database) -> None:
    with database.write() as records:
        seen = records.scalars(select(CustomerRequest).order_by(CustomerRequest.request_id.desc())).first()
        assert seen
        records.execute(text("UPDATE customer_requests SET version = version + 1"))
        seen.settle(RequestOutcome.HOLD, NOW, holding_store_id="TUS1")


def test_of_two_who_settle_the_same_request_at_once_the_second_is_told(
    maya: FlaskClient, database: Database
) -> None:
    ask(maya)
    with pytest.raises(ConflictError):
        hold_what_was_changed_meanwhile(database)
    assert asked(database).outcome == "none"


def test_the_button_beside_a_size_of_an_alert_records_that_size_in_one_press(
    app: Flask, maya: FlaskClient, database: Database
) -> None:
    with app.test_request_context():
        parts = app.jinja_env.get_template("asking/parts.html").module
        button = str(parts.asked_here("PHX1", "MAR", "M"))
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', button))
    assert 'action="/ask"' in button
    assert press(maya, "/ask", **{name: form[name] for name in ("once", "store", "style", "size")})
    assert asked(database).wanted == Wanted(style_id="MAR", size="M")
