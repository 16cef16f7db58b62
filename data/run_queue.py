"""The queue of nights that people ask for: what may be asked, who asked first, and who would run them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError

from data.errors import ConflictError, NightRefusedError, NotYoursError
from data.records import (
    UNDER_WAY,
    Heartbeat,
    Role,
    Run,
    RunKind,
    RunRequest,
    RunState,
    Store,
    StoreKind,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from data.clock import Clock
    from data.database import Database
    from data.records import Person

SCHEDULER: Final = "scheduler"
BEATS_EVERY: Final = timedelta(seconds=30)
# A few beats may be missed on a machine that is busy with the night itself.
SILENT_AFTER: Final = timedelta(minutes=3)
MAY_ASK: Final = (Role.MERCHANDISER, Role.ADMIN)
"""Who may ask for a night: the admin, who mends feeds, and the merchandiser, whose calendar counts from the
next night on. A night done again writes nobody a second mail and counts nothing twice, so it does no harm."""

_RECENT: Final = 3


@dataclass(frozen=True)
class Queue:
    """What is asked for, and whether anybody looks.

    `under_way` holds the requests that wait or are at work, the first first; `lately` the newest that are
    over. `looked_at` is when the scheduler was last seen, None for never; `is_silent` that this is too long
    ago.
    """

    under_way: Sequence[RunRequest]
    lately: Sequence[RunRequest]
    looked_at: datetime | None
    is_silent: bool


def closing_zones(session: Session, today: date) -> list[str | None]:
    """The time zones of the stores that customers walk into and that have not closed for good."""
    trading = or_(Store.closed_on.is_(None), Store.closed_on >= today)
    places = select(Store.timezone).where(Store.kind.in_((StoreKind.STORE, StoreKind.OUTLET)), trading)
    return list(session.scalars(places.distinct()))


def newest_closed_date(session: Session, clock: Clock) -> date:
    """The newest business date on which every store has closed."""
    return clock.last_closed_date(closing_zones(session, clock.now().date()))


def why_not(session: Session, business_date: date, *, closed: date) -> str:
    """Why the night of a date cannot run, or run again; blank when it can.

    Args:
        session: a session that reads.
        business_date: the night.
        closed: the newest business date on which every store has closed.
    """
    if business_date > closed:
        return (
            f"The day {business_date} is not over in every store yet; "
            f"the newest night that can run is that of {closed}."
        )
    later = session.scalar(
        select(func.max(Run.business_date)).where(
            Run.kind == RunKind.NIGHT, Run.state == RunState.SUCCEEDED, Run.business_date > business_date
        )
    )
    if later is not None:
        return (
            f"A later night, that of {later}, has run, and the alerts stand as it set them. "
            f"Run that one again instead: it reads every correction, also of earlier days."
        )
    return ""


def ask_for_night(
    database: Database, business_date: date, *, by: Person, reason: str, clock: Clock
) -> RunRequest:
    """Put a night into the queue; the scheduler takes it up within a minute.

    Raises:
        NotYoursError: the person's role asks for no nights.
        NightRefusedError: the day is not over, or a later night has run.
        ConflictError: the night is asked for already.
        InSeasonError: there is no reason, or it is too long.
    """
    if by.role not in MAY_ASK:
        raise NotYoursError("Only an admin or a merchandiser can have a night run.")
    request = RunRequest.asked(business_date, by=by.email, reason=reason, now=clock.machine_now())
    with database.read() as session:
        if refusal := why_not(session, business_date, closed=newest_closed_date(session, clock)):
            raise NightRefusedError(refusal)
    try:
        with database.write() as session:
            session.add(request)
    except IntegrityError as error:
        raise ConflictError("This night is asked for already; look at what waits.") from error
    return request


def withdraw(database: Database, request_id: int, *, by: Person, now: datetime) -> None:
    """Take a request back while it waits: who asked, or an admin.

    Raises:
        NotYoursError: somebody else asked.
        TransitionError: it has begun, or is over.
        ConflictError: it begins at this very moment.
    """
    with database.write() as session:
        request = session.get_one(RunRequest, request_id)
        if by.role is not Role.ADMIN and request.asked_by != by.email:
            raise NotYoursError("Somebody else asked for this night; they or an admin can withdraw it.")
        request.withdraw(by.email, now)


def next_asked(session: Session) -> RunRequest | None:
    """The request to take up next: one whose runner has died before those that wait, in their order.

    Call it as the only writer: what is `running` then is run by nobody.
    """
    live = select(RunRequest).where(RunRequest.state.in_(UNDER_WAY))
    # "running" comes before "waiting".
    return session.scalars(live.order_by(RunRequest.state, RunRequest.request_id).limit(1)).one_or_none()


def queue_of(session: Session, now: datetime) -> Queue:
    """What waits, what was asked for lately, and whether anybody would run it; three statements.

    Args:
        session: a session that reads.
        now: the machine's time.
    """
    live = select(RunRequest).where(RunRequest.state.in_(UNDER_WAY)).order_by(RunRequest.request_id)
    over = select(RunRequest).where(RunRequest.state.not_in(UNDER_WAY))
    looked_at = session.scalar(select(Heartbeat.at).where(Heartbeat.name == SCHEDULER))
    return Queue(
        under_way=session.scalars(live).all(),
        lately=session.scalars(over.order_by(RunRequest.request_id.desc()).limit(_RECENT)).all(),
        looked_at=looked_at,
        is_silent=looked_at is None or now - looked_at > SILENT_AFTER,
    )


def beat(database: Database, now: datetime) -> None:
    """Leave the scheduler's sign of life."""
    with database.write() as session:
        session.merge(Heartbeat(name=SCHEDULER, at=now))
