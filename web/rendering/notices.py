"""The one mail that a customer agreed to: what they asked for is back in their store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import css_inline
from flask import current_app

from web.rendering.words import full_day

if TYPE_CHECKING:
    from datetime import date

    from data.records import Store


@dataclass(frozen=True)
class Notice:
    """A mail as it leaves: the same told twice, as text and as HTML."""

    subject: str
    text: str
    html: str


def back_in_stock(*, thing: str, store: Store, asked_on: date) -> Notice:
    """Tell a customer that a thing is back; needs the app's context.

    Args:
        thing: What they asked for, as people call it.
        store: Where it is back.
        asked_on: The day on which they asked.
    """
    told = {"thing": thing, "store": store, "asked_on": full_day(asked_on)}
    templates = current_app.jinja_env
    html = templates.get_template("mail/back_in_stock.html").render(told)
    return Notice(
        subject=f"{thing} is back at {store.name}",
        text=templates.get_template("mail/back_in_stock.txt").render(told),
        html=css_inline.inline(html, load_remote_stylesheets=False),
    )
