"""One entry to all rules: everything of a night that is worth a person's time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from forecaster.findings import together
from forecaster.impact import to_spare, with_remedies
from forecaster.rules.asking import asked_beyond, not_carried
from forecaster.rules.calendar import exits, floor_sets
from forecaster.rules.lateness import feed_late, mutes
from forecaster.rules.plans import plan_claims
from forecaster.rules.reading import read
from forecaster.rules.shelf import shelves
from forecaster.rules.summing import findings, plan_findings, worth_looking

if TYPE_CHECKING:
    from forecaster.rules.reading import Reading
    from forecaster.rules.situation import Situation


def find_alerts(situation: Situation) -> pd.DataFrame:
    """Findings of all rules that have what they need, one per rule x store x style x season.

    Weeks whose evidence is ``unknown`` count in no figure, and no finding rests on weeks in which demand is
    immaterial. What is muted (`forecaster.rules.lateness.mutes`) is left out. A finding is made where what
    can still be done, recoverable and reorderable units together, reaches the policy's minimum; the rest
    gathers in `forecaster.buy_notes`. ``docs/reference/rules.md`` has every rule with its formula.

    Args:
        situation: what the night knows.

    Returns:
        rule; scope (``store`` or ``chain``), store, climate_zone, style, category, season_code (of the
        window, with its year: `season_identity`); units_lost, customers_lost (those who find a substitute
        taken off), customers_this_week (those of them who come in the next seven days), money_lost (at
        regular price), margin_lost (less unit cost, NaN = unknown); the same units by time: before_units,
        in_season_units, after_units; and by remedy: recoverable_units, reorderable_units, next_buy_units;
        winnable_money (of the first two remedies, at regular price; of
        plans, the margin that the better one earns more); demand_units (what the loss is part of); on_hand,
        in_transit (of the sizes named); first_week (first week with a loss), horizon_ends (last day looked
        at, NaT for a calendar cause), demand_ends (last day of the last material week, for a floor-set the
        day before it; NaT where it does not end), floor_set, exit (NaT without a window), act_by (NaT where
        no day is the last); severity (low, medium, high), evidence (the weakest that carries the bulk of
        the loss), weak (the loss lasts, but too little of it can be won: keeps an alert, opens none);
        sizes (list of dicts sku, size, color, demand, on_hand, in_transit, lost, largest loss first),
        figures (plain JSON values of the rule) and reason (code with its figures).

    Raises:
        PanelError: a frame lacks a column, repeats a key or holds a value that cannot be worked with.
    """
    reading = read(situation)
    claims, plans = claims_of_rows(reading, situation), plan_claims(reading, situation.plans, situation.terms)
    zones, transit_days = situation.zone_of, situation.terms.transit_days
    found = together(
        [
            findings(claims, reading, zones, transit_days=transit_days),
            plan_findings(plans, reading, zones),
            not_carried(situation),
            feed_late(situation),
        ]
    )
    return found.drop(index=mutes(found, situation).index).reset_index(drop=True)


def claims_of_rows(reading: Reading, situation: Situation) -> pd.DataFrame:
    """The losses of all rules that rest on the gap's rows, each divided by the remedy that is left."""
    claims = pd.concat(
        [
            exits(reading, situation.terms),
            floor_sets(reading, situation.terms),
            shelves(reading, situation.phantoms),
            asked_beyond(reading, situation),
        ],
        ignore_index=True,
    )
    claims = worth_looking(claims, reading)
    spare = to_spare(reading, situation, claims)
    return with_remedies(claims, reading, spare, transit_days=situation.terms.transit_days)
