"""A night's findings become alerts: one per fingerprint, opened, found again, resolved or frozen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from data.records import (
    LIVE,
    Alert,
    AlertEvent,
    Condition,
    DismissReason,
    Finding,
    Scope,
    Severity,
    Status,
    Store,
)
from forecaster.policy import Policies, RulePolicy
from jobs import raising
from jobs.raising import Raised, live_alerts, raise_alerts
from tests.ground.findings import silenced, trunks_leave_early

if TYPE_CHECKING:
    from data.database import Database

NIGHT = date(2026, 6, 6)
STORES = ("PHX-01", "SEA-01")
MAYA = "maya@shop.example"
OUT = {"on_hand": 0, "in_transit": 0}
LATE = "feed_late:feed=stock;last_day=2026-05-20"


def finding(store: str = "PHX-01", style: str = "trunks", **changes: Any) -> Finding:
    named = {"store_id": store, "style_id": style, "details": {"style_name": style}}
    return trunks_leave_early(**(named | changes))


def sold_out(store: str = "PHX-01", style: str = "trunks", **changes: Any) -> Finding:
    """Nothing is left, so it opens at once."""
    named = {"rule": "stockout_in_season", "details": {"style_name": style, **OUT}}
    return finding(store, style, **(named | changes))


def of_the_zone(**changes: Any) -> Finding:
    return finding("", "", **({"scope": Scope.ZONE, "climate_zone": "hot", "units_lost": 90.0} | changes))


def feed_late(**changes: Any) -> Finding:
    named = {"rule": "feed_late", "season_code": "stock", "category": "", "demand_ends": None}
    return finding(style="", **(named | changes))


@pytest.fixture
def chain(database: Database) -> Database:
    """Records that know two stores."""
    with database.write() as session:
        session.add_all(Store(store_id=store, name=store) for store in STORES)
    return database


def night(database: Database, *findings: Finding, days: int = 0, late: str = "", **options: Any) -> Raised:
    """What came of the night so many days after the first, while a store's stock feed is late or none is."""
    on = NIGHT + timedelta(days=days)
    now = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    muted = options.pop("muted", {}) | (silenced(database, findings, late) if late else {})
    return raise_alerts(database, findings, business_date=on, now=now, muted=muted, **options)


def nights(database: Database, first: int, last: int, *findings: Finding) -> None:
    """The same found in every night from one to another."""
    for days in range(first, last + 1):
        night(database, *findings, days=days)


def alerts(database: Database) -> list[Alert]:
    with database.read() as session:
        return list(session.scalars(select(Alert).order_by(Alert.alert_id)))


def the_alert(database: Database) -> Alert:
    [alert] = alerts(database)
    return alert


def history(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(AlertEvent.reason).order_by(AlertEvent.event_id)))


def change(database: Database, what: str, *arguments: Any, days: int = 0, rule: str = "") -> None:
    """Maya does something to the one alert, or to the one of a rule, in the morning after that night."""
    on = NIGHT + timedelta(days=days + 1)
    now = datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
    with database.write() as session:
        query = select(Alert).options(selectinload(Alert.events))
        alert = session.scalars(query.where(Alert.rule == rule) if rule else query).one()
        getattr(alert, what)(MAYA, now, *arguments)


def die_in_batch(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next night dies before it writes that batch."""
    take, batches = raising._take, []

    def dying(*arguments: Any) -> None:
        batches.append(1)
        if len(batches) == number:
            raise KeyboardInterrupt
        take(*arguments)

    monkeypatch.setattr(raising, "_take", dying)


def test_one_night_alone_opens_nothing_but_remembers_all_its_figures(chain: Database) -> None:
    raised = night(chain, finding(), finding("SEA-01"))

    assert (raised.opened, raised.waiting) == (0, 2)
    phoenix, seattle = alerts(chain)
    assert (phoenix.status, phoenix.condition) == (Status.PENDING, Condition.FIRING)
    assert (phoenix.first_fired_on, phoenix.evaluated_on, phoenix.opened_on) == (NIGHT, NIGHT, None)
    assert (phoenix.units_lost, phoenix.money_lost) == (31.5, Decimal("629.37"))
    assert phoenix.details == {"style_name": "trunks"}
    assert seattle.store_id == "SEA-01"
    assert history(chain) == ["found", "found"]


def test_the_second_night_in_a_row_opens_it(chain: Database) -> None:
    night(chain, finding())

    assert night(chain, finding(), days=1).opened == 1

    alert = the_alert(chain)
    assert (alert.status, alert.first_fired_on, alert.opened_on) == (
        Status.OPEN,
        NIGHT,
        NIGHT + timedelta(days=1),
    )
    assert alert.opened_at == datetime(2026, 6, 7, 12, tzinfo=UTC)
    assert history(chain) == ["found", "found 2 nights in a row"]


def test_two_nights_with_one_between_that_did_not_find_it_open_nothing(chain: Database) -> None:
    night(chain, finding())
    night(chain, days=1)

    assert night(chain, finding(), days=2).waiting == 1
    assert the_alert(chain).status is Status.PENDING


def test_what_was_never_confirmed_has_nothing_to_come_back_to(chain: Database) -> None:
    night(chain, finding())
    nights(chain, 1, 2)

    night(chain, finding(), days=3)
    raised = night(chain, finding(), days=4)
    assert (raised.opened, raised.back) == (1, 0)
    assert [alert.status for alert in alerts(chain)] == [Status.RESOLVED, Status.OPEN]


def test_what_is_out_of_stock_already_opens_at_once(chain: Database) -> None:
    held = {"style_name": "sandals", "on_hand": 1, "in_transit": 0}
    night(chain, sold_out(), sold_out(style="sandals", details=held), finding(style="shorts", details=OUT))

    assert [alert.status for alert in alerts(chain)] == [Status.OPEN, Status.PENDING, Status.PENDING]


def test_what_was_never_confirmed_ends_without_anybody_having_been_told(chain: Database) -> None:
    night(chain, finding())
    nights(chain, 1, 2)

    alert = the_alert(chain)
    assert (alert.status, alert.opened_on, alert.opened_at) == (Status.RESOLVED, None, None)


@pytest.mark.parametrize("days", [0, 1])
def test_the_same_night_again_changes_nothing_and_counts_the_same(chain: Database, days: int) -> None:
    nights(chain, 0, days - 1, finding(), finding(style="sandals"))
    found = (finding(), finding(style="sandals"), sold_out())
    first = night(chain, *found, days=days)
    before = [(alert.version, alert.fired_nights) for alert in alerts(chain)]
    told = history(chain)

    assert night(chain, *found, days=days) == first

    assert [(alert.version, alert.fired_nights) for alert in alerts(chain)] == before
    assert history(chain) == told


def test_a_clear_night_done_twice_is_one_clear_night(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    night(chain, days=2)
    night(chain, days=2)

    assert (the_alert(chain).status, the_alert(chain).clear_nights) == (Status.OPEN, 1)


def test_the_next_night_takes_the_new_figures_and_leaves_no_trace_of_sameness(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    before = history(chain)
    changed = finding(
        units_lost=40.0,
        severity=Severity.LOW,
        customers_lost=30.0,
        margin_lost=Decimal("210.00"),
        reorderable_units=12.0,
        next_buy_units=8.0,
    )

    assert night(chain, changed, days=2).again == 1

    alert = the_alert(chain)
    assert (alert.units_lost, alert.severity, alert.customers_lost) == (40.0, Severity.LOW, 30.0)
    assert (alert.margin_lost, alert.winnable_units, alert.next_buy_units) == (Decimal(210), 32.0, 8.0)
    assert (alert.first_fired_on, alert.evaluated_on) == (NIGHT, NIGHT + timedelta(days=2))
    assert history(chain) == before


def test_it_is_resolved_by_the_second_night_that_does_not_find_it(chain: Database) -> None:
    nights(chain, 0, 1, finding(), finding(style="sandals"))

    assert night(chain, finding(style="sandals"), days=2).resolved == 0
    trunks = alerts(chain)[0]
    assert (trunks.status, trunks.condition, trunks.closed_on) == (Status.OPEN, Condition.CLEAR, None)
    assert night(chain, finding(style="sandals"), days=3).resolved == 1
    assert night(chain, finding(style="sandals"), days=3).resolved == 0

    trunks, sandals = alerts(chain)
    assert (trunks.status, trunks.condition) == (Status.RESOLVED, Condition.CLEAR)
    assert (trunks.closed_on, trunks.closed_at) == (
        NIGHT + timedelta(days=3),
        datetime(2026, 6, 9, 12, tzinfo=UTC),
    )
    assert sandals.is_live
    assert history(chain)[-2:] == ["not found", "not found 2 nights in a row"]


def test_one_clear_night_is_enough_once_its_calendar_has_been_changed(chain: Database) -> None:
    nights(chain, 0, 1, finding(), finding(style="sandals", season_code="SS27"), sold_out(style="shorts"))

    told = night(chain, days=2, replanned={("swim trunks", "SS26")})

    assert told.resolved == 1
    states = {alert.style_id: alert.status for alert in alerts(chain)}
    assert states == {"trunks": Status.RESOLVED, "sandals": Status.OPEN, "shorts": Status.OPEN}
    assert "not found with the dates that its calendar has now" in history(chain)


def test_what_somebody_has_taken_on_is_resolved_too_when_it_is_gone(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    change(chain, "acknowledge", days=1)
    nights(chain, 2, 3)

    assert the_alert(chain).status is Status.RESOLVED


def test_a_weak_finding_keeps_what_is_open_and_opens_nothing(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    night(chain, finding(weak=True, units_lost=2.2), finding(style="new", weak=True), days=2)

    alert = the_alert(chain)
    assert (alert.status, alert.condition, alert.units_lost) == (Status.OPEN, Condition.FIRING, 2.2)


@pytest.mark.parametrize("over", [False, True])
def test_a_weak_finding_neither_confirms_nor_brings_back(chain: Database, *, over: bool) -> None:
    nights(chain, 0, 1 if over else 0, finding())
    if over:
        nights(chain, 2, 3)
    nights(chain, 4, 6, finding(weak=True))

    assert the_alert(chain).status is Status.RESOLVED


def test_a_problem_that_comes_back_within_a_fortnight_opens_the_same_alert_again(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    nights(chain, 2, 3)

    assert night(chain, finding(units_lost=50.0), days=17).back == 0
    assert (the_alert(chain).status, the_alert(chain).units_lost) == (Status.RESOLVED, 31.5)
    assert night(chain, finding(units_lost=50.0), days=18).back == 1

    alert = the_alert(chain)
    assert (alert.status, alert.units_lost, alert.closed_on) == (Status.OPEN, 50.0, None)
    assert (alert.opened_on, alert.reopened_on) == (NIGHT + timedelta(days=1), NIGHT + timedelta(days=18))
    assert history(chain)[-1] == "it is back"


def test_one_night_of_it_after_it_was_resolved_brings_nothing_back(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    nights(chain, 2, 3)
    night(chain, finding(), days=5)
    night(chain, days=6)
    night(chain, finding(), days=7)

    alert = the_alert(chain)
    assert (alert.status, alert.fired_nights) == (Status.RESOLVED, 1)
    assert alert.closed_on == NIGHT + timedelta(days=3)


def test_a_problem_that_comes_back_later_is_a_new_alert_beside_the_old(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    nights(chain, 2, 3)

    nights(chain, 18, 19, finding())

    old, new = alerts(chain)
    assert (old.status, new.status) == (Status.RESOLVED, Status.OPEN)
    assert new.first_fired_on == NIGHT + timedelta(days=18)


def test_what_flaps_must_show_itself_for_a_whole_week(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    for start in (2, 6, 10):
        nights(chain, start, start + 1)
        nights(chain, start + 2, start + 3, finding())

    returns = [what for what in history(chain) if what == "it is back"]
    assert (the_alert(chain).status, len(returns)) == (Status.RESOLVED, 2)
    nights(chain, 14, 17, finding())
    assert the_alert(chain).status is Status.RESOLVED
    night(chain, finding(), days=18)
    assert the_alert(chain).status is Status.OPEN


def test_an_alert_expires_when_its_season_is_over(chain: Database) -> None:
    nights(chain, 0, 1, finding(demand_ends=NIGHT + timedelta(days=1)))

    assert night(chain, days=2).expired == 1
    assert (the_alert(chain).status, history(chain)[-1]) == (Status.EXPIRED, "its season is over")


def test_what_is_found_of_a_season_that_is_over_opens_nothing_and_ends_what_is_open(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    dead = {"demand_ends": NIGHT + timedelta(days=1)}
    night(chain, finding(**dead), finding(style="sandals", **dead), days=2)

    assert the_alert(chain).status is Status.EXPIRED


def test_a_late_store_is_frozen_as_it_is_and_opens_nothing(chain: Database) -> None:
    nights(chain, 0, 1, finding(), finding("SEA-01"))
    before = alerts(chain)[0]

    found = (finding(units_lost=1.0), sold_out(style="new"), finding("SEA-01"))
    raised = night(chain, *found, days=3, late="PHX-01")

    assert (raised.opened, raised.again, raised.frozen) == (0, 1, 1)
    phoenix, seattle = alerts(chain)
    assert (phoenix.status, phoenix.condition) == (Status.OPEN, Condition.UNKNOWN)
    assert (phoenix.units_lost, phoenix.evaluated_on) == (before.units_lost, before.evaluated_on)
    assert seattle.condition is Condition.FIRING
    assert history(chain)[-1] == LATE


def test_a_frozen_alert_is_told_frozen_once_however_many_nights_pass(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    for days in (2, 3, 4):
        assert night(chain, days=days, late="PHX-01").frozen == 1

    assert history(chain)[2:] == [LATE]


@pytest.mark.parametrize("status", ["acknowledged", "snoozed"])
def test_while_figures_are_late_neither_a_date_nor_the_seasons_end_changes_anything(
    chain: Database, status: str
) -> None:
    ends = NIGHT + timedelta(days=4)
    nights(chain, 0, 1, finding(demand_ends=ends))
    if status == "snoozed":
        change(chain, "snooze", NIGHT + timedelta(days=3), days=1)
    else:
        change(chain, "acknowledge", days=1)
    for days in range(2, 30):
        night(chain, days=days, late="PHX-01")

    assert (the_alert(chain).status, the_alert(chain).condition) == (status, Condition.UNKNOWN)
    night(chain, days=30)
    assert the_alert(chain).status is Status.EXPIRED


def test_an_acknowledged_alert_stays_acknowledged_through_late_figures(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    change(chain, "acknowledge", days=1)
    night(chain, days=2, late="PHX-01")

    night(chain, finding(units_lost=50.0), days=3)

    alert = the_alert(chain)
    assert (alert.status, alert.condition) == (Status.ACKNOWLEDGED, Condition.FIRING)
    assert (alert.units_lost, alert.first_fired_on) == (50.0, NIGHT)
    assert history(chain)[2:] == ["taken on", LATE, "firing again"]


def test_a_frozen_alert_that_is_gone_when_the_figures_come_needs_its_two_nights(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    night(chain, days=2, late="PHX-01")

    assert night(chain, days=3).resolved == 0
    assert night(chain, days=4).resolved == 1


def test_that_a_feed_is_late_is_told_while_it_is_late_and_resolved_when_it_is_not(chain: Database) -> None:
    for days in (0, 1):
        night(chain, feed_late(), days=days, late="PHX-01")
    assert the_alert(chain).status is Status.OPEN
    nights(chain, 2, 3)

    assert the_alert(chain).status is Status.RESOLVED


def test_that_one_feed_is_late_no_more_is_known_while_another_still_is(chain: Database) -> None:
    sales, stock = feed_late(season_code="sales"), feed_late()
    for days in (0, 1):
        night(chain, sales, stock, days=days, late="PHX-01")
    for days in (2, 3):
        night(chain, stock, days=days, late="PHX-01")

    assert [alert.status for alert in alerts(chain)] == [Status.RESOLVED, Status.OPEN]


@pytest.mark.parametrize(
    "planned",
    [
        {"rule": "markdown_before_peak", "act_by": NIGHT + timedelta(days=2)},
        {
            "rule": "stock_outlasts_season",
            "details": {"style_name": "trunks", "exit": (NIGHT + timedelta(days=2)).isoformat()},
        },
    ],
)
def test_a_plan_that_nobody_changed_in_time_has_not_recovered_but_is_over(
    chain: Database, planned: dict[str, Any]
) -> None:
    nights(chain, 0, 1, finding(**planned))
    assert the_alert(chain).status is Status.OPEN

    assert night(chain, days=2).expired == 1

    assert (the_alert(chain).status, history(chain)[-1]) == (Status.EXPIRED, "its season is over")


def test_a_plan_that_is_found_no_more_while_it_can_be_changed_has_recovered(chain: Database) -> None:
    cut = finding(rule="markdown_before_peak", act_by=NIGHT + timedelta(days=9))
    nights(chain, 0, 1, cut)
    nights(chain, 2, 3)

    assert the_alert(chain).status is Status.RESOLVED


def test_what_is_muted_is_frozen_with_the_reason_given(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    reason = "told_as:rule=broken_size_run"

    assert night(chain, sold_out(), days=2, muted={finding().fingerprint: reason}).frozen == 1

    assert (alerts(chain)[0].condition, history(chain)[-2:]) == (Condition.UNKNOWN, ["found", reason])


def test_what_is_told_of_a_store_that_has_closed_for_good_is_over(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    reason = "store_closed:closed_on=2026-06-08"

    assert night(chain, days=2, muted={finding().fingerprint: reason}).expired == 1
    assert (the_alert(chain).status, history(chain)[-1]) == (Status.EXPIRED, "the store has closed")


@pytest.mark.parametrize(
    ("reason", "status"),
    [("feed_late:feed=stock;last_day=2026-06-01", Status.OPEN), ("told_as:rule=x", Status.EXPIRED)],
)
def test_only_late_figures_hold_up_the_seasons_end(chain: Database, reason: str, status: Status) -> None:
    nights(chain, 0, 1, finding(demand_ends=NIGHT + timedelta(days=1)))
    night(chain, days=2, muted={finding().fingerprint: reason})

    assert the_alert(chain).status is status


def test_the_live_alerts_can_be_asked_about_by_the_names_the_rules_use(chain: Database) -> None:
    from forecaster.grouping import identity_of

    night(chain, finding(), of_the_zone(), feed_late(store_id="", scope=Scope.CHAIN))

    told = live_alerts(chain)
    assert set(identity_of(told)) == {alert.fingerprint for alert in alerts(chain)}
    assert "feed_late|chain||stock" in set(identity_of(told))


def test_an_acknowledgement_expires_after_a_fortnight(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    change(chain, "acknowledge", days=1)
    until = NIGHT + timedelta(days=2 + 14)
    assert the_alert(chain).acknowledged_until == until

    nights(chain, 2, 15, finding())
    assert the_alert(chain).status is Status.ACKNOWLEDGED
    night(chain, finding(), days=16)
    assert (the_alert(chain).status, the_alert(chain).evaluated_on) == (Status.OPEN, until)
    assert history(chain)[-1] == "its time is up, and it is still so"


def test_what_is_put_off_comes_back_in_the_morning_of_its_day(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    change(chain, "snooze", NIGHT + timedelta(days=9), days=1)

    nights(chain, 2, 7, finding(units_lost=36.0))
    assert the_alert(chain).status is Status.SNOOZED
    assert night(chain, finding(), days=8).woken == 1
    assert (the_alert(chain).status, history(chain)[-1]) == (Status.OPEN, "the day has come")


@pytest.mark.parametrize("until", [None, NIGHT + timedelta(days=60)])
def test_what_is_put_off_comes_back_when_it_gets_worse(chain: Database, until: date | None) -> None:
    nights(chain, 0, 1, finding())
    change(chain, "snooze", until, days=1)

    for days, units in enumerate((33.0, 36.0, 39.0), start=2):
        night(chain, finding(units_lost=units), days=days)
        assert the_alert(chain).status is Status.SNOOZED
    night(chain, finding(units_lost=39.5), days=5)

    assert the_alert(chain).status is Status.OPEN
    assert history(chain)[-1] == "it got worse: 40 units, 32 when it was put off"


def test_what_was_put_off_and_resolved_stays_silent_when_it_returns_before_its_day(chain: Database) -> None:
    nights(chain, 0, 1, finding())
    change(chain, "snooze", NIGHT + timedelta(days=10), days=1)
    nights(chain, 2, 3)

    nights(chain, 4, 8, finding())
    assert the_alert(chain).status is Status.RESOLVED
    night(chain, finding(), days=9)
    assert the_alert(chain).status is Status.OPEN


def test_a_dismissed_alert_swallows_what_is_found_until_the_seasons_end(chain: Database) -> None:
    nights(chain, 0, 1, finding(demand_ends=NIGHT + timedelta(days=6)))
    change(chain, "dismiss", DismissReason.ACCEPTED_RISK, days=1)

    for days in range(2, 40):
        # The last day of demand drifts from night to night; the season in the fingerprint does not.
        ends = NIGHT + timedelta(days=days + 5)
        assert night(chain, finding(demand_ends=ends), days=days).dismissed == 1

    assert (the_alert(chain).status, the_alert(chain).dismissed_as) == ("dismissed", "accepted_risk")
    nights(chain, 41, 42, finding(season_code="SS27", demand_ends=date(2027, 9, 1)))
    assert [alert.status for alert in alerts(chain)] == [Status.DISMISSED, Status.OPEN]


def test_of_what_has_no_season_a_dismissal_lasts_half_a_year(chain: Database) -> None:
    nights(chain, 0, 1, finding(demand_ends=None))
    change(chain, "dismiss", DismissReason.DUPLICATE, days=1)

    nights(chain, 182, 183, finding(demand_ends=None))
    assert len(alerts(chain)) == 1
    nights(chain, 184, 185, finding(demand_ends=None))
    assert [alert.status for alert in alerts(chain)] == [Status.DISMISSED, Status.OPEN]


def test_the_alerts_of_stores_point_to_the_alert_of_their_zone(chain: Database) -> None:
    gathered = of_the_zone().fingerprint
    found = (finding(parent=gathered), finding("SEA-01", parent=gathered), sold_out(), of_the_zone())
    nights(chain, 0, 1, *found)

    zone, *rest = alerts(chain)
    assert (zone.scope, zone.store_id, zone.climate_zone) == (Scope.ZONE, None, "hot")
    assert zone.fingerprint == "exit_before_demand_ends|zone:hot|swim trunks|SS26"
    assert [alert.parent_id for alert in rest] == [zone.alert_id, zone.alert_id, None]
    night(chain, finding(), days=2)
    assert alerts(chain)[1].parent_id is None


def test_a_zone_is_frozen_while_one_of_its_stores_is_late(chain: Database) -> None:
    gathered = of_the_zone().fingerprint
    nights(chain, 0, 1, finding(parent=gathered), of_the_zone())

    assert night(chain, days=2, late="PHX-01").frozen == 2
    assert {alert.condition for alert in alerts(chain)} == {Condition.UNKNOWN}


def test_a_store_is_told_of_no_more_in_a_night_than_it_can_do_and_of_the_rest_later(chain: Database) -> None:
    policies = Policies(RulePolicy(daily_cap=2))
    found = [finding(style=f"style {n}", money_lost=Decimal(100 + n)) for n in range(5)]
    elsewhere = finding("SEA-01", money_lost=Decimal(1))
    night(chain, *found, elsewhere, policies=policies)

    raised = night(chain, *found, elsewhere, days=1, policies=policies)
    assert (raised.opened, raised.held) == (3, 3)
    assert night(chain, *found, elsewhere, days=1, policies=policies) == raised
    opened = [[alert.style_id for alert in alerts(chain) if alert.status is Status.OPEN]]
    for days in (2, 3):
        night(chain, *found, elsewhere, days=days, policies=policies)
        opened.append([alert.style_id for alert in alerts(chain) if alert.status is Status.OPEN])

    assert [set(styles) - {"trunks"} for styles in opened] == [
        {"style 3", "style 4"},
        {"style 1", "style 2", "style 3", "style 4"},
        {f"style {n}" for n in range(5)},
    ]


def test_a_night_that_died_and_is_done_again_tells_a_store_no_second_measure(
    chain: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = Policies(RulePolicy(daily_cap=2))
    found = [finding(style=f"style {n}") for n in range(4)]
    night(chain, *found, policies=policies)
    monkeypatch.setattr(raising, "_BATCH", 2)
    die_in_batch(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        night(chain, *found, days=1, policies=policies)

    raised = night(chain, *found, days=1, policies=policies)
    assert (raised.opened, raised.held) == (2, 2)


def test_what_runs_out_tonight_counts_against_the_same_measure(chain: Database) -> None:
    found = [sold_out(style=f"style {n}", money_lost=Decimal(100 + n)) for n in range(3)]
    raised = night(chain, *found, policies=Policies(RulePolicy(daily_cap=1)))

    assert (raised.opened, raised.held) == (1, 2)


def test_two_findings_of_one_fingerprint_make_one_alert(chain: Database) -> None:
    assert night(chain, finding(units_lost=1.0), finding(units_lost=2.0)).waiting == 1


def test_another_season_or_rule_is_another_alert(chain: Database) -> None:
    night(chain, finding(), finding(season_code="SS27"), finding(rule="stockout_in_season"))

    assert len({alert.fingerprint for alert in alerts(chain)}) == 3


def test_many_findings_are_written_in_small_transactions(
    chain: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raising, "_BATCH", 2)
    sizes: list[int] = []
    take, let_go = raising._take, raising._let_go

    def taking(session: Any, batch: Any, *rest: Any) -> None:
        sizes.append(len(batch))
        take(session, batch, *rest)

    def letting_go(session: Any, ids: Any, *rest: Any) -> None:
        sizes.append(len(ids))
        let_go(session, ids, *rest)

    monkeypatch.setattr(raising, "_take", taking)
    monkeypatch.setattr(raising, "_let_go", letting_go)

    assert night(chain, *(sold_out(style=f"style {n}") for n in range(5))).opened == 5
    night(chain, days=1)
    assert night(chain, days=2).resolved == 5
    assert sizes == [2, 2, 1] * 3


def test_a_night_that_died_between_two_batches_is_simply_done_again(
    chain: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raising, "_BATCH", 2)
    found = [sold_out(style=f"style {n}") for n in range(5)]
    die_in_batch(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        night(chain, *found)
    assert len(alerts(chain)) == 2

    assert night(chain, *found).opened == 5
    with chain.read() as session:
        live = select(func.count()).select_from(Alert).where(Alert.status.in_(LIVE))
        assert session.scalar(live) == 5
    assert history(chain) == ["found"] * 5


def test_the_sentence_of_the_night_counts_what_happened() -> None:
    assert Raised(1, 2, 3, 4, 5).sentence == "1 opened, 2 again, 3 resolved, 4 expired, 5 frozen"
    assert Raised(back=1, waiting=2).sentence.endswith("0 frozen, 1 back, 2 waiting")
