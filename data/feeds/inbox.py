"""Files that wait in a folder: found by name, imported in the order in which they depend on each other."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from data.errors import BusyError, InSeasonError
from data.feeds.loading import WAIT_SECONDS, import_feed
from data.feeds.rejects import unused
from data.feeds.reports import Refusal
from data.feeds.specs import FEEDS
from data.feeds.waiting import REASON_ENDING, unknown_files, waiting_files

if TYPE_CHECKING:
    from pathlib import Path

    from data.clock import Clock
    from data.database import Database
    from data.feeds.loading import FactsWriter
    from data.feeds.reports import ImportReport, Progress
    from data.settings import Settings

_log = logging.getLogger(__name__)

__all__ = ["ingest_waiting", "unknown_files", "waiting_files"]


def ingest_waiting(
    inbox: Path,
    *,
    database: Database,
    facts: FactsWriter,
    settings: Settings,
    clock: Clock,
    progress: Progress | None = None,
    wait_seconds: float = WAIT_SECONDS,
) -> list[ImportReport | Refusal]:
    """Import what waits, and move each file to `done` or `refused` within the inbox.

    A refused file has its reason beside it, in a file of the same name that ends in .reason.txt. A file is
    moved only after it was loaded: if the process dies between the two it is loaded again, which changes
    nothing. Whatever goes wrong with one file keeps no other from being loaded, and is not met again the
    next night.

    Raises:
        BusyError: when another import or night does not end in time; the files stay where they are.
        OperationalError: when the database cannot be reached, which no file is to blame for; they stay too.
    """
    outcomes: list[ImportReport | Refusal] = []
    for kind, path in waiting_files(inbox):
        try:
            report = import_feed(
                kind,
                path,
                database=database,
                facts=facts,
                settings=settings,
                clock=clock,
                progress=progress,
                wait_seconds=wait_seconds,
            )
        except (BusyError, OperationalError):
            raise
        except InSeasonError as error:
            outcomes.append(_refuse(path, str(error)))
        except Exception as error:  # noqa: BLE001  # one file must not end every night to come
            _log.exception("%s could not be imported", path.name)
            outcomes.append(_refuse(path, _unforeseen(path, error)))
        else:
            _move(path, inbox / "done")
            outcomes.append(report)
    kinds = ", ".join(FEEDS)
    for path in unknown_files(inbox):
        says = f"{path.name} was not taken: its name says no kind; call it KIND.csv or KIND_anything.csv"
        outcomes.append(_refuse(path, f"{says} with one of {kinds}."))
    return outcomes


def _unforeseen(path: Path, error: Exception) -> str:
    return (
        f"{path.name} was not taken: loading it failed in a way that was not foreseen "
        f"({type(error).__name__}); the log tells where. Put it into the inbox again when that is mended."
    )


def _refuse(path: Path, reason: str) -> Refusal:
    moved = _move(path, path.parent / "refused")
    moved.with_name(f"{moved.name}{REASON_ENDING}").write_text(f"{reason}\n", encoding="utf-8")
    return Refusal(path, reason, moved)


def _move(path: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return path.rename(unused(folder / path.name))
