"""Serve the app with waitress."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Any, Final

from waitress import create_server

from data.errors import InSeasonError
from web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.settings import Settings
    from jobs.service import Service

_THREADS: Final = 8
_MEGABYTE: Final = 2**20
_PORTS_TO_TRY: Final = 20
_FORWARDED: Final = frozenset({"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"})


def serve(service: Service, *, any_port: bool = False, say: Callable[[str], None] | None = None) -> None:
    """Serve until interrupted.

    Args:
        service: settings and records.
        any_port: take the next free port when the one that is set is taken.
        say: told the address.

    Raises:
        InSeasonError: the port is taken, or nothing can listen on that address.
    """
    settings = service.settings
    port = _free_port(settings.host, settings.port) if any_port else settings.port
    app = create_app(settings, service.database, service.clock)
    try:
        server = create_server(
            app,
            host=settings.host,
            port=port,
            threads=_THREADS,
            ident=None,
            # A larger body is refused before it is stored; the app knows what each page may be sent.
            max_request_body_size=(settings.upload_mb + 1) * _MEGABYTE,
            **proxy_options(settings),
        )
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            why = f"Port {port} on {settings.host} is taken; choose another with --port."
        else:
            reason = str(getattr(error, "strerror", error)).rstrip(".")
            why = f"Cannot listen on {settings.host}, port {port}: {reason}."
        raise InSeasonError(why) from error
    (say or print)(f"Serving on http://{settings.host}:{port} (Ctrl-C stops it)")
    try:
        server.run()
    finally:
        server.close()


def proxy_options(settings: Settings) -> dict[str, Any]:
    """What the server is told of the proxy in front of it: its word is believed, and nobody else's."""
    options: dict[str, Any] = {"clear_untrusted_proxy_headers": True}
    if settings.trusted_proxy:
        # One proxy, so that only what it has written itself counts, not what its client has sent along.
        options |= {
            "trusted_proxy": settings.trusted_proxy,
            "trusted_proxy_headers": set(_FORWARDED),
            "trusted_proxy_count": 1,
        }
    return options


def _free_port(host: str, first: int) -> int:
    for port in range(first, first + _PORTS_TO_TRY):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    return first
