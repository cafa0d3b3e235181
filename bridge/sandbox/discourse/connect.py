"""DiscourseConnect provider: the forum says who is logged in, signed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

from flask import Blueprint, Response, redirect, request

from bridge.sandbox.discourse.access import AUTH_COOKIE, log_out_everywhere
from bridge.sandbox.discourse.answers import Refused, answer
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.hooks import emit_user
from bridge.sandbox.discourse.state import Forum, User

routes = Blueprint("connect", __name__)

PAYLOAD_COOKIE = "sso_payload"
UNKNOWN_HOST = (
    "Authentication failed due to missing secret. Contact the site administrators to fix this "
    "problem."
)


def login_error() -> Refused:
    """The same two words for every wrong request."""
    return Refused(422, "Login Error")


def destination_cookie(forum: Forum) -> str:
    """The parameter for the way back after login; renamed between the versions."""
    return "sso_destination_url" if forum.is_old() else "destination_url"


def secrets_for(forum: Forum, host: str) -> list[str]:
    """The secrets of a host; several of them is how one is rotated."""
    rows = str(forum.settings["discourse_connect_provider_secrets"]).splitlines()
    pairs = [row.partition("|")[::2] for row in rows]
    return [secret for domain, secret in pairs if secret and fnmatchcase(host, domain)]


def sign(secret: str, payload: dict[str, str]) -> str:
    """`sso=…&sig=…` of a payload, its keys in order."""
    text = "&".join(f"{k}={quote_plus(v)}" for k, v in sorted(payload.items()))
    raw = base64.b64encode(text.encode()).decode()
    made = hmac.new(secret.encode(), raw.encode(), hashlib.sha256).hexdigest()
    return f"sso={quote_plus(raw)}&sig={made}"


def read_asked(forum: Forum, sso: str, sig: str) -> tuple[dict[str, str], str]:
    """A site's request, and the secret that it used."""
    try:
        text = base64.b64decode(sso, validate=True).decode()
    except (binascii.Error, ValueError):
        raise login_error() from None
    asked = dict(parse_qsl(text, keep_blank_values=True))
    where = asked.get("return_sso_url", "")
    if not where:
        raise login_error()
    secrets = secrets_for(forum, urlsplit(where).hostname or "")
    if not secrets:
        raise Refused(400, UNKNOWN_HOST)
    for secret in secrets:
        made = hmac.new(secret.encode(), sso.encode(), hashlib.sha256).hexdigest()
        if hmac.compare_digest(made.encode(), sig.encode()):
            return asked, secret
    raise login_error()


def return_address(forum: Forum, asked: dict[str, str], secret: str, user: User | None) -> str:
    """The address to which the answer goes; without a user the answer is `failed`."""
    where = asked["return_sso_url"]
    told = {"failed": "true"} if user is None else _told(forum, asked, user)
    joint = "&" if "?" in where else "?"
    return f"{where}{joint}{sign(secret, {**asked, **told})}"


def _told(forum: Forum, asked: dict[str, str], user: User) -> dict[str, str]:
    told = {
        "username": user.username,
        "email": user.email,
        "external_id": str(user.id),
        "admin": str(user.admin).lower(),
        "moderator": str(user.moderator).lower(),
        "groups": ",".join(g.name for g in reversed(forum.groups_of(user))),
    }
    if user.name:
        told["name"] = user.name
    if asked.get("require_2fa") == "true":
        told["no_2fa_methods"] = "true"
    return told


@routes.get("/session/sso_provider")
def _sso_provider() -> Any:
    made = call()
    forum, user = made.forum, made.user
    if not forum.settings["enable_discourse_connect_provider"]:
        raise Refused(404, "")
    asked, secret = read_asked(forum, made.text("sso"), made.text("sig"))
    if asked.get("logout") == "true":
        return _log_out(made, asked)
    if user is None and asked.get("prompt") != "none":
        return _to_login(forum)
    where = return_address(forum, asked, secret, user)
    if request.headers.get("X-Requested-With") == "XMLHttpRequest" and user is not None:
        response = answer({"success": "OK", "redirect_url": where})
        response.set_cookie(destination_cookie(forum), where, path=forum.path or "/")
        return response
    return redirect(where)


def _to_login(forum: Forum) -> Any:
    """The request waits in a cookie, even when it came from a script."""
    response = redirect(f"{forum.address}/login")
    asked = request.query_string.decode()
    response.set_cookie(PAYLOAD_COOKIE, asked, path=forum.path or "/", httponly=True)
    return response


def _log_out(made: Call, asked: dict[str, str]) -> Any:
    response = redirect(asked["return_sso_url"])
    if made.user is not None:
        log_out_everywhere(made.forum, made.user)
        emit_user(made, "user_logged_out", made.user)
    response.delete_cookie(AUTH_COOKIE, path=made.forum.path or "/")
    return response


def waiting_address(made: Call, user: User) -> str | None:
    """The target of an interrupted request's cookie, now that somebody is logged in."""
    waiting = dict(parse_qsl(request.cookies.get(PAYLOAD_COOKIE, "")))
    if not waiting:
        return None
    try:
        asked, secret = read_asked(made.forum, waiting.get("sso", ""), waiting.get("sig", ""))
    except Refused:
        return None
    return return_address(made.forum, asked, secret, user)


def forget_waiting(response: Response, forum: Forum) -> None:
    """The request is answered."""
    response.delete_cookie(PAYLOAD_COOKIE, path=forum.path or "/")
