"""What people see and press, and how things are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from data.clock import Clock
    from data.database import Database
    from data.settings import Settings


def create_app(settings: Settings, database: Database | None = None, clock: Clock | None = None) -> Flask:
    """Put the app together.

    Args:
        settings: The settings.
        database: The records; those the settings name when left out.
        clock: The service's time; made from the settings when left out.

    Returns:
        The app, ready for a server, or for `app_context()` when something is only to be rendered.
    """
    # Imported here, so that a command that only names the package does not load a web framework.
    from flask_bootstrap import Bootstrap5  # noqa: PLC0415
    from flask_wtf import CSRFProtect  # noqa: PLC0415

    from data.clock import Clock  # noqa: PLC0415
    from data.database import Database  # noqa: PLC0415
    from web.access import guard_every_page  # noqa: PLC0415
    from web.account import account  # noqa: PLC0415
    from web.addresses import guard_addresses  # noqa: PLC0415
    from web.alerts import alerts  # noqa: PLC0415
    from web.api.document import DocumentedApp  # noqa: PLC0415
    from web.api.entry import attach_api  # noqa: PLC0415
    from web.asking import asking  # noqa: PLC0415
    from web.auth import attach_login  # noqa: PLC0415
    from web.calendar import calendar  # noqa: PLC0415
    from web.changes import changes  # noqa: PLC0415
    from web.decisions import decisions  # noqa: PLC0415
    from web.errors import register_errors  # noqa: PLC0415
    from web.feeds import admit_uploads, feeds  # noqa: PLC0415
    from web.find import find  # noqa: PLC0415
    from web.health import health  # noqa: PLC0415
    from web.layout import attach_layout  # noqa: PLC0415
    from web.mails import mails  # noqa: PLC0415
    from web.outcomes import outcomes  # noqa: PLC0415
    from web.people import people  # noqa: PLC0415
    from web.policies import policies  # noqa: PLC0415
    from web.runs import runs  # noqa: PLC0415
    from web.season import season  # noqa: PLC0415
    from web.security import secure  # noqa: PLC0415
    from web.services import Services, attach_services  # noqa: PLC0415
    from web.setup import setup  # noqa: PLC0415
    from web.subscriptions import attach_subscriptions  # noqa: PLC0415
    from web.tokens import tokens  # noqa: PLC0415

    app = DocumentedApp(__name__)
    services = Services(
        settings=settings,
        database=database or Database(settings.database_url.get_secret_value()),
        clock=clock or Clock(settings),
    )
    attach_services(app, services)
    secure(app, settings)
    admit_uploads(app)
    guard_addresses(app)
    Bootstrap5(app)
    attach_api(app, CSRFProtect(app))
    attach_login(app)
    guard_every_page(app)
    for rooms in (
        calendar,
        alerts,
        changes,
        find,
        asking,
        decisions,
        outcomes,
        runs,
        feeds,
        season,
        mails,
        account,
        setup,
        people,
        policies,
        tokens,
        health,
    ):
        app.register_blueprint(rooms)
    attach_subscriptions(app)
    register_errors(app)
    attach_layout(app)
    return app
