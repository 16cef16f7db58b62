"""How right the forecast would have been, as a backtest found, and how to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import render_template, request

from data.backtests import backtests, overall_scores, scores_of
from web.access import current_person
from web.addresses import id_in
from web.exports import asked_kind, table_answer
from web.rendering import backtest_words
from web.services import reading

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from data.backtests import Backtest
    from web.exports import Kind

_SCORE_COLUMNS: Final = (
    "category", "period", "first_ahead", "last_ahead", "rows", "demand", "wape", "wpe", "pinball", "crps",
    "coverage", "beyond_p90",
)  # fmt: skip


def backtest() -> ResponseReturnValue:
    """The scores of the last backtest, or of one that is named, by category, period and weeks ahead."""
    every, own = backtests(reading()), current_person().category_names
    run_id = request.args.get("run", 0, type=id_in)
    shown = next((each for each in every if each.run_id == run_id), every[0] if every else None)
    if shown is None:
        return render_template("outcomes/backtest.html", shown=None, every=[])
    if kind := asked_kind():
        return _file(shown, own, kind)
    category = request.args.get("category", "")
    if own is not None and category not in own:
        category = ""
    parts = scores_of(reading(), shown, categories={category})
    whole = [score for score in parts if (score.first_ahead, score.last_ahead) == (1, shown.horizon)]
    return render_template(
        "outcomes/backtest.html",
        every=every,
        shown=shown,
        category=category,
        overall=overall_scores(reading(), shown, categories=own),
        total=next((score for score in whole if not score.period), None),
        periods=[score for score in whole if score.period],
        ahead=[score for score in parts if not score.period and score not in whole],
        told=backtest_words,
    )


def _file(shown: Backtest, own: frozenset[str] | None, kind: Kind) -> ResponseReturnValue:
    """Every score, of the categories that the reader looks after and of all together."""
    scores = scores_of(reading(), shown, categories=None if own is None else own | {""})
    rows = ([getattr(score, name) for name in _SCORE_COLUMNS] for score in scores)
    return table_answer("backtest", _SCORE_COLUMNS, rows, kind)
