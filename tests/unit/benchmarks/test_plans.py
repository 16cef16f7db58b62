from __future__ import annotations

import json

import pytest

from benchmarks import plans


@pytest.fixture(scope="module")
def chain():
    return plans.make_chain(styles=6, stores=9, seed=1)


def test_every_method_is_printed_with_its_time_and_its_ratio(capsys):
    plans.main(["--styles", "4", "--stores", "6", "--plans", "40", "--json"])

    rows = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [row["method"] for row in rows] == ["inseason", "inseason_exact", "one_by_one"]
    assert rows[0]["plans"] == 40
    assert rows[0]["ratio"] == 1
    assert all(row["cpu_seconds"] > 0 for row in rows)


def test_the_loop_finds_what_the_arrays_find_where_there_are_no_receipts(chain):
    first_week = chain.supply["week"] == plans.FIRST_WEEK
    plain = plans.Chain(chain.forecast, chain.series, chain.supply[first_week], chain.mean)
    tried = [plan for plan in plans.make_plans(stores=9, most=12) if not plan.is_partial]

    looped, at_once = plans.weigh_one_by_one(plain, tried), plans.weigh_exactly(plain, tried)

    for figure in ("leftover_units", "margin"):
        assert looped[figure].tolist() == pytest.approx(at_once.loc[looped.index, figure].tolist(), rel=0.01)


def test_partial_plans_are_among_those_timed():
    assert any(plan.is_partial for plan in plans.make_plans(stores=9, most=200))
