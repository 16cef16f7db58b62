"""Passwords: which are refused because they would be guessed, and how the others are kept."""

from __future__ import annotations

import re
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from data.errors import InSeasonError

_HASHER: Final = PasswordHasher()
SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 1000

_FEWEST_LETTERS: Final = 5
_SHORTEST_NAME: Final = 4
# What most people who are made to choose a longer one fall back on, without its numbers and signs.
_COMMON: Final = frozenset((
    "abcdefghij", "abcdefghijk", "admin", "administrator", "asdfghjkl", "autumn", "baseball",
    "basketball", "changeme", "changemenow", "computer", "default", "dragon", "fall", "football",
    "guest", "iloveyou", "inseason", "keepitsecret", "letmein", "letmeinplease", "login", "manager",
    "master", "merchandiser", "monkey", "mustang", "newpassword", "nopassword", "opensesame", "pass",
    "passphrase", "passw", "password", "passwordpassword", "princess", "qazwsxedc", "qwerty",
    "qwertyqwerty", "qwertyui", "qwertyuiop", "qwertz", "qwertzuiop", "secret", "secretpassword",
    "secretsecret", "shadow", "spring", "starwars", "store", "storemanager", "summer", "sunshine",
    "superman", "supersecret", "swimtrunks", "temporary", "temppassword", "test", "testtest",
    "thisismypassword", "trustno", "user", "welcome", "welcomehome", "whatever", "winter", "zaqxswcde",
))  # fmt: skip
_WRITTEN_AS: Final = str.maketrans("013457@$!", "oieastasi")


def require_good_password(password: str, *, email: str, name: str) -> None:
    """Refuse what would be guessed soon.

    Raises:
        InSeasonError: too short, too long, one of the most common, or made of the own name or address.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise InSeasonError(f"A password needs at least {SHORTEST_PASSWORD} characters.")
    if len(password) > LONGEST_PASSWORD:
        raise InSeasonError(f"A password has at most {LONGEST_PASSWORD:,} characters.")
    if len(set(password)) < _FEWEST_LETTERS or password.isdecimal() or _bare(password) in _COMMON:
        raise InSeasonError(
            "This is one of the passwords that are tried first. Take three or four words that do not belong "
            "together."
        )
    said = _letters(password)
    own = {_letters(name), _letters(email.partition("@")[0])}
    if any(len(word) >= _SHORTEST_NAME and word in said for word in own):
        raise InSeasonError("Leave your own name and address out of the password; they are tried first.")


def hash_password(password: str) -> str:
    """The argon2id hash of a password, the only form in which it is kept."""
    return _HASHER.hash(password)


def is_password(password: str, kept: str) -> bool:
    """Whether a hash is that of a password; takes as long when there is no hash yet."""
    if not kept:
        spend_a_password_check(password)
        return False
    try:
        return _HASHER.verify(kept, password)
    except (Argon2Error, InvalidHashError):
        return False


def spend_a_password_check(password: str) -> None:
    """Take as long as a real check, so that an unknown address cannot be told from a wrong password."""
    _HASHER.hash(password)


def _bare(password: str) -> str:
    """A password without the numbers and signs around it, and with letters for the signs within."""
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password.casefold())
    return re.sub(r"[\W\d_]", "", core.translate(_WRITTEN_AS))


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text.casefold())
