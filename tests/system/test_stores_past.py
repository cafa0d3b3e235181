"""The past as both databases keep it: gifts, seats, entitlements, accounts that follow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Subscription, SubscriptionItem
from bridge.store import (
    Store,
    accounts,
    facts,
    history,
    links,
    migrate,
    readings,
    shares,
    subscriptions,
)
from bridge.store.schema.rights import readings as readings_table
from tests.databases import compile_once

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALICE, BOB, CAROL = 7, 8, 9
SUB = Subscription(
    id="sub_1",
    customer_id="cus_1",
    status="active",
    items=(SubscriptionItem("si_1", "price_1", "prod_1", 3, NOW, NOW + timedelta(days=30)),),
    created_at=NOW,
    started_at=NOW,
)
GIFT = Subscription(
    id="sub_2",
    customer_id="cus_1",
    status="active",
    items=SUB.items,
    created_at=NOW,
    started_at=NOW,
    beneficiary_id=BOB,
)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    compile_once(made)
    migrate.upgrade(made, NOW)
    yield made
    made.close()


def test_what_was_read_before_gifts_had_a_past_is_known_as_a_gift(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    migrate.upgrade(store, NOW, "0003")
    with store.write() as connection:
        for number, thing in enumerate((SUB, GIFT)):
            connection.execute(
                text(
                    "INSERT INTO readings (at, kind, object_id, customer_id, data) "
                    "VALUES (:at, 'subscription', :id, 'cus_1', :data)"
                ),
                {"at": number, "id": thing.id, "data": readings.COMPACT.dumps(thing)},
            )
        connection.execute(
            text(
                "INSERT INTO readings (at, kind, object_id, data) "
                "VALUES (3, 'purchase', 'cs_1:1', 'null')"
            )
        )
    migrate.upgrade(store, NOW)
    with store.read() as connection:
        assert readings.gifts_to(connection, BOB) == {"sub_2"}
        assert history.users_with_a_past(connection) == [BOB]
    store.close()


def test_E21_E52_seats_and_gifts_are_found_for_somebody_who_had_them(store: Store) -> None:
    with store.write() as connection:
        links.link(connection, "cus_1", ALICE, proof="operator", actor="test", now=NOW)
        subscriptions.save_all(
            connection, "cus_1", [SUB, GIFT], NOW, with_payments=True, entitlements=("forum",)
        )
        shares.assign(connection, SUB, CAROL, actor="alice", now=NOW + HOUR)
    with store.read() as connection:
        assert history.users_with_a_past(connection) == [ALICE, BOB, CAROL]
        giver, receiver, seated = (
            history.past_of(connection, user_id).known_at(NOW + 2 * HOUR)
            for user_id in (ALICE, BOB, CAROL)
        )
    assert ([one.id for one in giver.subscriptions], [one.id for one in giver.given]) == (
        ["sub_1"],
        ["sub_2"],
    )
    assert [one.id for one in receiver.subscriptions] == ["sub_2"]
    assert [seat.assigned_at for seat in seated.seats] == [NOW + HOUR]
    has = {"cus_1": frozenset({"forum"})}
    assert giver.entitlements == receiver.entitlements == seated.entitlements == has


def test_E58_a_seat_goes_along_with_its_place_and_of_two_one_is_enough(store: Store) -> None:
    with store.write() as connection:
        subscriptions.save_all(connection, "cus_1", [SUB], NOW, with_payments=True)
        shares.assign(connection, SUB, BOB, actor="alice", now=NOW + HOUR)
        shares.assign(connection, SUB, CAROL, actor="alice", now=NOW + 2 * HOUR)
    for number, (from_id, to_id) in enumerate(((BOB, ALICE), (CAROL, ALICE))):
        with store.write() as connection:
            accounts.move(
                connection,
                from_id,
                to_id,
                member_of=(),
                new_id=lambda: "grant_1",
                actor="maria",
                now=NOW + (3 + number) * HOUR,
            )
    with store.read() as connection:
        (left,) = shares.places_taken(connection, SUB.id)
        past = history.past_of(connection, CAROL)
        lines = shares.lines_of_seats(connection, subscription_id=SUB.id)
    assert (left.user_id, left.assigned_at) == (ALICE, NOW + HOUR)
    assert [len(past.known_at(NOW + hours * HOUR).seats) for hours in (1, 2, 5)] == [0, 1, 0]
    assert [(line.user_id, line.action) for line in lines[2:]] == [
        (BOB, "seat_unassigned"),
        (ALICE, "seat_assigned"),
        (CAROL, "seat_unassigned"),
    ]


def test_a_customer_who_is_no_longer_asked_for_entitlements_is_as_one_who_never_was(
    store: Store,
) -> None:
    with store.write() as connection:
        links.link(connection, "cus_1", ALICE, proof="operator", actor="test", now=NOW)
        for asked in (("forum",), ("forum",), (), None):
            subscriptions.save_all(
                connection, "cus_1", [], NOW, with_payments=True, entitlements=asked
            )
    with store.read() as connection:
        kept = select(readings_table.c.id).where(readings_table.c.kind == "entitlements")
        assert len(connection.execute(kept).all()) == 2
        assert facts.facts_of(connection, ALICE) == (Facts(), NOW)


def test_a_listing_of_all_subscriptions_proves_nothing_about_entitlements(store: Store) -> None:
    with store.write() as connection:
        links.link(connection, "cus_1", ALICE, proof="operator", actor="test", now=NOW)
        subscriptions.save_all(
            connection, "cus_1", [], NOW, with_payments=True, entitlements=("forum",)
        )
        connection.execute(text("UPDATE customers SET read_at = read_at + 3600000000"))
    with store.read() as connection:
        assert facts.facts_of(connection, ALICE)[1] == NOW
