"""Find: three letters and a size lead to the nearest store that has it, and the miles are told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select

from data.records import CustomerRequest, NewestStock
from tests.integration.web.world import ADMIN, MERCHANDISER, NEIGHBOUR, World, form_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

MARLIN_M = "/find?store=PHX1&style=MAR&size=M"


def told(page: str) -> str:
    """The text of a page's content."""
    main = page[page.index("<main") : page.index("</main")]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def test_three_letters_find_the_style_with_its_sizes(maya: FlaskClient) -> None:
    page = maya.get("/find?q=mar")
    assert page.status_code == 200
    text = told(page.text)
    assert "Marlin Trunk" in text
    assert "S nowhere M 44 elsewhere L 4 here" in text


@pytest.mark.parametrize("address", ["/find?q=mar+m", MARLIN_M])
def test_a_style_and_a_size_lead_to_the_nearest_stores(address: str, maya: FlaskClient) -> None:
    text = told(maya.get(address).text)
    assert "Marlin Trunk, M" in text
    assert "Found in the second store, Tempe, 13 miles away." in text
    near, far = text.index("Tempe 13 miles · 1 by the count of 13 June"), text.index("Tucson 114 miles")
    assert near < far < text.index("Can be shipped from Reno DC")


def test_the_way_of_somebody_who_is_not_told_is_told(maya: FlaskClient) -> None:
    text = told(maya.get("/find?q=MAR-RED-M").text)
    assert "Found in the second store, Tucson, 114 miles away." in text
    assert re.search(r"Looking alone, a customer finds it in the third store, after 11\d miles\.", text)


def test_a_colour_can_be_chosen(maya: FlaskClient) -> None:
    page = maya.get(MARLIN_M).text
    assert "sku=MAR-RED-M" in page
    text = told(maya.get(f"{MARLIN_M}&sku=MAR-RED-M").text)
    assert "Marlin Trunk, red, M" in text
    assert "Tempe" not in text


def test_what_is_here_is_told_first(maya: FlaskClient) -> None:
    text = told(maya.get("/find?store=PHX1&style=MAR&size=L").text)
    assert "Found here: the books show 4." in text
    assert "Look in the back first." in text


def test_what_nobody_has_is_asked_for_in_one_press(maya: FlaskClient, stocked: World) -> None:
    with stocked.database.write() as records:
        records.execute(delete(NewestStock))
    page = maya.get(MARLIN_M).text
    assert "Nobody in the chain has it." in told(page)
    form = page[page.index('class="not-found"') :]
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    assert maya.post("/ask", data=fields).status_code == 303
    with stocked.database.read() as records:
        newest = records.scalars(select(CustomerRequest).order_by(CustomerRequest.request_id.desc())).first()
        assert newest
        assert (newest.store_id, newest.style_id, newest.size) == ("PHX1", "MAR", "M")


def test_nothing_like_it_leads_to_recording_the_words(maya: FlaskClient) -> None:
    page = maya.get("/find?q=surfboard").text
    assert "Nothing like it is carried" in page
    assert "/ask?store=PHX1&amp;q=surfboard" in page


@pytest.mark.parametrize(
    "query", ["style=MAR&size=XXXL", "style=NOPE&size=M", "style=MAR&size=M&sku=OTHER", "q=a"]
)
def test_what_an_address_names_wrongly_is_not_found_and_breaks_nothing(query: str, maya: FlaskClient) -> None:
    page = maya.get(f"/find?store=PHX1&{query}")
    assert page.status_code == 200


def test_a_store_that_is_not_theirs_is_no_place_to_look_from(
    stocked: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    assert logged_in(NEIGHBOUR).get(MARLIN_M).status_code == 404
    assert logged_in(ADMIN).get(MARLIN_M).status_code == 200
    assert logged_in(ADMIN).get("/find?store=NOPE").status_code == 404
    assert stocked.own_alert


def test_a_merchandiser_finds_own_categories_only(
    stocked: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    jonas = logged_in(MERCHANDISER)
    assert "Marlin Trunk" in jonas.get("/find?store=PHX1&q=mar").text
    assert "SKU-1" not in told(jonas.get("/find?store=PHX1&q=SKU-1").text).replace("“SKU-1”", "")
    assert "Nothing like it" in jonas.get("/find?store=PHX1&style=STYLE-1").text
    assert stocked.own_alert


def test_whoever_has_several_stores_chooses_one_which_is_remembered(
    stocked: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    ada = logged_in(ADMIN)
    assert "Choose the store first" in ada.get("/find?q=mar").text
    ada.get("/find?store=TUS1")
    assert "From Tucson" in ada.get("/find?q=mar").text
    assert stocked.own_alert


def test_the_answer_can_be_downloaded_with_every_place(maya: FlaskClient) -> None:
    answer = maya.get(f"{MARLIN_M}&as=csv")
    assert answer.mimetype == "text/csv"
    lines = answer.get_data(as_text=True).lstrip("\ufeff").splitlines()
    assert lines[0].startswith('"sku","style","size","store","name","phone","miles"')
    assert [line.split(",")[4].strip('"') if "Trunk, M" not in line else line for line in lines[1:]]
    assert len(lines) == 4
    assert '"TMP1","Tempe"' in lines[1]
    assert '"DC","Reno DC"' in lines[3]


def test_the_form_of_the_answer_is_guarded(maya: FlaskClient) -> None:
    page = maya.get(MARLIN_M).text
    assert form_token(page[page.index('class="not-found"') :])
    assert maya.post("/ask", data={"store": "PHX1", "style": "MAR", "size": "M"}).status_code == 400
