"""The mail that a person gets after a night: at most twenty lines, worst first, each a link to its page."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import css_inline
from flask import current_app

from web.rendering.sentences import (
    OWN_STORE,
    closing,
    confidence,
    deadline,
    naming,
    sentence,
    stake,
    subject,
    tally,
)
from web.rendering.words import count, day, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from data.records import Alert, Person

MOST_LINES: Final = 20
# What is new comes first, but never crowds out that something was won.
_LINES_FOR_RECOVERED: Final = 3


@dataclass(frozen=True)
class Digest:
    """A mail as it leaves: the same told twice, as text and as HTML."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Line:
    """One alert of a digest."""

    sentence: str
    beside: str
    url: str


@dataclass(frozen=True)
class Section:
    """The lines of one kind, and in one line what did not fit."""

    title: str
    lines: tuple[Line, ...]
    more: str


def digest(
    person: Person,
    business_date: date,
    *,
    new: Sequence[Alert],
    still_open: Sequence[Alert],
    recovered: Sequence[Alert],
    store_names: Mapping[str, str],
    base_url: str,
    today: date,
) -> Digest:
    """Write a person's digest of a night; needs the app's context.

    Args:
        person: For whom; a store manager of one store is spoken to as that store.
        business_date: The night's date.
        new: Alerts that opened that night.
        still_open: Alerts that were open before and are so still.
        recovered: Alerts that were resolved that night.
        store_names: Names by store id, at least of the stores of these alerts.
        base_url: Address of the app as people reach it.
        today: The day on which the mail is read, for "in 12 days".

    Returns:
        Subject, text and HTML; the HTML carries its styles inside, and nothing from elsewhere.
    """
    writer = _Writer(_speaks_to_one_store(person), store_names, base_url, today)
    open_alerts = [*new, *still_open]
    units, amount = _at_risk(open_alerts)
    stores = sorted({alert.store_id for alert in [*open_alerts, *recovered]})
    told = {
        "person": person,
        "business_date": day(business_date, today),
        "sections": writer.sections(new, still_open, recovered),
        "tally": tally(units, amount) if open_alerts else "",
        "open_count": count(len(open_alerts), "open alert"),
        "all_url": writer.address("alerts.index"),
    }
    templates = current_app.jinja_env
    html = templates.get_template("mail/digest.html").render(told)
    return Digest(
        subject=subject(
            new=len(new),
            units=units,
            amount=amount,
            recovered=len(recovered),
            places=[store_names.get(store, store) for store in stores],
        ),
        text=templates.get_template("mail/digest.txt").render(told),
        html=css_inline.inline(html, load_remote_stylesheets=False),
    )


@dataclass(frozen=True)
class _Writer:
    one_store: bool
    store_names: Mapping[str, str]
    base_url: str
    today: date

    def sections(
        self, new: Sequence[Alert], still_open: Sequence[Alert], recovered: Sequence[Alert]
    ) -> list[Section]:
        kept = min(len(recovered), _LINES_FOR_RECOVERED)
        first = min(len(new), MOST_LINES - kept)
        rest = min(len(still_open), MOST_LINES - kept - first)
        kept = min(len(recovered), MOST_LINES - first - rest)
        parts = (
            self._section("New", new, first),
            self._section("Still open", still_open, rest),
            self._section("No longer a problem", recovered, kept),
        )
        return [part for part in parts if part.lines or part.more]

    def address(self, endpoint: str, **values: int) -> str:
        """The full address of a page: there is no request that would tell the host."""
        path = current_app.url_map.bind("").build(endpoint, values)
        return f"{self.base_url.rstrip('/')}{path}"

    def _section(self, title: str, alerts: Sequence[Alert], most: int) -> Section:
        ranked = sorted(alerts, key=lambda alert: (alert.money_lost, alert.units_lost), reverse=True)
        left = ranked[most:]
        stakes = f": {tally(*_at_risk(left))}" if any(alert.is_live for alert in left) else ""
        more = f"and {len(left):,} more{stakes}" if left else ""
        return Section(title, tuple(self._line(alert) for alert in ranked[:most]), more)

    def _line(self, alert: Alert) -> Line:
        store_name = self.store_names.get(alert.store_id, alert.store_id)
        voice = OWN_STORE if self.one_store else naming(store_name)
        return Line(
            sentence=sentence(alert, voice) if alert.is_live else closing(alert, voice),
            beside=self._beside(alert) if alert.is_live else "",
            url=self.address("alerts.show", alert_id=alert.alert_id),
        )

    def _beside(self, alert: Alert) -> str:
        """What is at stake, until when something helps, and what the figure rests on."""
        told = (stake(alert), deadline(alert.act_by, self.today), confidence(alert.evidence).label)
        return " · ".join(part for part in told if part)


def _speaks_to_one_store(person: Person) -> bool:
    return person.store_ids is not None and len(person.store_ids) == 1


def _at_risk(alerts: Sequence[Alert]) -> tuple[float, Decimal]:
    """Units as the lines count them, so that their sum is the one told; money at regular price."""
    units = sum(whole(alert.units_lost) for alert in alerts)
    return float(units), sum((alert.money_lost for alert in alerts), Decimal(0))
