"""The way to a thing in words: where it is found, what it takes to get there, and to find it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from web.rendering.words import count, day, number

if TYPE_CHECKING:
    from datetime import date

    from data.nearby import Nearby, Search, Whereabouts
    from data.records import StoreEffort

_ORDINALS: Final = (
    "", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
)  # fmt: skip
_FEW: Final = 10
_NEXT: Final = 2


def miles(distance: float | None) -> str:
    """A distance for people.

    >>> miles(4.13), miles(1.0), miles(128.4), miles(None)
    ('4.1 miles', '1.0 miles', '128 miles', 'distance not known')
    """
    if distance is None:
        return "distance not known"
    return f"{number(distance, 1 if distance < _FEW else 0)} miles"


def stock_line(place: Nearby, today: date) -> str:
    """What a place has by its count, and how much of that is spoken for."""
    told = f"{number(place.units)} by the count"
    if place.counted_on:
        told += f" of {day(place.counted_on, today)}"
    spoken = ((place.held, "held for customers"), (place.promised, "promised to other stores"))
    return " · ".join([told, *(f"{number(units)} {whom}" for units, whom in spoken if units)])


def found(where: Whereabouts) -> str:
    """Where the thing is found first, as a sentence; who is told goes there straight."""
    if where.here:
        return f"Found here: the books show {number(where.here)}."
    if where.stores:
        nearest = where.stores[0]
        if nearest.miles is None:
            return f"Found in the second store, {nearest.name}; how far away is not known."
        return f"Found in the second store, {nearest.name}, {miles(nearest.miles)} away."
    if where.ships_from:
        return "No store has it, but it can be shipped."
    return "Nobody in the chain has it."


def alone(search: Search | None, where: Whereabouts) -> str:
    """What a customer goes through who is not told where it is; blank where nobody needs to go."""
    if search is None or search.visited == 1 or not where.stores:
        return ""
    if search.visited == _NEXT and search.found_at == where.stores[0].name:
        # Whoever is told goes the same way.
        return ""
    if not search.found_at:
        seen = count(search.visited, "store")
        return f"Looking alone, a customer sees {seen} on {miles(search.miles)} and does not find it."
    nth = _ORDINALS[search.visited] if search.visited < len(_ORDINALS) else f"{search.visited}th"
    return f"Looking alone, a customer finds it in the {nth} store, after {miles(search.miles)}."


def usual(effort: StoreEffort | None) -> str:
    """How far this store's customers go for whatever they come for; blank where nobody has measured it."""
    if effort is None:
        return ""
    told = f"On average, customers of this store visit {number(effort.stores_visited, 1)} stores"
    vain = round(100 * (1 - effort.found))
    return f"{told}, and {vain}% find nothing." if vain else f"{told} until they find what they came for."
