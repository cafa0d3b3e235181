"""What kind of sale a product is for the books: income, equity or a liability, and its fund."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.core.rules.values import Kind


@dataclass(frozen=True, slots=True)
class Nature:
    """The account that a sale is booked on, the fund it is for, and the rule that says so.

    `is_known`: the product or its price was ever read; no rule can be about one that was not.
    """

    account: str
    fund: str | None = None
    rule_id: str | None = None
    is_known: bool = True


NatureOf = Callable[[str | None, str | None, datetime], Nature]
"""Product id, price id and the time of the sale: rules may change, entries do not."""

# Shares are the members' stake and a credit is owed until it is used: neither is income (A56).
ACCOUNTS: Mapping[Kind, str] = {
    "membership": "income:membership",
    "share": "equity:shares",
    "supporter_share": "equity:supporter-shares",
    "donation": "income:donation",
    "credit": "liabilities:credit-sold",
    "other": "income:other",
}
OTHER = Nature(ACCOUNTS["other"])
SHIPPING = Nature("income:shipping")
