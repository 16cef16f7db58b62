"""What a change of the forecast does to a night's rows: whose word rules, and what stays as it was."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.overrides import factors, with_overrides
from forecaster.distribution import quantiles

WEEKS = pd.date_range("2026-07-05", periods=4, freq="7D")
STORES = {"P1": "hot", "P2": "hot", "S1": "cool"}
STYLES = {"T-M": "TIDE", "M-M": "MARLIN"}
COLUMNS = [
    "override_id", "category", "climate_zone", "store_id", "style_id", "first_week", "last_week", "factor",
    "units_a_week", "author", "reason",
]  # fmt: skip


def rows() -> pd.DataFrame:
    """Three stores, two styles and four weeks: a mean of 1, 2 or 3 by store, twice that for TIDE."""
    told = [
        (store, sku, style, "swim", zone, week, float(place) * (2.0 if style == "TIDE" else 1.0))
        for place, (store, zone) in enumerate(STORES.items(), 1)
        for sku, style in STYLES.items()
        for week in WEEKS
    ]
    frame = pd.DataFrame(
        told, columns=["store", "sku", "style_id", "category", "climate_zone", "week", "mean"]
    )
    size = np.full(len(frame), 1.5)
    p10, p50, p90 = quantiles(frame["mean"], size, (0.1, 0.5, 0.9))
    return frame.assign(p10=p10, p50=p50, p90=p90, size=size, base_mean=frame["mean"])


def said(number: int = 1, **changes: object) -> dict[str, object]:
    plain = dict.fromkeys(("climate_zone", "store_id", "style_id", "author", "reason"), "")
    whole = {"category": "swim", "first_week": WEEKS[0], "last_week": WEEKS[-1], "override_id": number}
    return plain | whole | {"factor": 1.2, "units_a_week": np.nan} | changes


def frame(*told: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame(list(told), columns=COLUMNS)


def factor_of(overrides: pd.DataFrame, store: str = "P1", style: str = "TIDE", week: int = 0) -> float:
    """What the rows of one store, style and week are multiplied with."""
    table = rows()
    place = (table["store"] == store) & (table["style_id"] == style) & (table["week"] == WEEKS[week])
    [factor] = factors(table, overrides)[place]
    return float(factor)


def test_a_change_counts_in_its_weeks_and_no_others() -> None:
    july = frame(said(first_week=WEEKS[1], last_week=WEEKS[2]))

    assert [factor_of(july, week=week) for week in range(4)] == [1.0, 1.2, 1.2, 1.0]


def test_a_change_for_a_zone_leaves_the_others_alone() -> None:
    hot = frame(said(climate_zone="hot"))

    assert (factor_of(hot, "P1"), factor_of(hot, "S1")) == (1.2, 1.0)


def test_another_category_is_not_touched() -> None:
    assert factor_of(frame(said(category="gloves"))) == 1.0


def test_the_one_that_names_most_rules_whatever_came_first() -> None:
    both = frame(said(1, store_id="P1", factor=2.0), said(2, factor=0.5), said(3, climate_zone="hot"))

    assert (factor_of(both, "P1"), factor_of(both, "P2"), factor_of(both, "S1")) == (2.0, 1.2, 0.5)


def test_a_style_goes_before_a_store_as_in_the_calendar() -> None:
    both = frame(said(1, style_id="TIDE", factor=3.0), said(2, store_id="P1", factor=2.0))

    assert (factor_of(both), factor_of(both, style="MARLIN")) == (3.0, 2.0)


def test_of_equals_the_newest_rules() -> None:
    assert factor_of(frame(said(1, factor=2.0), said(2, factor=3.0))) == 3.0


def test_units_a_week_are_shared_out_as_the_model_shares_them() -> None:
    told = rows()
    moved = with_overrides(told, frame(said(factor=np.nan, units_a_week=90.0)))
    weekly = moved.groupby("week")["mean"].sum()

    assert weekly.to_numpy() == pytest.approx(90.0)
    assert (moved["mean"] / told["mean"]).to_numpy() == pytest.approx(90.0 / 18.0)


def test_units_of_what_the_model_says_nobody_wants_are_given_to_nobody() -> None:
    nothing = rows().assign(mean=0.0, base_mean=0.0)
    moved = with_overrides(nothing, frame(said(factor=np.nan, units_a_week=90.0)))

    assert (moved["mean"] == 0).all()


def test_the_quantiles_are_those_of_the_distribution_around_the_new_mean() -> None:
    told = rows()
    moved = with_overrides(told, frame(said(factor=3.0)))
    expected = quantiles(3.0 * told["mean"], told["size"], (0.1, 0.5, 0.9))

    for name, quantile in zip(("p10", "p50", "p90"), expected, strict=True):
        assert moved[name].to_numpy() == pytest.approx(quantile)
    assert moved["size"].equals(told["size"])


def test_what_the_model_says_is_kept_beside_it() -> None:
    told = rows()
    moved = with_overrides(told, frame(said(factor=3.0)))

    assert moved["base_mean"].equals(told["mean"])


def test_without_a_change_nothing_moves() -> None:
    told = rows()

    assert with_overrides(told.drop(columns="base_mean"), frame())[told.columns].equals(told)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda number, scope, factor: said(number, factor=factor, **scope),
            st.integers(1, 9),
            st.sampled_from(
                [{}, {"climate_zone": "hot"}, {"store_id": "P1"}, {"style_id": "TIDE"}, {"store_id": "S1"}]
            ),
            st.floats(0.1, 5.0),
        ),
        max_size=5,
        unique_by=lambda row: row["override_id"],
    )
)
def test_every_row_has_the_factor_of_one_change_or_none(told: list[dict[str, object]]) -> None:
    given_factors = {1.0, *(float(str(row["factor"])) for row in told)}

    assert set(factors(rows(), frame(*told))) <= given_factors
