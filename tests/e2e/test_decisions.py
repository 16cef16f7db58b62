"""A transfer on telephones, from the alert to the unpacked parcel."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from data.records import AlertAction, Product
from tests.e2e.conftest import Reader
from tests.integration.web.world import MANAGER, MERCHANDISER, NEIGHBOUR, NIGHT, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

PHONE = (390, 844)
SMALL = """[...document.querySelectorAll('main a, main button, main input, main summary')]
    .filter(e => e.type !== 'hidden' && e.getBoundingClientRect().width)
    .filter(e => e.getBoundingClientRect().height < 44).map(e => e.textContent.trim())"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def seat(browser: Browser, address: str, world: World) -> Iterator[Callable[[str], Reader]]:
    """Hands a telephone to somebody who has logged in; the first alert has a transfer on offer."""
    lines = [
        {"from_store": "SEA1", "to_store": "PHX1", "sku": f"TIDE-navy-{size}", "units": 2, "miles": 12.0,
         "ships_by": "2026-06-18", "arrives_on": "2026-06-22"}
        for size in "ML"
    ]  # fmt: skip
    with world.database.write() as records:
        records.add_all(
            Product(
                sku=f"TIDE-navy-{size}", style_id="TIDE", style_name="Tide", category="Swim trunks", size=size
            )
            for size in "ML"
        )
        records.add(
            AlertAction(
                alert_id=world.own_alert,
                rank=1,
                kind="transfer",
                units=4.0,
                cost=Decimal(9),
                benefit=Decimal(60),
                act_by=date(2026, 6, 18),
                details={"lines": lines, "wins": 3.0},
                evaluated_on=NIGHT,
            )
        )
    readers = []

    def sit(email: str) -> Reader:
        context = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]})
        context.set_default_timeout(15_000)
        readers.append(Reader(context.new_page(), address))
        readers[-1].log_in(email)
        return readers[-1]

    yield sit
    for reader in readers:
        reader.page.context.close()
    assert [complaint for reader in readers for complaint in reader.complaints] == []


def check(reader: Reader) -> None:
    """What is on the screen fits it, can be pressed with a thumb, and reads aloud."""
    assert reader.page.evaluate(OVERFLOW) == 0
    assert reader.page.evaluate(SMALL) == []
    assert [found["id"] for found in Axe().run(reader.page).response["violations"]] == []


def press(reader: Reader, role: str, name: str) -> None:
    check(reader)
    reader.page.get_by_role(role, name=name).first.click()
    reader.page.wait_for_load_state("networkidle")


def test_a_transfer_goes_from_hand_to_hand_on_telephones(seat: Callable[[str], Reader], world: World) -> None:
    maya, jonas, noor = seat(MANAGER), seat(MERCHANDISER), seat(NEIGHBOUR)
    maya.open(f"/alerts/{world.own_alert}")
    press(maya, "link", "Ask the merchandiser: Transfer 4 units")
    press(maya, "button", "Yes, ask the merchandiser")
    maya.page.get_by_text("Asked for. The merchandiser decides.").wait_for()

    jonas.open("/decisions")
    press(jonas, "link", "Decide")
    press(jonas, "button", "Approve")
    jonas.page.get_by_text("Approved.").wait_for()

    noor.open("/decisions")
    press(noor, "link", "Look")
    press(noor, "button", "Accept: we send 4 units")
    press(noor, "link", "Pick list")
    assert noor.page.get_by_role("heading", level=1).inner_text() == "4 units for Phoenix North"
    press(noor, "link", "Back to the transfer")
    press(noor, "button", "Shipped")

    maya.open("/decisions")
    press(maya, "link", "Unpack")
    maya.page.get_by_label("TIDE-navy-M").fill("1")
    press(maya, "button", "All unpacked")
    maya.page.get_by_text("3 of 4 arrived").first.wait_for()
    check(maya)


def test_on_paper_there_is_only_the_list(seat: Callable[[str], Reader], world: World) -> None:
    jonas = seat(MERCHANDISER)
    jonas.open(f"/alerts/{world.own_alert}/act/1")
    press(jonas, "button", "Yes, ask the stores")
    press(jonas, "link", "Pick list")
    jonas.page.emulate_media(media="print")

    assert jonas.page.get_by_role("navigation").is_hidden()
    assert jonas.page.get_by_role("link", name="As a file (CSV)").is_hidden()
    assert jonas.page.get_by_text("TIDE-navy-M").is_visible()
