"""The ledger by events: lost, doubled and late events lead to the same books."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import stripe
from hypothesis import HealthCheck, Phase, given, settings

from bridge import wiring
from bridge.core.events.stripe import Event, read_event
from bridge.core.ledger.entries import ledger
from bridge.core.ledger.line import Line
from bridge.core.ledger.news import ToRead, to_read
from bridge.core.ledger.objects import Gift, Receiver
from bridge.operations import ledger as operations
from bridge.sandbox.stripe.views import render
from bridge.settings import Settings
from bridge.store import history, leases, ledger_findings, money_objects
from bridge.store import ledger as store
from bridge.stripe_api.http import StripeHttp
from bridge.wiring import Bridge
from bridge.worker import reconcile
from bridge.worker.booking import natures
from bridge.worker.bookkeeping import News, follow
from tests.databases import with_tables
from tests.sandbox.stripe_shop import Shop, open_shop
from tests.system.test_ledger_books import (
    STEPS_OF_A_LIFE,
    MoneyLife,
    check_it_ties,
    read_everything,
)


def open_bridge(shop: Shop, path: Path) -> Bridge:
    return wiring.build(
        Settings(
            stripe_api_key="sk_test_x",
            stripe_webhook_secrets=("whsec_x",),
            stripe_api_base=shop.server.url,
            discourse_url="http://127.0.0.1:1",
            discourse_api_key="x",
            discourse_api_username="x",
            discourse_connect_secret="x" * 40,
            bridge_url="http://127.0.0.1:1",
            secret_key="x" * 40,
            database_url=with_tables(path / "bridge.db"),
            bridge_data=path,
        )
    )


def quietly(_what: str, _count: int) -> None:
    """Nobody watches."""


def lines_of(bridge: Bridge) -> list[Line]:
    with bridge.store.read() as connection:
        return list(store.read_lines(connection))


def hear(bridge: Bridge, news: ToRead) -> None:
    now = bridge.clock.now()
    reconcile.read_catalogue(bridge)
    with leases.holding(bridge.store, bridge.clock, store.LEASE, bridge.name) as lease:
        assert lease is not None
        follow(bridge, lease, News(news, now))


def read_customer(bridge: Bridge, customer: str) -> None:
    """The worker's reading of a member, which includes the latest invoices."""
    found = bridge.stripe.customer_reading(customer).invoices
    with bridge.store.write() as connection:
        money_objects.save_objects(connection, found, bridge.clock.now())


def record_gifts(bridge: Bridge, life: MoneyLife) -> None:
    """What the reading of a member's purchases records: all of them are somebody else's."""
    since = (Receiver(12, datetime(2000, 1, 1, tzinfo=UTC)),)
    running = life.v1.subscriptions.list({"customer": life.customer, "status": "all"}).data
    gifts = [Gift(f"gift:{one.id}", one.id, life.customer, None, since) for one in running]
    with bridge.store.write() as connection:
        money_objects.save_objects(connection, gifts, bridge.clock.now())


def events_after(shop: Shop, number: int) -> list[Event]:
    rows = list(shop.account.tables["event"].values())[number:]
    return [read_event(render(shop.account, row)) for row in rows]


def told(events: list[Event], chance: random.Random, late: list[Event]) -> list[Event]:
    """The events that arrive now: some are lost, some come twice, some later."""
    come = list(late)
    late.clear()
    for event in events:
        fate = chance.random()
        if fate < 0.2:
            continue
        (late if fate < 0.4 else come).append(event)
    return come + chance.sample(come, len(come) // 3)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    return lambda: tmp_path_factory.mktemp("news")


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(STEPS_OF_A_LIFE)
def test_A68_A74_I6_with_news_lost_doubled_and_late_the_books_are_the_same(
    room: Callable[[], Path], steps: list[tuple[Callable[[MoneyLife, int], None], int]]
) -> None:
    chance = random.Random(len(steps))  # noqa: S311 - a life that can be repeated, no secret
    with open_shop() as shop:
        bridge = open_bridge(shop, room())
        life = MoneyLife(shop)
        life.subscribe(0)
        reconcile.read_catalogue(bridge)
        operations.update(bridge, quietly)
        heard, late = len(shop.account.tables["event"]), list[Event]()
        for step, n in steps:
            shop.advance(0)
            with suppress(stripe.CardError, stripe.InvalidRequestError):
                step(life, n)
            events = events_after(shop, heard)
            heard += len(events)
            if chance.random() < 0.5:
                read_customer(bridge, life.customer)
            if chance.random() < 0.3:
                record_gifts(bridge, life)
            hear(bridge, to_read(told(events, chance, late)))
        booked = {line.id: line for line in lines_of(bridge)}
        reconcile.read_catalogue(bridge)
        operations.update(bridge, quietly)
        check_the_books(shop, bridge, booked)
        bridge.store.close()


def check_the_books(shop: Shop, bridge: Bridge, booked: dict[str, Line]) -> None:
    lines = lines_of(bridge)
    assert booked.items() <= {line.id: line for line in lines}.items()
    found = read_everything(StripeHttp("sk_test_x", shop.server.url))
    with bridge.store.read() as connection:
        given = money_objects.gifts(connection, money_objects.recorded_gifts(connection)).values()
        made = ledger([*found, *given], natures(history.Laws(connection, bridge.policy)))
        codes = {one.code for one in ledger_findings.everything(connection)}
    assert set(lines) == set(made.lines)
    assert codes == set()
    check_it_ties(shop, found, made)
    verified = operations.verify(bridge)
    assert (verified.lines, verified.broken) == (len(lines), ())
    rebuilt = operations.rebuild(bridge, quietly)
    assert (rebuilt.verified.code, rebuilt.verified.broken) == (verified.code, ())
    assert lines_of(bridge) == lines


def test_A68_a_refund_whose_credit_note_nobody_told_of_is_booked_as_the_notes(
    room: Callable[[], Path],
) -> None:
    with open_shop() as shop:
        bridge = open_bridge(shop, room())
        life = MoneyLife(shop)
        life.subscribe(0)
        reconcile.read_catalogue(bridge)
        operations.update(bridge, quietly)
        (invoice,) = shop.v1.invoices.list({"customer": life.customer}).data
        note = {"invoice": invoice.id, "amount": 100, "refund_amount": 100}
        shop.v1.credit_notes.create(note)
        hear(bridge, ToRead(moves=True))
        booked = {line.id: line for line in lines_of(bridge)}
        assert any(line.source_id and line.source_id.startswith("re_") for line in booked.values())
        operations.update(bridge, quietly)
        check_the_books(shop, bridge, booked)
        bridge.store.close()
