"""What customers asked for and did not find, by store, sku and week; and what of it nobody here carries."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pandas as pd

from data.fiscal import week_start
from forecaster.asked import group_words, match_words

if TYPE_CHECKING:
    from datetime import date

    from data.facts.store import Snapshot
    from data.settings import Weekday

# How long after its stock was last seen in a store customers there still ask for a style by its category.
_STILL_ASKED: Final = pd.Timedelta(weeks=26)
# Older requests no longer name the groups of newer ones.
_NAMED_FOR: Final = timedelta(weeks=52)
_FOREVER: Final = pd.Timestamp.max - 2 * _STILL_ASKED
_ANYWHERE, _HERE, _HERE_THEN = 0, 1, 2


def read_wordings(snapshot: Snapshot, products: pd.DataFrame, *, as_of: date) -> pd.DataFrame:
    """What of the assortment is meant by each text that customers' requests were written down with.

    Args:
        snapshot: the facts.
        products: style_id, style_name, category, gender_age, size, color of the whole assortment: a text is
            only certain when nothing else in it fits.
        as_of: last business date known.

    Returns:
        text, category, gender_age, style_id, size, as `forecaster.asked.match_words` reads them.
    """
    texts = snapshot.query(f"""
        SELECT DISTINCT text FROM requests
        WHERE sku IS NULL AND style_id IS NULL AND text IS NOT NULL AND requested_on <= DATE '{as_of}'
    """)
    matched = match_words(texts, products.rename(columns={"style_id": "style"}))
    return pd.concat([texts.astype("str"), matched.rename(columns={"style": "style_id"})], axis=1)


def weekly_requests(
    snapshot: Snapshot,
    products: pd.DataFrame,
    carried: pd.DataFrame,
    *,
    first_week: date,
    as_of: date,
    week_starts_on: Weekday,
    wordings: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Units asked for by the chain's week, as `forecaster.fit_demand` takes them.

    A request that names a style and a size is shared evenly among the skus of that style and size that its
    store has carried, or among all of them where it has carried none. One in words that mean a category and a
    size is shared among those of its store that were there about that time. Other requests in words, requests
    for a style that does not come in the size, or for a sku that is not among `products`, are left out.

    Args:
        snapshot: the facts.
        products: sku, style_id, size of the skus that are asked about; with wordings also category and
            gender_age.
        carried: store_id, sku of the series that each store has carried, in any order and number; where there
            are first_on and last_on (datetime64), they are the days between which a series had stock.
        first_week: a day of the first week.
        as_of: last business date known.
        week_starts_on: first day of the chain's week.
        wordings: as `read_wordings` gives them; without, requests in words are left out.

    Returns:
        store, sku, week (datetime64, first day), units (shares are fractions); sorted by the first three.
    """
    anchor = week_start(first_week, week_starts_on)
    asked = _by_sku(_asked(snapshot, wordings, first=anchor, as_of=as_of), products, carried)
    start = pd.Timestamp(anchor).as_unit("us")
    weeks = (asked["requested_on"] - start).dt.days // 7
    asked = asked.assign(week=start + pd.to_timedelta(7 * weeks, unit="D").astype("timedelta64[us]"))
    summed = asked.groupby(["store_id", "sku", "week"])["units"].sum().astype("float64")
    return summed.reset_index().rename(columns={"store_id": "store"})


def lately_asked(
    snapshot: Snapshot,
    products: pd.DataFrame,
    carried: pd.DataFrame,
    *,
    first_on: date,
    as_of: date,
    wordings: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Units asked for since a day, of what the stores carry, as `forecaster.Situation` takes them.

    Args:
        snapshot: the facts.
        products: as `weekly_requests` takes them.
        carried: likewise.
        first_on: the first day that counts.
        as_of: last business date known.
        wordings: as `weekly_requests` takes them.

    Returns:
        store, sku, units (shares are fractions), last_on (datetime64).
    """
    asked = _by_sku(_asked(snapshot, wordings, first=first_on, as_of=as_of), products, carried)
    here = asked.merge(carried[["store_id", "sku"]].drop_duplicates())
    summed = here.groupby(["store_id", "sku"], as_index=False).agg(
        units=("units", "sum"), last_on=("requested_on", "max")
    )
    return summed.rename(columns={"store_id": "store"})


def asked_in_vain(
    snapshot: Snapshot,
    products: pd.DataFrame,
    carried: pd.DataFrame,
    *,
    first_on: date,
    as_of: date,
    wordings: pd.DataFrame,
) -> pd.DataFrame:
    """What customers asked for since a day and their store does not carry, grouped by words.

    That is what they said in words that mean nothing of the assortment; and of the assortment what their
    store neither had nor will have: a style by its name, a category where the words meant no style.

    Args:
        snapshot: the facts.
        products: sku, style_id, style_name, category.
        carried: store_id, sku of the series that each store has carried or will.
        first_on: the first day that counts; what was asked in the year before still names the groups, so
            that they keep their keys.
        as_of: last business date known.
        wordings: as `read_wordings` gives them.

    Returns:
        key, words, store, units, asks, first_on, last_on, sizes, as `forecaster.asked.group_words` does.
    """
    asked = _asked(snapshot, wordings, first=as_of - _NAMED_FOR, as_of=as_of)
    known = products[["sku", "style_id", "style_name", "category"]].drop_duplicates("sku")
    of_sku = known.set_index("sku")["style_id"]
    asked = asked.assign(style_id=asked["style_id"].fillna(asked["sku"].map(of_sku)))
    here = carried.merge(known, on="sku")
    styles = pd.MultiIndex.from_frame(here[["store_id", "style_id"]])
    categories = pd.MultiIndex.from_frame(here[["store_id", "category"]])
    named = known.drop_duplicates("style_id").set_index("style_id")["style_name"]
    a_style, a_category = asked["style_id"].notna(), asked["category"].notna() & asked["style_id"].isna()
    new_style = a_style & ~pd.MultiIndex.from_frame(asked[["store_id", "style_id"]]).isin(styles)
    new_category = a_category & ~pd.MultiIndex.from_frame(asked[["store_id", "category"]]).isin(categories)
    words = (
        asked["text"]
        .mask(a_category, asked["category"])
        .mask(a_style, asked["style_id"].map(named).fillna(asked["style_id"]))
    )
    vain = asked.assign(text=words)[new_style | new_category | ~(a_style | a_category)]
    vain = vain.loc[vain.index.repeat(vain["asks"])].assign(units=vain["units"] / vain["asks"])
    return group_words(vain.rename(columns={"store_id": "store"}), counted_from=first_on)


def _asked(snapshot: Snapshot, wordings: pd.DataFrame | None, *, first: date, as_of: date) -> pd.DataFrame:
    """Requests by what they name, those in words by what they mean.

    Returns:
        store_id, sku, style_id, size, text, category, gender_age, requested_on (datetime64), units, asks.
    """
    asked = snapshot.query(f"""
        SELECT store_id, sku, style_id, size, requested_on,
               CASE WHEN sku IS NULL AND style_id IS NULL THEN text END AS text,
               sum(units) AS units, count(*) AS asks FROM requests
        WHERE requested_on BETWEEN DATE '{first}' AND DATE '{as_of}'
        GROUP BY 1, 2, 3, 4, 5, 6
    """)
    named = ["store_id", "sku", "style_id", "size", "text"]
    asked = asked.astype(dict.fromkeys(named, "str") | {"requested_on": "datetime64[us]"})
    if wordings is None:
        unknown = pd.Series(pd.NA, index=asked.index, dtype="str")
        return asked.assign(category=unknown, gender_age=unknown)
    meant = asked[["text"]].merge(wordings, on="text", how="left")
    return asked.assign(
        style_id=asked["style_id"].fillna(meant["style_id"]),
        size=asked["size"].fillna(meant["size"]),
        category=meant["category"],
        gender_age=meant["gender_age"],
    )


def _by_sku(asked: pd.DataFrame, products: pd.DataFrame, carried: pd.DataFrame) -> pd.DataFrame:
    """Requests as shares of requests for skus: store_id, sku, requested_on, units."""
    columns = ["store_id", "sku", "requested_on", "units"]
    named = asked["sku"].notna()
    styled = ~named & asked["style_id"].notna()
    meant = ~named & ~styled & asked["category"].notna()
    known = asked.loc[named & asked["sku"].isin(products["sku"]), columns]
    by_style = _shared(asked[styled], products, carried, ["style_id"], least=_ANYWHERE)
    parts = [known, by_style[columns]]
    for told, need in (
        (asked["gender_age"].notna(), ["category", "gender_age"]),
        (asked["gender_age"].isna(), ["category"]),
    ):
        if (meant & told).any():
            parts.append(_shared(asked[meant & told], products, carried, need, least=_HERE)[columns])
    return pd.concat(parts, ignore_index=True)


def _shared(
    asked: pd.DataFrame, products: pd.DataFrame, carried: pd.DataFrame, by: list[str], *, least: int
) -> pd.DataFrame:
    """Requests for a size of something as equal shares of requests for its skus.

    Shared among those that were there about that time if there are any, else among those that the store has
    ever carried, else among all; `least` says how far down this may go.
    """
    sized = products[["sku", *by]].assign(size=_plain(products["size"]))
    open_ = asked[["store_id", "requested_on", "units", "size", *by]].assign(size=_plain(asked["size"]))
    wanted = open_.reset_index(names="request").merge(sized, on=[*by, "size"])
    wanted = wanted.merge(_lives(carried), on=["store_id", "sku"], how="left", indicator="carried")
    here, day = wanted["carried"] == "both", wanted["requested_on"]
    then = here & (day >= wanted["first_on"]) & (day <= wanted["last_on"] + _STILL_ASKED)
    # A style that is named was seen by whoever named it: when it had stock says nothing more.
    rank = here.astype("int64") * _HERE + (then if least == _HERE else 0) * (_HERE_THEN - _HERE)
    best = rank.groupby(wanted["request"]).transform("max")
    chosen = wanted[(rank == best) & (rank >= least)]
    return chosen.assign(units=chosen["units"] / chosen.groupby("request")["units"].transform("size"))


def _lives(carried: pd.DataFrame) -> pd.DataFrame:
    """Each series once, with the days between which it had stock: store_id, sku, first_on, last_on."""
    if "first_on" not in carried:
        carried = carried.assign(first_on=pd.Timestamp.min, last_on=_FOREVER)
    return carried.groupby(["store_id", "sku"], as_index=False).agg(
        first_on=("first_on", "min"), last_on=("last_on", "max")
    )


def _plain(sizes: pd.Series) -> pd.Series:
    """Sizes as they are compared: people write m for M."""
    return sizes.fillna("").str.strip().str.casefold()
