"""Keep-open tests in the night: propose where nobody can know and money is at stake, read what has run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
from sqlalchemy import select

from data.records import KeepOpenRecord, TestState
from forecaster import design_keep_open_test, read_keep_open_test
from forecaster.evidence import Evidence

if TYPE_CHECKING:
    from forecaster import KeepOpenTest
    from jobs.outlook import Outlook

DARK: Final = (str(Evidence.BORROWED), str(Evidence.UNKNOWN))
# Half a year ahead: the dark season that follows an exit ends before the next floor-set's demand begins.
_AHEAD: Final = pd.Timedelta(weeks=26)
# A reading less precise than this (log standard error) would be between half and double in two of three
# cases: no experiment.
WORST_PRECISION: Final = 0.35
_PANEL: Final = "store_id AS store, sku, category, week, units, exposure, price_ratio"


def propose_tests(outlook: Outlook) -> list[KeepOpenRecord]:
    """Bring the proposed tests in line with tonight's forecasts, and let lapse what nobody has started.

    A category's dark weeks are worth a test while their exit can still be moved, when the margin at stake in
    the whole chain is more than the test costs and the test would tell.
    """
    found = {key: made for key in _near(outlook) if (made := _designed(outlook, *key)) is not None}
    today = outlook.night.business_date
    with outlook.night.service.database.write() as session:
        live = {
            (record.category, record.season_code): record
            for record in session.scalars(
                select(KeepOpenRecord).where(
                    KeepOpenRecord.state.in_((TestState.PROPOSED, TestState.RUNNING))
                )
            )
        }
        for (category, season, leaves), (test, margin) in found.items():
            record = live.pop((category, season), None)
            if record is None:
                session.add(
                    KeepOpenRecord.proposed(
                        test, season_code=season, leaves=leaves.date(), on=today, margin_at_stake=margin
                    )
                )
            elif record.state is TestState.PROPOSED:
                record.redesigned(test, on=today)
        for record in live.values():
            if record.state is TestState.PROPOSED:
                record.lapse()
        session.flush()
        return list(session.scalars(select(KeepOpenRecord).where(KeepOpenRecord.state == TestState.PROPOSED)))


def read_due_tests(outlook: Outlook) -> int:
    """Read the tests whose day has come; returns how many."""
    today = outlook.night.business_date
    with outlook.night.service.database.read() as session:
        due = list(
            session.scalars(
                select(KeepOpenRecord).where(
                    KeepOpenRecord.state == TestState.RUNNING, KeepOpenRecord.reads_on <= today
                )
            )
        )
    for record in due:
        reading = read_keep_open_test(record.test, _panel(outlook, record.category), as_of=today)
        with outlook.night.service.database.write() as session:
            session.get_one(KeepOpenRecord, record.test_id).read(reading)
    return len(due)


def _near(outlook: Outlook) -> list[tuple[str, str, pd.Timestamp]]:
    """Category, season and first exit of the seasons whose exit is near and can still be moved."""
    today = pd.Timestamp(outlook.night.business_date)
    earliest = today + pd.Timedelta(days=outlook.terms.set_lock_days)
    windows = outlook.windows.merge(outlook.products[["sku", "category"]])
    firsts = windows.groupby(["category", "season_code"])["exit"].min().reset_index()
    weeks = firsts["category"].map(lambda name: outlook.policies.of(name).exit_weeks_ahead)
    near = (firsts["exit"] > earliest) & (firsts["exit"] <= today + pd.to_timedelta(weeks * 7, unit="D"))
    return [(str(c), str(s), leaves) for c, s, leaves in firsts[near].itertuples(index=False, name=None)]


def _designed(
    outlook: Outlook, category: str, season: str, leaves: pd.Timestamp
) -> tuple[KeepOpenTest, float] | None:
    """A test worth its cost with the margin it is about; None where there is none."""
    del season
    skus = outlook.series[outlook.series["category"] == category]
    today = pd.Timestamp(outlook.night.business_date)
    ahead = outlook.forecast[outlook.forecast["week"] <= today + _AHEAD].merge(
        skus[["store", "sku", "regular_price", "unit_cost", "salvage"]], on=["store", "sku"]
    )
    dark = ahead[(ahead["week"] > leaves) & ahead["evidence"].isin(DARK)]
    margin = float((dark["mean"] * (dark["regular_price"] - dark["unit_cost"])).sum())
    if not margin > 0:
        return None
    test = design_keep_open_test(
        ahead[["store", "sku", "week", "mean", "evidence"]],
        _panel(outlook, category),
        outlook.stores.loc[outlook.stores["store"].isin(ahead["store"]), ["store", "climate_zone"]],
        skus[["sku", "regular_price", "salvage"]].drop_duplicates("sku"),
        category=category,
        as_of=outlook.night.business_date,
        exit_day=leaves.date(),
        stock=outlook.stock.rename(columns={"on_hand": "units"})[["store", "sku", "units"]],
        cost_cap=outlook.terms.test_cost_cap,
    )
    worth = test.stores and test.standard_error <= WORST_PRECISION and margin > test.expected_cost
    return (test, margin) if worth else None


def _panel(outlook: Outlook, category: str) -> pd.DataFrame:
    quoted = category.replace("'", "''")
    return outlook.night.snapshot.query(f"SELECT {_PANEL} FROM panel WHERE category = '{quoted}'")
