"""Was it right: the night's judgement of alerts whose time is over, and what all of them come to."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data.outcomes.aftermath import aftermath
from data.outcomes.due import alerts_to_judge
from data.outcomes.keeping import record_missed, record_outcomes
from data.outcomes.reading import dismissed_as_wrong, judged_alerts, missed_frame, told_places
from data.outcomes.waiting import SETTLES
from data.outcomes.weeks import bring_up_to_date
from data.policies import policies_in_force
from data.selling_windows import resolve
from forecaster.codes import (
    BROKEN_SIZE_RUN,
    EXIT_BEFORE_DEMAND_ENDS,
    PHANTOM_STOCK,
    STOCKOUT_IN_SEASON,
    OutcomeVerdict,
)
from forecaster.outcomes import judge_outcomes, summarise_outcomes
from forecaster.rules.seasons import ALL_YEAR

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from data.database import Database
    from data.facts import Snapshot
    from forecaster import Policies
    from jobs.tonight import Night

BY: Final = ("rule", "category", "store", "week", "month")
"""What a summary can be told by."""

_LOOK_WEEKS: Final = 4
# Blocks of weeks are counted from a Sunday, so that every night agrees on where they end.
_FIRST_BLOCK: Final = date(2000, 1, 2)
_FILE_WIDTH: Final = 200
_TELL_STOCKOUTS: Final = (STOCKOUT_IN_SEASON, BROKEN_SIZE_RUN, PHANTOM_STOCK)


def judge_alerts(night: Night) -> tuple[int, str]:
    """Give every alert whose window is over its outcome, and look for losses that nobody was told of.

    Returns:
        How many alerts were judged, and the sentence for the night's record.
    """
    database, day = night.service.database, night.business_date
    snapshot = night.snapshot
    with database.read() as session:
        alerts, sizes = alerts_to_judge(session, business_date=day)
        policies = policies_in_force(session)
        after = (
            aftermath(session, snapshot, alerts, sizes, policies=policies, business_date=day)
            if len(alerts)
            else None
        )
    judged = 0
    if after is not None:
        outcomes = judge_outcomes(after)
        with database.write() as session:
            judged = record_outcomes(session, outcomes, alerts)
    missed = _look_for_missed(database, snapshot, night, policies)
    bring_up_to_date(database, night.service.settings.week_starts_on)
    if not judged and not missed:
        return 0, "no alert's time was over"
    return judged, f"{judged} alerts judged, {missed} losses found that nobody was told of"


def _look_for_missed(database: Database, snapshot: Snapshot, night: Night, policies: Policies) -> int:
    """Losses of the last block of four weeks without an alert, once the block's figures have settled."""
    last = block_end(night.business_date)
    if (night.business_date - last) != SETTLES:
        return 0
    with database.read() as session:
        silent, sizes = _silent_places(session, snapshot, night, last)
        if silent.empty:
            return 0
        after = aftermath(
            session, snapshot, silent, sizes, policies=policies, business_date=night.business_date
        )
    losses = _losses(judge_outcomes(after), silent, policies)
    with database.write() as session:
        return record_missed(session, losses)


def block_end(business_date: date) -> date:
    """Last day of the newest block of four weeks whose figures have settled by then."""
    settled = business_date - SETTLES - _FIRST_BLOCK
    blocks = (settled.days + 1) // (7 * _LOOK_WEEKS)
    return _FIRST_BLOCK + timedelta(days=7 * _LOOK_WEEKS * blocks - 1)


def _silent_places(
    session: Session, snapshot: Snapshot, night: Night, last: date
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Styles of stores of which no alert spoke in a block, and on which days something may have been lost.

    In season these are the block's days between floor-set and exit; after an exit, the weeks that the policy
    looks at, in the block in which they end.

    Returns:
        As `data.outcomes.due.alerts_to_judge` gives alerts and sizes.
    """
    first = last - timedelta(days=7 * _LOOK_WEEKS - 1)
    policies = policies_in_force(session)
    series = _series(snapshot, night, first - timedelta(weeks=policies.default.exit_weeks_after), last)
    windows = resolve(night.trade.calendar, series).drop(columns="season_code")
    styles = series.drop(columns="sku").drop_duplicates()
    on = styles.merge(windows, on=["store_id", "style_id"], how="left").rename(
        columns={"store_id": "store", "style_id": "style"}
    )
    start, end = pd.Timestamp(first), pd.Timestamp(last)
    shown = on.assign(
        rule=STOCKOUT_IN_SEASON,
        begins=on["floor_set"].where(on["floor_set"] > start, start),
        ends=on["exit"].where(on["exit"] < end, end),
    )
    after = pd.to_timedelta(7 * policies.default.exit_weeks_after, unit="D")
    gone = on.assign(
        rule=EXIT_BEFORE_DEMAND_ENDS, begins=on["exit"] + pd.Timedelta(days=1), ends=on["exit"] + after
    )
    gone = gone[gone["ends"].between(start, end)]
    places = pd.concat([shown[shown["begins"] <= shown["ends"]], gone], ignore_index=True)
    places = places[~_spoken_of(session, places, first, last)].reset_index(drop=True)
    told = places.reset_index(names="alert_id").assign(
        parent_id=None, raised_on=places["begins"] - pd.Timedelta(days=1), units=1.0, customers=1.0, words=""
    )
    sizes = told[["alert_id", "store", "style"]].merge(
        series.rename(columns={"store_id": "store", "style_id": "style"})[["store", "style", "sku"]]
    )
    return told, sizes.drop(columns="style")


def _series(snapshot: Snapshot, night: Night, first: date, last: date) -> pd.DataFrame:
    """store_id, sku, style_id, category, climate_zone of what hung somewhere in some weeks."""
    rows = snapshot.query(
        "SELECT DISTINCT store_id, sku, category, climate_zone FROM panel "
        f"WHERE week BETWEEN DATE '{first}' AND DATE '{last}'"
    )
    return rows.merge(night.trade.products[["sku", "style_id"]], on="sku")


def _spoken_of(session: Session, places: pd.DataFrame, first: date, last: date) -> pd.Series:
    """Whether people had an alert of each place before them."""
    rules = (*_TELL_STOCKOUTS, EXIT_BEFORE_DEMAND_ENDS)
    early = first if places.empty else min(first, places["begins"].min().date())
    told = told_places(session, rules, first=early, last=last)
    named = told.assign(rule=told["rule"].where(~told["rule"].isin(_TELL_STOCKOUTS), STOCKOUT_IN_SEASON))
    keys = ["rule", "store", "style"]
    spoken = pd.MultiIndex.from_frame(places[keys]).isin(
        pd.MultiIndex.from_frame(named[keys].drop_duplicates())
    )
    return pd.Series(spoken, index=places.index)


def _losses(outcomes: pd.DataFrame, silent: pd.DataFrame, policies: Policies) -> pd.DataFrame:
    """Of what happened unforetold, what the policy would have told."""
    rows = silent.merge(outcomes, on="alert_id")
    limits = [policies.of(category) for category in rows["category"]]
    enough = (rows["units_happened"] >= [limit.min_units for limit in limits]) & (
        rows["money_happened"] >= [limit.min_money for limit in limits]
    )
    kept = rows[enough & (rows["verdict"] == OutcomeVerdict.HAPPENED)]
    return pd.DataFrame(
        {
            "rule": kept["rule"],
            "store": kept["store"],
            "style": kept["style"],
            "season_code": ALL_YEAR,
            "category": kept["category"],
            "ended_on": kept["ends"].dt.date,
            "units": kept["units_happened"],
            "customers": kept["customers_happened"],
            "money": kept["money_happened"],
        }
    )


def outcome_rows(database: Database, *, by: str = "rule") -> list[dict[str, Any]]:
    """The outcomes summed up by one of `BY`, and over all in a last row, as plain JSON values."""
    with database.read() as session:
        judged, missed = judged_alerts(session), missed_frame(session)
    judged, missed = (_with_periods(frame) for frame in (judged, missed))
    if judged.empty and missed.empty:
        return []
    each = summarise_outcomes(judged, missed, by)
    total = summarise_outcomes(judged, missed).assign(**{by: "all"})
    return _plain(pd.concat([each, total], ignore_index=True)[each.columns.tolist()])


def review_rows(database: Database) -> list[dict[str, Any]]:
    """False alarms, and alerts that somebody called an error of the data: what the policy should be held to.

    Returns:
        why (``data_error`` or ``did_not_happen``), rule, store, style, category, raised_on, units_told,
        units_happened, alert_id; most frequent rule and category first.
    """
    with database.read() as session:
        judged, wrong = judged_alerts(session), dismissed_as_wrong(session)
    false = judged[
        (judged["verdict"] == OutcomeVerdict.DID_NOT_HAPPEN) & ~judged["alert_id"].isin(wrong["alert_id"])
    ]
    columns = [
        "why",
        "rule",
        "store",
        "style",
        "category",
        "raised_on",
        "units_told",
        "units_happened",
        "alert_id",
    ]
    rows = pd.concat(
        [
            false.assign(why="did_not_happen"),
            wrong.assign(why="data_error", raised_on=_days(wrong["raised_on"])),
        ],
        ignore_index=True,
    ).reindex(columns=columns)
    often = rows.groupby(["rule", "category"])["alert_id"].transform("size")
    order = rows.assign(often=often).sort_values(
        ["often", "rule", "category", "raised_on"], ascending=[False, True, True, True], kind="stable"
    )
    return _plain(order[columns].assign(raised_on=order["raised_on"].dt.strftime("%Y-%m-%d")))


def _days(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column).astype("datetime64[s]")


def _with_periods(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the first day of the week and the month in which each row ended."""
    ended = frame["ended_on"]
    week = ended - pd.to_timedelta((ended.dt.day_of_week + 1) % 7, unit="D")
    return frame.assign(week=week.dt.strftime("%Y-%m-%d"), month=ended.dt.strftime("%Y-%m"))


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame.astype(object).where(frame.notna(), None).to_dict("records")  # type: ignore[assignment]
    return rows


def print_outcomes(rows: list[dict[str, Any]], *, by: str) -> None:
    """The summary as a table for people, with a line of what it came to."""
    console = _console()
    if not rows:
        console.print("No alert has been judged yet: an outcome is given a week after its time is over.")
        return
    table = Table(box=None)
    table.add_column(by, overflow="fold")
    for name in (
        "judged", "right", "averted", "false", "cannot tell", "missed", "precision", "recall", "lead days",
        "units lost", "units won", "money won",
    ):  # fmt: skip
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row, by))
    console.print(table)
    for row in rows if by == "month" else rows[-1:]:
        console.print(_customers(row, by), highlight=False)


def _cells(row: dict[str, Any], by: str) -> list[str]:
    return [
        # Names may hold square brackets, which the table would take for colours and drop.
        escape(str(row[by]) or "the chain"),
        *(f"{row[name]:,}" for name in ("judged", "happened", "averted", "did_not_happen")),
        f"{row['cannot_tell']:,} ({_percent(row['cannot_tell_share'])})",
        f"{row['missed']:,}",
        _percent(row["precision"]),
        _percent(row["recall"]),
        "" if row["lead_days"] is None else f"{row['lead_days']:.0f}",
        f"{row['units_happened']:,.0f}",
        f"{row['units_recovered']:,.0f}",
        f"${row['money_recovered']:,.0f}",
    ]


def _customers(row: dict[str, Any], by: str) -> str:
    """Customers turned away, won back and lost, in one line."""
    when = "In all" if row[by] == "all" else f"In {row[by]}"
    return (
        f"{when}: {row['customers_turned_away']:,.0f} customers turned away, "
        f"{row['customers_won_back']:,.0f} of them won back, {row['customers_lost']:,.0f} lost."
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def print_review(rows: list[dict[str, Any]]) -> None:
    """What to hold the policy to, as a table for people."""
    console = _console()
    if not rows:
        console.print("Nothing to review: no alert was false, and none was called an error of the data.")
        return
    table = Table(box=None)
    for name in ("alert", "why", "rule", "category", "store", "style", "raised on"):
        table.add_column(name, overflow="fold")
    for name in ("units told", "units lost"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        units = (
            "" if row[name] is None else f"{row[name]:,.1f}" for name in ("units_told", "units_happened")
        )
        table.add_row(
            str(row["alert_id"]),
            row["why"].replace("_", " "),
            row["rule"],
            *(escape(row[name]) for name in ("category", "store", "style")),
            row["raised_on"],
            *units,
        )
    console.print(table)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_FILE_WIDTH)
