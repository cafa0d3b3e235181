"""The effect of a refund that may belong to one line of an order or another (A107)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.core.model.stripe import ItemPayment, Purchase, RefundDoubt, SoldPrice
from tests.unit.core.shop import (
    NOW,
    START,
    item,
    judged,
    only,
    payment,
    purchase,
    rules_of,
    subscription,
)

P, S, M = (SoldPrice(f"price_{x}", f"prod_{x}") for x in "psm")
SHIRT = SoldPrice("price_shirt", "prod_shirt")
SHIPPING = SoldPrice()


def either(*lines: SoldPrice, first: int = 5000) -> Purchase:
    """Wholly refunded, or another line was; `first`: how the likeliest reading has it."""
    doubt = RefundDoubt(0, 5000, lines)
    return replace(purchase(), refunded_minor=first, refunded_at=NOW, refund_doubt=doubt)


def shared(part: int, *lines: SoldPrice) -> Purchase:
    """Refunded in part, as the other lines are, for want of knowing better."""
    doubt = RefundDoubt(part, part, lines)
    return replace(purchase(), refunded_minor=part, refunded_at=NOW, refund_doubt=doubt)


def said(**of: str) -> dict[str, dict[str, str]]:
    """Metadata of a product, as p__on_refund="keep"."""
    found: dict[str, dict[str, str]] = {}
    for key, value in of.items():
        product, _, name = key.partition("__")
        found.setdefault(f"prod_{product}", {})[f"discourse_{name}"] = value
    return found


@pytest.mark.parametrize(
    ("bought", "metadata", "expected"),
    [
        pytest.param(either(P, S), {}, "refund_unclear", id="another group"),
        pytest.param(either(P, SHIRT), {}, "refund_unclear", id="something without a rule"),
        pytest.param(either(P, SHIPPING), {}, "refund_unclear", id="shipping"),
        pytest.param(either(P, S), said(p__on_refund="keep"), "bought", id="it is kept anyway"),
        pytest.param(either(P, P), {}, "refunded", id="all the same"),
        pytest.param(either(P, P, first=0), {}, "bought", id="all the same, and another was meant"),
        pytest.param(shared(2500, P, S), {}, "bought", id="a part keeps"),
        pytest.param(
            shared(2500, P, S),
            said(p__on_partial_refund="50%", s__on_partial_refund="50%"),
            "refunded",
            id="a part ends all of them",
        ),
        pytest.param(
            shared(2500, P, S), said(p__on_partial_refund="50%"), "refund_unclear", id="only one"
        ),
        pytest.param(
            shared(2500, P, S), said(s__on_partial_refund="50%"), "bought", id="only the other"
        ),
        pytest.param(
            shared(2500, P, S),
            said(p__on_partial_refund="50%", s__on_partial_refund="50%", s__on_refund="keep"),
            "refund_unclear",
            id="one ends and the other does not",
        ),
    ],
)
def test_A107_what_a_refund_ends_is_unclear_where_the_lines_differ(
    bought: Purchase, metadata: dict[str, dict[str, str]], expected: str
) -> None:
    grant = only(bought, rules_of(metadata))
    assert (grant.reason, grant.holds) == (expected, expected == "bought")
    if not grant.holds:
        assert grant.because_at == NOW


def test_A107_lines_of_equal_groups_and_policies_are_all_one() -> None:
    alike = rules_of({"prod_q": {"discourse_groups": "patrons"}})
    other = SoldPrice("price_q", "prod_q")
    assert only(either(P, other), alike).reason == "refunded"
    with_terms = rules_of(
        {
            "prod_q": {"discourse_groups": "patrons", "discourse_term": "30d"},
            "prod_p": {"discourse_term": "30d"},
        }
    )
    assert only(either(P, other), with_terms).reason == "refund_unclear"


def test_A107_a_term_stacks_on_a_purchase_whose_refund_is_unclear() -> None:
    rules = rules_of({"prod_p": {"discourse_term": "30d"}})
    later = purchase("cs_2:1", START)
    _, second = judged(either(P, S), later, rules=rules)
    alone = only(later, rules)
    assert second.until_at is not None
    assert alone.until_at is not None
    assert (second.until_at - alone.until_at).days == 30


def test_A107_the_end_of_the_term_is_the_reason_once_it_is_there() -> None:
    rules = rules_of({"prod_p": {"discourse_term": "1d"}})
    assert only(either(P, S), rules).reason == "term_over"


def test_A107_of_several_items_of_a_subscription_only_the_refunded_one_ends() -> None:
    rules = rules_of(said(p__on_refund="end", s__on_refund="end"))
    items = item("prod_p"), item("prod_s")
    told = ItemPayment("si_prod_p", 5000, 5000, NOW), ItemPayment("si_prod_s", 1000)
    paid = payment(amount_minor=6000, refunded_minor=5000, refunded_at=NOW, items=told)
    both = replace(subscription("active", *items), last_payment=paid)
    reasons = {grant.product_id: grant.reason for grant in judged(both, rules=rules)}
    assert reasons == {"prod_p": "refunded", "prod_s": "active"}


def test_A107_an_item_is_held_where_the_refund_may_be_of_another_line() -> None:
    doubt = RefundDoubt(0, 5000, (SoldPrice("price_p", "prod_p", is_once=False), M))
    told = (ItemPayment("si_prod_p", 5000, 5000, NOW, doubt),)
    paid = payment(refunded_minor=5000, refunded_at=NOW, items=told)
    running = replace(subscription(), last_payment=paid)
    assert only(running, rules_of(said(p__on_refund="end"))).reason == "refund_unclear"
    assert only(running).reason == "active"
    over = replace(running, status="canceled", ended_at=NOW)
    assert only(over, rules_of(said(p__on_refund="end"))).reason == "canceled"
