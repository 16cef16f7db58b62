"""The numbers: demand, gap and rules, as pure functions over frames and arrays.

Names are loaded on first use (PEP 562), so that importing the package stays free of pandas, scipy and
statsmodels: web pages and command line help start without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecaster.demand import DemandModel, fit_demand
    from forecaster.errors import ForecasterError, PanelError
    from forecaster.exposure import weekly_exposure
    from forecaster.gap import expected_gap
    from forecaster.keep_open import KeepOpenTest, design_keep_open_test
    from forecaster.keep_open_reading import KeepOpenReading, Verdict, read_keep_open_test
    from forecaster.like_items import propose_like_items, replaced_by_size
    from forecaster.needs import customers_lost, demand_by_need, need_of
    from forecaster.policy import RulePolicy
    from forecaster.rules import find_gaps
    from forecaster.scores import AlertScore, score_alerts
    from forecaster.substitution import substitution_share

__all__ = [
    "AlertScore",
    "DemandModel",
    "ForecasterError",
    "KeepOpenReading",
    "KeepOpenTest",
    "PanelError",
    "RulePolicy",
    "Verdict",
    "customers_lost",
    "demand_by_need",
    "design_keep_open_test",
    "expected_gap",
    "find_gaps",
    "fit_demand",
    "need_of",
    "propose_like_items",
    "read_keep_open_test",
    "replaced_by_size",
    "score_alerts",
    "substitution_share",
    "weekly_exposure",
]

_HOMES = {
    "AlertScore": "scores",
    "DemandModel": "demand",
    "ForecasterError": "errors",
    "KeepOpenReading": "keep_open_reading",
    "KeepOpenTest": "keep_open",
    "PanelError": "errors",
    "RulePolicy": "policy",
    "Verdict": "keep_open_reading",
    "customers_lost": "needs",
    "demand_by_need": "needs",
    "design_keep_open_test": "keep_open",
    "expected_gap": "gap",
    "find_gaps": "rules",
    "fit_demand": "demand",
    "need_of": "needs",
    "propose_like_items": "like_items",
    "read_keep_open_test": "keep_open_reading",
    "replaced_by_size": "like_items",
    "score_alerts": "scores",
    "substitution_share": "substitution",
    "weekly_exposure": "exposure",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted(__all__)
