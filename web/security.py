"""What every answer carries and how sessions are kept: the browser is told to trust nothing but us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request
from flask_compress import Compress

from data.sessions import SESSION_LASTS
from data.settings import secret_key

if TYPE_CHECKING:
    from flask import Flask, Response

    from data.settings import Settings

_LARGEST_FORM: Final = 64 * 1024
_YEAR: Final = 365 * 24 * 3600

CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; "
    # Bootstrap draws its marks as data images.
    "img-src 'self' data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

HEADERS: Final = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Forms over HTTPS are checked by where they come from, so our own pages must be told.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# A calendar program keeps what it has read and asks whether there is anything new.
ASKED_AGAIN: Final = frozenset({"calendar.feed"})
STATIC: Final = frozenset({"static", "bootstrap.static"})


def secure(app: Flask, settings: Settings) -> None:
    """Keys, cookies, limits and headers."""
    app.config.update(
        SECRET_KEY=secret_key(settings),
        SESSION_COOKIE_NAME="inseason",
        SESSION_COOKIE_HTTPONLY=True,
        # Lax, so that a link in a mail finds its reader logged in.
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        # As long as the session in the records, and no page prolongs it.
        PERMANENT_SESSION_LIFETIME=SESSION_LASTS,
        SESSION_REFRESH_EACH_REQUEST=False,
        # A form lives as long as its session.
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=_LARGEST_FORM,
        SEND_FILE_MAX_AGE_DEFAULT=_YEAR,
        BOOTSTRAP_SERVE_LOCAL=True,
        # Pages are not compressed: their size would tell an eavesdropper what a token in them is like.
        COMPRESS_MIMETYPES=["text/css", "text/javascript", "image/svg+xml"],
        COMPRESS_STREAMING_ENDPOINT_CONDITIONAL=sorted(STATIC),
    )
    Compress(app)
    app.after_request(_add_headers)


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint in ASKED_AGAIN:
        response.headers["Cache-Control"] = "private, no-cache"
    elif request.endpoint not in STATIC:
        response.headers["Cache-Control"] = "no-store"
    elif response.is_streamed:
        # Compressing takes the place of the file, which is to be closed all the same.
        response.call_on_close(response.response.close)  # type: ignore[union-attr]  # a file
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_YEAR}")
    return response
