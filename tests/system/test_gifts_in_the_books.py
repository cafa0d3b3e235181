"""Gifts in the books and on statements: who gave what to whom, and no sum counts it twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from bridge.core.ledger.line import GIFTS, Line
from bridge.core.model.actor import operator
from bridge.core.model.stripe import PRESENT
from bridge.operations import exporting, ledger, registers
from bridge.operations.exporting import Asked
from bridge.store import ledger as store
from bridge.store import presents, work
from bridge.store.presents import Present
from bridge.store.schema.ledger import ledger_lines, money_objects
from tests.harness import DAY, POLICY, System, system
from tests.system.acts import checkout, console_of, message_to, page_of
from tests.system.test_gifts import gift_for, give
from tests.system.typing_commands import typed


@pytest.fixture
def either(tmp_path: Path, database_url: str) -> Iterator[System]:
    """On each database: what is told and merged is found by SQL."""
    with system(tmp_path, database_url=database_url) as it:
        it.advance(2)
        yield it


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


def quietly(_what: str, _count: int) -> None:
    """Nobody watches."""


def gifts_booked(world: System) -> list[Line]:
    with world.bridge.store.read() as connection:
        return [line for line in store.read_lines(connection) if line.kind in GIFTS]


def told(world: System) -> list[tuple[str, int, int | None]]:
    return [(line.kind, line.amount_minor, line.user_id) for line in gifts_booked(world)]


def shown(world: System, user: str) -> list[str]:
    """The member's page and message, brought up to date."""
    world.advance(DAY + 60)
    world.settle()
    return [text.replace("\\", "") for text in (page_of(world, user), message_to(world, user))]


def test_E52_A66_a_given_subscription_and_its_refund_stand_on_both_statements_and_in_the_books(
    either: System,
) -> None:
    world = either
    price = world.price("supporters", interval="year")
    bob = world.user("bob")
    typed(world, "grant", "bob", "supporters", "--until", "2099-01-01", "--by", "mod", "--yes")
    world.settle()
    give(world, world.customer("alice"), price, "bob")
    world.settle()
    ledger.update(world.bridge, quietly)
    assert told(world) == [("gift_given", 1000, None), ("gift_received", -1000, bob)]
    for text in shown(world, "alice"):
        assert "You gave Membership supporters (€10.00) to bob" in text
        assert "Paid in total €10.00" in text
    for text in shown(world, "bob"):
        assert "You received Membership supporters as a gift" in text
        assert "€" not in text
    (charge,) = world.sdk.v1.charges.list({}).data
    world.sdk.v1.refunds.create({"charge": charge.id})
    world.settle()
    ledger.update(world.bridge, quietly)
    assert told(world)[2:] == [("gift_given", -1000, None), ("gift_received", 1000, bob)]
    for text in shown(world, "alice"):
        assert "Refunded or passed on: Membership supporters (€10.00), your gift to bob" in text
    for text in shown(world, "bob"):
        assert "Refunded or passed on: Membership supporters, a gift to you" in text
    found = ledger.check(world.bridge)
    assert (found.findings, found.booked) == ((), found.at_stripe)
    before = gifts_booked(world)
    ledger.rebuild(world.bridge, quietly)
    assert gifts_booked(world) == before
    seen = console_of(world).get(f"/moderate/person/{world.user('alice')}/money").text
    assert "Gift to bob: Membership supporters" in seen
    assert "id:" not in seen


def wrap(world: System, price: str, to: str | None = None, **more: Any) -> Present:
    """A gift that alice has ordered; paid with the metadata that names it."""
    row = Present(
        id="present1",
        giver_id=world.user("alice"),
        receiver_id=world.user(to) if to else None,
        by_link=to is None,
        price_id=price,
        note="",
        begins_at=None,
        created_at=world.bridge.clock.now(),
        **{"is_anonymous": False, **more},
    )
    with world.bridge.store.write() as connection:
        presents.begin(connection, row)
    checkout(world, "alice", price, mode="payment", metadata={PRESENT: row.id})
    world.settle()
    return row


def accept(world: System, row: Present, user: str) -> None:
    now = world.bridge.clock.now()
    with world.bridge.store.write() as connection:
        assert presents.take(connection, row, world.user(user), now)
        needs = ("read", "purchases")
        key = work.user_key(row.giver_id)
        work.mark_dirty(connection, key, now=now, due_at=now, cause="test", needs=needs)
    world.settle()


def test_E52_a_gift_by_link_is_booked_within_minutes_of_being_accepted(world: System) -> None:
    row = wrap(world, world.price("visitors", interval=None, discourse_term="30d"))
    ledger.update(world.bridge, quietly)
    assert told(world) == []
    world.advance(5 * 60)
    world.settle()
    mark = world.mark()
    accept(world, row, "bob")
    world.advance(3 * 60)
    world.settle()
    given, received = gifts_booked(world)
    assert given.at == received.at == taken_at(world, row)
    assert (received.user_id, received.what) == (
        world.user("bob"),
        f"Gift from id:{row.giver_id}: Membership visitors",
    )
    # What is booked then needs no reading of Stripe's lists.
    assert "/v1/balance_transactions" not in {one.path for one in world.calls("stripe", mark)}
    for text in shown(world, "bob"):
        assert "You received Membership visitors from alice" in text
    for text in shown(world, "alice"):
        assert "You gave Membership visitors (€10.00) to bob" in text


def taken_at(world: System, row: Present) -> datetime | None:
    with world.bridge.store.read() as connection:
        found = presents.get(connection, row.id)
    assert found is not None
    return found.taken_at


def test_E52_who_gives_anonymously_is_named_to_nobody_but_the_treasurer(world: System) -> None:
    price = world.price("visitors", interval=None, discourse_term="30d")
    wrap(world, price, "bob", is_anonymous=True)
    ledger.update(world.bridge, quietly)
    (_, received) = gifts_booked(world)
    assert (received.customer_id, received.what) == (None, "Gift: Membership visitors")
    for text in shown(world, "bob"):
        assert "You received Membership visitors as a gift" in text
        assert "alice" not in text
    give(world, world.customer("carol"), world.price("supporters"), "carol")
    world.settle()
    ledger.update(world.bridge, quietly)
    assert "gift" not in page_of(world, "carol"), "what somebody gives themselves is none"
    assert "You gave" not in page_of(world, "carol")
    lines = typed(world, "ledger", "lines", "alice")
    assert f"Gift to id:{world.user('bob')}: Membership visitors" in lines


def test_E52_a_gift_that_is_given_to_somebody_else_stays_as_it_was_and_the_next_is_theirs(
    world: System,
) -> None:
    gift = give(world, world.customer("alice"), world.price("supporters", interval="day"), "bob")
    world.settle()
    world.sdk.v1.subscriptions.update(gift.id, {"metadata": gift_for(world, "carol")})
    world.settle()
    world.advance(DAY + 2 * 3600)
    world.settle()
    ledger.update(world.bridge, quietly)
    users = [line.user_id for line in gifts_booked(world) if line.kind == "gift_received"]
    assert users == [world.user("bob"), world.user("carol")]


def test_A55_E52_a_share_that_is_given_is_its_receivers_in_the_register_too(world: System) -> None:
    share = world.price("", interval=None, amount=5000, discourse_kind="share")
    checkout(world, "alice", share, mode="payment", metadata=gift_for(world, "bob"))
    world.settle()
    ledger.update(world.bridge, quietly)
    held = [one for one in registers.shares(world.bridge).holdings if one.ended_at is None]
    assert [(one.first, one.holder) for one in held] == [(1, f"id:{world.user('bob')}")]
    assert "You hold 1 share." in page_of(world, "bob")


def test_E52_gifts_follow_an_account_that_was_merged(either: System) -> None:
    world = either
    price = world.price("supporters", interval="year")
    give(world, world.customer("alice"), price, "bob")
    world.settle()
    ledger.update(world.bridge, quietly)
    before = gifts_booked(world)
    world.user("robert")
    typed(world, "relink", "bob", "robert", "--by", "mod")
    world.settle()
    ledger.update(world.bridge, quietly)
    assert gifts_booked(world) == before
    assert "You received Membership supporters as a gift" in page_of(world, "robert")
    assert "to robert" in page_of(world, "alice")


def test_E52_gifts_that_an_earlier_version_read_are_booked_by_the_next_pass(world: System) -> None:
    give(world, world.customer("alice"), world.price("supporters", interval="year"), "bob")
    checkout(
        *(world, "alice", world.price("visitors", interval=None)),
        mode="payment",
        metadata=gift_for(world, "bob"),
    )
    world.settle()
    ledger.update(world.bridge, quietly)
    before = gifts_booked(world)
    assert len(before) == 4
    with world.bridge.store.write() as connection:
        connection.execute(delete(money_objects).where(money_objects.c.kind == "gift"))
        connection.execute(delete(ledger_lines).where(ledger_lines.c.kind.in_(GIFTS)))
    assert gifts_booked(world) == []
    ledger.update(world.bridge, quietly)
    assert gifts_booked(world) == before


def test_A74_E52_accounting_software_gets_no_entry_of_a_gift_and_journals_do(
    tmp_path: Path,
) -> None:
    chart = {name: {"code": "100"} for name in ("assets", "income", "expenses")}
    whose = {"consultant": 29098, "client": 55003, "account_length": 4, "first_month": 1}
    with system(tmp_path, policy=replace(POLICY, accounts=chart, datev=whose)) as world:
        give(world, world.customer("alice"), world.price("supporters", interval="year"), "bob")
        world.settle()
        ledger.update(world.bridge, quietly)
        entry = gifts_booked(world)[0].entry_id
        now = world.bridge.clock.now()
        today = Asked(now - timedelta(seconds=60), now)
        for what, is_in in {
            **dict.fromkeys(("beancount", "hledger", "csv", "json"), True),
            **dict.fromkeys(("xero-bank", "xero-invoices", "xero-journals", "datev"), False),
        }.items():
            made = exporting.export(world.bridge, operator("t"), what, today, reason="audit")
            text = "".join(made)
            assert (entry in text) == ("Gift to id:" in text) == is_in, what
