"""The ledger's reads after events about money, and its reads before booking."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.core.events.stripe import Event
from bridge.core.ledger.news import (
    TYPES,
    Missing,
    ToRead,
    is_asked_today,
    is_credit_known,
    missing,
    to_read,
)
from bridge.core.ledger.objects import CreditMove, CreditNote, MoneyObject, Order, Refund
from handlers import ROUTES
from tests.unit.core.test_ledger import AT, GOLD, charge, invoice, move

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(kind: str, object_id: str, *, balance_moved: bool = False) -> Event:
    made = Event("evt_1", kind, object_id, None, None, NOW, livemode=False)
    return replace(made, balance_moved=balance_moved)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], ToRead()),
        ([event("charge.succeeded", "ch_1"), event("charge.updated", "ch_1")], ToRead(moves=True)),
        ([event("refund.failed", "re_1")], ToRead(moves=True)),
        ([event("charge.dispute.closed", "dp_1")], ToRead(moves=True)),
        ([event("topup.succeeded", "tu_1")], ToRead(moves=True)),
        ([event("payout.paid", "po_2")] * 2, ToRead(moves=True, payouts=("po_2",))),
        ([event("credit_note.voided", "cn_1")], ToRead(notes=("cn_1",))),
        ([event("customer.updated", "cus_1")], ToRead()),
        ([event("customer.updated", "cus_1", balance_moved=True)], ToRead(customers=("cus_1",))),
        ([event("invoice.paid", "in_1"), event("charge.succeeded", "ch_1")], ToRead(moves=True)),
        ([event("checkout.session.completed", "cs_1")], ToRead(moves=True)),
        # The invoice comes with the reading of the member.
        ([event("invoice.voided", "in_1")], ToRead()),
    ],
)
def test_A68_each_object_that_events_tell_of_is_read_once(
    events: list[Event], expected: ToRead
) -> None:
    assert to_read(events) == expected


def test_every_type_that_the_ledger_hears_of_has_its_place_in_the_table_of_events() -> None:
    assert {one for one in TYPES if not one.startswith("topup.")} <= ROUTES.keys()


REFUND = Refund("re_1", "ch_1", "eur", 300, AT)
NOTE = CreditNote("cn_1", "in_1", "cus_1", "eur", 300, AT, (GOLD,), ("re_1",))


@pytest.mark.parametrize(
    ("new", "known", "expected"),
    [
        ([charge()], [invoice(GOLD)], Missing()),
        ([charge(), invoice(GOLD)], [], Missing()),
        ([charge()], [Order("cs_1", "cus_1", "eur", "pi_1", (GOLD,))], Missing()),
        ([charge()], [replace(invoice(GOLD), payments=())], Missing(sales=(charge(),))),
        ([move("txn_1", "charge", 1000, "ch_1")], [charge()], Missing()),
        ([REFUND], [charge(), invoice(GOLD)], Missing(notes_on=("in_1",))),
        ([REFUND, NOTE], [charge(), invoice(GOLD)], Missing()),
        ([REFUND], [charge()], Missing()),
        ([REFUND], [], Missing()),
    ],
)
def test_A68_what_is_not_known_of_a_payment_or_refund_is_asked_for_before_it_is_booked(
    new: list[MoneyObject], known: list[MoneyObject], expected: Missing
) -> None:
    assert missing(new, known) == expected


GIVEN = CreditMove("cbtxn_1", "cus_1", "eur", -500, "adjustment", AT)
USED = CreditMove("cbtxn_2", "cus_1", "eur", 500, "applied_to_invoice", AT, "in_1")
NOTED = CreditMove("cbtxn_3", "cus_1", "eur", -300, "credit_note", AT, credit_note_id="cn_1")
PAID_FROM_CREDIT = replace(invoice(GOLD), credit_minor=500)
CREDITED = replace(NOTE, refund_ids=(), credit_id="cbtxn_3")


@pytest.mark.parametrize(
    ("balance", "told", "expected"),
    [
        (0, [], True),
        (-500, [], False),
        (-500, [GIVEN], True),
        (0, [GIVEN], False),
        # The balance is as if nothing had moved; the invoice says that something did.
        (0, [PAID_FROM_CREDIT], False),
        (0, [PAID_FROM_CREDIT, GIVEN, USED], True),
        (0, [replace(PAID_FROM_CREDIT, credit_minor=0)], True),
        (0, [CREDITED], False),
        (-300, [CREDITED, NOTED], True),
        (-300, [NOTE, NOTED], True),
    ],
)
def test_A27_credit_is_known_once_its_moves_explain_the_balance_and_every_document(
    balance: int, told: list[MoneyObject], *, expected: bool
) -> None:
    assert is_credit_known(balance, told) is expected


def test_A27_every_customer_has_a_day_of_the_week_and_each_day_about_as_many() -> None:
    ids = [f"cus_{n}" for n in range(7000)]
    days = [NOW.date() + timedelta(days=n) for n in range(7)]
    turns = [[id_ for id_ in ids if is_asked_today(id_, day, 7)] for day in days]
    assert sorted(id_ for turn in turns for id_ in turn) == sorted(ids)
    assert all(900 < len(turn) < 1100 for turn in turns)
