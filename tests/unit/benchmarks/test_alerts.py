from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks import alerts
from benchmarks._alerts_events import Events, events_of
from benchmarks._alerts_judge import LOOK_BACK_DAYS, Shelves
from benchmarks._alerts_nights import Year
from benchmarks._alerts_scores import dead_season, flapping, judged, raised_frame, table, told_events
from benchmarks._alerts_world import FIRST_NIGHT, STRAY_WISHES, WEEKS, WISHES, Faults, World, make_world
from forecaster.codes import RULES
from jobs.demo.reserve import CENTRE

DAYS = 700
FIRST = pd.Timestamp(FIRST_NIGHT) - pd.Timedelta(days=LOOK_BACK_DAYS)
FLOOR, EXIT, CUT = 200, 340, 320
LAST_NIGHT = pd.Timestamp(FIRST_NIGHT) + pd.Timedelta(weeks=WEEKS - 1)
SIZES = ("s", "m", "l")


def day(number: int) -> pd.Timestamp:
    return FIRST + pd.Timedelta(days=number)


def shelves(
    *, there: Any = 1.0, on_hand: float = 5.0, reserve: float = 0.0, reorderable: bool = True
) -> Shelves:
    """One style of three sizes in one store, wanted from day 180 to day 380, on the floor from 200 to 340."""
    wanted = np.zeros((3, DAYS))
    wanted[:, 180:381] = np.array([[0.2], [0.4], [0.2]])
    wanted[:, 250:300] *= 1.5
    full = np.broadcast_to(np.asarray(there, dtype=float), (3, DAYS)).copy()
    pairs = pd.DataFrame(
        {
            "store_id": "phx", "sku": SIZES, "style_id": "trunks", "category": "swim", "color": "red",
            "price": 30.0, "reorderable": reorderable, "group": 0,
        }
    )  # fmt: skip
    groups = pd.DataFrame(
        {
            "store_id": ["phx"],
            "style_id": ["trunks"],
            "category": ["swim"],
            "price": [30.0],
            "lead_days": [21],
            "horizon": [4],
        }
    )
    windows = pd.DataFrame(
        {
            "store_id": ["phx"], "style_id": ["trunks"], "category": ["swim"], "group": [0],
            "season": ["SS25"], "floor_set": [FLOOR], "exit": [EXIT], "cut": [CUT],
        }
    )  # fmt: skip
    days = (np.datetime64(FIRST, "D") + np.arange(DAYS)).astype("datetime64[D]")
    held = np.where(full > 0, on_hand, 0.0)
    return Shelves(
        pairs, groups, windows, days, wanted, full, held, np.where(full > 0, wanted, 0.0),
        np.full((3, DAYS), reserve),
    )  # fmt: skip


def world(**faults: pd.DataFrame) -> World:
    nothing = {
        "outages": pd.DataFrame({"store_id": [], "first": [], "last": []}).astype(
            {"first": "datetime64[s]", "last": "datetime64[s]", "store_id": str}
        ),
        "phantoms": pd.DataFrame({"store_id": [], "sku": [], "first": [], "last": []}).astype(
            {"first": "datetime64[s]", "last": "datetime64[s]", "store_id": str, "sku": str}
        ),
        "wishes": pd.DataFrame({"words": [], "store_id": [], "day": []}).astype({"day": "datetime64[s]"}),
    }
    empty = pd.DataFrame()
    return World({}, empty, empty, empty, Faults(**(nothing | faults)))


def gone(first: int, last: int, *sizes: str) -> np.ndarray:
    """All there, but for some sizes from one day to another."""
    there = np.ones((3, DAYS))
    for size in sizes:
        there[SIZES.index(size), first : last + 1] = 0.0
    return there


def told(rule: str, raised: int, **changes: Any) -> pd.DataFrame:
    row = {
        "alert_id": 1, "rule": rule, "scope": "store", "store": "phx", "style": "trunks", "season": "SS25",
        "category": "swim", "raised_on": day(raised), "again": False, "units": 9.0, "skus": list(SIZES),
        "words": "", "first_week": day(raised), "horizon_ends": day(raised + 28), "demand_ends": day(380),
        "closed_on": pd.NaT,
    }  # fmt: skip
    return pd.DataFrame([row | changes]).astype({"closed_on": "datetime64[s]"})


def events(of: Shelves, rule: str, **faults: pd.DataFrame) -> Events:
    return events_of(world(**faults), of, LAST_NIGHT)[rule]


def is_right(of: Shelves, alert: pd.DataFrame, **faults: pd.DataFrame) -> bool:
    found = events_of(world(**faults), of, LAST_NIGHT)
    return bool(judged(alert, found)["right"].iloc[0])


def test_what_is_wanted_after_the_exit_and_not_there_is_missed() -> None:
    [row] = events(shelves(there=gone(EXIT + 1, DAYS, *SIZES)), "exit_before_demand_ends").rows.to_dict(
        "records"
    )

    assert row["begins"] == day(EXIT + 1)
    assert row["units"] == pytest.approx(40 * 0.8)
    assert row["due"]


def test_what_hangs_on_the_clearance_rail_is_not_missed() -> None:
    rail = gone(EXIT + 31, DAYS, *SIZES)
    [row] = events(shelves(there=rail), "exit_before_demand_ends").rows.to_dict("records")

    assert row["begins"] == day(EXIT + 31)
    assert row["units"] == pytest.approx(10 * 0.8)


def test_a_loss_that_nothing_could_have_served_is_not_due() -> None:
    lost = gone(EXIT + 1, DAYS, *SIZES)

    bought_once = events(shelves(there=lost, reorderable=False), "exit_before_demand_ends").rows
    with_reserve = events(shelves(there=lost, reorderable=False, reserve=4.0), "exit_before_demand_ends").rows
    assert bought_once["due"].tolist() == [False]
    assert with_reserve["due"].tolist() == [True]


def test_an_alert_raised_when_less_than_half_the_minimum_is_still_to_come_is_wrong() -> None:
    lost = shelves(there=gone(EXIT + 1, DAYS, *SIZES))

    assert is_right(lost, told("exit_before_demand_ends", 300))
    assert is_right(lost, told("exit_before_demand_ends", 378))
    assert not is_right(lost, told("exit_before_demand_ends", 379))
    assert not is_right(lost, told("exit_before_demand_ends", 300, season="SS26"))


def test_what_is_wanted_before_the_floor_set_is_missed_whatever_lies_in_the_back() -> None:
    found = events(shelves(), "floor_set_after_demand_starts")

    assert found.rows["units"].tolist() == pytest.approx([20 * 0.8])
    assert found.rows["begins"].tolist() == [day(180)]
    # The first night came after its loss had begun: it was nobody's to tell.
    assert found.rows["due"].tolist() == [False]


def test_a_stockout_counts_within_the_horizon_and_of_the_sizes_named() -> None:
    short = shelves(there=gone(260, 290, "m"))

    assert is_right(short, told("stockout_in_season", 250))
    assert not is_right(short, told("stockout_in_season", 250, skus=["s", "l"]))
    assert not is_right(short, told("stockout_in_season", 220))
    assert not is_right(short, told("stockout_in_season", 290))


def test_two_stockouts_far_apart_are_two_spells_and_a_pause_of_days_is_none() -> None:
    twice = gone(240, 260, "m") * gone(300, 320, "m")
    nearly = gone(240, 260, "m") * gone(265, 285, "m")

    assert len(events(shelves(there=twice), "stockout_in_season").rows) == 2
    assert len(events(shelves(there=nearly), "stockout_in_season").rows) == 1


def test_off_the_floor_nothing_is_a_stockout() -> None:
    assert events(shelves(there=gone(EXIT + 1, DAYS, *SIZES)), "stockout_in_season").rows.empty


def test_a_run_is_broken_when_a_core_size_is_gone_and_others_hang_there() -> None:
    core, rest, all_gone = gone(260, 290, "m"), gone(260, 290, "l"), gone(260, 290, *SIZES)

    assert len(events(shelves(there=core), "broken_size_run").rows) == 1
    assert events(shelves(there=rest), "broken_size_run").rows.empty
    assert events(shelves(there=all_gone), "broken_size_run").rows.empty


def test_a_cut_before_the_true_peak_counts_what_was_sold_until_it() -> None:
    found = shelves()
    early = Shelves(**{**vars(found), "windows": found.windows.assign(cut=280)})

    assert events(found, "markdown_before_peak").rows.empty
    [row] = events(early, "markdown_before_peak").rows.to_dict("records")
    assert row["units"] == pytest.approx(20 * 1.2)


def test_a_cut_that_nobody_missed_a_piece_for_is_not_due() -> None:
    def early(**changes: Any) -> Shelves:
        found = shelves(**changes)
        return Shelves(**{**vars(found), "windows": found.windows.assign(cut=280)})

    plenty, short = early(), early(there=gone(300, EXIT, *SIZES))
    assert events(plenty, "markdown_before_peak").rows["due"].tolist() == [False]
    assert events(short, "markdown_before_peak").rows["due"].tolist() == [True]


def test_what_is_left_at_the_exit_beyond_what_is_still_wanted_outlasted_its_season() -> None:
    few, many = shelves(on_hand=8.0), shelves(on_hand=50.0)

    assert events(few, "stock_outlasts_season").rows.empty
    [row] = events(many, "stock_outlasts_season").rows.to_dict("records")
    assert row["units"] == pytest.approx(150 - 40 * 0.8)
    assert row["begins"] == row["ends"] == day(EXIT)
    assert is_right(many, told("stock_outlasts_season", 300))
    assert not is_right(many, told("stock_outlasts_season", EXIT))


def test_an_alert_of_a_shelf_is_right_while_its_books_are_wrong() -> None:
    spell = pd.DataFrame({"store_id": ["phx"], "sku": ["m"], "first": [day(250)], "last": [day(300)]})
    of = shelves(there=gone(250, 300, "m"))

    assert is_right(of, told("phantom_stock", 260), phantoms=spell)
    assert not is_right(of, told("phantom_stock", 240), phantoms=spell)
    assert not is_right(of, told("phantom_stock", 260, skus=["s"]), phantoms=spell)
    assert not is_right(of, told("phantom_stock", 305), phantoms=spell)


def test_a_late_feed_is_told_right_only_while_it_is_late() -> None:
    silence = pd.DataFrame({"store_id": ["phx"], "first": [day(250)], "last": [day(269)]})

    def late(raised: int, feed: str = "stock") -> bool:
        return is_right(shelves(), told("feed_late", raised, style="", season=feed), outages=silence)

    assert [late(255), late(260), late(270), late(275)] == [False, True, True, False]
    assert not late(260, "receipts")


def test_words_are_told_right_when_many_ask() -> None:
    asked = pd.DataFrame(
        {"words": [WISHES[0]] * 5 + [STRAY_WISHES[0]], "store_id": "phx", "day": [day(250)] * 6}
    )

    def wish(words: str) -> bool:
        alert = told("asked_not_found", 255, style=f"asked:{words}", words=words, scope="chain", store="")
        return is_right(shelves(), alert, wishes=asked)

    assert wish(WISHES[0])
    assert wish("rash guard")
    assert not wish("rash hat")
    assert not wish(STRAY_WISHES[0])
    assert events(shelves(), "asked_not_found", wishes=asked).rows["due"].tolist() == [True]


def test_an_event_is_told_only_by_an_alert_that_lived_into_it() -> None:
    found = events(shelves(there=gone(EXIT + 1, DAYS, *SIZES)), "exit_before_demand_ends")

    live, _ = told_events(told("exit_before_demand_ends", 300), found)
    over, _ = told_events(told("exit_before_demand_ends", 300, closed_on=day(310)), found)
    late, _ = told_events(told("exit_before_demand_ends", 390), found)
    assert (len(live), len(over), len(late)) == (1, 0, 0)


def test_an_order_on_the_first_day_of_a_stockout_wins_only_what_comes_after_its_lead_time() -> None:
    def is_due(last: int) -> bool:
        [row] = events(shelves(there=gone(260, last, "m")), "stockout_in_season").rows.to_dict("records")
        return bool(row["due"])

    assert not is_due(275)
    assert is_due(300)


def played(*raised: dict[str, Any], closed: dict[int, date] | None = None) -> Year:
    rows = [
        told(row.pop("rule"), row.pop("raised")).drop(
            columns=["skus", "words", "first_week", "horizon_ends", "closed_on"]
        ).iloc[0].to_dict()
        | {"details": {"sizes": [{"sku": size} for size in SIZES], "horizon_ends": "2025-08-01"}}
        | row
        for row in raised
    ]  # fmt: skip
    return Year(raised=rows, closed=closed or {}, mails=[("store_manager", FIRST_NIGHT)] * 42, people=21)


def test_the_table_has_a_row_for_every_rule_and_one_for_all() -> None:
    year = played(
        {"rule": "exit_before_demand_ends", "raised": 300}, {"rule": "phantom_stock", "raised": 300}
    )
    found = events_of(world(), shelves(there=gone(EXIT + 1, DAYS, *SIZES)), LAST_NIGHT)
    rows = table(year, judged(raised_frame(year), found), found, stores=2, weeks=10)

    assert [row["rule"] for row in rows] == [*RULES, "all"]
    by_rule = {row["rule"]: row for row in rows}
    exits = by_rule["exit_before_demand_ends"]
    assert (exits["raised"], exits["precision"], exits["recall"]) == (1, 1.0, 1.0)
    assert exits["lead_days"] == EXIT + 1 - 300
    assert exits["per_store_week"] == pytest.approx(1 / 20)
    assert by_rule["phantom_stock"]["precision"] == 0.0
    assert by_rule["all"]["precision"] == 0.5
    assert by_rule["all"]["mails_per_person_week"] == pytest.approx(0.2)


def test_what_one_rule_of_the_shelf_told_counts_for_both() -> None:
    year = played({"rule": "broken_size_run", "raised": 255})
    found = events_of(world(), shelves(there=gone(260, 290, "m")), LAST_NIGHT)
    rows = {
        row["rule"]: row for row in table(year, judged(raised_frame(year), found), found, stores=1, weeks=1)
    }

    assert rows["stockout_in_season"]["recall"] == rows["broken_size_run"]["recall"] == 1.0
    assert rows["stockout_in_season"]["raised"] == 0


def test_what_was_put_in_is_told_by_whatever_words_mean_it() -> None:
    details = {"sizes": [], "figures": {"words": "rash guard"}}
    year = played({"rule": "asked_not_found", "raised": 255, "details": details, "scope": "chain"})
    days = [day(250 + 3 * number) for number in range(5)]
    wishes = pd.DataFrame({"words": WISHES[0], "store_id": "phx", "day": days})
    found = events_of(world(wishes=wishes), shelves(), LAST_NIGHT)
    rows = {
        row["rule"]: row for row in table(year, judged(raised_frame(year), found), found, stores=1, weeks=1)
    }

    assert (rows["asked_not_found"]["precision"], rows["asked_not_found"]["recall"]) == (1.0, 1.0)


def test_an_alert_of_a_season_that_is_dead_is_counted() -> None:
    of = shelves()
    asleep = told("exit_before_demand_ends", 400, demand_ends=day(450), horizon_ends=pd.NaT)
    awake = told("exit_before_demand_ends", 300)

    assert len(dead_season(asleep, of)) == 1
    assert dead_season(awake, of).empty


def test_flapping_is_coming_back_twice_within_a_fortnight() -> None:
    def shown(*days: int) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "alert_id": 1,
                "raised_on": [day(each) for each in days],
                "again": [n > 0 for n in range(len(days))],
            }
        )

    assert flapping(shown(300)) == 0
    assert flapping(shown(300, 310)) == 0
    assert flapping(shown(300, 310, 320)) == 1
    assert flapping(shown(300, 330, 360)) == 0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("retailer"), seed=11)


def test_no_file_tells_of_a_day_after_the_one_it_came_on(made: World) -> None:
    for kind, frame in made.files(FIRST_NIGHT, FIRST_NIGHT + timedelta(weeks=1)):
        for column in ("business_date", "requested_at"):
            if column in frame:
                assert str(frame[column].min())[:10] > str(FIRST_NIGHT), kind
                assert str(frame[column].max())[:10] <= str(FIRST_NIGHT + timedelta(weeks=1)), kind
    first = dict(made.files(None, FIRST_NIGHT))
    assert first["sales"]["business_date"].max() == pd.Timestamp(FIRST_NIGHT)
    seasons = set(first["calendar"]["season_code"])
    assert "SS25" in seasons
    assert not {"FW25", "SS26"} & seasons
    assert not {"FW25", "SS26"} & set(first["products"]["season_code"].dropna())


def test_a_receipt_comes_when_it_is_ordered_and_none_is_lost(made: World) -> None:
    lead = made.feeds["products"].set_index("sku")["lead_time_days"]
    seen = [dict(made.files(None, FIRST_NIGHT))["receipts"]]
    day_before = FIRST_NIGHT
    for week in range(1, 60):
        until = FIRST_NIGHT + timedelta(weeks=week)
        seen += [frame for kind, frame in made.files(day_before, until) if kind == "receipts"]
        day_before = until
    first = seen[0]
    ordered = first["expected_date"] - pd.to_timedelta(first["sku"].map(lead), unit="D")
    assert ordered.max() <= pd.Timestamp(FIRST_NIGHT)
    # A delivery stands in the place of all that was told before of its days and stores.
    cover = ["expected_date", "store_id"]
    loaded = pd.concat([frame.assign(load=number) for number, frame in enumerate(seen)])
    left = loaded[loaded["load"] == loaded.groupby(cover)["load"].transform("max")]
    known = made.feeds["receipts"]["known_on"] <= pd.Timestamp(day_before)
    assert len(left) == known.sum()


def test_the_faults_are_in_the_files_and_nowhere_else(made: World) -> None:
    for store, first, last in made.faults.outages.itertuples(index=False):
        for kind in ("sales", "stock"):
            frame = made.feeds[kind]
            assert not ((frame["store_id"] == store) & frame["business_date"].between(first, last)).any()
    assert len(made.faults.phantoms) > 20
    store, sku, first, last = made.faults.phantoms.iloc[0]
    for frame in (made.feeds["sales"], made.feeds["stock"]):
        rows = frame[(frame["store_id"] == store) & (frame["sku"] == sku)]
        spell = rows[rows["business_date"].between(first, last)]
        assert len(set(spell.get("on_hand", ()))) <= 1
        assert "on_hand" in spell or spell.empty
    assert CENTRE["store_id"] not in set(made.faults.phantoms["store_id"])
    assert set(WISHES) <= set(made.feeds["requests"]["text"].dropna())


def test_the_command_prints_every_column(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    of = shelves(there=gone(EXIT + 1, DAYS, *SIZES))
    year = played({"rule": "exit_before_demand_ends", "raised": 300})
    monkeypatch.setattr(alerts, "make_world", lambda *_: world())
    monkeypatch.setattr(alerts, "play", lambda *_, **__: year)
    monkeypatch.setattr(alerts, "shelves_of", lambda _: of)

    assert alerts.main(["--seed", "3", "--json", "--mistakes"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert any(line.startswith("dead-season alerts: 0; flapping pairs: 0") for line in printed)
    rows = json.loads(printed[-1])
    assert [row["rule"] for row in rows] == [*RULES, "all"]
    assert set(rows[0]) == set(alerts.COLUMNS)
    assert rows[-1]["seconds"] > 0


def test_a_year_has_no_more_than_its_weeks() -> None:
    with pytest.raises(SystemExit):
        alerts.main(["--weeks", "53"])
