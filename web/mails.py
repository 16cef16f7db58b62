"""Mails: what was sent, kept or given up, and why a night brought one or none; all of them for the admin."""

from __future__ import annotations

import base64
import hashlib
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import defer, joinedload

from data.records import MailDecision, MailState, OutboxMail, Role
from web.access import current_person, one_or_404, require_role, visible_mails
from web.addresses import id_in
from web.services import reading, services

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select

mails = Blueprint("mails", __name__)

PAGE: Final = 30
_BATCH: Final = 200
_STYLE_ATTRIBUTE: Final = re.compile(r'\sstyle="([^"]*)"')
_STYLE_ELEMENT: Final = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@mails.get("/mails")
def index() -> ResponseReturnValue:
    """The mails, newest first, a page at a time, and what the last night decided for the reader."""
    person = current_person()
    found, older, continued = _page(visible_mails(select(OutboxMail), person))
    decision = (
        select(MailDecision)
        .where(MailDecision.person_id == person.person_id)
        .order_by(MailDecision.business_date.desc())
        .limit(1)
    )
    return render_template(
        "mails/list.html",
        mails=found,
        older=older,
        continued=continued,
        of_all=person.role is Role.ADMIN,
        lost=reading().scalar(_count_given_up()) if person.role is Role.ADMIN else 0,
        decision=reading().scalars(decision).one_or_none(),
    )


@mails.get("/mails/given-up")
@require_role(Role.ADMIN)
def given_up() -> ResponseReturnValue:
    """The mails that were given up, with the reason of each."""
    found, older, continued = _page(select(OutboxMail).where(OutboxMail.state == MailState.DEAD))
    return render_template("mails/given_up.html", mails=found, older=older, continued=continued)


@mails.post("/mails/given-up/again")
@require_role(Role.ADMIN)
def try_all_again() -> ResponseReturnValue:
    """Send all that were given up after all, but those whose address was deleted."""
    dead = (OutboxMail.state == MailState.DEAD, OutboxMail.to_address != "")
    tried = 0
    while True:
        with services().database.write() as records:
            rows = records.scalars(select(OutboxMail).where(*dead).limit(_BATCH).with_for_update()).all()
            for mail in rows:
                mail.try_again(services().clock.machine_now())
        tried += len(rows)
        if not rows:
            break
    flash(f"{tried:,} will be tried again in the next minute.", "success")
    return redirect(url_for("mails.given_up"), HTTPStatus.SEE_OTHER)


@mails.get("/mails/<int:mail_id>")
def show(mail_id: int) -> ResponseReturnValue:
    """One mail with its envelope; its body stands in a frame of its own."""
    query = visible_mails(select(OutboxMail).where(OutboxMail.mail_id == mail_id), current_person())
    return render_template(
        "mails/show.html",
        mail=one_or_404(query.options(joinedload(OutboxMail.person), defer(OutboxMail.chart))),
        reason=reading().scalar(select(MailDecision.reason).where(MailDecision.mail_id == mail_id)),
        may_send=current_person().role is Role.ADMIN,
    )


@mails.post("/mails/<int:mail_id>/again")
@require_role(Role.ADMIN)
def try_again(mail_id: int) -> ResponseReturnValue:
    """Send one that was given up after all."""
    one_or_404(select(OutboxMail.mail_id).where(OutboxMail.mail_id == mail_id))
    with services().database.write() as records:
        mail = records.get_one(OutboxMail, mail_id, with_for_update=True)
        mail.try_again(services().clock.machine_now())
    flash("It will be tried again in the next minute.", "success")
    return redirect(url_for("mails.show", mail_id=mail_id), HTTPStatus.SEE_OTHER)


@mails.get("/mails/<int:mail_id>/body")
def body(mail_id: int) -> ResponseReturnValue:
    """The mail as its reader's program shows it: no script, no other origin, only the styles it carries."""
    query = visible_mails(select(OutboxMail).where(OutboxMail.mail_id == mail_id), current_person())
    mail = one_or_404(query.options(defer(OutboxMail.text)))
    # Its links open in the page around it, not in the frame.
    html = mail.html.replace("<head>", '<head><base target="_top">', 1)
    if mail.chart:
        picture = base64.b64encode(mail.chart).decode()
        html = html.replace(f'src="cid:{mail.chart_cid}"', f'src="data:image/png;base64,{picture}"')
    answer = Response(html, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-hashes' {_style_hashes(mail.html)}; "
        "frame-ancestors 'self'; base-uri 'none'; form-action 'none'; "
        "sandbox allow-top-navigation-by-user-activation"
    )
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer


def _page(query: Select[OutboxMail]) -> tuple[list[OutboxMail], int | None, bool]:
    """A page of mails, newest first; where the next one begins, and whether this is not the first."""
    query = (
        query.options(
            defer(OutboxMail.text),
            defer(OutboxMail.html),
            defer(OutboxMail.chart),
            joinedload(OutboxMail.person),
        )
        .order_by(OutboxMail.mail_id.desc())
        .limit(PAGE + 1)
    )
    before = request.args.get("before", type=id_in)
    if before:
        query = query.where(OutboxMail.mail_id < before)
    found = list(reading().scalars(query))
    older = found[PAGE - 1].mail_id if len(found) > PAGE else None
    return found[:PAGE], older, before is not None


def _count_given_up() -> Select[int]:
    return select(func.count()).select_from(OutboxMail).where(OutboxMail.state == MailState.DEAD)


def _style_hashes(html: str) -> str:
    """The styles of a mail, each allowed by its hash and none besides."""
    styles = sorted({*_STYLE_ATTRIBUTE.findall(html), *_STYLE_ELEMENT.findall(html)})
    hashes = (base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles)
    return " ".join(f"'sha256-{value}'" for value in hashes) or "'none'"
