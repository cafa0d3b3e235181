"""From a link in a post to Stripe's page and back to the post, by way of a preview."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.rules import Rule
from bridge.store import facts as readings
from bridge.store import web as store
from bridge.store.work import mark_dirty
from bridge.web import shop
from bridge.web.addresses import forum_address, has_page, with_query
from bridge.web.checkout import pay_address
from bridge.web.context import (
    Reader,
    absolute,
    here,
    limited,
    now,
    reader,
    rules_in_force,
    the_bridge,
    the_look,
)
from bridge.web.login import STRANGER, ask_for_login
from bridge.web.security import Stop
from bridge.web.words import price_words, term_words

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
    offers = _offers(key)
    known = reader()
    if known is None:
        asked = request.args.get(STRANGER) == "no"
        if _is_browsing() and not asked:
            return redirect(url_for("login.silent", next=_with_origin()), 303)
        return _offer_to_stranger(offers, asked=asked)
    owned = _owned(known, offers[0]) if len(offers) == 1 else None
    if owned is not None:
        return _show_owned(offers[0], owned)
    return _show(offers, rivals=_rivals(known, offers), order=secrets.token_urlsafe(18))


def _offers(key: str) -> list[shop.Offer]:
    with the_bridge().store.read() as connection:
        products, prices = store.on_sale(connection)
        rules = rules_in_force(connection)
        found = shop.find_offers(key, products, prices, rules)
        ids = {group_id for _, _, rule in found if rule for group_id in rule.group_ids}
        groups = store.groups_by_id(connection, ids)
    if not found:
        raise Stop(
            404,
            "This is not on offer",
            "The link names nothing that can be bought now. The offer may have ended, or the link "
            "has a slip of the pen; ask in the post that it came from.",
        )
    return [
        shop.Offer(product, price, rule, tuple(groups[g] for g in _ids(rule) if g in groups))
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


def _offer_to_stranger(offers: list[shop.Offer], *, asked: bool) -> AnyResponse:
    response = _show(offers, asked=asked, wanted=_with_origin())
    if not asked:
        response.headers["Cache-Control"] = f"public, max-age={CARD_SECONDS}"
        response.headers["Vary"] = "Cookie, Sec-Fetch-Dest, Accept-Language"
    return response


def _show(offers: list[shop.Offer], **more: Any) -> Response:
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


def _card(offers: list[shop.Offer]) -> Card:
    product, price = offers[0].product, offers[0].price
    look = the_look()
    about = product.description or f"Join {product.name} on {look.title}."
    return Card(
        title=product.name,
        description=about[:DESCRIPTION_LENGTH],
        image=product.image or look.logo_url,
        url=absolute("join.offer", key=request.view_args["key"] if request.view_args else price.id),
        price=("from " if len(offers) > 1 else "") + price_words(price, "en-GB"),
    )


def _term(sold: shop.Offer) -> str:
    """How long a one-off purchase lasts, at the end of a sentence."""
    if sold.price.is_recurring:
        return ""
    term = sold.rule.term if sold.rule else None
    return f" for {term_words(term)}" if term else " for good"


# --- what the reader has already ----------------------------------------------------------------


def _owned(known: Reader, wanted: shop.Offer) -> shop.Owned | None:
    with the_bridge().store.read() as connection:
        facts, _ = readings.facts_of(connection, known.user_id)
        rows = store.memberships_of(connection, known.user_id, wanted.group_ids)
    return shop.already_owned(wanted, facts, rows)


def _show_owned(wanted: shop.Offer, owned: shop.Owned) -> Response:
    page = render_template(
        "owned.jinja",
        product=wanted.product,
        owned=owned,
        groups=wanted.groups,
        back=_came_from(),
    )
    return Response(page)


def _rivals(known: Reader, offers: list[shop.Offer]) -> list[str]:
    """The names of what the reader pays for in the same ladder."""
    if len(offers) > 1:
        return []
    with the_bridge().store.read() as connection:
        facts, _ = readings.facts_of(connection, known.user_id)
        rules = rules_in_force(connection)
        names = {p.id: p.name for p in readings.load_catalogue(connection)[0]}
    running = shop.rivals(offers[0], facts, rules)
    return sorted({names.get(s.items[0].product_id, "another membership") for s in running})


# --- paying -------------------------------------------------------------------------------------


@blueprint.post("/join/<key>")
def pay(key: str) -> AnyResponse:
    """Go to Stripe's page for one price. The same button pressed twice leads to the same page."""
    known = reader()
    if known is None:
        return redirect(url_for("join.offer", key=key), 303)
    offers = _offers(key)
    if len(offers) != 1:
        return redirect(url_for("join.offer", key=key), 303)
    owned = _owned(known, offers[0])
    if owned is not None:
        return _show_owned(offers[0], owned)
    limited("pay")
    order = request.form.get("order", "")
    if not ORDER.fullmatch(order):
        raise Stop(400, "This did not work", "The form came back changed. Open the link again.")
    return redirect(pay_address(known, offers[0], order, _came_from()), 303)


# --- coming back --------------------------------------------------------------------------------

REFRESH_SECONDS = 3
MOST_REFRESHES = 60
# If Stripe's word has not come by then it may be lost: the bridge asks Stripe itself.
ASK_STRIPE_AT = frozenset({4, 15, 50})
SLOW_AFTER = timedelta(seconds=45)


@dataclass(frozen=True, slots=True)
class Refresh:
    """Where the page goes by itself, and when."""

    seconds: int
    url: str


@blueprint.get("/join/done")
def done() -> AnyResponse:
    """Wait, together with the buyer, until the forum has let them in; then back to the post."""
    known = reader()
    if known is None:
        return ask_for_login()
    bought = _checkout_of(known, request.args.get("order", ""))
    look_number = request.args.get("n", 0, type=int)
    with the_bridge().store.write() as connection:
        store.complete_checkout(connection, bought.id, now())
    offers = _sold(bought.price_id)
    state = _state(known, offers)
    if state == "waiting" and look_number in ASK_STRIPE_AT:
        _ask_stripe(known)
    back = forum_address(bought.return_to, the_bridge().settings.discourse_url)
    waiting = state in ("waiting", "adding")
    again = url_for("join.done", order=bought.id, n=look_number + 1)
    page = render_template(
        "done.jinja",
        state=state,
        groups=offers.groups if offers else (),
        product_name=offers.product.name if offers else "your payment",
        back=back,
        again=again if waiting else None,
        slow=waiting and now() - (bought.completed_at or now()) > SLOW_AFTER,
        refresh=_refresh(state, look_number, again, back),
    )
    return Response(page)


def _checkout_of(known: Reader, order: str) -> Any:
    with the_bridge().store.read() as connection:
        bought = store.checkout(connection, order)
    if bought is None:
        raise Stop(404, "There is nothing here", "This order is not known. See your membership.")
    if bought.user_id != known.user_id:
        raise Stop(403, "This is not yours to see", "This order belongs to another member.")
    return bought


def _sold(price_id: str) -> shop.Offer | None:
    """What was bought; None if the price has left the catalogue since."""
    try:
        return _offers(price_id)[0]
    except Stop:
        return None


def _state(known: Reader, bought: shop.Offer | None) -> str:
    """How far the membership is: in, thanks (no group to wait for), held, adding, waiting."""
    if bought is None or not bought.group_ids:
        return "thanks"
    with the_bridge().store.read() as connection:
        found = store.memberships_of(connection, known.user_id, bought.group_ids)
    rows = [found.get(group_id) for group_id in bought.group_ids]
    if all(row is not None and row.actual and row.wanted for row in rows):
        return "in"
    if any(row is not None and row.wanted and (row.override or row.hold) for row in rows):
        return "held"
    if all(row is not None and row.wanted for row in rows):
        return "adding"
    return "waiting"


def _ask_stripe(known: Reader) -> None:
    """Have the member's customers read again, as if Stripe had sent word."""
    with the_bridge().store.write() as connection:
        customers = store.live_customers_of(connection, known.user_id)
        for customer_id in customers:
            mark_dirty(
                connection,
                customer_id,
                now=now(),
                due_at=now(),
                cause="join: no word from Stripe yet",
                needs=("read", "purchases", "money"),
            )
    for customer_id in customers:
        the_bridge().hint("decide", customer_id)


def _refresh(state: str, look_number: int, again: str, back: str | None) -> Refresh | None:
    if state == "in" and back:
        return Refresh(REFRESH_SECONDS, back)
    if state in ("waiting", "adding") and look_number < MOST_REFRESHES:
        return Refresh(REFRESH_SECONDS, again)
    return None
