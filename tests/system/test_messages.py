"""Messages are compared with the present, not with the last change."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import mechanicalsoup
import pytest

from bridge.core.signed.reference import sign_buyer
from bridge.sandbox.discourse.topics import messages_to as messages_to_group
from bridge.store import alerts
from bridge.worker import applier, publisher, sweeper
from tests.harness import DAY, POLICY, System, system
from tests.system.acts import confirm, message_to, messages_to, staff_remove
from tests.system.test_alerts import MINUTE, kinds, told, until_told, work

QUIET = POLICY.statement_quiet_seconds
NOT_YET = "You will soon be in supporters"
IN = "You are in supporters"


def open_alerts(world: System) -> list[str]:
    with world.bridge.store.read() as connection:
        return [str(one.kind) for one in alerts.open_ones(connection, world.bridge.clock.now())]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


def test_A120_a_message_written_while_a_membership_was_on_its_way_is_written_again(
    world: System,
) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    confirm(world)
    outage = world.sandbox.world.faults.add(
        "discourse", "PUT /groups/*", "status", times=None, status=502
    )
    world.subscribe(customer, price)
    work(world, 2 * MINUTE)
    assert NOT_YET in message_to(world, "alice")
    world.sandbox.world.faults.switches.remove(outage)
    work(world, 5 * MINUTE)
    assert world.members("supporters") == {"alice"}
    work(world, QUIET + MINUTE)
    assert NOT_YET not in message_to(world, "alice")
    assert IN in message_to(world, "alice")


def test_A120_what_moves_while_the_message_is_being_sent_is_told_too(world: System) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    confirm(world)
    faults = world.sandbox.world.faults
    outage = faults.add("discourse", "PUT /groups/*", "status", times=None, status=502)
    slow = faults.add("discourse", "POST /posts*", "slow", times=None, seconds=1.5)
    world.subscribe(customer, price)
    telling = threading.Thread(target=publisher.work_on, args=[world.bridge, world.user("alice")])
    work(world, 2, step=1)
    faults.switches.remove(outage)
    telling.start()
    world.advance(150)
    applier.work_on(world.bridge, world.group("supporters"))
    telling.join()
    faults.switches.remove(slow)
    work(world, QUIET + 5 * MINUTE)
    assert world.members("supporters") == {"alice"}
    assert IN in message_to(world, "alice")
    assert NOT_YET not in message_to(world, "alice")


def test_A120_a_membership_that_staff_ended_is_told_though_nothing_was_decided(
    world: System,
) -> None:
    price = world.price("supporters")
    world.subscribe(world.customer("alice"), price)
    confirm(world)
    assert IN in message_to(world, "alice")
    staff_remove(world, "supporters", "alice")
    work(world, QUIET + 20 * MINUTE)
    assert "A moderator removed you." in message_to(world, "alice")


def test_A120_a_message_that_is_right_is_not_edited(world: System) -> None:
    price = world.price("supporters")
    subscription = world.subscribe(world.customer("alice"), price)
    confirm(world)
    world.advance(2 * DAY)
    world.settle()
    mark = world.mark()
    world.sdk.v1.subscriptions.update(subscription.id, {"metadata": {"touched": "1"}})
    world.settle()
    world.advance(2 * DAY)
    world.settle()
    edits = [one for one in world.calls("discourse", mark) if one.method in {"PUT", "POST"}]
    assert edits == []


def test_A121_the_alert_on_a_forum_that_can_be_read_and_not_written_does_not_flicker(
    world: System,
) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    confirm(world)
    world.sandbox.world.faults.add("discourse", "PUT /groups/*", "status", times=None, status=403)
    world.subscribe(customer, price)
    until_told(world)
    for _ in range(60):
        world.advance(30)
        sweeper.tick(world.bridge)
        assert kinds(world) == ["forum_waits"]
    assert len(told(world)) == 1


def test_A121_a_rush_that_waits_for_our_own_limit_is_no_failure_of_the_forum(
    tmp_path: Path,
) -> None:
    with system(tmp_path, per_minute=8) as world:
        world.advance(2)
        price = world.price("supporters")
        world.settle()
        for number in range(12):
            user_id = world.user(f"member{number}")
            reference = sign_buyer(
                user_id, world.bridge.clock.now(), world.bridge.settings.secret_key
            )
            told_who = {"metadata": {"bridge_reference": reference}}
            world.subscribe(world.customer(None), price, **told_who)
        for _ in range(60):
            world.advance(15)
            sweeper.tick(world.bridge)
            assert open_alerts(world) == []
        assert len(world.members("supporters")) == 12


def test_A123_who_has_a_question_writes_to_the_moderators_by_the_link_in_the_statement(
    world: System,
) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    confirm(world)
    (posts,) = messages_to(world, "alice")
    link = re.search(r"\[Write to the moderators\]\((\S+)\)", posts[0].raw)
    assert link
    browser = mechanicalsoup.StatefulBrowser()
    browser.open(f"{world.bridge.settings.discourse_url}/login")
    browser.select_form('form[action$="/login"]:has(input[name="username"])')
    browser["username"] = "alice"
    browser.submit_selected()
    browser.open(link[1])
    browser.select_form('form[action$="/new-message"]')
    browser["raw"] = "Why does my membership end in May?"
    browser.submit_selected()
    forum = world.sandbox.forum
    moderators = forum.group_named("moderators")
    assert moderators
    (topic,) = messages_to_group(forum, moderators)
    asked = forum.posts[topic.post_ids[0]]
    assert (topic.title, asked.raw, asked.user_id) == (
        "Question about my membership",
        "Why does my membership end in May?",
        world.user("alice"),
    )
