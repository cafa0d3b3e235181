"""The ledger against the simulated Stripe's own books, after random lives."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import requests
import stripe
from beancount.loader import load_string
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.core.ledger.entries import ledger
from bridge.core.ledger.line import CREDIT, GIFTS, RECEIVABLE, STRIPE, SUSPENSE, Ledger, Line
from bridge.core.ledger.objects import (
    BalanceMove,
    Gift,
    Invoice,
    MoneyObject,
    Order,
    Payout,
    Receiver,
)
from bridge.core.ledger.products import ACCOUNTS, Nature
from bridge.exports.journal import beancount, hledger
from bridge.sandbox.stripe.balance import pay_out
from bridge.stripe_api.books import SOURCES, read_page
from bridge.stripe_api.http import StripeHttp
from tests.sandbox.stripe_shop import Shop, open_shop
from tests.sandbox.test_stripe_books import STEPS, Life


class MoneyLife(Life):
    """A life with orders, disputes, failing refunds and payouts besides."""

    def order(self, n: int) -> None:
        prices = [self.shop.price(700 + 100 * i, None) for i in range(1 + n % 3)]
        cards = ("pm_card_visa", "pm_card_refundFail", "pm_card_createDispute")
        session = self.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "customer": self.customer,
                "line_items": [{"price": price, "quantity": 1 + n % 2} for price in prices],
                "success_url": "https://forum.example.org",
                "discounts": [{"coupon": self.coupons[0]}] if n % 4 == 0 else [],
            }
        )
        answer = requests.post(
            f"{self.shop.server.url}/c/pay/{session.id}",
            data={"token": cards[n % 3], "email": "ann@example.com"},
            allow_redirects=False,
            timeout=10,
        )
        assert answer.status_code in {200, 303, 402}, answer.text

    def dispute(self, n: int) -> None:
        for dispute in self.v1.disputes.list().data:
            words = "winning_evidence" if n % 2 else "losing_evidence"
            evidence = {"uncategorized_text": words}
            self.v1.disputes.update(dispute.id, {"evidence": evidence, "submit": True})

    def pay_out(self, n: int) -> None:
        self.shop.advance(3 + n)
        pay_out(self.shop.account, "eur")

    def send_back(self, n: int) -> None:
        for charge in self.v1.charges.list({"customer": self.customer, "limit": 1}).data:
            self.v1.refunds.create({"charge": charge.id} | ({"amount": 5} if n % 2 else {}))


MONEY_STEPS = [
    *STEPS,
    MoneyLife.order,
    MoneyLife.dispute,
    MoneyLife.pay_out,
    MoneyLife.send_back,
]


def membership(_product: str | None, _price: str | None, _at: datetime) -> Nature:
    return Nature(ACCOUNTS["membership"])


def read_everything(http: StripeHttp) -> list[MoneyObject]:
    found: list[MoneyObject] = []
    for source in SOURCES:
        after = None
        while True:
            page = read_page(http, source, after)
            found += page.objects
            after = page.after
            if after is None:
                break
    return found


def given_to_others(found: list[MoneyObject]) -> list[Gift]:
    """Everything that was sold as a gift: who pays for it gives it all to two others in turn."""
    sold = {one.subscription_id: one.customer_id for one in found if isinstance(one, Invoice)}
    begin, later = datetime(2000, 1, 1, tzinfo=UTC), datetime.now(tz=UTC) + timedelta(days=9)
    has_it = Receiver(12, begin), Receiver(15, later)
    orders = [one for one in found if isinstance(one, Order)]
    return [
        *(Gift(f"gift:{id_}", id_, of, None, has_it) for id_, of in sold.items() if id_),
        *(Gift(f"gift:{o.id}", o.id, o.customer_id, o.payment_id, has_it) for o in orders),
    ]


def balances(lines: tuple[Line, ...]) -> dict[tuple[str, str], int]:
    sums: Counter[tuple[str, str]] = Counter()
    for line in lines:
        sums[line.account, line.currency] += line.amount_minor
    return {key: amount for key, amount in sums.items() if amount}


def check_each_entry_sums_to_zero(made: Ledger) -> None:
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for line in made.lines:
        sums[line.entry_id][line.currency] += line.amount_minor
    assert {e: dict(s) for e, s in sums.items() if any(s.values())} == {}


def check_it_ties(shop: Shop, found: list[MoneyObject], made: Ledger) -> None:
    sums = balances(made.lines)
    account = shop.account
    moves = {one.id: one for one in found if isinstance(one, BalanceMove)}
    assert sums.get((STRIPE, "eur"), 0) == sum(one.net_minor for one in moves.values())
    owed = sum(
        i["amount_remaining"] for i in account.rows("invoice") if i["status"] in ("open", "paid")
    )
    assert sums.get((RECEIVABLE, "eur"), 0) == owed
    credit = sum(one["balance"] for one in account.rows("customer"))
    assert sums.get((CREDIT, "eur"), 0) == credit
    assert (SUSPENSE, "eur") not in sums
    for payout in found:
        if isinstance(payout, Payout):
            assert sum(moves[one].net_minor for one in payout.move_ids) == payout.amount_minor


def check_independently(made: Ledger) -> None:
    """Beancount and hledger, which know nothing of the bridge, accept the exported journals."""
    accounts = {line.account for line in made.lines}
    first = min(line.at for line in made.lines).date()
    _, problems, _ = load_string("".join(beancount(made.lines, accounts, first)))
    assert problems == []
    if shutil.which("hledger") is None and not os.environ.get("CI"):
        pytest.skip("hledger is not installed")
    judged = subprocess.run(
        ["hledger", "-f", "-", "check", "--strict"],
        input="".join(hledger(made.lines, accounts)),
        text=True,
        capture_output=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stderr


STEPS_OF_A_LIFE = st.lists(
    st.tuples(st.sampled_from(MONEY_STEPS), st.integers(0, 11)), min_size=3, max_size=20
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    st.lists(st.tuples(st.sampled_from(MONEY_STEPS), st.integers(0, 11)), min_size=3, max_size=20)
)
def test_A74_I6_after_any_life_the_ledger_balances_and_ties_to_stripes_books(
    steps: list[tuple[Callable[[MoneyLife, int], None], int]],
) -> None:
    with open_shop() as shop:
        life = MoneyLife(shop)
        life.subscribe(0)
        for step, n in steps:
            shop.advance(0)
            with suppress(stripe.CardError, stripe.InvalidRequestError):
                step(life, n)
        found = read_everything(StripeHttp("sk_test_x", shop.server.url))
        made = ledger(found, membership)
        check_each_entry_sums_to_zero(made)
        assert made.findings == ()
        check_it_ties(shop, found, made)
        assert ledger(reversed(found), membership) == made
        check_gifts_change_no_sum(found, made)


def check_gifts_change_no_sum(found: list[MoneyObject], made: Ledger) -> None:
    given = ledger([*found, *given_to_others(found)], membership)
    assert any(line.kind in GIFTS for line in given.lines)
    assert set(made.lines) <= set(given.lines)
    assert balances(given.lines) == balances(made.lines)
    check_each_entry_sums_to_zero(given)


@pytest.mark.parametrize("seed", range(2))
def test_A74_beancount_and_hledger_accept_the_journals_of_a_long_life(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a life that can be repeated, no secret
    with open_shop() as shop:
        life = MoneyLife(shop)
        life.subscribe(0)  # else the simulated Stripe gives credit in its own currency
        for _ in range(150):
            shop.advance(0)
            with suppress(stripe.CardError, stripe.InvalidRequestError):
                chance.choice(MONEY_STEPS)(life, chance.randrange(12))
        found = read_everything(StripeHttp("sk_test_x", shop.server.url))
        made = ledger(found, membership)
        assert made.findings == ()
        check_it_ties(shop, found, made)
        check_independently(ledger([*found, *given_to_others(found)], membership))
