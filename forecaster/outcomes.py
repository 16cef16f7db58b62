"""Was an alert right: what became of what it foretold, by written rules, from sales, stock and requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.codes import (
    ASKED_NOT_FOUND,
    EXIT_BEFORE_DEMAND_ENDS,
    FEED_LATE,
    FLOOR_SET_AFTER_DEMAND_STARTS,
    MARKDOWN_BEFORE_PEAK,
    PHANTOM_STOCK,
    STOCK_OUTLASTS_SEASON,
    WATCHED,
    OutcomeVerdict,
)
from forecaster.frames import days, numbers, require_columns, require_unique

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

OUTCOME_COLUMNS: Final = (
    "alert_id", "verdict", "judged_on", "reason", "units_happened", "units_recovered", "customers_happened",
    "customers_recovered", "money_happened", "money_recovered", "lead_days",
)  # fmt: skip

OFF_THE_FLOOR: Final = frozenset({EXIT_BEFORE_DEMAND_ENDS, FLOOR_SET_AFTER_DEMAND_STARTS})
"""Rules about weeks in which nothing hangs there: other stores or customers must say what was wanted."""

HALF: Final = 0.5
"""An alert was right from this share of its policy's minimum on: a threshold is no border of the two."""

FULL_PRICE: Final = 0.95
"""From this share of the regular price on a piece counts as sold at full price."""

# What is sold beside what was foretold says how right the level was; so many units of doubt it has to beat.
_LEVEL_DOUBT: Final = 5.0
# Fewer units expected of all shelves that were open say nothing about the others.
_LEAST_WITNESSED: Final = 3.0
_WEEK: Final = 7
_DAY: Final = np.timedelta64(1, "D")


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """What is known after the window of some alerts, as plain frames.

    Attributes:
        as_of: last business date known.
        alerts: alert_id, rule, category, climate_zone, raised_on (day people were told), begins, ends (first
            and last day of its window, see `windows_of`), units (told lost), customers (told lost), least
            (units from which it has happened, see `least_units`), left_out (whether its store sent figures
            too late for the window).
        sizes: alert_id, store, sku, price (regular; NaN unknown): what the alert named.
        weeks: store, sku, week (first day), demand (units foretold of the whole week at regular price),
            exposure (share of the week on which it could be bought), units (sold), price_ratio, requests
            (asked for and not found), on_hand (at the week's end, NaN unknown). A week without a row had
            nothing on the shelf and no sale; its demand counts as none.
        witnesses: category, climate_zone, week, expected (units foretold of what was on show in the zone, at
            the price it had), sold.
        acts: alert_id, kind, store, sku (blank: every size of the alert), units (brought; inf where it is no
            matter of pieces), since, until (days between which a sale counts as won by it; until NaT = the
            end of the window), worth (share of the regular price that each such sale brings).
        asked: alert_id, asks: customers who asked for it again, of alerts about what they ask for.
        missing: alert_id, missing: whether figures were lacking indeed, of alerts of late feeds; False for a
            store that had closed.
        elasticity: by category: demand moves with price_ratio ** -elasticity.
        recording: by category: share of disappointed customers who were written down (1 where unknown).
    """

    as_of: date
    alerts: pd.DataFrame
    sizes: pd.DataFrame
    weeks: pd.DataFrame
    witnesses: pd.DataFrame
    acts: pd.DataFrame
    asked: pd.DataFrame
    missing: pd.DataFrame
    elasticity: Mapping[str, float] = field(default_factory=dict)
    recording: Mapping[str, float] = field(default_factory=dict)


def windows_of(alerts: pd.DataFrame, *, asked_weeks: int = 4) -> pd.DataFrame:
    """The first and last day on which what an alert foretold can come.

    After an exit: from the day after it until demand ends. Before a floor-set: until the day before it. A cut
    before the peak: from the cut until demand ends or the exit, whichever is sooner. Stock that outlasts its
    season: the exit. What customers ask for: the weeks that the rule counts. A late feed: the day itself.
    All others: the horizon that the alert looked at. Never before the day after it was raised.

    Args:
        alerts: rule, raised_on, floor_set, exit, first_week, horizon_ends, demand_ends (NaT: none).
        asked_weeks: how many weeks of requests a rule counts.

    Returns:
        begins, ends (datetime64), indexed as `alerts`; ends is NaT where the alert says no end.
    """
    require_columns(
        alerts,
        "alerts",
        ["rule", "raised_on", "floor_set", "exit", "first_week", "horizon_ends", "demand_ends"],
    )
    rule, day = alerts["rule"], pd.Timedelta(days=1)
    tomorrow = alerts["raised_on"] + day
    until = alerts["demand_ends"].where(~(alerts["exit"] < alerts["demand_ends"]), alerts["exit"])
    begins = pd.Series(tomorrow).mask(rule == EXIT_BEFORE_DEMAND_ENDS, alerts["exit"] + day)
    begins = begins.mask(rule == MARKDOWN_BEFORE_PEAK, alerts["first_week"])
    begins = begins.mask(rule == STOCK_OUTLASTS_SEASON, alerts["exit"]).mask(begins.isna(), tomorrow)
    begins = begins.where(begins > tomorrow, tomorrow)
    ends = alerts["horizon_ends"].fillna(until)
    ends = ends.mask(rule == EXIT_BEFORE_DEMAND_ENDS, alerts["demand_ends"])
    ends = ends.mask(rule == FLOOR_SET_AFTER_DEMAND_STARTS, alerts["floor_set"] - day)
    ends = ends.mask(rule == MARKDOWN_BEFORE_PEAK, until).mask(rule == STOCK_OUTLASTS_SEASON, alerts["exit"])
    ends = ends.mask(rule == ASKED_NOT_FOUND, alerts["raised_on"] + asked_weeks * 7 * day)
    return pd.DataFrame({"begins": begins, "ends": ends.mask(rule == FEED_LATE, tomorrow)})


def judge_outcomes(after: Aftermath) -> pd.DataFrame:
    """A verdict on every alert given.

    With w the share of a week within the window, e its exposure, D what was foretold and v the correction of
    its level, the units that were wanted and not served are

        U = sum over the named sizes and the window's weeks of  v D w (1 - e)

    where v = (sold + 5) / (expected + 5): on the floor of the named sizes themselves while they hung there,
    off the floor of every shelf of the category in the zone that was on show in the same weeks, "expected"
    at the price it had. Off the floor, where fewer than 3 units were expected of open shelves, the requests
    stand for the witnesses (requests / recording share, at most what was foretold); where there are none of
    those either, nobody can tell.

    ``happened`` when U is at least ``least``; ``averted`` when somebody acted and what he brought sold: at
    least one piece, and as many as were still missed; else ``did_not_happen``. Of the other rules,
    `markdown_before_peak` counts what was sold below 95% of the regular price, as it would have sold in full;
    `stock_outlasts_season` what was left at the exit; `phantom_stock` what was wanted until the first sale,
    none when something was sold in the first two weeks without a count; `asked_not_found` the customers who
    asked again; `feed_late` has happened unless its store had closed.

    Returns:
        alert_id, verdict, judged_on, reason (``code:key=value;...``), units_happened, units_recovered,
        customers_happened, customers_recovered (in the ratio told), money_happened, money_recovered (at
        regular price), lead_days (from raised_on to the first loss; NaN where nothing happened).

    Raises:
        PanelError: a frame lacks a column, repeats a key or holds a value that cannot be worked with.
    """
    _check(after)
    alerts = after.alerts.reset_index(drop=True)
    if alerts.empty:
        return pd.DataFrame(columns=list(OUTCOME_COLUMNS))
    lines = _lines(after, alerts)
    happened, known = _happened(after, alerts, lines)
    recovered = _recovered(after, alerts, lines)
    ratio = np.divide(
        alerts["customers"], alerts["units"], out=np.ones(len(alerts)), where=(alerts["units"] > 0).to_numpy()
    )
    verdict = _verdicts(happened["units"].to_numpy(), recovered["units"].to_numpy(), alerts["least"], known)
    told = alerts.assign(
        verdict=verdict,
        judged_on=pd.Timestamp(after.as_of),
        units_happened=happened["units"].to_numpy(),
        units_recovered=recovered["units"].to_numpy(),
        customers_happened=happened["units"].to_numpy() * ratio,
        customers_recovered=recovered["units"].to_numpy() * ratio,
        money_happened=happened["money"].to_numpy(),
        money_recovered=recovered["money"].to_numpy(),
        lead_days=(happened["first"] - alerts["raised_on"]).dt.days.where(
            happened["units"] >= alerts["least"]
        ),
    )
    told["reason"] = _reasons(told, known, happened)
    return told[list(OUTCOME_COLUMNS)]


def _check(after: Aftermath) -> None:
    columns = ["alert_id", "rule", "category", "climate_zone", "raised_on", "begins", "ends"]
    require_columns(after.alerts, "alerts", [*columns, "units", "customers", "least", "left_out"])
    require_unique(after.alerts, "alerts", ["alert_id"])
    require_columns(after.sizes, "sizes", ["alert_id", "store", "sku", "price"])
    require_columns(after.weeks, "weeks", ["store", "sku", "week", *_WEEKLY])
    require_unique(after.weeks, "weeks", ["store", "sku", "week"])
    require_columns(after.witnesses, "witnesses", ["category", "climate_zone", "week", "expected", "sold"])
    require_columns(
        after.acts, "acts", ["alert_id", "kind", "store", "sku", "units", "since", "until", "worth"]
    )
    require_columns(after.asked, "asked", ["alert_id", "asks"])
    require_columns(after.missing, "missing", ["alert_id", "missing"])
    for name in ("demand", "exposure", "units", "requests"):
        numbers(after.weeks, "weeks", name, low=0)
    for name in ("raised_on", "begins", "ends"):
        days(after.alerts, "alerts", name)


_WEEKLY: Final = ("demand", "exposure", "units", "price_ratio", "requests", "on_hand")


def _lines(after: Aftermath, alerts: pd.DataFrame) -> pd.DataFrame:
    """One row per alert, named size and known week, with the share of the week inside the alert's window."""
    place = alerts[["alert_id", "rule", "category", "climate_zone", "raised_on", "begins", "ends"]]
    rows = place.reset_index(names="row").merge(after.sizes, on="alert_id")
    rows = rows.merge(after.weeks[["store", "sku", "week", *_WEEKLY]], on=["store", "sku"])
    first = np.maximum(rows["week"].to_numpy("datetime64[D]"), rows["begins"].to_numpy("datetime64[D]"))
    last = np.minimum(
        rows["week"].to_numpy("datetime64[D]") + 6 * _DAY, rows["ends"].to_numpy("datetime64[D]")
    )
    share = np.clip((last - first) / _DAY + 1, 0, None) / _WEEK
    beta = rows["category"].map(dict(after.elasticity)).fillna(0.0).to_numpy(dtype=np.float64)
    pull = rows["price_ratio"].to_numpy(dtype=np.float64) ** -beta
    return rows.assign(
        share=share,
        first=first.astype("datetime64[s]"),
        pull=pull,
        expected=rows["demand"] * rows["exposure"] * pull,
        price=rows["price"].fillna(0.0),
    )


def _happened(after: Aftermath, alerts: pd.DataFrame, lines: pd.DataFrame) -> tuple[pd.DataFrame, Flags]:
    """units, money and first day of what happened to each alert, and whether anybody can know."""
    inside = lines[lines["share"] > 0]
    level, known = _levels(after, alerts, lines, inside)
    wanted = inside["demand"] * inside["share"] * (1 - inside["exposure"])
    units = wanted * level[inside["row"]]
    units = units.mask(inside["rule"] == MARKDOWN_BEFORE_PEAK, _sold_at_a_cut(inside))
    units = units.mask(inside["rule"] == STOCK_OUTLASTS_SEASON, inside["on_hand"].fillna(0.0))
    quiet = _quiet(inside, after.acts)
    units = units.mask(inside["rule"] == PHANTOM_STOCK, inside["demand"] * inside["share"] * quiet)
    summed = _summed(inside, units, len(alerts))
    asked = alerts["alert_id"].map(after.asked.groupby("alert_id")["asks"].sum()).fillna(0.0)
    about_asking = (alerts["rule"] == ASKED_NOT_FOUND).to_numpy()
    summed.loc[about_asking, "units"] = asked[about_asking]
    came = after.missing.loc[~after.missing["missing"].astype(bool), "alert_id"]
    late = (alerts["rule"] == FEED_LATE).to_numpy()
    summed.loc[late, "units"] = alerts["least"].where(~alerts["alert_id"].isin(came), 0.0)[late]
    summed["first"] = summed["first"].fillna(alerts["begins"])
    return summed, known & ~alerts["left_out"].to_numpy(dtype=bool)


def _levels(
    after: Aftermath, alerts: pd.DataFrame, lines: pd.DataFrame, inside: pd.DataFrame
) -> tuple[Floats, Flags]:
    """Of each alert, how wrong the level foretold was, and whether there was anything to tell it by."""
    n = len(alerts)
    off = alerts["rule"].isin(OFF_THE_FLOOR).to_numpy()
    near = lines[(lines["week"] <= lines["ends"])]
    own_sold = _sum(near["row"], near["units"], n)
    own_expected = _sum(near["row"], near["expected"], n)
    seen = _witnessed(after, alerts)
    sold, expected = np.where(off, seen["sold"], own_sold), np.where(off, seen["expected"], own_expected)
    level = (sold + _LEVEL_DOUBT) / (expected + _LEVEL_DOUBT)
    requests = _sum(inside["row"], inside["requests"] * inside["share"].gt(0), n)
    recorded = alerts["category"].map(dict(after.recording)).fillna(1.0).to_numpy(dtype=np.float64)
    missed = _sum(inside["row"], inside["demand"] * inside["share"] * (1 - inside["exposure"]), n)
    asked = np.divide(requests / recorded, missed, out=np.zeros(n), where=missed > 0)
    witnessed = expected >= _LEAST_WITNESSED
    level = np.where(off & ~witnessed, np.minimum(asked, 1.0), level)
    return level, ~off | witnessed | (requests > 0)


def _witnessed(after: Aftermath, alerts: pd.DataFrame) -> pd.DataFrame:
    """What was expected and sold of all open shelves of each alert's category and zone in its weeks."""
    rows = alerts[["category", "climate_zone", "begins", "ends"]].reset_index(names="row")
    shown = after.witnesses.astype({"week": "datetime64[s]", "expected": "float64", "sold": "float64"})
    rows = rows.merge(shown, on=["category", "climate_zone"])
    # The week in which the floor was cleared would make every store a witness of its own last days.
    during = (rows["week"] >= rows["begins"]) & (rows["week"] <= rows["ends"])
    sums = rows[during].groupby("row")[["expected", "sold"]].sum()
    return sums.reindex(range(len(alerts)), fill_value=0.0)


def _sold_at_a_cut(inside: pd.DataFrame) -> pd.Series[float]:
    """What was sold at a cut, as so many would have bought in full."""
    return (inside["units"] / inside["pull"]).where(inside["price_ratio"] < FULL_PRICE, 0.0)


def _quiet(inside: pd.DataFrame, acts: pd.DataFrame) -> pd.Series[float]:
    """1 for the weeks of a shelf before its first sale, 0 from there on and where one came within two weeks.

    A sale after somebody counted says nothing against the alert: there was nothing before.
    """
    sold = inside["week"].where(inside["units"] > 0)
    first = sold.groupby([inside["row"], inside["store"], inside["sku"]]).transform("min")
    counted = pd.to_datetime(inside["alert_id"].map(acts.groupby("alert_id")["since"].min().to_dict()))
    soon = (first < inside["raised_on"] + pd.Timedelta(days=14)) & ~(counted <= first + pd.Timedelta(days=6))
    before = first.isna() | (inside["week"] < first)
    return (before & ~soon).astype(float)


def _recovered(after: Aftermath, alerts: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Units and money that people's decisions brought and that sold afterwards."""
    n = len(alerts)
    days = {"since": "datetime64[s]", "until": "datetime64[s]"}
    acts = after.acts.astype(days).reset_index(drop=True).reset_index(names="act")
    each = acts.drop(columns=["store", "sku", "units"]).assign(of_store=acts["store"], of_sku=acts["sku"])
    both = lines.merge(each, on="alert_id")
    mine = ((both["of_sku"] == "") | (both["of_sku"] == both["sku"])) & (
        (both["of_store"] == "") | (both["of_store"] == both["store"])
    )
    until = both["until"].fillna(both["ends"])
    during = (both["week"] + pd.Timedelta(days=6) >= both["since"]) & (both["week"] <= until)
    sold = both[mine & during].groupby("act").agg(row=("row", "first"), units=("units", "sum"))
    told = acts.merge(sold, on="act", suffixes=("_brought", "")).assign(
        units=lambda rows: np.minimum(rows["units"], rows["units_brought"])
    )
    price = after.sizes.groupby("alert_id")["price"].mean().fillna(0.0)
    money = told["units"] * told["worth"] * told["alert_id"].map(price).fillna(0.0)
    found = pd.DataFrame({"units": _sum(told["row"], told["units"], n), "money": _sum(told["row"], money, n)})
    return _less_left_over(found, alerts, lines, acts, price)


def _less_left_over(
    found: pd.DataFrame,
    alerts: pd.DataFrame,
    lines: pd.DataFrame,
    acts: pd.DataFrame,
    price: pd.Series[float],
) -> pd.DataFrame:
    """Of stock that was to be left over, what is not there any more once somebody acted."""
    left = _sum(lines["row"], lines["on_hand"].fillna(0.0).where(lines["share"] > 0, 0.0), len(alerts))
    concerned = (alerts["rule"] == STOCK_OUTLASTS_SEASON) & alerts["alert_id"].isin(acts["alert_id"])
    gone = (alerts["units"] - left).clip(lower=0.0)
    worth = alerts["alert_id"].map(acts.groupby("alert_id")["worth"].min()).fillna(1.0)
    money = gone * worth * alerts["alert_id"].map(price).fillna(0.0)
    return found.mask(concerned, pd.DataFrame({"units": gone, "money": money}))


def _verdicts(happened: Floats, recovered: Floats, least: pd.Series[float], known: Flags) -> list[str]:
    enough = happened >= least.to_numpy()
    averted = (recovered >= 1) & (~enough | (recovered >= happened))
    choices = [averted, ~known, enough]
    names = [OutcomeVerdict.AVERTED, OutcomeVerdict.CANNOT_TELL, OutcomeVerdict.HAPPENED]
    return [
        str(each)
        for each in np.select(choices, [str(name) for name in names], str(OutcomeVerdict.DID_NOT_HAPPEN))
    ]


def _reasons(told: pd.DataFrame, known: Flags, happened: pd.DataFrame) -> list[str]:
    late = told["left_out"].to_numpy(dtype=bool)
    off = told["rule"].isin(OFF_THE_FLOOR).to_numpy()
    basis = np.select([late, ~known, off], ["no_figures", "no_witness", "witnesses"], "shelves")
    return [
        f"{verdict}:by={by};units={units:.1f};least={least:.1f};recovered={won:.1f};first={first:%Y-%m-%d}"
        for verdict, by, units, least, won, first in zip(
            told["verdict"],
            basis,
            told["units_happened"],
            told["least"],
            told["units_recovered"],
            happened["first"],
            strict=True,
        )
    ]


def _summed(inside: pd.DataFrame, units: pd.Series[float], n: int) -> pd.DataFrame:
    first = inside["first"].where(units > 0).groupby(inside["row"]).min()
    return pd.DataFrame(
        {
            "units": _sum(inside["row"], units, n),
            "money": _sum(inside["row"], units * inside["price"], n),
            "first": first.reindex(range(n)),
        }
    )


def _sum(row: pd.Series[int], values: pd.Series[float], n: int) -> Floats:
    total = np.bincount(row.to_numpy(dtype=np.intp), weights=values.to_numpy(dtype=np.float64), minlength=n)
    return np.asarray(total, dtype=np.float64)


SUMMARY_COLUMNS: Final = (
    "judged", "happened", "averted", "did_not_happen", "cannot_tell", "missed", "precision", "recall",
    "cannot_tell_share", "lead_days", "units_happened", "units_recovered", "money_recovered",
    "customers_turned_away", "customers_won_back", "customers_lost",
)  # fmt: skip


def summarise_outcomes(judged: pd.DataFrame, missed: pd.DataFrame, by: str = "") -> pd.DataFrame:
    """How right alerts were and what they won, over all or by one of their columns.

        precision = (happened + averted) / (happened + averted + did not happen)
        recall    = (happened + averted) / (happened + averted + missed),  of the rules of ``WATCHED`` only

    What cannot be told counts in neither; its share of all is told beside them.

    Args:
        judged: one row per outcome: rule, verdict, units_happened, units_recovered, money_recovered,
            customers_happened, customers_recovered, lead_days, and the column `by`.
        missed: one row per loss that no alert spoke of: rule, customers, and the column `by`.
        by: what to tell apart; blank for one row over all.

    Returns:
        by (unless blank), then ``SUMMARY_COLUMNS``: counts, shares (NaN where there is nothing to tell them
        by), median lead in days, units, money at regular price, and customers: turned away (foretold or not),
        won back by what people did, and lost. Sorted by `by`.
    """
    key = [by] if by else ["all"]
    judged, missed = (frame.assign(**{} if by else {"all": ""}) for frame in (judged, missed))
    counts = pd.crosstab(judged[key[0]], judged["verdict"]).reindex(columns=[str(v) for v in OutcomeVerdict])
    groups = counts.index.union(pd.Index(missed[key[0]].unique()))
    counts = counts.reindex(groups).fillna(0).astype(int)
    figures = ["units_happened", "units_recovered", "money_recovered"]
    figures += ["customers_happened", "customers_recovered"]
    # Nobody knows what it was: it counts neither as lost nor as won.
    known = judged[judged["verdict"] != OutcomeVerdict.CANNOT_TELL]
    sums = known.groupby(key)[figures].sum().reindex(groups, fill_value=0.0)
    unseen = missed.groupby(key)["customers"].agg(["size", "sum"]).reindex(groups, fill_value=0)
    right = counts["happened"] + counts["averted"]
    watched = judged[judged["rule"].isin(WATCHED)]
    told = watched["verdict"].isin([OutcomeVerdict.HAPPENED, OutcomeVerdict.AVERTED])
    seen = told.groupby(watched[key[0]]).sum().reindex(groups, fill_value=0)
    lost = sums["customers_happened"] + unseen["sum"]
    table = counts.assign(
        judged=counts.sum(axis=1),
        missed=unseen["size"],
        precision=_share(right, right + counts["did_not_happen"]),
        recall=_share(seen, seen + unseen["size"]),
        cannot_tell_share=_share(counts["cannot_tell"], counts.sum(axis=1)),
        lead_days=known.groupby(key)["lead_days"].median().reindex(groups),
        **{name: sums[name] for name in figures[:3]},
        customers_turned_away=lost + sums["customers_recovered"],
        customers_won_back=sums["customers_recovered"],
        customers_lost=lost,
    )
    table.columns.name = None
    told_by = table.rename_axis(key[0]).reset_index()
    return told_by[[*([by] if by else []), *SUMMARY_COLUMNS]]


def _share(part: pd.Series[Any], whole: pd.Series[Any]) -> pd.Series[float]:
    return part / whole.where(whole > 0)
