"""The bridge's own signed word on who is buying, carried through Stripe and read back from there.

It stands in `client_reference_id` and in metadata, where Stripe's users can edit it and payment
links let anybody type it: so it counts only when the signature is ours. It has no end, because a
subscription carries it for years. Other sites on the same Stripe account have other secrets.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence

# Stripe accepts only [A-Za-z0-9_-], at most 200, in client_reference_id; the version comes first.
VERSION = "b1"
_FORM = re.compile(r"b1-([1-9][0-9]{0,17})-([A-Za-z0-9_-]{32})")
_REPLACEMENT = re.compile(r"b1-([1-9][0-9]{0,17})-(sub_[A-Za-z0-9_]{1,100})-([A-Za-z0-9_-]{32})")
_SIGNATURE_BYTES = 24  # 192 bits; without padding in base64: 32 letters


def sign_reference(user_id: int, secret: str) -> str:
    """The reference to a Discourse user."""
    if user_id < 1:
        raise ValueError(f"user {user_id} is no person of the forum: only ids from 1 can be signed")
    return f"{VERSION}-{user_id}-{_signature(str(user_id), secret)}"


def read_reference(text: str | None, secrets: Sequence[str]) -> int | None:
    """The user that a reference names, or None if none of the secrets has signed it."""
    found = _FORM.fullmatch(text or "")
    if not found:
        return None
    user_id, signature = found.groups()
    # Every secret is tried, so that the time tells nothing about which one was right.
    signed = [hmac.compare_digest(signature, _signature(user_id, s)) for s in secrets if s]
    return int(user_id) if any(signed) else None


def sign_replacement(subscription_id: str, user_id: int, secret: str) -> str:
    """The word that what this user buys takes the place of a subscription of theirs."""
    said = f"{user_id}-{subscription_id}"
    signed = f"{VERSION}-{said}-{_signature(said, secret, b'bridge replacement ')}"
    if not _REPLACEMENT.fullmatch(signed):
        raise ValueError(f"{subscription_id} of user {user_id} cannot be signed")
    return signed


def read_replacement(text: str | None, secrets: Sequence[str]) -> tuple[str, int] | None:
    """The subscription that is replaced, and whose it is; None if none of the secrets signed it."""
    found = _REPLACEMENT.fullmatch(text or "")
    if not found:
        return None
    user_id, subscription_id, signature = found.groups()
    said = f"{user_id}-{subscription_id}"
    expected = [_signature(said, s, b"bridge replacement ") for s in secrets if s]
    signed = [hmac.compare_digest(signature, one) for one in expected]
    return (subscription_id, int(user_id)) if any(signed) else None


def _signature(said: str, secret: str, purpose: bytes = b"bridge reference ") -> str:
    if not secret:
        raise ValueError("an empty secret signs nothing: set SECRET_KEY")
    # A key of its own, so that nothing else signed with SECRET_KEY can pass for a reference.
    key = hmac.digest(secret.encode(), purpose + VERSION.encode(), hashlib.sha256)
    whole = hmac.digest(key, f"{VERSION}-{said}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(whole[:_SIGNATURE_BYTES]).decode()
