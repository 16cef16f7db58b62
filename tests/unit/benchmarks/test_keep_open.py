from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.keep_open import compare, design, generated, run, true_ratio


@pytest.fixture(scope="module")
def case():
    return generated(3, 40.0)


def test_the_design_sees_nothing_that_happened_after_it(case):
    assert case.panel["week"].max() + pd.Timedelta(days=6) <= pd.Timestamp(case.as_of)
    assert case.panel.loc[case.panel["exposure"] == 0, "units"].sum() == 0
    assert case.forecast["week"].min() > pd.Timestamp(case.as_of)


def test_the_truth_is_what_the_dark_weeks_sold_beside_the_weeks_before(case):
    dark = case.sales["week"] > pd.Timestamp(case.exit_day)
    doubled = case.sales.assign(units=case.sales["units"] * np.where(dark, 2.0, 1.0))
    weeks = design(case, None, 3).weeks
    higher = true_ratio(type(case)(**(vars(case) | {"sales": doubled})), weeks)
    assert higher - true_ratio(case, weeks) == pytest.approx(np.log(2.0))


def test_only_the_allowed_stores_are_tested(case):
    allowed = case.stores["store"].iloc[5:10].tolist()
    assert list(design(case, allowed, 5).stores) == allowed
    assert run(case, "random", allowed, 5)["stores"] == 5


def test_each_method_and_number_of_stores_has_a_row(case):
    rows = compare(iter([case]), 1)
    assert [(row["method"], row["stores"]) for row in rows] == [
        ("biggest", 3), ("biggest", 5), ("inseason", 3), ("inseason", 5), ("random", 3), ("random", 5),
    ]  # fmt: skip
    assert all(row["rmse"] >= 0 and 0 <= row["coverage"] <= 1 for row in rows)
