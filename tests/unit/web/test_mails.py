from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from data.database import Database
from data.settings import load_settings
from tests.unit.web.making import NIGHT, TODAY, make_alert, make_manager, make_stockout
from web import create_app
from web.rendering.mails import MOST_LINES, Digest, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from data.records import Alert

BASE = "https://inseason.example/app"


@pytest.fixture(autouse=True)
def app_context(tmp_path: Path) -> Iterator[None]:
    database = Database(f"sqlite:///{tmp_path}/inseason.db")
    with create_app(load_settings(var=tmp_path), database).app_context():
        yield
    database.dispose()


def write(
    new: Sequence[Alert] = (),
    still_open: Sequence[Alert] = (),
    recovered: Sequence[Alert] = (),
    stores: str = "PHX1",
) -> Digest:
    return digest(
        make_manager(*stores.split()),
        NIGHT,
        new=new,
        still_open=still_open,
        recovered=recovered,
        store_names={"PHX1": "Phoenix North", "PHX2": "Phoenix South"},
        base_url=BASE,
        today=TODAY,
    )


def many(count: int, first_id: int = 1) -> list[Alert]:
    return [make_alert(first_id + n, money_lost=Decimal(n + 1), units_lost=1.0) for n in range(count)]


def recovered_alert(alert_id: int) -> Alert:
    alert = make_alert(alert_id)
    alert.clears(business_date=date(2026, 6, 14), now=datetime(2026, 6, 14, 7, tzinfo=UTC))
    return alert


def test_the_subject_tells_the_night() -> None:
    assert write(new=[make_alert()]).subject == "1 new, 38 units, $1.3k at risk: Phoenix North"


def test_each_line_leads_to_its_page_below_the_address_of_the_app() -> None:
    mail = write(new=[make_alert(41)])
    for told in (mail.text, mail.html):
        assert f"{BASE}/alerts/41" in told
        assert "$1,299 · Act by 1 July (in 17 days) · observed here" in told
    assert "you hold 6, none in M." in mail.text


def test_the_worst_comes_first() -> None:
    mail = write(new=[make_alert(1, money_lost=Decimal(5)), make_alert(2, money_lost=Decimal(500))])
    assert mail.text.index("/alerts/2") < mail.text.index("/alerts/1")


def test_a_mail_has_at_most_twenty_lines_and_says_what_is_left_out() -> None:
    mail = write(
        new=many(15),
        still_open=many(30, first_id=100),
        recovered=[recovered_alert(200 + n) for n in range(9)],
    )
    links = [line for line in mail.text.splitlines() if re.search(r"/alerts/\d+$", line)]
    assert len(links) == MOST_LINES
    assert "and 28 more: 28 units, $406 at risk" in mail.text
    assert "and 6 more\n" in mail.text


def test_what_does_not_fit_is_the_least() -> None:
    mail = write(new=many(25))
    assert "/alerts/25" in mail.text
    assert "and 5 more: 5 units, $15 at risk" in mail.text


def test_lines_left_over_go_to_what_has_recovered() -> None:
    mail = write(recovered=[recovered_alert(n) for n in range(1, 8)])
    assert mail.subject == "7 recovered: Phoenix North"
    assert mail.text.count("/alerts/") - 1 <= MOST_LINES
    assert "more:" not in mail.text
    assert "Act by" not in mail.text
    assert "Swim trunks: nobody here is expected to miss it any more; the last night said 38." in mail.text


def test_a_manager_of_two_stores_reads_which_one_is_meant() -> None:
    mail = write(new=[make_stockout(store_id="PHX2")], stores="PHX1 PHX2")
    assert "customers of Phoenix South want 12" in mail.text


def test_the_html_carries_its_styles_inside_and_nothing_from_elsewhere() -> None:
    mail = write(new=[make_alert()])
    assert "<style" not in mail.html
    assert 'style="' in mail.html
    addresses = set(re.findall(r'(?:src|href)="([^"]+)"', mail.html))
    assert addresses == {f"{BASE}/alerts/1", f"{BASE}/alerts"}
    assert "<img" not in mail.html


def test_a_style_name_cannot_bring_markup_into_the_mail() -> None:
    mail = write(new=[make_alert(details={"style_name": "<b>Trunks</b> & more"})])
    assert "<b>Trunks" not in mail.html
    assert "&lt;b&gt;Trunks&lt;/b&gt; &amp; more" in mail.html
    assert "<b>Trunks</b> & more will leave" in mail.text
