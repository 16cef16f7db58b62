"""The policies of the rules as people set them: versions that never change; the newest holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.records.base import Record


class PolicyVersion(Record):
    """What somebody set for a category at one time; for the whole chain where the category is blank.

    `thresholds` holds what is set here by name. What it does not name is as the chain has it, and what the
    chain does not name as the rules have it.
    """

    __tablename__ = "policies"
    # Numbered, so that of two people who change the same category at once the second is told.
    __table_args__ = (UniqueConstraint("category", "number"),)

    policy_id: Mapped[int] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(String(100))
    number: Mapped[int]
    thresholds: Mapped[dict[str, Any]] = mapped_column(JSON)
    author: Mapped[str] = mapped_column(String(254))
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
