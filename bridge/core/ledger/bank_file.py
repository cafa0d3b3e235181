"""Reads bank transfers: camt.053 statements, and CSV with the columns of bridge.toml."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from bridge.core.ledger.amounts import decimals_of
from bridge.errors import Permanent
from bridge.texts import gettext

NOON = time(12, tzinfo=UTC)
_SIGNS = {"CRDT": 1, "DBIT": -1}
# Separators of thousands that banks use, besides a point or comma that is no decimal sign.
_SPACES = " '\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{RIGHT SINGLE QUOTATION MARK}"
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class BankRow:
    """One transfer. `id` stays the same if a later file contains it again."""

    id: str
    at: datetime
    amount_minor: int
    currency: str
    text: str
    payer: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a CSV is which, and how its numbers and days are written."""

    date: str
    amount: str
    text: str
    payer: str = ""
    currency: str = ""
    default_currency: str = "eur"
    delimiter: str = ";"
    decimal: str = ","
    date_format: str = "%d.%m.%Y"


def read_bank_file(data: bytes, columns: Columns | None) -> list[BankRow]:
    """Every transfer of a file, whichever of the formats it is.

    Raises: Permanent for a file that is cut off, or not understood, with the line it is about.
    """
    if data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        rows = _camt(data)
    elif columns is None:
        raise Permanent(
            gettext("this is not camt.053, and [bank] in bridge.toml names no columns of a CSV")
        )
    else:
        rows = _csv(_decoded(data), columns)
    return _with_ids(rows)


def _with_ids(rows: Iterable[BankRow]) -> list[BankRow]:
    """An id for each: the bank's reference, otherwise the row's content and its repetition."""
    seen: Counter[str] = Counter()
    found = []
    for row in rows:
        said = row.id or "|".join(
            (f"{row.at:%Y-%m-%d}", str(row.amount_minor), row.currency, row.text, row.payer)
        )
        seen[said] += 1
        digest = hashlib.sha256(f"{said}|{seen[said]}".encode()).hexdigest()[:32]
        short = replace(row, text=row.text[:LONGEST_TEXT], payer=row.payer[:LONGEST_TEXT])
        found.append(replace(short, id=f"bank_{digest}"))
    return found


# --- camt.053 ------------------------------------------------------------------------------------


def _camt(data: bytes) -> Iterator[BankRow]:
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, DefusedXmlException, ValueError) as error:
        raise Permanent(
            gettext("the file is not complete XML: %(error)s; was it cut off?") % {"error": error}
        ) from error
    for entry in root.iter():
        if _tag(entry) == "Ntry":
            yield from _entries(entry)


def _entries(entry: Any) -> Iterator[BankRow]:
    amount = _child(entry, "Amt")
    if amount is None or amount.text is None:
        raise Permanent(gettext("an entry (Ntry) has no amount (Amt)"))
    currency = str(amount.get("Ccy") or "").lower()
    sign = _SIGNS.get(_text(entry, "CdtDbtInd"))
    if sign is None:
        raise Permanent(
            gettext("an entry of %(text)s says neither CRDT nor DBIT (CdtDbtInd)")
            % {"text": amount.text}
        )
    day = _text(entry, "BookgDt", "Dt") or _text(entry, "ValDt", "Dt")
    at = _day(day or _text(entry, "BookgDt", "DtTm")[:10], "%Y-%m-%d")
    whole = _number(amount.text, ".", currency)
    for part, value in _divided(entry, whole, currency):
        told = [one.text for one in part.iter() if _tag(one) in ("Ustrd", "Ref") and one.text]
        yield BankRow(
            id=_first(part, "AcctSvcrRef") or _first(part, "TxId") or _text(entry, "AcctSvcrRef"),
            at=at,
            amount_minor=sign * value,
            currency=currency,
            text=" ".join(told),
            payer=_first(part, "Nm"),
        )


def _divided(entry: Any, whole: int, currency: str) -> list[tuple[Any, int]]:
    """The transfers of an entry: one, unless each has its amount and they add up to the entry."""
    parts = [one for one in entry.iter() if _tag(one) == "TxDtls"]
    told = [_child(one, "Amt") for one in parts]
    if len(parts) > 1 and all(one is not None and one.text for one in told):
        values = [_number(one.text, ".", currency) for one in told]
        if sum(values) == whole:
            return list(zip(parts, values, strict=True))
    return [(parts[0] if len(parts) == 1 else entry, whole)]


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _child(element: Any, name: str) -> Any:
    return next((one for one in element if _tag(one) == name), None)


def _text(element: Any, *names: str) -> str:
    for name in names:
        element = _child(element, name)
        if element is None:
            return ""
    return (element.text or "").strip()


def _first(element: Any, name: str) -> str:
    """The first text under a name, at any depth; `NOTPROVIDED` says nothing."""
    texts = (one.text.strip() for one in element.iter() if _tag(one) == name and one.text)
    return next((text for text in texts if text != "NOTPROVIDED"), "")


# --- CSV -----------------------------------------------------------------------------------------


def _decoded(data: bytes) -> str:
    """UTF-8 with or without its mark; else Latin-1, as older banks write it."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _csv(text: str, columns: Columns) -> Iterator[BankRow]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=columns.delimiter, strict=True)
    wanted = [name for name in (columns.date, columns.amount, columns.text) if name]
    header: Sequence[str] | None = None
    for line in _whole_lines(text, reader):
        if header is None:
            names = [name.strip() for name in line]
            header = names if set(wanted) <= set(names) else None
            continue
        if any(cell.strip() for cell in line):
            yield _csv_row(header, line, columns, reader.line_num)
    if header is None:
        raise Permanent(
            gettext("no line has the columns %(columns)s; check [bank] in bridge.toml")
            % {"columns": ", ".join(wanted)}
        )
    if not text.endswith(("\n", "\r")):
        raise Permanent(
            gettext(
                "line %(line_num)s has no end: is the file cut off? If it is whole, add a line "
                "break at its end"
            )
            % {"line_num": reader.line_num}
        )


def _whole_lines(text: str, reader: Iterator[list[str]]) -> Iterator[list[str]]:
    if "\x00" in text:
        raise Permanent(gettext("the file is no text: save it as CSV in UTF-8 or Latin-1"))
    try:
        yield from reader
    except csv.Error as error:
        raise Permanent(
            gettext("the file is no whole CSV (%(error)s): is it cut off?") % {"error": error}
        ) from error


def _csv_row(header: Sequence[str], line: Sequence[str], columns: Columns, number: int) -> BankRow:
    if len(line) < len(header):
        raise Permanent(
            gettext("line %(number)s has %(count)s of %(expected)s columns: is it cut off?")
            % {"number": number, "count": len(line), "expected": len(header)}
        )
    cells: Mapping[str, str] = dict(zip(header, (cell.strip() for cell in line), strict=False))
    currency = (cells.get(columns.currency, "") or columns.default_currency).lower()
    try:
        return BankRow(
            id="",
            at=_day(cells[columns.date], columns.date_format),
            amount_minor=_number(cells[columns.amount], columns.decimal, currency),
            currency=currency,
            text=cells[columns.text],
            payer=cells.get(columns.payer, ""),
        )
    except Permanent as error:
        raise Permanent(
            gettext("line %(number)s: %(error)s") % {"number": number, "error": error}
        ) from error


def _day(text: str, written: str) -> datetime:
    try:
        day: date = datetime.strptime(text, written).date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise Permanent(
            gettext("%(text)s is not a day as %(written)s")
            % {"text": repr(text), "written": written}
        ) from error
    return datetime.combine(day, NOON)


def _number(text: str, decimal: str, currency: str) -> int:
    """An amount in minor units. A separator of thousands must have three digits after it."""
    thousands = _SPACES + ("." if decimal == "," else ",")
    plain = text.strip().replace("\N{MINUS SIGN}", "-")
    number = rf"[+-]?(\d+|\d{{1,3}}([{re.escape(thousands)}]\d{{3}})+)({re.escape(decimal)}\d+)?"
    if not re.fullmatch(number, plain, re.ASCII):
        raise Permanent(
            gettext("%(text)s %(currency)s is not an amount with %(decimal)s for cents")
            % {"text": repr(text), "currency": currency.upper(), "decimal": repr(decimal)}
        )
    digits = re.sub(f"[{re.escape(thousands)}]", "", plain).replace(decimal, ".")
    try:
        value = Decimal(digits).scaleb(decimals_of(currency))
    except ValueError as error:
        raise Permanent(str(error)) from error
    if value != value.to_integral_value():
        raise Permanent(
            gettext("%(text)s has more decimals than %(currency)s")
            % {"text": repr(text), "currency": currency.upper()}
        )
    return int(value)
