"""Further pages: invitations to accept, pictures, and cards for links."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import requests
from flask import Blueprint, Response, redirect

from bridge.sandbox.discourse.answers import Refused, not_found
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.hooks import emit_membership, emit_user
from bridge.sandbox.discourse.membership import add_member
from bridge.sandbox.discourse.pages import page
from bridge.sandbox.discourse.people import add_user
from bridge.sandbox.discourse.sessions import enter
from bridge.sandbox.discourse.state import Invite, User
from bridge.sandbox.discourse.users import username_problem
from bridge.sandbox.sending import is_loopback

routes = Blueprint("more pages", __name__)

STYLES = (Path(__file__).parent / "templates" / "forum.css").read_text()
BY_MAIL = "mailed"
CARD_SECONDS, CARD_BYTES = 3, 200_000


def _open_invite(made: Call, key: str) -> Invite:
    for invite in made.forum.invites.values():
        if invite.key == key and not invite.deleted and invite.expires_at > made.now:
            return invite
    raise not_found()


@routes.get("/invites/<key>")
def _invite(key: str) -> Any:
    made = call()
    by_mail = made.text("t")
    return page("invite.html", invite=_open_invite(made, key), waiting=None, by_mail=by_mail)


@routes.post("/invites/<key>")
def _accept(key: str) -> Any:
    """The mailed link proves the address at once; the bare link asks for an activation."""
    made = call()
    invite = _open_invite(made, key)
    name, email = made.text("username").strip(), invite.email or made.text("email").strip()
    problem = username_problem(made.forum, name)
    if problem or "@" not in email or made.forum.user_with_email(email):
        said = f"Username {problem}" if problem else "This e-mail address cannot be used."
        raise Refused(422, {"errors": [said]})
    if len(invite.redeemed) >= invite.max_redemptions:
        raise not_found()
    proven = bool(invite.email) and made.text("t") == BY_MAIL
    user = add_user(made.forum, name, email, made.now, active=proven)
    user.invited_by_id = invite.inviter_id
    invite.redeemed.append((user.id, made.now))
    emit_user(made, "user_created", user)
    _enter_groups(made, invite, user)
    if not proven:
        return page("invite.html", invite=invite, waiting=user, by_mail="")
    return _welcomed(made, user)


def _enter_groups(made: Call, invite: Invite, user: User) -> None:
    """Groups of the invitation come by the inviter's hand."""
    inviter = made.forum.users.get(invite.inviter_id, made.system)
    for group_id in invite.group_ids:
        group = made.forum.groups.get(group_id)
        if group is not None:
            membership = add_member(made.forum, group, user, inviter, made.now)
            emit_membership(made, "user_added_to_group", group, user, membership)


@routes.post("/invites/<key>/activate")
def _activate(key: str) -> Any:
    made = call()
    invite = _open_invite(made, key)
    user = made.forum.user_named(made.text("username"))
    if user is None or user.id not in {i for i, _ in invite.redeemed}:
        raise not_found()
    user.active = True
    emit_user(made, "user_confirmed_email", user)
    return _welcomed(made, user)


def _welcomed(made: Call, user: User) -> Any:
    response: Any = redirect(f"{made.forum.path}/", 303)
    enter(made, response, user)
    return response


@routes.get("/stylesheets/forum.css")
def _styles() -> Response:
    return Response(STYLES, content_type="text/css; charset=utf-8")


@routes.get("/letter_avatar_proxy/v4/letter/<letter>/<colour>/<size>")
def _letter(letter: str, colour: str, **_: str) -> Response:
    """A picture of a letter, whatever its size."""
    shade = "".join(c for c in colour if c in "0123456789abcdef")[:6] or "888888"
    sign = escape(letter[:1].upper())
    return _picture(
        f'<rect width="96" height="96" fill="#{shade}"/><text x="48" y="66" font-size="52" '
        f'font-family="sans-serif" fill="#fff" text-anchor="middle">{sign}</text>'
    )


@routes.get("/images/<path:name>")
def _image(name: str) -> Response:
    if not name.startswith("discourse-logo"):
        raise not_found()
    return _picture('<circle cx="48" cy="48" r="44" fill="#0f766e"/>')


def _picture(inside: str) -> Response:
    text = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96">{inside}</svg>'
    return Response(text, content_type="image/svg+xml")


class _Tags(HTMLParser):
    """The OpenGraph tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep `<meta property|name=… content=…>`."""
        given = dict(attrs)
        name = given.get("property") or given.get("name")
        if tag == "meta" and name and given.get("content"):
            self.found.setdefault(name, str(given["content"]))


@routes.get("/onebox")
def _onebox() -> Response:
    """The card of a page on this machine; others may be served while it is fetched."""
    made = call()
    url = made.text("url")
    if not is_loopback(url) or not url.startswith(("http://", "https://")):
        raise not_found()
    made.world.lock.release()
    try:
        tags = _fetch_tags(url)
    finally:
        made.world.lock.acquire()
    if "og:title" not in tags:
        raise not_found()
    return Response(_card(url, tags))


def _fetch_tags(url: str) -> dict[str, str]:
    agent = {"User-Agent": "Discourse/3.5.0.beta9-dev"}
    try:
        answer = requests.get(url, headers=agent, timeout=CARD_SECONDS)
    except requests.RequestException:
        return {}
    tags = _Tags()
    tags.feed(answer.text[:CARD_BYTES])
    return tags.found


def _card(url: str, tags: dict[str, str]) -> str:
    told = {name: escape(text) for name, text in tags.items()}
    image = told.get("og:image", "")
    picture = f'<img src="{image}" alt="">' if image.startswith(("http://", "https://")) else ""
    fact = ""
    if "twitter:label1" in told:
        fact = f"<p><strong>{told['twitter:label1']}</strong>: {told.get('twitter:data1', '')}</p>"
    return (
        f'<aside class="onebox">{picture}<p class="source">{told.get("og:site_name", "")}</p>'
        f'<h3><a href="{escape(url)}">{told["og:title"]}</a></h3>'
        f"<p>{told.get('og:description', '')}</p>{fact}</aside>"
    )
