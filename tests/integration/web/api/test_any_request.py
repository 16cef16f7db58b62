"""Requests that nobody would write by hand, made from the API document, answered as the document says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from data.database import Database
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemathesis.schemas import APIOperation

    from data.database import Database
    from tests.integration.web.api.conftest import Program

EXAMPLES = 3
# What the document cannot say: a day that is still to come, a reason where the choice needs one, a thing of
# the assortment. Such data fit their schema and are refused by a rule.
_LEFT_OUT = ("positive_data_acceptance",)


@pytest.fixture
def database(plain_database: Database) -> Database:
    """One kind of database is enough here: what is refused is refused before it comes to the records."""
    return plain_database


def check(operation: APIOperation, mode: GenerationMode, caller: Program, **known: Any) -> None:
    """Send some requests of an operation, to places that are known or to any, and check the answers."""
    load_all_checks()
    checks = [each for each in CHECKS.get_all() if each.__name__ not in _LEFT_OUT]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, **known))
    def answered(case: schemathesis.Case) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {caller.secret}"}, checks=checks)

    answered()


@pytest.mark.parametrize("email", [MANAGER, MERCHANDISER, ADMIN])
def test_whatever_is_sent_the_answer_is_one_that_the_document_tells(
    email: str, world: World, program: Callable[..., Program]
) -> None:
    caller = program(email)
    places = {
        "alert_id": world.own_alert,
        "rank": 1,
        "decision_id": 1,
        "consignment_id": 1,
        "request_id": world.own_request,
        "run_id": world.night,
        "upload_id": 1,
        "kind": "stores",
    }
    document = schemathesis.openapi.from_wsgi("/api/openapi.json", caller.client.application)
    for found in document.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            check(operation, mode, caller)
            known = {name: place for name, place in places.items() if f"{{{name}}}" in operation.path}
            if known:
                check(operation, mode, caller, path_parameters=known)
