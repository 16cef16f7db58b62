"""Addresses: what a mail server takes, and what only looks like it."""

from __future__ import annotations

from email.headerregistry import Address

import pytest

from data.addresses import is_address


@pytest.mark.parametrize(
    "text", ["ann@example.com", "a.b+c_d'e@mail.example.co", "ann@localhost", "a@1.example", "a@x--y.example"]
)
def test_a_plain_address_is_one_and_can_stand_in_a_mail(text):
    assert is_address(text)
    assert Address(addr_spec=text).addr_spec == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "@example.com",
        "ann@",
        "a@[b",
        "a,b@c.com",
        "<>@x",
        "a@b@c",
        "a..b@example.com",
        ".a@example.com",
        "a@example..com",
        "a@example.com.",
        "a@-example.com",
        "a b@example.com",
        '"a b"@example.com',
        "Ann <ann@example.com>",
        "ann@example.com\n",
        "ann\x00@example.com",
        "\u00e4nn@example.com",
        "a" * 65 + "@example.com",
        "a@" + ".".join(["b" * 60] * 5),
    ],
)
def test_what_a_mail_server_may_refuse_is_no_address(text):
    assert not is_address(text)
