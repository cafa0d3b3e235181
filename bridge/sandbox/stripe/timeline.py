"""Simulated time: everything that falls due happens in its order, at its own time."""

from __future__ import annotations

from collections.abc import Callable

from bridge.sandbox.kernel import World
from bridge.sandbox.stripe import (
    balance,
    billing_cycle,
    charges,
    checkout,
    holds,
    invoices,
    pausing,
    payments,
    schedules,
)
from bridge.sandbox.stripe.account import Account, account_of
from bridge.sandbox.stripe.invoice_routes import collect_later

DUE: dict[str, Callable[[Account, str], None]] = {
    "advance_invoice": invoices.advance,
    "cancel_at": billing_cycle.cancel_at,
    "checkout_expires": checkout.expire_due,
    "collect_invoice": collect_later,
    "cycle": billing_cycle.cycle,
    "debit_ends": payments.debit_ends,
    "hold_expires": holds.hold_expires,
    "incomplete_expires": billing_cycle.incomplete_expires,
    "invoice_due": invoices.fall_due,
    "money_available": balance.money_available,
    "payout_arrives": balance.payout_arrives,
    "phase": schedules.phase_due,
    "pending_expires": billing_cycle.pending_expires,
    "refund_fails": charges.fail_refund,
    "refund_settles": charges.settle_refund,
    "resume": pausing.resume_due,
    "resume_collection": billing_cycle.resume_collection,
    "retry_invoice": invoices.retry,
    "schedule_expiring": schedules.expiring,
    "trial_will_end": billing_cycle.trial_will_end,
    "upcoming": billing_cycle.upcoming,
}


def run_until(account: Account, until: int, clock: str | None = None) -> None:
    """Do all that is due on a clock, each at its time."""
    request, account.request = account.request, {"id": None, "idempotency_key": None}
    while (next_ := account.due(clock, until)) is not None:
        at, what, id_ = next_
        account.now = at
        DUE[what](account, id_)
    account.request = request
    account.now = until


def tick(world: World) -> None:
    """Catch up with the world's clock."""
    with world.lock:
        run_until(account_of(world), int(world.clock.now()))


def advance(world: World, seconds: float) -> None:
    """Move the world's clock forward and let everything happen that falls due on the way."""
    with world.lock:
        tick(world)
        world.clock.advance(seconds)
        tick(world)
