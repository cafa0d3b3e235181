"""Lists about subscriptions: payments that failed, what was paid twice, what comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from bridge.answers.unlinked import DASHBOARD
from bridge.answers.worklists.row import PAGE, Page, Row, Todo, cut, moment_and_id
from bridge.core.ledger.amounts import format_minor
from bridge.core.ledger.lines import MoneyLine
from bridge.core.model.stripe import Subscription
from bridge.core.rights.ahead import Coming, coming_at
from bridge.core.telling.payer_facts import failure_words
from bridge.store import Connection, catalogue, messages, money, users, worklists
from bridge.store.worklists import Paying, Twice
from bridge.texts import gettext
from bridge.wiring import Bridge

AHEAD = timedelta(days=30)
MOST_ADDED_UP = 200
COMING: Mapping[str, Coming] = {one: one for one in get_args(Coming)}


def failed(bridge: Bridge, _kind: str, after: str) -> Page:
    """Subscriptions whose payment failed."""
    with bridge.store.read() as connection:
        found = worklists.failed(connection, after, PAGE + 1)
        owed = [payment.id for one in found for payment in one.subscription.pending]
        reminded = messages.reminded(connection, owed)
        names = _names(connection, found)
    return cut([_owing(one, names, reminded) for one in found])


@dataclass(frozen=True, slots=True)
class Owed:
    """What failed payments come to. `next_at`: when Stripe tries the next of them again."""

    amounts: tuple[str, ...]
    next_at: datetime | None


def owed(bridge: Bridge) -> Owed | None:
    """All failed payments together; None if there are none, or too many to add up for a page."""
    with bridge.store.read() as connection:
        found = worklists.failed(connection, "", MOST_ADDED_UP + 1)
    if not found or len(found) > MOST_ADDED_UP:
        return None
    payments = [one.subscription.pending[0] for one in found if one.subscription.pending]
    sums = Counter[str]()
    for payment in payments:
        sums[payment.currency] += payment.amount_minor
    return Owed(
        tuple(format_minor(sums[currency], currency) for currency in sorted(sums)),
        min((one.next_try_at for one in payments if one.next_try_at), default=None),
    )


def _owing(one: Paying, names: Mapping[str, str], reminded: Mapping[str, datetime]) -> Row:
    subscription = one.subscription
    payment = next(iter(subscription.pending), None)
    todo: tuple[Todo, ...] = ()
    if payment and one.user_id is not None and payment.id not in reminded:
        todo = (Todo("remind", {"invoice": payment.id}),)
    return Row(
        key=subscription.id,
        user_id=one.user_id,
        username=one.username,
        about=_sold(subscription, names),
        says=failure_words(payment, one.refused, reminded),
        amount=format_minor(payment.amount_minor, payment.currency) if payment else "",
        at=subscription.past_due_since_at or (payment.at if payment else None),
        next_at=payment.next_try_at if payment else None,
        todo=todo,
    )


def double(bridge: Bridge, kind: str, after: str) -> Page:
    """What is paid twice: what goes on, or what was paid in several tabs, ended and credited."""
    return _still_twice(bridge, after) if kind == "running" else _ended(bridge, after)


def _still_twice(bridge: Bridge, after: str) -> Page:
    with bridge.store.read() as connection:
        found = worklists.twice(connection, after, PAGE + 1)
        too_many = [one.subscription for one in found]
        names = _product_names(connection, [*too_many, *(one.kept for one in found)])
        payers = {one.customer_id for one in too_many}
        paid = money.last_paid_of(connection, payers, {one.id for one in too_many})
    mode = "" if bridge.settings.livemode else "/test"
    page = f"{DASHBOARD}{mode}/subscriptions"
    return cut([_twice(one, names, paid.get(one.subscription.id), page) for one in found])


def _twice(one: Twice, names: Mapping[str, str], paid: MoneyLine | None, page: str) -> Row:
    over, kept = one.subscription, one.kept
    charge = over.next_charge
    amount = charge.amount_minor if charge else None
    words = (
        gettext("%(kept)s, paid since %(day)s by the same customer at Stripe, includes it.")
        if over.customer_id == kept.customer_id
        else gettext(
            "%(kept)s, paid since %(day)s by another customer at Stripe (%(payer)s), includes it."
        )
    )
    cancel = Todo("cancel", {"subscription": over.id})
    return Row(
        key=over.id,
        user_id=one.user_id,
        username=one.username,
        about=_sold(over, names),
        says=words
        % {
            "kept": _sold(kept, names),
            "day": f"{kept.created_at:%-d %B %Y}",
            "payer": kept.customer_id,
        },
        amount=format_minor(amount, charge.currency) if charge and amount is not None else "",
        at=over.created_at,
        next_at=charge.at if charge else None,
        links=(
            (gettext("Open this one at Stripe"), f"{page}/{over.id}"),
            (gettext("Open the other one at Stripe"), f"{page}/{kept.id}"),
        ),
        todo=(cancel, Todo("refund", {"payment": paid.id})) if paid else (cancel,),
    )


def _ended(bridge: Bridge, after: str) -> Page:
    with bridge.store.read() as connection:
        found = worklists.doubled(connection, after, PAGE + 1)
    rows = [
        Row(
            key=one.subscription_id,
            user_id=one.user_id,
            username=one.username,
            about=one.subscription_id,
            says=gettext("It was ended and credited; %(kept)s continues.") % {"kept": one.kept_id},
            at=one.found_at,
        )
        for one in found
    ]
    return cut(rows)


def coming(bridge: Bridge, kind: str, after: str) -> Page:
    """What renews, ends its trial or was given, in the next thirty days; the nearest first."""
    now, asked, begin = bridge.clock.now(), COMING[kind], moment_and_id(after)
    with bridge.store.read() as connection:
        found = worklists.coming(connection, asked, (now, now + AHEAD), begin, PAGE + 1)
        names = _names(connection, found)
        given = [one.subscription.beneficiary_id for one in found]
        members = users.names_of(connection, [id_ for id_ in given if id_ is not None])
    return cut([_coming(one, asked, names, members) for one in found])


def _coming(
    one: Paying, kind: Coming, names: Mapping[str, str], members: Mapping[int, str | None]
) -> Row:
    subscription = one.subscription
    at = coming_at(subscription, kind)
    charge = subscription.next_charge
    amount = charge.amount_minor if charge else None
    says = ""
    if subscription.cancel_at or subscription.cancel_at_period_end:
        says = gettext("It ends on that day: it was cancelled.")
    elif kind == "trials":
        says = gettext("The first payment is due on that day.")
    to = subscription.beneficiary_id
    return Row(
        key=f"{at.isoformat() if at else ''}|{subscription.id}",
        user_id=to or one.user_id,
        username=members.get(to) if to else one.username,
        about=_sold(subscription, names),
        says=says,
        amount=format_minor(amount, charge.currency) if charge and amount is not None else "",
        at=at,
    )


def _names(connection: Connection, found: Sequence[Paying]) -> dict[str, str]:
    return _product_names(connection, [one.subscription for one in found])


def _product_names(connection: Connection, found: Iterable[Subscription]) -> dict[str, str]:
    ids = {item.product_id for one in found for item in one.items}
    products, _ = catalogue.load_of(connection, ids)
    return {product.id: product.name for product in products}


def _sold(subscription: Subscription, names: Mapping[str, str]) -> str:
    return ", ".join(names.get(one.product_id, one.product_id) for one in subscription.items)
