from __future__ import annotations

import numpy as np
import pytest

from forecaster.errors import PanelError
from forecaster.succession import joined, succession_links


def links(**replaces: str) -> tuple[np.ndarray, np.ndarray]:
    return succession_links(
        np.array(list(replaces), dtype=object), np.array(list(replaces.values()), dtype=object)
    )


def lineages(**replaces: str) -> list[int]:
    return joined(*links(**replaces), np.arange(len(replaces)), len(replaces)).tolist()


def test_a_sku_is_joined_with_what_it_replaces_along_the_whole_chain():
    assert lineages(a="", b="a", other="", c="b") == [0, 0, 1, 0]


def test_two_successors_of_one_sku_are_of_one_lineage():
    assert lineages(a="", b="a", c="a") == [0, 0, 0]


def test_where_nothing_is_replaced_everything_stands_alone():
    assert lineages(a="", b="", c="unknown") == [0, 1, 2]


def test_styles_are_joined_through_any_of_their_skus():
    later, earlier = links(old_s="", old_m="", new_m="old_m", new_l="")
    assert joined(later, earlier, np.array([0, 0, 1, 1]), 2).tolist() == [0, 0]


@pytest.mark.parametrize(
    "replaces", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "c", "b": "a", "c": "b", "d": ""}]
)
def test_a_circle_is_refused_with_an_example(replaces):
    with pytest.raises(PanelError, match=r"circle: .*a"):
        links(**replaces)
