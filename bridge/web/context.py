"""Things that every view needs: the bridge, the reader, addresses, the look."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from flask import current_app, g, request, session, url_for

from bridge.core.model.roles import Role, role_of
from bridge.core.rules.compiled import Rule
from bridge.operations.roles import role_on_forum
from bridge.store import groups, users
from bridge.web.addresses import own_path, with_query
from bridge.web.look import Look, LookCache

if TYPE_CHECKING:
    from bridge.core.rules.law import Law
    from bridge.core.signed.connect import SignedIn
    from bridge.store import Connection
    from bridge.wiring import Bridge

SESSION_HOURS = 12
# The forum is asked again, silently, whether somebody is still logged in there. People with an
# open form get a little longer, because what they typed would be lost.
LOOK_HOLDS = timedelta(minutes=5)
ACT_HOLDS = timedelta(minutes=15)
# Before a moderator's act, what the forum said of their role may be no older than this.
ROLE_HOLDS = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Reader:
    """The signed-in member who looks at a page, according to the forum.

    `group_ids`: their groups among those to whose members alone something is sold.
    """

    user_id: int
    username: str
    role: Role | None = None
    group_ids: frozenset[int] = frozenset()


def the_bridge() -> Bridge:
    """The bridge that this app was created for."""
    return cast("Bridge", current_app.extensions["bridge"])


def the_look() -> Look:
    """How the forum looks now."""
    return cast("LookCache", current_app.extensions["look"]).current()


def page_before() -> str:
    """The page of the bridge that the browser comes from; empty for any other."""
    referrer = urlsplit(request.referrer or "")
    if referrer.netloc != urlsplit(the_bridge().settings.bridge_url).netloc:
        return ""
    return own_path(f"{referrer.path}?{referrer.query}" if referrer.query else referrer.path, "")


def now() -> datetime:
    """The present time, which a rehearsal may have moved."""
    return the_bridge().clock.now()


def law_in_force(connection: Connection) -> Law:
    """Policy, mapping rules and catalogue as of the connection's moment."""
    return the_bridge().rulebook.law(connection)


def absolute(endpoint: str, **values: Any) -> str:
    """The absolute address of one of our pages; never from the Host header."""
    bridge_url = the_bridge().settings.bridge_url
    return f"{bridge_url}{url_for(endpoint, **values).removeprefix(request.script_root)}"


def here(*without: str) -> str:
    """The path of this page with its query, without the parameters named."""
    query = {name: value for name, value in request.args.items() if name not in without}
    return with_query(request.path, **query)


def reader() -> Reader | None:
    """The signed-in member, confirmed by the forum within minutes and not signed out since."""
    if "reader" not in g:
        g.reader = _read_session()
    return cast("Reader | None", g.reader)


def _read_session() -> Reader | None:
    said = session.get("signed_in_at")
    if said is None or "user_id" not in session:
        return None
    signed_in_at = datetime.fromisoformat(said)
    holds = LOOK_HOLDS if request.method in ("GET", "HEAD") else ACT_HOLDS
    if not timedelta(0) <= now() - signed_in_at <= holds:
        return None
    with the_bridge().store.read() as connection:
        ended_at = users.signed_out_at(connection, session["user_id"])
    if ended_at is not None and signed_in_at <= ended_at:
        return None
    mine = frozenset(session.get("groups", ()))
    return Reader(session["user_id"], session["username"], session.get("role"), mine)


def ask_for_role(known: Reader) -> None:
    """Ask the forum for the reader's present role, unless it has just answered."""
    said_at = datetime.fromisoformat(session.get("role_said_at") or session["signed_in_at"])
    if timedelta(0) <= now() - said_at <= ROLE_HOLDS:
        return
    session["role"] = role_on_forum(the_bridge(), known.user_id)
    session["role_said_at"] = now().isoformat()
    g.reader = replace(known, role=session["role"])


def sign_in(answer: SignedIn) -> None:
    """Begin a new session, dropping what the browser had before the sign-in.

    If it is the same member, the form protection is kept, so that forms in other tabs still work.
    """
    token = session.get("csrf_token") if session.get("user_id") == answer.user_id else None
    forget_reader()
    if token:
        session["csrf_token"] = token
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
    session["groups"] = _groups_that_matter(answer.groups)
    session["browser"] = secrets.token_urlsafe(18)
    session.permanent = True


def _groups_that_matter(names: Collection[str]) -> list[int]:
    """The groups among those the forum named to whose members alone something is sold."""
    theirs = {name.lower() for name in names}
    with the_bridge().store.read() as connection:
        rules = law_in_force(connection).rules.all
        buyers = {id_ for rule in rules if isinstance(rule, Rule) for id_ in rule.paying.buyer_ids}
        found = groups.groups_by_id(connection, buyers) if buyers else {}
    return sorted(one.id for one in found.values() if one.name.lower() in theirs)


def forget_reader() -> None:
    """Empty this browser's cookie."""
    session.clear()
    g.pop("reader", None)


def browser() -> str:
    """A random name for this browser, to which a sign-in is bound."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(18)
        session.permanent = True
    return cast("str", session["browser"])
