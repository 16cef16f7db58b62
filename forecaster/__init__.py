"""The numbers: demand, gap and rules, as pure functions over frames and arrays.

Names are loaded on first use (PEP 562), so that importing the package stays free of pandas, scipy and
statsmodels: web pages and command line help start without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecaster.action_goods import Moves, plan_moves
    from forecaster.actions import propose_actions
    from forecaster.buy_notes import buy_notes
    from forecaster.demand import DemandModel, fit_demand
    from forecaster.effort import effort_of_findings
    from forecaster.errors import ForecasterError, PanelError, PolicyError
    from forecaster.exposure import weekly_exposure
    from forecaster.gap import expected_gap
    from forecaster.grouping import group_findings, hold_over_cap, identity_of
    from forecaster.keep_open import KeepOpenTest, design_keep_open_test
    from forecaster.keep_open_reading import KeepOpenReading, Verdict, read_keep_open_test
    from forecaster.like_items import propose_like_items, replaced_by_size
    from forecaster.needs import customers_lost, demand_by_need, need_of
    from forecaster.plan_alternatives import Alternative, compare_plans
    from forecaster.plan_board import PlanBoard, plan_markdowns
    from forecaster.plan_candidates import candidate_plans
    from forecaster.plan_frontier import PlanReport
    from forecaster.plan_rules import PlanRules
    from forecaster.plans import Markdown, Plan, Stakes
    from forecaster.policy import Policies, RulePolicy
    from forecaster.rules.alerts import find_alerts
    from forecaster.rules.draft import DraftCalendar, check_calendar
    from forecaster.rules.lateness import mutes
    from forecaster.rules.muting import muted_stores
    from forecaster.rules.situation import Situation
    from forecaster.scores import AlertScore, score_alerts
    from forecaster.substitution import substitution_share
    from forecaster.terms import ActionTerms

__all__ = [
    "ActionTerms",
    "AlertScore",
    "Alternative",
    "DemandModel",
    "DraftCalendar",
    "ForecasterError",
    "KeepOpenReading",
    "KeepOpenTest",
    "Markdown",
    "Moves",
    "PanelError",
    "Plan",
    "PlanBoard",
    "PlanReport",
    "PlanRules",
    "Policies",
    "PolicyError",
    "RulePolicy",
    "Situation",
    "Stakes",
    "Verdict",
    "buy_notes",
    "candidate_plans",
    "check_calendar",
    "compare_plans",
    "customers_lost",
    "demand_by_need",
    "design_keep_open_test",
    "effort_of_findings",
    "expected_gap",
    "find_alerts",
    "fit_demand",
    "group_findings",
    "hold_over_cap",
    "identity_of",
    "muted_stores",
    "mutes",
    "need_of",
    "plan_markdowns",
    "plan_moves",
    "propose_actions",
    "propose_like_items",
    "read_keep_open_test",
    "replaced_by_size",
    "score_alerts",
    "substitution_share",
    "weekly_exposure",
]

_HOMES = {
    "ActionTerms": "terms",
    "AlertScore": "scores",
    "Alternative": "plan_alternatives",
    "DemandModel": "demand",
    "DraftCalendar": "rules.draft",
    "ForecasterError": "errors",
    "KeepOpenReading": "keep_open_reading",
    "KeepOpenTest": "keep_open",
    "Markdown": "plans",
    "Moves": "action_goods",
    "PanelError": "errors",
    "Plan": "plans",
    "PlanBoard": "plan_board",
    "PlanReport": "plan_frontier",
    "PlanRules": "plan_rules",
    "Policies": "policy",
    "PolicyError": "errors",
    "RulePolicy": "policy",
    "Situation": "rules.situation",
    "Stakes": "plans",
    "Verdict": "keep_open_reading",
    "buy_notes": "buy_notes",
    "candidate_plans": "plan_candidates",
    "check_calendar": "rules.draft",
    "compare_plans": "plan_alternatives",
    "customers_lost": "needs",
    "demand_by_need": "needs",
    "design_keep_open_test": "keep_open",
    "effort_of_findings": "effort",
    "expected_gap": "gap",
    "find_alerts": "rules.alerts",
    "fit_demand": "demand",
    "group_findings": "grouping",
    "hold_over_cap": "grouping",
    "identity_of": "grouping",
    "muted_stores": "rules.muting",
    "mutes": "rules.lateness",
    "need_of": "needs",
    "plan_markdowns": "plan_board",
    "plan_moves": "action_goods",
    "propose_actions": "actions",
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
