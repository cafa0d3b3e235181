"""The law that everything is judged by at a moment: policy, mapping rules and catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bridge.core.model.stripe import Price, Product
from bridge.core.rules.compiled import Rules
from bridge.core.rules.policy import Policy


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Products and prices as last read, by id; deleted ones too, for people are still on them."""

    products: Mapping[str, Product] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)

    @classmethod
    def of(cls, products: Iterable[Product], prices: Iterable[Price]) -> Catalogue:
        """Arrange products and prices by id."""
        return cls({one.id: one for one in products}, {one.id: one for one in prices})

    def name_of(self, product_id: str, otherwise: str = "membership") -> str:
        """The name of a product, or what to call one that was never read."""
        product = self.products.get(product_id)
        return product.name if product else otherwise


@dataclass(frozen=True, slots=True)
class Law:
    """A policy with the mapping rules that it makes of a catalogue."""

    policy: Policy
    rules: Rules
    catalogue: Catalogue = field(default_factory=Catalogue)
