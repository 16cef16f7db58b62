from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.impact import share_after, share_within, with_remedies
from forecaster.policy import Policies
from forecaster.rules.reading import Limits, Reading

AS_OF = pd.Timestamp("2026-06-14")


def divided(lost, own, weeks, lead, spare, skus=None, phases=None, stores=None) -> pd.DataFrame:
    """Claims divided; `spare`: units by (store, sku), or by sku of a store that misses nothing itself."""
    n = len(lost)
    names = sorted({"far", *(stores or [])})
    claims = pd.DataFrame(
        {
            "lost": np.asarray(lost, dtype=float),
            "own": np.asarray(own, dtype=float),
            "week": AS_OF + pd.to_timedelta(7 * np.asarray(weeks) + 1, unit="D"),
            "lead_days": np.asarray(lead, dtype=float),
            "store": pd.Categorical(stores or ["far"] * n, categories=names),
            "sku": pd.Categorical(skus if skus is not None else ["a"] * n, categories=["a", "b"]),
            "category": pd.Categorical(["swimwear"] * n),
            "phase": phases or ["in_season"] * n,
        }
    )
    reading = Reading(AS_OF, claims, pd.DataFrame(), Limits(Policies(), pd.Index(["swimwear"])))
    given = [(key if isinstance(key, tuple) else ("dc", key), units) for key, units in spare.items()]
    frame = pd.DataFrame([(*key, units) for key, units in given], columns=["store", "sku", "spare"])
    return with_remedies(claims, reading, frame, transit_days=4)


LEAD = st.sampled_from([0.0, 10.0, 90.0, np.inf])
AMOUNT = st.floats(0, 50, allow_nan=False)


PHASE = st.sampled_from(["in_season", "before_floor_set", "after_exit"])


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(AMOUNT, AMOUNT, st.integers(0, 20), LEAD, PHASE, st.sampled_from(["s1", "s2"])),
        min_size=1, max_size=12,
    ),
    AMOUNT,
    AMOUNT,
)  # fmt: skip
def test_every_loss_is_divided_between_the_three_remedies_and_no_piece_is_given_twice(rows, of_a, of_b):
    lost, own, weeks, lead, phases, stores = (list(each) for each in zip(*rows, strict=True))
    skus = ["a" if place % 2 else "b" for place in range(len(rows))]
    spare = {("s1", "a"): of_a, ("dc", "a"): 3.0, ("s2", "b"): of_b}
    told = divided(lost, own, weeks, lead, spare, skus, phases, stores)
    parts = told[["recoverable_units", "reorderable_units", "next_buy_units"]]
    assert (parts.to_numpy() >= -1e-9).all()
    assert parts.sum(axis=1).to_numpy() == pytest.approx(np.array(lost), abs=1e-6)
    before = np.minimum(own, lost)
    assert (told["own"] <= before + 1e-9).all()
    for sku, holder, there, elsewhere in (("a", "s1", of_a, 3.0), ("b", "s2", of_b, 0.0)):
        mine = (told["sku"] == sku).to_numpy()
        here = mine & (told["store"] == holder).to_numpy()
        sent, kept = told["sent"][mine].sum(), told["own"][here].sum()
        # A piece that could be given away serves its own store or is sent, never both.
        assert sent + kept <= max(before[here].sum(), there) + elsewhere + 1e-6
        assert told["own"][mine & ~here].to_numpy() == pytest.approx(before[mine & ~here])


def test_what_is_missed_in_season_is_dealt_to_before_what_is_missed_after_an_exit():
    phases = ["after_exit", "in_season", "before_floor_set"]
    told = divided([90.0, 8.0, 10.0], [0.0] * 3, [9, 2, 9], [np.inf] * 3, {"a": 28.0}, phases=phases)
    assert told["sent"].tolist() == pytest.approx([18.0, 8.0, 2.0])
    told = divided([90.0, 8.0, 24.0], [0.0] * 3, [9, 2, 2], [np.inf] * 3, {"a": 16.0},
                   phases=["after_exit", "in_season", "in_season"])  # fmt: skip
    assert told["sent"].tolist() == pytest.approx([0.0, 4.0, 12.0])


def test_a_piece_that_would_serve_its_store_after_the_exit_is_sent_to_whoever_wants_it_now():
    # s1 keeps 3 of the 9 it will have left at the exit for its customers until then: 6 can go.
    phases, stores = ["after_exit", "in_season", "after_exit"], ["s1", "s2", "s3"]
    told = divided([20.0, 4.0, 5.0], [9.0, 0.0, 5.0], [9, 2, 9], [np.inf] * 3, {("s1", "a"): 6.0},
                   phases=phases, stores=stores)  # fmt: skip
    assert told["sent"].tolist() == pytest.approx([0.0, 4.0, 0.0])
    assert told["own"].tolist() == pytest.approx([5.0, 0.0, 5.0])
    # What serves nobody where it lies goes first.
    told = divided([20.0, 4.0, 5.0], [9.0, 0.0, 5.0], [9, 2, 9], [np.inf] * 3,
                   {("s1", "a"): 6.0, ("dc", "a"): 4.0}, phases=phases, stores=stores)  # fmt: skip
    assert told["own"].tolist() == pytest.approx([9.0, 0.0, 5.0])
    assert told["sent"].tolist() == pytest.approx([0.0, 4.0, 0.0])


def test_what_cannot_arrive_in_time_is_for_the_next_buy():
    told = divided([7.0, 7.0], [0.0, 0.0], [0, 3], [10.0, np.inf], {})
    # Ordered tonight, there on the tenth day: too late for the first week; never, without a lead time.
    assert told["reorderable_units"].tolist() == [0.0, 0.0]
    told = divided([7.0], [0.0], [1], [10.0], {})
    assert told["reorderable_units"].tolist() == pytest.approx([5.0])


def test_a_sku_nobody_holds_has_nothing_to_give():
    assert divided([7.0], [0.0], [3], [np.inf], {"b": 5.0})["recoverable_units"].tolist() == [0.0]


def test_more_to_spare_never_leaves_more_for_the_next_buy():
    left = [divided([9.0], [1.0], [2], [30.0], {"a": spare})["next_buy_units"].iloc[0] for spare in range(12)]
    assert left == sorted(left, reverse=True)


@pytest.mark.parametrize(
    ("wait", "share"), [(0, 1.0), (1, 1.0), (5, 3 / 7), (7, 1 / 7), (8, 0.0), (np.inf, 0.0)]
)
def test_a_piece_serves_the_days_on_which_it_is_there(wait, share):
    week = np.array([np.datetime64("2026-06-15")])
    assert share_after(week, np.datetime64("2026-06-14"), np.array([wait])) == pytest.approx(share)


def test_a_week_already_begun_has_only_the_days_after_today():
    week = np.array([np.datetime64("2026-06-12")])
    today = np.datetime64(date(2026, 6, 14))
    assert share_after(week, today, np.array([1.0])) == pytest.approx(1.0)
    assert share_after(week, today, np.array([3.0])) == pytest.approx(2 / 4)


@pytest.mark.parametrize(
    ("week", "share"),
    [
        ("2026-06-15", 1.0),  # the whole week to come
        ("2026-06-22", 0.0),  # the week after it
        ("2026-06-12", 1.0),  # begun: what is left of it, four days
        ("2026-06-19", 3 / 7),  # the first three of its days
        ("2026-06-08", 0.0),  # over
    ],
)
def test_of_each_week_the_days_within_the_next_seven_count(week: str, share: float) -> None:
    told = share_within(np.array([week], dtype="datetime64[D]"), np.datetime64("2026-06-14"), 7)
    assert told == pytest.approx([share])


@given(st.integers(0, 6))
def test_the_next_seven_days_are_seven_whatever_day_weeks_begin_on(begins: int) -> None:
    today = np.datetime64("2026-06-14")
    weeks = today - begins + 7 * np.arange(-2, 4)
    left = np.clip((weeks - today).astype(int) + 6, 0, 7)
    assert (share_within(weeks, today, 7) * left).sum() == pytest.approx(7)
