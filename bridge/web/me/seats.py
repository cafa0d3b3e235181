"""Seats: buyers give them to others and take them back; members may decline theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.model.people import id_in
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Subscription
from bridge.core.rights.seats import SeatRefused, Why
from bridge.core.rights.sharing import places, seat_item
from bridge.core.rights.switching import OVER
from bridge.core.rules.law import Catalogue, Law
from bridge.errors import NotFound, Permanent
from bridge.operations import seats
from bridge.store import Connection, shares, statements
from bridge.store import member as members
from bridge.texts import gettext
from bridge.web.context import Reader, law_in_force, now, reader, the_bridge
from bridge.web.limiting import the_limiter
from bridge.web.login import ask_for_login
from bridge.web.security import Stop, with_scripts

blueprint = Blueprint("seats", __name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """A seat that somebody has; `until_at`: when it ends, where it is ending."""

    user_id: int
    username: str
    since_at: datetime
    until_at: datetime | None
    is_taken_back: bool


@dataclass(frozen=True, slots=True)
class Shared:
    """A subscription of the reader's with places for others."""

    id: str
    name: str
    places: int
    taken: tuple[Taken, ...]
    needs_approval: bool = False

    @property
    def free(self) -> int:
        """How many places can be given away now."""
        return max(0, self.places - len(self.taken))


@dataclass(frozen=True, slots=True)
class Received:
    """A seat that the reader was given."""

    id: str
    name: str
    until_at: datetime | None


@blueprint.get("/me/seats")
def show() -> AnyResponse:
    """Who has which of the reader's seats, and which seats the reader was given."""
    known = reader()
    return ask_for_login() if known is None else with_scripts(_page(known))


def _page(known: Reader, *, refused: str = "", at: str = "", said: str = "") -> str:
    with the_bridge().store.read() as connection:
        facts = members.load(connection, known.user_id).facts
        law = law_in_force(connection)
        catalogue = law.catalogue
        shared = [
            replace(_shared(connection, one, catalogue), needs_approval=_asks(one, law))
            for one in facts.paid_by_user
            if is_shared(one) or _has_given(connection, one)
        ]
    return render_template(
        "seats.jinja",
        shared=shared,
        received=_received(facts, catalogue),
        notice_days=the_bridge().policy.seat_notice_days,
        refused=refused,
        at=at,
        said=said,
        done=_what_was_done(),
    )


def _asks(subscription: Subscription, law: Law) -> bool:
    """Whether people with a seat of it wait for a moderator's approval."""
    rules = (law.rules.rule_for(one.price_id, one.product_id) for one in subscription.items)
    return any(rule and rule.approval_from and rule.approval_from <= now() for rule in rules)


def is_shared(subscription: Subscription) -> bool:
    """Whether it has places for others and is not over."""
    return subscription.status not in OVER and places(subscription) > 0


def _has_given(connection: Connection, subscription: Subscription) -> bool:
    """Whether others still have seats although there are none any more."""
    is_over = subscription.status in OVER
    return not is_over and bool(shares.places_taken(connection, subscription.id))


def _shared(connection: Connection, one: Subscription, catalogue: Catalogue) -> Shared:
    taken = [
        Taken(
            place.user_id,
            _name(connection, place.user_id),
            place.assigned_at,
            _end(place.over_since),
            place.taken_back_by is not None,
        )
        for place in shares.places_taken(connection, one.id)
    ]
    still = tuple(seat for seat in taken if seat.until_at is None or seat.until_at > now())
    return Shared(one.id, _named(one, catalogue), places(one), still)


def _received(facts: Facts, catalogue: Catalogue) -> list[Received]:
    return [
        Received(seat.subscription.id, _named(seat.subscription, catalogue), end)
        for seat in facts.seats
        if seat.subscription.status not in OVER
        and ((end := _end(seat.over_since_at)) is None or end > now())
    ]


def _named(subscription: Subscription, catalogue: Catalogue) -> str:
    item = seat_item(subscription)
    return catalogue.name_of(item.product_id) if item else subscription.id


def _end(over_since: datetime | None) -> datetime | None:
    notice = timedelta(days=the_bridge().policy.seat_notice_days)
    return over_since + notice if over_since else None


def _name(connection: Connection, user_id: int) -> str:
    found = statements.recipient(connection, user_id)
    return (found.username if found else None) or f"user {user_id}"


# --- what can be done ----------------------------------------------------------------------------


@blueprint.post("/me/seats/give")
def give() -> AnyResponse:
    """Give a free seat to the member with this name; a name that does not work is shown again."""
    known = reader()
    if known is None:
        return ask_for_login()
    the_limiter().check("pay")  # each causes a request to the forum
    subscription_id, said = request.form.get("seats_of", ""), request.form.get("name", "").strip()
    try:
        seats.give(the_bridge(), known.user_id, subscription_id, said.removeprefix("@"))
    except SeatRefused as error:
        if error.why == "not_yours":
            raise _not_yours() from error
        refused = _words()[error.why]
    except Permanent:  # a name that nobody has, or none at all
        refused = gettext("Nobody on the forum has this name. Check the spelling.")
    else:
        return _done("given")
    page = _page(known, refused=refused, at=subscription_id, said=said[:60])
    return with_scripts(page, 422)


@blueprint.post("/me/seats/take-back")
def take_back() -> AnyResponse:
    """End a seat after notice."""
    return _of_buyer(seats.buyer_takes_back, "taken")


@blueprint.post("/me/seats/keep")
def keep() -> AnyResponse:
    """Keep a seat that was taken back."""
    return _of_buyer(seats.buyer_leaves, "kept")


@blueprint.post("/me/seats/decline")
def decline() -> AnyResponse:
    """Decline a seat that the reader was given."""
    known = reader()
    if known is None:
        return ask_for_login()
    try:
        seats.decline(the_bridge(), known.user_id, request.form.get("seats_of", ""))
    except NotFound:
        return _done("declined")  # it has ended already
    return _done("declined")


def _of_buyer(do: Callable[..., None], done: str) -> AnyResponse:
    known = reader()
    if known is None:
        return ask_for_login()
    user_id = id_in(request.form.get("user", "")) or 0
    try:
        do(the_bridge(), known.user_id, request.form.get("seats_of", ""), user_id)
    except SeatRefused as error:
        raise _not_yours() from error
    except NotFound:
        pass  # they declined it meanwhile, or another tab was faster
    return _done(done)


def _done(what: str) -> AnyResponse:
    return redirect(url_for("seats.show", done=what), 303)


def _what_was_done() -> str:
    said = {
        "given": gettext("The seat has been given. They will get a message on the forum."),
        "taken": gettext("The seat has been taken back. It ends after the notice period."),
        "kept": gettext("They keep their seat."),
        "declined": gettext("You have given the seat back."),
    }
    return said.get(request.args.get("done", ""), "")


def _words() -> dict[Why, str]:
    return {
        "own": gettext("They already have this membership themselves."),
        "full": gettext("All seats are taken. Take one back first, or buy more."),
        "declined": gettext("They declined a seat. Ask a moderator if they changed their mind."),
        "inactive": gettext("This account is not active on the forum at the moment."),
    }


def _not_yours() -> Stop:
    return Stop(
        403,
        gettext("You can’t change this"),
        gettext("Only the member who pays for these seats can give them away."),
    )
