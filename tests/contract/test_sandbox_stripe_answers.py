"""Every answer of the simulated Stripe is compared with official examples and the SDK's types.

`python -m tests.contract.test_sandbox_stripe_answers` writes the table of the endpoints, and what
the answers of each were held to, between its marks in docs/sandbox.md.
"""

from __future__ import annotations

import json
import typing
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from bridge.sandbox.stripe import (
    add_webhook,
    conflict,
    delivery,
    older,
    restrict,
    too_many_requests,
)
from bridge.sandbox.stripe.routes import ROUTES
from bridge.sandbox.stripe.shapes import SHAPES
from tests.contract import stripe_story
from tests.contract.stripe_shapes import (
    FIXTURES,
    class_of,
    examples,
    fields,
    kinds_in,
    operation_of,
    problems,
)
from tests.contract.test_sandbox_stripe_params import operations
from tests.sandbox.stripe_shop import Listener, Shop, open_shop

pytestmark = pytest.mark.contract
DOCUMENT = Path(__file__).parents[2] / "docs" / "sandbox.md"
BEGIN, END = "<!-- stripe: begin -->\n", "<!-- stripe: end -->\n"

# What an endpoint does not do, where that could surprise.
NOT_DONE = {
    "POST /v1/prices": "no usage is recorded: a metered price costs nothing",
    "POST /v1/charges": "no transfers, no application fees",
    "POST /v1/payment_intents": "cards, bank debits and transfers; no incremental authorization",
    "POST /v1/payment_methods": "test cards, SEPA and US bank debits",
    "POST /v1/subscriptions": "no usage, no thresholds, no billing schedules, no backdated items",
    "POST /v1/subscriptions/{}": "a pending update holds items, trial and anchor",
    "POST /v1/subscription_schedules": "no pause schedules, no phases' own tax rates",
    "POST /v1/invoices": "no shipping, no rendering, no mail",
    "POST /v1/invoices/create_preview": "no schedule that has not begun",
    "POST /v1/credit_notes": "no taxes of its own, no shipping, no preview",
    "POST /v1/checkout/sessions": "hosted pages only, without shipping, custom fields, recovery",
    "POST /v1/checkout/sessions/{}": "metadata only",
    "GET /v1/events": "30 days back, as at Stripe",
    "GET /v1/customers/search": "AND or OR, not both",
    "POST /v1/test_helpers/test_clocks/{}/advance": "ready at once",
    "GET /v1/balance": "one balance, no reserves",
    "POST /v1/payouts": "to one bank account, or one that sends it back; arrives the next day",
    "POST /v2/core/event_destinations": "webhook endpoints only",
}


@dataclass
class Told:
    """The results of the story, by operation."""

    wrong: list[str] = field(default_factory=list)
    kinds: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    inside: set[str] = field(default_factory=set)

    def hear(self, shop: Shop) -> None:
        """Check all that the shop has answered."""
        for entry in shop.world.journal.since():
            operation = operation_of(entry.method, entry.path, ROUTES) or entry.path
            self.wrong += [f"{operation} {p}" for p in problems(entry.response)]
            if entry.status == requests.codes.ok:
                self.counts[operation] += 1
                self.kinds[operation] |= answered(entry.response)
                self.inside |= kinds_in(entry.response)


def answered(body: Any) -> set[str]:
    """The kinds of objects that an answer is about."""
    rows = body.get("data") if isinstance(body.get("data"), list) else [body]
    return {row["object"] for row in rows if isinstance(row, dict) and "object" in row}


@cache
def told() -> Told:
    """The whole story, each part in its own shop, with everything expanded."""
    found = Told()
    for part in stripe_story.PARTS:
        with open_shop() as shop:
            part(shop)
            found.wrong += expand_all(shop)
            list(shop.v1.events.list({"limit": 100}).auto_paging_iter())
            found.hear(shop)
    return found


def expand_all(shop: Shop) -> Iterator[str]:
    """Every object that was retrieved once more, with every field that may be expanded.

    Answers what could not be expanded.
    """
    last: dict[str, tuple[str, str]] = {}
    for entry in shop.world.journal.since():
        operation = operation_of(entry.method, entry.path, ROUTES) or ""
        kind = entry.response.get("object", "") if isinstance(entry.response, dict) else ""
        if entry.method == "GET" and operation.endswith("{}") and class_of(kind):
            last[operation] = (entry.path, kind)
    for path, kind in last.values():
        names = [name for name, hint in fields(class_of(kind)).items() if is_expandable(hint)]
        if "/v1/" in path:
            try:
                shop.client.raw_request("get", path, expand=names)
            except stripe.StripeError as error:
                if error.code != "resource_missing":  # it was deleted in the course of the story
                    yield f"{path}: {error}"


def is_expandable(hint: Any) -> bool:
    """Whether the SDK's type is an id or the object."""
    choices = typing.get_args(hint)
    return str in choices and any(isinstance(c, typing.ForwardRef) for c in choices)


def test_no_route_is_left_out_of_the_story() -> None:
    assert set(ROUTES) - set(told().counts) == set()


def test_every_kind_of_object_comes_into_the_story() -> None:
    assert set(SHAPES) - told().inside == set()


@pytest.mark.skipif(not FIXTURES.exists(), reason="the official examples are not at hand")
def test_every_answer_fits_the_official_examples_and_the_types_of_the_library() -> None:
    assert sorted(set(told().wrong)) == []


@pytest.mark.skipif(not FIXTURES.exists(), reason="the official examples are not at hand")
def test_what_webhooks_deliver_fits_as_well_thin_or_not() -> None:
    listener = Listener()
    try:
        with open_shop() as shop:
            for thin in (False, True):
                add_webhook(shop.world, listener.url, thin=thin)
            stripe_story.reductions(shop)
            stripe_story.schedules(shop)
            assert delivery.wait_until_idle(shop.world)
            bodies = [json.loads(body) for body, _ in listener.got]
    finally:
        listener.close()
    assert {b["object"] for b in bodies} == {"event", "v2.core.event"}
    assert sorted({p for body in bodies for p in problems(body)}) == []


def test_the_story_can_be_told_in_an_older_version_too() -> None:
    for part in stripe_story.PARTS:
        with open_shop() as shop:
            shop.client = stripe.StripeClient(
                "sk_test_x", base_addresses={"api": shop.server.url}, stripe_version="2022-11-15"
            )
            shop.v1 = shop.client.v1
            part(shop)


# What is asked, and the status, type and code with which it is refused.
REFUSALS: dict[str, tuple[Any, tuple[int, str, str | None]]] = {
    "an unknown parameter": (
        lambda shop: shop.v1.customers.create({"colour": "red"}),
        (400, "invalid_request_error", "parameter_unknown"),
    ),
    "a missing parameter": (
        lambda shop: shop.v1.payment_intents.create({"currency": "eur"}),
        (400, "invalid_request_error", "parameter_missing"),
    ),
    "a wrong word": (
        lambda shop: shop.v1.coupons.create({"percent_off": 10, "duration": "always"}),
        (400, "invalid_request_error", None),
    ),
    "no such key": (
        lambda shop: shop.v1.customers.list(options={"api_key": "sk_live_x"}),
        (401, "invalid_request_error", None),
    ),
    "a declined payment": (
        lambda shop: shop.v1.payment_intents.create(
            {
                "amount": 100,
                "currency": "eur",
                "confirm": True,
                "payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds",
            }
        ),
        (402, "card_error", "card_declined"),
    ),
    "a card that cannot be saved": (
        lambda shop: shop.v1.payment_methods.attach(
            "pm_card_chargeDeclined", {"customer": shop.customer(None)}
        ),
        (402, "card_error", "card_declined"),
    ),
    "a declined invoice": (
        lambda shop: shop.v1.invoices.pay(
            shop.subscribe(customer=shop.customer("pm_card_chargeCustomerFail")).latest_invoice
        ),
        (402, "card_error", "card_declined"),
    ),
    "a restricted key": (
        lambda shop: shop.v1.customers.list(
            options={"api_key": restrict(shop.world, {"invoices:read"})}
        ),
        (403, "invalid_request_error", "more_permissions_required"),
    ),
    "nothing there": (
        lambda shop: shop.v1.customers.retrieve("cus_none"),
        (404, "invalid_request_error", "resource_missing"),
    ),
    "nothing there for a parameter": (
        lambda shop: shop.v1.subscriptions.create(
            {"customer": "cus_none", "items": [{"price": "price_none"}]}
        ),
        (400, "invalid_request_error", "resource_missing"),
    ),
    "no such address": (
        lambda shop: shop.client.raw_request("get", "/v1/quotes"),
        (404, "invalid_request_error", None),
    ),
}


def same_key_twice(shop: Shop) -> None:
    for name in ("Ann", "Bob"):
        shop.v1.customers.create({"name": name}, {"idempotency_key": "once"})


def with_switch(switch: Any, **more: Any) -> Any:
    def call(shop: Shop) -> None:
        switch(shop.world, **more)
        shop.v1.customers.list()

    return call


REFUSALS |= {
    "the same key for something else": (same_key_twice, (400, "idempotency_error", None)),
    "a key that is in use": (
        with_switch(conflict),
        (409, "idempotency_error", "idempotency_key_in_use"),
    ),
    "too many requests": (
        with_switch(too_many_requests),
        (429, "invalid_request_error", "rate_limit"),
    ),
    "an object in use": (
        with_switch(too_many_requests, lock_timeout=True),
        (429, "invalid_request_error", "lock_timeout"),
    ),
}


def test_every_refusal_has_stripes_status_type_and_shape() -> None:
    with open_shop() as shop:
        for case, (call, expected) in REFUSALS.items():
            error = stripe_story.refused(call, shop)
            answer: Any = error.json_body
            body = answer["error"]
            assert (error.http_status, body["type"], body.get("code")) == expected, case
            assert list(problems(answer)) == [], case


def held_to(kind: str) -> str:
    """The sources with which objects of a kind were compared."""
    parts = ["example"] * (kind in examples()) + ["types"] * (class_of(kind) is not None)
    return f"`{kind}` ({' and '.join(parts)})"


def table() -> str:
    """The endpoints, and the comparisons that the story really made."""
    known = set(operations())
    lines = [
        "| endpoint | parameters held to | answers held to | what it does not do |",
        "|---|---|---|---|",
    ]
    for operation in sorted(ROUTES, key=lambda o: (o.split(" ")[1], o)):
        held = ", ".join(held_to(kind) for kind in sorted(told().kinds[operation]))
        params = "the official library" if operation in known else ""
        note = "for older versions" if operation in older.ROUTES else NOT_DONE.get(operation, "")
        lines.append(f"| `{operation}` | {params} | {held} | {note} |")
    return "\n".join(lines) + "\n"


def test_what_is_not_done_is_said_of_endpoints_that_exist() -> None:
    assert set(NOT_DONE) <= set(ROUTES)


@pytest.mark.skipif(not FIXTURES.exists(), reason="the official examples are not at hand")
def test_the_table_in_the_documentation_says_what_the_answers_were_held_to() -> None:
    text = DOCUMENT.read_text()
    assert text.partition(BEGIN)[2].partition(END)[0] == table(), (
        "write it anew: python -m tests.contract.test_sandbox_stripe_answers"
    )


if __name__ == "__main__":
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + table() + END + rest.partition(END)[2])
