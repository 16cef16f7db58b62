"""The look of a stored chart: one stylesheet for a drawing inside a page and for one on its own.

The drawing is stored once, in plain colours. Its text is made larger on a narrow screen and its colours
follow the reader's choice of light or dark when it is handed out, so looks can change without a new night.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

STYLESHEET: Final = Path(__file__).parent.parent / "static" / "chart.css"


@dataclass(frozen=True)
class StyledChart:
    """A drawing with its style inside, and the hash by which a content policy lets that style through."""

    svg: str
    style_hash: str


def with_style(svg: str) -> StyledChart:
    """Put the stylesheet into a drawing."""
    style = _style()
    end_of_tag = svg.index(">") + 1
    styled = f"{svg[:end_of_tag]}<style>{style}</style>{svg[end_of_tag:]}"
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return StyledChart(styled, f"sha256-{digest}")


@cache
def _style() -> str:
    return STYLESHEET.read_text(encoding="utf-8")
