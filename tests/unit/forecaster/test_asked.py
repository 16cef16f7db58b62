"""Customers' words: what the chain carries is found in them, the rest is grouped by what was asked for."""

from __future__ import annotations

import pandas as pd
import pytest

from forecaster.asked import group_words, match_words, not_carried
from forecaster.errors import PanelError
from forecaster.words import canonical_size, read, singular, size_spellings, suits
from jobs.demo.feeds import PEOPLE, WORDINGS

RUNS = {
    ("swim trunks", "men"): "S M L XL XXL",
    ("sandals", "women"): "6 7 8 9 10",
    ("shorts", "men"): "30 32 34 36",
    ("winter coats", "women"): "XS S M L XL",
    ("snow boots", "kids"): "11 12 13 1 2",
    ("gloves", "adult"): "S M L",
    ("school backpacks", "kids"): "one-size",
    ("white T-shirts", "men"): "S M L XL",
}
NAMES = {
    "SWT-1": ("Marlin Trunk", "swim trunks"),
    "SWT-2": ("Lagoon Trunk", "swim trunks"),
    "SWT-3": ("Lagoon Trunk", "swim trunks"),
    "BPK-1": ("Robot Backpack", "school backpacks"),
}


def products() -> pd.DataFrame:
    rows = [
        (f"{category}/{size}", f"{category}-basic", "", category, made_for, size.replace("-", " "), "navy")
        for (category, made_for), run in RUNS.items()
        for size in run.split()
    ]
    made_for = dict(list(RUNS))
    rows += [
        (f"{style}/{size}", style, name, category, made_for[category], size.replace("-", " "), "sky")
        for style, (name, category) in NAMES.items()
        for size in RUNS[category, made_for[category]].split()
    ]
    columns = ["sku", "style", "style_name", "category", "gender_age", "size", "color"]
    return pd.DataFrame(rows, columns=columns)


def matched(*texts: str) -> list[tuple[str | None, ...]]:
    found = match_words(pd.DataFrame({"text": list(texts)}), products())
    return [tuple(row) for row in found.astype(object).where(found.notna(), None).to_numpy()]


# What forty customers said, and what of the assortment they meant: category, style, size.
SAID = {
    "do you have men's swim trunks in size M?": ("swim trunks", None, "M"),
    "Swimtrunks, large": ("swim trunks", None, "L"),
    "SWIM TRUNKS XL!!": ("swim trunks", None, "XL"),
    "swim-trunks for my husband, medium please": ("swim trunks", None, "M"),
    "trunks, swim, men, xxl": ("swim trunks", None, "XXL"),
    "Marlin trunks in navy size S": ("swim trunks", "SWT-1", "S"),
    "the marlin swim trunk, M": ("swim trunks", "SWT-1", "M"),
    "lagoon trunk L": ("swim trunks", None, "L"),
    "navy blue swim trunks": ("swim trunks", None, None),
    "swim trunks in S or M": ("swim trunks", None, None),
    "ladies sandals US 9": ("sandals", None, "9"),
    "women\u2019s sandals sz 8": ("sandals", None, "8"),
    "sandal size 7": ("sandals", None, "7"),
    "sandals 9": ("sandals", None, "9"),
    "I'm looking for winter coats, women's small": ("winter coats", None, "S"),
    "winter coat x-small": ("winter coats", None, "XS"),
    "snow boots for my son size 12": ("snow boots", None, "12"),
    "kids snowboots 13": ("snow boots", None, "13"),
    "gloves M": ("gloves", None, "M"),
    "ladies' gloves in large": ("gloves", None, "L"),
    "a school back pack": ("school backpacks", None, "one size"),
    "robot backpack": ("school backpacks", "BPK-1", "one size"),
    "white tee shirt XL": ("white T-shirts", None, "XL"),
    "mens shorts 34": ("shorts", None, "34"),
    # What sounds like the assortment and is not.
    "oven gloves": None,
    "glove compartment organizer": None,
    "boxing gloves size M": None,
    "kids' gloves size S": None,
    "toddler swim trunks 2T": None,
    "swim trunks 3XL": None,
    "swim trunks 4XL or 5XL": None,
    "black t-shirt size M": None,
    "boots size 12": None,
    "coat rack": None,
    "short sleeve shirt, L": None,
    "swim goggles": None,
    "boot laces": None,
    "not the swim trunks, the robe": None,
    "swim trunks and sandals": None,
    "umbrella": None,
}


@pytest.mark.parametrize("text", SAID)
def test_what_a_customer_said_is_matched_with_what_was_meant_or_with_nothing(text):
    ((category, _, style, size),) = matched(text)

    assert (category, style, size) == (SAID[text] or (None, None, None))


def test_every_wording_of_the_demo_is_matched_with_its_category_people_and_size():
    for row in products()[["category", "gender_age", "size"]].drop_duplicates().itertuples():
        what = f"{PEOPLE[row.gender_age]}{row.category}"
        size = "any color" if row.size == "one size" else f"size {row.size}"
        for wording in WORDINGS:
            ((category, made_for, _, told),) = matched(wording.format(what=what, size=size))
            assert (category, made_for, told) == (row.category, row.gender_age, row.size)


def test_a_category_made_for_two_kinds_of_people_leaves_open_for_whom_unless_it_is_said():
    boys = products()[lambda rows: rows["category"] == "swim trunks"].assign(gender_age="boys")
    both = pd.concat([products(), boys])
    texts = ["swim trunks M", "boys' swim trunks M", "men's swim trunks M"]
    found = match_words(pd.DataFrame({"text": texts}), both)

    assert found["gender_age"].fillna("?").tolist() == ["?", "boys", "men"]


def test_the_answer_stands_in_the_order_and_with_the_index_of_the_requests():
    requests = pd.DataFrame({"text": ["umbrella", "gloves M", None]}, index=[7, 3, 5])
    found = match_words(requests, products())

    assert found.index.tolist() == [7, 3, 5]
    assert found["category"].fillna("-").tolist() == ["-", "gloves", "-"]
    assert not_carried(requests, products()).index.tolist() == [7, 5]


def test_a_frame_without_texts_is_refused_by_name():
    with pytest.raises(PanelError, match="text"):
        match_words(pd.DataFrame({"words": []}), products())


def requests(*rows: tuple[str, str, int, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["store", "text", "units", "requested_on"])
    return frame.assign(requested_on=pd.to_datetime(frame["requested_on"]))


def keys(*texts: str) -> list[str]:
    return group_words(requests(*((text[:2], text, 1, "2026-06-01") for text in texts)))["key"].tolist()


def test_requests_are_added_up_by_what_was_asked_and_where():
    grouped = group_words(
        requests(
            ("PHX", "rash guard, size M", 1, "2026-06-01"),
            ("PHX", "Do you have a rashguard in L?", 2, "2026-06-09"),
            ("SEA", "rash-guards, blue", 1, "2026-06-05"),
            ("SEA", "umbrella", 1, "2026-06-04"),
            ("SEA", "do you have it in a 10?", 1, "2026-06-04"),
        )
    )

    told = grouped[["words", "store", "units", "asks", "sizes"]].to_numpy().tolist()
    assert told == [
        ["rash guard", "PHX", 3.0, 2, "l, m"],
        ["rash guard", "SEA", 1.0, 1, ""],
        ["umbrella", "SEA", 1.0, 1, ""],
    ]
    assert grouped["first_on"].dt.day.tolist() == [1, 5, 4]
    assert grouped["last_on"].dt.day.tolist() == [9, 5, 4]


@pytest.mark.parametrize(
    "texts",
    [
        ("rain boots", "rain boot"),
        ("rain boots size 8", "RAIN BOOTS, red, 9"),
        ("rash guard", "rashguard"),
        ("umbrella", "umbrela"),
        ("boys rain boots", "rain boots for a girl"),
        ("pool noodle", "noodles for the pool"),
        ("swim rash guard", "rash guard"),
    ],
)
def test_nearly_the_same_words_are_one_group(texts):
    assert len(set(keys(*texts))) == 1


@pytest.mark.parametrize(
    "texts",
    [
        ("beach towel", "bath towel"),
        ("skirt", "shirt"),
        ("rain jacket", "rain boots"),
        ("yoga mat", "yoga pants"),
        ("glove liner", "glove"),
        ("hat", "sun hat"),
    ],
)
def test_other_things_are_other_groups(texts):
    assert len(set(keys(*texts))) == 2


def test_a_group_keeps_its_key_when_more_people_ask_in_other_words():
    first = requests(("PHX", "rash guard", 1, "2026-06-01"))
    later = requests(*[("PHX", "rashguards", 1, f"2026-06-{day:02}") for day in range(2, 9)])

    (before,) = group_words(first)["key"]
    after = group_words(pd.concat([later, first]))
    assert after["key"].tolist() == [before]
    assert after["words"].tolist() == ["rashguard"]


def test_no_requests_make_no_groups():
    assert group_words(requests()).empty
    assert group_words(requests(("PHX", "size M", 1, "2026-06-01"))).empty


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("jeans 32x34", "32x34"),
        ("sandals 9 1/2", "9.5"),
        ("sandals 9½", "9.5"),
        ("extra large robe", "xl"),
        ("XX-Large robe", "2xl"),
        ("a pack of 6 socks, size 9", "9"),
        ("swimsuit 2T", "2t"),
    ],
)
def test_sizes_are_read_however_they_are_written(text, size):
    assert read(text).sizes == (size,)


def test_a_size_is_compared_in_one_spelling():
    assert {canonical_size(size) for size in ("XXL", "xxl", "2XL")} == {"2xl"}
    assert canonical_size("trunk") == ""
    assert set(size_spellings("m")) == {"m", "med", "medium"}


def test_words_that_end_in_s_without_being_plurals_stay_whole():
    words = ["shorts", "dress", "canvas", "glasses", "boots", "watches", "bodies"]
    assert [singular(word) for word in words] == [
        "shorts", "dress", "canva", "glasses", "boot", "watch", "body",
    ]  # fmt: skip


def test_what_is_made_for_adults_suits_men_and_women_and_no_children():
    assert suits({"adult"}, {"women"})
    assert not suits({"adult"}, {"kids"})
    assert suits({"kids"}, set())
    assert suits({"men", "women"}, {"adult"})
