"""A member takes a name that could be read as somebody else's id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.web import create_app
from tests.harness import System, system
from tests.system.acts import confirm
from tests.system.typing_commands import asked, typed

TOKEN = "a-token-of-the-door-that-is-long-enough"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        it.subscribe(it.customer("alice"), it.price("supporters"))
        it.group("pioneers")
        confirm(it)
        yield it


def taker(world: System) -> str:
    """Somebody whose name is alice's id."""
    name = str(world.user("alice"))
    world.user(name)
    return name


def ask(world: System, path: str) -> tuple[int, Any]:
    settings = replace(world.bridge.settings, standing_tokens=(TOKEN,))
    door = create_app(replace(world.bridge, settings=settings)).test_client()
    answer = door.get(f"/standing/{path}", headers={"Authorization": f"Bearer {TOKEN}"})
    return answer.status_code, answer.get_json()


def test_A113_a_door_that_asks_for_digits_asks_for_a_name(world: System) -> None:
    alice = world.user("alice")
    assert ask(world, str(alice))[0] == 404
    name = taker(world)
    world.link(world.customer(None), name)
    confirm(world)
    status, told = ask(world, name)
    assert (status, told["user_id"], told["standing"]) == (200, world.user(name), "bad")
    for path in (f"id/{alice}", f"id:{alice}"):
        status, told = ask(world, path)
        assert (status, told["user_id"], told["standing"]) == (200, alice, "good")


NO_NAMES = ("²", "%20", "", "x" * 300, "a%00b", "a%1Bb", "id/", "id/0", "id/²", "id/twelve", "id:")


def test_A113_a_door_that_asks_for_no_name_is_told_how_to_ask(
    world: System, subtests: pytest.Subtests
) -> None:
    for path in NO_NAMES:
        with subtests.test(path):
            status, told = ask(world, path)
            assert status == 400
            assert "write" in told["error"] or "names have" in told["error"]
            assert told["error"].isprintable()


def test_A113_a_command_refuses_digits_that_could_be_a_name_or_an_id(world: System) -> None:
    alice = world.user("alice")
    only_id = typed(world, "explain", str(alice), code=1)
    assert f"id:{alice}" in only_id
    name = taker(world)
    paid = ("--amount", "5", "--currency", "eur", "--what", "x", "--method", "cash")
    for words in (
        ("explain", name),
        ("record-payment", name, *paid, "--by", "maria"),
        ("grant", name, "pioneers", "--reason", "x", "--by", "maria"),
        ("grant", "alice", "pioneers", "--reason", "x", "--by", name),
    ):
        refused = typed(world, *words, code=1)
        assert f"name:{name}" in refused
        assert f"id:{name}" in refused
    assert asked(world, "explain", f"id:{name}")["username"] == "alice"
    assert asked(world, "explain", f"name:{name}")["user_id"] == world.user(name)


def test_A113_a_register_with_digits_gives_nobody_a_group_by_mistake(
    world: System, tmp_path: Path
) -> None:
    name = taker(world)
    world.user("777777")
    file = tmp_path / "register.csv"
    lines = [f"{name},pioneers", f"id:{name},pioneers", f"name:{name},pioneers", "777777,pioneers"]
    file.write_text(
        "\n".join(["user,group", *lines, "²,pioneers", f"alice,{world.group('pioneers')}"])
    )
    told = asked(world, "import", str(file), "--by", "maria", "--apply", code=1)
    fates = [line["fate"] for line in told["lines"]]
    assert fates == ["ambiguous", "new", "new", "new", "ambiguous", "unknown group"]
    confirm(world)
    assert world.members("pioneers") == {"alice", name, "777777"}


def test_A113_a_group_is_said_by_name_or_by_id_and_never_guessed(world: System) -> None:
    pioneers = world.group("pioneers")
    words = ("--reason", "x", "--by", "maria")
    assert f"id:{pioneers}" in typed(world, "grant", "alice", str(pioneers), *words, code=1)
    told = asked(world, "grant", "alice", f"id:{pioneers}", *words)
    assert told["group_id"] == pioneers
    world.group(str(pioneers))
    asked(world, "sync", "--all")
    assert "could be" in typed(world, "grant", "alice", str(pioneers), *words, code=1)


def test_A148_who_decides_has_to_be_somebody_on_the_forum(world: System) -> None:
    words = ("grant", "alice", "pioneers", "--reason", "x", "--by")
    refused = typed(world, *words, "no-such-person", code=1)
    assert "--by" in refused
    assert "no-such-person" in refused
    assert asked(world, "grant") == []
