"""Lists about payers: without a user, and those whose bank wants the money back."""

from __future__ import annotations

from datetime import datetime

from bridge.answers.unlinked import DASHBOARD, unlinked
from bridge.answers.worklists.row import PAGE, Page, Row, Todo, cut, moment_and_id
from bridge.core.ledger.amounts import format_minor
from bridge.core.model.stripe import OpenDispute
from bridge.core.telling.declines import dispute_words
from bridge.core.telling.payer_facts import bought_words
from bridge.core.telling.unlinked import Unlinked
from bridge.core.telling.words import listed, named
from bridge.store import search
from bridge.store.search import Hit
from bridge.texts import gettext, ngettext
from bridge.wiring import Bridge

MOST_DISPUTES = 100


def unlinked_payers(bridge: Bridge, kind: str, after: str) -> Page:
    """Customers and guests' orders that nobody is linked to, the longest known first."""
    aside = kind == "aside"
    found = unlinked(bridge, after=moment_and_id(after), limit=PAGE + 1, set_aside=aside)
    return cut([_payer(one) for one in found])


def _payer(one: Unlinked) -> Row:
    bought = map(bought_words, one.bought)
    links = [(gettext("Open at Stripe"), one.page)]
    if one.claim:
        links.append((gettext("Link to claim it"), one.claim))
    missing = _why_no_link(one)
    about, to_whom = {"customer": one.customer_id}, {}
    says = one.set_aside or ", ".join(bought) or gettext("Bought nothing yet.")
    if missing:
        says = f"{says.rstrip('.')}. {missing}"
    if one.asked_by:
        names = listed([named(*who) for who in one.asked_by])
        claim_it = ngettext(
            "%(names)s claims it, and waits for you.",
            "%(names)s claim it, and wait for you. Find out who paid before you assign it.",
            len(one.asked_by),
        )
        says = f"{says.rstrip('.')}. {claim_it % {'names': names}}"
    if len(one.asked_by) == 1:
        to_whom = {"user": f"id:{one.asked_by[0][0]}"}
    waiting = (Todo("assign", about | to_whom), Todo("set-aside", about))
    return Row(
        key=f"{one.first_seen_at.isoformat()}|{one.customer_id}",
        about=one.customer_id,
        says=says,
        at=one.first_seen_at,
        links=tuple(links),
        todo=(Todo("wait-again", about),) if one.set_aside else waiting,
        concerns=tuple(user_id for user_id, _ in one.asked_by),
    )


def _why_no_link(one: Unlinked) -> str:
    """Why the payer cannot claim it with a link; empty if they can, or have nothing to claim."""
    if one.is_claim_over:
        return gettext("The link to claim it has expired.")
    if one.claim or one.set_aside or not one.bought:
        return ""
    return gettext("There is no link to claim it.")


def disputes(bridge: Bridge, _kind: str, after: str) -> Page:
    """Disputes that are not decided, asked of Stripe now: their deadlines move there."""
    found = bridge.stripe.open_disputes(MOST_DISPUTES, after or None)
    ids = [one.customer_id for one in found if one.customer_id]
    with bridge.store.read() as connection:
        hits = search.by_customers(connection, ids, "customer") if ids else []
    owners = {hit.customer_id: hit for hit in hits}
    mode, now = "" if bridge.settings.livemode else "/test", bridge.clock.now()
    rows = tuple(
        _dispute(one, owners.get(one.customer_id), f"{DASHBOARD}{mode}/disputes/{one.id}", now)
        for one in found
        if one.is_open
    )
    return Page(rows, found[-1].id if len(found) == MOST_DISPUTES else None)


def _dispute(one: OpenDispute, owner: Hit | None, page: str, now: datetime) -> Row:
    says = dispute_words(one.reason)
    if one.is_overdue(now):
        says = f"{says} {gettext('Nobody responded before the deadline.')}"
    elif not one.needs_response:
        says = f"{says} {gettext('The response was sent, and the bank decides.')}"
    return Row(
        key=one.id,
        user_id=owner.user_id if owner else None,
        username=owner.username if owner else None,
        about=one.id,
        says=says,
        mark=gettext("Overdue") if one.is_overdue(now) else "",
        amount=format_minor(one.amount_minor, one.currency),
        at=one.opened_at,
        next_at=one.respond_by if one.needs_response else None,
        links=(
            (
                gettext("Respond at Stripe") if one.needs_response else gettext("Open at Stripe"),
                page,
            ),
        ),
    )
