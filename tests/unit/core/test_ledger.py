"""The ledger's entries, object by object: sales, credits, write-offs and refunds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.entries import ledger
from bridge.core.ledger.line import Ledger
from bridge.core.ledger.objects import (
    BalanceMove,
    Charge,
    CreditNote,
    Dispute,
    Invoice,
    InvoicePayment,
    ManualPayment,
    MoneyObject,
    Order,
    Refund,
    SoldLine,
    Tax,
)
from bridge.core.ledger.products import ACCOUNTS, OTHER, Nature
from bridge.core.ledger.shares import share

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KINDS = {
    "share": Nature(ACCOUNTS["share"], rule_id="share"),
    "gold": Nature(ACCOUNTS["membership"], fund="roof", rule_id="gold"),
    "coffee": Nature(ACCOUNTS["credit"], rule_id="coffee"),
}


def nature(product: str | None, _price: str | None, _at: datetime) -> Nature:
    if product == "prod_gone":
        return replace(OTHER, is_known=False)
    return KINDS.get(product or "", OTHER)


def made(*objects: MoneyObject) -> Ledger:
    """The ledger of these objects, whose every entry sums to zero in each currency."""
    book = ledger(objects, nature)
    sums: Counter[tuple[str, str]] = Counter()
    for line in book.lines:
        sums[line.entry_id, line.currency] += line.amount_minor
    assert not any(sums.values())
    return book


def balances(book: Ledger, currency: str = "eur") -> dict[str, int]:
    sums: Counter[str] = Counter()
    for line in book.lines:
        if line.currency == currency:
            sums[line.account] += line.amount_minor
    return {account: amount for account, amount in sums.items() if amount}


def move(id_: str, kind: str, amount: int, source: str, fee: int = 0, **more: str) -> BalanceMove:
    currency = more.pop("currency", "eur")
    return BalanceMove(id_, kind, kind, currency, amount, fee, AT, AT + DAY, source, **more)


def charge(amount: int = 1000, currency: str = "eur") -> Charge:
    return Charge("ch_1", "cus_1", currency, amount, "pi_1", AT, "Payment", "card")


def invoice(*lines: SoldLine, total: int | None = None, status: str = "paid") -> Invoice:
    whole = sum(line.total_minor for line in lines) if total is None else total
    return Invoice(
        "in_1",
        "cus_1",
        "eur",
        status,  # type: ignore[arg-type]
        whole,
        max(0, whole),
        lines,
        finalized_at=AT,
        paid_at=AT if status == "paid" else None,
        voided_at=AT + DAY if status == "void" else None,
        written_off_at=AT + DAY if status == "uncollectible" else None,
        payments=(InvoicePayment("pi_1", whole, AT),) if status == "paid" else (),
    )


GOLD = SoldLine("il_1", "Gold", 1000, product_id="gold")
SHARE = SoldLine("il_2", "Share", 5000, product_id="share")


def test_A56_a_share_is_equity_and_a_credit_sold_is_owed_neither_is_income() -> None:
    coffee = SoldLine("il_3", "Ten coffees", 2000, product_id="coffee")
    found = balances(made(invoice(GOLD, SHARE, coffee, status="open")))
    assert found == {
        "assets:receivable": 8000,
        "income:membership": -1000,
        "equity:shares": -5000,
        "liabilities:credit-sold": -2000,
    }


def test_A57_each_sale_names_its_fund_and_the_rule_that_told_its_kind() -> None:
    (sale,) = [line for line in made(invoice(GOLD)).lines if line.account.startswith("income")]
    assert (sale.fund, sale.rule_id, sale.product_id) == ("roof", "gold", "gold")


@pytest.mark.parametrize(("inclusive", "total"), [(True, 1000), (False, 1190)])
def test_A52_a_tax_is_owed_and_no_income_whether_it_is_in_the_price_or_on_top(
    inclusive: bool,  # noqa: FBT001 - the case itself
    total: int,
) -> None:
    amount = 160 if inclusive else 190
    taxed = SoldLine("il_1", "Gold", 1000, 0, (Tax(amount, "VAT 19 %", inclusive, "DE"),), "gold")
    found = balances(made(invoice(taxed, status="open")))
    assert found == {
        "assets:receivable": total,
        "income:membership": amount - total,
        "liabilities:tax:de": -amount,
    }


def test_lines_that_do_not_add_up_to_their_invoice_are_kept_and_told_with_its_id() -> None:
    book = made(invoice(GOLD, total=1234, status="open"))
    assert balances(book)["equity:suspense"] == -234
    (finding,) = book.findings
    assert (finding.code, finding.ids) == ("lines_do_not_add_up", ("in_1",))


def test_A31_E31_a_voided_invoice_leaves_nothing_and_both_its_entries() -> None:
    book = made(invoice(GOLD, status="void"))
    assert balances(book) == {}
    assert {line.entry_id for line in book.lines} == {"in_1", "in_1:void"}
    assert {line.corrects for line in book.lines if line.entry_id == "in_1:void"} == {
        "in_1#1",
        "in_1#2",
    }


def test_E32_what_is_written_off_and_then_paid_is_recovered() -> None:
    lost = invoice(GOLD, status="uncollectible")
    assert balances(made(lost))["expenses:written-off"] == 1000
    paid = Invoice(**{f: getattr(lost, f) for f in lost.__slots__} | {"status": "paid"})
    later = Invoice(
        **{f: getattr(paid, f) for f in paid.__slots__}
        | {"paid_at": AT + 3 * DAY, "payments": (InvoicePayment("pi_1", 1000, AT + 3 * DAY),)}
    )
    book = made(later, charge(), move("txn_1", "charge", 1000, "ch_1", 59))
    assert balances(book) == {
        "income:membership": -1000,
        "assets:stripe": 941,
        "expenses:fees": 59,
    }


def test_E35_what_is_paid_outside_of_stripe_is_no_money_of_stripes() -> None:
    paid = invoice(GOLD)
    outside = Invoice(**{f: getattr(paid, f) for f in paid.__slots__} | {"payments": ()})
    assert balances(made(outside)) == {"assets:outside-stripe": 1000, "income:membership": -1000}


def test_A70_a_payment_in_another_currency_is_converted_and_never_summed() -> None:
    settled = move("txn_1", "charge", 1080, "ch_1", 60, currency="usd", exchange_rate="1.08")
    book = made(invoice(GOLD), charge(), settled)
    assert balances(book) == {"income:membership": -1000, "equity:conversion": 1000}
    assert balances(book, "usd") == {
        "assets:stripe": 1020,
        "expenses:fees": 60,
        "equity:conversion": -1080,
    }


def test_A107_a_refund_of_one_lines_total_is_of_that_line() -> None:
    refund = Refund("re_1", "ch_1", "eur", 5000, AT)
    paid = (invoice(GOLD, SHARE), charge(6000), move("txn_1", "charge", 6000, "ch_1"))
    found = balances(made(*paid, refund, move("txn_2", "refund", -5000, "re_1")))
    assert found == {"income:membership": -1000, "assets:stripe": 1000}


def test_A107_a_refund_of_two_lines_total_is_of_those_lines() -> None:
    coffee = SoldLine("il_3", "Coffee", 300, product_id="coffee")
    refund = Refund("re_1", "ch_1", "eur", 1300, AT)
    paid = (invoice(GOLD, SHARE, coffee), charge(6300), move("txn_1", "charge", 6300, "ch_1"))
    found = balances(made(*paid, refund, move("txn_2", "refund", -1300, "re_1")))
    assert found == {"equity:shares": -5000, "assets:stripe": 5000}


def test_A107_a_refund_of_no_lines_total_is_a_share_of_each() -> None:
    refund = Refund("re_1", "ch_1", "eur", 600, AT)
    paid = (invoice(GOLD, SHARE), charge(6000), move("txn_1", "charge", 6000, "ch_1"))
    found = balances(made(*paid, refund, move("txn_2", "refund", -600, "re_1")))
    assert found == {"income:membership": -900, "equity:shares": -4500, "assets:stripe": 5400}


def test_E27_a_refund_that_failed_leaves_the_books_as_before_it() -> None:
    refund = Refund("re_1", "ch_1", "eur", 300, AT)
    paid = (invoice(GOLD), charge(), move("txn_1", "charge", 1000, "ch_1"))
    back = (move("txn_2", "refund", -300, "re_1"), move("txn_3", "refund_failure", 300, "re_1"))
    assert balances(made(*paid, refund, *back)) == balances(made(*paid))


def test_a_credit_note_with_its_refund_takes_the_sale_back_once() -> None:
    refund = Refund("re_1", "ch_1", "eur", 1000, AT)
    note = CreditNote("cn_1", "in_1", "cus_1", "eur", 1000, AT, (GOLD,), ("re_1",))
    paid = (invoice(GOLD), charge(), move("txn_1", "charge", 1000, "ch_1"))
    assert balances(made(*paid, refund, note, move("txn_2", "refund", -1000, "re_1"))) == {}


def noted(*lines: SoldLine, total: int) -> CreditNote:
    return CreditNote("cn_1", "in_1", "cus_1", "eur", total, AT + DAY, lines)


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        (noted(SoldLine("cnli_1", "Share", 5000, of_line="il_2"), total=5000), {"gold": -1000}),
        (noted(SoldLine("cnli_1", "Sorry", 5000), total=5000), {"gold": -1000}),
        (noted(SoldLine("cnli_1", "Sorry", 600), total=600), {"gold": -900, "share": -4500}),
        (noted(total=1000), {"share": -5000}),
        (
            noted(
                SoldLine("cnli_1", "Gold", 500, of_line="il_1"),
                SoldLine("cnli_2", "Sorry", 5000),
                total=5500,
            ),
            {"gold": -500},
        ),
    ],
)
def test_A56_a_credit_note_takes_back_what_its_invoice_sold(
    note: CreditNote, expected: dict[str, int]
) -> None:
    found = balances(made(invoice(GOLD, SHARE, status="open"), note))
    accounts = {"income:membership": "gold", "equity:shares": "share"}
    assert {accounts[one]: amount for one, amount in found.items() if one in accounts} == expected
    assert found["assets:receivable"] == 6000 - note.total_minor


def test_a_credit_note_waits_until_its_invoice_is_known() -> None:
    book = made(noted(GOLD, total=1000))
    assert book.lines == ()
    assert [(one.code, one.ids) for one in book.findings] == [
        ("reference_missing", ("cn_1", "in_1"))
    ]


def test_a_refund_above_the_payment_is_kept_apart_and_told_with_its_ids() -> None:
    refund = Refund("re_1", "ch_1", "eur", 1200, AT)
    paid = (invoice(GOLD), charge(), move("txn_1", "charge", 1000, "ch_1"))
    book = made(*paid, refund, move("txn_2", "refund", -1200, "re_1"))
    assert balances(book) == {"assets:stripe": -200, "equity:suspense": 200}
    (finding,) = book.findings
    assert (finding.code, finding.ids) == ("refund_above_payment", ("re_1", "ch_1"))


def test_A55_a_share_refunded_in_two_parts_is_given_back_with_the_last() -> None:
    parts = [Refund(f"re_{n}", "ch_1", "eur", 2500, AT + n * DAY) for n in (1, 2)]
    moves = [move(f"txn_{n}", "refund", -2500, f"re_{n}") for n in (1, 2)]
    paid = (invoice(SHARE), charge(5000), move("txn_0", "charge", 5000, "ch_1"))
    lines = made(*paid, *parts, *moves).lines
    back = [one.quantity for one in lines if one.account == "equity:shares"]
    assert sorted(filter(None, back)) == [-1, 1]


def test_A56_a_refund_is_booked_on_the_account_that_its_sale_was_booked_on() -> None:
    def changing(_product: str | None, _price: str | None, at: datetime) -> Nature:
        return OTHER if at > AT else KINDS["share"]

    moved = BalanceMove("txn_2", "refund", "refund", "eur", -5000, 0, AT + DAY, AT, "re_1")
    paid = (invoice(SHARE), charge(5000), move("txn_1", "charge", 5000, "ch_1"))
    refund = Refund("re_1", "ch_1", "eur", 5000, AT + DAY)
    assert balances(ledger([*paid, refund, moved], changing)) == {}


def test_A141_a_dispute_costs_what_did_not_come_back_and_its_fee() -> None:
    dispute = Dispute("dp_1", "ch_1", "eur", 1000, AT, "won")
    paid = (invoice(GOLD), charge(), move("txn_1", "charge", 1000, "ch_1"))
    moves = (
        move("txn_2", "adjustment", -1000, "dp_1", 1500),
        move("txn_3", "adjustment", 900, "dp_1"),
    )
    found = balances(made(*paid, dispute, *moves))
    assert (found["expenses:disputes"], found["expenses:fees"]) == (100, 1500)


def test_A50_an_order_of_several_lines_books_each_on_its_own_account() -> None:
    order = Order("cs_1", "cus_1", "eur", "pi_1", (GOLD, SHARE))
    found = balances(made(order, charge(6000), move("txn_1", "charge", 6000, "ch_1", 204)))
    assert found == {
        "income:membership": -1000,
        "equity:shares": -5000,
        "assets:stripe": 5796,
        "expenses:fees": 204,
    }


def test_A70_an_order_paid_in_the_buyers_own_currency_is_shared_over_its_lines() -> None:
    order = Order("cs_1", None, "eur", "pi_1", (GOLD, SHARE))
    found = balances(made(order, charge(6480, "usd")), "usd")
    assert found["income:membership"] + found["equity:shares"] == -6480


def test_a_balance_transaction_of_an_unknown_type_is_kept_and_told() -> None:
    book = made(move("txn_9", "moon_tax", -700, "mt_1"))
    assert balances(book) == {"assets:stripe": -700, "equity:suspense": 700}
    assert [finding.code for finding in book.findings] == ["type_not_known"]


def test_nothing_is_written_while_what_a_move_refers_to_is_missing() -> None:
    book = made(move("txn_1", "charge", 1000, "ch_unknown"))
    assert book.lines == ()
    assert book.findings[0].ids == ("txn_1", "ch_unknown")


def test_a_payout_that_fails_after_it_was_paid_returns_to_the_balance() -> None:
    book = made(move("txn_1", "payout", -500, "po_1"), move("txn_2", "payout_failure", 500, "po_1"))
    assert balances(book) == {}
    assert {line.account for line in book.lines} == {"assets:stripe", "assets:bank"}


def test_A59_a_payment_by_hand_and_its_correction_cancel_out_and_both_stay() -> None:
    cash = ManualPayment("man_1", 12, "eur", AT, "cash", (SHARE,), "moderator:3")
    back = SoldLine("1", "Share", -5000, product_id="share")
    undone = ManualPayment("man_2", 12, "eur", AT + DAY, "cash", (back,), "moderator:3", "man_1")
    assert balances(made(cash)) == {"assets:cash": 5000, "equity:shares": -5000}
    both = made(cash, undone)
    assert balances(both) == {}
    assert {line.corrects for line in both.lines} == {None, "man_1"}


def test_A68_the_order_in_which_objects_are_heard_of_cannot_matter() -> None:
    objects: tuple[MoneyObject, ...] = (
        invoice(GOLD, SHARE),
        charge(6000),
        Refund("re_1", "ch_1", "eur", 600, AT),
        move("txn_1", "charge", 6000, "ch_1", 204),
        move("txn_2", "refund", -600, "re_1"),
    )
    first, *others = {ledger(order, nature).lines for order in permutations(objects)}
    assert others == []
    assert first


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=9))
def test_shares_add_up_to_the_amount_whatever_the_weights(amount: int, weights: list[int]) -> None:
    parts = share(amount, weights)
    assert sum(parts) == amount
    assert len(parts) == len(weights)
