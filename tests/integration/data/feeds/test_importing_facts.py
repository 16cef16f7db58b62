"""Sales, stock, receipts and requests from files into the facts."""

from __future__ import annotations

import csv

import pytest
from sqlalchemy import func, select, update

from data.errors import BusyError, FileRefusedError
from data.locks import only_writer
from data.records import Publication, Run, RunKind, RunState

HEADER = "business_date,store_id,sku,units,unit_price\n"
DIRTY = (
    HEADER + "2026-06-01,1,A-S,3,19.99\n"
    "2026-06-31,1,A-S,3,19.99\n"
    "2026-06-01,9,A-S,3,19.99\n"
    "2026-06-01,1,A-S,3,-19.99\n"
    "2026-06-01,1,A-S,three,19.99\n"
    "2026-06-01,2,B,-1,\n"
)
SALES = "store_id, sku, units, unit_price"


def runs(chain):
    return chain.rows(select(Run.run_id, Run.kind, Run.state).order_by(Run.run_id))


def test_a_dirty_sales_file_loads_the_rest_and_names_the_four_lines(chain):
    report = chain.import_text("sales", DIRTY)

    assert (report.rows_read, report.rows_loaded, report.rows_rejected) == (6, 2, 4)
    assert [(fault.line, fault.column, fault.value) for fault in report.faults] == [
        (3, "business_date", "2026-06-31"),
        (4, "store_id", "9"),
        (5, "unit_price", "-19.99"),
        (6, "units", "three"),
    ]
    assert "2 of 6 rows loaded" in report.summary
    assert "4 rejected: lines 3, 4, 5 and 6; see" in report.summary
    with report.rejects_path.open(newline="", encoding="utf-8") as file:
        assert [row["line"] for row in csv.DictReader(file)] == ["3", "4", "5", "6"]
    assert chain.fact_rows("sales", SALES) == [["1", "A-S", 3, 19.99], ["2", "B", -1, None]]


def test_importing_the_same_dirty_file_again_changes_nothing(chain):
    first = chain.import_text("sales", DIRTY)
    before = chain.fact_rows("sales", SALES)

    again = chain.import_text("sales", DIRTY)

    assert chain.fact_rows("sales", SALES) == before
    assert (again.rows_loaded, again.rows_rejected) == (first.rows_loaded, first.rows_rejected)
    assert again.rejects_path != first.rejects_path
    assert again.rejects_path.read_text() == first.rejects_path.read_text()


def test_the_mended_file_puts_the_rejected_rows_beside_the_others(chain):
    chain.import_text("sales", DIRTY)

    mended = DIRTY.replace("06-31", "06-02").replace(",9,", ",2,").replace("-19", "19").replace("three", "5")
    report = chain.import_text("sales", mended)

    assert report.rows_rejected == 0
    assert len(chain.fact_rows("sales", SALES)) == 6


def test_the_list_of_rejected_sales_is_not_taken_for_the_sales(chain):
    rejects = chain.import_text("sales", DIRTY).rejects_path
    before = chain.fact_rows("sales", SALES)

    with pytest.raises(FileRefusedError, match="mend the rows in the file they came from"):
        chain.import_file("sales", rejects)

    assert chain.fact_rows("sales", SALES) == before


def test_a_file_replaces_the_days_and_stores_it_covers_and_no_others(chain):
    chain.import_text("sales", HEADER + "2026-06-01,1,A-S,3,\n2026-06-01,2,A-S,4,\n2026-06-02,1,A-S,5,\n")

    report = chain.import_text("sales", HEADER + "2026-06-01,1,B,9,\n")

    assert str(report.coverage) == "1 store day on 2026-06-01"
    assert chain.fact_rows("sales", "store_id, sku, units") == [
        ["1", "A-S", 5],
        ["1", "B", 9],
        ["2", "A-S", 4],
    ]


def test_stock_receipts_and_requests_have_all_their_columns(chain):
    chain.import_text("stock", "business_date,store_id,sku,in_stock\n2026-06-14,1,A-S,0.5\n")
    chain.import_text("receipts", "expected_date,store_id,sku,units\n2026-07-01,1,A-S,12\n")
    chain.import_text("requests", "requested_at,store_id,text\n2026-06-14T21:30,1,a red hat\n")

    assert chain.fact_rows("stock", "sku, on_hand, in_stock, period") == [["A-S", None, 0.5, "day"]]
    assert chain.fact_rows("receipts", "sku, units, received_date, order_number") == [["A-S", 12, None, None]]
    requests = chain.fact_rows("requests", "requested_on, requested_at, text, units, sku")
    assert [str(value) for value in requests[0][:2]] == ["2026-06-14 00:00:00", "2026-06-15 04:30:00+00:00"]
    assert requests[0][2:] == ["a red hat", 1, None]


def test_an_import_is_a_run_that_publishes_what_it_wrote(chain):
    report = chain.import_text("sales", DIRTY)

    with chain.database.read() as session:
        run = session.get_one(Run, report.run_id)
    assert (run.kind, run.state) == (RunKind.IMPORT, RunState.SUCCEEDED)
    assert run.summary == "sales from sales.csv: 2 rows loaded (2 store days on 2026-06-01), 4 rejected."
    assert run.details["rows_rejected"] == 4
    published = select(Publication.table_name).where(Publication.run_id == report.run_id)
    assert chain.rows(published) == [("sales",)]


def test_a_dry_run_says_what_is_wrong_and_changes_nothing(chain):
    before = runs(chain)

    report = chain.import_text("sales", DIRTY, dry_run=True)

    assert report.rows_rejected == 4
    assert report.run_id is None
    assert "2 of 6 rows would be loaded" in report.summary
    assert runs(chain) == before
    assert chain.fact_rows("sales", SALES) == []


def test_a_file_without_a_good_row_leaves_the_facts_as_they_are(chain):
    chain.import_text("sales", HEADER + "2026-06-01,1,A-S,3,\n")

    report = chain.import_text("sales", HEADER + "2026-06-01,1,A-S,x,\n")

    assert report.rows_loaded == 0
    assert len(chain.fact_rows("sales", SALES)) == 1


@pytest.mark.parametrize("text", ["", HEADER, HEADER + "2026-06-01,1,A-S,3", "day,shop\n1,2\n"])
def test_a_refused_file_changes_nothing_and_is_named(chain, text):
    before = runs(chain)

    with pytest.raises(FileRefusedError, match=r"^sales.csv was not taken: .*\.$"):
        chain.import_text("sales", text)

    assert runs(chain) == before
    assert not (chain.settings.var / "rejects").exists()


def test_before_any_store_is_known_the_file_is_refused_rather_than_every_row(empty_chain):
    with pytest.raises(FileRefusedError, match="no stores are known yet; import stores first"):
        empty_chain.import_text("sales", DIRTY)


class TornFacts:
    """Facts whose disk is full."""

    def replace_pairs(self, *_arguments, **_options):
        raise OSError("no space left on device")


def test_an_import_that_breaks_is_a_failed_run(chain):
    with pytest.raises(OSError, match="no space"):
        chain.import_text("sales", DIRTY, facts=TornFacts())

    newest = chain.rows(select(Run.state, Run.summary).order_by(Run.run_id.desc()).limit(1))
    assert newest == [(RunState.FAILED, "OSError: no space left on device")]


def test_an_import_whose_process_died_is_closed_by_the_next(chain):
    with chain.database.write() as session:
        session.execute(update(Run).values(state=RunState.RUNNING, finished_at=None))

    chain.import_text("sales", DIRTY)

    running = select(func.count()).select_from(Run).where(Run.state == RunState.RUNNING)
    assert chain.rows(running) == [(0,)]
    assert {state for _, _, state in runs(chain)} == {RunState.FAILED, RunState.SUCCEEDED}


def test_two_imports_do_not_run_at_once(chain, busy_elsewhere):
    del busy_elsewhere

    with pytest.raises(BusyError):
        chain.import_text("sales", DIRTY, wait_seconds=0)


def test_a_night_may_import_while_it_alone_may_write(chain):
    with only_writer(chain.database):
        assert chain.import_text("sales", DIRTY, wait_seconds=0).rows_loaded == 2


def test_progress_is_told(chain):
    told = []

    chain.import_text("sales", DIRTY, progress=lambda phase, done, total: told.append((phase, done, total)))

    assert told[:2] == [("reading sales.csv", 0, 0), ("checking sales.csv", 0, 0)]
