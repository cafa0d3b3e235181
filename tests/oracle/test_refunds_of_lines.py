"""Orders of several lines: the clerk knows which line is refunded, the bridge only the amount.

The naive oracle is the clerk's own list: nobody may lose the group of a line that was not refunded
(I3), and nobody keeps the group of a refunded line without an alert (A107).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.ledger import objects as ledger_objects
from bridge.core.ledger.entries import ledger
from bridge.core.ledger.objects import (
    BalanceMove,
    Invoice,
    InvoicePayment,
    MoneyObject,
    SoldLine,
)
from bridge.core.ledger.products import OTHER as NO_KIND
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Purchase, SoldPrice
from bridge.core.rights.grants import grants
from bridge.core.rules.policy import Policy
from bridge.stripe_api.order_lines import Fate, Order, OrderLine, Refund, fates
from tests.unit.core.shop import MEMBERS, NOW, PATRONS, START, SUPPORTERS, rules_of

GROUPS = {"s": SUPPORTERS, "p": PATRONS, "m": MEMBERS}
OTHER = "shirt"  # sold beside them, and leads to nothing
HOUR = timedelta(hours=1)


def order(prices: dict[str, int], notes: dict[str, dict[str, int]]) -> Order:
    lines = tuple(
        OrderLine(name, SoldPrice(f"price_{name}", f"prod_{name}"), price, "eur")
        for name, price in prices.items()
    )
    return Order(lines, {name: name for name in prices}, notes)


def bought(name: str, price: int, fate: Fate) -> Purchase:
    back = fate.refund
    return Purchase(
        f"cs_1:{name}", "cus_1", f"price_{name}", f"prod_{name}", 1, START, price, "eur", "pi_1",
        payment_minor=back.paid_minor,
        refunded_minor=back.refunded_minor,
        refunded_at=back.at,
        refund_doubt=fate.doubt,
    )  # fmt: skip


@st.composite
def stories(draw: st.DrawFn) -> tuple[dict[str, int], list[tuple[list[str], bool]]]:
    """Prices, some equal to others or to their sums, and lines that are refunded together."""
    names = [*GROUPS, OTHER]
    price = st.sampled_from([500, 1000, 1500, 2000])
    prices = {name: draw(price) for name in names}
    going = draw(st.permutations(names))[: draw(st.integers(0, len(names)))]
    story: list[tuple[list[str], bool]] = []
    while going:
        size = draw(st.integers(1, len(going)))
        story.append((list(going[:size]), draw(st.booleans())))
        going = going[size:]
    return prices, story


@settings(max_examples=1500, deadline=None)
@given(stories())
def test_A107_nobody_loses_the_group_of_a_line_that_was_not_refunded(
    told: tuple[dict[str, int], list[tuple[list[str], bool]]],
) -> None:
    prices, story = told
    refunds, notes = [], {}
    for number, (names, is_noted) in enumerate(story):
        amount = sum(prices[name] for name in names)
        refunds.append(Refund(f"re_{number}", amount, START + number * HOUR))
        if is_noted:
            notes[f"re_{number}"] = {name: prices[name] for name in names}
    found = fates(order(prices, notes), "eur", sum(prices.values()), refunds)
    purchases = tuple(bought(name, prices[name], found[name]) for name in GROUPS)
    said = grants(Facts(purchases=purchases), rules_of(), Policy(), NOW)
    verdicts = {grant.group_id: grant for grant in said}
    gone = {name for names, _ in story for name in names}
    for name, group_id in GROUPS.items():
        grant = verdicts[group_id]
        if name in gone:
            assert grant.reason in ("refunded", "refund_unclear"), (told, name)
        else:
            assert grant.reason in ("bought", "refund_unclear"), (told, name)
    if all(is_noted for _, is_noted in story) or len(gone) == len(prices):
        assert "refund_unclear" not in {grant.reason for grant in said}, told


# --- The books and the rights ---------------------------------------------------------------------


@st.composite
def given_back(draw: st.DrawFn) -> tuple[dict[str, int], list[tuple[int, int | None]], bool]:
    """Prices, refunds of any amounts, each with the hour of its failure if it fails, and how."""
    prices = {name: draw(st.integers(1, 12)) for name in "abcd"[: draw(st.integers(1, 4))]}
    refunds: list[tuple[int, int | None]] = []
    for hour in range(draw(st.integers(1, 4))):
        taken = sum(amount for amount, failed in refunds if failed is None or failed > hour)
        if left := sum(prices.values()) - taken:
            refunds.append((draw(st.integers(1, left)), draw(st.none() | st.integers(hour, 6))))
    return prices, refunds, draw(st.booleans())


def sold_order(sold: tuple[SoldLine, ...]) -> ledger_objects.Order:
    return ledger_objects.Order("cs_1", "cus_1", "eur", "pi_1", sold)


def moved(id_: str, kind: str, amount: int, of: str, at: datetime) -> BalanceMove:
    return BalanceMove(id_, kind, kind, "eur", amount, 0, at, at, of)


def books_of(
    prices: dict[str, int], refunds: list[tuple[int, int | None]], *, has_invoice: bool
) -> list[MoneyObject]:
    whole = sum(prices.values())
    sold = tuple(SoldLine(name, name, price, price_id=name) for name, price in prices.items())
    paid = (InvoicePayment("pi_1", whole, START),)
    invoice = Invoice("in_1", "cus_1", "eur", "paid", whole, whole, sold, START, START)
    objects: list[MoneyObject] = [
        replace(invoice, payments=paid) if has_invoice else sold_order(sold),
        ledger_objects.Charge("ch_1", "cus_1", "eur", whole, "pi_1", START, "Payment", "card"),
        moved("txn_1", "charge", whole, "ch_1", START),
    ]
    for number, (amount, fails_at) in enumerate(refunds):
        id_, at = f"re_{number}", START + number * HOUR
        objects.append(ledger_objects.Refund(id_, "ch_1", "eur", amount, at))
        objects.append(moved(f"txn_{id_}", "refund", -amount, id_, at))
        if fails_at is not None:
            failed_at = START + fails_at * HOUR
            objects.append(moved(f"txn_{id_}_f", "refund_failure", amount, id_, failed_at))
    return objects


@settings(max_examples=300, deadline=None)
@given(given_back())
def test_A107_the_books_take_each_refund_from_the_lines_that_rights_take_it_from(
    told: tuple[dict[str, int], list[tuple[int, int | None]], bool],
) -> None:
    prices, story, has_invoice = told
    stand = [
        Refund(f"re_{number}", amount, START + number * HOUR)
        for number, (amount, fails_at) in enumerate(story)
        if fails_at is None
    ]
    rights = fates(order(prices, {}), "eur", sum(prices.values()), stand)
    book = ledger(books_of(prices, story, has_invoice=has_invoice), lambda *_: NO_KIND)
    taken: Counter[str] = Counter()
    for line in book.lines:
        if line.kind == "refund" and line.price_id is not None:
            taken[line.price_id] += line.amount_minor
    assert book.findings == ()
    assert {name: taken[name] for name in prices} == {
        name: rights[name].refund.refunded_minor for name in prices
    }


@settings(max_examples=100, deadline=None)
@given(given_back())
def test_A96_no_later_refund_or_failure_changes_what_an_earlier_one_was_booked_as(
    told: tuple[dict[str, int], list[tuple[int, int | None]], bool],
) -> None:
    prices, story, has_invoice = told
    objects = books_of(prices, story, has_invoice=has_invoice)
    whole = set(ledger(objects, lambda *_: NO_KIND).lines)
    for until in range(7):
        known = [one for one in objects if when(one) <= START + until * HOUR]
        assert set(ledger(known, lambda *_: NO_KIND).lines) <= whole


def when(one: MoneyObject) -> datetime:
    return getattr(one, "at", START)
