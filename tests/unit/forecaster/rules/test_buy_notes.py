from __future__ import annotations

import pytest

from forecaster import RulePolicy, buy_notes


def test_what_no_remedy_reaches_is_noted_per_need_size_and_zone(leaving):
    notes = buy_notes(leaving.situation())
    assert len(notes) == 1
    note = notes.iloc[0]
    assert (note["category"], note["size"], note["climate_zone"]) == ("swimwear", "M", "south")
    assert note["season_code"] == "swim-2026"
    assert note["units"] == note["after_units"] == pytest.approx(1 + 4 * 6 / 7)
    assert note["money"] == pytest.approx(20 * (1 + 4 * 6 / 7))
    assert note["margin"] == pytest.approx(12 * (1 + 4 * 6 / 7))
    assert note["stores"] == 1
    assert note["evidence"] == "observed"


def test_what_is_too_little_for_an_alert_still_adds_up_in_a_note(leaving, shelf):
    small = tuple(
        shelf(store=f"s{n}", season=(1.0,) * 3, after=(0.5, 0.5), available=(9.0, 8.0, 7.0, 0, 0))
        for n in range(4)
    )
    night = leaving.but(shelves=small, products={"lead_time_days": 150.0}, held={})
    assert night.findings().empty
    notes = buy_notes(night.situation())
    assert notes["units"].tolist() == pytest.approx([4.0])
    assert notes["stores"].tolist() == [4]


def test_a_season_that_has_long_to_go_is_not_noted_yet(leaving):
    early = leaving.but(policy=RulePolicy(note_weeks_ahead=2)).situation()
    assert buy_notes(early).empty


def test_what_can_still_be_won_is_no_lesson_yet(leaving):
    quick = leaving.but(products={"lead_time_days": 7.0}).situation()
    assert buy_notes(quick).empty


def test_the_notes_and_the_winnable_units_make_up_the_loss(leaving):
    told, notes = leaving.only(), buy_notes(leaving.situation())
    winnable = told["recoverable_units"] + told["reorderable_units"]
    assert winnable + notes["units"].sum() == pytest.approx(told["units_lost"])
