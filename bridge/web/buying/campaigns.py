"""The links of campaigns: each leads one member to the offer, and nobody else."""

from __future__ import annotations

import structlog
from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.telling.campaign_making import LinkRefused, Why
from bridge.operations.campaigns import open_link
from bridge.texts import gettext
from bridge.web.buying.sale import all_offers
from bridge.web.context import Reader, reader, the_bridge
from bridge.web.login import ask_for_login
from bridge.web.security import Stop

log = structlog.get_logger(__name__)
blueprint = Blueprint("campaigns", __name__)


@blueprint.get("/renew/<token>")
def follow(token: str) -> AnyResponse:
    """Lead the link's member to its offer; opening it buys nothing."""
    known = reader()
    if known is None:
        return ask_for_login()
    try:
        campaign = open_link(the_bridge(), token, known.user_id)
    except LinkRefused as error:
        raise _refused(error.why, known) from error
    log.info("campaign.opened", user=known.user_id, campaign=campaign.id)
    return redirect(url_for("join.offer", key=campaign.price_id), 303)


def _refused(why: Why, known: Reader) -> Stop:
    """The page for a link that cannot be used: why, and the way on."""
    mine = gettext("View your membership"), url_for("me.statement")
    pages: dict[Why, tuple[int, str, str]] = {
        "unknown": (
            404,
            gettext("We don’t know this link"),
            gettext("It may be cut off or mistyped. Open it again from the message you got."),
        ),
        "foreign": (
            403,
            gettext("This link is for another member"),
            gettext(
                "You are logged in as %(name)s. If the link was sent to another account of "
                "yours, log in to the forum with that one and open it again."
            )
            % {"name": known.username},
        ),
        "revoked": (
            410,
            gettext("This link is no longer valid"),
            gettext("It was revoked. You can still renew from the list of offers."),
        ),
        "expired": (
            410,
            gettext("This link has expired"),
            gettext("You can still renew from the list of offers."),
        ),
        "used": (
            410,
            gettext("You have already renewed with this link"),
            gettext("Each link works once. Your membership page shows what you have."),
        ),
    }
    return Stop(*pages[why], [mine] if why == "used" else [all_offers(), mine])
