"""Fills a database with the records of a large chain, for whoever measures or tries out pages on many rows.

Usage: python -m benchmarks.web_world sqlite:////tmp/large.db [--alerts 100000] [--stores 300] [--skus 1000]

The database must have its tables and no rows. Everything is drawn from one seed. Three alerts in five are of
this season, two in five of those are open; exits and floor-sets are gathered under an alert of their zone.
Each live alert of a store has two offers, every alert two events of its history. Drawings are kept for the
worst open alerts only (`charts`): the time of a page does not depend on how many there are, and a hundred
thousand of them are two gigabytes. People: one admin, a merchandiser for every two categories, a manager for
every store; they all log in with `PASSWORD`.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import islice, product
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import insert

from benchmarks._web_plans import gap_weeks, plan_sheets
from data.database import Database
from data.passwords import hash_password
from data.records import (
    Alert,
    AlertAction,
    AlertChart,
    AlertEvent,
    Condition,
    Consignment,
    ConsignmentLine,
    CustomerRequest,
    Decision,
    DecisionEvent,
    DecisionState,
    GapWeek,
    Happening,
    How,
    MailState,
    NewestCount,
    NewestStock,
    OutboxMail,
    Person,
    PersonCategory,
    PersonStore,
    PlanSheet,
    Product,
    RequestOutcome,
    Role,
    Run,
    RunKind,
    RunState,
    RunStep,
    Scope,
    Severity,
    Status,
    Store,
    StoreEffort,
    StoreKind,
)
from forecaster.codes import (
    BROKEN_SIZE_RUN,
    EXIT_BEFORE_DEMAND_ENDS,
    EXTEND_EXIT,
    FLOOR_SET_AFTER_DEMAND_STARTS,
    REORDER,
    STOCKOUT_IN_SEASON,
    TRANSFER,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from data.records import Record

    Row = dict[str, Any]

T = TypeVar("T")

PASSWORD: Final = "a long walk to the sea"  # noqa: S105  # of people who do not exist
NIGHT: Final = date(2026, 6, 13)
NOW: Final = datetime(2026, 6, 14, 6, 30, tzinfo=UTC)
ADMIN: Final = "admin@large.example"
_SEED: Final = 20260614
_BATCH: Final = 5_000
_ZONES: Final = ("hot", "warm", "mild", "cool", "cold")
_CITIES: Final = 30
_SIZES: Final = ("XS", "S", "M", "L", "XL", "XXL")
_SEASONS: Final = ("SS26@2026", "FW25@2026", "SS25@2025", "FW24@2025")
_NAMES: Final = ("Marlin", "Tide", "Reef", "Harbor", "Summit", "Aspen", "Canyon", "Delta", "Ember", "Fjord")
_KINDS: Final = (
    "Swim trunks", "Board shorts", "Snow boots", "Parkas", "Rain jackets", "Sandals", "Sun dresses",
    "Sweaters", "Hoodies", "Beanies", "Gloves", "Polo shirts", "Bikinis", "Rash guards", "Fleece",
    "Down vests", "Linen shirts", "Chinos", "Leggings", "Umbrellas",
)  # fmt: skip
_CALENDAR: Final = (EXIT_BEFORE_DEMAND_ENDS, FLOOR_SET_AFTER_DEMAND_STARTS)
_RULES: Final = (*_CALENDAR, STOCKOUT_IN_SEASON, BROKEN_SIZE_RUN)
_NOW_STATUSES: Final = {
    Status.OPEN: 40, Status.ACKNOWLEDGED: 10, Status.SNOOZED: 8, Status.PENDING: 5, Status.RESOLVED: 30,
    Status.DISMISSED: 5, Status.EXPIRED: 2,
}  # fmt: skip
_PAST_STATUSES: Final = {Status.RESOLVED: 60, Status.EXPIRED: 35, Status.DISMISSED: 5}
_LIVE: Final = (Status.PENDING, Status.OPEN, Status.ACKNOWLEDGED, Status.SNOOZED)
_OPEN_STATES: Final = (
    DecisionState.REQUESTED, DecisionState.APPROVED, DecisionState.ACCEPTED, DecisionState.SHIPPED,
)  # fmt: skip
_NIGHTS: Final = 400


@dataclass(frozen=True)
class Filled:
    """Who and what is there, for whoever opens pages."""

    stores: Sequence[str]
    skus: Sequence[str]
    admin: str
    merchandiser: str
    manager: str


@dataclass
class _World:
    """What is drawn so far."""

    dice: random.Random
    stores: list[Row]
    products: list[Row]

    @cached_property
    def doors(self) -> list[str]:
        """Stores that customers walk into."""
        return [store["store_id"] for store in self.stores if store["kind"] is StoreKind.STORE]

    @cached_property
    def styles(self) -> list[list[Row]]:
        """The skus of each style."""
        gathered: dict[str, list[Row]] = {}
        for sku in self.products:
            gathered.setdefault(sku["style_id"], []).append(sku)
        return list(gathered.values())


def fill(
    database: Database,
    *,
    alerts: int = 100_000,
    stores: int = 300,
    skus: int = 1_000,
    charts: int = 2_000,
    requests: int = 20_000,
    decisions: int = 5_000,
) -> Filled:
    """Write the records of a chain into an empty database.

    Args:
        database: with its tables made.
        alerts: of stores; those of zones come on top.
        stores: of the chain, two distribution centres among them.
        skus: that all stores stock: stores x skus rows of newest stock.
        charts: drawings of the worst open alerts.
        requests: of customers.
        decisions: one in five still waits for somebody.
    """
    dice = random.Random(_SEED)  # noqa: S311  # the same chain every time
    world = _World(dice, list(_stores(dice, stores)), list(_products(dice, skus)))
    write = _Writer(database)
    write.rows(Store, world.stores)
    write.rows(Product, world.products)
    write.rows(NewestCount, ({"store_id": s["store_id"], "counted_on": NIGHT} for s in world.stores))
    write.rows(NewestStock, _stock(world))
    _people(write, world)
    worst = _alerts(write, world, alerts, charts)
    _decisions(write, world, worst, decisions)
    write.rows(CustomerRequest, _requests(world, requests))
    _runs(write)
    write.rows(StoreEffort, _effort(world))
    write.rows(GapWeek, gap_weeks(_KINDS, _ZONES, NIGHT))
    write.rows(PlanSheet, plan_sheets(_KINDS, _ZONES, NIGHT))
    write.rows(OutboxMail, _mails(world))
    return Filled(
        stores=[store["store_id"] for store in world.stores],
        skus=[sku["sku"] for sku in world.products],
        admin=ADMIN,
        merchandiser="merchandiser.0@large.example",
        manager="manager.0@large.example",
    )


@dataclass(frozen=True)
class _Writer:
    database: Database

    def rows(self, record: type[Record], rows: Iterable[Row]) -> None:
        """Insert rows, so many in a transaction."""
        for batch in _batches(rows):
            with self.database.write() as session:
                session.execute(insert(record), list(batch))


def _batches(things: Iterable[T]) -> Iterator[tuple[T, ...]]:
    rest = iter(things)
    while batch := tuple(islice(rest, _BATCH)):
        yield batch


def _stores(dice: random.Random, number: int) -> Iterator[Row]:
    cities = [(dice.uniform(29, 47), dice.uniform(-122, -72)) for _ in range(_CITIES)]
    for n in range(number):
        latitude, longitude = cities[n % _CITIES]
        kind = StoreKind.DC if n >= number - 2 else StoreKind.STORE
        yield {
            "store_id": f"S{n:03}",
            "name": f"City {n % _CITIES:02}, Street {n // _CITIES + 1}",
            "kind": kind,
            "latitude": latitude + dice.gauss(0, 0.2),
            "longitude": longitude + dice.gauss(0, 0.2),
            "timezone": "America/New_York",
            "climate_zone": _ZONES[n % _CITIES % len(_ZONES)],
            "phone": f"+1 555 01{n:03}",
        }


def _products(dice: random.Random, number: int) -> Iterator[Row]:
    for n in range(number):
        style = n // len(_SIZES)
        kind = _KINDS[style % len(_KINDS)]
        yield {
            "sku": f"ST{style:04}-{_SIZES[n % len(_SIZES)]}",
            "style_id": f"ST{style:04}",
            "style_name": f"{_NAMES[style % len(_NAMES)]} {kind} {style // len(_KINDS) + 1}",
            "category": kind,
            "department": "Clothing",
            "gender_age": dice.choice(("men", "women")),
            "size": _SIZES[n % len(_SIZES)],
            "color": dice.choice(("navy", "red", "black")),
            "regular_price": Decimal(dice.randrange(1900, 9900)) / 100,
            "unit_cost": Decimal(dice.randrange(700, 1800)) / 100,
        }


def _stock(world: _World) -> Iterator[Row]:
    for sku, store in product(world.products, world.stores):
        yield {
            "sku": sku["sku"],
            "store_id": store["store_id"],
            "on_hand": world.dice.choice((1, 1, 2, 3, 6)),
        }


def _people(write: _Writer, world: _World) -> None:
    # One hash for all: to make a thousand takes minutes, to check one as long as ever.
    secret = hash_password(PASSWORD)
    managers = [(f"manager.{n}@large.example", Role.STORE_MANAGER) for n in range(len(world.doors))]
    buyers = [(f"merchandiser.{n}@large.example", Role.MERCHANDISER) for n in range(len(_KINDS) // 2)]
    people = [
        {
            "person_id": n,
            "email": email,
            "name": email.partition("@")[0].replace(".", " ").capitalize(),
            "role": role,
            "password_hash": secret,
            "created_at": NOW,
            "version": 1,
        }
        for n, (email, role) in enumerate([*managers, *buyers, (ADMIN, Role.ADMIN)], start=1)
    ]
    write.rows(Person, people)
    own = [{"person_id": n, "store_id": store} for n, store in enumerate(world.doors, start=1)]
    write.rows(PersonStore, own)
    first = len(managers) + 1
    categories = [{"person_id": first + n // 2, "category": kind} for n, kind in enumerate(_KINDS)]
    write.rows(PersonCategory, categories)


def _alerts(write: _Writer, world: _World, number: int, charts: int) -> list[Row]:
    """Alerts of zones and stores with their history, offers and drawings; the worst open ones of stores."""
    zones, parents = _zone_alerts(world)
    write.rows(Alert, zones)
    write.rows(AlertEvent, _history(zones))
    worst: list[Row] = []
    places = list(product(_SEASONS, _RULES, range(len(world.doors)), range(len(world.styles))))
    this_season = [place for place in places if place[0] == _SEASONS[0]]
    before = places[len(this_season) :]
    now = min(number * 3 // 5, len(this_season))
    chosen = [*world.dice.sample(this_season, now), *world.dice.sample(before, number - now)]
    for batch in _batches(enumerate(chosen, start=len(zones) + 1)):
        rows = [_store_alert(world, alert_id, place, parents) for alert_id, place in batch]
        write.rows(Alert, rows)
        write.rows(AlertEvent, _history(rows))
        write.rows(AlertAction, _offers(world, rows))
        worst = _worst([*worst, *(row for row in rows if row["status"] is Status.OPEN)], charts)
    write.rows(AlertChart, (_chart(row["alert_id"]) for row in [*zones[:100], *worst]))
    return worst


def _worst(rows: Sequence[Row], most: int) -> list[Row]:
    return sorted(rows, key=lambda row: -row["money_lost"])[: max(most, 100)]


def _zone_alerts(world: _World) -> tuple[list[Row], dict[tuple[str, ...], int]]:
    rows: list[Row] = []
    parents: dict[tuple[str, ...], int] = {}
    keys = product(_SEASONS, _CALENDAR, _ZONES, _KINDS)
    for alert_id, (season, rule, zone, kind) in enumerate(keys, start=1):
        status = Status.OPEN if season == _SEASONS[0] else Status.EXPIRED
        units = world.dice.uniform(200, 4000)
        rows.append(
            _alert(world.dice, alert_id, rule, season, kind, status, units)
            | {
                "scope": Scope.ZONE,
                "fingerprint": f"{rule}|zone:{zone}|{kind}|{season}",
                "climate_zone": zone,
                "details": _details(world.dice, kind, units, []),
            }
        )
        parents[season, rule, zone, kind] = alert_id
    return rows, parents


def _store_alert(
    world: _World, alert_id: int, place: tuple[str, str, int, int], parents: dict[tuple[str, ...], int]
) -> Row:
    season, rule, store, style = place
    dice, shop, skus = world.dice, world.stores[store], world.styles[style]
    weights = _NOW_STATUSES if season == _SEASONS[0] else _PAST_STATUSES
    status = dice.choices(list(weights), list(weights.values()))[0]
    units = dice.lognormvariate(2.5, 0.9)
    kind = skus[0]["category"]
    return _alert(dice, alert_id, rule, season, kind, status, units) | {
        "scope": Scope.STORE,
        "fingerprint": f"{rule}|{shop['store_id']}|{skus[0]['style_id']}|{season}",
        "parent_id": parents.get((season, rule, shop["climate_zone"], kind)),
        "store_id": shop["store_id"],
        "climate_zone": shop["climate_zone"],
        "style_id": skus[0]["style_id"],
        "details": _details(dice, skus[0]["style_name"], units, skus),
    }


def _alert(
    dice: random.Random, alert_id: int, rule: str, season: str, kind: str, status: Status, units: float
) -> Row:
    closed = status not in _LIVE
    return {
        "alert_id": alert_id,
        "rule": rule,
        "parent_id": None,
        "store_id": None,
        "style_id": "",
        "season_code": season,
        "category": kind,
        "condition": Condition.CLEAR if closed else Condition.FIRING,
        "status": status,
        "severity": dice.choice(list(Severity)),
        "units_lost": units,
        "customers_lost": units * 0.9,
        "customers_this_week": 0.0 if closed else units * dice.choice((0.0, 0.05, 0.1)),
        "recoverable_units": units * 0.4,
        "reorderable_units": units * 0.3,
        "next_buy_units": units * 0.3,
        "money_lost": Decimal(round(units * dice.uniform(19, 99), 2)).quantize(Decimal("0.01")),
        "act_by": NIGHT + timedelta(days=dice.randrange(1, 40)),
        "demand_ends": date(2026, 9, 12),
        "season_ends": date(2026, 9, 12),
        "evidence": dice.choice(("observed", "borrowed", "requested")),
        "drivers": {},
        "first_fired_on": NIGHT - timedelta(days=9),
        "evaluated_on": NIGHT,
        "fired_nights": 9,
        "clear_nights": 0,
        "opened_on": None if status is Status.PENDING else NIGHT - timedelta(days=8),
        "opened_at": None if status is Status.PENDING else NOW - timedelta(days=8),
        "closed_on": NIGHT if closed else None,
        "closed_at": NOW if closed else None,
        "version": 1,
    }


def _details(dice: random.Random, name: str, units: float, skus: Sequence[Row]) -> Row:
    share = units / max(len(skus), 1)
    sizes = [
        {
            "sku": sku["sku"],
            "size": sku["size"],
            "color": sku["color"],
            "demand": round(share * 1.3, 2),
            "on_hand": dice.choice((0, 0, 1, 2)),
            "in_transit": 0,
            "lost": round(share, 2),
        }
        for sku in skus
    ]
    return {
        "style_name": name,
        "on_hand": sum(size["on_hand"] for size in sizes),
        "in_transit": 0,
        "demand_units": round(units * 1.3, 2),
        "before_units": 0.0,
        "in_season_units": round(units, 2),
        "after_units": 0.0,
        "floor_set": "2026-02-15",
        "exit": "2026-07-05",
        "first_week": "2026-06-14",
        "horizon_ends": "2026-09-12",
        "reason": "",
        "sizes": sizes,
        "figures": {} if skus else {"stores": 60, "styles": 8},
        "effort": {"stores": 2.3, "miles": 8.1, "found": 0.9},
    }


def _history(rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        common = {
            "alert_id": row["alert_id"],
            "who": "",
            "how": How.NIGHT,
            "to_condition": Condition.FIRING,
        }
        yield common | {
            "at": NOW - timedelta(days=9),
            "what": Happening.FIRES,
            "from_status": None,
            "to_status": Status.PENDING,
            "from_condition": None,
            "reason": "found",
        }
        yield common | {
            "at": NOW - timedelta(days=8),
            "what": Happening.FIRES,
            "from_status": Status.PENDING,
            "to_status": row["status"],
            "from_condition": Condition.FIRING,
            "reason": "found 2 nights in a row",
        }


def _offers(world: _World, rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        if row["status"] not in _LIVE:
            continue
        lines = [
            {
                "from_store": world.dice.choice(world.doors),
                "to_store": row["store_id"],
                "sku": size["sku"],
                "units": 2,
                "miles": 12.0,
            }
            for size in row["details"]["sizes"][:3]
        ]
        second = EXTEND_EXIT if row["rule"] in _CALENDAR else REORDER
        for rank, (kind, details) in enumerate(
            ((TRANSFER, {"lines": lines}), (second, {"until": "2026-08-31"})), 1
        ):
            yield {
                "alert_id": row["alert_id"],
                "rank": rank,
                "kind": kind,
                "units": 6.0,
                "cost": Decimal(12),
                "benefit": Decimal(140),
                "act_by": row["act_by"],
                "details": details,
                "evaluated_on": NIGHT,
            }


def _chart(alert_id: int) -> Row:
    """A drawing of the usual size with marks of its weeks, without the minutes that real ones take."""
    mark = '<path aria-label="Week of 14 June 2026: sold 3, demand 8 (4 to 13)" d="M0,0h7v270h-7Z"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="733" height="449">{mark * 180}</svg>'
    table = [
        {
            "week": f"2026-{n % 12 + 1:02}-01",
            "sales": 3.0,
            "stock": 12.0,
            "mean": 8.0,
            "p10": 4.0,
            "p90": 13.0,
        }
        for n in range(82)
    ]
    return {"alert_id": alert_id, "business_date": NIGHT, "svg": svg, "table": table}


def _decisions(write: _Writer, world: _World, alerts: Sequence[Row], number: int) -> None:
    """Transfers about the worst alerts: one in five is under way, at most one about each alert."""
    rows, parts, lines, events = [], [], [], []
    for n in range(1, number + 1):
        alert = alerts[n % len(alerts)]
        under_way = n % 5 == 0 and n < len(alerts)
        state = world.dice.choice(_OPEN_STATES) if under_way else DecisionState.RECEIVED
        at = NOW - timedelta(hours=n % 900)
        rows.append(
            {
                "decision_id": n,
                "alert_id": alert["alert_id"],
                "kind": TRANSFER,
                "state": state,
                "store_id": alert["store_id"],
                "climate_zone": alert["climate_zone"],
                "category": alert["category"],
                "style_id": alert["style_id"],
                "style_name": alert["details"]["style_name"],
                "season_code": alert["season_code"],
                "units": 6.0,
                "cost": Decimal(12),
                "benefit": Decimal(140),
                "act_by": NIGHT + timedelta(days=n % 30),
                "details": {},
                "offered_on": NIGHT - timedelta(days=3),
                "requested_by": ADMIN,
                "requested_at": at,
                "changed_at": at,
                "version": 1,
            }
        )
        parts.append(
            {
                "consignment_id": n,
                "decision_id": n,
                "from_store": world.dice.choice(world.doors),
                "to_store": alert["store_id"],
                "state": state,
                "ships_by": NIGHT + timedelta(days=5),
                "arrives_on": NIGHT + timedelta(days=8),
                "miles": 12.0,
            }
        )
        lines += [
            {"consignment_id": n, "sku": size["sku"], "units": 2} for size in alert["details"]["sizes"][:3]
        ]
        events.append(
            {
                "decision_id": n,
                "consignment_id": None,
                "stroke": 1,
                "at": at,
                "who": ADMIN,
                "how": "web",
                "act": "request",
                "from_state": None,
                "to_state": state,
                "reason": "",
            }
        )
    for record, made in (
        (Decision, rows), (Consignment, parts), (ConsignmentLine, lines), (DecisionEvent, events),
    ):  # fmt: skip
        write.rows(record, made)


def _requests(world: _World, number: int) -> Iterator[Row]:
    for n in range(number):
        sku = world.dice.choice(world.products)
        held = n % 20 == 0
        at = NOW - timedelta(hours=n % 2000)
        yield {
            "asked_at": at,
            "store_id": world.doors[n % len(world.doors)],
            "person_id": n % len(world.doors) + 1,
            "sku": sku["sku"] if n % 2 else None,
            "style_id": None if n % 2 else sku["style_id"],
            "size": None if n % 2 else sku["size"],
            "outcome": RequestOutcome.HOLD if held else RequestOutcome.NONE,
            "outcome_at": at if held else None,
            "holding_store_id": world.dice.choice(world.doors) if held else None,
            "form_key": f"large-{n}",
        }


def _runs(write: _Writer) -> None:
    names = ("ingest", "panel", "forecast", "gap", "alerts", "outcomes", "requests", "digest", "mail")
    runs, steps = [], []
    for n in range(1, _NIGHTS + 1):
        started = NOW - timedelta(days=_NIGHTS - n)
        runs.append(
            {
                "run_id": n,
                "kind": RunKind.NIGHT,
                "business_date": NIGHT - timedelta(days=_NIGHTS - n),
                "state": RunState.SUCCEEDED,
                "started_at": started,
                "finished_at": started + timedelta(minutes=12),
                "summary": "40 opened, 900 again, 30 resolved, 0 expired, 0 frozen",
            }
        )
        steps += [
            {
                "run_id": n,
                "position": position,
                "name": name,
                "state": RunState.SUCCEEDED,
                "started_at": started,
                "finished_at": started + timedelta(minutes=1),
                "rows": 1200,
                "outcome": "done",
            }
            for position, name in enumerate(names)
        ]
    write.rows(Run, runs)
    write.rows(RunStep, steps)


def _effort(world: _World) -> Iterator[Row]:
    nights = islice((NIGHT - timedelta(days=n) for n in range(90)), 90)
    for night, store in product(nights, ["", *world.doors]):
        yield {
            "business_date": night,
            "store_id": store,
            "need": "",
            "stores_visited": world.dice.uniform(1.2, 3.5),
            "miles": world.dice.uniform(1, 20),
            "found": 0.92,
            "units": 400.0,
        }


def _mails(world: _World) -> Iterator[Row]:
    for person, days in product(range(1, len(world.doors) + 1), range(30)):
        night = NIGHT - timedelta(days=days)
        at = NOW - timedelta(days=days)
        yield {
            "person_id": person,
            "business_date": night,
            "kind": "digest",
            "dedup_key": f"{night}.{person}",
            "to_address": f"manager.{person - 1}@large.example",
            "subject": "3 new, 38 units at risk",
            "text": "Swim trunks will leave the floor",
            "html": "<p>Swim trunks will leave the floor</p>",
            "message_id": f"<{night}.{person}@large.example>",
            "state": MailState.SENT,
            "created_at": at,
            "due_at": at,
            "sent_at": at,
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill the database of an address."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.web_world", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("url", help="SQLAlchemy address of a database with tables and no rows")
    parser.add_argument("--alerts", type=int, default=100_000, help="alerts of stores")
    parser.add_argument("--stores", type=int, default=300, help="stores of the chain")
    parser.add_argument("--skus", type=int, default=1_000, help="skus that all of them stock")
    given = parser.parse_args(arguments)
    database = Database(given.url)
    filled = fill(database, alerts=given.alerts, stores=given.stores, skus=given.skus)
    database.dispose()
    print(f"Log in as {filled.admin}, {filled.merchandiser} or {filled.manager} with: {PASSWORD}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
