"""A change bills what its preview said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_shop import DAY, Shop, open_shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def told(invoice: Any) -> list[tuple[Any, ...]]:
    """An invoice's lines as a member sees them."""
    return sorted(
        (
            line.amount,
            line.quantity,
            line.period.start,
            line.period.end,
            line.description,
            line.pricing.price_details.price,
            line.parent.subscription_item_details.proration,
        )
        for line in invoice.lines.data
    )


def sums(invoice: Any) -> tuple[int, ...]:
    return (invoice.subtotal, invoice.total, invoice.amount_due, invoice.starting_balance)


# What is changed, and when the change is billed at once.
CHANGES: dict[str, tuple[dict[str, Any], bool]] = {
    "more": ({"price": "more"}, False),
    "less": ({"price": "less"}, False),
    "quantity": ({"quantity": 3}, False),
    "yearly": ({"price": "yearly"}, True),
}


@pytest.mark.parametrize("behaviour", ["create_prorations", "always_invoice", "none"])
@pytest.mark.parametrize("change", CHANGES)
def test_the_preview_of_a_change_has_the_lines_that_the_change_bills(
    shop: Shop, change: str, behaviour: str
) -> None:
    prices = {
        "more": shop.price(3000),
        "less": shop.price(400),
        "yearly": shop.price(9000, "year"),
    }
    rate = shop.v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False})
    coupon = shop.v1.coupons.create({"percent_off": 10, "duration": "forever"})
    sub = shop.subscribe(default_tax_rates=[rate.id], discounts=[{"coupon": coupon.id}])
    shop.advance(11)
    wanted, at_once = CHANGES[change]
    item = {"id": sub["items"].data[0].id, **wanted}
    if "price" in item:
        item["price"] = prices[item["price"]]
    asked = {
        "items": [item],
        "proration_behavior": behaviour,
        "proration_date": shop.now - DAY,
    }
    preview = shop.v1.invoices.create_preview(
        {"subscription": sub.id, "subscription_details": asked}
    )
    assert shop.read(sub).to_dict() == {**sub.to_dict(), "latest_invoice": sub.latest_invoice}
    changed = shop.v1.subscriptions.update(sub.id, asked)
    is_billed_now = changed.latest_invoice != sub.latest_invoice
    assert is_billed_now == (at_once or behaviour == "always_invoice")
    if not is_billed_now:
        shop.advance(31)
    billed = shop.last_invoice(sub)
    assert told(preview) == told(billed)
    assert sums(preview) == sums(billed)
    assert any(row[-1] for row in told(preview)) == (behaviour != "none")


def test_the_preview_of_resuming_is_what_resuming_bills(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 25, "duration": "forever"})
    sub = shop.subscribe(discounts=[{"coupon": coupon.id}])
    asked: Any = {"subscription": sub.id, "subscription_details": {"resume_at": "now"}}
    with pytest.raises(stripe.InvalidRequestError, match="Only a paused subscription"):
        shop.v1.invoices.create_preview(asked)
    shop.advance(3)
    shop.v1.subscriptions.pause(sub.id, {"type": "subscription"})
    preview = shop.v1.invoices.create_preview(asked)
    assert shop.read(sub).status == "paused", "asking resumes nothing"
    shop.v1.subscriptions.resume(sub.id)
    billed = shop.last_invoice(sub)
    assert told(preview) == told(billed)
    assert sums(preview) == sums(billed)


def test_a_preview_changes_nothing_and_tells_nobody(shop: Shop) -> None:
    sub = shop.subscribe()
    item = {"id": sub["items"].data[0].id, "quantity": 2}
    more = {"price_data": {"currency": "eur", "product": shop.v1.products.create({"name": "B"}).id}}
    more["price_data"] |= {"unit_amount": 700, "recurring": {"interval": "month"}}
    before = (len(shop.events()), shop.read(sub).to_dict())
    for _ in range(2):
        preview = shop.v1.invoices.create_preview(
            {"subscription": sub.id, "subscription_details": {"items": [item, more]}}
        )
        assert preview.total == 2000 + 1000 + 700 * 2
        assert preview.id.startswith("upcoming_in_")
    assert (len(shop.events()), shop.read(sub).to_dict()) == before
    assert shop.v1.invoice_items.list({"customer": sub.customer}).data == []
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.invoices.retrieve(preview.id)


def test_a_preview_knows_the_end_of_a_subscription(shop: Shop) -> None:
    sub = shop.subscribe()
    asked = {"subscription": sub.id, "subscription_details": {"cancel_now": True}}
    assert shop.v1.invoices.create_preview(asked).total == -1000
    shop.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.invoices.create_preview({"subscription": sub.id})
    assert (refused.value.http_status, refused.value.code) == (404, "invoice_upcoming_none")


def test_a_first_invoice_is_previewed_for_a_customer_and_for_somebody_who_is_none_yet(
    shop: Shop,
) -> None:
    details = {"items": [{"price": shop.price()}]}
    known = {"customer": shop.customer(), "subscription_details": details}
    assert shop.v1.invoices.create_preview(known).total == 1000
    guest = {
        "customer_details": {"address": {"country": "DE"}},
        "automatic_tax": {"enabled": True},
        "subscription_details": {**details, "trial_end": "now"},
        "invoice_items": [{"amount": 50, "currency": "eur"}],
    }
    assert shop.v1.invoices.create_preview(guest).total == 1250


@pytest.mark.parametrize("end", ["release", "cancel"])
def test_a_preview_knows_what_a_schedule_changes_at_the_renewal(shop: Shop, end: str) -> None:
    month = {"interval": "month", "interval_count": 1}
    prices = [shop.price(3000), shop.price(1000)][: 1 if end == "cancel" else 2]
    made = shop.v1.subscription_schedules.create(
        {
            "customer": shop.customer(),
            "start_date": "now",
            "end_behavior": end,
            "phases": [{"items": [{"price": p}], "duration": month} for p in prices],
        }
    )
    asked = {"subscription": made.subscription}
    if end == "cancel":
        with pytest.raises(stripe.InvalidRequestError):
            shop.v1.invoices.create_preview(asked)
        return
    preview = shop.v1.invoices.create_preview(asked)
    shop.advance(32)
    billed = shop.last_invoice(shop.v1.subscriptions.retrieve(made.subscription))
    assert (preview.total, told(preview)) == (1000, told(billed))
