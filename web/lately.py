"""What a person has just done to alerts of the list, so that they can take it back for a minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from flask import session

from data.records.alert_life import UNDO_WITHIN
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Sequence

_LATELY: Final = "lately"


@dataclass(frozen=True)
class Lately:
    """The alerts that were changed together, and when."""

    ids: Sequence[int]
    at: datetime


def remember(ids: Sequence[int]) -> None:
    """These were changed just now."""
    session[_LATELY] = {"ids": list(ids), "at": services().clock.now().isoformat()}


def forget() -> None:
    """Nothing is left to be taken back."""
    session.pop(_LATELY, None)


def lately() -> Lately | None:
    """What can still be taken back; the alerts themselves say whether each of them can."""
    told = session.get(_LATELY)
    if not told:
        return None
    done = Lately(told["ids"], datetime.fromisoformat(told["at"]))
    return done if services().clock.now() - done.at <= UNDO_WITHIN else None
