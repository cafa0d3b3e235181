"""Previews of acts: who would gain or lose which group, and what would stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Literal

from bridge.core.memberships.decision import WantedMembership, decide
from bridge.core.memberships.situation import situation
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Purchase, Subscription
from bridge.core.rights.grants import grants
from bridge.core.rights.refunding import as_read
from bridge.core.rules.law import Law
from bridge.store import facts, groups, member, memberships, shares
from bridge.wiring import Bridge
from bridge.worker import sharing

Turn = Literal["gains", "loses", "stays in", "stays out"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What will happen to one user's membership of one group. `because`: a stable reason.

    `until_at`: the end of what will be so, as far as it is known.
    """

    user_id: int
    group_id: int
    group: str
    turn: Turn
    because: str
    until_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class What:
    """What an act changes about a user: the facts, what was decided before, or the law."""

    facts: Callable[[Facts], Facts] = lambda known: known
    before: Callable[[dict[int, WantedMembership]], dict[int, WantedMembership]] = (
        lambda memberships: memberships
    )
    law: Law | None = None
    lifted_group_id: int | None = None
    adopted_group_id: int | None = None


def effects(bridge: Bridge, user_id: int, what: What) -> tuple[Effect, ...]:
    """Decide about a user as if it was done; nothing is written."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        known, _ = facts.facts_of(connection, user_id)
        rules = what.law.rules if what.law else bridge.rulebook.rules(connection)
        wanted = memberships.wanted_of(connection, user_id)
        rows = member.memberships_of(connection, user_id)
        names = {one.id: one.name for one in groups.load_groups(connection).values()}
    verdicts = grants(what.facts(known), rules, bridge.policy, now)
    before = what.before(wanted)
    decision = decide(before, verdicts, situation(bridge.policy, rules, verdicts, now, now))
    after = before | {membership.group_id: membership for membership in decision.memberships}
    found = []
    for group_id, membership in sorted(after.items()):
        row = rows.get(group_id)
        is_in = row is not None and row.actual
        kept_out = row is not None and row.override and group_id != what.lifted_group_id
        stays = (
            membership.wanted
            or membership.hold
            or (
                row is not None
                and row.actual
                and row.owned == "no"
                and group_id != what.adopted_group_id
            )
        )
        will_be_in = bool(stays) and not kept_out
        if not (is_in or will_be_in or membership.wanted):
            continue
        because = (
            membership.hold
            or (row.override if kept_out and row else None)
            or membership.reason
            or ""
        )
        turn = _turn(is_in=is_in, will_be_in=will_be_in)
        until_at = membership.wanted_until if will_be_in and membership.wanted else None
        name = names.get(group_id, str(group_id))
        found.append(Effect(user_id, group_id, name, turn, because, until_at))
    return tuple(found)


def effects_of_reading(
    bridge: Bridge,
    payer_id: int,
    customer_id: str,
    subscriptions: Iterable[Subscription],
    purchases: Iterable[Purchase] = (),
) -> tuple[Effect, ...]:
    """What would change if Stripe had these as they are here: of who pays, and of who has it."""
    running, bought = tuple(subscriptions), tuple(purchases)
    found = list(effects(bridge, payer_id, What(lambda known: as_read(known, running, bought))))
    with bridge.store.read() as connection:
        others = {
            who: facts.facts_of(connection, who)[0]
            for who in sorted(shares.concerned(connection, [customer_id]) - {payer_id})
        }
    for who, known in others.items():
        after = as_read(known, running, bought)
        if after != known:
            found += effects(bridge, who, What(partial(_instead, after)))
    return tuple(found)


def _instead(after: Facts, _known: Facts) -> Facts:
    return after


def with_customers(bridge: Bridge, known: Facts, customer_ids: Iterable[str]) -> Facts:
    """What is known of a user, with the subscriptions of these customers as Stripe has them now.

    Raises: NotFound for a customer that Stripe does not have.
    """
    more: list[Subscription] = []
    for customer_id in customer_ids:
        bridge.stripe.customer(customer_id)  # the list of nobody's subscriptions is empty, too
        more += bridge.stripe.customer_reading(customer_id).subscriptions
    with bridge.store.read() as connection:
        read = [sharing.with_beneficiary(bridge, connection, one) for one in more]
    new = {one.id for one in read}
    others = (one for one in known.subscriptions if one.id not in new)
    return replace(known, subscriptions=(*others, *read))


def _turn(*, is_in: bool, will_be_in: bool) -> Turn:
    if will_be_in:
        return "stays in" if is_in else "gains"
    return "loses" if is_in else "stays out"
