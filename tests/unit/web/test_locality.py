from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from data.records import Store
from web.rendering import words
from web.rendering.locality import Locality, here, written_for

CHAIN = Locality("en_GB", "USD", ZoneInfo("America/New_York"))
MILLION = Decimal(1234567)


@pytest.mark.parametrize(
    ("name", "number", "amount", "day", "hour"),
    [
        ("en_GB", "1,234.5", "$1,234,567", "5 July", "5 July 2026, 23:30 MST"),
        ("en_US", "1,234.5", "$1,234,567", "July 5", "July 5, 2026, 11:30\u202fPM MST"),
        ("en_DE", "1.234,5", "1.234.567\u00a0$", "5 July", "5 July 2026, 23:30 MST"),
        ("en_CH", "1\u2019234.5", "$\u00a01\u2019234\u2019567", "5 July", "5 July 2026, 23:30 MST"),
        ("en_IN", "1,234.5", "$12,34,567", "5 July", "5 July 2026, 11:30\u202fpm MST"),
    ],
)
def test_each_place_has_its_way_of_writing(name: str, number: str, amount: str, day: str, hour: str) -> None:
    at = datetime(2026, 7, 6, 6, 30, tzinfo=UTC)
    with written_for(Locality(name)):
        assert words.number(1234.5, 1) == number
        assert words.money(MILLION) == amount
        assert words.day(date(2026, 7, 5), date(2026, 6, 14)) == day
        assert words.instant(at, ZoneInfo("America/Phoenix")) == hour


@pytest.mark.parametrize(
    ("currency", "told"), [("EUR", "€12.4k"), ("GBP", "£12.4k"), ("CAD", "CA$12.4k"), ("SEK", "SEK12.4k")]
)
def test_a_chain_has_one_currency(currency: str, told: str) -> None:
    with written_for(Locality("en_GB", currency)):
        assert words.short_money(Decimal(12430)) == told


def test_a_little_less_than_nothing_is_nothing() -> None:
    assert [words.number(-0.04, 1), words.number(-0.4), words.money(Decimal("-0.4"))] == ["0.0", "0", "$0"]


def test_a_loss_keeps_its_sign_wherever_it_is_written() -> None:
    told = []
    for name in ("en_US", "en_DE", "en_CH"):
        with written_for(Locality(name)):
            told.append(words.money(Decimal(-1240)))
    assert told == ["-$1,240", "-1.240\u00a0$", "-$\u00a01\u2019240"]


def test_a_store_that_says_nothing_is_where_the_chain_is() -> None:
    assert CHAIN.at(Store(store_id="A", name="A")) == CHAIN
    phoenix = CHAIN.at(Store(store_id="B", name="B", timezone="America/Phoenix", locale="en_US"))
    assert phoenix == Locality("en_US", "USD", ZoneInfo("America/Phoenix"))


def test_what_is_written_afterwards_is_written_as_before() -> None:
    before = here()
    with written_for(Locality("en_US")), pytest.raises(ZeroDivisionError):
        _ = 1 / 0
    with written_for(Locality("en_IN")):
        assert here().name == "en_IN"
    assert here() == before
