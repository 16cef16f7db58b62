"""The feeds agree with the records and the facts in which they end."""

from __future__ import annotations

import pytest
from sqlalchemy import String

from data.facts import TABLES as FACTS
from data.feeds.columns import ColumnKind
from data.feeds.keyed import TABLES
from data.feeds.specs import FACT_KINDS, FEEDS
from data.records import MarkdownStep, SellingWindow

RECORDS = {
    **{kind: (table.record, table.renamed) for kind, table in TABLES.items()},
    "calendar": (SellingWindow, {}),
    "markdowns": (MarkdownStep, {}),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_every_column_has_a_place_in_the_records_that_holds_its_longest_text(kind):
    record, renamed = RECORDS[kind]
    for column in FEEDS[kind].columns:
        place = record.__table__.columns[renamed.get(column.name, column.name)]
        if isinstance(place.type, String) and column.kind is not ColumnKind.CHOICE:
            assert column.length <= place.type.length, column.name
        if not place.nullable:
            assert column.required or column.default is not None, column.name


@pytest.mark.parametrize("kind", FACT_KINDS)
def test_every_column_has_a_place_in_the_facts(kind):
    assert set(FEEDS[kind].names) <= set(FACTS[kind].schema.names)


def test_whatever_a_feed_names_comes_before_it():
    order = list(FEEDS)
    for spec in FEEDS.values():
        for column in spec.columns:
            if column.refers_to:
                assert order.index("stores" if column.refers_to == "store" else "products") < order.index(
                    spec.kind
                )


@pytest.mark.parametrize("spec", FEEDS.values(), ids=FEEDS)
def test_keys_covers_and_alternatives_are_columns(spec):
    known = {*spec.names, "requested_on"}

    assert {*spec.key, *spec.covers, *(name for group in spec.one_of for name in group)} <= known
    assert len(spec.names) == len(set(spec.names))
