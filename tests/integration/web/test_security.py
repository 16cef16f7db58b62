from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from data.settings import load_settings
from tests.integration.web.world import ADMIN, MANAGER, World, alert_of, log_in
from web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from data.settings import Settings

PAGES = ("/login", "/healthz", "/readyz", "/alerts", "/mails", "/runs", "/no-such-page", "/static/app.css")


def policy_of(headers: dict[str, str]) -> dict[str, str]:
    directives = (part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    return {name: " ".join(value) for name, *value in directives}


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_tells_the_browser_to_trust_only_us(
    path: str, logged_in: Callable[[str], FlaskClient]
) -> None:
    with logged_in(ADMIN).get(path) as answer:
        headers = dict(answer.headers)
    policy = policy_of(headers)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["img-src"] == "'self' data:"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_pages_are_kept_by_no_browser_and_files_for_good(client: FlaskClient) -> None:
    log_in(client, MANAGER)
    page = client.get("/alerts")
    assert page.headers["Cache-Control"] == "no-store"
    links = re.findall(r'(?:href|src)="(/(?:static|bootstrap)[^"]+)"', page.text)
    assert len(links) >= 3
    for link in links:
        assert "?v=" in link
        with client.get(link) as file:
            assert file.status_code == 200
            assert "max-age=31536000" in file.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/static/app.css", "/bootstrap/static/css/bootstrap.min.css"])
def test_files_are_sent_compressed_and_pages_are_not(client: FlaskClient, path: str) -> None:
    with client.get(path) as plain, client.get(path, headers={"Accept-Encoding": "br"}) as packed:
        assert packed.headers["Content-Encoding"] == "br"
        assert len(packed.data) < len(plain.data) / 3
        assert "Accept-Encoding" in packed.headers["Vary"]
    page = client.get("/login", headers={"Accept-Encoding": "br"})
    assert "Content-Encoding" not in page.headers


def test_a_drawing_on_its_own_may_use_only_the_style_it_carries(
    world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    answer = logged_in(MANAGER).get(f"/alerts/{world.own_alert}/chart.svg")
    assert answer.mimetype == "image/svg+xml"
    policy = policy_of(dict(answer.headers))
    assert re.fullmatch(r"'sha256-[\w+/=]+'", policy["style-src"])
    assert "script-src" not in policy
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_mail_is_shown_in_a_sandbox_without_scripts(
    world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    browser = logged_in(MANAGER)
    assert 'sandbox="allow-top-navigation-by-user-activation"' in browser.get(f"/mails/{world.own_mail}").text
    answer = browser.get(f"/mails/{world.own_mail}/body")
    policy = policy_of(dict(answer.headers))
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    assert policy["sandbox"] == "allow-top-navigation-by-user-activation"
    assert policy["frame-ancestors"] == "'self'"
    assert "'unsafe-inline'" not in policy["style-src"]
    assert "sha256-" in policy["style-src"]


def test_the_session_cookie_is_closed_to_scripts_and_to_other_sites(client: FlaskClient) -> None:
    cookie = log_in(client, MANAGER).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_over_https_the_cookie_is_secure(settings: Settings, world: World) -> None:
    app = create_app(load_settings(var=settings.var, secure_cookies=True), world.database)
    answer = app.test_client().get("/login", base_url="https://inseason.example")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "max-age" in answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize("path", ["/login", "/logout", "/alerts/{own_alert}/acknowledge"])
@pytest.mark.parametrize("token", [None, "forged"])
def test_a_form_without_its_token_is_refused(
    path: str, token: str | None, world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    form = {"csrf_token": token} if token else {}
    answer = logged_in(MANAGER).post(path.format(own_alert=world.own_alert), data=form)
    assert answer.status_code == 400
    assert "open for too long" in answer.text
    assert alert_of(world.database, world.own_alert).status == "open"


def test_what_is_stored_cannot_bring_markup_into_a_page(
    world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    with world.database.write() as records:
        alert = records.merge(alert_of(world.database, world.own_alert))
        alert.details = alert.details | {"style_name": "<script>alert(1)</script>", "reason": "<img src=x>"}
    browser = logged_in(MANAGER)
    for page in ("/alerts", f"/alerts/{world.own_alert}"):
        html = browser.get(page).text
        assert "<script>alert" not in html
        assert "<img src=x>" not in html
        assert "&lt;script&gt;alert(1)" in html
