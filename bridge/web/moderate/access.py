"""Who may see and do what in the console: one table of address and right, enforced for each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from flask import redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.model.actor import Actor
from bridge.core.model.roles import RIGHTS, Right
from bridge.web.context import Reader, here, now, reader, the_bridge
from bridge.web.login import STRANGER, ask_for_login
from bridge.web.security import Stop

# The forum is asked again who somebody is after this long.
ROLE_HOLDS = timedelta(hours=1)

NEEDS: Mapping[str, Right] = {
    "moderate.today": "look",
    "moderate.find": "look",
    "moderate.person": "look",
    "moderate.log": "look",
    "moderate.mapping": "look",
    "moderate.members": "look",
    "moderate.act": "look",  # the act itself asks for its own right
}
"""Address -> the right that it takes. An address that is not here is refused to everybody."""


def guard() -> AnyResponse | None:
    """Let nobody pass without a role that the forum confirmed within the hour, and the right."""
    known = reader()
    if known is None:
        return ask_for_login()
    if _is_stale():
        if request.method != "GET":
            raise Stop(403, "Please sign in again", "Your role was checked over an hour ago.")
        if request.args.get(STRANGER) == "no":
            session.clear()
            return ask_for_login()
        session.clear()
        return redirect(url_for("login.silent", next=here(STRANGER)), 303)
    require(NEEDS.get(request.endpoint or ""))
    return None


def require(right: Right | None) -> Reader:
    """The reader, if their role has the right."""
    known = reader()
    if known is None or known.role is None or right is None or right not in RIGHTS[known.role]:
        raise Stop(
            403, "This page is for moderators", "Your account on the forum has no such role."
        )
    return known


def actor_of(known: Reader) -> Actor:
    """Who acts through the console; a reader never does."""
    if known.role is None or known.role == "reader":
        raise Stop(403, "This page is for moderators", "Your role may look, not decide.")
    return Actor(known.role, str(known.user_id), "console")


def refuse_own_account(known: Reader, user_id: int) -> None:
    """Where the site wants two persons, nobody decides about themselves."""
    if the_bridge().policy.two_persons and known.user_id == user_id:
        raise Stop(403, "Ask a second person", "Nobody decides about their own account here.")


def _is_stale() -> bool:
    signed_in_at = session.get("signed_in_at")
    return signed_in_at is None or now() - datetime.fromisoformat(signed_in_at) > ROLE_HOLDS
