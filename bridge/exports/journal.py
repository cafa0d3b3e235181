"""The ledger as a plain-text journal, for beancount and for hledger.

Both check it on their own: each entry must sum to zero, in each currency. Texts come from people
and from Stripe, so they are stripped of whatever means something in either format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import groupby

from bridge.core.ledger.amounts import decimals_of
from bridge.core.ledger.line import Line

# Anything beyond a plain text in one line: control characters, and what the formats read as theirs.
_NOT_PLAIN = re.compile(r'[\x00-\x1f\x7f\x85\u2028\u2029"\\|;]+')
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9-]+")


def account_name(account: str) -> str:
    """`assets:stripe` as beancount writes it: `Assets:Stripe`."""
    parts = (_NOT_IN_A_NAME.sub("-", part).strip("-") or "Other" for part in account.split(":"))
    return ":".join(part[0].upper() + part[1:] for part in parts)


def amount_text(amount_minor: int, currency: str) -> str:
    """`-12.50 EUR`, with all decimals that the currency has."""
    decimals = decimals_of(currency)
    return f"{Decimal(amount_minor).scaleb(-decimals):.{decimals}f} {currency.upper()}"


def beancount(lines: Iterable[Line], accounts: Iterable[str], opened: date) -> Iterator[str]:
    """A beancount file, a piece at a time. `lines` come in order of their entries.

    `accounts`: every account that occurs, opened on `opened`, no later than the first line.
    """
    for account in sorted({account_name(one) for one in accounts}):
        yield f"{opened:%Y-%m-%d} open {account}\n"
    for entry_id, of_entry in groupby(lines, lambda line: line.entry_id):
        entry = list(of_entry)
        yield f'\n{entry[0].at:%Y-%m-%d} * "{_title(entry)}"\n  entry: "{_plain(entry_id)}"\n'
        for name, value in _ids(entry):
            yield f'  {name}: "{_plain(value)}"\n'
        yield from (f"  {_posting(line)}\n" for line in entry)


def hledger(lines: Iterable[Line], accounts: Iterable[str]) -> Iterator[str]:
    """An hledger journal, a piece at a time; every account is declared, so `--strict` holds."""
    seen: set[str] = set()
    for account in sorted({account_name(one) for one in accounts}):
        yield f"account {account}\n"
    for entry_id, of_entry in groupby(lines, lambda line: line.entry_id):
        entry = list(of_entry)
        for currency in sorted({line.currency.upper() for line in entry} - seen):
            seen.add(currency)
            decimals = decimals_of(currency)
            yield f"commodity 1000.{'0' * decimals} {currency}\n"
        tags = ", ".join(f"{name}:{_tag(value)}" for name, value in _ids(entry))
        comment = f"  ; entry:{_tag(entry_id)}" + (f", {tags}" if tags else "")
        yield f"\n{entry[0].at:%Y-%m-%d} * {_title(entry)}{comment}\n"
        yield from (f"    {_posting(line)}\n" for line in entry)


def _posting(line: Line) -> str:
    return f"{account_name(line.account)}  {amount_text(line.amount_minor, line.currency)}"


def _title(entry: list[Line]) -> str:
    """What the entry is about: its sale, or whatever its first line says."""
    told = [line for line in entry if line.kind in ("sale", "refund")] or entry
    return _plain(told[0].what) or "Entry"


def _ids(entry: list[Line]) -> Iterator[tuple[str, str]]:
    first = entry[0]
    ids = {
        "customer": first.customer_id,
        "user": str(first.user_id) if first.user_id is not None else None,
        "invoice": first.invoice_id,
        "payment": first.payment_id,
        "source": first.source_id,
        "corrects": first.corrects,
    }
    return ((name, value) for name, value in ids.items() if value)


def _plain(text: str) -> str:
    return " ".join(_NOT_PLAIN.sub(" ", text).split())


def _tag(text: str) -> str:
    """A tag's value ends at a comma."""
    return _plain(text).replace(",", " ")
