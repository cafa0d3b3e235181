"""Every paid line with a rule gives something, or somebody is told (A108)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.objects import Charge, Invoice, Order, SoldLine
from bridge.core.model.reasons import UNDECIDED, Reason
from bridge.core.model.rights import Grant
from bridge.core.rights.paid_lines import (
    TOLD_ELSEWHERE,
    PaidLine,
    is_over,
    led_to,
    paid_lines,
    why_nothing,
)
from bridge.core.rules.compiled import Rules, rule_of
from bridge.core.rules.values import Choices, Term
from bridge.core.telling.paid_lines import cause_in_words

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PASS = SoldLine("il_1", "Pass", 6000, product_id="pass", price_id="price_pass")
MONTH = replace(PASS, id="il_2", product_id="member", price_id="month", until_at=NOW + 20 * DAY)
INVOICE = Invoice(
    "in_1", "cus_1", "eur", "paid", 6000, 6000, (PASS, MONTH), NOW, NOW, subscription_id="sub_1"
)
ORDER = Order("cs_1", "cus_1", "eur", "pi_1", (PASS,))
CHARGE = Charge("ch_1", "cus_1", "eur", 6000, "pi_1", NOW, "Pass", "card")
GIVES = {
    *(Reason.ACTIVE, Reason.ENDING, Reason.TRIAL, Reason.GRACE, Reason.PAUSED_KEPT),
    *(Reason.COLLECTION_PAUSED, Reason.COLLECTION_PAUSED_PAID, Reason.INSTALMENTS_DONE),
    *(Reason.REFUNDED_PAID, Reason.BOUGHT, Reason.SEAT_ENDING, Reason.HAND),
}
"""Reasons of those who are in."""
NOT_OF_MONEY = {
    *(Reason.HAND_WAITS, Reason.HAND_OVER, Reason.HAND_REVOKED),
    *(Reason.SEAT_OVER, Reason.NO_RULE, Reason.NO_RULE_ENDS),
}
"""Of grants by hand and seats, which nobody paid for; and of what has no rule."""


def said(reason: Reason, line: PaidLine, *, holds: bool = False, group_id: int = 1) -> Grant:
    source_id = line.source_id or ""
    found = Grant(group_id, "purchase", source_id, "rule", holds, reason, NOW)
    return replace(found, product_id=line.product_id)


def lines(*objects: Invoice | Order | Charge) -> dict[str, PaidLine]:
    return {line.id: line for line in paid_lines(objects)}


def rules(term: Term | None = None) -> Rules:
    rule = replace(rule_of(Choices(), "pass", product_id="pass"), group_ids=(1, 2), term=term)
    return Rules(by_product={"pass": rule})


def test_A108_the_lines_of_a_paid_invoice_and_of_a_charged_order_are_paid() -> None:
    found = lines(INVOICE, ORDER, CHARGE)
    assert {id_: one.source_id for id_, one in found.items()} == {
        "in_1:il_1": "in_1:il_1",
        "in_1:il_2": "sub_1",
        "cs_1:il_1": "cs_1:il_1",
    }
    assert {one.document_id for one in found.values()} == {"in_1", "cs_1"}


@pytest.mark.parametrize("status", ["draft", "open", "void", "uncollectible"])
def test_A108_what_is_not_paid_is_no_paid_line(status: str) -> None:
    assert lines(replace(INVOICE, status=status), ORDER) == {}  # type: ignore[arg-type] # each is one


def test_A108_what_cost_nothing_or_is_a_credit_is_no_paid_line() -> None:
    free = replace(PASS, discount_minor=6000)
    assert lines(replace(INVOICE, lines=(free, replace(PASS, amount_minor=-100)))) == {}


def test_A108_a_line_leads_to_the_groups_of_its_rule_and_ends_with_its_term() -> None:
    line, month = lines(INVOICE).values()
    assert led_to(line, rules()) == {1, 2}
    assert led_to(month, rules()) == frozenset()
    assert not is_over(line, rules(), NOW + 9999 * DAY)
    assert not is_over(line, rules(Term(days=30)), NOW + 29 * DAY)
    assert is_over(line, rules(Term(days=30)), NOW + 30 * DAY)
    assert not is_over(month, rules(), NOW + 19 * DAY)
    assert is_over(month, rules(), NOW + 20 * DAY)


def test_A108_each_reason_has_its_place_and_a_new_one_would_be_an_alert() -> None:
    alerts = {Reason.NOT_ENTITLED, *UNDECIDED}
    alerts -= {Reason.RULE_HALTED, Reason.NO_RULE, Reason.APPROVAL_WAITS}
    for reason in Reason:
        places = (GIVES, NOT_OF_MONEY, TOLD_ELSEWHERE, alerts)
        assert sum(reason in place for place in places) == 1, reason
    (line,) = lines(ORDER, CHARGE).values()
    for reason in alerts:
        assert why_nothing(line, line.id, [said(reason, line)]) == reason
        assert "reason on record" not in cause_in_words(line, reason)
    for reason in TOLD_ELSEWHERE:
        assert why_nothing(line, line.id, [said(reason, line)]) is None


@given(st.lists(st.tuples(st.sampled_from(Reason), st.booleans()), max_size=4))
def test_A108_what_gives_any_of_its_groups_is_never_an_alert(
    all_: list[tuple[Reason, bool]],
) -> None:
    (line,) = lines(ORDER, CHARGE).values()
    found = [said(reason, line, holds=holds) for reason, holds in all_]
    if any(holds for _, holds in all_):
        assert why_nothing(line, line.id, found) is None
    assert why_nothing(line, "cs_2:il_1", found) is None


def test_A108_what_the_bridge_has_no_record_of_is_said_so() -> None:
    line, month = lines(INVOICE).values()
    assert cause_in_words(line, None) == "The bridge has no record of in_1:il_1."
    assert cause_in_words(month, None) == "The bridge has no record of sub_1."
