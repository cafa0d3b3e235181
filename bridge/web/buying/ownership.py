"""Finds which of the reader's linked customers they may open at Stripe.

A signed reference only says for whom something was bought: somebody else may have paid with it.
Stripe's portal shows the payer's card, address and invoices, and a Checkout page their saved cards,
so both need more: the bridge made the customer for them, a moderator said so, or the customer's own
metadata, which only the account's keys can write, name them (A133).
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from bridge.core.model.carried import Carried
from bridge.core.signed.reference import read_buyer
from bridge.errors import NotFound
from bridge.store import links, users
from bridge.stripe_api.reader import REFERENCE
from bridge.texts import gettext
from bridge.web.context import Reader, now, the_bridge
from bridge.web.security import Stop

log = structlog.get_logger(__name__)


def owned(known: Reader, customer_id: str) -> str:
    """This customer, if the reader may open it; otherwise ends the request with a page."""
    with the_bridge().store.read() as connection:
        theirs = links.live_customers_of(connection, known.user_id)
    if customer_id not in theirs:
        raise Stop(403, gettext("You can’t change this"), gettext("It belongs to another member."))
    if not theirs[customer_id] and not _names(customer_id, known):
        log.warning("ownership.refused", customer=customer_id, user=known.user_id)
        raise Stop(
            403,
            gettext("We can’t open this for you yet"),
            gettext(
                "This was paid through a link outside the forum, so somebody else may have paid "
                "for you, and this page would show their card and address. If you paid it "
                "yourself, use the link in your receipt from Stripe, or ask the moderators to "
                "confirm that it is yours. Your membership is not affected."
            ),
        )
    return customer_id


def first_owned(known: Reader, customer_ids: Iterable[str]) -> str | None:
    """The first of these customers that the reader may open."""
    asked = list(customer_ids)
    with the_bridge().store.read() as connection:
        theirs = links.live_customers_of(connection, known.user_id)
    proven = next((one for one in asked if theirs.get(one)), None)
    return proven or next((one for one in asked if _names(one, known)), None)


def _names(customer_id: str, known: Reader) -> bool:
    """Whether the customer's own metadata name this user. Asked once: a yes is kept."""
    try:
        found = the_bridge().stripe.customer(customer_id)
    except NotFound:
        return False
    word = Carried(found.metadata.get(REFERENCE, ""), found.created_at or now())
    named = read_buyer(word, [the_bridge().settings.secret_key])
    with the_bridge().store.write() as connection:
        if named is None or users.present_account(connection, named) != known.user_id:
            return False
        links.confirm(connection, customer_id, proof="customer")
    return True
