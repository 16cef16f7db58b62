"""A night and customers' requests: each becomes demand once, whoever waited is told once, addresses go."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from deltalake import DeltaTable
from sqlalchemy import func, select

from data.facts.requests import weekly_requests
from data.facts.store import FactsStore, table_uri
from data.facts.tables import REQUESTS
from data.feeds.loading import import_feed
from data.records import (
    CONTACT_LASTS,
    CustomerRequest,
    MailState,
    NewestCount,
    NewestStock,
    OutboxMail,
    Person,
    Product,
    RequestContact,
    RequestOutcome,
    Role,
    Run,
    RunKind,
    Store,
    Wanted,
)
from data.settings import Weekday, load_settings
from jobs.requests import (
    collect_requests,
    forget_contacts,
    keep_newest_stock,
    look_after_requests,
    tell_arrivals,
)
from jobs.service import Service

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 6, 7)
NOON = datetime(2026, 6, 7, 16, tzinfo=UTC)
MARLIN = Wanted(style_id="MAR", size="M")
FEED = (
    "requested_at,store_id,text,source\n2026-06-07T11:00,PHX,umbrella,app\n2026-06-07T12:00,PHX,hat,phone\n"
)


@pytest.fixture
def chain(service: Service) -> Service:
    """Two stores, a style in two colours and two sizes, and a person who records."""
    with service.database.write() as records:
        records.add_all(
            [
                Store(store_id="PHX", name="Phoenix", timezone="America/Phoenix", phone="(602) 555-0101"),
                Store(store_id="SEA", name="Seattle"),
            ]
        )
        records.add_all(
            Product(
                sku=f"MAR-{color}-{size}",
                style_id="MAR",
                style_name="Marlin Trunk",
                category="swim trunks",
                size=size,
                color=color,
            )
            for color in ("navy", "red")
            for size in ("M", "L")
        )
        records.add(
            Person(email="maya@x.example", name="Maya", role=Role.ADMIN, password_hash="", created_at=NOON)
        )
        records.add(Run(kind=RunKind.NIGHT, business_date=TODAY, started_at=NOON, details={}))
    return service


@pytest.fixture
def mailing(chain: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The same with a mail server in its settings."""
    monkeypatch.setenv("INSEASON_SMTP_URL", "smtp://127.0.0.1:8025")
    return Service(load_settings(), chain.clock, chain.database, chain.facts)


def ask(
    service: Service, wanted: Wanted = MARLIN, *, at: datetime = NOON, store: str = "PHX", units: int = 1
) -> int:
    with service.database.write() as records:
        key = f"{records.scalar(select(func.count()).select_from(CustomerRequest))}"
        asked = CustomerRequest.asked(wanted, store_id=store, person_id=1, units=units, now=at, form_key=key)
        records.add(asked)
        records.flush()
        return asked.request_id


def change(service: Service, request_id: int, how: str, *arguments: Any, **options: Any) -> None:
    with service.database.write() as records:
        asked = records.get_one(CustomerRequest, request_id)
        records.refresh(asked, ["contact"])
        getattr(asked, how)(*arguments, **options)


def facts(service: Service, columns: str = "store_id, style_id, size, text, units") -> list[list[Any]]:
    frame = service.facts.snapshot().query(f"SELECT {columns} FROM requests ORDER BY {columns}")
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def load_feed(service: Service, tmp_path: Path, text: str = FEED) -> None:
    path = tmp_path / "requests.csv"
    path.write_text(text, encoding="utf-8")
    import_feed(
        "requests",
        path,
        database=service.database,
        facts=service.facts,
        settings=service.settings,
        clock=service.clock,
    )


ASKED = ["PHX", "MAR", "M", None, 1]
FED = [["PHX", None, None, "hat", 1], ["PHX", None, None, "umbrella", 1]]


def test_what_was_recorded_becomes_facts_once(chain: Service) -> None:
    ask(chain)
    ask(chain, Wanted(sku="MAR-red-L"), units=2, store="SEA")
    ask(chain, Wanted(text="umbrella"))
    first = collect_requests(chain, run_id=1)
    version = chain.facts.version("requests")
    again = collect_requests(chain, run_id=1)

    assert (first.added, first.removed) == (3, 0)
    assert (again.added, again.removed) == (0, 0)
    assert chain.facts.version("requests") == version
    assert facts(chain, "store_id, sku, style_id, size, text, units, source, request_id") == [
        ["PHX", None, "MAR", "M", None, 1, "app", 1],
        ["PHX", None, None, None, "umbrella", 1, "app", 3],
        ["SEA", "MAR-red-L", None, None, None, 2, "app", 2],
    ]


@pytest.mark.parametrize("order", [("feed", "app"), ("app", "feed"), ("app", "feed", "app", "feed")])
def test_a_feed_of_the_same_store_and_day_neither_wipes_nor_doubles_what_was_recorded(
    chain: Service, tmp_path: Path, order: tuple[str, ...]
) -> None:
    ask(chain)
    for source in order:
        if source == "app":
            collect_requests(chain, run_id=1)
        else:
            load_feed(chain, tmp_path)
    assert facts(chain) == sorted([ASKED, *FED], key=lambda row: (row[1] is None, row[3] or ""))


def test_a_newer_feed_replaces_its_own_rows_only(chain: Service, tmp_path: Path) -> None:
    ask(chain)
    load_feed(chain, tmp_path)
    collect_requests(chain, run_id=1)
    load_feed(chain, tmp_path, FEED.replace("umbrella", "raincoat"))
    assert sorted(row[3] or "" for row in facts(chain)) == ["", "hat", "raincoat"]


@pytest.mark.parametrize("how", ["undone", "served"])
def test_what_is_undone_or_served_is_taken_out_again_and_nothing_else(
    chain: Service, tmp_path: Path, how: str
) -> None:
    mistaken, _ = ask(chain), ask(chain, units=3)
    load_feed(chain, tmp_path)
    collect_requests(chain, run_id=1)
    if how == "undone":
        change(chain, mistaken, "undo", NOON)
    else:
        change(chain, mistaken, "settle", RequestOutcome.SAVED_SALE, NOON)
    collected = collect_requests(chain, run_id=1)

    assert (collected.added, collected.removed) == (0, 1)
    assert sorted(row[4] for row in facts(chain)) == [1, 1, 3]
    assert {row[3] for row in facts(chain)} == {None, "hat", "umbrella"}


def test_the_last_request_of_a_month_can_be_taken_out(chain: Service) -> None:
    only = ask(chain, at=NOON - timedelta(days=40))
    collect_requests(chain, run_id=1)
    change(chain, only, "undo", NOON)
    collect_requests(chain, run_id=1)
    assert facts(chain) == []


@pytest.mark.parametrize("outcome", [RequestOutcome.HOLD, RequestOutcome.SHIP_TO_HOME, RequestOutcome.NONE])
def test_what_another_store_serves_is_still_demand_where_it_was_missing(
    chain: Service, outcome: RequestOutcome
) -> None:
    change(chain, ask(chain), "settle", outcome, NOON, holding_store_id="SEA")
    collect_requests(chain, run_id=1)
    assert facts(chain) == [ASKED]


def test_a_sale_that_was_not_saved_after_all_comes_back(chain: Service) -> None:
    asked = ask(chain)
    change(chain, asked, "settle", RequestOutcome.SAVED_SALE, NOON)
    collect_requests(chain, run_id=1)
    assert facts(chain) == []
    change(chain, asked, "settle", RequestOutcome.NONE, NOON)
    collect_requests(chain, run_id=1)
    assert facts(chain) == [ASKED]


def test_a_request_belongs_to_the_day_that_it_was_in_its_store(chain: Service) -> None:
    # Half past ten in the evening of the 6th in Phoenix, half past one of the 7th in New York.
    late = datetime(2026, 6, 7, 5, 30, tzinfo=UTC)
    ask(chain, at=late)
    ask(chain, at=late, store="SEA")
    collect_requests(chain, run_id=1)
    days = chain.facts.snapshot().query("SELECT store_id, requested_on FROM requests ORDER BY store_id")
    assert [str(day.date()) for day in days["requested_on"]] == ["2026-06-06", "2026-06-07"]


def test_the_forecast_sees_what_was_recorded(chain: Service) -> None:
    ask(chain, units=2)
    collect_requests(chain, run_id=1)
    products = pd.DataFrame({"sku": ["MAR-navy-M", "MAR-red-M"], "style_id": "MAR", "size": "M"})
    found = weekly_requests(
        chain.facts.snapshot(),
        products,
        pd.DataFrame({"store_id": ["PHX"], "sku": ["MAR-red-M"]}),
        first_week=date(2026, 5, 31),
        as_of=TODAY,
        week_starts_on=Weekday.SUNDAY,
    )
    assert found[["store", "sku", "units"]].to_numpy().tolist() == [["PHX", "MAR-red-M", 2.0]]


def test_a_night_killed_before_publication_loses_and_doubles_nothing(
    chain: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(chain)

    def dies(*_arguments: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FactsStore, "publish", dies)
        with pytest.raises(KeyboardInterrupt):
            collect_requests(chain, run_id=1)
    assert facts(chain) == []
    collect_requests(chain, run_id=1)
    assert facts(chain) == [ASKED]


def test_facts_from_before_there_were_requests_of_our_own_are_taken_along(
    chain: Service, tmp_path: Path
) -> None:
    load_feed(chain, tmp_path)
    stored = DeltaTable(table_uri(chain.facts.uri, "requests")).to_pyarrow_table()
    old = stored.drop_columns(["request_id"])
    from deltalake import write_deltalake

    write_deltalake(
        table_uri(chain.facts.uri, "requests"), old, mode="overwrite", schema_mode="overwrite",
        partition_by=[REQUESTS.partition],
    )  # fmt: skip
    with chain.database.write() as records:
        run = records.get_one(Run, 1)
        chain.facts.publish(records, run, {"requests": chain.facts.version("requests")})
    ask(chain)

    assert collect_requests(chain, run_id=1).added == 1
    assert len(facts(chain)) == 3
    load_feed(chain, tmp_path)
    assert len(facts(chain)) == 3


def count(service: Service, day: date, **on_hand: int) -> None:
    """A whole count of Phoenix, by sku, beside which Seattle always has one of everything."""
    rows = [("PHX", "other", 7), *(("PHX", f"MAR-{sku.replace('_', '-')}", n) for sku, n in on_hand.items())]
    rows += [("SEA", f"MAR-{color}-{size}", 1) for color in ("navy", "red") for size in ("M", "L")]
    stock = pd.DataFrame(rows, columns=["store_id", "sku", "on_hand"])
    keep_newest_stock(service, stock.assign(in_transit=0, counted_on=pd.Timestamp(day)))


def shelf(service: Service) -> dict[tuple[str, str], int]:
    with service.database.read() as records:
        return {(row.store_id, row.sku): row.on_hand for row in records.scalars(select(NewestStock))}


def test_the_newest_counts_are_kept_and_only_what_differs_is_written(chain: Service) -> None:
    count(chain, date(2026, 6, 5), navy_M=2, red_M=1)
    assert shelf(chain)["PHX", "MAR-navy-M"] == 2
    stock = pd.DataFrame(
        {
            "store_id": ["PHX", "PHX", "PHX"],
            "sku": ["MAR-navy-M", "MAR-red-M", "MAR-red-L"],
            "on_hand": [2, 0, 5],
        }
    ).assign(in_transit=0, counted_on=pd.Timestamp(2026, 6, 6))

    # In Phoenix two are gone and one is new, in Seattle four are gone; two stores' days have changed.
    assert keep_newest_stock(chain, stock) == 2 + 1 + 4 + 2
    assert shelf(chain) == {("PHX", "MAR-navy-M"): 2, ("PHX", "MAR-red-L"): 5}
    with chain.database.read() as records:
        counts = records.execute(select(NewestCount.store_id, NewestCount.counted_on)).all()
    assert [tuple(row) for row in counts] == [("PHX", date(2026, 6, 6))]
    assert keep_newest_stock(chain, stock) == 0


def test_a_chain_that_counts_no_stock_keeps_none(chain: Service) -> None:
    count(chain, TODAY, navy_M=1)
    nothing = pd.DataFrame(
        {
            "store_id": pd.Series(dtype="str"),
            "sku": pd.Series(dtype="str"),
            "on_hand": pd.Series(dtype="int64"),
            "counted_on": pd.Series(dtype="datetime64[us]"),
        }
    )
    keep_newest_stock(chain, nothing)
    assert shelf(chain) == {}


def wait_for(service: Service, *, gone_on: date | None, email: str = "ann@example.com", **how: Any) -> int:
    request_id = ask(service, **how)
    change(service, request_id, "leave_contact", email, consent=True, now=NOON, today=TODAY, gone_on=gone_on)
    return request_id


def mails(service: Service) -> list[OutboxMail]:
    with service.database.read() as records:
        return list(records.scalars(select(OutboxMail).order_by(OutboxMail.mail_id)))


def waiting(service: Service) -> list[int]:
    with service.database.read() as records:
        return list(records.scalars(select(RequestContact.request_id).order_by(RequestContact.request_id)))


def test_a_customer_is_written_to_once_when_the_thing_is_back_and_the_address_goes(mailing: Service) -> None:
    wait_for(mailing, gone_on=TODAY)
    count(mailing, TODAY)
    assert tell_arrivals(mailing, TODAY) == 0
    count(mailing, TODAY + timedelta(days=1), red_M=1)
    assert tell_arrivals(mailing, TODAY + timedelta(days=1)) == 1
    assert tell_arrivals(mailing, TODAY + timedelta(days=1)) == 0

    (mail,) = mails(mailing)
    assert (mail.to_address, mail.person_id, mail.state) == ("ann@example.com", None, MailState.PENDING)
    assert mail.subject == "Marlin Trunk, M is back at Phoenix"
    assert "You asked for it there on 7 June 2026." in mail.text
    assert "(602) 555-0101" in mail.html
    assert "deleted" in mail.text
    assert waiting(mailing) == []


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        # On the shelf by the books all along: nothing came back.
        ({0: {"navy_M": 1}, 1: {"navy_M": 1}}, False),
        # The books caught up, then it came.
        ({0: {"navy_M": 1}, 1: {}, 2: {"navy_M": 1}}, True),
        # Another size came.
        ({0: {}, 1: {"navy_L": 4}}, False),
        # The store has not counted since.
        ({0: {}}, False),
    ],
)
def test_only_what_was_gone_can_be_back(
    mailing: Service, counts: dict[int, dict[str, int]], told: bool
) -> None:
    wait_for(mailing, gone_on=None)
    for days, on_hand in counts.items():
        count(mailing, TODAY + timedelta(days=days), **on_hand)
        tell_arrivals(mailing, TODAY + timedelta(days=days))
    assert len(mails(mailing)) == told
    assert waiting(mailing) == ([] if told else [1])


def test_a_sku_in_a_colour_is_not_back_with_another_colour(mailing: Service) -> None:
    wait_for(mailing, gone_on=TODAY, wanted=Wanted(sku="MAR-red-M"))
    count(mailing, TODAY + timedelta(days=1), navy_M=3)
    assert tell_arrivals(mailing, TODAY) == 0
    count(mailing, TODAY + timedelta(days=2), red_M=3)
    assert tell_arrivals(mailing, TODAY) == 1


def test_where_fewer_came_than_people_wait_those_who_asked_first_are_told_first(mailing: Service) -> None:
    wait_for(mailing, gone_on=TODAY, email="late@example.com", at=NOON + timedelta(hours=2))
    wait_for(mailing, gone_on=TODAY, email="early@example.com", at=NOON)
    count(mailing, TODAY + timedelta(days=1), navy_M=1)
    assert tell_arrivals(mailing, TODAY + timedelta(days=1)) == 1
    assert [mail.to_address for mail in mails(mailing)] == ["early@example.com"]
    # A night later the piece is still there: nobody came for it.
    count(mailing, TODAY + timedelta(days=2), navy_M=1)
    assert tell_arrivals(mailing, TODAY + timedelta(days=2)) == 1
    assert waiting(mailing) == []


def test_a_piece_held_for_somebody_is_not_back_for_others(mailing: Service) -> None:
    wait_for(mailing, gone_on=TODAY)
    change(mailing, ask(mailing, store="SEA"), "settle", RequestOutcome.HOLD, NOON, holding_store_id="PHX")
    count(mailing, TODAY + timedelta(days=1), navy_M=1)
    assert tell_arrivals(mailing, TODAY) == 0
    count(mailing, TODAY + timedelta(days=2), navy_M=2)
    assert tell_arrivals(mailing, TODAY) == 1


def test_without_a_mail_server_addresses_wait_until_their_days_are_over(chain: Service) -> None:
    wait_for(chain, gone_on=TODAY)
    count(chain, TODAY + timedelta(days=1), navy_M=1)
    assert tell_arrivals(chain, TODAY) == 0
    assert mails(chain) == []
    assert waiting(chain) == [1]


def test_addresses_are_deleted_after_their_days(chain: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    wait_for(chain, gone_on=TODAY)
    for days, left in ((59, [1]), (60, [])):
        monkeypatch.setenv("INSEASON_TODAY", (TODAY + timedelta(days=days)).isoformat())
        settings = load_settings()
        later = Service(settings, type(chain.clock)(settings), chain.database, chain.facts)
        assert forget_contacts(later) == (not left)
        assert waiting(chain) == left
    assert CONTACT_LASTS.days == 60


def test_the_address_on_a_notice_that_never_left_is_deleted_too(
    mailing: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for(mailing, gone_on=TODAY)
    count(mailing, TODAY + timedelta(days=1), navy_M=1)
    tell_arrivals(mailing, TODAY)
    assert forget_contacts(mailing) == 0
    with mailing.database.write() as records:
        mail = records.scalars(select(OutboxMail)).one()
        mail.created_at -= timedelta(days=3)
    assert forget_contacts(mailing) == 1
    assert [mail.to_address for mail in mails(mailing)] == [""]


def test_whoever_leaves_an_address_again_is_written_to_again(mailing: Service) -> None:
    asked = wait_for(mailing, gone_on=TODAY)
    count(mailing, TODAY + timedelta(days=1), navy_M=1)
    tell_arrivals(mailing, TODAY)
    again = {"consent": True, "now": NOON + timedelta(days=3), "today": TODAY, "gone_on": None}
    change(mailing, asked, "leave_contact", "ann@example.com", **again)
    count(mailing, TODAY + timedelta(days=3))
    tell_arrivals(mailing, TODAY)
    count(mailing, TODAY + timedelta(days=4), navy_M=1)
    assert tell_arrivals(mailing, TODAY) == 1


def test_no_address_is_ever_logged(mailing: Service, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        wait_for(mailing, gone_on=TODAY)
        count(mailing, TODAY + timedelta(days=1), navy_M=1)
        collect_requests(mailing, run_id=1)
        tell_arrivals(mailing, TODAY)
        forget_contacts(mailing)
    assert "ann@example.com" not in caplog.text
    assert "email" not in {column for column, _ in REQUESTS.columns}


@dataclass
class Tonight:
    """As much of a night as the step asks for."""

    service: Service
    stock: pd.DataFrame
    is_newest: bool = True
    business_date: date = TODAY

    @property
    def outlook(self) -> Any:
        return SimpleNamespace(counted=self.stock)


def test_the_step_of_a_night_keeps_the_counts_tells_and_forgets(mailing: Service) -> None:
    wait_for(mailing, gone_on=TODAY - timedelta(days=2))
    stock = pd.DataFrame({"store_id": ["PHX"], "sku": ["MAR-red-M"], "on_hand": [1]})
    stock = stock.assign(in_transit=0, counted_on=pd.Timestamp(TODAY))

    earlier = look_after_requests(Tonight(mailing, stock, is_newest=False))
    assert (earlier, shelf(mailing)) == ((0, "left as a later night set them"), {})
    told, outcome = look_after_requests(Tonight(mailing, stock))
    assert (told, outcome) == (1, "1 customer told that a thing is back, 0 addresses deleted")
    assert shelf(mailing) == {("PHX", "MAR-red-M"): 1}
