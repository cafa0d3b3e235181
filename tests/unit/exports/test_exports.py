"""Files that leave the bridge: read back by those who judge them, whatever people wrote."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from beancount.loader import load_string

from bridge.core.ledger.line import Line
from bridge.core.model.account import MANUAL, OWN
from bridge.exports.journal import amount_text, beancount, hledger
from bridge.exports.tables import COLUMNS, ledger_table

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE = "=cmd|' /C calc'!A0 \"quoted\" \\ back; comment\n2026-01-01 open Assets:Evil\u2028|"


def lines(what: str, currency: str = "eur") -> list[Line]:
    sale = Line("in_1#1", "in_1", "sale", "income:membership", AT, -1234, currency, what)
    owed = Line("in_1#2", "in_1", "sale", "assets:receivable", AT, 1234, currency, what)
    return [sale, owed]


@pytest.mark.parametrize("what", ["Gold", HOSTILE, "", "\x00\x1b[31m", "漢字 ✓", "a" * 5000])
def test_A75_beancount_reads_the_journal_whatever_stands_in_a_name(what: str) -> None:
    found = lines(what)
    text = "".join(beancount(found, {line.account for line in found}, AT.date()))
    entries, problems, _ = load_string(text)
    assert problems == []
    assert len(entries) == 3  # two accounts and one transaction: no text became an entry


@pytest.mark.parametrize(
    ("currency", "text"), [("eur", "-12.34 EUR"), ("jpy", "-1234 JPY"), ("kwd", "-1.234 KWD")]
)
def test_E49_an_amount_has_the_decimals_of_its_currency(currency: str, text: str) -> None:
    assert amount_text(-1234, currency) == text
    assert text in "".join(hledger(lines("Gold", currency), ["income:membership"]))


@pytest.mark.parametrize("first", "=+-@\t\r")
def test_A65_no_text_in_a_csv_is_a_formula(first: str) -> None:
    sold = [(OWN, line) for line in lines(f"{first}SUM(A1)")]
    (header, *rows) = csv.reader(io.StringIO("".join(ledger_table(sold).as_csv())))
    assert header == list(COLUMNS)
    assert all(row[COLUMNS.index("what")].startswith("'") for row in rows)
    assert rows[0][COLUMNS.index("amount_minor")] == "-1234"


def test_A92_json_lines_give_back_what_went_in() -> None:
    (sale, owed) = lines(HOSTILE, "jpy")
    rows = [json.loads(row) for row in ledger_table([(OWN, sale), (MANUAL, owed)]).as_json()]
    assert [row["what"] for row in rows] == [HOSTILE, HOSTILE]
    assert rows[0]["at"] == "2026-03-01T12:00:00Z"
    assert [row["decimals"] for row in rows] == [0, 0]
    assert [(row["provider"], row["provider_account"]) for row in rows] == [OWN, MANUAL]
