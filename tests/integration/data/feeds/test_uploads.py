"""Files that people bring: what is told before anything changes is what happens, and nothing else does."""

from __future__ import annotations

import gzip
import io
import os
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select

from data.clock import Clock
from data.database import Database
from data.errors import (
    BusyError,
    ConflictError,
    FileRefusedError,
    InSeasonError,
    NotYoursError,
    TransitionError,
)
from data.feeds.specs import FEEDS
from data.feeds.telling import example_file
from data.records import (
    CalendarVersion,
    Person,
    PersonCategory,
    Role,
    Run,
    SellingWindow,
    Store,
    Upload,
    UploadState,
)
from data.settings import load_settings
from data.uploads import (
    Desk,
    forget_files,
    load,
    look_again,
    may_see_rejects,
    may_upload,
    receive,
    rejects_file,
    throw_away,
)

SALES = "business_date,store_id,sku,units\n"
CALENDAR = "category,season_code,floor_set,exit\nswim trunks,SS26,2026-02-09,2026-07-05\n"


class LaterClock(Clock):
    """A clock whose machine's time runs ahead."""

    ahead = timedelta()

    def machine_now(self):
        return super().machine_now() + self.ahead


def somebody(database, role=Role.ADMIN, email="ada@example.com", categories=()):
    with database.write() as session:
        person = Person(
            email=email,
            name=email,
            role=role,
            password_hash="none",
            created_at=datetime(2026, 6, 1, tzinfo=UTC),
            categories=[PersonCategory(category=name) for name in categories],
        )
        session.add(person)
    return person


@pytest.fixture
def desk(chain):
    return Desk(chain.database, chain.settings, LaterClock(chain.settings))


@pytest.fixture
def admin(chain):
    return somebody(chain.database)


def bring(desk, person, feed, text, name="file.csv"):
    content = text if isinstance(text, bytes) else text.encode()
    return receive(desk, feed, io.BytesIO(content), name, by=person)


def day(store, units, *, on="2026-06-12", skus=("A-S", "A-M")):
    return "".join(f"{on},{store},{sku},{units}\n" for sku in skus)


def upload_of(desk, upload_id):
    with desk.database.read() as session:
        return session.get_one(Upload, upload_id)


def files(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_preview_tells_the_store_days_and_totals_and_changes_nothing(chain, desk, admin):
    chain.import_text("sales", SALES + day(1, 3) + day(2, 1))
    before = chain.fact_rows("sales", "business_date, store_id, sku, units")

    upload = bring(desk, admin, "sales", SALES + day(1, 5) + day(2, 1) + day(2, 2, on="2026-06-13"))

    days = upload.preview["days"]
    assert (days["pairs"], days["stores"], days["first"], days["last"]) == (3, 2, "2026-06-12", "2026-06-13")
    assert (days["fresh"], days["changed"], days["same"]) == (1, 1, 1)
    assert (days["rows_before"], days["rows_after"]) == (4, 6)
    assert (days["units_before"], days["units_after"]) == (8, 16)
    assert [(row["store_id"], row["units_before"], row["units_after"]) for row in days["largest"]] == [
        ("1", 6, 10)
    ]
    assert chain.fact_rows("sales", "business_date, store_id, sku, units") == before
    assert len(chain.rows(select(Run).where(Run.feed == "sales"))) == 1


def test_what_is_loaded_is_what_was_looked_at_and_doing_so_again_would_change_nothing(chain, desk, admin):
    upload = bring(desk, admin, "sales", SALES + day(1, 5), name="june.csv")

    report = load(desk, upload.upload_id, by=admin)

    assert [row[3] for row in chain.fact_rows("sales", "business_date, store_id, sku, units")] == [5, 5]
    kept = upload_of(desk, upload.upload_id)
    assert (kept.state, kept.run_id) == (UploadState.LOADED, report.run_id)
    ((details,),) = chain.rows(select(Run.details).where(Run.run_id == report.run_id))
    assert (details["file"], details["by"], details["rows_loaded"]) == ("june.csv", "ada@example.com", 2)
    with pytest.raises(TransitionError, match="loaded already"):
        load(desk, upload.upload_id, by=admin)
    again = bring(desk, admin, "sales", SALES + day(1, 5))
    assert again.preview["days"]["same"] == 1
    assert "Nothing changes" in " ".join(again.preview["warnings"])


def test_bad_rows_are_told_with_reason_and_line_and_can_be_read(chain, desk, admin):
    text = SALES + "2026-06-12,1,A-S,many\n" + day(1, 2) + "2026-06-12,9,A-S,1\n2026-06-12,9,A-M,1\n"

    upload = bring(desk, admin, "sales", text)

    told = upload.preview
    assert (told["rows_read"], told["rows_good"], told["rows_rejected"]) == (5, 2, 3)
    assert [(fault["line"], fault["reason"], fault["rows"]) for fault in told["faults"]] == [
        (5, "store_id: '9' is no known store", 2),
        (2, "units: 'many' is not a whole number", 1),
    ]
    assert "3 of 5 rows are rejected" in told["warnings"][0]
    lines = rejects_file(desk.rejects, upload.rejects).read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["line", "2", "5", "6"]


def test_mended_and_brought_again_it_says_what_changes(chain, desk, admin):
    first = bring(desk, admin, "stores", "store_id,name,latitude\n1,Phoenix,\n2,Seattle,\n")
    assert first.preview["rows_rejected"] == 0
    bad = bring(
        desk, admin, "stores", "store_id,name,opened_on\n1,Phoenix North,soon\n2,Seattle,2020-01-01\n"
    )
    assert (bad.preview["rows_rejected"], bad.preview["changes"]["changed"]) == (1, 1)
    load(desk, bad.upload_id, by=admin)

    mended = bring(
        desk, admin, "stores", "store_id,name,opened_on\n1,Phoenix North,2019-05-01\n2,Seattle,2020-01-01\n"
    )

    changes = mended.preview["changes"]
    assert (changes["created"], changes["changed"], changes["unchanged"]) == (0, 1, 1)
    assert upload_of(desk, mended.upload_id).preview["examples"] == [
        {"key": "1", "columns": [["name", "Phoenix", "Phoenix North"], ["opened_on", "", "2019-05-01"]]}
    ]
    report = load(desk, mended.upload_id, by=admin)
    assert (report.changes.changed, report.changes.unchanged) == (1, 1)
    assert chain.rows(select(Store.name).order_by(Store.store_id)) == [("Phoenix North",), ("Seattle",)]


def test_a_calendar_is_a_new_version_in_the_name_of_who_loads_it(chain, desk, admin):
    upload = bring(desk, admin, "calendar", CALENDAR, name="spring.csv")
    assert upload.preview["changes"]["created"] == 1
    assert chain.rows(select(func.count()).select_from(SellingWindow)) == [(0,)]

    load(desk, upload.upload_id, by=admin)

    assert chain.rows(select(CalendarVersion.author, CalendarVersion.reason)) == [
        ("ada@example.com", "calendar from spring.csv")
    ]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (day(1, 2, on="2026-06-12"), "Only 1 of the 2 stores that sent sales in the four weeks before"),
        (day(1, 90, on="2026-06-12") + day(2, 90, on="2026-06-12"), "usually send 8"),
        (day(1, 2, on="2026-06-15") + day(2, 2, on="2026-06-15"), "2026-06-15 is not over in every store"),
        (day(1, 2, on="2026-06-14") + day(2, 2, on="2026-06-14"), "days are missing"),
        (day(1, 50, on="2026-05-30") + day(2, 2, on="2026-05-30"), "8 units become 104"),
        (2 * (day(1, 2, on="2026-06-06") + day(2, 2, on="2026-06-06")), "was it sent double?"),
    ],
)
def test_what_looks_odd_is_said_before_it_is_loaded(chain, desk, admin, text, warning):
    chain.import_text(
        "sales", SALES + "".join(day(s, 2, on=f"2026-05-{d}") for s in (1, 2) for d in (29, 30))
    )

    assert warning in " ".join(bring(desk, admin, "sales", SALES + text).preview["warnings"])


def test_a_usual_day_and_a_small_correction_raise_no_eyebrow(chain, desk, admin):
    chain.import_text(
        "sales", SALES + "".join(day(s, 2, on=f"2026-06-{d}") for s in (1, 2) for d in (10, 11))
    )

    assert bring(desk, admin, "sales", SALES + day(1, 3) + day(2, 1)).preview["warnings"] == []
    assert bring(desk, admin, "sales", SALES + day(1, 3, on="2026-06-11")).preview["warnings"] == []


def test_a_calendar_that_takes_most_away_or_lies_far_ahead_is_remarked_on(chain, desk, admin):
    chain.import_text("calendar", CALENDAR + "swim trunks,SS26,2027-02-09,2027-07-05\n" * 1)
    far = "category,season_code,floor_set,exit\nswim trunks,SS26,2030-02-09,2030-07-05\n"

    told = " ".join(bring(desk, admin, "calendar", far).preview["warnings"])

    assert "takes away 2 of the 2 rows" in told
    assert "more than two years ahead, the last 2030-07-05" in told


def test_a_merchandiser_brings_calendars_of_own_categories_only(chain, desk):
    planner = somebody(chain.database, Role.MERCHANDISER, "jonas@example.com", ["gloves"])

    with pytest.raises(NotYoursError, match="Only an admin can load files for sales"):
        bring(desk, planner, "sales", SALES + day(1, 2))
    with pytest.raises(
        FileRefusedError, match="it holds rows of swim trunks, and your categories are gloves"
    ):
        bring(desk, planner, "calendar", CALENDAR)
    own = bring(desk, planner, "calendar", CALENDAR.replace("swim trunks", "gloves"))
    assert load(desk, own.upload_id, by=planner).changes.created == 1
    assert files(desk.folder) == [own.stored_as]


def test_only_who_brought_a_file_or_an_admin_decides_about_it(chain, desk, admin):
    jonas = somebody(chain.database, Role.MERCHANDISER, "jonas@example.com")
    mira = somebody(chain.database, Role.MERCHANDISER, "mira@example.com")
    upload = bring(desk, jonas, "calendar", CALENDAR)

    for act in (load, look_again, throw_away):
        with pytest.raises(NotYoursError, match="Somebody else brought this file"):
            act(desk, upload.upload_id, by=mira)
    load(desk, upload.upload_id, by=admin)


def test_the_rows_an_import_rejected_are_read_by_who_may_load_such_files(chain):
    run = Run(feed="calendar", details={"by": "mira@example.com"})
    admin = Person(role=Role.ADMIN, email="ada@example.com", categories=[])
    everything = Person(role=Role.MERCHANDISER, email="jonas@example.com", categories=[])
    gloves = Person(
        role=Role.MERCHANDISER, email="lea@example.com", categories=[PersonCategory(category="g")]
    )

    assert [may_see_rejects(person, run) for person in (admin, everything, gloves)] == [True, True, False]
    run.feed = "requests"
    assert [may_see_rejects(person, run) for person in (admin, everything, gloves)] == [True, False, False]
    assert not may_upload(Person(role=Role.STORE_MANAGER), "calendar")


def test_what_was_loaded_meanwhile_makes_the_preview_stale_until_it_is_held_against_it(chain, desk, admin):
    upload = bring(desk, admin, "sales", SALES + day(1, 5))
    chain.import_text("sales", SALES + day(1, 1))

    with pytest.raises(ConflictError, match="look at it again"):
        load(desk, upload.upload_id, by=admin)
    look_again(desk, upload.upload_id, by=admin)

    assert upload_of(desk, upload.upload_id).preview["days"]["units_before"] == 2
    load(desk, upload.upload_id, by=admin)


def test_while_a_night_is_at_work_the_file_waits(chain, desk, admin, busy_elsewhere):
    upload = bring(desk, admin, "sales", SALES + day(1, 5))

    with pytest.raises(BusyError, match="try again in a few minutes"):
        load(desk, upload.upload_id, by=admin, wait_seconds=0.1)

    assert upload_of(desk, upload.upload_id).state is UploadState.CHECKED
    assert files(desk.folder) == [upload.stored_as]


def test_a_file_is_loaded_after_the_process_that_looked_at_it_was_replaced(chain, desk, admin):
    upload = bring(desk, admin, "sales", SALES + day(1, 5))
    url = chain.settings.database_url.get_secret_value()
    fresh = Desk(Database(url), chain.settings, Clock(chain.settings))

    assert load(fresh, upload.upload_id, by=admin).rows_loaded == 2
    fresh.database.dispose()


def test_pressed_twice_at_once_a_file_is_loaded_once(chain, desk, admin):
    upload = bring(desk, admin, "sales", SALES + day(1, 5))
    together, came = Barrier(2), []

    def press():
        together.wait()
        try:
            came.append(load(desk, upload.upload_id, by=admin, wait_seconds=30).rows_loaded)
        except InSeasonError as error:
            came.append(type(error))

    threads = [Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(str, came)) == sorted(["2", str(TransitionError)])
    assert len(chain.rows(select(Run.run_id).where(Run.feed == "sales"))) == 1


def test_two_files_brought_at_once_are_both_looked_at(chain, desk, admin):
    together, came = Barrier(2), []

    def send(store):
        together.wait()
        came.append(bring(desk, admin, "sales", SALES + day(store, 5)).preview["days"]["pairs"])

    threads = [Thread(target=send, args=(store,)) for store in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert came == [1, 1]


def test_the_name_of_a_file_is_only_ever_shown(chain, desk, admin):
    upload = bring(desk, admin, "sales", SALES + "2026-06-12,9,A-S,1\n", name="../../../etc/=cmd|x\n.csv")

    assert upload.file_name == "=cmd|x.csv"
    assert files(desk.folder) == [upload.stored_as]
    assert len(upload.stored_as) == 32
    assert all(path.parent == desk.rejects for path in desk.rejects.iterdir())
    assert upload.rejects.startswith("cmd-x-sales-")


def test_only_what_lies_in_the_folder_of_rejects_is_ever_handed_out(chain, desk):
    desk.rejects.mkdir(parents=True)
    (desk.rejects.parent / "secret_key").write_text("secret")
    (desk.rejects / "link.csv").symlink_to(desk.rejects.parent / "secret_key")
    (desk.rejects / "mine.csv").write_text("line")

    for named in (None, "", "..", "../secret_key", "link.csv", "there-is-none.csv", str(desk.rejects)):
        assert rejects_file(desk.rejects, named) is None
    assert rejects_file(desk.rejects, "/somewhere/else/mine.csv") == desk.rejects / "mine.csv"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"day,shop\n1,2\n", "its header lacks business_date"),
        (SALES.replace(",", ";").encode() + b"2026-06-12;1;A-S;1\n", "not separated by commas"),
        ((SALES + day(1, 1)).encode("utf-16"), "it is UTF-16 text"),
        (b"PK\x03\x04" + bytes(200), "it is a workbook or a zip file"),
        (bytes(range(128, 256)) * 20, "it is not UTF-8 text"),
        (gzip.compress((SALES + day(1, 1)).encode())[:-8], "the gzip file ends early"),
        (gzip.compress(bytes(3 * 1024 * 1024)), "unpacked, it holds more than 1 MB"),
        (b"x" * (1024 * 1024 + 1), "it is larger than 1 MB"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_and_not_kept(chain, admin, content, reason):
    settings = load_settings(today="2026-06-15", upload_mb=1)
    desk = Desk(chain.database, settings, Clock(settings))

    with pytest.raises(FileRefusedError, match=reason):
        bring(desk, admin, "sales", content)

    assert files(desk.folder) == []
    assert chain.rows(select(Upload.upload_id)) == []


def test_what_was_looked_at_more_than_a_day_ago_is_not_loaded(chain, desk, admin):
    upload = bring(desk, admin, "sales", SALES + day(1, 5))
    LaterClock.ahead = timedelta(hours=25)
    try:
        with pytest.raises(TransitionError, match="more than a day ago"):
            load(desk, upload.upload_id, by=admin)
    finally:
        LaterClock.ahead = timedelta()


def test_what_was_changed_on_the_disk_or_is_gone_is_not_loaded(chain, desk, admin):
    upload = bring(desk, admin, "sales", SALES + day(1, 5))
    (desk.folder / upload.stored_as).write_text(SALES + day(1, 500))
    with pytest.raises(FileRefusedError, match="is not what was looked at any more"):
        load(desk, upload.upload_id, by=admin)
    (desk.folder / upload.stored_as).unlink()
    with pytest.raises(FileRefusedError, match="is not there any more"):
        load(desk, upload.upload_id, by=admin)


def test_thrown_away_a_file_and_its_rejected_rows_are_gone(chain, desk, admin):
    upload = bring(desk, admin, "sales", SALES + day(1, 5) + "2026-06-12,9,A-S,1\n")
    assert files(desk.rejects)

    throw_away(desk, upload.upload_id, by=admin)

    assert (files(desk.folder), files(desk.rejects)) == ([], [])
    with pytest.raises(TransitionError, match="was thrown away"):
        load(desk, upload.upload_id, by=admin)


def test_the_night_forgets_what_nobody_needs_any_more(chain, desk, admin):
    waits = bring(desk, admin, "sales", SALES + day(1, 5))
    loaded = bring(desk, admin, "stock", "business_date,store_id,sku,on_hand\n2026-06-12,1,A-S,5\n")
    load(desk, loaded.upload_id, by=admin)
    (desk.folder / "orphan").write_text("x")
    (desk.rejects).mkdir(exist_ok=True)
    (desk.rejects / "old.csv").write_text("x")
    now = desk.clock.machine_now()

    assert forget_files(chain.database, chain.settings, now=now + timedelta(hours=1)) == 0
    for folder in (desk.folder, desk.rejects):
        for path in folder.iterdir():
            age = now.timestamp() - 2 * 86_400
            os.utime(path, (age, age))
    assert forget_files(chain.database, chain.settings, now=now + timedelta(hours=1)) == 1
    assert set(files(desk.folder)) == {waits.stored_as, loaded.stored_as}
    assert forget_files(chain.database, chain.settings, now=now + timedelta(days=2)) == 1
    assert files(desk.folder) == [loaded.stored_as]
    assert forget_files(chain.database, chain.settings, now=now + timedelta(days=61)) == 2
    assert (files(desk.folder), files(desk.rejects)) == ([], [])


def test_the_example_of_every_feed_would_be_taken_whole(empty_chain):
    for kind, spec in FEEDS.items():
        report = empty_chain.import_text(kind, example_file(spec))
        assert (kind, report.rows_rejected, report.rows_loaded) == (kind, 0, 2)


def test_what_a_preview_of_records_tells_is_what_loading_them_does(chain, desk, admin):
    texts = {
        "products": "sku,style_id,category,regular_price\nA-S,A,swim trunks,17.99\nC,C,hats,5\n"
        "B,B,gloves,9.99\n",
        "ranging": "store_id,style_id,from\n1,A,2026-01-01\n2,A,2026-01-01\n",
        "climate": "climate_zone,week,normal_temperature\nhot,1,60\nhot,2,61\n",
        "prices": "sku,effective_from,price\nA-S,2026-01-01,9.99\n",
    }
    second = {kind: text.replace("hot,2,61", "hot,3,70") for kind, text in texts.items()}
    for kind, text in [*texts.items(), *second.items()]:
        upload = bring(desk, admin, kind, text)
        report = load(desk, upload.upload_id, by=admin)
        told = upload.preview["changes"]
        assert told == {
            "created": report.changes.created,
            "changed": report.changes.changed,
            "unchanged": report.changes.unchanged,
            "removed": report.changes.removed,
        }
