"""What the demo retailer sells: categories, this year's and last year's styles, sizes and prices."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALPHA_SIZES = ("S", "M", "L", "XL", "XXL")


@dataclass(frozen=True)
class Basic:
    """A style that stays from year to year."""

    name: str
    colors: tuple[str, ...]
    buy_type: str = "carry_over"


@dataclass(frozen=True)
class Category:
    """A category of the assortment.

    `season` begins its season codes (SS, FW, BTS; empty for one without a season). `size_curve` holds the
    shares of `sizes` in demand; `units_per_day` the demand of an average store at the height of the season;
    `elasticity` and `substitution` how customers answer to price and to an empty shelf.
    """

    name: str
    code: str
    department: str
    gender_age: str
    season: str
    sizes: tuple[str, ...]
    size_curve: tuple[float, ...]
    price: float
    cost_share: float
    pack_size: int
    lead_time_days: int
    buy_lead_days: int
    units_per_day: float
    elasticity: float
    substitution: float
    fashion_styles: int
    noun: str
    basics: tuple[Basic, ...]
    names: tuple[str, ...]

    def lead_of(self, buy_type: str) -> int:
        """Days from order to delivery for a style bought in this way."""
        return self.buy_lead_days if buy_type == "one_buy" else self.lead_time_days


CATEGORIES = (
    Category(
        name="swim trunks", code="SWT", department="menswear", gender_age="men", season="SS",
        sizes=ALPHA_SIZES, size_curve=(0.14, 0.27, 0.30, 0.19, 0.10), price=32, cost_share=0.36, pack_size=2,
        lead_time_days=21, buy_lead_days=150, units_per_day=7.5, elasticity=1.2, substitution=0.4,
        fashion_styles=4, noun="Swim Trunk", basics=(Basic("Tidewater Volley Short", ("navy",)),),
        names=("Palm Drift", "Sunset Stripe", "Coral Reef", "Anchor Bay", "Marlin", "Lagoon Floral",
               "Pelican", "Driftwood", "Harbor Check", "Sea Grape", "Boardwalk", "Blue Heron", "Cabana",
               "Low Tide", "Sandbar", "Kelp", "Regatta", "Breakwater", "Mangrove", "Parasol"),
    ),
    Category(
        name="sandals", code="SAN", department="footwear", gender_age="women", season="SS",
        sizes=("6", "7", "8", "9", "10", "11"), size_curve=(0.12, 0.21, 0.26, 0.21, 0.13, 0.07), price=38,
        cost_share=0.38, pack_size=2, lead_time_days=28, buy_lead_days=150, units_per_day=6.0, elasticity=1.2,
        substitution=0.45, fashion_styles=3, noun="Sandal", basics=(Basic("Everyday Slide", ("tan",)),),
        names=("Amalfi", "Capri", "Tulum", "Naxos", "Sedona", "Sevilla", "Corfu", "Malta", "Biarritz",
               "Paros", "Menorca", "Ibiza", "Cassis", "Ravello", "Syros"),
    ),
    Category(
        name="shorts", code="SHO", department="menswear", gender_age="men", season="SS",
        sizes=("30", "32", "34", "36", "38"), size_curve=(0.14, 0.27, 0.28, 0.20, 0.11), price=36,
        cost_share=0.35, pack_size=2, lead_time_days=21, buy_lead_days=140, units_per_day=7.5, elasticity=1.3,
        substitution=0.5, fashion_styles=2, noun="Short",
        basics=(Basic("Weekday Chino Short", ("khaki", "navy")), Basic("Trail Cargo Short", ("olive",))),
        names=("Linen Pull-On", "Seersucker", "Madras", "Canvas Utility", "Terry", "Drawstring", "Pleated",
               "Pigment Dye", "Ripstop", "Corduroy"),
    ),
    Category(
        name="winter coats", code="WCT", department="womenswear", gender_age="women", season="FW",
        sizes=ALPHA_SIZES, size_curve=(0.19, 0.29, 0.27, 0.16, 0.09), price=149, cost_share=0.41, pack_size=1,
        lead_time_days=28, buy_lead_days=180, units_per_day=4.2, elasticity=1.4, substitution=0.4,
        fashion_styles=3, noun="Coat", basics=(Basic("Commuter Down Parka", ("black",)),),
        names=("Hudson Wool", "Alder Puffer", "Birch Wrap", "Monroe Peacoat", "Tundra", "Quilted Liner",
               "Sherpa", "Bleecker", "Larch", "Cocoon", "Highland", "Ferris", "Orchard", "Summit", "Ashland"),
    ),
    Category(
        name="snow boots", code="SNB", department="footwear", gender_age="kids", season="FW",
        sizes=("10", "11", "12", "13", "1", "2"), size_curve=(0.13, 0.19, 0.22, 0.21, 0.15, 0.10), price=54,
        cost_share=0.42, pack_size=1, lead_time_days=35, buy_lead_days=180, units_per_day=4.0, elasticity=1.2,
        substitution=0.5, fashion_styles=2, noun="Snow Boot",
        basics=(Basic("Classic Snow Boot", ("black",)),),
        names=("Yeti", "Polar", "Frostline", "Igloo", "Husky", "Toboggan", "Flurry", "Snowcap", "Drift",
               "Nordic"),
    ),
    Category(
        name="gloves", code="GLV", department="accessories", gender_age="adult", season="FW",
        sizes=("S", "M", "L"), size_curve=(0.29, 0.43, 0.28), price=26, cost_share=0.34, pack_size=3,
        lead_time_days=21, buy_lead_days=120, units_per_day=4.5, elasticity=1.1, substitution=0.55,
        fashion_styles=2, noun="Glove", basics=(Basic("Touch Knit Glove", ("charcoal",)),),
        names=("Cable Knit", "Lambskin", "Fleece", "Driving", "Merino", "Herringbone", "Suede", "Nordic Knit",
               "Cashmere Blend", "Softshell"),
    ),
    Category(
        name="school backpacks", code="BPK", department="accessories", gender_age="kids", season="BTS",
        sizes=("one size",), size_curve=(1.0,), price=42, cost_share=0.4, pack_size=4, lead_time_days=28,
        buy_lead_days=120, units_per_day=9.0, elasticity=1.1, substitution=0.6, fashion_styles=4,
        noun="Backpack", basics=(Basic("Campus Backpack", ("black", "blue")),),
        names=("Galaxy", "Dinosaur", "Skyline", "Checkerboard", "Tie Dye", "Camo", "Rainbow", "Comet", "Fern",
               "Gamer", "Cactus", "Doodle", "Leopard", "Mountain", "Robot", "Starlight", "Pixel", "Otter"),
    ),
    Category(
        name="white T-shirts", code="WTS", department="menswear", gender_age="men", season="",
        sizes=ALPHA_SIZES, size_curve=(0.13, 0.28, 0.30, 0.19, 0.10), price=15, cost_share=0.33, pack_size=6,
        lead_time_days=10, buy_lead_days=0, units_per_day=9.0, elasticity=1.1, substitution=0.65,
        fashion_styles=0, noun="", names=(),
        basics=(Basic("Crew Neck T-Shirt", ("white",), "replenished"),
                Basic("V-Neck T-Shirt", ("white",), "replenished")),
    ),
)  # fmt: skip
BASICS_SHARE = 0.45  # of a category's demand, where there is fashion as well
SUCCESSOR_SHARE = 0.6  # of the fashion styles, those that take over from one of last year
BUYERS_ERROR = 0.22  # standard deviation of the logarithm of planned / true popularity
COLORS = ("navy", "red", "teal", "black", "sand", "green", "grey", "coral", "berry", "sky")


@dataclass(frozen=True)
class Style:
    """A style; `season_year` is 0 for a basic, `replaces` the style it takes over from.

    `popularity` is its share of the category's demand, `planned` the same as the buyer saw it.
    """

    style_id: str
    name: str
    category: int
    season_year: int
    buy_type: str
    replaces: Style | None
    popularity: float
    planned: float
    colors: tuple[str, ...]
    regular_price: float

    @property
    def season_code(self) -> str | None:
        """The code of its season; none for a basic."""
        season = CATEGORIES[self.category].season
        return season_code(season, self.season_year) if self.season_year else None

    def sku_id(self, color: str, size: str) -> str:
        """The id of the style in one colour and size, like SWT-26-03-NAV-XL."""
        return f"{self.style_id}-{color[:3].upper()}-{'OS' if size == 'one size' else size}"


@dataclass(frozen=True)
class Sku:
    """A style (its number) in one colour and size (its number)."""

    sku: str
    style: int
    color: str
    size: int


@dataclass(frozen=True)
class Assortment:
    """What is sold; styles and skus are numbered by their place."""

    styles: tuple[Style, ...]
    skus: tuple[Sku, ...]

    @property
    def style_of_sku(self) -> NDArray[np.int64]:
        """The style of each sku."""
        return np.array([sku.style for sku in self.skus])

    @property
    def category_of_style(self) -> NDArray[np.int64]:
        """The category of each style."""
        return np.array([style.category for style in self.styles])

    @property
    def size_of_sku(self) -> NDArray[np.int64]:
        """The size of each sku, as its place in the category's sizes."""
        return np.array([sku.size for sku in self.skus])

    @property
    def color_share(self) -> NDArray[np.float64]:
        """The share of each sku's colour in its style."""
        return np.array([1.0 / len(self.styles[sku.style].colors) for sku in self.skus])

    @property
    def sku_ids(self) -> list[str]:
        """The id of each sku."""
        return [sku.sku for sku in self.skus]

    @property
    def is_basic(self) -> NDArray[np.bool_]:
        """Whether each style is carried from year to year and reordered."""
        return np.array([style.buy_type != "one_buy" for style in self.styles])


def make_assortment(rng: np.random.Generator, seasons: dict[str, list[int]]) -> Assortment:
    """Every style of the given season years (`{"SS": [2023, ...], ...}`) and the basics of all years."""
    styles: list[Style] = []
    for number, category in enumerate(CATEGORIES):
        styles += _basics(rng, number, category)
        styles += _fashion(rng, number, category, seasons.get(category.season, []))
    skus = [
        Sku(style.sku_id(color, size), number, color, position)
        for number, style in enumerate(styles)
        for color in style.colors
        for position, size in enumerate(CATEGORIES[style.category].sizes)
    ]
    return Assortment(tuple(styles), tuple(skus))


def season_code(season: str, year: int) -> str:
    """The trade's code of a season, like SS26."""
    return f"{season}{year % 100:02d}"


def _basics(rng: np.random.Generator, number: int, category: Category) -> list[Style]:
    share, price = (BASICS_SHARE, 0.8 * category.price) if category.fashion_styles else (1.0, category.price)
    shares = share * rng.dirichlet(np.full(len(category.basics), 30.0))
    return [
        Style(
            style_id=f"{category.code}-B{position + 1}",
            name=basic.name,
            category=number,
            season_year=0,
            buy_type=basic.buy_type,
            replaces=None,
            popularity=shares[position],
            planned=_misjudged(rng, shares[position]),
            colors=basic.colors,
            regular_price=round(price) - 0.01,
        )
        for position, basic in enumerate(category.basics)
    ]


def _fashion(rng: np.random.Generator, number: int, category: Category, years: list[int]) -> list[Style]:
    names = cycle(rng.permutation(category.names).tolist())
    styles: list[Style] = []
    earlier: list[Style] = []
    for year in years:
        shares = (1 - BASICS_SHARE) * rng.dirichlet(np.full(category.fashion_styles, 9.0))
        earlier = [
            Style(
                style_id=f"{category.code}-{year % 100:02d}-{position + 1:02d}",
                name=f"{next(names)} {category.noun}",
                category=number,
                season_year=year,
                buy_type="one_buy",
                replaces=earlier[position] if earlier and rng.random() < SUCCESSOR_SHARE else None,
                popularity=share,
                planned=_misjudged(rng, share),
                colors=(str(rng.choice(COLORS)),),
                regular_price=round(category.price * rng.uniform(0.95, 1.3)) - 0.01,
            )
            for position, share in enumerate(shares.tolist())
        ]
        styles += earlier
    return styles


def _misjudged(rng: np.random.Generator, popularity: float) -> float:
    return popularity * float(rng.lognormal(0, BUYERS_ERROR))


def products_feed(assortment: Assortment) -> pd.DataFrame:
    """The products feed: one row per sku."""
    rows = []
    for sku in assortment.skus:
        style = assortment.styles[sku.style]
        category = CATEGORIES[style.category]
        size = category.sizes[sku.size]
        before = style.replaces
        rows.append(
            {
                "sku": sku.sku,
                "style_id": style.style_id,
                "style_name": style.name,
                "category": category.name,
                "department": category.department,
                "gender_age": category.gender_age,
                "size": size,
                "color": sku.color,
                "season_code": style.season_code,
                "buy_type": style.buy_type,
                "replaces_sku": before.sku_id(before.colors[0], size) if before else None,
                "regular_price": round(style.regular_price, 2),
                "unit_cost": round(style.regular_price * category.cost_share, 2),
                "pack_size": category.pack_size,
                "lead_time_days": category.lead_of(style.buy_type),
            }
        )
    return pd.DataFrame(rows)


def local_size_curves(rng: np.random.Generator, stores: int) -> list[NDArray[np.float64]]:
    """For each category the shares of its sizes in each store, stores x sizes: a little off the chain's."""
    curves = []
    for category in CATEGORIES:
        chain = np.asarray(category.size_curve)
        local = chain * rng.lognormal(0, 0.2, (stores, len(chain)))
        curves.append(local / local.sum(axis=1, keepdims=True))
    return curves
