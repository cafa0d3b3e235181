"""The books of payloads that Stripe sent: the result of each is known exactly.

The payloads are kept beside the checkout, not in it; here are their ledgers, as
beancount. `GOLDEN=write` writes them anew.
"""

from __future__ import annotations

import copy
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from beancount.loader import load_string

from bridge.core.ledger.entries import ledger
from bridge.core.ledger.line import STRIPE, Ledger
from bridge.core.ledger.objects import MoneyObject
from bridge.core.ledger.products import ACCOUNTS, Nature
from bridge.exports.journal import beancount
from bridge.stripe_api.money_objects import (
    read_balance_move,
    read_charge,
    read_credit_move,
    read_credit_note,
    read_dispute,
    read_invoice,
    read_order,
    read_payout,
    read_refund,
)
from tests.contract.recorded import CONTRACT, needs_contract
from tests.contract.stripe_shapes import examples, problems

GOLDEN = Path(__file__).parent / "golden"
RECORDED = CONTRACT / "stripe" / "recorded"


def nature(product_id: str | None, _price: str | None, _at: datetime) -> Nature:
    return Nature(ACCOUNTS["membership" if product_id else "other"])


def rows(embedded: object) -> list[Any]:
    return list(embedded["data"]) if isinstance(embedded, Mapping) else []


def charge_and_refunds(raw: Any) -> list[MoneyObject | None]:
    refunds = rows(raw.get("refunds"))
    moves = [moved(raw, raw["amount"]), *(moved(one, -one["amount"]) for one in refunds)]
    return [read_charge(raw), *map(read_refund, refunds), *moves]


def moved(raw: Any, amount: int) -> MoneyObject | None:
    """The balance transaction that a charge or refund names; the payloads do not hold it."""
    if not raw.get("balance_transaction"):
        return None
    said = {"id": raw["balance_transaction"], "type": raw["object"], "source": raw["id"], "fee": 0}
    times = {"created": raw["created"], "available_on": raw["created"]}
    return read_balance_move({**said, **times, "amount": amount, "currency": raw["currency"]})


READERS: Mapping[str, Callable[[Any], Sequence[MoneyObject | None]]] = {
    "invoice": lambda raw: [read_invoice(raw, rows(raw["lines"]), rows(raw.get("payments")))],
    "charge": charge_and_refunds,
    "refund": lambda raw: [read_refund(raw)],
    "dispute": lambda raw: [read_dispute(raw)],
    "credit_note": lambda raw: [read_credit_note(raw, rows(raw["lines"]))],
    "payout": lambda raw: [read_payout(raw, [])],
    "balance_transaction": lambda raw: [read_balance_move(raw)],
    "customer_balance_transaction": lambda raw: [read_credit_move(raw)],
    "checkout.session": lambda raw: [read_order(raw, rows(raw.get("line_items")))],
}


def objects_in(raw: Any) -> list[MoneyObject]:
    """The objects that move money within an object of Stripe."""
    return [one for one in READERS[raw["object"]](raw) if one is not None]


def text_of(made: Ledger) -> str:
    """The ledger as beancount, with findings as comments."""
    found = "".join(f"; {one.code} {' '.join(one.ids)}: {one.says}\n" for one in made.findings)
    if not made.lines:
        return found
    accounts = {line.account for line in made.lines}
    first = min(line.at for line in made.lines).date()
    return found + "".join(beancount(made.lines, accounts, first))


def recorded_money() -> list[Path]:
    found = []
    for path in sorted(RECORDED.rglob("*.json")):
        subject = json.loads(path.read_text())["data"]["object"]
        if subject.get("object") in READERS and subject.get("id"):
            found.append(path)
    return found


def check(name: str, made: Ledger) -> None:
    """The same text as ever, in balance, and accepted by beancount."""
    sums: Counter[tuple[str, str]] = Counter()
    for line in made.lines:
        sums[line.entry_id, line.currency] += line.amount_minor
    assert not any(sums.values())
    text, path = text_of(made), GOLDEN / f"{name}.beancount"
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()
    _, problems, _ = load_string(text)
    assert problems == []


@needs_contract
@pytest.mark.parametrize(
    "path", recorded_money(), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_A68_the_books_of_a_recorded_payload_are_the_same_to_the_last_letter(path: Path) -> None:
    subject = json.loads(path.read_text())["data"]["object"]
    check(f"{path.parent.name}-{path.stem}", ledger(objects_in(subject), nature))


@needs_contract
def test_A68_the_books_of_stripes_own_examples_are_the_same_to_the_last_letter() -> None:
    examples = json.loads((CONTRACT / "stripe" / "fixtures3.json").read_text())["resources"]
    found = [one for name in sorted(READERS) for one in objects_in(examples[name])]
    check("stripes-own-examples", ledger(found, nature))


# --- Shipping -------------------------------------------------------------------------------------
# No recorded payload has it. These are Stripe's own examples with amounts that add up, and each is
# held to the examples and to the types of Stripe's SDK before it is read.

AT = 1_767_225_600
BUYER = {"customer": "cus_1", "currency": "eur", "created": AT}
VAT = {"percentage": 19, "country": "DE", "display_name": "VAT"}


def example(kind: str, **said: Any) -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(examples()[kind])
    return found | said


def rate(*, inclusive: bool) -> dict[str, Any]:
    return example("tax_rate", id="txr_1", inclusive=inclusive, **VAT)


def shipping_cost(net: int, tax: int, *, inclusive: bool) -> dict[str, Any]:
    taxed = {"amount": tax, "taxability_reason": "standard_rated", "taxable_amount": net}
    return {
        **examples()["invoice"]["shipping_cost"],
        "amount_subtotal": net + (tax if inclusive else 0),
        "amount_tax": tax,
        "amount_total": net + tax,
        "shipping_rate": "shr_1",
        "taxes": [taxed | {"rate": rate(inclusive=inclusive)}],
    }


def paid(amount: int, refunds: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    charge = example("charge", id="ch_1", amount=amount, amount_captured=amount, captured=True)
    sent_back = charge["refunds"] | {"data": list(refunds)}
    ids = {"payment_intent": "pi_1", "balance_transaction": "txn_1", "description": "Mug"}
    nothing = dict.fromkeys(("shipping", "source", "transfer_data"))
    return charge | BUYER | ids | nothing | {"refunds": sent_back}


def refund(amount: int) -> dict[str, Any]:
    said = {"id": "re_1", "charge": "ch_1", "balance_transaction": "txn_2", "amount": amount}
    return example("refund", **said) | {"currency": "eur", "created": AT + 60}


def order(*, inclusive: bool) -> list[dict[str, Any]]:
    """A mug of 20.00 and its shipping of 4.90, tax included or added; the shipping is refunded."""
    cost = shipping_cost(412, 78, inclusive=inclusive)
    mug = example("item", id="li_1", description="Mug", currency="eur")
    mug |= {"amount_subtotal": 2000, "amount_total": 2000}
    session = example("checkout.session", id="cs_1", status="complete", payment_intent="pi_1")
    session |= {"amount_subtotal": 2000, "amount_total": 2000 + cost["amount_total"]}
    details = {"amount_discount": 0, "amount_shipping": cost["amount_subtotal"], "amount_tax": 78}
    session |= BUYER | {"shipping_cost": cost, "total_details": details}
    session["line_items"] = page_of([mug], "/v1/checkout/sessions/cs_1/line_items")
    return [session, paid(session["amount_total"], [refund(cost["amount_total"])])]


def page_of(rows: list[dict[str, Any]], url: str) -> dict[str, Any]:
    return {"object": "list", "data": rows, "has_more": False, "url": url}


def invoiced() -> list[dict[str, Any]]:
    """The same by invoice, and a credit note by which the shipping is given back."""
    cost = shipping_cost(412, 78, inclusive=False)
    invoice = example("invoice", id="in_1", status="paid", subtotal=2000, total=2490)
    invoice |= {"amount_due": 2490, "amount_paid": 2490, "amount_remaining": 0}
    invoice |= BUYER | {"shipping_cost": cost, "amount_shipping": 412}
    moments = {"finalized_at": AT, "paid_at": AT}
    invoice["status_transitions"] = invoice["status_transitions"] | moments
    (mug,) = invoice["lines"]["data"]
    mug |= {"id": "il_1", "amount": 2000, "subtotal": 2000, "currency": "eur", "invoice": "in_1"}
    payment = example("invoice_payment", id="inpay_1", invoice="in_1", status="paid")
    payment |= {"amount_paid": 2490, "amount_requested": 2490, "currency": "eur", "created": AT}
    payment["payment"] = {"type": "payment_intent", "payment_intent": "pi_1"}
    payment["status_transitions"] = payment["status_transitions"] | {"paid_at": AT}
    invoice["payments"] = page_of([payment], "/v1/invoice_payments")
    note = example("credit_note", id="cn_1", invoice="in_1", total=490, subtotal=412, amount=490)
    note |= BUYER | {"shipping_cost": cost, "amount_shipping": 412, "voided_at": None}
    note["lines"] = note["lines"] | {"data": []}
    note["refunds"] = [note["refunds"][0] | {"amount_refunded": 490, "refund": "re_1"}]
    return [invoice, paid(2490, [refund(490)]), note]


@needs_contract
@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("shipping-of-an-order", lambda: order(inclusive=False)),
        ("shipping-of-an-order-with-tax-included", lambda: order(inclusive=True)),
        ("shipping-of-an-invoice-with-a-credit-note", invoiced),
    ],
)
def test_A68_the_books_of_shipping_are_the_same_to_the_last_letter(
    name: str, build: Callable[[], list[dict[str, Any]]]
) -> None:
    answers = build()
    assert [one for answer in answers for one in problems(answer)] == []
    book = ledger([one for answer in answers for one in objects_in(answer)], nature)
    assert book.findings == ()
    # What was shipped was given back, and the mug was not.
    assert sum(line.amount_minor for line in book.lines if line.account == "income:shipping") == 0
    assert sum(line.amount_minor for line in book.lines if line.account == STRIPE) == 2000
    check(name, book)
