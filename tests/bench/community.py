"""A large community, put into a store in bulk: members, payments and the log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import text

from bridge.core.model.actor import moderator
from bridge.core.model.stripe import (
    Billing,
    ComingCharge,
    PendingPayment,
    Subscription,
    SubscriptionItem,
)
from bridge.store import Store, migrate
from bridge.store.readings import CONVERTER, listed_by
from bridge.store.schema.columns import EPOCH

AT_ONCE = 10_000
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FIRST_USER = 100_000
FIRST_LINE = 1_000_000  # the few before it are those of setting up
YEARS = 4
BY_PEOPLE_EVERY = 200  # lines of the log
FAILS_EVERY, HELD_EVERY, UNLINKED_EVERY, ENDS_EVERY = 100, 400, 250, 10
REFUND_EVERY, DISPUTE_EVERY, OF_PAYOUT = 50, 997, 100

Row = Sequence[Any]


def micros(at: datetime) -> int:
    """A time as it is stored."""
    return (at - EPOCH) // timedelta(microseconds=1)


def pour(store: Store, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Put rows into a table as fast as the database takes them."""
    names = ", ".join(f'"{one}"' for one in columns)
    pending = iter(rows)
    with store.write() as connection:
        cursor = connection.connection.cursor()
        if store.is_sqlite:
            places = ", ".join("?" for _ in columns)
            while batch := list(islice(pending, AT_ONCE)):
                cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", batch)  # noqa: S608 - our own names
            return
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in pending:
                copy.write_row(row)


def fill(
    store: Store,
    sold: tuple[str, str],
    group_ids: Sequence[int],
    now: datetime,
    *,
    members: int,
    lines: int,
    logged: int,
) -> None:
    """Members of these groups by subscriptions to a price and product (`sold`)."""
    users = range(FIRST_USER, FIRST_USER + members)
    seen = micros(now)
    pour(
        store,
        "users",
        ("user_id", "username", "state", "seen_at", "statement_attempts"),
        ((n, f"member{n}", "active", seen, 0) for n in users),
    )
    pour(store, "names", ("folded", "user_id", "said_at"), ((f"member{n}", n, seen) for n in users))
    pour(store, *_customers(users, now))
    pour(store, *_subscriptions(users, sold, now))
    pour(store, *_memberships(users, sold[0], group_ids, now))
    pour(store, *_money(users, sold[1], now, lines))
    pour(store, *_log(users, sold[0], group_ids, now, logged))
    pour(store, *_books(users, now, lines))
    pour(store, *_moves(now, lines))
    pour(store, *_payouts(now, lines))
    pour(store, *_orders(users, sold[0], now))
    with store.write() as connection:
        migrate.gather_statistics(connection)
        if not store.is_sqlite:
            connection.execute(
                text("SELECT setval(pg_get_serial_sequence('changes', 'id'), max(id)) FROM changes")
            )


def _customers(users: Iterable[int], now: datetime) -> tuple[str, Sequence[str], Iterator[Row]]:
    columns = ("customer_id", "user_id", "first_seen_at", "read_at", "has_purchases", "billing")
    billing = json.dumps(CONVERTER.unstructure(Billing()))
    at = micros(now)
    rows = (
        (f"cus_{n}", None if n % UNLINKED_EVERY == 0 else n, at - n, at, False, billing)
        for n in users
    )
    return "customers", columns, rows


def _subscriptions(
    users: Iterable[int], sold: tuple[str, str], now: datetime
) -> tuple[str, Sequence[str], Iterator[Row]]:
    times = ("renews_at", "trial_ends_at", "gift_ends_at")
    columns = ("id", "customer_id", "data", "read_at", "status", *times)

    def rows() -> Iterator[Row]:
        for n in users:
            one = _subscription(n, sold, now)
            told = listed_by(one)
            stored = (micros(told[name]) if told[name] else None for name in times)
            data = json.dumps(CONVERTER.unstructure(one))
            yield (one.id, one.customer_id, data, micros(now), one.status, *stored)

    return "subscriptions", columns, rows()


def _subscription(n: int, sold: tuple[str, str], now: datetime) -> Subscription:
    ends = now + (n % 60 + 1) * HOUR * 12
    began = now - (n % (YEARS * 365)) * DAY
    item = SubscriptionItem(f"si_{n}", *sold, 1, ends - 30 * DAY, ends)
    if n % FAILS_EVERY:
        charge = ComingCharge(ends, "eur", 500)
        return Subscription(
            f"sub_{n}", f"cus_{n}", "active", (item,), began, began, next_charge=charge
        )
    owed = PendingPayment(
        f"in_open_{n}", "Supporter", 500, "eur", now, next_try_at=ends, attempts=2
    )
    return Subscription(
        f"sub_{n}",
        f"cus_{n}",
        "past_due",
        (item,),
        began,
        began,
        pending=(owed,),
        past_due_since_at=now,
    )


def _memberships(
    users: Iterable[int], price_id: str, group_ids: Sequence[int], now: datetime
) -> tuple[str, Sequence[str], Iterator[Row]]:
    columns = (
        *("user_id", "group_id", "wanted", "wanted_since", "wanted_until", "sources", "reason"),
        *("rule_id", "decided_at", "hold", "hold_at", "actual", "actual_since", "owned"),
    )

    def rows() -> Iterator[Row]:
        for n in users:
            since = micros(now - (n % (YEARS * 365)) * DAY)
            until = None if n % ENDS_EVERY else micros(now + (n % 90 + 1) * DAY)
            reason = "active" if n % FAILS_EVERY else "grace"
            held = None if n % HELD_EVERY else "no_rule"
            sources = json.dumps([f"sub_{n}"])
            yield (
                *(n, group_ids[n % len(group_ids)], True, since, until, sources, reason, price_id),
                *(since, held, since if held else None, True, since, "proven"),
            )

    return "memberships", columns, rows()


def _money(
    users: range, product_id: str, now: datetime, lines: int
) -> tuple[str, Sequence[str], Iterator[Row]]:
    columns = (
        *("id", "customer_id", "kind", "at", "amount_minor", "currency", "what", "invoice_id"),
        *("payment_id", "subscription_id", "product_id", "from_credit_minor", "is_first"),
        "recorded_at",
    )

    def rows() -> Iterator[Row]:
        for number in range(lines):
            n = users[number % len(users)]
            at = micros(now - timedelta(hours=number % (YEARS * 365 * 24)))
            kind, amount = ("refunded", -500) if number % 50 == 0 else ("paid", 500 + n % 97)
            yield (
                *(f"in_{number}", f"cus_{n}", kind, at, amount, "eur", "Supporter", f"in_{number}"),
                *(f"pi_{number}", f"sub_{n}", product_id, 0, number < len(users), at),
            )

    return "money_lines", columns, rows()


def source_of(number: int) -> str:
    """What a movement of money is about: mostly a charge, sometimes a refund or a dispute."""
    kind = "re" if number % REFUND_EVERY == 0 else "dp" if number % DISPUTE_EVERY == 0 else "ch"
    return f"{kind}_{number}"


def _books(users: range, now: datetime, lines: int) -> tuple[str, Sequence[str], Iterator[Row]]:
    columns = (
        *("provider", "account", "entry_id", "number", "family", "kind", "book", "at"),
        *("amount_minor", "currency", "what", "customer_id", "source_id"),
    )

    def rows() -> Iterator[Row]:
        for number in range(lines):
            n = users[number % len(users)]
            at = micros(now - timedelta(hours=number % (YEARS * 365 * 24)))
            yield (
                *("stripe", "own", f"txn_{number}", 0, f"cus_{n}", "paid", "assets:stripe", at),
                *(500 + n % 97, "eur", "Supporter", f"cus_{n}", source_of(number)),
            )

    return "ledger_lines", columns, rows()


_OBJECT = ("provider", "account", "id", "kind", "data", "read_at", "pending")


def _moves(now: datetime, lines: int) -> tuple[str, Sequence[str], Iterator[Row]]:
    rows = (
        (
            *("stripe", "own", f"txn_{number}", "move"),
            *(json.dumps({"source_id": source_of(number)}), micros(now), False),
        )
        for number in range(lines)
    )
    return "money_objects", _OBJECT, rows


def _payouts(now: datetime, lines: int) -> tuple[str, Sequence[str], Iterator[Row]]:
    rows = (
        (
            *("stripe", "own", f"po_{number}", "payout"),
            json.dumps({"move_ids": [f"txn_{number * OF_PAYOUT + k}" for k in range(OF_PAYOUT)]}),
            *(micros(now), False),
        )
        for number in range(lines // OF_PAYOUT)
    )
    return "money_objects", _OBJECT, rows


def _orders(
    users: Iterable[int], price_id: str, now: datetime
) -> tuple[str, Sequence[str], Iterator[Row]]:
    columns = ("id", "user_id", "price_id", "session_id", "created_at")
    rows = ((f"order{n}", n, price_id, f"cs_{n}", micros(now)) for n in users)
    return "checkouts", columns, rows


def _log(
    users: range, price_id: str, group_ids: Sequence[int], now: datetime, logged: int
) -> tuple[str, Sequence[str], Iterator[Row]]:
    columns = ("id", "at", "action", "user_id", "group_id", "cause", "rule_id", "outcome", "detail")
    actions = ("wanted", "intent_add", "added", "unwanted", "confirmed", "intent_remove", "removed")
    step = timedelta(days=365 * YEARS) / max(1, logged)
    mia = str(moderator(12, "console"))
    said = json.dumps({"wanted": True, "sources": ["sub_1"], "reason": "active"})
    unsaid = json.dumps({"wanted": False, "sources": []})
    details = {"wanted": said, "unwanted": unsaid, "confirmed": unsaid}

    def rows() -> Iterator[Row]:
        for number in range(logged):
            # Everybody comes and goes in turn, a line each, years long.
            n = users[number % len(users)]
            action = actions[(number // len(users)) % len(actions)]
            cause = f"evt_{number}"
            if number % BY_PEOPLE_EVERY == 0:
                action, cause = "granted", mia
            at = micros(now - step * (logged - number))
            yield (
                *(
                    FIRST_LINE + number,
                    at,
                    action,
                    n,
                    group_ids[n % len(group_ids)],
                    cause,
                    price_id,
                ),
                *("active", details.get(action)),
            )

    return "changes", columns, rows()
