"""Campaigns in the console: how each goes, and what became of each of its links."""

from __future__ import annotations

from flask import render_template

from bridge.errors import NotFound
from bridge.operations.campaigns import all_campaigns, one_campaign
from bridge.texts import gettext
from bridge.web.context import now, the_bridge
from bridge.web.moderate.access import blueprint
from bridge.web.security import Stop


@blueprint.get("/campaigns")
def campaigns() -> str:
    """Every campaign with its counts, the newest first."""
    return render_template(
        "moderate/campaigns.jinja", campaigns=all_campaigns(the_bridge()), now=now()
    )


@blueprint.get("/campaigns/<name>")
def campaign(name: str) -> str:
    """One campaign, member by member. A link's address was shown once and is not kept."""
    try:
        shown, links = one_campaign(the_bridge(), name)
    except NotFound as error:
        raise Stop(
            404, gettext("Page not found"), gettext("There is no campaign of this name.")
        ) from error
    return render_template("moderate/campaign.jinja", shown=shown, links=links, now=now())
