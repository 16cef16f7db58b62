"""Settings: what is read from where, what is refused, and that secrets stay secret."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from data.errors import SettingsError
from data.settings import SECRET_NAMES, Settings, load_settings, secret_key

if TYPE_CHECKING:
    from pathlib import Path

KEY = "k" * 40


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "var"
    folder.mkdir()
    monkeypatch.setenv("INSEASON_VAR", str(folder))
    return folder


def test_everything_has_its_place_in_the_var_folder_by_default(var):
    settings = load_settings()

    assert settings.database_url.get_secret_value() == f"sqlite:///{var}/inseason.db"
    assert settings.facts_uri == str(var / "facts")
    assert settings.inbox == var / "inbox"
    assert settings.smtp_url.get_secret_value() == ""
    assert settings.today is None


@pytest.mark.parametrize(
    ("name", "value", "mend"),
    [
        ("database_url", "mysql://localhost/records", "must start with sqlite:/// or postgresql://"),
        ("database_url", "postgresql://me:pass@host:number/records", "the port is a number"),
        ("smtp_url", "mail.example.com", "must start with smtp:// or smtps://"),
        ("smtp_url", "smtp://", "names no host"),
        ("smtp_url", "smtp://mail.example.com?starttls=1", "may end in ?starttls=true"),
        ("smtp_url", "smtp://mail.example.com?starttls", "may end in ?starttls=true"),
        ("smtp_url", "smtp://mail.example.com?starttsl=true", "may end in ?starttls=true"),
        ("smtp_url", "smtp://mail.example.com?starttls=true&starttls=false", "may end in ?starttls=true"),
        ("smtp_url", "smtp://me:12/34@mail.example.com", "in a password @ : / [ ] # % are written"),
        ("smtp_url", "smtp://me:12#34@mail.example.com", "in a password @ : / [ ] # % are written"),
        ("smtp_url", "smtps://mail.example.com?starttls=true", "leave out ?starttls=true"),
        ("smtp_url", "smtp://me:pass@mail.example.com", "put ?starttls=true at the end"),
        ("smtp_url", "smtp://me:pass@mail.example.com?starttls=false", "put ?starttls=true at the end"),
        ("database_url", "postgresql://me@host/records?password=hunter2", "write it before the @"),
        ("mail_from", "InSeason <a@[b>", "must be a mail address, such as"),
        ("secret_key", "short", "must have at least 32 characters"),
        ("mail_from", "InSeason", "must be a mail address, such as"),
        ("mail_from", "a@example.com\nBcc: b@example.com", "must be a mail address, such as"),
        ("base_url", "inseason.example.com", "must start with http:// or https://"),
        ("base_url", "https://", "names no host"),
        ("port", "eighty", "valid integer"),
        ("port", "0", "greater than or equal to 1"),
        ("port", "65536", "less than or equal to 65535"),
        ("secure_cookies", "perhaps", "valid boolean"),
        ("timezone", "Mars/Olympus", "use a name such as America/Chicago"),
        ("timezone", "../zones", "use a name such as America/Chicago"),
        ("closing_time", "25:00", "valid time"),
        ("week_starts_on", "someday", "'monday', 'tuesday'"),
        ("today", "2026-13-01", "valid date"),
        ("workers", "0", "greater than or equal to 1"),
        ("history_weeks", "7", "greater than or equal to 8"),
        ("log_level", "LOUD", "DEBUG|INFO|WARNING|ERROR"),
    ],
)
@pytest.mark.usefixtures("var")
def test_a_wrong_value_is_refused_with_its_name_and_its_mend(monkeypatch, name, value, mend):
    monkeypatch.setenv(f"INSEASON_{name.upper()}", value)

    with pytest.raises(SettingsError) as refusal:
        load_settings()

    assert str(refusal.value).startswith(f"INSEASON_{name.upper()}: ")
    assert mend in str(refusal.value)
    assert (repr(value) in str(refusal.value)) == (name not in SECRET_NAMES)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (
            "smtp://me:pass@mail.example.com:587?starttls=True",
            "smtp://me:pass@mail.example.com:587?starttls=true",
        ),
        ("smtp://mail.example.com?starttls=FALSE", "smtp://mail.example.com"),
        ("smtps://me:p%40ss@mail.example.com", "smtps://me:p%40ss@mail.example.com"),
        ("smtp://me:pass@localhost:8025", "smtp://me:pass@localhost:8025"),
        ("smtp://me:pass@[::1]:8025", "smtp://me:pass@[::1]:8025"),
        ("smtp://mail.example.com", "smtp://mail.example.com"),
    ],
)
@pytest.mark.usefixtures("var")
def test_the_address_of_the_mail_server_is_kept_in_one_way_of_writing(given, kept):
    assert load_settings(smtp_url=given).smtp_url.get_secret_value() == kept


@pytest.mark.usefixtures("var")
def test_all_wrong_values_are_named_at_once(monkeypatch):
    monkeypatch.setenv("INSEASON_PORT", "eighty")
    monkeypatch.setenv("INSEASON_TIMEZONE", "Mars")

    with pytest.raises(SettingsError, match=r"INSEASON_PORT: .*INSEASON_TIMEZONE: "):
        load_settings()


@pytest.mark.usefixtures("var")
def test_an_unknown_name_is_refused_with_the_known_ones(monkeypatch):
    monkeypatch.setenv("INSEASON_PROT", "8000")

    with pytest.raises(SettingsError, match=r"INSEASON_PROT is no setting.*INSEASON_PORT"):
        load_settings()


@pytest.mark.usefixtures("var")
def test_an_empty_variable_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("INSEASON_PORT", "")

    assert load_settings().port == 8000


def test_settings_env_is_read_and_the_environment_wins_over_it(var, monkeypatch):
    (var / "settings.env").write_text("INSEASON_PORT=9001\nINSEASON_WEEK_STARTS_ON=monday\n")
    monkeypatch.setenv("INSEASON_PORT", "9002")

    settings = load_settings()

    assert settings.port == 9002
    assert settings.week_starts_on.number == 0


@pytest.mark.usefixtures("var")
def test_an_argument_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("INSEASON_PORT", "9002")

    assert load_settings(port=9003).port == 9003


def test_an_unknown_name_in_settings_env_is_refused_without_its_value(var):
    (var / "settings.env").write_text("INSEASON_SMTP_PASSWORD=hunter2hunter2\n")

    with pytest.raises(SettingsError, match=r"^INSEASON_SMTP_PASSWORD is no setting") as refusal:
        load_settings()

    assert "hunter2" not in str(refusal.value)


def test_a_secret_file_named_in_settings_env_is_refused(var):
    (var / "settings.env").write_text("INSEASON_SMTP_URL_FILE=/run/secrets/smtp\n")

    with pytest.raises(SettingsError, match="INSEASON_SMTP_URL_FILE is read from the environment only"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("secret_key", KEY),
        ("database_url", "postgresql://me:hunter2@host/records"),
        ("smtp_url", "smtps://me:hunter2@host"),
    ],
)
def test_a_secret_can_stand_in_a_file_of_its_own(var, monkeypatch, name, secret):
    path = var / "secret"
    path.write_text(f"{secret}\n")
    monkeypatch.setenv(f"INSEASON_{name.upper()}_FILE", str(path))

    settings = load_settings()

    assert getattr(settings, name).get_secret_value() == secret
    assert secret not in repr(settings)
    assert secret not in str(settings)


def test_a_secret_and_its_file_together_are_refused(var, monkeypatch):
    monkeypatch.setenv("INSEASON_SECRET_KEY", KEY)
    monkeypatch.setenv("INSEASON_SECRET_KEY_FILE", str(var / "key"))

    with pytest.raises(SettingsError, match="INSEASON_SECRET_KEY and INSEASON_SECRET_KEY_FILE are both set"):
        load_settings()


def test_a_missing_secret_file_is_named(var, monkeypatch):
    monkeypatch.setenv("INSEASON_SMTP_URL_FILE", str(var / "nowhere"))

    with pytest.raises(SettingsError, match=r"INSEASON_SMTP_URL_FILE: .*nowhere cannot be read"):
        load_settings()


@pytest.mark.usefixtures("var")
def test_a_refused_secret_stands_neither_in_the_message_nor_in_its_cause(monkeypatch):
    monkeypatch.setenv("INSEASON_SMTP_URL", "hunter2://me")
    monkeypatch.setenv("INSEASON_SECRET_KEY", "hunter2")

    with pytest.raises(SettingsError) as refusal:
        load_settings()

    assert "hunter2" not in str(refusal.value)
    assert "hunter2" not in str(refusal.value.__cause__)


@pytest.mark.usefixtures("var")
def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(ValidationError):
        load_settings().port = 9000


def test_every_setting_says_what_it_is():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_signing_key_is_made_once_and_readable_by_its_owner_only(var):
    settings = load_settings()

    key = secret_key(settings)

    assert len(key) >= 32
    assert secret_key(settings) == key
    assert stat.S_IMODE((var / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in var.iterdir()] == ["secret_key"]


@pytest.mark.usefixtures("var")
def test_processes_that_start_together_agree_on_one_signing_key():
    settings = load_settings()

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: secret_key(settings), range(64)))

    assert len(keys) == 1


def test_a_signing_key_cut_short_is_refused(var):
    (var / "secret_key").write_text("")

    with pytest.raises(SettingsError, match="delete the file and a new one is made"):
        secret_key(load_settings())


@pytest.mark.usefixtures("var")
def test_a_signing_key_that_is_set_is_used(monkeypatch):
    monkeypatch.setenv("INSEASON_SECRET_KEY", KEY)

    assert secret_key(load_settings()) == KEY
