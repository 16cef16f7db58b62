"""Runs statsforecast on a sample of series, in an interpreter of its own that knows nothing of this project.

Usage: PYTHON _speed_peer.py SAMPLE.npz RESULT.npz, where SAMPLE holds units (n, weeks) and ahead (a number).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from statsforecast.models import (  # type: ignore[import-not-found] # of another environment
    AutoETS,
    SeasonalExponentialSmoothing,
)

YEAR_WEEKS = 52


def main(sample: Path, result: Path) -> None:
    """Forecast every series with every model; by model, write forecasts (n, ahead) and what they took.

    ``seconds`` are by the clock, ``processor`` of processor time.
    """
    given = np.load(sample)
    units, ahead = given["units"], int(given["ahead"])
    models = {
        "seasonal_exponential_smoothing": SeasonalExponentialSmoothing(season_length=YEAR_WEEKS, alpha=0.5),
        "auto_ets": AutoETS(season_length=YEAR_WEEKS),
    }
    told: dict[str, Any] = {}
    for name, model in models.items():
        model.forecast(y=units[0], h=ahead)  # what is loaded on first use is not on the clock
        began, spent = time.perf_counter(), time.process_time()
        forecast = np.array([model.forecast(y=series, h=ahead)["mean"] for series in units])
        told[f"{name}.seconds"] = np.array(time.perf_counter() - began)
        told[f"{name}.processor"] = np.array(time.process_time() - spent)
        told[f"{name}.forecast"] = np.maximum(forecast, 0.0)
    np.savez(result, **told)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
