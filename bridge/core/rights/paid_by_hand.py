"""Which payments by hand are valid, and what they become: a money line, and a grant."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from bridge.core.ledger.amounts import format_minor, is_absurd, is_currency
from bridge.core.ledger.by_hand import HandLine
from bridge.core.ledger.lines import MoneyLine, MoneyPart
from bridge.core.model.actor import Actor
from bridge.core.model.discourse import Group
from bridge.core.model.rights import HandGrant
from bridge.core.model.words import checked_words
from bridge.core.rights.terms import follow, of_stays
from bridge.core.rules.values import Term
from bridge.errors import Permanent
from bridge.texts import gettext

Method = Literal["cash", "cheque", "bank", "other"]
# A payment that is entered twice by mistake is entered again within this time.
TWICE_WITHIN = timedelta(days=1)
# Payments from before the bridge may be entered by hand, but a mistyped year must be refused.
OLDEST = timedelta(days=50 * 365)
BY_HAND = "hand:"
REVERSED = ":reversed"


class Twice(Permanent):
    """The same payment was recorded within a day: recording it again needs `again`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment outside Stripe; a negative amount is a refund.

    `lines` have its purposes and add up to it; without lines it is booked as other income. `note`:
    the document's place or number.
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
    """The group that a payment pays for. `end`: a last moment, a term, or None for no end."""

    group_name: str
    end: datetime | Term | None


def line_of(token: uuid.UUID, user_id: int, payment: Payment, actor: Actor) -> MoneyLine:
    """The money line of a payment by hand."""
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
    """The parts that the member reads: several lines, a share, a donation, a fund."""
    return tuple(
        MoneyPart(one.what.strip(), one.amount_minor, one.kind, one.fund, one.count)
        for one in payment.lines
    )


def grant_id(line_id: str) -> str:
    """The id of the grant that a payment by hand bought, derived from the same token."""
    return f"grant_{line_id.removeprefix(BY_HAND).replace('-', '')}"


def grant_of(line: MoneyLine, group: Group, until_at: datetime | None) -> HandGrant:
    """The grant that a payment bought."""
    return HandGrant(
        grant_id(line.id),
        line.user_id or 0,
        group.id,
        line.at,
        until_at,
        line.what,
        line.recorded_by or "",
        "payment",
    )


def grant_in_force(theirs: Iterable[HandGrant], line: MoneyLine) -> str:
    """Which of somebody's grants in force a payment bought; a relink gave it another id."""
    known = list(theirs)
    same = (
        one.id
        for one in known
        if one.source == "payment" and (one.from_at, one.reason) == (line.at, line.what)
    )
    own = grant_id(line.id)
    return own if any(one.id == own for one in known) else next(same, own)


def correction_of(line: MoneyLine, actor: str, now: datetime) -> MoneyLine:
    """The line that reverses another: no line is ever edited."""
    return replace(
        line,
        id=f"{line.id}{REVERSED}",
        kind="refunded" if line.amount_minor > 0 else "paid",
        at=now,
        amount_minor=-line.amount_minor,
        what=gettext("Correction of %(day)s: %(what)s")
        % {"day": f"{line.at:%Y-%m-%d}", "what": line.what},
        recorded_by=actor,
        receipt_number=None,
        parts=tuple(replace(part, amount_minor=-part.amount_minor) for part in line.parts),
    )


def refuse_correction(line: MoneyLine) -> None:
    """Only a payment can be reversed, not a correction. Raises: Permanent."""
    if line.id.endswith(REVERSED):
        raise Permanent(
            gettext("%(line)s is a correction: record the payment again instead")
            % {"line": line.id}
        )


def refuse_what_cannot_be(payment: Payment, bought: Bought | None, now: datetime) -> None:
    """Check a payment, and say what to do instead. Raises: Permanent."""
    checked_words(gettext("purpose"), payment.what)
    if not is_currency(payment.currency, now.date()):
        raise Permanent(
            gettext("%(currency)s is not a currency in use: write it as eur")
            % {"currency": repr(payment.currency[:10])}
        )
    if payment.amount_minor == 0:
        raise Permanent(
            gettext("the amount is zero: give the group without a payment instead"), "give"
        )
    if is_absurd(payment.amount_minor, payment.currency):
        raise Permanent(
            gettext("the amount is more than Stripe allows for a payment: check the amount")
        )
    _refuse_the_date(payment, now)
    _refuse_lines(payment)
    if bought is None:
        return
    if payment.amount_minor < 0:
        raise Permanent(
            gettext("a refund cannot pay for a group: take the grant back instead"), "revoke"
        )
    if isinstance(bought.end, datetime) and bought.end <= now:
        raise Permanent(
            gettext("%(end)s is in the past: give a later end") % {"end": f"{bought.end:%Y-%m-%d}"}
        )


def _refuse_lines(payment: Payment) -> None:
    if payment.note:
        checked_words(gettext("note"), payment.note)
    for line in payment.lines:
        checked_words(gettext("purpose of a line"), line.what)
        if problem := line.problem():
            raise Permanent(problem)
    told = sum(line.amount_minor for line in payment.lines)
    if payment.lines and told != payment.amount_minor:
        words = gettext("the lines add up to %(lines)s, but the payment is %(payment)s")
        amounts = {
            "lines": format_minor(told, payment.currency),
            "payment": format_minor(payment.amount_minor, payment.currency),
        }
        raise Permanent(words % amounts)


def _refuse_the_date(payment: Payment, now: datetime) -> None:
    if payment.at > now:
        raise Permanent(
            gettext("%(at)s is in the future: record a payment after it was made")
            % {"at": f"{payment.at:%Y-%m-%d}"}
        )
    if payment.at < now - OLDEST:
        raise Permanent(
            gettext("%(at)s is more than fifty years ago: check the date")
            % {"at": f"{payment.at:%Y-%m-%d}"}
        )


def refuse_twice(known: Collection[MoneyLine], username: str, line: MoneyLine) -> None:
    """Refuse a payment already recorded within a day and not reversed. Raises: Twice."""
    corrected = {one.id.removesuffix(REVERSED) for one in known if one.id.endswith(REVERSED)}
    for one in known:
        if one.id in corrected or one.id.endswith(REVERSED):
            continue
        if _is_same(one, line):
            raise Twice(
                gettext(
                    "%(amount)s of %(username)s (%(method)s, %(at)s) is already recorded, "
                    "as %(line)s. If it was paid twice, say so"
                )
                % {
                    "amount": format_minor(one.amount_minor, one.currency),
                    "username": username,
                    "method": one.method,
                    "at": f"{one.at:%Y-%m-%d}",
                    "line": one.id,
                },
                "again",
            )


def _is_same(one: MoneyLine, other: MoneyLine) -> bool:
    same = (one.method, one.amount_minor, one.currency) == (
        other.method,
        other.amount_minor,
        other.currency,
    )
    return same and abs(one.at - other.at) < TWICE_WITHIN


def end_of(
    bought: Bought, stays: Iterable[tuple[datetime, datetime]], paid_at: datetime, now: datetime
) -> datetime | None:
    """When the grant ends: a term begins where the previous payment ends."""
    if not isinstance(bought.end, Term):
        return bought.end
    before = of_stays(stays)
    runs = before is not None and before.end_at > now
    return follow(before if runs else None, bought.end, paid_at).end_at
