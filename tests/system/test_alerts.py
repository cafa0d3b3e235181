"""Alerts reach the moderators, and nobody is removed while events are missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.clock import Clock
from bridge.sandbox.discourse.state import Post
from bridge.sandbox.stripe import delivery
from bridge.store import figures, users
from bridge.worker import reconcile, sweeper
from tests.harness import DAY, POLICY, System, system
from tests.system.acts import checkout, confirm, forum_user, moves
from tests.system.typing_commands import asked, typed

MODERATORS = 2
MINUTE = 60


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


def told(world: System) -> list[Post]:
    """The first post of each message to the moderators."""
    forum = world.sandbox.forum
    topics = [t for t in forum.topics.values() if MODERATORS in t.allowed_group_ids]
    return [forum.posts[topic.post_ids[0]] for topic in topics]


def plain(post: Post) -> str:
    """A message without the marks that make it show letter by letter."""
    return post.raw.replace("<!-- -->", "").replace("\\", "")


def kinds(world: System) -> list[str]:
    return [one["kind"] for one in asked(world, "alerts")]


def work(world: System, seconds: float, step: float = 30) -> None:
    """Let time pass in steps, some sweeps at each, whether all comes to rest or not."""
    for _ in range(int(seconds / step)):
        delivery.wait_until_idle(world.sandbox.world)
        world.advance(step)
        # What had to wait is read again before it goes, so one sweep is not enough.
        for _ in range(3):
            sweeper.tick(world.bridge)


def until_told(world: System, seconds: float = 7200, step: float = 10) -> Post:
    """Let time pass until there is a message to the moderators."""
    for _ in range(int(seconds / step)):
        if found := told(world):
            return found[0]
        work(world, step, step)
    raise AssertionError(f"nobody was told within {seconds} s")


def members_whose_news_is_lost(world: System) -> None:
    """Three members cancel, but Stripe's events never arrive.

    The list of events is read a few minutes later.
    """
    price = world.price("supporters")
    paid = [world.subscribe(world.customer(name), price) for name in ("alice", "bob", "carol")]
    confirm(world)
    delivery.lose(world.sandbox.world)
    for subscription in paid:
        world.sdk.v1.subscriptions.cancel(subscription.id)
    world.advance(3400)


# --- news that does not arrive --------------------------------------------------------------------


def test_A37_moderators_are_told_of_a_failing_endpoint_before_anybody_is_removed(
    world: System,
) -> None:
    members_whose_news_is_lost(world)
    dave = world.customer("dave")
    world.subscribe(dave, world.sdk.v1.prices.list().data[0].id)
    removals = {"alice": ["in"], "bob": ["in"], "carol": ["in"]}
    message = until_told(world)
    assert {name: moves(world, name, "supporters") for name in removals} == removals
    # Additions go on meanwhile; removals wait a confirm window more, and then follow.
    assert "Events from Stripe do not arrive" in plain(message)
    told_at = world.bridge.clock.now()
    work(world, 30)
    assert world.members("supporters") == {"alice", "bob", "carol", "dave"}
    waits = asked(world, "explain", "alice")["groups"][0]["waits"]
    assert "alert" in [one["for"] for one in waits]
    work(world, 180)
    assert world.members("supporters") == {"dave"}
    out = [c.at for c in world.sandbox.forum.membership_log if not c.added]
    assert min(out) >= told_at.timestamp() + POLICY.removal_confirm_seconds - 1


def test_A37_while_the_message_cannot_be_sent_nobody_is_removed(world: System) -> None:
    members_whose_news_is_lost(world)
    posts = world.sandbox.world.faults.add(
        "discourse", "POST /posts*", "status", times=None, status=503
    )
    work(world, 600)
    assert kinds(world) == ["news_missed"]
    assert world.members("supporters") == {"alice", "bob", "carol"}
    world.sandbox.world.faults.switches.remove(posts)
    work(world, 240)
    assert len(told(world)) == 1
    assert world.members("supporters") == set()


def test_A37_where_nobody_is_to_be_told_removals_wait_for_an_hour_and_not_for_ever(
    tmp_path: Path,
) -> None:
    with system(tmp_path, policy=replace(POLICY, alerts_to="none")) as world:
        world.advance(2)
        members_whose_news_is_lost(world)
        work(world, 50 * MINUTE, step=120)
        assert kinds(world) == ["news_missed"]
        assert world.members("supporters") == {"alice", "bob", "carol"}
        work(world, 25 * MINUTE, step=120)
        assert world.members("supporters") == set()
        assert told(world) == []


def test_A37_an_endpoint_that_stripe_switched_off_is_told_and_so_is_its_return(
    world: System,
) -> None:
    price = world.price("supporters")
    subscription = world.subscribe(world.customer("alice"), price)
    confirm(world)
    (endpoint,) = world.sdk.v1.webhook_endpoints.list().data
    world.sdk.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    world.sdk.v1.subscriptions.cancel(subscription.id)
    world.advance(3400)
    assert "switched off" in plain(until_told(world))
    assert world.members("supporters") == {"alice"}
    work(world, 180)
    assert world.members("supporters") == set()
    world.sdk.v1.webhook_endpoints.update(endpoint.id, {"disabled": False})
    world.advance(3600)
    work(world, 60)
    assert kinds(world) == []
    (message,) = told(world)
    assert "Nothing needs your attention any more" in plain(message)
    assert "Resolved" in plain(message)


def test_A37_news_that_arrives_late_holds_removals_until_it_is_there_and_is_no_alert(
    world: System,
) -> None:
    price = world.price("supporters")
    paid = [world.subscribe(world.customer(name), price) for name in ("alice", "bob")]
    confirm(world)
    delivery.hold(world.sandbox.world)
    for subscription in paid:
        world.sdk.v1.subscriptions.update(subscription.id, {"metadata": {"note": "x"}})
        world.sdk.v1.subscriptions.cancel(subscription.id)
    world.advance(3600)
    work(world, 60, step=10)
    waits = asked(world, "explain", "alice")["groups"][0]["waits"]
    assert "alert" in [one["for"] for one in waits]
    delivery.release(world.sandbox.world)
    work(world, 150)
    assert world.members("supporters") == set()
    assert (told(world), kinds(world)) == ([], [])


def test_two_pieces_of_news_that_were_missed_are_no_alert(world: System) -> None:
    price = world.price("supporters")
    paid = [world.subscribe(world.customer(name), price) for name in ("alice", "bob")]
    confirm(world)
    delivery.lose(world.sandbox.world, types="customer.subscription.deleted")
    for subscription in paid:
        world.sdk.v1.subscriptions.cancel(subscription.id)
    world.advance(3400)
    work(world, 500)
    assert world.members("supporters") == set()
    assert told(world) == []


# --- Stripe or the forum out of reach -------------------------------------------------------------


def test_A87_while_the_forum_is_down_an_alert_comes_within_minutes_and_is_posted_when_it_is_back(
    world: System,
) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    confirm(world)
    outage = world.sandbox.world.faults.add("discourse", "*", "status", times=None, status=502)
    world.subscribe(customer, price)
    work(world, 7 * MINUTE)
    (alert,) = asked(world, "alerts")
    assert (alert["kind"], alert["told"]) == ("forum_waits", None)
    with world.bridge.store.read() as connection:
        counted = {name: n for name, _, n in figures.figures(connection, world.bridge.clock.now())}
    assert counted["bridge_alerts"] == 1
    world.sandbox.world.faults.switches.remove(outage)
    work(world, 5 * MINUTE)
    assert world.members("supporters") == {"alice"}
    assert moves(world, "alice", "supporters") == ["in"]
    assert kinds(world) == []


def test_A87_while_the_forum_takes_no_members_its_moderators_are_told_within_minutes(
    world: System,
) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    confirm(world)
    world.sandbox.world.faults.add("discourse", "PUT /groups/*", "status", times=None, status=502)
    began = world.bridge.clock.now()
    world.subscribe(customer, price)
    until_told(world)
    assert (world.bridge.clock.now() - began).total_seconds() < 10 * MINUTE
    assert "1 membership waits for it." in plain(told(world)[0])


def test_while_stripe_is_down_and_work_waits_moderators_are_told_within_minutes(
    world: System,
) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    confirm(world)
    outage = world.sandbox.world.faults.add(
        "stripe", "GET /v1/subscriptions", "status", times=None, status=500
    )
    world.subscribe(customer, price)
    work(world, 7 * MINUTE)
    assert kinds(world) == ["stripe_waits"]
    assert f"{customer}: GET /v1/subscriptions: Stripe answered 500" in plain(told(world)[0])
    world.sandbox.world.faults.switches.remove(outage)
    work(world, 16 * MINUTE, step=60)
    assert world.members("supporters") == {"alice"}
    assert "Resolved" in plain(told(world)[0])


class HourFast(Clock):
    """A machine's clock that is an hour fast."""

    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)


def test_E47_a_clock_that_is_wrong_is_an_alert_until_it_is_right(world: System) -> None:
    confirm(world)
    # The simulated forum does not tell the time; a real server does, as the bridge's own here.
    settings = replace(world.bridge.settings, clock_file=None, discourse_url=world.url)
    real = replace(world.bridge, settings=settings)
    reconcile.look_at_clock(replace(real, clock=HourFast()))
    work(world, 60)
    assert kinds(world) == ["clock_wrong"]
    assert "differ by 36" in plain(told(world)[0])
    reconcile.look_at_clock(replace(real, clock=Clock()))
    work(world, 60)
    assert kinds(world) == []


# --- rules and memberships that wait for a person -------------------------------------------------


def test_A93_E57_a_deleted_group_is_an_alert_that_names_the_rule_until_it_is_put_right(
    world: System,
) -> None:
    price = world.price("supporters,patrons")
    world.subscribe(world.customer("alice"), price)
    confirm(world)
    forum = world.sandbox.forum
    group = forum.groups.pop(world.group("patrons"))
    del forum.group_id_by_name[group.name]
    del forum_user(world, "alice").group_ids[group.id]
    work(world, 16 * MINUTE, step=60)
    (alert,) = asked(world, "alerts")
    assert alert["kind"] == "rule_halted"
    assert "M103" in alert["what"]
    assert "Membership supporters,patrons (prod_" in alert["what"]
    assert "patrons" in plain(told(world)[0])
    assert "/moderate/mapping)" in told(world)[0].raw
    forum.groups[group.id], forum.group_id_by_name[group.name] = group, group.id
    work(world, 11 * MINUTE, step=60)
    assert kinds(world) == []


def test_A34_a_price_without_a_rule_that_holds_a_membership_is_told_with_what_to_do(
    world: System,
) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    confirm(world)
    move(world, subscription, world.price(""))
    work(world, 7 * MINUTE, step=60)
    text = plain(told(world)[0])
    assert "membership of supporters waits for your decision" in text
    assert f"({world.bridge.settings.bridge_url}/moderate/lists/held)" in told(world)[0].raw
    (alert,) = asked(world, "alerts")
    todo = f"bridge keep or bridge let-go id:{world.user('alice')} supporters"
    assert todo in alert["todo"], "whoever has a shell reads the commands there"
    assert world.members("supporters") == {"alice"}


def test_A34_where_the_site_lets_it_end_that_is_told_too(tmp_path: Path) -> None:
    with system(tmp_path, policy=replace(POLICY, unmapped="end")) as world:
        world.advance(2)
        subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
        confirm(world)
        move(world, subscription, world.price(""))
        confirm(world)
        assert kinds(world) == ["no_rule_ends"]
        assert "no rule covers what they pay for" in plain(told(world)[0])
        world.advance(DAY)
        work(world, 60)
        assert kinds(world) == []


def move(world: System, subscription: Any, price: str) -> None:
    items: Any = [{"id": subscription["items"].data[0].id, "price": price}]
    world.sdk.v1.subscriptions.update(subscription.id, {"items": items})


def test_A145_many_removals_at_once_wait_for_a_moderator_who_is_told_at_once_and_daily(
    world: System,
) -> None:
    price = world.price("supporters")
    paid = [world.subscribe(world.customer(f"user{n}"), price) for n in range(22)]
    confirm(world)
    for subscription in paid[:21]:
        world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    work(world, 60)
    assert kinds(world) == ["removals_stopped"]
    assert "/moderate/lists/stopped)" in told(world)[0].raw
    assert len(world.members("supporters")) == 22
    before = len(told(world))
    world.advance(DAY + 60)
    work(world, 60)
    assert len(told(world)) == before + 1
    typed(world, "release", "supporters")
    work(world, 60)
    assert kinds(world) == []
    assert len(world.members("supporters")) == 1


def test_A145_ordinary_endings_keep_a_pace_and_go_on_in_the_next_hour(world: System) -> None:
    price = world.price("supporters")
    paid = [world.subscribe(world.customer(f"user{n}"), price) for n in range(8)]
    confirm(world)
    for subscription in paid:
        world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    work(world, 60)
    assert kinds(world) == []
    assert len(world.members("supporters")) == 3
    world.advance(3600)
    work(world, 60)
    assert world.members("supporters") == set()


def test_E28_a_moderator_is_told_of_a_dispute_until_it_is_decided(world: System) -> None:
    price = world.price("supporters", interval=None)
    customer = world.customer("alice")
    checkout(world, "alice", price, mode="payment", card="pm_card_createDispute", customer=customer)
    confirm(world)
    (dispute,) = world.sdk.v1.disputes.list().data
    work(world, 60)
    assert kinds(world) == ["dispute"]
    assert f"alice (id:{world.user('alice')}) is disputed" in plain(told(world)[0])
    assert "at their bank: Membership supporters (cs_" in plain(told(world)[0])
    assert world.members("supporters") == {"alice"}
    world.sdk.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": "losing_evidence"}}
    )
    confirm(world)
    work(world, 60)
    assert kinds(world) == []


def test_E28_E58_a_disputed_renewal_and_a_suspended_payer_are_found_on_each_database(
    tmp_path: Path, database_url: str
) -> None:
    with system(tmp_path, database_url=database_url) as world:
        world.advance(2)
        price = world.price("supporters")
        world.subscribe(world.customer("alice", payment_method="pm_card_createDispute"), price)
        confirm(world)
        suspended(world, "bob")
        work(world, 60)
        found = {(one["kind"], one["subject"]) for one in asked(world, "alerts")}
        alice, bob = str(world.user("alice")), str(world.user("bob"))
        assert found == {("dispute", alice), ("pays_suspended", bob)}


# --- how it is told -------------------------------------------------------------------------------


def test_nothing_is_told_and_nothing_asked_for_while_nothing_needs_anybody(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    confirm(world)
    assert told(world) == []
    assert typed(world, "alerts") == "Nothing needs your attention.\n"


def suspended(world: System, name: str) -> None:
    """A member who pays is suspended."""
    world.subscribe(world.customer(name), world.sdk.v1.prices.list().data[0].id)
    world.settle()
    person, now = forum_user(world, name), world.sandbox.world.clock.now()
    person.suspended_at, person.suspended_till = now, now + 90 * DAY
    with world.bridge.store.write() as connection:
        users.mark(connection, world.user(name), "suspended", world.bridge.clock.now())


def test_what_comes_within_an_hour_is_written_into_the_message_and_announced_with_the_next(
    world: System,
) -> None:
    world.price("supporters")
    suspended(world, "alice")
    until_told(world, step=30)
    suspended(world, "bob")
    work(world, 60)
    (message,) = told(world)
    assert "alice (id:" in plain(message)
    assert "bob (id:" in plain(message)
    told_at = {one["subject"]: one["told"] for one in asked(world, "alerts")}
    assert told_at[str(world.user("alice"))]
    assert told_at[str(world.user("bob"))] is None
    mark = world.mark()
    work(world, 20 * MINUTE, step=60)
    assert [e.path for e in world.calls("discourse", mark) if "/posts" in e.path] == []
    work(world, 45 * MINUTE, step=60)
    _, second = told(world)
    assert "alice (id:" in plain(second)
    assert "bob (id:" in plain(second)
    assert all(one["told"] for one in asked(world, "alerts"))


def test_a_message_whose_answer_was_lost_is_not_sent_twice(world: System) -> None:
    world.price("supporters")
    suspended(world, "alice")
    mark = world.mark()
    world.sandbox.world.faults.add("discourse", "POST /posts*", "reset_after")
    work(world, 5 * MINUTE)
    posts = [e for e in world.calls("discourse", mark) if e.path == "/posts.json"]
    assert len(posts) == 2
    assert len(told(world)) == 1
    assert all(one["told"] for one in asked(world, "alerts"))
