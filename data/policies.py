"""The policies in force, and how people change them: by version, with author, reason and difference."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import exists, func, select
from sqlalchemy.exc import IntegrityError

from data.errors import ConflictError, FieldsError, InSeasonError
from data.records import PolicyVersion, Product
from forecaster.errors import PolicyError
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
_OVERTAKEN: Final = "Somebody else has changed this policy meanwhile; look at it again first."
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


@dataclass(frozen=True)
class Threshold:
    """One threshold of a category, or of the chain: what holds, and what each level sets (None: nothing)."""

    name: str
    category: Any
    chain: Any
    rules: Any

    @property
    def value(self) -> Any:
        """What holds."""
        return self.inherited if self.category is None else self.category

    @property
    def inherited(self) -> Any:
        """What would hold if the category set nothing."""
        return self.rules if self.chain is None else self.chain


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
    seen: int | None = None,
) -> PolicyVersion:
    """Set thresholds of a category, or of the chain where the category is blank; the old version stays.

    Args:
        session: a writing session.
        category: whose policy it is.
        values: thresholds by name, as numbers or as their text; None leaves one to the chain again.
        author: e-mail or name of who sets them.
        reason: why.
        now: the instant.
        seen: the number of the version that the changer has seen, 0 for none; not asked when left out.

    Raises:
        FieldsError: values out of their range, by threshold, and a missing reason by `reason`.
        InSeasonError: an unknown category or threshold, no change.
        PolicyError: values with which the rules cannot work.
        ConflictError: somebody else has changed the same policy since, or at the same moment.
    """
    _require_category(session, category)
    number = _last_number(session, category)
    if seen is not None and seen != number:
        raise ConflictError(_OVERTAKEN)
    reason = " ".join(reason.split())
    given = _values(values, reason)
    newest = _newest(session)
    before = newest.get(category, {})
    after = {name: value for name, value in {**before, **given}.items() if value is not None}
    if after == before:
        raise InSeasonError(f"Nothing would change: {_whose(category)} has these values already.")
    _require_workable({**newest, category: after}, category)
    version = PolicyVersion(
        category=category,
        number=number + 1,
        thresholds=after,
        author=author,
        reason=reason,
        created_at=now,
    )
    session.add(version)
    try:
        session.flush()
    except IntegrityError as error:
        raise ConflictError(_OVERTAKEN) from error
    return version


def revert_policy(
    session: Session, *, category: str, number: int, seen: int, author: str, reason: str, now: datetime
) -> PolicyVersion:
    """Set what an earlier version set, as a new version; the arguments are those of `change_policy`.

    Raises:
        InSeasonError: there is no version of that number, or what `change_policy` refuses.
    """
    query = select(PolicyVersion).where(PolicyVersion.category == category, PolicyVersion.number == number)
    earlier = session.scalars(query).one_or_none()
    if earlier is None:
        raise InSeasonError(f"There is no version {number} of {_whose(category)}.")
    values = {name: earlier.thresholds.get(name) for name in THRESHOLDS}
    return change_policy(
        session, category=category, values=values, author=author, reason=reason, now=now, seen=seen
    )


def newest_policies(session: Session) -> dict[str, PolicyVersion]:
    """The newest version of the chain and of every category that ever had its own, by category."""
    last = select(func.max(PolicyVersion.policy_id)).group_by(PolicyVersion.category)
    rows = session.scalars(select(PolicyVersion).where(PolicyVersion.policy_id.in_(last)))
    return {version.category: version for version in rows}


def thresholds_of(newest: Mapping[str, PolicyVersion], category: str) -> list[Threshold]:
    """Every threshold of a category, or of the chain where the category is blank, and where it comes from."""
    chain = newest[CHAIN].thresholds if CHAIN in newest else {}
    own = newest[category].thresholds if category in newest and category != CHAIN else {}
    rules = asdict(RulePolicy())
    return [Threshold(name, own.get(name), chain.get(name), rules[name]) for name in THRESHOLDS]


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
    return {category: dict(version.thresholds) for category, version in newest_policies(session).items()}


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


def _require_workable(thresholds: Mapping[str, Mapping[str, Any]], changed: str) -> None:
    """Make sure that every category still has a policy the rules can work with."""
    default = RulePolicy(**thresholds.get(CHAIN, {}))
    for category, own in thresholds.items():
        try:
            replace(default, **own)
        except PolicyError as error:
            if category in {changed, CHAIN}:
                raise
            raise PolicyError(error.name, f"{error.problem} in {category}, which sets its own") from error


def _values(given: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """Thresholds as the rules take them; all that is wrong with them is told at once."""
    values, problems = {}, {}
    for name, value in given.items():
        try:
            values[name] = _value(name, value)
        except _OutOfRangeError as error:
            problems[name] = str(error)
    if not reason:
        problems["reason"] = "Say in a few words why the policy changes."
    if problems:
        told = (text if name == "reason" else f"{name}: {text}" for name, text in problems.items())
        raise FieldsError(problems, " ".join(told))
    return values


class _OutOfRangeError(InSeasonError):
    """A value that a threshold cannot have."""


def _value(name: str, given: Any) -> Any:
    """A threshold as the rules take it, from a number or its text."""
    if name not in THRESHOLDS:
        raise InSeasonError(f"There is no threshold {name!r}; there are {', '.join(THRESHOLDS)}.")
    if given is None:
        return None
    kind = THRESHOLDS[name]
    if issubclass(kind, str):
        return str(given)
    number = _number(given)
    if kind is int and not number.is_integer():
        raise _OutOfRangeError(f"{given} is not a whole number.")
    highest = next((limit for word, limit in _HIGHEST if word in name.split("_")), None)
    if highest is not None and number > highest:
        raise _OutOfRangeError(f"{given} is more than {highest}.")
    return kind(number)


def _number(given: Any) -> float:
    try:
        number = float(given)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise _OutOfRangeError(f"{given!r} is not a number.")
    return number


def _whose(category: str) -> str:
    return f"the policy of {category}" if category else "the policy of the chain"
