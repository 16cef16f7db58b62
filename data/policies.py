"""The policies in force, and how people change them: by version, with author, reason and difference."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import exists, func, select
from sqlalchemy.exc import IntegrityError

from data.errors import ConflictError, InSeasonError
from data.records import PolicyVersion, Product
from forecaster.policy import Policies, RulePolicy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

CHAIN: Final = ""
"""The category of what holds for the whole chain."""

THRESHOLDS: Final[dict[str, type[Any]]] = {name: type(value) for name, value in asdict(RulePolicy()).items()}
"""What can be set, by name, and the kind of its value."""

# Beyond this a number is a slip of the hand. The rules themselves refuse what they cannot work with.
_HIGHEST: Final = (("weeks", 53), ("days", 366), ("cap", 200), ("share", 1))


@dataclass(frozen=True)
class PolicyChange:
    """One version, and what it changed: name -> (before, after), None for what is left to the chain."""

    category: str
    number: int
    author: str
    reason: str
    created_at: datetime
    changed: Mapping[str, tuple[Any, Any]]


def policies_in_force(session: Session) -> Policies:
    """The newest policy of the chain and of every category that has its own.

    A category's policy is the chain's wherever it sets nothing itself, and the chain's that of the rules.
    """
    newest = _newest(session)
    default = RulePolicy(**newest.pop(CHAIN, {}))
    return Policies(default, {category: replace(default, **own) for category, own in newest.items() if own})


def change_policy(
    session: Session,
    *,
    category: str,
    values: Mapping[str, Any],
    author: str,
    reason: str,
    now: datetime,
) -> PolicyVersion:
    """Set thresholds of a category, or of the chain where the category is blank; the old version stays.

    Args:
        session: a writing session.
        category: whose policy it is.
        values: thresholds by name, as numbers or as their text; None leaves one to the chain again.
        author: e-mail or name of who sets them.
        reason: why.
        now: the instant.

    Raises:
        InSeasonError: an unknown category or threshold, a value out of its range, no reason, no change.
        PolicyError: values with which the rules cannot work.
        ConflictError: somebody else has changed the same policy at the same moment.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise InSeasonError("Say in a few words why the policy changes.")
    _require_category(session, category)
    newest = _newest(session)
    before = newest.get(category, {})
    after = {**before, **{name: _value(name, given) for name, given in values.items()}}
    after = {name: value for name, value in after.items() if value is not None}
    if after == before:
        raise InSeasonError(f"Nothing would change: {_whose(category)} has these values already.")
    _require_workable({**newest, category: after})
    version = PolicyVersion(
        category=category,
        number=_last_number(session, category) + 1,
        thresholds=after,
        author=author,
        reason=reason,
        created_at=now,
    )
    session.add(version)
    try:
        session.flush()
    except IntegrityError as error:
        raise ConflictError(
            "Somebody else has changed this policy meanwhile; look at it again first."
        ) from error
    return version


def policy_history(session: Session, category: str | None = None) -> list[PolicyChange]:
    """What was changed, when, by whom and why, newest first; of one category, or of all if None."""
    query = select(PolicyVersion).order_by(PolicyVersion.policy_id)
    if category is not None:
        query = query.where(PolicyVersion.category == category)
    changes: list[PolicyChange] = []
    before: dict[str, Mapping[str, Any]] = {}
    for version in session.scalars(query):
        changes.append(_change(version, before.get(version.category, {})))
        before[version.category] = version.thresholds
    return changes[::-1]


def _newest(session: Session) -> dict[str, dict[str, Any]]:
    """What each category sets in its newest version."""
    last = select(func.max(PolicyVersion.policy_id)).group_by(PolicyVersion.category)
    rows = session.scalars(select(PolicyVersion).where(PolicyVersion.policy_id.in_(last)))
    return {version.category: dict(version.thresholds) for version in rows}


def _last_number(session: Session, category: str) -> int:
    query = select(func.max(PolicyVersion.number)).where(PolicyVersion.category == category)
    return session.scalar(query) or 0


def _change(version: PolicyVersion, before: Mapping[str, Any]) -> PolicyChange:
    names = [name for name in THRESHOLDS if before.get(name) != version.thresholds.get(name)]
    return PolicyChange(
        category=version.category,
        number=version.number,
        author=version.author,
        reason=version.reason,
        created_at=version.created_at,
        changed={name: (before.get(name), version.thresholds.get(name)) for name in names},
    )


def _require_category(session: Session, category: str) -> None:
    if category != CHAIN and not session.scalar(select(exists().where(Product.category == category))):
        raise InSeasonError(f"No product is in the category {category!r}; it is named in the products feed.")


def _require_workable(thresholds: Mapping[str, Mapping[str, Any]]) -> None:
    """Make sure that every category still has a policy the rules can work with."""
    default = RulePolicy(**thresholds.get(CHAIN, {}))
    for own in thresholds.values():
        replace(default, **own)


def _value(name: str, given: Any) -> Any:
    """A threshold as the rules take it, from a number or its text."""
    if name not in THRESHOLDS:
        raise InSeasonError(f"There is no threshold {name!r}; there are {', '.join(THRESHOLDS)}.")
    if given is None:
        return None
    kind = THRESHOLDS[name]
    if issubclass(kind, str):
        return str(given)
    number = _number(name, given)
    if kind is int and not number.is_integer():
        raise InSeasonError(f"{name}: {given} is not a whole number.")
    highest = next((limit for word, limit in _HIGHEST if word in name.split("_")), None)
    if highest is not None and number > highest:
        raise InSeasonError(f"{name}: {given} is more than {highest}.")
    return kind(number)


def _number(name: str, given: Any) -> float:
    try:
        number = float(given)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InSeasonError(f"{name}: {given!r} is not a number.")
    return number


def _whose(category: str) -> str:
    return f"the policy of {category}" if category else "the policy of the chain"
