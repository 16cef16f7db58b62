"""What counts as an address: of a person for mail, and of the servers that settings name."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qsl, urlsplit

LONGEST_ADDRESS: Final = 254
_LONGEST_LOCAL_PART: Final = 64
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"(?P<local>{_ATOM}(?:\.{_ATOM})*)@{_LABEL}(?:\.{_LABEL})*")
_UNREADABLE: Final = (
    "cannot be read; the port is a number, and in a password @ : / [ ] # % are written as %40 and so on"
)


def is_address(text: str) -> bool:
    """Whether a text is one mail address that any mail server takes.

    That is the `dot-atom` form of RFC 5322 (section 3.4.1) in ASCII, with a host name behind the @. Quoted
    names, several addresses, and letters beyond ASCII, which a server may refuse in the midst of a night's
    mails, are not.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or len(text) > LONGEST_ADDRESS:
        return False
    return len(found["local"]) <= _LONGEST_LOCAL_PART


def require_address(value: str, *schemes: str, host: bool = True) -> None:
    """Require that a text is an address of one of some schemes, with a host unless none is needed.

    Raises:
        ValueError: with what is wrong; the address is not repeated, since it may hold a password.
    """
    if not value.startswith(schemes):
        raise ValueError(f"must start with {' or '.join(schemes)}")
    try:
        parts = urlsplit(value)
        complete = bool(parts.hostname) or not host
        _ = parts.port
    except ValueError as error:
        raise ValueError(_UNREADABLE) from error
    if not complete:
        raise ValueError("names no host")


def normal_smtp_url(url: str) -> str:
    """An address of a mail server whose query, where there is one, is `starttls=true` and nothing else.

    Raises:
        ValueError: when anything else is asked for, or when a password would go through a network in the
            clear. What was given is not repeated: it may be part of a password.
    """
    parts = urlsplit(url)
    if parts.path not in ("", "/") or parts.fragment:
        raise ValueError(_UNREADABLE)
    asked = [(key, value.casefold()) for key, value in query_of(url)]
    if asked not in ([], [("starttls", "true")], [("starttls", "false")]):
        raise ValueError("may end in ?starttls=true or ?starttls=false, and in nothing else behind a ?")
    starttls = asked == [("starttls", "true")]
    if starttls and parts.scheme == "smtps":
        raise ValueError("speaks TLS from the start with smtps://; leave out ?starttls=true, or use smtp://")
    clear = parts.scheme == "smtp" and not starttls
    if clear and (parts.username or parts.password) and not _on_this_machine(parts.hostname or ""):
        raise ValueError(
            "would send the password in the clear; put ?starttls=true at the end, or begin with smtps://"
        )
    return parts._replace(query="starttls=true" if starttls else "").geturl()


def _on_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def query_of(url: str) -> list[tuple[str, str]]:
    """Keys and values of what stands behind the ? of an address."""
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)
