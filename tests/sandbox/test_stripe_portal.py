"""The customer portal's features and deep links, clicked through as a member would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import stripe

from tests.sandbox.stripe_shop import DAY, Shop, open_shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def portal(shop: Shop, sub: Any, flow: dict[str, Any] | None = None, **features: Any) -> str:
    """The address of a portal that offers these features."""
    made = shop.v1.billing_portal.configurations.create({"features": features})
    asked = {"customer": sub.customer, "configuration": made.id}
    return str(
        shop.v1.billing_portal.sessions.create({**asked, "flow_data": flow} if flow else asked).url
    )


def flow(kind: str, sub: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, kind: {"subscription": sub.id, **more}}


def page(url: str) -> str:
    return requests.get(url, timeout=10).text


def press(url: str, action: str, sub: Any, **form: str) -> int:
    data = {"subscription": sub.id, **form}
    return requests.post(f"{url}/{action}", data=data, timeout=10).status_code


def test_a_member_pauses_and_resumes(shop: Shop) -> None:
    sub = shop.subscribe()
    url = portal(shop, sub, flow("subscription_pause", sub), subscription_pause={"enabled": True})
    assert "Pause" in page(url)
    assert "Cancel" not in page(url)
    assert press(url, "pause", sub) == 200
    paused = shop.read(sub)
    assert (paused.status, paused.status_details.paused.subscription.type) == (
        "paused",
        "pause_requested",
    )
    assert press(url, "resume", sub) == 200
    assert shop.read(sub).status == "active"


def test_a_pause_of_a_chosen_length_ends_by_itself(shop: Shop) -> None:
    sub = shop.subscribe()
    options = [{"interval": "week", "interval_count": 2}]
    duration = {"type": "interval_options", "interval_options": options}
    url = portal(shop, sub, subscription_pause={"enabled": True, "duration": duration})
    assert press(url, "pause", sub, length="9 year") == 400
    assert press(url, "pause", sub, length="2 week") == 200
    shop.advance(13)
    assert shop.read(sub).status == "paused"
    shop.advance(2)
    assert shop.read(sub).status == "active"


def test_a_change_to_confirm_says_what_it_costs_and_is_made_as_it_was_shown(shop: Shop) -> None:
    sub = shop.subscribe()
    items = [{"id": sub["items"].data[0].id, "price": shop.price(3000), "quantity": 2}]
    url = portal(
        shop,
        sub,
        flow("subscription_update_confirm", sub, items=items),
        subscription_update={
            "enabled": True,
            "default_allowed_updates": ["price", "quantity"],
            "proration_behavior": "always_invoice",
        },
    )
    assert "Confirm" in page(url)
    assert press(url, "confirm", sub) == 200
    changed = shop.read(sub)
    assert (changed["items"].data[0].quantity, shop.last_invoice(changed).total) == (2, 5000)


def test_a_change_to_less_waits_for_the_end_of_the_period_where_the_portal_says_so(
    shop: Shop,
) -> None:
    sub, less = shop.subscribe(shop.price(3000)), shop.price(1000)
    conditions = [{"type": "decreasing_item_amount"}]
    url = portal(
        shop,
        sub,
        flow("subscription_update", sub),
        subscription_update={
            "enabled": True,
            "default_allowed_updates": ["price"],
            "schedule_at_period_end": {"conditions": conditions},
        },
    )
    assert press(url, "switch", sub, price=less) == 200
    waiting = shop.read(sub)
    assert waiting["items"].data[0].price.unit_amount == 3000
    assert waiting.schedule is not None
    shop.advance(32)
    assert shop.read(sub)["items"].data[0].price.id == less


def test_cancelling_at_once_pays_back_the_rest_and_keeps_the_reason(shop: Shop) -> None:
    sub = shop.subscribe()
    reason = {"enabled": True, "options": ["too_expensive", "unused"]}
    url = portal(
        shop,
        sub,
        flow("subscription_cancel", sub),
        subscription_cancel={
            "enabled": True,
            "mode": "immediately",
            "proration_behavior": "always_invoice",
            "cancellation_reason": reason,
        },
    )
    assert "too expensive" in page(url)
    assert press(url, "cancel", sub, feedback="unused") == 200
    gone = shop.read(sub)
    assert (gone.status, gone.cancellation_details.feedback) == ("canceled", "unused")
    assert shop.v1.customers.retrieve(sub.customer).balance == -1000


def test_members_change_only_what_they_may_of_themselves(shop: Shop) -> None:
    sub = shop.subscribe()
    feature = {"enabled": True, "allowed_updates": ["name"]}
    url = portal(shop, sub, {"type": "customer_update"}, customer_update=feature)
    assert "Your details" in page(url)
    assert press(url, "details", sub, name="Ann Other", email="other@example.com") == 200
    customer = shop.v1.customers.retrieve(sub.customer)
    assert (customer.name, customer.email) == ("Ann Other", "ann@example.com")


def test_a_deep_link_to_a_feature_that_is_off_is_refused(shop: Shop) -> None:
    sub = shop.subscribe()
    for kind in ("subscription_cancel", "subscription_pause"):
        with pytest.raises(stripe.InvalidRequestError):
            portal(shop, sub, flow(kind, sub), invoice_history={"enabled": True})


def test_an_updated_schedule_changes_the_phase_under_way_at_once(shop: Shop) -> None:
    sub, more = shop.subscribe(), shop.price(3000)
    made = shop.v1.subscription_schedules.create({"from_subscription": sub.id})
    shop.advance(10)
    begins, ends = made.phases[0].start_date, made.phases[0].end_date
    shop.v1.subscription_schedules.update(
        made.id,
        {
            "phases": [{"items": [{"price": more}], "start_date": begins, "end_date": ends}],
            "proration_behavior": "always_invoice",
        },
    )
    assert shop.read(sub)["items"].data[0].price.id == more
    charged = 2000 * (ends - begins - 10 * DAY) / (ends - begins)
    assert abs(shop.last_invoice(sub).total - charged) <= 1
