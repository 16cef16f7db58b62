"""What was done to an account, in words, and what its role and mails are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from data.records import AccountChange, Pace, Role
from web.rendering.words import listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from data.records import PersonEvent

_ROLES: Final = {
    Role.STORE_MANAGER: "Store manager",
    Role.MERCHANDISER: "Merchandiser",
    Role.ADMIN: "Admin",
}
_MAILS: Final = {
    Pace.NIGHTLY: "Every morning with news",
    Pace.MONDAY: "On Mondays",
    Pace.ONLY_SEVERE: "Only what is severe",
    Pace.GIVEN_UP: "Mails that could not be delivered",
    Pace.OFF: "No mails",
}
_DONE: Final = {
    AccountChange.DEACTIVATED: "The account was closed.",
    AccountChange.REACTIVATED: "The account was opened again.",
    AccountChange.LINK_SENT: "A link that sets a password was mailed.",
    AccountChange.LINK_SHOWN: "A link that sets a password was shown, to be handed over.",
    AccountChange.PASSWORD_SET: "A new password was set.",
    AccountChange.SESSIONS_ENDED: "Logged out everywhere else.",
}
_FIELDS: Final = {"email": "Address", "name": "Name", "role": "Role"}
_LISTS: Final = {"stores": "Stores", "categories": "Categories"}


def role_told(role: Role | str) -> str:
    """What a role is called.

    >>> role_told("store_manager")
    'Store manager'
    """
    return _ROLES[Role(role)]


def mails_told(pace: Pace) -> str:
    """How often somebody gets mail."""
    return _MAILS[pace]


def told(event: PersonEvent, store_names: Mapping[str, str]) -> list[str]:
    """One change of an account, in sentences.

    Args:
        event: the change.
        store_names: names by store id; a store that is not named is told by its id.
    """
    if event.what is AccountChange.ADDED:
        return [f"Added as {role_told(event.details['role']).lower()}."]
    if event.what is not AccountChange.CHANGED:
        return [_DONE[event.what]]
    return [
        _difference(field, before, after, store_names) for field, (before, after) in event.details.items()
    ]


def _difference(field: str, before: Any, after: Any, store_names: Mapping[str, str]) -> str:
    if field in _LISTS:
        return f"{_LISTS[field]}: {_moved(before, after, store_names if field == 'stores' else {})}."
    if field == "role":
        before, after = role_told(before), role_told(after)
    return f"{_FIELDS.get(field, field)}: {before} became {after}."


def _moved(before: Sequence[str], after: Sequence[str], names: Mapping[str, str]) -> str:
    gone = [names.get(each, each) for each in before if each not in after]
    come = [names.get(each, each) for each in after if each not in before]
    parts = (
        f"{listing(come)} came to it" if come else "",
        f"{listing(gone)} left it" if gone else "",
    )
    return "; ".join(part for part in parts if part)
