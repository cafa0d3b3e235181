"""Amounts in minor units, written as people read them, and added up without mixing currencies."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.numbers import NumberPattern, get_territory_currencies, parse_pattern

from bridge.core.ledger.lines import MoneyLine
from bridge.texts import gettext

# How many decimals an amount in Stripe's API has. This is Stripe's list, not the
# ISO standard: Stripe counts RSD and LAK in hundredths, although no cents are in use.
# Source: https://docs.stripe.com/currencies#zero-decimal and #three-decimal
_NO_DECIMALS = frozenset(
    "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()  # noqa: SIM905 -- as there
)
_THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})

# "Special cases" on that page: counted in hundredths for older integrations, but always whole.
_WHOLE = frozenset({"ISK", "UGX"})

# The most digits of an amount in minor units at Stripe: eight, and more for small units.
# Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
_MOST_DIGITS = 8
_MORE_DIGITS = {"IDR": 12, "COP": 10, "HUF": 10, "KRW": 10, "VND": 10, "LBP": 12, "UZS": 12}

_CURRENCY = re.compile("[A-Z]{3}")


def decimals_of(currency: str) -> int:
    """How many decimals a minor unit of the currency has in Stripe: 0, 2 or 3."""
    code = _code(currency)
    if code in _NO_DECIMALS:
        return 0
    return 3 if code in _THREE_DECIMALS else 2


@lru_cache(maxsize=1024)  # a member pays the same price again and again
def format_minor(amount_minor: int, currency: str, locale: str = "en") -> str:
    """`€25.00`, `¥500`, with a minus in front, never rounded. An unknown locale counts as English.

    The result holds letters, digits, spaces and marks of numbers only, so it is safe in Markdown
    attributes. Raises: ValueError if it is no currency code.
    """
    code = _code(currency)
    decimals = decimals_of(code)
    value = Decimal(amount_minor).scaleb(-decimals)
    shown = 0 if code in _WHOLE and value == value.to_integral_value() else decimals
    reader = find_locale(locale)
    text = _pattern(reader, shown).apply(value, reader, currency=code, currency_digits=False)
    return str(text).replace("-", "\N{MINUS SIGN}")


def format_whole(amount_minor: int, currency: str, locale: str = "en") -> str:
    """The same without its decimals, for what need not be exact: `€3,200`, rounded down."""
    unit = 10 ** decimals_of(currency)
    reader, whole = find_locale(locale), Decimal(amount_minor // unit)
    code = _code(currency)
    text = _pattern(reader, 0).apply(whole, reader, currency=code, currency_digits=False)
    return str(text).replace("-", "\N{MINUS SIGN}")


def is_currency(currency: str, on: date) -> bool:
    """Whether a country uses this currency on a day; none uses `XYZ`, gold or an old currency."""
    return currency.upper() in _in_use(on)


def main_currency(sold_in: Collection[str]) -> str | None:
    """The currency in which most is sold; None if nothing is."""
    times = Counter(sold_in)
    return max(sorted(times), key=times.__getitem__, default=None)


def is_absurd(amount_minor: int, currency: str) -> bool:
    """Whether an amount is larger than Stripe takes: a slip of the keys, not a payment."""
    return len(str(abs(amount_minor))) > _MORE_DIGITS.get(_code(currency), _MOST_DIGITS)


def to_minor(text: str, currency: str) -> int:
    """`25.00` in minor units of the currency. Raises: ValueError for more decimals than it has."""
    try:
        value = Decimal(text.strip()).scaleb(decimals_of(currency))
        minor = int(value)
    except (ArithmeticError, OverflowError) as error:
        raise ValueError(
            gettext("%(text)s is no amount; write it as 25.00") % {"text": repr(text)}
        ) from error
    if minor != value:
        raise ValueError(
            gettext("%(text)s has more decimals than %(currency)s")
            % {"text": repr(text), "currency": currency.upper()}
        )
    return minor


def plain_amount(amount_minor: int, currency: str) -> str:
    """`25.00`, as `to_minor` reads it."""
    decimals = decimals_of(currency)
    return f"{Decimal(amount_minor).scaleb(-decimals):.{decimals}f}"


@lru_cache(maxsize=64)
def find_locale(name: str) -> Locale:
    """The locale by its name, `en-GB` or `en_GB`; English for what nobody knows."""
    try:
        return Locale.parse(name, sep="-" if "-" in name else "_")
    except (UnknownLocaleError, ValueError, TypeError):
        return Locale("en")


@dataclass(frozen=True, slots=True)
class Total:
    """The sums in one currency: paid to Stripe, refunded (0 or negative), and open.

    Payments from credit were paid before, so they do not count again. `reviewed_minor` (0 or
    negative) is disputed and not decided; `credit_minor` is what is left on the customer's balance.
    """

    currency: str
    paid_minor: int
    returned_minor: int
    reviewed_minor: int = 0
    credit_minor: int = 0

    @property
    def net_minor(self) -> int:
        """What the community keeps."""
        return self.paid_minor + self.returned_minor + self.reviewed_minor


def open_disputes(lines: Iterable[MoneyLine]) -> frozenset[str]:
    """The ids of lines for disputed money on which nobody has decided yet."""
    taken, decided = set(), set()
    for line in lines:
        if line.kind == "disputed":
            taken.add(line.id)
        elif line.kind in ("dispute_returned", "dispute_lost"):
            decided.add(line.id.partition(":")[0])
    return frozenset(taken - decided)


def add_up(lines: Iterable[MoneyLine], under_review: Collection[str] = ()) -> tuple[Total, ...]:
    """One total per currency, in the order of their codes; never a sum of two currencies.

    `under_review`: the ids of disputes that are open (`open_disputes`).
    """
    sums: dict[str, dict[str, int]] = {}
    for line in lines:
        of = sums.setdefault(
            _code(line.currency), {"paid": 0, "returned": 0, "reviewed": 0, "credit": 0}
        )
        if line.kind == "paid":
            of["paid"] += line.charged_minor
            of["credit"] -= line.from_credit_minor
        elif line.kind == "credited":
            of["credit"] += line.amount_minor
        else:
            of["reviewed" if line.id in under_review else "returned"] += line.amount_minor
    return tuple(
        Total(code, of["paid"], of["returned"], of["reviewed"], max(0, of["credit"]))
        for code, of in sorted(sums.items())
    )


@lru_cache(maxsize=4)
def _in_use(on: date) -> frozenset[str]:
    territories = get_global("territory_currencies")
    return frozenset(
        code
        for territory in territories
        for code in get_territory_currencies(territory, on, on, tender=True)
    )


@lru_cache(maxsize=64)
def _code(currency: str) -> str:
    code = currency.upper()
    if not _CURRENCY.fullmatch(code):
        raise ValueError(
            gettext("%(currency)s is no currency code of three letters")
            % {"currency": repr(currency)}
        )
    return code


@lru_cache(maxsize=64)
def _pattern(locale: Locale, decimals: int) -> NumberPattern:
    """The locale's pattern for money, with the currency's decimals instead of its own."""
    fraction = f".{'0' * decimals}" if decimals else ""
    return parse_pattern(
        re.sub(r"\.0+", fraction, locale.currency_formats["standard"].pattern, count=1)
    )
