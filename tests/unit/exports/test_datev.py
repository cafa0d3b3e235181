"""DATEV's posting batch, held to the expressions of DATEV's own description of each field."""

from __future__ import annotations

import csv
import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.chart import Chart, Target
from bridge.core.ledger.line import Line
from bridge.core.ledger.postings import postings
from bridge.exports.datev import COLUMNS, ENCODING, Books, batch, year_of

AT = datetime(2026, 3, 1, 12, 0, 5, 7000, tzinfo=UTC)
YEAR = date(2026, 1, 1), date(2026, 12, 31)
BOOKS = Books(29098, 55003, 4, date(2026, 1, 1))
CHART = Chart(
    {
        "assets": Target("1360"),
        "assets:receivable": Target("1410"),
        "income": Target("8200", "40"),
        "liabilities": Target("1776"),
        "equity": Target("0880"),
        "expenses": Target("4970"),
    }
)
# Fields 1 to 8 as developer.datev.de describes them ("Buchungsstapel", read 2026-11-28), the others
# as public programs write and read them.
ROW = (
    r"\d{1,10},\d{2}",
    r'"[SH]"',
    r'"[A-Z]{3}"',
    "",
    "",
    r'""',
    r"\d{1,9}",
    r"\d{1,9}",
    r'"(\d{4})?"',
    r"\d{4}",
    r'"[\w$%\-/]{0,36}"',
    r'"[\w$%\-/]{0,12}"',
    "",
    r'".{0,60}"',
)
HEADER = (
    *(r'"EXTF"', "700", "21", r'"Buchungsstapel"', "13", r"20\d{15}", "", r'"[A-Z]{0,2}"'),
    *(r'".{0,25}"', r'".{0,25}"', r"\d{4,7}", r"\d{1,5}", r"20\d{6}", "[4-8]", r"20\d{6}"),
    *(r"20\d{6}", r'"[\w.\-/ ]{0,30}"', r'"([A-Z]{2})?"', "[12]", "(0|30|40|50|64)", "[01]"),
    *(r'"[A-Z]{3}"', "", '""', "", "", '"(\\d{2})?"', "", "", '""', '""'),
)


def line(entry: str, number: int, account: str, amount: int, what: str = "Gold") -> Line:
    return Line(f"{entry}#{number}", entry, "sale", account, AT, amount, "eur", what)


SOLD = [
    line("in_1", 1, "income:membership", -2000),
    line("in_1", 2, "liabilities:tax:de", -380, "VAT"),
    line("in_1", 3, "equity:shares", -5000, 'A "share"; Größe 1 \N{SNOWMAN}\nand more'),
    line("in_1", 4, "assets:receivable", 7380, "Owed"),
]
PAID = [line("txn_1", 1, "assets:stripe", 7300), line("txn_1", 2, "expenses:fees", 80)]
PAID.append(line("txn_1", 3, "assets:receivable", -7380, "Payment"))


def rows(*lines: Line) -> list[list[str]]:
    """Each field as it is written, with its quotation marks."""
    text = "".join(batch(lines, CHART, BOOKS, YEAR, AT))
    assert text.encode(ENCODING).decode(ENCODING) == text
    assert text.endswith("\r\n")
    return [
        re.findall(r'(?:^|;)((?:"(?:[^"]|"")*")|[^;"]*)', row) for row in text.split("\r\n")[:-1]
    ]


def test_A75_the_batch_is_as_datev_describes_it_field_by_field() -> None:
    header, columns, *found = rows(*SOLD, *PAID)
    for expression, field in zip(HEADER, header, strict=True):
        assert re.fullmatch(expression, field), (expression, field)
    assert columns == list(COLUMNS)
    assert len(COLUMNS) == 125
    assert (COLUMNS[36], COLUMNS[113], COLUMNS[124]) == (
        *("KOST1 - Kostenstelle", "Festschreibung", "Abw. Skontokonto"),
    )
    for row in found:
        assert len(row) == len(COLUMNS)
        for expression, field in zip(ROW, row, strict=False):
            assert re.fullmatch(expression, field), (expression, field)


def test_A56_A75_every_line_is_posted_once_shares_on_their_own_account() -> None:
    _, _, *found = rows(*SOLD, *PAID)
    assert [[row[0], row[6], row[7], row[8], row[9], row[10]] for row in found] == [
        ["20,00", "1410", "8200", '"0040"', "0103", '"in-1"'],
        ["3,80", "1410", "1776", '""', "0103", '"in-1"'],
        ["50,00", "1410", "0880", '""', "0103", '"in-1"'],
        ["73,00", "1360", "1410", '""', "0103", '"txn-1"'],
        ["0,80", "4970", "1410", '""', "0103", '"txn-1"'],
    ]
    assert found[2][13] == '"A ""share""; Größe 1 ? and more"'


def test_a_batch_of_nothing_has_its_two_headings_and_what_moves_nothing_is_no_posting() -> None:
    assert len(rows()) == 2
    moved = [line("e", 1, "assets:stripe", 500), line("e", 2, "assets:bank", -500)]
    assert len(rows(*moved)) == 2


@pytest.mark.parametrize(
    ("day", "first_month", "begins"),
    [
        (date(2026, 1, 1), 1, date(2026, 1, 1)),
        (date(2026, 6, 30), 7, date(2025, 7, 1)),
        (date(2026, 7, 1), 7, date(2026, 7, 1)),
    ],
)
def test_a_financial_year_begins_in_its_month(day: date, first_month: int, begins: date) -> None:
    assert year_of(day, first_month) == begins


@given(st.lists(st.integers(-(10**9), 10**9), max_size=12))
def test_postings_give_each_line_exactly_its_amount(amounts: list[int]) -> None:
    amounts = [*amounts, -sum(amounts)]
    lines = [line("e", n, "assets:stripe", amount) for n, amount in enumerate(amounts)]
    got = dict.fromkeys((one.id for one in lines), 0)
    for posting in postings(lines):
        assert posting.amount_minor > 0
        got[posting.debit.id] += posting.amount_minor
        got[posting.credit.id] -= posting.amount_minor
    assert got == {one.id: one.amount_minor for one in lines}


def test_the_batch_is_plain_csv_of_semicolons() -> None:
    text = "".join(batch(SOLD, CHART, BOOKS, YEAR, AT))
    read = list(csv.reader(text.splitlines(), delimiter=";"))
    assert [len(row) for row in read] == [31, 125, 125, 125, 125]
