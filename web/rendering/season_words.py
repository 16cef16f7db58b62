"""What the planner says: the two seasons in one sentence, a plan beside today's, and what makes it pay."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from data.planning.details import plan_of
from web.rendering.plan_words import changed_plan, whole_plan
from web.rendering.rule_texts import zone_name
from web.rendering.words import count, day, money, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from forecaster.plans import Plan, Stakes

_LEAST: Final = 0.5
_MINUS: Final = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Measure:
    """A line of the table that holds plans side by side.

    `figure`: its name among a plan's figures; `kind`: units, signed, money, weeks, rate or share; `more_is`:
    what more of it is for the retailer, 1 good, -1 bad, 0 neither; `part`: a part of the line above.
    """

    figure: str
    name: str
    kind: str = "units"
    more_is: int = 0
    part: bool = False


MEASURES: Final = (
    Measure("customers_won", "Customers served, beside today's", "signed", more_is=1),
    Measure("turned_away", "Customers turned away", more_is=-1),
    Measure("turned_away_before", "before the floor-set", part=True),
    Measure("turned_away_during", "while it is on the floor", part=True),
    Measure("turned_away_after", "after the exit", part=True),
    Measure("units", "Pieces sold", more_is=1),
    Measure("full_price_units", "at full price", part=True),
    Measure("markdown_units", "marked down", part=True),
    Measure("revenue", "Revenue", "money", more_is=1),
    Measure("margin", "Margin", "money", more_is=1),
    Measure("markdown_cost", "Given away in markdowns", "money", more_is=-1),
    Measure("leftover_units", "Pieces left over", more_is=-1),
    Measure("rail_weeks", "Rail-weeks beyond today's", more_is=-1),
    Measure("rate_of_sale", "Rate of sale, a store and week", "rate"),
    Measure("weeks_of_supply", "Weeks of supply", "weeks"),
    Measure("sell_through", "Sold through by the exit", "share", more_is=1),
)


@dataclass(frozen=True)
class Beside:
    """A figure of a plan, and what it is beside today's: in words, and whether that is better or worse."""

    told: str
    difference: str
    sense: str


def zone_title(zone: str) -> str:
    """A zone as a label."""
    return f"{zone.replace('_', ' ').capitalize()} zone" if zone else "Whole chain"


def label(category: str) -> str:
    """A category at the beginning of a line."""
    return category[:1].upper() + category[1:]


def in_a_sentence(category: str) -> str:
    """A category inside a sentence: a plain word is not written large there.

    >>> in_a_sentence("Swim trunks"), in_a_sentence("TV sets")
    ('swim trunks', 'TV sets')
    """
    plain = len(category) < 2 or category[1:2].islower()  # noqa: PLR2004 - one letter is a word
    return category[:1].lower() + category[1:] if plain else category


def opening(
    category: str, zone: str, plan: Plan, figures: Mapping[str, float | None], last_day: date, today: date
) -> str:
    """The two seasons held against each other, to be said in a meeting.

    Args:
        category: of the plan.
        zone: its climate zone, '' for the chain.
        plan: today's.
        figures: of today's plan.
        last_day: the last day on which customers still want it in numbers.
        today: the day on which it is said.
    """
    where = f"In {zone_name(zone)}" if zone else "Across the chain"
    what, away = in_a_sentence(category), figures.get("turned_away_after") or 0.0
    leaves = day(plan.exit, today)
    if away < _LEAST or last_day <= plan.exit:
        return (
            f"{where} the trade sells {what} until {leaves}, and few customers want them later: "
            "the two seasons end together."
        )
    verb = "stopped" if plan.exit < today else "stops"
    worth = _margin_of(away, figures)
    money_told = f", about {money(_roughly(worth))} of margin" if worth >= 1 else ""
    customers = "1 customer leaves" if round(away) == 1 else f"{number(away)} customers leave"
    return (
        f"{where} customers want {what} until {day(last_day, today)}. The trade {verb} on {leaves}: "
        f"{customers} without them{money_told}."
    )


def other_losses(figures: Mapping[str, float | None], plan: Plan, today: date) -> str:
    """Who is turned away before the floor-set and while it is on the floor; blank where nobody is."""
    early, during = (figures.get(f"turned_away_{when}") or 0.0 for when in ("before", "during"))
    told = []
    if early >= _LEAST:
        told.append(f"{count(early, 'customer')} come before the floor-set on {day(plan.floor_set, today)}")
    if during >= _LEAST:
        told.append(f"{count(during, 'customer')} do not find theirs while it is on the floor")
    return f"Besides, {' and '.join(told)}." if told else ""


def verdict(figures: Mapping[str, float | None], stakes: Stakes) -> str:
    """What a plan does, beside today's, in a sentence or two."""
    customers, won = figures.get("customers_won") or 0.0, figures.get("margin_won") or 0.0
    left, rails = figures.get("leftover_less") or 0.0, figures.get("rail_weeks") or 0.0
    parts = []
    if abs(customers) >= _LEAST:
        more = "more" if customers > 0 else "fewer"
        parts.append(f"{number(abs(customers))} {more} {_customers(customers)} served")
    if abs(won) >= 1:
        net = "margin after the rails are paid" if stakes.rail_week_value is not None else "margin"
        parts.append(f"{money(Decimal(abs(round(won))))} {'more' if won > 0 else 'less'} {net}")
    if abs(left) >= _LEAST:
        pieces = "piece" if round(abs(left)) == 1 else "pieces"
        parts.append(f"{number(abs(left))} {'fewer' if left > 0 else 'more'} {pieces} left over")
    if not parts:
        return "the same as today's plan."
    told = f"{_listed(parts)}."
    if abs(rails) >= _LEAST:
        told += f" It {'keeps' if rails > 0 else 'gives back'} {count(abs(rails), 'rail-week')}"
        told += " from the incoming set." if rails > 0 else " to the incoming set."
    return told


def worth_of_it(figures: Mapping[str, float | None], stakes: Stakes) -> str:
    """What the plan is worth when a customer has a price; blank where none is given."""
    won = figures.get("value_won")
    if stakes.customer_value is None or won is None or abs(won) < 1:
        return ""
    better = "better" if won > 0 else "worse"
    return (
        f"With a lost customer at {cents(stakes.customer_value)} it is "
        f"{money(Decimal(abs(round(won))))} {better} than today's."
    )


def customer_terms(figures: Mapping[str, float | None]) -> str:
    """From which value of a customer on a plan beats today's; blank where it does not hang on that."""
    won, worth = figures.get("customers_won") or 0.0, figures.get("customer_break_even")
    if won > 0 and worth is not None:
        if worth <= 0:
            return "Pays by itself, whatever a lost customer costs."
        return f"Pays while a customer who is not turned away is worth more than {cents(worth)}."
    if won < 0 and worth is not None:
        return f"Pays only while a lost customer costs less than {cents(worth)}."
    if won > 0 or (figures.get("margin_won") or 0.0) < 0:
        return "Does not pay at any price of a lost customer."
    return ""


def rail_terms(figures: Mapping[str, float | None]) -> str:
    """Up to which worth of a rail a plan beats today's; blank where it takes and gives no space."""
    rails, worth = figures.get("rail_weeks") or 0.0, figures.get("rail_week_break_even")
    if abs(rails) < _LEAST or worth is None:
        return ""
    less = "less" if rails > 0 else "more"
    return f"Pays while the incoming set earns {less} than {cents(worth)} a week on a rail."


def terms(figures: Mapping[str, float | None], stakes: Stakes) -> str:
    """What it takes for a plan to pay, as far as that was not given."""
    told = [
        customer_terms(figures) if stakes.customer_value is None else "",
        rail_terms(figures) if stakes.rail_week_value is None else "",
    ]
    return " ".join(part for part in told if part)


def sureness(figures: Mapping[str, float | None]) -> str:
    """How far the days that a plan adds have been seen; blank where it adds none."""
    share = figures.get("evidence")
    if share is None:
        return ""
    told = f"Of the demand in the days it adds, {_share(share)} was seen on a shelf or asked for"
    return f"{told}; the rest is told from other zones and the temperature." if share < 1 else f"{told}."


def said_of(plan: Plan, today_plan: Plan, today: date, names: Mapping[str, str]) -> str:
    """A plan by what it changes, with a capital letter."""
    told = changed_plan(plan, today_plan, today, names)
    return told[:1].upper() + told[1:]


def plan_in_short(plan: Plan, today: date) -> str:
    """Today's plan under its heading."""
    told = whole_plan(plan, today)
    return told[:1].upper() + told[1:]


def plan_in_force(plan: Plan, today: date) -> str:
    """Today's plan as a sentence."""
    verb = "has been" if plan.floor_set <= today else "comes"
    on = "on the floor since" if plan.floor_set <= today else "to the floor on"
    told = whole_plan(plan, today)
    return f"It {verb} {on} {day(plan.floor_set, today)}: {told}. Move a date to see what that does."


def proposes(plan: Plan | None, today_plan: Plan, zone: str, today: date, names: Mapping[str, str]) -> str:
    """What would be proposed now."""
    if plan is None:
        return "Mend the plan above before it is proposed."
    if plan == today_plan:
        return "Move a date above, then propose it here with a reason."
    if plan.is_partial:
        return "The calendar has one exit for all: a plan in which only some stay cannot be put into it."
    return f"For {zone_name(zone)}: {changed_plan(plan, today_plan, today, names)}."


def mark(kind: str, said: str, figures: Mapping[str, float | None]) -> str:
    """A plan's label in the drawing of the frontier."""
    if kind == "today":
        return "Today's plan"
    name = {"hand": "This plan: ", "recommended": "Recommended: ", "beside": "Beside: "}.get(kind, "")
    customers = signed(figures.get("customers_won") or 0.0)
    won = signed(figures.get("margin_won") or 0.0, in_money=True)
    return f"{name}{said}. {customers} customers, {won} margin"


def ladder(rows: Sequence[Mapping[str, Any]], *, customers: bool) -> list[tuple[str, Plan]]:
    """Which plan is best from which worth on: the span in words, and the plan.

    Args:
        rows: from_value and plan, in order, the first from 0 on.
        customers: whether the worth is that of a lost customer; else of a rail-week.
    """
    bounds = [*(row["from_value"] for row in rows[1:]), None]
    what = "a customer" if customers else "a rail-week"
    told = []
    for row, upto in zip(rows, bounds, strict=True):
        low = cents(row["from_value"])
        span = f"Over {low} {what}" if upto is None else f"{low} to {cents(upto)} {what}"
        told.append((span, plan_of(row["plan"])))
    return told


def signed(value: float, *, in_money: bool = False) -> str:
    """A difference with its sign."""
    told = money(Decimal(abs(round(value)))) if in_money else number(abs(value))
    if round(value) == 0:
        return told
    return f"{'+' if value > 0 else _MINUS}{told}"


def beside(
    measure: Measure, figures: Mapping[str, float | None], today: Mapping[str, float | None]
) -> Beside:
    """A figure of a plan beside today's."""
    value, now = figures.get(measure.figure), today.get(measure.figure)
    told = told_as(measure.kind, value)
    if measure.kind == "signed":
        sense = {1: "better", -1: "worse"}.get(round(value or 0.0) and (1 if (value or 0.0) > 0 else -1), "")
        return Beside(told, "", sense)
    if value is None or now is None or figures is today:
        return Beside(told, "", "")
    more = value - now
    if told_as(measure.kind, abs(more)) == told_as(measure.kind, 0.0):
        return Beside(told, "as today", "")
    word = ("more" if more > 0 else "less") if measure.kind != "units" else ("more" if more > 0 else "fewer")
    size = _points(abs(more)) if measure.kind == "share" else told_as(measure.kind, abs(more))
    sense = {1: "better", -1: "worse", 0: ""}[measure.more_is * (1 if more > 0 else -1)]
    return Beside(told, f"{size} {word}", sense)


def told_as(kind: str, value: float | None) -> str:
    """A figure of a kind; a dash that says so where there is none."""
    if value is None:
        return "not known"
    if kind == "money":
        return money(Decimal(round(value)))
    if kind == "share":
        return _share(value)
    if kind == "signed":
        return signed(value)
    return number(value, 1) if kind in {"weeks", "rate"} else number(value)


def lines_of(
    today: Mapping[str, float | None], others: Sequence[Mapping[str, float | None]]
) -> list[tuple[Measure, list[Beside]]]:
    """The table of plans: a line for each measure that one of them has, today's first."""
    columns = [today, *others]
    return [
        (measure, [beside(measure, figures, today) for figures in columns])
        for measure in MEASURES
        if any(figures.get(measure.figure) is not None for figures in columns)
    ]


def last_year(season: Mapping[str, Any] | None) -> str:
    """What the same days sold a year ago."""
    if not season or not season.get("units"):
        return ""
    full = (season.get("full_price_units") or 0.0) / season["units"]
    told = f"{count(season['units'], 'piece')} sold last year in these days, {_share(full)} at full price"
    if season.get("rate_of_sale"):
        told += f", {number(season['rate_of_sale'], 1)} a store and week"
    return f"{told}."


def as_sentence(text: str) -> str:
    """A refusal of the numbers as a sentence of its own."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def refused_because(reason: str) -> str:
    """The rule that a plan breaks, as a sentence."""
    return f"The rules do not allow it: it {reason.rstrip('.')}."


def _margin_of(units: float, figures: Mapping[str, float | None]) -> float:
    """What so many pieces would earn at regular price, by the prices and the cost of what is sold."""
    value = {name: figures.get(name) or 0.0 for name in figures}
    sold, stock = value.get("units", 0.0), value.get("stock", 0.0)
    if sold <= 0 or stock <= 0:
        return 0.0
    price = (value["revenue"] + value["markdown_cost"]) / sold
    cost = (value["revenue"] + value["salvage"] - value["margin"]) / stock
    return max(units * (price - cost), 0.0)


def _roughly(amount: float) -> Decimal:
    """An amount in the two figures that a person would say."""
    exact = Decimal(round(amount))
    digits = max(exact.adjusted() - 1, 0)
    return exact.scaleb(-digits).to_integral_value().scaleb(digits)


def _customers(value: float) -> str:
    return "customer" if round(abs(value)) == 1 else "customers"


def _listed(parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _share(value: float) -> str:
    return f"{number(100 * value)}%"


def _points(value: float) -> str:
    return count(round(100 * value), "point")


def cents(value: float) -> str:
    """An amount with its cents, where they matter."""
    amount = Decimal(f"{value:.2f}")
    if amount >= 100 or amount == amount.to_integral_value():  # noqa: PLR2004 - cents no longer matter
        return money(amount)
    # The place's way to write a currency, with its cents.
    whole = money(Decimal(1))
    return whole.replace(number(1), number(amount, 2))
