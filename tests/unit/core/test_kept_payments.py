"""Payments of which the community still has something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.core.ledger.lines import MoneyKind, MoneyLine
from bridge.core.model.stripe import OpenDispute
from bridge.core.rights.kept_payments import kept
from bridge.core.rights.paid_by_hand import correction_of

NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)


def line(id_: str, kind: MoneyKind, amount: int, **more: Any) -> MoneyLine:
    return MoneyLine(id_, "cus_1", kind, NOW, amount, "eur", "Share", **more)


PAID = line("ch_1", "paid", 1500, payment_id="pi_1")
BY_HAND = line("hand:1", "paid", 1500, method="cash")


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ([PAID], [PAID]),
        ([PAID, line("re_1", "refunded", -500, payment_id="pi_1")], [PAID]),
        ([PAID, line("re_1", "refunded", -1500, payment_id="pi_1")], []),
        ([PAID, line("dp_1", "disputed", -1500, payment_id="pi_1")], []),
        (
            [
                PAID,
                line("dp_1", "disputed", -1500, payment_id="pi_1"),
                line("dp_1:won", "dispute_returned", 1500, payment_id="pi_1"),
            ],
            [PAID],
        ),
        ([PAID, line("re_2", "refunded", -1500, payment_id="pi_2")], [PAID]),
        ([BY_HAND], [BY_HAND]),
        ([BY_HAND, correction_of(BY_HAND, "moderator:1 via console", NOW)], []),
        ([BY_HAND, line("hand:2", "refunded", -1500, method="cash")], [BY_HAND]),
    ],
    ids=["paid", "part", "whole", "disputed", "won", "other", "hand", "corrected", "back"],
)
def test_A62_a_payment_counts_while_something_of_it_is_left(
    lines: list[MoneyLine], left: list[MoneyLine]
) -> None:
    assert kept(lines) == left


def test_A62_the_correction_of_a_refund_by_hand_is_no_payment() -> None:
    back = line("hand:3", "refunded", -1500, method="cash")
    assert kept([back, correction_of(back, "moderator:1 via console", NOW)]) == []


@pytest.mark.parametrize(
    ("status", "days", "is_so"),
    [
        ("needs_response", 1, "in time"),
        ("needs_response", 0, "overdue"),
        ("warning_needs_response", -1, "overdue"),
        ("under_review", -1, "in time"),
        ("lost", -1, "in time"),
        ("needs_response", None, "in time"),
    ],
)
def test_a_dispute_is_overdue_only_while_it_waits_for_a_response(
    status: str, days: int | None, is_so: str
) -> None:
    by = None if days is None else NOW + timedelta(days=days)
    dispute = OpenDispute("dp_1", status, "fraudulent", None, 900, "eur", NOW, by)
    assert dispute.is_overdue(NOW) == (is_so == "overdue")
