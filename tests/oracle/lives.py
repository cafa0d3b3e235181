"""Shops, worlds and whole lives, made from a few random bytes, without the bridge's code.

Bytes shrink well: fewer and smaller ones make a smaller shop and a shorter life.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeVar

from tests.oracle.naive import (
    DAY,
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

T = TypeVar("T")
MONTH = 30 * DAY
RUNNING = ("active", "trialing", "past_due")
RECURRING = ("bronze", "gold", "side", "mystery")
GROUPS = ("members", "choir", "supporters", "patrons")
AFTER: tuple[str | int, ...] = ("end", "end", "lifetime", 60)
ONCE = ("pass", "daypatron", "donation")
# Added to the number of an order for the second of its lines.
SECOND_LINE = 1000


class Dice:
    """Choices, one for each byte; when they are used up, always the first."""

    def __init__(self, data: bytes) -> None:
        self._bytes = iter(data)

    def pick(self, *options: T) -> T:
        return options[next(self._bytes, 0) % len(options)]


def shop(dice: Dice) -> Shop:
    """One of 256, so that each has to be set up only once; the first has all defaults."""
    return _shop(dice.pick(*range(256)))


@cache
def _shop(number: int) -> Shop:
    luck = random.Random(number)  # noqa: S311 - which policy a shop has, no secret
    return shop_with(Dice(luck.randbytes(20) if number else b""))


def shop_with(dice: Dice) -> Shop:
    """Two steps of a ladder with a base group, one group beside it, and things bought once."""

    def terms(term_days: int | None = None) -> Terms:
        return Terms(
            term_days=term_days,
            grace_days=dice.pick(7, 7, 0, 30),
            trial=dice.pick("grant", "grant", "wait"),
            on_pause=dice.pick("end", "keep"),
            on_pause_collection=dice.pick("keep", "end", "period_end"),
            on_refund=dice.pick(None, None, "end", "keep", "period_end"),
            partial_percent=dice.pick(None, None, 50),
            on_dispute=dice.pick("keep", "suspend"),
            after_instalments=dice.pick(*AFTER),
        )

    recurring, once = terms(), terms(dice.pick(30, 30, None))
    return {
        "bronze": Product(frozenset({"members", "supporters"}), "supporters", 1, recurring),
        "gold": Product(frozenset({"members", "patrons"}), "patrons", 2, recurring),
        "side": Product(frozenset({"choir"}), terms=recurring),
        "pass": Product(frozenset({"choir"}), terms=once),
        "daypatron": Product(frozenset({"patrons"}), "patrons", 2, once),
        "donation": Product(frozenset(), terms=once),
        # "mystery" is sold too, and nobody says where it leads.
    }


# --- a world at one moment ------------------------------------------------------------------------


def world(dice: Dice) -> tuple[World, int]:
    """Anything that Stripe might answer, likely or not, and a moment to look at it."""
    subs = tuple(_subscription(dice, number) for number in range(dice.pick(1, 2, 3, 0)))
    bought = tuple(_purchase(dice, number) for number in range(dice.pick(0, 1, 2, 4)))
    hands = [Hand(1, dice.pick(*GROUPS), _time(dice), dice.pick(None, _time(dice)))]
    gone = dice.pick((), (), (), ("cus_1",))
    return World(subs, bought, tuple(hands[: dice.pick(0, 0, 1)]), frozenset(gone)), _time(dice)


def _time(dice: Dice) -> int:
    day: int = dice.pick(*range(0, 120, 3))
    second: int = dice.pick(0, 0, 1, DAY - 1)
    return day * DAY + second


def _money(dice: Dice) -> tuple[int, str | None]:
    return dice.pick(0, 0, 100, 50, 49), dice.pick(None, None, "open", "won", "lost")


def _subscription(dice: Dice, number: int) -> Subscription:
    products = dice.pick(*((one,) for one in RECURRING), ("bronze", "gold"), ("gold", "side"))
    began = _time(dice)
    refunded, dispute = _money(dice)
    paid = Paid(1, _time(dice), refunded, dispute)  # type: ignore[arg-type] # one of its words
    ends = dice.pick(None, None, "cancel_at", "at_period_end")
    statuses = (*RUNNING, "canceled", "unpaid", "paused", "incomplete", "incomplete_expired")
    status = dice.pick(*statuses)
    return Subscription(
        number,
        dice.pick("cus_1", "cus_2"),
        tuple(Item(one, _time(dice), _time(dice), dice.pick(1, 1, 5, 0)) for one in products),
        status,
        began,
        paid=dice.pick(paid, None),
        unpaid_since=dice.pick(None, None, _time(dice)),
        cancel_at=_time(dice) if ends else None,
        at_period_end=ends == "at_period_end",
        wished_at=dice.pick(None, began, _time(dice)),
        ended_at=_time(dice) if status == "canceled" else None,
        collection_paused=dice.pick(0, 0, 1) == 1,
    )


def _purchase(dice: Dice, number: int) -> Purchase:
    refunded, dispute = _money(dice)
    customer, product = dice.pick("cus_1", "cus_2"), dice.pick(*ONCE, "mystery")
    return Purchase(number, customer, product, _time(dice), refunded, dispute)  # type: ignore[arg-type] # one of its words


# --- a life: what happens, and the news of it -----------------------------------------------------


@dataclass(frozen=True)
class News:
    """One event of Stripe's: its type, whose it is, and whether it names a subscription."""

    type: str
    customer: str
    of_subscription: bool = True


@dataclass(frozen=True)
class Act:
    """Something that happened: its time, the world afterwards, and its event."""

    at: int
    what: str
    world: World
    news: tuple[News, ...]


GAPS = (30, 3600, 2 * DAY, 8 * DAY, 31 * DAY)
Change = tuple[str, Subscription, tuple[str, ...]]
Happening = tuple[str, World, tuple[News, ...]]


def life(dice: Dice, acts: int) -> Iterator[Act]:
    """So many things that happen one after the other, each possible after those before."""
    now, here = 0, World()
    for number in range(1, acts + 1):
        now += dice.pick(*GAPS)
        what, here, news = _happens(dice, here, now, number)
        yield Act(now, what, here, news)


def _happens(dice: Dice, here: World, now: int, number: int) -> Happening:
    alive = [s for s in here.subscriptions if s.customer not in here.deleted]
    kinds = ["subscribe", "buy", "hand", *(["change"] * 6 if alive else [])]
    kinds += ["money back"] * bool(here.purchases)
    kinds += ["delete"] * any(s.customer == "cus_2" and s.cancel_at is None for s in alive)
    kind = dice.pick(*kinds)
    if kind == "subscribe":
        return _subscribe(dice, here, now, number)
    if kind == "buy":
        return _buy(dice, here, now, number)
    if kind == "hand":
        hand = Hand(number, dice.pick(*GROUPS), now, dice.pick(None, now + 3 * DAY))
        return (
            f"is put into {hand.group} by a moderator",
            replace(here, hands=(*here.hands, hand)),
            (),
        )
    if kind == "delete":
        gone = replace(here, deleted=here.deleted | {"cus_2"})
        return "the customer is deleted", gone, (News("customer.deleted", "cus_2"),)
    if kind == "money back":
        return _purchase_undone(dice, here)
    sub = dice.pick(*alive)
    what, changed, types = dice.pick(*_changes_of(sub))(dice, sub, now, number)
    subs = tuple(changed if one.number == sub.number else one for one in here.subscriptions)
    news = tuple(News(type_, sub.customer) for type_ in types)
    return f"{what} ({sub.number})", replace(here, subscriptions=subs), news


def _subscribe(dice: Dice, here: World, now: int, number: int) -> Happening:
    customer = dice.pick("cus_1", "cus_2")
    if customer in here.deleted:
        customer = "cus_1"
    products = dice.pick(("bronze",), ("gold",), ("side",), ("bronze", "side"))
    status = dice.pick("active", "active", "trialing", "incomplete")
    made = Subscription(
        number,
        customer,
        tuple(Item(one, now, now + MONTH) for one in products),
        status,
        now,
        paid=None if status == "incomplete" else Paid(number, now + MONTH),
        trial_ends=now + MONTH if status == "trialing" else None,
    )
    if customer == "cus_1" and dice.pick(0, 0, 1):  # in instalments
        made = replace(made, cancel_at=now + 3 * MONTH, wished_at=now)
    types = ["customer.subscription.created"]
    types += ["invoice.paid"] * (status == "active")
    types += ["checkout.session.completed"] * dice.pick(0, 1)
    how = f"{status}, in instalments" if made.cancel_at else status
    what = f"subscribes to {'+'.join(products)} ({how})"
    news = tuple(News(type_, customer) for type_ in types)
    return what, replace(here, subscriptions=(*here.subscriptions, made)), news


def _buy(dice: Dice, here: World, now: int, number: int) -> Happening:
    """One thing or two in an order, on Stripe's page or by an invoice that somebody wrote."""
    first, beside = dice.pick(*ONCE), dice.pick(None, None, *ONCE)
    lines = [Purchase(number, "cus_1", first, now)]
    if beside not in (None, first):
        lines.append(Purchase(number + SECOND_LINE, "cus_1", beside, now))
    type_ = dice.pick("checkout.session.completed", "checkout.session.completed", "invoice.paid")
    news = (News(type_, "cus_1", of_subscription=False),)
    what = "+".join(one.product for one in lines)
    return f"buys {what}", replace(here, purchases=(*here.purchases, *lines)), news


def _purchase_undone(dice: Dice, here: World) -> Happening:
    one = dice.pick(*here.purchases)
    what = dice.pick("refund", "part", "failed", "open", "won", "lost")
    refunded = {"refund": 100, "part": 50, "failed": 0}
    if what in refunded:
        changed = replace(one, refunded=refunded[what])
        type_ = "refund.failed" if what == "failed" else "charge.refunded"
    else:
        changed = replace(one, dispute=what)  # type: ignore[arg-type] # one of its three words
        type_ = "charge.dispute.created" if what == "open" else "charge.dispute.closed"
    bought = tuple(changed if p.number == one.number else p for p in here.purchases)
    news = (News(type_, one.customer, of_subscription=False),)
    return f"purchase {one.number}: {what}", replace(here, purchases=bought), news


# --- what can become of a subscription ------------------------------------------------------------

UPDATED, DELETED = "customer.subscription.updated", "customer.subscription.deleted"
Doing = Callable[[Dice, Subscription, int, int], Change]


def _changes_of(sub: Subscription) -> list[Doing]:
    # What was paid from credit cannot be given back or disputed.
    money_back = [_money_back] if sub.paid and not sub.paid.by_credit else []
    if sub.status in ("canceled", "incomplete_expired"):
        return [_old_refund, *money_back]
    always: list[Doing] = [_cancel, _plan]
    if sub.status == "incomplete":
        return [_renew, _expire]
    if sub.status == "paused":
        return [*always, _resume]
    if sub.status == "unpaid":
        return [*always, _renew]
    if sub.status == "past_due":
        return [*always, _renew, _give_up, *money_back]
    if sub.cancel_at is not None:
        always = [_cancel, _plan, _finish]
    else:
        always.append(_announce)
    more: list[Doing] = [_renew, _fail, _pause, _collection, _old_refund]
    of_nothing = sub.status == "trialing"
    return [*always, *more, *([] if of_nothing else money_back)]


def _cancel(_: Dice, sub: Subscription, now: int, __: int) -> Change:
    over = replace(sub, status="canceled", ended_at=now, wished_at=now, unpaid_since=None)
    return "cancels", over, (DELETED,)


def _finish(_: Dice, sub: Subscription, now: int, __: int) -> Change:
    """The announced end has come: time passed until it, if it lay ahead."""
    if sub.cancel_at is not None and now < sub.cancel_at:
        return "waits for the end", sub, (UPDATED,)
    return "the end comes", replace(sub, status="canceled", ended_at=now), (DELETED,)


def _announce(_: Dice, sub: Subscription, now: int, __: int) -> Change:
    wish = not sub.at_period_end
    changed = replace(sub, at_period_end=wish, wished_at=now if wish else None)
    return "ends later" if wish else "goes on after all", changed, (UPDATED,)


def _plan(dice: Dice, sub: Subscription, now: int, __: int) -> Change:
    product = dice.pick("gold", "bronze", "side", "mystery")
    items = (Item(product, now, now + MONTH), *(i for i in sub.items[1:] if i.product != product))
    return f"changes to {product}", replace(sub, items=items), (UPDATED,)


def _renew(dice: Dice, sub: Subscription, now: int, number: int) -> Change:
    items = tuple(replace(item, begins=now, ends=now + MONTH) for item in sub.items)
    ended = now if sub.trial_ends is None else min(sub.trial_ends, now)
    by_credit = dice.pick(0, 0, 1) == 1
    paid = replace(
        sub,
        status="active",
        items=items,
        paid=Paid(number, now + MONTH, at=now, by_credit=by_credit),
        unpaid_since=None,
        trial_ends=None if sub.trial_ends is None else ended,
    )
    return "pays from credit" if by_credit else "pays", paid, ("invoice.paid", UPDATED)


def _fail(_: Dice, sub: Subscription, now: int, __: int) -> Change:
    before = replace(sub.paid, is_latest=False) if sub.paid else None
    trial_ends = now if sub.status == "trialing" else sub.trial_ends
    return (
        "payment fails",
        replace(sub, status="past_due", unpaid_since=now, paid=before, trial_ends=trial_ends),
        ("invoice.payment_failed", UPDATED),
    )


def _give_up(dice: Dice, sub: Subscription, now: int, __: int) -> Change:
    if dice.pick("unpaid", "canceled") == "unpaid":
        return "is given up", replace(sub, status="unpaid"), (UPDATED,)
    return "is ended unpaid", replace(sub, status="canceled", ended_at=now), (DELETED,)


def _expire(_: Dice, sub: Subscription, __: int, ___: int) -> Change:
    return "never paid", replace(sub, status="incomplete_expired"), (UPDATED,)


def _pause(_: Dice, sub: Subscription, __: int, ___: int) -> Change:
    return "is paused", replace(sub, status="paused"), ("customer.subscription.paused",)


def _resume(_: Dice, sub: Subscription, __: int, ___: int) -> Change:
    return "is resumed", replace(sub, status="active"), ("customer.subscription.resumed",)


def _collection(_: Dice, sub: Subscription, __: int, ___: int) -> Change:
    paused = not sub.collection_paused
    return f"collection paused: {paused}", replace(sub, collection_paused=paused), (UPDATED,)


def _old_refund(_: Dice, sub: Subscription, __: int, ___: int) -> Change:
    return "an old invoice is refunded", sub, ("charge.refunded",)


def _money_back(dice: Dice, sub: Subscription, _: int, __: int) -> Change:
    if sub.paid is None:
        raise ValueError(sub)
    what = dice.pick("refund", "part", "failed", "open", "won", "lost")
    refunded = {"refund": 100, "part": 50, "failed": 0}
    if what in refunded:
        type_ = "refund.failed" if what == "failed" else "charge.refunded"
        return what, replace(sub, paid=replace(sub.paid, refunded=refunded[what])), (type_,)
    type_ = "charge.dispute.created" if what == "open" else "charge.dispute.closed"
    fate = replace(sub.paid, dispute=what)  # type: ignore[arg-type] # one of its three words
    return f"dispute {what}", replace(sub, paid=fate), (type_,)
