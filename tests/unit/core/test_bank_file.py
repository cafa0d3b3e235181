"""Files of banks, whole, odd and broken; and the references that members write on transfers."""

from __future__ import annotations

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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_A91_csv_is_read_in_every_encoding_with_a_decimal_comma(encoding: str) -> None:
    (row,) = read_bank_file(CSV.format(text="Beitrag").encode(encoding), COLUMNS)
    assert (row.amount_minor, row.payer, f"{row.at:%Y-%m-%d}") == (
        102550,
        "M\u00fcller",
        "2026-03-02",
    )


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
        (b"Tag;Betrag;Zweck;Name\r\n2026-03-02;1,00;x;y", "not a day"),
        (b"Tag;Betrag;Zweck;Name\r\n02.03.2026;much;x;y", "not an amount"),
        (b"Tag;Betrag;Zweck;Name\r\n02.03.2026;1,005;x;y", "more decimals"),
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
