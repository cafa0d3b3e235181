"""Dividing amounts, and the lines that were sold, to the last minor unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bridge.core.ledger.objects import SoldLine


def share(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount divided in proportion, to the last minor unit; the largest remainders get it."""
    whole = sum(weights)
    if not weights:
        return []
    if whole == 0:
        return [amount, *([0] * (len(weights) - 1))]
    parts = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda n: -(amount * weights[n] % whole))
    for n in by_remainder[: amount - sum(parts)]:
        parts[n] += 1
    return parts


def total_of(lines: Iterable[SoldLine]) -> int:
    """What the lines add up to."""
    return sum(line.total_minor for line in lines)


def scaled(line: SoldLine, total: int, quantity: int = 0) -> SoldLine:
    """A part of a line, with its taxes in proportion; the whole of it has its discount, too."""
    if total == line.total_minor:
        return replace(line, quantity=quantity)
    if total == -line.total_minor:
        return replace(negated(line), quantity=quantity)
    net = line.total_minor - sum(tax.amount_minor for tax in line.taxes)
    net_part, *tax_parts = share(total, [net, *(tax.amount_minor for tax in line.taxes)])
    taxes = [replace(t, amount_minor=p) for t, p in zip(line.taxes, tax_parts, strict=True)]
    within = sum(tax.amount_minor for tax in taxes if tax.inclusive)
    return replace(
        line,
        amount_minor=net_part + within,
        discount_minor=0,
        taxes=tuple(taxes),
        quantity=quantity,
    )


def negated(line: SoldLine) -> SoldLine:
    """The same line taken back."""
    return replace(
        line,
        amount_minor=-line.amount_minor,
        discount_minor=-line.discount_minor,
        taxes=tuple(replace(tax, amount_minor=-tax.amount_minor) for tax in line.taxes),
        quantity=-line.quantity,
    )
