"""Files that people bring: kept under a name of ours, looked at, loaded or thrown away, and forgotten."""

from __future__ import annotations

import gzip
import hashlib
import logging
import secrets
import threading
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from data.errors import BusyError, ConflictError, FileRefusedError, InSeasonError, NotYoursError
from data.feeds.specs import FEEDS
from data.locks import only_writer
from data.records import UPLOAD_LASTS, CalendarVersion, Role, Run, Upload, UploadState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

    from sqlalchemy.orm import Session

    from data.clock import Clock
    from data.database import Database
    from data.feeds.previews import Preview
    from data.feeds.reports import ImportReport
    from data.records import Person
    from data.settings import Settings

WAIT_SECONDS: Final = 5.0
"""How long somebody at a page waits for another import or a night to end."""

CALENDAR_FEEDS: Final = ("calendar", "markdowns")
"""What a merchandiser may bring: the calendar is theirs. Everything else is an admin's."""

_MEGABYTE: Final = 1024 * 1024
_CHUNK: Final = 1024 * 1024
_GZIP_MAGIC: Final = b"\x1f\x8b"
_LONGEST_NAME: Final = 120
_PATIENCE_SECONDS: Final = 20.0
# A file takes many times its size while it is read, so a process looks at one at a time.
_LOOKING: Final = threading.Lock()
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Desk:
    """What looking at and loading files needs: both stores' addresses, settings and clock."""

    database: Database
    settings: Settings
    clock: Clock

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self.settings.var / "uploads"

    @property
    def rejects(self) -> Path:
        """Where the files of rejected rows lie."""
        return self.settings.var / "rejects"

    @property
    def most_bytes(self) -> int:
        """How large a file may be, also unpacked."""
        return self.settings.upload_mb * _MEGABYTE


def may_upload(person: Person, feed: str) -> bool:
    """Whether a person may bring a file for a feed: an admin any, a merchandiser those of the calendar."""
    return person.role is Role.ADMIN or (person.role is Role.MERCHANDISER and feed in CALENDAR_FEEDS)


def may_see_rejects(person: Person, run: Run) -> bool:
    """Whether a person may read the rows that an import rejected: who may load such files, of all categories.

    Rows of other categories stay with those who look after them.
    """
    if not may_upload(person, run.feed or ""):
        return False
    return person.category_names is None or run.details.get("by") == person.email


def receive(desk: Desk, feed: str, file: IO[bytes], file_name: str, *, by: Person) -> Upload:
    """Keep a file that somebody brings, look at it, and tell what it would change; nothing changes yet.

    Args:
        desk: what is needed.
        feed: one of `FEEDS`.
        file: its bytes.
        file_name: what the person's computer calls it; only ever shown.
        by: who brings it.

    Raises:
        NotYoursError: the person may not bring files for this feed.
        FileRefusedError: the file as a whole cannot be taken; nothing of it is kept.
        BusyError: another file is being looked at.
    """
    _require_may(by, feed)
    name = shown_name(file_name)
    stored, digest, size = _keep(desk, file, name)
    try:
        with _one_at_a_time():
            basis, preview = _look(desk, feed, stored, name, by)
    except BaseException:
        stored.unlink(missing_ok=True)
        raise
    now = desk.clock.machine_now()
    upload = Upload(
        feed=feed,
        file_name=name,
        stored_as=stored.name,
        sha256=digest,
        size=size,
        state=UploadState.CHECKED,
        person_id=by.person_id,
        uploaded_at=now,
        expires_at=now + UPLOAD_LASTS,
        preview=preview.as_json(),
        basis=basis,
        rejects=preview.rejects,
    )
    with desk.database.write() as session:
        session.add(upload)
    return upload


def look_again(desk: Desk, upload_id: int, *, by: Person) -> None:
    """Hold a file that waits against what stands there now.

    Raises:
        NotYoursError: neither the person's own nor the person an admin.
        TransitionError: it is loaded, thrown away or too old.
        FileRefusedError: it cannot be taken any more.
    """
    upload = _waiting(desk, upload_id, by)
    with _one_at_a_time():
        basis, preview = _look(desk, upload.feed, _path(desk, upload), upload.file_name, by)
    with desk.database.write() as session:
        kept = session.get_one(Upload, upload_id)
        kept.require_open(desk.clock.machine_now())
        _forget_rejects(desk, kept)
        kept.preview, kept.basis, kept.rejects = preview.as_json(), basis, preview.rejects


def load(desk: Desk, upload_id: int, *, by: Person, wait_seconds: float = WAIT_SECONDS) -> ImportReport:
    """Load a file that was looked at, exactly as it was then.

    Raises:
        NotYoursError: neither the person's own nor the person an admin.
        TransitionError: it is loaded, thrown away or too old.
        ConflictError: what the preview was held against has changed meanwhile.
        BusyError: a night or another import is at work; the file waits.
        FileRefusedError: it cannot be taken any more.
    """
    # Read by pandas and written by deltalake: too heavy for an app that only starts.
    from data.facts import FactsStore  # noqa: PLC0415
    from data.feeds.loading import import_feed  # noqa: PLC0415

    with _unless_busy(), only_writer(desk.database, wait_seconds=wait_seconds):
        upload = _waiting(desk, upload_id, by)
        path = _path(desk, upload)
        with desk.database.read() as session:
            if _basis(session, upload.feed) != upload.basis:
                raise ConflictError(
                    "Something else was loaded since this file was looked at; look at it again."
                )
        report = import_feed(
            upload.feed,
            path,
            database=desk.database,
            facts=FactsStore(desk.settings.facts_uri, desk.database),
            settings=desk.settings,
            clock=desk.clock,
            name=upload.file_name,
            by=by.email,
        )
        with desk.database.write() as session:
            kept = session.get_one(Upload, upload_id)
            kept.loaded(report.run_id, desk.clock.machine_now())
            _forget_rejects(desk, kept)
    return report


def throw_away(desk: Desk, upload_id: int, *, by: Person) -> None:
    """Delete a file that waits.

    Raises:
        NotYoursError: neither the person's own nor the person an admin.
        TransitionError: it is loaded, thrown away or too old.
    """
    with desk.database.write() as session:
        upload = session.get_one(Upload, upload_id)
        _require_own(upload, by)
        upload.throw_away(desk.clock.machine_now())
        _forget_rejects(desk, upload)
    (desk.folder / upload.stored_as).unlink(missing_ok=True)


def rejects_file(folder: Path, named: str | None) -> Path | None:
    """The file of rejected rows that a record names, if it is still there; never one outside the folder."""
    if not named:
        return None
    # Of what a record says only the last part counts.
    path = folder / named.replace("\\", "/").rpartition("/")[2]
    inside = path.is_file() and path.resolve().parent == folder.resolve()
    return path if inside else None


def shown_name(file_name: str) -> str:
    r"""What people are shown of a file's name: no folders, nothing that cannot be printed, not too long.

    >>> shown_name("../../etc/stock.csv"), shown_name("C:\\exports\\stock.csv"), shown_name(" ")
    ('stock.csv', 'stock.csv', 'file.csv')
    """
    last = file_name.replace("\\", "/").rpartition("/")[2]
    clean = "".join(letter for letter in last if letter.isprintable()).strip()
    return clean[-_LONGEST_NAME:] or "file.csv"


def forget_files(database: Database, settings: Settings, *, now: datetime) -> int:
    """Delete what nobody needs any more; returns how many files that were.

    Uploads that nobody loaded go when they have expired, loaded ones and all files of rejected rows after
    `keep_files_days`. A file that is just being written has no record yet, so it is given a day.
    """
    desk_folders = (settings.var / "uploads", settings.var / "rejects")
    long_ago = now - timedelta(days=settings.keep_files_days)
    with database.read() as session:
        waiting = select(Upload.stored_as).where(Upload.state == UploadState.CHECKED, Upload.expires_at > now)
        loaded = select(Upload.stored_as).where(
            Upload.state == UploadState.LOADED, Upload.uploaded_at > long_ago
        )
        kept = {*session.scalars(waiting), *session.scalars(loaded)}
    stale = [path for path in _older(desk_folders[0], now - UPLOAD_LASTS) if path.name not in kept]
    stale += _older(desk_folders[1], long_ago)
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)


def _older(folder: Path, than: datetime) -> list[Path]:
    if not folder.is_dir():
        return []
    files = (path for path in folder.iterdir() if path.is_file())
    return [path for path in files if datetime.fromtimestamp(path.stat().st_mtime, UTC) < than]


def _require_may(person: Person, feed: str) -> None:
    if not may_upload(person, feed):
        raise NotYoursError(f"Only an admin can load files for {feed}.")


def _require_own(upload: Upload, person: Person) -> None:
    if not upload.is_of(person):
        raise NotYoursError("Somebody else brought this file; they or an admin decide about it.")
    _require_may(person, upload.feed)


def _waiting(desk: Desk, upload_id: int, by: Person) -> Upload:
    with desk.database.read() as session:
        upload = session.get_one(Upload, upload_id)
    _require_own(upload, by)
    upload.require_open(desk.clock.machine_now())
    return upload


def _keep(desk: Desk, file: IO[bytes], name: str) -> tuple[Path, str, int]:
    """Write a file under a name that nobody can guess; its path, hash and size."""
    desk.folder.mkdir(parents=True, exist_ok=True)
    path = desk.folder / secrets.token_hex(16)
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("xb") as kept:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                _require_size(desk, size, name)
                digest.update(chunk)
                kept.write(chunk)
        _require_bounded(desk, path, name)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path, digest.hexdigest(), size


def _require_bounded(desk: Desk, path: Path, name: str) -> None:
    """A few kilobytes of gzip can unpack to gigabytes: count before anybody holds them in memory."""
    with path.open("rb") as packed:
        if packed.read(len(_GZIP_MAGIC)) != _GZIP_MAGIC:
            return
    size = 0
    try:
        with gzip.open(path) as unpacked:
            while chunk := unpacked.read(_CHUNK):
                size += len(chunk)
                _require_size(desk, size, name, unpacked=True)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        # The reader says in its own words what is wrong with it.
        return


def _require_size(desk: Desk, size: int, name: str, *, unpacked: bool = False) -> None:
    if size <= desk.most_bytes:
        return
    limit = desk.settings.upload_mb
    more = f"unpacked, it holds more than {limit} MB" if unpacked else f"it is larger than {limit} MB"
    raise FileRefusedError(
        f"{name} was not taken: {more}; split it, or put it into the inbox of the service, "
        "which has no limit."
    )


def _look(desk: Desk, feed: str, path: Path, name: str, by: Person) -> tuple[dict[str, Any], Preview]:
    """What a file would change, and what that was held against."""
    from data.facts import FactsStore  # noqa: PLC0415  # as in `load`
    from data.feeds.loading import Door  # noqa: PLC0415
    from data.feeds.previews import preview_feed  # noqa: PLC0415

    facts = FactsStore(desk.settings.facts_uri, desk.database)
    with desk.database.read() as session:
        basis = _basis(session, feed)
    door = Door(
        FEEDS[feed],
        path,
        desk.database,
        facts,
        desk.settings,
        desk.clock,
        progress=None,
        name=name,
        by=by.email,
    )
    try:
        preview = preview_feed(door, facts, own_categories=by.category_names)
    except (InSeasonError, BusyError):
        raise
    except Exception as error:
        _log.exception("%s could not be looked at", path.name)
        raise FileRefusedError(
            f"{name} was not taken: reading it failed in a way that was not foreseen "
            f"({type(error).__name__}); the log tells where."
        ) from error
    return basis, preview


def _basis(session: Session, feed: str) -> dict[str, Any]:
    """What a preview rests on: the newest import of this feed and of what it names, and the calendar."""
    imports = select(func.max(Run.run_id)).where(Run.feed.in_({feed, "stores", "products"}))
    calendar = select(func.max(CalendarVersion.version_id))
    return {
        "import": session.scalar(imports),
        "calendar": session.scalar(calendar) if feed in CALENDAR_FEEDS else None,
    }


def _path(desk: Desk, upload: Upload) -> Path:
    """Where the file lies, the very one that was looked at."""
    path = desk.folder / upload.stored_as
    if not path.is_file():
        raise FileRefusedError(f"{upload.file_name} is not there any more; upload it again.")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != upload.sha256:
            raise FileRefusedError(f"{upload.file_name} is not what was looked at any more; upload it again.")
    return path


def _forget_rejects(desk: Desk, upload: Upload) -> None:
    if path := rejects_file(desk.rejects, upload.rejects):
        path.unlink(missing_ok=True)
    upload.rejects = None


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if not _LOOKING.acquire(timeout=_PATIENCE_SECONDS):
        raise BusyError("Another file is being looked at; try again in a minute.")
    try:
        yield
    finally:
        _LOOKING.release()


@contextmanager
def _unless_busy() -> Iterator[None]:
    """Say what whoever waits at a page can do."""
    try:
        yield
    except BusyError as error:
        raise BusyError("A night or another import is at work; try again in a few minutes.") from error
