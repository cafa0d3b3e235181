"""Dividing amounts to the last minor unit: what a part of a payment is of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

from bridge.core.ledger.objects import SoldLine

# Of so many lines every choice is tried; of more, one or two of them, or all.
MOST_LINES = 12


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


def part_of(lines: Sequence[SoldLine], amount: int) -> list[SoldLine]:
    """What an amount refunds of a sale: the lines of that total, the fewest, else a share of each.

    Of several choices it is the first: money has to stand somewhere. Rights are judged by more
    (`refunded_lines`).
    """
    sizes = range(1, len(lines)) if len(lines) <= MOST_LINES else (1, 2)
    for size in sizes:
        for chosen in combinations(lines, size):
            if total_of(chosen) == amount and total_of(lines) != amount:
                return [line for line in chosen if line.total_minor]
    parts = zip(lines, share(amount, [line.total_minor for line in lines]), strict=True)
    return [_scaled(line, part) for line, part in parts if part]


def _scaled(line: SoldLine, total: int) -> SoldLine:
    """The line as if its total had been another, with its taxes in proportion; no whole piece."""
    if line.total_minor == total:
        return line
    net = line.total_minor - sum(tax.amount_minor for tax in line.taxes)
    net_part, *tax_parts = share(total, [net, *(tax.amount_minor for tax in line.taxes)])
    taxes = [replace(t, amount_minor=p) for t, p in zip(line.taxes, tax_parts, strict=True)]
    within = sum(tax.amount_minor for tax in taxes if tax.inclusive)
    return replace(
        line, amount_minor=net_part + within, discount_minor=0, taxes=tuple(taxes), quantity=0
    )
