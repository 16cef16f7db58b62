"""Alerts whose time has come to be judged, what is known of it, and what all the outcomes come to."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from sqlalchemy import and_, delete, func, insert, or_, select
from sqlalchemy.orm import selectinload

from data.records import (
    LIVE,
    Alert,
    AlertOutcome,
    Consignment,
    Decision,
    DecisionState,
    DismissReason,
    MissedLoss,
    Product,
    Scope,
    Status,
    Store,
    StoreEffort,
)
from forecaster.codes import (
    BRING_FLOOR_SET_FORWARD,
    COUNT_SHELF,
    EXTEND_EXIT,
    FEED_LATE,
    HOLD_MARKDOWN,
    KEEP_OPEN_TEST,
    REORDER,
    OutcomeVerdict,
)
from forecaster.outcomes import HALF, Aftermath, windows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session

    from data.facts.store import Snapshot
    from forecaster import Policies

SETTLES: Final = timedelta(days=8)
"""Figures of a window's last day are waited for so long."""

_BEFORE: Final = timedelta(weeks=8)
_DAYS: Final = ("floor_set", "exit", "first_week", "horizon_ends")
_FINDING: Final = ["alert_id", "rule", "store", "style", "category", "climate_zone", "season_code"]
_WEEKLY_FORECASTS: Final = """
    SELECT store_id AS store, sku, category, week, mean FROM (
        SELECT store_id, sku, category, week, mean,
               row_number() OVER (PARTITION BY store_id, sku, week ORDER BY as_of DESC) AS place
        FROM forecasts
        WHERE category IN ({names}) AND week BETWEEN DATE '{first}' AND DATE '{last}' AND as_of <= week
          AND as_of >= DATE '{oldest}'
    ) WHERE place = 1
"""
# A forecast as old as this is not asked what a week should have sold.
_OLDEST_FORECAST: Final = timedelta(weeks=26)


def alerts_to_judge(session: Session, *, business_date: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The alerts of stores and of the chain, told to people, whose window is over and that have no outcome.

    One that still lives waits until it is over. The alerts of zones are the sums of their stores'.

    Returns:
        The alerts: alert_id, parent_id, rule, store ('' of the chain), style, category, climate_zone,
        season_code, raised_on, floor_set, exit, first_week, horizon_ends, demand_ends, closed_on, units,
        customers, begins, ends, words; and the sizes they named: alert_id, store, sku.
    """
    waiting = (
        select(Alert)
        .outerjoin(AlertOutcome, AlertOutcome.alert_id == Alert.alert_id)
        .where(AlertOutcome.alert_id.is_(None), Alert.opened_on.is_not(None), Alert.scope != Scope.ZONE)
        .where(Alert.status.not_in(LIVE))
    )
    found = list(session.scalars(waiting.order_by(Alert.alert_id)))
    if not found:
        return pd.DataFrame(columns=[*_FINDING, "ends"]), pd.DataFrame(columns=["alert_id", "store", "sku"])
    alerts = pd.DataFrame([_as_row(alert) for alert in found])
    for name in ("raised_on", "demand_ends", "closed_on", *_DAYS):
        alerts[name] = pd.to_datetime(alerts[name]).astype("datetime64[s]")
    windows = windows_of(alerts)
    ends = windows["ends"].fillna(alerts["closed_on"])
    alerts = alerts.assign(
        begins=windows["begins"], ends=ends.where(ends >= windows["begins"], windows["begins"])
    )
    due = alerts["ends"] <= pd.Timestamp(business_date - SETTLES)
    sizes = [
        (alert.alert_id, alert.store_id or "", line["sku"])
        for alert in found
        for line in alert.details.get("sizes", ())
    ]
    named = pd.DataFrame(sizes, columns=["alert_id", "store", "sku"])
    chosen = alerts[due].reset_index(drop=True)
    return chosen, named[named["alert_id"].isin(chosen["alert_id"])].reset_index(drop=True)


def _as_row(alert: Alert) -> dict[str, Any]:
    figures = alert.details.get("figures") or {}
    return {
        "alert_id": alert.alert_id,
        "parent_id": alert.parent_id,
        "rule": alert.rule,
        "store": alert.store_id or "",
        "style": alert.style_id,
        "category": alert.category,
        "climate_zone": alert.climate_zone,
        "season_code": alert.season_code,
        "raised_on": alert.opened_on,
        "demand_ends": alert.demand_ends,
        "closed_on": alert.closed_on,
        "units": alert.units_lost,
        "customers": alert.customers_lost,
        "words": str(figures.get("words") or ""),
        **{name: alert.details.get(name) for name in _DAYS},
    }


def acts_on(session: Session, alerts: pd.DataFrame) -> pd.DataFrame:
    """What people did about some alerts, as `forecaster.outcomes.Aftermath` takes it.

    A transfer counts from the day it was received, an order from the day its goods were due, a date that was
    moved for the days that it won, a count from the day after it. What was decided for a zone counts for each
    of its stores.
    """
    ids = alerts["alert_id"].tolist()
    parents = alerts["parent_id"].dropna().astype(int).tolist() if len(alerts) else []
    taken = (
        select(Decision)
        .where(or_(Decision.alert_id.in_(ids), Decision.alert_id.in_(parents)))
        .where(Decision.state.not_in([DecisionState.REFUSED, DecisionState.WITHDRAWN]))
        .options(selectinload(Decision.consignments))
    )
    decisions = list(session.scalars(taken)) if ids else []
    rows = [
        row
        for decision in decisions
        for alert in _concerned(alerts, decision.alert_id)
        for row in _acts(decision, alert)
    ]
    columns = ["alert_id", "kind", "store", "sku", "units", "since", "until", "worth"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"units": "float64", "worth": "float64"}).assign(
        since=pd.to_datetime(frame["since"]), until=pd.to_datetime(frame["until"])
    )


def _concerned(alerts: pd.DataFrame, alert_id: int) -> Iterator[dict[str, Any]]:
    rows = alerts[(alerts["alert_id"] == alert_id) | (alerts["parent_id"] == alert_id)]
    for row in rows.to_dict("records"):
        yield {str(name): value for name, value in row.items()}


def _acts(decision: Decision, alert: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """(alert_id, kind, store, sku, units, since, until, worth) of what a decision brought an alert."""
    key = (alert["alert_id"], decision.kind)
    if decision.consignments:
        yield from _received(decision.consignments, key)
    elif decision.kind == REORDER and decision.state is DecisionState.DONE:
        for line in decision.details.get("lines") or ():
            due = line.get("arrives_on")
            if due and line.get("to_store", alert["store"]) == alert["store"]:
                yield (*key, alert["store"], line["sku"], line["units"], date.fromisoformat(due), None, 1.0)
    elif decision.state is DecisionState.DONE:
        span = _won_days(decision, alert)
        if span is not None:
            worth = (
                float(decision.details.get("percent_off") or 100) / 100
                if decision.kind == HOLD_MARKDOWN
                else 1.0
            )
            yield (*key, "", "", np.inf, *span, worth)


def _received(consignments: Sequence[Consignment], key: tuple[int, str]) -> Iterator[tuple[Any, ...]]:
    for part in consignments:
        if part.state is DecisionState.RECEIVED and part.received_on is not None:
            for line in part.lines:
                units = line.units if line.received is None else line.received
                yield (*key, part.to_store, line.sku, units, part.received_on, None, 1.0)


def _won_days(decision: Decision, alert: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """The days on which a sale is owed to a decision that moved no goods."""
    day = pd.Timedelta(days=1)
    if decision.kind in (EXTEND_EXIT, KEEP_OPEN_TEST):
        return alert["exit"] + day, decision.until
    if decision.kind == BRING_FLOOR_SET_FORWARD:
        return decision.until or alert["raised_on"], alert["floor_set"] - day
    if decision.kind == HOLD_MARKDOWN:
        return alert["first_week"], decision.until
    if decision.kind == COUNT_SHELF:
        return decision.changed_at.date() + timedelta(days=1), None
    return None


def aftermath(
    session: Session,
    snapshot: Snapshot,
    alerts: pd.DataFrame,
    sizes: pd.DataFrame,
    *,
    policies: Policies,
    business_date: date,
) -> Aftermath:
    """What is known after the windows of some alerts.

    Args:
        session: reads decisions and prices.
        snapshot: the night's facts: the panel, forecasts of earlier nights, requests.
        alerts: as `alerts_to_judge` gives them.
        sizes: alert_id, store, sku.
        policies: in force; half of their minimum makes an alert right.
        business_date: last day known.
    """
    first = (alerts["begins"].min() - pd.Timedelta(_BEFORE)).date()
    last = max(alerts["ends"].max().date(), first)
    weeks = _weeks(snapshot, sorted(set(alerts["category"]) - {""}), first, last)
    told = _by_category(snapshot)
    least = [
        HALF
        * (policies.of(category).min_asks if rule == "asked_not_found" else policies.of(category).min_units)
        for rule, category in zip(alerts["rule"], alerts["category"], strict=True)
    ]
    seen = pd.MultiIndex.from_frame(
        weeks.loc[weeks["in_panel"], ["store"]].drop_duplicates()
    ).get_level_values(0)
    blind = (alerts["store"] != "") & ~alerts["store"].isin(seen) & (alerts["rule"] != FEED_LATE)
    return Aftermath(
        as_of=business_date,
        alerts=alerts.assign(least=least, left_out=blind),
        sizes=sizes.assign(price=sizes["sku"].map(_prices(session, sizes["sku"]))),
        weeks=weeks,
        witnesses=_witnesses(weeks, told["elasticity"]),
        acts=acts_on(session, alerts),
        asked=_asked(snapshot, alerts),
        missing=_lacking(session, alerts[alerts["rule"] == FEED_LATE]),
        elasticity=told["elasticity"],
        recording=told["recording"],
    )


def _lacking(session: Session, late: pd.DataFrame) -> pd.DataFrame:
    """alert_id, missing: whether figures were lacking indeed; a store that had closed owed none."""
    closed = select(Store.store_id, Store.closed_on).where(Store.closed_on.is_not(None))
    days = {store: pd.Timestamp(day) for store, day in session.execute(closed) if day}
    owed = [
        not (store in days and days[store] <= raised)
        for store, raised in zip(late["store"], late["raised_on"], strict=True)
    ]
    return pd.DataFrame({"alert_id": late["alert_id"], "missing": owed}, columns=["alert_id", "missing"])


def _weeks(snapshot: Snapshot, categories: Sequence[str], first: date, last: date) -> pd.DataFrame:
    """What was foretold and what came of every series of some categories, week by week."""
    if not categories:
        return _no_weeks()
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in categories)
    start = first - timedelta(days=6)
    foretold = snapshot.query(
        _WEEKLY_FORECASTS.format(names=names, first=start, last=last, oldest=start - _OLDEST_FORECAST)
    ).rename(columns={"mean": "demand"})
    came = snapshot.query(
        "SELECT store_id AS store, sku, category, climate_zone, week, units, exposure, price_ratio, on_hand "
        f"FROM panel WHERE category IN ({names}) AND week BETWEEN DATE '{start}' AND DATE '{last}'"
    )
    asked = snapshot.query(
        "SELECT store_id AS store, sku, requested_on, sum(units) AS requests FROM requests "
        f"WHERE sku IS NOT NULL AND requested_on BETWEEN DATE '{start}' AND DATE '{last}' GROUP BY 1, 2, 3"
    )
    if foretold.empty and came.empty:
        return _no_weeks()
    key = ["store", "sku", "week"]
    foretold, came = (frame.assign(week=_stamps(frame["week"])) for frame in (foretold, came))
    rows = foretold.merge(came.drop(columns="category"), on=key, how="outer", indicator="in_panel")
    rows = rows.merge(_weekly(asked, rows["week"]), on=key, how="left")
    zones = dict(zip(came["store"], came["climate_zone"], strict=True))
    named = pd.concat([foretold[["sku", "category"]], came[["sku", "category"]]])
    kinds = dict(zip(named["sku"], named["category"], strict=True))
    filled = {"demand": 0.0, "exposure": 0.0, "units": 0.0, "requests": 0.0, "price_ratio": 1.0}
    return rows.fillna(filled).assign(
        in_panel=rows["in_panel"] != "left_only",
        climate_zone=[zones.get(store, "") for store in rows["store"]],
        category=[kinds[sku] for sku in rows["sku"]],
    )


def _no_weeks() -> pd.DataFrame:
    texts = dict.fromkeys(("store", "sku", "category", "climate_zone"), "str")
    figures = dict.fromkeys(("demand", "exposure", "units", "price_ratio", "requests", "on_hand"), "float64")
    kinds = {**texts, "week": "datetime64[s]", **figures, "in_panel": "bool"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def _weekly(asked: pd.DataFrame, weeks: pd.Series) -> pd.DataFrame:
    """Requests of days by the first day of the week they lie in."""
    starts = np.sort(weeks.unique())
    days = _stamps(asked["requested_on"])
    place = np.searchsorted(starts, days.to_numpy(), side="right") - 1
    known = place >= 0
    rows = asked[known].assign(week=starts[place[known]]) if len(starts) else asked.assign(week=days)
    sums: pd.DataFrame = rows.groupby(["store", "sku", "week"])[["requests"]].sum()
    return sums.reset_index()


def _stamps(days: pd.Series) -> pd.Series:
    return pd.to_datetime(days).astype("datetime64[s]")


def _witnesses(weeks: pd.DataFrame, elasticity: Mapping[str, float]) -> pd.DataFrame:
    """category, climate_zone, week, expected, sold of what hung in the stores of each zone."""
    beta = weeks["category"].map(dict(elasticity)).fillna(0.0).to_numpy(dtype=np.float64)
    shown = weeks.assign(
        expected=weeks["demand"]
        * weeks["exposure"]
        * weeks["price_ratio"].to_numpy(dtype=np.float64) ** -beta,
        sold=weeks["units"].where(weeks["exposure"] > 0, 0.0),
    )
    sums = shown.groupby(["category", "climate_zone", "week"])[["expected", "sold"]].sum()
    return sums.reset_index()


def _by_category(snapshot: Snapshot) -> dict[str, dict[str, float]]:
    """Elasticity and recording share by category, as the newest night that told them knew them."""
    rows = snapshot.query(
        "SELECT category, max(elasticity) AS elasticity, max(recording) AS recording FROM seasons "
        "WHERE as_of = (SELECT max(as_of) FROM seasons) GROUP BY category"
    )
    return {
        name: {
            str(category): float(value)
            for category, value in zip(rows["category"], rows[name], strict=True)
            if pd.notna(value)
        }
        for name in ("elasticity", "recording")
    }


def _asked(snapshot: Snapshot, alerts: pd.DataFrame) -> pd.DataFrame:
    """alert_id, asks: how many asked again for what an alert of asking was about."""
    rows = alerts[alerts["rule"] == "asked_not_found"]
    if rows.empty:
        return pd.DataFrame(columns=["alert_id", "asks"])
    first, last = rows["begins"].min().date(), rows["ends"].max().date()
    asked = snapshot.query(
        "SELECT store_id AS store, style_id AS style, text, requested_on, units FROM requests "
        f"WHERE requested_on BETWEEN DATE '{first}' AND DATE '{last}'"
    )
    asked = asked.assign(day=_stamps(asked["requested_on"]), text=asked["text"].fillna("").str.casefold())
    counted = [
        (row["alert_id"], float(asked.loc[_asks_for(asked, row), "units"].sum()))
        for row in rows.to_dict("records")
    ]
    return pd.DataFrame(counted, columns=["alert_id", "asks"])


def _asks_for(asked: pd.DataFrame, alert: Mapping[Any, Any]) -> pd.Series:
    here: pd.Series[bool] = asked["day"].between(alert["begins"], alert["ends"])
    if alert["store"]:
        here &= asked["store"] == alert["store"]
    words = str(alert["words"]).casefold().split()
    if words:
        said = [all(word in text for word in words) for text in asked["text"]]
        here &= pd.Series(said, index=asked.index, dtype=bool)
    else:
        here &= asked["style"] == alert["style"]
    return here


def _prices(session: Session, skus: Iterable[str]) -> dict[str, float]:
    rows = session.execute(
        select(Product.sku, Product.regular_price).where(Product.sku.in_(sorted(set(skus))))
    )
    return {sku: float("nan") if price is None else float(price) for sku, price in rows}


def record_outcomes(session: Session, outcomes: pd.DataFrame, alerts: pd.DataFrame) -> int:
    """Keep the verdicts of some alerts; of one that has its outcome already the first one stands.

    Args:
        session: of a write transaction.
        outcomes: as `forecaster.outcomes.judge_outcomes` gives them.
        alerts: alert_id, ends.

    Returns:
        How many were kept.
    """
    if outcomes.empty:
        return 0
    known = set(
        session.scalars(
            select(AlertOutcome.alert_id).where(AlertOutcome.alert_id.in_(outcomes["alert_id"].tolist()))
        )
    )
    ends = alerts.set_index("alert_id")["ends"]
    rows = [
        AlertOutcome(
            alert_id=int(row["alert_id"]),
            verdict=OutcomeVerdict(row["verdict"]),
            judged_on=row["judged_on"].date(),
            ended_on=ends[row["alert_id"]].date(),
            reason=row["reason"],
            money_happened=_money(row["money_happened"]),
            money_recovered=_money(row["money_recovered"]),
            lead_days=None if pd.isna(row["lead_days"]) else int(row["lead_days"]),
            **{
                name: round(float(row[name]), 2)
                for name in ("units_happened", "units_recovered", "customers_happened", "customers_recovered")
            },
        )
        for row in outcomes.to_dict("records")
        if row["alert_id"] not in known
    ]
    session.add_all(rows)
    return len(rows)


def _money(amount: float) -> Decimal:
    return Decimal(f"{amount:.2f}")


def record_effort(session: Session, rows: pd.DataFrame, *, business_date: date) -> int:
    """Keep how far customers of a night had to go, in the place of what was kept of that night.

    Args:
        session: of a write transaction.
        rows: store ('' for the chain), stores, miles, found, demand; need ('' for all) if it is there.
        business_date: the night.

    Returns:
        How many rows were kept.
    """
    session.execute(delete(StoreEffort).where(StoreEffort.business_date == business_date))
    told = rows if "need" in rows.columns else rows.assign(need="")
    kept = [
        {
            "business_date": business_date,
            "store_id": str(row["store"]),
            "need": str(row["need"]),
            "stores_visited": round(float(row["stores"]), 4),
            "miles": round(float(row["miles"]), 4),
            "found": round(float(row["found"]), 4),
            "units": round(float(row["demand"]), 4),
        }
        for row in told.to_dict("records")
    ]
    if kept:
        session.execute(insert(StoreEffort), kept)
    return len(kept)


def effort_over_time(
    session: Session, *, store_id: str = "", need: str = "", since: date | None = None
) -> list[StoreEffort]:
    """The nights' efforts of a store, or of the whole chain, in order of their dates."""
    statement = select(StoreEffort).where(StoreEffort.store_id == store_id, StoreEffort.need == need)
    if since is not None:
        statement = statement.where(StoreEffort.business_date >= since)
    return list(session.scalars(statement.order_by(StoreEffort.business_date)))


def record_missed(session: Session, losses: pd.DataFrame) -> int:
    """Keep losses that no alert foretold; what is kept already stays.

    Args:
        session: of a write transaction.
        losses: rule, store, style, season_code, category, ended_on (date), units, customers, money.
    """
    place = ["rule", "store_id", "style_id", "season_code", "ended_on"]
    named = losses.rename(columns={"store": "store_id", "style": "style_id"})
    if named.empty:
        return 0
    days = named["ended_on"].unique().tolist()
    columns = [getattr(MissedLoss, name) for name in place]
    known = {tuple(row) for row in session.execute(select(*columns).where(MissedLoss.ended_on.in_(days)))}
    rows = [
        MissedLoss(
            **{name: row[name] for name in (*place, "category")},
            units=round(float(row["units"]), 2),
            customers=round(float(row["customers"]), 2),
            money=_money(row["money"]),
        )
        for row in named.to_dict("records")
        if tuple(row[name] for name in place) not in known
    ]
    session.add_all(rows)
    return len(rows)


def told_places(session: Session, rules: Sequence[str], *, first: date, last: date) -> pd.DataFrame:
    """rule, store, style of the alerts that people had before them in some of those days."""
    statement = select(Alert.rule, Alert.store_id, Alert.style_id).where(
        Alert.rule.in_(rules),
        Alert.store_id.is_not(None),
        and_(Alert.opened_on.is_not(None), Alert.opened_on <= last),
        or_(Alert.closed_on.is_(None), Alert.closed_on >= first),
    )
    return pd.DataFrame(
        session.execute(statement).all(), columns=["rule", "store", "style"]
    ).drop_duplicates()


def judged_alerts(session: Session) -> pd.DataFrame:
    """Every outcome with what its alert was about.

    Returns:
        alert_id, rule, store, style, category, raised_on, ended_on (datetime64), status, dismissed_as ('' =
        not), verdict, reason, units_told, units_happened, units_recovered, customers_happened,
        customers_recovered, money_happened, money_recovered, lead_days (NaN where nothing happened).
    """
    figures = (
        "units_happened", "units_recovered", "customers_happened", "customers_recovered", "money_happened",
        "money_recovered", "lead_days",
    )  # fmt: skip
    statement = select(
        Alert.alert_id, Alert.rule, func.coalesce(Alert.store_id, ""), Alert.style_id, Alert.category,
        Alert.opened_on, AlertOutcome.ended_on, Alert.status, Alert.dismissed_as, AlertOutcome.verdict,
        AlertOutcome.reason, Alert.units_lost, *(getattr(AlertOutcome, name) for name in figures),
    ).join(AlertOutcome, AlertOutcome.alert_id == Alert.alert_id)  # fmt: skip
    columns = [
        "alert_id", "rule", "store", "style", "category", "raised_on", "ended_on", "status", "dismissed_as",
        "verdict", "reason", "units_told", *figures,
    ]  # fmt: skip
    frame = pd.DataFrame(session.execute(statement.order_by(Alert.alert_id)).all(), columns=columns)
    return frame.assign(
        raised_on=_stamps(frame["raised_on"]),
        ended_on=_stamps(frame["ended_on"]),
        dismissed_as=[str(reason) if reason else "" for reason in frame["dismissed_as"]],
        status=frame["status"].astype(str),
        verdict=frame["verdict"].astype(str),
        **{name: frame[name].astype("float64") for name in ("units_told", *figures)},
    )


def missed_frame(session: Session) -> pd.DataFrame:
    """Every loss that no alert foretold: rule, store, style, category, ended_on, units, customers, money."""
    columns = ["rule", "store_id", "style_id", "category", "ended_on", "units", "customers", "money"]
    statement = select(*(getattr(MissedLoss, name) for name in columns))
    frame = pd.DataFrame(session.execute(statement).all(), columns=columns)
    named = frame.rename(columns={"store_id": "store", "style_id": "style"})
    return named.assign(
        ended_on=_stamps(named["ended_on"]),
        **{name: named[name].astype("float64") for name in ("units", "customers", "money")},
    )


def dismissed_as_wrong(session: Session) -> pd.DataFrame:
    """Alerts that somebody called an error of the data: alert_id, rule, store, style, category, raised_on."""
    statement = select(
        Alert.alert_id, Alert.rule, func.coalesce(Alert.store_id, ""), Alert.style_id, Alert.category,
        Alert.opened_on,
    ).where(Alert.status == Status.DISMISSED, Alert.dismissed_as == DismissReason.DATA_ERROR)  # fmt: skip
    columns = ["alert_id", "rule", "store", "style", "category", "raised_on"]
    return pd.DataFrame(session.execute(statement.order_by(Alert.alert_id)).all(), columns=columns)
