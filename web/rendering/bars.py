"""Bars drawn by the page itself from a handful of numbers; what is large is drawn by the night."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Bar:
    """One bar of one or two parts, the first at the bottom: tops and heights in hundredths from above."""

    label: str
    value: str
    parts: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Bars:
    """A row of bars against the largest of them."""

    bars: tuple[Bar, ...]
    largest: float

    @classmethod
    def of(cls, rows: Sequence[tuple[str, str, tuple[float, ...]]]) -> Bars:
        """Scale bars to the largest.

        Args:
            rows: label, the value in words, and the parts from the bottom up.
        """
        largest = max((sum(parts) for _, _, parts in rows), default=0.0)
        return cls(
            tuple(Bar(label, value, _stacked(parts, largest)) for label, value, parts in rows), largest
        )

    @property
    def is_drawn(self) -> bool:
        """Whether there is anything to see."""
        return self.largest > 0


def _stacked(parts: tuple[float, ...], largest: float) -> tuple[tuple[float, float], ...]:
    drawn, top = [], 100.0
    for part in parts:
        height = round(100 * part / largest, 1) if largest else 0.0
        top = round(top - height, 1)
        drawn.append((max(top, 0.0), height))
    return tuple(drawn)
