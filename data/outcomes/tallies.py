"""What the outcomes of some weeks come to, read from the sums that the night keeps."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import func, select

from data.records import Counted, OutcomeWeek

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

Q = TypeVar("Q", bound="Select[*tuple[Any, ...]]")

_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Outcomes and unforetold losses added up: the figures of `OutcomeWeek`."""

    happened: int = 0
    averted: int = 0
    did_not_happen: int = 0
    cannot_tell: int = 0
    foretold: int = 0
    missed: int = 0
    told_before: int = 0
    leads: int = 0
    lead_days: int = 0
    units_happened: float = 0.0
    units_recovered: float = 0.0
    units_missed: float = 0.0
    customers_happened: float = 0.0
    customers_recovered: float = 0.0
    customers_missed: float = 0.0
    money_happened: Decimal = _NOTHING
    money_recovered: Decimal = _NOTHING
    money_missed: Decimal = _NOTHING

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in FIGURES})

    @property
    def right(self) -> int:
        """Alerts that came true, or that somebody averted."""
        return self.happened + self.averted

    @property
    def told(self) -> int:
        """Alerts of which it is known whether they were right: what a precision rests on."""
        return self.right + self.did_not_happen

    @property
    def judged(self) -> int:
        """All alerts whose time is over."""
        return self.told + self.cannot_tell

    @property
    def losses(self) -> int:
        """Losses that were looked for, foretold or not: what a recall rests on."""
        return self.foretold + self.missed

    @property
    def days_ahead(self) -> float | None:
        """Days between the telling and the first loss, on average; None where nothing was lost."""
        return self.lead_days / self.leads if self.leads else None

    @property
    def customers_turned_away(self) -> float:
        """Customers that the stock and the calendar turned away, won back or not, foretold or not."""
        return self.customers_lost + self.customers_recovered

    @property
    def customers_lost(self) -> float:
        """Customers who left with nothing."""
        return self.customers_happened + self.customers_missed

    @property
    def units_lost(self) -> float:
        """Units that were missed, foretold or not."""
        return self.units_happened + self.units_missed

    @property
    def money_lost(self) -> Decimal:
        """The same at regular price."""
        return self.money_happened + self.money_missed


FIGURES: Final = tuple(field.name for field in fields(Tally))
"""The columns of `OutcomeWeek` that are added up."""


@dataclass(frozen=True)
class View:
    """Which outcomes are looked at: of these stores and categories (None: all), in whole weeks.

    `first` and `last` are first days of weeks. Outcomes that are about no category belong to all of them.
    """

    first: date
    last: date
    stores: frozenset[str] | None = None
    categories: frozenset[str] | None = None


def by_week(session: Session, view: View) -> dict[date, Tally]:
    """Sums by the first day of the week, in order; weeks in which nothing ended are left out."""
    return dict(_sums(session, view, "week"))


def by_category(session: Session, view: View) -> dict[str, Tally]:
    """Sums by category, by name; what is about none is left out."""
    return {name: tally for name, tally in _sums(session, view, "category") if name}


def by_rule(session: Session, view: View) -> dict[str, Tally]:
    """Sums by rule."""
    return dict(_sums(session, view, "rule"))


def by_store(session: Session, view: View) -> dict[str, Tally]:
    """Sums by store; what is about the whole chain is left out."""
    return dict(_sums(session, view, "store_id"))


def categories_in(session: Session, view: View) -> list[str]:
    """The categories of which there is something to tell, by name."""
    query = _cut(select(OutcomeWeek.category).distinct(), view, "category")
    return list(session.scalars(query.where(OutcomeWeek.category != "").order_by(OutcomeWeek.category)))


def all_together(tallies: Iterable[Tally]) -> Tally:
    """All of them in one."""
    return sum(tallies, Tally())


def _sums(session: Session, view: View, name: str) -> list[tuple[Any, Tally]]:
    key = getattr(OutcomeWeek, name)
    sums = select(key, *(func.sum(getattr(OutcomeWeek, figure)) for figure in FIGURES))
    found = session.execute(_cut(sums, view, name).group_by(key).order_by(key))
    return [(value, Tally(**dict(zip(FIGURES, figures, strict=True)))) for value, *figures in found]


def _cut(query: Q, view: View, name: str) -> Q:
    """Cut a query to a view, over the rows that add up the most and still tell what is asked for apart."""
    counted = Counted.PLACE
    if view.stores is not None:
        query = query.where(OutcomeWeek.store_id.in_(sorted(view.stores)))
    elif name != "store_id":
        counted = Counted.CHAIN
    elif view.categories is None:
        counted = Counted.STORE
    if view.categories is not None:
        query = query.where(OutcomeWeek.category.in_(sorted(view.categories)))
    return query.where(OutcomeWeek.counted == counted, OutcomeWeek.week.between(view.first, view.last))
