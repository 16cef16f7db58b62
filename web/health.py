"""What a watchdog asks: does the process answer, and can it do its work."""

from __future__ import annotations

import logging
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint
from sqlalchemy.exc import SQLAlchemyError

from data import migrate
from data.errors import DatabaseNotReadyError
from web.services import services

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

health = Blueprint("health", __name__)
_LOG = logging.getLogger(__name__)


@health.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return {"status": "ok"}


@health.get("/readyz")
def readyz() -> ResponseReturnValue:
    """The records are those of this program, and the facts can be reached."""
    checks = {"records": _records(), "facts": _facts()}
    ready = all(found == "ok" for found in checks.values())
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return {"status": "ready" if ready else "not ready", "checks": checks}, status


def _records() -> str:
    try:
        migrate.require_current(services().database)
    except DatabaseNotReadyError as error:
        _LOG.warning("not ready: %s", error)
        return "not migrated or not reachable; run `inseason init`"
    except SQLAlchemyError as error:
        _LOG.warning("not ready: %s", error)
        return "not reachable"
    return "ok"


def _facts() -> str:
    uri = services().settings.facts_uri
    if len(urlsplit(uri).scheme) > 1 and not uri.startswith("file://"):
        return _object_store(uri)
    # Before the first import there is no folder yet; the place for it must be there.
    folder = Path(uri.removeprefix("file://"))
    return "ok" if folder.is_dir() or folder.parent.is_dir() else "not reachable"


def _object_store(uri: str) -> str:
    from deltalake import DeltaTable  # noqa: PLC0415  # a web process that keeps facts in a folder goes without

    try:
        DeltaTable.is_deltatable(f"{uri.rstrip('/')}/sales")
    except Exception as error:  # noqa: BLE001  # object stores fail in many ways; all of them mean the same here
        _LOG.warning("not ready: %s", error)
        return "not reachable"
    return "ok"
