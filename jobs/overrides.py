"""Every night: how well the forecast did with the changes that people made to it, and without them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from data.override_effects import effect, weeks_passed
from data.records import ForecastOverride, OverrideEffect

if TYPE_CHECKING:
    from datetime import date

    from jobs.tonight import Night

# What was not measured for so long after its last week will not be measured any more.
_LATEST: Final = timedelta(weeks=8)


def measure_overrides(night: Night) -> int:
    """Measure every change of the forecast of which another week has passed; returns how many."""
    as_of, snapshot = night.business_date, night.snapshot
    with night.service.database.read() as session:
        known = dict(session.execute(select(OverrideEffect.override_id, OverrideEffect.measured_on)).all())
        begun = select(ForecastOverride).where(
            ForecastOverride.first_week < as_of, ForecastOverride.last_week > as_of - _LATEST
        )
        found = [
            measured
            for made in session.scalars(begun)
            if weeks_passed(made, as_of) > _weeks_known(made, known.get(made.override_id))
            and (measured := effect(session, snapshot, made, as_of=as_of)) is not None
        ]
    with night.service.database.write() as session:
        for measured in found:
            session.merge(measured)
    return len(found)


def _weeks_known(made: ForecastOverride, measured_on: date | None) -> int:
    return 0 if measured_on is None else weeks_passed(made, measured_on)
