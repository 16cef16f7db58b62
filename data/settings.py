"""Every choice that is made outside the code: read once, checked, and refused with the name and the mend."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from datetime import date, time
from email.utils import parseaddr
from enum import StrEnum
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from data.addresses import is_address, normal_smtp_url, query_of, require_address
from data.errors import SettingsError

PREFIX: Final = "INSEASON_"
SECRET_NAMES: Final = ("secret_key", "database_url", "smtp_url")
SHORTEST_KEY: Final = 32


class Weekday(StrEnum):
    """The day on which the chain's week starts."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"

    @property
    def number(self) -> int:
        """Monday is 0, as in `date.weekday`."""
        return list(Weekday).index(self)


class Settings(BaseSettings):
    """The settings, each an environment variable `INSEASON_<NAME>`; secrets also as `INSEASON_<NAME>_FILE`.

    A file `settings.env` in the folder `INSEASON_VAR` is read too; the environment wins over it.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        extra="forbid",
        frozen=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    var: Annotated[Path, Field(description="Folder for run-time state: database, facts, rejects, keys.")] = (
        Path("var")
    )
    database_url: Annotated[
        SecretStr,
        Field(description="SQLAlchemy address of the records; SQLite in the var folder when empty."),
    ] = SecretStr("")
    facts_uri: Annotated[
        str,
        Field(
            description="Folder or object-store address of the facts; `facts` in the var folder when empty."
        ),
    ] = ""
    inbox: Annotated[
        Path,
        Field(description="Folder where waiting feed files are found; `inbox` in the var folder when empty."),
    ] = Path()
    secret_key: Annotated[
        SecretStr,
        Field(description="Key that signs sessions; one is made and kept in the var folder when empty."),
    ] = SecretStr("")
    smtp_url: Annotated[
        SecretStr,
        Field(
            description="Mail server, smtp://user:password@host:port (smtps:// for TLS from the start, "
            "?starttls=true to switch to TLS, which a password needs); with none, mails are kept and "
            "shown in the app."
        ),
    ] = SecretStr("")
    mail_from: Annotated[str, Field(description="Sender of the mails.")] = "InSeason <inseason@localhost>"
    base_url: Annotated[
        str, Field(description="Address under which people reach the app, used in mails.")
    ] = "http://127.0.0.1:8000"
    host: Annotated[str, Field(description="Address the web server listens on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="Port the web server listens on.")] = 8000
    trusted_proxy: Annotated[
        str,
        Field(
            description="Address of the reverse proxy in front of the app, whose X-Forwarded headers are "
            "believed; none when empty."
        ),
    ] = ""
    secure_cookies: Annotated[
        bool, Field(description="Send cookies over HTTPS only: on whenever the app is served over HTTPS.")
    ] = False
    timezone: Annotated[
        ZoneInfo, Field(description="Time zone of the chain, for stores that name none of their own.")
    ] = ZoneInfo("America/New_York")
    locale: Annotated[
        str,
        Field(
            description="How numbers, dates and hours are written for stores that say nothing themselves: an "
            "English locale such as en_US, en_GB or en_DE."
        ),
    ] = "en_GB"
    currency: Annotated[
        str, Field(pattern="^[A-Z]{3}$", description="The currency of every amount, as its ISO 4217 code.")
    ] = "USD"
    closing_time: Annotated[
        time,
        Field(
            description="Local time at which the last store of a day has closed and sent its figures; before "
            "noon, that of the next morning."
        ),
    ] = time(23, 0)
    week_starts_on: Annotated[
        Weekday, Field(description="First day of the chain's week; choose it before the first import.")
    ] = Weekday.SUNDAY
    today: Annotated[
        date | None,
        Field(
            description="Date at which the clock stands still, for demonstrations; the real date when empty."
        ),
    ] = None
    workers: Annotated[
        int, Field(ge=1, le=64, description="Processes that share the categories of a night.")
    ] = 1
    history_weeks: Annotated[
        int, Field(ge=8, le=520, description="Weeks of history the forecast learns from.")
    ] = 160
    upload_mb: Annotated[
        int, Field(ge=1, le=1000, description="Megabytes of the largest file that the app takes, unpacked.")
    ] = 50
    keep_files_days: Annotated[
        int, Field(ge=1, le=3650, description="Days for which uploads and rejected rows are kept.")
    ] = 60
    log_level: Annotated[
        str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="How much is logged.")
    ] = "INFO"

    @field_validator("timezone", mode="before")
    @classmethod
    def _known_timezone(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("is no time zone; use a name such as America/Chicago") from error

    @field_validator("locale")
    @classmethod
    def _known_locale(cls, value: str) -> str:
        if value not in english_locales():
            raise ValueError("is no English locale; use a name such as en_US, en_GB or en_DE")
        return value

    @field_validator("trusted_proxy")
    @classmethod
    def _proxy_address(cls, value: str) -> str:
        try:
            # A host name would never equal the address that a connection comes from.
            return str(ip_address(value)) if value else ""
        except ValueError as error:
            raise ValueError("must be an IP address, such as 127.0.0.1") from error

    @field_validator("base_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        require_address(value, "http://", "https://")
        return value.rstrip("/")

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value():
            return value
        require_address(value.get_secret_value(), "smtp://", "smtps://")
        return SecretStr(normal_smtp_url(value.get_secret_value()))

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: SecretStr) -> SecretStr:
        require_address(
            value.get_secret_value(), "sqlite:///", "postgresql://", "postgresql+psycopg://", host=False
        )
        # Behind the question mark it would stand in every error that names the address.
        if any(key.casefold() == "password" for key, _ in query_of(value.get_secret_value())):
            raise ValueError("holds a password behind the ?; write it before the @, as in user:password@host")
        return value

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        if not is_address(parseaddr(value)[1]) or not value.isprintable():
            raise ValueError("must be a mail address, such as InSeason <inseason@example.com>")
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_key(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and len(value.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"must have at least {SHORTEST_KEY} characters")
        return value

    @model_validator(mode="before")
    @classmethod
    def _defaults_in_var(cls, values: dict[str, Any]) -> dict[str, Any]:
        var = Path(values.get("var") or "var")
        values.setdefault("database_url", f"sqlite:///{var / 'inseason.db'}")
        values.setdefault("facts_uri", str(var / "facts"))
        values.setdefault("inbox", var / "inbox")
        return values

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the file in the var folder."""
        del settings_cls, file_secret_settings
        return init_settings, env_settings, dotenv_settings


@cache
def english_locales() -> frozenset[str]:
    """The places whose way of writing numbers and dates is known, such as en_US; the texts are English."""
    # Imported here: it reads a folder of files, and most commands name no locale.
    from babel.localedata import locale_identifiers  # noqa: PLC0415

    known = (name for name in locale_identifiers() if name.startswith("en_"))
    return frozenset(name for name in known if len(name) == len("en_US"))


def settings_file(var: Path) -> Path:
    """The file of settings that belongs to a var folder."""
    return var / "settings.env"


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from arguments, environment and `settings.env`.

    Raises:
        SettingsError: naming the variable that is wrong and how to mend it.
    """
    _refuse_unknown_names()
    var = Path(overrides.get("var") or os.environ.get(f"{PREFIX}VAR") or "var")
    try:
        values = _secrets_from_files() | overrides
        return Settings(_env_file=settings_file(var), **values)  # type: ignore[call-arg]  # taken by the base class
    except UnicodeDecodeError as error:
        raise SettingsError(f"{settings_file(var)} is not UTF-8 text; save it as such.") from error
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from error


def secret_key(settings: Settings) -> str:
    """The key that signs sessions: the one that is set, else one made once and kept in the var folder.

    Raises:
        SettingsError: when the file that keeps it was cut short.
    """
    if key := settings.secret_key.get_secret_value():
        return key
    path = settings.var / "secret_key"
    if not path.exists():
        settings.var.mkdir(parents=True, exist_ok=True)
        write_once(path, secrets.token_urlsafe(48))
    key = path.read_text(encoding="ascii").strip()
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"The key in {path} is too short to be one; delete the file and a new one is made."
        )
    return key


def write_once(path: Path, text: str) -> None:
    """Write a private file, at once and whole; of several processes that try, the first one's text stays."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
    with suppress(FileExistsError):
        os.link(name, path)
    Path(name).unlink()


def _refuse_unknown_names() -> None:
    known = _names()
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    # Names of the test and benchmark tools share the prefix; they are not settings of the service.
    unknown = [name for name in unknown if not name.startswith(f"{PREFIX}SHARED_")]
    if unknown:
        raise SettingsError(_unknown(unknown[0]))


def _names() -> set[str]:
    names = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    return names | {f"{PREFIX}{name.upper()}_FILE" for name in SECRET_NAMES}


def _unknown(name: str) -> str:
    if name in _names():
        return f"{name} is read from the environment only; it cannot stand in settings.env."
    return f"{name} is no setting. The settings are: {', '.join(sorted(_names()))}."


def _secrets_from_files() -> dict[str, str]:
    found = {}
    for name in SECRET_NAMES:
        variable = f"{PREFIX}{name.upper()}"
        if not (path := os.environ.get(f"{variable}_FILE")):
            continue
        if os.environ.get(variable):
            raise SettingsError(f"{variable} and {variable}_FILE are both set; keep one of them.")
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"{variable}_FILE: {path} cannot be read ({error.strerror}).") from error
    return found


def _sentence(error: ValidationError) -> str:
    parts = []
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else "settings"
        if problem["type"] == "extra_forbidden":
            # What stands there may be a secret under a misspelt name, so it is not repeated.
            parts.append(_unknown(name.upper()))
            continue
        hidden = name in SECRET_NAMES or name not in Settings.model_fields
        given = "" if hidden else f" (it is {str(problem['input'])!r})"
        parts.append(f"{PREFIX}{name.upper()}: {problem['msg'].removeprefix('Value error, ')}{given}.")
    return " ".join(parts)
