"""Pay first, join later: payment links of the dashboard, and orders that wait for their owner."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import structlog
from flask import Blueprint, Response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.model.actor import member
from bridge.core.rights.buyers import Barred
from bridge.core.rights.offers import Offer
from bridge.core.rights.orders import paying_of
from bridge.core.rules.paying import country_name, is_country
from bridge.core.signed.reference import sign_buyer
from bridge.core.telling.of_member import ASK_MODERATORS
from bridge.errors import NotFound
from bridge.store import checkouts
from bridge.store.checkouts import Ordered
from bridge.store.naming import Names
from bridge.stripe_api.seen import PaymentLink
from bridge.texts import gettext
from bridge.web.addresses import with_query
from bridge.web.buying.coming import is_asked, is_browsing
from bridge.web.buying.sale import nothing, offers_of_link
from bridge.web.buying.who_may import (
    by_name,
    here_and_said,
    names_of_groups,
    refuse_who_may_not,
    to_choose_from,
)
from bridge.web.context import Reader, here, now, reader, the_bridge
from bridge.web.limiting import asks_stripe
from bridge.web.login import STRANGER, ask_for_login
from bridge.web.security import Stop
from bridge.worker import claims
from bridge.worker.claims import Claim, Claimant, Unclaimable, Why

log = structlog.get_logger(__name__)
blueprint = Blueprint("claim", __name__)
LINK = re.compile(r"plink_[A-Za-z0-9]{8,100}", re.ASCII)
STATUS_OF: dict[Why, int] = {
    "unknown": 404,
    "unfinished": 409,
    "on_its_way": 409,
    "refunded": 410,
    "ended": 410,
    "expired": 410,
    "anothers": 403,
    "used": 403,
    "declined": 403,
    "set_aside": 403,
}

ASK_ABOUT = ("unknown", "expired", "anothers", "used", "declined", "set_aside")
"""Where the page leads to a message to the moderators."""


# --- a payment link -----------------------------------------------------------------------------


@blueprint.get("/join/link/<link_id>")
def by_link(link_id: str) -> AnyResponse | str:
    """Lead a reader to a payment link of the dashboard; strangers may pay first and join later.

    The reference says who the order is for and expires in days; it opens nothing (decision 0011).
    """
    known = reader()
    if known is None and is_browsing() and not is_asked():
        return redirect(url_for("login.silent", next=here(STRANGER)), 303)
    asks_stripe()
    found = _payment_link(link_id)
    offers = offers_of_link(found.sold, link_id)
    if known is None:
        return render_template(
            "payment_link.jinja",
            wanted=here(STRANGER),
            pay_first=found.url if _can_pay_first(found, offers) else None,
        )
    where = refuse_who_may_not(offers, known)
    countries = to_choose_from(offers, where)
    if countries and not where.said:
        return render_template("payment_link_country.jinja", countries=countries, said=None)
    return redirect(_as_reader(known, found), 303)


def _payment_link(link_id: str) -> PaymentLink:
    try:
        found = the_bridge().stripe.payment_link(link_id) if LINK.fullmatch(link_id) else None
    except NotFound:
        found = None
    if found is None or not found.is_active:
        raise nothing(link_id, has_ended=found is not None)
    return found


def _can_pay_first(found: PaymentLink, offers: Sequence[Offer]) -> bool:
    """Stripe leads them back here, and it is sold to everybody: a stranger is not known yet."""
    leads_to = f"{the_bridge().settings.bridge_url}/claim/{{CHECKOUT_SESSION_ID}}"
    is_for_all = not any(paying_of(one).buyer_ids or paying_of(one).countries for one in offers)
    return is_for_all and found.leads_to == leads_to


def _as_reader(known: Reader, found: PaymentLink) -> str:
    reference = sign_buyer(known.user_id, now(), the_bridge().settings.secret_key, found.id)
    log.info("claim.by_link", user=known.user_id, link=found.id)
    return with_query(found.url, client_reference_id=reference)


# --- an order that waits for its owner -----------------------------------------------------------


@blueprint.get("/claim/<session_id>")
def show(session_id: str) -> AnyResponse:
    """Show the paid order, and the button to claim it."""
    known = reader()
    if known is None and is_browsing() and not is_asked():
        return redirect(url_for("login.silent", next=here(STRANGER)), 303)
    found = _look(session_id, known)
    if known is not None and found.is_mine:
        return _on_to_arrival(known, found)
    if known is not None and found.barred:
        return _for_moderators(found, found.barred)
    page = render_template(
        "claim.jinja",
        order=found.order,
        until_at=found.until_at,
        wanted=here(STRANGER),
        only_for=names_of_groups(found.barred.group_ids) if found.barred else "",
        countries=by_name(found.ask_country),
        said=None,
    )
    return Response(page)


def _for_moderators(found: Claim, why: Barred) -> AnyResponse:
    """The page for an order that is not sold to this member: moderators give or refund it."""
    with the_bridge().store.read() as connection:
        product_name = Names(connection).products([why.product_id])
    page = render_template(
        "claim_barred.jinja",
        order=found.order,
        is_asked=found.is_asked,
        product_name=product_name,
        only_for=names_of_groups(why.group_ids),
        country=_name_of(why.country),
        check_again=url_for("login.silent", next=here(STRANGER), again="yes"),
    )
    return Response(page)


def _name_of(country: str | None) -> str:
    if country is None:
        return ""
    return country_name(country) if is_country(country) else gettext("your country")


@blueprint.post("/claim/<session_id>")
def take(session_id: str) -> AnyResponse:
    """Claim it for the reader, then show the progress until they are in the group.

    If it is not sold to them, moderators are asked, and the page says so.
    """
    known = reader()
    if known is None:
        return ask_for_login()
    asks_stripe()
    try:
        found = claims.claim(the_bridge(), member(known.user_id), session_id, _claimant(known))
    except Unclaimable as error:
        raise _refused(error.why) from error
    log.info("claim.taken", user=known.user_id, session=session_id, waits=found.is_asked)
    if found.is_mine:
        return _on_to_arrival(known, found)
    return redirect(url_for("claim.show", session_id=session_id), 303)


def _claimant(known: Reader | None) -> Claimant:
    if known is None:
        return Claimant()
    return Claimant(known.user_id, known.group_ids, here_and_said())


def _look(session_id: str, known: Reader | None) -> Claim:
    asks_stripe()
    try:
        return claims.look(the_bridge(), session_id, _claimant(known))
    except Unclaimable as error:
        raise _refused(error.why) from error


def _on_to_arrival(known: Reader, found: Claim) -> AnyResponse:
    """The page on which every buyer waits; it knows orders that were begun here."""
    whose, where = f"{known.user_id} {found.order.id}", here_and_said()
    order = hashlib.sha256(whose.encode()).hexdigest()[:36]
    with the_bridge().store.write() as connection:
        checkouts.begin(
            connection,
            order,
            user_id=known.user_id,
            ordered=[Ordered(price_id) for price_id, _ in found.order.sold],
            return_to=None,
            now=now(),
        )
        checkouts.save_session(connection, order, found.order.id, "", None)
        checkouts.note_countries(connection, order, where.ip, where.said)
    return redirect(url_for("arrival.done", order=order), 303)


def _refused(why: Why) -> Stop:
    ask = (gettext("Write to the moderators"), the_bridge().addresses.forum + ASK_MODERATORS)
    return Stop(STATUS_OF[why], *_words_of(why), [ask] if why in ASK_ABOUT else ())


def _words_of(why: Why) -> tuple[str, str]:
    """Why an order cannot be claimed, and what to do."""
    ask = gettext("If you think this is a mistake, write to the forum’s moderators.")
    words: dict[Why, tuple[str, str]] = {
        "unknown": (
            gettext("We don’t know this payment"),
            gettext(
                "The link may be cut off or mistyped. Open it again from the page you saw after "
                "paying, or ask the forum’s moderators for a new one."
            ),
        ),
        "unfinished": (
            gettext("This has not been paid"),
            gettext("You have not been charged. Go back to the offer to pay."),
        ),
        "on_its_way": (
            gettext("Your payment is on its way"),
            gettext(
                "Bank debits and transfers can take several days. Keep this link and open it "
                "again when the money has arrived."
            ),
        ),
        "refunded": (
            gettext("This payment was refunded"),
            gettext("You have your money back, so there is nothing to claim."),
        ),
        "ended": (
            gettext("This subscription has ended"),
            gettext("You will not be charged again, and there is nothing left to claim."),
        ),
        "expired": (
            gettext("This link has expired"),
            gettext(
                "Your payment is not lost. Send this link to the forum’s moderators: they can "
                "add it to your account."
            ),
        ),
        "anothers": (gettext("This payment belongs to another member"), ask),
        "used": (gettext("This link has already been used"), ask),
        "declined": (gettext("The moderators gave this payment to another member"), ask),
        "set_aside": (
            gettext("The moderators declined your request"),
            gettext(
                "They did not add this payment to your account. Nothing is refunded "
                "automatically. If you paid it, write to the moderators about it."
            ),
        ),
    }
    return words[why]
