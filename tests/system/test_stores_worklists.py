"""The rows of the worklists, by key, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from sqlalchemy import JSON, column, insert, table

from bridge.core.model.discourse import Group, User
from bridge.core.model.stripe import ComingCharge, PendingPayment, Subscription, SubscriptionItem
from bridge.core.rights.ahead import Coming, coming_at
from bridge.store import (
    Store,
    groups,
    links,
    migrate,
    orphans,
    subscriptions,
    users,
    worklist_counts,
    worklists,
)
from bridge.store.readings import CONVERTER
from bridge.store.schema.forum import memberships
from bridge.store.worklists import Paying
from tests.databases import compile_once

NOW = datetime(2028, 2, 29, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = (NOW, NOW + 30 * DAY)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    compile_once(made)
    migrate.upgrade(made, NOW)
    yield made
    made.close()


def subscription(number: int, **more: object) -> Subscription:
    item = SubscriptionItem(f"si_{number}", "price_1", "prod_1", 1, NOW, NOW + 30 * DAY)
    made = {"status": "active", "created_at": NOW, "started_at": NOW} | more
    return Subscription(f"sub_{number:03}", f"cus_{number:03}", items=(item,), **made)  # type: ignore[arg-type] # its fields


def save(store: Store, *found: Subscription) -> None:
    with store.write() as connection:
        for one in found:
            user_id = int(one.id.removeprefix("sub_"))
            links.link(connection, one.customer_id, user_id, proof="manual", actor="test", now=NOW)
            subscriptions.save(connection, one, NOW)
            users.see(connection, User(user_id, f"user{user_id}"), NOW)


def test_failed_payments_come_in_pages_by_key(store: Store) -> None:
    owed = PendingPayment("in_1", "Supporter", 500, "eur", NOW, next_try_at=NOW + DAY, attempts=2)
    save(
        store,
        *(subscription(number, status="past_due", pending=(owed,)) for number in (3, 1, 2)),
        subscription(4, status="unpaid"),
        subscription(5),
    )
    with store.read() as connection:
        first = worklists.failed(connection, "", 3)
        rest = worklists.failed(connection, first[-1].subscription.id, 3)
        assert worklist_counts.counts(connection)["failed"] == 4
    assert [one.user_id for one in (*first, *rest)] == [1, 2, 3, 4]
    assert first[0].username == "user1"
    assert first[0].subscription.pending[0].attempts == 2


def test_what_comes_is_in_order_of_its_day_across_pages(store: Store) -> None:
    def renewing(number: int, days: int) -> Subscription:
        charge = ComingCharge(NOW + days * DAY, "eur", 500)
        return subscription(number, next_charge=charge)

    save(
        store,
        renewing(1, 29),
        renewing(2, 1),
        renewing(3, 1),
        renewing(4, 31),
        subscription(5, status="trialing", trial_end_at=NOW + 2 * DAY),
        subscription(6, beneficiary_id=77, cancel_at=NOW + 3 * DAY),
        subscription(7, status="canceled", next_charge=ComingCharge(NOW + DAY, "eur", 500)),
        subscription(8, status="past_due", next_charge=ComingCharge(NOW + DAY, "eur", 500)),
    )
    with store.read() as connection:
        found: list[Paying] = []
        after: tuple[datetime, str] | None = None
        while page := worklists.coming(connection, "renewals", MONTH, after, 1):
            found += page
            at = coming_at(page[-1].subscription, "renewals")
            assert at is not None
            after = at, page[-1].subscription.id
        trials = worklists.coming(connection, "trials", MONTH, None, 9)
        gifts = worklists.coming(connection, "gifts", MONTH, None, 9)
        ahead = worklist_counts.of_parts(connection, "ahead", (), MONTH)
    assert ahead == {"ends": 0, "renewals": 3, "trials": 1, "gifts": 1}
    assert [one.user_id for one in found] == [2, 3, 1]
    assert [one.user_id for one in trials] == [5]
    assert [one.subscription.beneficiary_id for one in gifts] == [77]


def test_memberships_are_listed_by_what_became_of_them(store: Store) -> None:
    def membership(user_id: int, **more: object) -> dict[str, object]:
        return {"user_id": user_id, "group_id": 7, "sources": [], "wanted": False, **more}

    rows = (
        membership(1, hold="no_rule", hold_at=NOW, actual=True, owned="proven"),
        membership(2, wanted=True, override="staff", override_at=NOW),
        membership(3, actual=True, owned="no"),
        membership(4, wanted=True, actual=True, owned="proven", wanted_until=NOW + DAY),
        membership(5, wanted=True, actual=True, owned="proven", wanted_until=NOW + 31 * DAY),
        membership(6, wanted=True, actual=True, owned="proven", wanted_until=NOW + DAY),
        membership(7, actual=True, owned="no", added_by="bridge"),
    )
    with store.write() as connection:
        groups.save_group(connection, Group(7, "patrons", "Patrons"), NOW)
        for row in rows:
            connection.execute(insert(memberships).values(**row))
    with store.read() as connection:
        assert [one.user_id for one in worklists.held(connection, (0, 0), 9)] == [1]
        assert [one.user_id for one in worklists.kept_out(connection, (0, 0), 9)] == [2]
        assert [one.user_id for one in worklists.put_in(connection, [7], (0, 0), 9)] == [3]
        (first,) = worklists.ending(connection, MONTH, None, 1)
        assert first.at is not None
        after = (first.at, first.user_id, first.group_id)
        rest = worklists.ending(connection, MONTH, after, 9)
        by_hand = worklist_counts.of_parts(connection, "drift", [7], MONTH)
        ahead = worklist_counts.of_parts(connection, "ahead", [7], MONTH)
    assert by_hand == {"out": 1, "in": 1, "lost": 1}
    assert ahead["ends"] == 2
    assert (first.user_id, first.group, first.shown_as) == (4, "patrons", "Patrons")
    assert [one.user_id for one in rest] == [6]


def test_payers_linked_to_nobody_wait_or_are_set_aside(store: Store) -> None:
    with store.write() as connection:
        for number in range(3):
            links.see_customer(connection, f"cus_{number}", NOW + number * DAY)
        assert orphans.set_aside(connection, "cus_1", "Newsletter")
        assert not orphans.set_aside(connection, "cus_1", "Twice")
    with store.read() as connection:
        (first,) = orphans.orphans(connection, limit=1)
        after = (first.first_seen_at, first.customer_id)
        rest = orphans.orphans(connection, limit=9, after=after)
        (aside,) = orphans.orphans(connection, set_aside=True)
        counted = worklist_counts.of_parts(connection, "unlinked", (), MONTH)
    assert counted == {"waiting": 2, "aside": 1}
    assert [first.customer_id, *(one.customer_id for one in rest)] == ["cus_0", "cus_2"]
    assert aside.set_aside == "Newsletter"
    with store.write() as connection:
        assert orphans.set_aside(connection, "cus_1", None)


def test_a_part_is_counted_up_to_a_thousand(store: Store) -> None:
    many = worklist_counts.MANY + 5
    with store.write() as connection:
        for number in range(many):
            links.see_customer(connection, f"cus_{number}", NOW)
    with store.read() as connection:
        counted = worklist_counts.of_parts(connection, "unlinked", (), MONTH)
        assert worklist_counts.counts(connection)["unlinked"] == many
    assert counted == {"waiting": worklist_counts.MANY, "aside": 0}


def test_subscriptions_that_an_earlier_version_kept_are_in_the_lists(
    empty_database_url: str,
) -> None:
    store = Store(empty_database_url)
    migrate.upgrade(store, NOW, "0030")
    kept = (
        subscription(1, status="past_due"),
        subscription(2, next_charge=ComingCharge(NOW + DAY, "eur", 500)),
        subscription(3, status="trialing", trial_end_at=NOW + DAY),
        subscription(4, beneficiary_id=77, cancel_at=NOW + DAY),
        subscription(5, status="canceled", trial_end_at=NOW + DAY, cancel_at=NOW + DAY),
    )
    columns = ("id", "customer_id", "beneficiary_id", "read_at")
    old = table("subscriptions", *map(column, columns), column("data", JSON))
    with store.write() as connection:
        for one in kept:
            told = {"customer_id": one.customer_id, "beneficiary_id": one.beneficiary_id}
            data = CONVERTER.unstructure(one)
            connection.execute(insert(old).values(id=one.id, data=data, read_at=1, **told))
            links.see_customer(connection, one.customer_id, NOW)
    migrate.upgrade(store, NOW)
    with store.read() as connection:
        assert [one.subscription.id for one in worklists.failed(connection, "", 9)] == ["sub_001"]
        coming = {
            kind: [
                one.subscription.id for one in worklists.coming(connection, kind, MONTH, None, 9)
            ]
            for kind in get_args(Coming)
        }
    store.close()
    assert coming == {"renewals": ["sub_002"], "trials": ["sub_003"], "gifts": ["sub_004"]}
