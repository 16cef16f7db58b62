"""Tell somebody who waits how far a command is; silent when nobody watches."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PATIENCE_SECONDS: Final = 1.0


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A callable told (what, done, of how many); a bar appears on standard error after a second."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=None)
    began = monotonic()

    def tell(what: str, done: int, total: int) -> None:
        if not bar.live.is_started and monotonic() - began > _PATIENCE_SECONDS and bar.console.is_terminal:
            bar.start()
        bar.update(task, description=what, completed=done, total=total)

    try:
        yield tell
    finally:
        # Where no bar was shown, stopping one would still print a blank line.
        if bar.live.is_started:
            bar.stop()


@contextmanager
def spinner(what: str) -> Iterator[Callable[[str], None]]:
    """A callable told the name of the step at work, shown on standard error while it runs."""
    console = Console(stderr=True)
    with console.status(what) as status:
        yield lambda step: status.update(f"{what}: {step}")
