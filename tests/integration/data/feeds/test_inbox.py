"""Files that wait in the inbox are imported in order, and put away with their reasons."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from data.errors import BusyError
from data.feeds.reports import Refusal
from data.records import Run, RunState
from tests.integration.data.feeds.conftest import PRODUCTS, STORES

SALES = "business_date,store_id,sku,units\n2026-06-01,1,A-S,3\n"


@pytest.fixture
def inbox(empty_chain):
    empty_chain.settings.inbox.mkdir(parents=True)
    return empty_chain.settings.inbox


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_waiting_files_are_imported_in_order_and_put_away(empty_chain, inbox):
    (inbox / "sales_1.csv.gz").write_bytes(gzip.compress(SALES.encode()))
    (inbox / "products.csv").write_text(PRODUCTS)
    (inbox / "stores.csv").write_text(STORES)

    outcomes = empty_chain.ingest()

    assert [report.kind for report in outcomes] == ["stores", "products", "sales"]
    assert names(inbox) == ["done"]
    assert names(inbox / "done") == ["products.csv", "sales_1.csv.gz", "stores.csv"]
    assert empty_chain.fact_rows("sales", "sku, units") == [["A-S", 3]]


def test_a_refused_file_has_its_reason_beside_it_and_stops_no_other(empty_chain, inbox):
    (inbox / "products.csv").write_text("")
    (inbox / "stores.csv").write_text(STORES)
    (inbox / "readme.txt").write_text("hello")

    stores, products, unknown = empty_chain.ingest()

    assert stores.rows_loaded == 2
    assert isinstance(products, Refusal)
    assert isinstance(unknown, Refusal)
    assert names(inbox / "refused") == [
        "products.csv",
        "products.csv.reason.txt",
        "readme.txt",
        "readme.txt.reason.txt",
    ]
    assert (
        inbox / "refused" / "products.csv.reason.txt"
    ).read_text() == "products.csv was not taken: it is empty.\n"
    assert "its name says no kind" in unknown.reason


def test_a_file_of_the_same_name_does_not_overwrite_an_older_one(empty_chain, inbox):
    for name in ("Phoenix", "Tucson"):
        (inbox / "stores.csv").write_text(f"store_id,name\n1,{name}\n")
        empty_chain.ingest()

    assert names(inbox / "done") == ["stores-2.csv", "stores.csv"]
    assert "Phoenix" in (inbox / "done" / "stores.csv").read_text()


def test_files_wait_on_while_another_writes(empty_chain, inbox, busy_elsewhere):
    del busy_elsewhere
    (inbox / "stores.csv").write_text(STORES)

    with pytest.raises(BusyError):
        empty_chain.ingest(wait_seconds=0)

    assert names(inbox) == ["stores.csv"]


def test_an_inbox_that_is_not_there_is_empty(empty_chain):
    assert empty_chain.ingest() == []


class BrokenFacts:
    """Facts that cannot be written, for a reason nobody thought of."""

    def __init__(self, error):
        self.error = error

    def replace_pairs(self, *_args, **_options):
        raise self.error


def test_a_file_that_fails_unforeseen_is_put_away_and_stops_no_other(empty_chain, inbox, caplog):
    (inbox / "stores.csv").write_text(STORES)
    (inbox / "products.csv").write_text(PRODUCTS)
    (inbox / "sales.csv").write_text(SALES)
    (inbox / "readme.txt").write_text("hello")
    broken = replace(empty_chain, facts=BrokenFacts(NotImplementedError("year 10000")))

    _, _, sales, unknown = broken.ingest()

    assert isinstance(sales, Refusal)
    assert "sales.csv was not taken: loading it failed" in sales.reason
    assert "(NotImplementedError)" in (inbox / "refused" / "sales.csv.reason.txt").read_text()
    assert "Traceback" in caplog.text
    assert isinstance(unknown, Refusal)
    assert names(inbox) == ["done", "refused"]
    assert empty_chain.rows(select(Run.state).where(Run.state == RunState.FAILED)) == [(RunState.FAILED,)]


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OperationalError("SELECT 1", {}, Exception("server closed"))]
)
def test_a_file_waits_on_when_it_is_not_what_failed(empty_chain, inbox, error):
    (inbox / "stores.csv").write_text(STORES)
    (inbox / "products.csv").write_text(PRODUCTS)
    (inbox / "sales.csv").write_text(SALES)

    with pytest.raises(type(error)):
        replace(empty_chain, facts=BrokenFacts(error)).ingest()

    assert names(inbox) == ["done", "sales.csv"]
