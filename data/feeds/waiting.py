"""What lies in the inbox: files that wait, and files that were refused, with the reason of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from data.feeds.specs import FEEDS

if TYPE_CHECKING:
    from pathlib import Path

REASON_ENDING: Final = ".reason.txt"
_UNFINISHED: Final = (".part", ".tmp")
_ENDINGS: Final = (".csv", ".csv.gz")
_LONGEST_REASON: Final = 2_000


@dataclass(frozen=True)
class WaitingFile:
    """A file that waits for the night; `kind` is None where its name says none, and it will be refused."""

    name: str
    kind: str | None
    size: int
    since: datetime


@dataclass(frozen=True)
class RefusedFile:
    """A file that was not taken, and why."""

    name: str
    reason: str
    since: datetime


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


def what_waits(inbox: Path) -> list[WaitingFile]:
    """Every file that the next night will look at, in the order in which it does."""
    named = [*waiting_files(inbox), *((None, path) for path in unknown_files(inbox))]
    told = []
    for kind, path in named:
        try:
            about = path.stat()
        except OSError:
            # Taken by a night at this very moment.
            continue
        told.append(WaitingFile(path.name, kind, about.st_size, datetime.fromtimestamp(about.st_mtime, UTC)))
    return told


def lately_refused(inbox: Path, most: int) -> list[RefusedFile]:
    """The files that were refused last, the newest first."""
    folder = inbox / "refused"
    if not folder.is_dir():
        return []
    newest = sorted(folder.glob(f"*{REASON_ENDING}"), key=_since, reverse=True)[:most]
    return [RefusedFile(path.name.removesuffix(REASON_ENDING), _text(path), _since(path)) for path in newest]


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


def _since(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return datetime.fromtimestamp(0, UTC)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:_LONGEST_REASON].strip()
    except OSError:
        return ""
