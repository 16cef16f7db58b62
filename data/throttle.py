"""Slow down whoever guesses: tries are counted in the records, whatever the number of web processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select

from data.records import LoginAttempt
from data.turns import take_turns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

_KEPT: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Try:
    """Whether something may be tried: with `wait` not before so long has passed; `attempts` are its rows."""

    wait: timedelta | None
    attempts: tuple[int, ...] = ()


def count_try(session: Session, limits: Mapping[str, int], *, now: datetime, window: timedelta) -> Try:
    """Count a try before it is made, unless there were too many; tries at the same moment count as well.

    Args:
        session: a writing session that has done nothing yet.
        limits: how many tries each subject has within the window, such as `{"email:ana@example.com": 10}`.
        now: the machine's time.
        window: how long a try counts, at most an hour.
    """
    take_turns(session, LoginAttempt)
    session.execute(delete(LoginAttempt).where(LoginAttempt.at < now - _KEPT))
    waits = [_free_from(session, subject, most, now - window) for subject, most in limits.items()]
    if busy := [at + window - now for at in waits if at is not None]:
        return Try(max(busy))
    rows = [LoginAttempt(subject=subject, at=now) for subject in limits]
    session.add_all(rows)
    session.flush()
    return Try(None, tuple(row.attempt_id for row in rows))


def forget_tries(session: Session, subject: str, attempts: tuple[int, ...] = ()) -> None:
    """Let the tries of a subject, and some others, count no more."""
    session.execute(
        delete(LoginAttempt).where((LoginAttempt.subject == subject) | LoginAttempt.attempt_id.in_(attempts))
    )


def _free_from(session: Session, subject: str, most: int, since: datetime) -> datetime | None:
    """The try of the subject that has to grow old before another one is possible, if there is one."""
    counted = (
        select(LoginAttempt.at)
        .where(LoginAttempt.subject == subject, LoginAttempt.at >= since)
        .order_by(LoginAttempt.at.desc())
        .offset(most - 1)
        .limit(1)
    )
    return session.scalar(counted)
