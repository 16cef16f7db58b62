"""Which rows of a file are good, and what is wrong with the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from data.errors import FileRefusedError
from data.feeds.coercion import coerce, coerce_instants
from data.feeds.columns import ColumnKind
from data.feeds.faults import Faults
from data.feeds.reading import alternatives

if TYPE_CHECKING:
    from datetime import date

    from data.feeds.columns import Column, FeedSpec
    from data.feeds.reading import RawFeed
    from data.feeds.references import References
    from data.settings import Settings, Weekday

_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Checked:
    """A file, sorted out.

    `good` holds the rows without a fault, typed, by line: str, Int64, float64, datetime64[us] (instants in
    UTC), missing where a cell is blank; only the columns of the file, and `requested_on` beside
    `requested_at`. `rejects` holds line, column, value and reason, one row per fault. `notes` are remarks on
    good rows that may yet be mistakes.
    """

    good: pd.DataFrame
    rejects: pd.DataFrame
    notes: tuple[str, ...]


def check(
    spec: FeedSpec, raw: RawFeed, references: References, *, settings: Settings, today: date
) -> Checked:
    """Check a file: cell by cell, then across columns, then against the records, then rows against rows.

    Raises:
        FileRefusedError: when all rows are weekly and start on one weekday that is not the chain's.
    """
    faults = Faults()
    misfits = raw.misfits
    faults.add(misfits["line"].to_list(), "", misfits["value"], misfits["reason"])
    typed = _typed(spec, raw.cells, references, settings, faults)
    _check_bounds(spec, raw.cells, typed, faults)
    _check_references(spec, raw.cells, typed, references, faults)
    _check_rules(spec, raw.cells, typed, today, faults)
    _check_weeks(raw.cells, typed, settings.week_starts_on, faults)
    good = typed[~typed.index.isin(faults.lines)]
    good = _without_repeats(spec, raw.cells, good, faults)
    return Checked(good, faults.table(), tuple(_notes(spec, good, references)))


def _typed(
    spec: FeedSpec, cells: pd.DataFrame, references: References, settings: Settings, faults: Faults
) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {}
    for name in cells.columns:
        column, texts = spec.column(name), cells[name]
        if column.kind is ColumnKind.INSTANT:
            stores, _ = coerce(cells["store_id"], spec.column("store_id"))
            zones = _zones(stores, references, settings)
            moments, reasons = coerce_instants(texts, zones, column)
            columns |= {"requested_on": moments["day"], name: moments["instant"]}
        else:
            columns[name], reasons = coerce(texts, column)
        faults.add(reasons.index, name, texts[reasons.index], reasons)
        if column.required:
            blank = texts.index[texts == ""]
            faults.add(blank, name, texts[blank], f"{name}: is missing")
    return pd.DataFrame(columns, index=cells.index)


def _zones(store_ids: pd.Series, references: References, settings: Settings) -> pd.Series:
    chain = settings.timezone.key
    zones = {store: zone or chain for store, zone in references.timezones.items()}
    return store_ids.map(zones).fillna(chain)


def _check_bounds(spec: FeedSpec, cells: pd.DataFrame, typed: pd.DataFrame, faults: Faults) -> None:
    """Hold the typed columns against their bounds and choices, whole columns at a time."""
    # Imported here: it takes a good part of a second, which the command line's other commands need not wait.
    import pandera.pandas as pandera  # noqa: PLC0415

    columns: dict[Any, pandera.Column] = {}
    for name in cells.columns:
        checks = _checks(spec.column(name))
        columns[name] = pandera.Column(nullable=True, checks=checks)
    try:
        pandera.DataFrameSchema(columns).validate(typed, lazy=True)
    except pandera.errors.SchemaErrors as error:
        failures = error.failure_cases
        for (name, says), found in failures.groupby(["column", "check"], sort=False):
            lines = found["index"].astype("int64").to_list()
            faults.add_cells(cells[name], cells.index.to_series().isin(lines), str(says))


def _checks(column: Column) -> list[Any]:
    import pandera.pandas as pandera  # noqa: PLC0415

    day = column.kind in (ColumnKind.DATE, ColumnKind.INSTANT)
    below, above = ("before", "after") if day else ("less than", "more than")
    zone = "UTC" if column.kind is ColumnKind.INSTANT else None
    checks = []
    if column.minimum is not None:
        least = pd.Timestamp(column.minimum, tz=zone) if day else column.minimum
        checks.append(pandera.Check.ge(least, error=f"is {below} {column.minimum}"))
    if column.maximum is not None:
        most = pd.Timestamp(column.maximum, tz=zone) if day else column.maximum
        checks.append(pandera.Check.le(most, error=f"is {above} {column.maximum}"))
    if column.choices:
        checks.append(pandera.Check.isin(column.choices, error=f"is not one of {', '.join(column.choices)}"))
    return checks


def _check_references(
    spec: FeedSpec, cells: pd.DataFrame, typed: pd.DataFrame, references: References, faults: Faults
) -> None:
    for column in spec.columns:
        if column.refers_to and column.name in typed:
            values = typed[column.name]
            unknown = values.notna() & ~values.isin(list(references.known(column.refers_to)))
            faults.add_cells(cells[column.name], unknown, f"is no known {column.refers_to}")


def _check_rules(
    spec: FeedSpec, cells: pd.DataFrame, typed: pd.DataFrame, today: date, faults: Faults
) -> None:
    for rule in spec.rules:
        if set(rule.needs) <= set(cells.columns):
            broken = rule.broken(typed, today).fillna(value=False).astype(bool)
            faults.add_cells(cells[rule.column], broken, rule.reason)
    if spec.one_of:
        told = pd.Series(data=False, index=cells.index)
        for group in spec.one_of:
            if set(group) <= set(cells.columns):
                told |= (cells[list(group)] != "").all(axis="columns")
        silent = cells.index[~told]
        named = spec.one_of[0][0]
        blanks = pd.Series("", index=silent, dtype="str")
        faults.add(silent, named, blanks, f"{named}: a row needs {alternatives(spec)}")


def _check_weeks(cells: pd.DataFrame, typed: pd.DataFrame, starts_on: Weekday, faults: Faults) -> None:
    """Weekly rows must be named by the first day of the chain's week.

    A file of nothing but weeks that all start on another weekday has no bad rows: the chain has a wrong
    setting.
    """
    if "period" not in typed:
        return
    weekly = (typed["period"] == "week") & typed["business_date"].notna()
    weekdays = typed.loc[weekly, "business_date"].dt.day_of_week
    found = weekdays.unique()
    if (typed["period"] == "week").all() and len(found) == 1 and found[0] != starts_on.number:
        given = _WEEKDAYS[int(found[0])]
        raise FileRefusedError(
            f"its weeks start on {given}, the chain's on {starts_on.title()}; "
            f"set INSEASON_WEEK_STARTS_ON={given.lower()} or export weeks from {starts_on.title()}"
        )
    wrong = (weekly & (typed["business_date"].dt.day_of_week != starts_on.number)).fillna(value=False)
    faults.add_cells(
        cells["business_date"], wrong, f"is no {starts_on.title()}, on which the chain's weeks start"
    )


def _without_repeats(spec: FeedSpec, cells: pd.DataFrame, good: pd.DataFrame, faults: Faults) -> pd.DataFrame:
    key = [name for name in spec.key if name in good]
    if not key:
        return good
    filled = good[key].copy()
    for name in key:
        # A blank choice means its default, so that blank and default are the same key.
        if (default := spec.column(name).default) and spec.column(name).choices:
            filled[name] = filled[name].fillna(default)
    repeated = filled.duplicated()
    if not repeated.any():
        return good
    same = filled.groupby(key, dropna=False, sort=False).ngroup()
    first = pd.Series(good.index, index=good.index).groupby(same).transform("first")[repeated]
    lines = good.index[repeated]
    reasons = f"{key[0]}: the row repeats the {' + '.join(key)} of line " + first.astype("str")
    faults.add(lines, key[0], cells.loc[lines, key[0]], reasons)
    return good[~repeated]


def _notes(spec: FeedSpec, good: pd.DataFrame, references: References) -> list[str]:
    """Names that may be new, and may be misspelt."""
    notes = []
    if "category" in good and spec.kind != "products":
        unknown = sorted(set(good["category"].dropna()) - references.categories)
        notes += [f"No product has the category '{name}' yet." for name in unknown]
    if "climate_zone" in good and spec.kind != "stores":
        unknown = sorted(set(good["climate_zone"].dropna()) - references.climate_zones)
        notes += [f"No store has the climate zone '{name}' yet." for name in unknown]
    return notes
