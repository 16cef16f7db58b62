"""How far a night is, in words: its steps beside those of the last one, and about how long it still takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from data.records import RunState
from web.rendering.words import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from data.records import Run, RunStep

STEPS: Final = {
    "ingest": ("Load the files that wait", "files"),
    "panel": ("Gather sales and stock by week", "weeks"),
    "forecast": ("Forecast what customers want", "categories"),
    "gap": ("Hold it against calendar and stock", "categories"),
    "alerts": ("Set the alerts and draw them", "drawings"),
    "plans": ("Weigh the plans of the season", "plans"),
    "outcomes": ("Judge earlier alerts", "alerts"),
    "requests": ("Tell customers who waited", "customers"),
    "digest": ("Write the morning mails", "mails"),
    "mail": ("Send the mails", "mails"),
}
"""What each step does, and what it counts while it is at work."""

TO_COME: Final = "to come"
_MUCH_LONGER: Final = 3
_AT_LEAST: Final = timedelta(minutes=10)
_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
_ROUND_FROM_MINUTES: Final = 10


@dataclass(frozen=True)
class StepLine:
    """A step as it is shown: what it does, how far it is, how long it took, and how long the night before."""

    label: str
    state: str
    since: datetime | None = None
    took: timedelta | None = None
    last: timedelta | None = None
    rows: int | None = None
    outcome: str = ""
    parts: str = ""


@dataclass(frozen=True)
class Progress:
    """A night step by step; `sentence` says how far it is, blank when it is over."""

    lines: Sequence[StepLine]
    sentence: str
    is_running: bool


def progress_of(run: Run, before: Run | None, now: datetime) -> Progress:
    """How far a run is.

    Args:
        run: the run, with its steps.
        before: the last night that worked, with its steps; None if there is none.
        now: the machine's time.
    """
    last = {step.name: _length(step) for step in before.steps} if before else {}
    is_running = run.state is RunState.RUNNING
    lines = [_line(step, last.get(step.name)) for step in run.steps]
    if is_running:
        begun = {step.name for step in run.steps}
        coming = [name for name in last if name not in begun]
        lines += [StepLine(label_of(name), TO_COME, last=last[name]) for name in coming]
    return Progress(lines, _sentence(run, last, now) if is_running else "", is_running)


def label_of(step: str) -> str:
    """What a step does, in words."""
    return STEPS[step][0] if step in STEPS else step.replace("_", " ").capitalize()


def about(span: timedelta) -> str:
    """A length of time as a person says it who does not know it exactly.

    >>> about(timedelta(seconds=20)), about(timedelta(minutes=4)), about(timedelta(minutes=75))
    ('less than a minute', 'about 4 minutes', 'about 1 hour 15 minutes')
    """
    if span < _MINUTE:
        return "less than a minute"
    minutes = round(span / _MINUTE)
    if minutes > _ROUND_FROM_MINUTES:
        minutes = 5 * round(minutes / 5)
    hours, minutes = divmod(minutes, 60)
    parts = [count(hours, "hour") if hours else "", count(minutes, "minute") if minutes else ""]
    return f"about {' '.join(part for part in parts if part)}"


def _line(step: RunStep, last: timedelta | None) -> StepLine:
    return StepLine(
        label=label_of(step.name),
        state=str(step.state),
        since=step.started_at,
        took=step.finished_at - step.started_at if step.finished_at else None,
        last=last,
        rows=step.rows,
        outcome=step.outcome,
        parts=_parts(step),
    )


def _parts(step: RunStep) -> str:
    if step.state is not RunState.RUNNING or step.done is None or not step.total:
        return ""
    counted = STEPS[step.name][1] if step.name in STEPS else "parts"
    return f"{step.done:,} of {step.total:,} {counted}"


def _sentence(run: Run, last: Mapping[str, timedelta], now: datetime) -> str:
    at_work = next((step for step in run.steps if step.state is RunState.RUNNING), None)
    if at_work is None:
        return "Between two steps."
    number, steps = len(run.steps), max(len(last), len(run.steps))
    parts = f", {_parts(at_work)}" if _parts(at_work) else ""
    told = f"Step {number} of {steps}: {label_of(at_work.name)}{parts}."
    if not last:
        return f"{told} No earlier night tells how long it takes."
    spent, usual = now - at_work.started_at, last.get(at_work.name, timedelta())
    if spent > max(_MUCH_LONGER * usual, _AT_LEAST):
        return (
            f"{told} It has been at this step for {about(spent)}, last night for {about(usual)}. "
            "If its process has died, the scheduler finishes the night by itself."
        )
    begun = {step.name for step in run.steps}
    coming = sum((length for name, length in last.items() if name not in begun), timedelta())
    pace = _pace(run, last)
    left = pace * coming + max(pace * usual - spent, timedelta())
    return f"{told} {about(left).capitalize()} to go, going by last night."


def _pace(run: Run, last: Mapping[str, timedelta]) -> float:
    """How many times as long as last night the steps have taken so far; 1 when they were no slower."""
    done = [step for step in run.steps if step.finished_at and step.name in last]
    before = sum((last[step.name] for step in done), timedelta())
    taken = sum((_length(step) for step in done), timedelta())
    return max(1.0, taken / before) if before else 1.0


def _length(step: RunStep) -> timedelta:
    return step.finished_at - step.started_at if step.finished_at else timedelta()
