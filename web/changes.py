"""What people do to alerts: take them on, put them off, dismiss them, open them again, take it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, abort, flash, redirect, request, url_for
from sqlalchemy import exists, select
from sqlalchemy.orm import selectinload

from data.errors import ConflictError, InSeasonError, TransitionError
from data.records import LIVE, Alert, DismissReason, Person, Status
from web.access import current_person, visible_alerts
from web.addresses import id_in
from web.lately import forget, remember
from web.rendering.details import Details
from web.rendering.life import faster
from web.rendering.words import count, day
from web.services import services
from web.today import Filters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from flask.typing import ResponseReturnValue
    from sqlalchemy.orm import Session

    Change = Callable[[Alert, str, datetime], None]
    AsSeen = Callable[[Alert, Person], bool]

changes = Blueprint("changes", __name__)

# A page of the list has no more.
_MOST_AT_ONCE: Final = 25
_WEEKS: Final = {"week": 1, "fortnight": 2}
_WORSE: Final = "worse"
_LIST: Final = "list"


@dataclass(frozen=True)
class Rest:
    """How long an alert is put off: to a day, or, without one, until it gets worse."""

    until: date | None

    @classmethod
    def asked_for(cls) -> Rest:
        """What a form asks for.

        Raises:
            InSeasonError: when that is no day, or none that is still to come.
        """
        choice, given, today = request.form.get("until", ""), request.form.get("day", ""), services().today
        if given or choice not in {*_WEEKS, _WORSE}:
            # Whoever writes a day means it, whatever else the form says.
            return cls(_day_to_come(given, today))
        return cls(None if choice == _WORSE else today + timedelta(weeks=_WEEKS[choice]))

    @property
    def told(self) -> str:
        """In words."""
        if self.until is None:
            return "until it gets worse"
        return f"until {day(self.until, services().today)}, or until it gets worse"


def _day_to_come(given: str, today: date) -> date:
    try:
        until = date.fromisoformat(given)
    except ValueError as error:
        raise InSeasonError("Choose until when it is to be put off.") from error
    if until <= today:
        raise InSeasonError("Choose a day that is still to come.")
    return until


@changes.post("/alerts/<int:alert_id>/acknowledge")
def acknowledge(alert_id: int) -> ResponseReturnValue:
    """Somebody takes an alert on."""
    _change(alert_id, _take_on)
    return _back_to(alert_id, "You have taken it on. It stays in your list under Taken on.")


@changes.post("/alerts/<int:alert_id>/snooze")
def snooze(alert_id: int) -> ResponseReturnValue:
    """Somebody does not want to see it for a while."""
    rest = Rest.asked_for()
    _change(alert_id, lambda alert, by, now: alert.snooze(by, now, rest.until))
    return _back_to(alert_id, f"Put off {rest.told}.")


@changes.post("/alerts/<int:alert_id>/dismiss")
def dismiss(alert_id: int) -> ResponseReturnValue:
    """Somebody wants to hear no more of it this season."""
    reason, note = _dismissal()
    _change(alert_id, lambda alert, by, now: alert.dismiss(by, now, reason, note))
    return _back_to(alert_id, "Dismissed. It stays away until the season is over.")


@changes.post("/alerts/<int:alert_id>/reopen")
def reopen(alert_id: int) -> ResponseReturnValue:
    """Somebody puts it back among the open ones."""
    _change(alert_id, lambda alert, by, now: alert.reopen(by, now))
    return _back_to(alert_id, "It is open again.")


@changes.post("/alerts/<int:alert_id>/undo")
def undo(alert_id: int) -> ResponseReturnValue:
    """Somebody takes back what they did a moment ago."""
    _change(alert_id, lambda alert, by, now: alert.undo(by, now))
    return _back_to(alert_id, "Taken back.")


@changes.post("/alerts/acknowledge")
def acknowledge_many() -> ResponseReturnValue:
    """Somebody takes on all that are ticked."""
    return _change_ticked(_take_on, "taken on")


@changes.post("/alerts/snooze")
def snooze_many() -> ResponseReturnValue:
    """Somebody puts off all that are ticked."""
    rest = Rest.asked_for()
    return _change_ticked(lambda alert, by, now: alert.snooze(by, now, rest.until), f"put off {rest.told}")


@changes.post("/alerts/undo")
def undo_many() -> ResponseReturnValue:
    """Somebody takes back what they did to several a moment ago."""
    answer = _change_ticked(lambda alert, by, now: alert.undo(by, now), "as before")
    forget()
    return answer


def _take_on(alert: Alert, by: str, now: datetime) -> None:
    # Pressing twice is once: what is mine already needs no second word.
    if alert.status is not Status.ACKNOWLEDGED or alert.owner != by:
        alert.acknowledge(by, now)


def _dismissal() -> tuple[DismissReason, str]:
    given = request.form.get("reason", "")
    if given not in set(DismissReason):
        raise InSeasonError("Choose why it is to be dismissed.")
    return DismissReason(given), request.form.get("note", "")


def change_alert(alert_id: int, change: Change, as_seen: AsSeen) -> Alert:
    """Change one alert that the person may see, if it still stands as the person saw it.

    Args:
        alert_id: its number.
        change: what is done to it, by whose e-mail, and when.
        as_seen: whether it is still what the person has decided about.

    Raises:
        TransitionError: when it cannot be done as it stands.
        ConflictError: when it is not any more what the person saw, or somebody was faster.
    """
    try:
        with services().database.write() as records:
            return _changed(records, alert_id, change, as_seen)
    except ConflictError as error:
        # Somebody was faster by the blink of an eye: say who.
        with services().database.read() as records:
            raise _overtaken(records, _mine(records, alert_id), error) from error


def _change(alert_id: int, change: Change) -> Alert:
    return change_alert(alert_id, change, _stands_as_seen)


def _changed(records: Session, alert_id: int, change: Change, as_seen: AsSeen) -> Alert:
    person, alert = current_person(), _mine(records, alert_id, for_change=True)
    was_over = not alert.is_live
    if not as_seen(alert, person):
        raise ConflictError(faster(alert, _names(records, alert)))
    try:
        change(alert, person.email, services().clock.now())
    except TransitionError as error:
        raise TransitionError(_with_names(str(error), _names(records, alert))) from error
    if was_over and alert.is_live:
        _require_alone(records, alert)
    return alert


def _mine(records: Session, alert_id: int, *, for_change: bool = False) -> Alert:
    query = visible_alerts(select(Alert).where(Alert.alert_id == alert_id), current_person())
    query = query.options(selectinload(Alert.events))
    # Where the database can: whoever comes second waits, and then sees what the first has done.
    alert = records.scalars(query.with_for_update() if for_change else query).one_or_none()
    if alert is None:
        abort(HTTPStatus.NOT_FOUND)
    return alert


def _stands_as_seen(alert: Alert, person: Person) -> bool:
    """Whether it has the status that the form was made for, or the person's own doing has changed it."""
    seen = request.form.get("seen")
    return not seen or seen == alert.status or alert.events[-1].who == person.email


def _require_alone(records: Session, alert: Alert) -> None:
    """Make sure that no newer alert about the same thing is open."""
    newer = exists().where(
        Alert.fingerprint == alert.fingerprint, Alert.alert_id != alert.alert_id, Alert.status.in_(LIVE)
    )
    with records.no_autoflush:
        if records.scalar(select(newer)):
            raise TransitionError("There is a newer alert about the same; look at that one.")


def _overtaken(records: Session, alert: Alert, error: ConflictError) -> ConflictError:
    return ConflictError(faster(alert, _names(records, alert)) if alert.events[-1].who else str(error))


def _names(records: Session, alert: Alert) -> dict[str, str]:
    emails = {event.who for event in alert.events if event.who}
    query = select(Person.email, Person.name).where(Person.email.in_(sorted(emails)))
    return dict(records.execute(query).all())


def _with_names(sentence: str, names: Mapping[str, str]) -> str:
    """A sentence that names people as they are called rather than by their address."""
    for email, name in names.items():
        sentence = sentence.replace(email, name)
    return sentence


def _change_ticked(change: Change, done: str) -> ResponseReturnValue:
    """Change every ticked alert by itself: one that somebody else was faster with holds up no other."""
    changed, refused = list[int](), list[tuple[int, str]]()
    for alert_id in _ticked():
        try:
            _change(alert_id, change)
        except (TransitionError, ConflictError) as error:
            refused.append((alert_id, str(error)))
        else:
            changed.append(alert_id)
    forget()
    if changed:
        remember(changed)
        flash(f"{count(len(changed), 'alert')} {done}.", "success")
    for name, sentence in _with_style_names(refused):
        flash(f"{name}: {sentence}", "warning")
    if not changed and not refused:
        flash("Tick the alerts first.", "warning")
    return _back_to_list()


def _ticked() -> list[int]:
    try:
        ids = [id_in(text) for text in request.form.getlist("alert")]
    except ValueError:
        abort(HTTPStatus.BAD_REQUEST)
    if len(ids) > _MOST_AT_ONCE:
        abort(HTTPStatus.BAD_REQUEST)
    return ids


def _with_style_names(refused: Iterable[tuple[int, str]]) -> list[tuple[str, str]]:
    told = []
    with services().database.read() as records:
        for alert_id, sentence in refused:
            alert = records.get_one(Alert, alert_id)
            told.append((Details.of(alert).style_name, sentence))
    return told


def _back_to(alert_id: int, told: str) -> ResponseReturnValue:
    """Back to where the button was: the card of the list, or the alert's own page."""
    flash(told, "success")
    if request.form.get("back") == _LIST:
        remember([alert_id])
        return _back_to_list()
    return redirect(url_for("alerts.show", alert_id=alert_id), HTTPStatus.SEE_OTHER)


def _back_to_list() -> ResponseReturnValue:
    return redirect(url_for("alerts.index", **Filters.of(request.args).in_address), HTTPStatus.SEE_OTHER)
