from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster import PanelError, expected_gap

AS_OF = date(2026, 6, 14)
WEEKS = pd.date_range("2026-06-15", periods=52, freq="7D")
KEY = {"store": "s1", "sku": "k1"}


def summer(peak: float = 10.0) -> np.ndarray:
    """Demand with its trough in the middle of January and its peak in the middle of July."""
    return peak * np.exp(2 * (np.cos(2 * np.pi * (np.arange(52) - 4) / 52) - 1))


def forecast(mean, weeks=WEEKS, evidence="observed") -> pd.DataFrame:
    return pd.DataFrame({**KEY, "week": weeks, "mean": mean, "evidence": evidence})


def series(level_shape=8.0, dispersion=4.0) -> pd.DataFrame:
    return pd.DataFrame([{**KEY, "level_shape": level_shape, "dispersion": dispersion}])


def supply(*arrivals: tuple[str, float]) -> pd.DataFrame:
    return pd.DataFrame([{**KEY, "week": pd.Timestamp(week), "units": units} for week, units in arrivals])


def windows(*given: tuple[str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(given, columns=["season_code", "floor_set", "exit"])
    frame = frame.astype({"floor_set": "datetime64[s]", "exit": "datetime64[s]"})
    return frame.assign(**KEY)


def gap(mean, arrivals=(("2026-06-15", 0.0),), given=(), as_of=AS_OF, **shapes) -> pd.DataFrame:
    return expected_gap(forecast(mean), series(**shapes), supply(*arrivals), windows(*given), as_of=as_of)


SWIM = ("swim", "2026-02-01", "2026-07-05")


def test_the_columns_are_those_promised():
    assert list(gap(summer()).columns) == [
        "store", "sku", "week", "season_code", "floor_set", "exit", "phase", "demand", "lost", "available",
        "recoverable", "evidence",
    ]  # fmt: skip


def test_without_a_window_all_is_in_season():
    found = gap(summer())
    assert set(found["phase"]) == {"in_season"}
    assert set(found["season_code"]) == {""}
    assert found["exit"].isna().all()


def test_with_nothing_in_stock_everything_is_lost():
    found = gap(summer())
    np.testing.assert_allclose(found["lost"], found["demand"])


def test_with_plenty_nothing_is_lost():
    assert gap(summer(), [("2026-06-15", 1e5)])["lost"].max() < 1e-6


def test_after_the_exit_all_demand_is_lost_whatever_is_in_stock():
    found = gap(summer(), [("2026-06-15", 1e5)], [SWIM])
    after = found[found["phase"] == "after_exit"]
    assert after["week"].min() == pd.Timestamp("2026-07-06")
    np.testing.assert_allclose(after["lost"], after["demand"])
    assert set(after["season_code"]) == {"swim"}


def test_the_trough_divides_the_old_season_from_the_next():
    found = gap(summer(), given=[SWIM, ("swim", "2027-04-01", "2027-07-05")])
    off = found[found["phase"] != "in_season"].set_index("week")
    trough = WEEKS[np.argmin(summer())]
    assert (off.loc[off.index < trough, "phase"] == "after_exit").all()
    assert (off.loc[off.index >= trough, "phase"] == "before_floor_set").all()
    assert set(off.loc[off.index >= trough, "floor_set"]) == {pd.Timestamp("2027-04-01")}


def test_the_rise_of_a_season_nobody_planned_yet_is_not_the_end_of_this_one():
    found = gap(summer(), given=[SWIM])
    spring = found[found["week"] >= "2027-03-01"]
    assert set(spring["phase"]) == {"before_floor_set"}
    assert set(spring["season_code"]) == {""}


def test_a_trough_already_behind_leaves_nothing_to_the_old_season():
    coats = np.roll(summer(), 26)
    autumn = date(2026, 9, 13)
    weeks = pd.date_range("2026-09-14", periods=52, freq="7D")
    found = expected_gap(
        forecast(np.roll(coats, -13), weeks),
        series(),
        supply(("2026-09-14", 5.0)),
        windows(("coats", "2025-08-01", "2026-02-15")),
        as_of=autumn,
    )
    ahead = found[found["week"] < "2027-02-01"]
    assert set(ahead["phase"]) == {"before_floor_set"}


def test_a_boundary_week_is_split_by_its_days():
    found = gap(np.full(52, 7.0), [("2026-06-15", 1e5)], [("swim", "2026-02-01", "2026-07-08")])
    week = found[found["week"] == "2026-07-06"].set_index("phase")
    assert week.loc["in_season", "demand"] == pytest.approx(3.0)
    assert week.loc["after_exit", "demand"] == pytest.approx(4.0)
    assert week.loc["in_season", "lost"] == pytest.approx(0.0, abs=1e-6)


def test_of_a_week_already_begun_only_its_remaining_days_count():
    found = gap(np.full(52, 7.0), as_of=date(2026, 6, 17))
    assert found["demand"].iloc[0] == pytest.approx(4.0)


def test_every_day_ahead_is_counted_once():
    given = [SWIM, ("rail", "2026-06-20", "2026-08-12"), ("swim", "2027-02-01", "2027-07-05")]
    found = gap(summer(), [("2026-06-15", 9.0)], given)
    np.testing.assert_allclose(found.groupby("week")["demand"].sum(), summer())


def test_stock_left_at_the_exit_could_serve_the_demand_after_it():
    found = gap(np.full(52, 1.0), [("2026-06-15", 1000.0)], [SWIM])
    after = found[found["phase"] == "after_exit"]
    assert after["recoverable"].sum() == pytest.approx(after["demand"].sum())
    few = gap(np.full(52, 1.0), [("2026-06-15", 5.0)], [SWIM])
    after = few[few["phase"] == "after_exit"]
    assert 2.0 < after["recoverable"].sum() < 3.5
    assert (after["recoverable"] <= after["lost"] + 1e-9).all()


def test_receipts_serve_from_their_week_on():
    late = gap(np.full(52, 4.0), [("2026-07-06", 500.0)])
    before = late["week"] < "2026-07-06"
    np.testing.assert_allclose(late.loc[before, "lost"], 4.0)
    assert late.loc[~before, "lost"].max() < 0.1


def test_stock_on_hand_dated_before_the_first_week_is_there_from_the_start():
    early = gap(summer(), [("2026-06-01", 30.0)])
    pd.testing.assert_frame_equal(early, gap(summer(), [("2026-06-15", 30.0)]))


def simulated_loss(mean, arrivals, shape, dispersion, runs=40_000) -> float:
    rng = np.random.default_rng(11)
    level = rng.gamma(shape, 1 / shape, runs)
    stock, lost = np.zeros(runs), 0.0
    for units, arriving in zip(mean, arrivals, strict=True):
        stock += arriving
        asked = rng.poisson(level * units * rng.gamma(dispersion, 1 / dispersion, runs))
        sold = np.minimum(asked, stock)
        stock, lost = stock - sold, lost + float((asked - sold).mean())
    return lost


def test_the_loss_is_that_of_a_simulated_shop():
    mean = summer(6.0)[:12]
    found = gap(np.concatenate([mean, np.zeros(40)]), [("2026-06-15", 30.0)], level_shape=6.0, dispersion=3.0)
    assert found["lost"].sum() == pytest.approx(simulated_loss(mean, [30.0] + [0.0] * 11, 6.0, 3.0), rel=0.03)


def test_with_later_receipts_the_loss_is_a_lower_bound_and_near():
    mean = np.full(12, 4.0)
    arrivals = [12.0, 0, 0, 12.0, 0, 0, 12.0, 0, 0, 12.0, 0, 0]
    rows = [(str(WEEKS[i].date()), units) for i, units in enumerate(arrivals) if units]
    found = gap(np.concatenate([mean, np.zeros(40)]), rows)["lost"].sum()
    true = simulated_loss(mean, arrivals, 8.0, 4.0)
    assert 0.6 * true < found < 1.02 * true


@settings(max_examples=12, deadline=None)
@given(
    st.floats(0.01, 60),
    st.lists(st.tuples(st.integers(0, 51), st.floats(0, 80)), min_size=1, max_size=4),
    st.floats(0, 40),
    st.booleans(),
)
def test_mass_is_conserved_and_more_stock_never_raises_the_loss(peak, arrivals, more, seasonal):
    given = [SWIM] if seasonal else []
    rows = [(str(WEEKS[week].date()), units) for week, units in arrivals]
    found = gap(summer(peak), rows, given)
    assert (found["lost"] >= 0).all()
    assert (found["lost"] <= found["demand"] + 1e-9).all()
    sold = (found["demand"] - found["lost"]).sum()
    assert sold <= sum(units for _, units in rows) + 1e-6
    assert found["demand"].sum() == pytest.approx(summer(peak).sum())
    richer = gap(summer(peak), [*rows, ("2026-06-15", more)], given)
    assert richer["lost"].sum() <= found["lost"].sum() + 1e-6


def test_a_series_without_its_level_is_refused():
    with pytest.raises(PanelError, match="no row for 1 series"):
        expected_gap(
            forecast(summer()),
            series().assign(sku="other"),
            supply(("2026-06-15", 1.0)),
            windows(),
            as_of=AS_OF,
        )


def test_a_window_that_ends_before_it_begins_is_refused():
    with pytest.raises(PanelError, match=r"windows\.exit"):
        gap(summer(), given=[("swim", "2026-07-05", "2026-02-01")])


def test_a_forecast_with_a_hole_is_refused():
    with pytest.raises(PanelError, match="need one each"):
        expected_gap(
            pd.concat([forecast(summer()), forecast(summer()).assign(sku="k2").head(3)]),
            series(), supply(("2026-06-15", 1.0)), windows(), as_of=AS_OF,
        )  # fmt: skip
