"""The products as the numbers read them: every column there, blanks told apart from values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.credibility import sums_by
from forecaster.errors import PanelError
from forecaster.frames import require_columns, require_unique

if TYPE_CHECKING:
    import numpy.typing as npt

    Texts = npt.NDArray[np.object_]
    Floats = npt.NDArray[np.float64]

TEXTS = ("category", "style", "size", "color", "gender_age", "department", "replaces_sku")

PRICE_BANDS = ("good", "better", "best")
"""The trade's words for the three steps of a price ladder."""

BAND_EDGES = (0.75, 1.35)
"""Where the ladder steps up, as a share of the median style's price: a judgement. A customer who came for a
30 dollar pair looks at 25 and at 39, not at 60."""


def read_products(products: pd.DataFrame) -> pd.DataFrame:
    """Products with all columns, in the order given.

    Args:
        products: sku; category, style, size, color, gender_age, department, regular_price and replaces_sku
            may be absent or blank. A sku without style is a style of its own.

    Returns:
        sku (also the index), the columns of `TEXTS` ('' where blank), regular_price (NaN where blank or not
        above 0).

    Raises:
        PanelError: sku is missing or repeated, or a price is not a number.
    """
    require_columns(products, "products", ("sku",))
    require_unique(products, "products", ["sku"])
    columns = {"sku": products["sku"].astype(str).to_numpy(dtype=object)}
    columns |= {name: _text(products, name) for name in TEXTS}
    columns["style"] = np.where(columns["style"] == "", columns["sku"], columns["style"])
    index = pd.Index(columns["sku"])
    return pd.DataFrame(columns, index=index).assign(regular_price=_prices(products))


def price_bands(style: Texts, kind: Texts, price: Floats) -> Texts:
    """Price band of each product: where its style stands beside the median style of its kind.

    All sizes of a style share the band of their mean price.

    Args:
        style: (products,) its style.
        kind: (products,) among which styles the ladder is seen, such as a category's for one gender_age.
        price: (products,) regular price, NaN where unknown.

    Returns:
        (products,) one of `PRICE_BANDS`, '' without a price.
    """
    bands = np.full(len(price), "", dtype=object)
    priced = np.flatnonzero(~np.isnan(price))
    code, styles = pd.factorize(style[priced])
    n_styles = len(styles)
    of_style = sums_by(code, price[priced], n_styles) / np.bincount(code, minlength=n_styles)
    kinds = kind[priced]
    for one in pd.unique(kinds):
        members = kinds == one
        ratio = of_style[code[members]] / np.median(of_style[np.unique(code[members])])
        bands[priced[members]] = np.array(PRICE_BANDS, dtype=object)[
            np.searchsorted(BAND_EDGES, ratio, "right")
        ]
    return bands


def _text(products: pd.DataFrame, name: str) -> Texts:
    """A column as text without outer spaces, '' where it is absent or blank."""
    if name not in products.columns:
        return np.full(len(products), "", dtype=object)
    column = products[name]
    return column.astype("str").str.strip().where(column.notna(), "").to_numpy(dtype=object)


def _prices(products: pd.DataFrame) -> Floats:
    if "regular_price" not in products.columns:
        return np.full(len(products), np.nan)
    try:
        prices = pd.to_numeric(products["regular_price"]).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise PanelError("products", "regular_price", f"not numeric: {error}") from error
    return np.where(prices > 0, prices, np.nan)
