"""Policies on their pages: what holds and whence, who may change what, the history and the way back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from data.policies import policies_in_force
from data.records import PersonCategory, PolicyVersion
from forecaster.policy import RulePolicy
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, form_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from data.database import Database

TRUNKS, BOOTS = "Swim trunks", "Snow boots"


@pytest.fixture
def admin(logged_in: Callable[[str], FlaskClient]) -> FlaskClient:
    return logged_in(ADMIN)


@pytest.fixture
def merchandiser(logged_in: Callable[[str], FlaskClient]) -> FlaskClient:
    return logged_in(MERCHANDISER)


def send(browser: FlaskClient, category: str = "", *, seen: int = 0, **values: Any) -> TestResponse:
    form = {"category": category, "seen": str(seen), "reason": "too many small ones"} | values
    return browser.post("/policies/edit", data=form | {"csrf_token": form_token(browser.get("/alerts").text)})


def revert(browser: FlaskClient, category: str, number: int, seen: int) -> TestResponse:
    form = {"category": category, "number": str(number), "seen": str(seen), "reason": "it was better"}
    return browser.post(
        "/policies/revert", data=form | {"csrf_token": form_token(browser.get("/alerts").text)}
    )


def policy(database: Database, category: str = "") -> RulePolicy:
    with database.read() as records:
        return policies_in_force(records).of(category)


def row(page: str, label: str) -> str:
    """What the table says of a threshold."""
    found = re.search(rf'<th scope="row">{label}<small>.*?</tr>', page, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def test_every_threshold_is_told_with_its_unit_and_whence_it_is(admin: FlaskClient) -> None:
    send(admin, min_units="5")
    send(admin, TRUNKS, min_lost_share="12.5")
    chain, trunks = admin.get("/policies").text, admin.get(f"/policies?category={TRUNKS}").text
    assert "5 units Set here as it comes: 3 units" in row(chain, "Least units")
    assert "10 % As it comes" in row(chain, "Least share of demand")
    assert "5 units The chain as it comes: 3 units" in row(trunks, "Least units")
    assert "12.5 % Set here without it: 10 %" in row(trunks, "Least share of demand")
    assert "Sells out in season" in chain
    assert re.search(r"With values of their own: <a [^>]+>Swim trunks</a> \(1\)", chain)


def test_what_is_set_holds_and_what_is_left_empty_is_the_chains(
    admin: FlaskClient, database: Database
) -> None:
    send(admin, min_units="5", daily_cap="3")
    answer = send(admin, TRUNKS, daily_cap="1", core_share="60")
    assert answer.status_code == 303
    assert answer.location == "/policies?category=Swim+trunks"
    assert policy(database, TRUNKS) == RulePolicy(min_units=5, daily_cap=1, core_share=0.6)
    # The form shows what is set, and sending it as it is changes nothing.
    page = admin.get(f"/policies/edit?category={TRUNKS}").text
    assert re.search(r'name="core_share" value="60"', page)
    assert re.search(r'name="min_units" value=""', page)
    assert "Nothing would change" in send(admin, TRUNKS, seen=1, daily_cap="1", core_share="60").text
    send(admin, TRUNKS, seen=1, core_share="60")
    assert policy(database, TRUNKS).daily_cap == 3


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"min_units": "many"}, "min_units", "&#39;many&#39; is not a number."),
        ({"min_units": "-1"}, "min_units", "-1 is not a number of at least 0."),
        ({"daily_cap": "2.5"}, "daily_cap", "2.5 is not a whole number."),
        ({"exit_weeks_ahead": "99"}, "exit_weeks_ahead", "99 is more than 53."),
        ({"core_share": "160"}, "core_share", "Give a number of percent between 0 and 100."),
        ({"max_stockout_weeks": "2"}, "max_stockout_weeks", "2 is less than min_stockout_weeks."),
        ({"confidence": "unknown"}, "confidence", "say observed, requested or borrowed"),
        ({"min_units": "5", "reason": " "}, "reason", "Say in a few words why the policy changes."),
    ],
)
def test_what_cannot_be_taken_is_told_beside_its_field_and_stays_typed(
    admin: FlaskClient, database: Database, values: dict[str, str], field: str, told: str
) -> None:
    refused = send(admin, late_days="9", **values)
    assert refused.status_code == 400
    assert re.search(rf'id="{field}-problem">[^<]*{re.escape(told)}', refused.text)
    assert 'name="late_days" value="9"' in refused.text
    if field not in {"confidence", "reason"}:
        assert f'name="{field}" value="{values[field]}"' in refused.text
    assert policy(database) == RulePolicy()


def test_all_fields_at_fault_are_told_at_once(admin: FlaskClient) -> None:
    refused = send(admin, min_units="x", min_money="y", reason="").text
    assert refused.count('class="problem"') == 3
    assert "3 fields need another look" in refused


def test_a_chain_value_that_a_category_could_not_follow_names_the_category(admin: FlaskClient) -> None:
    send(admin, TRUNKS, max_stockout_weeks="4")
    assert "in Swim trunks, which sets its own" in send(admin, min_stockout_weeks="5").text


def test_whoever_was_overtaken_is_told(admin: FlaskClient, database: Database) -> None:
    send(admin, min_units="5")
    late = send(admin, min_units="7")
    assert late.status_code == 409
    assert "Somebody else has changed this policy meanwhile" in late.text
    assert policy(database).min_units == 5


def test_the_history_tells_who_changed_what_and_why_and_leads_back(
    admin: FlaskClient, database: Database
) -> None:
    send(admin, min_units="5", late_days="4")
    send(admin, seen=1, min_units="9")
    page = admin.get("/policies").text
    assert "Least units: 5 units became 9 units" in page
    assert "A feed is late after: 4 days became not set" in page
    assert "too many small ones" in page
    assert "Ada Okafor" in page
    assert "Bring version 1 back" in page
    assert "Bring version 2 back" not in page

    assert revert(admin, "", 1, seen=2).status_code == 303
    assert policy(database) == RulePolicy(min_units=5, late_days=4)
    with database.read() as records:
        newest = records.scalars(select(PolicyVersion).order_by(PolicyVersion.number.desc())).first()
    assert (newest.number, newest.reason) == (3, "As in version 1 again. it was better")


@pytest.mark.parametrize(
    ("number", "seen", "status", "told"),
    [(7, 1, 400, "There is no version 7"), (1, 1, 400, "Nothing would change"), (1, 0, 409, "meanwhile")],
)
def test_a_way_back_that_is_none_is_refused(
    admin: FlaskClient, number: int, seen: int, status: int, told: str
) -> None:
    send(admin, min_units="5")
    refused = revert(admin, "", number, seen)
    assert refused.status_code == status
    assert told in refused.text


def test_a_merchandiser_changes_the_own_categories_and_reads_the_chains(
    merchandiser: FlaskClient, database: Database
) -> None:
    assert send(merchandiser, TRUNKS, min_units="4").status_code == 303
    assert send(merchandiser, BOOTS, min_units="4").status_code == 404
    assert send(merchandiser, min_units="4").status_code == 403
    assert revert(merchandiser, "", 1, 0).status_code == 403
    chain = merchandiser.get("/policies")
    assert chain.status_code == 200
    assert "Changed by an admin" in chain.text
    assert BOOTS not in chain.text
    assert merchandiser.get("/policies/edit").status_code == 403
    assert merchandiser.get(f"/policies?category={BOOTS}").status_code == 404
    assert (policy(database, TRUNKS).min_units, policy(database).min_units) == (4, 3)


def test_a_merchandiser_of_all_categories_changes_each_and_not_the_chain(
    database: Database, logged_in: Callable[[str], FlaskClient]
) -> None:
    with database.write() as records:
        records.query(PersonCategory).delete()
    browser = logged_in(MERCHANDISER)
    assert send(browser, BOOTS, min_units="4").status_code == 303
    assert send(browser, min_units="4").status_code == 403
    assert send(browser, "Hats", min_units="4").status_code == 404


def test_a_store_manager_has_no_policies(logged_in: Callable[[str], FlaskClient]) -> None:
    assert logged_in(MANAGER).get("/policies").status_code == 403
