"""The list of applications: who wants to be a member, since when, and what they paid (A62)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.answers.unlinked import DASHBOARD
from bridge.answers.worklists.row import PAGE, Page, Row, Todo, cut, moment_and_id, of_id
from bridge.core.ledger.amounts import format_minor
from bridge.core.ledger.lines import MoneyLine
from bridge.core.ledger.member_register import Impossible, MemberEntry, member_register
from bridge.core.model.actor import BRIDGE
from bridge.core.model.steps import MemberStep
from bridge.core.model.stripe import Subscription
from bridge.core.rights.kept_payments import kept
from bridge.core.rights.switching import OVER
from bridge.core.rules.compiled import Rule
from bridge.core.rules.law import Law
from bridge.store import Connection, money, registers, subscriptions
from bridge.store.registers import Applicant
from bridge.texts import gettext
from bridge.wiring import Bridge

# A payment that somebody recorded by hand has only a day.
BEFORE_APPLYING = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the rows of a page are made of, by user; `running`: subscriptions that still cost."""

    steps: Mapping[int, Sequence[MemberStep]]
    paid: Mapping[int, Sequence[MoneyLine]]
    running: Mapping[str, Subscription]
    asking: frozenset[str]
    now: datetime
    stripe: str


def applications(bridge: Bridge, kind: str, after: str) -> Page:
    """Applications that wait, or were declined: the longest first."""
    begin = moment_and_id(after)
    at = (begin[0], of_id(begin[1])) if begin else None
    is_declined = kind == "declined"
    with bridge.store.read() as connection:
        found = registers.applicants(
            connection, "decline" if is_declined else "application", at, PAGE + 1
        )
        known = _known(bridge, connection, found)
    make = _declined if is_declined else _waiting
    return cut([make(one, known) for one in found])


def what_they_paid(bridge: Bridge, user_ids: Iterable[int]) -> dict[int, str]:
    """Applicant -> what they paid for and how much, as their row of the list says it."""
    found = [Applicant(one, None, bridge.clock.now()) for one in user_ids]
    with bridge.store.read() as connection:
        known = _known(bridge, connection, found)
    lines = {one.user_id: _of_application(one, known) for one in found}
    return {
        user_id: f"{_what(theirs)}, {_amounts(theirs)}" if theirs else ""
        for user_id, theirs in lines.items()
    }


def _known(bridge: Bridge, connection: Connection, found: Sequence[Applicant]) -> _Known:
    ids = [one.user_id for one in found]
    now = bridge.clock.now()
    steps = registers.steps_of(connection, ids)
    since_at = min((step.at for of_one in steps.values() for step in of_one), default=now)
    paid = money.since(connection, ids, since_at - BEFORE_APPLYING)
    named = {line.subscription_id for lines in paid.values() for line in lines}
    known = subscriptions.known(connection, [id_ for id_ in named if id_])
    return _Known(
        steps,
        paid,
        {id_: one for id_, one in known.items() if one.status not in OVER},
        asking(bridge.rulebook.law(connection)),
        now,
        f"{DASHBOARD}{'' if bridge.settings.livemode else '/test'}/payments",
    )


def asking(law: Law) -> frozenset[str]:
    """The products of which something asks for approval."""
    prices = law.catalogue.prices
    rules = [one for one in law.rules.all if isinstance(one, Rule) and one.approval_from]
    of_prices = {
        prices[one.price_id].product_id for one in rules if one.price_id and one.price_id in prices
    }
    return frozenset({one.product_id for one in rules if one.product_id} | of_prices)


def _waiting(one: Applicant, known: _Known) -> Row:
    entry = _entry(one, known)
    lines = _of_application(one, known)
    applied = _reason(known.steps[one.user_id], "application")
    key = f"{one.at.isoformat()}|{one.user_id}"
    return Row(
        key=key,
        user_id=one.user_id,
        username=one.username,
        about=_what(lines) or applied,
        says=applied if lines and not _is_by_order(known.steps[one.user_id]) else "",
        amount=_amounts(lines),
        at=one.at,
        next_at=entry.paid_at if entry else None,
        todo=(Todo("approve", {"which": key}), Todo("decline", {"which": key})),
    )


def _declined(one: Applicant, known: _Known) -> Row:
    entry = _entry(one, known)
    lines = _of_application(one, known)
    says = gettext("Declined on %(day)s: %(why)s") % {
        "day": f"{one.at:%-d %B %Y}",
        "why": _reason(known.steps[one.user_id], "decline"),
    }
    through_stripe = [line for line in lines if line.customer_id]
    # It goes on also where its payment is disputed or was refunded.
    running = {
        line.subscription_id
        for line in known.paid[one.user_id]
        if line.subscription_id in known.running and _asks(line, known)
    }
    return Row(
        key=f"{one.at.isoformat()}|{one.user_id}",
        user_id=one.user_id,
        username=one.username,
        about=_what(lines) or gettext("No payment is left to refund."),
        says=says,
        amount=_amounts(lines),
        at=entry.applied_at if entry else one.at,
        next_at=entry.paid_at if entry else None,
        links=tuple(
            (gettext("Payment at Stripe"), f"{known.stripe}/{line.payment_id}")
            for line in through_stripe
            if line.payment_id
        ),
        todo=(
            *(Todo("refund", {"payment": line.id}) for line in through_stripe),
            *(Todo("cancel", {"subscription": id_}) for id_ in sorted(filter(None, running))),
        ),
    )


def _entry(one: Applicant, known: _Known) -> MemberEntry | None:
    try:
        return member_register(known.steps[one.user_id], known.now)[-1]
    except Impossible:  # the register has to be corrected first
        return None


def _is_by_order(steps: Iterable[MemberStep]) -> bool:
    """Whether they applied by paying, so that the payment says it all."""
    return next((one.actor == str(BRIDGE) for one in steps if one.kind == "application"), False)


def _reason(steps: Iterable[MemberStep], kind: str) -> str:
    return next((one.reason for one in reversed(list(steps)) if one.kind == kind), "")


def _of_application(one: Applicant, known: _Known) -> list[MoneyLine]:
    """What they paid for what asks for approval, as far as the community still has it."""
    return [line for line in kept(known.paid[one.user_id]) if _asks(line, known)]


def _asks(line: MoneyLine, known: _Known) -> bool:
    """Whether it is for what asks for approval, or for something that the payment does not name.

    Payments by hand and guests' orders have no product.
    """
    return line.product_id is None or line.product_id in known.asking


def _what(lines: Iterable[MoneyLine]) -> str:
    return ", ".join(dict.fromkeys(line.what for line in lines))


def _amounts(lines: Iterable[MoneyLine]) -> str:
    return ", ".join(format_minor(line.amount_minor, line.currency) for line in lines)
