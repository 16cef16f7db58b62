"""What is news for whom, and whether a morning brings a mail: pure decisions, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from data.records import Condition, Pace, Role, Scope, Section, Severity, Status
from data.records.alert_life import is_worse
from web.rendering.words import day, listing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date

    from data.records import Alert, MailChoices, Person

DIGEST: Final = "digest"
ALL_CLEAR: Final = "all_clear"
GIVEN_UP: Final = "given_up"

WEEK: Final = timedelta(days=7)
# A day is due when nothing later would remind of it: with a mail every morning three days before it, with one
# a week before the next.
_DUE_WITHIN: Final = {Pace.MONDAY: WEEK}
_USUALLY_DUE_WITHIN: Final = timedelta(days=3)
_RANK: Final = {Severity.LOW: 0, Severity.MEDIUM: 1, Severity.HIGH: 2}
_CONCERNED: Final = (Status.OPEN, Status.ACKNOWLEDGED)


@dataclass(frozen=True)
class Told:
    """What a person was last told of an alert: on the night of which date, and what stood there.

    `returns` is how often it had come back until then, because a snooze or an acknowledgement ran out.
    """

    on: date
    section: Section
    units: float
    severity: Severity
    act_by: date | None
    returns: int = 0


@dataclass(frozen=True)
class News:
    """What there is to tell a person, an alert under one heading only; `open` is told, but is no news.

    `due` holds all that is due or overdue; `newly_due` counts those that were not yet when last told. Late
    figures say nothing, so what rests on them is counted as `frozen` and told under no heading.
    """

    new: tuple[Alert, ...] = ()
    worse: tuple[Alert, ...] = ()
    due: tuple[Alert, ...] = ()
    open: tuple[Alert, ...] = ()
    recovered: tuple[Alert, ...] = ()
    newly_due: int = 0
    frozen: int = 0

    @property
    def is_news(self) -> bool:
        """Whether anything is to be told that was not told before."""
        return bool(self.new or self.worse or self.newly_due or self.recovered)

    @property
    def in_words(self) -> str:
        """How much of what is new, for the reason of a mail."""
        numbers = (
            (len(self.new), "new"),
            (len(self.worse), "worse"),
            (self.newly_due, "due"),
            (len(self.recovered), "recovered"),
        )
        return listing([f"{number:,} {what}" for number, what in numbers if number])


@dataclass(frozen=True)
class Before:
    """What came before tonight for a person.

    `mail_on` is the night of the last mail that reached them, `decided_on` the last night on which it was
    decided at all; None when there was none.
    """

    mail_on: date | None = None
    decided_on: date | None = None


@dataclass(frozen=True)
class Verdict:
    """The kind of mail to send, blank for none, and why."""

    kind: str
    reason: str


def decide(pace: Pace, news: News, *, business_date: date, before: Before) -> Verdict:
    """Whether a night sends a person a mail.

    Args:
        pace: Which mornings the person wants one.
        news: What there is to tell that was not told by a mail that reached them.
        business_date: The night's date; the mail is read the morning after.
        before: What came before.

    Returns:
        A digest when there is news on a wanted morning; on a Monday without news and without a mail in the
        seven nights before, the all-clear; else nothing.
    """
    monday = is_monday(business_date, before.decided_on)
    if pace is Pace.OFF:
        return Verdict("", "mails are off by choice")
    if pace is Pace.MONDAY and not monday:
        return Verdict("", "mails come on Mondays by choice")
    since = f"since {_of(before.mail_on, business_date)}" if before.mail_on else "yet"
    if news.is_news:
        return Verdict(DIGEST, f"{news.in_words} {since if before.mail_on else 'to tell'}")
    severe = "severe " if pace is Pace.ONLY_SEVERE else ""
    if monday and (before.mail_on is None or before.mail_on <= business_date - WEEK):
        return Verdict(ALL_CLEAR, f"nothing {severe}new {since}: the week's all-clear")
    return Verdict("", f"nothing {severe}new {since}")


def decide_given_up(pace: Pace, given_up: int) -> Verdict:
    """Whether a night tells an admin of mails that were given up."""
    if pace is Pace.OFF:
        return Verdict("", "mails are off by choice")
    if not given_up:
        return Verdict("", "no mail was given up")
    return Verdict(GIVEN_UP, f"{given_up:,} {'mail was' if given_up == 1 else 'mails were'} given up")


def is_monday(business_date: date, decided_on: date | None) -> bool:
    """Whether the mail of a night is the week's: read on a Monday, or on the first morning after one missed.

    Args:
        business_date: The night's date.
        decided_on: The last night before it on which anything was decided; None if this is the first.
    """
    morning = morning_after(business_date)
    if morning.weekday() == 0:
        return True
    monday = morning - timedelta(days=morning.weekday())
    return decided_on is not None and morning_after(decided_on) < monday


def morning_after(business_date: date) -> date:
    """The day on which the mail of a night is read."""
    return business_date + timedelta(days=1)


def concerns(alert: Alert, person: Person, choices: MailChoices, *, gathered: Collection[int] = ()) -> bool:
    """Whether an alert is a person's business, and not left out by choice.

    What a zone's alert gathers (`gathered`, by id) is told to the merchandiser once, not store by store, and
    to the managers of its stores for their own.
    """
    if person.role is Role.STORE_MANAGER:
        own = alert.scope is Scope.STORE and alert.store_id in (person.store_ids or ())
    else:
        categories = person.category_names
        own = alert.alert_id not in gathered and (
            categories is None or not alert.category or alert.category in categories
        )
    if not own:
        return False
    wanted_store = not choices.stores or alert.store_id is None or alert.store_id in choices.stores
    wanted_category = not choices.categories or not alert.category or alert.category in choices.categories
    return wanted_store and wanted_category


def news_for(
    alerts: Iterable[Alert],
    told: Mapping[int, Told],
    *,
    pace: Pace,
    business_date: date,
    returns: Mapping[int, int] | None = None,
) -> News:
    """Hold the alerts that concern a person against what they were last told of each.

    Args:
        alerts: All that are live, and those that were resolved of late.
        told: By alert, what the last mail that reached the person said.
        pace: What is severe only, and when a day is due, depends on it.
        business_date: The night's date.
        returns: By alert, how often it has come back because a snooze or an acknowledgement ran out.
    """
    sorting = _Sorting(pace, morning_after(business_date), told, returns or {})
    for alert in alerts:
        sorting.take(alert)
    return sorting.news()


@dataclass
class _Sorting:
    pace: Pace
    morning: date
    told: Mapping[int, Told]
    returns: Mapping[int, int]
    sections: dict[Section, list[Alert]] = field(default_factory=lambda: {name: [] for name in Section})
    newly_due: int = 0
    frozen: int = 0

    def take(self, alert: Alert) -> None:
        told = self.told.get(alert.alert_id)
        if self.pace is Pace.ONLY_SEVERE and not _is_severe(alert, told):
            return
        if alert.status in _CONCERNED and alert.condition is Condition.UNKNOWN:
            self.frozen += 1
        elif (section := self._section(alert, told)) is not None:
            self.sections[section].append(alert)

    def news(self) -> News:
        kept = {str(name): tuple(alerts) for name, alerts in self.sections.items()}
        return News(**kept, newly_due=self.newly_due, frozen=self.frozen)

    def _section(self, alert: Alert, told: Told | None) -> Section | None:
        if alert.status is Status.RESOLVED:
            was_told = told is not None and told.section is not Section.RECOVERED
            return Section.RECOVERED if was_told else None
        if alert.status not in _CONCERNED or alert.condition is not Condition.FIRING:
            return None
        known = told if told is not None and told.section is not Section.RECOVERED else None
        if known is None and alert.status is Status.OPEN:
            return Section.NEW
        if known is not None and _has_worsened(alert, known):
            return Section.WORSE
        urgency = self._urgency(alert.act_by, self.morning)
        back = known is not None and self.returns.get(alert.alert_id, 0) > known.returns
        if urgency or back:
            before = self._urgency(known.act_by, morning_after(known.on)) if known else 0
            self.newly_due += back or urgency > before
            return Section.DUE
        # What somebody has taken on is with them.
        return Section.OPEN if alert.status is Status.OPEN else None

    def _urgency(self, act_by: date | None, morning: date) -> int:
        """0 while there is time, 1 when it is due, 2 when the day has passed."""
        if act_by is None or act_by > morning + _DUE_WITHIN.get(self.pace, _USUALLY_DUE_WITHIN):
            return 0
        return 1 if act_by >= morning else 2


def _has_worsened(alert: Alert, told: Told) -> bool:
    return is_worse(alert.units_lost, told.units) or _RANK[alert.severity] > _RANK[told.severity]


def _is_severe(alert: Alert, told: Told | None) -> bool:
    was = told is not None and told.severity is Severity.HIGH
    return alert.severity is Severity.HIGH or (was and alert.status is Status.RESOLVED)


def _of(night: date, business_date: date) -> str:
    return f"the mail of {day(night, business_date)}"
