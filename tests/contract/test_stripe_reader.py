"""Stripe's objects of every age, read into the project's words."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.core.ledger.lines import MoneyLine
from bridge.core.model.stripe import ComingChange, ComingCharge, Price
from bridge.stripe_api.charges import Payment, charge_line, dispute_state, lines_after, refunded_of
from bridge.stripe_api.checkout import read_checkout
from bridge.stripe_api.orders import is_paid_order, one_off_lines, read_purchases
from bridge.stripe_api.paid_invoices import invoice_line, invoice_payment_ids
from bridge.stripe_api.reader import (
    id_of,
    invoice_subscription_id,
    item_rows,
    moment,
    oldest_due,
    past_due_since,
    read_customer,
    read_next_charge,
    read_price,
    read_product,
    read_subscription,
)
from tests.contract.recorded import CONTRACT, needs_contract

pytestmark = pytest.mark.contract
RECORDED = CONTRACT / "stripe" / "recorded"
FILES = sorted(RECORDED.glob("*/*.json"))
T0 = 1_700_000_000
DAY = 86_400

READERS: dict[str, Callable[[Any], Any]] = {
    "subscription": read_subscription,
    "product": read_product,
    "price": read_price,
    "plan": read_price,
    "customer": read_customer,
    "invoice": invoice_line,
    "charge": lambda raw: charge_line(raw, "cus_1"),
    "dispute": lambda raw: dispute_state([raw]),
    "checkout.session": read_checkout,
}


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _object(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())["data"]["object"]
    return found


# --- what others recorded ------------------------------------------------------------------------


@needs_contract
@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_recorded_object_is_read(path: Path) -> None:
    raw = _object(path)
    reader = READERS.get(raw["object"])
    if reader is None:
        assert raw["object"] in {
            "entitlements.active_entitlement_summary",
            "invoice_payment",
            "refund",
            "subscription_schedule",
        }
        return
    if raw.get("id", "").startswith("in_") or raw["object"] != "invoice":
        reader(raw)
    else:
        assert "upcoming" in path.name  # the only object without an id


@needs_contract
@pytest.mark.parametrize(
    "path", [p for p in FILES if "subscription" in p.stem], ids=lambda p: p.stem
)
def test_every_recorded_subscription_has_its_items_with_their_periods(path: Path) -> None:
    raw = _object(path)
    if raw["object"] != "subscription":
        return
    subscription = read_subscription(raw)
    assert subscription.id == raw["id"]
    assert subscription.customer_id == raw["customer"]
    assert len(subscription.items) == len(raw["items"]["data"])
    for item in subscription.items:
        assert item.price_id
        assert item.product_id
        assert item.period_end_at == at(raw["current_period_end"])


@needs_contract
@pytest.mark.parametrize("kind", sorted(READERS))
def test_stripes_own_example_of_each_object_is_read(kind: str) -> None:
    examples = json.loads((CONTRACT / "stripe" / "fixtures3.json").read_text())["resources"]
    if kind == "plan":
        examples["plan"]["product"] = "prod_1"
    READERS[kind](examples[kind])


@needs_contract
@pytest.mark.parametrize("kind", ["product", "customer"])
def test_stripes_own_example_of_a_deleted_object_is_read(kind: str) -> None:
    examples = json.loads((CONTRACT / "stripe" / "fixtures3.json").read_text())["resources"]
    read = READERS[kind](examples[f"deleted_{kind}"])
    assert read.deleted if kind == "customer" else not read.active


# --- subscriptions -------------------------------------------------------------------------------


def a_price(**changed: Any) -> dict[str, Any]:
    return {
        "id": "price_1",
        "product": "prod_1",
        "currency": "eur",
        "unit_amount": 1000,
        "type": "recurring",
        "recurring": {"interval": "month", "interval_count": 1},
        "metadata": {"discourse_groups": "patrons"},
        **changed,
    }


def an_item(**changed: Any) -> dict[str, Any]:
    period = {"current_period_start": T0, "current_period_end": T0 + 30 * DAY}
    return {"id": "si_1", "quantity": 2, "price": a_price(), **period, **changed}


def a_subscription(**changed: Any) -> dict[str, Any]:
    return {
        "id": "sub_1",
        "customer": "cus_1",
        "status": "active",
        "created": T0,
        "start_date": T0,
        "currency": "eur",
        "items": {"data": [an_item()], "has_more": False},
        "metadata": {},
        **changed,
    }


def test_E20_periods_stand_at_the_items_since_2025_and_at_the_subscription_before() -> None:
    old_item = {k: v for k, v in an_item().items() if not k.startswith("current_period")}
    old = a_subscription(
        items={"data": [old_item]},
        current_period_start=T0,
        current_period_end=T0 + 30 * DAY,
    )
    assert read_subscription(old) == read_subscription(a_subscription())


def test_E20_the_oldest_have_a_plan_and_no_items_list() -> None:
    plan = {
        "id": "gold",
        "product": "prod_1",
        "currency": "eur",
        "amount": 500,
        "interval": "year",
        "interval_count": 1,
    }
    raw = a_subscription(plan=plan, quantity=1, start=T0 - 5, current_period_end=T0 + DAY)
    del raw["items"], raw["start_date"]
    read = read_subscription(raw)
    assert [(i.price_id, i.product_id, i.quantity) for i in read.items] == [("gold", "prod_1", 1)]
    assert read.items[0].period_end_at == at(T0 + DAY)
    assert read.started_at == at(T0 - 5)
    price = read_price(plan)
    assert (price.amount_minor, price.interval, price.is_recurring) == (500, "year", True)


def test_E19_every_item_counts_with_its_own_period() -> None:
    other = an_item(id="si_2", price=a_price(id="price_2"), current_period_end=T0 + DAY)
    read = read_subscription(a_subscription(items={"data": [an_item(), other]}))
    assert [i.period_end_at for i in read.items] == [at(T0 + 30 * DAY), at(T0 + DAY)]


def test_a_status_that_is_not_known_yet_passes_through() -> None:
    assert read_subscription(a_subscription(status="hibernating")).status == "hibernating"


@pytest.mark.parametrize(
    ("pause", "behaviour"),
    [
        (None, None),
        ({"behavior": "void", "resumes_at": T0}, "void"),
        ({"behavior": "something_new", "resumes_at": None}, "keep_as_draft"),
    ],
)
def test_E12_a_pause_of_collection_is_read(pause: Any, behaviour: str | None) -> None:
    read = read_subscription(a_subscription(pause_collection=pause))
    assert read.pause_collection == behaviour
    assert read.pause_resumes_at == (at(T0) if behaviour == "void" else None)


def test_E13_both_ways_of_ending_later_are_read() -> None:
    read = read_subscription(a_subscription(cancel_at_period_end=True, cancel_at=T0 + DAY))
    assert read.cancel_at_period_end
    assert read.cancel_at == at(T0 + DAY)


PHASES = [
    {"start_date": T0, "end_date": T0 + DAY, "items": [{"price": "price_1"}]},
    {"start_date": T0 + DAY, "end_date": T0 + 2 * DAY, "items": [{"price": {"id": "price_2"}}]},
    {"start_date": T0 + 2 * DAY, "end_date": T0 + 3 * DAY, "items": [{"plan": "price_3"}]},
]


@pytest.mark.parametrize(
    ("phase", "end", "coming"),
    [
        (0, "cancel", ComingChange(moment(T0 + DAY), ("price_2",))),
        (1, "release", ComingChange(moment(T0 + 2 * DAY), ("price_3",))),
        (2, "release", None),
        (2, "cancel", ComingChange(moment(T0 + 3 * DAY))),
    ],
)
def test_E16_of_a_schedule_the_next_phase_is_to_come_or_its_end(
    phase: int, end: str, coming: ComingChange | None
) -> None:
    current = {key: PHASES[phase][key] for key in ("start_date", "end_date")}
    schedule = {"id": "s", "phases": PHASES, "current_phase": current, "end_behavior": end}
    assert read_subscription(a_subscription(schedule=schedule)).next_change == coming


def test_E16_of_a_schedule_that_is_only_named_or_has_not_begun_nothing_is_told() -> None:
    waits = {"id": "s", "phases": PHASES, "current_phase": None, "end_behavior": "cancel"}
    for schedule in ("sub_sched_1", waits, None):
        read = read_subscription(a_subscription(schedule=schedule))
        assert (read.next_change, read.is_scheduled) == (None, schedule is not None)


@pytest.mark.parametrize("missing", ["customer", "status", "items"])
def test_half_a_subscription_is_no_subscription(missing: str) -> None:
    raw = a_subscription()
    del raw[missing]
    with pytest.raises(KeyError):
        read_subscription(raw)


def test_an_item_without_its_price_is_an_error_and_not_skipped() -> None:
    with pytest.raises(TypeError):
        read_subscription(a_subscription(items={"data": [an_item(price="price_1")]}))


# --- past due and next payment -------------------------------------------------------------------


def an_invoice(**changed: Any) -> dict[str, Any]:
    line = {
        "amount": 1000,
        "description": "1 \u00d7 Patron (at \u20ac10.00 / month)",
        "pricing": {"type": "price_details", "price_details": {"product": "prod_1"}},
    }
    return {
        "id": "in_1",
        "customer": "cus_1",
        "status": "paid",
        "created": T0,
        "currency": "eur",
        "amount_due": 1000,
        "amount_paid": 1000,
        "amount_remaining": 0,
        "starting_balance": 0,
        "ending_balance": 0,
        "lines": {"data": [line]},
        "status_transitions": {"paid_at": T0 + 60},
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"subscription": "sub_1"},
        },
        "hosted_invoice_url": "https://invoice.stripe.com/i/1",
        **changed,
    }


def test_E5_past_due_counts_from_the_oldest_open_invoice() -> None:
    invoices = [an_invoice(id="in_2", created=T0 + 30 * DAY), an_invoice(id="in_1", created=T0)]
    since = oldest_due(invoices, {})
    assert past_due_since(a_subscription(status="past_due"), since) == at(T0)
    assert past_due_since(a_subscription(status="active"), since) is None


def test_E36_a_sent_invoice_counts_from_its_due_date() -> None:
    since = oldest_due([an_invoice(due_date=T0 + 14 * DAY)], {})
    assert since == {"sub_1": at(T0 + 14 * DAY)}


def test_E5_without_an_open_invoice_the_latest_or_the_period_tells() -> None:
    latest = an_invoice(status="uncollectible", created=T0 + DAY)
    raw = a_subscription(status="past_due", latest_invoice=latest)
    assert past_due_since(raw, {}) == at(T0 + DAY)
    assert past_due_since({**raw, "latest_invoice": "in_1"}, {}) == at(T0)


METERED = {"interval": "month", "interval_count": 1, "usage_type": "metered"}


def next_payment(**changed: Any) -> ComingCharge | None:
    raw = a_subscription(**changed)
    return read_next_charge(read_subscription(raw), raw, item_rows(raw))


@pytest.mark.parametrize(
    "changed",
    [
        {"items": {"data": [an_item(price=a_price(recurring=METERED))]}},
        {"items": {"data": [an_item(price=a_price(billing_scheme="tiered"))]}},
        {"items": {"data": [an_item(price=a_price(transform_quantity={"divide_by": 10}))]}},
        {"currency": "usd"},
        {"customer": {"id": "cus_1", "balance": -500}},
        {"latest_invoice": {"id": "in_1", "ending_balance": -500}},
    ],
)
def test_A140_a_next_payment_that_only_stripe_can_compute_has_no_amount(
    changed: dict[str, Any],
) -> None:
    charge = next_payment(**changed)
    assert charge is not None
    assert charge.amount_minor is None


def test_the_next_payment_is_the_sum_of_what_is_due_then() -> None:
    assert next_payment() == ComingCharge(at(T0 + 30 * DAY), "eur", 2000)
    yearly = an_item(id="si_2", price=a_price(id="price_2"), current_period_end=T0 + 365 * DAY)
    both = {"data": [an_item(), yearly]}
    assert next_payment(items=both) == ComingCharge(at(T0 + 30 * DAY), "eur", 2000)


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "past_due"},
        {"status": "canceled"},
        {"cancel_at_period_end": True},
        {"cancel_at": T0 + DAY},
        {"pause_collection": {"behavior": "void"}},
        {"items": {"data": [an_item(price=a_price(unit_amount=0))]}},
    ],
)
def test_no_next_payment_is_announced_where_there_will_be_none(changed: dict[str, Any]) -> None:
    assert next_payment(**changed) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"discounts": ["di_1"]},
        {"discount": {"id": "di_1"}},
        {"automatic_tax": {"enabled": True}},
        {"schedule": "sub_sched_1"},
        {"items": {"data": [an_item(price=a_price(unit_amount=None))]}},
        {"items": {"data": [an_item(tax_rates=[{"id": "txr_1"}])]}},
    ],
)
def test_an_amount_that_only_stripe_knows_is_left_open(changed: dict[str, Any]) -> None:
    payment = next_payment(**changed)
    assert payment is not None
    assert payment.amount_minor is None


# --- the catalogue -------------------------------------------------------------------------------


def test_a_one_off_price_has_no_interval() -> None:
    price = read_price(a_price(type="one_time", recurring=None))
    assert not price.is_recurring
    assert price.metadata == {"discourse_groups": "patrons"}


def test_an_expanded_product_is_its_id() -> None:
    price = read_price(a_price(product={"id": "prod_9", "name": "x"}, lookup_key="gold"))
    assert price == Price(
        "price_1", "prod_9", "eur", 1000, "month", 1, "gold", metadata=price.metadata
    )
    assert id_of(None) is None


def test_a_product_has_one_image() -> None:
    product = read_product(
        {"id": "prod_1", "name": "Patron", "images": ["javascript:y", "http://x/0", "https://x/1"]}
    )
    assert (product.image, product.active) == ("https://x/1", True)


# --- money ---------------------------------------------------------------------------------------


def test_a_paid_invoice_is_one_line() -> None:
    assert invoice_line(an_invoice()) == MoneyLine(
        id="in_1",
        customer_id="cus_1",
        kind="paid",
        at=at(T0 + 60),
        amount_minor=1000,
        currency="eur",
        what="Patron",
        invoice_id="in_1",
        subscription_id="sub_1",
        product_id="prod_1",
        receipt_url="https://invoice.stripe.com/i/1",
    )


def test_E20_an_old_invoice_is_the_same_line() -> None:
    line = {
        "amount": 1000,
        "description": "1 \u00d7 Patron (at \u20ac10.00 / month)",
        "price": {"product": "prod_1"},
    }
    old = an_invoice(lines={"data": [line]}, subscription="sub_1", paid=True)
    del old["parent"]
    assert invoice_line(old) == invoice_line(an_invoice())


@pytest.mark.parametrize("status", ["draft", "open", "void", "uncollectible"])
def test_A31_an_unpaid_invoice_is_no_money(status: str) -> None:
    assert invoice_line(an_invoice(status=status, amount_paid=0, amount_remaining=1000)) is None


def test_A29_credit_and_card_are_told_apart() -> None:
    line = invoice_line(
        an_invoice(amount_due=600, amount_paid=600, starting_balance=-400, ending_balance=0)
    )
    assert line is not None
    assert (line.amount_minor, line.from_credit_minor) == (1000, 400)


def test_A27_E33_an_invoice_paid_from_credit_alone_is_a_payment() -> None:
    line = invoice_line(
        an_invoice(amount_due=0, amount_paid=0, starting_balance=-5000, ending_balance=-4000)
    )
    assert line is not None
    assert (line.amount_minor, line.from_credit_minor) == (1000, 1000)


def test_a_downgrade_that_fills_the_balance_is_no_payment() -> None:
    assert (
        invoice_line(an_invoice(amount_due=0, amount_paid=0, total=-300, ending_balance=-300))
        is None
    )


def test_E35_what_was_paid_out_of_band_counts() -> None:
    line = invoice_line(an_invoice(amount_paid=0, amount_remaining=0, paid_out_of_band=True))
    assert line is not None
    assert line.amount_minor == 1000


def test_E53_a_free_invoice_moves_no_money() -> None:
    assert invoice_line(an_invoice(amount_due=0, amount_paid=0)) is None


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ([("3 \u00d7 Share", 300)], "Share"),
        ([("Unused time on Silver", -5), ("Remaining time on Gold", 9)], "Remaining time on Gold"),
        ([("1 \u00d7 Patron (at \u20ac1 / year)", 1), ("1 \u00d7 Share", 1)], "Patron and 1 more"),
        ([], "Payment"),
    ],
)
def test_a_line_says_what_was_bought(lines: list[tuple[str, int]], what: str) -> None:
    data = [{"description": text, "amount": amount} for text, amount in lines]
    line = invoice_line(an_invoice(lines={"data": data}))
    assert line is not None
    assert line.what == what


def test_E20_payments_of_an_invoice_old_and_new() -> None:
    new = {"data": [{"payment": {"type": "payment_intent", "payment_intent": "pi_1"}}]}
    assert invoice_payment_ids(an_invoice(payments=new)) == ("pi_1",)
    assert invoice_payment_ids(an_invoice(payment_intent="pi_1", charge="ch_1")) == ("pi_1", "ch_1")
    assert invoice_subscription_id(an_invoice(parent={"type": "quote_details"})) is None


@pytest.mark.parametrize(
    ("changed", "first"),
    [
        ({"billing_reason": "subscription_create"}, True),
        ({"billing_reason": "subscription_cycle"}, False),
        ({"billing_reason": "subscription_update"}, False),
        ({"parent": None}, True),
        ({}, False),
    ],
)
def test_A78_only_what_begins_is_a_first_payment(changed: dict[str, Any], *, first: bool) -> None:
    line = invoice_line(an_invoice(**changed))
    assert line is not None
    assert line.is_first is first


def a_charge(**changed: Any) -> dict[str, Any]:
    return {
        "id": "ch_1",
        "customer": "cus_1",
        "payment_intent": "pi_1",
        "amount": 2500,
        "amount_captured": 2500,
        "amount_refunded": 0,
        "currency": "eur",
        "created": T0,
        "status": "succeeded",
        "paid": True,
        "description": "A badge",
        "receipt_url": "https://pay.stripe.com/1",
        **changed,
    }


def test_a_charge_that_failed_is_no_money() -> None:
    assert charge_line(a_charge(status="failed", paid=False), "cus_1") is None
    assert charge_line(a_charge(status="pending", paid=False), "cus_1") is None


def a_refund(**changed: Any) -> dict[str, Any]:
    return {"id": "re_1", "amount": 500, "created": T0 + DAY, "status": "succeeded", **changed}


def a_dispute(**changed: Any) -> dict[str, Any]:
    return {"id": "dp_1", "amount": 2500, "created": T0 + DAY, "status": "lost", **changed}


def after(*, refunds: Any = (), disputes: Any = ()) -> list[MoneyLine]:
    paid = charge_line(a_charge(), "cus_1")
    assert paid is not None
    return lines_after(Payment(a_charge(), refunds, disputes), paid)


def test_A96_a_refund_is_a_line_of_its_own_with_its_own_date() -> None:
    (line,) = after(refunds=[a_refund()])
    assert (line.id, line.kind, line.amount_minor) == ("re_1", "refunded", -500)
    assert line.at == at(T0 + DAY)
    assert (line.what, line.payment_id) == ("A badge", "pi_1")


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_E27_a_refund_that_failed_leaves_two_lines_that_add_up_to_nothing(status: str) -> None:
    under_way = after(refunds=[a_refund(status="pending")])
    failed = after(refunds=[a_refund(status=status)])
    assert failed[0] == under_way[0]  # what was written down before stays as it is
    assert [line.id for line in failed] == ["re_1", "re_1:failed"]
    assert sum(line.amount_minor for line in failed) == 0


def test_a_refund_that_waits_for_the_customer_has_moved_nothing() -> None:
    assert after(refunds=[a_refund(status="requires_action")]) == []


@pytest.mark.parametrize(
    ("status", "lines", "state"),
    [
        ("needs_response", [("dp_1", -2500)], "open"),
        ("under_review", [("dp_1", -2500)], "open"),
        ("lost", [("dp_1", -2500), ("dp_1:lost", 0)], "lost"),
        ("won", [("dp_1", -2500), ("dp_1:returned", 2500)], "won"),
        ("warning_needs_response", [], "open"),
        ("warning_closed", [], "won"),
    ],
)
def test_E28_E29_E30_disputes_and_what_comes_back(
    status: str, lines: list[tuple[str, int]], state: str
) -> None:
    dispute = a_dispute(
        status=status,
        balance_transactions=[{"created": T0 + DAY}, {"created": T0 + 9 * DAY}],
    )
    found = after(disputes=[dispute])
    assert [(line.id, line.amount_minor) for line in found] == lines
    if status == "won":
        assert (found[1].kind, found[1].at) == ("dispute_returned", at(T0 + 9 * DAY))
    assert dispute_state([dispute]) == (state, at(T0 + DAY))


def moved(*amounts: int, **more: Any) -> dict[str, Any]:
    moves = [{"created": T0 + day * DAY, "amount": a} for day, a in enumerate(amounts)]
    return a_dispute(amount=1000, balance_transactions=moves, **more)


@pytest.mark.parametrize(
    ("dispute", "returned"),
    [
        (moved(-1000, 1000, status="won"), [("dp_1:returned", 1000)]),
        (moved(-1000, 900, status="won"), [("dp_1:returned", 900)]),
        (moved(-1150, 1035, status="won"), [("dp_1:returned", 900)]),
        (moved(-1000, 400, 500, status="won"), [("dp_1:returned", 400), ("dp_1:returned:2", 500)]),
        (moved(-1000, 300, status="lost"), [("dp_1:returned", 300), ("dp_1:lost", 0)]),
        (moved(-1000, status="won"), []),
    ],
)
def test_A141_of_a_dispute_won_in_part_as_much_returns_as_came_back(
    dispute: dict[str, Any], returned: list[tuple[str, int]]
) -> None:
    taken, *others = after(disputes=[dispute])
    assert (taken.id, taken.amount_minor) == ("dp_1", -1000)
    assert [(line.id, line.amount_minor) for line in others] == returned


@pytest.mark.parametrize(
    ("changed", "amount"),
    [
        ({"captured": False, "amount_captured": 0}, None),
        ({"captured": False, "amount_captured": 0, "refunded": True, "amount_refunded": 500}, None),
        ({"captured": True, "amount_captured": 200}, 200),
        ({"captured": True, "amount_captured": 500}, 500),
        ({"captured": True}, 500),
        ({}, 500),
    ],
)
def test_A138_only_what_was_captured_of_a_hold_is_a_line(
    changed: dict[str, Any], amount: int | None
) -> None:
    charge = {"id": "ch_1", "amount": 500, "currency": "eur", "created": T0, **changed}
    line = charge_line(charge, "cus_1")
    assert (line.amount_minor if line else None) == amount


def test_A138_what_a_hold_released_of_itself_is_no_refund_and_what_is_given_back_later_is() -> None:
    charge = {"id": "ch_1", "amount": 500, "amount_captured": 200, "captured": True}
    charge |= {"currency": "eur", "created": T0, "amount_refunded": 350}
    release = a_refund(amount=300, balance_transaction=None)
    back = a_refund(id="re_2", amount=50, balance_transaction="txn_1")
    payment = Payment(charge, [release, back])
    paid = charge_line(charge, "cus_1")
    assert paid is not None
    assert [(m.id, m.amount_minor) for m in lines_after(payment, paid)] == [("re_2", -50)]
    assert refunded_of(payment) == 50


def test_of_several_disputes_the_worst_counts() -> None:
    kinds = [a_dispute(status=s) for s in ("won", "needs_response", "lost")]
    assert dispute_state(kinds)[0] == "lost"
    assert dispute_state(kinds[:2])[0] == "open"
    assert dispute_state([]) == (None, None)


# --- one-off orders ------------------------------------------------------------------------------


def a_session(**changed: Any) -> dict[str, Any]:
    return {
        "id": "cs_1",
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "customer": "cus_1",
        "created": T0 - 60,
        **changed,
    }


def a_line(**changed: Any) -> dict[str, Any]:
    price = a_price(type="one_time", recurring=None)
    return {
        "id": "li_1",
        "amount_total": 2500,
        "currency": "eur",
        "quantity": 1,
        "description": "A badge",
        "price": price,
        **changed,
    }


def test_E22_a_paid_order_is_a_purchase_for_each_line() -> None:
    charge = a_charge(amount=10_000, amount_captured=10_000, amount_refunded=2500)
    payment = Payment(charge, [a_refund(amount=2500)])
    lines = [a_line(), a_line(id="li_2", quantity=3, amount_total=7500)]
    first, second = read_purchases(a_session(), lines, payment)
    assert (first.id, second.id) == ("cs_1:li_1", "cs_1:li_2")
    assert (first.price_id, first.product_id, second.quantity) == ("price_1", "prod_1", 3)
    assert (first.paid_at, first.payment_id, first.payment_minor) == (at(T0), "pi_1", 2500)
    assert (first.refunded_minor, first.refunded_at) == (2500, at(T0 + DAY))
    assert (second.payment_minor, second.refunded_minor, second.refunded_at) == (7500, 0, None)
    assert (first.disputed, first.disputed_at) == (None, None)


def test_E34_a_free_order_is_a_purchase_without_a_payment() -> None:
    session = a_session(payment_status="no_payment_required")
    assert is_paid_order(session)
    (purchase,) = read_purchases(session, [a_line(amount_total=0)], None)
    assert (purchase.payment_id, purchase.payment_minor) == (None, 0)
    assert purchase.paid_at == at(T0 - 60)


@pytest.mark.parametrize(
    "changed", [{"payment_status": "unpaid"}, {"status": "open"}, {"status": "expired"}]
)
def test_E43_an_order_without_its_money_is_no_purchase(changed: dict[str, str]) -> None:
    assert not is_paid_order(a_session(**changed))


def test_A50_one_off_lines_beside_a_subscription_are_purchases_too() -> None:
    monthly = a_line(id="li_2", price=a_price())
    session = a_session(mode="subscription")
    assert [ln["id"] for ln in one_off_lines(session, [a_line(), monthly])] == ["li_1"]
    assert one_off_lines(a_session(mode="setup"), []) == []


def test_an_order_says_how_far_it_is() -> None:
    state = read_checkout(a_session(client_reference_id="b1-7-x", subscription="sub_1"))
    assert state.is_paid
    assert state.reference is not None
    assert (state.reference.text, state.reference.is_typed) == ("b1-7-x", True)
    assert state.subscription_id == "sub_1"
    assert not read_checkout(a_session(payment_status="unpaid")).is_paid
