"""Notes for the next buy keep the largest figures of a season, whatever is asked again."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import func, select

import jobs.buy_notes
from data.records import BuyNote
from jobs.buy_notes import keep_notes, note_rows, print_notes

if TYPE_CHECKING:
    import pytest

    from jobs.service import Service

NIGHT = date(2026, 6, 20)


def note(units: float, **changes: Any) -> dict[str, Any]:
    return {
        "season_code": "SS26", "category": "swim trunks", "gender_age": "men", "price_band": "$25",
        "need": "swim trunks / men / M / $25", "size": "M", "climate_zone": "hot", "stores": 2,
        "units": units, "customers": units * 0.8, "money": units * 25, "margin": float("nan"),
        "before_units": 0.0, "in_season_units": 1.0, "after_units": units - 1, "demand_units": 2 * units,
        "season_ends": pd.Timestamp("2026-09-12"), "evidence": "requested",
    } | changes  # fmt: skip


def kept(service: Service, monkeypatch: pytest.MonkeyPatch, night: date, *notes: dict[str, Any]) -> int:
    monkeypatch.setattr(jobs.buy_notes, "buy_notes", lambda _: pd.DataFrame(notes))
    # As much of a night as the notes need.
    outlook = SimpleNamespace(situation=None)
    tonight: Any = SimpleNamespace(service=service, business_date=night, outlook=outlook)
    return keep_notes(tonight)


def test_a_note_keeps_the_figures_of_the_night_on_which_they_were_largest(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept(service, monkeypatch, NIGHT, note(40.0), note(9.0, climate_zone="cool")) == 2
    assert kept(service, monkeypatch, NIGHT, note(40.0), note(9.0, climate_zone="cool")) == 0
    assert kept(service, monkeypatch, date(2026, 6, 21), note(52.0)) == 1
    assert kept(service, monkeypatch, date(2026, 7, 21), note(12.0)) == 0

    rows = note_rows(service.database)
    assert [(row["climate_zone"], row["units"], row["noted_on"]) for row in rows] == [
        ("hot", 52.0, "2026-06-21"),
        ("cool", 9.0, "2026-06-20"),
    ]
    assert rows[0]["money"] == 1300.0
    with service.database.read() as session:
        assert session.scalar(select(func.count()).select_from(BuyNote)) == 2


def test_another_season_of_the_same_need_is_another_note(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(service, monkeypatch, NIGHT, note(40.0), note(30.0, season_code="SS27", season_ends=pd.NaT))

    assert len(note_rows(service.database, category="swim trunks")) == 2
    assert note_rows(service.database, category="sandals") == []


def test_notes_are_listed_for_people(
    service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    print_notes(note_rows(service.database))
    assert "No season has ended" in capsys.readouterr().out

    kept(service, monkeypatch, NIGHT, note(40.0))
    print_notes(note_rows(service.database))

    told = capsys.readouterr().out
    assert "swim trunks / men / M / $25" in told
    assert "$1,000" in told
