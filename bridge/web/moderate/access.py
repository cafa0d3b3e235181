"""Who may see and do what in the console: one table of address and right, enforced for each."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.model.actor import Actor
from bridge.core.model.roles import RIGHTS, Right
from bridge.texts import gettext
from bridge.web.context import Reader, ask_for_role, reader, the_bridge
from bridge.web.login import ask_for_login
from bridge.web.security import Stop

NEEDS: Mapping[str, Right] = {
    "moderate.today": "look",
    "moderate.find": "look",
    "moderate.person": "look",
    "moderate.reply": "look",
    "moderate.then": "look",
    "moderate.settings": "look",
    "moderate.check_keys": "decide",
    "moderate.make_token": "tokens",
    "moderate.revoke_token": "tokens",
    "moderate.log": "look",
    "moderate.log_file": "export",
    "moderate.mapping": "look",
    "moderate.members": "look",
    "moderate.members_file": "export",
    "moderate.campaigns": "look",
    "moderate.campaign": "look",
    "moderate.worklist": "look",
    "moderate.shares": "look",
    "moderate.steps": "look",
    "moderate.money": "look",
    "moderate.files": "export",
    "moderate.download": "export",
    "moderate.act": "look",  # the act itself asks for its own right
    "moderate.site_act": "look",  # as above
}
"""Address -> the right that it takes. An address that is not here is refused to everybody."""
LOOKING = ("GET", "HEAD", "OPTIONS")


def guard() -> AnyResponse | None:
    """Let nobody pass without the right: a role holds for minutes to look, for seconds to act."""
    known = reader()
    if known is None:
        return ask_for_login()
    if request.method not in LOOKING:
        ask_for_role(known)
    require(NEEDS.get(request.endpoint or ""))
    return None


blueprint = Blueprint("moderate", __name__, url_prefix="/moderate")
blueprint.before_request(guard)


def rights() -> frozenset[Right]:
    """What the reader may do; nobody refunds where the site has not switched that on."""
    known = reader()
    theirs = RIGHTS[known.role] if known and known.role else frozenset()
    return theirs if the_bridge().policy.refunds else theirs - {"refund"}


def require(right: Right | None) -> Reader:
    """The reader, if their role has the right."""
    known = reader()
    if known is None or known.role is None or right not in rights():
        raise Stop(
            403,
            gettext("This page is for moderators"),
            gettext("Your forum account has no role here."),
        )
    return known


def may(right: Right) -> bool:
    """Whether the reader's role has a right."""
    return right in rights()


def actor_of(known: Reader) -> Actor:
    """Who acts through the console; a reader never does."""
    if known.role is None or known.role == "reader":
        raise Stop(
            403,
            gettext("This page is for moderators"),
            gettext("Your role lets you look, but not decide."),
        )
    return Actor(known.role, str(known.user_id), "console")


def refuse_own_account(known: Reader, user_id: int) -> None:
    """Where the site wants two persons, nobody decides about themselves."""
    if the_bridge().policy.two_persons and known.user_id == user_id:
        raise Stop(
            403,
            gettext("Ask a second person"),
            gettext("You can't decide about your own account here."),
        )
