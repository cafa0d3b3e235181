"""The table of the simulated Stripe's endpoints, and what each is held to.

`python -m tests.contract.test_sandbox_stripe_table` puts it between its marks in docs/sandbox.md.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.sandbox.stripe import older
from bridge.sandbox.stripe.routes import ROUTES
from bridge.sandbox.stripe.shapes import SHAPES
from tests.contract.test_sandbox_stripe_params import operations

DOCUMENT = Path(__file__).parents[2] / "docs" / "sandbox.md"
BEGIN, END = "<!-- stripe: begin -->\n", "<!-- stripe: end -->\n"

# The last family in a path -> the kind of object that the endpoint answers.
KINDS = {
    "active_entitlements": "entitlements.active_entitlement",
    "balance_transactions": "balance_transaction",
    "configurations": "billing_portal.configuration",
    "credit_notes": "credit_note",
    "features": "entitlements.feature",
    "invoice_payments": "invoice_payment",
    "invoiceitems": "invoiceitem",
    "line_items": "item",
    "lines": "line_item",
    "payment_intents": "payment_intent",
    "payment_links": "payment_link",
    "payment_methods": "payment_method",
    "promotion_codes": "promotion_code",
    "setup_intents": "setup_intent",
    "subscription_items": "subscription_item",
    "subscription_schedules": "subscription_schedule",
    "tax_ids": "tax_id",
    "tax_rates": "tax_rate",
    "test_clocks": "test_helpers.test_clock",
    "webhook_endpoints": "webhook_endpoint",
}
WHOLE_PATHS = {
    "/v1/checkout/sessions": "checkout.session",
    "/v1/billing_portal/sessions": "billing_portal.session",
    "/v1/customers/{}/balance_transactions": "customer_balance_transaction",
    "/v1/credit_notes/{}/lines": "credit_note_line_item",
    "/v1/products/{}/features": "product_feature",
}
PLAIN = (
    "customer",
    "product",
    "price",
    "coupon",
    "subscription",
    "invoice",
    "charge",
    "refund",
    "dispute",
    "payout",
)

# What an endpoint does not do, where that could surprise.
NOT_DONE = {
    "POST /v1/prices": "no tiers, no metered usage, no other currencies of one price",
    "POST /v1/charges": "no transfers, no application fees",
    "POST /v1/payment_intents": "cards and bank debits only; no incremental authorization",
    "POST /v1/payment_methods": "test cards, SEPA and US bank debits",
    "POST /v1/subscriptions": "no usage, no thresholds, no billing schedules, no backdated items",
    "POST /v1/subscriptions/{}": "a pending update holds items only",
    "POST /v1/subscription_schedules": "no pause schedules, no phases' own tax rates",
    "POST /v1/subscription_schedules/{}": "the phase under way is not changed at once",
    "POST /v1/invoices": "no shipping, no rendering, no mail",
    "POST /v1/invoices/create_preview": "no schedules, no phases to come",
    "POST /v1/credit_notes": "no taxes of its own, no shipping",
    "POST /v1/checkout/sessions": "hosted pages only; no shipping, no custom fields on the page",
    "POST /v1/checkout/sessions/{}": "metadata only",
    "POST /v1/billing_portal/sessions": "no pausing on the page",
    "GET /v1/events": "30 days back, as at Stripe",
    "GET /v1/customers/search": "AND or OR, not both",
    "POST /v1/test_helpers/test_clocks/{}/advance": "ready at once",
    "GET /v1/balance": "one balance, no reserves",
    "POST /v1/payouts": "arrives the next day, never fails",
    "POST /v2/core/event_destinations": "webhook endpoints only",
}


def kind_of(operation: str) -> str | None:
    """The kind of object that an operation answers or lists."""
    path = operation.split(" ")[1]
    for whole, kind in WHOLE_PATHS.items():
        if path == whole or re.fullmatch(re.escape(whole) + r"/\{\}(/(expire|close))?", path):
            return kind
    families = [part for part in path.split("/")[2:] if part != "{}"]
    for family in reversed(families):
        singular = family.removesuffix("s")
        if family in KINDS or singular in PLAIN:
            return KINDS.get(family, singular)
    return None


def table() -> str:
    known = set(operations())
    lines = [
        "| endpoint | parameters held to | answer held to | what it does not do |",
        "|---|---|---|---|",
    ]
    for operation in sorted(ROUTES, key=lambda o: (o.split(" ")[1], o)):
        kind = kind_of(operation)
        held = f"example and types of `{kind}`" if kind in SHAPES else ""
        params = "the official library" if operation in known else ""
        note = "for older versions" if operation in older.ROUTES else NOT_DONE.get(operation, "")
        lines.append(f"| `{operation}` | {params} | {held} | {note} |")
    return "\n".join(lines) + "\n"


@pytest.mark.contract
def test_what_is_not_done_is_said_of_endpoints_that_exist() -> None:
    assert set(NOT_DONE) <= set(ROUTES)


@pytest.mark.contract
def test_nearly_every_endpoint_is_held_to_the_library_and_to_an_example() -> None:
    v1 = {op for op in ROUTES if "/v1/" in op} - set(older.ROUTES)
    assert v1 <= set(operations())
    without = {op for op in v1 if kind_of(op) not in SHAPES}
    assert without <= {op for op in v1 if re.search("/(events|plans|balance)(/|$)", op)}


@pytest.mark.contract
def test_the_table_in_the_documentation_is_true_where_it_stands() -> None:
    text = DOCUMENT.read_text()
    assert text.partition(BEGIN)[2].partition(END)[0] == table(), (
        "write it anew: python -m tests.contract.test_sandbox_stripe_table"
    )


if __name__ == "__main__":
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + table() + END + rest.partition(END)[2])
