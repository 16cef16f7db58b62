"""A keep-open test as plain JSON and back, so that it can be kept from its design to its reading."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecaster.dark_ratio import ChainLink
from forecaster.keep_open import KeepOpenTest
from forecaster.store_spread import CountNoise

if TYPE_CHECKING:
    from collections.abc import Mapping

_FRAMES = ("shipments", "forecast")


def to_json(test: KeepOpenTest) -> dict[str, Any]:
    """Plain JSON values; days as ISO text, frames as columns of lists.

    A test without a design has nothing to keep: its infinite standard error is no JSON.

    Raises:
        ValueError: the test has no design.
    """
    if not test.stores or test.reads_on is None:
        raise ValueError(f"a test without a design is not kept ({test.reason})")
    told = {each.name: getattr(test, each.name) for each in fields(test)}
    told |= {name: _columns(getattr(test, name)) for name in _FRAMES}
    return told | {
        "stores": list(test.stores),
        "controls": [list(pair) for pair in test.controls],
        "weeks": [week.isoformat() for week in test.weeks],
        "reads_on": test.reads_on.isoformat(),
        "link": asdict(test.link),
        "noise": asdict(test.noise),
    }


def from_json(told: Mapping[str, Any]) -> KeepOpenTest:
    """The test that `to_json` was given."""
    link = told["link"]
    return KeepOpenTest(
        **{
            **told,
            **{name: _frame(told[name]) for name in _FRAMES},
            "stores": tuple(told["stores"]),
            "controls": tuple((test, control) for test, control in told["controls"]),
            "weeks": tuple(date.fromisoformat(week) for week in told["weeks"]),
            "reads_on": date.fromisoformat(told["reads_on"]),
            "link": ChainLink(
                link["chain"], tuple(link["with_stores"]), tuple(map(tuple, link["between"])), link["within"]
            ),
            "noise": CountNoise(**told["noise"]),
        }
    )


def _columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    plain = frame.assign(week=frame["week"].dt.strftime("%Y-%m-%d")) if "week" in frame else frame
    columns: dict[str, list[Any]] = {str(name): plain[name].tolist() for name in plain.columns}
    return columns


def _frame(columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(dict(columns))
    return frame.assign(week=pd.to_datetime(frame["week"])) if "week" in frame else frame
