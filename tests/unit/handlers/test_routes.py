"""Which event leads to which tasks."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.events.forum import ForumEvent
from bridge.core.events.stripe import Event, read_event
from bridge.core.events.tasks import (
    Ignore,
    Link,
    ReadCustomer,
    ReadPrice,
    ReadProduct,
    SyncCustomer,
    SyncObject,
    Task,
)
from bridge.core.model.carried import Carried
from handlers import FORUM_ROUTES, NOT_LISTENED_TO, ROUTES, route

ROOT = Path(__file__).resolve().parents[3]
RECORDED = ROOT.parent / "shared" / "contract" / "stripe" / "recorded"

AT = datetime(2026, 11, 22, tzinfo=UTC)


def event_of(kind: str, **fields: Any) -> Event:
    """An event that names everything, as far as the test does not say otherwise."""
    known: dict[str, Any] = {
        "id": "evt_1",
        "type": kind,
        "object_id": "obj_1",
        "object_kind": "thing",
        "customer_id": "cus_1",
        "created_at": AT,
        "livemode": False,
    }
    return Event(**{**known, **fields})


WORD = Carried("u5.sig", AT)


def synced(*, purchases: bool = False, money: bool = False) -> SyncCustomer:
    return SyncCustomer("cus_1", purchases=purchases, money=money)


def searched(
    found: str, object_id: str, *, purchases: bool = False, money: bool = False
) -> SyncObject:
    return SyncObject(found, object_id, purchases=purchases, money=money)


SUBSCRIPTION_TYPES = [t for t in ROUTES if t.removeprefix("v1.").startswith("customer.subscr")]
SCHEDULE_TYPES = [t for t in ROUTES if t.startswith("subscription_schedule.")]
MONEY_BACK_TYPES = [t for t in ROUTES if t.startswith(("refund.", "charge.refund", "charge.disp"))]
PRODUCT_TYPES = [t for t in ROUTES if t.removeprefix("v1.").startswith("product.")]
PRICE_TYPES = [t for t in ROUTES if t.removeprefix("v1.").startswith(("price.", "plan."))]
INVOICE_TYPES = [
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.finalized",
    "invoice.finalization_failed",
    "invoice.overdue",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "invoice.updated",
]


@pytest.mark.parametrize("kind", SUBSCRIPTION_TYPES)
def test_whatever_happens_to_a_subscription_its_customer_is_read(kind: str) -> None:
    assert route(event_of(kind)) == [synced()]


@pytest.mark.parametrize("kind", SUBSCRIPTION_TYPES)
def test_a_subscription_event_without_a_customer_asks_whose_it_is(kind: str) -> None:
    event = event_of(kind, customer_id=None, object_kind="subscription", object_id="sub_1")

    assert route(event) == [searched("subscription", "sub_1")]


def test_a_subscription_that_carries_a_reference_links_its_customer() -> None:
    kind = "customer.subscription.created"

    assert route(event_of(kind, reference="u5.sig")) == [Link("cus_1", WORD), synced()]


@pytest.mark.parametrize(
    "kind",
    ["completed", "async_payment_succeeded", "async_payment_failed"],
)
def test_a_checkout_of_a_one_off_order_reads_the_orders(kind: str) -> None:
    kind = f"checkout.session.{kind}"
    event = event_of(kind, reference="u5.sig", related={"payment_intent": "pi_1"})

    assert route(event) == [Link("cus_1", WORD), synced(purchases=True)]


def test_an_order_that_costs_nothing_is_an_order() -> None:
    kind = "checkout.session.completed"

    assert route(event_of(kind)) == [synced(purchases=True)]


def test_a_checkout_of_a_subscription_reads_no_orders() -> None:
    kind = "checkout.session.completed"

    assert route(event_of(kind, related={"subscription": "sub_1"})) == [synced()]


def test_a_checkout_that_only_saves_a_card_is_ignored() -> None:
    tasks = route(event_of("checkout.session.completed", related={"setup_intent": "seti_1"}))

    assert tasks == [Ignore("a card was saved for later: nothing was bought")]


def test_a_guests_checkout_claims_nothing_and_is_looked_up() -> None:
    kind = "checkout.session.completed"
    event = event_of(kind, customer_id=None, object_kind="checkout.session", reference="u5.sig")

    assert route(event) == [searched("checkout.session", "obj_1", purchases=True)]


@pytest.mark.parametrize("kind", INVOICE_TYPES)
def test_a_subscriptions_invoice_comes_with_the_reading_of_subscriptions(kind: str) -> None:
    assert route(event_of(kind, related={"subscription": "sub_1"})) == [synced()]


@pytest.mark.parametrize("kind", INVOICE_TYPES)
def test_an_invoice_of_no_subscription_is_read_as_money(kind: str) -> None:
    assert route(event_of(kind)) == [synced(money=True)]


def test_A107_a_credit_note_is_read_as_money_and_may_say_which_line_was_refunded() -> None:
    kind = "credit_note.created"

    assert route(event_of(kind)) == [synced(purchases=True, money=True)]
    assert route(event_of(kind, customer_id=None, related={"invoice": "in_1"})) == [
        searched("invoice", "in_1", purchases=True, money=True)
    ]


@pytest.mark.parametrize("kind", MONEY_BACK_TYPES)
def test_money_that_goes_back_reads_orders_and_money(kind: str) -> None:
    assert route(event_of(kind)) == [synced(purchases=True, money=True)]


@pytest.mark.parametrize(
    ("related", "found"),
    [
        ({"charge": "ch_1", "payment_intent": "pi_1"}, ("charge", "ch_1")),
        ({"payment_intent": "pi_1"}, ("payment_intent", "pi_1")),
        ({}, ("refund", "re_1")),
    ],
)
def test_a_refund_finds_its_customer_by_what_it_refunds(
    related: dict[str, str], found: tuple[str, str]
) -> None:
    kind = "refund.created"
    event = event_of(
        kind, customer_id=None, object_kind="refund", object_id="re_1", related=related
    )

    assert route(event) == [searched(*found, purchases=True, money=True)]


@pytest.mark.parametrize("kind", SCHEDULE_TYPES)
def test_a_schedule_reads_the_customer_of_its_subscription(kind: str) -> None:
    assert route(event_of(kind)) == [synced()]
    assert route(event_of(kind, customer_id=None, related={"subscription": "sub_1"})) == [
        searched("subscription", "sub_1")
    ]


def test_a_customer_matters_when_its_metadata_name_a_user() -> None:
    kind = "customer.updated"

    assert route(event_of(kind, reference="u5.sig")) == [Link("cus_1", WORD)]
    assert route(event_of(kind)) == [Ignore("nothing in it says who the customer is on the forum")]


def test_a_thin_event_about_a_customer_has_its_metadata_read() -> None:
    event = event_of("v1.customer.updated", thin=True, object_kind="customer", object_id="cus_1")

    assert route(event) == [ReadCustomer("cus_1")]


def test_A118_a_customer_that_is_said_to_be_deleted_is_read() -> None:
    assert route(event_of("customer.deleted")) == [ReadCustomer("cus_1")]
    assert route(event_of("customer.deleted", customer_id=None)) == [
        Ignore("the event customer.deleted names no customer")
    ]


@pytest.mark.parametrize("kind", PRODUCT_TYPES)
def test_a_changed_product_is_read(kind: str) -> None:
    assert route(event_of(kind)) == [ReadProduct("obj_1")]
    assert route(event_of(kind, object_id=None)) == [Ignore(f"the event {kind} names no product")]


@pytest.mark.parametrize("kind", PRICE_TYPES)
def test_a_changed_price_is_read_by_its_newer_and_its_older_name(kind: str) -> None:
    assert route(event_of(kind)) == [ReadPrice("obj_1")]
    assert route(event_of(kind, object_id=None)) == [Ignore(f"the event {kind} names no price")]


def test_entitlements_read_the_customer_they_name() -> None:
    kind = "entitlements.active_entitlement_summary.updated"
    thin = event_of(f"v1.{kind}", thin=True, customer_id=None, object_id=None, object_kind=None)

    assert route(event_of(kind)) == [synced()]
    assert route(thin) == [Ignore("it names no customer; the subscription's own event does")]


def test_a_thin_event_is_taken_as_the_snapshot_of_the_same_name() -> None:
    kind = "v1.invoice.paid"
    event = event_of(kind, thin=True, customer_id=None, object_kind="invoice", object_id="in_1")

    assert route(event) == [searched("invoice", "in_1", money=True)]


def test_a_type_nobody_listens_to_is_ignored_saying_so() -> None:
    assert route(event_of("person.created")) == [NOT_LISTENED_TO]
    assert route(event_of("v1.person.created", thin=True)) == [NOT_LISTENED_TO]


@pytest.mark.parametrize("kind", ROUTES)
def test_every_type_ends_in_a_task_even_when_the_event_names_nothing(kind: str) -> None:
    event = event_of(kind, customer_id=None, object_id=None, object_kind=None)

    assert all(isinstance(task, Ignore) and task.reason for task in route(event))


@given(
    st.sampled_from(sorted(ROUTES)),
    st.none() | st.text(min_size=1),
    st.none() | st.text(min_size=1),
    st.none() | st.text(min_size=1),
    st.dictionaries(
        st.sampled_from(["subscription", "charge", "payment_intent", "invoice", "setup_intent"]),
        st.text(min_size=1),
    ),
)
def test_no_event_makes_a_handler_fail_or_do_nothing_silently(
    kind: str,
    customer: str | None,
    object_id: str | None,
    reference: str | None,
    related: dict[str, str],
) -> None:
    event = event_of(
        kind, customer_id=customer, object_id=object_id, reference=reference, related=related
    )

    assert route(event)


def recorded_files() -> list[Any]:
    files = sorted(RECORDED.glob("*/*.json"))
    if not files:
        reason = "the recorded events of Stripe are not beside this checkout"
        return [pytest.param(RECORDED, marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(file, id=f"{file.parent.name}/{file.stem}") for file in files]


@pytest.mark.parametrize("file", recorded_files())
def test_every_recorded_event_of_stripe_is_read_and_has_a_route(file: Path) -> None:
    payload = json.loads(file.read_text())

    event = read_event(payload)
    tasks = route(event)

    assert event.type == payload["type"]
    assert event.type in ROUTES
    assert tasks
    assert all(task.reason for task in tasks if isinstance(task, Ignore))


def test_recorded_events_that_change_something_are_not_ignored() -> None:
    if not RECORDED.exists():
        pytest.skip("the recorded events of Stripe are not beside this checkout")
    ignored = {
        json.loads(file.read_text())["type"]
        for file in RECORDED.glob("*/*.json")
        if isinstance(route(read_event(json.loads(file.read_text())))[0], Ignore)
    }

    assert ignored == {
        "charge.failed",
        "checkout.session.completed",  # the one that only saves a card
        "customer.created",
        "customer.updated",
        "invoice.created",
        "invoice.deleted",
        "invoice.upcoming",
        "invoice_payment.paid",
    }


def documented() -> dict[str, str]:
    page = (ROOT / "docs" / "events.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \|[^|]+\| ([^|]+) \|$", page, re.MULTILINE)
    return {kind: task.strip() for kind, task in rows}


def named(task: Task) -> str:
    """The task as docs/events.md writes it: its name, and further readings."""
    flags = [flag for flag in ("purchases", "money") if getattr(task, flag, False)]
    return " + ".join([type(task).__name__, *flags])


def test_the_events_page_lists_every_type_with_its_task() -> None:
    stripe = {kind: route(event_of(kind, reference="u5.sig"))[-1] for kind in ROUTES}
    discourse = {
        kind: handler(ForumEvent("e", kind, user_id=5, group_id=7))[-1]
        for kind, handler in FORUM_ROUTES.items()
    }

    assert documented() == {kind: named(task) for kind, task in (stripe | discourse).items()}


def test_A105_credit_that_moved_has_the_money_read() -> None:
    moved = replace(event_of("customer.updated"), customer_id="cus_1", balance_moved=True)
    (task,) = route(moved)
    assert isinstance(task, SyncCustomer)
    assert task.money
