from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecaster import PanelError
from forecaster.distribution import quantiles
from forecaster.scores import (
    MEASURES,
    SUMS,
    coverage,
    mean_crps,
    mean_pinball,
    rates,
    row_sums,
    score_alerts,
    share_beyond,
    wape,
    wpe,
)


def foretold(n: int = 4000, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[np.ndarray]]:
    """Counts drawn from the negative binomials that are foretold: actual, mean, size, quantiles."""
    rng = np.random.default_rng(seed)
    mean, size = rng.gamma(2.0, 10.0, n), rng.uniform(1.0, 8.0, n)
    actual = rng.poisson(rng.gamma(size, mean / size)).astype(float)
    return actual, mean, size, quantiles(mean, size, (0.1, 0.5, 0.9))


def test_absolute_errors_are_weighed_by_what_was_wanted():
    assert wape([2, 0, 4], [3, 1, 4]) == pytest.approx(2 / 6)


def test_errors_of_both_signs_cancel_in_the_percentage_error():
    assert wpe([2, 0, 4], [3, 1, 2]) == pytest.approx(0.0)
    assert wpe([2, 0, 4], [1, 0, 2]) == pytest.approx(-0.5)


def test_of_no_demand_there_is_no_share():
    assert np.isnan(wape([0, 0], [1, 0]))
    assert np.isnan(wpe([], []))


def test_the_pinball_loss_charges_a_high_quantile_more_for_being_too_low():
    too_low, too_high = mean_pinball([10], [[6]], [0.9]), mean_pinball([6], [[10]], [0.9])
    assert (too_low, too_high) == pytest.approx((3.6, 0.4))


def test_the_pinball_loss_is_the_mean_over_quantiles():
    assert mean_pinball([10], [[6], [6]], [0.9, 0.5]) == pytest.approx((3.6 + 2.0) / 2)


def test_the_crps_of_a_forecast_without_doubt_is_its_absolute_error():
    assert mean_crps([5], [0.0], [np.inf]) == pytest.approx(5.0)


def test_the_truth_scores_better_than_a_wrong_mean_or_a_wrong_size():
    actual, mean, size, _ = foretold()
    honest = mean_crps(actual, mean, size)
    assert honest < mean_crps(actual, 1.3 * mean, size)
    assert honest < mean_crps(actual, 0.7 * mean, size)
    assert honest < mean_crps(actual, mean, 20 * size)
    assert honest < mean_crps(actual, mean, size / 20)


def test_both_ends_of_an_interval_belong_to_it():
    assert coverage([1, 2, 3, 4], [2, 2, 2, 2], [3, 3, 3, 3]) == pytest.approx(0.5)
    assert share_beyond([1, 2, 3, 4], [3, 3, 3, 3]) == pytest.approx(0.25)


def test_quantiles_of_the_truth_cover_what_they_promise():
    actual, _, _, (low, _, high) = foretold()
    assert 0.79 < coverage(actual, low, high) < 0.87
    assert 0.07 < share_beyond(actual, high) < 0.11


def test_added_up_rows_give_the_same_measures_as_the_rows_at_once():
    actual, mean, size, (low, middle, high) = foretold(500)
    sums = row_sums(actual, mean, size, [low, middle, high])
    assert list(sums.columns) == list(SUMS)

    told = rates(sums.sum().to_frame().T).iloc[0]

    assert told.to_dict() == pytest.approx(
        {
            "wape": wape(actual, mean),
            "wpe": wpe(actual, mean),
            "pinball": mean_pinball(actual, [low, middle, high]),
            "crps": mean_crps(actual, mean, size),
            "coverage": coverage(actual, low, high),
            "beyond_p90": share_beyond(actual, high),
        }
    )


def test_a_set_without_demand_has_no_shares_of_it_but_all_else():
    sums = row_sums([0.0], [0.5], [2.0], [[0.0], [0.0], [1.0]])

    told = rates(sums).iloc[0]

    assert list(told.index) == list(MEASURES)
    assert told[["wape", "wpe"]].isna().all()
    assert told[["pinball", "crps", "coverage", "beyond_p90"]].notna().all()


def alerts(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["store", "style", "raised_on", "units"])


def losses(*rows: tuple[str, str, str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["store", "style", "begins", "ends", "units"])


def test_precision_is_over_alerts_and_recall_over_losses():
    raised = alerts(("1", "A", "2026-06-01", 9), ("1", "B", "2026-06-01", 9), ("2", "A", "2026-06-01", 9))
    happened = losses(
        ("1", "A", "2026-07-06", "2026-09-01", 10),
        ("2", "B", "2026-07-06", "2026-09-01", 10),
    )

    score = score_alerts(raised, happened)

    assert (score.raised, score.right, score.due, score.told) == (3, 1, 2, 1)
    assert score.precision == pytest.approx(1 / 3)
    assert score.recall == pytest.approx(1 / 2)


def test_lead_days_run_from_the_alert_to_the_first_loss():
    raised = alerts(*((store, "A", "2026-06-01", 9) for store in "123"))
    happened = losses(
        ("1", "A", "2026-06-03", "2026-09-01", 10),
        ("2", "A", "2026-06-11", "2026-09-01", 10),
        ("3", "A", "2026-08-01", "2026-09-01", 10),
    )
    assert score_alerts(raised, happened).median_lead_days == 10


def test_an_alert_during_its_loss_is_right_and_late():
    score = score_alerts(
        alerts(("1", "A", "2026-07-10", 9)), losses(("1", "A", "2026-07-06", "2026-09-01", 9))
    )
    assert (score.precision, score.recall, score.median_lead_days) == (1.0, 1.0, -4.0)


def test_an_alert_after_its_loss_is_wrong():
    score = score_alerts(
        alerts(("1", "A", "2026-09-02", 9)), losses(("1", "A", "2026-07-06", "2026-09-01", 9))
    )
    assert (score.precision, score.recall) == (0.0, 0.0)
    assert np.isnan(score.median_lead_days)


def test_an_alert_raised_night_after_night_counts_once_from_its_first():
    raised = alerts(("1", "A", "2026-06-20", 5), ("1", "A", "2026-06-06", 8), ("1", "A", "2026-06-13", 9))
    score = score_alerts(raised, losses(("1", "A", "2026-07-06", "2026-09-01", 10)))
    assert (score.raised, score.median_lead_days) == (1, 30.0)
    assert score.units_wpe == pytest.approx(-0.2)


def test_a_small_loss_makes_its_alert_right_but_is_not_missed():
    happened = losses(("1", "A", "2026-07-06", "2026-09-01", 2), ("2", "A", "2026-07-06", "2026-09-01", 2))
    score = score_alerts(alerts(("1", "A", "2026-06-01", 4)), happened, least_units=3)
    assert score.precision == 1.0
    assert score.due == 0
    assert np.isnan(score.recall)


def test_with_the_season_in_its_identity_last_years_alert_does_not_answer_for_this_year():
    raised = alerts(("1", "A", "2025-06-01", 9)).assign(season="SS25")
    happened = losses(("1", "A", "2026-07-06", "2026-09-01", 9)).assign(season="SS26")
    assert score_alerts(raised, happened, on=("store", "style", "season")).recall == 0.0


def test_nothing_raised_and_nothing_lost_has_no_rates():
    score = score_alerts(alerts(), losses())
    assert (score.raised, score.due) == (0, 0)
    assert np.isnan([score.precision, score.recall, score.median_lead_days, score.units_wpe]).all()


def test_a_loss_told_twice_is_refused():
    row = ("1", "A", "2026-07-06", "2026-09-01", 9)
    with pytest.raises(PanelError, match=r"happened\.store\+style: 1 repeated"):
        score_alerts(alerts(), losses(row, row))


@pytest.mark.parametrize("column", ["raised_on", "units", "style"])
def test_an_alert_frame_without_a_column_is_refused(column):
    with pytest.raises(PanelError, match=column):
        score_alerts(alerts(("1", "A", "2026-06-01", 9)).drop(columns=column), losses())
