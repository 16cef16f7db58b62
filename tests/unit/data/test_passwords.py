"""Passwords that would be guessed are refused, and only hashes are compared."""

from __future__ import annotations

import pytest

from data.errors import InSeasonError
from data.passwords import LONGEST_PASSWORD, hash_password, is_password, require_good_password

EMAIL, NAME = "maya.ortiz@shop.example", "Maya Ortiz"


def refused(password: str) -> str:
    with pytest.raises(InSeasonError) as refusal:
        require_good_password(password, email=EMAIL, name=NAME)
    assert password not in str(refusal.value)
    return str(refusal.value)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "Regen am Dienstag",
        "kv82-pm31-xx",
        "the summer of 69 was warm",
        "ünïcödé wörds",
    ],
)
def test_words_that_do_not_belong_together_are_taken(password: str) -> None:
    require_good_password(password, email=EMAIL, name=NAME)


@pytest.mark.parametrize(
    "password",
    [
        "password123", "P@ssw0rd2026", "Summer2026!", "1234567890", "9876543210123", "qwertyuiop",
        "QWERTY123456", "letmein!!!!!", "aaaaaaaaaaaa", "ababababab", "changeme2026",
        "InSeason2026", "!!welcome!!",
    ],
)  # fmt: skip
def test_what_is_tried_first_is_refused(password: str) -> None:
    assert "tried first" in refused(password)


@pytest.mark.parametrize("password", ["mayaortiz-99x", "Maya Ortiz was here", "xx.maya_ortiz.xx"])
def test_the_own_name_and_address_are_refused(password: str) -> None:
    assert "own name" in refused(password)


def test_a_short_name_within_another_word_does_no_harm() -> None:
    require_good_password("canada bleibt gross", email="ada@shop.example", name="Ada")


def test_too_short_and_too_long_are_refused() -> None:
    assert "at least 10 characters" in refused("nine char")
    assert "at most 1,000 characters" in refused("ab cde" * (LONGEST_PASSWORD // 6 + 1))


def test_only_the_right_password_fits_its_hash() -> None:
    kept = hash_password("correct horse battery")
    assert is_password("correct horse battery", kept)
    assert not is_password("correct horse batterx", kept)
    assert not is_password("correct horse battery", "no hash at all")


def test_an_account_without_a_password_takes_none_and_takes_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[str] = []
    monkeypatch.setattr("data.passwords.spend_a_password_check", spent.append)
    assert not is_password("", "")
    assert not is_password("anything at all", "")
    assert spent == ["", "anything at all"]
