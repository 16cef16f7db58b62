"""The pages that look back, under one roof."""

from __future__ import annotations

from flask import Blueprint

from web.backtests import backtest
from web.buying import buy_notes
from web.looking_back import index
from web.outcome_lists import judged, missed

outcomes = Blueprint("outcomes", __name__)

for address, page in (
    ("/outcomes", index),
    ("/outcomes/alerts", judged),
    ("/outcomes/missed", missed),
    ("/outcomes/buy-notes", buy_notes),
    ("/outcomes/backtest", backtest),
):
    outcomes.get(address)(page)
