"""From a link in a post to Stripe's page and back to the post, by way of a preview."""

from __future__ import annotations

import re
import secrets
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.memberships.member import switches_of
from bridge.core.memberships.owned import Owned, already_owned
from bridge.core.rights.offers import Offer, rivals
from bridge.core.rights.switching import Switch
from bridge.core.telling.of_member import statement_input
from bridge.core.telling.places import of_groups
from bridge.core.telling.words import term_words
from bridge.store import member as members
from bridge.web.addresses import with_query
from bridge.web.buying import change
from bridge.web.buying.card import card_of
from bridge.web.buying.checkout import pay_address
from bridge.web.buying.coming import came_from, for_strangers, is_asked, is_browsing, with_origin
from bridge.web.buying.sale import offers_of
from bridge.web.context import Reader, law_in_force, now, reader, the_bridge
from bridge.web.limiting import asks_stripe
from bridge.web.security import Stop

blueprint = Blueprint("join", __name__)

ORDER = re.compile(r"[A-Za-z0-9_-]{20,40}", re.ASCII)


# --- the offer ----------------------------------------------------------------------------------


@blueprint.get("/join/<key>")
def offer(key: str) -> AnyResponse:
    """Show what a link sells. A browser is asked silently who it is; a card fetcher never is."""
    offers = offers_of(key)
    known = reader()
    if known is None:
        if is_browsing() and not is_asked():
            return redirect(url_for("login.silent", next=with_origin()), 303)
        return for_strangers(_show(key, offers, asked=is_asked(), wanted=with_origin()))
    if len(offers) == 1:
        owned, switch = _owned(known, offers[0])
        if owned is not None:
            return _show_owned(known, offers[0], owned)
        if switch is not None:
            return change.show(switch, offers[0], came_from(), secrets.token_urlsafe(18))
    page = _show(key, offers, rivals=_rivals(known, offers), order=secrets.token_urlsafe(18))
    return Response(page)


def _show(key: str, offers: list[Offer], **more: Any) -> str:
    back = came_from()
    return render_template(
        "join.jinja",
        product=offers[0].product,
        offers=offers,
        groups=offers[0].groups if len({one.groups for one in offers}) == 1 else (),
        card=card_of(offers, key),
        term=_term(offers[0]),
        back=back,
        keep={"from": back} if back else {},
        cancelled=request.args.get("cancelled") == "yes",
        **{"rivals": [], "asked": False, "wanted": None, "order": None} | more,
    )


def _term(sold: Offer) -> str:
    """How long a one-off purchase lasts, at the end of a sentence."""
    if sold.price.is_recurring:
        return ""
    term = sold.rule.term if sold.rule else None
    return f" for {term_words(term)}" if term else ", with no end date"


# --- what the reader has already ----------------------------------------------------------------


def _owned(known: Reader, wanted: Offer) -> tuple[Owned | None, Switch | None]:
    """Why the reader need not buy this, or what they would change for it; or neither."""
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
        places=of_groups(about, wanted.group_ids),
        back=came_from(),
    )
    return Response(page)


def _rivals(known: Reader, offers: list[Offer]) -> list[str]:
    """The names of what the reader pays for in the same ladder."""
    if len(offers) > 1:
        return []
    with the_bridge().store.read() as connection:
        member = members.load(connection, known.user_id)
        law = law_in_force(connection)
    running = rivals(offers[0], member.facts, law.rules)
    ids = {one.items[0].product_id for one in running}
    return sorted(law.catalogue.name_of(id_, "another membership") for id_ in ids)


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
    asks_stripe()
    order = request.form.get("order", "")
    if not ORDER.fullmatch(order):
        raise Stop(400, "This did not work", "The form was incomplete. Open the link again.")
    if switch is not None and switch.way != "anew":
        return change.go(known, switch, offers[0], order, came_from())
    return redirect(pay_address(known, offers[0], order, came_from(), switch), 303)
