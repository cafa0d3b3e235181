"""Payments of which the community still has something."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from bridge.core.ledger.lines import MoneyLine
from bridge.core.rights.paid_by_hand import REVERSED


def kept(lines: Iterable[MoneyLine]) -> list[MoneyLine]:
    """Those not refunded whole, not taken back by a bank, and not corrected."""
    known = list(lines)
    back: defaultdict[str, int] = defaultdict(int)
    for one in known:
        if one.kind != "paid" and one.payment_id:
            back[one.payment_id] += one.amount_minor
    corrected = {one.id.removesuffix(REVERSED) for one in known if one.id.endswith(REVERSED)}
    return [
        one
        for one in known
        if one.kind == "paid"
        and one.id not in corrected
        and not one.id.endswith(REVERSED)
        and one.amount_minor + back[one.payment_id or ""] > 0
    ]
