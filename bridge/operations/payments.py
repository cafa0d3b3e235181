"""Cash, cheques and bank transfers recorded by a moderator: payment, grant and receipt together."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core.ledger.amounts import main_currency
from bridge.core.ledger.by_hand import sold_line
from bridge.core.ledger.lines import MoneyLine
from bridge.core.memberships.effects import Effect, What
from bridge.core.model.actor import BRIDGE, Actor
from bridge.core.model.discourse import Group, User
from bridge.core.model.rights import HandGrant
from bridge.core.model.words import said
from bridge.core.rights.approval import withheld
from bridge.core.rights.grants import grants
from bridge.core.rights.paid_by_hand import (
    BY_HAND,
    Bought,
    Payment,
    correction_of,
    end_of,
    grant_in_force,
    grant_of,
    line_of,
    refuse_correction,
    refuse_twice,
    refuse_what_cannot_be,
)
from bridge.core.rights.stacking import bought_stays
from bridge.errors import NotFound
from bridge.operations.finding import find_group, find_user
from bridge.operations.grants import revoked
from bridge.operations.preview import effects
from bridge.operations.roles import refuse_handing_out
from bridge.store import (
    Connection,
    by_hand,
    catalogue,
    changes,
    facts,
    hand_grants,
    messages,
    money,
    state,
    users,
    work,
)
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded payment, and the grant for the group that it paid for."""

    user: User
    line: MoneyLine
    grant: HandGrant | None
    group: Group | None


@dataclass(frozen=True, slots=True)
class Reversed:
    """The correcting line, and the grant that was taken back with it.

    Not `is_new`: it was corrected before.
    """

    line: MoneyLine
    corrects: MoneyLine
    grant: HandGrant | None
    is_new: bool


def usual_currency(bridge: Bridge) -> str | None:
    """The currency in which most of what is on sale is sold."""
    with bridge.store.read() as connection:
        products, prices = catalogue.on_sale(connection)
    sold = {one.id for one in products if one.active}
    return main_currency([one.currency for one in prices if one.active and one.product_id in sold])


def preview_payment(
    bridge: Bridge, user_id: int, payment: Payment, bought: Bought | None
) -> tuple[Effect, ...]:
    """What `record_payment` would change in the user's groups.

    Raises the same errors, except Twice.
    """
    refuse_what_cannot_be(payment, bought, bridge.clock.now())
    new = _would_give(bridge, user_id, payment, bought)
    find_user(bridge, user_id)
    return effects(
        bridge, user_id, What(lambda it: replace(it, hand_grants=(*it.hand_grants, *new)))
    )


def refuse_repeated(bridge: Bridge, user_id: int, payment: Payment) -> None:
    """Raises: Twice for a payment that was recorded within a day."""
    with bridge.store.read() as connection:
        known = money.of_user(connection, user_id)
        username = users.names_of(connection, [user_id]).get(user_id) or f"user {user_id}"
    refuse_twice(known, username, line_of(uuid.uuid4(), user_id, payment, BRIDGE))


def waits_for_approval(
    bridge: Bridge, user_id: int, payment: Payment, bought: Bought | None
) -> bool:
    """Whether what `record_payment` would give would wait for a moderator's approval (A62)."""
    new = _would_give(bridge, user_id, payment, bought)
    with bridge.store.read() as connection:
        known, _ = facts.facts_of(connection, user_id)
        rules = bridge.rulebook.rules(connection)
    known = replace(known, hand_grants=(*known.hand_grants, *new))
    ids = {one.id for one in new}
    return bool(ids & withheld(grants(known, rules, bridge.policy, bridge.clock.now())))


def _would_give(
    bridge: Bridge, user_id: int, payment: Payment, bought: Bought | None
) -> tuple[HandGrant, ...]:
    if bought is None:
        return ()
    group = find_group(bridge, bought.group_name)
    with bridge.store.read() as connection:
        until_at = _until(connection, user_id, group, bought, payment.at, bridge)
    return (HandGrant("", user_id, group.id, payment.at, until_at, "", "", "payment"),)


def record_payment(  # noqa: PLR0913 - what is paid and bought, and who says so how
    bridge: Bridge,
    actor: Actor,
    user_id: int,
    payment: Payment,
    bought: Bought | None = None,
    *,
    again: bool = False,
    token: uuid.UUID | None = None,
    reason: str | None = None,
) -> Recorded:
    """Record a payment, and the grant that it buys; `reverse_payment` is the reverse.

    A term begins where the previous payment by hand ends, as with terms bought at Stripe.
    `again`: the same was paid twice within a day. `token`: names the payment, so that recording
    it a second time changes nothing.

    Raises: Twice, NotFound for an unknown user or group, Permanent for an impossible payment.
    """
    now, words = bridge.clock.now(), said(reason)
    refuse_what_cannot_be(payment, bought, now)
    group = find_group(bridge, bought.group_name) if bought else None
    if group is not None:
        refuse_handing_out(bridge, actor, group.name)
    user = find_user(bridge, user_id)
    line = line_of(token or uuid.uuid4(), user_id, payment, actor)
    with bridge.store.write() as connection:
        state.take_turn(connection)
        state.take_turn_about(connection, [user_id])
        if not again:
            refuse_twice(money.of_user(connection, user.id), user.username, line)
        if known := money.line(connection, line.id):
            return Recorded(user, known, None, group)
        line = replace(line, receipt_number=by_hand.next_number(connection, now))
        sold = [sold_line(number, one) for number, one in enumerate(payment.lines, 1)]
        by_hand.record(connection, line, now, sold, payment.note.strip())
        given = None
        if group is not None and bought is not None:
            until_at = _until(connection, user_id, group, bought, payment.at, bridge)
            given = grant_of(line, group, until_at)
            hand_grants.give(connection, given, now)
        _log(connection, "payment_recorded", line, actor, now, words)
        messages.paid_by_hand(connection, user_id, line, now)
    bridge.hint("decide", work.user_key(user_id))
    bridge.hint("tell", str(user_id))
    bridge.hint("book", "by hand")
    return Recorded(user, line, given, group)


def preview_reversal(bridge: Bridge, line_id: str) -> tuple[Effect, ...]:
    """What `reverse_payment` would change in the user's groups. Raises the same errors."""
    with bridge.store.read() as connection:
        line = _by_hand(connection, line_id)
        grant_id = _grant_of(connection, line)
        user_id = users.present_account(connection, line.user_id or 0)
    return effects(
        bridge,
        user_id,
        What(lambda it: revoked(it, grant_id, bridge.clock.now())),
    )


def reverse_payment(
    bridge: Bridge, actor: Actor, line_id: str, *, reason: str | None = None
) -> Reversed:
    """Correct a wrongly recorded payment with a line that names it; its grant ends.

    No line is ever edited. A second time changes nothing. Raises: NotFound for a line that nobody
    recorded by hand, Permanent for a correction.
    """
    now, words = bridge.clock.now(), said(reason)
    with bridge.store.write() as connection:
        state.take_turn(connection)
        line = _by_hand(connection, line_id)
        paid_by = line.user_id or 0
        state.take_turn_about(connection, [paid_by, users.present_account(connection, paid_by)])
        correction = correction_of(line, str(actor), now)
        before = money.line(connection, correction.id)
        is_new = before is None
        if before is None:
            number = by_hand.next_number(connection, now)
            correction = replace(correction, receipt_number=number)
            by_hand.record(connection, correction, now)
        grant = None
        if is_new and line.user_id is not None:
            grant_id = _grant_of(connection, line)
            grant = hand_grants.revoke(
                connection, grant_id, actor=str(actor), now=now, reason=words
            )
            _log(connection, "payment_reversed", correction, actor, now, words)
            messages.paid_by_hand(connection, line.user_id, correction, now)
    if is_new:
        user_id = grant.user_id if grant else line.user_id or 0
        bridge.hint("decide", work.user_key(user_id))
        bridge.hint("tell", str(line.user_id))
        bridge.hint("book", "by hand")
    return Reversed(correction, line, grant, is_new)


def _by_hand(connection: Connection, line_id: str) -> MoneyLine:
    line = money.line(connection, line_id) if line_id.startswith(BY_HAND) else None
    if line is None:
        raise NotFound(
            gettext("no payment %(line_id)s was recorded by hand") % {"line_id": line_id}
        )
    refuse_correction(line)
    return line


def _grant_of(connection: Connection, line: MoneyLine) -> str:
    """The grant in force that a payment bought; a relink gave it another id and owner."""
    user_id = users.present_account(connection, line.user_id or 0)
    return grant_in_force(hand_grants.in_force(connection, user_id), line)


def _until(
    connection: Connection,
    user_id: int,
    group: Group,
    bought: Bought,
    paid_at: datetime,
    bridge: Bridge,
) -> datetime | None:
    known, _ = facts.facts_of(connection, user_id)
    rules, now = bridge.rulebook.rules(connection), bridge.clock.now()
    purchases = bought_stays(grants(known, rules, bridge.policy, now), group.id, paid_at)
    recorded = hand_grants.paid_stays(connection, user_id, group.id)
    return end_of(bought, [*recorded, *purchases], paid_at, now)


def _log(
    connection: Connection,
    action: str,
    line: MoneyLine,
    actor: Actor,
    now: datetime,
    reason: str | None = None,
) -> None:
    why = {"reason": reason} if reason else {}
    changes.log(
        connection,
        action,
        now=now,
        user_id=line.user_id,
        cause=str(actor),
        outcome=line.what,
        detail={
            "line": line.id,
            "method": line.method,
            "amount_minor": line.amount_minor,
            "currency": line.currency,
            **why,
        },
    )
