"""The chain on the clock is a plausible one, is scored on weeks nobody was shown, and its table says so."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from benchmarks import speed
from benchmarks._speed_chain import (
    CATEGORIES,
    HELD_OUT,
    LAST_WEEK,
    ZONES,
    Shard,
    climate,
    make_shard,
    n_stores,
)
from benchmarks._speed_memory import MemoryWatch, memory_mb

if TYPE_CHECKING:
    from pathlib import Path

WEEKS = 110
ONE_WEEK = np.timedelta64(7, "D")
KEY = ["store", "sku"]


@pytest.fixture(scope="module", params=[0, 1], ids=["sold all year", "bought for a season"])
def shard(request: pytest.FixtureRequest) -> Shard:
    return make_shard(request.param, series=6000, weeks=WEEKS, seed=1)


def dense(shard: Shard, column: str) -> np.ndarray:
    return shard.panel[column].to_numpy().reshape(shard.units.shape)


def test_every_series_of_the_chain_is_in_one_category() -> None:
    shards = [make_shard(index, series=130, weeks=60, seed=1) for index in range(CATEGORIES)]

    assert sum(len(shard.units) for shard in shards) == 130
    assert len({shard.category for shard in shards}) == CATEGORIES


def test_the_panel_ends_before_the_weeks_that_are_scored(shard: Shard) -> None:
    assert shard.panel["week"].max() == pd.Timestamp(LAST_WEEK)
    assert len(shard.panel) == len(shard.units) * WEEKS
    assert shard.ahead.shape == shard.scored.shape == (len(shard.units), HELD_OUT)
    assert np.array_equal(dense(shard, "units"), shard.units)
    assert not np.array_equal(shard.ahead[:, 0], shard.units[:, -1])


def test_what_sold_could_be_bought_and_what_ended_empty_says_so(shard: Shard) -> None:
    exposure, units = dense(shard, "exposure"), dense(shard, "units")

    assert ((exposure >= 0) & (exposure <= 1)).all()
    assert (exposure[units > 0] > 0).all()
    partly = (exposure > 0) & (exposure < 1)
    assert partly.any()
    assert (dense(shard, "sold_out")[partly] == 1).all()


def test_a_season_is_bought_once_marked_down_and_over() -> None:
    shard = make_shard(1, series=6000, weeks=WEEKS, seed=1)
    shown = dense(shard, "exposure") > 0

    assert 0.15 < shown.mean() < 0.4
    assert set(np.unique(dense(shard, "price_ratio"))) == {0.5, 0.6, 0.7, 0.8, 1.0}
    assert (shown.mean(axis=1) > 0.4).any()


def test_windows_surround_the_weeks_on_the_floor(shard: Shard) -> None:
    if shard.windows.empty:
        return
    assert shard.windows.groupby(KEY).size().eq(3).all()
    assert (shard.windows["exit"] > shard.windows["floor_set"]).all()
    shown = shard.panel[(shard.panel["exposure"] > 0) & (shard.panel["week"] > LAST_WEEK - 52 * ONE_WEEK)]
    stays = shown.groupby("store")["week"].nunique() > 40
    rows = shown[~shown["store"].map(stays)].merge(shard.windows, on=KEY)
    week, slack = rows["week"], pd.Timedelta(days=7)
    rows["inside"] = week.between(rows["floor_set"] - slack, rows["exit"] + slack)
    assert rows.groupby([*KEY, "week"])["inside"].any().all()


def test_the_scored_weeks_are_at_regular_price_and_have_sales(shard: Shard) -> None:
    assert shard.scored.any()
    assert shard.ahead[shard.scored].sum() > 0


def test_climate_covers_every_store_and_week_and_grows_warmer_by_zone() -> None:
    normals = climate(n_stores(3000))

    assert len(normals) == 10 * 52
    assert normals["normal_temperature"].between(0, 100).all()
    means = normals.groupby("store")["normal_temperature"].mean()
    assert means.iloc[:ZONES].is_monotonic_increasing


def test_the_same_seed_makes_the_same_chain() -> None:
    one, again = (make_shard(4, series=300, weeks=60, seed=3).panel for _ in range(2))

    pd.testing.assert_frame_equal(one, again)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> speed.Chain:
    return speed.write_chain(tmp_path_factory.mktemp("chain"), series=300, weeks=WEEKS)


def test_errors_count_in_the_scored_weeks_of_the_given_series_only(tmp_path: Path) -> None:
    scored = np.array([[True, False], [True, True]])
    chain = speed.Chain(tmp_path, 2, np.zeros((2, 2)), np.array([[4.0, 9.0], [1.0, 3.0]]), scored)

    assert chain.wape(np.array([[1.0, 0.0]]), np.array([0])) == pytest.approx(3 / 4)
    assert chain.wape(np.zeros((2, 2)) + 2.0, np.array([0, 1])) == pytest.approx(4 / 8)


def test_the_sample_has_something_to_score_in_every_series(chain: speed.Chain) -> None:
    rows = chain.sample(50)

    assert len(set(rows.tolist())) == 50
    assert chain.scored[rows].any(axis=1).all()


def test_a_category_is_told_in_the_order_of_the_chain_with_the_seconds_of_each_stage(
    chain: speed.Chain,
) -> None:
    told = speed.one_category(chain.folder / "C00")

    assert told.median.shape == (10, HELD_OUT)
    assert list(told.seconds) == ["read", "fit", "predict", "gap"]
    assert told.lost >= 0
    # All year on the shelf: the busiest series is foretold the most.
    assert told.median.mean(axis=1).argmax() == chain.units[:10].mean(axis=1).argmax()


def test_peers_get_the_history_of_the_sample_and_are_scored_on_its_rows(
    chain: speed.Chain, tmp_path: Path
) -> None:
    peer = tmp_path / "python"
    peer.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "import numpy as np\n"
        "given = np.load(sys.argv[2])\n"
        f"assert given['units'].shape == (40, {WEEKS}) and int(given['ahead']) == {HELD_OUT}\n"
        "nothing = np.zeros((40, int(given['ahead'])))\n"
        "told = {'peer.seconds': np.array(2.0), 'peer.processor': np.array(1.0), 'peer.forecast': nothing}\n"
        "np.savez(sys.argv[3], **told)\n"
    )
    peer.chmod(0o755)

    (row,) = speed.measure_peers(chain, peer, sample=40)

    assert (row["method"], row["series"], row["weeks"]) == ("peer", 40, WEEKS)
    assert row["ms_per_series"] == pytest.approx(50.0)
    assert row["wape"] == pytest.approx(1.0)


@pytest.mark.skipif(memory_mb(os.getpid()) is None, reason="this system does not tell proportional set sizes")
def test_the_watch_sees_memory_that_is_gone_again() -> None:
    before = memory_mb(os.getpid())
    with MemoryWatch() as watch:
        block = np.ones(40_000_000)  # 320 MB
        block.sum()
        watch.look()
        del block

    assert watch.peak_mb is not None
    assert before is not None
    assert watch.peak_mb > before + 250


def test_the_table_has_a_row_for_a_third_the_whole_and_three_times_the_chain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured: list[int] = []

    def measure(chain: speed.Chain, *, sample: int) -> dict[str, object]:
        measured.append(len(chain.units))
        return dict.fromkeys(speed.COLUMNS, 1.0) | {"method": "inseason"}

    monkeypatch.setattr(speed, "measure", measure)

    assert speed.main(["--series", "90", "--weeks", "60", "--json"]) == 0

    rows = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert measured == [30, 90, 270]
    assert [list(row) for row in rows] == [
        ["method", "series", "weeks", "seconds", "ms_per_series", "peak_mb", "wape"]
    ] * 3


def test_too_small_a_chain_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        speed.main(["--series", "20"])

    assert "at least 90" in capsys.readouterr().err
