"""A product's kind of sale for the books, from its and its price's metadata."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.core.ledger.products import Nature, nature_of_sale
from bridge.core.model.stripe import Price, Product
from bridge.core.rules.law import Catalogue
from bridge.core.rules.policy import Policy

GOLD = Nature("income:membership", rule_id="product:prod_1")


def nature(product: dict[str, str] | None, price: dict[str, str] | None, **policy: Any) -> Nature:
    """Of a sale of `price_1` of `prod_1`, each with this metadata; None: it was never read."""
    products = [Product("prod_1", "Gold", metadata=product)] if product is not None else []
    prices = [Price("price_1", "prod_1", "eur", 1000, metadata=price)] if price is not None else []
    return nature_of_sale(Catalogue.of(products, prices), Policy(**policy), "prod_1", "price_1")


@pytest.mark.parametrize(
    ("product", "price", "expected"),
    [
        ({}, {}, Nature("income:other")),
        # Whether there is such a group is no matter.
        ({"discourse_groups": "nowhere"}, {}, GOLD),
        ({"discourse_kind": "share"}, {}, Nature("equity:shares", None, "product:prod_1")),
        (
            {"discourse_kind": "donation", "discourse_fund": "Roof"},
            {"discourse_fund": "Garden"},
            Nature("income:donation", "Garden", "price:price_1"),
        ),
        ({"discourse_kind": "event"}, {}, Nature("income:event", None, "product:prod_1")),
        ({"discourse_kind": "shoe"}, {}, Nature("income:other")),
        # Half of what is needed: the price may say something else.
        (
            {"discourse_groups": "gold"},
            None,
            replace(GOLD, is_known=False),
        ),
        (None, {}, Nature("income:other", is_known=False)),
        (None, None, Nature("income:other", is_known=False)),
    ],
)
def test_A56_A57_a_sale_is_what_its_price_and_its_product_say(
    product: dict[str, str] | None, price: dict[str, str] | None, expected: Nature
) -> None:
    assert nature(product, price) == expected


def test_A56_bridge_toml_has_the_last_word() -> None:
    said = {"prod_1": {"kind": "share"}}
    found = nature({"discourse_kind": "donation"}, {}, products=said)
    assert found == Nature("equity:shares", None, "product:prod_1")


def test_a_line_that_names_no_product_is_that_of_its_price() -> None:
    product = Product("prod_1", "Gold", metadata={"discourse_groups": "gold"})
    catalogue = Catalogue.of([product], [Price("price_1", "prod_1", "eur", 1000)])
    assert nature_of_sale(catalogue, Policy(), None, "price_1") == GOLD
