"""Books that an earlier version made, which knew less: they correct themselves after an upgrade."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.core.ledger.entries import ledger as made_of
from bridge.core.ledger.line import Ledger, Line
from bridge.core.ledger.objects import Invoice, MoneyObject
from bridge.core.ledger.products import OTHER
from bridge.operations import ledger, registers
from bridge.sandbox.stripe import delivery
from bridge.store import ledger as store
from bridge.store import migrate, money_objects
from bridge.stripe_api.books import SOURCES
from bridge.worker import reconcile
from tests.harness import System, system
from tests.system.acts import account, checkout
from tests.system.test_ledger_books import check_independently
from tests.system.typing_commands import typed

BEFORE = "0038"
SHIPPED = 400


def quietly(_what: str, _count: int) -> None:
    """Nobody watches."""


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    """A membership with shipping, and a share; booked by a version that read neither."""
    with system(tmp_path, database_url=database_url) as it:
        delivery.lose(it.sandbox.world, 1000)
        share = it.price("", interval=None, amount=5000, discourse_kind="share")
        it.subscribe(it.customer("ann"), it.price("supporters", amount=1000))
        checkout(it, "ben", share, mode="payment")
        (invoice,) = account(it).tables["invoice"].values()
        (line,) = invoice["_lines"]
        cost = {"amount_subtotal": SHIPPED, "amount_tax": 0, "amount_total": SHIPPED, "taxes": []}
        invoice["shipping_cost"] = cost
        line["amount"] = line["subtotal"] = 1000 - SHIPPED
        reconcile.read_catalogue(it.bridge)
        book_as_then(it)
        migrate.downgrade(it.bridge.store, BEFORE)
        migrate.upgrade(it.bridge.store, it.bridge.clock.now())
        yield it


def book_as_then(world: System) -> None:
    now = world.bridge.clock.now()
    pages = [world.bridge.stripe.book_page(one, None) for one in SOURCES]
    objects = [without_shipping(one) for page in pages for one in page.objects]
    with world.bridge.store.write() as connection:
        money_objects.save_objects(connection, objects, now)
        money_objects.find_families(connection)
        for of, family in money_objects.pending_families(connection):
            theirs = money_objects.objects_of(connection, of, [family])[family]
            lines = {family: made_of(theirs, lambda *_: OTHER).lines}
            store.write_lines(connection, of, lines, {}, now)
            money_objects.booked(connection, of, [one.id for one in theirs])


def without_shipping(one: MoneyObject) -> MoneyObject:
    if not isinstance(one, Invoice):
        return one
    return replace(one, lines=tuple(line for line in one.lines if not line.is_shipping))


def all_lines(world: System) -> list[Line]:
    with world.bridge.store.read() as connection:
        return list(store.read_lines(connection))


def balances(world: System) -> dict[str, int]:
    with world.bridge.store.read() as connection:
        return {book: amount for (book, _), amount in store.balances(connection).items()}


def test_I6_books_of_an_earlier_version_are_corrected_by_lines_that_name_what_they_correct(
    world: System,
) -> None:
    before, old = balances(world), all_lines(world)
    assert (before["income:other"], before["equity:suspense"]) == (-5600, -SHIPPED)
    code = ledger.verify(world.bridge).code
    world.advance(60)
    told = typed(world, "ledger", "update")
    assert "2 entries corrected" in told
    now = balances(world)
    sold = {"income:membership": -600, "income:shipping": -SHIPPED, "equity:shares": -5000}
    assert now == {"assets:stripe": before["assets:stripe"], **fees(before), **sold}
    assert ledger.check(world.bridge).findings == ()
    lines = all_lines(world)
    assert lines[: len(old)] == old
    new = lines[len(old) :]
    ids = {line.id for line in old} | {line.entry_id for line in old}
    assert new
    assert all(line.corrects in ids for line in new)
    assert ledger.verify(world.bridge, code).broken == ()
    check_independently(Ledger(tuple(lines), ()))
    (share,) = registers.shares(world.bridge).holdings
    assert (share.first, share.count, share.price_minor) == (1, 1, 5000)
    check_it_stays(world)


def fees(before: dict[str, int]) -> dict[str, int]:
    return {book: amount for book, amount in before.items() if book.startswith("expenses:")}


def check_it_stays(world: System) -> None:
    """Another pass and a rebuild change nothing any more."""
    lines, proven = all_lines(world), ledger.verify(world.bridge)
    again = ledger.update(world.bridge, quietly)
    assert (again.lines, again.corrected, again.findings) == (0, 0, ())
    rebuilt = ledger.rebuild(world.bridge, quietly)
    assert (rebuilt.made.corrected, rebuilt.made.findings) == (0, ())
    assert rebuilt.verified == proven
    assert all_lines(world) == lines


def test_A68_a_rebuild_corrects_old_books_too_and_keeps_what_it_cannot_make_again(
    world: System,
) -> None:
    old = all_lines(world)
    world.advance(60)
    rebuilt = ledger.rebuild(world.bridge, quietly)
    assert rebuilt.made.corrected == 2
    assert rebuilt.verified.broken == ()
    assert all_lines(world)[: len(old)] == old
    assert ledger.check(world.bridge).findings == ()
    check_it_stays(world)


def test_I6_what_stripe_has_no_more_is_told_apart_and_its_lines_stay(world: System) -> None:
    ledger.update(world.bridge, quietly)
    before = all_lines(world)
    tables = account(world).tables
    (charge_id,) = (
        id_
        for id_, one in tables["charge"].items()
        if one["amount"] == 5000  # of ben's order
    )
    of_ben = {charge_id, tables["charge"][charge_id]["balance_transaction"]}
    rows: list[dict[str, Any]] = [tables["charge"], tables["balance_transaction"]]
    for table in rows:
        for id_ in of_ben & table.keys():
            del table[id_]
    found = ledger.rebuild(world.bridge, quietly).made.findings
    assert {one.code for one in found} == {"not_at_stripe"}
    assert all_lines(world) == before
    assert ledger.verify(world.bridge).broken == ()
    assert "not_at_stripe" in typed(world, "ledger", "check", code=1)
