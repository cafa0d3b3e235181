"""Names for the products and people in alerts, as Stripe and the forum call them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, select

from bridge.core.model.stripe import Purchase, Subscription
from bridge.core.telling.words import named
from bridge.store import catalogue
from bridge.store.own import is_own
from bridge.store.readings import CONVERTER
from bridge.store.schema.people import users
from bridge.store.schema.rights import purchases, subscriptions

_PRODUCT = re.compile(r"\bprod_[A-Za-z0-9]+")


class Names:
    """Looks each name up once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._products: dict[str, str] = {}

    def products(self, ids: Sequence[str]) -> str:
        """`Day pass, Share`; the id of a product that was never read."""
        products, _ = catalogue.load_of(self._connection, set(ids) - self._products.keys())
        self._products |= {one.id: one.name for one in products}
        return ", ".join(dict.fromkeys(self._products.get(id_, id_) for id_ in ids))

    def user(self, user_id: int) -> str:
        """`alice (id:5)`."""
        asked = select(users.c.username).where(users.c.user_id == user_id)
        name = self._connection.scalar(asked)
        return named(user_id, name)

    def objects(self, ids: Iterable[str]) -> str:
        """`Membership (sub_1), Day pass (cs_1:li_1)`: subscriptions and purchases."""
        found = sorted(set(ids))
        sold = self._sold(found)
        return ", ".join(
            f"{self.products(sold[id_])} ({id_})" if id_ in sold else id_ for id_ in found
        )

    def within(self, text: str) -> str:
        """The text, with the name added before each product id."""

        def with_name(found: re.Match[str]) -> str:
            name = self.products([found[0]])
            return found[0] if name == found[0] else f"{name} ({found[0]})"

        return _PRODUCT.sub(with_name, text)

    def _sold(self, ids: Collection[str]) -> dict[str, list[str]]:
        """The products of subscriptions and purchases, by the id of each."""
        found: dict[str, list[str]] = {}
        running = select(subscriptions.c.data).where(
            is_own(subscriptions), subscriptions.c.id.in_(ids)
        )
        for data in self._connection.scalars(running):
            one = CONVERTER.structure(data, Subscription)
            found[one.id] = [item.product_id for item in one.items]
        bought = select(purchases.c.data).where(is_own(purchases), purchases.c.id.in_(ids))
        for data in self._connection.scalars(bought):
            order = CONVERTER.structure(data, Purchase)
            found[order.id] = [order.product_id]
        return found
