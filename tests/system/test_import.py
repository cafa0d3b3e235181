"""A register from before the bridge is taken over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.discourse.people import add_user, rename
from tests.harness import System, system
from tests.system.acts import confirm, forum_user, log_of, pass_days
from tests.system.typing_commands import asked, typed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        it.price("supporters")
        it.group("pioneers")
        for name in ("alice", "bob", "carol"):
            it.user(name)
        it.settle()
        yield it


def in_days(world: System, days: float) -> str:
    return f"{world.bridge.clock.now() + timedelta(days=days):%Y-%m-%d}"


def write(tmp_path: Path, *lines: str) -> str:
    file = tmp_path / "register.csv"
    file.write_text("\n".join(["user,group,until,reason", *lines]))
    return str(file)


def fates(told: Any) -> list[str]:
    return [line["fate"] for line in told["lines"]]


def test_A66_only_current_memberships_enter_with_their_ends_and_twice_changes_nothing(
    world: System, tmp_path: Path
) -> None:
    file = write(
        tmp_path,
        f"Alice,supporters,{in_days(world, 2)},paid in 2025",
        f"bob,pioneers,{in_days(world, -30)},paid in 2024",
        f"{world.user('carol')},pioneers,,founder",
    )
    dry = asked(world, "import", file, "--by", "maria")
    assert fates(dry) == ["new", "over", "new"]
    world.settle()
    assert world.members("supporters") | world.members("pioneers") == set()
    assert fates(asked(world, "import", file, "--apply", "--by", "maria")) == fates(dry)
    confirm(world)
    assert world.members("supporters") == {"alice"}
    assert world.members("pioneers") == {"carol"}
    before = log_of(world, "alice")
    again = asked(world, "import", file, "--apply", "--by", "maria")
    assert fates(again) == ["known", "over", "known"]
    confirm(world)
    assert log_of(world, "alice") == before
    pass_days(world, 4)
    confirm(world)
    assert world.members("supporters") == set()
    assert world.members("pioneers") == {"carol"}


def test_A66_what_a_moderator_took_back_does_not_come_again(world: System, tmp_path: Path) -> None:
    file = write(tmp_path, "alice,pioneers,,founder")
    typed(world, "import", file, "--apply", "--by", "maria")
    (given,) = asked(world, "grant")
    typed(world, "revoke", given["id"], "--by", "maria")
    assert fates(asked(world, "import", file, "--apply", "--by", "maria")) == ["known"]
    confirm(world)
    assert world.members("pioneers") == set()


def test_A66_E54_a_name_that_another_has_now_leads_to_that_one(
    world: System, tmp_path: Path
) -> None:
    typed(world, "grant", "alice", "supporters", "--reason", "x", "--by", "maria")
    rename(world.sandbox.forum, forum_user(world, "alice"), "alicia")
    newcomer = add_user(
        world.sandbox.forum, "alice", "new@example.com", world.sandbox.world.clock.now()
    )
    file = write(tmp_path, "alice,pioneers,,")
    typed(world, "import", file, "--apply", "--by", "maria")
    world.settle()
    inside = world.sandbox.forum.groups[world.group("pioneers")].members
    assert set(inside) == {newcomer.id}


def test_A66_who_is_unknown_or_ambiguous_is_listed_and_nobody_is_guessed(
    world: System, tmp_path: Path
) -> None:
    file = write(
        tmp_path,
        "nobody,pioneers,,",
        "alice,nowhere,,",
        "alice,staff,,",
        "bob,pioneers,soon,",
        f"carol,pioneers,{in_days(world, 5)},",
        f"Carol,pioneers,{in_days(world, 9)},",
        "alice,pioneers,,founder",
    )
    told = json.loads(typed(world, "import", file, "--apply", "--by", "maria", "--json", code=1))
    assert fates(told) == [
        *("unknown user", "unknown group", "unknown group", "wrong"),
        *("ambiguous", "ambiguous", "new"),
    ]
    world.settle()
    assert world.members("pioneers") == {"alice"}
    assert "nobody" in typed(world, "import", file, "--by", "maria", code=1)


def test_a_file_without_its_columns_is_refused(world: System, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("name;place\nalice;pioneers\n")
    assert "no column user" in typed(world, "import", str(file), "--by", "maria", code=1)
