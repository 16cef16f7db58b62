from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest

from benchmarks import season_gap
from benchmarks.season_gap import COLUMNS, METHODS, by_category, flat, inseason, main, naive, summed
from benchmarks.worlds import seasons
from benchmarks.worlds.customers import HORIZON_WEEKS, Customers
from benchmarks.worlds.judge import (
    DEAD_SHARE,
    Foretold,
    Judge,
    Score,
    oracle_quantiles,
    profile_wape,
    realised_demand,
    true_answer,
)
from benchmarks.worlds.records import Records, write_down
from benchmarks.worlds.trade import WORLDS, last_day

SEED = 2
PERFECT = Score(0.0, 0.0, 10, 10, 10, 80.0, 100.0, 0, 50, 1.0)


@cache
def customers() -> Customers:
    return Customers.draw(SEED, 0, last_day("swim"))


@cache
def known() -> Records:
    return write_down(WORLDS["b"], customers())


@cache
def judge() -> Judge:
    return Judge.of(customers(), known(), realised_demand(customers()))


@cache
def truth() -> Foretold:
    answer = true_answer(customers(), known())
    return Foretold(answer.forecast.assign(**oracle_quantiles(customers())), answer.series)


def altered(**columns: object) -> Foretold:
    return Foretold(truth().forecast.assign(**columns), truth().series)


def judged(answer: Foretold) -> Score:
    return judge().score(answer, known())


def test_the_oracle_errs_nowhere() -> None:
    told = judged(truth())

    assert told.wpe == pytest.approx(0.0, abs=1e-9)
    assert told.profile_wape == pytest.approx(0.0, abs=1e-9)
    assert told.told == told.true == told.hit
    assert told.claimed == 0
    assert 0.8 < told.covered / told.judged < 0.88


def test_the_draft_has_exits_that_come_too_early_and_exits_that_do_not() -> None:
    exits = len(
        known().coming[known().coming["exit"] > pd.Timestamp(known().as_of)][["store"]].drop_duplicates()
    )

    assert 0.4 < len(judge().alerts) / (exits * 4) < 0.9


def test_twice_the_demand_is_wrong_by_one_and_has_the_right_profile() -> None:
    told = judged(altered(mean=2 * truth().forecast["mean"]))

    assert told.wpe == pytest.approx(1.0)
    assert told.profile_wape == pytest.approx(0.0, abs=1e-9)


def test_only_weeks_after_the_usual_exit_count_in_the_wpe() -> None:
    forecast = truth().forecast
    leaves = pd.Timestamp("2026-07-06")
    early = judged(altered(mean=forecast["mean"].where(forecast["week"] >= leaves, 0.0)))
    late = judged(altered(mean=forecast["mean"].where(forecast["week"] < leaves, 0.0)))

    assert early.wpe == pytest.approx(0.0, abs=1e-9)
    assert late.wpe == pytest.approx(-1.0, abs=0.01)


def test_a_season_that_comes_a_month_late_shows_in_the_profile() -> None:
    assert profile_wape(np.roll(customers().expected, 4, axis=1), customers()) > 0.3


def test_who_foretells_nothing_has_no_profile_and_raises_nothing() -> None:
    told = judged(altered(mean=0.0))

    assert told.profile_wape == pytest.approx(1.0)
    assert (told.told, told.hit) == (0, 0)
    assert told.wpe == pytest.approx(-1.0)


def test_a_demand_that_never_ends_claims_dead_weeks() -> None:
    told = judged(altered(mean=truth().forecast["mean"].mean()))

    assert told.claimed / told.dead > 0.05
    assert told.told > told.true >= told.hit


def test_dead_weeks_are_those_with_hardly_any_demand() -> None:
    weekly = customers().expected.reshape(40, 4, 4, HORIZON_WEEKS).sum(axis=2)

    assert 0.2 < judge().dead.mean() < 0.6
    assert (weekly[judge().dead] < DEAD_SHARE * weekly.max()).all()


def test_an_interval_that_is_too_narrow_covers_too_little() -> None:
    middle = truth().forecast["p50"]
    told = judged(altered(p10=middle, p90=middle))

    assert told.covered / told.judged < 0.3


def test_the_order_of_rows_does_not_matter_and_a_missing_row_is_refused() -> None:
    shuffled = truth().forecast.sample(frac=1.0, random_state=1)

    assert judged(Foretold(shuffled, truth().series)).wpe == pytest.approx(0.0, abs=1e-9)
    repeated = shuffled.assign(week=shuffled["week"].iloc[0])
    with pytest.raises(ValueError, match="each series and week once"):
        judged(Foretold(repeated, truth().series))


def test_a_learner_of_sales_sees_nothing_after_the_exit() -> None:
    told = judged(naive(known()))

    assert told.wpe < -0.9
    assert told.hit < 0.3 * told.true


def test_the_flat_mean_knows_no_season() -> None:
    answer = flat(known())
    wide = answer.forecast["mean"].to_numpy().reshape(-1, HORIZON_WEEKS)
    told = judged(answer)

    assert np.ptp(wide, axis=1).max() == 0.0
    assert told.profile_wape > 0.6
    assert told.claimed / told.dead > 0.05


def test_ours_is_told_all_that_the_retailer_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {}

    class Model:
        series = pd.DataFrame()

        def predict(self, weeks: list[object]) -> pd.DataFrame:
            return pd.DataFrame({"week": weeks})

    def fit(panel, *, as_of, climate=None, requests=None, products=None, stores=None):
        given.update(climate=climate, requests=requests, products=products, stores=stores, as_of=as_of)
        return Model()

    monkeypatch.setattr(season_gap, "fit_demand", fit)
    inseason(known())
    assert all(value is not None for value in given.values())
    assert given["as_of"] == known().as_of
    METHODS["inseason_no_requests"](known())
    assert given["requests"] is None
    assert given["climate"] is not None


def test_ours_answers_in_the_judges_terms() -> None:
    told = judged(inseason(known()))

    assert -1 < told.wpe < 2
    assert 0 < told.covered <= told.judged
    assert told.seconds > 0


def scores(**by_name: Score) -> dict[tuple[str, str, str, int], Score]:
    return {("inseason", "a", name, 1): score for name, score in by_name.items()}


def with_values(**values: object) -> Score:
    return Score(**{**PERFECT.__dict__, **values})


def test_errors_of_two_categories_do_not_hide_each_other() -> None:
    table = scores(swim=with_values(wpe=0.3), boots=with_values(wpe=-0.2), tees=with_values(wpe=float("nan")))

    assert summed(table, ["a"], ["inseason"])[0]["wpe"] == pytest.approx(0.25)
    signed = by_category(table | scores(rainwear=PERFECT), ["a"], ["inseason"])
    assert {row["category"]: row["wpe"] for row in signed}["boots"] == pytest.approx(-0.2)


def test_a_category_without_a_season_does_not_flatter_the_profile() -> None:
    table = scores(swim=with_values(profile_wape=0.4), tees=with_values(profile_wape=0.0))

    assert summed(table, ["a"], ["inseason"])[0]["profile_wape"] == pytest.approx(0.4)


def test_alerts_of_all_categories_are_counted_together() -> None:
    table = scores(swim=with_values(told=20, hit=9), boots=with_values(true=30, hit=10))
    row = summed(table, ["a"], ["inseason"])[0]

    assert row["alert_precision"] == pytest.approx(19 / 30)
    assert row["alert_recall"] == pytest.approx(19 / 40)


def test_who_raises_no_alert_has_no_precision() -> None:
    row = summed(scores(swim=with_values(told=0, hit=0)), ["a"], ["inseason"])[0]

    assert row["alert_precision"] is None
    assert row["alert_recall"] == 0.0


def test_seconds_are_those_of_all_categories_once() -> None:
    table = scores(swim=PERFECT, boots=PERFECT)
    table |= {(*key[:3], 2): score for key, score in table.items()}

    assert summed(table, ["a"], ["inseason"])[0]["seconds"] == pytest.approx(2.0)


def test_the_table_has_the_columns_it_promises(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {}

    def run(worlds, methods, seeds):
        asked.update(worlds=worlds, seeds=list(seeds))
        names = [category.name for category in seasons.CATEGORIES]
        return {
            (method, world, name, seed): PERFECT
            for method in methods for world in worlds for name in names for seed in seeds
        }  # fmt: skip

    monkeypatch.setattr(season_gap, "run", run)
    assert main(["--worlds", "a,d30", "--seeds", "2", "--json", "--by-category"]) == 0

    rows = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert asked == {"worlds": ["a", "d30"], "seeds": [1000, 1001]}
    assert {row["method"] for row in rows} == {"oracle", *METHODS}
    assert all(tuple(row) == COLUMNS for row in rows)


def test_an_unknown_world_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--worlds", "z"])
    assert "'z'" in capsys.readouterr().err
