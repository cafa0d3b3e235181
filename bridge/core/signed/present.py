"""The word on the link of a present: whoever has it may take the present, once. Pure.

It names the present and the number of the link, so that a new link ends the one before. How long it
is good, and whether it was used, the present itself says.
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
    """The word for this link of a present."""
    said = f"{present_id}.{link_number}"
    return f"{said}.{_signature(said, secret)}"


def read_present(word: str, secrets: Sequence[str]) -> tuple[str, int] | None:
    """The present and the number of its link; None if none of the secrets signed that."""
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
