"""A retailer that does not exist, so that InSeason can be tried without anybody's data."""

from __future__ import annotations

from jobs.demo.feeds import DemoSummary, write_feeds

__all__ = ["DemoSummary", "write_feeds"]
