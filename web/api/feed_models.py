"""How the API writes a feed, a file on its way in, and a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from data.feeds.specs import FEEDS
from data.records import RunKind, RunState, UploadState
from web.api.models import Day, Instant, Model, Paged, Text, units

if TYPE_CHECKING:
    from collections.abc import Mapping

    from data.feeds.freshness import Freshness
    from data.records import Run, Upload

CSV: Final = "text/csv"
GZIP: Final = "application/gzip"
LATE_NAMED: Final = 20

_RUN: Final[dict[str, Any]] = {
    "run_id": 341,
    "kind": "import",
    "business_date": None,
    "feed": "sales",
    "state": "succeeded",
    "started_at": "2026-06-14T04:00:03Z",
    "finished_at": "2026-06-14T04:00:09Z",
    "summary": "sales from sales.csv: 12,400 rows loaded, 3 rejected.",
    "steps": [],
}
_UPLOAD: Final[dict[str, Any]] = {
    "upload_id": 19,
    "feed": "sales",
    "file_name": "sales.csv",
    "state": "checked",
    "uploaded_at": "2026-06-14T08:00:00Z",
    "expires_at": "2026-06-15T08:00:00Z",
    "run_id": None,
    "rows_read": 12403,
    "rows_good": 12400,
    "rows_rejected": 3,
    "faults": [{"line": 17, "column": "units", "reason": "'x' is no whole number", "rows": 3}],
    "notes": [],
    "warnings": [],
    "changes": None,
    "days": {
        "pairs": 60,
        "stores": 20,
        "first": "2026-06-11",
        "last": "2026-06-13",
        "fresh": 40,
        "changed": 2,
        "same": 18,
        "rows_before": 4100,
        "rows_after": 12400,
        "units_before": 5210.0,
        "units_after": 15720.0,
    },
}
_FEED: Final[dict[str, Any]] = {
    "kind": "sales",
    "may_upload": True,
    "newest": "2026-06-13",
    "stores": 20,
    "late_stores": 1,
    "late": [{"store_id": "TUC-01", "newest": "2026-06-10"}],
    "as_of": "2026-06-13",
    "last_run_id": 341,
    "last_run_state": "succeeded",
    "last_run_at": "2026-06-14T04:00:03Z",
}


def _true_or_false(value: Any) -> Any:
    if value not in ("true", "false", True, False):
        raise ValueError("is neither true nor false")
    return value in ("true", True)


class Delivery(Model):
    """How a file is taken."""

    dry_run: Annotated[bool, BeforeValidator(_true_or_false)] = Field(
        default=False, description="Only tell what the file would change; load it afterwards, or do not."
    )
    file_name: Text = Field("", max_length=120, description="What you call it, for the history of runs.")


class LateStoreRow(Model):
    """A store whose figures are late."""

    store_id: str
    newest: Day


class FeedRow(Model):
    """One feed, as the newest night saw it."""

    kind: Literal[tuple(FEEDS)]  # type: ignore[valid-type]  # the kinds stand in one place
    may_upload: bool = Field(description="Whether you may load files of it.")
    newest: Day | None = Field(description="The newest day of any store; None of what is not sent by day.")
    stores: int = Field(description="How many stores send it.")
    late_stores: int
    late: list[LateStoreRow] = Field(description=f"The first {LATE_NAMED} of those, longest late first.")
    as_of: Day | None = Field(description="The night that saw it so.")
    last_run_id: int | None = Field(description="The last import of it.")
    last_run_state: RunState | None
    last_run_at: Instant | None


class FeedList(Model):
    """All feeds."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_FEED]}]})

    items: list[FeedRow]


class FaultRow(Model):
    """Why rows were rejected: one reason, the first line that has it, and how many rows do."""

    line: int
    column: str = Field(description="Blank where the whole row is wrong.")
    reason: str
    rows: int


class ChangedRecords(Model):
    """What became, or would become, of the records that a file is about; None where nobody knows before."""

    created: int | None
    changed: int | None
    unchanged: int | None
    removed: int | None


class CoveredDays(Model):
    """The store days that a file covers: those without rows yet, with other totals, and with the same."""

    pairs: int
    stores: int
    first: Day
    last: Day
    fresh: int
    changed: int
    same: int
    rows_before: int
    rows_after: int
    units_before: float
    units_after: float


class UploadWhole(Model):
    """A file that was looked at, and what loading it changes."""

    model_config = ConfigDict(json_schema_extra={"examples": [_UPLOAD]})

    upload_id: int
    feed: str
    file_name: str
    state: UploadState
    uploaded_at: Instant
    expires_at: Instant = Field(description="Until then it may be loaded.")
    run_id: int | None = Field(description="The import, once it is loaded.")
    rows_read: int
    rows_good: int
    rows_rejected: int
    faults: list[FaultRow] = Field(description="The most frequent reasons of rejected rows.")
    notes: list[str]
    warnings: list[str] = Field(description="What looks odd.")
    changes: ChangedRecords | None = Field(description="Of records; None for facts.")
    days: CoveredDays | None = Field(description="Of facts; None for records.")


class RunQuery(Paged):
    """Which runs."""

    kind: RunKind | None = Field(None, description="Only of this kind.")
    state: RunState | None = Field(None, description="Only those that stand so.")


class RunStepRow(Model):
    """One step of a run."""

    name: str
    state: RunState
    started_at: Instant
    finished_at: Instant | None
    rows: int | None
    outcome: str


class RunWhole(Model):
    """One night, import or backtest."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RUN]})

    run_id: int
    kind: RunKind
    business_date: Day | None = Field(description="Of a night.")
    feed: str | None = Field(description="Of an import.")
    state: RunState
    started_at: Instant
    finished_at: Instant | None
    summary: str
    steps: list[RunStepRow]


class RunPage(Model):
    """Runs, newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_RUN], "next": None}]})

    items: list[RunWhole]
    next: str | None = Field(description="The address of the next page; None on the last.")


def run_of(run: Run) -> RunWhole:
    """A run with its steps; where its files lie on the server is nobody's business."""
    own = {name: getattr(run, name) for name in RunWhole.model_fields if name != "steps"}
    steps = [
        RunStepRow(**{name: getattr(step, name) for name in RunStepRow.model_fields}) for step in run.steps
    ]
    return RunWhole(**own, steps=steps)


def upload_of(upload: Upload) -> UploadWhole:
    """A file that was looked at."""
    preview: Mapping[str, Any] = upload.preview
    own = ("upload_id", "feed", "file_name", "state", "uploaded_at", "expires_at", "run_id")
    told = ("rows_read", "rows_good", "rows_rejected", "notes", "warnings", "changes")
    days = preview["days"]
    return UploadWhole(
        **{name: getattr(upload, name) for name in own},
        **{name: preview[name] for name in told},
        faults=[FaultRow(**fault) for fault in preview["faults"]],
        days=_days(days) if days else None,
    )


def feed_of(kind: str, fresh: Freshness | None, last: Run | None, *, may_upload: bool) -> FeedRow:
    """A feed with how fresh it is and its last import."""
    late = fresh.late if fresh else ()
    return FeedRow(
        kind=kind,
        may_upload=may_upload,
        newest=fresh.newest if fresh else None,
        stores=fresh.stores if fresh else 0,
        late_stores=len(late),
        late=[LateStoreRow(store_id=store.store_id, newest=store.newest) for store in late[:LATE_NAMED]],
        as_of=fresh.business_date if fresh else None,
        last_run_id=last.run_id if last else None,
        last_run_state=last.state if last else None,
        last_run_at=last.started_at if last else None,
    )


def _days(given: Mapping[str, Any]) -> CoveredDays:
    told = {name: given[name] for name in CoveredDays.model_fields}
    return CoveredDays(**told | {name: units(given[name]) for name in ("units_before", "units_after")})
