"""A refund of an order of several lines is of those lines, and of no others (A107)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.store import state
from bridge.worker import bookkeeping
from tests.harness import System, system
from tests.system.acts import checkout, confirm, membership, pass_days
from tests.system.typing_commands import asked

WON: Any = {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
LOST: Any = {"evidence": {"uncategorized_text": "losing_evidence"}, "submit": True}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


def ordered(world: System, *prices: str, **more: Any) -> Any:
    """An order of several lines by Checkout."""
    lines = [{"price": price, "quantity": 1} for price in prices]
    return checkout(world, "alice", prices[0], **{"mode": "payment", "line_items": lines, **more})


def refund(world: System, amount: int | None = None, customer: str | None = None) -> Any:
    """Give back some of the newest payment."""
    whose: Any = {"customer": customer} if customer else {}
    charge = world.sdk.v1.charges.list(whose).data[0]
    what: Any = {"charge": charge.id, **({"amount": amount} if amount else {})}
    made = world.sdk.v1.refunds.create(what)
    confirm(world)
    confirm(world)
    return made


def invoiced(world: System, customer: str, *prices: str) -> Any:
    """An invoice made by hand with an item for each price, paid."""
    invoice = world.sdk.v1.invoices.create({"customer": customer})
    for price in prices:
        item: Any = {"customer": customer, "invoice": invoice.id, "pricing": {"price": price}}
        world.sdk.v1.invoice_items.create(item)
    paid = world.sdk.v1.invoices.pay(invoice.id)
    confirm(world)
    return paid


def credited(world: System, invoice: Any, price: str, amount: int, **more: Any) -> None:
    """A credit note on the line of an invoice that sells a price."""
    line = next(line for line in invoice.lines.data if line.pricing.price_details.price == price)
    note: Any = {
        "invoice": invoice.id,
        "lines": [{"type": "invoice_line_item", "invoice_line_item": line.id, "amount": amount}],
        **({"refund_amount": amount} | more),
    }
    world.sdk.v1.credit_notes.create(note)
    confirm(world)
    confirm(world)


def reason(world: System, group: str) -> str:
    """The reason of the verdict that `explain` gives."""
    told = asked(world, "explain", f"id:{world.user('alice')}", "--group", group)
    (found,) = told["groups"]
    return " ".join(str(one["reason"]) for one in found["verdicts"])


def test_A107_A50_a_refund_of_one_line_of_an_order_ends_that_line_alone(world: System) -> None:
    dear, cheap = (
        world.price(group, amount=amount, interval=None)
        for group, amount in (("visitors", 6000), ("choir", 1000))
    )
    ordered(world, dear, cheap)
    confirm(world)
    assert world.groups_of("alice") == {"visitors", "choir"}
    refund(world, 6000)
    assert world.groups_of("alice") == {"choir"}
    assert (reason(world, "visitors"), reason(world, "choir")) == ("refunded", "bought")
    refund(world, 1000)
    assert world.groups_of("alice") == set()


def test_A107_where_a_refund_may_be_of_either_line_a_moderator_decides(world: System) -> None:
    one, other = (world.price(group, interval=None) for group in ("visitors", "choir"))
    ordered(world, one, other)
    confirm(world)
    refund(world, 1000)
    assert world.groups_of("alice") == {"visitors", "choir"}
    holds = [membership(world, "alice", group).hold for group in ("visitors", "choir")]
    assert holds == ["refund_unclear", "refund_unclear"]
    refund(world, 1000)
    assert world.groups_of("alice") == set()


def test_A107_a_share_of_lines_with_different_policies_is_held(world: System) -> None:
    strict = world.price("visitors", amount=6000, interval=None, discourse_on_partial_refund="25%")
    mild = world.price("choir", amount=1000, interval=None)
    ordered(world, strict, mild)
    confirm(world)
    refund(world, 3500)
    assert world.groups_of("alice") == {"visitors", "choir"}
    assert membership(world, "alice", "visitors").hold == "refund_unclear"
    assert membership(world, "alice", "choir").hold is None


def test_A107_a_share_of_lines_with_one_policy_counts_for_each(world: System) -> None:
    half = {"discourse_on_partial_refund": "50%"}
    prices = [
        world.price(group, amount=amount, interval=None, **half)
        for group, amount in (("visitors", 6000), ("choir", 1000))
    ]
    ordered(world, *prices)
    confirm(world)
    refund(world, 2000)
    assert world.groups_of("alice") == {"visitors", "choir"}
    refund(world, 2000)
    assert world.groups_of("alice") == set()


def test_A107_A108_a_refund_of_a_pass_on_a_subscriptions_invoice_leaves_the_subscription(
    world: System,
) -> None:
    monthly = world.price("supporters", discourse_on_refund="end")
    once = world.price("visitors", amount=6000, interval=None)
    customer = world.customer("alice")
    world.subscribe(customer, monthly, add_invoice_items=[{"price": once}])
    confirm(world)
    assert world.groups_of("alice") == {"supporters", "visitors"}
    refund(world, 6000, customer)
    assert world.groups_of("alice") == {"supporters"}
    refund(world, 1000, customer)
    assert world.groups_of("alice") == set()


def test_A107_a_refund_of_the_subscription_leaves_a_pass_of_the_same_invoice(
    world: System,
) -> None:
    monthly = world.price("supporters", discourse_on_refund="end")
    once = world.price("visitors", amount=6000, interval=None)
    lines = [{"price": monthly, "quantity": 1}, {"price": once, "quantity": 1}]
    customer = world.customer("alice")
    checkout(world, "alice", monthly, line_items=lines, customer=customer)
    confirm(world)
    assert world.groups_of("alice") == {"supporters", "visitors"}
    refund(world, 1000, customer)
    assert world.groups_of("alice") == {"visitors"}
    assert reason(world, "supporters") == "refunded"


def test_A107_a_refund_of_one_item_of_a_subscription_leaves_the_others(world: System) -> None:
    low = world.price("supporters", amount=1000, discourse_on_refund="end")
    high = world.price("patrons", amount=5000, discourse_on_refund="end")
    customer = world.customer("alice")
    world.subscribe(customer, low, high)
    confirm(world)
    refund(world, 5000, customer)
    assert world.groups_of("alice") == {"supporters"}


def test_A107_a_credit_note_says_which_of_two_equal_lines_is_refunded(world: System) -> None:
    one, other = (world.price(group, interval=None) for group in ("visitors", "choir"))
    customer = world.customer("alice")
    invoice = invoiced(world, customer, one, other)
    assert world.groups_of("alice") == {"visitors", "choir"}
    credited(world, invoice, other, 1000)
    assert world.groups_of("alice") == {"visitors"}
    assert reason(world, "choir") == "refunded"


def test_A107_a_credit_note_that_comes_later_decides_what_was_held(world: System) -> None:
    one, other = (world.price(group, interval=None) for group in ("visitors", "choir"))
    customer = world.customer("alice")
    invoice = invoiced(world, customer, one, other)
    made = refund(world, 1000, customer)
    assert membership(world, "alice", "choir").hold == "refund_unclear"
    linked = [{"refund": made.id, "amount_refunded": 1000}]
    credited(world, invoice, one, 1000, refund_amount=None, refunds=linked)
    assert world.groups_of("alice") == {"choir"}
    assert membership(world, "alice", "choir").hold is None


def test_A107_a_credit_note_on_a_part_of_a_line_is_no_refund_of_an_equal_line(
    world: System,
) -> None:
    dear = world.price("visitors", amount=6000, interval=None)
    cheap = world.price("choir", interval=None)
    customer = world.customer("alice")
    invoice = invoiced(world, customer, dear, cheap)
    credited(world, invoice, dear, 1000)
    assert world.groups_of("alice") == {"visitors", "choir"}


def test_A107_credit_notes_cost_one_call_and_only_where_there_are_some(world: System) -> None:
    with world.bridge.store.write() as connection:  # the ledger's own looks are counted elsewhere
        later = world.bridge.clock.now() + timedelta(days=99)
        state.put_time(connection, bookkeeping.NEWS_AT, later)
    one, other = (world.price(group, interval=None) for group in ("visitors", "choir"))
    customer = world.customer("alice")
    invoice = invoiced(world, customer, one, other)
    mark = world.mark()
    refund(world, 500, customer)
    assert _readings(world, mark, "/v1/credit_notes", "invoice=") == 0
    mark = world.mark()
    credited(world, invoice, one, 500)
    readings = _readings(world, mark, "/v1/checkout/sessions", "customer=")
    assert _readings(world, mark, "/v1/credit_notes", "invoice=") == readings > 0


def _readings(world: System, since: int, path: str, query: str) -> int:
    calls = world.calls("stripe", since)
    return len([c for c in calls if (c.method, c.path) == ("GET", path) and query in c.query])


def test_A107_E27_a_refund_of_a_line_that_fails_restores_that_line(world: System) -> None:
    dear = world.price("visitors", amount=6000, interval=None)
    cheap = world.price("choir", interval=None)
    ordered(world, dear, cheap, customer=world.customer("alice"), card="pm_card_refundFail")
    confirm(world)
    refund(world, 6000)
    pass_days(world, 1)
    assert {one.status for one in world.sdk.v1.refunds.list().data} == {"failed"}
    assert world.groups_of("alice") == {"visitors", "choir"}


@pytest.mark.parametrize("evidence", [WON, LOST])
def test_A107_E29_E30_a_dispute_is_of_all_lines(world: System, evidence: Any) -> None:
    dear = world.price("visitors", amount=6000, interval=None)
    cheap = world.price("choir", interval=None)
    customer = world.customer("alice")
    ordered(world, dear, cheap, customer=customer, card="pm_card_createDispute")
    confirm(world)
    (dispute,) = world.sdk.v1.disputes.list().data
    world.sdk.v1.disputes.update(dispute.id, evidence)
    confirm(world)
    confirm(world)
    is_won = evidence is WON
    assert world.groups_of("alice") == ({"visitors", "choir"} if is_won else set())
