"""A refusal reads alike in a command, in the console and in the API; commands add a hint."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import get_args

import pytest
from click.testing import CliRunner

from bridge import cli
from bridge.commands.hints import HINTS, hint_of
from bridge.errors import Config, Forbidden, NotFound, Permanent, Transient, Way
from tests.house.sources import BRIDGE, modules, source, tree

TYPED = re.compile(r"\bbridge (?:[a-z]+ )?--|`bridge |(?<![\w-])--[a-z]")
"""A command or an option."""
REFUSES = re.compile(
    r"Permanent|NotFound|Twice|Stop|Impossible|NotAName|\w*Refused|Transient|ValueError|checked_words"
)
# Commands speak of commands; `Config` has a hint of its own, and readers of formats know neither.
ROOMS = ("core", "operations", "answers", "store", "stripe_api", "discourse_api", "worker", "web")


def refusals(code: ast.AST) -> Iterator[str]:
    """The words of each error that is made."""
    for node in ast.walk(code):
        if isinstance(node, ast.Call) and REFUSES.fullmatch(getattr(node.func, "id", "")):
            yield " ".join(
                one.value
                for one in ast.walk(node)
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )


def test_words_that_name_a_command_are_found() -> None:
    assert [*refusals(ast.parse("raise NotFound(f'no {x}: `bridge grant` lists all')"))]
    for words in ("`bridge grant` lists all", "say so: --again", "use bridge link --by"):
        assert TYPED.search(words)
    assert not TYPED.search("the bridge has never seen it --- try again")


def refused_with(pattern: re.Pattern[str]) -> set[str]:
    """The refusals of all rooms that have such words."""
    return {
        f"{path.relative_to(BRIDGE)}: {words}"
        for room in ROOMS
        for path in modules(room)
        for words in refusals(tree(path))
        if pattern.search(words)
    }


def test_no_refusal_of_an_operation_names_a_command_or_an_option() -> None:
    assert refused_with(TYPED) == set()


def test_people_are_said_as_ids_in_refusals_so_that_pages_can_name_them() -> None:
    assert refused_with(re.compile(r"\buser %\(\w+\)")) == set()


def test_each_way_out_of_a_refusal_has_a_hint_for_commands_and_is_used() -> None:
    assert HINTS.keys() == set(get_args(Way))
    sources = [source(path) for room in ("core", "operations") for path in modules(room)]
    unused = {way for way in HINTS if not any(f'"{way}"' in one for one in sources)}
    assert unused == set()


def test_commands_add_the_hint_to_the_words_that_everybody_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise NotFound("no grant grant:1 is in force", "grants")

    monkeypatch.setattr("click.Group.invoke", refuse)
    for arguments, hint in (
        (["revoke", "grant:1"], "in force\n     `bridge grant` lists all grants"),
        (["revoke", "grant:1", "--json"], '"hint": "`bridge grant` lists all grants'),
    ):
        assert hint in CliRunner().invoke(cli.main, arguments).output


@pytest.mark.parametrize(
    "error",
    [Permanent("no"), Forbidden("no", "x"), Transient("later"), Config("B1", "no", "Do.")],
)
def test_other_errors_have_no_hint_of_this_kind(error: Permanent) -> None:
    assert hint_of(error) == ""
