"""What stands in an alert's details, read once and typed, so that no page digs in a dictionary."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from data.records import Alert


_LETTERS: Final = ("XXS", "XS", "S", "M", "L", "XL", "XXL", "2XL", "XXXL", "3XL", "4XL")


@dataclass(frozen=True)
class Size:
    """One sku of the alert's style: expected demand and expected loss in units, stock in pieces."""

    sku: str
    name: str
    color: str
    demand: float
    on_hand: int
    in_transit: int
    lost: float

    @property
    def is_missing(self) -> bool:
        """Whether somebody is expected to want it and none is there or on its way."""
        return self.demand > 0 and self.on_hand + self.in_transit <= 0


@dataclass(frozen=True)
class Figures:
    """What one rule tells besides, by name; whatever is not there is blank, 0 or None."""

    given: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A word or two."""
        return str(self.given.get(name) or "")

    def number(self, name: str) -> float:
        """A figure."""
        return float(self.given.get(name) or 0)

    def day(self, name: str) -> date | None:
        """A day."""
        return _date(self.given.get(name))

    def rows(self, name: str) -> Sequence[Any]:
        """Several of a kind."""
        return list(self.given.get(name) or ())


@dataclass(frozen=True)
class Details:
    """The details of an alert; what the night did not know is None, 0 or blank."""

    style_name: str
    floor_set: date | None
    exit: date | None
    on_hand: int
    in_transit: int
    demand_units: float
    first_week: date | None
    horizon_ends: date | None
    reason: str
    sizes: tuple[Size, ...]
    before_units: float = 0.0
    in_season_units: float = 0.0
    after_units: float = 0.0
    figures: Figures = field(default_factory=lambda: Figures({}))
    effort: Figures = field(default_factory=lambda: Figures({}))

    @classmethod
    def of(cls, alert: Alert) -> Details:
        """Read the details of an alert, whichever of them are there."""
        given: Mapping[str, Any] = alert.details or {}
        return cls(
            style_name=str(given.get("style_name") or alert.style_id),
            floor_set=_date(given.get("floor_set")),
            exit=_date(given.get("exit")),
            on_hand=int(given.get("on_hand") or 0),
            in_transit=int(given.get("in_transit") or 0),
            demand_units=float(given.get("demand_units") or 0),
            first_week=_date(given.get("first_week")),
            horizon_ends=_date(given.get("horizon_ends")),
            reason=str(given.get("reason") or ""),
            sizes=tuple(sorted(map(_size, given.get("sizes") or ()), key=_place_in_run)),
            before_units=float(given.get("before_units") or 0),
            in_season_units=float(given.get("in_season_units") or 0),
            after_units=float(given.get("after_units") or 0),
            figures=Figures(given.get("figures") or {}),
            effort=Figures(given.get("effort") or {}),
        )

    @property
    def size_run(self) -> tuple[Size, ...]:
        """The sizes with their colours added up, in the order given; skus without a size are left out."""
        run: dict[str, Size] = {}
        for size in self.sizes:
            if not size.name:
                continue
            same = run.get(size.name)
            run[size.name] = size if same is None else _together(same, size)
        return tuple(run.values())


def _together(one: Size, other: Size) -> Size:
    return replace(
        one,
        color="",
        demand=one.demand + other.demand,
        on_hand=one.on_hand + other.on_hand,
        in_transit=one.in_transit + other.in_transit,
        lost=one.lost + other.lost,
    )


def _size(row: Mapping[str, Any]) -> Size:
    return Size(
        sku=str(row.get("sku") or ""),
        name=str(row.get("size") or ""),
        color=str(row.get("color") or ""),
        demand=float(row.get("demand") or 0),
        on_hand=int(row.get("on_hand") or 0),
        in_transit=int(row.get("in_transit") or 0),
        lost=float(row.get("lost") or 0),
    )


def _place_in_run(size: Size) -> tuple[int, float, str, str]:
    """Letters from small to large, then numbers, then whatever else a size is called."""
    name = size.name.upper()
    if name in _LETTERS:
        return 0, _LETTERS.index(name), "", size.color
    try:
        return 1, float(name), "", size.color
    except ValueError:
        return 2, 0, name, size.color


def _date(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None
