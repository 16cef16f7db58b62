"""What a test run uses when the machine has it: says what is absent, and how to get it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def absent(what: str, *, install: str) -> NoReturn:
    """Skip the test for want of something; fail it where CI_REQUIRE_SERVICES says all must be there."""
    message = f"{what} is not on this machine; to run this test: {install}"
    if os.environ.get("CI_REQUIRE_SERVICES"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def find_chromium() -> str | None:
    """The path of the system's Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


def find_shared_data() -> Path | None:
    """The folder of public data sets, named by INSEASON_SHARED_DATA or found beside the repository."""
    named = os.environ.get("INSEASON_SHARED_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    return folder if folder.is_dir() else None
