"""Choosing and stopping mails at a phone and at a desk, and the mail itself as its reader sees it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from sqlalchemy import select

from data.clock import Clock
from data.records import (
    AlertChart,
    MailChoices,
    MailDecision,
    MailState,
    OutboxMail,
    Pace,
    Person,
    PersonStore,
)
from data.settings import load_settings
from jobs.digest import queue_digests
from jobs.service import Service
from tests.e2e.conftest import Reader
from tests.integration.web.world import ADMIN, MANAGER, NIGHT, NOW, TODAY, World, alert_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

PHONE, DESK = (390, 844), (1440, 900)
SMALLEST_TARGET = 44


@pytest.fixture
def at(browser: Browser, address: str) -> Iterator[Callable[..., Reader]]:
    """Seats somebody at a screen of a size and a colour scheme; at the end no browser may have complained."""
    readers = []

    def seat(size: tuple[int, int] = PHONE, scheme: str = "light") -> Reader:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        context.set_default_timeout(15_000)
        readers.append(Reader(context.new_page(), address))
        return readers[-1]

    yield seat
    for reader in readers:
        reader.page.context.close()
    assert [complaint for reader in readers for complaint in reader.complaints] == []


@pytest.fixture
def night(world: World, tmp_path: Path, address: str) -> str:
    """After a night that wrote a digest for Maya, gave up one of her mails, and decided twice about her."""
    settings = load_settings(var=tmp_path, today=TODAY, base_url=address)
    with world.database.write() as session:
        maya = session.scalars(select(Person).where(Person.email == MANAGER)).one()
        session.add(PersonStore(person_id=maya.person_id, store_id="SEA1"))
        session.add(
            MailDecision(
                person_id=maya.person_id,
                business_date=NIGHT - timedelta(days=1),
                reason="nothing new yet",
                decided_at=NOW,
            )
        )
        mail = session.get_one(OutboxMail, world.other_mail)
        mail.state = MailState.PENDING
        mail.refused(NOW, "550 No such mailbox", final=True)
        # The mail that stands for the night in the small retailer makes room for a real one.
        old = session.get_one(OutboxMail, world.own_mail)
        old.business_date, old.kind = NIGHT - timedelta(days=30), "old"

    queue_digests(Service(settings, Clock(settings), world.database, None), NIGHT)
    with world.database.read() as session:
        mail = session.scalars(
            select(OutboxMail).where(OutboxMail.person_id == maya.person_id, OutboxMail.kind == "digest")
        ).one()
        assert session.get(AlertChart, world.own_alert)
    assert mail.chart
    return f"/mails/{mail.mail_id}"


def stop_path(world: World) -> str:
    with world.database.read() as session:
        urls = session.scalars(select(OutboxMail.unsubscribe_url).where(OutboxMail.unsubscribe_url != ""))
        return urlsplit(urls.first()).path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_pages_about_mails_are_open_to_everybody(
    size: tuple[int, int], scheme: str, at: Callable[..., Reader], world: World, night: str
) -> None:
    reader, axe = at(size, scheme), Axe()
    reader.open(stop_path(world))
    seen = [(stop_path(world), axe.run(reader.page))]
    reader.log_in(ADMIN)
    for path in ("/mails", "/mails/choices", "/mails/choices/1", "/mails/given-up", night):
        reader.open(path)
        reader.page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        seen.append((path, axe.run(reader.page)))
        wide = reader.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size[0], f"{path} is {wide} px wide"
    reports = {path: found.generate_report() for path, found in seen if found.violations_count}
    assert reports == {}


def test_what_is_pressed_is_large_enough_for_a_thumb(
    at: Callable[..., Reader], world: World, night: str
) -> None:
    reader = at()
    reader.open(stop_path(world))
    assert small_targets(reader) == []
    reader.log_in(MANAGER)
    for path in ("/mails", "/mails/choices", night):
        reader.open(path)
        reader.page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        assert small_targets(reader) == [], path


def small_targets(reader: Reader) -> list[str]:
    found: list[str] = reader.page.evaluate(
        """least => [...document.querySelectorAll("a, button, summary, label")]
            .filter(part => part.checkVisibility() && !part.matches(".skip"))
            .filter(part => part.getBoundingClientRect().height < least)
            .map(part => part.outerHTML)""",
        SMALLEST_TARGET,
    )
    return found


def test_somebody_chooses_with_a_thumb_what_to_get(
    at: Callable[..., Reader], world: World, night: str
) -> None:
    reader = at()
    reader.log_in(MANAGER, "/mails")
    page = reader.page
    page.get_by_role("link", name="Choose what you get").click()
    page.get_by_text("Only what is severe").click()
    page.get_by_text("Stores: all").click()
    page.get_by_text("Seattle South").click()
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("It counts from the next night on").wait_for()
    assert page.get_by_text("Stores: 1 of 2").is_visible()
    with world.database.read() as session:
        kept = session.scalars(select(MailChoices)).one()
    assert (kept.pace, kept.stores) == (Pace.ONLY_SEVERE, ["SEA1"])


def test_the_link_in_a_mail_asks_before_it_stops_the_mails(
    at: Callable[..., Reader], world: World, night: str
) -> None:
    reader = at()
    reader.open(stop_path(world))
    with world.database.read() as session:
        assert session.scalars(select(MailChoices)).all() == []
    reader.page.get_by_role("button", name="Stop the mails").click()
    reader.page.get_by_role("heading", name="The mails have stopped").wait_for()
    with world.database.read() as session:
        assert [kept.pace for kept in session.scalars(select(MailChoices))] == [Pace.OFF]


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(247, 247, 245)"), ("dark", "rgb(17, 21, 22)")])
def test_the_mail_is_read_in_light_and_in_dark_with_its_picture_and_leads_to_its_alert(
    at: Callable[..., Reader], world: World, night: str, scheme: str, paper: str
) -> None:
    reader = at(PHONE, scheme)
    reader.log_in(MANAGER, night)
    letter = reader.page.frame_locator("iframe.letter")
    body = letter.locator("body")
    assert body.evaluate("part => getComputedStyle(part).backgroundColor") == paper
    drawn = letter.locator("img").evaluate("image => [image.naturalWidth, image.clientWidth]")
    assert drawn[0] > 600
    assert 250 < drawn[1] <= 390
    first = letter.locator("a").first
    assert "Swim trunks will leave the floor" in first.inner_text()
    reader.page.goto(first.get_attribute("href"))
    assert reader.page.url.endswith(f"/alerts/{world.own_alert}")
    # To look is all that a link does.
    assert alert_of(world.database, world.own_alert).status == "open"
