"""The requests for changes and ends at Stripe, and the reading of the portal's settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.core.model.stripe import Price, Subscription, SubscriptionItem
from bridge.core.rights.switch_costs import Changed
from bridge.core.rights.switching import Ending, PortalTerms, Switch
from bridge.core.rules.compiled import Rule
from bridge.errors import Forbidden, Transient
from bridge.stripe_api.client import StripeApi
from tests.contract.recorded import Recorded, answer, recorded_server

pytestmark = pytest.mark.contract
NOW = datetime(2026, 11, 26, tzinfo=UTC)
ITEM = SubscriptionItem("si_1", "price_1", "prod_1", 1, NOW, NOW)
OLD = Subscription("sub_1", "cus_1", "active", (ITEM,), NOW, NOW)
LOW = Price("price_1", "prod_1", "eur", 1000, "month")
HIGH = Price("price_2", "prod_2", "eur", 5000, "month")
SWITCH = Switch(OLD, ITEM, LOW, HIGH, Rule(id="r"), "in_place", is_up=True)


@pytest.fixture
def server() -> Iterator[Recorded]:
    with recorded_server() as recorded:
        yield recorded


@pytest.fixture
def api(server: Recorded) -> StripeApi:
    return StripeApi("sk_test_123", server.url)


FEATURE = {
    "enabled": True,
    "default_allowed_updates": ["price"],
    "proration_behavior": "always_invoice",
    "products": None,
}


def portal(**changed: Any) -> Any:
    feature = {**FEATURE, **changed}
    return answer({"data": [{"features": {"subscription_update": feature}}], "has_more": False})


WAITS = {"conditions": [{"type": "shortening_interval"}]}


@pytest.mark.parametrize(
    ("set_up", "terms"),
    [
        (portal(), PortalTerms(proration="always_invoice")),
        (portal(enabled=False), None),
        (portal(default_allowed_updates=["quantity"]), None),
        (answer({"data": [], "has_more": False}), None),
        (
            portal(products=[{"product": "prod_2", "prices": ["price_2", "price_3"]}]),
            PortalTerms(frozenset({"price_2", "price_3"}), "always_invoice"),
        ),
        (
            portal(schedule_at_period_end=WAITS, trial_update_behavior="continue_trial"),
            PortalTerms(None, "always_invoice", frozenset({"shortening_interval"}), False),  # noqa: FBT003 - as it stands
        ),
        (
            portal(billing_cycle_anchor="now"),
            PortalTerms(proration="always_invoice", restarts=True),
        ),
    ],
)
def test_A36_the_portals_settings_are_read_as_terms(
    api: StripeApi, server: Recorded, set_up: Any, terms: PortalTerms | None
) -> None:
    server.play("GET", "/v1/billing_portal/configurations", set_up)
    assert api.portal_terms() == terms
    assert server.asked[0].query["is_default"] == ["true"]


def test_settings_that_are_not_understood_are_no_answer(api: StripeApi, server: Recorded) -> None:
    half = answer({"data": [{"features": {}}], "has_more": False})
    server.play("GET", "/v1/billing_portal/configurations", half)
    with pytest.raises(Transient):
        api.portal_terms()


def a_preview(**changed: Any) -> Any:
    lines = [{"description": "Unused time", "amount": -600}, {"description": None, "amount": 3000}]
    invoice = {"currency": "eur", "lines": {"data": lines}, "total": 2856, "amount_due": 2800}
    return answer({**invoice, **changed})


@pytest.mark.parametrize(
    ("switch", "terms", "sent"),
    [
        (SWITCH, PortalTerms(), {}),
        (SWITCH, PortalTerms(restarts=True), {"billing_cycle_anchor][type": "now"}),
        (
            replace(SWITCH, subscription=replace(OLD, status="trialing")),
            PortalTerms(),
            {"trial_end": "now"},
        ),
    ],
)
def test_A36_a_preview_asks_for_this_change_on_these_terms(
    api: StripeApi, server: Recorded, switch: Switch, terms: PortalTerms, sent: dict[str, str]
) -> None:
    server.play("POST", "/v1/invoices/create_preview", a_preview())
    shown = api.preview_change(switch, terms)
    assert server.asked[0].body == {
        "subscription": "sub_1",
        "subscription_details[items][0][id]": "si_1",
        "subscription_details[items][0][price]": "price_2",
        "subscription_details[proration_behavior]": "create_prorations",
        **{f"subscription_details[{key}]": value for key, value in sent.items()},
    }
    assert [line.amount_minor for line in shown.lines] == [-600, 3000]
    assert (shown.beside_minor, shown.from_credit_minor) == (456, 56)


def test_A36_A46_a_change_is_billed_now_and_waits_where_it_is_not_paid(
    api: StripeApi, server: Recorded
) -> None:
    pay = "https://invoice.example/1"
    waiting = {"pending_update": {"expires_at": 1}, "latest_invoice": {"hosted_invoice_url": pay}}
    server.play("POST", "/v1/subscriptions/sub_1", answer({"id": "sub_1"}), answer(waiting))
    assert api.change(SWITCH.move, "key-1") == Changed(is_pending=False)
    assert api.change(SWITCH.move, "key-2") == Changed(is_pending=True, pay_url=pay)
    (asked, _) = server.asked
    assert asked.body["payment_behavior"] == "pending_if_incomplete"
    assert asked.body["proration_behavior"] == "always_invoice"
    assert asked.headers["Idempotency-Key"] == "key-1"


def ending(how: Any = "now", *items: str, is_credited: bool = True) -> Ending:
    return Ending("sub_1", "sub_2", how, items, is_credited)


@pytest.mark.parametrize(
    ("wanted", "method", "sent"),
    [
        (ending(), "DELETE", {"prorate": "true", "invoice_now": "true"}),
        (ending(is_credited=False), "DELETE", {}),
        (ending("at_period_end", is_credited=False), "POST", {"cancel_at_period_end": "true"}),
        (
            ending("items", "si_1"),
            "POST",
            {
                "items[0][id]": "si_1",
                "items[0][deleted]": "true",
                "proration_behavior": "always_invoice",
            },
        ),
        (
            ending("items", "si_1", is_credited=False),
            "POST",
            {"items[0][id]": "si_1", "items[0][deleted]": "true", "proration_behavior": "none"},
        ),
    ],
)
def test_A88_it_is_ended_in_its_way(
    api: StripeApi, server: Recorded, wanted: Ending, method: str, sent: dict[str, str]
) -> None:
    server.play(method, "/v1/subscriptions/sub_1", answer({"id": "sub_1"}))
    api.end(wanted)
    (asked,) = server.asked
    query = {key: value for key, (value,) in asked.query.items()}
    assert {**query, **(asked.body or {})} == sent


def test_A88_what_is_gone_already_is_ended_and_a_refusal_is_told(
    api: StripeApi, server: Recorded
) -> None:
    gone = {"error": {"type": "invalid_request_error", "code": "resource_missing"}}
    server.play("DELETE", "/v1/subscriptions/sub_1", answer(gone, 404), answer({"error": {}}, 403))
    api.end(ending())
    with pytest.raises(Forbidden):
        api.end(ending())
