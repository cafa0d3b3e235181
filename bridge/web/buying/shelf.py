"""Everything on offer, each card with what the reader has already."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.rights.buyers import closed_to
from bridge.core.rights.orders import MOST_ONCE
from bridge.core.telling.shelf import shelf
from bridge.texts import gettext
from bridge.web.addresses import with_query
from bridge.web.buying.card import Card
from bridge.web.buying.coming import (
    came_from,
    for_strangers,
    is_asked,
    is_browsing,
    with_origin,
)
from bridge.web.buying.costs import costs_of
from bridge.web.buying.currency import choices, in_theirs
from bridge.web.buying.goals import progress_of
from bridge.web.buying.sale import buyer_of, listed
from bridge.web.buying.who_may import buyers_of
from bridge.web.context import absolute, reader, the_look

blueprint = Blueprint("shelf", __name__)


@blueprint.get("/join")
def everything() -> AnyResponse:
    """All offers. The forum is asked silently who reads, so that each card shows their standing.

    Ticked offers lead to one order of all of them.
    """
    if ticked := request.args.getlist("with")[: MOST_ONCE + 1]:
        path = url_for("join.offer", key="+".join(dict.fromkeys(ticked)))
        return redirect(with_query(path, **{"from": came_from()}), 303)
    known = reader()
    if known is None and is_browsing() and not is_asked():
        return redirect(url_for("login.silent", next=with_origin()), 303)
    back = came_from()
    buyer, offers = buyer_of(known) if known else None, listed()
    sections = shelf(in_theirs(offers, buyer), buyer)
    theirs = known.group_ids if known else ()
    cards = [card for section in sections for card in section.cards]
    only_for = {
        card.product.id: buyers_of([closed])
        for card in cards
        if (closed := closed_to([tag.offer for tag in card.tags], theirs))
    }
    page = render_template(
        "offers.jinja",
        sections=sections,
        goals={
            card.product.id: found
            for card in cards
            if (found := progress_of([tag.offer for tag in card.tags]))
        },
        only_for=only_for,
        today=costs_of([card for card in cards if card.product.id not in only_for]),
        currencies=choices(offers, buyer),
        card=_card(),
        back=back,
        can_combine=any(tag.goes_with_others for card in cards for tag in card.tags),
        nothing_ticked="order" in request.args,
        keep={"from": back} if back else {},
        wanted=with_origin(),
    )
    return Response(page) if known else for_strangers(page)


def _card() -> Card:
    """The card of a link to the list in a post."""
    look = the_look()
    return Card(
        title=gettext("Join %(forum)s") % {"forum": look.title},
        description=gettext("Memberships and everything else you can get on %(forum)s.")
        % {"forum": look.title},
        image=look.logo_url,
        url=absolute("shelf.everything"),
    )
