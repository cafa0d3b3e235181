"""The simulated Stripe's books always add up, and its events report every change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.sandbox.stripe import fail_payments
from bridge.sandbox.stripe.events import difference
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.views import render
from tests.sandbox.stripe_shop import Shop, open_shop

# Status -> the statuses that Stripe's documentation lets follow it.
MAY_FOLLOW = {
    "incomplete": {"active", "incomplete_expired", "trialing", "canceled"},
    "trialing": {"active", "past_due", "paused", "canceled", "unpaid"},
    "active": {"past_due", "canceled", "unpaid", "trialing", "paused"},
    "past_due": {"active", "unpaid", "canceled", "paused"},
    "unpaid": {"active", "canceled", "past_due"},
    "paused": {"active", "past_due", "canceled", "trialing"},
    "canceled": set(),
    "incomplete_expired": set(),
}
CHANGES_WITHOUT_PREVIOUS = {"customer.subscription.deleted"}
BEHAVIOURS = ("create_prorations", "always_invoice", "none")


class Life:
    """One customer with what can happen to them; each step takes a number to choose by."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.v1 = shop, shop.v1
        rate = self.v1.tax_rates.create(
            {"display_name": "VAT", "percentage": 19, "inclusive": False}
        )
        inclusive = self.v1.tax_rates.create(
            {"display_name": "VAT", "percentage": 7, "inclusive": True}
        )
        self.rates = [[], [rate.id], [inclusive.id]]
        self.coupons = [
            self.v1.coupons.create({"percent_off": 33.3, "duration": "forever"}).id,
            self.v1.coupons.create({"amount_off": 777, "currency": "eur", "duration": "once"}).id,
        ]
        self.prices = [shop.price(a, i) for a in (999, 3000) for i in ("month", "year", "week")]
        self.customer = shop.customer()

    def subscriptions(self) -> list[Any]:
        return list(self.v1.subscriptions.list({"customer": self.customer}).data)

    def subscribe(self, n: int) -> None:
        choices: list[dict[str, Any]] = [
            {},
            {"trial_period_days": 7},
            {"discounts": [{"coupon": self.coupons[n % 2]}]},
            {"payment_behavior": "default_incomplete"},
        ]
        rates = self.rates[n % 3]
        self.shop.subscribe(
            self.prices[n % 6], self.customer, **choices[n % 4], default_tax_rates=rates
        )

    def change(self, n: int) -> None:
        for sub in self.subscriptions()[:1]:
            item = {
                "id": sub["items"].data[0].id,
                "price": self.prices[n % 6],
                "quantity": 1 + n % 3,
            }
            behaviour = BEHAVIOURS[n % 3]
            self.v1.subscriptions.update(sub.id, {"items": [item], "proration_behavior": behaviour})

    def add_item(self, n: int) -> None:
        for sub in self.subscriptions()[:1]:
            taken = {i.price.id for i in sub["items"].data}
            if self.prices[n % 6] not in taken:
                self.v1.subscriptions.update(sub.id, {"items": [{"price": self.prices[n % 6]}]})

    def end(self, n: int) -> None:
        for sub in self.subscriptions()[:1]:
            if n % 3 == 0:
                self.v1.subscriptions.cancel(sub.id)
            else:
                self.v1.subscriptions.update(sub.id, {"cancel_at_period_end": n % 3 == 1})

    def pause(self, n: int) -> None:
        words = ("void", "mark_uncollectible", "keep_as_draft")
        for sub in self.subscriptions()[:1]:
            pause: Any = "" if sub.pause_collection else {"behavior": words[n % 3]}
            self.v1.subscriptions.update(sub.id, {"pause_collection": pause})

    def rest(self, n: int) -> None:
        for sub in self.subscriptions()[:1]:
            if sub.status == "paused":
                self.v1.subscriptions.resume(sub.id)
            elif n % 2:
                self.v1.subscriptions.pause(sub.id, {"type": "subscription"})

    def fail(self, n: int) -> None:
        fail_payments(self.shop.world, self.customer, n % 5)

    def wait(self, n: int) -> None:
        self.shop.advance((0.05, 3, 8, 31, 100)[n % 5])

    def settle(self, n: int) -> None:
        for invoice in self.v1.invoices.list({"customer": self.customer, "status": "open"}).data:
            if n % 4 == 0:
                self.v1.invoices.void_invoice(invoice.id)
            elif n % 4 == 1:
                self.v1.invoices.mark_uncollectible(invoice.id)
            else:
                self.v1.invoices.pay(invoice.id, {"paid_out_of_band": n % 4 == 2})

    def give_back(self, n: int) -> None:
        for charge in self.v1.charges.list({"customer": self.customer, "limit": 1}).data:
            self.v1.refunds.create({"charge": charge.id, "amount": 1 + n})

    def credit(self, n: int) -> None:
        for invoice in self.v1.invoices.list({"customer": self.customer, "limit": 1}).data:
            back = {"credit_amount": 1 + n} if invoice.status == "paid" else {}
            self.v1.credit_notes.create({"invoice": invoice.id, "amount": 1 + n, **back})

    def balance(self, n: int) -> None:
        self.v1.customers.update(self.customer, {"balance": 100 * (n - 5)})


STEPS: list[Callable[[Life, int], None]] = [
    Life.subscribe,
    Life.change,
    Life.add_item,
    Life.end,
    Life.pause,
    Life.rest,
    Life.fail,
    Life.wait,
    Life.wait,
    Life.settle,
    Life.give_back,
    Life.credit,
    Life.balance,
]


SEVERAL = (Life.settle,)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 11)), min_size=3, max_size=14))
def test_after_any_calls_and_any_time_the_books_add_up_and_every_change_was_told(
    steps: list[tuple[Callable[[Life, int], None], int]],
) -> None:
    with open_shop() as shop:
        life = Life(shop)
        life.subscribe(0)
        for step, n in steps:
            shop.advance(0)  # what is due now has happened
            told = len(shop.account.tables["event"])
            try:
                step(life, n)
            except stripe.CardError:
                continue  # the failed payment remains
            except stripe.InvalidRequestError:
                # Refused. Of several invoices, those before remain settled.
                assert step in SEVERAL or len(shop.account.tables["event"]) == told
        account = shop.account
        for invoice in account.rows("invoice"):
            check_invoice(shop, render(account, invoice))
        check_balances(shop, life.customer)
        check_events(account.rows("event"))
        check_present(shop)


def check_invoice(shop: Shop, invoice: Obj) -> None:
    lines = shop.account.tables["invoice"][invoice["id"]]["_lines"]
    off = sum(d["amount"] for line in lines for d in line["discount_amounts"])
    taxes = [t for line in lines for t in line["taxes"]]
    exclusive = sum(t["amount"] for t in taxes if t["tax_behavior"] == "exclusive")
    assert invoice["subtotal"] == sum(line["amount"] for line in lines)
    assert invoice["total"] == invoice["subtotal"] - off + exclusive
    assert sum(t["amount"] for t in taxes) == sum(t["amount"] for t in invoice["total_taxes"])
    assert off == sum(d["amount"] for d in invoice["total_discount_amounts"])
    assert invoice["amount_due"] == invoice["amount_paid"] + invoice["amount_remaining"]
    if invoice["status"] == "draft":
        return
    moved = invoice["ending_balance"] - invoice["starting_balance"]
    less = invoice["pre_payment_credit_notes_amount"]
    assert invoice["amount_due"] == invoice["total"] - moved - less
    payments = [p for p in shop.account.rows("invoice_payment") if p["invoice"] == invoice["id"]]
    assert invoice["amount_paid"] == sum(p["amount_paid"] or 0 for p in payments)
    if invoice["status"] == "paid":
        assert invoice["amount_remaining"] == 0


def check_balances(shop: Shop, customer: str) -> None:
    account = shop.account
    booked = account.rows("customer_balance_transaction", customer)
    assert account.tables["customer"][customer]["balance"] == sum(t["amount"] for t in booked)
    for charge in account.rows("charge"):
        refunds = [r for r in account.rows("refund") if r["charge"] == charge["id"]]
        given = sum(r["amount"] for r in refunds if r["status"] == "succeeded")
        assert charge["amount_refunded"] == given <= charge["amount_captured"]


def check_events(events: list[Obj]) -> None:
    """Each event of a subscription starts from where the one before it ended."""
    known: dict[str, Obj] = {}
    for event in events:
        obj = event["data"]["object"]
        if obj["object"] != "subscription":
            continue
        before, previous = known.get(obj["id"]), event["data"].get("previous_attributes")
        if before is not None and event["type"] not in CHANGES_WITHOUT_PREVIOUS:
            changed = difference(before, obj)
            assert changed in ({}, previous), event["type"]
        if before is not None and before["status"] != obj["status"]:
            assert obj["status"] in MAY_FOLLOW[before["status"]], event["type"]
        known[obj["id"]] = obj


def check_present(shop: Shop) -> None:
    """Every subscription's state was reported by an event."""
    last: dict[str, Obj] = {}
    for event in shop.account.rows("event"):
        if event["data"]["object"]["object"] == "subscription":
            last[event["data"]["object"]["id"]] = event["data"]["object"]
    for subscription in shop.account.rows("subscription"):
        assert render(shop.account, subscription) == last[subscription["id"]]


def test_what_stands_on_a_draft_is_told_and_added_up_again() -> None:
    with open_shop() as shop:
        rate = shop.v1.tax_rates.create(
            {"display_name": "VAT", "percentage": 20, "inclusive": False}
        )
        customer = shop.customer()
        draft = shop.v1.invoices.create(
            {
                "customer": customer,
                "currency": "eur",
                "default_tax_rates": [rate.id],
                "auto_advance": True,
            }
        )
        (made,) = shop.events("invoice.created")
        assert made.data.object.automatically_finalizes_at == shop.now + 3600
        assert made.data.object.default_tax_rates[0].id == rate.id
        about = {"customer": customer, "invoice": draft.id, "currency": "eur"}
        item = shop.v1.invoice_items.create({**about, "amount": 500})
        shop.v1.invoice_items.update(item.id, {"amount": 1000, "description": "Two of it"})
        changed = shop.v1.invoices.retrieve(draft.id)
        assert (changed.subtotal, changed.total) == (1000, 1200)
        assert changed.lines.data[0].description == "Two of it"
        assert shop.events("invoice.updated")[-1].data.previous_attributes["total"] == 600
        shop.v1.invoices.finalize_invoice(draft.id)
        with pytest.raises(stripe.InvalidRequestError, match="no longer editable"):
            shop.v1.invoice_items.update(item.id, {"amount": 5})


def test_a_credit_note_gives_back_its_whole_amount_and_is_void_only_while_the_invoice_is_open() -> (
    None
):
    with open_shop() as shop:
        invoice = shop.last_invoice(shop.subscribe())
        note = {"invoice": invoice.id, "amount": 300}
        for back in ({}, {"credit_amount": 100}, {"credit_amount": 200, "refund_amount": 200}):
            with pytest.raises(stripe.InvalidRequestError, match=r"must equal .* \(300\)"):
                shop.v1.credit_notes.create({**note, **back})
        made = shop.v1.credit_notes.create({**note, "credit_amount": 100, "refund_amount": 200})
        assert made.refunds[0].amount_refunded == 200
        intent = invoice.payments.data[0].payment.payment_intent
        shop.v1.refunds.create({"payment_intent": intent})
        with pytest.raises(stripe.InvalidRequestError, match="already been refunded"):
            shop.v1.credit_notes.create({**note, "refund_amount": 300})
        assert len(shop.v1.credit_notes.list({"invoice": invoice.id}).data) == 1
        sub = shop.subscribe(collection_method="send_invoice", days_until_due=5)
        owed = shop.v1.invoices.finalize_invoice(sub.latest_invoice)
        open_note = shop.v1.credit_notes.create({"invoice": owed.id, "amount": 300})
        shop.v1.invoices.void_invoice(owed.id)
        for id_ in (made.id, open_note.id):
            with pytest.raises(stripe.InvalidRequestError, match="of an open invoice"):
                shop.v1.credit_notes.void_credit_note(id_)


def test_what_a_subscription_loses_or_gets_beside_its_items_is_told() -> None:
    with open_shop() as shop:
        coupon = shop.v1.coupons.create({"percent_off": 50, "duration": "once"})
        sub = shop.subscribe()
        shop.v1.subscriptions.update(sub.id, {"discounts": [{"coupon": coupon.id}]})
        schedule = shop.v1.subscription_schedules.create({"from_subscription": sub.id})
        told = shop.events("customer.subscription.updated")[-1].data
        assert told.previous_attributes.to_dict() == {"schedule": None}
        assert told.object.schedule == schedule.id
        shop.advance(32)
        assert shop.read(sub).discounts == []
        check_events(shop.account.rows("event"))
        check_present(shop)
