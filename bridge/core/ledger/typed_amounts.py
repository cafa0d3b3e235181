"""Amounts as people type them: `12,50`, `€12.50`, `1.234,56 EUR`, `12,-`."""

from __future__ import annotations

import re

from babel.numbers import get_currency_symbol

from bridge.core.ledger.amounts import decimals_of, plain_amount, to_minor

_MINUS = "\\-\N{MINUS SIGN}\N{EN DASH}"
_APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}"
_MARK = rf"[^0-9\s.,{_APOSTROPHES}{_MINUS}]{{0,4}}"
_TYPED = re.compile(
    rf"(?P<minus>[{_MINUS}]?)\s*(?P<before>{_MARK})\s*(?P<late_minus>[{_MINUS}]?)"
    rf"(?P<number>[0-9](?:[0-9\s.,{_APOSTROPHES}]{{0,28}}[0-9])?)(?:[.,][{_MINUS}]{{1,2}})?"
    rf"\s*(?P<after>{_MARK})"
)


def typed_to_minor(text: str, currency: str) -> int:
    """The amount in minor units of the currency.

    Raises: ValueError for what is no amount, is of another currency, or may mean two amounts, as
    `1.500` may.
    """
    example = plain_amount(1250 if decimals_of(currency) else 12, currency)
    found = _TYPED.fullmatch(text.strip())
    if found is None or (found["minus"] and found["late_minus"]):
        raise ValueError(f"{text.strip()[:40]!r} is no amount; write it as {example}")
    marks = [found[one] for one in ("before", "after") if found[one]]
    if not all(_names(mark, currency) for mark in marks):
        raise ValueError(f"{text.strip()!r} is not an amount in {currency.upper()}")
    plain = _plain(re.sub(rf"[\s{_APOSTROPHES}]", "", found["number"]), decimals_of(currency))
    if plain is None:
        raise ValueError(f"{text.strip()!r} may mean two amounts; write it as {example}")
    is_negative = bool(found["minus"] or found["late_minus"])
    return to_minor(f"-{plain}" if is_negative else plain, currency)


def _plain(number: str, decimals: int) -> str | None:
    """`1.234,56` as `1234.56`; None where the separator may be of either kind."""
    last = max(number.rfind("."), number.rfind(","))
    if last < 0:
        return number
    mark, other = number[last], "," if number[last] == "." else "."
    whole, fraction = number[:last], number[last + 1 :]
    looks_grouped = len(fraction) == len("000") and 0 < len(whole.split(mark)[0]) <= len("000")
    if mark in whole:  # several of the same kind group the digits
        return None if other in number else _joined(number, mark)
    if other in whole:
        joined = _joined(whole, other)
        return None if joined is None else f"{joined}.{fraction}"
    if looks_grouped and decimals == 0:
        return whole + fraction
    return None if looks_grouped and decimals != len("000") else f"{whole}.{fraction}"


def _joined(number: str, mark: str) -> str | None:
    first, *groups = number.split(mark)
    is_grouped = 0 < len(first) <= len("000") and all(len(one) == len("000") for one in groups)
    return first + "".join(groups) if is_grouped else None


def _names(mark: str, currency: str) -> bool:
    """Whether `€`, `EUR`, `US$` or `$US` means this currency."""
    code, symbol = currency.upper(), get_currency_symbol(currency.upper(), "en")
    if mark.upper() in (code, symbol.upper()):
        return True
    letters = "".join(one for one in mark if one.isascii() and one.isalpha())
    sign = mark.replace(letters, "") if letters else mark
    return bool(sign) and symbol.endswith(sign) and code.startswith(letters.upper())
