"""The groups that somebody should be in, computed the slow way from the acceptance text.

Nothing of the bridge is imported here, so that both cannot have the same mistake. Times are whole
seconds since the beginning of a life, money is whole cents, and everything is plain data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DAY = 86_400
Says = tuple[bool, str]


@dataclass(frozen=True)
class Terms:
    """The settings of a product; None stands for the default."""

    term_days: int | None = None  # for life
    grace_days: int = 7
    trial: str = "grant"
    on_pause: str = "end"
    on_pause_collection: str = "keep"
    on_refund: str | None = None  # bought once: end; a subscription: keep
    partial_percent: int | None = None  # keep
    on_dispute: str = "keep"
    after_instalments: str | int = "end"  # or for life, or so many days


@dataclass(frozen=True)
class Product:
    """A product, the groups it leads to, and that one of them which is a step of the ladder."""

    groups: frozenset[str]
    step: str | None = None
    rank: int = 0
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True)
class Paid:
    """The newest invoice that was paid, and what became of the money."""

    invoice: int
    until: int
    refunded: int = 0  # of 100
    dispute: Literal["open", "won", "lost"] | None = None
    is_latest: bool = True  # False: a newer one is owed
    at: int = 0
    by_credit: bool = False  # E33: nothing was charged


@dataclass(frozen=True)
class Item:
    product: str
    begins: int
    ends: int
    seats: int = 1


@dataclass(frozen=True)
class Subscription:
    number: int
    customer: str
    items: tuple[Item, ...]
    status: str
    began: int
    paid: Paid | None = None
    unpaid_since: int | None = None
    cancel_at: int | None = None
    at_period_end: bool = False
    wished_at: int | None = None  # when the end was asked for
    ended_at: int | None = None
    collection_paused: bool = False
    trial_ends: int | None = None


@dataclass(frozen=True)
class Purchase:
    number: int
    customer: str
    product: str
    paid_at: int
    refunded: int = 0  # of 100
    dispute: Literal["open", "won", "lost"] | None = None


@dataclass(frozen=True)
class Hand:
    number: int
    group: str
    begins: int
    ends: int | None


@dataclass(frozen=True)
class World:
    """Everything that is true at one moment at Stripe, and moderators' grants."""

    subscriptions: tuple[Subscription, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    hands: tuple[Hand, ...] = ()
    deleted: frozenset[str] = frozenset()


Shop = Mapping[str, Product]


# --- one subscription ----------------------------------------------------------------------------


def says(sub: Subscription, item: Item, terms: Terms, now: int, *, deleted: bool) -> Says:
    """Whether one item of a subscription gives what it leads to, and the kind of reason."""
    yes, why = by_status(sub, item, terms, now)
    if terms.trial == "wait" and never_paid(sub):  # E1: until the first payment
        yes, why = False, "waits"
    if deleted and not (yes and why == "instalments"):  # E37; what is paid off stands
        return False, "customer gone"
    if not yes:
        return yes, why
    if item.seats == 0:  # E21
        return False, "no seats"
    if sub.collection_paused:  # E12
        if terms.on_pause_collection == "end":
            return False, "collection paused"
        if terms.on_pause_collection == "period_end" and sub.paid and now >= sub.paid.until:
            return False, "collection paused"
        why = "collection paused"
    return after_money(sub.paid, terms, now, why) if sub.paid else (True, why)


def by_status(sub: Subscription, item: Item, terms: Terms, now: int) -> Says:
    if sub.status == "active":  # E4; also past an announced end: Stripe's word ends it (A19)
        return True, "runs"
    if sub.status == "trialing":  # E1
        return (True, "runs") if terms.trial == "grant" else (False, "waits")
    if sub.status == "past_due":  # E5 to E7
        since = item.begins if sub.unpaid_since is None else sub.unpaid_since
        return now < since + terms.grace_days * DAY, "failed payment"
    if sub.status == "paused":  # E10
        return terms.on_pause == "keep", "paused"
    after = terms.after_instalments
    if sub.status == "canceled" and paid_off(sub, item) and after != "end":  # A20
        stands = isinstance(after, str) or now < (sub.cancel_at or 0) + after * DAY
        return stands, "instalments"
    over = {"unpaid": "unpaid", "canceled": "over", "incomplete": "pending"}  # E2, E8, E9
    return False, over.get(sub.status, sub.status)


def never_paid(sub: Subscription) -> bool:
    """A trial that is over, or not, and nothing was paid since; while it counts for something."""
    if sub.trial_ends is None or sub.status not in ("active", "past_due"):
        return False
    return sub.paid is None or sub.paid.at < sub.trial_ends


def paid_off(sub: Subscription, item: Item) -> bool:
    """Instalments: an end set at the beginning, over more than one period, reached and paid."""
    if sub.cancel_at is None or sub.ended_at is None or sub.at_period_end:
        return False
    one_period_only = item.begins <= sub.began and item.ends >= sub.cancel_at
    set_later = sub.wished_at is not None and sub.began + DAY < sub.wished_at < sub.cancel_at
    reached = sub.ended_at >= sub.cancel_at
    return reached and not (one_period_only or set_later or sub.unpaid_since is not None)


def after_money(paid: Paid, terms: Terms, now: int, why: str) -> Says:
    """The refunds and disputes of the newest paid invoice (E24 to E30); older ones never count."""
    if paid.dispute == "lost":
        return False, "dispute lost"
    if paid.dispute == "open" and terms.on_dispute == "suspend":
        return False, "disputed"
    if given_back(paid.refunded, terms):
        choice = terms.on_refund or "keep"
        if choice == "end" or (choice == "period_end" and now >= paid.until):
            return False, "refunded"
        if choice == "period_end":
            return True, "refunded"
    return True, why


def given_back(refunded: int, terms: Terms) -> bool:
    return refunded >= (terms.partial_percent or 100)


# --- what was bought once -------------------------------------------------------------------------


def ends_of_purchases(world: World, shop: Shop) -> dict[int, int | None]:
    """E23: each term begins when the one before it is over: max(now, current end) + term."""
    ends: dict[int, int | None] = {}
    for one in sorted(world.purchases, key=lambda p: (p.paid_at, p.number)):
        terms = terms_of(shop, one.product)
        if terms.term_days is None:
            ends[one.number] = None
            continue
        before = [
            end
            for other in world.purchases
            if other.product == one.product
            and (other.paid_at, other.number) < (one.paid_at, one.number)
            and other.dispute != "lost"
            and not given_back(other.refunded, terms)
            and (end := ends[other.number]) is not None
        ]
        ends[one.number] = max([one.paid_at, *before]) + terms.term_days * DAY
    return ends


def purchase_says(one: Purchase, end: int | None, terms: Terms, now: int) -> Says:
    # Nothing here says when a dispute began: one that may be later ended no term (A106).
    if end is not None and now >= end:
        return False, "term over"
    if one.dispute == "lost":
        return False, "dispute lost"
    if one.dispute == "open" and terms.on_dispute == "suspend":
        return False, "disputed"
    if given_back(one.refunded, terms):
        choice = terms.on_refund or "end"
        if choice == "end" or (choice == "period_end" and end is None):
            return False, "refunded"
        if choice == "period_end":
            return True, "refunded"
    return True, "bought"


# --- everything together --------------------------------------------------------------------------


def terms_of(shop: Shop, product: str) -> Terms:
    return shop[product].terms if product in shop else Terms()


@dataclass(frozen=True)
class Word:
    """One source's verdict on one product: groups, since when, and whether it gives them."""

    source: str
    product: str
    since: int
    gives: bool
    why: str


def words(shop: Shop, world: World, now: int) -> list[Word]:
    """Every source independently of the others (A21, A41, D5)."""
    found = []
    for sub in world.subscriptions:
        for item in sub.items:
            terms = terms_of(shop, item.product)
            gone = sub.customer in world.deleted
            yes, why = says(sub, item, terms, now, deleted=gone)
            found.append(Word(f"sub_{sub.number}", item.product, sub.began, yes, why))
    ends = ends_of_purchases(world, shop)
    for one in world.purchases:
        yes, why = purchase_says(one, ends[one.number], terms_of(shop, one.product), now)
        found.append(Word(f"cs_{one.number}", one.product, one.paid_at, yes, why))
    return found


def groups(shop: Shop, world: World, now: int) -> set[str]:
    """The groups that somebody should be in: the union of all, and of the ladder one step."""
    giving = [word for word in words(shop, world, now) if word.gives and word.product in shop]
    by_hand = {hand.group for hand in world.hands if lasts(hand, now)}
    height = {str(one.step): one.rank for one in shop.values() if one.step is not None}
    found = by_hand - height.keys()
    for word in giving:
        product = shop[word.product]
        found |= product.groups - {product.step}
    steps = {str(step) for word in giving if (step := shop[word.product].step) is not None}
    steps |= by_hand & height.keys()
    if steps:
        found.add(max(steps, key=lambda step: height[step]))
    return found


def feature_gives(terms: Terms, world: World, entitled: set[str], product: str, now: int) -> bool:
    """Whether a feature that a product carries gives what it leads to.

    Stripe has to say that the customer has it, and that alone is not enough: it leaves it to those
    whose trial ended without a card.
    """
    return any(
        says(sub, item, terms, now, deleted=sub.customer in world.deleted)[0]
        for sub in world.subscriptions
        for item in sub.items
        if item.product == product and sub.customer in entitled
    )


def lasts(hand: Hand, now: int) -> bool:
    return hand.begins <= now and (hand.ends is None or now < hand.ends)
