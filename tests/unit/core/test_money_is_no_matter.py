"""Decisions never depend on currencies or unknown events."""

from dataclasses import replace

import pytest

import handlers
from bridge.core.events.stripe import Event
from bridge.core.model.stripe import PendingPayment
from tests.unit.core.shop import NOW, held, judged, purchase, subscription


@pytest.mark.parametrize("currency", ["eur", "usd", "jpy", "kwd"])
def test_E49_the_same_purchase_in_any_currency_leads_to_the_same_groups(currency: str) -> None:
    bought = replace(purchase(), currency=currency, amount_minor=500, payment_minor=500)
    assert held(judged(bought)) == held(judged(purchase()))


def test_A31_what_is_pending_decides_nothing() -> None:
    waits = PendingPayment("in_1", "Patron", 1200, "eur", NOW)
    for status in ("active", "past_due", "incomplete", "unpaid", "trialing"):
        before = subscription(status=status)
        assert judged(replace(before, pending=(waits,))) == judged(before)


@pytest.mark.parametrize("type_", ["radar.early_fraud_warning.created", "", "v2.money.moved"])
def test_E46_what_nobody_listens_to_is_ignored_saying_so(type_: str) -> None:
    event = Event("evt_1", type_, "obj_1", "object", None, NOW, livemode=False)
    (task,) = handlers.route(event)
    assert task == handlers.NOT_LISTENED_TO
