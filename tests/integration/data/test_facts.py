"""The facts: what a delivery replaces, what readers see, and what several writers leave behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.database import Database
from data.facts import TABLES, FactsStore, write_forecasts
from data.facts.store import table_uri
from data.records import Run, RunKind

DAYS = pd.to_datetime(["2026-05-30", "2026-05-31", "2026-06-01", "2026-06-02"])
STORES = ("PHX", "SEA", "LAX")


@pytest.fixture
def facts(database, tmp_path):
    store = FactsStore(str(tmp_path / "facts"), database)
    store.prepare()
    return store


@pytest.fixture
def run_id(database):
    return begin_run(database)


@pytest.fixture
def new_facts(migrated_sqlite_file, tmp_path_factory):
    """Makes empty facts over empty records in a file, again and again within a test."""
    made = []

    def make():
        folder = tmp_path_factory.mktemp("facts")
        shutil.copyfile(migrated_sqlite_file, folder / "inseason.db")
        made.append(Database(f"sqlite:///{folder / 'inseason.db'}"))
        facts = FactsStore(str(folder / "facts"), made[-1])
        facts.prepare()
        return facts, begin_run(made[-1])

    yield make
    for database in made:
        database.dispose()


def begin_run(database):
    with database.write() as session:
        run = Run(kind=RunKind.IMPORT, started_at=datetime(2026, 6, 7, tzinfo=UTC), details={})
        session.add(run)
        session.flush()
        return run.run_id


def sold(*rows):
    """Sales from (day, store, sku, units)."""
    frame = pd.DataFrame(rows, columns=["business_date", "store_id", "sku", "units"])
    dated = frame.assign(business_date=pd.to_datetime(frame["business_date"]).astype("datetime64[us]"))
    return dated.assign(unit_price=19.99, fulfilled_by=None, period="day")


def publish(facts, run_id, **versions):
    with facts._database.write() as session:
        facts.publish(session, session.get_one(Run, run_id), versions)


def load(facts, run_id, frame, table="sales"):
    version = facts.replace_pairs(table, frame, run_id=run_id)
    publish(facts, run_id, **{table: version})
    return version


def shown(facts, snapshot=None):
    """The published sales: {(day, store, sku): units}, each key once."""
    frame = (snapshot or facts.snapshot()).query("SELECT business_date, store_id, sku, units FROM sales")
    keys = list(
        zip(frame["business_date"].dt.strftime("%Y-%m-%d"), frame["store_id"], frame["sku"], strict=True)
    )
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, frame["units"], strict=True))


# What a delivery replaces.


def test_the_tables_are_there_and_empty_before_anything_is_loaded(facts):
    facts.prepare()
    assert shown(facts) == {}


def test_a_delivery_replaces_its_days_of_its_store_and_nothing_else(facts, run_id):
    load(facts, run_id, sold(*((day, store, "A", 1) for day, store in product(DAYS, STORES))))
    # The new delivery of Seattle's first of June has another sku, and none of the old one.
    load(facts, run_id, sold(("2026-06-01", "SEA", "B", 5), ("2026-05-31", "PHX", "A", 7)))
    expected = {(str(day.date()), store, "A"): 1 for day, store in product(DAYS, STORES)}
    del expected["2026-06-01", "SEA", "A"]
    expected |= {("2026-06-01", "SEA", "B"): 5, ("2026-05-31", "PHX", "A"): 7}
    assert shown(facts) == expected


def test_a_delivery_loaded_twice_changes_nothing(facts, run_id):
    delivery = sold(*((day, store, "A", 3) for day, store in product(DAYS, STORES)))
    load(facts, run_id, delivery)
    before = shown(facts)
    load(facts, run_id, delivery)
    assert shown(facts) == before
    assert len(before) == len(delivery)


def test_days_may_be_dates_without_a_time(facts, run_id):
    load(facts, run_id, sold(("2026-06-01", "PHX", "A", 1), ("2026-06-02", "PHX", "A", 1)))
    plain = sold(("2026-06-02", "PHX", "A", 4))
    load(facts, run_id, plain.assign(business_date=[date(2026, 6, 2)]))
    assert shown(facts) == {("2026-06-01", "PHX", "A"): 1, ("2026-06-02", "PHX", "A"): 4}


deliveries = st.lists(
    st.dictionaries(
        st.tuples(st.sampled_from(list(DAYS)), st.sampled_from(STORES), st.sampled_from("AB")),
        st.integers(-3, 50),
        min_size=1,
        max_size=6,
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries)
def test_after_any_deliveries_each_day_of_a_store_is_as_it_was_last_delivered(new_facts, drawn):
    facts, run_id = new_facts()
    expected = {}
    for delivery in drawn:
        load(facts, run_id, sold(*((*key, units) for key, units in delivery.items())))
        covered = {key[:2] for key in delivery}
        expected = {key: units for key, units in expected.items() if key[:2] not in covered} | delivery
    assert shown(facts) == {
        (str(day.date()), store, sku): units for (day, store, sku), units in expected.items()
    }


def test_progress_is_told_for_each_month_that_is_rewritten(facts, run_id):
    rows = sold(("2026-05-31", "PHX", "A", 1), ("2026-06-01", "PHX", "A", 1))
    load(facts, run_id, rows)
    told = []
    more = pd.concat([rows, sold(("2026-07-01", "PHX", "A", 1))])
    facts.replace_pairs("sales", more, run_id=run_id, progress=lambda *what: told.append(what))
    assert told == [("writing sales", 2, 3), ("writing sales", 3, 3)]


def test_unknown_counts_stay_unknown_beside_known_ones_and_through_a_rewrite(facts, run_id):
    columns = ["business_date", "store_id", "sku", "on_hand", "in_transit", "on_order", "in_stock", "period"]
    day = pd.Timestamp("2026-06-01")
    rows = [(day, "PHX", "A", 4, None, None, None, "day"), (day, "PHX", "B", None, 2, None, 0.5, "day")]
    frame = pd.DataFrame(rows, columns=columns)
    frame = frame.astype(dict.fromkeys(("on_hand", "in_transit", "on_order"), "Int64"))
    load(facts, run_id, frame, "stock")
    load(facts, run_id, frame.assign(store_id="SEA"), "stock")
    table = facts.snapshot().arrow("SELECT * FROM stock ORDER BY store_id, sku").to_pylist()
    assert [row["store_id"] for row in table] == ["PHX", "PHX", "SEA", "SEA"]
    assert [row["on_hand"] for row in table] == [4, None] * 2
    assert [row["in_transit"] for row in table] == [None, 2] * 2
    assert {row["on_order"] for row in table} == {None}
    assert [row["in_stock"] for row in table] == [None, 0.5] * 2
    assert {row["business_date"] for row in table} == {date(2026, 6, 1)}


def test_receipts_and_requests_are_replaced_by_their_own_days(facts, run_id):
    receipts = pd.DataFrame({
        "expected_date": pd.to_datetime(["2026-06-10", "2026-06-11"]), "store_id": "PHX", "sku": "A",
        "units": [12, 24], "received_date": pd.to_datetime([None, "2026-06-12"]), "order_number": ["1", None],
    })  # fmt: skip
    load(facts, run_id, receipts, "receipts")
    load(facts, run_id, receipts.iloc[:1].assign(units=6), "receipts")
    rows = facts.snapshot().arrow("SELECT * FROM receipts ORDER BY expected_date").to_pylist()
    assert [(row["units"], row["received_date"], row["order_number"]) for row in rows] == [
        (6, None, "1"),
        (24, date(2026, 6, 12), None),
    ]
    assert {row["loaded_by"] for row in rows} == {run_id}

    asked = pd.DataFrame({
        "requested_on": pd.to_datetime(["2026-06-10"]),
        "requested_at": pd.to_datetime(["2026-06-11T01:30:00"], utc=True), "store_id": "PHX", "sku": None,
        "style_id": None, "size": None, "text": 'trunks, 34"', "units": 1, "source": None,
    })  # fmt: skip
    load(facts, run_id, asked, "requests")
    load(facts, run_id, asked, "requests")
    [request] = facts.snapshot().arrow("SELECT * FROM requests").to_pylist()
    assert request["requested_at"] == datetime(2026, 6, 11, 1, 30, tzinfo=UTC)
    assert (request["text"], request["sku"]) == ('trunks, 34"', None)


def test_a_table_without_days_is_not_loaded_by_day(facts, run_id):
    with pytest.raises(ValueError, match="panel is not loaded by day"):
        facts.replace_pairs("panel", pd.DataFrame(), run_id=run_id)


# What readers see.


def test_what_is_written_is_not_seen_before_it_is_published(facts, run_id):
    version = facts.replace_pairs("sales", sold(("2026-06-01", "PHX", "A", 1)), run_id=run_id)
    assert shown(facts) == {}
    before = facts.snapshot()
    publish(facts, run_id, sales=version)
    assert shown(facts) == {("2026-06-01", "PHX", "A"): 1}
    assert shown(facts, before) == {}


def test_a_publication_that_is_rolled_back_shows_nothing(facts, run_id, database):
    version = facts.replace_pairs("sales", sold(("2026-06-01", "PHX", "A", 1)), run_id=run_id)
    with database.write() as session:
        facts.publish(session, session.get_one(Run, run_id), {"sales": version})
        session.flush()
        session.rollback()
    assert shown(facts) == {}


def test_all_tables_of_a_publication_are_seen_at_once(facts, run_id):
    versions = {
        "sales": facts.replace_pairs("sales", sold(("2026-06-01", "PHX", "A", 1)), run_id=run_id),
        "panel": facts.replace_all("panel", panel("gloves"), run_id=run_id),
    }
    assert facts.snapshot().versions == {}
    publish(facts, run_id, **versions)
    assert facts.snapshot().versions == versions


def test_a_snapshot_stays_as_it_was_when_more_is_published(facts, run_id):
    load(facts, run_id, sold(("2026-06-01", "PHX", "A", 1)))
    snapshot = facts.snapshot()
    load(facts, run_id, sold(("2026-06-01", "PHX", "A", 2)))
    assert shown(facts, snapshot) == {("2026-06-01", "PHX", "A"): 1}
    assert shown(facts) == {("2026-06-01", "PHX", "A"): 2}


def test_what_a_killed_writer_left_is_not_carried_along_by_the_next(facts, run_id):
    load(facts, run_id, sold(("2026-06-01", "PHX", "A", 1)))
    # Never published: its process died. It covered a day, a store and a month that the next does not.
    facts.replace_pairs(
        "sales", sold(("2026-06-01", "PHX", "A", 9), ("2026-07-01", "SEA", "A", 9)), run_id=run_id
    )
    load(facts, run_id, sold(("2026-06-02", "PHX", "A", 2)))
    assert shown(facts) == {("2026-06-01", "PHX", "A"): 1, ("2026-06-02", "PHX", "A"): 2}


def test_what_a_killed_first_writer_left_is_not_carried_along_either(facts, run_id):
    facts.replace_pairs("sales", sold(("2026-06-01", "PHX", "A", 9)), run_id=run_id)
    load(facts, run_id, sold(("2026-06-02", "PHX", "A", 2)))
    assert shown(facts) == {("2026-06-02", "PHX", "A"): 2}


def test_forgetting_deletes_what_nobody_needs_and_leaves_what_is_published_or_was_this_week(facts, run_id):
    load(facts, run_id, sold(("2026-06-01", "PHX", "A", 1)))
    earlier = facts.snapshot()
    load(facts, run_id, sold(("2026-06-01", "PHX", "A", 2)))
    orphan = Path(table_uri(facts.uri, "sales")) / "month=2026-06" / "part-orphan.parquet"
    orphan.write_bytes(b"left by a writer that died")
    eight_days_ago = time.time() - 8 * 24 * 3600
    os.utime(orphan, (eight_days_ago, eight_days_ago))
    facts.forget()
    assert not orphan.exists()
    assert shown(facts) == {("2026-06-01", "PHX", "A"): 2}
    assert shown(facts, earlier) == {("2026-06-01", "PHX", "A"): 1}


def test_the_run_that_wrote_is_named_in_the_metadata_of_each_commit(facts, run_id):
    load(facts, run_id, sold(("2026-05-31", "PHX", "A", 1), ("2026-06-01", "PHX", "A", 1)))
    load(facts, run_id, sold(("2026-05-31", "PHX", "A", 1), ("2026-06-01", "PHX", "A", 1)))
    *commits, _creation = DeltaTable(table_uri(facts.uri, "sales")).history()
    assert [commit["run_id"] for commit in commits] == [str(run_id)] * 3


# What the service computes itself.


def panel(category, **changes):
    row = {
        "store_id": "PHX", "sku": "A", "category": category, "climate_zone": "hot",
        "week": pd.Timestamp("2026-05-31"), "units": 2.0, "exposure": 1.0, "price_ratio": 1.0,
        "on_hand": None,
    }  # fmt: skip
    return pd.DataFrame([row | changes])


def test_the_panel_is_replaced_whole(facts, run_id):
    publish(facts, run_id, panel=facts.replace_all("panel", panel("gloves"), run_id=run_id))
    publish(facts, run_id, panel=facts.replace_all("panel", panel("swim trunks", units=5.0), run_id=run_id))
    assert facts.snapshot().query("SELECT category, units FROM panel").to_numpy().tolist() == [
        ["swim trunks", 5.0]
    ]


# Tables of which a version was made before they had all of today's columns.


def as_it_was(table, *lacking):
    columns = tuple(column for column in table.columns if column[0] not in lacking)
    return replace(table, columns=columns)


@pytest.fixture
def older_facts(database, tmp_path, run_id, monkeypatch):
    """Facts in which sales and the panel were written before they had all of today's columns."""
    facts = FactsStore(str(tmp_path / "older"), database)
    for name in ("sales", "panel"):
        monkeypatch.setitem(TABLES, name, as_it_was(TABLES[name], *TABLES[name].earlier))
    facts.prepare()
    load(facts, run_id, sold(("2026-06-01", "PHX", "A", -1), ("2026-06-01", "PHX", "B", 2)))
    publish(facts, run_id, panel=facts.replace_all("panel", panel("gloves", exposure=0.25), run_id=run_id))
    monkeypatch.undo()
    return facts


def test_a_column_that_came_later_is_blank_in_older_sales(older_facts):
    rows = older_facts.snapshot().arrow("SELECT sku, units, sold_on, sold_by FROM sales ORDER BY sku")
    assert rows.to_pylist() == [
        {"sku": "A", "units": -1, "sold_on": None, "sold_by": None},
        {"sku": "B", "units": 2, "sold_on": None, "sold_by": None},
    ]


def test_nothing_is_taken_for_a_value_in_a_column_that_came_later(older_facts):
    for condition in ("sold_on >= DATE '2000-01-01'", "sold_on IS NOT NULL", "sold_by = 'PHX'"):
        assert older_facts.snapshot().query(f"SELECT sku FROM sales WHERE {condition}").empty


def test_an_older_panel_says_what_was_assumed_when_it_was_made(older_facts):
    frame = older_facts.snapshot().query("SELECT exposure, sold_out, fullness, stocked FROM panel")
    assert frame.to_numpy().tolist() == [[0.25, 0, 1, 0.25]]


def test_a_delivery_into_older_sales_has_the_new_columns_beside_the_old_rows(older_facts, run_id):
    back = sold(("2026-06-02", "PHX", "A", -1)).assign(sold_on=pd.Timestamp("2026-05-20"), sold_by="SEA")
    load(older_facts, run_id, back)
    rows = older_facts.snapshot().arrow("SELECT sku, sold_on, sold_by FROM sales ORDER BY sold_on, sku")
    assert [tuple(row.values()) for row in rows.to_pylist()] == [
        ("A", date(2026, 5, 20), "SEA"),
        ("A", None, None),
        ("B", None, None),
    ]


def test_an_older_version_can_be_read_after_the_table_has_got_its_columns(older_facts, run_id):
    before = older_facts.snapshot()
    load(older_facts, run_id, sold(("2026-06-02", "PHX", "A", 5)))
    assert len(before.query("SELECT sold_on FROM sales")) == 2
    # What a killed writer left behind takes the columns with it when it is undone.
    older_facts.replace_pairs("sales", sold(("2026-06-03", "PHX", "A", 5)), run_id=run_id)
    load(older_facts, run_id, sold(("2026-06-04", "PHX", "A", 6)).assign(sold_by="SEA"))
    assert len(shown(older_facts)) == 4


def test_a_panel_is_written_over_an_older_one_with_all_its_columns(older_facts, run_id):
    fresh = panel("swim trunks").assign(sold_out=1.0, fullness=0.5, stocked=0.75)
    publish(older_facts, run_id, panel=older_facts.replace_all("panel", fresh, run_id=run_id))
    frame = older_facts.snapshot().query("SELECT sold_out, fullness, stocked FROM panel")
    assert frame.to_numpy().tolist() == [[1, 0.5, 0.75]]


JUNE_6, JUNE_7 = date(2026, 6, 6), date(2026, 6, 7)
ODD_NAMES = ("kids' shorts", "men's/boys'", "50% off = yes & more?", "Überzieher #1: \\ größer")


def forecast(category, as_of, *means):
    return pd.DataFrame({
        "as_of": pd.Timestamp(as_of), "store_id": [f"S{number}" for number in range(len(means))], "sku": "A",
        "category": category, "week": pd.Timestamp("2026-06-07"), "mean": means, "p10": 0.0, "p50": 1.0,
        "p90": 3.0, "evidence": "observed", "level_shape": 2.0, "dispersion": 1.0,
    })  # fmt: skip


def write(facts, run_id, category, as_of, *means):
    rows = forecast(category, as_of, *means)
    write_forecasts(facts.uri, rows, category=category, as_of=as_of, run_id=run_id)


def forecasts(facts, run_id):
    publish(facts, run_id, forecasts=facts.version("forecasts"))
    rows = facts.snapshot().arrow("SELECT category, as_of, mean FROM forecasts ORDER BY 1, 2, 3").to_pylist()
    found = {}
    for row in rows:
        found.setdefault((row["category"], row["as_of"]), []).append(row["mean"])
    return found


def test_a_category_s_forecasts_of_a_night_are_replaced_and_no_others(facts, run_id):
    facts.begin_forecasts()
    for category, as_of in product(("gloves", "shorts"), (JUNE_6, JUNE_7)):
        write(facts, run_id, category, as_of, 1.0, 2.0)
    write(facts, run_id, "gloves", JUNE_7, 5.0)
    assert forecasts(facts, run_id) == {
        ("gloves", JUNE_6): [1.0, 2.0],
        ("gloves", JUNE_7): [5.0],
        ("shorts", JUNE_6): [1.0, 2.0],
        ("shorts", JUNE_7): [1.0, 2.0],
    }


def test_categories_may_be_named_with_quotes_slashes_and_signs(facts, run_id):
    for number, name in enumerate(ODD_NAMES):
        write(facts, run_id, name, JUNE_7, 9.0)
        write(facts, run_id, name, JUNE_7, float(number))
    assert forecasts(facts, run_id) == {(name, JUNE_7): [number] for number, name in enumerate(ODD_NAMES)}
    name = ODD_NAMES[1].replace("'", "''")
    assert len(facts.snapshot().query(f"SELECT * FROM forecasts WHERE category = '{name}'")) == 1


def test_a_night_begins_from_the_published_forecasts(facts, run_id):
    write(facts, run_id, "gloves", JUNE_6, 1.0)
    forecasts(facts, run_id)
    write(facts, run_id, "gloves", JUNE_7, 2.0)
    write(facts, run_id, "shorts", JUNE_7, 3.0)
    facts.begin_forecasts()
    write(facts, run_id, "shorts", JUNE_7, 4.0)
    assert forecasts(facts, run_id) == {("gloves", JUNE_6): [1.0], ("shorts", JUNE_7): [4.0]}


def season(category, evidence):
    return pd.DataFrame({
        "category": category, "climate_zone": "hot", "week": [pd.Timestamp("2026-06-07")], "season": 1.5,
        "calendar": 1.2, "temperature": 1.25, "holidays": 1.0, "elasticity": 1.7, "assortment": 0.0,
        "recording": float("nan"), "requests": 0.0, "evidence": evidence,
    })  # fmt: skip


def test_what_explains_the_forecasts_is_replaced_begun_and_published_like_them(facts, run_id):
    def write_season(category, evidence, rows=1):
        write_forecasts(
            facts.uri, season(category, evidence)[:rows], category=category, as_of=JUNE_7, run_id=run_id,
            table="seasons",
        )  # fmt: skip

    def published():
        publish(facts, run_id, seasons=facts.version("seasons"))
        told = facts.snapshot().query("SELECT category, evidence, as_of FROM seasons ORDER BY category")
        return list(told[["category", "evidence"]].itertuples(index=False, name=None))

    write_season("gloves", "unknown")
    before = facts.begin_forecasts()
    write_season("gloves", "observed")
    write_season("shorts", "borrowed")
    assert facts.version("seasons") > before["seasons"]
    assert facts.version("phantoms") == before["phantoms"]
    assert published() == [("gloves", "observed"), ("shorts", "borrowed")]
    write_season("gloves", "observed", rows=0)
    assert published() == [("shorts", "borrowed")]


def test_forecasts_of_before_seasons_were_doubted_tell_the_size_they_had(facts, run_id, monkeypatch):
    older = replace(
        TABLES["forecasts"],
        columns=tuple(column for column in TABLES["forecasts"].columns if column[0] != "size"),
    )
    shutil.rmtree(table_uri(facts.uri, "forecasts"))
    with monkeypatch.context() as before:
        before.setitem(TABLES, "forecasts", older)
        facts.prepare()
        write(facts, run_id, "gloves", JUNE_6, 7.0)
        publish(facts, run_id, forecasts=facts.version("forecasts"))
    told = facts.snapshot().query("SELECT size FROM forecasts")
    assert told["size"].tolist() == [pytest.approx(1 / (1 / 2.0 + (1 + 1 / 2.0) / 1.0))]


WRITER = """
import sys
from datetime import date
import pandas as pd
from data.facts import write_forecasts
uri, category = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
for number in range(4):
    rows = pd.DataFrame({
        "as_of": pd.Timestamp("2026-06-07"), "store_id": ["PHX", "SEA"], "sku": "A", "category": category,
        "week": pd.Timestamp("2026-06-07"), "mean": float(number), "p10": 0.0, "p50": 1.0, "p90": 3.0,
        "evidence": "observed", "level_shape": 2.0, "dispersion": 1.0,
    })
    write_forecasts(uri, rows, category=category, as_of=date(2026, 6, 7), run_id=1)
"""


def test_processes_that_write_different_categories_at_once_all_succeed(new_facts):
    facts, run_id = new_facts()
    names = ("gloves", "men's/boys'")
    for name in names:
        write(facts, run_id, name, JUNE_6, 7.0)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, facts.uri, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    assert [writer.stdout.readline() for writer in writers] == ["ready\n"] * 2
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    told = [writer.communicate(timeout=60)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], told
    assert facts.version("forecasts") == 2 + 2 * 4
    assert forecasts(facts, run_id) == {
        (name, as_of): means for name in names for as_of, means in ((JUNE_6, [7.0]), (JUNE_7, [3.0, 3.0]))
    }
