"""The demo retailer through the real command: its story, the log-ins it prints, the page it serves."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from datetime import date
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

from sqlalchemy import func, select

from data.records import AlertAction, NewestStock, Person, Product, Role, Store
from data.settings import load_settings
from jobs.demo.reserve import CENTRE
from tests.ground.demo import LOGIN_LINE, Demo, inseason
from tests.ground.services import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

EARLY_EXIT = "exit_before_demand_ends"
PHOENIX = {"PHX-01", "PHX-02"}
SEATTLE = {"SEA-01", "SEA-02"}
MOST_A_NIGHT = 5


def test_phoenix_is_warned_in_june_that_its_swim_trunks_leave_in_early_july(demo: Demo) -> None:
    assert load_settings(var=demo.var).today == date(2026, 6, 7)
    warned = demo.alerts("--category", "swim trunks", "--rule", EARLY_EXIT)

    phoenix = [alert for alert in warned if alert["store_id"] in PHOENIX]
    assert {alert["store_id"] for alert in phoenix} == PHOENIX
    for alert in phoenix:
        leaves = date.fromisoformat(alert["details"]["exit"])
        assert date(2026, 7, 1) <= leaves <= date(2026, 7, 10)
        assert date(2026, 6, 8) <= date.fromisoformat(alert["act_by"]) <= leaves
        # There is time left to act, and customers want them weeks after they are gone.
        assert alert["first_fired_on"] == "2026-06-05"
        assert (date.fromisoformat(alert["demand_ends"]) - leaves).days > 28
        assert alert["units_lost"] > 0
        # Nobody in Phoenix had them on the shelf in August; some customers came and asked.
        assert alert["evidence"] in {"observed", "requested", "borrowed"}


def test_seattle_is_not_warned_in_june_about_its_snow_boots(demo: Demo) -> None:
    assert products(demo, "snow boots") > 0
    warned = demo.alerts("--category", "snow boots", "--rule", EARLY_EXIT)

    assert [alert for alert in warned if alert["store_id"] in SEATTLE] == []


def test_what_has_no_season_is_never_said_to_leave_too_early(demo: Demo) -> None:
    assert products(demo, "white T-shirts") > 0

    assert demo.alerts("--category", "white T-shirts", "--rule", EARLY_EXIT, "--all") == []


def products(demo: Demo, category: str) -> int:
    with demo.database() as database, database.read() as session:
        return session.scalar(select(func.count()).select_from(Product).where(Product.category == category))


def test_a_login_for_each_role_is_printed_and_opens_the_door(demo: Demo) -> None:
    assert set(demo.logins) == set(Role)
    with demo.database() as database, database.read() as session:
        for role, (email, password) in demo.logins.items():
            person = session.scalars(select(Person).where(Person.email == email)).one()
            assert person.role == role
            assert person.has_password(password)
        # Twenty that sell, and the distribution centre.
        assert session.scalar(select(func.count()).select_from(Store)) == 21
        managers = select(func.count()).select_from(Person).where(Person.role == Role.STORE_MANAGER)
        assert session.scalar(managers) == 20


def test_the_logins_of_all_managers_stand_in_a_file_for_nobody_else(demo: Demo) -> None:
    path = demo.var / "demo" / "logins.json"

    assert path.stat().st_mode & 0o077 == 0
    assert str(path) in demo.told


def test_a_second_time_the_demo_is_there_at_once_and_as_it_was(demo: Demo) -> None:
    before = demo.alerts("--all")

    told = demo.run("demo", "--no-serve")

    assert "Writing" not in told
    assert "Running" not in told
    assert LOGIN_LINE.findall(told) == LOGIN_LINE.findall(demo.told)
    assert demo.alerts("--all") == before


def test_the_night_was_that_of_the_day_before_the_demos_clock(demo: Demo) -> None:
    assert "Night of 2026-06-06: " in demo.told
    assert "was done before" in demo.run("nightly")


def log_in(address: str, email: str, password: str) -> OpenerDirector:
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    token = re.search(r'name="csrf_token" value="([^"]+)"', page(browser, f"{address}/login"))
    form = urlencode({"csrf_token": token[1], "email": email, "password": password}).encode()
    with browser.open(f"{address}/login", form, timeout=30) as answer:
        assert answer.url.endswith("/alerts")
    return browser


def page(browser: OpenerDirector, url: str) -> str:
    with browser.open(url, timeout=30) as answer:
        return answer.read().decode()


def test_the_served_page_shows_the_phoenix_manager_her_swim_trunks(demo: Demo) -> None:
    email, password = demo.logins["store_manager"]
    warned = demo.alerts("--store", "PHX-01", "--category", "swim trunks", "--rule", EARLY_EXIT)
    worst = next(alert for alert in warned if alert["status"] == "open")

    with demo.served() as address:
        browser = log_in(address, email, password)
        listed = page(browser, f"{address}/alerts?category=swim+trunks&rule={EARLY_EXIT}")
        shown = page(browser, f"{address}/alerts/{worst['alert_id']}")

    assert f"/alerts/{worst['alert_id']}" in listed
    assert worst["style_name"] in listed
    assert "5 July" in listed
    assert "Phoenix" in shown
    assert worst["style_name"] in shown
    assert "chart.svg" in shown
    assert "Over the year, customers here want about" in shown
    assert "In these weeks they want" in shown
    assert 'class="evidence evidence-' in listed
    assert "To find their size, customers go to" in shown
    assert "What you can do" in shown


def test_no_store_is_told_of_more_than_it_can_do_in_a_night(demo: Demo) -> None:
    told = [alert["store_id"] for alert in demo.alerts() if alert["status"] == "open" and alert["store_id"]]

    assert told
    assert max(told.count(store) for store in set(told)) <= MOST_A_NIGHT


def test_transfers_take_no_more_than_their_giver_has_and_the_centre_sends_whole_packs(demo: Demo) -> None:
    taken: Counter[tuple[str, str]] = Counter()
    with demo.database() as database, database.read() as session:
        packs = dict(session.execute(select(Product.sku, Product.pack_size)).all())
        held = {
            (store, sku): units
            for store, sku, units in session.execute(
                select(NewestStock.store_id, NewestStock.sku, NewestStock.on_hand)
            )
        }
        offers = session.scalars(
            select(AlertAction).where(AlertAction.kind.in_(("transfer", "release_from_dc")))
        ).all()
        assert {offer.evaluated_on for offer in offers} == {date(2026, 6, 6)}
        # What two alerts of a store both offer is the same piece, counted once.
        lines = {
            (line["from_store"], line["to_store"], line["sku"]): line["units"]
            for offer in offers
            for line in offer.details["lines"]
        }
    for (giver, _, sku), units in lines.items():
        taken[giver, sku] += units
        if giver == CENTRE["store_id"]:
            assert units % packs[sku] == 0

    assert {giver for giver, _ in taken} > {CENTRE["store_id"]}
    assert [key for key, units in taken.items() if units > held.get(key, 0)] == []


def test_trunks_are_found_nearer_by_once_the_transfers_are_made(demo: Demo) -> None:
    short = [
        alert["details"]["effort"]
        for alert in demo.alerts("--category", "swim trunks")
        if alert["rule"] in {"stockout_in_season", "broken_size_run"} and alert["store_id"]
    ]
    ways = [way for way in short if "stores_after" in way]

    assert ways
    assert sum(way["found_after"] for way in ways) > sum(way["found"] for way in ways)
    assert sum(way["miles_after"] for way in ways) < sum(way["miles"] for way in ways)
    *_, chain = json.loads(demo.run("effort", "--json"))
    assert chain["store"] == "the chain"
    assert 1 <= chain["stores_visited"] < 10


def test_the_plan_of_a_category_is_printed_with_todays_beside_it(demo: Demo) -> None:
    told = demo.run("plan", "swim trunks", "--zone", "hot_dry")

    assert "Today's plan" in told
    refused = inseason(demo.var, "plan", "swim trunks", "--zone", "tundra", check=False)
    assert refused.returncode == 1
    assert "tundra" in refused.stderr


def test_the_demo_refuses_a_folder_that_holds_another_retailer(tmp_path: Path) -> None:
    inseason(tmp_path, "init")
    feed = tmp_path / "stores.csv"
    feed.write_text("store_id,name\n1,Corner Shop\n", encoding="utf-8")
    inseason(tmp_path, "import", "stores", str(feed))

    answer = inseason(tmp_path, "demo", "--no-serve", check=False)

    assert answer.returncode == 1
    assert "holds another retailer" in answer.stderr
    assert "INSEASON_VAR" in answer.stderr
    assert not (tmp_path / "demo.json").exists()
    assert load_settings(var=tmp_path).today is None


def test_the_demo_refuses_to_write_over_settings(tmp_path: Path) -> None:
    own = tmp_path / "settings.env"
    own.write_text("INSEASON_PORT=9000\n", encoding="utf-8")

    answer = inseason(tmp_path, "demo", "--no-serve", check=False)

    assert answer.returncode == 1
    assert "holds settings of your own" in answer.stderr
    assert own.read_text(encoding="utf-8") == "INSEASON_PORT=9000\n"


def test_nothing_in_the_product_knows_where_the_true_demand_is_kept(demo: Demo) -> None:
    [truth] = (demo.var / "demo").glob("truth*")
    assert truth.stat().st_size > 0
    knowing = {
        str(path.relative_to(REPOSITORY))
        for package in ("forecaster", "data", "web", "jobs")
        for path in (REPOSITORY / package).rglob("*.py")
        if names_truth(path)
    }

    # The generator writes it where the set-up says; nobody reads it.
    assert knowing <= {"jobs/demo/feeds.py", "jobs/demo/retailer.py"}
    calls = [
        node
        for node in ast.walk(ast.parse((REPOSITORY / "jobs/demo/retailer.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and "truth" in "".join(map(ast.unparse, node.args))
    ]
    assert [ast.unparse(call.func) for call in calls] == ["write_feeds"]


def names_truth(path: Path) -> bool:
    """Whether a module's code has a name or a text with the word, comments and docstrings aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    words = (
        str(node.value) if isinstance(node, ast.Constant) else getattr(node, "id", getattr(node, "arg", ""))
        for node in ast.walk(tree)
        if id(node) not in told and isinstance(node, (ast.Constant, ast.Name, ast.arg, ast.keyword))
    )
    return any("truth" in (word or "").casefold() for word in words)
