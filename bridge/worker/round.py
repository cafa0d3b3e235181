"""One round of the decider: what it has read, and what it writes in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from bridge.core.events.outcome import DONE, Outcome, ignored
from bridge.core.events.stripe import Event
from bridge.core.ledger.lines import MoneyLine
from bridge.core.memberships.decision import Decision, decide
from bridge.core.memberships.situation import situation
from bridge.core.model.stripe import PendingPayment
from bridge.core.rights.approval import due_steps
from bridge.core.rights.grants import grants
from bridge.core.rights.switching import Ending
from bridge.store import (
    Connection,
    claims,
    facts,
    inbox,
    links,
    memberships,
    messages,
    money,
    money_objects,
    purchases,
    shares,
    subscriptions,
    users,
    work,
)
from bridge.wiring import Bridge
from bridge.worker import applications, end_replaced, sharing
from bridge.worker.customer_readings import Reading, customers_for
from bridge.worker.intake import Needs, note_catalogue, note_country

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Found:
    """What a round has read before it writes: due keys, events, what they need, readings."""

    key: str
    user_id: int | None
    dirty: tuple[work.Dirty, ...]
    events: Sequence[Event]
    needs: Needs
    readings: list[Reading]
    at: datetime

    @property
    def cause(self) -> str | None:
        """What the log names as the cause: the last event with a meaning, or who asked."""
        telling = [event.id for event in self.events if self.needs.outcomes[event.id] == DONE]
        asked = [one.cause for one in self.dirty if one.cause]
        last = [event.id for event in self.events[-1:]]
        return next(iter((*telling[-1:], *last, *asked)), None)

    def outcomes(self) -> dict[str, Outcome]:
        """The outcome of each event, also for customers that Stripe does not know."""
        unknown = {reading.customer_id for reading in self.readings if reading.unknown}
        return self.needs.outcomes | {
            event.id: ignored(f"customer {event.customer_id} is not on this Stripe account")
            for event in self.events
            if event.customer_id in unknown and self.needs.outcomes[event.id] == DONE
        }


@dataclass(frozen=True, slots=True)
class Written:
    """What a round wrote. `left`: replaced subscriptions that still run at Stripe."""

    linked: list[str]
    decision: Decision | None = None
    left: tuple[Ending, ...] = ()


def write(bridge: Bridge, connection: Connection, found: Found) -> Written:
    """Store the readings, link, decide for the user if there is one, and schedule messages."""
    user_id, now = found.user_id, found.at
    news = _share(connection, found)
    written = Written(_link(connection, found.readings, found.needs, now))
    inbox.finish(connection, found.outcomes(), now)
    timer = None
    if user_id is not None:
        decision, left = _decide(bridge, connection, user_id, now, cause=found.cause)
        written = replace(written, decision=decision, left=left)
        timer = work.user_key(user_id), end_replaced.look_again_at(decision.next_at, left, now)
    _tell(bridge, connection, user_id, written.decision, news, now)
    if len(found.events) < inbox.AT_ONCE:
        work.mark_done(connection, found.dirty, timer=timer)
    if user_id is not None and written.decision is not None:
        _look_closer(bridge, connection, user_id, written.decision, found)
    return written


@dataclass(frozen=True, slots=True)
class News:
    """News for a statement besides groups: new money, and pending payments that begin or end.

    `announced`: customers whose statement announces a different next payment than before.
    """

    money: tuple[MoneyLine, ...]
    pending: Mapping[str, frozenset[PendingPayment]]
    announced: frozenset[str]


def _keep(
    connection: Connection,
    readings: list[Reading],
    now: datetime,
) -> News:
    new: list[MoneyLine] = []
    pending: dict[str, frozenset[PendingPayment]] = {}
    announced: set[str] = set()
    for reading in readings:
        if reading.deleted:
            links.forget(connection, reading.customer_id, now)
            continue
        if reading.unknown:
            # Its facts stay, held: Stripe's silence proves nothing.
            links.note_unknown(connection, reading.customer_id, reading.began_at)
            continue
        note_catalogue(connection, reading.catalogue, now)
        customer_id, at = reading.customer_id, reading.began_at
        pending[customer_id], is_other = subscriptions.save_all(
            connection,
            customer_id,
            reading.subscriptions,
            at,
            with_payments=reading.with_payments,
            entitlements=reading.entitlements,
            billing=reading.billing,
        )
        announced |= {customer_id} if is_other else set()
        if reading.purchases is not None:
            pending[customer_id] |= purchases.save(
                connection, customer_id, reading.purchases, reading.pending_orders, at
            )
        sharing.arrived(connection, (*reading.subscriptions, *(reading.purchases or ())), now)
        new.extend(money.save(connection, reading.money, now))
        money_objects.save_objects(connection, reading.invoices, now)
    return News(tuple(new), pending, frozenset(announced))


def _share(connection: Connection, found: Found) -> News:
    """Store what was read, and mark everybody dirty who shares it."""
    user_id = found.user_id
    own = [found.key] if user_id is None else links.customers_of(connection, user_id)
    read = [reading.customer_id for reading in found.readings]
    before = sharing.others(connection, user_id, own, read)
    news = _keep(connection, found.readings, found.at)
    shares.mark_seats_too_many(connection, subscriptions.of_customers(connection, own), found.at)
    if not sharing.is_only_shared(found.dirty, found.events):
        after = sharing.others(connection, user_id, own, read)
        shares.wake(connection, before | after, f"shares with {found.key}", found.at)
    return news


def _tell(
    bridge: Bridge,
    connection: Connection,
    user_id: int | None,
    decision: Decision | None,
    news: News,
    now: datetime,
) -> None:
    """Schedule statements and receipts: each line of money belongs to its own payer.

    A customer that was linked just now is dirty again for its user. But its payment is new only
    this once, so it is announced now.
    """
    of_payer: dict[int, list[MoneyLine]] = {} if user_id is None else {user_id: []}
    for line in news.money:
        payer = links.user_of(connection, line.customer_id) if line.customer_id else None
        if payer is not None:
            of_payer.setdefault(payer, []).append(line)
    pending: dict[int, frozenset[PendingPayment]] = {}
    for customer_id, moved in news.pending.items():
        payer = links.user_of(connection, customer_id) if moved else None
        if payer is not None:
            of_payer.setdefault(payer, [])
            pending[payer] = pending.get(payer, frozenset()) | moved
    announced = {links.user_of(connection, customer_id) for customer_id in news.announced}
    of_payer |= {payer: [] for payer in announced if payer is not None and payer not in of_payer}
    for payer, lines in of_payer.items():
        theirs = decision if payer == user_id else None
        found = messages.Money(lines, pending.get(payer, frozenset()), payer in announced)
        messages.after_decision(connection, bridge.policy, payer, theirs, found, now)


def _link(
    connection: Connection, readings: list[Reading], needs: Needs, now: datetime
) -> list[str]:
    """Link customers only by references that the bridge itself signed."""
    claimed_by = dict(needs.links)
    for reading in readings:
        if reading.user_id is not None:
            claimed_by.setdefault(reading.customer_id, reading.user_id)
    done = []
    for customer_id, claimed in claimed_by.items():
        user_id = users.present_account(connection, claimed)
        owner = links.user_of(connection, customer_id)
        if owner is None:
            links.link(connection, customer_id, user_id, proof="reference", actor="bridge", now=now)
            done.append(customer_id)
        elif owner != user_id:
            log.warning(
                "link.contradiction", customer=customer_id, linked_to=owner, claimed=user_id
            )
    for customer_id, order in needs.orders.items():
        note_country(connection, order, customer_id, now)
        if order.object_id and links.user_of(connection, customer_id) is None:
            claims.see(connection, order.object_id, customer_id, now)
    return done


def _decide(
    bridge: Bridge, connection: Connection, user_id: int, now: datetime, *, cause: str | None
) -> tuple[Decision, tuple[Ending, ...]]:
    known, reading_at = facts.facts_of(connection, user_id)
    past_due = [one for one in known.paid_by_user if one.status == "past_due"]
    messages.could_not_be_paid(connection, user_id, past_due, now)
    rules = bridge.rulebook.rules(connection)
    verdicts = grants(known, rules, bridge.policy, now)
    vanished = subscriptions.vanished(connection, customers_for(connection, user_id))
    decision = decide(
        memberships.wanted_of(connection, user_id),
        verdicts,
        situation(bridge.policy, rules, verdicts, now, reading_at, vanished),
    )
    memberships.save_decision(
        connection, user_id, decision, verdicts, have=known.source_ids, now=now, cause=cause
    )
    messages.grace_is_over(connection, user_id, decision, verdicts, now)
    due = due_steps(verdicts, known, rules, now)
    applications.record(connection, user_id, due, verdicts, now)
    return decision, end_replaced.left_over(bridge, connection, user_id, known, verdicts, vanished)


def _look_closer(
    bridge: Bridge,
    connection: Connection,
    user_id: int,
    decision: Decision,
    found: Found,
) -> None:
    """Read purchases too before a removal: an unknown purchase may grant the group as well.

    Until then the user is dirty, and nothing is removed. Moving up a ladder needs no such proof.
    """
    readings, now = found.readings, found.at
    if readings and all(one.ended or one.purchases is not None for one in readings):
        return
    rules = bridge.rulebook.rules(connection)
    for membership in decision.memberships:
        to = membership.swap_to
        goes_down = to is not None and rules.step_of(to)[1] <= rules.step_of(membership.group_id)[1]
        if membership.confirmed_at is not None or goes_down:
            key, needs = work.user_key(user_id), work.EVERYTHING
            work.mark_dirty(connection, key, now=now, due_at=now, cause="closer", needs=needs)
            return
