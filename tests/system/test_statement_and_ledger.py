"""Members' money: the same however the bridge learned of it, and equal to the ledger."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe
from hypothesis import HealthCheck, Phase, given, settings
from sqlalchemy import delete

from bridge.core.ledger.entries import ledger
from bridge.core.ledger.line import RECEIVABLE, STRIPE, Ledger
from bridge.core.ledger.lines import MoneyLine, MoneyPart
from bridge.store import Store, links, migrate, money
from bridge.store.schema.ledger import money_lines
from bridge.store.schema.people import customers
from bridge.stripe_api.http import StripeHttp
from bridge.stripe_api.movements import read_money
from bridge.stripe_api.payments import read_orders
from bridge.stripe_api.subscriptions import read_customer_now
from tests.sandbox.stripe_shop import open_shop
from tests.system.test_ledger_books import (
    STEPS_OF_A_LIFE,
    MoneyLife,
    membership,
    read_everything,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
USER = 12

Way = Callable[[StripeHttp, str], tuple[MoneyLine, ...]]
# The three ways in which the bridge hears of a payment, by what an event told it to read.
HEARD_BY: tuple[Way, ...] = (
    lambda http, customer: read_customer_now(http, customer).money,
    lambda http, customer: read_orders(http, customer).money,
    lambda http, customer: read_money(http, customer, None),
)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    """Two bridges' records, which hear of the same payments."""
    made = tuple(
        Store(f"sqlite:///{tmp_path_factory.mktemp(name)}/bridge.db") for name in ("a", "b")
    )
    for one in made:
        migrate.upgrade(one, NOW)
    yield made[0], made[1]
    for one in made:
        one.close()


def begin(store: Store, customer: str) -> None:
    """Forget the life before, and know whose the customer is."""
    with store.write() as connection:
        connection.execute(delete(money_lines))
        connection.execute(delete(customers))
        links.link(connection, customer, USER, proof="operator", actor="test", now=NOW)


def hear(store: Store, lines: tuple[MoneyLine, ...]) -> None:
    with store.write() as connection:
        money.save(connection, lines, NOW)


def told(store: Store) -> tuple[MoneyLine, ...]:
    with store.read() as connection:
        return money.of_user(connection, USER)


def moved_by_statement(lines: tuple[MoneyLine, ...]) -> dict[Any, int]:
    sums: Counter[Any] = Counter()
    for line in lines:
        if line.kind in ("paid", "refunded"):
            sums[line.kind, line.currency] += line.charged_minor
    return {key: amount for key, amount in sums.items() if amount}


def moved_by_ledger(made: Ledger) -> dict[Any, int]:
    """Payments equal paid invoices; refunds equal those on Stripe's balance."""
    sums: Counter[Any] = Counter()
    for line in made.lines:
        if line.kind == "payment" and line.account == RECEIVABLE:
            sums["paid", line.currency] -= line.amount_minor
    for line in made.lines:
        if line.account == STRIPE and line.kind == "refund":
            sums["refunded", line.currency] += line.amount_minor
    return {key: amount for key, amount in sums.items() if amount}


def refunded_by_rights(http: StripeHttp, customer: str) -> dict[Any, int]:
    sums: Counter[Any] = Counter()
    for one in read_orders(http, customer).purchases:
        if one.amount_minor:
            sums[one.payment_id, one.price_id] += one.refunded_minor
    return dict(sums)


def refunded_by_ledger(made: Ledger, sold: dict[Any, int]) -> dict[Any, int]:
    back = {
        line.entry_id for line in made.lines if line.account == STRIPE and line.kind == "refund"
    }
    sums: Counter[Any] = Counter(dict.fromkeys(sold, 0))
    for line in made.lines:
        if line.entry_id in back and (line.payment_id, line.price_id) in sold:
            sums[line.payment_id, line.price_id] += line.amount_minor
    return dict(sums)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(STEPS_OF_A_LIFE)
def test_A66_I6_a_statement_is_the_same_however_it_was_heard_and_ties_to_the_ledger(
    stores: tuple[Store, Store], steps: list[tuple[Callable[[MoneyLife, int], None], int]]
) -> None:
    chance = random.Random(len(steps))  # noqa: S311 - news lost, doubled and late, repeatably
    piecemeal, at_once = stores
    with open_shop() as shop:
        life = MoneyLife(shop)
        http = StripeHttp("sk_test_x", shop.server.url)
        begin(piecemeal, life.customer)
        begin(at_once, life.customer)
        life.subscribe(0)
        life.order(3)
        for step, n in steps:
            shop.advance(0)
            with suppress(stripe.CardError, stripe.InvalidRequestError):
                step(life, n)
            for heard_by in chance.choices(HEARD_BY, k=chance.randrange(3)):
                hear(piecemeal, heard_by(http, life.customer))
        for heard_by in chance.sample(HEARD_BY, len(HEARD_BY)):
            hear(piecemeal, heard_by(http, life.customer))
        hear(at_once, read_money(http, life.customer, None))
        assert told(piecemeal) == told(at_once)
        made = ledger(read_everything(http), membership)
        assert moved_by_statement(told(at_once)) == moved_by_ledger(made)
        by_rights = refunded_by_rights(http, life.customer)
        assert refunded_by_ledger(made, by_rights) == by_rights


PAID = MoneyLine("ch_1", "cus_1", "paid", NOW, 900, "eur", "Payment", payment_id="pi_1")
EXPLAINED = replace(PAID, what="Mug", discount_minor=100, parts=(MoneyPart("Mug", 1000),))


@pytest.mark.parametrize("heard", [(PAID, EXPLAINED), (EXPLAINED, PAID, EXPLAINED)])
def test_a_charge_heard_of_before_its_order_reads_as_the_order_and_is_no_news(
    database_url: str, heard: tuple[MoneyLine, ...]
) -> None:
    store = Store(database_url)
    migrate.upgrade(store, NOW)
    begin(store, "cus_1")
    new: list[MoneyLine] = []
    with store.write() as connection:
        for line in heard:
            new += money.save(connection, [line], NOW)
    assert (new, told(store)) == ([heard[0]], (EXPLAINED,))
    store.close()


def test_what_moved_stays_as_it_was_first_booked_whatever_is_said_later(database_url: str) -> None:
    store = Store(database_url)
    migrate.upgrade(store, NOW)
    begin(store, "cus_1")
    with store.write() as connection:
        money.save(connection, [PAID], NOW)
        money.save(connection, [replace(EXPLAINED, amount_minor=1, at=NOW.replace(year=2030))], NOW)
    assert told(store) == (EXPLAINED,)
    store.close()
