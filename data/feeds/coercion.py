"""Texts into values, one column at a time, each wrong cell with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import available_timezones

import numpy as np
import pandas as pd

from data.addresses import is_address
from data.feeds.columns import FIRST_DAY, LAST_DAY, ColumnKind
from data.feeds.faults import CONTROL, quoted
from data.settings import english_locales

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.feeds.columns import Column

    Coercer = Callable[[pd.Series, Column], tuple[pd.Series, pd.Series]]

# Whole numbers up to here are exact as floats; the bounds of every column lie far below.
_EXACT: Final = 2.0**53
# Further outside its bounds than any offset reaches, a moment could not be converted and need not be.
_BEYOND: Final = pd.Timedelta(days=7)
# White space other than single spaces.
_UNTIDY: Final = "[\t-\r\x85\xa0\u2028\u2029]|  "
_DECIMAL: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_INSTANT: Final = (
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ](?P<time>[0-9]{2}:[0-9]{2})(?P<seconds>:[0-9]{2})?"
    r"(?:\.[0-9]+)?(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)


def coerce(texts: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    """Understand the cells of a column.

    Args:
        texts: trimmed texts, blank where the cell is; indexed by line.
        column: what the cells should be. Not for instants, see `coerce_instants`.

    Returns:
        The values (missing where blank or wrong), and for the wrong cells only the reasons, both by line.
    """
    if column.kind is ColumnKind.TEXT:
        return _text(texts, column)
    # Cells of a column repeat a great deal (dates, choices, small numbers): understand each text once.
    codes, found = pd.factorize(texts)
    distinct = pd.Series(found, dtype="str")
    values, says = _COERCERS[column.kind](distinct, column)
    wrong = values.isna() & (distinct != "")
    typed = pd.Series(values.take(codes).array, index=texts.index, name=column.name)
    reasons = (f"{column.name}: " + quoted(distinct) + " " + says)[wrong]
    return typed, _spread(reasons, codes, wrong, texts.index)


def _spread(
    reasons: pd.Series, codes: np.ndarray[tuple[int], np.dtype[np.intp]], wrong: pd.Series, lines: pd.Index
) -> pd.Series:
    at = np.flatnonzero(wrong.to_numpy()[codes])
    return pd.Series(reasons.reindex(codes[at]).to_numpy(), index=lines[at], dtype="str")


def coerce_instants(texts: pd.Series, zones: pd.Series, column: Column) -> tuple[pd.DataFrame, pd.Series]:
    """Understand moments, those without an offset in the time zone of their row; a mere day means its noon.

    Args:
        texts: as in `coerce`.
        zones: names of time zones, by line.
        column: the column.

    Returns:
        Columns `instant` (in UTC) and `day` (the local date), and the reasons for the wrong cells, by line.
        A moment far outside the bounds of the column stays outside them, but may be another one.
    """
    parts = texts.where(texts.str.fullmatch(_INSTANT), "").str.extract(_INSTANT)
    clock = parts["time"].fillna("12:00") + parts["seconds"].fillna(":00")
    naive = pd.to_datetime(parts["day"] + " " + clock, format="%Y-%m-%d %H:%M:%S", errors="coerce")
    least, most = pd.Timestamp(column.minimum or FIRST_DAY), pd.Timestamp(column.maximum or LAST_DAY)
    naive = naive.mask(naive < least, least - _BEYOND).mask(naive > most, most + _BEYOND)
    offset = parts["offset"].fillna("")
    instants = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us, UTC]")
    days = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    for zone in zones.unique():
        here = zones == zone
        local = here & (offset == "")
        # The hour that a clock change repeats means its first run, the hour it skips the moment after.
        first = np.ones(int(local.sum()), dtype=bool)
        instants[local] = (
            naive[local]
            .dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
            .dt.tz_convert("UTC")
        )
        told = here & (offset != "")
        instants[told] = (naive[told] - _minutes(offset[told])).dt.tz_localize("UTC")
        days[here] = instants[here].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    wrong = instants.isna() & (texts != "")
    says = " is not a date or moment such as 2025-06-01 or 2025-06-01T14:30"
    reasons = f"{column.name}: " + quoted(texts[wrong]) + says
    return pd.DataFrame({"instant": instants, "day": days}), reasons


def _minutes(offset: pd.Series) -> pd.Series:
    digits = offset.str.replace("Z", "+00:00").str.replace(":", "")
    sign = np.where(digits.str.startswith("-"), -1, 1)
    minutes = digits.str.slice(1, 3).astype("int64") * 60 + digits.str.slice(3, 5).astype("int64")
    return pd.Series(pd.to_timedelta(sign * minutes, unit="min"), index=offset.index)


def _text(texts: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    # Cells repeat a great deal: most often a look at each text once shows that all are as they should be.
    distinct = pd.Series(texts.unique(), dtype="str")
    if distinct.str.contains(_UNTIDY).any():
        texts = _tidied(texts)
    odd = pd.Series(data=False, index=texts.index)
    if distinct.str.contains(CONTROL).any():
        odd = texts.str.contains(CONTROL)
    long = texts.str.len() > column.length
    wrong = texts[odd | long]
    says = _same(wrong, f"is longer than {column.length} characters")
    says = says.mask(odd[wrong.index], "holds a control character")
    reasons = f"{column.name}: " + quoted(wrong) + " " + says
    return texts.where((texts != "") & ~odd & ~long), reasons


def _tidied(texts: pd.Series) -> pd.Series:
    """Line breaks, tabs and several spaces as one space: names of stores stand in the subjects of mails."""
    untidy = texts.str.contains(_UNTIDY)
    return texts.mask(untidy, texts[untidy].map(lambda text: " ".join(text.split())))


def _integer(texts: pd.Series, _column: Column) -> tuple[pd.Series, pd.Series]:
    whole = texts.str.fullmatch(r"[+-]?[0-9]+(?:\.0*)?")
    values = pd.to_numeric(texts.where(whole)).astype("float64").clip(-_EXACT, _EXACT).astype("Int64")
    return values, _same(texts, "is not a whole number")


def _number(texts: pd.Series, _column: Column) -> tuple[pd.Series, pd.Series]:
    plain = texts.str.fullmatch(_DECIMAL + r"(?:[eE][+-]?[0-9]{1,3})?")
    return pd.to_numeric(texts.where(plain)).astype("float64"), _same(texts, "is not a number")


def _money(texts: pd.Series, _column: Column) -> tuple[pd.Series, pd.Series]:
    plain = texts.str.fullmatch(_DECIMAL)
    cents = ~texts.str.fullmatch(r".*\.[0-9]{2}[0-9]*[1-9][0-9]*")
    says = _same(texts, "is not an amount; write digits and a decimal point, such as 19.99")
    values = pd.to_numeric(texts.where(plain & cents)).astype("float64")
    return values, says.where(~plain | cents, "has more than two decimals")


def _date(texts: pd.Series, _column: Column) -> tuple[pd.Series, pd.Series]:
    shaped = texts.str.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
    values = pd.to_datetime(texts.where(shaped), format="%Y-%m-%d", errors="coerce").astype("datetime64[us]")
    says = _same(texts, "is not a date written YYYY-MM-DD")
    return values, says.where(~shaped, "is not a day of the calendar")


def _choice(texts: pd.Series, _column: Column) -> tuple[pd.Series, pd.Series]:
    # Whether it is one of the choices is checked with the bounds of the other columns.
    return texts.str.lower().where(texts != ""), _same(texts, "")


def _timezone(texts: pd.Series, _column: Column) -> tuple[pd.Series, pd.Series]:
    known = texts.isin(list(available_timezones()))
    return texts.where(known), _same(texts, "is not a time zone such as America/Chicago")


def _locale(texts: pd.Series, _column: Column) -> tuple[pd.Series, pd.Series]:
    known = texts.isin(list(english_locales()))
    return texts.where(known), _same(texts, "is not an English locale such as en_US or en_GB")


def _email(texts: pd.Series, _column: Column) -> tuple[pd.Series, pd.Series]:
    plain = texts.map(is_address).astype(bool)
    return texts.where(plain), _same(texts, "is not a mail address such as ann@example.com")


def _same(texts: pd.Series, says: str) -> pd.Series:
    return pd.Series(says, index=texts.index, dtype="str")


_COERCERS: Final[dict[ColumnKind, Coercer]] = {
    ColumnKind.INTEGER: _integer,
    ColumnKind.NUMBER: _number,
    ColumnKind.MONEY: _money,
    ColumnKind.DATE: _date,
    ColumnKind.CHOICE: _choice,
    ColumnKind.TIMEZONE: _timezone,
    ColumnKind.LOCALE: _locale,
    ColumnKind.EMAIL: _email,
}
