"""What plans take for granted where the records are silent."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Prices:
    """What is assumed of money where the records are silent, as shares of the regular price."""

    salvage_share: float = 0.15
    usual_cost_share: float = 0.4


@dataclass(frozen=True)
class Assumed:
    """What a board was laid out with.

    Attributes:
        prices: of what is left over, and of what has no unit cost.
        without_price: skus without a regular price, left out.
        without_cost: skus whose unit cost was assumed.
        substitution: share of the customers turned away who take another piece if there is one, as the night
            measured it; None where it has not been measured, so that nobody does.
    """

    prices: Prices
    without_price: int = 0
    without_cost: int = 0
    substitution: float | None = None

    @property
    def details(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return asdict(self)

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> Assumed:
        """What `details` told."""
        return cls(**{**details, "prices": Prices(**details["prices"])})
