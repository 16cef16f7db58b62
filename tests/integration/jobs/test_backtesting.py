"""A backtest of a small retailer's own history: what is read, kept and told, on both databases."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from data import migrate
from data.errors import InSeasonError
from data.records import Alert, BacktestScore, Run, RunKind, RunState
from forecaster.backtest import SCORE_KEY
from forecaster.scores import MEASURES
from jobs.backtesting import BacktestReport, print_scores, run_backtest, score_rows
from jobs.cli import main
from jobs.night import run_night
from jobs.service import open_service
from tests.ground.elsewhere import writing_elsewhere
from tests.ground.retailer import AS_OF, write_feeds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobs.service import Service

TODAY = date(2026, 6, 7)
ASKED = {"origins": 2, "horizon": 13, "every": 13}


@pytest.fixture(scope="module")
def after_a_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The var folder of the small retailer after its first night, to be copied."""
    var = tmp_path_factory.mktemp("retailer") / "var"
    write_feeds(var / "inbox")
    with open_service(create=True, var=var, today=TODAY) as service:
        run_night(service)
    return var


@pytest.fixture
def night(after_a_night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The retailer after its first night."""
    shutil.copytree(after_a_night, tmp_path / "var")
    monkeypatch.setenv("INSEASON_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("INSEASON_TODAY", TODAY.isoformat())
    with open_service() as service:
        yield service


@pytest.fixture
def any_night(retailer: Service) -> Service:
    """The same on each kind of database."""
    run_night(retailer)
    return retailer


def kept(service: Service) -> tuple[list[Run], list[BacktestScore]]:
    with service.database.read() as session:
        runs = select(Run).where(Run.kind == RunKind.BACKTEST).order_by(Run.run_id)
        return list(session.scalars(runs)), list(
            session.scalars(select(BacktestScore).order_by(BacktestScore.score_id))
        )


def test_a_backtest_keeps_its_scores_with_its_run(any_night: Service) -> None:
    report = run_backtest(any_night, **ASKED)

    [run], scores = kept(any_night)
    assert run.run_id == report.run_id
    assert (run.state, run.business_date, run.summary) == (RunState.SUCCEEDED, AS_OF, report.summary)
    assert run.started_at <= run.finished_at
    assert run.details == {
        "origins": [(AS_OF - timedelta(weeks=26)).isoformat(), (AS_OF - timedelta(weeks=13)).isoformat()],
        "horizon": 13,
        "every": 13,
        "category": None,
    }
    columns = [*SCORE_KEY, "rows", "demand", *MEASURES]
    stored = pd.DataFrame([{name: getattr(score, name) for name in columns} for score in scores])
    pd.testing.assert_frame_equal(stored, report.scores, check_dtype=False)
    assert {score.run_id for score in scores} == {run.run_id}
    assert {score.category for score in scores} == {"", "swim trunks", "white T-shirts"}


def test_what_sells_alike_every_week_is_foretold_well(night: Service) -> None:
    scores = run_backtest(night, **ASKED).scores.set_index(SCORE_KEY)
    shirts = scores.loc["white T-shirts", "", 1, 13]
    assert shirts["rows"] == 12 * 13 * 2
    assert shirts["wape"] < 0.1
    assert abs(shirts["wpe"]) < 0.05


def test_the_calendar_tells_the_periods_apart(night: Service) -> None:
    scores = run_backtest(night, origins=1, horizon=52, every=1).scores
    trunks = scores[(scores["category"] == "swim trunks") & (scores["last_ahead"] == 52)]
    weeks = trunks[trunks["first_ahead"] == 1].set_index("period")["rows"]
    # Los Angeles keeps its trunks on the shelf, off season too; elsewhere they cannot be scored after July.
    assert set(weeks.index) == {"", "in_season", "dead_season"}
    assert weeks["dead_season"] > 0
    shirts = scores[scores["category"] == "white T-shirts"]
    assert set(shirts["period"]) == {"", "in_season"}


def test_several_workers_tell_the_same_as_one(night: Service) -> None:
    alone = run_backtest(night, **ASKED)
    several = night.settings.model_copy(update={"workers": 2})
    together = run_backtest(type(night)(several, night.clock, night.database, night.facts), **ASKED)
    pd.testing.assert_frame_equal(alone.scores, together.scores)


def test_every_category_is_told_as_it_is_done(night: Service) -> None:
    told: list[tuple[str, int, int]] = []
    run_backtest(night, **ASKED, progress=lambda *what: told.append(what))
    assert [(done, of) for _, done, of in told] == [(1, 2), (2, 2)]


def test_only_the_category_asked_for_is_played_again(night: Service) -> None:
    report = run_backtest(night, **ASKED, category="swim trunks")
    assert set(report.scores["category"]) == {"", "swim trunks"}
    assert kept(night)[0][0].details["category"] == "swim trunks"


def test_a_backtest_changes_no_forecast_and_no_alert_and_runs_beside_an_import(any_night: Service) -> None:
    def state() -> list[Any]:
        with any_night.database.read() as session:
            return [any_night.facts.snapshot(), session.scalar(select(func.max(Alert.version)))]

    before = state()
    with writing_elsewhere(any_night.database):
        run_backtest(any_night, **ASKED)
    assert state() == before
    assert not run_night(any_night).ran


def test_the_history_decides_how_many_origins_there_are(night: Service) -> None:
    report = run_backtest(night, origins=50, horizon=26, every=13)
    assert len(report.origins) == 6
    assert report.summary.startswith("foretold 6 times from ")


def test_before_the_first_night_there_is_nothing_to_play(service: Service) -> None:
    with pytest.raises(InSeasonError, match="run `inseason nightly` first"):
        run_backtest(service, **ASKED)
    assert kept(service) == ([], [])


def test_a_category_that_is_not_there_is_refused_with_those_that_are(night: Service) -> None:
    with pytest.raises(InSeasonError, match=r"'gloves' has a history. There are: swim trunks, white"):
        run_backtest(night, **ASKED, category="gloves")


def test_a_history_that_is_too_short_is_refused(night: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecaster.backtest._LEAST_HISTORY_WEEKS", 100)
    with pytest.raises(InSeasonError, match="too short: it must hold half a year and then 52 weeks"):
        run_backtest(night, origins=1, horizon=52, every=1)
    assert kept(night) == ([], [])


def command(*options: str) -> Any:
    return CliRunner().invoke(main, ["backtest", *options])


SHORT = ("--origins", "1", "--horizon", "6")


def test_the_command_prints_the_table_and_says_where_it_is_kept(night: Service) -> None:
    result = command(*SHORT)

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    for head in ("weeks ahead", "WAPE", "WPE", "CRPS", "in p10-p90", "over p90"):
        assert head in lines[0]
    weeks = [line.split("  ") for line in lines]
    assert {"1 to 6", "1", "2", "3", "4", "5 to 6"} <= {cell.strip() for line in weeks for cell in line}
    assert any(line.strip().startswith("white T-shirts") for line in lines)
    assert lines[-1].startswith(f"Run {kept(night)[0][0].run_id}, as of {AS_OF}: foretold 1 time from ")


def test_the_command_gives_all_scores_as_json(night: Service) -> None:
    result = command(*SHORT, "--json", "--category", "white T-shirts")

    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert len(rows) == len(kept(night)[1])
    assert list(rows[0]) == [*SCORE_KEY, "rows", "demand", *MEASURES]
    assert {row["category"] for row in rows} == {"", "white T-shirts"}


def test_the_command_refuses_in_one_sentence(night: Service) -> None:
    result = command("--category", "gloves")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("inseason: No series of category 'gloves'")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("options", [("--horizon", "53"), ("--origins", "0"), ("--every", "0")], ids=" ".join)
def test_a_number_out_of_range_is_a_wrong_command_line(service: Service, options: tuple[str, ...]) -> None:
    assert command(*options).exit_code == 2


def test_before_init_it_says_to_run_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSEASON_VAR", str(tmp_path / "var"))
    result = command()
    assert result.exit_code == 1
    assert "run `inseason init`" in result.stderr


def test_an_older_program_finds_no_kind_of_run_that_it_does_not_know(any_night: Service) -> None:
    run_backtest(any_night, **ASKED)

    migrate.downgrade(any_night.database, "0001")
    migrate.upgrade(any_night.database)

    with any_night.database.read() as session:
        assert set(session.scalars(select(Run.kind))) == {RunKind.NIGHT, RunKind.IMPORT}
    assert kept(any_night) == ([], [])


def scored(**changes: Any) -> BacktestReport:
    row = {
        "category": "", "period": "", "first_ahead": 1, "last_ahead": 2, "rows": 1200, "demand": 0.0,
        "wape": float("nan"), "wpe": float("nan"), "pinball": 0.1, "crps": 0.2, "coverage": 0.9,
        "beyond_p90": 0.05,
    }  # fmt: skip
    rows = [row, *({**row, "category": name} for name in ("a [b]", "c"))]
    return BacktestReport(1, AS_OF, (AS_OF,), 2, pd.DataFrame(rows).assign(**changes))


def test_a_share_of_nothing_is_null_and_an_empty_cell(capsys: pytest.CaptureFixture[str]) -> None:
    report = scored()
    assert [row["wape"] for row in score_rows(report)] == [None] * 3
    print_scores(report)
    assert "nan" not in capsys.readouterr().out.lower()


def test_a_name_in_square_brackets_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_scores(scored())
    assert "a [b]" in capsys.readouterr().out


def test_of_one_category_the_totals_are_not_told_twice(capsys: pytest.CaptureFixture[str]) -> None:
    report = scored()
    print_scores(BacktestReport(1, AS_OF, (AS_OF,), 2, report.scores.iloc[:2]))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "a [b]" in lines[1]


def test_a_period_that_is_all_there_is_is_not_told_twice(capsys: pytest.CaptureFixture[str]) -> None:
    report = scored()
    periods = report.scores.assign(period="in_season")
    print_scores(BacktestReport(1, AS_OF, (AS_OF,), 2, pd.concat([report.scores, periods])))
    assert "in season" not in capsys.readouterr().out

    print_scores(BacktestReport(1, AS_OF, (AS_OF,), 2, pd.concat([report.scores, periods.assign(rows=9)])))
    assert capsys.readouterr().out.count("in season") == 3
