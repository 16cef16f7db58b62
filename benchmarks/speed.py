"""Times a night's numbers: fit, forecast and gap of a generated chain, and how they grow.

Usage: python -m benchmarks.speed --series 30000 --weeks 156 [--peer PYTHON] [--sample 200] [--json]

A chain of thirty categories in five climate zones (`benchmarks._speed_chain`) is written category by category
to a folder, as a night's facts are, for a third of the series, for all of them and for three times as many.
On the clock, two processes take the categories from there as the night does: read the panel, fit, predict 52
weeks with three quantiles, hold that against stock and calendar. Starting the processes and importing the
libraries is not on the clock: a night does it once, whatever the chain.

PYTHON is the interpreter of an environment with statsforecast (which holds pandas below 3, so it cannot live
in ours). Its SeasonalExponentialSmoothing (alpha 0.5) and AutoETS, season length 52, forecast a sample of the
same series in one process.

`peak_mb` is the highest proportional set size of all processes together, with what the libraries take.
`wape` is that of the median forecast (the peers' mean) over the 13 weeks after the history, weeks in stock at
regular price, of the sampled series of each size: the same rows for every method.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from benchmarks._speed_chain import CATEGORIES, HELD_OUT, as_of, climate, make_shard, n_stores, weeks_before
from benchmarks._speed_memory import MemoryWatch
from benchmarks.table import print_table
from forecaster import expected_gap, fit_demand

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Row = dict[str, object]

COLUMNS = ("method", "series", "weeks", "seconds", "ms_per_series", "peak_mb", "wape")
PROCESSES, HORIZON_WEEKS = 2, 52
STAGES = ("read", "fit", "predict", "gap")
_SEED = 1
_PEER = Path(__file__).with_name("_speed_peer.py")


@dataclass(frozen=True)
class Told:
    """What a process tells of one category: medians of the held-out weeks (n, 13), units lost, seconds."""

    median: Floats
    lost: float
    seconds: dict[str, float]


@dataclass(frozen=True)
class Chain:
    """A chain on disk, with what came after it in memory, series by category, store and sku."""

    folder: Path
    weeks: int
    units: Floats
    ahead: Floats
    scored: npt.NDArray[np.bool_]

    def sample(self, size: int) -> npt.NDArray[np.intp]:
        """Series with anything to score, evenly strided."""
        usable = np.flatnonzero(self.scored.any(axis=1))
        return usable[np.linspace(0, len(usable) - 1, min(size, len(usable))).astype(np.intp)]

    def wape(self, forecast: Floats, rows: npt.NDArray[np.intp]) -> float:
        """Absolute errors over units, of the scored weeks of some series."""
        scored, units = self.scored[rows], self.ahead[rows]
        return float(np.abs(forecast - units)[scored].sum() / units[scored].sum())


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=30_000, help="series of the chain (store x sku)")
    parser.add_argument("--weeks", type=int, default=156, help="weeks of history")
    parser.add_argument("--peer", metavar="PYTHON", type=Path, help="an interpreter with statsforecast")
    parser.add_argument(
        "--sample", type=int, default=200, help="series that are scored and given to the peers"
    )
    parser.add_argument("--json", action="store_true", help="also print the table as one line of JSON")
    given = parser.parse_args(arguments)
    if given.series < CATEGORIES * 3:
        parser.error(f"--series: at least {CATEGORIES * 3}, one in each category of a third of the chain")
    rows: list[Row] = []
    for series in (given.series // 3, given.series, given.series * 3):
        with tempfile.TemporaryDirectory() as folder:
            chain = write_chain(Path(folder), series=series, weeks=given.weeks)
            rows.append(measure(chain, sample=given.sample))
            if given.peer and series == given.series:
                rows += measure_peers(chain, given.peer, sample=given.sample)
    print_table(rows, COLUMNS, as_json=given.json)
    return 0


def write_chain(folder: Path, *, series: int, weeks: int) -> Chain:
    """Make a chain, one category at a time, so that it is never in memory at once."""
    units, ahead, scored = [], [], []
    climate(n_stores(series)).to_parquet(folder / "climate.parquet", index=False)
    for index in range(CATEGORIES):
        shard = make_shard(index, series=series, weeks=weeks, seed=_SEED)
        home = folder / shard.category
        home.mkdir()
        for name in ("panel", "supply", "windows"):
            getattr(shard, name).to_parquet(home / f"{name}.parquet", index=False)
        # A float32 holds every count exactly and leaves the memory to what is measured.
        units.append(shard.units.astype(np.float32))
        ahead.append(shard.ahead)
        scored.append(shard.scored)
    return Chain(folder, weeks, np.concatenate(units), np.concatenate(ahead), np.concatenate(scored))


def measure(chain: Chain, *, sample: int) -> Row:
    """Our row: all categories of the chain, from disk to the gap."""
    shards = sorted(path for path in chain.folder.iterdir() if path.is_dir())
    series = len(chain.units)
    with MemoryWatch() as memory, Parallel(n_jobs=PROCESSES) as parallel:
        parallel(delayed(warm_up)(chain.folder) for _ in range(PROCESSES))
        began = time.perf_counter()
        told = parallel(delayed(one_category)(shard) for shard in shards)
        seconds = time.perf_counter() - began
    get_reusable_executor().shutdown(wait=True)
    forecast = np.concatenate([category.median for category in told])
    everything = chain.wape(forecast, np.arange(series))
    spent = {stage: sum(each.seconds[stage] for each in told) for stage in STAGES}
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in spent.items())
    each = 1000 * sum(spent.values()) / series
    print(
        f"{series:,} series: {stages}, together {each:.3f} ms of processor time a series; "
        f"{sum(category.lost for category in told):,.0f} units lost; wape of all {everything:.3f}"
    )
    rows = chain.sample(sample)
    return _row(
        "inseason", chain, series, seconds, peak_mb=memory.peak_mb, wape=chain.wape(forecast[rows], rows)
    )


def warm_up(folder: Path) -> None:
    """Start a process: import what a category needs, and read a little."""
    pd.read_parquet(folder / "climate.parquet")
    one_category(next(path for path in sorted(folder.iterdir()) if path.is_dir()), stores=2)


def one_category(home: Path, *, stores: int | None = None) -> Told:
    """Fit, forecast and gap of one category, with the processor seconds of each stage.

    ``stores`` takes the first few stores only.
    """
    clock = [time.process_time()]
    panel, supply, windows = (
        pd.read_parquet(home / f"{name}.parquet") for name in ("panel", "supply", "windows")
    )
    normals = pd.read_parquet(home.parent / "climate.parquet")
    if stores is not None:
        panel = panel[panel["store"].isin(sorted(panel["store"].unique())[:stores])]
    clock.append(time.process_time())
    model = fit_demand(panel, as_of=as_of(), climate=normals)
    clock.append(time.process_time())
    first = weeks_before(1)[0] + np.timedelta64(7, "D")
    forecast = model.predict([day.date() for day in pd.date_range(first, periods=HORIZON_WEEKS, freq="7D")])
    clock.append(time.process_time())
    gap = expected_gap(forecast, model.series, supply, windows, as_of=as_of())
    clock.append(time.process_time())
    median = forecast["p50"].to_numpy().reshape(len(model.series), HORIZON_WEEKS)[:, :HELD_OUT]
    return Told(median, float(gap["lost"].sum()), dict(zip(STAGES, np.diff(clock).tolist(), strict=True)))


def measure_peers(chain: Chain, python: Path, *, sample: int) -> list[Row]:
    """The rows of statsforecast's models, run by another interpreter on a sample of the series."""
    rows = chain.sample(sample)
    given, result = chain.folder / "sample.npz", chain.folder / "result.npz"
    np.savez(given, units=chain.units[rows].astype(np.float64), ahead=np.array(HELD_OUT))
    with MemoryWatch() as memory:
        subprocess.run([str(python), str(_PEER), str(given), str(result)], check=True)  # noqa: S603 - the caller's own
    told = np.load(result)
    names = [name.removesuffix(".seconds") for name in told.files if name.endswith(".seconds")]
    for name in names:
        each = 1000 * float(told[f"{name}.processor"]) / len(rows)
        print(f"{name}: {each:.3f} ms of processor time a series")
    return [
        _row(
            name,
            chain,
            len(rows),
            float(told[f"{name}.seconds"]),
            peak_mb=memory.peak_mb,
            wape=chain.wape(told[f"{name}.forecast"], rows),
        )
        for name in names
    ]


def _row(
    method: str, chain: Chain, series: int, seconds: float, *, peak_mb: float | None, wape: float
) -> Row:
    return {
        "method": method,
        "series": series,
        "weeks": chain.weeks,
        "seconds": seconds,
        "ms_per_series": 1000 * seconds / series,
        "peak_mb": None if peak_mb is None else round(peak_mb, 1),
        "wape": wape,
    }


if __name__ == "__main__":
    raise SystemExit(main())
