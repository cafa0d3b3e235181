"""Bank files through the running bridge, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.core.ledger.references import reference_of, users_named_in
from bridge.operations import bank
from bridge.store import ledger, money
from tests.harness import OPERATOR, POLICY, System, system
from tests.system.acts import message_to, page_of
from tests.system.typing_commands import asked, typed
from tests.unit.core.test_bank_file import CAMT


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        yield it


def paid(world: System, name: str) -> list[int]:
    with world.bridge.store.read() as connection:
        return [line.amount_minor for line in money.of_user(connection, world.user(name))]


def test_A91_a_file_is_previewed_recorded_once_and_its_leftovers_wait(
    world: System, tmp_path: Path
) -> None:
    file = tmp_path / "statement.xml"
    text = CAMT.format(ref=reference_of(world.user("ada")))
    unknown = text.replace(reference_of(world.user("ada")), "no reference").replace("B1", "B3")
    whole = text.replace(
        "</Stmt>", unknown.split("<Stmt>")[1].split('<Ntry><Amt Ccy="EUR">12')[0] + "</Stmt>"
    )
    file.write_text(whole)
    shown = asked(world, "bank", "import", str(file), "--by", "mod")
    assert [one["state"] for one in shown["transfers"]] == ["matched", "outgoing", "open"]
    assert paid(world, "ada") == []
    for _ in range(2):
        asked(world, "bank", "import", str(file), "--apply", "--by", "mod")
    assert paid(world, "ada") == [2500]
    (left,) = asked(world, "bank")
    assert left["payer"] == "Ada Lovelace"
    world.user("ben")
    typed(world, "bank", "assign", left["id"], "ben", "--by", "mod")
    assert paid(world, "ben") == [2500]
    assert asked(world, "bank") == []
    world.settle()
    world.advance(61)
    world.settle()
    with world.bridge.store.read() as connection:
        booked = [one.amount_minor for one in ledger.read_lines(connection, books=["assets:bank"])]
    assert booked == [2500, 2500]
    assert "waits for a decision" in typed(
        world, "bank", "assign", left["id"], "ben", "--by", "mod", code=1
    )


def test_A91_a_statement_shows_where_to_transfer_money_and_by_which_reference(
    tmp_path: Path,
) -> None:
    garden = "DE89 3704 0044 0532 0130 00, Garden_Club"
    policy = replace(POLICY, bank_account=garden)
    with system(tmp_path, policy=policy) as world:
        world.advance(2)
        world.subscribe(world.customer("ada"), world.price("supporters"))
        world.settle()
        message = message_to(world, "ada")
        for text in (page_of(world, "ada"), message.replace("\\", "").replace("**", "")):
            assert f"send the money to {garden} with your reference RF" in text
            assert users_named_in(text) == {world.user("ada")}


def test_A91_without_an_account_nobody_is_told_to_transfer_money(world: System) -> None:
    world.subscribe(world.customer("ada"), world.price("supporters"))
    world.settle()
    assert "bank transfer" not in page_of(world, "ada")


def test_A91_a_file_that_is_cut_off_records_nothing(world: System, tmp_path: Path) -> None:
    file = tmp_path / "statement.xml"
    file.write_text(CAMT.format(ref=reference_of(world.user("ada")))[:-200])
    said = typed(world, "bank", "import", str(file), "--apply", "--by", "mod", code=1)
    assert "cut off" in said
    assert paid(world, "ada") == []


def test_A91_the_reference_of_somebody_who_is_not_there_waits_for_a_person(world: System) -> None:
    data = CAMT.format(ref=reference_of(987654)).encode()
    found = bank.import_file(world.bridge, OPERATOR, data)
    assert [one.state for one in found] == ["open", "outgoing"]
