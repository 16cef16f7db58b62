"""The mails a person gets after a night: at most twenty lines, worst first, each a link to its page."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import css_inline
from flask import current_app

from data.records import Pace, Role, Scope, Severity, Status
from web.rendering.details import Details
from web.rendering.rule_texts import OWN_STORE, naming, zone_name
from web.rendering.sentences import closing, confidence, deadline, headline, sentence, stake, tally
from web.rendering.words import count, day, listing, number, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from data.records import Alert, Person

MOST_LINES: Final = 20
MOST_OPEN: Final = 10
# Most programs show no more of a subject, and the records hold less than two long store names would make.
LONGEST_SUBJECT: Final = 150
# What is new comes first, but never crowds out that a day is near or that something was won.
_LINES_FOR_DUE: Final = 4
_LINES_FOR_RECOVERED: Final = 3

_HOW_OFTEN: Final = {
    Pace.NIGHTLY: "You get this mail on mornings with news.",
    Pace.MONDAY: "You get this mail on Mondays.",
    Pace.ONLY_SEVERE: "You get this mail on mornings with severe news.",
}


@dataclass(frozen=True)
class Rendered:
    """A mail as it leaves: the same told twice, as text and as HTML; `listed` are the alerts with a line."""

    subject: str
    text: str
    html: str
    listed: tuple[int, ...] = ()


@dataclass(frozen=True)
class Reader:
    """For whom a mail is written, when, and where its links lead.

    `morning` is the day on which it is read, for "in 12 days". The address of the app is told, because no
    request would tell it. `stop_url` is where the mails can be stopped without a log-in.
    """

    person: Person
    pace: Pace
    business_date: date
    morning: date
    base_url: str
    stop_url: str

    @property
    def one_store(self) -> bool:
        """Whether the person is spoken to as that store."""
        return self.person.store_ids is not None and len(self.person.store_ids) == 1

    def address(self, endpoint: str, **values: int) -> str:
        """The full address of a page."""
        path = current_app.url_map.bind("").build(endpoint, values)
        return f"{self.base_url.rstrip('/')}{path}"


@dataclass(frozen=True)
class Chart:
    """The drawing that travels with a mail, by its name there, and the alert it shows."""

    cid: str
    alert: Alert


@dataclass(frozen=True)
class Telling:
    """What a digest tells, an alert under one heading only.

    `open` is all that is open besides; the worst of it are listed. `before` says what the last mail said of
    those that are worse, in units; `newly_due` how many became due since; `frozen` how many rest on late
    figures and are therefore not told.
    """

    new: Sequence[Alert] = ()
    worse: Sequence[Alert] = ()
    due: Sequence[Alert] = ()
    open: Sequence[Alert] = ()
    recovered: Sequence[Alert] = ()
    newly_due: int = 0
    frozen: int = 0
    before: Mapping[int, float] | None = None

    @property
    def live(self) -> list[Alert]:
        """All but what has recovered."""
        return [*self.new, *self.worse, *self.due, *self.open]

    @property
    def at_stake(self) -> list[Alert]:
        """What the mail is news about and can still be lost."""
        return [*self.new, *self.worse, *(self.due if self.newly_due else ())]

    @property
    def ranked(self) -> list[Alert]:
        """What can still be lost, as the lines stand: the most urgent heading first, then by money."""
        return [*ranked([*self.new, *self.worse]), *ranked(self.due), *ranked(self.open)]


@dataclass(frozen=True)
class Line:
    """One alert of a digest."""

    alert_id: int
    sentence: str
    beside: str
    url: str


@dataclass(frozen=True)
class Part:
    """The lines of one heading, and in one line what did not fit; what `is_known` is told shortly."""

    title: str
    lines: tuple[Line, ...]
    more: str
    is_known: bool


def digest(
    reader: Reader, telling: Telling, *, store_names: Mapping[str, str], chart: Chart | None = None
) -> Rendered:
    """Write a person's digest of a night; needs the app's context.

    Args:
        reader: For whom, and where its links lead.
        telling: What to tell.
        store_names: Names by store id, at least of the stores of these alerts.
        chart: The drawing that travels with it, if any.

    Returns:
        Subject, text and HTML; the HTML carries its styles inside, and nothing from elsewhere.
    """
    writer = _Writer(reader, store_names, telling.before or {})
    parts = writer.parts(telling)
    live = telling.live
    told = {
        "headline": listing(_news(telling)) or "Nothing new",
        "stake": tally(*_at_risk(telling.at_stake)) if telling.at_stake else "",
        "parts": parts,
        "standing": f"{count(len(live), 'open alert')}, {tally(*_at_risk(live))}"
        if len(live) > len(telling.at_stake)
        else "",
        "frozen": telling.frozen,
        "chart": chart,
        "caption": writer.caption(chart.alert) if chart else "",
    }
    return _rendered(
        "digest",
        reader,
        subject=_subject(telling, writer.places(telling)),
        told=told,
        listed=tuple(line.alert_id for part in parts for line in part.lines),
    )


def all_clear(
    reader: Reader, *, nights: int, open_alerts: Sequence[Alert], frozen: int, store_names: Mapping[str, str]
) -> Rendered:
    """Write the week's all-clear: that the service has looked, and found nothing new to tell.

    Args:
        reader: For whom, and where its links lead.
        nights: How many of the week's seven nights it has looked.
        open_alerts: What is still open from before.
        frozen: How many more rest on late figures.
        store_names: Names by store id.
    """
    standing = tally(*_at_risk(open_alerts)) if open_alerts else ""
    names = _Writer(reader, store_names, {}).own_places()
    severe = "severe " if reader.pace is Pace.ONLY_SEVERE else ""
    state = f"{number(len(open_alerts))} still open" if open_alerts else "nothing open"
    where = f": {_shortened(names, 'stores')}" if names else ""
    told = {
        "nights": nights,
        "severe": severe,
        "standing": f"{count(len(open_alerts), 'alert')} from before still open, {standing}"
        if standing
        else "",
        "frozen": frozen,
    }
    return _rendered(
        "all_clear",
        reader,
        subject=_one_line(f"All clear, nothing {severe}new this week, {state}{where}"),
        told=told,
    )


@dataclass(frozen=True)
class GivenUp:
    """A mail that was given up: to whom, about what, why."""

    mail_id: int
    to: str
    subject: str
    reason: str


def given_up(reader: Reader, mails: Sequence[GivenUp]) -> Rendered:
    """Write an admin that mails were given up: the newest of them, why, and where to try them again."""
    shown = mails[:MOST_LINES] if len(mails) <= MOST_LINES else mails[: MOST_LINES - 1]
    number = count(len(mails), "mail")
    told = {
        "number": number,
        "lines": [(mail, reader.address("mails.show", mail_id=mail.mail_id)) for mail in shown],
        "more": len(mails) - len(shown),
        "url": reader.address("mails.given_up"),
    }
    return _rendered("given_up", reader, subject=_one_line(f"{number} could not be delivered"), told=told)


def ranked(alerts: Iterable[Alert]) -> list[Alert]:
    """Alerts by money, then by units, the worst first."""
    return sorted(alerts, key=lambda alert: (alert.money_lost, alert.units_lost), reverse=True)


def _rendered(
    name: str, reader: Reader, *, subject: str, told: dict[str, Any], listed: tuple[int, ...] = ()
) -> Rendered:
    templates = current_app.jinja_env
    given = told | {
        "subject": subject,
        "person": reader.person,
        "night": day(reader.business_date, reader.morning),
        "all_url": reader.address("alerts.index"),
        "choices_url": reader.address("subscriptions.choices"),
        "stop_url": reader.stop_url,
        "how_often": _HOW_OFTEN.get(reader.pace, ""),
    }
    html = templates.get_template(f"mail/{name}.html").render(given)
    return Rendered(
        subject=subject,
        text=templates.get_template(f"mail/{name}.txt").render(given),
        # What depends on the reader's screen cannot be written into the elements.
        html=css_inline.inline(html, load_remote_stylesheets=False, keep_at_rules=True),
        listed=listed,
    )


def _news(telling: Telling) -> list[str]:
    numbers = (
        (len(telling.new), "new"),
        (len(telling.worse), "worse"),
        (telling.newly_due, "due"),
        (len(telling.recovered), "recovered"),
    )
    return [f"{number(alike)} {what}" for alike, what in numbers if alike]


def _subject(telling: Telling, places: str) -> str:
    """The news in one line: how many, what is at stake in them, and where."""
    told = _news(telling) or ["nothing new"]
    if telling.at_stake:
        told.append(tally(*_at_risk(telling.at_stake)))
    return _one_line(f"{', '.join(told)}{f': {places}' if places else ''}")


def _one_line(text: str) -> str:
    """Text as a mail's header takes it: no control characters, single spaces, and no longer than is shown."""
    printable = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)
    line = " ".join(printable.split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1].rstrip()}…"


def _shortened(names: Sequence[str], noun: str) -> str:
    if len(names) <= 2:  # noqa: PLR2004  # two can be named as shortly as counted
        return listing(names)
    return f"{names[0]} and {number(len(names) - 1)} more {noun}"


@dataclass(frozen=True)
class _Writer:
    reader: Reader
    store_names: Mapping[str, str]
    before: Mapping[int, float]

    def parts(self, telling: Telling) -> list[Part]:
        """The headings with their lines, at most `MOST_LINES` with those that say what is left out."""
        fresh = [*telling.new, *telling.worse]
        slots = _slots(len(fresh), len(telling.due), len(telling.open), len(telling.recovered))
        parts = (
            self._part("New or worse", fresh, slots[0]),
            self._part("Due or overdue", telling.due, slots[1]),
            self._part("Open", telling.open, slots[2], most=MOST_OPEN, is_known=True),
            self._part("Recovered", telling.recovered, slots[3], is_known=True),
        )
        return [part for part in parts if part.lines or part.more]

    def places(self, telling: Telling) -> str:
        """What the news is about: a store manager's stores, a merchandiser's categories."""
        about = ranked([*telling.at_stake, *telling.recovered])
        if self.reader.person.role is Role.STORE_MANAGER:
            return _shortened(_first_seen(self._place(alert) for alert in about), "stores")
        return _shortened(_first_seen(alert.category or self._place(alert) for alert in about), "categories")

    def own_places(self) -> list[str]:
        """The stores of a store manager, by name."""
        return sorted(self.store_names.get(store, store) for store in self.reader.person.store_ids or ())

    def caption(self, alert: Alert) -> str:
        """What the drawing shows, for those who see it and those who do not."""
        about = Details.of(alert).style_name
        where = "" if self.reader.one_store else f", {self._place(alert)}"
        return (
            f"{about}{where}: the bars are what was sold, the line what customers will want, "
            "the shaded weeks those on the floor, below it the stock."
        )

    def _part(
        self,
        title: str,
        alerts: Sequence[Alert],
        slots: int,
        *,
        most: int = MOST_LINES,
        is_known: bool = False,
    ) -> Part:
        all_fit = len(alerts) <= min(slots, most)
        shown = len(alerts) if all_fit else max(0, min(slots - 1, most))
        in_order = ranked(alerts)
        left = in_order[shown:] if slots else []
        stakes = f": {tally(*_at_risk(left))}" if any(alert.is_live for alert in left) else ""
        more = f"and {number(len(left))} more{stakes}" if left else ""
        lines = tuple(self._line(alert, is_known=is_known) for alert in in_order[:shown])
        return Part(title, lines, more, is_known)

    def _line(self, alert: Alert, *, is_known: bool) -> Line:
        voice = OWN_STORE if self.reader.one_store else naming(self._place(alert))
        if not alert.is_live:
            told, beside = closing(alert, voice), ""
        elif is_known:
            where = "" if self.reader.one_store else f", {self._place(alert)}"
            told, beside = f"{headline(alert)}{where}", self._beside(alert, shortly=True)
        else:
            told, beside = sentence(alert, voice), self._beside(alert)
        return Line(
            alert_id=alert.alert_id,
            sentence=told,
            beside=beside,
            url=self.reader.address("alerts.show", alert_id=alert.alert_id),
        )

    def _beside(self, alert: Alert, *, shortly: bool = False) -> str:
        """What is at stake, since when it is so, until when something helps, what the figure rests on."""
        told = (
            stake(alert) if alert.units_lost > 0 else "",
            self._change(alert),
            "taken on" if alert.status is Status.ACKNOWLEDGED else "",
            deadline(alert.act_by, self.reader.morning),
            "" if shortly else confidence(alert.evidence).label,
        )
        return " · ".join(part for part in told if part)

    def _change(self, alert: Alert) -> str:
        units = self.before.get(alert.alert_id)
        if units is None:
            return ""
        if whole(units) < whole(alert.units_lost):
            return f"up from {number(whole(units))}"
        return "now severe" if alert.severity is Severity.HIGH else "more urgent now"

    def _place(self, alert: Alert) -> str:
        if alert.scope is Scope.STORE and alert.store_id is not None:
            return self.store_names.get(alert.store_id, alert.store_id)
        return zone_name(alert.climate_zone) if alert.scope is Scope.ZONE else "the chain"


def _slots(fresh: int, due: int, still_open: int, recovered: int) -> tuple[int, int, int, int]:
    """How the lines are shared out among the headings; each also has to say in them what it leaves out."""
    kept = min(recovered, _LINES_FOR_RECOVERED)
    near = min(due, _LINES_FOR_DUE)
    first = min(fresh, MOST_LINES - kept - near)
    near = min(due, MOST_LINES - kept - first)
    kept = min(recovered, MOST_LINES - first - near)
    # One more than the worst ten, for the line that says how many others there are.
    return first, near, min(still_open, MOST_OPEN + 1, MOST_LINES - first - near - kept), kept


def _first_seen(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _at_risk(alerts: Sequence[Alert]) -> tuple[float, Decimal]:
    """Units as the lines count them, so that their sum is the one told; money at regular price."""
    units = sum(whole(alert.units_lost) for alert in alerts)
    return float(units), sum((alert.money_lost for alert in alerts), Decimal(0))
