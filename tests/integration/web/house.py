"""The small retailer with something of every kind, some of it Maya's and Jonas's, some of it others'."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from data import decisions as deciding
from data import proposals as proposing
from data.calendar_versions import note_touches
from data.clock import Clock
from data.records import (
    Alert,
    AlertAction,
    ApiToken,
    CalendarAddress,
    CalendarVersion,
    Consignment,
    CustomerRequest,
    FeedDay,
    ForecastOverride,
    MailState,
    MarkdownStep,
    Measure,
    MissedLoss,
    NewestCount,
    NewestStock,
    Person,
    PersonStore,
    PolicyVersion,
    Product,
    Proposal,
    Role,
    Run,
    RunKind,
    RunRequest,
    RunState,
    RunStep,
    SellingWindow,
    Store,
    Upload,
    Wanted,
)
from data.uploads import Desk, receive
from forecaster.plans import Plan, Stakes
from tests.integration.web.past_world import AVERTED, change_forecast, judge, miss, note, play_again, walk
from tests.integration.web.season_world import FLOOR_SET, TODAY_PLAN, FakeBoards, add_season, gap_weeks
from tests.integration.web.shelves import stock_the_shelves
from tests.integration.web.world import (
    ADMIN,
    MANAGER,
    MERCHANDISER,
    NEIGHBOUR,
    NIGHT,
    NOW,
    TODAY,
    World,
    _hash,
    _mail,
)
from tests.unit.web.making import make_alert

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from data.database import Database
    from data.planning.boards import Boards
    from data.settings import Settings

BAD_CALENDAR = """category,season_code,floor_set,exit
Swim trunks,SS26,2026-02-15,2026-07-12
Swim trunks,SS26,soon,later
"""
COUNT, MOVE, ORDER = "count_shelf", "transfer", "reorder"


@dataclass(frozen=True)
class House:
    """One record of every kind that is Maya's or Jonas's, and one that is not."""

    world: World
    acted_alert: int
    other_acted: int
    own_decision: int
    own_part: int
    own_order: int
    other_decision: int
    other_part: int
    version: int
    own_proposal: int
    own_draft: int
    other_proposal: int
    own_override: int
    other_override: int
    own_address: int
    other_address: int
    own_upload: int
    other_upload: int
    own_import: int
    other_import: int
    run_request: int
    other_token: int
    backtest: int

    @property
    def ids(self) -> dict[str, int]:
        """All of them by name, for an address."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "world"}
        return own | {name: value for name, value in vars(self.world).items() if name != "database"}

    def path(self, pattern: str) -> str:
        """An address with the numbers of its records."""
        return pattern.format(**self.ids)


def build_house(world: World, settings: Settings) -> House:
    """Put something of every kind into the small retailer's records."""
    database = world.database
    stock_the_shelves(database)
    add_season(database)
    _look_back(database)
    with database.write() as records:
        who = {person.email: person for person in records.scalars(select(Person))}
        _calendar(records)
        alerts = _acted_alerts(records)
        _offers(records, *alerts)
        records.flush()
        own, order, other = _decisions(records, *alerts, who)
        proposals = [
            _proposal(records, who[email], category, exit_day)
            for email, category, exit_day in (
                (MERCHANDISER, "Swim trunks", date(2026, 8, 31)),
                (MERCHANDISER, "Swim trunks", date(2026, 8, 9)),
                (ADMIN, "Snow boots", date(2026, 8, 30)),
            )
        ]
        addresses = [_address(records, who[email]) for email in (MERCHANDISER, ADMIN)]
        request = RunRequest.asked(NIGHT, by=ADMIN, reason="Stock came late", now=NOW)
        token, _ = ApiToken.issue(who[NEIGHBOUR], name="Till", scopes=["alerts:read"], days=90, now=NOW)
        records.add_all([request, token])
        records.add(
            PolicyVersion(
                category="Swim trunks",
                number=1,
                thresholds={},
                author=ADMIN,
                reason="a start",
                created_at=NOW,
            )
        )
        _given_up(records, who[MANAGER])
        records.add(FeedDay(feed="sales", store_id="SEA1", newest=NIGHT, is_late=True, business_date=NIGHT))
        records.flush()
        parts = [_part(records, decision) for decision in (own, other)]
        overrides = [
            records.scalars(
                select(ForecastOverride.override_id).where(ForecastOverride.category == name)
            ).one()
            for name in ("Swim trunks", "Snow boots")
        ]
        version = records.scalars(select(CalendarVersion.version_id).order_by(CalendarVersion.version_id))
        first_version = version.first()
        assert first_version
        backtest = records.scalars(select(Run.run_id).where(Run.kind == RunKind.BACKTEST)).one()
    uploads = _uploads(database, settings, who)
    imports = _imports(database, settings)
    return House(
        world, *alerts, own, parts[0], order, other, parts[1], first_version, *proposals, *overrides,
        *addresses, *uploads, *imports, request.request_id, token.token_id, backtest,
    )  # fmt: skip


def _look_back(database: Database) -> None:
    judge(database, 6)
    judge(database, 2, AVERTED, units_recovered=6.0, customers_recovered=5.0)
    judge(database, 1, store_id="SEA1", category="Snow boots")
    miss(database, 2)
    miss(database, 1, store_id="SEA1", category="Snow boots")
    night, before = date(2026, 6, 13), date(2026, 4, 4)
    walk(
        database,
        (before, "", 1.6, 7.0),
        (night, "", 1.3, 4.0),
        (night, "PHX1", 1.2, 3.0),
        (night, "SEA1", 2, 9),
    )
    note(database, 2)
    note(database, 1, category="Snow boots")
    play_again(database, "Swim trunks", "Snow boots")
    for category in ("Swim trunks", "Snow boots"):
        change_forecast(database, category, error_with=0.3, error_without=0.4)


def _calendar(records: Session) -> None:
    for number, leaves in enumerate((date(2026, 7, 5), TODAY_PLAN.exit), 1):
        version = CalendarVersion(
            created_at=NOW + timedelta(hours=number),
            author=MERCHANDISER,
            reason=f"reason {number}",
            windows=[
                SellingWindow(category=category, season_code="SS26", floor_set=FLOOR_SET, exit=leaves)
                for category in ("Swim trunks", "Snow boots")
            ],
            markdown_steps=[
                MarkdownStep(
                    category=category, season_code="SS26", effective_from=cut.day, percent_off=cut.percent_off
                )
                for category in ("Swim trunks", "Snow boots")
                for cut in TODAY_PLAN.markdowns
            ],
        )
        records.add(version)
        records.flush()
        note_touches(records, version.version_id)


def _acted_alerts(records: Session) -> tuple[int, int]:
    """Two alerts about which people act, beside the two that everybody leaves alone."""
    alerts = [
        make_alert(None, style_id="ACTED", money_lost=Decimal(80)),
        make_alert(None, style_id="ACTED", store_id="SEA1", category="Snow boots", money_lost=Decimal(70)),
    ]
    records.add_all(alerts)
    records.flush()
    return alerts[0].alert_id, alerts[1].alert_id


def _offers(records: Session, own: int, other: int) -> None:
    records.add_all(
        Product(sku=f"TIDE-{size}", style_id="TIDE", style_name="Tide", category="Swim trunks", size=size,
                unit_cost=Decimal(11), pack_size=6)
        for size in "SML"
    )  # fmt: skip
    offered = (
        (own, (_move("TUS1", "PHX1"), _order(), (COUNT, {"skus": ["TIDE-M"]}))),
        (other, (_move("TMP1", "SEA1"), (COUNT, {"skus": ["TIDE-M"]}))),
    )
    records.add_all(
        offer(alert_id, rank, kind, details)
        for alert_id, offers in offered
        for rank, (kind, details) in enumerate(offers, 1)
    )


def offer(alert_id: int, rank: int, kind: str, details: dict[str, Any]) -> AlertAction:
    """Something that can still be done about an alert."""
    return AlertAction(
        alert_id=alert_id, rank=rank, kind=kind, units=5.0, cost=Decimal(12), benefit=Decimal(90),
        act_by=date(2026, 6, 18), details=details, evaluated_on=NIGHT,
    )  # fmt: skip


def _move(giver: str, taker: str, sku: str = "TIDE-M") -> tuple[str, dict[str, Any]]:
    line = {"from_store": giver, "to_store": taker, "sku": sku, "units": 3, "miles": 12.0}
    return MOVE, {"wins": 4.0, "lines": [line | {"ships_by": "2026-06-18", "arrives_on": "2026-06-22"}]}


def _order() -> tuple[str, dict[str, Any]]:
    return ORDER, {"sizes": [{"sku": "TIDE-M", "units": 12, "packs": 2, "pack_size": 6}]}


def _decisions(records: Session, own: int, other: int, who: dict[str, Person]) -> tuple[int, int, int]:
    """A transfer that Maya asks for, a reorder that Jonas makes, and a transfer that Noor asks for."""
    asked = ((own, 1, MANAGER), (own, 2, MERCHANDISER), (other, 1, NEIGHBOUR))
    made = [decided(records, alert_id, rank, who[email]) for alert_id, rank, email in asked]
    return made[0], made[1], made[2]


def decided(records: Session, alert_id: int, rank: int, person: Person) -> int:
    """Somebody acts on an alert; gives the decision."""
    alert = records.scalars(
        select(Alert).where(Alert.alert_id == alert_id).options(selectinload(Alert.events))
    ).one()
    return deciding.decide(
        records, alert, rank, by=person, now=NOW, today=TODAY, offered_on=NIGHT
    ).decision_id


def _part(records: Session, decision_id: int) -> int:
    query = select(Consignment.consignment_id).where(Consignment.decision_id == decision_id)
    return records.scalars(query).one()


def _proposal(records: Session, person: Person, category: str, leaves: date) -> int:
    plan = Plan(FLOOR_SET, TODAY_PLAN.markdowns, leaves)
    weighed = proposing.weigh(
        records, cast("Boards", FakeBoards()), category=category, season_code="SS26", zones=("hot",),
        plan=plan, stakes=Stakes(),
    )  # fmt: skip
    made = proposing.propose(
        records, category=category, zones=("hot",), plan=plan, weighed=weighed, by=person, reason="They swim",
        now=NOW,
    )  # fmt: skip
    if leaves.day > 9:
        made.put_forward(person, NOW)
    records.flush()
    return made.proposal_id


def _address(records: Session, person: Person) -> int:
    address, _ = CalendarAddress.made(person, "phone", NOW)
    records.add(address)
    records.flush()
    return address.address_id


def _given_up(records: Session, person: Person) -> None:
    mail = _mail(person)
    mail.dedup_key, mail.message_id, mail.state = "given up", "<lost@example.com>", MailState.DEAD
    mail.given_up_at, mail.last_error = NOW, "The server does not know this address."
    records.add(mail)


def _uploads(database: Database, settings: Settings, who: dict[str, Person]) -> list[int]:
    desk = Desk(database, settings, Clock(settings))
    brought = [
        receive(desk, "calendar", io.BytesIO(BAD_CALENDAR.encode()), "summer.csv", by=who[email])
        for email in (MERCHANDISER, ADMIN)
    ]
    return [each.upload_id for each in brought]


def _imports(database: Database, settings: Settings) -> list[int]:
    """An import of Jonas and one of Ada, each with rows that were not taken."""
    rejects = [settings.var / "rejects" / f"calendar-{email}.csv" for email in (MERCHANDISER, ADMIN)]
    for path in rejects:
        path.write_text("line,reason\n3,This is no day.\n", encoding="utf-8")
    with database.write() as records:
        runs = [
            Run(
                kind=RunKind.IMPORT, feed="calendar", state=RunState.SUCCEEDED, started_at=NOW,
                summary="summer.csv: 1 row loaded, 1 rejected", details={"rejects": path.name, "by": email},
            )
            for path, email in zip(rejects, (MERCHANDISER, ADMIN), strict=True)
        ]  # fmt: skip
        records.add_all(runs)
        records.flush()
        return [run.run_id for run in runs]


def more_of_everything(house: House, numbers: range) -> None:
    """More rows of every kind that a page lists, for the same people; one of each for each number."""
    database = house.world.database
    judge(database, len(numbers))
    judge(database, len(numbers), AVERTED, category="Snow boots", store_id="SEA1", units_recovered=2.0)
    note(database, len(numbers), season_code=f"SS{numbers.start}")
    with database.write() as records:
        who = {person.email: person for person in records.scalars(select(Person))}
        for n in numbers:
            _one_more(records, house, who, n)


def _one_more(records: Session, house: House, who: dict[str, Person], n: int) -> None:
    """One more of each kind that is written row by row."""
    store = Store(
        store_id=f"STORE-{n}", name=f"Store {n}", climate_zone="hot", latitude=33.0 + n, longitude=-112.0
    )
    records.add_all(
        [store, Product(sku=f"MORE-{n}", style_id=f"MORE-{n}", category=f"Category {n}", size="M")]
    )
    records.flush()
    _more_of_the_stores(records, n)
    _more_of_the_trade(records, n)
    _more_of_the_service(records, who, n)
    _more_decided(records, who, n)
    template = records.get_one(Upload, house.own_upload)
    kept = {name: getattr(template, name) for name in ("feed", "sha256", "size", "uploaded_at", "expires_at")}
    records.add_all(
        Upload(file_name=f"{n}.csv", stored_as=f"{n}.csv", person_id=who[email].person_id, basis={},
               rejects=None, preview=template.preview, **kept)
        for email in (MERCHANDISER, ADMIN)
    )  # fmt: skip


def _more_of_the_stores(records: Session, n: int) -> None:
    records.add(FeedDay(feed="sales", store_id=f"STORE-{n}", newest=NIGHT, is_late=True, business_date=NIGHT))
    records.add(NewestStock(sku="MAR-NAV-M", store_id=f"STORE-{n}", on_hand=2))
    records.add(NewestCount(store_id=f"STORE-{n}", counted_on=NIGHT))
    records.add_all(
        MissedLoss(rule="stockout_in_season", store_id=store_id, style_id=f"MORE-{n}", season_code="SS26",
                   category=category, ended_on=date(2026, 5, 30), units=5.0, customers=3.0,
                   money=Decimal(150))
        for store_id, category in (("PHX1", "Swim trunks"), ("SEA1", "Snow boots"))
    )  # fmt: skip
    records.add_all(
        CustomerRequest.asked(
            Wanted(sku=sku), store_id=store_id, person_id=person, units=1, now=NOW, form_key=f"{sku}-{n}"
        )
        for person, (sku, store_id) in enumerate((("SKU-0", "PHX1"), ("SKU-1", "SEA1")), 1)
    )


def _more_of_the_trade(records: Session, n: int) -> None:
    version = CalendarVersion(
        created_at=NOW + timedelta(days=1, hours=n), author=f"p{n}@example.com", reason=f"more {n}",
        windows=[SellingWindow(category="Swim trunks", season_code="SS26", floor_set=FLOOR_SET,
                               exit=TODAY_PLAN.exit, store_id=f"STORE-{m}") for m in range(n)],
        markdown_steps=[],
    )  # fmt: skip
    records.add(version)
    records.flush()
    note_touches(records, version.version_id)
    for category in ("Swim trunks", "Snow boots"):
        made = records.scalars(select(Proposal).where(Proposal.category == category).limit(1)).one()
        copied = ("category", "season_code", "zones", "plan", "today", "figures", "own_dates", "based_on")
        records.add(
            Proposal(**{name: getattr(made, name) for name in (*copied, "weighed_on", "reason", "state")},
                     author=f"p{n}@example.com", created_at=NOW, changed_at=NOW, events=[])
        )  # fmt: skip
        records.add(
            ForecastOverride(
                category=category, store_id=f"STORE-{n}", first_week=date(2026, 5, 3),
                last_week=date(2026, 8, 2),
                measure=Measure.FACTOR, amount=1.2, reason="A fair", author=f"p{n}@example.com", made_at=NOW,
                made_on=date(2026, 5, 1),
            )
        )  # fmt: skip
    records.add_all(gap_weeks(f"Category {n}", ""))
    records.add_all(gap_weeks("Swim trunks", f"zone {n}"))
    records.add(
        PolicyVersion(
            category="Swim trunks", number=n + 2, thresholds={}, author=ADMIN, reason="x", created_at=NOW
        )
    )
    records.add(
        PolicyVersion(
            category=f"Category {n}", number=1, thresholds={}, author=ADMIN, reason="x", created_at=NOW
        )
    )


def _more_of_the_service(records: Session, who: dict[str, Person], n: int) -> None:
    steps = [
        RunStep(position=m, name=f"step {m}", state=RunState.SUCCEEDED, started_at=NOW) for m in range(3)
    ]
    earlier = NIGHT - timedelta(days=n + 1)
    records.add(
        Run(kind=RunKind.NIGHT, business_date=earlier, state=RunState.SUCCEEDED, started_at=NOW, steps=steps)
    )
    records.add(Run(kind=RunKind.IMPORT, feed="calendar", state=RunState.SUCCEEDED, started_at=NOW))
    asked = RunRequest.asked(earlier, by=ADMIN, reason="x", now=NOW)
    records.add(asked)
    records.add(
        Person(email=f"p{n}@example.com", name=f"Person {n}", role=Role.STORE_MANAGER, password_hash=_hash(),
               created_at=NOW, stores=[PersonStore(store_id="PHX1"), PersonStore(store_id=f"STORE-{n}")])
    )  # fmt: skip
    for person in who.values():
        token, _ = ApiToken.issue(person, name=f"Till {n}", scopes=["alerts:read"], days=90, now=NOW)
        mails = [_mail(person), _mail(person)]
        for place, mail in enumerate(mails):
            mail.dedup_key, mail.message_id = (
                f"{n}.{place}.{person.person_id}",
                f"<{n}.{place}.{person.person_id}@x>",
            )
        mails[1].state, mails[1].given_up_at = MailState.DEAD, NOW
        records.add_all([token, *mails])
        if person.role is not Role.STORE_MANAGER:
            _address(records, person)


def _more_decided(records: Session, who: dict[str, Person], n: int) -> None:
    """An alert of each store about which somebody acts; the first alert's history grows as well."""
    for store_id, email, giver in (("PHX1", MANAGER, "TUS1"), ("SEA1", NEIGHBOUR, "TMP1")):
        alerts = [make_alert(None, store_id=store_id, style_id=style) for style in (f"LEFT-{n}", f"MORE-{n}")]
        records.add_all(alerts)
        records.flush()
        records.add(offer(alerts[1].alert_id, 1, *_move(giver, store_id, f"MORE-{n}")))
        records.flush()
        decided(records, alerts[1].alert_id, 1, who[email])
