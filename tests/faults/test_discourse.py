"""The forum refuses, breaks off or answers nonsense: each change still happens, once."""

from __future__ import annotations

import pytest
import requests

from bridge.sandbox.discourse.state import SITE_ADMIN_ID, Session
from bridge.sandbox.stripe import delivery
from bridge.worker import sweeper
from tests.faults.looking import CAME_IN, is_any_lease_held, log_of, moves_of, writes
from tests.harness import System

pytestmark = pytest.mark.faults

WRITES = "PUT /groups/*"


def buyer(world: System, user: str = "alice") -> str:
    """Somebody pays, and nothing of it is worked on yet; the subscription's id."""
    price = world.price("supporters")
    customer = world.customer(user)
    world.settle()
    return str(world.subscribe(customer, price).id)


def work(world: System, seconds: float, *, step: float = 5) -> None:
    """Let time pass in steps, a sweep at each."""
    for _ in range(int(seconds / step)):
        delivery.wait_until_idle(world.sandbox.world)
        world.advance(step)
        sweeper.tick(world.bridge)


def test_F17_after_a_429_nobody_asks_for_as_long_as_it_says_and_nobody_sleeps(
    world: System,
) -> None:
    buyer(world)
    refused = {"errors": ["slow down"], "error_type": "rate_limit", "extras": {"wait_seconds": 30}}
    world.sandbox.world.faults.add("discourse", WRITES, "status", status=429, body=refused)
    mark = world.mark()
    while not [e for e in world.calls("discourse", mark) if e.status == 429]:
        work(world, 1, step=1)
        assert not is_any_lease_held(world)  # each sweep came back: nobody sits and waits
    work(world, 60, step=1)
    calls = world.calls("discourse", mark)
    refusal = next(e for e in calls if e.status == 429)
    later = [e.at - refusal.at for e in calls if e.number > refusal.number]
    assert later
    assert min(later) >= 30
    assert moves_of(world, "alice") == [True]


@pytest.mark.parametrize("kind", ["reset_after", "html", "half_body"])
def test_F18_F19_a_write_that_was_done_without_a_usable_answer_is_found_done(
    world: System, kind: str
) -> None:
    subscription = buyer(world)
    world.sandbox.world.faults.add("discourse", WRITES, kind)
    work(world, 60)
    assert moves_of(world, "alice") == [True]
    log = log_of(world, "alice")
    assert sum(log.count(action) for action in CAME_IN) == 1
    assert "observed_done" in log
    assert writes(world) == [f"PUT /groups/{world.group('supporters')}/members.json"]
    # It is known to be the bridge's own: it ends with what was paid for.
    world.sdk.v1.subscriptions.cancel(subscription)
    world.sandbox.world.faults.add("discourse", "DELETE /groups/*", kind)
    work(world, 240)
    assert moves_of(world, "alice") == [True, False]
    assert log_of(world, "alice").count("removed") == 1


def test_F19_a_proxys_page_where_members_should_be_is_no_reading(world: System) -> None:
    buyer(world)
    work(world, 30)
    assert world.groups_of("alice") == {"supporters"}
    world.sandbox.world.faults.add("discourse", "GET /groups/*", "html", times=None)
    mark = world.mark()
    work(world, 900, step=30)
    assert [e for e in world.calls("discourse", mark) if e.fault == "html"]
    assert log_of(world, "alice").count("lost") == 0
    assert moves_of(world, "alice") == [True]


def test_F41_a_cookie_that_the_forum_sets_is_not_sent_back(world: System) -> None:
    subscription = buyer(world)
    forum = world.sandbox.forum
    bob = world.user("bob")
    forum.sessions["stolen"] = Session(csrf="", user_id=bob)
    # The sandbox believes the cookie before the key, as Discourse does.
    profile = f"{world.sandbox.info['discourse_url']}/groups.json"
    key = {"Api-Key": world.sandbox.info["discourse_key"], "Api-Username": "siteadmin"}
    requests.get(profile, headers=key, cookies={"_t": "stolen"}, timeout=5)
    assert world.sandbox.world.journal.since()[-1].caller == "bob"
    mark = world.mark()
    world.sandbox.world.faults.add(
        "discourse",
        "GET /groups*",
        "status",
        times=3,
        status=200,
        body={},
        headers={"Set-Cookie": "_t=stolen; path=/; HttpOnly"},
    )
    work(world, 660, step=20)
    world.sdk.v1.subscriptions.cancel(subscription)
    work(world, 180)
    calls = world.sandbox.world.journal.since(mark, "discourse")
    given = [e for e in calls if e.fault == "status"]
    assert given
    assert {e.caller for e in calls if e.number > given[0].number and e.fault is None} == {
        forum.users[SITE_ADMIN_ID].username
    }
    assert moves_of(world, "alice") == [True, False]
