"""What a file would change, told before anything does: rows, records or store days, and what looks odd."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from data.errors import FileRefusedError
from data.feeds.calendars import plan_calendar
from data.feeds.keyed import TABLES, Change, planned_changes
from data.feeds.loading import faults_told, keep_rejects, sort_out
from data.feeds.specs import FACT_KINDS
from data.run_queue import newest_closed_date

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from data.facts import FactsStore, Snapshot
    from data.feeds.checking import Checked
    from data.feeds.columns import FeedSpec
    from data.feeds.loading import Door
    from data.feeds.reports import Changes

_UNITS: Final = {
    "sales": "units", "stock": "coalesce(on_hand, in_stock)", "receipts": "units", "requests": "units",
}  # fmt: skip
_DAYS_TOLD: Final = 10
_NAMED: Final = 5
_USUAL: Final = timedelta(days=28)
_GAP: Final = timedelta(days=7)
_FAR_AHEAD: Final = timedelta(days=2 * 365)
_MISSING_SHARE: Final = 0.75
_TIMES: Final = 10
_REJECTED_SHARE: Final = 0.1
_HALF: Final = 0.5


@dataclass(frozen=True)
class StoreDay:
    """The rows and units of one store on one day, before and after."""

    day: str
    store_id: str
    rows_before: int
    rows_after: int
    units_before: float
    units_after: float


@dataclass(frozen=True)
class Days:
    """What a file of facts covers, and what stands there now.

    `fresh`, `changed` and `same` count store days without any rows yet, with other totals, with the same
    totals; `rows_*` and `units_*` are sums over all that it covers; `largest` the greatest differences.
    """

    pairs: int
    stores: int
    first: str
    last: str
    fresh: int
    changed: int
    same: int
    rows_before: int
    rows_after: int
    units_before: float
    units_after: float
    largest: tuple[StoreDay, ...]


@dataclass(frozen=True)
class Preview:
    """What loading a file would do now.

    `changes` counts records, None for facts, of which `days` tells; `examples` are the first records that
    change; `faults` the reasons of rejected rows as `data.feeds.loading.faults_told` gives them; `warnings`
    sentences about what looks odd.
    """

    rows_read: int
    rows_good: int
    rows_rejected: int
    faults: Sequence[dict[str, Any]]
    notes: Sequence[str]
    warnings: Sequence[str]
    changes: Changes | None = None
    examples: Sequence[Change] = ()
    days: Days | None = None
    rejects: str | None = field(default=None, repr=False)

    def as_json(self) -> dict[str, Any]:
        """As plain values, but for where its rejected rows are."""
        told = asdict(self)
        del told["rejects"]
        return told


@dataclass(frozen=True)
class _Before:
    """What the four weeks before a file's first day hold: units per store and day, by store; the last day."""

    usual: pd.Series
    newest: date | None


def preview_feed(door: Door, facts: FactsStore, *, own_categories: Collection[str] | None = None) -> Preview:
    """Read and check a file and tell what loading it would change; only the rejected rows are written.

    Args:
        door: the file and all that an import has to hand.
        facts: where sales, stock, receipts and requests are read.
        own_categories: the only categories that the file may be about; None for any.

    Raises:
        FileRefusedError: when the file as a whole cannot be taken.
    """
    raw, checked = sort_out(door)
    if own_categories is not None:
        _require_own(door, set(raw.cells["category"]) - {""}, own_categories)
    changes: Changes | None = None
    examples: Sequence[Change] = ()
    days: Days | None = None
    warnings = _of_rejects(raw.rows, checked)
    good = checked.good
    if door.spec.kind in FACT_KINDS and len(good):
        days, odd = _of_facts(door, facts.snapshot(), good)
        warnings += odd
    elif door.spec.kind in TABLES:
        changes, examples = planned_changes(door.database, door.spec, good)
        warnings += _of_records(changes)
    elif len(good):
        changes = plan_calendar(door.database, door.spec, good).changes
        warnings += [*_of_records(changes), *_far_ahead(door, good)]
    rejects = keep_rejects(door, raw, checked)
    return Preview(
        rows_read=raw.rows,
        rows_good=len(good),
        rows_rejected=int(checked.rejects["line"].nunique()),
        faults=faults_told(checked.rejects),
        notes=checked.notes,
        warnings=warnings,
        changes=changes,
        examples=examples,
        days=days,
        rejects=rejects.name if rejects else None,
    )


def _require_own(door: Door, found: Collection[str], own: Collection[str]) -> None:
    if others := sorted(set(found) - set(own)):
        named = ", ".join(others[:_NAMED])
        raise FileRefusedError(
            f"{door.name} was not taken: it holds rows of {named}, and your categories are "
            f"{', '.join(sorted(own))}; take those rows out, or ask an admin to load it."
        )


def _of_rejects(rows: int, checked: Checked) -> list[str]:
    lines = int(checked.rejects["line"].nunique())
    if lines <= _REJECTED_SHARE * rows:
        return []
    return [f"{lines:,} of {rows:,} rows are rejected; mend the export rather than load the rest."]


def _of_records(changes: Changes) -> list[str]:
    created, changed = changes.created or 0, changes.changed or 0
    unchanged, removed = changes.unchanged or 0, changes.removed or 0
    known = changed + unchanged + removed
    if removed > _HALF * known:
        return [f"It takes away {removed:,} of the {known:,} rows that stand there now."]
    if changed > _HALF * known and changed > _TIMES:
        return [f"It changes {changed:,} of the {known:,} records that it is about."]
    return [] if created or changed or removed else ["Nothing changes: all of it is known already."]


def _far_ahead(door: Door, good: pd.DataFrame) -> list[str]:
    limit = pd.Timestamp(door.clock.now().date() + _FAR_AHEAD)
    days = pd.concat([good[c.name] for c in door.spec.columns if c.kind == "date" and c.name in good])
    late = days[days > limit]
    return [f"It names days more than two years ahead, the last {late.max():%Y-%m-%d}."] if len(late) else []


def _of_facts(door: Door, snapshot: Snapshot, good: pd.DataFrame) -> tuple[Days, list[str]]:
    day, kind = door.spec.covers[0], door.spec.kind
    first, last = good[day].min().date(), good[day].max().date()
    both = _compared(door.spec, snapshot, good, first, last)
    days = _days(both, first, last)
    before = _before(kind, day, snapshot, first)
    with door.database.read() as session:
        closed = newest_closed_date(session, door.clock)
    odd = [
        *_of_days(door, first, last, closed, before.newest),
        *_of_stores(both, before.usual, kind),
        *_of_totals(both, before.usual),
        *_of_repeats(good),
    ]
    if days.same == days.pairs:
        odd.append("Nothing changes: every store and day in it has the same totals already.")
    return days, odd


def _compared(
    spec: FeedSpec, snapshot: Snapshot, good: pd.DataFrame, first: date, last: date
) -> pd.DataFrame:
    """day, store_id and, of what the file covers, rows and units before and after."""
    day = spec.covers[0]
    units = good["units"] if "units" in good else _column(good, "on_hand").fillna(_column(good, "in_stock"))
    after = (
        pd.DataFrame({"day": good[day], "store_id": good["store_id"], "units": units.astype("float64")})
        .groupby(["day", "store_id"])["units"]
        .agg(rows_after="size", units_after="sum")
        .reset_index()
    )
    # What was recorded in the app is not replaced.
    delivered = " AND request_id IS NULL" if spec.kind == "requests" else ""
    before = snapshot.query(
        f"SELECT {day} AS day, store_id, count(*) AS rows_before, "
        f"sum(CAST({_UNITS[spec.kind]} AS DOUBLE)) AS units_before FROM {spec.kind} "
        f"WHERE {_between(day, first, last)}{delivered} GROUP BY {day}, store_id"
    )
    before = before.assign(day=before["day"].astype(after["day"].dtype))
    both = after.merge(before, on=["day", "store_id"], how="left")
    return both.fillna({"rows_before": 0, "units_before": 0.0, "units_after": 0.0})


def _column(good: pd.DataFrame, name: str) -> pd.Series:
    return good[name].astype("Float64") if name in good else pd.Series(pd.NA, good.index, dtype="Float64")


def _between(day: str, first: date, last: date) -> str:
    return (
        f"{day} BETWEEN DATE '{first}' AND DATE '{last}' AND month BETWEEN '{first:%Y-%m}' AND '{last:%Y-%m}'"
    )


def _days(both: pd.DataFrame, first: date, last: date) -> Days:
    fresh = both["rows_before"] == 0
    same = ~fresh & (both["rows_before"] == both["rows_after"])
    same &= (both["units_before"] - both["units_after"]).abs() < 1e-6  # noqa: PLR2004  # sums of doubles
    changed = both[~fresh & ~same]
    by_size = (
        (changed["units_after"] - changed["units_before"]).abs().sort_values(ascending=False, kind="stable")
    )
    largest = changed.loc[by_size.index[:_DAYS_TOLD]]
    return Days(
        pairs=len(both),
        stores=int(both["store_id"].nunique()),
        first=first.isoformat(),
        last=last.isoformat(),
        fresh=int(fresh.sum()),
        changed=len(changed),
        same=int(same.sum()),
        rows_before=int(both["rows_before"].sum()),
        rows_after=int(both["rows_after"].sum()),
        units_before=round(float(both["units_before"].sum()), 2),
        units_after=round(float(both["units_after"].sum()), 2),
        largest=tuple(_store_day(row) for row in largest.to_dict("records")),
    )


def _store_day(row: dict[Any, Any]) -> StoreDay:
    return StoreDay(
        day=f"{row['day']:%Y-%m-%d}",
        store_id=str(row["store_id"]),
        rows_before=int(row["rows_before"]),
        rows_after=int(row["rows_after"]),
        units_before=round(float(row["units_before"]), 2),
        units_after=round(float(row["units_after"]), 2),
    )


def _before(kind: str, day: str, snapshot: Snapshot, first: date) -> _Before:
    span = _between(day, first - _USUAL, first - timedelta(days=1))
    usual = snapshot.query(
        f"SELECT store_id, sum(CAST({_UNITS[kind]} AS DOUBLE)) / count(DISTINCT {day}) AS units "
        f"FROM {kind} WHERE {span} GROUP BY store_id"
    )
    newest = snapshot.query(f"SELECT max({day}) AS newest FROM {kind} WHERE {day} < DATE '{first}'")[
        "newest"
    ][0]
    return _Before(
        usual.set_index("store_id")["units"], None if pd.isna(newest) else pd.Timestamp(newest).date()
    )


def _of_days(door: Door, first: date, last: date, closed: date, newest: date | None) -> list[str]:
    odd = []
    if door.spec.kind == "receipts":
        if last > door.clock.now().date() + _FAR_AHEAD:
            odd.append(f"It expects deliveries more than two years ahead, the last on {last}.")
    elif last > closed:
        odd.append(f"The day {last} is not over in every store yet; load it again when it is.")
    if newest is not None and first - newest > _GAP:
        odd.append(f"It begins on {first}, and the day before that is known is {newest}: days are missing.")
    return odd


def _of_stores(both: pd.DataFrame, usual: pd.Series, kind: str) -> list[str]:
    """Stores missing from new days, or that sent nothing before; a mere correction may name a few only."""
    expected, here = set(usual.index), set(both["store_id"])
    if not expected or not (both["rows_before"] == 0).any():
        return []
    odd = []
    missing = sorted(expected - here)
    if len(expected & here) < _MISSING_SHARE * len(expected):
        more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
        odd.append(
            f"Only {len(expected & here):,} of the {len(expected):,} stores that sent {kind} in the four "
            f"weeks before are in it; it lacks {', '.join(missing[:_NAMED])}{more}."
        )
    if len(fresh := here - expected) > _HALF * len(expected):
        odd.append(f"{len(fresh):,} of its {len(here):,} stores sent no {kind} in the four weeks before.")
    return odd


def _of_totals(both: pd.DataFrame, usual: pd.Series) -> list[str]:
    """Totals ten times as large or small as what they replace, or as what these stores usually send."""
    replaced = both[both["rows_before"] > 0]
    odd = []
    if _is_far(before := replaced["units_before"].sum(), after := replaced["units_after"].sum()):
        odd.append(
            f"Where it replaces something, {before:,.0f} units become {after:,.0f}; are the figures in "
            "pieces, and is each column the right one?"
        )
    fresh = both[both["rows_before"] == 0].merge(usual.rename("usual"), left_on="store_id", right_index=True)
    if _is_far(before := fresh["usual"].sum(), after := fresh["units_after"].sum()):
        odd.append(
            f"It holds {after:,.0f} units where these stores usually send {before:,.0f}; "
            "are the figures in pieces, and is each column the right one?"
        )
    return odd


def _of_repeats(good: pd.DataFrame) -> list[str]:
    """Rows that are added up by design, as tickets of one day are, look odd when most of them come twice."""
    repeated = int(good.duplicated().sum())
    if repeated < _HALF * _HALF * len(good):
        return []
    return [f"{repeated:,} of its rows repeat another in every cell and are added to it; was it sent double?"]


def _is_far(before: float, after: float) -> bool:
    return before > 0 and (after >= _TIMES * before or after * _TIMES <= before)
