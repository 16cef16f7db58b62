"""Acting through the pages: every role gets what it may, and every turn of a transfer is one button."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from data.records import (
    Alert,
    AlertAction,
    CalendarVersion,
    Consignment,
    Decision,
    Person,
    PersonStore,
    Product,
    Role,
    SellingWindow,
    Store,
)
from tests.integration.web.world import (
    ADMIN,
    MANAGER,
    MERCHANDISER,
    NEIGHBOUR,
    NIGHT,
    NOW,
    World,
    _hash,
    form_token,
)
from tests.unit.web.making import make_alert

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from data.database import Database

STRANGER = "sol@example.com"
LATER = "2026-09-06"
OFFERS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "transfer",
        {
            "wins": 4.0,
            "lines": [
                {"from_store": "SEA1", "to_store": "PHX1", "sku": f"TIDE-{size}", "units": units,
                 "miles": 12.0, "ships_by": "2026-06-18", "arrives_on": "2026-06-22"}
                for size, units in (("L", 2), ("M", 3))
            ],
        },
    ),
    ("extend_exit", {"until": LATER}),
    ("reorder", {"sizes": [{"sku": "TIDE-M", "units": 12, "packs": 2, "pack_size": 6}]}),
    ("count_shelf", {"skus": ["TIDE-M"]}),
)  # fmt: skip


@pytest.fixture
def offered(world: World) -> World:
    """The small retailer with offers for its first alert, a third store, and a calendar."""
    with world.database.write() as records:
        records.add(Store(store_id="LAX1", name="Los Angeles", climate_zone="hot"))
        records.add_all(
            Product(sku=f"TIDE-{size}", style_id="TIDE", style_name="=Tide", category="Swim trunks",
                    size=size, unit_cost=Decimal(11), pack_size=6)
            for size in "SML"
        )  # fmt: skip
        records.flush()
        records.add(
            Person(
                email=STRANGER,
                name="Sol",
                role=Role.STORE_MANAGER,
                password_hash=_hash(),
                created_at=NOW,
                stores=[PersonStore(store_id="LAX1")],
            )
        )
        records.add(
            CalendarVersion(
                created_at=NOW,
                author="calendar.csv",
                reason="imported",
                windows=[
                    SellingWindow(
                        category="Swim trunks",
                        season_code="SS26",
                        floor_set=date(2026, 2, 15),
                        exit=date(2026, 7, 5),
                    )
                ],
                markdown_steps=[],
            )
        )
        offer(records, world.own_alert)
    return world


def offer(records: Any, alert_id: int) -> None:
    records.add_all(
        AlertAction(
            alert_id=alert_id,
            rank=rank,
            kind=kind,
            units=5.0,
            cost=Decimal(12),
            benefit=Decimal(90),
            act_by=date(2026, 6, 18),
            details=details,
            evaluated_on=NIGHT,
        )
        for rank, (kind, details) in enumerate(OFFERS, start=1)
    )


def press(browser: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Send a form as a page's button does."""
    token = form_token(browser.get("/alerts").text)
    return browser.post(path, data={"csrf_token": token} | fields)


def acted(browser: FlaskClient, world: World, rank: int, **fields: str) -> int:
    """Act on the first alert; gives the decision."""
    path = f"/alerts/{world.own_alert}/act/{rank}"
    answer = press(browser, path, **({"offered_on": NIGHT.isoformat()} | fields))
    assert answer.status_code == 303, answer.text
    return int(answer.location.rsplit("/", 1)[1])


def part_of(database: Database, decision_id: int) -> int:
    with database.read() as records:
        query = select(Consignment.consignment_id).where(Consignment.decision_id == decision_id)
        return records.scalars(query).one()


def state_of(database: Database, decision_id: int) -> str:
    with database.read() as records:
        return str(records.scalar(select(Decision.state).where(Decision.decision_id == decision_id)))


PEOPLE = (MANAGER, NEIGHBOUR, STRANGER, MERCHANDISER, ADMIN)
# Maya takes, Noor gives, Sol has nothing to do with it, Jonas buys the category, Ada administers.
READ = {
    "/decisions": (200, 200, 200, 200, 200),
    "/decisions/{decision}": (200, 200, 404, 200, 200),
    "/decisions/999999": (404, 404, 404, 404, 404),
    "/consignments/{part}/pick-list": (200, 200, 404, 200, 200),
    "/consignments/{part}/pick-list.csv": (200, 200, 404, 200, 200),
    "/consignments/999999/pick-list": (404, 404, 404, 404, 404),
    "/decisions/{decision}/order.csv": (404, 404, 404, 404, 404),
    "/decisions/{order}/order.csv": (403, 404, 404, 200, 200),
    "/alerts/{alert}/act/4": (200, 404, 404, 200, 200),
    "/alerts/999999/act/1": (404, 404, 404, 404, 404),
    "/alerts/{alert}/act/99": (303, 404, 404, 303, 303),
}
# Each is pressed by everybody but those whose turn it is.
FORBIDDEN = {
    "/alerts/{alert}/act/4": (None, 404, 404, None, None),
    "/decisions/{decision}/approve": (403, 403, 404, None, None),
    "/decisions/{decision}/refuse": (403, 403, 404, None, None),
    "/decisions/{decision}/withdraw": (None, 403, 404, None, None),
    "/decisions/{decision}/undo": (None, 409, 404, 409, 409),
    "/consignments/{part}/accept": (403, None, 404, 403, None),
    "/consignments/{part}/decline": (403, None, 404, 403, None),
    "/consignments/{part}/ship": (403, None, 404, 403, None),
    "/consignments/{part}/receive": (None, 403, 404, 403, None),
}


@pytest.fixture
def under_way(offered: World, logged_in: Callable[[str], FlaskClient]) -> dict[str, int]:
    """A transfer that Maya has asked for and a reorder that Jonas has made."""
    decision = acted(logged_in(MANAGER), offered, 1)
    order = acted(logged_in(MERCHANDISER), offered, 3)
    return {
        "decision": decision,
        "order": order,
        "part": part_of(offered.database, decision),
        "alert": offered.own_alert,
    }


def test_every_role_reads_what_it_may(
    under_way: dict[str, int], logged_in: Callable[[str], FlaskClient]
) -> None:
    browsers = [logged_in(email) for email in PEOPLE]
    found = {
        pattern: tuple(browser.get(pattern.format(**under_way)).status_code for browser in browsers)
        for pattern in READ
    }
    assert found == READ


def test_nobody_turns_what_is_not_theirs(
    under_way: dict[str, int], offered: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    browsers = [logged_in(email) for email in PEOPLE]
    found = {
        pattern: tuple(
            None if status is None else press(browser, pattern.format(**under_way), reason="x").status_code
            for browser, status in zip(browsers, expected, strict=True)
        )
        for pattern, expected in FORBIDDEN.items()
    }
    assert found == FORBIDDEN
    assert state_of(offered.database, under_way["decision"]) == "requested"


def test_without_a_log_in_or_a_token_nothing_is_read_or_turned(
    under_way: dict[str, int], client: FlaskClient, logged_in: Callable[[str], FlaskClient]
) -> None:
    for pattern in READ:
        answer = client.get(pattern.format(**under_way))
        assert answer.status_code == 302, pattern
        assert answer.location.startswith("/login"), pattern
    for pattern in FORBIDDEN:
        assert logged_in(ADMIN).post(pattern.format(**under_way)).status_code == 400, pattern


def test_a_transfer_goes_from_hand_to_hand(offered: World, logged_in: Callable[[str], FlaskClient]) -> None:
    maya, noor, jonas = (logged_in(email) for email in (MANAGER, NEIGHBOUR, MERCHANDISER))
    page = maya.get(f"/alerts/{offered.own_alert}/act/1").text
    assert "Transfer 5 units from 1 store" in page
    assert "Seattle South" in page
    assert "Yes, ask the merchandiser" in page
    decision = acted(maya, offered, 1, note="a coach comes on Friday")
    part = part_of(offered.database, decision)

    assert "1 thing waits for you" in jonas.get("/decisions").text
    assert "Nothing waits for you" in noor.get("/decisions").text
    assert press(jonas, f"/decisions/{decision}/approve").status_code == 303
    assert "To accept" in noor.get("/decisions").text
    assert press(noor, f"/consignments/{part}/accept").status_code == 303
    assert "To pick and ship" in noor.get("/decisions").text
    assert press(noor, f"/consignments/{part}/ship").status_code == 303
    assert "To receive" in maya.get("/decisions").text
    fields = {"received-TIDE-M": "2", "received-TIDE-L": "2"}
    assert press(maya, f"/consignments/{part}/receive", **fields).status_code == 303

    assert state_of(offered.database, decision) == "received"
    page = maya.get(f"/decisions/{decision}").text
    assert "4 of 5 arrived" in page
    assert "a coach comes on Friday" in page
    for who, what in (("Maya Ortiz", "Asked for"), ("Jonas Lind", "Approved"), ("Noor Haddad", "Shipped")):
        assert f"<strong>{what}</strong> by {who}" in page
    assert "Nothing waits for you" in maya.get("/decisions").text


def test_acting_shows_on_the_alert_at_once(offered: World, logged_in: Callable[[str], FlaskClient]) -> None:
    acted(logged_in(MANAGER), offered, 1)
    with offered.database.read() as records:
        alert = records.scalars(
            select(Alert).where(Alert.alert_id == offered.own_alert).options(selectinload(Alert.events))
        ).one()
    assert (alert.status, alert.owner, alert.events[-1].reason) == (
        "acknowledged",
        MANAGER,
        "transfer_requested",
    )


def test_a_refusal_needs_its_reason_and_is_read_by_who_asked(
    under_way: dict[str, int], logged_in: Callable[[str], FlaskClient]
) -> None:
    path = f"/decisions/{under_way['decision']}"
    empty = press(logged_in(MERCHANDISER), f"{path}/refuse", reason=" ")
    assert empty.status_code == 400
    assert "Say why in a few words" in empty.text
    press(logged_in(MERCHANDISER), f"{path}/refuse", reason="Seattle needs <them>")

    page = logged_in(MANAGER).get(path).text
    assert "Seattle needs &lt;them&gt;" in page


def test_an_offer_that_was_replaced_meanwhile_is_not_taken(
    offered: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    path = f"/alerts/{offered.own_alert}/act/1"
    answer = press(logged_in(MANAGER), path, offered_on="2026-06-12")

    assert answer.status_code == 409
    assert "the offers are new" in answer.text


def test_what_was_asked_for_is_not_offered_again(
    offered: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    acted(logged_in(MANAGER), offered, 1)
    answer = logged_in(MERCHANDISER).get(f"/alerts/{offered.own_alert}/act/1")

    assert answer.status_code == 303
    assert answer.location == f"/alerts/{offered.own_alert}"


def test_an_exit_is_extended_to_the_day_chosen_and_can_be_undone(
    offered: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    jonas = logged_in(MERCHANDISER)
    assert f'value="{LATER}"' in jonas.get(f"/alerts/{offered.own_alert}/act/2").text
    decision = acted(jonas, offered, 2, until="2026-08-30")
    page = jonas.get(f"/decisions/{decision}").text
    assert "30 August" in page
    assert "5 July" in page
    assert "Undo what I just did" in page
    assert press(jonas, f"/decisions/{decision}/undo").status_code == 303

    assert state_of(offered.database, decision) == "withdrawn"
    with offered.database.read() as records:
        versions = records.scalars(
            select(CalendarVersion).options(selectinload(CalendarVersion.windows))
        ).all()
    assert [len(version.windows) for version in versions] == [1, 2, 1]


@pytest.mark.parametrize(
    ("until", "told"), [("2026-13-45", "is not a day"), ("2026-06-01", "1 June 2026 is past")]
)
def test_a_day_that_cannot_be_says_so(
    until: str, told: str, offered: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    path = f"/alerts/{offered.own_alert}/act/2"
    answer = press(logged_in(MERCHANDISER), path, offered_on=NIGHT.isoformat(), until=until)

    assert answer.status_code == 400
    assert told in answer.text


@pytest.mark.parametrize("number", ["-1", "1.5", "many", "999999", "²"])
def test_pieces_received_are_counted_in_whole_numbers(
    number: str, offered: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    decision = acted(logged_in(MERCHANDISER), offered, 1)
    part = part_of(offered.database, decision)
    press(logged_in(NEIGHBOUR), f"/consignments/{part}/accept")
    press(logged_in(NEIGHBOUR), f"/consignments/{part}/ship")
    answer = press(logged_in(MANAGER), f"/consignments/{part}/receive", **{"received-TIDE-M": number})

    assert answer.status_code == 400
    assert state_of(offered.database, decision) == "shipped"


def rows_of(answer: TestResponse) -> list[list[str]]:
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))


def test_the_pick_list_is_sorted_by_size_and_carries_nothing_out(
    under_way: dict[str, int], logged_in: Callable[[str], FlaskClient]
) -> None:
    head, *rows = rows_of(logged_in(NEIGHBOUR).get(f"/consignments/{under_way['part']}/pick-list.csv"))

    assert head == [
        "from_store", "to_store", "sku", "style", "color", "size", "units", "ship_by", "transfer",
    ]  # fmt: skip
    decision = str(under_way["decision"])
    assert rows == [
        ["Seattle South", "Phoenix North", "TIDE-M", "'=Tide", "", "M", "3", "2026-06-18", decision],
        ["Seattle South", "Phoenix North", "TIDE-L", "'=Tide", "", "L", "2", "2026-06-18", decision],
    ]


def test_the_order_file_says_what_to_order(
    under_way: dict[str, int], logged_in: Callable[[str], FlaskClient]
) -> None:
    _, *rows = rows_of(logged_in(MERCHANDISER).get(f"/decisions/{under_way['order']}/order.csv"))

    order = str(under_way["order"])
    assert rows == [["PHX1", "TIDE-M", "'=Tide", "", "M", "12", "11.00", "6", "2026-06-18", order]]


def test_the_printed_pick_list_names_what_the_giver_needs(
    under_way: dict[str, int], logged_in: Callable[[str], FlaskClient]
) -> None:
    page = logged_in(NEIGHBOUR).get(f"/consignments/{under_way['part']}/pick-list").text

    for told in ("5 units for Phoenix North", "18 June 2026", "TIDE-M", "Seattle South"):
        assert told in page


def test_a_giver_sees_only_its_own_part(offered: World, logged_in: Callable[[str], FlaskClient]) -> None:
    with offered.database.write() as records:
        action = records.scalars(select(AlertAction).where(AlertAction.rank == 1)).one()
        other = action.details["lines"][0] | {"from_store": "LAX1"}
        action.details = {"lines": [*action.details["lines"], other]}
    decision = acted(logged_in(MERCHANDISER), offered, 1)
    page = logged_in(STRANGER).get(f"/decisions/{decision}").text

    assert "Los Angeles to Phoenix North" in page
    assert "Seattle South to" not in page


def test_the_panel_offers_the_best_first_and_leaves_out_what_is_too_late(offered: World, app: Any) -> None:
    from web.offers import actions_for

    with offered.database.write() as records:
        late = records.scalars(select(AlertAction).where(AlertAction.rank == 2)).one()
        late.act_by = date(2026, 6, 13)
    with app.test_request_context(), offered.database.read() as records:
        alert = records.get_one(Alert, offered.own_alert)
        panel = {
            email: actions_for(alert, records.scalars(select(Person).where(Person.email == email)).one())
            for email in (MANAGER, MERCHANDISER)
        }
    assert [(o.action.kind, o.button) for o in panel[MANAGER].offers] == [
        ("transfer", "Ask the merchandiser"),
        ("reorder", "Ask the merchandiser"),
        ("count_shelf", "Do it"),
    ]
    assert {offer.button for offer in panel[MERCHANDISER].offers} == {"Do it"}


def test_an_alert_that_is_over_offers_nothing(offered: World, app: Any) -> None:
    from web.offers import actions_for

    with app.test_request_context(), offered.database.read() as records:
        alert = make_alert(offered.own_alert)
        alert.status = "resolved"
        person = records.scalars(select(Person).where(Person.email == MANAGER)).one()
        assert actions_for(alert, person).offers == []


def test_the_list_is_bounded_and_says_so_and_the_file_has_them_all(
    offered: World, logged_in: Callable[[str], FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.waiting.MOST_TO_DO", 2)
    monkeypatch.setattr("web.waiting.MOST_UNDER_WAY", 1)
    with offered.database.write() as records:
        records.add_all(
            Decision(
                alert_id=offered.own_alert,
                kind=f"kind-{n}",
                state=state,
                store_id="PHX1",
                category="Swim trunks",
                style_id="TIDE",
                style_name="=Tide",
                season_code="SS26",
                units=1.0,
                act_by=date(2026, 6, 20 + n),
                offered_on=NIGHT,
                requested_by=MANAGER,
                requested_at=NOW,
                changed_at=NOW,
                consignments=[],
                events=[],
            )
            for n, state in enumerate(["requested", "approved", "requested", "approved", "requested"])
        )
    jonas = logged_in(MERCHANDISER)
    page = jonas.get("/decisions").text
    assert "More than 2 things wait for you" in page
    assert page.count(">Decide<") == 2
    assert page.index("20 June") < page.index("22 June")
    assert "24 June" not in page
    lines = jonas.get("/decisions?as=csv").get_data(as_text=True).splitlines()
    assert len(lines) == 6
    assert "'=Tide" in lines[1]


def test_the_file_of_requests_is_cut_to_its_reader(
    under_way: dict[str, int], logged_in: Callable[[str], FlaskClient]
) -> None:
    numbers = {
        email: [
            line.split(",")[0] for line in logged_in(email).get("/decisions?as=csv").text.splitlines()[1:]
        ]
        for email in (NEIGHBOUR, STRANGER, ADMIN)
    }
    assert numbers == {
        NEIGHBOUR: [f'"{under_way["decision"]}"'],
        STRANGER: [],
        ADMIN: [f'"{under_way["order"]}"', f'"{under_way["decision"]}"'],
    }
