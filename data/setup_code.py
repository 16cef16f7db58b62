"""The code that proves, before there is any account, that whoever sets the service up runs it."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Final

from data.settings import write_once

if TYPE_CHECKING:
    from pathlib import Path

    from data.settings import Settings

# Without what looks alike on paper.
_LETTERS: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_GROUPS, _GROUP = 3, 4


def setup_code(settings: Settings) -> str:
    """The code: made once, kept in the var folder for the owner's eyes only."""
    path = code_file(settings)
    if not path.exists():
        settings.var.mkdir(parents=True, exist_ok=True)
        groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
        write_once(path, "-".join(groups))
    return path.read_text(encoding="ascii").strip()


def is_setup_code(settings: Settings, given: str) -> bool:
    """Whether somebody has the code, however they write it."""
    return hmac.compare_digest(_plain(setup_code(settings)).encode(), _plain(given).encode())


def forget_setup_code(settings: Settings) -> None:
    """Nobody needs it any more."""
    code_file(settings).unlink(missing_ok=True)


def code_file(settings: Settings) -> Path:
    """Where the code stands."""
    return settings.var / "setup_code"


def _plain(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isalnum())
