"""Accounts that change: suspended, anonymized, deleted, merged, created again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from bridge.sandbox.discourse.delivery import wait_until_idle
from bridge.sandbox.discourse.hooks import listen
from bridge.sandbox.discourse.people import add_user
from bridge.store.figures import figures
from tests.harness import System, system
from tests.system.acts import (
    checkout,
    confirm,
    forum_user,
    log_of,
    membership,
    messages_to,
    moves,
    pass_days,
    staff_add,
    staff_remove,
)
from tests.system.typing_commands import asked, typed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        secret = it.sandbox.info["discourse_webhook_secret"]
        listen(it.sandbox.forum, f"{it.url}/webhooks/discourse", secret)
        it.advance(2)
        yield it


def on_forum(world: System, method: str, path: str, **form: str) -> None:
    """Staff do something on the forum."""
    info = world.sandbox.info
    answer = requests.request(
        method,
        f"{info['discourse_url']}{path}",
        headers={"Api-Key": info["discourse_key"], "Api-Username": "system"},
        data=form,
        timeout=10,
    )
    assert answer.ok, answer.text[:300]
    assert wait_until_idle(world.sandbox.world)


def suspend(world: System, user: str, until: str = "2100-01-01T00:00:00Z") -> None:
    on_forum(
        world,
        "PUT",
        f"/admin/users/{world.user(user)}/suspend.json",
        suspend_until=until,
        reason="rude",
    )


def delete(world: System, user: str) -> None:
    on_forum(world, "DELETE", f"/admin/users/{world.user(user)}.json")


def merge(world: System, source: str, target: str) -> None:
    on_forum(world, "POST", f"/admin/users/{world.user(source)}/merge.json", target_username=target)
    world.advance(30)
    world.settle()


def anonymize(world: System, user: str) -> None:
    on_forum(world, "PUT", f"/admin/users/{world.user(user)}/anonymize.json")


def merge_into_another(world: System, user: str) -> None:
    world.user("another")
    merge(world, user, "another")


def figure(world: System, name: str) -> float:
    with world.bridge.store.read() as connection:
        found = {key: value for key, _, value in figures(connection, world.bridge.clock.now())}
    return found[name]


def sweep(world: System) -> None:
    """Let the next readings of groups, and of those who are absent, come."""
    world.advance(61 * 60)
    world.settle()


# --- Suspended ------------------------------------------------------------------------------------


def test_E58_for_who_is_suspended_nothing_is_written_and_all_follows_afterwards(
    world: System,
) -> None:
    low, high = world.price("supporters"), world.price("patrons")
    customer = world.customer("alice")
    ending = world.subscribe(customer, low)
    world.settle()
    suspend(world, "alice")
    world.settle()
    assert "account_suspended" in log_of(world, "alice")
    mark = world.mark()
    world.subscribe(customer, high)
    world.sdk.v1.subscriptions.cancel(ending.id)
    confirm(world)
    # But for the moderators: somebody pays and cannot have it.
    assert [c.path for c in world.calls("discourse", mark) if c.method != "GET"] == ["/posts.json"]
    (alert,) = asked(world, "alerts")
    assert alert["what"].startswith(f"alice (id:{world.user('alice')}) is suspended")
    assert world.groups_of("alice") == {"supporters"}
    assert figure(world, "bridge_paying_suspended") == 1
    on_forum(world, "PUT", f"/admin/users/{world.user('alice')}/unsuspend.json")
    confirm(world)
    assert world.groups_of("alice") == {"patrons"}
    assert figure(world, "bridge_paying_suspended") == 0


def test_E58_a_suspension_that_ends_by_itself_is_noticed(world: System) -> None:
    customer = world.customer("alice")
    suspend(world, "alice")
    world.subscribe(customer, world.price("supporters"))
    world.settle()
    assert world.groups_of("alice") == set()
    alice = forum_user(world, "alice")
    alice.suspended_at = alice.suspended_till = None
    pass_days(world, 0.1)
    assert world.groups_of("alice") == {"supporters"}
    assert "account_back" in log_of(world, "alice")


# --- Anonymous, deleted ---------------------------------------------------------------------------


def test_E58_who_was_made_anonymous_keeps_the_groups_and_is_an_alert_while_paying(
    world: System,
) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    on_forum(world, "PUT", f"/admin/users/{world.user('alice')}/anonymize.json")
    world.settle()
    assert figure(world, "bridge_paying_without_account") == 1
    assert moves(world, "alice", "supporters") == ["in"]
    sweep(world)
    assert figure(world, "bridge_paying_without_account") == 1
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in", "out"]
    assert figure(world, "bridge_paying_without_account") == 0


def test_E58_a_deleted_account_is_held_and_is_an_alert_while_its_billing_goes_on(
    world: System,
) -> None:
    price = world.price("supporters", interval="day")
    subscription = world.subscribe(world.customer("alice"), price)
    world.settle()
    delete(world, "alice")
    world.settle()
    mark = world.mark()
    pass_days(world, 2.5)
    assert figure(world, "bridge_paying_without_account") == 1
    assert [c.path for c in world.calls("discourse", mark) if c.method != "GET"] == ["/posts.json"]
    (alert,) = asked(world, "alerts")
    assert alert["kind"] == "pays_without_account"
    assert f"bridge relink id:{world.user('alice')} USER" in alert["todo"]
    told = asked(world, "explain", f"id:{world.user('alice')}")
    assert [one["wanted"] for one in told["groups"]] == [True]
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    assert figure(world, "bridge_paying_without_account") == 0


def test_E58_a_deletion_that_nobody_reported_is_found_by_the_sweep(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    world.sandbox.forum.hooks.clear()
    delete(world, "alice")
    sweep(world)
    assert figure(world, "bridge_paying_without_account") == 1


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (suspend, "pays_suspended"),
        (anonymize, "pays_without_account"),
        (delete, "pays_without_account"),
        (merge_into_another, "pays_without_account"),
    ],
)
def test_A115_without_the_forums_webhook_it_is_known_and_alerted_within_a_day(
    world: System, change: Callable[[System, str], None], kind: str
) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.subscribe(world.customer("bob"), world.price("supporters"))
    world.settle()
    world.sandbox.forum.hooks.clear()
    change(world, "alice")
    pass_days(world, 1.1)
    assert [one["kind"] for one in asked(world, "alerts")] == [kind]


# --- Merged, made anew ----------------------------------------------------------------------------


def test_E58_after_a_merge_all_follows_to_the_other_account_on_an_operators_word(
    world: System,
) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.user("alicia")
    world.settle()
    alice = world.user("alice")
    merge(world, "alice", "alicia")
    assert world.groups_of("alicia") == {"supporters"}
    sweep(world)
    assert figure(world, "bridge_paying_without_account") == 1
    move = ("relink", f"id:{alice}", "alicia", "--by", "maria")
    seen = {(one["user_id"], one["turn"]) for one in asked(world, *move, "--preview")["effects"]}
    assert seen == {(world.user("alicia"), "stays in")}
    assert figure(world, "bridge_paying_without_account") == 1, "a preview moves nothing"
    told = asked(world, *move)
    assert len(told["customers"]) == 1
    world.settle()
    assert figure(world, "bridge_paying_without_account") == 0
    assert membership(world, "alicia", "supporters").owned == "proven"
    statement = messages_to(world, "alicia")[-1][0]
    assert "€10\\.00" in statement.raw
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    assert world.groups_of("alicia") == set()


def test_E58_a_merge_that_is_told_at_once_is_the_same(world: System) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.user("alicia")
    world.settle()
    merge(world, "alice", "alicia")
    typed(world, "relink", f"id:{world.user('alice')}", "alicia", "--by", "maria")
    confirm(world)
    assert world.groups_of("alicia") == {"supporters"}
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    assert world.groups_of("alicia") == set()


def test_E58_I5_what_the_other_account_had_before_the_merge_stays_its_own(
    world: System,
) -> None:
    price = world.price("supporters")
    staff_add(world, "supporters", "alicia")
    subscription = world.subscribe(world.customer("alice"), price)
    sweep(world)
    merge(world, "alice", "alicia")
    sweep(world)
    typed(world, "relink", f"id:{world.user('alice')}", "alicia", "--by", "maria")
    world.settle()
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    sweep(world)
    assert moves(world, "alicia", "supporters") == ["in"]


def test_A11_E58_who_comes_back_with_a_new_account_is_known_by_an_operators_word_alone(
    world: System,
) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.group("pioneers")
    world.settle()
    typed(world, "grant", "alice", "pioneers", "--reason", "x", "--by", "maria")
    world.settle()
    old = world.user("alice")
    delete(world, "alice")
    world.settle()
    del world.users["alice"]
    made = add_user(
        world.sandbox.forum, "alice", "alice@example.com", world.sandbox.world.clock.now()
    )
    world.users["alice"] = made.id
    sweep(world)
    assert world.groups_of("alice") == set()
    move = ("relink", f"id:{old}", "alice", "--by", "maria")
    for _ in range(2):  # a preview changes nothing
        seen = asked(world, *move, "--preview")["effects"]
        gained = {
            one["group"] for one in seen if (one["user_id"], one["turn"]) == (made.id, "gains")
        }
        assert gained == {"supporters", "pioneers"}
    typed(world, *move)
    world.settle()
    assert world.groups_of("alice") == gained
    back = asked(world, "unrelink", f"id:{old}", "--by", "maria", "--preview", code=1)
    assert "no user with the id" in str(back)


def test_E58_an_old_reference_leads_to_the_account_that_followed(world: System) -> None:
    price, other = world.price("supporters"), world.price("patrons")
    session = checkout(world, "alice", price)
    world.settle()
    old = world.user("alice")
    reference = session.client_reference_id
    world.user("alicia")
    merge(world, "alice", "alicia")
    typed(world, "relink", f"id:{old}", "alicia", "--by", "maria")
    checkout(world, None, other, client_reference_id=reference)
    world.settle()
    assert world.groups_of("alicia") == {"supporters", "patrons"}


def test_E59_whom_staff_took_out_stays_out_under_the_other_account_too(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.user("alicia")
    world.settle()
    staff_remove(world, "supporters", "alice")
    sweep(world)
    merge(world, "alice", "alicia")
    typed(world, "relink", f"id:{world.user('alice')}", "alicia", "--by", "maria")
    sweep(world)
    assert world.groups_of("alicia") == set()
    assert membership(world, "alicia", "supporters").override == "staff"


def test_relinking_to_nobody_or_to_the_same_is_refused(world: System) -> None:
    alice = f"id:{world.user('alice')}"
    typed(world, "relink", alice, "nobody-of-that-name", "--by", "maria", code=1)
    assert "same account" in typed(world, "relink", alice, alice, "--by", "maria", code=1)
    typed(world, "relink", alice, "alice", code=2)
