"""What can go wrong with facts and records, each with a sentence a person can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class InSeasonError(Exception):
    """A refusal: what was wrong, where, and how to mend it. Its text is shown to people as it is."""


class FieldsError(InSeasonError):
    """Something that people fill in cannot be taken; `problems` has a sentence for each field at fault."""

    def __init__(self, problems: Mapping[str, str], told: str = "") -> None:
        super().__init__(told or " ".join(problems.values()))
        self.problems = dict(problems)


class SettingsError(InSeasonError):
    """A setting is missing or wrong."""


class DatabaseNotReadyError(InSeasonError):
    """The database is missing, or its tables are of another version."""


class FileRefusedError(InSeasonError):
    """A whole file cannot be taken; nothing of it was loaded."""


class FactsError(InSeasonError):
    """The facts cannot be read or written as asked."""


class BusyError(InSeasonError):
    """Another process holds what only one may hold at a time."""


class TransitionError(InSeasonError):
    """An alert or a decision cannot go from where it stands to where it was asked to."""


class ConflictError(InSeasonError):
    """Somebody else changed the same record first."""


class NotYoursError(InSeasonError):
    """Somebody else has to do this: another store, or the merchandiser of the category."""


class NightRefusedError(InSeasonError):
    """A night cannot run for the date asked for."""
