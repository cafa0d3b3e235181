"""Who may see and do what in the console: one table of addresses and rights."""

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
    "moderate.act": "look",  # the act itself checks its right
    "moderate.site_act": "look",  # the act itself checks its right
}
"""Address -> its right. An address that is not listed is refused to everybody."""
LOOKING = ("GET", "HEAD", "OPTIONS")


def guard() -> AnyResponse | None:
    """Require the right: a role counts for minutes to look, for seconds to act."""
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
    """The reader's rights; refunds only if the site has switched them on."""
    known = reader()
    theirs = RIGHTS[known.role] if known and known.role else frozenset()
    return theirs if the_bridge().policy.refunds else theirs - {"refund"}


def require(right: Right | None) -> Reader:
    """The reader, if their role has the right."""
    known = reader()
    if known is None or known.role is None:
        raise Stop(
            403,
            gettext("This page is for moderators"),
            gettext("Your forum account has no role here."),
        )
    if right not in rights():
        if right in RIGHTS[known.role]:
            how = gettext("An administrator can allow them in bridge.toml.")
            raise Stop(403, gettext("Refunds are switched off"), how)
        why = gettext("Your role here is %(role)s.") % {"role": known.role}
        raise Stop(403, gettext("Your role does not allow this"), why)
    return known


def may(right: Right) -> bool:
    """Whether the reader's role has a right."""
    return right in rights()


def actor_of(known: Reader) -> Actor:
    """The actor in the console; a reader never acts."""
    if known.role is None or known.role == "reader":
        raise Stop(
            403,
            gettext("This page is for moderators"),
            gettext("Your role lets you look, but not decide."),
        )
    return Actor(known.role, str(known.user_id), "console")


def needs_another(user_id: int | None) -> bool:
    """Whether somebody else must decide: it is the reader's account, and `two_persons` is on."""
    known = reader()
    return the_bridge().policy.two_persons and known is not None and known.user_id == user_id


def refuse_own_account(user_id: int, *, among: bool = False) -> None:
    """With `two_persons`, refuse decisions about the reader's own account.

    `among`: the decision is about others, and would also change the reader's groups.
    """
    if needs_another(user_id):
        why = (
            gettext("This would also change groups of your own account.")
            if among
            else gettext("You can’t decide about your own account here.")
        )
        raise Stop(403, gettext("Ask a second person"), why)
