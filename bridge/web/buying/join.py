"""From a link in a post to Stripe's page and back to the post, by way of a preview."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.memberships.member import switches_of
from bridge.core.memberships.owned import Owned, already_owned
from bridge.core.rights.offers import Offer, find_offers, rivals
from bridge.core.rights.switching import Switch
from bridge.core.rules.compiled import Rule
from bridge.core.telling.of_member import statement_input
from bridge.core.telling.places import of_groups
from bridge.core.telling.words import LOCALE, price_words, term_words
from bridge.store import catalogue, groups
from bridge.store import member as members
from bridge.web.addresses import forum_address, has_page, with_query
from bridge.web.buying import change
from bridge.web.buying.checkout import pay_address
from bridge.web.context import (
    Reader,
    absolute,
    here,
    law_in_force,
    now,
    reader,
    the_bridge,
    the_look,
)
from bridge.web.limiting import asks_stripe
from bridge.web.login import STRANGER
from bridge.web.security import Stop

log = structlog.get_logger(__name__)
blueprint = Blueprint("join", __name__)

# A card in a post is kept by the forum for a day; other caches keep the page for less.
CARD_SECONDS = 3600
ORDER = re.compile(r"[A-Za-z0-9_-]{20,40}", re.ASCII)
DESCRIPTION_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Card:
    """What a link to an offer shows in a post."""

    title: str
    description: str
    image: str | None
    url: str
    price: str


# --- the offer ----------------------------------------------------------------------------------


@blueprint.get("/join/<key>")
def offer(key: str) -> AnyResponse:
    """Show what a link sells. A browser is asked silently who it is; a card fetcher never is."""
    offers = offers_of(key)
    known = reader()
    if known is None:
        asked = request.args.get(STRANGER) == "no"
        if _is_browsing() and not asked:
            return redirect(url_for("login.silent", next=_with_origin()), 303)
        return _offer_to_stranger(offers, asked=asked)
    if len(offers) == 1:
        owned, switch = _owned(known, offers[0])
        if owned is not None:
            return _show_owned(known, offers[0], owned)
        if switch is not None:
            return change.show(switch, offers[0], _came_from(), secrets.token_urlsafe(18))
    return _show(offers, rivals=_rivals(known, offers), order=secrets.token_urlsafe(18))


def offers_of(key: str) -> list[Offer]:
    """What a link sells; ends the request with a page when that is nothing."""
    with the_bridge().store.read() as connection:
        products, prices = catalogue.on_sale(connection)
        rules = law_in_force(connection).rules
        named = find_offers(key, products, prices, rules)
        found = [one for one in named if not rules.halted_rule_for(one[1].id, one[0].id)]
        ids = {group_id for _, _, rule in found if rule for group_id in rule.group_ids}
        theirs = groups.groups_by_id(connection, ids)
    if named and not found:
        log.warning("join.rule_halted", prices=[price.id for _, price, _ in named])
        raise Stop(
            503,
            "You can't buy this right now",
            "Its groups are set up incorrectly, so payments are blocked for now. Please tell the "
            "forum's moderators; `bridge doctor` tells them what to correct.",
        )
    if not found:
        raise Stop(
            404,
            "This offer is not available",
            "The offer may have ended, or the link may be mistyped. "
            "Ask in the post that contains the link.",
        )
    return [
        Offer(product, price, rule, tuple(theirs[g] for g in _ids(rule) if g in theirs))
        for product, price, rule in found
    ]


def _ids(rule: Rule | None) -> tuple[int, ...]:
    return rule.group_ids if rule else ()


def _is_browsing() -> bool:
    """A person's browser opens the page, by what browsers say of themselves and fetchers do not.

    Fetchers of cards (the forum's own and any other) get the offer at once. A browser too old to
    say it gets the same page, with a button that signs in.
    """
    return request.headers.get(
        "Sec-Fetch-Dest"
    ) == "document" and "prefetch" not in request.headers.get("Sec-Purpose", "")


def _came_from() -> str | None:
    """The post to return to: said by the link, or by the browser if it tells more than the site."""
    forum_url = the_bridge().settings.discourse_url
    said = forum_address(request.values.get("from"), forum_url)
    if said is not None:
        return said
    referrer = forum_address(request.referrer, forum_url)
    return referrer if referrer and has_page(referrer, forum_url) else None


def _with_origin() -> str:
    """This page's path, carrying the post it was opened from through the sign-in."""
    return with_query(here("from", STRANGER), **{"from": _came_from()})


def _offer_to_stranger(offers: list[Offer], *, asked: bool) -> AnyResponse:
    response = _show(offers, asked=asked, wanted=_with_origin())
    # A page that leads back to a post is for the one reader who came from there.
    if not asked and _came_from() is None:
        response.headers["Cache-Control"] = f"public, max-age={CARD_SECONDS}"
        response.headers["Vary"] = "Cookie, Referer, Sec-Fetch-Dest, Sec-Purpose"
    return response


def _show(offers: list[Offer], **more: Any) -> Response:
    back = _came_from()
    page = render_template(
        "join.jinja",
        product=offers[0].product,
        offers=offers,
        groups=offers[0].groups if len({one.groups for one in offers}) == 1 else (),
        card=_card(offers),
        term=_term(offers[0]),
        back=back,
        keep={"from": back} if back else {},
        cancelled=request.args.get("cancelled") == "yes",
        **{"rivals": [], "asked": False, "wanted": None, "order": None} | more,
    )
    return Response(page)


def _card(offers: list[Offer]) -> Card:
    product, price = offers[0].product, offers[0].price
    look = the_look()
    about = product.description or f"Join {product.name} on {look.title}."
    return Card(
        title=product.name,
        description=about[:DESCRIPTION_LENGTH],
        image=product.image or look.logo_url,
        url=absolute("join.offer", key=request.view_args["key"] if request.view_args else price.id),
        price=("from " if len(offers) > 1 else "") + price_words(price, LOCALE),
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
        back=_came_from(),
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
    known = reader()
    if known is None:
        return redirect(with_query(url_for("join.offer", key=key), **{"from": _came_from()}), 303)
    offers = offers_of(key)
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
        return change.go(known, switch, offers[0], order, _came_from())
    return redirect(pay_address(known, offers[0], order, _came_from(), switch), 303)
