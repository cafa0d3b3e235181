"""Cash, cheques and bank transfers that a moderator records: money, right and receipt at once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from bridge.core.ledger.amounts import format_minor, is_absurd, is_currency
from bridge.core.ledger.by_hand import HandLine, sold_line
from bridge.core.ledger.lines import MoneyLine, MoneyPart
from bridge.core.model.actor import Actor
from bridge.core.model.discourse import Group, User
from bridge.core.model.rights import HandGrant
from bridge.core.model.words import checked_words
from bridge.core.rights.terms import follow, of_stays
from bridge.core.rules.values import Term
from bridge.errors import NotFound, Permanent
from bridge.operations.finding import find_group, find_user
from bridge.operations.grants import revoked
from bridge.operations.preview import Effect, What, effects
from bridge.store import Connection, by_hand, changes, hand_grants, messages, money, users, work
from bridge.wiring import Bridge

Method = Literal["cash", "cheque", "bank", "other"]
# A payment entered twice by mistake is entered within this time.
TWICE_WITHIN = timedelta(days=1)
# Payments from before the bridge may be entered by hand; a mistyped year must be refused.
OLDEST = timedelta(days=50 * 365)
BY_HAND = "hand:"
REVERSED = ":reversed"


class Twice(Permanent):
    """The same payment was recorded within a day: recording it again needs `again`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What somebody paid outside Stripe; a negative amount is a refund.

    `lines` say what it was for and add up to it; without any it is booked as other income. `note`:
    where the paper is, or its number.
    """

    amount_minor: int
    currency: str
    what: str
    method: Method
    at: datetime
    lines: tuple[HandLine, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bought:
    """The group that a payment pays for. `end`: a last moment, a term, or None for good."""

    group_name: str
    end: datetime | Term | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded payment, and the grant for the group that it paid for."""

    user: User
    line: MoneyLine
    grant: HandGrant | None
    group: Group | None


@dataclass(frozen=True, slots=True)
class Reversed:
    """The line that corrects another, and the grant that was taken back with it.

    Not `is_new`: it was corrected before, nothing changed.
    """

    line: MoneyLine
    corrects: MoneyLine
    grant: HandGrant | None
    is_new: bool


def preview_payment(
    bridge: Bridge, user_id: int, payment: Payment, bought: Bought | None
) -> tuple[Effect, ...]:
    """What `record_payment` would change in the user's groups. Raises the same, except Twice."""
    _refuse_what_cannot_be(payment, bought, bridge.clock.now())
    group = find_group(bridge, bought.group_name) if bought else None
    find_user(bridge, user_id)
    given = None
    if group is not None and bought is not None:
        with bridge.store.read() as connection:
            until_at = _until(connection, user_id, group, bought, payment.at, bridge)
        given = HandGrant("", user_id, group.id, payment.at, until_at, "", "", "payment")
    new = (given,) if given else ()
    return effects(
        bridge, user_id, What(lambda it: replace(it, hand_grants=(*it.hand_grants, *new)))
    )


def record_payment(
    bridge: Bridge,
    actor: Actor,
    user_id: int,
    payment: Payment,
    bought: Bought | None = None,
    *,
    again: bool = False,
    token: uuid.UUID | None = None,
) -> Recorded:
    """Record a payment, and the right to a group that it buys; `reverse_payment` is the reverse.

    A term begins where what was paid by hand before ends, as with terms bought at Stripe.
    `again`: the same was paid twice within a day. `token`: names the payment, so that recording it
    a second time changes nothing.

    Raises: Twice, NotFound for an unknown user or group, Permanent for what cannot be.
    """
    now = bridge.clock.now()
    _refuse_what_cannot_be(payment, bought, now)
    group = find_group(bridge, bought.group_name) if bought else None
    user = find_user(bridge, user_id)
    line = _line(token or uuid.uuid4(), user_id, payment, actor)
    with bridge.store.write() as connection:
        by_hand.take_turn(connection)
        if not again:
            _refuse_twice(connection, user, line)
        if known := money.line(connection, line.id):
            return Recorded(user, known, None, group)
        line = replace(line, receipt_number=by_hand.next_number(connection, now))
        money.save(connection, [line], now)
        if payment.lines or payment.note:
            sold = [sold_line(number, one) for number, one in enumerate(payment.lines, 1)]
            by_hand.keep(connection, line.id, sold, payment.note.strip())
        given = None
        if group is not None and bought is not None:
            until_at = _until(connection, user_id, group, bought, payment.at, bridge)
            given = _grant(line, group, until_at)
            hand_grants.give(connection, given, now)
        _log(connection, "payment_recorded", line, actor, now)
        messages.paid_by_hand(connection, user_id, line, now)
    bridge.hint("decide", work.user_key(user_id))
    bridge.hint("tell", str(user_id))
    return Recorded(user, line, given, group)


def _grant(line: MoneyLine, group: Group, until_at: datetime | None) -> HandGrant:
    """The right to a group that a payment bought."""
    return HandGrant(
        _grant_id(line.id),
        line.user_id or 0,
        group.id,
        line.at,
        until_at,
        line.what,
        line.recorded_by or "",
        "payment",
    )


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


def reverse_payment(bridge: Bridge, actor: Actor, line_id: str) -> Reversed:
    """Correct a payment that was recorded wrongly, by a line that names it; its grant ends.

    No line is ever edited. A second time changes nothing.
    Raises: NotFound for a line that nobody recorded by hand, Permanent for a correction.
    """
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        by_hand.take_turn(connection)
        line = _by_hand(connection, line_id)
        correction = replace(
            line,
            id=f"{line.id}{REVERSED}",
            kind="refunded" if line.amount_minor > 0 else "paid",
            at=now,
            amount_minor=-line.amount_minor,
            what=f"Correction of {line.at:%Y-%m-%d}: {line.what}",
            recorded_by=str(actor),
            receipt_number=None,
            parts=tuple(replace(part, amount_minor=-part.amount_minor) for part in line.parts),
        )
        before = money.line(connection, correction.id)
        is_new = before is None
        if before is None:
            number = by_hand.next_number(connection, now)
            correction = replace(correction, receipt_number=number)
            money.save(connection, [correction], now)
        grant = None
        if is_new and line.user_id is not None:
            grant_id = _grant_of(connection, line)
            grant = hand_grants.revoke(connection, grant_id, actor=str(actor), now=now)
            _log(connection, "payment_reversed", correction, actor, now)
            messages.paid_by_hand(connection, line.user_id, correction, now)
    if is_new:
        user_id = grant.user_id if grant else line.user_id or 0
        bridge.hint("decide", work.user_key(user_id))
        bridge.hint("tell", str(line.user_id))
    return Reversed(correction, line, grant, is_new)


def _refuse_what_cannot_be(payment: Payment, bought: Bought | None, now: datetime) -> None:
    checked_words("purpose (--what)", payment.what)
    if not is_currency(payment.currency, now.date()):
        raise Permanent(f"{payment.currency[:10]!r} is not a currency in use: write it as eur")
    if payment.amount_minor == 0:
        raise Permanent("the amount is zero: use `bridge grant` to give a group free of charge")
    if is_absurd(payment.amount_minor, payment.currency):
        raise Permanent(
            f"{format_minor(payment.amount_minor, payment.currency)} is more than Stripe allows "
            "for a payment: check the amount"
        )
    _refuse_the_date(payment, now)
    _refuse_lines(payment)
    if bought is None:
        return
    if payment.amount_minor < 0:
        raise Permanent("a refund pays for no group: use `bridge revoke` to end a grant")
    if isinstance(bought.end, datetime) and bought.end <= now:
        raise Permanent(f"{bought.end:%Y-%m-%d} is in the past: give a later end")


def _refuse_lines(payment: Payment) -> None:
    if payment.note:
        checked_words("note (--note)", payment.note)
    for line in payment.lines:
        checked_words("purpose of a line", line.what)
        if problem := line.problem():
            raise Permanent(problem)
    told = sum(line.amount_minor for line in payment.lines)
    if payment.lines and told != payment.amount_minor:
        both = (format_minor(each, payment.currency) for each in (told, payment.amount_minor))
        raise Permanent("the lines add up to {}, the payment is {}".format(*both))


def _refuse_the_date(payment: Payment, now: datetime) -> None:
    if payment.at > now:
        raise Permanent(
            f"{payment.at:%Y-%m-%d} is in the future: record a payment after it was made"
        )
    if payment.at < now - OLDEST:
        raise Permanent(f"{payment.at:%Y-%m-%d} is more than fifty years ago: check the date")


def _refuse_twice(connection: Connection, user: User, line: MoneyLine) -> None:
    known = money.of_user(connection, user.id)
    corrected = {one.id.removesuffix(REVERSED) for one in known if one.id.endswith(REVERSED)}
    for one in known:
        if one.id in corrected or one.id.endswith(REVERSED):
            continue
        if _is_same(one, line):
            raise Twice(
                f"{format_minor(one.amount_minor, one.currency)} of {user.username} "
                f"({one.method}, {one.at:%Y-%m-%d}) is recorded already, as {one.id}. "
                "If it was paid twice, say so: --again"
            )


def _is_same(one: MoneyLine, other: MoneyLine) -> bool:
    same = (one.method, one.amount_minor, one.currency) == (
        other.method,
        other.amount_minor,
        other.currency,
    )
    return same and abs(one.at - other.at) < TWICE_WITHIN


def _by_hand(connection: Connection, line_id: str) -> MoneyLine:
    line = money.line(connection, line_id) if line_id.startswith(BY_HAND) else None
    if line is None:
        raise NotFound(f"no payment {line_id} was recorded by hand")
    if line_id.endswith(REVERSED):
        raise Permanent(f"{line_id} is a correction: record the payment again instead")
    return line


def _line(token: uuid.UUID, user_id: int, payment: Payment, actor: Actor) -> MoneyLine:
    return MoneyLine(
        id=f"{BY_HAND}{token}",
        customer_id=None,
        kind="paid" if payment.amount_minor > 0 else "refunded",
        at=payment.at,
        amount_minor=payment.amount_minor,
        currency=payment.currency.lower(),
        what=payment.what.strip(),
        is_first=True,
        user_id=user_id,
        method=payment.method,
        recorded_by=str(actor),
        parts=_parts(payment),
    )


def _parts(payment: Payment) -> tuple[MoneyPart, ...]:
    """What the member reads of it: several lines, a share, a donation, a fund."""
    return tuple(
        MoneyPart(one.what.strip(), one.amount_minor, one.kind, one.fund, one.count)
        for one in payment.lines
    )


def _grant_id(line_id: str) -> str:
    """The id of the grant that a payment by hand bought: of the same token, so it is found."""
    return f"grant_{line_id.removeprefix(BY_HAND).replace('-', '')}"


def _grant_of(connection: Connection, line: MoneyLine) -> str:
    """The grant in force that a payment bought; a relink gave it another id and owner."""
    user_id = users.present_account(connection, line.user_id or 0)
    theirs = hand_grants.in_force(connection, user_id)
    same = (
        one.id
        for one in theirs
        if one.source == "payment" and (one.from_at, one.reason) == (line.at, line.what)
    )
    own = _grant_id(line.id)
    return own if any(one.id == own for one in theirs) else next(same, own)


def _until(
    connection: Connection,
    user_id: int,
    group: Group,
    bought: Bought,
    paid_at: datetime,
    bridge: Bridge,
) -> datetime | None:
    if not isinstance(bought.end, Term):
        return bought.end
    before = of_stays(hand_grants.paid_stays(connection, user_id, group.id))
    runs = before is not None and before.end_at > bridge.clock.now()
    return follow(before if runs else None, bought.end, paid_at).end_at


def _log(connection: Connection, action: str, line: MoneyLine, actor: Actor, now: datetime) -> None:
    changes.log(
        connection,
        action,
        now=now,
        user_id=line.user_id,
        cause=str(actor),
        outcome=line.what,
        detail={"line": line.id, "method": line.method},
    )
