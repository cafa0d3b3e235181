"""The database is restored from a backup: what the bridge did since is found again on the forum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.core.rules.policy import Policy
from bridge.sandbox.discourse.membership import add_member, remove_member
from bridge.store.schema.columns import metadata
from tests.harness import POLICY, System, system
from tests.system.acts import checkout, confirm, membership, moves, pass_days, staff
from tests.system.typing_commands import asked, typed

BY = ("--by", "maria")
Backup = dict[str, list[dict[str, Any]]]


@pytest.fixture
def policy() -> Policy:
    return POLICY


@pytest.fixture
def world(tmp_path: Path, database_url: str, policy: Policy) -> Iterator[System]:
    with system(tmp_path, database_url=database_url, policy=policy) as it:
        it.advance(2)
        yield it


def backup(world: System) -> Backup:
    with world.bridge.store.read() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(table.select()).mappings()]
            for table in metadata.sorted_tables
        }


def restore(world: System, kept: Backup) -> None:
    with world.bridge.store.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        for table in metadata.sorted_tables:
            if kept[table.name]:
                connection.execute(table.insert(), kept[table.name])


def staff_add(world: System, group: str, user: str) -> None:
    forum, now = world.sandbox.forum, world.sandbox.world.clock.now()
    member = forum.users[world.user(user)]
    add_member(forum, forum.groups[world.group(group)], member, staff(world), now)


def after_a_backup(world: System) -> Any:
    """Alice is in; then, lost with the restoration: bruno buys, carla and dirk are given pioneers,

    and staff add erna. Returns bruno's subscription.
    """
    world.group("pioneers")
    price = world.price("supporters")
    for user in ("carla", "dirk", "erna"):
        world.user(user)
    world.subscribe(world.customer("alice"), price)
    world.settle()
    kept = backup(world)
    world.advance(3600)
    session = checkout(world, "bruno", price)
    reason = ("--reason", "helped at the fair")
    typed(world, "grant", "carla", "pioneers", *reason, *BY)
    typed(world, "grant", "dirk", "pioneers", *reason, *BY)
    staff_add(world, "supporters", "erna")
    confirm(world)
    assert world.members("supporters") == {"alice", "bruno", "erna"}
    assert world.members("pioneers") == {"carla", "dirk"}
    restore(world, kept)
    typed(world, "sync", "--all")
    pass_days(world, 2.1)
    return session.subscription


def test_A116_after_a_restored_backup_own_additions_are_shown_alerted_and_adopted(
    world: System,
) -> None:
    subscription = after_a_backup(world)
    assert world.members("supporters") == {"alice", "bruno", "erna"}
    assert world.members("pioneers") == {"carla", "dirk"}, "nobody goes before a look"
    told = {one["subject"]: one["what"] for one in asked(world, "alerts")}
    assert "(added: 1; without a right to the group: 0)" in told[str(world.group("supporters"))]
    assert "(added: 2; without a right to the group: 2)" in told[str(world.group("pioneers"))]
    effects = asked(world, "adopt", "--preview")["effects"]
    assert {(one["user_id"], one["turn"]) for one in effects} == {
        (world.user("bruno"), "stays in"),
        (world.user("carla"), "loses"),
        (world.user("dirk"), "loses"),
    }
    assert ["by hand" in one["because"] for one in effects].count(True) == 2
    explained = typed(world, "explain", "dirk")
    assert "record of it is lost" in explained
    assert "never removed" not in explained
    typed(world, "grant", "carla", "pioneers", "--reason", "again", *BY)
    assert len(asked(world, "adopt", *BY)["adopted"]) == 3
    assert asked(world, "adopt", "--preview")["effects"] == []
    typed(world, "adopt", *BY, code=1)
    confirm(world)
    confirm(world)
    assert world.members("pioneers") == {"carla"}
    assert world.members("supporters") == {"alice", "bruno", "erna"}
    assert asked(world, "alerts") == []
    world.sdk.v1.subscriptions.cancel(subscription)
    confirm(world)
    pass_days(world, 1)
    assert moves(world, "bruno", "supporters") == ["in", "out"]
    assert moves(world, "erna", "supporters") == ["in"]


def test_A116_one_group_or_one_member_is_adopted_alone(world: System) -> None:
    after_a_backup(world)
    adopted = asked(world, "adopt", "pioneers", "--user", "dirk", *BY)["adopted"]
    assert [one["user_id"] for one in adopted] == [world.user("dirk")]
    confirm(world)
    confirm(world)
    assert world.members("pioneers") == {"carla"}
    assert membership(world, "bruno", "supporters").owned == "no"
    typed(world, "adopt", "nowhere", *BY, code=1)


@pytest.mark.parametrize("policy", [replace(POLICY, adopt="automatically")])
def test_A116_where_nobody_else_uses_the_bridges_user_adoption_is_automatic(
    world: System,
) -> None:
    after_a_backup(world)
    confirm(world)
    assert world.members("supporters") == {"alice", "bruno", "erna"}
    assert membership(world, "bruno", "supporters").owned == "proven"
    assert world.members("pioneers") == set()


def test_A116_I5_whom_staff_put_in_again_since_is_not_the_bridges(world: System) -> None:
    price = world.price("supporters")
    kept = backup(world)
    subscription = world.subscribe(world.customer("bruno"), price)
    confirm(world)
    forum = world.sandbox.forum
    group = forum.groups[world.group("supporters")]
    bruno, now = forum.users[world.user("bruno")], world.sandbox.world.clock.now
    remove_member(forum, group, bruno, staff(world), now())
    world.advance(600)
    staff_add(world, "supporters", "bruno")
    restore(world, kept)
    typed(world, "sync", "--all")
    pass_days(world, 1.1)
    assert asked(world, "adopt", "--preview")["effects"] == []
    world.sdk.v1.subscriptions.cancel(subscription.id)
    pass_days(world, 1.1)
    assert moves(world, "bruno", "supporters") == ["in", "out", "in"]
