"""A calendar file read and not loaded: for a look at what its dates would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.errors import FileRefusedError
from data.feeds.checking import check
from data.feeds.faults import frequent
from data.feeds.loading import facts_frame
from data.feeds.reading import read_feed
from data.feeds.references import load_references
from data.feeds.reports import FAULTS_SHOWN
from data.feeds.specs import FEEDS
from data.selling_windows import SCOPES

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import pandas as pd

    from data.database import Database
    from data.feeds.reports import Fault
    from data.settings import Settings


@dataclass(frozen=True)
class CalendarFile:
    """The windows of a calendar file.

    `windows`: category, season_code, floor_set, exit (datetime64), climate_zone, store_id, style_id ('' =
    all), as `data.selling_windows.calendar_frame` gives those of the records. `rows_rejected` rows are not
    among them; `faults` say why, the most frequent first.
    """

    windows: pd.DataFrame
    rows_rejected: int
    faults: tuple[Fault, ...]


def read_calendar(path: Path, *, database: Database, settings: Settings, today: date) -> CalendarFile:
    """Read a calendar file as `inseason import calendar` would, and load nothing.

    Raises:
        FileRefusedError: the file as a whole cannot be taken, or not one of its rows.
    """
    spec = FEEDS["calendar"]
    try:
        raw = read_feed(spec, path)
        checked = check(spec, raw, load_references(database), settings=settings, today=today)
    except FileRefusedError as error:
        raise FileRefusedError(f"{path.name} was not taken: {error}.") from error
    faults = frequent(checked.rejects, FAULTS_SHOWN)
    if checked.good.empty:
        told = "; ".join(f"line {fault.line}: {fault.reason}" for fault in faults)
        raise FileRefusedError(f"{path.name} was not taken: none of its rows is good ({told}).")
    rows = facts_frame(spec, checked.good)
    windows = rows[["category", "season_code", "floor_set", "exit", *SCOPES]]
    texts = ["category", "season_code", *SCOPES]
    windows = windows.assign(**{name: windows[name].fillna("").astype("str") for name in texts})
    return CalendarFile(windows, int(checked.rejects["line"].nunique()), faults)
