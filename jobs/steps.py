"""What the steps of a night do; `jobs.night` says when, and keeps the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from data.assortment import climate_frame
from data.facts.panel import build_panel, weekly_facts
from data.feeds.inbox import ingest_waiting
from data.feeds.reports import ImportReport, Refusal
from data.outcomes.effort import record_effort
from data.overrides import overrides_in_force
from data.selling_windows import newest_version, resolve
from data.settings import secret_key
from forecaster.rules.lateness import mutes
from jobs.actions import lapse, store_actions
from jobs.buy_notes import keep_notes
from jobs.digest import queue_digests
from jobs.drawing import draw_alerts
from jobs.drivers import background_of, drivers_of
from jobs.findings import to_findings
from jobs.forecasting import CategoryTask, forecast_all, forget_other_categories, young_categories
from jobs.freshness import keep_freshness
from jobs.keep_open import propose_tests, read_due_tests
from jobs.outbox import deliver_due
from jobs.outcomes import judge_alerts
from jobs.overrides import measure_overrides
from jobs.raising import live_alerts, raise_alerts
from jobs.requests import collect_requests, look_after_requests
from jobs.sheets import prepare_plans
from jobs.tonight import CALENDAR, HORIZON_WEEKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.tonight import Night

_MOST_NAMED: Final = 5
# Reason of a mute whose loss another rule tells tonight (`forecaster.mutes`).
_TOLD_AS: Final = "told_as:"
_INPUTS: Final = ("sales", "stock", "receipts", "requests")
_FORECAST_PRODUCTS: Final = [
    "sku", "style_id", "category", "department", "gender_age", "size", "color", "regular_price",
    "replaces_sku",
]  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A step: its work gives (rows, outcome); one that leaves nothing behind is repeated on resuming."""

    name: str
    work: Callable[[Night], tuple[int, str]]
    repeat: bool = False


def ingest(night: Night) -> tuple[int, str]:
    """Load the files that wait in the inbox, then fix the versions of the facts this night reads."""
    service = night.service
    outcomes = ingest_waiting(
        service.settings.inbox,
        database=service.database,
        facts=service.facts,
        settings=service.settings,
        clock=service.clock,
    )
    collect_requests(service, run_id=night.run_id)
    versions = service.facts.snapshot().versions
    night.remembered["inputs"] = {name: versions.get(name, 0) for name in _INPUTS}
    with service.database.read() as session:
        night.remembered[CALENDAR] = newest_version(session) or 0
    taken = [outcome for outcome in outcomes if isinstance(outcome, ImportReport)]
    refused = [outcome.reason for outcome in outcomes if isinstance(outcome, Refusal)]
    faulty = [report.summary for report in taken if report.rows_rejected]
    if not outcomes:
        return 0, "no files were waiting"
    night.trouble = [*faulty, *refused]
    taken_in = f"{len(taken)} file{'' if len(taken) == 1 else 's'} taken"
    return sum(report.rows_loaded for report in taken), "; ".join([taken_in, *night.trouble])


def panel(night: Night) -> tuple[int, str]:
    """Build the weekly panel of the whole chain."""
    settings = night.service.settings
    facts = weekly_facts(
        night.snapshot,
        first_week=night.history_from,
        as_of=night.business_date,
        week_starts_on=settings.week_starts_on,
        minimums=night.trade.minimums,
    )
    sold = (
        facts[["store_id", "sku"]]
        .drop_duplicates()
        .merge(night.trade.products[["sku", "style_id", "category"]])
    )
    ranged = sold.merge(night.trade.stores[["store_id", "climate_zone"]])
    windows = resolve(night.trade.calendar, ranged)
    rows = build_panel(facts, night.trade, windows, as_of=night.business_date)
    night.written["panel"] = night.service.facts.replace_all("panel", rows, run_id=night.run_id)
    series = len(rows[["store_id", "sku"]].drop_duplicates())
    return len(
        rows
    ), f"{series:,} series in {rows['category'].nunique()} categories, {rows['week'].nunique()} weeks"


def forecast(night: Night) -> tuple[int, str]:
    """Forecast every category for the coming year."""
    facts = night.service.facts
    before = facts.begin_forecasts()
    told = forecast_all(_category_tasks(night), workers=night.service.settings.workers, tell=night.tell)
    if night.has_begun_before:
        forget_other_categories(night.snapshot, told, as_of=night.business_date, run_id=night.run_id)
    after = {name: facts.version(name) for name in before}
    night.written.update({name: version for name, version in after.items() if version > before[name]})
    night.remembered["substitution"] = {category.category: category.substitution for category in told}
    outcome = f"{len(night.carried):,} series for {HORIZON_WEEKS} weeks"
    suspected = sum(category.suspected for category in told)
    if suspected:
        shelves = f"{suspected:,} {'shelf' if suspected == 1 else 'shelves'}"
        outcome += f"; on {shelves} nothing sells, so that stock may stand in the books only"
    return sum(category.rows for category in told), outcome


def _category_tasks(night: Night) -> list[CategoryTask]:
    """What each category's forecast needs, small enough to be sent to another process."""
    with night.service.database.read() as session:
        climate = climate_frame(session)
        overrides = overrides_in_force(session, night.business_date)
    products = night.trade.products[_FORECAST_PRODUCTS]
    stores = night.trade.stores.rename(columns={"store_id": "store", "kind": "format"})[["store", "format"]]
    series = night.carried.drop(columns="style_id")
    snapshot = night.snapshot
    young = young_categories(snapshot, sorted(series["category"].unique()), as_of=night.business_date)
    return [
        CategoryTask(
            snapshot=snapshot,
            category=str(name),
            as_of=night.business_date,
            history_from=night.history_from,
            first_week=night.first_week,
            week_starts_on=night.service.settings.week_starts_on,
            carried=group,
            products=products[products["category"] == name],
            stores=stores,
            climate=climate,
            run_id=night.run_id,
            young=name in young,
            wordings=night.wordings,
            overrides=overrides[overrides["category"] == name],
        )
        for name, group in series.groupby("category")
    ]


def gap(night: Night) -> tuple[int, str]:
    """Hold the forecasts against the calendar and the stock, and look for what is worth telling."""
    if night.is_newest:
        # What nobody approved or shipped in time is free again, before anybody counts it.
        lapse(night.service.database, business_date=night.business_date, now=night.service.clock.now())
    outlook = night.outlook
    found = outlook.found
    drivers = drivers_of(found, background_of(night, found, outlook.forecast))
    night.findings = to_findings(found, night.trade.products, drivers, outlook.effort)
    strong = found[~found["weak"].astype(bool) & (found["scope"] != "zone")]
    return len(strong), f"{len(strong):,} findings, {strong['units_lost'].sum():,.0f} units at risk"


def alerts(night: Night) -> tuple[int, str]:
    """Open, update and resolve alerts, say what can be done about each, and draw those that fire."""
    if not night.is_newest:
        night.summary = "a later night has run: forecasts written, alerts left as that night set them"
        return 0, night.summary
    database, outlook, now = night.service.database, night.outlook, night.service.clock.now()
    silent = mutes(live_alerts(database), outlook.situation, outlook.found)
    raised = raise_alerts(
        database,
        night.findings,
        business_date=night.business_date,
        now=now,
        muted=dict(zip(silent["identity"], silent["reason"], strict=True)),
        replanned=night.replanned,
        policies=outlook.policies,
    )
    propose_tests(outlook)
    read_due_tests(outlook)
    keep_notes(night)
    elsewhere = silent.loc[silent["reason"].str.startswith(_TOLD_AS), "identity"]
    store_actions(
        database, outlook.actions, business_date=night.business_date, told_elsewhere=frozenset(elsewhere)
    )
    with database.write() as session:
        record_effort(session, outlook.effort_of_stores, business_date=night.business_date)
    keep_freshness(outlook)
    drawn = draw_alerts(night)
    night.summary = raised.sentence + _late(sorted(outlook.silent_stores))
    return drawn, night.summary


def _late(stores: list[str]) -> str:
    more = f" and {len(stores) - _MOST_NAMED:,} more stores" if len(stores) > _MOST_NAMED else ""
    return f"; figures are late of {', '.join(stores[:_MOST_NAMED])}{more}" if stores else ""


def outcomes(night: Night) -> tuple[int, str]:
    """Judge the alerts whose time is over, and look for losses that nobody was told of."""
    if not night.is_newest:
        return 0, "a later night has judged the alerts"
    measure_overrides(night)
    return judge_alerts(night)


def digest(night: Night) -> tuple[int, str]:
    """Write one mail per person who has news."""
    if not night.is_newest:
        return 0, "no news from an earlier night"
    written = queue_digests(night.service, night.business_date)
    return written, f"{written} digests written"


def mail(night: Night) -> tuple[int, str]:
    """Send what waits in the outbox."""
    settings = night.service.settings
    url = settings.smtp_url.get_secret_value()
    if not url:
        return 0, "no mail server is set: mails are kept in the app"
    result = deliver_due(
        night.service.database,
        smtp_url=url,
        sender=settings.mail_from,
        key=secret_key(settings),
        clock=night.service.clock,
    )
    return result.sent, result.sentence


STEPS: Final = (
    Step("ingest", ingest),
    Step("panel", panel),
    Step("forecast", forecast),
    Step("gap", gap, repeat=True),
    Step("alerts", alerts),
    Step("plans", prepare_plans),
    Step("outcomes", outcomes),
    Step("requests", look_after_requests),
    Step("digest", digest),
    Step("mail", mail),
)
