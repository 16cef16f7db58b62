"""From the rows that make up a loss to findings: sums, remedies, the day to act by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.codes import EXIT_BEFORE_DEMAND_ENDS
from forecaster.evidence import STRONGEST_FIRST, Evidence
from forecaster.findings import DAYS, STORE, iso_day, no_findings, reason_of, severity
from forecaster.impact import BY_REMEDY, BY_TIME, share_within
from forecaster.rules.figures import figures_of_rows, sizes_of_places, sizes_of_rows
from forecaster.rules.reading import DAY, codes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from forecaster.rules.reading import Reading

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

_UNITS: Final = (
    "lost", "demand", "customers", "customers_this_week", "money", "margin", "winnable_money", *BY_TIME,
    *BY_REMEDY,
)  # fmt: skip
_BULK: Final = 0.5
_NO_DAYS: Final = 9999
_WEEK_DAYS: Final = 7


def worth_looking(claims: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Claims whose loss could be worth telling: units, and as a share of the demand they are part of."""
    total = claims.groupby(["rule", "place"])[["lost", "demand"]].transform("sum")
    told: pd.DataFrame = claims[_lasts(total.assign(category=claims["category"]), reading)]
    return told.reset_index(drop=True)


def findings(
    claims: pd.DataFrame, reading: Reading, zones: Mapping[str, str], *, transit_days: int
) -> pd.DataFrame:
    """One finding per rule, store, style and season of which enough can still be won.

    Args:
        claims: rows of `reading` with rule, lost, own, sent, the remedies, first_loss, calendar_by,
            demand_ends, horizon_ends.
        reading: whose thresholds hold.
        zones: climate zone by store.
        transit_days: of a piece sent from elsewhere.

    Returns:
        `FINDING_COLUMNS`.
    """
    summed = _summed(_weighed(claims, reading))
    strong = enough_to_win(summed, reading) & ~_gone_and_unseen(summed, reading)
    summed = summed.assign(weak=~strong)[_sure(summed, reading)]
    if summed.empty:
        return no_findings()
    kept = claims[pd.MultiIndex.from_frame(claims[["rule", "place"]]).isin(summed.index)]
    behind = sizes_of_rows(kept, reading.products)
    own = figures_of_rows(kept, reading.products)
    sizes: list[Any] = [behind[key] for key in summed.index]
    figures: list[Any] = [
        {**_remedies(*row), **own.get(key, {})}
        for key, *row in summed[["own", "sent", "wait"]].itertuples(name=None)
    ]
    act_by = _act_by(summed, reading, transit_days)
    return _as_findings(summed.assign(act_by=act_by, sizes=sizes, figures=figures), reading, zones)


def plan_findings(claims: pd.DataFrame, reading: Reading, zones: Mapping[str, str]) -> pd.DataFrame:
    """One finding per season whose plan another beats by enough; weak once it is too late to change it.

    Args:
        claims: as `plan_claims` gives them.
        reading: whose thresholds hold.
        zones: climate zone by store.

    Returns:
        `FINDING_COLUMNS`.
    """
    if claims.empty:
        return no_findings()
    in_time = (claims["act_by"] > reading.today).to_numpy()
    weak = ~(enough_to_win(claims, reading) & in_time)
    # A better plan wins customers over a season; nobody is known to leave without this week.
    claims = claims.assign(weak=weak, customers_this_week=0.0)
    claims = claims[_sure(claims, reading) & _lasts(claims, reading)]
    if claims.empty:
        return no_findings()
    behind = sizes_of_places(claims, reading)
    figures: list[Any] = [_of_plan(row) for row in claims.to_dict("records")]
    summed = claims.assign(figures=figures).set_index(["rule", "place"])
    sizes: list[Any] = [behind[key] for key in summed.index]
    return _as_findings(summed.assign(sizes=sizes), reading, zones)


def _of_plan(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The better plan: what it changes and what that wins."""
    return {
        "plan": None if pd.isna(row["plan"]) else str(row["plan"]),
        "plan_weeks": None if pd.isna(row["plan_weeks"]) else int(row["plan_weeks"]),
        "first_markdown": iso_day(row["first_markdown"]),
        "peak_week": iso_day(row["peak_week"]),
        "margin_won": float(row["margin"]),
        "customers_won": float(row["customers_won"]),
    }


def _remedies(own: float, sent: float, wait: float) -> dict[str, Any]:
    """What the recoverable units are made of, and the lead time of the quickest order."""
    return {"own_stock": own, "from_elsewhere": sent, "lead_days": wait if np.isfinite(wait) else None}


def _weighed(claims: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Claims with customers, money and margin, and their units by time."""
    lost = claims["lost"]
    customers = lost * claims["share_lost"]
    week = claims["week"].to_numpy().astype("datetime64[D]")
    soon = share_within(week, np.datetime64(reading.today, "D"), _WEEK_DAYS)
    winnable = claims["recoverable_units"] + claims["reorderable_units"]
    by_time = {name: lost.where(claims["phase"] == phase, 0.0) for name, phase in BY_TIME.items()}
    return claims.assign(
        customers=customers,
        customers_this_week=customers * soon,
        money=lost * claims["price"].fillna(0.0),
        margin=lost * (claims["price"] - claims["cost"]),
        priced=claims["price"].notna() & (lost > 0),
        costed=(claims["price"] - claims["cost"]).notna() | (lost <= 0),
        winnable_money=winnable * claims["price"].fillna(0.0),
        loss_week=claims["week"].where(lost > 0),
        wait=claims["lead_days"].where(lost > 0),
        **by_time,
    )


def _summed(weighed: pd.DataFrame) -> pd.DataFrame:
    """Sums and firsts by rule and place."""
    key = ["rule", "place"]
    each = weighed.groupby(key, sort=True, observed=True)
    summed = each.agg(
        **{name: (name, "sum") for name in (*_UNITS, "own", "sent")},
        **{name: (name, "first") for name in ("store", "style", "season", "category", "exit", "floor_set")},
        **{name: (name, "min") for name in ("calendar_by", "first_loss", "wait")},
        **{name: (name, "max") for name in ("horizon_ends", "demand_ends", "priced")},
        first_week=("loss_week", "min"),
        costed=("costed", "min"),
    )
    by_label = [
        weighed["lost"].where(weighed["evidence"] == rank, 0.0) for rank in range(len(STRONGEST_FIRST))
    ]
    so_far = np.cumsum(
        [part.groupby([weighed[name] for name in key]).sum().reindex(summed.index) for part in by_label],
        axis=0,
    )
    reached = so_far > _BULK * summed["lost"].to_numpy()
    return summed.assign(
        evidence=reached.argmax(axis=0),
        margin=summed["margin"].where(summed["costed"]),
        winnable=summed["recoverable_units"] + summed["reorderable_units"],
    )


def enough_to_win(summed: pd.DataFrame, reading: Reading) -> Flags:
    """Whether enough can be won, and of a loss that is large enough, for somebody to be told.

    Args:
        summed: winnable, winnable_money, lost, demand, priced, category.
        reading: whose thresholds hold.
    """
    money = (summed["winnable_money"] >= reading.limit("min_money", summed)) | ~summed["priced"]
    enough = (summed["winnable"] >= reading.limit("min_units", summed)) & money
    return np.asarray(enough & (summed["lost"] >= reading.limit("min_lost_share", summed) * summed["demand"]))


def _gone_and_unseen(summed: pd.DataFrame, reading: Reading) -> Flags:
    """Whether the goods have left the floor and nobody in that climate has seen or asked for such weeks.

    Before an exit that is reason enough to keep some of them; to bring them back it is not.
    """
    after = summed.index.get_level_values("rule") == EXIT_BEFORE_DEMAND_ENDS
    unseen = summed["evidence"].to_numpy() > STRONGEST_FIRST.index(Evidence.REQUESTED)
    return np.asarray(after & unseen & (summed["exit"] <= reading.today).to_numpy())


def _lasts(summed: pd.DataFrame, reading: Reading) -> Flags:
    """Whether a loss is large enough for an alert about it not to be over, whatever can be done about it."""
    keep = reading.limit("keep_share", summed)
    part = reading.limit("min_lost_share", summed) * summed["demand"]
    return np.asarray(
        (summed["lost"] >= keep * reading.limit("min_units", summed)) & (summed["lost"] >= keep * part)
    )


def _sure(summed: pd.DataFrame, reading: Reading) -> Flags:
    """Whether the evidence is as strong as the policy asks for."""
    return np.asarray(summed["evidence"].to_numpy() <= reading.limits.weakest(codes(summed["category"])))


def _act_by(summed: pd.DataFrame, reading: Reading, transit_days: int) -> pd.Series[Any]:
    """The earliest day still ahead on which a remedy that wins enough helps in full for the last time.

    A date is moved by its own day, a piece sent its transit before the first loss, one ordered a lead time
    before it. Where no remedy alone wins enough, all that win something count; tomorrow, where each of their
    days has passed and every day that goes by costs some of what they win; no day, where nothing is won.
    """
    tomorrow = reading.today + DAY
    before = summed["first_loss"] - DAY
    sent_by = before - transit_days * DAY
    ordered_by = before - pd.to_timedelta(summed["wait"].clip(upper=_NO_DAYS), unit="D").dt.as_unit("s")
    wins = summed[["own", "sent", "reorderable_units"]].to_numpy()
    enough = wins >= reading.limit("min_units", summed)[:, None]
    counts = np.where(enough.any(axis=1, keepdims=True), enough, wins > 0)
    days = pd.concat([summed["calendar_by"], sent_by, ordered_by], axis=1, keys=range(3))
    first = days.where(counts & (days >= tomorrow).to_numpy()).min(axis=1)
    return first.fillna(tomorrow).where(np.asarray(counts.any(axis=1)))


def _as_findings(summed: pd.DataFrame, reading: Reading, zones: Mapping[str, str]) -> pd.DataFrame:
    rule = summed.index.get_level_values("rule")
    store = summed["store"].astype("str").to_numpy(dtype=object)
    category = summed["category"].astype("str").to_numpy(dtype=object)
    left = (summed["act_by"] - reading.today).dt.days.to_numpy()
    label = np.array([str(each) for each in STRONGEST_FIRST], dtype=object)[summed["evidence"]]
    policies = reading.limits.policies
    frame = pd.DataFrame(
        {
            "rule": rule.to_numpy(dtype=object),
            "scope": STORE,
            "store": store,
            "climate_zone": [zones[name] for name in store],
            "style": summed["style"].astype("str").to_numpy(dtype=object),
            "category": category,
            "season_code": summed["season"].astype("str").to_numpy(dtype=object),
            "units_lost": summed["lost"].to_numpy(),
            "customers_lost": summed["customers"].to_numpy(),
            "customers_this_week": summed["customers_this_week"].to_numpy(),
            "money_lost": summed["money"].to_numpy(),
            "margin_lost": summed["margin"].to_numpy(),
            **{name: summed[name].to_numpy() for name in (*BY_TIME, *BY_REMEDY, "winnable_money")},
            "demand_units": summed["demand"].to_numpy(),
            "on_hand": [sum(line["on_hand"] for line in lines) for lines in summed["sizes"]],
            "in_transit": [sum(line["in_transit"] for line in lines) for lines in summed["sizes"]],
            **{name: summed[name].to_numpy() for name in DAYS},
            "severity": [
                severity(*row)
                for row in zip(
                    summed["winnable"].tolist(),
                    summed["winnable_money"].tolist(),
                    left.tolist(),
                    label.tolist(),
                    [policies.of(kind) for kind in category],
                    strict=True,
                )
            ],
            "evidence": label,
            "weak": summed["weak"].to_numpy(),
            "sizes": summed["sizes"].to_numpy(),
            "figures": summed["figures"].to_numpy(),
        }
    )
    return frame.assign(reason=[reason_of(row) for row in frame.to_dict("records")])
