"""What every answer carries and how sessions are kept: the browser is told to trust nothing but us."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from flask import request

from data.settings import secret_key

if TYPE_CHECKING:
    from flask import Flask, Response

    from data.settings import Settings

SESSION_LASTS: Final = timedelta(hours=12)
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
        PERMANENT_SESSION_LIFETIME=SESSION_LASTS,
        # A form lives as long as its session.
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=_LARGEST_FORM,
        SEND_FILE_MAX_AGE_DEFAULT=_YEAR,
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    app.after_request(_add_headers)


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint not in STATIC:
        response.headers["Cache-Control"] = "no-store"
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_YEAR}")
    return response
