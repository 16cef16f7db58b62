"""What moves an alert's demand and how sure that is, in a person's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from web.rendering.sentences import confidence
from web.rendering.words import count, listing, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from data.records import Alert

_WEEKS: Final = 52
# What is nearer to an average week than this is not worth a number.
_MOVES: Final = 0.05
_A_TENTH_OFF: Final = 0.9
_LEAST_ASKED: Final = 3
_LEAST_SHARE: Final = 0.1
_MOST: Final = 0.5
_NOBODY: Final = "nobody in this climate had styles like it on the shelf {when}"
_WHOLE_FROM: Final = 10
_PARTS: Final = (
    ("season", "the time of year"),
    ("warmth", "how warm it is here against other zones"),
    ("holidays", "holidays"),
)


@dataclass(frozen=True)
class Drivers:
    """The drivers of an alert's demand in the weeks of its loss (see `jobs.drivers`).

    `weekly`: units of an average week; `times`: what these weeks are to it, the product of `parts`; `said`:
    what the merchandiser's change of the forecast makes of that.
    """

    weekly: float
    times: float
    parts: Mapping[str, float]
    said: float
    elasticity: float
    asked: int
    evidence: Mapping[str, float]
    stores_here: int
    stores_elsewhere: int

    @classmethod
    def of(cls, alert: Alert) -> Drivers | None:
        """Those of an alert; None when no night has told any."""
        given: Mapping[str, Any] | None = alert.drivers
        if not given:
            return None
        return cls(
            weekly=float(given["weekly"]),
            times=float(given["times"]),
            parts={name: float(given[name]) for name, _ in _PARTS},
            said=float(given.get("said", 1.0)),
            elasticity=float(given["elasticity"]),
            asked=round(given["asked"]),
            evidence=given["evidence"],
            stores_here=int(given["stores_here"]),
            stores_elsewhere=int(given["stores_elsewhere"]),
        )


def reasons(alert: Alert) -> list[str]:
    """Why customers want as much as is said: an average week, these weeks, and the price, a sentence each."""
    drivers = Drivers.of(alert)
    if drivers is None:
        return []
    told = [_average(drivers), _these_weeks(drivers)]
    if abs(drivers.said - 1) >= 0.01:  # noqa: PLR2004  # less than a percent is nothing to a person
        told.append(_said(drivers.said))
    more = _A_TENTH_OFF**-drivers.elasticity - 1
    if more >= 0.01:  # noqa: PLR2004  # less than a percent is nothing to a person
        told.append(f"At a tenth off, they buy about {more:.0%} more.")
    return told


def certainty(alert: Alert) -> list[str]:
    """How sure that is: who has seen such weeks or asked in them, and what the rest rests on."""
    drivers = Drivers.of(alert)
    if drivers is None:
        return [confidence(alert.evidence).sentence]
    told = [_seen(alert.evidence, drivers)]
    if drivers.asked >= _LEAST_ASKED and alert.evidence != "requested":
        told.append(
            f"In these weeks of past years, customers in this climate asked for {number(drivers.asked)} "
            "like it and did not find them."
        )
    return told


def _average(drivers: Drivers) -> str:
    yearly = drivers.weekly * _WEEKS
    rate = f"{number(drivers.weekly)} a week" if drivers.weekly >= 1 else f"{number(max(yearly, 1))} a year"
    return f"Over the year, customers here want about {rate}{' on average' if drivers.weekly >= 1 else ''}."


def _these_weeks(drivers: Drivers) -> str:
    if abs(drivers.times - 1) < _MOVES:
        return "In these weeks they want about as much as in any other."
    told = f"In these weeks they want {_figure(drivers.times)} times that"
    moving = [(drivers.parts[key], name) for key, name in _PARTS if abs(drivers.parts[key] - 1) >= _MOVES]
    if len(moving) > 1:
        return f"{told}: {listing([f'{_figure(factor)} for {name}' for factor, name in moving])}."
    return f"{told}, because of {moving[0][1]}." if moving else f"{told}."


def _said(factor: float) -> str:
    """That somebody has changed the forecast, and what that does to these weeks."""
    by = f"{factor - 1:.0%} more" if factor > 1 else f"{1 - factor:.0%} fewer"
    return f"The merchandiser expects {by} customers in these weeks than the forecast does; that is counted."


def _figure(factor: float) -> str:
    return number(factor) if factor >= _WHOLE_FROM else f"{factor:.2g}"


def _seen(evidence: str, drivers: Drivers) -> str:
    """Who knows of the weeks that the bulk of the figure is about, and what the other weeks rest on."""
    known = {
        "observed": (drivers.stores_here, "{here} in this climate had styles like it on the shelf {when}"),
        "requested": (drivers.asked, f"{_NOBODY}; customers asked for {{asked}} of them"),
        "borrowed": (drivers.stores_elsewhere, f"{_NOBODY}; {{elsewhere}} elsewhere did"),
    }
    witnesses, words = known.get(evidence, (0, ""))
    if not witnesses:
        return confidence(evidence).sentence
    told = words.format(
        here=count(drivers.stores_here, "store"),
        elsewhere=count(drivers.stores_elsewhere, "store"),
        asked=number(drivers.asked),
        when=_when(drivers.evidence.get(evidence, 0.0)),
    )
    rest = [
        confidence(label).label
        for label, share in drivers.evidence.items()
        if label != evidence and share >= _LEAST_SHARE
    ]
    return f"{evidence.capitalize()}: {told}{f'; the rest is {listing(rest)}' if rest else ''}."


def _when(share: float) -> str:
    if share > 1 - _LEAST_SHARE:
        return "in these weeks"
    return "in most of these weeks" if share > _MOST else "in many of these weeks"
