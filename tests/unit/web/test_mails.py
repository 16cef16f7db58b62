from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from data.database import Database
from data.records import Condition, Pace, Person, Role, Scope, Severity, Status
from data.settings import load_settings
from tests.unit.web.making import NIGHT, NOW, TODAY, make_alert, make_manager, make_stockout
from web import create_app
from web.rendering.mails import (
    LONGEST_SUBJECT,
    MOST_LINES,
    MOST_OPEN,
    Chart,
    GivenUp,
    Reader,
    Rendered,
    Telling,
    all_clear,
    digest,
    given_up,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from data.records import Alert

BASE = "https://inseason.example/app"
STOP = f"{BASE}/mails/stop/signed"
NAMES = {"PHX1": "Phoenix North", "PHX2": "Phoenix South", "PHX3": "Phoenix West"}


@pytest.fixture(autouse=True)
def app_context(tmp_path: Path) -> Iterator[None]:
    database = Database(f"sqlite:///{tmp_path}/inseason.db")
    with create_app(load_settings(var=tmp_path), database).app_context():
        yield
    database.dispose()


def reader(stores: str = "PHX1", pace: Pace = Pace.NIGHTLY, person: Person | None = None) -> Reader:
    return Reader(
        person=person or make_manager(*stores.split()),
        pace=pace,
        business_date=NIGHT,
        morning=TODAY,
        base_url=BASE,
        stop_url=STOP,
    )


def buyer() -> Person:
    return Person(
        person_id=2,
        email="jonas@example.com",
        name="Jonas Lind",
        role=Role.MERCHANDISER,
        created_at=NOW,
        stores=[],
        categories=[],
    )


def write(stores: str = "PHX1", *, chart: Chart | None = None, **telling: Any) -> Rendered:
    return digest(reader(stores), Telling(**telling), store_names=NAMES, chart=chart)


def many(count: int, first_id: int = 1) -> list[Alert]:
    return [make_alert(first_id + n, money_lost=Decimal(n + 1), units_lost=1.0) for n in range(count)]


def recovered_alert(alert_id: int) -> Alert:
    alert = make_alert(alert_id)
    alert.status, alert.condition = Status.RESOLVED, Condition.CLEAR
    return alert


def alert_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.search(r"/alerts/\d+$", line)]


def test_the_subject_carries_the_news() -> None:
    assert write(new=[make_alert()]).subject == "1 new, 38 units, $1.3k at risk: Phoenix North"


def test_the_subject_says_the_whole_news_and_what_is_at_stake_in_it() -> None:
    new = [
        make_alert(n, money_lost=Decimal(12400) / 7, units_lost=1240 / 7, store_id="PHX1") for n in range(7)
    ]
    mail = write(new=new, open=many(30, first_id=100))
    assert mail.subject == "7 new, 1,239 units, $12.4k at risk: Phoenix North"
    mail = write(
        new=[make_alert(1)],
        worse=[make_alert(2)],
        due=[make_alert(3), make_alert(4)],
        newly_due=1,
        recovered=[recovered_alert(5)],
    )
    assert mail.subject == "1 new, 1 worse, 1 due, 1 recovered, 152 units, $5.2k at risk: Phoenix North"
    assert "1 new, 1 worse, 1 due and 1 recovered" in mail.text


def test_what_was_due_before_is_told_and_is_not_the_news() -> None:
    mail = write(new=[make_alert(1)], due=[make_alert(2)])
    assert mail.subject == "1 new, 38 units, $1.3k at risk: Phoenix North"
    assert "Due or overdue" in mail.text


def test_a_merchandiser_reads_in_the_subject_which_categories_it_is_about() -> None:
    alerts = [
        make_alert(1, money_lost=Decimal(10), category="Sandals"),
        make_alert(2, category="Swim trunks", scope=Scope.ZONE, store_id="", climate_zone="hot_dry"),
        make_alert(3, money_lost=Decimal(5), category="Hats"),
    ]
    told = digest(reader(person=buyer()), Telling(new=alerts), store_names=NAMES)
    assert told.subject.endswith(": Swim trunks and 2 more categories")
    told = digest(reader(person=buyer()), Telling(new=alerts[:2]), store_names=NAMES)
    assert told.subject.endswith(": Swim trunks and Sandals")
    assert "the hot dry zone" in told.text


def test_a_subject_is_one_line_of_bounded_length() -> None:
    names = {"PHX1": "Phoenix\r\nBcc: someone@example.com " + "x" * 300}
    mail = digest(reader(), Telling(new=[make_alert()]), store_names=names)
    assert "\n" not in mail.subject
    assert "\r" not in mail.subject
    assert len(mail.subject) == LONGEST_SUBJECT


def test_each_line_leads_to_its_page_below_the_address_of_the_app() -> None:
    mail = write(new=[make_alert(41)])
    for told in (mail.text, mail.html):
        assert f"{BASE}/alerts/41" in told
        assert "$1,299 · Act by 1 July (in 17 days) · observed here" in told
    assert "you hold 6, none in M." in mail.text
    assert mail.listed == (41,)


def test_no_link_of_a_mail_does_anything_but_show_a_page() -> None:
    mail = write(new=[make_alert(1)], recovered=[recovered_alert(2)])
    for told in (mail.text, mail.html):
        found = set(re.findall(rf"{BASE}/[\w/-]+", told))
        assert found == {
            f"{BASE}/alerts/1",
            f"{BASE}/alerts/2",
            f"{BASE}/alerts",
            f"{BASE}/mails/choices",
            STOP,
        }


def test_the_headings_stand_in_the_order_of_their_urgency() -> None:
    mail = write(
        new=[make_alert(1)],
        worse=[make_alert(2)],
        due=[make_alert(3)],
        open=[make_alert(4)],
        recovered=[recovered_alert(5)],
    )
    headings = ["New or worse", "Due or overdue", "Open", "Recovered"]
    assert [line for line in mail.text.splitlines() if line in headings] == headings
    assert re.findall(r"<h2[^>]*>([^<]+)</h2>", mail.html) == headings
    assert mail.listed[2:] == (3, 4, 5)


def test_the_worst_comes_first() -> None:
    mail = write(new=[make_alert(1, money_lost=Decimal(5))], worse=[make_alert(2, money_lost=Decimal(500))])
    assert mail.text.index("/alerts/2") < mail.text.index("/alerts/1")


def test_what_is_worse_says_since_when_and_how() -> None:
    mail = write(
        worse=[make_alert(1), make_alert(2, units_lost=10.0, severity=Severity.HIGH)], before={1: 20.2, 2: 10}
    )
    assert "38 units, $1,299 · up from 20 · " in mail.text
    assert "10 units, $1,299 · now severe · " in mail.text


def test_what_somebody_has_taken_on_says_so_when_it_is_due() -> None:
    alert = make_alert(1, act_by=date(2026, 6, 13))
    alert.status = Status.ACKNOWLEDGED
    assert "taken on · The last day to act was 13 June" in write(due=[alert], newly_due=1).text


@pytest.mark.parametrize(
    ("new", "due", "still_open", "recovered"),
    [
        (15, 9, 30, 9),
        (25, 0, 0, 0),
        (0, 40, 40, 40),
        (20, 1, 0, 1),
        (0, 0, 40, 1),
        (1, 1, 1, 1),
        (60, 60, 60, 60),
    ],
)
def test_a_mail_has_at_most_twenty_lines_with_those_that_say_what_is_left_out(
    new: int, due: int, still_open: int, recovered: int
) -> None:
    mail = write(
        new=many(new),
        due=many(due, 100),
        open=many(still_open, 200),
        recovered=[recovered_alert(300 + n) for n in range(recovered)],
        newly_due=due,
    )
    lines = alert_lines(mail.text)
    left_out = re.findall(r"and \d+ more", mail.text)
    assert len(lines) + len(left_out) <= MOST_LINES
    assert len(lines) == len(mail.listed) == len(set(mail.listed))
    # Something is said under every heading that has anything.
    for name, count in (("New or worse", new), ("Due or overdue", due), ("Recovered", recovered)):
        assert (f"\n{name}\n" in mail.text) is bool(count)
    told = len(lines) + sum(int(text.split()[1]) for text in left_out)
    assert told == new + due + recovered + (still_open if "\nOpen\n" in mail.text else 0)


def test_of_what_is_open_the_worst_ten_are_listed() -> None:
    mail = write(recovered=[recovered_alert(1)], open=many(30, 100))
    assert [int(line.rpartition("/")[2]) for line in alert_lines(mail.text)][:-1] == list(range(129, 119, -1))
    assert len(mail.listed) == MOST_OPEN + 1
    assert "and 20 more: 20 units, $210 at risk" in mail.text


def test_what_does_not_fit_is_the_least_and_its_stake_is_told() -> None:
    mail = write(new=many(25))
    assert "/alerts/25" in mail.text
    assert "and 6 more: 6 units, $21 at risk" in mail.text


def test_what_has_recovered_is_told_without_a_stake() -> None:
    mail = write(recovered=[recovered_alert(n) for n in range(1, 8)])
    assert mail.subject == "7 recovered: Phoenix North"
    assert len(alert_lines(mail.text)) == 7
    assert "at risk" not in mail.text
    assert "Act by" not in mail.text


def test_late_figures_are_owned_up_to() -> None:
    assert "2 alerts rest on figures that are late" in write(new=[make_alert()], frozen=2).text
    assert "1 alert rests on figures that are late" in write(new=[make_alert()], frozen=1).html
    assert "late" not in write(new=[make_alert()]).text


def test_a_manager_of_two_stores_reads_which_one_is_meant() -> None:
    mail = write("PHX1 PHX2", new=[make_stockout(store_id="PHX2")])
    assert "customers of Phoenix South want 12" in mail.text


def test_the_html_carries_its_styles_inside_and_nothing_from_elsewhere() -> None:
    mail = write(new=[make_alert()], chart=Chart("chart.digest.1@inseason.example", make_alert()))
    [style] = re.findall(r"<style>(.*?)</style>", mail.html, re.DOTALL)
    # What is left is what depends on the reader's screen.
    assert re.fullmatch(r"\s*(@media \(prefers-color-scheme: dark\) \{.*\})\s*", style, re.DOTALL)
    assert style.count("@media") == 1
    assert 'style="' in mail.html
    found = set(re.findall(r'(?:src|href)="([^"]+)"', mail.html))
    pages = {f"{BASE}/alerts/1", f"{BASE}/alerts", f"{BASE}/mails/choices", STOP}
    assert found == pages | {"cid:chart.digest.1@inseason.example"}
    assert "url(" not in mail.html


def test_the_one_drawing_says_what_it_shows_to_those_who_do_not_see_it() -> None:
    mail = write("PHX1 PHX2", new=[make_alert()], chart=Chart("chart.1@x", make_alert()))
    [image] = re.findall(r"<img [^>]+>", mail.html)
    assert 'alt="Swim trunks, Phoenix North: the bars are what was sold' in image
    assert "<img" not in write(new=[make_alert()]).html


def test_the_text_is_a_mail_of_its_own() -> None:
    mail = write(new=[make_alert()])
    assert "<" not in mail.text.replace("<maya@example.com>", "")
    assert mail.text.startswith("1 new\n38 units, $1.3k at risk\n\nNew or worse\n\n- Swim trunks will leave")
    assert "\n\n\n\n" not in mail.text
    assert f"Stop these mails: {STOP}" in mail.text


def test_a_style_name_cannot_bring_markup_into_the_mail() -> None:
    mail = write(new=[make_alert(details={"style_name": "<b>Trunks</b> & more"})])
    assert "<b>Trunks" not in mail.html
    assert "&lt;b&gt;Trunks&lt;/b&gt; &amp; more" in mail.html
    assert "<b>Trunks</b> & more will leave" in mail.text


def test_a_mail_says_how_often_it_comes() -> None:
    for pace, words in (
        (Pace.NIGHTLY, "on mornings with news"),
        (Pace.MONDAY, "on Mondays"),
        (Pace.ONLY_SEVERE, "on mornings with severe news"),
    ):
        told = digest(replace(reader(), pace=pace), Telling(new=[make_alert()]), store_names=NAMES)
        assert f"You get this mail {words}." in told.text
        assert f"You get this mail {words}." in told.html


def test_the_all_clear_proves_that_the_nights_have_run_and_hides_nothing() -> None:
    quiet = all_clear(reader(), nights=7, open_alerts=[], frozen=0, store_names=NAMES)
    assert quiet.subject == "All clear, nothing new this week, nothing open: Phoenix North"
    assert "looked on 7 of the last 7 nights" in quiet.text
    assert "did not run" not in quiet.text
    told = all_clear(reader(), nights=5, open_alerts=[make_alert()], frozen=3, store_names=NAMES)
    assert told.subject == "All clear, nothing new this week, 1 still open: Phoenix North"
    for text in (told.text, told.html):
        assert "2 nights did not run" in text
        assert "1 alert from before still open, 38 units, $1.3k at risk" in text
        assert "3 more alerts rest on figures that are late" in text


def test_an_admin_reads_which_mails_were_given_up_and_why() -> None:
    lost = [GivenUp(n, f"{n}@shop.example", f"{n} new", "550 No such mailbox") for n in range(1, 31)]
    mail = given_up(reader(), lost)
    assert mail.subject == "30 mails could not be delivered"
    for told in (mail.text, mail.html):
        assert "To 1@shop.example: 1 new" in told
        assert "550 No such mailbox" in told
        assert f"{BASE}/mails/1" in told
        assert "and 11 more" in told
        assert f"{BASE}/mails/given-up" in told
    assert given_up(reader(), lost[:1]).subject == "1 mail could not be delivered"
