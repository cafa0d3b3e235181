"""Ids belong to an account: another account's rows are never taken for the site's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, Table, insert, inspect, select

from bridge.core.ledger.lines import MoneyLine
from bridge.core.model.account import MANUAL, OWN, SITE, Account
from bridge.core.model.stripe import (
    Feature,
    PendingPayment,
    Price,
    Product,
    Purchase,
    Subscription,
    SubscriptionItem,
)
from bridge.core.rules.compiled import Rules
from bridge.core.rules.policy import Policy
from bridge.core.telling.asked import Amount
from bridge.store import (
    Store,
    accounts,
    catalogue,
    facts,
    figures,
    findings,
    goals,
    history,
    inbox,
    links,
    member,
    migrate,
    money,
    orphans,
    purchases,
    readings,
    search,
    shares,
    statements,
    subscriptions,
    users,
    work,
)
from bridge.store.schema.columns import metadata
from tests.databases import compile_once

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALICE, BOB, CAROL, EVE = 7, 8, 9, 666
OWNED = (
    "work",
    "customers",
    "subscriptions",
    "purchases",
    "seats",
    "catalogue",
    "readings",
    "money_lines",
)
SUB = Subscription(
    id="sub_1",
    customer_id="cus_1",
    status="active",
    items=(SubscriptionItem("si_1", "price_1", "membership", 3, NOW, NOW + timedelta(days=30)),),
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
ORDER = Purchase(
    "cs_1:1", "cus_1", "price_2", "membership", 1, NOW, 900, "eur", disputed="open", disputed_at=NOW
)
THING = Product("membership", "Ours"), Price("price_1", "membership", "eur", 500)
PAID = MoneyLine("in_1", "cus_1", "paid", NOW, 500, "eur", "Ours", payment_id="pi_1")
CASH = MoneyLine(
    "hand_1", None, "paid", NOW, 700, "eur", "In cash", user_id=ALICE, recorded_by="mod"
)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    compile_once(made)
    migrate.upgrade(made, NOW)
    yield made
    made.close()


def fill(connection: Connection) -> None:
    """Something of the site's own in every table."""
    catalogue.save(connection, [*THING, Feature("feat_1", "forum", "Forum")], NOW)
    readings.note_policy(connection, Policy(), NOW)
    for user_id, name in ((ALICE, "alice"), (BOB, "bob"), (CAROL, "carol")):
        users.see_name(connection, user_id, name, NOW)
    users.mark(connection, ALICE, "suspended", NOW)
    assert links.link(connection, "cus_1", ALICE, proof="test", actor="test", now=NOW)
    links.see_customer(connection, "cus_nobody", NOW)
    subscriptions.save_all(connection, "cus_1", [SUB, GIFT], NOW, with_payments=True)
    waits = PendingPayment("in_2", "Ours", 500, "eur", NOW)
    purchases.save(connection, "cus_1", [ORDER], [waits], NOW)
    shares.assign(connection, SUB, CAROL, actor="alice", now=NOW)
    money.save(connection, [PAID, CASH], NOW)
    for key in (work.INBOX_LANE, work.FORUM_LANE, work.user_key(ALICE)):
        work.mark_dirty(connection, key, now=NOW, due_at=NOW, cause="test")


def told(connection: Connection) -> dict[str, Any]:
    """The answer of each question that the store answers from the tables that have ids."""
    asked: dict[str, Callable[..., Any]] = {
        "users_of_all": links.users_of_all,
        "count_orphans": links.count_orphans,
        "catalogue": catalogue.load,
        "on_sale": catalogue.on_sale,
        "features": catalogue.load_features,
        "by_hand": money.by_hand,
        "orphans": orphans.orphans,
        "everybody": member.everybody,
        "never_told": statements.never_told,
        "users_with_a_past": history.users_with_a_past,
        "alive_after_all": lambda of: subscriptions.customers_alive_after_all(of, NOW),
        "with_vanished": subscriptions.customers_with_vanished,
        "figures": lambda of: list(figures.figures(of, NOW)),
        "findings": lambda of: list(
            findings.findings(of, Rules(), Policy(), NOW + timedelta(days=1))
        ),
        "left_behind": lambda of: inbox.left_behind(of, NOW + timedelta(days=1)),
        "policies": lambda of: readings.of_kinds(of, ["policy"]),
        "readings": lambda of: readings.of_kinds(of, readings.CATALOGUE),
        "by_amount": lambda of: [search.by_amount(of, Amount(minor)) for minor in (500, 700)],
        "by_id": lambda of: [search.by_stripe_id(of, id_) for id_ in ("sub_1", "pi_1", "in_1")],
        "oldest": lambda of: work.oldest_dirty_seconds(of, NOW + timedelta(hours=1)),
        "due": lambda of: work.due_keys(of, NOW, 100),
        "load_of": lambda of: catalogue.load_of(of, ["membership", "theirs:membership"]),
        "known": lambda of: catalogue.known(of, ["membership", "theirs:membership"]),
        "on": lambda of: catalogue.customers_on(of, ["membership"]),
        "about": lambda of: orphans.paying_orphans(of, ["membership"]),
        "line": lambda of: [money.line(of, id_) for id_ in ("in_1", "hand_1", "theirs:in_1")],
        "subscribed": lambda of: goals.subscriptions_to(of, "membership"),
        "bought": lambda of: goals.purchases_of(of, "membership"),
        "renewed": lambda of: goals.renewals_of(of, "membership", "eur"),
        "payers": lambda of: readings.payers_of(of, ["sub_1", "theirs:sub_1"]),
    }
    found = {name: ask(connection) for name, ask in asked.items()}
    for user_id in (ALICE, BOB, CAROL, EVE):
        found[f"facts {user_id}"] = facts.facts_of(connection, user_id)
        found[f"member {user_id}"] = member.load(connection, user_id, with_money=True)
        found[f"past {user_id}"] = history.past_of(connection, user_id)
        found[f"customers {user_id}"] = links.customers_of(connection, user_id)
        found[f"then {user_id}"] = history.customers_at(connection, user_id, NOW)
        found[f"live {user_id}"] = links.live_customers_of(connection, user_id)
        found[f"givers {user_id}"] = shares.givers_of(connection, user_id)
        found[f"known {user_id}"] = accounts.is_known(connection, user_id)
        found[f"waiting {user_id}"] = work.waiting_of(connection, user_id)
        found[f"dirty {user_id}"] = work.dirty(connection, work.user_key(user_id), user_id)
    for id_ in ("cus_1", "cus_nobody", "theirs:cus_1"):
        found[f"user of {id_}"] = links.user_of(connection, id_)
        found[f"rows of {id_}"] = links.customers_among(connection, [id_])
        found[f"shared by {id_}"] = shares.concerned(connection, [id_])
        found[f"bought by {id_}"] = subscriptions.of_customers(connection, [id_])
        found[f"ids of {id_}"] = subscriptions.ids_of(connection, [id_])
        found[f"vanished of {id_}"] = subscriptions.vanished(connection, [id_])
        found[f"read of {id_}"] = readings.of_customers(connection, [id_], ["sub_2"])
        found[f"entitled {id_}"] = readings.entitlements_of(connection, [id_])
        found[f"attempts {id_}"] = work.attempts_of(connection, id_)
    for id_ in ("sub_1", "sub_2", "theirs:sub_1"):
        found[f"stored {id_}"] = subscriptions.stored(connection, id_)
        found[f"last {id_}"] = subscriptions.last_read(connection, id_)
        found[f"customer {id_}"] = subscriptions.customer_of(connection, id_)
        found[f"places {id_}"] = shares.places_taken(connection, id_)
    return found


def rows_of(connection: Connection, account: Account) -> dict[str, list[Any]]:
    """All rows of an account, by table."""
    found = {}
    for name in OWNED:
        table = metadata.tables[name]
        mine = table.c.provider == account.provider, table.c.account == account.id
        rows = connection.execute(select(table).where(*mine)).all()
        found[name] = sorted(rows, key=str)
    return found


def copy_for(connection: Connection, account: Account) -> None:
    """Give another account the same ids with other contents, and ids of its own."""
    whose = {"provider": account.provider, "account": account.id}
    for name in OWNED:
        table = metadata.tables[name]
        rows = [dict(row._mapping) for row in connection.execute(select(table))]
        for row in rows:
            if name == "readings":
                del row["id"]
            same = row | whose | _changed(row)
            connection.execute(insert(table).values(same))
            other = row | whose
            for key in ("id", "key", "customer_id", "subscription_id"):
                if isinstance(other.get(key), str):
                    other[key] = f"theirs:{other[key]}"
            if name == "seats":
                other["user_id"] = EVE
            connection.execute(insert(table).values(other))


def _changed(row: dict[str, Any]) -> dict[str, Any]:
    late = NOW + timedelta(days=9)
    other = {
        "beneficiary_id": EVE,
        "attempts": 9,
        "error": "theirs",
        "dirty_gen": 99,
        "amount_minor": 1,
        "data": {"name": "theirs"},
        "deleted_at": late,
        "read_at": late,
        "timer_at": NOW,
        "assigned_at": late,
    }
    changed = {name: value for name, value in other.items() if name in row}
    return changed | ({"user_id": EVE} if "assigned_at" not in row and "user_id" in row else {})


@pytest.mark.parametrize("other", [Account("stripe", "acct_2"), Account("paypal", "own")], ids=str)
def test_what_another_account_has_under_the_same_ids_changes_no_answer(
    store: Store, other: Account
) -> None:
    with store.write() as connection:
        fill(connection)
        before = told(connection)
        copy_for(connection, other)
        after = told(connection)
        assert {name for name in before if before[name] != after[name]} == set()


@pytest.mark.parametrize("other", [Account("stripe", "acct_2"), Account("paypal", "own")], ids=str)
def test_what_is_written_about_our_ids_leaves_another_account_s_rows_alone(
    store: Store, other: Account
) -> None:
    later = NOW + timedelta(hours=1)
    with store.write() as connection:
        fill(connection)
        copy_for(connection, other)
        theirs = rows_of(connection, other)
        catalogue.save(connection, [Product("membership", "Renamed")], later)
        catalogue.drop(connection, "price_1", later)
        for thing in work.dirty(connection, "cus_1", ALICE):
            work.put_off(connection, [thing.key], error="late", next_at={thing.key: later})
            work.rest(connection, thing.key, later)
            work.mark_done(connection, [thing], timer=None)
        work.mark_done(connection, (), timer=(work.user_key(ALICE), later))
        work.ring_timers(connection, later)
        subscriptions.save_all(connection, "cus_1", [SUB], later, with_payments=True)
        subscriptions.read_the_same(connection, "sub_1", later)
        purchases.save(connection, "cus_1", [], [], later)
        money.save(connection, [PAID, CASH], later)
        shares.unassign(connection, SUB, CAROL, actor="alice", now=later)
        moved = accounts.move(
            connection, BOB, CAROL, member_of=(), new_id=lambda: "g", actor="mod", now=later
        )
        assert moved.gifts == ("sub_2",)
        links.confirm(connection, "cus_1", proof="checkout")
        links.forget(connection, "cus_1", later)
        links.note_unknown(connection, "cus_nobody", later)
        links.everybody_was_read(connection, later)
        assert links.unlink(connection, "cus_1", actor="mod", now=later) == ALICE
        assert rows_of(connection, other) == theirs


def test_a_product_of_another_account_may_have_the_id_of_one_of_ours(store: Store) -> None:
    with store.write() as connection:
        fill(connection)
        copy_for(connection, Account("stripe", "acct_2"))
        products, _ = catalogue.load(connection)
        assert [product.name for product in products] == ["Ours"]


def test_every_key_has_an_account_as_the_code_is_written_for(store: Store) -> None:
    with store.read() as connection:
        for table in metadata.tables.values():
            found = inspect(connection).get_pk_constraint(table.name)["constrained_columns"]
            assert found == [column.name for column in table.primary_key], table.name


def test_what_an_earlier_version_kept_is_the_site_s_own_and_can_go_back(database_url: str) -> None:
    store = Store(database_url)
    migrate.upgrade(store, NOW)
    with store.write() as connection:
        fill(connection)
        kept = _without_account(connection)
    migrate.downgrade(store, "0013")
    with store.write() as connection:
        assert _without_account(connection) == _as_then(connection, kept)
        assert "account" not in {one["name"] for one in inspect(connection).get_columns("work")}
    migrate.upgrade(store, NOW)
    with store.write() as connection:
        assert _without_account(connection) == kept
        assert _accounts_in(connection) == {
            "work": {OWN, SITE},
            "customers": {OWN},
            "subscriptions": {OWN},
            "purchases": {OWN},
            "seats": {OWN},
            "catalogue": {OWN},
            "readings": {OWN, SITE},
            "money_lines": {OWN, MANUAL},
        }
        copy_for(connection, Account("stripe", "acct_2"))
    migrate.downgrade(store, "0013")
    with store.write() as connection:
        assert _without_account(connection) == _as_then(connection, kept)
    store.close()


def _without_account(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """The tables' contents besides the account, read directly."""
    found = {}
    for name in OWNED:
        table = Table(name, MetaData(), autoload_with=connection)
        kept = [one for one in table.c if one.name not in {"provider", "account"}]
        rows = connection.execute(select(*kept)).all()
        found[name] = sorted((dict(row._mapping) for row in rows), key=str)
    return found


def _as_then(
    connection: Connection, kept: dict[str, list[dict[str, Any]]]
) -> dict[str, list[dict[str, Any]]]:
    """The same without the columns that the tables did not have yet."""
    had = {name: {one["name"] for one in inspect(connection).get_columns(name)} for name in kept}
    return {
        name: [{key: row[key] for key in row if key in had[name]} for row in rows]
        for name, rows in kept.items()
    }


def _accounts_in(connection: Connection) -> dict[str, set[Account]]:
    found = {}
    for name in OWNED:
        table = metadata.tables[name]
        rows = connection.execute(select(table.c.provider, table.c.account).distinct())
        found[name] = {Account(*row) for row in rows}
    return found
