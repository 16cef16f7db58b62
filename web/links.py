"""Give somebody a link that sets their password: by mail, or where no mail server is set, shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app

from data.account_links import TOKEN_MARK, make_link
from data.outbox import Letter, queue_mail
from data.people import note_link
from data.records import LinkKind
from web.rendering.letters import link_letter
from web.services import services

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from data.records import Person


def has_mail_server() -> bool:
    """Whether mails leave at all."""
    return bool(services().settings.smtp_url.get_secret_value())


def give_link(records: Session, person: Person, *, by: str) -> str:
    """Make a link for a person and mail it to them; where no mail leaves, returns it, else nothing.

    Args:
        records: a writing session.
        person: whose password it sets: the first one, or a new one.
        by: e-mail of who gives it, or the name of what does.
    """
    now = services().clock.machine_now()
    kind = LinkKind.RESET if person.has_come else LinkKind.INVITATION
    made = make_link(records, person, kind, key=current_app.config["SECRET_KEY"], now=now)
    by_mail = has_mail_server()
    note_link(records, person, shown=not by_mail, by=by, now=now)
    if not by_mail:
        return _address(made.token)
    told = link_letter(kind, person, address=_address(TOKEN_MARK))
    letter = Letter(
        kind=str(kind),
        key=str(made.link.link_id),
        business_date=services().today,
        to_address=person.email,
        subject=told.subject,
        text=told.text,
        html=told.html,
        person_id=person.person_id,
    )
    queue_mail(records, letter, settings=services().settings, now=now)
    return ""


def _address(token: str) -> str:
    path = current_app.url_map.bind("").build("auth.reset", {"token": token})
    return f"{services().settings.base_url.rstrip('/')}{path}"
