"""Invites payers of unclaimed orders to the forum; accepting proves who they are.

Only with `[claims] invite`. The payer's address goes from Stripe to the forum and is neither stored
nor logged. The invitation's number says which order it belongs to; addresses are never compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import structlog

from bridge.core.model.actor import BRIDGE
from bridge.core.telling.words import invitation_words
from bridge.discourse_api.client import NotInvited
from bridge.discourse_api.reader import Accepted, AcceptedPage
from bridge.errors import Forbidden
from bridge.store import invitations, state
from bridge.store.findings import INVITES_REFUSED
from bridge.store.invitations import Outcome, Uninvited
from bridge.wiring import Bridge
from bridge.worker import claims
from bridge.worker.claims import Claimant, Unclaimable

log = structlog.get_logger(__name__)
# People with an account claim immediately, on the page to which Stripe leads.
INVITE_AFTER = timedelta(minutes=5)
# More wait for the next minute: each is two requests, one to Stripe and one to the forum.
MOST_AT_ONCE = 10
# The key may have got the right meanwhile.
REFUSED_AGAIN = timedelta(minutes=10)
ACCEPTED = "invitations.accepted"
"""The forum's last count of accepted invitations: if it is the same, nothing is new."""


def look(bridge: Bridge) -> None:
    """Invite the payers who are due, and give their purchases to those who have accepted."""
    if bridge.policy.claim_invite:
        _invite(bridge)
        _follow(bridge)


def _invite(bridge: Bridge) -> None:
    now = bridge.clock.now()
    since = now - timedelta(days=bridge.policy.claim_days)
    with bridge.store.read() as connection:
        refused_at = state.get_time(connection, INVITES_REFUSED)
        found = invitations.uninvited(connection, since, now - INVITE_AFTER, MOST_AT_ONCE)
    if refused_at is not None and now < refused_at + REFUSED_AGAIN:
        return
    try:
        for order in found:
            _invite_payer_of(bridge, order)
    except Forbidden:
        # There is an alert for it; nobody is skipped.
        log.warning("invitations.forbidden")
        with bridge.store.write() as connection:
            state.put_time(connection, INVITES_REFUSED, now)
        return
    if found and refused_at is not None:
        with bridge.store.write() as connection:
            state.put(connection, INVITES_REFUSED, None)


def _invite_payer_of(bridge: Bridge, order: Uninvited) -> None:
    """Send one invitation, for an order that can be claimed now."""
    invite_id: int | None = None
    outcome: Outcome = "void"
    try:
        found = claims.look(bridge, order.session_id, Claimant())
        if found.barred or found.ask_country:
            # An invitation promises what a newcomer would not get; the payer stays on the list.
            log.info("invitation.not_sent", order=order.session_id, why="barred")
        elif found.order.email:
            words = invitation_words(found.order.what)
            invite_id = bridge.discourse.invite(found.order.email, words)
            outcome = "sent"
    except Unclaimable as error:
        if error.why == "on_its_way":
            return  # a bank debit may take days
        log.info("invitation.not_sent", order=order.session_id, why=error.why)
    except NotInvited:
        # The forum does not say why; most likely the address has an account. They can use the link.
        outcome = "refused"
        log.info("invitation.refused", order=order.session_id)
    with bridge.store.write() as connection:
        invitations.note(connection, order, outcome, bridge.clock.now(), invite_id)


def _follow(bridge: Bridge) -> None:
    """Give purchases to people who have accepted; one request while any invitation waits."""
    now = bridge.clock.now()
    oldest = now - timedelta(days=bridge.policy.claim_days)
    with bridge.store.write() as connection:
        invitations.end(connection, invitations.over(connection, oldest), "void", now)
        waiting = invitations.waiting(connection)
        seen = state.get(connection, ACCEPTED)
    if not waiting:
        return
    first = bridge.discourse.accepted_invites()
    if first.total == seen:
        return
    for accepted in _all_pages(bridge, first):
        if accepted.invite_id in waiting:
            _give(bridge, waiting[accepted.invite_id], accepted.user_id)
    with bridge.store.write() as connection:
        state.put(connection, ACCEPTED, first.total)


def _all_pages(bridge: Bridge, page: AcceptedPage) -> Iterator[Accepted]:
    """The forum lists the people who have read longest first, so the newest may be anywhere."""
    number = 0
    while page.accepted:
        yield from page.accepted
        number += len(page.accepted)
        page = bridge.discourse.accepted_invites(number)


def _give(bridge: Bridge, session_id: str, user_id: int) -> None:
    outcome: Outcome = "claimed"
    try:
        found = claims.claim(bridge, BRIDGE, session_id, Claimant(user_id), proof="invitation")
        outcome = "claimed" if found.is_mine or found.is_asked else "void"
        log.info("invitation.accepted", order=session_id, user=user_id, waits=found.is_asked)
    except Unclaimable as error:
        outcome = "void"
        log.warning("invitation.in_vain", order=session_id, user=user_id, why=error.why)
    with bridge.store.write() as connection:
        invitations.end(connection, [session_id], outcome, bridge.clock.now(), user_id)
