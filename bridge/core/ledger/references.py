"""Creditor references (ISO 11649): a transfer that carries a member's own finds them.

The check digits catch every single wrong digit and every swap of two neighbours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stdnum import iso11649
from stdnum.iso7064 import mod_97_10

# Always the same length, so text that follows without a space is never taken for a part of it.
_DIGITS = 10
_OURS = re.compile(rf"RF[0-9]{{2}}U[0-9]{{{_DIGITS}}}")


def reference_of(user_id: int) -> str:
    """`RF51U0000000012`, for user 12. Raises: ValueError for an id that no forum has."""
    if not 0 < user_id < 10**_DIGITS:
        raise ValueError(f"user {user_id} has no reference")
    body = f"U{user_id:0{_DIGITS}d}"
    return f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}"


@dataclass(frozen=True, slots=True)
class BankTransfer:
    """The account for a member's transfer, and the reference that identifies it."""

    account: str
    reference: str


def transfer_of(account: str, user_id: int) -> BankTransfer | None:
    """How a member pays by transfer; None if the site accepts no transfers."""
    return BankTransfer(account, reference_of(user_id)) if account and user_id > 0 else None


def users_named_in(text: str) -> set[int]:
    """The users whose references a text contains, however it is spaced; wrong ones are ignored."""
    closed_up = re.sub(r"[\s./-]+", "", text.upper())
    found = (match[0] for match in _OURS.finditer(closed_up))
    return {int(one[5:]) for one in found if iso11649.is_valid(one)}
