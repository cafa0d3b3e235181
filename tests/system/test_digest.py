"""The moderators' digest on the forum: once a period, with links, nothing of quiet days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.operations import grants
from bridge.sandbox.discourse.cooked import cook
from bridge.store import changes, groups, worklist_counts
from bridge.worker import digest
from tests.harness import DAY, OPERATOR, POLICY, System, system
from tests.system.acts import words

SITE = replace(POLICY, digest="daily")


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, policy=SITE, database_url=database_url) as it:
        it.group("guests")
        it.settle()
        yield it


def digests(world: System) -> list[str]:
    """The raw texts of the digests that moderators have, the oldest first."""
    forum = world.sandbox.forum
    found = [one for one in forum.topics.values() if "what waits" in one.title]
    return [forum.posts[one.post_ids[0]].raw for one in found]


def pass_a_day(world: System) -> None:
    world.advance(DAY + 60)
    digest.send(world.bridge)


def test_A37_moderators_are_told_daily_what_waits_and_what_happened_and_nothing_of_quiet_days(
    world: System,
) -> None:
    pass_a_day(world)
    assert digests(world) == [], "nothing happened"
    grants.grant(
        world.bridge, OPERATOR, world.user("alice"), "guests", until_at=None, reason="Speaker"
    )
    world.settle()
    pass_a_day(world)
    (told,) = digests(world)
    address = world.bridge.settings.bridge_url
    lines = cook(told)
    assert f'href="{address}/moderate/log?group={world.group("guests")}"' in lines
    assert f'href="{address}/moderate/log?kind=granted"' in lines
    assert "guests: 1 joined, 0 left" in words(lines)
    assert "Given by hand: 1" in words(lines)
    pass_a_day(world)
    assert len(digests(world)) == 1, "a quiet day again"


def test_a_digest_whose_answer_was_lost_is_not_sent_again(world: System) -> None:
    grants.grant(
        world.bridge, OPERATOR, world.user("alice"), "guests", until_at=None, reason="Speaker"
    )
    world.settle()
    world.sandbox.world.faults.add("discourse", "POST /posts*", "reset_after")
    world.advance(DAY + 60)
    with pytest.raises(Exception, match="POST /posts"):
        digest.send(world.bridge)
    world.advance(60)
    digest.send(world.bridge)
    assert len(digests(world)) == 1


def test_what_the_digest_counts_is_read_alike_from_both_databases(world: System) -> None:
    with world.bridge.store.read() as connection:
        before = changes.last_id(connection)
    for name in ("alice", "bob"):
        grants.grant(
            world.bridge, OPERATOR, world.user(name), "guests", until_at=None, reason="Speaker"
        )
    world.settle()
    with world.bridge.store.read() as connection:
        found = changes.counted(connection, after=before, until=changes.last_id(connection))
        names = groups.names_of_all(connection)
        assert sum(worklist_counts.counts(connection).values()) == 0
    by_people = {(o.action, names.get(o.group_id or 0), o.count) for o in found if o.by_person}
    assert ("granted", "guests", 2) in by_people
    assert all(one.count for one in found)
