"""The mails about an account: the invitation, and the link that sets a new password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import css_inline
from flask import current_app

from data.records import LinkKind
from web.rendering.notices import Notice

if TYPE_CHECKING:
    from data.records import Person

_SUBJECTS = {
    LinkKind.INVITATION: "Your account in InSeason",
    LinkKind.RESET: "Set a new password for InSeason",
}


def link_letter(kind: LinkKind, person: Person, *, address: str) -> Notice:
    """Write the mail that brings a link; needs the app's context.

    Args:
        kind: What the link is for.
        person: To whom.
        address: The full address of the link.
    """
    subject = _SUBJECTS[kind]
    told = {"subject": subject, "invited": kind is LinkKind.INVITATION, "person": person, "address": address}
    templates = current_app.jinja_env
    html = templates.get_template("mail/account_link.html").render(told)
    return Notice(
        subject=subject,
        text=templates.get_template("mail/account_link.txt").render(told),
        html=css_inline.inline(html, load_remote_stylesheets=False, keep_at_rules=True),
    )
