"""One night for one business date: the steps in order, each recorded, each safe to do again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from data.errors import InSeasonError, NightRefusedError
from data.facts.supply import newest_days
from data.locks import only_writer
from data.records import Run, RunKind, RunState, RunStep
from data.run_queue import newest_closed_date, why_not
from data.uploads import forget_files
from jobs.steps import STEPS
from jobs.tonight import Night

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from jobs.service import Service
    from jobs.steps import Step

_log = logging.getLogger(__name__)
# Facts older than this tell nothing about tonight: the night is refused instead of run on them.
_OLDEST_FACTS_DAYS: Final = 28


@dataclass(frozen=True)
class NightReport:
    """What came of asking for a night: its date, whether it ran now or had run before, and its summary."""

    business_date: date
    ran: bool
    summary: str


def last_closed_date(service: Service) -> date:
    """The newest business date on which every store has closed."""
    with service.database.read() as session:
        return newest_closed_date(session, service.clock)


def run_night(
    service: Service,
    as_of: date | None = None,
    *,
    again_since: datetime | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> NightReport:
    """Run the night of a business date, or finish one that was cut off; a night that is done stays as it is.

    A night that is done again reads what has been corrected since. It counts no date twice in the life of an
    alert, and whoever has had this night's mail gets no other.

    Args:
        service: the stores, settings and clock.
        as_of: the business date; the newest on which every store has closed when not given.
        again_since: do a night that is done once more, unless it began at this instant (of the machine's
            time) or later; refused when a later night has run.
        on_step: told the name of each step as it starts.

    Raises:
        NightRefusedError: the date is not over, or there are no facts to run it on.
        BusyError: another night or import is running.
    """
    business_date = _checked_date(service, as_of)
    with only_writer(service.database):
        run_id, done = _claim(service, business_date, again_since)
        if done is not None:
            return NightReport(business_date, ran=False, summary=done)
        try:
            summary = _run_steps(Night(service, business_date, run_id), on_step)
        except Exception as error:
            _end(service, run_id, _why(error), worked=False)
            raise
        _end(service, run_id, summary, worked=True)
        service.facts.forget()
        forget_files(service.database, service.settings, now=service.clock.machine_now())
    return NightReport(business_date, ran=True, summary=summary)


def _checked_date(service: Service, as_of: date | None) -> date:
    closed = last_closed_date(service)
    if as_of is not None and as_of > closed:
        raise NightRefusedError(
            f"The day {as_of} is not over in every store yet; "
            f"the newest night that can run is that of {closed}."
        )
    return as_of or closed


def _claim(service: Service, business_date: date, again_since: datetime | None) -> tuple[int, str | None]:
    """The run of that night, made or taken up again; and its summary when it is already done."""
    now = service.clock.machine_now()
    if again_since is not None:
        _require_newest(service, business_date)
    with service.database.write() as session:
        run = session.scalar(select(Run).where(Run.kind == RunKind.NIGHT, Run.business_date == business_date))
        if run is None:
            run = Run(kind=RunKind.NIGHT, business_date=business_date, started_at=now, details={})
            session.add(run)
            session.flush()
        elif run.state is RunState.SUCCEEDED and (again_since is None or run.started_at >= again_since):
            return run.run_id, run.summary
        elif run.state is RunState.SUCCEEDED:
            run.do_again(now)
        elif run.state is RunState.FAILED:
            run.start_over(now)
        else:
            run.resume(now)
        return run.run_id, None


def _require_newest(service: Service, business_date: date) -> None:
    with service.database.read() as session:
        closed = newest_closed_date(session, service.clock)
        if refusal := why_not(session, business_date, closed=closed):
            raise NightRefusedError(refusal)


def _run_steps(night: Night, on_step: Callable[[str], None]) -> str:
    outcome = ""
    for position, step in enumerate(STEPS, start=1):
        done = _begin_step(night, step, position)
        if done and not step.repeat:
            continue
        on_step(step.name)
        rows, outcome = step.work(night)
        if step.name == "ingest":
            _require_facts(night)
        _finish_step(night, step, rows, outcome)
    return "; ".join([night.summary or outcome, *night.trouble])


def _begin_step(night: Night, step: Step, position: int) -> bool:
    """Write down that a step starts; True when it was already done before the night was cut off."""
    with night.service.database.write() as session:
        run = session.get_one(Run, night.run_id)
        known = run.step(step.name)
        if known is not None and known.state is RunState.SUCCEEDED:
            return True
        now = night.service.clock.machine_now()
        if known is None:
            run.steps.append(RunStep(position=position, name=step.name, started_at=now))
        else:
            known.state, known.started_at, known.done, known.total = RunState.RUNNING, now, None, None
    return False


def _finish_step(night: Night, step: Step, rows: int, outcome: str) -> None:
    with night.service.database.write() as session:
        run = session.get_one(Run, night.run_id)
        record = run.step(step.name)
        if record is None or record.state is RunState.SUCCEEDED:
            return
        record.finish(night.service.clock.machine_now(), rows=rows, outcome=outcome)
        if night.written:
            night.service.facts.publish(session, run, night.written)
            night.written.clear()
        run.details = run.details | night.remembered
    _log.info("night %s: %s: %s", night.business_date, step.name, outcome)


def _why(error: Exception) -> str:
    """Why a night failed, for people: a refusal says it itself, of anything else the log holds the place."""
    if isinstance(error, InSeasonError):
        return str(error)
    return f"This was not foreseen ({type(error).__name__}: {error}); the log of the service tells where."


def _require_facts(night: Night) -> None:
    newest = newest_days(night.snapshot, as_of=night.business_date)
    if newest.empty:
        raise NightRefusedError(
            f"No sales or stock up to {night.business_date} have been loaded: run `inseason import` first."
        )
    last = newest["newest"].max().date()
    if (night.business_date - last).days > _OLDEST_FACTS_DAYS:
        raise NightRefusedError(
            f"The newest sales and stock are of {last}, too old for a night of {night.business_date}: "
            f"load newer files, or run `inseason nightly --as-of {last}`."
        )


def _end(service: Service, run_id: int, summary: str, *, worked: bool) -> None:
    with service.database.write() as session:
        run = session.get_one(Run, run_id)
        now = service.clock.machine_now()
        if worked:
            run.succeed(now, summary)
        else:
            run.fail(now, summary)
            for step in run.steps:
                if step.state is RunState.RUNNING:
                    step.state, step.finished_at, step.outcome = RunState.FAILED, now, summary
