"""Money outside Stripe in the books: its purposes, receipts and reversals."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bridge.core.model.actor import moderator
from bridge.core.rights.paid_by_hand import Payment, Twice
from bridge.operations import ledger
from bridge.operations.payments import record_payment, reverse_payment
from bridge.store import Store, migrate
from bridge.store import ledger as books
from tests.harness import System, system
from tests.system.acts import message_to, page_of
from tests.system.typing_commands import asked, typed

BY = ("--currency", "eur", "--method", "cash", "--by", "mod")
MOD = moderator(1, "command")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        it.advance(2)
        it.user("eve")
        it.settle()
        yield it


def quietly(_what: str, _count: int) -> None:
    """Nobody watches."""


def report(world: System, what: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(typed(world, "export", what, "--reason", "audit"))))


def balances(world: System) -> dict[str, int]:
    ledger.update(world.bridge, quietly)
    with world.bridge.store.read() as connection:
        return {book: amount for (book, _), amount in books.balances(connection).items()}


def recorded(world: System, *lines: str, note: str = "") -> Any:
    said = [word for line in lines for word in ("--line", line)]
    more = ("--note", note) if note else ()
    return asked(world, "record-payment", "eve", *said, *more, *BY)


def test_A56_A57_A62_a_payment_of_several_lines_is_booked_on_the_account_of_each(
    world: System,
) -> None:
    done = recorded(
        world,
        "100.00; Two shares; kind=share; count=2",
        "30.00; For the roof; kind=donation; fund=Roof",
        "11.90; Mug; tax=19; country=de",
        note="envelope 7",
    )
    assert done["amount_minor"] == 14_190
    assert balances(world) == {
        "assets:cash": 14_190,
        "equity:shares": -10_000,
        "income:donation": -3_000,
        "income:other": -1_000,
        "liabilities:tax:de": -190,
    }
    (run,) = asked(world, "register", "shares")["holdings"]
    assert (run["first"], run["last"], run["holder"]) == (1, 2, f"id:{world.user('eve')}")
    assert run["price_minor"] == 10_000
    (fund,) = report(world, "funds")
    assert (fund["fund"], fund["amount_minor"]) == ("Roof", "3000")
    (tax,) = report(world, "taxes")
    assert (tax["country"], tax["rate"], tax["net_minor"], tax["tax_minor"]) == (
        *("DE", "19", "1000", "190"),
    )
    (receipt,) = report(world, "receipts")
    assert (receipt["note"], receipt["amount_minor"]) == ("envelope 7", "14190")
    world.settle()
    for told in (page_of(world, "eve"), message_to(world, "eve")):
        assert "Two shares" in told
        assert "For the roof" in told
        assert "Fund: Roof" in told
        assert "donating €30.00 for Roof" in told
        assert "You hold 2 shares" in told
        assert receipt["number"] in told


def test_A96_a_payment_that_is_taken_back_leaves_nothing_on_any_account_nor_in_the_register(
    world: System,
) -> None:
    done = recorded(world, "50.00; A share; kind=share", "11.90; Mug; tax=19; country=de")
    ledger.update(world.bridge, quietly)
    typed(world, "reverse-payment", done["line"], "--by", "mod", "--yes")
    assert balances(world) == {}
    (run,) = asked(world, "register", "shares")["holdings"]
    assert run["ended_how"] == "withdrawn"
    first, second = report(world, "receipts")
    assert (second["corrects"], first["corrects"]) == (first["line_id"], "")
    assert ledger.rebuild(world.bridge, quietly).verified.broken == ()


def test_money_that_is_given_back_for_a_share_withdraws_it(world: System) -> None:
    recorded(world, "50.00; A share; kind=share")
    recorded(world, "-50.00; A share; kind=share")
    assert balances(world) == {}
    (run,) = asked(world, "register", "shares")["holdings"]
    assert run["ended_how"] == "withdrawn"


def test_receipts_are_numbered_without_gaps_whatever_fails_in_between(world: System) -> None:
    eve = world.user("eve")
    now = world.bridge.clock.now()
    paid = Payment(
        amount_minor=100, currency="eur", what="Soup", method="cash", at=now - timedelta(days=400)
    )

    def record() -> None:
        record_payment(world.bridge, MOD, eve, paid, again=True)

    threads = [threading.Thread(target=record) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pytest.raises(Twice):
        record_payment(world.bridge, MOD, eve, paid)
    first = report(world, "receipts")[0]["line_id"]
    reverse_payment(world.bridge, MOD, first)
    reverse_payment(world.bridge, MOD, first)
    record()
    numbers = [row["number"] for row in report(world, "receipts")]
    assert numbers == [f"{now.year}-{n}" for n in range(1, 11)]


def test_a_line_that_cannot_be_is_refused_and_no_number_is_used(
    world: System, subtests: pytest.Subtests
) -> None:
    for line, says, code in (
        ("25.00", "does not say what it was for", 2),
        ("25.00; Roof; knid=donation", "does not know knid", 2),
        ("25.00; Roof; kind=gift", "kind=gift is none of", 2),
        ("25.00; Roof; tax=much", "are numbers", 2),
        ("25.00; Roof; tax=119", "a tax of 119 % cannot be", 1),
        ("25.00; Roof; country=Germany", "write two letters", 1),
        ("25.00; Roof; count=0", "0 pieces cannot be", 1),
        ("25.001; Roof", "may mean two amounts", 2),
        ("0; Roof", "the amount is zero", 1),
    ):
        with subtests.test(line):
            told = typed(world, "record-payment", "eve", "--line", line, *BY, "--yes", code=code)
            assert says in " ".join(told.split())
            assert report(world, "receipts") == []


def test_lines_that_do_not_add_up_to_the_amount_are_refused(world: System) -> None:
    words = ("--amount", "25.00", "--what", "Roof", "--line", "24.00; Roof")
    told = typed(world, "record-payment", "eve", *words, *BY, "--yes", code=1)
    assert "the lines add up to €24.00, but the payment is €25.00" in " ".join(told.split())


def test_payments_of_before_receipts_had_numbers_are_as_they_were_after_up_and_down(
    empty_database_url: str,
) -> None:
    store = Store(empty_database_url)
    migrate.upgrade(store, NOW, "0023")
    insert = (
        "INSERT INTO money_lines (id, kind, at, amount_minor, currency, what, from_credit_minor,"
        " is_first, recorded_at) VALUES ('hand:1', 'paid', 1, 900, 'eur', 'Cash', 0, :yes, 1)"
    )
    with store.write() as connection:
        connection.execute(text(insert), {"yes": True})
    migrate.upgrade(store, NOW)
    migrate.downgrade(store, "0023")
    migrate.upgrade(store, NOW)
    with store.read() as connection:
        row = connection.execute(text("SELECT amount_minor, receipt_number FROM money_lines")).one()
    assert tuple(row) == (900, None)
    store.close()
