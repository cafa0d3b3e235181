"""Payments that moderators recorded, as the ledger books them."""

from __future__ import annotations

from bridge.core.ledger.lines import MoneyLine
from bridge.core.ledger.objects import ManualPayment, SoldLine

_REVERSED = ":reversed"


def manual_payment(line: MoneyLine) -> ManualPayment:
    """A line of money by hand; one that corrects another names it."""
    is_correction = line.id.endswith(_REVERSED)
    return ManualPayment(
        id=line.id,
        user_id=line.user_id or 0,
        currency=line.currency,
        at=line.at,
        method=line.method or "other",
        lines=(SoldLine("1", line.what, line.amount_minor),),
        actor=line.recorded_by or "",
        corrects=line.id.removesuffix(_REVERSED) if is_correction else None,
    )
