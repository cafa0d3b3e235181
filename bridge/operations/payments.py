"""Cash, cheques and bank transfers that a moderator records: money, right and receipt at once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bridge.core.ledger.lines import MoneyLine
from bridge.core.model.discourse import Group
from bridge.core.model.rights import HandGrant
from bridge.core.rights.terms import Series, follow, of_stays
from bridge.core.rules.values import Term
from bridge.errors import Permanent
from bridge.operations.grants import find_group, find_user, new_id
from bridge.store import changes, facts, hand_grants, statements, work
from bridge.wiring import Bridge

Method = Literal["cash", "cheque", "bank", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What somebody paid outside of Stripe; a negative amount was given back."""

    amount_minor: int
    currency: str
    what: str
    method: Method
    at: datetime


def record_payment(
    bridge: Bridge,
    user_id: int,
    payment: Payment,
    *,
    group_name: str | None,
    end: datetime | Term | None,
    actor: str,
) -> tuple[MoneyLine, HandGrant | None]:
    """Record a payment, and the right to a group that it buys: until `end`, or for good.

    A term begins where what was paid by hand before ends, as with terms bought at Stripe. It is
    never edited: what was recorded wrongly is given back by a line of its own.

    Raises: NotFound for an unknown user or group, Permanent for what cannot be.
    """
    now = bridge.clock.now()
    _refuse_what_cannot_be(payment, group_name, now)
    group = find_group(bridge, group_name) if group_name else None
    find_user(bridge, user_id)
    line = _line(user_id, payment, actor)
    with bridge.store.write() as connection:
        facts.save_money(connection, [line], now)
        given = None
        if group is not None:
            before = of_stays(hand_grants.paid_stays(connection, user_id, group.id))
            until_at = _end(end, payment.at, before, now)
            given = _grant(user_id, group, payment, until_at, actor)
            hand_grants.give(connection, given, now)
        changes.log(
            connection,
            "payment_recorded",
            now=now,
            user_id=user_id,
            group_id=group.id if group else None,
            cause=actor,
            outcome=payment.what,
            detail={"line": line.id, "method": payment.method},
        )
        statements.paid_by_hand(connection, user_id, line, now)
    bridge.hint("decide", work.user_key(user_id))
    bridge.hint("tell", str(user_id))
    return line, given


def _refuse_what_cannot_be(payment: Payment, group_name: str | None, now: datetime) -> None:
    if payment.at > now:
        raise Permanent(f"{payment.at:%Y-%m-%d} is to come: record what was paid")
    if payment.amount_minor == 0:
        raise Permanent("nothing was paid: give a group without money by `bridge grant`")
    if payment.amount_minor < 0 and group_name:
        raise Permanent("what is given back buys no group: take a grant back by `bridge revoke`")


def _line(user_id: int, payment: Payment, actor: str) -> MoneyLine:
    return MoneyLine(
        id=f"hand:{uuid.uuid4()}",
        customer_id=None,
        kind="paid" if payment.amount_minor > 0 else "refunded",
        at=payment.at,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        what=payment.what,
        is_first=True,
        user_id=user_id,
        method=payment.method,
        recorded_by=actor,
    )


def _grant(
    user_id: int, group: Group, payment: Payment, until_at: datetime | None, actor: str
) -> HandGrant:
    return HandGrant(
        new_id(), user_id, group.id, payment.at, until_at, payment.what, actor, "payment"
    )


def _end(
    end: datetime | Term | None, paid_at: datetime, before: Series | None, now: datetime
) -> datetime | None:
    if not isinstance(end, Term):
        return end
    runs = before is not None and before.end_at > now
    return follow(before if runs else None, end, paid_at).end_at
