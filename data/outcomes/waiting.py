"""When the first alerts can be judged, for whoever looks before there is anything to see."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from data.records import Alert, Scope
from forecaster.codes import (
    ASKED_NOT_FOUND,
    EXIT_BEFORE_DEMAND_ENDS,
    FEED_LATE,
    FLOOR_SET_AFTER_DEMAND_STARTS,
    MARKDOWN_BEFORE_PEAK,
    STOCK_OUTLASTS_SEASON,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

SETTLES: Final = timedelta(days=8)
"""Figures of a window's last day are waited for so long."""

_DAY: Final = timedelta(days=1)
_ASKED: Final = timedelta(weeks=4)
# The oldest alerts are the first to be judged; where there are more, the others come later.
_LOOKED_AT: Final = 200


def told_alerts() -> Select[str, date | None, date | None, dict[str, Any]]:
    """What `first_judgement` looks at, oldest first: cut it to whoever asks."""
    return (
        select(Alert.rule, Alert.opened_on, Alert.demand_ends, Alert.details)
        .where(Alert.opened_on.is_not(None), Alert.scope != Scope.ZONE)
        .order_by(Alert.alert_id)
        .limit(_LOOKED_AT)
    )


def first_judgement(
    session: Session, alerts: Select[str, date | None, date | None, dict[str, Any]]
) -> date | None:
    """The first day on which one of the alerts can be judged; None when people were told of none.

    Its window has to be over (`forecaster.outcomes.windows_of`) and its figures settled.
    """
    ends = [_ends(*row) for row in session.execute(alerts)]
    return min((day for day in ends if day), default=None)


def _ends(rule: str, told: date | None, demand_ends: date | None, details: Mapping[str, Any]) -> date | None:
    """The first day on which an alert can be judged; None where it says no end."""
    if told is None:
        return None
    exit_day, floor_set, horizon = (_day(details.get(name)) for name in ("exit", "floor_set", "horizon_ends"))
    until = min((day for day in (exit_day, demand_ends) if day), default=None)
    ends = {
        EXIT_BEFORE_DEMAND_ENDS: demand_ends,
        FLOOR_SET_AFTER_DEMAND_STARTS: floor_set and floor_set - _DAY,
        MARKDOWN_BEFORE_PEAK: until,
        STOCK_OUTLASTS_SEASON: exit_day,
        ASKED_NOT_FOUND: told + _ASKED,
        FEED_LATE: told + _DAY,
    }.get(rule, horizon or until)
    return ends and max(ends, told + _DAY) + SETTLES


def _day(text: Any) -> date | None:
    return date.fromisoformat(str(text)[:10]) if text else None
