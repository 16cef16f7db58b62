"""Files that wait in a folder: found by name, imported in the order in which they depend on each other."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import OperationalError

from data.errors import BusyError, InSeasonError
from data.feeds.loading import WAIT_SECONDS, import_feed
from data.feeds.rejects import unused
from data.feeds.reports import Refusal
from data.feeds.specs import FEEDS

if TYPE_CHECKING:
    from pathlib import Path

    from data.clock import Clock
    from data.database import Database
    from data.feeds.loading import FactsWriter
    from data.feeds.reports import ImportReport, Progress
    from data.settings import Settings

_log = logging.getLogger(__name__)

_UNFINISHED: Final = (".part", ".tmp")
_ENDINGS: Final = (".csv", ".csv.gz")


def waiting_files(inbox: Path) -> list[tuple[str, Path]]:
    """The files that can be imported, with their kinds: stores before products before what names them.

    A file is called KIND.csv or KIND_anything.csv, or the same with .gz. Files whose names begin with a dot
    or end in .part or .tmp are still being written and are left alone, so whoever delivers files should
    write under such a name and rename at the end.
    """
    order = list(FEEDS)
    found = [(kind, path) for path in _finished(inbox) if (kind := _kind(path))]
    return sorted(found, key=lambda waiting: (order.index(waiting[0]), waiting[1].name))


def unknown_files(inbox: Path) -> list[Path]:
    """The files whose names say no kind."""
    return [path for path in _finished(inbox) if not _kind(path)]


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


def _finished(inbox: Path) -> list[Path]:
    if not inbox.is_dir():
        return []
    return sorted(
        path
        for path in inbox.iterdir()
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith(_UNFINISHED)
    )


def _kind(path: Path) -> str | None:
    name = path.name.casefold()
    ending = next((ending for ending in _ENDINGS if name.endswith(ending)), None)
    if ending is None:
        return None
    kind = name.removesuffix(ending).partition("_")[0]
    return kind if kind in FEEDS else None


def _unforeseen(path: Path, error: Exception) -> str:
    return (
        f"{path.name} was not taken: loading it failed in a way that was not foreseen "
        f"({type(error).__name__}); the log tells where. Put it into the inbox again when that is mended."
    )


def _refuse(path: Path, reason: str) -> Refusal:
    moved = _move(path, path.parent / "refused")
    moved.with_name(f"{moved.name}.reason.txt").write_text(f"{reason}\n", encoding="utf-8")
    return Refusal(path, reason, moved)


def _move(path: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return path.rename(unused(folder / path.name))
