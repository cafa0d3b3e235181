"""The bridge's signed references, carried through Stripe and read back from there.

Each reference states its purpose, its user, and the day on which it expires. A reference is
never read for another purpose, because each purpose has its own key. The end is compared with the
time at which the object with the reference was made: a subscription keeps its reference for years,
but an expired reference on a new object does not count. Other sites on the same Stripe account have
other secrets. docs/decisions/0011 says why, and which old references still count.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from bridge.core.model.carried import Carried

Purpose = Literal["buy", "gift", "replace"]

# Stripe ends a Checkout page after 24 hours, and a slow payment is confirmed on that same session.
BUYING = timedelta(days=3)
# An operator copies it into Stripe's dashboard, or a program writes it.
GIVING = timedelta(days=30)

# Stripe accepts only [A-Za-z0-9_-], at most 200, in client_reference_id; the version comes first.
VERSION = "b2"
_USER = r"[1-9][0-9]{0,17}"
_SIGNATURE = r"[A-Za-z0-9_-]{32}"
_SUBSCRIPTION = r"sub_[A-Za-z0-9_]{1,100}"
_PAYMENT_LINK = r"plink_[A-Za-z0-9]{1,100}"
_WORD = re.compile(
    rf"(?P<said>b2-(?P<purpose>buy|gift|replace)-(?P<user>{_USER})-(?P<end>[0-9]{{8}})"
    rf"(?:-(?P<thing>{_SUBSCRIPTION}|{_PAYMENT_LINK}))?)-(?P<signature>{_SIGNATURE})"
)
# The older form has no end, and signs buying and receiving alike.
_OLD = re.compile(
    rf"(?P<said>b1-(?P<user>{_USER})(?:-(?P<thing>{_SUBSCRIPTION}))?)-(?P<signature>{_SIGNATURE})"
)
_SIGNATURE_BYTES = 24  # 192 bits; without padding in base64: 32 letters


def sign_buyer(user_id: int, at: datetime, secret: str, payment_link: str | None = None) -> str:
    """A reference for this user's own purchase, only through this payment link.

    It was checked for that link only: they may not be allowed to buy through others.
    """
    return _signed("buy", user_id, at + BUYING, secret, payment_link)


def sign_gift(user_id: int, at: datetime, secret: str, life: timedelta = GIVING) -> str:
    """A reference that makes a purchase a gift to this user. It proves nothing about the payer."""
    return _signed("gift", user_id, at + life, secret)


def sign_replacement(subscription_id: str, user_id: int, at: datetime, secret: str) -> str:
    """A reference that says that this user's purchase replaces one of their subscriptions."""
    if not re.fullmatch(_SUBSCRIPTION, subscription_id):
        raise ValueError(f"{subscription_id} of user {user_id} cannot be signed")
    return _signed("replace", user_id, at + BUYING, secret, subscription_id)


def read_buyer(word: Carried | None, secrets: Sequence[str]) -> int | None:
    """The user who bought this, or None if no secret signed that for this purpose and time.

    An old word counts in metadata only: it was also handed out for gifts, so a payer may know it.
    """
    if word is None:
        return None
    found = _read(word, "buy", secrets) or (None if word.is_typed else _read_old(word, secrets))
    made_for = word.payment_link if word.is_typed else None
    return int(found["user"]) if found and found["thing"] == made_for else None


def read_gift(word: Carried | None, secrets: Sequence[str]) -> int | None:
    """The user whom this was given to, or None. Old words count: no payer writes metadata."""
    if word is None or word.is_typed:
        return None
    found = _read(word, "gift", secrets) or _read_old(word, secrets)
    return int(found["user"]) if found and found["thing"] is None else None


def read_replacement(word: Carried | None, secrets: Sequence[str]) -> tuple[str, int] | None:
    """The subscription to replace and its user; None if none of the secrets signed it."""
    if word is None or word.is_typed:
        return None
    found = _read(word, "replace", secrets) or _read_old(word, secrets)
    return (found["thing"], int(found["user"])) if found and found["thing"] else None


def _signed(
    purpose: Purpose, user_id: int, until: datetime, secret: str, thing: str | None = None
) -> str:
    if user_id < 1:
        raise ValueError(f"user {user_id} is no person of the forum: only ids from 1 can be signed")
    # The day after, so that two clicks within a day give the same reference.
    end = (until.astimezone(UTC) + timedelta(days=1)).strftime("%Y%m%d")
    said = "-".join(filter(None, (VERSION, purpose, str(user_id), end, thing)))
    return f"{said}-{_signature(said, secret, _key_name(purpose))}"


def _read(word: Carried, purpose: Purpose, secrets: Sequence[str]) -> re.Match[str] | None:
    found = _WORD.fullmatch(word.text)
    if not found or found["purpose"] != purpose:
        return None
    try:
        end_at = datetime.strptime(found["end"], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found if word.made_at < end_at and _is_ours(found, secrets, _key_name(purpose)) else None


def _read_old(word: Carried, secrets: Sequence[str]) -> re.Match[str] | None:
    found = _OLD.fullmatch(word.text)
    if not found:
        return None
    key_name = b"bridge replacement b1" if found["thing"] else b"bridge reference b1"
    return found if _is_ours(found, secrets, key_name) else None


def _is_ours(found: re.Match[str], secrets: Sequence[str], key_name: bytes) -> bool:
    # Every secret is tried, so that the time does not tell which one was right.
    signed = [_signature(found["said"], secret, key_name) for secret in secrets if secret]
    matches = [hmac.compare_digest(found["signature"], one) for one in signed]
    return any(matches)


def _key_name(purpose: Purpose) -> bytes:
    return f"bridge word {VERSION} {purpose}".encode()


def _signature(said: str, secret: str, key_name: bytes) -> str:
    if not secret:
        raise ValueError("an empty secret signs nothing: set SECRET_KEY")
    # A key of its own, so that nothing else signed with SECRET_KEY can pass for a reference.
    key = hmac.digest(secret.encode(), key_name, hashlib.sha256)
    whole = hmac.digest(key, said.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(whole[:_SIGNATURE_BYTES]).decode()
