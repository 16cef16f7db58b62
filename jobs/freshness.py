"""What a night keeps of how fresh the feeds are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data.feeds.freshness import keep_newest_days
from forecaster.rules.muting import late_feeds

if TYPE_CHECKING:
    from jobs.outlook import Outlook


def keep_freshness(outlook: Outlook) -> None:
    """Keep the newest day of every store whose figures are awaited, and whether that is late tonight."""
    late = late_feeds(outlook.situation)
    are_late = set(late[["feed", "store"]].itertuples(index=False, name=None))
    seen = outlook.newest_days[["feed", "store", "last_day"]].itertuples(index=False, name=None)
    rows = [(str(feed), str(store), day.date(), (feed, store) in are_late) for feed, store, day in seen]
    night = outlook.night
    with night.service.database.write() as session:
        keep_newest_days(session, rows, business_date=night.business_date)
