"""The oracle's shops and worlds in the bridge's types, and the bridge's pure part.

The simulated reading has a real one's difficulties: it shows the present, whatever the event said;
it reads purchases, refunds and disputes only if the event or the record asks for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import handlers
from bridge.core.events.stripe import Event
from bridge.core.events.tasks import ReadCustomer, SyncCustomer, SyncObject
from bridge.core.memberships.decision import Decision, Situation, WantedMembership, decide
from bridge.core.model import rights, stripe
from bridge.core.model.discourse import Group
from bridge.core.rights.grants import grants
from bridge.core.rules.mapping import Rules, compile_rules
from bridge.core.rules.policy import Policy
from tests.oracle.lives import RUNNING, News
from tests.oracle.naive import (
    Hand,
    Item,
    Paid,
    Product,
    Purchase,
    Shop,
    Subscription,
    Terms,
    World,
)

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
GROUP_IDS = {"members": 1, "supporters": 2, "patrons": 3, "choir": 4}
GROUP_NAMES = {id_: name for name, id_ in GROUP_IDS.items()}
CONFIRM = 60
HOLDING = Policy(removal_confirm_seconds=CONFIRM, ladders={"level": ("supporters", "patrons")})
ENDING = replace(HOLDING, unmapped="end")
CUSTOMERS = ("cus_1", "cus_2")


@lru_cache(maxsize=100_000)
def moment(seconds: int) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def when(seconds: int | None) -> datetime | None:
    return None if seconds is None else moment(seconds)


def seconds_of(at: datetime) -> int:
    return int((at - BEGIN).total_seconds())


# --- the shop, as Stripe's metadata say it --------------------------------------------------------


def rules_of(shop: Shop) -> Rules:
    products = [
        stripe.Product(f"prod_{name}", name, metadata=_metadata(product))
        for name, product in shop.items()
    ]
    groups = {id_: Group(id_, name) for id_, name in GROUP_NAMES.items()}
    return compile_rules(products, [], HOLDING, {}, groups)


def rules_for(shop: Shop) -> Rules:
    """The rules of a shop that stays as it is, compiled once."""
    found = _RULES.get(id(shop))
    if found is None:
        found = _RULES[id(shop)] = shop, rules_of(shop)
    return found[1]


_RULES: dict[int, tuple[Shop, Rules]] = {}


def _metadata(product: Product) -> dict[str, str]:
    said = {
        "groups": ",".join(sorted(product.groups)) or "none",
        **({"ladder": "level"} if product.step else {}),
        **said_by(product.terms),
    }
    return {f"discourse_{key}": text for key, text in said.items()}


def said_by(terms: Terms) -> dict[str, str]:
    """The terms as somebody would write them."""
    after = terms.after_instalments
    said = {
        "term": f"{terms.term_days}d" if terms.term_days else "lifetime",
        "grace": f"{terms.grace_days}d",
        "trial": terms.trial,
        "on_pause": terms.on_pause,
        "on_pause_collection": terms.on_pause_collection,
        "on_refund": terms.on_refund,
        "on_partial_refund": f"{terms.partial_percent}%" if terms.partial_percent else None,
        "on_dispute": terms.on_dispute,
        "after_instalments": f"{after}d" if isinstance(after, int) else after,
    }
    return {key: text for key, text in said.items() if text}


# --- the world, as it is read ---------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """All readings so far; `reading` in pieces, as the bridge stores it."""

    subscriptions: tuple[Subscription, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    deleted: frozenset[str] = frozenset()
    read_at: int | None = None


def read(known: Known, world: World, now: int, *, payments: bool) -> Known:
    """Read every customer again. Deleted ones are found, and their past stays."""
    before = {one.number: one for one in known.subscriptions}
    gone = known.deleted | world.deleted
    with_purchases = payments or bool(known.purchases)
    # Where something is known against a payment, a later one is looked for.
    doubtful = {
        one.customer
        for one in known.subscriptions
        if one.paid and (one.paid.refunded or one.paid.dispute in ("open", "lost"))
    }
    return Known(
        (
            *(one for one in known.subscriptions if one.customer in gone),
            *(
                _read_subscription(
                    one, before.get(one.number), payments=payments or one.customer in doubtful
                )
                for one in world.subscriptions
                if one.customer not in gone
            ),
        ),
        (
            *(one for one in known.purchases if one.customer in gone),
            *(
                one
                for one in (world if with_purchases else known).purchases
                if one.customer not in gone
            ),
        ),
        gone,
        now,
    )


def _read_subscription(
    one: Subscription, before: Subscription | None, *, payments: bool
) -> Subscription:
    """Refunds and disputes are asked for, or else remembered of the same invoice."""
    if payments and (one.status in (*RUNNING, "paused") or one.cancel_at is not None):
        return one
    latest = one.paid if one.paid and one.paid.is_latest else None
    seen = replace(latest, refunded=0, dispute=None) if latest else None
    owes_since_trial = one.status == "past_due" and one.trial_ends is not None
    if seen is None and (one.collection_paused or owes_since_trial):
        seen = one.paid  # this is asked for, too
    kept = before.paid if before else None
    if not payments and kept and (seen is None or seen.invoice == kept.invoice):
        seen = kept
    return replace(one, paid=seen)


def everything(world: World) -> Known:
    return Known(world.subscriptions, world.purchases, world.deleted, 0)


@lru_cache(maxsize=100_000)
def subscription(one: Subscription) -> stripe.Subscription:
    return stripe.Subscription(
        f"sub_{one.number}",
        one.customer,
        one.status,
        tuple(_item(item) for item in one.items),
        moment(one.began),
        moment(one.began),
        trial_end_at=when(one.trial_ends),
        cancel_at=when(one.cancel_at),
        cancel_at_period_end=one.at_period_end,
        canceled_at=when(one.wished_at),
        ended_at=when(one.ended_at),
        pause_collection="void" if one.collection_paused else None,
        past_due_since_at=when(one.unpaid_since),
        last_payment=_payment(one.paid) if one.paid else None,
    )


def _item(item: Item) -> stripe.SubscriptionItem:
    begins, ends = moment(item.begins), moment(item.ends)
    names = f"price_{item.product}", f"prod_{item.product}"
    return stripe.SubscriptionItem(f"si_{item.product}", *names, item.seats, begins, ends)


def _payment(paid: Paid) -> stripe.PeriodPayment:
    return stripe.PeriodPayment(
        f"in_{paid.invoice}",
        moment(paid.at),
        moment(paid.until),
        0 if paid.by_credit else 100,
        refunded_minor=paid.refunded,
        disputed=paid.dispute,
    )


@lru_cache(maxsize=100_000)
def purchase(one: Purchase) -> stripe.Purchase:
    names = one.customer, f"price_{one.product}", f"prod_{one.product}"
    return stripe.Purchase(
        f"cs_{one.number}",
        *names,
        1,
        moment(one.paid_at),
        100,
        "eur",
        payment_minor=100,
        refunded_minor=one.refunded,
        disputed=one.dispute,
    )


@lru_cache(maxsize=100_000)
def hand_grant(hand: Hand) -> rights.HandGrant:
    group_id, begins = GROUP_IDS[hand.group], moment(hand.begins)
    return rights.HandGrant(f"hand_{hand.number}", 7, group_id, begins, when(hand.ends), "", "mod")


@lru_cache(maxsize=50_000)
def facts_of(known: Known, hands: tuple[Hand, ...]) -> rights.Facts:
    return rights.Facts(
        tuple(map(subscription, known.subscriptions)),
        tuple(map(purchase, known.purchases)),
        tuple(map(hand_grant, hands)),
        known.deleted,
    )


# --- the bridge -----------------------------------------------------------------------------------


@lru_cache(maxsize=100_000)
def asks_for(news: News) -> str:
    """The handlers' task for an event: nothing, forget, read, or read with payments."""
    related = {"subscription": "sub_1"} if news.of_subscription else {}
    if news.type.startswith("invoice.") and not related:
        related = {"invoice_item": "ii_1"}
    event = Event(
        "evt_1", news.type, "obj_1", "object", news.customer, BEGIN, livemode=False, related=related
    )
    asked = ""
    for task in handlers.route(event):
        if isinstance(task, ReadCustomer):
            asked = f"forget {task.customer_id}"
        elif isinstance(task, SyncCustomer | SyncObject):
            asked = "payments" if task.purchases or asked == "payments" else "read"
    return asked


@dataclass(frozen=True)
class Record:
    """All that the bridge holds of one member, and the groups they are really in."""

    memberships: tuple[WantedMembership, ...] = ()
    known: Known = Known()
    actual: frozenset[str] = frozenset()
    timer_at: int | None = None


def hear(record: Record, asked: str, rules: Rules, world: World, now: int) -> Record:
    """One decision on the present state, with its immediate effect on groups.

    `asked`: nothing, decide (on what was read before), forget a customer, read, payments as well.
    """
    if not asked:
        return record
    known, was_read = record.known, True
    if asked.startswith("forget "):
        known = replace(known, deleted=known.deleted | {asked.removeprefix("forget ")})
    if asked in ("payments", "read") or known.read_at is None:
        known = read(known, world, now, payments=asked == "payments")
    else:
        was_read = False
    after = decided(replace(record, known=known), rules, world, now)
    if not (was_read and (asked == "payments" or known.purchases)) and _takes(record, after, rules):
        # Before anything is taken everything is read; in between it stays.
        closer = replace(after, known=read(known, world, now, payments=True))
        return decided(replace(closer, actual=record.actual | after.actual), rules, world, now)
    return after


def _takes(before: Record, after: Record, rules: Rules) -> bool:
    new = [membership for membership in after.memberships if membership not in before.memberships]
    swaps = [
        (membership.group_id, membership.swap_to)
        for membership in new
        if membership.swap_to is not None
    ]
    down = any(rules.step_of(to)[1] <= rules.step_of(from_)[1] for from_, to in swaps)
    return down or any(membership.confirmed_at is not None for membership in new)


def decided(record: Record, rules: Rules, world: World, now: int) -> Record:
    read_at = moment(now if record.known.read_at is None else record.known.read_at)
    at = Situation(moment(now), read_at, timedelta(seconds=CONFIRM))
    found = grants(facts_of(record.known, world.hands), rules, ENDING, moment(now))
    before = {membership.group_id: membership for membership in record.memberships}
    decision: Decision = decide(before, found, at)
    memberships = {
        **before,
        **{membership.group_id: membership for membership in decision.memberships},
    }
    wanted = {GROUP_NAMES[id_] for id_, membership in memberships.items() if membership.wanted}
    there = record.actual | wanted  # adds come first
    leaving = {
        GROUP_NAMES[id_]
        for id_, membership in memberships.items()
        if not membership.wanted and not membership.hold and _is_proven(membership, wanted)
    }
    return Record(
        tuple(memberships[id_] for id_ in sorted(memberships)),
        record.known,
        frozenset(there - leaving),
        seconds_of(decision.next_at) if decision.next_at else None,
    )


def adopted(record: Record) -> Record:
    """After a restored backup, memberships on the forum count as wanted until the next reading."""
    memberships = {membership.group_id: membership for membership in record.memberships}
    for name in record.actual:
        known = memberships.get(GROUP_IDS[name], WantedMembership(GROUP_IDS[name]))
        if not known.wanted:
            memberships[known.group_id] = replace(
                known, wanted=True, unwanted_at=None, confirmed_at=None
            )
    return replace(record, memberships=tuple(memberships[id_] for id_ in sorted(memberships)))


def _is_proven(membership: WantedMembership, wanted: set[str]) -> bool:
    swapped = membership.swap_to is not None and GROUP_NAMES[membership.swap_to] in wanted
    return membership.unwanted_at is not None and (membership.confirmed_at is not None or swapped)
