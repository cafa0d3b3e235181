"""Amounts as people read them, and totals that never mix currencies."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.amounts import (
    Total,
    add_up,
    decimals_of,
    find_locale,
    format_minor,
    open_disputes,
    to_minor,
)
from bridge.core.ledger.lines import MoneyKind, MoneyLine

MINUS = "\N{MINUS SIGN}"
FIXED_SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("amount_minor", "currency", "shown"),
    [
        (2500, "eur", "€25.00"),
        (5, "eur", "€0.05"),
        (0, "eur", "€0.00"),
        (-500, "eur", f"{MINUS}€5.00"),
        (1_234_567_89, "usd", "$1,234,567.89"),
        (500, "jpy", "¥500"),
        (12_000, "krw", "₩12,000"),
        (5120, "kwd", "KWD5.120"),
        (1050, "rsd", "RSD10.50"),
        (500, "isk", "ISK5"),
        (500, "ugx", "UGX5"),
        (512, "ugx", "UGX5.12"),
        (10**25 + 1, "EUR", "€100,000,000,000,000,000,000,000.01"),
    ],
)
def test_an_amount_is_written_with_the_decimals_that_stripe_counts_in(
    amount_minor: int, currency: str, shown: str
) -> None:
    assert format_minor(amount_minor, currency) == shown


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("en-GB", "€1,234.50"),
        ("en_US", "€1,234.50"),
        ("de", f"1.234,50{FIXED_SPACE}€"),
        ("nonsense-locale", "€1,234.50"),
        ("", "€1,234.50"),
    ],
)
def test_an_amount_is_written_as_its_reader_expects(locale: str, shown: str) -> None:
    assert format_minor(123_450, "eur", locale) == shown


@pytest.mark.parametrize("currency", ["", "eu", "euro", "e u", '"]x', "€€€", "12a"])
def test_what_is_no_currency_code_is_refused_by_name(currency: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(currency))):
        format_minor(100, currency)


def test_decimals_are_those_of_stripes_numbers() -> None:
    assert [decimals_of(code) for code in ("jpy", "EUR", "kwd", "isk", "xyz")] == [0, 2, 3, 2, 2]


def test_a_locale_is_found_by_both_spellings_and_english_stands_in() -> None:
    assert str(find_locale("en-GB")) == str(find_locale("en_GB")) == "en_GB"
    assert str(find_locale("tlh-XX-!")) == "en"


def line(
    amount_minor: int, currency: str, kind: MoneyKind = "paid", key: str = "in_1"
) -> MoneyLine:
    return MoneyLine(
        key, "cus_1", kind, datetime(2026, 1, 1, tzinfo=UTC), amount_minor, currency, ""
    )


def test_A70_currencies_are_never_summed() -> None:
    totals = add_up(
        [line(2500, "eur"), line(500, "jpy"), line(-500, "EUR", "refunded"), line(100, "usd")]
    )

    assert totals == (Total("EUR", 2500, -500), Total("JPY", 500, 0), Total("USD", 100, 0))
    assert totals[0].net_minor == 2000


def test_a_dispute_and_its_return_cancel_out() -> None:
    (total,) = add_up(
        [line(900, "eur"), line(-900, "eur", "disputed"), line(900, "eur", "dispute_returned")]
    )

    assert (total.paid_minor, total.returned_minor, total.net_minor) == (900, 0, 900)


def test_no_money_is_no_total() -> None:
    assert add_up([]) == ()


KINDS: list[MoneyKind] = ["paid", "refunded", "disputed", "dispute_returned"]


@given(
    st.lists(
        st.tuples(
            st.integers(-(10**12), 10**12), st.sampled_from(["eur", "jpy"]), st.sampled_from(KINDS)
        )
    )
)
def test_I6_totals_tie_to_the_lines_to_the_minor_unit(
    lines: list[tuple[int, str, MoneyKind]],
) -> None:
    totals = add_up(line(*one) for one in lines)

    for total in totals:
        code = total.currency.lower()
        assert total.net_minor == sum(one[0] for one in lines if one[1] == code)


@given(st.integers(-(10**15), 10**15), st.sampled_from(["eur", "jpy", "kwd", "isk", "rsd"]))
def test_no_digit_is_lost_in_writing_an_amount(amount_minor: int, currency: str) -> None:
    digits = re.sub(r"\D", "", format_minor(amount_minor, currency))
    whole_only = currency == "isk" and amount_minor % 100 == 0

    assert int(digits) == abs(amount_minor) // (100 if whole_only else 1)


def test_an_amount_is_read_in_the_decimals_of_its_currency_and_never_rounded() -> None:
    read = [to_minor("25.00", "eur"), to_minor("500", "jpy"), to_minor("-1.5", "kwd")]
    assert read == [2500, 500, -1500]
    for text, currency in (("25.005", "eur"), ("1.5", "jpy"), ("inf", "eur"), ("", "eur")):
        with pytest.raises(ValueError, match=r"amount|decimals"):
            to_minor(text, currency)


def moved(id_: str, kind: MoneyKind, amount: int, from_credit: int = 0) -> MoneyLine:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    return MoneyLine(id_, "cus_1", kind, at, amount, "eur", "X", from_credit_minor=from_credit)


def test_A105_what_is_paid_from_credit_is_not_new_money_and_the_balance_is_told() -> None:
    year = moved("in_1", "paid", 12_000)
    credit = moved("in_2:credit", "credited", 11_000)
    months = [moved(f"in_{n}", "paid", 1000, from_credit=1000) for n in (3, 4, 5)]
    (total,) = add_up([year, credit, *months])
    assert total == Total("EUR", 12_000, 0, credit_minor=8000)
    (later,) = add_up([year, credit, *months, moved("in_9", "paid", 10_000, from_credit=8000)])
    assert later == Total("EUR", 14_000, 0)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=20))
def test_A105_what_was_paid_is_what_was_charged_however_much_credit_paid(
    payments: list[tuple[int, int]],
) -> None:
    lines = [
        moved(f"in_{n}", "paid", charged + credit, credit)
        for n, (charged, credit) in enumerate(payments)
    ]
    assert sum(total.paid_minor for total in add_up(lines)) == sum(paid for paid, _ in payments)


def test_A111_an_open_dispute_is_under_review_until_it_is_decided() -> None:
    paid, taken = moved("ch_1", "paid", 1000), moved("dp_1", "disputed", -1000)
    back = moved("dp_1:returned", "dispute_returned", 900)
    lost = moved("dp_1:lost", "dispute_lost", 0)

    def total(*lines: MoneyLine) -> Total:
        (found,) = add_up(lines, open_disputes(lines))
        return found

    assert total(paid, taken) == Total("EUR", 1000, 0, reviewed_minor=-1000)
    assert total(paid, taken, back) == Total("EUR", 1000, -100)
    assert total(paid, taken, lost) == Total("EUR", 1000, -1000)
    assert total(paid, taken).net_minor == 0
