"""What people know better than the forecast: recorded, taken back, and multiplied into a night's rows.

Nothing heavy is imported before a frame is asked for.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, or_, select

from data.errors import InSeasonError
from data.fiscal import week_start
from data.records import ForecastOverride, Measure, OverrideState, Product, Store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from sqlalchemy.orm import Session

    from data.records import Person
    from data.settings import Weekday

    Floats = npt.NDArray[np.float64]

SCOPES: Final = ("climate_zone", "store_id", "style_id")
_COLUMNS: Final = ("override_id", "category", *SCOPES, "first_week", "last_week")


def override(session: Session, values: Mapping[str, Any], *, by: Person, now: datetime, on: date,
             week_starts_on: Weekday) -> ForecastOverride:  # fmt: skip
    """Somebody says what customers will want of something in some weeks; flushed, with its number.

    Args:
        session: a session that writes.
        values: category, climate_zone, store_id, style_id ('' = all), first_week and last_week (any days of
            those weeks), measure, amount, reason.
        by: who says so.
        now: the instant.
        on: the day on the chain's calendar.
        week_starts_on: of the chain.

    Raises:
        NotYoursError: when the category is somebody else's.
        InSeasonError: when it names what is not there, weeks that are past, or no number that can be meant.
    """
    made = checked(session, values, by=by, now=now, on=on, week_starts_on=week_starts_on)
    session.add(made)
    session.flush()
    return made


def checked(session: Session, values: Mapping[str, Any], *, by: Person, now: datetime, on: date,
            week_starts_on: Weekday) -> ForecastOverride:  # fmt: skip
    """The same, looked at and not saved; see `override`."""
    weeks = {name: week_start(values[name], week_starts_on) for name in ("first_week", "last_week")}
    made = ForecastOverride.made({**values, **weeks}, by=by, now=now, on=on)
    if made.last_week < week_start(on, week_starts_on):
        raise InSeasonError("These weeks are past; a forecast can be changed for weeks to come only.")
    _require_known(session, made)
    return made


def overrides_mark(session: Session) -> tuple[int, int]:
    """What changes whenever somebody makes a change of the forecast or takes one back; one statement."""
    withdrawn = func.count(ForecastOverride.withdrawn_on)
    newest, gone = session.execute(select(func.max(ForecastOverride.override_id), withdrawn)).one()
    return newest or 0, gone


def overrides_in_force(session: Session, as_of: date | None = None) -> pd.DataFrame:
    """What counts now, or counted in the night of a business date.

    Args:
        session: a session that reads.
        as_of: the business date; that night knows what was said up to the morning after it. None is now.

    Returns:
        override_id, category, climate_zone, store_id, style_id ('' = all), first_week, last_week
        (datetime64), factor, units_a_week (NaN where it says the other), author, reason; the oldest first.
    """
    import pandas as pd  # noqa: PLC0415

    rows = select(
        *(getattr(ForecastOverride, name) for name in _COLUMNS),
        ForecastOverride.measure, ForecastOverride.amount, ForecastOverride.author, ForecastOverride.reason,
    ).order_by(ForecastOverride.override_id)  # fmt: skip
    if as_of is None:
        rows = rows.where(ForecastOverride.state == OverrideState.IN_FORCE)
    else:
        morning = as_of + timedelta(days=1)
        rows = rows.where(
            ForecastOverride.made_on <= morning,
            or_(ForecastOverride.withdrawn_on.is_(None), ForecastOverride.withdrawn_on > morning),
            ForecastOverride.last_week > as_of - timedelta(weeks=1),
        )
    columns = [*_COLUMNS, "measure", "amount", "author", "reason"]
    frame = pd.DataFrame(session.execute(rows).all(), columns=columns)
    amount = frame.pop("amount").astype("float64")
    times = frame.pop("measure") == Measure.FACTOR
    days = {name: pd.to_datetime(frame[name]) for name in ("first_week", "last_week")}
    return frame.assign(**days, factor=amount.where(times), units_a_week=amount.where(~times))


def factors(rows: pd.DataFrame, overrides: pd.DataFrame) -> Floats:
    """What the forecast of each row is multiplied with: 1 where nobody said anything.

    Of several that speak of the same store, style and week the one that names most rules, by the weights of
    the calendar, and of equals the newest. Units a week are shared out in proportion to what the model says
    of all that they name; where that is nothing, there is nothing to share.

    Args:
        rows: store (or store_id), style (or style_id), category, climate_zone, week (datetime64), base_mean.
        overrides: as `overrides_in_force` gives them.

    Returns:
        (n,) factors, in the order of the rows.
    """
    import numpy as np  # noqa: PLC0415

    told = np.ones(len(rows))
    category, week = rows["category"].to_numpy(), rows["week"].to_numpy().astype("datetime64[D]")
    named = {name: rows[name if name in rows else name.removesuffix("_id")].to_numpy() for name in SCOPES}
    for row in _lightest_first(overrides):
        applies = (category == row["category"]) & (week >= _day(row["first_week"]))
        applies &= week <= _day(row["last_week"])
        for name in SCOPES:
            if row[name]:
                applies &= named[name] == row[name]
        if np.isnan(row["units_a_week"]):
            told[applies] = row["factor"]
        else:
            told[applies] = _shared(rows["base_mean"].to_numpy()[applies], week[applies], row["units_a_week"])
    return told


def with_overrides(rows: pd.DataFrame, overrides: pd.DataFrame) -> pd.DataFrame:
    """A night's rows with what people know better: mean and quantiles moved, what the model says kept.

    A factor on the mean leaves the size of the negative binomial as it is, since level, season and weekly
    luck are as uncertain as before, relative to it:

        D ~ NB(f m, r),   Var = f m + (f m)^2 / r

    Args:
        rows: store, style, category, climate_zone, week, mean, p10, p50, p90, size.
        overrides: as `overrides_in_force` gives them.

    Returns:
        The same rows with base_mean, the mean before.
    """
    import numpy as np  # noqa: PLC0415

    from forecaster.distribution import quantiles  # noqa: PLC0415

    based = rows.assign(base_mean=rows["mean"])
    if overrides.empty:
        return based
    factor = factors(based, overrides)
    moved = factor != 1.0
    if not moved.any():
        return based
    mean = rows["mean"].to_numpy() * factor
    values = {name: rows[name].to_numpy(dtype=np.float64).copy() for name in ("p10", "p50", "p90")}
    size = rows["size"].to_numpy()[moved]
    for told, new in zip(values.values(), quantiles(mean[moved], size, (0.1, 0.5, 0.9)), strict=True):
        told[moved] = new
    return based.assign(mean=mean, **values)


def _lightest_first(overrides: pd.DataFrame) -> list[dict[str, Any]]:
    """In the order in which they are laid on: the one that rules comes last."""
    from data.records.calendar import SPECIFICITY  # noqa: PLC0415

    rows: list[dict[str, Any]] = overrides.to_dict("records")  # type: ignore[assignment]
    weight = {row["override_id"]: sum(SPECIFICITY[name] for name in SCOPES if row[name]) for row in rows}
    return sorted(rows, key=lambda row: (weight[row["override_id"]], row["override_id"]))


def _shared(base: Floats, week: npt.NDArray[np.datetime64], units: float) -> Floats:
    """Factors that make each week's sum that many units; 1 in a week of which the model expects nothing."""
    import numpy as np  # noqa: PLC0415

    _, place = np.unique(week, return_inverse=True)
    total = np.bincount(place, base)
    factor = np.divide(units, total, out=np.ones_like(total), where=total > 0)
    return np.asarray(factor[place], dtype=np.float64)


def _day(value: Any) -> Any:
    import numpy as np  # noqa: PLC0415

    return np.datetime64(value, "D")


def _require_known(session: Session, made: ForecastOverride) -> None:
    """Refuse a scope that is not there."""
    categories = select(Product.category).where(Product.category == made.category).limit(1)
    if session.scalar(categories) is None:
        raise InSeasonError(f"No product is in the category {made.category!r}.")
    if made.climate_zone and (
        session.scalar(select(Store.store_id).where(Store.climate_zone == made.climate_zone).limit(1)) is None
    ):
        raise InSeasonError(f"No store lies in the climate zone {made.climate_zone!r}.")
    if made.store_id:
        store = session.get(Store, made.store_id)
        if store is None:
            raise InSeasonError(f"There is no store {made.store_id!r}.")
        if made.climate_zone and store.climate_zone != made.climate_zone:
            raise InSeasonError(f"{store.name} does not lie in the climate zone {made.climate_zone!r}.")
    if made.style_id:
        known = select(Product.sku).where(
            Product.style_id == made.style_id, Product.category == made.category
        )
        if session.scalar(known.limit(1)) is None:
            raise InSeasonError(f"There is no style {made.style_id!r} in {made.category}.")
