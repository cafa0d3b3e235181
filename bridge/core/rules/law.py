"""The law at a moment: policy, mapping rules and catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bridge.core.model.stripe import Feature, Price, Product
from bridge.core.rules.compiled import Rules
from bridge.core.rules.policy import Policy
from bridge.texts import gettext


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The catalogue as last read; also deleted things, because subscriptions may use them."""

    products: Mapping[str, Product] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)
    features: tuple[Feature, ...] = ()

    @classmethod
    def of(
        cls, products: Iterable[Product], prices: Iterable[Price], features: Iterable[Feature] = ()
    ) -> Catalogue:
        """Arrange products and prices by id."""
        by_id = {one.id: one for one in products}
        return cls(by_id, {one.id: one for one in prices}, tuple(features))

    def name_of(self, product_id: str, otherwise: str = gettext("membership")) -> str:
        """The name of a product, or what to call one that was never read."""
        product = self.products.get(product_id)
        return product.name if product else otherwise


@dataclass(frozen=True, slots=True)
class Law:
    """A policy, and the mapping rules that it makes from a catalogue."""

    policy: Policy
    rules: Rules
    catalogue: Catalogue = field(default_factory=Catalogue)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Another law to compare with: another bridge.toml, other metadata, or both."""

    policy: Policy | None = None
    things: tuple[Product | Price, ...] = ()
