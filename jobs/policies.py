"""The policies of the rules on the command line: what holds, where it comes from, and how it is changed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data.errors import InSeasonError
from data.policies import CHAIN, THRESHOLDS, change_policy, policies_in_force, policy_history
from forecaster.policy import RulePolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data.policies import PolicyChange
    from data.records import PolicyVersion
    from jobs.service import Service

OF_THE_CHAIN: Final = "chain"
"""How the policy of the whole chain is called on the command line."""

_FILE_WIDTH: Final = 160


def policy_rows(service: Service, category: str) -> list[dict[str, Any]]:
    """Every threshold that holds for a category: name, value, and who says so (rules, chain or category)."""
    with service.database.read() as session:
        policies = policies_in_force(session)
    rules, chain, own = (
        asdict(policy) for policy in (RulePolicy(), policies.default, policies.of(_category(category)))
    )
    return [
        {"name": name, "value": own[name], "from": _source(own[name], chain[name], rules[name])}
        for name in THRESHOLDS
    ]


def print_policy(service: Service, category: str) -> None:
    """The same as a table for people, and below it what was changed when, by whom and why."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH)
    table = Table(box=None)
    for name in ("threshold", "value", "from"):
        table.add_column(name, no_wrap=True)
    for row in policy_rows(service, category):
        table.add_row(row["name"], _shown(row["value"]), row["from"])
    console.print(table)
    with service.database.read() as session:
        changes = policy_history(session, _category(category))
    for change in changes:
        console.print(escape(_told(change)), highlight=False)


def set_policy(
    service: Service, category: str, words: Iterable[str], *, author: str, reason: str
) -> PolicyVersion:
    """Set thresholds given as `name=value`; `name=` leaves one to the chain again.

    Raises:
        InSeasonError: a word of another form, or what `data.policies.change_policy` refuses.
    """
    values: dict[str, str | None] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise InSeasonError(f"{word!r}: write name=value, such as min_units=5.")
        values[name.strip()] = value.strip() or None
    with service.database.write() as session:
        return change_policy(
            session,
            category=_category(category),
            values=values,
            author=author,
            reason=reason,
            now=service.clock.now(),
        )


def _category(named: str) -> str:
    return CHAIN if named == OF_THE_CHAIN else named


def _source(own: Any, chain: Any, rules: Any) -> str:
    if own != chain:
        return "category"
    return "chain" if chain != rules else "rules"


def _told(change: PolicyChange) -> str:
    changes = ", ".join(
        f"{name} {_shown(before)} -> {_shown(after)}" for name, (before, after) in change.changed.items()
    )
    return f"{change.created_at:%Y-%m-%d %H:%M} UTC, {change.author}: {changes} ({change.reason})"


def _shown(value: Any) -> str:
    if value is None:
        return "as the chain"
    return f"{value:g}" if isinstance(value, float) else str(value)
