"""What a full reconcile would change for somebody, after a fresh reading."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.core.memberships.decision import Decision, WantedMembership
from bridge.core.memberships.member import Membership
from bridge.core.memberships.why import why
from bridge.core.model.rights import Facts, Grant
from bridge.core.model.stripe import Subscription
from bridge.core.rules.compiled import Rules


@dataclass(frozen=True, slots=True)
class Planned:
    """One thing that a full reconcile would do: add, remove or hold; and why."""

    action: str
    group_id: int
    group: str
    user_id: int
    username: str | None
    reason: str
    rule_id: str | None
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fresh:
    """A fresh reading: subscriptions by customer, rules, groups' names and members."""

    by_customer: Mapping[str, list[Subscription]]
    rules: Rules
    names: Mapping[int, str]
    members: Mapping[int, set[int]]


@dataclass(frozen=True, slots=True)
class Concerned:
    """A user, with the decision and the state of the membership for each group."""

    user_id: int
    username: str | None
    wanted: Mapping[int, WantedMembership]
    rows: Mapping[int, Membership]


def planned(
    about: Concerned,
    decision: Decision,
    verdicts: Sequence[Grant],
    have: Collection[str],
    fresh: Fresh,
) -> Iterator[Planned]:
    """The change for each group of one user. `have`: everything they have at Stripe."""
    after = {**about.wanted, **{one.group_id: one for one in decision.memberships}}
    for group_id, membership in sorted(after.items()):
        is_member = about.user_id in fresh.members.get(group_id, ())
        action = _action(membership, about.rows.get(group_id), is_member)
        if action:
            yield Planned(
                action,
                group_id,
                fresh.names.get(group_id, f"group {group_id}"),
                about.user_id,
                about.username,
                _why(membership, verdicts, have, action),
                membership.rule_id,
                membership.sources,
            )


def with_fresh(
    stored: Facts,
    customer_ids: Collection[str],
    known: Collection[str],
    by_customer: Mapping[str, list[Subscription]],
) -> Facts:
    """A user's stored data, with their subscriptions as just read.

    `known`: the ids of all subscriptions of these customers that were ever read before.
    """
    theirs = (*stored.subscriptions, *(seat.subscription for seat in stored.seats))
    read = {
        one.id: one
        for customer_id in {*customer_ids, *(one.customer_id for one in theirs)}
        for one in by_customer.get(customer_id, ())
    }
    mine = tuple(read.get(one.id, one) for one in stored.subscriptions)
    new = (one for one in read.values() if one.customer_id in customer_ids)
    seats = (
        replace(seat, subscription=read.get(seat.subscription.id, seat.subscription))
        for seat in stored.seats
    )
    return replace(
        stored,
        subscriptions=(*mine, *(one for one in new if one.id not in known)),
        seats=tuple(seats),
    )


def _action(membership: WantedMembership, row: Membership | None, is_member: bool) -> str | None:  # noqa: FBT001 - two facts
    held = membership.hold or (row.override if row is not None else None)
    if membership.wanted and not is_member:
        return "hold" if held else "add"
    if not membership.wanted and is_member and row is not None and row.owned != "no":
        return "remove"
    return "hold" if membership.wanted and membership.hold else None


def _why(
    membership: WantedMembership, verdicts: Iterable[Grant], have: Collection[str], action: str
) -> str:
    if action == "hold":
        return membership.hold or "taken out by hand"
    said = why(membership, verdicts, have)
    return said or ("granted" if action == "add" else "nothing grants it any more")
