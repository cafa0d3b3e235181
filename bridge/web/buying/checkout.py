"""The order at Stripe: whose customer pays, and one page for repeated clicks."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import structlog
from flask import url_for

from bridge.core.ledger.amounts import plain_amount
from bridge.core.rights.renewing import no_sooner
from bridge.core.rules.paying import is_country
from bridge.core.signed.reference import sign_buyer, sign_replacement
from bridge.errors import Permanent
from bridge.store import Connection, campaigns, checkouts, links, subscriptions
from bridge.store.checkouts import Checkout, Ordered
from bridge.stripe_api.checkout import CheckoutLine, CheckoutRequest
from bridge.texts import gettext
from bridge.web.addresses import with_query
from bridge.web.buying.ownership import first_owned, owned
from bridge.web.context import Reader, absolute, now, the_bridge
from bridge.web.security import Stop

if TYPE_CHECKING:
    from bridge.core.rights.buyers import Whereabouts
    from bridge.core.rights.orders import Order
    from bridge.core.rights.switching import Switch

log = structlog.get_logger(__name__)
# Stripe ends an unused page after 24 hours. No link leads to it in the last hour.
PAGE_LIFE = timedelta(hours=23)
MOST_TABS = 5
TO_SET = (
    "Stripe refuses what [checkout] or the product asks of its page: see the reason. For terms, "
    "set their address in Stripe's dashboard under Settings, Business, Public details."
)


def pay_address(
    reader: Reader,
    order: Order,
    token: str,
    return_to: str | None,
    switch: Switch | None = None,
    where: Whereabouts | None = None,
) -> str:
    """The address to pay at: Stripe's page, or the last page of an order that is already paid.

    `token`: of the page with the pressed button. `switch`: what the order replaces. `where`:
    evidence of the reader's country.
    """
    row = _one_open_order(reader, order, token, return_to, switch)
    if row.completed_at is not None:
        return url_for("arrival.done", order=row.id)
    if row.url is not None:
        is_open = row.expires_at is not None and now() < row.expires_at
        return row.url if is_open else preview_path(order, row.return_to)
    if where is not None and where.known:
        with the_bridge().store.write() as connection:
            said = where.said if is_country(where.said or "") else None
            checkouts.note_countries(connection, row.id, where.ip, said)
    return _open_page(reader, order, row, switch)


def _one_open_order(
    reader: Reader, order: Order, token: str, return_to: str | None, switch: Switch | None
) -> Checkout:
    """The single open order for this: this tab's, or another tab's (A134)."""
    slot = _slot(reader, order)
    for _ in range(MOST_TABS):
        row = begin_order(reader, order, token, return_to, slot)
        if row.id == order_id(token, order):
            return row
        fate = _fate(row, order, switch)
        if fate == "open":
            return row
        with the_bridge().store.write() as connection:
            checkouts.close(connection, row.id)
            closed = checkouts.get(connection, row.id)
        if fate == "just_paid" and closed is not None:
            return closed
    raise Stop(
        409,
        gettext("Please try again"),
        gettext("This offer is open in many tabs. Close them and reload."),
    )


def ordered(order: Order) -> tuple[Ordered, ...]:
    """The lines of an order as stored."""
    return tuple(
        Ordered(line.offer.price.id, line.quantity, line.chosen_minor) for line in order.lines
    )


def order_id(token: str, order: Order) -> str:
    """The number of the order that a page's button creates.

    A buyer who goes back and chooses another amount presses the same button for another order.
    """
    usual = all((line.quantity, line.chosen_minor) == (1, None) for line in order.lines)
    if usual:
        return token
    digest = hashlib.sha256(repr(ordered(order)).encode()).hexdigest()
    return f"{token[:24]}-{digest[:12]}"


def _slot(reader: Reader, order: Order) -> str:
    """A key for things that one person has only once: a ladder, or a product."""
    offer = next(line.offer for line in order.lines if line.offer.price is order.price)
    ladder = offer.rule.ladder if offer.rule and offer.price.is_recurring else None
    what = f"ladder:{ladder}" if ladder else f"product:{offer.product.id}"
    return f"{reader.user_id}:{what}"


def _fate(
    row: Checkout, order: Order, switch: Switch | None
) -> Literal["open", "just_paid", "over"]:
    """The state of another tab's order; if it is open for something else, it is closed.

    `just_paid`: its subscription has not been read yet, so it is not known as the reader's.
    """
    with the_bridge().store.read() as connection:
        asked_then = _campaign_link(connection, row.user_id, order, row.created_at)
        asked_now = _campaign_link(connection, row.user_id, order, now())
    # A page that was opened before the campaign's link would not count for the campaign.
    is_same = row.ordered == ordered(order) and switch is None and asked_then == asked_now
    if row.session_id is None:
        # Stripe makes one page for both, because they have the same key.
        return "open" if is_same else "over"
    state = the_bridge().stripe.checkout_session(row.session_id)
    if state.status == "open" and is_same:
        return "open"
    if state.status == "open":
        try:
            the_bridge().stripe.expire_checkout(row.session_id)
        except Permanent:  # paid just now, or closed by a third tab
            state = the_bridge().stripe.checkout_session(row.session_id)
    if state.status != "complete":
        return "over"
    bought = state.subscription_id
    with the_bridge().store.write() as connection:
        checkouts.complete(connection, row.id, now())
        is_read = bought is None or subscriptions.stored(connection, bought) is not None
    return "over" if is_read else "just_paid"


def begin_order(
    reader: Reader, order: Order, token: str, return_to: str | None, slot: str | None = None
) -> Checkout:
    """The row of an order, created by the first click; another member's order ends the request.

    `slot`: only one order may be open for it; if there is one, its row.
    """
    with the_bridge().store.write() as connection:
        row = checkouts.begin(
            connection,
            order_id(token, order),
            user_id=reader.user_id,
            ordered=ordered(order),
            return_to=return_to,
            now=now(),
            open_for=slot,
        )
    if row is None:
        raise Stop(
            403,
            gettext("You can’t see this page"),
            gettext("This order belongs to another member."),
        )
    return row


def _open_page(reader: Reader, order: Order, row: Checkout, switch: Switch | None) -> str:
    """Have Stripe create its page.

    Two simultaneous clicks carry the same key, so Stripe creates one.
    """
    settings = the_bridge().settings
    # The time of the first click, so that a second click sends the same to Stripe.
    reference = sign_buyer(reader.user_id, row.created_at, settings.secret_key)
    with the_bridge().store.read() as connection:
        campaign_link_id = _campaign_link(connection, reader.user_id, order, row.created_at)
    wanted = CheckoutRequest(
        lines=tuple(
            CheckoutLine(line.offer.price, line.purpose, line.quantity, line.chosen_minor)
            for line in order.lines
        ),
        user_id=reader.user_id,
        reference=reference,
        success_url=absolute("arrival.done", order=row.id),
        cancel_url=settings.bridge_url + preview_path(order, row.return_to, cancelled="yes"),
        customer_id=customer_of(reader, reference, switch),
        replaces=_replaces(reader, switch, row.created_at),
        campaign_link_id=campaign_link_id,
        trial_days=order.trial_days,
        continues_at=no_sooner(order.continues_at, row.created_at) if order.continues_at else None,
        paying=order.paying,
    )
    try:
        link = the_bridge().stripe.create_checkout(wanted, idempotency_key=f"order-{row.id}")
    except Permanent as error:
        raise _refused(order, error) from error
    with the_bridge().store.write() as connection:
        checkouts.save_session(connection, row.id, link.id, link.url, now() + PAGE_LIFE)
    log.info("join.to_stripe", user=reader.user_id, price=order.price.id, session=link.id)
    return link.url


def _campaign_link(connection: Connection, user_id: int, order: Order, at: datetime) -> str | None:
    """The campaign's link by which a member came to this order; the same for each click on it."""
    return campaigns.asked_by(
        connection, user_id, [line.offer.price.id for line in order.lines], at
    )


def _refused(order: Order, error: Permanent) -> Stop:
    """Refuse the order because Stripe does not accept its settings."""
    prices = [line.offer.price.id for line in order.lines]
    log.error("join.refused_by_stripe", prices=prices, why=str(error), hint=TO_SET)
    return Stop(
        503,
        gettext("You can’t buy this right now"),
        gettext(
            "Stripe is not set up for this offer yet. You have not been charged. Please tell the "
            "forum’s moderators."
        ),
    )


def _replaces(reader: Reader, switch: Switch | None, at: datetime) -> str | None:
    if switch is None:
        return None
    secret_key = the_bridge().settings.secret_key
    return sign_replacement(switch.subscription.id, reader.user_id, at, secret_key)


def preview_path(order: Order, return_to: str | None, **more: str) -> str:
    """The address of an order's page with the choices and the post it was opened from."""
    path = url_for("join.offer", key="+".join(line.offer.price.id for line in order.lines))
    return with_query(path, **chosen(order), **{"from": return_to}, **more)


def chosen(order: Order) -> dict[str, str]:
    """The quantities and amounts of an order, as in its page's address and form."""
    found = {}
    for number, line in enumerate(order.lines, 1):
        if line.quantity != 1:
            found[f"quantity_{number}"] = str(line.quantity)
        if line.chosen_minor is not None:
            found[f"amount_{number}"] = plain_amount(line.chosen_minor, order.currency)
    return found


def customer_of(reader: Reader, reference: str, switch: Switch | None) -> str:
    """The customer as which this member paid before, or a new one that belongs to them at once.

    The rest of a replaced subscription is credited to its own customer. Stripe bills a customer
    in one currency, so another one needs a customer who has no subscription.

    No customer is found by its e-mail address, which proves nothing and may be another
    application's. The key contains how many there were, so that two clicks at once make one
    customer, and a customer deleted at Stripe gets a successor.
    """
    with the_bridge().store.read() as connection:
        live = tuple(links.live_customers_of(connection, reader.user_id))
        known = len(links.customers_of(connection, reader.user_id))
        if switch is not None and not switch.is_same_currency:
            live = tuple(one for one in live if not subscriptions.of_customers(connection, [one]))
    if switch is not None and switch.is_same_currency:
        return owned(reader, switch.subscription.customer_id)
    if found := first_owned(reader, live):
        return found
    customer = the_bridge().stripe.create_customer(
        reader.user_id, reference, idempotency_key=f"customer-{known}-{reference}"
    )
    with the_bridge().store.write() as connection:
        theirs = links.link(
            connection,
            customer.id,
            reader.user_id,
            proof="made for them",
            actor="join",
            now=now(),
            has_nothing=True,
        )
    if not theirs:
        raise Permanent(f"{customer.id} was made for user {reader.user_id} and is another's")
    return customer.id
