from __future__ import annotations

import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from waitress import create_server, wasyncore

from data.errors import SettingsError
from data.settings import load_settings
from jobs.serving import proxy_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORWARDED = {
    "X-Forwarded-For": "198.51.100.9, 203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "inseason.example.com",
}


@contextmanager
def asked(trusted_proxy: str) -> Iterator[dict[str, Any]]:
    """What the app is told of a request that came over a proxy on this machine."""
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        seen.update(environ)
        start_response("204 No Content", [])
        return []

    options = proxy_options(load_settings(trusted_proxy=trusted_proxy))
    server = create_server(app, host="127.0.0.1", port=0, threads=1, **options)
    loop = threading.Thread(target=server.run)
    loop.start()
    try:
        connection = HTTPConnection("127.0.0.1", server.effective_port, timeout=10)
        connection.request("GET", "/", headers=FORWARDED)
        connection.getresponse().read()
        connection.close()
        yield seen
    finally:
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map, ignore_all=True))
        loop.join(timeout=10)
        server.task_dispatcher.shutdown()


def test_the_trusted_proxy_says_who_asks_and_how() -> None:
    with asked("127.0.0.1") as seen:
        assert seen["REMOTE_ADDR"] == "203.0.113.7"
        assert seen["wsgi.url_scheme"] == "https"
        assert seen["HTTP_HOST"] == "inseason.example.com"


@pytest.mark.parametrize("trusted_proxy", ["", "192.0.2.1"])
def test_nobody_else_is_believed(trusted_proxy: str) -> None:
    with asked(trusted_proxy) as seen:
        assert seen["REMOTE_ADDR"] == "127.0.0.1"
        assert seen["wsgi.url_scheme"] == "http"
        assert seen["HTTP_HOST"] != "inseason.example.com"
        assert not [name for name in seen if "FORWARDED" in name]


@pytest.mark.parametrize("wrong", ["proxy.example.com", "*", "10.0.0.0/8"])
def test_a_proxy_is_named_by_its_address(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"INSEASON_TRUSTED_PROXY: must be an IP address"):
        load_settings(trusted_proxy=wrong)
