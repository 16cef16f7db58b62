from __future__ import annotations

import pandas as pd

from data.selling_windows import markdown_steps

TRUNKS = {"store_id": "PHX", "style_id": "SWT", "category": "swim trunks", "climate_zone": "hot"}
CHAIN_WIDE = {"climate_zone": "", "store_id": "", "style_id": ""}


def steps_of(*steps, **changes):
    """Day and percent of the steps of the Phoenix trunks, from (day, percent, season, scope)."""
    rows = [
        {"category": "swim trunks", "season_code": season, "effective_from": day, "percent_off": float(off)}
        | CHAIN_WIDE
        | scope
        for day, off, season, scope in steps
    ]
    frame = pd.DataFrame(rows).astype({"effective_from": "datetime64[us]"})
    told = markdown_steps(frame, pd.DataFrame([TRUNKS | changes]))
    return [
        (f"{day:%Y-%m-%d}", off) for day, off in zip(told["effective_from"], told["percent_off"], strict=True)
    ]


def test_the_steps_of_the_chain_hold_where_nobody_else_has_any():
    chain = [("2026-06-15", 30, "SS26", {}), ("2026-06-29", 50, "SS26", {})]
    elsewhere = [("2026-07-27", 30, "SS26", {"store_id": "JAX"})]

    assert steps_of(*chain, *elsewhere) == [("2026-06-15", 30.0), ("2026-06-29", 50.0)]


def test_a_store_with_steps_of_its_own_has_none_of_the_chains():
    chain = [("2026-06-15", 30, "SS26", {}), ("2026-06-29", 50, "SS26", {})]
    own = [("2026-07-27", 30, "SS26", {"store_id": "PHX"})]

    assert steps_of(*chain, *own) == [("2026-07-27", 30.0)]


def test_a_style_stands_above_a_store_and_a_store_above_a_zone():
    steps = [
        ("2026-06-15", 20, "SS26", {"climate_zone": "hot"}),
        ("2026-06-16", 30, "SS26", {"store_id": "PHX"}),
        ("2026-06-17", 40, "SS26", {"style_id": "SWT"}),
    ]

    assert steps_of(*steps[:2]) == [("2026-06-16", 30.0)]
    assert steps_of(*steps) == [("2026-06-17", 40.0)]


def test_what_a_store_does_in_one_year_says_nothing_of_another():
    steps = [
        ("2025-06-15", 30, "swim", {}),
        ("2025-06-20", 40, "swim", {"store_id": "PHX"}),
        ("2026-06-15", 30, "swim", {}),
    ]

    assert steps_of(*steps) == [("2025-06-20", 40.0), ("2026-06-15", 30.0)]


def test_seasons_do_not_mix():
    steps = [("2026-06-15", 30, "SS26", {}), ("2026-06-20", 40, "FW26", {"store_id": "PHX"})]

    assert sorted(steps_of(*steps)) == [("2026-06-15", 30.0), ("2026-06-20", 40.0)]


def test_another_category_has_none():
    assert steps_of(("2026-06-15", 30, "SS26", {}), category="sandals") == []


def test_a_store_that_is_spared_the_first_cut_has_only_the_later_one():
    chain = [("2026-06-15", 30, "SS26", {})]
    own = [
        ("2026-06-15", 0, "SS26", {"store_id": "PHX"}),
        ("2026-06-29", 20, "SS26", {"store_id": "PHX"}),
        ("2026-07-06", 20, "SS26", {"store_id": "PHX"}),
    ]

    assert steps_of(*chain, *own) == [("2026-06-29", 20.0)]
