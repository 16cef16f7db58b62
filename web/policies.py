"""Policies: what makes a gap worth an alert, in the chain and in each category, and how that came about."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select

from data.errors import ConflictError, FieldsError, InSeasonError
from data.policies import (
    CHAIN,
    THRESHOLDS,
    change_policy,
    newest_policies,
    policy_history,
    revert_policy,
    thresholds_of,
)
from data.records import Person, Product, Role
from forecaster.errors import PolicyError
from web.access import current_person, require_role
from web.addresses import id_in
from web.rendering import policy_words
from web.rendering.sentences import rule_name
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask.typing import ResponseReturnValue

    from data.policies import PolicyChange, Threshold
    from data.records import PolicyVersion

policies = Blueprint("policies", __name__)

LOOKS_AFTER: Final = (Role.MERCHANDISER, Role.ADMIN)
_HISTORY: Final = 50
_LONGEST_REASON: Final = 500


@dataclass(frozen=True)
class Scope:
    """One category, or the chain, and what the person may do with its policy."""

    category: str
    may_change: bool

    @property
    def name(self) -> str:
        """As it stands in a heading."""
        return self.category or "The whole chain"

    @property
    def in_address(self) -> dict[str, str]:
        """For a link."""
        return {"category": self.category} if self.category else {}

    @property
    def address(self) -> str:
        """Of its page."""
        return url_for("policies.index", category=self.category or None)


@policies.get("/policies")
@require_role(*LOOKS_AFTER)
def index() -> ResponseReturnValue:
    """What holds for a category or the chain, whence, and what was changed by whom."""
    newest = newest_policies(reading())
    return _page(_scope(request.args.get("category", CHAIN), newest), newest, HTTPStatus.OK)


@policies.get("/policies/edit")
@require_role(*LOOKS_AFTER)
def edit() -> ResponseReturnValue:
    """The form with what is set."""
    newest = newest_policies(reading())
    scope = _changeable(request.args.get("category", CHAIN), newest)
    held = thresholds_of(newest, scope.category)
    given = {each.name: policy_words.typed(each.name, _own(each, scope)) for each in held}
    return _form(scope, newest, held, given, {}, HTTPStatus.OK)


@policies.post("/policies/edit")
@require_role(*LOOKS_AFTER)
def change() -> ResponseReturnValue:
    """Set what the form says, as a new version; what is left empty is as the level above has it."""
    newest = newest_policies(reading())
    scope = _changeable(request.form.get("category", CHAIN), newest)
    given = {name: request.form.get(name, "") for name in (*THRESHOLDS, "reason")}
    try:
        with services().database.write() as records:
            change_policy(
                records,
                category=scope.category,
                values={name: policy_words.read(name, given[name]) for name in THRESHOLDS},
                author=current_person().email,
                reason=given["reason"][:_LONGEST_REASON],
                now=services().clock.machine_now(),
                seen=_seen(),
            )
    except ConflictError:
        raise
    except (InSeasonError, PolicyError) as error:
        held = thresholds_of(newest, scope.category)
        return _form(scope, newest, held, given, _problems(error), HTTPStatus.BAD_REQUEST)
    flash("Kept. It holds from the next night on.", "success")
    return redirect(scope.address, HTTPStatus.SEE_OTHER)


@policies.post("/policies/revert")
@require_role(*LOOKS_AFTER)
def revert() -> ResponseReturnValue:
    """Set again what an earlier version had set; it becomes the newest."""
    newest = newest_policies(reading())
    scope = _changeable(request.form.get("category", CHAIN), newest)
    try:
        number = id_in(request.form.get("number", ""))
    except ValueError:
        abort(HTTPStatus.BAD_REQUEST)
    try:
        with services().database.write() as records:
            revert_policy(
                records,
                category=scope.category,
                number=number,
                seen=_seen(),
                author=current_person().email,
                reason=f"As in version {number} again. {request.form.get('reason', '')}"[:_LONGEST_REASON],
                now=services().clock.machine_now(),
            )
    except ConflictError:
        raise
    except (InSeasonError, PolicyError) as error:
        flash(str(error), "warning")
        return _page(scope, newest, HTTPStatus.BAD_REQUEST)
    flash(f"Version {number} holds again, as a new version, from the next night on.", "success")
    return redirect(scope.address, HTTPStatus.SEE_OTHER)


def _scope(category: str, newest: Mapping[str, PolicyVersion]) -> Scope:
    """A category that the person may see, or the chain; any other is not there."""
    person = current_person()
    if category == CHAIN:
        return Scope(CHAIN, person.role is Role.ADMIN)
    if category not in _categories(person, newest):
        abort(HTTPStatus.NOT_FOUND)
    return Scope(category, may_change=True)


def _changeable(category: str, newest: Mapping[str, PolicyVersion]) -> Scope:
    scope = _scope(category, newest)
    if not scope.may_change:
        abort(HTTPStatus.FORBIDDEN)
    return scope


def _categories(person: Person, newest: Mapping[str, PolicyVersion]) -> Sequence[str]:
    """The categories whose policies a person sees: what is sold, and what was and had its own."""
    if (own := person.category_names) is not None:
        return sorted(own)
    sold = reading().scalars(select(Product.category).distinct())
    return sorted({*sold, *newest} - {CHAIN})


def _page(scope: Scope, newest: Mapping[str, PolicyVersion], status: HTTPStatus) -> ResponseReturnValue:
    history = policy_history(reading(), scope.category)[: _HISTORY + 1]
    held = {each.name: each for each in thresholds_of(newest, scope.category)}
    categories = _categories(current_person(), newest)
    page = render_template(
        "policies/index.html",
        scope=scope,
        held=held,
        groups=policy_words.GROUPS,
        wordings=policy_words.WORDINGS,
        shown=policy_words.shown,
        rules_told=_rules_told,
        categories=categories,
        own=[(name, len(newest[name].thresholds)) for name in categories if _has_own(newest, name)],
        history=[(each, _differences(each)) for each in history[:_HISTORY]],
        older=len(history) > _HISTORY,
        names=_names(history),
        number=newest[scope.category].number if scope.category in newest else 0,
    )
    return page, status


def _form(
    scope: Scope,
    newest: Mapping[str, PolicyVersion],
    held: Sequence[Threshold],
    given: Mapping[str, str],
    problems: Mapping[str, str],
    status: HTTPStatus,
) -> ResponseReturnValue:
    page = render_template(
        "policies/edit.html",
        scope=scope,
        held={each.name: each for each in held},
        given=given,
        problems=problems,
        groups=policy_words.GROUPS,
        wordings=policy_words.WORDINGS,
        evidence=policy_words.EVIDENCE,
        shown=policy_words.shown,
        unit_told=policy_words.unit_told,
        rules_told=_rules_told,
        number=_seen() if status is not HTTPStatus.OK else _number(newest, scope),
        inherited={each.name: each.rules if scope.category == CHAIN else each.inherited for each in held},
    )
    return page, status


def _number(newest: Mapping[str, PolicyVersion], scope: Scope) -> int:
    return newest[scope.category].number if scope.category in newest else 0


def _own(threshold: Threshold, scope: Scope) -> Any:
    return threshold.chain if scope.category == CHAIN else threshold.category


def _seen() -> int:
    """The version that whoever sends a form has had before them."""
    try:
        return id_in(request.form.get("seen", ""))
    except ValueError:
        abort(HTTPStatus.BAD_REQUEST)


def _problems(error: InSeasonError | PolicyError) -> dict[str, str]:
    """What is wrong, by field; by `form` what no single field is to blame for."""
    if isinstance(error, FieldsError):
        return {name: policy_words.refusal(name, sentence) for name, sentence in error.problems.items()}
    if isinstance(error, PolicyError):
        return {error.name: policy_words.refusal(error.name, error.problem)}
    return {"form": str(error)}


def _rules_told(rules: Sequence[str]) -> str:
    return ", ".join(rule_name(rule) for rule in rules)


def _has_own(newest: Mapping[str, PolicyVersion], category: str) -> bool:
    return category in newest and bool(newest[category].thresholds)


def _differences(change: PolicyChange) -> list[tuple[str, str, str]]:
    """What a version changed: label, before, after."""
    return [
        (policy_words.WORDINGS[name].label, _told(name, before), _told(name, after))
        for name, (before, after) in change.changed.items()
    ]


def _told(name: str, value: Any) -> str:
    return "not set" if value is None else policy_words.shown(name, value)


def _names(history: Sequence[PolicyChange]) -> dict[str, str]:
    known = sorted({each.author for each in history})
    if not known:
        return {}
    rows = reading().execute(select(Person.email, Person.name).where(Person.email.in_(known)))
    return {row.email: row.name for row in rows}
