"""From a link in a post to Stripe's page and back to the post, by way of a preview."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.memberships.member import switches_of
from bridge.core.memberships.owned import Owned, already_owned
from bridge.core.rights.approval import is_waiting
from bridge.core.rights.offers import Offer, rivals
from bridge.core.rights.renewing import renewal_of
from bridge.core.rights.switching import Switch
from bridge.core.telling.next_steps import next_steps, would_wait
from bridge.core.telling.of_member import statement_input
from bridge.core.telling.places import of_groups
from bridge.core.telling.shelf import card
from bridge.store import member as members
from bridge.texts import gettext
from bridge.web.addresses import with_query
from bridge.web.buying import change
from bridge.web.buying.card import card_of
from bridge.web.buying.checkout import pay_address, preview_path
from bridge.web.buying.coming import came_from, for_strangers, is_asked, is_browsing, with_origin
from bridge.web.buying.costs import costs_of
from bridge.web.buying.currency import choices
from bridge.web.buying.goals import progress_of
from bridge.web.buying.ordering import Asked, asked, order_view, token_said
from bridge.web.buying.presents import can_be_given
from bridge.web.buying.sale import all_offers, buyer_of, offers_of
from bridge.web.buying.who_may import refuse_who_may_not
from bridge.web.context import Reader, law_in_force, now, reader, the_bridge
from bridge.web.limiting import asks_stripe
from bridge.web.security import Stop

blueprint = Blueprint("join", __name__)


# --- the offer ----------------------------------------------------------------------------------


@blueprint.get("/join/<key>")
def offer(key: str) -> AnyResponse:
    """Show what a link sells.

    Browsers are silently asked who is signed in; card fetchers are not.
    """
    offers = offers_of(key)
    known = reader()
    if known is None:
        if is_browsing() and not is_asked():
            return redirect(url_for("login.silent", next=with_origin()), 303)
        return for_strangers(_show(key, offers))
    if len(offers) == 1:
        owned, switch = _owned(known, offers[0])
        if owned is not None:
            return _show_owned(known, offers[0], owned)
        if switch is not None:
            refuse_who_may_not(offers, known)
            return change.show(switch, offers[0], came_from(), secrets.token_urlsafe(18))
        _refuse_a_second(known, offers[0])
    return Response(_show(key, offers, known))


def _show(key: str, offers: list[Offer], known: Reader | None = None) -> str:
    back = came_from()
    buyer = buyer_of(known) if known else None
    shown = card(offers, buyer)
    more: dict[str, Any] = {}
    renewal, continues_at, waits = None, None, False
    if len(offers) == 1:
        path = url_for("join.pay", key=offers[0].price.id)
        wanted = _asked(known, offers)
        more, continues_at = order_view(wanted, path), wanted.first_payment_at
        waits = would_wait(offers[0], buyer, now())
        if buyer is not None:
            law = buyer.law
            renewal = renewal_of(offers[0], buyer.facts, law.rules, law.policy, now())
    return render_template(
        "join.jinja",
        shown=shown,
        today=costs_of([shown]) if len(offers) > 1 else {},
        goal=progress_of(offers),
        renewal=renewal,
        following=next_steps(offers[0], now(), renewal, continues_at, waits=waits),
        currencies=choices(offers, buyer),
        card=card_of(offers, key),
        back=back,
        keep={"from": back} if back else {},
        cancelled=request.args.get("cancelled") == "yes",
        give=offers[0].price.id if len(offers) == 1 and can_be_given(offers[0]) else None,
        **{"wanted": with_origin(), "login": is_asked()} | more,
    )


def _asked(known: Reader | None, offers: list[Offer]) -> Asked:
    """The order of one thing, with the request's choices."""
    with the_bridge().store.read() as connection:
        law = law_in_force(connection)
        member = members.load(connection, known.user_id) if known else None
    return asked(offers, known, member, law)


# --- what the reader has already ----------------------------------------------------------------


def _owned(known: Reader, wanted: Offer) -> tuple[Owned | None, Switch | None]:
    """Why the reader need not buy this, or what they would change; or neither."""
    with the_bridge().store.read() as connection:
        member = members.load(connection, known.user_id)
        law = law_in_force(connection)
    owned = already_owned(wanted, member.facts, member.memberships)
    found = switches_of(member.facts, law)
    switch = next((one for one in found if one.target.id == wanted.price.id), None)
    if switch is not None and (owned is None or owned.subscription == switch.subscription):
        return None, switch
    return owned, None


def _show_owned(known: Reader, wanted: Offer, owned: Owned) -> Response:
    with the_bridge().store.read() as connection:
        member = members.load(connection, known.user_id)
        law = law_in_force(connection)
    about = statement_input(member, law, the_bridge().addresses, now())
    page = render_template(
        "owned.jinja",
        product=wanted.product,
        owned=owned,
        give=wanted.price.id if can_be_given(wanted) else None,
        places=of_groups(about, wanted.group_ids),
        back=came_from(),
    )
    return Response(page)


def _refuse_a_second(known: Reader, wanted: Offer) -> None:
    """End the request with a page for readers who pay for another step and cannot change.

    Also for readers whose order waits for approval. Readers who can change plans have already been
    redirected.
    """
    buyer = buyer_of(known)
    if is_waiting(wanted.product.id, buyer.known.grants):
        raise Stop(
            409,
            gettext("Your application is waiting for approval"),
            gettext(
                "You have ordered %(product)s already. A moderator decides about your application, "
                "and there is nothing more to pay until then."
            )
            % {"product": wanted.product.name},
            [(gettext("View your membership"), url_for("me.statement")), all_offers()],
        )
    for rival in rivals(wanted, buyer.facts, buyer.law.rules):
        product_id = rival.items[0].product_id
        has = buyer.law.catalogue.name_of(product_id, gettext("another membership"))
        names = {"has": has, "product": wanted.product.name}
        raise Stop(
            409,
            gettext("You already pay for %(has)s") % names,
            gettext(
                "You can have either %(has)s or %(product)s, and would pay for both. %(has)s can’t "
                "be changed automatically right now. You can manage it on your membership page."
            )
            % names,
            [(gettext("View your membership"), url_for("me.statement")), all_offers()],
        )


# --- paying -------------------------------------------------------------------------------------


@blueprint.post("/join/<key>")
def pay(key: str) -> AnyResponse:
    """Go to Stripe's page for one price. The same button pressed twice leads to the same page."""
    offers = offers_of(key)
    known = reader()
    if known is None:
        return redirect(with_query(url_for("join.offer", key=key), **{"from": came_from()}), 303)
    if len(offers) != 1:
        return redirect(url_for("join.offer", key=key), 303)
    owned, switch = _owned(known, offers[0])
    if owned is not None:
        return _show_owned(known, offers[0], owned)
    if switch is not None and switch.way != "anew":
        refuse_who_may_not(offers, known)
        asks_stripe()
        return change.go(known, switch, offers[0], token_said(), came_from())
    if switch is None:
        _refuse_a_second(known, offers[0])
    return _to_stripe(key, known, offers, switch)


def _to_stripe(key: str, known: Reader, offers: list[Offer], switch: Switch | None) -> AnyResponse:
    """Lead to Stripe's page with the form's choices, or back to ours if they are invalid."""
    wanted = _asked(known, offers)
    if wanted.problems:
        return Response(_show(key, offers, known), 400)
    order = replace(wanted.order, trial_days=0, continues_at=None) if switch else wanted.order
    if "update" in request.form:
        return redirect(preview_path(order, came_from()), 303)
    asks_stripe()
    address = pay_address(known, order, token_said(), came_from(), switch, wanted.where)
    return redirect(address, 303)
