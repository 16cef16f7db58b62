"""The boards that people are planning on, kept at hand: each read once and used until something new is known.

Nothing heavy is imported before the first board is asked for.
"""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from data.overrides import overrides_mark
from data.planning.assumed import Prices
from data.records import CalendarVersion, Run, RunKind, RunState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from data.database import Database
    from data.planning.board import Board

MOST_MEGABYTES: Final = 400.0
"""Room for boards in one process: some eight of 20,000 series each, or a hundred of one zone of them."""


@dataclass(frozen=True)
class _Known:
    """What a board is made of: the newest night, calendar version and overrides."""

    night: int | None
    calendar: int | None
    overrides: tuple[int, int]


class Boards:
    """Boards by category, zone and season, for all threads of a process.

    Each is loaded once, by the first who asks, while others who ask for the same wait for it. A new night, a
    new version of the calendar and a new or withdrawn override make all of them anew when they are next asked
    for. Those not used for longest go first when the room is taken.
    """

    def __init__(
        self,
        database: Database,
        facts_uri: str,
        *,
        prices: Prices | None = None,
        most_megabytes: float = MOST_MEGABYTES,
    ) -> None:
        self._database, self._facts_uri = database, facts_uri
        self._prices, self._most = prices or Prices(), most_megabytes
        self._lock = Lock()
        self._known: _Known | None = None
        self._kept: OrderedDict[tuple[str, str, str], Future[Board]] = OrderedDict()

    def of(self, category: str, climate_zone: str = "", season_code: str = "") -> Board:
        """The board of a category's season.

        Args:
            category: its code.
            climate_zone: of which zone; '' is the chain.
            season_code: of which season; '' is the one that most pieces are in, or have next.

        Raises:
            InSeasonError: no night has run, the category, zone or season is not known, or there is nothing to
                plan.
        """
        with self._database.read() as session:
            known = _known(session)
        place, mine = self._place(known, (category, climate_zone, season_code))
        if mine:
            self._load(place, (category, climate_zone, season_code))
        board = place.result()
        self._make_room()
        return board

    def _place(self, known: _Known, key: tuple[str, str, str]) -> tuple[Future[Board], bool]:
        """Where the board is or will be, and whether the caller has to load it."""
        with self._lock:
            if known != self._known:
                self._kept.clear()
                self._known = known
            place = self._kept.get(key)
            if place is not None:
                self._kept.move_to_end(key)
                return place, False
            self._kept[key] = place = Future()
            return place, True

    def _load(self, place: Future[Board], key: tuple[str, str, str]) -> None:
        try:
            place.set_result(self._read(*key))
        except BaseException as error:
            # What could not be planned today may be plannable in a minute.
            with self._lock:
                if self._kept.get(key) is place:
                    del self._kept[key]
            place.set_exception(error)
            if not isinstance(error, Exception):
                raise

    def _read(self, category: str, climate_zone: str, season_code: str) -> Board:
        from data.facts import FactsStore  # noqa: PLC0415
        from data.planning.making import make_board  # noqa: PLC0415
        from data.planning.reading import read_newest  # noqa: PLC0415

        facts = FactsStore(self._facts_uri, self._database)
        known = read_newest(self._database, facts, category, prices=self._prices)
        return make_board(known, climate_zone, season_code)

    def _make_room(self) -> None:
        """Let go of those not used for longest; the newest stays whatever it takes."""
        with self._lock:
            loaded = {
                key: place.result().numbers.megabytes for key, place in self._kept.items() if place.done()
            }
            for key in list(loaded)[:-1]:
                if sum(loaded.values()) <= self._most:
                    return
                del loaded[key], self._kept[key]


def _known(session: Session) -> _Known:
    night = (
        select(Run.run_id)
        .where(Run.kind == RunKind.NIGHT, Run.state == RunState.SUCCEEDED)
        .order_by(Run.business_date.desc())
        .limit(1)
    )
    return _Known(
        session.scalar(night),
        session.scalar(select(func.max(CalendarVersion.version_id))),
        overrides_mark(session),
    )
