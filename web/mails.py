"""Mails: what was sent, or kept because no mail server is set; own ones for everybody, all for the admin."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import defer, joinedload

from data.records import OutboxMail, Role
from web.access import current_person, one_or_404, visible_mails
from web.addresses import id_in
from web.services import reading

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

mails = Blueprint("mails", __name__)

PAGE: Final = 30
_STYLE_ATTRIBUTE: Final = re.compile(r'\sstyle="([^"]*)"')


@mails.get("/mails")
def index() -> ResponseReturnValue:
    """The mails, newest first, a page at a time."""
    person = current_person()
    query = (
        visible_mails(select(OutboxMail), person)
        .options(defer(OutboxMail.text), defer(OutboxMail.html), joinedload(OutboxMail.person))
        .order_by(OutboxMail.mail_id.desc())
        .limit(PAGE + 1)
    )
    if before := request.args.get("before", type=id_in):
        query = query.where(OutboxMail.mail_id < before)
    found = reading().scalars(query).all()
    older = found[PAGE - 1].mail_id if len(found) > PAGE else None
    return render_template(
        "mails/list.html",
        mails=found[:PAGE],
        older=older,
        continued=before is not None,
        of_all=person.role is Role.ADMIN,
    )


@mails.get("/mails/<int:mail_id>")
def show(mail_id: int) -> ResponseReturnValue:
    """One mail with its envelope; its body stands in a frame of its own."""
    query = visible_mails(select(OutboxMail).where(OutboxMail.mail_id == mail_id), current_person())
    return render_template("mails/show.html", mail=one_or_404(query.options(joinedload(OutboxMail.person))))


@mails.get("/mails/<int:mail_id>/body")
def body(mail_id: int) -> ResponseReturnValue:
    """The mail as its reader's program shows it: no script, no other origin, only the styles it carries."""
    query = visible_mails(select(OutboxMail).where(OutboxMail.mail_id == mail_id), current_person())
    mail = one_or_404(query.options(defer(OutboxMail.text)))
    # Its links open in the page around it, not in the frame.
    answer = Response(mail.html.replace("<head>", '<head><base target="_top">', 1), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-hashes' {_style_hashes(mail.html)}; "
        "frame-ancestors 'self'; base-uri 'none'; form-action 'none'; "
        "sandbox allow-top-navigation-by-user-activation"
    )
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer


def _style_hashes(html: str) -> str:
    """The style attributes of a mail, each allowed by its hash and none besides."""
    styles = sorted(set(_STYLE_ATTRIBUTE.findall(html)))
    hashes = (base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles)
    return " ".join(f"'sha256-{value}'" for value in hashes) or "'none'"
