"""A process dies at a named point, as in a power failure, and everything is right afterwards.

Each point is used once in the whole life of a member, from the first payment to the last day.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from bridge import crashpoints
from bridge.store.leases import LEASE_SECONDS
from bridge.worker import publisher
from tests.processes import KILLED, Live

pytestmark = pytest.mark.faults

# What is in somebody's change log once for each thing that really happened to them.
CAME_IN = ("added", "observed_done")
# Where in a member's life a point is met.
BUYING = (
    "after_stripe_read",
    "after_decision",
    "before_discourse_add",
    "after_discourse_add",
    "before_message_create",
    "after_message_create",
)
BUYING_MORE = ("before_receipt", "after_receipt")
LEAVING = (
    "before_discourse_remove",
    "after_discourse_remove",
    "before_message_edit",
    "after_message_edit",
)
TELLING = tuple(point for point in crashpoints.NAMES if "message" in point or "receipt" in point)
ARRIVING = ("before_inbox_commit", "after_inbox_commit")


class Life:
    """Alice buys, buys something else once, cancels; the bridge may die on the way."""

    def __init__(self, live: Live, point: str) -> None:
        self.live, self.point = live, point
        self.system = live.system
        self.price = live.system.price("supporters")
        self.customer = live.system.customer("alice")

    def phase(
        self, points: tuple[str, ...], act: Callable[[], object], done: Callable[[], bool]
    ) -> None:
        """Let something happen, with a crash on the way if the point is one of these."""
        live = self.live
        if self.point not in points:
            act()
            live.work_here(done)
            return
        live.start("sweep", BRIDGE_CRASH_AT=self.point)
        act()
        live.until(lambda: live.running["sweep"].poll() is not None, pace=20)
        assert live.dies("sweep") == KILLED
        # The lease of the dead runs out by itself.
        lease = publisher.LEASE_SECONDS if self.point in TELLING else LEASE_SECONDS
        self.system.advance(lease + 2)
        restarted_at = self.system.bridge.clock.now()
        live.start("sweep")
        # Slowly: a receipt must be tried again before the forum forgets the text (120 s).
        live.until(lambda: live.has_swept(restarted_at) and done() and live.at_rest(), pace=2)
        assert live.kill("sweep", signal.SIGTERM) == 0

    def buy(self) -> None:
        self.subscription = self.system.subscribe(self.customer, self.price)

    def is_in(self) -> bool:
        return self.system.groups_of("alice") == {"supporters"} and self.live.is_told("alice")

    def buy_more(self) -> None:
        """A one-off order, paid by invoice."""
        sdk = self.system.sdk.v1
        sdk.invoice_items.create(
            {"customer": self.customer, "amount": 700, "currency": "eur", "description": "A shirt"}
        )
        invoice = sdk.invoices.create(
            {"customer": self.customer, "pending_invoice_items_behavior": "include"}
        )
        sdk.invoices.pay(invoice.id)

    def leave(self) -> None:
        self.system.sdk.v1.subscriptions.cancel(self.subscription.id)

    def is_out(self) -> bool:
        return self.system.groups_of("alice") == set()

    def topic_posts(self) -> list[str]:
        forum = self.system.sandbox.forum
        user = self.system.user("alice")
        found = [t for t in forum.topics.values() if t.is_message and user in t.allowed_user_ids]
        return [forum.posts[post_id].raw for topic in found for post_id in topic.post_ids]

    def statement(self) -> str:
        return self.topic_posts()[0]


@pytest.mark.parametrize("point", crashpoints.NAMES)
def test_a_crash_at_any_point_changes_nothing_in_the_end(processes: Live, point: str) -> None:
    live = processes
    life = Life(live, point)
    live.start("web", BRIDGE_CRASH_AT=point if point in ARRIVING else "")
    if point in ARRIVING:
        life.buy()
        assert live.dies("web") == KILLED
        live.start("web")
        life.phase((), lambda: None, life.is_in)
    else:
        life.phase(BUYING, life.buy, life.is_in)
    receipts = 0
    if point in BUYING_MORE:
        receipts = 1
        life.phase(BUYING_MORE, life.buy_more, lambda: len(life.topic_posts()) == 2)
    before = life.statement()
    life.phase(LEAVING, life.leave, lambda: life.is_out() and life.statement() != before)

    moves = [
        (change.added, change.actor_id)
        for change in live.system.sandbox.forum.membership_log
        if change.group_id == live.system.group("supporters")
    ]
    assert [added for added, _ in moves] == [True, False]
    log = live.actions("alice", "supporters")
    assert sum(log.count(action) for action in CAME_IN) == 1
    assert log.count("removed") == 1
    assert live.messages("alice") == 1
    assert len(life.topic_posts()) == 1 + receipts


def test_every_crash_point_is_met_in_that_life() -> None:
    assert sorted(crashpoints.NAMES) == sorted(BUYING + BUYING_MORE + LEAVING + ARRIVING)
