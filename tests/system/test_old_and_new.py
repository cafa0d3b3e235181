"""A database that followed events, and a fresh one that reads everything, are equal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bridge import wiring
from bridge.core.rights.grants import grants
from bridge.rulebook import Rulebook
from bridge.store import facts, migrate
from bridge.store.schema.forum import memberships
from bridge.store.schema.ledger import money_lines
from bridge.store.schema.people import customers
from bridge.wiring import Bridge
from bridge.worker import sweeper
from tests.databases import compile_once
from tests.harness import POLICY, System, system
from tests.system.acts import checkout, confirm, pass_days

# What is decided, not when it was: a fresh database learns everything later.
DECIDED = ("user_id", "group_id", "wanted", "wanted_since", "wanted_until", "sources", "reason")
COUNTED = {"links": 6, "grants": 6, "memberships": 5, "money": 6}
SEEN = ("rule_id", "ladder", "hold", "swap_to", "actual", "override")


def recorded(bridge: Bridge) -> dict[str, Any]:
    """Links, memberships, verdicts and money lines, without the times of their recording."""
    with bridge.store.read() as connection:
        linked = connection.execute(
            select(customers.c.customer_id, customers.c.user_id, customers.c.proof)
        )
        owners = {row.customer_id: row for row in linked if row.user_id}
        rules = bridge.rulebook.rules(connection)
        now = bridge.clock.now()
        verdicts = {
            user_id: grants(facts.facts_of(connection, user_id)[0], rules, POLICY, now)
            for user_id in {row.user_id for row in owners.values()}
        }
        return {
            "links": {id_: (row.user_id, row.proof) for id_, row in owners.items()},
            "grants": {user_id: set(said) for user_id, said in verdicts.items()},
            "memberships": {
                tuple(str(getattr(row, name)) for name in (*DECIDED, *SEEN))
                for row in connection.execute(select(memberships))
                if row.wanted or row.actual
            },
            "money": {
                tuple(str(row._mapping[column.name]) for column in money_lines.c if _told(column))
                for row in connection.execute(select(money_lines))
            },
        }


def _told(column: Any) -> bool:
    return str(column.name) != "recorded_at"


@contextmanager
def fresh(world: System, tmp_path: Path) -> Iterator[Bridge]:
    """A second bridge on the same Stripe and forum, with an empty database."""
    old = world.bridge
    settings = replace(old.settings, database_url=f"sqlite:///{tmp_path / 'fresh.db'}")
    bridge = replace(wiring.build(settings), policy=POLICY, rulebook=Rulebook(POLICY))
    compile_once(bridge.store)
    migrate.upgrade(bridge.store, bridge.clock.now())
    bridge.limiter.prepare()
    try:
        yield bridge
    finally:
        bridge.store.close()


def test_A23_A68_what_came_event_by_event_and_what_a_fresh_database_reads_at_once_is_equal(
    tmp_path: Path,
) -> None:
    with system(tmp_path) as world:
        world.advance(2)
        low = world.price("supporters", discourse_ladder="level", discourse_rank="1")
        high = world.price("patrons", amount=5000, discourse_ladder="level", discourse_rank="2")
        once = world.price("choir", interval=None, discourse_term="1y")
        world.settle()
        # Through links of ours: a member, one who cancels, one who moves up, a one-off purchase.
        for name in ("alice", "bob", "carol"):
            checkout(world, name, low)
        checkout(world, "dave", once, mode="payment")
        # In the dashboard, and linked by a moderator.
        erin, frank = world.customer("erin"), world.customer("frank")
        made = world.subscribe(erin, low)
        world.subscribe(frank, high, cancel_at_period_end=True)
        confirm(world)
        bob, carol = (subscription_of(world, name) for name in ("bob", "carol"))
        world.sdk.v1.subscriptions.cancel(bob.id)
        for subscription in (carol, made):
            item: Any = [{"id": subscription["items"].data[0].id, "price": high}]
            world.sdk.v1.subscriptions.update(subscription.id, {"items": item})
        confirm(world)
        pass_days(world, 3)
        before = recorded(world.bridge)
        assert {what: len(rows) for what, rows in before.items()} == COUNTED
        with fresh(world, tmp_path) as bridge:
            take_over(world, bridge, {erin: "erin", frank: "frank"})
            after = recorded(bridge)
        for what, rows in before.items():
            assert after[what] == rows, what


def subscription_of(world: System, user: str) -> Any:
    with world.bridge.store.read() as connection:
        owner = customers.c.user_id == world.user(user)
        customer = connection.scalar(select(customers.c.customer_id).where(owner))
    assert customer
    return world.sdk.v1.subscriptions.list({"customer": customer}).data[0]


def take_over(world: System, bridge: Bridge, by_hand: dict[str, str]) -> None:
    """Everything that a new bridge does automatically, and links that only a moderator knows."""
    settle(world, bridge)
    for customer, user in by_hand.items():
        replace(world, bridge=bridge).link(customer, user)
    settle(world, bridge)


def settle(world: System, bridge: Bridge) -> None:
    for _ in range(6):
        world.advance(31)
        sweeper.tick(bridge)
