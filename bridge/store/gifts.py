"""What is paid for somebody else, as the ledger needs it: who has it, and since when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from bridge.core.ledger.gifts import noted
from bridge.core.ledger.objects import Gift, Receiver
from bridge.core.model.stripe import PRESENT, Purchase, Subscription, is_guest
from bridge.store import money_objects, presents, users
from bridge.store.own import is_own
from bridge.store.schema.rights import purchases, subscriptions

Thing = Subscription | Purchase


def note(connection: Connection, thing: Thing, now: datetime, *, was_own: bool = False) -> None:
    """Record for the ledger who has this; `was_own`: it was read before and was no gift."""
    receiver_id = thing.beneficiary_id or None
    begun = _begun(connection, thing, now, was_own=was_own)
    known = money_objects.gifts(connection, [begun.id]).get(begun.id)
    last = known.receivers[-1].user_id if known else None
    if last is not None and users.present_account(connection, last) == receiver_id:
        return  # or their account was merged into that one
    gift = noted(known, begun, receiver_id, now)
    if gift is not None and (gift.customer_id or gift.payment_id):
        money_objects.save_objects(connection, [gift], now)


def unrecorded(connection: Connection) -> list[str]:
    """Subscriptions and purchases that an earlier version read as gifts, and did not record."""
    recorded = money_objects.recorded_gifts(connection)
    found: list[str] = []
    for table in (subscriptions, purchases):
        is_given = is_own(table), table.c.beneficiary_id > presents.NOBODY
        ids = connection.scalars(select(table.c.id).where(*is_given))
        found += [id_ for id_ in ids if _name(id_) not in recorded]
    return found


def _name(id_: str) -> str:
    """Lines of one order, `cs_1:li_1`, are one gift."""
    return f"gift:{id_.partition(':')[0]}"


def _begun(connection: Connection, thing: Thing, now: datetime, *, was_own: bool) -> Gift:
    """The gift as it was at its beginning, as far as can be known now."""
    present_id = thing.metadata.get(PRESENT)
    present = presents.get(connection, present_id) if present_id else None
    begun_at = thing.created_at if isinstance(thing, Subscription) else thing.paid_at
    receivers = [Receiver(thing.beneficiary_id, (present and present.taken_at) or begun_at)]
    if was_own:
        receivers = [Receiver(None, begun_at), Receiver(thing.beneficiary_id, now)]
    return Gift(
        id=_name(thing.id),
        of_id=thing.id.partition(":")[0],
        customer_id=None if is_guest(thing.customer_id) else thing.customer_id,
        payment_id=None if isinstance(thing, Subscription) else thing.payment_id,
        receivers=tuple(receivers),
        giver_id=present.giver_id if present and not present.is_anonymous else None,
    )
