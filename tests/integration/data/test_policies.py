"""Policies in the records: the newest holds, the old ones stay, and nothing the rules cannot work with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from data import policies as policies_module
from data.errors import ConflictError, InSeasonError
from data.policies import CHAIN, change_policy, policies_in_force, policy_history
from data.records import PolicyVersion, Product
from forecaster import PolicyError
from forecaster.policy import Policies, RulePolicy

if TYPE_CHECKING:
    from data.database import Database

NOW = datetime(2026, 6, 6, 9, tzinfo=UTC)
BOOTS = "Snow boots"


@pytest.fixture
def chain(database: Database) -> Database:
    """Records with a product of one category."""
    with database.write() as session:
        session.add(Product(sku="SKU-1", style_id="ridge", category=BOOTS))
    return database


def change(database: Database, category: str = CHAIN, *, minutes: int = 0, **values: Any) -> None:
    with database.write() as session:
        change_policy(
            session,
            category=category,
            values=values,
            author="jonas@example.com",
            reason="too many small ones",
            now=NOW + timedelta(minutes=minutes),
        )


def in_force(database: Database) -> Policies:
    with database.read() as session:
        return policies_in_force(session)


def test_without_any_version_the_rules_own_defaults_hold(chain: Database) -> None:
    assert in_force(chain) == Policies()


def test_a_category_follows_the_chain_in_all_it_does_not_set_itself(chain: Database) -> None:
    change(chain, min_units="5", daily_cap=3)
    change(chain, BOOTS, daily_cap=1)
    change(chain, min_units=6.5)

    policies = in_force(chain)
    assert policies.default == RulePolicy(min_units=6.5, daily_cap=3)
    assert policies.of(BOOTS) == RulePolicy(min_units=6.5, daily_cap=1)
    assert isinstance(policies.of(BOOTS).min_units, float)


def test_what_is_left_to_the_chain_again_is_as_the_chain_has_it(chain: Database) -> None:
    change(chain, BOOTS, daily_cap=1, min_units=9)
    change(chain, BOOTS, daily_cap=None)

    assert in_force(chain).of(BOOTS) == RulePolicy(min_units=9.0)


def test_the_history_tells_who_changed_what_and_the_old_versions_stay(chain: Database) -> None:
    change(chain, min_units=5)
    change(chain, BOOTS, confidence="observed", minutes=1)
    change(chain, min_units=None, late_days=4, minutes=2)

    with chain.read() as session:
        told = policy_history(session)
        own = policy_history(session, BOOTS)
        assert session.scalar(select(func.count()).select_from(PolicyVersion)) == 3
    assert [(change.category, change.number, dict(change.changed)) for change in told] == [
        (CHAIN, 2, {"min_units": (5.0, None), "late_days": (None, 4)}),
        (BOOTS, 1, {"confidence": (None, "observed")}),
        (CHAIN, 1, {"min_units": (None, 5.0)}),
    ]
    assert (told[0].author, told[0].reason) == ("jonas@example.com", "too many small ones")
    assert own == told[1:2]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"min_unit": 5}, "There is no threshold 'min_unit'"),
        ({"min_units": "many"}, "'many' is not a number"),
        ({"min_units": "nan"}, "is not a number"),
        ({"min_units": "inf"}, "is not a number"),
        ({"daily_cap": 2.5}, "is not a whole number"),
        ({"exit_weeks_ahead": 54}, "is more than 53"),
        ({"late_days": 400}, "is more than 366"),
        ({"daily_cap": 5}, "Nothing would change"),
    ],
)
def test_a_slip_of_the_hand_is_refused_with_its_name(
    chain: Database, values: dict[str, Any], told: str
) -> None:
    change(chain, daily_cap=5)
    with pytest.raises(InSeasonError, match=told):
        change(chain, **values)
    assert in_force(chain) == Policies()


@pytest.mark.parametrize(
    "values", [{"min_units": -1}, {"min_lost_share": 1.0, "confidence": "unknown"}, {"daily_cap": 0}]
)
def test_what_the_rules_cannot_work_with_is_refused(chain: Database, values: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        change(chain, **values)


def test_a_change_of_the_chain_that_a_category_could_not_follow_is_refused(chain: Database) -> None:
    change(chain, BOOTS, max_stockout_weeks=4)
    with pytest.raises(PolicyError, match="min_stockout_weeks"):
        change(chain, min_stockout_weeks=5)


@pytest.mark.parametrize(("category", "reason"), [("Snow boot", "a typing error"), (BOOTS, "  ")])
def test_a_policy_needs_a_category_that_is_there_and_a_reason(
    chain: Database, category: str, reason: str
) -> None:
    with pytest.raises(InSeasonError), chain.write() as session:
        change_policy(session, category=category, values={"min_units": 5}, author="a", reason=reason, now=NOW)


def test_of_two_who_change_the_same_policy_at_once_the_second_is_told(
    chain: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(chain, min_units=5)
    # What the second one read before the first had written.
    monkeypatch.setattr(policies_module, "_last_number", lambda *_: 0)
    with pytest.raises(ConflictError, match="Somebody else has changed this policy"):
        change(chain, min_units=7)
    assert in_force(chain).default.min_units == 5.0
