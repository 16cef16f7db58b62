"""Lists as files, whatever their length, from both databases."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from tests.integration.web.world import ADMIN, MANAGER, World, add_alerts

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

MANY = 1_200


@pytest.mark.parametrize("email", [MANAGER, ADMIN])
def test_a_long_list_is_sent_whole_while_it_is_read(
    email: str, world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    add_alerts(world.database, MANY)

    with logged_in(email).get("/alerts?as=csv") as answer:
        rows = list(csv.DictReader(answer.get_data(as_text=True).lstrip("\ufeff").splitlines()))

    assert len(rows) >= MANY
    assert len({tuple(row.values()) for row in rows}) == len(rows)


# The database ends a cursor with its transaction; the driver would rather be told before.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_whoever_hangs_up_leaves_no_session_open(
    world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    add_alerts(world.database, MANY)
    browser = logged_in(ADMIN)

    for _ in range(20):
        browser.get("/alerts?as=csv", buffered=False).close()

    assert browser.get("/alerts").status_code == 200
