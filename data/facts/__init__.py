"""The facts: sales, stock, receipts, requests, the weekly panel and the forecasts, as Delta tables."""

from __future__ import annotations

from data.facts.store import FactsStore, Snapshot, write_forecasts
from data.facts.tables import TABLES, FactsTable

__all__ = ["TABLES", "FactsStore", "FactsTable", "Snapshot", "write_forecasts"]
