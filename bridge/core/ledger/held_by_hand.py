"""What moderators' acts change in how many shares somebody holds, sale by sale.

A statement counts the shares that were bought as soon as they are paid, before they are booked, and
leaves out those that wait for approval or were charged back. What was issued, transferred and
withdrawn by hand is added to that. It is the difference between the register with the acts and
without them: shares that were withdrawn and then refunded are gone once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from bridge.core.ledger.line import Line
from bridge.core.ledger.share_register import BookedShare, Register, ShareAct, share_register

Key = tuple[str, str, str]  # holder, class, and the sale or act that issued the shares


def held_by_hand(
    booked: Iterable[BookedShare],
    acts: Sequence[ShareAct],
    holder: Callable[[Line], str],
    as_of: datetime,
) -> Mapping[Key, int]:
    """Holder, class and source -> how many shares more, or fewer, they hold because of the acts.

    Raises: Impossible for an act that cannot be.
    """
    lines = list(booked)
    changed = _held(share_register(lines, acts, holder, as_of))
    changed.subtract(_held(share_register(lines, (), holder, as_of)))
    return {key: count for key, count in changed.items() if count}


def _held(register: Register) -> Counter[Key]:
    found: Counter[Key] = Counter()
    for one in register.holdings:
        if one.ended_at is None:
            found[one.holder, one.share_class, one.source_id] += one.count
    return found
