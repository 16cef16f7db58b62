"""What a finding shows beside its sums: the sizes behind it, and what only its rule has to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecaster.codes import ASKED_NOT_FOUND, BROKEN_SIZE_RUN, PHANTOM_STOCK
from forecaster.findings import iso_day
from forecaster.rules.reading import BEFORE, codes

if TYPE_CHECKING:
    import numpy.typing as npt

    from forecaster.rules.reading import Reading

_AMOUNTS: Final = ("demand", "on_hand", "in_transit", "lost")

Identity = tuple[str, int]
"""Rule and place of a finding."""


def figures_of_rows(kept: pd.DataFrame, products: pd.DataFrame) -> dict[Identity, dict[str, Any]]:
    """What only one rule has to say: core sizes that are gone, a shelf's silence, what was asked for."""
    found: dict[Identity, dict[str, Any]] = {}
    for rule, columns in _OWN_FIGURES.items():
        rows = kept[kept["rule"] == rule]
        for place, group in rows.groupby("place") if len(rows) else []:
            first = group.drop_duplicates("pair")
            sizes = products["size"].to_numpy(dtype=object)[codes(first["sku"])]
            found[rule, place] = columns(first, sizes)  # type: ignore[index]
    return found


def _of_broken_run(first: pd.DataFrame, sizes: npt.NDArray[Any]) -> dict[str, Any]:
    core = (first["core"] == True).to_numpy()  # noqa: E712  # not known of runs that are whole
    gone = core & (first["on_hand"] + first["in_transit"] < 1).to_numpy()
    runs = first["core_sizes"].dropna()
    return {
        "gone": list(dict.fromkeys(map(str, sizes[gone]))),
        "core": list(dict.fromkeys(str(size) for run in runs for size in run)),
        "left_units": float(first["left_units"].max()),
    }


def _of_phantom(first: pd.DataFrame, sizes: npt.NDArray[Any]) -> dict[str, Any]:
    return {
        "quiet_weeks": int(first["quiet_weeks"].max()),
        "quiet_since": iso_day(first["quiet_since"].min()),
        "unsold": float(first["unsold"].sum()),
        "books": float(first["on_hand"].sum()),
        "doubted": list(dict.fromkeys(map(str, sizes))),
    }


def _of_asked(first: pd.DataFrame, sizes: npt.NDArray[Any]) -> dict[str, Any]:
    return {
        "asked": float(first["asked"].sum()),
        "foretold": float(first["foretold"].sum()),
        "last_on": iso_day(pd.to_datetime(first["last_on"]).max()),
        "sizes": list(dict.fromkeys(map(str, sizes))),
    }


_OWN_FIGURES: Final = {
    BROKEN_SIZE_RUN: _of_broken_run,
    PHANTOM_STOCK: _of_phantom,
    ASKED_NOT_FOUND: _of_asked,
}


def sizes_of_places(claims: pd.DataFrame, reading: Reading) -> dict[Identity, list[dict[str, Any]]]:
    """The stock behind a plan, by sku: what is wanted and there, and each size's part of what is at stake."""
    rows = reading.rows[reading.rows["place"].isin(claims["place"]) & (reading.rows["phase"] != BEFORE)]
    found: dict[Identity, list[dict[str, Any]]] = {}
    for rule, part in claims.groupby("rule"):
        mine = rows.merge(part[["place", "lost"]].rename(columns={"lost": "stake"}), on="place")
        each = mine.drop_duplicates("pair")
        whole = each.groupby("place")["on_hand"].sum().reindex(mine["place"]).to_numpy()
        n = mine.groupby("pair")["pair"].transform("size").to_numpy()
        lost = np.divide(mine["on_hand"] * mine["stake"] / n, whole, out=np.zeros(len(mine)), where=whole > 0)
        found |= sizes_of_rows(mine.assign(rule=rule, lost=lost), reading.products)
    return {key: found.get(key, []) for key in zip(claims["rule"], claims["place"], strict=True)}


def sizes_of_rows(kept: pd.DataFrame, products: pd.DataFrame) -> dict[Identity, list[dict[str, Any]]]:
    """Per rule and place, each sku with a loss, largest first: what is wanted, there and lost."""
    sums = kept.groupby(["rule", "place", "pair"], observed=True).agg(
        sku=("sku", "first"), demand=("demand", "sum"), on_hand=("on_hand", "first"),
        in_transit=("in_transit", "first"), lost=("lost", "sum"),
    )  # fmt: skip
    sums = sums[sums["lost"] > 0].sort_values("lost", ascending=False, kind="stable")
    of_product = products.iloc[codes(sums["sku"])]
    lines = pd.DataFrame(
        {
            "sku": sums["sku"].astype("str").to_numpy(dtype=object),
            "size": of_product["size"].to_numpy(dtype=object),
            "color": of_product["color"].to_numpy(dtype=object),
            **{name: sums[name].to_numpy(dtype=np.float64) for name in _AMOUNTS},
        }
    ).to_dict("records")
    found: dict[Identity, list[dict[str, Any]]] = {}
    for (rule, place, _), line in zip(sums.index, lines, strict=True):
        found.setdefault((rule, place), []).append(dict(line))  # type: ignore[arg-type]
    return found
