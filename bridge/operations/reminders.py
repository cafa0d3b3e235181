"""Reminds a member of a failed payment with a link to pay, once for each payment."""

from __future__ import annotations

from bridge.core.model.actor import Actor
from bridge.core.model.stripe import FailedPayment
from bridge.errors import NotFound, Permanent
from bridge.operations.finding import find_user
from bridge.store import changes, links, messages
from bridge.texts import gettext
from bridge.wiring import Bridge


def owed(bridge: Bridge, user_id: int, invoice_id: str) -> FailedPayment:
    """What somebody owes, read from Stripe now.

    Raises: NotFound if the account is gone or the invoice is not theirs, Permanent if it is no
    longer owed.
    """
    find_user(bridge, user_id)
    found = bridge.stripe.failed_payment(invoice_id)
    if found is None:
        raise Permanent(
            gettext("%(invoice_id)s is no longer owed: there is nothing to remind them of")
            % {"invoice_id": invoice_id}
        )
    with bridge.store.read() as connection:
        owner = links.user_of(connection, found.customer_id)
    if owner != user_id:
        raise NotFound(
            gettext("%(invoice_id)s is not an invoice of id:%(user_id)s")
            % {"invoice_id": invoice_id, "user_id": user_id}
        )
    return found


def look_at(bridge: Bridge, user_id: int, invoice_id: str) -> FailedPayment:
    """What somebody owes, to remind them of it.

    Raises what `owed` raises, and Permanent if they were already reminded.
    """
    found = owed(bridge, user_id, invoice_id)
    with bridge.store.read() as connection:
        before = messages.reminded(connection, [invoice_id])
    if before:
        raise Permanent(
            gettext("they were reminded on %(before)s already")
            % {"before": f"{before[invoice_id]:%-d %B %Y}"}
        )
    return found


def remind(bridge: Bridge, actor: Actor, user_id: int, invoice_id: str) -> None:
    """Remind a member of what they owe, with a reply in their statement.

    Raises as `look_at` does.
    """
    payment = look_at(bridge, user_id, invoice_id).payment
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        if not messages.remind(connection, user_id, invoice_id, now):
            raise Permanent(gettext("somebody else has just reminded them"))
        changes.log(
            connection,
            "reminded",
            now=now,
            user_id=user_id,
            cause=str(actor),
            outcome=invoice_id,
            detail={"amount_minor": payment.amount_minor, "currency": payment.currency},
        )
    bridge.hint("tell", str(user_id))
