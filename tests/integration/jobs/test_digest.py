"""The morning mail: one per person and night, about what the person may see, and only when there is news."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update
from sqlalchemy.orm import selectinload

from data.records import Alert, Condition, Finding, MailState, OutboxMail, Person, Status
from jobs.digest import queue_digests
from jobs.people import add_person
from jobs.raising import raise_alerts
from tests.ground.findings import trunks_leave_early
from tests.integration.jobs.conftest import TODAY

if TYPE_CHECKING:
    from collections.abc import Collection

    from jobs.service import Service

NIGHT = date(2026, 6, 6)
NEXT = NIGHT + timedelta(days=1)
MANAGER, PLANNER, ADMIN = "phx@shop.example", "plan@shop.example", "admin@shop.example"


def finding(store: str = "PHX-01", category: str = "swim trunks", **changes: Any) -> Finding:
    named = {
        "store_id": store,
        "style_id": category,
        "category": category,
        "details": {
            "style_name": f"The {category}",
            "floor_set": "2026-02-09",
            "exit": "2026-07-05",
            "on_hand": 6,
            "in_transit": 0,
            "demand_units": 44.2,
            "first_week": "2026-06-14",
            "horizon_ends": "2026-09-12",
            "reason": "",
            "sizes": [
                {
                    "sku": "M",
                    "size": "M",
                    "color": "",
                    "demand": 44.2,
                    "on_hand": 6,
                    "in_transit": 0,
                    "lost": 38,
                }
            ],
        },
    }
    return trunks_leave_early(**(named | changes))


def night(service: Service, *findings: Finding, on: date = NIGHT, late_stores: Collection[str] = ()) -> int:
    """Raise the findings of a night; returns how many mails it wrote."""
    now = datetime(on.year, on.month, on.day, 23, tzinfo=UTC)
    raise_alerts(service.database, findings, business_date=on, now=now, late_stores=late_stores)
    return queue_digests(service, on)


def mails(service: Service) -> dict[str, OutboxMail]:
    """The mails by address; fails when somebody has two."""
    with service.database.read() as session:
        rows = list(session.scalars(select(OutboxMail).order_by(OutboxMail.mail_id)))
    found = {mail.to_address: mail for mail in rows}
    assert len(found) == len(rows)
    return found


def with_mail_server(service: Service) -> Service:
    url = SecretStr("smtp://mail.shop.example")
    return replace(service, settings=service.settings.model_copy(update={"smtp_url": url}))


def test_everybody_with_news_gets_one_mail_that_tells_all_of_it(people: Service) -> None:
    assert night(people, finding(), finding(category="white T-shirts"), finding("SEA-01")) == 2

    written = mails(people)
    assert set(written) == {MANAGER, PLANNER}
    planner = written[PLANNER]
    assert planner.business_date == NIGHT
    for text in (planner.text, planner.html):
        assert "Seattle Pike" in text
        assert "the white T-shirts" in text.casefold() or "white t-shirts" in text.casefold()


def test_a_store_manager_is_told_of_no_other_store(people: Service) -> None:
    night(
        people,
        finding(),
        finding("SEA-01", style_id="secret", details=finding().details | {"style_name": "Fog Trunk"}),
    )

    told = mails(people)[MANAGER]
    for text in (told.subject, told.text, told.html):
        assert "Seattle" not in text
        assert "Fog Trunk" not in text
    assert "Fog Trunk" in mails(people)[PLANNER].text


def test_who_may_see_none_of_the_news_gets_no_mail(people: Service) -> None:
    assert night(people, finding("SEA-01")) == 1
    assert set(mails(people)) == {PLANNER}


def test_a_merchandiser_of_some_categories_is_told_of_those(people: Service) -> None:
    add_person(
        people,
        email="tees@shop.example",
        name="T",
        role="merchandiser",
        categories=["white T-shirts"],
        password="correct horse battery",
    )

    night(people, finding())
    assert "tees@shop.example" not in mails(people)
    night(people, finding(), finding(category="white T-shirts"), on=NEXT)

    with people.database.read() as session:
        [mail] = session.scalars(select(OutboxMail).where(OutboxMail.to_address == "tees@shop.example"))
    assert "swim trunks" not in mail.text.casefold()


def test_admins_look_after_the_service_and_get_no_mail(people: Service) -> None:
    night(people, finding(), finding("SEA-01"))

    assert ADMIN not in mails(people)


def test_who_has_left_gets_no_mail(people: Service) -> None:
    with people.database.write() as session:
        session.execute(update(Person).where(Person.email == PLANNER).values(is_active=False))

    night(people, finding())

    assert set(mails(people)) == {MANAGER}


def test_a_night_that_found_nothing_writes_no_mail(people: Service) -> None:
    assert night(people) == 0
    assert mails(people) == {}


def test_what_was_told_before_is_no_news(people: Service) -> None:
    night(people, finding())

    assert night(people, finding(units_lost=99.0), on=NEXT) == 0


def test_late_figures_are_no_news(people: Service) -> None:
    night(people, finding())

    assert night(people, on=NEXT, late_stores={"PHX-01"}) == 0


def test_what_is_still_open_stands_beside_the_news(people: Service) -> None:
    night(people, finding())
    night(people, finding(), finding(category="white T-shirts"), on=NEXT)

    with people.database.read() as session:
        own = select(OutboxMail).where(OutboxMail.to_address == MANAGER, OutboxMail.business_date == NEXT)
        text = session.scalars(own).one().text
    assert text.index("New") < text.index("white T-shirts") < text.index("Still open")
    assert text.index("Still open") < text.index("swim trunks")


def test_what_somebody_has_taken_on_is_not_told_again(people: Service) -> None:
    night(people, finding())
    with people.database.write() as session:
        alert = session.scalars(select(Alert).options(selectinload(Alert.events))).one()
        alert.acknowledge(MANAGER, datetime(2026, 6, 7, 9, tzinfo=UTC))

    night(people, finding(), finding(category="white T-shirts"), on=NEXT)

    with people.database.read() as session:
        later = session.scalars(select(OutboxMail.text).where(OutboxMail.business_date == NEXT))
        assert all("Still open" not in text for text in later)


def test_what_was_resolved_that_night_is_told_as_recovered(people: Service) -> None:
    night(people, finding())

    assert night(people, on=NEXT) == 2

    with people.database.read() as session:
        text = session.scalars(
            select(OutboxMail.text).where(OutboxMail.to_address == MANAGER, OutboxMail.business_date == NEXT)
        ).one()
        alert = session.scalars(select(Alert)).one()
    assert (alert.status, alert.condition) == (Status.RESOLVED, Condition.CLEAR)
    assert "No longer a problem" in text
    assert f"/alerts/{alert.alert_id}" in text
    # It is told once, and is no news the night after.
    assert night(people, on=NEXT + timedelta(days=1)) == 0


def test_asked_again_for_the_same_night_nothing_more_is_written(people: Service) -> None:
    night(people, finding())
    before = {address: mail.mail_id for address, mail in mails(people).items()}

    assert queue_digests(people, NIGHT) == 0

    assert {address: mail.mail_id for address, mail in mails(people).items()} == before


def test_whoever_was_missed_when_the_night_died_gets_the_mail_later(people: Service) -> None:
    night(people, finding())
    with people.database.write() as session:
        session.delete(session.scalars(select(OutboxMail).where(OutboxMail.to_address == PLANNER)).one())

    assert queue_digests(people, NIGHT) == 1
    assert set(mails(people)) == {MANAGER, PLANNER}


@pytest.mark.parametrize("state", [MailState.KEPT, MailState.PENDING])
def test_a_mail_waits_for_a_server_or_is_kept_where_there_is_none(people: Service, state: MailState) -> None:
    night(people if state is MailState.KEPT else with_mail_server(people), finding())

    assert {mail.state for mail in mails(people).values()} == {state}
    assert all(mail.due_at <= people.clock.machine_now() for mail in mails(people).values())


def test_the_message_id_names_the_night_and_the_person_and_nothing_that_changes(people: Service) -> None:
    night(people, finding())
    first = mails(people)[MANAGER]
    with people.database.write() as session:
        session.delete(session.get_one(OutboxMail, first.mail_id))
    queue_digests(people, NIGHT)

    again = mails(people)[MANAGER]
    assert again.message_id == first.message_id == f"<digest.2026-06-06.{first.person_id}@127.0.0.1>"
    assert len({mail.message_id for mail in mails(people).values()}) == 2


def test_links_lead_to_the_address_under_which_people_reach_the_app(people: Service) -> None:
    settings = people.settings.model_copy(update={"base_url": "https://inseason.shop.example/app"})
    night(replace(people, settings=settings), finding())

    mail = mails(people)[MANAGER]
    with people.database.read() as session:
        alert_id = session.scalars(select(Alert.alert_id)).one()
    assert f"https://inseason.shop.example/app/alerts/{alert_id}" in mail.text
    assert mail.message_id.endswith("@inseason.shop.example>")
    assert mail.business_date < TODAY
