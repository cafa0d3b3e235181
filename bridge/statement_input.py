"""What a member's statement is made of, from the store alone: no call to Stripe or Discourse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from bridge.core.memberships.decision import standing
from bridge.core.model.rights import Facts, Grant
from bridge.core.model.stripe import PendingPayment, Subscription
from bridge.core.rights.grants import grants
from bridge.core.rules.ladders import staying
from bridge.core.telling.statement import (
    GroupName,
    Links,
    NextChange,
    NextPayment,
    StatementInput,
    name_prices,
)
from bridge.store import catalogue, facts, groups
from bridge.store.memberships import wishes_of
from bridge.store.schema import memberships
from bridge.wiring import Bridge

HOLDS = {
    "rule_halted": "its rule is being corrected",
    "no_rule": "what you pay for has no group assigned right now",
    "unknown_status": "its state at Stripe is unclear",
    "vanished": "Stripe did not show your subscription any more",
    "user_gone": "the account was not found",
    "staff": "staff took you out of it",
    "left": "you left it yourself",
}


def statement_input(
    bridge: Bridge, connection: Connection, user_id: int, *, with_money: bool = True
) -> StatementInput:
    """Collect a user's verdicts, groups, coming and pending payments and money, as last read."""
    now = bridge.clock.now()
    known, read_at = facts.facts_of(connection, user_id)
    rules = bridge.rulebook.rules(connection)
    verdicts = grants(known, rules, bridge.policy, now)
    if unfollowed := bridge.policy.unfollowed_ladders:
        wishes = wishes_of(connection, user_id).values()
        verdicts = staying(verdicts, standing(wishes, unfollowed))
    bought = (id_ for grant in verdicts for id_ in (grant.product_id, grant.price_id))
    products, prices = catalogue.load_of(connection, bought)
    by_id = {price.id: price for price in prices}
    names = {product.id: product.name for product in products}
    rows = connection.execute(select(memberships).where(memberships.c.user_id == user_id)).all()
    return StatementInput(
        as_of=read_at or now,
        links=Links(f"{bridge.settings.bridge_url}/me", f"{bridge.settings.bridge_url}/me"),
        grants=verdicts,
        groups=_group_names(bridge, connection, verdicts, [row.group_id for row in rows]),
        whats=name_prices(verdicts, rules, by_id),
        member_of=frozenset(row.group_id for row in rows if row.actual),
        held={
            row.group_id: HOLDS.get(row.override or row.hold, "a moderator is asked")
            for row in rows
            if row.wanted and (row.override or row.hold)
        },
        next_payments=tuple(_next_payments(known.paid_by_user, names)),
        next_changes=tuple(_next_changes(connection, known.paid_by_user, names)),
        pending=(*_pending(known), *facts.pending_orders(connection, user_id)),
        money=facts.money_of(connection, user_id) if with_money else (),
    )


def _group_names(
    bridge: Bridge, connection: Connection, verdicts: Iterable[Grant], more: Iterable[int]
) -> dict[int, GroupName]:
    wanted = {grant.group_id for grant in verdicts} | set(more)
    forum = bridge.settings.discourse_url
    return {
        group.id: GroupName(group.full_name or group.name, f"{forum}/g/{group.name}")
        for group in groups.load_groups(connection).values()
        if group.id in wanted and not group.automatic
    }


def _pending(known: Facts) -> Iterable[PendingPayment]:
    for subscription in known.paid_by_user:
        if subscription.customer_id not in known.deleted_customer_ids:
            yield from subscription.pending


def _next_payments(
    subscriptions: Iterable[Subscription], names: Mapping[str, str]
) -> Iterable[NextPayment]:
    for subscription in subscriptions:
        charge = subscription.next_charge
        if charge is None:
            continue
        due = [item for item in subscription.items if item.period_end_at == charge.at]
        what = ", ".join(names.get(item.product_id, "membership") for item in due)
        yield NextPayment(subscription.id, charge.at, charge.amount_minor, charge.currency, what)


def _next_changes(
    connection: Connection, subscriptions: Iterable[Subscription], names: Mapping[str, str]
) -> Iterable[NextChange]:
    """What schedules have in store; their ends are told as the ends of what they give (E16)."""
    for subscription in subscriptions:
        change = subscription.next_change
        if change is None or not change.price_ids:
            continue
        _, prices = catalogue.load_of(connection, change.price_ids)
        products, _ = catalogue.load_of(connection, [price.product_id for price in prices])
        what = {names.get(item.product_id, "membership") for item in subscription.items}
        becomes = {product.name for product in products} or {"something else"}
        words = ", ".join(sorted(what)), ", ".join(sorted(becomes))
        yield NextChange(subscription.id, change.at, *words)
