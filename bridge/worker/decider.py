"""The decider: per user, from a fresh complete reading of Stripe to what is wanted, and why.

Order, duplication and loss of events cannot matter here: an event only says whom to read again.
The generation is read before Stripe is, so news that arrives meanwhile is another round.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from bridge.core.grants import grants
from bridge.core.membership import Decision, Situation, decide
from bridge.core.model import Grant, MoneyLine, Price, Product, Purchase, Subscription
from bridge.core.reasons import UNDECIDED
from bridge.core.rules import Rules
from bridge.crashpoints import crashpoint
from bridge.errors import BridgeError, Broken, NotFound, Permanent, Transient
from bridge.reference import read_reference
from bridge.store import catalogue, facts, inbox, links, memberships, statements, work
from bridge.wiring import Bridge
from bridge.worker import echoes
from bridge.worker.intake import Needs, needs_of, note_catalogue, work_common_lane

log = structlog.get_logger()
# What belongs to no customer and no user.
LANES = {work.INBOX_LANE: work_common_lane, work.FORUM_LANE: echoes.work_on_lane}
LONGEST_BACKOFF_SECONDS = 900.0
MOST_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """A complete reading of one customer; None where that part was not asked for."""

    customer_id: str
    began_at: datetime
    subscriptions: tuple[Subscription, ...] = ()
    purchases: tuple[Purchase, ...] | None = None
    money: tuple[MoneyLine, ...] = ()
    catalogue: tuple[Product | Price, ...] = ()
    user_id: int | None = None
    deleted: bool = False


def work_on(bridge: Bridge, key: str) -> bool:
    """Decide what is due for a key, with all other keys of its user; False if another is at it."""
    for _ in range(MOST_ROUNDS):
        with bridge.store.read() as connection:
            user_id = _user_of_key(connection, key)
        name = work.user_key(user_id) if user_id is not None else key
        with work.holding(bridge.store, bridge.clock, name, bridge.name) as lease:
            if lease is None:
                return False
            dirty = _due(bridge, key, user_id)
            if not dirty:
                return True
            try:
                _round(bridge, lease, key, user_id, dirty)
            except work.LeaseLost:
                log.warning("decide.lease_lost", key=key)
                return False
            except BridgeError as error:
                _put_off(bridge, dirty, error)
                return True
            except Exception as error:
                # A defect about one person must not turn into a loop that holds up the others.
                log.exception("decide.broken", key=key)
                _put_off(bridge, dirty, Broken(error))
                return True
    return True


def _user_of_key(connection: Connection, key: str) -> int | None:
    if key.startswith("user:"):
        return int(key.removeprefix("user:"))
    return links.user_of(connection, key)


def _due(bridge: Bridge, key: str, user_id: int | None) -> tuple[work.Dirty, ...]:
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        found = work.generations(connection, key, user_id)
    dirty = tuple(one for one in found if one.is_dirty)
    # Once one key of a user is due, all of them are worked on: it is one decision.
    return dirty if any(one.next_at <= now for one in dirty) else ()


def _round(
    bridge: Bridge, lease: work.Lease, key: str, user_id: int | None, dirty: tuple[work.Dirty, ...]
) -> None:
    if key in LANES:
        LANES[key](bridge, lease, dirty)
        return
    with bridge.store.read() as connection:
        events = inbox.waiting(connection, [one.key for one in dirty])
    needs = needs_of(bridge, dirty, events)
    readings = _read(bridge, key, user_id, needs)
    crashpoint("after_stripe_read")
    cause = events[-1].id if events else next((one.cause for one in dirty if one.cause), None)
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        work.check(connection, lease, now)
        new_money = _keep(connection, readings, needs, now)
        linked = _link(connection, readings, needs, now)
        inbox.finish(connection, needs.outcomes, now)
        if user_id is None:
            if len(events) < inbox.AT_ONCE:
                work.mark_done(connection, dirty, timer=None)
            # Linked just now: the customer is dirty again, for the user it turned out to be of. But
            # its payment is new only this once, and is to be told.
            decision = None
            owner = links.user_of(connection, key)
            if owner is not None:
                statements.after_decision(connection, bridge.policy, owner, None, new_money, now)
        else:
            decision = _decide(bridge, connection, user_id, now, cause=cause)
            statements.after_decision(connection, bridge.policy, user_id, decision, new_money, now)
            if len(events) < inbox.AT_ONCE:
                work.mark_done(connection, dirty, timer=(work.user_key(user_id), decision.next_at))
            _look_closer(bridge, connection, user_id, decision, readings, now)
    log.info(
        "decided",
        key=key,
        user_id=user_id,
        cause=cause,
        events=len(events),
        read=len(readings),
        moved=[f"{s.action}:{s.wish.group_id}" for s in decision.shifts] if decision else [],
        linked=linked,
    )
    crashpoint("after_decision")
    _wake(bridge, user_id, decision)


# --- reading --------------------------------------------------------------------------------------


def _read(bridge: Bridge, key: str, user_id: int | None, needs: Needs) -> list[Reading]:
    """Read all customers of the user from Stripe; a failure of any is a failure of all."""
    with bridge.store.read() as connection:
        mine = [key] if user_id is None else list(links.customers_of(connection, user_id))
        known = {one.customer_id: one for one in links.customer_rows(connection, mine)}
    if not needs.read and all(c in known and known[c].read_at for c in mine):
        return []
    readings = []
    for customer_id in mine:
        row = known.get(customer_id)
        if customer_id in needs.forget or (row is not None and row.deleted_at is not None):
            readings.append(Reading(customer_id, bridge.clock.now(), deleted=True))
            continue
        with_purchases = needs.purchases or bool(row is not None and row.has_purchases)
        readings.append(_read_customer(bridge, customer_id, needs, with_purchases=with_purchases))
    return readings


def _read_customer(
    bridge: Bridge, customer_id: str, needs: Needs, *, with_purchases: bool
) -> Reading:
    began_at = bridge.clock.now()
    try:
        found = bridge.stripe.customer_reading(customer_id, payments=needs.purchases)
        bought = bridge.stripe.purchases(customer_id) if with_purchases else None
        unseen = needs.paid_invoices - {line.invoice_id for line in found.money}
        money = bridge.stripe.money(customer_id, None) if needs.money or unseen else ()
    except NotFound:
        # A customer that is gone is asked for by its own name before anything follows from it.
        if bridge.stripe.customer(customer_id).deleted:
            return Reading(customer_id, began_at, deleted=True)
        raise
    prices = (*found.prices, *(bought.prices if bought else ()))
    claims = [*found.references.values(), *(bought.references.values() if bought else ())]
    ours = [bridge.settings.secret_key]
    users = {user_id for text in claims if (user_id := read_reference(text, ours)) is not None}
    return Reading(
        customer_id,
        began_at,
        found.subscriptions,
        bought.purchases if bought else None,
        (*found.money, *(bought.money if bought else ()), *money),
        (*_products_of(bridge, prices), *prices),
        user_id=users.pop() if len(users) == 1 else None,
    )


def _products_of(bridge: Bridge, prices: Iterable[Price]) -> list[Product]:
    """Products that were never read; they are kept, so that this costs a call only once."""
    ids = {price.product_id for price in prices}
    with bridge.store.read() as connection:
        missing = ids - catalogue.known(connection, ids)
    found = []
    for product_id in sorted(missing):
        try:
            found.append(bridge.stripe.product(product_id))
        except NotFound:
            found.append(Product(product_id, name=product_id, active=False))
    return found


# --- writing --------------------------------------------------------------------------------------


def _keep(
    connection: Connection,
    readings: list[Reading],
    needs: Needs,
    now: datetime,
) -> tuple[MoneyLine, ...]:
    new: list[MoneyLine] = []
    for reading in readings:
        if reading.deleted:
            links.forget(connection, reading.customer_id, now)
            continue
        note_catalogue(connection, reading.catalogue, now)
        facts.save_subscriptions(
            connection,
            reading.customer_id,
            reading.subscriptions,
            reading.began_at,
            with_payments=needs.purchases,
        )
        if reading.purchases is not None:
            facts.save_purchases(
                connection, reading.customer_id, reading.purchases, reading.began_at
            )
        new.extend(facts.save_money(connection, reading.money, now))
    for customer_id in needs.forget - {reading.customer_id for reading in readings}:
        links.forget(connection, customer_id, now)
    return tuple(new)


def _link(
    connection: Connection, readings: list[Reading], needs: Needs, now: datetime
) -> list[str]:
    """Link customers by references that the bridge itself signed; by nothing else."""
    claims = dict(needs.links)
    for reading in readings:
        if reading.user_id is not None:
            claims.setdefault(reading.customer_id, reading.user_id)
    done = []
    for customer_id, claimed in claims.items():
        user_id = links.present_account(connection, claimed)
        owner = links.user_of(connection, customer_id)
        if owner is None:
            links.link(connection, customer_id, user_id, proof="reference", actor="bridge", now=now)
            done.append(customer_id)
        elif owner != user_id:
            log.warning(
                "link.contradiction", customer=customer_id, linked_to=owner, claimed=user_id
            )
    return done


def _decide(
    bridge: Bridge, connection: Connection, user_id: int, now: datetime, *, cause: str | None
) -> Decision:
    known, reading_at = facts.facts_of(connection, user_id)
    rules = bridge.rulebook.rules(connection)
    verdicts = grants(known, rules, bridge.policy, now)
    customer_ids = links.customers_of(connection, user_id)
    decision = decide(
        memberships.wishes_of(connection, user_id),
        verdicts,
        situation(
            bridge, rules, verdicts, now, reading_at, facts.vanished(connection, customer_ids)
        ),
    )
    memberships.save_decision(connection, user_id, decision, verdicts, now=now, cause=cause)
    return decision


def _look_closer(
    bridge: Bridge,
    connection: Connection,
    user_id: int,
    decision: Decision,
    readings: list[Reading],
    now: datetime,
) -> None:
    """Read purchases too before anything is taken: one that was not heard of may give it as well.

    Until then the user is dirty, and so it stays. Whoever goes up a ladder needs no such proof.
    """
    if readings and all(one.deleted or one.purchases is not None for one in readings):
        return
    rules = bridge.rulebook.rules(connection)
    for wish in decision.wishes:
        to = wish.swap_to
        goes_down = to is not None and rules.step_of(to)[1] <= rules.step_of(wish.group_id)[1]
        if wish.confirmed_at is not None or goes_down:
            key, needs = work.user_key(user_id), work.EVERYTHING
            work.mark_dirty(connection, key, now=now, due_at=now, cause="closer", needs=needs)
            return


def situation(
    bridge: Bridge,
    rules: Rules,
    verdicts: Iterable[Grant],
    now: datetime,
    reading_at: datetime | None,
    vanished: Iterable[str],
) -> Situation:
    """What must not be touched, and how old the reading is; a user without customers needs none."""
    held = {g.source_id: str(g.reason) for g in verdicts if not g.holds and g.reason in UNDECIDED}
    held |= dict.fromkeys(vanished, "vanished")
    return Situation(
        now=now,
        reading_at=reading_at or now,
        confirm=timedelta(seconds=bridge.policy.removal_confirm_seconds),
        halted_group_ids=rules.halted_group_ids,
        held_sources=held,
        unfollowed_ladders=bridge.policy.unfollowed_ladders,
    )


def _wake(bridge: Bridge, user_id: int | None, decision: Decision | None) -> None:
    for group_id in {wish.group_id for wish in decision.wishes} if decision else ():
        bridge.hint("apply", str(group_id))
    if user_id is not None:
        bridge.hint("tell", str(user_id))


def _put_off(bridge: Bridge, dirty: tuple[work.Dirty, ...], error: BridgeError) -> None:
    """One authority over retries: the time of the next attempt stands in SQL."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        next_at = {
            one.key: now + timedelta(seconds=_backoff(work.attempts_of(connection, one.key), error))
            for one in dirty
        }
        work.put_off(connection, list(next_at), error=str(error), next_at=next_at)
    log.warning(
        "decide.put_off",
        keys=list(next_at),
        error=type(error).__name__,
        permanent=isinstance(error, Permanent),
        message=str(error)[:300],
    )


def _backoff(attempts: int, error: BridgeError) -> float:
    """Full jitter, doubling from 5 s to 15 min; never sooner than the other side asked."""
    longest: float = min(5.0 * 2 ** min(attempts, 10), LONGEST_BACKOFF_SECONDS)
    wait = 0.5 + longest * secrets.randbelow(1000) / 1000
    asked = error.retry_after if isinstance(error, Transient) and error.retry_after else 0.0
    return max(wait, asked)
