"""A member's acts on one of their subscriptions: to one place of Stripe's page, and back.

Each page of Stripe's is opened on the click, only for the signed-in owner (D4). When the member
comes back, they are read before `/me` is shown again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import structlog
from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.model.actor import member as by_member
from bridge.core.telling.of_member import statement_input
from bridge.core.telling.subscription_cards import SubscriptionCard, subscription_cards
from bridge.errors import BridgeError, Permanent
from bridge.operations import cancelling
from bridge.store import member as members
from bridge.store import work
from bridge.stripe_api.portal_page import Flow, FlowKind
from bridge.texts import gettext
from bridge.web.buying.ownership import owned
from bridge.web.context import Reader, absolute, law_in_force, now, reader, the_bridge
from bridge.web.limiting import asks_stripe, the_limiter
from bridge.web.login import ask_for_login
from bridge.web.security import Stop

log = structlog.get_logger(__name__)
blueprint = Blueprint("own", __name__)
REFRESH_SECONDS = 1
# After this long the page is shown as it was last read.
LONGEST_WAIT = timedelta(seconds=10)


@blueprint.before_request
def _ask_who() -> AnyResponse | None:
    return ask_for_login() if reader() is None else None


@blueprint.post("/me/card")
def card() -> AnyResponse:
    """Change the card that pays."""
    return _to_stripe(_own(_named()), "payment_method_update")


@blueprint.post("/me/pause")
def pause() -> AnyResponse:
    """Pause, where the site offers it."""
    found = _own(_named())
    _allow(may=found.can_pause)
    return _to_stripe(found, "subscription_pause")


@blueprint.post("/me/pay")
def pay() -> AnyResponse:
    """Pay the open invoice, on Stripe's page."""
    found = _own(_named())
    address = the_bridge().stripe.invoice_page(found.owed.id) if found.owed else None
    # Paid or voided meanwhile: read it again.
    return redirect(address or url_for("own.back"), 303)


@blueprint.post("/me/keep")
def keep() -> AnyResponse:
    """Take a cancellation back; Stripe's page has no place for that alone."""
    found = _own(_named())
    _allow(may=found.can_keep)
    known = _reader()
    cancelling.keep(the_bridge(), by_member(known.user_id), known.user_id, found.subscription)
    return redirect(url_for("own.back"), 303)


@blueprint.get("/me/resume/<subscription_id>")
def ask_to_resume(subscription_id: str) -> str:
    """The cost of resuming, and when it is charged."""
    found = _own(subscription_id)
    _allow(may=found.can_resume)
    asks_stripe()
    try:
        preview = the_bridge().stripe.preview_resumed(found.subscription)
    except BridgeError as error:
        # The page can be shown without it.
        log.warning("resume.no_preview", subscription=found.id, why=str(error))
        preview = None
    return render_template(
        "me_resume.jinja",
        card=found,
        preview=preview,
        is_charged_now=found.subscription.status == "paused",
        next_at=max(item.period_end_at for item in found.subscription.items),
    )


@blueprint.post("/me/resume/<subscription_id>")
def resume(subscription_id: str) -> AnyResponse:
    """Resume a paused subscription. Stripe's page has no place for that alone."""
    known, found = _reader(), _own(subscription_id)
    _allow(may=found.can_resume)
    cancelling.go_on(the_bridge(), by_member(known.user_id), known.user_id, found.subscription)
    return redirect(url_for("own.back"), 303)


@blueprint.post("/me/stay")
def stay() -> AnyResponse:
    """Call off a change that waits for the end of the period. Stripe's page cannot."""
    known, found = _reader(), _own(_named())
    _allow(may=found.can_call_off)
    cancelling.call_off(the_bridge(), by_member(known.user_id), known.user_id, found.subscription)
    return redirect(url_for("own.back"), 303)


@blueprint.get("/me/cancel/<subscription_id>")
def ask_to_cancel(subscription_id: str) -> str:
    """Until when they stay in, one question, and the way to Stripe's page."""
    found = _own(subscription_id)
    _allow(may=found.can_cancel)
    terms = the_bridge().stripe.cancel_terms()
    return render_template(
        "me_cancel.jinja",
        card=found,
        is_immediate=terms.is_immediate,
        is_offered=terms.is_offered,
        ends_at=max(item.period_end_at for item in found.subscription.items),
        longest=cancelling.LONGEST_REASON,
    )


@blueprint.post("/me/cancel/<subscription_id>")
def cancel(subscription_id: str) -> AnyResponse:
    """To Stripe's page for cancelling; if its settings do not offer that, the bridge cancels."""
    known, found = _reader(), _own(subscription_id)
    _allow(may=found.can_cancel)
    bridge, actor = the_bridge(), by_member(known.user_id)
    said = request.form.get("why", "")
    cancelling.note_reason(bridge, actor, known.user_id, found.subscription, said)
    if bridge.stripe.cancel_terms().is_offered:
        return _to_stripe(found, "subscription_cancel")
    cancelling.let_run_out(bridge, actor, known.user_id, found.subscription)
    return redirect(url_for("own.back"), 303)


# --- there and back -------------------------------------------------------------------------------


@blueprint.get("/me/back")
def back() -> AnyResponse | str:
    """Back from Stripe: read the present state first, within a second or two."""
    known = _reader()
    asked_at = _moment(request.args.get("at", ""))
    if asked_at is None:
        if not the_limiter().allows("back", f"user:{known.user_id}"):
            return redirect(url_for("me.statement"))
        return redirect(url_for("own.back", at=_have_read(known)))
    if _is_read(known):
        return redirect(url_for("me.statement"))
    if not timedelta() <= now() - asked_at <= LONGEST_WAIT:
        return redirect(url_for("me.statement", late="yes"))
    again = url_for("own.back", at=request.args["at"], again="yes")
    return render_template("me_back.jinja", seconds=REFRESH_SECONDS, again=again)


def _have_read(known: Reader) -> int:
    """Mark everything that the member pays for dirty; returns the time in milliseconds."""
    at = now()
    with the_bridge().store.write() as connection:
        key, cause = work.user_key(known.user_id), "back from Stripe"
        work.mark_dirty(connection, key, now=at, due_at=at, cause=cause, needs=("read",))
    the_bridge().hint("decide", key)
    return int(at.timestamp() * 1000)


def _moment(said: str) -> datetime | None:
    return datetime.fromtimestamp(int(said) / 1000, UTC) if _is_number(said) else None


def _is_number(said: str) -> bool:
    return said.isascii() and said.isdigit() and len(said) <= len("1795000000000")


def _is_read(known: Reader) -> bool:
    """Whether the requested reading is done; later events may still wait."""
    with the_bridge().store.read() as connection:
        return not work.dirty(connection, work.user_key(known.user_id), None)


def _to_stripe(found: SubscriptionCard, kind: FlowKind) -> AnyResponse:
    """Open Stripe's page at this place."""
    subscription = found.subscription
    flow = Flow(kind, None if kind == "payment_method_update" else subscription.id)
    try:
        address = the_bridge().stripe.portal(subscription.customer_id, absolute("own.back"), flow)
    except Permanent as error:
        about = {"flow": kind, "subscription": subscription.id, "why": str(error)}
        log.error("own.refused", **about)  # noqa: TRY400 - no defect, a setting at Stripe
        raise Stop(
            503,
            gettext("You can’t do this right now"),
            gettext(
                "Stripe is not set up for it yet. Nothing has changed. Please tell the forum’s "
                "moderators."
            ),
        ) from error
    log.info("own.to_stripe", flow=kind, subscription=subscription.id)
    return redirect(address, 303)


# --- whose it is ----------------------------------------------------------------------------------


def _reader() -> Reader:
    """The signed-in member; the guard lets nobody else in."""
    return cast("Reader", reader())


def _named() -> str:
    return request.form.get("subscription", "")


def _own(subscription_id: str) -> SubscriptionCard:
    """The reader's subscription of this id; ends the request with a page if it is not theirs."""
    known = _reader()
    asks_stripe()
    with the_bridge().store.read() as connection:
        member = members.load(connection, known.user_id)
        law = law_in_force(connection)
    given = statement_input(member, law, the_bridge().addresses, now())
    cards = subscription_cards(member, law, given, now())
    found = next((one for one in cards if one.id == subscription_id and not one.is_over), None)
    if found is None:
        log.warning("own.not_theirs", subscription=subscription_id[:60], user=known.user_id)
        raise Stop(
            403,
            gettext("You can’t change this"),
            gettext("It belongs to another member, or it has ended."),
        )
    owned(known, found.subscription.customer_id)
    return found


def _allow(*, may: bool) -> None:
    if not may:
        raise Stop(
            409,
            gettext("You can’t do this right now"),
            gettext("It has changed in the meantime. Open your membership page again."),
        )
