"""Back from Stripe: the buyer waits until the forum has let them in, and goes back to the post."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.memberships.state import State
from bridge.core.rights.offers import Offer, awaited
from bridge.core.rules.ladders import winners
from bridge.core.telling.of_member import statement_input
from bridge.core.telling.places import Place, of_groups
from bridge.store import checkouts, links
from bridge.store import member as members
from bridge.store.checkouts import Checkout
from bridge.store.work import mark_dirty
from bridge.web.addresses import forum_address
from bridge.web.buying.join import offers_of
from bridge.web.context import Reader, law_in_force, now, reader, the_bridge
from bridge.web.limiting import the_limiter
from bridge.web.login import ask_for_login
from bridge.web.security import Stop

blueprint = Blueprint("arrival", __name__)

REFRESH_SECONDS = 3
MOST_REFRESHES = 60
# An event that has not come by then may be lost: the bridge asks Stripe itself.
ASK_STRIPE_AFTER = timedelta(seconds=12)
SLOW_AFTER = timedelta(seconds=45)


@dataclass(frozen=True, slots=True)
class Refresh:
    """Where the page goes automatically, and when."""

    seconds: int
    url: str


@blueprint.get("/join/done")
def done() -> AnyResponse | str:
    """Wait, together with the buyer, until the forum has let them in; then back to the post."""
    known = reader()
    if known is None:
        return ask_for_login()
    bought = _checkout_of(known, request.args.get("order", ""))
    look_number = request.args.get("n", 0, type=int)
    with the_bridge().store.write() as connection:
        checkouts.complete(connection, bought.id, now())
    sold = _sold(bought.price_id)
    state, places = _arrived(known, sold)
    waits = now() - (bought.completed_at or now())
    # Counted here, whatever number the address carries.
    is_late = state == "waiting" and waits >= ASK_STRIPE_AFTER
    if is_late and the_limiter().may_read_again(known.user_id):
        _ask_stripe(known)
    back = forum_address(bought.return_to, the_bridge().settings.discourse_url)
    waiting = state in ("waiting", "adding")
    again = url_for("arrival.done", order=bought.id, n=look_number + 1)
    return render_template(
        "done.jinja",
        state=state,
        groups=[group for place in places for group in place.groups],
        places=places,
        product_name=sold.product.name if sold else "your payment",
        back=back,
        again=again if waiting else None,
        slow=waiting and waits > SLOW_AFTER,
        refresh=_refresh(state, look_number, again, back),
    )


def _checkout_of(known: Reader, order: str) -> Checkout:
    with the_bridge().store.read() as connection:
        bought = checkouts.get(connection, order)
    if bought is None:
        raise Stop(404, "Order not found", "We don't know this order. Check your membership page.")
    if bought.user_id != known.user_id:
        raise Stop(403, "You can't see this page", "This order belongs to another member.")
    return bought


def _sold(price_id: str) -> Offer | None:
    """What was bought; None if the price has left the catalogue since."""
    try:
        return offers_of(price_id)[0]
    except Stop:
        return None


def _arrived(known: Reader, bought: Offer | None) -> tuple[str, tuple[Place, ...]]:
    """How far it is (in, thanks, held, adding, waiting), and how they stand to each group.

    Thanks: there is no group to wait for.
    """
    if bought is None or not bought.group_ids:
        return "thanks", ()
    with the_bridge().store.read() as connection:
        member = members.load(connection, known.user_id)
        law = law_in_force(connection)
    about = statement_input(member, law, the_bridge().addresses, now())
    places = of_groups(about, awaited(bought, winners(about.grants)))
    states = {place.state for place in places}
    if states == {State.IN}:
        return "in", places
    if State.HELD_OUT in states:
        return "held", tuple(place for place in places if place.state == State.HELD_OUT)
    return ("adding" if states <= {State.IN, State.ARRIVING} else "waiting"), places


def _ask_stripe(known: Reader) -> None:
    """Have the member's customers read again, as if Stripe had sent an event."""
    with the_bridge().store.write() as connection:
        customers = links.live_customers_of(connection, known.user_id)
        for customer_id in customers:
            mark_dirty(
                connection,
                customer_id,
                now=now(),
                due_at=now(),
                cause="join: no event from Stripe yet",
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
