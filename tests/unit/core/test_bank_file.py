"""Files of banks, whole, odd and broken; and the references that members write on transfers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.bank_file import Columns, read_bank_file
from bridge.core.ledger.references import reference_of, users_named_in
from bridge.errors import Permanent

CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<Ntry><Amt Ccy="EUR">25.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2026-03-02</Dt></BookgDt>
<AcctSvcrRef>B1</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>
<RltdPties><Dbtr><Pty><Nm>Ada Lovelace</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Strd><CdtrRefInf><Ref>{ref}</Ref></CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">12.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><BookgDt><Dt>2026-03-03</Dt></BookgDt>
<AcctSvcrRef>B2</AcctSvcrRef></Ntry>
</Stmt></BkToCstmrStmt></Document>"""
REF = reference_of(12)
COLUMNS = Columns(date="Tag", amount="Betrag", text="Zweck", payer="Name")
CSV = "Auszug\r\nTag;Betrag;Zweck;Name\r\n02.03.2026;1.025,50;{text};M\u00fcller\r\n"


@given(st.integers(1, 10**10 - 1), st.sampled_from(["{}", "x {} y", "Ref. {}!", "{}/2026"]))
def test_A91_a_reference_names_its_member_wherever_it_stands(user_id: int, around: str) -> None:
    assert users_named_in(around.format(reference_of(user_id))) == {user_id}


@given(st.integers(1, 10**9), st.data())
def test_A91_a_reference_with_one_wrong_digit_names_nobody(
    user_id: int, data: st.DataObject
) -> None:
    said = reference_of(user_id)
    places = [n for n, letter in enumerate(said) if letter.isdigit()]
    place = data.draw(st.sampled_from(places))
    wrong = data.draw(st.sampled_from([d for d in "0123456789" if d != said[place]]))
    assert users_named_in(said[:place] + wrong + said[place + 1 :]) == set()


@pytest.mark.parametrize("ref", [REF, REF.lower(), f"{REF[:4]} {REF[4:8]} {REF[8:]} 99"])
def test_A91_camt_gives_transfers_with_their_payer_and_reference(ref: str) -> None:
    came, left = read_bank_file(CAMT.format(ref=ref).encode(), None)
    assert (came.amount_minor, came.currency, came.payer) == (2500, "eur", "Ada Lovelace")
    assert users_named_in(came.text) == {12}
    assert left.amount_minor == -1250


HEAD = "Auszug\r\nTag;Betrag;Zweck;Name\r\n"
ROW = "02.03.2026;1.025,50;Beitrag;M\u00fcller\r\n"
POINTS = replace(COLUMNS, decimal=".")
ENTRY = """<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>
<BookgDt><Dt>2026-03-02</Dt></BookgDt>{parts}</Ntry>"""


def entry(amount: str, *parts: str, currency: str = "EUR", sign: str = "CRDT") -> bytes:
    told = "".join(f"<TxDtls>{part}</TxDtls>" for part in parts)
    text = ENTRY.format(amount=amount, currency=currency, sign=sign, parts=told)
    return f"<Document>{text}</Document>".encode()


# What a file holds -> the amounts and payers that are read from it.
@pytest.mark.parametrize(
    ("data", "columns", "expected"),
    [
        pytest.param((HEAD + ROW).encode(), COLUMNS, [(102550, "M\u00fcller")], id="UTF-8"),
        pytest.param(
            (HEAD + ROW).encode("utf-8-sig"), COLUMNS, [(102550, "M\u00fcller")], id="BOM"
        ),
        pytest.param(
            (HEAD + ROW).encode("cp1252"), COLUMNS, [(102550, "M\u00fcller")], id="Latin-1"
        ),
        pytest.param(
            HEAD.encode() + b"02.03.2026;1 025,50;x;y\n", COLUMNS, [(102550, "y")], id="spaces"
        ),
        pytest.param(
            HEAD.encode() + b"02.03.2026;1'025.50;x;y\n", POINTS, [(102550, "y")], id="Swiss"
        ),
        pytest.param(
            HEAD.encode() + b"02.03.2026;1,025.50;x;y\n", POINTS, [(102550, "y")], id="point"
        ),
        pytest.param(
            HEAD.encode() + b'02.03.2026;-3,00;"a;\nb";y\n', COLUMNS, [(-300, "y")], id="quoted"
        ),
        pytest.param(
            (HEAD + "02.03.2026;\u22123,00;x;y\n").encode(), COLUMNS, [(-300, "y")], id="minus sign"
        ),
        pytest.param(entry("2500", currency="JPY"), None, [(2500, "")], id="no decimals"),
        pytest.param(entry("2500.00", currency="JPY"), None, [(2500, "")], id="no decimals, zeros"),
        pytest.param(entry("25.005", currency="KWD"), None, [(25005, "")], id="three decimals"),
        pytest.param(
            entry("5.00", "<Amt>2.00</Amt><Nm>a</Nm>", "<Amt>3.00</Amt><Nm>b</Nm>"),
            None,
            [(200, "a"), (300, "b")],
            id="two transfers",
        ),
        pytest.param(
            entry("5.00", "<Nm>a</Nm>", "<Nm>b</Nm>"), None, [(500, "a")], id="amounts not told"
        ),
        pytest.param(
            entry("5.00", "<Amt>2.00</Amt>", "<Amt>2.00</Amt>"), None, [(500, "")], id="no sum"
        ),
    ],
)
def test_A91_I6_a_bank_file_is_read_to_the_cent_however_it_is_written(
    data: bytes, columns: Columns | None, expected: list[tuple[int, str]]
) -> None:
    assert [(row.amount_minor, row.payer) for row in read_bank_file(data, columns)] == expected


@given(st.integers(0, 10**6))
def test_A91_a_file_cut_off_anywhere_is_refused_or_read_up_to_a_whole_row(length: int) -> None:
    """Half a row is never read as a row, and ids do not depend on the cut."""
    rows = "".join(f"0{n}.03.2026;{n},00;Beitrag {n};Name\r\n" for n in range(1, 5))
    for whole in ((HEAD + rows).encode(), CAMT.format(ref=REF).encode()):
        known = [one.id for one in read_bank_file(whole, COLUMNS)]
        with suppress(Permanent):
            found = [one.id for one in read_bank_file(whole[: length % len(whole)], COLUMNS)]
            assert found == known[: len(found)]


def test_A91_the_same_transfer_has_the_same_id_and_two_alike_have_two() -> None:
    text = CSV.format(text="Beitrag")
    line = text.splitlines(keepends=True)[-1]
    once, twice = (
        read_bank_file(text.encode(), COLUMNS),
        read_bank_file((text + line).encode(), COLUMNS),
    )
    assert once[0].id == twice[0].id != twice[1].id


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (CAMT[:600].encode(), "cut off"),
        (b"<a>", "cut off"),
        (b"Tag;Betrag;Zweck;Name\r\n02.03.2026;1,00", "line 2"),
        (b"Tag;Betrag;Zweck;Name\r\n02.03.2026;1,00;x;Ad", "line 2 has no end"),
        (b'Tag;Betrag;Zweck;Name\r\n02.03.2026;1,00;x;"Ad', "cut off"),
        (b"Tag;Betrag;Zweck;Name\r\n02.03.2026;1,00;x;\x00\n", "no text"),
        (b"Tag;Betrag;Zweck;Name\r\n02.03.2026;25.00;x;y\n", "line 2.*not an amount"),
        (b"Tag;Betrag;Zweck;Name\r\n02.03.2026;NaN;x;y\n", "line 2.*not an amount"),
        (b"Tag;Betrag;Zweck;Name\r\n02.03.2026;1e5;x;y\n", "line 2.*not an amount"),
        (b"Tag;Betrag;Zweck;Name\r\n02.03.2026;- 3,00;x;y\n", "line 2.*not an amount"),
        (entry("25,00"), "not an amount"),
        (entry("25.001"), "more decimals"),
        (entry("25.00", currency=""), "no currency code"),
        (entry("25.00", sign=""), "neither CRDT nor DBIT"),
        (b"Tag;Betrag;Zweck;Name\r\n2026-03-02;1,00;x;y\r\n", "not a day"),
        (b"Tag;Betrag;Zweck;Name\r\n02.03.2026;much;x;y\r\n", "not an amount"),
        (b"Tag;Betrag;Zweck;Name\r\n02.03.2026;1,005;x;y\r\n", "more decimals"),
        (b"some;other;file\r\n1;2;3", "columns"),
        (b"", "columns"),
        (
            b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Document>&b;</Document>',
            "not complete XML",
        ),
    ],
)
def test_A91_a_broken_file_is_refused_with_what_is_wrong(data: bytes, says: str) -> None:
    with pytest.raises(Permanent, match=says):
        read_bank_file(data, COLUMNS)
