"""What takes long to prepare is prepared once for all workers of a test run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def prepared_once(run_folder: Path, name: str, prepare: Callable[[Path], object]) -> Path:
    """A folder that the first worker to ask prepares, while the others wait; tests must only look at it."""
    folder = run_folder / name
    with FileLock(run_folder / f"{name}.lock"):
        if not (folder / "ready").exists():
            folder.mkdir(exist_ok=True)
            prepare(folder)
            (folder / "ready").touch()
    return folder


def without_settings() -> dict[str, str]:
    """The environment of a command that no setting of the person who runs the tests reaches."""
    return {name: value for name, value in os.environ.items() if not name.startswith("INSEASON_")}
