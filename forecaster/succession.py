"""Which style follows which: skus joined with those they replaced (replaces_sku), chains and all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph

from forecaster.errors import PanelError

if TYPE_CHECKING:
    import numpy.typing as npt

    Indices = npt.NDArray[np.intp]
    Texts = npt.NDArray[np.object_]


def succession_links(sku: Texts, replaces: Texts) -> tuple[Indices, Indices]:
    """Positions of skus that replace another, and of those they replace.

    Args:
        sku: (skus,) names.
        replaces: (skus,) the sku each follows, '' for none; a name that is not in `sku` links nothing.

    Raises:
        PanelError: a sku replaces itself, directly or along a chain.
    """
    named = pd.Index(sku)
    replaced = named.get_indexer(pd.Index(replaces))
    later = np.flatnonzero(replaced >= 0)
    earlier = replaced[later].astype(np.intp)
    if len(later):
        _refuse_circles(named, later, earlier)
    return later, earlier


def joined(later: Indices, earlier: Indices, group: Indices, n_groups: int) -> Indices:
    """Groups of skus (size runs, styles) joined with all they replaced, directly or along a chain.

    Args:
        later: positions of the skus that replace another.
        earlier: positions of those replaced.
        group: (skus,) group of each.
        n_groups: how many groups there are.

    Returns:
        (n_groups,) index of the lineage of each group, in order of first appearance.
    """
    if not len(later):
        return np.arange(n_groups, dtype=np.intp)
    _, lineage = csgraph.connected_components(_graph(group[later], group[earlier], n_groups), directed=False)
    codes, _ = pd.factorize(lineage)
    return codes.astype(np.intp)


def _refuse_circles(named: pd.Index[str], later: Indices, earlier: Indices) -> None:
    following = _graph(later, earlier, len(named))
    _, circle = csgraph.connected_components(following, directed=True, connection="strong")
    caught = np.bincount(circle)[circle] > 1
    caught[later[later == earlier]] = True
    if caught.any():
        example = ", ".join(named[caught][:3])
        raise PanelError("products", "replaces_sku", f"goes round in a circle: {example}; let one end it")


def _graph(first: Indices, second: Indices, n: int) -> sparse.coo_array:
    return sparse.coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
