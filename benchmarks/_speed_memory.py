"""The memory of this process and all it started, watched from a thread."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_PROC = Path("/proc")
_SECONDS_BETWEEN = 0.2
"""A look costs the process looked at about a millisecond for every 250 MB."""

_KB_PER_MB = 1024.0


class MemoryWatch:
    """Peak memory while a block runs: proportional set size, so that shared pages count once.

    Attributes:
        peak_mb: highest sum over this process and its descendants; None where /proc does not tell.
    """

    def __init__(self) -> None:
        self.peak_mb: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Take note of the memory now."""
        now = memory_mb(os.getpid())
        if now is not None:
            self.peak_mb = max(now, self.peak_mb or 0.0)

    def _watch(self) -> None:
        self.look()
        while not self._stop.wait(_SECONDS_BETWEEN):
            self.look()


def memory_mb(pid: int) -> float | None:
    """Proportional set size of a process and its descendants, MB; None where the system does not tell."""
    own = _pss_kb(pid)
    if own is None:
        return None
    return own / _KB_PER_MB + sum(memory_mb(child) or 0.0 for child in _children(pid))


def _pss_kb(pid: int) -> float | None:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:  # ended meanwhile, or another system
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith("Pss:")), None)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for listed in (_PROC / str(pid) / "task").glob("*/children"):
        try:
            found += [int(child) for child in listed.read_text(encoding="ascii").split()]
        except OSError:  # the thread ended meanwhile
            continue
    return found
