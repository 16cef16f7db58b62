"""The table: each rule's alerts held against its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from benchmarks._alerts_events import wish_of
from forecaster import score_alerts
from forecaster.codes import (
    ASKED_NOT_FOUND,
    BROKEN_SIZE_RUN,
    FEED_LATE,
    MARKDOWN_BEFORE_PEAK,
    RULES,
    STOCK_OUTLASTS_SEASON,
    STOCKOUT_IN_SEASON,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks._alerts_events import Events
    from benchmarks._alerts_judge import Shelves
    from benchmarks._alerts_nights import Year

DEAD_SHARE: Final = 0.03
"""A day with less than this share of the demand of the highest day is dead season."""

_PLANS: Final = frozenset({MARKDOWN_BEFORE_PEAK, STOCK_OUTLASTS_SEASON})
_TOLD_TOGETHER: Final = frozenset({STOCKOUT_IN_SEASON, BROKEN_SIZE_RUN})
_DEMAND_FREE: Final = frozenset({FEED_LATE, ASKED_NOT_FOUND, STOCK_OUTLASTS_SEASON})


def raised_frame(year: Year) -> pd.DataFrame:
    """Every alert that people saw: one row each, those shown again after they had gone among them.

    `closed_on` is NaT for what was still live at the end, or, of a plan, left after its last day to act.
    """
    rows = pd.DataFrame(year.raised)
    details = rows.pop("details")
    day = {
        name: pd.to_datetime(details.map(lambda each, name=name: each.get(name))).astype("datetime64[s]")
        for name in ("first_week", "horizon_ends")
    }
    skus = details.map(lambda each: [line["sku"] for line in each.get("sizes", [])])
    words = details.map(lambda each: str((each.get("figures") or each).get("words") or "")).astype("str")
    # What was put in is called by its own name, whatever words an alert finds for it.
    words = words.map(lambda said: wish_of(said) or said)
    closed = pd.to_datetime(rows["alert_id"].map(year.closed)).astype("datetime64[s]")
    act_by = pd.to_datetime(rows["alert_id"].map(year.act_by)).astype("datetime64[s]")
    # A plan leaves when it can no longer be changed: people had been told all the same.
    closed = closed.where(~(rows["rule"].isin(_PLANS) & (closed > act_by)))
    ends = day["horizon_ends"].fillna(rows["demand_ends"]).fillna(rows["raised_on"] + pd.Timedelta(weeks=6))
    return rows.assign(
        skus=skus, words=words, closed_on=closed, first_week=day["first_week"], horizon_ends=ends
    )


def judged(raised: pd.DataFrame, events: Mapping[str, Events]) -> pd.DataFrame:
    """The alerts of stores and of the chain with the units that came after each, and whether it was right."""
    parts = []
    for rule, group in raised[raised["scope"] != "zone"].groupby("rule"):
        judge = events[str(rule)]
        came = judge.came(group)
        parts.append(group.assign(came=came, right=came >= judge.least(group)))
    return pd.concat(parts, ignore_index=True)


def told_events(alerts: pd.DataFrame, events: Events) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Losses and the alerts that were live before they were over, numbered alike, for `score_alerts`."""
    losses = events.rows.reset_index(drop=True).reset_index(names="event")
    both = alerts.merge(losses[[*events.on, "event", "begins", "ends"]], on=events.on)
    live = (both["raised_on"] <= both["ends"]) & ~(both["closed_on"] < both["begins"])
    return both[live], losses


def table(
    year: Year, alerts: pd.DataFrame, events: Mapping[str, Events], *, stores: int, weeks: int
) -> list[dict[str, Any]]:
    """One row per rule and one over all."""
    rows = []
    for rule in RULES:
        own = alerts[alerts["rule"] == rule]
        tellers = alerts[alerts["rule"].isin(_TOLD_TOGETHER)] if rule in _TOLD_TOGETHER else own
        told, losses = told_events(tellers, events[rule])
        due = losses[losses["due"]]
        score = score_alerts(
            told[["event", "raised_on", "units"]], due[["event", "begins", "ends", "units"]], on=["event"]
        )
        rows.append(
            {
                "rule": rule,
                "raised": len(own),
                "precision": float(own["right"].mean()) if len(own) else None,
                "recall": score.recall,
                "lead_days": _lead(own, events[rule]),
                "per_store_week": float((own["scope"] == "store").sum()) / (stores * weeks),
                "mails_per_person_week": None,
                "seconds": year.seconds.get(rule),
                "due": score.due,
                "told": score.told,
            }
        )
    return [*rows, _overall(rows, year, alerts, stores=stores, weeks=weeks)]


def _lead(alerts: pd.DataFrame, events: Events) -> float | None:
    """Median days from the first right alert of an event to its first loss."""
    told, _ = told_events(alerts[alerts["right"]], events)
    first = told.sort_values("raised_on").drop_duplicates("event")
    lead = (first["begins"] - first["raised_on"]).dt.days
    return float(lead.median()) if len(lead) else None


def _overall(
    rows: list[dict[str, Any]], year: Year, alerts: pd.DataFrame, *, stores: int, weeks: int
) -> dict[str, Any]:
    due, told = (sum(row[name] for row in rows) for name in ("due", "told"))
    return {
        "rule": "all",
        "raised": len(alerts),
        "precision": float(alerts["right"].mean()) if len(alerts) else None,
        "recall": told / due if due else None,
        "lead_days": None,
        "per_store_week": float((alerts["scope"] == "store").sum()) / (stores * weeks),
        "mails_per_person_week": len(year.mails) / (year.people * weeks) if year.people else None,
        "seconds": sum(year.seconds.values()),
        "due": due,
        "told": told,
    }


def dead_season(alerts: pd.DataFrame, shelves: Shelves) -> pd.DataFrame:
    """Alerts that speak of demand in days on which next to nobody wants the style."""
    place = pd.MultiIndex.from_frame(shelves.groups[["store_id", "style_id"]])
    asked = alerts[~alerts["rule"].isin(_DEMAND_FREE)]
    group = place.get_indexer(pd.MultiIndex.from_frame(asked[["store", "style"]]))
    wanted, t = shelves.group_wanted, len(shelves.days)
    start = asked["first_week"].fillna(asked["raised_on"])
    end = asked["demand_ends"].fillna(asked["horizon_ends"])
    end = end.where(~(asked["horizon_ends"] < end), asked["horizon_ends"])
    first, last = (
        ((day.to_numpy().astype("datetime64[D]") - shelves.days[0]).astype(int)) for day in (start, end)
    )
    dead = [
        row >= 0
        and begin < t
        and wanted[row, max(begin, 0) : max(until, begin) + 1].max(initial=0.0)
        < DEAD_SHARE * wanted[row].max()
        for row, begin, until in zip(group, first, last, strict=True)
    ]
    return asked[np.array(dead, dtype=bool)]


def flapping(raised: pd.DataFrame, *, days: int = 14) -> int:
    """Alerts that had gone and came back within so many days more than once."""
    ordered = raised.sort_values(["alert_id", "raised_on"])
    back = ordered[ordered["again"]]
    soon = ordered.groupby("alert_id")["raised_on"].diff() <= pd.Timedelta(days=days)
    return int((soon[back.index].groupby(back["alert_id"]).sum() > 1).sum())


def mistakes(alerts: pd.DataFrame, events: Mapping[str, Events], shelves: Shelves) -> None:
    """Print, by rule and category, how many alerts were wrong and how many due events nobody was told of."""
    styles = shelves.groups.drop_duplicates("style_id").set_index("style_id")["category"]
    for rule in RULES:
        own = alerts[alerts["rule"] == rule]
        tellers = alerts[alerts["rule"].isin(_TOLD_TOGETHER)] if rule in _TOLD_TOGETHER else own
        told, losses = told_events(tellers, events[rule])
        untold = losses[losses["due"] & ~losses["event"].isin(told["event"])]
        kinds = untold["style"].map(styles) if "style" in untold else pd.Series("", index=untold.index)
        counts = pd.DataFrame(
            {
                "raised": own.groupby("category").size(),
                "wrong": (~own["right"]).groupby(own["category"]).sum(),
                "untold": kinds.value_counts(),
            }
        )
        print(f"{rule}\n{counts.fillna(0).astype(int).to_string() if len(counts) else 'nothing'}\n")
