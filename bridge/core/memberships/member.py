"""One member as stored: everything that an answer, a page or a message about them needs.

It is read once, in a few statements (`store.member`). Pure functions derive everything else from
it, so that page, message and answer cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bridge.core.ledger.lines import Booked, MoneyLine
from bridge.core.memberships.decision import WantedMembership, steps_held
from bridge.core.model.discourse import Group
from bridge.core.model.rights import Facts, Grant
from bridge.core.model.stripe import Billing, PendingPayment, is_guest
from bridge.core.rights.grants import grants
from bridge.core.rights.switching import OVER, Switch, switches
from bridge.core.rules.ladders import staying
from bridge.core.rules.law import Catalogue, Law


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A user in a group: what is wanted (`membership`) and what is actual on the forum.

    `owned`: whether the bridge added it (no, claimed, proven). `added_by`: who added one that is
    not owned, by the forum's log (bridge, others; None: nobody has looked). `intent`: an addition
    or a removal that was sent, and whose outcome is not recorded yet. `override`: staff took them
    out, or they left.
    """

    membership: WantedMembership
    actual: bool = False
    actual_since: datetime | None = None
    owned: str = "no"
    added_by: str | None = None
    intent: str | None = None
    intent_at: datetime | None = None
    override: str | None = None
    override_at: datetime | None = None
    hold_at: datetime | None = None
    decided_at: datetime | None = None

    @property
    def group_id(self) -> int:
        """The group's number."""
        return self.membership.group_id

    @property
    def kept_back(self) -> str | None:
        """The code of the hold.

        None if nothing does. Staff's removal no longer counts once they have let the member back
        in.
        """
        return (None if self.actual else self.override) or self.membership.hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Everything stored about one member, as of one moment.

    `read_at`: the oldest complete reading of their customers at Stripe. `live_customer_ids`:
    customers that are not deleted, the last linked first. `money` and `booked` are empty unless
    they were asked for.
    """

    user_id: int
    facts: Facts = field(default_factory=Facts)
    read_at: datetime | None = None
    customer_ids: tuple[str, ...] = ()
    live_customer_ids: tuple[str, ...] = ()
    memberships: Mapping[int, Membership] = field(default_factory=dict)
    groups: Mapping[int, Group] = field(default_factory=dict)
    pending_orders: tuple[PendingPayment, ...] = ()
    billing: Billing = field(default_factory=Billing)
    money: tuple[MoneyLine, ...] = ()
    booked: Booked = field(default_factory=Booked)

    def verdicts(self, law: Law, now: datetime) -> tuple[Grant, ...]:
        """The present grants of each source, with ladders applied (A35)."""
        said = grants(self.facts, law.rules, law.policy, now)
        unfollowed = law.policy.unfollowed_ladders
        if not unfollowed:
            return said
        return staying(
            said, steps_held((one.membership for one in self.memberships.values()), unfollowed)
        )


@dataclass(frozen=True, slots=True)
class Payer:
    """One of the member's customers at Stripe, described by what it pays for."""

    id: str
    words: str


def payers(member: Member, catalogue: Catalogue) -> list[Payer]:
    """The customers at Stripe that have something to change, the last linked first."""
    bought: dict[str, set[str]] = {}
    for subscription in member.facts.paid_by_user:
        if subscription.status not in OVER:
            names = {catalogue.name_of(item.product_id) for item in subscription.items}
            bought.setdefault(subscription.customer_id, set()).update(names)
    live = [one for one in member.live_customer_ids if not is_guest(one)]
    paying = [Payer(one, ", ".join(sorted(bought[one]))) for one in live if one in bought]
    return paying or [Payer(one, "earlier payments") for one in live[:1]]


def switches_of(known: Facts, law: Law) -> tuple[Switch, ...]:
    """Every change of plan that a member may make, from what was last read."""
    products, prices = law.catalogue.products.values(), law.catalogue.prices.values()
    return switches(known, law.rules, products, prices, law.policy.unfollowed_ladders)
