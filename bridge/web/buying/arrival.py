"""Back from Stripe: the buyer waits until they are in the group, and returns to the post."""

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
from bridge.core.telling.words import listed
from bridge.store import checkouts, groups
from bridge.store import member as members
from bridge.store.checkouts import Checkout
from bridge.texts import gettext
from bridge.web.addresses import forum_address
from bridge.web.buying.returned import look_at
from bridge.web.buying.sale import offers_of_each
from bridge.web.context import Reader, law_in_force, now, reader, the_bridge
from bridge.web.login import ask_for_login
from bridge.web.security import Stop

blueprint = Blueprint("arrival", __name__)

# The page asks once a second while most purchases arrive. This causes no call to Stripe.
REFRESHES = ((10, 1), (40, 3), (60, 10))
BACK_TO_THE_POST_SECONDS = 3
SLOW_AFTER = timedelta(seconds=45)
# Waiting on the page any longer does not help.
ENDS = ("in", "thanks", "held", "applied", "open", "expired", "pending")


@dataclass(frozen=True, slots=True)
class Refresh:
    """The address where the page goes automatically, and when."""

    seconds: int
    url: str


@blueprint.get("/join/done")
def done() -> AnyResponse | str:
    """Show the buyer's progress until they are in the group, then lead back to the post."""
    known = reader()
    if known is None:
        return ask_for_login()
    bought = look_at(known, _checkout_of(known, request.args.get("order", "")))
    look_number = request.args.get("n", 0, type=int)
    sold = _sold(bought)
    state, places = _arrived(known, sold)
    state = _before_that(state, bought)
    back = forum_address(bought.return_to, the_bridge().settings.discourse_url)
    again = url_for("arrival.done", order=bought.id, n=look_number + 1)
    return render_template(
        "done.jinja",
        state=state,
        groups=[group for place in places for group in place.groups],
        places=places,
        product_name=_names(sold),
        back=back,
        again=again if state not in ENDS else None,
        slow=_is_slow(bought) if state not in ENDS else False,
        forum_is_away=state == "adding" and _forum_is_away(sold),
        pay_url=bought.url if state == "open" else None,
        offer_key="+".join(line.price_id for line in bought.ordered),
        refresh=_refresh(state, look_number, again, back),
    )


def _checkout_of(known: Reader, order: str) -> Checkout:
    with the_bridge().store.read() as connection:
        bought = checkouts.get(connection, order)
    if bought is None:
        raise Stop(
            404,
            gettext("Order not found"),
            gettext("We don’t know this order. Check your membership page."),
        )
    if bought.user_id != known.user_id:
        raise Stop(
            403,
            gettext("You can’t see this page"),
            gettext("This order belongs to another member."),
        )
    return bought


def _sold(bought: Checkout) -> list[Offer]:
    """The bought offers, without those that have left the catalogue since."""
    try:
        found = offers_of_each([line.price_id for line in bought.ordered])
    except Stop:  # a rule that has been halted meanwhile
        return []
    return [offers[0] for offers in found if offers]


def _names(sold: list[Offer]) -> str:
    """The words of thanks."""
    names = [offer.product.name for offer in sold] or [gettext("your payment")]
    return listed(names)


def _arrived(known: Reader, sold: list[Offer]) -> tuple[str, tuple[Place, ...]]:
    """The progress (in, thanks, held, applied, adding, waiting), and their state in each group.

    Thanks: there is no group to wait for. Applied: a moderator has to approve them first.
    """
    if not any(offer.group_ids for offer in sold):
        return "thanks", ()
    with the_bridge().store.read() as connection:
        member = members.load(connection, known.user_id)
        law = law_in_force(connection)
    about = statement_input(member, law, the_bridge().addresses, now())
    winning = winners(about.grants)
    wanted = {id_: None for offer in sold for id_ in awaited(offer, winning)}
    places = of_groups(about, tuple(wanted))
    states = {place.state for place in places}
    if states == {State.IN}:
        return "in", places
    if any(place.is_applied_for for place in places):
        return "applied", tuple(place for place in places if place.is_applied_for)
    if State.HELD_OUT in states:
        return "held", tuple(place for place in places if place.state == State.HELD_OUT)
    return ("adding" if states <= {State.IN, State.ARRIVING} else "waiting"), places


def _before_that(state: str, bought: Checkout) -> str:
    """Stripe's state of the order, while the buyer is not in the group yet."""
    if state not in ("waiting", "thanks"):
        return state
    if bought.seen in ("open", "expired", "pending"):
        return bought.seen
    is_unseen = bought.session_id is not None and bought.seen is None and bought.looks > 0
    return "unseen" if is_unseen else state


def _is_slow(bought: Checkout) -> bool:
    return bought.completed_at is not None and now() - bought.completed_at > SLOW_AFTER


def _forum_is_away(sold: list[Offer]) -> bool:
    ids = {id_: None for offer in sold for id_ in offer.group_ids}
    with the_bridge().store.read() as connection:
        rows = [groups.state_of(connection, id_) for id_ in ids]
    return any(row is not None and row.attempts for row in rows)


def _refresh(state: str, look_number: int, again: str, back: str | None) -> Refresh | None:
    if state == "in" and back:
        return Refresh(BACK_TO_THE_POST_SECONDS, back)
    if state in ENDS:
        return None
    return next((Refresh(s, again) for most, s in REFRESHES if look_number < most), None)
