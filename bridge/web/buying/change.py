"""Changing to another step of a ladder: the cost, and the way to Stripe's page."""

from __future__ import annotations

import structlog
from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.model.actor import member
from bridge.core.rights.offers import Offer
from bridge.core.rights.orders import Line, Order
from bridge.core.rights.switch_costs import AT_ONCE, Preview
from bridge.core.rights.switching import PortalTerms, Switch, billed
from bridge.core.telling.next_steps import would_wait
from bridge.errors import Permanent
from bridge.operations import changing
from bridge.texts import gettext
from bridge.web.buying.checkout import begin_order, preview_path
from bridge.web.buying.ownership import owned
from bridge.web.buying.sale import buyer_of
from bridge.web.context import Reader, absolute, law_in_force, now, reader, the_bridge
from bridge.web.limiting import asks_stripe
from bridge.web.security import Stop

log = structlog.get_logger(__name__)
TO_SET = (
    "In Stripe's dashboard, Settings, Billing, Customer portal: let customers switch plans, and "
    "list this price there."
)


def show(switch: Switch, offer: Offer, back: str | None, order: str) -> Response:
    """The preview of a change: from what to what, its cost, and the button."""
    known, terms = reader(), _terms(switch)
    when = billed(switch, terms)
    is_asked = switch.way in ("in_place", "here") and when != "later"
    with the_bridge().store.read() as connection:
        catalogue = law_in_force(connection).catalogue
    page = render_template(
        "change.jinja",
        switch=switch,
        name=catalogue.name_of(switch.item.product_id, gettext("your membership")),
        offer=offer,
        beside=[
            catalogue.name_of(one.product_id)
            for one in switch.subscription.items
            if one.id != switch.item.id
        ]
        if switch.way == "here"
        else [],
        when=when,
        preview=_preview(switch, terms) if is_asked else None,
        back=back,
        order=order,
        cancelled=request.args.get("cancelled") == "yes",
        waits=would_wait(offer, buyer_of(known) if known else None, now()),
    )
    return Response(page)


def _terms(switch: Switch) -> PortalTerms:
    """How it is billed; refuses what Stripe's page would refuse before leading there."""
    if switch.way == "here":
        asks_stripe()
        return AT_ONCE
    if switch.way != "in_place":
        return PortalTerms()
    asks_stripe()
    try:
        terms = the_bridge().stripe.portal_terms()
    except Permanent as error:
        raise _refused(switch, str(error)) from error
    if terms is None or not terms.offers(switch.target.id):
        raise _refused(switch, "the portal's settings do not allow it")
    return terms


def _preview(switch: Switch, terms: PortalTerms) -> Preview | None:
    """The cost; None if the key may not ask: then Stripe's page shows it."""
    try:
        return the_bridge().stripe.preview_change(switch, terms)
    except Permanent as error:
        log.warning("change.no_preview", subscription=switch.subscription.id, why=str(error))
        return None


def _refused(switch: Switch, why: str) -> Stop:
    log.error(
        "change.refused",
        subscription=switch.subscription.id,
        price=switch.target.id,
        why=why,
        hint=TO_SET,
    )
    return Stop(
        503,
        gettext("You can’t change to this right now"),
        gettext(
            "Stripe is not set up for this change yet. Nothing has changed, and you have not been "
            "charged. Please tell the forum’s moderators."
        ),
    )


def go(
    known: Reader, switch: Switch, offer: Offer, order: str, return_to: str | None
) -> AnyResponse:
    """Lead to Stripe's page, where the member confirms the change and pays; then back."""
    if switch.way == "mend":
        return show(switch, offer, return_to, order)
    owned(known, switch.subscription.customer_id)
    if switch.way == "here":
        return _change_here(known, switch)
    row = begin_order(known, Order((Line(offer),)), order, return_to)
    if row.completed_at is not None:
        return redirect(url_for("arrival.done", order=order), 303)
    back = the_bridge().settings.bridge_url + preview_path(
        Order((Line(offer),)), row.return_to, cancelled="yes"
    )
    # Members who move up wait for the new group, as buyers do.
    done = absolute("arrival.done", order=row.id) if switch.is_up else absolute("me.statement")
    try:
        address = the_bridge().stripe.portal_to_change(switch, back=back, done=done)
    except Permanent as error:
        raise _refused(switch, str(error)) from error
    log.info("change.to_stripe", user=known.user_id, subscription=switch.subscription.id)
    return redirect(address, 303)


def _change_here(known: Reader, switch: Switch) -> AnyResponse:
    """Have Stripe change one item of several.

    If the card fails, the change waits for its payment.
    """
    bridge, user_id = the_bridge(), known.user_id
    number = changing.turn_of(bridge, user_id, switch)
    try:
        changed = changing.change(bridge, member(user_id), user_id, switch, number=number)
    except Permanent as error:
        raise _refused(switch, str(error)) from error
    log.info("change.here", user=user_id, subscription=switch.subscription.id)
    # If Stripe does not answer, the bridge asks until it does. The page says that it takes longer.
    return redirect((changed and changed.pay_url) or url_for("own.back"), 303)
