"""DiscourseConnect, the side that asks: requests to the forum and its signed answers. Pure.

Source: `lib/discourse_connect_provider.rb`, `lib/discourse_connect_base.rb` of discourse/discourse
(read 2026-10). In this direction the forum only echoes the nonce and dates nothing, so the nonce's
age, its browser and its single use are the caller's to check.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

MAX_PAYLOAD = 20_000  # the forum names every group of the member in it


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The user according to the forum, reduced to what the bridge needs."""

    nonce: str
    user_id: int
    username: str
    is_admin: bool = False
    is_moderator: bool = False
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NotSignedIn:
    """The forum's answer to a silent question about somebody who is not logged in."""

    nonce: str


class BadAnswer(ValueError):
    """Not an answer of this forum to a question of ours."""


def _signature(payload: str, secret: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def question(nonce: str, return_url: str, secret: str, *, silent: bool) -> str:
    """The query string (`sso=…&sig=…`) that asks the forum who is signed in.

    `silent`: the forum answers at once, with a failure when nobody is logged in, and shows nothing.
    """
    fields = {"nonce": nonce, "return_sso_url": return_url}
    if silent:
        fields["prompt"] = "none"
    payload = base64.b64encode(urlencode(fields).encode()).decode()
    return urlencode({"sso": payload, "sig": _signature(payload, secret)})


def silent_address(forum_url: str, query: str) -> str:
    """The address where the forum answers at once. Works in every version."""
    return f"{forum_url}/session/sso_provider?{query}"


def login_address(forum_url: str, query: str, version: str | None) -> str:
    """The address where a stranger logs in and is then sent on to the bridge.

    Discourse 3.2 resumes the request after the login automatically and ignores `redirect`; 3.5
    forgets the request and honours `redirect` (both seen on running servers). An unknown version
    counts as a new one.
    """
    if _is_before_3_5(version):
        return silent_address(forum_url, query)
    path = f"{urlsplit(forum_url).path}/session/sso_provider?{query}"
    return f"{forum_url}/login?redirect={quote(path, safe='')}"


def _is_before_3_5(version: str | None) -> bool:
    found = re.search(r"(\d+)\.(\d+)", version or "")
    return found is not None and (int(found[1]), int(found[2])) < (3, 5)


def read_answer(sso: str, sig: str, secret: str) -> SignedIn | NotSignedIn:
    """The forum's answer, once its signature holds. Raises BadAnswer, which never quotes it."""
    if len(sso) > MAX_PAYLOAD:
        raise BadAnswer(f"the answer is longer than {MAX_PAYLOAD} characters")
    if not hmac.compare_digest(_signature(sso, secret).encode(), sig.lower().encode()):
        raise BadAnswer("the signature does not hold: compare DISCOURSE_CONNECT_SECRET")
    fields = _fields(sso)
    nonce = fields.get("nonce", "")
    if not nonce:
        raise BadAnswer("the answer has no nonce")
    if fields.get("failed") == "true":
        return NotSignedIn(nonce)
    user_id, username = fields.get("external_id", ""), fields.get("username", "")
    if not re.fullmatch(r"[1-9]\d{0,17}", user_id, re.ASCII) or not username:
        raise BadAnswer("the answer names nobody: external_id or username is missing")
    return SignedIn(
        nonce,
        int(user_id),
        username,
        is_admin=fields.get("admin") == "true",
        is_moderator=fields.get("moderator") == "true",
        groups=frozenset(filter(None, fields.get("groups", "").split(","))),
    )


def _fields(sso: str) -> dict[str, str]:
    try:
        decoded = base64.b64decode(sso, validate=False).decode()
    except ValueError as error:  # not base64, not ASCII, not UTF-8
        raise BadAnswer("the answer is not readable") from error
    return dict(parse_qsl(decoded, keep_blank_values=True))
