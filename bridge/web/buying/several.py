"""Several things in one order: `/join/share+renewal+donation`, with one preview and one payment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.memberships.member import Member, switches_of
from bridge.core.memberships.owned import already_owned
from bridge.core.rights.approval import is_waiting
from bridge.core.rights.offers import Offer
from bridge.core.rights.orders import MOST_ONCE, Misfit, misfit
from bridge.core.rules.law import Law
from bridge.core.telling.next_steps import would_wait
from bridge.store import member as members
from bridge.texts import gettext
from bridge.web.addresses import with_query
from bridge.web.buying.checkout import pay_address, preview_path
from bridge.web.buying.coming import came_from, is_asked, is_browsing, with_origin
from bridge.web.buying.ordering import Asked, asked, order_view, token_said
from bridge.web.buying.refusing import Refused, Way
from bridge.web.buying.sale import buyer_of, offers_of_each
from bridge.web.context import Reader, law_in_force, now, reader, the_bridge
from bridge.web.limiting import asks_stripe

blueprint = Blueprint("several", __name__)


class SeveralConverter(BaseConverter):
    """Keys of offers with a plus between them."""

    regex = r"[^/+]+(?:\+[^/+]+)+"
    weight = 50  # before the route of a single key, which could contain a plus, too


@blueprint.get("/join/<several:key>")
def offer(key: str) -> AnyResponse:
    """Show an order of several things, its total, and what happens next."""
    chosen = _chosen(key)
    if isinstance(chosen, Response):
        return chosen
    known = reader()
    if known is None and is_browsing() and not is_asked():
        return redirect(url_for("login.silent", next=with_origin()), 303)
    return _show(key, _asked(known, chosen))


@blueprint.post("/join/<several:key>")
def pay(key: str) -> AnyResponse:
    """Go to Stripe's page for all of it."""
    known = reader()
    if known is None:
        return redirect(with_query(_path(key), **{"from": came_from()}), 303)
    chosen = _chosen(key)
    if isinstance(chosen, Response):
        return chosen
    wanted = _asked(known, chosen)
    if wanted.problems:
        return _show(key, wanted, status=400)
    if "update" in request.form:
        return redirect(preview_path(wanted.order, came_from()), 303)
    asks_stripe()
    address = pay_address(known, wanted.order, token_said(), came_from(), where=wanted.where)
    return redirect(address, 303)


def _path(key: str, **query: str | None) -> str:
    return with_query(url_for("join.offer", key=key), **query)


def _to(*keys: str) -> str:
    """The way to an order of these, which leads back to the same post."""
    return _path("+".join(keys), **{"from": came_from()})


# --- what is chosen ------------------------------------------------------------------------------


def _chosen(key: str) -> list[Offer] | Response:
    """The offers that a link names, or a page to choose between the prices of one of them."""
    keys = key.split("+")
    if len(keys) > MOST_ONCE:
        raise _too_many()
    found = offers_of_each(keys)
    for number, (part, offers) in enumerate(zip(keys, found, strict=True)):
        if not offers:
            raise _unknown(part, [one for one in keys if one != part])
        if len(offers) > 1:
            return _to_choose(keys, number, offers)
    chosen = [offers[0] for offers in found]
    if clash := misfit(chosen):
        raise _misfit(clash, chosen)
    return chosen


def _to_choose(keys: list[str], number: int, offers: list[Offer]) -> Response:
    """A page to choose between the prices of a product."""
    ways = [(one, _to(*keys[:number], one.price.id, *keys[number + 1 :])) for one in offers]
    page = render_template("choose.jinja", product=offers[0].product, ways=ways, back=came_from())
    return Response(page)


def _asked(known: Reader | None, offers: list[Offer]) -> Asked:
    """The order, if the reader may have it."""
    with the_bridge().store.read() as connection:
        law = law_in_force(connection)
        member = members.load(connection, known.user_id) if known else None
    if member is not None:
        for one in offers:
            _refuse_held(one, member, law, offers)
    return asked(offers, known, member, law)


def _show(key: str, wanted: Asked, status: int = 200) -> Response:
    known = reader()
    buyer = buyer_of(known) if known else None
    waits = any(would_wait(line.offer, buyer, now()) for line in wanted.order.lines)
    page = render_template(
        "order.jinja",
        back=came_from(),
        cancelled=request.args.get("cancelled") == "yes",
        waits=waits,
        **order_view(wanted, _path(key)),
    )
    return Response(page, status)


# --- what cannot be ------------------------------------------------------------------------------


def _without(offer: Offer, offers: Sequence[Offer]) -> list[str]:
    """The order without an offer; of a duplicate, one stays."""
    last = max(number for number, one in enumerate(offers) if one == offer)
    return [one.price.id for number, one in enumerate(offers) if number != last]


def _unknown(part: str, others: list[str]) -> Refused:
    ways = [Way(gettext("Continue without it"), _to(*others))] if others else []
    return Refused(
        gettext("One part of this order is not available"),
        gettext("“%(part)s” is not on offer. It may have ended, or the link may be mistyped.")
        % {"part": part[:80]},
        ways,
    )


def _too_many() -> Refused:
    return Refused(
        gettext("This order is too long"),
        gettext("Stripe’s page takes 20 things that renew, and 20 beside them. Order fewer."),
    )


def _misfit(clash: Misfit, offers: Sequence[Offer]) -> Refused:
    """The page for offers that cannot be combined; its ways on keep everything else."""
    if clash.why == "too_many":
        return _too_many()
    one, other = clash.offers
    names: dict[str, Any] = {"one": one.product.name, "other": other.product.name}
    if clash.why == "twice":
        return Refused(
            gettext("%(one)s is in this order twice") % names,
            gettext("You can have it once in an order."),
            [Way(gettext("Order it once"), _to(*_without(other, offers)))],
        )
    if clash.why == "ladder":
        return Refused(
            gettext("You can have %(one)s or %(other)s, not both") % names,
            gettext("They are steps of the same membership: the higher one replaces the other."),
            [
                Way(gettext("Order with %(product)s") % {"product": kept.product.name},
                    _to(*_without(left, offers)))
                for kept, left in ((one, other), (other, one))
            ],
        )  # fmt: skip
    sentences = {
        "currency": gettext("They are paid in different currencies, so they are two payments."),
        "interval": gettext("They renew at different intervals, so they are two subscriptions."),
    }
    return Refused(
        gettext("%(one)s and %(other)s can’t be paid together") % names,
        sentences[clash.why],
        [
            Way(gettext("Order without %(product)s") % {"product": left.product.name},
                _to(*_without(left, offers)))
            for left in (other, one)
        ],
    )  # fmt: skip


def _refuse_held(offer: Offer, member: Member, law: Law, offers: Sequence[Offer]) -> None:
    """Refuse what the reader already has, and a second step of its ladder."""
    names = {"product": offer.product.name}
    rest = Way(gettext("Continue without %(product)s") % names, _to(*_without(offer, offers)))
    mine = Way(gettext("View your membership"), url_for("me.statement"))
    owned = already_owned(offer, member.facts, member.memberships)
    if owned is not None:
        sentence = (
            gettext("A payment for it didn’t go through. Pay the open amount instead.")
            if owned.owes
            else gettext("There is nothing to buy: you would pay for it twice.")
        )
        raise Refused(gettext("You already have %(product)s") % names, sentence, [rest, mine])
    if is_waiting(offer.product.id, member.verdicts(law, now())):
        raise Refused(
            gettext("Your application is waiting for approval"),
            gettext("You have ordered %(product)s already. A moderator decides about it.") % names,
            [rest, mine],
        )
    for switch in switches_of(member.facts, law):
        if switch.target.id != offer.price.id:
            continue
        has = law.catalogue.name_of(switch.item.product_id, gettext("your membership"))
        change = Way(gettext("Change to %(product)s") % names, _to(offer.price.id))
        raise Refused(
            gettext("%(product)s replaces what you have") % names,
            gettext(
                "You have %(has)s. Change it to %(product)s first, and order the rest afterwards."
            )
            % {**names, "has": has},
            [change, rest],
        )
