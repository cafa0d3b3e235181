"""The gifts that a member gave, and what became of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.errors import NotFound
from bridge.operations import presents as doing
from bridge.operations.presents import PresentRefused
from bridge.store import Connection, presents, statements, work
from bridge.store.presents import Present
from bridge.texts import gettext
from bridge.web.context import law_in_force, now, reader, the_bridge
from bridge.web.limiting import asks_stripe
from bridge.web.login import ask_for_login
from bridge.web.security import Stop

blueprint = Blueprint("my_presents", __name__)
REFRESH_SECONDS = 2
MOST_REFRESHES = 30
ASK_STRIPE_AT = (0, 5, 15)


@dataclass(frozen=True, slots=True)
class Given:
    """A gift as its giver sees it. `link`: to pass on, while it can be accepted."""

    present: Present
    what: str
    to: str | None
    link: str | None
    is_over: bool


@blueprint.get("/me/presents")
def show() -> AnyResponse | str:
    """The reader's gifts, to whom, and what became of them."""
    known = reader()
    if known is None:
        return ask_for_login()
    looks, paid = request.args.get("n", 0, type=int), request.args.get("paid", "")
    with the_bridge().store.read() as connection:
        found = presents.given_by(connection, known.user_id)
        given = [_given(connection, one) for one in found if one.arrived_at]
    waits = next((one for one in found if one.id == paid and one.arrived_at is None), None)
    if waits is not None and looks in ASK_STRIPE_AT:
        _have_read(waits)
    return render_template(
        "presents.jinja",
        given=given,
        waits=waits is not None,
        is_new=any(one.present.id == paid for one in given),
        again=url_for("my_presents.show", paid=paid, n=looks + 1)
        if waits and looks < MOST_REFRESHES
        else None,
        seconds=REFRESH_SECONDS,
    )


def _given(connection: Connection, one: Present) -> Given:
    catalogue = law_in_force(connection).catalogue
    price = catalogue.prices.get(one.price_id)
    what = catalogue.name_of(price.product_id) if price else one.price_id
    to = statements.recipient(connection, one.receiver_id) if one.receiver_id else None
    is_over = doing.has_ended(connection, one)
    is_open = one.by_link and one.receiver_id is None and not is_over
    link = doing.address(the_bridge(), one) if is_open else None
    return Given(one, what, to.username if to else None, link, is_over)


def _have_read(present: Present) -> None:
    """Read the payment immediately, without waiting for webhooks."""
    if present.session_id is None:
        return
    asks_stripe()
    state = the_bridge().stripe.checkout_session(present.session_id)
    if state.status != "complete" or state.customer_id is None:
        return
    needs = ("read",) if state.mode == "subscription" else ("read", "purchases")
    key, cause = state.customer_id, f"gift {present.id}"
    with the_bridge().store.write() as connection:
        work.mark_dirty(connection, key, now=now(), due_at=now(), cause=cause, needs=needs)
    the_bridge().hint("decide", key)


@blueprint.post("/me/presents/new-link")
def new_link() -> AnyResponse:
    """Replace the link of a gift."""
    known = reader()
    if known is None:
        return ask_for_login()
    try:
        with suppress(PresentRefused):  # accepted meanwhile; the page says so
            doing.renew_link(the_bridge(), known.user_id, request.form.get("present", ""))
    except NotFound as error:
        raise Stop(
            403, gettext("You can’t change this"), gettext("It belongs to another member.")
        ) from error
    return redirect(url_for("my_presents.show"), 303)
