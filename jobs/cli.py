"""The command line: each command reads its words, calls one thing, and maps a refusal to a plain sentence.

Every import that is not needed to print help stands inside its command, so that help answers at once.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from data.feeds.specs import FEEDS

if TYPE_CHECKING:
    from datetime import datetime

ROLES: Final = ("store_manager", "merchandiser", "admin")
EXIT_REFUSED: Final = 1
EXIT_BUSY: Final = 75
_DATE = click.DateTime(["%Y-%m-%d"])


class PlainGroup(click.Group):
    """A group of commands whose refusals are one sentence on standard error, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a refusal exits with 1, a lock held elsewhere with 75."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Whoever read the output has seen enough; click ends quietly.
            raise
        except OSError as error:
            # The disk is full, a folder is a file or not ours: as plain as any other refusal.
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"inseason: {where}{error.strerror or error}", err=True)
            ctx.exit(EXIT_REFUSED)
        except Exception as error:
            from data.errors import BusyError, InSeasonError
            from forecaster import ForecasterError

            if not isinstance(error, (InSeasonError, ForecasterError)):
                raise
            click.echo(f"inseason: {error}", err=True)
            ctx.exit(EXIT_BUSY if isinstance(error, BusyError) else EXIT_REFUSED)


@click.group(cls=PlainGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="inseason", prog_name="inseason")
def main() -> None:
    """Tell a retailer where the trade's calendar and the customer's season disagree.

    Settings are environment variables named INSEASON_...; see docs/reference/settings.md. Commands exit
    with 0 when all went well, 1 when something was refused (the reason is printed), 2 on a wrong command
    line and 75 when another import or night is running.
    """


@main.command()
def init() -> None:
    """Make the tables of both stores, or update them."""
    from jobs.people import tell_setup
    from jobs.service import open_service

    with open_service(create=True) as service:
        where = service.database.url.render_as_string(hide_password=True)
        click.echo(f"Ready: records in {where}, facts in {service.facts.uri}.")
        tell_setup(service, click.echo)


@main.command(name="import")
@click.argument("kind", type=click.Choice(list(FEEDS)))
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Check the file and say what would happen; change nothing.")
def import_(kind: str, file: str, *, dry_run: bool) -> None:
    """Load a feed file (CSV, plain or gzip).

    Good rows are loaded; every rejected row is written to a rejects file with its line, column and reason.
    Exits with 1 when any row was rejected.
    """
    from pathlib import Path

    from data.feeds.loading import import_feed
    from jobs.progress import progress_bar
    from jobs.service import open_service

    with open_service() as service, progress_bar() as progress:
        report = import_feed(
            kind,
            Path(file),
            database=service.database,
            facts=service.facts,
            settings=service.settings,
            clock=service.clock,
            dry_run=dry_run,
            progress=progress,
        )
    click.echo(report.summary)
    for note in report.notes:
        click.echo(f"  Note: {note}")
    for fault in report.faults:
        more = f" (and {fault.rows - 1:,} more such rows)" if fault.rows > 1 else ""
        click.echo(f"  line {fault.line}: {fault.reason}{more}")
    if report.rows_rejected:
        sys.exit(EXIT_REFUSED)


@main.command()
@click.option(
    "--as-of", type=_DATE, help="Business date; the newest on which every store has closed by default."
)
@click.option("--again", is_flag=True, help="Also when it is done already: read what was corrected since.")
def nightly(as_of: datetime | None, *, again: bool) -> None:
    """Run the night of a business date.

    A night that is done already changes nothing, unless it is run again; one that was cut off is finished.
    """
    from jobs.night import run_night
    from jobs.progress import spinner
    from jobs.service import open_service

    with open_service() as service, spinner("night") as tell:
        since = service.clock.machine_now() if again else None
        report = run_night(service, as_of.date() if as_of else None, again_since=since, on_step=tell)
    done = "done" if report.ran else "was done before, nothing changed"
    click.echo(f"Night of {report.business_date} {done}: {report.summary}.")


@main.command()
def scheduler() -> None:
    """Run nights when they are due, until stopped.

    A night is due when its last store has closed; waiting mails are sent every minute.
    """
    from jobs.scheduler import run_forever
    from jobs.service import open_service

    with open_service() as service:
        _log_to_stderr(service.settings.log_level)
        run_forever(service)


@main.command()
@click.option("--host", help="Address to listen on; INSEASON_HOST by default.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on; INSEASON_PORT by default.")
def web(host: str | None, port: int | None) -> None:
    """Serve the app."""
    from jobs.people import tell_setup
    from jobs.service import open_service
    from jobs.serving import serve

    with open_service(**_given(host=host, port=port)) as service:
        _log_to_stderr(service.settings.log_level)
        tell_setup(service, click.echo)
        serve(service)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON list of objects instead of a table.")
@click.option("--store", help="Only this store.")
@click.option("--category", help="Only this category.")
@click.option("--rule", help="Only this rule.")
@click.option("--all", "closed_too", is_flag=True, help="Resolved and expired alerts too.")
def alerts(
    *, as_json: bool, store: str | None, category: str | None, rule: str | None, closed_too: bool
) -> None:
    """List the live alerts, worst first."""
    from jobs.listing import alert_rows, print_alerts
    from jobs.service import open_service

    with open_service() as service:
        rows = alert_rows(service.database, store=store, category=category, rule=rule, closed_too=closed_too)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        print_alerts(rows)


@main.command()
@click.option("--store", help="Customers of this store; all of them by default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list of objects instead of a table.")
def effort(*, store: str | None, as_json: bool) -> None:
    """Tell how far customers go for their size, night by night.

    Stores visited and miles until a size, or another style that meets the same need, is found.
    """
    from jobs.effort import effort_rows, print_effort
    from jobs.service import open_service

    with open_service() as service:
        rows = effort_rows(service.database, store=store)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        print_effort(rows)


@main.command(name="buy-notes")
@click.option("--category", help="Only this category.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list of objects instead of a table.")
def buy_notes(*, category: str | None, as_json: bool) -> None:
    """List what to buy more of next season, by need, size and zone.

    What neither the chain's stock nor an order in time could serve, gathered as each season ends.
    """
    from jobs.buy_notes import note_rows, print_notes
    from jobs.service import open_service

    with open_service() as service:
        rows = note_rows(service.database, category=category)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        print_notes(rows)


@main.command(name="check-calendar")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="One JSON list of objects, stores included.")
def check_calendar(file: str, *, as_json: bool) -> None:
    """Tell what a calendar file would turn away, and load nothing.

    Holds its selling windows against the newest night's forecasts, while the dates can still be moved.
    Exits with 1 when a row of the file is rejected.
    """
    from pathlib import Path

    from jobs.drafts import check_file, finding_rows, print_check
    from jobs.service import open_service

    with open_service() as service:
        check = check_file(service, Path(file))
    if as_json:
        click.echo(json.dumps(finding_rows(check), indent=2))
    else:
        print_check(check)
    if check.file.rows_rejected:
        sys.exit(EXIT_REFUSED)


@main.command()
@click.option(
    "--by",
    type=click.Choice(["rule", "category", "store", "week", "month"]),
    default="rule",
    show_default=True,
    help="What to tell apart.",
)
@click.option("--review", is_flag=True, help="List false alarms and errors of the data instead.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list of objects instead of a table.")
def outcomes(*, by: str, review: bool, as_json: bool) -> None:
    """Tell how right the alerts were.

    Every alert is judged once, a week after what it foretold is over: happened, averted by somebody, did not
    happen, or nobody can tell.
    """
    from jobs.outcomes import outcome_rows, print_outcomes, print_review, review_rows
    from jobs.service import open_service

    with open_service() as service:
        rows = review_rows(service.database) if review else outcome_rows(service.database, by=by)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif review:
        print_review(rows)
    else:
        print_outcomes(rows, by=by)


@main.command()
@click.option(
    "--origins",
    type=click.IntRange(min=1),
    default=13,
    show_default=True,
    help="How many earlier dates to forecast from; fewer where the history is short.",
)
@click.option(
    "--horizon",
    type=click.IntRange(1, 52),
    default=13,
    show_default=True,
    help="How many weeks ahead to forecast from each.",
)
@click.option(
    "--every",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="How many weeks lie between two of the dates.",
)
@click.option("--category", help="Only this category.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list of objects instead of a table.")
def backtest(*, origins: int, horizon: int, every: int, category: str | None, as_json: bool) -> None:
    """Tell how right the forecast would have been.

    Forecasts again from earlier dates, on what was known then, and scores the weeks that followed. The
    scores are kept, night and alerts are left alone.
    """
    from jobs.backtesting import print_scores, run_backtest, score_rows
    from jobs.progress import progress_bar
    from jobs.service import open_service

    with open_service() as service, progress_bar() as progress:
        report = run_backtest(
            service, origins=origins, horizon=horizon, every=every, category=category, progress=progress
        )
    if as_json:
        click.echo(json.dumps(score_rows(report), indent=2))
    else:
        print_scores(report)
        click.echo(f"Run {report.run_id}, as of {report.business_date}: {report.summary}.")


@main.group()
def policy() -> None:
    """Read and change what makes a gap worth an alert."""


@policy.command(name="show")
@click.argument("category", default="chain")
@click.option("--json", "as_json", is_flag=True, help="One JSON list of objects instead of a table.")
def policy_show(category: str, *, as_json: bool) -> None:
    """Show the policy of a category, or of the chain, and how it came about."""
    from jobs.policies import policy_rows, print_policy
    from jobs.service import open_service

    with open_service() as service:
        if as_json:
            click.echo(json.dumps(policy_rows(service, category), indent=2))
        else:
            print_policy(service, category)


@policy.command(name="set")
@click.argument("category")
@click.argument("values", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why, in a few words.")
@click.option("--by", default="command line", show_default=True, help="Who changes it.")
def policy_set(category: str, values: tuple[str, ...], *, reason: str, by: str) -> None:
    """Change the policy of a category from the next night on; `chain` is that of all.

    VALUES are written name=value; name= alone leaves it to the chain again. The version before stays.
    """
    from jobs.policies import set_policy
    from jobs.service import open_service

    with open_service() as service:
        version = set_policy(service, category, values, author=by, reason=reason)
    click.echo(f"Version {version.number} of the policy of {category} holds from the next night on.")


@main.command()
@click.argument("category")
@click.option("--zone", help="Only the stores of this climate zone; the chain by default.")
@click.option(
    "--customer-value",
    type=click.FloatRange(min=0),
    help="What a customer who is turned away costs; the break-even is told by default.",
)
@click.option(
    "--rail-week-value",
    type=click.FloatRange(min=0),
    help="What the incoming set earns on a rail in a week; the break-even is told by default.",
)
@click.option(
    "--units-per-rail",
    type=click.FloatRange(min=1),
    default=40,
    show_default=True,
    help="Pieces that hang on a rail.",
)
@click.option(
    "--salvage",
    type=click.FloatRange(0, 1),
    default=0.15,
    show_default=True,
    help="What a piece left over brings, as a share of its regular price.",
)
@click.option("--budget", type=click.FloatRange(min=0), help="Most that may be given away in markdowns.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def plan(
    *,
    category: str,
    zone: str | None,
    customer_value: float | None,
    rail_week_value: float | None,
    units_per_rail: float,
    salvage: float,
    budget: float | None,
    as_json: bool,
) -> None:
    """Weigh when to mark a category down and when to let it go.

    Reads the newest night. Prints today's plan and others beside it: what they earn, whom they turn away,
    and what it takes for them to pay.
    """
    from data.planning.assumed import Prices
    from forecaster import PlanRules, Stakes
    from jobs.plan_listing import plan_rows, print_plans
    from jobs.planning import plan_category
    from jobs.service import open_service

    with open_service() as service:
        planned = plan_category(
            service.database,
            service.facts,
            category,
            climate_zone=zone,
            stakes=Stakes(customer_value, rail_week_value, units_per_rail),
            rules=PlanRules(markdown_budget=budget),
            prices=Prices(salvage_share=salvage),
        )
    if as_json:
        click.echo(json.dumps(plan_rows(planned), indent=2))
    else:
        print_plans(planned)


@main.group()
def user() -> None:
    """Manage the people who log in."""


@user.command(name="add")
@click.argument("email")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the person is here for.")
@click.option(
    "--store", "stores", multiple=True, help="A store of a store manager; may be given several times."
)
@click.option(
    "--category",
    "categories",
    multiple=True,
    help="A category of a merchandiser; several times; none means all.",
)
@click.option(
    "--password-file",
    type=click.File("r", encoding="utf-8"),
    help="Where the password stands; - for standard input.",
)
def user_add(
    email: str,
    name: str,
    role: str,
    stores: tuple[str, ...],
    categories: tuple[str, ...],
    password_file: TextIO | None,
) -> None:
    """Add a person; the password is asked for, or read from --password-file."""
    from jobs.people import add_person
    from jobs.service import open_service

    with open_service() as service:
        password = (
            _first_line(password_file)
            if password_file
            else click.prompt("Password", hide_input=True, confirmation_prompt=True)
        )
        add_person(
            service,
            email=email,
            name=name,
            role=role,
            stores=stores,
            categories=categories,
            password=password,
        )
    click.echo(f"Added {email} as {role}.")


@user.command(name="link")
@click.argument("email")
def user_link(email: str) -> None:
    """Print a link with which a person sets a new password, once; those made before are good no more."""
    from jobs.people import link_for
    from jobs.service import open_service

    with open_service() as service:
        click.echo(link_for(service, email))


@main.command()
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed makes another retailer.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to serve on; INSEASON_PORT by default.")
@click.option("--serve/--no-serve", default=True, help="Serve the app when the retailer is ready.")
def demo(*, seed: int, port: int | None, serve: bool) -> None:
    """Make a demo retailer, run a night, serve the app.

    A second time it only serves what is there.
    """
    from jobs.demo.retailer import open_demo
    from jobs.serving import serve as serve_app

    with open_demo(seed=seed, say=click.echo, **_given(port=port)) as service:
        if serve:
            _log_to_stderr("WARNING")
            serve_app(service, any_port=port is None, say=click.echo)


def _first_line(file: TextIO) -> str:
    try:
        return file.readline().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise click.BadParameter("is not UTF-8 text", param_hint="--password-file") from error


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(
        level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
