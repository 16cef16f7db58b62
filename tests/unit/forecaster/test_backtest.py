from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from forecaster import ForecasterError, PanelError, fit_demand
from forecaster.backtest import PERIODS, SCORE_KEY, backtest, rolling_origins, score_table
from forecaster.scores import MEASURES, SUMS, wape, wpe

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST = date(2024, 1, 1)
LAST = date(2025, 12, 28)
ORIGIN = date(2025, 6, 29)
WEEKS = pd.date_range(FIRST, LAST, freq="7D")


@dataclass
class Rival:
    """Foretells the mean of every unit it was ever shown, whatever the date it is told."""

    series: pd.DataFrame
    mean: np.ndarray

    @classmethod
    def fit(cls, panel: pd.DataFrame, **_facts: object) -> Rival:
        shown = panel.groupby(["store", "sku", "category", "climate_zone"], as_index=False)["units"].mean()
        series = shown.drop(columns="units")
        return cls(series, shown["units"].to_numpy())

    def predict(self, weeks: Sequence[date]) -> pd.DataFrame:
        n, t = len(self.series), len(weeks)
        mean = np.repeat(self.mean, t)
        return pd.DataFrame(
            {
                "store": self.series["store"].repeat(t).array,
                "sku": self.series["sku"].repeat(t).array,
                "week": np.tile(pd.DatetimeIndex(list(weeks)), n),
                "mean": mean,
                "p10": 0.5 * mean,
                "p50": mean,
                "p90": 1.5 * mean,
                "size": np.inf,
            }
        )


class Seer(Rival):
    """Foretells a summer season that it knows."""

    def predict(self, weeks: Sequence[date]) -> pd.DataFrame:
        told = super().predict(weeks)
        return told.assign(mean=told["mean"] * summer(told["week"]))


def summer(weeks: pd.Series) -> np.ndarray:
    return np.where(weeks.dt.month.isin([5, 6, 7, 8, 9]), 1.0, 0.01)


def panel(*, skus: Sequence[str] = ("A", "B"), category: str = "swim", units: float = 4.0) -> pd.DataFrame:
    """Two stores that sell the same number every week."""
    index = pd.MultiIndex.from_product([["1", "2"], list(skus), WEEKS], names=["store", "sku", "week"])
    return index.to_frame(index=False).assign(
        category=category, climate_zone="hot", units=units, exposure=1.0, price_ratio=1.0
    )


def played(frame: pd.DataFrame, **changes: object) -> pd.DataFrame:
    asked = {"as_of": LAST, "origins": [ORIGIN], "horizon": 13, "fit": Rival.fit} | changes
    return backtest(frame, **asked)


def after(frame: pd.DataFrame, day: date = ORIGIN) -> pd.Series:
    return frame["week"] > pd.Timestamp(day)


def totals(tallies: pd.DataFrame, column: str = "period") -> dict[str, int]:
    return tallies.groupby(column)["rows"].sum().to_dict()


class Watched:
    """A fit that remembers what it was shown and what it foretold."""

    def __init__(self, fit: object) -> None:
        self.fit, self.shown, self.told = fit, [], []

    def __call__(self, frame: pd.DataFrame, **facts: object) -> Watched:
        self.shown.append({"panel": frame, **facts})
        self.model = self.fit(frame, **facts)
        return self

    @property
    def series(self) -> pd.DataFrame:
        return self.model.series

    def predict(self, weeks: Sequence[date]) -> pd.DataFrame:
        self.told.append(self.model.predict(weeks))
        return self.told[-1]


def tampered(frame: pd.DataFrame) -> pd.DataFrame:
    """Another future: other sales, stock and prices after the origin, and a style nobody had heard of."""
    later = after(frame)
    rng = np.random.default_rng(1)
    changed = frame.assign(
        units=frame["units"].where(~later, rng.integers(0, 500, len(frame)).astype(float)),
        exposure=frame["exposure"].where(~later, rng.uniform(0, 1, len(frame))),
        price_ratio=frame["price_ratio"].where(~later, 0.5),
    )
    return pd.concat([changed, changed[later & (changed["sku"] == changed["sku"].iloc[0])].assign(sku="new")])


@pytest.mark.parametrize("fit", [fit_demand, Rival.fit], ids=["model", "rival"])
def test_another_future_changes_no_forecast(retailer, fit):
    frame = retailer.panel(first_week=FIRST)
    frame = frame[frame["week"] <= pd.Timestamp(LAST)].reset_index(drop=True)
    other = tampered(frame)
    first, second = Watched(fit), Watched(fit)

    backtest(frame, as_of=LAST, origins=[ORIGIN], horizon=26, fit=first)
    backtest(other, as_of=LAST, origins=[ORIGIN], horizon=26, fit=second)

    pd.testing.assert_frame_equal(first.told[0], second.told[0])


def test_a_fit_is_shown_no_week_that_was_not_over_and_no_truth():
    frame = panel()
    requests = frame[["store", "sku", "week"]].assign(units=1.0)
    watched = Watched(Rival.fit)
    origins = [date(2025, 3, 2), date(2025, 6, 26)]

    played(
        frame,
        origins=origins,
        fit=watched,
        requests=requests,
        true_demand=truth_of(frame),
        climate=pd.DataFrame(),
    )

    for origin, shown in zip(origins, watched.shown, strict=True):
        assert set(shown) == {"panel", "as_of", "requests", "climate"}
        assert shown["as_of"] == origin
        for name in ("panel", "requests"):
            last = (shown[name]["week"].max() + pd.Timedelta(days=6)).date()
            assert origin - timedelta(days=6) <= last <= origin


def test_weeks_after_the_last_day_known_are_not_scored():
    early = ORIGIN + timedelta(weeks=5)
    assert played(panel(), as_of=early)["rows"].sum() == 4 * 5


def test_the_first_week_foretold_is_the_first_to_begin_after_the_origin():
    frame = panel()
    monday, thursday = played(frame, horizon=1), played(frame, horizon=1, origins=[date(2025, 6, 26)])
    assert monday["actual"].sum() == thursday["actual"].sum() == 4 * 4.0

    hidden = frame[frame["week"] != pd.Timestamp(2025, 6, 30)]
    assert played(hidden, horizon=1)["rows"].sum() == 0
    assert played(hidden, horizon=1, origins=[date(2025, 6, 26)])["rows"].sum() == 0


def test_what_was_first_stocked_after_the_origin_is_not_foretold():
    frame = panel()
    frame = frame[(frame["sku"] == "A") | after(frame)]
    assert played(frame)["rows"].sum() == 2 * 13


@pytest.mark.parametrize(
    ("column", "value"),
    [("exposure", 0.9), ("price_ratio", 0.9), ("price_ratio", 1.2), ("sold_out", 0.5)],
)
def test_a_week_whose_sales_were_not_its_demand_is_not_scored(column, value):
    frame = panel().assign(sold_out=0.0)
    spoilt = after(frame) & (frame["sku"] == "A")
    tallies = played(frame.assign(**{column: frame[column].where(~spoilt, value)}))
    assert tallies["rows"].sum() == 2 * 13


def test_a_small_discount_still_counts_as_the_regular_price():
    assert played(panel().assign(price_ratio=0.96))["rows"].sum() == 4 * 13


def truth_of(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["store", "sku", "week"]].assign(demand=10.0)


def test_with_the_truth_every_week_is_scored_and_against_it():
    frame = panel().assign(exposure=lambda rows: np.where(after(rows), 0.0, 1.0))
    assert played(frame)["rows"].sum() == 0

    tallies = played(frame, true_demand=truth_of(frame))

    assert tallies["rows"].sum() == 4 * 13
    assert tallies["actual"].sum() == 4 * 13 * 10.0
    assert score_table(tallies, horizon=13).iloc[0]["wpe"] == pytest.approx(-0.6)


def test_the_truth_reaches_beyond_the_last_day_known():
    frame = panel()
    assert played(frame, as_of=ORIGIN, true_demand=truth_of(frame))["rows"].sum() == 4 * 13


def test_without_a_calendar_what_is_not_on_the_shelf_has_left_it():
    frame = panel().assign(exposure=lambda rows: np.where(rows["week"].dt.month == 8, 0.0, 1.0))
    tallies = played(frame, true_demand=truth_of(frame))
    assert totals(tallies) == {"after_exit": 4 * 4, "in_season": 4 * 9}


def windows(*, first: str = "2025-03-03", last: str = "2025-07-20") -> pd.DataFrame:
    """One window for sku A in both stores; B is always on the floor."""
    row = {"sku": "A", "season_code": "SS25", "floor_set": pd.Timestamp(first), "exit": pd.Timestamp(last)}
    return pd.DataFrame([{"store": store, **row} for store in "12"])


def test_the_calendar_says_what_is_in_season_and_what_after_its_exit():
    tallies = played(panel(), windows=windows(), fit=Seer.fit, horizon=8)
    assert totals(tallies) == {"in_season": 2 * 3 + 2 * 8, "after_exit": 2 * 5}


def test_weeks_before_a_floor_set_are_told_apart():
    asked = {"windows": windows(first="2025-05-26"), "fit": Seer.fit, "horizon": 10}
    tallies = played(panel(), origins=[date(2025, 3, 30)], **asked)
    assert totals(tallies) == {"dead_season": 4 * 5, "before_floor_set": 2 * 3, "in_season": 2 * 2 + 2 * 5}


def test_a_week_split_by_an_exit_belongs_where_most_of_its_days_are():
    early, late = (
        totals(played(panel(), windows=windows(last=day), fit=Seer.fit, horizon=4))["after_exit"]
        for day in ("2025-07-16", "2025-07-17")
    )
    assert (early, late) == (2 * 2, 2 * 1)


def test_weeks_of_little_demand_are_the_dead_season_whatever_the_calendar_says():
    tallies = played(panel(), windows=windows(), fit=Seer.fit, horizon=26)
    # From the week that begins on 29 September on: its first day is still in summer's last month.
    assert totals(tallies) == {"in_season": 2 * 3 + 2 * 14, "after_exit": 2 * 11, "dead_season": 4 * 12}


def test_the_true_dead_season_is_that_of_the_category_and_zone_not_of_one_unlucky_series():
    frame = panel()
    rng = np.random.default_rng(5)
    high = summer(frame["week"]) == 1.0
    truth = frame[["store", "sku", "week"]].assign(
        demand=np.where(high, rng.integers(0, 2, len(frame)) * 9, 0)
    )
    tallies = played(frame, true_demand=truth, horizon=26)
    assert totals(tallies) == {"in_season": 4 * 14, "dead_season": 4 * 12}


def test_fifty_two_weeks_ahead_come_in_bands():
    frame = panel()
    tallies = played(frame, origins=[date(2024, 12, 29)], horizon=52)
    table = score_table(tallies, horizon=52)
    whole = table[(table["category"] == "") & (table["period"] == "")]
    assert list(zip(whole["first_ahead"], whole["last_ahead"], whole["rows"], strict=True)) == [
        (1, 52, 208), (1, 1, 4), (2, 2, 4), (3, 3, 4), (4, 4, 4), (5, 8, 16), (9, 13, 20), (14, 26, 52),
        (27, 52, 104),
    ]  # fmt: skip


def test_the_last_band_ends_with_the_horizon():
    tallies = played(panel(), horizon=6)
    assert set(zip(tallies["first_ahead"], tallies["last_ahead"], strict=True)) == {
        (1, 1), (2, 2), (3, 3), (4, 4), (5, 6)
    }  # fmt: skip


def noisy() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    both = pd.concat([panel(), panel(skus=("C",), category="coats")], ignore_index=True)
    return both.assign(units=rng.poisson(5, len(both)).astype(float))


def test_the_table_tells_the_measures_of_exactly_the_rows_it_names():
    frame = noisy()
    watched = Watched(Rival.fit)
    table = score_table(played(frame, fit=watched), horizon=13)

    scored = frame[after(frame)].merge(watched.told[0], on=["store", "sku", "week"])
    scored = scored[scored["week"] < pd.Timestamp(ORIGIN) + pd.Timedelta(weeks=13)]
    for name, rows in {"": scored, **dict(list(scored.groupby("category")))}.items():
        told = table[
            (table["category"] == name) & (table["period"] == "") & (table["last_ahead"] == 13)
        ].iloc[0]
        assert told["rows"] == len(rows)
        assert told["demand"] == rows["units"].sum()
        assert told["wape"] == pytest.approx(wape(rows["units"], rows["mean"]))
        assert told["wpe"] == pytest.approx(wpe(rows["units"], rows["mean"]))


def test_no_row_of_the_table_is_repeated_and_totals_come_first():
    for horizon in (1, 13):
        table = score_table(
            played(noisy(), horizon=horizon, origins=[date(2025, 3, 30), ORIGIN]), horizon=horizon
        )
        assert list(table.columns) == [*SCORE_KEY, "rows", "demand", *MEASURES]
        assert not table.duplicated(SCORE_KEY).any()
        assert table.iloc[0][SCORE_KEY].to_list() == ["", "", 1, horizon]
        assert table["category"].is_monotonic_increasing


def test_parts_of_a_period_and_of_a_category_add_up_to_it():
    table = score_table(played(noisy(), windows=windows(), fit=Seer.fit, horizon=26), horizon=26)
    total = table.iloc[0]["rows"]
    for level in ("category", "period"):
        other = "period" if level == "category" else "category"
        parts = table[(table[level] != "") & (table[other] == "") & (table["last_ahead"] == 26)]
        assert parts.loc[parts["first_ahead"] == 1, "rows"].sum() == total
    bands = table[(table["category"] == "") & (table["period"] == "")].iloc[1:]
    assert bands["rows"].sum() == total


def test_categories_played_one_by_one_give_the_table_of_all():
    frame = noisy()
    parts = [played(group) for _, group in frame.groupby("category")]
    pd.testing.assert_frame_equal(
        score_table(pd.concat(parts), horizon=13), score_table(played(frame), horizon=13)
    )


def test_a_method_that_knows_the_answer_has_no_error():
    table = score_table(played(panel()), horizon=13)
    assert table["wape"].to_list() == pytest.approx([0.0] * len(table))
    assert (table["coverage"] == 1.0).all()


def test_the_model_beats_the_mean_of_the_past_on_a_seasonal_retailer(retailer):
    frame = retailer.panel()
    asked = {"as_of": date(2026, 6, 14), "origins": [date(2025, 11, 30), date(2026, 2, 1)], "horizon": 13}
    ours, rival = (
        score_table(backtest(frame, **asked, fit=fit), horizon=13).iloc[0] for fit in (fit_demand, Rival.fit)
    )
    assert ours["wape"] < 0.7 * rival["wape"]
    assert ours["crps"] < rival["crps"]
    assert 0.75 < ours["coverage"] < 0.99


@pytest.mark.parametrize("frame", [panel().iloc[:0], panel()], ids=["empty", "all later"])
def test_without_history_there_is_nothing_to_score(frame):
    tallies = backtest(frame, as_of=date(2023, 1, 1), origins=[date(2022, 1, 1)], horizon=4)
    assert list(tallies.columns) == ["origin", *SCORE_KEY, *SUMS]
    assert score_table(tallies, horizon=4).empty


@pytest.mark.parametrize("horizon", [0, 53])
def test_a_horizon_beyond_a_year_is_refused(horizon):
    with pytest.raises(ForecasterError, match=f"1 to 52 weeks, not {horizon}"):
        played(panel(), horizon=horizon)


@pytest.mark.parametrize("column", ["week", "units", "exposure", "price_ratio"])
def test_a_panel_without_a_column_is_refused(column):
    with pytest.raises(PanelError, match=f"panel.{column}: missing"):
        played(panel().drop(columns=column))


def test_a_truth_told_twice_is_refused():
    frame = panel()
    with pytest.raises(PanelError, match="true_demand"):
        played(frame, true_demand=pd.concat([truth_of(frame), truth_of(frame).iloc[:1]]))


def test_the_horizon_of_the_last_origin_is_over_on_the_last_day():
    origins = rolling_origins(FIRST, as_of=LAST, count=3, every=4, horizon=13)
    assert [day.strftime("%A") for day in origins] == ["Sunday"] * 3
    assert origins[-1] + timedelta(weeks=13) == LAST
    assert [(later - day).days for day, later in pairwise(origins)] == [28, 28]


def test_a_week_at_work_on_the_last_day_is_not_counted_on():
    origins = rolling_origins(FIRST, as_of=LAST + timedelta(days=3), count=1, every=4, horizon=13)
    assert origins == [LAST - timedelta(weeks=13)]


def test_half_a_year_of_history_lies_before_every_origin():
    origins = rolling_origins(FIRST, as_of=LAST, count=100, every=4, horizon=13)
    assert timedelta(weeks=26) <= origins[0] - FIRST + timedelta(days=1) < timedelta(weeks=30)
    assert rolling_origins(FIRST, as_of=FIRST + timedelta(weeks=30), count=5, every=1, horizon=13) == []


def test_the_periods_are_named_in_the_order_of_a_year():
    assert PERIODS == ("before_floor_set", "in_season", "after_exit", "dead_season")
