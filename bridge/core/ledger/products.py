"""How the books treat a product: income, equity or a liability, and its fund."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core.rules.law import Catalogue
from bridge.core.rules.mapping import said_of
from bridge.core.rules.policy import Policy
from bridge.core.rules.values import Kind, apply_value


@dataclass(frozen=True, slots=True)
class Nature:
    """The account that a sale is booked on, the fund it is for, and the rule that says so.

    `is_known`: the product and its price were ever read; no rule can be about one that was not.
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
    "event": "income:event",
    "other": "income:other",
}
OTHER = Nature(ACCOUNTS["other"])
SHIPPING = Nature("income:shipping")


def nature_of_sale(
    catalogue: Catalogue, policy: Policy, product_id: str | None, price_id: str | None
) -> Nature:
    """The kind and fund that a price and its product set, whether or not their groups exist."""
    price = catalogue.prices.get(price_id or "")
    product = catalogue.products.get(product_id or (price.product_id if price else ""))
    is_known = bool(price or not price_id) and bool(product or not product_id)
    said = said_of(product, price, policy=policy)
    choices = policy.defaults
    try:
        for name in ("kind", "fund"):
            if name in said:
                choices = apply_value(choices, name, said[name].text)
    except ValueError:
        said = {}
    if not said:
        return replace(OTHER, is_known=is_known)
    by_price = price if said_of(price, policy=policy) else None
    rule_id = f"price:{by_price.id}" if by_price else f"product:{product.id if product else ''}"
    return Nature(ACCOUNTS[choices.kind], choices.fund, rule_id, is_known)
