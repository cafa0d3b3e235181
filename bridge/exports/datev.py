"""DATEV's posting batch: EXTF, header version 700, category 21, format version 13.

The fields and their order are those of DATEV's own description (developer.datev.de, DATEV-Format,
"Header" and "Buchungsstapel", read 2026-11-28). What the first eight may hold is from there, too;
for the others, and most of the header, it is as public programs write and read them. A posting has
two accounts, so an entry of several lines is several postings with one document number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from bridge.core.ledger.amounts import decimals_of
from bridge.core.ledger.chart import Chart, Target
from bridge.core.ledger.line import Line
from bridge.core.ledger.postings import Posting, postings

ENCODING = "cp1252"
COLUMNS = (
    "Umsatz (ohne Soll/Haben-Kz)",
    "Soll/Haben-Kennzeichen",
    "WKZ Umsatz",
    "Kurs",
    "Basis-Umsatz",
    "WKZ Basis-Umsatz",
    "Konto",
    "Gegenkonto (ohne BU-Schlüssel)",
    "BU-Schlüssel",
    "Belegdatum",
    "Belegfeld 1",
    "Belegfeld 2",
    "Skonto",
    "Buchungstext",
    "Postensperre",
    "Diverse Adressnummer",
    "Geschäftspartnerbank",
    "Sachverhalt",
    "Zinssperre",
    "Beleglink",
    *(f"Beleginfo - {what} {n}" for n in range(1, 9) for what in ("Art", "Inhalt")),
    "KOST1 - Kostenstelle",
    "KOST2 - Kostenstelle",
    "Kost-Menge",
    "EU-Land u. UStID (Bestimmung)",
    "EU-Steuersatz (Bestimmung)",
    "Abw. Versteuerungsart",
    "Sachverhalt L+L",
    "Funktionsergänzung L+L",
    "BU 49 Hauptfunktionstyp",
    "BU 49 Hauptfunktionsnummer",
    "BU 49 Funktionsergänzung",
    *(f"Zusatzinformation{what} {n}" for n in range(1, 21) for what in (" - Art", "- Inhalt")),
    "Stück",
    "Gewicht",
    "Zahlweise",
    "Forderungsart",
    "Veranlagungsjahr",
    "Zugeordnete Fälligkeit",
    "Skontotyp",
    "Auftragsnummer",
    "Buchungstyp",
    "USt-Schlüssel (Anzahlungen)",
    "EU-Land (Anzahlungen)",
    "Sachverhalt L+L (Anzahlungen)",
    "EU-Steuersatz (Anzahlungen)",
    "Erlöskonto (Anzahlungen)",
    "Herkunft-Kz",
    "Buchungs GUID",
    "KOST-Datum",
    "SEPA-Mandatsreferenz",
    "Skontosperre",
    "Gesellschaftername",
    "Beteiligtennummer",
    "Identifikationsnummer",
    "Zeichnernummer",
    "Postensperre bis",
    "Bezeichnung SoBil-Sachverhalt",
    "Kennzeichen SoBil-Buchung",
    "Festschreibung",
    "Leistungsdatum",
    "Datum Zuord. Steuerperiode",
    "Fälligkeit",
    "Generalumkehr (GU)",
    "Steuersatz",
    "Land",
    "Abrechnungsreferenz",
    "BVV-Position",
    "EU-Land u. UStID (Ursprung)",
    "EU-Steuersatz (Ursprung)",
    "Abw. Skontokonto",
)
FILLED = 14
MOST_DOCUMENT, MOST_TEXT, MOST_NAME = 36, 60, 30
_NOT_OF_A_DOCUMENT = re.compile(r"[^A-Za-z0-9$&%*+\-/]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Books:
    """Whose books: the numbers that the tax adviser gives, and when the financial year begins."""

    consultant: int
    client: int
    account_length: int
    year_begins: date


def year_of(day: date, first_month: int) -> date:
    """The first day of the financial year that a day is in."""
    return date(day.year if day.month >= first_month else day.year - 1, first_month, 1)


def batch(
    lines: Iterable[Line], chart: Chart, books: Books, period: tuple[date, date], made_at: datetime
) -> Iterator[str]:
    """The batch of a period within one financial year; `lines` of one currency, by entry."""
    first: Line | None = None
    for entry_id, of_entry in groupby(lines, lambda line: line.entry_id):
        for posting in postings(of_entry):
            if first is None:
                first = posting.debit
                yield from _head(books, period, made_at, first.currency)
            if _target(chart, posting.debit).code == _target(chart, posting.credit).code:
                continue  # one account of theirs stands for both of ours: nothing moves
            yield _row(_fields(entry_id, posting, chart))
    if first is None:
        yield from _head(books, period, made_at, "eur")


def _head(
    books: Books, period: tuple[date, date], made_at: datetime, currency: str
) -> Iterator[str]:
    since, until = period
    made = f"{made_at:%Y%m%d%H%M%S}{made_at.microsecond // 1000:03d}"
    numbers = (books.consultant, books.client, f"{books.year_begins:%Y%m%d}", books.account_length)
    # 1: a batch of postings in financial accounting; 0: it can still be changed when it is read.
    yield _row(
        (
            *(_text("EXTF"), "700", "21", _text("Buchungsstapel"), "13", made, "", _text("")),
            *(_text(""), _text(""), *map(str, numbers), f"{since:%Y%m%d}", f"{until:%Y%m%d}"),
            *(_text(f"Bridge {since:%Y-%m-%d}"[:MOST_NAME]), _text(""), "1", "0", "0"),
            *(_text(currency.upper()), "", _text(""), "", "", _text(""), "", "", _text("")),
            _text(""),
        )
    )
    yield _row(COLUMNS)


def _fields(entry_id: str, posting: Posting, chart: Chart) -> Sequence[str]:
    debit, credit = posting.debit, posting.credit
    told = credit if credit.kind == "sale" else debit
    taken = _target(chart, debit), _target(chart, credit)
    key = next((one.tax for one in taken if one.tax.isdecimal()), "")
    return (
        _amount(posting.amount_minor, debit.currency),
        _text("S"),
        _text(debit.currency.upper()),
        "",
        "",
        _text(""),
        *(one.code for one in taken),
        _text(key.zfill(4)) if key else _text(""),
        f"{debit.at:%d%m}",
        _text(_NOT_OF_A_DOCUMENT.sub("-", entry_id)[:MOST_DOCUMENT]),
        _text(""),
        "",
        _text(told.what[:MOST_TEXT]),
        *[""] * (len(COLUMNS) - FILLED),
    )


def _target(chart: Chart, line: Line) -> Target:
    return chart.find(line.account) or Target(line.account)


def _amount(amount_minor: int, currency: str) -> str:
    """Two decimals and a comma, whatever the currency has."""
    exact = Decimal(amount_minor).scaleb(-decimals_of(currency))
    return f"{exact:.2f}".replace(".", ",")


def _text(text: str) -> str:
    plain = _CONTROL.sub(" ", text).encode(ENCODING, "replace").decode(ENCODING)
    return '"{}"'.format(plain.replace('"', '""'))


def _row(fields: Iterable[str]) -> str:
    return ";".join(fields) + "\r\n"
