"""What the forecaster refuses, said so that the sender can mend it."""

from __future__ import annotations


class ForecasterError(Exception):
    """Any refusal of this package."""


class PanelError(ForecasterError):
    """A frame handed in lacks a column or holds a value that cannot be worked with.

    Attributes:
        frame: name of the argument, such as ``panel``.
        column: the column at fault.
        problem: what is wrong with it, with a count or an example.
    """

    def __init__(self, frame: str, column: str, problem: str) -> None:
        self.frame = frame
        self.column = column
        self.problem = problem
        super().__init__(f"{frame}.{column}: {problem}")


class PolicyError(ForecasterError):
    """A threshold that no rule can work with.

    Attributes:
        name: the field of the policy.
        problem: what is wrong with its value, and what would be right.
    """

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(f"{name}: {problem}")
