from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import transfers
from forecaster import transfers as planned
from forecaster.surplus import spare_units
from forecaster.transfers import plan_transfers


@pytest.fixture(scope="module")
def rows():
    return {row["method"]: row for row in transfers.measure(stores=60, skus=12, seed=1)}


def test_choosing_parcels_together_wins_more_than_sending_from_the_nearest(rows):
    assert rows["greedy"]["of_bound"] < rows["inseason"]["of_bound"] <= 1


def test_units_won_are_never_more_than_units_sent(rows):
    assert all(0 < row["wins"] <= row["units"] for row in rows.values())


def test_charging_each_unit_its_share_of_a_small_parcel_wins_more(monkeypatch):
    chain = transfers.make_chain(100, 20, np.random.default_rng(1))
    frames = [chain[name] for name in ("products", "stores")]
    spare = spare_units(chain["stock"], chain["demand"], *frames, as_of=transfers.AS_OF)

    def net() -> float:
        lines = plan_transfers(chain["needs"], spare, *frames, as_of=transfers.AS_OF)
        return float(lines["benefit"].sum() - lines["cost"].sum())

    charged = net()
    monkeypatch.setattr(planned, "_MATTERS", 1.0)
    assert charged > 1.01 * net()


def test_the_table_is_told_as_json_too(capsys):
    assert transfers.main(["--stores", "12", "--skus", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [row["method"] for row in told] == ["inseason", "greedy", "bound"]
    assert set(told[0]) == set(transfers.COLUMNS)
