"""Sales that are hidden from a method are hidden, and what it tells is scored against them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from benchmarks import truncation
from benchmarks.truncation import (
    COLUMNS,
    KEY,
    METHODS,
    SourceError,
    climate_zones,
    compare,
    department_panel,
    draw_open_stores,
    main,
    normal_temperatures,
    read_source,
    run,
    score,
    summarise,
    truncate,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.truncation import Truncation

    Change = Callable[[pd.DataFrame], pd.DataFrame]

STORES = 7
DEPARTMENT = 16
EXIT_WEEK = 27
OPEN = ["3", "5"]
FRIDAYS = pd.date_range("2010-02-05", "2012-10-26", freq="7D")
ASKED = {"departments": [DEPARTMENT], "exit_weeks": [EXIT_WEEK]}


def made_up_sales() -> pd.DataFrame:
    """Summer goods in stores of different size, sold a little unevenly."""
    rows = pd.MultiIndex.from_product([range(1, STORES + 1), FRIDAYS], names=["Store", "Date"]).to_frame(
        index=False
    )
    summer = np.exp(1.2 * np.cos(2 * np.pi * (rows["Date"].dt.day_of_year - 180) / 365.25))
    uneven = np.random.default_rng(7).gamma(50, 1 / 50, len(rows))
    return rows.assign(Dept=DEPARTMENT, Weekly_Sales=400.0 * rows["Store"] * summer * uneven)


def write_folder(folder: Path, change: Change = lambda sales: sales) -> Path:
    folder.mkdir(exist_ok=True)
    sales = made_up_sales()
    warmth = 30 * np.cos(2 * np.pi * (sales["Date"].dt.day_of_year - 200) / 365.25)
    features = sales[["Store", "Date"]].assign(Temperature=50 + warmth + 2 * sales["Store"])
    change(sales).to_csv(folder / "weekly_sales.csv.gz", index=False)
    features.to_csv(folder / "features.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def panel(folder: Path) -> pd.DataFrame:
    return department_panel(read_source(folder), DEPARTMENT)


def is_hidden(sales: pd.DataFrame) -> pd.Series[bool]:
    return (sales["Date"].dt.isocalendar().week >= EXIT_WEEK) & ~sales["Store"].astype(str).isin(OPEN)


def tenfold_where_hidden(sales: pd.DataFrame) -> pd.DataFrame:
    return sales.assign(
        Weekly_Sales=sales["Weekly_Sales"].where(~is_hidden(sales), sales["Weekly_Sales"] * 10)
    )


def few_rows_where_hidden(sales: pd.DataFrame) -> pd.DataFrame:
    return sales[~is_hidden(sales) | (sales.index % 3 == 0)]


def told(folder: Path, method: truncation.Method) -> pd.DataFrame:
    source = read_source(folder)
    made = truncate(department_panel(source, DEPARTMENT), EXIT_WEEK, OPEN)
    return made.hidden.merge(method(made.shown, source.climate, made.hidden), on=KEY, how="left")


def peeks(folder: Path) -> truncation.Method:
    """A method that looks the answer up."""

    def method(_: pd.DataFrame, __: pd.DataFrame, hidden: pd.DataFrame) -> pd.DataFrame:
        full = department_panel(read_source(folder), DEPARTMENT)
        return hidden.merge(full, on=KEY).assign(mean=lambda rows: rows["units"], p10=0.0, p90=1e9)

    return method


@pytest.mark.parametrize("change", [tenfold_where_hidden, few_rows_where_hidden])
@pytest.mark.parametrize("name", METHODS)
def test_what_was_sold_in_hidden_weeks_reaches_no_method(
    name: str, change: Change, folder: Path, tmp_path: Path
) -> None:
    other = write_folder(tmp_path / "other", change)

    pd.testing.assert_frame_equal(told(folder, METHODS[name]), told(other, METHODS[name]))


def test_a_method_that_peeks_would_be_caught(folder: Path, tmp_path: Path) -> None:
    other = write_folder(tmp_path / "other", tenfold_where_hidden)

    assert not told(folder, peeks(folder))["mean"].equals(told(other, peeks(other))["mean"])


@pytest.mark.parametrize("name", ["inseason", "fourier_glm"])
def test_what_is_shown_does_reach_the_methods_that_learn_the_season(
    name: str, folder: Path, tmp_path: Path
) -> None:
    def double(sales: pd.DataFrame) -> pd.DataFrame:
        return sales.assign(Weekly_Sales=sales["Weekly_Sales"] * 2)

    other = write_folder(tmp_path / "other", double)

    ratio = told(other, METHODS[name])["mean"].sum() / told(folder, METHODS[name])["mean"].sum()
    assert ratio == pytest.approx(2, rel=0.05)


def test_hidden_weeks_are_shown_without_units_and_without_exposure(panel: pd.DataFrame) -> None:
    made = truncate(panel, EXIT_WEEK, OPEN)
    number = (made.shown["week"] + pd.Timedelta(days=6)).dt.isocalendar().week
    dark = (number >= EXIT_WEEK) & ~made.shown["store"].isin(OPEN)

    assert (made.shown.loc[dark, ["units", "exposure"]] == 0).to_numpy().all()
    assert (made.shown.loc[~dark, "exposure"] == 1).all()
    assert made.shown.loc[~dark, "units"].equals(panel.loc[~dark, "units"])
    assert made.hidden.equals(panel.loc[dark, KEY].reset_index(drop=True))
    assert made.sold.sum() == panel.loc[dark, "units"].sum()


def test_the_dark_reaches_to_the_last_week_of_a_year_and_no_further(panel: pd.DataFrame) -> None:
    hidden = truncate(panel, 52, []).hidden

    assert sorted(hidden["week"].unique()) == [pd.Timestamp("2010-12-25"), pd.Timestamp("2011-12-24")]


def test_a_week_without_a_row_and_a_week_of_returns_count_as_weeks_without_sales(tmp_path: Path) -> None:
    def two_odd_weeks(sales: pd.DataFrame) -> pd.DataFrame:
        sales.loc[1, "Weekly_Sales"] = -50.0
        return sales.drop(index=0)

    source = read_source(write_folder(tmp_path / "odd", two_odd_weeks))
    panel = department_panel(source, DEPARTMENT)

    assert len(panel) == STORES * len(FRIDAYS)
    assert panel["units"].iloc[:2].tolist() == [0, 0]
    assert panel["units"].iloc[2] == round(made_up_sales()["Weekly_Sales"].iloc[2] / 10)


def test_open_stores_are_drawn_by_seed_and_larger_draws_hold_the_smaller() -> None:
    stores = [str(number) for number in range(45)]

    assert draw_open_stores(stores, 5, 1) == draw_open_stores(stores[::-1], 5, 1)
    assert draw_open_stores(stores, 2, 1) < draw_open_stores(stores, 5, 1)
    assert len({draw_open_stores(stores, 5, seed) for seed in range(6)}) == 6
    with pytest.raises(SourceError, match="some must be hidden"):
        draw_open_stores(stores, 45, 1)


def test_every_method_is_shown_the_same_stores(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    seen: dict[str, list[list[str]]] = {"one": [], "two": []}

    def listen(name: str) -> truncation.Method:
        def method(shown: pd.DataFrame, _: pd.DataFrame, hidden: pd.DataFrame) -> pd.DataFrame:
            seen[name].append(sorted(set(shown["store"]) - set(hidden["store"])))
            return hidden.assign(mean=1.0, p10=0.0, p90=2.0)

        return method

    monkeypatch.setattr(truncation, "METHODS", {name: listen(name) for name in seen})
    rows = compare(read_source(folder), **ASKED, open_stores=[2, 0], seeds=3, methods=["one", "two"])

    assert seen["one"] == seen["two"]
    assert seen["one"][-1] == []
    assert len({tuple(stores) for stores in seen["one"]}) > 2
    assert [row["seed"] for row in rows if row["method"] == "one"] == [0, 1, 2, 0, 1, 2]


def test_a_method_cannot_change_what_the_next_one_is_shown(panel: pd.DataFrame) -> None:
    made = truncate(panel, EXIT_WEEK, OPEN)

    def spoils(shown: pd.DataFrame, _: pd.DataFrame, hidden: pd.DataFrame) -> pd.DataFrame:
        shown["units"] = -1.0
        hidden["mean"] = hidden["p10"] = hidden["p90"] = 0.0
        return hidden

    run(spoils, made, pd.DataFrame())

    assert (made.shown["units"] >= 0).all()
    assert list(made.hidden) == KEY


@pytest.mark.parametrize("name", ["last_year", "ets"])
def test_a_naive_learner_from_sales_thinks_that_nobody_wants_it(name: str, folder: Path) -> None:
    rows = compare(read_source(folder), **ASKED, open_stores=[2], seeds=2, methods=[name])

    assert [row["wpe"] for row in rows] == pytest.approx([-1, -1], abs=0.1)


def test_with_stores_open_ours_sees_what_the_naive_learner_does_not(folder: Path) -> None:
    (row,) = compare(read_source(folder), **ASKED, open_stores=[3], seeds=1, methods=["inseason"])

    assert abs(row["wpe"]) < 0.3


def test_who_knows_the_answer_scores_no_error(folder: Path, panel: pd.DataFrame) -> None:
    scores = run(peeks(folder), truncate(panel, EXIT_WEEK, OPEN), pd.DataFrame())

    assert [scores[name] for name in ("wpe", "wape", "store_wape", "coverage")] == [0, 0, 0, 1]


def test_each_score_sums_its_errors_at_its_own_level() -> None:
    weeks = pd.to_datetime(["2010-07-03", "2010-07-10"] * 2)
    rows = pd.DataFrame({"store": ["1", "1", "2", "2"], "week": weeks, "mean": [12.0, 8.0, 7.0, 17.0]})
    scores = score(rows.assign(p10=9.0, p90=[10.0, 9.5, 10.0, 12.0]), np.array([10.0, 10.0, 10.0, 10.0]))

    # Errors by store: +2, -2 and -3, +7; by week of the chain: -1, +5.
    assert scores == pytest.approx(
        {"wpe": 4 / 40, "wape": 6 / 40, "store_wape": 14 / 40, "store_total_wape": 4 / 40, "coverage": 3 / 4}
    )


def test_a_curve_that_leaves_the_earth_still_has_a_score(panel: pd.DataFrame) -> None:
    made = truncate(panel, 12, [])

    scores = run(METHODS["fourier_glm"], made, pd.DataFrame())

    assert scores["wpe"] > 1000
    assert np.isfinite(list(scores.values())).all()


@pytest.mark.parametrize("spoil", [lambda rows: rows.iloc[1:], lambda rows: rows.assign(p90=np.nan)])
def test_a_method_that_leaves_a_hidden_row_untold_is_refused(spoil: Change, panel: pd.DataFrame) -> None:
    made: Truncation = truncate(panel, EXIT_WEEK, OPEN)

    with pytest.raises(ValueError, match="every hidden row"):
        run(lambda _, __, hidden: spoil(hidden.assign(mean=0.0, p10=0.0, p90=0.0)), made, pd.DataFrame())


def test_zones_are_equal_shares_of_the_stores_from_cold_to_warm(folder: Path) -> None:
    climate = pd.DataFrame(
        {"store": [f"{number:02}" for number in range(10)], "week": 1, "normal_temperature": range(10)}
    )

    assert climate_zones(climate).tolist() == [f"zone {number // 2}" for number in range(10)]


def test_a_normal_is_the_mean_of_the_weeks_that_lie_there_in_every_year() -> None:
    first_days = pd.to_datetime(["2010-01-02", "2011-01-01", "2010-12-27"])
    features = pd.DataFrame({"Store": "1", "week": first_days, "Temperature": [20.0, 40.0, 25.0]})

    normals = normal_temperatures(features)

    assert normals.to_dict("list") == {
        "store": ["1"] * 2,
        "week": [1, 52],
        "normal_temperature": [30.0, 25.0],
    }


def test_the_summary_does_not_let_errors_of_opposite_sign_cancel() -> None:
    other = dict.fromkeys(["wape", "store_wape", "store_total_wape", "coverage"], 0.5)
    rows = [{"method": "inseason", "open_stores": 5, "wpe": wpe, **other} for wpe in (-0.2, 0.2)]

    assert summarise(rows) == [
        {"method": "inseason", "open_stores": 5, "runs": 2, "mean_abs_wpe": pytest.approx(0.2), **other}
    ]


def test_the_last_line_is_the_table_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = "--departments 16 --exit-week 27,30 --open-stores 2,0 --seeds 2 --methods last_year,fourier_glm"
    main(["--data", str(folder), *asked.split(), "--json"])
    lines = capsys.readouterr().out.splitlines()
    rows = json.loads(lines[-1])

    assert lines[0].split() == list(COLUMNS)
    assert lines[len(rows) + 2].split()[:4] == ["method", "open_stores", "runs", "mean_abs_wpe"]
    assert len(rows) == 2 * 2 * 2 * 2
    assert {tuple(row) for row in rows} == {COLUMNS}
    assert {(row["department"], row["exit_week"]) for row in rows} == {(16, 27), (16, 30)}


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (["--departments", "99"], "department 99 has no sales; there are 16"),
        (["--exit-week", "60"], "weeks of the year run from 1 to 52"),
        (["--open-stores", "7"], "7 of 7 stores cannot stay open"),
        (["--open-stores", "-1"], "-1 of 7 stores cannot stay open"),
        (["--seeds", "0"], "one draw at least"),
        (["--methods", "oracle"], "the methods are inseason, last_year"),
        (["--data", "/nowhere"], "/nowhere/weekly_sales.csv.gz is missing"),
    ],
)
def test_a_question_that_does_not_fit_the_data_ends_with_a_plain_error(
    wrong: list[str], complaint: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = ["--data", str(folder), "--departments", "16", "--exit-week", "27"]

    with pytest.raises(SystemExit) as stopped:
        main([*right, *wrong])

    assert stopped.value.code == 2
    assert complaint in capsys.readouterr().err


def test_files_that_lack_columns_weeks_sales_or_stores_are_refused(tmp_path: Path) -> None:
    short = write_folder(tmp_path / "short", lambda sales: sales[sales["Date"] < "2011-12-01"])
    with pytest.raises(SourceError, match="needs two years"):
        read_source(short)
    bare = write_folder(tmp_path / "bare", lambda sales: sales.drop(columns="Dept"))
    with pytest.raises(SourceError, match=r"weekly_sales\.csv\.gz lacks the columns Dept"):
        read_source(bare)
    strange = write_folder(tmp_path / "strange", lambda sales: sales.replace({"Store": {1: 99}}))
    with pytest.raises(SourceError, match="no temperatures of stores 99"):
        department_panel(read_source(strange), DEPARTMENT)
    spring = write_folder(tmp_path / "spring", lambda sales: sales[~(is_hidden(sales))])
    with pytest.raises(SourceError, match="nothing was sold from week 27 on"):
        truncate(department_panel(read_source(spring), DEPARTMENT), EXIT_WEEK, OPEN)
