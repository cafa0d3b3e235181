"""Gifts: for somebody else, by name or with a link to pass on."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, time

import structlog
from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.model.days import day_of
from bridge.core.rights.offers import Offer
from bridge.core.rights.orders import paying_of
from bridge.core.signed.reference import sign_buyer, sign_gift
from bridge.core.telling.next_steps import would_wait
from bridge.core.telling.sentences import as_sentence
from bridge.errors import Permanent
from bridge.operations import presents as doing
from bridge.operations.presents import LATEST_BEGIN, LINK_LIVES, LONGEST_NOTE, PresentRefused, Why
from bridge.store import presents, statements
from bridge.store.presents import Present
from bridge.stripe_api.checkout import CheckoutLine, CheckoutRequest
from bridge.texts import gettext
from bridge.web.buying.checkout import customer_of
from bridge.web.buying.ordering import token_said
from bridge.web.buying.sale import buyer_of, offers_of
from bridge.web.context import Reader, absolute, now, reader, the_bridge
from bridge.web.limiting import asks_stripe
from bridge.web.login import ask_for_login
from bridge.web.security import Stop, with_scripts

log = structlog.get_logger(__name__)
blueprint = Blueprint("presents", __name__)


def can_be_given(offer: Offer) -> bool:
    """Whether a member may buy it for others: the site allows it, and its amount is fixed.

    A product sold only to some groups or countries could reach others as a gift, so it may not.
    """
    is_meant = offer.rule is not None and offer.rule.sale.gift == "yes"
    paying = paying_of(offer)
    is_for_all = not paying.buyer_ids and not paying.countries
    return is_meant and is_for_all and offer.price.amount_minor is not None


# --- giving --------------------------------------------------------------------------------------


@blueprint.get("/give/<key>")
def form(key: str) -> AnyResponse:
    """Ask who it is for; payment follows on Stripe's page."""
    if reader() is None:
        return ask_for_login()
    return with_scripts(_form(_on_offer(key), {"order": secrets.token_urlsafe(18)}))


def _on_offer(key: str) -> Offer:
    offers = [one for one in offers_of(key) if can_be_given(one)]
    if len(offers) != 1:
        raise Stop(
            404,
            gettext("This can’t be given as a gift"),
            gettext("Choose another offer, or ask the forum’s moderators."),
        )
    return offers[0]


def _form(offer: Offer, said: dict[str, str], refused: str = "", at: str = "") -> str:
    has_term = offer.rule is not None and offer.rule.term is not None
    return render_template(
        "give.jinja",
        offer=offer,
        said=said,
        refused=refused,
        at=at,
        can_begin_later=has_term and not offer.price.is_recurring,
        today=now().date(),
        longest_note=LONGEST_NOTE,
        link_days=LINK_LIVES.days,
        cancelled=request.args.get("cancelled") == "yes",
    )


@blueprint.post("/give/<key>")
def give(key: str) -> AnyResponse:
    """Store who it is for, and lead to Stripe's page. A second click leads to the same page."""
    known = reader()
    if known is None:
        return ask_for_login()
    offer, token = _on_offer(key), token_said()
    asks_stripe()
    said = request.form.to_dict()
    try:
        wanted = _wanted(known, offer, token, said)
    except PresentRefused as error:
        return with_scripts(_form(offer, said, _words()[error.why], "name"), 422)
    except _Wrong as wrong:
        return with_scripts(_form(offer, said, wrong.words, wrong.field), 422)
    with the_bridge().store.write() as connection:
        row = presents.begin(connection, wanted)
    if (row.giver_id, row.price_id) != (known.user_id, offer.price.id):
        raise Stop(
            403, gettext("You can’t see this page"), gettext("It belongs to another member.")
        )
    if row.arrived_at is not None:  # they went back in the browser after paying
        return redirect(url_for("my_presents.show", paid=row.id), 303)
    return redirect(row.url or _to_stripe(known, offer, row), 303)


class _Wrong(Exception):
    """An invalid field of the form, in words for the person who filled it in."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field
        self.words = words


def _wanted(known: Reader, offer: Offer, token: str, said: dict[str, str]) -> Present:
    """The form's input. Raises: PresentRefused, _Wrong."""
    note = " ".join(said.get("note", "").split())
    if len(note) > LONGEST_NOTE:
        words = gettext("The note is too long. Use at most %(most)d characters.")
        raise _Wrong("note", words % {"most": LONGEST_NOTE})
    begins_at = None if offer.price.is_recurring else _begins_at(said.get("begins", "").strip())
    by_link, receiver_id = said.get("to") == "link", None
    if not by_link:
        name = said.get("name", "").strip().removeprefix("@")
        receiver_id = doing.receiver(the_bridge(), known.user_id, name, offer).id
    return Present(
        token,
        known.user_id,
        receiver_id,
        by_link,
        offer.price.id,
        note,
        said.get("anonymous") == "yes",
        begins_at,
        now(),
        link_ends_at=now() + LINK_LIVES if by_link else None,
    )


def _begins_at(text: str) -> datetime | None:
    """The first moment of a day that is chosen; None for today."""
    if not text:
        return None
    try:
        day = day_of(text)
    except Permanent as error:
        raise _Wrong("begins", as_sentence(str(error))) from error
    if not now().date() <= day <= (now() + LATEST_BEGIN).date():
        raise _Wrong("begins", gettext("Choose a day from today to a year from now."))
    return datetime.combine(day, time(0, tzinfo=UTC)) if day > now().date() else None


def _to_stripe(known: Reader, offer: Offer, row: Present) -> str:
    bridge = the_bridge()
    secret_key, to = bridge.settings.secret_key, row.receiver_id
    reference = sign_buyer(known.user_id, row.created_at, secret_key)
    purpose = offer.rule.kind if offer.rule else "other"
    link = bridge.stripe.create_checkout(
        CheckoutRequest(
            lines=(CheckoutLine(offer.price, purpose),),
            user_id=known.user_id,
            reference=reference,
            success_url=absolute("my_presents.show", paid=row.id),
            cancel_url=absolute("presents.form", key=offer.price.id, cancelled="yes"),
            customer_id=customer_of(known, reference, None),
            present_id=row.id,
            beneficiary=sign_gift(to, row.created_at, secret_key) if to else None,
            paying=paying_of(offer),
        ),
        idempotency_key=f"present-{row.id}",
    )
    with bridge.store.write() as connection:
        presents.save_session(connection, row.id, link.id, link.url)
    log.info("present.to_stripe", user=known.user_id, present=row.id)
    return link.url


# --- taking --------------------------------------------------------------------------------------


@blueprint.get("/present/<word>")
def show(word: str) -> AnyResponse | str:
    """Show the gift of a link, and the button to accept it."""
    found, offer = _opened(word)
    known = reader()
    if known is None:
        return ask_for_login()
    with the_bridge().store.read() as connection:
        giver = statements.recipient(connection, found.giver_id)
    return render_template(
        "present.jinja",
        offer=offer,
        present=found,
        giver=giver.username if giver and not found.is_anonymous else None,
        word=word,
        is_own=known.user_id == found.giver_id,
        waits=would_wait(offer, buyer_of(known), now()),
    )


@blueprint.post("/present/<word>")
def take(word: str) -> AnyResponse:
    """Accept it; then show the membership page."""
    known = reader()
    if known is None:
        return ask_for_login()
    _, offer = _opened(word)
    try:
        doing.take(the_bridge(), word, known.user_id, offer)
    except PresentRefused as error:
        raise _refused(error.why) from error
    log.info("present.taken", user=known.user_id)
    return redirect(url_for("me.statement"), 303)


def _opened(word: str) -> tuple[Present, Offer]:
    try:
        found = doing.opened(the_bridge(), word)
    except PresentRefused as error:
        raise _refused(error.why) from error
    return found, offers_of(found.price_id)[0]


def _words() -> dict[Why, str]:
    return {
        "nobody": gettext("Nobody on the forum has this name. Check the spelling."),
        "self": gettext("A gift is for somebody else. You can buy it for yourself instead."),
        "inactive": gettext("This account is not active on the forum at the moment."),
        "has_it": gettext("They already have this."),
    }


def _refused(why: Why) -> Stop:
    ask = gettext("Ask the person who gave it to you for a new link.")
    pages: dict[Why, tuple[int, str, str]] = {
        "unknown": (404, gettext("We don’t know this gift"), ask),
        "taken": (410, gettext("This gift has already been taken"), ask),
        "over": (410, gettext("This link is no longer valid"), ask),
        "not_paid": (
            409,
            gettext("This gift is not ready yet"),
            gettext("Its payment is still being confirmed. Open the link again later."),
        ),
        "self": (
            403,
            gettext("This gift is for somebody else"),
            gettext("You paid for it yourself. Send the link to the person it is for."),
        ),
        "has_it": (
            409,
            gettext("You already have this"),
            gettext("The gift has not been used. You can pass the link on to somebody else."),
        ),
        "inactive": (
            403,
            gettext("Your account can’t take it at the moment"),
            gettext("Your forum account is not active. Write to the forum’s moderators."),
        ),
    }
    return Stop(*pages[why])
