"""Amounts as people type them are read exactly, or refused where they may mean two things."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.amounts import format_minor, main_currency, plain_amount
from bridge.core.ledger.typed_amounts import typed_to_minor


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("12.50", "eur", 1250),
        ("12,50", "eur", 1250),
        ("12,5", "eur", 1250),
        (" 12 ", "eur", 1200),
        ("€12.50", "eur", 1250),
        ("12,50 €", "eur", 1250),
        ("12,50€", "eur", 1250),
        ("EUR 12.50", "eur", 1250),
        ("12.50 eur", "eur", 1250),
        ("12,-", "eur", 1200),
        ("12.\N{EN DASH}", "chf", 1200),
        ("1.234,56 €", "eur", 123_456),
        ("1,234.56", "usd", 123_456),
        ("1 234,56", "eur", 123_456),
        ("1\N{NO-BREAK SPACE}234,56\N{NO-BREAK SPACE}€", "eur", 123_456),
        ("1'234.50", "chf", 123_450),
        ("1.234.567", "eur", 123_456_700),
        ("$12.50", "usd", 1250),
        ("US$12.50", "usd", 1250),
        ("CA$12.50", "cad", 1250),
        ("$12.50", "cad", 1250),
        ("£5", "gbp", 500),
        ("¥1,500", "jpy", 1500),
        ("1,500", "kwd", 1500),
        ("12.505", "kwd", 12_505),
        ("-5.00", "eur", -500),
        ("\N{MINUS SIGN}€5.00", "eur", -500),
        ("€-5", "eur", -500),
    ],
)
def test_what_people_type_is_an_amount(typed: str, currency: str, minor: int) -> None:
    assert typed_to_minor(typed, currency) == minor


@pytest.mark.parametrize(
    ("typed", "currency", "says"),
    [
        ("", "eur", "write it as 12.50"),
        ("twelve", "eur", "write it as 12.50"),
        ("12 and a half", "eur", "write it as 12.50"),
        ("--5", "eur", "write it as 12.50"),
        ("12:50", "eur", "write it as 12.50"),
        ("12.50.", "eur", "write it as 12.50"),
        ("\N{ARABIC-INDIC DIGIT FIVE}", "eur", "write it as 12.50"),
        ("five", "jpy", "write it as 12"),
        ("1.500", "eur", "may mean two amounts"),
        ("1,500", "usd", "may mean two amounts"),
        ("1.2.3", "eur", "may mean two amounts"),
        ("1,23.45", "eur", "may mean two amounts"),
        ("12,3456,78", "eur", "may mean two amounts"),
        ("12.5051", "eur", "more decimals than EUR"),
        ("1.5", "jpy", "more decimals than JPY"),
        ("£12", "eur", "is not an amount in EUR"),
        ("12 USD", "eur", "is not an amount in EUR"),
        ("$12", "eur", "is not an amount in EUR"),
        ("12", "x", "currency"),
    ],
)
def test_what_is_no_amount_or_may_be_two_is_refused(typed: str, currency: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        typed_to_minor(typed, currency)


@given(
    st.integers(-99_999_999, 99_999_999),
    st.sampled_from(["eur", "usd", "gbp", "chf", "sek", "jpy", "kwd", "cad"]),
    st.sampled_from(["en", "en-GB", "de", "fr", "es"]),
)
def test_an_amount_is_read_back_however_it_is_written(
    minor: int, currency: str, locale: str
) -> None:
    for written in (plain_amount(minor, currency), format_minor(minor, currency, locale)):
        assert typed_to_minor(written, currency) == minor, written


@given(st.text(max_size=40))
def test_whatever_is_typed_is_read_or_refused(typed: str) -> None:
    with suppress(ValueError):
        assert isinstance(typed_to_minor(typed, "eur"), int)


def test_a_site_has_the_currency_in_which_it_sells_most() -> None:
    assert main_currency([]) is None
    assert main_currency(["usd", "eur", "eur"]) == "eur"
    assert main_currency(["usd", "eur"]) == "eur"
