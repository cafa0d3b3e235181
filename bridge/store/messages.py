"""Messages to members besides their statement, each sent once: receipts, failed payments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, literal, select, update

from bridge.core.ledger.lines import MoneyLine
from bridge.core.memberships.decision import Decision
from bridge.core.model.key import Until
from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Grant, Notice
from bridge.core.model.stripe import PendingPayment, Subscription
from bridge.core.rules.policy import Policy
from bridge.store import inbox, state
from bridge.store.inserts import insert_for
from bridge.store.older import by_bytes, older
from bridge.store.schema.people import users
from bridge.store.schema.work import messages
from bridge.store.statements import STARTED_AT, due, has_statement

UNPAID = "unpaid:"
"""Before an invoice's id: the message that its payment failed, due at that time."""


REMINDER = "reminder:"
"""Before an invoice's id: the reminder that a moderator sent, once."""


@dataclass(frozen=True, slots=True)
class Money:
    """What a reading found about one payer's money.

    New lines, pending payments that appeared or ended, and whether the next payment differs from
    the one announced.
    """

    lines: Sequence[MoneyLine] = ()
    pending: Collection[PendingPayment] = ()
    announced: bool = False


def after_decision(
    connection: Connection,
    policy: Policy,
    user_id: int,
    decision: Decision | None,
    news: Money,
    now: datetime,
) -> None:
    """Schedule the statement to be written or updated, not sooner or more often than it matters.

    The first payment or grant since the bridge's first start begins it; earlier members do not get
    messages in bulk. Most pending payments succeed within seconds, so the message waits to see
    whether they stay.
    """
    fresh = _fresh(connection, news.lines)
    if not has_statement(connection, user_id):
        if fresh or (decision and _fresh_grants(connection, decision)):
            due(connection, user_id, now)
        elif _fresh(connection, news.pending):
            due(connection, user_id, now + timedelta(seconds=policy.statement_quiet_seconds))
        return
    for line in fresh:
        if line.is_first:
            _queue_receipt(connection, user_id, line, now)
    if decision and decision.shifts:
        due(connection, user_id, now + timedelta(seconds=policy.statement_quiet_seconds))
    else:
        # The message may be wrong although nothing moved; comparing costs nothing.
        due(connection, user_id, now + timedelta(seconds=policy.statement_renewal_seconds))


def could_not_be_paid(
    connection: Connection, user_id: int, past_due: Iterable[Subscription], now: datetime
) -> None:
    """Schedule one reply in the message for each failed payment (E5, E6).

    If there is no message yet, the new message says it. This includes payments from before the
    bridge: nobody loses a group because of a payment without having been told (A110).
    """
    found = {
        payment.id: _failed_at(connection, one, payment.id) or now
        for one in past_due
        for payment in one.pending
    }
    for id_, failed_at in found.items():
        connection.execute(
            insert_for(connection)(messages)
            .values(key=f"{UNPAID}{id_}", user_id=user_id, due_at=failed_at)
            .on_conflict_do_nothing()
        )
    if found and not has_statement(connection, user_id):
        due(connection, user_id, now)


def remind(connection: Connection, user_id: int, invoice_id: str, now: datetime) -> bool:
    """Schedule a reminder of an unpaid invoice; False if the member was reminded before."""
    done = connection.execute(
        insert_for(connection)(messages)
        .values(key=f"{REMINDER}{invoice_id}", user_id=user_id, due_at=now)
        .on_conflict_do_nothing()
    )
    if done.rowcount and not has_statement(connection, user_id):
        due(connection, user_id, now)
    return bool(done.rowcount)


def was_sent_again(connection: Connection, user_id: int, now: datetime) -> bool:
    """Whether a member's statement was sent as a new reply today."""
    asked = select(messages.c.key).where(messages.c.key == _again(user_id, now))
    return connection.scalar(asked) is not None


def _again(user_id: int, now: datetime) -> str:
    return f"statement:{user_id}:{now:%Y-%m-%d}"


def send_again(connection: Connection, user_id: int, now: datetime) -> bool:
    """Schedule a member's statement as a new reply; False if that was already done today."""
    done = connection.execute(
        insert_for(connection)(messages)
        .values(key=_again(user_id, now), user_id=user_id, due_at=now)
        .on_conflict_do_nothing()
    )
    return bool(done.rowcount)


def reminded(connection: Connection, invoice_ids: Collection[str]) -> dict[str, datetime]:
    """Invoice -> when its member was reminded, if they were."""
    keys = [f"{REMINDER}{one}" for one in invoice_ids]
    rows = connection.execute(
        select(messages.c.key, messages.c.due_at).where(messages.c.key.in_(keys))
    )
    return {row.key.removeprefix(REMINDER): row.due_at for row in rows}


def _failed_at(
    connection: Connection, subscription: Subscription, invoice_id: str
) -> datetime | None:
    """When a payment failed according to Stripe's event, or else its due date."""
    told = inbox.failed_at(connection, subscription.customer_id, invoice_id)
    return told or subscription.past_due_since_at


def notices(connection: Connection, subscriptions: Iterable[Subscription]) -> dict[str, Notice]:
    """When members were told about each past due subscription that owes something."""
    owed = {
        one.id: [f"{UNPAID}{payment.id}" for payment in one.pending]
        for one in subscriptions
        if one.status == "past_due" and one.pending
    }
    if not owed:
        return {}
    keys = {key for of_one in owed.values() for key in of_one}
    rows = connection.execute(
        select(messages.c.key, messages.c.due_at, messages.c.sent_at).where(
            messages.c.key.in_(keys)
        )
    )
    told = {row.key: (row.due_at, row.sent_at) for row in rows}
    return {id_: _notice([told[key] for key in keys if key in told]) for id_, keys in owed.items()}


def _notice(told: Sequence[tuple[datetime, datetime | None]]) -> Notice:
    """The first of several failures, and the first message about any of them."""
    return Notice(
        failed_at=min((failed_at for failed_at, _ in told), default=None),
        told_at=min((sent_at for _, sent_at in told if sent_at), default=None),
    )


def told_in_statement(connection: Connection, user_id: int, now: datetime) -> bool:
    """Count a new statement as the message about what is owed; returns whether there is one."""
    done = connection.execute(
        update(messages)
        .where(
            messages.c.user_id == user_id,
            messages.c.sent_at.is_(None),
            messages.c.key.startswith(UNPAID, autoescape=True),
        )
        .values(sent_at=now)
    )
    return bool(done.rowcount)


def grace_is_over(
    connection: Connection,
    user_id: int,
    decision: Decision,
    verdicts: Iterable[Grant],
    now: datetime,
) -> None:
    """Schedule the message that the grace period has ended a membership, once (A122)."""
    if not has_statement(connection, user_id):
        return  # the statement that is yet to be written says so
    ended = {one.membership.group_id for one in decision.shifts if one.action == "unwanted"}
    for grant in verdicts:
        if grant.reason == Reason.GRACE_OVER and grant.group_id in ended and grant.share == "own":
            key = f"grace_over:{grant.source_id}:{grant.until_at:%Y-%m-%d}"
            connection.execute(
                insert_for(connection)(messages)
                .values(key=key, user_id=user_id, due_at=now)
                .on_conflict_do_nothing()
            )


def application_decided(
    connection: Connection, user_id: int, step_id: str, *, approved: bool, now: datetime
) -> None:
    """Have a member told that their application was approved or declined (A62).

    An edit of the statement would notify nobody. Where there is none yet, it is begun by whatever
    they pay.
    """
    if not has_statement(connection, user_id):
        return
    key = f"approved:{step_id}" if approved else f"declined:{step_id}"
    connection.execute(
        insert_for(connection)(messages)
        .values(key=key, user_id=user_id, due_at=now)
        .on_conflict_do_nothing()
    )
    due(connection, user_id, now)


def paid_by_hand(connection: Connection, user_id: int, line: MoneyLine, now: datetime) -> None:
    """Schedule the receipt of a payment that a moderator recorded, whatever its day."""
    if line.kind == "paid" and has_statement(connection, user_id):
        _queue_receipt(connection, user_id, line, now)
    due(connection, user_id, now)


def waiting_receipts(connection: Connection, user_id: int) -> list[str]:
    """Keys of receipts that were not sent yet."""
    return list(
        connection.scalars(
            select(messages.c.key)
            .where(messages.c.user_id == user_id, messages.c.sent_at.is_(None))
            .order_by(messages.c.due_at, messages.c.key)
        )
    )


def receipt_sent(connection: Connection, key: str, now: datetime) -> None:
    """Record that a receipt was sent."""
    connection.execute(update(messages).where(messages.c.key == key).values(sent_at=now))


def told(
    connection: Connection, user_id: int, until: Until | None, limit: int
) -> list[tuple[str, datetime]]:
    """What was sent to a user: key and time, the newest first; and the last statement."""
    of = messages.c
    sent = select(of.key, of.sent_at).where(of.user_id == user_id, of.sent_at.is_not(None))
    written = select(literal("written:"), users.c.statement_at).where(
        users.c.user_id == user_id, users.c.statement_at.is_not(None)
    )
    both = sent.union_all(written).subquery()
    key = by_bytes(connection, both.c.key)
    rows = connection.execute(
        select(both)
        .where(*older(both.c.sent_at, key, until))
        .order_by(both.c.sent_at.desc(), key.desc())
        .limit(limit)
    )
    return [(row.key, row.sent_at) for row in rows]


def _queue_receipt(connection: Connection, user_id: int, line: MoneyLine, now: datetime) -> None:
    connection.execute(
        insert_for(connection)(messages)
        .values(key=f"receipt:{line.id}", user_id=user_id, due_at=now)
        .on_conflict_do_nothing()
    )


Payment = TypeVar("Payment", MoneyLine, PendingPayment)


def _fresh(connection: Connection, payments: Iterable[Payment]) -> list[Payment]:
    started_at = state.get_time(connection, STARTED_AT)
    return [one for one in payments if started_at and one.at >= started_at]


def _fresh_grants(connection: Connection, decision: Decision) -> bool:
    started_at = state.get_time(connection, STARTED_AT)
    return any(
        shift.action == "wanted"
        and started_at is not None
        and shift.membership.wanted_since is not None
        and shift.membership.wanted_since >= started_at
        for shift in decision.shifts
    )
