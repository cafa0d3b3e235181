"""Old news: events that happen only once and that the reading shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import handlers
from bridge.core.events.stripe import Event, read_event
from bridge.core.model.stripe import PendingPayment, PeriodPayment, Subscription
from bridge.core.rights.old_news import LastReading, is_old_news

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
PAID = PeriodPayment("in_1", NOW, NOW + timedelta(days=30), 1000)
RUNNING = Subscription(
    "sub_1", "cus_1", "active", (), created_at=NOW, started_at=NOW, last_payment=PAID
)
WAITS = PendingPayment("in_1", "Patron", 1000, "eur", NOW)


def read(*subscriptions: Subscription, invoices: Any = ("in_1",), orders: Any = ()) -> LastReading:
    return LastReading({one.id: one for one in subscriptions}, invoices, orders)


def event(kind: str, subject: dict[str, Any], before: dict[str, Any] | None = None) -> Event:
    about = {"checkout": "checkout.session", "customer": "subscription"}.get(
        kind.split(".", maxsplit=1)[0], "invoice"
    )
    payload = {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": 1_793_534_400,
        "livemode": False,
        "data": {"object": {"object": about, "customer": "cus_1", **subject}},
    }
    if before is not None:
        payload["data"] |= {"previous_attributes": before}  # type: ignore[operator] # a dict
    return read_event(payload)


def of_invoice(kind: str, id_: str = "in_1") -> Event:
    parent = {"subscription_details": {"subscription": "sub_1"}}
    return event(f"invoice.{kind}", {"id": id_, "parent": parent})


SESSION = event("checkout.session.completed", {"id": "cs_1", "subscription": "sub_1"})
ORDER = event("checkout.session.completed", {"id": "cs_1", "payment_intent": "pi_1"})
CREATED = event("customer.subscription.created", {"id": "sub_1"})
BEGUN = event("customer.subscription.updated", {"id": "sub_1"}, {"status": "incomplete"})
RECEIPT = event("invoice.paid", {"id": "in_1"})
SEVERAL = {"data": [{"parent": {"invoice_item_details": {"invoice_item": "ii_1"}}}]}

OLD = {
    "the order of a subscription that runs": (SESSION, read(RUNNING)),
    "an order of which something is recorded": (ORDER, read(orders=["cs_1"])),
    "a subscription that is known": (CREATED, read(RUNNING)),
    "known, and over by now": (CREATED, read(replace(RUNNING, status="canceled"))),
    "it left incomplete, and it has": (BEGUN, read(RUNNING)),
    "it left incomplete, and is over": (BEGUN, read(replace(RUNNING, status="canceled"))),
    "its invoice is paid": (of_invoice("paid"), read(RUNNING)),
    "its invoice was finalized before it was paid": (of_invoice("finalized"), read(RUNNING)),
    "nothing was to be paid in the trial": (
        of_invoice("paid"),
        read(
            replace(RUNNING, status="trialing", last_payment=replace(PAID, amount_minor=0)),
            invoices=(),
        ),
    ),
    "the receipt of an order": (RECEIPT, read()),
}

NEWS = {
    "a subscription that nobody has read": (CREATED, read()),
    "the order of one that nobody has read": (SESSION, read()),
    "its order, and it waits for the first payment": (
        SESSION,
        read(replace(RUNNING, status="incomplete")),
    ),
    "its order, and a bank debit is under way": (SESSION, read(replace(RUNNING, pending=(WAITS,)))),
    "an order that is not recorded": (ORDER, read(orders=["cs_2"])),
    "it left incomplete, and was read before": (BEGUN, read(replace(RUNNING, status="incomplete"))),
    "another change": (
        event("customer.subscription.updated", {"id": "sub_1"}, {"status": "active"}),
        read(RUNNING),
    ),
    "a change of which nothing is said": (
        event("customer.subscription.updated", {"id": "sub_1"}),
        read(RUNNING),
    ),
    "its end": (event("customer.subscription.deleted", {"id": "sub_1"}), read(RUNNING)),
    "the next invoice": (of_invoice("paid", "in_2"), read(RUNNING, invoices=("in_1", "in_2"))),
    "paid, and the reading shows it past due": (
        of_invoice("paid"),
        read(replace(RUNNING, status="past_due")),
    ),
    "paid, and no reading has recorded the payment": (
        of_invoice("paid"),
        read(RUNNING, invoices=()),
    ),
    "written off": (of_invoice("marked_uncollectible"), read(RUNNING)),
    "its payment failed": (of_invoice("payment_failed"), read(RUNNING)),
    "an order's invoice that is not recorded": (RECEIPT, read(invoices=())),
    "an invoice that sells something once": (
        event("invoice.paid", {"id": "in_1", "lines": SEVERAL}),
        read(),
    ),
}


@pytest.mark.parametrize(("news", "last"), OLD.values(), ids=OLD.keys())
def test_what_the_reading_shows_is_old_news(news: Event, last: LastReading) -> None:
    assert is_old_news(news, last)
    assert not is_old_news(news, LastReading()), "nothing was read"


@pytest.mark.parametrize(("news", "last"), NEWS.values(), ids=NEWS.keys())
def test_whatever_the_reading_may_not_have_seen_is_news(news: Event, last: LastReading) -> None:
    assert not is_old_news(news, last)


@pytest.mark.parametrize("kind", sorted(handlers.ROUTES))
def test_nothing_is_old_news_while_nothing_was_read(kind: str) -> None:
    subject = {"id": "x_1", "subscription": "sub_1", "invoice": "in_1"}
    assert not is_old_news(event(kind, subject, {"status": "incomplete"}), LastReading())
