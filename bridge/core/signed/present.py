"""The secret in a gift's link, which lets its holder accept the gift once. Pure.

It names the gift and the link's number, so that a new link ends the one before. The gift's own
record says how long the link is valid and whether it was used.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence

ID = r"[A-Za-z0-9_-]{20,40}"
_WORD = re.compile(
    rf"(?P<id>{ID})\.(?P<link>[1-9][0-9]{{0,5}})\.(?P<signature>[A-Za-z0-9_-]{{32}})"
)
_KEY_NAME = b"bridge present p1"
_SIGNATURE_BYTES = 24  # 192 bits; without padding in base64: 32 letters


def sign_present(present_id: str, link_number: int, secret: str) -> str:
    """The secret of this link of a gift."""
    said = f"{present_id}.{link_number}"
    return f"{said}.{_signature(said, secret)}"


def read_present(word: str, secrets: Sequence[str]) -> tuple[str, int] | None:
    """The gift and its link's number; None if none of the secrets signed it."""
    found = _WORD.fullmatch(word)
    if not found:
        return None
    said = f"{found['id']}.{found['link']}"
    matches = [hmac.compare_digest(found["signature"], _signature(said, one)) for one in secrets]
    return (found["id"], int(found["link"])) if any(matches) else None


def _signature(said: str, secret: str) -> str:
    if not secret:
        raise ValueError("an empty secret signs nothing: set SECRET_KEY")
    key = hmac.digest(secret.encode(), _KEY_NAME, hashlib.sha256)
    whole = hmac.digest(key, said.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(whole[:_SIGNATURE_BYTES]).decode()
