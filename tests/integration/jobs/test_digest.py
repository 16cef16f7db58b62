"""The morning mail: one per person and night, about what the person may see, against what was last sent."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from data.outbox import Letter, forget_addresses, queue_mail
from data.records import (
    Alert,
    AlertChart,
    Condition,
    Finding,
    MailChoices,
    MailDecision,
    MailState,
    MailTold,
    OutboxMail,
    Pace,
    Person,
    Scope,
    Section,
    Severity,
    Status,
)
from jobs import digest as digest_job
from jobs.digest import queue_digests
from jobs.people import add_person
from tests.ground.findings import trunks_leave_early

if TYPE_CHECKING:
    from jobs.service import Service
    from web.rendering.mails import Reader, Rendered

# A Saturday, read on Sunday; the mail of the night after it is Monday's.
NIGHT = date(2026, 6, 6)
SUNDAY = NIGHT + timedelta(days=1)
MANAGER, PLANNER, ADMIN = "phx@shop.example", "plan@shop.example", "admin@shop.example"
FIGURES = {
    "floor_set": "2026-02-09",
    "exit": "2026-07-05",
    "on_hand": 6,
    "in_transit": 0,
    "demand_units": 44.2,
    "first_week": "2026-06-14",
    "horizon_ends": "2026-09-12",
    "reason": "",
    "sizes": [],
}


def finding(store: str = "PHX-01", category: str = "swim trunks", **changes: Any) -> Finding:
    details = {**FIGURES, "style_name": f"The {category}"} | changes.pop("details", {})
    named = {"store_id": store, "style_id": category, "category": category, "details": details}
    return trunks_leave_early(**(named | changes))


def opened(service: Service, *findings: Finding, on: date = NIGHT, parent: int | None = None) -> list[int]:
    """Alerts of that night, open; their ids."""
    now = datetime(on.year, on.month, on.day, 23, tzinfo=UTC)
    alerts = [Alert.found(one, business_date=on, now=now) for one in findings]
    with service.database.write() as session:
        for alert in alerts:
            alert.parent_id = parent
        session.add_all(alerts)
        session.flush()
        return [alert.alert_id for alert in alerts]


def changed(service: Service, alert_id: int, **values: Any) -> None:
    with service.database.write() as session:
        session.execute(update(Alert).where(Alert.alert_id == alert_id).values(**values))


def resolved(service: Service, alert_id: int, on: date) -> None:
    changed(service, alert_id, status=Status.RESOLVED, condition=Condition.CLEAR, closed_on=on)


def chosen(service: Service, address: str, pace: Pace, **lists: list[str]) -> None:
    """What the person of an address wants from now on."""
    with service.database.write() as session:
        person = session.scalars(select(Person).where(Person.email == address)).one()
        choices = MailChoices.of(session, person)
        choices.choose(
            pace,
            person=person,
            stores=lists.get("stores", []),
            categories=lists.get("categories", []),
            by="test",
            now=datetime(2026, 6, 1, tzinfo=UTC),
        )
        session.add(choices)


def mails(service: Service, on: date | None = None) -> dict[str, OutboxMail]:
    """The mails by address, of one night if asked; fails when somebody has two of a night."""
    query = select(OutboxMail).order_by(OutboxMail.mail_id)
    with service.database.read() as session:
        rows = list(session.scalars(query if on is None else query.where(OutboxMail.business_date == on)))
    found = {mail.to_address: mail for mail in rows}
    assert on is None or len(found) == len(rows)
    return found


def reason(service: Service, address: str, on: date = NIGHT) -> str:
    """Why the person of an address got a mail that night, or none."""
    query = (
        select(MailDecision.reason)
        .join(Person, Person.person_id == MailDecision.person_id)
        .where(Person.email == address, MailDecision.business_date == on)
    )
    with service.database.read() as session:
        return session.scalars(query).one()


def with_mail_server(service: Service) -> Service:
    url = SecretStr("smtp://mail.shop.example")
    return replace(service, settings=service.settings.model_copy(update={"smtp_url": url}))


@pytest.fixture
def readers(people: Service) -> Service:
    """The merchandiser wants a mail every morning, as the manager does."""
    chosen(people, PLANNER, Pace.NIGHTLY)
    return people


def test_everybody_with_news_gets_one_mail_that_tells_all_of_it(readers: Service) -> None:
    opened(readers, finding(), finding(category="white T-shirts"), finding("SEA-01"))
    assert queue_digests(readers, NIGHT) == 2

    written = mails(readers, NIGHT)
    assert set(written) == {MANAGER, PLANNER}
    assert written[MANAGER].subject == "2 new, 64 units, $1.3k at risk: Phoenix Camelback"
    for text in (written[PLANNER].text, written[PLANNER].html):
        assert "Seattle Pike" in text
        assert "white t-shirts" in text.casefold()


def test_to_begin_with_managers_get_a_mail_every_morning_and_merchandisers_on_mondays(
    people: Service,
) -> None:
    opened(people, finding())
    assert queue_digests(people, NIGHT) == 1
    assert set(mails(people, NIGHT)) == {MANAGER}
    assert reason(people, PLANNER) == "mails come on Mondays by choice"

    queue_digests(people, SUNDAY)
    assert set(mails(people, SUNDAY)) == {PLANNER}
    assert reason(people, MANAGER, SUNDAY) == "nothing new since the mail of 6 June"


def test_a_monday_mail_collects_what_came_up_since_the_last_one(people: Service) -> None:
    [first] = opened(people, finding())
    queue_digests(people, SUNDAY)
    week = [SUNDAY + timedelta(days=n) for n in range(1, 8)]
    for number, night in enumerate(week):
        if number in (0, 2, 4):
            opened(people, finding(category=f"thing {number}"), on=night)
        if number == 3:
            resolved(people, first, night)
        queue_digests(people, night)

    [last] = [mails(people, night)[PLANNER] for night in week if PLANNER in mails(people, night)]
    assert last.business_date == week[-1]
    assert last.subject.startswith("3 new, 1 recovered, ")
    assert reason(people, PLANNER, week[-1]) == "3 new and 1 recovered since the mail of 7 June"


def test_a_monday_whose_night_did_not_run_is_made_up_for(people: Service) -> None:
    opened(people, finding())
    queue_digests(people, NIGHT)
    queue_digests(people, SUNDAY + timedelta(days=1))
    assert PLANNER in mails(people)


def test_a_store_manager_is_told_of_no_other_store(readers: Service) -> None:
    secret = finding("SEA-01", style_id="secret", details={"style_name": "Fog Trunk"})
    opened(readers, finding(), secret)
    queue_digests(readers, NIGHT)

    told = mails(readers)[MANAGER]
    for text in (told.subject, told.text, told.html):
        assert "Seattle" not in text
        assert "Fog Trunk" not in text
    assert "Fog Trunk" in mails(readers)[PLANNER].text


def test_a_zones_alert_goes_to_the_merchandiser_in_the_place_of_those_it_gathers(readers: Service) -> None:
    zone = finding("", scope=Scope.ZONE, style_id="", climate_zone="hot", category="swim trunks")
    [group] = opened(readers, zone)
    children = opened(readers, finding(), finding(style_id="other"), finding("SEA-01"), parent=group)
    alone = opened(readers, finding("SEA-01", category="white T-shirts"))
    queue_digests(readers, NIGHT)

    told = {address: set(listed(mail)) for address, mail in mails(readers).items()}
    assert told == {MANAGER: set(children[:2]), PLANNER: {group, *alone}}


def listed(mail: OutboxMail) -> list[int]:
    return [int(found) for found in re.findall(r"/alerts/(\d+)$", mail.text, re.MULTILINE)]


def test_who_may_see_none_of_the_news_gets_no_mail_and_the_reason_is_kept(readers: Service) -> None:
    opened(readers, finding("SEA-01"))
    assert queue_digests(readers, NIGHT) == 1
    assert set(mails(readers)) == {PLANNER}
    assert reason(readers, MANAGER) == "nothing new yet"


def test_a_merchandiser_of_some_categories_is_told_of_those(readers: Service) -> None:
    address = "tees@shop.example"
    add_person(
        readers,
        email=address,
        name="T",
        role="merchandiser",
        categories=["white T-shirts"],
        password="correct horse battery",
    )
    chosen(readers, address, Pace.NIGHTLY)
    opened(readers, finding(), finding(category="white T-shirts"))
    queue_digests(readers, NIGHT)

    assert "swim trunks" not in mails(readers)[address].text.casefold()


def test_choices_are_kept_to(readers: Service) -> None:
    opened(readers, finding(), finding("SEA-01", severity=Severity.LOW), finding(category="white T-shirts"))
    chosen(readers, MANAGER, Pace.OFF)
    chosen(readers, PLANNER, Pace.NIGHTLY, stores=["SEA-01"])
    queue_digests(readers, NIGHT)
    assert set(mails(readers)) == {PLANNER}
    assert len(listed(mails(readers)[PLANNER])) == 1
    assert reason(readers, MANAGER) == "mails are off by choice"

    chosen(readers, MANAGER, Pace.NIGHTLY, categories=["white T-shirts"])
    chosen(readers, PLANNER, Pace.ONLY_SEVERE)
    queue_digests(readers, SUNDAY)
    assert "swim trunks" not in mails(readers, SUNDAY)[MANAGER].text.casefold()
    assert len(listed(mails(readers, SUNDAY)[PLANNER])) == 2


def test_who_has_left_gets_no_mail(readers: Service) -> None:
    opened(readers, finding())
    with readers.database.write() as session:
        session.execute(update(Person).where(Person.email == PLANNER).values(is_active=False))

    queue_digests(readers, NIGHT)

    assert set(mails(readers)) == {MANAGER}


def test_what_was_told_before_is_no_news_until_it_is_much_worse(readers: Service) -> None:
    [alert] = opened(readers, finding(units_lost=20.0))
    queue_digests(readers, NIGHT)

    changed(readers, alert, units_lost=24.0)
    assert queue_digests(readers, SUNDAY) == 0
    changed(readers, alert, units_lost=26.0)
    assert queue_digests(readers, SUNDAY + timedelta(days=1)) == 2
    told = mails(readers, SUNDAY + timedelta(days=1))[MANAGER]
    assert told.subject.startswith("1 worse, 26 units")
    assert "up from 20" in told.text
    # What counts is what was told last: it is as bad as that again, and no worse.
    assert queue_digests(readers, SUNDAY + timedelta(days=2)) == 0


@pytest.mark.parametrize("state", [MailState.PENDING, MailState.DEAD])
def test_a_mail_that_never_left_has_told_nothing(readers: Service, state: MailState) -> None:
    opened(readers, finding())
    queue_digests(readers, NIGHT)
    with readers.database.write() as session:
        session.execute(update(OutboxMail).where(OutboxMail.to_address == MANAGER).values(state=state))

    queue_digests(readers, SUNDAY)

    assert set(mails(readers, SUNDAY)) - {ADMIN} == {MANAGER}
    assert mails(readers, SUNDAY)[MANAGER].subject.startswith("1 new")


def test_a_mail_that_was_sent_has_told_what_it_told(readers: Service) -> None:
    opened(with_mail_server(readers), finding())
    queue_digests(with_mail_server(readers), NIGHT)
    assert {mail.state for mail in mails(readers).values()} == {MailState.PENDING}
    with readers.database.write() as session:
        for mail in session.scalars(select(OutboxMail)):
            mail.sent(datetime(2026, 6, 7, tzinfo=UTC))

    assert queue_digests(with_mail_server(readers), SUNDAY) == 0


def test_late_figures_are_no_news(readers: Service) -> None:
    [alert] = opened(readers, finding())
    queue_digests(readers, NIGHT)
    changed(readers, alert, condition=Condition.UNKNOWN, units_lost=200.0)

    assert queue_digests(readers, SUNDAY) == 0


def test_what_is_still_open_stands_below_the_news(readers: Service) -> None:
    opened(readers, finding())
    queue_digests(readers, NIGHT)
    opened(readers, finding(category="white T-shirts"), on=SUNDAY)
    queue_digests(readers, SUNDAY)

    text = mails(readers, SUNDAY)[MANAGER].text
    assert text.index("New or worse") < text.index("white T-shirts") < text.index("\nOpen\n")
    assert text.index("\nOpen\n") < text.index("swim trunks")


def test_a_day_that_draws_near_is_told_once(readers: Service) -> None:
    opened(readers, finding(act_by=NIGHT + timedelta(days=5)))
    written = [queue_digests(readers, NIGHT + timedelta(days=n)) for n in range(9)]

    # New; due on three days before it; past the day after it.
    assert written == [2, 2, 0, 0, 0, 2, 0, 0, 0]
    assert mails(readers, SUNDAY)[MANAGER].subject.startswith("1 due")


def test_what_was_put_off_comes_back_when_its_day_has_come(readers: Service) -> None:
    [alert_id] = opened(readers, finding())
    queue_digests(readers, NIGHT)
    noon = datetime(2026, 6, 7, 12, tzinfo=UTC)
    with readers.database.write() as session:
        alert = session.get_one(Alert, alert_id, options=[selectinload(Alert.events)])
        alert.snooze(MANAGER, noon, until=date(2026, 6, 9))
    for night in (date(2026, 6, 7), date(2026, 6, 8)):
        assert queue_digests(readers, night) == 0
    for night in (date(2026, 6, 9), date(2026, 6, 10), date(2026, 6, 11)):
        with readers.database.write() as session:
            alert = session.get_one(Alert, alert_id, options=[selectinload(Alert.events)])
            alert.fires(finding(), business_date=night, now=noon + timedelta(days=night.day - 7))
        queue_digests(readers, night)

    woken = [night for night in range(9, 12) if MANAGER in mails(readers, date(2026, 6, night))]
    assert len(woken) == 1
    assert mails(readers, date(2026, 6, woken[0]))[MANAGER].subject.startswith("1 due")


def test_what_was_resolved_is_told_once_as_recovered(readers: Service) -> None:
    [alert] = opened(readers, finding())
    queue_digests(readers, NIGHT)
    resolved(readers, alert, SUNDAY)

    assert queue_digests(readers, SUNDAY) == 2
    text = mails(readers, SUNDAY)[MANAGER].text
    assert "\nRecovered\n" in text
    assert f"/alerts/{alert}" in text
    assert queue_digests(readers, SUNDAY + timedelta(days=1)) == 0


def test_what_was_never_told_cannot_recover(readers: Service) -> None:
    [alert] = opened(readers, finding())
    resolved(readers, alert, NIGHT)

    assert queue_digests(readers, NIGHT) == 0


def test_a_week_without_a_mail_ends_with_the_all_clear_and_only_for_those_who_want_mail(
    readers: Service,
) -> None:
    chosen(readers, PLANNER, Pace.OFF)
    nights = [NIGHT + timedelta(days=n) for n in range(16)]
    assert [queue_digests(readers, night) for night in nights] == [0, 1, 0, 0, 0, 0, 0, 0, 1, *[0] * 6, 1]
    mail = mails(readers, SUNDAY)[MANAGER]
    assert mail.kind == "all_clear"
    assert mail.subject == "All clear, nothing new this week, nothing open: Phoenix Camelback"
    assert reason(readers, MANAGER, SUNDAY) == "nothing new yet: the week's all-clear"


def test_admins_are_told_of_mails_that_were_given_up_once_and_of_nothing_else(readers: Service) -> None:
    opened(readers, finding())
    queue_digests(readers, NIGHT)
    assert ADMIN not in mails(readers)
    assert reason(readers, ADMIN) == "no mail was given up"
    now = readers.clock.machine_now()
    with readers.database.write() as session:
        lost = session.scalars(select(OutboxMail).where(OutboxMail.to_address == MANAGER)).one()
        lost.refused(now, "550 No such mailbox", final=True)

    queue_digests(readers, SUNDAY)
    told = mails(readers, SUNDAY)[ADMIN]
    assert told.subject == "1 mail could not be delivered"
    assert "550 No such mailbox" in told.text
    assert f"/mails/{lost.mail_id}" in told.text
    queue_digests(readers, SUNDAY + timedelta(days=1))
    assert ADMIN not in mails(readers, SUNDAY + timedelta(days=1))


def test_asked_again_for_the_same_night_nothing_more_is_written(readers: Service) -> None:
    opened(readers, finding())
    queue_digests(readers, NIGHT)
    before = {address: mail.mail_id for address, mail in mails(readers).items()}
    opened(readers, finding(category="white T-shirts"))

    assert queue_digests(readers, NIGHT) == 0

    assert {address: mail.mail_id for address, mail in mails(readers).items()} == before


def test_whose_mail_cannot_be_written_stops_nobody_elses_and_gets_it_later(
    readers: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(readers, finding())
    told = digest_job.told_as.digest

    def fails_for_the_first(reader: Reader, *rest: Any, **named: Any) -> Rendered:
        if reader.person.email == MANAGER:
            raise ZeroDivisionError
        return told(reader, *rest, **named)

    monkeypatch.setattr(digest_job.told_as, "digest", fails_for_the_first)
    with pytest.raises(ZeroDivisionError):
        queue_digests(readers, NIGHT)
    assert set(mails(readers)) == {PLANNER}
    monkeypatch.undo()

    assert queue_digests(readers, NIGHT) == 1
    assert set(mails(readers)) == {MANAGER, PLANNER}


def test_a_mail_what_it_told_and_why_are_written_together_or_not_at_all(
    readers: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(readers, finding())
    broken = MailDecision(person_id=0, business_date=NIGHT, kind="", reason="", decided_at=datetime.now(UTC))
    monkeypatch.setattr(digest_job, "_decision", lambda *_, **__: broken)

    with pytest.raises(IntegrityError):
        queue_digests(readers, NIGHT)

    with readers.database.read() as session:
        for table in (OutboxMail, MailTold, MailDecision):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_what_a_mail_told_is_kept_line_by_line(readers: Service) -> None:
    first = opened(readers, finding(units_lost=20.0))
    queue_digests(readers, NIGHT)
    many = [finding(category=f"thing {n}", units_lost=5.0, money_lost=Decimal(n)) for n in range(30)]
    opened(readers, *many, on=SUNDAY)
    queue_digests(readers, SUNDAY)

    mail = mails(readers, SUNDAY)[MANAGER]
    with readers.database.read() as session:
        told = list(session.scalars(select(MailTold).where(MailTold.mail_id == mail.mail_id)))
    # All that is new was told, if only as a number; there was no line for what is open.
    assert {row.section for row in told} == {Section.NEW}
    assert len(told) == 30
    assert first[0] not in {row.alert_id for row in told}
    assert {(row.units, row.severity) for row in told} == {(5.0, Severity.HIGH)}


@pytest.mark.parametrize("state", [MailState.KEPT, MailState.PENDING])
def test_a_mail_waits_for_a_server_or_is_kept_where_there_is_none(readers: Service, state: MailState) -> None:
    opened(readers, finding())
    queue_digests(readers if state is MailState.KEPT else with_mail_server(readers), NIGHT)

    assert {mail.state for mail in mails(readers).values()} == {state}
    assert all(mail.due_at <= readers.clock.machine_now() for mail in mails(readers).values())


def test_the_message_id_names_the_night_and_the_person_and_nothing_that_changes(readers: Service) -> None:
    opened(readers, finding())
    queue_digests(readers, NIGHT)
    first = mails(readers)[MANAGER]
    with readers.database.write() as session:
        for table in (MailDecision, MailTold, OutboxMail):
            session.execute(delete(table))
    queue_digests(readers, NIGHT)

    again = mails(readers)[MANAGER]
    assert again.message_id == first.message_id == f"<digest.2026-06-06.{first.person_id}@127.0.0.1>"
    assert len({mail.message_id for mail in mails(readers).values()}) == 2


def test_links_lead_to_the_address_under_which_people_reach_the_app(readers: Service) -> None:
    settings = readers.settings.model_copy(update={"base_url": "https://inseason.shop.example/app"})
    [alert] = opened(readers, finding())
    queue_digests(replace(readers, settings=settings), NIGHT)

    mail = mails(readers)[MANAGER]
    assert f"https://inseason.shop.example/app/alerts/{alert}" in mail.text
    assert mail.unsubscribe_url.startswith("https://inseason.shop.example/app/mails/stop/")
    assert mail.unsubscribe_url in mail.html
    assert mail.message_id.endswith("@inseason.shop.example>")


def test_the_worst_alert_that_was_drawn_travels_as_a_picture(readers: Service) -> None:
    worst, drawn = opened(
        readers,
        finding(money_lost=Decimal(900)),
        finding(category="white T-shirts", money_lost=Decimal(500)),
    )
    table = [
        {"week": f"2026-05-{day:02}", "sales": 3.0, "stock": 9, "mean": None, "p10": None, "p90": None}
        for day in (3, 10, 17, 24)
    ] + [{"week": "2026-06-07", "sales": None, "stock": None, "mean": 4.0, "p10": 2.0, "p90": 6.0}]
    with readers.database.write() as session:
        session.add(AlertChart(alert_id=drawn, business_date=NIGHT, svg="<svg/>", table=table))
    queue_digests(readers, NIGHT)

    mail = mails(readers)[MANAGER]
    assert mail.chart is not None
    assert mail.chart.startswith(b"\x89PNG")
    assert f'src="cid:{mail.chart_cid}"' in mail.html
    assert "The white T-shirts: the bars are what was sold" in mail.html
    assert worst in listed(mail)
    # Drawn once for both.
    assert mails(readers)[PLANNER].chart == mail.chart


def letter(**changes: Any) -> Letter:
    given = {
        "kind": "back_in_stock",
        "key": "17",
        "business_date": NIGHT,
        "to_address": "ann@example.com",
        "subject": "It is back",
        "text": "It is back",
        "html": "<p>It is back</p>",
    }
    return Letter(**(given | changes))


def test_a_customers_mail_is_queued_once_and_its_address_forgotten_when_it_has_left(service: Service) -> None:
    now = service.clock.machine_now()
    settings = with_mail_server(service).settings
    with service.database.write() as session:
        first = queue_mail(session, letter(), settings=settings, now=now)
        assert first is not None
        assert queue_mail(session, letter(subject="again"), settings=settings, now=now) is None
        assert queue_mail(session, letter(key="18"), settings=settings, now=now) is not None
    with service.database.write() as session:
        rows = session.scalars(select(OutboxMail).order_by(OutboxMail.mail_id)).all()
        assert [row.subject for row in rows] == ["It is back", "It is back"]
        assert rows[0].message_id == "<back_in_stock.17@127.0.0.1>"
        rows[0].sent(now)
    assert {mail.to_address for mail in mails(service).values()} == {"", "ann@example.com"}


def test_the_addresses_of_customers_are_forgotten_after_their_time(service: Service) -> None:
    now = service.clock.machine_now()
    with service.database.write() as session:
        for key, age in (("old", 61), ("young", 59)):
            queue_mail(
                session,
                letter(key=key),
                settings=with_mail_server(service).settings,
                now=now - timedelta(days=age),
            )
    with service.database.write() as session:
        assert forget_addresses(session, before=now - timedelta(days=60), now=now) == 1
    with service.database.read() as session:
        rows = {row.dedup_key: row for row in session.scalars(select(OutboxMail))}
    assert (rows["old"].to_address, rows["old"].state) == ("", MailState.DEAD)
    assert (rows["young"].to_address, rows["young"].state) == ("ann@example.com", MailState.PENDING)


def test_the_address_of_a_customer_is_copied_nowhere(readers: Service) -> None:
    now = readers.clock.machine_now()
    with readers.database.write() as session:
        lost = queue_mail(session, letter(), settings=with_mail_server(readers).settings, now=now)
        assert lost is not None
        lost.refused(now, "550 <ann@example.com> is nobody", final=True)
    queue_digests(readers, NIGHT)

    told = mails(readers)[ADMIN]
    assert "To a customer: It is back" in told.text
    assert "550 <the address> is nobody" in told.text
    assert "ann@example.com" not in told.text + told.html
