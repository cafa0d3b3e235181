"""Builds the input of a member's statement from the stored member and the law in force."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core.ledger.references import transfer_of
from bridge.core.memberships.member import Member
from bridge.core.model.discourse import Group
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import PendingPayment, Subscription
from bridge.core.rights.approval import withheld
from bridge.core.rules.law import Catalogue, Law
from bridge.core.telling.contributions import contributions
from bridge.core.telling.funds import funds_of_lines
from bridge.core.telling.places import GroupName
from bridge.core.telling.statement import (
    Links,
    NextChange,
    NextPayment,
    StatementInput,
    name_prices,
)
from bridge.texts import gettext

# Nobody reads replies to the statement, because a bot sends it. This opens one to moderators.
ASK_MODERATORS = "/new-message?groupname=moderators&title=Question%20about%20my%20membership"

# After a first payment by bank debit, a subscription is "incomplete" but was not refused.
REFUSED = frozenset({"past_due", "unpaid"})


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of the forum, the member's own page, and the offers."""

    forum: str
    own_page: str
    offers: str


def statement_input(
    member: Member, law: Law, addresses: Addresses, now: datetime
) -> StatementInput:
    """Work out a member's verdicts, groups, coming and pending payments, as last read."""
    verdicts = member.verdicts(law, now)
    paid = member.facts.paid_by_user
    funds = funds_of_lines(member.money, member.facts, law.rules)
    return StatementInput(
        as_of=member.read_at or now,
        links=Links(
            full=addresses.own_page,
            manage=addresses.own_page,
            ask=addresses.forum + ASK_MODERATORS,
            offers=addresses.offers,
        ),
        grants=verdicts,
        groups=_names(member.groups.values(), addresses.forum),
        whats=name_prices(verdicts, law.rules, law.catalogue.prices, law.catalogue.products),
        memberships=member.memberships,
        next_payments=tuple(_next_payments(paid, law.catalogue)),
        next_changes=tuple(_next_changes(paid, law.catalogue)),
        pending=(*_pending(member.facts, refused=False), *member.pending_orders),
        unpaid=tuple(_pending(member.facts, refused=True)),
        contributions=contributions(
            member.facts,
            member.money,
            law.rules,
            funds,
            withheld(verdicts),
            member.booked.shares,
        ),
        money=member.money,
        funds=funds,
        gifts=tuple(
            replace(one, what=law.catalogue.name_of(one.product_id or "", otherwise=""))
            for one in member.booked.gifts
        ),
        ledger_code=member.booked.code,
        transfer=transfer_of(law.policy.bank_account, member.user_id),
    )


def _names(groups: Iterable[Group], forum: str) -> dict[int, GroupName]:
    return {
        group.id: GroupName(group.full_name or group.name, f"{forum}/g/{group.name}")
        for group in groups
        if not group.automatic
    }


def _pending(known: Facts, *, refused: bool) -> Iterable[PendingPayment]:
    """Open invoices: either refused, or with money on its way."""
    for subscription in known.paid_by_user:
        is_known = subscription.customer_id not in known.deleted_customer_ids
        if is_known and (subscription.status in REFUSED) == refused:
            yield from subscription.pending


def _next_payments(paid: Iterable[Subscription], catalogue: Catalogue) -> Iterable[NextPayment]:
    for subscription in paid:
        charge = subscription.next_charge
        if charge is None:
            continue
        due = [item for item in subscription.items if item.period_end_at == charge.at]
        what = ", ".join(catalogue.name_of(item.product_id) for item in due)
        yield NextPayment(subscription.id, charge.at, charge.amount_minor, charge.currency, what)


def _next_changes(paid: Iterable[Subscription], catalogue: Catalogue) -> Iterable[NextChange]:
    """Changes that schedules will make; their ends are shown as ends of the groups (E16)."""
    for subscription in paid:
        change = subscription.next_change
        if change is None or not change.price_ids:
            continue
        prices = [catalogue.prices[id_] for id_ in change.price_ids if id_ in catalogue.prices]
        what = {catalogue.name_of(item.product_id) for item in subscription.items}
        ids = [price.product_id for price in prices if price.product_id in catalogue.products]
        becomes = {catalogue.name_of(id_) for id_ in ids} or {gettext("something else")}
        words = ", ".join(sorted(what)), ", ".join(sorted(becomes))
        yield NextChange(subscription.id, change.at, *words)
