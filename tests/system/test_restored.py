"""After a restored backup, the bridge finds its later additions on the forum."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from bridge.core.rules.policy import Policy
from bridge.sandbox.discourse.membership import remove_member
from bridge.store import changes
from bridge.store.schema.columns import metadata
from tests.harness import POLICY, System, system
from tests.system.acts import (
    checkout,
    confirm,
    membership,
    moves,
    pass_days,
    staff,
    staff_add,
    staff_remove,
    words,
)
from tests.system.test_console_registers import As, as_role
from tests.system.typing_commands import asked, typed

__all__ = ["as_role"]

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
    assert "added 1 person to supporters" in told[str(world.group("supporters"))]
    pioneers = told[str(world.group("pioneers"))]
    assert "added 2 people to pioneers" in pioneers
    assert "Without a right to the group: 2." in pioneers
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


def act_in_the_list(client: FlaskClient, kind: str, user_id: int, **fields: str) -> str:
    """Follow the link of somebody's row, see what it brings, and do it; the preview's words."""
    page = client.get(f"/moderate/lists/drift?kind={kind}").text
    row = next(one for one in page.split("<tr>") if f'/moderate/person/{user_id}"' in one)
    link = re.search(r'href="(/moderate/person/\d+/(?:adopt|lift|grant)[^"]*)"', row)
    assert link, row
    form = {**parse_qs(urlsplit(unescape(link[1])).query), "reason": "Looked at", **fields}
    return done_after_preview(client, unescape(link[1]), form)


def done_after_preview(client: FlaskClient, address: str, form: dict[str, Any]) -> str:
    seen = client.post(address, data=form).text
    reviewed = re.search(r'name="reviewed" value="(\w+)"', seen)
    assert reviewed, words(seen)
    answer = client.post(address, data=form | {"reviewed": reviewed[1]})
    assert answer.status_code == 303, words(answer.text)
    return words(seen)


def undo_last(client: FlaskClient, world: System, action: str) -> str:
    with world.bridge.store.read() as connection:
        (line,) = changes.page(connection, action=action, limit=1)
    form = {"change": str(line.id), "reason": "By mistake"}
    return done_after_preview(client, "/moderate/act/undo", form)


def test_A116_the_list_of_what_was_changed_by_hand_leads_to_adopt_lift_and_keep(
    world: System, as_role: As
) -> None:
    """Each after a preview, and each with an undo."""
    after_a_backup(world)
    staff_remove(world, "supporters", "alice")
    world.advance(3600)
    world.settle()
    client = as_role("moderator")
    client.application.config["WTF_CSRF_ENABLED"] = False

    assert "Stays in supporters" in act_in_the_list(client, "lost", world.user("bruno"))
    assert "Loses pioneers" in act_in_the_list(client, "lost", world.user("dirk"))
    assert membership(world, "bruno", "supporters").owned == "proven"
    assert "Stays in pioneers" in undo_last(client, world, "adopted")
    assert membership(world, "dirk", "pioneers").owned == "no"

    assert "Gains supporters" in act_in_the_list(client, "out", world.user("alice"))
    confirm(world)
    assert "alice" in world.members("supporters")

    kept = act_in_the_list(
        client, "in", world.user("erna"), until=f"{world.bridge.clock.now():%Y-%m-%d}"
    )
    assert "Stays in supporters until" in kept
    confirm(world)
    assert "Loses supporters" not in undo_last(client, world, "granted"), "others added them"
    confirm(world)
    confirm(world)
    assert world.members("supporters") == {"alice", "bruno", "erna"}
    assert world.members("pioneers") == {"carla", "dirk"}, "nobody took it over in the end"


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
