"""Every object of the simulated Stripe is held to the official examples and to the SDK's types."""

from __future__ import annotations

import importlib
import inspect
import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe
from stripe import _object_classes as object_classes

from bridge.sandbox.stripe import account_of, fail_payments
from bridge.sandbox.stripe.shapes import SHAPES
from bridge.sandbox.stripe.views import render
from tests.sandbox.stripe_shop import Shop, open_shop

pytestmark = pytest.mark.contract
FIXTURES = Path(__file__).parents[3] / "shared/contract/stripe/fixtures3.json"
# Parts of an example that Stripe shows only when they are expanded.
EXPANDED = {("charge", "refunds"), ("plan", "tiers")}
# Fields that the SDK's types have as required and that Stripe shows only when they are expanded.
LOOSE: set[str] = set()


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        live(shop)
        yield shop


def live(shop: Shop) -> None:
    """A story in which every kind of object comes into being."""
    v1 = shop.v1
    coupon = v1.coupons.create({"percent_off": 10, "duration": "forever"})
    v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}})
    rate = v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False})
    feature = v1.entitlements.features.create({"name": "Gold", "lookup_key": "gold"})
    product = v1.products.create({"name": "Gold"}).id
    v1.products.features.create(product, {"entitlement_feature": feature.id})
    price, once = shop.price(product=product), shop.price(2500, None)
    customer = shop.customer(address={"country": "DE"})
    v1.customers.tax_ids.create(customer, {"type": "eu_vat", "value": "DE123456789"})
    v1.customers.balance_transactions.create(customer, {"amount": -50, "currency": "eur"})
    sub = shop.subscribe(
        price, customer, default_tax_rates=[rate.id], discounts=[{"coupon": coupon.id}]
    )
    extra = shop.price(3000)
    v1.subscriptions.update(sub.id, {"items": [{"price": extra}]})
    v1.refunds.create({"charge": v1.charges.list({"customer": customer}).data[0].id, "amount": 5})
    schedule(shop, price, extra)
    v1.payment_links.create({"line_items": [{"price": price, "quantity": 1}]})
    link = {
        "mode": "payment",
        "line_items": [{"price": once, "quantity": 1}],
        "success_url": "http://x",
    }
    v1.checkout.sessions.create(link)
    v1.billing_portal.sessions.create({"customer": customer})
    v1.setup_intents.create(
        {"customer": customer, "payment_method": "pm_card_visa", "confirm": True}
    )
    shop.subscribe(customer=shop.customer("pm_card_createDispute"))
    v1.test_helpers.test_clocks.create({"frozen_time": shop.now})
    v1.webhook_endpoints.create({"url": "http://127.0.0.1:1/", "enabled_events": ["charge.failed"]})
    fail_payments(shop.world, customer, 1)
    shop.advance(32)
    open_ = v1.invoices.list({"status": "open"}).data[0]
    v1.credit_notes.create({"invoice": open_.id, "amount": 100})
    v1.payouts.create({"amount": 100, "currency": "eur"})


def schedule(shop: Shop, first: str, second: str) -> None:
    v1 = shop.v1
    v1.subscription_schedules.create(
        {
            "customer": shop.customer(),
            "start_date": "now",
            "phases": [
                {"items": [{"price": first}], "duration": {"interval": "month"}},
                {"items": [{"price": second}], "duration": {"interval": "month"}},
            ],
        }
    )


def examples() -> dict[str, Any]:
    if not FIXTURES.exists():
        return {}
    found: dict[str, Any] = json.loads(FIXTURES.read_text())["resources"]
    return found


def shown(shop: Shop, kind: str) -> list[dict[str, Any]]:
    account = account_of(shop.world)
    if kind == "line_item":
        invoices = [render(account, i) for i in account.rows("invoice")]
        return [line for invoice in invoices for line in invoice["lines"]["data"]]
    if kind == "credit_note_line_item":
        notes = [render(account, n) for n in account.rows("credit_note")]
        return [line for note in notes for line in note["lines"]["data"]]
    return [render(account, row) for row in account.rows(kind)]


def fits(value: Any, example: Any) -> bool:
    """Whether a value could stand where the example stands; null may stand anywhere."""
    if value is None or example is None:
        return True
    if isinstance(example, bool) or isinstance(value, bool):
        return isinstance(example, bool) and isinstance(value, bool)
    if isinstance(example, int | float):
        return isinstance(value, int | float)
    if isinstance(example, dict):
        return isinstance(value, dict | str)  # an expandable object may be its id
    return isinstance(value, type(example))


@pytest.mark.skipif(not FIXTURES.exists(), reason="the official examples are not at hand")
@pytest.mark.parametrize("kind", sorted(SHAPES))
def test_every_key_of_the_official_example_is_there_with_a_fitting_type(
    shop: Shop, kind: str
) -> None:
    example = examples()[kind]
    rows = shown(shop, kind)
    assert rows, f"the story makes no {kind}"
    for row in rows:
        missing = {k for k in example if k not in row and (kind, k) not in EXPANDED}
        assert missing == set()
        unfit = {k: row[k] for k in example if k in row and not fits(row[k], example[k])}
        assert unfit == {}


def required_fields(cls: type) -> set[str]:
    """Fields of an SDK type that are not optional."""
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        hints.update(inspect.get_annotations(base))
    return {
        name
        for name, hint in hints.items()
        if not name.startswith("_")
        and "Optional[" not in str(hint)
        and "ClassVar" not in str(hint)
        and "None" not in str(hint)
    }


def missing_fields(cls: Any, value: dict[str, Any], path: str) -> set[str]:
    """Required fields that an object lacks, with those of the parts inside of it."""
    missing = {f"{path}.{name}" for name in required_fields(cls) - set(value)}
    for name, inner in getattr(cls, "_inner_class_types", {}).items():
        part = value.get(name)
        for each in part if isinstance(part, list) else [part]:
            if isinstance(each, dict):
                missing |= missing_fields(inner, each, f"{path}.{name}")
    return missing


@pytest.mark.parametrize("kind", sorted(set(SHAPES) - {"line_item"}))
def test_every_object_parses_into_the_sdks_type_with_all_required_fields(
    shop: Shop, kind: str
) -> None:
    module, name = typing.cast("Any", object_classes.OBJECT_CLASSES)[kind]
    cls = getattr(importlib.import_module(module), name)
    rows = shown(shop, kind)
    assert rows, f"the story makes no {kind}"
    for row in rows:
        parsed = stripe.StripeObject.construct_from(row, "sk_test_x")
        assert parsed["id"] == row["id"]
        assert {m for m in missing_fields(cls, row, kind) if m not in LOOSE} == set()
