"""Dates that can still be moved: what a draft calendar would turn away, from the records or from a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import select

from data.errors import InSeasonError
from data.feeds.calendar_files import read_calendar
from data.records import Run, RunKind, RunState, WindowStatus
from data.selling_windows import calendar_frame
from forecaster import group_findings
from forecaster.rules.draft import HORIZON_WEEKS
from jobs.tonight import Night

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from data.feeds.calendar_files import CalendarFile
    from jobs.service import Service

_FILE_WIDTH: Final = 240
_HEADINGS: Final = (
    "zone", "category", "season", "what", "date", "wanted", "units", "money", "stores", "move it by"
)  # fmt: skip
_SHOWN: Final = (
    "scope", "store", "climate_zone", "category", "style", "season_code", "rule", "floor_set", "exit",
    "demand_ends", "first_week", "units_lost", "customers_lost", "money_lost", "margin_lost", "evidence",
    "act_by", "reason",
)  # fmt: skip


_AMOUNTS: Final = ("units_lost", "customers_lost", "money_lost", "margin_lost")


@dataclass(frozen=True)
class CalendarCheck:
    """What a calendar file would do, as known on a night: zones first, then their stores."""

    business_date: date
    file: CalendarFile
    found: pd.DataFrame


def check_file(service: Service, path: Path) -> CalendarCheck:
    """Check a calendar file against the newest night's forecasts; nothing is loaded.

    Raises:
        InSeasonError: no night has run yet.
        FileRefusedError: the file cannot be taken.
    """
    with service.database.read() as session:
        run = session.scalars(
            select(Run)
            .where(Run.kind == RunKind.NIGHT, Run.state == RunState.SUCCEEDED)
            .order_by(Run.business_date.desc())
            .limit(1)
        ).first()
    if run is None or run.business_date is None:
        raise InSeasonError("No night has run yet, so no demand is known: run `inseason nightly` first.")
    today = service.clock.now().date()
    file = read_calendar(path, database=service.database, settings=service.settings, today=today)
    outlook = Night(service, run.business_date, run.run_id).outlook
    # As when it is loaded: it takes the place of the seasons that it has, and the others stay around it.
    with service.database.read() as session:
        around = pd.concat([calendar_frame(session, status) for status in WindowStatus], ignore_index=True)
    return CalendarCheck(run.business_date, file, group_findings(outlook.checked(file.windows, around)))


def finding_rows(check: CalendarCheck) -> list[dict[str, Any]]:
    """The findings as plain JSON values, days as ISO text, those of most units first."""
    ordered = check.found.sort_values("units_lost", ascending=False)[list(_SHOWN)]
    days = [name for name in _SHOWN if pd.api.types.is_datetime64_any_dtype(ordered[name])]
    plain = ordered.assign(
        **{name: ordered[name].dt.strftime("%Y-%m-%d") for name in days},
        **{
            name: ordered[name].round(2)
            for name in ("units_lost", "customers_lost", "money_lost", "margin_lost")
        },
    ).astype(object)
    rows: list[dict[str, Any]] = plain.where(plain.notna(), None).to_dict("records")  # type: ignore[assignment]
    return rows


def print_check(check: CalendarCheck) -> None:
    """One line per zone, category and date; the stores are in the JSON."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH)
    for fault in check.file.faults:
        more = f" (and {fault.rows - 1:,} more such rows)" if fault.rows > 1 else ""
        console.print(f"  line {fault.line}: {escape(fault.reason)}{more}", highlight=False)
    ends = pd.Timestamp(check.business_date) + pd.Timedelta(weeks=HORIZON_WEEKS)
    beyond = int((check.file.windows["exit"] > ends).sum())
    if beyond:
        console.print(
            f"  {beyond:,} {'exit lies' if beyond == 1 else 'exits lie'} after {ends:%Y-%m-%d}, "
            "too far ahead to be looked at.",
            highlight=False,
        )
    zones = check.found[check.found["scope"] == "zone"].sort_values("money_lost", ascending=False)
    seen = f"{len(check.file.windows):,} windows, held against the forecasts of {check.business_date}"
    if zones.empty:
        console.print(f"{seen}: no date turns a material number of customers away.", highlight=False)
        return
    table = Table(box=None)
    for name in _HEADINGS:
        table.add_column(name, no_wrap=True)
    for row in zones.to_dict("records"):
        table.add_row(*map(escape, _line({str(name): value for name, value in row.items()})))
    console.print(table)
    units, money = zones["units_lost"].sum(), zones["money_lost"].sum()
    console.print(f"{seen}: {units:,.0f} units, ${money:,.0f} outside the selling windows.", highlight=False)


def _line(row: dict[str, Any]) -> list[str]:
    early = row["rule"] == "exit_before_demand_ends"
    moved, wanted = ("exit", "demand_ends") if early else ("floor_set", "first_week")
    return [
        str(row["climate_zone"]) or "chain",
        str(row["category"]),
        str(row["season_code"]).removeprefix("draft:"),
        "leaves too early" if early else "comes too late",
        _day(row[moved]),
        f"{'until' if early else 'from'} {_day(row[wanted])}",
        f"{row['units_lost']:,.0f}",
        f"${row['money_lost']:,.0f}",
        f"{row['figures'].get('stores', 0)}",
        _day(row["act_by"]),
    ]


def _day(value: Any) -> str:
    return "" if pd.isna(value) else f"{pd.Timestamp(value):%Y-%m-%d}"
