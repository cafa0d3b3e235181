"""What every view needs: the bridge behind the request, the reader, addresses, the look."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from flask import current_app, request, session, url_for

from bridge.core.model.roles import Role, role_of
from bridge.web.addresses import with_query
from bridge.web.look import Look, LookCache

if TYPE_CHECKING:
    from bridge.core.rules.law import Law
    from bridge.core.signed.connect import SignedIn
    from bridge.store import Connection
    from bridge.wiring import Bridge

SESSION_HOURS = 12


@dataclass(frozen=True, slots=True)
class Reader:
    """The signed-in member who looks at a page, by the forum's word."""

    user_id: int
    username: str
    role: Role | None = None


def the_bridge() -> Bridge:
    """The bridge that this app was created for."""
    return cast("Bridge", current_app.extensions["bridge"])


def the_look() -> Look:
    """How the forum looks now."""
    return cast("LookCache", current_app.extensions["look"]).current()


def now() -> datetime:
    """The bridge's time, which a rehearsal may have moved."""
    return the_bridge().clock.now()


def law_in_force(connection: Connection) -> Law:
    """Policy, mapping rules and catalogue as of the connection's moment."""
    return the_bridge().rulebook.law(connection)


def absolute(endpoint: str, **values: Any) -> str:
    """The address of a page of ours for others to use; never taken from the Host header."""
    bridge_url = the_bridge().settings.bridge_url
    return f"{bridge_url}{url_for(endpoint, **values).removeprefix(request.script_root)}"


def here(*without: str) -> str:
    """The path of this very page with its query, less the parameters named."""
    query = {name: value for name, value in request.args.items() if name not in without}
    return with_query(request.path, **query)


def reader() -> Reader | None:
    """Who is signed in, for at most half a day after the forum said so."""
    signed_in_at = session.get("signed_in_at")
    if signed_in_at is None or "user_id" not in session:
        return None
    age = now() - datetime.fromisoformat(signed_in_at)
    if not timedelta(0) <= age <= timedelta(hours=SESSION_HOURS):
        return None
    return Reader(session["user_id"], session["username"], session.get("role"))


def sign_in(answer: SignedIn) -> None:
    """Begin a new session: what the browser carried before it knew who it is, is dropped."""
    session.clear()
    session["user_id"] = answer.user_id
    session["username"] = answer.username
    session["signed_in_at"] = now().isoformat()
    policy = the_bridge().policy
    session["role"] = role_of(
        is_admin=answer.is_admin,
        is_moderator=answer.is_moderator,
        groups=answer.groups,
        treasurers=policy.treasurers,
        readers=policy.readers,
    )
    session["browser"] = secrets.token_urlsafe(18)
    session.permanent = True


def browser() -> str:
    """A random name for this browser, to which a sign-in is bound."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(18)
        session.permanent = True
    return cast("str", session["browser"])
