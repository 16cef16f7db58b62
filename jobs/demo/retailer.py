"""Set up the demo retailer: its feeds imported like anybody's, people added, a night run."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from data.errors import InSeasonError
from data.feeds.inbox import waiting_files
from data.feeds.loading import import_feed
from data.records import Person, Store
from data.settings import load_settings, settings_file
from jobs.demo import write_feeds
from jobs.night import last_closed_date, run_night
from jobs.people import add_person
from jobs.progress import progress_bar, spinner
from jobs.service import open_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jobs.service import Service

TODAY: Final = date(2026, 6, 7)
_MERCHANDISER: Final = "merchandiser@demo.example"
_ADMIN: Final = "admin@demo.example"
_SHOWN_MANAGER: Final = "PHX-01"
_MOST_WORKERS: Final = 4


@contextmanager
def open_demo(*, seed: int, say: Callable[[str], None], **overrides: Any) -> Iterator[Service]:
    """Open the demo retailer, making it first when it is not there.

    Raises:
        InSeasonError: the var folder holds a retailer or settings that are not the demo's.
    """
    var = load_settings().var
    marker = var / "demo.json"
    if not marker.exists():
        _refuse_other_retailer(var)
        _begin(marker, seed)
    state = json.loads(marker.read_text(encoding="utf-8"))
    if state["seed"] != seed:
        say(
            f"This demo was made with seed {state['seed']}; for another, set INSEASON_VAR to an empty folder."
        )
    if not state["ready"]:
        # The demo's clock, for every later command too.
        workers = min(os.cpu_count() or 1, _MOST_WORKERS)
        settings_file(var).write_text(
            f"INSEASON_TODAY={TODAY.isoformat()}\nINSEASON_WORKERS={workers}\n", encoding="utf-8"
        )
    with open_service(create=True, **overrides) as service:
        if not state["ready"]:
            _make(service, state["seed"], say)
            marker.write_text(json.dumps(state | {"ready": True}), encoding="utf-8")
        _tell(service, say)
        yield service


def _refuse_other_retailer(var: Path) -> None:
    own = settings_file(var)
    if own.exists():
        raise InSeasonError(
            f"{own} holds settings of your own. Set INSEASON_VAR to an empty folder for the demo."
        )
    with open_service(create=True) as service, service.database.read() as session:
        if session.scalar(select(func.count()).select_from(Store)):
            raise InSeasonError(
                f"The database {service.database.url.render_as_string(hide_password=True)} holds another "
                "retailer. Set INSEASON_VAR (and no INSEASON_DATABASE_URL) to an empty folder for the demo."
            )


def _begin(marker: Path, seed: int) -> None:
    """Remember that this is the demo, before anything of it is written."""
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps({"seed": seed, "ready": False}), encoding="utf-8")


def _make(service: Service, seed: int, say: Callable[[str], None]) -> None:
    settings = service.settings
    feeds = settings.var / "demo" / "feeds"
    today = settings.today or TODAY
    say("Writing three years of a retailer's feeds ...")
    write_feeds(feeds, settings.var / "demo" / "truth.csv.gz", seed=seed, today=today)
    for kind, path in waiting_files(feeds):
        with progress_bar() as progress:
            report = import_feed(
                kind,
                path,
                database=service.database,
                facts=service.facts,
                settings=settings,
                clock=service.clock,
                progress=progress,
            )
        say(f"  {report.summary}")
    _add_people(service)
    # What is found once waits for a second night before anybody hears of it.
    say("Running the nights ...")
    newest = last_closed_date(service)
    for business_date in (newest - timedelta(days=1), newest):
        with spinner("night") as tell:
            night = run_night(service, business_date, on_step=tell)
        say(f"  Night of {night.business_date}: {night.summary}.")


def _add_people(service: Service) -> None:
    """One manager per store, a merchandiser and an admin, with passwords kept beside the demo."""
    logins = _logins(service)
    with service.database.read() as session:
        known = set(session.scalars(select(Person.email)))
    for mail, login in logins.items():
        if mail not in known:
            add_person(service, email=mail, **login)


def _logins(service: Service) -> dict[str, dict[str, Any]]:
    """Everybody's log-in by address; written before anybody is added, so that no password is ever lost."""
    path = _logins_file(service)
    if path.exists():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    with service.database.read() as session:
        stores = session.execute(select(Store.store_id, Store.name, Store.manager_email)).all()
    people = {mail: ("store_manager", f"Manager of {name}", [store]) for store, name, mail in stores if mail}
    people |= {_MERCHANDISER: ("merchandiser", "Merchandiser", []), _ADMIN: ("admin", "Administrator", [])}
    logins = {
        mail: {"role": role, "name": name, "stores": of_stores, "password": secrets.token_urlsafe(9)}
        for mail, (role, name, of_stores) in people.items()
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(logins, indent=2), encoding="utf-8")
    return logins


def _tell(service: Service, say: Callable[[str], None]) -> None:
    known = _logins(service)
    shown = [mail for mail, login in known.items() if login["stores"] == [_SHOWN_MANAGER]]
    say(f"\nThe demo's clock stands at {service.settings.today}. Log in as:")
    for mail in [*shown, _MERCHANDISER, _ADMIN]:
        if mail in known:
            say(f"  {known[mail]['role']:<14} {mail:<32} {known[mail]['password']}")
    say(f"(All logins, one manager per store: {_logins_file(service)})\n")


def _logins_file(service: Service) -> Path:
    return service.settings.var / "demo" / "logins.json"
