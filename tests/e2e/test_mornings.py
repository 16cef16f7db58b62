"""What three people do before ten o'clock, on the demo retailer, its real server and a real browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from data.records import Alert, CustomerRequest, Decision, OutboxMail, Status, Store
from tests.e2e import mornings
from tests.e2e.conftest import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.ground.demo import Demo

PHONE, DESK = (390, 844), (1440, 900)


@pytest.fixture
def retailer(demo: Demo, tmp_path: Path) -> Demo:
    """The demo retailer, to do things to."""
    return demo.copy(tmp_path)


@pytest.fixture
def at(browser: Browser) -> Iterator[Callable[[tuple[int, int], str], Reader]]:
    """Seats somebody at a screen; at the end no browser may have complained."""
    readers = []

    def seat(size: tuple[int, int], address: str) -> Reader:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
        context.set_default_timeout(30_000)
        readers.append(Reader(context.new_page(), address))
        return readers[-1]

    yield seat
    for reader in readers:
        reader.page.context.close()
    assert [complaint for reader in readers for complaint in reader.complaints] == []


def link_in_the_mail(demo: Demo, email: str, address: str) -> str:
    """The first alert that somebody's newest mail leads to, on the server of the test."""
    with demo.database() as database, database.read() as session:
        newest = select(OutboxMail.html).where(OutboxMail.to_address == email)
        html = session.scalars(newest.order_by(OutboxMail.mail_id.desc())).first()
    found = re.search(r'href="[^"]+?(/alerts/\d+)"', html or "")
    assert found
    return f"{address}{found[1]}"


def test_the_store_manager_s_morning(retailer: Demo, at: Callable[..., Reader]) -> None:
    login = retailer.logins["store_manager"]
    with retailer.served() as address:
        reader = at(PHONE, address)
        mornings.of_the_store_manager(reader.page, link_in_the_mail(retailer, login[0], address), login)
        reader.page.context.close()

    with retailer.database() as database, database.read() as session:
        assert session.scalars(select(Decision.state)).one() == "requested"
        assert session.scalars(select(Alert.store_id).where(Alert.status == Status.SNOOZED)).one() == "PHX-01"
        asked = session.scalars(select(CustomerRequest).where(CustomerRequest.source == "app")).one()
        assert (asked.store_id, asked.units) == ("PHX-01", 1)


def test_the_merchandiser_s_morning(retailer: Demo, at: Callable[..., Reader]) -> None:
    def run_a_night() -> None:
        told = retailer.run("nightly", "--as-of", "2026-06-07", today="2026-06-08")
        assert "Night of 2026-06-07 done" in told

    with retailer.served() as address:
        reader = at(DESK, address)
        mornings.of_the_merchandiser(reader.page, address, retailer.logins["merchandiser"], run_a_night)
        reader.page.context.close()


def test_the_admin_s_morning(retailer: Demo, at: Callable[..., Reader], tmp_path: Path) -> None:
    with retailer.served() as address:
        reader = at(DESK, address)
        mornings.of_the_admin(reader.page, address, retailer.logins["admin"], tmp_path)
        reader.page.context.close()

    with retailer.database() as database, database.read() as session:
        new = select(Store.store_id).where(Store.store_id.in_(("PHX-03", "PHX-04", "PHX-05")))
        assert set(session.scalars(new)) == {"PHX-03", "PHX-04", "PHX-05"}
